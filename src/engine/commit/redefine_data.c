/* redefine_data.c -- owns writes into the program's containers. In: holders
 * and their new contents. Out: the same objects, other contents, logged.
 */
#include "redefine_data.h"

#include "../ground/compat_fields.h"
#include "../read/source.h"

/* deque: the only container here that has no exchange of its own; its items
 * are replaced through its own C methods, which run no user code. */
static int
deque_fill(PyObject *deque, PyObject *items)
{
    PyObject *done = PyObject_CallMethod(deque, "clear", NULL);
    if (done == NULL) {
        return -1;
    }
    Py_DECREF(done);
    done = PyObject_CallMethod(deque, "extend", "O", items);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static void
deque_back(PyObject *arg)
{
    if (deque_fill(PyTuple_GET_ITEM(arg, 0), PyTuple_GET_ITEM(arg, 1)) < 0) {
        PyErr_Clear();
    }
}

/* (function, arguments, keywords, __dict__): its own C methods, as above. */
static PyObject *
partial_state(PyObject *partial)
{
    PyObject *reduced = PyObject_CallMethod(partial, "__reduce__", NULL);
    PyObject *state = reduced && PyTuple_Check(reduced) &&
                              PyTuple_GET_SIZE(reduced) == 3
                          ? Py_NewRef(PyTuple_GET_ITEM(reduced, 2))
                          : NULL;
    Py_XDECREF(reduced);
    if (state != NULL &&
        (!PyTuple_Check(state) || PyTuple_GET_SIZE(state) != 4)) {
        Py_CLEAR(state);
    }
    if (state == NULL && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_RuntimeError, "the state of a partial");
    }
    return state;
}

static int
partial_put(PyObject *partial, PyObject *state)
{
    PyObject *done =
        PyObject_CallMethod(partial, "__setstate__", "(O)", state);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static void
partial_back(PyObject *arg)
{
    if (partial_put(PyTuple_GET_ITEM(arg, 0), PyTuple_GET_ITEM(arg, 1)) < 0) {
        PyErr_Clear();
    }
}

static int
partial_fill(struct mf_undo *undo, PyObject *partial, PyObject *other)
{
    PyObject *before = partial_state(partial);
    PyObject *made = before ? partial_state(other) : NULL;
    PyObject *state =
        made ? PyTuple_Pack(4, PyTuple_GET_ITEM(made, 0),
                            PyTuple_GET_ITEM(made, 1),
                            PyTuple_GET_ITEM(made, 2),
                            PyTuple_GET_ITEM(before, 3))
             : NULL;
    PyObject *arg = state ? PyTuple_Pack(2, partial, before) : NULL;
    int rc = arg && mf_undo_call(undo, partial_back, arg) == 0
                 ? partial_put(partial, state)
                 : -1;
    Py_XDECREF(arg);
    Py_XDECREF(state);
    Py_XDECREF(made);
    Py_XDECREF(before);
    return rc;
}

int
mf_redefine_data_contents(struct mf_undo *undo, PyObject *holder,
                          PyObject *contents)
{
    if (mf_source_is_partial(holder)) {
        return partial_fill(undo, holder, contents);
    }
    if (PyList_Check(holder)) {
        return mf_undo_list_exchange(undo, holder, contents);
    }
    if (PyDict_Check(holder)) {
        return mf_undo_dict_exchange(undo, holder, contents);
    }
    if (PyAnySet_Check(holder)) {
        return mf_undo_set_exchange(undo, holder, contents);
    }
    PyObject *before = PySequence_List(holder);
    PyObject *arg = before ? PyTuple_Pack(2, holder, before) : NULL;
    int rc = arg ? mf_undo_call(undo, deque_back, arg) : -1;
    if (rc == 0) {
        rc = deque_fill(holder, contents);
    }
    Py_XDECREF(arg);
    Py_XDECREF(before);
    return rc;
}

int
mf_redefine_data_instance(struct mf_undo *undo, PyObject *old_obj,
                          PyObject *new_obj)
{
    PyObject *a = PyObject_GenericGetDict(old_obj, NULL);
    PyObject *b = a ? PyObject_GenericGetDict(new_obj, NULL) : NULL;
    PyObject *copy = b ? PyDict_Copy(b) : NULL;
    int rc = copy ? mf_undo_dict_exchange(undo, a, copy) : -1;
    Py_XDECREF(copy);
    Py_XDECREF(a);
    Py_XDECREF(b);
    return rc;
}

static void
attribute_back(PyObject *arg)
{
    PyObject *old_value = PyTuple_GET_ITEM(arg, 2);
    if (PyObject_GenericSetAttr(
            PyTuple_GET_ITEM(arg, 0), PyTuple_GET_ITEM(arg, 1),
            old_value == Py_NotImplemented ? NULL : old_value) < 0) {
        PyErr_Clear();
    }
}

int
mf_redefine_data_attribute(struct mf_undo *undo, PyObject *holder,
                           PyObject *name, PyObject *value)
{
    if (PyType_Check(holder)) {
        return mf_undo_type_set(undo, (PyTypeObject *)holder, name, value);
    }
    bool other;
    PyTypeObject *type = Py_TYPE(holder);
    Py_ssize_t slot = mf_compat_fields_slot(type, name, &other);
    if (slot > 0) {
        return mf_undo_word(undo, holder,
                            (PyObject **)((char *)holder + slot), value);
    }
    if (!other && mf_compat_fields_has_dict(type)) {
        PyObject *dict = PyObject_GenericGetDict(holder, NULL);
        int rc = dict ? mf_undo_dict_set(undo, dict, name, value) : -1;
        Py_XDECREF(dict);
        return rc;
    }
    /* a record of some C type: plain references, the generic setter writes */
    PyObject *old_value = PyObject_GenericGetAttr(holder, name);
    if (old_value == NULL) {
        PyErr_Clear();
    }
    PyObject *arg = PyTuple_Pack(3, holder, name,
                                 old_value ? old_value : Py_NotImplemented);
    Py_XDECREF(old_value);
    int rc = arg ? mf_undo_call(undo, attribute_back, arg) : -1;
    Py_XDECREF(arg);
    return rc < 0 ? -1 : PyObject_GenericSetAttr(holder, name, value);
}

static void
cell_back(PyObject *arg)
{
    PyObject *old_value = PyTuple_GET_ITEM(arg, 1);
    PyCell_Set(PyTuple_GET_ITEM(arg, 0),
               old_value == Py_NotImplemented ? NULL : old_value);
}

int
mf_redefine_data_cell(struct mf_undo *undo, PyObject *cell, PyObject *value)
{
    PyObject *old_value = PyCell_GET(cell);
    PyObject *arg =
        PyTuple_Pack(2, cell, old_value ? old_value : Py_NotImplemented);
    int rc = arg ? mf_undo_call(undo, cell_back, arg) : -1;
    Py_XDECREF(arg);
    return rc < 0 ? -1 : PyCell_Set(cell, value);
}
