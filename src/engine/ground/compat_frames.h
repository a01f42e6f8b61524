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
/* What tells a frame from all others, as in mf_compat_place: of a frame
 * object, of a generator. */
void *mf_compat_frames_of(PyFrameObject *frame);
void *mf_compat_frames_in(PyObject *gen);
/* The line where it stands; only for what the above is not NULL for. */
int mf_compat_frames_suspended_line(PyObject *obj);
/* Does every running frame hold one counted reference to its code? Where that
 * is not known, no. */
bool mf_compat_frames_count_code(void);
/* threading.get_ident() of the thread that runs this state; 0: not known. */
unsigned long mf_compat_frames_thread(PyThreadState *thread);
/* Words of the frames that threads of this interpreter run: locals, and the
 * stack where its depth is known (before 3.14 not in a frame that waits in C
 * code). Words of a generator that its traverse reports are left out.
 * `tagged` words carry flags in their low bits (3.14+). No word moves while
 * the GIL is held. */
int mf_compat_frames_running(int (*word)(PyObject **slot, bool tagged,
                                         void *arg),
                             void *arg);

#endif
