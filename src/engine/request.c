/* request.c -- owns the lock and what is asked for: one update at a time,
 * pending files and their groups, holds, undo, the report to the listener. In:
 * calls from args.c. Out: calls of mf_update_story with the paths of one
 * attempt.
 */
#include "update.h"

#include "commit/redefine_older.h"
#include "commit/record.h"
#include "fixes.h"
#include "ground/fault.h"
#include "ground/trace.h"
#include "read/imports.h"
#include "watching.h"

/* Is this thread inside an import? Then it must not wait for another one's
 * update, which may need the import lock that it holds. */
static bool
is_inside_import(void)
{
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    bool inside = false;
    while (frame != NULL && !inside) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        inside = PyUnicode_CompareWithASCIIString(
                     code->co_filename, "<frozen importlib._bootstrap>") == 0;
        Py_DECREF(code);
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    return inside;
}

/* One update at a time in this interpreter. Waiters sleep with the GIL
 * released. 1: ours; 0: somebody else's and we may not wait; -1: interrupted. */
int
mf_update_take_turn(struct mf_state *state)
{
    unsigned long me = PyThread_get_thread_ident();
    bool busy = state->busy_thread != 0;
    if (state->busy_thread == me ||
        ((busy || state->inside_imports <= 0) && is_inside_import())) {
        return 0;
    }
    while (state->busy_thread != 0) {
        if (state->turn == NULL &&
            (state->turn = PyThread_allocate_lock()) == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        PyLockStatus got;
        Py_BEGIN_ALLOW_THREADS
        got = PyThread_acquire_lock_timed(state->turn, 50000, 1);
        if (got == PY_LOCK_ACQUIRED) {
            PyThread_release_lock(state->turn);
        }
        Py_END_ALLOW_THREADS
        if (got == PY_LOCK_INTR && PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
    if (state->turn == NULL &&
        (state->turn = PyThread_allocate_lock()) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    PyThread_acquire_lock(state->turn, NOWAIT_LOCK);
    state->busy_thread = me;
    return 1;
}

void
mf_update_give_turn(struct mf_state *state)
{
    if (state->busy_thread == PyThread_get_thread_ident()) {
        state->busy_thread = 0;
        PyThread_release_lock(state->turn);
    } /* else forked meanwhile, and not ours any more */
}

static void
update_clear(struct mf_update *update)
{
    mf_gone_clear(&update->gone);
    mf_commit_clear(&update->commit);
    mf_merge_clear(&update->merge);
    mf_match_clear(&update->match);
    mf_stage_clear(&update->stage);
    mf_update_drop_plan(update);
    mf_hooks_clear(&update->hooks);
    mf_report_clear(&update->report);
    Py_CLEAR(update->hook_modules);
    Py_CLEAR(update->hook_classes);
    Py_CLEAR(update->texts);
    Py_CLEAR(update->left);
    Py_CLEAR(update->waits_for);
    Py_CLEAR(update->paths);
    Py_CLEAR(update->sources);
    mf_fixes_clear(update);
}

static int
add_paths(PyObject *set, PyObject *more)
{
    if (PyAnySet_Check(more) && PySet_GET_SIZE(more) == 0) {
        return 0;
    }
    PyObject *done = PyObject_CallMethod(set, "update", "O", more);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* A code object says in which file its lines are: the module's, as importing
 * does with code from a cache. */
static int
fix_file(PyObject *code, PyObject *path)
{
    if (PyUnicode_Compare(((PyCodeObject *)code)->co_filename, path) == 0) {
        return 0;
    }
    PyObject *module = PyImport_ImportModule("_imp");
    PyObject *done = module ? PyObject_CallMethod(module, "_fix_co_filename",
                                                  "OO", code, path)
                            : NULL;
    Py_XDECREF(module);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* Modules whose source the host gives: their paths. */
static int
take_sources(struct mf_update *update, PyObject *sources)
{
    update->sources = PyDict_New();
    PyObject *name, *text, *modules = PyImport_GetModuleDict();
    Py_ssize_t pos = 0;
    if (update->sources == NULL) {
        return -1;
    }
    if (update->undo != NULL) {
        /* an undo's record has paths */
        return PyDict_Update(update->sources, sources) < 0 ||
                       add_paths(update->paths, sources) < 0
                   ? -1
                   : 0;
    }
    while (PyDict_Next(sources, &pos, &name, &text)) {
        if (mf_source_find(update->state, name) != NULL) {
            /* what has waited is known by its path already */
            if (PyDict_SetItem(update->sources, name, text) < 0 ||
                PySet_Add(update->paths, name) < 0) {
                return -1;
            }
            continue;
        }
        if (PyErr_Occurred()) {
            return -1;
        }
        PyObject *entry = PyDict_GetItemWithError(modules, name);
        PyObject *dict = entry && PyModule_Check(entry)
                             ? PyModule_GetDict(entry)
                             : NULL;
        PyObject *file = dict ? PyDict_GetItemString(dict, "__file__") : NULL;
        if (file == NULL || !PyUnicode_Check(file)) {
            PyErr_Format(PyExc_ValueError,
                         "sources: %R is not a loaded module with a file",
                         name);
            return -1;
        }
        PyObject *path = mf_source_absolute(file);
        bool is_text = PyUnicode_Check(text);
        if (!is_text && !PyBytes_Check(text) && !PyCode_Check(text)) {
            PyErr_Format(PyExc_TypeError,
                         "sources[%R] must be str, bytes or a code object, "
                         "not %s",
                         name, Py_TYPE(text)->tp_name);
        }
        bool legal = is_text ? PyUnicode_AsUTF8(text) != NULL
                             : !PyErr_Occurred();
        legal = legal && (path == NULL || !PyCode_Check(text) ||
                          fix_file(text, path) == 0);
        int rc = path && legal &&
                         PyDict_SetItem(update->sources, path, text) == 0 &&
                         PySet_Add(update->paths, path) == 0
                     ? 0
                     : -1;
        Py_XDECREF(path);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

/* What is asked for now, and was while another update or a hold was under
 * way. */
static int
gather(struct mf_update *update, PyObject *paths, PyObject *sources)
{
    struct mf_state *state = update->state;
    update->paths = PySet_New(NULL);
    if (update->paths == NULL) {
        return -1;
    }
    if (paths == NULL && sources == NULL) {
        PyObject *all = mf_collect_all(state);
        int rc = all ? add_paths(update->paths, all) : -1;
        Py_XDECREF(all);
        if (rc < 0) {
            return -1;
        }
    }
    if ((paths != NULL && add_paths(update->paths, paths) < 0) ||
        (sources != NULL && take_sources(update, sources) < 0)) {
        return -1;
    }
    if (update->alone) {
        return 0;
    }
    if (add_paths(update->paths, state->queued) < 0) {
        return -1;
    }
    return update->mode == MF_MODE_UPDATE && !update->identity
               ? PySet_Clear(state->queued)
               : 0;
}

PyObject *
mf_update_skipped(struct mf_state *state, PyObject *paths)
{
    if (paths != NULL && add_paths(state->queued, paths) < 0) {
        return NULL;
    }
    struct mf_report report;
    if (mf_report_init(&report) < 0) {
        return NULL;
    }
    report.number = state->number;
    PyObject *dict = mf_report_dict(&report, state->running);
    mf_report_clear(&report);
    return dict;
}

void
mf_update_tell(struct mf_state *state, PyObject *report)
{
    if (state->listener == NULL) {
        return;
    }
    PyObject *listener = Py_NewRef(state->listener);
    PyObject *done = PyObject_CallOneArg(listener, report);
    if (done == NULL) {
        PyErr_WriteUnraisable(listener);
    }
    Py_XDECREF(done);
    Py_DECREF(listener);
}

int
mf_update_remember(struct mf_state *state, PyObject *report)
{
    if (PyList_Append(state->history, report) < 0) {
        return -1;
    }
    Py_ssize_t n = PyList_GET_SIZE(state->history);
    return n > 100 ? PyList_SetSlice(state->history, 0, n - 100, NULL) : 0;
}

/* Rejected whatever it is: this Python is not one that we know. */
static PyObject *
unsupported(struct mf_state *state, PyObject *paths, enum mf_mode mode)
{
    struct mf_report report;
    if (mf_report_init(&report) < 0) {
        return NULL;
    }
    bool real = mode == MF_MODE_UPDATE;
    report.number = real ? ++state->number : state->number + 1;
    report.dry_run = !real;
    report.outcome = MF_REJECTED;
    PyObject *dict = NULL;
    if ((paths == NULL ||
         PyList_SetSlice(report.files, 0, 0, paths) == 0) &&
        mf_report_add(&report, 903, '=', NULL, NULL, NULL, 0, "%U",
                      state->unsupported) == 0) {
        dict = mf_report_dict(&report, state->running);
    }
    mf_report_clear(&report);
    if (dict != NULL && real) {
        if (mf_update_remember(state, dict) < 0) {
            Py_CLEAR(dict);
        }
        else {
            mf_update_tell(state, dict);
        }
    }
    return dict;
}

/* It came to no outcome: its files are asked for again by the next one. The
 * exception that is set stays. */
static void
ask_again(struct mf_update *update)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    if (update->paths != NULL && update->mode == MF_MODE_UPDATE &&
        !update->identity && update->undo == NULL && !update->alone &&
        add_paths(update->state->queued, update->paths) < 0) {
        PyErr_WriteUnraisable(update->paths);
    }
    PyErr_Restore(type, value, tb);
}

/* One attempt with these paths: its report dict in *dict. Returns the
 * outcome, -1 with an exception. */
static int
attempt(struct mf_update *update, PyObject **dict)
{
    struct mf_state *state = update->state;
    *dict = NULL;
    state->staging = update;
    int rc = mf_update_story(update);
    state->staging = NULL;
    update->report.total = mf_trace_now() - update->report.started;
    if (rc == 0) {
        *dict = mf_report_dict(&update->report, state->running);
    }
    int outcome = (int)update->report.outcome;
    if (*dict == NULL) {
        ask_again(update);
    }
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    /* A staged class refers to itself: it would live until the collector
     * comes. Where the program has turned that off, it comes never. */
    bool collect = update->stage.mark.is_set && update->stage.mark.was_enabled;
    update_clear(update);
    PyErr_Restore(type, value, tb);
    if (collect) {
        mf_heap_collect_young();
    }
    return *dict == NULL ? -1 : outcome;
}

/* Pending files that were not asked for now: a new list, and whether some
 * import connects them with the others. */
static int
pending_apart(struct mf_state *state, PyObject *asked, PyObject **apart)
{
    *apart = PySet_New(state->pending);
    PyObject *done =
        *apart ? PyObject_CallMethod(*apart, "difference_update", "O", asked)
               : NULL;
    Py_XDECREF(done);
    if (done == NULL) {
        Py_CLEAR(*apart);
        return -1;
    }
    if (PySet_GET_SIZE(*apart) == 0 || PySet_GET_SIZE(asked) == 0) {
        return 0;
    }
    return mf_graph_connected(state, asked, *apart);
}

/* Was a file that is asked for rejected together with one that is not? */
static int
is_one_group(struct mf_state *state, PyObject *asked, PyObject *apart)
{
    PyObject *path, *group, *inside = PySet_New(NULL);
    Py_ssize_t pos = 0;
    int rc = inside ? 0 : -1;
    while (rc == 0 && PyDict_Next(state->pending, &pos, &path, &group)) {
        int is = group == Py_None ? 0 : PySet_Contains(asked, path);
        rc = is > 0 ? PySet_Add(inside, group) : is;
    }
    pos = 0;
    while (rc == 0 && PyDict_Next(state->pending, &pos, &path, &group)) {
        int is = PySet_Contains(apart, path);
        rc = is > 0 ? PySet_Contains(inside, group) : is;
    }
    Py_XDECREF(inside);
    return rc;
}

/* The attempt says nothing of the files, and has not made one group of them:
 * what was asked for is a group of its own. */
static int
regroup(struct mf_state *state, PyObject *pending, PyObject *asked)
{
    PyObject *group = PyLong_FromLong(state->number);
    PyObject *path, *iter = group ? PyObject_GetIter(asked) : NULL;
    int rc = iter ? 0 : -1;
    while (rc == 0 && (path = PyIter_Next(iter)) != NULL) {
        rc = PyDict_SetItem(pending, path, group);
        Py_DECREF(path);
    }
    Py_XDECREF(iter);
    Py_XDECREF(group);
    if (rc < 0 || PyErr_Occurred()) {
        return -1;
    }
    Py_SETREF(state->pending, Py_NewRef(pending));
    return 0;
}

/* The same update from its beginning, with these paths. */
static int
attempt_again(struct mf_state *state, struct mf_update *update,
              PyObject *paths, PyObject *sources, PyObject **dict)
{
    enum mf_mode mode = update->mode;
    PyObject *undo = update->undo, *extra = update->extra;
    bool again = update->again;
    bool identity = update->identity, alone = update->alone;
    Py_CLEAR(*dict);
    if (mode == MF_MODE_UPDATE) {
        state->number--;
    }
    memset(update, 0, sizeof(*update));
    *update = (struct mf_update){.state = state, .mode = mode,
                                 .undo = undo, .again = again,
                                 .extra = extra,
                                 .identity = identity,
                                 .alone = alone,
                                 .sources = Py_XNewRef(sources),
                                 .paths = Py_NewRef(paths)};
    if (mf_report_init(&update->report) < 0) {
        update_clear(update);
        return -1;
    }
    update->report.dry_run = mode != MF_MODE_UPDATE;
    return attempt(update, dict);
}

/* All that is gathered. Once more if a class would not be made a second
 * time: the next attempt knows. */
static int
attempt_all(struct mf_state *state, struct mf_update *update, PyObject **dict)
{
    PyObject *paths = Py_NewRef(update->paths);
    PyObject *sources = Py_XNewRef(update->sources);
    state->refused = false;
    int outcome = attempt(update, dict);
    if (outcome != MF_COMMITTED && *dict != NULL && state->refused) {
        outcome = attempt_again(state, update, paths, sources, dict);
    }
    Py_DECREF(paths);
    Py_XDECREF(sources);
    return outcome;
}

/* With what is pending; if that is rejected, and nothing connects it with
 * what was asked for, without. */
static int
attempt_groups(struct mf_state *state, struct mf_update *update,
               PyObject *paths, PyObject *sources, PyObject **dict)
{
    PyObject *asked = NULL, *apart = NULL, *pending = NULL;
    int outcome = -1, connected = -1;
    int gathered = gather(update, paths, sources);
    if (gathered == 0 && PyDict_GET_SIZE(state->pending) == 0) {
        return attempt_all(state, update, dict);
    }
    if (gathered == 0) {
        asked = PySet_New(update->paths);
        connected = asked == NULL ? -1
                    : update->alone
                        ? ((apart = PySet_New(NULL)) != NULL ? 0 : -1)
                        : pending_apart(state, asked, &apart);
    }
    int grouped =
        connected == 0 ? is_one_group(state, asked, apart) : connected;
    pending = grouped < 0 ? NULL : PyDict_Copy(state->pending);
    if (pending == NULL || add_paths(update->paths, apart) < 0) {
        ask_again(update);
        update_clear(update);
        goto release_sets;
    }
    /* a group whose other files are asked for goes in together */
    bool together = grouped || PySet_GET_SIZE(apart) == 0 ||
                    PySet_GET_SIZE(asked) == 0;
    PyObject *given = Py_XNewRef(update->sources);
    outcome = attempt_all(state, update, dict);
    if (outcome == MF_REJECTED && !together && update->starved) {
        if (regroup(state, pending, asked) < 0) {
            Py_CLEAR(*dict);
            outcome = -1;
        }
    }
    else if (outcome == MF_REJECTED && !together) {
        /* the attempt has not made one group of them */
        Py_SETREF(state->pending, Py_NewRef(pending));
        outcome = attempt_again(state, update, asked, given, dict);
    }
    Py_XDECREF(given);
release_sets:
    Py_XDECREF(asked);
    Py_XDECREF(apart);
    Py_XDECREF(pending);
    return outcome;
}

static PyObject *
run_locked(struct mf_state *state, PyObject *paths, PyObject *sources,
           enum mf_mode mode, PyObject *record, bool again, PyObject *extra)
{
    struct mf_update update = {.state = state, .mode = mode, .undo = record,
                               .again = again, .extra = extra};
    PyObject *dict = NULL;
    if (mf_report_init(&update.report) < 0) {
        return NULL;
    }
    update.report.dry_run = mode != MF_MODE_UPDATE;
    update.alone = extra != NULL && record == NULL;
    update.identity = mode == MF_MODE_UPDATE && record == NULL &&
                      mf_fault_lever(MF_LEVER_IDENTITY) > 0;
    int outcome = attempt_groups(state, &update, paths, sources, &dict);
    if (dict != NULL && extra != NULL && mf_update_say(dict, extra) < 0) {
        Py_CLEAR(dict);
    }
    if (dict != NULL && mode == MF_MODE_UPDATE && outcome != MF_SKIPPED &&
        !update.identity && mf_update_remember(state, dict) < 0) {
        Py_CLEAR(dict);
    }
    state->interrupted |= update.stage.interrupted;
    state->undo_wanted = update.undo_wanted;
    return dict;
}

int
mf_update_older(struct mf_state *state)
{
    int mine = state->busy_thread == 0 ? mf_update_take_turn(state) : 0;
    if (mine <= 0) {
        return mine < 0 ? -1 : 1;
    }
    int rc = mf_older_move(state);
    mf_update_give_turn(state);
    return rc;
}

PyObject *
mf_update_turn(struct mf_state *state, PyObject *paths, PyObject *sources,
         enum mf_mode mode, PyObject *record, bool again, PyObject *extra)
{
    if (state->disabled) {
        return mf_update_skipped(state, NULL);
    }
    if (state->unsupported != NULL) {
        return unsupported(state, paths, mode);
    }
    if (state->holds > 0 && mode == MF_MODE_UPDATE) {
        return mf_update_skipped(state, paths);
    }
    int mine = mf_update_take_turn(state);
    if (mine <= 0) {
        return mine < 0 ? NULL : mf_update_skipped(state, paths);
    }
    state->interrupted = false;
    PyObject *dict = run_locked(state, paths, sources, mode, record, again, extra);
    bool interrupted = state->interrupted;
    mf_update_give_turn(state);
    if (dict != NULL && mode == MF_MODE_UPDATE) {
        mf_update_tell(state, dict);
        mf_watching_older(state);
    }
    if (state->waits != NULL && mf_watching_wait(state) < 0) {
        PyErr_WriteUnraisable(NULL); /* they go in with the next update */
    }
    if (interrupted && dict != NULL) {
        Py_CLEAR(dict);
        PyErr_SetNone(PyExc_KeyboardInterrupt);
    }
    return dict;
}

/* Nothing waits, nothing is to be repeated, and nobody is at it: the case in
 * which no more than these files matter. */
static bool
is_plain_case(struct mf_state *state)
{
    return !state->disabled && state->unsupported == NULL &&
           state->holds == 0 && state->busy_thread == 0 &&
           PySet_GET_SIZE(state->queued) == 0 &&
           PyDict_GET_SIZE(state->pending) == 0 &&
           mf_fault_lever(MF_LEVER_IDENTITY) == 0 &&
           mf_fault_lever(MF_LEVER_REPEAT) == 0;
}

int
mf_update_quietly(struct mf_state *state, PyObject *paths, PyObject **dict)
{
    *dict = NULL;
    if (!is_plain_case(state)) {
        return 0;
    }
    struct mf_update update = {.state = state, .quiet = true};
    int mine = mf_update_take_turn(state);
    if (mine <= 0) {
        return mine;
    }
    int outcome = -1;
    if (mf_report_init(&update.report) == 0) {
        update.paths = PySet_New(paths);
        outcome = update.paths ? attempt(&update, dict)
                               : (update_clear(&update), -1);
    }
    if (update.declined) {
        Py_CLEAR(*dict);
    }
    if (*dict != NULL && outcome != MF_SKIPPED && mf_update_remember(state, *dict) < 0) {
        PyErr_Clear(); /* it is live: only the history has a gap */
    }
    mf_update_give_turn(state);
    mf_watching_older(state);
    return outcome < 0 ? -1 : 0;
}

static bool
has_committed(PyObject *dict)
{
    PyObject *outcome =
        dict ? PyDict_GetItemString(dict, "outcome") : NULL;
    return outcome != NULL && PyUnicode_Check(outcome) &&
           PyUnicode_CompareWithASCIIString(outcome, "committed") == 0;
}

/* The lever `repeat`: back and forth again. Takes dict, the first report, and
 * gives it back, or that of a repetition that does not commit any more. */
static PyObject *
repeat(struct mf_state *state, PyObject *paths, PyObject *sources,
       PyObject *dict)
{
    long times = mf_fault_lever(MF_LEVER_REPEAT);
    PyObject *files = dict ? PyDict_GetItemString(dict, "files") : NULL;
    if (times == 0 || files == NULL) {
        return dict;
    }
    PyObject *all = PySequence_List(files); /* pending ones went in too */
    if (all == NULL || (paths != NULL && PyList_SetSlice(all, 0, 0, paths) <
                                             0)) {
        Py_XDECREF(all);
        Py_DECREF(dict);
        return NULL;
    }
    for (long i = 0; i < times && has_committed(dict); i++) {
        PyObject *back = mf_update_undo(state, -1, MF_MODE_UPDATE);
        bool is_back = has_committed(back);
        Py_XDECREF(back);
        if (back == NULL) {
            Py_CLEAR(dict);
        }
        if (!is_back) {
            break; /* some updates cannot be undone: that changes nothing */
        }
        PyObject *again =
            mf_update_turn(state, all, sources, MF_MODE_UPDATE, NULL, false, NULL);
        if (!has_committed(again)) {
            Py_SETREF(dict, again);
            break;
        }
        Py_DECREF(again);
    }
    Py_DECREF(all);
    return dict;
}

PyObject *
mf_update_run(struct mf_state *state, PyObject *paths, PyObject *sources,
              enum mf_mode mode, PyObject *extra)
{
    PyObject *dict = mf_update_turn(state, paths, sources, mode, NULL, false, extra);
    if (mode == MF_MODE_UPDATE && !state->undo_wanted) {
        dict = repeat(state, paths, sources, dict);
    }
    if (dict != NULL && state->undo_wanted) {
        /* an after hook failed and the configuration asks for an undo */
        state->undo_wanted = false;
        PyObject *back = mf_update_undo(state, -1, MF_MODE_UPDATE);
        Py_XDECREF(back);
        if (back == NULL) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

PyObject *
mf_update_identity(struct mf_state *state)
{
    long before = mf_fault_lever(MF_LEVER_IDENTITY);
    mf_fault_set("identity", 1);
    PyObject *dict = mf_update_turn(state, NULL, NULL, MF_MODE_UPDATE, NULL, false, NULL);
    mf_fault_set("identity", before);
    return dict;
}
