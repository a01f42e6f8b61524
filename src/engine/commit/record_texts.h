/* record_texts.h -- the earlier texts in the memory of undo. They cost what
 * the edits cost, not what the files do: whole is a file's text in the newest
 * record that has one; in each older record it is what differs from the text
 * of the next newer one.
 *
 * Records are those of record.h, oldest first; only they are read, so that it
 * does not matter what else becomes of a source meanwhile.
 */
#ifndef MF_RECORD_TEXTS_H
#define MF_RECORD_TEXTS_H

#include "../state.h"

/* The newest record was just added: what it has whole, older ones need not
 * have. Where there is no memory for that, they stay as they are. Raises
 * nothing. */
void mf_record_texts_shrink(PyObject *records);
/* The newest record may leave: for each of its files the next older text is
 * made whole. 0; -1: no memory, and every text can still be had. */
int mf_record_texts_uncover(PyObject *records);

#endif
