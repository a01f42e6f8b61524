/* effects_undone.c -- owns the three-way view of a holder: before staged code,
 * after it, and now. In: contents. Out: contents; nothing is written.
 */
#include "effects_copy.h"

#include "../ground/fault.h"

struct entries {
    struct mf_entry *items;
    Py_ssize_t len;
};

/* ---- without the differences ------------------------------------------------- */

/* How often each key stands in the contents. */
static int
count_keys(struct mf_map *map, const struct mf_contents *contents,
           Py_ssize_t stride)
{
    Py_ssize_t n = mf_effects_count(contents, stride);
    if (mf_map_reserve(map, (size_t)n) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *key = PyTuple_GET_ITEM(contents->items, i * stride);
        if (mf_map_put(map, key, (uintptr_t)mf_map_get(map, key) + 1) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool
take_one(struct mf_map *counts, PyObject *key)
{
    uintptr_t *count = mf_map_find(counts, key);
    if (count == NULL || *count == 0) {
        return false;
    }
    --*count;
    return true;
}

/* Items of `after` that `before` has not as often; of a big holder `after` is
 * just these. */
static int
count_added(struct mf_map *added, const struct mf_effect *effect)
{
    struct mf_map left = {0};
    int rc = effect->big ? 0 : count_keys(&left, &effect->before, 1);
    PyObject *after = effect->after.items;
    for (Py_ssize_t i = 0; rc == 0 && i < PyTuple_GET_SIZE(after); i++) {
        PyObject *item = PyTuple_GET_ITEM(after, i);
        if (!take_one(&left, item)) {
            rc = mf_map_put(added, item,
                            (uintptr_t)mf_map_get(added, item) + 1);
        }
    }
    mf_map_clear(&left);
    return rc;
}

static int
added_to_sequence(const struct mf_effect *effect,
                  const struct mf_contents *now, bool *out)
{
    struct mf_map added = {0};
    int rc = count_added(&added, effect);
    /* the latest of equals is the new one */
    for (Py_ssize_t i = PyTuple_GET_SIZE(now->items); rc == 0 && i > 0; i--) {
        out[i - 1] = take_one(&added, PyTuple_GET_ITEM(now->items, i - 1));
    }
    mf_map_clear(&added);
    return rc;
}

static int
added_to_keyed(const struct mf_effect *effect, const struct mf_contents *now,
               bool *out)
{
    Py_ssize_t stride = mf_effects_stride(effect->kind);
    struct mf_map old = {0}, new = {0};
    int rc = (!effect->big &&
              mf_effects_place(&old, &effect->before, stride) < 0) ||
                     mf_effects_place(&new, &effect->after, stride) < 0
                 ? -1
                 : 0;
    for (Py_ssize_t i = 0; rc == 0 && i < mf_effects_count(now, stride);
         i++) {
        struct mf_entry entry = mf_effects_entry(now, i, stride);
        Py_ssize_t was = (Py_ssize_t)mf_map_get(&old, entry.key);
        Py_ssize_t is = (Py_ssize_t)mf_map_get(&new, entry.key);
        /* what staged code left there, if nobody has written since */
        out[i] =
            is != 0 &&
            mf_effects_entry(&effect->after, is - 1, stride).value ==
                entry.value &&
            (was == 0 ||
             mf_effects_entry(&effect->before, was - 1, stride).value !=
                 entry.value);
    }
    mf_map_clear(&old);
    mf_map_clear(&new);
    return rc;
}

int
mf_effects_added(const struct mf_effect *effect,
                 const struct mf_contents *now, bool *out)
{
    if (effect->after.items == NULL) {
        memset(out, 0,
               (size_t)mf_effects_count(now, mf_effects_stride(effect->kind)) *
                   sizeof(*out));
        return 0;
    }
    return mf_effects_is_keyed(effect->kind)
               ? added_to_keyed(effect, now, out)
               : added_to_sequence(effect, now, out);
}

/* Put an entry of `before` behind the nearest one in front of it there that
 * is still in the result. */
static void
insert_again(struct entries *out, const struct mf_contents *before,
             Py_ssize_t at, Py_ssize_t stride)
{
    Py_ssize_t place = 0;
    for (Py_ssize_t b = at - 1; b >= 0 && place == 0; b--) {
        PyObject *key = PyTuple_GET_ITEM(before->items, b * stride);
        for (Py_ssize_t i = out->len; i > 0 && place == 0; i--) {
            place = out->items[i - 1].key == key ? i : 0;
        }
    }
    memmove(&out->items[place + 1], &out->items[place],
            (size_t)(out->len - place) * sizeof(*out->items));
    out->items[place] = mf_effects_entry(before, at, stride);
    out->len++;
}

/* Lists and deques: items added while staging go, those taken out return. */
static int
undone_sequence(const struct mf_effect *effect, const struct mf_contents *now,
                const bool *added, mf_effects_may may, void *arg,
                struct entries *out)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(now->items); i++) {
        struct mf_entry entry = mf_effects_entry(now, i, 1);
        if (!added[i] || (may != NULL && !may(arg, effect, entry))) {
            out->items[out->len++] = entry;
        }
    }
    struct mf_map kept = {0};
    PyObject *before = effect->before.items;
    int rc = effect->big ? 0 : count_keys(&kept, &effect->after, 1);
    for (Py_ssize_t i = 0;
         rc == 0 && !effect->big && i < PyTuple_GET_SIZE(before); i++) {
        if (!take_one(&kept, PyTuple_GET_ITEM(before, i)) &&
            (may == NULL ||
             may(arg, effect, mf_effects_entry(&effect->before, i, 1)))) {
            insert_again(out, &effect->before, i, 1);
        }
    }
    mf_map_clear(&kept);
    return rc;
}

/* What has keys: each key by itself. */
static int
undone_keyed(const struct mf_effect *effect, const struct mf_contents *now,
             const bool *added, mf_effects_may may, void *arg,
             struct entries *out)
{
    Py_ssize_t stride = mf_effects_stride(effect->kind);
    const struct mf_contents *before = &effect->before;
    struct mf_map old = {0}, new = {0}, present = {0}, back = {0};
    int rc = -1;
    if ((!effect->big && mf_effects_place(&old, before, stride) < 0) ||
        mf_effects_place(&new, &effect->after, stride) < 0 ||
        mf_effects_place(&present, now, stride) < 0) {
        goto release_maps;
    }
    for (Py_ssize_t i = 0; i < mf_effects_count(now, stride); i++) {
        struct mf_entry entry = mf_effects_entry(now, i, stride);
        if (added[i] && (may == NULL || may(arg, effect, entry))) {
            /* the old one goes to its old place: it may have gone and come */
            if (mf_map_has(&old, entry.key) &&
                mf_map_put(&back, entry.key, 1) < 0) {
                goto release_maps;
            }
            continue;
        }
        out->items[out->len++] = entry;
    }
    for (Py_ssize_t i = 0;
         !effect->big && i < mf_effects_count(before, stride); i++) {
        struct mf_entry entry = mf_effects_entry(before, i, stride);
        if (mf_map_has(&back, entry.key) ||
            (!mf_map_has(&new, entry.key) &&
             !mf_map_has(&present, entry.key) &&
             (may == NULL || may(arg, effect, entry)))) {
            insert_again(out, before, i, stride);
        }
    }
    rc = 0;
release_maps:
    mf_map_clear(&old);
    mf_map_clear(&new);
    mf_map_clear(&present);
    mf_map_clear(&back);
    return rc;
}

static int
undone_in_part(const struct mf_effect *effect, const struct mf_contents *now,
               mf_effects_may may, void *arg, struct mf_contents *out)
{
    Py_ssize_t stride = mf_effects_stride(effect->kind);
    size_t n = (size_t)mf_effects_count(now, stride);
    size_t m = (size_t)mf_effects_count(&effect->before, stride);
    struct entries entries = {mf_alloc((n + m + 1) * sizeof(struct mf_entry)),
                              0};
    bool *added = mf_alloc(n + 1);
    int rc = -1;
    if (entries.items == NULL || added == NULL) {
        PyErr_NoMemory();
        goto release_entries;
    }
    rc = mf_effects_added(effect, now, added);
    if (rc == 0) {
        rc = mf_effects_is_keyed(effect->kind)
                 ? undone_keyed(effect, now, added, may, arg, &entries)
                 : undone_sequence(effect, now, added, may, arg, &entries);
    }
    if (rc == 0) {
        rc = mf_effects_pack(entries.items, entries.len, stride,
                             now->hashes != NULL, out);
    }
release_entries:
    mf_free(entries.items);
    mf_free(added);
    return rc;
}

static int
copy_contents(const struct mf_contents *from, Py_ssize_t stride,
              struct mf_contents *out)
{
    Py_ssize_t count = mf_effects_count(from, stride);
    out->items = Py_NewRef(from->items);
    out->hashes = NULL;
    if (from->hashes != NULL) {
        size_t size = (size_t)count * sizeof(*out->hashes);
        out->hashes = mf_alloc(size + sizeof(*out->hashes));
        if (out->hashes == NULL) {
            Py_CLEAR(out->items);
            PyErr_NoMemory();
            return -1;
        }
        memcpy(out->hashes, from->hashes, size);
    }
    return 0;
}

/* The same keys with the same values, in whatever order? */
static int
same_pairs(const struct mf_contents *a, const struct mf_contents *b,
           Py_ssize_t stride)
{
    Py_ssize_t n = mf_effects_count(a, stride), i = 0;
    struct mf_map places = {0};
    if (mf_effects_count(b, stride) != n) {
        return 0;
    }
    if (mf_effects_place(&places, b, stride) < 0) {
        mf_map_clear(&places);
        return -1;
    }
    for (; i < n; i++) {
        struct mf_entry entry = mf_effects_entry(a, i, stride);
        Py_ssize_t at = (Py_ssize_t)mf_map_get(&places, entry.key);
        if (at == 0 ||
            mf_effects_entry(b, at - 1, stride).value != entry.value) {
            break;
        }
    }
    mf_map_clear(&places);
    return i == n;
}

int
mf_effects_undone(const struct mf_effect *effect,
                  const struct mf_contents *now,
                  mf_effects_may may, void *arg, struct mf_contents *out)
{
    Py_ssize_t stride = mf_effects_stride(effect->kind);
    if (effect->after.items == NULL) {
        return copy_contents(now, stride, out);
    }
    bool state = effect->kind == MF_EFFECT_STATE;
    bool untouched =
        state ? mf_effects_state_same(now, &effect->after)
              : mf_effects_same_items(now->items, effect->after.items);
    if (effect->kind == MF_EFFECT_CELL || state) { /* another wrote it since? */
        bool mine = untouched && PyTuple_GET_SIZE(now->items) > 0 &&
                    (may == NULL ||
                     may(arg, effect, mf_effects_entry(now, 0, 1)));
        return copy_contents(mine ? &effect->before : now, stride, out);
    }
    if (untouched && may == NULL && !effect->big) {
        return copy_contents(&effect->before, stride, out);
    }
    if (undone_in_part(effect, now, may, arg, out) < 0) {
        return -1;
    }
    if (!untouched || effect->big || !mf_effects_is_keyed(effect->kind)) {
        return 0;
    }
    /* all of it was staged code's: then in the order of before, too */
    int same = same_pairs(out, &effect->before, stride);
    if (same != 0) {
        mf_effects_contents_clear(out);
    }
    return same < 0   ? -1
           : same > 0 ? copy_contents(&effect->before, stride, out)
                      : 0;
}
