/* check.h -- may this be done: collects all reasons over pairs and shapes. A
 * dry run ends here. Repairs nothing.
 */
#ifndef MF_CHECK_H
#define MF_CHECK_H

#include "match.h"
#include "shape.h"

/* Reasons and the shape of every class pair. Before bring home. */
int mf_check_run(struct mf_match *match, struct mf_report *report);

/* Definitions whose kind changed (function to class, to a cache object ...):
 * live old object -> staged new object, to become it wherever it is held.
 * After bring home. Fills `replace` with borrowed pointers. */
int mf_check_replaced(struct mf_match *match, struct mf_map *replace);

#endif
