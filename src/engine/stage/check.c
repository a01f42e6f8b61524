/* check.c -- owns the reasons. In: pairs. Out: entries in the report, one
 * function per reason.
 */
#include "check.h"

static PyObject *
qualname(PyObject *cls)
{
    return ((PyHeapTypeObject *)cls)->ht_qualname;
}

/* A named tuple's fields are its items: other fields are another layout, if
 * any instance lives. */
static bool
fields_differ(struct mf_pair *pair)
{
    PyTypeObject *a = (PyTypeObject *)pair->old_obj;
    PyTypeObject *b = (PyTypeObject *)pair->new_obj;
    if (!PyType_IsSubtype(a, &PyTuple_Type)) {
        return false;
    }
    PyObject *x = PyDict_GetItemString(a->tp_dict, "_fields");
    PyObject *y = PyDict_GetItemString(b->tp_dict, "_fields");
    if (x == NULL || y == NULL || !PyTuple_CheckExact(x) ||
        !PyTuple_CheckExact(y) || mf_diff_const_equal(x, y, 0) == 1) {
        return false;
    }
    struct mf_vec instances = {0};
    bool some = mf_heap_instances_of(a, true, &instances) < 0 ||
                instances.len > 0;
    mf_vec_clear_refs(&instances);
    PyErr_Clear();
    return some;
}

static int
check_shape(struct mf_match *match, struct mf_pair *pair,
            struct mf_report *report)
{
    PyObject *detail;
    if (fields_differ(pair)) {
        PyObject *named = qualname(pair->old_obj);
        return mf_report_add(report, 422, '=', pair->target->module->name,
                             named, pair->target->change->source->path, 0,
                             "the fields of the named tuple %U change: its "
                             "instances cannot get them yet; restart to take "
                             "this edit",
                             named);
    }
    int shape = mf_shape_compare((PyTypeObject *)pair->old_obj,
                                 (PyTypeObject *)pair->new_obj, &match->home,
                                 &detail);
    if (shape != MF_SHAPE_LAYOUT) {
        return shape < 0 ? -1 : 0;
    }
    Py_DECREF(detail);
    pair->rebuild = true;
    return 0;
}

/* An enum member that is an int, a str ... too: its value is in the object. */
static int
check_member(struct mf_match *match, struct mf_pair *pair,
             struct mf_report *report)
{
    PyObject *a = pair->old_obj, *b = pair->new_obj;
    PyTypeObject *builtin = PyLong_Check(a)    ? &PyLong_Type
                            : PyUnicode_Check(a) ? &PyUnicode_Type
                            : PyFloat_Check(a)   ? &PyFloat_Type
                            : PyBytes_Check(a)   ? &PyBytes_Type
                                                 : NULL;
    (void)match;
    if (builtin == NULL) {
        return 0;
    }
    PyObject *same = builtin->tp_richcompare(a, b, Py_EQ);
    int equal = same == Py_True;
    Py_XDECREF(same);
    if (same == NULL || equal) {
        return same == NULL ? -1 : 0;
    }
    PyObject *name = qualname((PyObject *)Py_TYPE(a));
    return mf_report_add(report, 421, '=', pair->target->module->name, name,
                         pair->target->change->source->path, 0,
                         "a member of %U is a %s whose value changes: every "
                         "reference to it would have to follow, which is not "
                         "possible yet; restart to take this edit",
                         name, builtin->tp_name);
}

int
mf_check_run(struct mf_match *match, struct mf_report *report)
{
    for (size_t i = 0; i < match->len; i++) {
        struct mf_pair *pair = &match->pairs[i];
        int rc = pair->kind == MF_PAIR_CLASS
                     ? check_shape(match, pair, report)
                 : pair->kind == MF_PAIR_INSTANCE
                     ? check_member(match, pair, report)
                     : 0;
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

static bool
is_definition(PyObject *obj)
{
    return PyFunction_Check(obj) ||
           (PyType_Check(obj) &&
            PyType_HasFeature((PyTypeObject *)obj, Py_TPFLAGS_HEAPTYPE));
}

/* What a definition's decorators had made of it: any callable that is no
 * plain data. */
static bool
is_decorated(PyObject *obj)
{
    return PyCallable_Check(obj) && !PyModule_Check(obj);
}

static int
check_name(struct mf_match *match, struct mf_staged *staged, PyObject *name,
           struct mf_map *replace)
{
    PyObject *old_obj = PyDict_GetItemWithError(staged->live_dict, name);
    PyObject *new_obj = PyDict_GetItemWithError(staged->dict, name);
    if (old_obj == NULL || new_obj == NULL || old_obj == new_obj ||
        mf_map_has(&match->paired, old_obj)) {
        return PyErr_Occurred() ? -1 : 0;
    }
    if (!is_definition(old_obj) && !is_decorated(old_obj)) {
        return 0;
    }
    if (!mf_match_defines(staged->target->change, name) ||
        !mf_match_is_fresh(match, new_obj)) {
        return 0;
    }
    return mf_map_put(replace, old_obj, (uintptr_t)new_obj);
}

int
mf_check_replaced(struct mf_match *match, struct mf_map *replace)
{
    struct mf_stage *stage = match->stage;
    for (size_t i = 0; stage != NULL && i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        PyObject *name, *how;
        Py_ssize_t pos = 0;
        while (staged->target != NULL &&
               PyDict_Next(staged->bound, &pos, &name, &how)) {
            if (check_name(match, staged, name, replace) < 0) {
                return -1;
            }
        }
    }
    return 0;
}
