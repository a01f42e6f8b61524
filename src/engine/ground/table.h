/* table.h -- pointer map, vector. Memory comes from PyMem_RawMalloc through
 * fault.h, so that a lever can fail it and no GC object is ever made here.
 * Nothing here touches a reference count. Usable without the GIL.
 */
#ifndef MF_TABLE_H
#define MF_TABLE_H

#include "../engine.h"

struct mf_map_entry {
    void *key;          /* never NULL */
    uintptr_t value;
};

/* Keys are pointers, values are words. An entry keeps its place as long as the
 * map lives: rooms keep what else they know of it in arrays beside. */
struct mf_map {
    struct mf_map_entry *entries; /* in the order in which they came */
    uint32_t *slots;    /* open addressing: place + 1; 0: an empty slot */
    uint64_t *pages;    /* of a big map: may this page have keys? else NULL */
    size_t mask;        /* slots - 1; 0: nothing allocated yet */
    size_t used;
};

/* All functions accept a zeroed struct. -1 means no memory, with MemoryError
 * set if the GIL is held by the caller -- callers without the GIL use
 * mf_map_put_nogil, which sets nothing (the others look whether it is held). */
int mf_map_reserve(struct mf_map *map, size_t count);
int mf_map_put(struct mf_map *map, const void *key, uintptr_t value);
int mf_map_put_nogil(struct mf_map *map, const void *key, uintptr_t value);
/* Pointer to the value, or NULL. Valid until the next put. */
uintptr_t *mf_map_find(const struct mf_map *map, const void *key);
/* The value as a pointer, or NULL. */
void *mf_map_get(const struct mf_map *map, const void *key);
bool mf_map_has(const struct mf_map *map, const void *key);
/* The place of its entry; MF_MAP_NONE: it has none. */
#define MF_MAP_NONE SIZE_MAX
size_t mf_map_place(const struct mf_map *map, const void *key);
/* This key will soon be asked for or put. */
void mf_map_expect(const struct mf_map *map, const void *key);
/* Iterate in the order in which they came: *pos starts at 0; false at the
 * end. */
bool mf_map_next(const struct mf_map *map, size_t *pos, void **key,
                 uintptr_t *value);
void mf_map_clear(struct mf_map *map);

/* Growing array of pointers. */
struct mf_vec {
    void **items;
    size_t len;
    size_t cap;
};

int mf_vec_reserve(struct mf_vec *vec, size_t cap);
int mf_vec_push(struct mf_vec *vec, void *item);
void mf_vec_clear(struct mf_vec *vec); /* frees the array, not the items */

/* The same for strong references to Python objects. */
int mf_vec_push_ref(struct mf_vec *vec, PyObject *obj);  /* takes a new ref */
void mf_vec_clear_refs(struct mf_vec *vec);              /* drops them */

/* 64-bit FNV-1a style hash with a final mix. Usable without the GIL. */
uint64_t mf_hash_bytes(const void *data, size_t len);

#endif
