/* rebuild_kept.c -- owns the question which instances live only in the records
 * of earlier updates, for an undo. In: those records, the classes that are made
 * anew. Out: the instances whose values need no record once more.
 *
 * If they were all recorded again, each update would keep for the next hundred
 * what the one before has kept. What an undo of a record gives back to the
 * program has to be as it was then: that is in the first record since.
 *
 * As a collector does it: references from the records and from each other are
 * taken off the count of each; who has some left lives, and whom it holds.
 */
#include "rebuild_parts.h"

#include "../ground/fault.h"
#include "../state.h"

enum { LOOKED_AT = 100000 }; /* objects; what is behind them counts as the
                                program's */

struct kept {
    struct mf_vec found; /* borrowed: the instances, the values of records,
                            then what both hold */
    struct mf_map count; /* one of them -> references that are not known yet */
    struct mf_vec next;  /* borrowed: of those, whose own are to be visited */
    struct mf_rebuild *rebuild;
    uintptr_t mark; /* in place of the count of all that are reached */
    bool failed;    /* no memory */
};

/* Marks in `count`. Dead is who has 0. */
enum { ALIVE = 1, GIVEN_BACK };
#define MARK(kind) (UINTPTR_MAX - (kind))

/* ---- the records ----------------------------------------------------------------- */

static int
each_of(PyObject *record, int (*visit)(PyObject *entry, void *arg), void *arg)
{
    PyObject *replaced = PyTuple_GET_ITEM(record, 2);
    Py_ssize_t count = PyList_Check(replaced) ? PyList_GET_SIZE(replaced) : 0;
    int rc = 0;
    for (Py_ssize_t i = 0; rc == 0 && i < count; i++) {
        rc = visit(PyList_GET_ITEM(replaced, i), arg);
    }
    return rc;
}

static int
each_entry(PyObject *records, int (*visit)(PyObject *entry, void *arg),
           void *arg)
{
    int rc = 0;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(records); i++) {
        rc = each_of(PyList_GET_ITEM(records, i), visit, arg);
    }
    return rc;
}

static int
add(struct kept *kept, PyObject *obj)
{
    return mf_map_has(&kept->count, obj) ? 0
           : mf_vec_push(&kept->found, obj) < 0
               ? -1
               : mf_map_put(&kept->count, obj, (uintptr_t)Py_REFCNT(obj));
}

/* Whom it belongs to, if it has a class that is made anew. */
static int
add_holder(PyObject *entry, void *arg)
{
    struct kept *kept = arg;
    PyObject *holder = PyTuple_GET_ITEM(entry, 0);
    return mf_rebuild_route_of(kept->rebuild, Py_TYPE(holder)) != NULL
               ? add(kept, holder)
               : 0;
}

static int
take_off(PyObject *obj, void *arg)
{
    uintptr_t *count = mf_map_find(&((struct kept *)arg)->count, obj);
    if (count != NULL && *count > 0) {
        --*count;
    }
    return 0;
}

static int
take_off_entry(PyObject *entry, void *arg)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(entry); i++) {
        take_off(PyTuple_GET_ITEM(entry, i), arg);
    }
    return 0;
}

/* ---- what they hold -------------------------------------------------------------- */

/* Data of the program; no namespace, no code. */
static bool
is_data(PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);
    return PyType_IS_GC(type) && PyObject_GC_IsTracked(obj) &&
           (type == &PyList_Type || type == &PyDict_Type ||
            type == &PyTuple_Type || type == &PySet_Type ||
            type == &PyFrozenSet_Type ||
            (PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) &&
             !PyType_Check(obj)));
}

static int
add_held(PyObject *obj, void *arg)
{
    struct kept *kept = arg;
    if (kept->found.len < LOOKED_AT && is_data(obj) && add(kept, obj) < 0) {
        kept->failed = true;
    }
    return kept->failed;
}

/* Lists and the like that only a record has hold instances, too. */
static int
add_values(PyObject *entry, void *arg)
{
    return add_held(PyTuple_GET_ITEM(entry, 2), arg) ||
                   add_held(PyTuple_GET_ITEM(entry, 3), arg)
               ? -1
               : 0;
}

/* It and what it holds, if they have not been reached yet. */
static int
add_reached(PyObject *obj, void *arg)
{
    struct kept *kept = arg;
    uintptr_t *count = mf_map_find(&kept->count, obj);
    if (count != NULL && *count < MARK(GIVEN_BACK)) {
        *count = kept->mark;
        kept->failed |= mf_vec_push(&kept->next, obj) < 0;
    }
    return kept->failed;
}

static int
visit_held(PyObject *obj, visitproc visit, struct kept *kept)
{
    Py_TYPE(obj)->tp_traverse(obj, visit, kept);
    return kept->failed ? -1 : 0;
}

static int
reach(struct kept *kept, PyObject *obj)
{
    int rc = add_reached(obj, kept) ? -1 : 0;
    while (rc == 0 && kept->next.len > 0) {
        rc = visit_held(kept->next.items[--kept->next.len], add_reached, kept);
    }
    return rc;
}

static bool
is_dead(struct kept *kept, PyObject *obj)
{
    uintptr_t *count = mf_map_find(&kept->count, obj);
    return count != NULL && *count == 0;
}

/* ---- answers --------------------------------------------------------------------- */

/* Whom the program holds gets its mark, others the references that are not
 * known: 0. */
static int
mark_alive(struct kept *kept, struct mf_state *state)
{
    for (size_t i = 0; i < kept->found.len; i++) {
        if (visit_held(kept->found.items[i], add_held, kept) < 0) {
            return -1;
        }
    }
    each_entry(state->records, take_off_entry, kept);
    each_entry(state->undone, take_off_entry, kept);
    for (size_t i = 0; i < kept->found.len; i++) {
        visit_held(kept->found.items[i], take_off, kept);
    }
    kept->mark = MARK(ALIVE);
    for (size_t i = 0; i < kept->found.len; i++) {
        if (!is_dead(kept, kept->found.items[i]) &&
            reach(kept, kept->found.items[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
answer_holder(PyObject *entry, void *arg)
{
    struct kept *kept = arg;
    PyObject *holder = PyTuple_GET_ITEM(entry, 0);
    return is_dead(kept, holder)
               ? mf_map_put(&kept->rebuild->kept, holder, 1)
               : 0;
}

static int
reach_values(PyObject *entry, void *arg)
{
    return reach(arg, PyTuple_GET_ITEM(entry, 2)) < 0 ||
                   reach(arg, PyTuple_GET_ITEM(entry, 3)) < 0
               ? -1
               : 0;
}

/* From the newest record on: who has values in one that are not older than the
 * one that gives it back itself. */
static int
answer(struct kept *kept, PyObject *records)
{
    kept->mark = MARK(GIVEN_BACK);
    for (Py_ssize_t i = PyList_GET_SIZE(records); i > 0; i--) {
        PyObject *record = PyList_GET_ITEM(records, i - 1);
        if (each_of(record, answer_holder, kept) < 0 ||
            each_of(record, reach_values, kept) < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_rebuild_kept_find(struct mf_rebuild *rebuild)
{
    struct mf_state *state = mf_state_get();
    struct kept kept = {.rebuild = rebuild};
    for (size_t i = 0; i < rebuild->n_routes; i++) {
        rebuild->routes[i].kept = &rebuild->kept;
    }
    int rc = state != NULL &&
                     each_entry(state->records, add_holder, &kept) == 0 &&
                     each_entry(state->undone, add_holder, &kept) == 0
                 ? 0
                 : -1;
    if (rc == 0 && kept.found.len > 0) {
        rc = each_entry(state->records, add_values, &kept) < 0 ||
                     each_entry(state->undone, add_values, &kept) < 0 ||
                     mark_alive(&kept, state) < 0 ||
                     answer(&kept, state->undone) < 0 ||
                     answer(&kept, state->records) < 0
                 ? -1
                 : 0;
    }
    mf_vec_clear(&kept.found);
    mf_vec_clear(&kept.next);
    mf_map_clear(&kept.count);
    return rc;
}
