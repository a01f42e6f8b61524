/* test_classes.c -- part of _testengine: become, edges, tables, redefined
 * classes and shapes, driven from Python. `mode` is what happens after apply:
 * 0 the log is dropped, 1 it is replayed first, -1 there is none.
 */
#include "parts.h"

#include "commit/become.h"
#include "commit/redefine_class.h"
#include "ground/compat_objects.h"
#include "heap/edges.h"
#include "heap/tables.h"
#include "stage/shape.h"

/* From a list of tuples (from, to). */
static int
pairs_fill(PyObject *list, struct mf_map *pairs)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *pair = PyList_GET_ITEM(list, i);
        if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
            PyErr_SetString(PyExc_TypeError, "pairs are tuples of two");
            return -1;
        }
        if (mf_map_put(pairs, PyTuple_GET_ITEM(pair, 0),
                       (uintptr_t)PyTuple_GET_ITEM(pair, 1)) < 0) {
            return -1;
        }
    }
    return 0;
}

/* After apply: the log's end. Gives back what rc has become. */
static int
end_log(struct mf_undo *undo, int rc, int mode)
{
    PyObject *type, *value, *where;
    PyErr_Fetch(&type, &value, &where);
    if (rc < 0 || mode == 1) {
        mf_undo_replay(undo);
    }
    mf_undo_drop(undo);
    PyErr_Restore(type, value, where);
    return rc;
}

static int
run_become(struct mf_become *become, PyObject *list, bool weakly)
{
    struct mf_vec holders = {0};
    int rc = 0;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(list); i++) {
        rc = mf_vec_push(&holders, PyList_GET_ITEM(list, i));
    }
    if (rc == 0) {
        rc = mf_become_all(become, &holders);
    }
    if (rc == 0 && weakly) {
        rc = mf_become_weakrefs(become);
    }
    if (rc == 0) {
        rc = mf_become_rehash(become, NULL);
    }
    mf_vec_clear(&holders);
    return rc;
}

/* become(pairs, holders, weakly, mode) -> (rewritten, unsure tables) */
static PyObject *
become_run(PyObject *module, PyObject *args)
{
    PyObject *list, *holders;
    int weakly, mode;
    if (!PyArg_ParseTuple(args, "O!O!pi", &PyList_Type, &list, &PyList_Type,
                          &holders, &weakly, &mode)) {
        return NULL;
    }
    struct mf_map pairs = {0};
    struct mf_undo undo = {0};
    struct mf_become become = {.pairs = &pairs,
                               .undo = mode < 0 ? NULL : &undo};
    int rc = pairs_fill(list, &pairs);
    if (rc == 0) {
        rc = run_become(&become, holders, weakly);
    }
    rc = end_log(&undo, rc, mode);
    PyObject *answer = NULL;
    if (rc == 0) {
        answer = Py_BuildValue("(nn)", (Py_ssize_t)become.rewritten,
                               (Py_ssize_t)become.unsure.len);
    }
    mf_become_clear(&become);
    mf_map_clear(&pairs);
    return answer;
}

static PyObject *
become_holders(PyObject *module, PyObject *list)
{
    struct mf_map pairs = {0};
    struct mf_vec holders = {0};
    PyObject *answer = NULL;
    if (pairs_fill(list, &pairs) < 0 ||
        mf_become_holders(&pairs, NULL, &holders) < 0) {
        goto release_holders;
    }
    answer = PyList_New((Py_ssize_t)holders.len);
    for (size_t i = 0; answer != NULL && i < holders.len; i++) {
        PyList_SET_ITEM(answer, i, Py_NewRef(holders.items[i]));
    }
release_holders:
    mf_vec_clear(&holders);
    mf_map_clear(&pairs);
    return answer;
}

/* become_count(pairs, holders) -> list of numbers, in the order of pairs */
static PyObject *
become_count(PyObject *module, PyObject *args)
{
    PyObject *list, *holders, *answer = NULL;
    if (!PyArg_ParseTuple(args, "O!O!", &PyList_Type, &list, &PyList_Type,
                          &holders)) {
        return NULL;
    }
    struct mf_map pairs = {0}, counts = {0};
    struct mf_vec vec = {0};
    int rc = pairs_fill(list, &pairs);
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(holders); i++) {
        rc = mf_vec_push(&vec, PyList_GET_ITEM(holders, i));
    }
    if (rc == 0 && mf_become_count(&pairs, &vec, &counts) == 0) {
        answer = PyList_New(PyList_GET_SIZE(list));
    }
    for (Py_ssize_t i = 0; answer != NULL && i < PyList_GET_SIZE(list); i++) {
        uintptr_t *number = mf_map_find(
            &counts, PyTuple_GET_ITEM(PyList_GET_ITEM(list, i), 0));
        PyList_SET_ITEM(answer, i,
                        PyLong_FromSize_t(number != NULL ? *number : 0));
    }
    mf_vec_clear(&vec);
    mf_map_clear(&counts);
    mf_map_clear(&pairs);
    return answer;
}

/* shape(old, new, pairs) -> (number, detail or None) */
static PyObject *
shape(PyObject *module, PyObject *args)
{
    PyTypeObject *old_class, *new_class;
    PyObject *list, *detail = NULL;
    if (!PyArg_ParseTuple(args, "O!O!O!", &PyType_Type, &old_class,
                          &PyType_Type, &new_class, &PyList_Type, &list)) {
        return NULL;
    }
    struct mf_map pairs = {0};
    int rc = pairs_fill(list, &pairs);
    if (rc == 0) {
        rc = mf_shape_compare(old_class, new_class, &pairs, &detail);
    }
    mf_map_clear(&pairs);
    if (rc < 0) {
        return NULL;
    }
    return Py_BuildValue("(iN)", rc,
                         detail != NULL ? detail : Py_NewRef(Py_None));
}

static void *
or_null(PyObject *obj)
{
    return obj == Py_None ? NULL : obj;
}

/* redefine_class(old, new, set, del, bases, metaclass, mode); new, bases and
 * metaclass may be None. */
static PyObject *
redefine_class(PyObject *module, PyObject *args)
{
    PyTypeObject *old_class;
    PyObject *new_class, *set, *del, *bases, *metaclass;
    int mode;
    if (!PyArg_ParseTuple(args, "O!OO!O!OOi", &PyType_Type, &old_class,
                          &new_class, &PyDict_Type, &set, &PyList_Type, &del,
                          &bases, &metaclass, &mode)) {
        return NULL;
    }
    struct mf_undo undo = {0};
    struct mf_class_change change = {
        .old_class = old_class,
        .new_class = or_null(new_class),
        .set = set,
        .del = del,
        .bases = or_null(bases),
        .metaclass = or_null(metaclass),
    };
    int rc = mf_redefine_class_prepare(&change, &undo);
    if (rc == 0) {
        rc = mf_redefine_class_apply(&change, &undo);
        if (rc == 0) {
            rc = mf_redefine_class_abstract(&change, &undo);
        }
    }
    rc = end_log(&undo, rc, mode);
    if (rc == 0 && mode != 1) {
        rc = mf_redefine_class_finish(&change);
    }
    mf_class_change_clear(&change);
    if (rc < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
class_skips(PyObject *module, PyObject *name)
{
    return PyBool_FromLong(mf_redefine_class_skips(name));
}

static PyObject *
class_hide(PyObject *module, PyObject *cls)
{
    if (mf_redefine_class_hide((PyTypeObject *)cls) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
class_show(PyObject *module, PyObject *cls)
{
    if (mf_redefine_class_show((PyTypeObject *)cls, NULL) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
objects_probe(PyObject *module, PyObject *ignored)
{
    if (mf_compat_obj_probe() < 0 || mf_edges_probe() < 0 ||
        mf_tables_probe() < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"become", become_run, METH_VARARGS, NULL},
    {"become_holders", become_holders, METH_O, NULL},
    {"become_count", become_count, METH_VARARGS, NULL},
    {"shape", shape, METH_VARARGS, NULL},
    {"redefine_class", redefine_class, METH_VARARGS, NULL},
    {"class_skips", class_skips, METH_O, NULL},
    {"class_hide", class_hide, METH_O, NULL},
    {"class_show", class_show, METH_O, NULL},
    {"objects_probe", objects_probe, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int
mf_test_classes_init(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
