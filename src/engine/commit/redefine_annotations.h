/* redefine_annotations.h -- the annotations of a module's scope: from 3.14 on
 * one __annotate__ function for all of them, made anew when one has changed;
 * before, a dict that loses what no statement annotates any more. A class
 * with annotations runs as a whole and has no need of this.
 */
#ifndef MF_REDEFINE_ANNOTATIONS_H
#define MF_REDEFINE_ANNOTATIONS_H

#include "../stage/stage.h"
#include "undo.h"

/* Adds to `writes`, strong references by threes: namespace, name, and value
 * or None, which deletes. stage: NULL if nothing ran. */
int mf_redefine_annotations_prepare(struct mf_vec *writes,
                                    struct mf_plan *plan,
                                    struct mf_stage *stage);
int mf_redefine_annotations_apply(struct mf_vec *writes,
                                  struct mf_undo *undo);

#endif
