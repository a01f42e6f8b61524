/* compat_31x.h -- CPython's internal headers for 3.11 to 3.15, for the
 * compat*.c files only. They are taken as system headers, since they do not
 * compile without warnings under our flags. To be included first.
 */
#ifndef MF_COMPAT_31X_H
#define MF_COMPAT_31X_H

#pragma GCC system_header

#ifndef PY_SSIZE_T_CLEAN
#define PY_SSIZE_T_CLEAN
#endif
#define Py_BUILD_CORE_MODULE 1
#include <Python.h>

#include <opcode.h>
#include <internal/pycore_code.h>   /* inline caches, line tables */
#include <internal/pycore_context.h>
#include <internal/pycore_dict.h>   /* tables of dicts, inline values */
#include <internal/pycore_frame.h>  /* _PyInterpreterFrame */
#include <internal/pycore_gc.h>     /* collector's head of an object */
#include <internal/pycore_interp.h> /* size of the interpreter's state */
#include <internal/pycore_object.h> /* managed dict, preheader */
#include <internal/pycore_runtime.h>
#if PY_VERSION_HEX >= 0x030D0000
#include <internal/pycore_function.h>  /* _PyFunction_SetVersion */
#include <internal/pycore_setobject.h> /* _PySet_NextEntry */
#include <internal/pycore_tstate.h>
#include <internal/pycore_typeobject.h>
#endif
#if PY_VERSION_HEX >= 0x030E0000
#include <internal/pycore_genobject.h>
#include <internal/pycore_interpframe.h>
#include <internal/pycore_stackref.h> /* tagged references of a frame */
#endif
#if PY_VERSION_HEX >= 0x030F0000
#include <internal/pycore_lazyimportobject.h>
#endif

/* What the headers of the versions name differently. */
#if PY_VERSION_HEX >= 0x030E0000
#define MF_DICT_TAG(d) ((d)->_ma_watcher_tag)
#else
#define MF_DICT_TAG(d) ((d)->ma_version_tag)
#endif

/* The frame that a thread is in now, borrowed; NULL: none. */
static inline _PyInterpreterFrame *
mf_compat_innermost(PyThreadState *thread)
{
#if PY_VERSION_HEX >= 0x030D0000
    return thread->current_frame;
#else
    return thread->cframe ? thread->cframe->current_frame : NULL;
#endif
}

/* The next number of a code object's exception table; never reads past end. */
static inline uint32_t
mf_compat_read_varint(const unsigned char **at, const unsigned char *end)
{
    uint32_t value = 0;
    bool more = true;
    while (more && *at < end) {
        value = (value << 6) | (**at & 63);
        more = **at & 64;
        (*at)++;
    }
    return value;
}

#endif
