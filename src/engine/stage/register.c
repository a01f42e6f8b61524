/* register.c -- owns the settlement of effects and the new fields of live
 * instances. In: pairs, effects, class statements. Out: writes for commit.
 */
#include "register.h"

#include "fields.h"

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
    /* a plain def registers nothing by itself */
    bool defines = u->kind == MF_UNIT_CLASS ||
                   (u->kind == MF_UNIT_DEF && (u->flags & MF_UNIT_DECORATED));
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

/* ---- fields ------------------------------------------------------------------- */

static int
on_field(void *arg, PyObject *instance, PyObject *name, PyObject *value)
{
    return mf_merge_write(arg, MF_WRITE_ATTRIBUTE, instance, name, value);
}

static PyObject *
init_code(PyTypeObject *type)
{
    PyObject *init = PyDict_GetItemString(type->tp_dict, "__init__");
    return init && PyFunction_Check(init) ? PyFunction_GET_CODE(init) : NULL;
}

static int
fill_class(struct mf_merge *merge, struct mf_target *target,
           PyTypeObject *old_class, PyObject *new_init, PyObject *new_code,
           PyObject *new_fields)
{
    PyObject *old_code = init_code(old_class);
    PyObject *old_fields =
        PyDict_GetItemString(old_class->tp_dict, "__dataclass_fields__");
    if (new_code == old_code && new_fields == NULL) {
        return 0;
    }
    struct mf_fields fields = {0};
    int rc = mf_fields_find(old_class, old_code, new_code, new_init,
                            old_fields, new_fields, &fields);
    if (rc == 0 && fields.len > 0) {
        rc = mf_fields_fill(&fields, old_class, on_field, merge);
        if (rc < 0 && !PyErr_ExceptionMatches(PyExc_MemoryError)) {
            rc = mf_report_exception(
                merge->report, 414, target->module->name,
                ((PyHeapTypeObject *)old_class)->ht_qualname,
                target->change->source->path, 0);
        }
    }
    for (Py_ssize_t i = 0;
         rc == 0 && fields.unset && i < PyList_GET_SIZE(fields.unset); i++) {
        PyObject *qualname = ((PyHeapTypeObject *)old_class)->ht_qualname;
        rc = mf_report_add(merge->report, 305, '=', target->module->name,
                           qualname, target->change->source->path, 0,
                           "%U.%U is new and has no value that could be "
                           "given to live instances",
                           qualname, PyList_GET_ITEM(fields.unset, i));
    }
    mf_fields_clear(&fields);
    return rc;
}

static int
fill_fields(struct mf_merge *merge)
{
    struct mf_match *match = merge->match;
    for (size_t i = 0; i < match->len; i++) {
        struct mf_pair *pair = &match->pairs[i];
        if (pair->kind != MF_PAIR_CLASS) {
            continue;
        }
        PyTypeObject *fresh = (PyTypeObject *)pair->new_obj;
        PyObject *init = PyDict_GetItemString(fresh->tp_dict, "__init__");
        /* brought home it may be the old function, to be given new code */
        struct mf_pair *own =
            init && PyFunction_Check(init) ? mf_match_of_old(match, init)
                                           : NULL;
        if (own != NULL) {
            init = own->new_obj;
        }
        if (init != NULL && !PyFunction_Check(init)) {
            init = NULL;
        }
        if (fill_class(merge, pair->target, (PyTypeObject *)pair->old_obj,
                       init, init ? PyFunction_GET_CODE(init) : NULL,
                       PyDict_GetItemString(fresh->tp_dict,
                                            "__dataclass_fields__")) < 0) {
            return -1;
        }
    }
    for (size_t t = 0; t < match->plan->targets.len; t++) {
        struct mf_target *target = match->plan->targets.items[t];
        struct mf_diff *diff = &target->change->diff;
        for (uint32_t i = 0; i < diff->len; i++) {
            struct mf_delta *d = &diff->deltas[i];
            if (d->parent == MF_UNIT_NONE || d->old_unit == MF_UNIT_NONE ||
                d->new_unit == MF_UNIT_NONE ||
                diff->deltas[d->parent].kind != MF_DELTA_CLASS ||
                (d->kind != MF_DELTA_CODE && d->kind != MF_DELTA_RUN)) {
                continue;
            }
            const struct mf_unit *u =
                &diff->new_of.split->units[d->new_unit];
            const char *text = PyBytes_AS_STRING(diff->new_of.text->bytes);
            if (u->name_len != 8 ||
                memcmp(text + u->name, "__init__", 8) != 0) {
                continue;
            }
            PyObject *cls =
                mf_plan_live_class(target, &diff->deltas[d->parent]);
            PyObject *init =
                cls ? PyDict_GetItemString(((PyTypeObject *)cls)->tp_dict,
                                           "__init__")
                    : NULL;
            if (init == NULL || !PyFunction_Check(init)) {
                continue;
            }
            PyObject *code =
                mf_map_get(&target->exchange, PyFunction_GET_CODE(init));
            struct mf_pair *own = mf_match_of_old(match, init);
            PyObject *func = own ? own->new_obj : init;
            if (own != NULL) {
                code = PyFunction_GET_CODE(func);
            }
            if (code != NULL &&
                fill_class(merge, target, (PyTypeObject *)cls, func, code,
                           NULL) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

int
mf_register_run(struct mf_merge *merge)
{
    if (fill_fields(merge) < 0) {
        return -1;
    }
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
