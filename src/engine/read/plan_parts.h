/* plan_parts.h -- what the files of the plan room share. Private to plan*.c.
 */
#ifndef MF_PLAN_PARTS_H
#define MF_PLAN_PARTS_H

#include "plan.h"

const struct mf_unit * mf_plan_unit_of(struct mf_change *change, struct mf_delta *delta, const char **text);
/* The live code objects of a module that gets a code object as it is
 * (plan_given.c). */
int mf_plan_pair_given(struct mf_target *target);
/* Mark a name of the change's module; it is followed once. A replaced value
 * (True) outweighs a changed function (False). */
int mf_plan_taint(struct mf_change *change, PyObject *name, bool value);
/* The same for a function whose text differs: whether its own code does, and
 * not only what is nested in it, is asked for when somebody uses the name. */
int mf_plan_taint_unproved(struct mf_change *change, PyObject *name,
                           uint32_t delta);
/* Does what the name's taint says hold? Compiles the old side where that was
 * not needed so far. 1 / 0 / -1. */
int mf_plan_proved(struct mf_change *change, PyObject *name);
/* Names that a statement of an edited module binds. */
int mf_plan_taint_stores(struct mf_change *change, PyObject *names, bool value);
bool mf_plan_is_word_char(char c);
bool mf_plan_mentions(const char *text, size_t from, size_t to, const char *word, size_t n);
/* Does what the unit does at import time mention the word (bits: its bloom
 * bits)? Bodies of functions are left out. */
bool mf_plan_unit_mentions(const struct mf_compile_unit_of *of, uint32_t unit,
                           const char *word, size_t n, uint64_t bits);
/* The statement runs; what it binds is replaced, unless it defines a function
 * or class that is redefined in place. */
int mf_plan_mark_runs(struct mf_change *change, struct mf_delta *delta, bool derived);
int mf_plan_follow_in_module(struct mf_change *change, PyObject *name, bool value,
                 struct mf_report *report);
/* Functions of the same module that import-time code calls and that reach the
 * name: their results differ too. */
int mf_plan_follow_callers(struct mf_change *change, PyObject *name);
int mf_plan_follow_reachers(struct mf_state *state, struct mf_plan *plan,
                struct mf_change *change, PyObject *module_name,
                PyObject *name);
int mf_plan_follow_importers(struct mf_state *state, struct mf_plan *plan,
                 struct mf_change *change, PyObject *module_name,
                 PyObject *name, bool value);
/* A class that has a say when it is made runs as a whole. */
bool mf_plan_class_has_say(struct mf_target *target, struct mf_delta *delta);
/* plan_alone.c: a class statement that has failed when it ran again as a whole,
 * where nothing but methods differs. */
bool mf_plan_is_alone(struct mf_change *change, struct mf_delta *delta);
int mf_plan_report_alone(struct mf_change *change, struct mf_report *report);
bool mf_plan_members_differ(struct mf_diff *diff, uint32_t parent);
/* What calls of a class's changed members give: "Class.member"; making an
 * instance calls the special ones. */
int mf_plan_taint_members(struct mf_change *change, uint32_t at);
/* New side of a change that was not edited: its own baseline. */
int mf_plan_prepare_change(struct mf_change *change,
                           struct mf_breath *breath);
int mf_plan_edit_change(struct mf_plan *plan, struct mf_change *change,
                        struct mf_report *report);
/* A module that leaves, or returns: import statements that name it run again,
 * those of its own file aside, and find what there is then. */
int mf_plan_import_again(struct mf_state *state, struct mf_plan *plan,
                         PyObject *name, struct mf_source *own);
/* 1: a class was promoted and what follows from it is to be planned; 0; -1 */
int mf_plan_promote_reached(struct mf_plan *plan);

/* plan_members.c: members of a class that read what an edited one binds run
 * too. */
int mf_plan_follow_members(struct mf_change *change, uint32_t cls);
/* A statement is gone whose names others before it bind: these mean something
 * again. */
int mf_plan_run_binders(struct mf_change *change, uint32_t gone);
int mf_plan_may_run_member(struct mf_change *change, uint32_t cls_delta,
                           struct mf_delta *delta);

/* plan_bases.c. Fields of a class, that is its annotations, differ: what has a
 * say when its subclasses are made (a decorator, a metaclass) reads them. */
int mf_plan_taint_fields(struct mf_change *change, PyObject *cls);
/* The class statement runs: where its line gives it another metaclass, its
 * subclasses get that, too. */
int mf_plan_taint_metaclass(struct mf_change *change, struct mf_delta *delta);
/* Is it the name of one of these? */
bool mf_plan_is_inherited(PyObject *name);
/* Is the unit a subclass that takes it? 1 / 0 / -1. */
int mf_plan_inherits(struct mf_change *change, struct mf_delta *delta,
                     PyObject *name);
/* The subclass has it from then on, and its own subclasses take it. */
int mf_plan_pass_on(struct mf_change *change, struct mf_delta *delta,
                    PyObject *name);
/* The class line itself, decorators included, mentions the name (the first
 * part of a dotted one). */
bool mf_plan_header_mentions(struct mf_compile_unit_of *of, uint32_t unit,
                             PyObject *name);

/* plan_main.c: is the main module's own code inside this statement, or not there yet? Then the
 * statement does not run aside. */
bool mf_plan_under_way(struct mf_change *change, struct mf_delta *delta);

/* plan_work.c: has the statement bound nothing but data, so that functions
 * nested in it have run, or are gone? 1 / 0 / -1. */
int mf_plan_binds_data(struct mf_change *change, struct mf_delta *delta);
/* The same of a statement whose nested code differs: it gives something else. */
int mf_plan_calls_own(struct mf_change *change, struct mf_delta *delta);
/* Then: does one of them read the name? */
int mf_plan_lambda_reads(struct mf_change *change, struct mf_delta *delta,
                         PyObject *name);
/* Is it "used.__special__" of an instance, and does the statement do something
 * with that which may call the method without naming it? 1 / 0 / -1. */
bool mf_plan_is_implicit(struct mf_change *change, PyObject *name);
int mf_plan_reads_implicitly(struct mf_change *change, struct mf_delta *delta,
                             PyObject *name);
/* Does it read every name: globals().items()? */
bool mf_plan_reads_all(struct mf_change *change, struct mf_delta *delta);
/* NAME.attr = ... runs: who reads that is derived. */
int mf_plan_taint_attribute(struct mf_change *change, struct mf_delta *delta);
/* Nothing that can be called, or has a state of its own, is in it. */
bool mf_plan_is_data_only(PyObject *value, int depth);
/* Noted data and what lives: compared in C, if that is data too. */
int mf_plan_data_equal(PyObject *base, PyObject *live);
/* The name that a statement begins with, if a '.' or '[' follows: its length,
 * else 0. */
size_t mf_plan_worked_on(const struct mf_compile_unit_of *of, uint32_t unit,
                         const char **word);
/* A derived statement that binds nothing runs, with all that make the same
 * container, if what it works on is as the source gave it. 1 / 0 / -1. */
int mf_plan_run_work(struct mf_change *change, struct mf_delta *delta);

/* plan_makers.c: the statement works on containers of its scope, and is edited
 * or gone, or else derived: all statements that make one run where that can be
 * done, and the result is merged as if the binding one were edited. Of a
 * derived one: all of them, if they are as the source gave them, itself too.
 * 1 / 0 / -1. */
int mf_plan_remake(struct mf_change *change, struct mf_delta *delta,
                   bool edited);

/* plan_codes.c: a live code object and what it is nested in become others. */
int mf_plan_pair_code(struct mf_target *target, PyObject *old_code,
                      PyObject *new_code);
/* Would a call of the edited function at import time have run code that is
 * different now? Bodies of functions that it made and that live are left
 * out. 1 / 0 / -1. */
int mf_plan_called_differs(struct mf_change *change, struct mf_delta *delta);
/* plan_late.c: live code that is not of the noted text is paired, too. */
int mf_plan_compare_late(struct mf_target *target);

#endif
