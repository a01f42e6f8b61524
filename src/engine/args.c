/* args.c -- owns the calls from Python. In: Python arguments. Out: calls of
 * update.c, thread.c and source's rooms; their results as Python objects.
 */
#include "args.h"

#include "agent.h"
#include "commit/redefine_older.h"
#include "ground/fault.h"
#include "read/imports.h"
#include "scripts.h"
#include "thread.h"
#include "update.h"
#include "watching.h"

static int
set_ref(PyObject **slot, PyObject *settings, const char *key)
{
    PyObject *value = PyDict_GetItemString(settings, key);
    if (value != NULL) {
        Py_XSETREF(*slot, value == Py_None ? NULL : Py_NewRef(value));
    }
    return 0;
}

static PyObject *
engine_configure(PyObject *self, PyObject *settings)
{
    struct mf_state *state = PyModule_GetState(self);
    if (!PyDict_Check(settings)) {
        PyErr_SetString(PyExc_TypeError, "configure() takes a dict");
        return NULL;
    }
    set_ref(&state->roots, settings, "roots");
    set_ref(&state->is_target, settings, "is_target");
    set_ref(&state->data_rules, settings, "data");
    set_ref(&state->compat, settings, "compat");
    PyObject *value = PyDict_GetItemString(settings, "settle_ms");
    if (value != NULL && PyLong_Check(value)) {
        state->settle_ms = (int)PyLong_AsLong(value);
    }
    value = PyDict_GetItemString(settings, "disabled");
    if (value != NULL) {
        state->disabled = PyObject_IsTrue(value) == 1;
    }
    value = PyDict_GetItemString(settings, "on_after_error");
    state->undo_on_after_error =
        value != NULL && PyUnicode_Check(value) &&
        PyUnicode_CompareWithASCIIString(value, "undo") == 0;
    value = PyDict_GetItemString(settings, "stragglers");
    static const char *const rules[] = {"move", "finish", "wait", "reject"};
    state->stragglers = MF_STRAGGLERS_MOVE;
    for (int i = 0; value != NULL && PyUnicode_Check(value) && i < 4; i++) {
        if (PyUnicode_CompareWithASCIIString(value, rules[i]) == 0) {
            state->stragglers = (enum mf_stragglers)i;
        }
    }
    value = PyDict_GetItemString(settings, "safepoint");
    if (value != NULL && PyUnicode_Check(value)) {
        state->safepoint =
            PyUnicode_CompareWithASCIIString(value, "main-thread") == 0 ? 1
            : PyUnicode_CompareWithASCIIString(value, "poll") == 0      ? 2
                                                                        : 0;
    }
    value = PyDict_GetItemString(settings, "by_folder");
    state->by_folder = value == Py_True;
    PyDict_Clear(state->target_cache);
    PyDict_Clear(state->folder_cache);
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
engine_start(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct mf_state *state = PyModule_GetState(self);
    if (!state->disabled && state->unsupported == NULL &&
        mf_imports_start(state) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
engine_update(PyObject *self, PyObject *args)
{
    PyObject *paths = Py_None, *sources = Py_None, *extra = NULL;
    int mode = MF_MODE_UPDATE;
    if (!PyArg_ParseTuple(args, "|OOiO!:update", &paths, &sources, &mode,
                          &PyDict_Type, &extra)) {
        return NULL;
    }
    if (mode < MF_MODE_UPDATE || mode > MF_MODE_PLAN) {
        PyErr_SetString(PyExc_ValueError, "update: mode is 0, 1 or 2");
        return NULL;
    }
    if (sources != Py_None && !PyDict_Check(sources)) {
        PyErr_SetString(PyExc_TypeError, "update: sources is a dict");
        return NULL;
    }
    return mf_update_run(PyModule_GetState(self),
                         paths == Py_None ? NULL : paths,
                         sources == Py_None ? NULL : sources,
                         (enum mf_mode)mode, extra);
}

static PyObject *
engine_script(PyObject *self, PyObject *args)
{
    struct mf_script_call call = {0};
    int mode;
    if (!PyArg_ParseTuple(args, "O!O!OOOi|O!:script", &PyList_Type,
                          &call.steps, &PyDict_Type, &call.space, &call.reach,
                          &call.pair, &call.settle, &mode, &PyDict_Type,
                          &call.extra)) {
        return NULL;
    }
    return mf_script_run(PyModule_GetState(self), &call, (enum mf_mode)mode);
}

static PyObject *
engine_refuse(PyObject *self, PyObject *args)
{
    PyObject *reasons, *extra = NULL;
    int mode;
    if (!PyArg_ParseTuple(args, "Oi|O!:refuse", &reasons, &mode,
                          &PyDict_Type, &extra)) {
        return NULL;
    }
    return mf_update_refuse(PyModule_GetState(self), reasons,
                            (enum mf_mode)mode, extra);
}

static PyObject *
engine_texts(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct mf_state *state = PyModule_GetState(self);
    PyObject *texts = PyDict_New();
    for (size_t i = 0; texts != NULL && i < state->sources.len; i++) {
        struct mf_source *source = state->sources.items[i];
        bool importing;
        PyObject *entry = NULL;
        if (mf_imports_modules(state, source, &importing) == 0) {
            PyObject *text = source->text.bytes;
            entry = PyTuple_Pack(2, source->path, text ? text : Py_None);
        }
        for (size_t m = 0; entry != NULL && m < source->modules.len; m++) {
            struct mf_module *module = source->modules.items[m];
            if (PyDict_SetItem(texts, module->name, entry) < 0) {
                Py_CLEAR(entry);
            }
        }
        if (entry == NULL) {
            Py_CLEAR(texts);
        }
        Py_XDECREF(entry);
    }
    return texts;
}

static PyObject *
engine_hold(PyObject *self, PyObject *arg)
{
    struct mf_state *state = PyModule_GetState(self);
    long delta = PyLong_AsLong(arg);
    if (delta == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (state->holds + delta < 0) {
        PyErr_SetString(PyExc_ValueError, "hold: released more than held");
        return NULL;
    }
    state->holds += (int)delta;
    return PyLong_FromLong(state->holds);
}

static PyObject *
engine_set_listener(PyObject *self, PyObject *listener)
{
    struct mf_state *state = PyModule_GetState(self);
    Py_XSETREF(state->listener,
               listener == Py_None ? NULL : Py_NewRef(listener));
    Py_RETURN_NONE;
}

static long polls; /* for the lever `every` */

static PyObject *
engine_set_layering(PyObject *self, PyObject *layering)
{
    struct mf_state *state = PyModule_GetState(self);
    Py_XSETREF(state->layering,
               layering == Py_None ? NULL : Py_NewRef(layering));
    Py_RETURN_NONE;
}

static PyObject *
engine_layers(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyDict_Copy(((struct mf_state *)PyModule_GetState(self))->layers);
}

static PyObject *
engine_poll(PyObject *self, PyObject *args)
{
    struct mf_state *state = PyModule_GetState(self);
    long budget_us = -1;
    if (!PyArg_ParseTuple(args, "|l:poll", &budget_us)) {
        return NULL;
    }
    (void)budget_us;
    long every = mf_fault_lever(MF_LEVER_EVERY);
    if (every > 0 && ++polls % every == 0) {
        return mf_update_identity(state);
    }
    mf_agent_poll(state);
    if (PySet_GET_SIZE(state->queued) == 0 || state->holds > 0) {
        Py_RETURN_NONE;
    }
    PyObject *paths = PySequence_List(state->queued);
    PyObject *report = paths ? mf_update_saved(state, paths) : NULL;
    Py_XDECREF(paths);
    return report;
}

static PyObject *
engine_track(PyObject *self, PyObject *args)
{
    struct mf_state *state = PyModule_GetState(self);
    PyObject *path, *fn;
    if (!PyArg_ParseTuple(args, "UO:track", &path, &fn)) {
        return NULL;
    }
    int rc = fn == Py_None
                 ? (PyDict_GetItemWithError(state->tracked, path) != NULL
                        ? PyDict_DelItem(state->tracked, path)
                        : 0)
                 : PyDict_SetItem(state->tracked, path, fn);
    if (rc == 0 && fn != Py_None) {
        rc = mf_watching_track(state, path);
    }
    if (rc < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
engine_status(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct mf_state *state = PyModule_GetState(self);
    PyObject *modules = PyList_New(0);
    for (size_t i = 0; modules != NULL && i < state->sources.len; i++) {
        struct mf_source *source = state->sources.items[i];
        for (size_t m = 0; m < source->modules.len; m++) {
            struct mf_module *module = source->modules.items[m];
            if (PyList_Append(modules, module->name) < 0) {
                Py_CLEAR(modules);
                break;
            }
        }
    }
    PyObject *chain = modules ? PyList_New(0) : NULL;
    for (Py_ssize_t i = 0;
         chain != NULL && i < PyList_GET_SIZE(state->records); i++) {
        PyObject *record = PyList_GET_ITEM(state->records, i);
        if (PyList_Append(chain, PyTuple_GET_ITEM(record, 0)) < 0) {
            Py_CLEAR(chain);
        }
    }
    PyObject *pending = chain ? PyDict_Keys(state->pending) : NULL;
    PyObject *queued = pending ? PySequence_List(state->queued) : NULL;
    PyObject *older = queued ? mf_older_list(state) : NULL;
    if (older == NULL) {
        Py_XDECREF(modules);
        Py_XDECREF(chain);
        Py_XDECREF(pending);
        Py_XDECREF(queued);
        return NULL;
    }
    return Py_BuildValue(
        "{s:l,s:l,s:N,s:N,s:N,s:N,s:N,s:O,s:O,s:i,s:s}", "number", state->number,
        "running", state->running, "modules", modules, "chain", chain,
        "pending", pending, "queued", queued, "stragglers", older, "supported",
        state->unsupported ? Py_False : Py_True, "why",
        state->unsupported ? state->unsupported : Py_None, "held",
        state->holds, "python", Py_GetVersion());
}

static PyObject *
engine_history(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct mf_state *state = PyModule_GetState(self);
    return PySequence_List(state->history);
}

static PyObject *
engine_supported(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct mf_state *state = PyModule_GetState(self);
    return Py_NewRef(state->unsupported ? state->unsupported : Py_None);
}

static PyObject *
engine_lever(PyObject *self, PyObject *args)
{
    (void)self;
    const char *name;
    long value = 1;
    if (!PyArg_ParseTuple(args, "s|l:lever", &name, &value)) {
        return NULL;
    }
    if (mf_fault_set(name, value) < 0) {
        PyErr_Format(PyExc_ValueError,
                     "unknown lever %s, or a build without levers", name);
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
engine_lever_counts(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return mf_fault_counts();
}

/* ---- watching ------------------------------------------------------------ */

static PyObject *
engine_watch(PyObject *self, PyObject *args)
{
    struct mf_state *state = PyModule_GetState(self);
    PyObject *paths;
    int force_poll = 0;
    if (!PyArg_ParseTuple(args, "O|p:watch", &paths, &force_poll)) {
        return NULL;
    }
    PyObject *list = PySequence_List(paths);
    if (list == NULL) {
        return NULL;
    }
    int rc = mf_watching_add(state, list, force_poll != 0);
    Py_DECREF(list);
    if (rc < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
engine_unwatch(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct mf_state *state = PyModule_GetState(self);
    mf_watching_end(state);
    if (state->guest != NULL && mf_watching_serve(state, state->guest) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
engine_watching(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct mf_state *state = PyModule_GetState(self);
    if (state->thread == NULL || mf_thread_forked(state->thread) ||
        PyList_GET_SIZE(state->watched) == 0) {
        Py_RETURN_NONE; /* none, or one that only waits for stragglers */
    }
    return PyUnicode_FromString(state->backend);
}

static PyObject *
engine_undo(PyObject *self, PyObject *args)
{
    PyObject *to = Py_None;
    int mode = MF_MODE_UPDATE;
    if (!PyArg_ParseTuple(args, "|Oi:undo", &to, &mode)) {
        return NULL;
    }
    struct mf_state *state = PyModule_GetState(self);
    long back_to = -1;
    if (to != Py_None) {
        back_to = PyLong_AsLong(to);
        if (back_to == -1 && PyErr_Occurred()) {
            return NULL;
        }
    }
    return mf_update_undo(state, back_to, (enum mf_mode)mode);
}

/* ---- texts ---------------------------------------------------------------- */

/* A module that is loaded already keeps its baseline. */
static PyObject *
engine_assume(PyObject *self, PyObject *args)
{
    struct mf_state *state = PyModule_GetState(self);
    PyObject *path, *layer = Py_None;
    const char *utf8;
    Py_ssize_t len;
    if (!PyArg_ParseTuple(args, "Us#|O:assume", &path, &utf8, &len, &layer)) {
        return NULL;
    }
    struct mf_source *source = mf_source_get(state, path);
    if (source == NULL) {
        return NULL;
    }
    if (source->text.bytes == NULL && !source->is_split &&
        (mf_source_take(path, utf8, len, &source->text) < 0 ||
         (layer != Py_None &&
          PyDict_SetItem(state->layers, path, layer) < 0))) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* For what has to be in before an import that is under way goes on. */
static PyObject *
engine_inside_imports(PyObject *self, PyObject *arg)
{
    long delta = PyLong_AsLong(arg);
    if (delta == -1 && PyErr_Occurred()) {
        return NULL;
    }
    ((struct mf_state *)PyModule_GetState(self))->inside_imports += delta;
    Py_RETURN_NONE;
}

/* ---- the agent ----------------------------------------------------------- */

static PyObject *
engine_agent_open(PyObject *self, PyObject *args)
{
    PyObject *folder, *name, *hello, *handler;
    if (!PyArg_ParseTuple(args, "O&O&SO:agent_open", PyUnicode_FSConverter,
                          &folder, PyUnicode_FSConverter, &name, &hello,
                          &handler)) {
        return NULL;
    }
    int rc = mf_agent_open(PyModule_GetState(self), PyBytes_AS_STRING(folder),
                           PyBytes_AS_STRING(name), hello, handler);
    Py_DECREF(folder);
    Py_DECREF(name);
    if (rc < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
engine_agent_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    mf_agent_close(PyModule_GetState(self));
    Py_RETURN_NONE;
}

static PyObject *
engine_agent_send(PyObject *self, PyObject *args)
{
    unsigned long client;
    PyObject *line;
    if (!PyArg_ParseTuple(args, "kS:agent_send", &client, &line)) {
        return NULL;
    }
    int rc = mf_agent_send(PyModule_GetState(self), client, line);
    return rc < 0 ? NULL : PyBool_FromLong(rc);
}

static PyObject *
engine_agent_path(PyObject *self, PyObject *unused)
{
    (void)unused;
    return mf_agent_path(PyModule_GetState(self));
}

static PyObject *
engine_interpreter(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    return PyLong_FromLongLong(
        PyInterpreterState_GetID(PyInterpreterState_Get()));
}

PyMethodDef mf_args_methods[] = {
    {"configure", engine_configure, METH_O, "Settings, a dict."},
    {"start", engine_start, METH_NOARGS, "Keep baselines from now on."},
    {"update", engine_update, METH_VARARGS,
     "update(paths=None, sources=None, mode=0, extra={}) -> report dict"},
    {"script", engine_script, METH_VARARGS,
     "script(steps, space, reach, pair, settle, mode, extra={}) -> report"},
    {"refuse", engine_refuse, METH_VARARGS,
     "refuse(reasons, mode, extra={}) -> report dict"},
    {"texts", engine_texts, METH_NOARGS,
     "What runs: module name -> (path, text or None)."},
    {"undo", engine_undo, METH_VARARGS,
     "undo(to=None, mode=0) -> report dict"},
    {"watch", engine_watch, METH_VARARGS,
     "watch(paths, force_poll=False): update by itself from now on."},
    {"unwatch", engine_unwatch, METH_NOARGS, "Stop watching."},
    {"watching", engine_watching, METH_NOARGS, "The back end's name."},
    {"agent_open", engine_agent_open, METH_VARARGS,
     "agent_open(folder, name, hello, handler): serve a socket."},
    {"agent_close", engine_agent_close, METH_NOARGS, "Serve it no more."},
    {"agent_send", engine_agent_send, METH_VARARGS,
     "agent_send(client, line) -> is it still there?"},
    {"agent_path", engine_agent_path, METH_NOARGS, "The socket, or None."},
    {"interpreter", engine_interpreter, METH_NOARGS, "Its number."},
    {"set_listener", engine_set_listener, METH_O,
     "fn(report) after every update."},
    {"set_layering", engine_set_layering, METH_O,
     "fn(file's text, text that runs, layer), see hotfix/layers.py."},
    {"layers", engine_layers, METH_NOARGS, "Path -> layer, of hotfixes."},
    {"hold", engine_hold, METH_O, "hold(+1 or -1) -> depth"},
    {"poll", engine_poll, METH_VARARGS, "Commit here what waits."},
    {"track", engine_track, METH_VARARGS, "track(path, fn or None)"},
    {"status", engine_status, METH_NOARGS, "What runs, as a dict."},
    {"history", engine_history, METH_NOARGS, "Reports, oldest first."},
    {"supported", engine_supported, METH_NOARGS,
     "None, or why every update will be rejected."},
    {"assume", engine_assume, METH_VARARGS,
     "assume(path, text, layer=None): its module will be loaded from this "
     "text, which stands over the file's."},
    {"inside_imports", engine_inside_imports, METH_O,
     "inside_imports(+1 or -1): updates of a thread inside an import are "
     "made, not skipped."},
    {"lever", engine_lever, METH_VARARGS, "lever(name, value): tests only."},
    {"lever_counts", engine_lever_counts, METH_NOARGS, "dict: tests only."},
    {NULL, NULL, 0, NULL},
};
