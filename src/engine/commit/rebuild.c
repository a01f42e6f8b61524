/* rebuild.c -- owns the move of classes and instances to another layout. In:
 * pairs of classes, what merge decided. Out: new classes and instances,
 * the pairs of both (rebuild_apply.c has everybody follow).
 */
#include "rebuild_parts.h"

#include "../ground/compat_fields.h"
#include "../ground/compat_objects.h"
#include "../ground/fault.h"
#include "../ground/trace.h"
#include "../stage/fields.h"
#include "class_bases.h"
#include "redefine_class.h"

PyObject *
mf_rebuild_new(const struct mf_rebuild *rebuild, PyObject *obj)
{
    PyObject *to = mf_map_get(&rebuild->pairs, obj);
    return to ? to : obj;
}

int
mf_rebuild_add(struct mf_rebuild *rebuild, struct mf_vec *list, PyObject *old_obj,
         PyObject *new_obj)
{
    return mf_vec_push_ref(list, old_obj) < 0 ||
                   mf_vec_push_ref(list, new_obj) < 0 ||
                   mf_map_put(&rebuild->pairs, old_obj, (uintptr_t)new_obj) <
                       0
               ? -1
               : 0;
}

int
mf_rebuild_refuse(struct mf_report *report, int code, PyTypeObject *cls,
       const char *why, PyObject *detail)
{
    PyObject *name = ((PyHeapTypeObject *)cls)->ht_qualname;
    PyObject *module = PyDict_GetItemString(mf_compat_obj_type_dict(cls),
                                            "__module__");
    return mf_report_add(report, code, '=',
                         module && PyUnicode_Check(module) ? module : NULL,
                         name, NULL, 0, "the layout of %U changes, and %s%S",
                         name, why, detail);
}

/* The exception that is set is the reason, unless it is want of memory. */
int
mf_rebuild_refuse_with(struct mf_report *report, PyTypeObject *cls, const char *why)
{
    if (PyErr_ExceptionMatches(PyExc_MemoryError)) {
        return -1;
    }
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    int rc = mf_rebuild_refuse(report, 420, cls, why, value ? value : Py_None);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(tb);
    return rc;
}

/* ---- classes ----------------------------------------------------------------- */

static bool
holds(const struct mf_vec *vec, void *item)
{
    for (size_t i = 0; i < vec->len; i++) {
        if (vec->items[i] == item) {
            return true;
        }
    }
    return false;
}

/* All classes to be made anew. Strong. */
static int
find_family(struct mf_match *match, struct mf_vec *family)
{
    struct mf_vec subclasses = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < match->len; i++) {
        struct mf_pair *pair = &match->pairs[i];
        if (!pair->rebuild) {
            continue;
        }
        if (!holds(family, pair->old_obj)) {
            rc = mf_vec_push_ref(family, pair->old_obj);
        }
        rc = rc < 0 ? -1
                    : mf_class_bases_subclasses((PyTypeObject *)pair->old_obj,
                                                &subclasses);
    }
    for (size_t i = 0; rc == 0 && i < subclasses.len; i++) {
        if (!holds(family, subclasses.items[i])) {
            rc = mf_vec_push_ref(family, subclasses.items[i]);
        }
    }
    mf_vec_clear_refs(&subclasses);
    return rc;
}

/* Has every base that it is to have been made, if it is of the family? */
static bool
can_be_made(struct mf_rebuild *rebuild, struct mf_merge *merge,
            const struct mf_vec *family, PyTypeObject *cls)
{
    struct mf_class_change *change = mf_merge_class_change(merge, cls);
    PyObject *bases = change && change->bases ? change->bases : cls->tp_bases;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); i++) {
        PyObject *base = PyTuple_GET_ITEM(bases, i);
        if (holds(family, base) && !mf_map_has(&rebuild->pairs, base)) {
            return false;
        }
    }
    return true;
}

static PyObject *
new_bases(struct mf_rebuild *rebuild, PyTypeObject *cls,
          struct mf_class_change *change)
{
    PyObject *bases = change && change->bases ? change->bases : cls->tp_bases;
    PyObject *out = PyTuple_New(PyTuple_GET_SIZE(bases));
    for (Py_ssize_t i = 0; out && i < PyTuple_GET_SIZE(bases); i++) {
        PyTuple_SET_ITEM(out, i,
                         Py_NewRef(mf_rebuild_new(
                             rebuild, PyTuple_GET_ITEM(bases, i))));
    }
    return out;
}

static int
make_class(struct mf_rebuild *rebuild, struct mf_merge *merge,
           PyTypeObject *cls)
{
    struct mf_class_change *change = mf_merge_class_change(merge, cls);
    if (PyType_IsSubtype(cls, &PyType_Type)) {
        return mf_rebuild_refuse(merge->report, 420, cls, "it is a metaclass: classes ",
                      PyTuple_GET_ITEM(cls->tp_bases, 0));
    }
    PyObject *bases = new_bases(rebuild, cls, change);
    PyTypeObject *made =
        bases ? mf_rebuild_class(cls,
                                 change && change->new_class
                                     ? change->new_class
                                     : cls,
                                 change, bases)
              : NULL;
    Py_XDECREF(bases);
    if (made == NULL) {
        return mf_rebuild_refuse_with(merge->report, cls, "it cannot be made anew: ");
    }
    if (change != NULL) {
        change->rebuilt = true;
    }
    PyObject *space = PyDict_Copy(mf_compat_obj_type_dict(cls));
    int rc = space == NULL ||
                     mf_rebuild_add(rebuild, &rebuild->classes, (PyObject *)cls,
                              (PyObject *)made) < 0 ||
                     mf_vec_push_ref(&rebuild->spaces, space) < 0
                 ? -1
                 : 0;
    Py_XDECREF(space);
    Py_DECREF(made);
    return rc;
}

/* Bases first: those that they are to have. */
static int
make_classes(struct mf_rebuild *rebuild, struct mf_merge *merge,
             const struct mf_vec *family)
{
    for (size_t left = family->len; left > 0; left--) {
        PyTypeObject *next = NULL;
        for (size_t i = 0; i < family->len && next == NULL; i++) {
            PyTypeObject *cls = family->items[i];
            if (!mf_map_has(&rebuild->pairs, cls) &&
                can_be_made(rebuild, merge, family, cls)) {
                next = cls;
            }
        }
        if (next == NULL) {
            return mf_rebuild_refuse(merge->report, 420, family->items[0],
                          "a class would be a base of its own base: ",
                          family->items[0]);
        }
        if (make_class(rebuild, merge, next) < 0) {
            return -1;
        }
        if (mf_report_reasons(merge->report) > 0) {
            break;
        }
    }
    return 0;
}

/* When all classes are there. */
static int
make_routes(struct mf_rebuild *rebuild)
{
    size_t count = rebuild->classes.len / 2, at = 0;
    void *cls;
    uintptr_t like;
    rebuild->routes = mf_alloc((count + rebuild->renewed.used) *
                               sizeof(*rebuild->routes));
    if (rebuild->routes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        rebuild->n_routes++;
        if (mf_rebuild_route_init(&rebuild->routes[i], &rebuild->pairs,
                                  rebuild->classes.items[2 * i],
                                  rebuild->classes.items[2 * i + 1]) < 0) {
            return -1;
        }
    }
    while (mf_map_next(&rebuild->renewed, &at, &cls, &like)) {
        struct mf_rebuild_route *route = mf_rebuild_route_of(rebuild, cls);
        if (route == NULL) {
            route = &rebuild->routes[rebuild->n_routes++];
            if (mf_rebuild_route_init(route, &rebuild->pairs, cls, cls) < 0) {
                return -1;
            }
        }
        if (mf_rebuild_items_init(route, (PyTypeObject *)like) < 0) {
            return -1;
        }
    }
    return 0;
}

struct mf_rebuild_route *
mf_rebuild_route_of(struct mf_rebuild *rebuild, PyTypeObject *type)
{
    for (size_t i = 0; i < rebuild->n_routes; i++) {
        if (rebuild->routes[i].from == type) {
            return &rebuild->routes[i];
        }
    }
    return NULL;
}

/* Instances of one class mostly come together: begin at the last answer. */
static struct mf_rebuild_route *
route_of(struct mf_rebuild *rebuild, PyObject *old_obj,
         struct mf_rebuild_route *last)
{
    return last != NULL && last->from == Py_TYPE(old_obj)
               ? last
               : mf_rebuild_route_of(rebuild, Py_TYPE(old_obj));
}

/* ---- instances ---------------------------------------------------------------- */

struct search {
    struct mf_rebuild *rebuild;
    PyTypeObject *other; /* the last class that was none of ours: objects of
                            one class mostly come together */
};

/* Of one of the classes, without a new one. */
static int
is_instance(PyObject *obj, void *arg)
{
    struct search *search = arg;
    const struct mf_map *pairs = &search->rebuild->pairs;
    PyTypeObject *type = Py_TYPE(obj);
    if (type == search->other) {
        return 0;
    }
    if (!mf_map_has(pairs, type) &&
        !mf_map_has(&search->rebuild->renewed, type)) {
        search->other = type;
        return 0;
    }
    if (search->rebuild->places.used > 0) {
        struct mf_rebuild_route *route =
            mf_rebuild_place_of(search->rebuild, type);
        if (route != NULL && (!route->copies ||
                              mf_map_has(&search->rebuild->copied, obj))) {
            return 0;
        }
    }
    return !mf_map_has(pairs, obj) &&
                   !mf_map_has(&search->rebuild->staged, type) &&
                   mf_map_get(&search->rebuild->made, obj) == NULL;
}

/* New; NULL without an exception: refused. */
static PyObject *
make_instance(struct mf_rebuild *rebuild, struct mf_merge *merge,
              struct mf_rebuild_route *route, PyObject *old_obj)
{
    PyObject *made = route->items   ? mf_rebuild_items(route, old_obj)
                     : route->plain ? mf_compat_fields_new(route->to)
                                    : mf_rebuild_blank(route->to, old_obj);
    if (made == NULL) {
        if (!PyErr_Occurred()) {
            mf_rebuild_refuse(merge->report, 420, route->from,
                              "its instances hold what only C code knows: ",
                              (PyObject *)route->to->tp_base);
        }
        return NULL;
    }
    int rc = mf_rebuild_copy(merge, route, old_obj, made);
    if (rc == 0 && rebuild->ran) {
        PyObject *noted = mf_rebuild_note(route, old_obj);
        rc = noted ? mf_vec_push_ref(&rebuild->noted, noted) : -1;
        Py_XDECREF(noted);
    }
    if (rc == 0 && route->from == route->to) {
        rc = mf_map_put(&rebuild->made, made, 1);
    }
    if (rc == 0) {
        rc = mf_map_put(route->in_place ? &rebuild->copied : &rebuild->pairs,
                        old_obj, (uintptr_t)made);
    }
    if (rc < 0) {
        Py_CLEAR(made);
    }
    return made;
}

enum { AHEAD = 8 };

/* Their references go to `instances`; those of the rest are dropped. */
static int
make_all(struct mf_rebuild *rebuild, struct mf_merge *merge,
         struct mf_vec *found)
{
    struct mf_vec *instances = &rebuild->instances;
    struct mf_rebuild_route *route = NULL;
    size_t count = instances->len / 2 + found->len, done = 0;
    int rc = mf_vec_reserve(instances, 2 * count) < 0 ||
                     mf_map_reserve(&rebuild->pairs,
                                    count + rebuild->pairs.used) < 0
                 ? -1
                 : 0;
    while (rc == 0 && done < found->len &&
           mf_report_reasons(merge->report) == 0) {
        PyObject *old_obj = found->items[done];
        if (done + AHEAD < found->len) {
            mf_map_expect(&rebuild->pairs, found->items[done + AHEAD]);
        }
        route = route_of(rebuild, old_obj, route);
        PyObject *made = make_instance(rebuild, merge, route, old_obj);
        if (made == NULL) {
            rc = PyErr_Occurred() ? -1 : 0;
            break;
        }
        instances->items[instances->len++] = old_obj;
        instances->items[instances->len++] = made;
        done++;
    }
    while (done < found->len) {
        Py_DECREF((PyObject *)found->items[done++]);
    }
    mf_vec_clear(found);
    return rc;
}

/* Instances without a new one: how many were found and made. What the
 * collector does not know cannot be an instance of a class statement. */
static Py_ssize_t
make_instances(struct mf_rebuild *rebuild, struct mf_merge *merge)
{
    struct search search = {.rebuild = rebuild};
    bool some = false;
    for (size_t i = 0; i < rebuild->n_routes; i++) {
        some |= !rebuild->routes[i].in_place || rebuild->routes[i].copies;
    }
    if (!some) {
        return 0; /* all stay where they are */
    }
    struct mf_vec found = {0};
    if (mf_heap_find(is_instance, &search, &found) < 0) {
        mf_vec_clear_refs(&found);
        return -1;
    }
    size_t count = found.len;
    return make_all(rebuild, merge, &found) < 0 ? -1 : (Py_ssize_t)count;
}

int
mf_rebuild_will_run(struct mf_rebuild *rebuild)
{
    struct mf_rebuild_route *route = NULL;
    if (rebuild->ran || rebuild->pairs.used == 0) {
        return 0;
    }
    rebuild->ran = true;
    for (size_t i = 0; i < rebuild->instances.len; i += 2) {
        PyObject *old_obj = rebuild->instances.items[i];
        route = route_of(rebuild, old_obj, route);
        PyObject *noted = mf_map_has(&rebuild->members, old_obj)
                              ? Py_NewRef(Py_None) /* it is as written */
                              : mf_rebuild_note(route, old_obj);
        int rc = noted ? mf_vec_push_ref(&rebuild->noted, noted) : -1;
        Py_XDECREF(noted);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

/* In an undo: what the update had taken from the instances. */
static int
restore(struct mf_rebuild *rebuild, PyObject *undo)
{
    for (Py_ssize_t i = 0; undo != NULL && i < PyList_GET_SIZE(undo); i++) {
        PyObject *item = PyList_GET_ITEM(undo, i);
        PyObject *holder = PyTuple_GET_ITEM(item, 0);
        if (PyWeakref_CheckRef(holder)) {
            holder = ((PyWeakReference *)holder)->wr_object;
        }
        PyObject *to = mf_map_get(&rebuild->pairs, holder);
        to = to ? to : mf_map_get(&rebuild->copied, holder);
        if (to != NULL && !PyType_Check(to) &&
            PyTuple_GET_ITEM(item, 2) != Py_NotImplemented &&
            mf_fields_set(NULL, to, PyTuple_GET_ITEM(item, 1),
                          PyTuple_GET_ITEM(item, 2)) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Staged classes are none of those that will live. What is left that refers
 * to one, and instances that staged code has made, go to the one made anew,
 * which is laid out like it. */
static int
take_staged(struct mf_rebuild *rebuild, struct mf_match *match)
{
    for (size_t i = 0; i < match->len; i++) {
        struct mf_pair *pair = &match->pairs[i];
        if (pair->kind != MF_PAIR_CLASS) {
            continue;
        }
        PyObject *to = mf_rebuild_new(rebuild, pair->old_obj);
        if (mf_map_put(&rebuild->staged, pair->new_obj, 1) < 0 ||
            ((to != pair->old_obj || pair->renew) &&
             mf_map_put(&rebuild->pairs, pair->new_obj, (uintptr_t)to) < 0)) {
            return -1;
        }
    }
    return 0;
}

int
mf_rebuild_copies(struct mf_rebuild *rebuild, struct mf_merge *merge,
                  PyTypeObject *cls)
{
    bool some = false;
    for (size_t i = 0; i < rebuild->n_routes; i++) {
        struct mf_rebuild_route *route = &rebuild->routes[i];
        if (route->in_place && !route->copies &&
            PyType_IsSubtype(route->from, cls)) {
            route->copies = some = true;
        }
    }
    return some && (make_instances(rebuild, merge) < 0 ||
                    restore(rebuild, merge->undo) < 0)
               ? -1
               : 0;
}

int
mf_rebuild_settle(struct mf_rebuild *rebuild, struct mf_merge *merge)
{
    PyObject *undo = rebuild->places.used > 0 ? merge->undo : NULL;
    for (Py_ssize_t i = 0; undo != NULL && i < PyList_GET_SIZE(undo); i++) {
        PyObject *item = PyList_GET_ITEM(undo, i);
        PyObject *holder = PyTuple_GET_ITEM(item, 0);
        PyObject *name = PyTuple_GET_ITEM(item, 1);
        if (PyWeakref_CheckRef(holder)) {
            holder = ((PyWeakReference *)holder)->wr_object;
        }
        struct mf_rebuild_route *route =
            mf_rebuild_place_of(rebuild, Py_TYPE(holder));
        bool other;
        if (route != NULL && !route->copies &&
            PyTuple_GET_ITEM(item, 2) != Py_NotImplemented &&
            mf_compat_fields_slot(route->to, name, &other) > 0 &&
            mf_merge_write(merge, MF_WRITE_ATTRIBUTE, holder, name,
                           PyTuple_GET_ITEM(item, 2)) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool
renews_some(const struct mf_match *match)
{
    for (size_t i = 0; i < match->len; i++) {
        if (match->pairs[i].renew) {
            return true;
        }
    }
    return false;
}

int
mf_rebuild_find(struct mf_rebuild *rebuild, struct mf_merge *merge)
{
    struct mf_vec family = {0};
    int rc = find_family(merge->match, &family);
    if (rc == 0) {
        rc = make_classes(rebuild, merge, &family);
    }
    bool some = family.len > 0 || renews_some(merge->match);
    mf_vec_clear_refs(&family);
    if (rc < 0 || !some || mf_report_reasons(merge->report) > 0) {
        return rc;
    }
    MF_TRACE(2, "%zu classes are made anew", rebuild->classes.len / 2);
    return take_staged(rebuild, merge->match) < 0 ||
                   mf_rebuild_renewed_find(rebuild, merge->match) < 0 ||
                   make_routes(rebuild) < 0 ||
                   mf_rebuild_kept_find(rebuild) < 0 ||
                   mf_rebuild_place_init(rebuild) < 0 ||
                   mf_rebuild_members(rebuild, merge) < 0 ||
                   make_instances(rebuild, merge) < 0
               ? -1
               : restore(rebuild, merge->undo);
}

/* ---- what the program does meanwhile -------------------------------------------- */

int
mf_rebuild_follow(struct mf_rebuild *rebuild, struct mf_merge *merge)
{
    struct mf_rebuild_route *route = NULL;
    struct mf_vec family = {0};
    int rc = find_family(merge->match, &family);
    for (size_t i = 0; rc == 0 && i < family.len; i++) {
        if (!mf_map_has(&rebuild->pairs, family.items[i])) {
            rc = mf_rebuild_refuse(merge->report, 420, family.items[i],
                        "it was made while the update ran code of the "
                        "program: ",
                        family.items[i]);
        }
    }
    mf_vec_clear_refs(&family);
    for (size_t i = 0; rc == 0 && i < rebuild->classes.len; i += 2) {
        rc = mf_rebuild_class_again(rebuild->classes.items[i + 1],
                                    rebuild->classes.items[i],
                                    rebuild->spaces.items[i / 2]);
    }
    for (size_t i = 0; rc == 0 && i < rebuild->instances.len; i += 2) {
        PyObject *old_obj = rebuild->instances.items[i];
        route = route_of(rebuild, old_obj, route);
        if (mf_map_has(&rebuild->members, old_obj)) {
            continue;
        }
        if (route == NULL) {
            return mf_rebuild_refuse(merge->report, 420, Py_TYPE(old_obj),
                          "an instance got another class while the update "
                          "ran code of the program: ",
                          (PyObject *)Py_TYPE(old_obj));
        }
        rc = mf_rebuild_copy_again(merge, route, old_obj,
                                   rebuild->instances.items[i + 1],
                                   rebuild->noted.items[i / 2]);
    }
    return rc < 0 || mf_report_reasons(merge->report) > 0 ||
                   make_instances(rebuild, merge) < 0
               ? rc
               : 0;
}
