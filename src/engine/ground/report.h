/* report.h -- what one update says about itself: outcome, entries with stable
 * codes, phase timings. Lives in mf_update; becomes a dict for Python.
 */
#ifndef MF_REPORT_H
#define MF_REPORT_H

#include "../engine.h"

enum mf_outcome {
    MF_SKIPPED,
    MF_COMMITTED,
    MF_REJECTED,
    MF_ROLLED_BACK
};

enum mf_phase {
    MF_PHASE_READ,
    MF_PHASE_PLAN,
    MF_PHASE_STAGE,
    MF_PHASE_MATCH,
    MF_PHASE_CHECK,
    MF_PHASE_PREPARE,
    MF_PHASE_COMMIT,
    MF_PHASE_FINISH,
    MF_PHASE_COUNT_
};

/* What a dry run can say of the commit. */
struct mf_foreseen {
    bool known;
    Py_ssize_t references; /* that follow what is redefined in place */
    Py_ssize_t instances;  /* that get another layout */
    double pause_ms;       /* how long others would stand still */
};

/* Which list of the report an entry stands in; the code's hundreds say it. */
struct mf_report {
    enum mf_outcome outcome;
    long number;
    PyObject *changed, *kept, *notes, *reasons, *stragglers, *files, *plan;
    int64_t spent[MF_PHASE_COUNT_]; /* ns */
    int64_t started, total, pause;  /* ns */
    struct mf_foreseen foreseen;
    bool dry_run;
};

int mf_report_init(struct mf_report *report);
void mf_report_clear(struct mf_report *report);

/* Add an entry. code: 101 ... 999 (the hundreds choose the list: 1 changed,
 * 2 kept, 3 notes, 4 and 9 reasons, 5 stragglers). op: '~' '+' '-' '='.
 * module, name, path: str or NULL (borrowed). line: 0 for none. text:
 * printf-style of PyUnicode_FromFormat. */
int mf_report_add(struct mf_report *report, int code, char op,
                  PyObject *module, PyObject *name, PyObject *path, long line,
                  const char *format, ...);
/* The update stands, but something after it failed with the exception that is
 * set: a note has it. Never fails. */
void mf_report_late(struct mf_report *report);
/* Add the current exception as a reason (and clear it): file and line of the
 * innermost frame or of the SyntaxError; path/line are the fallback. */
int mf_report_exception(struct mf_report *report, int code, PyObject *module,
                        PyObject *name, PyObject *path, long line);
Py_ssize_t mf_report_reasons(const struct mf_report *report);
/* New reference to the dict of API contract; running: number that is live. */
PyObject *mf_report_dict(struct mf_report *report, long running);

#endif
