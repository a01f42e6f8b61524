/* imports.c -- owns our place in the import system. In: audit events, finder
 * calls, sys.modules. Out: sources with code objects, modules and the values
 * of base. Never changes what an import does: the finder asks the others and
 * hands on what they say.
 */
#include "imports.h"

#include "compile.h"
#include "imports_cached.h"

#include "../ground/fault.h"
#include "../ground/once.h"
#include "../ground/compat_moves.h"
#include "../ground/trace.h"

mf_imports_audit mf_imports_on_audit = NULL;

/* ---- modules of a source ------------------------------------------- */

void
mf_imports_forget(struct mf_state *state, struct mf_source *source,
                  struct mf_module *module)
{
    state->graph_edition++;
    for (size_t i = 0; i < source->modules.len; i++) {
        if (source->modules.items[i] == module) {
            source->modules.items[i] =
                source->modules.items[--source->modules.len];
            mf_source_module_free(module);
            return;
        }
    }
}

static struct mf_module *
module_of(struct mf_source *source, PyObject *dict)
{
    for (size_t i = 0; i < source->modules.len; i++) {
        struct mf_module *module = source->modules.items[i];
        if (module->dict == dict) {
            return module;
        }
    }
    return NULL;
}

struct mf_module *
mf_imports_note(struct mf_state *state, struct mf_source *source,
                PyObject *name, PyObject *dict, PyObject *code)
{
    struct mf_module *module = module_of(source, dict);
    if (module == NULL) {
        module = mf_alloc(sizeof(*module));
        if (module == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        module->source = source;
        module->name = Py_NewRef(name);
        module->dict = Py_NewRef(dict);
        if (mf_vec_push(&source->modules, module) < 0) {
            mf_source_module_free(module);
            return NULL;
        }
    }
    state->graph_edition++;
    if (code != NULL) {
        PyObject *codes = mf_source_flatten(code);
        if (codes == NULL) {
            return NULL;
        }
        Py_XSETREF(module->codes, codes);
        PyObject *loads = mf_names_used(code);
        if (loads == NULL) {
            return NULL;
        }
        Py_XSETREF(module->loads, loads);
        source->flags = ((PyCodeObject *)code)->co_flags & PyCF_MASK;
    }
    return module;
}

/* Take the oldest code object that was run for this source and that no
 * module has claimed. New reference or NULL without exception. */
static PyObject *
claim_exec(struct mf_source *source)
{
    if (source->execs.len == 0) {
        return NULL;
    }
    PyObject *code = source->execs.items[0];
    memmove(source->execs.items, source->execs.items + 1,
            (source->execs.len - 1) * sizeof(void *));
    source->execs.len--;
    return code;
}

/* 1: spec says that the import is under way; 0: not; never fails. */
static int
is_importing(PyObject *dict)
{
    PyObject *spec = PyDict_GetItemString(dict, "__spec__");
    if (spec == NULL || spec == Py_None) {
        return 0;
    }
    PyObject *flag = PyObject_GetAttrString(spec, "_initializing");
    int yes = flag == Py_True;
    Py_XDECREF(flag);
    PyErr_Clear();
    return yes;
}

/* The namespace of an entry of sys.modules, borrowed, or NULL. */
static PyObject *
namespace_of(PyObject *entry)
{
    return entry != NULL && PyModule_Check(entry) ? PyModule_GetDict(entry)
                                                  : NULL;
}

static int
same_file(PyObject *dict, PyObject *path)
{
    PyObject *file = PyDict_GetItemString(dict, "__file__");
    if (file == NULL || !PyUnicode_Check(file)) {
        return 0;
    }
    return PyUnicode_Compare(file, path) == 0 ||
           mf_source_same_path(file, path);
}

static int
take_module(struct mf_state *state, struct mf_source *source, PyObject *name,
            PyObject *dict, bool *importing)
{
    if (is_importing(dict)) {
        *importing = true;
        return 0;
    }
    struct mf_module *known = module_of(source, dict);
    if (known != NULL && known->codes != NULL) {
        return 0;
    }
    PyObject *code = claim_exec(source);
    struct mf_module *module = mf_imports_note(state, source, name, dict,
                                               code);
    if (module == NULL && code != NULL) {
        /* not claimed after all; the place it had is free */
        memmove(source->execs.items + 1, source->execs.items,
                source->execs.len++ * sizeof(void *));
        source->execs.items[0] = code;
        return -1;
    }
    Py_XDECREF(code);
    return module == NULL ? -1 : 0;
}

int
mf_imports_modules(struct mf_state *state, struct mf_source *source,
                   bool *importing)
{
    *importing = false;
    PyObject *loaded = PyImport_GetModuleDict(); /* borrowed */
    for (size_t i = source->modules.len; i > 0; i--) {
        struct mf_module *module = source->modules.items[i - 1];
        PyObject *entry = PyDict_GetItemWithError(loaded, module->name);
        PyObject *dict = namespace_of(entry);
        if (entry == NULL && PyErr_Occurred()) {
            return -1;
        }
        if (entry == NULL || (dict != NULL && dict != module->dict)) {
            mf_imports_forget(state, source, module);
        }
        else if (is_importing(module->dict)) {
            *importing = true;
        }
    }
    if (source->modules.len > 0 && source->execs.len == 0 &&
        !source->is_searched_for) {
        return 0;
    }
    PyObject *name, *entry;
    Py_ssize_t pos = 0;
    PyObject *copy = PyDict_Copy(loaded);
    if (copy == NULL) {
        return -1;
    }
    int rc = 0;
    source->is_searched_for = true;
    while (rc == 0 && PyDict_Next(copy, &pos, &name, &entry)) {
        PyObject *dict = namespace_of(entry);
        if (dict != NULL && PyUnicode_Check(name) &&
            same_file(dict, source->path)) {
            rc = take_module(state, source, name, dict, importing);
        }
    }
    Py_DECREF(copy);
    source->is_searched_for = rc < 0;
    return rc;
}

int
mf_imports_look_up(struct mf_state *state, struct mf_source *source)
{
    bool importing = false;
    if (source->modules.len > 0 || source->execs.len == 0 ||
        source->is_looked_up) {
        return 0;
    }
    int rc = mf_imports_modules(state, source, &importing);
    source->is_looked_up = rc == 0 && !importing;
    return rc;
}

/* ---- the audit hook ------------------------------------------------- */

static PyObject *str_module_code; /* "<module>" */
static bool hooked;

/* Installed code is not noted; any other file may be asked for by name. */
static bool
is_library(PyObject *path)
{
    const char *text = PyUnicode_AsUTF8(path);
    if (text == NULL) {
        PyErr_Clear();
        return true;
    }
    return strstr(text, "/site-packages/") != NULL ||
           strstr(text, "/dist-packages/") != NULL ||
           strstr(text, "/lib/python3") != NULL;
}

static void
on_exec(struct mf_state *state, PyObject *code)
{
    PyCodeObject *co = (PyCodeObject *)code;
    if (PyUnicode_Compare(co->co_name, str_module_code) != 0 ||
        PyUnicode_READ_CHAR(co->co_filename, 0) == '<') {
        return;
    }
    PyObject *path = mf_source_absolute(co->co_filename);
    if (path == NULL) {
        return;
    }
    int target = mf_source_is_target(state, path, NULL);
    if (target <= 0 && is_library(path)) {
        Py_DECREF(path);
        return;
    }
    struct mf_source *source = mf_source_get(state, path);
    Py_DECREF(path);
    if (source == NULL) {
        return;
    }
    if (source->text.bytes == NULL && !source->is_split &&
        mf_source_read(source->path, &source->text) < 0) {
        PyErr_Clear();
    }
    mf_compat_moves_widen(co);
    mf_vec_push_ref(&source->execs, code);
    source->is_looked_up = false;
}

static int
audit_hook(const char *event, PyObject *args, void *unused)
{
    (void)unused;
    bool exec = event[0] == 'e' && strcmp(event, "exec") == 0;
    if (!exec && mf_imports_on_audit == NULL) {
        return 0;
    }
    if (!Py_IsInitialized()) {
        return 0;
    }
    struct mf_state *state = mf_state_get();
    if (state == NULL) {
        PyErr_Clear();
        return 0;
    }
    if (exec && state->started && args != NULL && PyTuple_Check(args) &&
        PyTuple_GET_SIZE(args) == 1 &&
        PyCode_Check(PyTuple_GET_ITEM(args, 0))) {
        PyObject *type, *value, *tb;
        PyErr_Fetch(&type, &value, &tb);
        on_exec(state, PyTuple_GET_ITEM(args, 0));
        if (PyErr_Occurred()) {
            PyErr_Clear();
        }
        PyErr_Restore(type, value, tb);
    }
    if (mf_imports_on_audit != NULL && state->staging != NULL) {
        return mf_imports_on_audit(state, event, args);
    }
    return 0;
}

/* ---- the finder ------------------------------------------------------ */

static PyObject *str_exec_module, *str_file, *str_name, *str_origin,
    *str_loader, *str_find_spec; /* every import needs them */

/* The end of an import by an ordinary loader: names and values of base. */
static int
note_end(struct mf_state *state, PyObject *object)
{
    PyObject *dict = namespace_of(object);
    PyObject *file = dict ? PyDict_GetItemWithError(dict, str_file) : NULL;
    PyObject *name = dict ? PyDict_GetItemWithError(dict, str_name) : NULL;
    if (file == NULL || !PyUnicode_Check(file) || name == NULL ||
        !PyUnicode_Check(name)) {
        return 0;
    }
    PyObject *path = mf_source_absolute(file);
    if (path == NULL) {
        return -1;
    }
    /* its folder's answer is not that of a link in it */
    struct mf_source *source = mf_source_is_target(state, path, name) > 0
                                   ? mf_source_find(state, path)
                                   : NULL;
    Py_DECREF(path);
    if (source == NULL || source->text.bytes == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *code = claim_exec(source);
    struct mf_module *module =
        mf_imports_note(state, source, name, dict, code);
    Py_XDECREF(code);
    if (module == NULL) {
        return -1;
    }
    Py_XSETREF(module->base, mf_source_note_base(dict, name));
    return module->base == NULL ? -1 : 0;
}

/* The text that was just loaded is the baseline, if there is none yet. */
static int
take_text(struct mf_state *state, PyObject *code, struct mf_text *text)
{
    PyObject *path = mf_source_absolute(((PyCodeObject *)code)->co_filename);
    struct mf_source *source =
        path != NULL && mf_source_is_plain(state, path) == 0
            ? mf_source_get(state, path)
            : NULL;
    Py_XDECREF(path);
    if (source != NULL && source->text.bytes == NULL && !source->is_split) {
        source->text = *text;
        text->bytes = NULL;
    }
    mf_text_clear(text);
    return source != NULL ? 0 : -1;
}

/* What the loader's own method does: from the .pyc file with the text in one
 * go, where that is all there is to it. */
static PyObject *
run_module(struct mf_state *state, PyObject *loader, PyObject *object)
{
    PyObject *dict = namespace_of(object), *code;
    struct mf_text text = {NULL, 0};
    if (state == NULL || !state->started || dict == NULL ||
        !mf_imports_cached(&state->plain, loader, dict, &code, &text)) {
        return PyObject_CallMethodOneArg(loader, str_exec_module, object);
    }
    if (take_text(state, code, &text) < 0) {
        PyErr_Clear();
    }
    PyObject *result = mf_imports_cached_run(&state->plain, code, dict);
    Py_DECREF(code);
    return result;
}

/* Stands in front of a loader's exec_module for one call: self is the
 * loader. Runs the loader's own method, then notes what the import made. */
static PyObject *
exec_module(PyObject *loader, PyObject *object)
{
    if (PyObject_DelAttr(loader, str_exec_module) < 0) {
        PyErr_Clear();
    }
    PyObject *result = run_module(mf_state_get(), loader, object);
    if (result == NULL) {
        return NULL;
    }
    struct mf_state *state = mf_state_get();
    if (state == NULL || (state->started && note_end(state, object) < 0)) {
        PyErr_Clear();
    }
    return result;
}

static PyMethodDef exec_module_def = {
    "exec_module", exec_module, METH_O,
    "The loader's own exec_module; midflight notes the module afterwards."};

/* Put exec_module in front of the loader of a spec of one of ours. Never
 * fails: a loader that does not take it is left alone. */
static void
dress_loader(struct mf_state *state, PyObject *spec, PyObject *name)
{
    PyObject *origin = PyObject_GetAttr(spec, str_origin);
    PyObject *loader = PyObject_GetAttr(spec, str_loader);
    PyObject *own = NULL, *method = NULL, *path = NULL;
    if (origin == NULL || !PyUnicode_Check(origin) || loader == NULL) {
        goto done;
    }
    own = PyObject_GetAttr((PyObject *)Py_TYPE(loader), str_exec_module);
    if (own == NULL || own != state->plain.exec_module) {
        goto done;
    }
    path = mf_source_absolute(origin);
    if (path == NULL || mf_source_may_be_target(state, path, name) <= 0) {
        goto done;
    }
    method = PyCFunction_New(&exec_module_def, loader);
    if (method != NULL) {
        PyObject_SetAttr(loader, str_exec_module, method);
    }
done:
    PyErr_Clear();
    Py_XDECREF(path);
    Py_XDECREF(method);
    Py_XDECREF(own);
    Py_XDECREF(loader);
    Py_XDECREF(origin);
}

/* find_spec(name, path=None, target=None): what the finders after us say. */
static PyObject *
finder_find_spec(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"fullname", "path", "target", NULL};
    PyObject *name, *path = Py_None, *target = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U|OO:find_spec", names,
                                     &name, &path, &target)) {
        return NULL;
    }
    struct mf_state *state = mf_state_get();
    if (state == NULL) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    PyObject *finders = PySys_GetObject("meta_path");
    if (finders == NULL || !PyList_Check(finders)) {
        Py_RETURN_NONE;
    }
    bool behind = false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(finders); i++) {
        PyObject *finder = PyList_GET_ITEM(finders, i);
        if (finder == self) {
            behind = true;
            continue;
        }
        if (!behind) {
            continue;
        }
        Py_INCREF(finder);
        PyObject *method = PyObject_GetAttr(finder, str_find_spec);
        Py_DECREF(finder);
        if (method == NULL) {
            PyErr_Clear();
            continue;
        }
        PyObject *spec = PyObject_CallFunctionObjArgs(method, name, path,
                                                      target, NULL);
        Py_DECREF(method);
        if (spec == NULL) {
            return NULL;
        }
        if (spec != Py_None) {
            if (state->started) {
                dress_loader(state, spec, name);
            }
            return spec;
        }
        Py_DECREF(spec);
    }
    Py_RETURN_NONE;
}

static PyMethodDef finder_methods[] = {
    {"find_spec", (PyCFunction)(void (*)(void))finder_find_spec,
     METH_VARARGS | METH_KEYWORDS,
     "Ask the finders behind this one and note the module that they give."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot finder_slots[] = {
    {Py_tp_methods, finder_methods},
    {Py_tp_doc, "midflight's place on sys.meta_path: sees imports end."},
    {0, NULL}};

static PyType_Spec finder_spec = {
    .name = "midflight._engine.Finder",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = finder_slots,
};

int
mf_imports_init(struct mf_state *state, PyObject *engine_module)
{
    state->finder_type = PyType_FromSpec(&finder_spec);
    return state->finder_type == NULL ||
                   !mf_once(&str_module_code, "<module>") ||
                   !mf_once(&str_exec_module, "exec_module") ||
                   !mf_once(&str_file, "__file__") ||
                   !mf_once(&str_name, "__name__") ||
                   !mf_once(&str_origin, "origin") ||
                   !mf_once(&str_loader, "loader") ||
                   !mf_once(&str_find_spec, "find_spec") ||
                   PyModule_AddObjectRef(engine_module, "Finder",
                                         state->finder_type) < 0
               ? -1
               : 0;
}

void
mf_imports_forget_hook(void)
{
    hooked = false;
}

/* ---- start and stop --------------------------------------------------- */

/* What was loaded before start(): its text as the file has it now, code
 * objects and base unknown. */
static int
note_loaded(struct mf_state *state)
{
    PyObject *copy = PyDict_Copy(PyImport_GetModuleDict());
    if (copy == NULL) {
        return -1;
    }
    PyObject *name, *entry;
    Py_ssize_t pos = 0;
    while (PyDict_Next(copy, &pos, &name, &entry)) {
        PyObject *dict = namespace_of(entry);
        PyObject *file = dict ? PyDict_GetItemString(dict, "__file__") : NULL;
        if (file == NULL || !PyUnicode_Check(file) ||
            !PyUnicode_Check(name)) {
            continue;
        }
        PyObject *path = mf_source_absolute(file);
        if (path == NULL) {
            goto fail;
        }
        int yes = PyUnicode_Tailmatch(path, mf_source_str_py(), 0,
                                      PY_SSIZE_T_MAX, 1) == 1
                      ? mf_source_is_target(state, path, name)
                      : 0;
        struct mf_source *source = yes > 0 ? mf_source_get(state, path) : NULL;
        Py_DECREF(path);
        if (yes < 0 || (yes > 0 && source == NULL)) {
            goto fail;
        }
        if (source != NULL) {
            if (source->text.bytes == NULL &&
                mf_source_read(source->path, &source->text) < 0) {
                PyErr_Clear();
            }
            if (!is_importing(dict) &&
                mf_imports_note(state, source, name, dict, NULL) == NULL) {
                goto fail;
            }
        }
    }
    Py_DECREF(copy);
    return 0;
fail:
    Py_DECREF(copy);
    return -1;
}

int
mf_imports_start(struct mf_state *state)
{
    if (state->started) {
        return 0;
    }
    PyObject *external = PyImport_ImportModule(
        "importlib._bootstrap_external");
    if (external == NULL) {
        return -1;
    }
    int rc = mf_imports_cached_init(&state->plain, external);
    Py_DECREF(external);
    if (rc < 0 || note_loaded(state) < 0) {
        return -1;
    }
    if (!hooked) {
        if (PySys_AddAuditHook(audit_hook, NULL) < 0) {
            return -1;
        }
        hooked = true;
    }
    PyObject *finders = PySys_GetObject("meta_path");
    if (finders == NULL || !PyList_Check(finders)) {
        PyErr_SetString(PyExc_RuntimeError, "sys.meta_path is not a list");
        return -1;
    }
    if (state->finder == NULL) {
        PyTypeObject *type = (PyTypeObject *)state->finder_type;
        state->finder = type->tp_alloc(type, 0);
        if (state->finder == NULL) {
            return -1;
        }
    }
    if (PyList_Insert(finders, 0, state->finder) < 0) {
        return -1;
    }
    state->started = true;
    return 0;
}

void
mf_imports_stop(struct mf_state *state)
{
    state->started = false;
    PyObject *finders = PySys_GetObject("meta_path");
    if (finders == NULL || !PyList_Check(finders)) {
        return;
    }
    for (Py_ssize_t i = PyList_GET_SIZE(finders); i > 0; i--) {
        if (PyList_GET_ITEM(finders, i - 1) == state->finder) {
            PyList_SetSlice(finders, i - 1, i, NULL);
        }
    }
    PyErr_Clear();
}
