/* epochs.c -- owns the chain of what was committed: the way back. In: numbers of
 * updates, reasons that a hotfix was refused for. Out: one update per step.
 */
#include "update.h"

#include "commit/record.h"

/* It was refused before any file was looked at: a number, a report and a place
 * in the history all the same. */
PyObject *
mf_update_refuse(struct mf_state *state, PyObject *reasons, enum mf_mode mode,
                 PyObject *extra)
{
    struct mf_report report;
    PyObject *dict = NULL, *list = PySequence_List(reasons);
    if (list == NULL || mf_report_init(&report) < 0) {
        Py_XDECREF(list);
        return NULL;
    }
    bool real = mode == MF_MODE_UPDATE;
    report.dry_run = !real;
    report.outcome = MF_REJECTED;
    int rc = 0;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(list); i++) {
        int code;
        long line;
        PyObject *text, *file;
        PyObject *reason = PyList_GET_ITEM(list, i);
        if (!PyTuple_Check(reason) ||
            !PyArg_ParseTuple(reason, "iUOl", &code, &text, &file, &line)) {
            rc = -1;
            break;
        }
        rc = mf_report_add(&report, code, '=', NULL, NULL,
                           file == Py_None ? NULL : file, line, "%U", text);
    }
    if (rc == 0) {
        report.number = real ? ++state->number : state->number + 1;
        dict = mf_report_dict(&report, state->running);
    }
    mf_report_clear(&report);
    Py_DECREF(list);
    if (dict != NULL && extra != NULL && PyDict_Update(dict, extra) < 0) {
        Py_CLEAR(dict);
    }
    if (dict != NULL && real) {
        if (mf_update_remember(state, dict) < 0) {
            Py_CLEAR(dict);
        }
        else {
            mf_update_tell(state, dict);
        }
    }
    return dict;
}

PyObject *
mf_update_undo(struct mf_state *state, long to, enum mf_mode mode)
{
    PyObject *dict = NULL;
    if (state->unsupported != NULL) {
        return mf_update_turn(state, NULL, NULL, mode, NULL, NULL);
    }
    for (;;) {
        PyObject *record = mf_record_last(state);
        if (record == NULL ||
            (dict != NULL && (to < 0 || mode != MF_MODE_UPDATE)) ||
            PyLong_AsLong(PyTuple_GET_ITEM(record, 0)) < to) {
            break; /* as it was before the update `to` */
        }
        Py_INCREF(record);
        Py_ssize_t left = PyList_GET_SIZE(state->records);
        PyObject *sources = mf_record_sources(state, record);
        Py_XSETREF(dict, sources ? mf_update_turn(state, NULL, sources, mode,
                                                  record, NULL)
                                 : NULL);
        Py_XDECREF(sources);
        Py_DECREF(record);
        if (dict == NULL || PyList_GET_SIZE(state->records) == left) {
            break; /* rejected: stays where it is */
        }
    }
    return dict || PyErr_Occurred() ? dict : mf_update_skipped(state, NULL);
}
