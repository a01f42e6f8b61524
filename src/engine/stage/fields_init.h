/* fields_init.h -- which attributes an __init__ sets on its first parameter,
 * which of them whatever happens, and to what: read off its instructions,
 * nothing runs.
 *
 * "Whatever happens": on every path to a return. A value is known if it is a
 * constant, a display of constants, an empty container of a builtin type or
 * of collections, or a parameter that has a default and is not bound anew.
 * Of several stores that always happen the last one counts.
 */
#ifndef MF_FIELDS_INIT_H
#define MF_FIELDS_INIT_H

#include "../ground/table.h"

enum mf_field_how {
    MF_FIELD_UNSET,    /* no value is known */
    MF_FIELD_VALUE,    /* `value` itself: it cannot change */
    MF_FIELD_COPY,     /* for each instance a copy of `value`, deep in exact
                          lists, dicts, sets and tuples */
    MF_FIELD_FACTORY,  /* value() for each instance: user code */
    MF_FIELD_DEFAULT   /* a parameter's default, the same for all */
};

struct mf_field {
    PyObject *name;    /* strong: exact str */
    PyObject *value;   /* strong; NULL: unset */
    enum mf_field_how how;
};

/* Calls `found` once for each attribute, in the order of the code. func: the
 * function with that code, for its defaults and globals; NULL: neither is
 * known. The field is borrowed for the call. 0 / -1; a code object that is
 * not understood has no attributes. */
int mf_fields_init_read(PyCodeObject *code, PyObject *func,
                        int (*found)(const struct mf_field *field, void *arg),
                        void *arg);

#endif
