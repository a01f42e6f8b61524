/* compat.h -- all differences between CPython versions, under our names and
 * with one meaning on all of them. Nothing outside ground/compat* tests a
 * version or sees an internal header. A feature that a version lacks has a
 * mf_compat_can_* question.
 *
 * References that come out are borrowed unless the comment says "new".
 * "Word" is the address of a PyObject * inside an object.
 */
#ifndef MF_COMPAT_H
#define MF_COMPAT_H

#include "../engine.h"

/* --- may we run at all --------------------------------------------------- */

/* Checks, on objects that it makes itself, that what we believe about object
 * layouts holds on the Python that runs us. NULL: it does; otherwise a static
 * text, the reason why every update must be rejected. No exception is set.
 * Called once per interpreter at import; the heap has mf_heap_probe. */
const char *mf_compat_probe(void);
bool mf_compat_can_watch(void);    /* dict, type and function watchers */
bool mf_compat_can_monitor(void);  /* sys.monitoring, local events */
bool mf_compat_can_annotate(void); /* lazy annotations: __annotate__ */
bool mf_compat_can_note_lines(void); /* classes have __firstlineno__ and
                                        __static_attributes__ (3.13+) */
bool mf_compat_gil_disabled(void);

/* --- functions and code -------------------------------------------------- */

/* The reference words that make up a function's contents: all but the list of
 * weak references. Same order on every call. Returns how many. */
enum { MF_COMPAT_FUNCTION_WORDS = 16 };
int mf_compat_function_words(PyFunctionObject *func,
                             PyObject **words[MF_COMPAT_FUNCTION_WORDS]);
/* Version tag of the specializer; 0: none. Setting keeps the interpreter's
 * cache of versions right: no stale pointer to a function stays in it. */
uint32_t mf_compat_function_version(PyFunctionObject *func);
void mf_compat_function_set_version(PyFunctionObject *func, uint32_t version);
/* The version that a function fresh from `def` has for this code; 0: versions
 * are handed out at the first call (3.11). */
uint32_t mf_compat_code_version(PyCodeObject *code);
/* May several functions with the same code and different numbers of defaults
 * have one version? (Call caches of 3.11 and 3.12 keep that number.) */
bool mf_compat_can_share_version(void);
/* Function watchers of others (3.12+), called before the write as CPython
 * does. what: 'c' code, 'd' defaults, 'k' keyword defaults. Found by the
 * probe. */
void mf_compat_function_find_watchers(void);
void mf_compat_function_tell(PyFunctionObject *func, char what,
                             PyObject *value);

PyObject *mf_compat_code_consts(PyCodeObject *code);
/* obj lives at least as long as the code, invisibly to the collector: for
 * frames that run the code and borrow their globals from a function that has
 * others now. keep: 1 held from now on, 0 held already, -1 error; unkeep takes
 * a 1 back. */
/* The runtime has ended: no interpreter has given a place to keep things. */
void mf_compat_code_forget(void);
int mf_compat_code_keep(PyCodeObject *code, PyObject *obj);
void mf_compat_code_unkeep(PyCodeObject *code, PyObject *obj);
/* The constant that a class body stores under the name, or NULL. */
PyObject *mf_compat_code_stored(PyCodeObject *code, const char *name);
/* The docstring that a function gets from this code; Py_None: none. */
PyObject *mf_compat_code_doc(PyCodeObject *code);
/* co_firstlineno += delta, and what hangs on it: cached line arrays, cached
 * hashes, the line that a class body stores as __firstlineno__ (3.13+).
 * can: false if it is not sure that this one follows.
 * This code only, not what is nested in it. */
bool mf_compat_code_can_move(PyCodeObject *code);
void mf_compat_code_move(PyCodeObject *code, int delta);
/* The location table: a bytes object, borrowed. set: never releases the last
 * reference to the old one if the caller holds it. */
PyObject *mf_compat_code_lines(PyCodeObject *code);
void mf_compat_code_set_lines(PyCodeObject *code, PyObject *table);
/* compile() flags (__future__) that this code was compiled with. */
int mf_compat_compile_flags(PyCodeObject *code);

/* --- containers ---------------------------------------------------------- */

/* The cached hash of tuples (3.14+) is forgotten: an item has changed. */
void mf_compat_tuple_forget_hash(PyObject *tuple);

/* As PyDict_Next, with the stored hash; runs nothing. */
bool mf_compat_dict_next(PyObject *dict, Py_ssize_t *pos, PyObject **key,
                         PyObject **value, Py_hash_t *hash);
/* By a hash that is known. __eq__ of the program runs only if another key
 * has the very same hash: see mf_compat_dict_clashes. get: NULL without an
 * exception if missing. */
int mf_compat_dict_set(PyObject *dict, PyObject *key, PyObject *value,
                       Py_hash_t hash);
int mf_compat_dict_del(PyObject *dict, PyObject *key, Py_hash_t hash);
PyObject *mf_compat_dict_get(PyObject *dict, PyObject *key, Py_hash_t hash);
/* Do two keys, of which one is not an exact str, have the same hash? 1 / 0,
 * -1 no memory. */
int mf_compat_dict_clashes(PyObject *dict);
/* New: an exact dict with the same items in the same order and a table of its
 * own. RuntimeError if that needed the program's __eq__. */
PyObject *mf_compat_dict_copy(PyObject *dict);
/* Its table is part of an instance (3.13+) or shared with other dicts. */
bool mf_compat_dict_is_split(PyObject *dict);
/* Gives a split dict a table of its own, contents gone: the caller holds a
 * copy. */
int mf_compat_dict_reset(PyObject *dict);
/* Exchange the contents of two dicts that are not split: O(1), no
 * allocation, nothing runs, the watchers are not told. */
void mf_compat_dict_exchange(PyObject *a, PyObject *b);
/* One store that watchers and version tags see, and that changes nothing. To
 * follow (or, for a dict that becomes empty, to precede) an exchange. */
void mf_compat_dict_touch(PyObject *dict);
bool mf_compat_dict_watched(PyObject *dict);

/* As _PySet_NextEntry: stored hash, runs nothing. */
bool mf_compat_set_next(PyObject *set, Py_ssize_t *pos, PyObject **key,
                        Py_hash_t *hash);

/* --- types --------------------------------------------------------------- */

/* The class's own namespace, a dict, also of a static builtin type. */
PyObject *mf_compat_type_dict(PyTypeObject *type);
/* The type's lookups are stale; the supply of version tags (1,000 in a
 * class's life on 3.13+) starts anew. */
void mf_compat_type_modified(PyTypeObject *type);
bool mf_compat_immortal(PyObject *obj);

/* --- the rest ------------------------------------------------------------ */

/* The exception that is set, or none, out of the way; then set again (0), unless
 * there is another by now, which stays (-1). */
struct mf_error {
    PyObject *type, *value, *tb;
};
void mf_compat_error_aside(struct mf_error *error);
int mf_compat_error_again(struct mf_error *error);
/* An import that 3.15 has put off: a proxy, not to be resolved by us. */
bool mf_compat_is_lazy_import(PyObject *obj);
/* Thread states of this interpreter. */
int mf_compat_thread_count(void);
/* Bytes from the collector's pointer to its list of garbage back to its flag
 * "collecting"; heap.c finds the first by its value. */
size_t mf_compat_gc_flag_distance(void);

#endif
