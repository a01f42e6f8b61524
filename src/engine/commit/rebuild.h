/* rebuild.h -- classes whose instances get another layout: the class and all
 * its subclasses are made anew, every instance moves to one of the new kind,
 * every reference follows. Before apply nothing of it can be seen.
 *
 * Order of use: _find (classes and blank instances, state copied), _fill for
 * new fields and __migrate__, _check (all holders can be rewritten, values
 * copied again if code has run), _apply (logged), _finish, _clear.
 *
 * Source of the idea: Smalltalk's class builder, which mutates classes and
 * instances and ends with one bulk become.
 */
#ifndef MF_REBUILD_H
#define MF_REBUILD_H

#include "../stage/merge.h"
#include "become.h"

/* Where an attribute goes. */
enum mf_rebuild_how {
    MF_REBUILD_NOWHERE,
    MF_REBUILD_SLOT,
    MF_REBUILD_ATTRIBUTE, /* into the dict, or beside it */
    MF_REBUILD_DICT       /* into the dict: the class has a property for it */
};

struct mf_rebuild_place {
    PyObject *name;  /* strong */
    Py_ssize_t slot; /* offset */
    enum mf_rebuild_how how;
};

struct mf_rebuild_move {
    Py_ssize_t from, to; /* offsets of a slot; to 0: by its name */
    PyObject *name;      /* strong */
};

enum { MF_REBUILD_KNOWN = 16 };

/* What is the same for all instances of one class. */
struct mf_rebuild_route {
    PyTypeObject *from, *to; /* borrowed from `classes` */
    struct mf_rebuild_move *moves;
    size_t n_moves;
    struct mf_rebuild_place known[MF_REBUILD_KNOWN];
    size_t n_known;
};

struct mf_rebuild {
    struct mf_map pairs;     /* old class or instance -> new (borrowed) */
    struct mf_vec classes;   /* strong: old, new, old, new ... bases first */
    struct mf_vec instances; /* strong: old, new ... */
    struct mf_map staged;    /* staged classes whose contents went elsewhere */
    struct mf_rebuild_route *routes; /* per pair of classes */
    size_t n_routes;
    struct mf_vec spaces;    /* strong: per pair a copy of the old namespace */
    struct mf_vec noted;     /* strong: per instance what was copied */
    struct mf_vec holders;   /* borrowed: from check to apply */
    struct mf_vec asked;     /* strong: who has cached answers about them */
    struct mf_become become;
    bool ran;                /* code of the program may have run since the
                                copying: `noted` says what it was then */
};

/* For every pair whose layout differs (mf_pair.rebuild) after merge. Reasons
 * go to the report. 0 / -1. */
int mf_rebuild_find(struct mf_rebuild *rebuild, struct mf_merge *merge);
/* The new one of an old class or instance, borrowed; else obj itself. */
PyObject *mf_rebuild_new(const struct mf_rebuild *rebuild, PyObject *obj);
/* Before any code of the program runs: what it changes in instances that are
 * copied already will follow. */
int mf_rebuild_will_run(struct mf_rebuild *rebuild);
/* May the update be committed? Every reference to what is replaced must be in
 * reach. Reasons go to the report. Writes that merge holds turn to the new
 * side. Runs no code of the program. */
int mf_rebuild_check(struct mf_rebuild *rebuild, struct mf_merge *merge,
                     struct mf_report *report);
/* First of all writes. 0; -1: the caller replays the log. */
int mf_rebuild_apply(struct mf_rebuild *rebuild, struct mf_undo *undo);
/* After the commit: the old ones go without a word (__del__ is not called);
 * what ABCs, protocols and typing have answered about them is forgotten. */
int mf_rebuild_finish(struct mf_rebuild *rebuild);
void mf_rebuild_clear(struct mf_rebuild *rebuild);

/* --- rebuild.c, for the others --------------------------------------------- */

/* A reason: MF420 or another. `why` goes before `detail`. */
int mf_rebuild_refuse(struct mf_report *report, int code, PyTypeObject *cls,
                      const char *why, PyObject *detail);
/* The exception that is set is the reason, unless it is want of memory. */
int mf_rebuild_refuse_with(struct mf_report *report, PyTypeObject *cls,
                           const char *why);
/* What the program has changed since the copying, and what it has made. */
int mf_rebuild_follow(struct mf_rebuild *rebuild, struct mf_merge *merge);

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
