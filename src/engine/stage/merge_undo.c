/* merge_undo.c -- owns what an update notes for its undo, and what an undo finds
 * there. In: values before and after. Out: records.
 */
#include "merge_parts.h"

#include "merge_values.h"

/* Is what lives what the source gave? (Noted values only.) 1, 0, -1. */
static int
is_noted_base(const struct one *one)
{
    PyObject *notes = one->staged->target->module->base;
    if (notes == NULL) {
        return 0;
    }
    PyObject *key = one->cls_name ? PyUnicode_FromFormat(
                                        "%U.%U", one->cls_name, one->name)
                                  : Py_NewRef(one->name);
    PyObject *noted = key ? PyDict_GetItemWithError(notes, key) : NULL;
    Py_XDECREF(key);
    return PyErr_Occurred() ? -1
           : noted == NULL  ? 0
                            : mf_merge_equal(noted, one->live, 0);
}

/* Old contents as a value of their own: a container goes on living. */
static PyObject *
frozen_copy(PyObject *value)
{
    if (PyDict_CheckExact(value)) {
        return PyDict_Copy(value);
    }
    if (PyList_CheckExact(value)) {
        return PyList_GetSlice(value, 0, PyList_GET_SIZE(value));
    }
    if (PySet_CheckExact(value)) {
        return PySet_New(value);
    }
    return Py_NewRef(value);
}

/* The same of containers in dicts, which an update changes in place, too. */
static PyObject *
deep_copy(PyObject *value, int depth)
{
    PyObject *out = frozen_copy(value), *key, *item;
    Py_ssize_t pos = 0;
    while (out != NULL && depth < 20 && PyDict_CheckExact(value) &&
           PyDict_Next(value, &pos, &key, &item)) {
        PyObject *copy = mf_merge_is_container(item) ? deep_copy(item, depth + 1) : NULL;
        if (mf_merge_is_container(item) &&
            (copy == NULL || PyDict_SetItem(out, key, copy) < 0)) {
            Py_CLEAR(out);
        }
        Py_XDECREF(copy);
    }
    return out;
}

static PyObject *
copy_partial(PyObject *partial)
{
    PyObject *func = PyObject_GetAttrString(partial, "func");
    PyObject *args = func ? PyObject_GetAttrString(partial, "args") : NULL;
    PyObject *kwargs =
        args ? PyObject_GetAttrString(partial, "keywords") : NULL;
    PyObject *first = kwargs ? PyTuple_Pack(1, func) : NULL;
    PyObject *all = first ? PySequence_Concat(first, args) : NULL;
    PyObject *copy =
        all ? PyObject_Call((PyObject *)Py_TYPE(partial), all, kwargs) : NULL;
    Py_XDECREF(all);
    Py_XDECREF(first);
    Py_XDECREF(kwargs);
    Py_XDECREF(args);
    Py_XDECREF(func);
    return copy;
}

/* What changes in place has other contents soon. */
static PyObject *
copy_of(PyObject *value)
{
    return mf_source_is_partial(value) ? copy_partial(value)
                                       : deep_copy(value, 0);
}

/* Takes the references to both; NULL, with an exception, is passed on. */
static int
add_record(struct mf_merge *merge, PyObject *holder, PyObject *name,
           PyObject *before, PyObject *after, bool was_base)
{
    PyObject *item = before && after
                         ? PyTuple_Pack(5, holder, name, before, after,
                                        was_base ? Py_True : Py_False)
                         : NULL;
    Py_XDECREF(before);
    Py_XDECREF(after);
    int rc = item ? PyList_Append(merge->replaced, item) : -1;
    Py_XDECREF(item);
    return rc;
}

int
mf_merge_note_replaced(struct mf_merge *merge, PyObject *holder,
                       PyObject *name, PyObject *old, PyObject *value)
{
    if (old != NULL && mf_merge_is_definition(old)) {
        return 0;
    }
    return add_record(merge, holder, name,
                      frozen_copy(old ? old : Py_NotImplemented),
                      frozen_copy(value ? value : Py_NotImplemented), false);
}

int
mf_merge_note_one(struct mf_merge *merge, const struct one *one,
                  PyObject *holder, PyObject *value, bool in_place)
{
    if (mf_merge_is_definition(one->live)) {
        return 0; /* its source brings it back; held here, it would not die */
    }
    int was_base = is_noted_base(one);
    was_base = was_base == 0 ? mf_merge_is_stamped(one) : was_base;
    return was_base < 0
               ? -1
               : add_record(merge, holder, one->name,
                            in_place ? copy_of(one->live)
                                     : Py_NewRef(one->live),
                            in_place && mf_source_is_partial(one->live)
                                ? Py_NewRef(one->live)
                                : frozen_copy(value ? value
                                                    : Py_NotImplemented),
                            was_base > 0);
}

/* In an undo: the record of the value that the update had replaced, if what
 * it wrote then is still there. Borrowed; NULL (without exception)
 * otherwise. */
PyObject *
mf_merge_undo_record(struct mf_merge *merge, PyObject *holder, PyObject *name,
            PyObject *live)
{
    PyObject *list = merge->undo;
    for (Py_ssize_t i = 0; list != NULL && i < PyList_GET_SIZE(list); i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        if (PyTuple_GET_ITEM(item, 0) == holder &&
            PyUnicode_Compare(PyTuple_GET_ITEM(item, 1), name) == 0 &&
            !mf_merge_is_definition(PyTuple_GET_ITEM(item, 2)) &&
            (live == NULL ||
             mf_merge_equal(PyTuple_GET_ITEM(item, 3), live, 0) == 1)) {
            return item;
        }
    }
    return NULL;
}

/* The value that an undo gives the name back, borrowed: the very object, which
 * is its base again if it was. NULL without exception: none. */
PyObject *
mf_merge_undo_value(struct mf_merge *merge, const struct one *one, PyObject *holder)
{
    PyObject *item = mf_merge_undo_record(merge, holder, one->name, one->live);
    if (item == NULL) {
        return NULL;
    }
    PyObject *earlier = PyTuple_GET_ITEM(item, 2);
    return PyTuple_GET_ITEM(item, 4) == Py_True &&
                   mf_merge_note_new_base(merge, one->staged->target->module,
                                          one->cls_name, one->name,
                                          earlier) < 0
               ? NULL
               : earlier;
}
