/* redefine_frame_parts.h -- between redefine_frame.c (frames whose state is in
 * memory now) and redefine_frame_line.c (frames that have to come to their
 * next line first).
 */
#ifndef MF_REDEFINE_FRAME_PARTS_H
#define MF_REDEFINE_FRAME_PARTS_H

#include "../ground/compat_instrs.h"
#include "redefine_frame.h"

struct mf_frame_side {
    struct mf_instrs instrs;
    struct mf_places places;
    int *statements; /* per instruction: its place, or MF_PLACE_NONE */
};

struct mf_frame_map {
    PyCodeObject *old_code, *new_code; /* strong */
    struct mf_frame_side old_side, new_side;
    int refs;
    bool usable;
    bool exchanged;  /* the new code is of the update under way */
    bool grows;      /* nobody has frames of the new code */
    bool wanted;     /* a frame is to be moved at its next line */
};

/* A frame on both sides. */
struct mf_frame_spot {
    const struct mf_frame_map *map;
    const struct mf_compat_place *place;
    PyObject *closure; /* of the new code; NULL: not known, or none */
    int old_at, new_at;
    const struct mf_map *functions; /* as in mf_moves; NULL: it is done */
    bool before;     /* it has not begun these instructions; else it waits in
                        them */
};

/* Reads both sides from the texts that they are of. What cannot be read maps
 * nothing. -1: no memory. */
int mf_frame_map_read(struct mf_frame_map *map,
                      struct mf_compile_unit_of *old_of,
                      struct mf_compile_unit_of *new_of);
struct mf_frame_map *mf_frame_map_new(PyCodeObject *old_code,
                                      PyCodeObject *new_code);
void mf_frame_map_free(struct mf_frame_map *map); /* drops one of refs */
/* Index of the new instruction; MF_INSTR_NONE; -2: error. */
int mf_frame_map_instr(const struct mf_frame_map *map, int i);
/* The same for a frame that waits in i, and so has run what is before it in its
 * statement: there, the rest of that may say something else. */
int mf_frame_map_wait(const struct mf_frame_map *map, int i);
int mf_frame_first_of_body(const struct mf_places *places, int block);
bool mf_frame_side_is_in(const struct mf_places *places, int outer,
                         int inner);
/* The whole move of this spot, ready to be applied. *made NULL: a local has
 * no place. 0 / -1. */
int mf_frame_spot_move(const struct mf_frame_spot *spot,
                       struct mf_compat_move **made);

/* Is there a number in sys.monitoring for us? armed: what waits, or NULL. */
bool mf_frame_lines_possible(PyObject *armed);
/* Frames that have not come to their line since an earlier update, on their
 * way to this code: they will go on from there. 0 / -1. */
int mf_frame_lines_pending(PyObject *armed,
                           int (*pending)(PyCodeObject *code, void *arg),
                           void *arg);

#endif
