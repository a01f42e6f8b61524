/* compat_fields.c -- owns how instructions are numbered and packed, and where
 * instances keep attributes. In: a code object, or an instance. Out: steps,
 * or yes and no.
 */
#include "compat_31x.h"

#include "compat.h"
#include "compat_fields.h"
#include "compat_objects.h"
#include "fault.h"

#include <structmember.h> /* T_OBJECT_EX under one name for all versions */

/* --- one instruction ----------------------------------------------------- */

/* What is being decoded. */
struct decoder {
    PyCodeObject *code;
    const unsigned char *units;    /* pairs of opcode and argument */
    uint32_t len;                  /* in units */
    struct mf_compat_step *steps;  /* room for two per unit */
    uint32_t count;
    uint32_t *index;               /* unit -> step that begins there */
};

static int
not_understood(PyCodeObject *code)
{
    PyErr_Format(PyExc_ValueError, "the code of %U is not understood",
                 code->co_qualname);
    return -1;
}

static void
push(struct decoder *d, uint32_t at, enum mf_compat_step_kind kind,
     uint32_t arg, PyObject *obj)
{
    d->steps[d->count++] = (struct mf_compat_step){
        .kind = (uint8_t)kind,
        .flow = MF_FLOW_NEXT,
        .at = at,
        .arg = arg,
        .obj = obj,
        .target = MF_STEP_NOWHERE,
        .handler = MF_STEP_NOWHERE,
    };
}

/* Opcodes whose whole meaning is the argument as it stands. */
static int
plain_kind(int op)
{
    switch (op) {
    case NOP:
    case RESUME:
    case MAKE_CELL:
    case COPY_FREE_VARS:
#if PY_VERSION_HEX < 0x030C0000
    case PRECALL:
#endif
#if PY_VERSION_HEX >= 0x030E0000
    case NOT_TAKEN:
#endif
        return MF_STEP_NONE;
    case LOAD_FAST:
#if PY_VERSION_HEX >= 0x030C0000
    case LOAD_FAST_CHECK:
#endif
#if PY_VERSION_HEX >= 0x030E0000
    case LOAD_FAST_BORROW:
#endif
        return MF_STEP_LOCAL;
    case STORE_FAST:
    case DELETE_FAST:
    case STORE_DEREF:
    case DELETE_DEREF:
        return MF_STEP_SET_LOCAL;
    case PUSH_NULL:
        return MF_STEP_NULL;
    case CALL:
        return MF_STEP_CALL;
    case BUILD_LIST:
        return MF_STEP_LIST;
    case BUILD_TUPLE:
        return MF_STEP_TUPLE;
    case BUILD_SET:
        return MF_STEP_SET;
    case BUILD_MAP:
        return MF_STEP_MAP;
#if PY_VERSION_HEX < 0x030E0000
    case BUILD_CONST_KEY_MAP:
        return MF_STEP_KEY_MAP;
#endif
    case LIST_EXTEND:
        return MF_STEP_LIST_EXTEND;
    case SET_UPDATE:
        return MF_STEP_SET_UPDATE;
    case DICT_UPDATE:
        return MF_STEP_MAP_UPDATE;
    case LIST_APPEND:
        return MF_STEP_LIST_APPEND;
    case SET_ADD:
        return MF_STEP_SET_ADD;
    case MAP_ADD:
        return MF_STEP_MAP_ADD;
    case UNPACK_SEQUENCE:
        return MF_STEP_UNPACK;
    case COPY:
        return MF_STEP_COPY;
    case SWAP:
        return MF_STEP_SWAP;
    case POP_TOP:
        return MF_STEP_POP;
    default:
        return -1;
    }
}

/* A constant without a place in co_consts; borrowed for ever: all of these
 * are immortal where the instructions exist. NULL: none of that kind. */
static PyObject *
built_in_constant(int op, uint32_t arg)
{
    PyObject *obj = NULL;
#if PY_VERSION_HEX >= 0x030E0000
    if (op == LOAD_SMALL_INT && arg < 256) {
        obj = PyLong_FromLong((long)arg);
    }
#endif
#if PY_VERSION_HEX >= 0x030F0000
    if (op == LOAD_COMMON_CONSTANT) {
        switch (arg) {
        case CONSTANT_NONE:
            return Py_None;
        case CONSTANT_TRUE:
            return Py_True;
        case CONSTANT_FALSE:
            return Py_False;
        case CONSTANT_EMPTY_STR:
            obj = PyUnicode_New(0, 0);
            break;
        case CONSTANT_MINUS_ONE:
            obj = PyLong_FromLong(-1);
            break;
        default:
            break;
        }
    }
#endif
    (void)op, (void)arg;
    Py_XDECREF(obj);
    return obj;
}

/* Instructions that are two in one (3.13+). */
static bool
push_pair(struct decoder *d, uint32_t at, int op, uint32_t arg)
{
#if PY_VERSION_HEX >= 0x030D0000
    uint32_t first = arg >> 4, second = arg & 15;
    switch (op) {
    case LOAD_FAST_LOAD_FAST:
#if PY_VERSION_HEX >= 0x030E0000
    case LOAD_FAST_BORROW_LOAD_FAST_BORROW:
#endif
        push(d, at, MF_STEP_LOCAL, first, NULL);
        push(d, at, MF_STEP_LOCAL, second, NULL);
        return true;
    case STORE_FAST_LOAD_FAST:
        push(d, at, MF_STEP_SET_LOCAL, first, NULL);
        push(d, at, MF_STEP_LOCAL, second, NULL);
        return true;
    case STORE_FAST_STORE_FAST:
        push(d, at, MF_STEP_SET_LOCAL, first, NULL);
        push(d, at, MF_STEP_SET_LOCAL, second, NULL);
        return true;
    default:
        break;
    }
#endif
    (void)d, (void)at, (void)op, (void)arg;
    return false;
}

static PyObject *
item_or_null(PyObject *tuple, uint32_t index)
{
    return (Py_ssize_t)index < PyTuple_GET_SIZE(tuple)
               ? PyTuple_GET_ITEM(tuple, index)
               : NULL;
}

/* LOAD_GLOBAL also pushes the mark of a call: on the side that differs. */
static int
push_global(struct decoder *d, uint32_t at, uint32_t arg)
{
    PyObject *name = item_or_null(d->code->co_names, arg >> 1);
    bool before = PY_VERSION_HEX < 0x030D0000;
    if (name == NULL) {
        return not_understood(d->code);
    }
    if ((arg & 1) && before) {
        push(d, at, MF_STEP_NULL, 0, NULL);
    }
    push(d, at, MF_STEP_GLOBAL, 0, name);
    if ((arg & 1) && !before) {
        push(d, at, MF_STEP_NULL, 0, NULL);
    }
    return 0;
}

static int
push_instruction(struct decoder *d, uint32_t at, int op, uint32_t arg)
{
    PyObject *obj;
    switch (op) {
    case LOAD_GLOBAL:
        return push_global(d, at, arg);
    case LOAD_CONST:
        obj = item_or_null(d->code->co_consts, arg);
        if (obj == NULL) {
            return not_understood(d->code);
        }
        push(d, at, MF_STEP_CONST, 0, obj);
        return 0;
    case STORE_ATTR:
    case DELETE_ATTR:
        obj = item_or_null(d->code->co_names, arg);
        if (obj == NULL) {
            return not_understood(d->code);
        }
        push(d, at, op == STORE_ATTR ? MF_STEP_SET_ATTR : MF_STEP_DEL_ATTR, 0,
             obj);
        return 0;
    case LOAD_DEREF:
        /* self, when an inner function names it; other cells may be changed
         * by inner functions. */
        push(d, at, arg == 0 ? MF_STEP_LOCAL : MF_STEP_OTHER, arg, NULL);
        return 0;
    default:
        break;
    }
    int kind = plain_kind(op);
    if (kind >= 0) {
        push(d, at, (enum mf_compat_step_kind)kind, arg, NULL);
        return 0;
    }
    if (push_pair(d, at, op, arg)) {
        return 0;
    }
    obj = built_in_constant(op, arg);
    push(d, at, obj != NULL ? MF_STEP_CONST : MF_STEP_OTHER, arg, obj);
    return 0;
}

/* --- where it goes on ---------------------------------------------------- */

int
mf_compat_fields_jump(int op, bool *always)
{
    *always = false;
    switch (op) {
    case JUMP_FORWARD:
        *always = true;
        return 1;
    case JUMP_BACKWARD:
    case JUMP_BACKWARD_NO_INTERRUPT:
        *always = true;
        return -1;
    case FOR_ITER:
    case SEND:
#if PY_VERSION_HEX < 0x030C0000
    case JUMP_IF_FALSE_OR_POP:
    case JUMP_IF_TRUE_OR_POP:
    case POP_JUMP_FORWARD_IF_FALSE:
    case POP_JUMP_FORWARD_IF_TRUE:
    case POP_JUMP_FORWARD_IF_NONE:
    case POP_JUMP_FORWARD_IF_NOT_NONE:
        return 1;
    case POP_JUMP_BACKWARD_IF_FALSE:
    case POP_JUMP_BACKWARD_IF_TRUE:
    case POP_JUMP_BACKWARD_IF_NONE:
    case POP_JUMP_BACKWARD_IF_NOT_NONE:
        return -1;
#else
    case POP_JUMP_IF_FALSE:
    case POP_JUMP_IF_TRUE:
    case POP_JUMP_IF_NONE:
    case POP_JUMP_IF_NOT_NONE:
        return 1;
#endif
    default:
        return 0;
    }
}

/* Sets the flow of the step that was pushed last; `next` is the unit behind
 * the instruction and its caches. The target is a unit until resolve(). */
static int
set_flow(struct decoder *d, int op, uint32_t arg, uint32_t next)
{
    struct mf_compat_step *step = &d->steps[d->count - 1];
    bool always;
    int direction = mf_compat_fields_jump(op, &always);
    if (direction != 0) {
        int64_t target = (int64_t)next + (int64_t)direction * (int64_t)arg;
        if (target < 0 || target >= (int64_t)d->len) {
            return not_understood(d->code);
        }
        step->flow = always ? MF_FLOW_JUMP : MF_FLOW_BRANCH;
        step->target = (uint32_t)target;
        return 0;
    }
    switch (op) {
    case RETURN_VALUE:
    case RETURN_GENERATOR:
#if PY_VERSION_HEX >= 0x030C0000 && PY_VERSION_HEX < 0x030E0000
    case RETURN_CONST:
#endif
        step->flow = MF_FLOW_RETURN;
        break;
    case RAISE_VARARGS:
    case RERAISE:
        step->flow = MF_FLOW_RAISE;
        break;
    default:
        break;
    }
    return 0;
}

static int
decode(struct decoder *d)
{
    uint32_t arg = 0, begin = 0;
    for (uint32_t i = 0; i < d->len;) {
        int op = d->units[2 * i];
        arg = (arg << 8) | d->units[2 * i + 1];
        /* A jump may lead to the prefix of an instruction. */
        d->index[i] = d->count;
        i++;
        if (op == EXTENDED_ARG) {
            continue;
        }
        while (i < d->len && d->units[2 * i] == CACHE) {
            d->index[i++] = d->count;
        }
        if (push_instruction(d, begin, op, arg) < 0 ||
            set_flow(d, op, arg, i) < 0) {
            return -1;
        }
        arg = 0;
        begin = i;
    }
    return 0;
}

/* Units to steps; the table of handlers to the steps that it covers. */
static int
resolve(struct decoder *d)
{
    for (uint32_t i = 0; i < d->count; i++) {
        if (d->steps[i].target != MF_STEP_NOWHERE) {
            d->steps[i].target = d->index[d->steps[i].target];
        }
    }
    PyObject *table = d->code->co_exceptiontable;
    const unsigned char *at = (unsigned char *)PyBytes_AS_STRING(table);
    const unsigned char *end = at + PyBytes_GET_SIZE(table);
    while (at < end) {
        uint32_t start = mf_compat_read_varint(&at, end);
        uint32_t size = mf_compat_read_varint(&at, end);
        uint32_t target = mf_compat_read_varint(&at, end);
        mf_compat_read_varint(&at, end); /* depth of the stack */
        if (target >= d->len || start > d->len || size > d->len - start) {
            return not_understood(d->code);
        }
        for (uint32_t i = 0; i < d->count; i++) {
            uint32_t unit = d->steps[i].at;
            if (unit >= start && unit - start < size) {
                d->steps[i].handler = d->index[target];
            }
        }
    }
    return 0;
}

int
mf_compat_fields_steps(PyCodeObject *code, struct mf_compat_step **steps,
                       size_t *count)
{
    PyObject *bytes = PyCode_GetCode(code); /* without specialisation */
    if (bytes == NULL) {
        return -1;
    }
    struct decoder d = {
        .code = code,
        .units = (unsigned char *)PyBytes_AS_STRING(bytes),
        .len = (uint32_t)(PyBytes_GET_SIZE(bytes) / 2),
    };
    d.steps = mf_alloc((2 * (size_t)d.len + 1) * sizeof(*d.steps));
    d.index = mf_alloc(((size_t)d.len + 1) * sizeof(*d.index));
    int rc;
    if (d.steps == NULL || d.index == NULL) {
        PyErr_NoMemory();
        rc = -1;
    }
    else {
        rc = decode(&d) < 0 || resolve(&d) < 0 ? -1 : 0;
    }
    mf_free(d.index);
    Py_DECREF(bytes);
    if (rc < 0) {
        mf_free(d.steps);
        return -1;
    }
    *steps = d.steps;
    *count = d.count;
    return 0;
}

/* --- instances ----------------------------------------------------------- */

bool
mf_compat_fields_has_dict(PyTypeObject *type)
{
    return type->tp_dictoffset != 0 ||
           (type->tp_flags & Py_TPFLAGS_MANAGED_DICT);
}

/* The dict that an instance has already, or NULL. */
static PyObject *
dict_of(PyObject *obj)
{
    PyObject **word = (Py_TYPE(obj)->tp_flags & Py_TPFLAGS_MANAGED_DICT)
                          ? mf_compat_obj_managed_dict(obj)
                          : _PyObject_GetDictPtr(obj);
    return word != NULL ? *word : NULL;
}

int
mf_compat_fields_in_dict(PyObject *obj, PyObject *name)
{
    PyObject *dict = dict_of(obj);
    if (dict != NULL) {
        PyObject *value =
            mf_compat_dict_get(dict, name, PyObject_Hash(name));
        return value != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
    }
    Py_ssize_t count;
    PyObject **words = mf_compat_obj_values(obj, &count);
    if (words == NULL) {
        return 0;
    }
    /* The class keeps the names of the words. */
    PyDictKeysObject *keys =
        ((PyHeapTypeObject *)Py_TYPE(obj))->ht_cached_keys;
    if (keys == NULL || !DK_IS_UNICODE(keys)) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < count && i < keys->dk_nentries; i++) {
        PyObject *key = DK_UNICODE_ENTRIES(keys)[i].me_key;
        if (words[i] != NULL && key != NULL &&
            (key == name || PyUnicode_Compare(key, name) == 0)) {
            return 1;
        }
    }
    return 0;
}

Py_ssize_t
mf_compat_fields_slot(PyTypeObject *type, PyObject *name, bool *other)
{
    *other = false;
    PyObject *mro = type->tp_mro;
    for (Py_ssize_t i = 0; mro != NULL && i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        PyObject *dict = mf_compat_type_dict(base);
        PyObject *found =
            dict ? mf_compat_dict_get(dict, name, PyObject_Hash(name)) : NULL;
        if (found == NULL) {
            PyErr_Clear();
            continue;
        }
        if (!Py_IS_TYPE(found, &PyMemberDescr_Type)) {
            *other = Py_TYPE(found)->tp_descr_set != NULL;
            return 0;
        }
        PyMemberDef *member = ((PyMemberDescrObject *)found)->d_member;
        if (member->type != T_OBJECT_EX || (member->flags & READONLY) ||
            !PyType_IsSubtype(type, PyDescr_TYPE(found))) {
            *other = true;
            return 0;
        }
        return member->offset;
    }
    return 0;
}

static int
each_in_dict(PyObject *dict, mf_compat_fields_visit each, void *arg)
{
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(dict, &pos, &name, &value)) {
        if (PyUnicode_CheckExact(name) && each(name, value, arg) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
each_beside(PyObject *obj, mf_compat_fields_visit each, void *arg)
{
    Py_ssize_t count;
    PyObject **words = mf_compat_obj_values(obj, &count);
    if (words == NULL) {
        return 0;
    }
    PyDictKeysObject *keys =
        ((PyHeapTypeObject *)Py_TYPE(obj))->ht_cached_keys;
    if (keys == NULL || !DK_IS_UNICODE(keys)) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < count && i < keys->dk_nentries; i++) {
        PyObject *name = DK_UNICODE_ENTRIES(keys)[i].me_key;
        if (words[i] != NULL && name != NULL &&
            each(name, words[i], arg) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
each_in_slots(PyObject *obj, mf_compat_fields_visit each, void *arg)
{
    for (PyTypeObject *type = Py_TYPE(obj); type != NULL;
         type = type->tp_base) {
        if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
            continue;
        }
        for (PyMemberDef *member = type->tp_members;
             member != NULL && member->name != NULL; member++) {
            PyObject *value =
                *(PyObject **)((char *)obj + member->offset);
            if (member->type != T_OBJECT_EX || value == NULL) {
                continue;
            }
            PyObject *name = PyUnicode_InternFromString(member->name);
            int rc = name != NULL ? each(name, value, arg) : -1;
            Py_XDECREF(name);
            if (rc < 0) {
                return -1;
            }
        }
    }
    return 0;
}

int
mf_compat_fields_each(PyObject *obj, mf_compat_fields_visit each, void *arg)
{
    PyObject *dict = dict_of(obj);
    int rc = dict != NULL ? each_in_dict(dict, each, arg)
                          : each_beside(obj, each, arg);
    return rc == 0 ? each_in_slots(obj, each, arg) : rc;
}

struct items {
    mf_compat_fields_item each;
    void *arg;
};

static int
item_beside(PyObject *name, PyObject *value, void *arg)
{
    struct items *items = arg;
    return items->each(name, value, PyObject_Hash(name), items->arg);
}

int
mf_compat_fields_items(PyObject *obj, mf_compat_fields_item each, void *arg)
{
    PyObject *dict = dict_of(obj);
    if (dict == NULL) {
        struct items items = {.each = each, .arg = arg};
        return each_beside(obj, item_beside, &items);
    }
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    Py_hash_t hash;
    while (mf_compat_dict_next(dict, &pos, &key, &value, &hash)) {
        if (each(key, value, hash, arg) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Made by class statements only, over object? */
static bool
is_known(PyTypeObject *type)
{
    PyTypeObject *base = type;
    while (base != NULL && (base->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        /* Made by C code, with a state that only that code knows. */
        if (base->tp_dealloc != type->tp_dealloc &&
            base->tp_basicsize > (Py_ssize_t)sizeof(PyObject)) {
            return false;
        }
        base = base->tp_base;
    }
    return base == &PyBaseObject_Type &&
           type->tp_alloc == PyType_GenericAlloc;
}

PyObject *
mf_compat_fields_new(PyTypeObject *type)
{
    PyObject *obj = type->tp_alloc(type, 0);
    if (obj != NULL && PyObject_IS_GC(obj)) {
        _PyGC_SET_FINALIZED(obj); /* its __del__ counts as run */
    }
    return obj;
}

bool
mf_compat_fields_only_slots(PyTypeObject *type)
{
    return is_known(type) && !mf_compat_fields_has_dict(type);
}

PyObject *
mf_compat_fields_blank(PyTypeObject *type)
{
    if (!is_known(type)) {
        return NULL;
    }
    if (type->tp_flags & Py_TPFLAGS_IS_ABSTRACT) {
        return mf_compat_fields_new(type);
    }
    /* object.__new__ makes room for attributes beside a dict. */
    PyObject *none = PyTuple_New(0);
    PyObject *obj =
        none ? PyBaseObject_Type.tp_new(type, none, NULL) : NULL;
    Py_XDECREF(none);
    if (obj != NULL && PyObject_IS_GC(obj)) {
        _PyGC_SET_FINALIZED(obj);
    }
    return obj;
}
