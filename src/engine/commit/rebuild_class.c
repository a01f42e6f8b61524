/* rebuild_class.c -- makes one class anew with another layout. In: the class
 * that stands, what is to change in its namespace, its bases to be. Out: a
 * class that nobody sees yet.
 *
 * type.__new__ does the work, for a metaclass of our own whose MRO has a
 * shield behind the class: there __init_subclass__ ends. The namespace is
 * filled in afterwards, so that no __set_name__ is called either.
 */
#include "rebuild_parts.h"

#include <structmember.h> /* PyMemberDef; in Python.h from 3.12 on */

#include "../ground/compat.h"
#include "../ground/compat_objects.h"
#include "../ground/fault.h"
#include "class_members.h"
#include "redefine_class.h"

/* Past any __setattr__ of a metaclass. */
static int
set_raw(PyObject *cls, const char *name, PyObject *value)
{
    PyObject *key = PyUnicode_InternFromString(name);
    int rc = key ? PyType_Type.tp_setattro(cls, key, value) : -1;
    Py_XDECREF(key);
    return rc;
}

/* ---- the shield --------------------------------------------------------------- */

static PyObject *
ends_here(PyObject *cls, PyObject *args, PyObject *kwargs)
{
    (void)cls, (void)args, (void)kwargs;
    Py_RETURN_NONE;
}

static PyMethodDef init_subclass_def = {
    "__init_subclass__", (PyCFunction)(void (*)(void))ends_here,
    METH_VARARGS | METH_KEYWORDS | METH_CLASS, NULL};

static PyObject *
new_shield(PyTypeObject *base)
{
    PyObject *shield = PyObject_CallFunction((PyObject *)&PyType_Type,
                                             "s(O){s()}", "shield", base,
                                             "__slots__");
    PyObject *method =
        shield ? PyDescr_NewClassMethod((PyTypeObject *)shield,
                                        &init_subclass_def)
               : NULL;
    if (method == NULL || set_raw(shield, "__init_subclass__", method) < 0) {
        Py_CLEAR(shield);
    }
    Py_XDECREF(method);
    return shield;
}

/* mro() of the metaclass: what type says, with the shield in second place.
 * The shield is an attribute of the metaclass. */
static PyObject *
shielded_mro(PyObject *cls, PyObject *unused)
{
    (void)unused;
    PyObject *mro = PyObject_CallMethod((PyObject *)&PyType_Type, "mro", "O",
                                        cls);
    PyObject *shield = PyDict_GetItemString(
        mf_compat_type_dict(Py_TYPE(cls)), "shield");
    if (shield == NULL || mro == NULL || !PyList_Check(mro) ||
        PyList_Insert(mro, 1, shield) < 0) {
        Py_CLEAR(mro);
    }
    return mro;
}

static PyMethodDef mro_def = {"mro", shielded_mro, METH_NOARGS, NULL};

static PyObject *
new_metaclass(PyTypeObject *meta)
{
    PyObject *shield = new_shield(&PyBaseObject_Type);
    PyObject *own_shield = shield ? new_shield(&PyType_Type) : NULL;
    PyObject *args = own_shield ? Py_BuildValue("s(OO){sO}", "shielded",
                                                own_shield, meta, "shield",
                                                shield)
                                : NULL;
    PyObject *out =
        args ? PyType_Type.tp_new(Py_TYPE(meta), args, NULL) : NULL;
    PyObject *method =
        out ? PyDescr_NewMethod((PyTypeObject *)out, &mro_def) : NULL;
    if (method == NULL || set_raw(out, "mro", method) < 0) {
        Py_CLEAR(out);
    }
    Py_XDECREF(method);
    Py_XDECREF(args);
    Py_XDECREF(own_shield);
    Py_XDECREF(shield);
    return out;
}

/* ---- slots --------------------------------------------------------------------- */

static int
append_string(PyObject *list, const char *text)
{
    PyObject *name = PyUnicode_FromString(text);
    int rc = name ? PyList_Append(list, name) : -1;
    Py_XDECREF(name);
    return rc;
}

/* Told by the layout, too: dataclasses with slots copy the descriptors of the
 * class without slots that they were made of, up to 3.11.3. */
static bool
adds(PyTypeObject *cls, const char *name, Py_ssize_t offset)
{
    PyObject *own = PyDict_GetItemString(mf_compat_type_dict(cls), name);
    return own != NULL && Py_IS_TYPE(own, &PyGetSetDescr_Type) && offset != 0;
}

/* What __slots__ of a class like this one says; NULL without exception: it
 * has none. Names are mangled already. */
static PyObject *
slots_of(PyTypeObject *like)
{
    if (PyDict_GetItemString(mf_compat_type_dict(like), "__slots__") == NULL) {
        return NULL;
    }
    PyObject *names = PyList_New(0);
    int rc = names ? 0 : -1;
    for (PyMemberDef *m = like->tp_members; rc == 0 && m && m->name; m++) {
        rc = append_string(names, m->name);
    }
    if (rc == 0 && adds(like, "__dict__", like->tp_dictoffset)) {
        rc = append_string(names, "__dict__");
    }
    if (rc == 0 && adds(like, "__weakref__", like->tp_weaklistoffset)) {
        rc = append_string(names, "__weakref__");
    }
    if (rc < 0) {
        Py_CLEAR(names);
    }
    return names;
}

/* ---- namespace ----------------------------------------------------------------- */

/* Descriptors of memory belong to one class only. */
static bool
describes_memory(PyObject *value)
{
    return Py_IS_TYPE(value, &PyMemberDescr_Type) ||
           Py_IS_TYPE(value, &PyGetSetDescr_Type);
}

static bool
is_own(PyTypeObject *cls, PyTypeObject *like, PyObject *value)
{
    return describes_memory(value) &&
           (PyDescr_TYPE(value) == cls || PyDescr_TYPE(value) == like);
}

static int
put(PyTypeObject *cls, PyObject *name, PyObject *value)
{
    PyObject *answer = _PyType_Lookup(&PyType_Type, name);
    if (answer != NULL && Py_TYPE(answer)->tp_descr_set != NULL) {
        return PyDict_SetItem(mf_compat_type_dict(cls), name, value);
    }
    return PyType_Type.tp_setattro((PyObject *)cls, name, value);
}

static int
fill(PyTypeObject *cls, PyTypeObject *old_class, PyTypeObject *like,
     struct mf_class_change *change)
{
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    PyObject *dict = mf_compat_type_dict(old_class);
    while (PyDict_Next(dict, &pos, &name, &value)) {
        PyObject *set =
            change ? PyDict_GetItemWithError(change->set, name) : NULL;
        int gone = change ? PySequence_Contains(change->del, name) : 0;
        bool is_abc = PyUnicode_Check(name) &&
                      PyUnicode_CompareWithASCIIString(name, "_abc_impl") == 0;
        if (PyErr_Occurred()) {
            return -1;
        }
        if (set != NULL || gone || is_own(old_class, like, value) ||
            (mf_redefine_class_skips(name) && !is_abc)) {
            continue;
        }
        if (put(cls, name, value) < 0) {
            return -1;
        }
    }
    pos = 0;
    while (change != NULL && PyDict_Next(change->set, &pos, &name, &value)) {
        if (!is_own(old_class, like, value) &&
            !mf_redefine_class_skips(name) && put(cls, name, value) < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int
set_abstract(PyTypeObject *cls)
{
    PyObject *dict = mf_compat_type_dict(cls);
    if (PyDict_GetItemString(dict, "_abc_impl") == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *names = mf_class_members_abstract(cls);
    int rc = names ? set_raw((PyObject *)cls, "__abstractmethods__", names)
                   : -1;
    Py_XDECREF(names);
    return rc;
}

/* ---- the class ------------------------------------------------------------------ */

/* A metaclass's own mro() may order the classes otherwise, but not bring in
 * others: whether their layouts fit is for type to say. */
static int
check_mro(PyTypeObject *cls, PyObject *mro)
{
    bool itself = false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mro); i++) {
        PyObject *item = PyTuple_GET_ITEM(mro, i);
        bool known = false;
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(cls->tp_mro); k++) {
            known |= PyTuple_GET_ITEM(cls->tp_mro, k) == item;
        }
        itself |= item == (PyObject *)cls;
        if (!known) {
            PyErr_SetString(PyExc_TypeError,
                            "mro() of its metaclass names a class that is "
                            "none of its bases");
            return -1;
        }
    }
    if (!itself) {
        PyErr_SetString(PyExc_TypeError,
                        "mro() of its metaclass leaves out the class itself");
    }
    return itself ? 0 : -1;
}

/* The shield goes out of the MRO, the metaclass becomes the right one. */
static int
unshield(PyTypeObject *cls, PyTypeObject *meta)
{
    PyObject *ours = (PyObject *)Py_TYPE(cls);
    Py_INCREF(meta);
    Py_SET_TYPE(cls, meta);
    PyObject *mro = PyObject_CallMethod((PyObject *)cls, "mro", NULL);
    PyObject *tuple = mro ? PySequence_Tuple(mro) : NULL;
    Py_XDECREF(mro);
    Py_DECREF(ours);
    if (tuple == NULL || check_mro(cls, tuple) < 0) {
        Py_XDECREF(tuple);
        return -1;
    }
    Py_SETREF(cls->tp_mro, tuple);
    PyType_Modified(cls);
    return 0;
}

static PyTypeObject *
make(PyTypeObject *meta, PyTypeObject *old_class, PyTypeObject *like,
     PyObject *bases)
{
    PyHeapTypeObject *heap = (PyHeapTypeObject *)old_class;
    PyObject *shielded = new_metaclass(meta);
    PyObject *slots = shielded ? slots_of(like) : NULL;
    PyObject *space = NULL, *args = NULL;
    PyTypeObject *cls = NULL;
    if (shielded == NULL || (slots == NULL && PyErr_Occurred())) {
        goto release_all;
    }
    space = PyDict_New();
    if (space == NULL ||
        (slots && PyDict_SetItemString(space, "__slots__", slots) < 0) ||
        PyDict_SetItemString(space, "__qualname__", heap->ht_qualname) < 0) {
        goto release_all;
    }
    args = PyTuple_Pack(3, heap->ht_name, bases, space);
    cls = args ? (PyTypeObject *)PyType_Type.tp_new((PyTypeObject *)shielded,
                                                    args, NULL)
               : NULL;
    if (cls != NULL && unshield(cls, meta) < 0) {
        Py_CLEAR(cls);
    }
release_all:
    Py_XDECREF(args);
    Py_XDECREF(space);
    Py_XDECREF(slots);
    Py_XDECREF(shielded);
    return cls;
}

PyTypeObject *
mf_rebuild_class(PyTypeObject *old_class, PyTypeObject *like,
                 struct mf_class_change *change, PyObject *bases)
{
    const unsigned long kinds = Py_TPFLAGS_SEQUENCE | Py_TPFLAGS_MAPPING;
    PyTypeObject *meta = change && change->metaclass ? change->metaclass
                                                     : Py_TYPE(old_class);
    PyTypeObject *cls = make(meta, old_class, like, bases);
    if (cls == NULL) {
        return NULL;
    }
    if (mf_redefine_class_hide(cls) < 0 ||
        fill(cls, old_class, like, change) < 0 || set_abstract(cls) < 0) {
        Py_DECREF(cls);
        return NULL;
    }
    cls->tp_flags = (cls->tp_flags & ~kinds) | (like->tp_flags & kinds);
    PyType_Modified(cls);
    return cls;
}

int
mf_rebuild_class_again(PyTypeObject *cls, PyTypeObject *old_class,
                       PyObject *before)
{
    PyObject *now = mf_compat_type_dict(old_class), *name, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(now, &pos, &name, &value)) {
        if (PyDict_GetItemWithError(before, name) != value &&
            !is_own(old_class, old_class, value) &&
            !mf_redefine_class_skips(name) && put(cls, name, value) < 0) {
            return -1;
        }
    }
    pos = 0;
    while (PyDict_Next(before, &pos, &name, &value)) {
        if (PyDict_GetItemWithError(now, name) == NULL &&
            !PyErr_Occurred() &&
            PyDict_GetItemWithError(mf_compat_type_dict(cls), name) == value &&
            PyType_Type.tp_setattro((PyObject *)cls, name, NULL) < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}
