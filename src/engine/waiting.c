/* waiting.c -- owns the files of updates that wait for stragglers. In: rejected
 * updates with nothing but that against them, later ones of the same files.
 * Out: whether the stragglers have ended, and what is to be asked for then.
 */
#include "waiting.h"

#include "update.h"

#include "heap/frames.h"

/* ---- who waits -------------------------------------------------------------- */

/* These files have been looked at again. */
static int
forget(struct mf_state *state, PyObject *files)
{
    PyObject *paths = state->waits ? PyTuple_GET_ITEM(state->waits, 1) : NULL;
    for (Py_ssize_t i = 0; paths != NULL && i < PyList_GET_SIZE(files); i++) {
        PyObject *path = PyList_GET_ITEM(files, i);
        if (PyDict_GetItemWithError(paths, path) != NULL &&
            PyDict_DelItem(paths, path) < 0) {
            return -1;
        }
    }
    if (paths != NULL && PyDict_GET_SIZE(paths) == 0) {
        Py_CLEAR(state->waits);
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int
add(struct mf_update *update)
{
    struct mf_state *state = update->state;
    if (state->waits == NULL) {
        state->waits = Py_BuildValue("([]{})");
        if (state->waits == NULL) {
            return -1;
        }
    }
    PyObject *codes = PyTuple_GET_ITEM(state->waits, 0);
    PyObject *paths = PyTuple_GET_ITEM(state->waits, 1);
    PyObject *files = update->report.files;
    Py_ssize_t n = PyList_GET_SIZE(codes);
    int rc = PyList_SetSlice(codes, n, n, update->waits_for);
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(files); i++) {
        PyObject *path = PyList_GET_ITEM(files, i);
        PyObject *text = update->sources ? PyDict_GetItemWithError(
                                               update->sources, path)
                                         : NULL;
        rc = PyErr_Occurred() ? -1
                              : PyDict_SetItem(paths, path,
                                               text ? text : Py_None);
    }
    return rc;
}

int
mf_waiting_note(struct mf_update *update)
{
    struct mf_report *report = &update->report;
    if (forget(update->state, report->files) < 0) {
        return -1;
    }
    /* anything else that speaks against it needs an edit */
    return update->waits_for != NULL && update->undo == NULL &&
                   report->outcome == MF_REJECTED &&
                   mf_report_reasons(report) ==
                       PyList_GET_SIZE(update->waits_for)
               ? add(update)
               : 0;
}

/* ---- until when --------------------------------------------------------------- */

static int
on_found(PyCodeObject *code, int line, PyObject *kind,
         unsigned long thread_id, int frames, void *arg)
{
    (void)code, (void)line, (void)kind, (void)thread_id, (void)frames;
    *(bool *)arg = true;
    return 0;
}

int
mf_waiting_goes_on(struct mf_state *state)
{
    PyObject *list = PyTuple_GET_ITEM(state->waits, 0);
    struct mf_map codes = {0};
    bool found = false;
    int rc = 0;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(list); i++) {
        rc = mf_map_put(&codes, PyList_GET_ITEM(list, i), 1);
    }
    if (rc == 0) {
        rc = mf_frames_stragglers(&codes, on_found, &found);
    }
    mf_map_clear(&codes);
    return rc < 0 ? -1 : found;
}

int
mf_waiting_take(struct mf_state *state, PyObject **paths, PyObject **given)
{
    PyObject *path, *text, *waits = state->waits;
    Py_ssize_t pos = 0;
    state->waits = NULL;
    *paths = PyDict_Keys(PyTuple_GET_ITEM(waits, 1));
    *given = PyDict_New();
    int rc = *paths && *given ? 0 : -1;
    while (rc == 0 &&
           PyDict_Next(PyTuple_GET_ITEM(waits, 1), &pos, &path, &text)) {
        rc = text != Py_None ? PyDict_SetItem(*given, path, text) : 0;
    }
    Py_DECREF(waits);
    if (rc < 0) {
        Py_CLEAR(*paths);
        Py_CLEAR(*given);
    }
    return rc;
}
