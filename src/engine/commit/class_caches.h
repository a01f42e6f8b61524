/* class_caches.h -- what the standard library has cached about classes: ABCs'
 * answers, singledispatch's, members of protocols, typing's aliases. Used by
 * redefine_class in finish only; calls code of the standard library.
 */
#ifndef MF_CLASS_CACHES_H
#define MF_CLASS_CACHES_H

#include "../heap/heap.h"

/* Answers about cls or one of `affected`, and theirs, are forgotten:
 * found by the weak references that such caches keep. */
int mf_class_caches_forget(PyTypeObject *cls, const struct mf_vec *affected);
/* The members of a protocol are listed again. */
int mf_class_caches_protocol(PyTypeObject *cls);
/* typing's caches of subscripted aliases. */
int mf_class_caches_typing(void);

#endif
