/* plan_late.c -- owns the comparison of live code with the noted text, for
 * modules that were loaded before their text was noted (a late start): the
 * file may have been changed in between, and code objects say so. In: edited
 * modules whose codes were found on the heap. Out: exchanges.
 */
#include "plan_parts.h"

static PyObject *
codes_of_text(PyObject *path, const struct mf_text *text, int flags)
{
    PyObject *code = mf_compile_text(path, text, flags);
    PyObject *codes = code ? mf_source_flatten(code) : NULL;
    Py_XDECREF(code);
    return codes;
}

/* Has the text this code, at this line? 1 / 0 / -1. */
static int
is_of(PyObject *code, PyObject *codes)
{
    PyCodeObject *a = (PyCodeObject *)code;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(codes); i++) {
        PyCodeObject *b = (PyCodeObject *)PyList_GET_ITEM(codes, i);
        if (a->co_firstlineno != b->co_firstlineno ||
            PyUnicode_Compare(a->co_qualname, b->co_qualname) != 0) {
            continue;
        }
        int same = mf_diff_code_equal(code, (PyObject *)b, MF_CODE_NESTED);
        if (same != 0) {
            return same;
        }
    }
    return 0;
}

/* The one of the same qualified name. Borrowed; NULL without exception if
 * there is none or more than one. */
static PyObject *
counterpart(PyObject *code, PyObject *codes)
{
    PyObject *found = NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(codes); i++) {
        PyObject *other = PyList_GET_ITEM(codes, i);
        if (PyUnicode_Compare(((PyCodeObject *)code)->co_qualname,
                              ((PyCodeObject *)other)->co_qualname) != 0) {
            continue;
        }
        if (found != NULL) {
            return NULL;
        }
        found = other;
    }
    return found;
}

/* The function's statement counts as changed: the report names it. */
static int
mark_changed(struct mf_target *target, PyObject *code)
{
    struct mf_diff *diff = &target->change->diff;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *delta = &diff->deltas[i];
        if (delta->kind != MF_DELTA_SAME || delta->parent != MF_UNIT_NONE ||
            diff->new_of.split->units[delta->new_unit].kind != MF_UNIT_DEF) {
            continue;
        }
        PyObject *name = mf_plan_unit_name(target->change, delta);
        int same = name ? PyUnicode_Compare(
                              name, ((PyCodeObject *)code)->co_qualname) == 0
                        : -1;
        Py_XDECREF(name);
        if (same < 0) {
            return -1;
        }
        if (same) {
            delta->kind = MF_DELTA_CODE;
            return mf_diff_new_code(diff, delta) ? 0 : -1;
        }
    }
    return 0;
}

int
mf_plan_compare_late(struct mf_target *target)
{
    struct mf_module *module = target->module;
    struct mf_change *change = target->change;
    PyObject *live = module->codes, *fresh = NULL;
    if (!module->late || change->kind != MF_CHANGE_EDITED) {
        return 0;
    }
    PyObject *noted = codes_of_text(change->source->path,
                                    &change->source->text,
                                    change->source->flags);
    bool differs = false;
    int rc = noted ? 0 : -1;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(live); i++) {
        PyObject *code = PyList_GET_ITEM(live, i);
        int same = is_of(code, noted);
        if (same != 0) {
            rc = same < 0 ? -1 : 0;
            continue;
        }
        differs = true;
        if (fresh == NULL &&
            (fresh = codes_of_text(change->source->path, &change->text,
                                   change->flags)) == NULL) {
            rc = -1;
            break;
        }
        PyObject *other = counterpart(code, fresh);
        rc = other == NULL ? 0
             : mark_changed(target, code) < 0
                 ? -1
                 : mf_plan_pair_code(target, code, other);
    }
    if (rc == 0 && differs) {
        module->unsure = true;
    }
    else if (rc == 0) {
        module->late = false;
    }
    Py_XDECREF(noted);
    Py_XDECREF(fresh);
    return rc;
}
