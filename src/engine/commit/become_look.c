/* become_look.c -- owns what is known of one holder: which references to keys
 * its traverse reports, and in which words they are. In: a holder. Out: spots
 * to write to.
 *
 * Words are found in the order, or in the opposite one, in which nearly every
 * traverse reports them: so each is compared with what is expected next. Where
 * that is right for all, each word is one reported reference. Else it is
 * counted, per key, how often it was reported and how often found.
 */
#include "become_parts.h"

#include "../ground/compat_objects.h"
#include "../ground/fault.h"
#include "../heap/tables.h"

/* -- references at all ---------------------------------------------------- */

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

/* -- memory --------------------------------------------------------------- */

static int
push_place(struct mf_become_work *work, struct mf_become_places *places,
           size_t place)
{
    if (places->len == places->cap) {
        size_t cap = places->cap > 0 ? 2 * places->cap : 64;
        uint32_t *items = mf_realloc(places->items, cap * sizeof(*items));
        if (items == NULL) {
            work->no_memory = true;
            return 1;
        }
        places->items = items;
        places->cap = cap;
    }
    places->items[places->len++] = (uint32_t)place;
    return 0;
}

int
mf_become_work_reserve(struct mf_become_work *work, size_t count)
{
    if (count <= work->spots_cap) {
        return 0;
    }
    struct mf_become_spot *spots =
        mf_realloc(work->spots, count * sizeof(*spots));
    if (spots == NULL) {
        work->no_memory = true;
        PyErr_NoMemory();
        return -1;
    }
    work->spots = spots;
    work->spots_cap = count;
    return 0;
}

void
mf_become_work_free(struct mf_become *become)
{
    struct mf_become_work *work = become->work;
    become->work = NULL;
    if (work != NULL) {
        mf_free(work->seen.items);
        mf_free(work->keyed.items);
        mf_free(work->touched.items);
        mf_free(work->tally);
        mf_free(work->spots);
        mf_vec_clear(&work->keys);
        mf_free(work);
    }
}

struct mf_become_work *
mf_become_work_of(struct mf_become *become)
{
    struct mf_become_work *work = become->work;
    if (work != NULL && work->pairs == become->pairs) {
        return work;
    }
    if (mf_compat_obj_probe() < 0) {
        return NULL;
    }
    mf_become_work_free(become);
    become->work = work = mf_alloc(sizeof(*work));
    if (work == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    work->pairs = become->pairs;
    return work;
}

void
mf_become_work_reset(struct mf_become_work *work)
{
    for (size_t i = 0; i < work->touched.len; i++) {
        work->tally[work->touched.items[i]] = (struct mf_become_tally){0};
    }
    work->touched.len = work->seen.len = work->keyed.len = work->keys.len = 0;
    work->spots_len = work->log_len;
    work->next = work->guessed = 0;
    work->no_memory = false;
}

/* -- what is there -------------------------------------------------------- */

static int
see_visit(PyObject *obj, void *arg)
{
    struct mf_become_work *work = arg;
    size_t place = mf_map_place(work->pairs, obj);
    return place != MF_MAP_NONE ? push_place(work, &work->seen, place) : 0;
}

/* The place that traverse's next reference has; MF_MAP_NONE: there is none. */
static inline size_t
expected(const struct mf_become_work *work, bool backwards)
{
    size_t len = work->seen.len, next = work->next;
    return next < len ? work->seen.items[backwards ? len - 1 - next : next]
                      : MF_MAP_NONE;
}

/* The place of this key, by what is expected if that is right. */
static inline size_t
place_of(struct mf_become_work *work, PyObject *obj)
{
    const struct mf_map_entry *entries = work->pairs->entries;
    size_t place = expected(work, work->backwards);
    if (place != MF_MAP_NONE && entries[place].key == obj) {
        work->next++;
        work->guessed++;
        return place;
    }
    if (work->next == 0) { /* which way does it go? */
        place = expected(work, !work->backwards);
        if (place != MF_MAP_NONE && entries[place].key == obj) {
            work->backwards = !work->backwards;
            work->next++;
            work->guessed++;
            return place;
        }
    }
    return mf_map_place(work->pairs, obj);
}

static int
add_spot(struct mf_become_work *work, PyObject *from,
         struct mf_become_spot spot, PyObject *key)
{
    size_t place = place_of(work, from);
    if (place == MF_MAP_NONE) {
        return 0;
    }
    if (work->spots_len == work->spots_cap &&
        mf_become_work_reserve(work, work->spots_cap > 0
                                         ? 2 * work->spots_cap
                                         : 64) < 0) {
        return 1;
    }
    if (key != NULL && mf_vec_push(&work->keys, key) < 0) {
        work->no_memory = true;
        return 1;
    }
    spot.place = (uint32_t)place;
    work->spots[work->spots_len++] = spot;
    return 0;
}

static int
spot_word(const struct mf_edge *edge, void *arg)
{
    return add_spot(arg, mf_edges_read(edge),
                    (struct mf_become_spot){.slot = edge->slot,
                                            .kind = edge->kind},
                    edge->kind == MF_EDGE_ITEM ? edge->key : NULL);
}

static int
spot_key(PyObject *key, Py_hash_t hash, void *arg)
{
    struct mf_become_work *work = arg;
    size_t place = mf_map_place(work->pairs, key);
    (void)hash;
    return place != MF_MAP_NONE ? push_place(work, &work->keyed, place) : 0;
}

PySequenceMethods *
mf_become_deque_methods(PyObject *deque)
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
    PySequenceMethods *methods = mf_become_deque_methods(deque);
    Py_ssize_t count = methods->sq_length(deque);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = methods->sq_item(deque, i);
        if (item == NULL) {
            return -1;
        }
        int result = add_spot(work, item,
                              (struct mf_become_spot){
                                  .index = i, .kind = MF_BECOME_INDEX},
                              NULL);
        Py_DECREF(item); /* the deque holds it */
        if (result != 0) {
            break;
        }
    }
    return 0;
}

/* -- counting ------------------------------------------------------------- */

static struct mf_become_tally *
touch(struct mf_become_work *work, size_t place)
{
    struct mf_become_tally *tally = &work->tally[place];
    if (tally->visited == 0 && tally->words == 0) {
        push_place(work, &work->touched, place);
    }
    return tally;
}

static int
count_all(struct mf_become_work *work)
{
    if (work->tally_cap < work->pairs->used) {
        mf_free(work->tally);
        work->tally_cap = 0;
        work->tally = mf_alloc(work->pairs->used * sizeof(*work->tally));
        if (work->tally == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        work->tally_cap = work->pairs->used;
    }
    for (size_t i = 0; i < work->seen.len && !work->no_memory; i++) {
        touch(work, work->seen.items[i])->visited++;
    }
    for (size_t i = work->log_len; i < work->spots_len && !work->no_memory;
         i++) {
        touch(work, work->spots[i].place)->words++;
    }
    for (size_t i = 0; i < work->keyed.len && !work->no_memory; i++) {
        struct mf_become_tally *tally = touch(work, work->keyed.items[i]);
        tally->words++;
        tally->keys++;
    }
    return 0;
}

/* Is there a place for every reference that is reported? */
static int
check_all(struct mf_become *become, struct mf_become_work *work,
          PyObject *holder)
{
    for (size_t i = 0; i < work->touched.len; i++) {
        size_t place = work->touched.items[i];
        struct mf_become_tally *tally = &work->tally[place];
        if (work->pairs->entries[place].key == Py_TYPE(holder) &&
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
    return 0;
}

int
mf_become_look(struct mf_become *become, struct mf_become_work *work,
               PyObject *holder, bool *rekey, bool *exact)
{
    bool retype = mf_map_has(work->pairs, Py_TYPE(holder));
    if (PyObject_IS_GC(holder)) {
        Py_TYPE(holder)->tp_traverse(holder, see_visit, work);
    }
    if (work->seen.len == 0 && !work->no_memory && !retype &&
        !mf_edges_hides(holder)) {
        return 0;
    }
    mf_edges_each(holder, spot_word, work);
    if (mf_tables_is(holder)) {
        mf_tables_keys(holder, spot_key, work);
    }
    else if (mf_edges_is_deque(holder) && spot_deque(work, holder) < 0) {
        return -1;
    }
    *rekey = work->keyed.len > 0;
    size_t words = work->spots_len - work->log_len;
    *exact = !*rekey && words == work->seen.len && words == work->guessed;
    if (!work->no_memory && !*exact && count_all(work) < 0) {
        return -1;
    }
    if (work->no_memory) {
        PyErr_NoMemory();
        return -1;
    }
    if (!*exact && check_all(become, work, holder) < 0) {
        return -1;
    }
    return words > 0 || *rekey || work->seen.len > 0 || retype;
}
