/* heap.c -- the collector's lists.
 *
 * Owns: where the lists are and how to walk them. In: visitors. Out: calls of
 * them, one per object.
 *
 * The collector keeps every tracked object in a ring per generation, whose
 * head lies in the interpreter's state. That state changes its layout within
 * a minor version, so no offset of it is used. Instead: an object that was
 * tracked last stands at the tail of the youngest ring, so what follows it is
 * that ring's head; the heads of the others lie at fixed distances from it,
 * with thresholds beside them that gc.get_threshold() tells too.
 */
#include "heap_parts.h"
#include "../ground/compat.h"

/* A generation: its head and two numbers. */
struct generation {
    struct node head;
    int threshold;
    int count;
};

/* Distances in bytes from the youngest head; the same in all interpreters,
 * since they are of one build. 0: not probed yet. */
static size_t ring_offset[RINGS];
static size_t flag_offset;

/* --- markers ------------------------------------------------------------- */

static int
marker_traverse(PyObject *Py_UNUSED(self), visitproc Py_UNUSED(visit),
                void *Py_UNUSED(arg))
{
    return 0;
}

static void
marker_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    PyObject_GC_Del(self);
}

/* Instances hold nothing, so it can be shared by interpreters. */
PyTypeObject mf_heap_marker = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "midflight._engine.Marker",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_traverse = marker_traverse,
    .tp_dealloc = marker_dealloc,
};

/* At the tail of the youngest ring. The caller has disabled the collector. */
PyObject *
mf_heap_new_marker(void)
{
    PyObject *marker = PyObject_GC_New(PyObject, &mf_heap_marker);
    if (marker != NULL) {
        PyObject_GC_Track(marker);
    }
    return marker;
}

/* The heads of this interpreter's rings. */
int
mf_heap_rings(struct node *rings[RINGS])
{
    if (ring_offset[1] == 0) {
        PyErr_SetString(PyExc_RuntimeError,
                        "the collector's lists are not known");
        return -1;
    }
    int was_enabled = PyGC_Disable();
    PyObject *marker = mf_heap_new_marker();
    if (was_enabled) {
        PyGC_Enable();
    }
    if (marker == NULL) {
        return -1;
    }
    char *young = (char *)next_of(node_of(marker));
    for (int i = 0; i < RINGS; i++) {
        rings[i] = (struct node *)(young + ring_offset[i]);
    }
    Py_DECREF(marker);
    return 0;
}

/* --- the probe ----------------------------------------------------------- */

enum { PROBED_NODES = 200 };

/* Do the first nodes of this ring point to each other, and to objects? */
static bool
ring_is_sane(struct node *head)
{
    struct node *node = head;
    for (int i = 0; i < PROBED_NODES; i++) {
        struct node *next = next_of(node);
        if (next == NULL || prev_of(next) != node) {
            return false;
        }
        if (next == head) {
            return true;
        }
        node = next;
        PyTypeObject *type = Py_TYPE(object_of(node));
        if (type == NULL || !(type->tp_flags & Py_TPFLAGS_HAVE_GC)) {
            return false;
        }
    }
    return true;
}

/* The thresholds that gc.get_threshold() tells stand beside the heads. */
static bool
thresholds_match(struct node *young, PyObject *gc)
{
    int want[3];
    bool match = false;
    const struct generation *generation = (struct generation *)young;
    PyObject *told = PyObject_CallMethod(gc, "get_threshold", NULL);
    if (told != NULL &&
        PyArg_ParseTuple(told, "iii", &want[0], &want[1], &want[2])) {
        match = generation[0].threshold == want[0] &&
                generation[1].threshold == want[1] &&
                /* always told to be 0 by the incremental collector */
                (generation[2].threshold == want[2] || want[2] == 0);
    }
    PyErr_Clear();
    Py_XDECREF(told);
    return match;
}

/* The first place for a pointer from there on. */
static void *
aligned(char *at)
{
    return (void *)(((uintptr_t)at + sizeof(void *) - 1) &
                    ~(uintptr_t)(sizeof(void *) - 1));
}

/* The collector's flag stands in front of its pointers to gc.garbage and
 * gc.callbacks, a little behind the heads. */
static size_t
find_flag(struct node *young, size_t permanent, PyObject *gc)
{
    enum { SEARCHED = 128 };
    PyObject *garbage = PyObject_GetAttrString(gc, "garbage");
    PyObject *callbacks = PyObject_GetAttrString(gc, "callbacks");
    size_t found = 0;
    if (garbage != NULL && callbacks != NULL) {
        PyObject **from = aligned((char *)young + permanent +
                                  sizeof(struct generation));
        for (int i = 0; i < SEARCHED && found == 0; i++) {
            if (from[i] == garbage && from[i + 1] == callbacks) {
                found = (size_t)((char *)&from[i] - (char *)young) -
                        mf_compat_gc_flag_distance();
            }
        }
    }
    PyErr_Clear();
    Py_XDECREF(garbage);
    Py_XDECREF(callbacks);
    return found;
}

/* NULL, or what is not as expected. `last` was tracked last. */
static const char *
probe_rings(struct node *last, PyObject *gc)
{
    enum { STATE_AT_MOST = 1 << 22 };
    struct node *young = next_of(last);
    ptrdiff_t inside = (char *)young - (char *)PyInterpreterState_Get();
    if (inside <= 0 || inside > STATE_AT_MOST || prev_of(young) != last) {
        return "a new object is not the last of the youngest";
    }
    if (!thresholds_match(young, gc)) {
        return "the generations are not side by side";
    }
    /* Before 3.14 a pointer to the youngest stands between. */
    size_t permanent = 3 * sizeof(struct generation);
    struct node **between = aligned((char *)young + permanent);
    if (*between == young) {
        permanent = (size_t)((char *)(between + 1) - (char *)young);
    }
    struct generation *frozen =
        (struct generation *)((char *)young + permanent);
    if (frozen->threshold != 0 || frozen->count != 0) {
        return "the frozen objects are not beside the generations";
    }
    size_t offsets[RINGS] = {0, sizeof(struct generation),
                             2 * sizeof(struct generation), permanent};
    size_t flag = find_flag(young, permanent, gc);
    if (flag == 0) {
        return "its flag cannot be found";
    }
    if (*(int *)((char *)young + flag) == 0) { /* else some rings are open */
        for (int i = 0; i < RINGS; i++) {
            if (!ring_is_sane((struct node *)((char *)young + offsets[i]))) {
                return "a list of it is broken";
            }
        }
    }
    memcpy(ring_offset, offsets, sizeof(offsets));
    flag_offset = flag;
    return NULL;
}

int
mf_heap_probe(void)
{
    if (mf_compat_gil_disabled()) {
        PyErr_SetString(PyExc_RuntimeError,
                        "the collector of this Python has no lists");
        return -1;
    }
    if (PyType_Ready(&mf_heap_marker) < 0) {
        return -1;
    }
    PyObject *gc = PyImport_ImportModule("gc");
    if (gc == NULL) {
        return -1;
    }
    const char *why = NULL;
    int was_enabled = PyGC_Disable();
    PyObject *marker = mf_heap_new_marker();
    if (marker != NULL) {
        why = probe_rings(node_of(marker), gc);
        Py_DECREF(marker);
    }
    if (was_enabled) {
        PyGC_Enable();
    }
    Py_DECREF(gc);
    if (why != NULL) {
        PyErr_Format(PyExc_RuntimeError, "the collector is not as known: %s",
                     why);
    }
    return marker != NULL && why == NULL ? 0 : -1;
}

/* --- walks --------------------------------------------------------------- */

static bool
is_busy(struct node *young)
{
    return *(int *)((char *)young + flag_offset) != 0;
}

bool
mf_heap_busy(void)
{
    struct node *rings[RINGS];
    if (mf_heap_rings(rings) < 0) {
        PyErr_Clear();
        return true;
    }
    return is_busy(rings[0]);
}

/* From both ends at once. In an aged heap each step is a miss of the cache:
 * so two are under way, while the objects before are visited. */
static int
walk_ring(struct node *head, mf_heap_visit visit, void *arg, bool *is_back)
{
    struct node *front = next_of(head);
    struct node *back = prev_of(head);
    while (front != head) {
        struct node *after = next_of(front);
        struct node *before = prev_of(back);
        __builtin_prefetch(after);
        __builtin_prefetch(before);
        *is_back = false;
        int rc = mf_heap_visit_node(front, visit, arg);
        if (rc != 0 || front == back) {
            return rc;
        }
        *is_back = true;
        rc = mf_heap_visit_node(back, visit, arg);
        if (rc != 0 || after == back) {
            return rc;
        }
        front = after;
        back = before;
    }
    return 0;
}

/* The heads, if nobody has taken objects out of the rings. */
static int
whole_rings(struct node *rings[RINGS])
{
    if (mf_heap_rings(rings) < 0) {
        return -1;
    }
    if (is_busy(rings[0])) {
        PyErr_SetString(PyExc_RuntimeError,
                        "the garbage collector is at work");
        return -1;
    }
    return 0;
}

int
mf_heap_walk(mf_heap_visit visit, void *arg)
{
    struct node *rings[RINGS];
    bool is_back;
    int rc = whole_rings(rings);
    for (int i = RINGS - 1; i >= 0 && rc == 0; i--) {
        rc = walk_ring(rings[i], visit, arg, &is_back);
    }
    return rc;
}

struct finding {
    mf_heap_visit wanted;
    void *arg;
    bool is_back;
    struct mf_vec *front, back; /* strong */
};

static int
find_visit(PyObject *obj, void *arg)
{
    struct finding *f = arg;
    int wanted = f->wanted(obj, f->arg);
    return wanted > 0 ? mf_vec_push_ref(f->is_back ? &f->back : f->front, obj)
                      : wanted;
}

int
mf_heap_find(mf_heap_visit wanted, void *arg, struct mf_vec *out)
{
    struct node *rings[RINGS];
    struct finding f = {.wanted = wanted, .arg = arg, .front = out};
    int rc = whole_rings(rings);
    for (int i = RINGS - 1; i >= 0 && rc == 0; i--) {
        rc = walk_ring(rings[i], find_visit, &f, &f.is_back);
        if (rc == 0) {
            rc = mf_vec_reserve(out, out->len + f.back.len);
        }
        while (rc == 0 && f.back.len > 0) {
            out->items[out->len++] = f.back.items[--f.back.len];
        }
    }
    mf_vec_clear_refs(&f.back);
    return rc;
}

void
mf_heap_collect_young(void)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    PyObject *gc = PyImport_ImportModule("gc");
    PyObject *done = gc ? PyObject_CallMethod(gc, "collect", "i", 0) : NULL;
    if (done == NULL) {
        PyErr_WriteUnraisable(gc);
    }
    Py_XDECREF(done);
    Py_XDECREF(gc);
    PyErr_Restore(type, value, tb);
}

static void
take_out(struct node *node)
{
    set_next(prev_of(node), next_of(node));
    set_prev(next_of(node), prev_of(node));
}

static void
link_behind(struct node *node, struct node *at, uintptr_t flags)
{
    node->next = flags | (uintptr_t)next_of(at);
    set_prev(node, at);
    set_prev(next_of(at), node);
    set_next(at, node);
}

/* The flags of `next` are of the place, those of `prev` of the object. */
void
mf_heap_exchange_places(PyObject *a, PyObject *b)
{
    if (!PyObject_IS_GC(a) || !PyObject_IS_GC(b) || node_of(a)->next == 0 ||
        node_of(b)->next == 0) {
        return; /* not tracked */
    }
    struct node *one = node_of(a), *other = node_of(b);
    uintptr_t flags = one->next & NODE_FLAGS, others = other->next & NODE_FLAGS;
    struct node *at = prev_of(other);
    if (at == one) {
        at = other;
    }
    take_out(other);
    link_behind(other, one, flags);
    take_out(one);
    link_behind(one, at, others);
}

/* --- questions ----------------------------------------------------------- */

struct functions_of {
    const struct mf_map *codes;
    struct mf_vec *out;
};

static int
visit_function(PyObject *obj, void *arg)
{
    struct functions_of *want = arg;
    if (PyFunction_Check(obj) &&
        mf_map_has(want->codes, PyFunction_GET_CODE(obj))) {
        return mf_vec_push(want->out, obj);
    }
    return 0;
}

int
mf_heap_functions_of(const struct mf_map *codes, struct mf_vec *out)
{
    struct functions_of want = {codes, out};
    return mf_heap_walk(visit_function, &want);
}

struct instances_of {
    PyTypeObject *type;
    bool subclasses;
    struct mf_vec *out;
};

static int
visit_instance(PyObject *obj, void *arg)
{
    struct instances_of *want = arg;
    PyTypeObject *type = Py_TYPE(obj);
    if (type == want->type ||
        (want->subclasses && PyType_IsSubtype(type, want->type))) {
        return mf_vec_push_ref(want->out, obj);
    }
    return 0;
}

int
mf_heap_instances_of(PyTypeObject *type, bool subclasses, struct mf_vec *out)
{
    struct instances_of want = {type, subclasses, out};
    return mf_heap_walk(visit_instance, &want);
}
