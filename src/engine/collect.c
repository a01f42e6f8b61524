/* collect.c -- from paths to changed files: reads, compares with the baseline
 * by content, looks up the live modules. In: the paths of an update. Out: the
 * changes of its plan, or reasons. Touches nothing that lives.
 */
#include "update.h"

#include <errno.h>
#include <sys/stat.h>

#include "fixes.h"
#include "ground/trace.h"
#include "read/imports.h"
#include "thread.h"

#define WRITER_MAX 1000000000 /* ns */

static int
reason(struct mf_update *update, int code, PyObject *path)
{
    return mf_report_exception(&update->report, code, NULL, NULL, path, 0);
}

static int
read_new_side(struct mf_update *update, struct mf_source *source,
              PyObject *path, struct mf_text *text, PyObject **code)
{
    PyObject *given =
        update->identity  ? (source->given ? source->given
                                           : source->text.bytes)
        : update->sources ? PyDict_GetItemWithError(update->sources, path)
                          : NULL;
    if (given == Py_None) {
        return 1; /* it leaves, whether the file is there or not */
    }
    if (given != NULL && PyCode_Check(given)) {
        *code = given;
        text->bytes = Py_XNewRef(source->text.bytes);
        text->hash = source->text.hash;
        return 0;
    }
    if (given != NULL && PyUnicode_Check(given)) {
        Py_ssize_t len;
        const char *utf8 = PyUnicode_AsUTF8AndSize(given, &len);
        return utf8 ? mf_source_take(path, utf8, len, text) : -1;
    }
    if (given != NULL && (update->identity || update->undo != NULL)) {
        return mf_source_take(path, PyBytes_AS_STRING(given),
                              PyBytes_GET_SIZE(given), text);
    }
    if (given != NULL) {
        return mf_source_decode(path, PyBytes_AS_STRING(given),
                                PyBytes_GET_SIZE(given), text);
    }
    return PyErr_Occurred() ? -1 : mf_source_read(path, text);
}

static int
misfit(struct mf_update *update, PyObject *path)
{
    int rc = PyErr_Occurred()
                 ? reason(update, 401, path)
                 : mf_report_add(&update->report, 407, '=', NULL, NULL, path,
                                 0,
                                 "statements of the module or of a class in "
                                 "it differ: of a code object only functions "
                                 "are taken; give the text");
    return rc < 0 ? -1 : PyList_Append(update->report.files, path);
}

static bool
is_main(struct mf_source *source)
{
    for (size_t i = 0; i < source->modules.len; i++) {
        struct mf_module *module = source->modules.items[i];
        if (PyUnicode_CompareWithASCIIString(module->name, "__main__") == 0) {
            return true;
        }
    }
    return false;
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
    PyObject *code = NULL; /* borrowed */
    int got = read_new_side(update, source, path, &text, &code);
    if (got == 1 && is_main(source)) {
        errno = ENOENT; /* it cannot leave: it runs */
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
        got = -1;
    }
    if (got < 0 && PyErr_ExceptionMatches(PyExc_MemoryError)) {
        return -1;
    }
    if (got < 0) {
        /* it belongs to this update all the same, and stays pending with it */
        return reason(update, PyErr_ExceptionMatches(PyExc_SyntaxError) ? 401
                                                                        : 404,
                      path) < 0
                   ? -1
                   : PyList_Append(update->report.files, path);
    }
    if (source->text.bytes == NULL) {
        mf_text_clear(&text);
        return mf_report_add(&update->report, 406, '=', NULL, NULL, path, 0,
                             "the text that this module runs is not known: "
                             "start midflight before it is imported");
    }
    if (code != NULL && mf_plan_given_fits(source, code) != 1) {
        mf_text_clear(&text);
        return misfit(update, path);
    }
    if (got == 0 && code == NULL) {
        int layered = mf_fixes_layer(update, source, &text);
        update->declined |= layered > 0;
        if (layered != 0) {
            mf_text_clear(&text);
            return layered < 0 ? -1 : 0;
        }
    }
    if (!update->identity && got == 0 && code == source->given &&
        text.hash == source->text.hash &&
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
    change->given = Py_XNewRef(code);
    return PyList_Append(update->report.files, path);
}

/* Nothing stands in it any more. Somebody may have emptied it to write it anew: the
 * watch hears of that only when the file system is done with it. */
static bool
is_emptied(const struct mf_change *change)
{
    return change->kind == MF_CHANGE_EDITED &&
           PyBytes_GET_SIZE(change->text.bytes) == 0 &&
           PyBytes_GET_SIZE(change->source->text.bytes) > 0;
}

/* What we have read may be half of a text, or nothing, if the writer had begun
 * again by then: the second of two saves within a millisecond empties the file
 * while the first is being read. Whoever writes without an end is not waited
 * for. */
static int
note_changing(struct mf_update *update)
{
    struct mf_state *state = update->state;
    bool changing = false;
    for (size_t i = 0; i < update->plan.changes.len; i++) {
        struct mf_change *change = update->plan.changes.items[i];
        PyObject *path = PyUnicode_EncodeFSDefault(change->source->path);
        if (path == NULL) {
            return -1;
        }
        changing |= mf_thread_is_changing(state->thread,
                                          PyBytes_AS_STRING(path));
        if (is_emptied(change) && state->changing_since == 0) {
            changing = true; /* so once */
            mf_thread_put_back(state->thread, PyBytes_AS_STRING(path));
        }
        Py_DECREF(path);
    }
    int64_t now = changing ? mf_trace_now() : 0;
    if (changing && state->changing_since == 0) {
        state->changing_since = now;
    }
    update->too_early = changing && now - state->changing_since < WRITER_MAX;
    if (!update->too_early) {
        state->changing_since = 0;
    }
    return 0;
}

int
mf_collect_changes(struct mf_update *update)
{
    PyObject *list = mf_fixes_expect(update) == 0
                         ? PySequence_List(update->paths)
                         : NULL;
    if (list == NULL || PyList_Sort(list) < 0) {
        Py_XDECREF(list);
        return -1;
    }
    int rc = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list) && rc == 0; i++) {
        rc = collect_one(update, PyList_GET_ITEM(list, i));
    }
    Py_DECREF(list);
    return rc == 0 && update->saved && update->state->thread != NULL
               ? note_changing(update)
               : rc;
}

/* 1: yes; 0: no, or what is to be with it was given; -1 */
static int
is_there_again(struct mf_update *update, struct mf_change *change)
{
    PyObject *path = change->source->path;
    if (change->kind != MF_CHANGE_DELETED ||
        (update->sources != NULL &&
         PyDict_GetItemWithError(update->sources, path) != NULL)) {
        return 0;
    }
    PyObject *encoded = PyUnicode_EncodeFSDefault(path);
    struct stat st;
    int rc = encoded == NULL ? -1 : stat(PyBytes_AS_STRING(encoded), &st) == 0;
    Py_XDECREF(encoded);
    return rc;
}

int
mf_collect_returned(struct mf_update *update)
{
    for (size_t i = 0; i < update->plan.changes.len; i++) {
        struct mf_change *change = update->plan.changes.items[i];
        int there = is_there_again(update, change);
        if (there < 0 ||
            (there > 0 &&
             mf_report_add(&update->report, 404, '=', NULL, NULL,
                           change->source->path, 0,
                           "the file was gone, and is there again: save it "
                           "once more") < 0)) {
            return -1;
        }
        update->state->refused |= there > 0;
    }
    return 0;
}

PyObject *
mf_collect_all(struct mf_state *state)
{
    PyObject *paths = PySet_New(NULL);
    for (size_t i = 0; paths != NULL && i < state->sources.len; i++) {
        struct mf_source *source = state->sources.items[i];
        if (source->text.bytes == NULL) {
            continue;
        }
        int target = mf_source_is_target(state, source->path, NULL);
        if (target < 0 ||
            (target && PySet_Add(paths, source->path) < 0)) {
            Py_CLEAR(paths);
        }
    }
    return paths;
}
