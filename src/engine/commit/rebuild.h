/* rebuild.h -- classes whose instances get another layout: the class and all
 * its subclasses are made anew, every instance moves to one of the new kind,
 * every reference follows. Before apply nothing of it can be seen.
 *
 * Order of use: _find (classes and blank instances, state copied), _will_run
 * (new fields and __migrate__), _check (all holders can be rewritten, values
 * copied again if code has run), _apply (logged), _finish, _clear.
 *
 * Source of the idea: Smalltalk's class builder, which mutates classes and
 * instances and ends with one bulk become.
 */
#ifndef MF_REBUILD_H
#define MF_REBUILD_H

#include "../stage/fields.h"
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

/* Where an item of a named tuple comes from. */
struct mf_rebuild_item {
    Py_ssize_t from; /* index in the old one; -1: nowhere */
    PyObject *value; /* strong: its default, or None */
};

/* A new field of instances that stay where they are. */
struct mf_rebuild_fill {
    Py_ssize_t slot; /* offset */
    struct mf_field field;
};

enum { MF_REBUILD_KNOWN = 16 };

/* What is the same for all instances of one class. */
struct mf_rebuild_route {
    PyTypeObject *from, *to; /* borrowed from `classes` */
    struct mf_rebuild_move *moves;
    size_t n_moves;
    struct mf_rebuild_place known[MF_REBUILD_KNOWN];
    size_t n_known;
    struct mf_rebuild_item *items; /* NULL: no named tuple, or the same fields */
    size_t n_items;
    PyObject *lacks; /* strong: the first field without a value; or NULL */
    const struct mf_map *kept; /* of the rebuild */
    bool plain;      /* `to` has nothing but slots */
    bool in_place;   /* the memory of its instances has room: they stay */
    bool copies;     /* and the program has a say: they have copies */
    struct mf_rebuild_fill *fills; /* values of their new fields, else */
    size_t n_fills;
    struct mf_vec stays; /* borrowed, from check to apply: all of them */
    PyObject **values;   /* strong, per one of them and fill; or NULL */
    PyObject **saved;    /* per one of them: the words that it had */
    size_t done;         /* so many have the new layout */
};

struct mf_rebuild {
    struct mf_map pairs;     /* old class or instance -> new (borrowed) */
    struct mf_vec classes;   /* strong: old, new, old, new ... bases first */
    struct mf_vec instances; /* strong: old, new ... */
    struct mf_map staged;    /* staged classes whose contents went elsewhere */
    struct mf_map renewed;   /* named tuple that gets other fields -> the staged
                                one that has them (borrowed) */
    struct mf_map places;    /* class whose instances stay -> its route */
    struct mf_map copied;    /* one that stays -> its copy; 0: it moves after
                                all (borrowed) */
    struct mf_rebuild_route *last_place;
    PyTypeObject *last_dying, *last_other; /* while holders are looked for:
                                              classes of instances that go,
                                              of others */
    struct mf_map kept;      /* instances that only records hold -> 1: what they
                                lose is in one already */
    struct mf_map made;      /* new instances whose class stays -> 1 */
    struct mf_map members;   /* enum members (old ones) among the instances */
    struct mf_rebuild_route *routes; /* per pair of classes, then the others */
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
/* In an undo, when the program has had its say: what the update had taken from
 * instances that stay. As writes. */
int mf_rebuild_settle(struct mf_rebuild *rebuild, struct mf_merge *merge);
/* May the update be committed? Every reference to what is replaced must be in
 * reach. Reasons go to the report. Writes that merge holds turn to the new
 * side, `undo` gets the memory that apply needs. Runs no code of the program.
 */
int mf_rebuild_check(struct mf_rebuild *rebuild, struct mf_merge *merge,
                     struct mf_undo *undo, struct mf_report *report);
/* First of all writes. 0; -1: the caller replays the log. */
int mf_rebuild_apply(struct mf_rebuild *rebuild, struct mf_undo *undo);
/* After the commit: the old ones go without a word (__del__ is not called);
 * what ABCs, protocols and typing have answered about them is forgotten. */
int mf_rebuild_finish(struct mf_rebuild *rebuild);
void mf_rebuild_clear(struct mf_rebuild *rebuild);

#endif
