/* merge.h -- data: base, live and new values merged three ways; what every
 * name of a module and of a class will hold. Computes writes, writes nothing.
 */
#ifndef MF_MERGE_H
#define MF_MERGE_H

#include "../ground/table.h"
#include "match.h"

enum mf_write_kind {
    MF_WRITE_NAME,     /* holder: namespace dict; value NULL: delete */
    MF_WRITE_CONTENTS, /* holder: list, dict or set; value: its new contents */
    MF_WRITE_ATTRIBUTE, /* holder: class or instance; key, value */
    MF_WRITE_CELL      /* holder: cell; value */
};

struct mf_class_change;

struct mf_write {
    uint8_t kind;
    PyObject *holder, *key, *value; /* strong; key and value may be NULL */
};

struct mf_merge {
    struct mf_match *match;       /* borrowed */
    struct mf_stage *stage;       /* borrowed */
    struct mf_report *report;     /* borrowed */
    struct mf_write *writes;
    size_t len, cap;
    struct mf_class_change *classes;
    size_t n_classes, cap_classes;
    PyObject *notes;              /* dict: (id of target as int) -> dict of
                                     values of base that hold after commit */
    PyObject *replaced;           /* list of (holder, name, old value, new
                                     value): record; NotImplemented: none */
    PyObject *undo;               /* borrowed: such a list of the update that
                                     is undone, or NULL */
};

/* Before the stage runs: it asks which names keep what lives. */
void mf_merge_begin(struct mf_merge *merge, struct mf_match *match,
                    struct mf_stage *stage, struct mf_report *report);
/* For prepare: what the live function keeps of its attributes goes to the one
 * whose contents it takes. */
int mf_merge_keep_attributes(struct mf_merge *merge, struct mf_pair *pair);
/* Decide all writes. Reasons and notes go to the report. */
int mf_merge_run(struct mf_merge *merge, struct mf_match *match,
                 struct mf_stage *stage, struct mf_report *report);
/* The change of this live class, borrowed, or NULL: it has none. */
struct mf_class_change *mf_merge_class_change(struct mf_merge *merge,
                                              PyTypeObject *old_class);
int mf_merge_write(struct mf_merge *merge, enum mf_write_kind kind,
                   PyObject *holder, PyObject *key, PyObject *value);
void mf_merge_clear(struct mf_merge *merge);

/* Values compared as identity or as builtin types, exactly; functions by the
 * place that made them. User code is never called. 1 / 0 / -1. */
int mf_merge_equal(PyObject *a, PyObject *b, int depth);
/* Hash and equality of such a key run no user code. */
bool mf_merge_is_key(PyObject *value);
/* Three-way merge of one container; base may be NULL (unknown). New reference
 * to a fresh container of live's type: the contents that live is to have.
 * Plain containers inside keep their identity too: merge gets their writes. */
PyObject *mf_merge_three(struct mf_merge *merge, PyObject *base,
                         PyObject *live, PyObject *fresh, int depth);
/* The same where live is base: fresh's contents in fresh's order. */
PyObject *mf_merge_adopt(struct mf_merge *merge, PyObject *live,
                         PyObject *fresh, int depth);

#endif
