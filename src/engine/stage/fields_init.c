/* fields_init.c -- reads an __init__.
 *
 * Owns the stores to self and the paths. In: a code object in the steps of
 * compat_fields.h. Out: attributes with their values.
 *
 * Two passes. The first keeps a stack of what is known (fields_stack.h) and
 * forgets all of it where paths meet; so it finds the stores and their
 * values. The second asks for each store whether every path to a return goes
 * through it.
 */
#include "fields_init.h"

#include "../ground/fault.h"
#include "fields_stack.h"

enum { NAME_SIZE_MIN = 5 };

struct store {
    PyObject *name;   /* borrowed from the code */
    struct mf_fields_value value;
    uint32_t step;
    size_t first;     /* index of the first store of the same statement: the
                         compiler may copy the end of a function */
    bool always;
};

struct reader {
    PyCodeObject *code;
    PyObject *func;                /* or NULL */
    struct mf_compat_step *steps;
    size_t count;
    bool *target;                  /* step -> paths meet here */
    bool *rebound;                 /* local -> bound anew somewhere */
    struct mf_fields_stack stack;
    struct store *stores;          /* room for one per step */
    size_t stored;
};

/* --- pass one: the stores and their values ------------------------------- */

static void
do_set_attr(struct reader *r, uint32_t index, PyObject *name)
{
    struct mf_fields_value owner = mf_fields_stack_pop(&r->stack);
    struct mf_fields_value value = mf_fields_stack_pop(&r->stack);
    if (owner.known != MF_KNOWN_LOCAL || owner.local != 0 || r->rebound[0]) {
        return;
    }
    if (value.known == MF_KNOWN_LOCAL && r->rebound[value.local]) {
        value.known = MF_KNOWN_NOT;
    }
    Py_ssize_t len = PyUnicode_GET_LENGTH(name);
    if (len >= NAME_SIZE_MIN && PyUnicode_READ_CHAR(name, 0) == '_' &&
        PyUnicode_READ_CHAR(name, 1) == '_' &&
        PyUnicode_READ_CHAR(name, len - 2) == '_' &&
        PyUnicode_READ_CHAR(name, len - 1) == '_') {
        return; /* __dict__, __class__: Python's, no field */
    }
    r->stores[r->stored++] =
        (struct store){.name = name, .value = value, .step = index};
}

/* Of two copies of one statement. Nothing but builtins and constants can be
 * in what is displayed, so repr runs no code of the program. */
static int
same_value(struct mf_fields_value a, struct mf_fields_value b)
{
    if (a.known != b.known || a.local != b.local || a.obj == b.obj) {
        return a.known == b.known && a.local == b.local;
    }
    if (a.known != MF_KNOWN_FRESH || Py_TYPE(a.obj) != Py_TYPE(b.obj)) {
        return 0;
    }
    PyObject *one = PyObject_Repr(a.obj), *other = PyObject_Repr(b.obj);
    int same = one != NULL && other != NULL
                   ? PyUnicode_Compare(one, other) == 0
                   : -1;
    Py_XDECREF(one);
    Py_XDECREF(other);
    return same;
}

struct position {
    int line, column, end_line, end_column;
};

static struct position
position_of(const struct reader *r, const struct store *store)
{
    struct position p = {0};
    int at = (int)(r->steps[store->step].at * 2); /* units have two bytes */
    PyCode_Addr2Location(r->code, at, &p.line, &p.column, &p.end_line,
                         &p.end_column);
    return p;
}

/* Puts copies together; where they store different values (`1 if a else 2`)
 * none is known. */
static int
join_copies(struct reader *r)
{
    for (size_t i = 0; i < r->stored; i++) {
        struct store *store = &r->stores[i];
        struct position own = position_of(r, store);
        store->first = i;
        for (size_t j = 0; j < i && store->first == i; j++) {
            struct store *before = &r->stores[j];
            if (before->name != store->name) {
                continue;
            }
            struct position other = position_of(r, before);
            if (memcmp(&own, &other, sizeof(own)) == 0) {
                store->first = before->first;
            }
        }
        if (store->first != i) {
            struct store *first = &r->stores[store->first];
            int same = same_value(first->value, store->value);
            if (same < 0) {
                return -1;
            }
            if (!same) {
                first->value.known = MF_KNOWN_NOT;
            }
            store->value = first->value;
        }
    }
    return 0;
}

static int
find_stores(struct reader *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct mf_compat_step *step = &r->steps[i];
        if (step->target != MF_STEP_NOWHERE) {
            r->target[step->target] = true;
        }
        if (step->handler != MF_STEP_NOWHERE) {
            r->target[step->handler] = true;
        }
        if (step->kind == MF_STEP_SET_LOCAL) {
            r->rebound[step->arg] = true;
        }
    }
    for (size_t i = 0; i < r->count; i++) {
        const struct mf_compat_step *step = &r->steps[i];
        if (r->target[i]) {
            mf_fields_stack_forget(&r->stack);
        }
        if (step->kind == MF_STEP_SET_ATTR) {
            do_set_attr(r, (uint32_t)i, step->obj);
        }
        else if (mf_fields_stack_step(&r->stack, step) < 0) {
            return -1;
        }
        if (step->flow != MF_FLOW_NEXT) {
            mf_fields_stack_forget(&r->stack);
        }
    }
    return join_copies(r);
}

/* --- pass two: the paths ------------------------------------------------- */

enum { WORD_BITS = 64 };

/* For each step the set of stores that every path to it goes through, as
 * bits. All ones: not reached yet. */
struct paths {
    const struct reader *reader;
    uint64_t *sets;
    uint64_t *after;  /* the set behind the step under work */
    size_t words;
    bool changed;
};

static uint64_t *
set_at(struct paths *p, size_t step)
{
    return p->sets + step * p->words;
}

static void
lead_to(struct paths *p, const uint64_t *set, size_t step)
{
    if (step >= p->reader->count) {
        return;
    }
    uint64_t *into = set_at(p, step);
    for (size_t i = 0; i < p->words; i++) {
        uint64_t both = into[i] & set[i];
        p->changed |= both != into[i];
        into[i] = both;
    }
}

/* Behind a store its bit is set; a `del` of the attribute clears the bits of
 * all stores to it, whatever object it is of. */
static void
go_through(struct paths *p, size_t index, size_t store)
{
    const struct reader *r = p->reader;
    const struct mf_compat_step *step = &r->steps[index];
    memcpy(p->after, set_at(p, index), p->words * sizeof(uint64_t));
    if (store < r->stored && r->stores[store].step == index) {
        size_t bit = r->stores[store].first;
        p->after[bit / WORD_BITS] |= UINT64_C(1) << (bit % WORD_BITS);
    }
    for (size_t i = 0;
         step->kind == MF_STEP_DEL_ATTR && i < r->stored; i++) {
        if (PyUnicode_Compare(r->stores[i].name, step->obj) == 0) {
            p->after[i / WORD_BITS] &= ~(UINT64_C(1) << (i % WORD_BITS));
        }
    }
    if (step->handler != MF_STEP_NOWHERE) {
        lead_to(p, set_at(p, index), step->handler);
    }
    if (step->target != MF_STEP_NOWHERE) {
        lead_to(p, p->after, step->target);
    }
    if (step->flow == MF_FLOW_NEXT || step->flow == MF_FLOW_BRANCH) {
        lead_to(p, p->after, index + 1);
    }
    else if (step->flow == MF_FLOW_RETURN) {
        lead_to(p, p->after, r->count - 1); /* the step that add_end() made */
    }
}

/* One more step, behind the last: every return leads to it. */
static void
add_end(struct reader *r)
{
    r->steps[r->count++] = (struct mf_compat_step){
        .kind = MF_STEP_NONE,
        .flow = MF_FLOW_RAISE,
        .target = MF_STEP_NOWHERE,
        .handler = MF_STEP_NOWHERE,
    };
}

static int
find_always(struct reader *r)
{
    struct paths p = {.reader = r,
                      .words = (r->stored + WORD_BITS - 1) / WORD_BITS};
    if (r->stored == 0) {
        return 0;
    }
    add_end(r);
    size_t size = r->count * p.words * sizeof(uint64_t);
    p.sets = mf_alloc(size);
    p.after = mf_alloc(p.words * sizeof(uint64_t));
    if (p.sets == NULL || p.after == NULL) {
        mf_free(p.sets);
        mf_free(p.after);
        PyErr_NoMemory();
        return -1;
    }
    memset(p.sets, 0xFF, size);
    memset(p.sets, 0, p.words * sizeof(uint64_t));
    do {
        p.changed = false;
        for (size_t i = 0, store = 0; i + 1 < r->count; i++) {
            while (store < r->stored && r->stores[store].step < i) {
                store++;
            }
            go_through(&p, i, store);
        }
    } while (p.changed);
    const uint64_t *end = set_at(&p, r->count - 1);
    for (size_t i = 0; i < r->stored; i++) {
        size_t bit = r->stores[i].first;
        r->stores[i].always = end[bit / WORD_BITS] >> (bit % WORD_BITS) & 1;
    }
    mf_free(p.sets);
    mf_free(p.after);
    return 0;
}

/* --- the answer ---------------------------------------------------------- */

/* Default of a parameter, borrowed, or NULL. */
static PyObject *
default_of(const struct reader *r, uint32_t local)
{
    if (r->func == NULL) {
        return NULL;
    }
    PyObject *defaults = PyFunction_GET_DEFAULTS(r->func);
    PyObject *kwdefaults = PyFunction_GET_KW_DEFAULTS(r->func);
    uint32_t args = (uint32_t)r->code->co_argcount;
    uint32_t kwargs = (uint32_t)r->code->co_kwonlyargcount;
    if (local < args) {
        uint32_t have = defaults != NULL && PyTuple_Check(defaults)
                            ? (uint32_t)PyTuple_GET_SIZE(defaults)
                            : 0;
        return have <= args && local >= args - have
                   ? PyTuple_GET_ITEM(defaults, local - (args - have))
                   : NULL;
    }
    if (local < args + kwargs && kwdefaults != NULL &&
        PyDict_Check(kwdefaults)) {
        PyObject *name = PyTuple_GET_ITEM(r->code->co_localsplusnames, local);
        PyObject *value = PyDict_GetItemWithError(kwdefaults, name);
        PyErr_Clear();
        return value;
    }
    return NULL;
}

static struct mf_field
field_of(const struct reader *r, const struct store *store)
{
    struct mf_field field = {.name = store->name, .how = MF_FIELD_UNSET};
    switch (store->value.known) {
    case MF_KNOWN_CONST:
        field.how = MF_FIELD_VALUE;
        field.value = store->value.obj;
        break;
    case MF_KNOWN_FRESH:
        field.how = MF_FIELD_COPY;
        field.value = store->value.obj;
        break;
    case MF_KNOWN_LOCAL:
        field.value = default_of(r, store->value.local);
        field.how = field.value != NULL ? MF_FIELD_DEFAULT : MF_FIELD_UNSET;
        break;
    default:
        break;
    }
    return field;
}

static int
tell(const struct reader *r,
     int (*found)(const struct mf_field *field, void *arg), void *arg)
{
    for (size_t i = 0; i < r->stored; i++) {
        PyObject *name = r->stores[i].name;
        bool first = true;
        const struct store *last = NULL;
        for (size_t j = 0; first && j < r->stored; j++) {
            if (PyUnicode_Compare(r->stores[j].name, name) == 0) {
                first = j >= i;
                last = r->stores[j].always ? &r->stores[j] : last;
            }
        }
        if (!first) {
            continue;
        }
        struct mf_field field = {.name = name, .how = MF_FIELD_UNSET};
        if (last != NULL) {
            field = field_of(r, &r->stores[last->first]);
        }
        if (found(&field, arg) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
reader_init(struct reader *r)
{
    if (mf_compat_fields_steps(r->code, &r->steps, &r->count) < 0) {
        return -1;
    }
    r->target = mf_alloc(r->count + 1);
    r->stores = mf_alloc((r->count + 1) * sizeof(*r->stores));
    /* Any argument of an instruction may be looked up in it. */
    uint32_t locals = 1;
    for (size_t i = 0; i < r->count; i++) {
        uint8_t kind = r->steps[i].kind;
        if ((kind == MF_STEP_LOCAL || kind == MF_STEP_SET_LOCAL) &&
            r->steps[i].arg >= locals) {
            locals = r->steps[i].arg + 1;
        }
    }
    r->rebound = mf_alloc(locals);
    if (r->target == NULL || r->stores == NULL || r->rebound == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return mf_fields_stack_init(&r->stack, r->func);
}

static void
reader_clear(struct reader *r)
{
    mf_free(r->steps);
    mf_free(r->target);
    mf_free(r->stores);
    mf_free(r->rebound);
    mf_fields_stack_clear(&r->stack);
}

int
mf_fields_init_read(PyCodeObject *code, PyObject *func,
                    int (*found)(const struct mf_field *field, void *arg),
                    void *arg)
{
    int suspends = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;
    if (code->co_argcount == 0 || (code->co_flags & suspends)) {
        return 0;
    }
    struct reader r = {
        .code = code,
        .func = func != NULL && PyFunction_Check(func) ? func : NULL,
    };
    int rc = reader_init(&r);
    if (rc < 0 && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
        reader_clear(&r);
        return 0;
    }
    if (rc == 0 && find_stores(&r) == 0 && find_always(&r) == 0) {
        rc = tell(&r, found, arg);
    }
    else {
        rc = -1;
    }
    reader_clear(&r);
    return rc;
}
