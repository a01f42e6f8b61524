/* heap.h -- visits what lives. Knows how the collector's lists are found (at
 * run time, never by build offsets of interpreter structs) and nothing about
 * modules or updates.
 *
 * Idea: CPython's gc lists as the one index of all containers; the "young
 * suffix": with the collector held and a marker object linked at the tail of
 * generation 0, everything behind the marker was made since (heap_mark.c).
 */
#ifndef MF_HEAP_H
#define MF_HEAP_H

#include "../ground/table.h"

/* 0: go on; 1: stop (the walk returns 1); -1: error, exception set.
 * A visitor must not run Python code, must not create or free GC objects and
 * must not change a reference count to zero. It never sees our markers, nor
 * objects that are being destroyed. */
typedef int (*mf_heap_visit)(PyObject *obj, void *arg);

/* Find the list heads and check that they are what we think. 0, or -1 with
 * the reason as exception: then no update may use the heap. Called once per
 * interpreter at import, after mf_compat_probe; the others need it. */
int mf_heap_probe(void);

/* A collection is under way (we are in a destructor that it runs, or another
 * thread is): what it looks at is in no list, so no walk is complete. */
bool mf_heap_busy(void);

/* Every tracked object of every generation, frozen ones included. Returns 0,
 * 1 (stopped), -1 (also RuntimeError when mf_heap_busy). What the collector
 * does not track is not seen: untracked tuples and dicts (they hold nothing
 * but atoms), instances without any reference of their own. */
int mf_heap_walk(mf_heap_visit visit, void *arg);

/* Those for which `wanted` answers 1 (0: not; -1), as new references, in the
 * order in which the collector has them: who makes something for each finds
 * it in memory in this order as well. 0 / -1. */
int mf_heap_find(mf_heap_visit wanted, void *arg, struct mf_vec *out);

/* What is made from a mark on. */
struct mf_heap_mark {
    PyObject *marker;     /* our own tiny GC object, in the youngest ring */
    PyObject *first;      /* the first and */
    PyObject *last;       /* the last of the others, for a freeze to move */
    PyObject *watch;      /* our entry in gc.callbacks */
    struct mf_map made;   /* addresses of what was made before collections */
    bool is_set;
    bool was_enabled;     /* collector was on before */
    bool collected;       /* there were some */
    bool lost;            /* and one was not seen */
    bool no_memory;       /* or memory ran out when it was noted */
};

/* Holds the collector and sets the markers; `mark` stays where it is until it
 * is cleared. Marks nest; they are cleared in reverse order. */
int mf_heap_mark_set(struct mf_heap_mark *mark);
/* True while nobody has collected or frozen since. */
bool mf_heap_mark_intact(const struct mf_heap_mark *mark);
/* Is it known what was made since? Not if a collection ran unseen (somebody
 * has taken our callback from gc.callbacks). */
bool mf_heap_mark_known(const struct mf_heap_mark *mark);
/* Visit all that was made since; if that is not known, every object of the
 * heap instead. Cheap while intact, else a walk of the heap. */
int mf_heap_mark_walk(struct mf_heap_mark *mark, mf_heap_visit visit, void *arg);
/* Lets the collector go as it was. Legal on a zeroed struct. */
void mf_heap_mark_clear(struct mf_heap_mark *mark);
/* Collects the youngest generation, where what was made behind a mark lies
 * and what only cycles hold of it: destructors run. Errors are not raised. */
void mf_heap_collect_young(void);
/* Each of the two has the place of the other among the collector's objects, and
 * with it its generation. Not while mf_heap_busy. */
void mf_heap_exchange_places(PyObject *a, PyObject *b);

/* All live functions whose code object is a key of `codes` (borrowed keys),
 * and all frames' and generators' needs are not its business. Appends
 * borrowed PyFunctionObject* to `out`. One walk. */
int mf_heap_functions_of(const struct mf_map *codes, struct mf_vec *out);

/* All tracked instances whose type is `type` or, if subclasses, has it in
 * its MRO. Appends new references. */
int mf_heap_instances_of(PyTypeObject *type, bool subclasses,
                         struct mf_vec *out);

#endif
