/* frames.c -- finds stragglers.
 *
 * Owns the question who runs old code. In: a set of code objects. Out: one
 * entry per code object and thread, one per code object for what is
 * suspended. Threads by public calls only; since the GIL is held and the
 * collector is off meanwhile, no thread state goes and no frame moves.
 */
#include "frames.h"

#include "../ground/compat_frames.h"
#include "../ground/fault.h"
#include "heap.h"

enum kind { FRAME, GENERATOR, COROUTINE, ASYNC_GENERATOR, KINDS };

static const char *const kind_names[KINDS] = {
    "frame", "generator", "coroutine", "async generator",
};

struct entry {
    PyCodeObject *code;       /* strong */
    unsigned long thread_id;
    enum kind kind;
    int line;
    int frames;
};

struct entries {
    const struct mf_map *codes;
    const struct mf_map *known; /* or NULL */
    const struct mf_map *moved; /* frames that do not count; or NULL */
    struct entry *items;
    size_t len, cap;
    struct mf_map index;      /* code -> index + 1; of one thread at a time */
};

static void
entries_clear(struct entries *all)
{
    for (size_t i = 0; i < all->len; i++) {
        Py_DECREF(all->items[i].code);
    }
    mf_free(all->items);
    mf_map_clear(&all->index);
}

static int
entries_add(struct entries *all, PyCodeObject *code, enum kind kind, int line,
            unsigned long thread_id)
{
    uintptr_t *at = mf_map_find(&all->index, code);
    if (at != NULL && *at != 0) {
        all->items[*at - 1].frames++;
        return 0;
    }
    if (all->len == all->cap) {
        size_t cap = all->cap != 0 ? 2 * all->cap : 8;
        struct entry *items =
            mf_realloc(all->items, cap * sizeof(struct entry));
        if (items == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        all->items = items;
        all->cap = cap;
    }
    if (mf_map_put(&all->index, code, all->len + 1) < 0) {
        return -1;
    }
    all->items[all->len++] = (struct entry){
        .code = (PyCodeObject *)Py_NewRef((PyObject *)code),
        .thread_id = thread_id,
        .kind = kind,
        .line = line,
        .frames = 1,
    };
    return 0;
}

/* Entries of another thread begin. */
static void
entries_next_thread(struct entries *all)
{
    for (size_t i = 0; i < all->len; i++) {
        uintptr_t *at = mf_map_find(&all->index, all->items[i].code);
        if (at != NULL) {
            *at = 0;
        }
    }
}

/* --- counting ------------------------------------------------------------ */

/* May something besides functions hold this code, as every frame does? Who
 * asks holds it, so one reference is no frame's. */
static bool
is_held(const struct entries *all, PyCodeObject *code)
{
    Py_ssize_t known = 1;
    if (all->known != NULL) {
        const uintptr_t *count = mf_map_find(all->known, code);
        known = count != NULL ? (Py_ssize_t)*count : 1;
    }
    return Py_REFCNT(code) > known;
}

static bool
can_suspend(PyCodeObject *code)
{
    return code->co_flags & (CO_GENERATOR | CO_COROUTINE |
                             CO_ITERABLE_COROUTINE | CO_ASYNC_GENERATOR);
}

static bool
any_held(const struct entries *all, bool suspended_only)
{
    size_t pos = 0;
    void *key;
    uintptr_t value;
    while (mf_map_next(all->codes, &pos, &key, &value)) {
        if (is_held(all, key) && (!suspended_only || can_suspend(key))) {
            return true;
        }
    }
    return false;
}

/* --- threads ------------------------------------------------------------- */

static bool
is_moved(const struct entries *all, void *frame)
{
    return all->moved != NULL && mf_map_has(all->moved, frame);
}

static int
look_at_thread(struct entries *all, PyThreadState *thread)
{
    unsigned long thread_id = mf_compat_frames_thread(thread);
    PyFrameObject *frame = PyThreadState_GetFrame(thread);
    int rc = 0;
    while (frame != NULL && rc == 0) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        if (mf_map_has(all->codes, code) &&
            !is_moved(all, mf_compat_frames_of(frame))) {
            rc = entries_add(all, code, FRAME, PyFrame_GetLineNumber(frame),
                             thread_id);
        }
        Py_DECREF(code);
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    return rc;
}

static int
look_at_threads(struct entries *all)
{
    PyThreadState *thread = PyInterpreterState_ThreadHead(
        PyInterpreterState_Get());
    for (; thread != NULL; thread = PyThreadState_Next(thread)) {
        entries_next_thread(all);
        if (look_at_thread(all, thread) < 0) {
            return -1;
        }
    }
    entries_next_thread(all);
    return 0;
}

/* --- what is suspended --------------------------------------------------- */

struct suspended {
    struct entries *all;
    struct mf_vec found;      /* strong */
};

static int
visit_suspended(PyObject *obj, void *arg)
{
    struct suspended *search = arg;
    PyCodeObject *code = mf_compat_frames_suspended(obj);
    if (code != NULL && mf_map_has(search->all->codes, code)) {
        return mf_vec_push_ref(&search->found, obj);
    }
    return 0;
}

static enum kind
kind_of(PyObject *obj)
{
    return PyCoro_CheckExact(obj)       ? COROUTINE
           : PyAsyncGen_CheckExact(obj) ? ASYNC_GENERATOR
                                        : GENERATOR;
}

static int
find_suspended(struct entries *all, struct mf_vec *found)
{
    struct suspended search = {.all = all};
    if (!any_held(all, true) || mf_heap_busy()) {
        return 0;
    }
    int rc = mf_heap_walk(visit_suspended, &search);
    *found = search.found;
    return rc;
}

static int
look_at_suspended(struct entries *all, const struct mf_vec *found)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < found->len; i++) {
        PyObject *obj = found->items[i];
        PyCodeObject *code = mf_compat_frames_suspended(obj);
        if (code != NULL && !is_moved(all, mf_compat_frames_in(obj))) {
            rc = entries_add(all, code, kind_of(obj),
                             mf_compat_frames_suspended_line(obj), 0);
        }
    }
    return rc;
}

/* --- the question -------------------------------------------------------- */

static int
tell(const struct entries *all, mf_frames_found found, void *arg)
{
    int rc = 0;
    for (size_t i = 0; i < all->len && rc == 0; i++) {
        const struct entry *entry = &all->items[i];
        PyObject *kind = PyUnicode_InternFromString(kind_names[entry->kind]);
        if (kind == NULL) {
            return -1;
        }
        rc = found(entry->code, entry->line, kind, entry->thread_id,
                   entry->frames, arg);
        Py_DECREF(kind);
    }
    return rc;
}

int
mf_frames_suspended(const struct mf_map *codes, const struct mf_map *known,
                    struct mf_vec *found, bool *runs)
{
    struct entries all = {.codes = codes, .known = known};
    *runs = !mf_compat_frames_count_code() || any_held(&all, false);
    return find_suspended(&all, found);
}

int
mf_frames_stragglers_beyond(const struct mf_map *codes,
                            const struct mf_frames_beyond *beyond,
                            mf_frames_found found, void *arg)
{
    if (codes->used == 0) {
        return 0;
    }
    struct entries all = {
        .codes = codes, .known = beyond->known, .moved = beyond->moved};
    struct mf_vec own = {0};
    int was_enabled = PyGC_Disable();
    int rc = all.known == NULL || any_held(&all, false)
                 ? look_at_threads(&all)
                 : 0;
    if (rc == 0 && beyond->suspended == NULL) {
        rc = find_suspended(&all, &own);
    }
    if (rc == 0) {
        rc = look_at_suspended(&all, beyond->suspended ? beyond->suspended
                                                       : &own);
    }
    if (was_enabled) {
        PyGC_Enable();
    }
    if (rc == 0) {
        rc = tell(&all, found, arg);
    }
    entries_clear(&all);
    mf_vec_clear_refs(&own);
    return rc;
}

int
mf_frames_stragglers(const struct mf_map *codes, mf_frames_found found,
                     void *arg)
{
    struct mf_frames_beyond beyond = {NULL, NULL, NULL};
    return mf_frames_stragglers_beyond(codes, &beyond, found, arg);
}

/* --- references ---------------------------------------------------------- */

int
mf_frames_add_running(struct mf_map *counts)
{
    if (!mf_compat_frames_count_code()) {
        return 0;
    }
    struct entries all = {.codes = counts};
    int was_enabled = PyGC_Disable();
    int rc = look_at_threads(&all);
    if (was_enabled) {
        PyGC_Enable();
    }
    for (size_t i = 0; i < all.len && rc == 0; i++) {
        *mf_map_find(counts, all.items[i].code) +=
            (uintptr_t)all.items[i].frames;
    }
    entries_clear(&all);
    return rc;
}

/* --- modules ------------------------------------------------------------- */

static bool
is_module_frame(PyFrameObject *frame, PyObject *dict, PyObject *path)
{
    PyCodeObject *code = PyFrame_GetCode(frame);
    PyObject *globals = PyFrame_GetGlobals(frame);
    bool yes = globals == dict && !(code->co_flags & CO_OPTIMIZED) &&
               PyUnicode_Compare(code->co_filename, path) == 0 &&
               PyUnicode_CompareWithASCIIString(code->co_name, "<module>") ==
                   0;
    Py_DECREF(globals);
    Py_DECREF(code);
    return yes;
}

PyFrameObject *
mf_frames_of_module(PyObject *dict, PyObject *path)
{
    PyThreadState *thread = PyInterpreterState_ThreadHead(
        PyInterpreterState_Get());
    for (; thread != NULL; thread = PyThreadState_Next(thread)) {
        PyFrameObject *frame = PyThreadState_GetFrame(thread);
        while (frame != NULL && !is_module_frame(frame, dict, path)) {
            PyFrameObject *back = PyFrame_GetBack(frame);
            Py_DECREF(frame);
            frame = back;
        }
        if (frame != NULL) {
            return frame;
        }
    }
    return NULL;
}

/* --- stacks -------------------------------------------------------------- */

static PyFrameObject *
frame_of_thread(unsigned long thread_id)
{
    PyThreadState *thread = PyInterpreterState_ThreadHead(
        PyInterpreterState_Get());
    for (; thread != NULL; thread = PyThreadState_Next(thread)) {
        if (mf_compat_frames_thread(thread) == thread_id) {
            return PyThreadState_GetFrame(thread);
        }
    }
    return NULL;
}

bool
mf_frames_any(PyThreadState *thread, mf_frames_fits fits, void *arg)
{
    PyFrameObject *frame = PyThreadState_GetFrame(thread);
    bool found = false;
    while (frame != NULL) {
        found = found || fits(frame, arg);
        PyFrameObject *back = found ? NULL : PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    return found;
}

PyObject *
mf_frames_stack(unsigned long thread_id, Py_ssize_t limit)
{
    PyObject *stack = PyList_New(0);
    if (stack == NULL) {
        return NULL;
    }
    int was_enabled = PyGC_Disable();
    PyFrameObject *frame = thread_id != 0 ? frame_of_thread(thread_id) : NULL;
    while (frame != NULL && PyList_GET_SIZE(stack) < limit) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        PyObject *text = PyUnicode_FromFormat(
            "%U:%d in %U", code->co_filename, PyFrame_GetLineNumber(frame),
            code->co_qualname);
        Py_DECREF(code);
        int rc = text != NULL ? PyList_Append(stack, text) : -1;
        Py_XDECREF(text);
        PyFrameObject *back = rc == 0 ? PyFrame_GetBack(frame) : NULL;
        Py_DECREF(frame);
        frame = back;
        if (rc < 0) {
            Py_CLEAR(stack);
            break;
        }
    }
    Py_XDECREF(frame);
    if (was_enabled) {
        PyGC_Enable();
    }
    return stack;
}
