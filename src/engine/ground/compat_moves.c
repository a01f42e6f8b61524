/* compat_moves.c -- owns the writes to frames that wait. In: a frame, a code
 * object, a place in it. Out: the frame goes on there; or as it was.
 *
 * All of a frame is in memory when it is suspended in a generator, or waits
 * for a call of a Python function that runs in the same evaluation loop: the
 * loop reads everything again when that returns.
 */
#include "compat_31x.h"

#include "compat_moves.h"
#include "fault.h"

#if PY_VERSION_HEX >= 0x030E0000
typedef _PyStackRef word_t;
#define CODE_OF(f) \
    ((PyCodeObject *)PyStackRef_AsPyObjectBorrow((f)->f_executable))
#define FUNC_OF(f) (PyStackRef_AsPyObjectBorrow((f)->f_funcobj))
#define IS_NULL(word) PyStackRef_IsNull(word)
#define NO_WORD PyStackRef_NULL
#define NEW_WORD(obj) PyStackRef_FromPyObjectNew(obj)
#define CLOSE(word) PyStackRef_XCLOSE(word)
#else
typedef PyObject *word_t;
#if PY_VERSION_HEX >= 0x030D0000
#define CODE_OF(f) ((PyCodeObject *)(f)->f_executable)
#define FUNC_OF(f) ((PyObject *)(f)->f_funcobj)
#elif PY_VERSION_HEX >= 0x030C0000
#define CODE_OF(f) ((f)->f_code)
#define FUNC_OF(f) ((PyObject *)(f)->f_funcobj)
#else
#define CODE_OF(f) ((f)->f_code)
#define FUNC_OF(f) ((PyObject *)(f)->f_func)
#endif
#define IS_NULL(word) ((word) == NULL)
#define NO_WORD NULL
#define NEW_WORD(obj) Py_NewRef(obj)
#define CLOSE(word) Py_XDECREF(word)
#endif
#if PY_VERSION_HEX >= 0x030D0000
#define AT(f) ((f)->instr_ptr)
#else
#define AT(f) ((f)->prev_instr)
#endif

/* The words that a move changes, besides locals and stack. */
struct head {
#if PY_VERSION_HEX >= 0x030E0000
    _PyStackRef code, *top;
#else
    PyObject *code;
    int top;
#endif
    _Py_CODEUNIT *at;
    PyObject *globals, *builtins;
    int return_offset;
};

struct image {
    struct head head;
    word_t words[];
};

static int
depth_of(_PyInterpreterFrame *frame)
{
    int locals = CODE_OF(frame)->co_nlocalsplus;
#if PY_VERSION_HEX >= 0x030E0000
    return frame->stackpointer != NULL
               ? (int)(frame->stackpointer - frame->localsplus) - locals
               : -1;
#else
    return frame->stacktop >= 0 ? frame->stacktop - locals : -1;
#endif
}

/* --- finding ------------------------------------------------------------- */

static struct mf_compat_place
place_of(_PyInterpreterFrame *frame, PyObject *owner)
{
    PyCodeObject *code = CODE_OF(frame);
    return (struct mf_compat_place){
        .frame = frame,
        .owner = owner,
        .code = code,
        .func = FUNC_OF(frame),
        .unit = (int)(AT(frame) - _PyCode_CODE(code)),
        .depth = depth_of(frame),
        .begun = true,
    };
}

bool
mf_compat_moves_suspended(PyObject *gen, struct mf_compat_place *place)
{
    if (!PyGen_CheckExact(gen) && !PyCoro_CheckExact(gen) &&
        !PyAsyncGen_CheckExact(gen)) {
        return false;
    }
    PyGenObject *self = (PyGenObject *)gen;
    if (self->gi_frame_state >= FRAME_EXECUTING) {
        return false;
    }
    *place = place_of((_PyInterpreterFrame *)&self->gi_iframe, gen);
    place->begun = self->gi_frame_state != FRAME_CREATED;
    place->still = true;
    return true;
}

static bool
is_for_c_code(_PyInterpreterFrame *frame)
{
    return frame->owner > FRAME_OWNED_BY_FRAME_OBJECT;
}

/* The frame runs in the same evaluation loop as the one that called it. */
static bool
is_inlined(_PyInterpreterFrame *frame)
{
#if PY_VERSION_HEX >= 0x030C0000
    return !is_for_c_code(frame);
#else
    return !frame->is_entry;
#endif
}

static PyObject *
owner_of(_PyInterpreterFrame *frame)
{
    return frame->owner == FRAME_OWNED_BY_GENERATOR
               ? (PyObject *)((char *)frame -
                              offsetof(PyGenObject, gi_iframe))
               : NULL;
}

int
mf_compat_moves_running(int (*found)(const struct mf_compat_place *place,
                                     void *arg),
                        void *arg)
{
    PyThreadState *thread =
        PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    for (; thread != NULL; thread = PyThreadState_Next(thread)) {
        bool still = false;
        _PyInterpreterFrame *frame = mf_compat_innermost(thread);
        for (; frame != NULL; frame = frame->previous) {
            if (!is_for_c_code(frame)) {
                struct mf_compat_place place =
                    place_of(frame, owner_of(frame));
                place.still = still && place.depth >= 0;
                int rc = found(&place, arg);
                if (rc != 0) {
                    return rc;
                }
            }
            still = is_inlined(frame);
        }
    }
    return 0;
}

bool
mf_compat_moves_innermost(struct mf_compat_place *place)
{
    _PyInterpreterFrame *frame = mf_compat_innermost(PyThreadState_Get());
    if (frame == NULL || is_for_c_code(frame)) {
        return false;
    }
    *place = place_of(frame, owner_of(frame));
    return true;
}

bool
mf_compat_moves_bound(const struct mf_compat_place *place, int local)
{
    _PyInterpreterFrame *frame = place->frame;
    return !IS_NULL(frame->localsplus[local]);
}

#if PY_VERSION_HEX >= 0x030E0000
#define OBJECT_OF(word) PyStackRef_AsPyObjectBorrow(word)
#else
#define OBJECT_OF(word) (word)
#endif

Py_ssize_t
mf_compat_moves_cell_holders(const struct mf_compat_place *place, int local)
{
    _PyInterpreterFrame *frame = place->frame;
    PyObject *cell = OBJECT_OF(frame->localsplus[local]);
    return PyCell_Check(cell) ? Py_REFCNT(cell) - 1 : PY_SSIZE_T_MAX;
}

int
mf_compat_moves_count_cell(const struct mf_compat_place *place, int local,
                           PyObject *closure)
{
    _PyInterpreterFrame *frame = place->frame;
    PyObject *cell = OBJECT_OF(frame->localsplus[local]);
    int count = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(closure); i++) {
        count += PyTuple_GET_ITEM(closure, i) == cell;
    }
    return count;
}

bool
mf_compat_moves_captures(const struct mf_compat_place *place, int by,
                         int local)
{
    _PyInterpreterFrame *frame = place->frame;
    if (IS_NULL(frame->localsplus[by])) {
        return false;
    }
    PyFunctionObject *func =
        (PyFunctionObject *)OBJECT_OF(frame->localsplus[by]);
    return PyFunction_Check(func) && Py_REFCNT(func) == 1 &&
           func->func_closure != NULL && Py_REFCNT(func->func_closure) == 1 &&
           mf_compat_moves_count_cell(place, local, func->func_closure) == 1;
}

bool
mf_compat_moves_jit(void)
{
    PyObject *jit = PySys_GetObject("_jit"); /* borrowed */
    PyObject *enabled =
        jit != NULL ? PyObject_CallMethod(jit, "is_enabled", NULL) : NULL;
    bool yes = jit != NULL && enabled != Py_False;
    Py_XDECREF(enabled);
    PyErr_Clear();
    return yes;
}

bool
mf_compat_can_move_at_line(void)
{
    return PY_VERSION_HEX >= 0x030C0000;
}

/* --- room ---------------------------------------------------------------- */

int
mf_compat_moves_room(PyCodeObject *code)
{
    return code->co_nlocalsplus + code->co_stacksize;
}

void
mf_compat_moves_grow(PyCodeObject *code, int room)
{
    int more = room - mf_compat_moves_room(code);
    if (more > 0) {
        code->co_stacksize += more;
#if PY_VERSION_HEX >= 0x030C0000
        code->co_framesize += more;
#endif
    }
}

bool
mf_compat_moves_make_room(const struct mf_compat_place *place,
                          PyCodeObject *code)
{
    int have = mf_compat_moves_room(place->code);
    int need = mf_compat_moves_room(code);
    if (place->owner != NULL || need == have) {
        return need <= have;
    }
    PyThreadState *thread = PyThreadState_Get();
    _PyInterpreterFrame *frame = place->frame;
    char *top = (char *)(frame->localsplus + have);
    char *new_top = (char *)(frame->localsplus + need);
    if (frame->owner != FRAME_OWNED_BY_THREAD ||
        (char *)thread->datastack_top != top ||
        new_top >= (char *)thread->datastack_limit) {
        return false;
    }
    thread->datastack_top = (void *)new_top;
    return true;
}

enum { SPARE = 8 }; /* a few locals, or arguments of a call */

static bool
waits_long(PyCodeObject *code)
{
    if (code->co_flags & (CO_GENERATOR | CO_COROUTINE |
                          CO_ITERABLE_COROUTINE | CO_ASYNC_GENERATOR)) {
        return true;
    }
    const _Py_CODEUNIT *units = _PyCode_CODE(code);
    for (Py_ssize_t i = 0; i < Py_SIZE(code); i++) {
        if (_Py_OPCODE(units[i]) == JUMP_BACKWARD) {
            return true;
        }
    }
    return false;
}

void
mf_compat_moves_spare(PyCodeObject *code)
{
    if (waits_long(code)) {
        mf_compat_moves_grow(code, mf_compat_moves_room(code) + SPARE);
    }
}

void
mf_compat_moves_widen(PyCodeObject *module_code)
{
    PyObject *consts = module_code->co_consts;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(consts, i);
        /* A frame has a function, and that holds its code. */
        if (PyCode_Check(item) && Py_REFCNT(item) == 1) {
            mf_compat_moves_spare((PyCodeObject *)item);
            mf_compat_moves_widen((PyCodeObject *)item);
        }
    }
}

/* --- moving -------------------------------------------------------------- */

int
mf_compat_moves_prepare(struct mf_compat_move *move, const int *slots,
                        const int *across)
{
    int locals = move->code->co_nlocalsplus;
    move->image_words = move->from.code->co_nlocalsplus + move->from.depth;
    move->slots = mf_alloc((size_t)(locals + 1) * sizeof(*move->slots));
    move->across = mf_alloc((size_t)(locals + 1) * sizeof(*move->across));
    move->cells = mf_alloc((size_t)(locals + 1) * sizeof(*move->cells));
    move->image = mf_alloc(sizeof(struct image) +
                           (size_t)move->image_words * sizeof(word_t));
    for (int i = 0; move->cells != NULL && i < locals; i++) {
        move->cells[i] = NULL;
    }
    if (move->slots == NULL || move->across == NULL || move->cells == NULL ||
        move->image == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(move->slots, slots, (size_t)locals * sizeof(*slots));
    memcpy(move->across, across, (size_t)locals * sizeof(*across));
    return 0;
}

bool
mf_compat_moves_holds(const struct mf_compat_move *move)
{
    _PyInterpreterFrame *frame = move->from.frame;
    return CODE_OF(frame) == move->from.code &&
           (int)(AT(frame) - _PyCode_CODE(move->from.code)) ==
               move->from.unit &&
           depth_of(frame) == move->from.depth;
}

static void
set_top(_PyInterpreterFrame *frame, int words)
{
#if PY_VERSION_HEX >= 0x030E0000
    frame->stackpointer = frame->localsplus + words;
#else
    frame->stacktop = words;
#endif
}

static struct head
head_of(_PyInterpreterFrame *frame)
{
    return (struct head){
#if PY_VERSION_HEX >= 0x030E0000
        .code = frame->f_executable,
        .top = frame->stackpointer,
#elif PY_VERSION_HEX >= 0x030D0000
        .code = frame->f_executable,
        .top = frame->stacktop,
#else
        .code = (PyObject *)frame->f_code,
        .top = frame->stacktop,
#endif
        .at = AT(frame),
        .globals = frame->f_globals,
        .builtins = frame->f_builtins,
#if PY_VERSION_HEX >= 0x030C0000
        .return_offset = frame->return_offset,
#endif
    };
}

static void
set_code(_PyInterpreterFrame *frame, PyObject *owner, PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030E0000
    frame->f_executable = PyStackRef_FromPyObjectNew((PyObject *)code);
#elif PY_VERSION_HEX >= 0x030D0000
    frame->f_executable = Py_NewRef((PyObject *)code);
#else
    frame->f_code = (PyCodeObject *)Py_NewRef((PyObject *)code);
#endif
#if PY_VERSION_HEX < 0x030C0000
    if (owner != NULL) { /* a generator keeps it, too */
        Py_SETREF(((PyGenObject *)owner)->gi_code,
                  (PyCodeObject *)Py_NewRef((PyObject *)code));
    }
#else
    (void)owner;
#endif
}

/* A word of the stack that borrows from a local (3.14+) holds from now on. */
static word_t
held(word_t word)
{
#if PY_VERSION_HEX >= 0x030E0000
    return PyStackRef_IsTaggedInt(word) ? word
                                        : PyStackRef_MakeHeapSafe(word);
#else
    return word;
#endif
}

/* What a local of the new code begins with that is no old one as it stands.
 * The old word keeps its reference until the move is cleared. */
static word_t
first_word(const struct mf_compat_move *move, int i)
{
    const struct image *image = move->image;
    PyObject *cell = move->cells[i], *value = NULL;
    if (move->across[i] >= 0 && !IS_NULL(image->words[move->across[i]])) {
        value = OBJECT_OF(image->words[move->across[i]]);
    }
    if (cell != NULL) {
        if (value != NULL) {
            PyCell_SET(cell, Py_NewRef(value));
        }
        return NEW_WORD(cell);
    }
    value = value != NULL ? PyCell_GET(value) : NULL;
    return value != NULL ? NEW_WORD(value) : NO_WORD;
}

void
mf_compat_moves_apply(struct mf_compat_move *move)
{
    _PyInterpreterFrame *frame = move->from.frame;
    struct image *image = move->image;
    PyCodeObject *old = move->from.code, *code = move->code;
    int old_locals = old->co_nlocalsplus, locals = code->co_nlocalsplus;
    int depth = move->from.depth;
    image->head = head_of(frame);
    memcpy(image->words, frame->localsplus,
           (size_t)move->image_words * sizeof(word_t));
    move->old_code = Py_NewRef((PyObject *)old);
    move->applied = true;
    for (int i = 0; i < locals; i++) {
        frame->localsplus[i] = move->slots[i] >= 0
                                   ? image->words[move->slots[i]]
                                   : first_word(move, i);
    }
    for (int i = 0; i < depth; i++) {
        frame->localsplus[locals + i] = held(image->words[old_locals + i]);
    }
    set_code(frame, move->from.owner, code);
    set_top(frame, locals + depth);
    AT(frame) = _PyCode_CODE(code) + move->unit;
    PyFunctionObject *func = (PyFunctionObject *)move->from.func;
    frame->f_globals = func->func_globals;
    frame->f_builtins = func->func_builtins;
#if PY_VERSION_HEX >= 0x030C0000
    frame->return_offset =
        (uint16_t)(frame->return_offset + move->by_arg);
#endif
}

void
mf_compat_moves_back(struct mf_compat_move *move)
{
    _PyInterpreterFrame *frame = move->from.frame;
    struct image *image = move->image;
    int locals = move->code->co_nlocalsplus;
    int old_locals = move->from.code->co_nlocalsplus;
    for (int i = 0; i < locals; i++) {
        if (move->slots[i] < 0) {
            CLOSE(frame->localsplus[i]); /* others hold it, too */
        }
    }
#if PY_VERSION_HEX >= 0x030E0000
    for (int i = 0; i < move->from.depth; i++) {
        if (frame->localsplus[locals + i].bits !=
            image->words[old_locals + i].bits) {
            CLOSE(frame->localsplus[locals + i]);
        }
    }
#else
    (void)old_locals;
#endif
    memcpy(frame->localsplus, image->words,
           (size_t)move->image_words * sizeof(word_t));
    set_code(frame, move->from.owner, move->from.code);
    struct head now = head_of(frame);
#if PY_VERSION_HEX >= 0x030E0000
    frame->f_executable = image->head.code;
    frame->stackpointer = image->head.top;
    PyStackRef_CLOSE(now.code);
#else
    frame->stacktop = image->head.top;
    Py_DECREF(now.code); /* the one that the frame had comes back */
#endif
    /* The reference to the new code that the frame had. */
    Py_DECREF(move->code);
    AT(frame) = image->head.at;
    frame->f_globals = image->head.globals;
    frame->f_builtins = image->head.builtins;
#if PY_VERSION_HEX >= 0x030C0000
    frame->return_offset = (uint16_t)image->head.return_offset;
#endif
    Py_CLEAR(move->old_code);
    move->applied = false;
}

/* Old locals that no new one is. */
static void
drop_rest(struct mf_compat_move *move)
{
    struct image *image = move->image;
    int old_locals = ((PyCodeObject *)move->old_code)->co_nlocalsplus;
    for (int i = 0; i < move->code->co_nlocalsplus; i++) {
        if (move->slots[i] >= 0) {
            image->words[move->slots[i]] = NO_WORD;
        }
    }
    for (int i = 0; i < old_locals; i++) {
        CLOSE(image->words[i]);
    }
    CLOSE(image->head.code);
}

void
mf_compat_moves_clear(struct mf_compat_move *move)
{
    if (move->applied) {
        drop_rest(move);
    }
    for (int i = 0; move->cells != NULL && i < move->code->co_nlocalsplus;
         i++) {
        Py_XDECREF(move->cells[i]);
    }
    mf_free(move->slots);
    mf_free(move->across);
    mf_free(move->cells);
    mf_free(move->image);
    Py_CLEAR(move->old_code);
    Py_CLEAR(move->code);
    memset(move, 0, sizeof(*move));
}
