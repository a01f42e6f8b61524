/* merge_base.c -- owns the values of base: noted at the end of the import, or
 * the old statement's value evaluated aside. In: old statements. Out: values.
 */
#include "merge_parts.h"

enum { DEEPEST = 8 }; /* names that names are evaluated from */

static PyObject *base_of(struct mf_target *target, PyObject *name, int depth);

/* What a module gave a name: noted at the end of its import. New reference or
 * NULL without exception. */
static PyObject *
noted_in(struct mf_module *module, PyObject *name)
{
    PyObject *noted =
        module->base ? PyDict_GetItemWithError(module->base, name) : NULL;
    PyErr_Clear();
    return Py_XNewRef(noted);
}

/* The module of an import edge, if it takes part: borrowed or NULL. */
static struct mf_module *
module_named(PyObject *name)
{
    struct mf_state *state = mf_state_get();
    PyObject *entry =
        PyDict_GetItemWithError(PyImport_GetModuleDict(), name);
    PyObject *dict = entry && PyModule_Check(entry) ? PyModule_GetDict(entry)
                                                    : NULL;
    PyObject *file = dict ? PyDict_GetItemString(dict, "__file__") : NULL;
    PyObject *path = file && PyUnicode_Check(file) ? mf_source_absolute(file)
                                                   : NULL;
    struct mf_source *source =
        state && path ? mf_source_find(state, path) : NULL;
    Py_XDECREF(path);
    PyErr_Clear();
    for (size_t i = 0; source != NULL && i < source->modules.len; i++) {
        struct mf_module *module = source->modules.items[i];
        if (module->dict == dict) {
            return module;
        }
    }
    return NULL;
}

/* What the old text took from another module under this name. */
static PyObject *
imported_base(struct mf_target *target, PyObject *name)
{
    struct mf_change *change = target->change;
    struct mf_edges *edges = change->kind == MF_CHANGE_EDITED
                                 ? &change->old_edges
                                 : &change->edges;
    PyObject *found = NULL;
    for (uint32_t i = 0; i < edges->len; i++) {
        struct mf_edge *edge = &edges->items[i];
        bool star = edge->as == NULL && edge->name != NULL;
        if (edge->nested || edge->name == NULL ||
            (!star && PyUnicode_Compare(edge->as, name) != 0)) {
            continue;
        }
        struct mf_module *from = module_named(edge->module);
        PyObject *value = from ? noted_in(from, star ? name : edge->name)
                               : NULL;
        if (value != NULL || !star) {
            Py_XSETREF(found, value);
        }
    }
    return found;
}

/* May the old statement be evaluated aside: constants, containers, operators,
 * comprehensions and builtins without effect. Plain names may be anything as
 * long as nothing is done with them; else their own base must be known: it
 * goes into `inputs`. `own`: a name that needs none. */
static bool
is_evaluable(struct mf_target *target, struct mf_names *names, int depth,
             PyObject *inputs, PyObject *own)
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
        if (!mf_plan_is_safe_builtin(name) &&
            (own == NULL || PyUnicode_Compare(name, own) != 0)) {
            PyObject *value = base_of(target, name, depth);
            yes = value != NULL && PyDict_SetItem(inputs, name, value) == 0;
            Py_XDECREF(value);
        }
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    PyErr_Clear();
    return yes;
}

/* What the old statement gave for a name, evaluated aside. New reference, or
 * NULL without exception if it cannot be known. */
static PyObject *
evaluate_base(struct mf_target *target, uint32_t parent, PyObject *name,
              int depth)
{
    struct mf_diff *diff = &target->change->diff;
    PyObject *value = NULL, *inputs = PyDict_New();
    if (inputs == NULL) {
        PyErr_Clear();
        return NULL;
    }
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
        bool again = binds && PySet_Contains(names.loads, name) == 1;
        bool fine = binds && is_evaluable(target, &names, depth, inputs,
                                          again ? name : NULL) &&
                    (!again || value != NULL);
        mf_names_clear(&names);
        if (!binds) {
            continue;
        }
        if (fine && again && PyDict_SetItem(inputs, name, value) < 0) {
            fine = false; /* it goes on with what came before */
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
            /* of a class with type parameters: cells that we have not */
            PyCode_GetNumFree((PyCodeObject *)scope) == 0 &&
            (target->module->base == NULL ||
             PyDict_Update(space, target->module->base) == 0) &&
            PyDict_Update(space, inputs) == 0) {
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
    Py_DECREF(inputs);
    return value;
}

/* The value of base for a name of the module. */
static PyObject *
base_of(struct mf_target *target, PyObject *name, int depth)
{
    PyObject *value = noted_in(target->module, name);
    if (value == NULL && !target->module->unsure && depth < DEEPEST) {
        value = imported_base(target, name);
        if (value == NULL) {
            value = evaluate_base(target, MF_UNIT_NONE, name, depth + 1);
        }
    }
    return value;
}

/* The value of base for a module name (cls_name NULL) or a class attribute. */
PyObject *
mf_merge_find_base(struct mf_target *target, uint32_t parent, PyObject *cls_name,
          PyObject *name)
{
    if (cls_name == NULL) {
        return base_of(target, name, 0);
    }
    PyObject *key = PyUnicode_FromFormat("%U.%U", cls_name, name);
    PyObject *noted = key ? noted_in(target->module, key) : NULL;
    Py_XDECREF(key);
    PyErr_Clear();
    return noted || target->module->unsure
               ? noted
               : evaluate_base(target, parent, name, 0);
}

/* Does the statement call a method of the name, not only read it? */
static bool
calls_method(struct mf_diff *diff, struct mf_delta *d, PyObject *name)
{
    bool new_side = d->new_unit != MF_UNIT_NONE;
    struct mf_compile_unit_of *of = new_side ? &diff->new_of : &diff->old_of;
    const struct mf_unit *u =
        &of->split->units[new_side ? d->new_unit : d->old_unit];
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    const char *p = PyBytes_AS_STRING(of->text->bytes) + u->start;
    const char *end = PyBytes_AS_STRING(of->text->bytes) + u->end;
    while (word != NULL && (p = memmem(p, (size_t)(end - p), word,
                                       (size_t)len)) != NULL) {
        p += len;
        if (p < end && *p == '.') {
            return true;
        }
    }
    return word == NULL;
}

/* Did another statement that works on the name run, or go? One that is only
 * derived has done the same to both sides: that matters where items repeat. */
static bool
others_ran(struct mf_target *target, PyObject *name, bool repeats)
{
    struct mf_diff *diff = &target->change->diff;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != MF_UNIT_NONE ||
            !(d->runs || d->kind == MF_DELTA_REMOVED) ||
            (d->derived && !repeats)) {
            continue;
        }
        struct mf_names *names = mf_diff_names(diff, d);
        if (names != NULL && PySet_Contains(names->loads, name) == 1 &&
            PySet_Contains(names->stores, name) == 0 &&
            (PySet_GET_SIZE(names->stores) == 0 ||
             calls_method(diff, d, name))) {
            return true;
        }
    }
    PyErr_Clear();
    return false;
}

PyObject *
mf_merge_base_alone(struct mf_target *target, PyObject *name, PyObject *noted)
{
    if (others_ran(target, name, PyList_CheckExact(noted))) {
        return NULL;
    }
    PyObject *value = evaluate_base(target, MF_UNIT_NONE, name, 0);
    if (value != NULL && (Py_TYPE(value) != Py_TYPE(noted) ||
                          mf_merge_equal(value, noted, 0) != 0)) {
        Py_CLEAR(value);
    }
    PyErr_Clear();
    return value;
}
