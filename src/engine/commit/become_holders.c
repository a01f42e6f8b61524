/* become_holders.c -- become over many holders: who they are, all of them
 * rewritten, how often they refer to what is replaced. In: pairs, the heap or
 * a part of it. Out: holders.
 */
#include "become.h"

#include "../ground/compat_objects.h"
#include "../ground/fault.h"
#include "../heap/edges.h"

int
mf_become_all(struct mf_become *become, const struct mf_vec *holders)
{
    for (size_t i = 0; i < holders->len; i++) {
        if (mf_become_object(become, holders->items[i]) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < holders->len; i++) {
        PyObject *holder = holders->items[i];
        if (mf_become_refers(become->pairs, holder)) {
            become->stuck = holder;
            PyErr_Format(PyExc_RuntimeError,
                         "an object of type '%.200s' still refers to what was "
                         "replaced", Py_TYPE(holder)->tp_name);
            return -1;
        }
    }
    return 0;
}

struct collect {
    const struct mf_map *pairs;
    struct mf_vec *classes, *others;
    uint32_t *counts; /* or NULL */
    int (*about)(PyObject *obj, void *arg);
    void *arg;
    bool some;
};

static int
collect(struct collect *c, PyObject *obj, bool refers)
{
    bool is_class = PyType_Check(obj) && PyObject_IS_GC(obj);
    if (refers ||
        (is_class &&
         mf_become_refers(c->pairs,
                          mf_compat_obj_type_dict((PyTypeObject *)obj)))) {
        return mf_vec_push(is_class ? c->classes : c->others, obj);
    }
    return 0;
}

static int
collect_visit(PyObject *obj, void *arg)
{
    struct collect *c = arg;
    return collect(c, obj, mf_become_refers(c->pairs, obj));
}

static int
counted_reference(PyObject *obj, void *arg)
{
    struct collect *c = arg;
    size_t place = mf_map_place(c->pairs, obj);
    if (place != MF_MAP_NONE) {
        c->counts[place]++;
        c->some = true;
    }
    return 0;
}

static int
counted_visit(PyObject *obj, void *arg)
{
    struct collect *c = arg;
    int about = c->about(obj, c->arg);
    if (about < 0 || about == MF_BECOME_NOTHING) {
        return about < 0 ? -1 : 0;
    }
    c->some = false;
    Py_TYPE(obj)->tp_traverse(obj, counted_reference, c);
    return about == MF_BECOME_COUNTS
               ? 0
               : collect(c, obj,
                         c->some || mf_map_has(c->pairs, Py_TYPE(obj)) ||
                             (mf_edges_hides(obj) &&
                              mf_become_refers(c->pairs, obj)));
}

/* Classes first. */
static int
append(struct mf_vec *holders, struct mf_vec *others, int result)
{
    if (result >= 0) {
        result = mf_vec_reserve(holders, holders->len + others->len);
    }
    for (size_t i = 0; result >= 0 && i < others->len; i++) {
        result = mf_vec_push(holders, others->items[i]);
    }
    mf_vec_clear(others);
    return result < 0 ? -1 : 0;
}

int
mf_become_holders(const struct mf_map *pairs, struct mf_heap_mark *mark,
                  struct mf_vec *holders)
{
    struct mf_vec others = {0};
    struct collect c = {.pairs = pairs, .classes = holders, .others = &others};
    if (pairs->used == 0) {
        return 0;
    }
    int result = mark != NULL ? mf_heap_mark_walk(mark, collect_visit, &c)
                              : mf_heap_walk(collect_visit, &c);
    return append(holders, &others, result);
}

int
mf_become_holders_counted(const struct mf_map *pairs, struct mf_vec *holders,
                          uint32_t *counts,
                          int (*about)(PyObject *obj, void *arg), void *arg)
{
    struct mf_vec others = {0};
    struct collect c = {pairs, holders, &others, counts, about, arg, false};
    return append(holders, &others, mf_heap_walk(counted_visit, &c));
}

struct count {
    const struct mf_map *pairs;
    struct mf_map *counts;
};

static int
count_reference(PyObject *obj, void *arg)
{
    struct count *count = arg;
    if (!mf_map_has(count->pairs, obj)) {
        return 0;
    }
    uintptr_t *number = mf_map_find(count->counts, obj);
    if (number != NULL) {
        (*number)++;
        return 0;
    }
    return mf_map_put(count->counts, obj, 1);
}

int
mf_become_count(const struct mf_map *pairs, const struct mf_vec *holders,
                struct mf_map *counts)
{
    struct count count = {pairs, counts};
    for (size_t i = 0; i < holders->len; i++) {
        PyObject *holder = holders->items[i];
        if (PyObject_IS_GC(holder) &&
            Py_TYPE(holder)->tp_traverse(holder, count_reference, &count)) {
            return -1;
        }
    }
    return 0;
}
