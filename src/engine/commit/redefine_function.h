/* redefine_function.h -- every field of a function object: code, globals,
 * builtins, closure, defaults, kwdefaults, annotations, type params, dict,
 * doc, name, qualified name, module, vectorcall and versions.
 *
 * The one write is an exchange of two functions' contents: the old function
 * object keeps its identity and gets the new contents, the new function
 * object is left with the old contents (so nothing is freed in mid commit).
 * It is its own inverse. Versions: see the facts on poured functions (take the
 * new function's version, put its own to 0); dict/func watchers that exist
 * are told.
 */
#ifndef MF_REDEFINE_FUNCTION_H
#define MF_REDEFINE_FUNCTION_H

#include "undo.h"

/* A new function with everything of `func` but code and closure (closure may
 * be NULL when code has no free variables; otherwise a tuple of cells of the
 * right length, checked: -1 with ValueError). __doc__ follows the code: it
 * becomes the new code's docstring if func's doc was still that of its code.
 * __name__/__qualname__ likewise. func_dict and annotations are shared by
 * reference, not copied. New reference. */
PyObject *mf_redefine_function_variant(PyFunctionObject *func,
                                       PyCodeObject *code, PyObject *closure);

/* Cells for code from those that `func` has, by name; another(name, arg) gives a
 * new one for a variable that it never captured. New tuple; NULL without an
 * exception: one is not to be had. */
typedef PyObject *(*mf_another_cell)(PyObject *name, void *arg);
PyObject *mf_redefine_function_closure(PyFunctionObject *func,
                                       PyCodeObject *code,
                                       mf_another_cell another, void *arg);

/* Exchange contents, logged. Both must be exact functions. No allocation
 * besides the log's record (reserve it), no Python code, nothing freed. (If
 * the globals differ, the old code is made to hold the old ones: frames that
 * run it only borrow them. That allocates.)
 * Afterwards calls through every old reference of old_func run the new code.
 */
int mf_redefine_function_apply(struct mf_undo *undo,
                               PyFunctionObject *old_func,
                               PyFunctionObject *new_func);

#endif
