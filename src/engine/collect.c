/* collect.c -- from paths to changed files: reads, compares with the baseline
 * by content, looks up the live modules. In: the paths of an update. Out: the
 * changes of its plan, or reasons. Touches nothing that lives.
 */
#include "update.h"

#include "read/imports.h"

static int
reason(struct mf_update *update, int code, PyObject *path)
{
    return mf_report_exception(&update->report, code, NULL, NULL, path, 0);
}

/* Modules that are still loaded and import a deleted one at their top level,
 * unguarded: then it cannot leave. */
static int
check_deleted(struct mf_update *update, struct mf_change *change)
{
    struct mf_state *state = update->state;
    for (size_t t = 0; t < change->targets.len; t++) {
        struct mf_target *target = change->targets.items[t];
        PyObject *name = target->module->name;
        PyObject *list = mf_graph_importers(state, name);
        if (list == NULL && PyErr_Occurred()) {
            return -1;
        }
        for (Py_ssize_t i = 0; list != NULL && i < PyList_GET_SIZE(list);
             i++) {
            struct mf_source *source =
                state->sources.items[PyLong_AsSize_t(PyList_GET_ITEM(list,
                                                                     i))];
            struct mf_change *other =
                mf_plan_change(&update->plan, source, false);
            if (source == change->source || source->modules.len == 0 ||
                (other != NULL && other->kind != MF_CHANGE_NONE)) {
                continue; /* edited too: staging will see */
            }
            struct mf_module *m = source->modules.items[0];
            struct mf_edges edges = {0};
            if (mf_graph_edges(&source->text, &source->split, m->name,
                               mf_source_is_package(m), &edges) < 0) {
                return -1;
            }
            int rc = 0;
            for (uint32_t e = 0; e < edges.len && rc == 0; e++) {
                struct mf_edge *edge = &edges.items[e];
                if (!edge->nested && !edge->guarded &&
                    PyUnicode_Compare(edge->module, name) == 0) {
                    rc = mf_report_add(&update->report, 405, '=', m->name,
                                       NULL, source->path, (long)edge->line,
                                       "ModuleNotFoundError: %U imports %U, "
                                       "whose file was deleted",
                                       m->name, name);
                    break;
                }
            }
            mf_edges_clear(&edges);
            if (rc < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int
read_new_side(struct mf_update *update, PyObject *path, struct mf_text *text)
{
    PyObject *given =
        update->sources ? PyDict_GetItemWithError(update->sources, path)
                        : NULL;
    if (given != NULL) {
        return mf_source_decode(path, PyBytes_AS_STRING(given),
                                PyBytes_GET_SIZE(given), text);
    }
    return PyErr_Occurred() ? -1 : mf_source_read(path, text);
}

static int
collect_one(struct mf_update *update, PyObject *path)
{
    struct mf_state *state = update->state;
    struct mf_source *source = mf_source_find(state, path);
    if (source == NULL) {
        if (PyErr_Occurred()) {
            return -1;
        }
        source = mf_source_get(state, path);
        if (source == NULL) {
            return -1;
        }
    }
    bool importing;
    if (mf_imports_modules(state, source, &importing) < 0) {
        return -1;
    }
    if (importing) {
        return PyDict_SetItem(state->pending, path, Py_None);
    }
    if (source->modules.len == 0) {
        PyDict_DelItem(state->pending, path);
        PyErr_Clear();
        return 0; /* a file of no loaded module changes nothing */
    }
    struct mf_text text = {0};
    int got = read_new_side(update, path, &text);
    if (got < 0) {
        return reason(update, PyErr_ExceptionMatches(PyExc_SyntaxError) ? 401
                                                                        : 404,
                      path);
    }
    if (source->text.bytes == NULL) {
        mf_text_clear(&text);
        return mf_report_add(&update->report, 406, '=', NULL, NULL, path, 0,
                             "the text that this module runs is not known: "
                             "start midflight before it is imported");
    }
    if (got == 0 && text.hash == source->text.hash &&
        PyBytes_GET_SIZE(text.bytes) ==
            PyBytes_GET_SIZE(source->text.bytes)) {
        mf_text_clear(&text);
        PyDict_DelItem(state->pending, path);
        PyErr_Clear();
        return 0;
    }
    struct mf_change *change = mf_plan_change(&update->plan, source, true);
    if (change == NULL) {
        mf_text_clear(&text);
        return -1;
    }
    change->kind = got == 1 ? MF_CHANGE_DELETED : MF_CHANGE_EDITED;
    change->text = text;
    return PyList_Append(update->report.files, path);
}

int
mf_collect_changes(struct mf_update *update)
{
    PyObject *list = PySequence_List(update->paths);
    if (list == NULL || PyList_Sort(list) < 0) {
        Py_XDECREF(list);
        return -1;
    }
    int rc = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list) && rc == 0; i++) {
        rc = collect_one(update, PyList_GET_ITEM(list, i));
    }
    Py_DECREF(list);
    for (size_t i = 0; i < update->plan.changes.len && rc == 0; i++) {
        struct mf_change *change = update->plan.changes.items[i];
        if (change->kind == MF_CHANGE_DELETED) {
            rc = check_deleted(update, change);
        }
    }
    return rc;
}

PyObject *
mf_collect_all(struct mf_state *state)
{
    PyObject *paths = PySet_New(NULL);
    for (size_t i = 0; paths != NULL && i < state->sources.len; i++) {
        struct mf_source *source = state->sources.items[i];
        if (source->text.bytes != NULL &&
            PySet_Add(paths, source->path) < 0) {
            Py_CLEAR(paths);
        }
    }
    return paths;
}
