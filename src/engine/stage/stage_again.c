/* stage_again.c -- owns the old side of statements that run again or are gone:
 * which live objects they had made or named, where they had registered them.
 * In: deltas. Out: struct mf_reruns, by the statements' old code; effects as
 * they are to be before a step.
 */
#include "stage_parts.h"

#include "../ground/compat.h"

enum { MAX_DEPTH = 5 }; /* wrappers around wrappers */

/* One statement. */
struct again {
    struct mf_reruns *reruns;
    struct mf_target *target;
    struct mf_rerun rerun;
};

static int
mark(struct again *again, PyObject *obj, uint8_t how)
{
    if (obj == NULL || PyModule_Check(obj) || PyCFunction_Check(obj) ||
        mf_source_is_data(obj)) {
        return 0;
    }
    if (PyType_Check(obj) &&
        !PyType_HasFeature((PyTypeObject *)obj, Py_TPFLAGS_HEAPTYPE)) {
        return 0;
    }
    struct mf_rerun rerun = again->rerun;
    rerun.how = how;
    return mf_reruns_add(again->reruns, obj, rerun);
}

struct inside {
    struct again *again;
    const struct mf_unit *unit;
    int depth;
};

static int look_inside(PyObject *value, void *arg);

/* staticmethod, property, partial, lru_cache ...: made in C, around functions. */
static bool
is_wrapper(PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    return (!PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) ||
            PyType_HasFeature(type, Py_TPFLAGS_IMMUTABLETYPE)) &&
           (type->tp_call != NULL || type->tp_descr_get != NULL) &&
           type->tp_traverse != NULL && !PyType_Check(value);
}

/* Functions of the statement itself, whatever a decorator has made of them. */
static int
look_inside(PyObject *value, void *arg)
{
    struct inside at = *(struct inside *)arg;
    if (value == NULL || at.depth++ > MAX_DEPTH) {
        return 0;
    }
    if (!PyFunction_Check(value)) {
        return is_wrapper(value)
                   ? Py_TYPE(value)->tp_traverse(value, look_inside, &at)
                   : 0;
    }
    PyFunctionObject *func = (PyFunctionObject *)value;
    PyCodeObject *code = (PyCodeObject *)func->func_code;
    if (code->co_firstlineno >= (int)at.unit->line &&
        code->co_firstlineno <= (int)at.unit->end_line &&
        PyUnicode_Compare(code->co_filename,
                          at.again->target->change->source->path) == 0 &&
        mark(at.again, value, MF_RERUN_MADE) < 0) {
        return -1;
    }
    PyObject *closure = func->func_closure;
    for (Py_ssize_t i = 0; closure && i < PyTuple_GET_SIZE(closure); i++) {
        if (look_inside(PyCell_GET(PyTuple_GET_ITEM(closure, i)), &at) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
mark_made(struct again *again, const struct mf_unit *unit, PyObject *value)
{
    struct inside at = {again, unit, 0};
    return mark(again, value, MF_RERUN_MADE) < 0
               ? -1
               : look_inside(value, &at);
}

/* A plain def registers nothing by itself; a class may, by its metaclass or
 * by an __init_subclass__. */
static bool
registers(const struct mf_unit *unit, PyObject *value)
{
    return (unit->flags & MF_UNIT_DECORATED) ||
           (unit->kind == MF_UNIT_CLASS && value != NULL &&
            PyType_Check(value) && mf_plan_hooks_making(value));
}

/* The member of a class, and the members of that. */
static int
mark_member(struct again *again, uint32_t unit, PyObject *cls)
{
    struct mf_diff *diff = &again->target->change->diff;
    const struct mf_unit *u = &diff->old_of.split->units[unit];
    const char *text = PyBytes_AS_STRING(diff->old_of.text->bytes);
    if (u->name_len == 0) {
        return 0;
    }
    PyObject *name = PyUnicode_FromStringAndSize(text + u->name, u->name_len);
    PyObject *dict = mf_compat_type_dict((PyTypeObject *)cls);
    PyObject *value =
        name ? Py_XNewRef(PyDict_GetItemWithError(dict, name)) : NULL;
    Py_XDECREF(name);
    int rc = PyErr_Occurred() ? -1 : 0;
    if (rc == 0 && value != NULL && registers(u, value)) {
        rc = mark_made(again, u, value);
    }
    for (uint32_t i = u->first_child;
         rc == 0 && value != NULL && PyType_Check(value) &&
         u->kind == MF_UNIT_CLASS && i != MF_UNIT_NONE;
         i = diff->old_of.split->units[i].next) {
        rc = mark_member(again, i, value);
    }
    Py_XDECREF(value);
    return rc;
}

static int
mark_members(struct again *again, struct mf_delta *delta)
{
    const struct mf_split *split = again->target->change->diff.old_of.split;
    PyObject *cls = mf_plan_live_class(again->target, delta);
    int rc = PyErr_Occurred() ? -1 : 0;
    for (uint32_t i = split->units[delta->old_unit].first_child;
         rc == 0 && cls != NULL && i != MF_UNIT_NONE;
         i = split->units[i].next) {
        rc = mark_member(again, i, cls);
    }
    return rc;
}

/* A call with an object that the new text of the statement does not name, or
 * that is gone: nothing puts it there again. */
static int
how_named(struct again *again, struct mf_delta *delta, PyObject *name)
{
    struct mf_diff *diff = &again->target->change->diff;
    struct mf_names *names = NULL;
    if (again->rerun.gone) {
        return MF_RERUN_MADE;
    }
    if (delta->new_unit != MF_UNIT_NONE) {
        names = mf_diff_names(diff, delta);
    }
    int still = names ? PySet_Contains(names->loads, name) : 1;
    return still < 0 || PyErr_Occurred() ? -1
           : still                        ? MF_RERUN_NAMED
                                          : MF_RERUN_MADE;
}

/* A statement of the module. */
static int
mark_statement(struct again *again, struct mf_delta *delta)
{
    struct mf_diff *diff = &again->target->change->diff;
    const struct mf_unit *u = &diff->old_of.split->units[delta->old_unit];
    bool definition = u->kind == MF_UNIT_DEF || u->kind == MF_UNIT_CLASS;
    struct mf_names names;
    if (mf_diff_old_names(diff, delta, &names) < 0) {
        mf_names_clear(&names);
        return -1;
    }
    bool bare = u->name_len == 0 && PySet_GET_SIZE(names.stores) == 0 &&
                names.calls;
    PyObject *set = bare ? names.loads : names.stores;
    PyObject *name, *iter = definition || bare ? PyObject_GetIter(set) : NULL;
    int rc = PyErr_Occurred() ? -1 : 0;
    while (iter != NULL && rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        PyObject *value =
            PyDict_GetItemWithError(again->target->module->dict, name);
        if (value == NULL || PyDict_Check(value) || PyList_Check(value)) {
            rc = PyErr_Occurred() ? -1 : 0;
        }
        else if (bare) {
            int how = how_named(again, delta, name);
            rc = how < 0 ? -1 : mark(again, value, (uint8_t)how);
        }
        else if (registers(u, value)) {
            rc = mark_made(again, u, value);
        }
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    mf_names_clear(&names);
    return rc < 0 || PyErr_Occurred() ? -1
           : u->kind == MF_UNIT_CLASS ? mark_members(again, delta)
                                      : 0;
}

/* A member that ran alone or is gone, of a class that stays. */
static int
mark_lone_member(struct again *again, struct mf_delta *delta)
{
    struct mf_delta *parent =
        &again->target->change->diff.deltas[delta->parent];
    PyObject *cls = mf_plan_live_class(again->target, parent);
    return cls != NULL           ? mark_member(again, delta->old_unit, cls)
           : PyErr_Occurred() ? -1
                              : 0;
}

static int
mark_delta(struct again *again, struct mf_delta *delta)
{
    struct mf_diff *diff = &again->target->change->diff;
    bool gone = delta->kind == MF_DELTA_REMOVED;
    bool alone = delta->parent != MF_UNIT_NONE;
    if (delta->old_unit == MF_UNIT_NONE ||
        !(gone || (alone ? delta->kind == MF_DELTA_RUN : delta->runs)) ||
        (alone && diff->deltas[delta->parent].kind != MF_DELTA_CLASS)) {
        return 0;
    }
    again->rerun.code = mf_diff_old_code(diff, delta);
    again->rerun.gone = gone;
    if (again->rerun.code == NULL) {
        return -1;
    }
    return alone ? mark_lone_member(again, delta)
                 : mark_statement(again, delta);
}

int
mf_stage_reruns(struct mf_plan *plan, struct mf_reruns *reruns)
{
    for (size_t t = 0; t < plan->targets.len; t++) {
        struct again again = {reruns, plan->targets.items[t], {0}};
        struct mf_diff *diff = &again.target->change->diff;
        for (uint32_t i = 0; i < diff->len; i++) {
            if (mark_delta(&again, &diff->deltas[i]) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* ---- steps ------------------------------------------------------------------------- */

/* Old texts of statements that run again or are gone: where they had
 * registered something is looked at too. */
int
mf_stage_look_at_old(struct mf_stage *stage, struct mf_staged *staged)
{
    struct mf_diff *diff = &staged->target->change->diff;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *delta = &diff->deltas[i];
        if (delta->old_unit == MF_UNIT_NONE ||
            !(delta->runs || delta->kind == MF_DELTA_RUN ||
              delta->kind == MF_DELTA_REMOVED)) {
            continue;
        }
        PyObject *code = mf_diff_old_code(diff, delta);
        struct mf_delta *around = delta->parent != MF_UNIT_NONE
                                      ? &diff->deltas[delta->parent]
                                      : NULL;
        /* a class that runs as a whole gets new holders with its members */
        PyObject *cls =
            around != NULL && !around->runs && around->kind == MF_DELTA_CLASS
                ? mf_plan_live_class(staged->target, around)
                : NULL;
        if (code == NULL || PyErr_Occurred() ||
            mf_effects_before_old(
                &stage->effects, code, staged->live_dict,
                cls ? ((PyTypeObject *)cls)->tp_dict : NULL) < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_stage_before_step(struct mf_stage *stage, struct mf_staged *staged,
                     struct mf_delta *delta, PyObject *code, PyObject *own)
{
    PyObject *old = delta->old_unit != MF_UNIT_NONE
                        ? mf_diff_old_code(&staged->target->change->diff,
                                           delta)
                        : NULL;
    if (old == NULL && delta->old_unit != MF_UNIT_NONE) {
        return -1;
    }
    return mf_effects_before(&stage->effects, code, staged->dict, own) < 0
               ? -1
               : mf_effects_take_out(&stage->effects, &stage->reruns, old);
}
