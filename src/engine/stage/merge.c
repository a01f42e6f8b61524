/* merge.c -- owns data. In: staged namespaces brought home, live namespaces,
 * notes of base. Out: writes and class changes for commit.
 */
#include "merge_parts.h"

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
        struct mf_class_change *change = &merge->classes[i];
        mf_class_change_clear(change);
        /* what was given to it (merge_class.c) */
        Py_XDECREF(change->old_class);
        Py_XDECREF(change->new_class);
        Py_XDECREF(change->metaclass);
        Py_XDECREF(change->set);
        Py_XDECREF(change->del);
        Py_XDECREF(change->bases);
    }
    mf_free(merge->classes);
    Py_CLEAR(merge->notes);
    Py_CLEAR(merge->replaced);
    merge->writes = NULL;
    merge->classes = NULL;
    merge->len = merge->cap = merge->n_classes = merge->cap_classes = 0;
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

bool
mf_merge_is_definition(PyObject *v)
{
    return PyFunction_Check(v) || PyType_Check(v) || PyModule_Check(v);
}

/* A member of a builtin wrapper, asked for by name; new reference. */
static bool
part_changes_kind(PyObject *live, PyObject *fresh, const char *name)
{
    PyObject *a = PyObject_GetAttrString(live, name);
    PyObject *b = a ? PyObject_GetAttrString(fresh, name) : NULL;
    bool yes = a != NULL && b != NULL && mf_merge_changes_kind(a, b);
    Py_XDECREF(a);
    Py_XDECREF(b);
    PyErr_Clear();
    return yes;
}

bool
mf_merge_changes_kind(PyObject *live, PyObject *fresh)
{
    static const char *const wrapped[] = {"__func__", NULL};
    static const char *const parts[] = {"fget", "fset", "fdel", NULL};
    PyTypeObject *type = Py_TYPE(live);
    if (type != Py_TYPE(fresh)) {
        return true;
    }
    const char *const *name =
        type == &PyClassMethod_Type || type == &PyStaticMethod_Type ? wrapped
        : type == &PyProperty_Type                                  ? parts
                                                                    : NULL;
    bool yes = false;
    for (; name != NULL && *name != NULL && !yes; name++) {
        yes = part_changes_kind(live, fresh, *name);
    }
    return yes;
}

/* A `def` or `class` statement gives a definition, whatever its decorators
 * make of it; an object of the same kind is left to be what it has become. */
static bool
defines_anew(const struct one *one)
{
    struct mf_diff *diff = &one->staged->target->change->diff;
    uint32_t unit = one->delta != MF_UNIT_NONE
                        ? diff->deltas[one->delta].new_unit
                        : MF_UNIT_NONE;
    return unit != MF_UNIT_NONE &&
           diff->new_of.split->units[unit].name_len > 0 &&
           mf_merge_changes_kind(one->live, one->fresh);
}

bool
mf_merge_is_container(PyObject *v)
{
    return PyList_CheckExact(v) || PyDict_CheckExact(v) ||
           PyAnySet_CheckExact(v);
}

bool
mf_merge_merges_in_place(PyObject *live, PyObject *fresh)
{
    return Py_TYPE(live) == Py_TYPE(fresh) &&
           (PyList_CheckExact(live) || PyDict_CheckExact(live) ||
            PySet_CheckExact(live));
}

/* One takes the function and the arguments of the other. */
static bool
are_partials(PyObject *live, PyObject *fresh)
{
    return mf_source_is_partial(live) && mf_source_is_partial(fresh);
}

/* A short repr of plain data, for the report. */
static PyObject *
short_repr(PyObject *v)
{
    if (PyType_Check(v)) {
        return PyType_HasFeature((PyTypeObject *)v, Py_TPFLAGS_HEAPTYPE)
                   ? Py_NewRef(((PyHeapTypeObject *)v)->ht_qualname)
                   : PyUnicode_FromString(((PyTypeObject *)v)->tp_name);
    }
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


int
mf_merge_report_one(struct mf_merge *merge, const struct one *one, int code, char op,
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

static bool
gives_definition(const struct one *one)
{
    /* a cache in front of a function, or what stands for a field of a named
     * tuple, is no value that somebody has made */
    return mf_merge_is_definition(one->fresh) ||
           mf_merge_is_definition(one->live) || defines_anew(one) ||
           (Py_TYPE(one->live) == Py_TYPE(one->fresh) &&
            (strcmp(Py_TYPE(one->live)->tp_name,
                    "functools._lru_cache_wrapper") == 0 ||
             strstr(Py_TYPE(one->live)->tp_name, "_tuplegetter") != NULL));
}

/* Does what lives stay, whatever the statement gave? Then the report says so.
 * *base: a new reference or NULL, in any case. 1 / 0 / -1. */
static int
stays(struct mf_merge *merge, const struct one *one, enum mf_policy policy,
      PyObject **base, bool *is_base)
{
    *base = NULL;
    *is_base = false;
    if (policy == MF_POLICY_KEEP && !PyFunction_Check(one->fresh) &&
        !PyType_Check(one->fresh)) {
        return mf_merge_report_one(merge, one, 201, '=', "%U kept by a rule",
                                   NULL, NULL) < 0
                   ? -1
                   : 1;
    }
    *base = mf_merge_find_base(one->staged->target, one->parent,
                               one->cls_name, one->name);
    /* all that make the container have run: then as noted */
    bool remade = one->delta != MF_UNIT_NONE &&
                  one->staged->target->change->diff.deltas[one->delta].remade;
    if (*base != NULL && one->edited && !remade && one->cls_name == NULL &&
        mf_merge_merges_in_place(one->live, one->fresh)) {
        PyObject *alone =
            mf_merge_base_alone(one->staged->target, one->name, *base);
        if (alone != NULL) {
            Py_SETREF(*base, alone);
        }
    }
    int same = *base ? mf_merge_equal(*base, one->live, 0)
                     : mf_merge_is_stamped(one);
    *is_base = same > 0;
    if (same != 0 || one->edited || policy == MF_POLICY_NEW ||
        gives_definition(one)) {
        return same < 0 ? -1 : 0;
    }
    same = mf_merge_equal(one->live, one->fresh, 0);
    if (same == 0) {
        same = mf_merge_report_one(merge, one, 202, '=',
                                   *base ? "%U kept: it has changed at run time"
                                         : "%U kept: its base is unknown",
                                   NULL, NULL);
    }
    return same < 0 ? -1 : 1;
}

/* For mf_stage.stays. */
static int
name_stays(void *arg, struct mf_staged *staged, uint32_t delta,
           PyObject *name, bool edited)
{
    struct mf_merge *merge = arg;
    struct one one = {
        .staged = staged,
        .parent = MF_UNIT_NONE,
        .delta = delta,
        .name = name,
        .live = PyDict_GetItemWithError(staged->live_dict, name),
        .fresh = PyDict_GetItemWithError(staged->dict, name),
        .edited = edited,
    };
    PyObject *base;
    bool is_base;
    if (mf_merge_undo_record(merge, staged->live_dict, name, one.live) != NULL) {
        return 0;
    }
    enum mf_policy policy = find_policy(merge, staged, NULL, name, delta);
    if (PyErr_Occurred() || (edited && policy != MF_POLICY_KEEP)) {
        return PyErr_Occurred() ? -1 : 0;
    }
    int stay = stays(merge, &one, policy, &base, &is_base);
    Py_XDECREF(base);
    return stay;
}

void
mf_merge_begin(struct mf_merge *merge, struct mf_match *match,
               struct mf_stage *stage, struct mf_report *report)
{
    merge->match = match;
    merge->stage = stage;
    merge->report = report;
    stage->stays = name_stays;
    stage->stays_arg = merge;
}

/* What the name holds from now on: *out is a new reference; *in_place: the
 * live object takes these contents. 1 decided, 0 keep live, -1. */
int
mf_merge_decide(struct mf_merge *merge, const struct one *one, PyObject *holder,
       PyObject **out, bool *in_place)
{
    *in_place = false;
    PyObject *live = one->live, *fresh = one->fresh;
    PyObject *earlier = mf_merge_undo_value(merge, one, holder);
    if (earlier == NULL && PyErr_Occurred()) {
        return -1;
    }
    if (earlier != NULL) {
        bool merges = mf_merge_merges_in_place(live, earlier);
        *in_place = merges || are_partials(live, earlier);
        *out = merges ? mf_merge_adopt(merge, live, earlier, 0)
                      : Py_NewRef(earlier);
        return *out ? 1 : -1;
    }
    enum mf_policy policy =
        find_policy(merge, one->staged, one->cls_name, one->name, one->delta);
    PyObject *base;
    bool is_base;
    int stay = stays(merge, one, policy, &base, &is_base);
    int rc = -1;
    if (stay != 0) {
        Py_XDECREF(base);
        return stay < 0 ? -1 : 0;
    }
    bool plain = mf_merge_merges_in_place(live, fresh);
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
            rc = mf_merge_report_one(merge, one, 302, '=',
                            "%U merged with its base unknown", NULL, NULL) < 0
                     ? -1
                     : 1;
        }
    }
    else {
        *out = Py_NewRef(fresh);
        *in_place = are_partials(live, fresh);
        rc = 1;
        if (!is_base && !gives_definition(one) && one->edited &&
            !mf_merge_is_container(live) &&
            mf_merge_report_one(merge, one, 203, '=',
                       base ? "%U was %U at run time; the edit replaces it"
                            : "%U was %U, base unknown; the edit replaces it",
                       live, NULL) < 0) {
            rc = -1;
        }
    }
    Py_XDECREF(base);
    return rc;
}

/* ---- modules ------------------------------------------------------------------------ */

/* The base from now on: what the new source gives, as it is before merging. */
int
mf_merge_note_new_base(struct mf_merge *merge, struct mf_module *module,
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
    PyObject *stamp = rc == 0 && noted == NULL && fresh != NULL
                          ? mf_source_stamp(fresh)
                          : NULL;
    PyObject *as = rc == 0 ? mf_source_stamp_key(full) : NULL;
    rc = as ? PyDict_SetItem(notes, as, stamp ? stamp : Py_NotImplemented)
            : -1;
    Py_XDECREF(stamp);
    Py_XDECREF(as);
    Py_XDECREF(noted);
    Py_XDECREF(full);
    Py_XDECREF(key);
    return rc;
}

uint32_t
mf_merge_find_delta(struct mf_change *change, uint32_t parent, PyObject *name)
{
    uint32_t found;
    if (mf_diff_binder(&change->diff, parent, name, MF_UNIT_NONE, &found) <
        0) {
        PyErr_Clear();
    }
    return found;
}

/* In place and paired: the object itself says what changed. */
int
mf_merge_report_definition(struct mf_merge *merge, struct one *one)
{
    return mf_merge_report_one(merge, one, PyType_Check(one->live) ? 103 : 102, '~',
                      "%U", NULL, NULL);
}

static int
merge_name(struct mf_merge *merge, struct mf_staged *staged, PyObject *name,
           bool edited)
{
    struct one one = {
        .staged = staged,
        .parent = MF_UNIT_NONE,
        .delta = mf_merge_find_delta(staged->target->change, MF_UNIT_NONE, name),
        .name = name,
        .live = PyDict_GetItemWithError(staged->live_dict, name),
        .fresh = PyDict_GetItemWithError(staged->dict, name),
        .edited = edited,
    };
    PyObject *dict = staged->live_dict;
    PyObject *given = staged->kept ? PyDict_GetItemWithError(staged->kept, name)
                                   : NULL;
    if (PyErr_Occurred()) {
        return -1;
    }
    if (given != NULL && one.live == one.fresh) {
        struct mf_pair *pair = mf_match_of_old(merge->match, one.live);
        if (given == one.live && pair != NULL) {
            given = pair->new_obj; /* brought home, like all references to it */
        }
        return mf_merge_note_new_base(merge, staged->target->module, NULL,
                                      name, given);
    }
    if (one.fresh == NULL) {
        if (one.live == NULL) {
            return 0;
        }
        if (mf_policy_keeps_gone(merge->match, merge->stage->state, staged->target,
                                 staged->dict, name, one.live)) {
            return 0;
        }
        /* every module has a __doc__ */
        bool doc = PyUnicode_CompareWithASCIIString(name, "__doc__") == 0;
        return mf_merge_write(merge, MF_WRITE_NAME, dict, name,
                              doc ? Py_None : NULL) < 0 ||
                       mf_merge_note_one(merge, &one, dict, NULL, false) < 0
                   ? -1
                   : mf_merge_report_one(merge, &one, 106, '-', "%U", NULL, NULL);
    }
    if (!PyFunction_Check(one.fresh) && !PyType_Check(one.fresh) &&
        mf_merge_note_new_base(merge, staged->target->module, NULL, name, one.fresh) <
            0) {
        return -1;
    }
    if (one.live == NULL) {
        PyObject *earlier = mf_merge_undo_value(merge, &one, dict);
        if (earlier != NULL) {
            one.fresh = earlier;
        }
        return PyErr_Occurred() || mf_merge_write(merge, MF_WRITE_NAME, dict,
                                                  name, one.fresh) < 0
                   ? -1
                   : mf_merge_report_one(merge, &one, 105, '+', "%U", NULL, NULL);
    }
    if (one.live == one.fresh) {
        struct mf_pair *pair = mf_match_of_old(merge->match, one.live);
        if (pair == NULL || pair->kind != MF_PAIR_DATA) {
            return pair != NULL && one.delta != MF_UNIT_NONE
                       ? mf_merge_report_definition(merge, &one)
                       : 0;
        }
        if (pair->target != staged->target || pair->merged) {
            return 0; /* the statement that made it decides, once */
        }
        pair->merged = true;
        one.fresh = pair->new_obj;
        if (mf_merge_note_new_base(merge, staged->target->module, NULL, name,
                          one.fresh) < 0) {
            return -1;
        }
    }
    PyObject *value;
    bool in_place;
    int what = mf_merge_decide(merge, &one, dict, &value, &in_place);
    if (what <= 0) {
        return what;
    }
    if (in_place && mf_merge_is_borrowed(staged, &one)) {
        Py_SETREF(value, Py_NewRef(one.fresh));
        in_place = false;
    }
    int same = mf_merge_equal(one.live, value, 0);
    int rc = same < 0 ? -1 : 0;
    if (rc == 0 && (same == 0 || !in_place)) {
        rc = mf_merge_note_one(merge, &one, dict, value, in_place);
        if (rc == 0) {
            rc = in_place ? mf_merge_write(merge, MF_WRITE_CONTENTS, one.live,
                                           NULL, value)
                          : mf_merge_write(merge, MF_WRITE_NAME, dict, name,
                                           value);
        }
        if (rc == 0 && same == 0) {
            rc = mf_merge_report_one(merge, &one, 104, '~', "%U %U -> %U", one.live,
                            value);
        }
    }
    Py_DECREF(value);
    return rc;
}

/* ---- classes ---------------------------------------------------------------------------- */

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
        if (staged->called && mf_merge_written(merge, staged) < 0) {
            return -1;
        }
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
        if (mf_merge_merge_gone_members(merge, staged) < 0 ||
            mf_merge_note_attributes(merge, staged) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < match->len; i++) {
        if (match->pairs[i].kind == MF_PAIR_CLASS &&
            mf_merge_merge_class(merge, &match->pairs[i]) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; stage != NULL && i < stage->members.len; i++) {
        if (mf_merge_merge_member(merge, stage->members.items[i]) < 0) {
            return -1;
        }
    }
    return 0;
}
