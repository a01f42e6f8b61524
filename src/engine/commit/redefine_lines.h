/* redefine_lines.h -- the lines of code that goes on running while its text
 * changes around it: a main module's own.
 */
#ifndef MF_REDEFINE_LINES_H
#define MF_REDEFINE_LINES_H

#include "../read/plan.h"
#include "undo.h"

/* A location table (bytes) for the code in which the target's module runs,
 * with the lines of the new text; *code is a new reference. NULL without
 * exception where it does not run, or no line moves. Makes frame objects. */
PyObject *mf_redefine_lines_make(struct mf_target *target,
                                 PyCodeObject **code);
/* Set; logged. */
int mf_redefine_lines_apply(struct mf_undo *undo, PyCodeObject *code,
                            PyObject *table);

#endif
