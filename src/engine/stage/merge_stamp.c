/* merge_stamp.c -- owns the base of containers that cannot be noted, since
 * objects are in them: what stood in them when the import ended is known by
 * identity. In: stamps, live values, the old text. Out: is it what the source
 * gave?
 */
#include "merge_parts.h"

static bool
is_word(char c)
{
    return Py_ISALNUM(c) || c == '_' || (unsigned char)c >= 0x80;
}

/* NAME.method, where the method only reads. */
static bool
reads_only(const char *p, const char *end)
{
    static const char *const methods[] = {"get", "items", "keys", "values",
                                          "copy", "index", "count"};
    const char *q = p;
    while (q < end && is_word(*q)) {
        q++;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(methods); i++) {
        size_t n = strlen(methods[i]);
        if ((size_t)(q - p) == n && memcmp(p, methods[i], n) == 0) {
            return true;
        }
    }
    return false;
}

/* Behind NAME: an item is set, something is added? */
static bool
writes(const char *p, const char *end)
{
    if (p < end && *p == '.') {
        return !reads_only(p + 1, end);
    }
    if (p < end && *p == '[') {
        int depth = 0;
        for (; p < end && *p != '\n'; p++) {
            depth += (*p == '[') - (*p == ']');
            if (depth == 0) {
                p++;
                break;
            }
        }
    }
    while (p < end && *p == ' ') {
        p++;
    }
    /* =, but not ==; += and the like */
    return end - p > 1 &&
           ((p[0] == '=' && p[1] != '=') ||
            (strchr("+-|&^*", p[0]) != NULL && p[1] == '='));
}

/* Did no other statement, and no function, of the old text work on it? */
static bool
is_made_alone(struct mf_target *target, uint32_t parent, PyObject *name)
{
    struct mf_diff *diff = &target->change->diff;
    const struct mf_split *split = diff->old_of.split;
    const char *text = PyBytes_AS_STRING(diff->old_of.text->bytes);
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    int binders = 0;
    if (word == NULL || split == NULL) {
        PyErr_Clear();
        return false;
    }
    uint64_t bits = mf_split_word(word, (size_t)len);
    for (uint32_t i = split->first; i != MF_UNIT_NONE;
         i = split->units[i].next) {
        const struct mf_unit *u = &split->units[i];
        const char *p = text + u->start, *end = text + u->end;
        bool defines = u->kind == MF_UNIT_DEF || u->kind == MF_UNIT_CLASS;
        if ((u->words & bits) != bits) {
            continue;
        }
        while ((p = memmem(p, (size_t)(end - p), word, (size_t)len)) != NULL) {
            const char *q = p + len;
            bool whole = (p == text || !is_word(p[-1])) &&
                         (q >= end || !is_word(*q));
            if (whole && defines && u->body > 0 && p < text + u->body &&
                parent == MF_UNIT_NONE) {
                return false; /* a decorator, a default, a base */
            }
            if (whole && writes(q, end) && ++binders > 1) {
                return false;
            }
            if (whole && !defines && p == text + u->start + u->indent &&
                q < end && (*q == '.' || *q == '[')) {
                return false; /* NAME.use(...) */
            }
            p = q;
        }
    }
    return binders == 1;
}

bool
mf_merge_is_stamped(const struct one *one)
{
    struct mf_target *target = one->staged->target;
    PyObject *full = one->cls_name ? PyUnicode_FromFormat(
                                         "%U.%U", one->cls_name, one->name)
                                   : Py_NewRef(one->name);
    PyObject *key = full ? mf_source_stamp_key(full) : NULL;
    PyObject *noted = key && target->module->base
                          ? PyDict_GetItemWithError(target->module->base, key)
                          : NULL;
    PyObject *now = noted ? mf_source_stamp(one->live) : NULL;
    bool same = now != NULL &&
                PyObject_RichCompareBool(noted, now, Py_EQ) == 1 &&
                is_made_alone(target, one->parent, one->name);
    Py_XDECREF(now);
    Py_XDECREF(key);
    Py_XDECREF(full);
    PyErr_Clear();
    return same;
}
