/* guard.h -- what staged code starts that nobody can take back: threads,
 * processes, listeners, connections, files opened for writing. A derived step
 * is stopped before the start, and leaves nothing; what any other step has
 * started is listed, for the report of an update that is rejected.
 */
#ifndef MF_GUARD_H
#define MF_GUARD_H

#include "../ground/report.h"
#include "../read/imports.h"
#include "effects.h"

struct mf_guard {
    struct mf_state *state;  /* borrowed; NULL: not open */
    unsigned long thread;    /* the one that is looked at */
    struct mf_guard_step *step; /* the derived step under way, or NULL */
    PyObject *started;       /* list of str: what was not stopped */
    PyObject *real_start;    /* of threads, where there is no audit event */
    PyObject *front;         /* what stands there meanwhile */
};

/* One step; lives on the stack of who runs it. Steps nest. */
struct mf_guard_step {
    struct mf_guard_step *outer;
    bool derived;
    PyObject *space, *names; /* the namespace that it runs in, and a copy */
    PyObject *bound, *known; /* another dict of the step, and a copy */
    const char *what;        /* it would have started this; static; or NULL */
};

/* From here on this thread is looked at. To be closed, also if it was never
 * opened. One at a time. */
int mf_guard_open(struct mf_guard *guard, struct mf_state *state);
void mf_guard_close(struct mf_guard *guard);

/* Around a step. bound may be NULL. */
int mf_guard_begin(struct mf_guard *guard, struct mf_guard_step *step,
                   bool derived, PyObject *space, PyObject *bound);
/* Right after it ran, its exception still set. 0: go on; 1: it was stopped,
 * and it and its exception have been taken back (effects->open still holds);
 * -1. */
int mf_guard_end(struct mf_guard *guard, struct mf_guard_step *step,
                 struct mf_effects *effects);

/* The update is not committed: what cannot be taken back goes to the notes. */
int mf_guard_report(struct mf_guard *guard, struct mf_report *report);

#endif
