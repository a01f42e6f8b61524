/* fields.h -- what live instances of an edited class get: values for fields
 * that are new and need no guess. Finds them from the two sides of the class;
 * finds the instances that lack them; the caller writes.
 *
 * Fields of a dataclass come from its field objects, all others from its
 * __init__ (fields_init.h).
 */
#ifndef MF_FIELDS_H
#define MF_FIELDS_H

#include "fields_init.h"

struct mf_fields {
    struct mf_field *items;  /* never MF_FIELD_UNSET */
    size_t len, cap;
    PyObject *unset;         /* list of names: new fields without a value */
};

/* Fills `out`, which the caller clears in any case. Everything but old_class
 * and out may be NULL: no such side. The codes are those of __init__ (or of
 * another method that always runs, __post_init__; then call it twice and pass
 * the dataclass's fields once); new_init_func is the function for the
 * defaults and globals of the new one. dataclass_*_fields: the class's
 * __dataclass_fields__. What the old side sets under any condition is not
 * new. */
int mf_fields_find(PyTypeObject *old_class, PyObject *old_init_code,
                   PyObject *new_init_code, PyObject *new_init_func,
                   PyObject *dataclass_old_fields,
                   PyObject *dataclass_new_fields, struct mf_fields *out);
void mf_fields_clear(struct mf_fields *fields); /* legal on a zeroed struct */

/* The value for one instance, new reference. Runs user code for
 * MF_FIELD_FACTORY. */
PyObject *mf_fields_value(const struct mf_field *field);

/* For every live instance of cls and its subclasses, and every field that
 * neither its dict nor its slot has: write(arg, instance, name, value), all
 * borrowed. Fields that the class answers for by something else (a property)
 * and instances that can hold none are left out. Runs user code for
 * MF_FIELD_FACTORY only; its exception is passed on. Instances appear in the
 * order of the heap. */
typedef int (*mf_fields_write)(void *arg, PyObject *instance, PyObject *name,
                               PyObject *value);
int mf_fields_fill(struct mf_fields *fields, PyTypeObject *cls,
                   mf_fields_write write, void *arg);
/* The same for one instance. */
int mf_fields_fill_one(struct mf_fields *fields, PyObject *instance,
                       mf_fields_write write, void *arg);

int mf_fields_fill_those(struct mf_fields *fields,
                         const struct mf_vec *instances,
                         mf_fields_write write, void *arg);
/* Will filling run code of the program? */
bool mf_fields_run_code(const struct mf_fields *fields);

/* An attribute of an instance past all code of the program: into its slot or
 * its dict. value NULL: deletes it. 1: it has no place for one. A
 * mf_fields_write for instances that nobody sees yet; for live ones use the
 * undo log. */
int mf_fields_set(void *unused, PyObject *instance, PyObject *name,
                  PyObject *value);

#endif
