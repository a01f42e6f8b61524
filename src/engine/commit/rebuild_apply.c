/* rebuild_apply.c -- owns the references to classes and instances that are made
 * anew. In: the pairs. Out: nobody who refers to the old ones.
 *
 * Who might hold an instance where no rewriting reaches it shows by its
 * reference count: what traverse reports over the whole heap, what running
 * frames hold and what we hold ourselves must be all there is.
 */
#include "rebuild_parts.h"

#include "../ground/compat_fields.h"
#include "../ground/compat_frames.h"
#include "../ground/compat_objects.h"
#include "../ground/fault.h"
#include "../ground/trace.h"
#include "class_caches.h"
#include "redefine_class.h"

/* ---- holders ------------------------------------------------------------------- */

/* What goes with the old ones. */
static bool
is_dying(struct mf_rebuild *rebuild, PyObject *holder)
{
    const PyTypeObject *type = Py_TYPE(holder);
    if (mf_map_has(&rebuild->pairs, type) &&
        !mf_map_has(&rebuild->places, type) &&
        !mf_map_has(&rebuild->staged, type)) {
        return true; /* many, and found without a look at each */
    }
    if (mf_map_has(&rebuild->pairs, holder) ||
        mf_map_has(&rebuild->staged, holder)) {
        return true;
    }
    if (Py_IS_TYPE(holder, &PyMemberDescr_Type) ||
        Py_IS_TYPE(holder, &PyGetSetDescr_Type)) {
        return mf_map_has(&rebuild->pairs, PyDescr_TYPE(holder));
    }
    for (size_t i = 0; PyTuple_CheckExact(holder) && i < rebuild->classes.len;
         i += 2) {
        PyTypeObject *cls = rebuild->classes.items[i];
        if (holder == cls->tp_mro || holder == cls->tp_bases) {
            return true;
        }
    }
    return false;
}

/* Is the i-th of the instances another object from now on? */
static bool
moves(const struct mf_rebuild *rebuild, size_t i)
{
    return rebuild->copied.used == 0 ||
           mf_map_has(&rebuild->pairs, rebuild->instances.items[i]);
}

struct frames {
    struct mf_rebuild *rebuild;
    uint32_t *counts;     /* per place in pairs: counting, or */
    struct mf_undo *undo; /* rewriting */
};

/* A reference to obj is known. */
static void
count_one(const struct mf_map *pairs, uint32_t *counts, PyObject *obj)
{
    size_t place = mf_map_place(pairs, obj);
    if (place != MF_MAP_NONE) {
        counts[place]++;
    }
}

static void
word_back(PyObject *from, PyObject *to, intptr_t place)
{
    PyObject **slot = (PyObject **)place;
    *slot = mf_compat_obj_retag(*slot, Py_NewRef(from));
    Py_DECREF(to);
}

static void
borrowed_back(PyObject *from, PyObject *to, intptr_t place)
{
    PyObject **slot = (PyObject **)place;
    (void)to;
    *slot = mf_compat_obj_retag(*slot, from);
}

static int
frame_word(PyObject **slot, bool tagged, void *arg)
{
    struct frames *frames = arg;
    PyObject *from = tagged ? mf_compat_obj_untag(*slot) : *slot;
    PyObject *to = mf_map_get(&frames->rebuild->pairs, from);
    bool owns = !tagged || mf_compat_obj_tag_owns(*slot);
    if (to == NULL) {
        return 0;
    }
    if (frames->counts != NULL) {
        if (owns) {
            count_one(&frames->rebuild->pairs, frames->counts, from);
        }
        return 0;
    }
    if (mf_undo_inverse(frames->undo, owns ? word_back : borrowed_back, from,
                        to, (intptr_t)slot) < 0) {
        return -1;
    }
    *slot = tagged ? mf_compat_obj_retag(*slot, to) : to;
    if (owns) {
        Py_INCREF(to);
        Py_DECREF(from); /* the list holds it: never the last */
    }
    return 0;
}

/* References that our own structures hold, besides the list. */
static void
count_own(const struct mf_map *pairs, uint32_t *counts,
          struct mf_merge *merge)
{
    for (size_t i = 0; i < merge->len; i++) {
        struct mf_write *w = &merge->writes[i];
        count_one(pairs, counts, w->holder);
        count_one(pairs, counts, w->key);
        count_one(pairs, counts, w->value);
    }
    for (size_t i = 0; i < merge->match->len; i++) {
        struct mf_pair *pair = &merge->match->pairs[i];
        count_one(pairs, counts, pair->old_obj);
        count_one(pairs, counts, pair->new_obj);
    }
    struct mf_effects *effects = merge->stage ? &merge->stage->effects : NULL;
    for (size_t i = 0; effects != NULL && i < effects->len; i++) {
        count_one(pairs, counts, effects->items[i].holder);
    }
}

/* Is an instance held by more than is known? A reason. */
static int
check_count(struct mf_report *report, PyObject *obj, uint32_t count)
{
    uintptr_t known = (uintptr_t)count + 1; /* the list's */
    if ((uintptr_t)Py_REFCNT(obj) < known) {
        /* taking away as many as it says would free it under us */
        return mf_rebuild_refuse(report, 423, Py_TYPE(obj),
                                 "something reports more references to an "
                                 "instance than it has; ",
                                 (PyObject *)Py_TYPE(obj));
    }
    MF_TRACE(2, "%p: %zd references, %zu known", (void *)obj,
             (Py_ssize_t)Py_REFCNT(obj), (size_t)known);
    return mf_rebuild_refuse(report, 423, Py_TYPE(obj),
                             "an instance is held where it cannot be "
                             "replaced: by C code, or in the middle of a "
                             "call; ",
                             (PyObject *)Py_TYPE(obj));
}

/* `counts` has what the heap refers to. */
static int
check_counts(struct mf_rebuild *rebuild, struct mf_merge *merge,
             struct mf_report *report, uint32_t *counts)
{
    struct mf_map *pairs = &rebuild->pairs;
    struct frames frames = {.rebuild = rebuild, .counts = counts};
    count_own(pairs, counts, merge);
    int rc = mf_compat_frames_running(frame_word, &frames);
    size_t place = 0;
    for (size_t i = 0; rc == 0 && i < rebuild->instances.len; i += 2) {
        PyObject *obj = rebuild->instances.items[i];
        if (!moves(rebuild, i)) {
            continue;
        }
        /* most pairs came in this order */
        place = place + 1 < pairs->used && pairs->entries[place + 1].key == obj
                    ? place + 1
                    : mf_map_place(pairs, obj);
        if ((uintptr_t)Py_REFCNT(obj) != (uintptr_t)counts[place] + 1) {
            rc = check_count(report, obj, counts[place]);
            break;
        }
    }
    return rc;
}

static void
turn(struct mf_rebuild *rebuild, PyObject **word)
{
    if (*word != NULL) {
        PyObject *to = mf_rebuild_new(rebuild, *word);
        if (to != *word) {
            Py_SETREF(*word, Py_NewRef(to));
        }
    }
}

/* Weak references need a place as well. */
static int
check_weakrefs(struct mf_rebuild *rebuild, struct mf_report *report)
{
    bool some = false;
    for (size_t i = 0; i < rebuild->n_routes; i++) {
        some |= rebuild->routes[i].from->tp_weaklistoffset != 0;
    }
    for (size_t i = some ? 0 : rebuild->instances.len; i < rebuild->instances.len; i += 2) {
        PyObject **list = mf_compat_obj_weakrefs(rebuild->instances.items[i]);
        PyObject *made = rebuild->instances.items[i + 1];
        if (moves(rebuild, i) && list != NULL && *list != NULL &&
            mf_compat_obj_weakrefs(made) == NULL) {
            return mf_rebuild_refuse(report, 420, Py_TYPE(made),
                          "there are weak references to its instances, which "
                          "could have none any more: ",
                          (PyObject *)Py_TYPE(made));
        }
    }
    return 0;
}

/* mf_become_holders_counted: instances that go are many; they are told by
 * their class. */
static int
about(PyObject *obj, void *arg)
{
    struct mf_rebuild *rebuild = arg;
    PyTypeObject *type = Py_TYPE(obj);
    if (type == rebuild->last_dying) {
        return MF_BECOME_COUNTS;
    }
    if (type == rebuild->last_other) {
        return MF_BECOME_HOLDER;
    }
    if (rebuild->places.used > 0 && mf_map_has(&rebuild->places, type)) {
        int stays = mf_rebuild_place_visit(rebuild, obj);
        return stays < 0 ? -1
               : stays   ? MF_BECOME_NOTHING
                         : MF_BECOME_HOLDER;
    }
    bool dying = mf_map_has(&rebuild->pairs, type) &&
                 !mf_map_has(&rebuild->staged, type);
    *(dying ? &rebuild->last_dying : &rebuild->last_other) = type;
    return dying ? MF_BECOME_COUNTS : MF_BECOME_HOLDER;
}

/* Can all of them be rewritten, and will be without further memory? */
static int
check_holders(struct mf_rebuild *rebuild, struct mf_undo *undo,
              struct mf_report *report)
{
    size_t count = 0;
    for (size_t i = 0; i < rebuild->holders.len; i++) {
        PyObject *holder = rebuild->holders.items[i];
        if (is_dying(rebuild, holder)) {
            continue;
        }
        rebuild->holders.items[count++] = holder;
        if (mf_become_check(&rebuild->become, holder) < 0) {
            return mf_rebuild_refuse_with(report, rebuild->routes[0].from, "");
        }
        if (mf_rebuild_check_keys(rebuild, report, holder) < 0) {
            return -1;
        }
    }
    rebuild->holders.len = count;
    return mf_become_reserve(&rebuild->become, undo, count);
}

static int
check_all(struct mf_rebuild *rebuild, struct mf_merge *merge,
          struct mf_undo *undo, struct mf_report *report, uint32_t *counts)
{
    if (mf_become_holders_counted(&rebuild->pairs, &rebuild->holders, counts,
                                  about, rebuild) < 0 ||
        mf_rebuild_place_prepare(rebuild, merge) < 0 ||
        check_holders(rebuild, undo, report) < 0) {
        return -1;
    }
    int rc = mf_report_reasons(report) > 0 ? 0
                                           : check_weakrefs(rebuild, report);
    for (size_t i = 0; rc == 0 && i < rebuild->classes.len; i += 2) {
        const struct mf_vec none = {0};
        rc = mf_class_caches_find(rebuild->classes.items[i], &none,
                                  &rebuild->asked);
    }
    return rc == 0 && mf_report_reasons(report) == 0
               ? check_counts(rebuild, merge, report, counts)
               : rc;
}

int
mf_rebuild_check(struct mf_rebuild *rebuild, struct mf_merge *merge,
                 struct mf_undo *undo, struct mf_report *report)
{
    if (rebuild->pairs.used == 0) {
        return 0;
    }
    if (rebuild->ran && mf_rebuild_follow(rebuild, merge) < 0) {
        return -1;
    }
    if (mf_report_reasons(report) > 0) {
        return 0;
    }
    for (size_t i = 0; i < merge->len; i++) {
        turn(rebuild, &merge->writes[i].holder);
        turn(rebuild, &merge->writes[i].value);
    }
    rebuild->become.pairs = &rebuild->pairs;
    rebuild->become.alike = &rebuild->staged;
    rebuild->become.layout = &rebuild->places;
    if (mf_rebuild_place_settle(rebuild) < 0) {
        return -1;
    }
    uint32_t *counts = mf_alloc(rebuild->pairs.used * sizeof(*counts));
    if (counts == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    int rc = check_all(rebuild, merge, undo, report, counts);
    mf_free(counts);
    return rc;
}

/* ---- apply -------------------------------------------------------------------- */

static void
hide_back(PyObject *cls)
{
    if (mf_redefine_class_show((PyTypeObject *)cls, NULL) < 0) {
        PyErr_WriteUnraisable(cls);
    }
}

static int
exchange_subclasses(struct mf_rebuild *rebuild, struct mf_undo *undo)
{
    for (size_t i = 0; i < rebuild->classes.len; i += 2) {
        PyObject *cls = rebuild->classes.items[i];
        if (mf_undo_call(undo, hide_back, cls) < 0 ||
            mf_redefine_class_hide((PyTypeObject *)cls) < 0 ||
            mf_redefine_class_show(rebuild->classes.items[i + 1], undo) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Dicts of instances that the program holds, too. */
static int
take_dicts(struct mf_rebuild *rebuild, struct mf_undo *undo)
{
    int rc = 0;
    bool some = false;
    for (size_t i = 0; i < rebuild->n_routes; i++) {
        some |= mf_compat_fields_has_dict(rebuild->routes[i].from);
    }
    for (size_t i = 0; some && rc == 0 && i < rebuild->instances.len; i += 2) {
        if (moves(rebuild, i)) {
            rc = mf_rebuild_take_dict(undo, rebuild->instances.items[i],
                                      rebuild->instances.items[i + 1]);
        }
    }
    return rc;
}

int
mf_rebuild_apply(struct mf_rebuild *rebuild, struct mf_undo *undo)
{
    if (rebuild->pairs.used == 0) {
        return 0;
    }
    struct frames frames = {.rebuild = rebuild, .undo = undo};
    rebuild->become.undo = undo;
    int rc = exchange_subclasses(rebuild, undo);
    if (rc == 0) {
        rc = take_dicts(rebuild, undo);
    }
    for (size_t i = 0; rc == 0 && i < rebuild->holders.len; i++) {
        PyObject *holder = rebuild->holders.items[i];
        if (mf_fault_step()) {
            rc = -1;
        }
        else {
            rc = mf_become_object(&rebuild->become, holder);
        }
    }
    if (rc < 0 || mf_compat_frames_running(frame_word, &frames) < 0 ||
        mf_become_weakrefs(&rebuild->become) < 0) {
        return -1;
    }
    return mf_rebuild_place_apply(rebuild, undo) < 0
               ? -1
               : mf_become_rehash(&rebuild->become, NULL);
}

static int
forget_answers(struct mf_rebuild *rebuild)
{
    int rc = 0;
    for (size_t i = 0; i < rebuild->classes.len; i += 2) {
        rc |= mf_class_caches_protocol(rebuild->classes.items[i + 1]);
    }
    for (size_t i = 0; i < rebuild->asked.len; i++) {
        turn(rebuild, (PyObject **)&rebuild->asked.items[i]);
    }
    if (rebuild->asked.len > 0) {
        rc |= mf_class_caches_forget(&rebuild->asked);
    }
    return rc | mf_class_caches_typing();
}

int
mf_rebuild_finish(struct mf_rebuild *rebuild)
{
    int rc = rebuild->pairs.used > 0 ? forget_answers(rebuild) : 0;
    bool busy = rebuild->instances.len > 0 && mf_heap_busy();
    for (size_t i = 0; i < rebuild->instances.len; i += 2) {
        if (moves(rebuild, i)) {
            mf_compat_obj_finalized(rebuild->instances.items[i], true);
            mf_compat_obj_finalized(rebuild->instances.items[i + 1], false);
            if (!busy) { /* what goes is the youngest, what stays is old */
                mf_heap_exchange_places(rebuild->instances.items[i],
                                        rebuild->instances.items[i + 1]);
            }
        }
    }
    mf_rebuild_place_finish(rebuild);
    mf_become_clear(&rebuild->become);
    return rc;
}

void
mf_rebuild_clear(struct mf_rebuild *rebuild)
{
    mf_become_clear(&rebuild->become);
    mf_map_clear(&rebuild->pairs);
    mf_map_clear(&rebuild->staged);
    mf_map_clear(&rebuild->renewed);
    mf_map_clear(&rebuild->members);
    mf_map_clear(&rebuild->kept);
    mf_map_clear(&rebuild->made);
    mf_map_clear(&rebuild->places);
    mf_map_clear(&rebuild->copied);
    for (size_t i = 0; i < rebuild->n_routes; i++) {
        mf_rebuild_route_clear(&rebuild->routes[i]);
    }
    mf_free(rebuild->routes);
    mf_vec_clear(&rebuild->holders);
    mf_vec_clear_refs(&rebuild->asked);
    mf_vec_clear_refs(&rebuild->noted);
    mf_vec_clear_refs(&rebuild->spaces);
    mf_vec_clear_refs(&rebuild->instances);
    mf_vec_clear_refs(&rebuild->classes);
    memset(rebuild, 0, sizeof(*rebuild));
}
