/* test_ground.c -- part of _testengine: compat, tables, undo log, redefined
 * functions and code, heap, driven from Python. An undo log is a capsule.
 */
#include "parts.h"

#include "commit/redefine_code.h"
#include "commit/redefine_function.h"
#include "ground/compat.h"
#include "ground/fault.h"
#include "ground/trace.h"
#include "heap/heap.h"

static const char log_name[] = "mf_undo";

static void
log_free(PyObject *capsule)
{
    struct mf_undo *undo = PyCapsule_GetPointer(capsule, log_name);
    mf_undo_drop(undo);
    PyMem_Free(undo);
}

static PyObject *
log_new(PyObject *module, PyObject *ignored)
{
    struct mf_undo *undo = PyMem_Calloc(1, sizeof(*undo));
    if (undo == NULL) {
        return PyErr_NoMemory();
    }
    return PyCapsule_New(undo, log_name, log_free);
}

static struct mf_undo *
log_get(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, log_name);
}

static PyObject *
result(int rc)
{
    if (rc < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
log_replay(PyObject *module, PyObject *capsule)
{
    struct mf_undo *undo = log_get(capsule);
    if (undo == NULL) {
        return NULL;
    }
    mf_undo_replay(undo);
    Py_RETURN_NONE;
}

static PyObject *
log_drop(PyObject *module, PyObject *capsule)
{
    struct mf_undo *undo = log_get(capsule);
    if (undo == NULL) {
        return NULL;
    }
    mf_undo_drop(undo);
    Py_RETURN_NONE;
}

static PyObject *
log_reserve(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    Py_ssize_t count;
    if (!PyArg_ParseTuple(args, "On", &capsule, &count)) {
        return NULL;
    }
    return result(mf_undo_reserve(log_get(capsule), (size_t)count));
}

/* undo(log, kind, a, b[, c]): one write of that kind. */
static PyObject *
log_write(PyObject *module, PyObject *args)
{
    PyObject *capsule, *a, *b = NULL, *c = NULL;
    const char *kind;
    if (!PyArg_ParseTuple(args, "OsO|OO", &capsule, &kind, &a, &b, &c)) {
        return NULL;
    }
    struct mf_undo *undo = log_get(capsule);
    if (undo == NULL) {
        return NULL;
    }
    if (strcmp(kind, "dict") == 0) {
        return result(mf_undo_dict_set(undo, a, b, c));
    }
    if (strcmp(kind, "dict_exchange") == 0) {
        return result(mf_undo_dict_exchange(undo, a, b));
    }
    if (strcmp(kind, "list_exchange") == 0) {
        return result(mf_undo_list_exchange(undo, a, b));
    }
    if (strcmp(kind, "set_exchange") == 0) {
        return result(mf_undo_set_exchange(undo, a, b));
    }
    if (strcmp(kind, "tuple_word") == 0) {
        return result(mf_undo_word(
            undo, a, &((PyTupleObject *)a)->ob_item[PyLong_AsLong(b)], c));
    }
    if (strcmp(kind, "retype") == 0) {
        return result(mf_undo_retype(undo, a, (PyTypeObject *)b));
    }
    if (strcmp(kind, "type") == 0) {
        return result(mf_undo_type_set(undo, (PyTypeObject *)a, b, c));
    }
    if (strcmp(kind, "keep") == 0) {
        return result(mf_undo_keep(undo, a));
    }
    if (strcmp(kind, "function") == 0) {
        return result(mf_redefine_function_apply(
            undo, (PyFunctionObject *)a, (PyFunctionObject *)b));
    }
    if (strcmp(kind, "shift") == 0) {
        return result(mf_redefine_code_shift_logged(
            undo, (PyCodeObject *)a, (int)PyLong_AsLong(b)));
    }
    PyErr_SetString(PyExc_ValueError, kind);
    return NULL;
}

static void
call_back(PyObject *arg)
{
    PyObject *r = PyObject_CallNoArgs(arg);
    Py_XDECREF(r);
}

static PyObject *
log_call(PyObject *module, PyObject *args)
{
    PyObject *capsule, *arg;
    if (!PyArg_ParseTuple(args, "OO", &capsule, &arg)) {
        return NULL;
    }
    return result(mf_undo_call(log_get(capsule), call_back, arg));
}

/* --- functions, code ----------------------------------------------------- */

static PyObject *
function_variant(PyObject *module, PyObject *args)
{
    PyObject *func, *code, *closure = NULL;
    if (!PyArg_ParseTuple(args, "O!O!|O", &PyFunction_Type, &func,
                          &PyCode_Type, &code, &closure)) {
        return NULL;
    }
    return mf_redefine_function_variant((PyFunctionObject *)func,
                                        (PyCodeObject *)code, closure);
}

/* version of the function, version that its code gives */
static PyObject *
function_versions(PyObject *module, PyObject *func)
{
    PyFunctionObject *f = (PyFunctionObject *)func;
    return Py_BuildValue(
        "II", mf_compat_function_version(f),
        mf_compat_code_version((PyCodeObject *)f->func_code));
}

static PyObject *
code_can_shift(PyObject *module, PyObject *code)
{
    return PyBool_FromLong(mf_redefine_code_can_shift((PyCodeObject *)code));
}

static PyObject *
code_carry_events(PyObject *module, PyObject *args)
{
    PyObject *a, *b;
    if (!PyArg_ParseTuple(args, "OO", &a, &b)) {
        return NULL;
    }
    return result(mf_redefine_code_carry_events((PyCodeObject *)a,
                                                (PyCodeObject *)b));
}

/* --- heap ---------------------------------------------------------------- */

static PyObject *
heap_probe(PyObject *module, PyObject *ignored)
{
    return result(mf_heap_probe());
}

struct found {
    PyTypeObject *type; /* NULL: all */
    struct mf_vec objects;
    Py_ssize_t count;
};

static int
find(PyObject *obj, void *arg)
{
    struct found *found = arg;
    found->count++;
    if (found->type != NULL && Py_TYPE(obj) != found->type) {
        return 0;
    }
    return mf_vec_push_ref(&found->objects, obj);
}

static PyObject *
list_of(struct mf_vec *vec, bool owned)
{
    PyObject *list = PyList_New((Py_ssize_t)vec->len);
    for (size_t i = 0; list != NULL && i < vec->len; i++) {
        PyList_SET_ITEM(list, (Py_ssize_t)i,
                        Py_NewRef((PyObject *)vec->items[i]));
    }
    if (owned) {
        mf_vec_clear_refs(vec);
    }
    else {
        mf_vec_clear(vec);
    }
    return list;
}

/* All objects, or all of one type. */
static PyObject *
heap_walk(PyObject *module, PyObject *type)
{
    struct found found = {0};
    found.type = type != Py_None ? (PyTypeObject *)type : NULL;
    int rc = mf_heap_walk(find, &found);
    PyObject *list = list_of(&found.objects, true);
    if (rc < 0) {
        Py_CLEAR(list);
    }
    return list;
}

static int
count(PyObject *obj, void *arg)
{
    ++*(Py_ssize_t *)arg;
    return 0;
}

/* number of objects, nanoseconds */
static PyObject *
heap_count(PyObject *module, PyObject *ignored)
{
    Py_ssize_t n = 0;
    int64_t start = mf_trace_now();
    if (mf_heap_walk(count, &n) < 0) {
        return NULL;
    }
    return Py_BuildValue("nL", n, (long long)(mf_trace_now() - start));
}

static int
stop(PyObject *obj, void *arg)
{
    return ++*(Py_ssize_t *)arg == 3;
}

static PyObject *
heap_stop(PyObject *module, PyObject *ignored)
{
    Py_ssize_t n = 0;
    int rc = mf_heap_walk(stop, &n);
    return Py_BuildValue("in", rc, n);
}

static PyObject *
heap_busy(PyObject *module, PyObject *ignored)
{
    return PyBool_FromLong(mf_heap_busy());
}

static const char mark_name[] = "mf_heap_mark";

static void
mark_free(PyObject *capsule)
{
    struct mf_heap_mark *mark = PyCapsule_GetPointer(capsule, mark_name);
    mf_heap_mark_clear(mark);
    PyMem_Free(mark);
}

static PyObject *
mark_new(PyObject *module, PyObject *ignored)
{
    struct mf_heap_mark *mark = PyMem_Calloc(1, sizeof(*mark));
    PyObject *capsule = PyCapsule_New(mark, mark_name, mark_free);
    if (capsule != NULL && mf_heap_mark_set(mark) < 0) {
        Py_CLEAR(capsule);
    }
    return capsule;
}

static PyObject *
mark_intact(PyObject *module, PyObject *capsule)
{
    struct mf_heap_mark *mark = PyCapsule_GetPointer(capsule, mark_name);
    return PyBool_FromLong(mf_heap_mark_intact(mark));
}

static PyObject *
mark_known(PyObject *module, PyObject *capsule)
{
    struct mf_heap_mark *mark = PyCapsule_GetPointer(capsule, mark_name);
    return PyBool_FromLong(mf_heap_mark_known(mark));
}

static PyObject *
mark_walk(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    struct found found = {0};
    if (!PyArg_ParseTuple(args, "OO", &capsule, &found.type)) {
        return NULL;
    }
    struct mf_heap_mark *mark = PyCapsule_GetPointer(capsule, mark_name);
    int rc = mf_heap_mark_walk(mark, find, &found);
    Py_ssize_t n = found.count;
    PyObject *list = list_of(&found.objects, true);
    return rc < 0 ? NULL : Py_BuildValue("Nn", list, n);
}

static PyObject *
mark_clear(PyObject *module, PyObject *capsule)
{
    mf_heap_mark_clear(PyCapsule_GetPointer(capsule, mark_name));
    Py_RETURN_NONE;
}

static PyObject *
heap_functions_of(PyObject *module, PyObject *codes)
{
    struct mf_map map = {0};
    struct mf_vec out = {0};
    int rc = 0;
    for (Py_ssize_t i = 0; rc == 0 && i < PyTuple_GET_SIZE(codes); i++) {
        rc = mf_map_put(&map, PyTuple_GET_ITEM(codes, i), 1);
    }
    rc = rc == 0 ? mf_heap_functions_of(&map, &out) : rc;
    mf_map_clear(&map);
    PyObject *list = list_of(&out, false);
    return rc < 0 ? NULL : list;
}

static PyObject *
heap_instances_of(PyObject *module, PyObject *args)
{
    PyTypeObject *type;
    int subclasses;
    struct mf_vec out = {0};
    if (!PyArg_ParseTuple(args, "Op", &type, &subclasses)) {
        return NULL;
    }
    int rc = mf_heap_instances_of(type, subclasses, &out);
    PyObject *list = list_of(&out, true);
    return rc < 0 ? NULL : list;
}

/* --- compat, tables, levers ---------------------------------------------- */

static PyObject *
lever(PyObject *module, PyObject *args)
{
    const char *name;
    long value;
    if (!PyArg_ParseTuple(args, "sl", &name, &value)) {
        return NULL;
    }
    if (mf_fault_set(name, value) < 0) {
        PyErr_SetString(PyExc_ValueError, "unknown lever, or none built in");
        return NULL;
    }
    Py_RETURN_NONE;
}

/* Puts n keys, finds them and n others, iterates: True if all is right. */
static PyObject *
map_check(PyObject *module, PyObject *arg)
{
    struct mf_map map = {0};
    size_t n = PyLong_AsSize_t(arg), pos = 0, seen = 0;
    void *key;
    uintptr_t value;
    bool good = !mf_map_has(&map, &map) &&
                !mf_map_next(&map, &pos, &key, &value);
    for (size_t i = 1; i <= n; i++) {
        if (mf_map_put(&map, (void *)(i * 16), i) < 0) {
            mf_map_clear(&map);
            return NULL;
        }
    }
    for (size_t i = 1; i <= n; i++) {
        good = good && mf_map_get(&map, (void *)(i * 16)) == (void *)i &&
               !mf_map_has(&map, (void *)(i * 16 + 8));
    }
    for (pos = 0; mf_map_next(&map, &pos, &key, &value); seen++) {
        good = good && (uintptr_t)key == value * 16;
    }
    good = good && seen == n && map.used == n;
    mf_map_clear(&map);
    return PyBool_FromLong(good);
}

static PyObject *
hash_bytes(PyObject *module, PyObject *arg)
{
    char *data;
    Py_ssize_t len;
    if (PyBytes_AsStringAndSize(arg, &data, &len) < 0) {
        return NULL;
    }
    return PyLong_FromUnsignedLongLong(mf_hash_bytes(data, (size_t)len));
}

static PyObject *
compat_probe(PyObject *module, PyObject *ignored)
{
    const char *why = mf_compat_probe();
    return why != NULL ? PyUnicode_FromString(why) : Py_NewRef(Py_None);
}

static PyObject *
compat_dict_copy(PyObject *module, PyObject *dict)
{
    return mf_compat_dict_copy(dict);
}

static PyObject *
compat_thread_count(PyObject *module, PyObject *ignored)
{
    return PyLong_FromLong(mf_compat_thread_count());
}

static PyMethodDef methods[] = {
    {"undo_new", log_new, METH_NOARGS, NULL},
    {"undo_replay", log_replay, METH_O, NULL},
    {"undo_drop", log_drop, METH_O, NULL},
    {"undo_reserve", log_reserve, METH_VARARGS, NULL},
    {"undo_write", log_write, METH_VARARGS, NULL},
    {"undo_call", log_call, METH_VARARGS, NULL},
    {"function_variant", function_variant, METH_VARARGS, NULL},
    {"function_versions", function_versions, METH_O, NULL},
    {"code_can_shift", code_can_shift, METH_O, NULL},
    {"code_carry_events", code_carry_events, METH_VARARGS, NULL},
    {"heap_probe", heap_probe, METH_NOARGS, NULL},
    {"heap_walk", heap_walk, METH_O, NULL},
    {"heap_count", heap_count, METH_NOARGS, NULL},
    {"heap_stop", heap_stop, METH_NOARGS, NULL},
    {"heap_busy", heap_busy, METH_NOARGS, NULL},
    {"heap_functions_of", heap_functions_of, METH_O, NULL},
    {"heap_instances_of", heap_instances_of, METH_VARARGS, NULL},
    {"mark_new", mark_new, METH_NOARGS, NULL},
    {"mark_intact", mark_intact, METH_O, NULL},
    {"mark_known", mark_known, METH_O, NULL},
    {"mark_walk", mark_walk, METH_VARARGS, NULL},
    {"mark_clear", mark_clear, METH_O, NULL},
    {"lever", lever, METH_VARARGS, NULL},
    {"map_check", map_check, METH_O, NULL},
    {"hash_bytes", hash_bytes, METH_O, NULL},
    {"compat_probe", compat_probe, METH_NOARGS, NULL},
    {"compat_dict_copy", compat_dict_copy, METH_O, NULL},
    {"compat_thread_count", compat_thread_count, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int
mf_test_ground_init(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
