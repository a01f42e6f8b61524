/* plan_members.c -- owns what follows inside a class body: members that read
 * what an edited member binds. In: the deltas of a class whose members run
 * alone. Out: more of them that run, as derived ones.
 */
#include "plan_parts.h"

/* What stands for a field in the class (of a named tuple, in slots): the value
 * that the member has bound went elsewhere. */
static bool
is_place(PyObject *live)
{
    PyTypeObject *type = Py_TYPE(live);
    return type->tp_descr_get != NULL &&
           (!PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) ||
            PyType_HasFeature(type, Py_TPFLAGS_IMMUTABLETYPE));
}

/* A derived member may run if what it has bound in the class is plain. */
int
mf_plan_may_run_member(struct mf_change *change, uint32_t cls_delta,
                       struct mf_delta *delta)
{
    if (change->diff.new_of.split->units[delta->new_unit].name_len > 0) {
        return 1;
    }
    struct mf_names *names = mf_diff_names(&change->diff, delta);
    PyObject *name, *iter = names ? PyObject_GetIter(names->stores) : NULL;
    int yes = iter ? 1 : -1;
    while (yes == 1 && (name = PyIter_Next(iter)) != NULL) {
        for (size_t t = 0; t < change->targets.len; t++) {
            PyObject *cls = mf_plan_live_class(
                change->targets.items[t], &change->diff.deltas[cls_delta]);
            PyObject *live =
                cls ? PyDict_GetItemWithError(((PyTypeObject *)cls)->tp_dict,
                                              name)
                    : NULL;
            if (live != NULL && !is_place(live) &&
                !mf_plan_is_plain(live, 0)) {
                yes = 0;
            }
        }
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return PyErr_Occurred() ? -1 : yes;
}

/* Data that a member binds: its statement runs, or is gone. Functions and
 * classes are redefined in place, whoever has read them. */
static bool
binds_data(struct mf_change *change, const struct mf_delta *d)
{
    const char *text;
    return (d->kind == MF_DELTA_RUN || d->kind == MF_DELTA_ADDED ||
            d->kind == MF_DELTA_REMOVED) &&
           mf_plan_unit_of(change, (struct mf_delta *)d, &text)->name_len ==
               0;
}

/* Does the member run again because of that one? */
static int
reads_of(struct mf_change *change, uint32_t at, uint32_t of)
{
    struct mf_diff *diff = &change->diff;
    struct mf_delta *d = &diff->deltas[at], *bound = &diff->deltas[of];
    if (at < of && bound->kind != MF_DELTA_REMOVED) {
        return 0; /* it stands before: it has read the module's name */
    }
    struct mf_names *reads = mf_diff_names(diff, d);
    struct mf_names *binds = reads ? mf_diff_names(diff, bound) : NULL;
    if (binds == NULL) {
        return -1;
    }
    PyObject *common = PyNumber_And(reads->loads, binds->stores);
    int yes = common ? PySet_GET_SIZE(common) > 0 : -1;
    Py_XDECREF(common);
    return yes;
}

/* 1: it runs from now on; 0; -1 */
static int
follow_one(struct mf_change *change, uint32_t cls, uint32_t at)
{
    struct mf_diff *diff = &change->diff;
    struct mf_delta *d = &diff->deltas[at];
    if (d->parent != cls || d->new_unit == MF_UNIT_NONE ||
        d->old_unit == MF_UNIT_NONE || d->kind == MF_DELTA_RUN) {
        return 0;
    }
    for (uint32_t i = cls + 1; i < diff->len; i++) {
        if (i == at || diff->deltas[i].parent != cls ||
            !binds_data(change, &diff->deltas[i])) {
            continue;
        }
        int yes = reads_of(change, at, i);
        yes = yes > 0 ? mf_plan_may_run_member(change, cls, d) : yes;
        if (yes != 0) {
            d->derived = d->kind != MF_DELTA_CODE;
            d->kind = MF_DELTA_RUN;
            return yes;
        }
    }
    return 0;
}

int
mf_plan_follow_members(struct mf_change *change, uint32_t cls)
{
    for (uint32_t i = cls + 1; i < change->diff.len; i++) {
        struct mf_delta *d = &change->diff.deltas[i];
        if (d->parent == cls && d->kind == MF_DELTA_REMOVED &&
            mf_plan_run_binders(change, i) < 0) {
            return -1;
        }
    }
    bool more = true;
    while (more) {
        more = false;
        for (uint32_t i = cls + 1; i < change->diff.len; i++) {
            int rc = follow_one(change, cls, i);
            if (rc < 0) {
                return -1;
            }
            more |= rc > 0;
        }
    }
    return 0;
}

/* ---- what a name meant before ---------------------------------------------------- */

static int
binds_name(struct mf_change *change, struct mf_delta *d, PyObject *name)
{
    const char *text;
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    const struct mf_unit *u = mf_plan_unit_of(change, d, &text);
    if (word == NULL) {
        return -1;
    }
    if (u->name_len > 0) {
        return u->name_len == (uint32_t)len &&
               memcmp(text + u->name, word, (size_t)len) == 0;
    }
    if (!mf_diff_may_bind(u, word, (size_t)len)) {
        return 0;
    }
    struct mf_names *names = mf_diff_names(&change->diff, d);
    return names ? PySet_Contains(names->stores, name) : -1;
}

/* The statement that gave a name its meaning is gone: those before it that
 * bind the name run. */
static int
run_binders_of(struct mf_change *change, uint32_t gone, PyObject *name)
{
    struct mf_diff *diff = &change->diff;
    uint32_t parent = diff->deltas[gone].parent, last = MF_UNIT_NONE;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != parent || d->new_unit == MF_UNIT_NONE) {
            continue;
        }
        int binds = binds_name(change, d, name);
        if (binds < 0) {
            return -1;
        }
        if (binds && (d->old_unit == MF_UNIT_NONE ||
                      d->old_unit > diff->deltas[gone].old_unit)) {
            return 0; /* it was not the last word */
        }
        last = binds ? i : last;
    }
    if (last == MF_UNIT_NONE) {
        return 0;
    }
    if (parent == MF_UNIT_NONE) {
        return mf_plan_mark_runs(change, &diff->deltas[last], false);
    }
    for (uint32_t i = parent + 1; i <= last; i++) {
        struct mf_delta *d = &diff->deltas[i];
        int binds = d->parent == parent && d->new_unit != MF_UNIT_NONE
                        ? binds_name(change, d, name)
                        : 0;
        if (binds < 0) {
            return -1;
        }
        d->kind = binds ? MF_DELTA_RUN : d->kind;
    }
    return 0;
}

int
mf_plan_run_binders(struct mf_change *change, uint32_t gone)
{
    struct mf_names *names =
        mf_diff_names(&change->diff, &change->diff.deltas[gone]);
    PyObject *name, *iter = names ? PyObject_GetIter(names->stores) : NULL;
    int rc = iter ? 0 : -1;
    while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        rc = run_binders_of(change, gone, name);
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}
