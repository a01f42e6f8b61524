/* test_effects.c -- part of _testengine: copies of live holders, differences,
 * registrations, driven from Python. The effects of one update are a capsule.
 */
#include "parts.h"

#include "stage/effects_again.h"

static const char effects_name[] = "mf_effects";

static struct mf_effects *
effects_get(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, effects_name);
}

static void
effects_free(PyObject *capsule)
{
    struct mf_effects *effects = effects_get(capsule);
    mf_effects_clear(effects);
    PyMem_Free(effects);
}

static PyObject *
effects_new(PyObject *module, PyObject *ignored)
{
    struct mf_effects *effects = PyMem_Calloc(1, sizeof(*effects));
    if (effects == NULL) {
        return PyErr_NoMemory();
    }
    return PyCapsule_New(effects, effects_name, effects_free);
}

static PyObject *
result(int rc)
{
    if (rc < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
effects_foreign(PyObject *module, PyObject *args)
{
    PyObject *capsule, *dict;
    if (!PyArg_ParseTuple(args, "OO", &capsule, &dict)) {
        return NULL;
    }
    struct mf_effects *effects = effects_get(capsule);
    return effects ? result(mf_map_put(&effects->foreign, dict, 1)) : NULL;
}

static PyObject *
effects_before(PyObject *module, PyObject *args)
{
    PyObject *capsule, *code, *globals;
    int old = 0;
    if (!PyArg_ParseTuple(args, "OO!O!|p", &capsule, &PyCode_Type, &code,
                          &PyDict_Type, &globals, &old)) {
        return NULL;
    }
    struct mf_effects *effects = effects_get(capsule);
    if (effects == NULL) {
        return NULL;
    }
    return result(old ? mf_effects_before_old(effects, code, globals, NULL)
                      : mf_effects_before(effects, code, globals, NULL));
}

static PyObject *
effects_after(PyObject *module, PyObject *capsule)
{
    struct mf_effects *effects = effects_get(capsule);
    return effects ? result(mf_effects_after(effects)) : NULL;
}

static PyObject *
effects_watch(PyObject *module, PyObject *args)
{
    PyObject *capsule, *obj;
    int depth;
    if (!PyArg_ParseTuple(args, "OOi", &capsule, &obj, &depth)) {
        return NULL;
    }
    struct mf_effects *effects = effects_get(capsule);
    return effects ? result(mf_effects_watch(effects, obj, depth)) : NULL;
}

/* (kind, holder, big, ran, changed) of every holder. */
static PyObject *
effects_holders(PyObject *module, PyObject *capsule)
{
    struct mf_effects *effects = effects_get(capsule);
    PyObject *list = effects ? PyList_New(0) : NULL;
    for (size_t i = 0; list != NULL && i < effects->len; i++) {
        struct mf_effect *effect = &effects->items[i];
        int changed = mf_effects_changed(effect);
        PyObject *item =
            changed < 0 ? NULL
                        : Py_BuildValue("(iOiii)", effect->kind,
                                        effect->holder, effect->big,
                                        effect->ran, changed);
        if (item == NULL || PyList_Append(list, item) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(item);
    }
    return list;
}

static PyObject *
effects_take_back(PyObject *module, PyObject *capsule)
{
    struct mf_effects *effects = effects_get(capsule);
    if (effects == NULL) {
        return NULL;
    }
    PyErr_SetString(PyExc_KeyError, "set before");
    mf_effects_take_back(effects);
    if (!PyErr_ExceptionMatches(PyExc_KeyError)) {
        return NULL;
    }
    PyErr_Clear();
    Py_RETURN_NONE;
}

static int
note_write(void *list, PyObject *holder, PyObject *contents)
{
    PyObject *pair = PyTuple_Pack(2, holder, contents);
    int rc = pair ? PyList_Append(list, pair) : -1;
    Py_XDECREF(pair);
    return rc;
}

/* settle(effects, [(staged, live)], [(live, how)]): [(holder, contents)] */
static PyObject *
effects_settle(PyObject *module, PyObject *args)
{
    PyObject *capsule, *pairs, *ran;
    if (!PyArg_ParseTuple(args, "OO!O!", &capsule, &PyList_Type, &pairs,
                          &PyList_Type, &ran)) {
        return NULL;
    }
    struct mf_effects *effects = effects_get(capsule);
    struct mf_map home = {0};
    struct mf_reruns rerun = {0};
    int rc = effects ? 0 : -1;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(pairs); i++) {
        PyObject *pair = PyList_GET_ITEM(pairs, i);
        rc = mf_map_put(&home, PyTuple_GET_ITEM(pair, 0),
                        (uintptr_t)PyTuple_GET_ITEM(pair, 1));
    }
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(ran); i++) {
        PyObject *pair = PyList_GET_ITEM(ran, i);
        struct mf_rerun how = {
            .how = (uint8_t)PyLong_AsLong(PyTuple_GET_ITEM(pair, 1))};
        rc = mf_reruns_add(&rerun, PyTuple_GET_ITEM(pair, 0), how);
    }
    PyObject *writes = rc == 0 ? PyList_New(0) : NULL;
    if (writes != NULL &&
        mf_effects_settle(effects, &home, &rerun, note_write, writes) < 0) {
        Py_CLEAR(writes);
    }
    mf_map_clear(&home);
    mf_reruns_clear(&rerun);
    return writes;
}

static PyMethodDef methods[] = {
    {"effects_new", effects_new, METH_NOARGS, NULL},
    {"effects_foreign", effects_foreign, METH_VARARGS, NULL},
    {"effects_before", effects_before, METH_VARARGS, NULL},
    {"effects_after", effects_after, METH_O, NULL},
    {"effects_watch", effects_watch, METH_VARARGS, NULL},
    {"effects_holders", effects_holders, METH_O, NULL},
    {"effects_take_back", effects_take_back, METH_O, NULL},
    {"effects_settle", effects_settle, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int
mf_test_effects_init(PyObject *module)
{
    static const struct {
        const char *name;
        int value;
    } kinds[] = {
        {"EFFECT_LIST", MF_EFFECT_LIST},   {"EFFECT_DEQUE", MF_EFFECT_DEQUE},
        {"EFFECT_CELL", MF_EFFECT_CELL},   {"EFFECT_SET", MF_EFFECT_SET},
        {"EFFECT_STATE", MF_EFFECT_STATE},
        {"EFFECT_DICT", MF_EFFECT_DICT},   {"EFFECT_SPACE", MF_EFFECT_SPACE},
        {"EFFECT_SLOTS", MF_EFFECT_SLOTS}, {"EFFECT_CLASS", MF_EFFECT_CLASS},
        {"RERUN_MADE", MF_RERUN_MADE},     {"RERUN_NAMED", MF_RERUN_NAMED},
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(kinds); i++) {
        if (PyModule_AddIntConstant(module, kinds[i].name, kinds[i].value) <
            0) {
            return -1;
        }
    }
    return PyModule_AddFunctions(module, methods);
}
