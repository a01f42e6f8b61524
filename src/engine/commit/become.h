/* become.h -- one-way bulk become: every reference to a key of `pairs` turns
 * into a reference to its value, in a given set of holders. After it no
 * holder in the set refers to any key. Used on what was staged (new objects
 * turn into the live ones whose contents they replaced; the staging
 * namespace turns into the module's dict), and with an undo log on live
 * holders.
 *
 * Source of the idea: Smalltalk's become:, Dart VM's become.h.
 */
#ifndef MF_BECOME_H
#define MF_BECOME_H

#include "undo.h"
#include "../heap/heap.h"

struct mf_become {
    const struct mf_map *pairs; /* from -> to (PyObject*), borrowed: the
                                   caller holds both sides */
    struct mf_undo *undo;       /* NULL: holders are staged, nobody sees them,
                                   writes are not logged */
    size_t rewritten;           /* out: references rewritten */
    PyObject *stuck;            /* out: borrowed, the holder that could not be
                                   rewritten, when -1 */
};

/* Does obj, by its own traverse, refer to a key? 1 / 0. Runs nothing. */
int mf_become_refers(const struct mf_map *pairs, PyObject *obj);

/* Rewrite all references in one holder: exact containers, instances (inline
 * values, dict, slots), cells, functions (globals, builtins, closure,
 * defaults ...), bound methods, partials, properties, static/classmethods,
 * generators' frames that are suspended, tuples and frozensets (in place),
 * dict keys and sets (rebuilt by stored hash and identity, order kept),
 * types (type dict values, bases, mro), mappingproxy, weak references'
 * callbacks, C objects through their own words -- but never more references
 * than traverse reports. Also the object's type, if it is a key and the
 * layouts are the same. -1 with TypeError that names holder type when a
 * reference cannot be reached; then nothing in this holder was changed. */
int mf_become_object(struct mf_become *become, PyObject *holder);

/* Collect the holders among the suffix of a mark (or the whole heap if
 * mark is NULL), appending borrowed references. */
int mf_become_holders(const struct mf_map *pairs, struct mf_heap_mark *mark,
                      struct mf_vec *holders);

/* References to each key that come from `holders` (by their traverse):
 * counts maps key -> number. With it the caller knows by Py_REFCNT whether
 * something outside holds a staged object. */
int mf_become_count(const struct mf_map *pairs, const struct mf_vec *holders,
                    struct mf_map *counts);

#endif
