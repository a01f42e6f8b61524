/* compat_frames.c -- owns the place of the frame inside generators. In: a
 * generator or a thread state. Out: code, line, thread id.
 */
#include "compat_31x.h"

#include "compat_frames.h"

static _PyInterpreterFrame *
frame_of(PyObject *obj)
{
    /* All three kinds begin as a generator does. */
    PyGenObject *gen = (PyGenObject *)obj;
    return (_PyInterpreterFrame *)&gen->gi_iframe;
}

static PyCodeObject *
code_of(_PyInterpreterFrame *frame)
{
#if PY_VERSION_HEX >= 0x030D0000
    return _PyFrame_GetCode(frame);
#else
    return frame->f_code;
#endif
}

bool
mf_compat_frames_count_code(void)
{
    return PY_VERSION_HEX < 0x030E0000;
}

PyCodeObject *
mf_compat_frames_suspended(PyObject *obj)
{
    if (!PyGen_CheckExact(obj) && !PyCoro_CheckExact(obj) &&
        !PyAsyncGen_CheckExact(obj)) {
        return NULL;
    }
    /* Created and suspended come before executing, the end after it. */
    if (((PyGenObject *)obj)->gi_frame_state >= FRAME_EXECUTING) {
        return NULL;
    }
    return code_of(frame_of(obj));
}

int
mf_compat_frames_suspended_line(PyObject *obj)
{
    _PyInterpreterFrame *frame = frame_of(obj);
    PyCodeObject *code = code_of(frame);
    int at = _PyInterpreterFrame_LASTI(frame) * (int)sizeof(_Py_CODEUNIT);
    int line = PyCode_Addr2Line(code, at);
    return line > 0 ? line : code->co_firstlineno;
}

/* The field is believed as far as it is right for our own thread, since
 * thread states may change their layout within a minor version. */
unsigned long
mf_compat_frames_thread(PyThreadState *thread)
{
    PyThreadState *own = PyThreadState_Get();
    unsigned long self = PyThread_get_thread_ident();
    if (thread == own) {
        return self;
    }
    return own->thread_id == self ? thread->thread_id : 0;
}
