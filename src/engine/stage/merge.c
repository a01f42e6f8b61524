/* merge.c -- owns data. In: staged namespaces brought home, live namespaces,
 * notes of base. Out: writes and class changes for commit.
 */
#include "merge.h"

#include "../commit/redefine_class.h"
#include "../ground/fault.h"
#include "merge_values.h"

/* ---- writes ----------------------------------------------------------------- */

int
mf_merge_write(struct mf_merge *merge, enum mf_write_kind kind,
               PyObject *holder, PyObject *key, PyObject *value)
{
    if (merge->len == merge->cap) {
        size_t cap = merge->cap ? merge->cap * 2 : 32;
        struct mf_write *more =
            mf_realloc(merge->writes, cap * sizeof(*merge->writes));
        if (more == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        merge->writes = more;
        merge->cap = cap;
    }
    merge->writes[merge->len++] =
        (struct mf_write){(uint8_t)kind, Py_NewRef(holder), Py_XNewRef(key),
                          Py_XNewRef(value)};
    return 0;
}

static struct mf_class_change *
add_class(struct mf_merge *merge, PyTypeObject *old_class)
{
    for (size_t i = 0; i < merge->n_classes; i++) {
        if (merge->classes[i].old_class == old_class) {
            return &merge->classes[i];
        }
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

void
mf_merge_clear(struct mf_merge *merge)
{
    for (size_t i = 0; i < merge->len; i++) {
        Py_XDECREF(merge->writes[i].holder);
        Py_XDECREF(merge->writes[i].key);
        Py_XDECREF(merge->writes[i].value);
    }
    mf_free(merge->writes);
    for (size_t i = 0; i < merge->n_classes; i++) {
        mf_class_change_clear(&merge->classes[i]);
    }
    mf_free(merge->classes);
    Py_CLEAR(merge->notes);
    Py_CLEAR(merge->replaced);
    merge->writes = NULL;
    merge->classes = NULL;
    merge->len = merge->cap = merge->n_classes = merge->cap_classes = 0;
}

/* ---- base -------------------------------------------------------------------- */

static const char *const safe_builtins[] = {
    "abs", "bin", "bool", "bytes", "chr", "complex", "dict", "divmod",
    "enumerate", "float", "frozenset", "hex", "int", "len", "list", "max",
    "min", "oct", "ord", "pow", "range", "repr", "reversed", "round", "set",
    "slice", "sorted", "str", "sum", "tuple", "zip", "True", "False", "None",
};

static bool
is_safe_builtin(PyObject *name)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(safe_builtins); i++) {
        if (PyUnicode_CompareWithASCIIString(name, safe_builtins[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* May the old statement be evaluated aside: constants, containers, operators,
 * comprehensions and builtins without effect. Plain names may be anything as
 * long as nothing is done with them. */
static bool
is_evaluable(struct mf_names *names, PyObject *base)
{
    if (names->imports || names->sets_attrs || names->stores_items ||
        PySet_GET_SIZE(names->attrs) > 0) {
        return false;
    }
    if (!names->calls && !names->operates) {
        return true;
    }
    PyObject *name, *iter = PyObject_GetIter(names->loads);
    bool yes = iter != NULL;
    while (yes && (name = PyIter_Next(iter)) != NULL) {
        yes = is_safe_builtin(name) ||
              (base != NULL && PyDict_GetItemWithError(base, name) != NULL);
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    PyErr_Clear();
    return yes;
}

/* What the old statement gave for a name, evaluated aside. New reference, or
 * NULL without exception if it cannot be known. */
static PyObject *
evaluate_base(struct mf_target *target, uint32_t parent, PyObject *name)
{
    struct mf_diff *diff = &target->change->diff;
    PyObject *value = NULL;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *delta = &diff->deltas[i];
        if (delta->parent != parent || delta->old_unit == MF_UNIT_NONE) {
            continue;
        }
        const struct mf_unit *u = &diff->old_of.split->units[delta->old_unit];
        if (u->kind != MF_UNIT_OTHER) {
            continue;
        }
        Py_ssize_t len;
        const char *word = PyUnicode_AsUTF8AndSize(name, &len);
        if (word == NULL || !mf_diff_may_bind(u, word, (size_t)len)) {
            continue;
        }
        struct mf_names names;
        if (mf_diff_old_names(diff, delta, &names) < 0) {
            PyErr_Clear();
            mf_names_clear(&names);
            continue;
        }
        bool binds = PySet_Contains(names.stores, name) == 1;
        bool fine = binds && is_evaluable(&names, target->module->base);
        mf_names_clear(&names);
        if (!binds) {
            continue;
        }
        Py_CLEAR(value);
        if (!fine) {
            continue;
        }
        PyObject *space = PyDict_Copy(target->module->dict);
        PyObject *code = mf_diff_old_code(diff, delta);
        PyObject *scope =
            code ? mf_compile_member_scope(code, diff->old_of.text,
                                           diff->old_of.split,
                                           delta->old_unit)
                 : NULL;
        if (space != NULL && scope != NULL &&
            (target->module->base == NULL ||
             PyDict_Update(space, target->module->base) == 0)) {
            PyObject *local = scope == code ? Py_NewRef(space) : PyDict_New();
            PyObject *done =
                local ? PyEval_EvalCode(scope, space, local) : NULL;
            if (done != NULL) {
                value = Py_XNewRef(PyDict_GetItemWithError(local, name));
            }
            Py_XDECREF(done);
            Py_XDECREF(local);
        }
        Py_XDECREF(space);
        PyErr_Clear();
    }
    return value;
}

/* The value of base for a module name (cls_name NULL) or a class attribute. */
static PyObject *
find_base(struct mf_target *target, uint32_t parent, PyObject *cls_name,
          PyObject *name)
{
    PyObject *notes = target->module->base, *noted = NULL;
    if (notes != NULL) {
        PyObject *key = cls_name
                            ? PyUnicode_FromFormat("%U.%U", cls_name, name)
                            : Py_NewRef(name);
        noted = key ? Py_XNewRef(PyDict_GetItemWithError(notes, key)) : NULL;
        Py_XDECREF(key);
    }
    PyErr_Clear();
    return noted ? noted : evaluate_base(target, parent, name);
}

/* ---- rules ---------------------------------------------------------------------- */

/* Rules come from a comment on the statement, the module's own table, the
 * configuration, or the lists of python_reloader. */
static enum mf_policy
find_policy(struct mf_merge *merge, struct mf_staged *staged,
            PyObject *cls_name, PyObject *name, uint32_t delta)
{
    return mf_policy_find(merge->match, merge->stage->state, staged->target, staged->dict,
                          cls_name, name, delta);
}

/* ---- one name -------------------------------------------------------------------- */

static bool
is_definition(PyObject *v)
{
    return PyFunction_Check(v) || PyType_Check(v) || PyModule_Check(v);
}

static bool
is_container(PyObject *v)
{
    return PyList_CheckExact(v) || PyDict_CheckExact(v) ||
           PyAnySet_CheckExact(v);
}

static bool
merges_in_place(PyObject *live, PyObject *fresh)
{
    return Py_TYPE(live) == Py_TYPE(fresh) &&
           (PyList_CheckExact(live) || PyDict_CheckExact(live) ||
            PySet_CheckExact(live));
}

/* A short repr of plain data, for the report. */
static PyObject *
short_repr(PyObject *v)
{
    PyObject *noted = mf_source_note_value(v, 0);
    PyObject *text = noted ? PyObject_Repr(noted) : NULL;
    Py_XDECREF(noted);
    PyErr_Clear();
    if (text == NULL) {
        return PyUnicode_FromFormat("<%s>", Py_TYPE(v)->tp_name);
    }
    if (PyUnicode_GET_LENGTH(text) > 40) {
        PyObject *head = PyUnicode_Substring(text, 0, 37);
        Py_SETREF(text, head ? PyUnicode_FromFormat("%U...", head) : NULL);
        Py_XDECREF(head);
    }
    return text;
}

struct one {                 /* one name to decide */
    struct mf_staged *staged;
    PyObject *cls_name;      /* qualified class name, or NULL: the module */
    uint32_t parent;         /* the class's delta, or NONE */
    uint32_t delta;          /* the statement, or NONE */
    PyObject *name, *live, *fresh;
    bool edited;
};

static int
report_one(struct mf_merge *merge, const struct one *one, int code, char op,
           const char *format, PyObject *a, PyObject *b)
{
    struct mf_change *change = one->staged->target->change;
    PyObject *full = one->cls_name ? PyUnicode_FromFormat(
                                         "%U.%U", one->cls_name, one->name)
                                   : Py_NewRef(one->name);
    PyObject *x = a ? short_repr(a) : NULL, *y = b ? short_repr(b) : NULL;
    long line = one->delta != MF_UNIT_NONE
                    ? mf_plan_unit_line(change,
                                        &change->diff.deltas[one->delta])
                    : 0;
    int rc = full == NULL || (a && !x) || (b && !y)
                 ? -1
                 : mf_report_add(merge->report, code, op,
                                 one->staged->target->module->name, full,
                                 change->source->path, line, format, full, x,
                                 y);
    Py_XDECREF(full);
    Py_XDECREF(x);
    Py_XDECREF(y);
    return rc;
}

/* Old contents as a value of their own: a container goes on living. */
static PyObject *
frozen_copy(PyObject *value)
{
    if (PyDict_CheckExact(value)) {
        return PyDict_Copy(value);
    }
    if (PyList_CheckExact(value)) {
        return PyList_GetSlice(value, 0, PyList_GET_SIZE(value));
    }
    if (PySet_CheckExact(value)) {
        return PySet_New(value);
    }
    return Py_NewRef(value);
}

/* For undo: what the name held (NULL: nothing) and holds from now on. */
static int
note_replaced(struct mf_merge *merge, PyObject *holder, PyObject *name,
              PyObject *old, PyObject *value)
{
    PyObject *before = old ? frozen_copy(old) : Py_NewRef(Py_NotImplemented);
    PyObject *after =
        value ? frozen_copy(value) : Py_NewRef(Py_NotImplemented);
    PyObject *item =
        before && after ? PyTuple_Pack(4, holder, name, before, after) : NULL;
    Py_XDECREF(before);
    Py_XDECREF(after);
    int rc = item ? PyList_Append(merge->replaced, item) : -1;
    Py_XDECREF(item);
    return rc;
}

/* In an undo: the value that the update had replaced, if what it wrote then
 * is still there. Borrowed, NULL (without exception) otherwise. */
static PyObject *
undo_value(struct mf_merge *merge, PyObject *holder, PyObject *name,
           PyObject *live)
{
    PyObject *list = merge->undo;
    for (Py_ssize_t i = 0; list != NULL && i < PyList_GET_SIZE(list); i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        PyObject *before = PyTuple_GET_ITEM(item, 2);
        if (PyTuple_GET_ITEM(item, 0) == holder &&
            PyUnicode_Compare(PyTuple_GET_ITEM(item, 1), name) == 0 &&
            before != Py_NotImplemented &&
            (live == NULL ||
             mf_merge_equal(PyTuple_GET_ITEM(item, 3), live, 0) == 1)) {
            return before;
        }
    }
    return NULL;
}

/* What the name holds from now on: *out is a new reference; *in_place: the
 * live object takes these contents. 1 decided, 0 keep live, -1. */
static int
decide(struct mf_merge *merge, const struct one *one, PyObject *holder,
       PyObject **out, bool *in_place)
{
    *in_place = false;
    PyObject *live = one->live, *fresh = one->fresh;
    PyObject *earlier = undo_value(merge, holder, one->name, live);
    if (earlier != NULL && !is_definition(earlier)) {
        *out = frozen_copy(earlier);
        *in_place = merges_in_place(live, earlier);
        return *out ? 1 : -1;
    }
    enum mf_policy policy =
        find_policy(merge, one->staged, one->cls_name, one->name, one->delta);
    if (policy == MF_POLICY_KEEP && !PyFunction_Check(fresh) &&
        !PyType_Check(fresh)) {
        return report_one(merge, one, 201, '=', "%U kept by a rule", NULL,
                          NULL) < 0
                   ? -1
                   : 0;
    }
    PyObject *base = find_base(one->staged->target, one->parent, one->cls_name,
                               one->name);
    int is_base = base ? mf_merge_equal(base, live, 0) : 0;
    int rc = -1;
    if (is_base < 0) {
        goto release_base;
    }
    bool definition = is_definition(fresh) || is_definition(live);
    if (!one->edited && !is_base && !definition &&
        policy != MF_POLICY_NEW) {
        int same = mf_merge_equal(live, fresh, 0);
        rc = same == 1 ? 0
             : report_one(merge, one, 202, '=',
                          base ? "%U kept: it has changed at run time"
                               : "%U kept: its base is unknown",
                          NULL, NULL);
        goto release_base;
    }
    bool plain = merges_in_place(live, fresh);
    if (plain && (is_base || policy == MF_POLICY_NEW)) {
        *out = mf_merge_adopt(merge, live, fresh, 0);
        *in_place = true;
        rc = *out == NULL ? -1 : 1;
    }
    else if (plain) {
        *out = mf_merge_three(merge, base, live, fresh, 0);
        *in_place = true;
        rc = *out == NULL ? -1 : 1;
        if (rc == 1 && base == NULL) {
            rc = report_one(merge, one, 302, '=',
                            "%U merged with its base unknown", NULL, NULL) < 0
                     ? -1
                     : 1;
        }
    }
    else {
        *out = Py_NewRef(fresh);
        *in_place = plain;
        rc = 1;
        if (!is_base && !definition && one->edited && !is_container(live) &&
            report_one(merge, one, 203, '=',
                       "%U was %U at run time; the edit replaces it", live,
                       NULL) < 0) {
            rc = -1;
        }
    }
release_base:
    Py_XDECREF(base);
    return rc;
}

/* ---- modules ------------------------------------------------------------------------ */

/* The base from now on: what the new source gives, as it is before merging. */
static int
note_new_base(struct mf_merge *merge, struct mf_module *module,
              PyObject *cls_name, PyObject *name, PyObject *fresh)
{
    PyObject *key = PyLong_FromVoidPtr(module);
    PyObject *notes = key ? PyDict_GetItemWithError(merge->notes, key) : NULL;
    int rc = -1;
    if (notes == NULL && !PyErr_Occurred()) {
        notes = PyDict_New();
        if (notes != NULL && PyDict_SetItem(merge->notes, key, notes) < 0) {
            Py_CLEAR(notes);
        }
        Py_XDECREF(notes);
    }
    PyObject *full = cls_name
                         ? PyUnicode_FromFormat("%U.%U", cls_name, name)
                         : Py_NewRef(name);
    PyObject *noted = fresh == NULL                  ? NULL
                      : mf_source_is_frozen(fresh) ? Py_NewRef(fresh)
                                                   : mf_source_note_value(
                                                         fresh, 0);
    if (notes != NULL && full != NULL && !PyErr_Occurred()) {
        rc = PyDict_SetItem(notes, full, noted ? noted : Py_NotImplemented);
    }
    Py_XDECREF(noted);
    Py_XDECREF(full);
    Py_XDECREF(key);
    return rc;
}

static uint32_t
find_delta(struct mf_change *change, uint32_t parent, PyObject *name)
{
    struct mf_diff *diff = &change->diff;
    uint32_t found = MF_UNIT_NONE;
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    for (uint32_t i = 0; word != NULL && i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != parent || d->new_unit == MF_UNIT_NONE) {
            continue;
        }
        const struct mf_unit *u = &diff->new_of.split->units[d->new_unit];
        const char *text = PyBytes_AS_STRING(diff->new_of.text->bytes);
        if (u->name_len > 0
                ? u->name_len == (uint32_t)len &&
                      memcmp(text + u->name, word, (size_t)len) == 0
                : mf_diff_may_bind(u, word, (size_t)len) &&
                      mf_diff_names(diff, d) != NULL &&
                      PySet_Contains(d->names.stores, name) == 1) {
            found = i;
        }
    }
    PyErr_Clear();
    return found;
}

/* In place and paired: the object itself says what changed. */
static int
report_definition(struct mf_merge *merge, struct one *one)
{
    return report_one(merge, one, PyType_Check(one->live) ? 103 : 102, '~',
                      "%U", NULL, NULL);
}

static int
merge_name(struct mf_merge *merge, struct mf_staged *staged, PyObject *name,
           bool edited)
{
    struct one one = {
        .staged = staged,
        .parent = MF_UNIT_NONE,
        .delta = find_delta(staged->target->change, MF_UNIT_NONE, name),
        .name = name,
        .live = PyDict_GetItemWithError(staged->live_dict, name),
        .fresh = PyDict_GetItemWithError(staged->dict, name),
        .edited = edited,
    };
    PyObject *dict = staged->live_dict;
    if (PyErr_Occurred()) {
        return -1;
    }
    if (one.fresh == NULL) {
        if (one.live == NULL) {
            return 0;
        }
        if (mf_policy_keeps_gone(merge->match, merge->stage->state, staged->target,
                                 staged->dict, name, one.live)) {
            return 0;
        }
        return mf_merge_write(merge, MF_WRITE_NAME, dict, name, NULL) < 0 ||
                       note_replaced(merge, dict, name, one.live, NULL) < 0
                   ? -1
                   : report_one(merge, &one, 106, '-', "%U", NULL, NULL);
    }
    if (!PyFunction_Check(one.fresh) && !PyType_Check(one.fresh) &&
        note_new_base(merge, staged->target->module, NULL, name, one.fresh) <
            0) {
        return -1;
    }
    if (one.live == NULL) {
        PyObject *earlier = undo_value(merge, dict, name, NULL);
        if (earlier != NULL && !PyFunction_Check(earlier) &&
            !PyType_Check(earlier)) {
            one.fresh = earlier;
        }
        return mf_merge_write(merge, MF_WRITE_NAME, dict, name, one.fresh) < 0
                   ? -1
                   : report_one(merge, &one, 105, '+', "%U", NULL, NULL);
    }
    if (one.live == one.fresh) {
        struct mf_pair *pair = mf_match_of_old(merge->match, one.live);
        if (pair == NULL || pair->kind != MF_PAIR_DATA) {
            return pair != NULL && one.delta != MF_UNIT_NONE
                       ? report_definition(merge, &one)
                       : 0;
        }
        if (pair->target != staged->target || pair->merged) {
            return 0; /* the statement that made it decides, once */
        }
        pair->merged = true;
        one.fresh = pair->new_obj;
        if (note_new_base(merge, staged->target->module, NULL, name,
                          one.fresh) < 0) {
            return -1;
        }
    }
    PyObject *value;
    bool in_place;
    int what = decide(merge, &one, dict, &value, &in_place);
    if (what <= 0) {
        return what;
    }
    int same = mf_merge_equal(one.live, value, 0);
    int rc = same < 0 ? -1 : 0;
    if (rc == 0 && (same == 0 || !in_place)) {
        rc = note_replaced(merge, dict, name, one.live, value);
        if (rc == 0) {
            rc = in_place ? mf_merge_write(merge, MF_WRITE_CONTENTS, one.live,
                                           NULL, value)
                          : mf_merge_write(merge, MF_WRITE_NAME, dict, name,
                                           value);
        }
        if (rc == 0 && same == 0) {
            rc = report_one(merge, &one, 104, '~', "%U %U -> %U", one.live,
                            value);
        }
    }
    Py_DECREF(value);
    return rc;
}

/* ---- classes ---------------------------------------------------------------------------- */

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
        .delta = find_delta(staged->target->change, parent, name),
        .name = name,
        .live = PyDict_GetItemWithError(cls->tp_dict, name),
        .fresh = fresh,
        .edited = edited,
    };
    if (PyErr_Occurred() ||
        (!PyFunction_Check(fresh) && !PyType_Check(fresh) &&
         note_new_base(merge, staged->target->module, one.cls_name, name,
                       fresh) < 0)) {
        return -1;
    }
    if (one.live == NULL) {
        return PyDict_SetItem(change->set, name, fresh) < 0
                   ? -1
                   : report_one(merge, &one, 105, '+', "%U", NULL, NULL);
    }
    if (one.live == fresh) {
        return mf_match_of_old(merge->match, fresh) != NULL &&
                       one.delta != MF_UNIT_NONE && edited
                   ? report_definition(merge, &one)
                   : 0;
    }
    PyObject *value;
    bool in_place;
    int what = decide(merge, &one, (PyObject *)cls, &value, &in_place);
    if (what <= 0) {
        return what;
    }
    int rc = in_place
                 ? mf_merge_write(merge, MF_WRITE_CONTENTS, one.live, NULL,
                                  value)
                 : PyDict_SetItem(change->set, name, value);
    if (rc == 0 && edited && mf_merge_equal(one.live, value, 0) != 1) {
        rc = note_replaced(merge, (PyObject *)cls, name, one.live, value);
        if (rc == 0) {
            rc = mf_source_is_data(one.live)
                     ? report_one(merge, &one, 104, '~', "%U %U -> %U",
                                  one.live, value)
                     : report_one(merge, &one, 102, '~', "%U", NULL, NULL);
        }
    }
    Py_DECREF(value);
    return rc;
}

/* How the statement of a class attribute stands: 1 edited or derived, 0 not
 * edited, -1 made by no statement (generated). */
static int
member_state(struct mf_change *change, uint32_t parent, PyObject *name)
{
    uint32_t at = find_delta(change, parent, name);
    if (at == MF_UNIT_NONE) {
        return -1;
    }
    struct mf_delta *d = &change->diff.deltas[at];
    return (d->kind == MF_DELTA_RUN || d->kind == MF_DELTA_ADDED) &&
           !d->derived;
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

static bool
same_items(PyObject *a, PyObject *b)
{
    Py_ssize_t n = PyTuple_GET_SIZE(a);
    if (n != PyTuple_GET_SIZE(b)) {
        return false;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        if (PyTuple_GET_ITEM(a, i) != PyTuple_GET_ITEM(b, i)) {
            return false;
        }
    }
    return true;
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

static int
merge_class(struct mf_merge *merge, struct mf_pair *pair)
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
    if (!same_items(fresh->tp_bases, change->old_class->tp_bases)) {
        change->bases = Py_NewRef(fresh->tp_bases);
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
                        : member_state(file, parent, name);
        PyObject *live = PyDict_GetItemWithError(change->old_class->tp_dict,
                                                 name);
        if (state == 0 && live != NULL) {
            continue; /* not edited: what lives stays */
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
        if (gone && PyList_Append(change->del, name) < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int
merge_member(struct mf_merge *merge, struct mf_member *member)
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
                            name, value, !delta->derived) < 0) {
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
static int
merge_gone_members(struct mf_merge *merge, struct mf_staged *staged)
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
                             report_one(merge, &one, 106, '-', "%U", NULL,
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

int
mf_merge_run(struct mf_merge *merge, struct mf_match *match,
             struct mf_stage *stage, struct mf_report *report)
{
    merge->match = match;
    merge->stage = stage;
    merge->report = report;
    merge->notes = PyDict_New();
    merge->replaced = PyList_New(0);
    if (merge->notes == NULL || merge->replaced == NULL) {
        return -1;
    }
    for (size_t i = 0; stage != NULL && i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        if (staged->target == NULL) {
            continue;
        }
        PyObject *name, *how;
        Py_ssize_t pos = 0;
        while (PyDict_Next(staged->bound, &pos, &name, &how)) {
            if (merge_name(merge, staged, name, how == Py_True) < 0) {
                return -1;
            }
        }
        if (merge_gone_members(merge, staged) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < match->len; i++) {
        if (match->pairs[i].kind == MF_PAIR_CLASS &&
            merge_class(merge, &match->pairs[i]) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; stage != NULL && i < stage->members.len; i++) {
        if (merge_member(merge, stage->members.items[i]) < 0) {
            return -1;
        }
    }
    return 0;
}
