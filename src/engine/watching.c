/* watching.c -- owns what happens when a file is saved. In: paths to watch,
 * batches of changed ones. Out: updates, notes for people.
 */
#include "watching.h"

#include <errno.h>
#include <time.h>

#include "commit/redefine_older.h"
#include "ground/compat_main.h"
#include "ground/trace.h"
#include "thread.h"
#include "update.h"
#include "waiting.h"
#include "warm.h"

#define POLL_MS 1000
#define REMIND_MS 20
/* Not again after a wait of so long; they were twice as long each time. */
#define OLDER_LAST_MS 16384
/* So old may a change be that the parent of a fork had not taken yet. */
#define UNTAKEN_S 12

/* What was saved waits until the program says when: poll(), or its main
 * thread. */
enum { ANY, MAIN_THREAD, POLL }; /* state->safepoint */

static int
update_queued(void *arg)
{
    struct mf_state *state = mf_state_get();
    (void)arg;
    if (state == NULL) {
        PyErr_Clear();
        return 0;
    }
    state->main_asked = false;
    if (PySet_GET_SIZE(state->queued) == 0) {
        return 0;
    }
    PyObject *paths = PySequence_List(state->queued);
    PyObject *report = paths ? mf_update_saved(state, paths) : NULL;
    Py_XDECREF(paths);
    Py_XDECREF(report);
    return report != NULL ? 0 : -1; /* a Ctrl-C goes on in the program */
}

static int
take_batch(struct mf_state *state, PyObject *paths)
{
    if (state->safepoint == ANY) {
        PyObject *report = mf_update_saved(state, paths);
        Py_XDECREF(report);
        return report != NULL ? 0 : -1;
    }
    PyObject *done = PyObject_CallMethod(state->queued, "update", "O", paths);
    Py_XDECREF(done);
    if (done != NULL && state->safepoint == MAIN_THREAD &&
        !state->main_asked) {
        state->main_asked = mf_compat_main_call(update_queued, NULL) == 0;
    }
    return done != NULL ? 0 : -1;
}

static PyObject *
list_of(char **paths, int count)
{
    PyObject *list = PyList_New(0);
    for (int i = 0; list != NULL && i < count; i++) {
        PyObject *path = PyUnicode_DecodeFSDefault(paths[i]);
        if (path == NULL || PyList_Append(list, path) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(path);
    }
    return list;
}

/* A settled batch of changed paths, on the engine's thread, GIL held. */
static void
on_batch(char **paths, int count, void *arg)
{
    struct mf_state *state = arg;
    PyObject *list = list_of(paths, count);
    if (list == NULL || take_batch(state, list) < 0) {
        PyErr_WriteUnraisable(NULL);
    }
    Py_XDECREF(list);
}

/* The same on the main thread, between two steps of the program. */
static PyObject *
on_handover(char **paths, int count, void *arg)
{
    struct mf_state *state = arg;
    PyObject *report = NULL, *list = NULL;
    if (mf_state_get() == state && state->safepoint == ANY) {
        list = list_of(paths, count);
    }
    if (list != NULL &&
        mf_update_quietly(state, list, MF_MODE_UPDATE, &report) < 0) {
        PyErr_Clear(); /* the thread that waits finds the same, and says it */
    }
    if (report != NULL) {
        MF_TRACE(1, "done in the middle of the main thread's code");
    }
    Py_XDECREF(list);
    PyErr_Clear();
    return report;
}

/* Somebody is saving a file. */
static void
on_save_begun(const char *path, void *arg)
{
    struct mf_state *state = arg;
    if (state->safepoint == ANY) {
        mf_warm_up(state, path);
    }
}

/* ---- stragglers ---------------------------------------------------------------- */

static int
update_waiting(struct mf_state *state)
{
    PyObject *paths, *given, *report = NULL;
    if (mf_waiting_take(state, &paths, &given) < 0) {
        return -1;
    }
    bool texts = PyDict_GET_SIZE(given) > 0;
    int rc = 0;
    if (state->safepoint == ANY) {
        report = mf_update_run(state, paths, texts ? given : NULL,
                               MF_MODE_UPDATE, NULL);
        rc = report != NULL ? 0 : -1;
    }
    else {
        rc = take_batch(state, paths);
    }
    Py_XDECREF(report);
    Py_DECREF(paths);
    Py_DECREF(given);
    return rc;
}

/* Looks whether those have ended that files wait for. When to look again, in
 * milliseconds: since a look may take a walk of the heap, then less often. 0:
 * nothing waits. */
static int
look_at_waiting(struct mf_state *state)
{
    if (state->waits == NULL) {
        return 0;
    }
    int64_t begun = mf_trace_now();
    int goes_on = state->busy_thread == 0 ? mf_waiting_goes_on(state) : 1;
    int64_t spent = (mf_trace_now() - begun) / 1000000;
    if (goes_on < 0 || (goes_on == 0 && update_waiting(state) < 0)) {
        PyErr_WriteUnraisable(NULL);
    }
    return state->waits == NULL ? 0
           : spent < 1          ? REMIND_MS
                                : REMIND_MS * (int)(spent + 1);
}

/* Tries again to move who runs older code. */
static int
look_at_older(struct mf_state *state)
{
    if (state->older_ms == 0) {
        return 0;
    }
    int left = mf_update_older(state);
    if (left < 0) {
        PyErr_WriteUnraisable(NULL);
    }
    state->older_ms = left != 0 && state->older_ms < OLDER_LAST_MS
                          ? 2 * state->older_ms
                          : 0;
    return state->older_ms;
}

/* On the thread, GIL held. */
static void
on_remind(void *arg)
{
    struct mf_state *state = arg;
    int older = look_at_older(state);
    int waiting = look_at_waiting(state);
    mf_thread_remind(state->thread, waiting == 0 || (older > 0 &&
                                                     older < waiting)
                                        ? older
                                        : waiting);
}

void
mf_watching_older(struct mf_state *state)
{
    bool is_new = state->older_ms == 1; /* an update has just tried it */
    if (state->thread != NULL && !mf_thread_forked(state->thread)) {
        if (is_new) {
            mf_thread_remind(state->thread, 1);
        }
        return;
    }
    state->older_ms = 0;
    if (!is_new && mf_update_older(state) < 0) {
        PyErr_WriteUnraisable(NULL);
    }
}

static void
on_done(PyObject *report, void *arg)
{
    mf_update_tell(arg, report);
}

static void
on_note(const char *text, void *arg)
{
    struct mf_state *state = arg;
    PyObject *note =
        Py_BuildValue("{s:s,s:s}", "outcome", "note", "text", text);
    if (note != NULL && state->listener != NULL) {
        PyObject *done = PyObject_CallOneArg(state->listener, note);
        if (done == NULL) {
            PyErr_WriteUnraisable(state->listener);
        }
        Py_XDECREF(done);
    }
    Py_XDECREF(note);
    PyErr_Clear();
}

static void
end_watching(struct mf_state *state, bool for_exit)
{
    struct mf_thread *thread = state->thread;
    state->thread = NULL;
    Py_CLEAR(state->watched);
    if (thread != NULL) {
        mf_thread_stop(thread, for_exit);
    }
    mf_compat_main_weigh_anchor(state->anchor);
    state->anchor = NULL;
}

static bool
is_main(void)
{
    return PyInterpreterState_Get() == PyInterpreterState_Main();
}

static PyObject *
at_exit(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    struct mf_state *state = mf_state_get();
    if (state == NULL) {
        PyErr_Clear();
    }
    else {
        end_watching(state, is_main());
    }
    if (is_main()) {
        mf_thread_end_all();
    }
    Py_RETURN_NONE;
}

static PyMethodDef at_exit_def = {"end_watching", at_exit, METH_NOARGS, NULL};

/* Our thread is away before the interpreter ends: a subinterpreter must not end
 * while another thread is in it (the runtime would end the process), and one
 * that makes its state while the main one deletes all others' crashes. */
static int
end_before_interpreter(void)
{
    PyObject *atexit = PyImport_ImportModule("atexit");
    PyObject *function = atexit ? PyCFunction_New(&at_exit_def, NULL) : NULL;
    PyObject *done = function ? PyObject_CallMethod(atexit, "register", "O",
                                                    function)
                              : NULL;
    Py_XDECREF(done);
    Py_XDECREF(function);
    Py_XDECREF(atexit);
    return done != NULL ? 0 : -1;
}

/* The watch of this process, new or there already. */
static int
start(struct mf_state *state, struct mf_watch *watch)
{
    if (end_before_interpreter() < 0) {
        mf_watch_free(watch);
        return -1;
    }
    state->backend = mf_watch_backend(watch);
    if (state->anchor == NULL) {
        state->anchor = mf_compat_main_anchor();
    }
    state->thread = mf_thread_start(watch, on_batch, on_note, state);
    if (state->thread == NULL) {
        return -1;
    }
    mf_thread_hand_over(state->thread, on_handover, on_done);
    mf_thread_on_remind(state->thread, on_remind);
    mf_thread_on_save_begun(state->thread, on_save_begun);
    if (state->waits != NULL) {
        mf_thread_remind(state->thread, REMIND_MS);
    }
    state->older_ms = mf_older_any(state->older);
    mf_watching_older(state);
    if (state->guest != NULL) {
        mf_thread_invite(state->thread, state->guest);
    }
    return 0;
}

static struct mf_watch *
new_watch(struct mf_state *state)
{
    struct mf_watch_options options = {state->settle_ms, POLL_MS,
                                       state->watch_polls};
    struct mf_watch *watch = mf_watch_new(&options, NULL, NULL);
    if (watch == NULL) {
        PyErr_SetFromErrno(PyExc_OSError);
    }
    return watch;
}

static int
add_path(struct mf_state *state, PyObject *path)
{
    PyObject *raw = PyUnicode_EncodeFSDefault(path);
    int rc = raw ? mf_thread_add_path(state->thread, PyBytes_AS_STRING(raw))
                 : -1;
    if (rc < 0 && !PyErr_Occurred()) {
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
    }
    Py_XDECREF(raw);
    return rc < 0 ? -1 : PyList_Append(state->watched, path);
}

int
mf_watching_track(struct mf_state *state, PyObject *path)
{
    if (state->thread == NULL || mf_thread_forked(state->thread)) {
        return 0;
    }
    if (add_path(state, path) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_OSError)) {
            return -1;
        }
        PyErr_Clear();
    }
    return 0;
}

static int
add_tracked(struct mf_state *state)
{
    PyObject *path, *fn;
    Py_ssize_t pos = 0;
    int rc = 0;
    while (rc == 0 && PyDict_Next(state->tracked, &pos, &path, &fn)) {
        rc = mf_watching_track(state, path);
    }
    return rc;
}

int
mf_watching_add(struct mf_state *state, PyObject *paths, bool force_poll)
{
    if (state->thread != NULL && mf_thread_forked(state->thread)) {
        mf_watching_end(state);
    }
    if (state->watched == NULL && (state->watched = PyList_New(0)) == NULL) {
        return -1;
    }
    if (state->thread == NULL) {
        state->watch_polls = force_poll;
        struct mf_watch *watch = new_watch(state);
        if (watch == NULL || start(state, watch) < 0 ||
            add_tracked(state) < 0) {
            return -1;
        }
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(paths); i++) {
        if (add_path(state, PyList_GET_ITEM(paths, i)) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The thread, though nothing is watched. */
static int
start_for_others(struct mf_state *state)
{
    PyObject *none = PyList_New(0);
    int rc = none ? mf_watching_add(state, none, state->watch_polls) : -1;
    Py_XDECREF(none);
    return rc;
}

int
mf_watching_wait(struct mf_state *state)
{
    if (state->thread != NULL && !mf_thread_forked(state->thread)) {
        mf_thread_remind(state->thread, REMIND_MS);
        return 0;
    }
    return start_for_others(state);
}

int
mf_watching_serve(struct mf_state *state, struct mf_guest *guest)
{
    state->guest = guest;
    if (guest != NULL && (state->thread == NULL ||
                          mf_thread_forked(state->thread))) {
        return start_for_others(state);
    }
    if (guest != NULL) {
        mf_thread_invite(state->thread, guest);
    }
    return 0;
}

void
mf_watching_end(struct mf_state *state)
{
    end_watching(state, false);
}

int
mf_watching_again(struct mf_state *state)
{
    if (state->thread == NULL || !mf_thread_forked(state->thread) ||
        state->watched == NULL) {
        return 0;
    }
    struct mf_thread *of_parent = state->thread;
    state->thread = NULL;
    mf_thread_stop(of_parent, false);
    struct mf_watch *watch = new_watch(state);
    if (watch == NULL) {
        return -1;
    }
    int64_t since = ((int64_t)time(NULL) - UNTAKEN_S) * 1000000000;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(state->watched); i++) {
        PyObject *raw =
            PyUnicode_EncodeFSDefault(PyList_GET_ITEM(state->watched, i));
        if (raw == NULL ||
            mf_watch_add_later(watch, PyBytes_AS_STRING(raw), since) < 0) {
            Py_XDECREF(raw);
            mf_watch_free(watch);
            return PyErr_Occurred() ? -1
                                    : (PyErr_SetFromErrno(PyExc_OSError), -1);
        }
        Py_DECREF(raw);
    }
    return start(state, watch);
}
