/* redefine_annotations.c -- owns __annotate__ (3.14+) and __annotations__ of a
 * module whose annotated statements have changed. In: its deltas, and which annotations the staged
 * statements have run. Out: a function over the live namespace, compiled from
 * all annotated statements of the new text and from nothing else, and the
 * numbers of those that a fresh start would have run.
 */
#include "redefine_annotations.h"

#include "../ground/compat.h"
#include "../ground/compat_names.h"
#include "../ground/fault.h"

/* Annotations of every unit of one side, by unit; those without have 0. */
struct counts {
    struct mf_compile_unit_of *of;
    uint32_t *of_unit;
    uint32_t total;
};

/* Only a simple statement or a block with a colon in it can have some. */
static bool
may_annotate(const struct mf_compile_unit_of *of, uint32_t unit)
{
    const struct mf_unit *u = &of->split->units[unit];
    return (u->kind == MF_UNIT_OTHER || u->kind == MF_UNIT_BLOCK) &&
           memchr(PyBytes_AS_STRING(of->text->bytes) + u->start, ':',
                  u->end - u->start) != NULL;
}

/* 1: some annotated statement differs, and `counts` has both sides; 0: none
 * does; -1. */
static int
count(struct mf_diff *diff, struct counts *old_side, struct counts *new_side)
{
    bool differs = false, counted = false;
    for (int pass = 0; pass < 2; pass++) {
        /* first what has changed, to know whether the rest matters */
        for (uint32_t i = 0; i < diff->len; i++) {
            struct mf_delta *d = &diff->deltas[i];
            bool same = d->kind == MF_DELTA_SAME && !d->runs;
            if (d->parent != MF_UNIT_NONE || same != (pass == 1)) {
                continue;
            }
            for (int side = 0; side < 2; side++) {
                struct counts *c = side ? new_side : old_side;
                uint32_t unit = side ? d->new_unit : d->old_unit;
                if (unit == MF_UNIT_NONE || !may_annotate(c->of, unit)) {
                    continue;
                }
                PyObject *code = side ? mf_diff_new_code(diff, d)
                                      : mf_diff_old_code(diff, d);
                int n = code ? mf_compile_count_annotations(code) : -1;
                if (n < 0) {
                    return -1;
                }
                c->of_unit[unit] = (uint32_t)n;
                c->total += (uint32_t)n;
                counted |= n > 0;
            }
        }
        differs |= counted;
        if (!differs) {
            return 0;
        }
    }
    return 1;
}

static struct mf_delta *
delta_of(struct mf_diff *diff, uint32_t new_unit)
{
    for (uint32_t i = 0; i < diff->len; i++) {
        if (diff->deltas[i].new_unit == new_unit) {
            return &diff->deltas[i];
        }
    }
    return NULL;
}

/* The first number that an annotation of the unit has in its module. */
static uint32_t
first_number(const struct counts *counts, uint32_t unit)
{
    uint32_t first = 0;
    const struct mf_split *split = counts->of->split;
    for (uint32_t u = split->first; u != MF_UNIT_NONE && u != unit;
         u = split->units[u].next) {
        first += counts->of_unit[u];
    }
    return first;
}

/* Numbers in `from` that lie in [first, first + n), as numbers from `to` on. */
static int
add_numbers(PyObject *set, PyObject *from, uint32_t first, uint32_t n,
            uint32_t to)
{
    for (uint32_t i = 0; i < n; i++) {
        PyObject *was = PyLong_FromUnsignedLong(first + i);
        PyObject *is = PyLong_FromUnsignedLong(to + i);
        int has = was && is ? (from ? PySet_Contains(from, was) : 1) : -1;
        int rc = has > 0 ? PySet_Add(set, is) : has;
        Py_XDECREF(was);
        Py_XDECREF(is);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

/* Which annotations of the new text would have run: what ran staged, as it
 * did; of a branch that did not run now, as it did when it ran; all others. */
static PyObject *
numbers_of(struct mf_diff *diff, struct mf_staged *staged,
           const struct counts *old_side, const struct counts *new_side,
           PyObject *live)
{
    PyObject *set = PySet_New(NULL);
    const struct mf_split *split = diff->new_of.split;
    uint32_t at = 0;
    for (uint32_t u = split->first; set != NULL && u != MF_UNIT_NONE;
         u = split->units[u].next) {
        uint32_t n = new_side->of_unit[u];
        if (n == 0) {
            continue;
        }
        PyObject *key = PyLong_FromUnsignedLong(u);
        PyObject *ran = key && staged && staged->annotated
                            ? PyDict_GetItemWithError(staged->annotated, key)
                            : NULL;
        Py_XDECREF(key);
        struct mf_delta *d = delta_of(diff, u);
        uint32_t first = 0;
        if (ran == NULL && split->units[u].kind == MF_UNIT_BLOCK && d &&
            d->old_unit != MF_UNIT_NONE && live != NULL &&
            PyAnySet_Check(live) && old_side->of_unit[d->old_unit] == n) {
            ran = live;
            first = first_number(old_side, d->old_unit);
        }
        if (PyErr_Occurred() || add_numbers(set, ran, first, n, at) < 0) {
            Py_CLEAR(set);
        }
        at += n;
    }
    return set;
}

static PyObject *
make_function(struct mf_diff *diff, const struct counts *new_side,
              PyObject *namespace)
{
    struct mf_vec units = {0};
    const struct mf_split *split = diff->new_of.split;
    PyObject *code = NULL, *function = NULL;
    for (uint32_t u = split->first; u != MF_UNIT_NONE;
         u = split->units[u].next) {
        if (new_side->of_unit[u] > 0 &&
            mf_vec_push(&units, (void *)(uintptr_t)u) < 0) {
            goto free_units;
        }
    }
    code = mf_compile_units(&diff->new_of, &units);
    PyObject *annotate = code ? mf_compile_annotate(code) : NULL;
    if (annotate != NULL) {
        function = PyFunction_New(annotate, namespace);
    }
    else if (code != NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "the annotations of a module were not found");
    }
free_units:
    mf_vec_clear(&units);
    Py_XDECREF(code);
    return function;
}

static int
add_item(struct mf_vec *writes, PyObject *dict, PyObject *key,
         PyObject *value)
{
    return mf_vec_push_ref(writes, dict) < 0 ||
                   mf_vec_push_ref(writes, key) < 0 ||
                   mf_vec_push_ref(writes, value) < 0
               ? -1
               : 0;
}

static int
add_write(struct mf_vec *writes, PyObject *namespace, const char *name,
          PyObject *value)
{
    PyObject *key = PyUnicode_InternFromString(name);
    int rc = key ? add_item(writes, namespace, key, value) : -1;
    Py_XDECREF(key);
    return rc;
}

static int
add_writes(struct mf_vec *writes, struct mf_target *target,
           struct mf_staged *staged, const struct counts *old_side,
           const struct counts *new_side)
{
    struct mf_diff *diff = &target->change->diff;
    PyObject *dict = target->module->dict;
    PyObject *function = Py_NewRef(Py_None), *numbers = Py_NewRef(Py_None);
    if (new_side->total > 0) {
        PyObject *live = PyDict_GetItemString(dict, MF_COMPILE_ANNOTATED);
        Py_SETREF(function, make_function(diff, new_side, dict));
        Py_SETREF(numbers,
                  numbers_of(diff, staged, old_side, new_side, live));
    }
    int rc = function == NULL || numbers == NULL ||
                     add_write(writes, dict, MF_COMPILE_ANNOTATE, function) <
                         0 ||
                     add_write(writes, dict, MF_COMPILE_ANNOTATED, numbers) <
                         0
                 ? -1
                 : 0;
    /* the cache of what the old function gave; without lazy annotations the
     * statements write it themselves: into a dict that the first one makes,
     * where the old text had none */
    bool lazy = !(diff->new_of.flags & CO_FUTURE_ANNOTATIONS);
    PyObject *made = lazy || staged == NULL
                         ? NULL
                         : PyDict_GetItemString(staged->dict,
                                                "__annotations__");
    if (rc == 0 && (lazy || made != NULL)) {
        rc = add_write(writes, dict, "__annotations__",
                       made ? made : Py_None);
    }
    Py_XDECREF(function);
    Py_XDECREF(numbers);
    return rc;
}

/* ---- where the statements write __annotations__ themselves --------------- */

/* Names that one side's statements annotate: those that differ, or all others,
 * taken out of the set. */
static int
names_of(struct mf_diff *diff, bool new_side, bool differing, PyObject *set)
{
    struct mf_compile_unit_of *of =
        new_side ? &diff->new_of : &diff->old_of;
    PyObject *names = PySet_New(NULL);
    int rc = names ? 0 : -1;
    for (uint32_t i = 0; i < diff->len && rc == 0; i++) {
        struct mf_delta *d = &diff->deltas[i];
        uint32_t unit = new_side ? d->new_unit : d->old_unit;
        if (d->parent != MF_UNIT_NONE || unit == MF_UNIT_NONE ||
            (d->kind != MF_DELTA_SAME) != differing ||
            !may_annotate(of, unit)) {
            continue;
        }
        PyObject *code = new_side ? mf_diff_new_code(diff, d)
                                  : mf_diff_old_code(diff, d);
        rc = code ? mf_compat_scan_annotations((PyCodeObject *)code, names)
                  : -1;
    }
    PyObject *done =
        rc == 0 ? PyObject_CallMethod(set, new_side ? "difference_update"
                                                    : "update",
                                      "O", names)
                : NULL;
    Py_XDECREF(names);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* What no statement annotates any more leaves the dict. */
static int
forget_gone(struct mf_vec *writes, struct mf_target *target)
{
    struct mf_diff *diff = &target->change->diff;
    PyObject *live =
        PyDict_GetItemString(target->module->dict, "__annotations__");
    if (live == NULL || !PyDict_CheckExact(live)) {
        return 0;
    }
    PyObject *gone = PySet_New(NULL), *name;
    int rc = gone == NULL || names_of(diff, false, true, gone) < 0 ? -1 : 0;
    if (rc == 0 && PySet_GET_SIZE(gone) > 0) {
        rc = names_of(diff, true, true, gone) < 0 ||
                     (PySet_GET_SIZE(gone) > 0 &&
                      names_of(diff, true, false, gone) < 0)
                 ? -1
                 : 0;
    }
    while (rc == 0 && PySet_GET_SIZE(gone) > 0) {
        name = PySet_Pop(gone);
        rc = name && add_item(writes, live, name, Py_None) == 0 ? 0 : -1;
        Py_XDECREF(name);
    }
    Py_XDECREF(gone);
    return rc;
}

/* ---- what commit asks ------------------------------------------------------ */

static int
prepare_target(struct mf_vec *writes, struct mf_target *target,
               struct mf_staged *staged)
{
    struct mf_diff *diff = &target->change->diff;
    uint32_t olds = diff->old_of.split->len, news = diff->new_of.split->len;
    uint32_t *numbers = mf_alloc((olds + news + 1) * sizeof(*numbers));
    if (numbers == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    struct counts old_side = {&diff->old_of, numbers, 0};
    struct counts new_side = {&diff->new_of, numbers + olds, 0};
    int rc = count(diff, &old_side, &new_side);
    if (rc > 0) {
        rc = add_writes(writes, target, staged, &old_side, &new_side);
    }
    mf_free(numbers);
    return rc;
}

int
mf_redefine_annotations_prepare(struct mf_vec *writes, struct mf_plan *plan,
                                struct mf_stage *stage)
{
    for (size_t i = 0; i < plan->targets.len; i++) {
        struct mf_target *target = plan->targets.items[i];
        if (target->change->kind != MF_CHANGE_EDITED) {
            continue;
        }
        if (forget_gone(writes, target) < 0 ||
            (mf_compat_can_annotate() &&
             prepare_target(writes, target,
                            stage ? mf_stage_of(stage, target->module->dict)
                                  : NULL) < 0)) {
            return -1;
        }
    }
    return 0;
}

int
mf_redefine_annotations_apply(struct mf_vec *writes, struct mf_undo *undo)
{
    for (size_t i = 0; i + 2 < writes->len; i += 3) {
        PyObject *value = writes->items[i + 2];
        if (mf_undo_dict_set(undo, writes->items[i], writes->items[i + 1],
                             value == Py_None ? NULL : value) < 0) {
            return -1;
        }
    }
    return 0;
}
