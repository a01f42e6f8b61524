/* become.c -- one-way bulk become.
 *
 * Owns the rewriting of references in holders. In: pairs from -> to and the
 * holders. Out: the same holders, which refer to the values now. Per holder it
 * looks first (what does traverse report, which words hold it), and writes
 * only if every reported reference was found: a holder is rewritten wholly or
 * not at all. As many references move as traverse reports; further equal
 * words are borrowed copies and are overwritten without counting.
 */
#include "become_keys.h"
#include "become_parts.h"

#include "../ground/compat_objects.h"
#include "../ground/fault.h"
#include "../heap/tables.h"
#include "../stage/shape.h"

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

/* The words that hold what traverse reports are most of all writes: their log
 * is an array, which one record of the undo log takes back. What else is
 * written has other memory, so the order among them does not matter. */
static void
words_back(PyObject *Py_UNUSED(a), PyObject *Py_UNUSED(b), intptr_t place)
{
    struct mf_become_work *work = (struct mf_become_work *)place;
    while (work->log_len > 0) {
        const struct mf_become_spot *spot = &work->spots[--work->log_len];
        const struct mf_map_entry *pair = &work->pairs->entries[spot->place];
        assert(*spot->slot == (PyObject *)pair->value);
        *spot->slot = Py_NewRef((PyObject *)pair->key);
        Py_DECREF((PyObject *)pair->value);
    }
}

/* (dict, key, old value, place): that may be another by then. */
static void
item_back(PyObject *arg)
{
    PyObject *dict = PyTuple_GET_ITEM(arg, 0);
    PyObject *key = PyTuple_GET_ITEM(arg, 1);
    Py_ssize_t count = mf_compat_obj_dict_places(dict);
    Py_ssize_t first = PyLong_AsSsize_t(PyTuple_GET_ITEM(arg, 3));
    for (Py_ssize_t i = 0; i < count; i++) {
        struct mf_compat_item item;
        mf_compat_obj_dict_place(dict, (first + i) % count, &item);
        if (*item.key == key && *item.value != NULL) {
            PyObject *now = *item.value;
            *item.value = Py_NewRef(PyTuple_GET_ITEM(arg, 2));
            Py_DECREF(now);
            break;
        }
    }
}

/* (deque, index, old item) */
static void
deque_back(PyObject *arg)
{
    PyObject *deque = PyTuple_GET_ITEM(arg, 0);
    Py_ssize_t index = PyLong_AsSsize_t(PyTuple_GET_ITEM(arg, 1));
    if (mf_become_deque_methods(deque)->sq_ass_item(deque, index,
                                          PyTuple_GET_ITEM(arg, 2)) < 0) {
        PyErr_Clear();
    }
}

/* The place of a value in a dict's table. */
static Py_ssize_t
place_in(PyObject *dict, PyObject **slot)
{
    struct mf_compat_item first, second;
    if (mf_compat_obj_dict_places(dict) < 2) {
        return 0;
    }
    mf_compat_obj_dict_place(dict, 0, &first);
    mf_compat_obj_dict_place(dict, 1, &second);
    return (slot - first.value) / (second.value - first.value);
}

static int
write_item(struct mf_become *become, PyObject *dict,
           const struct mf_become_spot *spot, PyObject *key, PyObject *from,
           PyObject *to)
{
    /* A table of str keys: through the API, so that watchers (a JIT's too)
     * see it. It neither grows nor asks a program's __eq__. */
    if (PyDict_Check(dict) && !mf_compat_obj_dict_general(dict)) {
        return become->undo != NULL
                   ? mf_undo_dict_set(become->undo, dict, key, to)
                   : PyDict_SetItem(dict, key, to);
    }
    if (become->undo != NULL &&
        mf_become_keys_log(become->undo, item_back,
                           Py_BuildValue("(OOOn)", dict, key, from,
                                         place_in(dict, spot->slot))) < 0) {
        return -1;
    }
    *spot->slot = Py_NewRef(to);
    Py_DECREF(from);
    mf_compat_obj_dict_forget_hash(dict);
    return 0;
}

static int
write_deque(struct mf_become *become, PyObject *deque,
            const struct mf_become_spot *spot, PyObject *from, PyObject *to)
{
    if (become->undo != NULL &&
        mf_become_keys_log(become->undo, deque_back,
                 Py_BuildValue("(OnO)", deque, spot->index, from)) < 0) {
        return -1;
    }
    return mf_become_deque_methods(deque)->sq_ass_item(deque, spot->index, to);
}

/* One place that is no plain word with a reference of its own. */
static int
write_other(struct mf_become *become, PyObject *holder,
            const struct mf_become_spot *spot, PyObject *from, PyObject *to)
{
    PyObject *word = to;
    bool owned = false;
    if (spot->kind == MF_EDGE_STACK) {
        word = mf_compat_obj_retag(*spot->slot, to);
        owned = mf_compat_obj_tag_owns(*spot->slot);
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

/* Are there words of the log? Then the undo log knows. */
static int
begin_log(struct mf_become *become, PyObject *holder)
{
    if (!become->logs &&
        mf_undo_inverse(become->undo, words_back, NULL, NULL,
                        (intptr_t)become->work) < 0) {
        return -1;
    }
    become->logs = true;
    return mf_undo_keep(become->undo, holder);
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

/* Everything that was found. What is written to plain words stays in the array
 * as the log; the rest of it has a record each. */
static int
write_all(struct mf_become *become, struct mf_become_work *work,
          PyObject *holder, bool rekey, bool exact)
{
    size_t items = 0;
    bool kept = false;
    for (size_t i = work->log_len; i < work->spots_len; i++) {
        struct mf_become_spot spot = work->spots[i];
        PyObject *from = work->pairs->entries[spot.place].key;
        PyObject *to = (PyObject *)work->pairs->entries[spot.place].value;
        bool owned = exact;
        if (!exact) {
            /* as many as traverse reports; the rest are borrowed copies */
            struct mf_become_tally *tally = &work->tally[spot.place];
            owned = tally->visited - tally->keys > 0;
            tally->visited -= owned;
        }
        int rc = 0;
        become->rewritten++;
        if (spot.kind == MF_EDGE_ITEM) {
            rc = write_item(become, holder, &spot, work->keys.items[items++],
                            from, to);
        }
        else if (spot.kind == MF_BECOME_INDEX) {
            rc = write_deque(become, holder, &spot, from, to);
        }
        else if (spot.kind == MF_EDGE_STACK || !owned) {
            rc = write_other(become, holder, &spot, from, to);
        }
        else if (mf_fault_step()) {
            PyErr_SetString(PyExc_RuntimeError, "step failed by a lever");
            rc = -1;
        }
        else {
            if (become->undo != NULL) {
                if (!kept && begin_log(become, holder) < 0) {
                    return -1;
                }
                kept = true;
                work->spots[work->log_len++] = spot;
            }
            *spot.slot = Py_NewRef(to);
            Py_DECREF(from); /* the caller holds it: never the last */
        }
        if (rc < 0) {
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
    struct mf_become_work *work = mf_become_work_of(become);
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
    mf_become_work_reset(work);
    bool rekey = false, exact = false;
    int found = mf_become_look(become, work, holder, &rekey, &exact);
    if (found < 0) {
        return -1;
    }
    if (found > 0 && (exact ? work->seen.len : work->touched.len) > 0 &&
        write_all(become, work, holder, rekey, exact) < 0) {
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
    struct mf_become_work *work = mf_become_work_of(become);
    PyTypeObject *to_type;
    if (work == NULL || next_type(become, holder, &to_type) < 0) {
        return -1;
    }
    mf_become_work_reset(work);
    bool rekey = false, exact = false;
    int found = mf_become_look(become, work, holder, &rekey, &exact);
    become->words += work->spots_len;
    mf_become_work_reset(work);
    return found < 0 ? -1 : 0;
}

int
mf_become_reserve(struct mf_become *become, struct mf_undo *undo,
                  size_t holders)
{
    struct mf_become_work *work = mf_become_work_of(become);
    return work == NULL || mf_undo_reserve_kept(undo, holders) < 0
               ? -1
               : mf_become_work_reserve(work, become->words);
}

void
mf_become_clear(struct mf_become *become)
{
    mf_become_work_free(become);
    mf_map_clear(&become->moved);
    mf_map_clear(&become->values);
    mf_vec_clear(&become->unsure);
    mf_vec_clear_refs(&become->trash);
}
