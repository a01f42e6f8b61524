/* thread.h -- the engine's one thread. Waits without the GIL on watch's
 * descriptor and on a wake-up eventfd; takes the GIL only to run an update.
 * Idle: no wake-ups at all (unless polling). After a fork the child has no
 * thread until a new one is started (watching.c does). Waits with all signals blocked (they belong to
 * the program's main thread) but those of faults; callbacks run under the
 * mask of the thread that started it, so that what they start inherits that.
 */
#ifndef MF_THREAD_H
#define MF_THREAD_H

#include "engine.h"
#include "handover.h"
#include "read/watch.h"

#include <poll.h>
#include <pthread.h>

struct mf_thread; /* opaque */

/* Called on the thread with the GIL held, for each settled batch. Owns
 * nothing; must clear exceptions itself. */
typedef void (*mf_thread_batch)(char **paths, int count, void *arg);
/* The main thread has done a batch (handover.h); `result` is what its work
 * returned, borrowed. On the thread, GIL held. */
typedef void (*mf_thread_done)(PyObject *result, void *arg);
/* A note of watch (limit reached, fell back to polling); GIL held. */
typedef void (*mf_thread_note)(const char *text, void *arg);

/* So many milliseconds from now, as the conditions of the engine's threads
 * count (pthread_cond_timedwait). */
struct timespec mf_thread_deadline(long ms);

/* Starts the thread in the current interpreter. NULL with an exception set.
 * Takes ownership of `watch` (if it fails, too). With `note`, takes over the
 * notes of `watch`, those that wait already included. */
struct mf_thread *mf_thread_start(struct mf_watch *watch,
                                  mf_thread_batch batch, mf_thread_note note,
                                  void *arg);
/* From now on the main thread is asked to do a batch, too. GIL held. */
void mf_thread_hand_over(struct mf_thread *thread, mf_handover_work work,
                         mf_thread_done done);
/* Calls `remind` on the thread, GIL held, every `ms` milliseconds until another
 * number is given; 0: not any more. From any thread. */
typedef void (*mf_thread_remind_call)(void *arg);
void mf_thread_on_remind(struct mf_thread *thread,
                         mf_thread_remind_call remind);
void mf_thread_remind(struct mf_thread *thread, int ms);
/* Somebody is writing to this file, and to no other that is watched: makes ready
 * for its close. At most once for each save, on the thread, GIL held, and only
 * while nobody else wants that; whoever comes meanwhile waits. */
typedef void (*mf_thread_save_begun)(const char *path, void *arg);
void mf_thread_on_save_begun(struct mf_thread *thread,
                             mf_thread_save_begun begun);
/* Stops and joins it (releases the GIL while joining, so it waits for a batch
 * that runs: hold no lock that a batch takes). No callback runs after it.
 * Safe when the process was forked since (then it only frees), on the thread
 * itself (it ends when the callback returns), and while Python finalizes.
 * NULL is legal. for_exit: a batch that does
 * not end within a second is left behind, since nothing may keep a process
 * from ending. */
void mf_thread_stop(struct mf_thread *thread, bool for_exit);
/* Ends the threads of all interpreters before Python ends: of one that is left
 * then, Python itself makes an end, and stops the process if a thread is in it
 * (3.11 to 3.13). One that takes over a second is left behind. They are still to
 * be stopped by who started them. Releases the GIL meanwhile. */
void mf_thread_end_all(void);
/* Change what is watched, from any thread, with or without the GIL. 0, or -1
 * with errno. Watched when it returns. */
int mf_thread_add_path(struct mf_thread *thread, const char *path);
bool mf_thread_forked(const struct mf_thread *thread);
/* Is somebody writing to this file, or has done so since the file was handed out?
 * Then it will be handed out again. From any thread, with or without the GIL. */
bool mf_thread_is_changing(struct mf_thread *thread, const char *path);
/* As if the file had not been handed out: it is when it has settled. Nothing if no
 * memory is left. From any thread. */
void mf_thread_put_back(struct mf_thread *thread, const char *path);
/* Another room whose descriptors the thread waits on too. Its functions are
 * called on the thread, without the GIL and with `lock` held; none may block.
 * The lock is held over a fork as well. */
struct mf_guest {
    pthread_mutex_t lock;
    /* At most `max` of them; how many. May lower *timeout_ms (-1: no end). */
    int (*fill)(struct mf_guest *guest, struct pollfd *fds, int max,
                int *timeout_ms);
    /* After each wait, with what poll said of them. */
    void (*serve)(struct mf_guest *guest, const struct pollfd *fds, int count);
    /* In the child of a fork, before all else: as a signal handler. */
    void (*forked)(struct mf_guest *guest);
};
/* Once; the guest lives as long as the thread. */
void mf_thread_invite(struct mf_thread *thread, struct mf_guest *guest);
/* Has it ask and serve its guest now. NULL is legal. */
void mf_thread_wake(struct mf_thread *thread);
/* Around a fork, in the parent: the thread ends before and starts anew after
 * it, so that the process forks with the program's own threads only. GIL
 * held; before releases it for a moment. A thread that is busy is left as it
 * is; so is one that forks itself. NULL is legal. */
void mf_thread_before_fork(struct mf_thread *thread);
void mf_thread_after_fork(struct mf_thread *thread);

#endif
