/* redefine_data.h -- contents of merged dicts, lists, sets and registries, in
 * place: whoever holds the container sees the new contents.
 */
#ifndef MF_REDEFINE_DATA_H
#define MF_REDEFINE_DATA_H

#include "undo.h"

/* The holder (list, dict, set, deque) gets these contents. */
int mf_redefine_data_contents(struct mf_undo *undo, PyObject *holder,
                              PyObject *contents);
/* A class's or an instance's attribute, without code of the program. */
int mf_redefine_data_attribute(struct mf_undo *undo, PyObject *holder,
                               PyObject *name, PyObject *value);
int mf_redefine_data_cell(struct mf_undo *undo, PyObject *cell,
                          PyObject *value);
/* The instance dict of old_obj gets the contents of new_obj's (both of one
 * class with a dict: enum members). */
int mf_redefine_data_instance(struct mf_undo *undo, PyObject *old_obj,
                              PyObject *new_obj);

#endif
