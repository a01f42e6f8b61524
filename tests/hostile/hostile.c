/* hostile.c -- types that do not keep the collector's rules, for test_hostile.
 *
 * In: an object. Out: holders of it that hide it, report it too often or keep
 * copies that nobody counts. None is wrong enough to crash by itself.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

enum { COPIES = 3 };

struct holder {
    PyObject ob_base;
    PyObject *held;    /* strong */
    PyObject *copy;    /* borrowed from held */
    PyObject **array;  /* strong, COPIES of them, outside */
};

static PyObject *kept; /* strong: what a C static holds */

static int
traverse_not(PyObject *self, visitproc visit, void *arg)
{
    (void)self, (void)visit, (void)arg;
    return 0;
}

static int
traverse_once(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((struct holder *)self)->held);
    return 0;
}

static int
traverse_twice(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((struct holder *)self)->held);
    Py_VISIT(((struct holder *)self)->held);
    return 0;
}

static int
traverse_array(PyObject *self, visitproc visit, void *arg)
{
    struct holder *holder = (struct holder *)self;
    for (int i = 0; holder->array != NULL && i < COPIES; i++) {
        Py_VISIT(holder->array[i]);
    }
    return 0;
}

static void
dealloc(PyObject *self)
{
    struct holder *holder = (struct holder *)self;
    if (PyObject_IS_GC(self)) {
        PyObject_GC_UnTrack(self);
    }
    for (int i = 0; holder->array != NULL && i < COPIES; i++) {
        Py_XDECREF(holder->array[i]);
    }
    PyMem_Free(holder->array);
    Py_XDECREF(holder->held);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *
get_held(PyObject *self, void *closure)
{
    struct holder *holder = (struct holder *)self;
    (void)closure;
    PyObject *obj = holder->array != NULL ? holder->array[0] : holder->held;
    return Py_NewRef(obj != NULL ? obj : Py_None);
}

static PyObject *
get_copy(PyObject *self, void *closure)
{
    PyObject *copy = ((struct holder *)self)->copy;
    (void)closure;
    return Py_NewRef(copy != NULL ? copy : Py_None);
}

static PyGetSetDef members[] = {
    {"held", get_held, NULL, NULL, NULL},
    {"copy", get_copy, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

#define HOLDER(name, flags, how)                                             \
    {                                                                        \
        PyVarObject_HEAD_INIT(NULL, 0).tp_name = "_testhostile." name,       \
        .tp_basicsize = sizeof(struct holder),                               \
        .tp_flags = Py_TPFLAGS_DEFAULT | (flags), .tp_traverse = (how),      \
        .tp_dealloc = dealloc, .tp_getset = members,                         \
    }

static PyTypeObject types[] = {
    HOLDER("unknown", 0, NULL),
    HOLDER("hidden", Py_TPFLAGS_HAVE_GC, traverse_not),
    HOLDER("once", Py_TPFLAGS_HAVE_GC, traverse_once),
    HOLDER("twice", Py_TPFLAGS_HAVE_GC, traverse_twice),
    HOLDER("array", Py_TPFLAGS_HAVE_GC, traverse_array),
    HOLDER("half", Py_TPFLAGS_HAVE_GC, traverse_array),
};

/* hold(kind, obj) -> a holder of that kind */
static PyObject *
hold(PyObject *module, PyObject *args)
{
    const char *kind;
    PyObject *obj;
    (void)module;
    if (!PyArg_ParseTuple(args, "sO", &kind, &obj)) {
        return NULL;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(types); i++) {
        if (strcmp(strchr(types[i].tp_name, '.') + 1, kind) != 0) {
            continue;
        }
        struct holder *holder =
            (struct holder *)types[i].tp_alloc(&types[i], 0);
        if (holder == NULL || types[i].tp_traverse == traverse_array) {
            if (holder != NULL && strcmp(kind, "half") != 0) {
                holder->array = PyMem_Calloc(COPIES, sizeof(PyObject *));
            }
            for (int k = 0; holder && holder->array && k < COPIES; k++) {
                holder->array[k] = Py_NewRef(obj);
            }
            return (PyObject *)holder;
        }
        holder->held = Py_NewRef(obj);
        holder->copy = obj;
        return (PyObject *)holder;
    }
    PyErr_SetString(PyExc_ValueError, kind);
    return NULL;
}

static PyObject *
keep(PyObject *module, PyObject *obj)
{
    (void)module;
    PyObject *old = kept;
    kept = Py_NewRef(obj);
    return old != NULL ? old : Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    {"hold", hold, METH_VARARGS, NULL},
    {"keep", keep, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_testhostile",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC
PyInit__testhostile(void)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(types); i++) {
        if (PyType_Ready(&types[i]) < 0) {
            return NULL;
        }
    }
    return PyModule_Create(&module_def);
}
