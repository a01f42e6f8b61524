/* effects_copy.c -- owns what a holder's contents are and how they are
 * written back. In: one holder. Out: tuples of its items; the holder changed.
 * Reads and writes by the base types' own functions and by stored hashes, so
 * that nothing of the program runs but destructors, which come last.
 */
#include "effects_copy.h"

#include "../ground/compat.h"
#include "../ground/fault.h"

#include <structmember.h>

/* ---- kinds ---------------------------------------------------------------- */

PyTypeObject *
mf_effects_deque(void)
{
    PyObject *module =
        PyDict_GetItemString(PyImport_GetModuleDict(), "_collections");
    PyObject *type = module != NULL && PyModule_Check(module)
                         ? PyDict_GetItemString(PyModule_GetDict(module),
                                                "deque")
                         : NULL;
    return type != NULL && PyType_Check(type) &&
                   ((PyTypeObject *)type)->tp_as_sequence != NULL &&
                   ((PyTypeObject *)type)->tp_as_sequence->sq_length != NULL
               ? (PyTypeObject *)type
               : NULL;
}

int
mf_effects_container(PyObject *obj, Py_ssize_t *size)
{
    if (PyList_Check(obj)) {
        *size = PyList_GET_SIZE(obj);
        return MF_EFFECT_LIST;
    }
    if (PyDict_Check(obj)) {
        *size = PyDict_GET_SIZE(obj);
        return MF_EFFECT_DICT;
    }
    if (PySet_Check(obj)) {
        *size = PySet_GET_SIZE(obj);
        return MF_EFFECT_SET;
    }
    /* a subclass of deque has inherited or overridden nothing of these */
    if (!PyObject_IS_GC(obj) || Py_TYPE(obj)->tp_as_sequence == NULL ||
        Py_TYPE(obj)->tp_iter == NULL) {
        return -1;
    }
    PyTypeObject *deque = mf_effects_deque();
    if (deque == NULL || !PyObject_TypeCheck(obj, deque)) {
        return -1;
    }
    *size = deque->tp_as_sequence->sq_length(obj);
    return MF_EFFECT_DEQUE;
}

PyObject *
mf_effects_instance_dict(PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);
    if (type->tp_dictoffset == 0 &&
        !PyType_HasFeature(type, Py_TPFLAGS_MANAGED_DICT)) {
        return NULL;
    }
    PyObject *dict = PyObject_GenericGetDict(obj, NULL);
    if (dict == NULL) {
        PyErr_Clear();
        return NULL;
    }
    Py_DECREF(dict); /* the instance holds it */
    return PyDict_Check(dict) ? dict : NULL;
}

/* ---- reading ---------------------------------------------------------------- */

void
mf_effects_contents_clear(struct mf_contents *contents)
{
    Py_CLEAR(contents->items);
    mf_free(contents->hashes);
    contents->hashes = NULL;
}

static int
read_list(PyObject *holder, struct mf_contents *out)
{
    for (;;) { /* making the tuple may run the collector */
        Py_ssize_t n = PyList_GET_SIZE(holder);
        out->items = PyTuple_New(n);
        if (out->items == NULL) {
            return -1;
        }
        if (PyList_GET_SIZE(holder) == n) {
            for (Py_ssize_t i = 0; i < n; i++) {
                PyTuple_SET_ITEM(out->items, i,
                                 Py_NewRef(PyList_GET_ITEM(holder, i)));
            }
            return 0;
        }
        Py_CLEAR(out->items);
    }
}

static int
read_deque(PyObject *holder, struct mf_contents *out)
{
    PyTypeObject *deque = mf_effects_deque();
    PyObject *list = PyList_New(0);
    PyObject *iter = list && deque ? deque->tp_iter(holder) : NULL;
    PyObject *item;
    while (iter != NULL &&
           (item = Py_TYPE(iter)->tp_iternext(iter)) != NULL) {
        int rc = PyList_Append(list, item);
        Py_DECREF(item);
        if (rc < 0) {
            break;
        }
    }
    Py_XDECREF(iter);
    if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_StopIteration)) {
        PyErr_Clear();
    }
    out->items = iter != NULL && !PyErr_Occurred() ? PyList_AsTuple(list)
                                                   : NULL;
    Py_XDECREF(list);
    if (out->items == NULL && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_RuntimeError, "a deque cannot be read");
    }
    return out->items ? 0 : -1;
}

static int
new_contents(struct mf_contents *out, Py_ssize_t n, Py_ssize_t stride,
             bool hashes)
{
    out->hashes = NULL;
    out->items = PyTuple_New(n * stride);
    if (out->items == NULL) {
        return -1;
    }
    if (hashes) {
        out->hashes = mf_alloc(((size_t)n + 1) * sizeof(*out->hashes));
        if (out->hashes == NULL) {
            Py_CLEAR(out->items);
            PyErr_NoMemory();
            return -1;
        }
    }
    return 0;
}

int
mf_effects_pack(const struct mf_entry *entries, Py_ssize_t n,
                Py_ssize_t stride, bool hashes, struct mf_contents *out)
{
    if (new_contents(out, n, stride, hashes) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyTuple_SET_ITEM(out->items, i * stride, Py_NewRef(entries[i].key));
        if (stride == 2) {
            PyTuple_SET_ITEM(out->items, 2 * i + 1,
                             Py_NewRef(entries[i].value));
        }
        if (hashes) {
            out->hashes[i] = entries[i].hash;
        }
    }
    return 0;
}

int
mf_effects_place(struct mf_map *map, const struct mf_contents *contents,
                 Py_ssize_t stride)
{
    Py_ssize_t n = mf_effects_count(contents, stride);
    if (mf_map_reserve(map, (size_t)n) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        if (mf_map_put(map, PyTuple_GET_ITEM(contents->items, i * stride),
                       (uintptr_t)i + 1) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
read_dict(PyObject *dict, struct mf_contents *out)
{
    for (;;) {
        Py_ssize_t n = PyDict_GET_SIZE(dict), pos = 0, i = 0;
        if (new_contents(out, n, 2, true) < 0) {
            return -1;
        }
        PyObject *key, *value;
        Py_hash_t hash;
        if (PyDict_GET_SIZE(dict) == n) {
            while (i < n && mf_compat_dict_next(dict, &pos, &key, &value,
                                                &hash)) {
                PyTuple_SET_ITEM(out->items, 2 * i, Py_NewRef(key));
                PyTuple_SET_ITEM(out->items, 2 * i + 1, Py_NewRef(value));
                out->hashes[i++] = hash;
            }
            if (i == n) {
                return 0;
            }
        }
        mf_effects_contents_clear(out);
    }
}

/* An OrderedDict keeps its order beside the table: the pairs just read are
 * put into it. */
static int
order_pairs(PyObject *holder, struct mf_contents *out)
{
    Py_ssize_t n = PyTuple_GET_SIZE(out->items) / 2, i = 0;
    struct mf_map at = {0};
    struct mf_contents sorted = {0};
    int rc = mf_map_reserve(&at, (size_t)n) < 0 ||
                     new_contents(&sorted, n, 2, true) < 0
                 ? -1
                 : 0;
    for (i = 0; rc == 0 && i < n; i++) {
        rc = mf_map_put(&at, PyTuple_GET_ITEM(out->items, 2 * i),
                        (uintptr_t)i);
    }
    PyObject *iter = rc == 0 ? PyODict_Type.tp_iter(holder) : NULL;
    PyObject *key;
    rc = iter == NULL ? -1 : 0;
    for (i = 0; rc == 0 && i < n; i++) {
        key = Py_TYPE(iter)->tp_iternext(iter);
        uintptr_t *from = key ? mf_map_find(&at, key) : NULL;
        if (from == NULL) {
            Py_XDECREF(key);
            rc = -1;
            break;
        }
        PyTuple_SET_ITEM(sorted.items, 2 * i, key);
        PyTuple_SET_ITEM(sorted.items, 2 * i + 1,
                         Py_NewRef(PyTuple_GET_ITEM(out->items,
                                                    2 * *from + 1)));
        sorted.hashes[i] = out->hashes[*from];
    }
    Py_XDECREF(iter);
    mf_map_clear(&at);
    if (rc < 0) {
        mf_effects_contents_clear(&sorted);
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_RuntimeError,
                            "an OrderedDict cannot be read");
        }
        return -1;
    }
    mf_effects_contents_clear(out);
    *out = sorted;
    return 0;
}

static int
read_set(PyObject *set, struct mf_contents *out)
{
    for (;;) {
        Py_ssize_t n = PySet_GET_SIZE(set), pos = 0, i = 0;
        if (new_contents(out, n, 1, true) < 0) {
            return -1;
        }
        PyObject *key;
        Py_hash_t hash;
        if (PySet_GET_SIZE(set) == n) {
            while (i < n && mf_compat_set_next(set, &pos, &key, &hash)) {
                PyTuple_SET_ITEM(out->items, i, Py_NewRef(key));
                out->hashes[i++] = hash;
            }
            if (i == n) {
                return 0;
            }
        }
        mf_effects_contents_clear(out);
    }
}

int
mf_effects_each_slot(PyObject *obj,
                     int (*use)(const char *, PyObject **, void *), void *arg)
{
    PyObject *mro = Py_TYPE(obj)->tp_mro;
    for (Py_ssize_t i = 0; mro != NULL && i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *type = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        if (!PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) ||
            ((PyHeapTypeObject *)type)->ht_slots == NULL) {
            continue;
        }
        for (PyMemberDef *m = type->tp_members; m && m->name; m++) {
            if (m->type == T_OBJECT_EX && !(m->flags & READONLY) &&
                use(m->name, (PyObject **)((char *)obj + m->offset), arg) <
                    0) {
                return -1;
            }
        }
    }
    return 0;
}

static int
append_slot(const char *name, PyObject **word, void *arg)
{
    if (*word == NULL) {
        return 0;
    }
    PyObject *key = PyUnicode_InternFromString(name);
    int rc = key == NULL || PyList_Append(arg, key) < 0 ||
                     PyList_Append(arg, *word) < 0
                 ? -1
                 : 0;
    Py_XDECREF(key);
    return rc;
}

static int
read_slots(PyObject *obj, struct mf_contents *out)
{
    PyObject *list = PyList_New(0);
    int rc = list ? mf_effects_each_slot(obj, append_slot, list) : -1;
    out->items = rc == 0 ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return out->items ? 0 : -1;
}

int
mf_effects_read(int kind, PyObject *holder, struct mf_contents *out)
{
    out->items = NULL;
    out->hashes = NULL;
    switch (kind) {
    case MF_EFFECT_LIST:
        return read_list(holder, out);
    case MF_EFFECT_DEQUE:
        return read_deque(holder, out);
    case MF_EFFECT_CELL:
        out->items = PyCell_GET(holder) ? PyTuple_Pack(1, PyCell_GET(holder))
                                        : PyTuple_New(0);
        return out->items ? 0 : -1;
    case MF_EFFECT_STATE:
        return mf_effects_state_read(holder, out);
    case MF_EFFECT_SET:
        return read_set(holder, out);
    case MF_EFFECT_SLOTS:
        return read_slots(holder, out);
    case MF_EFFECT_CLASS:
        return read_dict(mf_compat_type_dict((PyTypeObject *)holder), out);
    default:
        if (read_dict(holder, out) < 0) {
            return -1;
        }
        if (PyODict_Check(holder) && order_pairs(holder, out) < 0) {
            mf_effects_contents_clear(out);
            return -1;
        }
        return 0;
    }
}

/* ---- comparing ---------------------------------------------------------------- */

static bool
same_dict(PyObject *dict, PyObject *items)
{
    if (2 * PyDict_GET_SIZE(dict) != PyTuple_GET_SIZE(items)) {
        return false;
    }
    PyObject *key, *value;
    Py_hash_t hash;
    Py_ssize_t pos = 0, i = 0;
    while (mf_compat_dict_next(dict, &pos, &key, &value, &hash)) {
        if (key != PyTuple_GET_ITEM(items, i) ||
            value != PyTuple_GET_ITEM(items, i + 1)) {
            return false;
        }
        i += 2;
    }
    return true;
}

static bool
same_set(PyObject *set, PyObject *items)
{
    if (PySet_GET_SIZE(set) != PyTuple_GET_SIZE(items)) {
        return false;
    }
    PyObject *key;
    Py_hash_t hash;
    Py_ssize_t pos = 0, i = 0;
    while (mf_compat_set_next(set, &pos, &key, &hash)) {
        if (key != PyTuple_GET_ITEM(items, i++)) {
            return false;
        }
    }
    return true;
}

bool
mf_effects_same_items(PyObject *a, PyObject *b)
{
    Py_ssize_t n = PyTuple_GET_SIZE(a);
    if (n != PyTuple_GET_SIZE(b)) {
        return false;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        if (PyTuple_GET_ITEM(a, i) != PyTuple_GET_ITEM(b, i)) {
            return false;
        }
    }
    return true;
}

int
mf_effects_same(int kind, PyObject *holder, const struct mf_contents *contents)
{
    PyObject *items = contents->items;
    struct mf_contents now;
    switch (kind) {
    case MF_EFFECT_LIST:
        if (PyList_GET_SIZE(holder) != PyTuple_GET_SIZE(items)) {
            return 0;
        }
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); i++) {
            if (PyList_GET_ITEM(holder, i) != PyTuple_GET_ITEM(items, i)) {
                return 0;
            }
        }
        return 1;
    case MF_EFFECT_SET:
        return same_set(holder, items);
    case MF_EFFECT_CELL:
        return PyTuple_GET_SIZE(items) == 0
                   ? PyCell_GET(holder) == NULL
                   : PyCell_GET(holder) == PyTuple_GET_ITEM(items, 0);
    case MF_EFFECT_CLASS:
        return same_dict(mf_compat_type_dict((PyTypeObject *)holder), items);
    default:
        if (PyDict_Check(holder) && !PyODict_Check(holder)) {
            return same_dict(holder, items);
        }
        if (mf_effects_read(kind, holder, &now) < 0) {
            return -1;
        }
        int same = kind == MF_EFFECT_STATE
                       ? mf_effects_state_same(&now, contents)
                       : mf_effects_same_items(now.items, items);
        mf_effects_contents_clear(&now);
        return same;
    }
}

/* ---- big ones ------------------------------------------------------------------ */

/* The last items of a dict, in order. */
static PyObject *
end_of_dict(PyObject *dict)
{
    Py_ssize_t n = PyDict_GET_SIZE(dict), pos = 0, i = 0;
    Py_ssize_t from = n > MF_EFFECTS_TAIL ? n - MF_EFFECTS_TAIL : 0;
    PyObject *end = PyTuple_New(2 * (n - from)), *key, *value;
    Py_hash_t hash;
    while (end != NULL && i < n &&
           mf_compat_dict_next(dict, &pos, &key, &value, &hash)) {
        if (i >= from) {
            PyTuple_SET_ITEM(end, 2 * (i - from), Py_NewRef(key));
            PyTuple_SET_ITEM(end, 2 * (i - from) + 1, Py_NewRef(value));
        }
        i++;
    }
    if (end != NULL && i < n) {
        Py_CLEAR(end);
        PyErr_SetString(PyExc_RuntimeError, "a dict changes while it is read");
    }
    return end;
}

int
mf_effects_read_end(struct mf_effect *effect)
{
    PyObject *holder = effect->holder;
    struct mf_contents all;
    Py_ssize_t n;
    switch (effect->kind) {
    case MF_EFFECT_SET: /* no order: what is new cannot be told */
        effect->length = PySet_GET_SIZE(holder);
        effect->before.items = PyTuple_New(0);
        break;
    case MF_EFFECT_DICT:
        effect->length = PyDict_GET_SIZE(holder);
        effect->before.items = end_of_dict(holder);
        break;
    default:
        if (mf_effects_read(effect->kind, holder, &all) < 0) {
            return -1;
        }
        n = PyTuple_GET_SIZE(all.items);
        effect->length = n;
        effect->before.items = PyTuple_GetSlice(
            all.items, n > MF_EFFECTS_TAIL ? n - MF_EFFECTS_TAIL : 0, n);
        mf_effects_contents_clear(&all);
        break;
    }
    return effect->before.items ? 0 : -1;
}

/* Items of a dict behind the last key of its old end. */
static PyObject *
added_to_dict(PyObject *dict, PyObject *end)
{
    PyObject *last = PyTuple_GET_ITEM(end, PyTuple_GET_SIZE(end) - 2);
    PyObject *list = PyList_New(0), *key, *value;
    Py_hash_t hash;
    Py_ssize_t pos = 0;
    bool behind = false;
    while (list != NULL &&
           mf_compat_dict_next(dict, &pos, &key, &value, &hash)) {
        if (behind && (PyList_Append(list, key) < 0 ||
                       PyList_Append(list, value) < 0)) {
            Py_CLEAR(list);
        }
        behind |= key == last;
    }
    PyObject *items = list ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return items;
}

/* Items of a list or deque behind its old end, else in front of it. */
static PyObject *
added_to_sequence(PyObject *all, PyObject *end, Py_ssize_t length)
{
    Py_ssize_t grown = PyTuple_GET_SIZE(all) - length;
    Py_ssize_t n = PyTuple_GET_SIZE(end), i = 0;
    while (i < n && PyTuple_GET_ITEM(all, length - n + i) ==
                        PyTuple_GET_ITEM(end, i)) {
        i++;
    }
    return i == n ? PyTuple_GetSlice(all, length, length + grown)
                  : PyTuple_GetSlice(all, 0, grown);
}

int
mf_effects_read_added(const struct mf_effect *effect, struct mf_contents *out)
{
    struct mf_contents all;
    Py_ssize_t size;
    out->items = NULL;
    out->hashes = NULL;
    if (mf_effects_container(effect->holder, &size) < 0 ||
        size <= effect->length || effect->kind == MF_EFFECT_SET) {
        out->items = PyTuple_New(0);
    }
    else if (effect->kind == MF_EFFECT_DICT) {
        out->items = added_to_dict(effect->holder, effect->before.items);
    }
    else if (mf_effects_read(effect->kind, effect->holder, &all) == 0) {
        out->items = added_to_sequence(all.items, effect->before.items,
                                       effect->length);
        mf_effects_contents_clear(&all);
    }
    return out->items ? 0 : -1;
}
