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

void *
mf_compat_frames_of(PyFrameObject *frame)
{
    return frame->f_frame;
}

void *
mf_compat_frames_in(PyObject *gen)
{
    return frame_of(gen);
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

/* How many words from localsplus on hold something; -1: its owner tells. */
static int
words_in(_PyInterpreterFrame *frame)
{
    bool owned = frame->owner == FRAME_OWNED_BY_GENERATOR;
#if PY_VERSION_HEX >= 0x030E0000
    if (frame->stackpointer != NULL) {
        return owned ? -1 : (int)(frame->stackpointer - frame->localsplus);
    }
#else
    if (frame->stacktop >= 0) {
        return owned ? -1 : frame->stacktop;
    }
#endif
    return code_of(frame)->co_nlocalsplus;
}

int
mf_compat_frames_running(int (*word)(PyObject **slot, bool tagged, void *arg),
                         void *arg)
{
    PyThreadState *thread =
        PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    for (; thread != NULL; thread = PyThreadState_Next(thread)) {
        _PyInterpreterFrame *frame = mf_compat_innermost(thread);
        for (; frame != NULL; frame = frame->previous) {
            if (frame->owner > FRAME_OWNED_BY_FRAME_OBJECT) {
                continue; /* stands for C code: it has no code of its own */
            }
            int n = words_in(frame);
            for (int i = 0; i < n; i++) {
                PyObject **slot = (PyObject **)&frame->localsplus[i];
                int rc = *slot ? word(slot, PY_VERSION_HEX >= 0x030E0000, arg)
                               : 0;
                if (rc != 0) {
                    return rc;
                }
            }
        }
    }
    return 0;
}
