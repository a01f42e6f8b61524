/* graph_reach.c -- owns the question which functions import-time code reaches
 * through others: from the names that a module's import-time code loads,
 * through the live functions' own names, across modules. In: live functions
 * (read only). Out: sets of "module:name", and the reverse index.
 */
#include "graph.h"

#include "compile.h"

enum { DEPTH = 8, FUNCTIONS = 400 };

struct walk {
    struct mf_state *state;
    PyObject *reached; /* set of "module:name" */
    int budget;
};

static int walk_value(struct walk *walk, PyObject *value, int depth);

/* The program's own functions only: the file of their module is a source. */
static PyObject *
home_of(struct walk *walk, PyObject *func)
{
    PyObject *globals = PyFunction_GET_GLOBALS(func);
    PyObject *name = PyDict_GetItemString(globals, "__name__");
    PyObject *file = PyDict_GetItemString(globals, "__file__");
    return name != NULL && PyUnicode_Check(name) && file != NULL &&
                   PyUnicode_Check(file) &&
                   mf_source_find(walk->state, file) != NULL
               ? name
               : NULL;
}

static int
add_reached(struct walk *walk, PyObject *home, PyObject *qualname)
{
    PyObject *key = PyUnicode_FromFormat("%U:%U", home, qualname);
    int there = key ? PySet_Contains(walk->reached, key) : -1;
    int rc = there == 0 ? PySet_Add(walk->reached, key) : there;
    Py_XDECREF(key);
    return there != 0 ? there : rc < 0 ? -1 : 0;
}

/* Values of names that a function loads, and, from modules that it imports
 * when called or loads, of attributes that it reads. */
static int
walk_function(struct walk *walk, PyObject *func, int depth)
{
    PyObject *home = home_of(walk, func);
    if (home == NULL || depth > DEPTH || walk->budget-- <= 0) {
        return 0;
    }
    int known = add_reached(walk, home,
                            ((PyFunctionObject *)func)->func_qualname);
    if (known != 0) {
        return known < 0 ? -1 : 0;
    }
    struct mf_names names;
    if (mf_names_init(&names) < 0 ||
        mf_names_of_function(&names, PyFunction_GET_CODE(func)) < 0) {
        mf_names_clear(&names);
        return -1;
    }
    PyObject *globals = PyFunction_GET_GLOBALS(func);
    PyObject *name, *iter = PyObject_GetIter(names.loads);
    int rc = iter ? 0 : -1;
    while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        PyObject *value = PyDict_GetItemWithError(globals, name);
        if (value != NULL && PyModule_Check(value)) {
            PyObject *dict = PyModule_GetDict(value);
            PyObject *attr, *attrs = PyObject_GetIter(names.attrs);
            while (attrs && rc == 0 && (attr = PyIter_Next(attrs)) != NULL) {
                PyObject *item = PyDict_GetItemWithError(dict, attr);
                rc = item ? walk_value(walk, item, depth + 1) : 0;
                Py_DECREF(attr);
            }
            Py_XDECREF(attrs);
        }
        else if (value != NULL) {
            rc = walk_value(walk, value, depth + 1);
        }
        Py_DECREF(name);
        rc = PyErr_Occurred() ? -1 : rc;
    }
    Py_XDECREF(iter);
    if (rc == 0 && names.imports) {
        /* imported when called: any loaded function of a name it takes */
        PyObject *module, *entry;
        Py_ssize_t pos = 0;
        PyObject *package = PyDict_GetItemString(globals, "__package__");
        PyObject *all = PyImport_GetModuleDict();
        PyObject *attr, *attrs = PyObject_GetIter(names.attrs);
        while (attrs && rc == 0 && (attr = PyIter_Next(attrs)) != NULL) {
            pos = 0;
            while (package != NULL && PyUnicode_Check(package) && rc == 0 &&
                   PyUnicode_GET_LENGTH(package) > 0 &&
                   PyDict_Next(all, &pos, &module, &entry)) {
                if (!PyUnicode_Check(module) || !PyModule_Check(entry) ||
                    PyUnicode_Tailmatch(module, package, 0, PY_SSIZE_T_MAX,
                                        -1) != 1) {
                    continue;
                }
                PyObject *item = PyDict_GetItemWithError(
                    PyModule_GetDict(entry), attr);
                if (item != NULL && PyFunction_Check(item)) {
                    rc = walk_function(walk, item, depth + 1);
                    break;
                }
            }
            Py_DECREF(attr);
        }
        Py_XDECREF(attrs);
    }
    mf_names_clear(&names);
    return rc;
}

static int
add_class(struct walk *walk, PyTypeObject *type)
{
    PyObject *home = PyDict_GetItemWithError(type->tp_dict,
                                             mf_source_str_module());
    if (home == NULL || !PyUnicode_Check(home)) {
        return PyErr_Occurred() ? -1 : 1;
    }
    return add_reached(walk, home, ((PyHeapTypeObject *)type)->ht_qualname);
}

/* The name in a class or the nearest of its bases, borrowed, or NULL. */
static PyObject *
find_member(PyTypeObject *type, PyObject *name, PyTypeObject **owner)
{
    PyObject *mro = type->tp_mro;
    for (Py_ssize_t i = 0; mro != NULL && i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        if (!PyType_HasFeature(base, Py_TPFLAGS_HEAPTYPE)) {
            continue;
        }
        PyObject *item = PyDict_GetItemWithError(base->tp_dict, name);
        if (item != NULL || PyErr_Occurred()) {
            *owner = base;
            return item;
        }
    }
    return NULL;
}

/* The function in a member of a class, or NULL. New reference. */
static PyObject *
function_of(PyObject *member)
{
    if (PyObject_TypeCheck(member, &PyClassMethod_Type) ||
        PyObject_TypeCheck(member, &PyStaticMethod_Type)) {
        member = PyObject_GetAttrString(member, "__func__");
        PyErr_Clear();
    }
    else {
        Py_INCREF(member);
    }
    if (member != NULL && !PyFunction_Check(member)) {
        Py_CLEAR(member);
    }
    return member;
}

/* A method, and those of the same class that it may call. */
static int
walk_method(struct walk *walk, PyTypeObject *type, PyObject *name, int depth)
{
    PyTypeObject *owner;
    PyObject *member = find_member(type, name, &owner);
    PyObject *func = member ? function_of(member) : NULL;
    if (func == NULL || depth > DEPTH || add_class(walk, owner) < 0) {
        Py_XDECREF(func);
        return PyErr_Occurred() ? -1 : 0;
    }
    Py_ssize_t known = PySet_GET_SIZE(walk->reached);
    int rc = walk_function(walk, func, depth + 1);
    struct mf_names names = {0};
    if (rc == 0 && PySet_GET_SIZE(walk->reached) > known) {
        rc = mf_names_init(&names) < 0 ||
                     mf_names_of_function(&names, PyFunction_GET_CODE(func)) < 0
                 ? -1
                 : 0;
        PyObject *attr, *attrs = rc == 0 ? PyObject_GetIter(names.attrs) : NULL;
        while (attrs && rc == 0 && (attr = PyIter_Next(attrs)) != NULL) {
            rc = walk_method(walk, type, attr, depth + 1);
            Py_DECREF(attr);
        }
        Py_XDECREF(attrs);
        mf_names_clear(&names);
    }
    Py_DECREF(func);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

static int
walk_methods(struct walk *walk, PyTypeObject *type, const char *const *names,
             int depth)
{
    int rc = 0;
    for (; *names != NULL && rc == 0; names++) {
        PyObject *name = PyUnicode_InternFromString(*names);
        rc = name ? walk_method(walk, type, name, depth) : -1;
        Py_XDECREF(name);
    }
    return rc;
}

/* Calling a class calls these of its methods, its own or inherited; making a
 * subclass calls those of its metaclass. */
static int
walk_class(struct walk *walk, PyTypeObject *type, int depth)
{
    static const char *const called[] = {
        "__init__", "__new__", "__post_init__", "__call__", "__set_name__",
        "__init_subclass__", NULL};
    static const char *const making[] = {"__prepare__", "__new__", "__init__",
                                         NULL};
    if (depth > DEPTH || walk->budget-- <= 0) {
        return 0;
    }
    int known = add_class(walk, type);
    if (known != 0) {
        return known < 0 ? -1 : 0;
    }
    PyTypeObject *meta = Py_TYPE(type);
    return walk_methods(walk, type, called, depth) < 0 ||
                   (meta != &PyType_Type &&
                    walk_methods(walk, meta, making, depth) < 0)
               ? -1
               : 0;
}

static int
walk_value(struct walk *walk, PyObject *value, int depth)
{
    if (PyFunction_Check(value)) {
        return walk_function(walk, value, depth);
    }
    if (PyType_Check(value) &&
        PyType_HasFeature((PyTypeObject *)value, Py_TPFLAGS_HEAPTYPE)) {
        return walk_class(walk, (PyTypeObject *)value, depth);
    }
    if (PyMethod_Check(value) &&
        PyFunction_Check(PyMethod_GET_FUNCTION(value))) {
        return walk_function(walk, PyMethod_GET_FUNCTION(value), depth);
    }
    if (PyType_HasFeature(Py_TYPE(value), Py_TPFLAGS_HEAPTYPE) &&
        Py_TYPE(value)->tp_call != NULL) {
        static const char *const called[] = {"__call__", NULL};
        return walk_methods(walk, Py_TYPE(value), called, depth);
    }
    return 0;
}

/* Everything that calling a value reaches, or a method of its class: a new
 * reference to a set. One plan asks for the same again and again; nothing
 * changes meanwhile. */
static PyObject *
reached_from(struct mf_state *state, PyObject *value, PyTypeObject *type,
             PyObject *name)
{
    if (state->walked == NULL && (state->walked = PyDict_New()) == NULL) {
        return NULL;
    }
    PyObject *key = PyLong_FromVoidPtr(value);
    PyObject *known =
        key ? Py_XNewRef(PyDict_GetItemWithError(state->walked, key)) : NULL;
    if (key != NULL && known == NULL && !PyErr_Occurred()) {
        struct walk walk = {state, PySet_New(NULL), FUNCTIONS};
        int rc = walk.reached == NULL ? -1
                 : type               ? walk_method(&walk, type, name, 0)
                                      : walk_value(&walk, value, 0);
        if (rc == 0 && PyDict_SetItem(state->walked, key, walk.reached) == 0) {
            known = Py_NewRef(walk.reached);
        }
        Py_XDECREF(walk.reached);
    }
    Py_XDECREF(key);
    return known;
}

bool
mf_graph_is_implicit(PyObject *name)
{
    static const char *const others[] = {
        "__init__", "__new__", "__del__", "__call__", "__post_init__",
        "__set_name__", "__init_subclass__", "__class_getitem__",
        "__subclasshook__", "__reduce__", "__getstate__", "__setstate__"};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(others); i++) {
        if (PyUnicode_CompareWithASCIIString(name, others[i]) == 0) {
            return false;
        }
    }
    return mf_source_is_dunder(name);
}

/* Special methods that the program has written for the instance's class:
 * operators, str(), len() and the like call them without naming them. */
static int
visit_specials(struct mf_state *state, PyObject *used, PyObject *value,
               mf_graph_visit visit, void *arg)
{
    struct walk walk = {.state = state};
    PyObject *mro = Py_TYPE(value)->tp_mro, *name, *member;
    int rc = 0;
    for (Py_ssize_t i = 0; mro != NULL && i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        Py_ssize_t pos = 0;
        if (!PyType_HasFeature(base, Py_TPFLAGS_HEAPTYPE)) {
            continue;
        }
        while (rc >= 0 && PyDict_Next(base->tp_dict, &pos, &name, &member)) {
            if (!PyUnicode_Check(name) || !PyFunction_Check(member) ||
                !mf_graph_is_implicit(name) || home_of(&walk, member) == NULL) {
                continue;
            }
            PyObject *reached =
                reached_from(state, member, Py_TYPE(value), name);
            rc = reached ? visit(arg, used, name, reached) : -1;
            Py_XDECREF(reached);
        }
    }
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* `used.attr`: a function or class of a module, a method of an instance. */
static int
visit_attr(struct mf_state *state, PyObject *used, PyObject *value,
           PyObject *attr, mf_graph_visit visit, void *arg)
{
    PyTypeObject *type = PyModule_Check(value) ? NULL : Py_TYPE(value), *owner;
    PyObject *member = type ? find_member(type, attr, &owner)
                            : PyDict_GetItemWithError(PyModule_GetDict(value),
                                                      attr);
    if (member == NULL || (type != NULL && PyType_Check(member))) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *reached = reached_from(state, member, type, attr);
    int rc = reached == NULL                  ? -1
             : PySet_GET_SIZE(reached) == 0   ? 0
                                              : visit(arg, used, attr, reached);
    Py_XDECREF(reached);
    return rc;
}

int
mf_graph_each_call(struct mf_state *state, struct mf_module *module,
                   mf_graph_visit visit, void *arg)
{
    PyObject *used, *iter =
                        module->loads ? PyObject_GetIter(module->loads) : NULL;
    int rc = iter || module->loads == NULL ? 0 : -1;
    while (iter != NULL && rc >= 0 && (used = PyIter_Next(iter)) != NULL) {
        PyObject *value = PyDict_GetItemWithError(module->dict, used);
        PyObject *reached =
            value ? reached_from(state, value, NULL, NULL) : NULL;
        rc = reached ? visit(arg, used, NULL, reached)
                     : PyErr_Occurred() ? -1 : 0;
        Py_XDECREF(reached);
        bool made = value != NULL && !PyType_Check(value) &&
                    PyType_HasFeature(Py_TYPE(value), Py_TPFLAGS_HEAPTYPE);
        bool has_calls = made || (value != NULL && PyModule_Check(value));
        if (rc >= 0 && made) {
            rc = visit_specials(state, used, value, visit, arg);
        }
        PyObject *attr, *attrs =
                            has_calls ? PyObject_GetIter(module->loads) : NULL;
        while (attrs != NULL && rc >= 0 &&
               (attr = PyIter_Next(attrs)) != NULL) {
            rc = visit_attr(state, used, value, attr, visit, arg);
            Py_DECREF(attr);
        }
        Py_XDECREF(attrs);
        Py_DECREF(used);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

void
mf_graph_forget_walks(struct mf_state *state)
{
    Py_CLEAR(state->walked);
}

static int
index_call(void *arg, PyObject *used, PyObject *attr, PyObject *reached)
{
    struct mf_source *source = arg;
    struct mf_state *state = mf_state_get();
    PyObject *key, *keys = PyObject_GetIter(reached);
    int rc = keys && state ? 0 : -1;
    (void)used;
    (void)attr;
    while (rc >= 0 && (key = PyIter_Next(keys)) != NULL) {
        rc = mf_graph_index_under(state->reach, key, source->number);
        Py_DECREF(key);
    }
    Py_XDECREF(keys);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

int
mf_graph_index_reach(struct mf_state *state, struct mf_source *source)
{
    return mf_graph_each_call(state, source->modules.items[0], index_call,
                              source);
}

PyObject *
mf_graph_reachers(struct mf_state *state, PyObject *module, PyObject *name)
{
    /* brings the index up to date */
    mf_graph_importers(state, module);
    if (PyErr_Occurred()) {
        return NULL;
    }
    PyObject *key = PyUnicode_FromFormat("%U:%U", module, name);
    PyObject *list = key ? PyDict_GetItemWithError(state->reach, key) : NULL;
    Py_XDECREF(key);
    return list;
}
