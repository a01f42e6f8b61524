/* effects_put.c -- owns how contents get into a live holder. In: what it has
 * and what it shall have. Out: the holder changed, item by item where it has
 * keys. By the base types' own functions and by stored hashes: nothing of the
 * program runs but destructors, when the caller drops what went.
 */
#include "effects_copy.h"

#include "../ground/compat.h"
#include "../ground/fault.h"
#include "../ground/trace.h"

/* ---- writing ------------------------------------------------------------------- */

/* Would a table of these keys have to ask the program's __eq__? */
static int
keys_clash(const struct mf_contents *contents, Py_ssize_t stride)
{
    struct mf_map seen = {0};
    Py_ssize_t n = mf_effects_count(contents, stride);
    int rc = mf_map_reserve(&seen, (size_t)n);
    for (Py_ssize_t i = 0; rc == 0 && i < n; i++) {
        struct mf_entry entry = mf_effects_entry(contents, i, stride);
        void *at = (void *)((uintptr_t)entry.hash << 1 | 1);
        PyObject *other = mf_map_get(&seen, at);
        if (other != NULL && !(PyUnicode_CheckExact(other) &&
                               PyUnicode_CheckExact(entry.key))) {
            PyErr_SetString(PyExc_RuntimeError,
                            "keys with equal hashes that only their own "
                            "__eq__ could tell apart");
            rc = -1;
        }
        else {
            rc = mf_map_put(&seen, at, (uintptr_t)entry.key);
        }
    }
    mf_map_clear(&seen);
    return rc;
}

/* Is the hash one of CPython's own types? */
static bool
hash_is_plain(PyObject *key)
{
    if (PyTuple_CheckExact(key)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key); i++) {
            if (!hash_is_plain(PyTuple_GET_ITEM(key, i))) {
                return false;
            }
        }
        return true;
    }
    if (PyWeakref_CheckRefExact(key)) {
        PyObject *to = ((PyWeakReference *)key)->wr_object;
        return to != Py_None && Py_REFCNT(to) > 0 && hash_is_plain(to);
    }
    return PyUnicode_CheckExact(key) || PyLong_CheckExact(key) ||
           PyBytes_CheckExact(key) || PyFloat_CheckExact(key) ||
           PyBool_Check(key) || key == Py_None ||
           Py_TYPE(key)->tp_hash == PyBaseObject_Type.tp_hash;
}

int
mf_effects_hash(PyObject *key, Py_hash_t *hash)
{
    if (!hash_is_plain(key)) {
        return 0;
    }
    *hash = PyObject_Hash(key);
    return *hash == -1 ? -1 : 1;
}

static int
dict_set(PyObject *dict, struct mf_entry entry)
{
    if (!PyODict_Check(dict)) {
        return mf_compat_dict_set(dict, entry.key, entry.value, entry.hash);
    }
    if (!hash_is_plain(entry.key)) {
        PyErr_SetString(PyExc_RuntimeError,
                        "an OrderedDict would call the program's __hash__");
        return -1;
    }
    return PyODict_SetItem(dict, entry.key, entry.value);
}

static int
dict_del(PyObject *dict, struct mf_entry entry)
{
    if (!PyODict_Check(dict)) {
        return mf_compat_dict_del(dict, entry.key, entry.hash);
    }
    if (!hash_is_plain(entry.key)) {
        PyErr_SetString(PyExc_RuntimeError,
                        "an OrderedDict would call the program's __hash__");
        return -1;
    }
    return PyODict_DelItem(dict, entry.key);
}

/* Keys of `now` that stay, then those that come: from which place on does
 * the order differ from the wanted one? */
static Py_ssize_t
first_out_of_order(const struct mf_contents *now,
                   const struct mf_contents *wanted,
                   const struct mf_map *present, const struct mf_map *stay)
{
    Py_ssize_t n = mf_effects_count(wanted, 2), at = 0;
    for (Py_ssize_t i = 0; i < mf_effects_count(now, 2); i++) {
        PyObject *key = PyTuple_GET_ITEM(now->items, 2 * i);
        if (!mf_map_has(stay, key)) {
            continue;
        }
        if (key != PyTuple_GET_ITEM(wanted->items, 2 * at)) {
            return at;
        }
        at++;
    }
    for (; at < n; at++) {
        if (mf_map_has(present, PyTuple_GET_ITEM(wanted->items, 2 * at))) {
            return at;
        }
    }
    return n;
}

static int
put_dict(PyObject *dict, const struct mf_contents *now,
         const struct mf_contents *wanted)
{
    struct mf_map present = {0}, stay = {0};
    int rc = keys_clash(now, 2) < 0 || keys_clash(wanted, 2) < 0 ||
                     mf_effects_place(&present, now, 2) < 0 ||
                     mf_effects_place(&stay, wanted, 2) < 0
                 ? -1
                 : 0;
    for (Py_ssize_t i = 0; rc == 0 && i < mf_effects_count(now, 2); i++) {
        struct mf_entry entry = mf_effects_entry(now, i, 2);
        if (!mf_map_has(&stay, entry.key)) {
            rc = dict_del(dict, entry);
        }
    }
    Py_ssize_t order =
        rc == 0 ? first_out_of_order(now, wanted, &present, &stay) : 0;
    for (Py_ssize_t i = 0; rc == 0 && i < mf_effects_count(wanted, 2); i++) {
        struct mf_entry entry = mf_effects_entry(wanted, i, 2);
        uintptr_t was = (uintptr_t)mf_map_get(&present, entry.key);
        if (was != 0 && i >= order) {
            rc = dict_del(dict, entry);
        }
        else if (was != 0 &&
                 mf_effects_entry(now, (Py_ssize_t)was - 1, 2).value == entry.value) {
            continue;
        }
        rc = rc == 0 ? dict_set(dict, entry) : rc;
    }
    mf_map_clear(&present);
    mf_map_clear(&stay);
    return rc;
}

PyObject *
mf_effects_make_dict(const struct mf_contents *contents, bool ordered)
{
    if (keys_clash(contents, 2) < 0) {
        return NULL;
    }
    PyObject *dict = ordered ? PyODict_New() : PyDict_New();
    for (Py_ssize_t i = 0; dict != NULL && i < mf_effects_count(contents, 2);
         i++) {
        if (dict_set(dict, mf_effects_entry(contents, i, 2)) < 0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

PyObject *
mf_effects_make_set(const struct mf_contents *contents)
{
    if (keys_clash(contents, 1) < 0) {
        return NULL;
    }
    /* a set made from a dict takes the hashes stored there */
    PyObject *dict = PyDict_New();
    for (Py_ssize_t i = 0; dict != NULL && i < mf_effects_count(contents, 1);
         i++) {
        struct mf_entry entry = mf_effects_entry(contents, i, 1);
        if (mf_compat_dict_set(dict, entry.key, Py_None, entry.hash) < 0) {
            Py_CLEAR(dict);
        }
    }
    PyObject *set = dict ? PySet_New(dict) : NULL;
    Py_XDECREF(dict);
    return set;
}

/* A method of the base type, whatever the subclass has in its place. */
static int
call_base(PyTypeObject *type, const char *method, PyObject *holder,
          PyObject *arg)
{
    /* interned: type caches keep names */
    PyObject *name = PyUnicode_InternFromString(method);
    PyObject *done = name ? PyObject_CallMethodObjArgs(
                                (PyObject *)type, name, holder, arg, NULL)
                          : NULL;
    Py_XDECREF(name);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static int
put_set(PyObject *set, const struct mf_contents *now,
        const struct mf_contents *wanted)
{
    struct mf_contents gone = {0};
    struct mf_map stay = {0};
    PyObject *out = NULL, *in = NULL;
    int rc = -1;
    Py_ssize_t n = mf_effects_count(now, 1);
    struct mf_entry *drop = mf_alloc(((size_t)n + 1) * sizeof(*drop));
    Py_ssize_t dropped = 0;
    if (drop == NULL) {
        PyErr_NoMemory();
        goto release_all;
    }
    if (keys_clash(now, 1) < 0 || mf_effects_place(&stay, wanted, 1) < 0) {
        goto release_all;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        struct mf_entry entry = mf_effects_entry(now, i, 1);
        if (!mf_map_has(&stay, entry.key)) {
            drop[dropped++] = entry;
        }
    }
    if (mf_effects_pack(drop, dropped, 1, true, &gone) < 0) {
        goto release_all;
    }
    out = mf_effects_make_set(&gone);
    in = mf_effects_make_set(wanted);
    if (out != NULL && in != NULL &&
        call_base(&PySet_Type, "difference_update", set, out) == 0) {
        rc = call_base(&PySet_Type, "update", set, in);
    }
release_all:
    mf_effects_contents_clear(&gone);
    mf_map_clear(&stay);
    mf_free(drop);
    Py_XDECREF(out);
    Py_XDECREF(in);
    return rc;
}

static void
trace_failure(PyObject *holder)
{
    MF_TRACE(1, "effects: a %s could not be taken back",
             Py_TYPE(holder)->tp_name);
    PyErr_Clear();
}

/* type.__setattr__ would call a data descriptor of the metaclass. */
static bool
metaclass_has_say(PyTypeObject *cls, PyObject *name)
{
    PyObject *mro = Py_TYPE(cls)->tp_mro;
    for (Py_ssize_t i = 0; mro != NULL && i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *type = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        if (type == &PyType_Type || type == &PyBaseObject_Type) {
            continue;
        }
        PyObject *dict = mf_compat_type_dict(type);
        PyObject *found = dict ? PyDict_GetItemWithError(dict, name) : NULL;
        if (found != NULL && Py_TYPE(found)->tp_descr_set != NULL) {
            return true;
        }
    }
    return false;
}

struct slot_write {
    PyObject *name, *value;
};

static int
write_slot(const char *name, PyObject **word, void *arg)
{
    struct slot_write *write = arg;
    if (PyUnicode_CompareWithASCIIString(write->name, name) == 0) {
        PyObject *old = *word;
        *word = Py_XNewRef(write->value);
        Py_XDECREF(old);
    }
    return 0;
}

static int
put_name(int kind, PyObject *holder, PyObject *name, PyObject *value)
{
    if (kind == MF_EFFECT_SLOTS) {
        struct slot_write write = {name, value};
        return mf_effects_each_slot(holder, write_slot, &write);
    }
    if (!PyUnicode_Check(name) ||
        metaclass_has_say((PyTypeObject *)holder, name)) {
        PyErr_Format(PyExc_RuntimeError, "%R of %s cannot be set", name,
                     ((PyTypeObject *)holder)->tp_name);
        return -1;
    }
    return PyType_Type.tp_setattro(holder, name, value);
}

/* One that fails does not keep the others from being written. */
static int
put_names(int kind, PyObject *holder, const struct mf_contents *now,
          const struct mf_contents *wanted)
{
    struct mf_map present = {0}, stay = {0};
    int rc = mf_effects_place(&present, now, 2) < 0 ||
                     mf_effects_place(&stay, wanted, 2) < 0
                 ? -1
                 : 0;
    for (Py_ssize_t i = 0; rc == 0 && i < mf_effects_count(now, 2); i++) {
        PyObject *name = PyTuple_GET_ITEM(now->items, 2 * i);
        if (!mf_map_has(&stay, name) &&
            put_name(kind, holder, name, NULL) < 0) {
            trace_failure(holder);
        }
    }
    for (Py_ssize_t i = 0; rc == 0 && i < mf_effects_count(wanted, 2); i++) {
        struct mf_entry entry = mf_effects_entry(wanted, i, 2);
        Py_ssize_t was = (Py_ssize_t)mf_map_get(&present, entry.key);
        if ((was == 0 || mf_effects_entry(now, was - 1, 2).value !=
                             entry.value) &&
            put_name(kind, holder, entry.key, entry.value) < 0) {
            trace_failure(holder);
        }
    }
    mf_map_clear(&present);
    mf_map_clear(&stay);
    return rc;
}

static int
put_list(PyObject *list, PyObject *items)
{
    if (((PyListObject *)list)->allocated < 0) {
        PyErr_SetString(PyExc_RuntimeError, "a list is being sorted");
        return -1;
    }
    return PyList_SetSlice(list, 0, PyList_GET_SIZE(list), items);
}

/* The new items come behind the old ones before these go, so that a failure
 * for want of memory loses none; one with a maxlen drops the old ones itself.
 */
static int
put_deque(PyObject *deque, PyObject *items)
{
    PyTypeObject *type = mf_effects_deque();
    if (type == NULL || call_base(type, "extend", deque, items) < 0) {
        return -1;
    }
    int rc = 0;
    Py_ssize_t n = PyTuple_GET_SIZE(items);
    while (rc == 0 && type->tp_as_sequence->sq_length(deque) > n) {
        rc = call_base(type, "popleft", deque, NULL);
    }
    return rc;
}

int
mf_effects_put(int kind, PyObject *holder, const struct mf_contents *now,
        const struct mf_contents *wanted)
{
    switch (kind) {
    case MF_EFFECT_LIST:
        return put_list(holder, wanted->items);
    case MF_EFFECT_DEQUE:
        return put_deque(holder, wanted->items);
    case MF_EFFECT_CELL:
        return PyCell_Set(holder, PyTuple_GET_SIZE(wanted->items) > 0
                                      ? PyTuple_GET_ITEM(wanted->items, 0)
                                      : NULL);
    case MF_EFFECT_STATE:
        return mf_effects_state_put(holder, wanted);
    case MF_EFFECT_SET:
        return put_set(holder, now, wanted);
    case MF_EFFECT_DICT:
    case MF_EFFECT_SPACE:
        return put_dict(holder, now, wanted);
    default:
        return put_names(kind, holder, now, wanted);
    }
}
