/* fields_stack.h -- the values that a function's steps leave on the stack, as
 * far as they are known without running anything: constants, displays of
 * them, empty containers, parameters. What lies deeper than it remembers is
 * not known.
 */
#ifndef MF_FIELDS_STACK_H
#define MF_FIELDS_STACK_H

#include "../ground/compat_fields.h"

enum { MF_FIELDS_STACK_DEPTH = 64 };

enum mf_fields_known {
    MF_KNOWN_NOT,
    MF_KNOWN_CONST,   /* obj, borrowed from the code */
    MF_KNOWN_FRESH,   /* made at each call; obj: what it looks like then */
    MF_KNOWN_LOCAL,   /* local number `local` */
    MF_KNOWN_TYPE,    /* a type whose call gives an empty container */
    MF_KNOWN_MARK     /* no self follows */
};

struct mf_fields_value {
    enum mf_fields_known known;
    uint32_t local;
    PyObject *obj;    /* borrowed: from code, globals or `made` */
};

struct mf_fields_stack {
    PyObject *func;   /* borrowed: for its globals; or NULL */
    PyObject *made;   /* list: keeps what FRESH looks like */
    int depth;
    struct mf_fields_value values[MF_FIELDS_STACK_DEPTH];
};

/* What a module of the standard library calls so, borrowed. NULL: not
 * imported, or no such name; no exception. */
PyObject *mf_fields_of_module(const char *module, const char *name);

int mf_fields_stack_init(struct mf_fields_stack *stack, PyObject *func);
void mf_fields_stack_clear(struct mf_fields_stack *stack);

/* Paths meet, or come from elsewhere: nothing is known. */
static inline void
mf_fields_stack_forget(struct mf_fields_stack *stack)
{
    stack->depth = 0;
}

struct mf_fields_value mf_fields_stack_pop(struct mf_fields_stack *stack);
/* Does what the step does. 0 / -1. */
int mf_fields_stack_step(struct mf_fields_stack *stack,
                         const struct mf_compat_step *step);

#endif
