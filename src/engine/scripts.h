/* scripts.h -- hotfix scripts: run aside, their changes found by comparison,
 * committed at once; the same changes made and taken back any number of times.
 */
#ifndef MF_SCRIPTS_H
#define MF_SCRIPTS_H

#include "engine.h"

struct mf_undo;

/* What Python gives: see _engine.pyi. */
struct mf_script_call {
    PyObject *steps;  /* list of code objects, in order */
    PyObject *space;  /* the dict that they run over */
    PyObject *reach;  /* callable(index) -> list of objects to watch */
    PyObject *pair;   /* callable(changes) -> list of (live, new) */
    PyObject *settle; /* callable(changes, swaps) -> dict */
    PyObject *extra;  /* dict of more items for the report, or NULL */
};

/* mode: enum mf_mode (update.h). */

PyObject *mf_script_run(struct mf_state *state, struct mf_script_call *call,
                        int mode);
enum mf_script_way { MF_SCRIPT_BACK, MF_SCRIPT_AGAIN, MF_SCRIPT_FIRST };

/* The changes of a script, (swaps, parts, caches): made, taken back, or made
 * again. Logged in `undo`, whose owner
 * replays it when -1 comes back. *left: how many were left alone because
 * somebody has changed the same since. */
int mf_script_flip(struct mf_undo *undo, PyObject *script,
                   enum mf_script_way how, Py_ssize_t *left);
/* Epochs: a committed script taken back, or made again. The report dict; NULL
 * without an exception: `record` was not the next one any more when its turn
 * came. */
PyObject *mf_script_again(struct mf_state *state, PyObject *record,
                          PyObject *script, bool forward, int mode,
                          PyObject *extra);
/* What is live of scripts: state->fixed, list of (live function, twin with
 * what it ran before, id, name). */
int mf_script_note(struct mf_state *state, PyObject *script, bool forward);

#endif
