/* stage.c -- owns the staging namespaces and what runs in them. In: a plan.
 * Out: staged values, members that ran, modules that were loaded. Import
 * redirection holds for code over the staging builtins only; other threads
 * see nothing.
 */
#include "stage.h"

#include "../commit/redefine_function.h"
#include "../ground/fault.h"
#include "../ground/trace.h"

/* ---- staged modules ------------------------------------------------------ */

struct mf_staged *
mf_stage_of(struct mf_stage *stage, PyObject *live_dict)
{
    for (size_t i = 0; i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        if (staged->live_dict == live_dict) {
            return staged;
        }
    }
    return NULL;
}

static struct mf_staged *
add_staged(struct mf_stage *stage, PyObject *name, PyObject *live,
           PyObject *live_dict, struct mf_target *target)
{
    struct mf_staged *staged = mf_alloc(sizeof(*staged));
    if (staged == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    if (mf_vec_push(&stage->items, staged) < 0) {
        mf_free(staged);
        return NULL;
    }
    staged->target = target;
    staged->live = Py_NewRef(live);
    staged->live_dict = Py_NewRef(live_dict);
    staged->module = PyModule_NewObject(name);
    staged->bound = PyDict_New();
    if (staged->module == NULL || staged->bound == NULL) {
        return NULL;
    }
    staged->dict = Py_NewRef(PyModule_GetDict(staged->module));
    if (PyDict_Update(staged->dict, live_dict) < 0 ||
        PyDict_SetItemString(staged->dict, "__builtins__", stage->builtins) <
            0) {
        return NULL;
    }
    return staged;
}

/* Modules that are values of a staging namespace become their staged sides. */
static int
link_modules(struct mf_stage *stage)
{
    for (size_t i = 0; i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        PyObject *key, *value;
        Py_ssize_t pos = 0;
        while (PyDict_Next(staged->dict, &pos, &key, &value)) {
            if (!PyModule_Check(value)) {
                continue;
            }
            struct mf_staged *other =
                mf_stage_of(stage, PyModule_GetDict(value));
            /* the key exists: setting it does not change the dict's form */
            if (other != NULL &&
                PyDict_SetItem(staged->dict, key, other->module) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* Packages around the staged modules, so that `import a.b` finds them. */
static int
stage_parents(struct mf_stage *stage)
{
    PyObject *loaded = PyImport_GetModuleDict();
    for (size_t i = 0; i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        PyObject *name = PyModule_GetNameObject(staged->module);
        if (name == NULL) {
            return -1;
        }
        Py_ssize_t n = PyUnicode_GET_LENGTH(name);
        Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, n, -1);
        PyObject *parent =
            dot > 0 ? PyUnicode_Substring(name, 0, dot) : NULL;
        Py_DECREF(name);
        if (parent == NULL) {
            continue;
        }
        PyObject *live = PyDict_GetItemWithError(loaded, parent);
        struct mf_staged *added = staged;
        if (live != NULL && PyModule_Check(live) &&
            mf_stage_of(stage, PyModule_GetDict(live)) == NULL) {
            added = add_staged(stage, parent, live, PyModule_GetDict(live),
                               NULL);
        }
        Py_DECREF(parent);
        if (added == NULL) {
            return -1;
        }
    }
    return 0;
}

/* ---- functions remade over the staging namespaces -------------------------- */

static PyObject *clone_value(struct mf_stage *stage, PyObject *value,
                             int depth);

static PyObject *
clone_closure(struct mf_stage *stage, PyObject *closure, int depth)
{
    Py_ssize_t n = PyTuple_GET_SIZE(closure);
    PyObject *out = PyTuple_New(n);
    for (Py_ssize_t i = 0; out != NULL && i < n; i++) {
        PyObject *cell = PyTuple_GET_ITEM(closure, i);
        PyObject *content = PyCell_GET(cell);
        PyObject *copy = content != NULL && PyFunction_Check(content)
                             ? clone_value(stage, content, depth + 1)
                             : NULL;
        if (PyErr_Occurred()) {
            Py_CLEAR(out);
            break;
        }
        PyObject *item = copy ? PyCell_New(copy) : Py_NewRef(cell);
        Py_XDECREF(copy);
        if (item == NULL) {
            Py_CLEAR(out);
            break;
        }
        PyTuple_SET_ITEM(out, i, item);
    }
    return out;
}

static int ensure_names(struct mf_stage *stage, struct mf_staged *staged,
                        PyObject *code, int depth);

/* An unedited module of the program whose functions a step calls and that
 * imports a staged module somewhere, if only when called: it is staged too,
 * so that its functions see the new side. Borrowed; NULL without exception if
 * it is none of these. */
static struct mf_staged *
stage_on_demand(struct mf_stage *stage, PyObject *globals)
{
    PyObject *file = PyDict_GetItemString(globals, "__file__");
    PyObject *name = PyDict_GetItemString(globals, "__name__");
    if (file == NULL || !PyUnicode_Check(file) || name == NULL ||
        !PyUnicode_Check(name) ||
        mf_map_has(&stage->effects.foreign, globals)) {
        return NULL;
    }
    PyObject *path = mf_source_absolute(file);
    struct mf_source *source =
        path ? mf_source_find(stage->state, path) : NULL;
    Py_XDECREF(path);
    if (source == NULL || source->text.bytes == NULL ||
        source->modules.len == 0 || mf_source_split(source) < 0) {
        return NULL;
    }
    struct mf_edges edges = {0};
    struct mf_staged *staged = NULL;
    PyObject *loaded = PyImport_GetModuleDict();
    PyObject *live = PyDict_GetItemWithError(loaded, name);
    if (live == NULL || !PyModule_Check(live) ||
        PyModule_GetDict(live) != globals ||
        mf_graph_edges(&source->text, &source->split, name,
                       mf_source_is_package(source->modules.items[0]),
                       &edges) < 0) {
        mf_edges_clear(&edges);
        return NULL;
    }
    for (uint32_t e = 0; e < edges.len; e++) {
        struct mf_edge *edge = &edges.items[e];
        PyObject *entry = PyDict_GetItemWithError(loaded, edge->module);
        struct mf_staged *from =
            entry && PyModule_Check(entry)
                ? mf_stage_of(stage, PyModule_GetDict(entry))
                : NULL;
        if (from == NULL || from->target == NULL) {
            continue;
        }
        if (staged == NULL) {
            staged = add_staged(stage, name, live, globals, NULL);
            if (staged == NULL || link_modules(stage) < 0) {
                staged = NULL;
                break;
            }
        }
        if (edge->nested || edge->name == NULL || edge->as == NULL) {
            continue;
        }
        PyObject *fresh = PyDict_GetItemWithError(from->dict, edge->name);
        if (fresh != NULL &&
            PyDict_GetItemWithError(staged->dict, edge->as) ==
                PyDict_GetItemWithError(from->live_dict, edge->name) &&
            PyDict_SetItem(staged->dict, edge->as, fresh) < 0) {
            break;
        }
    }
    mf_edges_clear(&edges);
    if (staged != NULL && staged->before == NULL) {
        staged->before = PyDict_Copy(staged->dict);
        if (staged->before == NULL ||
            mf_map_put(&stage->effects.foreign, staged->dict, 1) < 0) {
            return NULL;
        }
    }
    return staged;
}

/* A clone of a live function over the staged side of its module; NULL without
 * exception if its module is not staged. New reference. */
static PyObject *
clone_value(struct mf_stage *stage, PyObject *value, int depth)
{
    PyFunctionObject *func = (PyFunctionObject *)value;
    struct mf_staged *home = mf_stage_of(stage, func->func_globals);
    if (home == NULL && depth <= 40) {
        home = stage_on_demand(stage, func->func_globals);
    }
    if (home == NULL || depth > 40) {
        return NULL;
    }
    PyObject *known = mf_map_get(&stage->clones, value);
    if (known != NULL) {
        return Py_NewRef(known);
    }
    PyObject *code = func->func_code;
    if (home->target != NULL) {
        PyObject *newer = mf_map_get(&home->target->exchange, code);
        code = newer ? newer : code;
    }
    PyCodeObject *co = (PyCodeObject *)code;
    Py_ssize_t cells = func->func_closure
                           ? PyTuple_GET_SIZE(func->func_closure)
                           : 0;
    if (PyCode_GetNumFree(co) != cells) {
        code = func->func_code; /* other cells: match finds them later */
    }
    PyObject *clone = PyFunction_NewWithQualName(code, home->dict,
                                                 func->func_qualname);
    if (clone == NULL) {
        return NULL;
    }
    PyFunctionObject *copy = (PyFunctionObject *)clone;
    Py_XSETREF(copy->func_defaults, Py_XNewRef(func->func_defaults));
    Py_XSETREF(copy->func_kwdefaults, Py_XNewRef(func->func_kwdefaults));
    Py_XSETREF(copy->func_dict, Py_XNewRef(func->func_dict));
    Py_XSETREF(copy->func_module, Py_XNewRef(func->func_module));
    Py_XSETREF(copy->func_name, Py_XNewRef(func->func_name));
    if (mf_vec_push_ref(&stage->clone_refs, value) < 0 ||
        mf_vec_push_ref(&stage->clone_refs, clone) < 0 ||
        mf_map_put(&stage->clones, value, (uintptr_t)clone) < 0) {
        Py_DECREF(clone);
        return NULL;
    }
    if (cells > 0) {
        PyObject *closure = clone_closure(stage, func->func_closure, depth);
        if (closure == NULL) {
            Py_DECREF(clone);
            return NULL;
        }
        Py_XSETREF(copy->func_closure, closure);
    }
    if (ensure_names(stage, home, code, depth + 1) < 0) {
        Py_DECREF(clone);
        return NULL;
    }
    return clone;
}

/* A function of a staging namespace becomes its clone there. */
static int
ensure_name(struct mf_stage *stage, struct mf_staged *staged, PyObject *name,
            int depth)
{
    PyObject *value = PyDict_GetItemWithError(staged->dict, name);
    if (value == NULL || !PyFunction_Check(value)) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *clone = clone_value(stage, value, depth);
    if (clone == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    int rc = PyDict_SetItem(staged->dict, name, clone);
    if (rc == 0 && staged->before != NULL &&
        PyDict_GetItemWithError(staged->before, name) == value) {
        rc = PyDict_SetItem(staged->before, name, clone);
    }
    Py_DECREF(clone);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

static int
ensure_each(struct mf_stage *stage, struct mf_staged *staged, PyObject *names,
            int depth)
{
    PyObject *name, *iter = PyObject_GetIter(names);
    int rc = iter ? 0 : -1;
    while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        rc = ensure_name(stage, staged, name, depth);
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* Every live function that code over this namespace can call, by name or as
 * an attribute of a staged module, is there as a clone over staging. */
static int
ensure_names(struct mf_stage *stage, struct mf_staged *staged, PyObject *code,
             int depth)
{
    struct mf_names names;
    if (mf_names_init(&names) < 0) {
        return -1;
    }
    int rc = mf_names_of_function(&names, code);
    if (rc == 0) {
        rc = ensure_each(stage, staged, names.loads, depth);
    }
    for (size_t i = 0;
         rc == 0 && PySet_GET_SIZE(names.attrs) > 0 && i < stage->items.len;
         i++) {
        struct mf_staged *other = stage->items.items[i];
        if (other->target != NULL) {
            rc = ensure_each(stage, other, names.attrs, depth);
        }
    }
    mf_names_clear(&names);
    return rc;
}

/* ---- import of staged and of new modules ------------------------------------ */

static void
loaded_free(struct mf_loaded *loaded)
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
        loaded_free(loaded);
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
    origin = PyObject_GetAttrString(spec, "origin");
    loader = PyObject_GetAttrString(spec, "loader");
    if (origin == NULL || loader == NULL || !PyUnicode_Check(origin) ||
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
        PyDict_SetItem(PyImport_GetModuleDict(), name, module) < 0) {
        goto done;
    }
    PyObject_SetAttrString(spec, "_initializing", Py_True);
    result = PyEval_EvalCode(code, space, space);
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    PyObject_SetAttrString(spec, "_initializing", Py_False);
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

static struct mf_stage *current_stage;

static int run_target(struct mf_stage *stage, struct mf_staged *staged);

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
             run_target(stage, staged) < 0)) {
            return NULL;
        }
    }
    PyObject *result = PyImport_ImportModuleLevelObject(
        name, globals, locals, fromlist, level);
    if (result == NULL || stage == NULL) {
        return result;
    }
    PyObject *side = staged_side(stage, result);
    Py_DECREF(result);
    return side;
}

static PyMethodDef staging_import_def = {
    "__import__", (PyCFunction)(void (*)(void))staging_import,
    METH_VARARGS | METH_KEYWORDS, "Import that gives staged modules."};

static int
make_builtins(struct mf_stage *stage)
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

/* ---- steps ------------------------------------------------------------------- */

static int
note_bound(struct mf_staged *staged, PyObject *name, bool edited)
{
    PyObject *known = PyDict_GetItemWithError(staged->bound, name);
    if (known == Py_True || PyErr_Occurred()) {
        return PyErr_Occurred() ? -1 : 0;
    }
    return PyDict_SetItem(staged->bound, name, edited ? Py_True : Py_False);
}

static int
note_all_bound(struct mf_staged *staged, PyObject *names, bool edited)
{
    PyObject *name, *iter = PyObject_GetIter(names);
    int rc = iter == NULL ? -1 : 0;
    while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        rc = note_bound(staged, name, edited);
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* A step of user code failed: its exception is a reason. */
static int
step_failed(struct mf_stage *stage, struct mf_target *target,
            struct mf_delta *delta)
{
    if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        stage->interrupted = true;
    }
    PyObject *name = NULL;
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    name = mf_plan_unit_name(target->change, delta);
    if (name == NULL) {
        PyErr_Clear();
    }
    PyErr_Restore(type, value, tb);
    int rc = mf_report_exception(
        stage->report, 402, target->module->name, name,
        target->change->source->path,
        mf_plan_unit_line(target->change, delta));
    Py_XDECREF(name);
    return rc;
}

/* What a name held before a prerequisite bound it anew: it holds it again at
 * the end, unless another statement has run that binds it. */
static int
save_names(struct mf_staged *staged, PyObject *names)
{
    if (staged->saved == NULL && (staged->saved = PyDict_New()) == NULL) {
        return -1;
    }
    PyObject *name, *iter = PyObject_GetIter(names);
    int rc = iter ? 0 : -1;
    while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        if (PyDict_GetItemWithError(staged->saved, name) == NULL) {
            PyObject *value = PyDict_GetItemWithError(staged->dict, name);
            rc = PyDict_SetItem(staged->saved, name,
                                value ? value : Py_NotImplemented);
        }
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

static int
restore_names(struct mf_staged *staged)
{
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (staged->saved != NULL &&
           PyDict_Next(staged->saved, &pos, &name, &value)) {
        if (PyDict_GetItemWithError(staged->bound, name) != NULL) {
            continue;
        }
        int rc = 0;
        if (value != Py_NotImplemented) {
            rc = PyDict_SetItem(staged->dict, name, value);
        }
        else if (PyDict_GetItemWithError(staged->dict, name) != NULL) {
            rc = PyDict_DelItem(staged->dict, name);
        }
        if (rc < 0 || PyErr_Occurred()) {
            return -1;
        }
    }
    return 0;
}

/* What the step did is read at once; its own exception stays set. */
static int
read_effects(struct mf_stage *stage)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    if (mf_effects_after(&stage->effects) < 0) {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(tb);
        return -1;
    }
    PyErr_Restore(type, value, tb);
    return 0;
}

/* Modules loaded since then leave again. */
static void
unload_since(struct mf_stage *stage, size_t from)
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

/* A derived step would have started something: it has not run. */
static int
step_stopped(struct mf_stage *stage, struct mf_target *target,
             struct mf_delta *delta, const char *what, size_t loaded)
{
    unload_since(stage, loaded);
    while (stage->loaded.len > loaded) {
        loaded_free(stage->loaded.items[--stage->loaded.len]);
    }
    delta->stale = true;
    delta->runs = false;
    PyObject *name = mf_plan_unit_name(target->change, delta);
    int rc = name ? mf_report_add(
                        stage->report, 301, '=', target->module->name, name,
                        target->change->source->path,
                        mf_plan_unit_line(target->change, delta),
                        "%U reads what has changed; it was stopped when it "
                        "ran again: it would have started %s",
                        name, what)
                  : -1;
    Py_XDECREF(name);
    return rc < 0 ? -1 : read_effects(stage);
}

/* Old texts of statements that run again or are gone: where they had
 * registered something is looked at too. */
static int
look_at_old_code(struct mf_stage *stage, struct mf_staged *staged)
{
    struct mf_diff *diff = &staged->target->change->diff;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *delta = &diff->deltas[i];
        if (delta->old_unit == MF_UNIT_NONE ||
            !(delta->runs || delta->kind == MF_DELTA_RUN ||
              delta->kind == MF_DELTA_REMOVED)) {
            continue;
        }
        PyObject *code = mf_diff_old_code(diff, delta);
        if (code == NULL || mf_effects_before_old(&stage->effects, code,
                                                  staged->live_dict) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Names that no instruction of the statement stores: star imports, writes
 * through globals(). */
static bool
writes_by_itself(struct mf_names *names)
{
    static const char *const ways[] = {"globals", "locals", "vars", "exec",
                                       "setattr"};
    if (names->imports) {
        return true;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(ways); i++) {
        PyObject *way = PyUnicode_FromString(ways[i]);
        bool used = way != NULL && PySet_Contains(names->loads, way) == 1;
        Py_XDECREF(way);
        if (used) {
            return true;
        }
    }
    PyErr_Clear();
    return false;
}

static int
note_other_writes(struct mf_staged *staged)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(staged->dict, &pos, &key, &value)) {
        if (PyDict_GetItemWithError(staged->before, key) != value &&
            (staged->saved == NULL ||
             PyDict_GetItemWithError(staged->saved, key) == NULL) &&
            note_bound(staged, key, true) < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int
run_unit(struct mf_stage *stage, struct mf_staged *staged,
         struct mf_delta *delta)
{
    struct mf_diff *diff = &staged->target->change->diff;
    PyObject *code = mf_diff_new_code(diff, delta);
    struct mf_names *names = code ? mf_diff_names(diff, delta) : NULL;
    struct mf_guard_step guarded;
    size_t loaded = stage->loaded.len;
    if (names == NULL || ensure_names(stage, staged, code, 0) < 0 ||
        mf_effects_before(&stage->effects, code, staged->dict) < 0 ||
        mf_guard_begin(&stage->guard, &guarded, delta->derived, staged->dict,
                       staged->bound) < 0) {
        return -1;
    }
    MF_TRACE(3, "run line %ld%s%s",
             mf_plan_unit_line(staged->target->change, delta),
             delta->derived ? " derived" : "",
             delta->prerequisite ? " prerequisite" : "");
    int rc = delta->prerequisite
                 ? save_names(staged, names->stores)
                 : note_all_bound(staged, names->stores, !delta->derived);
    PyObject *result =
        rc == 0 ? PyEval_EvalCode(code, staged->dict, staged->dict) : NULL;
    int stopped = mf_guard_end(&stage->guard, &guarded, &stage->effects);
    if (rc < 0 || stopped != 0) {
        Py_XDECREF(result);
        return rc < 0 || stopped < 0
                   ? -1
                   : step_stopped(stage, staged->target, delta, guarded.what,
                                  loaded);
    }
    if (read_effects(stage) < 0) {
        Py_XDECREF(result);
        return -1;
    }
    if (result == NULL) {
        return step_failed(stage, staged->target, delta);
    }
    Py_DECREF(result);
    return writes_by_itself(names) ? note_other_writes(staged) : 0;
}

/* What type.__new__ does to a namespace and a lone member misses. */
static int
finish_member(struct mf_member *member)
{
    static const char *const kinds[][2] = {
        {"__new__", "s"}, {"__init_subclass__", "c"},
        {"__class_getitem__", "c"}};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(kinds); i++) {
        PyObject *value = PyDict_GetItemString(member->set, kinds[i][0]);
        if (value == NULL || !PyFunction_Check(value)) {
            continue;
        }
        PyObject *wrapped = kinds[i][1][0] == 's' ? PyStaticMethod_New(value)
                                                  : PyClassMethod_New(value);
        int rc = wrapped ? PyDict_SetItemString(member->set, kinds[i][0],
                                                wrapped)
                         : -1;
        Py_XDECREF(wrapped);
        if (rc < 0) {
            return -1;
        }
    }
    PyObject *own = ((PyTypeObject *)member->cls)->tp_dict;
    if (PyDict_GetItemString(member->set, "__eq__") != NULL &&
        PyDict_GetItemString(member->set, "__hash__") == NULL &&
        PyDict_GetItemString(own, "__hash__") == NULL &&
        PyDict_SetItemString(member->set, "__hash__", Py_None) < 0) {
        return -1;
    }
    return 0;
}

static int
call_set_name(struct mf_member *member)
{
    PyObject *items = PyDict_Items(member->set);
    int rc = items == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(items); i++) {
        PyObject *pair = PyList_GET_ITEM(items, i);
        PyObject *value = PyTuple_GET_ITEM(pair, 1);
        if (PyFunction_Check(value) || PyType_Check(value) ||
            !PyObject_HasAttrString((PyObject *)Py_TYPE(value),
                                    "__set_name__")) {
            continue;
        }
        PyObject *done = PyObject_CallMethod(value, "__set_name__", "OO",
                                             member->cls,
                                             PyTuple_GET_ITEM(pair, 0));
        rc = done ? 0 : -1;
        Py_XDECREF(done);
    }
    Py_XDECREF(items);
    return rc;
}

/* Names that the preamble and the end of every class body write. */
static bool
is_frame_of_class(PyObject *name)
{
    static const char *const own[] = {
        "__module__", "__qualname__", "__firstlineno__",
        "__static_attributes__", "__classcell__", "__classdictcell__",
        "__builtins__"};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(own); i++) {
        if (PyUnicode_CompareWithASCIIString(name, own[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int
read_member_changes(struct mf_member *member, PyObject *space,
                    PyObject *before)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(space, &pos, &key, &value)) {
        if (!is_frame_of_class(key) &&
            PyDict_GetItemWithError(before, key) != value &&
            PyDict_SetItem(member->set, key, value) < 0) {
            return -1;
        }
    }
    pos = 0;
    while (PyDict_Next(before, &pos, &key, &value)) {
        if (!is_frame_of_class(key) &&
            PyDict_GetItemWithError(space, key) == NULL &&
            PyList_Append(member->gone, key) < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* Annotations are a dict that the class body would write into: a copy. */
static int
copy_annotations(PyObject *space)
{
    PyObject *notes = PyDict_GetItemString(space, "__annotations__");
    if (notes == NULL || !PyDict_Check(notes)) {
        return 0;
    }
    PyObject *copy = PyDict_Copy(notes);
    int rc = copy ? PyDict_SetItemString(space, "__annotations__", copy) : -1;
    Py_XDECREF(copy);
    return rc;
}

/* The copy of a class's namespace that its members run in, one after the
 * other. Borrowed. */
static PyObject *
member_space(struct mf_stage *stage, PyObject *cls)
{
    if (stage->spaces == NULL && (stage->spaces = PyDict_New()) == NULL) {
        return NULL;
    }
    PyObject *key = PyLong_FromVoidPtr(cls);
    PyObject *space = key ? PyDict_GetItemWithError(stage->spaces, key) : NULL;
    if (space == NULL && key != NULL && !PyErr_Occurred()) {
        space = PyDict_Copy(((PyTypeObject *)cls)->tp_dict);
        if (space == NULL || copy_annotations(space) < 0 ||
            PyDict_SetItem(stage->spaces, key, space) < 0) {
            Py_CLEAR(space);
        }
        Py_XDECREF(space); /* the table holds it */
    }
    Py_XDECREF(key);
    return space;
}

/* A member runs alone: over a copy of the class's namespace. */
static int
run_member(struct mf_stage *stage, struct mf_staged *staged, uint32_t at)
{
    struct mf_diff *diff = &staged->target->change->diff;
    struct mf_delta *delta = &diff->deltas[at];
    PyObject *cls = mf_plan_live_class(staged->target,
                                       &diff->deltas[delta->parent]);
    PyObject *code = mf_diff_new_code(diff, delta);
    PyObject *scope =
        code ? mf_compile_member_scope(code, diff->new_of.text,
                                       diff->new_of.split, delta->new_unit)
             : NULL;
    if (cls == NULL || scope == NULL) {
        if (PyErr_Occurred()) {
            return -1;
        }
        PyErr_SetString(PyExc_RuntimeError, "the live class was not found");
        return step_failed(stage, staged->target, delta);
    }
    struct mf_member *member = mf_alloc(sizeof(*member));
    if (member == NULL || mf_vec_push(&stage->members, member) < 0) {
        mf_free(member);
        PyErr_NoMemory();
        return -1;
    }
    member->target = staged->target;
    member->delta = at;
    member->cls = Py_NewRef(cls);
    member->set = PyDict_New();
    member->gone = PyList_New(0);
    PyObject *space = member_space(stage, cls);
    PyObject *before = space ? PyDict_Copy(space) : NULL;
    int rc = -1;
    if (before == NULL || member->set == NULL || member->gone == NULL ||
        ensure_names(stage, staged, scope, 0) < 0 ||
        mf_effects_before(&stage->effects, scope, staged->dict) < 0) {
        goto release_spaces;
    }
    struct mf_guard_step guarded;
    size_t loaded = stage->loaded.len;
    if (mf_guard_begin(&stage->guard, &guarded, delta->derived, space,
                       NULL) < 0) {
        goto release_spaces;
    }
    PyObject *result = PyEval_EvalCode(scope, staged->dict, space);
    int stopped = mf_guard_end(&stage->guard, &guarded, &stage->effects);
    if (stopped > 0) {
        delta->kind = MF_DELTA_SAME;
        rc = step_stopped(stage, staged->target, delta, guarded.what, loaded);
    }
    if (stopped != 0 || read_effects(stage) < 0) {
        Py_XDECREF(result);
        goto release_spaces;
    }
    if (result == NULL) {
        rc = step_failed(stage, staged->target, delta);
        goto release_spaces;
    }
    Py_DECREF(result);
    PyObject *cell = PyDict_GetItemString(space, "__classcell__");
    if (cell != NULL && PyCell_Check(cell) && PyCell_Set(cell, cls) < 0) {
        goto release_spaces;
    }
    if (read_member_changes(member, space, before) < 0 ||
        finish_member(member) < 0) {
        goto release_spaces;
    }
    rc = call_set_name(member) < 0
             ? step_failed(stage, staged->target, delta)
             : 0;
release_spaces:
    Py_XDECREF(before);
    return rc;
}

/* ---- import bindings ------------------------------------------------------------ */

static int
bind_value(struct mf_staged *staged, PyObject *as, PyObject *value,
           PyObject *old)
{
    PyObject *live = PyDict_GetItemWithError(staged->live_dict, as);
    if (live == NULL && PyErr_Occurred()) {
        return -1;
    }
    /* a name that the importer has rebound itself stays its own */
    if (live != NULL && live != old) {
        PyObject *base = staged->target->module->base
                             ? PyDict_GetItemWithError(
                                   staged->target->module->base, as)
                             : NULL;
        if (base == NULL || mf_diff_const_equal(base, live, 0) != 1) {
            return PyErr_Occurred() ? -1 : 0;
        }
    }
    if (PyDict_SetItem(staged->dict, as, value) < 0) {
        return -1;
    }
    return note_bound(staged, as, true);
}

static int
bind_star(struct mf_staged *staged, struct mf_staged *from)
{
    PyObject *all = PyDict_GetItemString(from->dict, "__all__");
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(from->dict, &pos, &key, &value)) {
        if (!PyUnicode_Check(key)) {
            continue;
        }
        int public = all != NULL && PySequence_Check(all)
                         ? PySequence_Contains(all, key)
                         : PyUnicode_READ_CHAR(key, 0) != '_';
        PyObject *old = PyDict_GetItemWithError(from->live_dict, key);
        bool missing =
            PyDict_GetItemWithError(staged->dict, key) == NULL;
        if (public < 0 || (public && (value != old || missing) &&
                           bind_value(staged, key, value, old) < 0)) {
            return -1;
        }
    }
    /* names that went, or are public no more, go from the importer too */
    pos = 0;
    while (PyDict_Next(from->live_dict, &pos, &key, &value)) {
        bool gone = PyDict_GetItemWithError(from->dict, key) == NULL;
        if (!gone && all != NULL && PySequence_Check(all)) {
            PyObject *was = PyDict_GetItemString(from->live_dict, "__all__");
            gone = PySequence_Contains(all, key) == 0 && was != NULL &&
                   PySequence_Check(was) && PySequence_Contains(was, key) == 1;
        }
        if (gone && PyUnicode_Check(key) &&
            PyDict_GetItemWithError(staged->dict, key) == value) {
            if (PyDict_DelItem(staged->dict, key) < 0 ||
                note_bound(staged, key, true) < 0) {
                return -1;
            }
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* A name that no namespace holds: the module's own __getattr__ gives it. */
static int
bind_by_getattr(struct mf_stage *stage, struct mf_staged *staged,
                struct mf_staged *from, struct mf_edge *edge)
{
    PyObject *hook = PyDict_GetItemString(from->dict, "__getattr__");
    PyObject *clone = PyFunction_Check(hook) ? clone_value(stage, hook, 0)
                                             : NULL;
    if (clone == NULL && PyErr_Occurred()) {
        return -1;
    }
    PyObject *value = PyObject_CallOneArg(clone ? clone : hook, edge->name);
    Py_XDECREF(clone);
    int rc = 0;
    if (value == NULL) {
        rc = edge->guarded ? (PyErr_Clear(), 0)
                           : mf_report_exception(
                                 stage->report, 403,
                                 staged->target->module->name, edge->as,
                                 staged->target->change->source->path,
                                 (long)edge->line);
    }
    else {
        rc = PyDict_SetItem(staged->dict, edge->as, value) < 0
                 ? -1
                 : note_bound(staged, edge->as, false);
    }
    Py_XDECREF(value);
    return rc;
}

static int
run_bind(struct mf_stage *stage, struct mf_staged *staged,
         struct mf_edge *edge)
{
    PyObject *entry =
        PyDict_GetItemWithError(PyImport_GetModuleDict(), edge->module);
    struct mf_staged *from =
        entry != NULL && PyModule_Check(entry)
            ? mf_stage_of(stage, PyModule_GetDict(entry))
            : NULL;
    if (from == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    if (edge->as == NULL) {
        return bind_star(staged, from);
    }
    PyObject *value = PyDict_GetItemWithError(from->dict, edge->name);
    PyObject *old = PyDict_GetItemWithError(from->live_dict, edge->name);
    if (value == NULL && old == NULL && !PyErr_Occurred() &&
        PyDict_GetItemString(from->dict, "__getattr__") != NULL) {
        return bind_by_getattr(stage, staged, from, edge);
    }
    if (value == NULL) {
        PyObject *mine = PyDict_GetItemWithError(staged->live_dict, edge->as);
        if (PyErr_Occurred()) {
            return -1;
        }
        if (edge->guarded || old == NULL || mine != old) {
            return 0;
        }
        return mf_report_add(
            stage->report, 403, '=', staged->target->module->name, edge->as,
            staged->target->change->source->path, (long)edge->line,
            "ImportError: cannot import name '%U' from '%U': the update "
            "removes it",
            edge->name, edge->module);
    }
    return value == old ? 0 : bind_value(staged, edge->as, value, old);
}

/* Import bindings of one statement: what it had taken from a staged module
 * and what that module has now. */
static int
run_binds(struct mf_stage *stage, struct mf_staged *staged, uint32_t unit)
{
    struct mf_edges *edges = &staged->target->change->edges;
    for (uint32_t e = 0; e < edges->len; e++) {
        struct mf_edge *edge = &edges->items[e];
        if (edge->unit == unit && !edge->nested && edge->name != NULL &&
            staged->target->change->split.units[unit].kind !=
                MF_UNIT_CLASS &&
            run_bind(stage, staged, edge) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- the run ----------------------------------------------------------------------- */

/* Names whose statements are gone go first; a later statement may bind them
 * again. */
static int
remove_names(struct mf_staged *staged)
{
    struct mf_diff *diff = &staged->target->change->diff;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *delta = &diff->deltas[i];
        if (delta->parent != MF_UNIT_NONE || delta->old_unit == MF_UNIT_NONE ||
            !(delta->kind == MF_DELTA_REMOVED ||
              delta->kind == MF_DELTA_RUN)) {
            continue;
        }
        struct mf_names names;
        int rc = mf_diff_old_names(diff, delta, &names);
        PyObject *name, *iter =
                            rc == 0 ? PyObject_GetIter(names.stores) : NULL;
        while (iter != NULL && (name = PyIter_Next(iter)) != NULL) {
            int other = mf_plan_bound_elsewhere(staged->target->change, delta,
                                                name);
            if (other == 0 &&
                PyDict_GetItemWithError(staged->dict, name) != NULL) {
                rc = PyDict_DelItem(staged->dict, name);
            }
            if (rc < 0 || other < 0 || note_bound(staged, name, true) < 0) {
                rc = -1;
            }
            Py_DECREF(name);
        }
        Py_XDECREF(iter);
        mf_names_clear(&names);
        if (rc < 0 || PyErr_Occurred()) {
            return -1;
        }
    }
    return 0;
}

/* Before a statement that imports staged modules: those run first, as they
 * would when the program starts. */
static int
run_imported(struct mf_stage *stage, struct mf_staged *staged, uint32_t unit)
{
    struct mf_edges *edges = &staged->target->change->edges;
    for (uint32_t e = 0; e < edges->len; e++) {
        struct mf_edge *edge = &edges->items[e];
        if (edge->unit != unit || edge->nested) {
            continue;
        }
        for (size_t i = 0; i < stage->items.len; i++) {
            struct mf_staged *other = stage->items.items[i];
            if (other->target == NULL || other->started) {
                continue;
            }
            PyObject *name = other->target->module->name;
            bool hit = PyUnicode_Compare(name, edge->module) == 0;
            if (!hit && edge->name != NULL) {
                PyObject *sub = PyUnicode_FromFormat("%U.%U", edge->module,
                                                     edge->name);
                hit = sub && PyUnicode_Compare(sub, name) == 0;
                Py_XDECREF(sub);
            }
            if (hit && run_target(stage, other) < 0) {
                return -1;
            }
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int
run_target(struct mf_stage *stage, struct mf_staged *staged)
{
    struct mf_diff *diff = &staged->target->change->diff;
    if (staged->started) {
        return 0;
    }
    staged->started = true;
    if (staged->target->change->kind == MF_CHANGE_EDITED &&
        remove_names(staged) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *delta = &diff->deltas[i];
        if (delta->new_unit == MF_UNIT_NONE) {
            continue;
        }
        int rc = 0;
        if (delta->parent == MF_UNIT_NONE) {
            rc = run_imported(stage, staged, delta->new_unit);
            delta = &diff->deltas[i];
        }
        if (rc == 0 && delta->parent == MF_UNIT_NONE) {
            rc = delta->runs
                     ? run_unit(stage, staged, delta)
                     : run_binds(stage, staged, delta->new_unit);
        }
        else if (rc == 0 &&
                 (delta->kind == MF_DELTA_RUN ||
                  delta->kind == MF_DELTA_ADDED) &&
                 diff->deltas[delta->parent].kind == MF_DELTA_CLASS) {
            rc = run_member(stage, staged, i);
        }
        if (rc < 0) {
            return -1;
        }
        if (mf_report_reasons(stage->report) > 0) {
            return 0;
        }
    }
    return restore_names(staged);
}

/* In the order in which the program imported them; each runs those that it
 * imports first, at the place of the import. */
static int
run_all(struct mf_stage *stage)
{
    PyObject *names = PyDict_Keys(PyImport_GetModuleDict());
    int rc = names ? 0 : -1;
    for (Py_ssize_t n = 0; rc == 0 && n < PyList_GET_SIZE(names); n++) {
        for (size_t i = 0; i < stage->items.len && rc == 0; i++) {
            struct mf_staged *staged = stage->items.items[i];
            if (staged->target != NULL && !staged->started &&
                staged->target->module->name == PyList_GET_ITEM(names, n)) {
                rc = run_target(stage, staged);
            }
        }
        if (mf_report_reasons(stage->report) > 0) {
            break;
        }
    }
    Py_XDECREF(names);
    for (size_t i = 0; i < stage->items.len && rc == 0; i++) {
        struct mf_staged *staged = stage->items.items[i];
        if (staged->target != NULL && !staged->started &&
            mf_report_reasons(stage->report) == 0) {
            rc = run_target(stage, staged);
        }
    }
    return rc;
}

int
mf_stage_run(struct mf_stage *stage, struct mf_state *state,
             struct mf_plan *plan, struct mf_report *report)
{
    stage->state = state;
    stage->plan = plan;
    stage->report = report;
    if (make_builtins(stage) < 0 || mf_heap_mark_set(&stage->mark) < 0 ||
        mf_guard_open(&stage->guard, state) < 0) {
        return -1;
    }
    PyObject *loaded = PyImport_GetModuleDict();
    for (size_t i = 0; i < plan->targets.len; i++) {
        struct mf_target *target = plan->targets.items[i];
        PyObject *live =
            PyDict_GetItemWithError(loaded, target->module->name);
        if (live == NULL) {
            continue;
        }
        if (add_staged(stage, target->module->name, live,
                       target->module->dict, target) == NULL) {
            return -1;
        }
    }
    if (stage_parents(stage) < 0 || link_modules(stage) < 0) {
        return -1;
    }
    for (size_t i = 0; i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        staged->before = PyDict_Copy(staged->dict);
        if (staged->before == NULL ||
            mf_map_put(&stage->effects.foreign, staged->dict, 1) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        if (staged->target != NULL && look_at_old_code(stage, staged) < 0) {
            return -1;
        }
    }
    current_stage = stage;
    state->staging_thread = PyThread_get_thread_ident();
    int rc = run_all(stage);
    current_stage = NULL;
    state->staging_thread = 0;
    return rc;
}

void
mf_stage_drop(struct mf_stage *stage)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    unload_since(stage, 0);
    mf_effects_take_back(&stage->effects);
    if (stage->report != NULL &&
        mf_guard_report(&stage->guard, stage->report) < 0) {
        PyErr_Clear();
    }
    PyErr_Restore(type, value, tb);
}

void
mf_stage_abandon(struct mf_stage *stage)
{
    if (current_stage == stage) {
        current_stage = NULL;
        stage->state->staging_thread = 0;
    }
    mf_guard_close(&stage->guard);
    mf_effects_clear(&stage->effects);
}

void
mf_stage_clear(struct mf_stage *stage)
{
    mf_guard_close(&stage->guard);
    for (size_t i = 0; i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        Py_XDECREF(staged->before);
        Py_XDECREF(staged->saved);
        Py_XDECREF(staged->bound);
        Py_XDECREF(staged->module);
        Py_XDECREF(staged->dict);
        Py_XDECREF(staged->live);
        Py_XDECREF(staged->live_dict);
        mf_free(staged);
    }
    mf_vec_clear(&stage->items);
    for (size_t i = 0; i < stage->members.len; i++) {
        struct mf_member *member = stage->members.items[i];
        Py_XDECREF(member->cls);
        Py_XDECREF(member->set);
        Py_XDECREF(member->gone);
        mf_free(member);
    }
    mf_vec_clear(&stage->members);
    for (size_t i = 0; i < stage->loaded.len; i++) {
        loaded_free(stage->loaded.items[i]);
    }
    mf_vec_clear(&stage->loaded);
    mf_map_clear(&stage->clones);
    mf_vec_clear_refs(&stage->clone_refs);
    mf_effects_clear(&stage->effects);
    Py_CLEAR(stage->spaces);
    Py_CLEAR(stage->builtins);
    Py_CLEAR(stage->real_builtins);
    mf_heap_mark_clear(&stage->mark);
}
