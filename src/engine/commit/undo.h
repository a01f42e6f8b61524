/* undo.h -- the undo log: one typed record per write to what lives. Every
 * write of apply goes through a function of this room or of a redefine room
 * that logs here first, so that a failing setter can be answered by replaying
 * the log before the GIL goes. Old values are held until finish: no
 * destructor runs between prepare and finish. Void once threads have run new
 * code: the user's undo is another update, not this.
 *
 * Source of the idea: databases' undo log; Linux livepatch's rule that the
 * failure path is the normal undo path.
 */
#ifndef MF_UNDO_H
#define MF_UNDO_H

#include "../ground/table.h"

struct mf_undo_record; /* undo.c */

struct mf_undo {
    struct mf_undo_record *records;
    size_t len, cap;
    struct mf_vec trash; /* strong refs dropped in mf_undo_drop */
    PyObject *copied;    /* borrowed from a record: the dict that was copied
                            last; its later items come back with the copy */
};

/* Memory for so many more records and trash entries, so that the writes
 * below cannot fail for want of it. They reserve for themselves too if this
 * was not enough. Legal on a zeroed struct, which is an empty log. */
int mf_undo_reserve(struct mf_undo *undo, size_t count);
/* The same for mf_undo_keep alone. */
int mf_undo_reserve_kept(struct mf_undo *undo, size_t count);

/* All writes: 0, or -1 with an exception set and nothing written by that
 * call. They run no Python code but what CPython's own setters run for the
 * exact builtin types named. */

/* dict[key] = value, or del dict[key] when value is NULL (missing: no-op).
 * Through PyDict_SetItem/DelItem so that watchers and versions are right; the
 * key is a name (or another object whose hash and __eq__ run no code of the
 * program). A deletion keeps a copy of the dict, for its order; those that
 * follow it in the same dict do without. */
int mf_undo_dict_set(struct mf_undo *undo, PyObject *dict, PyObject *key,
                     PyObject *value);
/* Contents of a list become those of `contents` (a list that nobody else sees;
 * it holds the old contents afterwards). No allocation. RuntimeError while the
 * list is being sorted. */
int mf_undo_list_exchange(struct mf_undo *undo, PyObject *list,
                          PyObject *contents);
/* Contents of a set or frozenset (or subclass) become those of `contents`,
 * which holds the old ones afterwards. No allocation. */
int mf_undo_set_exchange(struct mf_undo *undo, PyObject *set,
                         PyObject *contents);
/* dict gets exactly the items of `contents` (a dict that nobody else sees, an
 * OrderedDict if `dict` is one; it holds the old items afterwards, unless
 * `dict` had its values inside an instance), in its order. The tables are
 * exchanged: no __hash__, no __eq__. */
int mf_undo_dict_exchange(struct mf_undo *undo, PyObject *dict,
                          PyObject *contents);
/* *slot = value (a reference word inside `owner`); takes a new reference to
 * value, keeps the old one in the log. */
int mf_undo_word(struct mf_undo *undo, PyObject *owner, PyObject **slot,
                 PyObject *value);
/* Py_SET_TYPE(obj, type) with the reference counts of both types. */
int mf_undo_retype(struct mf_undo *undo, PyObject *obj, PyTypeObject *type);
/* type.__setattr__(cls, name, value), or delete when NULL (missing: no-op),
 * bypassing any metaclass __setattr__ (PyType_Type.tp_setattro). Names that
 * `type` itself keeps (__name__, __bases__, __doc__ ...) are legal. */
int mf_undo_type_set(struct mf_undo *undo, PyTypeObject *cls, PyObject *name,
                     PyObject *value);
/* Any other write that has an inverse: `back(arg)` is called at replay; arg
 * is an object held by the log (a capsule or tuple), may be NULL. */
int mf_undo_call(struct mf_undo *undo, void (*back)(PyObject *arg),
                 PyObject *arg);
/* The same for rooms of hot paths: back(a, b, n), nothing allocated but the
 * record. a, b may be NULL. */
int mf_undo_inverse(struct mf_undo *undo,
                    void (*back)(PyObject *a, PyObject *b, intptr_t n),
                    PyObject *a, PyObject *b, intptr_t n);
/* Keep a reference until finish. */
int mf_undo_keep(struct mf_undo *undo, PyObject *obj);

/* Take everything back, newest first. Cannot fail: what was written can be
 * written back with the memory that the log holds; an error of a setter at
 * replay is fatal in debug builds and traced in release builds. The log still
 * has to be dropped. The exception that is set at the call stays set. */
void mf_undo_replay(struct mf_undo *undo);
/* Finish: drop old values (destructors run here) and free the log. */
void mf_undo_drop(struct mf_undo *undo);

#endif
