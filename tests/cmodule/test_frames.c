/* test_frames.c -- part of _testengine: stragglers, hooks, new fields, driven
 * from Python. What the rooms tell becomes lists of tuples.
 */
#include "parts.h"

#include "heap/frames.h"
#include "stage/fields.h"
#include "stage/hooks_migrate.h"

/* --- frames -------------------------------------------------------------- */

static int
found_straggler(PyCodeObject *code, int line, PyObject *kind,
                unsigned long thread_id, int frames, void *arg)
{
    PyObject *item =
        Py_BuildValue("(OiOki)", code, line, kind, thread_id, frames);
    int rc = item != NULL ? PyList_Append(arg, item) : -1;
    Py_XDECREF(item);
    return rc;
}

static int
fill_map(struct mf_map *map, PyObject *codes)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(codes); i++) {
        if (mf_map_put(map, PyTuple_GET_ITEM(codes, i), 1) < 0) {
            return -1;
        }
    }
    return 0;
}

/* known: dict code -> count, or None. A dict holds its keys, and so does the
 * tuple: the caller counts them. */
static int
fill_known(struct mf_map *map, PyObject *known)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(known, &pos, &key, &value)) {
        if (mf_map_put(map, key, PyLong_AsSize_t(value)) < 0) {
            return -1;
        }
    }
    return 0;
}

static PyObject *
frames_stragglers(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *codes, *known = Py_None;
    if (!PyArg_ParseTuple(args, "O!|O", &PyTuple_Type, &codes, &known)) {
        return NULL;
    }
    struct mf_map map = {0}, counts = {0};
    struct mf_frames_beyond beyond = {.known = &counts};
    PyObject *out = PyList_New(0);
    int rc = fill_map(&map, codes);
    if (rc == 0 && known != Py_None) {
        rc = fill_known(&counts, known);
    }
    if (rc == 0) {
        rc = known != Py_None
                 ? mf_frames_stragglers_beyond(&map, &beyond, found_straggler,
                                               out)
                 : mf_frames_stragglers(&map, found_straggler, out);
    }
    mf_map_clear(&map);
    mf_map_clear(&counts);
    if (rc < 0) {
        Py_CLEAR(out);
    }
    return out;
}

static PyObject *
frames_stack(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned long thread_id;
    Py_ssize_t limit = PY_SSIZE_T_MAX;
    if (!PyArg_ParseTuple(args, "k|n", &thread_id, &limit)) {
        return NULL;
    }
    return mf_frames_stack(thread_id, limit);
}

/* --- hooks --------------------------------------------------------------- */

struct test_hooks {
    struct mf_report report;
    struct mf_hooks hooks;
};

static const char hooks_name[] = "mf_hooks";

static void
hooks_free(PyObject *capsule)
{
    struct test_hooks *self = PyCapsule_GetPointer(capsule, hooks_name);
    mf_hooks_clear(&self->hooks);
    mf_report_clear(&self->report);
    PyMem_Free(self);
}

static PyObject *
hooks_new(PyObject *Py_UNUSED(module), PyObject *args)
{
    long number;
    PyObject *modules;
    if (!PyArg_ParseTuple(args, "lO", &number, &modules)) {
        return NULL;
    }
    struct test_hooks *self = PyMem_Calloc(1, sizeof(*self));
    if (self == NULL) {
        return PyErr_NoMemory();
    }
    if (mf_report_init(&self->report) < 0 ||
        mf_hooks_init(&self->hooks, &self->report, number, modules) < 0) {
        mf_report_clear(&self->report);
        PyMem_Free(self);
        return NULL;
    }
    return PyCapsule_New(self, hooks_name, hooks_free);
}

static PyObject *
list_or_null(PyObject *obj)
{
    return obj == Py_None ? NULL : obj;
}

/* (hooks, which, modules, classes) -> number of failed after hooks */
static PyObject *
hooks_run(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *modules, *classes;
    const char *which;
    if (!PyArg_ParseTuple(args, "OsOO", &capsule, &which, &modules,
                          &classes)) {
        return NULL;
    }
    struct test_hooks *self = PyCapsule_GetPointer(capsule, hooks_name);
    if (self == NULL) {
        return NULL;
    }
    modules = list_or_null(modules);
    classes = list_or_null(classes);
    int failed = 0, rc;
    if (strcmp(which, "before") == 0) {
        rc = mf_hooks_before(&self->hooks, modules, classes);
    }
    else if (strcmp(which, "after") == 0) {
        rc = mf_hooks_after(&self->hooks, modules, classes, "committed",
                            &failed);
    }
    else {
        rc = mf_hooks_rejected(&self->hooks);
    }
    return rc == 0 ? PyLong_FromLong(failed) : NULL;
}

static PyObject *
hooks_migrate(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *cls, *copy, *old;
    if (!PyArg_ParseTuple(args, "OO!OO", &capsule, &PyType_Type, &cls, &copy,
                          &old)) {
        return NULL;
    }
    struct test_hooks *self = PyCapsule_GetPointer(capsule, hooks_name);
    if (self == NULL) {
        return NULL;
    }
    int can = mf_hooks_can_migrate((PyTypeObject *)cls);
    int rc = mf_hooks_migrate(&self->hooks, (PyTypeObject *)cls, NULL, copy,
                              old, NULL);
    return rc >= 0 ? Py_BuildValue("(ii)", can, rc) : NULL;
}

/* The report as a dict, with the update object and the interrupt. */
static PyObject *
hooks_state(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    struct test_hooks *self = PyCapsule_GetPointer(capsule, hooks_name);
    if (self == NULL) {
        return NULL;
    }
    return Py_BuildValue("(NOO)", mf_report_dict(&self->report, 0),
                         self->hooks.update,
                         self->hooks.interrupted ? Py_True : Py_False);
}

/* --- fields -------------------------------------------------------------- */

static const char *const how_names[] = {"unset", "value", "copy", "factory",
                                        "default"};

static int
found_field(const struct mf_field *field, void *arg)
{
    PyObject *item =
        Py_BuildValue("(OsO)", field->name, how_names[field->how],
                      field->value != NULL ? field->value : Py_None);
    int rc = item != NULL ? PyList_Append(arg, item) : -1;
    Py_XDECREF(item);
    return rc;
}

static PyObject *
fields_read(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *code, *func = NULL;
    if (!PyArg_ParseTuple(args, "O!|O", &PyCode_Type, &code, &func)) {
        return NULL;
    }
    PyObject *out = PyList_New(0);
    if (out != NULL && mf_fields_init_read((PyCodeObject *)code, func,
                                           found_field, out) < 0) {
        Py_CLEAR(out);
    }
    return out;
}

static int
note_write(void *arg, PyObject *instance, PyObject *name, PyObject *value)
{
    PyObject *item = Py_BuildValue("(OOO)", instance, name, value);
    int rc = item != NULL ? PyList_Append(arg, item) : -1;
    Py_XDECREF(item);
    return rc;
}

static int
find(PyObject *args, struct mf_fields *fields, PyObject **instances_of)
{
    PyObject *in[6];
    if (!PyArg_ParseTuple(args, "OOOOOOO", &in[0], &in[1], &in[2], &in[3],
                          &in[4], &in[5], instances_of)) {
        return -1;
    }
    for (int i = 0; i < 6; i++) {
        in[i] = list_or_null(in[i]);
    }
    return mf_fields_find((PyTypeObject *)in[0], in[1], in[2], in[3], in[4],
                          in[5], fields);
}

/* (old class, old code, new code, new function, old fields, new fields,
 * class or instance to fill) -> ([(name, how, value)], unset, [(instance,
 * name, value)]) */
static PyObject *
fields_fill(PyObject *Py_UNUSED(module), PyObject *args)
{
    struct mf_fields fields = {0};
    PyObject *target, *result = NULL;
    PyObject *found = PyList_New(0), *written = PyList_New(0);
    int rc = found != NULL && written != NULL ? find(args, &fields, &target)
                                              : -1;
    for (size_t i = 0; rc == 0 && i < fields.len; i++) {
        rc = found_field(&fields.items[i], found);
    }
    if (rc == 0 && PyType_Check(target)) {
        rc = mf_fields_fill(&fields, (PyTypeObject *)target, note_write,
                            written);
    }
    else if (rc == 0 && target != Py_None) {
        rc = mf_fields_fill_one(&fields, target, note_write, written);
    }
    if (rc == 0) {
        result = PyTuple_Pack(3, found, fields.unset, written);
    }
    mf_fields_clear(&fields);
    Py_XDECREF(found);
    Py_XDECREF(written);
    return result;
}

static int
note_migrated(void *arg, PyObject *instance, PyObject *name, PyObject *value)
{
    PyObject *item = value != NULL
                         ? Py_BuildValue("(OOO)", instance, name, value)
                         : Py_BuildValue("(OO)", instance, name);
    int rc = item != NULL ? PyList_Append(arg, item) : -1;
    Py_XDECREF(item);
    return rc;
}

static int
note_become(void *arg, PyObject *copy, PyObject *instance)
{
    PyObject *item = Py_BuildValue("(sOO)", "become", copy, instance);
    int rc = item != NULL ? PyList_Append(arg, item) : -1;
    Py_XDECREF(item);
    return rc;
}

/* (hooks, old class, new class, function __init__ of the new one, become too,
 * fields changed) -> list of what is to be written */
static PyObject *
hooks_migrate_all(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *old_class, *new_class, *init;
    int become, changed;
    if (!PyArg_ParseTuple(args, "OO!O!O!pp", &capsule, &PyType_Type,
                          &old_class, &PyType_Type, &new_class,
                          &PyFunction_Type, &init, &become, &changed)) {
        return NULL;
    }
    struct test_hooks *self = PyCapsule_GetPointer(capsule, hooks_name);
    PyObject *out = PyList_New(0);
    struct mf_fields fields = {0};
    struct mf_hooks_migration migration = {
        .write = note_migrated,
        .become = become ? note_become : NULL,
        .arg = out,
        .fields_changed = changed,
    };
    if (self == NULL || out == NULL ||
        mf_fields_find((PyTypeObject *)old_class, NULL,
                       PyFunction_GET_CODE(init), init, NULL, NULL,
                       &fields) < 0 ||
        mf_hooks_migrate_all(&self->hooks, &fields, (PyTypeObject *)old_class,
                             (PyTypeObject *)new_class, &migration) < 0) {
        Py_CLEAR(out);
    }
    mf_fields_clear(&fields);
    return out;
}

static PyMethodDef methods[] = {
    {"frames_stragglers", frames_stragglers, METH_VARARGS, NULL},
    {"frames_stack", frames_stack, METH_VARARGS, NULL},
    {"hooks_new", hooks_new, METH_VARARGS, NULL},
    {"hooks_run", hooks_run, METH_VARARGS, NULL},
    {"hooks_migrate", hooks_migrate, METH_VARARGS, NULL},
    {"hooks_migrate_all", hooks_migrate_all, METH_VARARGS, NULL},
    {"hooks_state", hooks_state, METH_O, NULL},
    {"fields_read", fields_read, METH_VARARGS, NULL},
    {"fields_fill", fields_fill, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int
mf_test_frames_init(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
