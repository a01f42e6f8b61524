/* commit_docs.c -- owns docstrings that others have copied. In: functions that
 * take new code, what stands in front of them. Out: attributes to write.
 */
#include "commit.h"

#include "../ground/compat_fields.h"

/* The function's docstring, None if it has none. Borrowed. */
static PyObject *
doc_of(PyFunctionObject *func)
{
    return func->func_doc ? func->func_doc : Py_None;
}

/* A docstring of its own that the object has, borrowed; NULL, maybe with an
 * exception: it has none. */
static PyObject *
own_doc(PyObject *obj)
{
    if (PyFunction_Check(obj)) {
        return doc_of((PyFunctionObject *)obj);
    }
    if (Py_IS_TYPE(obj, &PyProperty_Type)) {
        PyObject *doc = PyObject_GetAttrString(obj, "__doc__");
        Py_XDECREF(doc); /* the property holds it */
        return doc;
    }
    if (!mf_compat_fields_has_dict(Py_TYPE(obj))) {
        return NULL;
    }
    PyObject *dict = PyObject_GenericGetDict(obj, NULL);
    PyObject *doc = dict ? PyDict_GetItemString(dict, "__doc__") : NULL;
    Py_XDECREF(dict);
    return doc;
}

/* The very string has been copied. That there is none says so only of what
 * always copies, or says that it did. */
static bool
is_copy(PyObject *front, PyObject *own, PyObject *doc)
{
    if (own != doc) {
        return false;
    }
    return doc != Py_None || !PyFunction_Check(front) ||
           (((PyFunctionObject *)front)->func_dict != NULL &&
            PyDict_GetItemString(((PyFunctionObject *)front)->func_dict,
                                 "__wrapped__") != NULL);
}

static struct mf_exchange *
exchange_of(struct mf_commit *commit, PyObject *func)
{
    for (size_t i = 0; i < commit->n_exchanges; i++) {
        if ((PyObject *)commit->exchanges[i].old_func == func) {
            return &commit->exchanges[i];
        }
    }
    return NULL;
}

int
mf_commit_copy_docs(struct mf_commit *commit)
{
    struct mf_vec *fronts = &commit->match->fronts;
    PyObject *name = PyUnicode_InternFromString("__doc__");
    int rc = name ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < fronts->len; i += 2) {
        PyObject *front = fronts->items[i];
        struct mf_exchange *e = exchange_of(commit, fronts->items[i + 1]);
        if (e == NULL || mf_match_of_old(commit->match, front) != NULL) {
            continue; /* its own statement has run */
        }
        PyObject *old_doc = doc_of(e->old_func), *doc = doc_of(e->new_func);
        int same = mf_diff_const_equal(old_doc, doc, 0);
        PyObject *own = same == 0 ? own_doc(front) : NULL;
        if (own != NULL && is_copy(front, own, old_doc)) {
            rc = mf_merge_write(commit->merge, MF_WRITE_ATTRIBUTE, front, name,
                                doc);
        }
        rc = PyErr_Occurred() ? -1 : rc;
    }
    Py_XDECREF(name);
    return rc;
}
