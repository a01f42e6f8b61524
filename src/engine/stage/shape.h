/* shape.h -- compares class layouts; decides whether instances can stay as
 * they are. Pure: reads, never writes.
 */
#ifndef MF_SHAPE_H
#define MF_SHAPE_H

#include "../ground/table.h"

enum mf_shape {
    MF_SHAPE_SAME,      /* same bases, same layout */
    MF_SHAPE_BASES,     /* other bases, same layout: redefine in place */
    MF_SHAPE_META,      /* other metaclass, same layout */
    MF_SHAPE_LAYOUT     /* instances would have another layout */
};

/* Compare the live with the staged class. `pairs`: staged object -> live
 * object for bases that are redefined in the same update. On MF_SHAPE_LAYOUT
 * *detail is a new str that says what differs ("slot 'z' added"), else NULL.
 * -1 with an exception set on error. */
int mf_shape_compare(PyTypeObject *old_class, PyTypeObject *new_class,
                     const struct mf_map *pairs, PyObject **detail);

/* Is an instance of the one laid out as an instance of the other (sizes,
 * offsets, flags, slot names by offset)? Bases are not asked. */
bool mf_shape_same_layout(PyTypeObject *one, PyTypeObject *other);
/* The same, without the names of slots. */
bool mf_shape_same_sizes(PyTypeObject *one, PyTypeObject *other);

#endif
