/* effects_state.c -- owns what holders are that hold no items: bytes of a
 * bytearray or array, the place where a counter stands; and the registry that
 * an ABC keeps in C. In: exact objects of builtin types. Out: contents of one
 * item, a value that does not change; the holder with such contents.
 */
#include "effects_copy.h"

#include "../ground/compat.h"
#include "../ground/compat_objects.h"

enum { MOST_BYTES = 8 << 20, BYTES_PER_ITEM = 64 };

static bool
is_array(PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);
    if (strcmp(type->tp_name, "array.array") != 0) {
        return false;
    }
    PyObject *module =
        PyDict_GetItemString(PyImport_GetModuleDict(), "array");
    return module != NULL && PyModule_Check(module) &&
           PyDict_GetItemString(PyModule_GetDict(module), "array") ==
               (PyObject *)type;
}

bool
mf_effects_is_state(PyObject *obj)
{
    if (PyByteArray_CheckExact(obj)) {
        return true;
    }
    /* all others are known to the collector, and no classes of the program */
    return PyObject_IS_GC(obj) &&
           (!PyType_HasFeature(Py_TYPE(obj), Py_TPFLAGS_HEAPTYPE) ||
            PyType_HasFeature(Py_TYPE(obj), Py_TPFLAGS_IMMUTABLETYPE)) &&
           (is_array(obj) || mf_compat_obj_is_counter(obj));
}

static Py_ssize_t
bytes_in(PyObject *obj)
{
    Py_buffer view;
    if (PyByteArray_CheckExact(obj)) {
        return PyByteArray_GET_SIZE(obj);
    }
    if (!is_array(obj) || PyObject_GetBuffer(obj, &view, PyBUF_SIMPLE) < 0) {
        PyErr_Clear();
        return 0;
    }
    Py_ssize_t size = view.len;
    PyBuffer_Release(&view);
    return size;
}

Py_ssize_t
mf_effects_state_size(PyObject *obj)
{
    Py_ssize_t size = bytes_in(obj);
    return size > MOST_BYTES ? PY_SSIZE_T_MAX : 1 + size / BYTES_PER_ITEM;
}

int
mf_effects_state_read(PyObject *obj, struct mf_contents *out)
{
    PyObject *state = PyByteArray_CheckExact(obj) || is_array(obj)
                          ? PyBytes_FromObject(obj)
                          : mf_compat_obj_counter_read(obj);
    out->hashes = NULL;
    out->items = state ? PyTuple_Pack(1, state) : NULL;
    Py_XDECREF(state);
    return out->items ? 0 : -1;
}

bool
mf_effects_state_same(const struct mf_contents *a, const struct mf_contents *b)
{
    PyObject *x = PyTuple_GET_ITEM(a->items, 0);
    PyObject *y = PyTuple_GET_ITEM(b->items, 0);
    if (PyBytes_Check(x)) {
        return PyBytes_GET_SIZE(x) == PyBytes_GET_SIZE(y) &&
               memcmp(PyBytes_AS_STRING(x), PyBytes_AS_STRING(y),
                      (size_t)PyBytes_GET_SIZE(x)) == 0;
    }
    /* what counts beyond machine words is another object at every step */
    return PyLong_AsSsize_t(PyTuple_GET_ITEM(x, 0)) ==
               PyLong_AsSsize_t(PyTuple_GET_ITEM(y, 0)) &&
           PyTuple_GET_ITEM(x, 1) == PyTuple_GET_ITEM(y, 1);
}

static int
put_array(PyObject *array, PyObject *bytes)
{
    PyObject *code = PyObject_GetAttrString(array, "typecode");
    PyObject *other =
        code ? PyObject_CallFunctionObjArgs((PyObject *)Py_TYPE(array), code,
                                            bytes, NULL)
             : NULL;
    PyObject *all = other ? PySlice_New(NULL, NULL, NULL) : NULL;
    int rc = all ? PyObject_SetItem(array, all, other) : -1;
    Py_XDECREF(all);
    Py_XDECREF(other);
    Py_XDECREF(code);
    return rc;
}

int
mf_effects_state_put(PyObject *obj, const struct mf_contents *wanted)
{
    PyObject *state = PyTuple_GET_ITEM(wanted->items, 0);
    if (is_array(obj)) {
        return put_array(obj, state);
    }
    if (!PyByteArray_CheckExact(obj)) {
        mf_compat_obj_counter_write(obj, state);
        return 0;
    }
    /* somebody may look at it through a view: then its size stays */
    if (PyByteArray_GET_SIZE(obj) != PyBytes_GET_SIZE(state) &&
        PyByteArray_Resize(obj, PyBytes_GET_SIZE(state)) < 0) {
        return -1;
    }
    memcpy(PyByteArray_AS_STRING(obj), PyBytes_AS_STRING(state),
           (size_t)PyBytes_GET_SIZE(state));
    return 0;
}

/* ---- ABCs ---------------------------------------------------------------------- */

PyObject *
mf_effects_abc_registry(PyObject *cls, PyObject **name)
{
    static PyObject *own; /* equal to no name that code has */
    PyObject *set = mf_compat_obj_abc_registry(cls);
    if (set != NULL && own == NULL) {
        own = PyUnicode_FromString("registry of an ABC");
    }
    *name = own;
    if (own == NULL) {
        PyErr_Clear();
    }
    return own ? set : NULL;
}

bool
mf_effects_is_abc_registry(const struct mf_effect *effect)
{
    PyObject *key;
    Py_hash_t hash;
    Py_ssize_t pos = 0;
    return effect->kind == MF_EFFECT_SET && effect->name != NULL &&
           PyUnicode_CompareWithASCIIString(effect->name,
                                            "registry of an ABC") == 0 &&
           (!mf_compat_set_next(effect->holder, &pos, &key, &hash) ||
            PyWeakref_Check(key));
}
