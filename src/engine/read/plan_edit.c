/* plan_edit.c -- owns the first look at an edited file: which statements and
 * members differ, which classes run whole, which names are tainted. In: both
 * texts of a change. Out: its deltas, marked.
 */
#include "plan_parts.h"

#include "../ground/compat.h"

static bool members_run(struct mf_diff *diff, uint32_t parent);

/* Annotations of a class are one thing: a member `name: type` that comes,
 * goes or changes makes the class run as a whole. */
static bool
annotations_differ(struct mf_diff *diff, struct mf_delta *cls)
{
    uint32_t at = (uint32_t)(cls - diff->deltas);
    for (uint32_t i = at + 1; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != at || d->kind == MF_DELTA_SAME ||
            d->kind == MF_DELTA_CODE) {
            continue;
        }
        for (int side = 0; side < 2; side++) {
            struct mf_compile_unit_of *of = side ? &diff->new_of
                                                 : &diff->old_of;
            uint32_t unit = side ? d->new_unit : d->old_unit;
            if (unit == MF_UNIT_NONE ||
                of->split->units[unit].kind != MF_UNIT_OTHER) {
                continue;
            }
            const struct mf_unit *u = &of->split->units[unit];
            const char *p = PyBytes_AS_STRING(of->text->bytes) + u->start +
                            u->indent;
            while (mf_plan_is_word_char(*p)) {
                p++;
            }
            while (*p == ' ' || *p == '\t') {
                p++;
            }
            if (*p == ':') {
                return true;
            }
        }
    }
    return false;
}

/* A class that has a say when it is made runs as a whole. */
bool
mf_plan_class_has_say(struct mf_target *target, struct mf_delta *delta)
{
    const struct mf_unit *u =
        &target->change->diff.new_of.split->units[delta->new_unit];
    const char *text = PyBytes_AS_STRING(
        target->change->diff.new_of.text->bytes);
    if (mf_plan_is_alone(target->change, delta)) {
        return false;
    }
    if ((u->flags & MF_UNIT_DECORATED) ||
        text[u->name + u->name_len] == '[' ||
        annotations_differ(&target->change->diff, delta)) {
        return true;
    }
    PyObject *cls = mf_plan_live_class(target, delta);
    return cls == NULL || mf_plan_hooks_making(cls);
}

/* Does anything below a class delta have to run or to go? */
static bool
members_run(struct mf_diff *diff, uint32_t parent)
{
    for (uint32_t i = parent + 1; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent == parent &&
            (d->kind == MF_DELTA_RUN || d->kind == MF_DELTA_ADDED ||
             d->kind == MF_DELTA_REMOVED ||
             (d->kind == MF_DELTA_CLASS && members_run(diff, i)))) {
            return true;
        }
    }
    return false;
}

bool
mf_plan_members_differ(struct mf_diff *diff, uint32_t parent)
{
    for (uint32_t i = parent + 1; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent == parent && d->kind != MF_DELTA_SAME) {
            return true;
        }
    }
    return false;
}

/* __slots__ and the like are read when the class is made. */
static bool
layout_members_differ(struct mf_diff *diff, uint32_t at)
{
    for (uint32_t i = at + 1; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != at || d->kind == MF_DELTA_SAME) {
            continue;
        }
        for (int side = 0; side < 2; side++) {
            struct mf_compile_unit_of *of = side ? &diff->new_of
                                                 : &diff->old_of;
            uint32_t unit = side ? d->new_unit : d->old_unit;
            if (unit == MF_UNIT_NONE) {
                continue;
            }
            const struct mf_unit *u = &of->split->units[unit];
            if (mf_plan_mentions(PyBytes_AS_STRING(of->text->bytes), u->start, u->end,
                         "__slots__", 9)) {
                return true;
            }
        }
    }
    return false;
}

/* A class body with a `global` statement cannot run in parts. */
static bool
has_global(const struct mf_compile_unit_of *of, uint32_t cls)
{
    const char *text = PyBytes_AS_STRING(of->text->bytes);
    for (uint32_t c = of->split->units[cls].first_child; c != MF_UNIT_NONE;
         c = of->split->units[c].next) {
        const struct mf_unit *u = &of->split->units[c];
        if (u->end - u->start > u->indent + 7 &&
            memcmp(text + u->start + u->indent, "global ", 7) == 0) {
            return true;
        }
    }
    return false;
}

/* Containers of the class that edited members work on. */
static int
remake_in_class(struct mf_change *change, uint32_t at)
{
    struct mf_diff *diff = &change->diff;
    int rc = 0;
    for (uint32_t i = at + 1; rc >= 0 && i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        const char *text;
        if (d->parent == at && !d->derived &&
            (d->kind == MF_DELTA_RUN || d->kind == MF_DELTA_ADDED ||
             d->kind == MF_DELTA_REMOVED) &&
            mf_plan_unit_of(change, d, &text)->name_len == 0) {
            rc = mf_plan_remake(change, d, true);
        }
    }
    return rc < 0 ? -1 : 0;
}

static int
plan_class(struct mf_change *change, uint32_t at)
{
    struct mf_diff *diff = &change->diff;
    struct mf_delta *delta = &diff->deltas[at];
    if (delta->kind == MF_DELTA_CLASS && members_run(diff, at)) {
        if (remake_in_class(change, at) < 0 ||
            mf_plan_follow_members(change, at) < 0) {
            return -1;
        }
        bool say = false;
        for (size_t t = 0; t < change->targets.len && !say; t++) {
            say = mf_plan_class_has_say(change->targets.items[t], delta);
        }
        /* statements that are no definitions may do anything with the body's
         * namespace: then it is made anew as a whole */
        for (uint32_t i = at + 1; i < diff->len && !say; i++) {
            struct mf_delta *d = &diff->deltas[i];
            uint32_t unit = d->new_unit;
            say = d->parent == at && unit != MF_UNIT_NONE &&
                  d->kind != MF_DELTA_SAME &&
                  diff->new_of.split->units[unit].kind == MF_UNIT_BLOCK;
        }
        say = say || has_global(&diff->new_of, delta->new_unit) ||
              layout_members_differ(diff, at);
        /* a nested class that has a say runs with the class around it */
        for (uint32_t i = at + 1; i < diff->len && !say; i++) {
            struct mf_delta *d = &diff->deltas[i];
            say = d->parent == at && d->kind == MF_DELTA_RUN &&
                  diff->new_of.split->units[d->new_unit].kind ==
                      MF_UNIT_CLASS;
        }
        if (say) {
            delta->kind = MF_DELTA_RUN;
        }
    }
    return 0;
}

/* Methods that making an instance, or a class, calls. */
static bool
runs_at_making(PyObject *full)
{
    static const char *const names[] = {
        ".__init__", ".__new__", ".__post_init__", ".__call__",
        ".__set_name__", ".__init_subclass__", ".__prepare__",
        ".__class_getitem__", ".__instancecheck__"};
    Py_ssize_t len;
    const char *text = PyUnicode_AsUTF8AndSize(full, &len);
    for (size_t i = 0; text && i < Py_ARRAY_LENGTH(names); i++) {
        size_t n = strlen(names[i]);
        if ((size_t)len > n && strcmp(text + len - n, names[i]) == 0) {
            return true;
        }
    }
    PyErr_Clear();
    return false;
}

/* Data of a class: what reads "Class.NAME" follows by value. */
static int
taint_attributes(struct mf_change *change, PyObject *cls,
                 struct mf_delta *delta)
{
    struct mf_names *names = mf_diff_names(&change->diff, delta);
    PyObject *name, *iter = names ? PyObject_GetIter(names->stores) : NULL;
    int rc = iter ? 0 : -1;
    while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        PyObject *full = PyUnicode_FromFormat("%U.%U", cls, name);
        rc = full ? mf_plan_taint(change, full, true) : -1;
        Py_XDECREF(full);
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* What calls of a class's changed members give: "Class.member"; making an
 * instance calls the special ones. */
int
mf_plan_taint_members(struct mf_change *change, uint32_t at)
{
    struct mf_diff *diff = &change->diff;
    PyObject *cls = mf_plan_unit_name(change, &diff->deltas[at]);
    PyObject *space = cls ? PyUnicode_FromFormat("%U.__dict__", cls) : NULL;
    int rc = space && members_run(diff, at) ? mf_plan_taint(change, space, true)
             : space                        ? 0
                                            : -1;
    Py_XDECREF(space);
    if (rc == 0 && annotations_differ(diff, &diff->deltas[at])) {
        rc = mf_plan_taint_fields(change, cls);
    }
    for (uint32_t i = at + 1; i < diff->len && rc == 0; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != at || d->kind == MF_DELTA_SAME) {
            continue;
        }
        const char *text;
        if (mf_plan_unit_of(change, d, &text)->name_len == 0) {
            rc = taint_attributes(change, cls, d);
            continue;
        }
        PyObject *full = mf_plan_unit_name(change, d);
        if (full == NULL) {
            rc = -1;
            break;
        }
        bool special = runs_at_making(full);
        rc = mf_plan_taint(change, special ? cls : full, false);
        Py_DECREF(full);
    }
    Py_XDECREF(cls);
    return rc;
}

/* Names whose meaning an edited top-level statement changes. */
static int
plan_unit(struct mf_change *change, struct mf_delta *delta)
{
    struct mf_diff *diff = &change->diff;
    uint32_t at = (uint32_t)(delta - diff->deltas);
    if (delta->kind == MF_DELTA_SAME) {
        return 0;
    }
    if (delta->kind == MF_DELTA_REMOVED) {
        struct mf_names *names = mf_diff_names(diff, delta);
        return names == NULL ||
                       mf_plan_taint_stores(change, names->stores, true) <
                           0 ||
                       mf_plan_run_binders(change, at) < 0 ||
                       mf_plan_remake(change, &diff->deltas[at], true) < 0
                   ? -1
                   : 0;
    }
    const struct mf_unit *u = &diff->new_of.split->units[delta->new_unit];
    if (u->kind == MF_UNIT_CLASS) {
        if (plan_class(change, at) < 0) {
            return -1;
        }
        delta = &diff->deltas[at];
    }
    if (delta->kind == MF_DELTA_RUN || delta->kind == MF_DELTA_ADDED) {
        if (delta->kind == MF_DELTA_RUN) {
            struct mf_names old_names;
            int rc = mf_diff_old_names(diff, delta, &old_names);
            if (rc == 0 && !(u->kind == MF_UNIT_DEF ||
                             u->kind == MF_UNIT_CLASS)) {
                rc = mf_plan_taint_stores(change, old_names.stores, true);
            }
            mf_names_clear(&old_names);
            if (rc < 0) {
                return -1;
            }
        }
        bool works = u->name_len == 0;
        return mf_plan_mark_runs(change, delta, false) < 0 ||
                       (works &&
                        mf_plan_remake(change, &diff->deltas[at], true) < 0)
                   ? -1
                   : 0;
    }
    if ((u->kind == MF_UNIT_DEF || u->kind == MF_UNIT_CLASS) &&
        (delta->kind == MF_DELTA_CODE || mf_plan_members_differ(diff, at))) {
        const char *text = PyBytes_AS_STRING(diff->new_of.text->bytes);
        if (u->kind == MF_UNIT_CLASS) {
            return mf_plan_taint_members(change, at);
        }
        PyObject *name = PyUnicode_FromStringAndSize(text + u->name,
                                                     u->name_len);
        /* where only nested bodies differ, calling it gives what it gave */
        int rc = name ? mf_plan_taint_unproved(change, name, at) : -1;
        Py_XDECREF(name);
        return rc;
    }
    return 0;
}

/* New side of a change that was not edited: its own baseline. */
int
mf_plan_prepare_change(struct mf_change *change, struct mf_breath *breath)
{
    struct mf_source *source = change->source;
    if (mf_source_split(source) < 0) {
        return -1;
    }
    if (change->kind == MF_CHANGE_NONE && change->text.bytes == NULL) {
        change->text.bytes = Py_NewRef(source->text.bytes);
        change->text.hash = source->text.hash;
    }
    if (mf_split_again(&change->split, PyBytes_AS_STRING(change->text.bytes),
                       (size_t)PyBytes_GET_SIZE(change->text.bytes),
                       &source->split,
                       PyBytes_AS_STRING(source->text.bytes),
                       (size_t)PyBytes_GET_SIZE(source->text.bytes)) ==
        MF_SPLIT_NOMEM) {
        PyErr_NoMemory();
        return -1;
    }
    change->flags = mf_compile_future_flags(&change->text, &change->split);
    if (change->flags < 0) {
        return -1;
    }
    int old_flags = mf_compile_future_flags(&source->text, &source->split);
    if (old_flags < 0) {
        return -1;
    }
    struct mf_diff *diff = &change->diff;
    diff->old_of = (struct mf_compile_unit_of){
        source->path, &source->text, &source->split, old_flags, NULL,
        breath};
    diff->new_of = (struct mf_compile_unit_of){
        source->path, &change->text, &change->split, change->flags, NULL,
        breath};
    struct mf_module *module = source->modules.items[0];
    if (mf_graph_edges(&change->text, &change->split, module->name,
                       mf_source_is_package(module), &change->edges) < 0) {
        return -1;
    }
    if (change->kind == MF_CHANGE_EDITED &&
        mf_graph_edges(&source->text, &source->split, module->name,
                       mf_source_is_package(module), &change->old_edges) <
            0) {
        return -1;
    }
    return mf_diff(diff);
}

/* Compiles what is sure to be needed: every changed function. Nothing of the
 * live program has been read for the plan so far, so that other threads can
 * run in between. */
static int
compile_changed(struct mf_diff *diff)
{
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *delta = &diff->deltas[i];
        if (delta->kind == MF_DELTA_CODE &&
            mf_diff_new_code(diff, delta) == NULL) {
            return -1; /* a syntax error shows here */
        }
    }
    diff->old_of.breath = diff->new_of.breath = NULL;
    return 0;
}

static int
not_compiled(struct mf_change *change, struct mf_report *report)
{
    struct mf_module *m = change->source->modules.items[0];
    return mf_report_exception(report, 401, m->name, NULL,
                               change->source->path, 1);
}

static bool
is_too_much(const struct mf_plan *plan, const struct mf_diff *diff)
{
    size_t changed = 0;
    for (uint32_t i = 0; i < diff->len; i++) {
        changed += diff->deltas[i].kind != MF_DELTA_SAME;
    }
    return plan->most > 0 && changed > plan->most;
}

int
mf_plan_edit_change(struct mf_plan *plan, struct mf_change *change,
                    struct mf_report *report)
{
    struct mf_diff *diff = &change->diff;
    int rc = mf_plan_prepare_change(change, &plan->breath);
    if (rc == 0 && is_too_much(plan, diff)) {
        plan->is_given_up = true;
        return 0;
    }
    rc = rc == 0 ? compile_changed(diff) : rc;
    for (uint32_t i = 0; rc == 0 && i < diff->len; i++) {
        if (diff->deltas[i].kind == MF_DELTA_CODE) {
            int called = mf_plan_calls_own(change, &diff->deltas[i]);
            diff->deltas[i].kind = called > 0 ? MF_DELTA_RUN : MF_DELTA_CODE;
            rc = called < 0 ? -1 : 0;
        }
    }
    for (uint32_t i = 0; rc == 0 && i < diff->len; i++) {
        if (diff->deltas[i].parent == MF_UNIT_NONE) {
            rc = plan_unit(change, &diff->deltas[i]);
        }
    }
    if (rc < 0 && (PyErr_ExceptionMatches(PyExc_SyntaxError) ||
                   PyErr_ExceptionMatches(PyExc_ValueError) ||
                   PyErr_ExceptionMatches(PyExc_RecursionError) ||
                   PyErr_ExceptionMatches(PyExc_OverflowError))) {
        if (plan->most > 0) {
            PyErr_Clear(); /* it will be found again, and said */
            plan->is_given_up = true;
            return 0;
        }
        /* the whole file has the true error */
        struct mf_error error;
        mf_compat_error_aside(&error);
        Py_XDECREF(mf_compile_text(change->source->path, &change->text, 0));
        (void)mf_compat_error_again(&error);
        return not_compiled(change, report);
    }
    return rc;
}

/* ---- warnings of the compiler ------------------------------------------ */

static bool
has_warned(const struct mf_compile_unit_of *of, uint32_t unit)
{
    for (size_t i = 0; i < of->warned.len; i++) {
        if ((uint32_t)(uintptr_t)of->warned.items[i] == unit) {
            return true;
        }
    }
    return false;
}

/* Is it the statement whose compile is to be heard? A class that was compiled
 * says what its members would. */
static bool
is_to_warn(const struct mf_diff *diff, const struct mf_delta *delta)
{
    const struct mf_compile_unit_of *of = &diff->new_of;
    return !delta->derived && delta->kind != MF_DELTA_SAME &&
           delta->new_unit != MF_UNIT_NONE && has_warned(of, delta->new_unit) &&
           !(delta->parent != MF_UNIT_NONE &&
             has_warned(of, diff->deltas[delta->parent].new_unit));
}

int
mf_plan_warn(struct mf_plan *plan, struct mf_report *report)
{
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        struct mf_diff *diff = &change->diff;
        for (uint32_t d = 0; d < diff->len && diff->new_of.warned.len > 0; d++) {
            if (is_to_warn(diff, &diff->deltas[d]) &&
                mf_compile_warn(&diff->new_of, diff->deltas[d].new_unit) < 0 &&
                not_compiled(change, report) < 0) {
                return -1;
            }
        }
    }
    return 0;
}
