/* update.c -- the whole story of an update, in one function:
 *
 *   collect -> plan -> stage -> match -> check -> bring home -> merge
 *     -> prepare  == POINT OF NO RETURN ==>  apply -> finish -> report
 *
 * Everything before the point may fail and leaves nothing behind; nothing
 * after it can. Who may ask for it, and when, is request.c's.
 */
#include "update.h"

#include "fixes.h"
#include "ground/fault.h"
#include "ground/trace.h"
#include "commit/baseline.h"
#include "commit/record.h"
#include "read/imports.h"
#include "stage/check.h"
#include "waiting.h"

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
    return mf_report_reasons(&update->report) > 0 || update->declined;
}

/* ---- quiet updates ---------------------------------------------------------- */

/* A changed __init__ gives live instances new fields: factories and hooks may
 * have to run. */
static bool
changes_init(struct mf_change *change, struct mf_delta *delta)
{
    if (delta->kind == MF_DELTA_SAME || delta->parent == MF_UNIT_NONE ||
        delta->new_unit == MF_UNIT_NONE) {
        return false;
    }
    const struct mf_unit *u =
        &change->diff.new_of.split->units[delta->new_unit];
    const char *text = PyBytes_AS_STRING(change->text.bytes);
    return u->name_len == 8 && memcmp(text + u->name, "__init__", 8) == 0;
}

/* Does the plan exchange code and shift lines only, and has the compiler nothing
 * to say? Members of classes that
 * somebody is told of (hooks) are asked for when the update knows them. */
static bool
plan_is_quiet(struct mf_update *update)
{
    if (update->plan.stages) {
        return false;
    }
    for (size_t i = 0; i < update->plan.changes.len; i++) {
        struct mf_change *change = update->plan.changes.items[i];
        if (change->kind == MF_CHANGE_DELETED ||
            change->diff.new_of.warned.len > 0) {
            return false;
        }
        for (uint32_t d = 0; d < change->diff.len; d++) {
            if (changes_init(change, &change->diff.deltas[d])) {
                return false;
            }
        }
    }
    return true;
}

/* Before the plan: code objects that have to be looked for on the heap are
 * left to somebody who has the time. */
static bool
knows_codes(struct mf_update *update)
{
    for (size_t i = 0; i < update->plan.changes.len; i++) {
        struct mf_change *change = update->plan.changes.items[i];
        for (size_t t = 0; t < change->targets.len; t++) {
            struct mf_target *target = change->targets.items[t];
            if (target->module->codes == NULL) {
                return false;
            }
        }
    }
    return true;
}

/* A failure of our own machinery before the point of no return is a reason
 * too: the program is untouched. */
int
mf_update_failed(struct mf_update *update)
{
    if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        update->stage.interrupted = true;
    }
    update->starved = PyErr_ExceptionMatches(PyExc_MemoryError);
    if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_SystemError, "failed without an exception");
    }
    return mf_report_exception(&update->report, 901, NULL, NULL, NULL, 0);
}

/* An undo: what left with the update that is undone. Borrowed, NULL: none. */
static PyObject *
modules_that_return(struct mf_update *update)
{
    PyObject *left = update->undo ? PyTuple_GET_ITEM(update->undo, 3) : NULL;
    return left != NULL && PyList_GET_SIZE(left) > 0 ? left : NULL;
}

/* Definitions of theirs that live on in other modules are theirs again: their
 * statements run. */
static int
give_back_moved(struct mf_update *update)
{
    PyObject *returns = update->plan.returns;
    Py_ssize_t n = returns ? PyList_GET_SIZE(returns) : 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *left = PyList_GET_ITEM(returns, i);
        PyObject *moved = PyTuple_GET_ITEM(left, 7);
        struct mf_source *source =
            PyList_GET_SIZE(moved) > 0
                ? mf_baseline_note_returned(update->state, left)
                : NULL;
        if (PyErr_Occurred() ||
            (source && mf_plan_give_back(&update->plan, source, moved) < 0)) {
            return -1;
        }
    }
    return 0;
}

void
mf_update_drop_plan(struct mf_update *update)
{
    mf_plan_clear(&update->plan);
    if (update->undo != NULL) {
        mf_baseline_forget_returned(update->state, update->undo);
    }
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
    update->plan.returns = modules_that_return(update);
    if (update->quiet && !knows_codes(update)) {
        update->declined = true;
        return 0;
    }
    if (give_back_moved(update) < 0 || find_late_codes(update) < 0 ||
        mf_plan_make(update->state, &update->plan, report) < 0) {
        return -1;
    }
    if (update->plan.is_given_up) {
        MF_TRACE(1, "update %ld: not planned ahead", report->number);
    }
    update->declined =
        update->quiet && !is_rejected(update) &&
        (update->plan.is_given_up || !plan_is_quiet(update));
    if (!is_rejected(update) && mf_plan_pair_codes(&update->plan) < 0) {
        return -1;
    }
    spend(update, MF_PHASE_PLAN, &clock);
    if (update->declined) {
        return 0;
    }
    /* Whoever is told of a warning may change what the program has: before
     * that is compared with the new version. */
    if (!is_rejected(update) && update->mode == MF_MODE_UPDATE &&
        !update->warned) {
        if (mf_plan_warn(&update->plan, report) < 0) {
            return -1;
        }
        update->warned = !is_rejected(update);
    }
    if (is_rejected(update) || update->mode == MF_MODE_PLAN) {
        return mf_plan_describe(&update->plan, report);
    }
    if (update->mode == MF_MODE_DRY_RUN &&
        mf_plan_describe(&update->plan, report) < 0) {
        return -1;
    }
    update->plan.stages |= update->plan.returns != NULL;
    update->merge.undo =
        update->undo ? PyTuple_GET_ITEM(update->undo, 2) : NULL;
    if (update->plan.stages) {
        MF_TRACE(1, "update %ld: staging", report->number);
        mf_merge_begin(&update->merge, &update->match, &update->stage, report);
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
    /* clearing a cache drops objects of the program */
    update->declined = update->quiet && update->match.caches.len > 0;
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
    if (update->quiet &&
        mf_hooks_any(update->hook_modules, update->hook_classes)) {
        update->declined = true;
        return 0;
    }
    return mf_hooks_before(&update->hooks, update->hook_modules,
                           update->hook_classes);
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
commit_update(struct mf_update *update)
{
    struct mf_report *report = &update->report;
    int64_t clock = mf_trace_now(), stopped = clock;
    MF_TRACE(1, "update %ld: preparing", report->number);
    if (report_codes(update) < 0 ||
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
    update->left = mf_record_left(&update->plan, update->commit.stage,
                                  &update->match);
    if (update->texts == NULL || update->left == NULL ||
        mf_commit_prepare(&update->commit) < 0 ||
        (!is_rejected(update) && mf_fixes_settle(update) < 0) ||
        mf_update_find_stragglers(update) < 0) {
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
    if (update->staged) {
        mf_stage_open_modules(&update->stage);
    }
    if (mf_gone_report(&update->gone, &update->merge, report) < 0) {
        mf_report_late(report);
    }
    if (!update->identity && mf_update_push_record(update) < 0) {
        mf_report_late(report);
    }
    int failures = 0;
    if (mf_hooks_after(&update->hooks, update->hook_modules,
                       update->hook_classes, "committed", &failures) < 0) {
        mf_report_late(report);
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

/* What was not looked at belongs to this update all the same, and stays
 * pending with it. */
static int
name_all_files(struct mf_update *update)
{
    PyObject *all = PySequence_List(update->paths);
    if (all == NULL || PyList_Sort(all) < 0) {
        Py_XDECREF(all);
        return -1;
    }
    Py_SETREF(update->report.files, all);
    return 0;
}

/* The story. */
int
mf_update_story(struct mf_update *update)
{
    struct mf_state *state = update->state;
    struct mf_report *report = &update->report;
    int64_t clock = report->started;
    MF_TRACE(1, "update %ld: reading", state->number + 1);
    if (mf_collect_changes(update) < 0 &&
        (mf_update_failed(update) < 0 || name_all_files(update) < 0)) {
        return -1;
    }
    spend(update, MF_PHASE_READ, &clock);
    if (update->too_early) {
        MF_TRACE(1, "update %ld: too early", state->number + 1);
        update->declined = update->quiet;
        report->number = state->number;
        return 0;
    }
    if (update->plan.changes.len == 0 && !is_rejected(update) &&
        modules_that_return(update) == NULL) {
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
    if (update->quiet && is_rejected(update)) {
        update->declined = true;
        return 0;
    }
    report->number =
        update->mode == MF_MODE_UPDATE ? ++state->number : state->number + 1;
    report->outcome = MF_REJECTED;
    if (!is_rejected(update) &&
        (decide(update) < 0 || mf_collect_returned(update) < 0) &&
        mf_update_failed(update) < 0) {
        return -1;
    }
    if (update->mode == MF_MODE_DRY_RUN && !is_rejected(update) &&
        mf_update_foresee(update) < 0 && mf_update_failed(update) < 0) {
        return -1;
    }
    if (update->mode != MF_MODE_UPDATE) {
        report->outcome = is_rejected(update) ? MF_REJECTED : MF_SKIPPED;
    }
    else if (!is_rejected(update) && commit_update(update) < 0 &&
             mf_update_failed(update) < 0) {
        return -1;
    }
    if (update->abandoned) {
        report->outcome = MF_SKIPPED; /* fork.c: it is the parent's */
        return 0;
    }
    if (update->quiet && report->outcome == MF_REJECTED) {
        update->declined = true; /* who may run code says why, too */
        if (update->mode == MF_MODE_UPDATE) {
            state->number--; /* a plan had none */
        }
        return 0;
    }
    if (report->outcome != MF_COMMITTED && update->staged) {
        mf_stage_drop(&update->stage);
    }
    if (report->outcome != MF_COMMITTED && update->hooks.update != NULL &&
        mf_hooks_rejected(&update->hooks) < 0) {
        mf_report_late(report);
    }
    if (report->outcome == MF_REJECTED) {
        MF_TRACE(1, "update %ld: rejected", report->number);
    }
    if (update->mode != MF_MODE_UPDATE || update->identity) {
        return 0;
    }
    if (update->alone) {
        return 0;
    }
    return call_tracked(update) < 0 || note_pending(update) < 0
               ? -1
               : mf_waiting_note(update);
}
