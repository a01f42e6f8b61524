/* epochs.c -- owns the chain of what was committed, the way back and the way
 * forward again: each committed update and hotfix is a step. In: numbers of
 * updates, reasons that a hotfix was refused for. Out: one update per step.
 */
#include "update.h"

#include "commit/record.h"
#include "fixes.h"
#include "heap/heap.h"
#include "scripts.h"

int
mf_update_push_record(struct mf_update *update)
{
    struct mf_state *state = update->state;
    PyObject *undo = update->undo;
    long number = undo ? PyLong_AsLong(PyTuple_GET_ITEM(undo, 0))
                       : update->report.number;
    PyObject *more = mf_fixes_commit(update);
    PyObject *came = more ? mf_record_came(update->commit.stage) : NULL;
    int rc = came ? mf_record_push(state, number, update->texts,
                                   update->merge.replaced, update->left, came,
                                   more, undo != NULL && !update->again)
                  : -1;
    Py_XDECREF(came);
    Py_XDECREF(more);
    if (rc < 0) {
        return -1;
    }
    return undo != NULL ? mf_record_pop(state, update->again)
                        : mf_record_forget_undone(state);
}

/* ---- foreseen ---------------------------------------------------------------- */

/* Functions that get other contents -> references that we hold ourselves. */
static int
count_own(struct mf_match *match, struct mf_map *own)
{
    for (size_t i = 0; i < match->codes_of.len; i++) {
        void *func = match->codes_of.items[i];
        uintptr_t *known = mf_map_find(own, func);
        if (mf_map_put(own, func, known ? *known + 1 : 1) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < match->len; i++) {
        struct mf_pair *pair = &match->pairs[i];
        uintptr_t *known = mf_map_find(own, pair->old_obj);
        if (pair->kind == MF_PAIR_FUNCTION &&
            mf_map_put(own, pair->old_obj, known ? *known + 1 : 1) < 0) {
            return -1;
        }
    }
    return 0;
}

static Py_ssize_t
count_instances(struct mf_match *match)
{
    Py_ssize_t count = 0;
    for (size_t i = 0; i < match->len; i++) {
        struct mf_pair *pair = &match->pairs[i];
        struct mf_vec found = {0};
        if (pair->kind != MF_PAIR_CLASS || !(pair->rebuild || pair->renew)) {
            continue;
        }
        int rc = mf_heap_instances_of((PyTypeObject *)pair->old_obj, true,
                                      &found);
        count += (Py_ssize_t)found.len;
        mf_vec_clear_refs(&found);
        if (rc < 0) {
            return -1;
        }
    }
    return count;
}

/* Of a dry run: who follows, what moves, and how long others would stand still
 * (measured on many machines it is less). */
int
mf_update_foresee(struct mf_update *update)
{
    struct mf_match *match = &update->match;
    struct mf_map own = {0};
    Py_ssize_t follow = 0, instances = -1;
    size_t at = 0;
    void *func;
    uintptr_t ours;
    int rc = count_own(match, &own);
    while (rc == 0 && mf_map_next(&own, &at, &func, &ours)) {
        follow += Py_REFCNT((PyObject *)func) - (Py_ssize_t)ours;
    }
    size_t functions = own.used;
    mf_map_clear(&own);
    if (rc == 0) {
        instances = count_instances(match);
    }
    if (instances < 0) {
        return -1;
    }
    update->report.foreseen = (struct mf_foreseen){
        .known = true,
        .references = follow,
        .instances = instances,
        .pause_ms = 0.01 + 0.001 * (double)(functions + update->merge.len) +
                    0.002 * (double)instances,
    };
    return 0;
}

/* ---- reports ------------------------------------------------------------------- */

int
mf_update_say(PyObject *report, PyObject *extra)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(extra, &pos, &key, &value)) {
        if (PyUnicode_CompareWithASCIIString(key, "layers") != 0 &&
            PyUnicode_CompareWithASCIIString(key, "expects") != 0 &&
            PyDict_SetItem(report, key, value) < 0) {
            return -1;
        }
    }
    return 0;
}

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
    return mf_update_publish(state, dict, real);
}

/* One step: this record taken back, or made again. NULL without an exception:
 * it was not the next one any more when its turn came. */
static PyObject *
step(struct mf_state *state, PyObject *record, bool again, enum mf_mode mode)
{
    PyObject *hotfix = mf_record_more(record, "hotfix");
    PyObject *form = mf_record_more(record, "form");
    PyObject *extra =
        Py_BuildValue("{s:O}", again ? "redoes" : "undoes",
                      PyTuple_GET_ITEM(record, 0));
    if (extra == NULL ||
        (hotfix && PyDict_SetItemString(extra, "hotfix", hotfix) < 0) ||
        (form && PyDict_SetItemString(extra, "form", form) < 0)) {
        Py_XDECREF(extra);
        return NULL;
    }
    PyObject *script = mf_record_more(record, "script");
    PyObject *dict = NULL;
    if (script != NULL) {
        dict = mf_script_again(state, record, script, again, mode, extra);
    }
    else {
        dict = mf_update_turn(state, NULL, NULL, mode, record, again, extra);
    }
    Py_DECREF(extra);
    return dict;
}

/* The next step towards what ran before the update `to` (-1: one back).
 * Borrowed, or NULL: we are there. */
static PyObject *
next_step(struct mf_state *state, long to, bool *again)
{
    PyObject *back = mf_record_last(state, false);
    PyObject *forth = mf_record_last(state, true);
    *again = false;
    if (back != NULL && PyLong_AsLong(PyTuple_GET_ITEM(back, 0)) >= to) {
        return back;
    }
    *again = true;
    return forth != NULL && to >= 0 &&
                   PyLong_AsLong(PyTuple_GET_ITEM(forth, 0)) < to
               ? forth
               : NULL;
}

PyObject *
mf_update_undo(struct mf_state *state, long to, enum mf_mode mode)
{
    PyObject *dict = NULL;
    if (state->unsupported != NULL) {
        return mf_update_turn(state, NULL, NULL, mode, NULL, false, NULL);
    }
    bool again;
    PyObject *record;
    while ((record = next_step(state, to, &again)) != NULL) {
        if (dict != NULL && (to < 0 || mode != MF_MODE_UPDATE)) {
            break;
        }
        Py_INCREF(record);
        PyObject *done = step(state, record, again, mode);
        bool stays = mf_record_last(state, again) == record;
        Py_DECREF(record);
        if (done == NULL && !PyErr_Occurred()) {
            continue; /* somebody else was first: from where that led */
        }
        Py_XSETREF(dict, done);
        if (dict == NULL || stays) {
            break; /* rejected: stays where it is */
        }
    }
    return dict || PyErr_Occurred() ? dict : mf_update_skipped(state, NULL);
}
