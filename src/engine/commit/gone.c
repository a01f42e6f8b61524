/* gone.c -- owns the notes about removed statements. In: deltas, the heap
 * after the commit. Out: notes; changes nothing.
 */
#include "gone.h"

#include "../ground/compat.h"
#include "../heap/heap.h"
#include "become.h"

/* ---- before the commit --------------------------------------------------------- */

/* The namespace that a removed definition stood in, borrowed, or NULL. */
static PyObject *
space_of(struct mf_target *target, struct mf_delta *delta)
{
    struct mf_diff *diff = &target->change->diff;
    if (delta->parent == MF_UNIT_NONE) {
        return target->module->dict;
    }
    PyObject *cls = mf_plan_live_class(target, &diff->deltas[delta->parent]);
    return cls ? mf_compat_type_dict((PyTypeObject *)cls) : NULL;
}

/* A function, or a class made by a statement of the program. */
static bool
is_kind(const struct mf_unit *u, PyObject *value)
{
    return u->kind == MF_UNIT_DEF
               ? PyFunction_Check(value)
               : PyType_Check(value) &&
                     PyType_HasFeature((PyTypeObject *)value,
                                       Py_TPFLAGS_HEAPTYPE);
}

static int
find_definition(struct mf_gone *gone, struct mf_match *match,
              struct mf_target *target, struct mf_delta *delta)
{
    struct mf_diff *diff = &target->change->diff;
    const struct mf_unit *u = &diff->old_of.split->units[delta->old_unit];
    PyObject *dict = space_of(target, delta);
    PyObject *key = PyUnicode_FromStringAndSize(
        PyBytes_AS_STRING(diff->old_of.text->bytes) + u->name, u->name_len);
    PyObject *name = key ? mf_plan_unit_name(target->change, delta) : NULL;
    PyObject *value =
        name && dict ? PyDict_GetItemWithError(dict, key) : NULL;
    int rc = name == NULL || PyErr_Occurred() ? -1 : 0;
    /* renamed or moved it is not gone */
    if (value != NULL && is_kind(u, value) &&
        !mf_map_has(&match->paired, value)) {
        PyObject *entry =
            PyTuple_Pack(6, dict, name, value, target->module->name,
                         target->change->source->path, key);
        rc = entry ? PyList_Append(gone->found, entry) : -1;
        Py_XDECREF(entry);
    }
    Py_XDECREF(name);
    Py_XDECREF(key);
    return rc;
}

/* A statement that binds no name and calls or stores something. */
static int
note_effect(struct mf_target *target, struct mf_delta *delta,
            struct mf_report *report)
{
    struct mf_diff *diff = &target->change->diff;
    struct mf_names names;
    int rc = mf_diff_old_names(diff, delta, &names);
    if (rc == 0 && PySet_GET_SIZE(names.stores) == 0 &&
        (names.calls || names.stores_items || names.sets_attrs)) {
        rc = mf_report_add(
            report, 308, '-', target->module->name, NULL,
            target->change->source->path,
            (long)diff->old_of.split->units[delta->old_unit].line,
            "the statement that stood in line %ld is gone; what it had "
            "registered is taken out, what else it did cannot be known and "
            "stays",
            (long)diff->old_of.split->units[delta->old_unit].line);
    }
    mf_names_clear(&names);
    return rc;
}

int
mf_gone_find(struct mf_gone *gone, struct mf_match *match,
             struct mf_report *report)
{
    gone->found = PyList_New(0);
    int rc = gone->found ? 0 : -1;
    for (size_t t = 0; t < match->plan->targets.len && rc == 0; t++) {
        struct mf_target *target = match->plan->targets.items[t];
        struct mf_diff *diff = &target->change->diff;
        for (uint32_t i = 0; i < diff->len && rc == 0; i++) {
            struct mf_delta *delta = &diff->deltas[i];
            if (target->change->kind != MF_CHANGE_EDITED ||
                delta->kind != MF_DELTA_REMOVED) {
                continue;
            }
            const struct mf_unit *u =
                &diff->old_of.split->units[delta->old_unit];
            if (u->kind == MF_UNIT_DEF || u->kind == MF_UNIT_CLASS) {
                rc = find_definition(gone, match, target, delta);
            }
            else if (delta->parent == MF_UNIT_NONE &&
                     !(u->flags & MF_UNIT_MAIN_GUARD) &&
                     (u->kind == MF_UNIT_OTHER || u->kind == MF_UNIT_BLOCK)) {
                rc = note_effect(target, delta, report);
            }
        }
    }
    return rc;
}

/* ---- after it ------------------------------------------------------------------- */

/* A list of ours and what is in it. */
static int
add_list(struct mf_map *ours, PyObject *list)
{
    int rc = list ? mf_map_put(ours, list, 1) : 0;
    for (Py_ssize_t i = 0; list && rc == 0 && i < PyList_GET_SIZE(list); i++) {
        rc = mf_map_put(ours, PyList_GET_ITEM(list, i), 1);
    }
    return rc;
}

static int
add_all(struct mf_map *ours, PyObject *const *objs, size_t n)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = objs[i] ? mf_map_put(ours, objs[i], 1) : 0;
    }
    return rc;
}

/* What the update itself keeps until it is over, or for its undo; besides what
 * it has made. */
static int
find_ours(struct mf_gone *gone, struct mf_merge *merge, struct mf_map *ours)
{
    struct mf_stage *stage = merge->stage;
    int rc = add_list(ours, gone->found) < 0 ? -1
                                             : add_list(ours, merge->replaced);
    for (size_t i = 0; stage && rc == 0 && i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        PyObject *objs[] = {staged->dict, staged->before, staged->saved,
                            staged->kept, staged->later};
        rc = add_all(ours, objs, Py_ARRAY_LENGTH(objs));
    }
    for (size_t i = 0; stage && rc == 0 && i < stage->effects.len; i++) {
        struct mf_effect *effect = &stage->effects.items[i];
        PyObject *objs[] = {effect->before.items, effect->after.items,
                            effect->also.items};
        rc = add_all(ours, objs, Py_ARRAY_LENGTH(objs));
    }
    return rc;
}

/* Who else refers to what is gone, once for all of it: new references, held
 * while texts are made. 0 / -1. */
static int
find_holders(struct mf_gone *gone, struct mf_merge *merge,
             const struct mf_map *pairs, struct mf_vec *holders)
{
    struct mf_map ours = {0};
    int rc = mf_become_holders(pairs, NULL, holders) < 0
                 ? -1
                 : find_ours(gone, merge, &ours);
    size_t all = rc == 0 ? holders->len : 0;
    holders->len = 0;
    for (size_t i = 0; i < all; i++) {
        PyObject *holder = holders->items[i];
        if (!mf_map_has(&ours, holder) &&
            !mf_match_is_fresh(merge->match, holder)) {
            holders->items[holders->len++] = Py_NewRef(holder);
        }
    }
    mf_map_clear(&ours);
    return rc;
}

static int
note_holders(PyObject *entry, const struct mf_vec *holders,
             struct mf_report *report)
{
    struct mf_map one = {0};
    PyObject *func = PyTuple_GET_ITEM(entry, 2);
    PyObject *kinds = PySet_New(NULL);
    long count = 0;
    int rc = kinds ? mf_map_put(&one, func, (uintptr_t)Py_None) : -1;
    for (size_t i = 0; rc == 0 && i < holders->len; i++) {
        PyObject *holder = holders->items[i];
        if (holder == func || !mf_become_refers(&one, holder)) {
            continue;
        }
        PyObject *kind = PyUnicode_FromString(Py_TYPE(holder)->tp_name);
        rc = kind ? PySet_Add(kinds, kind) : -1;
        Py_XDECREF(kind);
        count++;
    }
    mf_map_clear(&one);
    PyObject *list = rc == 0 && count > 0 ? PySequence_List(kinds) : NULL;
    if (list != NULL && PyList_Sort(list) == 0) {
        PyObject *comma = PyUnicode_FromString(", ");
        PyObject *text = comma ? PyUnicode_Join(comma, list) : NULL;
        rc = text ? mf_report_add(
                        report, 307, '=', PyTuple_GET_ITEM(entry, 3),
                        PyTuple_GET_ITEM(entry, 1), PyTuple_GET_ITEM(entry, 4),
                        0,
                        "%U is gone from its source, but %ld %s to it "
                        "remain%s: %U",
                        PyTuple_GET_ITEM(entry, 1), count,
                        count == 1 ? "reference" : "references",
                        count == 1 ? "s" : "", text)
                  : -1;
        Py_XDECREF(text);
        Py_XDECREF(comma);
    }
    Py_XDECREF(list);
    Py_XDECREF(kinds);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* ---- classes --------------------------------------------------------------------- */

struct living {
    struct mf_gone *gone;
    struct mf_match *match;
    PyTypeObject *cls;
    long instances, subclasses;
};

static bool
is_gone_too(struct mf_gone *gone, PyObject *cls)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(gone->found); i++) {
        if (PyTuple_GET_ITEM(PyList_GET_ITEM(gone->found, i), 2) == cls) {
            return true;
        }
    }
    return false;
}

static int
count_living(PyObject *obj, void *arg)
{
    struct living *living = arg;
    if (mf_match_is_fresh(living->match, obj)) {
        return 0;
    }
    living->instances += Py_IS_TYPE(obj, living->cls);
    if (PyType_Check(obj) && !is_gone_too(living->gone, obj)) {
        PyObject *bases = ((PyTypeObject *)obj)->tp_bases;
        for (Py_ssize_t i = 0; bases && i < PyTuple_GET_SIZE(bases); i++) {
            living->subclasses +=
                PyTuple_GET_ITEM(bases, i) == (PyObject *)living->cls;
        }
    }
    return 0;
}

static PyObject *
count_text(long n, const char *one, const char *many)
{
    return n == 0 ? PyUnicode_FromString("")
                  : PyUnicode_FromFormat("%ld %s", n, n == 1 ? one : many);
}

static int
note_living(struct mf_gone *gone, struct mf_merge *merge, PyObject *entry,
            struct mf_report *report)
{
    struct living living = {.gone = gone,
                            .match = merge->match,
                            .cls = (PyTypeObject *)PyTuple_GET_ITEM(entry, 2)};
    if (mf_heap_walk(count_living, &living) < 0) {
        return -1;
    }
    long all = living.instances + living.subclasses;
    if (all == 0) {
        return 0;
    }
    PyObject *a = count_text(living.instances, "instance", "instances");
    PyObject *b = count_text(living.subclasses, "subclass", "subclasses");
    bool both = living.instances > 0 && living.subclasses > 0;
    int rc = a && b ? mf_report_add(report, 307, '=',
                                    PyTuple_GET_ITEM(entry, 3),
                                    PyTuple_GET_ITEM(entry, 1),
                                    PyTuple_GET_ITEM(entry, 4), 0,
                                    "%U is gone from its source, but %U%s%U "
                                    "of it live%s on",
                                    PyTuple_GET_ITEM(entry, 1), a,
                                    both ? " and " : "", b,
                                    all == 1 ? "s" : "")
                    : -1;
    Py_XDECREF(a);
    Py_XDECREF(b);
    return rc;
}

static int
note_classes(struct mf_gone *gone, struct mf_merge *merge,
             struct mf_report *report)
{
    Py_ssize_t n = gone->found ? PyList_GET_SIZE(gone->found) : 0;
    int rc = 0;
    for (Py_ssize_t i = 0; rc == 0 && i < n; i++) {
        PyObject *entry = PyList_GET_ITEM(gone->found, i);
        PyObject *cls = PyTuple_GET_ITEM(entry, 2);
        if (PyType_Check(cls) &&
            PyDict_GetItemWithError(PyTuple_GET_ITEM(entry, 0),
                                    PyTuple_GET_ITEM(entry, 5)) != cls) {
            rc = note_living(gone, merge, entry, report);
        }
    }
    return rc;
}

/* ---- functions ------------------------------------------------------------------- */

int
mf_gone_report(struct mf_gone *gone, struct mf_merge *merge,
               struct mf_report *report)
{
    struct mf_map pairs = {0};
    struct mf_vec holders = {0};
    int rc = note_classes(gone, merge, report);
    Py_ssize_t n = gone->found ? PyList_GET_SIZE(gone->found) : 0;
    for (Py_ssize_t i = 0; rc == 0 && i < n; i++) {
        PyObject *entry = PyList_GET_ITEM(gone->found, i);
        PyObject *func = PyTuple_GET_ITEM(entry, 2);
        if (PyFunction_Check(func) && Py_REFCNT(func) > 1 &&
            PyDict_GetItemWithError(PyTuple_GET_ITEM(entry, 0),
                                    PyTuple_GET_ITEM(entry, 5)) != func) {
            rc = mf_map_put(&pairs, func, (uintptr_t)Py_None);
        }
    }
    if (rc == 0 && pairs.used > 0) {
        rc = find_holders(gone, merge, &pairs, &holders);
    }
    for (Py_ssize_t i = 0; rc == 0 && i < n; i++) {
        PyObject *entry = PyList_GET_ITEM(gone->found, i);
        if (mf_map_has(&pairs, PyTuple_GET_ITEM(entry, 2))) {
            rc = note_holders(entry, &holders, report);
        }
    }
    mf_vec_clear_refs(&holders);
    mf_map_clear(&pairs);
    return rc;
}

void
mf_gone_clear(struct mf_gone *gone)
{
    Py_CLEAR(gone->found);
}
