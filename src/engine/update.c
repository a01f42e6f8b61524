/* update.c -- the whole story of an update, in one function:
 *
 *   collect -> plan -> stage -> match -> check -> bring home -> merge
 *     -> prepare  == POINT OF NO RETURN ==>  apply -> finish -> report
 *
 * Everything before the point may fail and leaves nothing behind; nothing
 * after it can. Owns the lock (one update at a time) and struct mf_update.
 */
#include "update.h"

#include "ground/fault.h"
#include "ground/trace.h"
#include "heap/frames.h"
#include "commit/record.h"
#include "read/imports.h"
#include "stage/check.h"

/* ---- the lock ----------------------------------------------------------- */

/* One update at a time in this interpreter. Guarded by the GIL; waiters sleep
 * on `turn` with the GIL released. */
static PyThread_type_lock turn;

/* Is this thread inside an import? Then it must not wait for another one's
 * update, which may need the import lock that it holds. */
static bool
is_inside_import(void)
{
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    bool inside = false;
    while (frame != NULL && !inside) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        inside = PyUnicode_CompareWithASCIIString(
                     code->co_filename, "<frozen importlib._bootstrap>") == 0;
        Py_DECREF(code);
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    return inside;
}

/* 1: ours; 0: somebody else's and we may not wait; -1: interrupted. */
static int
take_turn(struct mf_state *state)
{
    unsigned long me = PyThread_get_thread_ident();
    if (state->busy_thread == me || is_inside_import()) {
        return 0;
    }
    while (state->busy_thread != 0) {
        if (is_inside_import()) {
            return 0;
        }
        if (turn == NULL && (turn = PyThread_allocate_lock()) == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        PyLockStatus got;
        Py_BEGIN_ALLOW_THREADS
        got = PyThread_acquire_lock_timed(turn, 50000, 1);
        if (got == PY_LOCK_ACQUIRED) {
            PyThread_release_lock(turn);
        }
        Py_END_ALLOW_THREADS
        if (got == PY_LOCK_INTR && PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
    if (turn == NULL && (turn = PyThread_allocate_lock()) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    PyThread_acquire_lock(turn, NOWAIT_LOCK);
    state->busy_thread = me;
    return 1;
}

static void
give_turn(struct mf_state *state)
{
    if (state->busy_thread == PyThread_get_thread_ident()) {
        state->busy_thread = 0;
        PyThread_release_lock(turn);
    } /* else forked meanwhile, and not ours any more */
}

/* ---- phases ----------------------------------------------------------------- */

static void
spend(struct mf_update *update, enum mf_phase phase, int64_t *since)
{
    int64_t now = mf_trace_now();
    update->report.spent[phase] += now - *since;
    *since = now;
}

static bool
is_rejected(struct mf_update *update)
{
    return mf_report_reasons(&update->report) > 0;
}

/* A failure of our own machinery before the point of no return is a reason
 * too: the program is untouched. */
static int
failed(struct mf_update *update)
{
    if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        update->stage.interrupted = true;
    }
    if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_SystemError, "failed without an exception");
    }
    return mf_report_exception(&update->report, 901, NULL, NULL, NULL, 0);
}

static int
find_late_codes(struct mf_update *update)
{
    for (size_t i = 0; i < update->plan.changes.len; i++) {
        struct mf_change *change = update->plan.changes.items[i];
        for (size_t t = 0; t < change->targets.len; t++) {
            struct mf_target *target = change->targets.items[t];
            if (change->kind != MF_CHANGE_DELETED &&
                mf_match_find_codes(target->module) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* From the changed files to everything that can be decided before the point
 * of no return. 0: go on or rejected; -1: an error of our own. */
static int
decide(struct mf_update *update)
{
    struct mf_report *report = &update->report;
    int64_t clock = mf_trace_now();
    MF_TRACE(1, "update %ld: planning", report->number);
    if (find_late_codes(update) < 0 ||
        mf_plan_make(update->state, &update->plan, report) < 0) {
        return -1;
    }
    if (!is_rejected(update) && mf_plan_pair_codes(&update->plan) < 0) {
        return -1;
    }
    spend(update, MF_PHASE_PLAN, &clock);
    if (is_rejected(update) || update->mode == MF_MODE_PLAN) {
        return mf_plan_describe(&update->plan, report);
    }
    if (update->mode == MF_MODE_DRY_RUN &&
        mf_plan_describe(&update->plan, report) < 0) {
        return -1;
    }
    if (update->plan.stages) {
        MF_TRACE(1, "update %ld: staging", report->number);
        update->staged = true;
        if (mf_stage_run(&update->stage, update->state, &update->plan,
                         report) < 0) {
            return -1;
        }
        spend(update, MF_PHASE_STAGE, &clock);
        if (is_rejected(update)) {
            return 0;
        }
    }
    MF_TRACE(1, "update %ld: matching", report->number);
    update->commit.plan = &update->plan;
    update->commit.stage = update->staged ? &update->stage : NULL;
    update->commit.match = &update->match;
    update->commit.merge = &update->merge;
    update->commit.report = report;
    update->commit.hooks = &update->hooks;
    if (mf_match_run(&update->match, &update->plan,
                     update->commit.stage) < 0) {
        return -1;
    }
    spend(update, MF_PHASE_MATCH, &clock);
    if (is_rejected(update)) {
        return 0;
    }
    MF_TRACE(1, "update %ld: checking", report->number);
    if (mf_check_run(&update->match, report) < 0) {
        return -1;
    }
    if (!is_rejected(update) && update->staged &&
        mf_commit_bring_home(&update->commit) < 0) {
        return -1;
    }
    update->merge.undo =
        update->undo ? PyTuple_GET_ITEM(update->undo, 2) : NULL;
    if (!is_rejected(update) &&
        mf_merge_run(&update->merge, &update->match, update->commit.stage,
                     report) < 0) {
        return -1;
    }
    spend(update, MF_PHASE_CHECK, &clock);
    return 0;
}

/* ---- hooks ---------------------------------------------------------------- */

/* Modules that change, importers before what they import, and their edited
 * classes. */
static int
list_for_hooks(struct mf_update *update)
{
    update->hook_modules = PyList_New(0);
    update->hook_classes = PyList_New(0);
    PyObject *names = PyList_New(0);
    int rc = update->hook_modules && update->hook_classes && names ? 0 : -1;
    for (size_t i = update->plan.targets.len; i > 0 && rc == 0; i--) {
        struct mf_target *target = update->plan.targets.items[i - 1];
        struct mf_diff *diff = &target->change->diff;
        if (target->change->kind != MF_CHANGE_EDITED || update->identity) {
            continue;
        }
        PyObject *pair = PyTuple_Pack(2, target->module->name,
                                      target->module->dict);
        rc = pair && PyList_Append(update->hook_modules, pair) == 0 &&
                     PyList_Append(names, target->module->name) == 0
                 ? 0
                 : -1;
        Py_XDECREF(pair);
        for (uint32_t d = 0; d < diff->len && rc == 0; d++) {
            struct mf_delta *delta = &diff->deltas[d];
            if (delta->old_unit == MF_UNIT_NONE ||
                delta->kind == MF_DELTA_SAME ||
                diff->old_of.split->units[delta->old_unit].kind !=
                    MF_UNIT_CLASS ||
                delta->new_unit == MF_UNIT_NONE) {
                continue;
            }
            PyObject *cls = mf_plan_live_class(target, delta);
            rc = cls ? PyList_Append(update->hook_classes, cls) : 0;
        }
    }
    if (rc == 0) {
        rc = mf_hooks_init(&update->hooks, &update->report,
                           update->report.number, names);
    }
    Py_XDECREF(names);
    return rc;
}

static int
before_hooks(struct mf_update *update)
{
    if (list_for_hooks(update) < 0) {
        return -1;
    }
    return mf_hooks_before(&update->hooks, update->hook_modules,
                           update->hook_classes);
}

/* ---- stragglers --------------------------------------------------------------- */

static int
on_straggler(PyCodeObject *code, int line, PyObject *kind,
             unsigned long thread_id, int frames, void *arg)
{
    struct mf_update *update = arg;
    PyObject *text = PyUnicode_FromFormat(
        "%U still runs its old code: %d %U%s", code->co_qualname, frames,
        kind, frames == 1 ? "" : "s");
    (void)thread_id;
    int rc = text ? mf_report_add(&update->report, 501, '=', NULL,
                                  code->co_qualname, code->co_filename, line,
                                  "%U", text)
                  : -1;
    if (rc == 0 && update->state->stragglers == 1) {
        rc = mf_report_add(&update->report, 430, '=', NULL, code->co_qualname,
                           code->co_filename, line,
                           "%U, and the rule for stragglers is reject", text);
    }
    Py_XDECREF(text);
    return rc;
}

/* Who runs code that the update replaces. */
static int
find_stragglers(struct mf_update *update)
{
    struct mf_map codes = {0}, known = {0};
    size_t at;
    void *code;
    uintptr_t value;
    int rc = 0;
    for (size_t i = 0; i < update->plan.targets.len && rc == 0; i++) {
        struct mf_target *target = update->plan.targets.items[i];
        at = 0;
        while (rc == 0 &&
               mf_map_next(&target->exchange, &at, &code, &value)) {
            /* our list or the constants around it, and the plan */
            rc = mf_map_put(&codes, code, 1) < 0 ||
                         mf_map_put(&known, code, 2) < 0
                     ? -1
                     : 0;
        }
    }
    for (size_t i = 0; i < update->match.codes_of.len && rc == 0; i++) {
        PyObject *func = update->match.codes_of.items[i];
        uintptr_t *count = mf_map_find(&known, PyFunction_GET_CODE(func));
        if (count != NULL) {
            *count += 1;
        }
    }
    if (rc == 0 && codes.used > 0) {
        rc = mf_frames_stragglers_beyond(&codes, &known, on_straggler,
                                         update);
    }
    mf_map_clear(&codes);
    mf_map_clear(&known);
    return rc;
}

/* Code exchanges are reported by name here: nothing else speaks of them. */
static int
report_codes(struct mf_update *update)
{
    for (size_t i = 0; i < update->plan.changes.len; i++) {
        struct mf_change *change = update->plan.changes.items[i];
        for (uint32_t d = 0; d < change->diff.len; d++) {
            struct mf_delta *delta = &change->diff.deltas[d];
            if (delta->kind != MF_DELTA_CODE || delta->runs ||
                change->targets.len == 0) {
                continue;
            }
            struct mf_target *target = change->targets.items[0];
            PyObject *name = mf_plan_unit_name(change, delta);
            int rc = name ? mf_report_add(
                                &update->report, 101, '~',
                                target->module->name, name,
                                change->source->path,
                                mf_plan_unit_line(change, delta), "%U", name)
                          : -1;
            Py_XDECREF(name);
            if (rc < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int
commit(struct mf_update *update)
{
    struct mf_report *report = &update->report;
    int64_t clock = mf_trace_now(), stopped = clock;
    MF_TRACE(1, "update %ld: preparing", report->number);
    if (report_codes(update) < 0 || find_stragglers(update) < 0 ||
        mf_gone_find(&update->gone, &update->match, report) < 0) {
        return -1;
    }
    if (!is_rejected(update) && before_hooks(update) < 0) {
        return -1;
    }
    if (is_rejected(update)) {
        return 0;
    }
    update->texts = mf_record_texts(&update->plan);
    if (update->texts == NULL || mf_commit_prepare(&update->commit) < 0) {
        return -1;
    }
    if (is_rejected(update)) {
        return 0;
    }
    spend(update, MF_PHASE_PREPARE, &clock);
    MF_TRACE(1, "update %ld: committing", report->number);
    stopped = mf_trace_now();
    /* ---- point of no return -------------------------------------------- */
    int rc = mf_commit_apply(&update->commit);
    report->pause = mf_trace_now() - stopped;
    spend(update, MF_PHASE_COMMIT, &clock);
    if (rc < 0) {
        MF_TRACE(1, "update %ld: rolled back", report->number);
        report->outcome = MF_ROLLED_BACK;
        return mf_report_exception(report, 902, NULL, NULL, NULL, 0);
    }
    report->outcome = MF_COMMITTED;
    update->state->running = report->number;
    mf_commit_finish(&update->commit, update->state);
    if (mf_gone_report(&update->gone, &update->merge, report) < 0) {
        PyErr_Clear();
    }
    if (update->undo == NULL && !update->identity &&
        mf_record_push(update->state, report->number, update->texts,
                       update->merge.replaced) < 0) {
        PyErr_Clear();
    }
    int failures;
    if (mf_hooks_after(&update->hooks, update->hook_modules,
                       update->hook_classes, "committed", &failures) < 0) {
        PyErr_Clear();
    }
    update->undo_wanted = failures > 0 && update->state->undo_on_after_error;
    spend(update, MF_PHASE_FINISH, &clock);
    MF_TRACE(1, "update %ld: committed", report->number);
    return 0;
}

static int
note_pending(struct mf_update *update)
{
    PyObject *pending = update->state->pending;
    PyObject *files = update->report.files;
    PyObject *group = PyLong_FromLong(update->report.number);
    if (group == NULL) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(files); i++) {
        PyObject *path = PyList_GET_ITEM(files, i);
        int rc = 0;
        if (update->report.outcome == MF_COMMITTED) {
            if (PyDict_GetItemWithError(pending, path) != NULL) {
                rc = PyDict_DelItem(pending, path);
            }
        }
        else {
            rc = PyDict_SetItem(pending, path, group);
        }
        if (rc < 0 || PyErr_Occurred()) {
            Py_DECREF(group);
            return -1;
        }
    }
    Py_DECREF(group);
    return 0;
}

/* Data files that the program tracks: their functions are called when the
 * update is over, with the path. What they raise is a note. 1: one was asked
 * for; 0; -1. */
static int
call_tracked(struct mf_update *update)
{
    struct mf_state *state = update->state;
    PyObject *path, *iter = PyObject_GetIter(update->paths);
    int rc = iter ? 0 : -1;
    while (rc >= 0 && (path = PyIter_Next(iter)) != NULL) {
        PyObject *fn =
            Py_XNewRef(PyDict_GetItemWithError(state->tracked, path));
        if (fn != NULL) {
            PyObject *done = PyObject_CallOneArg(fn, path);
            int noted =
                done ? mf_report_add(&update->report, 107, '~', NULL, NULL,
                                     path, 0, "tracked file")
                     : mf_report_exception(&update->report, 303, NULL, NULL,
                                           path, 0);
            rc = noted < 0 || PyList_Append(update->report.files, path) < 0
                     ? -1
                     : 1;
            Py_XDECREF(done);
            Py_DECREF(fn);
        }
        Py_DECREF(path);
        rc = PyErr_Occurred() ? -1 : rc;
    }
    Py_XDECREF(iter);
    return rc;
}

/* The story. */
static int
run(struct mf_update *update)
{
    struct mf_state *state = update->state;
    struct mf_report *report = &update->report;
    int64_t clock = report->started;
    MF_TRACE(1, "update %ld: reading", state->number + 1);
    if (mf_collect_changes(update) < 0) {
        return -1;
    }
    spend(update, MF_PHASE_READ, &clock);
    if (update->plan.changes.len == 0 && !is_rejected(update)) {
        int tracked = update->mode == MF_MODE_UPDATE && !update->identity
                          ? call_tracked(update)
                          : 0;
        if (tracked > 0) {
            report->number = state->running = ++state->number;
            report->outcome = MF_COMMITTED;
            return 0;
        }
        MF_TRACE(1, "update %ld: skipped", state->number + 1);
        report->number = state->number;
        return tracked;
    }
    report->number =
        update->mode == MF_MODE_UPDATE ? ++state->number : state->number + 1;
    report->outcome = MF_REJECTED;
    if (!is_rejected(update) && decide(update) < 0 && failed(update) < 0) {
        return -1;
    }
    if (update->mode != MF_MODE_UPDATE) {
        report->outcome = is_rejected(update) ? MF_REJECTED : MF_SKIPPED;
    }
    else if (!is_rejected(update) && commit(update) < 0 &&
             failed(update) < 0) {
        return -1;
    }
    if (update->abandoned) {
        report->outcome = MF_SKIPPED; /* fork.c: it is the parent's */
        return 0;
    }
    if (report->outcome != MF_COMMITTED && update->staged) {
        mf_stage_drop(&update->stage);
    }
    if (report->outcome != MF_COMMITTED && update->hooks.update != NULL &&
        mf_hooks_rejected(&update->hooks) < 0) {
        PyErr_Clear();
    }
    if (report->outcome == MF_REJECTED) {
        MF_TRACE(1, "update %ld: rejected", report->number);
    }
    if (update->mode != MF_MODE_UPDATE || update->identity) {
        return 0;
    }
    return call_tracked(update) < 0 ? -1 : note_pending(update);
}

/* ---- from outside --------------------------------------------------------------- */

static void
update_clear(struct mf_update *update)
{
    mf_gone_clear(&update->gone);
    mf_commit_clear(&update->commit);
    mf_merge_clear(&update->merge);
    mf_match_clear(&update->match);
    mf_stage_clear(&update->stage);
    mf_plan_clear(&update->plan);
    mf_hooks_clear(&update->hooks);
    mf_report_clear(&update->report);
    Py_CLEAR(update->hook_modules);
    Py_CLEAR(update->hook_classes);
    Py_CLEAR(update->texts);
    Py_CLEAR(update->paths);
    Py_CLEAR(update->sources);
}

static int
add_paths(PyObject *set, PyObject *more)
{
    PyObject *done = PyObject_CallMethod(set, "update", "O", more);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* Modules whose source the host gives: their paths. */
static int
take_sources(struct mf_update *update, PyObject *sources)
{
    update->sources = PyDict_New();
    PyObject *name, *text, *modules = PyImport_GetModuleDict();
    Py_ssize_t pos = 0;
    if (update->sources == NULL) {
        return -1;
    }
    if (update->undo != NULL) {
        /* an undo's record has paths */
        return PyDict_Update(update->sources, sources) < 0 ||
                       add_paths(update->paths, sources) < 0
                   ? -1
                   : 0;
    }
    while (PyDict_Next(sources, &pos, &name, &text)) {
        PyObject *entry = PyDict_GetItemWithError(modules, name);
        PyObject *dict = entry && PyModule_Check(entry)
                             ? PyModule_GetDict(entry)
                             : NULL;
        PyObject *file = dict ? PyDict_GetItemString(dict, "__file__") : NULL;
        if (file == NULL || !PyUnicode_Check(file)) {
            PyErr_Format(PyExc_ValueError,
                         "sources: %R is not a loaded module with a file",
                         name);
            return -1;
        }
        PyObject *path = mf_source_absolute(file);
        PyObject *raw = PyUnicode_Check(text) ? PyUnicode_AsUTF8String(text)
                        : PyBytes_Check(text) ? Py_NewRef(text)
                                              : NULL;
        if (raw == NULL && !PyErr_Occurred()) {
            PyErr_Format(PyExc_TypeError,
                         "sources[%R] must be str or bytes, not %s", name,
                         Py_TYPE(text)->tp_name);
        }
        int rc = path && raw && PyDict_SetItem(update->sources, path, raw) ==
                                    0 &&
                         PySet_Add(update->paths, path) == 0
                     ? 0
                     : -1;
        Py_XDECREF(path);
        Py_XDECREF(raw);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

/* What is asked for now, and was while another update or a hold was under
 * way. */
static int
gather(struct mf_update *update, PyObject *paths, PyObject *sources)
{
    struct mf_state *state = update->state;
    update->paths = PySet_New(NULL);
    if (update->paths == NULL) {
        return -1;
    }
    if (paths == NULL && sources == NULL) {
        PyObject *all = mf_collect_all(state);
        int rc = all ? add_paths(update->paths, all) : -1;
        Py_XDECREF(all);
        if (rc < 0) {
            return -1;
        }
    }
    if ((paths != NULL && add_paths(update->paths, paths) < 0) ||
        (sources != NULL && take_sources(update, sources) < 0) ||
        add_paths(update->paths, state->queued) < 0) {
        return -1;
    }
    return update->mode == MF_MODE_UPDATE && !update->identity
               ? PySet_Clear(state->queued)
               : 0;
}

static PyObject *
skipped(struct mf_state *state, PyObject *paths)
{
    if (paths != NULL && add_paths(state->queued, paths) < 0) {
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

static void
tell(struct mf_state *state, PyObject *report)
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

static int
remember(struct mf_state *state, PyObject *report)
{
    if (PyList_Append(state->history, report) < 0) {
        return -1;
    }
    Py_ssize_t n = PyList_GET_SIZE(state->history);
    return n > 100 ? PyList_SetSlice(state->history, 0, n - 100, NULL) : 0;
}

static PyObject *
unsupported(struct mf_state *state, PyObject *paths)
{
    struct mf_report report;
    if (mf_report_init(&report) < 0) {
        return NULL;
    }
    report.number = ++state->number;
    report.outcome = MF_REJECTED;
    PyObject *dict = NULL;
    (void)paths;
    if (mf_report_add(&report, 903, '=', NULL, NULL, NULL, 0, "%U",
                      state->unsupported) == 0) {
        dict = mf_report_dict(&report, state->running);
    }
    mf_report_clear(&report);
    return dict;
}

/* One attempt with these paths: its report dict in *dict. Returns the
 * outcome, -1 with an exception. */
static int
attempt(struct mf_update *update, PyObject **dict)
{
    struct mf_state *state = update->state;
    *dict = NULL;
    state->staging = update;
    int rc = run(update);
    state->staging = NULL;
    update->report.total = mf_trace_now() - update->report.started;
    if (rc == 0) {
        *dict = mf_report_dict(&update->report, state->running);
    }
    int outcome = (int)update->report.outcome;
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    update_clear(update);
    PyErr_Restore(type, value, tb);
    return *dict == NULL ? -1 : outcome;
}

/* Pending files that were not asked for now: a new list, and whether some
 * import connects them with the others. */
static int
pending_apart(struct mf_state *state, PyObject *asked, PyObject **apart)
{
    *apart = PySet_New(state->pending);
    PyObject *done =
        *apart ? PyObject_CallMethod(*apart, "difference_update", "O", asked)
               : NULL;
    Py_XDECREF(done);
    if (done == NULL) {
        Py_CLEAR(*apart);
        return -1;
    }
    if (PySet_GET_SIZE(*apart) == 0 || PySet_GET_SIZE(asked) == 0) {
        return 0;
    }
    return mf_graph_connected(state, asked, *apart);
}

/* Was a file that is asked for rejected together with one that is not? */
static int
is_one_group(struct mf_state *state, PyObject *asked, PyObject *apart)
{
    PyObject *path, *group, *inside = PySet_New(NULL);
    Py_ssize_t pos = 0;
    int rc = inside ? 0 : -1;
    while (rc == 0 && PyDict_Next(state->pending, &pos, &path, &group)) {
        int is = group == Py_None ? 0 : PySet_Contains(asked, path);
        rc = is > 0 ? PySet_Add(inside, group) : is;
    }
    pos = 0;
    while (rc == 0 && PyDict_Next(state->pending, &pos, &path, &group)) {
        int is = PySet_Contains(apart, path);
        rc = is > 0 ? PySet_Contains(inside, group) : is;
    }
    Py_XDECREF(inside);
    return rc;
}

/* With what is pending; if that is rejected, and nothing connects it with
 * what was asked for, without. */
static int
attempt_groups(struct mf_state *state, struct mf_update *update,
               PyObject *paths, PyObject *sources, PyObject **dict)
{
    PyObject *asked = NULL, *apart = NULL, *pending = NULL;
    int outcome = -1, connected = -1;
    if (gather(update, paths, sources) == 0) {
        asked = PySet_New(update->paths);
        connected = asked ? pending_apart(state, asked, &apart) : -1;
    }
    int grouped =
        connected == 0 ? is_one_group(state, asked, apart) : connected;
    pending = grouped < 0 ? NULL : PyDict_Copy(state->pending);
    if (pending == NULL || add_paths(update->paths, apart) < 0) {
        update_clear(update);
        goto release_sets;
    }
    /* a group whose other files are asked for goes in together */
    bool together = grouped || PySet_GET_SIZE(apart) == 0 ||
                    PySet_GET_SIZE(asked) == 0;
    PyObject *given = Py_XNewRef(update->sources);
    outcome = attempt(update, dict);
    if (outcome == MF_REJECTED && !together) {
        /* the attempt has not made one group of them */
        Py_SETREF(state->pending, Py_NewRef(pending));
        Py_CLEAR(*dict);
        if (update->mode == MF_MODE_UPDATE) {
            state->number--;
        }
        enum mf_mode mode = update->mode;
        PyObject *undo = update->undo;
        bool identity = update->identity;
        memset(update, 0, sizeof(*update));
        *update = (struct mf_update){.state = state, .mode = mode,
                                     .undo = undo,
                                     .identity = identity,
                                     .sources = Py_XNewRef(given),
                                     .paths = Py_NewRef(asked)};
        outcome = mf_report_init(&update->report) < 0
                      ? (update_clear(update), -1)
                      : attempt(update, dict);
    }
    Py_XDECREF(given);
release_sets:
    Py_XDECREF(asked);
    Py_XDECREF(apart);
    Py_XDECREF(pending);
    return outcome;
}

static PyObject *
run_locked(struct mf_state *state, PyObject *paths, PyObject *sources,
           enum mf_mode mode, PyObject *record)
{
    struct mf_update update = {.state = state, .mode = mode, .undo = record};
    PyObject *dict = NULL;
    if (mf_report_init(&update.report) < 0) {
        return NULL;
    }
    update.report.dry_run = mode != MF_MODE_UPDATE;
    update.identity = mode == MF_MODE_UPDATE && record == NULL &&
                      mf_fault_lever(MF_LEVER_IDENTITY) > 0;
    int outcome = attempt_groups(state, &update, paths, sources, &dict);
    if (dict != NULL && mode == MF_MODE_UPDATE && outcome != MF_SKIPPED &&
        !update.identity && remember(state, dict) < 0) {
        Py_CLEAR(dict);
    }
    if (dict != NULL && outcome == MF_COMMITTED && record != NULL &&
        mf_record_pop(state) < 0) {
        Py_CLEAR(dict);
    }
    state->interrupted |= update.stage.interrupted;
    state->undo_wanted = update.undo_wanted;
    return dict;
}

static PyObject *
run_turn(struct mf_state *state, PyObject *paths, PyObject *sources,
         enum mf_mode mode, PyObject *record)
{
    if (state->disabled) {
        return skipped(state, NULL);
    }
    if (state->unsupported != NULL) {
        return unsupported(state, paths);
    }
    if (state->holds > 0 && mode == MF_MODE_UPDATE) {
        return skipped(state, paths);
    }
    int mine = take_turn(state);
    if (mine <= 0) {
        return mine < 0 ? NULL : skipped(state, paths);
    }
    state->interrupted = false;
    PyObject *dict = run_locked(state, paths, sources, mode, record);
    bool interrupted = state->interrupted;
    give_turn(state);
    if (dict != NULL && mode == MF_MODE_UPDATE) {
        tell(state, dict);
    }
    if (interrupted && dict != NULL) {
        Py_CLEAR(dict);
        PyErr_SetNone(PyExc_KeyboardInterrupt);
    }
    return dict;
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
            run_turn(state, all, sources, MF_MODE_UPDATE, NULL);
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
              enum mf_mode mode)
{
    PyObject *dict = run_turn(state, paths, sources, mode, NULL);
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
mf_update_identity(struct mf_state *state)
{
    long before = mf_fault_lever(MF_LEVER_IDENTITY);
    mf_fault_set("identity", 1);
    PyObject *dict = run_turn(state, NULL, NULL, MF_MODE_UPDATE, NULL);
    mf_fault_set("identity", before);
    return dict;
}

PyObject *
mf_update_undo(struct mf_state *state, long to, enum mf_mode mode)
{
    PyObject *dict = NULL;
    for (;;) {
        PyObject *record = mf_record_last(state);
        if (record == NULL ||
            (dict != NULL && (to < 0 || mode != MF_MODE_UPDATE)) ||
            PyLong_AsLong(PyTuple_GET_ITEM(record, 0)) < to) {
            break; /* as it was before the update `to` */
        }
        Py_INCREF(record);
        Py_ssize_t left = PyList_GET_SIZE(state->records);
        Py_XSETREF(dict, run_turn(state, NULL, PyTuple_GET_ITEM(record, 1),
                                  mode, record));
        Py_DECREF(record);
        if (dict == NULL || PyList_GET_SIZE(state->records) == left) {
            break; /* rejected: stays where it is */
        }
    }
    return dict || PyErr_Occurred() ? dict : skipped(state, NULL);
}
