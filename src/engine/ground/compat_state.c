/* compat_state.c -- state that objects of the standard library keep where
 * nothing public writes it.
 *
 * Owns: where an itertools.count stands; the set in which an ABC keeps what was
 * registered with it. In: an exact object of that type. Out: its state, or the
 * same written back. Each layout is checked on objects of our own first.
 */
#include "compat.h"
#include "compat_objects.h"

struct counter {
    PyObject_HEAD
    Py_ssize_t cnt;      /* PY_SSIZE_T_MAX: long_cnt counts */
    PyObject *long_cnt;
    PyObject *long_step;
};

struct abc_data {
    PyObject_HEAD
    PyObject *registry;  /* set of weak references, made when first needed */
};

static PyTypeObject *
loaded_type(const char *module_name, const char *name)
{
    PyObject *module =
        PyDict_GetItemString(PyImport_GetModuleDict(), module_name);
    PyObject *type = module != NULL && PyModule_Check(module)
                         ? PyDict_GetItemString(PyModule_GetDict(module), name)
                         : NULL;
    return type != NULL && PyType_Check(type) ? (PyTypeObject *)type : NULL;
}

/* ---- counters ------------------------------------------------------------------ */

static bool
stands_at(PyObject *obj, Py_ssize_t cnt, long step)
{
    struct counter *counter = (struct counter *)obj;
    bool fast = cnt != PY_SSIZE_T_MAX;
    return counter->cnt == cnt && (counter->long_cnt == NULL) == fast &&
           (step == 0 || (counter->long_step != NULL &&
                          PyLong_CheckExact(counter->long_step) &&
                          PyLong_AsLong(counter->long_step) == step));
}

/* Are the fields where we think they are? */
static bool
probe_counter(PyTypeObject *type)
{
    if (type->tp_basicsize != (Py_ssize_t)sizeof(struct counter)) {
        return false;
    }
    PyObject *fast = PyObject_CallFunction((PyObject *)type, "i", 41);
    PyObject *slow = PyObject_CallFunction((PyObject *)type, "ii", 5, 3);
    bool good = fast != NULL && slow != NULL && stands_at(fast, 41, 0) &&
                stands_at(slow, PY_SSIZE_T_MAX, 3);
    PyObject *next = good ? PyIter_Next(fast) : NULL;
    good = next != NULL && stands_at(fast, 42, 0);
    Py_XDECREF(next);
    Py_XDECREF(fast);
    Py_XDECREF(slow);
    PyErr_Clear();
    return good;
}

bool
mf_compat_obj_is_counter(PyObject *obj)
{
    static PyTypeObject *proved; /* borrowed: compared, never read */
    PyTypeObject *type = Py_TYPE(obj);
    if (strcmp(type->tp_name, "itertools.count") != 0) {
        return false;
    }
    if (type != proved && type == loaded_type("itertools", "count") &&
        probe_counter(type)) {
        proved = type;
    }
    return type == proved;
}

PyObject *
mf_compat_obj_counter_read(PyObject *obj)
{
    struct counter *counter = (struct counter *)obj;
    PyObject *cnt = PyLong_FromSsize_t(counter->cnt);
    PyObject *state =
        cnt ? PyTuple_Pack(2, cnt,
                           counter->long_cnt ? counter->long_cnt : Py_None)
            : NULL;
    Py_XDECREF(cnt);
    return state;
}

void
mf_compat_obj_counter_write(PyObject *obj, PyObject *state)
{
    struct counter *counter = (struct counter *)obj;
    PyObject *old = counter->long_cnt;
    PyObject *now = PyTuple_GET_ITEM(state, 1);
    counter->cnt = PyLong_AsSsize_t(PyTuple_GET_ITEM(state, 0));
    counter->long_cnt = now == Py_None ? NULL : Py_NewRef(now);
    Py_XDECREF(old);
}

/* ---- ABCs ---------------------------------------------------------------------- */

static bool
is_of_module(PyTypeObject *type, const char *name)
{
    PyObject *module =
        PyDict_GetItemString(PyImport_GetModuleDict(), name);
    bool yes = PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) &&
               module != NULL && PyType_GetModule(type) == module;
    PyErr_Clear();
    return yes;
}

static int
is_word(PyObject *obj, void *arg)
{
    return obj == arg; /* found: stop */
}

PyObject *
mf_compat_obj_abc_registry(PyObject *cls)
{
    PyObject *dict = mf_compat_obj_type_dict((PyTypeObject *)cls);
    PyObject *data = dict ? PyDict_GetItemString(dict, "_abc_impl") : NULL;
    PyTypeObject *type = data ? Py_TYPE(data) : NULL;
    if (type == NULL || strcmp(type->tp_name, "_abc._abc_data") != 0 ||
        !is_of_module(type, "_abc") ||
        type->tp_basicsize < (Py_ssize_t)sizeof(struct abc_data) ||
        type->tp_traverse == NULL) {
        return NULL;
    }
    PyObject *set = ((struct abc_data *)data)->registry;
    return set != NULL && type->tp_traverse(data, is_word, set) &&
                   PySet_CheckExact(set)
               ? set
               : NULL;
}

/* -- exceptions ------------------------------------------------------------ */

void
mf_compat_error_aside(struct mf_error *error)
{
    PyErr_Fetch(&error->type, &error->value, &error->tb);
}

int
mf_compat_error_again(struct mf_error *error)
{
    if (PyErr_Occurred()) {
        Py_CLEAR(error->type);
        Py_CLEAR(error->value);
        Py_CLEAR(error->tb);
        return -1;
    }
    PyErr_Restore(error->type, error->value, error->tb);
    return 0;
}
