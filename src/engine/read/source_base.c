/* source_base.c -- owns the notes of base: the values that a module's names have at
 * the end of its import, of plain data only. In: namespaces. Out: dicts of
 * copies. Runs nothing of the program.
 */
#include "source.h"

/* Small: what a page of constants holds, not tables. Containers inside are
 * smaller still. */
enum { NOTE_ITEMS = 64, NOTE_INNER = 16, NOTE_DEPTH = 4, DEEPEST = 3 };

static bool
is_plain_atom(PyObject *v)
{
    return v == Py_None || v == Py_Ellipsis || PyBool_Check(v) ||
           PyLong_CheckExact(v) || PyFloat_CheckExact(v) ||
           PyUnicode_CheckExact(v) || PyBytes_CheckExact(v) ||
           PyComplex_CheckExact(v);
}

/* Immutable values of the standard library, by the name of their type. */
static bool
is_stdlib_value(PyObject *v)
{
    static const char *const names[] = {
        "re.Pattern", "datetime.date", "datetime.datetime", "datetime.time",
        "datetime.timedelta", "datetime.timezone", "decimal.Decimal",
        "fractions.Fraction", "uuid.UUID", "pathlib.PosixPath",
        "pathlib.PurePosixPath", "pathlib.WindowsPath",
        "pathlib.PureWindowsPath", "ipaddress.IPv4Address",
        "ipaddress.IPv6Address", "range", "slice",
    };
    PyTypeObject *type = Py_TYPE(v);
    if (type == &PyRange_Type || type == &PySlice_Type) {
        return true;
    }
    const char *short_name = strrchr(type->tp_name, '.');
    short_name = short_name ? short_name + 1 : type->tp_name;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(names); i++) {
        const char *dot = strrchr(names[i], '.');
        if (dot == NULL || strcmp(dot + 1, short_name) != 0) {
            continue;
        }
        if (strcmp(type->tp_name, names[i]) == 0) {
            return true;
        }
        if (PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)) {
            PyObject *mod = PyDict_GetItemString(type->tp_dict, "__module__");
            size_t n = (size_t)(dot - names[i]);
            if (mod != NULL && PyUnicode_Check(mod)) {
                const char *m = PyUnicode_AsUTF8(mod);
                /* pathlib has become a package in 3.13 */
                if (m != NULL && strncmp(m, names[i], n) == 0 &&
                    (m[n] == 0 || m[n] == '.')) {
                    return true;
                }
            }
        }
    }
    return false;
}

PyObject *
mf_source_note_value(PyObject *v, int depth)
{
    if (is_plain_atom(v) || is_stdlib_value(v)) {
        return Py_NewRef(v);
    }
    if (depth >= NOTE_DEPTH) {
        return NULL;
    }
    if (PyTuple_CheckExact(v) || PyList_CheckExact(v)) {
        Py_ssize_t n = PySequence_Fast_GET_SIZE(v);
        if (n > (depth ? NOTE_INNER : NOTE_ITEMS)) {
            return NULL;
        }
        PyObject *copy = PyTuple_CheckExact(v) ? PyTuple_New(n)
                                               : PyList_New(n);
        for (Py_ssize_t i = 0; copy != NULL && i < n; i++) {
            PyObject *item = mf_source_note_value(
                PySequence_Fast_GET_ITEM(v, i), depth + 1);
            if (item == NULL) {
                Py_CLEAR(copy);
            }
            else if (PyTuple_CheckExact(v)) {
                PyTuple_SET_ITEM(copy, i, item);
            }
            else {
                PyList_SET_ITEM(copy, i, item);
            }
        }
        return copy;
    }
    if (PyDict_CheckExact(v)) {
        if (PyDict_GET_SIZE(v) > (depth ? NOTE_INNER : NOTE_ITEMS)) {
            return NULL;
        }
        PyObject *copy = PyDict_New(), *key, *value;
        Py_ssize_t pos = 0;
        while (copy != NULL && PyDict_Next(v, &pos, &key, &value)) {
            PyObject *noted = is_plain_atom(key) || PyTuple_CheckExact(key)
                                  ? mf_source_note_value(key, depth + 1)
                                  : NULL;
            PyObject *item = noted ? mf_source_note_value(value, depth + 1)
                                   : NULL;
            if (item == NULL || PyDict_SetItem(copy, key, item) < 0) {
                Py_CLEAR(copy);
            }
            Py_XDECREF(noted);
            Py_XDECREF(item);
        }
        return copy;
    }
    if (PyAnySet_CheckExact(v)) {
        if (PySet_GET_SIZE(v) > (depth ? NOTE_INNER : NOTE_ITEMS)) {
            return NULL;
        }
        PyObject *key, *iter = PyObject_GetIter(v);
        bool plain = iter != NULL;
        while (plain && (key = PyIter_Next(iter)) != NULL) {
            plain = is_plain_atom(key);
            Py_DECREF(key);
        }
        Py_XDECREF(iter);
        if (!plain) {
            return NULL;
        }
        return PyFrozenSet_CheckExact(v) ? Py_NewRef(v) : PySet_New(v);
    }
    return NULL;
}

bool
mf_source_is_data(PyObject *value)
{
    PyObject *noted = mf_source_note_value(value, 0);
    Py_XDECREF(noted);
    PyErr_Clear();
    return noted != NULL;
}

static bool
is_frozen_dataclass(PyTypeObject *type)
{
    /* static types may have no dict of their own to look at */
    PyObject *params = PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)
                           ? PyDict_GetItemString(type->tp_dict,
                                                  "__dataclass_params__")
                           : NULL;
    if (params == NULL) {
        return false;
    }
    PyObject *frozen = PyObject_GetAttrString(params, "frozen");
    bool yes = frozen == Py_True;
    Py_XDECREF(frozen);
    PyErr_Clear();
    return yes;
}

/* What stands for types: list[int], int | str, Optional[int], type variables. */
static bool
is_typing(PyTypeObject *type)
{
    if (PyType_IsSubtype(type, &Py_GenericAliasType) ||
        strncmp(type->tp_name, "typing.", 7) == 0 ||
        strcmp(type->tp_name, "types.UnionType") == 0) {
        return true;
    }
    PyObject *mod = PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)
                        ? PyDict_GetItemString(type->tp_dict, "__module__")
                        : NULL;
    return mod != NULL && PyUnicode_Check(mod) &&
           (PyUnicode_CompareWithASCIIString(mod, "typing") == 0 ||
            PyUnicode_CompareWithASCIIString(mod, "typing_extensions") == 0);
}

/* A value of the program that cannot change: an instance of a frozen dataclass,
 * a named tuple or a type's alias. It is noted as itself. */
bool
mf_source_is_frozen(PyObject *value)
{
    return (PyTuple_Check(value) && !PyTuple_CheckExact(value)) ||
           is_frozen_dataclass(Py_TYPE(value)) || is_typing(Py_TYPE(value));
}

bool
mf_source_is_dunder(PyObject *name)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(name);
    return n > 4 && PyUnicode_READ_CHAR(name, 0) == '_' &&
           PyUnicode_READ_CHAR(name, 1) == '_' &&
           PyUnicode_READ_CHAR(name, n - 1) == '_' &&
           PyUnicode_READ_CHAR(name, n - 2) == '_';
}

/* ---- containers of objects ------------------------------------------------- */

struct stamp {
    uint64_t hash;
    int left; /* items that it may still look at */
};

static void
mix(struct stamp *stamp, const void *word)
{
    stamp->hash = (stamp->hash ^ (uint64_t)(uintptr_t)word) *
                  UINT64_C(0x9E3779B97F4A7C15);
    stamp->hash ^= stamp->hash >> 29;
}

/* The objects themselves, in containers of containers: not what they hold. */
static void
stamp_value(struct stamp *stamp, PyObject *v, int depth)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    if (--stamp->left < 0) {
        return;
    }
    bool deep = depth < NOTE_DEPTH;
    if (deep && (PyTuple_CheckExact(v) || PyList_CheckExact(v))) {
        mix(stamp, Py_TYPE(v));
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(v); i++) {
            stamp_value(stamp, PySequence_Fast_GET_ITEM(v, i), depth + 1);
        }
        mix(stamp, NULL);
    }
    else if (deep && PyDict_CheckExact(v)) {
        mix(stamp, Py_TYPE(v));
        while (PyDict_Next(v, &pos, &key, &value)) {
            stamp_value(stamp, key, depth + 1);
            stamp_value(stamp, value, depth + 1);
        }
        mix(stamp, NULL);
    }
    else {
        mix(stamp, v);
    }
}

bool
mf_source_is_partial(PyObject *value)
{
    return strcmp(Py_TYPE(value)->tp_name, "functools.partial") == 0 &&
           PyType_HasFeature(Py_TYPE(value), Py_TPFLAGS_IMMUTABLETYPE);
}

/* Made of other objects and never changed by being called. */
static bool
is_bound_call(PyObject *value)
{
    static const char *const names[] = {
        "functools.partial", "operator.itemgetter", "operator.attrgetter",
        "operator.methodcaller"};
    PyTypeObject *type = Py_TYPE(value);
    /* every value of every module comes by when its import ends */
    if (type->tp_call == NULL || PyFunction_Check(value) ||
        PyType_Check(value) ||
        !PyType_HasFeature(type, Py_TPFLAGS_IMMUTABLETYPE)) {
        return false;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(names); i++) {
        if (strcmp(type->tp_name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int
stamp_part(PyObject *part, void *arg)
{
    struct stamp *stamp = arg;
    if (part != NULL && PyDict_CheckExact(part)) {
        if (PyDict_GET_SIZE(part) > 0) { /* its __dict__ comes when asked for */
            stamp_value(stamp, part, NOTE_DEPTH - 1);
        }
    }
    else {
        mix(stamp, part);
    }
    return 0;
}

PyObject *
mf_source_stamp(PyObject *value)
{
    struct stamp stamp = {1, 4 * NOTE_ITEMS};
    if (is_bound_call(value)) {
        Py_TYPE(value)->tp_traverse(value, stamp_part, &stamp);
    }
    else if (!PyList_CheckExact(value) && !PyDict_CheckExact(value)) {
        return NULL;
    }
    else {
        stamp_value(&stamp, value, 0);
    }
    return stamp.left < 0 ? NULL
                          : PyLong_FromUnsignedLongLong(stamp.hash);
}

PyObject *
mf_source_stamp_key(PyObject *name)
{
    return PyUnicode_FromFormat("%U\n", name);
}

static int note_names(PyObject *notes, PyObject *dict, PyObject *prefix,
                      PyObject *module_name, int depth);

/* A class of this module: what its own namespace holds is noted, too. */
static bool
is_own_class(PyObject *value, PyObject *module_name)
{
    PyTypeObject *type = (PyTypeObject *)value;
    PyObject *owner = PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)
                          ? PyDict_GetItemWithError(type->tp_dict,
                                                    mf_source_str_module())
                          : NULL;
    return owner != NULL && owner != value && PyUnicode_Check(owner) &&
           PyUnicode_Compare(owner, module_name) == 0;
}

static int
note_stamp(PyObject *notes, PyObject *key, PyObject *value, PyObject *prefix)
{
    PyObject *stamp = mf_source_stamp(value);
    if (stamp == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *full = prefix ? PyUnicode_FromFormat("%U.%U\n", prefix, key)
                            : mf_source_stamp_key(key);
    int rc = full ? PyDict_SetItem(notes, full, stamp) : -1;
    Py_XDECREF(full);
    Py_DECREF(stamp);
    return rc;
}

static int
note_name(PyObject *notes, PyObject *key, PyObject *value, PyObject *prefix,
          PyObject *module_name, int depth)
{
    bool is_class = PyType_Check(value);
    PyObject *noted = NULL, *inside = NULL;
    if (is_class ? depth >= DEEPEST || !is_own_class(value, module_name)
                 : PyModule_Check(value) ||
                       (PyFunction_Check(value) && depth >= DEEPEST)) {
        return PyErr_Occurred() ? -1 : 0;
    }
    if (is_class) {
        inside = ((PyTypeObject *)value)->tp_dict;
    }
    else if (PyFunction_Check(value)) { /* what a decorator has set on it */
        inside = ((PyFunctionObject *)value)->func_dict;
        if (inside == NULL) {
            return 0;
        }
    }
    else {
        noted = mf_source_is_frozen(value) ? Py_NewRef(value)
                                           : mf_source_note_value(value, 0);
        if (noted == NULL) {
            return PyErr_Occurred()
                       ? -1
                       : note_stamp(notes, key, value, prefix);
        }
    }
    /* the name last: most values need none */
    PyObject *full = prefix ? PyUnicode_FromFormat("%U.%U", prefix, key)
                            : Py_NewRef(key);
    int rc = full == NULL ? -1
             : inside     ? note_names(notes, inside, full, module_name,
                                       depth + 1)
                          : PyDict_SetItem(notes, full, noted);
    Py_XDECREF(full);
    Py_XDECREF(noted);
    return rc;
}

/* Names that the import system or the compiler gives a module. */
static bool
is_systems(PyObject *name)
{
    static const char *const names[] = {
        "__name__", "__doc__", "__package__", "__loader__", "__spec__",
        "__file__", "__cached__", "__builtins__", "__path__",
        "__annotations__", "__annotate__", "__conditional_annotations__"};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(names); i++) {
        if (PyUnicode_CompareWithASCIIString(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int
note_names(PyObject *notes, PyObject *dict, PyObject *prefix,
           PyObject *module_name, int depth)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(dict, &pos, &key, &value)) {
        if (PyUnicode_Check(key) &&
            (!mf_source_is_dunder(key) ||
             (prefix == NULL && !is_systems(key))) &&
            note_name(notes, key, value, prefix, module_name, depth) < 0) {
            return -1;
        }
    }
    return 0;
}

PyObject *
mf_source_note_base(PyObject *dict, PyObject *module_name)
{
    PyObject *notes = PyDict_New();
    if (notes == NULL || note_names(notes, dict, NULL, module_name, 0) < 0) {
        Py_XDECREF(notes);
        return NULL;
    }
    return notes;
}
