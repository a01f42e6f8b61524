/* fields_stack.c -- the abstract stack.
 *
 * Owns what each step does to it. In: steps of compat_fields.h. Out: values.
 * The only types that it calls are those of builtins and collections that it
 * knows by identity.
 */
#include "fields_stack.h"

/* --- the stack ----------------------------------------------------------- */

static void
push(struct mf_fields_stack *s, struct mf_fields_value value)
{
    if (s->depth == MF_FIELDS_STACK_DEPTH) { /* the lowest is forgotten */
        memmove(s->values, s->values + 1,
                (MF_FIELDS_STACK_DEPTH - 1) * sizeof(*s->values));
        s->depth--;
    }
    s->values[s->depth++] = value;
}

static void
push_known(struct mf_fields_stack *s, enum mf_fields_known known,
           PyObject *obj)
{
    push(s, (struct mf_fields_value){.known = known, .obj = obj});
}

/* What lies below is not known. */
struct mf_fields_value
mf_fields_stack_pop(struct mf_fields_stack *s)
{
    return s->depth > 0 ? s->values[--s->depth]
                        : (struct mf_fields_value){.known = MF_KNOWN_NOT};
}

/* 1: the top; NULL: not known. */
static struct mf_fields_value *
peek(struct mf_fields_stack *s, uint32_t depth)
{
    return depth >= 1 && depth <= (uint32_t)s->depth
               ? &s->values[(uint32_t)s->depth - depth]
               : NULL;
}

static bool
is_literal(struct mf_fields_value value)
{
    return value.known == MF_KNOWN_CONST || value.known == MF_KNOWN_FRESH;
}

/* Takes the reference; NULL: an error. */
static int
push_made(struct mf_fields_stack *s, PyObject *obj)
{
    if (obj == NULL) {
        return -1;
    }
    int rc = PyList_Append(s->made, obj);
    Py_DECREF(obj);
    if (rc == 0) {
        push_known(s, MF_KNOWN_FRESH, obj);
    }
    return rc;
}

/* --- displays ------------------------------------------------------------ */

/* Pops `count` literals into a tuple, new reference. NULL without an
 * exception: they are not all literals. */
static PyObject *
pop_literals(struct mf_fields_stack *s, uint32_t count)
{
    bool literal = count <= (uint32_t)s->depth;
    for (uint32_t i = 1; literal && i <= count; i++) {
        literal = is_literal(*peek(s, i));
    }
    if (!literal) {
        s->depth = count < (uint32_t)s->depth ? s->depth - (int)count : 0;
        return NULL;
    }
    PyObject *items = PyTuple_New((Py_ssize_t)count);
    s->depth -= (int)count;
    for (uint32_t i = 0; items != NULL && i < count; i++) {
        PyTuple_SET_ITEM(items, i,
                         Py_NewRef(s->values[(uint32_t)s->depth + i].obj));
    }
    return items;
}

/* A key that can be hashed without asking anybody: constants are. */
static int
set_item(PyObject *dict, PyObject *key, PyObject *value)
{
    if (PyDict_SetItem(dict, key, value) == 0) {
        return 0;
    }
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) {
        return -1;
    }
    PyErr_Clear(); /* a list as a key: the program will say so itself */
    return 0;
}

static PyObject *
dict_of_pairs(PyObject *items)
{
    PyObject *dict = PyDict_New();
    for (Py_ssize_t i = 0;
         dict != NULL && i + 1 < PyTuple_GET_SIZE(items); i += 2) {
        if (set_item(dict, PyTuple_GET_ITEM(items, i),
                     PyTuple_GET_ITEM(items, i + 1)) < 0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

static PyObject *
dict_of_keys(PyObject *keys, PyObject *items)
{
    PyObject *dict = PyDict_New();
    for (Py_ssize_t i = 0; dict != NULL && i < PyTuple_GET_SIZE(items); i++) {
        if (set_item(dict, PyTuple_GET_ITEM(keys, i),
                     PyTuple_GET_ITEM(items, i)) < 0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

static int
do_display(struct mf_fields_stack *s, const struct mf_compat_step *step)
{
    PyObject *keys = NULL;
    if (step->kind == MF_STEP_KEY_MAP) {
        struct mf_fields_value top = mf_fields_stack_pop(s);
        keys = top.known == MF_KNOWN_CONST && PyTuple_CheckExact(top.obj) &&
                       PyTuple_GET_SIZE(top.obj) == (Py_ssize_t)step->arg
                   ? top.obj
                   : NULL;
    }
    uint32_t count = step->kind == MF_STEP_MAP ? 2 * step->arg : step->arg;
    PyObject *items = pop_literals(s, count);
    if (items == NULL || (step->kind == MF_STEP_KEY_MAP && keys == NULL)) {
        Py_XDECREF(items);
        push_known(s, MF_KNOWN_NOT, NULL);
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *made;
    switch (step->kind) {
    case MF_STEP_LIST:
        made = PySequence_List(items);
        break;
    case MF_STEP_SET:
        made = PySet_New(items);
        break;
    case MF_STEP_MAP:
        made = dict_of_pairs(items);
        break;
    case MF_STEP_KEY_MAP:
        made = dict_of_keys(keys, items);
        break;
    default:
        made = Py_NewRef(items);
        break;
    }
    Py_DECREF(items);
    return push_made(s, made);
}

/* items: an exact tuple, or a set of constants. */
static int
add_all(PyObject *set, PyObject *items)
{
    PyObject *tuple = PySequence_Tuple(items);
    int rc = tuple != NULL ? 0 : -1;
    for (Py_ssize_t i = 0; rc == 0 && i < PyTuple_GET_SIZE(tuple); i++) {
        rc = PySet_Add(set, PyTuple_GET_ITEM(tuple, i));
    }
    Py_XDECREF(tuple);
    return rc;
}

/* Items are added to a display that is being built. */
static int
do_grow(struct mf_fields_stack *s, const struct mf_compat_step *step)
{
    struct mf_fields_value value = mf_fields_stack_pop(s);
    struct mf_fields_value key = value;
    if (step->kind == MF_STEP_MAP_ADD) {
        key = mf_fields_stack_pop(s);
    }
    struct mf_fields_value *into = peek(s, step->arg);
    if (into == NULL || into->known != MF_KNOWN_FRESH) {
        return 0;
    }
    PyObject *obj = into->obj;
    bool list = PyList_CheckExact(obj), set = PySet_Check(obj);
    int rc = 0;
    if (!is_literal(value) || !is_literal(key)) {
        into->known = MF_KNOWN_NOT;
    }
    else if (step->kind == MF_STEP_LIST_APPEND && list) {
        rc = PyList_Append(obj, value.obj);
    }
    else if (step->kind == MF_STEP_SET_ADD && set) {
        rc = PySet_Add(obj, value.obj);
    }
    else if (step->kind == MF_STEP_MAP_ADD && PyDict_CheckExact(obj)) {
        rc = set_item(obj, key.obj, value.obj);
    }
    else if (step->kind == MF_STEP_LIST_EXTEND && list &&
             (PyTuple_CheckExact(value.obj) || PyList_CheckExact(value.obj))) {
        Py_ssize_t end = PyList_GET_SIZE(obj);
        rc = PyList_SetSlice(obj, end, end, value.obj);
    }
    else if (step->kind == MF_STEP_SET_UPDATE && set &&
             (PyAnySet_Check(value.obj) || PyTuple_CheckExact(value.obj))) {
        rc = add_all(obj, value.obj);
    }
    else if (step->kind == MF_STEP_MAP_UPDATE && PyDict_CheckExact(obj) &&
             PyDict_CheckExact(value.obj)) {
        rc = PyDict_Update(obj, value.obj);
    }
    else {
        into->known = MF_KNOWN_NOT;
    }
    return rc;
}

/* --- globals and calls --------------------------------------------------- */

static bool
is_empty_type(PyObject *obj)
{
    PyTypeObject *const types[] = {
        &PyList_Type,  &PyDict_Type,      &PySet_Type,   &PyTuple_Type,
        &PyBool_Type,  &PyFrozenSet_Type, &PyBytes_Type, &PyUnicode_Type,
        &PyFloat_Type, &PyLong_Type,      &PyODict_Type,
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(types); i++) {
        if (obj == (PyObject *)types[i]) {
            return true;
        }
    }
    return false;
}

/* Borrowed; NULL without an exception. */
static PyObject *
get_item(PyObject *dict, const char *name)
{
    PyObject *key = PyUnicode_FromString(name);
    PyObject *value = NULL;
    if (key != NULL && dict != NULL && PyDict_Check(dict)) {
        value = PyDict_GetItemWithError(dict, key);
    }
    Py_XDECREF(key);
    PyErr_Clear();
    return value;
}

PyObject *
mf_fields_of_module(const char *module, const char *name)
{
    PyObject *found = get_item(PyImport_GetModuleDict(), module);
    return found != NULL && PyModule_Check(found)
               ? get_item(PyModule_GetDict(found), name)
               : NULL;
}

static bool
is_of_collections(PyObject *obj, const char *name)
{
    return mf_fields_of_module("collections", name) == obj;
}

static void
do_global(struct mf_fields_stack *s, PyObject *name)
{
    PyObject *obj = NULL;
    if (s->func != NULL) {
        PyFunctionObject *func = (PyFunctionObject *)s->func;
        PyObject *builtins = func->func_builtins;
        obj = PyDict_GetItemWithError(func->func_globals, name);
        if (obj == NULL && !PyErr_Occurred() && builtins != NULL &&
            PyDict_Check(builtins)) {
            obj = PyDict_GetItemWithError(builtins, name);
        }
        PyErr_Clear();
    }
    bool known = obj != NULL && PyType_Check(obj) &&
                 (is_empty_type(obj) || is_of_collections(obj, "deque") ||
                  is_of_collections(obj, "defaultdict") ||
                  is_of_collections(obj, "Counter"));
    push_known(s, known ? MF_KNOWN_TYPE : MF_KNOWN_NOT, known ? obj : NULL);
}

/* Only types of which we know what they do are ever called. */
static int
do_call(struct mf_fields_stack *s, uint32_t count)
{
    struct mf_fields_value arg = {.known = MF_KNOWN_NOT};
    for (uint32_t i = 0; i < count && s->depth > 0; i++) {
        arg = mf_fields_stack_pop(s);
    }
    struct mf_fields_value one = mf_fields_stack_pop(s);
    struct mf_fields_value other = mf_fields_stack_pop(s);
    struct mf_fields_value type = one.known == MF_KNOWN_MARK ? other : one;
    bool marked = one.known == MF_KNOWN_MARK || other.known == MF_KNOWN_MARK;
    if (!marked || type.known != MF_KNOWN_TYPE) {
        push_known(s, MF_KNOWN_NOT, NULL);
        return 0;
    }
    if (count == 0) {
        return push_made(s, PyObject_CallNoArgs(type.obj));
    }
    if (count == 1 && arg.known == MF_KNOWN_TYPE && is_empty_type(arg.obj) &&
        is_of_collections(type.obj, "defaultdict")) {
        return push_made(s, PyObject_CallOneArg(type.obj, arg.obj));
    }
    push_known(s, MF_KNOWN_NOT, NULL);
    return 0;
}

/* --- moving about -------------------------------------------------------- */

static void
do_copy(struct mf_fields_stack *s, uint32_t depth)
{
    struct mf_fields_value *from = peek(s, depth);
    if (from != NULL && from->known == MF_KNOWN_FRESH) {
        /* One object under two names: copies would be two. */
        from->known = MF_KNOWN_NOT;
    }
    push(s, from != NULL ? *from
                         : (struct mf_fields_value){.known = MF_KNOWN_NOT});
}

static void
do_swap(struct mf_fields_stack *s, uint32_t depth)
{
    struct mf_fields_value *top = peek(s, 1), *below = peek(s, depth);
    if (top != NULL && below != NULL) {
        struct mf_fields_value value = *top;
        *top = *below;
        *below = value;
    }
    else if (top != NULL) {
        top->known = MF_KNOWN_NOT;
    }
}

static void
do_unpack(struct mf_fields_stack *s, uint32_t count)
{
    struct mf_fields_value value = mf_fields_stack_pop(s);
    bool known = value.known == MF_KNOWN_CONST &&
                 PyTuple_CheckExact(value.obj) &&
                 PyTuple_GET_SIZE(value.obj) == (Py_ssize_t)count;
    if (!known && count > MF_FIELDS_STACK_DEPTH) {
        s->depth = 0;
        return;
    }
    for (uint32_t i = count; i-- > 0;) {
        push_known(s, known ? MF_KNOWN_CONST : MF_KNOWN_NOT,
                   known ? PyTuple_GET_ITEM(value.obj, i) : NULL);
    }
}

/* --- steps --------------------------------------------------------------- */

int
mf_fields_stack_step(struct mf_fields_stack *s,
                     const struct mf_compat_step *step)
{
    switch (step->kind) {
    case MF_STEP_NONE:
        break;
    case MF_STEP_CONST:
        push_known(s, MF_KNOWN_CONST, step->obj);
        break;
    case MF_STEP_LOCAL:
        push(s, (struct mf_fields_value){.known = MF_KNOWN_LOCAL,
                                         .local = step->arg});
        break;
    case MF_STEP_GLOBAL:
        do_global(s, step->obj);
        break;
    case MF_STEP_NULL:
        push_known(s, MF_KNOWN_MARK, NULL);
        break;
    case MF_STEP_CALL:
        return do_call(s, step->arg);
    case MF_STEP_LIST:
    case MF_STEP_TUPLE:
    case MF_STEP_SET:
    case MF_STEP_MAP:
    case MF_STEP_KEY_MAP:
        return do_display(s, step);
    case MF_STEP_LIST_EXTEND:
    case MF_STEP_SET_UPDATE:
    case MF_STEP_MAP_UPDATE:
    case MF_STEP_LIST_APPEND:
    case MF_STEP_SET_ADD:
    case MF_STEP_MAP_ADD:
        return do_grow(s, step);
    case MF_STEP_UNPACK:
        do_unpack(s, step->arg);
        break;
    case MF_STEP_COPY:
        do_copy(s, step->arg);
        break;
    case MF_STEP_SWAP:
        do_swap(s, step->arg);
        break;
    case MF_STEP_SET_ATTR:
        mf_fields_stack_pop(s);
        mf_fields_stack_pop(s);
        break;
    case MF_STEP_SET_LOCAL:
    case MF_STEP_DEL_ATTR:
    case MF_STEP_POP:
        mf_fields_stack_pop(s);
        break;
    default:
        s->depth = 0;
        break;
    }
    return 0;
}

int
mf_fields_stack_init(struct mf_fields_stack *s, PyObject *func)
{
    s->func = func;
    s->depth = 0;
    s->made = PyList_New(0);
    return s->made != NULL ? 0 : -1;
}

void
mf_fields_stack_clear(struct mf_fields_stack *s)
{
    s->depth = 0;
    Py_CLEAR(s->made);
}
