/* heap_parts.h -- the collector's lists, for the files of the room heap.
 */
#ifndef MF_HEAP_PARTS_H
#define MF_HEAP_PARTS_H

#include "heap.h"

/* What stands in front of an object that the collector can track. The low
 * bits of both words are flags. Heads may be aligned to those
 * bits only (3.13.18 does so). */
struct node {
    uintptr_t next;
    uintptr_t prev;
} __attribute__((packed, aligned(4)));
enum { NODE_FLAGS = 3 };

/* youngest, two older ones, the permanent one (frozen objects) */
enum { RINGS = 4, PERMANENT = 3 };

static inline struct node *
next_of(const struct node *node)
{
    return (struct node *)(node->next & ~(uintptr_t)NODE_FLAGS);
}

static inline struct node *
prev_of(const struct node *node)
{
    return (struct node *)(node->prev & ~(uintptr_t)NODE_FLAGS);
}

static inline void
set_next(struct node *node, struct node *next)
{
    node->next = (node->next & NODE_FLAGS) | (uintptr_t)next;
}

static inline void
set_prev(struct node *node, struct node *prev)
{
    node->prev = (node->prev & NODE_FLAGS) | (uintptr_t)prev;
}

static inline PyObject *
object_of(struct node *node)
{
    return (PyObject *)(node + 1);
}

static inline struct node *
node_of(PyObject *obj)
{
    return (struct node *)obj - 1;
}

/* Our own tiny objects; instances hold nothing. */
extern PyTypeObject mf_heap_marker;

/* At the tail of the youngest ring. The caller has disabled the collector. */
PyObject *mf_heap_new_marker(void);
/* The heads of this interpreter's rings. */
int mf_heap_rings(struct node *rings[RINGS]);

static inline int
mf_heap_visit_node(struct node *node, mf_heap_visit visit, void *arg)
{
    PyObject *obj = object_of(node);
    assert(prev_of(next_of(node)) == node);
    if (Py_TYPE(obj) == &mf_heap_marker || Py_REFCNT(obj) <= 0) {
        return 0;
    }
    return visit(obj, arg);
}

#endif
