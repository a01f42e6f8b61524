/* stage_parts.h -- what the files of the stage room share. Private to stage*.c.
 */
#ifndef MF_STAGE_PARTS_H
#define MF_STAGE_PARTS_H

#include "stage.h"

struct mf_staged * mf_stage_add_staged(struct mf_stage *stage, PyObject *name, PyObject *live,
           PyObject *live_dict, struct mf_target *target);
/* Modules that are values of a staging namespace become their staged sides. */
int mf_stage_link_modules(struct mf_stage *stage);
/* From begin to end, calls of live functions by staged code run over the
 * staging namespaces. */
int mf_stage_calls_begin(struct mf_stage *stage);
void mf_stage_calls_end(struct mf_stage *stage);
/* For mf_effects.runs; arg: the stage. */
int mf_stage_calls_runs(void *arg, PyFunctionObject *func, PyObject **code,
                        PyObject **globals);
void mf_stage_loaded_free(struct mf_stage *stage, struct mf_loaded *loaded);
int mf_stage_make_builtins(struct mf_stage *stage);
int mf_stage_note_bound(struct mf_staged *staged, PyObject *name, bool edited);
/* One statement of a module, and what the compiler has stored for annotations.
 * 0; 1: it has failed; -1. */
int mf_stage_run_step(struct mf_stage *stage, struct mf_staged *staged,
                      struct mf_delta *delta);
/* All have run: what prerequisites bound anew holds again what it did. */
int mf_stage_restore_names(struct mf_staged *staged);
/* A step of user code failed: its exception is a reason. */
int mf_stage_step_failed(struct mf_stage *stage, struct mf_target *target,
            struct mf_delta *delta);
/* What the step did is read at once; its own exception stays set. */
int mf_stage_read_effects(struct mf_stage *stage);
/* Old texts of statements that run again or are gone: where they had
 * registered something is looked at. Before the first step. */
int mf_stage_look_at_old(struct mf_stage *stage, struct mf_staged *staged);
/* Before the step runs: its effects, and what its old text had registered
 * goes out of what it can reach. own: the names of its class, or NULL. */
int mf_stage_before_step(struct mf_stage *stage, struct mf_staged *staged,
                         struct mf_delta *delta, PyObject *code,
                         PyObject *own);
/* Finders look at their folders again. 0, -1. */
int mf_stage_forget_listings(void);
/* At the end of a stage: the namespaces that threads run over live on. */
void mf_stage_keep_running(struct mf_stage *stage);
/* Is this the module of a file that the update deletes? */
bool mf_stage_is_deleted(struct mf_stage *stage, PyObject *entry);
/* Load a module of the program that is not loaded yet, or whose entry is that
 * of a deleted file (`gone`). search: __path__ of its package, or NULL. 1:
 * loaded, 0: not one of ours, or somebody else has loaded it now, -1. */
int mf_stage_load_new(struct mf_stage *stage, PyObject *name,
                      PyObject *search, PyObject *gone);
/* The module of this namespace, if it is one of those that an undo brings
 * back: borrowed, or NULL. */
PyObject *mf_stage_returns(struct mf_stage *stage, PyObject *dict);
/* Modules of an update that is undone are there again, as they were. */
int mf_stage_bring_back(struct mf_stage *stage);
/* Threads that wait for modules loaded since then go on. rejected: with the
 * module loaded again for them. Keeps the exception that is set. */
void mf_stage_give_since(struct mf_stage *stage, size_t from, bool rejected);
/* Modules loaded since then leave again. */
void mf_stage_unload_since(struct mf_stage *stage, size_t from);
/* A derived step would have started something: it has not run. */
int mf_stage_step_stopped(struct mf_stage *stage, struct mf_target *target,
             struct mf_delta *delta, const char *what, size_t loaded);
/* A member runs alone: over a copy of the class's namespace. */
int mf_stage_run_member(struct mf_stage *stage, struct mf_staged *staged, uint32_t at);
/* A member whose object stays: its __set_name__ is called if its code has
 * changed. */
int mf_stage_name_again(struct mf_stage *stage, struct mf_staged *staged, uint32_t at);
/* Import bindings of one statement: what it had taken from a staged module
 * and what that module has now. */
int mf_stage_run_binds(struct mf_stage *stage, struct mf_staged *staged, uint32_t unit);
/* After a step of a module: what the compiler stores for annotations goes out
 * of the namespace again, the numbers of those that ran are kept (3.14+). */
int mf_stage_annotations_ran(struct mf_staged *staged, uint32_t unit);
/* All steps of one module, unless they have begun. 0; 1: one has failed, now
 * or before; -1. */
int mf_stage_run_target(struct mf_stage *stage, struct mf_staged *staged);

/* The stage whose steps this thread runs now, or NULL; state may be NULL. */
struct mf_stage *mf_stage_of_thread(struct mf_state *state);
/* The one whose steps some thread of this interpreter runs now, or NULL. */
struct mf_stage *mf_stage_current(void);

/* Before a block runs again: names that it binds on some of its ways only are
 * gone, if it does not go that way. */
int mf_stage_forget(struct mf_staged *staged, uint32_t at);
/* A statement has run: names that keep what lives have it again, so that the
 * statements behind it see what they would see when all is done. */
int mf_stage_keep(struct mf_stage *stage, struct mf_staged *staged,
                  uint32_t at);

/* When a module's statements have run: what one binds that has not, behind
 * those, means what it means in the live module. */
int mf_stage_restore_later(struct mf_staged *staged);

#endif
