/* compat_calls.h -- another function runs in place of the one that is called:
 * what a call of a Python function begins with differs between versions. Uses
 * the frame evaluation hook of PEP 523, in front of one that is there already.
 */
#ifndef MF_COMPAT_CALLS_H
#define MF_COMPAT_CALLS_H

#include "../engine.h"

enum mf_call {
    MF_CALL_AS_IS = 0,
    MF_CALL_INSTEAD, /* *instead is set */
    MF_CALL_OUTSIDE  /* as it is, and nothing that it calls is asked for */
};

/* Asked whenever a call of a Python function begins, on any thread that holds
 * the GIL; arguments are bound. *instead: new reference to a function whose
 * code takes the same arguments in the same order (mf_compat_calls_fit). -1:
 * the call raises the exception that is set. Must not run Python code. */
typedef int (*mf_call_resolver)(PyFunctionObject *func,
                                PyFunctionObject **instead);

/* From now on in this interpreter; one resolver per process. begin: -1 with
 * an exception if somebody else's hook has come between. Calls under way go
 * on as they began. */
int mf_compat_calls_begin(mf_call_resolver resolve);
void mf_compat_calls_end(void);

/* Do arguments bound for one code fit the other? */
bool mf_compat_calls_fit(PyCodeObject *a, PyCodeObject *b);
/* Some calls never reach the hook, from code that has run often (3.12 and
 * before): then what runs instead needs a code object of its own. */
bool mf_compat_calls_skip_hook(void);

/* In front of one function, before arguments are bound: what its calls run;
 * NULL: nothing any more. Holds while the hook is set, since then no call is
 * inlined. */
void mf_compat_calls_front(PyFunctionObject *func, vectorcallfunc front);
/* What a function without a front does. */
PyObject *mf_compat_calls_plain(PyObject *func, PyObject *const *args,
                                size_t nargs, PyObject *names);

#endif
