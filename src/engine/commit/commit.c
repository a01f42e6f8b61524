/* commit.c -- owns the point of no return. In: plan, pairs, merges. Out: the
 * program runs the new version, or nothing has changed.
 */
#include "commit.h"

#include "../ground/fault.h"
#include "../ground/trace.h"
#include "../stage/check.h"
#include "../stage/register.h"
#include "baseline.h"
#include "class_caches.h"
#include "migrate.h"
#include "redefine_older.h"
#include "redefine_annotations.h"
#include "redefine_class.h"
#include "redefine_code.h"
#include "redefine_data.h"
#include "redefine_frame_line.h"
#include "redefine_function.h"
#include "redefine_lines.h"
#include "redefine_module.h"

/* ---- prepare ------------------------------------------------------------------- */

int
mf_commit_exchange(struct mf_commit *commit, PyObject *old_func,
                   PyObject *new_func)
{
    if (commit->n_exchanges == commit->cap_exchanges) {
        size_t cap = commit->cap_exchanges ? commit->cap_exchanges * 2 : 32;
        struct mf_exchange *more =
            mf_realloc(commit->exchanges, cap * sizeof(*more));
        if (more == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        commit->exchanges = more;
        commit->cap_exchanges = cap;
    }
    commit->exchanges[commit->n_exchanges++] = (struct mf_exchange){
        (PyFunctionObject *)Py_NewRef(old_func),
        (PyFunctionObject *)Py_NewRef(new_func)};
    return 0;
}

static int
add_shift(struct mf_commit *commit, PyCodeObject *code, int delta)
{
    if (commit->n_shifts == commit->cap_shifts) {
        size_t cap = commit->cap_shifts ? commit->cap_shifts * 2 : 64;
        struct mf_shift *more =
            mf_realloc(commit->shifts, cap * sizeof(*more));
        if (more == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        commit->shifts = more;
        commit->cap_shifts = cap;
    }
    commit->shifts[commit->n_shifts++] =
        (struct mf_shift){(PyCodeObject *)Py_NewRef(code), delta};
    return 0;
}

/* The class that a method's __class__ cell stands for: by qualified name,
 * from the module. Borrowed or NULL. */
static PyObject *
class_for(PyFunctionObject *func, PyObject *qualname)
{
    PyObject *space = func->func_globals, *found = NULL;
    Py_ssize_t n = PyUnicode_GET_LENGTH(qualname), at = 0;
    while (at <= n) {
        Py_ssize_t dot = PyUnicode_FindChar(qualname, '.', at, n, 1);
        if (dot < 0) {
            break; /* the last part is the function's own name */
        }
        PyObject *part = PyUnicode_Substring(qualname, at, dot);
        found = part ? PyDict_GetItemWithError(space, part) : NULL;
        Py_XDECREF(part);
        if (found == NULL || !PyType_Check(found)) {
            return NULL;
        }
        space = ((PyTypeObject *)found)->tp_dict;
        at = dot + 1;
    }
    return found;
}

struct made_of {
    PyFunctionObject *func;
    PyCodeObject *code; /* new */
};

/* The cell of a method's own class, or of a global of the name. */
static PyObject *
cell_made(PyObject *name, void *arg)
{
    struct made_of *of = arg;
    PyObject *value =
        PyUnicode_CompareWithASCIIString(name, "__class__") == 0
            ? class_for(of->func, of->code->co_qualname)
            : PyDict_GetItemWithError(of->func->func_globals, name);
    return value ? PyCell_New(value) : NULL;
}

static PyObject *
closure_for(PyFunctionObject *func, PyCodeObject *code)
{
    struct made_of of = {func, code};
    return mf_redefine_function_closure(func, code, cell_made, &of);
}

/* Live functions of changed code that no staged function replaces. */
static int
exchange_codes(struct mf_commit *commit)
{
    struct mf_match *match = commit->match;
    for (size_t i = 0; i < match->codes_of.len; i++) {
        PyFunctionObject *func = match->codes_of.items[i];
        if (mf_match_of_old(match, (PyObject *)func) != NULL ||
            mf_match_is_fresh(match, (PyObject *)func)) {
            continue;
        }
        PyObject *newer = NULL;
        struct mf_target *target = NULL;
        for (size_t t = 0; t < commit->plan->targets.len && !newer; t++) {
            target = commit->plan->targets.items[t];
            newer = mf_map_get(&target->exchange, func->func_code);
        }
        if (newer == NULL) {
            continue;
        }
        PyCodeObject *code = (PyCodeObject *)newer;
        PyObject *closure = NULL;
        if (PyCode_GetNumFree(code) > 0) {
            closure = closure_for(func, code);
            if (closure == NULL) {
                if (PyErr_Occurred() ||
                    mf_report_add(commit->report, 304, '=',
                                  target->module->name, code->co_qualname,
                                  code->co_filename, code->co_firstlineno,
                                  "a closure made at run time keeps its old "
                                  "code: the new one needs a variable that "
                                  "it never captured") < 0) {
                    return -1;
                }
                continue;
            }
        }
        PyObject *variant =
            mf_redefine_function_variant(func, code, closure);
        Py_XDECREF(closure);
        int rc = variant ? mf_commit_exchange(commit, (PyObject *)func, variant)
                         : -1;
        Py_XDECREF(variant);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

static int
shift_lines(struct mf_commit *commit)
{
    for (size_t i = 0; i < commit->plan->targets.len; i++) {
        struct mf_target *target = commit->plan->targets.items[i];
        PyObject *codes = target->module->codes;
        struct mf_diff *diff = &target->change->diff;
        if (target->change->kind != MF_CHANGE_EDITED || codes == NULL) {
            continue;
        }
        Py_ssize_t at = 0, n = PyList_GET_SIZE(codes);
        for (uint32_t d = 0; d < diff->len; d++) {
            int delta;
            const struct mf_unit *u =
                mf_baseline_shifted(diff, d, &delta);
            if (u == NULL || delta == 0) {
                continue;
            }
            /* both are in the order of lines: go on from where we were */
            while (at > 0 &&
                   ((PyCodeObject *)PyList_GET_ITEM(codes, at - 1))
                           ->co_firstlineno >= (int)u->line) {
                at--;
            }
            for (; at < n; at++) {
                PyCodeObject *code =
                    (PyCodeObject *)PyList_GET_ITEM(codes, at);
                if (code->co_firstlineno > (int)u->end_line) {
                    break;
                }
                if (code->co_firstlineno >= (int)u->line &&
                    !mf_map_has(&target->exchange, code) &&
                    add_shift(commit, code, delta) < 0) {
                    return -1;
                }
            }
        }
    }
    return 0;
}

/* The main module's own code runs on: its lines, too. */
static int
shift_main(struct mf_commit *commit)
{
    for (size_t i = 0; i < commit->plan->targets.len; i++) {
        struct mf_target *target = commit->plan->targets.items[i];
        if (target->change->kind == MF_CHANGE_EDITED &&
            mf_plan_main_of(target->change) == target) {
            Py_CLEAR(commit->main_code);
            Py_XSETREF(commit->main_lines,
                       mf_redefine_lines_make(target, &commit->main_code));
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int
bases_first(const void *a, const void *b)
{
    const struct mf_class_change *x = a, *y = b;
    Py_ssize_t n = PyTuple_GET_SIZE(x->old_class->tp_mro);
    Py_ssize_t m = PyTuple_GET_SIZE(y->old_class->tp_mro);
    return (n > m) - (n < m);
}

static int
find_asked(struct mf_commit *commit)
{
    struct mf_merge *merge = commit->merge;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < merge->len; i++) {
        if (merge->writes[i].kind == MF_WRITE_CONTENTS) {
            rc = mf_class_caches_registry(merge->writes[i].holder,
                                          &commit->asked);
        }
    }
    return rc < 0 ? -1 : 0;
}

int
mf_commit_prepare(struct mf_commit *commit)
{
    struct mf_match *match = commit->match;
    struct mf_merge *merge = commit->merge;
    if (mf_rebuild_find(&commit->rebuild, merge) < 0) {
        return -1;
    }
    if (mf_report_reasons(commit->report) > 0) {
        return 0;
    }
    int ran = mf_migrate_run(merge, commit->hooks, &commit->rebuild);
    if (ran < 0 || mf_report_reasons(commit->report) > 0) {
        return ran < 0 ? -1 : 0;
    }
    if (mf_rebuild_settle(&commit->rebuild, merge) < 0) {
        return -1;
    }
    if (ran > 0 && commit->stage != NULL && mf_commit_find_holders(commit) < 0) {
        return -1;
    }
    for (size_t i = 0; i < match->len; i++) {
        struct mf_pair *pair = &match->pairs[i];
        if (pair->kind == MF_PAIR_FUNCTION &&
            mf_merge_keep_attributes(merge, pair) < 0) {
            return -1;
        }
        if (pair->kind == MF_PAIR_FUNCTION &&
            mf_commit_exchange(commit, pair->old_obj, pair->new_obj) < 0) {
            return -1;
        }
    }
    if (exchange_codes(commit) < 0 || mf_commit_copy_docs(commit) < 0 ||
        shift_lines(commit) < 0 || shift_main(commit) < 0 ||
        mf_commit_find_replaced(commit) < 0) {
        return -1;
    }
    if (mf_register_run(merge) < 0 || find_asked(commit) < 0 ||
        mf_commit_find_hashed(commit) < 0) {
        return -1;
    }
    if (mf_report_reasons(commit->report) > 0) {
        return 0;
    }
    if (mf_class_notes_find(&commit->notes, commit->plan) < 0 ||
        mf_redefine_annotations_prepare(&commit->annotations, commit->plan,
                                        commit->stage) < 0) {
        return -1;
    }
    if (mf_undo_reserve(&commit->undo,
                        2 * commit->n_exchanges + commit->n_shifts +
                            2 * merge->len + commit->notes.writes.len +
                            commit->annotations.len + 8) < 0) {
        return -1;
    }
    if (merge->n_classes > 1) {
        qsort(merge->classes, merge->n_classes, sizeof(*merge->classes),
              bases_first);
    }
    for (size_t i = 0; i < merge->n_classes; i++) {
        if (!merge->classes[i].rebuilt &&
            mf_redefine_class_prepare(&merge->classes[i], &commit->undo) <
                0) {
            return -1;
        }
    }
    commit->new_codes = mf_baseline_codes(commit->plan);
    return commit->new_codes == NULL ||
                   (commit->stage && mf_baseline_note_new(commit->stage) < 0)
               ? -1
               : mf_rebuild_check(&commit->rebuild, merge, &commit->undo,
                                  commit->report);
}

/* ---- apply --------------------------------------------------------------------- */

/* Live holders follow; logged. Tables whose keys' hashes derive from what
 * moved find their keys again. */
static int
rewrite_live(struct mf_undo *undo, struct mf_become *become,
             struct mf_vec *holders)
{
    become->undo = undo;
    for (size_t i = 0; i < holders->len; i++) {
        PyObject *holder = holders->items[i];
        if (mf_become_refers(become->pairs, holder) &&
            mf_become_object(become, holder) < 0) {
            return -1;
        }
    }
    return become->moved.used > 0 ? mf_become_rehash(become, NULL) : 0;
}

static int
apply_all(struct mf_commit *commit)
{
    struct mf_undo *undo = &commit->undo;
    struct mf_merge *merge = commit->merge;
    if (mf_rebuild_apply(&commit->rebuild, undo) < 0) {
        return -1;
    }
    for (size_t i = 0; i < merge->n_classes; i++) {
        if (merge->classes[i].rebuilt) {
            continue;
        }
        if (mf_fault_step() ||
            mf_redefine_class_apply(&merge->classes[i], undo) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < commit->n_exchanges; i++) {
        struct mf_exchange *e = &commit->exchanges[i];
        if (mf_fault_step() ||
            mf_redefine_function_apply(undo, e->old_func, e->new_func) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < merge->n_classes; i++) {
        if (!merge->classes[i].rebuilt &&
            mf_redefine_class_abstract(&merge->classes[i], undo) < 0) {
            return -1;
        }
    }
    if (mf_redefine_frame_apply(&commit->moves, undo) < 0) {
        return -1;
    }
    for (size_t i = 0; i < commit->match->len; i++) {
        struct mf_pair *pair = &commit->match->pairs[i];
        if (pair->kind == MF_PAIR_INSTANCE &&
            mf_rebuild_new(&commit->rebuild, pair->old_obj) ==
                pair->old_obj &&
            mf_redefine_data_instance(undo, pair->old_obj, pair->new_obj) <
                0) {
            return -1;
        }
    }
    for (size_t i = 0; i < merge->len; i++) {
        struct mf_write *w = &merge->writes[i];
        int rc = mf_fault_step() ? -1 : 0;
        if (rc == 0 && w->kind == MF_WRITE_CONTENTS) {
            rc = mf_redefine_data_contents(undo, w->holder, w->value);
        }
        else if (rc == 0 && w->kind == MF_WRITE_ATTRIBUTE) {
            rc = mf_redefine_data_attribute(undo, w->holder, w->key,
                                            w->value);
        }
        else if (rc == 0 && w->kind == MF_WRITE_CELL) {
            rc = mf_redefine_data_cell(undo, w->holder, w->value);
        }
        if (rc < 0) {
            return -1;
        }
    }
    commit->become.pairs = &commit->match->home;
    commit->replaces.pairs = &commit->replace;
    if (mf_commit_move_hashed(commit) < 0 ||
        rewrite_live(undo, &commit->become, &commit->live_holders) < 0 ||
        rewrite_live(undo, &commit->replaces, &commit->replace_holders) < 0) {
        return -1;
    }
    for (size_t i = 0; i < commit->n_shifts; i++) {
        if (mf_redefine_code_shift_logged(undo, commit->shifts[i].code,
                                          commit->shifts[i].delta) < 0) {
            return -1;
        }
    }
    if (commit->main_lines != NULL &&
        mf_redefine_lines_apply(undo, commit->main_code,
                                commit->main_lines) < 0) {
        return -1;
    }
    if (mf_class_notes_apply(&commit->notes, undo) < 0 ||
        mf_redefine_annotations_apply(&commit->annotations, undo) < 0) {
        return -1;
    }
    for (size_t i = 0; i < merge->len; i++) {
        struct mf_write *w = &merge->writes[i];
        if (w->kind == MF_WRITE_NAME &&
            (mf_fault_step() ||
             mf_undo_dict_set(undo, w->holder, w->key, w->value) < 0)) {
            return -1;
        }
    }
    return mf_redefine_module_apply(undo, commit->plan, commit->stage);
}

int
mf_commit_apply(struct mf_commit *commit)
{
    int rc = apply_all(commit);
    if (rc == 0 && mf_fault_lever(MF_LEVER_FORCE_ROLLBACK)) {
        PyErr_SetString(PyExc_RuntimeError, "forced rollback");
        rc = -1;
    }
    if (rc < 0) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_RuntimeError, "a step was made to fail");
        }
        PyObject *type, *value, *tb;
        PyErr_Fetch(&type, &value, &tb);
        mf_undo_replay(&commit->undo);
        PyErr_Restore(type, value, tb);
        return -1;
    }
    commit->applied = true;
    return 0;
}

/* ---- finish --------------------------------------------------------------------- */

static void
clear_caches(struct mf_commit *commit)
{
    for (size_t i = 0; i < commit->match->caches.len; i++) {
        PyObject *done = PyObject_CallMethod(commit->match->caches.items[i],
                                             "cache_clear", NULL);
        Py_XDECREF(done);
        PyErr_Clear();
    }
}

void
mf_commit_finish(struct mf_commit *commit, struct mf_state *state)
{
    struct mf_merge *merge = commit->merge;
    if (mf_rebuild_finish(&commit->rebuild) < 0) {
        mf_report_late(commit->report);
    }
    for (size_t i = 0; i < merge->n_classes; i++) {
        if (!merge->classes[i].rebuilt &&
            mf_redefine_class_finish(&merge->classes[i]) < 0) {
            mf_report_late(commit->report);
        }
    }
    if (commit->asked.len > 0 && mf_class_caches_forget(&commit->asked) < 0) {
        mf_report_late(commit->report);
    }
    for (size_t i = 0; i < commit->match->len; i++) {
        struct mf_pair *pair = &commit->match->pairs[i];
        PyObject *live = mf_rebuild_new(&commit->rebuild, pair->old_obj);
        if (pair->kind == MF_PAIR_CLASS &&
            mf_class_caches_carry((PyTypeObject *)live,
                                  (PyTypeObject *)pair->new_obj,
                                  &commit->match->home) < 0) {
            mf_report_late(commit->report);
        }
    }
    for (size_t t = 0; t < commit->plan->targets.len; t++) {
        struct mf_target *target = commit->plan->targets.items[t];
        size_t at = 0;
        void *old_code;
        uintptr_t new_code;
        while (mf_map_next(&target->exchange, &at, &old_code, &new_code)) {
            if (mf_redefine_code_carry_events(
                    (PyCodeObject *)old_code, (PyCodeObject *)new_code) < 0) {
                mf_report_late(commit->report);
            }
        }
    }
    if (mf_redefine_frame_arm(&commit->moves, &state->armed) < 0) {
        mf_report_late(commit->report); /* they finish in the old code */
    }
    mf_older_settle(state, true);
    mf_baseline_move(state, commit->plan, commit->merge,
                     commit->new_codes);
    clear_caches(commit);
    mf_undo_drop(&commit->undo);
}

void
mf_commit_clear(struct mf_commit *commit)
{
    if (commit->moves.state != NULL && !commit->applied) {
        mf_older_settle(commit->moves.state, false);
    }
    if (commit->stage != NULL && !commit->applied) {
        mf_baseline_forget_new(commit->stage);
    }
    for (size_t i = 0; i < commit->n_exchanges; i++) {
        Py_DECREF(commit->exchanges[i].old_func);
        Py_DECREF(commit->exchanges[i].new_func);
    }
    mf_free(commit->exchanges);
    for (size_t i = 0; i < commit->n_shifts; i++) {
        Py_DECREF(commit->shifts[i].code);
    }
    mf_free(commit->shifts);
    Py_CLEAR(commit->main_code);
    Py_CLEAR(commit->main_lines);
    mf_vec_clear_refs(&commit->live_holders);
    mf_vec_clear_refs(&commit->replace_holders);
    mf_vec_clear_refs(&commit->asked);
    mf_map_clear(&commit->replace);
    mf_become_clear(&commit->become);
    mf_become_clear(&commit->replaces);
    mf_class_notes_clear(&commit->notes);
    mf_vec_clear_refs(&commit->annotations);
    mf_vec_clear_refs(&commit->hashed);
    mf_rebuild_clear(&commit->rebuild);
    Py_CLEAR(commit->new_codes);
    mf_undo_drop(&commit->undo);
    mf_redefine_frame_clear(&commit->moves);
    memset(commit, 0, sizeof(*commit));
}
