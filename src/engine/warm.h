/* warm.h -- what a save needs is in the processor's caches when it comes.
 */
#ifndef MF_WARM_H
#define MF_WARM_H

#include "state.h"

/* Somebody has begun to write this file: plans its update, whatever stands in it
 * by now, and forgets the plan. Runs no code of the program, and says nothing.
 * GIL held; raises nothing. */
void mf_warm_up(struct mf_state *state, const char *path);

#endif
