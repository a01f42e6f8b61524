/* plan_follow.c -- owns what a changed name means inside its module: which
 * statements read it at import time, which of them may run again, which
 * statements before them have to. In: tainted names. Out: deltas marked to
 * run, or stale.
 */
#include "plan_parts.h"

#include "../ground/trace.h"

/* Mark a name of the change's module; it is followed once. A replaced value
 * (True) outweighs a changed function (False). */
int
mf_plan_taint(struct mf_change *change, PyObject *name, bool value)
{
    PyObject *known = PyDict_GetItemWithError(change->taint, name);
    int unproved = known == Py_False && change->unproved != NULL
                       ? PyDict_Contains(change->unproved, name)
                       : 0;
    if (known == Py_True || (known != NULL && !value && unproved == 0)) {
        return 0;
    }
    if (PyErr_Occurred() ||
        (unproved && PyDict_DelItem(change->unproved, name) < 0) ||
        PyDict_SetItem(change->taint, name, value ? Py_True : Py_False) < 0) {
        return -1;
    }
    return PyList_Append(change->fresh, name);
}

int
mf_plan_taint_unproved(struct mf_change *change, PyObject *name,
                       uint32_t delta)
{
    int known = PyDict_Contains(change->taint, name);
    if (known != 0) {
        /* several statements define it: no more than one waits for a proof */
        int differs = known < 0 ? -1
                                : mf_plan_called_differs(
                                      change, &change->diff.deltas[delta]);
        return differs > 0 ? mf_plan_taint(change, name, false) : differs;
    }
    if (change->unproved == NULL) {
        change->unproved = PyDict_New();
    }
    PyObject *number = change->unproved ? PyLong_FromLong(delta) : NULL;
    int rc = number && mf_plan_taint(change, name, false) == 0
                 ? PyDict_SetItem(change->unproved, name, number)
                 : -1;
    Py_XDECREF(number);
    return rc;
}

int
mf_plan_proved(struct mf_change *change, PyObject *name)
{
    PyObject *number = change->unproved ? PyDict_GetItemWithError(
                                              change->unproved, name)
                                        : NULL;
    if (number == NULL) {
        return PyErr_Occurred() ? -1 : 1;
    }
    long at = PyLong_AsLong(number);
    if (at < 0) {
        return 0;
    }
    int differs = mf_plan_called_differs(change, &change->diff.deltas[at]);
    PyObject *same = differs == 0 ? PyLong_FromLong(-1) : NULL;
    int rc = differs < 0  ? -1
             : differs    ? PyDict_DelItem(change->unproved, name)
             : same       ? PyDict_SetItem(change->unproved, name, same)
                          : -1;
    Py_XDECREF(same);
    return rc < 0 ? -1 : differs;
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
int
mf_plan_taint_stores(struct mf_change *change, PyObject *names, bool value)
{
    PyObject *name, *iter = PyObject_GetIter(names);
    int rc = iter == NULL ? -1 : 0;
    while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        rc = same_import(change, name) ? 0 : mf_plan_taint(change, name, value);
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

bool
mf_plan_is_word_char(char c)
{
    return Py_ISALNUM(c) || c == '_' || (unsigned char)c >= 0x80;
}

bool
mf_plan_mentions(const char *text, size_t from, size_t to, const char *word, size_t n)
{
    const char *p = text + from, *end = text + to;
    while (n > 0 && (p = memmem(p, (size_t)(end - p), word, n)) != NULL) {
        if ((p == text || !mf_plan_is_word_char(p[-1])) &&
            (p + n >= end || !mf_plan_is_word_char(p[n]))) {
            return true;
        }
        p += n;
    }
    return false;
}

bool
mf_plan_unit_mentions(const struct mf_compile_unit_of *of, uint32_t unit,
                      const char *word, size_t n, uint64_t bits)
{
    const struct mf_unit *u = &of->split->units[unit];
    const char *text = PyBytes_AS_STRING(of->text->bytes);
    if ((u->words & bits) != bits) {
        return false;
    }
    if (u->kind == MF_UNIT_DEF) {
        return mf_plan_mentions(text, u->start, u->body, word, n);
    }
    if (u->kind == MF_UNIT_CLASS && u->first_child != MF_UNIT_NONE) {
        if (mf_plan_mentions(text, u->start, u->body, word, n)) {
            return true;
        }
        for (uint32_t c = u->first_child; c != MF_UNIT_NONE;
             c = of->split->units[c].next) {
            if (mf_plan_unit_mentions(of, c, word, n, bits)) {
                return true;
            }
        }
        return false;
    }
    return mf_plan_mentions(text, u->start, u->end, word, n);
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
    if (mf_plan_is_implicit(change, name)) {
        return mf_plan_reads_implicitly(change, delta, name);
    }
    if (!mf_plan_unit_mentions(of, delta->new_unit, word, root,
                       mf_split_word(word, root)) ||
        (attr != NULL &&
         !mf_plan_unit_mentions(of, delta->new_unit, attr, strlen(attr),
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
    if (yes == 0 && attr == NULL && value) {
        yes = mf_plan_lambda_reads(change, delta, first);
    }
    Py_XDECREF(first);
    if (yes == 1 && attr != NULL) {
        PyObject *last = PyUnicode_FromString(attr);
        yes = last ? PySet_Contains(names->attrs, last) : -1;
        Py_XDECREF(last);
    }
    return yes;
}

/* May a derived statement run: what it has bound until now computes a value.
 * 1 / 0 / -1. */
static int
may_run(struct mf_change *change, struct mf_delta *delta)
{
    const struct mf_unit *u =
        &change->diff.new_of.split->units[delta->new_unit];
    if (mf_plan_under_way(change, delta) ||
        (u->kind == MF_UNIT_BLOCK && mf_plan_main_of(change) != NULL)) {
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
            d->runs || !mf_plan_members_differ(diff, i)) {
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
            if (mf_plan_mark_runs(change, d, false) < 0) {
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
                if (!mf_plan_unit_mentions(&diff->new_of, d->new_unit, word,
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
                rc = mf_plan_mark_runs(change, d, true);
            }
        }
        Py_DECREF(name);
    }
    Py_DECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* Names of the module that a class body binds besides its own. */
static int
taint_globals(struct mf_change *change, const struct mf_unit *u,
              PyObject *stores)
{
    const char *text = PyBytes_AS_STRING(change->diff.new_of.text->bytes);
    PyObject *own = PyUnicode_FromStringAndSize(text + u->name, u->name_len);
    PyObject *name, *iter = own ? PyObject_GetIter(stores) : NULL;
    int rc = iter ? 0 : -1;
    while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        rc = PyUnicode_Compare(name, own) != 0
                 ? mf_plan_taint(change, name, true)
                 : 0;
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    Py_XDECREF(own);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* Blocks behind that bind the same name: whether they do cannot be seen
 * without running them. */
static int
mark_later_blocks(struct mf_change *change, struct mf_delta *delta)
{
    struct mf_diff *diff = &change->diff;
    struct mf_names *names = mf_diff_names(diff, delta);
    PyObject *name, *iter = names ? PyObject_GetIter(names->stores) : NULL;
    int rc = iter ? 0 : -1;
    while (rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        Py_ssize_t len;
        const char *word = PyUnicode_AsUTF8AndSize(name, &len);
        uint32_t from = (uint32_t)(delta - diff->deltas) + 1;
        for (uint32_t i = from; word && rc == 0 && i < diff->len; i++) {
            struct mf_delta *d = &diff->deltas[i];
            if (d->parent != MF_UNIT_NONE || d->runs ||
                d->old_unit == MF_UNIT_NONE || d->new_unit == MF_UNIT_NONE ||
                diff->new_of.split->units[d->new_unit].kind !=
                    MF_UNIT_BLOCK ||
                !mf_diff_may_bind(&diff->new_of.split->units[d->new_unit],
                                  word, (size_t)len)) {
                continue;
            }
            struct mf_names *other = mf_diff_names(diff, d);
            rc = other == NULL                                  ? -1
                 : PySet_Contains(other->stores, name) != 1     ? 0
                 : may_run(change, d) == 1
                     ? mf_plan_mark_runs(change, d, true)
                     : 0;
        }
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* The statement runs; what it binds is replaced, unless it defines a function
 * or class that is redefined in place. */
int
mf_plan_mark_runs(struct mf_change *change, struct mf_delta *delta, bool derived)
{
    if (delta->runs) {
        return 0;
    }
    struct mf_diff *diff = &change->diff;
    const struct mf_unit *u = &diff->new_of.split->units[delta->new_unit];
    if ((u->flags & MF_UNIT_MAIN_GUARD) || mf_plan_under_way(change, delta)) {
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
        if (mf_plan_taint_members(change, (uint32_t)(delta - diff->deltas)) < 0 ||
            taint_globals(change, u, names->stores) < 0 ||
            mf_plan_taint_metaclass(change, delta) < 0) {
            return -1;
        }
    }
    else if (!delta->prerequisite &&
             mf_plan_taint_stores(change, names->stores, !in_place) < 0) {
        return -1;
    }
    return promote_classes(change, names) < 0 ||
                   (names->sets_attrs &&
                    mf_plan_taint_attribute(change, delta) < 0) ||
                   mark_prerequisites(change, delta) < 0
               ? -1
               : mark_later_blocks(change, delta);
}

/* A derived statement that may not run: said once. */
static int
note_stale(struct mf_change *change, struct mf_delta *delta, PyObject *name,
           struct mf_report *report)
{
    struct mf_names *names = mf_diff_names(&change->diff, delta);
    delta->stale = true;
    /* the main program's own steps are done, or come still */
    if (names == NULL || mf_plan_under_way(change, delta) ||
        (PySet_GET_SIZE(names->stores) == 0 &&
         mf_plan_main_of(change) != NULL)) {
        return names ? 0 : -1;
    }
    const char *why = PySet_GET_SIZE(names->stores) > 0
                          ? "it made something with a state of its own"
                          : "it does more than to compute a value";
    PyObject *what = mf_plan_unit_name(change, delta);
    struct mf_module *m = change->source->modules.items[0];
    int rc = what ? mf_report_add(report, 301, '=', m->name, what,
                                  change->source->path,
                                  mf_plan_unit_line(change, delta),
                                  "%U reads %U, which changed; it was not run "
                                  "again: %s",
                                  what, name, why)
                  : -1;
    Py_XDECREF(what);
    return rc;
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
            reads = mf_plan_may_run_member(change, at, &diff->deltas[i]);
            diff->deltas[i].names_again = reads == 0;
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
    if (!any) {
        return 0;
    }
    bool say = false;
    for (size_t t = 0; t < change->targets.len && !say; t++) {
        say = mf_plan_class_has_say(change->targets.items[t], &diff->deltas[at]);
    }
    if (say) {
        return mf_plan_mark_runs(change, &diff->deltas[at], true);
    }
    return mf_plan_follow_members(change, at) < 0
               ? -1
               : mf_plan_taint_members(change, at);
}

bool
mf_plan_header_mentions(struct mf_compile_unit_of *of, uint32_t unit, PyObject *name)
{
    const struct mf_unit *u = &of->split->units[unit];
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    const char *dot = word ? memchr(word, '.', (size_t)len) : NULL;
    if (word == NULL) {
        PyErr_Clear();
        return true;
    }
    return mf_plan_mentions(PyBytes_AS_STRING(of->text->bytes), u->start, u->body,
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
    if (delta->runs &&
        (u->kind != MF_UNIT_CLASS || delta->old_unit == MF_UNIT_NONE)) {
        return 0;
    }
    bool inherited = mf_plan_is_inherited(name);
    bool any = !inherited && value && !delta->runs &&
               mf_plan_reads_all(change, delta);
    int reads = any         ? 1
                : inherited ? mf_plan_inherits(change, delta, name)
                            : unit_reads(change, delta, name, value);
    if (reads > 0 && !delta->runs && !inherited && !any) {
        reads = mf_plan_proved(change, name);
    }
    if (reads <= 0) {
        return reads;
    }
    if (inherited && mf_plan_pass_on(change, delta, name) < 0) {
        return -1;
    }
    if (delta->runs) { /* which of its members are derived counts still */
        return follow_in_class(change, at, name, value);
    }
    if (u->kind == MF_UNIT_CLASS && u->first_child != MF_UNIT_NONE &&
        !(u->flags & MF_UNIT_ONE_LINE) &&
        !mf_plan_header_mentions(&diff->new_of, delta->new_unit, name)) {
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
    if (!may && (any || mf_plan_is_implicit(change, name))) {
        return 0;
    }
    int works = may ? 0 : mf_plan_run_work(change, delta);
    if (works != 0) {
        return works < 0 ? -1 : 0;
    }
    if (!may) {
        return note_stale(change, delta, name, report);
    }
    if (mf_plan_mark_runs(change, delta, true) < 0 ||
        (u->kind == MF_UNIT_BLOCK &&
         mf_plan_remake(change, &diff->deltas[at], false) < 0)) {
        return -1;
    }
    /* as a whole, but of its members those count that read the name */
    return u->kind == MF_UNIT_CLASS && !inherited &&
                   u->first_child != MF_UNIT_NONE &&
                   diff->deltas[at].old_unit != MF_UNIT_NONE
               ? follow_in_class(change, at, name, value)
               : 0;
}

int
mf_plan_follow_in_module(struct mf_change *change, PyObject *name, bool value,
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
        if (delta->parent == MF_UNIT_NONE && !delta->stale &&
            delta->new_unit != MF_UNIT_NONE &&
            ((change->diff.new_of.split->units[delta->new_unit].words &
              bits) == bits ||
             (value && mf_plan_reads_all(change, delta))) &&
            follow_in_unit(change, i, name, value, report) < 0) {
            return -1;
        }
    }
    return 0;
}
