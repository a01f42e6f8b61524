/* rebuild_value.c -- makes anew what cannot be changed in place although its
 * class stays: named tuples that get other fields, members of an enum that are
 * an int, a str ... of another value. In: pairs that check has marked. Out:
 * instances for the list of rebuild, to be followed like those of another
 * layout.
 */
#include "rebuild_parts.h"

#include "../ground/compat.h"
#include "../ground/compat_fields.h"
#include "../ground/compat_objects.h"
#include "../ground/fault.h"
#include "../heap/hashes.h"
#include "../heap/tables.h"
#include "class_bases.h"

/* ---- named tuples --------------------------------------------------------------- */

int
mf_rebuild_renewed_find(struct mf_rebuild *rebuild, struct mf_match *match)
{
    struct mf_vec subclasses = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < match->len; i++) {
        struct mf_pair *pair = &match->pairs[i];
        if (pair->kind != MF_PAIR_CLASS || !pair->renew) {
            continue;
        }
        subclasses.len = 0;
        rc = mf_map_put(&rebuild->renewed, pair->old_obj,
                        (uintptr_t)pair->new_obj) < 0 ||
                     mf_class_bases_subclasses((PyTypeObject *)pair->old_obj,
                                               &subclasses) < 0
                 ? -1
                 : 0;
        for (size_t k = 0; k < subclasses.len; k++) {
            struct mf_pair *own = mf_match_of_old(match, subclasses.items[k]);
            if (rc == 0 && (own == NULL || !own->renew)) {
                rc = mf_map_put(&rebuild->renewed, subclasses.items[k],
                                (uintptr_t)pair->new_obj);
            }
            Py_DECREF(subclasses.items[k]); /* its base holds on to it */
        }
    }
    mf_vec_clear(&subclasses);
    return rc;
}

/* The MRO of a staged class has the live one in its place by now. */
static PyObject *
of_class(PyTypeObject *type, const char *text)
{
    PyObject *name = PyUnicode_InternFromString(text);
    PyObject *found =
        name ? PyDict_GetItemWithError(mf_compat_obj_type_dict(type), name)
             : NULL;
    if (found == NULL && name != NULL && !PyErr_Occurred()) {
        found = _PyType_Lookup(type, name);
    }
    Py_XDECREF(name);
    return found;
}

static Py_ssize_t
index_of(PyObject *names, PyObject *name)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        if (PyUnicode_Compare(PyTuple_GET_ITEM(names, i), name) == 0) {
            return i;
        }
    }
    return -1;
}

int
mf_rebuild_items_init(struct mf_rebuild_route *route, PyTypeObject *like)
{
    PyObject *before = of_class(route->from, "_fields");
    PyObject *now = of_class(like, "_fields");
    PyObject *defaults = of_class(like, "_field_defaults");
    if (before == NULL || now == NULL || !PyTuple_CheckExact(before) ||
        !PyTuple_CheckExact(now)) {
        return PyErr_Occurred() ? -1 : 0;
    }
    size_t count = (size_t)PyTuple_GET_SIZE(now);
    route->items = mf_alloc((count + 1) * sizeof(*route->items));
    if (route->items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        PyObject *name = PyTuple_GET_ITEM(now, (Py_ssize_t)i);
        PyObject *value = defaults && PyDict_CheckExact(defaults)
                              ? PyDict_GetItemWithError(defaults, name)
                              : NULL;
        Py_ssize_t from = index_of(before, name);
        if (PyErr_Occurred()) {
            return -1;
        }
        if (from < 0 && value == NULL && route->lacks == NULL) {
            route->lacks = Py_NewRef(name);
        }
        route->items[route->n_items++] = (struct mf_rebuild_item){
            .from = from, .value = Py_NewRef(value ? value : Py_None)};
    }
    return 0;
}

void
mf_rebuild_items_clear(struct mf_rebuild_route *route)
{
    for (size_t i = 0; i < route->n_items; i++) {
        Py_DECREF(route->items[i].value);
    }
    mf_free(route->items);
    Py_XDECREF(route->lacks);
}

PyObject *
mf_rebuild_tuple(PyTypeObject *cls, PyObject *items)
{
    PyObject *args = PyTuple_Pack(1, items);
    PyObject *out = args ? PyTuple_Type.tp_new(cls, args, NULL) : NULL;
    Py_XDECREF(args);
    return out;
}

PyObject *
mf_rebuild_items(const struct mf_rebuild_route *route, PyObject *old_obj)
{
    PyObject *items = PyTuple_New((Py_ssize_t)route->n_items);
    for (size_t i = 0; items != NULL && i < route->n_items; i++) {
        const struct mf_rebuild_item *item = &route->items[i];
        PyObject *value = item->from >= 0 &&
                                  item->from < PyTuple_GET_SIZE(old_obj)
                              ? PyTuple_GET_ITEM(old_obj, item->from)
                              : item->value;
        PyTuple_SET_ITEM(items, (Py_ssize_t)i, Py_NewRef(value));
    }
    PyObject *out = items ? mf_rebuild_tuple(route->to, items) : NULL;
    Py_XDECREF(items);
    return out;
}

/* For people: P(1, 2), if the items are plain data. */
static PyObject *
text_of(PyObject *obj)
{
    PyObject *name = ((PyHeapTypeObject *)Py_TYPE(obj))->ht_qualname;
    PyObject *items = PyTuple_GetSlice(obj, 0, PyTuple_GET_SIZE(obj));
    PyObject *out = NULL;
    if (items != NULL) {
        out = mf_source_is_data(items)
                  ? PyUnicode_FromFormat("%U%R", name, items)
                  : PyUnicode_FromFormat("<%U at %p>", name, obj);
    }
    Py_XDECREF(items);
    return out;
}

int
mf_rebuild_refuse_item(struct mf_report *report,
                       const struct mf_rebuild_route *route, PyObject *obj)
{
    PyObject *text = text_of(obj);
    PyObject *detail =
        text ? PyUnicode_FromFormat("%U has none for '%U'", text, route->lacks)
             : NULL;
    int rc = detail
                 ? mf_rebuild_refuse(report, 422, route->from,
                                     "a named tuple needs a value for each of "
                                     "its fields, by a default or from "
                                     "__migrate__: ",
                                     detail)
                 : -1;
    Py_XDECREF(detail);
    Py_XDECREF(text);
    return rc;
}

static int
put_attribute(PyObject *name, PyObject *value, Py_hash_t hash, void *arg)
{
    return mf_compat_dict_set(arg, name, value, hash);
}

/* The same attributes, beside the items. */
static PyObject *
with_items(PyTypeObject *cls, PyObject *made, PyObject *items)
{
    PyObject *exact = PyTuple_GetSlice(items, 0, PyTuple_GET_SIZE(items));
    PyObject *out = exact ? mf_rebuild_tuple(cls, exact) : NULL;
    PyObject *dict = NULL;
    if (out != NULL && mf_compat_fields_has_dict(cls)) {
        dict = PyObject_GenericGetDict(out, NULL);
        if (dict == NULL ||
            mf_compat_fields_items(made, put_attribute, dict) < 0) {
            Py_CLEAR(out);
        }
    }
    Py_XDECREF(dict);
    Py_XDECREF(exact);
    return out;
}

int
mf_rebuild_take_result(struct mf_rebuild *rebuild, struct mf_report *report,
                       size_t i, PyObject *result)
{
    PyObject *old_obj = rebuild->instances.items[i];
    PyObject *made = rebuild->instances.items[i + 1];
    struct mf_rebuild_route *route =
        mf_rebuild_route_of(rebuild, Py_TYPE(old_obj));
    if (route == NULL || route->items == NULL) {
        return 0;
    }
    if (result == NULL || result == Py_None) {
        return route->lacks == NULL
                   ? 0
                   : mf_rebuild_refuse_item(report, route, old_obj);
    }
    if (!PyTuple_Check(result) ||
        (size_t)PyTuple_GET_SIZE(result) != route->n_items) {
        PyObject *text = text_of(old_obj);
        int rc = text ? mf_rebuild_refuse(report, 422, route->from,
                                          "__migrate__ of a named tuple "
                                          "returns a tuple of all its items: ",
                                          text)
                      : -1;
        Py_XDECREF(text);
        return rc;
    }
    PyObject *out = with_items(route->to, made, result);
    if (out == NULL ||
        mf_map_put(&rebuild->made, made, 0) < 0 ||
        mf_map_put(&rebuild->made, out, route->from == route->to) < 0 ||
        mf_map_put(&rebuild->pairs, old_obj, (uintptr_t)out) < 0) {
        Py_XDECREF(out);
        return -1;
    }
    rebuild->instances.items[i + 1] = out;
    Py_DECREF(made);
    return 0;
}

/* ---- members -------------------------------------------------------------------- */

/* New: what the member is from now on, of the live class or what that
 * becomes; NULL without exception: that cannot be had. */
static PyObject *
new_member(struct mf_rebuild *rebuild, struct mf_pair *pair)
{
    PyObject *cls = mf_rebuild_new(rebuild, (PyObject *)Py_TYPE(pair->old_obj));
    PyObject *made = mf_rebuild_blank((PyTypeObject *)cls, pair->new_obj);
    PyObject *dict = made ? PyObject_GenericGetDict(made, NULL) : NULL;
    if (dict == NULL ||
        mf_compat_fields_items(pair->new_obj, put_attribute, dict) < 0) {
        Py_CLEAR(made);
    }
    Py_XDECREF(dict);
    return made;
}

int
mf_rebuild_members(struct mf_rebuild *rebuild, struct mf_merge *merge)
{
    struct mf_match *match = merge->match;
    for (size_t i = 0; i < match->len; i++) {
        struct mf_pair *pair = &match->pairs[i];
        if (pair->kind != MF_PAIR_INSTANCE ||
            (!pair->renew &&
             !mf_map_has(&rebuild->pairs, Py_TYPE(pair->old_obj)))) {
            continue;
        }
        PyObject *made = new_member(rebuild, pair);
        if (made == NULL) {
            return PyErr_Occurred()
                       ? -1
                       : mf_rebuild_refuse(
                             merge->report, 421, Py_TYPE(pair->old_obj),
                             "the value of a member is known to C code only: ",
                             (PyObject *)Py_TYPE(pair->old_obj)->tp_base);
        }
        int rc = mf_rebuild_add(rebuild, &rebuild->instances, pair->old_obj,
                                made) < 0 ||
                         mf_map_put(&rebuild->pairs, pair->new_obj,
                                    (uintptr_t)made) < 0 ||
                         mf_map_put(&rebuild->members, pair->old_obj, 1) < 0
                     ? -1
                     : 0;
        Py_DECREF(made);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- keys ------------------------------------------------------------------------ */

/* A key of which only its own code could tell the new hash. */
static int
unknown_key(PyObject *key, Py_hash_t hash, void *arg)
{
    PyObject *to = mf_map_get(arg, key);
    Py_hash_t now;
    return hash != -1 && to != NULL && PyTuple_Check(to) &&
           mf_hashes_of(to, &now) != 1;
}

int
mf_rebuild_check_keys(struct mf_rebuild *rebuild, struct mf_report *report,
                      PyObject *table)
{
    if (rebuild->renewed.used == 0 || !mf_tables_is(table)) {
        return 0;
    }
    int rc = mf_tables_keys(table, unknown_key, &rebuild->pairs);
    size_t at = 0;
    void *cls;
    uintptr_t like;
    mf_map_next(&rebuild->renewed, &at, &cls, &like);
    return rc <= 0 ? rc
                   : mf_rebuild_refuse(report, 422, cls,
                                       "an instance is a key, and only code "
                                       "of the program could tell its hash: ",
                                       (PyObject *)Py_TYPE(table));
}
