/* register.h -- what follows from statements that ran again or are gone, in
 * the program's own containers: registrations stand there once. Computes
 * writes, writes nothing.
 */
#ifndef MF_REGISTER_H
#define MF_REGISTER_H

#include "merge.h"

/* Adds writes to merge. Reads containers as they are now: to be called where
 * no other thread runs before the commit. Reasons go to the report. */
int mf_register_run(struct mf_merge *merge);

#endif
