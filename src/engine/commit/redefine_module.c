/* redefine_module.c -- owns module entries. In: deleted files, loaded
 * modules. Out: sys.modules and packages as a restart would have them.
 */
#include "redefine_module.h"

static int
drop_module(struct mf_undo *undo, PyObject *name, PyObject *dict)
{
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *live = PyDict_GetItemWithError(modules, name);
    /* a package may have come under the same name */
    if (live == NULL || !PyModule_Check(live) ||
        PyModule_GetDict(live) != dict) {
        return PyErr_Occurred() ? -1 : 0;
    }
    Py_ssize_t n = PyUnicode_GET_LENGTH(name);
    Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, n, -1);
    if (dot > 0) {
        PyObject *package = PyUnicode_Substring(name, 0, dot);
        PyObject *attr = PyUnicode_Substring(name, dot + 1, n);
        PyObject *entry = package && attr
                              ? PyDict_GetItemWithError(modules, package)
                              : NULL;
        int rc = 0;
        if (entry != NULL && PyModule_Check(entry)) {
            PyObject *dict = PyModule_GetDict(entry);
            if (PyDict_GetItemWithError(dict, attr) == live) {
                rc = mf_undo_dict_set(undo, dict, attr, NULL);
            }
        }
        Py_XDECREF(package);
        Py_XDECREF(attr);
        if (rc < 0 || PyErr_Occurred()) {
            return -1;
        }
    }
    return mf_undo_dict_set(undo, modules, name, NULL);
}

int
mf_redefine_module_apply(struct mf_undo *undo, struct mf_plan *plan,
                         struct mf_stage *stage)
{
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        for (size_t t = 0;
             change->kind == MF_CHANGE_DELETED && t < change->targets.len;
             t++) {
            struct mf_target *target = change->targets.items[t];
            if (drop_module(undo, target->module->name,
                            target->module->dict) < 0) {
                return -1;
            }
        }
    }
    PyObject *key = PyUnicode_InternFromString("__builtins__");
    int rc = key ? 0 : -1;
    for (size_t i = 0; stage != NULL && rc == 0 && i < stage->loaded.len;
         i++) {
        struct mf_loaded *loaded = stage->loaded.items[i];
        if (loaded->left != NULL) {
            continue; /* it has never had the staging ones */
        }
        rc = mf_undo_dict_set(undo, PyModule_GetDict(loaded->module), key,
                              stage->real_builtins);
    }
    Py_XDECREF(key);
    return rc;
}
