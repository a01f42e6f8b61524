/* thread.h -- the engine's one thread. Waits without the GIL on watch's
 * descriptor and on a wake-up eventfd; takes the GIL only to run an update.
 * Idle: no wake-ups at all (unless polling). New after fork: the child has no
 * thread until it asks again. Blocks all signals (they belong to the
 * program's main thread).
 */
#ifndef MF_THREAD_H
#define MF_THREAD_H

#include "engine.h"
#include "read/watch.h"

struct mf_thread; /* opaque */

/* Called on the thread with the GIL held, for each settled batch. Owns
 * nothing; must clear exceptions itself. */
typedef void (*mf_thread_batch)(char **paths, int count, void *arg);
/* A note of watch (limit reached, fell back to polling); GIL held. */
typedef void (*mf_thread_note)(const char *text, void *arg);

/* Starts the thread in the current interpreter. NULL with an exception set.
 * Takes ownership of `watch`. */
struct mf_thread *mf_thread_start(struct mf_watch *watch,
                                  mf_thread_batch batch, mf_thread_note note,
                                  void *arg);
/* Stops and joins it (releases the GIL while joining). Safe when the process
 * was forked since (then it only frees). NULL is legal. */
void mf_thread_stop(struct mf_thread *thread);
/* Change what is watched, from any thread, with or without the GIL. */
int mf_thread_add_path(struct mf_thread *thread, const char *path);
bool mf_thread_forked(const struct mf_thread *thread);

#endif
