/* redefine_class.c -- every field of a live class.
 *
 * Owns how a class takes new contents and stays the same object. In: names to
 * set and to delete, other bases, another metaclass. Out: the class, its
 * slots, abstract methods (of its subclasses too), version tags. Everything
 * goes through the log; CPython's own setters do the work where they can, so
 * that slots of subclasses follow.
 */
#include "redefine_class.h"

#include "../ground/compat_objects.h"
#include "../stage/shape.h"
#include "class_bases.h"
#include "class_caches.h"
#include "class_members.h"

/* -- names ---------------------------------------------------------------- */

static const char *const skipped[] = {
    "__dict__",            /* descriptors that belong to the class object: */
    "__weakref__",         /* those of the staged class do not fit this one */
    "__bases__",           /* fields of the class object, changed apart */
    "__mro__",
    "__base__",
    "__name__",
    "__qualname__",
    "__abstractmethods__", /* computed again, for subclasses too */
    "_abc_impl",           /* holds the registry of the live class */
    "__slotnames__",       /* a cache of copyreg; dropped when slots change */
    "__annotations_cache__", /* a cache; dropped with the annotations */
};

bool
mf_redefine_class_skips(PyObject *name)
{
    if (!PyUnicode_Check(name)) {
        return true;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(skipped); i++) {
        if (PyUnicode_CompareWithASCIIString(name, skipped[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Borrowed, NULL if the class itself has no such name. */
static PyObject *
own(PyTypeObject *cls, const char *name)
{
    return PyDict_GetItemString(mf_compat_obj_type_dict(cls), name);
}

/* A slot's descriptor knows its class: one of the staged class does not fit
 * instances of the live one, whose own describes the same memory. */
static bool
is_staged_slot(const struct mf_class_change *change, PyObject *name,
               PyObject *value)
{
    return change->new_class != NULL &&
           (Py_IS_TYPE(value, &PyMemberDescr_Type) ||
            Py_IS_TYPE(value, &PyGetSetDescr_Type)) &&
           PyDescr_TYPE(value) == change->new_class &&
           PyDict_GetItemWithError(
               mf_compat_obj_type_dict(change->old_class), name) != NULL;
}

/* Would the setter of `type` run a descriptor of the metaclass' own? */
static bool
metaclass_answers(PyTypeObject *cls, PyObject *name)
{
    if (Py_IS_TYPE((PyObject *)cls, &PyType_Type)) {
        return false;
    }
    PyObject *descriptor = _PyType_Lookup(Py_TYPE(cls), name);
    return descriptor != NULL && Py_TYPE(descriptor)->tp_descr_set != NULL &&
           descriptor != _PyType_Lookup(&PyType_Type, name);
}

static void
modified_back(PyObject *type)
{
    PyType_Modified((PyTypeObject *)type);
}

/* One name; value NULL deletes it, missing is no error. */
static int
put(struct mf_undo *undo, PyTypeObject *cls, PyObject *name, PyObject *value)
{
    /* type's own __dict__ refuses to be set */
    if (!metaclass_answers(cls, name) &&
        PyUnicode_CompareWithASCIIString(name, "__dict__") != 0) {
        return mf_undo_type_set(undo, cls, name, value);
    }
    if (mf_undo_call(undo, modified_back, (PyObject *)cls) < 0 ||
        mf_undo_dict_set(undo, mf_compat_obj_type_dict(cls), name, value) <
            0) {
        return -1;
    }
    PyType_Modified(cls);
    return 0;
}

static int
put_string(struct mf_undo *undo, PyTypeObject *cls, const char *name,
           PyObject *value)
{
    PyObject *key = PyUnicode_InternFromString(name);
    if (key == NULL) {
        return -1;
    }
    int result = put(undo, cls, key, value);
    Py_DECREF(key);
    return result;
}

static bool
touches(const struct mf_class_change *change, const char *name)
{
    if (change->set != NULL &&
        PyDict_GetItemString(change->set, name) != NULL) {
        return true;
    }
    Py_ssize_t count = change->del != NULL ? PyList_GET_SIZE(change->del) : 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *gone = PyList_GET_ITEM(change->del, i);
        if (PyUnicode_Check(gone) &&
            PyUnicode_CompareWithASCIIString(gone, name) == 0) {
            return true;
        }
    }
    return false;
}

/* -- prepare -------------------------------------------------------------- */

static int
look_at_names(struct mf_class_change *change)
{
    PyObject *dict = mf_compat_obj_type_dict(change->old_class);
    Py_ssize_t pos = 0;
    PyObject *name, *value;
    change->names_change =
        change->del != NULL && PyList_GET_SIZE(change->del) > 0;
    while (change->set != NULL &&
           PyDict_Next(change->set, &pos, &name, &value)) {
        if (PyDict_GetItemWithError(dict, name) == NULL) {
            change->names_change = true;
        }
        if (mf_class_members_cells(value, change->new_class,
                                   &change->cells) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
check_metaclass(struct mf_class_change *change)
{
    PyTypeObject *meta = change->metaclass;
    PyTypeObject *old_meta = Py_TYPE(change->old_class);
    if (!PyType_IsSubtype(meta, &PyType_Type) ||
        meta->tp_basicsize != old_meta->tp_basicsize ||
        meta->tp_itemsize != old_meta->tp_itemsize) {
        PyErr_Format(PyExc_TypeError,
                     "class '%.200s' cannot be made by metaclass '%.200s' "
                     "where it is: the layouts differ",
                     change->old_class->tp_name, meta->tp_name);
        return -1;
    }
    return 0;
}

/* May what others have cached about the class be wrong now? */
static bool
answers_change(const struct mf_class_change *change)
{
    return change->names_change || change->bases != NULL ||
           change->metaclass != NULL;
}

int
mf_redefine_class_prepare(struct mf_class_change *change,
                          struct mf_undo *undo)
{
    PyTypeObject *cls = change->old_class;
    if (!(cls->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        PyErr_Format(PyExc_TypeError, "class '%.200s' is not made by Python "
                     "code", cls->tp_name);
        return -1;
    }
    if (mf_compat_obj_probe() < 0 || look_at_names(change) < 0 ||
        mf_class_bases_subclasses(cls, &change->affected) < 0) {
        return -1;
    }
    if (change->metaclass != NULL && check_metaclass(change) < 0) {
        return -1;
    }
    if (change->bases != NULL) {
        if (change->new_class != NULL &&
            !mf_shape_same_layout(cls, change->new_class)) {
            PyErr_Format(PyExc_TypeError, "instances of class '%.200s' would "
                         "have another layout", cls->tp_name);
            return -1;
        }
        change->best_base =
            mf_class_bases_best(change->new_class, change->bases);
        if (mf_class_bases_mro(cls, change->bases, &change->affected,
                               &change->mro) < 0) {
            /* Bases may get other bases in the same update: where the staged
             * class has an MRO, there is one. The setter has the last word. */
            if (change->new_class == NULL ||
                !PyErr_ExceptionMatches(PyExc_TypeError)) {
                return -1;
            }
            PyErr_Clear();
        }
    }
    if (answers_change(change) &&
        mf_class_caches_find(cls, &change->affected, &change->asked) < 0) {
        return -1;
    }
    size_t count = 16 + change->affected.len * 3 + change->cells.len;
    count += change->set != NULL ? (size_t)PyDict_GET_SIZE(change->set) * 2
                                 : 0;
    count += change->del != NULL ? (size_t)PyList_GET_SIZE(change->del) * 2
                                 : 0;
    return mf_undo_reserve(undo, count);
}

/* -- apply: flags and constructors ---------------------------------------- */

static void
flags_back(PyObject *type, PyObject *unused, intptr_t flags)
{
    (void)unused;
    ((PyTypeObject *)type)->tp_flags = (unsigned long)flags;
    PyType_Modified((PyTypeObject *)type);
}

/* How `match` sees instances; no setter knows these flags. */
static int
put_flags(struct mf_undo *undo, PyTypeObject *cls, unsigned long flags)
{
    if (cls->tp_flags == flags) {
        return 0;
    }
    if (mf_undo_inverse(undo, flags_back, (PyObject *)cls, NULL,
                        (intptr_t)cls->tp_flags) < 0) {
        return -1;
    }
    cls->tp_flags = flags;
    PyType_Modified(cls);
    return 0;
}

static int
follow_flags(struct mf_class_change *change, struct mf_undo *undo)
{
    const unsigned long kinds = Py_TPFLAGS_SEQUENCE | Py_TPFLAGS_MAPPING;
    PyTypeObject *cls = change->old_class;
    if (change->new_class == NULL) {
        return 0;
    }
    unsigned long had = cls->tp_flags & kinds;
    unsigned long has = change->new_class->tp_flags & kinds;
    if (had == has) {
        return 0;
    }
    if (put_flags(undo, cls, (cls->tp_flags & ~kinds) | has) < 0) {
        return -1;
    }
    for (size_t i = 0; i < change->affected.len; i++) {
        PyTypeObject *sub = change->affected.items[i];
        if ((sub->tp_flags & kinds) == had &&
            put_flags(undo, sub, (sub->tp_flags & ~kinds) | has) < 0) {
            return -1;
        }
    }
    return 0;
}

static void
new_back(PyObject *type, PyObject *unused, intptr_t function)
{
    (void)unused;
    ((PyTypeObject *)type)->tp_new = (newfunc)function;
}

/* The constructor that a class has by its MRO. CPython leaves the one that
 * looks for a Python __new__ in place when that goes, and object.__new__ then
 * refuses arguments. */
static newfunc
constructor(PyTypeObject *cls, PyObject *name)
{
    PyObject *found = _PyType_Lookup(cls, name);
    if (found != NULL && PyCFunction_Check(found)) {
        PyObject *owner = PyCFunction_GET_SELF(found);
        if (owner != NULL && PyType_Check(owner)) {
            return ((PyTypeObject *)owner)->tp_new;
        }
    }
    return cls->tp_new;
}

static int
follow_constructor(struct mf_undo *undo, PyTypeObject *cls, PyObject *name)
{
    newfunc function = constructor(cls, name);
    if (function == cls->tp_new) {
        return 0;
    }
    if (mf_undo_inverse(undo, new_back, (PyObject *)cls, NULL,
                        (intptr_t)cls->tp_new) < 0) {
        return -1;
    }
    cls->tp_new = function;
    return 0;
}

/* Logged before the first write, so that a replay ends with it. */
static int
log_constructors(struct mf_class_change *change, struct mf_undo *undo)
{
    if (mf_undo_inverse(undo, new_back, (PyObject *)change->old_class, NULL,
                        (intptr_t)change->old_class->tp_new) < 0) {
        return -1;
    }
    for (size_t i = 0; i < change->affected.len; i++) {
        PyTypeObject *sub = change->affected.items[i];
        if (mf_undo_inverse(undo, new_back, (PyObject *)sub, NULL,
                            (intptr_t)sub->tp_new) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
follow_constructors(struct mf_class_change *change, struct mf_undo *undo)
{
    PyObject *name = PyUnicode_InternFromString("__new__");
    if (name == NULL) {
        return -1;
    }
    int result = follow_constructor(undo, change->old_class, name);
    for (size_t i = 0; result == 0 && i < change->affected.len; i++) {
        result = follow_constructor(undo, change->affected.items[i], name);
    }
    Py_DECREF(name);
    return result;
}

/* -- apply: abstract methods ---------------------------------------------- */

static int
follow_abstract(struct mf_undo *undo, PyTypeObject *cls)
{
    PyObject *before = own(cls, "__abstractmethods__");
    if (before == NULL && own(cls, "_abc_impl") == NULL) {
        return 0;
    }
    PyObject *names = mf_class_members_abstract(cls);
    if (names == NULL) {
        return -1;
    }
    int result = 0;
    if (before == NULL || !PyFrozenSet_CheckExact(before) ||
        PyObject_RichCompareBool(before, names, Py_EQ) != 1) {
        result = put_string(undo, cls, "__abstractmethods__", names);
    }
    Py_DECREF(names);
    return result;
}

/* -- apply: metaclasses --------------------------------------------------- */

static int
put_metaclass(struct mf_undo *undo, PyTypeObject *cls, PyTypeObject *meta)
{
    if (mf_undo_call(undo, modified_back, (PyObject *)cls) < 0 ||
        mf_undo_retype(undo, (PyObject *)cls, meta) < 0) {
        return -1;
    }
    PyType_Modified(cls);
    return 0;
}

/* A class that an ABCMeta has got without making it: the metaclass' methods
 * need this. `sample` is the one of a class that it made. */
static int
put_abc_data(struct mf_undo *undo, PyTypeObject *cls, PyObject *sample)
{
    PyObject *data = PyObject_CallNoArgs((PyObject *)Py_TYPE(sample));
    if (data == NULL) {
        return -1;
    }
    int result = put_string(undo, cls, "_abc_impl", data);
    Py_DECREF(data);
    return result;
}

/* The metaclass of the class, and of subclasses that would have got it from
 * the class. One that goes stays with the subclasses: whether they asked for
 * it themselves is not known. */
static int
apply_metaclass(struct mf_class_change *change, struct mf_undo *undo)
{
    PyTypeObject *meta = change->metaclass;
    if (meta == NULL || Py_TYPE(change->old_class) == meta) {
        return 0;
    }
    if (put_metaclass(undo, change->old_class, meta) < 0) {
        return -1;
    }
    PyObject *abc = change->new_class != NULL
                        ? own(change->new_class, "_abc_impl")
                        : NULL;
    for (size_t i = 0; i < change->affected.len; i++) {
        PyTypeObject *sub = change->affected.items[i];
        if (Py_TYPE(sub) == meta || !PyType_IsSubtype(meta, Py_TYPE(sub))) {
            continue;
        }
        if (put_metaclass(undo, sub, meta) < 0 ||
            (abc != NULL && own(sub, "_abc_impl") == NULL &&
             put_abc_data(undo, sub, abc) < 0)) {
            return -1;
        }
    }
    return 0;
}

/* -- apply ---------------------------------------------------------------- */

static int
apply_bases(struct mf_class_change *change, struct mf_undo *undo)
{
    PyTypeObject *cls = change->old_class;
    PyObject *staged_mro = NULL;
    if (change->new_class != NULL) {
        /* By now become has made its other members the live ones. */
        PyObject *mro = change->new_class->tp_mro;
        staged_mro = PyTuple_New(PyTuple_GET_SIZE(mro));
        if (staged_mro == NULL) {
            return -1;
        }
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mro); i++) {
            PyObject *member = PyTuple_GET_ITEM(mro, i);
            if (member == (PyObject *)change->new_class) {
                member = (PyObject *)cls;
            }
            PyTuple_SET_ITEM(staged_mro, i, Py_NewRef(member));
        }
    }
    int result = mf_class_bases_set(undo, cls, change->bases,
                                    change->best_base, staged_mro,
                                    &change->affected);
    Py_XDECREF(staged_mro);
    return result;
}

static int
apply_names(struct mf_class_change *change, struct mf_undo *undo)
{
    PyTypeObject *cls = change->old_class;
    Py_ssize_t count = change->del != NULL ? PyList_GET_SIZE(change->del) : 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name = PyList_GET_ITEM(change->del, i);
        if (!mf_redefine_class_skips(name) &&
            put(undo, cls, name, NULL) < 0) {
            return -1;
        }
    }
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (change->set != NULL &&
           PyDict_Next(change->set, &pos, &name, &value)) {
        bool made_for_it = Py_TYPE(value) == &PyGetSetDescr_Type &&
                           PyDescr_TYPE(value) == cls;
        if ((!mf_redefine_class_skips(name) || made_for_it) &&
            !is_staged_slot(change, name, value) &&
            put(undo, cls, name, value) < 0) {
            return -1;
        }
    }
    return 0;
}

/* What follows from other names, or comes from the class statement. */
static int
apply_fields(struct mf_class_change *change, struct mf_undo *undo)
{
    PyTypeObject *cls = change->old_class;
    PyHeapTypeObject *heap = (PyHeapTypeObject *)cls;
    PyHeapTypeObject *staged = (PyHeapTypeObject *)change->new_class;
    if (staged != NULL && PyUnicode_Compare(heap->ht_name, staged->ht_name) &&
        put_string(undo, cls, "__name__", staged->ht_name) < 0) {
        return -1;
    }
    if (staged != NULL &&
        PyUnicode_Compare(heap->ht_qualname, staged->ht_qualname) &&
        put_string(undo, cls, "__qualname__", staged->ht_qualname) < 0) {
        return -1;
    }
    if ((change->bases != NULL || touches(change, "__slots__")) &&
        put_string(undo, cls, "__slotnames__", NULL) < 0) {
        return -1;
    }
    /* (set by themselves they are where that is: the statements' own, under
     * `from __future__ import annotations`) */
    if ((touches(change, "__annotate_func__") ||
         touches(change, "__annotate__")) &&
        (change->set == NULL ||
         PyDict_GetItemString(change->set, "__annotations__") == NULL) &&
        put_string(undo, cls, "__annotations_cache__", NULL) < 0) {
        return -1;
    }
    /* `type` has become ABCMeta, or the other way round. */
    PyObject *abc = staged != NULL ? own(change->new_class, "_abc_impl")
                                   : NULL;
    if (staged != NULL && (abc == NULL) != (own(cls, "_abc_impl") == NULL)) {
        if (put_string(undo, cls, "_abc_impl", abc) < 0 ||
            (abc == NULL &&
             put_string(undo, cls, "__abstractmethods__", NULL) < 0)) {
            return -1;
        }
    }
    return 0;
}

static int
apply_cells(struct mf_class_change *change, struct mf_undo *undo)
{
    for (size_t i = 0; i < change->cells.len; i++) {
        PyCellObject *cell = change->cells.items[i];
        PyObject *live = PyDict_CheckExact(cell->ob_ref)
                             ? mf_compat_obj_type_dict(change->old_class)
                             : (PyObject *)change->old_class;
        if (cell->ob_ref != live &&
            mf_undo_word(undo, (PyObject *)cell, &cell->ob_ref, live) < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_redefine_class_apply(struct mf_class_change *change, struct mf_undo *undo)
{
    PyTypeObject *cls = change->old_class;
    bool new_changes = change->bases != NULL || touches(change, "__new__");
    if (new_changes && log_constructors(change, undo) < 0) {
        return -1;
    }
    if (apply_metaclass(change, undo) < 0) {
        return -1;
    }
    if (change->bases != NULL && apply_bases(change, undo) < 0) {
        return -1;
    }
    if (apply_names(change, undo) < 0 || apply_fields(change, undo) < 0 ||
        apply_cells(change, undo) < 0 || follow_flags(change, undo) < 0 ||
        (new_changes && follow_constructors(change, undo) < 0)) {
        return -1;
    }
    mf_compat_obj_type_versions_reset(cls);
    for (size_t i = 0; i < change->affected.len; i++) {
        mf_compat_obj_type_versions_reset(change->affected.items[i]);
    }
    return 0;
}

int
mf_redefine_class_abstract(struct mf_class_change *change,
                           struct mf_undo *undo)
{
    int rc = follow_abstract(undo, change->old_class);
    for (size_t i = 0; rc == 0 && i < change->affected.len; i++) {
        rc = follow_abstract(undo, change->affected.items[i]);
    }
    return rc;
}

/* -- finish --------------------------------------------------------------- */

int
mf_redefine_class_finish(struct mf_class_change *change)
{
    PyTypeObject *cls = change->old_class;
    if (!answers_change(change)) {
        return 0;
    }
    if (mf_class_caches_protocol(cls) < 0) {
        return -1;
    }
    for (size_t i = 0; i < change->affected.len; i++) {
        if (mf_class_caches_protocol(change->affected.items[i]) < 0) {
            return -1;
        }
    }
    if ((change->bases != NULL || touches(change, "__parameters__") ||
         touches(change, "__type_params__")) &&
        mf_class_caches_typing() < 0) {
        return -1;
    }
    return mf_class_caches_forget(&change->asked);
}

void
mf_class_change_clear(struct mf_class_change *change)
{
    Py_CLEAR(change->mro);
    mf_vec_clear_refs(&change->affected);
    mf_vec_clear_refs(&change->asked);
    mf_vec_clear_refs(&change->cells);
    change->best_base = NULL;
}

/* -- staged classes ------------------------------------------------------- */

int
mf_redefine_class_hide(PyTypeObject *staged)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(staged->tp_bases); i++) {
        PyObject *base = PyTuple_GET_ITEM(staged->tp_bases, i);
        if (mf_compat_obj_subclass_remove((PyTypeObject *)base, staged) < 0) {
            return -1;
        }
    }
    return 0;
}

static void
show_back(PyObject *staged)
{
    if (mf_redefine_class_hide((PyTypeObject *)staged) < 0) {
        PyErr_WriteUnraisable(staged);
    }
}

int
mf_redefine_class_show(PyTypeObject *staged, struct mf_undo *undo)
{
    if (undo != NULL &&
        mf_undo_call(undo, show_back, (PyObject *)staged) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(staged->tp_bases); i++) {
        PyObject *base = PyTuple_GET_ITEM(staged->tp_bases, i);
        if (mf_compat_obj_subclass_add((PyTypeObject *)base, staged) < 0) {
            return -1;
        }
    }
    return 0;
}
