/* merge_twins.c -- owns what statements that ran again have registered in what
 * they made for themselves. In: a value that stays (a member, an attribute of
 * a function), and the one that the statement has made in its place. Out: for
 * every container of the one that stays, what stands in its twin and was made
 * by this update: settled as if it had been registered there (effects_settle).
 *
 * A member that was not edited stays with all its state (the registry of a
 * singledispatchmethod, a table that a decorator in the class body fills);
 * but what runs with it registers in the twin, which nobody keeps.
 */
#include "merge_parts.h"

#include "../ground/fault.h"
#include "effects_copy.h"

enum { DEEPEST = 8, MOST_PARTS = 16 };

struct twins {
    struct mf_merge *merge;
    struct mf_map seen; /* fresh objects */
};

static int pair(struct twins *twins, PyObject *live, PyObject *fresh,
                int depth);

/* ---- containers ---------------------------------------------------------------- */

/* Has this update made it, or made it again? */
static bool
is_made(struct mf_match *match, PyObject *item, int depth)
{
    for (Py_ssize_t i = 0; PyTuple_Check(item) && depth < DEEPEST &&
                           i < PyTuple_GET_SIZE(item);
         i++) {
        if (is_made(match, PyTuple_GET_ITEM(item, i), depth + 1)) {
            return true;
        }
    }
    if (PyWeakref_CheckRefExact(item)) {
        PyObject *to = ((PyWeakReference *)item)->wr_object;
        return to != Py_None && Py_REFCNT(to) > 0 &&
               is_made(match, to, DEEPEST);
    }
    return (PyFunction_Check(item) || PyType_Check(item)) &&
           (mf_match_is_fresh(match, item) ||
            mf_match_of_old(match, item) != NULL);
}

static int
pair_containers(struct twins *twins, int kind, PyObject *live,
                PyObject *fresh)
{
    struct mf_match *match = twins->merge->match;
    struct mf_contents all, made;
    Py_ssize_t stride = mf_effects_stride(kind), n = 0;
    if (mf_effects_read(kind, fresh, &all) < 0) {
        return -1;
    }
    Py_ssize_t count = mf_effects_count(&all, stride);
    struct mf_entry *entries = mf_alloc(((size_t)count + 1) * sizeof(*entries));
    int rc = -1;
    if (entries == NULL) {
        PyErr_NoMemory();
        goto release_all;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        entries[n] = mf_effects_entry(&all, i, stride);
        n += is_made(match, entries[n].key, 0) ||
             (entries[n].value != NULL &&
              is_made(match, entries[n].value, 0));
    }
    rc = n == 0 ? 0
                : mf_effects_pack(entries, n, stride, all.hashes != NULL,
                                  &made);
    if (rc == 0 && n > 0) {
        rc = mf_effects_also(&twins->merge->stage->effects, kind, live, &made);
    }
    mf_free(entries);
release_all:
    mf_effects_contents_clear(&all);
    return rc;
}

/* ---- what holds them ------------------------------------------------------------ */

static int
pair_dicts(struct twins *twins, PyObject *live, PyObject *fresh, int depth)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (live != NULL && fresh != NULL &&
           PyDict_Next(fresh, &pos, &key, &value)) {
        PyObject *other = PyUnicode_CheckExact(key)
                              ? PyDict_GetItemWithError(live, key)
                              : NULL;
        if (PyErr_Occurred() ||
            (other != NULL && pair(twins, other, value, depth) < 0)) {
            return -1;
        }
    }
    return 0;
}

static int
pair_functions(struct twins *twins, PyFunctionObject *live,
               PyFunctionObject *fresh, int depth)
{
    if (live->func_closure != NULL && fresh->func_closure != NULL &&
        live->func_code == fresh->func_code) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(live->func_closure); i++) {
            PyObject *a = PyCell_GET(PyTuple_GET_ITEM(live->func_closure, i));
            PyObject *b = PyCell_GET(PyTuple_GET_ITEM(fresh->func_closure, i));
            if (a != NULL && b != NULL && pair(twins, a, b, depth) < 0) {
                return -1;
            }
        }
    }
    return pair_dicts(twins, live->func_dict, fresh->func_dict, depth);
}

struct parts {
    PyObject *items[MOST_PARTS];
    int len;
};

static int
add_part(PyObject *obj, void *arg)
{
    struct parts *parts = arg;
    if (obj != NULL && parts->len < MOST_PARTS) {
        parts->items[parts->len++] = obj;
    }
    return 0;
}

/* Bound methods, partials, builtin descriptors: what they hold, in order. */
static int
pair_parts(struct twins *twins, PyObject *live, PyObject *fresh, int depth)
{
    struct parts a = {{NULL}, 0}, b = {{NULL}, 0};
    Py_TYPE(live)->tp_traverse(live, add_part, &a);
    Py_TYPE(fresh)->tp_traverse(fresh, add_part, &b);
    for (int i = 0; i < a.len && a.len == b.len; i++) {
        if (pair(twins, a.items[i], b.items[i], depth) < 0) {
            return -1;
        }
    }
    return 0;
}

struct slots {
    struct twins *twins;
    PyObject *live, *fresh;
    int depth;
};

static int
pair_slot(const char *name, PyObject **word, void *arg)
{
    struct slots *slots = arg;
    size_t offset = (size_t)((char *)word - (char *)slots->live);
    PyObject *other = *(PyObject **)((char *)slots->fresh + offset);
    (void)name;
    return *word != NULL && other != NULL
               ? pair(slots->twins, *word, other, slots->depth)
               : 0;
}

/* What has come home: the object that was made in its place, or itself. */
static PyObject *
away(struct mf_match *match, PyObject *live)
{
    struct mf_pair *home = mf_match_of_old(match, live);
    struct mf_vec *stood = &match->stage->clone_refs;
    for (size_t i = 0; home == NULL && i + 1 < stood->len; i += 2) {
        if (stood->items[i] == live) {
            return stood->items[i + 1];
        }
    }
    return home ? home->new_obj : live;
}

static int
pair(struct twins *twins, PyObject *live, PyObject *fresh, int depth)
{
    struct mf_match *match = twins->merge->match;
    if (live == fresh) {
        fresh = away(match, live);
    }
    if (live == fresh || Py_TYPE(live) != Py_TYPE(fresh) || depth > DEEPEST ||
        !PyObject_IS_GC(live) || PyType_Check(live) || PyModule_Check(live) ||
        !mf_match_is_fresh(match, fresh) || mf_match_is_fresh(match, live) ||
        mf_map_has(&twins->seen, fresh)) {
        return 0;
    }
    if (mf_map_put(&twins->seen, fresh, 1) < 0) {
        return -1;
    }
    Py_ssize_t size;
    int kind = mf_effects_container(live, &size);
    if (kind >= 0) {
        return pair_containers(twins, kind, live, fresh);
    }
    if (PyFunction_Check(live)) {
        return pair_functions(twins, (PyFunctionObject *)live,
                              (PyFunctionObject *)fresh, depth + 1);
    }
    PyTypeObject *type = Py_TYPE(live);
    if (!PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) ||
        PyType_HasFeature(type, Py_TPFLAGS_IMMUTABLETYPE)) {
        return type->tp_traverse != NULL &&
                       (type->tp_call != NULL || type->tp_descr_get != NULL)
                   ? pair_parts(twins, live, fresh, depth + 1)
                   : 0;
    }
    struct slots slots = {twins, live, fresh, depth + 1};
    return pair_dicts(twins, mf_effects_instance_dict(live),
                      mf_effects_instance_dict(fresh), depth + 1) < 0
               ? -1
               : mf_effects_each_slot(live, pair_slot, &slots);
}

int
mf_merge_twins(struct mf_merge *merge, PyObject *live, PyObject *fresh)
{
    struct twins twins = {.merge = merge};
    int rc = pair(&twins, live, fresh, 0);
    mf_map_clear(&twins.seen);
    return rc;
}

int
mf_merge_abc_twins(struct mf_merge *merge, PyTypeObject *live,
                   PyTypeObject *fresh)
{
    struct twins twins = {.merge = merge};
    PyObject *name;
    PyObject *a = mf_effects_abc_registry((PyObject *)live, &name);
    PyObject *b = mf_effects_abc_registry((PyObject *)fresh, &name);
    return a != NULL && b != NULL
               ? pair_containers(&twins, MF_EFFECT_SET, a, b)
               : 0;
}
