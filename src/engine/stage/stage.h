/* stage.h -- runs the new version aside, unseen: one staging namespace per
 * module that runs something (a module object of its own over a copy of the
 * live namespace), staging builtins whose __import__ gives staged modules,
 * and the steps run there. With hooks.c the only caller of user code before
 * the point of no return. May fail freely: dropping a stage costs nothing.
 */
#ifndef MF_STAGE_H
#define MF_STAGE_H

#include "../heap/heap.h"
#include "../read/plan.h"
#include "effects_again.h"
#include "guard.h"

/* A module's namespace aside. */
struct mf_staged {
    struct mf_target *target; /* borrowed; NULL: a package that is staged only
                                 because a staged module is its attribute */
    bool started;             /* its steps have begun */
    bool called;              /* live functions have run over dict */
    PyObject *live;           /* the live module object */
    PyObject *live_dict;
    PyObject *module;         /* the staging module object */
    PyObject *dict;           /* its namespace */
    PyObject *before;         /* copy of dict before the first step */
    PyObject *saved;          /* dict: name -> value before a prerequisite
                                 bound it; NULL: none has */
    PyObject *kept;           /* dict: name -> what its statement gave it, where
                                 what lives stays; NULL: none does */
    PyObject *bound;          /* dict: name -> True (bound by an edited
                                 statement) or False (by a derived one or by
                                 an import binding) */
    PyObject *later;          /* list: what names meant until a statement
                                 behind took them back; NULL: none has */
    PyObject *annotated;      /* dict: unit -> set of the annotations that it
                                 ran (3.14+); NULL: none has */
};

/* A member of a class that ran alone. */
struct mf_member {
    struct mf_target *target; /* borrowed */
    uint32_t delta;
    PyObject *cls;            /* the live class */
    PyObject *set;            /* dict: name -> new value */
    PyObject *gone;           /* list: names deleted */
};

/* A module that staging has loaded for real. */
struct mf_loaded {
    PyObject *name, *module, *code, *path, *spec;
    PyObject *search;         /* __path__ of its package, or NULL */
    PyObject *lock;           /* its import lock, entered; NULL: given back */
    PyObject *waits;          /* what tells other threads to wait, or NULL */
    PyObject *parent_dict;    /* where it was set as an attribute, or NULL */
    PyObject *attr;
    PyObject *replaced;       /* what sys.modules had under the name, or NULL */
    PyObject *left;           /* it had left, and returns: its record; else
                                 NULL */
    struct mf_source *noted;  /* its file, once the module is known; borrowed */
};

struct mf_stage {
    /* Does the name keep what lives, whatever the statement at `delta`, which
     * has just run, gave it? Says so in the report. 1 / 0 / -1. NULL: none. */
    int (*stays)(void *arg, struct mf_staged *staged, uint32_t delta,
                 PyObject *name, bool edited);
    void *stays_arg;
    struct mf_state *state;   /* borrowed */
    struct mf_plan *plan;     /* borrowed */
    struct mf_report *report; /* borrowed */
    struct mf_heap_mark mark;
    PyObject *spaces;         /* dict: id of a live class -> the namespace that
                                 its members run in */
    PyObject *builtins;       /* the staging builtins (a dict) */
    PyObject *real_builtins;
    struct mf_vec items;      /* struct mf_staged * */
    struct mf_vec members;    /* struct mf_member * */
    struct mf_vec loaded;     /* struct mf_loaded * */
    struct mf_map by_live;    /* live namespace -> struct mf_staged * */
    struct mf_map strange;    /* namespaces of functions that take no part */
    struct mf_map clones;     /* live function -> its clone over staging */
    struct mf_vec clone_refs; /* strong: original, clone, original, ... */
    struct mf_vec kept;       /* strong: keys of strange */
    struct mf_vec fronted;    /* strong: functions that take other arguments */
    bool resolving;           /* a call is being redirected */
    struct mf_effects effects;
    struct mf_reruns reruns;  /* of the statements that are going to run */
    struct mf_guard guard;
    bool interrupted;         /* KeyboardInterrupt: passed on afterwards */
    bool failed;              /* a module that staged code imports: who imports
                                 it fails for that reason only */
};

/* Run everything that the plan runs. Reasons go to the report. -1 only for
 * errors of our own. */
int mf_stage_run(struct mf_stage *stage, struct mf_state *state,
                 struct mf_plan *plan, struct mf_report *report);
/* Rejected or dry run: loaded modules leave again, effects are taken back. */
void mf_stage_drop(struct mf_stage *stage);
/* Committed: the modules that it has loaded are everybody's. */
void mf_stage_open_modules(struct mf_stage *stage);
/* In the child of a fork, after the drop: nothing redirects its imports, and
 * what it does from now on is its own. */
void mf_stage_abandon(struct mf_stage *stage);
void mf_stage_clear(struct mf_stage *stage);

/* Which live objects the statements that run, or are gone, had made or named:
 * as the plan says now (a derived statement may have been stopped). */
int mf_stage_reruns(struct mf_plan *plan, struct mf_reruns *reruns);

/* The same function over another namespace, with this code and these cells
 * (NULL: none). New reference. */
PyObject *mf_stage_function_over(PyFunctionObject *func, PyObject *code,
                                 PyObject *closure, PyObject *globals);

/* The staged side of a live namespace, borrowed, or NULL. */
struct mf_staged *mf_stage_of(struct mf_stage *stage, PyObject *live_dict);

#endif
