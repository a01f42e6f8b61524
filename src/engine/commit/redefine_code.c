/* redefine_code.c -- lines of code objects, and events set on them.
 *
 * Owns: the positions of a code object and of all that is nested in it. In: a
 * code object, how far it has moved. Out: the same object, at its new lines;
 * frames that run in it go on and show the new lines.
 */
#include "redefine_code.h"
#include "../ground/compat.h"

/* Equal lambdas on one line can be one code object in several constants
 * (3.12), so a code may be met twice: marked by a bit that no line has. */
enum { MOVED = 1 << 30 };

static void
move(PyCodeObject *code, int delta)
{
    if (code->co_firstlineno & MOVED) {
        return; /* moved already, or a negative line: made by hand */
    }
    mf_compat_code_move(code, delta);
    code->co_firstlineno |= MOVED;
    PyObject *consts = mf_compat_code_consts(code);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(consts, i);
        if (PyCode_Check(item)) {
            move((PyCodeObject *)item, delta);
        }
    }
}

static void
unmark(PyCodeObject *code)
{
    if (code->co_firstlineno < 0 || !(code->co_firstlineno & MOVED)) {
        return;
    }
    code->co_firstlineno &= ~MOVED;
    PyObject *consts = mf_compat_code_consts(code);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(consts, i);
        if (PyCode_Check(item)) {
            unmark((PyCodeObject *)item);
        }
    }
}

void
mf_redefine_code_shift(PyCodeObject *code, int delta)
{
    if (delta == 0 || code->co_firstlineno + delta < 0) {
        return;
    }
    move(code, delta);
    unmark(code);
}

static void
shift_back(PyObject *code, PyObject *Py_UNUSED(b), intptr_t delta)
{
    mf_redefine_code_shift((PyCodeObject *)code, -(int)delta);
}

int
mf_redefine_code_shift_logged(struct mf_undo *undo, PyCodeObject *code,
                              int delta)
{
    if (mf_undo_inverse(undo, shift_back, (PyObject *)code, NULL, delta) < 0) {
        return -1;
    }
    mf_redefine_code_shift(code, delta);
    return 0;
}

bool
mf_redefine_code_can_shift(PyCodeObject *code)
{
    if (!mf_compat_code_can_move(code)) {
        return false;
    }
    PyObject *consts = mf_compat_code_consts(code);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(consts, i);
        if (PyCode_Check(item) &&
            !mf_redefine_code_can_shift((PyCodeObject *)item)) {
            return false;
        }
    }
    return true;
}

/* --- monitoring ---------------------------------------------------------- */

enum { TOOLS = 6 }; /* identifiers that sys.monitoring gives to tools */

static int
carry_tool(PyObject *monitoring, int tool, PyCodeObject *old_code,
           PyCodeObject *new_code)
{
    int rc = -1;
    PyObject *events = NULL, *set = NULL;
    PyObject *name = PyObject_CallMethod(monitoring, "get_tool", "i", tool);
    if (name == NULL || name == Py_None) {
        rc = name != NULL ? 0 : -1;
        goto release;
    }
    events = PyObject_CallMethod(monitoring, "get_local_events", "iO", tool,
                                 old_code);
    if (events == NULL) {
        goto release;
    }
    if (PyLong_AsLong(events) == 0) {
        rc = 0;
        goto release;
    }
    set = PyObject_CallMethod(monitoring, "set_local_events", "iOO", tool,
                              new_code, events);
    rc = set != NULL ? 0 : -1;
release:
    Py_XDECREF(name);
    Py_XDECREF(events);
    Py_XDECREF(set);
    return rc;
}

int
mf_redefine_code_carry_events(PyCodeObject *old_code, PyCodeObject *new_code)
{
    if (!mf_compat_can_monitor() || old_code == new_code) {
        return 0;
    }
    PyObject *monitoring = PySys_GetObject("monitoring"); /* borrowed */
    if (monitoring == NULL) {
        return 0;
    }
    Py_INCREF(monitoring);
    int rc = 0;
    for (int tool = 0; rc == 0 && tool < TOOLS; tool++) {
        rc = carry_tool(monitoring, tool, old_code, new_code);
    }
    Py_DECREF(monitoring);
    return rc;
}
