/* baseline.h -- moves what the process runs on: texts, statements, code
 * objects, values of base. Moves on commit only.
 */
#ifndef MF_BASELINE_H
#define MF_BASELINE_H

#include "../stage/merge.h"

/* The statement of the old text that only moved (its functions shift by
 * *delta lines), or NULL. */
const struct mf_unit *mf_baseline_shifted(const struct mf_diff *diff,
                                          uint32_t delta_index, int *delta);
/* For every target (in order) the list of code objects that will live. */
PyObject *mf_baseline_codes(struct mf_plan *plan);
/* Modules that the edit has loaded get a baseline, which they lose again if
 * the update is not committed. */
int mf_baseline_note_new(struct mf_stage *stage);
void mf_baseline_forget_new(struct mf_stage *stage);
/* A module that returns (left: one of mf_record_left) has the baseline that it
 * left with: its source, borrowed. */
struct mf_source *mf_baseline_note_returned(struct mf_state *state,
                                            PyObject *left);
/* At the end of an undo of this record: those that have not returned lose it.
 * The exception that is set is lost. */
void mf_baseline_forget_returned(struct mf_state *state, PyObject *record);
/* After apply: the new side becomes the baseline. Never fails: what cannot be
 * kept for want of memory is forgotten. */
void mf_baseline_move(struct mf_state *state, struct mf_plan *plan,
                      struct mf_merge *merge, PyObject *new_codes);

#endif
