/* compat_main.c -- owns the way to the main thread's attention. In: a function.
 * Out: a pending call that is looked at soon.
 *
 * To 3.12 a pending call that another thread adds does not make the main
 * thread look: it sees it when some thread wants the GIL, 5 ms later. One word
 * of the interpreter's state says that there is something to look at; anybody
 * may set it, without the GIL, as the interpreter does for signals. It is
 * cleared by who looks. Where that word lies is asked of the headers and
 * proved by adding a pending call on the main thread, which does set it.
 */
#include "compat_31x.h"

#include "compat_main.h"

#include <stdatomic.h>

#if PY_VERSION_HEX < 0x030D0000

enum { ATTEMPTS = 3 };

static _Atomic(atomic_int *) breaker; /* NULL: not proved */

static int
nothing(void *arg)
{
    (void)arg;
    return 0;
}

void
mf_compat_main_init(void)
{
    PyInterpreterState *interp = PyInterpreterState_Get();
    if (interp != PyInterpreterState_Main() ||
        atomic_load(&breaker) != NULL) {
        return;
    }
    atomic_int *word = (atomic_int *)&interp->ceval.eval_breaker;
    for (int i = 0; i < ATTEMPTS; i++) {
        if (atomic_load(word) != 0) {
            /* somebody wants the GIL, or a signal has come */
            Py_BEGIN_ALLOW_THREADS
            Py_END_ALLOW_THREADS
            continue;
        }
        if (Py_AddPendingCall(nothing, NULL) == 0 && atomic_load(word) == 1) {
            atomic_store(&breaker, word);
        }
        return;
    }
}

int
mf_compat_main_call(int (*func)(void *), void *arg)
{
    if (Py_AddPendingCall(func, arg) < 0) {
        return -1;
    }
    atomic_int *word = atomic_load(&breaker);
    if (word != NULL) {
        atomic_store(word, 1);
    }
    return 0;
}

#else

void
mf_compat_main_init(void)
{
}

int
mf_compat_main_call(int (*func)(void *), void *arg)
{
    return Py_AddPendingCall(func, arg);
}

#endif

bool
mf_compat_main_gil_is_free(PyInterpreterState *interp)
{
#if PY_VERSION_HEX >= 0x030C0000
    const struct _gil_runtime_state *gil = interp->ceval.gil;
#else
    const struct _gil_runtime_state *gil = &_PyRuntime.ceval.gil;
    (void)interp;
#endif
    /* 1: held; 0: free; -1: there is none yet */
    return gil != NULL && __atomic_load_n((const int *)&gil->locked,
                                          __ATOMIC_RELAXED) == 0;
}

bool
mf_compat_main_is_audited(PyInterpreterState *interp)
{
    return interp->audit_hooks != NULL;
}

/* 3.13 gives a place of the interpreter's own to the first of its thread states
 * and leaves it in use for a moment after the last one has gone from the list: a
 * state that is made just then ends the process. A subinterpreter has no state
 * between two runs. */
PyThreadState *
mf_compat_main_anchor(void)
{
#if PY_VERSION_HEX >= 0x030D0000 && PY_VERSION_HEX < 0x030E0000
    PyInterpreterState *interp = PyInterpreterState_Get();
    return interp != PyInterpreterState_Main() ? PyThreadState_New(interp)
                                               : NULL;
#else
    return NULL;
#endif
}

void
mf_compat_main_weigh_anchor(PyThreadState *anchor)
{
    PyInterpreterState *interp = PyInterpreterState_Get();
    PyThreadState *there =
        anchor != NULL ? PyInterpreterState_ThreadHead(interp) : NULL;
    while (there != NULL && there != anchor) {
        there = PyThreadState_Next(there);
    }
    /* the current one may have its memory, when Python ends */
    if (there != NULL && there != PyThreadState_Get()) {
        PyThreadState_Clear(there);
        PyThreadState_Delete(there);
    }
}

/* The first releases of 3.13 count after the hooks, all others before them. On
 * another thread than the main one the program has threads of its own, and the
 * warning is true. */
bool
mf_compat_main_counts_later(void)
{
#if PY_VERSION_HEX >= 0x030D0000 && PY_VERSION_HEX < 0x030E0000
    return _Py_IsMainThread() &&
           PyInterpreterState_Get() == PyInterpreterState_Main();
#else
    return false;
#endif
}
