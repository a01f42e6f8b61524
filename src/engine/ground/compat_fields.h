/* compat_fields.h -- the instructions of a function in one form for all
 * versions, as far as one has to know them to say which attributes it sets
 * and to what; and whether an instance has an attribute. Reads only, runs
 * nothing.
 */
#ifndef MF_COMPAT_FIELDS_H
#define MF_COMPAT_FIELDS_H

#include "../engine.h"

enum mf_compat_step_kind {
    MF_STEP_OTHER,       /* anything that is not told apart */
    MF_STEP_NONE,        /* leaves the stack as it is */
    MF_STEP_CONST,       /* pushes obj */
    MF_STEP_LOCAL,       /* pushes local number arg */
    MF_STEP_SET_LOCAL,   /* pops into local number arg (or deletes it) */
    MF_STEP_GLOBAL,      /* pushes the global or builtin named obj */
    MF_STEP_NULL,        /* pushes the mark of a call without self */
    MF_STEP_CALL,        /* arg arguments, callable, mark -> result */
    MF_STEP_LIST,        /* arg items -> list */
    MF_STEP_TUPLE,
    MF_STEP_SET,
    MF_STEP_MAP,         /* arg pairs, key under value -> dict */
    MF_STEP_KEY_MAP,     /* arg values, tuple of keys -> dict */
    MF_STEP_LIST_EXTEND, /* pops; into the list at depth arg after that */
    MF_STEP_SET_UPDATE,
    MF_STEP_MAP_UPDATE,
    MF_STEP_LIST_APPEND,
    MF_STEP_SET_ADD,
    MF_STEP_MAP_ADD,     /* pops value and key */
    MF_STEP_UNPACK,      /* pops; pushes arg items, the first on top */
    MF_STEP_COPY,        /* pushes what is at depth arg (1: top) */
    MF_STEP_SWAP,        /* exchanges top and what is at depth arg */
    MF_STEP_POP,
    MF_STEP_SET_ATTR,    /* pops object, pops value: object.obj = value */
    MF_STEP_DEL_ATTR     /* pops object */
};

enum mf_compat_step_flow {
    MF_FLOW_NEXT,        /* goes on with the next step */
    MF_FLOW_BRANCH,      /* next or target */
    MF_FLOW_JUMP,        /* target */
    MF_FLOW_RETURN,
    MF_FLOW_RAISE
};

#define MF_STEP_NOWHERE UINT32_MAX

/* An instruction, or half of one that does two things. */
struct mf_compat_step {
    uint8_t kind, flow;
    uint32_t at;         /* number of the code unit */
    uint32_t arg;
    PyObject *obj;       /* borrowed from the code object, or for ever */
    uint32_t target;     /* index of a step */
    uint32_t handler;    /* index of the step that an exception leads to */
};

/* All steps of a code object, nested ones not; *steps is to be freed with
 * mf_free and has room for one more. 0, -1 with an exception (ValueError: the
 * code object is not understood). */
int mf_compat_fields_steps(PyCodeObject *code, struct mf_compat_step **steps,
                           size_t *count);

/* Where an opcode jumps to: 1 forwards, -1 backwards, 0: it does not.
 * *always: never on to the next one. */
int mf_compat_fields_jump(int op, bool *always);

/* Has the instance a dict, or may it get one? */
bool mf_compat_fields_has_dict(PyTypeObject *type);
/* Is the name (an exact str) set in the instance's own dict, or beside it? No
 * dict is made for the answer. 1 / 0, -1. */
int mf_compat_fields_in_dict(PyObject *obj, PyObject *name);
/* Calls `each` for every name and value, both borrowed, in the instance's own
 * dict, or beside it, whose name is an exact str; for slots likewise, under
 * the names that their class has them by. `each` must not run Python code.
 * -1: what it returned. No dict is made. */
typedef int (*mf_compat_fields_visit)(PyObject *name, PyObject *value,
                                      void *arg);
int mf_compat_fields_each(PyObject *obj, mf_compat_fields_visit each,
                          void *arg);
/* The same for what is in the dict, or beside it, whatever the key is. */
typedef int (*mf_compat_fields_item)(PyObject *key, PyObject *value,
                                     Py_hash_t hash, void *arg);
int mf_compat_fields_items(PyObject *obj, mf_compat_fields_item each,
                           void *arg);
/* New: an instance of `type` that nobody has initialised, that has no
 * attributes, and whose __del__ will never run. Only for classes that have no C base but object: else NULL
 * without an exception. */
PyObject *mf_compat_fields_blank(PyTypeObject *type);
/* The same where it is known that instances have no attributes but slots. */
PyObject *mf_compat_fields_new(PyTypeObject *type);
bool mf_compat_fields_only_slots(PyTypeObject *type);
/* Where in an instance the slot is that this class or one it inherits from
 * has by this name, if that is what an attribute look-up finds; else 0.
 * *other: the look-up finds something else that takes stores (a property). */
Py_ssize_t mf_compat_fields_slot(PyTypeObject *type, PyObject *name,
                                 bool *other);

#endif
