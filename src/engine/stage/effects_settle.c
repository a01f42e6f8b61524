/* effects_settle.c -- owns what a registration is. In: holders before staging
 * and now, which staged object stands for which live one, what ran again.
 * Out: contents in which every registration is there once, in its old place;
 * the caller writes them.
 *
 * An item is a registration of a live object if it is that object, or a tuple
 * or plain container with it, or something callable around it. One that
 * staged code added takes the place of the old one of the same object; old
 * ones of objects whose statement ran again or is gone, and that nothing took
 * the place of, go.
 */
#include "effects_about.h"
#include "effects_copy.h"

#include "../ground/compat_names.h"
#include "../ground/fault.h"
#include "../ground/trace.h"

struct settle {
    struct mf_effects_homes homes;
    mf_effects_write write;
    void *arg;
};

/* ---- pairing ------------------------------------------------------------------------ */

enum fate { STAY, DROP, NEW };

/* One entry of a holder: first those of now, then those of before that are
 * there no more. */
struct item {
    struct mf_entry entry;  /* borrowed */
    PyObject *about;        /* what it registers, or NULL; borrowed */
    struct item *by;        /* the new one that takes its place */
    uint8_t fate;
    bool old;               /* stood there before */
    bool removable;         /* goes unless it is replaced */
    bool placed;            /* a new one that has the place of an old one */
    bool gone;              /* not there now */
    bool weak;              /* a weak reference to what it registers */
    bool taken;             /* has been paired */
};

struct view {
    struct mf_effect *effect;
    struct mf_contents now;
    Py_ssize_t stride;
    struct item *items;
    Py_ssize_t len;         /* entries of now */
    Py_ssize_t gone;        /* entries behind them */
    bool also;              /* the last ones of now are to stand there only */
    bool ordered;           /* code that names it sorts it */
    bool record;            /* itself an item of a registry, not one */
    struct mf_map placed;   /* key -> index + 1 in the result */
};

struct neighbours {
    PyObject *name;            /* of the holder */
    const char *const *words;  /* used right before or after it? */
    bool name_before, word_before, found;
};

static int
note_use(enum mf_name_use use, PyObject *name, void *arg)
{
    struct neighbours *at = arg;
    bool word = false;
    for (const char *const *w = at->words; *w != NULL && !word; w++) {
        word = PyUnicode_CompareWithASCIIString(name, *w) == 0;
    }
    at->found |= (word && at->name_before) ||
                 (name == at->name && at->word_before);
    at->name_before = name == at->name;
    at->word_before = word;
    return 0;
}

/* Does code use the holder's name next to one of these: H.sort(), sorted(H),
 * bisect.insort(H, x)? */
static bool
is_used_with(struct mf_effects *effects, PyObject *name,
             const char *const *words)
{
    struct neighbours at = {.name = name, .words = words};
    struct mf_name_scan scan = {.use = note_use, .arg = &at};
    for (size_t i = 0; name != NULL && i < effects->keep.len && !at.found;
         i++) {
        PyCodeObject *code = effects->keep.items[i];
        if (!PyCode_Check(code)) {
            continue;
        }
        bool named = false;
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(code->co_names); k++) {
            named |= PyTuple_GET_ITEM(code->co_names, k) == name;
        }
        at.name_before = at.word_before = false;
        if (named && mf_compat_scan_names(code, &scan) < 0) {
            PyErr_Clear();
        }
    }
    return at.found;
}

static bool
is_sorted(struct mf_effects *effects, PyObject *name)
{
    static const char *const words[] = {
        "sort",         "sorted",   "insort", "insort_left",
        "insort_right", "heappush", NULL};
    return is_used_with(effects, name, words);
}

static bool
keeps_first(struct mf_effects *effects, const struct mf_effect *effect)
{
    static const char *const words[] = {"setdefault", NULL};
    return effect->kind == MF_EFFECT_DICT && !effect->nested &&
           is_used_with(effects, effect->name, words);
}

/* An old registration goes unless it is made again. Of an object that was
 * only named, making it again cannot be seen where keys are told apart. */
static bool
is_removable(struct settle *settle, struct view *view, struct item *item,
             bool direct)
{
    const struct mf_reruns *reruns = settle->homes.reruns;
    size_t at = (size_t)mf_map_get(&reruns->of, item->about);
    bool made = false;
    for (; direct && at != 0 && !made; at = reruns->items[at - 1].next) {
        const struct mf_rerun *rerun = &reruns->items[at - 1];
        made = mf_effects_registers(view->effect, rerun) &&
               !(rerun->how == MF_RERUN_NAMED && view->effect->ran);
    }
    return made && !view->record &&
           !keeps_first(settle->homes.effects, view->effect);
}

static void
fill_item(struct settle *settle, struct view *view, struct item *item,
          bool added)
{
    struct mf_effects_about about;
    mf_effects_about(&settle->homes, item->entry, &about);
    item->about = about.live;
    item->weak = about.weak;
    item->fate = added ? NEW : STAY;
    item->old = !added;
    item->removable =
        !added && item->about != NULL &&
        !mf_effects_is_made(item->entry, item->about) &&
        is_removable(settle, view, item, about.direct);
}

/* Entries of before that staged code has taken out, or whose value it has
 * replaced: their place or key tells where the new one belongs. */
static int
add_gone(struct settle *settle, struct view *view)
{
    struct mf_contents *before = &view->effect->before;
    struct mf_map left = {0};
    int rc = 0;
    if (view->effect->big) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < view->len && rc == 0; i++) {
        struct item *item = &view->items[i];
        if (item->old) {
            rc = mf_map_put(&left, item->entry.key,
                            (uintptr_t)mf_map_get(&left, item->entry.key) +
                                1);
        }
    }
    for (Py_ssize_t i = 0;
         i < mf_effects_count(before, view->stride) && rc == 0; i++) {
        struct mf_entry entry = mf_effects_entry(before, i, view->stride);
        uintptr_t *count = mf_map_find(&left, entry.key);
        if (count != NULL && *count > 0) {
            --*count;
            continue;
        }
        struct item *item = &view->items[view->len + view->gone++];
        item->entry = entry;
        fill_item(settle, view, item, false);
        item->gone = true;
    }
    mf_map_clear(&left);
    return rc;
}

/* How a new item is found to take the place of an old one, best first. Those
 * that are about no object are compared where the old text had put some. */
enum sign { SAME_KEY, SAME_OBJECT, SAME_DATA, SHARED_TEXT, SAME_MAKER, SIGNS };

static bool
has_sign(struct settle *settle, struct view *view, struct item *old,
         struct item *new, enum sign sign)
{
    const struct mf_effects_homes *homes = &settle->homes;
    if (sign == SAME_KEY) {
        return view->stride == 2 && old->entry.key == new->entry.key;
    }
    if (sign == SAME_OBJECT) {
        return new->about != NULL && old->about == new->about;
    }
    if (old->about != NULL || new->about != NULL || !view->effect->was) {
        return false;
    }
    if (sign == SAME_DATA) {
        return mf_effects_same_data(homes, old->entry, new->entry);
    }
    /* the text of the statement, then and now, is what they are made of */
    return mf_effects_is_text(homes, old->entry, homes->old_text) &&
           mf_effects_is_text(homes, new->entry, homes->new_text) &&
           (sign == SAME_MAKER
                ? /* what it says still, it has put again */
                !mf_effects_is_text(homes, old->entry, homes->new_text)
                : mf_effects_shares_text(homes, old->entry, new->entry));
}

static struct item *
find_old(struct settle *settle, struct view *view, struct item *new,
         enum sign sign)
{
    for (Py_ssize_t i = 0; i < view->len + view->gone; i++) {
        struct item *old = &view->items[i];
        if (old->old && !old->taken &&
            has_sign(settle, view, old, new, sign)) {
            return old;
        }
    }
    return NULL;
}

/* A weak reference to a staged object dies with it; the old one, to the live
 * object, is as good as new. */
static void
keep_weak(struct item *old, struct item *new)
{
    if (old->gone) {
        new->entry = old->entry;
        return;
    }
    old->by = NULL;
    old->removable = false;
    new->fate = DROP;
    new->placed = false;
}

static void
pair(struct item *old, struct item *new)
{
    old->taken = true;
    old->by = new;
    new->placed = true;
    if (new->weak && old->weak) {
        keep_weak(old, new);
    }
}

static void
pair_items(struct settle *settle, struct view *view)
{
    for (enum sign sign = SAME_KEY; sign < SIGNS; sign++) {
        for (Py_ssize_t i = 0; i < view->len; i++) {
            struct item *new = &view->items[i];
            struct item *old = new->fate == NEW && !new->placed
                                   ? find_old(settle, view, new, sign)
                                   : NULL;
            if (old != NULL) {
                pair(old, new);
            }
        }
    }
    for (Py_ssize_t i = 0; i < view->len; i++) {
        struct item *item = &view->items[i];
        if (item->old && item->by == NULL && item->removable) {
            item->fate = DROP;
        }
    }
}

/* ---- the result ------------------------------------------------------------------------ */

struct result {
    struct mf_entry *entries; /* strong keys and values */
    Py_ssize_t len;
};

static int
append_home(struct settle *settle, struct view *view, struct item *item,
            struct result *out)
{
    struct mf_entry *entry = &out->entries[out->len];
    *entry = item->entry;
    entry->key = mf_effects_bring_home(&settle->homes, item->entry.key);
    entry->value = entry->key && item->entry.value
                       ? mf_effects_bring_home(&settle->homes, item->entry.value)
                       : NULL;
    if (entry->key == NULL || (item->entry.value && !entry->value)) {
        Py_CLEAR(entry->key);
        return -1;
    }
    if (view->now.hashes != NULL &&
        (entry->key != item->entry.key || PyTuple_Check(entry->key))) {
        /* a tuple may have been brought home already; where only the program
         * would know, the staged key's hash stands */
        int known = mf_effects_hash(entry->key, &entry->hash);
        if (known < 0) {
            PyErr_Clear();
        }
    }
    if (view->now.hashes != NULL) {
        Py_ssize_t twin = (Py_ssize_t)mf_map_get(&view->placed, entry->key);
        if (twin != 0) { /* there once, with the later value */
            Py_DECREF(entry->key);
            Py_XSETREF(out->entries[twin - 1].value, entry->value);
            return 0;
        }
        if (mf_map_put(&view->placed, entry->key, (uintptr_t)out->len + 1) <
            0) {
            out->len++; /* the caller drops it */
            return -1;
        }
    }
    out->len++;
    return 0;
}

/* Where an old item that is gone stood: in front of the next one of before
 * that is still there. NULL: nowhere. */
static struct item *
next_of_gone(struct view *view, struct item *gone)
{
    struct mf_contents *before = &view->effect->before;
    Py_ssize_t n = mf_effects_count(before, view->stride), at = 0;
    while (at < n && PyTuple_GET_ITEM(before->items, at * view->stride) !=
                         gone->entry.key) {
        at++;
    }
    for (at++; at < n; at++) {
        PyObject *key = PyTuple_GET_ITEM(before->items, at * view->stride);
        for (Py_ssize_t i = 0; i < view->len; i++) {
            if (view->items[i].old && view->items[i].entry.key == key) {
                return &view->items[i];
            }
        }
    }
    return NULL;
}

/* New ones whose old place is gone are put back to it. */
static int
append_in_front(struct settle *settle, struct view *view, struct item *next,
                struct result *out)
{
    for (Py_ssize_t i = view->len; i < view->len + view->gone; i++) {
        struct item *old = &view->items[i];
        if (old->by != NULL && old->by->placed &&
            next_of_gone(view, old) == next &&
            append_home(settle, view, old->by, out) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
make_result(struct settle *settle, struct view *view, struct result *out)
{
    for (Py_ssize_t i = view->len; i < view->len + view->gone; i++) {
        struct item *old = &view->items[i];
        if (old->by != NULL && old->by->placed &&
            (view->ordered || next_of_gone(view, old) == NULL)) {
            old->by->placed = false;
        }
    }
    for (Py_ssize_t i = 0; i < view->len; i++) {
        struct item *item = &view->items[i];
        if (view->gone > 0 && item->old &&
            append_in_front(settle, view, item, out) < 0) {
            return -1;
        }
        if (view->ordered && (item->by != NULL || item->fate == NEW)) {
            /* its own order counts: the new one stays where it was put */
            if (item->by == NULL &&
                append_home(settle, view, item, out) < 0) {
                return -1;
            }
            continue;
        }
        if (item->fate == DROP || (item->fate == NEW && item->placed)) {
            continue;
        }
        if (append_home(settle, view, item->by ? item->by : item, out) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Is the result what is there now? */
static bool
is_present(struct view *view, struct result *result)
{
    if (view->also || result->len != view->len) {
        return false;
    }
    for (Py_ssize_t i = 0; i < view->len; i++) {
        struct mf_entry entry = mf_effects_entry(&view->now, i, view->stride);
        if (result->entries[i].key != entry.key ||
            result->entries[i].value != entry.value) {
            return false;
        }
    }
    return true;
}

static PyObject *
make_contents(struct view *view, struct result *result)
{
    struct mf_contents packed;
    if (mf_effects_pack(result->entries, result->len, view->stride,
                        view->now.hashes != NULL, &packed) < 0) {
        return NULL;
    }
    PyObject *out = NULL;
    switch (view->effect->kind) {
    case MF_EFFECT_LIST:
    case MF_EFFECT_DEQUE:
        out = PySequence_List(packed.items);
        break;
    case MF_EFFECT_SET:
        out = mf_effects_make_set(&packed);
        break;
    default:
        out = mf_effects_make_dict(&packed,
                                   PyODict_Check(view->effect->holder));
        break;
    }
    mf_effects_contents_clear(&packed);
    return out;
}

static int
write_result(struct settle *settle, struct view *view, struct result *result)
{
    if (is_present(view, result)) {
        return 0;
    }
    PyObject *contents = make_contents(view, result);
    if (contents == NULL) {
        if (PyErr_ExceptionMatches(PyExc_MemoryError)) {
            return -1;
        }
        MF_TRACE(1, "effects: registrations in a %s stay as they are",
                 Py_TYPE(view->effect->holder)->tp_name);
        PyErr_Clear();
        return 0;
    }
    int rc = settle->write(settle->arg, view->effect->holder, contents);
    Py_DECREF(contents);
    return rc;
}

/* ---- holders ------------------------------------------------------------------------------ */

/* What was registered in the container's twin follows what stands in it. */
static int
add_others(struct view *view)
{
    struct mf_contents *also = &view->effect->also, both;
    Py_ssize_t n = mf_effects_count(&view->now, view->stride);
    Py_ssize_t m =
        also->items ? mf_effects_count(also, view->stride) : 0;
    if (m == 0) {
        return 0;
    }
    struct mf_entry *entries = mf_alloc((size_t)(n + m) * sizeof(*entries));
    if (entries == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < n + m; i++) {
        entries[i] = i < n ? mf_effects_entry(&view->now, i, view->stride)
                           : mf_effects_entry(also, i - n, view->stride);
    }
    int rc = mf_effects_pack(entries, n + m, view->stride,
                             view->now.hashes != NULL, &both);
    mf_free(entries);
    if (rc == 0) {
        mf_effects_contents_clear(&view->now);
        view->now = both;
        view->also = true;
    }
    return rc;
}

static int
settle_container(struct settle *settle, struct mf_effect *effect)
{
    struct view view = {.effect = effect,
                        .stride = mf_effects_stride(effect->kind)};
    struct result result = {0};
    bool *added = NULL;
    int rc = -1;
    if (mf_effects_read(effect->kind, effect->holder, &view.now) < 0) {
        return -1;
    }
    Py_ssize_t present = mf_effects_count(&view.now, view.stride);
    if (add_others(&view) < 0) {
        mf_effects_contents_clear(&view.now);
        return -1;
    }
    view.len = mf_effects_count(&view.now, view.stride);
    size_t most = (size_t)view.len +
                  (size_t)mf_effects_count(&effect->before, view.stride) + 1;
    view.items = mf_alloc(most * sizeof(*view.items));
    result.entries = mf_alloc(most * sizeof(*result.entries));
    added = mf_alloc((size_t)view.len + 1);
    if (view.items == NULL || result.entries == NULL || added == NULL) {
        PyErr_NoMemory();
        goto release_view;
    }
    if (mf_effects_added(effect, &view.now, added) < 0) {
        goto release_view;
    }
    view.record = effect->nested &&
                  mf_effects_is_record(&settle->homes, effect->holder);
    bool any = false;
    for (Py_ssize_t i = 0; i < view.len; i++) {
        view.items[i].entry = mf_effects_entry(&view.now, i, view.stride);
        added[i] |= i >= present;
        fill_item(settle, &view, &view.items[i], added[i]);
        any |= added[i] || view.items[i].removable;
    }
    if (!any) {
        rc = 0;
        goto release_view;
    }
    view.ordered = !mf_effects_is_keyed(effect->kind) &&
                   is_sorted(settle->homes.effects, effect->name);
    if (effect->after.items != NULL && add_gone(settle, &view) < 0) {
        goto release_view;
    }
    pair_items(settle, &view);
    if (make_result(settle, &view, &result) == 0) {
        rc = write_result(settle, &view, &result);
    }
release_view:
    for (Py_ssize_t i = 0; i < result.len; i++) {
        Py_XDECREF(result.entries[i].key);
        Py_XDECREF(result.entries[i].value);
    }
    mf_free(result.entries);
    mf_free(view.items);
    mf_free(added);
    mf_map_clear(&view.placed);
    mf_effects_contents_clear(&view.now);
    return rc;
}

/* The value of a cell, all pairs of a dict, the changed ones of a class or
 * of slots. */
static PyObject *
space_contents(struct mf_effect *effect, struct mf_entry *entries,
               Py_ssize_t n, const struct mf_contents *now)
{
    if (effect->kind == MF_EFFECT_CELL) {
        return PyTuple_Pack(1, entries[0].key);
    }
    PyObject *out = NULL;
    if (effect->kind == MF_EFFECT_SPACE) {
        struct mf_contents packed;
        if (mf_effects_pack(entries, n, 2, true, &packed) == 0) {
            out = mf_effects_make_dict(&packed,
                                       PyODict_Check(effect->holder));
            mf_effects_contents_clear(&packed);
        }
        return out;
    }
    out = PyDict_New();
    for (Py_ssize_t i = 0; out != NULL && i < n; i++) {
        if (entries[i].value != mf_effects_entry(now, i, 2).value &&
            PyDict_SetItem(out, entries[i].key, entries[i].value) < 0) {
            Py_CLEAR(out);
        }
    }
    return out;
}

/* Namespaces: what staged code stored comes home; nothing else goes, since
 * an attribute is no list of registrations. */
static int
settle_space(struct settle *settle, struct mf_effect *effect)
{
    struct mf_contents now = {0};
    struct mf_entry *entries = NULL;
    Py_ssize_t stride = mf_effects_stride(effect->kind), n = 0;
    bool differs = false;
    int rc = -1;
    if (effect->after.items == NULL) {
        return 0;
    }
    if (mf_effects_read(effect->kind, effect->holder, &now) < 0) {
        return -1;
    }
    Py_ssize_t count = mf_effects_count(&now, stride);
    entries = mf_alloc(((size_t)count + 1) * sizeof(*entries));
    if (entries == NULL) {
        PyErr_NoMemory();
        goto release_entries;
    }
    for (n = 0; n < count; n++) {
        entries[n] = mf_effects_entry(&now, n, stride);
        PyObject **value = stride == 2 ? &entries[n].value : &entries[n].key;
        PyObject *home = mf_effects_bring_home(&settle->homes, *value);
        if (home == NULL) {
            goto release_entries;
        }
        differs |= home != *value;
        *value = home;
    }
    rc = 0;
    PyObject *contents =
        differs ? space_contents(effect, entries, n, &now) : NULL;
    if (contents != NULL) {
        rc = settle->write(settle->arg, effect->holder, contents);
        Py_DECREF(contents);
    }
    else if (differs) {
        rc = -1;
    }
release_entries:
    for (Py_ssize_t i = 0; i < n; i++) {
        Py_DECREF(stride == 2 ? entries[i].value : entries[i].key);
    }
    mf_free(entries);
    mf_effects_contents_clear(&now);
    return rc;
}

int
mf_effects_settle(struct mf_effects *effects, const struct mf_map *home,
                  const struct mf_reruns *reruns, mf_effects_write write,
                  void *arg)
{
    struct settle settle = {
        {effects, home, reruns, {0}, NULL, NULL}, write, arg};
    if (effects->open && mf_effects_after(effects) < 0) {
        return -1;
    }
    size_t pos = 0;
    uintptr_t value;
    int rc = mf_effects_read_texts(&settle.homes);
    while (rc == 0 && mf_map_next(home, &pos, NULL, &value)) {
        rc = value ? mf_map_put(&settle.homes.live, (void *)value, 1) : 0;
    }
    for (size_t i = 0; rc == 0 && i < effects->len; i++) {
        struct mf_effect *effect = &effects->items[i];
        if (mf_map_has(home, effect->holder) ||
            effect->kind == MF_EFFECT_STATE) {
            continue; /* itself staged; or no place for registrations */
        }
        rc = effect->kind == MF_EFFECT_CELL || effect->kind >= MF_EFFECT_SPACE
                 ? settle_space(&settle, effect)
                 : settle_container(&settle, effect);
    }
    mf_effects_homes_clear(&settle.homes);
    return rc;
}
