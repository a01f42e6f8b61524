/* handover.h -- how a batch of changed files comes to a thread that may run:
 * the engine's thread waits for the GIL, which a main thread that runs Python
 * code gives away after the switch interval only (5 ms, and more where it is
 * given to others first); so the main thread is asked at the same time to do
 * the work itself, at the next place where it looks for such requests. Whoever
 * comes first has it.
 *
 * In the middle of the main thread's code nothing may wait for a lock that
 * this code holds. So no code of the program runs there: `work` does what it
 * can without, or declines, and the engine's thread does it all.
 */
#ifndef MF_HANDOVER_H
#define MF_HANDOVER_H

#include "engine.h"

/* On the main thread, GIL held. A new reference to what is to be told about
 * it when it is done; NULL, without exception, if it has declined. */
typedef PyObject *(*mf_handover_work)(char **paths, int count, void *arg);

struct mf_handover; /* opaque */

/* Asks the main thread. No GIL needed. The paths are borrowed until the close;
 * NULL: it cannot be asked, and nothing else is to be done about that. */
struct mf_handover *mf_handover_offer(PyInterpreterState *interp,
                                      char **paths, int count,
                                      mf_handover_work work, void *arg);
/* With the GIL held, by who has offered it. Where the main thread is at it,
 * waits for the end, without the GIL. What `work` has returned, or NULL: then
 * it has not been done, and will not be. NULL is legal. */
PyObject *mf_handover_close(struct mf_handover *handover);

#endif
