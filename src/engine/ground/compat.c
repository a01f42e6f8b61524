/* compat.c -- what differs between CPython 3.11 and 3.15 in dicts, sets and
 * types; and the probe.
 *
 * Owns, with the other compat*.c: every version test of the engine. In:
 * objects. Out: their words and flags under our names. No policy.
 *
 * Objects are used by field, since their structs are fixed within a minor
 * version and the probe looks at sizes and fields. The interpreter's state is
 * not: it grows within a minor version.
 */
#include "compat_31x.h"

#include "compat.h"
#include "table.h"

/* --- what this Python can ------------------------------------------------ */

bool
mf_compat_can_watch(void)
{
    return PY_VERSION_HEX >= 0x030C0000;
}

bool
mf_compat_can_monitor(void)
{
    return PY_VERSION_HEX >= 0x030C0000;
}

bool
mf_compat_can_annotate(void)
{
    return PY_VERSION_HEX >= 0x030E0000;
}

bool
mf_compat_gil_disabled(void)
{
#ifdef Py_GIL_DISABLED
    return true;
#else
    return false;
#endif
}

/* --- containers ---------------------------------------------------------- */

void
mf_compat_tuple_forget_hash(PyObject *tuple)
{
#if PY_VERSION_HEX >= 0x030E0000
    ((PyTupleObject *)tuple)->ob_hash = -1;
#else
    (void)tuple;
#endif
}

bool
mf_compat_dict_next(PyObject *dict, Py_ssize_t *pos, PyObject **key,
                    PyObject **value, Py_hash_t *hash)
{
    PyDictObject *d = (PyDictObject *)dict;
    PyObject *k;
    if (!PyDict_Next(dict, pos, &k, value)) {
        return false;
    }
    if (key != NULL) {
        *key = k;
    }
    if (hash != NULL) {
        if (d->ma_values != NULL || DK_IS_UNICODE(d->ma_keys)) {
            *hash = PyObject_Hash(k); /* an exact str: cached, cannot fail */
        }
        else {
            *hash = DK_ENTRIES(d->ma_keys)[*pos - 1].me_hash;
        }
    }
    return true;
}

int
mf_compat_dict_set(PyObject *dict, PyObject *key, PyObject *value,
                   Py_hash_t hash)
{
    return _PyDict_SetItem_KnownHash(dict, key, value, hash);
}

int
mf_compat_dict_del(PyObject *dict, PyObject *key, Py_hash_t hash)
{
    return _PyDict_DelItem_KnownHash(dict, key, hash);
}

PyObject *
mf_compat_dict_get(PyObject *dict, PyObject *key, Py_hash_t hash)
{
    return _PyDict_GetItem_KnownHash(dict, key, hash);
}

int
mf_compat_dict_clashes(PyObject *dict)
{
    PyDictObject *d = (PyDictObject *)dict;
    if (d->ma_values != NULL || DK_IS_UNICODE(d->ma_keys)) {
        return 0;
    }
    struct mf_map seen = {0}; /* hash -> a key that is not an exact str */
    Py_ssize_t pos = 0;
    PyObject *key, *value;
    Py_hash_t hash;
    int clashes = 0;
    if (mf_map_reserve(&seen, (size_t)d->ma_used) < 0) {
        return -1;
    }
    while (!clashes &&
           mf_compat_dict_next(dict, &pos, &key, &value, &hash)) {
        /* A hash of 0 cannot be a key of the map; -1 is no hash. */
        const void *word = (const void *)(hash != 0 ? hash : -1);
        uintptr_t *other = mf_map_find(&seen, word);
        bool plain = PyUnicode_CheckExact(key);
        clashes = other != NULL && !(plain && *other);
        if (other == NULL) {
            mf_map_put_nogil(&seen, word, plain); /* reserved */
        }
    }
    mf_map_clear(&seen);
    return clashes;
}

PyObject *
mf_compat_dict_copy(PyObject *dict)
{
    PyDictObject *d = (PyDictObject *)dict;
    if (PyDict_CheckExact(dict) && d->ma_values == NULL &&
        d->ma_used >= d->ma_keys->dk_nentries * 2 / 3) {
        return PyDict_Copy(dict); /* CPython copies such a table as it is */
    }
    int clashes = mf_compat_dict_clashes(dict);
    if (clashes != 0) {
        if (clashes > 0) {
            PyErr_SetString(PyExc_RuntimeError,
                            "a dict has keys with equal hashes that only "
                            "their own __eq__ could tell apart");
        }
        return NULL;
    }
    PyObject *copy = PyDict_New();
    Py_ssize_t pos = 0;
    PyObject *key, *value;
    Py_hash_t hash;
    while (copy != NULL &&
           mf_compat_dict_next(dict, &pos, &key, &value, &hash)) {
        if (mf_compat_dict_set(copy, key, value, hash) < 0) {
            Py_CLEAR(copy);
        }
    }
    return copy;
}

bool
mf_compat_dict_is_split(PyObject *dict)
{
    return ((PyDictObject *)dict)->ma_values != NULL;
}

int
mf_compat_dict_reset(PyObject *dict)
{
    PyDictObject *d = (PyDictObject *)dict;
    PyDict_Clear(dict);
    if (d->ma_values != NULL) {
        /* Values inside an instance (3.13+): a key that is no str makes the
         * dict take a table of its own. */
        PyObject *key = PyLong_FromLong(0);
        if (key == NULL || PyDict_SetItem(dict, key, Py_None) < 0 ||
            PyDict_DelItem(dict, key) < 0) {
            Py_XDECREF(key);
            return -1;
        }
        Py_DECREF(key);
    }
    assert(d->ma_values == NULL && d->ma_used == 0);
    return 0;
}

void
mf_compat_dict_exchange(PyObject *a, PyObject *b)
{
    PyDictObject *x = (PyDictObject *)a;
    PyDictObject *y = (PyDictObject *)b;
    assert(x->ma_values == NULL && y->ma_values == NULL);
    PyDictKeysObject *keys = x->ma_keys;
    Py_ssize_t used = x->ma_used;
    x->ma_keys = y->ma_keys;
    x->ma_used = y->ma_used;
    y->ma_keys = keys;
    y->ma_used = used;
    /* Dicts of atoms are untracked before 3.14. */
    if (PyObject_GC_IsTracked(a) != PyObject_GC_IsTracked(b)) {
        PyObject_GC_Track(PyObject_GC_IsTracked(a) ? b : a);
    }
}

/* A key whose hash no other key has: a store to it compares nothing. */
static bool
lone_key(PyObject *dict, PyObject **key, PyObject **value, Py_hash_t *hash)
{
    Py_ssize_t pos = 0;
    if (DK_IS_UNICODE(((PyDictObject *)dict)->ma_keys)) {
        return mf_compat_dict_next(dict, &pos, key, value, hash);
    }
    while (mf_compat_dict_next(dict, &pos, key, value, hash)) {
        PyObject *k, *v;
        Py_hash_t h;
        Py_ssize_t other = 0;
        bool lone = true;
        while (lone && mf_compat_dict_next(dict, &other, &k, &v, &h)) {
            lone = h != *hash || k == *key;
        }
        if (lone) {
            return true;
        }
    }
    return false;
}

void
mf_compat_dict_touch(PyObject *dict)
{
    PyObject *key, *value, *type, *error, *where;
    Py_hash_t hash;
    PyErr_Fetch(&type, &error, &where);
    if (PyDict_GET_SIZE(dict) == 0) {
        PyDict_Clear(dict);
    }
    else if (lone_key(dict, &key, &value, &hash)) {
        PyObject *other = value == Py_None ? Py_Ellipsis : Py_None;
        Py_INCREF(key);
        Py_INCREF(value);
        if (mf_compat_dict_set(dict, key, other, hash) < 0 ||
            mf_compat_dict_set(dict, key, value, hash) < 0) {
            PyErr_Clear(); /* the key exists: nothing is allocated */
        }
        Py_DECREF(value);
        Py_DECREF(key);
    }
    PyErr_Restore(type, error, where);
}

bool
mf_compat_dict_watched(PyObject *dict)
{
#if PY_VERSION_HEX >= 0x030C0000
    return (MF_DICT_TAG((PyDictObject *)dict) & 0xFF) != 0;
#else
    (void)dict;
    return false;
#endif
}

bool
mf_compat_set_next(PyObject *set, Py_ssize_t *pos, PyObject **key,
                   Py_hash_t *hash)
{
    return _PySet_NextEntry(set, pos, key, hash) != 0;
}

/* --- types --------------------------------------------------------------- */

PyObject *
mf_compat_type_dict(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyObject *dict = PyType_GetDict(type);
    Py_XDECREF(dict); /* the type holds it */
    return dict;
#else
    return type->tp_dict;
#endif
}

void
mf_compat_type_modified(PyTypeObject *type)
{
    PyType_Modified(type);
#if PY_VERSION_HEX >= 0x030D0000
#ifdef _Py_ATTR_CACHE_UNUSED
    if (type->tp_versions_used >= _Py_ATTR_CACHE_UNUSED) {
        return; /* says that the type must not have versions at all */
    }
#endif
    type->tp_versions_used = 0;
#endif
}

bool
mf_compat_immortal(PyObject *obj)
{
#if PY_VERSION_HEX >= 0x030C0000
    return _Py_IsImmortal(obj);
#else
    (void)obj;
    return false;
#endif
}

/* --- the rest ------------------------------------------------------------ */

bool
mf_compat_is_lazy_import(PyObject *obj)
{
#if PY_VERSION_HEX >= 0x030F0000
    return PyLazyImport_CheckExact(obj);
#else
    (void)obj;
    return false;
#endif
}

/* Under the GIL a thread state can be added at the head by a thread that is
 * still waiting for it, but none can go. */
int
mf_compat_thread_count(void)
{
    int count = 0;
    PyThreadState *t = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    for (; t != NULL; t = PyThreadState_Next(t)) {
        count++;
    }
    return count;
}

size_t
mf_compat_gc_flag_distance(void)
{
#if PY_VERSION_HEX >= 0x030F0000
    return 2 * sizeof(void *); /* the frame that began it lies between */
#else
    return sizeof(void *);
#endif
}

/* --- the probe ----------------------------------------------------------- */

static const char *
probe_sizes(void)
{
    if (PyFunction_Type.tp_basicsize != sizeof(PyFunctionObject)) {
        return "function objects have an unknown layout";
    }
    if (PyCode_Type.tp_basicsize != offsetof(PyCodeObject, co_code_adaptive)) {
        return "code objects have an unknown layout";
    }
    if (PyDict_Type.tp_basicsize != sizeof(PyDictObject) ||
        PySet_Type.tp_basicsize != sizeof(PySetObject) ||
        PyList_Type.tp_basicsize != sizeof(PyListObject)) {
        return "containers have an unknown layout";
    }
    if (PyType_Type.tp_basicsize != sizeof(PyHeapTypeObject)) {
        return "classes have an unknown layout";
    }
    return NULL;
}

/* Look at a function's fields through the public calls. */
static const char *
probe_function(PyFunctionObject *func)
{
    static const char bad[] = "function objects have an unknown layout";
    PyObject *f = (PyObject *)func;
    PyObject *pair = PyTuple_Pack(2, Py_True, Py_False);
    PyObject *names = PyDict_New();
    const char *why = bad;
    if (pair == NULL || names == NULL ||
        PyFunction_SetDefaults(f, pair) < 0 ||
        PyFunction_SetKwDefaults(f, names) < 0 ||
        PyObject_SetAttrString(f, "mark", Py_True) < 0) {
        goto release;
    }
    if (func->func_code != PyFunction_GetCode(f) ||
        func->func_globals != PyFunction_GetGlobals(f) ||
        func->func_module != PyFunction_GetModule(f) ||
        func->func_defaults != pair || func->func_kwdefaults != names ||
        func->func_closure != NULL || func->func_dict == NULL ||
        PyDict_GetItemString(func->func_dict, "mark") != Py_True ||
        !PyUnicode_Check(func->func_name) ||
        !PyUnicode_Check(func->func_qualname) ||
        !PyDict_Check(func->func_builtins) || func->vectorcall == NULL) {
        goto release;
    }
    PyCodeObject *code = (PyCodeObject *)func->func_code;
    mf_compat_function_set_version(func, 0);
    if (func->func_version != 0) {
        goto release;
    }
    if (code->co_firstlineno != 7 || PyCode_Addr2Line(code, 0) != 7) {
        why = "code objects have an unknown layout";
        goto release;
    }
    mf_compat_code_move(code, 10);
    why = PyCode_Addr2Line(code, 0) == 17
              ? NULL
              : "the lines of code objects do not move as expected";
release:
    Py_XDECREF(pair);
    Py_XDECREF(names);
    return why;
}

/* Exchange two dicts, one of them with a key that is not a str. */
static const char *
probe_dicts(void)
{
    const char *why = "dicts have an unknown layout";
    PyObject *a = PyDict_New();
    PyObject *b = PyDict_New();
    PyObject *key, *value;
    Py_hash_t hash;
    Py_ssize_t pos = 0;
    if (a == NULL || b == NULL ||
        PyDict_SetItemString(a, "one", Py_True) < 0 ||
        PyDict_SetItemString(a, "two", Py_False) < 0 ||
        PyDict_SetItem(b, Py_Ellipsis, Py_None) < 0) {
        goto release;
    }
    mf_compat_dict_exchange(a, b);
    mf_compat_dict_touch(a);
    mf_compat_dict_touch(b);
    if (PyDict_GET_SIZE(a) == 1 && PyDict_GET_SIZE(b) == 2 &&
        PyDict_GetItemString(b, "one") == Py_True &&
        PyDict_GetItem(a, Py_Ellipsis) == Py_None &&
        mf_compat_dict_next(a, &pos, &key, &value, &hash) &&
        key == Py_Ellipsis && value == Py_None &&
        hash == PyObject_Hash(key) &&
        mf_compat_dict_get(a, key, hash) == Py_None) {
        why = NULL;
    }
release:
    Py_XDECREF(a);
    Py_XDECREF(b);
    return why;
}

static const char *
probe_objects(void)
{
    const char *why = "out of memory at import";
    PyObject *globals = PyDict_New();
    PyCodeObject *code = PyCode_NewEmpty("<midflight>", "probe", 7);
    PyObject *func = NULL;
    if (globals != NULL && code != NULL &&
        PyDict_SetItemString(globals, "__builtins__",
                             PyEval_GetBuiltins()) == 0) {
        func = PyFunction_New((PyObject *)code, globals);
    }
    if (func != NULL) {
        why = probe_function((PyFunctionObject *)func);
    }
    if (why == NULL) {
        why = probe_dicts();
    }
    Py_XDECREF(func);
    Py_XDECREF(code);
    Py_XDECREF(globals);
    return why;
}

const char *
mf_compat_probe(void)
{
    if (mf_compat_gil_disabled()) {
        return "this Python runs without the GIL, which midflight needs";
    }
    if (Py_Version >> 16 != PY_VERSION_HEX >> 16) {
        return "midflight was built for another minor version of Python";
    }
    if (Py_Version < 0x030B0000 || Py_Version >= 0x03100000) {
        return "this version of Python is not known to midflight";
    }
    const char *why = probe_sizes();
    if (why == NULL) {
        why = probe_objects();
    }
    PyErr_Clear();
    if (why == NULL) {
        mf_compat_function_find_watchers();
    }
    return why;
}
