/* thread.c -- the engine's one thread. In: a watch, callbacks. Out: calls of
 * them with the GIL held. Owns the thread, its wake-up descriptor and, after
 * the start, the watch.
 *
 * It has a Python thread state only while it calls back: none can be left
 * over when the interpreter ends, and the program sees no idle thread.
 *
 * Ways to end: stop() joins it; stop() on the thread itself lets it free
 * everything after the callback; in the child of a fork it does not exist and
 * stop() frees what is left; while Python finalizes, taking the GIL ends the
 * thread (to 3.13) or blocks it for ever (from 3.14 on), so then stop() waits
 * a while and leaves the memory to the end of the process.
 */
#include "thread_parts.h"

#include "ground/compat_main.h"
#include "ground/compat_stack.h"
#include "ground/trace.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#else
#include <fcntl.h>
#endif

#define STACK_MIN (4u << 20)     /* it runs Python code */
#define ERROR_WAIT_MS 100
#define GUEST_MAX 40

void
mf_thread_close_wake(struct mf_thread *thread)
{
    if (thread->wake_write != thread->wake_read && thread->wake_write >= 0) {
        close(thread->wake_write);
    }
    if (thread->wake_read >= 0) {
        close(thread->wake_read);
    }
    thread->wake_read = thread->wake_write = -1;
}

/* ---- the lock, notes, waking ------------------------------------------- */

static void
enter(struct mf_thread *thread)
{
    pthread_mutex_lock(&thread->lock);
    atomic_fetch_add(&thread->inside, 1);
}

static void
leave(struct mf_thread *thread)
{
    atomic_fetch_sub(&thread->inside, 1);
    pthread_mutex_unlock(&thread->lock);
}

/* Listener of the watch: called with the lock held, or before the start. */
static void
keep_note(const char *text, void *arg)
{
    struct mf_thread *thread = arg;
    char **notes = realloc(thread->notes,
                           (thread->notes_len + 1) * sizeof *notes);
    if (notes == NULL) {
        return;
    }
    thread->notes = notes;
    notes[thread->notes_len] = strdup(text);
    thread->notes_len += notes[thread->notes_len] != NULL;
}

static void
free_notes(char **notes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        free(notes[i]);
    }
    free(notes);
}

static int
open_wake(struct mf_thread *thread)
{
#ifdef __linux__
    thread->wake_read = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    thread->wake_write = thread->wake_read;
    return thread->wake_read < 0 ? -1 : 0;
#else
    int ends[2];
    if (pipe(ends) < 0) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    thread->wake_read = ends[0];
    thread->wake_write = ends[1];
    return 0;
#endif
}

void
mf_thread_wake(struct mf_thread *thread)
{
    if (thread == NULL || atomic_load(&thread->forked)) {
        return;
    }
    uint64_t one = 1;
    ssize_t written = write(thread->wake_write, &one, sizeof one);
    (void)written; /* full: it is awake already */
}

static void
free_thread(struct mf_thread *thread)
{
    if (atomic_load(&thread->inside) == 0) {
        mf_watch_free(thread->watch);
        free_notes(thread->notes, thread->notes_len);
    }
    /* Else: forked in the middle of a change to them. They stay. */
    mf_thread_close_wake(thread);
    mf_compat_stack_free(thread->stack);
    if (!atomic_load(&thread->forked)) {
        pthread_mutex_destroy(&thread->lock);
        pthread_cond_destroy(&thread->parking);
    }
    free(thread);
}

/* ---- the thread -------------------------------------------------------- */

struct delivery {
    char **paths;
    int count;
    char **notes;
    size_t notes_len;
};

static void
take(struct mf_thread *thread, struct delivery *out)
{
    enter(thread);
    if (out->count > 0) {
        mf_watch_put_back(thread->watch, out->paths, out->count);
    }
    out->count = mf_watch_drain(thread->watch, &out->paths);
    if (out->notes == NULL) {
        out->notes = thread->notes;
        out->notes_len = thread->notes_len;
        thread->notes = NULL;
        thread->notes_len = 0;
    }
    leave(thread);
}

static void
delivery_clear(struct delivery *out)
{
    if (out->count > 0) {
        mf_watch_paths_free(out->paths, out->count);
    }
    free_notes(out->notes, out->notes_len);
    memset(out, 0, sizeof *out);
}

bool
mf_thread_is_over(struct mf_thread *thread)
{
    return atomic_load(&thread->stop) || atomic_load(&thread->forked);
}

/* Over, or a fork is about to happen: nothing new is begun. */
static bool
is_wanted_away(struct mf_thread *thread)
{
    return mf_thread_is_over(thread) || atomic_load(&thread->pauses) > 0;
}

static bool
has_input(struct mf_thread *thread)
{
    struct pollfd input = {.fd = mf_watch_fd(thread->watch), .events = POLLIN};
    return input.fd >= 0 && poll(&input, 1, 0) > 0;
}

static bool
is_due(struct mf_thread *thread)
{
    int every = atomic_load(&thread->remind_ms);
    int64_t now = every > 0 ? mf_trace_now() / 1000000 : 0;
    if (every <= 0 || now - thread->reminded < every) {
        return false;
    }
    thread->reminded = now;
    return true;
}

static void
call_back(struct mf_thread *thread, struct delivery *out, PyObject *result)
{
    for (size_t i = 0; i < out->notes_len && !mf_thread_is_over(thread); i++) {
        if (thread->note != NULL) {
            thread->note(out->notes[i], thread->arg);
        }
    }
    if (result != NULL) {
        thread->done(result, thread->arg);
        return;
    }
    /* What came while we waited for the GIL may belong together. */
    if (out->count > 0 && has_input(thread)) {
        take(thread, out);
    }
    if (out->count > 0 && !is_wanted_away(thread)) {
        thread->batch(out->paths, out->count, thread->arg);
    }
    else if (out->count > 0 && !mf_thread_is_over(thread)) {
        enter(thread);
        mf_watch_put_back(thread->watch, out->paths, out->count);
        out->count = 0;
        leave(thread);
    }
}

/* False: it has no state in the interpreter, and none is to be had: Python ends
 * (the GIL is not for us any more), or no memory. */
static bool
make_state(struct mf_thread *thread)
{
    thread->tstate =
        Py_IsInitialized() ? PyThreadState_New(thread->interp) : NULL;
    if (thread->tstate == NULL) {
        return false;
    }
    mf_compat_stack_give(thread->tstate, thread->stack);
    thread->stack = NULL;
    return true;
}

/* With the GIL, which is given up. */
static void
drop_state(struct mf_thread *thread)
{
    PyThreadState_Clear(thread->tstate);
    thread->stack = mf_compat_stack_take(thread->tstate);
    thread->tstate = NULL;
    PyThreadState_DeleteCurrent();
}

static void
deliver(struct mf_thread *thread, struct delivery *out, bool due)
{
    sigset_t blocked;
    if (!make_state(thread)) {
        return;
    }
    mf_handover_work work = atomic_load(&thread->work);
    struct mf_handover *handover =
        work != NULL && out->count > 0
            ? mf_handover_offer(thread->interp, out->paths, out->count, work,
                                thread->arg)
            : NULL;
    pthread_sigmask(SIG_SETMASK, &thread->mask, &blocked);
    PyEval_AcquireThread(thread->tstate);
    PyObject *result = mf_handover_close(handover);
    if (!mf_thread_is_over(thread)) {
        call_back(thread, out, result);
    }
    if (due && !is_wanted_away(thread)) {
        thread->remind(thread->arg);
    }
    Py_XDECREF(result);
    drop_state(thread);
    pthread_sigmask(SIG_SETMASK, &blocked, NULL);
}

/* Tells of a save that has begun. The program is not kept waiting for that. */
static void
tell_begun(struct mf_thread *thread)
{
    const char *borrowed = NULL;
    enter(thread);
    int64_t begun = mf_watch_save_begun(thread->watch, &borrowed);
    bool is_new = begun != 0 && begun != thread->begun_at;
    char *path = is_new ? strdup(borrowed) : NULL;
    leave(thread);
    thread->begun_at = begun;
    if (path != NULL && thread->begun != NULL && !is_wanted_away(thread) &&
        mf_compat_main_gil_is_free(thread->interp) && make_state(thread)) {
        sigset_t blocked;
        pthread_sigmask(SIG_SETMASK, &thread->mask, &blocked);
        PyEval_AcquireThread(thread->tstate);
        if (!is_wanted_away(thread)) {
            thread->begun(path, thread->arg);
        }
        drop_state(thread);
        pthread_sigmask(SIG_SETMASK, &blocked, NULL);
    }
    free(path);
}

static int
ask_guest(struct mf_guest *guest, struct pollfd *fds, int *timeout)
{
    if (guest == NULL) {
        return 0;
    }
    pthread_mutex_lock(&guest->lock);
    int count = guest->fill(guest, fds, GUEST_MAX, timeout);
    pthread_mutex_unlock(&guest->lock);
    return count;
}

static void
serve_guest(struct mf_guest *guest, const struct pollfd *fds, int count)
{
    if (guest != NULL) {
        pthread_mutex_lock(&guest->lock);
        guest->serve(guest, fds, count);
        pthread_mutex_unlock(&guest->lock);
    }
}

static void
wait_for_work(struct mf_thread *thread, bool failed)
{
    struct mf_guest *guest = atomic_load(&thread->guest);
    enter(thread);
    struct pollfd fds[2 + GUEST_MAX] = {
        {.fd = thread->wake_read, .events = POLLIN},
        {.fd = mf_watch_fd(thread->watch), .events = POLLIN},
    };
    int timeout = mf_watch_timeout_ms(thread->watch);
    int pause = mf_watch_pause_ms(thread->watch);
    leave(thread);
    int every = atomic_load(&thread->remind_ms);
    timeout = every > 0 && (timeout < 0 || timeout > every) ? every : timeout;
    if (pause > 0) {
        poll(fds, 1, pause);
    }
    if (failed) {
        fds[1].fd = -1;
        timeout = ERROR_WAIT_MS;
    }
    int guests = ask_guest(guest, fds + 2, &timeout);
    int ready = poll(fds, 2 + (nfds_t)guests, timeout);
    if (ready > 0 && fds[0].revents) {
        uint64_t count;
        ssize_t got = read(thread->wake_read, &count, sizeof count);
        (void)got;
    }
    serve_guest(guest, fds + 2, ready > 0 ? guests : 0);
}

static void
mark_ended(void *arg)
{
    struct mf_thread *thread = arg;
    atomic_store(&thread->ended, true);
}

/* Ends the thread if it is over, or parks it for a fork. */
static bool
may_end(struct mf_thread *thread)
{
    if (!is_wanted_away(thread)) {
        return false;
    }
    enter(thread);
    bool over = mf_thread_is_over(thread);
    thread->parked = !over && atomic_load(&thread->pauses) > 0;
    bool parked = thread->parked;
    pthread_cond_signal(&thread->parking);
    leave(thread);
    return over || parked;
}

static void
run(struct mf_thread *thread)
{
    bool failed = false;
    while (!may_end(thread)) {
        wait_for_work(thread, failed);
        if (is_wanted_away(thread)) {
            continue;
        }
        struct delivery out = {0};
        take(thread, &out);
        failed = out.count < 0;
        bool due = is_due(thread);
        if (out.count > 0 || out.notes_len > 0 || due) {
            deliver(thread, &out, due);
        }
        else {
            tell_begun(thread);
        }
        delivery_clear(&out);
    }
}

static void *
thread_main(void *arg)
{
    struct mf_thread *thread = arg;
    mf_thread_ask_for_short_turns();
#ifdef __linux__
    pthread_setname_np(pthread_self(), "midflight");
#endif
    /* Also run when the interpreter ends this thread inside AcquireThread. */
    pthread_cleanup_push(mark_ended, thread);
    run(thread);
    pthread_cleanup_pop(0);
    if (thread->frees_itself) {
        free_thread(thread);
    }
    else {
        mark_ended(thread);
    }
    return NULL;
}

/* ---- start and stop ---------------------------------------------------- */

int
mf_thread_create(struct mf_thread *thread, sigset_t *mask)
{
    pthread_attr_t attr;
    size_t stack = 0;
    sigset_t all;
    int error = pthread_attr_init(&attr);
    if (error != 0) {
        return error;
    }
    if (pthread_attr_getstacksize(&attr, &stack) == 0 && stack < STACK_MIN) {
        pthread_attr_setstacksize(&attr, STACK_MIN);
    }
    sigfillset(&all);
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL,
                                 SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        sigdelset(&all, faults[i]);
    }
    pthread_sigmask(SIG_SETMASK, &all, mask);
    error = pthread_create(&thread->id, &attr, thread_main, thread);
    pthread_sigmask(SIG_SETMASK, mask, NULL);
    pthread_attr_destroy(&attr);
    return error;
}

static void
init_parking(struct mf_thread *thread)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
#ifdef __linux__
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
#endif
    pthread_cond_init(&thread->parking, &attr);
    pthread_condattr_destroy(&attr);
}

struct mf_thread *
mf_thread_start(struct mf_watch *watch, mf_thread_batch batch,
                mf_thread_note note, void *arg)
{
    struct mf_thread *thread = calloc(1, sizeof *thread);
    if (thread == NULL) {
        mf_watch_free(watch);
        PyErr_NoMemory();
        return NULL;
    }
    thread->watch = watch;
    thread->interp = PyInterpreterState_Get();
    thread->batch = batch;
    thread->note = note;
    thread->arg = arg;
    thread->wake_read = thread->wake_write = -1;
    pthread_mutex_init(&thread->lock, NULL);
    init_parking(thread);
    if (note != NULL) {
        mf_watch_on_note(watch, keep_note, thread);
    }
    int error = open_wake(thread) < 0 ? errno : 0;
    if (error == 0) {
        if (thread->notes_len > 0) {
            mf_thread_wake(thread);
        }
        mf_thread_register(thread);
        error = mf_thread_create(thread, &thread->mask);
        if (error != 0) {
            mf_thread_unregister(thread);
        }
    }
    if (error != 0) {
        free_thread(thread);
        errno = error;
        PyErr_SetFromErrno(PyExc_OSError);
        return NULL;
    }
    return thread;
}

/* Is it away? Else it is left alone: nothing may keep a process from ending. */
static bool
wait_for_end(struct mf_thread *thread)
{
    struct timespec pause = {.tv_nsec = 1000000};
    for (int i = 0; i < MF_THREAD_EXIT_MS && !atomic_load(&thread->ended);
         i++) {
        nanosleep(&pause, NULL);
    }
    if (!atomic_load(&thread->ended)) {
        pthread_detach(thread->id);
        return false;
    }
    pthread_join(thread->id, NULL);
    return true;
}

static void
join_finalizing(struct mf_thread *thread)
{
    if (wait_for_end(thread)) {
        free_thread(thread);
    }
}

/* Python ends, and with it an interpreter that was left: a thread that lets the
 * GIL go here (none but the ending one's own state gets it back) would be ended
 * in its middle. Ours waits for the GIL or is in C code. What state it leaves
 * must go too: an interpreter must not end with two. Read once the thread is
 * away: it may have been making one. One that does not end within that time
 * waits for the GIL, so that its state stands still, too. */
static void
stop_without_gil(struct mf_thread *thread)
{
    bool foreign = thread->interp != PyInterpreterState_Main();
    bool away = wait_for_end(thread);
    PyThreadState *own = thread->tstate;
    if (own != NULL && foreign) {
        PyThreadState_Clear(own);
        PyThreadState_Delete(own);
    }
    if (away) {
        free_thread(thread);
    }
}

void
mf_thread_stop(struct mf_thread *thread, bool for_exit)
{
    if (thread == NULL) {
        return;
    }
    atomic_store(&thread->stop, true);
    if (pthread_equal(thread->id, pthread_self())) {
        mf_thread_unregister(thread);
        thread->frees_itself = true;
        pthread_detach(thread->id);
        return;
    }
    if (atomic_load(&thread->forked)) {
        free_thread(thread);
        return;
    }
    enter(thread);
    mf_thread_join_parked(thread);
    bool joined = thread->joined;
    leave(thread);
    if (joined) {
        mf_thread_unregister(thread);
        free_thread(thread);
        return;
    }
    mf_thread_wake(thread);
    if (!Py_IsInitialized()) {
        mf_thread_unregister(thread);
        stop_without_gil(thread);
        return;
    }
    Py_BEGIN_ALLOW_THREADS
    if (for_exit) {
        mf_thread_unregister(thread);
        join_finalizing(thread);
    }
    else {
        pthread_join(thread->id, NULL);
        mf_thread_unregister(thread);
        free_thread(thread);
    }
    Py_END_ALLOW_THREADS
}

int
mf_thread_add_path(struct mf_thread *thread, const char *path)
{
    if (atomic_load(&thread->forked)) {
        errno = ESRCH;
        return -1;
    }
    enter(thread);
    int result = mf_watch_add(thread->watch, path);
    int error = errno;
    leave(thread);
    mf_thread_wake(thread);
    errno = error;
    return result;
}

void
mf_thread_hand_over(struct mf_thread *thread, mf_handover_work work,
                    mf_thread_done done)
{
    mf_compat_main_init();
    thread->done = done;
    atomic_store(&thread->work, work);
}

void
mf_thread_on_save_begun(struct mf_thread *thread, mf_thread_save_begun begun)
{
    thread->begun = begun;
}

void
mf_thread_on_remind(struct mf_thread *thread, mf_thread_remind_call remind)
{
    thread->remind = remind;
}

void
mf_thread_remind(struct mf_thread *thread, int ms)
{
    if (thread != NULL && !atomic_load(&thread->forked) &&
        atomic_exchange(&thread->remind_ms, ms) != ms && ms > 0) {
        mf_thread_wake(thread);
    }
}

bool
mf_thread_is_changing(struct mf_thread *thread, const char *path)
{
    if (atomic_load(&thread->forked)) {
        return false;
    }
    enter(thread);
    /* what we take in here, the thread will not wake up for */
    bool look = has_input(thread) && mf_watch_look(thread->watch) == 0;
    bool is = mf_watch_is_changing(thread->watch, path);
    leave(thread);
    if (look) {
        mf_thread_wake(thread);
    }
    return is;
}

void
mf_thread_put_back(struct mf_thread *thread, const char *path)
{
    char **paths = malloc(sizeof *paths);
    char *copy = strdup(path);
    if (atomic_load(&thread->forked) || paths == NULL || copy == NULL) {
        free(paths);
        free(copy);
        return;
    }
    *paths = copy;
    enter(thread);
    mf_watch_put_back(thread->watch, paths, 1);
    leave(thread);
    mf_thread_wake(thread);
}

bool
mf_thread_forked(const struct mf_thread *thread)
{
    return atomic_load(&thread->forked);
}

