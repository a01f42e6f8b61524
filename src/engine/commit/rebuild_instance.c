/* rebuild_instance.c -- makes one instance anew for another layout. In: the
 * instance that lives, its new class. Out: an instance that nobody sees yet,
 * with the same attributes.
 *
 * What C code keeps in an instance is known for the builtin types that
 * classes are usually built on; for others there is no instance.
 */
#include "rebuild_parts.h"

#include <structmember.h> /* PyMemberDef; in Python.h from 3.12 on */

#include "../ground/compat.h"
#include "../ground/compat_fields.h"
#include "../ground/compat_objects.h"
#include "../ground/fault.h"
#include "../stage/effects_copy.h"
#include "../stage/fields.h"
#include "../stage/merge_parts.h"

/* The nearest base that no class statement made. */
static PyTypeObject *
builtin_of(PyTypeObject *type)
{
    while (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        type = type->tp_base;
    }
    return type;
}

/* The value of an immutable builtin as an exact instance of it. New. */
static PyObject *
exact_value(PyTypeObject *builtin, PyObject *old)
{
    if (builtin == &PyLong_Type) {
        return PyLong_Type.tp_as_number->nb_positive(old);
    }
    if (builtin == &PyFloat_Type) {
        return PyFloat_FromDouble(PyFloat_AS_DOUBLE(old));
    }
    if (builtin == &PyUnicode_Type) {
        return PyUnicode_FromObject(old);
    }
    if (builtin == &PyBytes_Type) {
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(old),
                                         PyBytes_GET_SIZE(old));
    }
    if (builtin == &PyTuple_Type) {
        return PyTuple_GetSlice(old, 0, PyTuple_GET_SIZE(old));
    }
    if (builtin == &PyFrozenSet_Type) {
        return PyFrozenSet_New(old);
    }
    return NULL;
}

static PyObject *
immutable(PyTypeObject *cls, PyTypeObject *builtin, PyObject *old)
{
    PyObject *value = exact_value(builtin, old);
    PyObject *args = value ? PyTuple_Pack(1, value) : NULL;
    PyObject *out = args ? builtin->tp_new(cls, args, NULL) : NULL;
    Py_XDECREF(args);
    Py_XDECREF(value);
    return out;
}

/* Whatever is in `to` goes. */
static int
fill_container(PyTypeObject *builtin, PyObject *to, PyObject *from)
{
    if (builtin == &PyList_Type) {
        PyObject *items = PyList_GetSlice(from, 0, PyList_GET_SIZE(from));
        int rc = items ? PyList_SetSlice(to, 0, PY_SSIZE_T_MAX, items) : -1;
        Py_XDECREF(items);
        return rc;
    }
    if (builtin == &PySet_Type) {
        PyObject *same = PySet_Clear(to) < 0
                             ? NULL
                             : PySet_Type.tp_as_number->nb_inplace_or(to, from);
        Py_XDECREF(same);
        return same ? 0 : -1;
    }
    PyDict_Clear(to);
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    Py_hash_t hash;
    while (mf_compat_dict_next(from, &pos, &key, &value, &hash)) {
        if (mf_compat_dict_set(to, key, value, hash) < 0) {
            return -1;
        }
    }
    return 0;
}

static PyObject *
container(PyTypeObject *cls, PyTypeObject *builtin, PyObject *old)
{
    PyObject *args = PyTuple_New(0);
    PyObject *out = args ? builtin->tp_new(cls, args, NULL) : NULL;
    Py_XDECREF(args);
    if (out != NULL && PyObject_TypeCheck(old, builtin) &&
        fill_container(builtin, out, old) < 0) {
        Py_CLEAR(out);
    }
    return out;
}

static void
fill_exception(PyBaseExceptionObject *to, PyBaseExceptionObject *from)
{
    Py_XSETREF(to->notes, Py_XNewRef(from->notes));
    Py_XSETREF(to->traceback, Py_XNewRef(from->traceback));
    Py_XSETREF(to->context, Py_XNewRef(from->context));
    Py_XSETREF(to->cause, Py_XNewRef(from->cause));
    to->suppress_context = from->suppress_context;
}

/* What an exception written in C keeps besides (errno, code, name ...): all of
 * it is in the members of its type, of an int the memory. */
static void
fill_members(PyTypeObject *builtin, PyObject *to, PyObject *from)
{
    for (PyTypeObject *t = builtin;
         t != NULL && t != (PyTypeObject *)PyExc_BaseException;
         t = t->tp_base) {
        for (PyMemberDef *m = t->tp_members; m && m->name; m++) {
            char *at = (char *)to + m->offset;
            char *source = (char *)from + m->offset;
            if (m->type == T_OBJECT || m->type == T_OBJECT_EX) {
                Py_XSETREF(*(PyObject **)at,
                           Py_XNewRef(*(PyObject **)source));
            }
            else if (m->type == T_PYSSIZET) {
                memcpy(at, source, sizeof(Py_ssize_t));
            }
        }
    }
}

static PyObject *
exception(PyTypeObject *cls, PyTypeObject *builtin, PyObject *old)
{
    bool more =
        builtin->tp_basicsize > (Py_ssize_t)sizeof(PyBaseExceptionObject);
    if (more && strchr(builtin->tp_name, '.') != NULL) {
        return NULL; /* not the interpreter's own */
    }
    PyBaseExceptionObject *from =
        PyExceptionInstance_Check(old) ? (PyBaseExceptionObject *)old : NULL;
    PyObject *args = from ? Py_NewRef(from->args) : PyTuple_New(0);
    PyObject *out = args ? builtin->tp_new(cls, args, NULL) : NULL;
    bool known = from != NULL && PyObject_TypeCheck(old, builtin);
    if (out != NULL && !known && more &&
        builtin->tp_init(out, args, NULL) < 0) {
        Py_CLEAR(out); /* its arguments are not what this base asks for */
    }
    Py_XDECREF(args);
    if (out == NULL && !PyErr_ExceptionMatches(PyExc_MemoryError)) {
        PyErr_Clear();
    }
    if (out != NULL && from != NULL) {
        fill_exception((PyBaseExceptionObject *)out, from);
    }
    if (out != NULL && known) {
        fill_members(builtin, out, old);
    }
    return out;
}

PyObject *
mf_rebuild_blank(PyTypeObject *cls, PyObject *old)
{
    PyTypeObject *builtin = builtin_of(cls);
    PyObject *out = NULL;
    if (builtin == &PyBaseObject_Type) {
        return mf_compat_fields_blank(cls);
    }
    if (builtin == &PyLong_Type || builtin == &PyFloat_Type ||
        builtin == &PyUnicode_Type || builtin == &PyBytes_Type ||
        builtin == &PyTuple_Type || builtin == &PyFrozenSet_Type) {
        out = PyObject_TypeCheck(old, builtin) ? immutable(cls, builtin, old)
                                               : NULL;
    }
    else if (builtin == &PyList_Type || builtin == &PyDict_Type ||
             builtin == &PySet_Type) {
        out = container(cls, builtin, old);
    }
    else if (PyType_IsSubtype(builtin, (PyTypeObject *)PyExc_BaseException)) {
        out = exception(cls, builtin, old);
    }
    if (out != NULL) {
        mf_compat_obj_finalized(out, true);
    }
    return out;
}

/* ---- routes --------------------------------------------------------------------- */

/* The slot that stands for one of the old class, by class and name. */
static Py_ssize_t
same_slot(const struct mf_map *pairs, PyTypeObject *owner, const char *name,
          PyTypeObject *to)
{
    PyTypeObject *fresh = mf_map_get(pairs, owner);
    fresh = fresh ? fresh : owner;
    for (; to != NULL; to = to->tp_base) {
        for (PyMemberDef *m = to == fresh ? to->tp_members : NULL;
             m && m->name; m++) {
            if (strcmp(m->name, name) == 0) {
                return m->offset;
            }
        }
    }
    return 0;
}

/* Bases first, so that of two slots that come to one place the subclass's
 * counts. */
static int
add_moves(struct mf_rebuild_route *route, const struct mf_map *pairs,
          PyTypeObject *t)
{
    if (t == NULL) {
        return 0;
    }
    if (add_moves(route, pairs, t->tp_base) < 0) {
        return -1;
    }
    for (PyMemberDef *m = t->tp_members;
         (t->tp_flags & Py_TPFLAGS_HEAPTYPE) && m && m->name; m++) {
        if (m->type != T_OBJECT_EX) {
            continue;
        }
        PyObject *name = PyUnicode_InternFromString(m->name);
        if (name == NULL) {
            return -1;
        }
        route->moves[route->n_moves++] = (struct mf_rebuild_move){
            .from = m->offset,
            .to = same_slot(pairs, t, m->name, route->to),
            .name = name,
        };
    }
    return 0;
}

static int
find_moves(struct mf_rebuild_route *route, const struct mf_map *pairs)
{
    size_t count = 1;
    for (PyTypeObject *t = route->from; t != NULL; t = t->tp_base) {
        for (PyMemberDef *m = t->tp_members; m && m->name; m++) {
            count++;
        }
    }
    route->moves = mf_alloc(count * sizeof(*route->moves));
    if (route->moves == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return add_moves(route, pairs, route->from);
}

int
mf_rebuild_route_init(struct mf_rebuild_route *route,
                      const struct mf_map *pairs, PyTypeObject *from,
                      PyTypeObject *to)
{
    *route = (struct mf_rebuild_route){
        .from = from,
        .to = to,
        .plain = mf_compat_fields_only_slots(to),
    };
    if (find_moves(route, pairs) < 0) {
        return -1;
    }
    mf_rebuild_place_decide(route);
    return 0;
}

void
mf_rebuild_route_clear(struct mf_rebuild_route *route)
{
    for (size_t i = 0; i < route->n_moves; i++) {
        Py_DECREF(route->moves[i].name);
    }
    for (size_t i = 0; i < route->n_known; i++) {
        Py_DECREF(route->known[i].name);
    }
    mf_free(route->moves);
    mf_rebuild_items_clear(route);
    mf_rebuild_place_clear(route);
    memset(route, 0, sizeof(*route));
}

static struct mf_rebuild_place
find_place(PyTypeObject *to, PyObject *name)
{
    struct mf_rebuild_place place = {.name = name};
    bool other;
    place.slot = mf_compat_fields_slot(to, name, &other);
    if (place.slot > 0) {
        place.how = MF_REBUILD_SLOT;
    }
    else if (!mf_compat_fields_has_dict(to)) {
        place.how = MF_REBUILD_NOWHERE;
    }
    else {
        /* the generic setter would ask a property */
        place.how = other ? MF_REBUILD_DICT : MF_REBUILD_ATTRIBUTE;
    }
    return place;
}

static struct mf_rebuild_place
place_of(struct mf_rebuild_route *route, PyObject *name)
{
    if (!PyUnicode_CheckExact(name)) {
        return (struct mf_rebuild_place){
            .name = name,
            .how = mf_compat_fields_has_dict(route->to) ? MF_REBUILD_DICT
                                                        : MF_REBUILD_NOWHERE,
        };
    }
    for (size_t i = 0; i < route->n_known; i++) {
        if (route->known[i].name == name) {
            return route->known[i];
        }
    }
    struct mf_rebuild_place place = find_place(route->to, name);
    if (route->n_known < MF_REBUILD_KNOWN) {
        Py_INCREF(name);
        route->known[route->n_known++] = place;
    }
    return place;
}

/* ---- attributes ----------------------------------------------------------------- */

/* Weakly, where the instance allows it now and will. */
int
mf_rebuild_remember(struct mf_merge *merge,
                    const struct mf_rebuild_route *route, PyObject *obj,
                    PyObject *name, PyObject *value)
{
    if (mf_map_has(route->kept, obj)) {
        return 0;
    }
    PyObject *ref = mf_compat_obj_weakrefs(obj) != NULL &&
                            route->to->tp_weaklistoffset != 0
                        ? PyWeakref_NewRef(obj, NULL)
                        : Py_NewRef(obj);
    int rc = ref ? mf_merge_note_replaced(merge, ref, name, value, NULL) : -1;
    Py_XDECREF(ref);
    return rc;
}

static int
put_in_dict(PyObject *to, PyObject *key, PyObject *value, Py_hash_t hash)
{
    PyObject *dict = PyObject_GenericGetDict(to, NULL);
    if (dict == NULL) {
        return -1;
    }
    int rc = value != NULL ? mf_compat_dict_set(dict, key, value, hash)
             : mf_compat_dict_get(dict, key, hash) != NULL
                 ? mf_compat_dict_del(dict, key, hash)
             : PyErr_Occurred() ? -1
                                : 0;
    Py_DECREF(dict);
    return rc;
}

struct copying {
    struct mf_merge *merge;
    struct mf_rebuild_route *route;
    PyObject *from, *to;
};

/* One attribute; value NULL: it is gone. Nothing of the program runs. */
static int
put(PyObject *name, PyObject *value, Py_hash_t hash, void *arg)
{
    struct copying *c = arg;
    struct mf_rebuild_place place = place_of(c->route, name);
    switch (place.how) {
    case MF_REBUILD_SLOT: {
        PyObject **word = (PyObject **)((char *)c->to + place.slot);
        Py_XSETREF(*word, Py_XNewRef(value));
        return 0;
    }
    case MF_REBUILD_ATTRIBUTE:
        return value != NULL ? PyObject_GenericSetAttr(c->to, name, value)
                             : put_in_dict(c->to, name, NULL, hash);
    case MF_REBUILD_DICT:
        return put_in_dict(c->to, name, value, hash);
    default:
        return value != NULL && PyUnicode_CheckExact(name)
                   ? mf_rebuild_remember(c->merge, c->route, c->from, name, value)
                   : 0;
    }
}

static int
put_slot(struct copying *c, const struct mf_rebuild_move *move,
         PyObject *value)
{
    if (move->to > 0) {
        PyObject **word = (PyObject **)((char *)c->to + move->to);
        Py_XSETREF(*word, Py_XNewRef(value));
        return 0;
    }
    return put(move->name, value, PyObject_Hash(move->name), c);
}

int
mf_rebuild_copy(struct mf_merge *merge, struct mf_rebuild_route *route,
                PyObject *from, PyObject *to)
{
    struct copying c = {merge, route, from, to};
    if (mf_compat_fields_has_dict(Py_TYPE(from)) &&
        mf_compat_fields_items(from, put, &c) < 0) {
        return -1;
    }
    for (size_t i = 0; i < route->n_moves; i++) {
        PyObject *value = *(PyObject **)((char *)from + route->moves[i].from);
        if (value != NULL && put_slot(&c, &route->moves[i], value) < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_rebuild_take_dict(struct mf_undo *undo, PyObject *from, PyObject *to)
{
    PyObject **word = mf_compat_obj_managed_dict(from);
    if (word == NULL && Py_TYPE(from)->tp_dictoffset > 0) {
        word = _PyObject_GetDictPtr(from);
    }
    if (word == NULL || *word == NULL || Py_REFCNT(*word) < 2 ||
        !mf_compat_fields_has_dict(Py_TYPE(to))) {
        return 0;
    }
    PyObject *dict = *word;
    PyObject *mine = PyObject_GenericGetDict(to, NULL);
    PyObject *contents = mine ? PyDict_Copy(mine) : NULL;
    /* it may be in the list of holders */
    int rc = contents == NULL || mf_undo_keep(undo, mine) < 0 ||
                     mf_compat_obj_detach_values(from) < 0 ||
                     mf_undo_dict_exchange(undo, dict, contents) < 0
                 ? -1
                 : mf_compat_obj_set_dict(to, dict);
    Py_XDECREF(contents);
    Py_XDECREF(mine);
    return rc;
}

/* ---- what the program changes meanwhile ----------------------------------------- */

static int
note_item(PyObject *key, PyObject *value, Py_hash_t hash, void *arg)
{
    (void)hash;
    return PyUnicode_CheckExact(key) ? PyDict_SetItem(arg, key, value) : 0;
}

/* The items of a list, dict or set, nothing of others. New tuple. */
static PyObject *
note_contents(PyObject *obj)
{
    if (PyList_Check(obj)) {
        return PyList_AsTuple(obj);
    }
    PyObject *out = PyList_New(0), *key, *value;
    Py_ssize_t pos = 0;
    Py_hash_t hash;
    int rc = out ? 0 : -1;
    if (PyDict_Check(obj)) {
        while (rc == 0 &&
               mf_compat_dict_next(obj, &pos, &key, &value, &hash)) {
            rc = PyList_Append(out, key) < 0 || PyList_Append(out, value) < 0
                     ? -1
                     : 0;
        }
    }
    else if (PySet_Check(obj)) {
        while (rc == 0 && mf_compat_set_next(obj, &pos, &key, &hash)) {
            rc = PyList_Append(out, key);
        }
    }
    PyObject *items = rc == 0 ? PyList_AsTuple(out) : NULL;
    Py_XDECREF(out);
    return items;
}

/* (attributes, slots in the order of the route's moves, contents) */
PyObject *
mf_rebuild_note(const struct mf_rebuild_route *route, PyObject *obj)
{
    PyObject *slots = PyTuple_New((Py_ssize_t)route->n_moves);
    PyObject *attributes = PyDict_New();
    PyObject *contents = note_contents(obj), *out = NULL;
    for (size_t i = 0; slots != NULL && i < route->n_moves; i++) {
        PyObject *value = *(PyObject **)((char *)obj + route->moves[i].from);
        PyTuple_SET_ITEM(slots, (Py_ssize_t)i,
                         Py_NewRef(value ? value : Py_NotImplemented));
    }
    if (slots && attributes && contents &&
        mf_compat_fields_items(obj, note_item, attributes) == 0) {
        out = PyTuple_Pack(3, attributes, slots, contents);
    }
    Py_XDECREF(slots);
    Py_XDECREF(attributes);
    Py_XDECREF(contents);
    return out;
}

static int
put_changed(struct copying *c, PyObject *before, PyObject *now)
{
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(now, &pos, &name, &value)) {
        if (PyDict_GetItemWithError(before, name) != value &&
            put(name, value, PyObject_Hash(name), c) < 0) {
            return -1;
        }
    }
    pos = 0;
    while (PyDict_Next(before, &pos, &name, &value)) {
        if (PyDict_GetItemWithError(now, name) == NULL &&
            put(name, NULL, PyObject_Hash(name), c) < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

int
mf_rebuild_copy_again(struct mf_merge *merge, struct mf_rebuild_route *route,
                      PyObject *from, PyObject *to, PyObject *noted)
{
    struct copying c = {merge, route, from, to};
    PyObject *now = mf_rebuild_note(route, from);
    if (now == NULL) {
        return -1;
    }
    int rc = put_changed(&c, PyTuple_GET_ITEM(noted, 0),
                         PyTuple_GET_ITEM(now, 0));
    for (size_t i = 0; rc == 0 && i < route->n_moves; i++) {
        PyObject *value =
            PyTuple_GET_ITEM(PyTuple_GET_ITEM(now, 1), (Py_ssize_t)i);
        if (value !=
            PyTuple_GET_ITEM(PyTuple_GET_ITEM(noted, 1), (Py_ssize_t)i)) {
            rc = put_slot(&c, &route->moves[i],
                          value == Py_NotImplemented ? NULL : value);
        }
    }
    PyTypeObject *builtin = builtin_of(route->to);
    if (rc == 0 && PyObject_TypeCheck(from, builtin)) {
        if (PyExceptionInstance_Check(from)) {
            fill_exception((PyBaseExceptionObject *)to,
                           (PyBaseExceptionObject *)from);
            fill_members(builtin, to, from);
        }
        else if (!mf_effects_same_items(PyTuple_GET_ITEM(noted, 2),
                             PyTuple_GET_ITEM(now, 2))) {
            rc = fill_container(builtin, to, from);
        }
    }
    Py_DECREF(now);
    return rc;
}
