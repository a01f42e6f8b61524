/* hooks.h -- the user's own hooks: __before_update__ in old modules and
 * classes, __migrate__ in new classes, __after_update__ in new modules and
 * classes; and the `update` object that they are given (a Python type,
 * midflight._engine.Update, with number, modules, data, outcome, old).
 * With stage.c the only caller of user code. What a hook's error means is
 * said in the report here: before and migrate hooks are reasons, after hooks
 * notes.
 *
 * A hook is looked up without running anything: in the module's namespace;
 * in the class and, if it is a classmethod and so is told for which class it
 * runs, in the classes that it inherits from.
 */
#ifndef MF_HOOKS_H
#define MF_HOOKS_H

#include "../ground/report.h"
#include "../ground/table.h"

enum mf_hooks_code {
    MF_HOOKS_AFTER_FAILED = 303,
    MF_HOOKS_VETO = 411,
    MF_HOOKS_BEFORE_FAILED = 412,
    MF_HOOKS_MIGRATE_FAILED = 413
};

struct mf_hooks {
    PyObject *update;         /* what every hook is called with */
    struct mf_report *report; /* borrowed until clear */
    PyObject *ran;            /* list of (module name, class or None,
                                 namespace): before hook is through */
    bool interrupted;         /* a hook ended by Ctrl-C, which the caller
                                 passes on when the update is over */
};

/* modules: names of all modules of the update, any sequence. */
int mf_hooks_init(struct mf_hooks *hooks, struct mf_report *report,
                  long number, PyObject *modules);
void mf_hooks_clear(struct mf_hooks *hooks); /* legal on a zeroed struct */

/* In all of these: modules is a list of tuples (name, namespace dict), always
 * importers before what they import; classes is a list of class objects;
 * either may be NULL. A class comes with its module (by its __module__).
 * Return 0, or -1 for errors of our own; what hooks raise goes to the
 * report. */

/* Has any of them a before or after hook? Runs none. */
bool mf_hooks_any(PyObject *modules, PyObject *classes);
/* In the order of the list; a module before its classes. Ends at the first
 * hook that fails: that is a reason, so look at mf_report_reasons. */
int mf_hooks_before(struct mf_hooks *hooks, PyObject *modules,
                    PyObject *classes);
/* From the end of the list, so imported modules first; a module after its
 * classes. outcome: what update.outcome tells, "committed". *failed (may be
 * NULL): how many failed. */
int mf_hooks_after(struct mf_hooks *hooks, PyObject *modules,
                   PyObject *classes, const char *outcome, int *failed);
/* The update does not happen: the old side's __after_update__ of all whose
 * before hook is through, last first, with outcome "rejected". */
int mf_hooks_rejected(struct mf_hooks *hooks);

/* Has this class a __migrate__, its own or an inherited one? 1 / 0. */
int mf_hooks_can_migrate(PyTypeObject *new_class);
/* __migrate__ of new_class, or `hook` in its place, on `copy`, with
 * update.old = `old`. 1: it failed, the reason is in the report; 0: done, or
 * there is none; -1: error. *result (NULL: not asked for) is what it returned,
 * a new reference, or NULL. */
int mf_hooks_migrate(struct mf_hooks *hooks, PyTypeObject *new_class,
                     PyObject *hook, PyObject *copy, PyObject *old,
                     PyObject **result);

#endif
