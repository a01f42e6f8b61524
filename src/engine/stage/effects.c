/* effects.c -- owns the copies of live holders while an update is staged. In:
 * code before it runs, the moment after. Out: differences, or holders as they
 * were. What it can reach: effects_reach; one holder: effects_copy,
 * effects_undone, effects_put; registrations: effects_settle.
 */
#include "effects.h"

#include "effects_about.h"
#include "effects_copy.h"
#include "effects_reach.h"

#include "../ground/compat.h"
#include "../ground/compat_names.h"
#include "../ground/fault.h"
#include "../ground/trace.h"

#include <time.h>

enum {
    MAX_COPIED = 2000000, /* items copied for one update */
    IDLE_NS = 3000        /* less than any thread needs to wake and run */
};

/* ---- copies ------------------------------------------------------------------ */

/* Slots and contents of one instance of a list subclass are two holders. */
static void *
key_of(int kind, PyObject *holder)
{
    return kind == MF_EFFECT_SLOTS ? (char *)holder + 1 : (char *)holder;
}

static Py_ssize_t
size_of(int kind, PyObject *holder)
{
    Py_ssize_t size = 0;
    if (kind == MF_EFFECT_CLASS) {
        return PyDict_GET_SIZE(
            mf_compat_type_dict((PyTypeObject *)holder));
    }
    if (kind == MF_EFFECT_STATE) {
        return mf_effects_state_size(holder);
    }
    return kind == MF_EFFECT_CELL || kind == MF_EFFECT_SLOTS ||
                   mf_effects_container(holder, &size) < 0
               ? 1
               : size;
}

static int
copy_holder(struct mf_effect *effect, Py_ssize_t size)
{
    effect->big = size >= MF_EFFECTS_BIG &&
                  (effect->kind <= MF_EFFECT_DEQUE ||
                   effect->kind == MF_EFFECT_SET ||
                   effect->kind == MF_EFFECT_DICT);
    return effect->big ? mf_effects_read_end(effect)
                       : mf_effects_read(effect->kind, effect->holder,
                                         &effect->before);
}

static Py_ssize_t
note_reached(struct mf_effects *effects, size_t index, PyObject *old)
{
    struct mf_effect *effect = &effects->items[index];
    if (old == NULL) {
        effect->ran = true;
        effect->step = effects->steps;
        return (Py_ssize_t)index;
    }
    effect->was = true;
    return mf_map_put(&effect->by, old, 1) < 0 ? -2 : (Py_ssize_t)index;
}

Py_ssize_t
mf_effects_add(struct mf_effects *effects, int kind, PyObject *holder,
               PyObject *name, PyObject *old)
{
    size_t known = (size_t)mf_map_get(&effects->seen, key_of(kind, holder));
    if (known != 0) {
        return note_reached(effects, known - 1, old);
    }
    Py_ssize_t size = size_of(kind, holder);
    if ((size < MF_EFFECTS_BIG || kind == MF_EFFECT_STATE) &&
        effects->copied + (size_t)size > MAX_COPIED) {
        MF_TRACE(1, "effects: too much to copy, a %s is not watched",
                 Py_TYPE(holder)->tp_name);
        return -1;
    }
    if (effects->len == effects->cap) {
        size_t cap = effects->cap ? effects->cap * 2 : 32;
        struct mf_effect *items =
            mf_realloc(effects->items, cap * sizeof(*items));
        if (items == NULL) {
            PyErr_NoMemory();
            return -2;
        }
        effects->items = items;
        effects->cap = cap;
    }
    struct mf_effect effect = {.kind = (uint8_t)kind, .holder = holder};
    if (copy_holder(&effect, size) < 0) {
        return -2;
    }
    if (mf_map_put(&effects->seen, key_of(kind, holder), effects->len + 1) <
        0) {
        mf_effects_contents_clear(&effect.before);
        return -2;
    }
    Py_INCREF(holder);
    effect.name = Py_XNewRef(name);
    effects->copied += effect.big ? MF_EFFECTS_TAIL : (size_t)size;
    effects->items[effects->len++] = effect;
    return note_reached(effects, effects->len - 1, old);
}

static void
exchange_contents(struct mf_contents *mine, struct mf_contents *with)
{
    struct mf_contents old = *mine;
    *mine = *with;
    *with = old;
}

/* Others may have written since the last step: their part is no effect. */
static int
follow_others(struct mf_effect *effect)
{
    struct mf_contents now, without;
    if (effect->big) {
        if (effect->after.items != NULL) {
            return 0;
        }
        Py_CLEAR(effect->before.items);
        return mf_effects_read_end(effect);
    }
    bool staged = effect->after.items != NULL;
    int same = mf_effects_same(effect->kind, effect->holder,
                               staged ? &effect->after : &effect->before);
    if (same != 0) {
        return same < 0 ? -1 : 0;
    }
    if (mf_effects_read(effect->kind, effect->holder, &now) < 0) {
        return -1;
    }
    if (!staged) {
        exchange_contents(&effect->before, &now);
    }
    else if (mf_effects_undone(effect, &now, NULL, NULL, &without) < 0) {
        mf_effects_contents_clear(&now);
        return -1;
    }
    else {
        exchange_contents(&effect->before, &without);
        exchange_contents(&effect->after, &now);
        mf_effects_contents_clear(&without);
    }
    mf_effects_contents_clear(&now);
    return 0;
}

/* ---- the others ----------------------------------------------------------------- */

/* CPU time that the process's other threads have used: what does not grow
 * while staged code runs proves that nobody else has written. */
static int64_t
nanoseconds(clockid_t clock)
{
    struct timespec at;
    return clock_gettime(clock, &at) != 0
               ? -1
               : (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static bool
others_cpu(int64_t *ns)
{
    for (int i = 0; i < 8; i++) {
        int64_t mine = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
        int64_t all = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
        int64_t then = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
        if (mine < 0 || all < 0) {
            return false;
        }
        *ns = all - mine;
        if (then - mine < IDLE_NS / 2) {
            break; /* no interrupt between the two */
        }
    }
    return true;
}

static bool
others_ran(const struct mf_effects *effects)
{
    int64_t now;
    return mf_compat_thread_count() > 1 &&
           (!others_cpu(&now) || now - effects->cpu > IDLE_NS);
}

/* ---- names -------------------------------------------------------------------- */

static int
note_written(enum mf_name_use use, PyObject *name, void *set)
{
    return use == MF_NAME_STORE || use == MF_NAME_DELETE ||
                   use == MF_NAME_SET_GLOBAL || use == MF_NAME_SET_ATTR
               ? PySet_Add(set, name)
               : 0;
}

/* Names that this kind of code writes, as attributes or globals: a new set. */
static int
read_written(const struct mf_effects *effects, enum mf_effects_code kind,
             PyObject **names)
{
    *names = PySet_New(NULL);
    struct mf_name_scan scan = {.use = note_written, .arg = *names};
    for (size_t i = 0; *names != NULL && i < effects->keep.len; i++) {
        PyCodeObject *code = effects->keep.items[i];
        if (PyCode_Check(code) &&
            (uintptr_t)mf_map_get(&effects->codes, code) == kind &&
            mf_compat_scan_names(code, &scan) < 0) {
            Py_CLEAR(*names);
        }
    }
    return *names ? 0 : -1;
}

/* ---- before and after a step ---------------------------------------------------- */

int
mf_effects_before(struct mf_effects *effects, PyObject *code,
                  PyObject *globals, PyObject *own)
{
    if (effects->open && mf_effects_after(effects) < 0) {
        return -1;
    }
    for (size_t i = 0; i < effects->len; i++) {
        if (follow_others(&effects->items[i]) < 0) {
            return -1;
        }
    }
    effects->steps++;
    if (mf_effects_reach(effects, code, globals, own, true) < 0) {
        return -1;
    }
    effects->open = true;
    others_cpu(&effects->cpu);
    return 0;
}

int
mf_effects_before_old(struct mf_effects *effects, PyObject *code,
                      PyObject *globals, PyObject *own)
{
    return mf_effects_reach(effects, code, globals, own, false);
}

int
mf_effects_watch(struct mf_effects *effects, PyObject *obj, int depth)
{
    return mf_effects_reach_object(effects, obj, depth);
}

int
mf_effects_calls(struct mf_effects *effects, PyObject *func,
                 PyObject *const *args, int count)
{
    int rc = PyFunction_Check(func)
                 ? mf_effects_reach(effects, PyFunction_GET_CODE(func),
                                    PyFunction_GET_GLOBALS(func), NULL, true)
                 : mf_effects_reach_object(effects, func, 0);
    for (int i = 0; rc == 0 && i < count; i++) {
        rc = mf_effects_reach_object(effects, args[i], 1);
    }
    return rc;
}

int
mf_effects_also(struct mf_effects *effects, int kind, PyObject *holder,
                struct mf_contents *contents)
{
    Py_ssize_t index = mf_effects_add(effects, kind, holder, NULL, NULL);
    if (index >= 0 && !effects->items[index].big) {
        exchange_contents(&effects->items[index].also, contents);
    }
    mf_effects_contents_clear(contents);
    return index == -2 ? -1 : 0;
}

int
mf_effects_changed(const struct mf_effect *effect)
{
    if (!effect->big) {
        int same = mf_effects_same(effect->kind, effect->holder,
                                   &effect->before);
        return same < 0 ? -1 : !same;
    }
    struct mf_contents added;
    if (mf_effects_read_added(effect, &added) < 0) {
        return -1;
    }
    int changed = PyTuple_GET_SIZE(added.items) > 0 ||
                  size_of(effect->kind, effect->holder) != effect->length;
    mf_effects_contents_clear(&added);
    return changed;
}

/* Which differences are staged code's when other threads have run beside it:
 * those with something staged in them, those made of the statement's own
 * strings, attributes that the statement itself stores. */
struct judge {
    struct mf_effects_homes homes; /* texts only */
    PyObject *names;               /* that the statements themselves store */
};

static bool
is_ours(void *arg, const struct mf_effect *effect, struct mf_entry entry)
{
    struct judge *judge = arg;
    if (mf_effects_has_staged(judge->homes.effects, entry)) {
        return true;
    }
    for (Py_ssize_t i = 0;
         effect->out != NULL && i < PyTuple_GET_SIZE(effect->out); i++) {
        if (PyTuple_GET_ITEM(effect->out, i) == entry.key) {
            return true;
        }
    }
    if (effect->kind >= MF_EFFECT_SPACE) {
        int known = PyUnicode_CheckExact(entry.key)
                        ? PySet_Contains(judge->names, entry.key)
                        : 0;
        PyErr_Clear();
        return known == 1;
    }
    return mf_effects_is_text(&judge->homes, entry, judge->homes.new_text);
}

/* What the others did since the last look is part of `before` and `after`. */
static int
give_others(struct mf_effect *effect, struct mf_contents *now,
            struct judge *judge)
{
    struct mf_contents theirs, without;
    struct mf_effect window = *effect;
    bool staged = effect->after.items != NULL;
    window.before = staged ? effect->after : effect->before;
    window.after = *now;
    if (mf_effects_undone(&window, now, is_ours, judge, &theirs) < 0) {
        return -1;
    }
    if (staged) { /* what earlier steps did is in there too */
        if (mf_effects_undone(effect, &theirs, NULL, NULL, &without) < 0) {
            mf_effects_contents_clear(&theirs);
            return -1;
        }
        exchange_contents(&theirs, &without);
        mf_effects_contents_clear(&without);
    }
    exchange_contents(&effect->before, &theirs);
    mf_effects_contents_clear(&theirs);
    return 0;
}

/* Of what was added at the end of a big one, only ours. */
static int
keep_ours(const struct mf_effect *effect, struct mf_contents *added,
          struct judge *judge)
{
    Py_ssize_t stride = mf_effects_stride(effect->kind), n = 0;
    Py_ssize_t count = mf_effects_count(added, stride);
    struct mf_entry *ours = mf_alloc(((size_t)count + 1) * sizeof(*ours));
    struct mf_contents packed;
    if (ours == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        ours[n] = mf_effects_entry(added, i, stride);
        n += is_ours(judge, effect, ours[n]);
    }
    int rc = mf_effects_pack(ours, n, stride, false, &packed);
    mf_free(ours);
    if (rc == 0) {
        exchange_contents(added, &packed);
        mf_effects_contents_clear(&packed);
    }
    return rc;
}

static int
read_after(struct mf_effect *effect, struct judge *judge)
{
    struct mf_contents now;
    int rc = 0;
    if (effect->big) {
        if (mf_effects_read_added(effect, &now) < 0 ||
            (judge != NULL && keep_ours(effect, &now, judge) < 0)) {
            mf_effects_contents_clear(&now);
            return -1;
        }
        if (PyTuple_GET_SIZE(now.items) == 0) {
            Py_CLEAR(now.items);
        }
    }
    else {
        int same = mf_effects_same(
            effect->kind, effect->holder,
            effect->after.items ? &effect->after : &effect->before);
        if (same != 0) {
            return same < 0 ? -1 : 0;
        }
        if (mf_effects_read(effect->kind, effect->holder, &now) < 0) {
            return -1;
        }
        rc = judge != NULL ? give_others(effect, &now, judge) : 0;
    }
    if (rc == 0) {
        exchange_contents(&effect->after, &now);
    }
    mf_effects_contents_clear(&now);
    return rc;
}

static int
read_all(struct mf_effects *effects)
{
    struct judge judge = {.homes = {.effects = effects}};
    bool contended = others_ran(effects);
    int rc = contended && (mf_effects_read_texts(&judge.homes) < 0 ||
                           read_written(effects, MF_CODE_STEP,
                                        &judge.names) < 0)
                 ? -1
                 : 0;
    for (size_t i = 0; rc == 0 && i < effects->len; i++) {
        rc = read_after(&effects->items[i], contended ? &judge : NULL);
        if (rc == 0) {
            Py_CLEAR(effects->items[i].out);
        }
    }
    mf_effects_homes_clear(&judge.homes);
    Py_XDECREF(judge.names);
    return rc;
}

int
mf_effects_after(struct mf_effects *effects)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    int rc = read_all(effects);
    effects->open = rc < 0; /* to be read again by whoever takes back */
    others_cpu(&effects->cpu);
    if (type != NULL) { /* the step failed: that is what counts */
        PyErr_Clear();
        PyErr_Restore(type, value, tb);
        return 0;
    }
    return rc;
}

/* ---- take back ------------------------------------------------------------------- */

static bool
may_be_written(void *arg, const struct mf_effect *effect,
               struct mf_entry entry)
{
    PyObject *machinery = arg;
    if (effect->kind < MF_EFFECT_SPACE || machinery == NULL ||
        !PyUnicode_CheckExact(entry.key)) {
        return true;
    }
    int known = PySet_Contains(machinery, entry.key);
    PyErr_Clear();
    return known != 1;
}

/* A module that an import of staged code has set in its package and that
 * stays loaded stays an attribute. */
static bool
is_import(PyObject *value)
{
    PyObject *dict =
        value != NULL && PyModule_Check(value) ? PyModule_GetDict(value) : NULL;
    PyObject *name = dict ? PyDict_GetItemString(dict, "__name__") : NULL;
    return name != NULL && PyUnicode_CheckExact(name) &&
           PyDict_GetItemWithError(PyImport_GetModuleDict(), name) == value;
}

static int
keep_imports(struct mf_effect *effect)
{
    struct mf_contents *before = &effect->before, *after = &effect->after;
    struct mf_map old = {0};
    int rc = mf_effects_place(&old, before, 2);
    for (Py_ssize_t i = 0; rc == 0 && i < mf_effects_count(after, 2); i++) {
        struct mf_entry entry = mf_effects_entry(after, i, 2);
        if (!mf_map_has(&old, entry.key) && is_import(entry.value)) {
            /* as if another value stood there now: it is left alone */
            Py_INCREF(Py_None);
            PyTuple_SetItem(after->items, 2 * i + 1, Py_None);
        }
    }
    mf_map_clear(&old);
    return rc;
}

static int
take_back_one(struct mf_effect *effect, PyObject *machinery)
{
    struct mf_contents now = {0}, wanted = {0};
    if (effect->kind == MF_EFFECT_SPACE && keep_imports(effect) < 0) {
        return -1;
    }
    int rc = mf_effects_read(effect->kind, effect->holder, &now);
    if (rc == 0) {
        rc = mf_effects_undone(
            effect, &now,
            effect->kind >= MF_EFFECT_SPACE ? may_be_written : NULL,
            machinery, &wanted);
    }
    if (rc == 0) {
        rc = mf_effects_put(effect->kind, effect->holder, &now, &wanted);
    }
    /* what others put there instead of staged values is held elsewhere; what
     * staged code left is in `after` until all is written: destructors last */
    mf_effects_contents_clear(&now);
    mf_effects_contents_clear(&wanted);
    return rc;
}

static void
take_back_all(struct mf_effects *effects, PyObject *machinery)
{
    for (size_t i = effects->len; i > 0; i--) {
        struct mf_effect *effect = &effects->items[i - 1];
        if (effect->after.items == NULL) {
            continue;
        }
        /* twice, since what failed for want of memory may go the next time;
         * what has been written is no difference any more */
        if (take_back_one(effect, machinery) < 0 &&
            (PyErr_Clear(), take_back_one(effect, machinery)) < 0) {
            MF_TRACE(1, "effects: a %s could not be taken back",
                     Py_TYPE(effect->holder)->tp_name);
            PyErr_Clear();
        }
        effect->done = true;
    }
}

void
mf_effects_take_back(struct mf_effects *effects)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    for (int i = 0; i < 2 && effects->open; i++) {
        mf_effects_after(effects);
        PyErr_Clear();
    }
    PyObject *machinery = NULL;
    if (read_written(effects, MF_CODE_MACHINERY, &machinery) < 0) {
        PyErr_Clear(); /* then every difference counts */
    }
    take_back_all(effects, machinery);
    Py_XDECREF(machinery);
    /* what went is dropped when all is written: destructors may come here */
    for (size_t i = 0; i < effects->len; i++) {
        struct mf_effect *effect = &effects->items[i];
        if (effect->done) {
            struct mf_contents after = effect->after;
            effect->after = (struct mf_contents){0};
            effect->done = false;
            mf_effects_contents_clear(&after);
        }
    }
    PyErr_Restore(type, value, tb);
}

void
mf_effects_clear(struct mf_effects *effects)
{
    struct mf_effects mine = *effects; /* destructors may come back here */
    memset(effects, 0, sizeof(*effects));
    for (size_t i = 0; i < mine.len; i++) {
        struct mf_effect *effect = &mine.items[i];
        mf_effects_contents_clear(&effect->before);
        mf_effects_contents_clear(&effect->after);
        mf_effects_contents_clear(&effect->also);
        mf_map_clear(&effect->by);
        Py_CLEAR(effect->out);
        Py_CLEAR(effect->name);
        Py_CLEAR(effect->holder);
    }
    mf_free(mine.items);
    mf_map_clear(&mine.seen);
    mf_map_clear(&mine.foreign);
    mf_map_clear(&mine.codes);
    mf_vec_clear_refs(&mine.keep);
}
