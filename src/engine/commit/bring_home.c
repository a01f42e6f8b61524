/* bring_home.c -- owns the return of staged objects: every reference among what
 * was staged turns to the live object that keeps its identity. In: pairs. Out:
 * staged values that can be compared with live ones, and the live objects that
 * hold staged ones already.
 */
#include "commit.h"

#include "../ground/trace.h"
#include "redefine_class.h"

/* The class of this update that has the holder as an attribute, or NULL. */
static struct mf_pair *
owner_of(struct mf_commit *commit, PyObject *holder)
{
    for (size_t i = 0; i < commit->match->len; i++) {
        struct mf_pair *pair = &commit->match->pairs[i];
        PyObject *key, *value;
        Py_ssize_t pos = 0;
        while (pair->kind == MF_PAIR_CLASS && pair->target != NULL &&
               PyDict_Next(((PyTypeObject *)pair->new_obj)->tp_dict, &pos,
                           &key, &value)) {
            if (value == holder) {
                return pair;
            }
        }
    }
    return NULL;
}

static int
stuck(struct mf_commit *commit, PyObject *holder)
{
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) {
        return -1;
    }
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    if (mf_plan_refuse_all(commit->plan) < 0) {
        PyErr_Clear(); /* then it is not tried again */
    }
    struct mf_pair *pair = owner_of(commit, holder);
    struct mf_change *change = pair ? pair->target->change : NULL;
    PyObject *name =
        pair ? ((PyHeapTypeObject *)pair->old_obj)->ht_qualname : NULL;
    bool known = pair != NULL && pair->delta != MF_UNIT_NONE;
    int rc = mf_report_add(
        commit->report, 409, '=', pair ? pair->target->module->name : NULL,
        name, change ? change->source->path : NULL,
        known ? mf_plan_unit_line(change, &change->diff.deltas[pair->delta])
              : 0,
        "a staged object%s%V is held by a %s that cannot be rewritten: %S",
        name ? " of " : "", name, "", Py_TYPE(holder)->tp_name,
        value ? value : Py_None);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(tb);
    return rc;
}

/* References to a paired object that we hold ourselves. */
static Py_ssize_t
own_references(struct mf_commit *commit, PyObject *obj)
{
    Py_ssize_t own = 1; /* the pair's */
    for (size_t i = 0; i < commit->stage->clone_refs.len; i++) {
        own += commit->stage->clone_refs.items[i] == obj;
    }
    return own;
}

struct fresh {
    struct mf_commit *commit;
    struct mf_map counts; /* staged class -> references from what is fresh */
};

static int
fresh_reference(PyObject *obj, void *arg)
{
    uintptr_t *count = mf_map_find(arg, obj);
    if (count != NULL) {
        ++*count;
    }
    return 0;
}

static int
fresh_visit(PyObject *obj, void *arg)
{
    struct fresh *fresh = arg;
    if (mf_match_is_fresh(fresh->commit->match, obj)) {
        Py_TYPE(obj)->tp_traverse(obj, fresh_reference, &fresh->counts);
    }
    return 0;
}

/* How often what was staged refers to staged classes: to itself by its method
 * resolution order, from its descriptors. 0 / -1. */
static int
count_fresh(struct fresh *fresh)
{
    struct mf_match *match = fresh->commit->match;
    for (size_t i = 0; i < match->len; i++) {
        if (match->pairs[i].kind == MF_PAIR_CLASS &&
            mf_map_put(&fresh->counts, match->pairs[i].new_obj, 0) < 0) {
            return -1;
        }
    }
    return fresh->counts.used == 0
               ? 0
               : mf_heap_mark_walk(&fresh->commit->stage->mark, fresh_visit,
                                   fresh);
}

/* Does something outside the stage hold a staged object still? 1 / 0 / -1. */
static int
is_held_outside(struct mf_commit *commit)
{
    struct fresh fresh = {.commit = commit};
    int held = !mf_heap_mark_known(&commit->stage->mark);
    if (!held && count_fresh(&fresh) < 0) {
        held = -1;
    }
    for (size_t i = 0; i < commit->match->len && held == 0; i++) {
        struct mf_pair *pair = &commit->match->pairs[i];
        if (pair->kind == MF_PAIR_PLACE || pair->kind == MF_PAIR_DATA) {
            continue;
        }
        uintptr_t *count = mf_map_find(&fresh.counts, pair->new_obj);
        Py_ssize_t known = own_references(commit, pair->new_obj) +
                           (count ? (Py_ssize_t)*count : 0);
        held = Py_REFCNT(pair->new_obj) > known;
        if (held) {
            MF_TRACE(3, "held outside: %s with %zd references, %zd known",
                     Py_TYPE(pair->new_obj)->tp_name,
                     (Py_ssize_t)Py_REFCNT(pair->new_obj), known);
        }
    }
    mf_map_clear(&fresh.counts);
    return held;
}

/* Our own structures are GC objects too; they are not the program's. */
static bool
is_ours(struct mf_commit *commit, PyObject *holder)
{
    for (size_t i = 0; i < commit->match->len; i++) {
        if (commit->match->pairs[i].new_obj == holder) {
            return true;
        }
    }
    return mf_match_is_fresh(commit->match, holder);
}

/* Copies that effects has taken tell staged objects from live ones: they stay
 * as they are. */
static int
keep_copies(struct mf_commit *commit, struct mf_map *copies)
{
    struct mf_effects *effects = &commit->stage->effects;
    for (size_t i = 0; i < effects->len; i++) {
        struct mf_effect *e = &effects->items[i];
        if ((e->before.items != NULL &&
             mf_map_put(copies, e->before.items, 1) < 0) ||
            (e->after.items != NULL &&
             mf_map_put(copies, e->after.items, 1) < 0)) {
            return -1;
        }
    }
    return 0;
}

int
mf_commit_find_holders(struct mf_commit *commit)
{
    struct mf_vec holders = {0};
    MF_TRACE(2, "heap walk for holders of staged objects");
    mf_vec_clear_refs(&commit->live_holders);
    int rc = mf_become_holders(&commit->match->home, NULL, &holders);
    for (size_t i = 0; i < holders.len && rc == 0; i++) {
        if (!is_ours(commit, holders.items[i])) {
            rc = mf_vec_push_ref(&commit->live_holders, holders.items[i]);
        }
    }
    mf_vec_clear(&holders);
    return rc;
}

int
mf_commit_bring_home(struct mf_commit *commit)
{
    struct mf_map copies = {0}, layout = {0};
    struct mf_vec holders = {0};
    struct mf_become become = {.pairs = &commit->match->home,
                               .layout = &layout};
    int rc = keep_copies(commit, &copies);
    for (size_t i = 0; i < commit->match->len && rc == 0; i++) {
        struct mf_pair *pair = &commit->match->pairs[i];
        rc = pair->kind == MF_PAIR_CLASS && (pair->rebuild || pair->renew)
                 ? mf_map_put(&layout, pair->new_obj, 1)
                 : 0;
    }
    if (rc == 0) {
        rc = mf_become_holders(&commit->match->home, &commit->stage->mark,
                               &holders);
    }
    for (size_t i = 0; i < holders.len && rc == 0; i++) {
        PyObject *holder = holders.items[i];
        if (!mf_match_is_fresh(commit->match, holder) ||
            mf_map_has(&copies, holder)) {
            continue; /* the suffix was broken: live ones come at apply */
        }
        if (mf_become_object(&become, holder) < 0) {
            rc = stuck(commit, holder);
        }
    }
    mf_vec_clear(&holders);
    mf_map_clear(&copies);
    mf_map_clear(&layout);
    mf_become_clear(&become);
    if (rc < 0) {
        return -1;
    }
    for (size_t i = 0; i < commit->match->len; i++) {
        struct mf_pair *pair = &commit->match->pairs[i];
        if (pair->kind == MF_PAIR_CLASS &&
            mf_redefine_class_hide((PyTypeObject *)pair->new_obj) < 0) {
            return -1;
        }
    }
    int held = is_held_outside(commit);
    return held > 0 ? mf_commit_find_holders(commit) : held;
}
