/* migrate.c -- owns what live instances of edited classes get. In: class
 * pairs, members that ran alone, both sides of __init__. Out: writes of
 * attributes for commit.
 *
 * __migrate__ runs in the staged namespace, where all names of the new text
 * are and classes are the live ones already, on a copy that is of the live
 * class: what it makes and keeps is the program's own. A method that it calls
 * on the copy is the one that lives until the commit.
 */
#include "migrate.h"

#include "../ground/compat.h"
#include "../ground/fault.h"
#include "../stage/fields.h"
#include "../stage/hooks_migrate.h"
#include "rebuild_parts.h"
#include "redefine_class.h"
#include "redefine_function.h"

#define MIGRATE "__migrate__"

/* One edited class. NULL: that side has none. */
struct edit {
    struct mf_target *target;
    PyTypeObject *cls;          /* the live one */
    PyTypeObject *fresh;        /* the staged one; NULL: members ran alone */
    PyObject *old_init, *new_init; /* functions */
    PyObject *old_code, *new_code; /* theirs */
    PyObject *old_fields, *new_fields; /* __dataclass_fields__ */
};

/* Borrowed; NULL without an exception if there is no such name. */
static PyObject *
in_class(PyTypeObject *cls, const char *name)
{
    PyObject *key = PyUnicode_InternFromString(name);
    PyObject *found =
        key ? PyDict_GetItemWithError(cls->tp_dict, key) : NULL;
    Py_XDECREF(key);
    return found;
}

static PyObject *
function_in_class(PyTypeObject *cls, const char *name)
{
    PyObject *found = in_class(cls, name);
    return found && PyFunction_Check(found) ? found : NULL;
}

/* ---- the hook ------------------------------------------------------------ */

/* What the class's own namespace will have by this name, borrowed; NULL
 * without an exception: nothing. */
static PyObject *
coming_in(struct mf_merge *merge, PyTypeObject *cls, PyObject *name)
{
    struct mf_class_change *change = mf_merge_class_change(merge, cls);
    if (change != NULL) {
        PyObject *found =
            change->set ? PyDict_GetItemWithError(change->set, name) : NULL;
        if (found != NULL || PyErr_Occurred()) {
            return found;
        }
        int gone = change->del ? PySequence_Contains(change->del, name) : 0;
        if (gone != 0) {
            return NULL;
        }
    }
    PyObject *dict = mf_compat_type_dict(cls);
    return dict ? PyDict_GetItemWithError(dict, name) : NULL;
}

/* The class's hook after the commit, borrowed; NULL: none. */
static PyObject *
coming_hook(struct mf_merge *merge, const struct edit *edit)
{
    PyObject *name = PyUnicode_InternFromString(MIGRATE);
    PyObject *mro = edit->fresh ? edit->fresh->tp_mro : edit->cls->tp_mro;
    PyObject *found = NULL;
    for (Py_ssize_t i = 0; name != NULL && mro != NULL && found == NULL &&
                           !PyErr_Occurred() && i < PyTuple_GET_SIZE(mro);
         i++) {
        PyObject *base = PyTuple_GET_ITEM(mro, i);
        PyObject *home = mf_map_get(&merge->match->home, base);
        if (home != NULL && PyType_Check(home)) {
            base = home;
        }
        found = coming_in(merge, (PyTypeObject *)base, name);
    }
    Py_XDECREF(name);
    return PyErr_Occurred() || found == Py_None ? NULL : found;
}

static PyObject *
cell_of_class(PyObject *name, void *cls)
{
    return PyUnicode_CompareWithASCIIString(name, "__class__") == 0
               ? PyCell_New(cls)
               : NULL;
}

/* The hook with its new code over the staged namespace: new reference; NULL
 * without an exception: there is none. */
static PyObject *
find_hook(struct mf_merge *merge, const struct edit *edit)
{
    PyObject *hook = coming_hook(merge, edit);
    if (hook == NULL || !PyFunction_Check(hook)) {
        return PyErr_Occurred() ? NULL : Py_XNewRef(hook);
    }
    struct mf_pair *pair = mf_match_of_old(merge->match, hook);
    PyFunctionObject *func =
        (PyFunctionObject *)(pair && PyFunction_Check(pair->new_obj)
                                 ? pair->new_obj
                                 : hook);
    PyObject *code = func->func_code, *newer = NULL;
    struct mf_plan *plan = merge->match->plan;
    for (size_t t = 0; pair == NULL && newer == NULL && t < plan->targets.len;
         t++) {
        struct mf_target *target = plan->targets.items[t];
        newer = mf_map_get(&target->exchange, code);
    }
    PyObject *closure = Py_XNewRef(func->func_closure);
    if (newer != NULL) {
        Py_CLEAR(closure);
        code = newer;
        if (PyCode_GetNumFree((PyCodeObject *)code) > 0) {
            closure = mf_redefine_function_closure(
                func, (PyCodeObject *)code, cell_of_class, edit->cls);
            if (closure == NULL) {
                if (!PyErr_Occurred()) {
                    PyErr_SetString(PyExc_TypeError,
                                    "__migrate__ needs a variable that the "
                                    "live one never captured");
                }
                return NULL;
            }
        }
    }
    struct mf_staged *staged =
        merge->stage ? mf_stage_of(merge->stage, func->func_globals) : NULL;
    PyObject *out = mf_stage_function_over(
        func, code, closure, staged ? staged->dict : func->func_globals);
    Py_XDECREF(closure);
    return out;
}

/* ---- one class ---------------------------------------------------------- */

static int
on_field(void *arg, PyObject *instance, PyObject *name, PyObject *value)
{
    return mf_merge_write(arg, MF_WRITE_ATTRIBUTE, instance, name, value);
}

/* Are there fields that the new side has no more? 1 / 0 / -1. */
static int
has_lost_fields(const struct edit *edit)
{
    struct mf_fields gone = {0};
    int rc = mf_fields_find(edit->cls, edit->new_code, edit->old_code,
                            edit->old_init, edit->new_fields,
                            edit->old_fields, &gone);
    if (rc == 0) {
        rc = gone.len > 0 ||
             (gone.unset != NULL && PyList_GET_SIZE(gone.unset) > 0);
    }
    mf_fields_clear(&gone);
    return rc;
}

static int
report_unset(struct mf_merge *merge, const struct edit *edit,
             struct mf_fields *fields)
{
    PyObject *qualname = ((PyHeapTypeObject *)edit->cls)->ht_qualname;
    Py_ssize_t n = fields->unset ? PyList_GET_SIZE(fields->unset) : 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (mf_report_add(merge->report, 305, '=',
                          edit->target->module->name, qualname,
                          edit->target->change->source->path, 0,
                          "%U.%U is new and has no value that could be given "
                          "to live instances",
                          qualname, PyList_GET_ITEM(fields->unset, i)) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Only memory is an error of our own. */
static int
refuse_class(struct mf_merge *merge, const struct edit *edit)
{
    if (PyErr_ExceptionMatches(PyExc_MemoryError)) {
        return -1;
    }
    return mf_report_exception(merge->report, 414,
                               edit->target->module->name,
                               ((PyHeapTypeObject *)edit->cls)->ht_qualname,
                               edit->target->change->source->path, 0);
}

/* ---- instances that are made anew ----------------------------------------- */

/* Is the i-th of the instances one of this class? A member of an enum is as
 * its statement says. */
static bool
is_one(struct mf_rebuild *rebuild, PyTypeObject *cls, size_t i)
{
    PyObject *old_obj = rebuild->instances.items[i];
    return PyType_IsSubtype(Py_TYPE(old_obj), cls) &&
           !mf_map_has(&rebuild->members, old_obj);
}

/* From the i-th on: the new fields go straight into the new ones. */
static int
fill_rebuilt(struct mf_merge *merge, struct mf_rebuild *rebuild,
             struct mf_fields *fields, PyTypeObject *cls, size_t i)
{
    struct mf_vec those = {0};
    const PyTypeObject *last = NULL; /* the last class that is one */
    int rc = i == 0 ? mf_rebuild_place_fill(rebuild, fields, cls) : 0;
    for (; rc == 0 && i < rebuild->instances.len; i += 2) {
        const PyTypeObject *type = Py_TYPE(rebuild->instances.items[i]);
        if ((type != last || rebuild->members.used > 0) &&
            !is_one(rebuild, cls, i)) {
            continue;
        }
        last = type;
        rc = rebuild->renewed.used > 0
                 ? mf_rebuild_take_result(rebuild, merge->report, i, NULL)
                 : 0;
        if (rc == 0 && fields->len > 0) {
            rc = mf_vec_push(&those, rebuild->instances.items[i + 1]);
        }
        if (mf_report_reasons(merge->report) > 0) {
            break;
        }
    }
    if (rc == 0) {
        rc = mf_fields_fill_those(fields, &those, mf_fields_set, NULL);
    }
    mf_vec_clear(&those);
    return rc;
}

static int
migrate_rebuilt(struct mf_merge *merge, struct mf_rebuild *rebuild,
                struct mf_hooks *hooks, struct mf_fields *fields,
                const struct edit *edit, PyObject *hook)
{
    PyTypeObject *fresh =
        (PyTypeObject *)mf_rebuild_new(rebuild, (PyObject *)edit->cls);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < rebuild->instances.len; i += 2) {
        PyObject *made = rebuild->instances.items[i + 1], *result = NULL;
        if (!is_one(rebuild, edit->cls, i)) {
            continue;
        }
        if (mf_fields_fill_one(fields, made, mf_fields_set, NULL) < 0) {
            return -1;
        }
        rc = mf_hooks_migrate(hooks, fresh, hook, made,
                              rebuild->instances.items[i], &result);
        if (rc == 0) {
            rc = mf_rebuild_take_result(rebuild, merge->report, i, result);
        }
        Py_XDECREF(result);
        if (mf_report_reasons(merge->report) > 0) {
            break;
        }
    }
    return rc < 0 ? -1 : 0;
}

/* ---- one edited class ---------------------------------------------------- */

struct one {
    struct edit edit;
    struct mf_fields fields;
    PyObject *hook;    /* strong, NULL: none */
    bool lost;         /* fields are gone */
    bool rebuilt;      /* its instances are made anew */
    struct mf_vec had; /* strong: instances that have been seen, if not */
};

struct all {
    struct mf_merge *merge;
    struct mf_hooks *hooks;
    struct mf_rebuild *rebuild;
    struct one *items;
    size_t len, cap;
    bool runs; /* code of the program will */
};

static void
clear_all(struct all *all)
{
    for (size_t i = 0; i < all->len; i++) {
        mf_fields_clear(&all->items[i].fields);
        mf_vec_clear_refs(&all->items[i].had);
        Py_XDECREF(all->items[i].hook);
    }
    mf_free(all->items);
}

static struct one *
add_one(struct all *all, const struct edit *edit)
{
    if (all->len == all->cap) {
        size_t cap = all->cap ? 2 * all->cap : 8;
        struct one *more = mf_realloc(all->items, cap * sizeof(*more));
        if (more == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        all->items = more;
        all->cap = cap;
    }
    struct one *one = &all->items[all->len++];
    *one = (struct one){.edit = *edit};
    return one;
}

/* What is to be done for one class. */
static int
find_class(struct all *all, const struct edit *edit)
{
    struct mf_rebuild *rebuild = all->rebuild;
    bool rebuilt =
        mf_rebuild_new(rebuild, (PyObject *)edit->cls) !=
            (PyObject *)edit->cls ||
        mf_map_has(&rebuild->renewed, edit->cls);
    if (edit->new_code == edit->old_code && edit->new_fields == NULL &&
        !rebuilt) {
        return 0;
    }
    struct one *one = add_one(all, edit);
    if (one == NULL) {
        return -1;
    }
    one->rebuilt = rebuilt;
    int lost = mf_fields_find(edit->cls, edit->old_code, edit->new_code,
                              edit->new_init, edit->old_fields,
                              edit->new_fields, &one->fields) < 0
                   ? -1
                   : has_lost_fields(edit);
    if (lost < 0) {
        return -1;
    }
    one->lost = lost > 0;
    one->hook = find_hook(all->merge, edit);
    if (one->hook == NULL && PyErr_Occurred()) {
        return refuse_class(all->merge, edit);
    }
    all->runs |= one->hook != NULL || mf_fields_run_code(&one->fields);
    return 0;
}

static int
migrate_class(struct all *all, struct one *one)
{
    struct edit *edit = &one->edit;
    struct mf_hooks_migration migration = {
        .write = on_field,
        .arg = all->merge,
        .hook = one->hook,
        .fields_changed = one->lost,
    };
    if (!one->rebuilt && all->runs &&
        mf_heap_instances_of(edit->cls, true, &one->had) < 0) {
        return -1;
    }
    int rc = one->rebuilt && one->hook == NULL
                 ? fill_rebuilt(all->merge, all->rebuild, &one->fields,
                                edit->cls, 0)
             : one->rebuilt
                 ? migrate_rebuilt(all->merge, all->rebuild, all->hooks,
                                   &one->fields, edit, one->hook)
                 : mf_hooks_migrate_all(all->hooks, &one->fields, edit->cls,
                                        edit->cls, &migration);
    if (rc < 0) {
        return refuse_class(all->merge, edit);
    }
    return one->hook == NULL ? report_unset(all->merge, edit, &one->fields)
                             : 0;
}

/* ---- instances made meanwhile --------------------------------------------- */

/* Those that `had` lacks, which has them from then on. */
static int
find_later(struct one *one, struct mf_vec *later)
{
    struct mf_map seen = {0};
    struct mf_vec now = {0};
    int rc = mf_heap_instances_of(one->edit.cls, true, &now) < 0 ||
                     mf_map_reserve(&seen, one->had.len) < 0
                 ? -1
                 : 0;
    for (size_t i = 0; rc == 0 && i < one->had.len; i++) {
        rc = mf_map_put(&seen, one->had.items[i], 1);
    }
    for (size_t i = 0; rc == 0 && i < now.len; i++) {
        if (!mf_map_has(&seen, now.items[i])) {
            rc = mf_vec_push_ref(&one->had, now.items[i]) < 0 ||
                         mf_vec_push(later, now.items[i]) < 0
                     ? -1
                     : 0;
        }
    }
    mf_map_clear(&seen);
    mf_vec_clear_refs(&now);
    return rc;
}

/* Hooks and factories make instances, too: they get the new fields, but no
 * hook is called for what a hook has made. 1: there were some; 0; -1. */
static int
migrate_later(struct all *all)
{
    struct mf_rebuild *rebuild = all->rebuild;
    size_t from = rebuild->instances.len;
    if (rebuild->pairs.used > 0 &&
        mf_rebuild_follow(rebuild, all->merge) < 0) {
        return -1;
    }
    bool some = rebuild->instances.len > from;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < all->len; i++) {
        struct one *one = &all->items[i];
        struct mf_vec later = {0};
        if (one->rebuilt) {
            rc = fill_rebuilt(all->merge, rebuild, &one->fields,
                              one->edit.cls, from);
        }
        else if (one->fields.len > 0) {
            rc = find_later(one, &later);
            some |= later.len > 0;
            rc = rc < 0 ? -1
                        : mf_fields_fill_those(&one->fields, &later, on_field,
                                               all->merge);
        }
        mf_vec_clear(&later);
        if (rc < 0) {
            rc = refuse_class(all->merge, &one->edit);
        }
    }
    return rc < 0 ? -1 : some;
}

/* ---- all ---------------------------------------------------------------- */

static int
find_pair(struct all *all, struct mf_pair *pair)
{
    struct mf_merge *merge = all->merge;
    struct edit edit = {.target = pair->target,
                        .cls = (PyTypeObject *)pair->old_obj,
                        .fresh = (PyTypeObject *)pair->new_obj};
    edit.old_init = function_in_class(edit.cls, "__init__");
    edit.new_init = function_in_class(edit.fresh, "__init__");
    /* brought home it may be the old function, to be given new code */
    struct mf_pair *own =
        edit.new_init ? mf_match_of_old(merge->match, edit.new_init) : NULL;
    if (own != NULL) {
        edit.new_init = own->new_obj;
    }
    if (edit.old_init != NULL) {
        edit.old_code = PyFunction_GET_CODE(edit.old_init);
    }
    if (edit.new_init != NULL) {
        edit.new_code = PyFunction_GET_CODE(edit.new_init);
    }
    edit.old_fields = in_class(edit.cls, "__dataclass_fields__");
    edit.new_fields = in_class(edit.fresh, "__dataclass_fields__");
    return PyErr_Occurred() ? -1 : find_class(all, &edit);
}

/* The class of an edited __init__ that is a member of its own. */
static int
find_member(struct all *all, struct mf_target *target, struct mf_delta *d)
{
    struct mf_merge *merge = all->merge;
    struct mf_diff *diff = &target->change->diff;
    const struct mf_unit *u = &diff->new_of.split->units[d->new_unit];
    const char *text = PyBytes_AS_STRING(diff->new_of.text->bytes);
    if (u->name_len != 8 || memcmp(text + u->name, "__init__", 8) != 0) {
        return 0;
    }
    PyObject *cls = mf_plan_live_class(target, &diff->deltas[d->parent]);
    if (cls == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    struct edit edit = {.target = target, .cls = (PyTypeObject *)cls};
    edit.old_init = function_in_class(edit.cls, "__init__");
    if (edit.old_init == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    edit.old_code = PyFunction_GET_CODE(edit.old_init);
    edit.new_init = edit.old_init;
    edit.new_code = mf_map_get(&target->exchange, edit.old_code);
    struct mf_pair *own = mf_match_of_old(merge->match, edit.old_init);
    if (own != NULL) {
        edit.new_init = own->new_obj;
        edit.new_code = PyFunction_GET_CODE(own->new_obj);
    }
    return edit.new_code != NULL ? find_class(all, &edit) : 0;
}

static int
find_all(struct all *all)
{
    struct mf_match *match = all->merge->match;
    int rc = 0;
    for (size_t i = 0; i < match->len && rc == 0; i++) {
        if (match->pairs[i].kind == MF_PAIR_CLASS) {
            rc = find_pair(all, &match->pairs[i]);
        }
    }
    for (size_t t = 0; t < match->plan->targets.len && rc == 0; t++) {
        struct mf_target *target = match->plan->targets.items[t];
        struct mf_diff *diff = &target->change->diff;
        for (uint32_t i = 0; i < diff->len && rc == 0; i++) {
            struct mf_delta *d = &diff->deltas[i];
            if (d->parent == MF_UNIT_NONE || d->old_unit == MF_UNIT_NONE ||
                d->new_unit == MF_UNIT_NONE ||
                diff->deltas[d->parent].kind != MF_DELTA_CLASS ||
                (d->kind != MF_DELTA_CODE && d->kind != MF_DELTA_RUN)) {
                continue;
            }
            rc = find_member(all, target, d);
        }
    }
    return rc;
}

int
mf_migrate_run(struct mf_merge *merge, struct mf_hooks *hooks,
               struct mf_rebuild *rebuild)
{
    enum { ROUNDS = 3 };
    struct all all = {.merge = merge, .hooks = hooks, .rebuild = rebuild};
    int rc = find_all(&all), ran = 0;
    for (size_t i = 0; rc == 0 && i < all.len; i++) {
        struct one *one = &all.items[i];
        if (one->rebuilt &&
            (one->hook != NULL || mf_fields_run_code(&one->fields))) {
            rc = mf_rebuild_copies(rebuild, merge, one->edit.cls);
        }
    }
    if (rc == 0 && all.runs) {
        rc = mf_rebuild_will_run(rebuild);
    }
    for (size_t i = 0; rc == 0 && i < all.len; i++) {
        rc = migrate_class(&all, &all.items[i]);
        ran |= all.items[i].hook != NULL;
    }
    int more = all.runs && rc == 0;
    for (int round = 0; more > 0 && mf_report_reasons(merge->report) == 0;
         round++) {
        more = migrate_later(&all);
        if (more > 0 && round == ROUNDS) {
            PyErr_SetString(PyExc_RuntimeError,
                            "giving instances their new fields makes more and "
                            "more of them");
            more = refuse_class(merge, &all.items[0].edit);
        }
    }
    clear_all(&all);
    return rc < 0 || more < 0 ? -1 : ran;
}
