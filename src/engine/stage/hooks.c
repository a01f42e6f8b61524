/* hooks.c -- calls the hooks in user code.
 *
 * Owns the update object, the look-up of hooks and their order. In: modules
 * and classes of an update. Out: calls; entries of the report for those that
 * fail.
 */
#include "hooks.h"

#include "../ground/compat.h"

/* --- the update object --------------------------------------------------- */

struct update {
    PyObject_HEAD
    PyObject *data;     /* dict: what a before hook leaves for later ones */
    PyObject *modules;  /* tuple of names */
    PyObject *outcome;  /* str; "pending" before it is known */
    PyObject *old;      /* the instance that migrates, else None */
    long number;
};

static int
update_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct update *update = (struct update *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(update->data);
    Py_VISIT(update->modules);
    Py_VISIT(update->outcome);
    Py_VISIT(update->old);
    return 0;
}

static int
update_clear(PyObject *self)
{
    struct update *update = (struct update *)self;
    Py_CLEAR(update->data);
    Py_CLEAR(update->modules);
    Py_CLEAR(update->outcome);
    Py_CLEAR(update->old);
    return 0;
}

static void
update_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    update_clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *
update_repr(PyObject *self)
{
    struct update *update = (struct update *)self;
    return PyUnicode_FromFormat("<midflight update %ld, %U>", update->number,
                                update->outcome);
}

static PyObject *
update_get(PyObject *self, void *offset)
{
    PyObject *value = *(PyObject **)((char *)self + (size_t)offset);
    return Py_NewRef(value != NULL ? value : Py_None);
}

static PyObject *
update_get_number(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLong(((struct update *)self)->number);
}

#define FIELD(name, doc)                                                      \
    {#name, update_get, NULL, doc, (void *)offsetof(struct update, name)}

static PyGetSetDef update_getset[] = {
    {"number", update_get_number, NULL, "The update's number.", NULL},
    FIELD(data, "A dict for what one hook leaves for another."),
    FIELD(modules, "The names of all modules that take part."),
    FIELD(outcome, "pending, committed, rejected or rolled back."),
    FIELD(old, "In __migrate__: the live instance, else None."),
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot update_slots[] = {
    {Py_tp_doc, "What the hooks of one update are given."},
    {Py_tp_traverse, update_traverse},
    {Py_tp_clear, update_clear},
    {Py_tp_dealloc, update_dealloc},
    {Py_tp_repr, update_repr},
    {Py_tp_getset, update_getset},
    {0, NULL},
};

static PyType_Spec update_spec = {
    .name = "midflight._engine.Update",
    .basicsize = sizeof(struct update),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
             Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = update_slots,
};

/* Borrowed; NULL without an exception if there is no such name. */
static PyObject *
in_namespace(PyObject *dict, const char *name)
{
    PyObject *key = PyUnicode_InternFromString(name);
    PyObject *value = NULL;
    if (key != NULL && dict != NULL && PyDict_Check(dict)) {
        value = PyDict_GetItemWithError(dict, key);
    }
    Py_XDECREF(key);
    return value;
}

/* One type per interpreter, made when the first update needs it. Borrowed. */
static PyTypeObject *
update_type(void)
{
    static const char key[] = "midflight._engine.Update";
    PyObject *kept = PyInterpreterState_GetDict(PyInterpreterState_Get());
    if (kept == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "the interpreter is going");
        return NULL;
    }
    PyObject *type = in_namespace(kept, key);
    if (type == NULL && !PyErr_Occurred()) {
        type = PyType_FromSpec(&update_spec);
        if (type == NULL) {
            return NULL;
        }
        int rc = PyDict_SetItemString(kept, key, type);
        Py_DECREF(type);
        if (rc < 0) {
            return NULL;
        }
    }
    return (PyTypeObject *)type;
}

static PyObject *
update_new(long number, PyObject *modules)
{
    PyTypeObject *type = update_type();
    if (type == NULL) {
        return NULL;
    }
    struct update *update = (struct update *)type->tp_alloc(type, 0);
    if (update == NULL) {
        return NULL;
    }
    update->number = number;
    update->old = Py_NewRef(Py_None);
    update->data = PyDict_New();
    update->modules = PySequence_Tuple(modules);
    update->outcome = PyUnicode_FromString("pending");
    if (update->data == NULL || update->modules == NULL ||
        update->outcome == NULL) {
        Py_DECREF(update);
        return NULL;
    }
    return (PyObject *)update;
}

static int
set_outcome(struct mf_hooks *hooks, const char *outcome)
{
    PyObject *text = PyUnicode_FromString(outcome);
    if (text == NULL) {
        return -1;
    }
    struct update *update = (struct update *)hooks->update;
    Py_SETREF(update->outcome, text);
    return 0;
}

int
mf_hooks_init(struct mf_hooks *hooks, struct mf_report *report, long number,
              PyObject *modules)
{
    memset(hooks, 0, sizeof(*hooks));
    hooks->report = report;
    hooks->update = update_new(number, modules);
    hooks->ran = PyList_New(0);
    if (hooks->update == NULL || hooks->ran == NULL) {
        mf_hooks_clear(hooks);
        return -1;
    }
    return 0;
}

void
mf_hooks_clear(struct mf_hooks *hooks)
{
    Py_CLEAR(hooks->update);
    Py_CLEAR(hooks->ran);
    hooks->report = NULL;
}

/* --- finding them -------------------------------------------------------- */

static const char BEFORE[] = "__before_update__";
static const char AFTER[] = "__after_update__";
static const char MIGRATE[] = "__migrate__";

/* Raw value in the class or in what it inherits from; borrowed. *inherited
 * tells which. Neither the metaclass's nor the class's own look-up runs. */
static PyObject *
in_class(PyTypeObject *type, const char *name, bool *inherited)
{
    PyObject *mro = type->tp_mro;
    for (Py_ssize_t i = 0; mro != NULL && i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        PyObject *dict = mf_compat_type_dict(base);
        PyObject *value = dict ? in_namespace(dict, name) : NULL;
        if (value != NULL || PyErr_Occurred()) {
            *inherited = i > 0;
            return value;
        }
    }
    return NULL;
}

/* New reference to what is to be called with the update; NULL without an
 * exception: no hook. */
static PyObject *
hook_of_class(PyObject *cls, const char *name)
{
    bool inherited = false;
    PyObject *raw = in_class((PyTypeObject *)cls, name, &inherited);
    if (raw == NULL || raw == Py_None ||
        (inherited && !Py_IS_TYPE(raw, &PyClassMethod_Type))) {
        return NULL;
    }
    descrgetfunc get = Py_TYPE(raw)->tp_descr_get;
    if (get == NULL) {
        return Py_NewRef(raw);
    }
    Py_INCREF(raw);
    PyObject *bound = get(raw, NULL, cls);
    Py_DECREF(raw);
    return bound;
}

static PyObject *
hook_of_module(PyObject *dict, const char *name)
{
    PyObject *hook = in_namespace(dict, name);
    return hook != NULL && hook != Py_None ? Py_NewRef(hook) : NULL;
}

/* The name of the module that a class says it is from, borrowed or NULL. */
static PyObject *
module_of_class(PyObject *cls)
{
    PyObject *dict = mf_compat_type_dict((PyTypeObject *)cls);
    PyObject *name = dict ? in_namespace(dict, "__module__") : NULL;
    if (name == NULL) {
        PyErr_Clear();
    }
    return name != NULL && PyUnicode_CheckExact(name) ? name : NULL;
}

/* --- calling them -------------------------------------------------------- */

/* Is the current exception the package's Veto? The package may be missing,
 * and then nobody can raise it. */
static bool
is_veto(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *errors = modules != NULL && PyDict_Check(modules)
                           ? in_namespace(modules, "midflight.errors")
                           : NULL;
    PyObject *veto = errors != NULL && PyModule_Check(errors)
                         ? in_namespace(PyModule_GetDict(errors), "Veto")
                         : NULL;
    PyErr_Clear();
    bool is = veto != NULL && PyErr_GivenExceptionMatches(type, veto);
    PyErr_Restore(type, value, traceback);
    return is;
}

/* "Class.hook" or "hook". New reference. */
static PyObject *
name_of_hook(PyObject *cls, const char *name)
{
    if (cls == NULL) {
        return PyUnicode_FromString(name);
    }
    PyObject *qualname = ((PyHeapTypeObject *)cls)->ht_qualname;
    return PyUnicode_FromFormat("%U.%s", qualname, name);
}

/* The current exception is the hook's: to the report. */
static int
report_failure(struct mf_hooks *hooks, int code, PyObject *module,
               PyObject *cls, const char *name)
{
    if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        hooks->interrupted = true;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *full = name_of_hook(cls, name);
    if (full == NULL) {
        PyErr_Clear(); /* the hook's error matters more than its name */
    }
    PyErr_Restore(type, value, traceback);
    int rc = mf_report_exception(hooks->report, code, module, full, NULL, 0);
    Py_XDECREF(full);
    return rc;
}

/* A hook that is a coroutine function would seem to have run. */
static int
refuse_coroutine(PyObject *result)
{
    if (!PyCoro_CheckExact(result)) {
        return 0;
    }
    PyObject *closed = PyObject_CallMethod(result, "close", NULL);
    Py_XDECREF(closed);
    if (closed != NULL) {
        PyErr_SetString(PyExc_TypeError,
                        "a hook cannot be a coroutine function");
    }
    return -1;
}

/* *out, if asked for: what it returned. */
static int
call(PyObject *hook, PyObject *update, PyObject **out)
{
    PyObject *result = PyObject_CallOneArg(hook, update);
    int rc = result != NULL ? refuse_coroutine(result) : -1;
    if (out != NULL && rc == 0) {
        *out = Py_NewRef(result);
    }
    Py_XDECREF(result);
    return rc;
}

/* 1: it ran; 0: there is none; -2: it failed, which is in the report; -1:
 * error of our own. cls NULL: the hook of a module. */
static int
run(struct mf_hooks *hooks, const char *name, int code, PyObject *module,
    PyObject *cls, PyObject *dict)
{
    PyObject *hook = cls != NULL ? hook_of_class(cls, name)
                                 : hook_of_module(dict, name);
    if (hook == NULL && !PyErr_Occurred()) {
        return 0;
    }
    int rc = hook != NULL ? call(hook, hooks->update, NULL) : -1;
    Py_XDECREF(hook);
    if (rc == 0) {
        return 1;
    }
    if (code == MF_HOOKS_BEFORE_FAILED && is_veto()) {
        code = MF_HOOKS_VETO;
    }
    return report_failure(hooks, code, module, cls, name) < 0 ? -1 : -2;
}

/* --- order --------------------------------------------------------------- */

/* One that may have a hook. All of them stand in one list in the order of the
 * before hooks; the after hooks run through it backwards. */
static int
append(PyObject *order, PyObject *module, PyObject *cls, PyObject *dict)
{
    PyObject *item = PyTuple_Pack(3, module != NULL ? module : Py_None,
                                  cls != NULL ? cls : Py_None,
                                  dict != NULL ? dict : Py_None);
    int rc = item != NULL ? PyList_Append(order, item) : -1;
    Py_XDECREF(item);
    return rc;
}

/* Classes whose module has this name; NULL: whose module is not in `names`. */
static int
append_classes(PyObject *order, PyObject *classes, PyObject *name,
               PyObject *names)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(classes); i++) {
        PyObject *cls = PyList_GET_ITEM(classes, i);
        if (!PyType_Check(cls) ||
            !(((PyTypeObject *)cls)->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
            continue;
        }
        PyObject *own = module_of_class(cls);
        int is = own == NULL ? name == NULL
                 : name != NULL ? PyUnicode_Compare(own, name) == 0
                                : !PySet_Contains(names, own);
        if (PyErr_Occurred() ||
            (is && append(order, own, cls, NULL) < 0)) {
            return -1;
        }
    }
    return 0;
}

static int
fill_order(PyObject *order, PyObject *modules, PyObject *classes,
           PyObject *names)
{
    for (Py_ssize_t i = 0; modules != NULL && i < PyList_GET_SIZE(modules);
         i++) {
        PyObject *name, *dict;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(modules, i), "UO!", &name,
                              &PyDict_Type, &dict) ||
            append(order, name, NULL, dict) < 0 ||
            PySet_Add(names, name) < 0 ||
            (classes != NULL &&
             append_classes(order, classes, name, names) < 0)) {
            return -1;
        }
    }
    return classes != NULL ? append_classes(order, classes, NULL, names) : 0;
}

/* New list of (module name or None, class or None, namespace or None). */
static PyObject *
make_order(PyObject *modules, PyObject *classes)
{
    PyObject *order = PyList_New(0);
    PyObject *names = PySet_New(NULL);
    if (order == NULL || names == NULL ||
        fill_order(order, modules, classes, names) < 0) {
        Py_CLEAR(order);
    }
    Py_XDECREF(names);
    return order;
}

static int
run_item(struct mf_hooks *hooks, const char *name, int code, PyObject *item)
{
    PyObject *module = PyTuple_GET_ITEM(item, 0);
    PyObject *cls = PyTuple_GET_ITEM(item, 1);
    PyObject *dict = PyTuple_GET_ITEM(item, 2);
    return run(hooks, name, code, module == Py_None ? NULL : module,
               cls == Py_None ? NULL : cls, dict == Py_None ? NULL : dict);
}

bool
mf_hooks_any(PyObject *modules, PyObject *classes)
{
    static const char *const names[] = {BEFORE, AFTER};
    bool inherited, any = false;
    for (size_t n = 0; n < Py_ARRAY_LENGTH(names) && !any; n++) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(modules) && !any; i++) {
            PyObject *pair = PyList_GET_ITEM(modules, i);
            any = in_namespace(PyTuple_GET_ITEM(pair, 1), names[n]) != NULL;
        }
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(classes) && !any; i++) {
            PyObject *cls = PyList_GET_ITEM(classes, i);
            any = in_class((PyTypeObject *)cls, names[n], &inherited) != NULL;
        }
    }
    any |= PyErr_Occurred() != NULL;
    PyErr_Clear();
    return any;
}

int
mf_hooks_before(struct mf_hooks *hooks, PyObject *modules, PyObject *classes)
{
    PyObject *order = make_order(modules, classes);
    if (order == NULL) {
        return -1;
    }
    int rc = 0;
    for (Py_ssize_t i = 0; rc >= 0 && i < PyList_GET_SIZE(order); i++) {
        PyObject *item = PyList_GET_ITEM(order, i);
        rc = run_item(hooks, BEFORE, MF_HOOKS_BEFORE_FAILED, item);
        if (rc == 1) {
            rc = PyList_Append(hooks->ran, item);
        }
    }
    Py_DECREF(order);
    return rc == -1 ? -1 : 0;
}

/* All of them, last first, whatever fails. */
static int
run_after(struct mf_hooks *hooks, PyObject *order, int *failed)
{
    for (Py_ssize_t i = PyList_GET_SIZE(order); i-- > 0;) {
        int rc = run_item(hooks, AFTER, MF_HOOKS_AFTER_FAILED,
                          PyList_GET_ITEM(order, i));
        if (rc == -1) {
            return -1;
        }
        if (rc == -2 && failed != NULL) {
            ++*failed;
        }
    }
    return 0;
}

int
mf_hooks_after(struct mf_hooks *hooks, PyObject *modules, PyObject *classes,
               const char *outcome, int *failed)
{
    if (failed != NULL) {
        *failed = 0;
    }
    PyObject *order = make_order(modules, classes);
    if (order == NULL) {
        return -1;
    }
    int rc = set_outcome(hooks, outcome);
    if (rc == 0) {
        rc = run_after(hooks, order, failed);
    }
    Py_DECREF(order);
    return rc;
}

int
mf_hooks_rejected(struct mf_hooks *hooks)
{
    if (set_outcome(hooks, "rejected") < 0) {
        return -1;
    }
    /* A hook must not find itself in the list while it runs. */
    PyObject *ran = hooks->ran;
    hooks->ran = PyList_New(0);
    int rc = hooks->ran != NULL ? run_after(hooks, ran, NULL) : -1;
    Py_DECREF(ran);
    return rc;
}

/* --- migrate ------------------------------------------------------------- */

int
mf_hooks_can_migrate(PyTypeObject *new_class)
{
    bool inherited;
    PyObject *raw = in_class(new_class, MIGRATE, &inherited);
    PyErr_Clear();
    return raw != NULL && raw != Py_None;
}

int
mf_hooks_migrate(struct mf_hooks *hooks, PyTypeObject *new_class,
                 PyObject *hook, PyObject *copy, PyObject *old,
                 PyObject **result)
{
    bool inherited;
    if (hook == NULL) {
        hook = in_class(new_class, MIGRATE, &inherited);
    }
    if (hook == NULL || hook == Py_None) {
        return PyErr_Occurred() ? -1 : 0;
    }
    struct update *update = (struct update *)hooks->update;
    Py_SETREF(update->old, Py_NewRef(old));
    descrgetfunc get = Py_TYPE(hook)->tp_descr_get;
    Py_INCREF(hook);
    PyObject *bound = get != NULL
                          ? get(hook, copy, (PyObject *)new_class)
                          : Py_NewRef(hook);
    Py_DECREF(hook);
    int rc = bound != NULL ? call(bound, hooks->update, result) : -1;
    Py_XDECREF(bound);
    if (rc < 0) {
        PyObject *cls = (PyObject *)new_class;
        rc = report_failure(hooks, MF_HOOKS_MIGRATE_FAILED,
                            module_of_class(cls), cls, MIGRATE);
        rc = rc < 0 ? -1 : 1;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    Py_SETREF(update->old, Py_NewRef(Py_None));
    PyErr_Restore(type, value, traceback);
    return rc;
}
