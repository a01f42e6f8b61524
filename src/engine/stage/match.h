/* match.h -- pairs old with new: live functions with the new code of their
 * place, staged objects with the live ones that keep their identity. Decides
 * nothing about legality (check does) and writes nothing that lives.
 */
#ifndef MF_MATCH_H
#define MF_MATCH_H

#include "stage.h"

enum mf_pair_kind {
    MF_PAIR_FUNCTION, /* contents of old_obj become those of new_obj */
    MF_PAIR_CLASS,    /* old_obj is redefined from new_obj */
    MF_PAIR_INSTANCE, /* the instance dict of old_obj becomes new_obj's (enum
                         members) */
    MF_PAIR_DATA,     /* a list, dict, set or partial: the contents are merged
                         into old_obj, which stays */
    MF_PAIR_PLACE     /* new_obj only stands for old_obj while staging:
                         namespaces, modules, builtins, clones */
};

struct mf_pair {
    uint8_t kind;                /* enum mf_pair_kind */
    PyObject *old_obj, *new_obj; /* strong */
    struct mf_target *target;    /* where it was found; NULL for places */
    uint32_t delta;              /* its statement, or MF_UNIT_NONE */
    PyObject *place;             /* FUNCTION: the dotted name that the module
                                    has for it, strong, or NULL */
    bool merged;                 /* DATA: merge has decided */
    bool rebuild;                /* CLASS: instances get another layout */
    bool renew;                  /* CLASS: a named tuple, other fields;
                                    INSTANCE: another value in the object */
};

struct mf_match {
    struct mf_stage *stage; /* borrowed; NULL when nothing was staged */
    struct mf_plan *plan;   /* borrowed */
    struct mf_pair *pairs;
    size_t len, cap;
    struct mf_map home;     /* new_obj -> old_obj, for become */
    struct mf_map paired;   /* old_obj -> index + 1 */
    struct mf_map fresh;    /* every GC object made while staging */
    struct mf_vec codes_of; /* functions of live code objects that changed:
                               PyFunctionObject *, strong */
    struct mf_vec caches;   /* lru_cache wrappers in front of them, strong */
    struct mf_vec fronts;   /* strong, by twos: a wrapper or descriptor that a
                               name leads through, a function of codes_of
                               behind it */
};

/* Find the live functions of every changed code object, then pair what was
 * staged. */
int mf_match_run(struct mf_match *match, struct mf_plan *plan,
                 struct mf_stage *stage);
/* Add a pair unless one side has one already: 1 added, 0 not, -1. */
int mf_match_add(struct mf_match *match, enum mf_pair_kind kind,
                 PyObject *old_obj, PyObject *new_obj,
                 struct mf_target *target, uint32_t delta);
struct mf_pair *mf_match_of_old(struct mf_match *match, PyObject *old_obj);
/* Does a definition bind the name in the old text and in the new one? */
bool mf_match_defines(struct mf_change *change, PyObject *name);
bool mf_match_is_fresh(const struct mf_match *match, PyObject *obj);
void mf_match_clear(struct mf_match *match);

/* Code objects of a module that was loaded before start: read off the heap,
 * by file and namespace. Fills module->codes. */
int mf_match_find_codes(struct mf_module *module);

#endif
