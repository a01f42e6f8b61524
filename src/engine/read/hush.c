/* hush.c -- owns the filters of warnings while the compiler runs. In: a text and
 * what is to be heard. Out: its code; the filters are as before.
 */
#include "hush.h"

/* The names of the module warnings, borrowed; NULL without exception: it has
 * none by which it could be hushed. */
static PyObject *
names_of_warnings(void)
{
    PyObject *module = PyImport_ImportModule("warnings");
    PyObject *names = module != NULL && PyModule_Check(module)
                          ? PyModule_GetDict(module)
                          : NULL;
    Py_XDECREF(module); /* it stays in sys.modules */
    PyErr_Clear();
    return names;
}

/* Other filters, which say `action` of everything: a new list. */
static PyObject *
swap(PyObject *names, PyObject *filters, const char *action)
{
    PyObject *other =
        PyList_Check(filters)
            ? Py_BuildValue("[(sOOOi)]", action, Py_None, PyExc_Warning,
                            Py_None, 0)
            : NULL;
    if (other != NULL && PyDict_SetItemString(names, "filters", other) < 0) {
        Py_CLEAR(other);
    }
    PyErr_Clear();
    return other;
}

/* The interpreter keeps the last list that it has seen, and uses it when the
 * module is gone: it must say the same. */
static void
swap_back(PyObject *names, PyObject *filters, PyObject *other)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    if (PyDict_SetItemString(names, "filters", filters) < 0 ||
        PyList_SetSlice(other, 0, PyList_GET_SIZE(other), filters) < 0) {
        PyErr_WriteUnraisable(NULL);
    }
    PyErr_Restore(type, value, tb);
}

PyObject *
mf_hush_compile(const char *source, PyObject *path, int flags,
                enum mf_hear hear)
{
    PyCompilerFlags cf = _PyCompilerFlags_INIT;
    cf.cf_flags = flags | PyCF_SOURCE_IS_UTF8 | PyCF_IGNORE_COOKIE;
    PyObject *names = hear != MF_HEAR_ALL ? names_of_warnings() : NULL;
    PyObject *filters =
        names != NULL ? PyDict_GetItemString(names, "filters") : NULL;
    Py_XINCREF(filters);
    /* No finalizer of the program may warn, or let another thread in: the
     * compiler alone runs no code. */
    int collects = filters != NULL ? PyGC_Disable() : 0;
    PyObject *other =
        filters != NULL
            ? swap(names, filters, hear == MF_HEAR_ERRORS ? "error" : "ignore")
            : NULL;
    PyObject *code =
        Py_CompileStringObject(source, path, Py_file_input, &cf, -1);
    if (other != NULL) {
        swap_back(names, filters, other);
    }
    if (collects) {
        PyGC_Enable();
    }
    Py_XDECREF(other);
    Py_XDECREF(filters);
    return code;
}
