/* diff_binders.c -- owns the question which statement binds a name. In: deltas
 * of one scope, a name. Out: the last of them whose new side binds it.
 *
 * Definitions stand in an index by name. Other statements are asked by the
 * bloom of their words, and those that may bind the name by their code: so
 * none is compiled that does not mention it.
 */
#include "diff.h"

#include "../ground/fault.h"

/* Definitions by scope and name, other statements by scope and no name. Never
 * NULL. */
static void *
key_of(uint32_t parent, const char *word, size_t len)
{
    uint64_t hash = mf_hash_bytes(word, len) +
                    (uint64_t)parent * UINT64_C(0x9e3779b97f4a7c15);
    return (void *)((uintptr_t)hash | 1);
}

/* Deltas that came since: they never go, and never change their units. */
static int
extend(struct mf_diff *diff)
{
    struct mf_diff_binders *index = &diff->binders;
    if (index->len == diff->len) {
        return 0;
    }
    uint32_t *earlier =
        mf_realloc(index->earlier, diff->len * sizeof(*earlier));
    if (earlier == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    index->earlier = earlier;
    const char *text = PyBytes_AS_STRING(diff->new_of.text->bytes);
    for (; index->len < diff->len; index->len++) {
        struct mf_delta *d = &diff->deltas[index->len];
        if (d->new_unit == MF_UNIT_NONE) {
            continue;
        }
        const struct mf_unit *u = &diff->new_of.split->units[d->new_unit];
        void *key = key_of(d->parent, text + u->name, u->name_len);
        earlier[index->len] = (uint32_t)(uintptr_t)mf_map_get(&index->last,
                                                              key);
        if (mf_map_put(&index->last, key, index->len + 1) < 0) {
            return -1;
        }
    }
    return 0;
}

/* 1 / 0 / -1. */
static int
binds(struct mf_diff *diff, struct mf_delta *delta, uint32_t parent,
      PyObject *name, const char *word, size_t len)
{
    const struct mf_unit *u = &diff->new_of.split->units[delta->new_unit];
    const char *text = PyBytes_AS_STRING(diff->new_of.text->bytes);
    if (delta->parent != parent) {
        return 0; /* two keys of one hash */
    }
    if (u->name_len > 0) {
        return u->name_len == len && memcmp(text + u->name, word, len) == 0;
    }
    if (!mf_diff_may_bind(u, word, len)) {
        return 0;
    }
    struct mf_names *names = mf_diff_names(diff, delta);
    return names ? PySet_Contains(names->stores, name) : -1;
}

int
mf_diff_binder(struct mf_diff *diff, uint32_t parent, PyObject *name,
               uint32_t before, uint32_t *found)
{
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    *found = MF_UNIT_NONE;
    if (word == NULL || extend(diff) < 0) {
        return -1;
    }
    const size_t lengths[] = {(size_t)len, 0};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(lengths); i++) {
        void *key = key_of(parent, word, lengths[i]);
        uint32_t at = (uint32_t)(uintptr_t)mf_map_get(&diff->binders.last,
                                                      key);
        for (; at != 0; at = diff->binders.earlier[at - 1]) {
            if (at - 1 >= before) {
                continue;
            }
            if (*found != MF_UNIT_NONE && at - 1 < *found) {
                break; /* a later one is known */
            }
            int yes = binds(diff, &diff->deltas[at - 1], parent, name, word,
                            (size_t)len);
            if (yes < 0) {
                return -1;
            }
            if (yes) {
                *found = at - 1;
                break;
            }
        }
    }
    return *found != MF_UNIT_NONE;
}

void
mf_diff_binders_clear(struct mf_diff_binders *index)
{
    mf_map_clear(&index->last);
    mf_free(index->earlier);
    *index = (struct mf_diff_binders){0};
}

int
mf_diff_reads_nothing(struct mf_diff *diff, struct mf_delta *delta)
{
    struct mf_names *names = mf_diff_names(diff, delta);
    return names ? mf_names_read_nothing(names) : -1;
}
