/* attempts.c -- owns what goes in together: the paths that are asked for, those
 * that wait, pending files and their groups; and that one request is tried
 * once more where the first attempt has learned something. In: an update that
 * request.c has begun. Out: calls of mf_update_story, the last one's report.
 */
#include "update.h"

#include "fixes.h"
#include "ground/trace.h"

void
mf_update_clear(struct mf_update *update)
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

int
mf_update_add_paths(PyObject *set, PyObject *more)
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
                       mf_update_add_paths(update->paths, sources) < 0
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
        int rc = all ? mf_update_add_paths(update->paths, all) : -1;
        Py_XDECREF(all);
        if (rc < 0) {
            return -1;
        }
    }
    if ((paths != NULL && mf_update_add_paths(update->paths, paths) < 0) ||
        (sources != NULL && take_sources(update, sources) < 0)) {
        return -1;
    }
    if (update->alone) {
        return 0;
    }
    if (mf_update_add_paths(update->paths, state->queued) < 0) {
        return -1;
    }
    return update->mode == MF_MODE_UPDATE && !update->identity
               ? PySet_Clear(state->queued)
               : 0;
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
        mf_update_add_paths(update->state->queued, update->paths) < 0) {
        PyErr_WriteUnraisable(update->paths);
    }
    PyErr_Restore(type, value, tb);
}

/* One attempt with these paths: its report dict in *dict. Returns the
 * outcome, -1 with an exception. */
int
mf_update_attempt(struct mf_update *update, PyObject **dict)
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
    if (*dict == NULL || (update->too_early && !update->quiet)) {
        ask_again(update);
    }
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    /* A staged class refers to itself: it would live until the collector
     * comes. Where the program has turned that off, it comes never. */
    bool collect = update->stage.mark.is_set && update->stage.mark.was_enabled;
    mf_update_clear(update);
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
    bool interrupted = update->stage.interrupted, warned = update->warned;
    bool saved = update->saved;
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
                                 .warned = warned,
                                 .saved = saved,
                                 .stage = {.interrupted = interrupted},
                                 .sources = Py_XNewRef(sources),
                                 .paths = Py_NewRef(paths)};
    if (mf_report_init(&update->report) < 0) {
        mf_update_clear(update);
        return -1;
    }
    update->report.dry_run = mode != MF_MODE_UPDATE;
    return mf_update_attempt(update, dict);
}

/* All that is gathered. Once more if a class would not be made a second
 * time: the next attempt knows. */
static int
attempt_all(struct mf_state *state, struct mf_update *update, PyObject **dict)
{
    PyObject *paths = Py_NewRef(update->paths);
    PyObject *sources = Py_XNewRef(update->sources);
    state->refused = false;
    int outcome = mf_update_attempt(update, dict);
    if (outcome != MF_COMMITTED && *dict != NULL && state->refused) {
        outcome = attempt_again(state, update, paths, sources, dict);
    }
    Py_DECREF(paths);
    Py_XDECREF(sources);
    return outcome;
}

/* With what is pending; if that is rejected, and nothing connects it with
 * what was asked for, without. */
int
mf_update_attempt_groups(struct mf_state *state, struct mf_update *update,
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
    if (pending == NULL || mf_update_add_paths(update->paths, apart) < 0) {
        ask_again(update);
        mf_update_clear(update);
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
