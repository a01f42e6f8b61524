/* plan_alone.c -- owns classes that cannot be made a second time: a metaclass or
 * a decorator refuses (a table of that name exists). In: statements that have
 * failed. Out: classes whose methods run alone although somebody has a say.
 */
#include "plan_parts.h"

#include "../state.h"

/* Nothing but methods differs. */
static bool
is_fit(struct mf_diff *diff, struct mf_delta *delta)
{
    uint32_t at = (uint32_t)(delta - diff->deltas);
    if (delta->old_unit == MF_UNIT_NONE || delta->new_unit == MF_UNIT_NONE) {
        return false;
    }
    const struct mf_unit *a = &diff->old_of.split->units[delta->old_unit];
    const struct mf_unit *b = &diff->new_of.split->units[delta->new_unit];
    size_t n = a->body - a->start;
    bool any = false;
    if (b->kind != MF_UNIT_CLASS || n != b->body - b->start ||
        memcmp(PyBytes_AS_STRING(diff->old_of.text->bytes) + a->start,
               PyBytes_AS_STRING(diff->new_of.text->bytes) + b->start,
               n) != 0) {
        return false;
    }
    for (uint32_t i = at + 1; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != at || d->kind == MF_DELTA_SAME) {
            continue;
        }
        bool new_side = d->new_unit != MF_UNIT_NONE;
        const struct mf_compile_unit_of *of = new_side ? &diff->new_of
                                                       : &diff->old_of;
        if (of->split->units[new_side ? d->new_unit : d->old_unit].kind !=
            MF_UNIT_DEF) {
            return false;
        }
        any = true;
    }
    return any;
}

/* New reference. */
static PyObject *
key_of(struct mf_change *change, struct mf_delta *delta)
{
    PyObject *name = mf_plan_unit_name(change, delta);
    PyObject *key = name ? PyUnicode_FromFormat("%U\n%U", change->source->path,
                                                name)
                         : NULL;
    Py_XDECREF(name);
    return key;
}

bool
mf_plan_is_alone(struct mf_change *change, struct mf_delta *delta)
{
    struct mf_state *state = mf_state_get();
    if (state == NULL || PySet_GET_SIZE(state->alone) == 0 ||
        !is_fit(&change->diff, delta)) {
        PyErr_Clear();
        return false;
    }
    PyObject *key = key_of(change, delta);
    int yes = key ? PySet_Contains(state->alone, key) : 0;
    Py_XDECREF(key);
    PyErr_Clear();
    return yes > 0;
}

int
mf_plan_refused(struct mf_change *change, struct mf_delta *delta)
{
    struct mf_state *state = mf_state_get();
    const struct mf_unit *u =
        delta->new_unit != MF_UNIT_NONE
            ? &change->diff.new_of.split->units[delta->new_unit]
            : NULL;
    if (state == NULL || u == NULL || u->kind != MF_UNIT_CLASS ||
        delta->parent != MF_UNIT_NONE || !is_fit(&change->diff, delta)) {
        return 0;
    }
    PyObject *key = key_of(change, delta);
    int known = key ? PySet_Contains(state->alone, key) : -1;
    int rc = known < 0 || (!known && PySet_Add(state->alone, key) < 0) ? -1
                                                                       : !known;
    Py_XDECREF(key);
    state->refused |= rc > 0;
    return rc;
}

int
mf_plan_refuse_all(struct mf_plan *plan)
{
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        struct mf_diff *diff = &change->diff;
        for (uint32_t d = 0; d < diff->len; d++) {
            if (change->kind == MF_CHANGE_EDITED && diff->deltas[d].runs &&
                mf_plan_refused(change, &diff->deltas[d]) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

int
mf_plan_report_alone(struct mf_change *change, struct mf_report *report)
{
    struct mf_diff *diff = &change->diff;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->kind != MF_DELTA_CLASS || d->runs ||
            !mf_plan_is_alone(change, d)) {
            continue;
        }
        PyObject *name = mf_plan_unit_name(change, d);
        struct mf_module *m = change->source->modules.items[0];
        int rc = name ? mf_report_add(report, 310, '=', m->name, name,
                                      change->source->path,
                                      mf_plan_unit_line(change, d),
                                      "%U cannot be made a second time: its "
                                      "methods were changed alone",
                                      name)
                      : -1;
        Py_XDECREF(name);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}
