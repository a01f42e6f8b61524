/* redefine_frame_line.h -- frames that wait in C code keep half of their state
 * in registers of the evaluation loop. They are moved a moment later: at the
 * first line they come to, where the loop lets a callback change it (3.12+).
 */
#ifndef MF_REDEFINE_FRAME_LINE_H
#define MF_REDEFINE_FRAME_LINE_H

#include "redefine_frame.h"

/* Before the commit, when `moves` are prepared: whatever arming needs memory
 * for. 0 / -1. */
int mf_redefine_frame_ready(struct mf_moves *moves, PyObject **armed);
/* After the commit: from now on the frames that `moves` wants are moved when
 * they come to a line. *armed: what goes on waiting, a Python object or NULL.
 * 0; -1: they stay in the old code. */
int mf_redefine_frame_arm(struct mf_moves *moves, PyObject **armed);

#endif
