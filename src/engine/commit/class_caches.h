/* class_caches.h -- what the standard library has cached about classes: ABCs'
 * answers, singledispatch's, members of protocols, typing's aliases. Used by
 * redefine_class, which finds in prepare and forgets in finish; that calls code
 * of the standard library.
 */
#ifndef MF_CLASS_CACHES_H
#define MF_CLASS_CACHES_H

#include "../heap/heap.h"

/* Who has answered about cls or one of `affected`, and they themselves, found
 * by the weak references that such caches keep: strong, to `found`. */
int mf_class_caches_find(PyTypeObject *cls, const struct mf_vec *affected,
                         struct mf_vec *found);
/* This container gets other contents: if it is the registry of an ABC or of a
 * singledispatch function, those that may have answered by it, strong, to
 * `found`. 0 / -1. */
int mf_class_caches_registry(PyObject *registry, struct mf_vec *found);
/* What was registered with `staged`, whose contents went to `live`, is
 * registered with that; `home`: staged class -> the live one. */
int mf_class_caches_carry(PyTypeObject *live, PyTypeObject *staged,
                          const struct mf_map *home);
/* Their answers are forgotten. */
int mf_class_caches_forget(const struct mf_vec *found);
/* The members of a protocol are listed again. */
int mf_class_caches_protocol(PyTypeObject *cls);
/* typing's caches of subscripted aliases. */
int mf_class_caches_typing(void);

#endif
