/* become.h -- one-way bulk become: every reference to a key of `pairs` turns
 * into a reference to its value, in a given set of holders. After it no
 * holder in the set refers to any key. Used on what was staged (new objects
 * turn into the live ones whose contents they replaced; the staging
 * namespace turns into the module's dict), and with an undo log on live
 * holders.
 *
 * Order of use: _holders, _all (or _object for each, classes first),
 * _weakrefs, _rehash, _clear. A value of `pairs` is never a key of it.
 *
 * Source of the idea: Smalltalk's become:, Dart VM's become.h.
 */
#ifndef MF_BECOME_H
#define MF_BECOME_H

#include "undo.h"
#include "../heap/heap.h"

struct mf_become_work; /* become_parts.h: what is found, and the log of it */

struct mf_become {
    const struct mf_map *pairs; /* from -> to (PyObject*), borrowed: the
                                   caller holds both sides, and the log needs
                                   both as long as it can be replayed */
    const struct mf_map *layout; /* borrowed, NULL: none. Keys of pairs that
                                   are classes of another layout: instances
                                   keep them for now */
    const struct mf_map *alike; /* borrowed, NULL: none. Keys of pairs that
                                   are classes whose value was made like them,
                                   though their bases are others by now */
    struct mf_undo *undo;       /* NULL: holders are staged, nobody sees them,
                                   writes are not logged */
    size_t rewritten;           /* out: references rewritten */
    PyObject *stuck;            /* out: borrowed, the holder that could not be
                                   rewritten, when -1 */
    struct mf_map moved;        /* out: borrowed objects that were rewritten
                                   and whose hash follows from what they hold */
    struct mf_vec unsure;       /* out: borrowed tables with a key of `moved`
                                   whose hash only Python code could say: they
                                   keep the stored one */
    struct mf_map values;       /* those of pairs, when first asked for */
    struct mf_vec trash;        /* strong: what fell out of tables in which two
                                   keys have become equal; dropped by _clear */
    size_t words;               /* out: places that checks have found */
    bool logs;                  /* the undo log refers to `work` */
    struct mf_become_work *work;
};

/* Does obj, by its own traverse, its type or a word that traverse hides
 * (globals of a suspended frame), refer to a key? 1 / 0. Runs nothing. */
int mf_become_refers(const struct mf_map *pairs, PyObject *obj);

/* Rewrite all references in one holder: exact containers, instances (inline
 * values, dict, slots), cells, functions (globals, builtins, closure,
 * defaults ...), bound methods, partials, properties, static/classmethods,
 * generators' frames that are suspended, tuples and frozensets (in place),
 * dict keys and sets (rebuilt by stored hash and identity, order kept),
 * types (type dict values, bases, mro, the bases' lists of subclasses),
 * mappingproxy, weak references' callbacks, C objects through their own words
 * -- but never more references than traverse reports. Also the object's type,
 * if it is a key and the layouts are the same. -1 with TypeError that names
 * the holder's type when a reference cannot be reached; then nothing in this
 * holder was changed. Classes must come before their tuples of bases. */
int mf_become_object(struct mf_become *become, PyObject *holder);

/* Looks whether mf_become_object could: 0, or -1 as it does. Writes nothing. */
int mf_become_check(struct mf_become *become, PyObject *holder);
/* When so many have been checked: memory for writing them. */
int mf_become_reserve(struct mf_become *become, struct mf_undo *undo,
                      size_t holders);

/* mf_become_object for each, and afterwards none of them refers to a key:
 * -1 with RuntimeError that names the holder's type if one does. */
int mf_become_all(struct mf_become *become, const struct mf_vec *holders);

/* Move each weak reference from a key to its value; they are in `moved`
 * afterwards. Staged classes must be hidden from their bases
 * before (mf_redefine_class_hide), or bases list the live class twice. */
int mf_become_weakrefs(struct mf_become *become);

/* Second step, when `moved` is not empty: every table among the suffix of a
 * mark (or the whole heap if mark is NULL) whose keys' hashes derive from
 * what was rewritten finds its keys again. */
int mf_become_rehash(struct mf_become *become, struct mf_heap_mark *mark);

/* Drops the trash (destructors run here) and frees the rest; from then on the
 * undo log must not be replayed. Legal on a zeroed struct. */
void mf_become_clear(struct mf_become *become);

/* Collect the holders among the suffix of a mark (or the whole heap if
 * mark is NULL), appending borrowed references; classes first. */
int mf_become_holders(const struct mf_map *pairs, struct mf_heap_mark *mark,
                      struct mf_vec *holders);

/* The same over the whole heap in one pass with the count of references:
 * `counts` has one per place of pairs, and gets what each object's traverse
 * reports. `about`, asked first, may leave objects out. */
enum mf_become_about {
    MF_BECOME_HOLDER, /* it is one if it refers to a key */
    MF_BECOME_COUNTS, /* it is none, but its references count */
    MF_BECOME_NOTHING /* it has no references that count either */
};
int mf_become_holders_counted(const struct mf_map *pairs,
                              struct mf_vec *holders, uint32_t *counts,
                              int (*about)(PyObject *obj, void *arg),
                              void *arg); /* -1: an exception is set */

/* References to each key that come from `holders` (by their traverse):
 * counts maps key -> number. With it the caller knows by Py_REFCNT whether
 * something outside holds a staged object. */
int mf_become_count(const struct mf_map *pairs, const struct mf_vec *holders,
                    struct mf_map *counts);

#endif
