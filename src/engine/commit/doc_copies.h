/* doc_copies.h -- docstrings that wrappers and descriptors have copied from the
 * function behind them: a property, functools.wraps, cached_property,
 * classmethod. The function takes new code and nothing of its statement runs.
 */
#ifndef MF_DOC_COPIES_H
#define MF_DOC_COPIES_H

#include "commit.h"

/* For prepare, when the exchanges are known: adds merge's writes. */
int mf_doc_copies_find(struct mf_commit *commit);

#endif
