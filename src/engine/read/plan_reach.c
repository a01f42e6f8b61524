/* plan_reach.c -- owns what running statements reach by calls: classes whose
 * members differ and that are reached run as a whole, so that staged code
 * sees the new class. In: deltas that run. Out: more of them.
 */
#include "plan_parts.h"

/* What running statements reach by name: names of a module, through the
 * functions that they call (their new code), across imports. Classes whose
 * members differ and that are reached run as a whole, so that they see the
 * new class. */
struct reach {
    struct mf_plan *plan;
    PyObject *seen; /* set of (change number, name) */
    int found;
};

static int reach_names(struct reach *reach, size_t at,
                       const struct mf_names *names, int depth);

/* The new code of a function of the change, borrowed: from its delta if it is
 * edited, else what lives. */
static PyObject *
current_code(struct mf_change *change, PyObject *name, PyObject *live)
{
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    struct mf_diff *diff = &change->diff;
    for (uint32_t i = 0; word != NULL && i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != MF_UNIT_NONE || d->new_unit == MF_UNIT_NONE ||
            d->kind == MF_DELTA_SAME) {
            continue;
        }
        const struct mf_unit *u = &diff->new_of.split->units[d->new_unit];
        const char *text = PyBytes_AS_STRING(diff->new_of.text->bytes);
        if (u->kind == MF_UNIT_DEF && u->name_len == (uint32_t)len &&
            memcmp(text + u->name, word, (size_t)len) == 0) {
            return mf_diff_new_code(diff, d);
        }
    }
    return live != NULL && PyFunction_Check(live) ? PyFunction_GET_CODE(live)
                                                  : NULL;
}

/* Methods of a class that is reached may be called: what they reach. */
static int
reach_methods(struct reach *reach, size_t number, PyObject *cls, int depth)
{
    struct mf_change *change = reach->plan->changes.items[number];
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    int rc = 0;
    while (rc == 0 && PyDict_Next(((PyTypeObject *)cls)->tp_dict, &pos, &key,
                                  &value)) {
        if (PyObject_TypeCheck(value, &PyClassMethod_Type) ||
            PyObject_TypeCheck(value, &PyStaticMethod_Type)) {
            continue; /* the function is found by name where it is called */
        }
        if (PyFunction_Check(value) &&
            PyFunction_GET_GLOBALS(value) ==
                ((struct mf_target *)change->targets.items[0])
                    ->module->dict) {
            struct mf_names names;
            rc = mf_names_init(&names) < 0 ||
                         mf_names_of_function(
                             &names, PyFunction_GET_CODE(value)) < 0
                     ? -1
                     : reach_names(reach, number, &names, depth + 1);
            mf_names_clear(&names);
        }
    }
    return rc;
}

static int
reach_class(struct reach *reach, struct mf_change *change, PyObject *name)
{
    uint32_t at = mf_plan_class_delta(change, name);
    if (at == MF_UNIT_NONE) {
        return 0;
    }
    struct mf_delta *d = &change->diff.deltas[at];
    if (d->kind != MF_DELTA_CLASS || d->runs || d->parent != MF_UNIT_NONE ||
        !mf_plan_members_differ(&change->diff, at)) {
        return 0;
    }
    d->kind = MF_DELTA_RUN;
    reach->found = 1;
    return mf_plan_mark_runs(change, d, false);
}

/* The change whose module an edge imports from; its number, or -1. */
static Py_ssize_t
change_of_module(struct mf_plan *plan, PyObject *module)
{
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        for (size_t t = 0; t < change->targets.len; t++) {
            struct mf_target *target = change->targets.items[t];
            if (PyUnicode_Compare(target->module->name, module) == 0) {
                return (Py_ssize_t)i;
            }
        }
    }
    return -1;
}

static int
reach_name(struct reach *reach, size_t at, PyObject *name, int depth)
{
    struct mf_change *change = reach->plan->changes.items[at];
    PyObject *key = Py_BuildValue("(nO)", (Py_ssize_t)at, name);
    int known = key ? PySet_Contains(reach->seen, key) : -1;
    int rc = known != 0 ? (known < 0 ? -1 : 0)
                        : PySet_Add(reach->seen, key);
    Py_XDECREF(key);
    if (known != 0 || rc < 0 || depth > 60 || change->targets.len == 0) {
        return rc;
    }
    if (reach_class(reach, change, name) < 0) {
        return -1;
    }
    struct mf_target *target = change->targets.items[0];
    PyObject *live = PyDict_GetItemWithError(target->module->dict, name);
    if (live != NULL && PyFunction_Check(live) &&
        PyFunction_GET_GLOBALS(live) != target->module->dict) {
        live = NULL;
    }
    PyObject *code = PyErr_Occurred() ? NULL
                                      : current_code(change, name, live);
    if (code != NULL) {
        struct mf_names names;
        rc = mf_names_init(&names) < 0 ||
                     mf_names_of_function(&names, code) < 0
                 ? -1
                 : reach_names(reach, at, &names, depth + 1);
        mf_names_clear(&names);
    }
    if (rc == 0 && live != NULL && PyType_Check(live) &&
        PyType_HasFeature((PyTypeObject *)live, Py_TPFLAGS_HEAPTYPE)) {
        rc = reach_methods(reach, at, live, depth);
    }
    for (uint32_t e = 0; e < change->edges.len && rc == 0; e++) {
        struct mf_edge *edge = &change->edges.items[e];
        if (edge->nested || edge->name == NULL || edge->as == NULL ||
            PyUnicode_Compare(edge->as, name) != 0) {
            continue;
        }
        Py_ssize_t other = change_of_module(reach->plan, edge->module);
        if (other >= 0) {
            rc = reach_name(reach, (size_t)other, edge->name, depth + 1);
        }
    }
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

static int
reach_set(struct reach *reach, size_t at, PyObject *set, int depth)
{
    PyObject *name, *iter = PyObject_GetIter(set);
    int rc = iter ? 0 : -1;
    while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        rc = reach_name(reach, at, name, depth);
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

static int
reach_names(struct reach *reach, size_t at, const struct mf_names *names,
            int depth)
{
    struct mf_change *change = reach->plan->changes.items[at];
    int rc = reach_set(reach, at, names->loads, depth);
    /* through imported modules: alias.attr, and what a function imports when
     * it is called */
    for (uint32_t e = 0; e < change->edges.len && rc == 0; e++) {
        struct mf_edge *edge = &change->edges.items[e];
        if (edge->as == NULL) {
            continue;
        }
        if (edge->nested && edge->name != NULL) {
            Py_ssize_t other = change_of_module(reach->plan, edge->module);
            if (other >= 0 && PySet_Contains(names->attrs, edge->name) == 1) {
                rc = reach_name(reach, (size_t)other, edge->name, depth + 1);
            }
            continue;
        }
        if (PySet_Contains(names->loads, edge->as) != 1) {
            continue;
        }
        PyObject *module = edge->name ? PyUnicode_FromFormat("%U.%U",
                                                             edge->module,
                                                             edge->name)
                                      : Py_NewRef(edge->module);
        Py_ssize_t other =
            module ? change_of_module(reach->plan, module) : -1;
        Py_XDECREF(module);
        if (other >= 0) {
            rc = reach_set(reach, (size_t)other, names->attrs, depth + 1);
        }
    }
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* 1: a class was promoted and what follows from it is to be planned; 0; -1 */
int
mf_plan_promote_reached(struct mf_plan *plan)
{
    struct reach reach = {plan, PySet_New(NULL), 0};
    int rc = reach.seen ? 0 : -1;
    for (size_t i = 0; i < plan->changes.len && rc == 0; i++) {
        struct mf_change *change = plan->changes.items[i];
        for (uint32_t d = 0; d < change->diff.len && rc == 0; d++) {
            struct mf_delta *delta = &change->diff.deltas[d];
            bool member = delta->parent != MF_UNIT_NONE &&
                          (delta->kind == MF_DELTA_RUN ||
                           delta->kind == MF_DELTA_ADDED);
            if (!delta->runs && !member) {
                continue;
            }
            struct mf_names *names = mf_diff_names(&change->diff, delta);
            rc = names ? reach_names(&reach, i, names, 0) : -1;
        }
    }
    Py_XDECREF(reach.seen);
    return rc < 0 ? -1 : reach.found;
}
