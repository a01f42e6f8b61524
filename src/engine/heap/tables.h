/* tables.h -- hash tables by identity: dicts, sets, frozensets and what is
 * made of them, whose keys change or whose keys' hashes change. A table is
 * put right in the memory it has, by hashes computed without Python code and
 * by identity; the program's __eq__ and __hash__ are never called.
 */
#ifndef MF_TABLES_H
#define MF_TABLES_H

#include "../ground/table.h"

/* Has obj a table of keys that are not all exact str? */
bool mf_tables_is(PyObject *obj);

/* Every key with its stored hash. 0: go on; anything else stops and is
 * returned. An OrderedDict's links are visited as well (they own references):
 * with hash -1. */
typedef int (*mf_tables_visit)(PyObject *key, Py_hash_t hash, void *arg);
int mf_tables_keys(PyObject *table, mf_tables_visit visit, void *arg);

/* Are the two equal as keys, as far as can be said without Python code? */
bool mf_tables_same(PyObject *a, PyObject *b);

/* The key (borrowed) that takes the place of `key`, and its hash; both may
 * stay as they are. Must give the same answer for the same key. */
typedef PyObject *(*mf_tables_swap)(PyObject *key, Py_hash_t *hash, void *arg);

/* Puts the table in order after asking `swap` for each key. Order is kept. Of
 * two keys that are equal now the first stays, with the later value; what
 * falls out goes to `trash` as strong references. -1 without memory, with
 * nothing changed. */
int mf_tables_rekey(PyObject *table, mf_tables_swap swap, void *arg,
                    struct mf_vec *trash);

/* A copy of the whole table (keys, values, hashes, order), for the log. */
PyObject *mf_tables_snapshot(PyObject *table);
/* Makes the table what it was. Signature of mf_undo_call's `back`. */
void mf_tables_restore(PyObject *snapshot);

/* Checks on tables of our own: 0, or -1 with RuntimeError. */
int mf_tables_probe(void);

#endif
