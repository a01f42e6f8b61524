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
        bool dropped = change->kind == MF_CHANGE_DELETED;
        if ((dropped || change->kind == MF_CHANGE_EDITED) &&
            PyDict_SetItem(texts, change->source->path,
                           dropped ? Py_None : change->source->text.bytes) <
                0) {
            Py_CLEAR(texts);
        }
    }
    return texts;
}

int
mf_record_push(struct mf_state *state, long number, PyObject *texts,
               PyObject *replaced)
{
    PyObject *record = Py_BuildValue("(lOO)", number, texts,
                                     replaced ? replaced : Py_None);
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
