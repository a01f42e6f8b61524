/* stage_calls.c -- owns who runs when staged code calls a live function: the
 * same function over the staging namespace of its module, with its new code if
 * the edit has one. Names keep what they are bound to, so identity holds:
 * redirection happens when a call begins, on the staging thread and in frames
 * that code over a staging namespace calls, and nowhere else. In: calls. Out:
 * clones, one per live function that was called.
 *
 * Arguments are bound before the call is seen. Where an edit changes what a
 * function takes, the function itself gets a front meanwhile.
 */
#include "stage_parts.h"

#include "../ground/compat.h"
#include "../ground/compat_calls.h"
#include "../ground/fault.h"
#include "../ground/trace.h"

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
            staged = mf_stage_add_staged(stage, name, live, globals, NULL);
            if (staged == NULL || mf_stage_link_modules(stage) < 0) {
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

/* The staged side of a function's module, or NULL, with an exception or
 * without. */
static struct mf_staged *
home_of(struct mf_stage *stage, PyObject *globals)
{
    struct mf_staged *home = mf_stage_of(stage, globals);
    if (home != NULL || mf_map_has(&stage->strange, globals)) {
        return home;
    }
    home = stage_on_demand(stage, globals);
    if (home == NULL && !PyErr_Occurred() &&
        (mf_vec_push_ref(&stage->kept, globals) < 0 ||
         mf_map_put(&stage->strange, globals, 1) < 0)) {
        return NULL;
    }
    return home;
}

int
mf_stage_calls_runs(void *arg, PyFunctionObject *func, PyObject **code,
                    PyObject **globals)
{
    struct mf_staged *home = home_of(arg, func->func_globals);
    if (home == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *newer =
        home->target ? mf_map_get(&home->target->exchange, func->func_code)
                     : NULL;
    *code = newer ? newer : func->func_code;
    *globals = home->dict;
    return 0;
}

/* The code that the clone runs. New reference. */
static PyObject *
code_for(struct mf_staged *home, PyFunctionObject *func)
{
    PyCodeObject *code = (PyCodeObject *)func->func_code;
    PyCodeObject *newer =
        home->target ? mf_map_get(&home->target->exchange, code) : NULL;
    Py_ssize_t cells = func->func_closure
                           ? PyTuple_GET_SIZE(func->func_closure)
                           : 0;
    if (newer != NULL && PyCode_GetNumFree(newer) == cells) {
        return Py_NewRef((PyObject *)newer);
    }
    /* other cells: match finds them later */
    return mf_compat_calls_skip_hook()
               ? PyObject_CallMethod((PyObject *)code, "replace", NULL)
               : Py_NewRef((PyObject *)code);
}

PyObject *
mf_stage_function_over(PyFunctionObject *func, PyObject *code,
                       PyObject *closure, PyObject *globals)
{
    PyObject *out =
        PyFunction_NewWithQualName(code, globals, func->func_qualname);
    if (out != NULL) {
        PyFunctionObject *copy = (PyFunctionObject *)out;
        Py_XSETREF(copy->func_defaults, Py_XNewRef(func->func_defaults));
        Py_XSETREF(copy->func_kwdefaults, Py_XNewRef(func->func_kwdefaults));
        Py_XSETREF(copy->func_closure, Py_XNewRef(closure));
        Py_XSETREF(copy->func_name, Py_XNewRef(func->func_name));
    }
    return out;
}

/* The function over the staged side of its module. Borrowed. */
static PyFunctionObject *
clone_of(struct mf_stage *stage, struct mf_staged *home,
         PyFunctionObject *func)
{
    PyObject *known = mf_map_get(&stage->clones, func);
    if (known != NULL) {
        return (PyFunctionObject *)known;
    }
    PyObject *code = code_for(home, func);
    PyObject *clone = code ? mf_stage_function_over(
                                 func, code, func->func_closure, home->dict)
                           : NULL;
    Py_XDECREF(code);
    if (clone == NULL) {
        return NULL;
    }
    if (mf_vec_push_ref(&stage->clone_refs, (PyObject *)func) < 0 ||
        mf_vec_push_ref(&stage->clone_refs, clone) < 0 ||
        mf_map_put(&stage->clones, func, (uintptr_t)clone) < 0) {
        Py_DECREF(clone);
        return NULL;
    }
    Py_DECREF(clone); /* the stage holds it */
    home->called = true;
    return (PyFunctionObject *)clone;
}

/* ---- calls ------------------------------------------------------------------- */

/* Does staged code call? Threads that it has started count. */
static bool
is_staged_call(struct mf_stage *stage)
{
    PyObject *caller;
    return stage->state->staging_thread == PyThread_get_thread_ident() ||
           ((caller = PyEval_GetGlobals()) != NULL &&
            mf_map_has(&stage->effects.foreign, caller));
}

/* A signal's handler that breaks in is the program's, not the step's. */
static int
is_handler(PyFunctionObject *func)
{
    int count = ((PyCodeObject *)func->func_code)->co_argcount;
    PyObject *module = count == 2 || count == 3
                           ? PyDict_GetItemString(PyImport_GetModuleDict(),
                                                  "_signal")
                           : NULL;
    for (int number = 1; module != NULL && number < 65; number++) {
        PyObject *handler =
            PyObject_CallMethod(module, "getsignal", "i", number);
        if (handler == NULL) {
            PyErr_Clear(); /* no such signal */
            continue;
        }
        PyObject *inner = PyMethod_Check(handler)
                              ? PyMethod_GET_FUNCTION(handler)
                              : handler;
        bool found = inner == (PyObject *)func;
        Py_DECREF(handler);
        if (found) {
            return 1;
        }
    }
    return 0;
}

static int
on_call(PyFunctionObject *func, PyFunctionObject **instead)
{
    struct mf_stage *stage = mf_stage_current();
    if (stage == NULL || stage->resolving || !is_staged_call(stage)) {
        return MF_CALL_AS_IS;
    }
    stage->resolving = true;
    struct mf_staged *home = home_of(stage, func->func_globals);
    int how = home != NULL ? MF_CALL_INSTEAD
              : PyErr_Occurred() ? -1
                                 : MF_CALL_AS_IS;
    if (home != NULL && !mf_map_has(&stage->clones, func) &&
        is_handler(func)) {
        how = MF_CALL_OUTSIDE;
    }
    if (how == MF_CALL_INSTEAD) {
        PyFunctionObject *clone = clone_of(stage, home, func);
        how = clone == NULL ? -1
              : mf_compat_calls_fit((PyCodeObject *)func->func_code,
                                    (PyCodeObject *)clone->func_code)
                  ? how
                  : MF_CALL_AS_IS;
        *instead = how > 0 ? (PyFunctionObject *)Py_NewRef((PyObject *)clone)
                           : NULL;
    }
    stage->resolving = false;
    return how;
}

/* ---- other arguments ----------------------------------------------------------- */

/* The function with this code in what a statement has bound: itself, or what
 * its decorators have put around it. Borrowed or NULL. */
static PyFunctionObject *
function_inside(PyObject *value, PyObject *code, int depth)
{
    if (PyObject_TypeCheck(value, &PyStaticMethod_Type) ||
        PyObject_TypeCheck(value, &PyClassMethod_Type)) {
        PyObject *inner = PyObject_GetAttrString(value, "__func__");
        PyFunctionObject *found =
            inner ? function_inside(inner, code, depth) : NULL;
        Py_XDECREF(inner); /* the value holds it */
        return found;
    }
    if (!PyFunction_Check(value) || depth > 4) {
        return NULL;
    }
    PyFunctionObject *func = (PyFunctionObject *)value;
    if (func->func_code == code) {
        return func;
    }
    PyObject *cells = func->func_closure;
    for (Py_ssize_t i = 0; cells && i < PyTuple_GET_SIZE(cells); i++) {
        PyObject *held = PyCell_GET(PyTuple_GET_ITEM(cells, i));
        PyFunctionObject *found =
            held ? function_inside(held, code, depth + 1) : NULL;
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

/* The namespace of a class as staging has it: the copy that members which ran
 * alone are in, or its own. Borrowed or NULL. */
static PyObject *
space_of(struct mf_stage *stage, PyObject *value)
{
    if (value == NULL || !PyType_Check(value)) {
        return NULL;
    }
    PyObject *key = stage->spaces ? PyLong_FromVoidPtr(value) : NULL;
    PyObject *space = key ? PyDict_GetItemWithError(stage->spaces, key) : NULL;
    Py_XDECREF(key);
    return space ? space : mf_compat_type_dict((PyTypeObject *)value);
}

/* What stands under a function's qualified name on the staged side: borrowed,
 * or NULL without exception. */
static PyObject *
staged_value(struct mf_stage *stage, struct mf_staged *home,
             PyObject *qualname)
{
    PyObject *parts = PyObject_CallMethod(qualname, "split", "s", ".");
    PyObject *value = NULL, *space = home->dict;
    for (Py_ssize_t i = 0; parts && space && i < PyList_GET_SIZE(parts); i++) {
        value = PyDict_GetItemWithError(space, PyList_GET_ITEM(parts, i));
        space = space_of(stage, value);
        if (space == NULL && i + 1 < PyList_GET_SIZE(parts)) {
            value = NULL;
        }
    }
    Py_XDECREF(parts);
    PyErr_Clear();
    return value;
}

/* The clone takes the defaults that the function's statement has given it. A
 * statement that does not run again gives no others. */
static void
renew_defaults(struct mf_stage *stage, PyFunctionObject *func,
               PyFunctionObject *clone)
{
    struct mf_staged *home = mf_stage_of(stage, func->func_globals);
    PyObject *value = home ? staged_value(stage, home, func->func_qualname)
                           : NULL;
    PyFunctionObject *made =
        value && value != (PyObject *)func
            ? function_inside(value, clone->func_code, 0)
            : NULL;
    if (made != NULL && made != clone) {
        Py_XSETREF(clone->func_defaults, Py_XNewRef(made->func_defaults));
        Py_XSETREF(clone->func_kwdefaults, Py_XNewRef(made->func_kwdefaults));
    }
}

static PyObject *
front(PyObject *func, PyObject *const *args, size_t nargs, PyObject *names)
{
    struct mf_stage *stage = mf_stage_current();
    PyObject *clone = stage != NULL && is_staged_call(stage)
                          ? mf_map_get(&stage->clones, func)
                          : NULL;
    if (clone != NULL) {
        renew_defaults(stage, (PyFunctionObject *)func,
                       (PyFunctionObject *)clone);
    }
    /* a strong reference: the stage may end while a thread of its is in it */
    Py_XINCREF(clone);
    PyObject *result =
        clone ? PyObject_Vectorcall(clone, args, nargs, names)
              : mf_compat_calls_plain(func, args, nargs, names);
    Py_XDECREF(clone);
    return result;
}

static int
add_front(struct mf_stage *stage, struct mf_staged *staged, PyObject *value)
{
    if (PyObject_TypeCheck(value, &PyStaticMethod_Type) ||
        PyObject_TypeCheck(value, &PyClassMethod_Type)) {
        value = PyObject_GetAttrString(value, "__func__");
        int rc = value ? add_front(stage, staged, value) : -1;
        Py_XDECREF(value);
        return rc;
    }
    PyFunctionObject *func = (PyFunctionObject *)value;
    PyCodeObject *newer =
        PyFunction_Check(value)
            ? mf_map_get(&staged->target->exchange, func->func_code)
            : NULL;
    if (newer == NULL || func->func_globals != staged->live_dict ||
        mf_map_has(&stage->clones, func) ||
        mf_compat_calls_fit((PyCodeObject *)func->func_code, newer)) {
        return 0;
    }
    if (clone_of(stage, staged, func) == NULL ||
        mf_vec_push_ref(&stage->fronted, value) < 0) {
        return -1;
    }
    mf_compat_calls_front(func, front);
    return 0;
}

static int
add_fronts(struct mf_stage *stage, struct mf_staged *staged, PyObject *dict,
           int depth)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(dict, &pos, &key, &value)) {
        PyObject *inner =
            PyType_Check(value) &&
                    PyType_HasFeature((PyTypeObject *)value,
                                      Py_TPFLAGS_HEAPTYPE)
                ? mf_compat_type_dict((PyTypeObject *)value)
                : NULL;
        int rc = inner == NULL ? add_front(stage, staged, value)
                 : depth < 3   ? add_fronts(stage, staged, inner, depth + 1)
                               : 0;
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

static bool
takes_others(struct mf_target *target)
{
    size_t at = 0;
    void *code;
    uintptr_t newer;
    while (mf_map_next(&target->exchange, &at, &code, &newer)) {
        if (!mf_compat_calls_fit(code, (PyCodeObject *)newer)) {
            return true;
        }
    }
    return false;
}

int
mf_stage_calls_begin(struct mf_stage *stage)
{
    for (size_t i = 0; i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        if (staged->target != NULL && takes_others(staged->target) &&
            add_fronts(stage, staged, staged->live_dict, 0) < 0) {
            return -1;
        }
    }
    return mf_compat_calls_begin(on_call);
}

void
mf_stage_calls_end(struct mf_stage *stage)
{
    mf_compat_calls_end();
    for (size_t i = 0; i < stage->fronted.len; i++) {
        mf_compat_calls_front(stage->fronted.items[i], NULL);
    }
    mf_vec_clear_refs(&stage->fronted);
}
