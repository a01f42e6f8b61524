/* compat_objects.h -- where CPython's own objects keep their references, as
 * far as traverse does not tell and the versions differ: hash tables of dicts,
 * instance values, frames of generators, lists of subclasses, cached hashes.
 * Owned by the rooms that rewrite references; policy is theirs.
 *
 * Nothing here changes a reference count unless it says so.
 */
#ifndef MF_COMPAT_OBJECTS_H
#define MF_COMPAT_OBJECTS_H

#include "../engine.h"

/* A dict or a frozendict (3.15+), subclasses included. */
bool mf_compat_obj_is_dict(PyObject *obj);

/* One place in a dict's table. */
struct mf_compat_item {
    PyObject **key;     /* read only when hash is NULL */
    PyObject **value;   /* word of the value; *value NULL: no item here */
    Py_hash_t *hash;    /* NULL: a table of str keys, which never move */
};
Py_ssize_t mf_compat_obj_dict_places(PyObject *dict);
void mf_compat_obj_dict_place(PyObject *dict, Py_ssize_t i,
                              struct mf_compat_item *item);
/* The values are inside an instance, which traverses them itself (3.13+). */
bool mf_compat_obj_dict_embedded(PyObject *dict);
/* A table in which keys are not all exact str. */
bool mf_compat_obj_dict_general(PyObject *dict);

/* Builds the index of a general table anew from the stored hashes. When a
 * place's key equals an earlier one (asked by `same` for equal hashes),
 * `drop` is called with both places; it leaves the later one empty. */
typedef bool (*mf_compat_same)(PyObject *a, PyObject *b);
typedef void (*mf_compat_drop)(PyObject *dict, Py_ssize_t kept,
                               Py_ssize_t dropped, void *arg);
void mf_compat_obj_dict_reindex(PyObject *dict, mf_compat_same same,
                                mf_compat_drop drop, void *arg);
/* How many items the table has room for without being made anew. */
Py_ssize_t mf_compat_obj_dict_room(PyObject *dict);
/* Forgets how many places were in use: `count` are from now on. */
void mf_compat_obj_dict_resize(PyObject *dict, Py_ssize_t count);
/* A frozendict keeps its hash. */
void mf_compat_obj_dict_forget_hash(PyObject *dict);

/* Words of instance attributes that are not in a dict: NULL when there are
 * none. Their number goes to *count. */
PyObject **mf_compat_obj_values(PyObject *obj, Py_ssize_t *count);
/* Word that holds an instance's managed dict, or NULL. */
PyObject **mf_compat_obj_managed_dict(PyObject *obj);
/* The instance's attributes are this dict's from now on. 0 / -1. */
int mf_compat_obj_set_dict(PyObject *obj, PyObject *dict);
/* An instance's attributes leave for a dict of its own that survives a change
 * of the instance's class (or of the class' cached keys). Allocates. */
int mf_compat_obj_detach_values(PyObject *obj);

/* The word in which a context variable keeps a borrowed copy of the value that
 * it gave last, or NULL. */
PyObject **mf_compat_obj_context_copy(PyObject *obj);

/* Words of a frame that a generator, coroutine or frame object owns and that
 * stands still. `tagged` words carry flags in their low bits (3.14+). The
 * globals and builtins are borrowed words that traverse does not report. */
typedef int (*mf_compat_word)(PyObject **slot, bool tagged, void *arg);
bool mf_compat_obj_has_frame(PyObject *obj);
int mf_compat_obj_frame_words(PyObject *obj, mf_compat_word word, void *arg);
/* Reading and writing a tagged word; does it own a reference? */
PyObject *mf_compat_obj_untag(PyObject *word);
bool mf_compat_obj_tag_owns(PyObject *word);
PyObject *mf_compat_obj_retag(PyObject *word, PyObject *to);

/* A tuple that keeps its hash (3.14+) forgets it. */
void mf_compat_obj_tuple_forget_hash(PyObject *tuple);
/* Address of an object's list of weak references, or NULL. */
PyObject **mf_compat_obj_weakrefs(PyObject *obj);

/* base.__subclasses__() without or with `sub`; nothing else changes. When a
 * static base keeps its list where nobody reaches it, removing makes the weak
 * reference in it a dead one, and adding sets the same __bases__ again. The
 * first says whether it was there (1 for a static base); 0, -1. */
int mf_compat_obj_subclass_remove(PyTypeObject *base, PyTypeObject *sub);
int mf_compat_obj_subclass_add(PyTypeObject *base, PyTypeObject *sub);

/* Does its __del__ count as run? Objects that the collector does not know keep
 * no note of it. */
void mf_compat_obj_finalized(PyObject *obj, bool ran);
/* A class gets only so many version tags in its life (3.13+): give back. */
void mf_compat_obj_type_versions_reset(PyTypeObject *type);
/* tp_dict, also of a static builtin type. Borrowed. */
PyObject *mf_compat_obj_type_dict(PyTypeObject *type);
/* So many bytes an instance may have, from its head on, where one of this type
 * stands: what the allocator has given for it. */
Py_ssize_t mf_compat_obj_room(PyTypeObject *type);
/* Flags that say how instances are laid out. */
unsigned long mf_compat_obj_layout_flags(PyTypeObject *type);

/* An exact itertools.count whose fields are known (compat_state.c)? What it
 * gives next, as a tuple (new reference); the same written back. */
bool mf_compat_obj_is_counter(PyObject *obj);
PyObject *mf_compat_obj_counter_read(PyObject *obj);
void mf_compat_obj_counter_write(PyObject *obj, PyObject *state);
/* The set of weak references to the classes that were registered with an ABC,
 * borrowed; NULL: no ABC, or nothing was. */
PyObject *mf_compat_obj_abc_registry(PyObject *cls);

/* Checks on objects of our own that all of the above is true here: 0, or -1
 * with RuntimeError. To be called before the others; cheap the second time. */
int mf_compat_obj_probe(void);

#endif
