/* redefine_older_move.c -- owns the way out of older code. In: what
 * redefine_older.c keeps, the texts that live. Out: frames that go on in what
 * their function has now.
 */
#include "redefine_older.h"

#include "../ground/compat_frames.h"
#include "../ground/fault.h"
#include "../heap/frames.h"
#include "../read/imports.h"
#include "redefine_frame_line.h"
#include "redefine_frame_parts.h"

/* --- texts --------------------------------------------------------------- */

static bool
has_code(PyObject *consts, PyCodeObject *code)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(consts, i);
        if (item == (PyObject *)code ||
            (PyCode_Check(item) &&
             has_code(((PyCodeObject *)item)->co_consts, code))) {
            return true;
        }
    }
    return false;
}

/* Is it of the text that lives? A closure may have been left in another. */
static bool
is_live(const struct mf_source *source, PyCodeObject *code)
{
    for (size_t m = 0; m < source->modules.len; m++) {
        const struct mf_module *module = source->modules.items[m];
        Py_ssize_t n = module->codes ? PyList_GET_SIZE(module->codes) : 0;
        for (Py_ssize_t i = 0; i < n; i++) {
            PyObject *item = PyList_GET_ITEM(module->codes, i);
            if (item == (PyObject *)code ||
                has_code(((PyCodeObject *)item)->co_consts, code)) {
                return true;
            }
        }
    }
    return false;
}

static int
old_text(struct mf_older_texts *texts, const struct mf_older_code *entry)
{
    texts->old_text.bytes = entry->bytes;
    int rc = mf_split(&texts->old_split, PyBytes_AS_STRING(entry->bytes),
                      (size_t)PyBytes_GET_SIZE(entry->bytes));
    if (rc == MF_SPLIT_NOMEM) {
        PyErr_NoMemory();
        return -1;
    }
    texts->old_made = (struct mf_compile_unit_of){
        .path = entry->path,
        .text = &texts->old_text,
        .split = &texts->old_split,
        .flags = entry->flags,
    };
    texts->old_of = &texts->old_made;
    return rc == MF_SPLIT_OK;
}

/* The text that this update brings, if the code is of it. */
static struct mf_diff *
diff_to(struct mf_plan *plan, PyCodeObject *code)
{
    for (size_t i = 0; plan != NULL && i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        if (change->kind == MF_CHANGE_EDITED &&
            PyUnicode_Compare(change->source->path, code->co_filename) == 0) {
            return &change->diff;
        }
    }
    return NULL;
}

static int
live_text(struct mf_older_texts *texts, struct mf_state *state,
          PyCodeObject *code, bool exchanged)
{
    struct mf_source *source = mf_source_find(state, code->co_filename);
    if (source == NULL || source->text.bytes == NULL ||
        source->given != NULL || (!exchanged && !is_live(source, code))) {
        return PyErr_Occurred() ? -1 : 0;
    }
    if (mf_source_split(source) < 0) {
        return -1;
    }
    texts->new_made = (struct mf_compile_unit_of){
        .path = source->path,
        .text = &source->text,
        .split = &source->split,
        .flags = source->flags,
    };
    texts->new_of = &texts->new_made;
    return source->split.result == MF_SPLIT_OK;
}

int
mf_older_texts(struct mf_older_texts *texts, struct mf_moves *moves,
               struct mf_plan *plan, const struct mf_frame_map *map)
{
    memset(texts, 0, sizeof(*texts));
    const struct mf_older_code *entry = mf_older_of(moves->older,
                                                    map->old_code);
    int rc = entry != NULL ? old_text(texts, entry) : 0;
    if (rc != 1) {
        return rc;
    }
    struct mf_diff *diff =
        map->exchanged ? diff_to(plan, map->new_code) : NULL;
    if (diff != NULL) {
        texts->new_of = &diff->new_of;
        return !diff->whole;
    }
    return live_text(texts, moves->state, map->new_code, map->exchanged);
}

void
mf_older_texts_clear(struct mf_older_texts *texts)
{
    mf_compile_clear(&texts->old_made);
    mf_compile_clear(&texts->new_made);
    mf_split_clear(&texts->old_split);
    memset(texts, 0, sizeof(*texts));
}

/* --- trying -------------------------------------------------------------- */

/* Its function is redefined now: a report names who does not follow. */
static int
is_asked_for(struct mf_moves *moves, const struct mf_compat_place *place)
{
    if (!mf_map_has(&moves->functions, place->func)) {
        return 0;
    }
    return mf_map_put(&moves->again, place->code, 1) < 0 ||
                   (place->owner != NULL &&
                    mf_compat_frames_suspended(place->owner) != NULL &&
                    mf_vec_push_ref(&moves->suspended, place->owner) < 0)
               ? -1
               : 0;
}

int
mf_older_try(struct mf_moves *moves, struct mf_plan *plan)
{
    struct mf_vec places = {0};
    int rc = mf_older_look(moves->older, &places);
    for (size_t i = 0; rc == 0 && i < places.len; i++) {
        const struct mf_compat_place *place = places.items[i];
        bool stands = place->owner != NULL &&
                      mf_compat_frames_suspended(place->owner) != NULL;
        if (!mf_map_has(&moves->codes, place->code)) {
            rc = mf_map_put(&moves->codes, place->code, 0);
        }
        if (rc == 0) {
            rc = is_asked_for(moves, place);
        }
        if (rc == 0 && (stands || !moves->jit)) {
            rc = mf_redefine_frame_try(moves, plan, place);
        }
    }
    for (size_t i = 0; i < places.len; i++) {
        mf_free(places.items[i]);
    }
    mf_vec_clear(&places);
    return rc;
}

/* --- between updates ----------------------------------------------------- */

int
mf_older_move(struct mf_state *state)
{
    struct mf_moves moves = {.state = state, .older = state->older};
    mf_redefine_frame_begin(&moves, state->armed);
    int was_enabled = PyGC_Disable();
    int rc = mf_older_try(&moves, NULL);
    if (rc == 0) {
        mf_redefine_frame_apply_now(&moves);
    }
    if (was_enabled) {
        PyGC_Enable();
    }
    if (rc == 0) {
        rc = mf_redefine_frame_arm(&moves, &state->armed);
    }
    mf_redefine_frame_clear(&moves);
    return rc < 0 ? -1 : mf_older_any(state->older);
}
