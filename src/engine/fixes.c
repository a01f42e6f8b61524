/* fixes.c -- owns the question what an update leaves of the hotfixes in force.
 * In: new texts, prepared exchanges, state->fixed (scripts) and state->layers
 * (patches). Out: texts with the fixes still in them, exchanges directed to
 * the right function, notes about fixes that the files have superseded.
 *
 * A script's fix and what the source gave are two function objects that have
 * exchanged contents: the live one, which everybody holds, and its twin. An
 * update finds the twin by its code and the live one by its name. The rule is
 * one: if what the text gives now is what the twin has, the fix stays.
 */
#include "fixes.h"

#include "commit/record.h"
#include "update.h"

/* ---- scripts --------------------------------------------------------------------- */

/* Entries of state->fixed: (live, twin, id, name). The first of a live function
 * has what the source gave. Borrowed, or NULL. */
static PyObject *
first_of(struct mf_state *state, PyObject *func, Py_ssize_t side)
{
    struct mf_map seen = {0};
    PyObject *found = NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(state->fixed); i++) {
        PyObject *entry = PyList_GET_ITEM(state->fixed, i);
        PyObject *live = PyTuple_GET_ITEM(entry, 0);
        if (mf_map_has(&seen, live)) {
            continue;
        }
        if (PyTuple_GET_ITEM(entry, side) == func) {
            found = entry;
            break;
        }
        if (mf_map_put(&seen, live, 1) < 0) {
            break;
        }
    }
    mf_map_clear(&seen);
    return found;
}

static bool
same_values(PyObject *a, PyObject *b)
{
    return a == b || (a != NULL && b != NULL && mf_merge_equal(a, b, 0) == 1);
}

/* Does the new one do what the twin does? 1 / 0 / -1. */
static int
is_untouched(PyFunctionObject *twin, PyFunctionObject *made)
{
    int equal = mf_diff_code_equal(twin->func_code, made->func_code,
                                   MF_CODE_NESTED);
    return equal <= 0 ? equal
                      : same_values(twin->func_defaults, made->func_defaults) &&
                            same_values(twin->func_kwdefaults,
                                        made->func_kwdefaults);
}

/* How many exchanges give this function new contents? */
static int
targets(struct mf_commit *commit, PyObject *func)
{
    int n = 0;
    for (size_t i = 0; i < commit->n_exchanges; i++) {
        n += (PyObject *)commit->exchanges[i].old_func == func;
    }
    return n;
}

static int
supersede(struct mf_update *update, PyObject *first, PyObject *holds)
{
    struct mf_state *state = update->state;
    PyObject *live = PyTuple_GET_ITEM(first, 0), *ids = PyList_New(0);
    PyObject *entries = PyList_New(0), *item = NULL;
    int rc = ids && entries ? 0 : -1;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(state->fixed); i++) {
        PyObject *entry = PyList_GET_ITEM(state->fixed, i);
        if (PyTuple_GET_ITEM(entry, 0) == live) {
            rc = PyList_Append(entries, entry) < 0 ||
                         PyList_Append(ids, PyTuple_GET_ITEM(entry, 2)) < 0
                     ? -1
                     : mf_report_add(&update->report, 320, '=', NULL,
                                     PyTuple_GET_ITEM(entry, 3), NULL, 0,
                                     "the update supersedes hotfix %U of %U",
                                     PyTuple_GET_ITEM(entry, 2),
                                     PyTuple_GET_ITEM(entry, 3));
        }
    }
    if (rc == 0 && update->superseded == NULL) {
        update->superseded = PyList_New(0);
    }
    if (rc == 0 && update->superseded != NULL) {
        item = PyTuple_Pack(4, live, PyTuple_GET_ITEM(first, 1), holds,
                            entries);
    }
    rc = item ? PyList_Append(update->superseded, item) : -1;
    Py_XDECREF(item);
    Py_XDECREF(ids);
    Py_XDECREF(entries);
    return rc;
}

static int
direct(struct mf_update *update, struct mf_exchange *exchange)
{
    struct mf_state *state = update->state;
    PyObject *old_func = (PyObject *)exchange->old_func;
    PyObject *by_twin = first_of(state, old_func, 1);
    if (by_twin != NULL) {
        PyObject *live = PyTuple_GET_ITEM(by_twin, 0);
        if (targets(&update->commit, live) > 0 ||
            targets(&update->commit, old_func) > 1) {
            return 0; /* found by its name, too: that has been judged */
        }
        Py_SETREF(exchange->old_func, (PyFunctionObject *)Py_NewRef(live));
        return supersede(update, by_twin, (PyObject *)exchange->new_func);
    }
    PyObject *by_live = first_of(state, old_func, 0);
    if (by_live == NULL) {
        return 0;
    }
    PyFunctionObject *twin =
        (PyFunctionObject *)PyTuple_GET_ITEM(by_live, 1);
    int same = is_untouched(twin, exchange->new_func);
    if (same > 0) {
        Py_SETREF(exchange->old_func, (PyFunctionObject *)Py_NewRef(twin));
    }
    return same != 0 ? (same < 0 ? -1 : 0)
                     : supersede(update, by_live,
                                 (PyObject *)exchange->new_func);
}

/* The update that is undone had superseded a script: its contents come back,
 * and the twin has what the source gives by then. */
static int
bring_back(struct mf_update *update)
{
    PyObject *list = update->undo
                         ? mf_record_more(update->undo, "superseded")
                         : NULL;
    for (Py_ssize_t i = 0; list != NULL && i < PyList_GET_SIZE(list); i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        PyObject *holds = PyTuple_GET_ITEM(item, 2);
        if (mf_commit_exchange(&update->commit, PyTuple_GET_ITEM(item, 0),
                               holds) < 0 ||
            mf_commit_exchange(&update->commit, PyTuple_GET_ITEM(item, 1),
                               holds) < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_fixes_settle(struct mf_update *update)
{
    if (PyList_GET_SIZE(update->state->fixed) > 0) {
        size_t n = update->commit.n_exchanges;
        for (size_t i = 0; i < n; i++) {
            if (direct(update, &update->commit.exchanges[i]) < 0) {
                return -1;
            }
        }
    }
    return bring_back(update);
}

/* ---- patches ---------------------------------------------------------------------- */

static int
note_superseded(struct mf_update *update, PyObject *path, PyObject *notes)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(notes); i++) {
        PyObject *id, *name;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(notes, i), "UU", &id, &name) ||
            mf_report_add(&update->report, 320, '=', NULL, name, path, 0,
                          "the update supersedes hotfix %U of %U", id,
                          name) < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_fixes_expect(struct mf_update *update)
{
    PyObject *expects =
        update->alone && update->extra
            ? PyDict_GetItemString(update->extra, "expects")
            : NULL;
    PyObject *path, *bytes;
    Py_ssize_t pos = 0;
    while (expects != NULL && PyDict_Next(expects, &pos, &path, &bytes)) {
        struct mf_source *source = mf_source_find(update->state, path);
        if (source == NULL && PyErr_Occurred()) {
            return -1;
        }
        PyObject *runs = source ? source->text.bytes : NULL;
        if (runs != bytes &&
            (runs == NULL || mf_merge_equal(runs, bytes, 0) != 1) &&
            mf_report_add(&update->report, 601, '=', NULL, NULL, path, 0,
                          "another update was quicker: the text that runs is "
                          "not the one that the hotfix was made from; send "
                          "it again") < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_fixes_layer(struct mf_update *update, struct mf_source *source,
               struct mf_text *text)
{
    struct mf_state *state = update->state;
    PyObject *layer =
        update->alone || update->undo != NULL || update->identity
            ? NULL
            : PyDict_GetItemWithError(state->layers, source->path);
    if (layer == NULL || state->layering == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    if (update->quiet) {
        return 1;
    }
    PyObject *wanted, *after, *notes;
    PyObject *got =
        PyObject_CallFunctionObjArgs(state->layering, text->bytes,
                                     source->text.bytes, layer, NULL);
    int rc = got != NULL && PyArg_ParseTuple(got, "O!OO!", &PyBytes_Type,
                                             &wanted, &after, &PyList_Type,
                                             &notes)
                 ? 0
                 : -1;
    if (rc == 0 && update->layers == NULL) {
        update->layers = PyDict_New();
    }
    struct mf_text taken = {0};
    if (rc == 0) {
        rc = update->layers == NULL ||
                     PyDict_SetItem(update->layers, source->path, after) < 0 ||
                     note_superseded(update, source->path, notes) < 0 ||
                     mf_source_take(source->path, PyBytes_AS_STRING(wanted),
                                    PyBytes_GET_SIZE(wanted), &taken) < 0
                 ? -1
                 : 0;
    }
    if (rc == 0) {
        mf_text_clear(text);
        *text = taken;
    }
    Py_XDECREF(got);
    return rc;
}

/* ---- committed ---------------------------------------------------------------------- */

static int
move_scripts(struct mf_update *update)
{
    PyObject *fixed = update->state->fixed;
    PyObject *gone = update->superseded;
    PyObject *back =
        update->undo ? mf_record_more(update->undo, "superseded") : NULL;
    for (Py_ssize_t i = 0; gone != NULL && i < PyList_GET_SIZE(gone); i++) {
        PyObject *live = PyTuple_GET_ITEM(PyList_GET_ITEM(gone, i), 0);
        for (Py_ssize_t k = PyList_GET_SIZE(fixed); k > 0; k--) {
            if (PyTuple_GET_ITEM(PyList_GET_ITEM(fixed, k - 1), 0) == live &&
                PyList_SetSlice(fixed, k - 1, k, NULL) < 0) {
                return -1;
            }
        }
    }
    for (Py_ssize_t i = 0; back != NULL && i < PyList_GET_SIZE(back); i++) {
        Py_ssize_t n = PyList_GET_SIZE(fixed);
        if (PyList_SetSlice(fixed, n, n,
                            PyTuple_GET_ITEM(PyList_GET_ITEM(back, i), 3)) <
            0) {
            return -1;
        }
    }
    return 0;
}

/* The layers as they were, for the way back. New reference. */
static PyObject *
move_layers(struct mf_update *update)
{
    struct mf_state *state = update->state;
    PyObject *given = update->undo ? mf_record_more(update->undo, "layers")
                      : update->extra
                          ? PyDict_GetItemString(update->extra, "layers")
                          : NULL;
    PyObject *to = given ? given : update->layers;
    PyObject *path, *layer, *before = PyDict_New();
    Py_ssize_t pos = 0;
    while (before != NULL && to != NULL &&
           PyDict_Next(to, &pos, &path, &layer)) {
        PyObject *was = PyDict_GetItemWithError(state->layers, path);
        if (PyDict_SetItem(before, path, was ? was : Py_None) < 0 ||
            (layer != Py_None
                 ? PyDict_SetItem(state->layers, path, layer)
                 : was != NULL ? PyDict_DelItem(state->layers, path)
                               : 0) < 0) {
            Py_CLEAR(before);
        }
    }
    return before;
}

PyObject *
mf_fixes_commit(struct mf_update *update)
{
    PyObject *more = update->undo ? PyTuple_GET_ITEM(update->undo, 5)
                                  : update->extra;
    PyObject *out = more != NULL && more != Py_None ? PyDict_Copy(more)
                                                    : PyDict_New();
    PyObject *none = PyList_New(0);
    PyObject *layers = out && none ? move_layers(update) : NULL;
    if (layers == NULL || move_scripts(update) < 0 ||
        PyDict_SetItemString(out, "expects", Py_None) < 0 ||
        PyDict_SetItemString(out, "layers", layers) < 0 ||
        PyDict_SetItemString(out, "superseded",
                             update->superseded ? update->superseded
                                                : none) < 0) {
        Py_CLEAR(out);
    }
    Py_XDECREF(layers);
    Py_XDECREF(none);
    return out;
}

void
mf_fixes_clear(struct mf_update *update)
{
    Py_CLEAR(update->superseded);
    Py_CLEAR(update->layers);
}
