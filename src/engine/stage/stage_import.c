/* stage_import.c -- owns imports of staged code: modules of the update give
 * their staged sides, new modules are loaded for real and leave again if the
 * update is rejected. In: import statements over the staging builtins. Out:
 * staged modules, struct mf_loaded.
 */
#include "stage_parts.h"

#include "../ground/fault.h"

static struct mf_stage *current_stage;

void
mf_stage_loaded_free(struct mf_loaded *loaded)
{
    Py_XDECREF(loaded->name);
    Py_XDECREF(loaded->module);
    Py_XDECREF(loaded->code);
    Py_XDECREF(loaded->path);
    Py_XDECREF(loaded->parent_dict);
    Py_XDECREF(loaded->attr);
    Py_XDECREF(loaded->replaced);
    mf_free(loaded);
}

static struct mf_loaded *
note_loaded(struct mf_stage *stage, PyObject *name, PyObject *module,
            PyObject *code, PyObject *path)
{
    struct mf_loaded *loaded = mf_alloc(sizeof(*loaded));
    if (loaded == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    loaded->name = Py_NewRef(name);
    loaded->module = Py_NewRef(module);
    loaded->code = Py_NewRef(code);
    loaded->path = Py_NewRef(path);
    loaded->replaced = Py_XNewRef(
        PyDict_GetItemWithError(PyImport_GetModuleDict(), name));
    if (mf_vec_push(&stage->loaded, loaded) < 0) {
        mf_stage_loaded_free(loaded);
        return NULL;
    }
    return loaded;
}

/* Set a module as an attribute of its package, live and staged. */
static int
bind_in_parent(struct mf_stage *stage, struct mf_loaded *loaded)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(loaded->name);
    Py_ssize_t dot = PyUnicode_FindChar(loaded->name, '.', 0, n, -1);
    if (dot < 0) {
        return 0;
    }
    PyObject *parent = PyUnicode_Substring(loaded->name, 0, dot);
    loaded->attr = PyUnicode_Substring(loaded->name, dot + 1, n);
    PyObject *entry =
        parent ? PyDict_GetItemWithError(PyImport_GetModuleDict(), parent)
               : NULL;
    Py_XDECREF(parent);
    if (loaded->attr == NULL || entry == NULL || !PyModule_Check(entry)) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *dict = PyModule_GetDict(entry);
    struct mf_staged *staged = mf_stage_of(stage, dict);
    if (staged != NULL &&
        PyDict_SetItem(staged->dict, loaded->attr, loaded->module) < 0) {
        return -1;
    }
    if (PyDict_GetItemWithError(dict, loaded->attr) == NULL) {
        loaded->parent_dict = Py_NewRef(dict);
        return PyDict_SetItem(dict, loaded->attr, loaded->module);
    }
    return 0;
}

/* Finders keep lists of folders by their time stamps, which are too coarse
 * for a file that has just come. */
static void
forget_listings(void)
{
    PyObject *importlib = PyImport_ImportModule("importlib");
    PyObject *done =
        importlib ? PyObject_CallMethod(importlib, "invalidate_caches", NULL)
                  : NULL;
    Py_XDECREF(done);
    Py_XDECREF(importlib);
    PyErr_Clear();
}

/* The spec's origin, if it is the path of a file: what is built in or frozen
 * calls its origin by words that read like a path. New, or NULL without an
 * exception. */
static PyObject *
path_of_spec(PyObject *spec)
{
    PyObject *has = PyObject_GetAttrString(spec, "has_location");
    PyObject *origin =
        has == Py_True ? PyObject_GetAttrString(spec, "origin") : NULL;
    if (origin != NULL && !PyUnicode_Check(origin)) {
        Py_CLEAR(origin);
    }
    Py_XDECREF(has);
    PyErr_Clear();
    return origin;
}

/* Load a module of the program that is not loaded yet, its code over the
 * staging builtins. 1: loaded, 0: not one of ours, -1. */
static int
load_new(struct mf_stage *stage, PyObject *name, PyObject *parent_path)
{
    int rc = -1;
    PyObject *spec = NULL, *origin = NULL, *loader = NULL, *module = NULL;
    PyObject *code = NULL, *result = NULL;
    PyObject *bootstrap = PyImport_ImportModule("importlib._bootstrap");
    if (bootstrap == NULL) {
        return -1;
    }
    forget_listings();
    spec = PyObject_CallMethod(bootstrap, "_find_spec", "OO", name,
                               parent_path ? parent_path : Py_None);
    if (spec == NULL || spec == Py_None) {
        rc = spec == NULL ? -1 : 0;
        goto done;
    }
    origin = path_of_spec(spec);
    loader = PyObject_GetAttrString(spec, "loader");
    if (origin == NULL || loader == NULL ||
        !PyObject_HasAttrString(loader, "get_code")) {
        PyErr_Clear();
        rc = 0;
        goto done;
    }
    rc = mf_source_is_target(stage->state, origin, name);
    if (rc <= 0) {
        goto done;
    }
    rc = -1;
    PyObject *dict = PyObject_GetAttrString(loader, "__dict__");
    if (dict != NULL && PyDict_Check(dict) &&
        PyDict_DelItemString(dict, "exec_module") < 0) {
        PyErr_Clear(); /* our finder's dress, not needed here */
    }
    Py_XDECREF(dict);
    PyErr_Clear();
    module = PyObject_CallMethod(bootstrap, "module_from_spec", "O", spec);
    if (module == NULL) {
        goto done;
    }
    code = PyObject_CallMethod(loader, "get_code", "O", name);
    if (code == NULL || !PyCode_Check(code) || !PyModule_Check(module)) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_ImportError, "no code object for %U", name);
        }
        goto done;
    }
    PyObject *space = PyModule_GetDict(module);
    struct mf_loaded *loaded = note_loaded(stage, name, module, code, origin);
    if (loaded == NULL ||
        PyDict_SetItemString(space, "__builtins__", stage->builtins) < 0 ||
        PyDict_SetItem(PyImport_GetModuleDict(), name, module) < 0 ||
        /* what it registers elsewhere leaves with it */
        mf_effects_before(&stage->effects, code, space) < 0) {
        goto done;
    }
    PyObject_SetAttrString(spec, "_initializing", Py_True);
    result = PyEval_EvalCode(code, space, space);
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    PyObject_SetAttrString(spec, "_initializing", Py_False);
    if (result == NULL &&
        PyDict_GetItemWithError(PyImport_GetModuleDict(), name) == module) {
        /* as an import that fails leaves nothing, a guarded one too */
        if (loaded->replaced != NULL) {
            PyDict_SetItem(PyImport_GetModuleDict(), name, loaded->replaced);
        }
        else {
            PyDict_DelItem(PyImport_GetModuleDict(), name);
        }
    }
    PyErr_Restore(type, value, tb);
    if (result != NULL && bind_in_parent(stage, loaded) == 0) {
        rc = 1;
    }
done:
    Py_XDECREF(result);
    Py_XDECREF(code);
    Py_XDECREF(module);
    Py_XDECREF(loader);
    Py_XDECREF(origin);
    Py_XDECREF(spec);
    Py_DECREF(bootstrap);
    return rc;
}

/* Is this the module of a file that the update deletes? */
static bool
is_deleted(struct mf_stage *stage, PyObject *entry)
{
    PyObject *dict = PyModule_Check(entry) ? PyModule_GetDict(entry) : NULL;
    for (size_t i = 0; i < stage->plan->changes.len; i++) {
        struct mf_change *change = stage->plan->changes.items[i];
        for (size_t t = 0;
             change->kind == MF_CHANGE_DELETED && t < change->targets.len;
             t++) {
            struct mf_target *target = change->targets.items[t];
            if (target->module->dict == dict) {
                return true;
            }
        }
    }
    return false;
}

/* Load what is new along a dotted name. */
static int
load_along(struct mf_stage *stage, PyObject *name)
{
    PyObject *loaded = PyImport_GetModuleDict();
    Py_ssize_t n = PyUnicode_GET_LENGTH(name), at = 0;
    PyObject *path = NULL;
    int rc = 0;
    while (rc == 0 && at <= n) {
        Py_ssize_t dot = PyUnicode_FindChar(name, '.', at, n, 1);
        Py_ssize_t end = dot < 0 ? n : dot;
        PyObject *prefix = PyUnicode_Substring(name, 0, end);
        if (prefix == NULL) {
            rc = -1;
            break;
        }
        PyObject *entry = PyDict_GetItemWithError(loaded, prefix);
        bool gone = entry != NULL && is_deleted(stage, entry);
        if ((entry == NULL || gone) && !PyErr_Occurred()) {
            int done = load_new(stage, prefix, path);
            rc = done < 0 ? -1 : 0;
            if (gone && done == 0) {
                PyErr_Format(PyExc_ModuleNotFoundError,
                             "No module named '%U'", prefix);
                rc = -1;
            }
            entry = done == 1 ? PyDict_GetItemWithError(loaded, prefix) : NULL;
        }
        Py_DECREF(prefix);
        Py_CLEAR(path);
        if (rc < 0 || entry == NULL || dot < 0) {
            break;
        }
        path = PyObject_GetAttrString(entry, "__path__");
        if (path == NULL) {
            PyErr_Clear();
            break;
        }
        at = dot + 1;
    }
    Py_XDECREF(path);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* Absolute name of what is imported: importlib's own rule. */
static PyObject *
resolve_name(PyObject *name, PyObject *globals, int level)
{
    if (level == 0) {
        return Py_NewRef(name);
    }
    PyObject *bootstrap = PyImport_ImportModule("importlib._bootstrap");
    PyObject *package =
        bootstrap ? PyObject_CallMethod(bootstrap, "_calc___package__", "O",
                                        globals ? globals : Py_None)
                  : NULL;
    PyObject *full =
        package ? PyObject_CallMethod(bootstrap, "_resolve_name", "OOi", name,
                                      package, level)
                : NULL;
    Py_XDECREF(package);
    Py_XDECREF(bootstrap);
    return full;
}

/* Submodules named in a from-list that are new are loaded too. */
static int
load_fromlist(struct mf_stage *stage, PyObject *full, PyObject *fromlist)
{
    PyObject *entry =
        PyDict_GetItemWithError(PyImport_GetModuleDict(), full);
    if (entry == NULL || !PyModule_Check(entry) ||
        !PySequence_Check(fromlist)) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *dict = PyModule_GetDict(entry);
    if (PyDict_GetItemString(dict, "__path__") == NULL) {
        return 0;
    }
    struct mf_staged *staged = mf_stage_of(stage, dict);
    for (Py_ssize_t i = 0; i < PySequence_Size(fromlist); i++) {
        PyObject *item = PySequence_GetItem(fromlist, i);
        if (item == NULL) {
            return -1;
        }
        int rc = 0;
        if (PyUnicode_Check(item) &&
            PyDict_GetItemWithError(staged ? staged->dict : dict, item) ==
                NULL) {
            PyObject *sub = PyUnicode_FromFormat("%U.%U", full, item);
            rc = sub ? load_along(stage, sub) : -1;
            Py_XDECREF(sub);
        }
        Py_DECREF(item);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

/* The staged side of a module object, else itself. New reference. */
static PyObject *
staged_side(struct mf_stage *stage, PyObject *module)
{
    struct mf_staged *staged =
        PyModule_Check(module)
            ? mf_stage_of(stage, PyModule_GetDict(module))
            : NULL;
    return Py_NewRef(staged ? staged->module : module);
}

/* __import__ of the staging builtins. */
static PyObject *
staging_import(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"name", "globals", "locals", "fromlist", "level",
                            NULL};
    PyObject *name, *globals = NULL, *locals = NULL, *fromlist = NULL;
    int level = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U|OOOi:__import__", names,
                                     &name, &globals, &locals, &fromlist,
                                     &level)) {
        return NULL;
    }
    struct mf_stage *stage = current_stage;
    struct mf_state *state = mf_state_get();
    if (stage != NULL && state != NULL &&
        state->staging_thread == PyThread_get_thread_ident()) {
        PyObject *full = resolve_name(name, globals, level);
        if (full == NULL || load_along(stage, full) < 0 ||
            (fromlist != NULL && fromlist != Py_None &&
             load_fromlist(stage, full, fromlist) < 0)) {
            Py_XDECREF(full);
            return NULL;
        }
        PyObject *entry =
            PyDict_GetItemWithError(PyImport_GetModuleDict(), full);
        struct mf_staged *staged =
            entry && PyModule_Check(entry)
                ? mf_stage_of(stage, PyModule_GetDict(entry))
                : NULL;
        Py_DECREF(full);
        if (PyErr_Occurred() ||
            (staged != NULL && staged->target != NULL && !staged->started &&
             mf_stage_run_target(stage, staged) < 0)) {
            return NULL;
        }
    }
    PyObject *result = PyImport_ImportModuleLevelObject(
        name, globals, locals, fromlist, level);
    /* another thread runs staged code too, and the import may have let the
     * GIL go: the stage is this thread's, or gone */
    if (result == NULL || stage == NULL || stage != current_stage ||
        state == NULL ||
        state->staging_thread != PyThread_get_thread_ident()) {
        return result;
    }
    PyObject *side = staged_side(stage, result);
    Py_DECREF(result);
    return side;
}

static PyMethodDef staging_import_def = {
    "__import__", (PyCFunction)(void (*)(void))staging_import,
    METH_VARARGS | METH_KEYWORDS, "Import that gives staged modules."};

int
mf_stage_make_builtins(struct mf_stage *stage)
{
    PyObject *real = PyImport_ImportModule("builtins");
    if (real == NULL) {
        return -1;
    }
    stage->real_builtins = Py_NewRef(PyModule_GetDict(real));
    Py_DECREF(real);
    stage->builtins = PyDict_Copy(stage->real_builtins);
    PyObject *import = PyCFunction_New(&staging_import_def, NULL);
    int rc = stage->builtins == NULL || import == NULL
                 ? -1
                 : PyDict_SetItemString(stage->builtins, "__import__",
                                        import);
    Py_XDECREF(import);
    return rc;
}

/* Modules loaded since then leave again. */
void
mf_stage_unload_since(struct mf_stage *stage, size_t from)
{
    PyObject *modules = PyImport_GetModuleDict();
    for (size_t i = stage->loaded.len; i > from; i--) {
        struct mf_loaded *loaded = stage->loaded.items[i - 1];
        if (PyDict_GetItemWithError(modules, loaded->name) ==
            loaded->module) {
            if (loaded->replaced != NULL) {
                PyDict_SetItem(modules, loaded->name, loaded->replaced);
            }
            else {
                PyDict_DelItem(modules, loaded->name);
            }
        }
        if (loaded->parent_dict != NULL &&
            PyDict_GetItemWithError(loaded->parent_dict, loaded->attr) ==
                loaded->module) {
            PyDict_DelItem(loaded->parent_dict, loaded->attr);
        }
        PyErr_Clear();
    }
}

void
mf_stage_set_current(struct mf_stage *stage)
{
    current_stage = stage;
}

struct mf_stage *
mf_stage_current(void)
{
    return current_stage;
}
