/* fixes.h -- hotfixes that are in force, and what an update of their files means
 * for them: a definition that the new text does not touch keeps its fix, one
 * that it touches is the file's again, and the report says so.
 */
#ifndef MF_FIXES_H
#define MF_FIXES_H

#include "engine.h"

struct mf_source;
struct mf_text;

/* A hotfix was made from the texts in extra["expects"] (path -> bytes): a
 * reason for each that runs no more. 0 / -1. */
int mf_fixes_expect(struct mf_update *update);
/* A file's new text as far as hotfixes leave it: patches stand over the file.
 * May exchange *text; notes go to the report. 1: nobody may ask now (quiet);
 * 0; -1. */
int mf_fixes_layer(struct mf_update *update, struct mf_source *source,
                   struct mf_text *text);
/* Prepared, before the point of no return: functions that scripts have
 * redefined. Directs exchanges to the right one of the two; an undo of an
 * update that had superseded some brings them back. */
int mf_fixes_settle(struct mf_update *update);
/* Committed: what is in force now. New reference to the dict that the update's
 * record needs. */
PyObject *mf_fixes_commit(struct mf_update *update);
void mf_fixes_clear(struct mf_update *update);

#endif
