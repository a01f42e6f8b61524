/* effects_copy.h -- one holder: its contents read and compared (effects_copy),
 * computed without what staged code did (effects_undone), written back
 * (effects_put). Part of the room effects.
 */
#ifndef MF_EFFECTS_COPY_H
#define MF_EFFECTS_COPY_H

#include "effects.h"

enum {
    MF_EFFECTS_BIG = 10000, /* items from which on a holder is not copied */
    MF_EFFECTS_TAIL = 32    /* items copied of the end of a big one */
};

/* One item of contents; value: of dicts and namespaces. Borrowed. */
struct mf_entry {
    PyObject *key, *value;
    Py_hash_t hash;
};

static inline struct mf_entry
mf_effects_entry(const struct mf_contents *contents, Py_ssize_t i,
                 Py_ssize_t stride)
{
    return (struct mf_entry){
        PyTuple_GET_ITEM(contents->items, i * stride),
        stride == 2 ? PyTuple_GET_ITEM(contents->items, 2 * i + 1) : NULL,
        contents->hashes ? contents->hashes[i] : 0};
}

static inline Py_ssize_t
mf_effects_count(const struct mf_contents *contents, Py_ssize_t stride)
{
    return PyTuple_GET_SIZE(contents->items) / stride;
}

/* The type collections.deque, borrowed, or NULL if nothing has imported it. */
PyTypeObject *mf_effects_deque(void);
/* Kind of a plain container (list, deque, set, dict and subclasses), or -1.
 * *size: how many items it has. */
int mf_effects_container(PyObject *obj, Py_ssize_t *size);

/* effects_state.c: an exact bytearray, array.array or itertools.count; its
 * contents are one value of a builtin type. */
bool mf_effects_is_state(PyObject *obj);
Py_ssize_t mf_effects_state_size(PyObject *obj);
int mf_effects_state_read(PyObject *obj, struct mf_contents *out);
bool mf_effects_state_same(const struct mf_contents *a,
                           const struct mf_contents *b);
int mf_effects_state_put(PyObject *obj, const struct mf_contents *wanted);
/* What was registered with an ABC: a set of weak references, borrowed, or
 * NULL; *name: under which it is watched. */
PyObject *mf_effects_abc_registry(PyObject *cls, PyObject **name);
bool mf_effects_is_abc_registry(const struct mf_effect *effect);

/* The dict of an instance, borrowed, or NULL: it has none. Values that stand
 * in the instance itself get one. */
PyObject *mf_effects_instance_dict(PyObject *obj);

/* How many items of the tuple belong together: 2 for dicts and namespaces. */
static inline Py_ssize_t
mf_effects_stride(int kind)
{
    return kind >= MF_EFFECT_DICT ? 2 : 1;
}

/* Keys, each there once (sets, dicts, namespaces)? */
static inline bool
mf_effects_is_keyed(int kind)
{
    return kind >= MF_EFFECT_SET;
}

/* Calls use(name, word) for every slot that an instance's classes declare. */
int mf_effects_each_slot(PyObject *obj,
                         int (*use)(const char *, PyObject **, void *),
                         void *arg);
int mf_effects_read(int kind, PyObject *holder, struct mf_contents *out);
int mf_effects_pack(const struct mf_entry *entries, Py_ssize_t n,
                    Py_ssize_t stride, bool hashes, struct mf_contents *out);
void mf_effects_contents_clear(struct mf_contents *contents);
/* Are these its contents now? 1 / 0 / -1. */
int mf_effects_same(int kind, PyObject *holder,
                    const struct mf_contents *contents);
bool mf_effects_same_items(PyObject *a, PyObject *b);
/* Adds index + 1 of each key (the last one of equals) to the map. */
int mf_effects_place(struct mf_map *map, const struct mf_contents *contents,
                     Py_ssize_t stride);

/* A big holder: read its end; read what stands there since. */
int mf_effects_read_end(struct mf_effect *effect);
int mf_effects_read_added(const struct mf_effect *effect,
                          struct mf_contents *out);

/* Can staged code have made this difference: the entry as it left it, or one
 * that it took out? */
typedef bool (*mf_effects_may)(void *arg, const struct mf_effect *effect,
                               struct mf_entry entry);

/* What the holder would have now if staged code had changed nothing: `now`
 * without those differences between before and after that `may` (NULL: all)
 * lays at its door. */
int mf_effects_undone(const struct mf_effect *effect,
                      const struct mf_contents *now,
                      mf_effects_may may, void *arg, struct mf_contents *out);
/* The items of `now` that staged code has added: out[i] true. */
int mf_effects_added(const struct mf_effect *effect,
                     const struct mf_contents *now, bool *out);

/* The holder, which has the contents `now`, gets `wanted`. An attribute that
 * cannot be set is traced, the others are written. -1: not all is written. */
int mf_effects_put(int kind, PyObject *holder, const struct mf_contents *now,
                   const struct mf_contents *wanted);
/* A set with these items, or a dict with these keys and values (an
 * OrderedDict if ordered): by the stored hashes, nothing is called. */
PyObject *mf_effects_make_set(const struct mf_contents *contents);
PyObject *mf_effects_make_dict(const struct mf_contents *contents,
                               bool ordered);
/* Of a key that is not in the table yet: 1 and the hash, 0 if only the
 * program's __hash__ would know, -1. */
int mf_effects_hash(PyObject *key, Py_hash_t *hash);

#endif
