/* match_gone.c -- owns definitions that have left their statement: renamed, or
 * moved to another module; and those that only lend their function to another
 * name. In: removed statements, functions. Out: pairs, or none.
 */
#include "match_parts.h"

PyObject *
mf_match_named(PyObject *dict, PyObject *dotted)
{
    PyObject *value = NULL;
    Py_ssize_t len = PyUnicode_GET_LENGTH(dotted), from = 0;
    while (from < len && dict != NULL) {
        Py_ssize_t dot = PyUnicode_FindChar(dotted, '.', from, len, 1);
        Py_ssize_t end = dot < 0 ? len : dot;
        PyObject *word = PyUnicode_Substring(dotted, from, end);
        value = word ? PyDict_GetItemWithError(dict, word) : NULL;
        Py_XDECREF(word);
        dict = value != NULL && end < len && PyType_Check(value)
                   ? ((PyTypeObject *)value)->tp_dict
                   : NULL;
        value = end < len && dict == NULL ? NULL : value;
        from = end + 1;
    }
    return value;
}

/* A hotfix script has redefined it: what it has now is the script's, and it is
 * at home where it was. */
static bool
is_fixed(struct mf_state *state, PyObject *func)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(state->fixed); i++) {
        if (PyTuple_GET_ITEM(PyList_GET_ITEM(state->fixed, i), 0) == func) {
            return true;
        }
    }
    return false;
}

int
mf_match_stands_elsewhere(struct pairing *p, PyObject *old_func)
{
    if (is_fixed(p->match->stage->state, old_func)) {
        return 0;
    }
    PyObject *globals = PyFunction_GET_GLOBALS(old_func);
    PyObject *own = ((PyCodeObject *)PyFunction_GET_CODE(old_func))
                        ->co_qualname;
    if (p->place == NULL || (globals == p->target->module->dict &&
                             PyUnicode_Compare(own, p->place) == 0)) {
        return 0;
    }
    if (mf_match_named(globals, own) != old_func) {
        return PyErr_Occurred() ? -1 : 0;
    }
    struct mf_staged *staged = mf_stage_of(p->match->stage, globals);
    if (staged == NULL) { /* of a module that stays as it is, or leaves */
        return !mf_plan_deletes(p->match->plan, globals);
    }
    bool stays = mf_match_named(staged->dict, own) != NULL;
    return PyErr_Occurred() ? -1 : stays;
}

static bool
is_definition(PyObject *value)
{
    return PyFunction_Check(value) || mf_match_is_heap_class(value) ||
           mf_match_is_cache(value);
}

/* Of one kind, so that one can take the place of the other? */
static bool
alike(PyObject *a, PyObject *b)
{
    return is_definition(b) && PyFunction_Check(a) == PyFunction_Check(b) &&
           PyType_Check(a) == PyType_Check(b);
}

/* The live object of a definition that is gone from the text, borrowed. */
static PyObject *
gone_object(struct mf_target *target, struct mf_delta *delta)
{
    const struct mf_unit *u =
        &target->change->diff.old_of.split->units[delta->old_unit];
    if (u->kind != MF_UNIT_DEF && u->kind != MF_UNIT_CLASS) {
        return NULL;
    }
    PyObject *value = mf_match_named_value(target, delta);
    return value != NULL && is_definition(value) ? value : NULL;
}

/* Same namespace, same code but for the name: renamed. */
static int
find_renamed(struct mf_match *match, struct mf_target *target,
             struct mf_delta *gone, PyObject *old_obj)
{
    struct mf_diff *diff = &target->change->diff;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->kind != MF_DELTA_ADDED || d->parent != gone->parent ||
            diff->new_of.split->units[d->new_unit].kind !=
                diff->old_of.split->units[gone->old_unit].kind) {
            continue;
        }
        PyObject *a = mf_diff_old_code(diff, gone);
        PyObject *b = a ? mf_diff_new_code(diff, d) : NULL;
        PyObject *xs = b ? mf_source_flatten(a) : NULL;
        PyObject *ys = xs ? mf_source_flatten(b) : NULL;
        if (ys == NULL) {
            Py_XDECREF(xs);
            return -1;
        }
        Py_ssize_t n = PyList_GET_SIZE(xs);
        int same = n > 0 && n == PyList_GET_SIZE(ys);
        for (Py_ssize_t k = 0; k < n && same == 1; k++) {
            same = mf_diff_code_equal(PyList_GET_ITEM(xs, k),
                                      PyList_GET_ITEM(ys, k),
                                      MF_CODE_NESTED | MF_CODE_ANY_NAME);
        }
        Py_DECREF(xs);
        Py_DECREF(ys);
        if (same < 0) {
            return -1;
        }
        if (!same || gone->parent != MF_UNIT_NONE) {
            continue;
        }
        struct mf_staged *staged =
            mf_stage_of(match->stage, target->module->dict);
        PyObject *name = mf_plan_unit_name(target->change, d);
        PyObject *fresh =
            name && staged ? PyDict_GetItemWithError(staged->dict, name)
                           : NULL;
        Py_XDECREF(name);
        if (fresh != NULL) {
            struct pairing p = {match, target, i, 0, NULL};
            return mf_match_pair_values(&p, old_obj, fresh);
        }
    }
    return 0;
}

/* Same name and kind in another module of the update, or in one that it has
 * loaded: moved, if the old name's importers or its old module find it. */
static int
find_moved(struct mf_match *match, struct mf_target *target, PyObject *name,
           PyObject *old_obj)
{
    int rc = 0;
    struct pairing p = {match, target, MF_UNIT_NONE, 0, NULL};
    for (size_t i = 0; i < match->stage->items.len && rc == 0; i++) {
        struct mf_staged *staged = match->stage->items.items[i];
        PyObject *fresh = PyDict_GetItemWithError(staged->dict, name);
        if (fresh != NULL && mf_match_is_fresh(match, fresh) &&
            !mf_map_has(&match->home, fresh) && alike(old_obj, fresh)) {
            rc = mf_match_pair_values(&p, old_obj, fresh);
        }
    }
    for (size_t i = 0; i < match->stage->loaded.len && rc == 0; i++) {
        struct mf_loaded *loaded = match->stage->loaded.items[i];
        PyObject *fresh = PyDict_GetItemWithError(
            PyModule_GetDict(loaded->module), name);
        if (fresh != NULL && !mf_map_has(&match->home, fresh) &&
            alike(old_obj, fresh)) {
            rc = mf_match_pair_values(&p, old_obj, fresh);
        }
    }
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* Functions of a module that leaves: moved, if one of the update defines the
 * name now. (Its classes pair through the names of who imports them.) */
static int
pair_of_left(struct mf_match *match, struct mf_target *target)
{
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    int rc = 0;
    while (rc == 0 && PyDict_Next(target->module->dict, &pos, &name, &value)) {
        if (PyUnicode_Check(name) && PyFunction_Check(value) &&
            PyFunction_GET_GLOBALS(value) == target->module->dict &&
            !mf_map_has(&match->paired, value)) {
            rc = find_moved(match, target, name, value);
        }
    }
    return rc;
}

static int
pair_left(struct mf_match *match)
{
    int rc = 0;
    for (size_t i = 0; i < match->plan->changes.len; i++) {
        struct mf_change *change = match->plan->changes.items[i];
        for (size_t t = 0; rc == 0 && change->kind == MF_CHANGE_DELETED &&
                           t < change->targets.len;
             t++) {
            rc = pair_of_left(match, change->targets.items[t]);
        }
    }
    return rc;
}

int
mf_match_pair_gone(struct mf_match *match)
{
    for (size_t t = 0; t < match->plan->targets.len; t++) {
        struct mf_target *target = match->plan->targets.items[t];
        struct mf_diff *diff = &target->change->diff;
        for (uint32_t i = 0; i < diff->len; i++) {
            struct mf_delta *delta = &diff->deltas[i];
            if (delta->kind != MF_DELTA_REMOVED ||
                delta->parent != MF_UNIT_NONE) {
                continue;
            }
            PyObject *old_obj = gone_object(target, delta);
            if (old_obj == NULL || mf_map_has(&match->paired, old_obj)) {
                continue;
            }
            if (find_renamed(match, target, delta, old_obj) < 0) {
                return -1;
            }
            PyObject *name = mf_plan_unit_name(target->change, delta);
            int rc = name == NULL ? -1
                     : mf_map_has(&match->paired, old_obj)
                         ? 0
                         : find_moved(match, target, name, old_obj);
            Py_XDECREF(name);
            if (rc < 0) {
                return -1;
            }
        }
    }
    return pair_left(match);
}
