/* update.h -- one attempt, from request to report. */
#ifndef MF_UPDATE_H
#define MF_UPDATE_H

#include "commit/commit.h"
#include "commit/gone.h"
#include "stage/hooks.h"
#include "state.h"

enum mf_mode { MF_MODE_UPDATE, MF_MODE_DRY_RUN, MF_MODE_PLAN };

/* Everything that belongs to one update, in the order of the flow. */
struct mf_update {
    struct mf_state *state;   /* borrowed */
    enum mf_mode mode;
    struct mf_report report;
    PyObject *paths;          /* set of paths asked for */
    PyObject *sources;        /* dict path -> str or bytes of the host, or of a
                                 record: decoded bytes, None: it leaves; or NULL */
    struct mf_plan plan;
    struct mf_stage stage;
    bool staged;              /* stage holds something */
    struct mf_match match;
    struct mf_merge merge;
    struct mf_commit commit;
    struct mf_gone gone;
    struct mf_hooks hooks;
    PyObject *hook_modules;   /* list of (name, dict), importers first */
    PyObject *hook_classes;   /* list of edited live classes */
    PyObject *texts;          /* earlier texts, for the record */
    PyObject *left;           /* modules that leave, for the record */
    PyObject *waits_for;      /* list of code objects that stragglers run, by
                                 the rule `wait`; NULL: none */
    bool identity;            /* a lever: every file has the text that lives */
    bool abandoned;           /* fork.c: in the child, and the parent's */
    bool saved;               /* asked for by saves alone */
    bool too_early;           /* a file is being saved again: nothing was done */
    bool quiet;               /* no code of the program may run */
    bool declined;            /* quiet, but some would have to: nothing was
                                 done */
    bool alone;               /* a hotfix: takes nothing else with it, and
                                 leaves nothing pending */
    bool warned;              /* the compiler has said what it warns of */
    bool starved;             /* memory ran out: says nothing of the files */
    bool undo_wanted;         /* an after hook failed and the rule is undo */
    PyObject *undo;           /* record that is undone, borrowed, or NULL */
    PyObject *superseded;     /* fixes.c: list of (live, twin, function that will
                                 hold the fix, entries of state->fixed) */
    PyObject *layers;         /* dict path -> layer or None, when committed */
    bool again;               /* it is one that an undo had taken back */
    PyObject *extra;          /* borrowed: dict of more items for the report and
                                 the record, or NULL */
};

/* The whole story. paths: list of str or NULL (every file that differs);
 * sources: dict module name -> text, or NULL; extra: dict of more items for the
 * report, or NULL. Returns the report dict, a new
 * reference; NULL only for wrong calls and errors of our own. */
PyObject *mf_update_run(struct mf_state *state, PyObject *paths,
                        PyObject *sources, enum mf_mode mode,
                        PyObject *extra);
/* The same for files that were saved: one that is being written again by now is
 * left, with all others, to the update that its close asks for. */
PyObject *mf_update_saved(struct mf_state *state, PyObject *paths);
/* Back to what the last committed update replaced (to: -1), or, one update
 * after the other, to what ran when update `to` was the last one. */
PyObject *mf_update_undo(struct mf_state *state, long to, enum mf_mode mode);
/* On the main thread in the middle of its code (handover.h): an update with
 * these paths, if it runs no code of the program; or its plan. *report: its
 * dict, which is to be told to the listener; NULL: it has declined. 0 / -1. */
int mf_update_quietly(struct mf_state *state, PyObject *paths,
                      enum mf_mode mode, PyObject **report);
void mf_update_tell(struct mf_state *state, PyObject *report);
/* Between updates: frames that run older code are tried again. 1: some are
 * left, or an update is under way; 0; -1. */
int mf_update_older(struct mf_state *state);
/* For tests: all files with the text that lives, through all phases. */
PyObject *mf_update_identity(struct mf_state *state);

/* Between update.c and request.c. */
/* A failure of our own machinery before the point of no return is a reason
 * too: the program is untouched. */
int mf_update_failed(struct mf_update *update);
/* The plan, and what it was made on: modules that an undo would have brought
 * back. The exception that is set is lost. */
void mf_update_drop_plan(struct mf_update *update);
/* The mf_update_story. */
int mf_update_story(struct mf_update *update);
PyObject *mf_update_skipped(struct mf_state *state, PyObject *paths);
/* One update, with its turn, its place in the history and its listener.
 * record: of an undo, whose texts go back; NULL without an exception: when its
 * turn came it was not the newest one any more. */
PyObject *mf_update_turn(struct mf_state *state, PyObject *paths,
                         PyObject *sources, enum mf_mode mode,
                         PyObject *record, bool again, PyObject *extra);
/* The lock alone. 1: ours, to be given back; 0: somebody else's and we may not
 * wait; -1. */
int mf_update_take_turn(struct mf_state *state);
void mf_update_give_turn(struct mf_state *state);
/* epochs.c: it is committed: the way back; of an undo, the way forward again. */
int mf_update_push_record(struct mf_update *update);
/* epochs.c: what a dry run can say of the commit, into the report. */
int mf_update_foresee(struct mf_update *update);
/* More items into a report, but for those that are the engine's (layers). */
int mf_update_say(PyObject *report, PyObject *extra);
int mf_update_remember(struct mf_state *state, PyObject *report);
/* A report that is no update's, unless it is NULL: into the history and to the
 * listener, if it is real (no dry run). Takes the reference, gives it back. */
PyObject *mf_update_publish(struct mf_state *state, PyObject *report,
                            bool real);
/* attempts.c: paths into a set of paths. */
int mf_update_add_paths(PyObject *set, PyObject *more);
void mf_update_clear(struct mf_update *update);
/* One attempt with these paths; clears the update. Its report dict in *dict;
 * the outcome, or -1 with an exception. */
int mf_update_attempt(struct mf_update *update, PyObject **dict);
/* With what is pending; if that is rejected, and nothing connects it with
 * what was asked for, without. As above. */
int mf_update_attempt_groups(struct mf_state *state, struct mf_update *update,
                             PyObject *paths, PyObject *sources,
                             PyObject **dict);
/* update_stragglers.c: who will run code that the update replaces; frames that
 * can be moved are prepared. */
int mf_update_find_stragglers(struct mf_update *update);
/* epochs.c: rejected before the engine has seen it. reasons: sequence of
 * (code, text, file or None, line); extra: more items of the report. */
PyObject *mf_update_refuse(struct mf_state *state, PyObject *reasons,
                           enum mf_mode mode, PyObject *extra);

/* collect.c: which files differ, with both sides, into update->plan; or it is too
 * early for that. */
int mf_collect_changes(struct mf_update *update);
/* Paths of all sources whose file differs from the baseline, as a set. */
PyObject *mf_collect_all(struct mf_state *state);
/* A file that the update takes as gone and that is there by now: a reason to
 * reject it, and to try again. */
int mf_collect_returned(struct mf_update *update);

#endif
