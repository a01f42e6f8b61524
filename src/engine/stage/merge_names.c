/* merge_names.c -- owns what other names have to do with a name. In: a staged
 * module. Out: what its functions wrote while they were called; whether a
 * container is another name's as well.
 */
#include "merge_parts.h"

bool
mf_merge_is_borrowed(struct mf_staged *staged, const struct one *one)
{
    struct mf_diff *diff = &staged->target->change->diff;
    struct mf_names names;
    PyObject *name, *iter = NULL;
    bool yes = false;
    if (one->delta == MF_UNIT_NONE || !one->edited ||
        diff->deltas[one->delta].derived ||
        diff->deltas[one->delta].old_unit == MF_UNIT_NONE) {
        return false;
    }
    if (mf_diff_old_names(diff, &diff->deltas[one->delta], &names) == 0) {
        iter = PyObject_GetIter(names.loads);
    }
    while (iter != NULL && !yes && (name = PyIter_Next(iter)) != NULL) {
        yes = PyDict_GetItemWithError(staged->live_dict, name) == one->live &&
              PyUnicode_Compare(name, one->name) != 0;
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    mf_names_clear(&names);
    PyErr_Clear();
    return yes;
}

int
mf_merge_written(struct mf_merge *merge, struct mf_staged *staged)
{
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(staged->dict, &pos, &name, &value)) {
        PyObject *was = PyDict_GetItemWithError(staged->before, name);
        if (was != value && !PyModule_Check(value) &&
            PyDict_GetItemWithError(staged->bound, name) == NULL &&
            mf_merge_write(merge, MF_WRITE_NAME, staged->live_dict, name,
                           value) < 0) {
            return -1;
        }
    }
    pos = 0;
    while (PyDict_Next(staged->before, &pos, &name, &value)) {
        if (PyDict_GetItemWithError(staged->dict, name) == NULL &&
            PyDict_GetItemWithError(staged->bound, name) == NULL &&
            PyDict_GetItemWithError(staged->live_dict, name) != NULL &&
            mf_merge_write(merge, MF_WRITE_NAME, staged->live_dict, name,
                           NULL) < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}
