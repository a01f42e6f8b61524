/* compat_subclasses.c -- a class's list of its subclasses, as CPython keeps it.
 *
 * Owns entries of tp_subclasses, static types' included. In: base and sub.
 * Out: the entry is there, or gone.
 */
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#include "compat_objects.h"

/* The dict of a base's subclasses where it is a field, or NULL. */
static PyObject *
subclass_dict(PyTypeObject *base)
{
#if PY_VERSION_HEX >= 0x030c0000
    if (base->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN) {
        return NULL;
    }
#endif
    return (PyObject *)base->tp_subclasses;
}

static bool
is_static(PyTypeObject *base)
{
#if PY_VERSION_HEX >= 0x030c0000
    return (base->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN) != 0;
#else
    (void)base;
    return false;
#endif
}

/* How many dicts of static bases hold the weak reference of sub. */
static Py_ssize_t
static_holders(PyTypeObject *sub)
{
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(sub->tp_bases); i++) {
        PyTypeObject *base =
            (PyTypeObject *)PyTuple_GET_ITEM(sub->tp_bases, i);
        count += is_static(base);
    }
    return count;
}

static int
remove_by_search(PyObject *ref, PyObject *key)
{
    PyObject *gc = PyImport_ImportModule("gc");
    if (gc == NULL) {
        return -1;
    }
    PyObject *holders = PyObject_CallMethod(gc, "get_referrers", "O", ref);
    Py_DECREF(gc);
    if (holders == NULL) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(holders); i++) {
        PyObject *holder = PyList_GET_ITEM(holders, i);
        if (PyDict_CheckExact(holder) &&
            PyDict_GetItemWithError(holder, key) == ref &&
            PyDict_DelItem(holder, key) < 0) {
            PyErr_Clear();
        }
    }
    Py_DECREF(holders);
    return 0;
}

int
mf_compat_obj_subclass_remove(PyTypeObject *base, PyTypeObject *sub)
{
    int result = 0;
    PyObject *key = PyLong_FromVoidPtr(sub);
    if (key == NULL) {
        return -1;
    }
    if (!is_static(base)) {
        PyObject *dict = subclass_dict(base);
        if (dict != NULL && PyDict_GetItemWithError(dict, key) != NULL) {
            result = PyDict_DelItem(dict, key) < 0 ? -1 : 1;
        }
        else if (PyErr_Occurred()) {
            result = -1;
        }
        Py_DECREF(key);
        return result;
    }
    PyObject *ref = PyWeakref_NewRef((PyObject *)sub, NULL);
    if (ref == NULL) {
        result = -1;
    }
    else if (Py_REFCNT(ref) <= 1 + static_holders(sub)) {
        /* Only lists of subclasses hold it, ours is the last. */
        _PyWeakref_ClearRef((PyWeakReference *)ref);
    }
    else {
        result = remove_by_search(ref, key);
    }
    Py_XDECREF(ref);
    Py_DECREF(key);
    return result < 0 ? -1 : 1;
}

int
mf_compat_obj_subclass_add(PyTypeObject *base, PyTypeObject *sub)
{
    if (is_static(base)) {
        /* The setter takes the class out of its bases' lists and puts it in
         * again; it asks the metaclass' mro() if that has one of its own. */
        PyObject *bases = Py_NewRef(sub->tp_bases);
        PyObject *name = PyUnicode_InternFromString("__bases__");
        int result = -1;
        if (name != NULL) {
            result = PyType_Type.tp_setattro((PyObject *)sub, name, bases);
        }
        Py_XDECREF(name);
        Py_DECREF(bases);
        return result;
    }
    PyObject *dict = subclass_dict(base);
    if (dict == NULL) {
        dict = PyDict_New();
        if (dict == NULL) {
            return -1;
        }
        base->tp_subclasses = (void *)dict;
    }
    PyObject *key = PyLong_FromVoidPtr(sub);
    PyObject *ref = PyWeakref_NewRef((PyObject *)sub, NULL);
    int result = -1;
    if (key != NULL && ref != NULL) {
        result = PyDict_SetItem(dict, key, ref);
    }
    Py_XDECREF(key);
    Py_XDECREF(ref);
    return result;
}
