/* check.c -- owns the reasons. In: pairs. Out: entries in the report, one
 * function per reason.
 */
#include "check.h"

static PyObject *
fields_of(PyTypeObject *type)
{
    PyObject *name = PyUnicode_InternFromString("_fields");
    PyObject *found = name && PyType_IsSubtype(type, &PyTuple_Type)
                          ? _PyType_Lookup(type, name)
                          : NULL;
    Py_XDECREF(name);
    return found && PyTuple_CheckExact(found) ? found : NULL;
}

/* A named tuple's fields are its items. */
static bool
fields_differ(struct mf_pair *pair)
{
    PyObject *x = fields_of((PyTypeObject *)pair->old_obj);
    PyObject *y = fields_of((PyTypeObject *)pair->new_obj);
    return x != NULL && y != NULL && mf_diff_const_equal(x, y, 0) != 1;
}

static int
check_shape(struct mf_match *match, struct mf_pair *pair)
{
    PyObject *detail;
    pair->renew = fields_differ(pair);
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

static int
same_items(PyObject *a, PyObject *b)
{
    PyObject *x = PyTuple_GetSlice(a, 0, PyTuple_GET_SIZE(a));
    PyObject *y = x ? PyTuple_GetSlice(b, 0, PyTuple_GET_SIZE(b)) : NULL;
    int equal = y ? mf_diff_const_equal(x, y, 0) : -1;
    Py_XDECREF(x);
    Py_XDECREF(y);
    return equal;
}

/* An enum member that is an int, a str ... too: its value is in the object. */
static int
check_member(struct mf_pair *pair)
{
    PyObject *a = pair->old_obj, *b = pair->new_obj;
    PyTypeObject *builtin = Py_TYPE(a);
    while (builtin->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        builtin = builtin->tp_base;
    }
    if (PyTuple_Check(a) && PyTuple_Check(b)) {
        int equal = same_items(a, b);
        pair->renew = equal == 0;
        return equal < 0 ? -1 : 0;
    }
    if (builtin == &PyBaseObject_Type || builtin->tp_richcompare == NULL ||
        PyList_Check(a) || PyDict_Check(a) || PyAnySet_Check(a)) {
        return 0; /* no value, or one that would ask its items */
    }
    PyObject *same = builtin->tp_richcompare(a, b, Py_EQ);
    int equal = same == Py_True;
    Py_XDECREF(same);
    if (same == NULL || equal) {
        return same == NULL ? -1 : 0;
    }
    pair->renew = true;
    return 0;
}

int
mf_check_run(struct mf_match *match, struct mf_report *report)
{
    for (size_t i = 0; i < match->len; i++) {
        struct mf_pair *pair = &match->pairs[i];
        int rc = pair->kind == MF_PAIR_CLASS
                     ? check_shape(match, pair)
                 : pair->kind == MF_PAIR_INSTANCE
                     ? check_member(pair)
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
