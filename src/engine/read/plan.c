/* plan.c -- owns the decision what an update does. In: changed sources. Out:
 * struct mf_plan. Reads live namespaces (what a name is bound to), writes
 * nothing.
 */
#include "plan_parts.h"

#include "../ground/fault.h"
#include "../ground/trace.h"

/* ---- changes and targets ------------------------------------------------ */

static void
change_free(struct mf_change *change)
{
    mf_diff_clear(&change->diff);
    mf_edges_clear(&change->edges);
    mf_edges_clear(&change->old_edges);
    mf_split_clear(&change->split);
    mf_text_clear(&change->text);
    Py_CLEAR(change->given);
    Py_XDECREF(change->taint);
    Py_XDECREF(change->fresh);
    Py_XDECREF(change->unproved);
    mf_vec_clear(&change->targets);
    mf_free(change);
}

void
mf_plan_clear(struct mf_plan *plan)
{
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        for (size_t t = 0; t < change->targets.len; t++) {
            struct mf_target *target = change->targets.items[t];
            Py_XDECREF(target->binds);
            mf_map_clear(&target->exchange);
            mf_vec_clear_refs(&target->code_refs);
            mf_free(target);
        }
        change_free(change);
    }
    mf_vec_clear(&plan->changes);
    mf_vec_clear(&plan->targets);
}

static int
add_targets(struct mf_change *change)
{
    struct mf_vec *modules = &change->source->modules;
    for (size_t i = 0; i < modules->len; i++) {
        struct mf_target *target = mf_alloc(sizeof(*target));
        if (target == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        target->module = modules->items[i];
        target->change = change;
        target->binds = PyList_New(0);
        if (target->binds == NULL ||
            mf_vec_push(&change->targets, target) < 0) {
            Py_XDECREF(target->binds);
            mf_free(target);
            return -1;
        }
    }
    return 0;
}

struct mf_change *
mf_plan_change(struct mf_plan *plan, struct mf_source *source, bool create)
{
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        if (change->source == source) {
            return change;
        }
    }
    if (!create) {
        return NULL;
    }
    struct mf_change *change = mf_alloc(sizeof(*change));
    if (change == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    change->source = source;
    change->taint = PyDict_New();
    change->fresh = PyList_New(0);
    if (change->taint == NULL || change->fresh == NULL ||
        mf_vec_push(&plan->changes, change) < 0) {
        change_free(change);
        return NULL;
    }
    return add_targets(change) < 0 ? NULL : change;
}

/* ---- names of units ------------------------------------------------------- */

const struct mf_unit *
mf_plan_unit_of(struct mf_change *change, struct mf_delta *delta, const char **text)
{
    bool new_side = delta->new_unit != MF_UNIT_NONE;
    struct mf_compile_unit_of *of = new_side ? &change->diff.new_of
                                             : &change->diff.old_of;
    *text = PyBytes_AS_STRING(of->text->bytes);
    return &of->split->units[new_side ? delta->new_unit : delta->old_unit];
}

PyObject *
mf_plan_unit_name(struct mf_change *change, struct mf_delta *delta)
{
    const char *text;
    const struct mf_unit *u = mf_plan_unit_of(change, delta, &text);
    PyObject *own;
    if (u->name_len > 0) {
        own = PyUnicode_FromStringAndSize(text + u->name, u->name_len);
    }
    else {
        const char *p = text + u->start + u->indent, *q = p;
        const char *end = text + u->end;
        while (q < end && (Py_ISALNUM(*q) || *q == '_' || *q == '.' ||
                           (unsigned char)*q >= 0x80)) {
            q++;
        }
        own = PyUnicode_DecodeUTF8(p, q - p, "replace");
    }
    if (own == NULL || delta->parent == MF_UNIT_NONE) {
        return own;
    }
    PyObject *outer = mf_plan_unit_name(
        change, &change->diff.deltas[delta->parent]);
    PyObject *full = outer ? PyUnicode_FromFormat("%U.%U", outer, own) : NULL;
    Py_XDECREF(outer);
    Py_DECREF(own);
    return full;
}

long
mf_plan_unit_line(struct mf_change *change, struct mf_delta *delta)
{
    const char *text;
    return (long)mf_plan_unit_of(change, delta, &text)->def_line;
}

PyObject *
mf_plan_live_class(struct mf_target *target, struct mf_delta *delta)
{
    struct mf_change *change = target->change;
    const char *text;
    const struct mf_unit *u = mf_plan_unit_of(change, delta, &text);
    PyObject *dict = target->module->dict;
    if (delta->parent != MF_UNIT_NONE) {
        PyObject *outer = mf_plan_live_class(
            target, &change->diff.deltas[delta->parent]);
        if (outer == NULL) {
            return NULL;
        }
        dict = ((PyTypeObject *)outer)->tp_dict;
    }
    PyObject *name = PyUnicode_FromStringAndSize(text + u->name, u->name_len);
    PyObject *value = name ? PyDict_GetItemWithError(dict, name) : NULL;
    Py_XDECREF(name);
    return value != NULL && PyType_Check(value) &&
                   PyType_HasFeature((PyTypeObject *)value,
                                     Py_TPFLAGS_HEAPTYPE)
               ? value
               : NULL;
}

int
mf_plan_bound_elsewhere(struct mf_change *change, struct mf_delta *delta,
                        PyObject *name)
{
    uint32_t other;
    return mf_diff_binder(&change->diff, delta->parent, name, MF_UNIT_NONE,
                          &other);
}

/* ---- order ------------------------------------------------------------------------------ */

/* Modules after those that they import; what imports each other is one group. */
struct order {
    struct mf_plan *plan;
    PyObject *by_name;   /* dict: name of a live module -> number of its change */
    struct mf_vec open;  /* struct mf_change *: come to, of no group so far */
    uint32_t visits, groups;
};

static int order_from(struct order *order, struct mf_change *change);

/* The change of a module, if it is one, and what it imports come before who
 * imports it. */
static int
order_module(struct order *order, struct mf_change *importer,
             PyObject *module)
{
    PyObject *number = PyDict_GetItemWithError(order->by_name, module);
    if (number == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    struct mf_change *change =
        order->plan->changes.items[PyLong_AsSize_t(number)];
    if (change->visit == 0 && order_from(order, change) < 0) {
        return -1;
    }
    if (change->group == 0 && change->low < importer->low) {
        importer->low = change->low; /* still open: a way back */
    }
    return 0;
}

/* dict: name of a live module -> number of its change */
static PyObject *
changes_by_name(struct mf_plan *plan)
{
    PyObject *by_name = PyDict_New();
    for (size_t i = 0; i < plan->changes.len && by_name != NULL; i++) {
        struct mf_change *change = plan->changes.items[i];
        PyObject *number = PyLong_FromSize_t(i);
        int rc = number ? 0 : -1;
        for (size_t t = 0; t < change->targets.len && rc == 0; t++) {
            struct mf_target *target = change->targets.items[t];
            rc = PyDict_SetItem(by_name, target->module->name, number);
        }
        Py_XDECREF(number);
        if (rc < 0) {
            Py_CLEAR(by_name);
        }
    }
    return by_name;
}

static int
order_from(struct order *order, struct mf_change *change)
{
    change->visit = change->low = ++order->visits;
    if (mf_vec_push(&order->open, change) < 0) {
        return -1;
    }
    for (uint32_t e = 0; e < change->edges.len; e++) {
        struct mf_edge *edge = &change->edges.items[e];
        if (edge->nested) {
            continue; /* it imports when somebody calls it */
        }
        PyObject *sub = edge->name ? PyUnicode_FromFormat("%U.%U", edge->module,
                                                          edge->name)
                                   : Py_NewRef(edge->module);
        int rc = sub == NULL ||
                         order_module(order, change, edge->module) < 0 ||
                         order_module(order, change, sub) < 0
                     ? -1
                     : 0;
        Py_XDECREF(sub);
        if (rc < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < change->targets.len; i++) {
        if (mf_vec_push(&order->plan->targets, change->targets.items[i]) < 0) {
            return -1;
        }
    }
    if (change->low == change->visit) {
        struct mf_change *member;
        order->groups++;
        do {
            member = order->open.items[--order->open.len];
            member->group = order->groups;
        } while (member != change);
    }
    return 0;
}

static int
order_all(struct mf_plan *plan)
{
    struct order order = {plan, changes_by_name(plan), {0}, 0, 0};
    int rc = order.by_name ? 0 : -1;
    for (size_t i = 0; i < plan->changes.len && rc == 0; i++) {
        struct mf_change *change = plan->changes.items[i];
        rc = change->kind != MF_CHANGE_DELETED && change->visit == 0
                 ? order_from(&order, change)
                 : 0;
    }
    Py_XDECREF(order.by_name);
    mf_vec_clear(&order.open);
    return rc;
}

static int
follow_all(struct mf_state *state, struct mf_plan *plan,
           struct mf_report *report)
{
    bool again = true;
    while (again) {
        again = false;
        for (size_t i = 0; i < plan->changes.len; i++) {
            struct mf_change *change = plan->changes.items[i];
            while (PyList_GET_SIZE(change->fresh) > 0) {
                again = true;
                mf_breathe(&plan->breath);
                PyObject *name = Py_NewRef(PyList_GET_ITEM(change->fresh, 0));
                int rc = PyList_SetSlice(change->fresh, 0, 1, NULL);
                bool value = PyDict_GetItem(change->taint, name) == Py_True;
                if (rc == 0 && change->kind != MF_CHANGE_DELETED) {
                    rc = mf_plan_follow_in_module(change, name, value, report);
                }
                if (rc == 0) {
                    rc = mf_plan_follow_callers(change, name);
                }
                for (size_t t = 0; rc == 0 && t < change->targets.len; t++) {
                    struct mf_target *target = change->targets.items[t];
                    rc = mf_plan_follow_importers(state, plan, change,
                                          target->module->name, name, value);
                    if (rc == 0 && !value) {
                        rc = mf_plan_follow_reachers(state, plan, change,
                                             target->module->name, name);
                    }
                }
                Py_DECREF(name);
                if (rc < 0) {
                    return -1;
                }
            }
        }
    }
    return 0;
}

/* Importers of modules that leave or return. */
static int
follow_modules(struct mf_state *state, struct mf_plan *plan, size_t edited)
{
    for (size_t i = 0; i < edited; i++) {
        struct mf_change *change = plan->changes.items[i];
        for (size_t t = 0;
             change->kind == MF_CHANGE_DELETED && t < change->targets.len;
             t++) {
            struct mf_target *target = change->targets.items[t];
            if (mf_plan_import_again(state, plan, target->module->name,
                                     change->source) < 0) {
                return -1;
            }
        }
    }
    Py_ssize_t n = plan->returns ? PyList_GET_SIZE(plan->returns) : 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *record = PyList_GET_ITEM(plan->returns, i);
        if (mf_plan_import_again(state, plan, PyTuple_GET_ITEM(record, 0),
                                 NULL) < 0) {
            return -1;
        }
    }
    return 0;
}

/* An edited module's own imports follow too, if what they bring changes: the
 * edges were followed from the other side; but a module that is edited and
 * imports from another edited one is in both. Nothing else to do here. */
int
mf_plan_make(struct mf_state *state, struct mf_plan *plan,
             struct mf_report *report)
{
    size_t edited = plan->changes.len;
    mf_graph_forget_walks(state);
    for (size_t i = 0; i < edited; i++) {
        struct mf_change *change = plan->changes.items[i];
        if (change->kind == MF_CHANGE_EDITED &&
            mf_plan_edit_change(plan, change, report) < 0) {
            return -1;
        }
    }
    if (mf_report_reasons(report) > 0 || plan->is_given_up) {
        return 0;
    }
    if (follow_modules(state, plan, edited) < 0) {
        return -1;
    }
    for (int more = 1; more > 0;) {
        more = follow_all(state, plan, report) < 0 ? -1
                                                   : mf_plan_promote_reached(plan);
        if (more < 0) {
            return -1;
        }
    }
    mf_graph_forget_walks(state);
    if (order_all(plan) < 0) {
        return -1;
    }
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        if (change->kind == MF_CHANGE_EDITED &&
            mf_plan_report_alone(change, report) < 0) {
            return -1;
        }
        for (size_t t = 0; t < change->targets.len; t++) {
            struct mf_target *target = change->targets.items[t];
            plan->stages |= PyList_GET_SIZE(target->binds) > 0;
        }
        for (uint32_t d = 0; d < change->diff.len; d++) {
            struct mf_delta *delta = &change->diff.deltas[d];
            plan->stages |= delta->runs || delta->names_again ||
                            delta->kind == MF_DELTA_RUN ||
                            delta->kind == MF_DELTA_ADDED ||
                            delta->kind == MF_DELTA_REMOVED;
        }
    }
    return 0;
}

/* ---- for people ---------------------------------------------------------------------------- */

int
mf_plan_describe(struct mf_plan *plan, struct mf_report *report)
{
    static const char *const words[] = {"shift lines of", "exchange code of",
                                        "run", "run", "remove",
                                        "redefine members of"};
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        for (uint32_t d = 0; d < change->diff.len; d++) {
            struct mf_delta *delta = &change->diff.deltas[d];
            if (delta->kind == MF_DELTA_SAME && !delta->runs) {
                continue;
            }
            PyObject *name = mf_plan_unit_name(change, delta);
            PyObject *line =
                name ? PyUnicode_FromFormat(
                           "%s%s %U (%U:%ld)",
                           delta->runs ? "run" : words[delta->kind],
                           delta->derived ? " (derived)" : "", name,
                           change->source->path,
                           mf_plan_unit_line(change, delta))
                     : NULL;
            Py_XDECREF(name);
            int rc = line ? PyList_Append(report->plan, line) : -1;
            Py_XDECREF(line);
            if (rc < 0) {
                return -1;
            }
        }
    }
    return 0;
}

bool
mf_plan_deletes(const struct mf_plan *plan, PyObject *dict)
{
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        for (size_t t = 0;
             change->kind == MF_CHANGE_DELETED && t < change->targets.len;
             t++) {
            struct mf_target *target = change->targets.items[t];
            if (target->module->dict == dict) {
                return true;
            }
        }
    }
    return false;
}
