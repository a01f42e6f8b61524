/* effects.c -- owns the copies of live holders while an update is staged. In:
 * code before it runs, the moment after. Out: differences, or holders as they
 * were. What it can reach: effects_reach; one holder: effects_copy,
 * effects_undone, effects_put; registrations: effects_settle.
 */
#include "effects.h"

#include "effects_copy.h"
#include "effects_reach.h"

#include "../ground/compat.h"
#include "../ground/compat_names.h"
#include "../ground/fault.h"
#include "../ground/trace.h"

enum { MAX_COPIED = 2000000 }; /* items copied for one update */

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

Py_ssize_t
mf_effects_add(struct mf_effects *effects, int kind, PyObject *holder,
               PyObject *name, bool ran)
{
    size_t known = (size_t)mf_map_get(&effects->seen, key_of(kind, holder));
    if (known != 0) {
        effects->items[known - 1].ran |= ran;
        effects->items[known - 1].was |= !ran;
        return (Py_ssize_t)known - 1;
    }
    Py_ssize_t size = size_of(kind, holder);
    if (size < MF_EFFECTS_BIG &&
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
    struct mf_effect effect = {.kind = (uint8_t)kind, .ran = ran,
                               .was = !ran};
    effect.holder = holder;
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
    return (Py_ssize_t)effects->len - 1;
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

/* ---- before and after a step ---------------------------------------------------- */

int
mf_effects_before(struct mf_effects *effects, PyObject *code,
                  PyObject *globals)
{
    if (effects->open && mf_effects_after(effects) < 0) {
        return -1;
    }
    for (size_t i = 0; i < effects->len; i++) {
        if (follow_others(&effects->items[i]) < 0) {
            return -1;
        }
    }
    if (mf_effects_reach(effects, code, globals, true) < 0) {
        return -1;
    }
    effects->open = true;
    return 0;
}

int
mf_effects_before_old(struct mf_effects *effects, PyObject *code,
                      PyObject *globals)
{
    return mf_effects_reach(effects, code, globals, false);
}

int
mf_effects_watch(struct mf_effects *effects, PyObject *obj, int depth)
{
    return mf_effects_reach_object(effects, obj, depth);
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

static int
read_after(struct mf_effect *effect)
{
    struct mf_contents now;
    if (effect->big) {
        if (mf_effects_read_added(effect, &now) < 0) {
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
    }
    exchange_contents(&effect->after, &now);
    mf_effects_contents_clear(&now);
    return 0;
}

int
mf_effects_after(struct mf_effects *effects)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    int rc = 0;
    for (size_t i = 0; i < effects->len; i++) {
        if (read_after(&effects->items[i]) < 0) {
            rc = -1;
        }
    }
    effects->open = rc < 0; /* to be read again by whoever takes back */
    if (type != NULL) { /* the step failed: that is what counts */
        PyErr_Clear();
        PyErr_Restore(type, value, tb);
        return 0;
    }
    return rc;
}

/* ---- take back ------------------------------------------------------------------- */

/* Names that staged code can have written, as attributes or globals. */
struct written {
    PyObject *names; /* set */
    PyObject *machinery; /* set: by code of threads, connections ... */
    bool any;        /* through setattr, __dict__ and the like, or nobody
                        else is there who could have */
};

static int
note_written(enum mf_name_use use, PyObject *name, void *set)
{
    return use == MF_NAME_STORE || use == MF_NAME_DELETE ||
                   use == MF_NAME_SET_ATTR
               ? PySet_Add(set, name)
               : 0;
}

static bool
writes_by_text(PyCodeObject *code)
{
    static const char *const ways[] = {"setattr",     "delattr", "globals",
                                       "vars",        "exec",    "eval",
                                       "__setattr__", "__dict__"};
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_names); i++) {
        for (size_t k = 0; k < Py_ARRAY_LENGTH(ways); k++) {
            if (PyUnicode_CompareWithASCIIString(
                    PyTuple_GET_ITEM(code->co_names, i), ways[k]) == 0) {
                return true;
            }
        }
    }
    return false;
}

static int
read_written(const struct mf_effects *effects, struct written *written)
{
    written->names = PySet_New(NULL);
    written->machinery = PySet_New(NULL);
    written->any = mf_compat_thread_count() == 1;
    if (written->names == NULL || written->machinery == NULL) {
        return -1;
    }
    for (size_t i = 0; i < effects->keep.len; i++) {
        PyCodeObject *code = effects->keep.items[i];
        if (!PyCode_Check(code)) {
            continue;
        }
        bool machine = (enum mf_effects_code)(uintptr_t)mf_map_get(
                           &effects->codes, code) == MF_CODE_MACHINERY;
        struct mf_name_scan scan = {.use = note_written};
        scan.arg = machine ? written->machinery : written->names;
        written->any |= !machine && writes_by_text(code);
        if (mf_compat_scan_names(code, &scan) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool
may_be_written(void *arg, PyObject *name)
{
    struct written *written = arg;
    if (!PyUnicode_CheckExact(name) || written->names == NULL) {
        return true;
    }
    int machine = PySet_Contains(written->machinery, name);
    int may = written->any ? 1 : PySet_Contains(written->names, name);
    PyErr_Clear();
    return machine == 0 && may == 1;
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
take_back_one(struct mf_effects *effects, struct mf_effect *effect,
              struct written *written)
{
    struct mf_contents now = {0}, wanted = {0};
    if (effect->kind == MF_EFFECT_SPACE && keep_imports(effect) < 0) {
        return -1;
    }
    int rc = mf_effects_read(effect->kind, effect->holder, &now);
    if (rc == 0) {
        rc = mf_effects_undone(
            effect, &now,
            effect->kind >= MF_EFFECT_SPACE ? may_be_written : NULL, written,
            &wanted);
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
take_back_all(struct mf_effects *effects, struct written *written)
{
    for (size_t i = effects->len; i > 0; i--) {
        struct mf_effect *effect = &effects->items[i - 1];
        if (effect->after.items == NULL) {
            continue;
        }
        /* twice, since what failed for want of memory may go the next time;
         * what has been written is no difference any more */
        if (take_back_one(effects, effect, written) < 0 &&
            (PyErr_Clear(), take_back_one(effects, effect, written)) < 0) {
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
    struct written written = {NULL, NULL, false};
    if (read_written(effects, &written) < 0) {
        PyErr_Clear();
        Py_CLEAR(written.names); /* then all of it counts */
        Py_CLEAR(written.machinery);
    }
    take_back_all(effects, &written);
    Py_XDECREF(written.names);
    Py_XDECREF(written.machinery);
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
        Py_CLEAR(effect->name);
        Py_CLEAR(effect->holder);
    }
    mf_free(mine.items);
    mf_map_clear(&mine.seen);
    mf_map_clear(&mine.foreign);
    mf_map_clear(&mine.codes);
    mf_vec_clear_refs(&mine.keep);
}
