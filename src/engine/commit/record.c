/* record.c -- owns the memory of undo. In: committed plans and merges. Out:
 * sources and values for the update that goes back.
 */
#include "record.h"

PyObject *
mf_record_texts(struct mf_plan *plan)
{
    PyObject *texts = PyDict_New();
    for (size_t i = 0; texts != NULL && i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        if (change->kind == MF_CHANGE_EDITED &&
            PyDict_SetItem(texts, change->source->path,
                           change->source->text.bytes) < 0) {
            Py_CLEAR(texts);
        }
    }
    return texts;
}

static PyObject *
none_for_null(PyObject *obj)
{
    return obj ? obj : Py_None;
}

static int
add_left(PyObject *list, struct mf_change *change, struct mf_module *module)
{
    PyObject *entry =
        PyDict_GetItemWithError(PyImport_GetModuleDict(), module->name);
    if (entry == NULL || !PyModule_Check(entry) ||
        PyModule_GetDict(entry) != module->dict) {
        return PyErr_Occurred() ? -1 : 0; /* it has left by itself */
    }
    PyObject *left = Py_BuildValue(
        "(OOOOOOO)", module->name, entry, change->source->path,
        change->source->text.bytes, none_for_null(module->codes),
        none_for_null(module->loads), none_for_null(module->base));
    int rc = left ? PyList_Append(list, left) : -1;
    Py_XDECREF(left);
    return rc;
}

PyObject *
mf_record_left(struct mf_plan *plan)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        for (size_t t = 0; list != NULL && change->kind == MF_CHANGE_DELETED &&
                           t < change->targets.len;
             t++) {
            struct mf_target *target = change->targets.items[t];
            if (add_left(list, change, target->module) < 0) {
                Py_CLEAR(list);
            }
        }
    }
    return list;
}

int
mf_record_push(struct mf_state *state, long number, PyObject *texts,
               PyObject *replaced, PyObject *left)
{
    PyObject *record = Py_BuildValue("(lOOO)", number, texts,
                                     none_for_null(replaced), left);
    int rc = record ? PyList_Append(state->records, record) : -1;
    Py_XDECREF(record);
    Py_ssize_t n = PyList_GET_SIZE(state->records);
    if (rc == 0 && n > MF_RECORDS) {
        rc = PyList_SetSlice(state->records, 0, n - MF_RECORDS, NULL);
    }
    return rc;
}

PyObject *
mf_record_last(struct mf_state *state)
{
    Py_ssize_t n = PyList_GET_SIZE(state->records);
    return n > 0 ? PyList_GET_ITEM(state->records, n - 1) : NULL;
}

int
mf_record_pop(struct mf_state *state)
{
    Py_ssize_t n = PyList_GET_SIZE(state->records);
    return n > 0 ? PyList_SetSlice(state->records, n - 1, n, NULL) : 0;
}
