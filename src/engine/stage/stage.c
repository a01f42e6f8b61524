/* stage.c -- owns the staging namespaces and what runs in them. In: a plan.
 * Out: staged values, members that ran, modules that were loaded. Import
 * redirection holds for code over the staging builtins only; other threads
 * see nothing.
 */
#include "stage_parts.h"

#include "../ground/fault.h"

/* ---- staged modules ------------------------------------------------------ */

struct mf_staged *
mf_stage_of(struct mf_stage *stage, PyObject *live_dict)
{
    return mf_map_get(&stage->by_live, live_dict);
}

struct mf_staged *
mf_stage_add_staged(struct mf_stage *stage, PyObject *name, PyObject *live,
           PyObject *live_dict, struct mf_target *target)
{
    struct mf_staged *staged = mf_alloc(sizeof(*staged));
    if (staged == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    if (mf_vec_push(&stage->items, staged) < 0) {
        mf_free(staged);
        return NULL;
    }
    if (mf_map_put(&stage->by_live, live_dict, (uintptr_t)staged) < 0) {
        stage->items.len--;
        mf_free(staged);
        return NULL;
    }
    staged->target = target;
    staged->live = Py_NewRef(live);
    staged->live_dict = Py_NewRef(live_dict);
    staged->module = PyModule_NewObject(name);
    staged->bound = PyDict_New();
    if (staged->module == NULL || staged->bound == NULL) {
        return NULL;
    }
    staged->dict = Py_NewRef(PyModule_GetDict(staged->module));
    if (PyDict_Update(staged->dict, live_dict) < 0 ||
        PyDict_SetItemString(staged->dict, "__builtins__", stage->builtins) <
            0) {
        return NULL;
    }
    return staged;
}

/* Modules that are values of a staging namespace become their staged sides. */
int
mf_stage_link_modules(struct mf_stage *stage)
{
    for (size_t i = 0; i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        PyObject *key, *value;
        Py_ssize_t pos = 0;
        while (PyDict_Next(staged->dict, &pos, &key, &value)) {
            if (!PyModule_Check(value)) {
                continue;
            }
            struct mf_staged *other =
                mf_stage_of(stage, PyModule_GetDict(value));
            /* the key exists: setting it does not change the dict's form */
            if (other != NULL &&
                PyDict_SetItem(staged->dict, key, other->module) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* Packages around the staged modules, so that `import a.b` finds them. */
static int
stage_parents(struct mf_stage *stage)
{
    PyObject *loaded = PyImport_GetModuleDict();
    for (size_t i = 0; i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        PyObject *name = PyModule_GetNameObject(staged->module);
        if (name == NULL) {
            return -1;
        }
        Py_ssize_t n = PyUnicode_GET_LENGTH(name);
        Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, n, -1);
        PyObject *parent =
            dot > 0 ? PyUnicode_Substring(name, 0, dot) : NULL;
        Py_DECREF(name);
        if (parent == NULL) {
            continue;
        }
        PyObject *live = PyDict_GetItemWithError(loaded, parent);
        struct mf_staged *added = staged;
        if (live != NULL && PyModule_Check(live) &&
            mf_stage_of(stage, PyModule_GetDict(live)) == NULL) {
            added = mf_stage_add_staged(stage, parent, live, PyModule_GetDict(live),
                               NULL);
        }
        Py_DECREF(parent);
        if (added == NULL) {
            return -1;
        }
    }
    return 0;
}

/* ---- the run ----------------------------------------------------------------------- */

/* Names whose statements are gone go first; a later statement may bind them
 * again. */
static int
remove_names(struct mf_staged *staged)
{
    struct mf_diff *diff = &staged->target->change->diff;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *delta = &diff->deltas[i];
        if (delta->parent != MF_UNIT_NONE || delta->old_unit == MF_UNIT_NONE ||
            !(delta->kind == MF_DELTA_REMOVED ||
              delta->kind == MF_DELTA_RUN)) {
            continue;
        }
        struct mf_names names;
        int rc = mf_diff_old_names(diff, delta, &names);
        PyObject *name, *iter =
                            rc == 0 ? PyObject_GetIter(names.stores) : NULL;
        while (iter != NULL && (name = PyIter_Next(iter)) != NULL) {
            int other = mf_plan_bound_elsewhere(staged->target->change, delta,
                                                name);
            if (other == 0 &&
                PyDict_GetItemWithError(staged->dict, name) != NULL) {
                rc = PyDict_DelItem(staged->dict, name);
            }
            if (rc < 0 || other < 0 || mf_stage_note_bound(staged, name, true) < 0) {
                rc = -1;
            }
            Py_DECREF(name);
        }
        Py_XDECREF(iter);
        mf_names_clear(&names);
        if (rc < 0 || PyErr_Occurred()) {
            return -1;
        }
    }
    return 0;
}

/* Before a statement that imports staged modules: those run first, as they
 * would when the program starts. */
static int
run_imported(struct mf_stage *stage, struct mf_staged *staged, uint32_t unit)
{
    struct mf_edges *edges = &staged->target->change->edges;
    for (uint32_t e = 0; e < edges->len; e++) {
        struct mf_edge *edge = &edges->items[e];
        if (edge->unit != unit || edge->nested) {
            continue;
        }
        for (size_t i = 0; i < stage->items.len; i++) {
            struct mf_staged *other = stage->items.items[i];
            if (other->target == NULL || other->started) {
                continue;
            }
            PyObject *name = other->target->module->name;
            bool hit = PyUnicode_Compare(name, edge->module) == 0;
            if (!hit && edge->name != NULL) {
                PyObject *sub = PyUnicode_FromFormat("%U.%U", edge->module,
                                                     edge->name);
                hit = sub && PyUnicode_Compare(sub, name) == 0;
                Py_XDECREF(sub);
            }
            int rc = hit ? mf_stage_run_target(stage, other) : 0;
            if (rc != 0) {
                return rc;
            }
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

int
mf_stage_run_target(struct mf_stage *stage, struct mf_staged *staged)
{
    struct mf_diff *diff = &staged->target->change->diff;
    if (staged->started) {
        return mf_report_reasons(stage->report) > 0;
    }
    staged->started = true;
    if (staged->target->change->kind == MF_CHANGE_EDITED &&
        remove_names(staged) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *delta = &diff->deltas[i];
        if (delta->new_unit == MF_UNIT_NONE) {
            continue;
        }
        int rc = 0;
        if (delta->parent == MF_UNIT_NONE) {
            rc = run_imported(stage, staged, delta->new_unit);
            delta = &diff->deltas[i];
        }
        if (rc == 0 && delta->parent == MF_UNIT_NONE) {
            rc = delta->runs
                     ? mf_stage_run_step(stage, staged, delta)
                     : mf_stage_run_binds(stage, staged, delta->new_unit);
        }
        else if (rc == 0 &&
                 (delta->kind == MF_DELTA_RUN ||
                  delta->kind == MF_DELTA_ADDED) &&
                 diff->deltas[delta->parent].kind == MF_DELTA_CLASS &&
                 !diff->deltas[delta->parent].runs) {
            rc = mf_stage_run_member(stage, staged, i);
        }
        else if (rc == 0 && delta->names_again) {
            rc = mf_stage_name_again(stage, staged, i);
        }
        if (rc != 0) {
            return rc;
        }
        if (mf_report_reasons(stage->report) > 0) {
            return 1;
        }
    }
    return mf_stage_restore_names(staged) < 0 ? -1 : mf_stage_restore_later(staged);
}

/* The last module of each group, in the order of sys.modules. */
static int
last_of_groups(struct mf_map *by_name, PyObject *names, struct mf_map *last)
{
    for (Py_ssize_t n = 0; n < PyList_GET_SIZE(names); n++) {
        struct mf_staged *staged =
            mf_map_get(by_name, PyList_GET_ITEM(names, n));
        uintptr_t group = staged ? staged->target->change->group : 0;
        if (group != 0 &&
            mf_map_put(last, (void *)group, (uintptr_t)staged) < 0) {
            return -1;
        }
    }
    return 0;
}

/* In the order in which the program imported them; each runs those that it
 * imports first, at the place of the import. sys.modules has them as their
 * imports ended: of modules that import each other, the last one was the first
 * to begin. */
static int
run_all(struct mf_stage *stage)
{
    struct mf_map by_name = {0}; /* key in sys.modules -> struct mf_staged * */
    struct mf_map last = {0};    /* number of a group -> struct mf_staged * */
    PyObject *names = PyDict_Keys(PyImport_GetModuleDict());
    int rc = names ? 0 : -1;
    for (size_t i = 0; i < stage->items.len && rc == 0; i++) {
        struct mf_staged *staged = stage->items.items[i];
        rc = staged->target ? mf_map_put(&by_name,
                                         staged->target->module->name,
                                         (uintptr_t)staged)
                            : 0;
    }
    rc = rc == 0 ? last_of_groups(&by_name, names, &last) : rc;
    for (Py_ssize_t n = 0; rc == 0 && n < PyList_GET_SIZE(names); n++) {
        struct mf_staged *staged =
            mf_map_get(&by_name, PyList_GET_ITEM(names, n));
        if (staged == NULL || staged->started) {
            continue;
        }
        uintptr_t group = staged->target->change->group;
        struct mf_staged *first =
            group != 0 ? mf_map_get(&last, (void *)group) : staged;
        if (!first->started) {
            rc = mf_stage_run_target(stage, first);
        }
        if (rc == 0 && !staged->started) {
            rc = mf_stage_run_target(stage, staged);
        }
    }
    Py_XDECREF(names);
    mf_map_clear(&by_name);
    mf_map_clear(&last);
    for (size_t i = 0; i < stage->items.len && rc == 0; i++) {
        struct mf_staged *staged = stage->items.items[i];
        if (staged->target != NULL && !staged->started &&
            mf_report_reasons(stage->report) == 0) {
            rc = mf_stage_run_target(stage, staged);
        }
    }
    return rc < 0 ? -1 : 0;
}

int
mf_stage_run(struct mf_stage *stage, struct mf_state *state,
             struct mf_plan *plan, struct mf_report *report)
{
    stage->state = state;
    stage->plan = plan;
    stage->report = report;
    stage->effects.runs = mf_stage_calls_runs;
    stage->effects.runs_arg = stage;
    if (mf_stage_make_builtins(stage) < 0 || mf_heap_mark_set(&stage->mark) < 0 ||
        mf_guard_open(&stage->guard, state) < 0) {
        return -1;
    }
    PyObject *loaded = PyImport_GetModuleDict();
    for (size_t i = 0; i < plan->targets.len; i++) {
        struct mf_target *target = plan->targets.items[i];
        PyObject *live =
            PyDict_GetItemWithError(loaded, target->module->name);
        PyObject *returns = mf_stage_returns(stage, target->module->dict);
        live = returns ? returns : live;
        if (live == NULL) {
            continue;
        }
        if (mf_stage_add_staged(stage, target->module->name, live,
                       target->module->dict, target) == NULL) {
            return -1;
        }
    }
    if (stage_parents(stage) < 0 || mf_stage_bring_back(stage) < 0 ||
        mf_stage_link_modules(stage) < 0) {
        return -1;
    }
    for (size_t i = 0; i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        staged->before = PyDict_Copy(staged->dict);
        if (staged->before == NULL ||
            mf_map_put(&stage->effects.foreign, staged->dict, 1) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        if (staged->target != NULL && mf_stage_look_at_old(stage, staged) < 0) {
            return -1;
        }
    }
    if (mf_stage_reruns(plan, &stage->reruns) < 0) {
        return -1;
    }
    state->stage = stage;
    state->staging_thread = PyThread_get_thread_ident();
    int rc = mf_stage_calls_begin(stage) < 0 ? -1 : run_all(stage);
    mf_stage_calls_end(stage);
    state->stage = NULL;
    state->staging_thread = 0;
    return rc;
}

void
mf_stage_drop(struct mf_stage *stage)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    mf_stage_unload_since(stage, 0);
    mf_effects_take_back(&stage->effects);
    if (stage->report != NULL &&
        mf_guard_report(&stage->guard, stage->report) < 0) {
        PyErr_Clear();
    }
    mf_stage_give_since(stage, 0, true);
    PyErr_Restore(type, value, tb);
}

void
mf_stage_open_modules(struct mf_stage *stage)
{
    mf_stage_give_since(stage, 0, false);
}

struct mf_stage *
mf_stage_of_thread(struct mf_state *state)
{
    return state != NULL &&
                   state->staging_thread == PyThread_get_thread_ident()
               ? state->stage
               : NULL;
}

struct mf_stage *
mf_stage_current(void)
{
    struct mf_state *state = mf_state_get();
    if (state == NULL) {
        PyErr_Clear();
    }
    return state ? state->stage : NULL;
}

void
mf_stage_abandon(struct mf_stage *stage)
{
    if (stage->state->stage == stage) {
        stage->state->stage = NULL;
        stage->state->staging_thread = 0;
    }
    mf_guard_close(&stage->guard);
    mf_effects_clear(&stage->effects);
    mf_heap_mark_clear(&stage->mark);
}

void
mf_stage_clear(struct mf_stage *stage)
{
    mf_stage_keep_running(stage);
    mf_guard_close(&stage->guard);
    for (size_t i = 0; i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        Py_XDECREF(staged->before);
        Py_XDECREF(staged->saved);
        Py_XDECREF(staged->kept);
        Py_XDECREF(staged->bound);
        Py_XDECREF(staged->later);
        Py_XDECREF(staged->annotated);
        Py_XDECREF(staged->module);
        Py_XDECREF(staged->dict);
        Py_XDECREF(staged->live);
        Py_XDECREF(staged->live_dict);
        mf_free(staged);
    }
    mf_vec_clear(&stage->items);
    for (size_t i = 0; i < stage->members.len; i++) {
        struct mf_member *member = stage->members.items[i];
        Py_XDECREF(member->cls);
        Py_XDECREF(member->set);
        Py_XDECREF(member->gone);
        mf_free(member);
    }
    mf_vec_clear(&stage->members);
    for (size_t i = 0; i < stage->loaded.len; i++) {
        mf_stage_loaded_free(stage, stage->loaded.items[i]);
    }
    mf_vec_clear(&stage->loaded);
    mf_map_clear(&stage->by_live);
    mf_map_clear(&stage->strange);
    mf_map_clear(&stage->clones);
    mf_vec_clear_refs(&stage->clone_refs);
    mf_vec_clear_refs(&stage->kept);
    mf_effects_clear(&stage->effects);
    mf_reruns_clear(&stage->reruns);
    Py_CLEAR(stage->spaces);
    Py_CLEAR(stage->builtins);
    Py_CLEAR(stage->real_builtins);
    mf_heap_mark_clear(&stage->mark);
}
