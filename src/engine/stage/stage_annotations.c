/* stage_annotations.c -- owns what a statement with annotations leaves in its
 * module besides its values (3.14+): one __annotate__ function and the numbers
 * of the annotations that ran are the whole module's, while a statement that
 * runs alone makes some of its own. In: a staged namespace after a step. Out:
 * the namespace without them; the numbers are kept for the commit.
 */
#include "stage_parts.h"

#include "../ground/compat.h"

static int
put_back(struct mf_staged *staged, PyObject *name)
{
    PyObject *was = PyDict_GetItemWithError(staged->before, name);
    if (was != NULL) {
        return PyDict_SetItem(staged->dict, name, was);
    }
    if (PyErr_Occurred() ||
        PyDict_GetItemWithError(staged->dict, name) == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    return PyDict_DelItem(staged->dict, name);
}

static int
keep_numbers(struct mf_staged *staged, PyObject *numbers, uint32_t unit)
{
    if (staged->annotated == NULL &&
        (staged->annotated = PyDict_New()) == NULL) {
        return -1;
    }
    PyObject *key = PyLong_FromUnsignedLong(unit);
    int rc = key ? PyDict_SetItem(staged->annotated, key, numbers) : -1;
    Py_XDECREF(key);
    return rc;
}

int
mf_stage_annotations_ran(struct mf_staged *staged, uint32_t unit)
{
    if (!mf_compat_can_annotate()) {
        return 0;
    }
    int rc = -1;
    PyObject *function = PyUnicode_InternFromString(MF_COMPILE_ANNOTATE);
    PyObject *name = PyUnicode_InternFromString(MF_COMPILE_ANNOTATED);
    if (function == NULL || name == NULL) {
        goto release_names;
    }
    PyObject *numbers = PyDict_GetItemWithError(staged->dict, name);
    if (numbers != NULL && PyAnySet_Check(numbers) &&
        numbers != PyDict_GetItemWithError(staged->before, name) &&
        keep_numbers(staged, numbers, unit) < 0) {
        goto release_names;
    }
    rc = PyErr_Occurred() || put_back(staged, name) < 0 ||
                 put_back(staged, function) < 0
             ? -1
             : 0;
release_names:
    Py_XDECREF(name);
    Py_XDECREF(function);
    return rc;
}
