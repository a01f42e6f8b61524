/* rebuild_instance.c -- makes one instance anew for another layout. In: the
 * instance that lives, its new class. Out: an instance that nobody sees yet,
 * with the same attributes.
 *
 * What C code keeps in an instance is known for the builtin types that
 * classes are usually built on; for others there is no instance.
 */
#include "rebuild.h"

#include "../ground/compat.h"
#include "../ground/compat_fields.h"
#include "../ground/compat_objects.h"
#include "../stage/fields.h"
#include "../stage/merge_parts.h"

/* The nearest base that no class statement made. */
static PyTypeObject *
builtin_of(PyTypeObject *type)
{
    while (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        type = type->tp_base;
    }
    return type;
}

/* The value of an immutable builtin as an exact instance of it. New. */
static PyObject *
exact_value(PyTypeObject *builtin, PyObject *old)
{
    if (builtin == &PyLong_Type) {
        return PyLong_Type.tp_as_number->nb_positive(old);
    }
    if (builtin == &PyFloat_Type) {
        return PyFloat_FromDouble(PyFloat_AS_DOUBLE(old));
    }
    if (builtin == &PyUnicode_Type) {
        return PyUnicode_FromObject(old);
    }
    if (builtin == &PyBytes_Type) {
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(old),
                                         PyBytes_GET_SIZE(old));
    }
    if (builtin == &PyTuple_Type) {
        return PyTuple_GetSlice(old, 0, PyTuple_GET_SIZE(old));
    }
    if (builtin == &PyFrozenSet_Type) {
        return PyFrozenSet_New(old);
    }
    return NULL;
}

static PyObject *
immutable(PyTypeObject *cls, PyTypeObject *builtin, PyObject *old)
{
    PyObject *value = exact_value(builtin, old);
    PyObject *args = value ? PyTuple_Pack(1, value) : NULL;
    PyObject *out = args ? builtin->tp_new(cls, args, NULL) : NULL;
    Py_XDECREF(args);
    Py_XDECREF(value);
    return out;
}

static int
fill_container(PyTypeObject *builtin, PyObject *to, PyObject *from)
{
    if (builtin == &PyList_Type) {
        PyObject *items = PyList_GetSlice(from, 0, PyList_GET_SIZE(from));
        int rc = items ? PyList_SetSlice(to, 0, 0, items) : -1;
        Py_XDECREF(items);
        return rc;
    }
    if (builtin == &PySet_Type) {
        PyObject *same = PySet_Type.tp_as_number->nb_inplace_or(to, from);
        Py_XDECREF(same);
        return same ? 0 : -1;
    }
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    Py_hash_t hash;
    while (mf_compat_dict_next(from, &pos, &key, &value, &hash)) {
        if (mf_compat_dict_set(to, key, value, hash) < 0) {
            return -1;
        }
    }
    return 0;
}

static PyObject *
container(PyTypeObject *cls, PyTypeObject *builtin, PyObject *old)
{
    PyObject *args = PyTuple_New(0);
    PyObject *out = args ? builtin->tp_new(cls, args, NULL) : NULL;
    Py_XDECREF(args);
    if (out != NULL && PyObject_TypeCheck(old, builtin) &&
        fill_container(builtin, out, old) < 0) {
        Py_CLEAR(out);
    }
    return out;
}

static PyObject *
exception(PyTypeObject *cls, PyTypeObject *builtin, PyObject *old)
{
    if (builtin->tp_basicsize != (Py_ssize_t)sizeof(PyBaseExceptionObject)) {
        return NULL;
    }
    PyBaseExceptionObject *from =
        PyExceptionInstance_Check(old) ? (PyBaseExceptionObject *)old : NULL;
    PyObject *args = from ? Py_NewRef(from->args) : PyTuple_New(0);
    PyObject *out = args ? builtin->tp_new(cls, args, NULL) : NULL;
    Py_XDECREF(args);
    if (out != NULL && from != NULL) {
        PyBaseExceptionObject *to = (PyBaseExceptionObject *)out;
        Py_XSETREF(to->notes, Py_XNewRef(from->notes));
        Py_XSETREF(to->traceback, Py_XNewRef(from->traceback));
        Py_XSETREF(to->context, Py_XNewRef(from->context));
        Py_XSETREF(to->cause, Py_XNewRef(from->cause));
        to->suppress_context = from->suppress_context;
    }
    return out;
}

PyObject *
mf_rebuild_blank(PyTypeObject *cls, PyObject *old)
{
    PyTypeObject *builtin = builtin_of(cls);
    PyObject *out = NULL;
    if (builtin == &PyBaseObject_Type) {
        return mf_compat_fields_blank(cls);
    }
    if (builtin == &PyLong_Type || builtin == &PyFloat_Type ||
        builtin == &PyUnicode_Type || builtin == &PyBytes_Type ||
        builtin == &PyTuple_Type || builtin == &PyFrozenSet_Type) {
        out = PyObject_TypeCheck(old, builtin) ? immutable(cls, builtin, old)
                                               : NULL;
    }
    else if (builtin == &PyList_Type || builtin == &PyDict_Type ||
             builtin == &PySet_Type) {
        out = container(cls, builtin, old);
    }
    else if (PyType_IsSubtype(builtin, (PyTypeObject *)PyExc_BaseException)) {
        out = exception(cls, builtin, old);
    }
    if (out != NULL) {
        mf_compat_obj_finalized(out, true);
    }
    return out;
}

/* ---- attributes ----------------------------------------------------------------- */

static int
note(PyObject *name, PyObject *value, void *dict)
{
    return PyDict_SetItem(dict, name, value);
}

int
mf_rebuild_take_dict(struct mf_undo *undo, PyObject *from, PyObject *to)
{
    PyObject **word = mf_compat_obj_managed_dict(from);
    if (word == NULL && Py_TYPE(from)->tp_dictoffset > 0) {
        word = _PyObject_GetDictPtr(from);
    }
    if (word == NULL || *word == NULL || Py_REFCNT(*word) < 2 ||
        !mf_compat_fields_has_dict(Py_TYPE(to))) {
        return 0;
    }
    PyObject *dict = *word;
    PyObject *mine = PyObject_GenericGetDict(to, NULL);
    PyObject *contents = mine ? PyDict_Copy(mine) : NULL;
    int rc = contents == NULL || mf_compat_obj_detach_values(from) < 0 ||
                     mf_undo_dict_exchange(undo, dict, contents) < 0
                 ? -1
                 : PyObject_GenericSetDict(to, dict, NULL);
    Py_XDECREF(contents);
    Py_XDECREF(mine);
    return rc;
}

/* For an undo. Weakly, where the instance allows it. */
static int
remember(struct mf_merge *merge, PyObject *obj, PyObject *name,
         PyObject *value)
{
    PyObject *ref = mf_compat_obj_weakrefs(obj) != NULL
                        ? PyWeakref_NewRef(obj, NULL)
                        : Py_NewRef(obj);
    int rc = ref ? mf_merge_note_replaced(merge, ref, name, value, NULL) : -1;
    Py_XDECREF(ref);
    return rc;
}

PyObject *
mf_rebuild_copy(struct mf_merge *merge, PyObject *from, PyObject *to)
{
    PyObject *copied = PyDict_New();
    if (copied == NULL || mf_compat_fields_each(from, note, copied) < 0) {
        Py_XDECREF(copied);
        return NULL;
    }
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(copied, &pos, &name, &value)) {
        int rc = mf_fields_set(NULL, to, name, value);
        if (rc > 0) {
            rc = remember(merge, from, name, value);
        }
        if (rc < 0) {
            Py_DECREF(copied);
            return NULL;
        }
    }
    return copied;
}

int
mf_rebuild_copy_again(PyObject *from, PyObject *to, PyObject *copied)
{
    PyObject *now = PyDict_New();
    int rc = now ? mf_compat_fields_each(from, note, now) : -1;
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (rc == 0 && PyDict_Next(now, &pos, &name, &value)) {
        if (PyDict_GetItemWithError(copied, name) != value) {
            rc = mf_fields_set(NULL, to, name, value) < 0 ? -1 : 0;
        }
    }
    pos = 0;
    while (rc == 0 && PyDict_Next(copied, &pos, &name, &value)) {
        if (PyDict_GetItemWithError(now, name) == NULL) {
            rc = mf_fields_set(NULL, to, name, NULL) < 0 ? -1 : 0;
        }
    }
    Py_XDECREF(now);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}
