/* diff.c -- owns the comparison of two texts' statements, aligned, and of code
 * trees. In: two split texts. Out: deltas.
 */
#include "diff.h"

#include "diff_align.h"

#include "../ground/fault.h"

/* ---- code trees --------------------------------------------------------- */

static int
sequence_equal(PyObject *a, PyObject *b, int flags)
{
    Py_ssize_t n = PyTuple_GET_SIZE(a);
    if (n != PyTuple_GET_SIZE(b)) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        int same = mf_diff_const_equal(PyTuple_GET_ITEM(a, i),
                                       PyTuple_GET_ITEM(b, i), flags);
        if (same <= 0) {
            return same;
        }
    }
    return 1;
}

/* frozenset constants: same members by type and value, any order */
static int
set_equal(PyObject *a, PyObject *b, int flags)
{
    if (PySet_GET_SIZE(a) != PySet_GET_SIZE(b)) {
        return 0;
    }
    PyObject *xs = PySequence_Tuple(a), *ys = PySequence_Tuple(b);
    int same = xs != NULL && ys != NULL ? 1 : -1;
    for (Py_ssize_t i = 0; same == 1 && i < PyTuple_GET_SIZE(xs); i++) {
        int found = 0;
        for (Py_ssize_t j = 0; !found && j < PyTuple_GET_SIZE(ys); j++) {
            found = mf_diff_const_equal(PyTuple_GET_ITEM(xs, i),
                                        PyTuple_GET_ITEM(ys, j), flags);
        }
        same = found;
    }
    Py_XDECREF(xs);
    Py_XDECREF(ys);
    return same;
}

int
mf_diff_const_equal(PyObject *a, PyObject *b, int flags)
{
    if (a == b) {
        return 1;
    }
    if (Py_TYPE(a) != Py_TYPE(b)) {
        return 0;
    }
    if (PyCode_Check(a)) {
        /* comprehensions and class bodies run with what is around them: they
         * are the statement's own code */
        return (flags & MF_CODE_NESTED) || mf_compile_runs_at_once(a)
                   ? mf_diff_code_equal(a, b, flags & MF_CODE_NESTED)
                   : PyUnicode_Compare(((PyCodeObject *)a)->co_name,
                                       ((PyCodeObject *)b)->co_name) == 0;
    }
    if (PyTuple_CheckExact(a)) {
        return sequence_equal(a, b, flags);
    }
    if (PyFrozenSet_CheckExact(a)) {
        return set_equal(a, b, flags);
    }
    if (PyFloat_CheckExact(a)) {
        double x = PyFloat_AS_DOUBLE(a), y = PyFloat_AS_DOUBLE(b);
        return memcmp(&x, &y, sizeof(x)) == 0;
    }
    if (PyComplex_CheckExact(a)) {
        Py_complex x = PyComplex_AsCComplex(a), y = PyComplex_AsCComplex(b);
        return memcmp(&x, &y, sizeof(x)) == 0;
    }
    if (PyLong_CheckExact(a) || PyUnicode_CheckExact(a) ||
        PyBytes_CheckExact(a)) {
        return PyObject_RichCompareBool(a, b, Py_EQ);
    }
    return 0;
}

static int
instructions_equal(PyCodeObject *a, PyCodeObject *b)
{
    PyObject *x = PyCode_GetCode(a), *y = PyCode_GetCode(b);
    int same = -1;
    if (x != NULL && y != NULL) {
        Py_ssize_t n = PyBytes_GET_SIZE(x);
        same = n == PyBytes_GET_SIZE(y) &&
               memcmp(PyBytes_AS_STRING(x), PyBytes_AS_STRING(y),
                      (size_t)n) == 0;
    }
    Py_XDECREF(x);
    Py_XDECREF(y);
    return same;
}

int
mf_diff_code_equal(PyObject *old_code, PyObject *new_code, int flags)
{
    PyCodeObject *a = (PyCodeObject *)old_code, *b = (PyCodeObject *)new_code;
    if (a == b) {
        return 1;
    }
    if (a->co_argcount != b->co_argcount ||
        a->co_posonlyargcount != b->co_posonlyargcount ||
        a->co_kwonlyargcount != b->co_kwonlyargcount ||
        a->co_flags != b->co_flags) { /* the stack follows from the rest */
        return 0;
    }
    if (!(flags & MF_CODE_ANY_NAME) &&
        (PyUnicode_Compare(a->co_name, b->co_name) != 0 ||
         PyUnicode_Compare(a->co_qualname, b->co_qualname) != 0)) {
        return 0;
    }
    if (mf_diff_const_equal(a->co_localspluskinds, b->co_localspluskinds, 0) !=
            1 ||
        mf_diff_const_equal(a->co_exceptiontable, b->co_exceptiontable, 0) !=
            1 ||
        sequence_equal(a->co_names, b->co_names, 0) != 1 ||
        sequence_equal(a->co_localsplusnames, b->co_localsplusnames, 0) != 1) {
        return PyErr_Occurred() ? -1 : 0;
    }
    int same = instructions_equal(a, b);
    if (same <= 0) {
        return same;
    }
    int below = flags & MF_CODE_NESTED;
    if (flags & MF_CODE_ANY_NAME) {
        /* nested qualified names begin with ours: compare their shape by the
         * instructions alone */
        below |= MF_CODE_ANY_NAME;
    }
    Py_ssize_t n = PyTuple_GET_SIZE(a->co_consts);
    if (n != PyTuple_GET_SIZE(b->co_consts)) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *x = PyTuple_GET_ITEM(a->co_consts, i);
        PyObject *y = PyTuple_GET_ITEM(b->co_consts, i);
        if (PyCode_Check(x) && PyCode_Check(y) && (below & MF_CODE_NESTED)) {
            same = mf_diff_code_equal(x, y, below);
        }
        else {
            same = mf_diff_const_equal(x, y, below & MF_CODE_NESTED);
        }
        if (same <= 0) {
            return same;
        }
    }
    return 1;
}

/* ---- deltas ---------------------------------------------------------------- */

static struct mf_delta *
add_delta(struct mf_diff *diff, enum mf_delta_kind kind, uint32_t old_unit,
          uint32_t new_unit, uint32_t parent)
{
    if (diff->len == diff->cap) {
        uint32_t cap = diff->cap ? diff->cap * 2 : 64;
        struct mf_delta *more =
            mf_realloc(diff->deltas, cap * sizeof(*diff->deltas));
        if (more == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        diff->deltas = more;
        diff->cap = cap;
    }
    struct mf_delta *delta = &diff->deltas[diff->len++];
    memset(delta, 0, sizeof(*delta));
    delta->kind = (uint8_t)kind;
    delta->old_unit = old_unit;
    delta->new_unit = new_unit;
    delta->parent = parent;
    return delta;
}

static bool
has_members(const struct mf_unit *u)
{
    return u->kind == MF_UNIT_CLASS && u->first_child != MF_UNIT_NONE &&
           !(u->flags & MF_UNIT_ONE_LINE);
}

PyObject *
mf_diff_old_code(struct mf_diff *diff, struct mf_delta *delta)
{
    if (delta->old_code == NULL && delta->old_unit != MF_UNIT_NONE) {
        delta->old_code = mf_compile_unit(&diff->old_of, delta->old_unit);
    }
    return delta->old_code;
}

PyObject *
mf_diff_new_code(struct mf_diff *diff, struct mf_delta *delta)
{
    if (delta->new_code == NULL && delta->new_unit != MF_UNIT_NONE) {
        delta->new_code = mf_compile_unit(&diff->new_of, delta->new_unit);
    }
    return delta->new_code;
}

static PyObject *
scope_code(struct mf_diff *diff, struct mf_delta *delta, bool new_side)
{
    struct mf_compile_unit_of *of = new_side ? &diff->new_of : &diff->old_of;
    PyObject *code = new_side ? mf_diff_new_code(diff, delta)
                              : mf_diff_old_code(diff, delta);
    if (code == NULL) {
        return NULL;
    }
    PyObject *scope = mf_compile_member_scope(
        code, of->text, of->split,
        new_side ? delta->new_unit : delta->old_unit);
    if (scope == NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "midflight: a member's class body was not found");
    }
    return scope;
}

/* What the beginning and end of every class body bind is not the member's. */
static int
drop_class_frame(struct mf_names *names)
{
    static const char *const frame[] = {
        "__module__", "__qualname__", "__firstlineno__",
        "__static_attributes__", "__classcell__", "__classdictcell__",
        "__type_params__"};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(frame); i++) {
        PyObject *name = PyUnicode_FromString(frame[i]);
        int rc = name ? PySet_Discard(names->stores, name) : -1;
        Py_XDECREF(name);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

struct mf_names *
mf_diff_names(struct mf_diff *diff, struct mf_delta *delta)
{
    if (delta->names.loads == NULL) {
        PyObject *code = scope_code(diff, delta,
                                    delta->new_unit != MF_UNIT_NONE);
        if (code == NULL || mf_names_of(&delta->names, code) < 0 ||
            (delta->parent != MF_UNIT_NONE &&
             drop_class_frame(&delta->names) < 0)) {
            mf_names_clear(&delta->names);
            return NULL;
        }
    }
    return &delta->names;
}

int
mf_diff_old_names(struct mf_diff *diff, struct mf_delta *delta,
                  struct mf_names *names)
{
    memset(names, 0, sizeof(*names));
    PyObject *code = scope_code(diff, delta, false);
    if (code == NULL || mf_names_of(names, code) < 0) {
        return -1;
    }
    return delta->parent != MF_UNIT_NONE ? drop_class_frame(names) : 0;
}

bool
mf_diff_may_bind(const struct mf_unit *unit, const char *word, size_t len)
{
    uint64_t bits = mf_split_word(word, len);
    /* __doc__ and __annotations__ are bound without being written */
    return (unit->words & bits) == bits ||
           (len > 4 && word[0] == '_' && word[1] == '_');
}

int
mf_diff_open_class(struct mf_diff *diff, uint32_t index)
{
    struct mf_delta *delta = &diff->deltas[index];
    const struct mf_unit *old_unit =
        &diff->old_of.split->units[delta->old_unit];
    const struct mf_unit *new_unit =
        &diff->new_of.split->units[delta->new_unit];
    if (delta->kind != MF_DELTA_SAME || !has_members(new_unit)) {
        return 0;
    }
    delta->kind = MF_DELTA_CLASS;
    uint32_t a = old_unit->first_child, b = new_unit->first_child;
    while (a != MF_UNIT_NONE && b != MF_UNIT_NONE) {
        if (add_delta(diff, MF_DELTA_SAME, a, b, index) == NULL) {
            return -1;
        }
        a = diff->old_of.split->units[a].next;
        b = diff->new_of.split->units[b].next;
    }
    return 0;
}

static bool
same_header(struct mf_diff *diff, const struct mf_unit *a,
            const struct mf_unit *b)
{
    size_t n = a->body - a->start;
    return n == b->body - b->start && a->indent == b->indent &&
           memcmp(PyBytes_AS_STRING(diff->old_of.text->bytes) + a->start,
                  PyBytes_AS_STRING(diff->new_of.text->bytes) + b->start,
                  n) == 0;
}

/* The annotations of 3.14+ stand in a nested __annotate__: a difference there
 * is one of the statement's own. */
static int
annotations_equal(PyObject *a, PyObject *b)
{
    PyObject *x = ((PyCodeObject *)a)->co_consts;
    PyObject *y = ((PyCodeObject *)b)->co_consts;
    for (Py_ssize_t i = 0;
         i < PyTuple_GET_SIZE(x) && i < PyTuple_GET_SIZE(y); i++) {
        PyObject *p = PyTuple_GET_ITEM(x, i), *q = PyTuple_GET_ITEM(y, i);
        if (PyCode_Check(p) && PyCode_Check(q) &&
            PyUnicode_CompareWithASCIIString(((PyCodeObject *)p)->co_name,
                                             "__annotate__") == 0) {
            int same = mf_diff_code_equal(p, q, MF_CODE_NESTED);
            if (same != 1) {
                return same;
            }
        }
    }
    return 1;
}

/* Is the statement's own code the same? 1 / 0 / -1. */
static int
own_equal(struct mf_diff *diff, struct mf_delta *delta)
{
    PyObject *a = scope_code(diff, delta, false);
    PyObject *b = a ? scope_code(diff, delta, true) : NULL;
    if (b == NULL) {
        return -1;
    }
    int same = mf_diff_code_equal(a, b, 0);
    return same == 1 ? annotations_equal(a, b) : same;
}

static int diff_scope(struct mf_diff *diff, uint32_t old_first,
                      uint32_t new_first, uint32_t parent);

/* The class statement's own code, members apart: compared on header text,
 * else on the code around the body. */
static int
class_line_equal(struct mf_diff *diff, struct mf_delta *delta,
                 const struct mf_unit *a, const struct mf_unit *b)
{
    return same_header(diff, a, b) ? 1 : own_equal(diff, delta);
}

static int
diff_pair(struct mf_diff *diff, uint32_t old_unit, uint32_t new_unit,
          uint32_t parent)
{
    const struct mf_unit *a = &diff->old_of.split->units[old_unit];
    const struct mf_unit *b = &diff->new_of.split->units[new_unit];
    struct mf_delta *delta =
        add_delta(diff, MF_DELTA_SAME, old_unit, new_unit, parent);
    if (delta == NULL) {
        return -1;
    }
    if (a->hash == b->hash && !diff->whole) {
        return 0;
    }
    if (has_members(a) && has_members(b)) {
        int same = class_line_equal(diff, delta, a, b);
        if (same < 0) {
            return -1;
        }
        delta->kind = same ? MF_DELTA_CLASS : MF_DELTA_RUN;
        return diff_scope(diff, a->first_child, b->first_child,
                          (uint32_t)(delta - diff->deltas));
    }
    int same;
    if (a->kind == MF_UNIT_DEF && b->kind == MF_UNIT_DEF &&
        same_header(diff, a, b) && !diff->whole) {
        same = 1;
    }
    else if (a->kind == MF_UNIT_CLASS || b->kind == MF_UNIT_CLASS) {
        /* a class without members to compare: by everything it holds */
        same = own_equal(diff, delta);
        if (same == 1) {
            same = mf_diff_code_equal(delta->old_code, delta->new_code,
                                      MF_CODE_NESTED);
        }
    }
    else {
        same = own_equal(diff, delta);
    }
    if (same < 0) {
        return -1;
    }
    delta->kind = same ? MF_DELTA_CODE : MF_DELTA_RUN;
    return 0;
}

static int
diff_scope(struct mf_diff *diff, uint32_t old_first, uint32_t new_first,
           uint32_t parent)
{
    struct mf_scope a = {0}, b = {0};
    int rc = -1;
    if (mf_diff_scope_fill(&a, &diff->old_of, old_first) < 0 ||
        mf_diff_scope_fill(&b, &diff->new_of, new_first) < 0 ||
        mf_diff_align(&a, &b) < 0) {
        goto free_scopes;
    }
    for (uint32_t j = 0; j < b.len; j++) {
        if (b.mate[j] == MF_UNIT_NONE) {
            if (add_delta(diff, MF_DELTA_ADDED, MF_UNIT_NONE, b.units[j],
                          parent) == NULL) {
                goto free_scopes;
            }
        }
        else if (diff_pair(diff, a.units[b.mate[j]], b.units[j], parent) < 0) {
            goto free_scopes;
        }
    }
    for (uint32_t i = 0; i < a.len; i++) {
        if (a.mate[i] == MF_UNIT_NONE &&
            add_delta(diff, MF_DELTA_REMOVED, a.units[i], MF_UNIT_NONE,
                      parent) == NULL) {
            goto free_scopes;
        }
    }
    rc = 0;
free_scopes:
    mf_diff_scope_clear(&a);
    mf_diff_scope_clear(&b);
    return rc;
}

int
mf_diff(struct mf_diff *diff)
{
    diff->whole = diff->old_of.flags != diff->new_of.flags;
    return diff_scope(diff, diff->old_of.split->first,
                      diff->new_of.split->first, MF_UNIT_NONE);
}

void
mf_diff_clear(struct mf_diff *diff)
{
    mf_diff_binders_clear(&diff->binders);
    for (uint32_t i = 0; i < diff->len; i++) {
        Py_XDECREF(diff->deltas[i].old_code);
        Py_XDECREF(diff->deltas[i].new_code);
        mf_names_clear(&diff->deltas[i].names);
    }
    mf_free(diff->deltas);
    diff->deltas = NULL;
    diff->len = diff->cap = 0;
    mf_compile_clear(&diff->old_of);
    mf_compile_clear(&diff->new_of);
}
