/* record.c -- owns the memory of undo. In: committed plans and merges. Out:
 * sources and values for the update that goes back.
 */
#include "record.h"

#include "../read/graph.h"
#include "record_texts.h"

PyObject *
mf_record_texts(struct mf_plan *plan)
{
    PyObject *texts = PyDict_New();
    for (size_t i = 0; texts != NULL && i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        if (change->kind == MF_CHANGE_EDITED &&
            PyDict_SetItem(texts, change->source->path,
                           change->source->given
                               ? change->source->given
                               : change->source->text.bytes) < 0) {
            Py_CLEAR(texts);
        }
    }
    return texts;
}

static PyObject *
none_for_null(PyObject *obj)
{
    return obj ? obj : Py_None;
}

/* What sys.modules had before the update. Borrowed, or NULL. */
static PyObject *
entry_before(struct mf_stage *stage, PyObject *name)
{
    PyObject *entry = PyDict_GetItemWithError(PyImport_GetModuleDict(), name);
    for (size_t i = 0; stage != NULL && i < stage->loaded.len; i++) {
        struct mf_loaded *loaded = stage->loaded.items[i];
        if (loaded->module == entry) {
            return loaded->replaced;
        }
    }
    return entry;
}

/* Names of what goes on under another module: a new list. */
static PyObject *
names_moved(struct mf_module *module, struct mf_match *match)
{
    PyObject *names = PyList_New(0), *name, *value;
    Py_ssize_t pos = 0;
    while (names != NULL && PyDict_Next(module->dict, &pos, &name, &value)) {
        struct mf_pair *pair = mf_match_of_old(match, value);
        if (pair != NULL &&
            (pair->kind == MF_PAIR_FUNCTION || pair->kind == MF_PAIR_CLASS) &&
            PyList_Append(names, name) < 0) {
            Py_CLEAR(names);
        }
    }
    return names;
}

static int
add_left(PyObject *list, struct mf_change *change, struct mf_module *module,
         struct mf_stage *stage, struct mf_match *match)
{
    PyObject *entry = entry_before(stage, module->name);
    if (entry == NULL || !PyModule_Check(entry) ||
        PyModule_GetDict(entry) != module->dict) {
        return PyErr_Occurred() ? -1 : 0; /* it has left by itself */
    }
    PyObject *moved = names_moved(module, match);
    PyObject *left =
        moved ? Py_BuildValue("(OOOOOOON)", module->name, entry,
                              change->source->path, change->source->text.bytes,
                              none_for_null(module->codes),
                              none_for_null(module->loads),
                              none_for_null(module->base), moved)
              : NULL;
    int rc = left ? PyList_Append(list, left) : -1;
    Py_XDECREF(left);
    return rc;
}

PyObject *
mf_record_left(struct mf_plan *plan, struct mf_stage *stage,
               struct mf_match *match)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        for (size_t t = 0; list != NULL && change->kind == MF_CHANGE_DELETED &&
                           t < change->targets.len;
             t++) {
            struct mf_target *target = change->targets.items[t];
            if (add_left(list, change, target->module, stage, match) < 0) {
                Py_CLEAR(list);
            }
        }
    }
    return list;
}

PyObject *
mf_record_came(struct mf_stage *stage)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && stage != NULL && i < stage->loaded.len;
         i++) {
        struct mf_loaded *loaded = stage->loaded.items[i];
        if (loaded->left != NULL || loaded->noted == NULL) {
            continue;
        }
        PyObject *came = PyTuple_Pack(3, loaded->name, loaded->module,
                                      loaded->noted->path);
        if (came == NULL || PyList_Append(list, came) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(came);
    }
    return list;
}

static int
push(PyObject *list, PyObject *record)
{
    int rc = record ? PyList_Append(list, record) : -1;
    Py_XDECREF(record);
    Py_ssize_t n = PyList_GET_SIZE(list);
    if (rc == 0) {
        mf_record_texts_shrink(list);
    }
    return rc == 0 && n > MF_RECORDS
               ? PyList_SetSlice(list, 0, n - MF_RECORDS, NULL)
               : rc;
}

int
mf_record_push(struct mf_state *state, long number, PyObject *texts,
               PyObject *replaced, PyObject *left, PyObject *came,
               PyObject *more, bool taken)
{
    return push(taken ? state->undone : state->records,
                Py_BuildValue("(lOOOOO)", number, texts,
                              none_for_null(replaced), left, came,
                              none_for_null(more)));
}

int
mf_record_push_script(struct mf_state *state, long number, PyObject *script,
                      PyObject *more, bool taken)
{
    PyObject *own = more ? PyDict_Copy(more) : PyDict_New();
    int rc = own && PyDict_SetItemString(own, "script", script) == 0
                 ? push(taken ? state->undone : state->records,
                        Py_BuildValue("(l{}[][][]O)", number, own))
                 : -1;
    Py_XDECREF(own);
    return rc;
}

PyObject *
mf_record_more(PyObject *record, const char *name)
{
    PyObject *more = PyTuple_GET_ITEM(record, 5);
    return more != Py_None ? PyDict_GetItemString(more, name) : NULL;
}

int
mf_record_forget_undone(struct mf_state *state)
{
    return PyList_SetSlice(state->undone, 0,
                           PyList_GET_SIZE(state->undone), NULL);
}

/* Has a list of (name, ...) one of this name? */
static bool
is_named_in(PyObject *records, PyObject *name)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(records); i++) {
        PyObject *item = PyList_GET_ITEM(records, i);
        if (PyUnicode_Compare(PyTuple_GET_ITEM(item, 0), name) == 0) {
            return true;
        }
    }
    return false;
}

static int
stays(struct mf_source *source, void *sources)
{
    int goes = PyDict_Contains(sources, source->path);
    return goes < 0 ? -1 : !goes;
}

/* Who else imports it now needs it: it stays. 1 / 0 / -1. `sources`: whose
 * texts go back, or that leave. */
static int
is_needed(struct mf_state *state, PyObject *name, PyObject *sources)
{
    return mf_graph_each_importer(state, name, stays, sources);
}

PyObject *
mf_record_sources(struct mf_state *state, PyObject *record, bool taken)
{
    if (mf_record_texts_uncover(taken ? state->undone : state->records) < 0) {
        return NULL; /* what its leaving needs cannot be had after the commit */
    }
    PyObject *sources = PyDict_Copy(PyTuple_GET_ITEM(record, 1));
    PyObject *left = PyTuple_GET_ITEM(record, 3);
    PyObject *came = PyTuple_GET_ITEM(record, 4);
    PyObject *modules = PyImport_GetModuleDict();
    int rc = sources ? 0 : -1;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(came); i++) {
        PyObject *item = PyList_GET_ITEM(came, i);
        PyObject *there =
            PyDict_GetItemWithError(modules, PyTuple_GET_ITEM(item, 0));
        rc = there == PyTuple_GET_ITEM(item, 1)
                 ? PyDict_SetItem(sources, PyTuple_GET_ITEM(item, 2), Py_None)
             : PyErr_Occurred() ? -1
                                : 0;
    }
    /* what came imports each other: from the last one on */
    for (Py_ssize_t i = PyList_GET_SIZE(came); rc == 0 && i > 0; i--) {
        PyObject *item = PyList_GET_ITEM(came, i - 1);
        PyObject *name = PyTuple_GET_ITEM(item, 0);
        PyObject *path = PyTuple_GET_ITEM(item, 2);
        int needed = PyDict_Contains(sources, path) <= 0 ||
                             is_named_in(left, name)
                         ? 0
                         : is_needed(state, name, sources);
        if (needed > 0) {
            rc = PyDict_DelItem(sources, path);
            i = PyList_GET_SIZE(came) + 1; /* it may need others */
        }
        rc = needed < 0 ? -1 : rc;
    }
    if (rc < 0) {
        Py_CLEAR(sources);
    }
    return sources;
}

PyObject *
mf_record_last(struct mf_state *state, bool taken)
{
    PyObject *list = taken ? state->undone : state->records;
    Py_ssize_t n = PyList_GET_SIZE(list);
    return n > 0 ? PyList_GET_ITEM(list, n - 1) : NULL;
}

int
mf_record_pop(struct mf_state *state, bool taken)
{
    PyObject *list = taken ? state->undone : state->records;
    Py_ssize_t n = PyList_GET_SIZE(list);
    return n > 0 ? PyList_SetSlice(list, n - 1, n, NULL) : 0;
}
