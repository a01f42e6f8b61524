/* become_parts.h -- what the files of the room become share: what is found in
 * one holder, and the log of the words that were written. Private to become*.c.
 */
#ifndef MF_BECOME_PARTS_H
#define MF_BECOME_PARTS_H

#include "become.h"

#include "../heap/edges.h"

/* Per key of pairs, by its place in the map. */
struct mf_become_tally {
    Py_ssize_t visited; /* references that traverse reports */
    Py_ssize_t words;   /* places found */
    Py_ssize_t keys;    /* of these, keys of hash tables */
};

/* A place to write to. */
struct mf_become_spot {
    union {
        PyObject **slot;
        Py_ssize_t index; /* of an item of a deque */
    };
    uint32_t place;   /* of the pair in the map */
    uint32_t kind;    /* enum mf_edge_kind, or */
};
enum { MF_BECOME_INDEX = 100 };

/* Places in the map. */
struct mf_become_places {
    uint32_t *items;
    size_t len, cap;
};

/* Taken for the first holder, used again for each. A holder that has been
 * checked is found and written again without further memory. */
struct mf_become_work {
    const struct mf_map *pairs;
    struct mf_become_places seen;  /* what traverse reported, in its order */
    struct mf_become_places keyed; /* keys of a table */
    struct mf_become_spot *spots;  /* first the log, then this holder's */
    size_t log_len, spots_len, spots_cap;
    struct mf_vec keys;   /* borrowed: per spot of an item its key in the dict */
    size_t next;          /* traverse's reference that is expected next, */
    bool backwards;       /* in that direction, */
    size_t guessed;       /* and so many came so */
    struct mf_become_tally *tally; /* when they came otherwise */
    struct mf_become_places touched;
    size_t tally_cap;
    bool no_memory;
};

/* Everything in holder that refers to a key. 1: found all, 0: there is
 * nothing, -1: an exception is set. *rekey: some are keys of its table;
 * *exact: each spot is one of the references that traverse reports, and there
 * are no others; else `tally` says. */
int mf_become_look(struct mf_become *become, struct mf_become_work *work,
                   PyObject *holder, bool *rekey, bool *exact);
/* Memory for it, and for what it finds. NULL with an exception. */
struct mf_become_work *mf_become_work_of(struct mf_become *become);
void mf_become_work_reset(struct mf_become_work *work);
void mf_become_work_free(struct mf_become *become);
/* Room for so many entries of the log, beside what a holder needs. */
int mf_become_work_reserve(struct mf_become_work *work, size_t count);
/* sq_item and sq_ass_item of the deque itself: a subclass' own are not run. */
PySequenceMethods *mf_become_deque_methods(PyObject *deque);

#endif
