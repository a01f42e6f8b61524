/* hush.h -- what the compiler warns of. A text is compiled more often than it is
 * imported: the earlier one again, parts of it alone, for a plan that nobody
 * applies. Whoever looks at the warnings is to see what a start shows.
 */
#ifndef MF_HUSH_H
#define MF_HUSH_H

#include "../engine.h"

enum mf_hear {
    MF_HEAR_NOTHING,
    MF_HEAR_ERRORS,    /* a warning is a SyntaxError, whatever the filters say */
    MF_HEAR_ALL        /* the program's own filters decide */
};

/* Py_CompileStringObject of a module's text. With MF_HEAR_ALL code of the
 * program may run (warnings.showwarning), else none does. */
PyObject *mf_hush_compile(const char *source, PyObject *path, int flags,
                          enum mf_hear hear);

#endif
