/* become_keys.c -- become where hashes are in play.
 *
 * Owns the order in which hash tables are put right. In: pairs, and what was
 * rewritten and may hash otherwise now. Out: tables that find their keys. The
 * hash of a tuple in a frozenset in a dict's key changes from the inside to
 * the outside: passes go on until nothing stale is found.
 */
#include "become_keys.h"

#include "../ground/compat_objects.h"
#include "../heap/edges.h"
#include "../heap/hashes.h"
#include "../heap/tables.h"

enum { MOST_PASSES = 32 };

int
mf_become_keys_log(struct mf_undo *undo, void (*back)(PyObject *),
                   PyObject *arg)
{
    if (arg == NULL) {
        return -1;
    }
    int result = mf_undo_call(undo, back, arg);
    Py_DECREF(arg);
    return result;
}

/* -- hashes --------------------------------------------------------------- */

struct rekey {
    struct mf_become *become;
    bool unsure;
};

/* mf_tables_swap: a key that is replaced, or whose hash is another now. */
static PyObject *
swap_key(PyObject *key, Py_hash_t *hash, void *arg)
{
    struct rekey *rekey = arg;
    PyObject *to = mf_map_get(rekey->become->pairs, key);
    bool moved = to == NULL && mf_map_has(&rekey->become->moved, key);
    if (to == NULL && !moved) {
        return key;
    }
    Py_hash_t now;
    if (mf_hashes_of(to != NULL ? to : key, &now) == 1) {
        *hash = now;
    }
    else {
        /* For a replaced key the stored hash is the best guess: pairs stand
         * for the same thing. */
        rekey->unsure = rekey->unsure || moved;
    }
    return to != NULL ? to : key;
}

int
mf_become_keys_rekey(struct mf_become *become, PyObject *table)
{
    if (become->undo != NULL &&
        mf_become_keys_log(become->undo, mf_tables_restore,
                 mf_tables_snapshot(table)) < 0) {
        return -1;
    }
    struct rekey rekey = {.become = become};
    if (mf_tables_rekey(table, swap_key, &rekey, &become->trash) < 0) {
        return -1;
    }
    if (rekey.unsure) {
        return mf_vec_push(&become->unsure, table);
    }
    return 0;
}

/* Does obj's hash follow from what it refers to? */
static bool
hash_derives(PyObject *obj)
{
    hashfunc hash = Py_TYPE(obj)->tp_hash;
    return hash != NULL && hash != PyObject_HashNotImplemented &&
           hash != PyBaseObject_Type.tp_hash && !PyType_Check(obj);
}

/* Also when what it holds is taken back: no hash is computed in between. */
static void
forget_hash(PyObject *obj)
{
    if (PyTuple_Check(obj)) {
        mf_compat_obj_tuple_forget_hash(obj);
    }
    else if (PyFrozenSet_Check(obj)) {
        ((PySetObject *)obj)->hash = -1;
    }
    else if (mf_compat_obj_is_dict(obj)) {
        mf_compat_obj_dict_forget_hash(obj);
    }
}

/* What a weak reference keeps as its hash stays until follow_weakrefs(): it
 * is needed when the object is gone. */
int
mf_become_keys_moved(struct mf_become *become, PyObject *obj)
{
    if (!hash_derives(obj)) {
        return 0;
    }
    if (PyWeakref_Check(obj)) {
        return mf_map_put(&become->moved, obj, 1);
    }
    if (become->undo != NULL &&
        mf_undo_call(become->undo, forget_hash, obj) < 0) {
        return -1;
    }
    forget_hash(obj);
    return mf_map_put(&become->moved, obj, 1);
}

/* -- what follows from what was rewritten --------------------------------- */

static int
walk(struct mf_heap_mark *mark, mf_heap_visit visit, void *arg)
{
    return mark != NULL ? mf_heap_mark_walk(mark, visit, arg)
                        : mf_heap_walk(visit, arg);
}

struct search {
    struct mf_become *become;
    struct mf_vec found;   /* tables; borrowed: nothing is freed meanwhile */
    struct mf_vec derived; /* whose hash follows; the same */
    PyTypeObject *plain;   /* the last type whose objects are neither: those of
                              one type mostly come together */
    bool unsure;
};

static int
refers_to_moved(PyObject *obj, void *arg)
{
    return mf_map_has(arg, obj);
}

static bool
is_derived(const struct mf_map *moved, PyObject *obj)
{
    return hash_derives(obj) && !mf_map_has(moved, obj) &&
           (Py_TYPE(obj)->tp_traverse(obj, refers_to_moved, (void *)moved) !=
                0 ||
            (PyWeakref_Check(obj) &&
             mf_map_has(moved, ((PyWeakReference *)obj)->wr_object)));
}

static int
derived_visit(PyObject *obj, void *arg)
{
    struct search *search = arg;
    return is_derived(&search->become->moved, obj)
               ? mf_vec_push(&search->derived, obj)
               : 0;
}

/* The first walk finds tables as well. */
static int
table_visit(PyObject *obj, void *arg)
{
    struct search *search = arg;
    if (Py_TYPE(obj) == search->plain) {
        return 0;
    }
    if (!hash_derives(obj) && !PyAnySet_Check(obj) &&
        !mf_compat_obj_is_dict(obj) && !mf_edges_is_lru_cache(obj)) {
        search->plain = PyType_Check(obj) ? search->plain : Py_TYPE(obj);
        return 0;
    }
    if ((mf_tables_is(obj) || mf_edges_is_lru_cache(obj)) &&
        mf_vec_push(&search->found, obj) < 0) {
        return -1;
    }
    return derived_visit(obj, arg);
}

/* Has one of its parts another hash, whatever the others have? */
static bool
has_other_part(const struct mf_become *become, PyObject *key, int depth)
{
    Py_hash_t hash;
    if (PyMethod_Check(key)) {
        key = PyMethod_GET_SELF(key);
    }
    if (PyTuple_Check(key)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key); i++) {
            if (depth < MOST_PASSES &&
                has_other_part(become, PyTuple_GET_ITEM(key, i), depth + 1)) {
                return true;
            }
        }
        return false;
    }
    return mf_map_has(&become->values, key) &&
           mf_hashes_of(key, &hash) == 1;
}

/* A tuple of what has another hash and of what only its own code could tell
 * the hash of: nobody can say where it belongs. */
static int
check_unknown(struct mf_become *become, PyObject *key)
{
    size_t pos = 0;
    void *from;
    uintptr_t to;
    if (!PyTuple_Check(key)) {
        return 0; /* its own code: it keeps its hash */
    }
    bool known = become->values.used > 0;
    while (!known && mf_map_next(become->pairs, &pos, &from, &to)) {
        if (mf_map_put(&become->values, (void *)to, 1) < 0) {
            return -1;
        }
    }
    if (!has_other_part(become, key, 0)) {
        return 0;
    }
    PyErr_SetString(PyExc_TypeError,
                    "a tuple that is a key holds an object that is made anew "
                    "beside one whose hash only its own code can tell");
    return -1;
}

/* Is a key's stored hash another than its hash? */
static int
stale_key(PyObject *key, Py_hash_t hash, void *arg)
{
    struct search *search = arg;
    if (hash == -1 || !mf_map_has(&search->become->moved, key)) {
        return 0;
    }
    Py_hash_t now;
    if (mf_hashes_of(key, &now) == 1) {
        return now != hash;
    }
    search->unsure = true;
    return check_unknown(search->become, key);
}

struct hash_record {
    Py_hash_t *slot;
    Py_hash_t hash;
};

static void
hash_back(PyObject *arg)
{
    struct hash_record record;
    memcpy(&record, PyBytes_AS_STRING(arg), sizeof(record));
    *record.slot = record.hash;
}

/* Logged. obj holds the memory. */
static int
write_hash(struct mf_become *become, PyObject *obj, Py_hash_t *slot,
           Py_hash_t now)
{
    struct hash_record record = {slot, *slot};
    if (become->undo != NULL &&
        (mf_undo_keep(become->undo, obj) < 0 ||
         mf_become_keys_log(
             become->undo, hash_back,
             PyBytes_FromStringAndSize((const char *)&record,
                                       sizeof(record))) < 0)) {
        return -1;
    }
    *slot = now;
    return 0;
}

/* Weak references keep the hash of what they refer to now. The hash of one
 * that nobody has asked for yet is not asked for here either, and where only
 * Python code could tell, it stays: tables do so too. 1: some changed. */
static int
follow_weakrefs(struct mf_become *become)
{
    size_t pos = 0;
    void *obj;
    uintptr_t value;
    int changed = 0;
    while (mf_map_next(&become->moved, &pos, &obj, &value)) {
        PyWeakReference *ref = obj;
        Py_hash_t now;
        if (!PyWeakref_Check((PyObject *)obj) || ref->hash == -1 ||
            ref->wr_object == Py_None ||
            mf_hashes_of(ref->wr_object, &now) != 1 || now == ref->hash) {
            continue;
        }
        if (write_hash(become, obj, &ref->hash, now) < 0) {
            return -1;
        }
        changed = 1;
    }
    return changed;
}

/* A link of an lru_cache has a second copy of its key's hash. It must be that
 * of the table: a link that is not found there when it is the oldest one
 * would stay in the table after it has left the ring. */
static int
link_follow(PyObject **key, PyObject **result, Py_hash_t *hash, void *arg)
{
    (void)result;
    struct mf_become *become = ((struct search *)arg)->become;
    Py_hash_t now;
    if (*key == NULL || !mf_map_has(&become->moved, *key) ||
        mf_hashes_of(*key, &now) != 1 || now == *hash) {
        return 0;
    }
    return write_hash(become, *key, hash, now);
}

/* Everything whose hash follows from what is in `moved`, without end; and all
 * tables. */
static int
close_over(struct search *search, struct mf_heap_mark *mark)
{
    int result = walk(mark, table_visit, search);
    while (result >= 0 && search->derived.len > 0) {
        for (size_t i = 0; result >= 0 && i < search->derived.len; i++) {
            result = mf_become_keys_moved(search->become,
                                          search->derived.items[i]);
        }
        search->derived.len = 0;
        if (result >= 0) {
            result = walk(mark, derived_visit, search);
        }
    }
    mf_vec_clear(&search->derived);
    return result < 0 ? -1 : 0;
}

static int
put_right(struct mf_become *become, struct search *search)
{
    int result = 0;
    bool again = true;
    for (int pass = 0; again && result >= 0 && pass < MOST_PASSES; pass++) {
        result = follow_weakrefs(become);
        again = result > 0;
        for (size_t i = 0; result >= 0 && i < search->found.len; i++) {
            PyObject *table = search->found.items[i];
            if (!mf_tables_is(table)) {
                result = mf_edges_lru_links(table, link_follow, search);
                continue;
            }
            search->unsure = false;
            result = mf_tables_keys(table, stale_key, search);
            if (result > 0) {
                again = true;
                result = mf_become_keys_rekey(become, table);
            }
            else if (result == 0 && search->unsure && pass == 0) {
                result = mf_vec_push(&become->unsure, table);
            }
        }
    }
    return result;
}

int
mf_become_rehash(struct mf_become *become, struct mf_heap_mark *mark)
{
    if (become->moved.used == 0) {
        return 0;
    }
    struct search search = {.become = become};
    int result = close_over(&search, mark);
    if (result >= 0) {
        result = put_right(become, &search);
    }
    mf_vec_clear(&search.found);
    return result < 0 ? -1 : 0;
}

/* -- weak references ------------------------------------------------------ */

static void
weakref_unlink(PyWeakReference *ref, PyWeakReference **list)
{
    *(ref->wr_prev != NULL ? &ref->wr_prev->wr_next : list) = ref->wr_next;
    if (ref->wr_next != NULL) {
        ref->wr_next->wr_prev = ref->wr_prev;
    }
    ref->wr_prev = NULL;
    ref->wr_next = NULL;
}

/* At the end: CPython looks for a reference to share only at the head. */
static void
weakref_link(PyWeakReference *ref, PyWeakReference **list, PyObject *to)
{
    PyWeakReference *last = *list;
    while (last != NULL && last->wr_next != NULL) {
        last = last->wr_next;
    }
    ref->wr_prev = last;
    *(last != NULL ? &last->wr_next : list) = ref;
    ref->wr_object = to;
}

static void
weakref_move(PyWeakReference *ref, PyObject *from, PyObject *to)
{
    weakref_unlink(ref, (PyWeakReference **)mf_compat_obj_weakrefs(from));
    weakref_link(ref, (PyWeakReference **)mf_compat_obj_weakrefs(to), to);
}

/* (from, to, reference) */
static void
weakref_back(PyObject *arg)
{
    PyObject *ref = PyTuple_GET_ITEM(arg, 2);
    if (((PyWeakReference *)ref)->wr_object == PyTuple_GET_ITEM(arg, 1)) {
        weakref_move((PyWeakReference *)ref, PyTuple_GET_ITEM(arg, 1),
                     PyTuple_GET_ITEM(arg, 0));
    }
}

static int
move_list(struct mf_become *become, PyObject *from, PyObject *to)
{
    if (Py_TYPE(from)->tp_weaklistoffset == 0) {
        return 0; /* nearly all, where there are many */
    }
    PyWeakReference **list = (PyWeakReference **)mf_compat_obj_weakrefs(from);
    if (list == NULL || *list == NULL) {
        return 0;
    }
    if (mf_compat_obj_weakrefs(to) == NULL) {
        become->stuck = from;
        PyErr_Format(PyExc_TypeError,
                     "a weak reference cannot move to an object of type "
                     "'%.200s'", Py_TYPE(to)->tp_name);
        return -1;
    }
    while (*list != NULL) {
        PyWeakReference *ref = *list;
        if (become->undo != NULL &&
            mf_become_keys_log(become->undo, weakref_back,
                               PyTuple_Pack(3, from, to, ref)) < 0) {
            return -1;
        }
        weakref_move(ref, from, to);
        become->rewritten++;
        /* Also when no hash is kept: a table may have stored it, and the
         * reference forgotten it when an earlier move was taken back. */
        if (mf_map_put(&become->moved, (PyObject *)ref, 1) < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_become_weakrefs(struct mf_become *become)
{
    size_t pos = 0;
    void *from;
    uintptr_t to;
    while (mf_map_next(become->pairs, &pos, &from, &to)) {
        if (move_list(become, from, (PyObject *)to) < 0) {
            return -1;
        }
    }
    return 0;
}
