/* redefine_frame.h -- frames that wait in old code go on in the new one, where
 * their place maps exactly: the statement and the heads of all blocks around
 * it are the same, and what is still to be read has its value.
 *
 * Prepared when nothing of the program can run any more before apply, since
 * every step of the program moves a frame.
 */
#ifndef MF_REDEFINE_FRAME_H
#define MF_REDEFINE_FRAME_H

#include "../ground/compat_moves.h"
#include "../read/plan.h"
#include "redefine_places.h"
#include "undo.h"

struct mf_frame_map; /* one old code object and the new one in its place */
struct mf_older;     /* redefine_older.h */
struct mf_state;

struct mf_moves {
    struct mf_vec maps;      /* struct mf_frame_map *, owned */
    struct mf_map functions; /* live function -> function with its new code */
    struct mf_map codes;     /* old code -> index + 1 in maps; 0: not yet */
    struct mf_vec moves;     /* struct mf_compat_move *, owned */
    struct mf_map moved;     /* frames that will not run old code any more */
    struct mf_vec suspended; /* strong: generators and the like with old code */
    struct mf_map roomy;     /* new code -> the words that its frames have */
    struct mf_map again;     /* code of earlier updates whose function is
                                redefined now, and that frames run */
    struct mf_state *state;  /* borrowed; NULL: frames of earlier updates are
                                left alone */
    struct mf_older *older;  /* borrowed; what these run; or NULL */
    bool grows;              /* nobody can have run the new code */
    bool jit;                /* what runs cannot be moved */
    bool at_line;            /* what runs can be moved at a line (3.12+) */
    bool runs;               /* threads may have frames of the old code */
    bool finish;             /* nothing is to be moved */
};

/* `old_func` is about to be redefined as `new_func`; both outlive the moves. */
int mf_redefine_frame_note(struct mf_moves *moves, PyFunctionObject *old_func,
                           PyFunctionObject *new_func);
/* Which frames run these codes, and which of them can be moved. known: as in
 * frames.h; armed: redefine_frame_line.h. 0 / -1. */
int mf_redefine_frame_prepare(struct mf_moves *moves, struct mf_plan *plan,
                              const struct mf_map *codes,
                              const struct mf_map *known, PyObject *armed);
/* What this Python can do, and what its tools leave us; prepare does it, too. */
void mf_redefine_frame_begin(struct mf_moves *moves, PyObject *armed);
/* Moves this frame or not, or wants it to be moved at a line. plan: NULL
 * between updates. -1: error. */
int mf_redefine_frame_try(struct mf_moves *moves, struct mf_plan *plan,
                          const struct mf_compat_place *place);
/* After the functions. -1: a frame is not where it was, or a lever. */
int mf_redefine_frame_apply(struct mf_moves *moves, struct mf_undo *undo);
/* Between updates: those that are where they were. Cannot fail. */
void mf_redefine_frame_apply_now(struct mf_moves *moves);
void mf_redefine_frame_clear(struct mf_moves *moves);

#endif
