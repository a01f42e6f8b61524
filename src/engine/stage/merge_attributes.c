/* merge_attributes.c -- owns what the attributes of a function that its
 * statement has made anew will be, and the question which ones of a function
 * or class go, because the statement does not give them any more. In: what
 * lives, notes of base, the new text. Out: the new function's attributes, which
 * the live one gets with all the rest; writes for containers; yes or no.
 */
#include "merge_parts.h"

/* Was it there when the import ended? */
static bool
is_noted(struct mf_target *target, PyObject *owner, PyObject *name)
{
    PyObject *key = target->module->base
                        ? PyUnicode_FromFormat("%U.%U", owner, name)
                        : NULL;
    bool yes = key != NULL &&
               PyDict_GetItemWithError(target->module->base, key) != NULL;
    Py_XDECREF(key);
    PyErr_Clear();
    return yes;
}

/* Names of the language's own that decorators and metaclasses set: all but
 * functions of the program, which some statement may have put there. */
static bool
is_made(PyObject *name, PyObject *value)
{
    struct mf_state *state = mf_state_get();
    if (!mf_source_is_dunder(name)) {
        return false;
    }
    if (!PyFunction_Check(value)) {
        return true;
    }
    PyObject *code = PyFunction_GET_CODE(value);
    bool own = state != NULL &&
               mf_source_find(state, ((PyCodeObject *)code)->co_filename) !=
                   NULL;
    PyErr_Clear();
    return !own;
}

/* Does another statement of the new text set it: f.name = ...? */
static bool
is_set_elsewhere(struct mf_change *change, PyObject *owner, PyObject *name)
{
    struct mf_diff *diff = &change->diff;
    Py_ssize_t dot = PyUnicode_FindChar(owner, '.', 0,
                                        PyUnicode_GET_LENGTH(owner), 1);
    PyObject *root = dot > 0 ? PyUnicode_Substring(owner, 0, dot)
                             : Py_NewRef(owner);
    Py_ssize_t len = 0;
    const char *word = root ? PyUnicode_AsUTF8AndSize(name, &len) : NULL;
    bool yes = false;
    for (uint32_t i = 0; word != NULL && !yes && i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != MF_UNIT_NONE || d->new_unit == MF_UNIT_NONE ||
            diff->new_of.split->units[d->new_unit].name_len > 0 ||
            !mf_diff_may_bind(&diff->new_of.split->units[d->new_unit], word,
                              (size_t)len)) {
            continue;
        }
        struct mf_names *names = mf_diff_names(diff, d);
        yes = names != NULL && names->sets_attrs &&
              PySet_Contains(names->attrs, name) == 1 &&
              PySet_Contains(names->loads, root) == 1;
    }
    Py_XDECREF(root);
    PyErr_Clear();
    return yes;
}

bool
mf_merge_attribute_goes(struct mf_target *target, PyObject *owner,
                        PyObject *name, PyObject *value)
{
    return (is_noted(target, owner, name) || is_made(name, value)) &&
           !is_set_elsewhere(target->change, owner, name);
}

/* ---- functions ------------------------------------------------------------- */

struct attributes {
    struct mf_merge *merge;
    struct mf_pair *pair;
    struct mf_module *module; /* borrowed */
    PyObject *dict;           /* the new function's, borrowed */
};

static PyObject *
noted(struct attributes *at, PyObject *name)
{
    PyObject *base = at->pair->place ? at->module->base : NULL;
    PyObject *full = base ? PyUnicode_FromFormat("%U.%U", at->pair->place, name)
                          : NULL;
    PyObject *value = full ? PyDict_GetItemWithError(base, full) : NULL;
    Py_XDECREF(full);
    return value;
}

/* A container of objects, untouched since the import ended (a list of marks)? */
static int
is_stamped(struct attributes *at, PyObject *name, PyObject *live)
{
    PyObject *base = at->pair->place ? at->module->base : NULL;
    if (at->module->base == NULL) {
        return 1; /* by a loader of its own (pytest's): decorators more likely
                     than anything else have made it */
    }
    PyObject *full = base ? PyUnicode_FromFormat("%U.%U", at->pair->place, name)
                          : NULL;
    PyObject *key = full ? mf_source_stamp_key(full) : NULL;
    PyObject *then = key ? PyDict_GetItemWithError(base, key) : NULL;
    PyObject *now = then ? mf_source_stamp(live) : NULL;
    int same = now ? PyObject_RichCompareBool(then, now, Py_EQ) : 0;
    Py_XDECREF(now);
    Py_XDECREF(key);
    Py_XDECREF(full);
    return PyErr_Occurred() ? -1 : same;
}

/* The edit replaces what the program had made of the attribute. */
static int
report_replaced(struct attributes *at, PyObject *name, PyObject *live)
{
    struct mf_staged *staged =
        mf_stage_of(at->merge->stage, at->module->dict);
    struct one one = {.staged = staged,
                      .cls_name = at->pair->place,
                      .parent = MF_UNIT_NONE,
                      .delta = at->pair->delta,
                      .name = name,
                      .live = live};
    return staged == NULL
               ? 0
               : mf_merge_report_one(at->merge, &one, 203, '=',
                                     "%U was %U at run time; the edit "
                                     "replaces it",
                                     live, NULL);
}

/* The container stays, whoever else holds it, and gets these contents. */
static int
keep_container(struct attributes *at, PyObject *name, PyObject *live,
               PyObject *contents)
{
    int same = contents ? mf_merge_equal(contents, live, 0) : -1;
    int rc = same < 0 ? -1 : 0;
    if (same == 0) {
        rc = mf_merge_write(at->merge, MF_WRITE_CONTENTS, live, NULL, contents);
    }
    Py_XDECREF(contents);
    return rc < 0 ? -1 : PyDict_SetItem(at->dict, name, live);
}

/* Both sides have it. Three ways, as names of a module are merged. */
static int
merge_both(struct attributes *at, PyObject *name, PyObject *live,
           PyObject *fresh)
{
    PyObject *base = noted(at, name);
    int was_base =
        base ? mf_merge_equal(base, live, 0) : is_stamped(at, name, live);
    int unedited = base ? mf_merge_equal(base, fresh, 0) : 0;
    bool plain = Py_TYPE(live) == Py_TYPE(fresh) &&
                 (PyList_CheckExact(live) || PyDict_CheckExact(live) ||
                  PySet_CheckExact(live));
    if (PyErr_Occurred() || was_base < 0 || unedited < 0 ||
        mf_merge_twins(at->merge, live, fresh) < 0) {
        return -1;
    }
    if (unedited) {
        return PyDict_SetItem(at->dict, name, live);
    }
    if (plain) {
        return keep_container(
            at, name, live,
            was_base ? mf_merge_adopt(at->merge, live, fresh, 0)
                     : mf_merge_three(at->merge, base, live, fresh, 0));
    }
    return base == NULL || was_base ? 0 : report_replaced(at, name, live);
}

/* Base from now on: what the new text gives. */
static int
note_base(struct attributes *at)
{
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (at->pair->place != NULL && at->dict != NULL &&
           PyDict_Next(at->dict, &pos, &name, &value)) {
        if (PyUnicode_Check(name) && !mf_source_is_dunder(name) &&
            (mf_source_is_data(value) || mf_merge_is_container(value)) &&
            mf_merge_note_new_base(at->merge, at->module, at->pair->place,
                                   name, value) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Attributes that the program has set on the function at run time stay, and
 * those that other statements have set. */
static int
merge_live(struct attributes *at, PyObject *name, PyObject *live)
{
    if (at->pair->place != NULL &&
        mf_merge_attribute_goes(at->pair->target, at->pair->place, name,
                                live)) {
        return 0;
    }
    return PyDict_SetItem(at->dict, name, live);
}

int
mf_merge_keep_attributes(struct mf_merge *merge, struct mf_pair *pair)
{
    PyFunctionObject *old_func = (PyFunctionObject *)pair->old_obj;
    PyFunctionObject *new_func = (PyFunctionObject *)pair->new_obj;
    struct attributes at = {merge, pair, pair->target->module,
                            new_func->func_dict};
    PyObject *name, *live;
    Py_ssize_t pos = 0;
    if (note_base(&at) < 0) {
        return -1;
    }
    if (old_func->func_dict != NULL && at.dict == NULL) {
        at.dict = new_func->func_dict = PyDict_New();
        if (at.dict == NULL) {
            return -1;
        }
    }
    while (old_func->func_dict != NULL &&
           PyDict_Next(old_func->func_dict, &pos, &name, &live)) {
        if (!PyUnicode_Check(name) ||
            PyUnicode_CompareWithASCIIString(name, "__wrapped__") == 0) {
            continue; /* the new one wraps another */
        }
        PyObject *fresh = PyDict_GetItemWithError(at.dict, name);
        int rc = PyErr_Occurred() ? -1
                 : fresh == NULL  ? merge_live(&at, name, live)
                 : fresh == live  ? 0
                                  : merge_both(&at, name, live, fresh);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- base --------------------------------------------------------------------- */

static int
note_set(struct mf_merge *merge, struct mf_module *module, PyObject *owner,
         PyObject *attrs)
{
    PyObject *obj = PyDict_GetItemWithError(module->dict, owner);
    PyObject *dict = NULL;
    if (obj != NULL && PyFunction_Check(obj)) {
        dict = ((PyFunctionObject *)obj)->func_dict;
    }
    else if (obj != NULL && PyType_Check(obj)) {
        dict = ((PyTypeObject *)obj)->tp_dict;
    }
    PyObject *attr, *iter = dict ? PyObject_GetIter(attrs) : NULL;
    int rc = 0;
    while (iter != NULL && rc == 0 && (attr = PyIter_Next(iter)) != NULL) {
        PyObject *value = PyDict_GetItemWithError(dict, attr);
        rc = value != NULL && !mf_source_is_dunder(attr) &&
                     !mf_merge_is_definition(value)
                 ? mf_merge_note_new_base(merge, module, owner, attr, value)
                 : 0;
        Py_DECREF(attr);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

int
mf_merge_note_attributes(struct mf_merge *merge, struct mf_staged *staged)
{
    struct mf_diff *diff = &staged->target->change->diff;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != MF_UNIT_NONE || !d->runs ||
            d->new_unit == MF_UNIT_NONE ||
            diff->new_of.split->units[d->new_unit].name_len > 0) {
            continue;
        }
        struct mf_names *names = mf_diff_names(diff, d);
        PyObject *name, *iter = NULL;
        int rc = names ? 0 : -1;
        if (names != NULL && names->sets_attrs) {
            iter = PyObject_GetIter(names->loads);
            rc = iter ? 0 : -1;
        }
        while (iter != NULL && rc == 0 && (name = PyIter_Next(iter)) != NULL) {
            rc = note_set(merge, staged->target->module, name, names->attrs);
            Py_DECREF(name);
        }
        Py_XDECREF(iter);
        if (rc < 0 || PyErr_Occurred()) {
            return -1;
        }
    }
    return 0;
}
