/* compat_stack.h -- the memory that a thread state's frames lie in, handed from
 * one state to the next one of the same thread.
 */
#ifndef MF_COMPAT_STACK_H
#define MF_COMPAT_STACK_H

#include "../engine.h"

/* Of a state that is cleared and about to be deleted. The caller owns it. NULL:
 * it has none, or more than one piece; then it keeps them. */
void *mf_compat_stack_take(PyThreadState *tstate);
/* To a state in which nothing has run yet; it owns it then. NULL is legal. */
void mf_compat_stack_give(PyThreadState *tstate, void *stack);
/* No GIL needed. NULL is legal. */
void mf_compat_stack_free(void *stack);

#endif
