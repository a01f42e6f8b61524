/* hashes.c -- hashes without Python code.
 *
 * Owns what an object's hash follows from. In: an object. Out: its hash, or
 * that only code of the program could tell. C types that ask their parts are
 * asked themselves when all parts are harmless; tuples, and the __hash__ that
 * `dataclass` generates, are worked out from their parts.
 */
#include "hashes.h"

#include "../ground/once.h"
#include "../ground/compat_fields.h"
#include "../ground/compat_objects.h"

enum { HASH_DEPTH = 16 };

static int hash_at(PyObject *obj, Py_hash_t *hash, int depth);

/* Ours is the interpreter's hash of tuples: the probe has compared them. */
static bool hash_like_tuples;

/* Does the type's hash run Python code of a program? */
static bool
hash_is_python(PyTypeObject *type)
{
    static PyObject *name;
    if (type->tp_hash == PyBaseObject_Type.tp_hash ||
        type->tp_hash == PyType_Type.tp_hash) {
        return false;
    }
    if (mf_once(&name, "__hash__") == NULL) {
        PyErr_Clear();
        return true;
    }
    PyObject *found = _PyType_Lookup(type, name);
    return found == NULL || !Py_IS_TYPE(found, &PyWrapperDescr_Type);
}

struct deep {
    int depth;
    int result;
};

static int
deep_visit(PyObject *obj, void *arg)
{
    struct deep *deep = arg;
    Py_hash_t hash;
    if (Py_TYPE(obj)->tp_hash == NULL ||
        Py_TYPE(obj)->tp_hash == PyObject_HashNotImplemented) {
        return 0; /* an attribute that takes no part */
    }
    deep->result = hash_at(obj, &hash, deep->depth + 1);
    return deep->result != 1;
}

/* A type's own C hash may ask its parts: all of them must be harmless. */
static int
parts_at(PyObject *obj, int depth)
{
    PyTypeObject *type = Py_TYPE(obj);
    if (!PyObject_IS_GC(obj) || type->tp_traverse == NULL ||
        type->tp_hash == PyBaseObject_Type.tp_hash ||
        PyFrozenSet_Check(obj) || PyType_Check(obj) ||
        PyFunction_Check(obj) || PyModule_Check(obj) ||
        PyCFunction_Check(obj) ||
        strcmp(type->tp_name, "method-wrapper") == 0) {
        return 1; /* identity, or hashes stored beside the items */
    }
    struct deep deep = {.depth = depth, .result = 1};
    if (PyMethod_Check(obj)) { /* self counts by identity */
        deep_visit(PyMethod_GET_FUNCTION(obj), &deep);
        return deep.result;
    }
    type->tp_traverse(obj, deep_visit, &deep);
    return deep.result;
}

/* As tuples hash since 3.8, for 64 bits (the probe looks): xxHash. */
static const uint64_t HASH_1 = 11400714785074694791u;
static const uint64_t HASH_2 = 14029467366897019727u;
static const uint64_t HASH_5 = 2870177450012600261u;

static uint64_t
hash_begin(void)
{
    return HASH_5;
}

static uint64_t
hash_add(uint64_t sum, Py_hash_t item)
{
    sum += (uint64_t)item * HASH_2;
    return ((sum << 31) | (sum >> 33)) * HASH_1;
}

static Py_hash_t
hash_end(uint64_t sum, Py_ssize_t count)
{
    sum += (uint64_t)count ^ (HASH_5 ^ 3527539u);
    return sum == UINT64_MAX ? 1546275796 : (Py_hash_t)sum;
}

static int
tuple_at(PyObject *tuple, Py_hash_t *hash, int depth)
{
    uint64_t sum = hash_begin();
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        Py_hash_t item;
        int known = hash_at(PyTuple_GET_ITEM(tuple, i), &item, depth + 1);
        if (known != 1) {
            return known;
        }
        sum = hash_add(sum, item);
    }
    *hash = hash_end(sum, PyTuple_GET_SIZE(tuple));
    return 1;
}

/* The fields of a class whose __hash__ `dataclass` has generated, or NULL:
 * "return hash((self.a, self.b))". Which ones count is asked of the fields,
 * since the function may not have its new code yet. */
static PyObject *
hashed_fields(PyTypeObject *type)
{
    PyObject *fields = NULL, *func = NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro) && !func; i++) {
        /* itself first, whatever its MRO says: that of a staged class has the
         * live one there */
        PyObject *dict = mf_compat_obj_type_dict(
            i == 0 ? type
                   : (PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i));
        func = PyDict_GetItemString(dict, "__hash__");
        fields = PyDict_GetItemString(dict, "__dataclass_fields__");
    }
    if (func == NULL || fields == NULL || !PyFunction_Check(func) ||
        !PyDict_CheckExact(fields)) {
        return NULL;
    }
    PyCodeObject *code = (PyCodeObject *)PyFunction_GET_CODE(func);
    PyObject *names = code->co_names;
    bool generated =
        PyUnicode_CompareWithASCIIString(code->co_filename, "<string>") == 0 &&
        PyUnicode_CompareWithASCIIString(code->co_name, "__hash__") == 0 &&
        code->co_argcount == 1 && code->co_nlocals == 1 &&
        PyTuple_GET_SIZE(names) > 0 &&
        PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0),
                                         "hash") == 0;
    return generated ? fields : NULL;
}

/* Slots of dataclasses.Field. 1 / 0, -1: not as known. */
static int
field_counts(PyObject *field)
{
    if (strcmp(Py_TYPE(field)->tp_name, "Field") != 0) {
        return -1;
    }
    PyObject *kind = PyObject_GetAttrString(field, "_field_type");
    PyObject *name = kind ? PyObject_GetAttrString(kind, "name") : NULL;
    PyObject *hash = name ? PyObject_GetAttrString(field, "hash") : NULL;
    PyObject *compare = hash ? PyObject_GetAttrString(field, "compare") : NULL;
    int counts = -1;
    if (compare != NULL && PyUnicode_CheckExact(name)) {
        PyObject *flag = hash == Py_None ? compare : hash;
        bool real = PyUnicode_CompareWithASCIIString(name, "_FIELD") == 0;
        counts = PyBool_Check(flag) ? real && flag == Py_True : -1;
    }
    PyErr_Clear();
    Py_XDECREF(compare);
    Py_XDECREF(hash);
    Py_XDECREF(name);
    Py_XDECREF(kind);
    return counts;
}

struct attribute {
    PyObject *name;
    PyObject *value; /* borrowed */
};

static int
find_attribute(PyObject *name, PyObject *value, void *arg)
{
    struct attribute *attribute = arg;
    if (name == attribute->name ||
        PyUnicode_Compare(name, attribute->name) == 0) {
        attribute->value = value;
    }
    return 0;
}

/* What an instance without the attribute finds in its class, if that is a plain
 * value. Borrowed. */
static PyObject *
class_default(PyTypeObject *type, PyObject *name)
{
    PyObject *found = _PyType_Lookup(type, name);
    return found != NULL && Py_TYPE(found)->tp_descr_get == NULL ? found
                                                                 : NULL;
}

static int
generated_at(PyObject *obj, Py_hash_t *hash, int depth)
{
    PyObject *fields = hashed_fields(Py_TYPE(obj)), *name, *field;
    uint64_t sum = hash_begin();
    Py_ssize_t count = 0, pos = 0;
    while (fields != NULL && PyDict_Next(fields, &pos, &name, &field)) {
        struct attribute attribute = {.name = name};
        Py_hash_t item;
        int counts = field_counts(field);
        if (counts == 0) {
            continue;
        }
        if (counts < 0 || !PyUnicode_CheckExact(name) ||
            mf_compat_fields_each(obj, find_attribute, &attribute) < 0 ||
            (attribute.value == NULL &&
             (attribute.value = class_default(Py_TYPE(obj), name)) == NULL)) {
            PyErr_Clear();
            return 0;
        }
        int known = hash_at(attribute.value, &item, depth + 1);
        if (known != 1) {
            return known;
        }
        sum = hash_add(sum, item);
        count++;
    }
    *hash = hash_end(sum, count);
    return fields != NULL;
}

/* Enum.__hash__ of the standard library: "return hash(self._name_)". */
static bool
hashes_name(PyTypeObject *type)
{
    PyObject *name = PyUnicode_InternFromString("__hash__");
    PyObject *func = name ? _PyType_Lookup(type, name) : NULL;
    Py_XDECREF(name);
    if (func == NULL || !PyFunction_Check(func)) {
        PyErr_Clear();
        return false;
    }
    PyObject *module = ((PyFunctionObject *)func)->func_module;
    PyCodeObject *code = (PyCodeObject *)PyFunction_GET_CODE(func);
    return module != NULL && PyUnicode_Check(module) &&
           PyUnicode_CompareWithASCIIString(module, "enum") == 0 &&
           PyUnicode_CompareWithASCIIString(code->co_qualname,
                                            "Enum.__hash__") == 0 &&
           PyTuple_GET_SIZE(code->co_names) == 2 &&
           PyUnicode_CompareWithASCIIString(
               PyTuple_GET_ITEM(code->co_names, 1), "_name_") == 0;
}

static int
member_at(PyObject *obj, Py_hash_t *hash, int depth)
{
    struct attribute attribute = {PyUnicode_InternFromString("_name_"), NULL};
    int known = 0;
    if (attribute.name != NULL &&
        mf_compat_fields_each(obj, find_attribute, &attribute) == 0 &&
        attribute.value != NULL && PyUnicode_CheckExact(attribute.value)) {
        known = hash_at(attribute.value, hash, depth + 1);
    }
    PyErr_Clear();
    Py_XDECREF(attribute.name);
    return known;
}

static int
hash_at(PyObject *obj, Py_hash_t *hash, int depth)
{
    PyTypeObject *type = Py_TYPE(obj);
    if (depth > HASH_DEPTH || type->tp_hash == NULL ||
        type->tp_hash == PyObject_HashNotImplemented) {
        return 0;
    }
    if (hash_is_python(type)) {
        return hashes_name(type)   ? member_at(obj, hash, depth)
               : hash_like_tuples ? generated_at(obj, hash, depth)
                                  : 0;
    }
    if (PyTuple_Check(obj) && hash_like_tuples) {
        return tuple_at(obj, hash, depth);
    }
    if (PyWeakref_Check(obj)) {
        PyWeakReference *ref = (PyWeakReference *)obj;
        if (ref->hash == -1) {
            if (ref->wr_object == Py_None) {
                return 0;
            }
            int known = hash_at(ref->wr_object, hash, depth + 1);
            return known;
        }
        *hash = ref->hash;
        return 1;
    }
    int harmless = parts_at(obj, depth);
    if (harmless != 1) {
        return harmless;
    }
    *hash = type->tp_hash(obj);
    if (*hash == -1) {
        PyErr_Clear();
        return 0;
    }
    return 1;
}

int
mf_hashes_fields(PyTypeObject *type, PyObject **names)
{
    PyObject *fields = hashed_fields(type), *name, *field;
    Py_ssize_t pos = 0;
    *names = NULL;
    if (fields == NULL) {
        PyErr_Clear();
        return 0;
    }
    *names = PyList_New(0);
    while (*names != NULL && PyDict_Next(fields, &pos, &name, &field)) {
        int counts = field_counts(field);
        if (counts < 0) {
            Py_CLEAR(*names);
            return 0;
        }
        if (counts > 0 && PyList_Append(*names, name) < 0) {
            Py_CLEAR(*names);
        }
    }
    return *names ? 1 : -1;
}

int
mf_hashes_of(PyObject *obj, Py_hash_t *hash)
{
    return hash_at(obj, hash, 0);
}

int
mf_hashes_probe(void)
{
    Py_hash_t hash;
    PyObject *tuple = Py_BuildValue("(i(sO)())", -7, "text", Py_None);
    if (tuple == NULL) {
        return -1;
    }
    hash_like_tuples = tuple_at(tuple, &hash, 0) == 1 &&
                       hash == PyObject_Hash(tuple);
    Py_DECREF(tuple);
    PyErr_Clear();
    return 0;
}

