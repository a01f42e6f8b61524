/* edges.h -- the words of an object in which its references are. Traverse
 * says to what an object refers, not where it keeps it; this room knows where:
 * the object's own memory, and per type what lies elsewhere (items of lists,
 * values of dicts and instances, frames of generators, links of caches), and
 * what traverse hides (borrowed globals of a suspended frame).
 *
 * Keys of hash tables are not words that can be written through: tables.h.
 */
#ifndef MF_EDGES_H
#define MF_EDGES_H

#include "../ground/table.h"

enum mf_edge_kind {
    MF_EDGE_WORD,   /* stays where it is as long as the object lives */
    MF_EDGE_STACK,  /* the same, with flags in its low bits (3.14+) */
    MF_EDGE_VALUE,  /* an instance attribute outside a dict: may move */
    MF_EDGE_ITEM    /* a value of a dict; key says where */
};

struct mf_edge {
    PyObject **slot;
    enum mf_edge_kind kind;
    PyObject *key;  /* MF_EDGE_ITEM: borrowed, else NULL */
};

/* What the word refers to (it may be any bit pattern: compare, never follow
 * it). */
PyObject *mf_edges_read(const struct mf_edge *edge);

/* 0: go on; anything else stops and is returned. */
typedef int (*mf_edges_visit)(const struct mf_edge *edge, void *arg);

/* Every word of obj that can be a reference. Its type, its list of weak
 * references and the object of a weak reference are left out. No Python code
 * runs, nothing is allocated. */
int mf_edges_each(PyObject *obj, mf_edges_visit visit, void *arg);

/* obj has words that its traverse does not report but that must follow. */
bool mf_edges_hides(PyObject *obj);

/* Is this an exact C type of that name (deque, lru_cache), not a class that a
 * program made? */
bool mf_edges_is_deque(PyObject *obj);
bool mf_edges_is_lru_cache(PyObject *obj);

/* The links of an lru_cache. `key` and `result` are words, `hash` the key's. */
typedef int (*mf_edges_link)(PyObject **key, PyObject **result,
                             Py_hash_t *hash, void *arg);
int mf_edges_lru_links(PyObject *cache, mf_edges_link visit, void *arg);

/* Checks on objects of our own: 0, or -1 with RuntimeError. */
int mf_edges_probe(void);

#endif
