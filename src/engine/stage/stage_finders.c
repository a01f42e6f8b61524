/* stage_finders.c -- owns what finders remember of folders. In: the finders of
 * the program. Out: the same, which look again.
 *
 * They keep lists of folders by their time stamps, which are too coarse for a
 * file that has just come. importlib.invalidate_caches() is for that; but from
 * 3.13 on it imports importlib.metadata, and sixty modules with it, into every
 * program. So the standard finder of paths, which alone does it, is done here,
 * unless the program has that module anyway.
 */
#include "stage_parts.h"

/* 0, or -1; one that cannot look again is the program's affair. */
static int
tell(PyObject *finder)
{
    PyObject *forget = PyObject_GetAttrString(finder, "invalidate_caches");
    PyObject *done = forget ? PyObject_CallNoArgs(forget) : NULL;
    Py_XDECREF(forget);
    Py_XDECREF(done);
    if (done == NULL && PyErr_ExceptionMatches(PyExc_Exception) &&
        !PyErr_ExceptionMatches(PyExc_MemoryError)) {
        PyErr_Clear();
    }
    return PyErr_Occurred() ? -1 : 0;
}

static bool
is_absolute(PyObject *path)
{
    return PyUnicode_Check(path) && PyUnicode_GET_LENGTH(path) > 0 &&
           PyUnicode_READ_CHAR(path, 0) == '/';
}

/* Those of folders; a folder that was not there, or is called otherwise in
 * each working directory, gets a new one. */
static int
tell_of_folders(void)
{
    PyObject *cache = PySys_GetObject("path_importer_cache");
    PyObject *items = cache && PyDict_Check(cache) ? PyDict_Items(cache)
                                                   : PyList_New(0);
    int rc = items ? 0 : -1;
    Py_XINCREF(cache);
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(items); i++) {
        PyObject *path = PyTuple_GET_ITEM(PyList_GET_ITEM(items, i), 0);
        PyObject *finder = PyTuple_GET_ITEM(PyList_GET_ITEM(items, i), 1);
        if (finder != Py_None && is_absolute(path)) {
            rc = tell(finder);
        }
        else if (PyDict_DelItem(cache, path) < 0) {
            rc = PyErr_ExceptionMatches(PyExc_KeyError) ? 0 : -1;
            if (rc == 0) {
                PyErr_Clear(); /* another thread has been here */
            }
        }
    }
    Py_XDECREF(items);
    Py_XDECREF(cache);
    return rc;
}

/* The number by which packages without __init__ see that they have to look
 * for their folders again. */
static int
tell_namespaces(PyObject *external)
{
    static const char *const names[] = {"_NamespacePath", "NamespacePath"};
    PyObject *type = NULL;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(names) && type == NULL; i++) {
        type = PyDict_GetItemString(PyModule_GetDict(external), names[i]);
    }
    PyObject *epoch =
        type ? PyObject_GetAttrString(type, "_epoch") : NULL;
    if (epoch == NULL) {
        PyErr_Clear(); /* it does not count */
        return 0;
    }
    PyObject *one = PyLong_FromLong(1);
    PyObject *next = one ? PyNumber_Add(epoch, one) : NULL;
    int rc = next ? PyObject_SetAttrString(type, "_epoch", next) : -1;
    Py_XDECREF(next);
    Py_XDECREF(one);
    Py_DECREF(epoch);
    return rc;
}

int
mf_stage_forget_listings(void)
{
    PyObject *external = PyImport_ImportModule("importlib._bootstrap_external");
    PyObject *standard =
        external ? PyObject_GetAttrString(external, "PathFinder") : NULL;
    PyObject *path = PySys_GetObject("meta_path");
    PyObject *finders = standard && path ? PySequence_List(path) : NULL;
    int rc = finders ? 0 : -1;
    bool whole = PyDict_GetItemString(PyImport_GetModuleDict(),
                                      "importlib.metadata") != NULL;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(finders); i++) {
        PyObject *finder = PyList_GET_ITEM(finders, i);
        if (finder != standard || whole) {
            rc = tell(finder);
        }
        else {
            rc = tell_of_folders() < 0 ? -1 : tell_namespaces(external);
        }
    }
    if (rc < 0 && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_RuntimeError, "lost sys.meta_path");
    }
    Py_XDECREF(finders);
    Py_XDECREF(standard);
    Py_XDECREF(external);
    return rc;
}
