/* plan_given.c -- owns updates of modules to a code object that the host gives
 * instead of a text. In: the code, the live functions' code. Out: exchanges.
 *
 * There are no statements to be told apart, so none runs: the module's own
 * code and that of its class bodies has to be what ran. The text goes on being
 * what it was; live code is compared with the next one, whatever that is.
 */
#include "plan_parts.h"

#include "../ground/compat.h"

enum { DEEPEST = 20 };

/* Class bodies store the line that they begin with (3.13+): `own`, which is
 * nobody else's, gets the other's lines. */
static void
put_on_lines(PyObject *own, PyObject *given, int depth)
{
    PyObject *a = ((PyCodeObject *)own)->co_consts;
    PyObject *b = ((PyCodeObject *)given)->co_consts;
    int delta = ((PyCodeObject *)given)->co_firstlineno -
                ((PyCodeObject *)own)->co_firstlineno;
    if (delta != 0) {
        mf_compat_code_move((PyCodeObject *)own, delta);
    }
    for (Py_ssize_t i = 0; depth < DEEPEST && i < PyTuple_GET_SIZE(a) &&
                           i < PyTuple_GET_SIZE(b);
         i++) {
        PyObject *x = PyTuple_GET_ITEM(a, i), *y = PyTuple_GET_ITEM(b, i);
        if (PyCode_Check(x) && PyCode_Check(y)) {
            put_on_lines(x, y, depth + 1);
        }
    }
}

int
mf_plan_given_fits(struct mf_source *source, PyObject *given)
{
    if (mf_source_split(source) < 0) {
        return -1;
    }
    PyObject *own =
        mf_compile_text(source->path, &source->text, source->flags);
    int fits = -1;
    if (own != NULL) {
        put_on_lines(own, given, 0);
        /* but for nested functions, which are not called when this runs */
        fits = mf_diff_code_equal(own, given, 0);
        Py_DECREF(own);
    }
    return fits;
}

/* The one of the same qualified name that comes after as many others of it.
 * Borrowed; NULL without exception: none. */
static PyObject *
counterpart(PyObject *live, Py_ssize_t at, PyObject *fresh)
{
    PyObject *name =
        ((PyCodeObject *)PyList_GET_ITEM(live, at))->co_qualname;
    Py_ssize_t before = 0;
    for (Py_ssize_t i = 0; i < at; i++) {
        PyCodeObject *code = (PyCodeObject *)PyList_GET_ITEM(live, i);
        before += PyUnicode_Compare(code->co_qualname, name) == 0;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(fresh); i++) {
        PyObject *code = PyList_GET_ITEM(fresh, i);
        if (PyUnicode_Compare(((PyCodeObject *)code)->co_qualname, name) ==
                0 &&
            before-- == 0) {
            return code;
        }
    }
    return NULL;
}

/* The statement with this function counts as changed: the report names it. */
static int
mark_changed(struct mf_change *change, PyObject *code)
{
    struct mf_diff *diff = &change->diff;
    PyObject *name = ((PyCodeObject *)code)->co_qualname;
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *delta = &diff->deltas[i];
        if (delta->kind != MF_DELTA_SAME || delta->parent != MF_UNIT_NONE ||
            diff->new_of.split->units[delta->new_unit].name_len == 0) {
            continue;
        }
        PyObject *own = mf_plan_unit_name(change, delta);
        PyObject *inside = own ? PyUnicode_FromFormat("%U.", own) : NULL;
        Py_ssize_t whole = PY_SSIZE_T_MAX;
        bool mine = inside != NULL &&
                    (PyUnicode_Compare(own, name) == 0 ||
                     PyUnicode_Tailmatch(name, inside, 0, whole, -1) == 1);
        Py_XDECREF(own);
        Py_XDECREF(inside);
        if (PyErr_Occurred()) {
            return -1;
        }
        if (mine) {
            delta->kind = MF_DELTA_CODE;
        }
    }
    return 0;
}

int
mf_plan_pair_given(struct mf_target *target)
{
    struct mf_change *change = target->change;
    PyObject *live = target->module->codes;
    PyObject *fresh = mf_source_flatten(change->given);
    int rc = fresh ? 0 : -1;
    change->diff.whole = true; /* its places are those of another text */
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(live); i++) {
        PyObject *code = PyList_GET_ITEM(live, i);
        PyObject *other = counterpart(live, i, fresh);
        int same =
            other ? PyObject_RichCompareBool(code, other, Py_EQ) : 1;
        rc = same < 0                      ? -1
             : same                        ? 0
             : mf_plan_pair_code(target, code, other) < 0
                 ? -1
                 : mark_changed(change, code);
    }
    Py_XDECREF(fresh);
    return rc;
}
