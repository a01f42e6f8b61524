/* class_members.h -- what is inside the members of a class: the functions in
 * properties and methods, the cells that functions share with their class,
 * which of them are abstract. Reads only, runs no code of the program.
 */
#ifndef MF_CLASS_MEMBERS_H
#define MF_CLASS_MEMBERS_H

#include "../ground/table.h"

/* Appends (new references) the cells in functions of `member` that hold
 * `staged` (may be NULL) or a class namespace for annotations: they have to
 * get the live class and its dict. */
int mf_class_members_cells(PyObject *member, PyTypeObject *staged,
                           struct mf_vec *cells);

/* What __abstractmethods__ of cls must be, as it is now: a new frozenset. */
PyObject *mf_class_members_abstract(PyTypeObject *cls);

#endif
