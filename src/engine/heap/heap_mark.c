/* heap_mark.c -- owns what has been made since a mark. In: the moment of the
 * mark, collections and freezes since. Out: the objects made after it.
 *
 * As long as nothing moves the lists, these are the youngest ring from the
 * marker on. A collection mixes the rings: so what is behind the marker is
 * noted by address right before it, and the marker set anew after it. What is
 * at one of these addresses later has been made since the mark, too, whether
 * it is the same object or not: no memory of an older one was free.
 *
 * A freeze tells nobody, but keeps the order: one ring after the other, so
 * that markers at the ends of the older ones tell where each begins.
 */
#include "heap_parts.h"

#include "../ground/fault.h"

/* What the collector's callback knows. It may outlive the mark. */
struct watch {
    struct mf_heap_mark *mark; /* NULL: cleared */
};

static const char watch_name[] = "midflight.heap_mark";

/* --- lists ----------------------------------------------------------------- */

/* Take a marker to the place behind that node. */
static void
move_behind(PyObject *marker, struct node *at)
{
    struct node *node = node_of(marker);
    if (node == at || prev_of(node) == at) {
        return;
    }
    set_next(prev_of(node), next_of(node));
    set_prev(next_of(node), prev_of(node));
    set_next(node, next_of(at));
    set_prev(node, at);
    set_prev(next_of(at), node);
    set_next(at, node);
}

static void
place_markers(struct mf_heap_mark *mark, struct node *rings[RINGS])
{
    move_behind(mark->marker, prev_of(rings[0]));
    move_behind(mark->first, rings[1]);
    move_behind(mark->last, prev_of(rings[2]));
}

enum place { YOUNG, FROZEN, LOST };

/* Where the marker is, and with it the end of what follows it. */
static enum place
find_place(const struct mf_heap_mark *mark, struct node *rings[RINGS],
           struct node **end)
{
    struct node *first = node_of(mark->marker);
    for (struct node *node = next_of(first); node != first;
         node = next_of(node)) {
        *end = node;
        if (node == rings[0]) {
            return YOUNG;
        }
        if (node == node_of(mark->first)) {
            return FROZEN;
        }
        if (node == rings[1] || node == rings[2] || node == rings[PERMANENT]) {
            break;
        }
    }
    return LOST;
}

/* --- noting ---------------------------------------------------------------- */

static int
note(struct mf_heap_mark *mark, struct node *from, const struct node *to)
{
    for (struct node *node = from; node != to; node = next_of(node)) {
        if (mf_map_put(&mark->made, object_of(node), 1) < 0) {
            return -1;
        }
    }
    return 0;
}

/* All that was made until now. */
static int
note_made(struct mf_heap_mark *mark, struct node *rings[RINGS])
{
    struct node *end;
    enum place place = find_place(mark, rings, &end);
    if (place == LOST) {
        mark->lost = true;
        return 0;
    }
    if (note(mark, next_of(node_of(mark->marker)), end) < 0) {
        return -1;
    }
    if (place == YOUNG) {
        return 0;
    }
    /* since a freeze the other rings have nothing older, and what a further
     * one has brought stands behind what the first one did */
    struct node *ring = next_of(node_of(mark->last));
    while (ring != rings[PERMANENT] && ring != rings[2]) {
        if (mf_map_put(&mark->made, object_of(ring), 1) < 0) {
            return -1;
        }
        ring = next_of(ring);
    }
    return note(mark, next_of(rings[0]), rings[0]);
}

/* After a collection the youngest ring has what its finalizers made. */
static int
begin_again(struct mf_heap_mark *mark, struct node *rings[RINGS])
{
    if (note(mark, next_of(rings[0]), rings[0]) < 0) {
        return -1;
    }
    place_markers(mark, rings);
    return 0;
}

/* Of gc.callbacks: (phase, info). */
static PyObject *
on_collection(PyObject *self, PyObject *args)
{
    struct watch *watch = PyCapsule_GetPointer(self, watch_name);
    struct mf_heap_mark *mark = watch ? watch->mark : NULL;
    PyObject *phase = PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0)
                                                 : NULL;
    struct node *rings[RINGS];
    if (mark == NULL || mark->lost || phase == NULL ||
        !PyUnicode_Check(phase)) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    bool begins = PyUnicode_CompareWithASCIIString(phase, "start") == 0;
    if (mf_heap_rings(rings) < 0 || (begins ? note_made(mark, rings)
                                            : begin_again(mark, rings)) < 0) {
        mark->no_memory = PyErr_ExceptionMatches(PyExc_MemoryError);
        PyErr_Clear();
        mark->lost = true;
    }
    mark->collected = true;
    Py_RETURN_NONE;
}

static PyMethodDef on_collection_def = {
    "on_collection", on_collection, METH_VARARGS,
    "midflight notes what was made before a collection."};

static void
free_watch(PyObject *capsule)
{
    mf_free(PyCapsule_GetPointer(capsule, watch_name));
}

/* The list gc.callbacks, or NULL. */
static PyObject *
callbacks(void)
{
    PyObject *gc = PyImport_ImportModule("gc");
    PyObject *list = gc ? PyObject_GetAttrString(gc, "callbacks") : NULL;
    Py_XDECREF(gc);
    return list;
}

static int
watch_collections(struct mf_heap_mark *mark)
{
    struct watch *watch = mf_alloc(sizeof(*watch));
    if (watch == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    watch->mark = mark;
    PyObject *self = PyCapsule_New(watch, watch_name, free_watch);
    if (self == NULL) {
        mf_free(watch);
        return -1;
    }
    mark->watch = PyCFunction_New(&on_collection_def, self);
    Py_DECREF(self);
    PyObject *list = mark->watch ? callbacks() : NULL;
    int rc = list ? PyList_Append(list, mark->watch) : -1;
    Py_XDECREF(list);
    return rc;
}

static void
watch_no_more(struct mf_heap_mark *mark)
{
    if (mark->watch == NULL) {
        return;
    }
    struct watch *watch =
        PyCapsule_GetPointer(PyCFunction_GET_SELF(mark->watch), watch_name);
    if (watch != NULL) {
        watch->mark = NULL;
    }
    PyObject *list = callbacks();
    for (Py_ssize_t i = list && PyList_Check(list) ? PyList_GET_SIZE(list) : 0;
         i > 0; i--) {
        if (PyList_GET_ITEM(list, i - 1) == mark->watch) {
            PyList_SetSlice(list, i - 1, i, NULL);
            break;
        }
    }
    Py_XDECREF(list);
    Py_CLEAR(mark->watch);
}

/* --- marks ----------------------------------------------------------------- */

static int
set(struct mf_heap_mark *mark)
{
    /* A collection that is due already runs (3.12+) at the next check of the
     * interpreter, held or not: let it run now, before the marker stands.
     * Signal handlers run here too; their exception ends the update. */
    struct node *rings[RINGS];
    if (PyErr_CheckSignals() < 0 || watch_collections(mark) < 0) {
        return -1;
    }
    mark->first = mf_heap_new_marker();
    mark->last = mark->first ? mf_heap_new_marker() : NULL;
    mark->marker = mark->last ? mf_heap_new_marker() : NULL;
    if (mark->marker == NULL || mf_heap_rings(rings) < 0) {
        return -1;
    }
    place_markers(mark, rings);
    return 0;
}

int
mf_heap_mark_set(struct mf_heap_mark *mark)
{
    mark->was_enabled = PyGC_Disable();
    mark->is_set = true;
    if (set(mark) < 0) {
        PyObject *type, *value, *tb;
        PyErr_Fetch(&type, &value, &tb);
        mf_heap_mark_clear(mark);
        PyErr_Restore(type, value, tb);
        return -1;
    }
    return 0;
}

static enum place
place_now(const struct mf_heap_mark *mark, struct node *rings[RINGS],
          struct node **end)
{
    if (!mark->is_set || mark->lost) {
        return LOST;
    }
    if (mf_heap_rings(rings) < 0) {
        PyErr_Clear();
        return LOST;
    }
    return find_place(mark, rings, end);
}

bool
mf_heap_mark_intact(const struct mf_heap_mark *mark)
{
    struct node *rings[RINGS], *end;
    return !mark->collected && place_now(mark, rings, &end) == YOUNG;
}

bool
mf_heap_mark_known(const struct mf_heap_mark *mark)
{
    struct node *rings[RINGS], *end;
    return place_now(mark, rings, &end) != LOST;
}

struct filter {
    const struct mf_map *made;
    mf_heap_visit visit;
    void *arg;
};

static int
visit_made(PyObject *obj, void *arg)
{
    struct filter *filter = arg;
    return mf_map_has(filter->made, obj) ? filter->visit(obj, filter->arg)
                                         : 0;
}

int
mf_heap_mark_walk(struct mf_heap_mark *mark, mf_heap_visit visit, void *arg)
{
    struct node *rings[RINGS], *end, *next;
    enum place place = place_now(mark, rings, &end);
    if (place == LOST) {
        return mf_heap_walk(visit, arg);
    }
    if (place == FROZEN || mark->collected) {
        struct filter filter = {&mark->made, visit, arg};
        return note_made(mark, rings) < 0 ? -1
                                          : mf_heap_walk(visit_made, &filter);
    }
    for (struct node *node = next_of(node_of(mark->marker)); node != end;
         node = next) {
        next = next_of(node);
        int rc = mf_heap_visit_node(node, visit, arg);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

void
mf_heap_mark_clear(struct mf_heap_mark *mark)
{
    if (!mark->is_set) {
        return;
    }
    mark->is_set = false;
    watch_no_more(mark);
    Py_CLEAR(mark->marker);
    Py_CLEAR(mark->first);
    Py_CLEAR(mark->last);
    mf_map_clear(&mark->made);
    mark->collected = mark->lost = false;
    if (mark->was_enabled) {
        PyGC_Enable();
    }
}
