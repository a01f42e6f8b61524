/* plan.c -- owns the decision what an update does. In: changed sources. Out:
 * struct mf_plan. Reads live namespaces (what a name is bound to), writes
 * nothing.
 */
#include "plan.h"

#include "../ground/fault.h"
#include "../ground/trace.h"

/* ---- changes and targets ------------------------------------------------ */

static void
change_free(struct mf_change *change)
{
    mf_diff_clear(&change->diff);
    mf_edges_clear(&change->edges);
    mf_edges_clear(&change->old_edges);
    mf_split_clear(&change->split);
    mf_text_clear(&change->text);
    Py_XDECREF(change->taint);
    Py_XDECREF(change->fresh);
    mf_vec_clear(&change->targets);
    mf_free(change);
}

void
mf_plan_clear(struct mf_plan *plan)
{
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        for (size_t t = 0; t < change->targets.len; t++) {
            struct mf_target *target = change->targets.items[t];
            Py_XDECREF(target->binds);
            mf_map_clear(&target->exchange);
            mf_vec_clear_refs(&target->code_refs);
            mf_free(target);
        }
        change_free(change);
    }
    mf_vec_clear(&plan->changes);
    mf_vec_clear(&plan->targets);
}

static int
add_targets(struct mf_change *change)
{
    struct mf_vec *modules = &change->source->modules;
    for (size_t i = 0; i < modules->len; i++) {
        struct mf_target *target = mf_alloc(sizeof(*target));
        if (target == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        target->module = modules->items[i];
        target->change = change;
        target->binds = PyList_New(0);
        if (target->binds == NULL ||
            mf_vec_push(&change->targets, target) < 0) {
            Py_XDECREF(target->binds);
            mf_free(target);
            return -1;
        }
    }
    return 0;
}

struct mf_change *
mf_plan_change(struct mf_plan *plan, struct mf_source *source, bool create)
{
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        if (change->source == source) {
            return change;
        }
    }
    if (!create) {
        return NULL;
    }
    struct mf_change *change = mf_alloc(sizeof(*change));
    if (change == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    change->source = source;
    change->taint = PyDict_New();
    change->fresh = PyList_New(0);
    if (change->taint == NULL || change->fresh == NULL ||
        mf_vec_push(&plan->changes, change) < 0) {
        change_free(change);
        return NULL;
    }
    return add_targets(change) < 0 ? NULL : change;
}

/* ---- names of units ------------------------------------------------------- */

static const struct mf_unit *
unit_of(struct mf_change *change, struct mf_delta *delta, const char **text)
{
    bool new_side = delta->new_unit != MF_UNIT_NONE;
    struct mf_compile_unit_of *of = new_side ? &change->diff.new_of
                                             : &change->diff.old_of;
    *text = PyBytes_AS_STRING(of->text->bytes);
    return &of->split->units[new_side ? delta->new_unit : delta->old_unit];
}

PyObject *
mf_plan_unit_name(struct mf_change *change, struct mf_delta *delta)
{
    const char *text;
    const struct mf_unit *u = unit_of(change, delta, &text);
    PyObject *own;
    if (u->name_len > 0) {
        own = PyUnicode_FromStringAndSize(text + u->name, u->name_len);
    }
    else {
        const char *p = text + u->start + u->indent, *q = p;
        const char *end = text + u->end;
        while (q < end && (Py_ISALNUM(*q) || *q == '_' || *q == '.' ||
                           (unsigned char)*q >= 0x80)) {
            q++;
        }
        own = PyUnicode_DecodeUTF8(p, q - p, "replace");
    }
    if (own == NULL || delta->parent == MF_UNIT_NONE) {
        return own;
    }
    PyObject *outer = mf_plan_unit_name(
        change, &change->diff.deltas[delta->parent]);
    PyObject *full = outer ? PyUnicode_FromFormat("%U.%U", outer, own) : NULL;
    Py_XDECREF(outer);
    Py_DECREF(own);
    return full;
}

long
mf_plan_unit_line(struct mf_change *change, struct mf_delta *delta)
{
    const char *text;
    return (long)unit_of(change, delta, &text)->def_line;
}

PyObject *
mf_plan_live_class(struct mf_target *target, struct mf_delta *delta)
{
    struct mf_change *change = target->change;
    const char *text;
    const struct mf_unit *u = unit_of(change, delta, &text);
    PyObject *dict = target->module->dict;
    if (delta->parent != MF_UNIT_NONE) {
        PyObject *outer = mf_plan_live_class(
            target, &change->diff.deltas[delta->parent]);
        if (outer == NULL) {
            return NULL;
        }
        dict = ((PyTypeObject *)outer)->tp_dict;
    }
    PyObject *name = PyUnicode_FromStringAndSize(text + u->name, u->name_len);
    PyObject *value = name ? PyDict_GetItemWithError(dict, name) : NULL;
    Py_XDECREF(name);
    return value != NULL && PyType_Check(value) &&
                   PyType_HasFeature((PyTypeObject *)value,
                                     Py_TPFLAGS_HEAPTYPE)
               ? value
               : NULL;
}

int
mf_plan_bound_elsewhere(struct mf_change *change, struct mf_delta *delta,
                        PyObject *name)
{
    struct mf_diff *diff = &change->diff;
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    if (word == NULL) {
        return -1;
    }
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != delta->parent || d->new_unit == MF_UNIT_NONE) {
            continue;
        }
        const struct mf_unit *u = &diff->new_of.split->units[d->new_unit];
        const char *text = PyBytes_AS_STRING(diff->new_of.text->bytes);
        if (u->name_len > 0) {
            if (u->name_len == (uint32_t)len &&
                memcmp(text + u->name, word, (size_t)len) == 0) {
                return 1;
            }
            continue;
        }
        if (!mf_diff_may_bind(u, word, (size_t)len)) {
            continue;
        }
        struct mf_names *names = mf_diff_names(diff, d);
        int there = names ? PySet_Contains(names->stores, name) : -1;
        if (there != 0) {
            return there;
        }
    }
    return 0;
}

/* ---- what a changed name means for others ------------------------------------ */

/* Mark a name of the change's module; it is followed once. A replaced value
 * (True) outweighs a changed function (False). */
static int
taint(struct mf_change *change, PyObject *name, bool value)
{
    PyObject *known = PyDict_GetItemWithError(change->taint, name);
    if (known == Py_True || (known != NULL && !value)) {
        return 0;
    }
    if (PyErr_Occurred() ||
        PyDict_SetItem(change->taint, name, value ? Py_True : Py_False) < 0) {
        return -1;
    }
    return PyList_Append(change->fresh, name);
}

/* The one import of the edges that binds the name at module level: -1 if
 * there is none or more than one. */
static Py_ssize_t
import_of(const struct mf_edges *edges, PyObject *name)
{
    Py_ssize_t found = -1;
    for (uint32_t e = 0; e < edges->len; e++) {
        const struct mf_edge *edge = &edges->items[e];
        if (!edge->nested && edge->as != NULL &&
            PyUnicode_Compare(edge->as, name) == 0) {
            if (found >= 0) {
                return -1;
            }
            found = (Py_ssize_t)e;
        }
    }
    return found;
}

/* Both texts import the name from the same place: rearranged imports change
 * no value. */
static bool
same_import(struct mf_change *change, PyObject *name)
{
    Py_ssize_t a = import_of(&change->old_edges, name);
    Py_ssize_t b = import_of(&change->edges, name);
    if (a < 0 || b < 0) {
        return false;
    }
    struct mf_edge *x = &change->old_edges.items[a];
    struct mf_edge *y = &change->edges.items[b];
    return PyUnicode_Compare(x->module, y->module) == 0 &&
           (x->name == NULL) == (y->name == NULL) &&
           (x->name == NULL || PyUnicode_Compare(x->name, y->name) == 0);
}

/* Names that a statement of an edited module binds. */
static int
taint_stores(struct mf_change *change, PyObject *names, bool value)
{
    PyObject *name, *iter = PyObject_GetIter(names);
    int rc = iter == NULL ? -1 : 0;
    while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        rc = same_import(change, name) ? 0 : taint(change, name, value);
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

static bool
is_word_char(char c)
{
    return Py_ISALNUM(c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool
mentions(const char *text, size_t from, size_t to, const char *word, size_t n)
{
    const char *p = text + from, *end = text + to;
    while (n > 0 && (p = memmem(p, (size_t)(end - p), word, n)) != NULL) {
        if ((p == text || !is_word_char(p[-1])) &&
            (p + n >= end || !is_word_char(p[n]))) {
            return true;
        }
        p += n;
    }
    return false;
}

/* Does what the unit does at import time mention the word? Bodies of
 * functions are left out. */
static bool
unit_mentions(struct mf_compile_unit_of *of, uint32_t unit, const char *word,
              size_t n, uint64_t bits)
{
    const struct mf_unit *u = &of->split->units[unit];
    const char *text = PyBytes_AS_STRING(of->text->bytes);
    if ((u->words & bits) != bits) {
        return false;
    }
    if (u->kind == MF_UNIT_DEF) {
        return mentions(text, u->start, u->body, word, n);
    }
    if (u->kind == MF_UNIT_CLASS && u->first_child != MF_UNIT_NONE) {
        if (mentions(text, u->start, u->body, word, n)) {
            return true;
        }
        for (uint32_t c = u->first_child; c != MF_UNIT_NONE;
             c = of->split->units[c].next) {
            if (unit_mentions(of, c, word, n, bits)) {
                return true;
            }
        }
        return false;
    }
    return mentions(text, u->start, u->end, word, n);
}

/* Does the unit read the tainted name (maybe "alias.attr") at import time?
 * 1 / 0 / -1. */
static int
unit_reads(struct mf_change *change, struct mf_delta *delta, PyObject *name,
           bool value)
{
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    if (word == NULL) {
        return -1;
    }
    const char *dot = memchr(word, '.', (size_t)len);
    size_t root = dot ? (size_t)(dot - word) : (size_t)len;
    const char *attr = NULL;
    for (const char *p = dot; p != NULL; p = strchr(p + 1, '.')) {
        attr = p + 1;
    }
    struct mf_compile_unit_of *of = &change->diff.new_of;
    if (!unit_mentions(of, delta->new_unit, word, root,
                       mf_split_word(word, root)) ||
        (attr != NULL &&
         !unit_mentions(of, delta->new_unit, attr, strlen(attr),
                        mf_split_word(attr, strlen(attr))))) {
        return 0;
    }
    struct mf_names *names = mf_diff_names(&change->diff, delta);
    if (names == NULL) {
        return -1;
    }
    if (!value && !names->calls) {
        return 0;
    }
    PyObject *first = PyUnicode_FromStringAndSize(word, (Py_ssize_t)root);
    int yes = first ? PySet_Contains(names->loads, first) : -1;
    Py_XDECREF(first);
    if (yes == 1 && attr != NULL) {
        PyObject *last = PyUnicode_FromString(attr);
        yes = last ? PySet_Contains(names->attrs, last) : -1;
        Py_XDECREF(last);
    }
    return yes;
}

/* ---- derived statements -------------------------------------------------------- */

/* The line at which a module's own code stands still (a main module whose
 * last statement runs the program); 0 if none of its frames lives. */
static int
line_of_module_frame(PyObject *dict, PyObject *path)
{
    int line = 0;
    PyThreadState *ts = PyInterpreterState_ThreadHead(
        PyInterpreterState_Get());
    for (; ts != NULL && line == 0; ts = PyThreadState_Next(ts)) {
        PyFrameObject *frame = PyThreadState_GetFrame(ts);
        while (frame != NULL) {
            PyCodeObject *code = PyFrame_GetCode(frame);
            PyObject *globals = PyFrame_GetGlobals(frame);
            if (globals == dict && !(code->co_flags & CO_OPTIMIZED) &&
                PyUnicode_Compare(code->co_filename, path) == 0 &&
                PyUnicode_CompareWithASCIIString(code->co_name,
                                                 "<module>") == 0) {
                line = PyFrame_GetLineNumber(frame);
            }
            Py_DECREF(globals);
            Py_DECREF(code);
            PyFrameObject *back = line ? NULL : PyFrame_GetBack(frame);
            Py_DECREF(frame);
            frame = back;
        }
    }
    return line;
}

/* A statement that a live module frame is inside, or has not come to yet,
 * does not run aside. */
static bool
is_under_way(struct mf_change *change, struct mf_delta *delta)
{
    if (delta->old_unit == MF_UNIT_NONE || change->targets.len == 0) {
        return false;
    }
    for (size_t i = 0; i < change->targets.len; i++) {
        struct mf_target *target = change->targets.items[i];
        if (PyUnicode_CompareWithASCIIString(target->module->name,
                                             "__main__") != 0) {
            continue;
        }
        int line = line_of_module_frame(target->module->dict,
                                        change->source->path);
        if (line > 0 &&
            (int)change->diff.old_of.split->units[delta->old_unit].end_line >=
                line) {
            return true;
        }
    }
    return false;
}

/* May a derived statement run: what it has bound until now computes a value.
 * 1 / 0 / -1. */
static int
may_run(struct mf_change *change, struct mf_delta *delta)
{
    const struct mf_unit *u =
        &change->diff.new_of.split->units[delta->new_unit];
    if (is_under_way(change, delta)) {
        return 0;
    }
    if (u->kind == MF_UNIT_DEF || u->kind == MF_UNIT_CLASS) {
        return 1;
    }
    struct mf_names *names = mf_diff_names(&change->diff, delta);
    if (names == NULL) {
        return -1;
    }
    if (PySet_GET_SIZE(names->stores) == 0) {
        return 0;
    }
    int yes = 1;
    PyObject *name, *iter = PyObject_GetIter(names->stores);
    while (iter != NULL && yes == 1 && (name = PyIter_Next(iter)) != NULL) {
        for (size_t i = 0; i < change->targets.len; i++) {
            struct mf_target *target = change->targets.items[i];
            PyObject *live = PyDict_GetItemWithError(target->module->dict,
                                                     name);
            if (live != NULL && !mf_plan_is_plain(live, 0)) {
                yes = 0;
            }
        }
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return PyErr_Occurred() ? -1 : yes;
}

static int mark_runs(struct mf_change *change, struct mf_delta *delta,
                     bool derived);
static int taint_members(struct mf_change *change, uint32_t at);
static bool members_run(struct mf_diff *diff, uint32_t parent);

static bool members_differ(struct mf_diff *diff, uint32_t parent);

/* A running statement that uses a class whose members differ must see the new
 * class: then the whole class statement runs too. */
static int
promote_classes(struct mf_change *change, struct mf_names *names)
{
    struct mf_diff *diff = &change->diff;
    const char *text = PyBytes_AS_STRING(diff->new_of.text->bytes);
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->kind != MF_DELTA_CLASS || d->parent != MF_UNIT_NONE ||
            d->runs || !members_differ(diff, i)) {
            continue;
        }
        const struct mf_unit *u = &diff->new_of.split->units[d->new_unit];
        PyObject *name = PyUnicode_FromStringAndSize(text + u->name,
                                                     u->name_len);
        int used = name ? PySet_Contains(names->loads, name) : -1;
        Py_XDECREF(name);
        if (used < 0) {
            return -1;
        }
        if (used) {
            d->kind = MF_DELTA_RUN;
            if (mark_runs(change, d, false) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* Statements before `delta` that bind a name which it reads and which is
 * bound more than once run again too, so that it sees each name as it stood
 * at its place. */
static int
mark_prerequisites(struct mf_change *change, struct mf_delta *delta)
{
    struct mf_names *names = mf_diff_names(&change->diff, delta);
    if (names == NULL) {
        return -1;
    }
    struct mf_diff *diff = &change->diff;
    uint32_t at = (uint32_t)(delta - diff->deltas);
    PyObject *name, *iter = PyObject_GetIter(names->loads);
    if (iter == NULL) {
        return -1;
    }
    int rc = 0;
    while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        Py_ssize_t len;
        const char *word = PyUnicode_AsUTF8AndSize(name, &len);
        uint64_t bits = mf_split_word(word, (size_t)len);
        int binders = 0;
        uint32_t before[16], n = 0;
        for (uint32_t i = 0; rc == 0 && i < diff->len; i++) {
            struct mf_delta *d = &diff->deltas[i];
            if (d->parent != MF_UNIT_NONE || d->new_unit == MF_UNIT_NONE) {
                continue;
            }
            const struct mf_unit *u = &diff->new_of.split->units[d->new_unit];
            bool named = (u->kind == MF_UNIT_DEF ||
                          u->kind == MF_UNIT_CLASS);
            if (named) {
                const char *text =
                    PyBytes_AS_STRING(diff->new_of.text->bytes);
                if (u->name_len != (uint32_t)len ||
                    memcmp(text + u->name, word, (size_t)len) != 0) {
                    continue;
                }
            }
            else {
                if (!unit_mentions(&diff->new_of, d->new_unit, word,
                                   (size_t)len, bits)) {
                    continue;
                }
                struct mf_names *other = mf_diff_names(diff, d);
                rc = other ? 0 : -1;
                if (rc < 0 || PySet_Contains(other->stores, name) != 1) {
                    continue;
                }
            }
            binders++;
            if (i < at && n < Py_ARRAY_LENGTH(before)) {
                before[n++] = i;
            }
        }
        for (uint32_t i = 0; rc == 0 && binders > 1 && i < n; i++) {
            struct mf_delta *d = &diff->deltas[before[i]];
            if (!d->runs) {
                d->prerequisite = true;
                rc = mark_runs(change, d, true);
            }
        }
        Py_DECREF(name);
    }
    Py_DECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* The statement runs; what it binds is replaced, unless it defines a function
 * or class that is redefined in place. */
static int
mark_runs(struct mf_change *change, struct mf_delta *delta, bool derived)
{
    if (delta->runs) {
        return 0;
    }
    struct mf_diff *diff = &change->diff;
    const struct mf_unit *u = &diff->new_of.split->units[delta->new_unit];
    if ((u->flags & MF_UNIT_MAIN_GUARD) || is_under_way(change, delta)) {
        return 0;
    }
    if (delta->kind != MF_DELTA_ADDED) {
        PyObject *rule = mf_plan_comment_rule(&diff->new_of, delta->new_unit);
        bool once = rule != NULL &&
                    PyUnicode_CompareWithASCIIString(rule, "once") == 0;
        Py_XDECREF(rule);
        if (once || PyErr_Occurred()) {
            return PyErr_Occurred() ? -1 : 0;
        }
    }
    delta->runs = true;
    delta->derived = derived;
    struct mf_names *names = mf_diff_names(diff, delta);
    if (names == NULL) {
        return -1;
    }
    bool in_place = (u->kind == MF_UNIT_DEF || u->kind == MF_UNIT_CLASS) &&
                    delta->kind != MF_DELTA_ADDED;
    if (in_place && u->kind == MF_UNIT_CLASS) {
        /* redefined in place: only its members' changes are seen elsewhere */
        if (taint_members(change, (uint32_t)(delta - diff->deltas)) < 0) {
            return -1;
        }
    }
    else if (!delta->prerequisite &&
             taint_stores(change, names->stores, !in_place) < 0) {
        return -1;
    }
    return promote_classes(change, names) < 0
               ? -1
               : mark_prerequisites(change, delta);
}

/* A derived statement that may not run: said once, where it binds something
 * that the program uses. */
static int
note_stale(struct mf_change *change, struct mf_delta *delta, PyObject *name,
           struct mf_report *report)
{
    struct mf_names *names = mf_diff_names(&change->diff, delta);
    delta->stale = true;
    if (names == NULL || PySet_GET_SIZE(names->stores) == 0) {
        return names ? 0 : -1;
    }
    PyObject *what = mf_plan_unit_name(change, delta);
    struct mf_module *m = change->source->modules.items[0];
    int rc = what ? mf_report_add(report, 301, '=', m->name, what,
                                  change->source->path,
                                  mf_plan_unit_line(change, delta),
                                  "%U reads %U, which changed; it was not run "
                                  "again: it made something with a state of "
                                  "its own",
                                  what, name)
                  : -1;
    Py_XDECREF(what);
    return rc;
}

static bool class_has_say(struct mf_target *target, struct mf_delta *delta);

/* A derived member may run if what it has bound in the class is plain. */
static int
may_run_member(struct mf_change *change, uint32_t cls_delta,
               struct mf_delta *delta)
{
    if (change->diff.new_of.split->units[delta->new_unit].name_len > 0) {
        return 1;
    }
    struct mf_names *names = mf_diff_names(&change->diff, delta);
    PyObject *name, *iter = names ? PyObject_GetIter(names->stores) : NULL;
    int yes = iter ? 1 : -1;
    while (yes == 1 && (name = PyIter_Next(iter)) != NULL) {
        for (size_t t = 0; t < change->targets.len; t++) {
            PyObject *cls = mf_plan_live_class(
                change->targets.items[t], &change->diff.deltas[cls_delta]);
            PyObject *live =
                cls ? PyDict_GetItemWithError(((PyTypeObject *)cls)->tp_dict,
                                              name)
                    : NULL;
            if (live != NULL && !mf_plan_is_plain(live, 0)) {
                yes = 0;
            }
        }
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return PyErr_Occurred() ? -1 : yes;
}

/* Members of a class that read the name run, alone where the class allows. */
static int
follow_in_class(struct mf_change *change, uint32_t at, PyObject *name,
                bool value)
{
    struct mf_diff *diff = &change->diff;
    if (mf_diff_open_class(diff, at) < 0) {
        return -1;
    }
    bool any = false;
    for (uint32_t i = at + 1; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != at || d->new_unit == MF_UNIT_NONE ||
            d->kind == MF_DELTA_RUN || d->kind == MF_DELTA_ADDED) {
            continue;
        }
        int reads = unit_reads(change, d, name, value);
        if (reads > 0) {
            reads = may_run_member(change, at, &diff->deltas[i]);
        }
        if (reads < 0) {
            return -1;
        }
        if (reads) {
            diff->deltas[i].kind = MF_DELTA_RUN;
            diff->deltas[i].derived = true;
            any = true;
        }
    }
    bool say = false;
    for (size_t t = 0; t < change->targets.len && any && !say; t++) {
        say = class_has_say(change->targets.items[t], &diff->deltas[at]);
    }
    return say ? mark_runs(change, &diff->deltas[at], true) : 0;
}

/* The class line itself, decorators included, reads the name. */
static bool
header_mentions(struct mf_compile_unit_of *of, uint32_t unit, PyObject *name)
{
    const struct mf_unit *u = &of->split->units[unit];
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    const char *dot = word ? memchr(word, '.', (size_t)len) : NULL;
    if (word == NULL) {
        PyErr_Clear();
        return true;
    }
    return mentions(PyBytes_AS_STRING(of->text->bytes), u->start, u->body,
                    word, dot ? (size_t)(dot - word) : (size_t)len);
}

static int
follow_in_unit(struct mf_change *change, uint32_t at, PyObject *name,
               bool value, struct mf_report *report)
{
    struct mf_diff *diff = &change->diff;
    struct mf_delta *delta = &diff->deltas[at];
    const struct mf_unit *u = &diff->new_of.split->units[delta->new_unit];
    if (u->kind == MF_UNIT_IMPORT || u->kind == MF_UNIT_FROM ||
        (u->flags & MF_UNIT_MAIN_GUARD)) {
        return 0;
    }
    int reads = unit_reads(change, delta, name, value);
    if (reads <= 0) {
        return reads;
    }
    if (u->kind == MF_UNIT_CLASS && u->first_child != MF_UNIT_NONE &&
        !(u->flags & MF_UNIT_ONE_LINE) &&
        !header_mentions(&diff->new_of, delta->new_unit, name)) {
        return follow_in_class(change, at, name, value);
    }
    if (u->kind == MF_UNIT_CLASS && delta->old_unit != MF_UNIT_NONE &&
        mf_diff_open_class(diff, at) < 0) {
        return -1;
    }
    delta = &diff->deltas[at];
    int may = may_run(change, delta);
    if (may < 0) {
        return -1;
    }
    return may ? mark_runs(change, delta, true)
               : note_stale(change, delta, name, report);
}

static int
follow_in_module(struct mf_change *change, PyObject *name, bool value,
                 struct mf_report *report)
{
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    if (word == NULL) {
        return -1;
    }
    const char *dot = memchr(word, '.', (size_t)len);
    uint64_t bits = mf_split_word(word, dot ? (size_t)(dot - word)
                                            : (size_t)len);
    for (uint32_t i = 0; i < change->diff.len; i++) {
        struct mf_delta *delta = &change->diff.deltas[i];
        if (delta->parent == MF_UNIT_NONE && !delta->runs && !delta->stale &&
            delta->new_unit != MF_UNIT_NONE &&
            (change->diff.new_of.split->units[delta->new_unit].words & bits) ==
                bits &&
            follow_in_unit(change, i, name, value, report) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Functions of the same module that import-time code calls and that reach the
 * name: their results differ too. */
static int
follow_callers(struct mf_change *change, PyObject *name)
{
    for (size_t t = 0; t < change->targets.len; t++) {
        struct mf_target *target = change->targets.items[t];
        PyObject *loads = target->module->loads, *used;
        if (loads == NULL) {
            continue;
        }
        PyObject *iter = PyObject_GetIter(loads);
        if (iter == NULL) {
            return -1;
        }
        int rc = 0;
        while (rc == 0 && (used = PyIter_Next(iter)) != NULL) {
            PyObject *value =
                PyDict_GetItemWithError(target->module->dict, used);
            if (value != NULL && PyFunction_Check(value) &&
                PyFunction_GET_GLOBALS(value) == target->module->dict) {
                struct mf_names names;
                rc = mf_names_init(&names);
                if (rc == 0) {
                    rc = mf_names_of_function(&names,
                                              PyFunction_GET_CODE(value));
                    if (rc == 0 && PySet_Contains(names.loads, name) == 1) {
                        rc = taint(change, used, false);
                    }
                    mf_names_clear(&names);
                }
            }
            Py_DECREF(used);
        }
        Py_DECREF(iter);
        if (rc < 0 || PyErr_Occurred()) {
            return -1;
        }
    }
    return 0;
}

/* Sources whose import-time code reaches the function through others: there
 * the names that reach it are marked. */
static int prepare_change(struct mf_change *change);

static int
follow_reachers(struct mf_state *state, struct mf_plan *plan,
                struct mf_change *change, PyObject *module_name,
                PyObject *name)
{
    PyObject *list = mf_graph_reachers(state, module_name, name);
    for (Py_ssize_t i = 0; list != NULL && i < PyList_GET_SIZE(list); i++) {
        struct mf_source *source =
            state->sources.items[PyLong_AsSize_t(PyList_GET_ITEM(list, i))];
        if (source->modules.len == 0) {
            continue;
        }
        struct mf_change *other = mf_plan_change(plan, source, true);
        if (other == NULL ||
            (other != change && other->diff.deltas == NULL &&
             other->kind == MF_CHANGE_NONE && prepare_change(other) < 0)) {
            return -1;
        }
        struct mf_module *module = source->modules.items[0];
        PyObject *used, *iter =
                            module->loads ? PyObject_GetIter(module->loads)
                                          : NULL;
        int rc = 0;
        while (iter != NULL && rc == 0 && (used = PyIter_Next(iter)) != NULL) {
            rc = mf_graph_reaches(state, module, used, module_name, name);
            rc = rc == 1 ? taint(other, used, false) : rc;
            Py_DECREF(used);
        }
        Py_XDECREF(iter);
        if (rc < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* ---- importers --------------------------------------------------------------------- */

static int prepare_change(struct mf_change *change);

static int
add_bind(struct mf_change *change, uint32_t edge)
{
    PyObject *number = PyLong_FromUnsignedLong(edge);
    int rc = number == NULL ? -1 : 0;
    for (size_t i = 0; i < change->targets.len && rc == 0; i++) {
        struct mf_target *target = change->targets.items[i];
        int there = PySequence_Contains(target->binds, number);
        rc = there < 0 ? -1
             : there   ? 0
                       : PyList_Append(target->binds, number);
    }
    Py_XDECREF(number);
    return rc;
}

/* The class delta that an import statement stands in, or NONE. */
static uint32_t
class_at(struct mf_change *change, struct mf_edge *edge)
{
    if (change->diff.new_of.split->units[edge->unit].kind != MF_UNIT_CLASS) {
        return MF_UNIT_NONE;
    }
    for (uint32_t i = 0; i < change->diff.len; i++) {
        if (change->diff.deltas[i].new_unit == edge->unit) {
            return i;
        }
    }
    return MF_UNIT_NONE;
}

/* An import in a class body follows as a member that runs. */
static int
run_class_import(struct mf_change *change, uint32_t at, struct mf_edge *edge)
{
    struct mf_diff *diff = &change->diff;
    if (diff->deltas[at].old_unit == MF_UNIT_NONE ||
        mf_diff_open_class(diff, at) < 0) {
        return diff->deltas[at].old_unit == MF_UNIT_NONE ? 0 : -1;
    }
    for (uint32_t i = at + 1; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != at || d->new_unit == MF_UNIT_NONE) {
            continue;
        }
        const struct mf_unit *u = &diff->new_of.split->units[d->new_unit];
        if (u->line <= edge->line && edge->line <= u->end_line &&
            d->kind == MF_DELTA_SAME) {
            d->kind = MF_DELTA_RUN;
            d->derived = true;
        }
    }
    return 0;
}

/* One edge of an importer, one tainted name of the module it comes from. */
static int
follow_edge(struct mf_change *importer, uint32_t at, PyObject *module_name,
            PyObject *name, bool value)
{
    struct mf_edge *edge = &importer->edges.items[at];
    if (edge->nested) {
        return 0;
    }
    if (edge->name != NULL &&
        PyUnicode_Compare(edge->module, module_name) == 0) {
        bool star = PyUnicode_CompareWithASCIIString(edge->name, "*") == 0;
        if (PyUnicode_CompareWithASCIIString(name, "__getattr__") == 0 &&
            !star && edge->as != NULL) {
            /* a name that only the module's __getattr__ gives */
            return add_bind(importer, at) < 0
                       ? -1
                       : taint(importer, edge->as, true);
        }
        Py_ssize_t n = PyUnicode_GET_LENGTH(edge->name);
        if (!star && PyUnicode_GET_LENGTH(name) > n &&
            PyUnicode_READ_CHAR(name, n) == '.' && edge->as != NULL &&
            PyUnicode_Tailmatch(name, edge->name, 0, PY_SSIZE_T_MAX, -1) ==
                1) {
            PyObject *rest = PyUnicode_Substring(
                name, n, PyUnicode_GET_LENGTH(name));
            PyObject *full =
                rest ? PyUnicode_FromFormat("%U%U", edge->as, rest) : NULL;
            int rc = full ? taint(importer, full, value) : -1;
            Py_XDECREF(rest);
            Py_XDECREF(full);
            return rc;
        }
        if (!star && PyUnicode_Compare(edge->name, name) != 0) {
            return 0;
        }
        uint32_t in_class = class_at(importer, edge);
        if (in_class != MF_UNIT_NONE) {
            return value ? run_class_import(importer, in_class, edge) : 0;
        }
        if (value && add_bind(importer, at) < 0) {
            return -1;
        }
        return taint(importer, star ? name : edge->as, value);
    }
    /* the module itself is bound: under an alias, by its dotted name, or as
     * a submodule taken from its package */
    PyObject *bound = NULL;
    if (edge->name == NULL) {
        Py_ssize_t n = PyUnicode_GET_LENGTH(edge->module);
        if (PyUnicode_Compare(edge->module, module_name) == 0) {
            bool dotted = PyUnicode_FindChar(edge->module, '.', 0, n, 1) >= 0 &&
                          PyUnicode_Tailmatch(edge->module, edge->as, 0, n,
                                              -1) == 1;
            bound = Py_NewRef(dotted ? edge->module : edge->as);
        }
    }
    else {
        PyObject *sub = PyUnicode_FromFormat("%U.%U", edge->module,
                                             edge->name);
        if (sub == NULL) {
            return -1;
        }
        if (PyUnicode_Compare(sub, module_name) == 0 && edge->as != NULL) {
            bound = Py_NewRef(edge->as);
        }
        Py_DECREF(sub);
    }
    if (bound == NULL) {
        return 0;
    }
    PyObject *reached = PyUnicode_FromFormat("%U.%U", bound, name);
    Py_DECREF(bound);
    int rc = reached ? taint(importer, reached, value) : -1;
    Py_XDECREF(reached);
    return rc;
}

/* Does import-time code of an unedited importer use the name under which it
 * has it? Then it must be looked at; else only a binding may follow. */
static bool
importer_cares(struct mf_source *source, PyObject *name)
{
    struct mf_module *module = source->modules.items[0];
    return module->loads == NULL ||
           PySet_Contains(module->loads, name) != 0;
}

static int
follow_importers(struct mf_state *state, struct mf_plan *plan,
                 struct mf_change *change, PyObject *module_name,
                 PyObject *name, bool value)
{
    Py_ssize_t dot =
        PyUnicode_FindChar(name, '.', 0, PyUnicode_GET_LENGTH(name), 1);
    if (dot >= 0) {
        /* an attribute of one of our classes is reached through the class;
         * what we reach through a module ourselves is our own */
        PyObject *root = PyUnicode_Substring(name, 0, dot);
        if (root == NULL) {
            return -1;
        }
        bool ours = mf_plan_class_delta(change, root) != MF_UNIT_NONE;
        Py_DECREF(root);
        if (!ours) {
            return 0;
        }
    }
    PyObject *list = mf_graph_importers(state, module_name);
    if (list == NULL && PyErr_Occurred()) {
        return -1;
    }
    for (Py_ssize_t i = 0; list != NULL && i < PyList_GET_SIZE(list); i++) {
        size_t at = PyLong_AsSize_t(PyList_GET_ITEM(list, i));
        struct mf_source *source = state->sources.items[at];
        if (source == change->source || source->modules.len == 0) {
            continue;
        }
        struct mf_change *importer = mf_plan_change(plan, source, false);
        if (importer == NULL) {
            struct mf_edges edges = {0};
            struct mf_module *m = source->modules.items[0];
            bool wanted = value || PyUnicode_CompareWithASCIIString(
                                       name, "__getattr__") == 0;
            /* others may have the name from this one */
            bool passes = mf_graph_importers(state, m->name) != NULL;
            if (PyErr_Occurred()) {
                return -1;
            }
            if (!wanted && !passes && !source->renames &&
                !importer_cares(source, name)) {
                continue;
            }
            if (!wanted &&
                mf_graph_edges(&source->text, &source->split, m->name,
                               mf_source_is_package(m), &edges) < 0) {
                return -1;
            }
            for (uint32_t e = 0; !wanted && e < edges.len; e++) {
                PyObject *as = edges.items[e].as;
                PyObject *taken = edges.items[e].name;
                bool named = taken != NULL &&
                             PyUnicode_Compare(taken, name) == 0;
                wanted = (named && passes) ||
                         importer_cares(source, named && as ? as : name);
            }
            mf_edges_clear(&edges);
            if (!wanted) {
                continue;
            }
            importer = mf_plan_change(plan, source, true);
            if (importer == NULL || prepare_change(importer) < 0) {
                return -1;
            }
        }
        if (importer->kind == MF_CHANGE_DELETED) {
            continue;
        }
        for (uint32_t e = 0; e < importer->edges.len; e++) {
            if (follow_edge(importer, e, module_name, name, value) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* ---- edited modules ------------------------------------------------------------------ */

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
            while (is_word_char(*p)) {
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
static bool
class_has_say(struct mf_target *target, struct mf_delta *delta)
{
    const struct mf_unit *u =
        &target->change->diff.new_of.split->units[delta->new_unit];
    const char *text = PyBytes_AS_STRING(
        target->change->diff.new_of.text->bytes);
    if ((u->flags & MF_UNIT_DECORATED) ||
        text[u->name + u->name_len] == '[' ||
        annotations_differ(&target->change->diff, delta)) {
        return true;
    }
    PyObject *cls = mf_plan_live_class(target, delta);
    if (cls == NULL || Py_TYPE(cls) != &PyType_Type) {
        return true;
    }
    PyObject *mro = ((PyTypeObject *)cls)->tp_mro;
    for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        if (base == &PyBaseObject_Type) {
            break;
        }
        if (base->tp_dict != NULL &&
            PyDict_GetItemString(base->tp_dict, "__init_subclass__") !=
                NULL) {
            return true;
        }
    }
    return false;
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

static bool
members_differ(struct mf_diff *diff, uint32_t parent)
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
            if (mentions(PyBytes_AS_STRING(of->text->bytes), u->start, u->end,
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

static int
plan_class(struct mf_change *change, uint32_t at)
{
    struct mf_diff *diff = &change->diff;
    struct mf_delta *delta = &diff->deltas[at];
    if (delta->kind == MF_DELTA_CLASS && members_run(diff, at)) {
        bool say = false;
        for (size_t t = 0; t < change->targets.len && !say; t++) {
            say = class_has_say(change->targets.items[t], delta);
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
        rc = full ? taint(change, full, true) : -1;
        Py_XDECREF(full);
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* What calls of a class's changed members give: "Class.member"; making an
 * instance calls the special ones. */
static int
taint_members(struct mf_change *change, uint32_t at)
{
    struct mf_diff *diff = &change->diff;
    PyObject *cls = mf_plan_unit_name(change, &diff->deltas[at]);
    PyObject *space = cls ? PyUnicode_FromFormat("%U.__dict__", cls) : NULL;
    int rc = space && members_run(diff, at) ? taint(change, space, true)
             : space                        ? 0
                                            : -1;
    Py_XDECREF(space);
    for (uint32_t i = at + 1; i < diff->len && rc == 0; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != at || d->kind == MF_DELTA_SAME) {
            continue;
        }
        const char *text;
        if (unit_of(change, d, &text)->name_len == 0) {
            rc = taint_attributes(change, cls, d);
            continue;
        }
        PyObject *full = mf_plan_unit_name(change, d);
        if (full == NULL) {
            rc = -1;
            break;
        }
        bool special = runs_at_making(full);
        rc = taint(change, special ? cls : full, false);
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
        return names ? taint_stores(change, names->stores, true) : -1;
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
                rc = taint_stores(change, old_names.stores, true);
            }
            mf_names_clear(&old_names);
            if (rc < 0) {
                return -1;
            }
        }
        return mark_runs(change, delta, false);
    }
    if ((u->kind == MF_UNIT_DEF || u->kind == MF_UNIT_CLASS) &&
        (delta->kind == MF_DELTA_CODE || members_differ(diff, at))) {
        const char *text = PyBytes_AS_STRING(diff->new_of.text->bytes);
        if (u->kind == MF_UNIT_CLASS) {
            return taint_members(change, at);
        }
        PyObject *name = PyUnicode_FromStringAndSize(text + u->name,
                                                     u->name_len);
        bool used = false;
        if (name != NULL) {
            /* only nested bodies differ: calling it gives what it gave, and
             * that has followed */
            PyObject *a = mf_diff_old_code(diff, delta);
            PyObject *b = a ? mf_diff_new_code(diff, delta) : NULL;
            used = true;
            if (b != NULL) {
                PyObject *x = mf_source_flatten(a), *y = mf_source_flatten(b);
                Py_ssize_t n = x && y ? PyList_GET_SIZE(x) : 0;
                used = !(x && y && n == PyList_GET_SIZE(y));
                for (Py_ssize_t i = 0; i < n && !used; i++) {
                    used = mf_diff_code_equal(PyList_GET_ITEM(x, i),
                                              PyList_GET_ITEM(y, i), 0) != 1;
                }
                Py_XDECREF(x);
                Py_XDECREF(y);
            }
        }
        int rc = name == NULL || PyErr_Occurred() ? -1
                 : used ? taint(change, name, false)
                        : 0;
        Py_XDECREF(name);
        return rc;
    }
    return 0;
}

/* New side of a change that was not edited: its own baseline. */
static int
prepare_change(struct mf_change *change)
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
        source->path, &source->text, &source->split, old_flags, NULL};
    diff->new_of = (struct mf_compile_unit_of){
        source->path, &change->text, &change->split, change->flags, NULL};
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

static int
edit_change(struct mf_change *change, struct mf_report *report)
{
    struct mf_diff *diff = &change->diff;
    int rc = prepare_change(change);
    for (uint32_t i = 0; rc == 0 && i < diff->len; i++) {
        if (diff->deltas[i].parent == MF_UNIT_NONE) {
            rc = plan_unit(change, &diff->deltas[i]);
        }
    }
    if (rc == 0) {
        /* every changed function is compiled now: a syntax error shows here */
        for (uint32_t i = 0; rc == 0 && i < diff->len; i++) {
            if (diff->deltas[i].kind == MF_DELTA_CODE &&
                mf_diff_new_code(diff, &diff->deltas[i]) == NULL) {
                rc = -1;
            }
        }
    }
    if (rc < 0 && (PyErr_ExceptionMatches(PyExc_SyntaxError) ||
                   PyErr_ExceptionMatches(PyExc_ValueError) ||
                   PyErr_ExceptionMatches(PyExc_RecursionError) ||
                   PyErr_ExceptionMatches(PyExc_OverflowError))) {
        /* the whole file has the true error */
        PyObject *type, *value, *tb;
        PyErr_Fetch(&type, &value, &tb);
        PyObject *code = mf_compile_text(change->source->path, &change->text,
                                         0);
        if (code != NULL) {
            Py_DECREF(code);
            PyErr_Restore(type, value, tb);
        }
        else {
            Py_XDECREF(type);
            Py_XDECREF(value);
            Py_XDECREF(tb);
        }
        struct mf_module *m = change->source->modules.items[0];
        return mf_report_exception(report, 401, m->name, NULL,
                                   change->source->path, 1);
    }
    return rc;
}

/* ---- order ------------------------------------------------------------------------------ */

static int order_from(struct mf_plan *plan, PyObject *by_name,
                      struct mf_change *change);

/* The change of a module, if it is one, and what it imports first. */
static int
order_module(struct mf_plan *plan, PyObject *by_name, PyObject *module)
{
    PyObject *number = PyDict_GetItemWithError(by_name, module);
    return number != NULL
               ? order_from(plan, by_name,
                            plan->changes.items[PyLong_AsSize_t(number)])
           : PyErr_Occurred() ? -1
                              : 0;
}

/* dict: name of a live module -> number of its change */
static PyObject *
changes_by_name(struct mf_plan *plan)
{
    PyObject *by_name = PyDict_New();
    for (size_t i = 0; i < plan->changes.len && by_name != NULL; i++) {
        struct mf_change *change = plan->changes.items[i];
        PyObject *number = PyLong_FromSize_t(i);
        int rc = number ? 0 : -1;
        for (size_t t = 0; t < change->targets.len && rc == 0; t++) {
            struct mf_target *target = change->targets.items[t];
            rc = PyDict_SetItem(by_name, target->module->name, number);
        }
        Py_XDECREF(number);
        if (rc < 0) {
            Py_CLEAR(by_name);
        }
    }
    return by_name;
}

static int
order_from(struct mf_plan *plan, PyObject *by_name, struct mf_change *change)
{
    if (change->visit != 0) {
        return 0; /* done, or a cycle: one group, first come */
    }
    change->visit = 1;
    for (uint32_t e = 0; e < change->edges.len; e++) {
        struct mf_edge *edge = &change->edges.items[e];
        PyObject *sub = edge->name ? PyUnicode_FromFormat("%U.%U", edge->module,
                                                          edge->name)
                                   : Py_NewRef(edge->module);
        int rc = sub == NULL || order_module(plan, by_name, edge->module) < 0 ||
                         order_module(plan, by_name, sub) < 0
                     ? -1
                     : 0;
        Py_XDECREF(sub);
        if (rc < 0) {
            return -1;
        }
    }
    change->visit = 2;
    for (size_t i = 0; i < change->targets.len; i++) {
        if (mf_vec_push(&plan->targets, change->targets.items[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

/* A module whose file is gone: import statements that name it run again, and
 * find what there is now. */
static int
follow_deleted(struct mf_state *state, struct mf_plan *plan,
               struct mf_change *gone)
{
    for (size_t t = 0; t < gone->targets.len; t++) {
        struct mf_target *target = gone->targets.items[t];
        PyObject *name = target->module->name;
        PyObject *list = mf_graph_importers(state, name);
        for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list); i++) {
            struct mf_source *source =
                state->sources.items[PyLong_AsSize_t(PyList_GET_ITEM(list,
                                                                     i))];
            if (source == gone->source || source->modules.len == 0) {
                continue;
            }
            struct mf_change *change = mf_plan_change(plan, source, true);
            if (change == NULL ||
                (change->diff.deltas == NULL &&
                 change->kind == MF_CHANGE_NONE &&
                 prepare_change(change) < 0)) {
                return -1;
            }
            for (uint32_t e = 0; e < change->edges.len; e++) {
                struct mf_edge *edge = &change->edges.items[e];
                PyObject *sub = edge->name ? PyUnicode_FromFormat(
                                                 "%U.%U", edge->module,
                                                 edge->name)
                                           : Py_NewRef(edge->module);
                bool hit = sub != NULL && !edge->nested &&
                           (PyUnicode_Compare(edge->module, name) == 0 ||
                            PyUnicode_Compare(sub, name) == 0);
                Py_XDECREF(sub);
                for (uint32_t d = 0; hit && d < change->diff.len; d++) {
                    struct mf_delta *delta = &change->diff.deltas[d];
                    if (delta->parent == MF_UNIT_NONE &&
                        delta->new_unit == edge->unit &&
                        mark_runs(change, delta, false) < 0) {
                        return -1;
                    }
                }
            }
        }
        if (PyErr_Occurred()) {
            return -1;
        }
    }
    return 0;
}

static int
follow_all(struct mf_state *state, struct mf_plan *plan,
           struct mf_report *report)
{
    bool again = true;
    while (again) {
        again = false;
        for (size_t i = 0; i < plan->changes.len; i++) {
            struct mf_change *change = plan->changes.items[i];
            while (PyList_GET_SIZE(change->fresh) > 0) {
                again = true;
                PyObject *name = Py_NewRef(PyList_GET_ITEM(change->fresh, 0));
                int rc = PyList_SetSlice(change->fresh, 0, 1, NULL);
                bool value = PyDict_GetItem(change->taint, name) == Py_True;
                if (rc == 0 && change->kind != MF_CHANGE_DELETED) {
                    rc = follow_in_module(change, name, value, report);
                }
                if (rc == 0) {
                    rc = follow_callers(change, name);
                }
                for (size_t t = 0; rc == 0 && t < change->targets.len; t++) {
                    struct mf_target *target = change->targets.items[t];
                    rc = follow_importers(state, plan, change,
                                          target->module->name, name, value);
                    if (rc == 0 && !value) {
                        rc = follow_reachers(state, plan, change,
                                             target->module->name, name);
                    }
                }
                Py_DECREF(name);
                if (rc < 0) {
                    return -1;
                }
            }
        }
    }
    return 0;
}

/* What running statements reach by name: names of a module, through the
 * functions that they call (their new code), across imports. Classes whose
 * members differ and that are reached run as a whole, so that they see the
 * new class. */
struct reach {
    struct mf_plan *plan;
    PyObject *seen; /* set of (change number, name) */
    int found;
};

static int reach_names(struct reach *reach, size_t at,
                       const struct mf_names *names, int depth);

/* The new code of a function of the change, borrowed: from its delta if it is
 * edited, else what lives. */
static PyObject *
current_code(struct mf_change *change, PyObject *name, PyObject *live)
{
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    struct mf_diff *diff = &change->diff;
    for (uint32_t i = 0; word != NULL && i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != MF_UNIT_NONE || d->new_unit == MF_UNIT_NONE ||
            d->kind == MF_DELTA_SAME) {
            continue;
        }
        const struct mf_unit *u = &diff->new_of.split->units[d->new_unit];
        const char *text = PyBytes_AS_STRING(diff->new_of.text->bytes);
        if (u->kind == MF_UNIT_DEF && u->name_len == (uint32_t)len &&
            memcmp(text + u->name, word, (size_t)len) == 0) {
            return mf_diff_new_code(diff, d);
        }
    }
    return live != NULL && PyFunction_Check(live) ? PyFunction_GET_CODE(live)
                                                  : NULL;
}

/* Methods of a class that is reached may be called: what they reach. */
static int
reach_methods(struct reach *reach, size_t number, PyObject *cls, int depth)
{
    struct mf_change *change = reach->plan->changes.items[number];
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    int rc = 0;
    while (rc == 0 && PyDict_Next(((PyTypeObject *)cls)->tp_dict, &pos, &key,
                                  &value)) {
        if (PyObject_TypeCheck(value, &PyClassMethod_Type) ||
            PyObject_TypeCheck(value, &PyStaticMethod_Type)) {
            continue; /* the function is found by name where it is called */
        }
        if (PyFunction_Check(value) &&
            PyFunction_GET_GLOBALS(value) ==
                ((struct mf_target *)change->targets.items[0])
                    ->module->dict) {
            struct mf_names names;
            rc = mf_names_init(&names) < 0 ||
                         mf_names_of_function(
                             &names, PyFunction_GET_CODE(value)) < 0
                     ? -1
                     : reach_names(reach, number, &names, depth + 1);
            mf_names_clear(&names);
        }
    }
    return rc;
}

static int
reach_class(struct reach *reach, struct mf_change *change, PyObject *name)
{
    uint32_t at = mf_plan_class_delta(change, name);
    if (at == MF_UNIT_NONE) {
        return 0;
    }
    struct mf_delta *d = &change->diff.deltas[at];
    if (d->kind != MF_DELTA_CLASS || d->runs || d->parent != MF_UNIT_NONE ||
        !members_differ(&change->diff, at)) {
        return 0;
    }
    d->kind = MF_DELTA_RUN;
    reach->found = 1;
    return mark_runs(change, d, false);
}

/* The change whose module an edge imports from; its number, or -1. */
static Py_ssize_t
change_of_module(struct mf_plan *plan, PyObject *module)
{
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        for (size_t t = 0; t < change->targets.len; t++) {
            struct mf_target *target = change->targets.items[t];
            if (PyUnicode_Compare(target->module->name, module) == 0) {
                return (Py_ssize_t)i;
            }
        }
    }
    return -1;
}

static int
reach_name(struct reach *reach, size_t at, PyObject *name, int depth)
{
    struct mf_change *change = reach->plan->changes.items[at];
    PyObject *key = Py_BuildValue("(nO)", (Py_ssize_t)at, name);
    int known = key ? PySet_Contains(reach->seen, key) : -1;
    int rc = known != 0 ? (known < 0 ? -1 : 0)
                        : PySet_Add(reach->seen, key);
    Py_XDECREF(key);
    if (known != 0 || rc < 0 || depth > 60 || change->targets.len == 0) {
        return rc;
    }
    if (reach_class(reach, change, name) < 0) {
        return -1;
    }
    struct mf_target *target = change->targets.items[0];
    PyObject *live = PyDict_GetItemWithError(target->module->dict, name);
    if (live != NULL && PyFunction_Check(live) &&
        PyFunction_GET_GLOBALS(live) != target->module->dict) {
        live = NULL;
    }
    PyObject *code = PyErr_Occurred() ? NULL
                                      : current_code(change, name, live);
    if (code != NULL) {
        struct mf_names names;
        rc = mf_names_init(&names) < 0 ||
                     mf_names_of_function(&names, code) < 0
                 ? -1
                 : reach_names(reach, at, &names, depth + 1);
        mf_names_clear(&names);
    }
    if (rc == 0 && live != NULL && PyType_Check(live) &&
        PyType_HasFeature((PyTypeObject *)live, Py_TPFLAGS_HEAPTYPE)) {
        rc = reach_methods(reach, at, live, depth);
    }
    for (uint32_t e = 0; e < change->edges.len && rc == 0; e++) {
        struct mf_edge *edge = &change->edges.items[e];
        if (edge->nested || edge->name == NULL || edge->as == NULL ||
            PyUnicode_Compare(edge->as, name) != 0) {
            continue;
        }
        Py_ssize_t other = change_of_module(reach->plan, edge->module);
        if (other >= 0) {
            rc = reach_name(reach, (size_t)other, edge->name, depth + 1);
        }
    }
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

static int
reach_set(struct reach *reach, size_t at, PyObject *set, int depth)
{
    PyObject *name, *iter = PyObject_GetIter(set);
    int rc = iter ? 0 : -1;
    while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        rc = reach_name(reach, at, name, depth);
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

static int
reach_names(struct reach *reach, size_t at, const struct mf_names *names,
            int depth)
{
    struct mf_change *change = reach->plan->changes.items[at];
    int rc = reach_set(reach, at, names->loads, depth);
    /* through imported modules: alias.attr, and what a function imports when
     * it is called */
    for (uint32_t e = 0; e < change->edges.len && rc == 0; e++) {
        struct mf_edge *edge = &change->edges.items[e];
        if (edge->as == NULL) {
            continue;
        }
        if (edge->nested && edge->name != NULL) {
            Py_ssize_t other = change_of_module(reach->plan, edge->module);
            if (other >= 0 && PySet_Contains(names->attrs, edge->name) == 1) {
                rc = reach_name(reach, (size_t)other, edge->name, depth + 1);
            }
            continue;
        }
        if (PySet_Contains(names->loads, edge->as) != 1) {
            continue;
        }
        PyObject *module = edge->name ? PyUnicode_FromFormat("%U.%U",
                                                             edge->module,
                                                             edge->name)
                                      : Py_NewRef(edge->module);
        Py_ssize_t other =
            module ? change_of_module(reach->plan, module) : -1;
        Py_XDECREF(module);
        if (other >= 0) {
            rc = reach_set(reach, (size_t)other, names->attrs, depth + 1);
        }
    }
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* 1: a class was promoted and what follows from it is to be planned; 0; -1 */
static int
promote_reached(struct mf_plan *plan)
{
    struct reach reach = {plan, PySet_New(NULL), 0};
    int rc = reach.seen ? 0 : -1;
    for (size_t i = 0; i < plan->changes.len && rc == 0; i++) {
        struct mf_change *change = plan->changes.items[i];
        for (uint32_t d = 0; d < change->diff.len && rc == 0; d++) {
            struct mf_delta *delta = &change->diff.deltas[d];
            bool member = delta->parent != MF_UNIT_NONE &&
                          (delta->kind == MF_DELTA_RUN ||
                           delta->kind == MF_DELTA_ADDED);
            if (!delta->runs && !member) {
                continue;
            }
            struct mf_names *names = mf_diff_names(&change->diff, delta);
            rc = names ? reach_names(&reach, i, names, 0) : -1;
        }
    }
    Py_XDECREF(reach.seen);
    return rc < 0 ? -1 : reach.found;
}

/* An edited module's own imports follow too, if what they bring changes: the
 * edges were followed from the other side; but a module that is edited and
 * imports from another edited one is in both. Nothing else to do here. */
int
mf_plan_make(struct mf_state *state, struct mf_plan *plan,
             struct mf_report *report)
{
    size_t edited = plan->changes.len;
    for (size_t i = 0; i < edited; i++) {
        struct mf_change *change = plan->changes.items[i];
        if (change->kind == MF_CHANGE_EDITED &&
            edit_change(change, report) < 0) {
            return -1;
        }
    }
    if (mf_report_reasons(report) > 0) {
        return 0;
    }
    for (size_t i = 0; i < edited; i++) {
        struct mf_change *change = plan->changes.items[i];
        if (change->kind == MF_CHANGE_DELETED &&
            follow_deleted(state, plan, change) < 0) {
            return -1;
        }
    }
    for (int more = 1; more > 0;) {
        more = follow_all(state, plan, report) < 0 ? -1
                                                   : promote_reached(plan);
        if (more < 0) {
            return -1;
        }
    }
    PyObject *by_name = changes_by_name(plan);
    int rc = by_name ? 0 : -1;
    for (size_t i = 0; i < plan->changes.len && rc == 0; i++) {
        struct mf_change *change = plan->changes.items[i];
        rc = change->kind != MF_CHANGE_DELETED
                 ? order_from(plan, by_name, change)
                 : 0;
    }
    Py_XDECREF(by_name);
    if (rc < 0) {
        return -1;
    }
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        for (size_t t = 0; t < change->targets.len; t++) {
            struct mf_target *target = change->targets.items[t];
            plan->stages |= PyList_GET_SIZE(target->binds) > 0;
        }
        for (uint32_t d = 0; d < change->diff.len; d++) {
            struct mf_delta *delta = &change->diff.deltas[d];
            plan->stages |= delta->runs || delta->kind == MF_DELTA_RUN ||
                            delta->kind == MF_DELTA_ADDED ||
                            delta->kind == MF_DELTA_REMOVED;
        }
    }
    return 0;
}

/* ---- live code and new code --------------------------------------------- */

static int
pair_code(struct mf_target *target, PyObject *old_code, PyObject *new_code)
{
    if (old_code == new_code || mf_map_has(&target->exchange, old_code)) {
        return 0;
    }
    if (mf_vec_push_ref(&target->code_refs, old_code) < 0 ||
        mf_vec_push_ref(&target->code_refs, new_code) < 0 ||
        mf_map_put(&target->exchange, old_code, (uintptr_t)new_code) < 0) {
        return -1;
    }
    /* nested ones: by name, in order */
    PyObject *a = ((PyCodeObject *)old_code)->co_consts;
    PyObject *b = ((PyCodeObject *)new_code)->co_consts;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(a); i++) {
        PyObject *x = PyTuple_GET_ITEM(a, i);
        if (!PyCode_Check(x)) {
            continue;
        }
        Py_ssize_t nth = 0;
        for (Py_ssize_t k = 0; k < i; k++) {
            PyObject *e = PyTuple_GET_ITEM(a, k);
            nth += PyCode_Check(e) &&
                   PyUnicode_Compare(((PyCodeObject *)e)->co_name,
                                     ((PyCodeObject *)x)->co_name) == 0;
        }
        for (Py_ssize_t j = 0; j < PyTuple_GET_SIZE(b); j++) {
            PyObject *y = PyTuple_GET_ITEM(b, j);
            if (!PyCode_Check(y) ||
                PyUnicode_Compare(((PyCodeObject *)x)->co_name,
                                  ((PyCodeObject *)y)->co_name) != 0) {
                continue;
            }
            if (nth-- == 0) {
                if (pair_code(target, x, y) < 0) {
                    return -1;
                }
                break;
            }
        }
    }
    return 0;
}

/* Live codes whose first line lies in the unit, with the new unit's, by
 * qualified name, in order. */
static int
pair_unit(struct mf_target *target, struct mf_delta *delta)
{
    struct mf_diff *diff = &target->change->diff;
    const struct mf_unit *u = &diff->old_of.split->units[delta->old_unit];
    PyObject *code = mf_diff_new_code(diff, delta);
    PyObject *fresh = code ? mf_source_flatten(code) : NULL;
    if (fresh == NULL) {
        return -1;
    }
    PyObject *live = target->module->codes;
    int rc = 0;
    Py_ssize_t used[64], n_used = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(live) && rc == 0; i++) {
        PyCodeObject *a = (PyCodeObject *)PyList_GET_ITEM(live, i);
        if (a->co_firstlineno < (int)u->line ||
            a->co_firstlineno > (int)u->end_line) {
            continue;
        }
        for (Py_ssize_t j = 0; j < PyList_GET_SIZE(fresh); j++) {
            PyCodeObject *b = (PyCodeObject *)PyList_GET_ITEM(fresh, j);
            bool taken = false;
            for (Py_ssize_t k = 0; k < n_used; k++) {
                taken |= used[k] == j;
            }
            if (!taken &&
                PyUnicode_Compare(a->co_qualname, b->co_qualname) == 0) {
                rc = pair_code(target, (PyObject *)a, (PyObject *)b);
                if (n_used < (Py_ssize_t)Py_ARRAY_LENGTH(used)) {
                    used[n_used++] = j;
                }
                break;
            }
        }
    }
    Py_DECREF(fresh);
    return rc;
}

int
mf_plan_pair_codes(struct mf_plan *plan)
{
    for (size_t i = 0; i < plan->targets.len; i++) {
        struct mf_target *target = plan->targets.items[i];
        struct mf_diff *diff = &target->change->diff;
        if (target->module->codes == NULL) {
            continue;
        }
        for (uint32_t d = 0; d < diff->len; d++) {
            struct mf_delta *delta = &diff->deltas[d];
            bool inside = delta->parent != MF_UNIT_NONE &&
                          diff->deltas[delta->parent].runs;
            if (inside || delta->old_unit == MF_UNIT_NONE ||
                delta->new_unit == MF_UNIT_NONE) {
                continue;
            }
            if ((delta->kind == MF_DELTA_CODE || delta->runs ||
                 delta->kind == MF_DELTA_RUN) &&
                pair_unit(target, delta) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* ---- for people ---------------------------------------------------------------------------- */

int
mf_plan_describe(struct mf_plan *plan, struct mf_report *report)
{
    static const char *const words[] = {"shift lines of", "exchange code of",
                                        "run", "run", "remove",
                                        "redefine members of"};
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        for (uint32_t d = 0; d < change->diff.len; d++) {
            struct mf_delta *delta = &change->diff.deltas[d];
            if (delta->kind == MF_DELTA_SAME && !delta->runs) {
                continue;
            }
            PyObject *name = mf_plan_unit_name(change, delta);
            PyObject *line =
                name ? PyUnicode_FromFormat(
                           "%s%s %U (%U:%ld)",
                           delta->runs ? "run" : words[delta->kind],
                           delta->derived ? " (derived)" : "", name,
                           change->source->path,
                           mf_plan_unit_line(change, delta))
                     : NULL;
            Py_XDECREF(name);
            int rc = line ? PyList_Append(report->plan, line) : -1;
            Py_XDECREF(line);
            if (rc < 0) {
                return -1;
            }
        }
    }
    return 0;
}
