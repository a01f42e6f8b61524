/* thread_fork.c -- owns what becomes of the engine's threads around a fork and
 * at the end of the process. In: the threads of the process. Out: a parent
 * whose thread was away meanwhile, a child without one, an end without any. A guest's lock is free when the process forks, so that
 * what it guards is whole in the child.
 */
#include "thread_parts.h"

#include <time.h>

#define PARK_WAIT_MS 50

/* All threads of the process, of whatever interpreter. */
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mf_thread *registry;
static pthread_once_t registry_once = PTHREAD_ONCE_INIT;

static void
before_fork(void)
{
    pthread_mutex_lock(&registry_lock);
    for (struct mf_thread *t = registry; t != NULL; t = t->next) {
        struct mf_guest *guest = atomic_load(&t->guest);
        if (guest != NULL) {
            pthread_mutex_lock(&guest->lock);
        }
    }
}

static void
unlock_guests(void)
{
    for (struct mf_thread *t = registry; t != NULL; t = t->next) {
        struct mf_guest *guest = atomic_load(&t->guest);
        if (guest != NULL) {
            pthread_mutex_unlock(&guest->lock);
        }
    }
}

static void
after_fork_parent(void)
{
    unlock_guests();
    pthread_mutex_unlock(&registry_lock);
}

/* The descriptors are shared with the parent: to read them here would take
 * its events. */
static void
after_fork_child(void)
{
    for (struct mf_thread *t = registry; t != NULL; t = t->next) {
        atomic_store(&t->forked, true);
        mf_watch_forked(t->watch);
        mf_thread_close_wake(t);
        struct mf_guest *guest = atomic_load(&t->guest);
        if (guest != NULL) {
            guest->forked(guest);
        }
    }
    unlock_guests();
    registry = NULL;
    pthread_mutex_unlock(&registry_lock);
}

static void
registry_init(void)
{
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

void
mf_thread_register(struct mf_thread *thread)
{
    pthread_once(&registry_once, registry_init);
    pthread_mutex_lock(&registry_lock);
    thread->next = registry;
    registry = thread;
    pthread_mutex_unlock(&registry_lock);
}

/* How many of them have not ended yet, all told to. */
static int
end_all(void)
{
    int count = 0;
    pthread_mutex_lock(&registry_lock);
    for (struct mf_thread *t = registry; t != NULL; t = t->next) {
        if (!atomic_load(&t->ended)) {
            count++;
            atomic_store(&t->stop, true);
            mf_thread_wake(t);
        }
    }
    pthread_mutex_unlock(&registry_lock);
    return count;
}

void
mf_thread_end_all(void)
{
    struct timespec pause = {.tv_nsec = 1000000};
    Py_BEGIN_ALLOW_THREADS
    for (int i = 0; i < MF_THREAD_EXIT_MS && end_all() > 0; i++) {
        nanosleep(&pause, NULL);
    }
    Py_END_ALLOW_THREADS
}

void
mf_thread_invite(struct mf_thread *thread, struct mf_guest *guest)
{
    pthread_mutex_lock(&registry_lock); /* no fork just now */
    atomic_store(&thread->guest, guest);
    pthread_mutex_unlock(&registry_lock);
    mf_thread_wake(thread);
}

void
mf_thread_unregister(struct mf_thread *thread)
{
    pthread_mutex_lock(&registry_lock);
    for (struct mf_thread **at = &registry; *at; at = &(*at)->next) {
        if (*at == thread) {
            *at = thread->next;
            break;
        }
    }
    pthread_mutex_unlock(&registry_lock);
}

void
mf_thread_join_parked(struct mf_thread *thread)
{
    if (thread->parked && !thread->joined) {
        pthread_join(thread->id, NULL);
        thread->joined = true;
    }
}

struct timespec
mf_thread_deadline(long ms)
{
    struct timespec until;
#ifdef __linux__
    clock_gettime(CLOCK_MONOTONIC, &until);
#else
    clock_gettime(CLOCK_REALTIME, &until);
#endif
    until.tv_nsec += ms % 1000 * 1000000L;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    return until;
}

static void
wait_until_parked(struct mf_thread *thread)
{
    struct timespec until = mf_thread_deadline(PARK_WAIT_MS);
    int error = 0;
    pthread_mutex_lock(&thread->lock);
    while (!thread->parked && error == 0) {
        error = pthread_cond_timedwait(&thread->parking, &thread->lock,
                                       &until);
    }
    mf_thread_join_parked(thread);
    pthread_mutex_unlock(&thread->lock);
    /* Busy for longer: it parks when it can, and the fork happens. */
}

void
mf_thread_before_fork(struct mf_thread *thread)
{
    if (thread == NULL || mf_thread_is_over(thread) || !Py_IsInitialized() ||
        pthread_equal(thread->id, pthread_self())) {
        return;
    }
    atomic_fetch_add(&thread->pauses, 1);
    mf_thread_wake(thread);
    Py_BEGIN_ALLOW_THREADS
    wait_until_parked(thread);
    Py_END_ALLOW_THREADS
}

void
mf_thread_after_fork(struct mf_thread *thread)
{
    if (thread == NULL || mf_thread_is_over(thread) ||
        pthread_equal(thread->id, pthread_self()) ||
        atomic_load(&thread->pauses) == 0 ||
        atomic_fetch_sub(&thread->pauses, 1) > 1) {
        return;
    }
    sigset_t mask;
    pthread_mutex_lock(&thread->lock);
    if (thread->parked) {
        mf_thread_join_parked(thread);
        thread->parked = thread->joined = false;
        if (mf_thread_create(thread, &mask) != 0) {
            /* no thread is to be had: nothing is watched any more */
            thread->parked = thread->joined = true;
        }
    }
    pthread_mutex_unlock(&thread->lock);
}
