/* compat_calls.c -- owns the frame evaluation hook. In: a resolver. Out: frames
 * that begin over another function than the one that was called.
 *
 * A frame that is about to begin holds its arguments and nothing else, so it
 * becomes another function's frame by its function, code and namespaces alone.
 * The memory behind it belongs to nobody yet: the frame ends where the other
 * code's does, as debug builds check when it is left.
 *
 * Idea: PEP 523; how a frame is laid out, from CPython's own headers.
 */
#include "compat_31x.h"

#include "compat.h"
#include "compat_calls.h"

#include "table.h"

static mf_call_resolver resolver;
static _PyFrameEvalFunction behind; /* somebody else's hook, or CPython's own */
/* Calls that the resolver wants nothing of are under way on this thread. */
static _Thread_local int outside;

#if PY_VERSION_HEX >= 0x030E0000
#define FUNC_OF(frame) \
    ((PyFunctionObject *)PyStackRef_AsPyObjectBorrow((frame)->f_funcobj))
#define CODE_OF(frame) \
    ((PyCodeObject *)PyStackRef_AsPyObjectBorrow((frame)->f_executable))
#define NEXT_OF(frame) ((frame)->instr_ptr)
#define NO_VALUE PyStackRef_NULL
#elif PY_VERSION_HEX >= 0x030D0000
#define FUNC_OF(frame) ((PyFunctionObject *)(frame)->f_funcobj)
#define CODE_OF(frame) ((PyCodeObject *)(frame)->f_executable)
#define NEXT_OF(frame) ((frame)->instr_ptr)
#elif PY_VERSION_HEX >= 0x030C0000
#define FUNC_OF(frame) ((PyFunctionObject *)(frame)->f_funcobj)
#define CODE_OF(frame) ((frame)->f_code)
#define NEXT_OF(frame) ((frame)->prev_instr + 1)
#else
#define FUNC_OF(frame) ((frame)->f_func)
#define CODE_OF(frame) ((frame)->f_code)
#define NEXT_OF(frame) ((frame)->prev_instr + 1)
#endif
#ifndef NO_VALUE
#define NO_VALUE NULL
#endif
#if PY_VERSION_HEX >= 0x030C0000
#define SIZE_OF(code) ((code)->co_framesize)
#else
#define SIZE_OF(code) \
    ((code)->co_nlocalsplus + (code)->co_stacksize + (int)FRAME_SPECIALS_SIZE)
#endif

static bool
begins(_PyInterpreterFrame *frame)
{
    PyCodeObject *code = CODE_OF(frame);
    return frame->owner == FRAME_OWNED_BY_THREAD &&
           (code->co_flags & CO_OPTIMIZED) &&
           NEXT_OF(frame) == _PyCode_CODE(code);
}

static int
set_code(PyThreadState *thread, _PyInterpreterFrame *frame,
         PyCodeObject *code)
{
    PyCodeObject *old = CODE_OF(frame);
    PyObject **top = (PyObject **)frame + SIZE_OF(old);
    Py_ssize_t more = SIZE_OF(code) - SIZE_OF(old);
    if (more > 0 &&
        (thread->datastack_top != top ||
         thread->datastack_limit - thread->datastack_top <= more)) {
        PyErr_SetString(PyExc_MemoryError,
                        "no room for the frame of a function that is called "
                        "while an update is staged");
        return -1;
    }
    if (thread->datastack_top == top) {
        thread->datastack_top += more;
    }
    for (int i = old->co_nlocalsplus; i < code->co_nlocalsplus; i++) {
        frame->localsplus[i] = NO_VALUE;
    }
#if PY_VERSION_HEX >= 0x030E0000
    _PyStackRef was = frame->f_executable;
    frame->f_executable = PyStackRef_FromPyObjectNew((PyObject *)code);
    frame->stackpointer = frame->localsplus + code->co_nlocalsplus;
    frame->instr_ptr = _PyCode_CODE(code);
    PyStackRef_CLOSE(was);
#else
    frame->stacktop = code->co_nlocalsplus;
#if PY_VERSION_HEX >= 0x030D0000
    frame->f_executable = Py_NewRef((PyObject *)code);
    frame->instr_ptr = _PyCode_CODE(code);
#else
    frame->f_code = (PyCodeObject *)Py_NewRef((PyObject *)code);
    frame->prev_instr = _PyCode_CODE(code) - 1;
#endif
    Py_DECREF(old);
#endif
    return 0;
}

static int
become_frame_of(PyThreadState *thread, _PyInterpreterFrame *frame,
                PyFunctionObject *func)
{
    PyCodeObject *code = (PyCodeObject *)func->func_code;
    if (code != CODE_OF(frame) && set_code(thread, frame, code) < 0) {
        return -1;
    }
    frame->f_globals = func->func_globals;
    frame->f_builtins = func->func_builtins;
#if PY_VERSION_HEX >= 0x030E0000
    _PyStackRef was = frame->f_funcobj;
    frame->f_funcobj = PyStackRef_FromPyObjectNew((PyObject *)func);
    PyStackRef_CLOSE(was);
#elif PY_VERSION_HEX >= 0x030C0000
    Py_SETREF(frame->f_funcobj, Py_NewRef((PyObject *)func));
#else
    Py_SETREF(frame->f_func, (PyFunctionObject *)Py_NewRef((PyObject *)func));
#endif
    return 0;
}

/* 3.13 alone enters the __init__ of a class without asking the hook where one
 * place has called the class before: while the hook is set, such places stay
 * as they are written. */
#if PY_VERSION_HEX >= 0x030D0000 && PY_VERSION_HEX < 0x030E0000
static struct mf_map general;   /* code -> 1 */
static struct mf_vec generals;  /* the same, strong */

static int
set_calls(PyCodeObject *code, bool may_specialize)
{
    PyObject *bytes = PyCode_GetCode(code); /* the written ones, caches as 0 */
    if (bytes == NULL) {
        return -1;
    }
    const unsigned char *text = (const unsigned char *)PyBytes_AS_STRING(bytes);
    for (Py_ssize_t i = 0; i < Py_SIZE(code); i++) {
        _Py_CODEUNIT *instr = _PyCode_CODE(code) + i;
        if (text[2 * i] != CALL || instr->op.code == INSTRUMENTED_CALL) {
            continue;
        }
        if (instr->op.code == CALL_ALLOC_AND_ENTER_INIT) {
            instr->op.code = CALL;
        }
        ((_PyCallCache *)(instr + 1))->counter =
            may_specialize ? adaptive_counter_warmup()
                           : make_backoff_counter(4095, 12);
    }
    Py_DECREF(bytes);
    return 0;
}

/* 0, or -1 with an exception instead of the one that may be set. */
static int
keep_general(PyCodeObject *code)
{
    if (mf_map_has(&general, code)) {
        return 0;
    }
    struct mf_error error;
    mf_compat_error_aside(&error);
    if (mf_vec_push_ref(&generals, (PyObject *)code) == 0 &&
        mf_map_put(&general, code, 1) == 0) {
        (void)set_calls(code, false); /* what it sets is looked for below */
    }
    return mf_compat_error_again(&error);
}

static void
end_general(void)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    for (size_t i = 0; i < generals.len; i++) {
        if (set_calls(generals.items[i], true) < 0) {
            PyErr_Clear(); /* its calls are as right, and slower */
        }
    }
    mf_map_clear(&general);
    mf_vec_clear_refs(&generals);
    PyErr_Restore(type, value, tb);
}
#else
static int
keep_general(PyCodeObject *code)
{
    (void)code;
    return 0;
}

static void
end_general(void)
{
}
#endif

static PyObject *
on_frame(PyThreadState *thread, _PyInterpreterFrame *frame, int throwing)
{
    if (resolver != NULL && outside == 0 && keep_general(CODE_OF(frame)) < 0) {
        return behind(thread, frame, 1);
    }
    if (resolver == NULL || throwing || outside > 0 || !begins(frame)) {
        return behind(thread, frame, throwing);
    }
    PyFunctionObject *instead = NULL;
    int how = resolver(FUNC_OF(frame), &instead);
    if (how == MF_CALL_OUTSIDE) {
        outside++;
        PyObject *result = behind(thread, frame, 0);
        outside--;
        return result;
    }
    if (how == MF_CALL_INSTEAD) {
        how = become_frame_of(thread, frame, instead);
        if (how >= 0) {
            how = keep_general(CODE_OF(frame));
        }
        Py_DECREF(instead);
    }
    return behind(thread, frame, how < 0);
}

int
mf_compat_calls_begin(mf_call_resolver resolve)
{
    PyInterpreterState *interp = PyInterpreterState_Get();
    _PyFrameEvalFunction now = _PyInterpreterState_GetEvalFrameFunc(interp);
    if (now != on_frame) {
        if (behind != NULL && behind != now) {
            PyErr_SetString(PyExc_RuntimeError,
                            "two interpreters have different frame "
                            "evaluation hooks");
            return -1;
        }
        behind = now;
        _PyInterpreterState_SetEvalFrameFunc(interp, on_frame);
    }
    resolver = resolve;
    return 0;
}

void
mf_compat_calls_end(void)
{
    PyInterpreterState *interp = PyInterpreterState_Get();
    if (_PyInterpreterState_GetEvalFrameFunc(interp) == on_frame) {
        _PyInterpreterState_SetEvalFrameFunc(interp, behind);
    }
    end_general();
}

bool
mf_compat_calls_fit(PyCodeObject *a, PyCodeObject *b)
{
    int kinds = CO_VARARGS | CO_VARKEYWORDS;
    int n = a->co_argcount + a->co_kwonlyargcount;
    if (a->co_argcount != b->co_argcount ||
        a->co_posonlyargcount != b->co_posonlyargcount ||
        a->co_kwonlyargcount != b->co_kwonlyargcount ||
        (a->co_flags & kinds) != (b->co_flags & kinds)) {
        return false;
    }
    for (int i = 0; i < n; i++) {
        if (PyUnicode_Compare(PyTuple_GET_ITEM(a->co_localsplusnames, i),
                              PyTuple_GET_ITEM(b->co_localsplusnames, i)) !=
            0) {
            return false;
        }
    }
    return true;
}

bool
mf_compat_calls_skip_hook(void)
{
    return PY_VERSION_HEX < 0x030D0000;
}

/* What `def` gives every function (not exported everywhere), and what stands
 * in front. A function that somebody else has given another one keeps it. */
static vectorcallfunc plain, fronted;

void
mf_compat_calls_front(PyFunctionObject *func, vectorcallfunc front)
{
    if (front == NULL) {
        func->vectorcall = func->vectorcall == fronted ? plain
                                                       : func->vectorcall;
        return;
    }
    plain = plain ? plain : func->vectorcall;
    fronted = front;
    func->vectorcall = func->vectorcall == plain ? front : func->vectorcall;
}

PyObject *
mf_compat_calls_plain(PyObject *func, PyObject *const *args, size_t nargs,
                      PyObject *names)
{
    return plain(func, args, nargs, names);
}
