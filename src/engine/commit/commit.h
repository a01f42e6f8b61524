/* commit.h -- owns the point of no return: prepare all (may fail), apply all
 * in a fixed order (must not), finish (references dropped, destructors run).
 *
 * Order of apply: rebuilt classes with their instances, classes (bases first), functions and code, frames, instances, live
 * holders of staged objects, lines, data, names, modules. Import bindings are
 * names like others: staging has computed them.
 */
#ifndef MF_COMMIT_H
#define MF_COMMIT_H

#include "../stage/hooks.h"
#include "../stage/merge.h"
#include "become.h"
#include "class_notes.h"
#include "rebuild.h"
#include "redefine_frame.h"

struct mf_exchange {
    PyFunctionObject *old_func, *new_func; /* strong */
};

struct mf_shift {
    PyCodeObject *code; /* strong */
    int delta;
};

struct mf_commit {
    struct mf_plan *plan;
    struct mf_stage *stage;   /* NULL: nothing was staged */
    struct mf_match *match;
    struct mf_merge *merge;
    struct mf_report *report;
    struct mf_hooks *hooks;   /* borrowed: for __migrate__ */
    struct mf_undo undo;
    struct mf_exchange *exchanges;
    size_t n_exchanges, cap_exchanges;
    struct mf_shift *shifts;
    size_t n_shifts, cap_shifts;
    PyCodeObject *main_code;  /* a main module's own, that runs; or NULL */
    PyObject *main_lines;     /* its location table */
    struct mf_vec live_holders; /* strong: live objects that hold staged ones */
    struct mf_map replace;      /* old definition -> new object of another
                                   kind: become */
    struct mf_vec replace_holders; /* strong: live holders of its keys */
    struct mf_become become;    /* live holders of staged objects */
    struct mf_become replaces;  /* live holders of replaced definitions */
    struct mf_rebuild rebuild;  /* classes that get another layout */
    struct mf_class_notes notes;   /* lines of classes that live on */
    struct mf_vec annotations;     /* redefine_annotations.h */
    struct mf_vec hashed;          /* strong: stay, and hash otherwise now */
    struct mf_moves moves;         /* frames; prepared by update.c, last */
    struct mf_vec asked;        /* strong: who has cached answers by a registry
                                   that changes */
    PyObject *new_codes;        /* list: per target its new codes list */
    bool applied;
};

/* Turn every staged reference to a staged object into one to the live object
 * that keeps its identity. Before merge: then staged values can be compared
 * with live ones. Reasons go to the report. */
int mf_commit_bring_home(struct mf_commit *commit);
/* What the program holds of the stage already, into live_holders: followed at
 * apply. Again, when code has run since. */
int mf_commit_find_holders(struct mf_commit *commit);
/* For what is prepared besides: these two functions exchange contents. */
int mf_commit_exchange(struct mf_commit *commit, PyObject *old_func,
                       PyObject *new_func);
int mf_commit_prepare(struct mf_commit *commit);
/* The point of no return is behind this call: 0; or -1: the log was replayed,
 * nothing is changed, the exception says why. */
int mf_commit_apply(struct mf_commit *commit);
/* commit_replaced.c, for prepare: definitions that give way to one of another
 * kind, and who holds them besides the namespaces that merge writes. */
int mf_commit_find_replaced(struct mf_commit *commit);
/* commit_hashes.c. For prepare: objects that stay and hash otherwise after the
 * update; notes where that cannot be told. For apply, before tables find
 * their keys again: these are among what has moved. */
int mf_commit_find_hashed(struct mf_commit *commit);
int mf_commit_move_hashed(struct mf_commit *commit);
/* commit_docs.c, for prepare, when the exchanges are known: docstrings that
 * wrappers and descriptors have copied from functions that take new code are
 * more of merge's writes. */
int mf_commit_copy_docs(struct mf_commit *commit);
/* Baselines move, references drop. Errors are traced, never raised. */
void mf_commit_finish(struct mf_commit *commit, struct mf_state *state);
void mf_commit_clear(struct mf_commit *commit);

#endif
