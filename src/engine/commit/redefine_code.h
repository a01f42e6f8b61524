/* redefine_code.h -- positions of code objects, and what hangs on a code
 * object when another takes its place (local monitoring events).
 */
#ifndef MF_REDEFINE_CODE_H
#define MF_REDEFINE_CODE_H

#include "undo.h"

/* Shift code and all nested code by delta lines, in place: firstlineno,
 * cached line arrays (3.11), __firstlineno__ constants of class bodies
 * (3.13+), cached hashes of constant tuples (3.14+). Cannot fail, logged by
 * the caller as "shift by -delta". */
void mf_redefine_code_shift(PyCodeObject *code, int delta);
/* The same, logged. */
int mf_redefine_code_shift_logged(struct mf_undo *undo, PyCodeObject *code,
                                  int delta);
/* Can this code be shifted in place on this version (a class body whose
 * constant cannot be patched)? */
bool mf_redefine_code_can_shift(PyCodeObject *code);
/* Breakpoints and coverage set on old code hold on the new one (3.12+);
 * nothing to do where there are none. May run Python code (setters of
 * sys.monitoring are C): called in finish. */
int mf_redefine_code_carry_events(PyCodeObject *old_code,
                                  PyCodeObject *new_code);

#endif
