/* plan.h -- deltas and rules turned into what will be done: which statements
 * run, in which modules, in which order; which import bindings follow; which
 * modules leave. Pure data, printable; runs nothing.
 */
#ifndef MF_PLAN_H
#define MF_PLAN_H

#include "diff.h"
#include "graph.h"
#include "imports.h"
#include "../ground/report.h"

enum mf_change_kind {
    MF_CHANGE_NONE,   /* not edited: an importer that has to follow */
    MF_CHANGE_EDITED,
    MF_CHANGE_DELETED
};

/* One file of the update, with both sides. */
struct mf_change {
    uint8_t kind;             /* enum mf_change_kind */
    struct mf_source *source; /* borrowed: the state owns it */
    struct mf_text text;      /* new side */
    PyObject *given;          /* a module's code object instead of it, strong:
                                 the text is the old side's; NULL */
    struct mf_split split;    /* of text */
    int flags;                /* __future__ flags of text */
    struct mf_diff diff;
    struct mf_edges edges;    /* imports of the new side */
    struct mf_edges old_edges; /* of the old side, if edited */
    PyObject *taint;          /* dict: name -> True (its value is replaced) or
                                 False (its function's own code differs, so
                                 that calls at import time give something
                                 else). "alias.attr" for what is reached
                                 through an imported module. */
    PyObject *fresh;          /* list: names of taint not yet followed */
    PyObject *unproved;       /* dict: name of taint (False) -> index of the
                                 delta whose text is all that says so; -1: its
                                 own code proved to be the same. NULL: none */
    struct mf_vec targets;    /* struct mf_target *, one per live module */
    uint32_t visit;           /* order: when it was come to, from 1 on */
    uint32_t low;             /* order: the first one that it leads back to */
    uint32_t group;           /* order: modules that import each other at the
                                 top level have the same; 0: not ordered */
    struct {                  /* plan_main.c: where the main module's own code
                                 is; lines in the old and in the new text */
        bool known;
        uint32_t old_line;    /* 0: it does not run (any more) */
        uint32_t new_line;    /* of the first statement that has not ended */
    } main;
};

/* One live module of a change. */
struct mf_target {
    struct mf_module *module; /* borrowed: the source owns it */
    struct mf_change *change; /* borrowed: the plan owns it */
    PyObject *binds;          /* list of edge numbers (int): import bindings
                                 that may follow */
    struct mf_map exchange;   /* live code object -> new code object, for
                                 every function of an edited statement, nested
                                 ones too; borrowed from code_refs */
    struct mf_vec code_refs;  /* strong */
};

struct mf_plan {
    struct mf_vec changes;    /* struct mf_change *, owned */
    struct mf_vec targets;    /* struct mf_target *, owned, in the order in
                                 which they are staged */
    PyObject *returns;        /* borrowed: list of records (mf_record_left) of
                                 modules that an undo brings back, or NULL */
    bool stages;              /* something runs, follows or returns */
    size_t most;              /* changed statements of a file; 0: any number */
    bool is_given_up;         /* more, or an error: not planned (most > 0) */
    struct mf_breath breath;  /* planning lets other threads run */
};

/* The change of a source in this plan; made (as NONE) if create. Borrowed.
 * NULL with an exception, or without one if there is none. */
struct mf_change *mf_plan_change(struct mf_plan *plan,
                                 struct mf_source *source, bool create);
/* Is it the namespace of a module of a file that is deleted? */
bool mf_plan_deletes(const struct mf_plan *plan, PyObject *dict);
/* Compares and plans all that is edited. Reasons go to the report. */
int mf_plan_make(struct mf_state *state, struct mf_plan *plan,
                 struct mf_report *report);
/* A module returns (undo): those of its definitions that other modules have
 * had since then are made again by their statements. */
int mf_plan_give_back(struct mf_plan *plan, struct mf_source *source,
                      PyObject *names);
/* Pair the live code objects of every edited statement with the new ones
 * (fills target->exchange). Needs module->codes. */
int mf_plan_pair_codes(struct mf_plan *plan);
/* The target that is the main module, or NULL. Loops and the like at its top
 * level are the program itself, not values that it derives. */
struct mf_target *mf_plan_main_of(struct mf_change *change);
/* What the main module's own code will go on with although the edit changes
 * it: stragglers; reasons too, if they are to be rejected. */
int mf_plan_report_main(struct mf_plan *plan, struct mf_report *report,
                        bool reject);
/* Does a code object do what the source's text does when it runs, but for what
 * functions do when they are called? 1 / 0 / -1. */
int mf_plan_given_fits(struct mf_source *source, PyObject *given);
/* Lets the compiler say what it warns of in the edited text. One that is an error
 * by the program's filters is a reason. Code of the program may run. 0 / -1. */
int mf_plan_warn(struct mf_plan *plan, struct mf_report *report);
/* Put lines for people into report->plan. */
int mf_plan_describe(struct mf_plan *plan, struct mf_report *report);
void mf_plan_clear(struct mf_plan *plan);

/* "Class.method" of a unit (new side if it has one). New reference. */
PyObject *mf_plan_unit_name(struct mf_change *change, struct mf_delta *delta);
/* Line of a delta's unit in the side that it has. */
long mf_plan_unit_line(struct mf_change *change, struct mf_delta *delta);
/* Index of the class's delta by its qualified name, or MF_UNIT_NONE. */
uint32_t mf_plan_class_delta(struct mf_change *change, PyObject *qualname);
/* The word of a `# midflight: word` comment on the statement. New reference,
 * NULL (without exception) if there is none. */
PyObject *mf_plan_comment_rule(const struct mf_compile_unit_of *of,
                               uint32_t unit);
/* The configured rule for module:NAME, most specific pattern first. New
 * reference or NULL. */
PyObject *mf_plan_data_rule(struct mf_state *state, PyObject *module,
                            PyObject *name);
/* Is the name that a gone or changed statement bound still bound by another
 * statement of the new text? 1 / 0 / -1. */
int mf_plan_bound_elsewhere(struct mf_change *change, struct mf_delta *delta,
                            PyObject *name);
/* Does a statement that does not run bind (or delete) the name behind all that
 * do? Then what is staged is not what the module ends with. */
bool mf_plan_bound_later(struct mf_change *change, PyObject *name);
/* Does a metaclass other than type, or an __init_subclass__ of a base, run
 * when this class is made? */
bool mf_plan_hooks_making(PyObject *cls);
/* Plain data, an immutable value, a function or a class: a derived statement
 * that has bound this may run again. */
bool mf_plan_is_plain(PyObject *value, int depth);
/* A builtin that computes and has no effect. */
bool mf_plan_is_safe_builtin(PyObject *name);
/* The statement has failed when it ran again (a metaclass refuses to make the
 * class twice): may its methods be changed alone? Then the update is tried
 * again. 1 / 0 / -1. */
int mf_plan_refused(struct mf_change *change, struct mf_delta *delta);
/* Every class that has run as a whole and might have run otherwise: what it was
 * made of is held where nobody can follow it. 0 / -1 */
int mf_plan_refuse_all(struct mf_plan *plan);
/* The live class that a class unit of the change stands for, borrowed, or
 * NULL without exception. */
PyObject *mf_plan_live_class(struct mf_target *target, struct mf_delta *delta);

#endif
