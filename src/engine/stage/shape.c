/* shape.c -- compares class layouts.
 *
 * Owns the question whether instances of a live class can be instances of the
 * staged one as they are. In: two classes, pairs for bases and metaclasses.
 * Out: one of four shapes and, for another layout, a text for people. Only
 * what the memory of an instance means counts: sizes, offsets, the C type at
 * the bottom, slots by offset and name.
 */
#include "shape.h"

#include <structmember.h> /* PyMemberDef; in Python.h from 3.12 on */

#include "../ground/compat_objects.h"

/* The type at the bottom whose memory C code knows: the first that does not
 * leave its instances to the deallocator of class statements, or the one of
 * its bases that it only renames (ValueError is laid out by Exception). */
static PyTypeObject *
c_base(PyTypeObject *type)
{
    destructor of_classes = type->tp_dealloc;
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        while (type->tp_base != NULL && type->tp_dealloc == of_classes) {
            type = type->tp_base;
        }
    }
    while (type->tp_base != NULL &&
           type->tp_base->tp_dealloc == type->tp_dealloc &&
           type->tp_base->tp_basicsize == type->tp_basicsize &&
           type->tp_base->tp_itemsize == type->tp_itemsize) {
        type = type->tp_base;
    }
    return type;
}

/* Slot at that offset in a class or its bases, or NULL. */
static const char *
slot_at(PyTypeObject *type, Py_ssize_t offset, PyTypeObject *bottom)
{
    for (; type != NULL && type != bottom; type = type->tp_base) {
        for (PyMemberDef *member = type->tp_members;
             member != NULL && member->name != NULL; member++) {
            if (member->offset == offset) {
                return member->name;
            }
        }
    }
    return NULL;
}

static bool
has_slot(PyTypeObject *type, const char *name, PyTypeObject *bottom)
{
    for (; type != NULL && type != bottom; type = type->tp_base) {
        for (PyMemberDef *member = type->tp_members;
             member != NULL && member->name != NULL; member++) {
            if (strcmp(member->name, name) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* First slot of `one` that `other` has not, or (by_offset) has elsewhere. */
static const char *
slot_missing(PyTypeObject *one, PyTypeObject *other, bool by_offset)
{
    PyTypeObject *bottom = c_base(one);
    PyTypeObject *other_bottom = c_base(other);
    for (PyTypeObject *type = one; type != NULL && type != bottom;
         type = type->tp_base) {
        for (PyMemberDef *member = type->tp_members;
             member != NULL && member->name != NULL; member++) {
            const char *there =
                by_offset ? slot_at(other, member->offset, other_bottom)
                          : NULL;
            bool found = by_offset
                             ? there != NULL &&
                                   strcmp(there, member->name) == 0
                             : has_slot(other, member->name, other_bottom);
            if (!found) {
                return member->name;
            }
        }
    }
    return NULL;
}

bool
mf_shape_same_sizes(PyTypeObject *one, PyTypeObject *other)
{
    return one->tp_basicsize == other->tp_basicsize &&
           one->tp_itemsize == other->tp_itemsize &&
           one->tp_dictoffset == other->tp_dictoffset &&
           one->tp_weaklistoffset == other->tp_weaklistoffset &&
           mf_compat_obj_layout_flags(one) ==
               mf_compat_obj_layout_flags(other) &&
           c_base(one) == c_base(other);
}

bool
mf_shape_same_layout(PyTypeObject *one, PyTypeObject *other)
{
    return one == other ||
           (mf_shape_same_sizes(one, other) &&
            slot_missing(one, other, true) == NULL &&
            slot_missing(other, one, true) == NULL);
}

/* What differs, for people. Called when something does. */
static PyObject *
describe(PyTypeObject *old_class, PyTypeObject *new_class)
{
    if (c_base(old_class) != c_base(new_class)) {
        return PyUnicode_FromFormat("built on '%s', not on '%s' any more",
                                    c_base(new_class)->tp_name,
                                    c_base(old_class)->tp_name);
    }
    const char *name = slot_missing(new_class, old_class, false);
    if (name != NULL) {
        return PyUnicode_FromFormat("slot '%s' added", name);
    }
    name = slot_missing(old_class, new_class, false);
    if (name != NULL) {
        return PyUnicode_FromFormat("slot '%s' removed", name);
    }
    if ((old_class->tp_dictoffset == 0) != (new_class->tp_dictoffset == 0)) {
        return PyUnicode_FromString(new_class->tp_dictoffset == 0
                                        ? "instances have no dict any more"
                                        : "instances get a dict");
    }
    if ((old_class->tp_weaklistoffset == 0) !=
        (new_class->tp_weaklistoffset == 0)) {
        return PyUnicode_FromString(
            new_class->tp_weaklistoffset == 0
                ? "instances cannot be weakly referenced any more"
                : "instances can be weakly referenced now");
    }
    name = slot_missing(new_class, old_class, true);
    if (name != NULL) {
        return PyUnicode_FromFormat("slot '%s' has another place", name);
    }
    return PyUnicode_FromFormat(
        "instances have another size (%zd, was %zd)", new_class->tp_basicsize,
        old_class->tp_basicsize);
}

static PyObject *
mapped(const struct mf_map *pairs, PyObject *obj)
{
    PyObject *to = pairs != NULL ? mf_map_get(pairs, obj) : NULL;
    return to != NULL ? to : obj;
}

static bool
same_bases(PyTypeObject *old_class, PyTypeObject *new_class,
           const struct mf_map *pairs)
{
    Py_ssize_t count = PyTuple_GET_SIZE(old_class->tp_bases);
    if (count != PyTuple_GET_SIZE(new_class->tp_bases)) {
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (PyTuple_GET_ITEM(old_class->tp_bases, i) !=
            mapped(pairs, PyTuple_GET_ITEM(new_class->tp_bases, i))) {
            return false;
        }
    }
    return true;
}

int
mf_shape_compare(PyTypeObject *old_class, PyTypeObject *new_class,
                 const struct mf_map *pairs, PyObject **detail)
{
    *detail = NULL;
    if (!mf_shape_same_layout(old_class, new_class)) {
        *detail = describe(old_class, new_class);
        return *detail != NULL ? MF_SHAPE_LAYOUT : -1;
    }
    PyTypeObject *old_meta = Py_TYPE(old_class);
    PyTypeObject *new_meta =
        (PyTypeObject *)mapped(pairs, (PyObject *)Py_TYPE(new_class));
    if (old_meta != new_meta) {
        /* A class is an instance of its metaclass. `type` itself and a class
         * made from it lay them out alike if only methods were added. */
        if (old_meta->tp_basicsize != new_meta->tp_basicsize ||
            old_meta->tp_itemsize != new_meta->tp_itemsize) {
            *detail = PyUnicode_FromFormat(
                "classes made by metaclass '%s' have another size",
                new_meta->tp_name);
            return *detail != NULL ? MF_SHAPE_LAYOUT : -1;
        }
        return MF_SHAPE_META;
    }
    return same_bases(old_class, new_class, pairs) ? MF_SHAPE_SAME
                                                   : MF_SHAPE_BASES;
}
