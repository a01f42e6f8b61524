/* match_parts.h -- what the files of the match room share. Private to match*.c.
 */
#ifndef MF_MATCH_PARTS_H
#define MF_MATCH_PARTS_H

#include "match.h"

struct pairing {
    struct mf_match *match;
    struct mf_target *target;
    uint32_t delta;
    int depth;
    PyObject *place; /* dotted name in the target's module that the two
                        values have, borrowed; NULL: the old one's goes */
};

/* What the changed definition's name holds: in the module or in the class. */
PyObject * mf_match_named_value(struct mf_target *target, struct mf_delta *delta);
/* What the dotted name means, through namespaces of a module and of classes:
 * borrowed, NULL where it means nothing or was made by a call. */
PyObject *mf_match_named(PyObject *dict, PyObject *dotted);
int mf_match_find_functions(struct mf_match *match);
bool mf_match_is_heap_class(PyObject *obj);
/* functools.lru_cache around a function. */
bool mf_match_is_cache(PyObject *obj);
int mf_match_pair_values(struct pairing *p, PyObject *old_obj, PyObject *new_obj);
/* Does a definition of its own, under a name of its own, go on giving
 * old_func? Then no other name's edit changes it. 1, 0, -1. */
int mf_match_stands_elsewhere(struct pairing *p, PyObject *old_func);
int mf_match_pair_gone(struct mf_match *match);

/* match_enum.c: the members of an enum. */
int mf_match_pair_members(struct pairing *p, PyTypeObject *a,
                          PyTypeObject *b);

#endif
