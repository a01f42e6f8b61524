/* undo.c -- the undo log.
 *
 * Owns: one typed record per write to what lives, and every reference that the
 * write has replaced. In: the writes of apply. Out: the same objects as before
 * (replay), or nothing but the destructors of what was replaced (drop).
 *
 * A record is pushed first and the write follows; a write that fails takes its
 * record back. A replayed record keeps its references until the drop, so
 * replay frees nothing and needs no memory.
 */
#include "undo.h"
#include "../ground/compat.h"
#include "../ground/fault.h"
#include "../ground/trace.h"

enum record_kind {
    RECORD_DICT,      /* a dict, b key, c old value or NULL, d copy or NULL */
    RECORD_LIST,      /* a list, b contents */
    RECORD_SET,       /* a set, b contents */
    RECORD_TABLE,     /* a dict, b dict with the old items */
    RECORD_WORD,      /* a owner, b old value or NULL; slot */
    RECORD_TYPE,      /* a object, b old type */
    RECORD_ATTRIBUTE, /* a class, b name, c old or NULL, d copy or NULL */
    RECORD_CALL,      /* a argument or NULL; back */
    RECORD_INVERSE    /* a, b arguments or NULL; inverse, n */
};

/* All objects are strong. */
struct mf_undo_record {
    enum record_kind kind;
    bool done; /* replayed, or an earlier record will bring it back: only the
                  references matter */
    PyObject *a, *b, *c, *d;
    union {
        PyObject **slot;
        void (*back)(PyObject *arg);
        struct {
            void (*inverse)(PyObject *a, PyObject *b, intptr_t n);
            intptr_t n;
        };
    };
};

int
mf_undo_reserve(struct mf_undo *undo, size_t count)
{
    size_t cap = undo->len + count;
    if (cap > undo->cap) {
        if (cap < undo->cap + undo->cap / 2) {
            cap = undo->cap + undo->cap / 2;
        }
        if (cap > SIZE_MAX / sizeof(*undo->records)) {
            PyErr_NoMemory();
            return -1;
        }
        void *records =
            mf_realloc(undo->records, cap * sizeof(*undo->records));
        if (records == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        undo->records = records;
        undo->cap = cap;
    }
    return mf_undo_reserve_kept(undo, count);
}

int
mf_undo_reserve_kept(struct mf_undo *undo, size_t count)
{
    size_t cap = undo->trash.len + count, more = undo->trash.cap;
    more += more / 2;
    return cap <= undo->trash.cap
               ? 0
               : mf_vec_reserve(&undo->trash, cap < more ? more : cap);
}

/* A new record with references of its own; NULL with an exception. */
static struct mf_undo_record *
push(struct mf_undo *undo, enum record_kind kind, PyObject *a, PyObject *b)
{
    if (mf_fault_step()) {
        PyErr_SetString(PyExc_RuntimeError, "step failed by a lever");
        return NULL;
    }
    if (mf_undo_reserve(undo, 1) < 0) {
        return NULL;
    }
    struct mf_undo_record *record = &undo->records[undo->len++];
    memset(record, 0, sizeof(*record));
    record->kind = kind;
    record->a = Py_XNewRef(a);
    record->b = Py_XNewRef(b);
    return record;
}

/* The write failed and wrote nothing: its record goes. The references that it
 * drops are held by the caller or by the objects too. */
static int
take_back(struct mf_undo *undo)
{
    struct mf_undo_record *record = &undo->records[--undo->len];
    PyObject *type, *value, *where;
    PyErr_Fetch(&type, &value, &where);
    if (record->kind == RECORD_DICT && record->d != NULL) {
        undo->copied = NULL;
    }
    Py_XDECREF(record->a);
    Py_XDECREF(record->b);
    Py_XDECREF(record->c);
    Py_XDECREF(record->d);
    PyErr_Restore(type, value, where);
    return -1;
}

/* --- dicts --------------------------------------------------------------- */

/* An OrderedDict keeps its order beside the table. */
static int
set_item(PyObject *dict, PyObject *key, PyObject *value)
{
    if (PyODict_Check(dict)) {
        return value != NULL ? PyODict_SetItem(dict, key, value)
                             : PyODict_DelItem(dict, key);
    }
    return value != NULL ? PyDict_SetItem(dict, key, value)
                         : PyDict_DelItem(dict, key);
}

/* New: what can later be exchanged with the dict. */
static PyObject *
copy_of(PyObject *dict)
{
    if (!PyODict_Check(dict)) {
        return mf_compat_dict_copy(dict);
    }
    PyObject *copy = PyODict_New();
    Py_ssize_t pos = 0;
    PyObject *key;
    PyObject *iter = copy != NULL ? PyODict_Type.tp_iter(dict) : NULL;
    while (iter != NULL && (key = PyIter_Next(iter)) != NULL) {
        /* Its table cannot be filled by stored hashes. */
        if (!PyUnicode_CheckExact(key) && !PyLong_CheckExact(key)) {
            PyErr_SetString(PyExc_RuntimeError,
                            "an OrderedDict has keys that only their own "
                            "__hash__ could put back in order");
        }
        else {
            PyObject *value = PyDict_GetItemWithError(dict, key);
            if (value != NULL && PyODict_SetItem(copy, key, value) == 0) {
                pos++;
            }
        }
        Py_DECREF(key);
        if (PyErr_Occurred()) {
            break;
        }
    }
    Py_XDECREF(iter);
    if (copy != NULL && (PyErr_Occurred() || pos != PyDict_GET_SIZE(dict))) {
        Py_CLEAR(copy);
    }
    return copy;
}

/* A table that belongs to an instance as well cannot be exchanged back
 * without memory: exchange it now. */
static int
delete_from_split(struct mf_undo *undo, PyObject *dict, PyObject *key)
{
    PyObject *rest = mf_compat_dict_copy(dict);
    if (rest == NULL || PyDict_DelItem(rest, key) < 0) {
        Py_XDECREF(rest);
        return -1;
    }
    int rc = mf_undo_dict_exchange(undo, dict, rest);
    Py_DECREF(rest);
    return rc;
}

int
mf_undo_dict_set(struct mf_undo *undo, PyObject *dict, PyObject *key,
                 PyObject *value)
{
    PyObject *old = PyDict_GetItemWithError(dict, key);
    if (old == NULL && (PyErr_Occurred() || value == NULL)) {
        return PyErr_Occurred() ? -1 : 0;
    }
    if (value == NULL && mf_compat_dict_is_split(dict)) {
        return delete_from_split(undo, dict, key);
    }
    struct mf_undo_record *record = push(undo, RECORD_DICT, dict, key);
    if (record == NULL) {
        return -1;
    }
    record->c = Py_XNewRef(old);
    record->done = undo->copied == dict;
    if (value == NULL && !record->done) {
        /* Put back, the key would stand last. */
        record->d = copy_of(dict);
        if (record->d == NULL) {
            return take_back(undo);
        }
        undo->copied = dict;
    }
    return set_item(dict, key, value) < 0 ? take_back(undo) : 0;
}

static void
exchange_bytes(void *a, void *b, size_t size)
{
    unsigned char *x = a, *y = b;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = x[i];
        x[i] = y[i];
        y[i] = byte;
    }
}

/* What an OrderedDict adds to a dict, its order: the words between the dict
 * and the first of its own dict and list of weak references. */
static void
exchange_order(PyObject *a, PyObject *b)
{
    Py_ssize_t end = PyODict_Type.tp_basicsize;
    if (PyODict_Type.tp_dictoffset > 0 &&
        PyODict_Type.tp_dictoffset < end) {
        end = PyODict_Type.tp_dictoffset;
    }
    if (PyODict_Type.tp_weaklistoffset > 0 &&
        PyODict_Type.tp_weaklistoffset < end) {
        end = PyODict_Type.tp_weaklistoffset;
    }
    exchange_bytes((char *)a + PyDict_Type.tp_basicsize,
                   (char *)b + PyDict_Type.tp_basicsize,
                   (size_t)(end - PyDict_Type.tp_basicsize));
}

/* Neither is split. The touch tells watchers; a dict that becomes empty must
 * be touched while it still has something. */
static void
exchange_tables(PyObject *dict, PyObject *contents)
{
    bool empty = PyDict_GET_SIZE(contents) == 0;
    if (empty) {
        mf_compat_dict_touch(dict);
    }
    mf_compat_dict_exchange(dict, contents);
    if (PyODict_Check(dict)) {
        exchange_order(dict, contents);
    }
    if (!empty) {
        mf_compat_dict_touch(dict);
    }
}

int
mf_undo_dict_exchange(struct mf_undo *undo, PyObject *dict,
                      PyObject *contents)
{
    if (undo->copied == dict) {
        undo->copied = NULL; /* what is taken out here is not in the copy */
    }
    PyObject *mine; /* unsplit, and what the log will hold */
    bool split = mf_compat_dict_is_split(dict);
    if (dict == contents) {
        return 0;
    }
    if (PyODict_Check(dict) != PyODict_Check(contents)) {
        PyErr_SetString(PyExc_TypeError,
                        "an OrderedDict takes the contents of another one");
        return -1;
    }
    if (mf_compat_dict_is_split(contents)) {
        mine = mf_compat_dict_copy(contents);
    }
    else {
        mine = Py_NewRef(contents);
    }
    PyObject *old = split ? mf_compat_dict_copy(dict) : NULL;
    if (mine == NULL || (split && old == NULL) ||
        push(undo, RECORD_TABLE, dict, split ? old : mine) == NULL) {
        goto release;
    }
    if (split && mf_compat_dict_reset(dict) < 0) {
        /* Emptied but not given a table: its values go back in order. */
        PyObject *type, *value, *where;
        PyErr_Fetch(&type, &value, &where);
        if (PyDict_Update(dict, old) < 0) {
            PyErr_Clear(); /* names into a table that had room for them */
        }
        PyErr_Restore(type, value, where);
        take_back(undo);
        goto release;
    }
    exchange_tables(dict, mine);
    Py_DECREF(mine); /* the record or the caller holds it */
    Py_XDECREF(old);
    return 0;
release:
    Py_XDECREF(mine);
    Py_XDECREF(old);
    return -1;
}

/* --- lists and sets ------------------------------------------------------ */

static void
exchange_lists(PyListObject *a, PyListObject *b)
{
    PyObject **items = a->ob_item;
    Py_ssize_t allocated = a->allocated;
    Py_ssize_t size = Py_SIZE(a);
    a->ob_item = b->ob_item;
    a->allocated = b->allocated;
    Py_SET_SIZE(a, Py_SIZE(b));
    b->ob_item = items;
    b->allocated = allocated;
    Py_SET_SIZE(b, size);
}

int
mf_undo_list_exchange(struct mf_undo *undo, PyObject *list,
                      PyObject *contents)
{
    if (((PyListObject *)list)->allocated < 0) {
        PyErr_SetString(PyExc_RuntimeError, "a list is being sorted");
        return -1;
    }
    if (push(undo, RECORD_LIST, list, contents) == NULL) {
        return -1;
    }
    exchange_lists((PyListObject *)list, (PyListObject *)contents);
    return 0;
}

/* A small set's table is inside it. */
static void
exchange_sets(PySetObject *a, PySetObject *b)
{
    bool a_small = a->table == a->smalltable;
    bool b_small = b->table == b->smalltable;
    exchange_bytes(&a->fill, &b->fill, sizeof(a->fill));
    exchange_bytes(&a->used, &b->used, sizeof(a->used));
    exchange_bytes(&a->mask, &b->mask, sizeof(a->mask));
    exchange_bytes(&a->table, &b->table, sizeof(a->table));
    if (PyFrozenSet_Check(a) && PyFrozenSet_Check(b)) {
        exchange_bytes(&a->hash, &b->hash, sizeof(a->hash));
    }
    else {
        a->hash = b->hash = -1; /* computed when it is asked for */
    }
    exchange_bytes(&a->finger, &b->finger, sizeof(a->finger));
    exchange_bytes(a->smalltable, b->smalltable, sizeof(a->smalltable));
    if (b_small) {
        a->table = a->smalltable;
    }
    if (a_small) {
        b->table = b->smalltable;
    }
}

int
mf_undo_set_exchange(struct mf_undo *undo, PyObject *set, PyObject *contents)
{
    if (push(undo, RECORD_SET, set, contents) == NULL) {
        return -1;
    }
    exchange_sets((PySetObject *)set, (PySetObject *)contents);
    return 0;
}

/* --- words and types ----------------------------------------------------- */

int
mf_undo_word(struct mf_undo *undo, PyObject *owner, PyObject **slot,
             PyObject *value)
{
    struct mf_undo_record *record = push(undo, RECORD_WORD, owner, NULL);
    if (record == NULL) {
        return -1;
    }
    record->slot = slot;
    record->b = *slot; /* the word's reference is the log's now */
    *slot = Py_XNewRef(value);
    return 0;
}

/* Instances hold their class if it is a heap type. The log's reference to the
 * old type is the instance's own. */
static void
set_type(PyObject *obj, PyTypeObject *type)
{
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        Py_INCREF(type);
    }
    Py_SET_TYPE(obj, type);
}

int
mf_undo_retype(struct mf_undo *undo, PyObject *obj, PyTypeObject *type)
{
    PyTypeObject *old = Py_TYPE(obj);
    struct mf_undo_record *record =
        push(undo, RECORD_TYPE, obj, (PyObject *)old);
    if (record == NULL) {
        return -1;
    }
    if (old->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        record->c = (PyObject *)old;
    }
    set_type(obj, type);
    return 0;
}

/* --- class attributes ---------------------------------------------------- */

/* Kept by `type` in fields of the class, not in its dict. */
static bool
is_type_field(PyObject *name)
{
    static const char *const fields[] = {"__name__", "__qualname__",
                                         "__bases__"};
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        if (PyUnicode_CompareWithASCIIString(name, fields[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The setter of `type` for this name writes more than the name's own item. */
static bool
has_type_setter(PyObject *name)
{
    PyObject *own = PyDict_GetItemWithError(
        mf_compat_type_dict(&PyType_Type), name);
    PyErr_Clear();
    return own != NULL && Py_TYPE(own)->tp_descr_set != NULL;
}

int
mf_undo_type_set(struct mf_undo *undo, PyTypeObject *cls, PyObject *name,
                 PyObject *value)
{
    PyObject *dict = mf_compat_type_dict(cls);
    PyObject *old;
    bool field = is_type_field(name);
    if (field) {
        old = PyType_Type.tp_getattro((PyObject *)cls, name);
    }
    else {
        old = Py_XNewRef(PyDict_GetItemWithError(dict, name));
    }
    if (old == NULL && (PyErr_Occurred() || value == NULL)) {
        return PyErr_Occurred() ? -1 : 0;
    }
    struct mf_undo_record *record =
        push(undo, RECORD_ATTRIBUTE, (PyObject *)cls, name);
    if (record == NULL) {
        Py_XDECREF(old);
        return -1;
    }
    record->c = old;
    if (!field && (value == NULL || has_type_setter(name))) {
        /* For its order, and for what the setter does besides. */
        record->d = mf_compat_dict_copy(dict);
        if (record->d == NULL) {
            return take_back(undo);
        }
    }
    if (PyType_Type.tp_setattro((PyObject *)cls, name, value) < 0) {
        return take_back(undo);
    }
    return 0;
}

/* --- other writes -------------------------------------------------------- */

int
mf_undo_call(struct mf_undo *undo, void (*back)(PyObject *arg), PyObject *arg)
{
    struct mf_undo_record *record = push(undo, RECORD_CALL, arg, NULL);
    if (record == NULL) {
        return -1;
    }
    record->back = back;
    return 0;
}

int
mf_undo_inverse(struct mf_undo *undo,
                void (*back)(PyObject *a, PyObject *b, intptr_t n),
                PyObject *a, PyObject *b, intptr_t n)
{
    struct mf_undo_record *record = push(undo, RECORD_INVERSE, a, b);
    if (record == NULL) {
        return -1;
    }
    record->inverse = back;
    record->n = n;
    return 0;
}

int
mf_undo_keep(struct mf_undo *undo, PyObject *obj)
{
    return mf_vec_push_ref(&undo->trash, obj);
}

/* --- replay and drop ----------------------------------------------------- */

/* A setter that has worked one way must work back. */
static void
replay_failed(const char *what)
{
    mf_trace_line(0, "rolling back: %s could not be written back", what);
    PyErr_WriteUnraisable(NULL);
    assert(!"a write could not be taken back");
}

static void
replay_dict(struct mf_undo_record *record)
{
    if (record->d != NULL) {
        exchange_tables(record->a, record->d);
        return;
    }
    if (set_item(record->a, record->b, record->c) < 0) {
        replay_failed("a dict item");
    }
}

static void
replay_attribute(struct mf_undo_record *record)
{
    PyTypeObject *cls = (PyTypeObject *)record->a;
    PyObject *dict = mf_compat_type_dict(cls);
    bool there = record->c != NULL || is_type_field(record->b) ||
                 PyDict_Contains(dict, record->b) == 1;
    /* The setter first, for slots and flags; then the dict's order. */
    if (there &&
        PyType_Type.tp_setattro(record->a, record->b, record->c) < 0) {
        replay_failed("a class attribute");
    }
    if (record->d != NULL) {
        exchange_tables(dict, record->d);
        mf_compat_type_modified(cls);
    }
}

static void
replay_record(struct mf_undo_record *record)
{
    switch (record->kind) {
    case RECORD_DICT:
        replay_dict(record);
        break;
    case RECORD_LIST:
        exchange_lists((PyListObject *)record->a, (PyListObject *)record->b);
        break;
    case RECORD_SET:
        exchange_sets((PySetObject *)record->a, (PySetObject *)record->b);
        break;
    case RECORD_TABLE:
        exchange_tables(record->a, record->b);
        break;
    case RECORD_WORD: {
        PyObject *newer = *record->slot;
        *record->slot = record->b;
        record->b = newer;
        break;
    }
    case RECORD_TYPE: {
        PyTypeObject *newer = Py_TYPE(record->a);
        Py_SET_TYPE(record->a, (PyTypeObject *)record->b);
        /* record->c, the instance's reference, is the instance's again; that
         * to the newer type is the log's. */
        record->c = newer->tp_flags & Py_TPFLAGS_HEAPTYPE ? (PyObject *)newer
                                                          : NULL;
        break;
    }
    case RECORD_ATTRIBUTE:
        replay_attribute(record);
        break;
    case RECORD_CALL:
        record->back(record->a);
        break;
    case RECORD_INVERSE:
        record->inverse(record->a, record->b, record->n);
        break;
    }
}

void
mf_undo_replay(struct mf_undo *undo)
{
    PyObject *type, *value, *where;
    PyErr_Fetch(&type, &value, &where);
    for (size_t i = undo->len; i-- > 0;) {
        struct mf_undo_record *record = &undo->records[i];
        if (!record->done) {
            record->done = true;
            replay_record(record);
        }
    }
    PyErr_Restore(type, value, where);
}

void
mf_undo_drop(struct mf_undo *undo)
{
    /* Destructors run: they must find an empty log, not this one. */
    struct mf_undo mine = *undo;
    memset(undo, 0, sizeof(*undo));
    PyObject *type, *value, *where;
    PyErr_Fetch(&type, &value, &where);
    for (size_t i = 0; i < mine.len; i++) {
        struct mf_undo_record *record = &mine.records[i];
        Py_XDECREF(record->a);
        Py_XDECREF(record->b);
        Py_XDECREF(record->c);
        Py_XDECREF(record->d);
    }
    mf_free(mine.records);
    mf_vec_clear_refs(&mine.trash);
    PyErr_Restore(type, value, where);
}
