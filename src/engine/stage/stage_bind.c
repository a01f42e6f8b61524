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

/* ---- what a block may not bind again --------------------------------------------- */

/* The name means what this block alone had given it: something that the source
 * brings back. */
static int
may_forget(struct mf_staged *staged, uint32_t at, PyObject *name)
{
    struct mf_diff *diff = &staged->target->change->diff;
    PyObject *base = staged->target->module->base;
    PyObject *live = PyDict_GetItemWithError(staged->dict, name);
    uint32_t other;
    int binds = live == NULL ? 0
                             : mf_diff_binder(diff, MF_UNIT_NONE, name,
                                              MF_UNIT_NONE, &other);
    if (binds <= 0 || other != at) {
        return binds < 0 || PyErr_Occurred() ? -1 : 0;
    }
    binds = mf_diff_binder(diff, MF_UNIT_NONE, name, at, &other);
    if (binds != 0) {
        return binds < 0 ? -1 : 0;
    }
    PyObject *noted = base ? PyDict_GetItemWithError(base, name) : NULL;
    return PyErr_Occurred() ? -1
           : PyFunction_Check(live) || PyType_Check(live)
               ? 1
               : noted != NULL && mf_diff_const_equal(noted, live, 0) == 1;
}

int
mf_stage_forget(struct mf_staged *staged, uint32_t at)
{
    struct mf_diff *diff = &staged->target->change->diff;
    struct mf_delta *delta = &diff->deltas[at];
    struct mf_names *names =
        diff->new_of.split->units[delta->new_unit].kind == MF_UNIT_BLOCK
            ? mf_diff_names(diff, delta)
            : NULL;
    PyObject *name, *iter = names ? PyObject_GetIter(names->stores) : NULL;
    int rc = 0;
    while (iter != NULL && rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        /* one that asks for itself is made once (try: X, except: X = {}) */
        rc = PySet_Contains(names->loads, name);
        rc = rc == 0 ? may_forget(staged, at, name) : rc > 0 ? 0 : rc;
        rc = rc > 0 ? PyDict_DelItem(staged->dict, name) : rc;
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
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
                             !diff->deltas[at].derived ||
                                 diff->deltas[at].remade);
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

/* Of one class, or of one that the same update has made again? */
static bool
alike(PyTypeObject *a, PyTypeObject *b)
{
    return a == b ||
           (PyType_HasFeature(a, Py_TPFLAGS_HEAPTYPE) &&
            PyType_HasFeature(b, Py_TPFLAGS_HEAPTYPE) &&
            PyUnicode_Compare(((PyHeapTypeObject *)a)->ht_qualname,
                              ((PyHeapTypeObject *)b)->ht_qualname) == 0);
}

/* A member of a class that has run as a whole, assigned by a statement that is
 * not edited: the staged class has the live value from now on, and whatever
 * the class statement has made of the other one (a metaclass's table of
 * columns) comes home with it. Containers and enum members have their own way:
 * merge_twins.c, match.c. */
static int
keep_member(struct mf_stage *stage, PyTypeObject *live_cls,
            PyTypeObject *fresh_cls, PyObject *name)
{
    PyObject *live = PyDict_GetItemWithError(live_cls->tp_dict, name);
    PyObject *fresh = PyDict_GetItemWithError(fresh_cls->tp_dict, name);
    if (live == NULL || fresh == NULL || live == fresh ||
        !alike(Py_TYPE(live), Py_TYPE(fresh)) || !PyObject_IS_GC(live) ||
        PyFunction_Check(live) || PyType_Check(live) ||
        PyTuple_CheckExact(live) || PyList_CheckExact(live) ||
        PyDict_CheckExact(live) || PySet_CheckExact(live) ||
        Py_TYPE(fresh) == fresh_cls ||
        Py_TYPE(live) == live_cls || Py_TYPE(live)->tp_descr_get != NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    if (mf_vec_push_ref(&stage->clone_refs, live) < 0) {
        return -1;
    }
    if (mf_vec_push_ref(&stage->clone_refs, fresh) < 0) {
        Py_DECREF(stage->clone_refs.items[--stage->clone_refs.len]);
        return -1;
    }
    return PyDict_SetItem(fresh_cls->tp_dict, name, live);
}

static int
keep_members(struct mf_stage *stage, struct mf_staged *staged, uint32_t at,
             PyTypeObject *live, PyTypeObject *fresh)
{
    struct mf_diff *diff = &staged->target->change->diff;
    int rc = 0;
    for (uint32_t i = at + 1; rc == 0 && i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != at || d->kind != MF_DELTA_SAME ||
            diff->new_of.split->units[d->new_unit].name_len > 0) {
            continue;
        }
        int nothing = mf_diff_reads_nothing(diff, d);
        if (nothing > 0) {
            continue; /* opts = None, and the metaclass has filled it in */
        }
        struct mf_names *names = nothing < 0 ? NULL : mf_diff_names(diff, d);
        PyObject *name, *iter = names ? PyObject_GetIter(names->stores) : NULL;
        rc = iter ? 0 : -1;
        while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
            uint32_t last;
            int binds = mf_diff_binder(diff, at, name, MF_UNIT_NONE, &last);
            rc = binds < 0               ? -1
                 : binds && last == i ? keep_member(stage, live, fresh, name)
                                         : 0;
            Py_DECREF(name);
        }
        Py_XDECREF(iter);
        rc = PyErr_Occurred() ? -1 : rc;
    }
    PyType_Modified(fresh);
    return rc;
}

/* The class that a statement has just made, if it is to become the live one. */
static int
keep_in_class(struct mf_stage *stage, struct mf_staged *staged, uint32_t at)
{
    struct mf_diff *diff = &staged->target->change->diff;
    struct mf_delta *delta = &diff->deltas[at];
    const struct mf_unit *u = &diff->new_of.split->units[delta->new_unit];
    if (u->kind != MF_UNIT_CLASS || delta->old_unit == MF_UNIT_NONE ||
        delta->parent != MF_UNIT_NONE) {
        return 0;
    }
    PyObject *live = mf_plan_live_class(staged->target, delta);
    PyObject *name = PyUnicode_FromStringAndSize(
        PyBytes_AS_STRING(diff->new_of.text->bytes) + u->name, u->name_len);
    PyObject *fresh =
        name ? PyDict_GetItemWithError(staged->dict, name) : NULL;
    Py_XDECREF(name);
    return live != NULL && fresh != NULL && fresh != live &&
                   PyType_Check(fresh) &&
                   PyType_HasFeature((PyTypeObject *)fresh,
                                     Py_TPFLAGS_HEAPTYPE)
               ? keep_members(stage, staged, at, (PyTypeObject *)live,
                              (PyTypeObject *)fresh)
           : PyErr_Occurred() ? -1
                              : 0;
}

int
mf_stage_keep(struct mf_stage *stage, struct mf_staged *staged, uint32_t at)
{
    struct mf_diff *diff = &staged->target->change->diff;
    if (keep_in_class(stage, staged, at) < 0) {
        return -1;
    }
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
