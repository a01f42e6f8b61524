/* hashes.h -- the hash of an object as far as it can be had without code of
 * the program.
 */
#ifndef MF_HASHES_H
#define MF_HASHES_H

#include "../ground/table.h"

/* What `dataclass` has generated counts as known. 1, 0 (it cannot be had),
 * -1. */
int mf_hashes_of(PyObject *obj, Py_hash_t *hash);

/* Names of the fields that an instance's hash follows from, if `dataclass` has
 * generated it: a new list. 1; 0 (*names is NULL): it has not; -1. */
int mf_hashes_fields(PyTypeObject *type, PyObject **names);

/* Looks whether tuples hash as known; if not, what is worked out from parts
 * cannot be had. 0, or -1 without memory. */
int mf_hashes_probe(void);

#endif
