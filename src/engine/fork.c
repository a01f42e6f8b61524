/* fork.c -- owns what happens around a fork. In: the state as the parent left
 * it. Out: in the child, a state in which no update is under way and the same
 * files are watched; in the parent, all as before.
 *
 * The GIL was held by the thread that forked, so an update of another thread
 * stands where it lets go of it: never between the point of no return and the
 * end of the commit. Its struct is on a stack that nobody runs any more: read,
 * dropped, never freed.
 */
#include "fork.h"

#include "ground/compat_main.h"
#include "ground/trace.h"
#include "thread.h"
#include "watching.h"

/* Where the interpreter looks for threads after the hooks: ours starts again
 * when the call that forks has returned. The hooks that come after ours are
 * code on top of the frame that made this call. */
static struct {
    bool wanted;
    PyFrameObject *frame; /* only compared; it may have ended */
    int at;
} later;

/* What staged code did is taken back; who runs the update still, if it is the
 * thread that forked, finds the reason and ends it. */
static void
abandon(struct mf_state *state, struct mf_update *update)
{
    MF_TRACE(1, "fork: update %ld is the parent's", update->report.number);
    update->abandoned = true;
    state->staging = NULL;
    if (update->report.outcome == MF_REJECTED &&
        update->mode == MF_MODE_UPDATE && state->number > 0) {
        state->number--; /* it had its number already */
    }
    if (update->staged) {
        mf_stage_drop(&update->stage);
        mf_stage_abandon(&update->stage);
    }
    if (mf_report_add(&update->report, 904, '=', NULL, NULL, NULL, 0,
                      "the process was forked while this update ran: it is "
                      "the parent's") < 0) {
        PyErr_Clear();
    }
}

static PyObject *
after_in_child(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    struct mf_state *state = mf_state_get();
    if (state == NULL) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    later.wanted = false;
    bool mine = state->busy_thread == PyThread_get_thread_ident();
    struct mf_update *update = state->staging;
    bool committed =
        update != NULL && update->report.outcome == MF_COMMITTED;
    if (update != NULL && !committed) {
        abandon(state, update);
    }
    if (!mine || !committed) {
        /* else the child goes on with what follows a commit */
        state->staging = NULL;
        state->busy_thread = 0;
        state->turn = NULL; /* whoever has it is the parent's: left as it is */
    }
    state->main_asked = false;
    state->anchor = NULL; /* deleted with all states but this thread's */
    if (PySet_Clear(state->queued) < 0) {
        PyErr_Clear();
    }
    if (mf_watching_again(state) < 0) {
        PyErr_WriteUnraisable(NULL);
    }
    Py_RETURN_NONE;
}

/* The engine's thread is away while the process forks: what the interpreter
 * says about forks with threads is about the program's own. */
static PyObject *
before(PyObject *self, PyObject *unused)
{
    struct mf_state *state = mf_state_get();
    if (state == NULL) {
        PyErr_Clear();
    }
    else {
        mf_thread_before_fork(state->thread);
    }
    Py_RETURN_NONE;
}

static bool
is_forking(void)
{
    PyFrameObject *top = PyEval_GetFrame();
    if (top == NULL || top == later.frame) {
        return false;
    }
    PyFrameObject *frame = PyFrame_GetBack(top);
    while (frame != NULL && frame != later.frame) {
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    bool there = frame != NULL && PyFrame_GetLasti(frame) == later.at;
    Py_XDECREF(frame);
    return there;
}

/* The main thread, between two steps of the program. */
static int
start_later(void *unused)
{
    if (!later.wanted ||
        (is_forking() && mf_compat_main_call(start_later, unused) == 0)) {
        return 0;
    }
    later.wanted = false;
    struct mf_state *state = mf_state_get();
    if (state == NULL) {
        PyErr_Clear();
    }
    else {
        mf_thread_after_fork(state->thread);
    }
    return 0;
}

static PyObject *
after_in_parent(PyObject *self, PyObject *unused)
{
    struct mf_state *state = mf_state_get();
    if (state == NULL) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    PyFrameObject *frame =
        mf_compat_main_counts_later() ? PyEval_GetFrame() : NULL;
    if (frame == NULL || mf_compat_main_call(start_later, NULL) < 0) {
        mf_thread_after_fork(state->thread);
        Py_RETURN_NONE;
    }
    if (later.wanted) {
        /* a fork inside of the hooks of another: one call for both */
        mf_thread_after_fork(state->thread);
    }
    later.wanted = true;
    later.frame = frame;
    later.at = PyFrame_GetLasti(frame);
    Py_RETURN_NONE;
}

static PyMethodDef hooks[] = {
    {"before", before, METH_NOARGS, "midflight before a fork."},
    {"after_in_parent", after_in_parent, METH_NOARGS,
     "midflight in the parent of a fork."},
    {"after_in_child", after_in_child, METH_NOARGS,
     "midflight in the child of a fork: no update is under way."},
};

int
mf_fork_init(void)
{
    PyObject *os = PyImport_ImportModule("os");
    PyObject *tell =
        os ? PyObject_GetAttrString(os, "register_at_fork") : NULL;
    PyObject *args = tell ? PyTuple_New(0) : NULL;
    PyObject *kwargs = args ? PyDict_New() : NULL;
    int rc = kwargs ? 0 : -1;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(hooks) && rc == 0; i++) {
        PyObject *hook = PyCFunction_New(&hooks[i], NULL);
        rc = hook ? PyDict_SetItemString(kwargs, hooks[i].ml_name, hook) : -1;
        Py_XDECREF(hook);
    }
    PyObject *done = rc == 0 ? PyObject_Call(tell, args, kwargs) : NULL;
    Py_XDECREF(done);
    Py_XDECREF(kwargs);
    Py_XDECREF(args);
    Py_XDECREF(tell);
    Py_XDECREF(os);
    return done ? 0 : -1;
}
