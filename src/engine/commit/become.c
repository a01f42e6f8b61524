/* become.c -- one-way bulk become.
 *
 * Owns the rewriting of references in holders. In: pairs from -> to and the
 * holders. Out: the same holders, which refer to the values now. Per holder it
 * looks first (what does traverse report, which words hold it), and writes
 * only if every reported reference was found: a holder is rewritten wholly or
 * not at all. As many references move as traverse reports; further equal
 * words are borrowed copies and are overwritten without counting.
 */
#include "become.h"
#include "become_keys.h"

#include "../ground/compat_objects.h"
#include "../ground/fault.h"
#include "../heap/edges.h"
#include "../heap/tables.h"
#include "../stage/shape.h"

/* Per key of pairs, by its place in the map. */
struct tally {
    Py_ssize_t visited; /* references that traverse reports */
    Py_ssize_t words;   /* places found */
    Py_ssize_t keys;    /* of these, keys of hash tables */
};

/* A place to write to. */
struct spot {
    PyObject **slot; /* NULL: an item of a deque */
    PyObject *key;   /* of a dict's item */
    Py_ssize_t index;
    size_t place; /* of the pair in the map */
    enum mf_edge_kind kind;
};

struct mf_become_work {
    const struct mf_map *pairs;
    struct tally *tally;
    size_t *touched;
    size_t touched_len;
    struct spot *spots;
    size_t spots_len, spots_cap;
    bool no_memory;
};

/* -- looking -------------------------------------------------------------- */

static int
refers_visit(PyObject *obj, void *arg)
{
    return mf_map_has(arg, obj);
}

static int
refers_word(const struct mf_edge *edge, void *arg)
{
    return mf_map_has(arg, mf_edges_read(edge));
}

int
mf_become_refers(const struct mf_map *pairs, PyObject *obj)
{
    if (mf_map_has(pairs, Py_TYPE(obj))) {
        return 1;
    }
    if (PyObject_IS_GC(obj) &&
        Py_TYPE(obj)->tp_traverse(obj, refers_visit, (void *)pairs)) {
        return 1;
    }
    return mf_edges_hides(obj) &&
           mf_edges_each(obj, refers_word, (void *)pairs);
}

static void
work_free(struct mf_become *become)
{
    struct mf_become_work *work = become->work;
    become->work = NULL;
    if (work != NULL) {
        mf_free(work->tally);
        mf_free(work->touched);
        mf_free(work->spots);
        mf_free(work);
    }
}

static struct mf_become_work *
work_of(struct mf_become *become)
{
    struct mf_become_work *work = become->work;
    if (work != NULL && work->pairs == become->pairs) {
        return work;
    }
    if (mf_compat_obj_probe() < 0) {
        return NULL;
    }
    work_free(become);
    size_t slots = become->pairs->mask + 1;
    work = mf_alloc(sizeof(*work));
    if (work != NULL) {
        work->pairs = become->pairs;
        work->tally = mf_alloc(slots * sizeof(*work->tally));
        work->touched = mf_alloc(slots * sizeof(*work->touched));
    }
    become->work = work;
    if (work == NULL || work->tally == NULL || work->touched == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    return work;
}

static void
work_reset(struct mf_become_work *work)
{
    for (size_t i = 0; i < work->touched_len; i++) {
        work->tally[work->touched[i]] = (struct tally){0};
    }
    work->touched_len = 0;
    work->spots_len = 0;
    work->no_memory = false;
}

/* The tally of obj, if it is a key. */
static struct tally *
tally_of(struct mf_become_work *work, PyObject *obj)
{
    uintptr_t *value = mf_map_find(work->pairs, obj);
    if (value == NULL) {
        return NULL;
    }
    size_t place = (size_t)(value - work->pairs->values);
    struct tally *tally = &work->tally[place];
    if (tally->visited == 0 && tally->words == 0) {
        work->touched[work->touched_len++] = place;
    }
    return tally;
}

static int
count_visit(PyObject *obj, void *arg)
{
    struct tally *tally = tally_of(arg, obj);
    if (tally != NULL) {
        tally->visited++;
    }
    return 0;
}

static int
add_spot(struct mf_become_work *work, PyObject *from, struct spot spot)
{
    struct tally *tally = tally_of(work, from);
    if (tally == NULL) {
        return 0;
    }
    if (work->spots_len == work->spots_cap) {
        size_t cap = work->spots_cap > 0 ? 2 * work->spots_cap : 32;
        struct spot *spots = mf_realloc(work->spots, cap * sizeof(*spots));
        if (spots == NULL) {
            work->no_memory = true;
            return 1;
        }
        work->spots = spots;
        work->spots_cap = cap;
    }
    tally->words++;
    spot.place = (size_t)(tally - work->tally);
    work->spots[work->spots_len++] = spot;
    return 0;
}

static int
spot_word(const struct mf_edge *edge, void *arg)
{
    return add_spot(arg, mf_edges_read(edge),
                    (struct spot){.slot = edge->slot, .key = edge->key,
                                  .kind = edge->kind});
}

static int
count_key(PyObject *key, Py_hash_t hash, void *arg)
{
    (void)hash;
    struct tally *tally = tally_of(arg, key);
    if (tally != NULL) {
        tally->words++;
        tally->keys++;
    }
    return 0;
}

/* sq_item and sq_ass_item of the deque itself: a subclass' own are not run. */
static PySequenceMethods *
deque_methods(PyObject *deque)
{
    PyTypeObject *type = Py_TYPE(deque);
    while (type->tp_flags & Py_TPFLAGS_HEAPTYPE && type->tp_base != NULL &&
           type->tp_base->tp_as_sequence != NULL &&
           type->tp_base->tp_as_sequence->sq_ass_item != NULL) {
        type = type->tp_base;
    }
    return type->tp_as_sequence;
}

static int
spot_deque(struct mf_become_work *work, PyObject *deque)
{
    PySequenceMethods *methods = deque_methods(deque);
    Py_ssize_t count = methods->sq_length(deque);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = methods->sq_item(deque, i);
        if (item == NULL) {
            return -1;
        }
        int result = add_spot(work, item, (struct spot){.index = i});
        Py_DECREF(item); /* the deque holds it */
        if (result != 0) {
            break;
        }
    }
    return 0;
}

/* Everything in holder that refers to a key. 1: found all, 0: there is
 * nothing, -1: an exception is set. */
static int
look(struct mf_become *become, struct mf_become_work *work, PyObject *holder,
     bool *rekey)
{
    bool retype = mf_map_has(work->pairs, Py_TYPE(holder));
    if (PyObject_IS_GC(holder)) {
        Py_TYPE(holder)->tp_traverse(holder, count_visit, work);
    }
    if (work->touched_len == 0 && !retype && !mf_edges_hides(holder)) {
        return 0;
    }
    mf_edges_each(holder, spot_word, work);
    if (mf_tables_is(holder)) {
        mf_tables_keys(holder, count_key, work);
    }
    else if (mf_edges_is_deque(holder) && spot_deque(work, holder) < 0) {
        return -1;
    }
    if (work->no_memory) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < work->touched_len; i++) {
        size_t place = work->touched[i];
        struct tally *tally = &work->tally[place];
        *rekey = *rekey || tally->keys > 0;
        if (work->pairs->keys[place] == Py_TYPE(holder) &&
            tally->visited > tally->words) {
            tally->visited--; /* the one for the type, moved apart */
        }
        if (tally->visited > tally->words) {
            become->stuck = holder;
            PyErr_Format(PyExc_TypeError,
                         "a reference in an object of type '%.200s' is kept "
                         "where it cannot be rewritten",
                         Py_TYPE(holder)->tp_name);
            return -1;
        }
    }
    return work->touched_len > 0 || retype;
}

/* -- writing -------------------------------------------------------------- */

/* Record of one word, for the log. */
struct word_record {
    PyObject **slot;
    PyObject *old_word;
    PyObject *from, *to; /* counted when not NULL */
};

static void
word_back(PyObject *arg)
{
    struct word_record record;
    memcpy(&record, PyBytes_AS_STRING(arg), sizeof(record));
    *record.slot = record.old_word;
    Py_XINCREF(record.from);
    Py_XDECREF(record.to);
}

static int
log_word(struct mf_undo *undo, PyObject **slot, PyObject *from, PyObject *to)
{
    struct word_record record = {slot, *slot, from, to};
    PyObject *arg =
        PyBytes_FromStringAndSize((const char *)&record, sizeof(record));
    if (arg == NULL) {
        return -1;
    }
    int result = mf_undo_call(undo, word_back, arg);
    Py_DECREF(arg);
    return result;
}

/* (dict, key, old value): the place in a table may be another by then. */
static void
item_back(PyObject *arg)
{
    PyObject *dict = PyTuple_GET_ITEM(arg, 0);
    for (Py_ssize_t i = 0; i < mf_compat_obj_dict_places(dict); i++) {
        struct mf_compat_item item;
        mf_compat_obj_dict_place(dict, i, &item);
        if (*item.key == PyTuple_GET_ITEM(arg, 1) && *item.value != NULL) {
            PyObject *now = *item.value;
            *item.value = Py_NewRef(PyTuple_GET_ITEM(arg, 2));
            Py_DECREF(now);
        }
    }
}

/* (deque, index, old item) */
static void
deque_back(PyObject *arg)
{
    PyObject *deque = PyTuple_GET_ITEM(arg, 0);
    Py_ssize_t index = PyLong_AsSsize_t(PyTuple_GET_ITEM(arg, 1));
    if (deque_methods(deque)->sq_ass_item(deque, index,
                                          PyTuple_GET_ITEM(arg, 2)) < 0) {
        PyErr_Clear();
    }
}

static int
write_item(struct mf_become *become, PyObject *dict, const struct spot *spot,
           PyObject *from, PyObject *to)
{
    /* A table of str keys: through the API, so that watchers (a JIT's too)
     * see it. It neither grows nor asks a program's __eq__. */
    if (PyDict_Check(dict) && !mf_compat_obj_dict_general(dict)) {
        return become->undo != NULL
                   ? mf_undo_dict_set(become->undo, dict, spot->key, to)
                   : PyDict_SetItem(dict, spot->key, to);
    }
    if (become->undo != NULL &&
        mf_become_keys_log(become->undo, item_back,
                 PyTuple_Pack(3, dict, spot->key, from)) < 0) {
        return -1;
    }
    *spot->slot = Py_NewRef(to);
    Py_DECREF(from);
    mf_compat_obj_dict_forget_hash(dict);
    return 0;
}

static int
write_deque(struct mf_become *become, PyObject *deque, const struct spot *spot,
            PyObject *from, PyObject *to)
{
    if (become->undo != NULL &&
        mf_become_keys_log(become->undo, deque_back,
                 Py_BuildValue("(OnO)", deque, spot->index, from)) < 0) {
        return -1;
    }
    return deque_methods(deque)->sq_ass_item(deque, spot->index, to);
}

/* One place. `owned`: a reference that traverse reports moves with it. */
static int
write_spot(struct mf_become *become, PyObject *holder,
           const struct spot *spot, bool owned)
{
    PyObject *from = become->work->pairs->keys[spot->place];
    PyObject *to = (PyObject *)become->work->pairs->values[spot->place];
    become->rewritten++;
    if (spot->kind == MF_EDGE_ITEM) {
        return write_item(become, holder, spot, from, to);
    }
    if (spot->slot == NULL) {
        return write_deque(become, holder, spot, from, to);
    }
    PyObject *word = to;
    if (spot->kind == MF_EDGE_STACK) {
        word = mf_compat_obj_retag(*spot->slot, to);
        owned = mf_compat_obj_tag_owns(*spot->slot);
    }
    else if (owned && become->undo != NULL) {
        return mf_undo_word(become->undo, holder, spot->slot, to);
    }
    if (become->undo != NULL &&
        (mf_undo_keep(become->undo, holder) < 0 ||
         log_word(become->undo, spot->slot, owned ? from : NULL,
                  owned ? to : NULL) < 0)) {
        return -1;
    }
    if (owned) {
        Py_INCREF(to);
    }
    *spot->slot = word;
    if (owned) {
        Py_DECREF(from); /* the caller holds it: never the last */
    }
    return 0;
}

/* -- classes -------------------------------------------------------------- */

static void
modified_back(PyObject *type)
{
    PyType_Modified((PyTypeObject *)type);
}

/* (class, base it had, base it got) */
static void
subclass_back(PyObject *arg)
{
    PyTypeObject *sub = (PyTypeObject *)PyTuple_GET_ITEM(arg, 0);
    PyTypeObject *from = (PyTypeObject *)PyTuple_GET_ITEM(arg, 1);
    PyTypeObject *to = (PyTypeObject *)PyTuple_GET_ITEM(arg, 2);
    if (mf_compat_obj_subclass_remove(to, sub) < 0 ||
        mf_compat_obj_subclass_add(from, sub) < 0) {
        PyErr_Clear();
    }
}

/* A class leaves the list of the base that it has no more. */
static int
move_subclass(struct mf_become *become, PyTypeObject *sub, PyTypeObject *from,
              PyTypeObject *to)
{
    int was = mf_compat_obj_subclass_remove(from, sub);
    if (was <= 0) {
        return was; /* hidden, or garbage */
    }
    if (become->undo != NULL &&
        mf_become_keys_log(become->undo, subclass_back,
                 PyTuple_Pack(3, sub, from, to)) < 0) {
        (void)mf_compat_obj_subclass_add(from, sub);
        return -1;
    }
    return mf_compat_obj_subclass_add(to, sub);
}

/* What a class keeps beside its own words. Afterwards its lookups start
 * afresh: caches hold borrowed references to what its dict held. */
static int
become_type_parts(struct mf_become *become, PyTypeObject *type)
{
    if (become->undo != NULL &&
        mf_undo_call(become->undo, modified_back, (PyObject *)type) < 0) {
        return -1;
    }
    /* A class that is a key itself will go: nobody's subclass any more. */
    if (!mf_map_has(become->pairs, type)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_bases); i++) {
            PyObject *base = PyTuple_GET_ITEM(type->tp_bases, i);
            PyObject *to = mf_map_get(become->pairs, base);
            if (to != NULL && PyType_Check(to) &&
                move_subclass(become, type, (PyTypeObject *)base,
                              (PyTypeObject *)to) < 0) {
                return -1;
            }
        }
    }
    PyObject *parts[] = {mf_compat_obj_type_dict(type), type->tp_bases,
                         type->tp_mro};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(parts); i++) {
        if (parts[i] != NULL && mf_become_object(become, parts[i]) < 0) {
            return -1;
        }
    }
    PyType_Modified(type);
    return 0;
}

/* -- one holder ----------------------------------------------------------- */

static int
retype(struct mf_become *become, PyObject *holder, PyTypeObject *to)
{
    become->rewritten++;
    if (become->undo != NULL) {
        return mf_undo_retype(become->undo, holder, to);
    }
    PyTypeObject *from = Py_TYPE(holder);
    Py_INCREF(to);
    Py_SET_TYPE(holder, to);
    Py_DECREF(from);
    return 0;
}

static int
write_all(struct mf_become *become, struct mf_become_work *work,
          PyObject *holder, bool rekey)
{
    for (size_t i = 0; i < work->spots_len; i++) {
        const struct spot *spot = &work->spots[i];
        struct tally *tally = &work->tally[spot->place];
        bool owned = tally->visited - tally->keys > 0;
        tally->visited -= owned;
        if (write_spot(become, holder, spot, owned) < 0) {
            return -1;
        }
    }
    if (rekey) {
        become->rewritten++;
        if (mf_become_keys_rekey(become, holder) < 0) {
            return -1;
        }
    }
    return mf_become_keys_moved(become, holder);
}

/* Attributes that stand in the instance: with a log, or before the class
 * changes under them, they go to a dict first, where names are known. */
static int
settle_values(struct mf_become *become, PyObject *holder, bool retype)
{
    Py_ssize_t count;
    PyObject **values = mf_compat_obj_values(holder, &count);
    bool refer = retype;
    for (Py_ssize_t i = 0; values != NULL && i < count && !refer; i++) {
        refer = mf_map_has(become->pairs, values[i]);
    }
    if (!refer) {
        return 0;
    }
    if (mf_compat_obj_detach_values(holder) < 0) {
        return -1;
    }
    return 0;
}

/* An instance's dict goes with it; alone it is a holder as well. */
static PyObject *
instance_dict(PyObject *holder)
{
    if (PyType_Check(holder)) {
        return NULL;
    }
    PyObject **dict = mf_compat_obj_managed_dict(holder);
    if (dict == NULL && Py_TYPE(holder)->tp_dictoffset != 0 &&
        !(mf_compat_obj_layout_flags(Py_TYPE(holder)) &
          Py_TPFLAGS_MANAGED_DICT)) {
        dict = _PyObject_GetDictPtr(holder);
    }
    return dict != NULL && *dict != NULL && mf_compat_obj_is_dict(*dict)
               ? *dict
               : NULL;
}

/* The type that holder becomes an instance of, or NULL. */
static int
next_type(struct mf_become *become, PyObject *holder, PyTypeObject **to)
{
    *to = mf_map_get(become->pairs, Py_TYPE(holder));
    if (*to != NULL && become->layout != NULL &&
        mf_map_has(become->layout, Py_TYPE(holder))) {
        *to = NULL;
    }
    if (*to == NULL) {
        return 0;
    }
    bool alike = become->alike != NULL &&
                 mf_map_has(become->alike, Py_TYPE(holder));
    if (PyType_Check(*to) &&
        (alike ? mf_shape_same_sizes(Py_TYPE(holder), *to)
               : mf_shape_same_layout(Py_TYPE(holder), *to))) {
        return 0;
    }
    become->stuck = holder;
    PyErr_Format(PyExc_TypeError,
                 "an instance of '%.200s' cannot become one of '%.200s': "
                 "the layouts differ", Py_TYPE(holder)->tp_name,
                 PyType_Check(*to) ? (*to)->tp_name : "?");
    return -1;
}

int
mf_become_object(struct mf_become *become, PyObject *holder)
{
    struct mf_become_work *work = work_of(become);
    if (work == NULL) {
        return -1;
    }
    PyTypeObject *to_type;
    bool is_class = PyType_Check(holder) && PyObject_IS_GC(holder);
    if (next_type(become, holder, &to_type) < 0) {
        return -1;
    }
    if ((become->undo != NULL || to_type != NULL) &&
        settle_values(become, holder, to_type != NULL) < 0) {
        return -1;
    }
    work_reset(work);
    bool rekey = false;
    int found = look(become, work, holder, &rekey);
    if (found < 0) {
        return -1;
    }
    if (found > 0 && work->touched_len > 0 &&
        write_all(become, work, holder, rekey) < 0) {
        return -1;
    }
    PyObject *dict = instance_dict(holder);
    if (dict != NULL && mf_become_object(become, dict) < 0) {
        return -1;
    }
    if (to_type != NULL && retype(become, holder, to_type) < 0) {
        return -1;
    }
    return is_class ? become_type_parts(become, (PyTypeObject *)holder) : 0;
}

int
mf_become_check(struct mf_become *become, PyObject *holder)
{
    struct mf_become_work *work = work_of(become);
    PyTypeObject *to_type;
    if (work == NULL || next_type(become, holder, &to_type) < 0) {
        return -1;
    }
    work_reset(work);
    bool rekey = false;
    int found = look(become, work, holder, &rekey);
    work_reset(work);
    return found < 0 ? -1 : 0;
}

void
mf_become_clear(struct mf_become *become)
{
    work_free(become);
    mf_map_clear(&become->moved);
    mf_map_clear(&become->values);
    mf_vec_clear(&become->unsure);
    mf_vec_clear_refs(&become->trash);
}
