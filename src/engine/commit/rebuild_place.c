/* rebuild_place.c -- owns instances that stay where they are although their
 * class gets another layout: those whose memory has room for it. In: routes.
 * Out: instances of the new class, the same objects.
 *
 * Nobody has to follow them, wherever they are held. The words that an instance
 * had are kept until the commit is finished, so each step can be taken back.
 * Where the program has a say (__migrate__, factories), it works on a copy that
 * is made as for an instance that moves; its words go to the instance then.
 */
#include "rebuild_parts.h"

#include "../ground/compat_fields.h"
#include "../ground/compat_objects.h"
#include "../ground/fault.h"

/* ---- may they stay? ------------------------------------------------------------- */

/* Is the memory of instances the object's head, then slots, and nothing that
 * C code knows? */
static bool
is_plain(PyTypeObject *type)
{
    PyTypeObject *base = type;
    while (base->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        if (base->tp_dealloc != type->tp_dealloc) {
            return false;
        }
        base = base->tp_base;
    }
    return base == &PyBaseObject_Type && type->tp_itemsize == 0 &&
           type->tp_dictoffset == 0 && PyType_IS_GC(type) &&
           type->tp_alloc == PyType_GenericAlloc &&
           type->tp_free == PyObject_GC_Del &&
           !mf_compat_fields_has_dict(type);
}

static bool
is_managed(PyTypeObject *type)
{
    return type->tp_weaklistoffset < 0;
}

/* Every slot has one place to go to, no two of them the same. */
static bool
can_move_all(const struct mf_rebuild_route *route)
{
    for (size_t i = 0; i < route->n_moves; i++) {
        for (size_t k = 0; k < i && route->moves[i].to > 0; k++) {
            if (route->moves[k].to == route->moves[i].to) {
                return false;
            }
        }
    }
    return true;
}

void
mf_rebuild_place_decide(struct mf_rebuild_route *route)
{
    PyTypeObject *from = route->from, *to = route->to;
    bool weakly = from->tp_weaklistoffset != 0;
    bool also = to->tp_weaklistoffset != 0;
    if (from == to || !is_plain(from) || !is_plain(to) ||
        mf_compat_obj_layout_flags(from) != mf_compat_obj_layout_flags(to) ||
        is_managed(from) != is_managed(to) || (weakly && !also) ||
        to->tp_basicsize > mf_compat_obj_room(from)) {
        return;
    }
    for (size_t i = 0; i < route->n_moves; i++) {
        struct mf_rebuild_move *move = &route->moves[i];
        if (move->to == 0) {
            bool other;
            move->to = mf_compat_fields_slot(to, move->name, &other);
        }
    }
    route->in_place = can_move_all(route);
}

/* ---- before ---------------------------------------------------------------------- */

int
mf_rebuild_place_fill(struct mf_rebuild *rebuild,
                      const struct mf_fields *fields, PyTypeObject *cls)
{
    for (size_t r = 0; r < rebuild->n_routes; r++) {
        struct mf_rebuild_route *route = &rebuild->routes[r];
        if (!route->in_place || route->copies ||
            !PyType_IsSubtype(route->from, cls)) {
            continue;
        }
        struct mf_rebuild_fill *more =
            mf_realloc(route->fills, (route->n_fills + fields->len + 1) *
                                         sizeof(*more));
        if (more == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        route->fills = more;
        for (size_t i = 0; i < fields->len; i++) {
            bool other;
            const struct mf_field *field = &fields->items[i];
            Py_ssize_t slot =
                mf_compat_fields_slot(route->to, field->name, &other);
            if (slot > 0) {
                route->fills[route->n_fills++] = (struct mf_rebuild_fill){
                    .slot = slot,
                    .field = {Py_NewRef(field->name), Py_NewRef(field->value),
                              field->how},
                };
            }
        }
    }
    return 0;
}

struct mf_rebuild_route *
mf_rebuild_place_of(struct mf_rebuild *rebuild, PyTypeObject *type)
{
    uintptr_t *at = mf_map_find(&rebuild->places, type);
    return at != NULL ? &rebuild->routes[*at] : NULL;
}

int
mf_rebuild_place_init(struct mf_rebuild *rebuild)
{
    for (size_t i = 0; i < rebuild->n_routes; i++) {
        if (rebuild->routes[i].in_place &&
            mf_map_put(&rebuild->places, rebuild->routes[i].from, i) < 0) {
            return -1;
        }
    }
    return 0;
}

/* A copy that others hold, too, is to be the instance. */
int
mf_rebuild_place_settle(struct mf_rebuild *rebuild)
{
    for (size_t i = 0; i < rebuild->instances.len; i += 2) {
        PyObject *old_obj = rebuild->instances.items[i];
        PyObject *made = rebuild->instances.items[i + 1];
        if (mf_map_get(&rebuild->copied, old_obj) == NULL) {
            continue;
        }
        PyObject **refs = mf_compat_obj_weakrefs(made);
        bool held = Py_REFCNT(made) > 1 || (refs != NULL && *refs != NULL);
        if (held && (mf_map_put(&rebuild->copied, old_obj, 0) < 0 ||
                     mf_map_put(&rebuild->pairs, old_obj,
                                (uintptr_t)made) < 0)) {
            return -1;
        }
    }
    return 0;
}

int
mf_rebuild_place_visit(struct mf_rebuild *rebuild, PyObject *obj)
{
    struct mf_rebuild_route *route = rebuild->last_place;
    if (route == NULL || route->from != Py_TYPE(obj)) {
        route = mf_rebuild_place_of(rebuild, Py_TYPE(obj));
        if (route == NULL) {
            return 0;
        }
        rebuild->last_place = route;
    }
    if (route->copies && mf_map_has(&rebuild->pairs, obj)) {
        return 0; /* it moves */
    }
    if (mf_vec_push(&route->stays, obj) < 0) {
        return -1;
    }
    for (size_t i = 0; i < route->n_moves; i++) {
        PyObject *value = *(PyObject **)((char *)obj + route->moves[i].from);
        if (value != NULL && mf_map_has(&rebuild->pairs, value)) {
            return 0; /* and refers to what does */
        }
    }
    return 1;
}

static size_t
words_of(const PyTypeObject *type)
{
    return (size_t)(type->tp_basicsize - (Py_ssize_t)sizeof(PyObject)) /
           sizeof(PyObject *);
}

/* What will be in a slot without being filled. */
static PyObject *
moved_to(const struct mf_rebuild_route *route, PyObject **saved,
         Py_ssize_t slot)
{
    for (size_t i = 0; i < route->n_moves; i++) {
        if (route->moves[i].to == slot) {
            return *(PyObject **)((char *)saved + route->moves[i].from -
                                  sizeof(PyObject));
        }
    }
    return NULL;
}

static PyObject **
body_of(PyObject *obj)
{
    return (PyObject **)((char *)obj + sizeof(PyObject));
}

/* One instance: its own values, and what the record keeps of it. */
static int
prepare_one(struct mf_merge *merge, struct mf_rebuild_route *route, size_t i)
{
    PyObject *obj = route->stays.items[i];
    for (size_t f = 0; f < route->n_fills; f++) {
        struct mf_rebuild_fill *fill = &route->fills[f];
        if (moved_to(route, body_of(obj), fill->slot) == NULL) {
            PyObject *value = mf_fields_value(&fill->field);
            if (value == NULL) {
                return -1;
            }
            route->values[i * route->n_fills + f] = value;
        }
    }
    for (size_t k = 0; k < route->n_moves; k++) {
        PyObject *value = *(PyObject **)((char *)obj + route->moves[k].from);
        if (value != NULL && route->moves[k].to <= 0 &&
            mf_rebuild_remember(merge, route, obj, route->moves[k].name,
                                value) < 0) {
            return -1;
        }
    }
    return 0;
}

/* May its instances be keys under another hash than that of their place? */
static bool
has_own_hash(const struct mf_rebuild_route *route)
{
    return route->from->tp_hash != PyBaseObject_Type.tp_hash &&
           route->from->tp_hash != PyObject_HashNotImplemented;
}

int
mf_rebuild_place_prepare(struct mf_rebuild *rebuild, struct mf_merge *merge)
{
    for (size_t r = 0; r < rebuild->n_routes; r++) {
        struct mf_rebuild_route *route = &rebuild->routes[r];
        size_t count = route->stays.len;
        if (count == 0) {
            continue;
        }
        route->saved = mf_alloc((count * words_of(route->from) + 1) *
                                sizeof(*route->saved));
        route->values = mf_alloc((count * route->n_fills + 1) *
                                 sizeof(*route->values));
        if (route->saved == NULL || route->values == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        if (has_own_hash(route) &&
            mf_map_reserve(&rebuild->become.moved, count) < 0) {
            return -1;
        }
        bool lost = false;
        for (size_t k = 0; k < route->n_moves; k++) {
            lost |= route->moves[k].to <= 0;
        }
        for (size_t i = 0; i < count && !route->copies &&
                           (lost || route->n_fills > 0);
             i++) {
            if (prepare_one(merge, route, i) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* ---- apply ----------------------------------------------------------------------- */

static PyObject *
copy_of(struct mf_rebuild *rebuild, const struct mf_rebuild_route *route,
        PyObject *obj)
{
    return route->copies ? mf_map_get(&rebuild->copied, obj) : NULL;
}

static void
retype(PyObject *obj, PyTypeObject *from, PyTypeObject *to)
{
    Py_INCREF(to);
    Py_SET_TYPE(obj, to);
    Py_DECREF(from); /* the list holds it: never the last */
}

static void
change_one(struct mf_rebuild *rebuild, struct mf_rebuild_route *route,
           size_t i)
{
    PyObject *obj = route->stays.items[i];
    PyObject *made = copy_of(rebuild, route, obj);
    size_t before = words_of(route->from), now = words_of(route->to);
    PyObject **body = body_of(obj), **saved = &route->saved[i * before];
    memcpy(saved, body, before * sizeof(*saved));
    memset(body, 0, now * sizeof(*body));
    if (made != NULL) {
        memcpy(body, body_of(made), now * sizeof(*body));
        memset(body_of(made), 0, now * sizeof(*body));
    }
    for (size_t k = 0; made == NULL && k < route->n_moves; k++) {
        if (route->moves[k].to > 0) {
            *(PyObject **)((char *)obj + route->moves[k].to) =
                *(PyObject **)((char *)saved + route->moves[k].from -
                               sizeof(PyObject));
        }
    }
    for (size_t f = 0; made == NULL && f < route->n_fills; f++) {
        PyObject **value = &route->values[i * route->n_fills + f];
        PyObject **slot =
            (PyObject **)((char *)obj + route->fills[f].slot);
        if (*value != NULL && *slot == NULL) {
            *slot = *value;
            *value = NULL;
        }
    }
    if (route->from->tp_weaklistoffset > 0) {
        *(PyObject **)((char *)obj + route->to->tp_weaklistoffset) =
            *(PyObject **)((char *)saved + route->from->tp_weaklistoffset -
                           sizeof(PyObject));
    }
    retype(obj, route->from, route->to);
}

static void
change_back(struct mf_rebuild *rebuild, struct mf_rebuild_route *route,
            size_t i)
{
    PyObject *obj = route->stays.items[i];
    PyObject *made = copy_of(rebuild, route, obj);
    size_t before = words_of(route->from), now = words_of(route->to);
    PyObject **body = body_of(obj), **saved = &route->saved[i * before];
    if (made != NULL) {
        memcpy(body_of(made), body, now * sizeof(*body));
        if (route->to->tp_weaklistoffset > 0) {
            *(PyObject **)((char *)made + route->to->tp_weaklistoffset) =
                NULL;
        }
    }
    for (size_t f = 0; made == NULL && f < route->n_fills; f++) {
        struct mf_rebuild_fill *fill = &route->fills[f];
        if (moved_to(route, saved, fill->slot) == NULL) {
            PyObject **slot = (PyObject **)((char *)obj + fill->slot);
            route->values[i * route->n_fills + f] = *slot;
            *slot = NULL;
        }
    }
    memcpy(body, saved, before * sizeof(*saved));
    retype(obj, route->to, route->from);
}

static void
all_back(PyObject *a, PyObject *b, intptr_t place)
{
    struct mf_rebuild *rebuild = (struct mf_rebuild *)place;
    (void)a, (void)b;
    for (size_t r = rebuild->n_routes; r > 0; r--) {
        struct mf_rebuild_route *route = &rebuild->routes[r - 1];
        while (route->done > 0) {
            change_back(rebuild, route, --route->done);
        }
    }
}

int
mf_rebuild_place_apply(struct mf_rebuild *rebuild, struct mf_undo *undo)
{
    if (rebuild->places.used == 0) {
        return 0;
    }
    if (mf_undo_inverse(undo, all_back, NULL, NULL, (intptr_t)rebuild) < 0) {
        return -1;
    }
    for (size_t r = 0; r < rebuild->n_routes; r++) {
        struct mf_rebuild_route *route = &rebuild->routes[r];
        bool hashed = has_own_hash(route);
        while (route->done < route->stays.len) {
            if (mf_fault_step() ||
                (hashed && mf_map_put(&rebuild->become.moved,
                                      route->stays.items[route->done],
                                      1) < 0)) {
                return -1;
            }
            change_one(rebuild, route, route->done);
            route->done++;
        }
    }
    return 0;
}

/* ---- afterwards ------------------------------------------------------------------ */

void
mf_rebuild_place_finish(struct mf_rebuild *rebuild)
{
    for (size_t r = 0; r < rebuild->n_routes; r++) {
        struct mf_rebuild_route *route = &rebuild->routes[r];
        size_t before = words_of(route->from);
        for (size_t k = 0; k < route->n_moves; k++) {
            size_t word = (size_t)(route->moves[k].from -
                                   (Py_ssize_t)sizeof(PyObject)) /
                          sizeof(PyObject *);
            if (route->moves[k].to > 0 && !route->copies) {
                continue; /* the instance has it still */
            }
            for (size_t i = 0; i < route->done; i++) {
                Py_CLEAR(route->saved[i * before + word]);
            }
        }
        route->done = 0;
    }
}

void
mf_rebuild_place_clear(struct mf_rebuild_route *route)
{
    for (size_t i = 0;
         route->values != NULL && i < route->stays.len * route->n_fills;
         i++) {
        Py_XDECREF(route->values[i]);
    }
    for (size_t f = 0; f < route->n_fills; f++) {
        Py_DECREF(route->fills[f].field.name);
        Py_DECREF(route->fills[f].field.value);
    }
    mf_free(route->values);
    mf_free(route->saved);
    mf_free(route->fills);
    mf_vec_clear(&route->stays);
}
