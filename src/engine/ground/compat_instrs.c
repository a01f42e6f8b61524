/* compat_instrs.c -- owns the graph of a code object's instructions. In: a
 * code object. Out: its instructions, compared and followed.
 *
 * The depth of the stack is found by following every way from the beginning
 * with the effects that the compiler itself publishes.
 */
#include "compat_31x.h"

#include "compat.h"
#include "compat_fields.h"
#include "compat_instrs.h"
#include "fault.h"

/* --- reading ------------------------------------------------------------- */

static int
not_understood(PyCodeObject *code)
{
    PyErr_Format(PyExc_ValueError, "the code of %U is not understood",
                 code->co_qualname);
    return -1;
}

static bool
ends(int op)
{
    switch (op) {
    case RETURN_VALUE:
    case RAISE_VARARGS:
    case RERAISE:
#ifdef RETURN_CONST
    case RETURN_CONST:
#endif
        return true;
    default:
        return false;
    }
}

/* Targets are units so far; `index` leads from units to instructions. */
static int
decode(struct mf_instrs *instrs, const unsigned char *units, int len,
       int *index)
{
    uint32_t arg = 0;
    int first = 0;
    for (int i = 0; i < len;) {
        int op = units[2 * i];
        arg = (arg << 8) | units[2 * i + 1];
        index[i++] = instrs->len;
        if (op == EXTENDED_ARG) {
            continue;
        }
        struct mf_instr *instr = &instrs->items[instrs->len];
        *instr = (struct mf_instr){
            .at = i - 1, .first = first, .op = op, .arg = arg,
            .target = MF_INSTR_NONE, .handler = MF_INSTR_NONE,
            .depth = MF_INSTR_NONE, .falls = !ends(op),
        };
        while (i < len && units[2 * i] == CACHE) {
            index[i++] = instrs->len;
        }
        instr->end = first = i;
        bool always;
        int direction = mf_compat_fields_jump(op, &always);
        if (direction != 0) {
            int64_t to = (int64_t)i + (int64_t)direction * (int64_t)arg;
            if (to < 0 || to >= len) {
                return not_understood(instrs->code);
            }
            instr->target = (int)to;
            instr->falls = !always;
        }
        instrs->len++;
        arg = 0;
    }
    for (int i = 0; i < instrs->len; i++) {
        struct mf_instr *instr = &instrs->items[i];
        if (instr->target != MF_INSTR_NONE) {
            instr->target = index[instr->target];
        }
        instr->falls = instr->falls && i + 1 < instrs->len;
    }
    return 0;
}

static void
locate(struct mf_instrs *instrs)
{
    for (int i = 0; i < instrs->len; i++) {
        struct mf_instr *instr = &instrs->items[i];
        int line, column, end_line, end_column;
        if (PyCode_Addr2Location(instrs->code,
                                 instr->at * (int)sizeof(_Py_CODEUNIT), &line,
                                 &column, &end_line, &end_column) &&
            line > 0) {
            instr->line = line;
            instr->column = column;
            instr->end_line = end_line;
            instr->end_column = end_column;
        }
    }
}

/* --- stack --------------------------------------------------------------- */

/* Handlers, and how deep the stack is when one begins: what was there, the
 * exception, in between perhaps the place where it happened. */
static int
find_handlers(struct mf_instrs *instrs, const int *index, int len)
{
    PyObject *table = instrs->code->co_exceptiontable;
    const unsigned char *at = (unsigned char *)PyBytes_AS_STRING(table);
    const unsigned char *end = at + PyBytes_GET_SIZE(table);
    while (at < end) {
        int start = (int)mf_compat_read_varint(&at, end);
        int size = (int)mf_compat_read_varint(&at, end);
        int target = (int)mf_compat_read_varint(&at, end);
        uint32_t depth = mf_compat_read_varint(&at, end);
        if (target >= len || start > len || size > len - start) {
            return not_understood(instrs->code);
        }
        struct mf_instr *handler = &instrs->items[index[target]];
        handler->depth = (int)(depth >> 1) + (int)(depth & 1) + 1;
        for (int i = 0; i < instrs->len; i++) {
            int unit = instrs->items[i].at;
            if (unit >= start && unit - start < size) {
                instrs->items[i].handler = index[target];
            }
        }
    }
    return 0;
}

static int
effect(const struct mf_instr *instr, int jump)
{
#if PY_VERSION_HEX < 0x030D0000
    if (instr->op == RETURN_GENERATOR) {
        return 1; /* what a POP_TOP takes away behind it */
    }
#endif
    int op = instr->op;
    return PyCompile_OpcodeStackEffectWithJump(
        op, op >= HAVE_ARGUMENT ? (int)instr->arg : 0, jump);
}

struct todo {
    int *items;
    int len;
};

/* 0; -1: two ways with different stacks. */
static int
arrive(struct mf_instrs *instrs, struct todo *todo, int i, int depth)
{
    struct mf_instr *instr = &instrs->items[i];
    if (depth < 0 || (instr->depth != MF_INSTR_NONE && instr->depth != depth)) {
        return not_understood(instrs->code);
    }
    if (instr->depth == MF_INSTR_NONE) {
        instr->depth = depth;
        todo->items[todo->len++] = i;
    }
    return 0;
}

static int
find_depths(struct mf_instrs *instrs, int *work)
{
    struct todo todo = {work, 0};
    for (int i = 0; i < instrs->len; i++) {
        if (instrs->items[i].depth != MF_INSTR_NONE) {
            todo.items[todo.len++] = i; /* handlers */
        }
    }
    if (instrs->len > 0 && instrs->items[0].depth == MF_INSTR_NONE &&
        arrive(instrs, &todo, 0, 0) < 0) {
        return -1;
    }
    while (todo.len > 0) {
        int i = todo.items[--todo.len];
        const struct mf_instr *instr = &instrs->items[i];
        if (instr->falls &&
            arrive(instrs, &todo, i + 1, instr->depth + effect(instr, 0)) <
                0) {
            return -1;
        }
        if (instr->target != MF_INSTR_NONE &&
            arrive(instrs, &todo, instr->target,
                   instr->depth + effect(instr, 1)) < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_compat_instrs_read(struct mf_instrs *instrs, PyCodeObject *code)
{
    memset(instrs, 0, sizeof(*instrs));
    instrs->code = code;
    PyObject *bytes = PyCode_GetCode(code); /* without specialisation */
    if (bytes == NULL) {
        return -1;
    }
    int len = (int)(PyBytes_GET_SIZE(bytes) / 2);
    int *index = mf_alloc(((size_t)len + 1) * sizeof(*index));
    int *work = mf_alloc(((size_t)len + 1) * sizeof(*work));
    instrs->items = mf_alloc(((size_t)len + 1) * sizeof(*instrs->items));
    int rc = -1;
    if (index == NULL || work == NULL || instrs->items == NULL) {
        PyErr_NoMemory();
    }
    else if (decode(instrs, (unsigned char *)PyBytes_AS_STRING(bytes), len,
                    index) == 0 &&
             find_handlers(instrs, index, len) == 0) {
        locate(instrs);
        rc = find_depths(instrs, work);
    }
    mf_free(index);
    mf_free(work);
    Py_DECREF(bytes);
    if (rc < 0) {
        mf_compat_instrs_clear(instrs);
    }
    return rc;
}

void
mf_compat_instrs_clear(struct mf_instrs *instrs)
{
    mf_free(instrs->items);
    memset(instrs, 0, sizeof(*instrs));
}

int
mf_compat_instrs_find(const struct mf_instrs *instrs, int unit)
{
    int low = 0, high = instrs->len;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (instrs->items[middle].end <= unit) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low < instrs->len && instrs->items[low].at <= unit ? low
                                                              : MF_INSTR_NONE;
}

int
mf_compat_instrs_begin(const struct mf_instrs *instrs)
{
    for (int i = 0; i + 1 < instrs->len; i++) {
        if (instrs->items[i].op == RETURN_GENERATOR) {
            return i + 1;
        }
    }
    return MF_INSTR_NONE;
}

int
mf_compat_instrs_depth_in(const struct mf_instrs *instrs, int i)
{
    const struct mf_instr *instr = &instrs->items[i];
    if (instr->op == RESUME) {
        return instr->depth - 1; /* what is sent comes on top */
    }
    if (!instr->falls || instrs->items[i + 1].depth < 1) {
        return MF_INSTR_NONE;
    }
    return instrs->items[i + 1].depth - 1; /* its result comes on top */
}

bool
mf_compat_instrs_returns_by_arg(const struct mf_instr *instr)
{
    return instr->op == FOR_ITER || instr->op == SEND;
}

/* --- locals -------------------------------------------------------------- */

PyObject *
mf_compat_instrs_local(PyCodeObject *code, int i)
{
    return PyTuple_GET_ITEM(code->co_localsplusnames, i);
}

int
mf_compat_instrs_local_kind(PyCodeObject *code, int i)
{
    unsigned char kind =
        (unsigned char)PyBytes_AS_STRING(code->co_localspluskinds)[i];
    return kind & CO_FAST_FREE   ? MF_LOCAL_FREE
           : kind & CO_FAST_CELL ? MF_LOCAL_CELL
                                 : MF_LOCAL_PLAIN;
}

int
mf_compat_instrs_local_at(PyCodeObject *code, PyObject *name)
{
    for (int i = 0; i < code->co_nlocalsplus; i++) {
        if (PyUnicode_Compare(mf_compat_instrs_local(code, i), name) == 0) {
            return i;
        }
    }
    return MF_INSTR_NONE;
}

/* The form that all forms of an instruction stand for. */
static int
general(int op)
{
    switch (op) {
    case LOAD_DEREF: /* a local that has a cell, or not */
        return LOAD_FAST;
    case STORE_DEREF:
        return STORE_FAST;
    case DELETE_DEREF:
        return DELETE_FAST;
#ifdef LOAD_FAST_CHECK
    case LOAD_FAST_CHECK:
        return LOAD_FAST;
#endif
#ifdef LOAD_FAST_BORROW
    case LOAD_FAST_BORROW:
        return LOAD_FAST;
    case LOAD_FAST_BORROW_LOAD_FAST_BORROW:
        return LOAD_FAST_LOAD_FAST;
#endif
    default:
        return op;
    }
}

/* Locals by number: the first two read, the others written. How many reads;
 * -1 in a place: none. */
struct uses {
    int reads[2], writes[2];
};

static struct uses
uses_of(const struct mf_instr *instr)
{
    int arg = (int)instr->arg;
    struct uses none = {{-1, -1}, {-1, -1}};
    switch (general(instr->op)) {
    case LOAD_FAST:
    case DELETE_FAST:
#if PY_VERSION_HEX < 0x030D0000
    case LOAD_CLOSURE:
#endif
#ifdef LOAD_FROM_DICT_OR_DEREF
    case LOAD_FROM_DICT_OR_DEREF:
#endif
        none.reads[0] = arg;
        break;
    case STORE_FAST:
        none.writes[0] = arg;
        break;
#ifdef LOAD_FAST_LOAD_FAST
    case LOAD_FAST_LOAD_FAST:
        none.reads[0] = arg >> 4;
        none.reads[1] = arg & 15;
        break;
    case STORE_FAST_LOAD_FAST:
        none.writes[0] = arg >> 4;
        none.reads[0] = (arg & 15) != arg >> 4 ? arg & 15 : -1;
        break;
    case STORE_FAST_STORE_FAST:
        none.writes[0] = arg >> 4;
        none.writes[1] = arg & 15;
        break;
#endif
    default:
        break; /* LOAD_FAST_AND_CLEAR takes an unbound one, too */
    }
    return none;
}

static void
go_to(struct todo *todo, unsigned char *seen, int i)
{
    if (i != MF_INSTR_NONE && !seen[i]) {
        seen[i] = 1;
        todo->items[todo->len++] = i;
    }
}

static int
may_read(const struct mf_instrs *instrs, int i, bool behind, int local)
{
    struct todo todo = {mf_alloc((size_t)(instrs->len + 1) * sizeof(int)), 0};
    unsigned char *seen = mf_alloc((size_t)instrs->len + 1);
    int answer = 0;
    if (todo.items == NULL || seen == NULL) {
        PyErr_NoMemory();
        answer = -1;
        goto free_work;
    }
    memset(seen, 0, (size_t)instrs->len + 1);
    if (behind) {
        const struct mf_instr *from = &instrs->items[i];
        go_to(&todo, seen, from->falls ? i + 1 : MF_INSTR_NONE);
        go_to(&todo, seen, from->target);
        go_to(&todo, seen, from->handler);
    }
    else {
        go_to(&todo, seen, i);
    }
    while (todo.len > 0 && answer == 0) {
        int at = todo.items[--todo.len];
        const struct mf_instr *instr = &instrs->items[at];
        struct uses uses = uses_of(instr);
        answer = uses.reads[0] == local || uses.reads[1] == local;
        go_to(&todo, seen, instr->handler);
        if (uses.writes[0] != local && uses.writes[1] != local) {
            go_to(&todo, seen, instr->falls ? at + 1 : MF_INSTR_NONE);
            go_to(&todo, seen, instr->target);
        }
    }
free_work:
    mf_free(todo.items);
    mf_free(seen);
    return answer;
}

int
mf_compat_instrs_reads_after(const struct mf_instrs *instrs, int i, int local)
{
    return may_read(instrs, i, true, local);
}

int
mf_compat_instrs_reads_from(const struct mf_instrs *instrs, int i, int local)
{
    return may_read(instrs, i, false, local);
}

/* --- comparing ----------------------------------------------------------- */

enum argument {
    ARG_PLAIN, ARG_NONE, ARG_CONST, ARG_NAME, ARG_LOCAL, ARG_TWO_LOCALS
};

/* *shift: flag bits below the number. */
static enum argument
argument_of(int op, int *shift)
{
    bool always;
    *shift = 0;
    if (op < HAVE_ARGUMENT || mf_compat_fields_jump(op, &always) != 0) {
        return ARG_NONE;
    }
    switch (op) {
    case RESUME:
    case YIELD_VALUE: /* how many blocks are around it */
        return ARG_NONE;
    case LOAD_CONST:
#ifdef KW_NAMES
    case KW_NAMES:
#endif
#ifdef RETURN_CONST
    case RETURN_CONST:
#endif
        return ARG_CONST;
    case LOAD_GLOBAL:
        *shift = 1;
        return ARG_NAME;
    case LOAD_ATTR:
        *shift = PY_VERSION_HEX >= 0x030C0000 ? 1 : 0;
        return ARG_NAME;
    case IMPORT_NAME:
        *shift = PY_VERSION_HEX >= 0x030F0000 ? 2 : 0;
        return ARG_NAME;
#if PY_VERSION_HEX >= 0x030C0000
    case LOAD_SUPER_ATTR:
        *shift = 2;
        return ARG_NAME;
    case LOAD_FROM_DICT_OR_GLOBALS:
#else
    case LOAD_METHOD:
#endif
    case LOAD_NAME:
    case STORE_NAME:
    case DELETE_NAME:
    case STORE_GLOBAL:
    case DELETE_GLOBAL:
    case STORE_ATTR:
    case DELETE_ATTR:
    case IMPORT_FROM:
        return ARG_NAME;
    case LOAD_FAST:
    case STORE_FAST:
    case DELETE_FAST:
#if PY_VERSION_HEX < 0x030D0000
    case LOAD_CLOSURE:
#endif
#if PY_VERSION_HEX >= 0x030C0000
    case LOAD_FAST_AND_CLEAR:
    case LOAD_FROM_DICT_OR_DEREF:
#else
    case LOAD_CLASSDEREF:
#endif
        return ARG_LOCAL;
#ifdef LOAD_FAST_LOAD_FAST
    case LOAD_FAST_LOAD_FAST:
    case STORE_FAST_LOAD_FAST:
    case STORE_FAST_STORE_FAST:
        return ARG_TWO_LOCALS;
#endif
    default:
        return ARG_PLAIN;
    }
}

static PyObject *
local_of(const struct mf_instrs *instrs, uint32_t number)
{
    return (int)number < instrs->code->co_nlocalsplus
               ? mf_compat_instrs_local(instrs->code, (int)number)
               : Py_None;
}

static bool
same_local(const struct mf_instrs *a, uint32_t i, const struct mf_instrs *b,
           uint32_t j)
{
    PyObject *x = local_of(a, i), *y = local_of(b, j);
    return x != Py_None && y != Py_None && PyUnicode_Compare(x, y) == 0;
}

static bool
same_name(PyCodeObject *a, uint32_t i, PyCodeObject *b, uint32_t j)
{
    return i < (uint32_t)PyTuple_GET_SIZE(a->co_names) &&
           j < (uint32_t)PyTuple_GET_SIZE(b->co_names) &&
           PyUnicode_Compare(PyTuple_GET_ITEM(a->co_names, i),
                             PyTuple_GET_ITEM(b->co_names, j)) == 0;
}

int
mf_compat_instrs_same(const struct mf_instrs *a, int i,
                      const struct mf_instrs *b, int j,
                      int (*same_const)(PyObject *a, PyObject *b))
{
    const struct mf_instr *x = &a->items[i], *y = &b->items[j];
    int op = general(x->op), shift;
    if (op != general(y->op)) {
        return 0;
    }
    switch (argument_of(op, &shift)) {
    case ARG_NONE:
        return 1;
    case ARG_CONST:
        return same_const(PyTuple_GET_ITEM(a->code->co_consts, x->arg),
                          PyTuple_GET_ITEM(b->code->co_consts, y->arg));
    case ARG_NAME:
        return (x->arg & ((1u << shift) - 1)) ==
                   (y->arg & ((1u << shift) - 1)) &&
               same_name(a->code, x->arg >> shift, b->code, y->arg >> shift);
    case ARG_LOCAL:
        return same_local(a, x->arg, b, y->arg);
    case ARG_TWO_LOCALS:
        return same_local(a, x->arg >> 4, b, y->arg >> 4) &&
               same_local(a, x->arg & 15, b, y->arg & 15);
    default:
        return x->arg == y->arg;
    }
}
