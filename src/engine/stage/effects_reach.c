/* effects_reach.c -- owns the question what code can reach. In: a code object
 * and the namespace it will run over. Out: holders, copied.
 *
 * Breadth first, in rounds: names of the code resolve to functions, classes,
 * instances, modules and containers; names in the code of functions found so
 * are attributes that may be used on any instance or class found; a round
 * goes over these again while new names come in. Every name of a code object
 * counts as a global and as an attribute, more than it can mean, and needs no
 * look at its instructions. The standard library's functions are followed a few
 * calls deep for names that they use on the program's objects; its own state,
 * caches and what runs, is left alone.
 *
 * Idea: rapid type analysis, as used for call graphs.
 */
#include "effects_reach.h"

#include "effects_copy.h"

#include "../ground/compat.h"
#include "../ground/fault.h"
#include "../read/source.h"

enum {
    MAX_OBJECTS = 4096, /* looked at for one step */
    MAX_CODES = 1024,
    MAX_DEPTH = 3,      /* containers in containers */
    MAX_HOPS = 3,       /* calls from function to function of the library */
    SMALL = 64,         /* items of a container that are followed at once, */
    MIDDLE = 512        /* and when all else has been looked at */
};

struct reached {
    PyObject *obj;
    PyObject *name;  /* borrowed from a code object or namespace */
    uint8_t hops;    /* 0: the program's, a holder */
    uint8_t depth;
};

/* A class or instance whose attributes are looked at by name. */
struct shape {
    PyObject *obj;
    size_t names;    /* how many names were known at the last look */
    uint8_t hops;
};

struct reach {
    struct mf_effects *effects;
    struct reached *queue;   /* strong */
    size_t len, cap, at;
    struct mf_vec later;     /* containers of middle size: index + 1 */
    struct shape *shapes;    /* borrowed from queue */
    size_t shape_count, shape_cap;
    struct mf_map visited;   /* object -> 1, code -> its globals */
    struct mf_map owners;    /* namespace -> enum mf_owner */
    struct mf_map attrs;     /* interned name -> 1 */
    PyObject *attr_set;      /* the same as a set, for names not interned */
    PyObject *own;           /* names of the step's class, or NULL; borrowed */
    size_t codes;
    int depth;               /* of what the search begins with */
    PyObject *old;           /* the old text that is looked at, or NULL */
};

/* ---- queue ------------------------------------------------------------------ */

static int
grow(void **items, size_t *cap, size_t len, size_t size)
{
    if (len < *cap) {
        return 0;
    }
    size_t more = *cap ? *cap * 2 : 64;
    void *bigger = mf_realloc(*items, more * size);
    if (bigger == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *items = bigger;
    *cap = more;
    return 0;
}

static bool
may_hold(PyObject *obj)
{
    return PyObject_IS_GC(obj) || mf_effects_is_state(obj);
}

static int
visit(struct reach *reach, PyObject *obj, PyObject *name, int hops, int depth)
{
    if (obj == NULL || !may_hold(obj) || PyCode_Check(obj) ||
        PyModule_Check(obj) || mf_compat_is_lazy_import(obj) ||
        mf_map_has(&reach->visited, obj) || reach->len >= MAX_OBJECTS) {
        return 0;
    }
    if (grow((void **)&reach->queue, &reach->cap, reach->len,
             sizeof(*reach->queue)) < 0 ||
        mf_map_put(&reach->visited, obj, 1) < 0) {
        return -1;
    }
    reach->queue[reach->len++] = (struct reached){
        Py_NewRef(obj), name, (uint8_t)hops, (uint8_t)depth};
    return 0;
}

static int
add_shape(struct reach *reach, PyObject *obj, int hops)
{
    if (grow((void **)&reach->shapes, &reach->shape_cap, reach->shape_count,
             sizeof(*reach->shapes)) < 0) {
        return -1;
    }
    reach->shapes[reach->shape_count++] =
        (struct shape){obj, 0, (uint8_t)hops};
    return 0;
}

/* ---- names ------------------------------------------------------------------- */

static int
add_attr(struct reach *reach, PyObject *name)
{
    if (mf_map_has(&reach->attrs, name)) {
        return 0;
    }
    return mf_map_put(&reach->attrs, name, 1) < 0
               ? -1
               : PySet_Add(reach->attr_set, name);
}

static int
has_attr(struct reach *reach, PyObject *name)
{
    if (mf_map_has(&reach->attrs, name)) {
        return 1;
    }
    return !PyUnicode_CheckExact(name) || PyUnicode_CHECK_INTERNED(name)
               ? 0
               : PySet_Contains(reach->attr_set, name);
}

/* ---- code -------------------------------------------------------------------- */

/* Runs while the code around it runs: class bodies, comprehensions. */
static bool
runs_at_once(PyCodeObject *code)
{
    return !(code->co_flags & CO_OPTIMIZED) ||
           (PyUnicode_GET_LENGTH(code->co_name) > 0 &&
            PyUnicode_READ_CHAR(code->co_name, 0) == '<' &&
            PyUnicode_CompareWithASCIIString(code->co_name, "<lambda>") != 0);
}

static int
add_holder(struct reach *reach, int kind, PyObject *holder, PyObject *name,
           int hops)
{
    if (hops > 0 || mf_map_has(&reach->effects->foreign, holder)) {
        return 0;
    }
    return mf_effects_add(reach->effects, kind, holder, name, reach->old) ==
                   -2
               ? -1
               : 0;
}

/* A value that a name in code has. Of what the library's code names, only
 * code is followed. */
static int
visit_named(struct reach *reach, PyObject *value, PyObject *name, int hops)
{
    if (hops > 0 && !PyFunction_Check(value) && !PyType_Check(value)) {
        return 0;
    }
    return visit(reach, value, name, hops, 0);
}

/* Names of the code found in a module that it names. */
static int
visit_module(struct reach *reach, PyObject *module, PyCodeObject *code,
             int hops, int level)
{
    PyObject *dict = PyModule_GetDict(module);
    if (dict == NULL || level > MAX_DEPTH) {
        return 0;
    }
    if (add_holder(reach, MF_EFFECT_SPACE, dict, NULL, hops) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_names); i++) {
        PyObject *name = PyTuple_GET_ITEM(code->co_names, i);
        PyObject *value = PyDict_GetItemWithError(dict, name);
        if (value == NULL || value == module) {
            continue;
        }
        int rc = PyModule_Check(value)
                     ? visit_module(reach, value, code, hops, level + 1)
                     : visit_named(reach, value, name, hops);
        if (rc < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* The value of a global name, or the module that an import would give. */
static PyObject *
resolve(PyObject *name, PyObject *own, PyObject *globals, PyObject *builtins)
{
    PyObject *value = own ? PyDict_GetItemWithError(own, name) : NULL;
    if (value == NULL && !PyErr_Occurred()) {
        value = PyDict_GetItemWithError(globals, name);
    }
    if (value == NULL && builtins != NULL && !PyErr_Occurred()) {
        value = PyDict_GetItemWithError(builtins, name);
    }
    if (value == NULL && !PyErr_Occurred()) {
        value = PyDict_GetItemWithError(PyImport_GetModuleDict(), name);
        value = value != NULL && PyModule_Check(value) ? value : NULL;
    }
    return value;
}

static int
scan_code(struct reach *reach, PyCodeObject *code, PyObject *globals,
          PyObject *builtins, int hops, enum mf_owner owner, bool step)
{
    struct mf_effects *effects = reach->effects;
    if (mf_map_get(&reach->visited, code) == globals ||
        reach->codes >= MAX_CODES) {
        return 0;
    }
    reach->codes++;
    if (mf_map_put(&reach->visited, code, (uintptr_t)globals) < 0) {
        return -1;
    }
    if (!mf_map_has(&effects->codes, code) &&
        (mf_vec_push_ref(&effects->keep, (PyObject *)code) < 0 ||
         mf_map_put(&effects->codes, code,
                    owner == MF_OWNER_MACHINERY ? MF_CODE_MACHINERY
                    : step && reach->old ? MF_CODE_OLD
                    : step ? MF_CODE_STEP
                                       : MF_CODE_CALLED) < 0)) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_names); i++) {
        PyObject *name = PyTuple_GET_ITEM(code->co_names, i);
        if (add_attr(reach, name) < 0) {
            return -1;
        }
        PyObject *value =
            resolve(name, step ? reach->own : NULL, globals, builtins);
        int rc = value == NULL ? 0
                 : PyModule_Check(value)
                     ? visit_module(reach, value, code, hops, 0)
                     : visit_named(reach, value, name, hops);
        if (rc < 0 || PyErr_Occurred()) {
            return -1;
        }
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); i++) {
        PyObject *inner = PyTuple_GET_ITEM(code->co_consts, i);
        if (!PyCode_Check(inner) ||
            (step && !runs_at_once((PyCodeObject *)inner))) {
            continue; /* a def of the step itself is not called by it */
        }
        if (scan_code(reach, (PyCodeObject *)inner, globals, builtins, hops,
                      owner, step) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- objects ------------------------------------------------------------------ */

static int
visit_items(struct reach *reach, PyObject *tuple, PyObject *name, int hops,
            int depth, bool all)
{
    for (Py_ssize_t i = 0; tuple && i < PyTuple_GET_SIZE(tuple); i++) {
        PyObject *item = PyTuple_GET_ITEM(tuple, i);
        Py_ssize_t size;
        if ((all || PyTuple_Check(item) ||
             mf_effects_container(item, &size) >= 0) &&
            visit(reach, item, name, hops, depth) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
follow_function(struct reach *reach, struct reached at)
{
    PyFunctionObject *func = (PyFunctionObject *)at.obj;
    int owner = mf_effects_owner(&reach->owners, func->func_globals, "__name__");
    int hops = owner == MF_OWNER_PROGRAM ? 0 : at.hops + 1;
    if (owner < 0 || hops > MAX_HOPS) {
        return owner < 0 ? -1 : 0;
    }
    PyObject *builtins = func->func_builtins;
    PyObject *code = func->func_code, *globals = func->func_globals;
    if (reach->effects->runs != NULL &&
        reach->effects->runs(reach->effects->runs_arg, func, &code,
                             &globals) < 0) {
        return -1;
    }
    if (scan_code(reach, (PyCodeObject *)code, globals,
                  builtins && PyDict_Check(builtins) ? builtins : NULL, hops,
                  (enum mf_owner)owner, false) < 0 ||
        add_holder(reach, MF_EFFECT_SPACE, func->func_globals, NULL, hops) <
            0) {
        return -1;
    }
    /* what hangs on the function is its holder's, wherever its code is */
    PyObject *cells = func->func_closure;
    for (Py_ssize_t i = 0; cells && i < PyTuple_GET_SIZE(cells); i++) {
        PyObject *cell = PyTuple_GET_ITEM(cells, i);
        if (PyCell_Check(cell) &&
            (add_holder(reach, MF_EFFECT_CELL, cell, NULL, at.hops) < 0 ||
             visit(reach, PyCell_GET(cell), NULL, at.hops, 0) < 0)) {
            return -1;
        }
    }
    if (visit_items(reach, func->func_defaults, NULL, at.hops, 0, true) < 0 ||
        visit(reach, func->func_kwdefaults, NULL, at.hops, 0) < 0) {
        return -1;
    }
    if (func->func_dict == NULL) {
        return 0;
    }
    return add_holder(reach, MF_EFFECT_SPACE, func->func_dict, NULL,
                      at.hops) < 0
               ? -1
               : add_shape(reach, at.obj, at.hops);
}

static int
follow_container(struct reach *reach, struct reached at, int kind,
                 Py_ssize_t size)
{
    struct mf_effects *effects = reach->effects;
    if (at.hops > 0 || at.obj == PyImport_GetModuleDict() ||
        mf_map_has(&effects->foreign, at.obj)) {
        return 0; /* imports of modules that take no part stay */
    }
    Py_ssize_t index =
        mf_effects_add(effects, kind, at.obj, at.name, reach->old);
    if (index == -2) {
        return -1;
    }
    if (index < 0 || size >= MF_EFFECTS_BIG || at.depth >= MAX_DEPTH) {
        return 0;
    }
    struct mf_effect *effect = &effects->items[index];
    effect->nested |= at.depth > reach->depth;
    PyObject *items = effect->after.items ? effect->after.items
                                          : effect->before.items;
    if (size > SMALL && size <= MIDDLE &&
        mf_vec_push(&reach->later, (void *)(index + 1)) < 0) {
        return -1;
    }
    return visit_items(reach, items, at.name, at.hops, at.depth + 1,
                       size <= SMALL);
}

/* The instances in containers that are neither small nor big. */
static int
follow_later(struct reach *reach)
{
    struct mf_effects *effects = reach->effects;
    while (reach->later.len > 0) {
        size_t index = (size_t)reach->later.items[--reach->later.len] - 1;
        struct mf_effect *effect = &effects->items[index];
        PyObject *items = effect->after.items ? effect->after.items
                                              : effect->before.items;
        if (visit_items(reach, items, effect->name, 0, MAX_DEPTH, true) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
follow_class(struct reach *reach, struct reached at)
{
    PyTypeObject *cls = (PyTypeObject *)at.obj;
    if (!PyType_HasFeature(cls, Py_TPFLAGS_HEAPTYPE) ||
        PyType_HasFeature(cls, Py_TPFLAGS_IMMUTABLETYPE)) {
        return 0;
    }
    struct mf_effects *effects = reach->effects;
    if (!mf_map_has(&effects->codes, cls) &&
        (mf_vec_push_ref(&effects->keep, at.obj) < 0 ||
         mf_map_put(&effects->codes, cls, 1) < 0)) {
        return -1;
    }
    PyObject *dict = mf_compat_type_dict(cls);
    int owner = dict ? mf_effects_owner(&reach->owners, dict, "__module__") : MF_OWNER_PROGRAM;
    int hops = owner == MF_OWNER_PROGRAM ? at.hops : at.hops + 1;
    if (owner < 0 || hops > MAX_HOPS) {
        return owner < 0 ? -1 : 0;
    }
    if (add_holder(reach, MF_EFFECT_CLASS, at.obj, NULL, hops) < 0 ||
        visit_items(reach, cls->tp_mro, NULL, hops, 0, true) < 0 ||
        visit(reach, (PyObject *)Py_TYPE(cls), NULL, hops, 0) < 0) {
        return -1;
    }
    return add_shape(reach, at.obj, hops);
}

static int
note_slot(const char *name, PyObject **word, void *arg)
{
    *(bool *)arg = true;
    return 0;
}

/* An instance of the machinery itself, not of a class of the program. */
static int
is_machine(struct reach *reach, PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);
    if (!PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)) {
        return 0;
    }
    int owner = mf_effects_owner(&reach->owners, mf_compat_type_dict(type), "__module__");
    return owner < 0 ? -1 : owner == MF_OWNER_MACHINERY;
}

static int
follow_instance(struct reach *reach, struct reached at)
{
    int machine = is_machine(reach, at.obj);
    if (machine != 0) {
        return machine < 0 ? -1 : 0;
    }
    if (visit(reach, (PyObject *)Py_TYPE(at.obj), NULL, at.hops, 0) < 0) {
        return -1;
    }
    if (at.hops > 0) {
        return 0;
    }
    PyObject *dict = mf_effects_instance_dict(at.obj);
    bool slots = false;
    mf_effects_each_slot(at.obj, note_slot, &slots);
    if ((dict != NULL &&
         add_holder(reach, MF_EFFECT_SPACE, dict, at.name, 0) < 0) ||
        (slots &&
         add_holder(reach, MF_EFFECT_SLOTS, at.obj, at.name, 0) < 0)) {
        return -1;
    }
    return add_shape(reach, at.obj, 0);
}

static int
visit_referent(PyObject *obj, void *arg)
{
    struct reach *reach = arg;
    return visit(reach, obj, NULL, reach->queue[reach->at - 1].hops, 0);
}

static int
follow(struct reach *reach, struct reached at)
{
    Py_ssize_t size;
    if (mf_effects_is_state(at.obj)) {
        return add_holder(reach, MF_EFFECT_STATE, at.obj, at.name, at.hops);
    }
    int kind = mf_effects_container(at.obj, &size);
    if (kind >= 0) {
        return follow_container(reach, at, kind, size) < 0 ? -1
               : PyType_HasFeature(Py_TYPE(at.obj), Py_TPFLAGS_HEAPTYPE)
                   ? follow_instance(reach, at)
                   : 0;
    }
    if (PyFunction_Check(at.obj)) {
        return follow_function(reach, at);
    }
    if (PyType_Check(at.obj)) {
        return follow_class(reach, at);
    }
    if (PyTuple_CheckExact(at.obj)) {
        return at.depth >= MAX_DEPTH
                   ? 0
                   : visit_items(reach, at.obj, at.name, at.hops,
                                 at.depth + 1,
                                 PyTuple_GET_SIZE(at.obj) <= SMALL);
    }
    if (PyCFunction_Check(at.obj)) {
        return visit(reach, PyCFunction_GET_SELF(at.obj), at.name, at.hops,
                     0);
    }
    PyTypeObject *type = Py_TYPE(at.obj);
    /* partial, property, staticmethod, bound methods, caches, wrappers */
    if (!PyType_HasFeature(type, Py_TPFLAGS_BASETYPE) ||
        !PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) ||
        PyType_HasFeature(type, Py_TPFLAGS_IMMUTABLETYPE)) {
        if (type->tp_traverse != NULL &&
            (type->tp_call != NULL || type->tp_descr_get != NULL ||
             type == &PyDictProxy_Type) &&
            type->tp_traverse(at.obj, visit_referent, reach) < 0) {
            return -1;
        }
    }
    return follow_instance(reach, at);
}

/* ---- attributes ----------------------------------------------------------------- */

/* Containers are always looked at; functions, instances and classes if some
 * code names them, special methods of a class in any case. */
static int
visit_attribute(struct reach *reach, struct shape *shape, PyObject *name,
                PyObject *value)
{
    Py_ssize_t size;
    if (!may_hold(value) || !PyUnicode_Check(name)) {
        return 0;
    }
    bool container = mf_effects_container(value, &size) >= 0 ||
                     mf_effects_is_state(value);
    if (shape->hops > 0 && (container || !Py_TYPE(value)->tp_descr_get)) {
        return 0; /* of the library's classes only methods and the like */
    }
    int use = container || (PyType_Check(shape->obj) &&
                            mf_source_is_dunder(name));
    use = use ? use : has_attr(reach, name);
    return use <= 0 ? use : visit(reach, value, name, shape->hops, 0);
}

struct slot_visit {
    struct reach *reach;
    struct shape *shape;
};

static int
visit_slot(const char *text, PyObject **word, void *arg)
{
    struct slot_visit *at = arg;
    if (*word == NULL || !may_hold(*word)) {
        return 0;
    }
    PyObject *name = PyUnicode_InternFromString(text);
    return name == NULL || mf_vec_push(&at->reach->effects->keep, name) < 0
               ? -1
               : visit_attribute(at->reach, at->shape, name, *word);
}

/* Code that names `register` may mean an ABC's. */
static int
visit_registry(struct reach *reach, struct shape *shape)
{
    PyObject *name, *set = mf_effects_abc_registry(shape->obj, &name);
    int used = 0;
    if (set != NULL) {
        PyObject *word = PyUnicode_InternFromString("register");
        used = word ? has_attr(reach, word) : -1;
        Py_XDECREF(word);
    }
    return used <= 0 ? used : visit(reach, set, name, 0, 0);
}

static int
look_at_shape(struct reach *reach, struct shape *shape)
{
    PyObject *dict = PyType_Check(shape->obj)
                         ? mf_compat_type_dict((PyTypeObject *)shape->obj)
                     : PyFunction_Check(shape->obj)
                         ? ((PyFunctionObject *)shape->obj)->func_dict
                         : mf_effects_instance_dict(shape->obj);
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (dict != NULL && PyDict_Next(dict, &pos, &key, &value)) {
        if (visit_attribute(reach, shape, key, value) < 0) {
            return -1;
        }
    }
    if (!PyType_Check(shape->obj)) {
        struct slot_visit at = {reach, shape};
        return mf_effects_each_slot(shape->obj, visit_slot, &at);
    }
    return visit_registry(reach, shape);
}

static int
run_rounds(struct reach *reach)
{
    bool more = true;
    while (more) {
        while (reach->at < reach->len) {
            struct reached at = reach->queue[reach->at++];
            if (follow(reach, at) < 0) {
                return -1;
            }
        }
        more = false;
        for (size_t i = 0; i < reach->shape_count; i++) {
            struct shape shape = reach->shapes[i];
            if (shape.names == reach->attrs.used + 1) {
                continue;
            }
            reach->shapes[i].names = reach->attrs.used + 1;
            if (look_at_shape(reach, &shape) < 0) {
                return -1;
            }
            more = true;
        }
        if (!more && reach->later.len > 0) {
            if (follow_later(reach) < 0) {
                return -1;
            }
            more = true;
        }
    }
    return 0;
}

static void
reach_clear(struct reach *reach)
{
    mf_map_clear(&reach->visited);
    mf_map_clear(&reach->owners);
    mf_map_clear(&reach->attrs);
    mf_vec_clear(&reach->later);
    mf_free(reach->shapes);
    for (size_t i = 0; i < reach->len; i++) {
        Py_DECREF(reach->queue[i].obj);
    }
    mf_free(reach->queue);
    Py_XDECREF(reach->attr_set);
}

static PyObject *
builtins_of(PyObject *globals)
{
    PyObject *found = PyDict_GetItemString(globals, "__builtins__");
    if (found != NULL && PyModule_Check(found)) {
        found = PyModule_GetDict(found);
    }
    return found != NULL && PyDict_Check(found) ? found : NULL;
}

/* From code, or from an object. */
static int
reach_from(struct mf_effects *effects, PyObject *code, PyObject *globals,
           PyObject *own, PyObject *obj, int depth, PyObject *old)
{
    struct reach reach = {.effects = effects, .own = own, .old = old,
                          .depth = obj ? MAX_DEPTH - depth : 0};
    reach.attr_set = PySet_New(NULL);
    int rc = reach.attr_set == NULL ? -1
             : code != NULL
                 ? scan_code(&reach, (PyCodeObject *)code, globals,
                             builtins_of(globals), 0, MF_OWNER_PROGRAM, true)
                 : visit(&reach, obj, NULL, 0, reach.depth);
    rc = rc < 0 ? -1 : run_rounds(&reach);
    reach_clear(&reach);
    return rc;
}

int
mf_effects_reach(struct mf_effects *effects, PyObject *code,
                 PyObject *globals, PyObject *own, bool ran)
{
    return reach_from(effects, code, globals, own, NULL, 0, ran ? NULL : code);
}

int
mf_effects_reach_object(struct mf_effects *effects, PyObject *obj, int depth)
{
    depth = depth < 0 ? 0 : depth > MAX_DEPTH ? MAX_DEPTH : depth;
    return reach_from(effects, NULL, NULL, NULL, obj, depth, NULL);
}
