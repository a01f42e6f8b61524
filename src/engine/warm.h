/* warm.h -- what a save needs is in the processor's caches when it comes.
 */
#ifndef MF_WARM_H
#define MF_WARM_H

#include "engine.h"

/* Somebody has begun to write a file that is watched, and nobody else wants the
 * GIL. On the thread, with the GIL; raises nothing. */
void mf_warm_compiler(void);

#endif
