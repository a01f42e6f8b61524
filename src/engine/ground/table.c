/* table.c -- pointer map, vector, byte hash.
 *
 * Owns the memory of the engine's own tables. In: pointers as keys, words as
 * values. Out: the same. Knows nothing of what the pointers point to.
 */
#include "table.h"
#include "fault.h"

enum { MAP_MIN_SLOTS = 16, MAP_BIG_SLOTS = 8192, LANES_FROM = 256 };

/* Without the GIL an exception cannot be set; the caller sees the -1. */
static int
no_memory(void)
{
    if (PyGILState_Check()) {
        PyErr_NoMemory();
    }
    return -1;
}

/* Where objects lie side by side, so do their slots: who visits many of them
 * mostly does it in that order, and each miss of the cache serves several. Only
 * the block of addresses is scattered: multiply and take the high half.
 * Allocators align objects to 16 bytes, so the low bits carry nothing. */
static inline size_t
slot_of(const struct mf_map *map, const void *key)
{
    enum { BLOCK = 10, ALIGN = 4 };
    uint64_t at = (uint64_t)(uintptr_t)key;
    uint64_t h = (at >> BLOCK) * UINT64_C(0x9E3779B97F4A7C15);
    uint64_t inside = (at >> ALIGN) & ((1u << (BLOCK - ALIGN)) - 1);
    return (size_t)((h >> 32) + inside) & map->mask;
}

/* The slot of the key, or the empty one where it belongs. The table is never
 * full, so the probe ends. */
static inline size_t
probe(const struct mf_map *map, const void *key)
{
    size_t i = slot_of(map, key);
    while (map->slots[i] != 0 && map->entries[map->slots[i] - 1].key != key) {
        i = (i + 1) & map->mask;
    }
    return i;
}

/* A bit for each page of addresses, some share one: most of what is asked for
 * is none of the keys, and this says so without a miss of the cache. */
enum { PAGE = 12, PAGE_BITS = 18, PAGE_WORDS = 1 << (PAGE_BITS - 6) };

static inline uint64_t *
page_of(uint64_t *pages, const void *key, uint64_t *bit)
{
    uint64_t page = (uint64_t)(uintptr_t)key >> PAGE;
    uint64_t h = page * UINT64_C(0x9E3779B97F4A7C15) >> (64 - PAGE_BITS);
    *bit = UINT64_C(1) << (h & 63);
    return &pages[h >> 6];
}

static inline void
note_page(struct mf_map *map, const void *key)
{
    uint64_t bit;
    if (map->pages != NULL) {
        uint64_t *word = page_of(map->pages, key, &bit);
        *word |= bit;
    }
}

/* At most two thirds full. */
static inline size_t
most_of(size_t slots)
{
    return slots - slots / 3 - 1;
}

static int
map_resize(struct mf_map *map, size_t slots)
{
    size_t words = slots >= MAP_BIG_SLOTS ? PAGE_WORDS : 0;
    if (slots > UINT32_MAX) {
        return -1;
    }
    /* One block: entries, then pages, then slots, so one free. */
    size_t most = most_of(slots);
    struct mf_map_entry *entries =
        mf_alloc(most * sizeof(*entries) + words * sizeof(uint64_t) +
                 slots * sizeof(uint32_t));
    if (entries == NULL) {
        return -1;
    }
    uint64_t *pages = (uint64_t *)(entries + most);
    struct mf_map bigger = {
        .entries = entries,
        .slots = (uint32_t *)(pages + words),
        .pages = words > 0 ? pages : NULL,
        .mask = slots - 1,
        .used = map->used,
    };
    for (size_t i = 0; i < map->used; i++) {
        bigger.entries[i] = map->entries[i];
        bigger.slots[probe(&bigger, map->entries[i].key)] = (uint32_t)i + 1;
        note_page(&bigger, map->entries[i].key);
    }
    mf_free(map->entries);
    *map = bigger;
    return 0;
}

static int
map_room(struct mf_map *map, size_t count)
{
    size_t slots = map->entries != NULL ? map->mask + 1 : MAP_MIN_SLOTS;
    while (most_of(slots) < count) {
        if (slots > SIZE_MAX / 2) {
            return -1;
        }
        slots *= 2;
    }
    if (map->entries != NULL && slots == map->mask + 1) {
        return 0;
    }
    return map_resize(map, slots);
}

int
mf_map_reserve(struct mf_map *map, size_t count)
{
    return map_room(map, count) < 0 ? no_memory() : 0;
}

int
mf_map_put_nogil(struct mf_map *map, const void *key, uintptr_t value)
{
    assert(key != NULL);
    if (map_room(map, map->used + 1) < 0) {
        return -1;
    }
    uint32_t *slot = &map->slots[probe(map, key)];
    if (*slot == 0) {
        map->entries[map->used++].key = (void *)key;
        *slot = (uint32_t)map->used;
        note_page(map, key);
    }
    map->entries[*slot - 1].value = value;
    return 0;
}

int
mf_map_put(struct mf_map *map, const void *key, uintptr_t value)
{
    if (mf_map_put_nogil(map, key, value) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* NULL: no such key. */
static inline struct mf_map_entry *
find(const struct mf_map *map, const void *key)
{
    uint64_t bit;
    if (map->used == 0 || key == NULL ||
        (map->pages != NULL && !(*page_of(map->pages, key, &bit) & bit))) {
        return NULL;
    }
    uint32_t at = map->slots[probe(map, key)];
    return at != 0 ? &map->entries[at - 1] : NULL;
}

uintptr_t *
mf_map_find(const struct mf_map *map, const void *key)
{
    struct mf_map_entry *entry = find(map, key);
    return entry != NULL ? &entry->value : NULL;
}

size_t
mf_map_place(const struct mf_map *map, const void *key)
{
    struct mf_map_entry *entry = find(map, key);
    return entry != NULL ? (size_t)(entry - map->entries) : MF_MAP_NONE;
}

void *
mf_map_get(const struct mf_map *map, const void *key)
{
    struct mf_map_entry *entry = find(map, key);
    return entry != NULL ? (void *)entry->value : NULL;
}

bool
mf_map_has(const struct mf_map *map, const void *key)
{
    return find(map, key) != NULL;
}

void
mf_map_expect(const struct mf_map *map, const void *key)
{
    if (map->slots != NULL) {
        __builtin_prefetch(&map->slots[slot_of(map, key)], 1);
    }
}

bool
mf_map_next(const struct mf_map *map, size_t *pos, void **key,
            uintptr_t *value)
{
    if (*pos >= map->used) {
        return false;
    }
    const struct mf_map_entry *entry = &map->entries[(*pos)++];
    if (key != NULL) {
        *key = entry->key;
    }
    if (value != NULL) {
        *value = entry->value;
    }
    return true;
}

void
mf_map_clear(struct mf_map *map)
{
    mf_free(map->entries);
    memset(map, 0, sizeof(*map));
}

/* --- vector ------------------------------------------------------------- */

int
mf_vec_reserve(struct mf_vec *vec, size_t cap)
{
    if (cap <= vec->cap) {
        return 0;
    }
    if (cap > SIZE_MAX / sizeof(void *)) {
        return no_memory();
    }
    void **items = mf_realloc(vec->items, cap * sizeof(void *));
    if (items == NULL) {
        return no_memory();
    }
    vec->items = items;
    vec->cap = cap;
    return 0;
}

int
mf_vec_push(struct mf_vec *vec, void *item)
{
    if (vec->len == vec->cap) {
        size_t cap = vec->cap < 8 ? 8 : vec->cap + vec->cap / 2;
        if (mf_vec_reserve(vec, cap) < 0) {
            return -1;
        }
    }
    vec->items[vec->len++] = item;
    return 0;
}

void
mf_vec_clear(struct mf_vec *vec)
{
    mf_free(vec->items);
    memset(vec, 0, sizeof(*vec));
}

int
mf_vec_push_ref(struct mf_vec *vec, PyObject *obj)
{
    if (mf_vec_push(vec, obj) < 0) {
        return -1;
    }
    Py_INCREF(obj);
    return 0;
}

void
mf_vec_clear_refs(struct mf_vec *vec)
{
    /* A destructor may push to or clear this vector: take it away first. */
    struct mf_vec mine = *vec;
    memset(vec, 0, sizeof(*vec));
    for (size_t i = 0; i < mine.len; i++) {
        Py_DECREF((PyObject *)mine.items[i]);
    }
    mf_vec_clear(&mine);
}

/* --- hash --------------------------------------------------------------- */

/* Eight bytes a step. A product carries upward only, so the high half is
 * folded down after each. */
static inline uint64_t
mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9FB21C651E98DF25);
    return h ^ (h >> 32);
}

uint64_t
mf_hash_bytes(const void *data, size_t len)
{
    const unsigned char *p = data;
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    uint64_t word;
    size_t left = len;
    if (len >= LANES_FROM) {
        /* four chains at once: each step of one waits for the step before */
        uint64_t lane[4] = {h, ~h, h << 1 | 1, h >> 1};
        for (; left >= sizeof(lane); p += sizeof(lane), left -= sizeof(lane)) {
            uint64_t words[4];
            memcpy(words, p, sizeof(words));
            lane[0] = mix(lane[0], words[0]);
            lane[1] = mix(lane[1], words[1]);
            lane[2] = mix(lane[2], words[2]);
            lane[3] = mix(lane[3], words[3]);
        }
        h = mix(mix(mix(lane[0], lane[1]), lane[2]), lane[3]);
    }
    for (; left >= sizeof(word); p += sizeof(word), left -= sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        h = mix(h, word);
    }
    if (left > 0) {
        word = 0;
        memcpy(&word, p, left);
        h = mix(h, word);
    }
    return mix(mix(h, UINT64_C(0x100000001B3)), (uint64_t)len);
}
