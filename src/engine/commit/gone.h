/* gone.h -- what statements that are gone leave behind: functions that
 * somebody holds still, classes with instances or subclasses, and whatever a statement did besides binding names.
 */
#ifndef MF_GONE_H
#define MF_GONE_H

#include "../stage/merge.h"

struct mf_gone {
    PyObject *found; /* list of (namespace, full name, function or class,
                        module name, path, name) */
};

/* Before the commit, while the names still mean them; notes statements whose
 * effects cannot be known. */
int mf_gone_find(struct mf_gone *gone, struct mf_match *match,
                 struct mf_report *report);
/* After it: who holds them now, besides the update itself. One walk of the
 * heap, and only if somebody does. -1: an exception, nothing is lost. */
int mf_gone_report(struct mf_gone *gone, struct mf_merge *merge,
                   struct mf_report *report);
void mf_gone_clear(struct mf_gone *gone);

#endif
