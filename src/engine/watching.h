/* watching.h -- updates by themselves: a watch on the engine's thread, and who
 * has it after a fork.
 */
#ifndef MF_WATCHING_H
#define MF_WATCHING_H

#include "state.h"

struct mf_guest;

/* Watch these paths too (a list of str); starts the thread. */
int mf_watching_add(struct mf_state *state, PyObject *paths, bool force_poll);
/* A data file by name, reported whatever its suffix: now, if anything is
 * watched, else from the first mf_watching_add on. One that is not there is no
 * error. */
int mf_watching_track(struct mf_state *state, PyObject *path);
/* The thread serves this guest too, and starts for that (thread.h). */
int mf_watching_serve(struct mf_state *state, struct mf_guest *guest);
void mf_watching_end(struct mf_state *state);
/* Files wait for stragglers (waiting.h): the thread looks from time to time
 * whether these have ended, and starts for that. 0 / -1. */
int mf_watching_wait(struct mf_state *state);
/* Frames have stayed in older code (redefine_older.h): the thread tries again to
 * move them, less and less often. Without a thread each call tries, but for
 * the one just after an update that has. */
void mf_watching_older(struct mf_state *state);
/* In the child of a fork: the same paths, on a thread of its own, if the
 * parent watched. Files that were changed around the fork are looked at. */
int mf_watching_again(struct mf_state *state);

#endif
