/* hush.c -- owns one filter of warnings, while the compiler runs. In: a text. Out:
 * its code, and whether the compiler has warned.
 *
 * The program goes on in the middle of a compile: for a SyntaxError the file is
 * opened, which lets other threads in and runs audit hooks. So what the program has
 * stays as it is: a filter of ours comes before its own, in its own list, and asks
 * a method whether it is meant, which it is for this thread's compiler alone. One
 * that is left in a copy of that list (warnings.catch_warnings) matches nothing.
 */
#include "hush.h"

/* What this thread's compiler says while it is silent; NULL: it is not. */
static _Thread_local bool *silent;

static PyObject *
match(PyObject *self, PyObject *args)
{
    (void)self, (void)args;
    if (silent != NULL) {
        *silent = true;
    }
    return PyBool_FromLong(silent != NULL);
}

static PyMethodDef match_def = {"match", match, METH_VARARGS,
                                "Is it the compiler of midflight?"};

/* One item of warnings.filters: what has a method match stands for a regular
 * expression. Only the kinds that the compiler knows: a finalizer that warns here
 * is heard. The method does not know its module: that would be a cycle. */
static PyObject *
make_filter(void)
{
    PyObject *pattern = PyModule_New("midflight");
    PyObject *method = pattern ? PyCFunction_New(&match_def, NULL) : NULL;
    if (method == NULL ||
        PyModule_AddObjectRef(pattern, match_def.ml_name, method) < 0) {
        Py_XDECREF(method);
        Py_XDECREF(pattern);
        return NULL;
    }
    Py_DECREF(method);
    return Py_BuildValue("(sN(OO)Oi)", "ignore", pattern, PyExc_SyntaxWarning,
                         PyExc_DeprecationWarning, Py_None, 0);
}

/* Where the interpreter looks for filters, borrowed; NULL without exception: at
 * nothing that we know. No import: that may be the program's. */
static PyObject *
names_of_warnings(void)
{
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *module = PyDict_GetItemString(modules, "warnings");
    if (module == NULL) {
        module = PyDict_GetItemString(modules, "_warnings");
    }
    return module != NULL && PyModule_Check(module) ? PyModule_GetDict(module)
                                                    : NULL;
}

/* New reference, or NULL without exception. */
static PyObject *
filters_in(PyObject *names)
{
    PyObject *list =
        names != NULL ? PyDict_GetItemString(names, "filters") : NULL;
    return list != NULL && PyList_Check(list) ? Py_NewRef(list) : NULL;
}

static void
take_out(PyObject *list, PyObject *filter)
{
    for (Py_ssize_t i = 0; list != NULL && i < PyList_GET_SIZE(list); i++) {
        if (PyList_GET_ITEM(list, i) == filter) {
            if (PyList_SetSlice(list, i, i + 1, NULL) < 0) {
                PyErr_WriteUnraisable(NULL);
            }
            return;
        }
    }
}

PyObject *
mf_hush_aloud(const char *source, PyObject *path, int flags)
{
    PyCompilerFlags cf = _PyCompilerFlags_INIT;
    cf.cf_flags = flags | PyCF_SOURCE_IS_UTF8 | PyCF_IGNORE_COOKIE;
    return Py_CompileStringObject(source, path, Py_file_input, &cf, -1);
}

/* In a context without variables: filters may be in one of them, and come first
 * (sys.flags.context_aware_warnings). */
static PyObject *
compile_in(PyObject *context, const char *source, PyObject *path, int flags,
           bool *warned)
{
    if (PyContext_Enter(context) < 0) {
        return NULL;
    }
    bool *outer = silent;
    silent = warned;
    PyObject *code = mf_hush_aloud(source, path, flags);
    silent = outer;
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    if (PyContext_Exit(context) < 0) {
        PyErr_WriteUnraisable(context);
    }
    PyErr_Restore(type, value, tb);
    return code;
}

PyObject *
mf_hush_compile(const char *source, PyObject *path, int flags, bool *warned)
{
    PyObject *code = NULL;
    PyObject *names = Py_XNewRef(names_of_warnings());
    PyObject *list = filters_in(names);
    PyObject *filter = make_filter();
    PyObject *context = filter != NULL ? PyContext_New() : NULL;
    if (context == NULL ||
        (list != NULL && PyList_Insert(list, 0, filter) < 0)) {
        goto release_all;
    }
    code = compile_in(context, source, path, flags, warned);
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    take_out(list, filter);
    PyObject *now = filters_in(names); /* another thread has put it there */
    take_out(now, filter);
    Py_XDECREF(now);
    PyErr_Restore(type, value, tb);
release_all:
    Py_XDECREF(context);
    Py_XDECREF(filter);
    Py_XDECREF(list);
    Py_XDECREF(names);
    return code;
}
