/* redefine_class.h -- every field of a class: its dict through
 * type.__setattr__ semantics (slots follow), bases and MRO, docs, abstract
 * methods, subclasses' caches, ABC and singledispatch caches, version tags.
 * The class object keeps its identity.
 *
 * Which attributes change is decided by match and merge; this room only does
 * it, in three steps: prepare / apply / finish. Bases before subclasses.
 */
#ifndef MF_REDEFINE_CLASS_H
#define MF_REDEFINE_CLASS_H

#include "undo.h"

struct mf_class_change {
    PyTypeObject *old_class;  /* the live one: keeps its identity */
    PyTypeObject *new_class;  /* the staged one, or NULL if members ran alone */
    PyObject *set;            /* dict: name -> value to set on old_class */
    PyObject *del;            /* list of names to delete from old_class */
    PyObject *bases;          /* new __bases__ tuple (live classes, in the new
                                 order), NULL: unchanged */
    PyTypeObject *metaclass;  /* new metaclass, NULL: unchanged */
    bool rebuilt;             /* rebuild.c makes it anew: not done here */
    /* internal, filled by prepare */
    PyObject *mro;            /* the MRO that the change will give, where it
                                 can be told beforehand; else NULL */
    struct mf_vec affected;   /* strong: subclasses, for abstract methods;
                                 bases before subclasses */
    struct mf_vec asked;      /* strong: who has cached answers about them */
    PyTypeObject *best_base;  /* borrowed from bases: what __base__ will be */
    struct mf_vec cells;      /* strong: cells of the class or its namespace
                                 in functions of `set`; they get the live one */
    bool names_change;        /* a name comes or goes: cached answers about
                                 the class may be wrong */
};

/* Attribute names that a class change never copies from a staged class
 * (__dict__, __weakref__, _abc_impl, ... with a reason each in the .c). What
 * `set` or `del` say about them is not done. */
bool mf_redefine_class_skips(PyObject *name);

/* May fail: computes what apply needs, reserves the log, checks that the
 * MRO exists. Nothing that the program can see is written. */
int mf_redefine_class_prepare(struct mf_class_change *change,
                              struct mf_undo *undo);
/* 0, or -1: then the caller replays the log. No Python code of the program:
 * metaclass __setattr__, mro(), properties are bypassed. */
int mf_redefine_class_apply(struct mf_class_change *change,
                            struct mf_undo *undo);
/* When the functions are redefined, too: they say by their attributes what is
 * abstract. As apply. */
int mf_redefine_class_abstract(struct mf_class_change *change,
                               struct mf_undo *undo);
/* After the commit: caches that are asked by name (ABC, singledispatch,
 * protocols, typing) are forgotten; may call C code of the stdlib. */
int mf_redefine_class_finish(struct mf_class_change *change);
void mf_class_change_clear(struct mf_class_change *change);

/* Take a staged class out of its bases' __subclasses__ (it was never seen by
 * the program). */
int mf_redefine_class_hide(PyTypeObject *staged);
/* And in again: a class that the edit adds. Logged when undo is given. */
int mf_redefine_class_show(PyTypeObject *staged, struct mf_undo *undo);

#endif
