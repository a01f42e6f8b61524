/* compat_stack.c -- owns nothing for long: the first piece of a thread state's
 * data stack between two states. In: a state. Out: its piece, in the next one.
 *
 * The interpreter gets that piece (16 KiB) from the system when a state runs its
 * first function and gives it back with the state. A thread that has a state
 * only while it calls back would do so at each call, which costs a virtual
 * machine as much as reading the file that it was woken for.
 */
#include "compat_stack.h"

/* The interpreter leaves the first place of the first piece empty, so that it
 * knows the end of the stack. */
static PyObject **
first_place(_PyStackChunk *chunk)
{
    return &chunk->data[1];
}

void *
mf_compat_stack_take(PyThreadState *tstate)
{
    _PyStackChunk *chunk = tstate->datastack_chunk;
    if (chunk == NULL || chunk->previous != NULL ||
        tstate->datastack_top != first_place(chunk)) {
        return NULL;
    }
    tstate->datastack_chunk = NULL;
    tstate->datastack_top = tstate->datastack_limit = NULL;
    return chunk;
}

void
mf_compat_stack_give(PyThreadState *tstate, void *stack)
{
    _PyStackChunk *chunk = stack;
    if (chunk == NULL) {
        return;
    }
    tstate->datastack_chunk = chunk;
    tstate->datastack_top = first_place(chunk);
    tstate->datastack_limit = (PyObject **)((char *)chunk + chunk->size);
}

void
mf_compat_stack_free(void *stack)
{
    _PyStackChunk *chunk = stack;
    if (chunk != NULL) {
        PyObjectArenaAllocator arenas;
        PyObject_GetArenaAllocator(&arenas);
        arenas.free(arenas.ctx, chunk, chunk->size);
    }
}
