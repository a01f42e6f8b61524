/* diff.h -- what the sources say has changed: statements of the old and of
 * the new text aligned, each pair compared on its code, to deltas. Pure.
 */
#ifndef MF_DIFF_H
#define MF_DIFF_H

#include "compile.h"

enum mf_delta_kind {
    MF_DELTA_SAME,    /* same bytes, maybe on other lines */
    MF_DELTA_CODE,    /* the statement's own code is the same: only nested
                         code, or positions, differ */
    MF_DELTA_RUN,     /* the statement's own code differs: it must run */
    MF_DELTA_ADDED,   /* new side only: runs */
    MF_DELTA_REMOVED, /* old side only */
    MF_DELTA_CLASS    /* class with the same header: its members have deltas
                         of their own */
};

struct mf_delta {
    uint8_t kind;           /* enum mf_delta_kind */
    bool runs;              /* plan: this statement runs (whole class too) */
    bool derived;           /* plan: it runs though it was not edited */
    bool prerequisite;      /* plan: it runs only to give another its names */
    bool stale;             /* plan: it should run and may not */
    bool names_again;       /* plan: a member that stays as it is; the changed
                               __set_name__ of what it has bound is called */
    bool remade;            /* plan: derived, but what it binds is merged as
                               edited: a statement that works on it is */
    uint32_t old_unit, new_unit; /* MF_UNIT_NONE where there is none */
    uint32_t parent;        /* index of the class's delta, or MF_UNIT_NONE */
    PyObject *old_code;     /* unit compiled alone; NULL: not needed so far */
    PyObject *new_code;
    struct mf_names names;  /* of the new side (old, if removed); loads NULL:
                               not read so far */
};

/* Which delta binds which name: diff_binders.c. Built when first asked. */
struct mf_diff_binders {
    struct mf_map last;  /* hash of scope and name -> index + 1 */
    uint32_t *earlier;   /* by index: the one before, + 1 */
    uint32_t len;        /* deltas that are in it */
};

struct mf_diff {
    struct mf_compile_unit_of old_of, new_of; /* both sides */
    struct mf_delta *deltas; /* a class before its members; new order, the
                                removed ones behind their scope */
    uint32_t len, cap;
    struct mf_diff_binders binders;
    bool whole; /* __future__ differs or a side is unsure: everything that
                   differs by code counts */
};

/* old_of and new_of are set by the caller (path, text, split, flags), their
 * texts must live as long as the diff. 0 / -1 with SyntaxError. */
int mf_diff(struct mf_diff *diff);
void mf_diff_clear(struct mf_diff *diff);

/* Compile on demand; borrowed, NULL with an exception. */
PyObject *mf_diff_old_code(struct mf_diff *diff, struct mf_delta *delta);
PyObject *mf_diff_new_code(struct mf_diff *diff, struct mf_delta *delta);
/* The names of the delta's unit (new side, or old if removed). */
struct mf_names *mf_diff_names(struct mf_diff *diff, struct mf_delta *delta);
/* Does it read no name at all (x = None)? 1 / 0 / -1. */
int mf_diff_reads_nothing(struct mf_diff *diff, struct mf_delta *delta);
/* Names of the old side, into *names (the caller clears it). */
int mf_diff_old_names(struct mf_diff *diff, struct mf_delta *delta,
                      struct mf_names *names);

/* The last delta of a scope, with an index below `before` (MF_UNIT_NONE: any),
 * whose new side binds the name; else MF_UNIT_NONE. 1 found, 0, -1. */
int mf_diff_binder(struct mf_diff *diff, uint32_t parent, PyObject *name,
                   uint32_t before, uint32_t *found);
void mf_diff_binders_clear(struct mf_diff_binders *index);
/* May the unit bind this name? Yes or surely not; cheap. */
bool mf_diff_may_bind(const struct mf_unit *unit, const char *word,
                      size_t len);
/* A class that is the same gets deltas for its members (they are the same),
 * so that one of them can run alone. Moves the array of deltas. */
int mf_diff_open_class(struct mf_diff *diff, uint32_t index);

enum {
    MF_CODE_NESTED = 1,  /* compare nested code objects too; else only that
                            they stand at the same places */
    MF_CODE_ANY_NAME = 2 /* names of the outermost code are not compared */
};
/* Same code, positions ignored, constants by type and value. 1 / 0 / -1. */
int mf_diff_code_equal(PyObject *old_code, PyObject *new_code, int flags);
/* Constants: builtin types exactly, code objects as the flags say. */
int mf_diff_const_equal(PyObject *a, PyObject *b, int flags);

#endif
