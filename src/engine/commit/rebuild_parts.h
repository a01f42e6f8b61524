/* rebuild_parts.h -- what the files of the rebuild room share. Private to
 * rebuild*.c and migrate.c.
 */
#ifndef MF_REBUILD_PARTS_H
#define MF_REBUILD_PARTS_H

#include "rebuild.h"

/* --- rebuild.c -------------------------------------------------------------- */

/* A reason: MF420 or another. `why` goes before `detail`. */
int mf_rebuild_refuse(struct mf_report *report, int code, PyTypeObject *cls,
                      const char *why, PyObject *detail);
/* The exception that is set is the reason, unless it is want of memory. */
int mf_rebuild_refuse_with(struct mf_report *report, PyTypeObject *cls,
                           const char *why);
/* Code of the program gets copies of all instances of cls that stay. */
int mf_rebuild_copies(struct mf_rebuild *rebuild, struct mf_merge *merge,
                      PyTypeObject *cls);
/* What the program has changed since the copying, and what it has made. */
int mf_rebuild_follow(struct mf_rebuild *rebuild, struct mf_merge *merge);

int mf_rebuild_add(struct mf_rebuild *rebuild, struct mf_vec *list,
                   PyObject *old_obj, PyObject *new_obj);
/* Instances of this type: NULL if they stay. */
struct mf_rebuild_route *mf_rebuild_route_of(struct mf_rebuild *rebuild,
                                             PyTypeObject *type);

/* --- rebuild_value.c -------------------------------------------------------- */

int mf_rebuild_renewed_find(struct mf_rebuild *rebuild,
                            struct mf_match *match);
int mf_rebuild_items_init(struct mf_rebuild_route *route, PyTypeObject *like);
void mf_rebuild_items_clear(struct mf_rebuild_route *route);
/* New: the named tuple with the fields that it is to have; None where there
 * is no value (route->lacks). */
PyObject *mf_rebuild_items(const struct mf_rebuild_route *route,
                           PyObject *old_obj);
PyObject *mf_rebuild_tuple(PyTypeObject *cls, PyObject *items);
/* The reason that there is no value. */
int mf_rebuild_refuse_item(struct mf_report *report,
                           const struct mf_rebuild_route *route,
                           PyObject *obj);
/* The i-th of `instances` holds what its __migrate__ has returned, if it is a
 * named tuple. Reasons go to the report. */
int mf_rebuild_take_result(struct mf_rebuild *rebuild,
                           struct mf_report *report, size_t i,
                           PyObject *result);
int mf_rebuild_members(struct mf_rebuild *rebuild, struct mf_merge *merge);
/* Will all keys of a table be found? Else a reason. */
int mf_rebuild_check_keys(struct mf_rebuild *rebuild,
                          struct mf_report *report, PyObject *table);

/* --- rebuild_place.c -------------------------------------------------------- */

/* May instances stay where they are? When `moves` are known. */
void mf_rebuild_place_decide(struct mf_rebuild_route *route);
/* When all routes are known. */
int mf_rebuild_place_init(struct mf_rebuild *rebuild);
/* The route of those that do, or NULL. */
struct mf_rebuild_route *mf_rebuild_place_of(struct mf_rebuild *rebuild,
                                             PyTypeObject *type);
/* Values of new fields, none of them made by code of the program. */
int mf_rebuild_place_fill(struct mf_rebuild *rebuild,
                          const struct mf_fields *fields, PyTypeObject *cls);
int mf_rebuild_place_settle(struct mf_rebuild *rebuild);
/* 1: it stays, and refers to nothing that is made anew; 0; -1. */
int mf_rebuild_place_visit(struct mf_rebuild *rebuild, PyObject *obj);
int mf_rebuild_place_prepare(struct mf_rebuild *rebuild,
                             struct mf_merge *merge);
int mf_rebuild_place_apply(struct mf_rebuild *rebuild, struct mf_undo *undo);
/* What they have no more goes. */
void mf_rebuild_place_finish(struct mf_rebuild *rebuild);
void mf_rebuild_place_clear(struct mf_rebuild_route *route);

/* --- rebuild_kept.c ------------------------------------------------------- */

/* When all routes are known, and before anything holds instances. */
int mf_rebuild_kept_find(struct mf_rebuild *rebuild);

/* --- rebuild_class.c ------------------------------------------------------ */

/* New: a class of the layout of `like` with the namespace of `old_class`
 * after `change` (NULL: none), over `bases`. Neither __init_subclass__ nor
 * __set_name__ runs: both have run for the class that stands. It is not among
 * its bases' subclasses yet. */
PyTypeObject *mf_rebuild_class(PyTypeObject *old_class, PyTypeObject *like,
                               struct mf_class_change *change,
                               PyObject *bases);

/* What the old class's namespace has otherwise than `before` says. */
int mf_rebuild_class_again(PyTypeObject *cls, PyTypeObject *old_class,
                           PyObject *before);

/* --- rebuild_instance.c --------------------------------------------------- */

/* New: an instance of cls that stands for `old`, with what its C base holds,
 * no attributes yet; NULL without exception if that cannot be had. */
PyObject *mf_rebuild_blank(PyTypeObject *cls, PyObject *old);
/* For an undo: a value that has no place any more in an instance of `to`. */
int mf_rebuild_remember(struct mf_merge *merge,
                        const struct mf_rebuild_route *route, PyObject *obj,
                        PyObject *name, PyObject *value);
int mf_rebuild_route_init(struct mf_rebuild_route *route,
                          const struct mf_map *pairs, PyTypeObject *from,
                          PyTypeObject *to);
void mf_rebuild_route_clear(struct mf_rebuild_route *route);
/* Attributes, in dict and slots: all that have a place in `to`. What has no
 * place any more is remembered for an undo. */
int mf_rebuild_copy(struct mf_merge *merge, struct mf_rebuild_route *route,
                    PyObject *from, PyObject *to);
/* The dict that the program may hold goes along, with the contents that `to`
 * has. Logged as far as it can be seen. */
int mf_rebuild_take_dict(struct mf_undo *undo, PyObject *from, PyObject *to);
/* New: what an instance holds; and what it holds otherwise than `noted` says
 * goes to `to` as well. */
PyObject *mf_rebuild_note(const struct mf_rebuild_route *route,
                          PyObject *obj);
int mf_rebuild_copy_again(struct mf_merge *merge,
                          struct mf_rebuild_route *route, PyObject *from,
                          PyObject *to, PyObject *noted);

#endif
