/* plan_codes.c -- owns the pairing of live code objects with new ones, by
 * statement, qualified name and place. In: edited statements. Out: the
 * targets' exchange maps.
 */
#include "plan_parts.h"

#include "../ground/fault.h"

int
mf_plan_pair_code(struct mf_target *target, PyObject *old_code,
                  PyObject *new_code)
{
    if (old_code == new_code || mf_map_has(&target->exchange, old_code)) {
        return 0;
    }
    if (mf_vec_push_ref(&target->code_refs, old_code) < 0 ||
        mf_vec_push_ref(&target->code_refs, new_code) < 0 ||
        mf_map_put(&target->exchange, old_code, (uintptr_t)new_code) < 0) {
        return -1;
    }
    /* nested ones: by name, in order */
    PyObject *a = ((PyCodeObject *)old_code)->co_consts;
    PyObject *b = ((PyCodeObject *)new_code)->co_consts;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(a); i++) {
        PyObject *x = PyTuple_GET_ITEM(a, i);
        if (!PyCode_Check(x)) {
            continue;
        }
        Py_ssize_t nth = 0;
        for (Py_ssize_t k = 0; k < i; k++) {
            PyObject *e = PyTuple_GET_ITEM(a, k);
            nth += PyCode_Check(e) &&
                   PyUnicode_Compare(((PyCodeObject *)e)->co_name,
                                     ((PyCodeObject *)x)->co_name) == 0;
        }
        for (Py_ssize_t j = 0; j < PyTuple_GET_SIZE(b); j++) {
            PyObject *y = PyTuple_GET_ITEM(b, j);
            if (!PyCode_Check(y) ||
                PyUnicode_Compare(((PyCodeObject *)x)->co_name,
                                  ((PyCodeObject *)y)->co_name) != 0) {
                continue;
            }
            if (nth-- == 0) {
                if (mf_plan_pair_code(target, x, y) < 0) {
                    return -1;
                }
                break;
            }
        }
    }
    return 0;
}

/* Where a live code object stands; by line and, on one line, in order. */
struct place {
    int line;
    Py_ssize_t at;
};

static int
compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return x->line != y->line ? (x->line > y->line) - (x->line < y->line)
                              : (x->at > y->at) - (x->at < y->at);
}

/* The live codes' places, sorted; NULL with MemoryError. */
static struct place *
places_of(PyObject *live)
{
    Py_ssize_t n = PyList_GET_SIZE(live);
    struct place *places = mf_alloc((size_t)(n + 1) * sizeof(*places));
    if (places == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    bool sorted = true;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyCodeObject *code = (PyCodeObject *)PyList_GET_ITEM(live, i);
        places[i] = (struct place){code->co_firstlineno, i};
        sorted &= i == 0 || places[i - 1].line <= places[i].line;
    }
    if (!sorted) {
        qsort(places, (size_t)n, sizeof(*places), compare_places);
    }
    return places;
}

/* The first place at this line or below it. */
static Py_ssize_t
first_place(const struct place *places, Py_ssize_t n, int line)
{
    Py_ssize_t low = 0;
    while (low < n) {
        Py_ssize_t middle = (low + n) / 2;
        if (places[middle].line < line) {
            low = middle + 1;
        }
        else {
            n = middle;
        }
    }
    return low;
}

/* Live codes whose first line lies in the unit, with the new unit's, by
 * qualified name, in order. */
static int
pair_unit(struct mf_target *target, struct mf_delta *delta,
          const struct place *places)
{
    struct mf_diff *diff = &target->change->diff;
    const struct mf_unit *u = &diff->old_of.split->units[delta->old_unit];
    PyObject *code = mf_diff_new_code(diff, delta);
    PyObject *fresh = code ? mf_source_flatten(code) : NULL;
    if (fresh == NULL) {
        return -1;
    }
    PyObject *live = target->module->codes;
    int rc = 0;
    Py_ssize_t used[64], n_used = 0;
    Py_ssize_t n = PyList_GET_SIZE(live);
    for (Py_ssize_t i = first_place(places, n, (int)u->line);
         i < n && places[i].line <= (int)u->end_line && rc == 0; i++) {
        PyCodeObject *a =
            (PyCodeObject *)PyList_GET_ITEM(live, places[i].at);
        if (PyUnicode_CompareWithASCIIString(a->co_qualname,
                                             MF_COMPILE_ANNOTATE) == 0) {
            continue; /* the whole module's, wherever it begins (3.14+) */
        }
        for (Py_ssize_t j = 0; j < PyList_GET_SIZE(fresh); j++) {
            PyCodeObject *b = (PyCodeObject *)PyList_GET_ITEM(fresh, j);
            bool taken = false;
            for (Py_ssize_t k = 0; k < n_used; k++) {
                taken |= used[k] == j;
            }
            if (!taken &&
                PyUnicode_Compare(a->co_qualname, b->co_qualname) == 0) {
                rc = mf_plan_pair_code(target, (PyObject *)a,
                                       (PyObject *)b);
                if (n_used < (Py_ssize_t)Py_ARRAY_LENGTH(used)) {
                    used[n_used++] = j;
                }
                break;
            }
        }
    }
    Py_DECREF(fresh);
    return rc;
}

int
mf_plan_pair_codes(struct mf_plan *plan)
{
    for (size_t i = 0; i < plan->targets.len; i++) {
        struct mf_target *target = plan->targets.items[i];
        struct mf_diff *diff = &target->change->diff;
        if (target->module->codes == NULL) {
            continue;
        }
        if (target->change->given != NULL) {
            if (mf_plan_pair_given(target) < 0) {
                return -1;
            }
            continue;
        }
        if (mf_plan_compare_late(target) < 0) {
            return -1;
        }
        struct place *places = NULL;
        int rc = 0;
        for (uint32_t d = 0; d < diff->len && rc == 0; d++) {
            struct mf_delta *delta = &diff->deltas[d];
            bool inside = delta->parent != MF_UNIT_NONE &&
                          diff->deltas[delta->parent].runs;
            if (inside || delta->old_unit == MF_UNIT_NONE ||
                delta->new_unit == MF_UNIT_NONE) {
                continue;
            }
            if (delta->kind == MF_DELTA_CODE || delta->runs ||
                delta->kind == MF_DELTA_RUN) {
                places = places ? places : places_of(target->module->codes);
                rc = places ? pair_unit(target, delta, places) : -1;
            }
        }
        mf_free(places);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- what a call at import time has run ----------------------------------- */

/* The live code of a function of the old text, borrowed, or NULL. */
static PyObject *
live_code_of(struct mf_change *change, struct mf_delta *delta, PyObject *old)
{
    const struct mf_unit *u =
        &change->diff.old_of.split->units[delta->old_unit];
    for (size_t t = 0; t < change->targets.len; t++) {
        struct mf_target *target = change->targets.items[t];
        PyObject *codes = target->module->codes;
        for (Py_ssize_t i = 0; codes && i < PyList_GET_SIZE(codes); i++) {
            PyCodeObject *code = (PyCodeObject *)PyList_GET_ITEM(codes, i);
            if (code->co_firstlineno >= (int)u->line &&
                code->co_firstlineno <= (int)u->end_line &&
                PyUnicode_Compare(code->co_qualname,
                                  ((PyCodeObject *)old)->co_qualname) == 0) {
                return (PyObject *)code;
            }
        }
    }
    return NULL;
}

/* Nested code that no function has any more was called by the call around it
 * and dropped, if it ever was made: what a factory returns as a decorator. A
 * function that lives takes its new code in place. */
static int
nested_differs(PyObject *live, PyObject *fresh, int depth)
{
    PyObject *a = ((PyCodeObject *)live)->co_consts;
    PyObject *b = ((PyCodeObject *)fresh)->co_consts;
    int yes = 0;
    for (Py_ssize_t i = 0;
         !yes && depth < 20 && i < PyTuple_GET_SIZE(a) &&
         i < PyTuple_GET_SIZE(b);
         i++) {
        PyObject *x = PyTuple_GET_ITEM(a, i), *y = PyTuple_GET_ITEM(b, i);
        if (!PyCode_Check(x) || !PyCode_Check(y)) {
            continue;
        }
        int same = mf_diff_code_equal(x, y, 0);
        bool dropped = Py_REFCNT(x) <= 1 || mf_compile_runs_at_once(x);
        yes = same < 0        ? -1
              : same          ? nested_differs(x, y, depth + 1)
              : dropped       ? 1
                              : 0;
    }
    return yes;
}

int
mf_plan_called_differs(struct mf_change *change, struct mf_delta *delta)
{
    PyObject *a = mf_diff_old_code(&change->diff, delta);
    PyObject *b = a ? mf_diff_new_code(&change->diff, delta) : NULL;
    PyObject *x = b ? mf_source_flatten(a) : NULL;
    PyObject *y = x ? mf_source_flatten(b) : NULL;
    Py_ssize_t n = y ? PyList_GET_SIZE(x) : 0;
    int yes = y == NULL ? -1 : n != PyList_GET_SIZE(y);
    for (Py_ssize_t i = 0; i < n && yes == 0; i++) {
        PyObject *old = PyList_GET_ITEM(x, i), *fresh = PyList_GET_ITEM(y, i);
        int same = mf_diff_code_equal(old, fresh, 0);
        PyObject *live = same == 1 ? live_code_of(change, delta, old) : NULL;
        yes = same < 0  ? -1
              : !same   ? 1
              : live    ? nested_differs(live, fresh, 0)
                        : 0;
    }
    Py_XDECREF(x);
    Py_XDECREF(y);
    return yes;
}
