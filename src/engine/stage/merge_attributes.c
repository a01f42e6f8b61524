/* merge_attributes.c -- owns the question which attributes of a function or
 * class go, because the statement that makes it does not give them any more.
 * In: what lives, notes of base, the new text. Out: yes or no.
 */
#include "merge_parts.h"

/* Was it there when the import ended? */
static bool
is_noted(struct mf_target *target, PyObject *owner, PyObject *name)
{
    PyObject *key = target->module->base
                        ? PyUnicode_FromFormat("%U.%U", owner, name)
                        : NULL;
    bool yes = key != NULL &&
               PyDict_GetItemWithError(target->module->base, key) != NULL;
    Py_XDECREF(key);
    PyErr_Clear();
    return yes;
}

/* Names of the language's own that decorators and metaclasses set: all but
 * functions of the program, which some statement may have put there. */
static bool
is_made(PyObject *name, PyObject *value)
{
    struct mf_state *state = mf_state_get();
    if (!mf_source_is_dunder(name)) {
        return false;
    }
    if (!PyFunction_Check(value)) {
        return true;
    }
    PyObject *code = PyFunction_GET_CODE(value);
    bool own = state != NULL &&
               mf_source_find(state, ((PyCodeObject *)code)->co_filename) !=
                   NULL;
    PyErr_Clear();
    return !own;
}

/* Does another statement of the new text set it: f.name = ...? */
static bool
is_set_elsewhere(struct mf_change *change, PyObject *owner, PyObject *name)
{
    struct mf_diff *diff = &change->diff;
    Py_ssize_t dot = PyUnicode_FindChar(owner, '.', 0,
                                        PyUnicode_GET_LENGTH(owner), 1);
    PyObject *root = dot > 0 ? PyUnicode_Substring(owner, 0, dot)
                             : Py_NewRef(owner);
    Py_ssize_t len = 0;
    const char *word = root ? PyUnicode_AsUTF8AndSize(name, &len) : NULL;
    bool yes = false;
    for (uint32_t i = 0; word != NULL && !yes && i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != MF_UNIT_NONE || d->new_unit == MF_UNIT_NONE ||
            diff->new_of.split->units[d->new_unit].name_len > 0 ||
            !mf_diff_may_bind(&diff->new_of.split->units[d->new_unit], word,
                              (size_t)len)) {
            continue;
        }
        struct mf_names *names = mf_diff_names(diff, d);
        yes = names != NULL && names->sets_attrs &&
              PySet_Contains(names->attrs, name) == 1 &&
              PySet_Contains(names->loads, root) == 1;
    }
    Py_XDECREF(root);
    PyErr_Clear();
    return yes;
}

bool
mf_merge_attribute_goes(struct mf_target *target, PyObject *owner,
                        PyObject *name, PyObject *value)
{
    return (is_noted(target, owner, name) || is_made(name, value)) &&
           !is_set_elsewhere(target->change, owner, name);
}

/* The name under which the module or a class of it has the function. */
static bool
is_found(PyObject *dict, PyFunctionObject *func)
{
    Py_ssize_t from = 0, n = PyUnicode_GET_LENGTH(func->func_qualname);
    PyObject *found = NULL;
    while (from <= n) {
        Py_ssize_t dot = PyUnicode_FindChar(func->func_qualname, '.', from, n,
                                            1);
        PyObject *part = PyUnicode_Substring(func->func_qualname, from,
                                             dot < 0 ? n : dot);
        found = part ? PyDict_GetItemWithError(dict, part) : NULL;
        Py_XDECREF(part);
        if (found == NULL || dot < 0 || !PyType_Check(found)) {
            from = dot < 0 ? from : n + 1;
            break;
        }
        dict = ((PyTypeObject *)found)->tp_dict;
        from = dot + 1;
    }
    PyErr_Clear();
    return from <= n && found == (PyObject *)func;
}

/* Attributes that the program has set on the function at run time stay, and
 * those that other statements have set. */
int
mf_merge_keep_attributes(struct mf_merge *merge, struct mf_pair *pair)
{
    PyFunctionObject *old_func = (PyFunctionObject *)pair->old_obj;
    PyFunctionObject *new_func = (PyFunctionObject *)pair->new_obj;
    PyObject *key, *value, *owner = old_func->func_qualname;
    Py_ssize_t pos = 0;
    bool known = pair->target != NULL &&
                 is_found(pair->target->module->dict, old_func);
    while (known && new_func->func_dict != NULL &&
           PyDict_Next(new_func->func_dict, &pos, &key, &value)) {
        if (PyUnicode_Check(key) && !mf_source_is_dunder(key) &&
            !is_noted(pair->target, owner, key) &&
            mf_merge_note_new_base(merge, pair->target->module, owner, key,
                                   value) < 0) {
            return -1;
        }
    }
    pos = 0;
    while (old_func->func_dict != NULL &&
           PyDict_Next(old_func->func_dict, &pos, &key, &value)) {
        if (!PyUnicode_Check(key) ||
            PyUnicode_CompareWithASCIIString(key, "__wrapped__") == 0) {
            continue;
        }
        if (new_func->func_dict == NULL &&
            (new_func->func_dict = PyDict_New()) == NULL) {
            return -1;
        }
        PyObject *own = PyDict_GetItemWithError(new_func->func_dict, key);
        if (PyErr_Occurred()) {
            return -1;
        }
        if (own == NULL &&
            !(known &&
              mf_merge_attribute_goes(pair->target, owner, key, value)) &&
            PyDict_SetItem(new_func->func_dict, key, value) < 0) {
            return -1;
        }
    }
    return 0;
}
