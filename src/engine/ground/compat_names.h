/* compat_names.h -- which names a code object loads, stores and calls, read
 * off its instructions; the numbers and argument forms of instructions differ
 * between versions and are known only here.
 */
#ifndef MF_COMPAT_NAMES_H
#define MF_COMPAT_NAMES_H

#include "../engine.h"

enum mf_name_use {
    MF_NAME_LOAD,      /* LOAD_NAME, LOAD_GLOBAL */
    MF_NAME_STORE,     /* STORE_NAME */
    MF_NAME_DELETE,
    MF_NAME_SET_GLOBAL, /* STORE_GLOBAL, DELETE_GLOBAL */
    MF_NAME_ATTR,      /* LOAD_ATTR, LOAD_METHOD */
    MF_NAME_FROM,      /* IMPORT_FROM */
    MF_NAME_SET_ATTR,  /* STORE_ATTR, DELETE_ATTR */
    MF_NAME_IMPORT     /* IMPORT_NAME */
};

struct mf_name_scan {
    /* called for each use, in order; name borrowed; -1 stops with error */
    int (*use)(enum mf_name_use use, PyObject *name, void *arg);
    void *arg;
    bool calls;        /* out: some call happens */
    bool stores_items; /* out: STORE_SUBSCR, DELETE_SUBSCR */
    bool operates;     /* out: operators, comparisons, subscripts, iteration,
                          fields of f-strings */
};

/* Strings with the quotes of their f-string may stand inside it (3.12+). */
bool mf_compat_nested_fstrings(void);

/* Scan the code's own instructions, nested code objects not. 0 / -1. */
int mf_compat_scan_names(PyCodeObject *code, struct mf_name_scan *scan);

/* Adds to the set `names` what the code, which is a module's, stores in
 * __annotations__ itself (before 3.14, or with `from __future__`). */
int mf_compat_scan_annotations(PyCodeObject *code, PyObject *names);

#endif
