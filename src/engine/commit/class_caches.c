/* class_caches.c -- what the standard library has cached about classes.
 *
 * Owns the knowledge of those caches. In: a class that has changed, and its
 * subclasses. Out: caches that ask again. Nothing is walked unless a cache is
 * known to hold an answer: the ABCs' caches and singledispatch's keep weak
 * references with callbacks of their own to every class they were asked about.
 */
#include "class_caches.h"

#include "../ground/compat.h"
#include "../ground/compat_objects.h"

/* -- which caches know a class -------------------------------------------- */

struct known {
    bool by_abc;
    bool by_dispatch;
};

static void
look_at_weakrefs(PyObject *cls, struct known *known)
{
    PyObject **list = mf_compat_obj_weakrefs(cls);
    PyWeakReference *ref = list != NULL ? (PyWeakReference *)*list : NULL;
    for (; ref != NULL; ref = ref->wr_next) {
        if (ref->wr_callback == NULL) {
            continue;
        }
        if (PyCFunction_Check(ref->wr_callback)) {
            known->by_abc = true;
        }
        else {
            known->by_dispatch = true;
        }
    }
}

/* -- ABCs ----------------------------------------------------------------- */

static bool
is_abc(PyObject *cls)
{
    return PyDict_GetItemString(mf_compat_obj_type_dict((PyTypeObject *)cls),
                                "_abc_impl") != NULL;
}

/* Its registry stays. */
static void
reset_one(PyObject *cls, PyObject *reset)
{
    PyObject *done = is_abc(cls) ? PyObject_CallOneArg(reset, cls) : NULL;
    if (done == NULL) {
        PyErr_Clear(); /* something else under that name */
    }
    Py_XDECREF(done);
}

static int
find_below(PyObject *cls, struct mf_vec *found, struct mf_map *seen)
{
    if (mf_map_has(seen, cls)) {
        return 0;
    }
    if (mf_map_put(seen, cls, 1) < 0 ||
        (is_abc(cls) && mf_vec_push_ref(found, cls) < 0)) {
        return -1;
    }
    PyObject *list = PyObject_CallMethod((PyObject *)&PyType_Type,
                                         "__subclasses__", "O", cls);
    if (list == NULL) {
        return -1;
    }
    int result = 0;
    for (Py_ssize_t i = 0; result == 0 && i < PyList_GET_SIZE(list); i++) {
        result = find_below(PyList_GET_ITEM(list, i), found, seen);
    }
    Py_DECREF(list);
    return result;
}

/* What the classes themselves have answered, and (everywhere) what all ABCs
 * have answered about them. */
static int
find_abcs(PyTypeObject *cls, const struct mf_vec *affected, bool everywhere,
          struct mf_vec *found)
{
    struct mf_map seen = {0};
    if (everywhere) {
        int result = find_below((PyObject *)&PyBaseObject_Type, found, &seen);
        mf_map_clear(&seen);
        return result;
    }
    int result = mf_vec_push_ref(found, (PyObject *)cls);
    for (size_t i = 0; result == 0 && i < affected->len; i++) {
        result = mf_vec_push_ref(found, affected->items[i]);
    }
    return result;
}

/* -- singledispatch ------------------------------------------------------- */

static int
dispatch_visit(PyObject *obj, void *arg)
{
    if (!PyFunction_Check(obj)) {
        return 0;
    }
    PyObject *dict = ((PyFunctionObject *)obj)->func_dict;
    /* The wrapper that singledispatch makes has both. */
    if (dict == NULL || PyDict_GetItemString(dict, "_clear_cache") == NULL ||
        PyDict_GetItemString(dict, "registry") == NULL) {
        return 0;
    }
    return mf_vec_push(arg, obj);
}

static int
find_dispatch(struct mf_vec *found)
{
    struct mf_vec functions = {0};
    int result = mf_heap_walk(dispatch_visit, &functions) < 0 ? -1 : 0;
    for (size_t i = 0; result == 0 && i < functions.len; i++) {
        result = mf_vec_push_ref(found, functions.items[i]);
    }
    mf_vec_clear(&functions);
    return result;
}

int
mf_class_caches_find(PyTypeObject *cls, const struct mf_vec *affected,
                     struct mf_vec *found)
{
    struct known known = {false, false};
    look_at_weakrefs((PyObject *)cls, &known);
    for (size_t i = 0; i < affected->len; i++) {
        look_at_weakrefs(affected->items[i], &known);
    }
    /* A subclass of an ABC is one itself. */
    if ((known.by_abc || is_abc((PyObject *)cls)) &&
        find_abcs(cls, affected, known.by_abc, found) < 0) {
        return -1;
    }
    return known.by_dispatch ? find_dispatch(found) : 0;
}

/* Every registry of singledispatch has an implementation for object. Whose it
 * is does not matter: all dispatching functions are found in one walk. */
static int
is_dispatch(PyObject *registry)
{
    PyObject *base =
        PyDict_CheckExact(registry)
            ? PyDict_GetItemWithError(registry,
                                      (PyObject *)&PyBaseObject_Type)
            : NULL;
    return PyErr_Occurred() ? -1 : base != NULL && PyCallable_Check(base);
}

int
mf_class_caches_registry(PyObject *registry, struct mf_vec *found)
{
    struct mf_vec none = {0};
    int is = is_dispatch(registry);
    if (is != 0 || !PySet_CheckExact(registry)) {
        return is <= 0 ? is : find_dispatch(found);
    }
    PyObject *key;
    Py_hash_t hash;
    Py_ssize_t pos = 0;
    /* an ABC's: its bases have answered by it, too */
    return mf_compat_set_next(registry, &pos, &key, &hash) &&
                   PyWeakref_Check(key) &&
                   ((PyWeakReference *)key)->wr_callback != NULL &&
                   PyCFunction_Check(((PyWeakReference *)key)->wr_callback)
               ? find_abcs(NULL, &none, true, found)
               : 0;
}

int
mf_class_caches_forget(const struct mf_vec *found)
{
    PyObject *module = PyImport_ImportModule("_abc");
    PyObject *reset =
        module != NULL ? PyObject_GetAttrString(module, "_reset_caches")
                       : NULL;
    for (size_t i = 0; reset != NULL && i < found->len; i++) {
        PyObject *obj = found->items[i];
        if (PyType_Check(obj)) {
            reset_one(obj, reset);
            continue;
        }
        PyObject *done = PyObject_CallMethod(obj, "_clear_cache", NULL);
        if (done == NULL) {
            PyErr_WriteUnraisable(obj);
        }
        Py_XDECREF(done);
    }
    Py_XDECREF(module);
    Py_XDECREF(reset);
    return reset != NULL ? 0 : -1;
}

int
mf_class_caches_carry(PyTypeObject *live, PyTypeObject *staged,
                      const struct mf_map *home)
{
    PyObject *set = mf_compat_obj_abc_registry((PyObject *)staged);
    if (set == NULL || PySet_GET_SIZE(set) == 0 || live == staged) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *module = PyImport_ImportModule("_abc");
    PyObject *all = module ? PySequence_Tuple(set) : NULL;
    int rc = all ? 0 : -1;
    for (Py_ssize_t i = 0; rc == 0 && i < PyTuple_GET_SIZE(all); i++) {
        PyObject *ref = PyTuple_GET_ITEM(all, i);
        PyObject *cls = PyWeakref_CheckRef(ref)
                            ? ((PyWeakReference *)ref)->wr_object
                            : Py_None;
        PyObject *to = mf_map_get(home, cls);
        cls = to ? to : cls;
        PyObject *done = PyType_Check(cls)
                             ? PyObject_CallMethod(module, "_abc_register",
                                                   "OO", live, cls)
                             : Py_NewRef(Py_None);
        rc = done ? 0 : -1;
        Py_XDECREF(done);
    }
    Py_XDECREF(all);
    Py_XDECREF(module);
    return rc;
}

/* -- protocols and typing ------------------------------------------------- */

/* typing, if the program has imported it; borrowed. */
static PyObject *
typing_module(void)
{
    PyObject *modules = PyImport_GetModuleDict();
    return modules != NULL ? PyDict_GetItemString(modules, "typing") : NULL;
}

static int
set_quietly(PyTypeObject *cls, const char *name, PyObject *value)
{
    PyObject *key = PyUnicode_InternFromString(name);
    if (key == NULL) {
        return -1;
    }
    int result = PyType_Type.tp_setattro((PyObject *)cls, key, value);
    Py_DECREF(key);
    return result;
}

/* Is what the class has under this name something to call? */
static bool
is_callable(PyTypeObject *cls, PyObject *name)
{
    PyObject *value = _PyType_Lookup(cls, name);
    return value != NULL &&
           (PyCallable_Check(value) ||
            PyObject_TypeCheck(value, &PyClassMethod_Type));
}

/* What isinstance() may not ask by calling: kept beside the list, in a form
 * that differs by version. */
static int
list_non_callable(PyTypeObject *cls, PyObject *dict, PyObject *names)
{
    PyObject *others = PySet_New(NULL);
    PyObject *iter = others != NULL ? PyObject_GetIter(names) : NULL;
    PyObject *name;
    int result = iter != NULL ? 0 : -1;
    while (result == 0 && (name = PyIter_Next(iter)) != NULL) {
        if (!is_callable(cls, name)) {
            result = PySet_Add(others, name);
        }
        Py_DECREF(name);
    }
    if (PyErr_Occurred()) {
        result = -1;
    }
    if (result == 0 &&
        PyDict_GetItemString(dict, "__non_callable_proto_members__")) {
        result = set_quietly(cls, "__non_callable_proto_members__", others);
    }
    if (result == 0 &&
        PyDict_GetItemString(dict, "__callable_proto_members_only__")) {
        result = set_quietly(cls, "__callable_proto_members_only__",
                             PySet_GET_SIZE(others) == 0 ? Py_True
                                                         : Py_False);
    }
    Py_XDECREF(iter);
    Py_XDECREF(others);
    return result;
}

int
mf_class_caches_protocol(PyTypeObject *cls)
{
    PyObject *dict = mf_compat_obj_type_dict(cls);
    PyObject *typing = typing_module();
    if (typing == NULL ||
        PyDict_GetItemString(dict, "__protocol_attrs__") == NULL) {
        return 0;
    }
    PyObject *names =
        PyObject_CallMethod(typing, "_get_protocol_attrs", "O", cls);
    if (names == NULL) {
        return -1;
    }
    int result = set_quietly(cls, "__protocol_attrs__", names);
    if (result == 0) {
        result = list_non_callable(cls, dict, names);
    }
    Py_DECREF(names);
    return result;
}

int
mf_class_caches_typing(void)
{
    PyObject *typing = typing_module();
    PyObject *cleanups =
        typing != NULL ? PyObject_GetAttrString(typing, "_cleanups") : NULL;
    if (cleanups == NULL || !PyList_CheckExact(cleanups)) {
        PyErr_Clear();
        Py_XDECREF(cleanups);
        return 0;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(cleanups); i++) {
        PyObject *done = PyObject_CallNoArgs(PyList_GET_ITEM(cleanups, i));
        if (done == NULL) {
            PyErr_WriteUnraisable(cleanups);
        }
        Py_XDECREF(done);
    }
    Py_DECREF(cleanups);
    return 0;
}
