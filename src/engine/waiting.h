/* waiting.h -- updates that wait (stragglers = "wait") until no frame runs the
 * code that they replace any more, and then go in by themselves.
 */
#ifndef MF_WAITING_H
#define MF_WAITING_H

#include "state.h"

struct mf_update;

/* The update has ended: its files wait no more, or from now on. 0 / -1. */
int mf_waiting_note(struct mf_update *update);
/* Does somebody still run what the files wait for? 1 / 0 / -1. */
int mf_waiting_goes_on(struct mf_state *state);
/* Takes the files that wait out: paths, and texts by path that the host has
 * given (an empty dict: none); new references. 0 / -1. */
int mf_waiting_take(struct mf_state *state, PyObject **paths,
                    PyObject **given);

#endif
