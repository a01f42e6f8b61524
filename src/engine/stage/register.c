/* register.c -- owns the settlement of effects. In: effects, statements that ran
 * again or are gone. Out: writes for commit.
 */
#include "register.h"

/* Namespaces are written name by name, everything else as a whole. */
static int
write_namespace(struct mf_merge *merge, PyObject *holder, PyObject *contents)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(contents, &pos, &key, &value)) {
        if (PyDict_GetItemWithError(holder, key) != value &&
            mf_merge_write(merge, MF_WRITE_NAME, holder, key, value) < 0) {
            return -1;
        }
    }
    pos = 0;
    while (PyDict_Next(holder, &pos, &key, &value)) {
        if (PyDict_GetItemWithError(contents, key) == NULL &&
            mf_merge_write(merge, MF_WRITE_NAME, holder, key, NULL) < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int
write_attributes(struct mf_merge *merge, PyObject *holder, PyObject *contents)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(contents, &pos, &key, &value)) {
        if (mf_merge_write(merge, MF_WRITE_ATTRIBUTE, holder, key, value) <
            0) {
            return -1;
        }
    }
    return 0;
}

static int
on_write(void *arg, PyObject *holder, PyObject *contents)
{
    struct mf_merge *merge = arg;
    if (mf_match_is_fresh(merge->match, holder)) {
        return 0; /* as the step has made it: nothing old stands in it */
    }
    if (PyType_Check(holder)) {
        return write_attributes(merge, holder, contents);
    }
    if (PyDict_CheckExact(holder) &&
        PyDict_GetItemString(holder, "__name__") != NULL) {
        return write_namespace(merge, holder, contents);
    }
    if (PyDict_Check(holder) || PyList_Check(holder) ||
        PyAnySet_Check(holder) || PyList_CheckExact(contents)) {
        return mf_merge_write(merge, MF_WRITE_CONTENTS, holder, NULL,
                              contents);
    }
    if (PyCell_Check(holder)) {
        return mf_merge_write(merge, MF_WRITE_CELL, holder, NULL,
                              PyTuple_GET_ITEM(contents, 0));
    }
    return write_attributes(merge, holder, contents);
}

int
mf_register_run(struct mf_merge *merge)
{
    if (merge->stage == NULL) {
        return 0;
    }
    struct mf_reruns reruns = {0};
    int rc = mf_stage_reruns(merge->match->plan, &reruns);
    if (rc == 0) {
        rc = mf_effects_settle(&merge->stage->effects, &merge->match->home,
                               &reruns, on_write, merge);
    }
    mf_reruns_clear(&reruns);
    return rc;
}
