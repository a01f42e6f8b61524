/* breath.h -- lets other threads run in the middle of a long piece of work.
 * Only where nothing of the live program is half read: the program goes on
 * under the caller. Never between match and the end of a commit.
 */
#ifndef MF_BREATH_H
#define MF_BREATH_H

#include "../engine.h"

struct mf_breath {
    int64_t since; /* when the GIL was given up last; 0: not begun */
};

/* With the GIL held. Gives it up for a moment if the last time is some
 * milliseconds ago; else costs a look at the clock. NULL is legal: never. */
void mf_breathe(struct mf_breath *breath);

#endif
