/* stage_step.c -- owns one step: a statement of a module, run over the staging
 * namespace. In: a delta that runs. Out: the names that it binds, its effects,
 * or a reason.
 */
#include "stage_parts.h"

#include "../ground/compat.h"
#include "../ground/trace.h"

int
mf_stage_note_bound(struct mf_staged *staged, PyObject *name, bool edited)
{
    PyObject *known = PyDict_GetItemWithError(staged->bound, name);
    if (known == Py_True || PyErr_Occurred()) {
        return PyErr_Occurred() ? -1 : 0;
    }
    return PyDict_SetItem(staged->bound, name, edited ? Py_True : Py_False);
}

static int
note_all_bound(struct mf_staged *staged, PyObject *names, bool edited)
{
    PyObject *name, *iter = PyObject_GetIter(names);
    int rc = iter == NULL ? -1 : 0;
    while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        rc = mf_stage_note_bound(staged, name, edited);
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* A step of user code failed: its exception is a reason. */
int
mf_stage_step_failed(struct mf_stage *stage, struct mf_target *target,
            struct mf_delta *delta)
{
    if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        stage->interrupted = true;
    }
    else if (stage->failed) { /* the reason is in the report */
        PyErr_Clear();
        return 0;
    }
    PyObject *name = NULL;
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    name = mf_plan_unit_name(target->change, delta);
    if (name == NULL) {
        PyErr_Clear();
    }
    if (!PyErr_GivenExceptionMatches(type, PyExc_MemoryError) &&
        mf_plan_refused(target->change, delta) < 0) {
        PyErr_Clear();
    }
    PyErr_Restore(type, value, tb);
    int rc = mf_report_exception(
        stage->report, 402, target->module->name, name,
        target->change->source->path,
        mf_plan_unit_line(target->change, delta));
    Py_XDECREF(name);
    return rc;
}

/* What a name held before a prerequisite bound it anew: it holds it again at
 * the end, unless another statement has run that binds it. */
static int
save_names(struct mf_staged *staged, PyObject *names)
{
    if (staged->saved == NULL && (staged->saved = PyDict_New()) == NULL) {
        return -1;
    }
    PyObject *name, *iter = PyObject_GetIter(names);
    int rc = iter ? 0 : -1;
    while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        if (PyDict_GetItemWithError(staged->saved, name) == NULL) {
            PyObject *value = PyDict_GetItemWithError(staged->dict, name);
            rc = PyDict_SetItem(staged->saved, name,
                                value ? value : Py_NotImplemented);
        }
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

int
mf_stage_restore_names(struct mf_staged *staged)
{
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (staged->saved != NULL &&
           PyDict_Next(staged->saved, &pos, &name, &value)) {
        if (PyDict_GetItemWithError(staged->bound, name) != NULL) {
            continue;
        }
        int rc = 0;
        if (value != Py_NotImplemented) {
            rc = PyDict_SetItem(staged->dict, name, value);
        }
        else if (PyDict_GetItemWithError(staged->dict, name) != NULL) {
            rc = PyDict_DelItem(staged->dict, name);
        }
        if (rc < 0 || PyErr_Occurred()) {
            return -1;
        }
    }
    return 0;
}

/* What the step did is read at once; its own exception stays set. */
int
mf_stage_read_effects(struct mf_stage *stage)
{
    struct mf_error error;
    mf_compat_error_aside(&error);
    int rc = mf_effects_after(&stage->effects);
    return mf_compat_error_again(&error) < 0 ? -1 : rc;
}

/* A derived step would have started something: it has not run. */
int
mf_stage_step_stopped(struct mf_stage *stage, struct mf_target *target,
             struct mf_delta *delta, const char *what, size_t loaded)
{
    mf_stage_unload_since(stage, loaded);
    delta->stale = true;
    delta->runs = false;
    PyObject *name = mf_plan_unit_name(target->change, delta);
    int rc = name ? mf_report_add(
                        stage->report, 301, '=', target->module->name, name,
                        target->change->source->path,
                        mf_plan_unit_line(target->change, delta),
                        "%U reads what has changed; it was stopped when it "
                        "ran again: it would have started %s",
                        name, what)
                  : -1;
    Py_XDECREF(name);
    if (rc < 0 || mf_stage_read_effects(stage) < 0) {
        return -1;
    }
    mf_stage_give_since(stage, loaded, true);
    while (stage->loaded.len > loaded) {
        mf_stage_loaded_free(stage, stage->loaded.items[--stage->loaded.len]);
    }
    return 0;
}

/* Names that no instruction of the statement stores: star imports, writes
 * through globals(). */
static bool
writes_by_itself(struct mf_names *names)
{
    static const char *const ways[] = {"globals", "locals", "vars", "exec",
                                       "setattr"};
    if (names->imports) {
        return true;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(ways); i++) {
        PyObject *way = PyUnicode_FromString(ways[i]);
        bool used = way != NULL && PySet_Contains(names->loads, way) == 1;
        Py_XDECREF(way);
        if (used) {
            return true;
        }
    }
    PyErr_Clear();
    return false;
}

static int
note_other_writes(struct mf_staged *staged)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(staged->dict, &pos, &key, &value)) {
        if (PyDict_GetItemWithError(staged->before, key) != value &&
            (staged->saved == NULL ||
             PyDict_GetItemWithError(staged->saved, key) == NULL) &&
            mf_stage_note_bound(staged, key, true) < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int
run_unit(struct mf_stage *stage, struct mf_staged *staged,
         struct mf_delta *delta)
{
    struct mf_diff *diff = &staged->target->change->diff;
    PyObject *code = mf_diff_new_code(diff, delta);
    struct mf_names *names = code ? mf_diff_names(diff, delta) : NULL;
    struct mf_guard_step guarded;
    size_t loaded = stage->loaded.len;
    if (names == NULL ||
        mf_stage_before_step(stage, staged, delta, code, NULL) < 0 ||
        mf_guard_begin(&stage->guard, &guarded, delta->derived, staged->dict,
                       staged->bound) < 0) {
        return -1;
    }
    MF_TRACE(3, "run line %ld%s%s",
             mf_plan_unit_line(staged->target->change, delta),
             delta->derived ? " derived" : "",
             delta->prerequisite ? " prerequisite" : "");
    int rc = delta->prerequisite
                 ? save_names(staged, names->stores)
                 : note_all_bound(staged, names->stores,
                                  !delta->derived || delta->remade);
    if (rc == 0 && !delta->prerequisite) {
        rc = mf_stage_forget(staged, (uint32_t)(delta - diff->deltas));
    }
    PyObject *result =
        rc == 0 ? PyEval_EvalCode(code, staged->dict, staged->dict) : NULL;
    int stopped = mf_guard_end(&stage->guard, &guarded, &stage->effects);
    if (rc < 0 || stopped != 0) {
        Py_XDECREF(result);
        return rc < 0 || stopped < 0
                   ? -1
                   : mf_stage_step_stopped(stage, staged->target, delta, guarded.what,
                                  loaded);
    }
    if (mf_stage_read_effects(stage) < 0) {
        Py_XDECREF(result);
        return -1;
    }
    if (result == NULL) {
        return mf_stage_step_failed(stage, staged->target, delta);
    }
    Py_DECREF(result);
    if (!delta->prerequisite &&
        mf_stage_keep(stage, staged, (uint32_t)(delta - diff->deltas)) < 0) {
        return -1;
    }
    return writes_by_itself(names) ? note_other_writes(staged) : 0;
}

int
mf_stage_run_step(struct mf_stage *stage, struct mf_staged *staged,
                  struct mf_delta *delta)
{
    uint32_t unit = delta->new_unit;
    int rc = run_unit(stage, staged, delta);
    return rc < 0 ? rc : mf_stage_annotations_ran(staged, unit);
}
