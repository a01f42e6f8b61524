/* class_bases.h -- the bases of a live class: whether the MROs of the class
 * and of its subclasses exist, and the change itself. Used by redefine_class
 * only.
 */
#ifndef MF_CLASS_BASES_H
#define MF_CLASS_BASES_H

#include "undo.h"

/* Appends all subclasses of cls to `out` (new references), bases before
 * subclasses. Runs no Python code. */
int mf_class_bases_subclasses(PyTypeObject *cls, struct mf_vec *out);

/* The MRO of cls with other bases (new reference), and that every class of
 * `affected` still has one. -1 with TypeError if not. *mro is NULL when it
 * cannot be told (a metaclass has an mro() of its own). */
int mf_class_bases_mro(PyTypeObject *cls, PyObject *bases,
                       const struct mf_vec *affected, PyObject **mro);

/* Which of `bases` will be __base__: where the staged class has its own, else
 * the one with the most memory. Borrowed. */
PyTypeObject *mf_class_bases_best(PyTypeObject *staged, PyObject *bases);

/* cls.__bases__ = bases, logged: MRO, slots, lists of subclasses, and the
 * same for `affected`. A metaclass' mro() is not called: `staged_mro` (may be
 * NULL) is taken where there is one. */
int mf_class_bases_set(struct mf_undo *undo, PyTypeObject *cls,
                       PyObject *bases, PyTypeObject *best,
                       PyObject *staged_mro, const struct mf_vec *affected);

#endif
