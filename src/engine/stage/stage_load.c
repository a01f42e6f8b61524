/* stage_load.c -- owns modules that the update adds: loaded for real, under
 * their import lock, over the staging builtins. In: names that staged code
 * imports. Out: struct mf_loaded.
 *
 * The lock is held until the update has ended. Another thread that imports
 * such a module waits, as for any module that is being imported, and has the
 * same module afterwards: if the update is rejected, it is loaded once more,
 * for who waits, as if they had been alone.
 */
#include "stage_parts.h"

#include "../ground/fault.h"
#include "../ground/trace.h"
#include "../heap/frames.h"

/* ---- being imported, for others ---------------------------------------------------- */

/* _initializing of a spec meanwhile: true for threads that have to wait. */
struct waits {
    PyObject_HEAD
    struct mf_stage *stage; /* borrowed; NULL: over */
};

static bool
has_builtins(PyFrameObject *frame, void *dict)
{
    PyObject *builtins = PyFrame_GetBuiltins(frame);
    Py_XDECREF(builtins);
    return builtins == dict;
}

/* Staged code does not wait for itself, in whatever thread it runs. */
static bool
runs_staged_code(struct mf_stage *stage)
{
    return mf_frames_any(PyThreadState_Get(), has_builtins, stage->builtins);
}

static int
waits_bool(PyObject *self)
{
    struct mf_stage *stage = ((struct waits *)self)->stage;
    return stage != NULL &&
           stage->state->busy_thread != PyThread_get_thread_ident() &&
           !runs_staged_code(stage);
}

static PyNumberMethods waits_number = {.nb_bool = waits_bool};

static PyTypeObject waits_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "midflight._engine.Initializing",
    .tp_basicsize = sizeof(struct waits),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_as_number = &waits_number,
    .tp_dealloc = (destructor)PyObject_Free,
};

static int
set_waits(struct mf_stage *stage, struct mf_loaded *loaded)
{
    if (PyType_Ready(&waits_type) < 0) {
        return -1;
    }
    struct waits *waits = PyObject_New(struct waits, &waits_type);
    if (waits == NULL) {
        return -1;
    }
    waits->stage = stage;
    loaded->waits = (PyObject *)waits;
    return PyObject_SetAttrString(loaded->spec, "_initializing",
                                  loaded->waits);
}

/* ---- the import lock ------------------------------------------------------------------ */

/* An entered _ModuleLockManager, or NULL. */
static PyObject *
take_lock(PyObject *bootstrap, PyObject *name)
{
    PyObject *lock =
        PyObject_CallMethod(bootstrap, "_ModuleLockManager", "O", name);
    PyObject *done = lock ? PyObject_CallMethod(lock, "__enter__", NULL)
                          : NULL;
    if (done == NULL) {
        Py_CLEAR(lock);
    }
    Py_XDECREF(done);
    return lock;
}

/* Ctrl-C may come in the middle of the release, which is Python code: it is noted
 * and the lock is given up all the same. In the child of a fork the lock may be a
 * thread's that is not there: then it is forgotten. */
static void
give_lock(struct mf_stage *stage, PyObject *lock, PyObject *name)
{
    PyObject *type, *value, *tb, *done;
    bool interrupted = false;
    PyErr_Fetch(&type, &value, &tb);
    while ((done = PyObject_CallMethod(lock, "__exit__", "OOO", Py_None, Py_None,
                                       Py_None)) == NULL &&
           PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        PyErr_Clear();
        interrupted = true;
    }
    /* Once interrupted, it may have been given up the first time. */
    if (done == NULL && !interrupted) {
        PyErr_Clear();
        PyObject *bootstrap = PyImport_ImportModule("importlib._bootstrap");
        PyObject *locks =
            bootstrap ? PyObject_GetAttrString(bootstrap, "_module_locks")
                      : NULL;
        done = locks ? PyObject_CallMethod(locks, "pop", "OO", name, Py_None)
                     : NULL;
        Py_XDECREF(locks);
        Py_XDECREF(bootstrap);
    }
    Py_XDECREF(done);
    stage->interrupted |= interrupted;
    PyErr_Restore(type, value, tb);
}

/* It is everybody's, or nobody's, from here on. */
static void
give(struct mf_stage *stage, struct mf_loaded *loaded)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    if (loaded->waits != NULL) {
        ((struct waits *)loaded->waits)->stage = NULL;
        Py_CLEAR(loaded->waits);
        if (PyObject_SetAttrString(loaded->spec, "_initializing", Py_False) <
            0) {
            PyErr_Clear(); /* false all the same */
        }
    }
    if (loaded->lock != NULL) {
        PyObject *lock = loaded->lock;
        loaded->lock = NULL;
        give_lock(stage, lock, loaded->name);
        Py_DECREF(lock);
    }
    PyErr_Restore(type, value, tb);
}

void
mf_stage_loaded_free(struct mf_stage *stage, struct mf_loaded *loaded)
{
    give(stage, loaded);
    Py_XDECREF(loaded->name);
    Py_XDECREF(loaded->module);
    Py_XDECREF(loaded->code);
    Py_XDECREF(loaded->path);
    Py_XDECREF(loaded->spec);
    Py_XDECREF(loaded->search);
    Py_XDECREF(loaded->parent_dict);
    Py_XDECREF(loaded->attr);
    Py_XDECREF(loaded->replaced);
    Py_XDECREF(loaded->left);
    mf_free(loaded);
}

/* ---- loading -------------------------------------------------------------------------- */

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
    Py_XSETREF(loaded->attr, PyUnicode_Substring(loaded->name, dot + 1, n));
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
        Py_XSETREF(loaded->parent_dict, Py_NewRef(dict));
        return PyDict_SetItem(dict, loaded->attr, loaded->module);
    }
    return 0;
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

/* Spec, loader, module and code of a module of the program. 1: found, 0: not
 * one of ours, -1. */
static int
find_new(struct mf_stage *stage, PyObject *bootstrap,
         struct mf_loaded *loaded)
{
    loaded->spec = PyObject_CallMethod(
        bootstrap, "_find_spec", "OO", loaded->name,
        loaded->search ? loaded->search : Py_None);
    if (loaded->spec == NULL || loaded->spec == Py_None) {
        return loaded->spec == NULL ? -1 : 0;
    }
    loaded->path = path_of_spec(loaded->spec);
    PyObject *loader = PyObject_GetAttrString(loaded->spec, "loader");
    if (loaded->path == NULL || loader == NULL ||
        !PyObject_HasAttrString(loader, "get_code")) {
        Py_XDECREF(loader);
        PyErr_Clear();
        return 0;
    }
    int rc = mf_source_is_target(stage->state, loaded->path, loaded->name);
    if (rc <= 0) {
        Py_DECREF(loader);
        return rc;
    }
    PyObject *dict = PyObject_GetAttrString(loader, "__dict__");
    if (dict != NULL && PyDict_Check(dict) &&
        PyDict_DelItemString(dict, "exec_module") < 0) {
        PyErr_Clear(); /* our finder's dress, not needed here */
    }
    Py_XDECREF(dict);
    PyErr_Clear();
    loaded->module = PyObject_CallMethod(bootstrap, "module_from_spec", "O",
                                         loaded->spec);
    loaded->code = loaded->module ? PyObject_CallMethod(loader, "get_code",
                                                        "O", loaded->name)
                                  : NULL;
    Py_DECREF(loader);
    if (loaded->code != NULL && (!PyCode_Check(loaded->code) ||
                                 !PyModule_Check(loaded->module))) {
        PyErr_Format(PyExc_ImportError, "no code object for %U",
                     loaded->name);
        return -1;
    }
    return loaded->code ? 1 : -1;
}

/* The entry of sys.modules as it was. */
static void
leave_modules(struct mf_loaded *loaded)
{
    PyObject *modules = PyImport_GetModuleDict();
    if (PyDict_GetItemWithError(modules, loaded->name) != loaded->module) {
        return;
    }
    if (loaded->replaced != NULL) {
        PyDict_SetItem(modules, loaded->name, loaded->replaced);
    }
    else {
        PyDict_DelItem(modules, loaded->name);
    }
}

/* Its code over the staging builtins. What it registers elsewhere leaves with
 * it. */
static int
run_new(struct mf_stage *stage, struct mf_loaded *loaded)
{
    PyObject *space = PyModule_GetDict(loaded->module);
    if (PyDict_SetItemString(space, "__builtins__", stage->builtins) < 0 ||
        set_waits(stage, loaded) < 0 ||
        PyDict_SetItem(PyImport_GetModuleDict(), loaded->name,
                       loaded->module) < 0 ||
        mf_effects_before(&stage->effects, loaded->code, space, NULL) < 0) {
        return -1;
    }
    PyObject *result = PyEval_EvalCode(loaded->code, space, space);
    if (result == NULL) {
        /* as an import that fails leaves nothing, a guarded one too */
        PyObject *type, *value, *tb;
        PyErr_Fetch(&type, &value, &tb);
        leave_modules(loaded);
        PyErr_Restore(type, value, tb);
        give(stage, loaded);
        return -1;
    }
    Py_DECREF(result);
    return bind_in_parent(stage, loaded);
}

int
mf_stage_load_new(struct mf_stage *stage, PyObject *name, PyObject *search,
                  PyObject *gone)
{
    PyObject *bootstrap = PyImport_ImportModule("importlib._bootstrap");
    struct mf_loaded *loaded = bootstrap ? mf_alloc(sizeof(*loaded)) : NULL;
    if (loaded == NULL) {
        Py_XDECREF(bootstrap);
        return PyErr_Occurred() ? -1 : (PyErr_NoMemory(), -1);
    }
    loaded->name = Py_NewRef(name);
    loaded->search = Py_XNewRef(search);
    int rc = -1;
    loaded->lock = take_lock(bootstrap, name);
    PyObject *there =
        PyDict_GetItemWithError(PyImport_GetModuleDict(), name);
    if (loaded->lock == NULL || PyErr_Occurred()) {
        goto free_loaded;
    }
    if (there != gone) { /* another thread has had the lock before us */
        rc = 0;
        goto free_loaded;
    }
    loaded->replaced = Py_XNewRef(there);
    rc = mf_stage_forget_listings() < 0
             ? -1
             : find_new(stage, bootstrap, loaded);
    if (rc <= 0) {
        goto free_loaded;
    }
    Py_DECREF(bootstrap);
    if (mf_vec_push(&stage->loaded, loaded) < 0) {
        mf_stage_loaded_free(stage, loaded);
        return -1;
    }
    return run_new(stage, loaded) < 0 ? -1 : 1;
free_loaded:
    mf_stage_loaded_free(stage, loaded);
    Py_DECREF(bootstrap);
    return rc;
}

/* ---- those that return ------------------------------------------------------------------ */

static int
bring_back_one(struct mf_stage *stage, PyObject *left)
{
    PyObject *name = PyTuple_GET_ITEM(left, 0);
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *there = PyDict_GetItemWithError(modules, name);
    if (there != NULL ? !mf_stage_is_deleted(stage, there)
                      : PyErr_Occurred() != NULL) {
        return PyErr_Occurred() ? -1 : 0; /* another one has come */
    }
    struct mf_loaded *loaded = mf_alloc(sizeof(*loaded));
    if (loaded == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    loaded->name = Py_NewRef(name);
    loaded->module = Py_NewRef(PyTuple_GET_ITEM(left, 1));
    loaded->path = Py_NewRef(PyTuple_GET_ITEM(left, 2));
    loaded->left = Py_NewRef(left);
    loaded->replaced = Py_XNewRef(there);
    if (mf_vec_push(&stage->loaded, loaded) < 0) {
        mf_stage_loaded_free(stage, loaded);
        return -1;
    }
    return PyDict_SetItem(modules, name, loaded->module) < 0
               ? -1
               : bind_in_parent(stage, loaded);
}

PyObject *
mf_stage_returns(struct mf_stage *stage, PyObject *dict)
{
    PyObject *returns = stage->plan->returns;
    Py_ssize_t n = returns ? PyList_GET_SIZE(returns) : 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *module = PyTuple_GET_ITEM(PyList_GET_ITEM(returns, i), 1);
        if (PyModule_GetDict(module) == dict) {
            return module;
        }
    }
    return NULL;
}

int
mf_stage_bring_back(struct mf_stage *stage)
{
    PyObject *returns = stage->plan->returns;
    Py_ssize_t n = returns ? PyList_GET_SIZE(returns) : 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (bring_back_one(stage, PyList_GET_ITEM(returns, i)) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- the end --------------------------------------------------------------------------- */

void
mf_stage_unload_since(struct mf_stage *stage, size_t from)
{
    for (size_t i = stage->loaded.len; i > from; i--) {
        struct mf_loaded *loaded = stage->loaded.items[i - 1];
        leave_modules(loaded);
        if (loaded->parent_dict != NULL &&
            PyDict_GetItemWithError(loaded->parent_dict, loaded->attr) ==
                loaded->module) {
            PyDict_DelItem(loaded->parent_dict, loaded->attr);
        }
        PyErr_Clear();
    }
}

/* Does this frame wait for the module's lock, with the module in its hands? */
static bool
is_waiting_frame(PyFrameObject *frame, PyObject *name)
{
    PyCodeObject *code = PyFrame_GetCode(frame);
    bool waits = PyUnicode_CompareWithASCIIString(
                     code->co_name, "_lock_unlock_module") == 0;
    Py_DECREF(code);
    PyObject *locals = waits ? PyFrame_GetLocals(frame) : NULL;
    PyObject *of = locals ? PyMapping_GetItemString(locals, "name") : NULL;
    waits = of != NULL && PyUnicode_Check(of) &&
            PyUnicode_Compare(of, name) == 0;
    Py_XDECREF(of);
    Py_XDECREF(locals);
    PyErr_Clear();
    return waits;
}

static bool
is_awaited(PyObject *name)
{
    PyThreadState *me = PyThreadState_Get();
    PyThreadState *ts = PyInterpreterState_ThreadHead(me->interp);
    bool found = false;
    for (; ts != NULL && !found; ts = PyThreadState_Next(ts)) {
        PyFrameObject *frame = ts != me ? PyThreadState_GetFrame(ts) : NULL;
        while (frame != NULL) {
            found |= is_waiting_frame(frame, name);
            PyFrameObject *back = found ? NULL : PyFrame_GetBack(frame);
            Py_DECREF(frame);
            frame = back;
        }
    }
    return found;
}

/* The same module object, as an import of the waiting thread would have it. */
static int
load_again(struct mf_stage *stage, struct mf_loaded *loaded)
{
    PyObject *bootstrap = PyImport_ImportModule("importlib._bootstrap");
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *spec =
        bootstrap ? PyObject_CallMethod(bootstrap, "_find_spec", "OO",
                                        loaded->name,
                                        loaded->search ? loaded->search
                                                       : Py_None)
                  : NULL;
    PyObject *init =
        spec ? PyObject_GetAttrString(bootstrap, "_init_module_attrs") : NULL;
    PyObject *loader = spec ? PyObject_GetAttrString(spec, "loader") : NULL;
    PyObject *done = NULL;
    if (init != NULL && loader != NULL) {
        PyDict_Clear(PyModule_GetDict(loaded->module));
        done = PyObject_CallFunction(init, "OO", spec, loaded->module);
    }
    if (done != NULL &&
        PyObject_SetAttrString(spec, "_initializing", Py_True) == 0 &&
        PyDict_SetItem(modules, loaded->name, loaded->module) == 0) {
        Py_SETREF(done, PyObject_CallMethod(loader, "exec_module", "O",
                                            loaded->module));
    }
    int rc = done == NULL || PyErr_Occurred() ||
                     PyObject_SetAttrString(spec, "_initializing",
                                            Py_False) < 0
                 ? -1
                 : bind_in_parent(stage, loaded);
    Py_XDECREF(done);
    Py_XDECREF(loader);
    Py_XDECREF(init);
    Py_XDECREF(spec);
    Py_XDECREF(bootstrap);
    return rc;
}

void
mf_stage_give_since(struct mf_stage *stage, size_t from, bool rejected)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    for (size_t i = stage->loaded.len; i > from; i--) {
        struct mf_loaded *loaded = stage->loaded.items[i - 1];
        if (rejected && loaded->lock != NULL && is_awaited(loaded->name)) {
            MF_TRACE(1, "stage: %s is loaded for a thread that waits",
                     PyUnicode_AsUTF8(loaded->name));
            if (load_again(stage, loaded) < 0) {
                /* as for any import that fails: nothing stays */
                PyErr_WriteUnraisable(loaded->module);
                leave_modules(loaded);
                PyErr_Clear();
            }
        }
        give(stage, loaded);
    }
    PyErr_Restore(type, value, tb);
}
