/* compile.h -- one statement or member compiled as in its place: same flags,
 * right lines, a member inside synthetic classes so that mangling, __class__
 * and the qualified name come out right. Looks at no live object.
 */
#ifndef MF_COMPILE_H
#define MF_COMPILE_H

#include "hush.h"
#include "source.h"
#include "../ground/breath.h"

/* What a text's statements have in common when they are compiled. */
struct mf_compile_unit_of {
    PyObject *path;              /* file name of the code */
    const struct mf_text *text;
    const struct mf_split *split;
    int flags;                   /* of its __future__ imports */
    PyObject *imported;          /* bytes: names bound by imports at top
                                    level, NUL separated; made on demand */
    struct mf_breath *breath;    /* other threads may run after a compile;
                                    NULL: they must not. Borrowed */
    struct mf_vec warned;        /* units whose compile has warned of something,
                                    in silence: their indices */
};

/* Module code object of the unit alone. For a member the module holds the
 * synthetic class around it. NULL with SyntaxError (lines as in the file). */
PyObject *mf_compile_unit(struct mf_compile_unit_of *of, uint32_t unit);
/* Compiles a unit once more for its warnings, on its lines. Code of the program
 * may run. 0, or -1 if one of them is an error by the filters. */
int mf_compile_warn(struct mf_compile_unit_of *of, uint32_t unit);
/* Module code object of these top-level units (vector of their indices, in
 * order), each on its lines. */
PyObject *mf_compile_units(struct mf_compile_unit_of *of,
                           const struct mf_vec *units);
/* The syntax tree of the unit alone, lines and columns as in the file. */
PyObject *mf_compile_tree(struct mf_compile_unit_of *of, uint32_t unit);
/* What a module's code with annotations stores under names of the compiler's
 * (3.14+): the function that gives them, and the set of those that ran. They
 * are not among a unit's names. */
#define MF_COMPILE_ANNOTATE "__annotate__"
#define MF_COMPILE_ANNOTATED "__conditional_annotations__"
/* The code of that function, borrowed; NULL without exception: none. */
PyObject *mf_compile_annotate(PyObject *module_code);
/* How many annotations it has; -1 on error. */
int mf_compile_count_annotations(PyObject *module_code);
/* The code whose names are the unit's own: the module code itself, or, for a
 * member, the body of the innermost synthetic class. Borrowed. */
PyObject *mf_compile_member_scope(PyObject *unit_code,
                                  const struct mf_text *text,
                                  const struct mf_split *split, uint32_t unit);
/* The whole text: to have the true error, or where splitting is unsure. */
PyObject *mf_compile_text(PyObject *path, const struct mf_text *text,
                          int flags);
/* Compiler flags of the __future__ imports of a split text. -1: error. */
int mf_compile_future_flags(const struct mf_text *text,
                            const struct mf_split *split);
void mf_compile_clear(struct mf_compile_unit_of *of);

/* Names that a unit uses while it runs: its own code with the class bodies
 * and comprehensions in it, functions and lambdas left out. */
struct mf_names {
    PyObject *loads;   /* set of str */
    PyObject *stores;  /* set of str; bound or deleted in the unit's scope */
    PyObject *attrs;   /* set of str; attributes read, names imported */
    bool calls, stores_items, sets_attrs, imports, operates;
};
/* Nested code that runs while the code around it runs: class bodies,
 * comprehensions. */
bool mf_compile_runs_at_once(PyObject *code);
int mf_names_of(struct mf_names *names, PyObject *code);
/* Its loads and attrs in one new set. */
PyObject *mf_names_used(PyObject *code);
/* Global names that a function can load when called, its nested functions'
 * too; attributes likewise. Adds to the sets. */
int mf_names_of_function(struct mf_names *names, PyObject *code);
int mf_names_init(struct mf_names *names);
/* Literals only: no object of the program is the value of such a statement. */
bool mf_names_read_nothing(const struct mf_names *names);
void mf_names_clear(struct mf_names *names);

#endif
