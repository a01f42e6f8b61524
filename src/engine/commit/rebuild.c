/* rebuild.c -- owns the move of classes and instances to another layout. In:
 * pairs of classes, what merge decided. Out: new classes and instances, and
 * nobody who refers to the old ones.
 *
 * Who might hold an instance where no rewriting reaches it shows by its
 * reference count: what traverse reports over the whole heap, what running
 * frames hold and what we hold ourselves must be all there is.
 */
#include "rebuild.h"

#include "../ground/compat_frames.h"
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

static int
add_pair(struct mf_rebuild *rebuild, struct mf_vec *list, PyObject *old_obj,
         PyObject *new_obj)
{
    return mf_vec_push_ref(list, old_obj) < 0 ||
                   mf_vec_push_ref(list, new_obj) < 0 ||
                   mf_map_put(&rebuild->pairs, old_obj, (uintptr_t)new_obj) <
                       0
               ? -1
               : 0;
}

static int
refuse(struct mf_report *report, int code, PyTypeObject *cls,
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
static int
refuse_with(struct mf_report *report, PyTypeObject *cls, const char *why)
{
    if (PyErr_ExceptionMatches(PyExc_MemoryError)) {
        return -1;
    }
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    int rc = refuse(report, 420, cls, why, value ? value : Py_None);
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

static int
by_depth(const void *a, const void *b)
{
    PyTypeObject *x = *(PyTypeObject *const *)a;
    PyTypeObject *y = *(PyTypeObject *const *)b;
    Py_ssize_t n = PyTuple_GET_SIZE(x->tp_mro), m = PyTuple_GET_SIZE(y->tp_mro);
    return (n > m) - (n < m);
}

/* All classes to be made anew, bases first. Strong. */
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
    if (rc == 0 && family->len > 1) {
        qsort(family->items, family->len, sizeof(*family->items), by_depth);
    }
    return rc;
}

static struct mf_class_change *
change_of(struct mf_merge *merge, PyTypeObject *cls)
{
    for (size_t i = 0; i < merge->n_classes; i++) {
        if (merge->classes[i].old_class == cls) {
            return &merge->classes[i];
        }
    }
    return NULL;
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
    struct mf_class_change *change = change_of(merge, cls);
    if (PyType_IsSubtype(cls, &PyType_Type)) {
        return refuse(merge->report, 420, cls, "it is a metaclass: classes ",
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
        return refuse_with(merge->report, cls, "it cannot be made anew: ");
    }
    if (change != NULL) {
        change->rebuilt = true;
    }
    int rc = add_pair(rebuild, &rebuild->classes, (PyObject *)cls,
                      (PyObject *)made);
    Py_DECREF(made);
    return rc;
}

/* ---- instances ---------------------------------------------------------------- */

struct search {
    struct mf_rebuild *rebuild;
    struct mf_map seen;
    struct mf_vec found; /* strong */
    bool loose;          /* there are instances that no list holds */
};

static int
find_visit(PyObject *obj, void *arg)
{
    struct search *search = arg;
    if (!mf_map_has(&search->rebuild->pairs, Py_TYPE(obj)) ||
        mf_map_has(&search->rebuild->pairs, obj) ||
        mf_map_has(&search->seen, obj)) {
        return 0;
    }
    return mf_map_put(&search->seen, obj, 1) < 0 ||
                   mf_vec_push_ref(&search->found, obj) < 0
               ? -1
               : 0;
}

static int
walk_visit(PyObject *obj, void *arg)
{
    struct search *search = arg;
    if (search->loose &&
        Py_TYPE(obj)->tp_traverse(obj, find_visit, arg) < 0) {
        return -1;
    }
    return find_visit(obj, arg);
}

/* Instances without a new one: how many were found and made. */
static Py_ssize_t
make_instances(struct mf_rebuild *rebuild, struct mf_merge *merge)
{
    struct search search = {.rebuild = rebuild};
    for (size_t i = 0; i < rebuild->classes.len; i += 2) {
        PyTypeObject *cls = rebuild->classes.items[i];
        search.loose |= !PyType_IS_GC(cls);
    }
    int rc = mf_heap_walk(walk_visit, &search);
    for (size_t i = 0; rc == 0 && i < search.found.len; i++) {
        PyObject *old_obj = search.found.items[i];
        PyTypeObject *cls =
            (PyTypeObject *)mf_rebuild_new(rebuild,
                                           (PyObject *)Py_TYPE(old_obj));
        PyObject *made = mf_rebuild_blank(cls, old_obj);
        if (made == NULL) {
            rc = PyErr_Occurred() ? -1
                 : refuse(merge->report, 420, Py_TYPE(old_obj),
                          "its instances hold what only C code knows: ",
                          (PyObject *)cls->tp_base) < 0
                     ? -1
                     : 1;
            break;
        }
        PyObject *copied = mf_rebuild_copy(merge, old_obj, made);
        rc = copied == NULL ||
                     add_pair(rebuild, &rebuild->instances, old_obj, made) <
                         0 ||
                     mf_vec_push_ref(&rebuild->copied, copied) < 0
                 ? -1
                 : 0;
        Py_XDECREF(copied);
        Py_DECREF(made);
    }
    Py_ssize_t count = rc < 0 ? -1 : (Py_ssize_t)search.found.len;
    mf_vec_clear_refs(&search.found);
    mf_map_clear(&search.seen);
    return count;
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
        if (to != NULL && !PyType_Check(to) &&
            PyTuple_GET_ITEM(item, 2) != Py_NotImplemented &&
            mf_fields_set(NULL, to, PyTuple_GET_ITEM(item, 1),
                          PyTuple_GET_ITEM(item, 2)) < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_rebuild_find(struct mf_rebuild *rebuild, struct mf_merge *merge)
{
    struct mf_vec family = {0};
    int rc = find_family(merge->match, &family);
    for (size_t i = 0; rc == 0 && i < family.len; i++) {
        rc = make_class(rebuild, merge, family.items[i]);
        if (mf_report_reasons(merge->report) > 0) {
            break;
        }
    }
    bool some = family.len > 0;
    mf_vec_clear_refs(&family);
    if (rc < 0 || !some || mf_report_reasons(merge->report) > 0) {
        return rc;
    }
    MF_TRACE(2, "%zu classes are made anew", rebuild->classes.len / 2);
    for (size_t i = 0; i < merge->match->len; i++) {
        struct mf_pair *pair = &merge->match->pairs[i];
        if (pair->kind == MF_PAIR_CLASS &&
            mf_map_put(&rebuild->staged, pair->new_obj, 1) < 0) {
            return -1;
        }
    }
    return make_instances(rebuild, merge) < 0 ? -1
                                              : restore(rebuild, merge->undo);
}

/* ---- holders ------------------------------------------------------------------- */

/* What goes with the old ones. */
static bool
is_dying(struct mf_rebuild *rebuild, PyObject *holder)
{
    if (mf_map_has(&rebuild->pairs, holder) ||
        mf_map_has(&rebuild->staged, holder)) {
        return true;
    }
    if (Py_IS_TYPE(holder, &PyMemberDescr_Type) ||
        Py_IS_TYPE(holder, &PyGetSetDescr_Type)) {
        return mf_map_has(&rebuild->pairs, PyDescr_TYPE(holder));
    }
    for (size_t i = 0; PyTuple_CheckExact(holder) && i < rebuild->classes.len;
         i += 2) {
        PyTypeObject *cls = rebuild->classes.items[i];
        if (holder == cls->tp_mro || holder == cls->tp_bases) {
            return true;
        }
    }
    return holder == NULL;
}

struct frames {
    struct mf_rebuild *rebuild;
    struct mf_map *counts; /* counting, or */
    struct mf_undo *undo;  /* rewriting */
};

static void
word_back(PyObject *from, PyObject *to, intptr_t place)
{
    PyObject **slot = (PyObject **)place;
    *slot = mf_compat_obj_retag(*slot, Py_NewRef(from));
    Py_DECREF(to);
}

static void
borrowed_back(PyObject *from, PyObject *to, intptr_t place)
{
    PyObject **slot = (PyObject **)place;
    (void)to;
    *slot = mf_compat_obj_retag(*slot, from);
}

static int
frame_word(PyObject **slot, bool tagged, void *arg)
{
    struct frames *frames = arg;
    PyObject *from = tagged ? mf_compat_obj_untag(*slot) : *slot;
    PyObject *to = mf_map_get(&frames->rebuild->pairs, from);
    bool owns = !tagged || mf_compat_obj_tag_owns(*slot);
    if (to == NULL) {
        return 0;
    }
    if (frames->counts != NULL) {
        uintptr_t *count = owns ? mf_map_find(frames->counts, from) : NULL;
        if (count != NULL) {
            *count += 1;
            return 0;
        }
        return owns ? mf_map_put(frames->counts, from, 1) : 0;
    }
    if (mf_undo_inverse(frames->undo, owns ? word_back : borrowed_back, from,
                        to, (intptr_t)slot) < 0) {
        return -1;
    }
    *slot = tagged ? mf_compat_obj_retag(*slot, to) : to;
    if (owns) {
        Py_INCREF(to);
        Py_DECREF(from); /* the list holds it: never the last */
    }
    return 0;
}

/* References that our own structures hold. */
static uintptr_t
own_references(struct mf_rebuild *rebuild, struct mf_merge *merge,
               PyObject *obj)
{
    uintptr_t own = 1; /* the list's */
    (void)rebuild;
    for (size_t i = 0; i < merge->len; i++) {
        struct mf_write *w = &merge->writes[i];
        own += (w->holder == obj) + (w->key == obj) + (w->value == obj);
    }
    for (size_t i = 0; i < merge->match->len; i++) {
        struct mf_pair *pair = &merge->match->pairs[i];
        own += (pair->old_obj == obj) + (pair->new_obj == obj);
    }
    return own;
}

static int
check_counts(struct mf_rebuild *rebuild, struct mf_merge *merge,
             struct mf_vec *holders, struct mf_report *report)
{
    struct mf_map counts = {0};
    struct frames frames = {.rebuild = rebuild, .counts = &counts};
    int rc = mf_become_count(&rebuild->pairs, holders, &counts);
    rc = rc < 0 ? -1 : mf_compat_frames_running(frame_word, &frames);
    for (size_t i = 0; rc == 0 && i < rebuild->instances.len; i += 2) {
        PyObject *obj = rebuild->instances.items[i];
        uintptr_t *count = mf_map_find(&counts, obj);
        uintptr_t known = (count ? *count : 0) +
                          own_references(rebuild, merge, obj);
        if (!PyObject_IS_GC(obj)) {
            continue; /* untracked containers may hold it */
        }
        if ((uintptr_t)Py_REFCNT(obj) > known) {
            MF_TRACE(2, "%p: %zd references, %zu known", (void *)obj,
                     (Py_ssize_t)Py_REFCNT(obj), (size_t)known);
            rc = refuse(report, 423, Py_TYPE(obj),
                        "an instance is held where it cannot be replaced: by "
                        "C code, or in the middle of a call; ",
                        (PyObject *)Py_TYPE(obj));
            break;
        }
    }
    mf_map_clear(&counts);
    return rc;
}

static void
turn(struct mf_rebuild *rebuild, PyObject **word)
{
    if (*word != NULL) {
        PyObject *to = mf_rebuild_new(rebuild, *word);
        if (to != *word) {
            Py_SETREF(*word, Py_NewRef(to));
        }
    }
}

int
mf_rebuild_check(struct mf_rebuild *rebuild, struct mf_merge *merge,
                 struct mf_report *report)
{
    if (rebuild->classes.len == 0) {
        return 0;
    }
    for (int round = 0; rebuild->ran && round < 3; round++) {
        for (size_t i = 0; i < rebuild->instances.len; i += 2) {
            if (mf_rebuild_copy_again(rebuild->instances.items[i],
                                      rebuild->instances.items[i + 1],
                                      rebuild->copied.items[i / 2]) < 0) {
                return -1;
            }
        }
        Py_ssize_t more = make_instances(rebuild, merge);
        if (more <= 0) {
            if (more < 0) {
                return -1;
            }
            break;
        }
    }
    for (size_t i = 0; i < merge->len; i++) {
        turn(rebuild, &merge->writes[i].holder);
        turn(rebuild, &merge->writes[i].value);
    }
    struct mf_vec holders = {0};
    rebuild->become.pairs = &rebuild->pairs;
    int rc = mf_become_holders(&rebuild->pairs, NULL, &holders);
    for (size_t i = 0; rc == 0 && i < holders.len; i++) {
        PyObject *holder = holders.items[i];
        if (!is_dying(rebuild, holder) &&
            mf_become_check(&rebuild->become, holder) < 0) {
            rc = refuse_with(report, rebuild->classes.items[0], "");
            break;
        }
    }
    if (rc == 0 && mf_report_reasons(report) == 0) {
        rc = check_counts(rebuild, merge, &holders, report);
    }
    mf_vec_clear(&holders);
    return rc;
}

/* ---- apply -------------------------------------------------------------------- */

static void
hide_back(PyObject *cls)
{
    if (mf_redefine_class_show((PyTypeObject *)cls, NULL) < 0) {
        PyErr_WriteUnraisable(cls);
    }
}

static int
exchange_subclasses(struct mf_rebuild *rebuild, struct mf_undo *undo)
{
    for (size_t i = 0; i < rebuild->classes.len; i += 2) {
        PyObject *cls = rebuild->classes.items[i];
        if (mf_undo_call(undo, hide_back, cls) < 0 ||
            mf_redefine_class_hide((PyTypeObject *)cls) < 0 ||
            mf_redefine_class_show(rebuild->classes.items[i + 1], undo) < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_rebuild_apply(struct mf_rebuild *rebuild, struct mf_undo *undo)
{
    if (rebuild->classes.len == 0) {
        return 0;
    }
    struct mf_vec holders = {0};
    struct frames frames = {.rebuild = rebuild, .undo = undo};
    rebuild->become.undo = undo;
    int rc = mf_become_holders(&rebuild->pairs, NULL, &holders);
    if (rc == 0) {
        rc = exchange_subclasses(rebuild, undo);
    }
    for (size_t i = 0; rc == 0 && i < rebuild->instances.len; i += 2) {
        rc = mf_rebuild_take_dict(undo, rebuild->instances.items[i],
                                  rebuild->instances.items[i + 1]);
    }
    for (size_t i = 0; rc == 0 && i < holders.len; i++) {
        PyObject *holder = holders.items[i];
        if (mf_fault_step()) {
            rc = -1;
        }
        else if (!is_dying(rebuild, holder)) {
            rc = mf_become_object(&rebuild->become, holder);
        }
    }
    mf_vec_clear(&holders);
    if (rc < 0 || mf_compat_frames_running(frame_word, &frames) < 0 ||
        mf_become_weakrefs(&rebuild->become) < 0) {
        return -1;
    }
    return mf_become_rehash(&rebuild->become, NULL);
}

void
mf_rebuild_finish(struct mf_rebuild *rebuild)
{
    for (size_t i = 0; i < rebuild->instances.len; i += 2) {
        mf_compat_obj_finalized(rebuild->instances.items[i], true);
        mf_compat_obj_finalized(rebuild->instances.items[i + 1], false);
    }
    mf_become_clear(&rebuild->become);
}

void
mf_rebuild_clear(struct mf_rebuild *rebuild)
{
    mf_become_clear(&rebuild->become);
    mf_map_clear(&rebuild->pairs);
    mf_map_clear(&rebuild->staged);
    mf_vec_clear_refs(&rebuild->copied);
    mf_vec_clear_refs(&rebuild->instances);
    mf_vec_clear_refs(&rebuild->classes);
    memset(rebuild, 0, sizeof(*rebuild));
}
