/* class_bases.c -- the bases of a live class.
 *
 * Owns __bases__, __base__, __mro__ and the lists of subclasses. In: a class,
 * its new bases, its subclasses. Out: the same class under other bases, its
 * subclasses' MROs computed again. CPython's own setter does it; what it
 * refuses without need (`class C:` that gets a first base, up to 3.14) is
 * made acceptable by writing __base__ before.
 */
#include "class_bases.h"

#include "../ground/once.h"
#include "../ground/compat_objects.h"
#include "../ground/trace.h"

/* -- subclasses ----------------------------------------------------------- */

static int
add_subclasses(PyTypeObject *cls, struct mf_map *seen, struct mf_vec *out)
{
    PyObject *list = PyObject_CallMethod((PyObject *)&PyType_Type,
                                         "__subclasses__", "O", cls);
    if (list == NULL) {
        return -1;
    }
    int result = 0;
    for (Py_ssize_t i = 0; result == 0 && i < PyList_GET_SIZE(list); i++) {
        PyObject *sub = PyList_GET_ITEM(list, i);
        if (mf_map_has(seen, sub)) {
            continue;
        }
        if (mf_map_put(seen, sub, 1) < 0 || mf_vec_push_ref(out, sub) < 0 ||
            add_subclasses((PyTypeObject *)sub, seen, out) < 0) {
            result = -1;
        }
    }
    Py_DECREF(list);
    return result;
}

static Py_ssize_t
mro_length(PyObject *cls)
{
    PyObject *mro = ((PyTypeObject *)cls)->tp_mro;
    return mro != NULL ? PyTuple_GET_SIZE(mro) : 0;
}

static int
by_mro_length(const void *a, const void *b)
{
    Py_ssize_t x = mro_length(*(PyObject *const *)a);
    Py_ssize_t y = mro_length(*(PyObject *const *)b);
    return (x > y) - (x < y);
}

int
mf_class_bases_subclasses(PyTypeObject *cls, struct mf_vec *out)
{
    struct mf_map seen = {0};
    int result = mf_map_put(&seen, cls, 1);
    size_t start = out->len;
    if (result == 0) {
        result = add_subclasses(cls, &seen, out);
    }
    if (out->len > start + 1) {
        /* A base's MRO is part of its subclass' MRO. */
        qsort(out->items + start, out->len - start, sizeof(*out->items),
              by_mro_length);
    }
    mf_map_clear(&seen);
    return result;
}

/* -- MROs, without changing anything -------------------------------------- */

/* Does the class' metaclass compute MROs by code of its own? */
static bool
has_own_mro(PyTypeObject *cls)
{
    PyTypeObject *meta = Py_TYPE(cls);
    if (meta == &PyType_Type) {
        return false;
    }
    static PyObject *name;
    if (mf_once(&name, "mro") == NULL) {
        PyErr_Clear();
        return true;
    }
    return _PyType_Lookup(meta, name) != _PyType_Lookup(&PyType_Type, name);
}

static bool
in_tail(PyObject *sequence, Py_ssize_t start, PyObject *cls)
{
    for (Py_ssize_t i = start + 1; i < PyTuple_GET_SIZE(sequence); i++) {
        if (PyTuple_GET_ITEM(sequence, i) == cls) {
            return true;
        }
    }
    return false;
}

/* The first head that is in no tail, or NULL. *left: is anything left? */
static PyObject *
next_head(PyObject *sequences, const Py_ssize_t *at, bool *left)
{
    Py_ssize_t count = PyTuple_GET_SIZE(sequences);
    *left = false;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *sequence = PyTuple_GET_ITEM(sequences, i);
        if (at[i] >= PyTuple_GET_SIZE(sequence)) {
            continue;
        }
        *left = true;
        PyObject *head = PyTuple_GET_ITEM(sequence, at[i]);
        bool good = true;
        for (Py_ssize_t j = 0; good && j < count; j++) {
            good = !in_tail(PyTuple_GET_ITEM(sequences, j), at[j], head);
        }
        if (good) {
            return head;
        }
    }
    return NULL;
}

/* C3: [cls] + merge(sequences). New reference, NULL with TypeError. */
static PyObject *
merge(PyTypeObject *cls, PyObject *sequences)
{
    Py_ssize_t count = PyTuple_GET_SIZE(sequences);
    Py_ssize_t *at = PyMem_Calloc((size_t)count, sizeof(*at));
    PyObject *list = PyList_New(0);
    PyObject *mro = NULL;
    if (at == NULL || list == NULL ||
        PyList_Append(list, (PyObject *)cls) < 0) {
        goto release_list;
    }
    bool left;
    PyObject *head;
    while ((head = next_head(sequences, at, &left)) != NULL) {
        if (PyList_Append(list, head) < 0) {
            goto release_list;
        }
        for (Py_ssize_t i = 0; i < count; i++) {
            PyObject *sequence = PyTuple_GET_ITEM(sequences, i);
            at[i] += at[i] < PyTuple_GET_SIZE(sequence) &&
                     PyTuple_GET_ITEM(sequence, at[i]) == head;
        }
    }
    if (left) {
        PyErr_Format(PyExc_TypeError,
                     "the bases of class '%.200s' allow no order of method "
                     "resolution", cls->tp_name);
        goto release_list;
    }
    mro = PyList_AsTuple(list);
release_list:
    PyMem_Free(at);
    Py_XDECREF(list);
    return mro;
}

/* The MRO that cls will have with these bases, when the classes in `future`
 * have the MROs given there. */
static PyObject *
future_mro(PyTypeObject *cls, PyObject *bases, PyObject *future)
{
    Py_ssize_t count = PyTuple_GET_SIZE(bases);
    PyObject *mro = NULL;
    PyObject *sequences = PyTuple_New(count + 1);
    if (sequences == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *base = PyTuple_GET_ITEM(bases, i);
        PyObject *key = PyLong_FromVoidPtr(base);
        if (key == NULL) {
            goto release_sequences;
        }
        PyObject *sequence = PyDict_GetItemWithError(future, key);
        Py_DECREF(key);
        if (sequence == NULL) {
            sequence = ((PyTypeObject *)base)->tp_mro;
        }
        PyTuple_SET_ITEM(sequences, i, Py_NewRef(sequence));
    }
    PyTuple_SET_ITEM(sequences, count, Py_NewRef(bases));
    mro = merge(cls, sequences);
release_sequences:
    Py_DECREF(sequences);
    return mro;
}

static int
remember(PyObject *future, PyTypeObject *cls, PyObject *mro)
{
    PyObject *key = PyLong_FromVoidPtr(cls);
    if (key == NULL) {
        return -1;
    }
    int result = PyDict_SetItem(future, key, mro);
    Py_DECREF(key);
    return result;
}

int
mf_class_bases_mro(PyTypeObject *cls, PyObject *bases,
                   const struct mf_vec *affected, PyObject **mro)
{
    *mro = NULL;
    if (has_own_mro(cls)) {
        return 0;
    }
    int result = -1;
    PyObject *future = PyDict_New();
    if (future == NULL) {
        return -1;
    }
    *mro = future_mro(cls, bases, future);
    if (*mro == NULL || remember(future, cls, *mro) < 0) {
        goto release_future;
    }
    for (size_t i = 0; i < affected->len; i++) {
        PyTypeObject *sub = affected->items[i];
        if (has_own_mro(sub)) {
            continue;
        }
        PyObject *sub_mro = future_mro(sub, sub->tp_bases, future);
        if (sub_mro == NULL) {
            goto release_future;
        }
        int kept = remember(future, sub, sub_mro);
        Py_DECREF(sub_mro);
        if (kept < 0) {
            goto release_future;
        }
    }
    result = 0;
release_future:
    Py_DECREF(future);
    if (result < 0) {
        Py_CLEAR(*mro);
    }
    return result;
}

PyTypeObject *
mf_class_bases_best(PyTypeObject *staged, PyObject *bases)
{
    Py_ssize_t count = PyTuple_GET_SIZE(bases);
    if (staged != NULL && PyTuple_GET_SIZE(staged->tp_bases) == count) {
        for (Py_ssize_t i = 0; i < count; i++) {
            if (PyTuple_GET_ITEM(staged->tp_bases, i) ==
                (PyObject *)staged->tp_base) {
                return (PyTypeObject *)PyTuple_GET_ITEM(bases, i);
            }
        }
    }
    PyTypeObject *best = (PyTypeObject *)PyTuple_GET_ITEM(bases, 0);
    for (Py_ssize_t i = 1; i < count; i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(bases, i);
        if (base->tp_basicsize > best->tp_basicsize) {
            best = base;
        }
    }
    return best;
}

/* -- the change ----------------------------------------------------------- */

/* Classes whose metaclass has an mro() of its own look like classes of `type`
 * while the setter runs, so that it does not call it. Nobody sees that: no
 * Python code runs meanwhile. */
struct mask {
    struct mf_vec classes; /* borrowed: class, metaclass, ... */
};

static int
mask_one(struct mask *mask, PyTypeObject *cls)
{
    if (!has_own_mro(cls)) {
        return 0;
    }
    PyTypeObject *meta = Py_TYPE(cls);
    if (mf_vec_push(&mask->classes, cls) < 0 ||
        mf_vec_push(&mask->classes, meta) < 0) {
        return -1;
    }
    Py_SET_TYPE(cls, &PyType_Type);
    return 0;
}

static void
unmask(struct mask *mask)
{
    for (size_t i = 0; i + 1 < mask->classes.len; i += 2) {
        Py_SET_TYPE((PyObject *)mask->classes.items[i],
                    mask->classes.items[i + 1]);
    }
    mf_vec_clear(&mask->classes);
}

/* The setter of type.__dict__["__bases__"] itself: a metaclass may hide it. */
static int
call_setter(PyTypeObject *cls, PyObject *bases)
{
    PyObject *setter = PyDict_GetItemString(
        mf_compat_obj_type_dict(&PyType_Type), "__bases__");
    if (setter == NULL || Py_TYPE(setter)->tp_descr_set == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "type has no setter of bases");
        return -1;
    }
    return Py_TYPE(setter)->tp_descr_set(setter, (PyObject *)cls, bases);
}

static void
set_word(PyObject **slot, PyObject *value)
{
    PyObject *old = *slot;
    *slot = Py_NewRef(value);
    Py_XDECREF(old); /* never the last: the log or a tuple holds it */
}

static int
set_bases(PyTypeObject *cls, PyObject *bases, PyTypeObject *best,
          PyObject *subclasses)
{
    struct mask mask = {{0}};
    int result = mask_one(&mask, cls);
    for (Py_ssize_t i = 0; result == 0 && i < PyTuple_GET_SIZE(subclasses);
         i++) {
        result = mask_one(&mask,
                          (PyTypeObject *)PyTuple_GET_ITEM(subclasses, i));
    }
    if (result == 0) {
        set_word((PyObject **)&cls->tp_base, (PyObject *)best);
        result = call_setter(cls, bases);
    }
    unmask(&mask);
    return result;
}

/* (cls, base, bases, mro, subclasses, their MROs). Newest first: this runs
 * after everything that was written later has been taken back. */
static void
bases_back(PyObject *arg)
{
    PyTypeObject *cls = (PyTypeObject *)PyTuple_GET_ITEM(arg, 0);
    PyObject *subclasses = PyTuple_GET_ITEM(arg, 4);
    PyObject *mros = PyTuple_GET_ITEM(arg, 5);
    if (cls->tp_bases != PyTuple_GET_ITEM(arg, 2) &&
        set_bases(cls, PyTuple_GET_ITEM(arg, 2),
                  (PyTypeObject *)PyTuple_GET_ITEM(arg, 1), subclasses) < 0) {
        mf_trace_line(0, "rolling back: bases of %s could not be written back",
                      cls->tp_name);
        PyErr_WriteUnraisable((PyObject *)cls);
    }
    set_word((PyObject **)&cls->tp_base, PyTuple_GET_ITEM(arg, 1));
    set_word(&cls->tp_mro, PyTuple_GET_ITEM(arg, 3));
    PyType_Modified(cls);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(subclasses); i++) {
        PyTypeObject *sub = (PyTypeObject *)PyTuple_GET_ITEM(subclasses, i);
        set_word(&sub->tp_mro, PyTuple_GET_ITEM(mros, i));
        PyType_Modified(sub);
    }
}

static PyObject *
bases_record(PyTypeObject *cls, const struct mf_vec *affected)
{
    PyObject *record = NULL;
    PyObject *subclasses = PyTuple_New((Py_ssize_t)affected->len);
    PyObject *mros = PyTuple_New((Py_ssize_t)affected->len);
    if (subclasses == NULL || mros == NULL) {
        goto release_tuples;
    }
    for (size_t i = 0; i < affected->len; i++) {
        PyTypeObject *sub = affected->items[i];
        PyTuple_SET_ITEM(subclasses, i, Py_NewRef(sub));
        PyTuple_SET_ITEM(mros, i, Py_NewRef(sub->tp_mro));
    }
    record = PyTuple_Pack(6, cls, cls->tp_base, cls->tp_bases, cls->tp_mro,
                          subclasses, mros);
release_tuples:
    Py_XDECREF(subclasses);
    Py_XDECREF(mros);
    return record;
}

int
mf_class_bases_set(struct mf_undo *undo, PyTypeObject *cls, PyObject *bases,
                   PyTypeObject *best, PyObject *staged_mro,
                   const struct mf_vec *affected)
{
    PyObject *record = bases_record(cls, affected);
    if (record == NULL) {
        return -1;
    }
    int result = mf_undo_call(undo, bases_back, record);
    if (result == 0) {
        result = set_bases(cls, bases, best, PyTuple_GET_ITEM(record, 4));
    }
    if (result == 0 && staged_mro != NULL && has_own_mro(cls)) {
        set_word(&cls->tp_mro, staged_mro);
        PyType_Modified(cls);
    }
    Py_DECREF(record);
    return result;
}
