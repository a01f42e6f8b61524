/* tables.c -- hash tables by identity.
 *
 * Owns how CPython's dicts, sets and OrderedDicts find a key. In: a table and
 * the new keys. Out: the same object, in which the new keys are found. Runs no
 * Python code and releases nothing: what falls out goes to the trash.
 */
#include "tables.h"
#include "hashes.h"

#include "../ground/compat_objects.h"
#include "../ground/fault.h"

/* How a set's probe sequence goes: so many neighbours, then a jump. */
enum { SET_NEIGHBOURS = 9, SET_PERTURB = 5, EQUAL_DEPTH = 16 };

bool
mf_tables_is(PyObject *obj)
{
    if (mf_compat_obj_is_dict(obj)) {
        return mf_compat_obj_dict_general(obj);
    }
    return PyAnySet_Check(obj);
}

/* -- OrderedDict ---------------------------------------------------------- */

struct odict_node {
    PyObject *key; /* owned */
    Py_hash_t hash;
    struct odict_node *next;
    struct odict_node *prev;
};

struct odict {
    PyDictObject dict;
    struct odict_node *first;
    struct odict_node *last;
    struct odict_node **fast_nodes; /* by place in the dict's table */
    Py_ssize_t fast_nodes_size;
    void *made_for; /* the table that fast_nodes was made for */
};

/* -- keys ----------------------------------------------------------------- */

static inline bool
set_entry_used(const setentry *entry)
{
    /* A dummy's hash is -1, which no key has. */
    return entry->key != NULL && entry->hash != -1;
}

int
mf_tables_keys(PyObject *table, mf_tables_visit visit, void *arg)
{
    int result = 0;
    if (PyAnySet_Check(table)) {
        PySetObject *set = (PySetObject *)table;
        for (Py_ssize_t i = 0; result == 0 && i <= set->mask; i++) {
            if (set_entry_used(&set->table[i])) {
                result = visit(set->table[i].key, set->table[i].hash, arg);
            }
        }
        return result;
    }
    Py_ssize_t places = mf_compat_obj_dict_places(table);
    for (Py_ssize_t i = 0; result == 0 && i < places; i++) {
        struct mf_compat_item item;
        mf_compat_obj_dict_place(table, i, &item);
        if (*item.value != NULL && item.hash != NULL) {
            result = visit(*item.key, *item.hash, arg);
        }
    }
    if (PyODict_Check(table)) {
        struct odict_node *node = ((struct odict *)table)->first;
        for (; result == 0 && node != NULL; node = node->next) {
            result = visit(node->key, -1, arg);
        }
    }
    return result;
}

/* -- equality without Python code ----------------------------------------- */

static bool
same_at(PyObject *a, PyObject *b, int depth)
{
    if (a == b) {
        return true;
    }
    if (Py_TYPE(a) != Py_TYPE(b) || depth > EQUAL_DEPTH) {
        return false;
    }
    if (PyUnicode_CheckExact(a) || PyBytes_CheckExact(a) ||
        PyLong_CheckExact(a) || PyFloat_CheckExact(a) ||
        PyComplex_CheckExact(a)) {
        int equal = PyObject_RichCompareBool(a, b, Py_EQ);
        if (equal < 0) {
            PyErr_Clear();
        }
        return equal == 1;
    }
    if (PyTuple_CheckExact(a)) {
        Py_ssize_t count = PyTuple_GET_SIZE(a);
        if (count != PyTuple_GET_SIZE(b)) {
            return false;
        }
        for (Py_ssize_t i = 0; i < count; i++) {
            if (!same_at(PyTuple_GET_ITEM(a, i), PyTuple_GET_ITEM(b, i),
                         depth + 1)) {
                return false;
            }
        }
        return true;
    }
    if (PyWeakref_Check(a)) {
        PyObject *object = ((PyWeakReference *)a)->wr_object;
        return object != Py_None &&
               object == ((PyWeakReference *)b)->wr_object;
    }
    if (PyMethod_Check(a)) {
        return PyMethod_GET_SELF(a) == PyMethod_GET_SELF(b) &&
               PyMethod_GET_FUNCTION(a) == PyMethod_GET_FUNCTION(b);
    }
    if (PyFrozenSet_CheckExact(a)) {
        PySetObject *set = (PySetObject *)a;
        if (PySet_GET_SIZE(a) != PySet_GET_SIZE(b)) {
            return false;
        }
        PySetObject *other = (PySetObject *)b;
        for (Py_ssize_t i = 0; i <= set->mask; i++) {
            if (!set_entry_used(&set->table[i])) {
                continue;
            }
            bool found = false;
            for (Py_ssize_t j = 0; !found && j <= other->mask; j++) {
                found = set_entry_used(&other->table[j]) &&
                        other->table[j].hash == set->table[i].hash &&
                        same_at(set->table[i].key, other->table[j].key,
                                depth + 1);
            }
            if (!found) {
                return false;
            }
        }
        return true;
    }
    return false;
}

bool
mf_tables_same(PyObject *a, PyObject *b)
{
    return same_at(a, b, 0);
}

/* -- dicts ---------------------------------------------------------------- */

/* Room for what a table can drop: the trash takes over owned references. */
static void
discard(struct mf_vec *trash, PyObject *owned)
{
    assert(trash->len < trash->cap);
    trash->items[trash->len++] = owned;
}

static void
drop_place(PyObject *dict, Py_ssize_t kept, Py_ssize_t dropped, void *arg)
{
    struct mf_compat_item first, later;
    mf_compat_obj_dict_place(dict, kept, &first);
    mf_compat_obj_dict_place(dict, dropped, &later);
    discard(arg, *first.value);
    *first.value = *later.value;
    discard(arg, *later.key);
}

/* The chain of an OrderedDict after its table: keys, hashes, twice there. */
static void
odict_follow(struct odict *od, mf_tables_swap swap, void *arg,
             struct mf_vec *trash)
{
    for (struct odict_node *node = od->first; node != NULL;
         node = node->next) {
        PyObject *key = swap(node->key, &node->hash, arg);
        if (key != node->key) {
            PyObject *old_key = node->key;
            node->key = Py_NewRef(key);
            Py_DECREF(old_key);
        }
    }
    Py_ssize_t extra = -PyDict_GET_SIZE((PyObject *)od);
    for (struct odict_node *node = od->first; node != NULL;
         node = node->next) {
        extra++;
    }
    for (struct odict_node *node = od->last; node != NULL && extra > 0;) {
        struct odict_node *before = node->prev;
        bool twice = false;
        for (struct odict_node *other = od->first; other != node;
             other = other->next) {
            twice = twice || (other->hash == node->hash &&
                              mf_tables_same(other->key, node->key));
        }
        if (twice) {
            *(node->next != NULL ? &node->next->prev : &od->last) = before;
            before->next = node->next;
            discard(trash, node->key);
            PyMem_Free(node);
            extra--;
        }
        node = before;
    }
    /* Nodes are found by place: have that table made anew when it is used. */
    od->made_for = NULL;
}

static int
dict_rekey(PyObject *dict, mf_tables_swap swap, void *arg,
           struct mf_vec *trash)
{
    Py_ssize_t places = mf_compat_obj_dict_places(dict);
    if (mf_vec_reserve(trash, trash->len + 3 * (size_t)places) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < places; i++) {
        struct mf_compat_item item;
        mf_compat_obj_dict_place(dict, i, &item);
        if (*item.value == NULL) {
            continue;
        }
        PyObject *key = swap(*item.key, item.hash, arg);
        if (key != *item.key) {
            PyObject *old_key = *item.key;
            *item.key = Py_NewRef(key);
            Py_DECREF(old_key);
        }
    }
    mf_compat_obj_dict_reindex(dict, mf_tables_same, drop_place, trash);
    mf_compat_obj_dict_forget_hash(dict);
    if (PyODict_Check(dict)) {
        odict_follow((struct odict *)dict, swap, arg, trash);
    }
    return 0;
}

/* -- sets ----------------------------------------------------------------- */

/* The entry where a key belongs: an empty one, or one with an equal key. */
static setentry *
set_place(PySetObject *set, PyObject *key, Py_hash_t hash)
{
    size_t mask = (size_t)set->mask;
    size_t perturb = (size_t)hash;
    size_t i = perturb & mask;
    for (;;) {
        size_t count = i + SET_NEIGHBOURS <= mask ? SET_NEIGHBOURS : 0;
        for (size_t j = i; j <= i + count; j++) {
            setentry *entry = &set->table[j];
            if (entry->key == NULL ||
                (entry->hash == hash && mf_tables_same(entry->key, key))) {
                return entry;
            }
        }
        perturb >>= SET_PERTURB;
        i = (i * 5 + 1 + perturb) & mask;
    }
}

/* Fills the table from `count` entries, of which it owns the keys. */
static void
set_fill(PySetObject *set, const setentry *entries, Py_ssize_t count,
         struct mf_vec *trash)
{
    memset(set->table, 0, sizeof(setentry) * (size_t)(set->mask + 1));
    set->used = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        setentry *place = set_place(set, entries[i].key, entries[i].hash);
        if (place->key != NULL) {
            discard(trash, entries[i].key);
            continue;
        }
        *place = entries[i];
        set->used++;
    }
    set->fill = set->used;
    set->finger = 0;
    set->hash = -1; /* a frozenset's own hash, -1 in any other set */
}

static int
set_rekey(PySetObject *set, mf_tables_swap swap, void *arg,
          struct mf_vec *trash)
{
    Py_ssize_t count = 0;
    setentry *entries =
        mf_alloc(sizeof(setentry) * (size_t)(set->used > 0 ? set->used : 1));
    if (entries == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (mf_vec_reserve(trash, trash->len + (size_t)set->used) < 0) {
        mf_free(entries);
        return -1;
    }
    for (Py_ssize_t i = 0; i <= set->mask; i++) {
        if (set_entry_used(&set->table[i])) {
            entries[count++] = set->table[i];
        }
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *old_key = entries[i].key;
        PyObject *key = swap(old_key, &entries[i].hash, arg);
        if (key != old_key) {
            entries[i].key = Py_NewRef(key);
            Py_DECREF(old_key);
        }
    }
    set_fill(set, entries, count, trash);
    mf_free(entries);
    return 0;
}

int
mf_tables_rekey(PyObject *table, mf_tables_swap swap, void *arg,
                struct mf_vec *trash)
{
    if (PyAnySet_Check(table)) {
        return set_rekey((PySetObject *)table, swap, arg, trash);
    }
    return dict_rekey(table, swap, arg, trash);
}

/* -- snapshots ------------------------------------------------------------ */

/* A snapshot is (table, [key, value, ...] or [key, ...], hashes as bytes,
 * [keys of an OrderedDict's chain, in its order]). */

struct copy {
    PyObject *chain;
    int result;
};

static int
copy_chain(PyObject *key, Py_hash_t hash, void *arg)
{
    struct copy *copy = arg;
    return hash == -1 ? PyList_Append(copy->chain, key) : 0;
}

static int
copy_items(PyObject *table, PyObject *items, Py_hash_t *hashes)
{
    Py_ssize_t at = 0;
    if (PyAnySet_Check(table)) {
        PySetObject *set = (PySetObject *)table;
        for (Py_ssize_t i = 0; i <= set->mask; i++) {
            if (set_entry_used(&set->table[i])) {
                hashes[at] = set->table[i].hash;
                PyTuple_SET_ITEM(items, at++, Py_NewRef(set->table[i].key));
            }
        }
        return 0;
    }
    for (Py_ssize_t i = 0; i < mf_compat_obj_dict_places(table); i++) {
        struct mf_compat_item item;
        mf_compat_obj_dict_place(table, i, &item);
        if (*item.value != NULL) {
            hashes[at / 2] = *item.hash;
            PyTuple_SET_ITEM(items, at++, Py_NewRef(*item.key));
            PyTuple_SET_ITEM(items, at++, Py_NewRef(*item.value));
        }
    }
    return 0;
}

PyObject *
mf_tables_snapshot(PyObject *table)
{
    bool is_set = PyAnySet_Check(table);
    Py_ssize_t count =
        is_set ? PySet_GET_SIZE(table) : ((PyDictObject *)table)->ma_used;
    PyObject *snapshot = NULL;
    PyObject *items = PyTuple_New(is_set ? count : 2 * count);
    PyObject *hashes = PyBytes_FromStringAndSize(
        NULL, count * (Py_ssize_t)sizeof(Py_hash_t));
    struct copy copy = {.chain = PyList_New(0)};
    if (items == NULL || hashes == NULL || copy.chain == NULL) {
        goto release_parts;
    }
    copy_items(table, items, (Py_hash_t *)PyBytes_AS_STRING(hashes));
    if (!is_set && PyODict_Check(table) &&
        mf_tables_keys(table, copy_chain, &copy) < 0) {
        goto release_parts;
    }
    snapshot = PyTuple_Pack(4, table, items, hashes, copy.chain);
release_parts:
    Py_XDECREF(items);
    Py_XDECREF(hashes);
    Py_XDECREF(copy.chain);
    return snapshot;
}

/* The chain of an OrderedDict again as it was. Nodes that fell out are made
 * anew. */
static void
odict_restore(struct odict *od, PyObject *chain, PyObject *items,
              const Py_hash_t *hashes)
{
    struct odict_node *node = od->first;
    struct odict_node *before = NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(chain); i++) {
        PyObject *key = PyList_GET_ITEM(chain, i);
        if (node == NULL) {
            node = PyMem_Malloc(sizeof(*node));
            if (node == NULL) {
                Py_FatalError("midflight: no memory to take a change back");
            }
            *node = (struct odict_node){.prev = before};
            *(before != NULL ? &before->next : &od->first) = node;
            od->last = node;
        }
        PyObject *old_key = node->key;
        node->key = Py_NewRef(key);
        Py_XDECREF(old_key);
        for (Py_ssize_t j = 0; j < PyTuple_GET_SIZE(items); j += 2) {
            if (PyTuple_GET_ITEM(items, j) == key) {
                node->hash = hashes[j / 2];
            }
        }
        before = node;
        node = node->next;
    }
    od->made_for = NULL;
}

static void
dict_restore(PyObject *dict, PyObject *items, const Py_hash_t *hashes)
{
    Py_ssize_t count = PyTuple_GET_SIZE(items) / 2;
    if (mf_compat_obj_dict_room(dict) < count ||
        !mf_compat_obj_dict_general(dict)) {
        Py_FatalError("midflight: a dict is too small to take a change back");
    }
    Py_ssize_t places = mf_compat_obj_dict_places(dict);
    mf_compat_obj_dict_resize(dict, places > count ? places : count);
    for (Py_ssize_t i = 0; i < places || i < count; i++) {
        struct mf_compat_item item;
        mf_compat_obj_dict_place(dict, i, &item);
        PyObject *old_key = i < places ? *item.key : NULL;
        PyObject *old_value = i < places ? *item.value : NULL;
        *item.key = NULL;
        *item.value = NULL;
        *item.hash = 0;
        if (i < count) {
            *item.key = Py_NewRef(PyTuple_GET_ITEM(items, 2 * i));
            *item.value = Py_NewRef(PyTuple_GET_ITEM(items, 2 * i + 1));
            *item.hash = hashes[i];
        }
        /* The log or the trash holds them too. */
        Py_XDECREF(old_key);
        Py_XDECREF(old_value);
    }
    mf_compat_obj_dict_resize(dict, count);
    mf_compat_obj_dict_reindex(dict, NULL, NULL, NULL);
    mf_compat_obj_dict_forget_hash(dict);
}

static void
set_restore(PySetObject *set, PyObject *items, const Py_hash_t *hashes)
{
    Py_ssize_t count = PyTuple_GET_SIZE(items);
    if (count > set->mask) {
        Py_FatalError("midflight: a set is too small to take a change back");
    }
    for (Py_ssize_t i = 0; i <= set->mask; i++) {
        if (set_entry_used(&set->table[i])) {
            Py_DECREF(set->table[i].key);
        }
    }
    memset(set->table, 0, sizeof(setentry) * (size_t)(set->mask + 1));
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *key = PyTuple_GET_ITEM(items, i);
        setentry *place = set_place(set, key, hashes[i]);
        place->key = Py_NewRef(key);
        place->hash = hashes[i];
    }
    set->used = set->fill = count;
    set->finger = 0;
    set->hash = -1;
}

void
mf_tables_restore(PyObject *snapshot)
{
    PyObject *table = PyTuple_GET_ITEM(snapshot, 0);
    PyObject *items = PyTuple_GET_ITEM(snapshot, 1);
    const Py_hash_t *hashes =
        (const Py_hash_t *)PyBytes_AS_STRING(PyTuple_GET_ITEM(snapshot, 2));
    if (PyAnySet_Check(table)) {
        set_restore((PySetObject *)table, items, hashes);
        return;
    }
    dict_restore(table, items, hashes);
    if (PyODict_Check(table)) {
        odict_restore((struct odict *)table, PyTuple_GET_ITEM(snapshot, 3),
                      items, hashes);
    }
}

/* -- probe ---------------------------------------------------------------- */

static PyObject *
stay(PyObject *key, Py_hash_t *hash, void *arg)
{
    (void)hash;
    (void)arg;
    return key;
}

static int
probe_table(const char *make, const char *check)
{
    PyObject *namespace = PyDict_New();
    PyObject *table = NULL;
    struct mf_vec trash = {0};
    int result = -1;
    if (namespace == NULL ||
        PyDict_SetItemString(namespace, "__builtins__",
                             PyEval_GetBuiltins()) < 0) {
        goto release_namespace;
    }
    table = PyRun_String(make, Py_eval_input, namespace, namespace);
    if (table == NULL || !mf_tables_is(table) ||
        PyDict_SetItemString(namespace, "table", table) < 0 ||
        mf_tables_rekey(table, stay, NULL, &trash) < 0) {
        goto release_namespace;
    }
    PyObject *answer = PyRun_String(check, Py_eval_input, namespace,
                                    namespace);
    result = answer == Py_True && trash.len == 0 ? 0 : -1;
    Py_XDECREF(answer);
release_namespace:
    mf_vec_clear_refs(&trash);
    Py_XDECREF(table);
    Py_XDECREF(namespace);
    if (result < 0 && !PyErr_Occurred()) {
        PyErr_Format(PyExc_RuntimeError,
                     "this Python builds its hash tables in a way that is "
                     "not known: %s", make);
    }
    return result;
}

int
mf_tables_probe(void)
{
    if (mf_hashes_probe() < 0) {
        return -1;
    }
    if (probe_table("{i * 7919 - 99: -i for i in range(300)}",
                    "[table[i * 7919 - 99] for i in range(300)] == "
                    "[-i for i in range(300)]") < 0 ||
        probe_table("{i * 7919 - 99 for i in range(300)}",
                    "all(i * 7919 - 99 in table for i in range(300))") < 0 ||
        probe_table("frozenset((1, 'a', None))",
                    "table == {1, 'a', None} and 2 not in table") < 0 ||
        probe_table("__import__('collections').OrderedDict("
                    "(i * 7919 - 99, i) for i in range(50))",
                    "list(table.values()) == list(range(50)) and "
                    "[table.popitem()[1] for i in range(50)] == "
                    "list(range(49, -1, -1))") < 0) {
        return -1;
    }
    return 0;
}
