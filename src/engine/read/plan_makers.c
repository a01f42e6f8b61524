/* plan_makers.c -- owns containers that several statements make: the one that
 * binds the name and those that work on it (`TABLE.update(...)`, a loop that
 * appends). In: such a statement that is edited, gone or derived. Out: all of
 * them run, so that what it gave until now is not in the new value.
 */
#include "plan_parts.h"

struct work {
    struct mf_change *change;
    uint32_t parent;   /* delta of the class that has the name, or NONE */
    PyObject *name;    /* of the container */
    const char *word;  /* its text */
    size_t len;
    uint64_t bits;
    uint32_t binder;   /* delta */
};

/* ---- what a text does with a name ------------------------------------------- */

/* Behind "NAME[": is the item assigned, augmented? */
static bool
stores_item(const char *p, const char *end)
{
    int depth = 1;
    for (; p < end && depth > 0; p++) {
        depth += *p == '[';
        depth -= *p == ']';
    }
    while (p < end && *p == ' ') {
        p++;
    }
    while (p < end && *p != 0 && strchr("+-*/|&^%<>@", *p) != NULL) {
        p++;
    }
    return end - p > 1 && p[0] == '=' && p[1] != '=';
}

/* Behind the name: is a method called that writes? */
static bool
calls_writer(const char *p, const char *end)
{
    static const char *const writers[] = {
        ".append", ".add", ".update", ".extend", ".insert", ".setdefault",
        ".pop", ".remove", ".clear", ".discard", ".sort", ".reverse",
        ".difference_update", ".intersection_update",
        ".symmetric_difference_update"};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(writers); i++) {
        size_t n = strlen(writers[i]);
        if ((size_t)(end - p) > n && memcmp(p, writers[i], n) == 0) {
            return true;
        }
    }
    return false;
}

/* Is there anything in the unit, bodies of functions too, that might write to
 * a container of the name? */
static bool
writes(const struct mf_compile_unit_of *of, uint32_t unit, const char *word,
       size_t len)
{
    const struct mf_unit *u = &of->split->units[unit];
    const char *text = PyBytes_AS_STRING(of->text->bytes);
    const char *p = text + u->start, *end = text + u->end;
    while ((p = memmem(p, (size_t)(end - p), word, len)) != NULL) {
        const char *q = p + len;
        bool whole = p == text || !mf_plan_is_word_char(p[-1]);
        bool gone = p - text > 4 && memcmp(p - 4, "del ", 4) == 0;
        if (whole && q < end &&
            (*q == '[' ? gone || stores_item(q + 1, end)
                       : *q == '.' && calls_writer(q, end))) {
            return true;
        }
        p = q;
    }
    return false;
}

/* ---- which statements make it -------------------------------------------------- */

/* A block that does nothing but compute with data and write to this one
 * container. 1 / 0 / -1 */
static int
only_makes(struct work *work, struct mf_delta *delta)
{
    struct mf_change *change = work->change;
    struct mf_target *target = change->targets.items[0];
    struct mf_names *names = mf_diff_names(&change->diff, delta);
    PyObject *name, *iter = names ? PyObject_GetIter(names->loads) : NULL;
    int yes = iter ? !names->imports && !names->sets_attrs : -1;
    while (yes == 1 && (name = PyIter_Next(iter)) != NULL) {
        PyObject *live = PyDict_GetItemWithError(target->module->dict, name);
        Py_ssize_t len;
        const char *word = PyUnicode_AsUTF8AndSize(name, &len);
        bool own = PyUnicode_Compare(name, work->name) == 0 ||
                   PySet_Contains(names->stores, name) == 1;
        yes = word == NULL ? -1
              : own || (live == NULL && mf_plan_is_safe_builtin(name)) ||
                    (live != NULL && mf_plan_is_data_only(live, 0) &&
                     !writes(&change->diff.new_of, delta->new_unit, word,
                             (size_t)len));
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return PyErr_Occurred() ? -1 : yes;
}

/* A comment says that the statement does not run again. */
static bool
runs_once(struct mf_change *change, struct mf_delta *delta)
{
    PyObject *rule =
        mf_plan_comment_rule(&change->diff.new_of, delta->new_unit);
    bool once = rule != NULL &&
                PyUnicode_CompareWithASCIIString(rule, "once") == 0;
    Py_XDECREF(rule);
    PyErr_Clear();
    return once;
}

/* ---- what functions write when they are called --------------------------------- */

static bool
is_named(const struct mf_compile_unit_of *of, const struct mf_unit *u,
         const char *word, size_t len)
{
    return u->name_len == len &&
           memcmp(PyBytes_AS_STRING(of->text->bytes) + u->name, word, len) ==
               0;
}

/* Does code that runs while the module is imported use the function or class,
 * by name, also through others? */
static bool
is_used_at_import(const struct mf_compile_unit_of *of, const char *word,
                  size_t len, int depth)
{
    const struct mf_split *split = of->split;
    const char *text = PyBytes_AS_STRING(of->text->bytes);
    uint64_t bits = mf_split_word(word, len);
    for (uint32_t i = split->first; i != MF_UNIT_NONE;
         i = split->units[i].next) {
        const struct mf_unit *u = &split->units[i];
        if ((u->words & bits) != bits || (u->flags & MF_UNIT_MAIN_GUARD) ||
            is_named(of, u, word, len)) {
            continue;
        }
        if (depth > 8 || mf_plan_unit_mentions(of, i, word, len, bits) ||
            (u->name_len > 0 &&
             mf_plan_mentions(text, u->start, u->end, word, len) &&
             is_used_at_import(of, text + u->name, u->name_len, depth + 1))) {
            return true;
        }
    }
    return false;
}

/* A function, or methods of a class, that write: when the program runs only?
 * The name that the module has for them is asked for. */
static bool
writes_later(struct work *work, const struct mf_delta *d)
{
    struct mf_diff *diff = &work->change->diff;
    const struct mf_compile_unit_of *of = &diff->new_of;
    const struct mf_unit *u = &of->split->units[d->new_unit];
    const char *text = PyBytes_AS_STRING(of->text->bytes);
    if (u->kind != MF_UNIT_DEF && u->kind != MF_UNIT_CLASS) {
        return false;
    }
    for (uint32_t c = u->kind == MF_UNIT_CLASS ? u->first_child : MF_UNIT_NONE;
         c != MF_UNIT_NONE; c = of->split->units[c].next) {
        if (of->split->units[c].kind != MF_UNIT_DEF &&
            writes(of, c, work->word, work->len)) {
            return false;
        }
    }
    if (d->parent != MF_UNIT_NONE) {
        u = &of->split->units[diff->deltas[d->parent].new_unit];
    }
    return !is_used_at_import(of, text + u->name, u->name_len, 0);
}

enum role { STRANGER, MAKER, WRITER };

/* What the statement has to do with the container: nothing, it is one of those
 * that make it, or it may have written to it in a way that running it again
 * would not be the same. -1 on error. */
static int
role_of(struct work *work, uint32_t at)
{
    struct mf_change *change = work->change;
    struct mf_diff *diff = &change->diff;
    struct mf_delta *d = &diff->deltas[at];
    bool here = d->parent == work->parent;
    if (d->new_unit == MF_UNIT_NONE || at == work->binder ||
        at == work->parent || (!here && d->parent != MF_UNIT_NONE)) {
        return STRANGER;
    }
    const struct mf_unit *u = &diff->new_of.split->units[d->new_unit];
    const char *word;
    if ((u->words & work->bits) != work->bits) {
        return STRANGER;
    }
    if (here &&
        mf_plan_worked_on(&diff->new_of, d->new_unit, &word) == work->len &&
        memcmp(word, work->word, work->len) == 0) {
        return d->kind == MF_DELTA_SAME && runs_once(change, d) ? WRITER
                                                                : MAKER;
    }
    if (!writes(&diff->new_of, d->new_unit, work->word, work->len)) {
        struct mf_names *names = u->kind == MF_UNIT_OTHER && here
                                     ? mf_diff_names(diff, d)
                                     : NULL;
        bool given = names != NULL && names->calls &&
                     PySet_GET_SIZE(names->stores) == 0 &&
                     PySet_Contains(names->loads, work->name) == 1;
        return PyErr_Occurred() ? -1 : given ? WRITER : STRANGER;
    }
    if (writes_later(work, d)) {
        return STRANGER;
    }
    if (u->kind != MF_UNIT_BLOCK || !here || mf_plan_main_of(change) != NULL ||
        (u->flags & MF_UNIT_MAIN_GUARD)) {
        return WRITER;
    }
    int pure = d->kind == MF_DELTA_RUN || d->kind == MF_DELTA_ADDED
                   ? 1
                   : only_makes(work, d);
    return pure < 0 ? -1 : pure && !runs_once(change, d) ? MAKER : WRITER;
}

static int
any_writer(struct work *work)
{
    for (uint32_t i = 0; i < work->change->diff.len; i++) {
        int role = role_of(work, i);
        if (role < 0 || role == WRITER) {
            return role < 0 ? -1 : 1;
        }
    }
    return 0;
}

/* ---- what it is now ---------------------------------------------------------------- */

/* Plain data that is known as the source gave it; of a derived statement: and
 * still is that. */
static int
is_known(struct work *work, bool edited)
{
    struct mf_change *change = work->change;
    PyObject *outer =
        work->parent != MF_UNIT_NONE
            ? mf_plan_unit_name(change, &change->diff.deltas[work->parent])
            : NULL;
    PyObject *key = outer ? PyUnicode_FromFormat("%U.%U", outer, work->name)
                          : Py_NewRef(work->name);
    int yes = key ? change->targets.len > 0 : -1;
    for (size_t t = 0; yes == 1 && t < change->targets.len; t++) {
        struct mf_target *target = change->targets.items[t];
        struct mf_module *module = target->module;
        PyObject *cls =
            outer ? mf_plan_live_class(target,
                                       &change->diff.deltas[work->parent])
                  : NULL;
        PyObject *space = outer == NULL ? module->dict
                          : cls != NULL ? ((PyTypeObject *)cls)->tp_dict
                                        : NULL;
        PyObject *live =
            space ? PyDict_GetItemWithError(space, work->name) : NULL;
        PyObject *base =
            module->base ? PyDict_GetItemWithError(module->base, key) : NULL;
        yes = live != NULL && base != NULL && Py_TYPE(live) == Py_TYPE(base) &&
              (PyList_CheckExact(live) || PyDict_CheckExact(live) ||
               PySet_CheckExact(live));
        if (yes && !edited) {
            yes = mf_plan_data_equal(base, live);
        }
    }
    Py_XDECREF(key);
    Py_XDECREF(outer);
    return PyErr_Occurred() ? -1 : yes;
}

/* ---- all of them run ----------------------------------------------------------------- */

static int
run_one(struct work *work, uint32_t at)
{
    struct mf_delta *d = &work->change->diff.deltas[at];
    bool same = d->kind == MF_DELTA_SAME || d->kind == MF_DELTA_CODE;
    if (work->parent == MF_UNIT_NONE) {
        return mf_plan_mark_runs(work->change, d, same);
    }
    if (same) {
        d->kind = MF_DELTA_RUN;
        d->derived = true;
    }
    return 0;
}

/* May the container be made anew? 1 / 0 / -1. */
static int
may_remake(struct work *work, bool edited)
{
    struct mf_diff *diff = &work->change->diff;
    int yes = mf_diff_binder(diff, work->parent, work->name, MF_UNIT_NONE,
                             &work->binder);
    if (yes != 1) {
        return yes;
    }
    struct mf_delta *b = &diff->deltas[work->binder];
    if (b->old_unit == MF_UNIT_NONE || b->new_unit == MF_UNIT_NONE ||
        diff->new_of.split->units[b->new_unit].kind != MF_UNIT_OTHER ||
        mf_plan_under_way(work->change, b) || runs_once(work->change, b)) {
        return 0;
    }
    yes = is_known(work, edited);
    if (yes == 1) {
        int other = any_writer(work);
        yes = other < 0 ? -1 : !other;
    }
    return yes;
}

static int
remake(struct work *work, bool edited)
{
    struct mf_diff *diff = &work->change->diff;
    diff->deltas[work->binder].remade |= edited;
    int rc = run_one(work, work->binder);
    for (uint32_t i = 0; rc == 0 && i < diff->len; i++) {
        int role = role_of(work, i);
        rc = role < 0 ? -1 : role == MAKER ? run_one(work, i) : 0;
    }
    return rc;
}

static int
work_init(struct work *work, struct mf_change *change, uint32_t parent,
          PyObject *name)
{
    Py_ssize_t len;
    *work = (struct work){.change = change, .parent = parent, .name = name};
    work->word = PyUnicode_AsUTF8AndSize(name, &len);
    if (work->word == NULL) {
        return -1;
    }
    work->len = (size_t)len;
    work->bits = mf_split_word(work->word, work->len);
    return 0;
}

/* Names of containers that the unit works on: a new set. */
static PyObject *
names_worked_on(struct mf_diff *diff, struct mf_delta *delta, bool new_side)
{
    struct mf_compile_unit_of *of = new_side ? &diff->new_of : &diff->old_of;
    uint32_t unit = new_side ? delta->new_unit : delta->old_unit;
    PyObject *found = PySet_New(NULL), *name;
    const char *word;
    struct mf_names names = {0};
    size_t len = mf_plan_worked_on(of, unit, &word);
    if (len > 0 || of->split->units[unit].kind != MF_UNIT_BLOCK) {
        name = len ? PyUnicode_FromStringAndSize(word, (Py_ssize_t)len) : NULL;
        if (len && (name == NULL || found == NULL ||
                    PySet_Add(found, name) < 0)) {
            Py_CLEAR(found);
        }
        Py_XDECREF(name);
        return found;
    }
    PyObject *code = found && new_side ? mf_diff_new_code(diff, delta) : NULL;
    int rc = found == NULL ? -1
             : !new_side   ? mf_diff_old_names(diff, delta, &names)
             : code        ? mf_names_of(&names, code)
                           : -1;
    PyObject *iter = rc == 0 ? PyObject_GetIter(names.loads) : NULL;
    while (iter != NULL && rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        Py_ssize_t n;
        word = PyUnicode_AsUTF8AndSize(name, &n);
        rc = word == NULL                            ? -1
             : writes(of, unit, word, (size_t)n) ? PySet_Add(found, name)
                                                   : 0;
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    mf_names_clear(&names);
    if (rc < 0 || PyErr_Occurred()) {
        Py_CLEAR(found);
    }
    return found;
}

/* Those of both sides that may be made anew. */
static int
remake_all(struct mf_change *change, uint32_t at, bool edited, bool dry)
{
    struct mf_diff *diff = &change->diff;
    int yes = 0;
    for (int side = 0; side < 2 && yes >= 0; side++) {
        struct mf_delta *d = &diff->deltas[at];
        if ((side ? d->new_unit : d->old_unit) == MF_UNIT_NONE) {
            continue;
        }
        PyObject *names = names_worked_on(diff, d, side == 1), *name;
        PyObject *iter = names ? PyObject_GetIter(names) : NULL;
        yes = iter ? yes : -1;
        while (yes >= 0 && (name = PyIter_Next(iter)) != NULL) {
            struct work work;
            int may = work_init(&work, change, diff->deltas[at].parent, name) <
                              0
                          ? -1
                          : may_remake(&work, edited);
            if (may > 0 && !dry && remake(&work, edited) < 0) {
                may = -1;
            }
            Py_DECREF(name);
            if (may == 0 && !edited) {
                yes = -2; /* one of them cannot */
                break;
            }
            yes = may < 0 ? -1 : yes + may;
        }
        Py_XDECREF(iter);
        Py_XDECREF(names);
    }
    return PyErr_Occurred() ? -1 : yes == -2 ? 0 : yes;
}

int
mf_plan_remake(struct mf_change *change, struct mf_delta *delta, bool edited)
{
    uint32_t at = (uint32_t)(delta - change->diff.deltas);
    bool nested = delta->parent != MF_UNIT_NONE &&
                  change->diff.deltas[delta->parent].parent != MF_UNIT_NONE;
    if (nested || (delta->new_unit != MF_UNIT_NONE &&
                   mf_plan_under_way(change, delta))) {
        return 0;
    }
    int yes = edited ? 1 : remake_all(change, at, false, true);
    yes = yes > 0 ? remake_all(change, at, edited, false) : yes;
    return yes < 0 ? -1 : yes > 0;
}
