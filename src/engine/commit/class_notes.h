/* class_notes.h -- what the compiler notes in a class for tools (3.13+):
 * __firstlineno__ and __static_attributes__. A class statement that runs gets
 * them new; this is for classes that live on: moved, or edited by member.
 */
#ifndef MF_CLASS_NOTES_H
#define MF_CLASS_NOTES_H

#include "../read/plan.h"
#include "undo.h"

struct mf_class_notes {
    struct mf_vec writes; /* strong, by threes: class, name, value */
};

/* Collects the writes of all targets. Legal on a zeroed struct. */
int mf_class_notes_find(struct mf_class_notes *notes, struct mf_plan *plan);
int mf_class_notes_apply(struct mf_class_notes *notes, struct mf_undo *undo);
void mf_class_notes_clear(struct mf_class_notes *notes);

#endif
