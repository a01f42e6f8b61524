/* record.h -- what a user's undo merges back: the texts and the values that
 * the last committed updates replaced. Holds at most MF_RECORDS of them.
 */
#ifndef MF_RECORD_H
#define MF_RECORD_H

#include "../stage/merge.h"
#include "../state.h"

enum { MF_RECORDS = 100 };

/* Before baselines move: the earlier texts of what changes. New reference to
 * a dict path -> bytes. */
PyObject *mf_record_texts(struct mf_plan *plan);
/* The same moment: modules that leave, for mf_stage_bring_back. New list of
 * (name, module, path, text, codes, loads, base, names of definitions that
 * live on in other modules). stage: NULL if nothing was staged. */
PyObject *mf_record_left(struct mf_plan *plan, struct mf_stage *stage,
                         struct mf_match *match);
/* Modules that came: list of (name, module, path). New list. */
PyObject *mf_record_came(struct mf_stage *stage);
/* Push a record to state->records (or, taken: to state->undone): number, texts, replaced values (list of (holder, name, old
 * value, new value or NotImplemented: none, whether the old one was the very
 * object that the source had given)), modules that left, modules that came,
 * a dict of more or NULL. */
int mf_record_push(struct mf_state *state, long number, PyObject *texts,
                   PyObject *replaced, PyObject *left, PyObject *came,
                   PyObject *more, bool taken);
/* The same for a hotfix script, which has changed no text. */
int mf_record_push_script(struct mf_state *state, long number,
                          PyObject *script, PyObject *more, bool taken);
/* What the record's dict `more` has under a name: borrowed, or NULL. */
PyObject *mf_record_more(PyObject *record, const char *name);
/* An update that is no undo: nothing comes again. */
int mf_record_forget_undone(struct mf_state *state);
/* The newest record: borrowed tuple (number, texts, replaced, left, came,
 * more), or NULL. taken: of those that an undo took back. */
PyObject *mf_record_last(struct mf_state *state, bool taken);
/* Before the newest record leaves with its undo (taken: of those that one took
 * back): the dict path -> text, with None for the modules that came and leave
 * again. New reference. */
PyObject *mf_record_sources(struct mf_state *state, PyObject *record,
                            bool taken);
int mf_record_pop(struct mf_state *state, bool taken);

#endif
