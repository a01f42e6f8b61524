/* effects_owner.c -- owns the question whose a namespace is. In: the dict of a
 * module or class. Out: the program's, the library's, or machinery's.
 */
#include "effects_reach.h"

static bool
is_machinery(PyObject *name)
{
    static const char *const modules[] = {
        "threading", "queue",   "concurrent",   "asyncio",    "multiprocessing",
        "selectors", "socket",  "socketserver", "subprocess", "ssl",
        "sched",     "_thread", "contextvars"};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(modules); i++) {
        if (PyUnicode_CompareWithASCIIString(name, modules[i]) == 0) {
            return true;
        }
    }
    return false;
}

int
mf_effects_owner(struct mf_map *owners, PyObject *dict, const char *key)
{
    int owner = (int)(uintptr_t)mf_map_get(owners, dict);
    if (owner != 0) {
        return owner;
    }
    PyObject *names = PySys_GetObject("stdlib_module_names");
    PyObject *name = PyDict_GetItemString(dict, key);
    owner = MF_OWNER_PROGRAM;
    if (names != NULL && PyAnySet_CheckExact(names) && name != NULL &&
        PyUnicode_CheckExact(name)) {
        Py_ssize_t n = PyUnicode_GET_LENGTH(name);
        Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, n, 1);
        PyObject *top = PyUnicode_Substring(name, 0, dot < 0 ? n : dot);
        int found = top ? PySet_Contains(names, top) : -1;
        owner = found <= 0          ? MF_OWNER_PROGRAM
                : is_machinery(top) ? MF_OWNER_MACHINERY
                                    : MF_OWNER_LIBRARY;
        Py_XDECREF(top);
        if (found < 0) {
            return -1;
        }
    }
    return mf_map_put(owners, dict, (uintptr_t)owner) < 0 ? -1 : owner;
}
