/* merge_values.c -- owns the comparison and the three-way merge of plain
 * data, and the look-up of rules. In: values, texts, configuration. Out: new
 * containers and decisions.
 */
#include "merge_values.h"

#include "merge.h"

/* ---- equality ------------------------------------------------------------------ */

static int
same_place(PyObject *a, PyObject *b)
{
    PyCodeObject *x = (PyCodeObject *)PyFunction_GET_CODE(a);
    PyCodeObject *y = (PyCodeObject *)PyFunction_GET_CODE(b);
    if (x == y) {
        return 1;
    }
    return PyUnicode_Compare(x->co_qualname, y->co_qualname) == 0 &&
                   PyUnicode_Compare(x->co_filename, y->co_filename) == 0
               ? mf_diff_code_equal((PyObject *)x, (PyObject *)y,
                                    MF_CODE_NESTED)
               : 0;
}

static int
dicts_equal(PyObject *a, PyObject *b, int depth)
{
    if (PyDict_GET_SIZE(a) != PyDict_GET_SIZE(b)) {
        return 0;
    }
    PyObject *key, *x;
    Py_ssize_t pos = 0;
    while (PyDict_Next(a, &pos, &key, &x)) {
        if (!mf_merge_is_key(key)) {
            return 0;
        }
        PyObject *y = PyDict_GetItemWithError(b, key);
        if (y == NULL) {
            return PyErr_Occurred() ? -1 : 0;
        }
        int same = mf_merge_equal(x, y, depth + 1);
        if (same <= 0) {
            return same;
        }
    }
    return 1;
}

static int
sets_equal(PyObject *a, PyObject *b)
{
    if (PySet_GET_SIZE(a) != PySet_GET_SIZE(b)) {
        return 0;
    }
    PyObject *key, *iter = PyObject_GetIter(a);
    int same = iter ? 1 : -1;
    while (same == 1 && (key = PyIter_Next(iter)) != NULL) {
        same = mf_merge_is_key(key) ? PySet_Contains(b, key) : 0;
        Py_DECREF(key);
    }
    Py_XDECREF(iter);
    return PyErr_Occurred() ? -1 : same;
}

bool
mf_merge_is_key(PyObject *v)
{
    if (PyTuple_CheckExact(v)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(v); i++) {
            if (!mf_merge_is_key(PyTuple_GET_ITEM(v, i))) {
                return false;
            }
        }
        return true;
    }
    return v == Py_None || v == Py_Ellipsis || PyUnicode_CheckExact(v) ||
           PyLong_CheckExact(v) || PyBool_Check(v) || PyFloat_CheckExact(v) ||
           PyBytes_CheckExact(v) || PyFunction_Check(v) ||
           PyComplex_CheckExact(v) || PyCFunction_CheckExact(v) ||
           (PyType_Check(v) && Py_TYPE(v)->tp_hash == PyType_Type.tp_hash);
}

/* A member of a builtin descriptor, new reference. */
static int
parts_equal(PyObject *a, PyObject *b, const char *const *parts, int depth)
{
    int same = 1;
    for (; same == 1 && *parts != NULL; parts++) {
        PyObject *x = PyObject_GetAttrString(a, *parts);
        PyObject *y = x ? PyObject_GetAttrString(b, *parts) : NULL;
        same = y ? mf_merge_equal(x, y, depth + 1) : -1;
        Py_XDECREF(x);
        Py_XDECREF(y);
    }
    return same;
}

int
mf_merge_equal(PyObject *a, PyObject *b, int depth)
{
    static const char *const wrapped[] = {"__func__", NULL};
    static const char *const accessors[] = {"fget", "fset", "fdel", NULL};
    if (a == b) {
        return 1;
    }
    if (Py_TYPE(a) != Py_TYPE(b) || depth > 30) {
        return 0;
    }
    if (PyFunction_Check(a)) {
        return same_place(a, b);
    }
    if (PyList_CheckExact(a) || PyTuple_CheckExact(a)) {
        Py_ssize_t n = PySequence_Fast_GET_SIZE(a);
        int same = n == PySequence_Fast_GET_SIZE(b);
        for (Py_ssize_t i = 0; i < n && same == 1; i++) {
            same = mf_merge_equal(PySequence_Fast_GET_ITEM(a, i),
                                  PySequence_Fast_GET_ITEM(b, i), depth + 1);
        }
        return same;
    }
    if (PyDict_CheckExact(a)) {
        return dicts_equal(a, b, depth);
    }
    if (PyAnySet_CheckExact(a)) {
        return sets_equal(a, b);
    }
    if (Py_IS_TYPE(a, &PyStaticMethod_Type) ||
        Py_IS_TYPE(a, &PyClassMethod_Type)) {
        return parts_equal(a, b, wrapped, depth);
    }
    if (Py_IS_TYPE(a, &PyProperty_Type)) {
        return parts_equal(a, b, accessors, depth);
    }
    int same = mf_diff_const_equal(a, b, 0);
    if (same != 0) {
        return same;
    }
    /* immutable values of the standard library compare in C */
    PyObject *noted = mf_source_note_value(a, 0);
    if (noted == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    Py_DECREF(noted);
    if (PyLong_CheckExact(a) || PyFloat_CheckExact(a) ||
        PyUnicode_CheckExact(a) || PyComplex_CheckExact(a)) {
        return 0;
    }
    return PyObject_RichCompareBool(a, b, Py_EQ);
}

/* ---- three ways ------------------------------------------------------------------ */

static bool
both_plain(PyObject *live, PyObject *fresh)
{
    return Py_TYPE(live) == Py_TYPE(fresh) && live != fresh &&
           (PyDict_CheckExact(live) || PyList_CheckExact(live) ||
            PySet_CheckExact(live));
}

/* An item that both sides have and that the edit changed: a container stays
 * and gets its own contents, anything else is the edit's. */
static PyObject *
three_item(struct mf_merge *merge, PyObject *base, PyObject *live,
           PyObject *fresh, int depth)
{
    if (!both_plain(live, fresh) || depth > 20) {
        return Py_NewRef(fresh);
    }
    PyObject *contents = mf_merge_three(merge, base, live, fresh, depth + 1);
    int same = contents ? mf_merge_equal(contents, live, 0) : -1;
    if (same == 0 && mf_merge_write(merge, MF_WRITE_CONTENTS, live, NULL,
                                    contents) < 0) {
        same = -1;
    }
    Py_XDECREF(contents);
    return same < 0 ? NULL : Py_NewRef(live);
}

/* An item that has come home because some name means it too: what the new text
 * gives for it. Who comes first decides, once. Borrowed. */
static PyObject *
staged_side(struct mf_merge *merge, PyObject *item)
{
    struct mf_pair *pair =
        item && merge->match ? mf_match_of_old(merge->match, item) : NULL;
    if (pair == NULL || pair->kind != MF_PAIR_DATA || pair->merged) {
        return item;
    }
    pair->merged = true;
    return pair->new_obj;
}

PyObject *
mf_merge_adopt(struct mf_merge *merge, PyObject *live, PyObject *fresh,
               int depth)
{
    if (PyList_CheckExact(fresh)) {
        return PyList_GetSlice(fresh, 0, PyList_GET_SIZE(fresh));
    }
    if (!PyDict_CheckExact(fresh)) {
        return PySet_New(fresh);
    }
    PyObject *out = PyDict_Copy(fresh), *key, *value;
    Py_ssize_t pos = 0;
    while (out != NULL && PyDict_Next(fresh, &pos, &key, &value)) {
        PyObject *item = PyDict_GetItemWithError(live, key);
        if (item == NULL || !both_plain(item, value) || depth > 20) {
            if (PyErr_Occurred()) {
                Py_CLEAR(out);
            }
            continue;
        }
        PyObject *contents = mf_merge_adopt(
            merge, item, item == value ? staged_side(merge, value) : value,
            depth + 1);
        if (contents == NULL ||
            mf_merge_write(merge, MF_WRITE_CONTENTS, item, NULL, contents) <
                0 ||
            PyDict_SetItem(out, key, item) < 0) {
            Py_CLEAR(out);
        }
        Py_XDECREF(contents);
    }
    return out;
}

static PyObject *
three_dicts(struct mf_merge *merge, PyObject *base, PyObject *live,
            PyObject *fresh, int depth)
{
    PyObject *out = PyDict_New(), *key, *value;
    Py_ssize_t pos = 0;
    if (out == NULL) {
        return NULL;
    }
    /* live's order: what stays, and what the edit changes in place */
    while (PyDict_Next(live, &pos, &key, &value)) {
        PyObject *b = base ? PyDict_GetItemWithError(base, key) : NULL;
        PyObject *f = PyDict_GetItemWithError(fresh, key);
        PyObject *keep = NULL;
        if (PyErr_Occurred()) {
            goto fail;
        }
        f = f == value ? staged_side(merge, f) : f;
        if (f == NULL) {
            /* base knew it: the edit removed it; else it came at run time */
            keep = b == NULL ? Py_NewRef(value) : NULL;
        }
        else {
            int same = b ? mf_merge_equal(b, f, 0) : 0;
            if (same < 0) {
                goto fail;
            }
            keep = same ? Py_NewRef(value)
                        : three_item(merge, b, value, f, depth);
            if (keep == NULL) {
                goto fail;
            }
        }
        if (keep != NULL && PyDict_SetItem(out, key, keep) < 0) {
            Py_DECREF(keep);
            goto fail;
        }
        Py_XDECREF(keep);
    }
    pos = 0;
    while (PyDict_Next(fresh, &pos, &key, &value)) {
        PyObject *b = base ? PyDict_GetItemWithError(base, key) : NULL;
        int same = b ? mf_merge_equal(b, value, 0) : 0;
        /* unedited and missing in live: removed at run time, stays so */
        if (same < 0 || PyErr_Occurred() ||
            (!same && PyDict_GetItemWithError(live, key) == NULL &&
             PyDict_SetItem(out, key, value) < 0)) {
            goto fail;
        }
    }
    return out;
fail:
    Py_DECREF(out);
    return NULL;
}

static PyObject *
three_sets(PyObject *base, PyObject *live, PyObject *fresh)
{
    PyObject *out = PySet_New(live);
    PyObject *key, *iter = out ? PyObject_GetIter(fresh) : NULL;
    int rc = iter ? 0 : -1;
    while (rc == 0 && (key = PyIter_Next(iter)) != NULL) {
        int known = base ? PySet_Contains(base, key) : 0;
        rc = known < 0 ? -1 : known ? 0 : PySet_Add(out, key);
        Py_DECREF(key);
    }
    Py_XDECREF(iter);
    iter = rc == 0 && base ? PyObject_GetIter(base) : NULL;
    while (rc == 0 && iter != NULL && (key = PyIter_Next(iter)) != NULL) {
        int still = PySet_Contains(fresh, key);
        rc = still < 0 ? -1 : still ? 0 : PySet_Discard(out, key) < 0 ? -1 : 0;
        Py_DECREF(key);
    }
    Py_XDECREF(iter);
    if (rc < 0 || PyErr_Occurred()) {
        Py_CLEAR(out);
    }
    return out;
}

static Py_ssize_t
index_in(PyObject *list, PyObject *item)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        if (mf_merge_equal(PyList_GET_ITEM(list, i), item, 0) == 1) {
            return i;
        }
    }
    return -1;
}

/* Items of `fresh` that are also in base (in order): marks in two byte
 * arrays. The usual table of the longest common subsequence; lists of the
 * source are short. */
static int
common_items(PyObject *base, PyObject *fresh, char *in_base, char *in_fresh)
{
    Py_ssize_t n = PyList_GET_SIZE(base), m = PyList_GET_SIZE(fresh);
    if (n > 2000 || m > 2000) {
        for (Py_ssize_t i = 0; i < n && i < m; i++) {
            in_base[i] = in_fresh[i] =
                mf_merge_equal(PyList_GET_ITEM(base, i),
                               PyList_GET_ITEM(fresh, i), 0) == 1;
        }
        return 0;
    }
    int *best = PyMem_Calloc((size_t)(n + 1) * (size_t)(m + 1), sizeof(int));
    if (best == NULL) {
        PyErr_NoMemory();
        return -1;
    }
#define BEST(i, j) best[(i) * (m + 1) + (j)]
    for (Py_ssize_t i = n; i-- > 0;) {
        for (Py_ssize_t j = m; j-- > 0;) {
            BEST(i, j) = mf_merge_equal(PyList_GET_ITEM(base, i),
                                        PyList_GET_ITEM(fresh, j), 0) == 1
                             ? BEST(i + 1, j + 1) + 1
                             : Py_MAX(BEST(i + 1, j), BEST(i, j + 1));
        }
    }
    for (Py_ssize_t i = 0, j = 0; i < n && j < m;) {
        if (mf_merge_equal(PyList_GET_ITEM(base, i), PyList_GET_ITEM(fresh, j),
                           0) == 1) {
            in_base[i++] = in_fresh[j++] = 1;
        }
        else if (BEST(i + 1, j) >= BEST(i, j + 1)) {
            i++;
        }
        else {
            j++;
        }
    }
#undef BEST
    PyMem_Free(best);
    return 0;
}

/* The edit's removals and insertions, made in live's order. */
static PyObject *
three_lists(PyObject *base, PyObject *live, PyObject *fresh)
{
    PyObject *out = PyList_GetSlice(live, 0, PyList_GET_SIZE(live));
    if (out == NULL) {
        return NULL;
    }
    Py_ssize_t n = base ? PyList_GET_SIZE(base) : 0;
    Py_ssize_t m = PyList_GET_SIZE(fresh);
    char *marks = PyMem_Calloc((size_t)(n + m + 1), 1);
    if (marks == NULL) {
        PyErr_NoMemory();
        Py_DECREF(out);
        return NULL;
    }
    char *in_fresh = marks + n;
    int rc = base ? common_items(base, fresh, marks, in_fresh) : 0;
    for (Py_ssize_t i = 0; rc == 0 && i < n; i++) {
        Py_ssize_t at = marks[i] ? -1
                                 : index_in(out, PyList_GET_ITEM(base, i));
        if (at >= 0) {
            rc = PyList_SetSlice(out, at, at + 1, NULL);
        }
    }
    for (Py_ssize_t j = 0; rc == 0 && j < m; j++) {
        PyObject *item = PyList_GET_ITEM(fresh, j);
        if (in_fresh[j] || (base == NULL && index_in(out, item) >= 0)) {
            continue;
        }
        Py_ssize_t at = j == 0 ? -1
                               : index_in(out, PyList_GET_ITEM(fresh, j - 1));
        at = j == 0 ? 0 : at < 0 ? PyList_GET_SIZE(out) : at + 1;
        if (base == NULL) {
            at = PyList_GET_SIZE(out);
        }
        rc = PyList_Insert(out, at, item);
    }
    PyMem_Free(marks);
    if (rc < 0) {
        Py_CLEAR(out);
    }
    return out;
}

PyObject *
mf_merge_three(struct mf_merge *merge, PyObject *base, PyObject *live,
               PyObject *fresh, int depth)
{
    if (base != NULL && Py_TYPE(base) != Py_TYPE(live)) {
        base = NULL;
    }
    if (PyDict_CheckExact(live)) {
        return three_dicts(merge, base, live, fresh, depth);
    }
    if (PyList_CheckExact(live)) {
        return three_lists(base, live, fresh);
    }
    return three_sets(base, live, fresh);
}

/* ---- rules -------------------------------------------------------------------------- */

static enum mf_policy
policy_word(PyObject *word, bool *known)
{
    *known = true;
    if (word != NULL && PyUnicode_Check(word)) {
        if (PyUnicode_CompareWithASCIIString(word, "keep") == 0 ||
            PyUnicode_CompareWithASCIIString(word, "once") == 0) {
            return MF_POLICY_KEEP;
        }
        if (PyUnicode_CompareWithASCIIString(word, "new") == 0) {
            return MF_POLICY_NEW;
        }
        if (PyUnicode_CompareWithASCIIString(word, "merge") == 0) {
            return MF_POLICY_MERGE;
        }
    }
    *known = false;
    return MF_POLICY_MERGE;
}

/* `# midflight: keep` on the statement (new side). */
static enum mf_policy
comment_policy(struct mf_change *change, uint32_t delta, bool *known)
{
    *known = false;
    if (delta == MF_UNIT_NONE ||
        change->diff.deltas[delta].new_unit == MF_UNIT_NONE) {
        return MF_POLICY_MERGE;
    }
    PyObject *word = mf_plan_comment_rule(&change->diff.new_of,
                                          change->diff.deltas[delta].new_unit);
    enum mf_policy policy = policy_word(word, known);
    Py_XDECREF(word);
    PyErr_Clear();
    return policy;
}

/* The new source's own value: a container is paired with the live one, whose
 * contents are still the old. */
static PyObject *
new_side(struct mf_match *match, PyObject *dict, const char *name)
{
    PyObject *value = dict ? PyDict_GetItemString(dict, name) : NULL;
    struct mf_pair *pair = value ? mf_match_of_old(match, value) : NULL;
    return pair != NULL && pair->kind == MF_PAIR_DATA ? pair->new_obj : value;
}

static int
list_names(struct mf_match *match, PyObject *dict, const char *list,
           PyObject *name)
{
    PyObject *names = new_side(match, dict, list);
    if (names == NULL) {
        return -1;
    }
    if (PyList_Check(names) || PyTuple_Check(names) || PyAnySet_Check(names)) {
        int there = PySequence_Contains(names, name);
        PyErr_Clear();
        return there == 1;
    }
    return names == Py_True;
}

static bool
is_compat(struct mf_state *state)
{
    PyObject *word = PyUnicode_FromString("python_reloader");
    int yes = state->compat && word
                  ? PySequence_Contains(state->compat, word)
                  : 0;
    Py_XDECREF(word);
    PyErr_Clear();
    return yes == 1;
}

/* The lists of python_reloader: data is kept unless it is named. `dict` is
 * the namespace that may declare them. -1: they do not apply. */
static int
reloader_policy(struct mf_match *match, struct mf_state *state,
                PyObject *dict, PyObject *name)
{
    int named = list_names(match, dict, "_reload_data", name);
    PyObject *all = dict ? PyDict_GetItemString(dict, "_reload_all_data")
                         : NULL;
    bool gone = dict && PyDict_GetItemString(dict, "_del_func") != NULL;
    if (named < 0 && all == NULL && !gone && !is_compat(state)) {
        return -1;
    }
    if (all != NULL && all != Py_False && all != Py_None) {
        return MF_POLICY_NEW;
    }
    return named == 1 ? MF_POLICY_NEW : MF_POLICY_KEEP;
}

enum mf_policy
mf_policy_find(struct mf_match *match, struct mf_state *state,
               struct mf_target *target,
               PyObject *new_dict, PyObject *cls_name, PyObject *name,
               uint32_t delta)
{
    bool known;
    enum mf_policy policy = comment_policy(target->change, delta, &known);
    if (known) {
        return policy;
    }
    PyObject *full = cls_name ? PyUnicode_FromFormat("%U.%U", cls_name, name)
                              : Py_NewRef(name);
    PyObject *table = new_side(match, new_dict, "__update_policy__");
    if (table != NULL && PyDict_Check(table) && full != NULL) {
        policy = policy_word(PyDict_GetItemWithError(table, full), &known);
        if (!known && cls_name == NULL) {
            PyErr_Clear();
        }
    }
    if (!known && state->data_rules != NULL && full != NULL) {
        PyObject *word = mf_plan_data_rule(state, target->module->name, full);
        policy = policy_word(word, &known);
        Py_XDECREF(word);
    }
    Py_XDECREF(full);
    PyErr_Clear();
    if (known) {
        return policy;
    }
    PyObject *space = new_dict;
    if (cls_name != NULL) {
        PyObject *cls = PyDict_GetItemWithError(new_dict, cls_name);
        if (cls == NULL || !PyType_Check(cls)) {
            PyErr_Clear();
            return MF_POLICY_MERGE;
        }
        space = ((PyTypeObject *)cls)->tp_dict;
    }
    int lists = reloader_policy(match, state, space, name);
    return lists >= 0 ? (enum mf_policy)lists : MF_POLICY_MERGE;
}

bool
mf_policy_keeps_gone(struct mf_match *match, struct mf_state *state,
                     struct mf_target *target,
                     PyObject *new_dict, PyObject *name, PyObject *live)
{
    (void)target;
    if (PyFunction_Check(live) || PyType_Check(live)) {
        return false;
    }
    return reloader_policy(match, state, new_dict, name) == MF_POLICY_KEEP;
}
