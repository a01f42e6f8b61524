/* register.c -- owns the settlement of effects. In: effects, statements that ran
 * again or are gone. Out: writes for commit.
 */
#include "register.h"

/* ---- registrations --------------------------------------------------------- */

static int
mark(struct mf_map *rerun, PyObject *obj, uintptr_t how)
{
    if (obj == NULL || PyModule_Check(obj) || PyCFunction_Check(obj) ||
        mf_source_is_data(obj) || mf_map_has(rerun, obj)) {
        return 0;
    }
    if (PyType_Check(obj) &&
        !PyType_HasFeature((PyTypeObject *)obj, Py_TPFLAGS_HEAPTYPE)) {
        return 0;
    }
    return mf_map_put(rerun, obj, how);
}

/* Functions of the statement itself, whatever a decorator has made of them. */
static int
mark_inside(struct mf_map *rerun, PyObject *value, PyObject *path,
            const struct mf_unit *u, int depth)
{
    if (value == NULL || !PyFunction_Check(value) || depth > 5) {
        return 0;
    }
    PyFunctionObject *func = (PyFunctionObject *)value;
    PyCodeObject *code = (PyCodeObject *)func->func_code;
    if (code->co_firstlineno >= (int)u->line &&
        code->co_firstlineno <= (int)u->end_line &&
        PyUnicode_Compare(code->co_filename, path) == 0 &&
        mark(rerun, value, MF_RERUN_MADE) < 0) {
        return -1;
    }
    PyObject *closure = func->func_closure;
    for (Py_ssize_t i = 0; closure && i < PyTuple_GET_SIZE(closure); i++) {
        if (mark_inside(rerun, PyCell_GET(PyTuple_GET_ITEM(closure, i)), path,
                        u, depth + 1) < 0) {
            return -1;
        }
    }
    return 0;
}

/* A class that its metaclass, or an __init_subclass__, may have put
 * somewhere. */
static bool
registers_itself(struct mf_target *target, struct mf_delta *delta)
{
    const struct mf_unit *u =
        &target->change->diff.old_of.split->units[delta->old_unit];
    PyObject *cls = u->kind == MF_UNIT_CLASS
                        ? mf_plan_live_class(target, delta)
                        : NULL;
    return cls != NULL && mf_plan_hooks_making(cls);
}

/* Objects that a statement's old side had made or named. */
static int
mark_statement(struct mf_map *rerun, struct mf_target *target,
               struct mf_delta *delta)
{
    struct mf_diff *diff = &target->change->diff;
    const struct mf_unit *u = &diff->old_of.split->units[delta->old_unit];
    struct mf_names names;
    if (mf_diff_old_names(diff, delta, &names) < 0) {
        mf_names_clear(&names);
        return -1;
    }
    bool gone = delta->kind == MF_DELTA_REMOVED;
    /* a plain def or class registers nothing by itself */
    bool defines = (u->kind == MF_UNIT_DEF || u->kind == MF_UNIT_CLASS) &&
                   ((u->flags & MF_UNIT_DECORATED) ||
                    registers_itself(target, delta));
    bool bare = u->name_len == 0 && PySet_GET_SIZE(names.stores) == 0 && names.calls;
    PyObject *set = bare ? names.loads : names.stores;
    PyObject *name, *iter = defines || bare ? PyObject_GetIter(set) : NULL;
    int rc = 0;
    while (iter != NULL && rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        PyObject *space = target->module->dict;
        PyObject *value = PyDict_GetItemWithError(space, name);
        if (value != NULL && !PyDict_Check(value) && !PyList_Check(value)) {
            rc = mark(rerun, value,
                      gone || defines ? MF_RERUN_MADE : MF_RERUN_NAMED);
            if (rc == 0 && defines) {
                rc = mark_inside(rerun, value, target->change->source->path,
                                 u, 0);
            }
        }
        Py_DECREF(name);
        rc = PyErr_Occurred() ? -1 : rc;
    }
    Py_XDECREF(iter);
    mf_names_clear(&names);
    return rc;
}

static int
mark_all(struct mf_merge *merge, struct mf_map *rerun)
{
    for (size_t t = 0; t < merge->match->plan->targets.len; t++) {
        struct mf_target *target = merge->match->plan->targets.items[t];
        struct mf_diff *diff = &target->change->diff;
        for (uint32_t i = 0; i < diff->len; i++) {
            struct mf_delta *delta = &diff->deltas[i];
            if (delta->parent == MF_UNIT_NONE &&
                delta->old_unit != MF_UNIT_NONE &&
                (delta->runs || delta->kind == MF_DELTA_REMOVED) &&
                mark_statement(rerun, target, delta) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* Namespaces are written name by name, everything else as a whole. */
static int
write_namespace(struct mf_merge *merge, PyObject *holder, PyObject *contents)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(contents, &pos, &key, &value)) {
        if (PyDict_GetItemWithError(holder, key) != value &&
            mf_merge_write(merge, MF_WRITE_NAME, holder, key, value) < 0) {
            return -1;
        }
    }
    pos = 0;
    while (PyDict_Next(holder, &pos, &key, &value)) {
        if (PyDict_GetItemWithError(contents, key) == NULL &&
            mf_merge_write(merge, MF_WRITE_NAME, holder, key, NULL) < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int
write_attributes(struct mf_merge *merge, PyObject *holder, PyObject *contents)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(contents, &pos, &key, &value)) {
        if (mf_merge_write(merge, MF_WRITE_ATTRIBUTE, holder, key, value) <
            0) {
            return -1;
        }
    }
    return 0;
}

static int
on_write(void *arg, PyObject *holder, PyObject *contents)
{
    struct mf_merge *merge = arg;
    if (PyType_Check(holder)) {
        return write_attributes(merge, holder, contents);
    }
    if (PyDict_CheckExact(holder) &&
        PyDict_GetItemString(holder, "__name__") != NULL) {
        return write_namespace(merge, holder, contents);
    }
    if (PyDict_Check(holder) || PyList_Check(holder) ||
        PyAnySet_Check(holder) || PyList_CheckExact(contents)) {
        return mf_merge_write(merge, MF_WRITE_CONTENTS, holder, NULL,
                              contents);
    }
    if (PyCell_Check(holder)) {
        return mf_merge_write(merge, MF_WRITE_CELL, holder, NULL,
                              PyTuple_GET_ITEM(contents, 0));
    }
    return write_attributes(merge, holder, contents);
}

int
mf_register_run(struct mf_merge *merge)
{
    if (merge->stage == NULL) {
        return 0;
    }
    struct mf_map rerun = {0};
    int rc = mark_all(merge, &rerun);
    if (rc == 0) {
        rc = mf_effects_settle(&merge->stage->effects, &merge->match->home,
                               &rerun, on_write, merge);
    }
    mf_map_clear(&rerun);
    return rc;
}
