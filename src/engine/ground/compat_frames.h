/* compat_frames.h -- what stands still in a generator, a coroutine or an
 * asynchronous generator, and whose thread a thread state is: where CPython
 * keeps it differs between versions. Reads only; nothing here runs Python
 * code, raises audit events or makes objects.
 */
#ifndef MF_COMPAT_FRAMES_H
#define MF_COMPAT_FRAMES_H

#include "../engine.h"

/* The code object, borrowed, that a generator (or coroutine, or asynchronous
 * generator) goes on with when it is resumed or begun. NULL: `obj` is none,
 * or it is running, or at its end. */
PyCodeObject *mf_compat_frames_suspended(PyObject *obj);
/* The line where it stands; only for what the above is not NULL for. */
int mf_compat_frames_suspended_line(PyObject *obj);
/* Does every running frame hold one counted reference to its code? Where that
 * is not known, no. */
bool mf_compat_frames_count_code(void);
/* threading.get_ident() of the thread that runs this state; 0: not known. */
unsigned long mf_compat_frames_thread(PyThreadState *thread);

#endif
