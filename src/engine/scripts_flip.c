/* scripts_flip.c -- owns the way of a script's changes, there and back. In: what
 * a committed script has changed. Out: the same written, or taken back; what
 * somebody has changed since is left alone. Writes by the log alone.
 */
#include "scripts.h"

#include "update.h"

#include "commit/redefine_data.h"
#include "commit/redefine_function.h"
#include "ground/compat.h"
#include "ground/fault.h"
#include "stage/effects_copy.h"

/* One part: (kind, holder, before, after, hashes before, hashes after). A dict
 * without hashes: what differs only, its keys are plain data. */
static int
contents_of(PyObject *items, PyObject *hashes, struct mf_contents *out)
{
    *out = (struct mf_contents){.items = Py_NewRef(items)};
    if (hashes == Py_None) {
        return 0;
    }
    size_t size = (size_t)PyBytes_GET_SIZE(hashes);
    out->hashes = mf_alloc(size + 1);
    if (out->hashes == NULL) {
        Py_CLEAR(out->items);
        PyErr_NoMemory();
        return -1;
    }
    memcpy(out->hashes, PyBytes_AS_STRING(hashes), size);
    return 0;
}

/* The value of a key among items (key, value, key ...), borrowed, or NULL. */
static PyObject *
value_in(PyObject *items, PyObject *key)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); i += 2) {
        if (PyTuple_GET_ITEM(items, i) == key) {
            return PyTuple_GET_ITEM(items, i + 1);
        }
    }
    return NULL;
}

static int
write_key(struct mf_undo *undo, int kind, PyObject *holder, PyObject *key,
          PyObject *value)
{
    return kind == MF_EFFECT_CLASS
               ? mf_undo_type_set(undo, (PyTypeObject *)holder, key, value)
           : kind == MF_EFFECT_SLOTS
               ? mf_redefine_data_attribute(undo, holder, key, value)
               : mf_undo_dict_set(undo, holder, key, value);
}

struct slot {
    const char *name;
    PyObject *value;
};

static int
find_slot(const char *name, PyObject **word, void *arg)
{
    struct slot *slot = arg;
    if (strcmp(name, slot->name) == 0) {
        slot->value = *word;
    }
    return 0;
}

/* What the holder has under this key now: borrowed, or NULL. */
static PyObject *
live_value(int kind, PyObject *holder, PyObject *key)
{
    if (kind == MF_EFFECT_SLOTS) {
        struct slot slot = {PyUnicode_AsUTF8(key), NULL};
        return slot.name && mf_effects_each_slot(holder, find_slot, &slot) == 0
                   ? slot.value
                   : NULL;
    }
    return PyDict_GetItemWithError(
        kind == MF_EFFECT_CLASS ? mf_compat_type_dict((PyTypeObject *)holder)
                                : holder,
        key);
}

/* Key by key; both sides have only what differs. The first time the script wins
 * over who has written meanwhile: somebody has just sent it. */
static int
flip_keys(struct mf_undo *undo, int kind, PyObject *holder, PyObject *from,
          PyObject *to, bool first, Py_ssize_t *left)
{
    for (int side = 0; side < 2; side++) {
        PyObject *keys = side == 0 ? to : from;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keys); i += 2) {
            PyObject *key = PyTuple_GET_ITEM(keys, i);
            PyObject *wanted = value_in(to, key);
            if (side == 1 && wanted != NULL) {
                continue; /* done */
            }
            PyObject *now = live_value(kind, holder, key);
            if (now == NULL && PyErr_Occurred()) {
                return -1;
            }
            if (now == wanted) {
                continue;
            }
            if (!first && now != value_in(from, key)) {
                ++*left;
                continue;
            }
            if (mf_fault_step() ||
                write_key(undo, kind, holder, key, wanted) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static PyObject *
container_of(int kind, PyObject *holder, const struct mf_contents *contents)
{
    switch (kind) {
    case MF_EFFECT_SET:
        return mf_effects_make_set(contents);
    case MF_EFFECT_DICT:
        return mf_effects_make_dict(contents, PyODict_Check(holder));
    case MF_EFFECT_CELL:
    case MF_EFFECT_STATE:
        return Py_NewRef(contents->items);
    default:
        return PySequence_List(contents->items);
    }
}

/* Whole contents: what they would be if `from` had never become `to`. */
static int
flip_contents(struct mf_undo *undo, int kind, PyObject *holder,
              struct mf_contents *from, struct mf_contents *to,
              Py_ssize_t *left)
{
    struct mf_effect effect = {.kind = (uint8_t)kind, .holder = holder,
                               .before = *to, .after = *from};
    struct mf_contents now = {0}, wanted = {0};
    PyObject *contents = NULL;
    int rc = mf_effects_read(kind, holder, &now) < 0 ||
                     mf_effects_undone(&effect, &now, NULL, NULL, &wanted) < 0
                 ? -1
                 : 0;
    bool same = rc == 0 && kind != MF_EFFECT_STATE &&
                mf_effects_same_items(now.items, wanted.items);
    if (same) {
        *left += !mf_effects_same_items(now.items, to->items);
    }
    else if (rc == 0) {
        contents = container_of(kind, holder, &wanted);
        rc = contents == NULL || mf_fault_step() ? -1 : 0;
    }
    if (rc == 0 && !same) {
        PyObject *value = kind != MF_EFFECT_CELL                 ? NULL
                          : PyTuple_GET_SIZE(wanted.items) == 0 ? NULL
                                : PyTuple_GET_ITEM(wanted.items, 0);
        rc = kind == MF_EFFECT_CELL
                 ? mf_redefine_data_cell(undo, holder, value)
             : kind == MF_EFFECT_STATE
                 ? mf_effects_put(kind, holder, &now, &wanted)
                 : mf_redefine_data_contents(undo, holder, contents);
    }
    if (rc == 0 && contents != NULL) {
        rc = mf_undo_keep(undo, contents);
    }
    Py_XDECREF(contents);
    mf_effects_contents_clear(&now);
    mf_effects_contents_clear(&wanted);
    return rc;
}

static int
flip_part(struct mf_undo *undo, PyObject *part, enum mf_script_way how,
          Py_ssize_t *left)
{
    int kind;
    PyObject *holder, *sides[2], *hashes[2];
    if (!PyArg_ParseTuple(part, "iOO!O!OO", &kind, &holder, &PyTuple_Type,
                          &sides[0], &PyTuple_Type, &sides[1], &hashes[0],
                          &hashes[1])) {
        return -1;
    }
    int at = how == MF_SCRIPT_BACK ? 1 : 0;
    PyObject *from = sides[at], *to = sides[1 - at];
    if (kind >= MF_EFFECT_SPACE ||
        (kind == MF_EFFECT_DICT && hashes[0] == Py_None)) {
        return flip_keys(undo, kind, holder, from, to, how == MF_SCRIPT_FIRST,
                         left);
    }
    struct mf_contents old = {0}, new = {0};
    int rc = contents_of(from, hashes[at], &old) < 0 ||
                     contents_of(to, hashes[1 - at], &new) < 0
                 ? -1
                 : flip_contents(undo, kind, holder, &old, &new, left);
    mf_effects_contents_clear(&old);
    mf_effects_contents_clear(&new);
    return rc;
}

/* Back: the last written first. */
int
mf_script_flip(struct mf_undo *undo, PyObject *script, enum mf_script_way how,
               Py_ssize_t *left)
{
    bool forward = how != MF_SCRIPT_BACK;
    PyObject *fixes = PyTuple_GET_ITEM(script, 0);
    PyObject *parts = PyTuple_GET_ITEM(script, 1);
    Py_ssize_t n = PyList_GET_SIZE(fixes), m = PyList_GET_SIZE(parts);
    int rc = mf_undo_reserve(undo, 2 * (size_t)n + 2 * (size_t)m + 8);
    for (Py_ssize_t i = 0; rc == 0 && !forward && i < m; i++) {
        rc = flip_part(undo, PyList_GET_ITEM(parts, m - 1 - i), how, left);
    }
    for (Py_ssize_t i = 0; rc == 0 && i < n; i++) {
        PyObject *fix = PyList_GET_ITEM(fixes, forward ? i : n - 1 - i);
        rc = mf_fault_step()
                 ? -1
                 : mf_redefine_function_apply(
                       undo, (PyFunctionObject *)PyTuple_GET_ITEM(fix, 0),
                       (PyFunctionObject *)PyTuple_GET_ITEM(fix, 1));
    }
    for (Py_ssize_t i = 0; rc == 0 && forward && i < m; i++) {
        rc = flip_part(undo, PyList_GET_ITEM(parts, i), how, left);
    }
    return rc;
}

/* What they have kept is of the other side. */
static int
clear_caches(PyObject *caches)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(caches); i++) {
        PyObject *done = PyObject_CallMethod(PyList_GET_ITEM(caches, i),
                                             "cache_clear", NULL);
        if (done == NULL) {
            return -1;
        }
        Py_DECREF(done);
    }
    return 0;
}

int
mf_script_note(struct mf_state *state, PyObject *script, bool forward)
{
    if (clear_caches(PyTuple_GET_ITEM(script, 2)) < 0) {
        return -1;
    }
    PyObject *fixes = PyTuple_GET_ITEM(script, 0);
    Py_ssize_t n = PyList_GET_SIZE(state->fixed);
    if (forward) {
        return PyList_SetSlice(state->fixed, n, n, fixes);
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(fixes); i++) {
        for (n = PyList_GET_SIZE(state->fixed); n > 0; n--) {
            if (PyList_GET_ITEM(state->fixed, n - 1) ==
                PyList_GET_ITEM(fixes, i)) {
                if (PyList_SetSlice(state->fixed, n - 1, n, NULL) < 0) {
                    return -1;
                }
                break;
            }
        }
    }
    return 0;
}
