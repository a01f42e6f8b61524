/* hush.h -- what the compiler warns of. A text is compiled more often than it is
 * imported: the earlier one again, parts of it alone, for a plan that nobody
 * applies. Whoever looks at the warnings is to see what a start shows.
 */
#ifndef MF_HUSH_H
#define MF_HUSH_H

#include "../engine.h"

/* Py_CompileStringObject of a module's text, in silence: *warned (not NULL: it
 * is only ever set) says whether the compiler has warned. Changes nothing for
 * warnings of anybody else, who may run in the middle of it. */
PyObject *mf_hush_compile(const char *source, PyObject *path, int flags,
                          bool *warned);
/* The same aloud, as the program's filters say. Code of the program may run
 * (warnings.showwarning). */
PyObject *mf_hush_aloud(const char *source, PyObject *path, int flags);

#endif
