/* plan_work.c -- owns statements that bind no name but work on what another
 * one binds (`view.label = LABEL`; containers: plan_makers.c), and code of a
 * statement that looks nested and runs at once. In: derived statements. Out:
 * more deltas that run.
 */
#include "plan_parts.h"

/* ---- what a statement has bound is data ---------------------------------------- */

bool
mf_plan_is_data_only(PyObject *value, int depth)
{
    PyObject *key, *item;
    Py_ssize_t pos = 0;
    if (depth > 4) {
        return false;
    }
    if (PyTuple_CheckExact(value) || PyList_CheckExact(value)) {
        Py_ssize_t n = PySequence_Fast_GET_SIZE(value), i = 0;
        while (i < n && mf_plan_is_data_only(PySequence_Fast_GET_ITEM(value, i), depth + 1)) {
            i++;
        }
        return i == n;
    }
    if (PyDict_CheckExact(value)) {
        while (PyDict_Next(value, &pos, &key, &item)) {
            if (!mf_plan_is_data_only(key, depth + 1) || !mf_plan_is_data_only(item, depth + 1)) {
                return false;
            }
        }
        return true;
    }
    return mf_source_is_data(value);
}

/* The namespace that the statement binds its names in, borrowed or NULL. */
static PyObject *
space_of(struct mf_target *target, struct mf_delta *delta)
{
    if (delta->parent == MF_UNIT_NONE) {
        return target->module->dict;
    }
    PyObject *cls = mf_plan_live_class(
        target, &target->change->diff.deltas[delta->parent]);
    return cls ? ((PyTypeObject *)cls)->tp_dict : NULL;
}

int
mf_plan_binds_data(struct mf_change *change, struct mf_delta *delta)
{
    uint8_t kind = change->diff.new_of.split->units[delta->new_unit].kind;
    if (kind != MF_UNIT_OTHER && kind != MF_UNIT_BLOCK) {
        return 0;
    }
    struct mf_names *names = mf_diff_names(&change->diff, delta);
    PyObject *name, *iter = names ? PyObject_GetIter(names->stores) : NULL;
    int yes = iter ? names->calls && PySet_GET_SIZE(names->stores) > 0 : -1;
    while (yes == 1 && (name = PyIter_Next(iter)) != NULL) {
        for (size_t t = 0; t < change->targets.len; t++) {
            PyObject *space = space_of(change->targets.items[t], delta);
            PyObject *live =
                space ? PyDict_GetItemWithError(space, name) : NULL;
            yes = yes && live != NULL && mf_plan_is_data_only(live, 0);
        }
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return PyErr_Occurred() ? -1 : yes;
}

int
mf_plan_calls_own(struct mf_change *change, struct mf_delta *delta)
{
    int yes = mf_plan_binds_data(change, delta);
    PyObject *a = yes == 1 ? mf_diff_old_code(&change->diff, delta) : NULL;
    PyObject *b = a ? mf_diff_new_code(&change->diff, delta) : NULL;
    int same = b ? mf_diff_code_equal(a, b, MF_CODE_NESTED) : -1;
    return yes != 1 ? yes : same < 0 ? -1 : !same;
}

int
mf_plan_lambda_reads(struct mf_change *change, struct mf_delta *delta,
                     PyObject *name)
{
    int yes = mf_plan_binds_data(change, delta);
    PyObject *code = yes == 1 ? mf_diff_new_code(&change->diff, delta) : NULL;
    struct mf_names all;
    if (yes <= 0 || code == NULL || mf_names_init(&all) < 0) {
        return yes == 1 ? -1 : yes;
    }
    yes = mf_names_of_function(&all, code) < 0
              ? -1
              : PySet_Contains(all.loads, name);
    mf_names_clear(&all);
    return yes;
}

/* ---- special methods ------------------------------------------------------------ */

/* "used.attr" of a special method: the length of what is in front of it, if
 * that is an instance; else 0. */
static size_t
implicit_of(struct mf_change *change, PyObject *name)
{
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    const char *dot = word ? memchr(word, '.', (size_t)len) : NULL;
    if (dot == NULL || change->targets.len == 0) {
        PyErr_Clear();
        return 0;
    }
    struct mf_target *target = change->targets.items[0];
    PyObject *root = PyUnicode_FromStringAndSize(word, dot - word);
    PyObject *attr = PyUnicode_FromString(dot + 1);
    PyObject *live =
        root && attr ? PyDict_GetItemWithError(target->module->dict, root)
                     : NULL;
    bool yes = live != NULL && !PyType_Check(live) && !PyModule_Check(live) &&
               mf_graph_is_implicit(attr);
    Py_XDECREF(attr);
    Py_XDECREF(root);
    PyErr_Clear();
    return yes ? (size_t)(dot - word) : 0;
}

bool
mf_plan_is_implicit(struct mf_change *change, PyObject *name)
{
    return implicit_of(change, name) > 0;
}

/* Builtins that call a special method of what they are given. */
static bool
loads_protocol(struct mf_names *names)
{
    static const char *const words[] = {"repr", "format", "ascii", "hash",
                                        "iter", "next", "any", "all", "map",
                                        "filter"};
    PyObject *name, *iter = PyObject_GetIter(names->loads);
    bool yes = false;
    while (iter != NULL && !yes && (name = PyIter_Next(iter)) != NULL) {
        yes = mf_plan_is_safe_builtin(name);
        for (size_t i = 0; i < Py_ARRAY_LENGTH(words) && !yes; i++) {
            yes = PyUnicode_CompareWithASCIIString(name, words[i]) == 0;
        }
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    PyErr_Clear();
    return yes;
}

int
mf_plan_reads_implicitly(struct mf_change *change, struct mf_delta *delta,
                         PyObject *name)
{
    size_t len = implicit_of(change, name);
    const char *word = PyUnicode_AsUTF8(name);
    if (len == 0 || word == NULL ||
        !mf_plan_unit_mentions(&change->diff.new_of, delta->new_unit, word,
                               len, mf_split_word(word, len))) {
        PyErr_Clear();
        return 0;
    }
    struct mf_names *names = mf_diff_names(&change->diff, delta);
    PyObject *root =
        names ? PyUnicode_FromStringAndSize(word, (Py_ssize_t)len) : NULL;
    int yes = root ? PySet_Contains(names->loads, root) : -1;
    Py_XDECREF(root);
    return yes <= 0 ? yes
                    : PySet_GET_SIZE(names->stores) > 0 &&
                          (names->operates ||
                           (names->calls && loads_protocol(names)));
}

bool
mf_plan_reads_all(struct mf_change *change, struct mf_delta *delta)
{
    static const char *const ways[] = {"globals", "locals", "vars", "dir"};
    const struct mf_unit *u =
        &change->diff.new_of.split->units[delta->new_unit];
    const char *text = PyBytes_AS_STRING(change->diff.new_of.text->bytes);
    if (u->kind != MF_UNIT_OTHER && u->kind != MF_UNIT_BLOCK) {
        return false;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(ways); i++) {
        size_t n = strlen(ways[i]);
        uint64_t bits = mf_split_word(ways[i], n);
        const char *p = text + u->start, *end = text + u->end;
        while ((u->words & bits) == bits &&
               (p = memmem(p, (size_t)(end - p), ways[i], n)) != NULL) {
            const char *q = p + n;
            /* one item of it is one name */
            if ((p == text || !mf_plan_is_word_char(p[-1])) &&
                end - q >= 2 && memcmp(q, "()", 2) == 0 &&
                (end - q == 2 || q[2] != '[') &&
                (end - q < 6 || memcmp(q + 2, ".get", 4) != 0)) {
                return true;
            }
            p = q;
        }
    }
    return false;
}

int
mf_plan_data_equal(PyObject *base, PyObject *live)
{
    PyObject *noted = Py_TYPE(base) == Py_TYPE(live)
                          ? mf_source_note_value(live, 0)
                          : NULL;
    int same = noted ? PyObject_RichCompareBool(base, noted, Py_EQ) : 0;
    Py_XDECREF(noted);
    return PyErr_Occurred() ? -1 : same;
}

/* ---- what it works on ------------------------------------------------------------ */

size_t
mf_plan_worked_on(const struct mf_compile_unit_of *of, uint32_t unit,
                  const char **word)
{
    const struct mf_unit *u = &of->split->units[unit];
    const char *end = PyBytes_AS_STRING(of->text->bytes) + u->end;
    const char *p = PyBytes_AS_STRING(of->text->bytes) + u->start + u->indent;
    if (u->kind != MF_UNIT_OTHER) {
        return 0;
    }
    *word = p;
    while (p < end && mf_plan_is_word_char(*p)) {
        p++;
    }
    return p < end && p > *word && (*p == '.' || *p == '[')
               ? (size_t)(p - *word)
               : 0;
}

/* NAME.attr = ...: the attribute's length, else 0. */
static size_t
attribute_set(struct mf_change *change, struct mf_delta *delta,
              const char *after, const char **attr)
{
    struct mf_compile_unit_of *of = &change->diff.new_of;
    const struct mf_unit *u = &of->split->units[delta->new_unit];
    const char *end = PyBytes_AS_STRING(of->text->bytes) + u->end;
    if (*after != '.') {
        return 0;
    }
    const char *p = *attr = after + 1;
    while (p < end && mf_plan_is_word_char(*p)) {
        p++;
    }
    size_t n = (size_t)(p - *attr);
    while (p < end && *p == ' ') {
        p++;
    }
    return end - p > 1 && p[0] == '=' && p[1] != '=' ? n : 0;
}

/* The attribute of a function or class of the module still is what the source
 * gave it: 1, and the statement may run alone. 1 / 0 / -1 */
static int
attribute_is_base(struct mf_change *change, PyObject *owner, PyObject *attr)
{
    PyObject *full = PyUnicode_FromFormat("%U.%U", owner, attr);
    int yes = full && change->targets.len > 0 ? 1 : -!full;
    for (size_t t = 0; yes == 1 && t < change->targets.len; t++) {
        struct mf_module *module =
            ((struct mf_target *)change->targets.items[t])->module;
        PyObject *obj = PyDict_GetItemWithError(module->dict, owner);
        PyObject *dict = obj == NULL           ? NULL
                         : PyFunction_Check(obj)
                             ? ((PyFunctionObject *)obj)->func_dict
                         : PyType_Check(obj) ? ((PyTypeObject *)obj)->tp_dict
                                             : NULL;
        PyObject *live = dict ? PyDict_GetItemWithError(dict, attr) : NULL;
        PyObject *base = module->base
                             ? PyDict_GetItemWithError(module->base, full)
                             : NULL;
        yes = live != NULL && base != NULL
                  ? mf_plan_data_equal(base, live)
                  : 0;
    }
    Py_XDECREF(full);
    return PyErr_Occurred() ? -1 : yes;
}

int
mf_plan_taint_attribute(struct mf_change *change, struct mf_delta *delta)
{
    const char *word, *attr;
    size_t len = delta->parent == MF_UNIT_NONE
                     ? mf_plan_worked_on(&change->diff.new_of,
                                         delta->new_unit, &word)
                     : 0;
    size_t n = len ? attribute_set(change, delta, word + len, &attr) : 0;
    PyObject *name =
        n ? PyUnicode_DecodeUTF8(word, (Py_ssize_t)(len + 1 + n), NULL) : NULL;
    int rc = name ? mf_plan_taint(change, name, true) : -(n > 0);
    Py_XDECREF(name);
    return rc;
}

int
mf_plan_run_work(struct mf_change *change, struct mf_delta *delta)
{
    const char *word, *attr;
    size_t len = delta->parent == MF_UNIT_NONE
                     ? mf_plan_worked_on(&change->diff.new_of,
                                         delta->new_unit, &word)
                     : 0;
    if (mf_plan_under_way(change, delta)) {
        return 0;
    }
    size_t n = len ? attribute_set(change, delta, word + len, &attr) : 0;
    if (n == 0) {
        return mf_plan_remake(change, delta, false);
    }
    PyObject *name = PyUnicode_FromStringAndSize(word, (Py_ssize_t)len);
    PyObject *key = PyUnicode_FromStringAndSize(attr, (Py_ssize_t)n);
    int yes = name && key ? attribute_is_base(change, name, key) : -1;
    Py_XDECREF(key);
    Py_XDECREF(name);
    return yes == 1 && mf_plan_mark_runs(change, delta, true) < 0 ? -1 : yes;
}
