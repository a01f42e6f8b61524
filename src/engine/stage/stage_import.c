/* stage_import.c -- owns imports of staged code: modules of the update give
 * their staged sides, those that are new are loaded (stage_load). In: import
 * statements over the staging builtins. Out: staged modules.
 */
#include "stage_parts.h"

bool
mf_stage_is_deleted(struct mf_stage *stage, PyObject *entry)
{
    return PyModule_Check(entry) &&
           mf_plan_deletes(stage->plan, PyModule_GetDict(entry));
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
        bool gone = entry != NULL && mf_stage_is_deleted(stage, entry);
        if ((entry == NULL || gone) && !PyErr_Occurred()) {
            int done = mf_stage_load_new(stage, prefix, path,
                                         gone ? entry : NULL);
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

/* A module of the update, before who imports it goes on. If it fails, its
 * importer does: with an exception that is no reason of its own. */
static int
run_first(struct mf_stage *stage, struct mf_staged *staged)
{
    int rc = mf_stage_run_target(stage, staged);
    if (rc > 0) {
        stage->failed = true;
        PyErr_Format(PyExc_ImportError, "%U failed while it was staged",
                     staged->target->module->name);
    }
    return rc != 0 ? -1 : 0;
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
    struct mf_state *state = mf_state_get();
    struct mf_stage *stage = mf_stage_of_thread(state);
    if (stage != NULL) {
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
             run_first(stage, staged) < 0)) {
            return NULL;
        }
    }
    PyObject *result = PyImport_ImportModuleLevelObject(
        name, globals, locals, fromlist, level);
    /* another thread runs staged code too, and the import may have let the
     * GIL go: the stage is this thread's, or gone */
    if (result == NULL || stage == NULL ||
        stage != mf_stage_of_thread(mf_state_get())) {
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
