/* merge_class.c -- owns what every attribute of a redefined class will hold.
 * In: pairs of classes, members that ran alone. Out: class changes.
 */
#include "merge_parts.h"

#include "../commit/redefine_class.h"
#include "../ground/fault.h"
#include "effects_copy.h"

struct mf_class_change *
mf_merge_class_change(struct mf_merge *merge, PyTypeObject *old_class)
{
    for (size_t i = 0; i < merge->n_classes; i++) {
        if (merge->classes[i].old_class == old_class) {
            return &merge->classes[i];
        }
    }
    return NULL;
}

static struct mf_class_change *
add_class(struct mf_merge *merge, PyTypeObject *old_class)
{
    struct mf_class_change *known = mf_merge_class_change(merge, old_class);
    if (known != NULL) {
        return known;
    }
    if (merge->n_classes == merge->cap_classes) {
        size_t cap = merge->cap_classes ? merge->cap_classes * 2 : 8;
        struct mf_class_change *more =
            mf_realloc(merge->classes, cap * sizeof(*merge->classes));
        if (more == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        merge->classes = more;
        merge->cap_classes = cap;
    }
    struct mf_class_change *change = &merge->classes[merge->n_classes++];
    memset(change, 0, sizeof(*change));
    change->old_class = (PyTypeObject *)Py_NewRef(old_class);
    change->set = PyDict_New();
    change->del = PyList_New(0);
    return change->set && change->del ? change : NULL;
}

static PyObject *
class_name(PyTypeObject *type)
{
    return ((PyHeapTypeObject *)type)->ht_qualname;
}

/* One attribute of a redefined class. */
static int
merge_attribute(struct mf_merge *merge, struct mf_staged *staged,
                struct mf_class_change *change, uint32_t parent,
                PyObject *name, PyObject *fresh, bool edited)
{
    PyTypeObject *cls = change->old_class;
    struct one one = {
        .staged = staged,
        .cls_name = class_name(cls),
        .parent = parent,
        .delta = mf_merge_find_delta(staged->target->change, parent, name),
        .name = name,
        .live = PyDict_GetItemWithError(cls->tp_dict, name),
        .fresh = fresh,
        .edited = edited,
    };
    if (PyErr_Occurred() ||
        (!PyFunction_Check(fresh) && !PyType_Check(fresh) &&
         mf_merge_note_new_base(merge, staged->target->module, one.cls_name, name,
                       fresh) < 0)) {
        return -1;
    }
    if (one.live == NULL) {
        return PyDict_SetItem(change->set, name, fresh) < 0
                   ? -1
                   : mf_merge_report_one(merge, &one, 105, '+', "%U", NULL, NULL);
    }
    if (one.live == fresh) {
        return mf_match_of_old(merge->match, fresh) != NULL &&
                       one.delta != MF_UNIT_NONE && edited
                   ? mf_merge_report_definition(merge, &one)
                   : 0;
    }
    PyObject *value;
    bool in_place;
    int what = mf_merge_decide(merge, &one, (PyObject *)cls, &value, &in_place);
    if (what <= 0) {
        return what;
    }
    int rc = in_place
                 ? mf_merge_write(merge, MF_WRITE_CONTENTS, one.live, NULL,
                                  value)
                 : PyDict_SetItem(change->set, name, value);
    if (rc == 0 && edited && mf_merge_equal(one.live, value, 0) != 1) {
        rc = mf_merge_note_one(merge, &one, (PyObject *)cls, value,
                               in_place);
        if (rc == 0) {
            rc = mf_source_is_data(one.live)
                     ? mf_merge_report_one(merge, &one, 104, '~', "%U %U -> %U",
                                  one.live, value)
                     : mf_merge_report_one(merge, &one, 102, '~', "%U", NULL, NULL);
        }
    }
    Py_DECREF(value);
    return rc;
}

/* Not what a literal gives: a metaclass or a decorator has put it in the place
 * of the statement's value (opts = None). */
static bool
is_filled_in(struct mf_diff *diff, struct mf_delta *delta, PyObject *value)
{
    const struct mf_unit *u = &diff->new_of.split->units[delta->new_unit];
    if (u->name_len > 0 || mf_merge_is_container(value) ||
        Py_TYPE(value)->tp_descr_get != NULL || PyType_Check(value) ||
        mf_source_is_data(value)) {
        return false;
    }
    bool yes = mf_diff_reads_nothing(diff, delta) > 0;
    PyErr_Clear();
    return yes;
}

/* How the statement of a class attribute stands: 1 edited or derived, 0 not
 * edited, -1 made by no statement (generated). */
static int
member_state(struct mf_change *change, uint32_t parent, PyObject *name,
             PyObject *value)
{
    uint32_t at = mf_merge_find_delta(change, parent, name);
    if (at == MF_UNIT_NONE) {
        return -1;
    }
    struct mf_delta *d = &change->diff.deltas[at];
    if (d->kind == MF_DELTA_SAME && is_filled_in(&change->diff, d, value)) {
        return -1;
    }
    return (d->kind == MF_DELTA_RUN || d->kind == MF_DELTA_ADDED) &&
           (!d->derived || d->remade);
}

/* A member that was not edited, in a class that ran whole: it ran too. Was it
 * to run by itself, or has a decorator made something else of it? */
static bool
made_anew(struct mf_change *change, uint32_t parent, PyObject *name,
          PyObject *live, PyObject *fresh)
{
    uint32_t at = mf_merge_find_delta(change, parent, name);
    struct mf_delta *d = &change->diff.deltas[at];
    const struct mf_unit *u = &change->diff.new_of.split->units[d->new_unit];
    return d->kind == MF_DELTA_RUN || d->kind == MF_DELTA_ADDED ||
           (u->name_len > 0 && mf_merge_changes_kind(live, fresh));
}

/* A descriptor of memory fits the instances of one class only, also where
 * both classes have the same layout. */
static bool
describes_memory(PyObject *value)
{
    return Py_IS_TYPE(value, &PyMemberDescr_Type) ||
           Py_IS_TYPE(value, &PyGetSetDescr_Type);
}

/* Did a statement of the old class body bind the name? */
static bool
old_member(struct mf_change *change, uint32_t parent, PyObject *name)
{
    struct mf_diff *diff = &change->diff;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        struct mf_names names;
        if (d->parent != parent || d->old_unit == MF_UNIT_NONE) {
            continue;
        }
        int there = mf_diff_old_names(diff, d, &names) == 0 &&
                    PySet_Contains(names.stores, name) == 1;
        mf_names_clear(&names);
        PyErr_Clear();
        if (there) {
            return true;
        }
    }
    return false;
}

/* Was this class made by the class statement itself: has it the functions
 * that the statement defines? */
static bool
made_by_statement(struct mf_change *change, uint32_t at, PyTypeObject *fresh)
{
    struct mf_diff *diff = &change->diff;
    const char *text = PyBytes_AS_STRING(diff->new_of.text->bytes);
    const struct mf_unit *cls =
        &diff->new_of.split->units[diff->deltas[at].new_unit];
    for (uint32_t c = cls->first_child; c != MF_UNIT_NONE;
         c = diff->new_of.split->units[c].next) {
        const struct mf_unit *u = &diff->new_of.split->units[c];
        if (u->kind != MF_UNIT_DEF || text[u->name] == '_') {
            continue;
        }
        PyObject *name =
            PyUnicode_FromStringAndSize(text + u->name, u->name_len);
        bool there = name != NULL &&
                     PyDict_GetItemWithError(fresh->tp_dict, name) != NULL;
        Py_XDECREF(name);
        PyErr_Clear();
        if (!there) {
            return false;
        }
    }
    return true;
}

/* A class that had its dict or its weak references from a base that it has no
 * more gets descriptors of its own for them. */
static int
own_descriptors(struct mf_class_change *change)
{
    static const char *const names[] = {"__dict__", "__weakref__"};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(names); i++) {
        PyObject *fresh =
            PyDict_GetItemString(change->new_class->tp_dict, names[i]);
        if (fresh == NULL || Py_TYPE(fresh) != &PyGetSetDescr_Type ||
            PyDict_GetItemString(change->old_class->tp_dict, names[i])) {
            continue;
        }
        PyObject *own = PyDescr_NewGetSet(
            change->old_class, ((PyGetSetDescrObject *)fresh)->d_getset);
        int rc = own ? PyDict_SetItemString(change->set, names[i], own) : -1;
        Py_XDECREF(own);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

/* Combinations of flags were made while the program ran (A | B): the same
 * ones stay, if their bits are still those of members. */
static int
keep_combinations(struct mf_merge *merge, struct mf_class_change *change)
{
    static const char map[] = "_value2member_map_";
    PyObject *dict = change->old_class->tp_dict;
    PyObject *live = PyDict_GetItemString(dict, map);
    PyObject *named = PyDict_GetItemString(dict, "_member_map_");
    PyObject *fresh = PyDict_GetItemString(change->set, map);
    PyObject *mask = PyDict_GetItemString(change->set, "_flag_mask_");
    if (mask == NULL) { /* not set: the same object as before */
        mask = PyDict_GetItemString(dict, "_flag_mask_");
    }
    if (live == NULL || named == NULL || fresh == NULL || mask == NULL ||
        !PyDict_CheckExact(live) || !PyDict_CheckExact(named) ||
        !PyDict_CheckExact(fresh) || !PyLong_CheckExact(mask)) {
        return 0;
    }
    PyObject *bits, *member, *kept = PyDict_Copy(fresh);
    PyObject *members = PyDict_Values(named);
    Py_ssize_t pos = 0;
    int rc = kept && members ? 0 : -1;
    while (rc == 0 && PyDict_Next(live, &pos, &bits, &member)) {
        bool own = !PyLong_CheckExact(bits) ||
                   Py_TYPE(member) != change->old_class ||
                   mf_match_of_old(merge->match, member) != NULL;
        for (Py_ssize_t i = 0; !own && i < PyList_GET_SIZE(members); i++) {
            own = PyList_GET_ITEM(members, i) == member;
        }
        if (own || PyDict_GetItemWithError(fresh, bits) != NULL) {
            continue;
        }
        PyObject *known = PyNumber_And(bits, mask);
        int fits = known ? PyObject_RichCompareBool(known, bits, Py_EQ) : -1;
        Py_XDECREF(known);
        rc = fits > 0 ? PyDict_SetItem(kept, bits, member) : fits;
    }
    if (rc == 0) {
        rc = PyDict_SetItemString(change->set, map, kept);
    }
    Py_XDECREF(members);
    Py_XDECREF(kept);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* Are there deltas of its members? Not of a class that a call has made, nor of
 * one that stands on one line. */
static bool
has_members(struct mf_change *change, uint32_t parent)
{
    struct mf_diff *diff = &change->diff;
    for (uint32_t i = 0; parent != MF_UNIT_NONE && i < diff->len; i++) {
        if (diff->deltas[i].parent == parent) {
            return true;
        }
    }
    return false;
}

/* Was the function defined in the body of the class? */
static bool
made_in_body(PyTypeObject *cls, PyObject *name, PyObject *value)
{
    if (!PyFunction_Check(value)) {
        return false;
    }
    PyObject *full = PyUnicode_FromFormat("%U.%U", class_name(cls), name);
    bool yes = full != NULL &&
               PyUnicode_Compare(((PyFunctionObject *)value)->func_qualname,
                                 full) == 0;
    Py_XDECREF(full);
    PyErr_Clear();
    return yes;
}

int
mf_merge_merge_class(struct mf_merge *merge, struct mf_pair *pair)
{
    struct mf_staged *staged =
        mf_stage_of(merge->stage, pair->target->module->dict);
    PyTypeObject *fresh = (PyTypeObject *)pair->new_obj;
    struct mf_class_change *change =
        add_class(merge, (PyTypeObject *)pair->old_obj);
    if (change == NULL || staged == NULL) {
        return -1;
    }
    size_t at = (size_t)(change - merge->classes);
    change->new_class = (PyTypeObject *)Py_NewRef(fresh);
    if (mf_merge_abc_twins(merge, change->old_class, fresh) < 0) {
        return -1;
    }
    if (!mf_effects_same_items(fresh->tp_bases, change->old_class->tp_bases)) {
        change->bases = Py_NewRef(fresh->tp_bases);
        if (own_descriptors(change) < 0) {
            return -1;
        }
    }
    if (Py_TYPE(fresh) != Py_TYPE(change->old_class)) {
        change->metaclass = (PyTypeObject *)Py_NewRef(Py_TYPE(fresh));
    }
    uint32_t parent =
        mf_plan_class_delta(pair->target->change, class_name(fresh));
    if (parent != MF_UNIT_NONE &&
        !made_by_statement(pair->target->change, parent, fresh)) {
        parent = MF_UNIT_NONE; /* a decorator has made another class */
    }
    struct mf_change *file = pair->target->change;
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(fresh->tp_dict, &pos, &name, &value)) {
        if (mf_redefine_class_skips(name)) {
            continue;
        }
        change = &merge->classes[at];
        int state = parent == MF_UNIT_NONE
                        ? -1
                        : member_state(file, parent, name, value);
        PyObject *live = PyDict_GetItemWithError(change->old_class->tp_dict,
                                                 name);
        if (state == 0 && live != NULL &&
            !made_anew(file, parent, name, live, value)) {
            if (mf_merge_twins(merge, live, value) < 0) {
                return -1;
            }
            continue; /* not edited: what lives stays */
        }
        if (!pair->rebuild && live != NULL && describes_memory(live) &&
            describes_memory(value)) {
            continue;
        }
        int rc = state < 0 && live != NULL
                     ? (live == value
                            ? 0
                            : PyDict_SetItem(change->set, name, value))
                     : merge_attribute(merge, staged, change, parent, name,
                                       value, state == 1);
        if (rc < 0) {
            return -1;
        }
    }
    change = &merge->classes[at];
    if (keep_combinations(merge, change) < 0) {
        return -1;
    }
    pos = 0;
    while (PyDict_Next(change->old_class->tp_dict, &pos, &name, &value)) {
        if (mf_redefine_class_skips(name) ||
            PyDict_GetItemWithError(fresh->tp_dict, name) != NULL) {
            continue;
        }
        bool gone = parent != MF_UNIT_NONE && old_member(file, parent, name);
        if (!gone && PyFunction_Check(value)) {
            /* generated for the old class (dataclass, total_ordering) */
            gone = PyUnicode_Tailmatch(
                       ((PyFunctionObject *)value)->func_qualname,
                       class_name(change->old_class), 0, PY_SSIZE_T_MAX,
                       -1) == 1 &&
                   PyUnicode_Compare(((PyFunctionObject *)value)->func_module,
                                     pair->target->module->name) == 0 &&
                   PyUnicode_READ_CHAR(
                       ((PyCodeObject *)PyFunction_GET_CODE(value))
                           ->co_filename,
                       0) == '<';
        }
        if (!gone && PyUnicode_READ_CHAR(name, 0) == '_' &&
            (value == Py_None)) {
            gone = true; /* __hash__ = None that the old __eq__ had set */
        }
        gone = gone || (!has_members(file, parent) &&
                        made_in_body(change->old_class, name, value));
        gone = gone || mf_merge_attribute_goes(pair->target,
                                               class_name(change->old_class),
                                               name, value);
        if (gone && PyList_Append(change->del, name) < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

int
mf_merge_merge_member(struct mf_merge *merge, struct mf_member *member)
{
    struct mf_staged *staged =
        mf_stage_of(merge->stage, member->target->module->dict);
    struct mf_class_change *change =
        add_class(merge, (PyTypeObject *)member->cls);
    if (change == NULL || staged == NULL) {
        return -1;
    }
    size_t at = (size_t)(change - merge->classes);
    struct mf_delta *delta =
        &member->target->change->diff.deltas[member->delta];
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(member->set, &pos, &name, &value)) {
        if (merge_attribute(merge, staged, &merge->classes[at], delta->parent,
                            name, value,
                            !delta->derived || delta->remade) < 0) {
            return -1;
        }
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(member->gone); i++) {
        if (PyList_Append(merge->classes[at].del,
                          PyList_GET_ITEM(member->gone, i)) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Members whose statements are gone from a class that did not run whole. */
int
mf_merge_merge_gone_members(struct mf_merge *merge, struct mf_staged *staged)
{
    struct mf_change *file = staged->target->change;
    struct mf_diff *diff = &file->diff;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent == MF_UNIT_NONE || d->old_unit == MF_UNIT_NONE ||
            diff->deltas[d->parent].kind != MF_DELTA_CLASS ||
            !(d->kind == MF_DELTA_REMOVED || d->kind == MF_DELTA_RUN)) {
            continue;
        }
        PyObject *cls =
            mf_plan_live_class(staged->target, &diff->deltas[d->parent]);
        struct mf_names names;
        int rc = cls ? mf_diff_old_names(diff, d, &names) : 1;
        if (rc != 0) {
            if (rc < 0 || PyErr_Occurred()) {
                return -1;
            }
            continue;
        }
        PyObject *name, *iter = PyObject_GetIter(names.stores);
        while (iter != NULL && rc == 0 && (name = PyIter_Next(iter)) != NULL) {
            PyObject *live = PyDict_GetItemWithError(
                ((PyTypeObject *)cls)->tp_dict, name);
            int other = mf_plan_bound_elsewhere(file, d, name);
            if (live != NULL && other == 0 &&
                !mf_redefine_class_skips(name)) {
                struct mf_class_change *change =
                    add_class(merge, (PyTypeObject *)cls);
                struct one one = {.staged = staged,
                                  .cls_name = class_name((PyTypeObject *)cls),
                                  .parent = d->parent,
                                  .delta = i,
                                  .name = name};
                rc = change == NULL ||
                             PyList_Append(change->del, name) < 0 ||
                             mf_merge_report_one(merge, &one, 106, '-', "%U", NULL,
                                        NULL) < 0
                         ? -1
                         : 0;
            }
            rc = other < 0 || PyErr_Occurred() ? -1 : rc;
            Py_DECREF(name);
        }
        Py_XDECREF(iter);
        mf_names_clear(&names);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}
