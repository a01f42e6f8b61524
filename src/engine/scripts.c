/* scripts.c -- owns a hotfix script from its first statement to its record. In:
 * compiled statements, Python's calls that judge what they changed. Out: a
 * report; committed changes in a form that can be taken back and made again
 * (scripts_flip.c).
 *
 * A script writes where it likes while it runs. So each statement is run with
 * copies of what it can reach, and when the last has ended everything is
 * taken back; what is to stay goes in at once, in C, with an undo log.
 */
#include "scripts.h"

#include "update.h"

#include "commit/become.h"
#include "commit/record.h"
#include "commit/redefine_class.h"
#include "commit/redefine_function.h"
#include "ground/compat.h"
#include "ground/trace.h"
#include "stage/effects_copy.h"
#include "stage/effects_reach.h"

struct run {
    struct mf_state *state;
    struct mf_script_call *call;
    struct mf_report report;
    struct mf_effects effects;
    struct mf_guard guard;
    struct mf_heap_mark mark;
    PyObject *changes;   /* list of [kind, holder, name, before, after, hashes
                            before, hashes after] */
    PyObject *swaps;     /* list of (live function, new one) */
    PyObject *homes;     /* list of (live class, new one) */
    bool interrupted;
};

/* ---- run ------------------------------------------------------------------------ */

static int
watch(struct mf_effects *effects, PyObject *obj)
{
    Py_ssize_t size, rc = 0;
    int kind;
    if (PyModule_Check(obj)) {
        rc = mf_effects_add(effects, MF_EFFECT_SPACE, PyModule_GetDict(obj),
                            NULL, NULL);
    }
    else if (PyType_Check(obj)) {
        rc = mf_effects_add(effects, MF_EFFECT_CLASS, obj, NULL, NULL);
    }
    else if (PyCell_Check(obj)) {
        rc = mf_effects_add(effects, MF_EFFECT_CELL, obj, NULL, NULL);
    }
    else if (PyFunction_Check(obj)) {
        PyObject *dict = ((PyFunctionObject *)obj)->func_dict;
        rc = dict ? mf_effects_add(effects, MF_EFFECT_SPACE, dict, NULL, NULL)
                  : 0;
    }
    else if (mf_effects_is_state(obj)) {
        rc = mf_effects_add(effects, MF_EFFECT_STATE, obj, NULL, NULL);
    }
    else {
        kind = mf_effects_container(obj, &size);
        if (kind >= 0) {
            rc = mf_effects_add(effects, kind, obj, NULL, NULL);
        }
        PyObject *dict = rc != -2 && !PyDict_CheckExact(obj)
                             ? mf_effects_instance_dict(obj)
                             : NULL;
        if (dict != NULL) {
            rc = mf_effects_add(effects, MF_EFFECT_SPACE, dict, NULL, NULL);
        }
        if (rc != -2 && PyObject_IS_GC(obj) &&
            (Py_TYPE(obj)->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
            rc = mf_effects_add(effects, MF_EFFECT_SLOTS, obj, NULL, NULL);
        }
    }
    return rc == -2 || PyErr_Occurred() ? -1 : 0;
}

static int
watch_all(struct run *run, Py_ssize_t step)
{
    PyObject *found =
        PyObject_CallFunction(run->call->reach, "n", step);
    PyObject *list = found ? PySequence_List(found) : NULL;
    int rc = list ? 0 : -1;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(list); i++) {
        rc = watch(&run->effects, PyList_GET_ITEM(list, i));
    }
    Py_XDECREF(list);
    Py_XDECREF(found);
    return rc;
}

/* The script raised: that is the reason. 1, or -1. */
static int
step_failed(struct run *run)
{
    run->interrupted |=
        PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0;
    if (mf_report_exception(&run->report, 402, NULL, NULL, NULL, 0) < 0) {
        return -1;
    }
    return 1;
}

/* 0; 1: a statement raised, the reason is in the report; -1. */
static int
run_steps(struct run *run)
{
    PyObject *space = run->call->space;
    int rc = 0;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(run->call->steps);
         i++) {
        PyObject *code = PyList_GET_ITEM(run->call->steps, i);
        struct mf_guard_step guarded;
        if (watch_all(run, i) < 0 ||
            mf_effects_before(&run->effects, code, space, NULL) < 0 ||
            mf_guard_begin(&run->guard, &guarded, false, space, NULL) < 0) {
            return -1;
        }
        PyObject *done = PyEval_EvalCode(code, space, space);
        rc = mf_guard_end(&run->guard, &guarded, &run->effects);
        if (done == NULL && rc >= 0) {
            rc = step_failed(run);
        }
        Py_XDECREF(done);
        if (rc == 0 && mf_effects_after(&run->effects) < 0) {
            rc = -1;
        }
    }
    return rc;
}

/* ---- what it changed ------------------------------------------------------------- */

static PyObject *
hashes_of(const struct mf_contents *contents, Py_ssize_t stride)
{
    return contents->hashes == NULL
               ? Py_NewRef(Py_None)
               : PyBytes_FromStringAndSize(
                     (const char *)contents->hashes,
                     mf_effects_count(contents, stride) *
                         (Py_ssize_t)sizeof(Py_hash_t));
}

/* A tuple of its own: taking back writes into the one that effects has. */
static PyObject *
own_copy(PyObject *items)
{
    Py_ssize_t n = PyTuple_GET_SIZE(items);
    PyObject *copy = PyTuple_New(n);
    for (Py_ssize_t i = 0; copy != NULL && i < n; i++) {
        PyTuple_SET_ITEM(copy, i, Py_NewRef(PyTuple_GET_ITEM(items, i)));
    }
    return copy;
}

/* A big holder was not copied: what came to its end. */
static PyObject *
change_of(struct mf_effect *effect)
{
    Py_ssize_t stride = mf_effects_stride(effect->kind);
    struct mf_contents none = {.items = PyTuple_New(0)};
    struct mf_contents *before = effect->big ? &none : &effect->before;
    PyObject *old_items = none.items ? own_copy(before->items) : NULL;
    PyObject *new_items = old_items ? own_copy(effect->after.items) : NULL;
    PyObject *old_hashes = new_items ? hashes_of(before, stride) : NULL;
    PyObject *new_hashes =
        old_hashes ? hashes_of(&effect->after, stride) : NULL;
    PyObject *change =
        new_hashes ? Py_BuildValue("[iOOOOOO]", (int)effect->kind,
                                   effect->holder,
                                   effect->name ? effect->name : Py_None,
                                   old_items, new_items, old_hashes,
                                   new_hashes)
                   : NULL;
    Py_XDECREF(none.items);
    Py_XDECREF(old_items);
    Py_XDECREF(new_items);
    Py_XDECREF(old_hashes);
    Py_XDECREF(new_hashes);
    return change;
}

static int
read_changes(struct run *run)
{
    run->changes = PyList_New(0);
    int rc = run->changes ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < run->effects.len; i++) {
        struct mf_effect *effect = &run->effects.items[i];
        if (effect->after.items == NULL ||
            effect->holder == run->call->space) {
            continue;
        }
        PyObject *change = change_of(effect);
        rc = change ? PyList_Append(run->changes, change) : -1;
        Py_XDECREF(change);
    }
    return rc;
}

/* ---- what the script has made ------------------------------------------------------ */

struct reach {
    struct mf_map fresh;   /* every GC object made since the script began */
    struct mf_map seen;
    struct mf_vec queue;   /* borrowed */
    int rc;
};

static int
note_fresh(PyObject *obj, void *arg)
{
    return mf_map_put(arg, obj, 1);
}

static int
follow(PyObject *obj, void *arg)
{
    struct reach *reach = arg;
    if (reach->rc == 0 && mf_map_has(&reach->fresh, obj) &&
        !mf_map_has(&reach->seen, obj)) {
        reach->rc = mf_map_put(&reach->seen, obj, 1) < 0 ||
                            mf_vec_push(&reach->queue, obj) < 0
                        ? -1
                        : 0;
    }
    return 0;
}

/* Objects that were made while the script ran, and that it can have made: what
 * its namespace and what it has put elsewhere lead to. Other threads' are
 * not among them. */
static int
reach_made(struct run *run, struct reach *reach)
{
    if (mf_heap_mark_walk(&run->mark, note_fresh, &reach->fresh) < 0 ||
        mf_map_put(&reach->seen, run->changes, 1) < 0 ||
        mf_vec_push(&reach->queue, run->call->space) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(run->changes); i++) {
        PyObject *change = PyList_GET_ITEM(run->changes, i);
        PyObject *after = PyList_GET_ITEM(change, 4);
        /* copies, not the program's: they tell the two sides apart */
        if (mf_map_put(&reach->seen, change, 1) < 0 ||
            mf_map_put(&reach->seen, PyList_GET_ITEM(change, 3), 1) < 0 ||
            mf_map_put(&reach->seen, after, 1) < 0) {
            return -1;
        }
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(after); k++) {
            follow(PyTuple_GET_ITEM(after, k), reach);
        }
    }
    for (size_t i = 0; reach->rc == 0 && i < reach->queue.len; i++) {
        PyObject *obj = reach->queue.items[i];
        traverseproc traverse = Py_TYPE(obj)->tp_traverse;
        if (traverse != NULL) {
            traverse(obj, follow, reach);
        }
    }
    return reach->rc;
}

static int
turn_all(struct reach *reach, struct mf_map *pairs)
{
    struct mf_become become = {.pairs = pairs};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < reach->queue.len; i++) {
        PyObject *obj = reach->queue.items[i];
        if (!mf_map_has(pairs, obj) && mf_become_refers(pairs, obj)) {
            rc = mf_become_object(&become, obj);
        }
    }
    if (rc == 0 && become.moved.used > 0) {
        rc = mf_become_rehash(&become, NULL);
    }
    mf_become_clear(&become);
    return rc;
}

/* What the script has made keeps meaning what it meant: the live function,
 * whose contents the new one will have, for the new one; and the new one,
 * which will have the old contents, for the live one (a wrapper calls what it
 * wraps). New classes give way to the live ones. */
static int
turn(struct run *run)
{
    struct reach reach = {.rc = 0};
    struct mf_map away = {0}, home = {0}, back = {0};
    struct mf_vec stands = {0};
    int rc = reach_made(run, &reach);
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(run->swaps); i++) {
        PyObject *swap = PyList_GET_ITEM(run->swaps, i);
        PyObject *live = PyTuple_GET_ITEM(swap, 0);
        PyObject *made = PyTuple_GET_ITEM(swap, 1);
        PyObject *stand = mf_redefine_function_variant(
            (PyFunctionObject *)live,
            (PyCodeObject *)PyFunction_GET_CODE(live),
            PyFunction_GET_CLOSURE(live));
        rc = stand == NULL || mf_vec_push_ref(&stands, stand) < 0 ||
                     mf_map_put(&away, live, (uintptr_t)stand) < 0 ||
                     mf_map_put(&home, made, (uintptr_t)live) < 0 ||
                     mf_map_put(&back, stand, (uintptr_t)made) < 0
                 ? -1
                 : 0;
        Py_XDECREF(stand);
    }
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(run->homes); i++) {
        PyObject *pair = PyList_GET_ITEM(run->homes, i);
        PyObject *made = PyTuple_GET_ITEM(pair, 1);
        rc = mf_redefine_class_hide((PyTypeObject *)made) < 0
                 ? -1
                 : mf_map_put(&home, made,
                              (uintptr_t)PyTuple_GET_ITEM(pair, 0));
    }
    if (rc == 0 && away.used > 0) {
        rc = turn_all(&reach, &away);
    }
    if (rc == 0 && home.used > 0) {
        rc = turn_all(&reach, &home);
    }
    if (rc == 0 && back.used > 0) {
        rc = turn_all(&reach, &back);
    }
    mf_map_clear(&away);
    mf_map_clear(&home);
    mf_map_clear(&back);
    mf_map_clear(&reach.fresh);
    mf_map_clear(&reach.seen);
    mf_vec_clear(&reach.queue);
    mf_vec_clear_refs(&stands);
    return rc;
}

/* ---- judged ------------------------------------------------------------------------- */

/* Python says which functions and classes replace which. */
static int
find_pairs(struct run *run)
{
    run->swaps = PyList_New(0);
    run->homes = PyList_New(0);
    PyObject *pairs =
        run->swaps && run->homes
            ? PyObject_CallOneArg(run->call->pair, run->changes)
            : NULL;
    PyObject *list = pairs ? PySequence_List(pairs) : NULL;
    int rc = list ? 0 : -1;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(list); i++) {
        PyObject *live, *made;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(list, i), "OO", &live, &made)) {
            rc = -1;
        }
        else if (PyFunction_Check(live) && PyFunction_Check(made)) {
            rc = PyList_Append(run->swaps, PyList_GET_ITEM(list, i));
        }
        else if (PyType_Check(live) && PyType_Check(made)) {
            rc = PyList_Append(run->homes, PyList_GET_ITEM(list, i));
        }
        else {
            PyErr_SetString(PyExc_TypeError,
                            "a pair is two functions or two classes");
            rc = -1;
        }
    }
    Py_XDECREF(list);
    Py_XDECREF(pairs);
    return rc;
}

/* Entries (code, op, module, name, file, line, text) into the report. */
static int
report_entries(struct run *run, PyObject *judged)
{
    PyObject *entries = PyDict_GetItemString(judged, "entries");
    PyObject *plan = PyDict_GetItemString(judged, "plan");
    for (Py_ssize_t i = 0; entries && i < PyList_GET_SIZE(entries); i++) {
        int code;
        long line;
        const char *op;
        PyObject *module, *name, *file, *text;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(entries, i), "isOOOlU", &code,
                              &op, &module, &name, &file, &line, &text) ||
            mf_report_add(&run->report, code, op[0],
                          module == Py_None ? NULL : module,
                          name == Py_None ? NULL : name,
                          file == Py_None ? NULL : file, line, "%U",
                          text) < 0) {
            return -1;
        }
    }
    struct mf_foreseen *foreseen = &run->report.foreseen;
    PyObject *figures = PyDict_GetItemString(judged, "foreseen");
    if (figures != NULL &&
        !PyArg_ParseTuple(figures, "nnd", &foreseen->references,
                          &foreseen->instances, &foreseen->pause_ms)) {
        return -1;
    }
    foreseen->known = figures != NULL;
    return plan != NULL ? PyList_SetSlice(run->report.plan, 0, 0, plan) : 0;
}

/* ---- commit ---------------------------------------------------------------------------- */

static int
commit(struct run *run, PyObject *judged)
{
    struct mf_state *state = run->state;
    struct mf_report *report = &run->report;
    struct mf_undo undo = {0};
    Py_ssize_t left = 0;
    PyObject *parts = PyDict_GetItemString(judged, "parts");
    PyObject *fixes = PyDict_GetItemString(judged, "fixes");
    PyObject *caches = PyDict_GetItemString(judged, "caches");
    PyObject *script = parts && fixes && caches
                           ? PyTuple_Pack(3, fixes, parts, caches)
                           : NULL;
    if (script == NULL) {
        return -1;
    }
    int64_t stopped = mf_trace_now();
    int rc = mf_script_flip(&undo, script, MF_SCRIPT_FIRST, &left);
    report->pause = mf_trace_now() - stopped;
    if (rc < 0) {
        mf_undo_replay(&undo);
        mf_undo_drop(&undo);
        report->outcome = MF_ROLLED_BACK;
        Py_DECREF(script);
        return mf_report_exception(report, 902, NULL, NULL, NULL, 0);
    }
    report->outcome = MF_COMMITTED;
    state->running = report->number;
    mf_undo_drop(&undo);
    if (mf_script_note(state, script, true) < 0 ||
        mf_record_push_script(state, report->number, script,
                              run->call->extra, false) < 0 ||
        mf_record_forget_undone(state) < 0) {
        mf_report_late(report);
    }
    Py_DECREF(script);
    return 0;
}

static int
judge(struct run *run, enum mf_mode mode)
{
    struct mf_report *report = &run->report;
    if (find_pairs(run) < 0) {
        return -1;
    }
    bool real = mode == MF_MODE_UPDATE;
    if (real && turn(run) < 0) {
        return -1;
    }
    PyObject *judged = PyObject_CallFunctionObjArgs(
        run->call->settle, run->changes, run->swaps, NULL);
    if (judged == NULL) {
        return -1;
    }
    int rc = report_entries(run, judged);
    if (rc == 0 && mf_report_reasons(report) == 0) {
        PyObject *parts = PyDict_GetItemString(judged, "parts");
        bool nothing = PyList_GET_SIZE(run->swaps) == 0 && parts != NULL &&
                       PyList_GET_SIZE(parts) == 0;
        report->outcome = MF_SKIPPED;
        rc = real && !nothing ? commit(run, judged) : 0;
    }
    Py_DECREF(judged);
    return rc;
}

static int
take_turn(struct mf_state *state, enum mf_mode mode)
{
    return state->disabled || (state->holds > 0 && mode == MF_MODE_UPDATE)
               ? 0
               : mf_update_take_turn(state);
}

/* ---- the story ----------------------------------------------------------------------------- */

static int
story(struct run *run, enum mf_mode mode)
{
    struct mf_report *report = &run->report;
    MF_TRACE(1, "update %ld: staging", report->number);
    int64_t clock = mf_trace_now();
    if (mf_map_put(&run->effects.foreign, run->call->space, 1) < 0 ||
        mf_heap_mark_set(&run->mark) < 0 ||
        mf_guard_open(&run->guard, run->state) < 0) {
        return -1;
    }
    int failed = run_steps(run);
    mf_guard_close(&run->guard);
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    int rc = failed == 0 ? read_changes(run) : 0;
    mf_effects_take_back(&run->effects);
    mf_effects_clear(&run->effects);
    if (rc == 0) {
        PyErr_Restore(type, value, tb);
    }
    report->spent[MF_PHASE_STAGE] = mf_trace_now() - clock;
    if (rc == 0 && failed == 0) {
        rc = mf_heap_mark_known(&run->mark) ? judge(run, mode)
             : run->mark.no_memory
                 ? (PyErr_NoMemory(), -1)
                 : mf_report_add(report, 408, '=', NULL, NULL, NULL, 0,
                                 "the garbage collector ran unseen while the "
                                 "script ran (gc.callbacks was emptied)");
    }
    if (rc == 0 && failed >= 0) {
        rc = mf_guard_report(&run->guard, report);
    }
    return rc < 0 || failed < 0 ? -1 : 0;
}

static PyObject *
run_locked(struct run *run, enum mf_mode mode)
{
    struct mf_state *state = run->state;
    struct mf_report *report = &run->report;
    bool real = mode == MF_MODE_UPDATE;
    report->dry_run = !real;
    report->outcome = MF_REJECTED;
    report->number = real ? ++state->number : state->number + 1;
    if (story(run, mode) < 0 &&
        mf_report_exception(report, 901, NULL, NULL, NULL, 0) < 0) {
        return NULL;
    }
    if (mf_report_reasons(report) > 0 && report->outcome == MF_SKIPPED) {
        report->outcome = MF_REJECTED;
    }
    report->total = mf_trace_now() - report->started;
    PyObject *dict = mf_report_dict(report, state->running);
    if (dict != NULL && run->call->extra != NULL &&
        PyDict_Update(dict, run->call->extra) < 0) {
        Py_CLEAR(dict);
    }
    if (dict != NULL && real && mf_update_remember(state, dict) < 0) {
        Py_CLEAR(dict);
    }
    return dict;
}

PyObject *
mf_script_run(struct mf_state *state, struct mf_script_call *call, int how)
{
    enum mf_mode mode = (enum mf_mode)how;
    struct run run = {.state = state, .call = call};
    int mine = take_turn(state, mode);
    if (mine <= 0) {
        return mine < 0 ? NULL : mf_update_skipped(state, NULL);
    }
    PyObject *dict = NULL;
    if (mf_report_init(&run.report) == 0) {
        dict = run_locked(&run, mode);
        mf_report_clear(&run.report);
    }
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    Py_CLEAR(run.changes);
    Py_CLEAR(run.swaps);
    Py_CLEAR(run.homes);
    mf_guard_close(&run.guard);
    mf_heap_mark_clear(&run.mark);
    mf_update_give_turn(state);
    PyErr_Restore(type, value, tb);
    if (dict != NULL && mode == MF_MODE_UPDATE) {
        mf_update_tell(state, dict);
    }
    if (dict != NULL && run.interrupted) {
        Py_CLEAR(dict);
        PyErr_SetNone(PyExc_KeyboardInterrupt);
    }
    return dict;
}

/* ---- taken back, made again ------------------------------------------------------------------- */

static int
flip(struct mf_state *state, struct mf_report *report, PyObject *record,
     PyObject *script, bool forward)
{
    struct mf_undo undo = {0};
    Py_ssize_t left = 0;
    int64_t stopped = mf_trace_now();
    int rc = mf_script_flip(
        &undo, script, forward ? MF_SCRIPT_AGAIN : MF_SCRIPT_BACK, &left);
    report->pause = mf_trace_now() - stopped;
    if (rc < 0) {
        mf_undo_replay(&undo);
        mf_undo_drop(&undo);
        report->outcome = MF_ROLLED_BACK;
        return mf_report_exception(report, 902, NULL, NULL, NULL, 0);
    }
    report->outcome = MF_COMMITTED;
    state->running = report->number;
    mf_undo_drop(&undo);
    if (mf_script_note(state, script, forward) < 0 ||
        mf_record_push_script(state,
                              PyLong_AsLong(PyTuple_GET_ITEM(record, 0)),
                              script, PyTuple_GET_ITEM(record, 5),
                              !forward) < 0 ||
        mf_record_pop(state, forward) < 0) {
        mf_report_late(report);
    }
    return left == 0 ? 0
                     : mf_report_add(report, 202, '=', NULL, NULL, NULL, 0,
                                     "%zd of the places that the script had "
                                     "changed hold something else by now: "
                                     "they are left alone",
                                     left);
}

static int
list_fixes(struct mf_report *report, PyObject *script)
{
    PyObject *fixes = PyTuple_GET_ITEM(script, 0);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(fixes); i++) {
        PyObject *fix = PyList_GET_ITEM(fixes, i);
        PyObject *name = PyTuple_GET_ITEM(fix, 3);
        if (mf_report_add(report, 102, '~', NULL, name, NULL, 0, "%U", name) <
            0) {
            return -1;
        }
    }
    return 0;
}

PyObject *
mf_script_again(struct mf_state *state, PyObject *record, PyObject *script,
                bool forward, int how, PyObject *extra)
{
    enum mf_mode mode = (enum mf_mode)how;
    bool real = mode == MF_MODE_UPDATE;
    int mine = take_turn(state, mode);
    if (mine <= 0) {
        return mine < 0 ? NULL : mf_update_skipped(state, NULL);
    }
    if (mf_record_last(state, forward) != record) {
        mf_update_give_turn(state);
        return NULL;
    }
    struct mf_report report;
    PyObject *dict = NULL;
    if (mf_report_init(&report) == 0) {
        report.dry_run = !real;
        report.number = real ? ++state->number : state->number + 1;
        if (list_fixes(&report, script) == 0 &&
            (!real || flip(state, &report, record, script, forward) == 0)) {
            report.total = mf_trace_now() - report.started;
            dict = mf_report_dict(&report, state->running);
        }
        mf_report_clear(&report);
    }
    if (dict != NULL && (PyDict_Update(dict, extra) < 0 ||
                         (real && mf_update_remember(state, dict) < 0))) {
        Py_CLEAR(dict);
    }
    mf_update_give_turn(state);
    if (dict != NULL && real) {
        mf_update_tell(state, dict);
    }
    return dict;
}
