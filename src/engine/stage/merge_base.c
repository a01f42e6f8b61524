/* merge_base.c -- owns the values of base: noted at the end of the import, or
 * the old statement's value evaluated aside. In: old statements. Out: values.
 */
#include "merge_parts.h"

static const char *const safe_builtins[] = {
    "abs", "bin", "bool", "bytes", "chr", "complex", "dict", "divmod",
    "enumerate", "float", "frozenset", "hex", "int", "len", "list", "max",
    "min", "oct", "ord", "pow", "range", "repr", "reversed", "round", "set",
    "slice", "sorted", "str", "sum", "tuple", "zip", "True", "False", "None",
};

static bool
is_safe_builtin(PyObject *name)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(safe_builtins); i++) {
        if (PyUnicode_CompareWithASCIIString(name, safe_builtins[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* May the old statement be evaluated aside: constants, containers, operators,
 * comprehensions and builtins without effect. Plain names may be anything as
 * long as nothing is done with them. */
static bool
is_evaluable(struct mf_names *names, PyObject *base)
{
    if (names->imports || names->sets_attrs || names->stores_items ||
        PySet_GET_SIZE(names->attrs) > 0) {
        return false;
    }
    if (!names->calls && !names->operates) {
        return true;
    }
    PyObject *name, *iter = PyObject_GetIter(names->loads);
    bool yes = iter != NULL;
    while (yes && (name = PyIter_Next(iter)) != NULL) {
        yes = is_safe_builtin(name) ||
              (base != NULL && PyDict_GetItemWithError(base, name) != NULL);
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    PyErr_Clear();
    return yes;
}

/* What the old statement gave for a name, evaluated aside. New reference, or
 * NULL without exception if it cannot be known. */
static PyObject *
evaluate_base(struct mf_target *target, uint32_t parent, PyObject *name)
{
    struct mf_diff *diff = &target->change->diff;
    PyObject *value = NULL;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *delta = &diff->deltas[i];
        if (delta->parent != parent || delta->old_unit == MF_UNIT_NONE) {
            continue;
        }
        const struct mf_unit *u = &diff->old_of.split->units[delta->old_unit];
        if (u->kind != MF_UNIT_OTHER) {
            continue;
        }
        Py_ssize_t len;
        const char *word = PyUnicode_AsUTF8AndSize(name, &len);
        if (word == NULL || !mf_diff_may_bind(u, word, (size_t)len)) {
            continue;
        }
        struct mf_names names;
        if (mf_diff_old_names(diff, delta, &names) < 0) {
            PyErr_Clear();
            mf_names_clear(&names);
            continue;
        }
        bool binds = PySet_Contains(names.stores, name) == 1;
        bool fine = binds && is_evaluable(&names, target->module->base);
        mf_names_clear(&names);
        if (!binds) {
            continue;
        }
        Py_CLEAR(value);
        if (!fine) {
            continue;
        }
        PyObject *space = PyDict_Copy(target->module->dict);
        PyObject *code = mf_diff_old_code(diff, delta);
        PyObject *scope =
            code ? mf_compile_member_scope(code, diff->old_of.text,
                                           diff->old_of.split,
                                           delta->old_unit)
                 : NULL;
        if (space != NULL && scope != NULL &&
            (target->module->base == NULL ||
             PyDict_Update(space, target->module->base) == 0)) {
            PyObject *local = scope == code ? Py_NewRef(space) : PyDict_New();
            PyObject *done =
                local ? PyEval_EvalCode(scope, space, local) : NULL;
            if (done != NULL) {
                value = Py_XNewRef(PyDict_GetItemWithError(local, name));
            }
            Py_XDECREF(done);
            Py_XDECREF(local);
        }
        Py_XDECREF(space);
        PyErr_Clear();
    }
    return value;
}

/* The value of base for a module name (cls_name NULL) or a class attribute. */
PyObject *
mf_merge_find_base(struct mf_target *target, uint32_t parent, PyObject *cls_name,
          PyObject *name)
{
    PyObject *notes = target->module->base, *noted = NULL;
    if (notes != NULL) {
        PyObject *key = cls_name
                            ? PyUnicode_FromFormat("%U.%U", cls_name, name)
                            : Py_NewRef(name);
        noted = key ? Py_XNewRef(PyDict_GetItemWithError(notes, key)) : NULL;
        Py_XDECREF(key);
    }
    PyErr_Clear();
    return noted || target->module->unsure
               ? noted
               : evaluate_base(target, parent, name);
}
