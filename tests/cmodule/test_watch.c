/* test_watch.c -- part of _testengine: watch and thread, driven from Python.
 * A watch is a capsule; what a thread has taken over must not be used as a
 * watch any more (the capsule is emptied).
 */
#include "parts.h"

#include "read/watch.h"
#include "thread.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>

struct test_watch {
    struct mf_watch *watch; /* NULL: a thread owns it */
    struct mf_thread *thread;
    PyObject *notes;        /* list */
    PyObject *batch;        /* callable, with a thread */
};

static void
on_note(const char *text, void *arg)
{
    struct test_watch *self = arg;
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *str = PyUnicode_DecodeFSDefault(text);
    if (str == NULL || PyList_Append(self->notes, str) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(str);
    PyGILState_Release(state);
}

static PyObject *
to_list(char **paths, int count)
{
    PyObject *list = PyList_New(count);
    for (int i = 0; list != NULL && i < count; i++) {
        PyObject *path = PyUnicode_DecodeFSDefault(paths[i]);
        if (path == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, i, path);
    }
    return list;
}

static void
on_batch(char **paths, int count, void *arg)
{
    struct test_watch *self = arg;
    PyObject *list = to_list(paths, count);
    PyObject *result =
        list ? PyObject_CallOneArg(self->batch, list) : NULL;
    if (result == NULL) {
        PyErr_WriteUnraisable(self->batch);
    }
    Py_XDECREF(result);
    Py_XDECREF(list);
}

static void
on_thread_note(const char *text, void *arg)
{
    on_note(text, arg);
}

static void
destroy(PyObject *capsule)
{
    struct test_watch *self = PyCapsule_GetPointer(capsule, "watch");
    mf_thread_stop(self->thread, false);
    mf_watch_free(self->watch);
    Py_XDECREF(self->notes);
    Py_XDECREF(self->batch);
    free(self);
}

static struct test_watch *
get(PyObject *capsule, bool owned)
{
    struct test_watch *self = PyCapsule_GetPointer(capsule, "watch");
    if (self != NULL && (self->watch != NULL) != owned) {
        PyErr_SetString(PyExc_ValueError, "the thread owns it, or none does");
        return NULL;
    }
    return self;
}

static PyObject *
watch_new(PyObject *module, PyObject *args)
{
    struct mf_watch_options options = {0};
    int force = 0;
    if (!PyArg_ParseTuple(args, "ii|pi", &options.settle_ms, &options.poll_ms,
                          &force, &options.max_watches)) {
        return NULL;
    }
    options.force_poll = force;
    struct test_watch *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return PyErr_NoMemory();
    }
    self->notes = PyList_New(0);
    self->watch = mf_watch_new(&options, NULL, NULL);
    PyObject *capsule = NULL;
    if (self->watch == NULL) {
        PyErr_SetFromErrno(PyExc_OSError);
    }
    else if (self->notes != NULL) {
        capsule = PyCapsule_New(self, "watch", destroy);
    }
    if (capsule == NULL) {
        Py_XDECREF(self->notes);
        mf_watch_free(self->watch);
        free(self);
    }
    return capsule;
}

static PyObject *
change_paths(PyObject *args, int (*change)(struct mf_watch *, const char *))
{
    PyObject *capsule, *path;
    if (!PyArg_ParseTuple(args, "OO&", &capsule, PyUnicode_FSConverter,
                          &path)) {
        return NULL;
    }
    struct test_watch *self = get(capsule, true);
    int result = -1;
    if (self != NULL) {
        result = change(self->watch, PyBytes_AS_STRING(path));
        if (result < 0) {
            PyErr_SetFromErrno(PyExc_OSError);
        }
    }
    Py_DECREF(path);
    return result < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
watch_add(PyObject *module, PyObject *args)
{
    return change_paths(args, mf_watch_add);
}

static PyObject *
watch_remove(PyObject *module, PyObject *args)
{
    return change_paths(args, mf_watch_remove);
}

static PyObject *
watch_suffixes(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    const char *suffixes[3] = {0};
    if (!PyArg_ParseTuple(args, "Os|s", &capsule, &suffixes[0],
                          &suffixes[1])) {
        return NULL;
    }
    struct test_watch *self = get(capsule, true);
    if (self == NULL) {
        return NULL;
    }
    if (mf_watch_suffixes(self->watch, suffixes) < 0) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    Py_RETURN_NONE;
}

static int64_t
now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Drains like the thread does, until a batch comes or time is up; counts the
 * wake-ups. Without the GIL. */
static int
wait_batch(struct mf_watch *watch, int64_t end, char ***paths, int *wakes)
{
    for (;;) {
        int count = mf_watch_drain(watch, paths);
        int64_t left = end - now_ms();
        if (count != 0 || left <= 0) {
            return count;
        }
        int timeout = mf_watch_timeout_ms(watch);
        struct pollfd fd = {.fd = mf_watch_fd(watch), .events = POLLIN};
        poll(&fd, 1, timeout < 0 || timeout > left ? (int)left : timeout);
        *wakes += 1;
    }
}

/* watch_wait(watch, ms) -> (paths, wake-ups); paths empty: time is up */
static PyObject *
watch_wait(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    int ms, count, wakes = 0;
    char **paths;
    if (!PyArg_ParseTuple(args, "Oi", &capsule, &ms)) {
        return NULL;
    }
    struct test_watch *self = get(capsule, true);
    if (self == NULL) {
        return NULL;
    }
    mf_watch_on_note(self->watch, on_note, self);
    Py_BEGIN_ALLOW_THREADS
    count = wait_batch(self->watch, now_ms() + ms, &paths, &wakes);
    Py_END_ALLOW_THREADS
    if (count < 0) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    PyObject *list = to_list(paths, count);
    if (count > 0) {
        mf_watch_paths_free(paths, count);
    }
    return list ? Py_BuildValue("(Ni)", list, wakes) : NULL;
}

/* watch_put_back(watch, path) */
static PyObject *
watch_put_back(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    const char *path;
    if (!PyArg_ParseTuple(args, "Os", &capsule, &path)) {
        return NULL;
    }
    struct test_watch *self = get(capsule, true);
    char **paths = self ? malloc(sizeof *paths) : NULL;
    if (paths == NULL) {
        return NULL;
    }
    paths[0] = strdup(path);
    mf_watch_put_back(self->watch, paths, 1);
    Py_RETURN_NONE;
}

static PyObject *
watch_notes(PyObject *module, PyObject *capsule)
{
    struct test_watch *self = PyCapsule_GetPointer(capsule, "watch");
    if (self != NULL && self->watch != NULL) {
        mf_watch_on_note(self->watch, on_note, self);
    }
    return self != NULL ? Py_NewRef(self->notes) : NULL;
}

static PyObject *
watch_backend(PyObject *module, PyObject *capsule)
{
    struct test_watch *self = get(capsule, true);
    return self ? PyUnicode_FromString(mf_watch_backend(self->watch)) : NULL;
}

static PyObject *
watch_timeout(PyObject *module, PyObject *capsule)
{
    struct test_watch *self = get(capsule, true);
    return self ? PyLong_FromLong(mf_watch_timeout_ms(self->watch)) : NULL;
}

static PyObject *
watch_free(PyObject *module, PyObject *capsule)
{
    struct test_watch *self = get(capsule, true);
    if (self == NULL) {
        return NULL;
    }
    mf_watch_free(self->watch);
    self->watch = NULL;
    Py_RETURN_NONE;
}

static PyObject *
thread_start(PyObject *module, PyObject *args)
{
    PyObject *capsule, *batch;
    if (!PyArg_ParseTuple(args, "OO", &capsule, &batch)) {
        return NULL;
    }
    struct test_watch *self = get(capsule, true);
    if (self == NULL) {
        return NULL;
    }
    struct mf_watch *watch = self->watch;
    self->watch = NULL;
    Py_XSETREF(self->batch, Py_NewRef(batch));
    self->thread = mf_thread_start(watch, on_batch, on_thread_note, self);
    return self->thread ? Py_NewRef(Py_None) : NULL;
}

static PyObject *
thread_stop(PyObject *module, PyObject *capsule)
{
    struct test_watch *self = PyCapsule_GetPointer(capsule, "watch");
    if (self == NULL) {
        return NULL;
    }
    struct mf_thread *thread = self->thread;
    self->thread = NULL;
    mf_thread_stop(thread, false);
    Py_RETURN_NONE;
}

static PyObject *
thread_add(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    const char *path;
    int free_gil = 0, result;
    if (!PyArg_ParseTuple(args, "Os|p", &capsule, &path, &free_gil)) {
        return NULL;
    }
    struct test_watch *self = get(capsule, false);
    if (self == NULL) {
        return NULL;
    }
    PyThreadState *state = free_gil ? PyEval_SaveThread() : NULL;
    result = mf_thread_add_path(self->thread, path);
    int error = errno;
    if (state != NULL) {
        PyEval_RestoreThread(state);
    }
    errno = error;
    return result < 0 ? PyErr_SetFromErrno(PyExc_OSError)
                      : Py_NewRef(Py_None);
}

static PyObject *
thread_forked(PyObject *module, PyObject *capsule)
{
    struct test_watch *self = get(capsule, false);
    return self ? PyBool_FromLong(mf_thread_forked(self->thread)) : NULL;
}

static PyMethodDef methods[] = {
    {"watch_new", watch_new, METH_VARARGS, NULL},
    {"watch_add", watch_add, METH_VARARGS, NULL},
    {"watch_remove", watch_remove, METH_VARARGS, NULL},
    {"watch_suffixes", watch_suffixes, METH_VARARGS, NULL},
    {"watch_wait", watch_wait, METH_VARARGS, NULL},
    {"watch_put_back", watch_put_back, METH_VARARGS, NULL},
    {"watch_notes", watch_notes, METH_O, NULL},
    {"watch_backend", watch_backend, METH_O, NULL},
    {"watch_timeout", watch_timeout, METH_O, NULL},
    {"watch_free", watch_free, METH_O, NULL},
    {"watch_thread_start", thread_start, METH_VARARGS, NULL},
    {"watch_thread_stop", thread_stop, METH_O, NULL},
    {"watch_thread_add", thread_add, METH_VARARGS, NULL},
    {"watch_thread_forked", thread_forked, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

int
mf_test_watch_init(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
