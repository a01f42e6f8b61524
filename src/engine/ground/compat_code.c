/* compat_code.c -- what differs between CPython 3.11 and 3.15 in functions and
 * code objects. Part of the compat room: prototypes in compat.h.
 *
 * The interpreter's state grows within a minor version, so what we need of it
 * (its function watchers) is found by searching it for a value that we put
 * there.
 */
#include "compat_31x.h"

#include "compat.h"

#if PY_VERSION_HEX >= 0x030C0000
/* Bytes from the interpreter's state to its function watchers; 0: not found.
 * The same for all interpreters. */
static size_t watchers_offset;
#endif

/* --- functions ----------------------------------------------------------- */

int
mf_compat_function_words(PyFunctionObject *func,
                         PyObject **words[MF_COMPAT_FUNCTION_WORDS])
{
    int n = 0;
    words[n++] = &func->func_code;
    words[n++] = &func->func_closure;
    words[n++] = &func->func_globals;
    words[n++] = &func->func_builtins;
    words[n++] = &func->func_defaults;
    words[n++] = &func->func_kwdefaults;
    words[n++] = &func->func_name;
    words[n++] = &func->func_qualname;
    words[n++] = &func->func_doc;
    words[n++] = &func->func_dict;
    words[n++] = &func->func_module;
    words[n++] = &func->func_annotations;
#if PY_VERSION_HEX >= 0x030C0000
    words[n++] = &func->func_typeparams;
#endif
#if PY_VERSION_HEX >= 0x030E0000
    words[n++] = &func->func_annotate;
#endif
    assert(n <= MF_COMPAT_FUNCTION_WORDS);
    return n;
}

uint32_t
mf_compat_function_version(PyFunctionObject *func)
{
    return func->func_version;
}

/* From 3.13 on the interpreter keeps borrowed pointers to functions by
 * version: a version that is overwritten without telling it leaves one behind
 * when the function dies. */
void
mf_compat_function_set_version(PyFunctionObject *func, uint32_t version)
{
#if PY_VERSION_HEX >= 0x030E0000
    /* The public way to clear a version, and its entry; it leaves "cleared",
     * from which no version may be set: make it "never had one". */
    PyFunction_SetVectorcall(func, func->vectorcall);
    func->func_version = FUNC_VERSION_UNSET;
    if (version >= FUNC_VERSION_FIRST_VALID) {
        _PyFunction_SetVersion(func, version);
    }
    else {
        func->func_version = version;
    }
#elif PY_VERSION_HEX >= 0x030D0000
    _PyFunction_SetVersion(func, version);
#else
    func->func_version = version;
#endif
}

uint32_t
mf_compat_code_version(PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030C0000
    return code->co_version;
#else
    (void)code;
    return 0;
#endif
}

bool
mf_compat_can_share_version(void)
{
    return PY_VERSION_HEX >= 0x030D0000;
}

#if PY_VERSION_HEX >= 0x030C0000
static int
nothing_watched(PyFunction_WatchEvent Py_UNUSED(event),
                PyFunctionObject *Py_UNUSED(func), PyObject *Py_UNUSED(value))
{
    return 0;
}
#endif

void
mf_compat_function_find_watchers(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    char *interp = (char *)PyInterpreterState_Get();
    int id = watchers_offset == 0 ? PyFunction_AddWatcher(nothing_watched) : -1;
    if (id < 0) {
        PyErr_Clear();
        return;
    }
    for (size_t at = 0; at < sizeof(PyInterpreterState);
         at += sizeof(void *)) {
        PyFunction_WatchCallback seen;
        memcpy(&seen, interp + at, sizeof(seen));
        if (seen == nothing_watched) {
            watchers_offset = at - (size_t)id * sizeof(seen);
            break;
        }
    }
    if (PyFunction_ClearWatcher(id) < 0) {
        PyErr_Clear();
    }
#endif
}

void
mf_compat_function_tell(PyFunctionObject *func, char what, PyObject *value)
{
#if PY_VERSION_HEX >= 0x030C0000
    if (watchers_offset == 0) {
        return;
    }
    PyFunction_WatchCallback watchers[FUNC_MAX_WATCHERS];
    memcpy(watchers, (char *)PyInterpreterState_Get() + watchers_offset,
           sizeof(watchers));
    for (int i = 0; i < FUNC_MAX_WATCHERS; i++) {
        if (watchers[i] == NULL) {
            continue;
        }
        PyFunction_WatchEvent event =
            what == 'c'   ? PyFunction_EVENT_MODIFY_CODE
            : what == 'd' ? PyFunction_EVENT_MODIFY_DEFAULTS
                          : PyFunction_EVENT_MODIFY_KWDEFAULTS;
        if (watchers[i](event, func, value) < 0) {
            PyErr_WriteUnraisable((PyObject *)func);
        }
    }
#else
    (void)func, (void)what, (void)value;
#endif
}

/* --- code ---------------------------------------------------------------- */

PyObject *
mf_compat_code_consts(PyCodeObject *code)
{
    return code->co_consts;
}

#if PY_VERSION_HEX < 0x030C0000
#define PyUnstable_Eval_RequestCodeExtraIndex _PyEval_RequestCodeExtraIndex
#define PyUnstable_Code_GetExtra _PyCode_GetExtra
#define PyUnstable_Code_SetExtra _PyCode_SetExtra
#endif

/* Our place in code objects; -1: none yet. It belongs to the interpreter that
 * asked first; in others what is to be kept is never let go. */
static Py_ssize_t extra_index = -1;
static int64_t extra_owner;

void
mf_compat_code_forget(void)
{
    extra_index = -1;
}

static bool
has_place(void)
{
    return extra_index >= 0 &&
           PyInterpreterState_GetID(PyInterpreterState_Get()) == extra_owner;
}

static void
extra_free(void *list)
{
    Py_XDECREF((PyObject *)list);
}

static PyObject *
extra_list(PyCodeObject *code)
{
    void *list = NULL;
    if (!has_place() ||
        PyUnstable_Code_GetExtra((PyObject *)code, extra_index, &list) < 0) {
        PyErr_Clear();
        return NULL;
    }
    return list;
}

int
mf_compat_code_keep(PyCodeObject *code, PyObject *obj)
{
    PyObject *list = extra_list(code);
    if (list != NULL) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
            if (PyList_GET_ITEM(list, i) == obj) {
                return 0;
            }
        }
        return PyList_Append(list, obj) < 0 ? -1 : 1;
    }
    if (extra_index < 0) {
        extra_index = PyUnstable_Eval_RequestCodeExtraIndex(extra_free);
        extra_owner = PyInterpreterState_GetID(PyInterpreterState_Get());
    }
    list = PyList_New(0);
    if (list == NULL || PyList_Append(list, obj) < 0) {
        Py_XDECREF(list);
        return -1;
    }
    if (!has_place() ||
        PyUnstable_Code_SetExtra((PyObject *)code, extra_index, list) < 0) {
        PyErr_Clear(); /* no place: the list stays alive, rather than crash */
        return 0;
    }
    return 1;
}

void
mf_compat_code_unkeep(PyCodeObject *code, PyObject *obj)
{
    PyObject *list = extra_list(code);
    for (Py_ssize_t i = list != NULL ? PyList_GET_SIZE(list) : 0; i-- > 0;) {
        if (PyList_GET_ITEM(list, i) == obj) {
            PyList_SetSlice(list, i, i + 1, NULL);
            return;
        }
    }
}

PyObject *
mf_compat_code_doc(PyCodeObject *code)
{
#ifdef CO_HAS_DOCSTRING
    if (!(code->co_flags & CO_HAS_DOCSTRING)) {
        return Py_None;
    }
#endif
    if (PyTuple_GET_SIZE(code->co_consts) > 0 &&
        PyUnicode_Check(PyTuple_GET_ITEM(code->co_consts, 0))) {
        return PyTuple_GET_ITEM(code->co_consts, 0);
    }
    return Py_None;
}

int
mf_compat_compile_flags(PyCodeObject *code)
{
    return code->co_flags & PyCF_MASK;
}

/* The name's index, if this is a class body that uses it; else -1. */
static Py_ssize_t
name_of_class(PyCodeObject *code, const char *name)
{
    if (code->co_flags & (CO_OPTIMIZED | CO_NEWLOCALS)) {
        return -1; /* a function, not a class body */
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_names); i++) {
        if (PyUnicode_CompareWithASCIIString(
                PyTuple_GET_ITEM(code->co_names, i), name) == 0) {
            return i;
        }
    }
    return -1;
}

/* What a class body loads right before it stores the name for the first
 * time. */
struct stored {
    Py_ssize_t at;    /* code unit of the load, -1: not found */
    Py_ssize_t index; /* of the constant, or the small number itself */
    bool small;       /* a number that stands in the instruction (3.14+) */
    int uses;         /* loads of that constant in the whole code */
};

static struct stored
find_stored(PyCodeObject *code, const char *word)
{
    struct stored found = {-1, -1, false, 0}, last = found;
    Py_ssize_t name = name_of_class(code, word);
    PyObject *bytes = name < 0 ? NULL : PyCode_GetCode(code);
    if (bytes == NULL) {
        PyErr_Clear();
        return found;
    }
    const unsigned char *ops = (unsigned char *)PyBytes_AS_STRING(bytes);
    Py_ssize_t len = PyBytes_GET_SIZE(bytes);
    int arg = 0;
    for (Py_ssize_t i = 0; i + 1 < len && found.at < 0; i += 2) {
        arg = (arg << 8) | ops[i + 1];
        if (ops[i] == EXTENDED_ARG) {
            continue;
        }
        if (ops[i] == LOAD_CONST) {
            last = (struct stored){i / 2, arg, false, 0};
        }
#if PY_VERSION_HEX >= 0x030E0000
        else if (ops[i] == LOAD_SMALL_INT) {
            last = (struct stored){i / 2, arg, true, 0};
        }
#endif
        else if (ops[i] == STORE_NAME && arg == name) {
            found = last;
        }
        arg = 0;
    }
    for (Py_ssize_t i = 0; found.at >= 0 && i + 1 < len; i += 2) {
        arg = (arg << 8) | ops[i + 1];
        if (ops[i] == EXTENDED_ARG) {
            continue;
        }
        bool loads = ops[i] == LOAD_CONST;
#if PY_VERSION_HEX >= 0x030C0000 && PY_VERSION_HEX < 0x030E0000
        loads |= ops[i] == RETURN_CONST;
#endif
        found.uses += loads && !found.small && arg == found.index;
        arg = 0;
    }
    Py_DECREF(bytes);
    return found;
}

PyObject *
mf_compat_code_stored(PyCodeObject *code, const char *name)
{
    struct stored found = find_stored(code, name);
    return found.at < 0 || found.small ||
                   found.index >= PyTuple_GET_SIZE(code->co_consts)
               ? NULL
               : PyTuple_GET_ITEM(code->co_consts, found.index);
}

/* Can the constant that a class body stores as __firstlineno__ be written
 * anew? Only if nothing else loads it and the tuple is the code's alone
 * (equal tuples are merged). */
static bool
is_own_line(PyCodeObject *code, const struct stored *line)
{
    return line->at >= 0 && !line->small && line->uses == 1 &&
           Py_REFCNT(code->co_consts) == 1 &&
           line->index < PyTuple_GET_SIZE(code->co_consts) &&
           PyLong_CheckExact(
               PyTuple_GET_ITEM(code->co_consts, line->index));
}

/* The line that the class body stores follows, where it can: from 3.14 on
 * lines below 256 stand in the instruction, others are constants, and what
 * crosses that border keeps the line that it had. */
static void
move_stored_line(PyCodeObject *code, int delta)
{
    struct stored line = find_stored(code, "__firstlineno__");
    if (line.at < 0) {
        return;
    }
    if (is_own_line(code, &line)) {
        PyObject *old = PyTuple_GET_ITEM(code->co_consts, line.index);
        long to = PyLong_AsLong(old) + delta;
        PyObject *moved = PyLong_FromLong(to);
        if (moved != NULL) {
            PyTuple_SET_ITEM(code->co_consts, line.index, moved);
            Py_DECREF(old);
        }
        else {
            PyErr_Clear(); /* the attribute is for tools only */
        }
    }
#if PY_VERSION_HEX >= 0x030E0000
    else if (line.small && line.index + delta >= 0 &&
             line.index + delta < 256) {
        _PyCode_CODE(code)[line.at].op.arg = (uint8_t)(line.index + delta);
        if (code->_co_cached != NULL) {
            Py_CLEAR(code->_co_cached->_co_code);
        }
    }
#endif
}

bool
mf_compat_can_note_lines(void)
{
    return PY_VERSION_HEX >= 0x030D0000;
}

bool
mf_compat_code_can_move(PyCodeObject *code)
{
    if (!mf_compat_can_note_lines() ||
        name_of_class(code, "__firstlineno__") < 0) {
        return true;
    }
    struct stored line = find_stored(code, "__firstlineno__");
    return PY_VERSION_HEX < 0x030E0000 && is_own_line(code, &line);
}

/* Absolute lines, made when the code was first traced; made anew. */
static void
forget_lines(PyCodeObject *code)
{
#if PY_VERSION_HEX < 0x030C0000
    if (code->_co_linearray != NULL) {
        PyMem_Free(code->_co_linearray);
        code->_co_linearray = NULL;
    }
#else
    (void)code;
#endif
}

PyObject *
mf_compat_code_lines(PyCodeObject *code)
{
    return code->co_linetable;
}

void
mf_compat_code_set_lines(PyCodeObject *code, PyObject *table)
{
    Py_SETREF(code->co_linetable, Py_NewRef(table));
    forget_lines(code);
}

void
mf_compat_code_move(PyCodeObject *code, int delta)
{
    code->co_firstlineno += delta;
    forget_lines(code);
    if (mf_compat_can_note_lines()) {
        move_stored_line(code, delta);
    }
    /* The hash of nested code has its line in it (3.12+). */
    mf_compat_tuple_forget_hash(code->co_consts);
}
