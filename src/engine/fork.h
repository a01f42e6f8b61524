/* fork.h -- the child of a fork: the lock, the queue and the thread of the
 * engine are new there, and an update that was under way does not exist. What
 * becomes of the watching thread is thread.c's own.
 */
#ifndef MF_FORK_H
#define MF_FORK_H

#include "update.h"

/* Once per interpreter: from now on its children are put right before any
 * code of theirs runs. */
int mf_fork_init(void);

#endif
