/* plan_rules.c -- owns what plan asks of live values and of rules: may a
 * derived statement run again, which comment or configured rule holds, which
 * live class a statement stands for. Reads only.
 */
#include "plan.h"

/* ---- plain data ------------------------------------------------------------ */

bool
mf_plan_is_plain(PyObject *value, int depth)
{
    if (PyFunction_Check(value) || PyType_Check(value) ||
        PyCFunction_Check(value)) {
        return true;
    }
    if (depth > 4) {
        return false;
    }
    if (PyTuple_Check(value) || PyList_CheckExact(value)) {
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(value); i++) {
            if (!mf_plan_is_plain(PySequence_Fast_GET_ITEM(value, i),
                                  depth + 1)) {
                return false;
            }
        }
        return true;
    }
    if (PyDict_CheckExact(value)) {
        PyObject *key, *item;
        Py_ssize_t pos = 0;
        while (PyDict_Next(value, &pos, &key, &item)) {
            if (!mf_plan_is_plain(key, depth + 1) ||
                !mf_plan_is_plain(item, depth + 1)) {
                return false;
            }
        }
        return true;
    }
    if (PyAnySet_CheckExact(value)) {
        return true;
    }
    const char *name = Py_TYPE(value)->tp_name;
    if (strncmp(name, "functools.", 10) == 0 ||
        strncmp(name, "operator.", 9) == 0 ||
        Py_IS_TYPE(value, &PyStaticMethod_Type) ||
        Py_IS_TYPE(value, &PyClassMethod_Type) ||
        Py_IS_TYPE(value, &PyProperty_Type)) {
        return true;
    }
    PyObject *noted = mf_source_note_value(value, 0);
    if (noted != NULL) {
        Py_DECREF(noted);
        return true;
    }
    PyErr_Clear();
    return mf_source_is_frozen(value);
}

/* ---- builtins ------------------------------------------------------------------ */

static const char *const safe_builtins[] = {
    "abs", "bin", "bool", "bytes", "chr", "complex", "dict", "divmod",
    "enumerate", "float", "frozenset", "hex", "int", "len", "list", "max",
    "min", "oct", "ord", "pow", "range", "repr", "reversed", "round", "set",
    "slice", "sorted", "str", "sum", "tuple", "zip", "True", "False", "None",
};

bool
mf_plan_is_safe_builtin(PyObject *name)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(safe_builtins); i++) {
        if (PyUnicode_CompareWithASCIIString(name, safe_builtins[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- rules ------------------------------------------------------------------ */

PyObject *
mf_plan_comment_rule(const struct mf_compile_unit_of *of, uint32_t unit)
{
    static const char mark[] = "# midflight:";
    const struct mf_unit *u = &of->split->units[unit];
    const char *text = PyBytes_AS_STRING(of->text->bytes);
    const char *end = text + u->end;
    const char *p = memmem(text + u->start, u->end - u->start, mark,
                           sizeof(mark) - 1);
    /* of a definition only its own lines count, not those of its body */
    if (p == NULL || (u->body > 0 && p > text + u->body &&
                      memchr(text + u->body, '\n',
                             (size_t)(p - (text + u->body))) != NULL)) {
        return NULL;
    }
    p += sizeof(mark) - 1;
    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }
    const char *q = p;
    while (q < end && Py_ISALPHA(*q)) {
        q++;
    }
    return q > p ? PyUnicode_FromStringAndSize(p, q - p) : NULL;
}

/* Shell-style pattern with * and ?, on UTF-8. */
static bool
matches(const char *pattern, const char *text)
{
    if (*pattern == 0) {
        return *text == 0;
    }
    if (*pattern == '*') {
        for (;; text++) {
            if (matches(pattern + 1, text)) {
                return true;
            }
            if (*text == 0) {
                return false;
            }
        }
    }
    return *text != 0 && (*pattern == '?' || *pattern == *text) &&
           matches(pattern + 1, text + 1);
}

PyObject *
mf_plan_data_rule(struct mf_state *state, PyObject *module, PyObject *name)
{
    PyObject *full = PyUnicode_FromFormat("%U:%U", module, name);
    const char *text = full ? PyUnicode_AsUTF8(full) : NULL;
    PyObject *pattern, *word, *best = NULL;
    Py_ssize_t pos = 0, best_len = -1;
    while (text != NULL && state->data_rules != NULL &&
           PyDict_Next(state->data_rules, &pos, &pattern, &word)) {
        const char *p = PyUnicode_Check(pattern) ? PyUnicode_AsUTF8(pattern)
                                                 : NULL;
        /* the longest pattern is the most specific */
        if (p != NULL && (Py_ssize_t)strlen(p) > best_len &&
            matches(p, text)) {
            best = word;
            best_len = (Py_ssize_t)strlen(p);
        }
    }
    Py_XDECREF(full);
    PyErr_Clear();
    return Py_XNewRef(best);
}

/* ---- classes ------------------------------------------------------------------- */

uint32_t
mf_plan_class_delta(struct mf_change *change, PyObject *qualname)
{
    struct mf_diff *diff = &change->diff;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->new_unit == MF_UNIT_NONE ||
            diff->new_of.split->units[d->new_unit].kind != MF_UNIT_CLASS) {
            continue;
        }
        PyObject *name = mf_plan_unit_name(change, d);
        bool same = name != NULL && PyUnicode_Compare(name, qualname) == 0;
        Py_XDECREF(name);
        if (same) {
            return i;
        }
    }
    PyErr_Clear();
    return MF_UNIT_NONE;
}

bool
mf_plan_hooks_making(PyObject *cls)
{
    if (Py_TYPE(cls) != &PyType_Type) {
        return true;
    }
    PyObject *mro = ((PyTypeObject *)cls)->tp_mro;
    for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        if (PyType_HasFeature(base, Py_TPFLAGS_HEAPTYPE) &&
            PyDict_GetItemString(base->tp_dict, "__init_subclass__") !=
                NULL) {
            return true;
        }
    }
    return false;
}

/* ---- final bindings ---------------------------------------------------------- */

bool
mf_plan_bound_later(struct mf_change *change, PyObject *name)
{
    struct mf_diff *diff = &change->diff;
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    bool later = false;
    for (uint32_t i = 0; word != NULL && i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != MF_UNIT_NONE || d->new_unit == MF_UNIT_NONE) {
            continue;
        }
        const struct mf_unit *u = &diff->new_of.split->units[d->new_unit];
        const char *text = PyBytes_AS_STRING(diff->new_of.text->bytes);
        if (u->kind == MF_UNIT_IMPORT || u->kind == MF_UNIT_FROM) {
            continue; /* bindings follow by themselves */
        }
        if (u->name_len > 0
                ? u->name_len == (uint32_t)len &&
                      memcmp(text + u->name, word, (size_t)len) == 0
                : mf_diff_may_bind(u, word, (size_t)len) &&
                      mf_diff_names(diff, d) != NULL &&
                      PySet_Contains(d->names.stores, name) == 1) {
            later = d->runs                  ? false
                    : u->kind == MF_UNIT_BLOCK ? later
                                               : d->old_unit != MF_UNIT_NONE;
        }
    }
    PyErr_Clear();
    return later;
}
