/* redefine_function.c -- the contents of function objects.
 *
 * Owns: every field of a function but its list of weak references and its
 * vectorcall. In: a live function and a new one. Out: both with each other's
 * contents, and versions that make call caches look again.
 *
 * A frame that runs keeps its code and its cells: free variables are copied
 * into the frame at entry, so another number of cells is no matter.
 */
#include "redefine_function.h"
#include "../ground/compat.h"

/* --- variant ------------------------------------------------------------- */

/* 0: as many cells as the code has free variables; -1: not. */
static int
check_closure(PyCodeObject *code, PyObject *closure)
{
    Py_ssize_t want = PyCode_GetNumFree(code);
    Py_ssize_t have = 0;
    if (closure != NULL && closure != Py_None) {
        if (!PyTuple_Check(closure)) {
            PyErr_SetString(PyExc_ValueError, "a closure is a tuple of cells");
            return -1;
        }
        have = PyTuple_GET_SIZE(closure);
        for (Py_ssize_t i = 0; i < have; i++) {
            if (!PyCell_Check(PyTuple_GET_ITEM(closure, i))) {
                PyErr_SetString(PyExc_ValueError,
                                "a closure is a tuple of cells");
                return -1;
            }
        }
    }
    if (want != have) {
        PyErr_Format(PyExc_ValueError,
                     "%U needs a closure of %zd cells, not %zd",
                     code->co_name, want, have);
        return -1;
    }
    return 0;
}

static PyObject *
cell_of(PyFunctionObject *func, PyObject *freevars, PyObject *name)
{
    Py_ssize_t n = func->func_closure ? PyTuple_GET_SIZE(freevars) : 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (PyUnicode_Compare(PyTuple_GET_ITEM(freevars, i), name) == 0) {
            return PyTuple_GET_ITEM(func->func_closure, i);
        }
    }
    return NULL;
}

PyObject *
mf_redefine_function_closure(PyFunctionObject *func, PyCodeObject *code,
                             mf_another_cell another, void *arg)
{
    PyObject *wanted = PyCode_GetFreevars(code);
    PyObject *have = PyCode_GetFreevars((PyCodeObject *)func->func_code);
    PyObject *closure =
        wanted && have ? PyTuple_New(PyTuple_GET_SIZE(wanted)) : NULL;
    for (Py_ssize_t i = 0; closure && i < PyTuple_GET_SIZE(wanted); i++) {
        PyObject *name = PyTuple_GET_ITEM(wanted, i);
        PyObject *cell = Py_XNewRef(cell_of(func, have, name));
        if (cell == NULL && !PyErr_Occurred()) {
            cell = another(name, arg);
        }
        if (cell == NULL) {
            Py_CLEAR(closure);
            break;
        }
        PyTuple_SET_ITEM(closure, i, cell);
    }
    Py_XDECREF(wanted);
    Py_XDECREF(have);
    return closure;
}

/* Is this (name, qualified name, doc) still what the code gave? */
static bool
same_text(PyObject *a, PyObject *b)
{
    return a == b || (a != NULL && b != NULL && PyUnicode_CheckExact(a) &&
                      PyUnicode_CheckExact(b) && PyUnicode_Compare(a, b) == 0);
}

static void
put(PyObject **word, PyObject *value)
{
    PyObject *old = *word;
    *word = Py_XNewRef(value);
    Py_XDECREF(old);
}

/* Call caches that see this version rely on the code, and before 3.13 also on
 * the number of defaults that the `def` statement gave. Nested functions of
 * one statement share it: they may differ from what the new statement would
 * give. */
static bool
may_have_version(PyFunctionObject *func, PyCodeObject *code)
{
    PyCodeObject *old = (PyCodeObject *)func->func_code;
    uint32_t version = mf_compat_function_version(func);
    if (version == 0 || version != mf_compat_code_version(old)) {
        return false; /* somebody has set its defaults or code */
    }
    return mf_compat_can_share_version() ||
           (!(code->co_flags & CO_NESTED) &&
            code->co_argcount == old->co_argcount &&
            code->co_kwonlyargcount == old->co_kwonlyargcount);
}

PyObject *
mf_redefine_function_variant(PyFunctionObject *func, PyCodeObject *code,
                             PyObject *closure)
{
    if (check_closure(code, closure) < 0) {
        return NULL;
    }
    PyFunctionObject *made = (PyFunctionObject *)PyFunction_New(
        (PyObject *)code, func->func_globals);
    if (made == NULL) {
        return NULL;
    }
    PyCodeObject *old = (PyCodeObject *)func->func_code;
    bool own_name = same_text(func->func_name, old->co_name);
    bool own_qualname = same_text(func->func_qualname, old->co_qualname);
    bool own_doc = same_text(func->func_doc, mf_compat_code_doc(old));

    PyObject **from[MF_COMPAT_FUNCTION_WORDS];
    PyObject **to[MF_COMPAT_FUNCTION_WORDS];
    int count = mf_compat_function_words(func, from);
    mf_compat_function_words(made, to);
    for (int i = 0; i < count; i++) {
        PyObject **word = to[i];
        if (word == &made->func_code ||
            (own_name && word == &made->func_name) ||
            (own_qualname && word == &made->func_qualname) ||
            (own_doc && word == &made->func_doc)) {
            continue; /* as the new code gives it */
        }
        if (word == &made->func_closure) {
            put(word, PyCode_GetNumFree(code) > 0 ? closure : NULL);
        }
        else {
            put(word, *from[i]);
        }
    }
    if (may_have_version(func, code)) {
        mf_compat_function_set_version(made, mf_compat_code_version(code));
    }
    return (PyObject *)made;
}

/* --- exchange ------------------------------------------------------------ */

static void
exchange_words(PyFunctionObject *a, PyFunctionObject *b)
{
    PyObject **words_a[MF_COMPAT_FUNCTION_WORDS];
    PyObject **words_b[MF_COMPAT_FUNCTION_WORDS];
    int count = mf_compat_function_words(a, words_a);
    mf_compat_function_words(b, words_b);
    for (int i = 0; i < count; i++) {
        PyObject *word = *words_a[i];
        *words_a[i] = *words_b[i];
        *words_b[i] = word;
    }
}

/* Watchers are told before the write, as by the setters. */
static void
tell(PyFunctionObject *func, PyFunctionObject *next)
{
    if (func->func_code != next->func_code) {
        mf_compat_function_tell(func, 'c', next->func_code);
    }
    if (func->func_defaults != next->func_defaults) {
        mf_compat_function_tell(func, 'd', next->func_defaults);
    }
    if (func->func_kwdefaults != next->func_kwdefaults) {
        mf_compat_function_tell(func, 'k', next->func_kwdefaults);
    }
}

static void
exchange(PyFunctionObject *old_func, PyFunctionObject *new_func,
         uint32_t old_version, uint32_t new_version)
{
    tell(old_func, new_func);
    exchange_words(old_func, new_func);
    /* Both to none before one gets a version: the interpreter's table of
     * versions points to one function at most for each. */
    mf_compat_function_set_version(new_func, 0);
    mf_compat_function_set_version(old_func, 0);
    if (new_version != 0) {
        mf_compat_function_set_version(new_func, new_version);
    }
    if (old_version != 0) {
        mf_compat_function_set_version(old_func, old_version);
    }
}

static void
exchange_back(PyObject *a, PyObject *b, intptr_t versions)
{
    exchange((PyFunctionObject *)a, (PyFunctionObject *)b,
             (uint32_t)((uint64_t)versions >> 32), (uint32_t)versions);
}

static void
unkeep(PyObject *code, PyObject *obj, intptr_t Py_UNUSED(n))
{
    mf_compat_code_unkeep((PyCodeObject *)code, obj);
}

static int
keep(struct mf_undo *undo, PyObject *code, PyObject *obj)
{
    int added = mf_compat_code_keep((PyCodeObject *)code, obj);
    if (added <= 0) {
        return added;
    }
    if (mf_undo_inverse(undo, unkeep, code, obj, 0) < 0) {
        mf_compat_code_unkeep((PyCodeObject *)code, obj);
        return -1;
    }
    return 0;
}

/* A running frame borrows its globals and builtins from its function. When
 * that gets others, the code that the frame holds must hold them; nobody runs
 * a code that only the function holds. */
static int
keep_globals(struct mf_undo *undo, PyFunctionObject *old_func,
             PyFunctionObject *new_func)
{
    PyObject *code = old_func->func_code;
    if (Py_REFCNT(code) == 1) {
        return 0;
    }
    if (old_func->func_globals != new_func->func_globals &&
        keep(undo, code, old_func->func_globals) < 0) {
        return -1;
    }
    if (old_func->func_builtins != new_func->func_builtins &&
        keep(undo, code, old_func->func_builtins) < 0) {
        return -1;
    }
    return 0;
}

int
mf_redefine_function_apply(struct mf_undo *undo, PyFunctionObject *old_func,
                           PyFunctionObject *new_func)
{
    if (!PyFunction_Check(old_func) || !PyFunction_Check(new_func)) {
        PyErr_SetString(PyExc_TypeError, "only functions are redefined");
        return -1;
    }
    uint32_t old_version = mf_compat_function_version(old_func);
    uint32_t new_version = mf_compat_function_version(new_func);
    uint64_t versions = (uint64_t)old_version << 32 | new_version;
    if (keep_globals(undo, old_func, new_func) < 0 ||
        mf_undo_inverse(undo, exchange_back, (PyObject *)old_func,
                        (PyObject *)new_func, (intptr_t)versions) < 0) {
        return -1;
    }
    exchange(old_func, new_func, new_version, 0);
    return 0;
}
