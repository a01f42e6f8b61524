/* thread_parts.h -- between thread.c, thread_fork.c and thread_turns.c.
 */
#ifndef MF_THREAD_PARTS_H
#define MF_THREAD_PARTS_H

#include "thread.h"

#include <signal.h>
#include <stdatomic.h>

#define MF_THREAD_EXIT_MS 1000 /* nothing may keep a process from ending */

struct mf_thread {
    struct mf_watch *watch;
    PyInterpreterState *interp;
    mf_thread_batch batch;
    mf_thread_note note;
    _Atomic(mf_handover_work) work; /* NULL: the main thread is not asked */
    mf_thread_done done;
    mf_thread_remind_call remind;
    atomic_int remind_ms;    /* 0: not at all */
    int64_t reminded;        /* when last; milliseconds */
    mf_thread_save_begun begun;
    int64_t begun_at;        /* the last such save (mf_watch_save_begun) */
    void *arg;
    pthread_t id;
    sigset_t mask;           /* of who started it; for callbacks */
    int wake_read, wake_write; /* one eventfd, or a pipe */
    pthread_mutex_t lock;    /* guards watch and notes; never held while
                                waiting for the GIL */
    atomic_int inside;       /* who holds the lock: tells a child of a fork
                                whether watch is whole */
    char **notes;
    size_t notes_len;
    atomic_bool stop;
    atomic_bool ended;
    atomic_bool forked;
    atomic_int pauses;       /* forks under way that want it to end */
    bool parked, joined;     /* it has ended for one of them; by lock */
    pthread_cond_t parking;
    bool frees_itself;       /* stopped on the thread itself */
    PyThreadState *tstate;   /* while it has one; by the GIL once it has that */
    void *stack;             /* else: what the next one's frames lie in */
    _Atomic(struct mf_guest *) guest; /* NULL: none */
    struct mf_thread *next;  /* in the registry */
};

void mf_thread_close_wake(struct mf_thread *thread);
bool mf_thread_is_over(struct mf_thread *thread);
/* Starts it. mask: where the mask of the calling thread goes. 0, or an errno. */
int mf_thread_create(struct mf_thread *thread, sigset_t *mask);

/* thread_turns.c */
/* Of the calling thread, in place of its policy's own length. */
void mf_thread_ask_for_short_turns(void);

/* thread_fork.c */
/* In the list of all threads of the process, for the child of a fork. */
void mf_thread_register(struct mf_thread *thread);
void mf_thread_unregister(struct mf_thread *thread);
/* By lock. Needs no GIL: a parked thread has only to return. */
void mf_thread_join_parked(struct mf_thread *thread);

#endif
