/* redefine_older.h -- code that updates have replaced and that frames still
 * run, each with the text that it was made from: a later update moves such a
 * frame as the first one would have, and so does the engine's thread in
 * between. Code that nobody runs any more is forgotten at the next look, and
 * its text.
 */
#ifndef MF_OLDER_H
#define MF_OLDER_H

#include "../state.h"
#include "redefine_frame.h"

struct mf_older_code {
    PyCodeObject *code;       /* strong */
    PyObject *path, *bytes;   /* strong: its text */
    int flags;                /* of the text's __future__ imports */
    long since;               /* number of the update that replaced it */
    bool told;                /* a report has named it */
    bool seen;                /* by the look that is under way */
    bool fresh;               /* of an update that has not committed yet */
    struct mf_vec owners;     /* strong: weak references to the generators and
                                 the like whose frames run it */
    struct mf_frame_map *map; /* the way that was tried last; or NULL */
};

/* What is kept of this code; NULL: nothing. NULL is a legal `older`. */
struct mf_older_code *mf_older_of(const struct mf_older *older,
                                  const void *code);
bool mf_older_any(const struct mf_older *older);
/* Adds a copy (mf_free) of the place of each frame that runs older code;
 * forgets the others. `older` may be NULL. 0 / -1. */
int mf_older_look(struct mf_older *older, struct mf_vec *places);
/* The frames are prepared: who will stay in the code that this update is about
 * to replace. 0 / -1. */
int mf_older_note(struct mf_state *state, struct mf_plan *plan,
                  const struct mf_moves *moves);
/* The update has committed, or not: then what it has noted is forgotten. */
void mf_older_settle(struct mf_state *state, bool committed);
/* Who still runs older code, and a report has said so: a new list of dicts. */
PyObject *mf_older_list(struct mf_state *state);
void mf_older_free(struct mf_older *older);

/* redefine_older_move.c */

/* An update is prepared: frames in older code that can be moved will be.
 * plan: NULL between updates. 0 / -1. */
int mf_older_try(struct mf_moves *moves, struct mf_plan *plan);
/* Both texts of a way out of older code. */
struct mf_older_texts {
    struct mf_compile_unit_of *old_of, *new_of; /* borrowed */
    struct mf_compile_unit_of old_made, new_made;
    struct mf_text old_text;
    struct mf_split old_split;
};
/* 1: both are known; 0; -1. */
int mf_older_texts(struct mf_older_texts *texts, struct mf_moves *moves,
                   struct mf_plan *plan, const struct mf_frame_map *map);
void mf_older_texts_clear(struct mf_older_texts *texts);
/* Between updates, GIL held, nothing else under way: what can be moved is. 1:
 * some are left; 0; -1. */
int mf_older_move(struct mf_state *state);

#endif
