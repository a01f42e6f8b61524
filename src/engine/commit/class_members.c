/* class_members.c -- what is inside the members of a class.
 *
 * Owns how functions are found in descriptors. In: a class or a value of its
 * namespace. Out: cells, names. Asks the C descriptors of `property`,
 * `staticmethod` and `classmethod` themselves, never getattr: a subclass of
 * theirs may have code of its own there.
 */
#include "class_members.h"

#include "../ground/compat_objects.h"

enum { MOST_DEPTH = 4, MOST_PARTS = 3 };

/* The C type whose parts a member has, or NULL. */
static PyTypeObject *
kind_of(PyObject *member)
{
    PyTypeObject *const kinds[] = {&PyProperty_Type, &PyStaticMethod_Type,
                                   &PyClassMethod_Type};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(kinds); i++) {
        if (PyObject_TypeCheck(member, kinds[i])) {
            return kinds[i];
        }
    }
    return NULL;
}

/* Function number i inside a descriptor; new reference, NULL without an
 * exception when there is none. */
static PyObject *
part_of(PyObject *member, PyTypeObject *kind, int i)
{
    static const char *const of_property[MOST_PARTS] = {"fget", "fset",
                                                        "fdel"};
    if (kind != &PyProperty_Type && i > 0) {
        return NULL;
    }
    PyObject *descriptor = PyDict_GetItemString(
        mf_compat_obj_type_dict(kind),
        kind == &PyProperty_Type ? of_property[i] : "__func__");
    if (descriptor == NULL || Py_TYPE(descriptor)->tp_descr_get == NULL) {
        return NULL;
    }
    PyObject *part = Py_TYPE(descriptor)->tp_descr_get(descriptor, member,
                                                       (PyObject *)kind);
    if (part == NULL) {
        PyErr_Clear();
    }
    return part;
}

/* -- cells ---------------------------------------------------------------- */

static int
cells_at(PyObject *member, PyTypeObject *staged, struct mf_vec *cells,
         int depth);

static int
cells_of_function(PyObject *function, PyTypeObject *staged,
                  struct mf_vec *cells, int depth)
{
    PyObject *closure = PyFunction_GET_CLOSURE(function);
    if (closure == NULL) {
        return 0;
    }
    PyObject *names =
        PyCode_GetFreevars((PyCodeObject *)PyFunction_GET_CODE(function));
    if (names == NULL) {
        return -1;
    }
    int result = 0;
    for (Py_ssize_t i = 0; result == 0 && i < PyTuple_GET_SIZE(closure) &&
                           i < PyTuple_GET_SIZE(names);
         i++) {
        PyObject *cell = PyTuple_GET_ITEM(closure, i);
        PyObject *held = PyCell_GET(cell);
        if (held == NULL) {
            continue;
        }
        bool is_class = staged != NULL && held == (PyObject *)staged;
        bool is_namespace =
            PyDict_CheckExact(held) &&
            PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i),
                                             "__classdict__") == 0;
        if (is_class || is_namespace) {
            result = mf_vec_push_ref(cells, cell);
        }
        else {
            /* A decorator's wrapper keeps what it wraps in a cell. */
            result = cells_at(held, staged, cells, depth + 1);
        }
    }
    Py_DECREF(names);
    return result;
}

static int
cells_at(PyObject *member, PyTypeObject *staged, struct mf_vec *cells,
         int depth)
{
    if (depth > MOST_DEPTH) {
        return 0;
    }
    if (PyFunction_Check(member)) {
        return cells_of_function(member, staged, cells, depth);
    }
    PyTypeObject *kind = kind_of(member);
    int result = 0;
    for (int i = 0; kind != NULL && result == 0 && i < MOST_PARTS; i++) {
        PyObject *part = part_of(member, kind, i);
        if (part != NULL) {
            result = cells_at(part, staged, cells, depth + 1);
            Py_DECREF(part);
        }
    }
    return result;
}

int
mf_class_members_cells(PyObject *member, PyTypeObject *staged,
                       struct mf_vec *cells)
{
    return cells_at(member, staged, cells, 0);
}

/* -- abstract methods ----------------------------------------------------- */

static PyObject *
attribute_of(PyObject *obj, const char *name)
{
    PyObject **dict = _PyObject_GetDictPtr(obj);
    return dict != NULL && *dict != NULL ? PyDict_GetItemString(*dict, name)
                                         : NULL;
}

/* As abc asks for __isabstractmethod__: functions by their dict, descriptors
 * by the functions inside them. */
static bool
is_abstract(PyObject *value, int depth)
{
    if (depth > MOST_DEPTH || PyType_Check(value)) {
        return false;
    }
    PyTypeObject *kind = kind_of(value);
    bool result = false;
    for (int i = 0; kind != NULL && !result && i < MOST_PARTS; i++) {
        PyObject *part = part_of(value, kind, i);
        if (part != NULL) {
            result = is_abstract(part, depth + 1);
            Py_DECREF(part);
        }
    }
    if (kind != NULL) {
        return result;
    }
    PyObject *marked = attribute_of(value, "__isabstractmethod__");
    if (marked != NULL) {
        return marked == Py_True;
    }
    /* partialmethod, singledispatchmethod and the like */
    PyObject *func = PyFunction_Check(value) ? NULL
                                             : attribute_of(value, "func");
    return func != NULL && is_abstract(func, depth + 1);
}

/* Abstract names of a base that cls has not made concrete. */
static int
add_inherited(PyTypeObject *cls, PyObject *base, PyObject *names)
{
    PyObject *inherited = PyDict_GetItemString(
        mf_compat_obj_type_dict((PyTypeObject *)base), "__abstractmethods__");
    if (inherited == NULL || !PyAnySet_Check(inherited)) {
        return 0;
    }
    PyObject *iter = PyObject_GetIter(inherited);
    PyObject *name;
    int result = iter != NULL ? 0 : -1;
    while (result == 0 && (name = PyIter_Next(iter)) != NULL) {
        PyObject *value = _PyType_Lookup(cls, name);
        if (value != NULL && is_abstract(value, 0)) {
            result = PySet_Add(names, name);
        }
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return PyErr_Occurred() ? -1 : result;
}

PyObject *
mf_class_members_abstract(PyTypeObject *cls)
{
    PyObject *frozen = NULL;
    PyObject *names = PySet_New(NULL);
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    if (names == NULL) {
        return NULL;
    }
    while (PyDict_Next(mf_compat_obj_type_dict(cls), &pos, &name, &value)) {
        if (is_abstract(value, 0) && PySet_Add(names, name) < 0) {
            goto release_names;
        }
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(cls->tp_bases); i++) {
        if (add_inherited(cls, PyTuple_GET_ITEM(cls->tp_bases, i), names) <
            0) {
            goto release_names;
        }
    }
    frozen = PyFrozenSet_New(names);
release_names:
    Py_DECREF(names);
    return frozen;
}
