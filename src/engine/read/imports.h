/* imports.h -- notices what the program imports: the audit hook that hands us
 * every module's code object before it runs, the finder that lets us see the
 * end of an import, and the look-up of live modules by file.
 */
#ifndef MF_IMPORTS_H
#define MF_IMPORTS_H

#include "source.h"

/* Begin: audit hook, finder on sys.meta_path, baselines of what is loaded.
 * Idempotent. */
int mf_imports_start(struct mf_state *state);
/* Takes the finder from sys.meta_path (the audit hook cannot be taken away;
 * it does nothing any more). */
void mf_imports_stop(struct mf_state *state);

/* Brings source->modules up to date with sys.modules: those of this file
 * that are loaded now. *importing: at least one is still being imported (it
 * is left out). */
int mf_imports_modules(struct mf_state *state, struct mf_source *source,
                       bool *importing);

/* The same for a source whose code has run and that no module is known of:
 * a main module, one that another loader made. Once. 0 / -1. */
int mf_imports_look_up(struct mf_state *state, struct mf_source *source);

/* A module that staging has loaded: note it as an import would have. `code`
 * is its module code. Returns the record, borrowed, or NULL. */
struct mf_module *mf_imports_note(struct mf_state *state,
                                  struct mf_source *source, PyObject *name,
                                  PyObject *dict, PyObject *code);
/* Forget a module (it was deleted, or its staging rejected). */
void mf_imports_forget(struct mf_state *state, struct mf_source *source,
                       struct mf_module *module);

/* Seen by the audit hook on the staging thread; stage.c sets it. Returns -1
 * with an exception to stop what was about to start. */
typedef int (*mf_imports_audit)(struct mf_state *state, const char *event,
                                PyObject *args);
extern mf_imports_audit mf_imports_on_audit;

/* Adds the finder type to the module (at module exec). */
int mf_imports_init(struct mf_state *state, PyObject *engine_module);
/* The runtime has ended, and the audit hook with it. */
void mf_imports_forget_hook(void);

#endif
