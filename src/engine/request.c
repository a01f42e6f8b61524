/* request.c -- owns the lock and who may ask: one update at a time, holds, the
 * history and the report to the listener. In: calls from args.c. Out: attempts
 * (attempts.c), a report for each request.
 */
#include "update.h"

#include "commit/record.h"
#include "commit/redefine_older.h"
#include "ground/compat_main.h"
#include "ground/fault.h"
#include "heap/frames.h"
#include "watching.h"

/* A plan that nobody waits for is worth no more than a moment of the program: as
 * many statements may have changed. Of half a text, all that is not there yet. */
#define REHEARSED_MAX 64

static bool
is_of_import(PyFrameObject *frame, void *unused)
{
    (void)unused;
    PyCodeObject *code = PyFrame_GetCode(frame);
    bool is = PyUnicode_CompareWithASCIIString(
                  code->co_filename, "<frozen importlib._bootstrap>") == 0;
    Py_DECREF(code);
    return is;
}

/* Is this thread inside an import? Then it must not wait for another one's
 * update, which may need the import lock that it holds. */
static bool
is_inside_import(void)
{
    return mf_frames_any(PyThreadState_Get(), is_of_import, NULL);
}

/* One update at a time in this interpreter. Waiters sleep with the GIL
 * released, and let go of the lock before they take the GIL, which they may
 * never get. Nobody but its owner ever releases it: it may have been handed to
 * a waiter. 1: ours; 0: somebody else's and we may not wait; -1: interrupted. */
int
mf_update_take_turn(struct mf_state *state)
{
    unsigned long me = PyThread_get_thread_ident();
    bool busy = state->busy_thread != 0;
    if (state->busy_thread == me ||
        ((busy || state->inside_imports <= 0) && is_inside_import())) {
        return 0;
    }
    if (PyErr_Occurred()) {
        return -1; /* no memory to look at the frames */
    }
    for (;;) {
        if (state->turn == NULL &&
            (state->turn = PyThread_allocate_lock()) == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        if (state->busy_thread == 0 &&
            PyThread_acquire_lock(state->turn, NOWAIT_LOCK)) {
            break;
        }
        PyLockStatus got;
        Py_BEGIN_ALLOW_THREADS
        got = PyThread_acquire_lock_timed(state->turn, 50000, 1);
        if (got == PY_LOCK_ACQUIRED) {
            PyThread_release_lock(state->turn);
        }
        Py_END_ALLOW_THREADS
        if (got == PY_LOCK_INTR && PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
    state->busy_thread = me;
    return 1;
}

void
mf_update_give_turn(struct mf_state *state)
{
    if (state->busy_thread == PyThread_get_thread_ident()) {
        state->busy_thread = 0;
        PyThread_release_lock(state->turn);
    } /* else forked meanwhile, and not ours any more */
}

PyObject *
mf_update_skipped(struct mf_state *state, PyObject *paths)
{
    if (paths != NULL && mf_update_add_paths(state->queued, paths) < 0) {
        return NULL;
    }
    struct mf_report report;
    if (mf_report_init(&report) < 0) {
        return NULL;
    }
    report.number = state->number;
    PyObject *dict = mf_report_dict(&report, state->running);
    mf_report_clear(&report);
    return dict;
}

void
mf_update_tell(struct mf_state *state, PyObject *report)
{
    if (state->listener == NULL) {
        return;
    }
    PyObject *listener = Py_NewRef(state->listener);
    PyObject *done = PyObject_CallOneArg(listener, report);
    if (done == NULL) {
        PyErr_WriteUnraisable(listener);
    }
    Py_XDECREF(done);
    Py_DECREF(listener);
}

int
mf_update_remember(struct mf_state *state, PyObject *report)
{
    if (PyList_Append(state->history, report) < 0) {
        return -1;
    }
    Py_ssize_t n = PyList_GET_SIZE(state->history);
    return n > 100 ? PyList_SetSlice(state->history, 0, n - 100, NULL) : 0;
}

PyObject *
mf_update_publish(struct mf_state *state, PyObject *report, bool real)
{
    if (report != NULL && real) {
        if (mf_update_remember(state, report) < 0) {
            Py_CLEAR(report);
        }
        else {
            mf_update_tell(state, report);
        }
    }
    return report;
}

/* Rejected whatever it is: this Python is not one that we know. */
static PyObject *
unsupported(struct mf_state *state, PyObject *paths, enum mf_mode mode)
{
    struct mf_report report;
    if (mf_report_init(&report) < 0) {
        return NULL;
    }
    bool real = mode == MF_MODE_UPDATE;
    report.number = real ? ++state->number : state->number + 1;
    report.dry_run = !real;
    report.outcome = MF_REJECTED;
    PyObject *dict = NULL;
    if ((paths == NULL ||
         PyList_SetSlice(report.files, 0, 0, paths) == 0) &&
        mf_report_add(&report, 903, '=', NULL, NULL, NULL, 0, "%U",
                      state->unsupported) == 0) {
        dict = mf_report_dict(&report, state->running);
    }
    mf_report_clear(&report);
    return mf_update_publish(state, dict, real);
}

/* What this thread is about to run: an update of mf_update_saved. */
static _Thread_local bool is_for_saves;

static PyObject *
run_locked(struct mf_state *state, PyObject *paths, PyObject *sources,
           enum mf_mode mode, PyObject *record, bool again, PyObject *extra)
{
    PyObject *earlier = NULL;
    if (record != NULL) {
        /* while it waited for its turn, another was committed or undone */
        if (mf_record_last(state, again) != record ||
            (earlier = mf_record_sources(state, record, again)) == NULL) {
            return NULL;
        }
        sources = earlier;
    }
    struct mf_update update = {.state = state, .mode = mode, .undo = record,
                               .again = again, .extra = extra,
                               .saved = is_for_saves};
    is_for_saves = false; /* not for those that hooks ask for */
    PyObject *dict = NULL;
    if (mf_report_init(&update.report) < 0) {
        Py_XDECREF(earlier);
        return NULL;
    }
    update.report.dry_run = mode != MF_MODE_UPDATE;
    update.alone = extra != NULL && record == NULL;
    update.identity = mode == MF_MODE_UPDATE && record == NULL &&
                      mf_fault_lever(MF_LEVER_IDENTITY) > 0;
    int outcome = mf_update_attempt_groups(state, &update, paths, sources, &dict);
    Py_XDECREF(earlier);
    if (dict != NULL && extra != NULL && mf_update_say(dict, extra) < 0) {
        Py_CLEAR(dict);
    }
    if (dict != NULL && mode == MF_MODE_UPDATE && outcome != MF_SKIPPED &&
        !update.identity && mf_update_remember(state, dict) < 0) {
        Py_CLEAR(dict);
    }
    state->interrupted |= update.stage.interrupted;
    state->undo_wanted = update.undo_wanted;
    return dict;
}

int
mf_update_older(struct mf_state *state)
{
    int mine = state->busy_thread == 0 ? mf_update_take_turn(state) : 0;
    if (mine <= 0) {
        return mine < 0 ? -1 : 1;
    }
    int rc = mf_older_move(state);
    mf_update_give_turn(state);
    return rc;
}

PyObject *
mf_update_turn(struct mf_state *state, PyObject *paths, PyObject *sources,
         enum mf_mode mode, PyObject *record, bool again, PyObject *extra)
{
    if (state->disabled) {
        return mf_update_skipped(state, NULL);
    }
    if (state->unsupported != NULL) {
        return unsupported(state, paths, mode);
    }
    if (state->holds > 0 && mode == MF_MODE_UPDATE) {
        return mf_update_skipped(state, paths);
    }
    int mine = mf_update_take_turn(state);
    if (mine <= 0) {
        return mine < 0 ? NULL : mf_update_skipped(state, paths);
    }
    state->interrupted = false;
    PyObject *dict = run_locked(state, paths, sources, mode, record, again, extra);
    bool interrupted = state->interrupted;
    mf_update_give_turn(state);
    if (dict != NULL && mode == MF_MODE_UPDATE) {
        mf_update_tell(state, dict);
        mf_watching_older(state);
    }
    if (state->waits != NULL && mf_watching_wait(state) < 0) {
        PyErr_WriteUnraisable(NULL); /* they go in with the next update */
    }
    if (interrupted && dict != NULL) {
        Py_CLEAR(dict);
        PyErr_SetNone(PyExc_KeyboardInterrupt);
    }
    return dict;
}

/* Nothing waits, nothing is to be repeated, and nobody is at it: the case in
 * which no more than these files matter. And nobody of the program is told of
 * what the compiler does: a hook may want a lock that the code holds in whose
 * middle we are. */
static bool
is_plain_case(struct mf_state *state)
{
    return !state->disabled && state->unsupported == NULL &&
           state->holds == 0 && state->busy_thread == 0 &&
           PySet_GET_SIZE(state->queued) == 0 &&
           PyDict_GET_SIZE(state->pending) == 0 &&
           !mf_compat_main_is_audited(PyInterpreterState_Get()) &&
           mf_fault_lever(MF_LEVER_IDENTITY) == 0 &&
           mf_fault_lever(MF_LEVER_REPEAT) == 0;
}

int
mf_update_quietly(struct mf_state *state, PyObject *paths, enum mf_mode mode,
                  PyObject **dict)
{
    *dict = NULL;
    if (!is_plain_case(state)) {
        return 0;
    }
    struct mf_update update = {.state = state, .mode = mode, .quiet = true,
                               .saved = mode == MF_MODE_UPDATE};
    update.plan.most = mode == MF_MODE_PLAN ? REHEARSED_MAX : 0;
    int mine = mf_update_take_turn(state);
    if (mine <= 0) {
        return mine;
    }
    int outcome = -1;
    if (mf_report_init(&update.report) == 0) {
        update.report.dry_run = mode != MF_MODE_UPDATE;
        update.paths = PySet_New(paths);
        outcome = update.paths ? mf_update_attempt(&update, dict)
                               : (mf_update_clear(&update), -1);
    }
    if (update.declined) {
        Py_CLEAR(*dict);
    }
    if (mode == MF_MODE_UPDATE && *dict != NULL && outcome != MF_SKIPPED &&
        mf_update_remember(state, *dict) < 0) {
        PyErr_Clear(); /* it is live: only the history has a gap */
    }
    mf_update_give_turn(state);
    if (mode == MF_MODE_UPDATE) {
        mf_watching_older(state);
    }
    return outcome < 0 ? -1 : 0;
}

static bool
has_committed(PyObject *dict)
{
    PyObject *outcome =
        dict ? PyDict_GetItemString(dict, "outcome") : NULL;
    return outcome != NULL && PyUnicode_Check(outcome) &&
           PyUnicode_CompareWithASCIIString(outcome, "committed") == 0;
}

/* The lever `repeat`: back and forth again. Takes dict, the first report, and
 * gives it back, or that of a repetition that does not commit any more. */
static PyObject *
repeat(struct mf_state *state, PyObject *paths, PyObject *sources,
       PyObject *dict)
{
    long times = mf_fault_lever(MF_LEVER_REPEAT);
    PyObject *files = dict ? PyDict_GetItemString(dict, "files") : NULL;
    if (times == 0 || files == NULL) {
        return dict;
    }
    PyObject *all = PySequence_List(files); /* pending ones went in too */
    if (all == NULL || (paths != NULL && PyList_SetSlice(all, 0, 0, paths) <
                                             0)) {
        Py_XDECREF(all);
        Py_DECREF(dict);
        return NULL;
    }
    for (long i = 0; i < times && has_committed(dict); i++) {
        PyObject *back = mf_update_undo(state, -1, MF_MODE_UPDATE);
        bool is_back = has_committed(back);
        Py_XDECREF(back);
        if (back == NULL) {
            Py_CLEAR(dict);
        }
        if (!is_back) {
            break; /* some updates cannot be undone: that changes nothing */
        }
        PyObject *again =
            mf_update_turn(state, all, sources, MF_MODE_UPDATE, NULL, false, NULL);
        if (!has_committed(again)) {
            Py_SETREF(dict, again);
            break;
        }
        Py_DECREF(again);
    }
    Py_DECREF(all);
    return dict;
}

PyObject *
mf_update_run(struct mf_state *state, PyObject *paths, PyObject *sources,
              enum mf_mode mode, PyObject *extra)
{
    PyObject *dict = mf_update_turn(state, paths, sources, mode, NULL, false, extra);
    if (mode == MF_MODE_UPDATE && !state->undo_wanted) {
        dict = repeat(state, paths, sources, dict);
    }
    if (dict != NULL && state->undo_wanted) {
        /* an after hook failed and the configuration asks for an undo */
        state->undo_wanted = false;
        PyObject *back = mf_update_undo(state, -1, MF_MODE_UPDATE);
        Py_XDECREF(back);
        if (back == NULL) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

PyObject *
mf_update_saved(struct mf_state *state, PyObject *paths)
{
    is_for_saves = true;
    PyObject *dict = mf_update_run(state, paths, NULL, MF_MODE_UPDATE, NULL);
    is_for_saves = false;
    return dict;
}

PyObject *
mf_update_identity(struct mf_state *state)
{
    long before = mf_fault_lever(MF_LEVER_IDENTITY);
    mf_fault_set("identity", 1);
    PyObject *dict = mf_update_turn(state, NULL, NULL, MF_MODE_UPDATE, NULL, false, NULL);
    mf_fault_set("identity", before);
    return dict;
}
