/* compat_main.h -- has the main thread call something at the next place where
 * it looks for such requests, between two steps of the program; what other threads
 * must know of the interpreter that they come to.
 */
#ifndef MF_COMPAT_MAIN_H
#define MF_COMPAT_MAIN_H

#include "../engine.h"

/* Finds what is needed so that the main thread looks at once. GIL held, best
 * on the main thread; more than one call is harmless, and where it is not
 * found the request waits for the next switch of threads. */
void mf_compat_main_init(void);
/* No GIL needed. 0; -1: too many requests wait already. */
int mf_compat_main_call(int (*func)(void *), void *arg);
/* Does no thread hold the GIL of this interpreter just now? No GIL needed; by
 * the time that somebody acts on it, it may be otherwise. */
bool mf_compat_main_gil_is_free(PyInterpreterState *interp);
/* Has the program audit hooks of its own (sys.addaudithook)? Then to compile is to
 * run code of the program. GIL held. */
bool mf_compat_main_is_audited(PyInterpreterState *interp);
/* A thread state more for the current interpreter, NULL without exception where
 * none is needed. While it is there, other threads may make and delete theirs at
 * the same time. GIL held. */
PyThreadState *mf_compat_main_anchor(void);
/* Deletes it, if the interpreter has not done so at its end. NULL is legal. GIL
 * held. */
void mf_compat_main_weigh_anchor(PyThreadState *anchor);
/* In a hook of the parent of a fork, GIL held: does the interpreter count the
 * threads of the process only when the hooks have run, so that one started
 * here makes it warn, and can a call wait for the end of that? */
bool mf_compat_main_counts_later(void);

#endif
