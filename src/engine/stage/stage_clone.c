/* stage_clone.c -- owns functions remade over the staging namespaces: whatever
 * a step can call by name or as a module's attribute sees the new side. In:
 * code about to run. Out: clones in the staging namespaces.
 */
#include "stage_parts.h"

#include "../ground/fault.h"

static PyObject *
clone_closure(struct mf_stage *stage, PyObject *closure, int depth)
{
    Py_ssize_t n = PyTuple_GET_SIZE(closure);
    PyObject *out = PyTuple_New(n);
    for (Py_ssize_t i = 0; out != NULL && i < n; i++) {
        PyObject *cell = PyTuple_GET_ITEM(closure, i);
        PyObject *content = PyCell_GET(cell);
        PyObject *copy = content != NULL && PyFunction_Check(content)
                             ? mf_stage_clone_value(stage, content, depth + 1)
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

/* A clone of a live function over the staged side of its module; NULL without
 * exception if its module is not staged. New reference. */
PyObject *
mf_stage_clone_value(struct mf_stage *stage, PyObject *value, int depth)
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
    if (mf_stage_ensure_names(stage, home, code, depth + 1) < 0) {
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
    PyObject *clone = mf_stage_clone_value(stage, value, depth);
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
int
mf_stage_ensure_names(struct mf_stage *stage, struct mf_staged *staged, PyObject *code,
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
