/* merge_parts.h -- what the files of the merge room share. Private to merge*.c.
 */
#ifndef MF_MERGE_PARTS_H
#define MF_MERGE_PARTS_H

#include "merge.h"

struct one {                 /* one name to mf_merge_decide */
    struct mf_staged *staged;
    PyObject *cls_name;      /* qualified class name, or NULL: the module */
    uint32_t parent;         /* the class's delta, or NONE */
    uint32_t delta;          /* the statement, or NONE */
    PyObject *name, *live, *fresh;
    bool edited;
};

/* The value of base for a module name (cls_name NULL) or a class attribute. */
PyObject * mf_merge_find_base(struct mf_target *target, uint32_t parent, PyObject *cls_name,
          PyObject *name);
/* What the old statement of a container gave, where statements after it that
 * do not run now have worked on it: the new one's value lacks the same. NULL
 * without exception: as noted. */
PyObject *mf_merge_base_alone(struct mf_target *target, PyObject *name,
                              PyObject *noted);
int mf_merge_report_one(struct mf_merge *merge, const struct one *one, int code, char op,
           const char *format, PyObject *a, PyObject *b);
/* For undo: what the name held (NULL: nothing) and holds from now on. */
int mf_merge_note_replaced(struct mf_merge *merge, PyObject *holder,
                           PyObject *name, PyObject *old, PyObject *value);
/* The same of one->live: the very object, which is its base again if it was;
 * in_place: the contents that it had, since they are what changes. */
int mf_merge_note_one(struct mf_merge *merge, const struct one *one,
                      PyObject *holder, PyObject *value, bool in_place);
/* In an undo: the record of the value that the update had replaced, if what it
 * wrote then is still there; borrowed, or NULL without exception. */
PyObject *mf_merge_undo_record(struct mf_merge *merge, PyObject *holder,
                               PyObject *name, PyObject *live);
/* The value that an undo gives the name back, borrowed: the very object, which
 * is its base again if it was. NULL without exception: none. */
PyObject *mf_merge_undo_value(struct mf_merge *merge, const struct one *one,
                              PyObject *holder);
bool mf_merge_is_definition(PyObject *v);
bool mf_merge_is_container(PyObject *v);
/* Containers of one kind that can take each other's contents. */
bool mf_merge_merges_in_place(PyObject *live, PyObject *fresh);
/* What the name holds from now on: *out is a new reference; *in_place: the
 * live object takes these contents. 1 decided, 0 keep live, -1. */
int mf_merge_decide(struct mf_merge *merge, const struct one *one, PyObject *holder,
       PyObject **out, bool *in_place);
/* Is it of another type, or a builtin descriptor around something that is? */
bool mf_merge_changes_kind(PyObject *live, PyObject *fresh);
/* The base from now on: what the new source gives, as it is before merging. */
int mf_merge_note_new_base(struct mf_merge *merge, struct mf_module *module,
              PyObject *cls_name, PyObject *name, PyObject *fresh);
uint32_t mf_merge_find_delta(struct mf_change *change, uint32_t parent, PyObject *name);
/* In place and paired: the object itself says what changed. */
int mf_merge_report_definition(struct mf_merge *merge, struct one *one);
/* A value stays that a statement has made anew: what was registered in the new
 * one goes to the one that stays. */
int mf_merge_twins(struct mf_merge *merge, PyObject *live, PyObject *fresh);
/* The same of what was registered with an ABC. */
int mf_merge_abc_twins(struct mf_merge *merge, PyTypeObject *live,
                       PyTypeObject *fresh);
/* A container that no base is noted of: does it hold the very objects that its
 * statement, alone, had put there? */
bool mf_merge_is_stamped(const struct one *one);
/* An attribute that a function or class (by its qualified name) had when the
 * import ended, or that is the language's own, and that its statement does not
 * give it any more. */
bool mf_merge_attribute_goes(struct mf_target *target, PyObject *owner,
                             PyObject *name, PyObject *value);
/* Has the old statement taken the live container from another name, which
 * keeps it? Then an edit of this one does not change what that one means. */
bool mf_merge_is_borrowed(struct mf_staged *staged, const struct one *one);
/* What functions that were called wrote to their module, by `global`: state,
 * like any other that the program makes at run time. */
int mf_merge_written(struct mf_merge *merge, struct mf_staged *staged);
/* Statements that have set attributes of the module's functions and classes:
 * these are base from now on. */
int mf_merge_note_attributes(struct mf_merge *merge, struct mf_staged *staged);
int mf_merge_merge_class(struct mf_merge *merge, struct mf_pair *pair);
int mf_merge_merge_member(struct mf_merge *merge, struct mf_member *member);
/* Members whose statements are gone from a class that did not run whole. */
int mf_merge_merge_gone_members(struct mf_merge *merge, struct mf_staged *staged);

#endif
