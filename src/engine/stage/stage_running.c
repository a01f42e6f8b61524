/* stage_running.c -- owns staging namespaces that a thread runs over when their
 * stage is gone: staged code has started it, and its frames only borrow their
 * globals. In: a stage at its end. Out: what is run over lives on in
 * mf_state.run_over, until an update ends and nobody runs over it any more.
 */
#include "stage_parts.h"

#include "../ground/compat.h"
#include "../ground/trace.h"
#include "../heap/frames.h"

static bool
has_globals(PyFrameObject *frame, void *dict)
{
    PyObject *globals = PyFrame_GetGlobals(frame);
    Py_DECREF(globals);
    return globals == dict;
}

static bool
is_run_over(PyObject *dict)
{
    PyThreadState *ts =
        PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    while (ts != NULL && !mf_frames_any(ts, has_globals, dict)) {
        ts = PyThreadState_Next(ts);
    }
    return ts != NULL;
}

/* A frame over a namespace that none runs over can only begin by a function
 * that holds it. */
static void
let_go(struct mf_state *state, bool alone)
{
    PyObject *list = state->run_over;
    for (Py_ssize_t i = list ? PyList_GET_SIZE(list) : 0; i > 0; i--) {
        PyObject *kept = PyList_GET_ITEM(list, i - 1);
        if ((alone || !is_run_over(PyTuple_GET_ITEM(kept, 0))) &&
            PyList_SetSlice(list, i - 1, i, NULL) < 0) {
            PyErr_Clear(); /* the next update tries again */
        }
    }
}

/* The namespace, and the builtins that its frames borrow too. */
static int
keep(struct mf_stage *stage, PyObject *dict)
{
    struct mf_state *state = stage->state;
    if (state->run_over == NULL) {
        state->run_over = PyList_New(0);
    }
    PyObject *kept = stage->builtins
                         ? PyTuple_Pack(2, dict, stage->builtins)
                         : PyTuple_Pack(1, dict);
    int rc = kept && state->run_over ? PyList_Append(state->run_over, kept)
                                     : -1;
    Py_XDECREF(kept);
    return rc;
}

void
mf_stage_keep_running(struct mf_stage *stage)
{
    if (stage->state == NULL) {
        return;
    }
    bool alone = mf_compat_thread_count() <= 1;
    let_go(stage->state, alone);
    for (size_t i = 0; !alone && i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        bool runs = staged->dict != NULL && is_run_over(staged->dict);
        MF_TRACE(3, "staging namespace %p: %s", (void *)staged->dict,
                 runs ? "a thread runs over it" : "free");
        if (runs && keep(stage, staged->dict) < 0) {
            /* no memory to remember it by: for good, then */
            Py_INCREF(staged->dict);
            Py_XINCREF(stage->builtins);
        }
    }
    PyErr_Clear();
}
