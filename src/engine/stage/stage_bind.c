/* stage_bind.c -- owns import bindings while staging: what a module had taken
 * from another one by name and what that one has now. In: import edges. Out:
 * names bound in staging namespaces.
 */
#include "stage_parts.h"

static int
bind_value(struct mf_staged *staged, PyObject *as, PyObject *value,
           PyObject *old)
{
    PyObject *live = PyDict_GetItemWithError(staged->live_dict, as);
    if (live == NULL && PyErr_Occurred()) {
        return -1;
    }
    /* a name that the importer has rebound itself stays its own */
    if (live != NULL && live != old) {
        PyObject *base = staged->target->module->base
                             ? PyDict_GetItemWithError(
                                   staged->target->module->base, as)
                             : NULL;
        if (base == NULL || mf_diff_const_equal(base, live, 0) != 1) {
            return PyErr_Occurred() ? -1 : 0;
        }
    }
    if (PyDict_SetItem(staged->dict, as, value) < 0) {
        return -1;
    }
    return mf_stage_note_bound(staged, as, true);
}

static int
bind_star(struct mf_staged *staged, struct mf_staged *from)
{
    PyObject *all = PyDict_GetItemString(from->dict, "__all__");
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(from->dict, &pos, &key, &value)) {
        if (!PyUnicode_Check(key)) {
            continue;
        }
        int public = all != NULL && PySequence_Check(all)
                         ? PySequence_Contains(all, key)
                         : PyUnicode_READ_CHAR(key, 0) != '_';
        PyObject *old = PyDict_GetItemWithError(from->live_dict, key);
        bool missing =
            PyDict_GetItemWithError(staged->dict, key) == NULL;
        if (public < 0 || (public && (value != old || missing) &&
                           bind_value(staged, key, value, old) < 0)) {
            return -1;
        }
    }
    /* names that went, or are public no more, go from the importer too */
    pos = 0;
    while (PyDict_Next(from->live_dict, &pos, &key, &value)) {
        bool gone = PyDict_GetItemWithError(from->dict, key) == NULL;
        if (!gone && all != NULL && PySequence_Check(all)) {
            PyObject *was = PyDict_GetItemString(from->live_dict, "__all__");
            gone = PySequence_Contains(all, key) == 0 && was != NULL &&
                   PySequence_Check(was) && PySequence_Contains(was, key) == 1;
        }
        if (gone && PyUnicode_Check(key) &&
            PyDict_GetItemWithError(staged->dict, key) == value) {
            if (PyDict_DelItem(staged->dict, key) < 0 ||
                mf_stage_note_bound(staged, key, true) < 0) {
                return -1;
            }
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* A name that no namespace holds: the module's own __getattr__ gives it. */
static int
bind_by_getattr(struct mf_stage *stage, struct mf_staged *staged,
                struct mf_staged *from, struct mf_edge *edge)
{
    PyObject *hook = PyDict_GetItemString(from->dict, "__getattr__");
    PyObject *value = PyObject_CallOneArg(hook, edge->name);
    int rc = 0;
    if (value == NULL) {
        rc = edge->guarded ? (PyErr_Clear(), 0)
                           : mf_report_exception(
                                 stage->report, 403,
                                 staged->target->module->name, edge->as,
                                 staged->target->change->source->path,
                                 (long)edge->line);
    }
    else {
        rc = PyDict_SetItem(staged->dict, edge->as, value) < 0
                 ? -1
                 : mf_stage_note_bound(staged, edge->as, false);
    }
    Py_XDECREF(value);
    return rc;
}

static int
run_bind(struct mf_stage *stage, struct mf_staged *staged,
         struct mf_edge *edge)
{
    PyObject *entry =
        PyDict_GetItemWithError(PyImport_GetModuleDict(), edge->module);
    struct mf_staged *from =
        entry != NULL && PyModule_Check(entry)
            ? mf_stage_of(stage, PyModule_GetDict(entry))
            : NULL;
    if (from == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    if (edge->as == NULL) {
        return bind_star(staged, from);
    }
    PyObject *value = PyDict_GetItemWithError(from->dict, edge->name);
    PyObject *old = PyDict_GetItemWithError(from->live_dict, edge->name);
    if (value == NULL && old == NULL && !PyErr_Occurred() &&
        PyDict_GetItemString(from->dict, "__getattr__") != NULL) {
        return bind_by_getattr(stage, staged, from, edge);
    }
    if (value == NULL) {
        PyObject *mine = PyDict_GetItemWithError(staged->live_dict, edge->as);
        if (PyErr_Occurred()) {
            return -1;
        }
        if (edge->guarded || old == NULL || mine != old) {
            return 0;
        }
        return mf_report_add(
            stage->report, 403, '=', staged->target->module->name, edge->as,
            staged->target->change->source->path, (long)edge->line,
            "ImportError: cannot import name '%U' from '%U': the update "
            "removes it",
            edge->name, edge->module);
    }
    /* under a condition, and it could have been taken before: it did not run */
    bool ran = !edge->guarded || old == NULL ||
               PyDict_GetItemWithError(staged->live_dict, edge->as) != NULL;
    if (PyErr_Occurred()) {
        return -1;
    }
    return value == old || !ran ? 0
                                : bind_value(staged, edge->as, value, old);
}

/* Import bindings of one statement: what it had taken from a staged module
 * and what that module has now. */
int
mf_stage_run_binds(struct mf_stage *stage, struct mf_staged *staged, uint32_t unit)
{
    struct mf_edges *edges = &staged->target->change->edges;
    for (uint32_t e = 0; e < edges->len; e++) {
        struct mf_edge *edge = &edges->items[e];
        if (edge->unit == unit && !edge->nested && edge->name != NULL &&
            staged->target->change->split.units[unit].kind !=
                MF_UNIT_CLASS &&
            run_bind(stage, staged, edge) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- final bindings ---------------------------------------------------------- */

/* Names that a statement binds which has not run here, behind those that have:
 * they mean at the end what they mean in the live module. */
int
mf_stage_restore_later(struct mf_staged *staged)
{
    PyObject *name, *edited;
    Py_ssize_t pos = 0;
    int rc = 0;
    while (rc == 0 && staged->bound != NULL &&
           PyDict_Next(staged->bound, &pos, &name, &edited)) {
        if (!mf_plan_bound_later(staged->target->change, name)) {
            continue;
        }
        PyObject *live = PyDict_GetItemWithError(staged->live_dict, name);
        PyObject *fresh = PyDict_GetItemWithError(staged->dict, name);
        if (fresh == NULL || fresh == live) {
            continue;
        }
        if (staged->later == NULL) {
            staged->later = PyList_New(0);
        }
        rc = staged->later && PyList_Append(staged->later, fresh) == 0 ? 0 : -1;
        if (rc == 0) {
            rc = live ? PyDict_SetItem(staged->dict, name, live)
                      : PyDict_DelItem(staged->dict, name);
        }
    }
    return rc;
}

/* ---- values that stay -------------------------------------------------------- */

static int
keep_name(struct mf_stage *stage, struct mf_staged *staged, PyObject *name,
          uint32_t at)
{
    struct mf_diff *diff = &staged->target->change->diff;
    PyObject *live = PyDict_GetItemWithError(staged->live_dict, name);
    PyObject *fresh = PyDict_GetItemWithError(staged->dict, name);
    uint32_t last;
    if (live == NULL || fresh == NULL || live == fresh || PyErr_Occurred()) {
        return PyErr_Occurred() ? -1 : 0;
    }
    /* a statement behind it goes on with what this one gave */
    int binds =
        mf_diff_binder(diff, MF_UNIT_NONE, name, MF_UNIT_NONE, &last);
    if (binds <= 0 || last != at) {
        return binds < 0 ? -1 : 0;
    }
    int stays = stage->stays(stage->stays_arg, staged, at, name,
                             !diff->deltas[at].derived);
    if (stays <= 0) {
        return stays;
    }
    if (staged->kept == NULL && (staged->kept = PyDict_New()) == NULL) {
        return -1;
    }
    return PyDict_SetItem(staged->kept, name, fresh) < 0
               ? -1
               : PyDict_SetItem(staged->dict, name, live);
}

int
mf_stage_keep(struct mf_stage *stage, struct mf_staged *staged, uint32_t at)
{
    struct mf_diff *diff = &staged->target->change->diff;
    struct mf_names *names =
        stage->stays ? mf_diff_names(diff, &diff->deltas[at]) : NULL;
    PyObject *name, *iter = names ? PyObject_GetIter(names->stores) : NULL;
    int rc = 0;
    while (iter != NULL && rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        rc = keep_name(stage, staged, name, at);
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}
