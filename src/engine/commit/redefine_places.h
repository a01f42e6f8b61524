/* redefine_places.h -- the statements of a function in its source, old and
 * new, and which of them is which: a statement is the same if its text says
 * the same, a block if its head does, and all blocks around it are.
 */
#ifndef MF_REDEFINE_PLACES_H
#define MF_REDEFINE_PLACES_H

#include "../read/diff.h"

enum { MF_PLACE_NONE = -1 };

enum mf_place_kind {
    MF_PLACE_SIMPLE,
    MF_PLACE_BLOCK,   /* if, for, while, try, except */
    MF_PLACE_WITH,    /* what ends it runs in its head as well */
    MF_PLACE_MATCH
};

struct mf_place {
    PyObject *node;   /* borrowed from the tree */
    int parent;
    int before;       /* the statement before it in its block */
    int behind;       /* the one behind it */
    int pair;         /* on the other side */
    uint8_t kind;     /* enum mf_place_kind */
    bool twice;       /* the compiler has copies of it, who knows how many */
    bool copied;      /* it has two: for the way out, and for an exception */
    bool leaves;      /* return, break, continue may lead out of its body: what
                         ends a `with` is there once more for each */
    bool leads;       /* the first in the body of its head */
    bool loops;       /* comes to its head again */
    int line, column, end_line, end_column;
};

struct mf_places {
    PyObject *tree;   /* strong */
    PyObject *func;   /* borrowed: its node in it; NULL: not found */
    struct mf_place *items; /* a block before what is in it */
    int len, cap;
};

/* The statements of the function with this code. `of` holds its text. A
 * function that is not found has none. 0 / -1. */
int mf_redefine_places_read(struct mf_places *places,
                            struct mf_compile_unit_of *of,
                            PyCodeObject *code);
/* Sets `pair` on both sides. 0 / -1. */
int mf_redefine_places_pair(struct mf_places *old_places,
                            struct mf_places *new_places);
/* The innermost statement around a place in the source. column -1: the line
 * alone must tell. */
int mf_redefine_places_at(const struct mf_places *places, int line,
                          int column);
void mf_redefine_places_clear(struct mf_places *places);

#endif
