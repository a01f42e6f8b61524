/* compat_names.c -- owns the instruction numbers. In: a code object. Out: its
 * uses of names, one callback each.
 */
#include "compat_names.h"

#include <opcode.h>

/* How far the name's index stands above flag bits in the argument. */
static int
arg_shift(int op)
{
    switch (op) {
    case LOAD_GLOBAL:
        return 1;
#if PY_VERSION_HEX >= 0x030C0000
    case LOAD_ATTR:
        return 1;
    case LOAD_SUPER_ATTR:
        return 2;
#endif
#if PY_VERSION_HEX >= 0x030F0000
    case IMPORT_NAME:
        return 2; /* two flag bits say lazy or not (PEP 810) */
#endif
    default:
        return 0;
    }
}

/* The use of a name that an instruction is, or -1. */
static int
use_of(int op)
{
    switch (op) {
    case LOAD_NAME:
    case LOAD_GLOBAL:
#if PY_VERSION_HEX >= 0x030C0000
    case LOAD_FROM_DICT_OR_GLOBALS:
#endif
        return MF_NAME_LOAD;
    case STORE_NAME:
        return MF_NAME_STORE;
    case DELETE_NAME:
        return MF_NAME_DELETE;
    case STORE_GLOBAL:
    case DELETE_GLOBAL:
        return MF_NAME_SET_GLOBAL;
    case IMPORT_FROM:
        return MF_NAME_FROM;
    case LOAD_ATTR:
#if PY_VERSION_HEX < 0x030C0000
    case LOAD_METHOD:
#else
    case LOAD_SUPER_ATTR:
#endif
        return MF_NAME_ATTR;
    case STORE_ATTR:
    case DELETE_ATTR:
        return MF_NAME_SET_ATTR;
    case IMPORT_NAME:
        return MF_NAME_IMPORT;
    default:
        return -1;
    }
}

static void
note_action(int op, struct mf_name_scan *scan)
{
    switch (op) {
    case CALL:
    case CALL_FUNCTION_EX:
#if PY_VERSION_HEX >= 0x030D0000
    case CALL_KW:
#endif
        scan->calls = true;
        break;
    case STORE_SUBSCR:
    case DELETE_SUBSCR:
        scan->stores_items = true;
        break;
    case BINARY_OP:
    case COMPARE_OP:
    case CONTAINS_OP:
    case FOR_ITER:
#if PY_VERSION_HEX < 0x030E0000
    case BINARY_SUBSCR:
#endif
#if PY_VERSION_HEX < 0x030D0000
    case FORMAT_VALUE:
#else
    case CONVERT_VALUE:
    case FORMAT_SIMPLE:
    case FORMAT_WITH_SPEC:
#endif
        scan->operates = true;
        break;
    default:
        break;
    }
}

bool
mf_compat_nested_fstrings(void)
{
    return PY_VERSION_HEX >= 0x030C0000;
}

int
mf_compat_scan_names(PyCodeObject *code, struct mf_name_scan *scan)
{
    PyObject *bytes = PyCode_GetCode(code);
    if (bytes == NULL) {
        return -1;
    }
    const unsigned char *p = (unsigned char *)PyBytes_AS_STRING(bytes);
    Py_ssize_t n = PyBytes_GET_SIZE(bytes);
    Py_ssize_t names = PyTuple_GET_SIZE(code->co_names);
    unsigned int arg = 0;
    int rc = 0;
    for (Py_ssize_t i = 0; i + 1 < n && rc == 0; i += 2) {
        int op = p[i];
        arg = (arg << 8) | p[i + 1];
        if (op == EXTENDED_ARG) {
            continue;
        }
        int use = use_of(op);
        if (use >= 0 && scan->use != NULL) {
            Py_ssize_t index = (Py_ssize_t)(arg >> arg_shift(op));
            if (index < names) {
                rc = scan->use((enum mf_name_use)use,
                               PyTuple_GET_ITEM(code->co_names, index),
                               scan->arg);
            }
        }
        note_action(op, scan);
        arg = 0;
    }
    Py_DECREF(bytes);
    return rc;
}

int
mf_compat_scan_annotations(PyCodeObject *code, PyObject *names)
{
    PyObject *bytes = PyCode_GetCode(code);
    if (bytes == NULL) {
        return -1;
    }
    const unsigned char *p = (unsigned char *)PyBytes_AS_STRING(bytes);
    Py_ssize_t n = PyBytes_GET_SIZE(bytes);
    PyObject *name = NULL; /* the constant, if the one before was the dict */
    bool dict = false;
    unsigned int arg = 0;
    int rc = 0;
    for (Py_ssize_t i = 0; i + 1 < n && rc == 0; i += 2) {
        int op = p[i];
        arg = (arg << 8) | p[i + 1];
        if (op == EXTENDED_ARG) {
            continue;
        }
        if (op == STORE_SUBSCR && name != NULL) {
            rc = PySet_Add(names, name);
        }
        name = op == LOAD_CONST && dict
                   ? PyTuple_GET_ITEM(code->co_consts, arg)
                   : NULL;
        dict = op == LOAD_NAME &&
               PyUnicode_CompareWithASCIIString(
                   PyTuple_GET_ITEM(code->co_names, arg),
                   "__annotations__") == 0;
        arg = 0;
    }
    Py_DECREF(bytes);
    return rc;
}
