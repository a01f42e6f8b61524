/* effects_about.c -- owns the question what an item of a registry is about.
 * In: an item, staged or live. Out: the live object that it registers, or the
 * item with live objects in it.
 */
#include "effects_about.h"

#include "../ground/compat.h"

enum { MAX_LEVEL = 4, MAX_ITEMS = 64 };

struct search {
    const struct mf_effects_homes *homes;
    struct mf_effects_about *about;
    PyTypeObject *type; /* of the object that is traversed: not looked at */
    bool instance;      /* that object's dict holds its attributes */
    int level;
};

/* ---- records ------------------------------------------------------------------ */

static bool
is_const_of(PyObject *key, PyObject *consts)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(consts, i);
        if (item == key || (PyTuple_CheckExact(item) &&
                            is_const_of(key, item))) {
            return true; /* names among constants are interned */
        }
    }
    return false;
}

static bool
makes_record(PyCodeObject *code, PyObject *dict)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(dict, &pos, &key, &value)) {
        if (!PyUnicode_CheckExact(key) ||
            !is_const_of(key, code->co_consts)) {
            return false;
        }
    }
    return true;
}

bool
mf_effects_is_record(const struct mf_effects_homes *homes,
                     PyObject *container)
{
    struct mf_effects *effects = homes->effects;
    if (PyList_CheckExact(container)) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(container) &&
                               i < MAX_ITEMS;
             i++) {
            PyObject *item = PyList_GET_ITEM(container, i);
            if (PyUnicode_Check(item) || PyLong_Check(item) ||
                item == Py_None) {
                return true;
            }
        }
        return false;
    }
    if (!PyDict_CheckExact(container) || PyDict_GET_SIZE(container) == 0 ||
        PyDict_GET_SIZE(container) > MAX_ITEMS) {
        return false;
    }
    for (size_t i = 0; i < effects->keep.len; i++) {
        PyObject *code = effects->keep.items[i];
        if (PyCode_Check(code) &&
            (uintptr_t)mf_map_get(&effects->codes, code) == MF_CODE_CALLED &&
            makes_record((PyCodeObject *)code, container)) {
            return true;
        }
    }
    return false;
}

/* ---- what it is about ---------------------------------------------------------- */

static void look_at(PyObject *item, struct search *search);
static void look_into_dict(PyObject *dict, struct search *search);

static int
look_into(PyObject *item, void *arg)
{
    struct search *search = arg;
    if (item == NULL || item == (PyObject *)search->type ||
        search->about->live != NULL || search->level >= MAX_LEVEL) {
        return search->about->live != NULL;
    }
    PyTypeObject *type = search->type;
    bool instance = search->instance;
    bool attributes = instance && PyDict_CheckExact(item);
    search->instance = false;
    search->level++;
    if (attributes) {
        look_into_dict(item, search);
    }
    else {
        look_at(item, search);
    }
    search->level--;
    search->type = type;
    search->instance = instance;
    return search->about->live != NULL;
}

static void
traverse(PyObject *item, struct search *search)
{
    if (Py_TYPE(item)->tp_traverse != NULL) {
        search->type = Py_TYPE(item);
        Py_TYPE(item)->tp_traverse(item, look_into, search);
    }
}

static void
look_into_dict(PyObject *dict, struct search *search)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(dict, &pos, &key, &value) &&
           !look_into(key, search) && !look_into(value, search)) {
    }
}

static void
look_into_function(PyObject *item, struct search *search)
{
    PyFunctionObject *func = (PyFunctionObject *)item;
    PyObject *cells = func->func_closure;
    for (Py_ssize_t i = 0; cells && i < PyTuple_GET_SIZE(cells); i++) {
        PyObject *cell = PyTuple_GET_ITEM(cells, i);
        if (PyCell_Check(cell)) {
            look_into(PyCell_GET(cell), search);
        }
    }
    look_into(func->func_defaults, search);
    /* made by code that the statement calls, not by any other? */
    if (search->about->live != NULL &&
        !mf_map_has(&search->homes->effects->codes, func->func_code)) {
        search->about->direct = false;
    }
}

static void
look_into_instance(PyObject *item, struct search *search)
{
    PyTypeObject *type = Py_TYPE(item);
    if (type->tp_call != NULL &&
        (!PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) ||
         PyType_HasFeature(type, Py_TPFLAGS_IMMUTABLETYPE))) {
        traverse(item, search); /* bound methods, partials, wrappers */
    }
    else if (mf_map_has(&search->homes->effects->codes, type) &&
             search->level < MAX_LEVEL - 1) {
        /* of a class that the statement's code names: its attributes,
         * wherever they stand, but no attributes of attributes */
        int level = search->level;
        search->level = MAX_LEVEL - 2;
        search->instance = true;
        traverse(item, search);
        search->instance = false;
        search->level = level;
    }
}

static void
look_at(PyObject *item, struct search *search)
{
    const struct mf_effects_homes *homes = search->homes;
    PyObject *home = mf_map_get(homes->home, item);
    if (home != NULL || mf_map_has(homes->rerun, item) ||
        mf_map_has(&homes->live, item)) {
        search->about->live = home ? home : item;
        return;
    }
    Py_ssize_t size;
    if (PyWeakref_Check(item)) {
        PyObject *to = ((PyWeakReference *)item)->wr_object;
        if (to != Py_None && Py_REFCNT(to) > 0) {
            look_into(to, search);
            search->about->weak = search->about->live != NULL;
        }
        return;
    }
    if (!PyObject_IS_GC(item) || PyModule_Check(item) || PyType_Check(item) ||
        PyCode_Check(item)) {
        return;
    }
    if (PyFunction_Check(item)) {
        look_into_function(item, search);
    }
    else if (PyTuple_Check(item) || PyFrozenSet_Check(item)) {
        traverse(item, search);
    }
    else if (mf_effects_container(item, &size) < 0) {
        look_into_instance(item, search);
    }
    else if (mf_effects_is_record(homes, item)) {
        if (PyDict_Check(item)) {
            look_into_dict(item, search);
        }
        else {
            traverse(item, search);
        }
    }
}

void
mf_effects_about(const struct mf_effects_homes *homes, struct mf_entry entry,
                 struct mf_effects_about *about)
{
    *about = (struct mf_effects_about){NULL, true, false};
    struct search search = {homes, about, NULL, false, 0};
    look_at(entry.key, &search);
    if (about->live == NULL && entry.value != NULL) {
        look_at(entry.value, &search);
    }
}

/* ---- brought home ----------------------------------------------------------------- */

static bool
has_staged(const struct mf_effects_homes *homes, PyObject *item, int level)
{
    if (mf_map_has(homes->home, item)) {
        return true;
    }
    for (Py_ssize_t i = 0; PyTuple_Check(item) && level < MAX_LEVEL &&
                           i < PyTuple_GET_SIZE(item);
         i++) {
        if (has_staged(homes, PyTuple_GET_ITEM(item, i), level + 1)) {
            return true;
        }
    }
    return false;
}

/* A named tuple of its own class, whatever __new__ that has; one with
 * attributes of its own is left to become. */
static PyObject *
like_tuple(const struct mf_effects_homes *homes, PyObject *plain,
           PyObject *item)
{
    PyTypeObject *type = Py_TYPE(item);
    PyObject *home = mf_map_get(homes->home, type);
    if (home != NULL && PyType_Check(home)) {
        type = (PyTypeObject *)home;
    }
    if (type->tp_dictoffset != 0 ||
        PyType_HasFeature(type, Py_TPFLAGS_MANAGED_DICT) ||
        !PyType_IsSubtype(type, &PyTuple_Type)) {
        return Py_NewRef(item);
    }
    PyObject *args = PyTuple_Pack(1, plain);
    PyObject *made = args ? PyTuple_Type.tp_new(type, args, NULL) : NULL;
    Py_XDECREF(args);
    return made;
}

static PyObject *
bring_home(const struct mf_effects_homes *homes, PyObject *item, int level)
{
    PyObject *home = mf_map_get(homes->home, item);
    if (home != NULL || !PyTuple_Check(item) ||
        !has_staged(homes, item, level)) {
        return Py_NewRef(home ? home : item);
    }
    Py_ssize_t n = PyTuple_GET_SIZE(item);
    PyObject *plain = PyTuple_New(n);
    for (Py_ssize_t i = 0; plain != NULL && i < n; i++) {
        PyObject *part =
            bring_home(homes, PyTuple_GET_ITEM(item, i), level + 1);
        if (part == NULL) {
            Py_CLEAR(plain);
            break;
        }
        PyTuple_SET_ITEM(plain, i, part);
    }
    if (plain == NULL || PyTuple_CheckExact(item)) {
        return plain;
    }
    PyObject *made = like_tuple(homes, plain, item);
    Py_DECREF(plain);
    return made;
}

PyObject *
mf_effects_bring_home(const struct mf_effects_homes *homes, PyObject *item)
{
    return bring_home(homes, item, 0);
}
