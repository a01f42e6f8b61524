/* redefine_older.c -- owns what is kept of code that stragglers run. In:
 * committed updates. Out: where such code runs now.
 *
 * A frame of a thread is found by a walk over all of them; one of a generator
 * through a weak reference to that, since it may stand still anywhere on the
 * heap. So it is known for certain when the last one has ended.
 */
#include "redefine_older.h"

#include "../ground/compat_frames.h"
#include "../ground/fault.h"
#include "../heap/frames.h"
#include "redefine_frame_parts.h"

struct mf_older {
    struct mf_vec codes;  /* struct mf_older_code *, owned */
    struct mf_map index;  /* code -> struct mf_older_code * */
};

/* --- keeping ------------------------------------------------------------- */

static void
free_code(struct mf_older_code *entry)
{
    Py_XDECREF(entry->code);
    Py_XDECREF(entry->path);
    Py_XDECREF(entry->bytes);
    mf_vec_clear_refs(&entry->owners);
    mf_frame_map_free(entry->map);
    mf_free(entry);
}

void
mf_older_free(struct mf_older *older)
{
    if (older == NULL) {
        return;
    }
    for (size_t i = 0; i < older->codes.len; i++) {
        free_code(older->codes.items[i]);
    }
    mf_vec_clear(&older->codes);
    mf_map_clear(&older->index);
    mf_free(older);
}

struct mf_older_code *
mf_older_of(const struct mf_older *older, const void *code)
{
    return older != NULL ? mf_map_get(&older->index, code) : NULL;
}

bool
mf_older_any(const struct mf_older *older)
{
    return older != NULL && older->codes.len > 0;
}

static struct mf_older *
older_of_state(struct mf_state *state)
{
    if (state->older == NULL &&
        (state->older = mf_alloc(sizeof(*state->older))) == NULL) {
        PyErr_NoMemory();
    }
    return state->older;
}

static int
index_anew(struct mf_older *older)
{
    mf_map_clear(&older->index);
    for (size_t i = 0; i < older->codes.len; i++) {
        struct mf_older_code *entry = older->codes.items[i];
        if (mf_map_put(&older->index, entry->code, (uintptr_t)entry) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
add_owner(struct mf_older_code *entry, PyObject *owner)
{
    PyObject *ref = PyWeakref_NewRef(owner, NULL); /* the same each time */
    int rc = ref ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < entry->owners.len; i++) {
        if (entry->owners.items[i] == ref) {
            Py_DECREF(ref);
            return 0;
        }
    }
    rc = rc == 0 ? mf_vec_push_ref(&entry->owners, ref) : rc;
    Py_XDECREF(ref);
    return rc;
}

/* --- looking ------------------------------------------------------------- */

static int
add_place(struct mf_vec *places, const struct mf_compat_place *place)
{
    struct mf_compat_place *copy = mf_alloc(sizeof(*copy));
    if (copy == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *copy = *place;
    if (mf_vec_push(places, copy) < 0) {
        mf_free(copy);
        return -1;
    }
    return 0;
}

struct look {
    struct mf_older *older;
    struct mf_vec *places;
};

static int
on_running(const struct mf_compat_place *place, void *arg)
{
    struct look *look = arg;
    struct mf_older_code *entry = mf_older_of(look->older, place->code);
    if (entry == NULL) {
        return 0;
    }
    entry->seen = true;
    return add_place(look->places, place) < 0 ||
                   (place->owner != NULL &&
                    add_owner(entry, place->owner) < 0)
               ? -1
               : 0;
}

static bool
is_running(const struct mf_vec *places, const PyObject *owner)
{
    for (size_t i = 0; i < places->len; i++) {
        if (((struct mf_compat_place *)places->items[i])->owner == owner) {
            return true;
        }
    }
    return false;
}

static int
look_at_owners(struct mf_older_code *entry, struct mf_vec *places)
{
    size_t kept = 0, i = 0;
    int rc = 0;
    for (; rc == 0 && i < entry->owners.len; i++) {
        PyObject *ref = entry->owners.items[i];
        PyObject *owner = ((PyWeakReference *)ref)->wr_object;
        struct mf_compat_place place;
        bool stands = mf_compat_moves_suspended(owner, &place) &&
                      place.code == entry->code;
        if (stands) {
            entry->seen = true;
            rc = add_place(places, &place);
        }
        if (stands || (owner != Py_None && is_running(places, owner))) {
            entry->owners.items[kept++] = ref;
        }
        else {
            Py_DECREF(ref);
        }
    }
    for (; i < entry->owners.len; i++) {
        entry->owners.items[kept++] = entry->owners.items[i];
    }
    entry->owners.len = kept;
    return rc;
}

static int
forget_ended(struct mf_older *older)
{
    struct mf_vec ended = {0};
    size_t kept = 0;
    if (mf_vec_reserve(&ended, older->codes.len) < 0) {
        return -1;
    }
    for (size_t i = 0; i < older->codes.len; i++) {
        struct mf_older_code *entry = older->codes.items[i];
        if (entry->seen) {
            older->codes.items[kept++] = entry;
        }
        else {
            ended.items[ended.len++] = entry;
        }
    }
    older->codes.len = kept;
    int rc = ended.len > 0 ? index_anew(older) : 0;
    for (size_t i = 0; i < ended.len; i++) {
        free_code(ended.items[i]);
    }
    mf_vec_clear(&ended);
    return rc;
}

int
mf_older_look(struct mf_older *older, struct mf_vec *places)
{
    if (older == NULL || older->codes.len == 0) {
        return 0;
    }
    struct look look = {older, places};
    for (size_t i = 0; i < older->codes.len; i++) {
        ((struct mf_older_code *)older->codes.items[i])->seen = false;
    }
    int rc = mf_compat_moves_running(on_running, &look);
    for (size_t i = 0; rc == 0 && i < older->codes.len; i++) {
        rc = look_at_owners(older->codes.items[i], places);
    }
    return rc == 0 ? forget_ended(older) : -1;
}

/* --- around a commit ----------------------------------------------------- */

struct note {
    struct mf_state *state;
    struct mf_plan *plan;
    const struct mf_moves *moves;
};

/* The edited file whose code this was; NULL: it is not of this update. */
static struct mf_change *
change_of(struct mf_plan *plan, PyCodeObject *code)
{
    for (size_t i = 0; i < plan->targets.len; i++) {
        struct mf_target *target = plan->targets.items[i];
        if (target->change->kind == MF_CHANGE_EDITED &&
            mf_map_has(&target->exchange, code)) {
            return target->change;
        }
    }
    return NULL;
}

static struct mf_older_code *
entry_for(struct note *note, PyCodeObject *code)
{
    struct mf_older_code *entry = mf_older_of(note->state->older, code);
    struct mf_change *change = entry ? NULL : change_of(note->plan, code);
    if (change == NULL || change->source->given != NULL) {
        return entry;
    }
    struct mf_older *older = older_of_state(note->state);
    entry = older ? mf_alloc(sizeof(*entry)) : NULL;
    if (entry == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    *entry = (struct mf_older_code){
        .code = (PyCodeObject *)Py_NewRef((PyObject *)code),
        .path = Py_NewRef(change->source->path),
        .bytes = Py_NewRef(change->diff.old_of.text->bytes),
        .flags = change->diff.old_of.flags,
        .since = note->state->number,
        .fresh = true,
    };
    if (mf_vec_push(&older->codes, entry) < 0) {
        free_code(entry);
        return NULL;
    }
    if (mf_map_put(&older->index, code, (uintptr_t)entry) < 0) {
        older->codes.len--;
        free_code(entry);
        return NULL;
    }
    return entry;
}

static int
note_frame(struct note *note, PyCodeObject *code, void *frame,
           PyObject *owner)
{
    struct mf_older_code *entry = entry_for(note, code);
    if (entry == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    entry->told |= !mf_map_has(&note->moves->moved, frame);
    return owner != NULL ? add_owner(entry, owner) : 0;
}

static int
note_running(const struct mf_compat_place *place, void *arg)
{
    struct note *note = arg;
    bool moves = place->still &&
                 mf_map_has(&note->moves->moved, place->frame);
    return !moves && mf_map_has(&note->moves->codes, place->code)
               ? note_frame(note, place->code, place->frame, place->owner)
               : 0;
}

int
mf_older_note(struct mf_state *state, struct mf_plan *plan,
              const struct mf_moves *moves)
{
    struct note note = {state, plan, moves};
    int rc = 0;
    if (moves->finish) {
        return 0;
    }
    for (size_t i = 0; rc == 0 && i < moves->suspended.len; i++) {
        PyObject *owner = moves->suspended.items[i];
        PyCodeObject *code = mf_compat_frames_suspended(owner);
        void *frame = mf_compat_frames_in(owner);
        if (code != NULL && mf_map_has(&moves->codes, code) &&
            !mf_map_has(&moves->moved, frame)) {
            rc = note_frame(&note, code, frame, owner);
        }
    }
    if (rc == 0 && moves->runs) {
        rc = mf_compat_moves_running(note_running, &note);
    }
    return rc;
}

void
mf_older_settle(struct mf_state *state, bool committed)
{
    struct mf_older *older = state->older;
    size_t kept = 0;
    for (size_t i = 0; older != NULL && i < older->codes.len; i++) {
        struct mf_older_code *entry = older->codes.items[i];
        if (committed || !entry->fresh) {
            entry->fresh = false;
            older->codes.items[kept++] = entry;
            continue;
        }
        (void)mf_map_put(&older->index, entry->code, 0); /* it is in there */
        free_code(entry);
    }
    if (older != NULL) {
        older->codes.len = kept;
    }
    if (committed && kept > 0) {
        state->older_ms = 1; /* try again soon */
    }
}

/* --- telling ------------------------------------------------------------- */

struct list {
    const struct mf_older *older;
    PyObject *items;
};

static int
on_found(PyCodeObject *code, int line, PyObject *kind,
         unsigned long thread_id, int frames, void *arg)
{
    struct list *list = arg;
    const struct mf_older_code *entry = mf_older_of(list->older, code);
    (void)thread_id;
    PyObject *item = Py_BuildValue(
        "{s:O,s:O,s:i,s:O,s:i,s:l}", "name", code->co_qualname, "file",
        code->co_filename, "line", line, "kind", kind, "frames", frames,
        "since", entry != NULL ? entry->since : 0L);
    int rc = item ? PyList_Append(list->items, item) : -1;
    Py_XDECREF(item);
    return rc;
}

PyObject *
mf_older_list(struct mf_state *state)
{
    struct mf_vec places = {0}, owners = {0};
    struct mf_map codes = {0};
    struct list list = {state->older, PyList_New(0)};
    int rc = list.items ? mf_older_look(state->older, &places) : -1;
    for (size_t i = 0; rc == 0 && i < places.len; i++) {
        const struct mf_compat_place *place = places.items[i];
        if (!mf_older_of(state->older, place->code)->told) {
            continue;
        }
        rc = mf_map_put(&codes, place->code, 1);
        if (rc == 0 && place->owner != NULL) {
            rc = mf_vec_push_ref(&owners, place->owner);
        }
    }
    struct mf_frames_beyond beyond = {NULL, &owners, NULL};
    if (rc == 0) {
        rc = mf_frames_stragglers_beyond(&codes, &beyond, on_found, &list);
    }
    for (size_t i = 0; i < places.len; i++) {
        mf_free(places.items[i]);
    }
    mf_vec_clear(&places);
    mf_vec_clear_refs(&owners);
    mf_map_clear(&codes);
    if (rc < 0) {
        Py_CLEAR(list.items);
    }
    return list.items;
}
