/* match_enum.c -- owns the pairs of enum members: by name, combinations of flags
 * by the names of which they are made. In: a live enum and the staged one.
 * Out: pairs of instances.
 */
#include "match_parts.h"

#include "../ground/compat_objects.h"

static PyObject *
own_item(PyTypeObject *type, const char *name)
{
    PyObject *dict = mf_compat_obj_type_dict(type);
    return dict ? PyDict_GetItemString(dict, name) : NULL;
}

static PyObject *
own_dict_item(PyTypeObject *type, const char *name)
{
    PyObject *item = own_item(type, name);
    return item && PyDict_CheckExact(item) ? item : NULL;
}

/* Enum members pair by name: they keep their identity. */
static int
pair_named(struct pairing *p, PyTypeObject *a, PyTypeObject *b)
{
    PyObject *xs = own_dict_item(a, "_member_map_");
    PyObject *ys = own_dict_item(b, "_member_map_");
    if (xs == NULL || ys == NULL) {
        return 0;
    }
    PyObject *key, *y;
    Py_ssize_t pos = 0;
    while (PyDict_Next(ys, &pos, &key, &y)) {
        PyObject *x = PyDict_GetItemWithError(xs, key);
        if (x != NULL && Py_TYPE(x) == a && Py_TYPE(y) == b &&
            mf_match_add(p->match, MF_PAIR_INSTANCE, x, y, p->target,
                         p->delta) < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* ---- combinations of flags ------------------------------------------------------ */

/* Does only code of `enum` itself make its combinations? */
static bool
is_plain_flag(PyTypeObject *type)
{
    PyObject *home = NULL;
    for (Py_ssize_t i = 0; !home && i < PyTuple_GET_SIZE(type->tp_mro); i++) {
        PyTypeObject *base =
            (PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i);
        home = own_item(base, "_missing_") ? own_item(base, "__module__")
                                           : NULL;
    }
    PyObject *meta = own_item(Py_TYPE(type), "__module__");
    return own_item(type, "_flag_mask_") != NULL && home != NULL &&
           PyUnicode_Check(home) && meta != NULL && PyUnicode_Check(meta) &&
           PyUnicode_CompareWithASCIIString(home, "enum") == 0 &&
           PyUnicode_CompareWithASCIIString(meta, "enum") == 0;
}

/* New: the bits of a member; NULL without exception: they are no plain int. */
static PyObject *
bits_of(PyObject *member)
{
    PyObject *name = PyUnicode_InternFromString("_value_");
    PyObject *bits = name ? PyObject_GenericGetAttr(member, name) : NULL;
    Py_XDECREF(name);
    if (bits == NULL) {
        PyErr_Clear();
    }
    else if (!PyLong_CheckExact(bits)) {
        Py_CLEAR(bits);
    }
    return bits;
}

/* What the bits of a combination become. 1, *now is new; 0: the same, or it
 * cannot be told; -1. */
static int
new_bits(PyObject *xs, PyObject *ys, PyObject *bits, PyObject **now)
{
    PyObject *left = Py_NewRef(bits), *sum = PyLong_FromLong(0);
    PyObject *name, *x;
    Py_ssize_t pos = 0;
    bool all = true;
    while (sum != NULL && left != NULL && PyDict_Next(xs, &pos, &name, &x)) {
        PyObject *y = PyDict_GetItemWithError(ys, name);
        PyObject *old_bits = bits_of(x), *added = y ? bits_of(y) : NULL;
        PyObject *part = old_bits ? PyNumber_And(bits, old_bits) : NULL;
        if (part != NULL && PyObject_IsTrue(part) == 1 &&
            PyObject_RichCompareBool(part, old_bits, Py_EQ) == 1) {
            all = all && added != NULL;
            PyObject *rest = PyNumber_Invert(old_bits);
            Py_SETREF(left, rest ? PyNumber_And(left, rest) : NULL);
            Py_XDECREF(rest);
            Py_SETREF(sum, added ? PyNumber_Or(sum, added)
                                 : Py_NewRef(sum));
        }
        Py_XDECREF(part);
        Py_XDECREF(added);
        Py_XDECREF(old_bits);
    }
    int rc = sum == NULL || left == NULL || PyErr_Occurred() ? -1 : 0;
    if (rc == 0 && all && PyObject_IsTrue(left) == 0 &&
        PyObject_RichCompareBool(sum, bits, Py_EQ) == 0) {
        *now = Py_NewRef(sum);
        rc = 1;
    }
    Py_XDECREF(left);
    Py_XDECREF(sum);
    return rc;
}

/* The staged combination is made as the program would make it. */
static int
pair_combination(struct pairing *p, PyTypeObject *b, PyObject *member,
                 PyObject *bits)
{
    PyObject *fresh = PyObject_CallOneArg((PyObject *)b, bits);
    if (fresh == NULL) {
        PyErr_Clear(); /* no such value any more: it stays as it is */
        return 0;
    }
    int rc = 0;
    if (Py_TYPE(fresh) == b) {
        rc = mf_map_put(&p->match->fresh, fresh, 1) < 0
                 ? -1
                 : mf_match_add(p->match, MF_PAIR_INSTANCE, member, fresh,
                                p->target, p->delta);
    }
    Py_DECREF(fresh);
    return rc < 0 ? -1 : 0;
}

static int
pair_combinations(struct pairing *p, PyTypeObject *a, PyTypeObject *b)
{
    PyObject *xs = own_dict_item(a, "_member_map_");
    PyObject *ys = own_dict_item(b, "_member_map_");
    PyObject *made = own_dict_item(a, "_value2member_map_");
    if (xs == NULL || ys == NULL || made == NULL || !is_plain_flag(a) ||
        !is_plain_flag(b)) {
        return 0;
    }
    PyObject *bits, *member, *now = NULL;
    Py_ssize_t pos = 0;
    PyObject *all = PyDict_Copy(made);
    int rc = all ? 0 : -1;
    while (rc == 0 && PyDict_Next(all, &pos, &bits, &member)) {
        if (!PyLong_CheckExact(bits) || Py_TYPE(member) != a ||
            mf_match_of_old(p->match, member) != NULL) {
            continue;
        }
        rc = new_bits(xs, ys, bits, &now);
        if (rc == 1) {
            rc = pair_combination(p, b, member, now);
            Py_CLEAR(now);
        }
    }
    Py_XDECREF(all);
    return rc;
}

int
mf_match_pair_members(struct pairing *p, PyTypeObject *a, PyTypeObject *b)
{
    return pair_named(p, a, b) < 0 ? -1 : pair_combinations(p, a, b);
}
