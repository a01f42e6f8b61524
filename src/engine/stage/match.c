/* match.c -- owns the pairs. In: a plan, a stage. Out: which live object each
 * staged one stands for, and which live functions take new code.
 *
 * Two ways to find a pair: by place (functions made from the old code object
 * of a statement, with those made from the new one), and by name (what the
 * statement's name was bound to, and is). Old functions are found through
 * what their name holds; a heap walk is due only where the code object's
 * reference count says that there are more.
 */
#include "match_parts.h"

#include "../ground/fault.h"
#include "../ground/trace.h"

/* ---- pairs ------------------------------------------------------------------ */

int
mf_match_add(struct mf_match *match, enum mf_pair_kind kind, PyObject *old_obj,
             PyObject *new_obj, struct mf_target *target, uint32_t delta)
{
    if (old_obj == new_obj || mf_map_has(&match->home, new_obj) ||
        (kind != MF_PAIR_PLACE && mf_map_has(&match->paired, old_obj))) {
        return 0;
    }
    if (match->len == match->cap) {
        size_t cap = match->cap ? match->cap * 2 : 32;
        struct mf_pair *more =
            mf_realloc(match->pairs, cap * sizeof(*match->pairs));
        if (more == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        match->pairs = more;
        match->cap = cap;
    }
    if (mf_map_put(&match->home, new_obj, (uintptr_t)old_obj) < 0 ||
        (kind != MF_PAIR_PLACE &&
         mf_map_put(&match->paired, old_obj, match->len + 1) < 0)) {
        return -1;
    }
    MF_TRACE(3, "pair kind %d: %s %p stands for %p", (int)kind,
             Py_TYPE(new_obj)->tp_name, (void *)new_obj, (void *)old_obj);
    struct mf_pair *pair = &match->pairs[match->len++];
    pair->kind = (uint8_t)kind;
    pair->old_obj = Py_NewRef(old_obj);
    pair->new_obj = Py_NewRef(new_obj);
    pair->target = target;
    pair->delta = delta;
    pair->place = NULL;
    pair->merged = pair->rebuild = pair->renew = false;
    return 1;
}

struct mf_pair *
mf_match_of_old(struct mf_match *match, PyObject *old_obj)
{
    uintptr_t *at = mf_map_find(&match->paired, old_obj);
    return at ? &match->pairs[*at - 1] : NULL;
}

bool
mf_match_is_fresh(const struct mf_match *match, PyObject *obj)
{
    return mf_map_has(&match->fresh, obj);
}

void
mf_match_clear(struct mf_match *match)
{
    for (size_t i = 0; i < match->len; i++) {
        Py_XDECREF(match->pairs[i].old_obj);
        Py_XDECREF(match->pairs[i].new_obj);
        Py_XDECREF(match->pairs[i].place);
    }
    mf_free(match->pairs);
    match->pairs = NULL;
    match->len = match->cap = 0;
    mf_map_clear(&match->home);
    mf_map_clear(&match->paired);
    mf_map_clear(&match->fresh);
    mf_vec_clear_refs(&match->codes_of);
    mf_vec_clear_refs(&match->caches);
    mf_vec_clear_refs(&match->fronts);
}

/* ---- what was staged --------------------------------------------------------------- */

static int
fresh_visit(PyObject *obj, void *arg)
{
    return mf_map_put(arg, obj, 1);
}

static int
pair_places(struct mf_match *match)
{
    struct mf_stage *stage = match->stage;
    for (size_t i = 0; i < stage->items.len; i++) {
        struct mf_staged *s = stage->items.items[i];
        if (mf_match_add(match, MF_PAIR_PLACE, s->live_dict, s->dict, NULL,
                         MF_UNIT_NONE) < 0 ||
            mf_match_add(match, MF_PAIR_PLACE, s->live, s->module, NULL,
                         MF_UNIT_NONE) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i + 1 < stage->clone_refs.len; i += 2) {
        if (mf_match_add(match, MF_PAIR_PLACE, stage->clone_refs.items[i],
                         stage->clone_refs.items[i + 1], NULL,
                         MF_UNIT_NONE) < 0) {
            return -1;
        }
    }
    return mf_match_add(match, MF_PAIR_PLACE, stage->real_builtins,
                        stage->builtins, NULL, MF_UNIT_NONE) < 0
               ? -1
               : 0;
}


/* Cells of one name, and what functools.wraps noted. */
static int
pair_inside_function(struct pairing *p, PyFunctionObject *a,
                     PyFunctionObject *b)
{
    if (a->func_closure != NULL && b->func_closure != NULL) {
        PyObject *xs = PyCode_GetFreevars((PyCodeObject *)a->func_code);
        PyObject *ys = PyCode_GetFreevars((PyCodeObject *)b->func_code);
        int rc = xs && ys ? 0 : -1;
        for (Py_ssize_t i = 0; rc == 0 && i < PyTuple_GET_SIZE(xs); i++) {
            for (Py_ssize_t j = 0; rc == 0 && j < PyTuple_GET_SIZE(ys); j++) {
                if (PyUnicode_Compare(PyTuple_GET_ITEM(xs, i),
                                      PyTuple_GET_ITEM(ys, j)) != 0) {
                    continue;
                }
                PyObject *c = PyTuple_GET_ITEM(a->func_closure, i);
                PyObject *d = PyTuple_GET_ITEM(b->func_closure, j);
                if (PyCell_GET(c) != NULL && PyCell_GET(d) != NULL) {
                    rc = mf_match_pair_values(p, PyCell_GET(c), PyCell_GET(d));
                }
            }
        }
        Py_XDECREF(xs);
        Py_XDECREF(ys);
        if (rc < 0) {
            return -1;
        }
    }
    if (a->func_dict != NULL && b->func_dict != NULL) {
        PyObject *x = PyDict_GetItemString(a->func_dict, "__wrapped__");
        PyObject *y = PyDict_GetItemString(b->func_dict, "__wrapped__");
        if (x != NULL && y != NULL) {
            return mf_match_pair_values(p, x, y);
        }
    }
    return 0;
}

static int
pair_member(struct pairing *p, PyObject *key, PyObject *old_obj,
            PyObject *new_obj)
{
    PyObject *outer = p->place;
    PyObject *inner = outer && PyUnicode_Check(key)
                          ? PyUnicode_FromFormat("%U.%U", outer, key)
                          : NULL;
    if (inner == NULL && PyErr_Occurred()) {
        return -1;
    }
    p->place = inner;
    int rc = mf_match_pair_values(p, old_obj, new_obj);
    p->place = outer;
    Py_XDECREF(inner);
    return rc;
}

static int
pair_inside_class(struct pairing *p, PyTypeObject *a, PyTypeObject *b)
{
    PyObject *key, *y;
    Py_ssize_t pos = 0;
    while (PyDict_Next(b->tp_dict, &pos, &key, &y)) {
        PyObject *x = PyDict_GetItemWithError(a->tp_dict, key);
        if (x != NULL && pair_member(p, key, x, y) < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : mf_match_pair_members(p, a, b);
}

struct children {
    PyObject *items[16];
    int len;
};

static int
collect_child(PyObject *obj, void *arg)
{
    struct children *c = arg;
    if (obj != NULL && c->len < (int)Py_ARRAY_LENGTH(c->items)) {
        c->items[c->len++] = obj;
    }
    return 0;
}

/* Descriptors, partials and the like: what they refer to, in order. */
static int
pair_inside_object(struct pairing *p, PyObject *a, PyObject *b)
{
    if (!PyObject_IS_GC(a) || Py_TYPE(a)->tp_traverse == NULL ||
        PyType_HasFeature(Py_TYPE(a), Py_TPFLAGS_HEAPTYPE) ||
        PyDict_Check(a) || PyModule_Check(a)) {
        return 0;
    }
    struct children x = {{0}, 0}, y = {{0}, 0};
    Py_TYPE(a)->tp_traverse(a, collect_child, &x);
    Py_TYPE(b)->tp_traverse(b, collect_child, &y);
    for (int i = 0; i < x.len && i < y.len; i++) {
        if (PyFunction_Check(x.items[i]) && PyFunction_Check(y.items[i]) &&
            mf_match_pair_values(p, x.items[i], y.items[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

bool
mf_match_is_cache(PyObject *obj)
{
    return strcmp(Py_TYPE(obj)->tp_name, "functools._lru_cache_wrapper") == 0;
}

/* Two caches: the functions behind them; what the old one knows is of the old
 * code. */
static int
pair_caches(struct pairing *p, PyObject *a, PyObject *b)
{
    PyObject *x = PyObject_GetAttrString(a, "__wrapped__");
    PyObject *y = x ? PyObject_GetAttrString(b, "__wrapped__") : NULL;
    int rc = y == NULL ? -1 : mf_match_pair_values(p, x, y);
    if (rc == 0 && mf_match_of_old(p->match, x) != NULL) {
        rc = mf_vec_push_ref(&p->match->caches, a);
    }
    Py_XDECREF(x);
    Py_XDECREF(y);
    return rc;
}

bool
mf_match_is_heap_class(PyObject *obj)
{
    return PyType_Check(obj) &&
           PyType_HasFeature((PyTypeObject *)obj, Py_TPFLAGS_HEAPTYPE);
}

int
mf_match_pair_values(struct pairing *p, PyObject *old_obj, PyObject *new_obj)
{
    if (old_obj == new_obj || p->depth > 20 ||
        !mf_match_is_fresh(p->match, new_obj) ||
        mf_match_is_fresh(p->match, old_obj)) {
        MF_TRACE(4, "no pair of %p with %p: %s", (void *)old_obj,
                 (void *)new_obj,
                 old_obj == new_obj ? "same"
                 : mf_match_is_fresh(p->match, new_obj) ? "old is new"
                                                        : "not staged");
        return 0;
    }
    int rc = 0;
    p->depth++;
    if (PyFunction_Check(old_obj) && PyFunction_Check(new_obj)) {
        int elsewhere = mf_match_stands_elsewhere(p, old_obj);
        rc = elsewhere != 0 ? -(elsewhere < 0)
                            : mf_match_add(p->match, MF_PAIR_FUNCTION, old_obj,
                                           new_obj, p->target, p->delta);
        if (rc == 1 && p->place != NULL &&
            mf_match_named(p->target->module->dict, p->place) == old_obj) {
            p->match->pairs[p->match->len - 1].place = Py_NewRef(p->place);
        }
        if (rc == 1) {
            rc = pair_inside_function(p, (PyFunctionObject *)old_obj,
                                      (PyFunctionObject *)new_obj);
        }
    }
    else if (mf_match_is_heap_class(old_obj) && mf_match_is_heap_class(new_obj)) {
        rc = mf_match_add(p->match, MF_PAIR_CLASS, old_obj, new_obj,
                          p->target, p->delta);
        if (rc == 1) {
            rc = pair_inside_class(p, (PyTypeObject *)old_obj,
                                   (PyTypeObject *)new_obj);
        }
    }
    else if (mf_match_is_cache(old_obj) && mf_match_is_cache(new_obj)) {
        rc = pair_caches(p, old_obj, new_obj);
    }
    else if (Py_TYPE(old_obj) == Py_TYPE(new_obj)) {
        rc = pair_inside_object(p, old_obj, new_obj);
    }
    p->depth--;
    return rc < 0 ? -1 : 0;
}

/* Which statement of the new text binds the name last: its delta, or NONE. */
static uint32_t
binder_of(struct mf_change *change, PyObject *name, bool *defines)
{
    struct mf_diff *diff = &change->diff;
    uint32_t found = MF_UNIT_NONE;
    *defines = false;
    while (mf_diff_binder(diff, MF_UNIT_NONE, name, found, &found) > 0) {
        struct mf_delta *d = &diff->deltas[found];
        const struct mf_unit *u = &diff->new_of.split->units[d->new_unit];
        if (u->name_len > 0 || d->runs) {
            *defines = u->name_len > 0 || (u->kind == MF_UNIT_BLOCK &&
                                           (u->flags & MF_UNIT_HAS_DEF));
            return found;
        }
    }
    PyErr_Clear();
    return MF_UNIT_NONE;
}

/* Does the unit define the name (not merely assign it)? */
static bool
unit_defines(const struct mf_compile_unit_of *of, uint32_t unit,
             const char *word, size_t len)
{
    const struct mf_unit *u = &of->split->units[unit];
    if (u->name_len > 0) {
        return u->name_len == len &&
               memcmp(PyBytes_AS_STRING(of->text->bytes) + u->name, word,
                      len) == 0;
    }
    return u->kind == MF_UNIT_BLOCK && (u->flags & MF_UNIT_HAS_DEF) &&
           mf_diff_may_bind(u, word, len);
}

/* The last statement of the old text that defines the name, or NONE. */
static uint32_t
old_definer(struct mf_change *change, PyObject *name)
{
    const struct mf_compile_unit_of *of = &change->diff.old_of;
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    uint32_t found = MF_UNIT_NONE;
    for (uint32_t i = of->split->first; word != NULL && i != MF_UNIT_NONE;
         i = of->split->units[i].next) {
        if (unit_defines(of, i, word, (size_t)len)) {
            found = i;
        }
    }
    PyErr_Clear();
    return found;
}

/* What lives was made by the old side of the statement that binds the name
 * now: the same statement, or one that is gone while this one came. */
static bool
same_statement(struct mf_change *change, uint32_t binder, uint32_t old_unit)
{
    struct mf_diff *diff = &change->diff;
    if (diff->deltas[binder].old_unit != MF_UNIT_NONE) {
        return diff->deltas[binder].old_unit == old_unit;
    }
    for (uint32_t i = 0; i < diff->len; i++) {
        if (diff->deltas[i].old_unit == old_unit) {
            return diff->deltas[i].new_unit == MF_UNIT_NONE;
        }
    }
    return true;
}

struct holders {
    PyObject *obj;
    Py_ssize_t held;
};

static int
count_holder(PyObject *obj, void *arg)
{
    struct holders *holders = arg;
    holders->held += obj == holders->obj;
    return 0;
}

/* References from staged objects besides the namespaces (defaults, items), and
 * our own, where a staged statement could reach it. */
static Py_ssize_t
held_by_fresh(struct mf_match *match, PyObject *obj)
{
    struct mf_effects *effects = &match->stage->effects;
    struct holders holders = {obj, 0};
    size_t at = 0;
    for (size_t i = 0; i < effects->len; i++) {
        holders.held += effects->items[i].holder == obj;
    }
    void *holder;
    uintptr_t value;
    while (mf_map_next(&match->fresh, &at, &holder, &value)) {
        bool space = false;
        for (size_t i = 0; i < match->stage->items.len && !space; i++) {
            struct mf_staged *staged = match->stage->items.items[i];
            space = holder == staged->dict;
        }
        traverseproc traverse = Py_TYPE((PyObject *)holder)->tp_traverse;
        if (!space && traverse != NULL) {
            traverse(holder, count_holder, &holders);
        }
    }
    return holders.held;
}

/* A container that the name's statement has made anew: how many references
 * the staging namespaces hold is all there are. (Dicts of plain data are not
 * tracked by the collector, so the suffix may not know them.) */
static bool
is_new_container(struct mf_match *match, PyObject *obj)
{
    if (mf_match_is_fresh(match, obj)) {
        return true;
    }
    Py_ssize_t held = 0;
    for (size_t i = 0; i < match->stage->items.len; i++) {
        struct mf_staged *staged = match->stage->items.items[i];
        PyObject *key, *value;
        Py_ssize_t pos = 0;
        while (PyDict_Next(staged->dict, &pos, &key, &value)) {
            held += value == obj;
        }
        pos = 0;
        while (PyDict_Next(staged->live_dict, &pos, &key, &value)) {
            if (value == obj) {
                return false;
            }
        }
    }
    if (Py_REFCNT(obj) > held) {
        held += held_by_fresh(match, obj);
    }
    return Py_REFCNT(obj) <= held;
}

/* Containers keep their identity: whoever holds the live one sees the merged
 * contents, under whatever names. */
static int
pair_container(struct mf_match *match, struct mf_staged *staged,
               PyObject *old_obj, PyObject *new_obj)
{
    if (Py_TYPE(old_obj) != Py_TYPE(new_obj) || old_obj == new_obj ||
        !(PyList_CheckExact(old_obj) || PyDict_CheckExact(old_obj) ||
          PySet_CheckExact(old_obj) || mf_source_is_partial(old_obj)) ||
        !is_new_container(match, new_obj)) {
        return 0;
    }
    return mf_match_add(match, MF_PAIR_DATA, old_obj, new_obj,
                        staged->target, MF_UNIT_NONE) < 0
               ? -1
               : 0;
}

bool
mf_match_defines(struct mf_change *change, PyObject *name)
{
    bool defines;
    uint32_t binder = binder_of(change, name, &defines);
    uint32_t old_unit = defines ? old_definer(change, name) : MF_UNIT_NONE;
    return old_unit != MF_UNIT_NONE &&
           same_statement(change, binder, old_unit);
}

/* An assigned function or class that the same place has made again
 * (`show = maker(fmt)`, `Point = namedtuple(...)`). */
static bool
made_alike(struct mf_target *target, PyObject *old_obj, PyObject *new_obj)
{
    if (PyFunction_Check(old_obj) && PyFunction_Check(new_obj)) {
        PyObject *a = PyFunction_GET_CODE(old_obj);
        PyObject *b = PyFunction_GET_CODE(new_obj);
        return a == b || mf_map_get(&target->exchange, a) == b;
    }
    if (mf_match_is_heap_class(old_obj) && mf_match_is_heap_class(new_obj)) {
        PyHeapTypeObject *a = (PyHeapTypeObject *)old_obj;
        PyHeapTypeObject *b = (PyHeapTypeObject *)new_obj;
        return PyUnicode_Compare(a->ht_qualname, b->ht_qualname) == 0;
    }
    return false;
}

static int
pair_names(struct mf_match *match, struct mf_staged *staged)
{
    PyObject *name, *how;
    Py_ssize_t pos = 0;
    while (PyDict_Next(staged->bound, &pos, &name, &how)) {
        PyObject *new_obj = PyDict_GetItemWithError(staged->dict, name);
        PyObject *old_obj = PyDict_GetItemWithError(staged->live_dict, name);
        if (new_obj == NULL || old_obj == NULL) {
            if (PyErr_Occurred()) {
                return -1;
            }
            continue;
        }
        PyObject *given =
            staged->kept ? PyDict_GetItemWithError(staged->kept, name) : NULL;
        if (pair_container(match, staged, old_obj,
                           given ? given : new_obj) < 0) {
            return -1;
        }
        if (mf_match_defines(staged->target->change, name)) {
            bool defines;
            uint32_t delta =
                binder_of(staged->target->change, name, &defines);
            struct pairing p = {match, staged->target, delta, 0, name};
            if (mf_match_pair_values(&p, old_obj, new_obj) < 0) {
                return -1;
            }
        }
        else if (made_alike(staged->target, old_obj, new_obj)) {
            struct pairing p = {match, staged->target, MF_UNIT_NONE, 0, name};
            if (mf_match_pair_values(&p, old_obj, new_obj) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* By place: one function of the old code, one staged function of the new. */
static int
pair_by_code(struct mf_match *match)
{
    struct mf_map by_new = {0}; /* new code -> staged function, 1: several */
    size_t at = 0;
    void *obj;
    uintptr_t value;
    int rc = 0;
    while (rc == 0 && mf_map_next(&match->fresh, &at, &obj, &value)) {
        if (!PyFunction_Check((PyObject *)obj) ||
            mf_map_has(&match->home, obj)) {
            continue;
        }
        PyObject *code = PyFunction_GET_CODE((PyObject *)obj);
        rc = mf_map_put(&by_new, code,
                        mf_map_has(&by_new, code) ? 1 : (uintptr_t)obj);
    }
    for (size_t i = 0; i < match->codes_of.len && rc == 0; i++) {
        PyObject *func = match->codes_of.items[i];
        PyObject *code = PyFunction_GET_CODE(func);
        for (size_t t = 0; t < match->plan->targets.len; t++) {
            struct mf_target *target = match->plan->targets.items[t];
            PyObject *newer = mf_map_get(&target->exchange, code);
            uintptr_t *staged = newer ? mf_map_find(&by_new, newer) : NULL;
            if (staged != NULL && *staged != 1 &&
                PyFunction_GET_GLOBALS(func) == target->module->dict) {
                rc = mf_match_add(match, MF_PAIR_FUNCTION, func,
                                  (PyObject *)*staged, target,
                                  MF_UNIT_NONE) < 0
                         ? -1
                         : 0;
                *staged = 1;
            }
        }
    }
    mf_map_clear(&by_new);
    return rc;
}

/* ---- renamed and moved definitions ---------------------------------------------------- */

/* A member that was added pairs by name only with what no other statement of
 * the class defines (two definitions of one name stay two). */
static bool
member_pairs(struct mf_member *member, PyObject *name)
{
    struct mf_diff *diff = &member->target->change->diff;
    struct mf_delta *own = &diff->deltas[member->delta];
    Py_ssize_t len;
    const char *word = PyUnicode_AsUTF8AndSize(name, &len);
    if (own->old_unit != MF_UNIT_NONE || word == NULL) {
        PyErr_Clear();
        return true;
    }
    for (uint32_t i = 0; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent == own->parent && d->old_unit != MF_UNIT_NONE &&
            d->new_unit != MF_UNIT_NONE &&
            unit_defines(&diff->old_of, d->old_unit, word, (size_t)len)) {
            return false;
        }
    }
    return true;
}

int
mf_match_run(struct mf_match *match, struct mf_plan *plan,
             struct mf_stage *stage)
{
    match->plan = plan;
    match->stage = stage;
    if (mf_match_find_functions(match) < 0) {
        return -1;
    }
    if (stage == NULL) {
        return 0;
    }
    if (!mf_heap_mark_known(&stage->mark)) {
        if (stage->mark.no_memory) {
            PyErr_NoMemory();
            return -1;
        }
        return mf_report_add(stage->report, 408, '=', NULL, NULL, NULL, 0,
                             "the garbage collector ran unseen while the "
                             "update was staged (gc.callbacks was emptied): "
                             "what staged code made cannot be told from what "
                             "lived; restart to take this edit");
    }
    if (mf_heap_mark_walk(&stage->mark, fresh_visit, &match->fresh) < 0 ||
        pair_places(match) < 0) {
        return -1;
    }
    for (size_t i = 0; i < stage->items.len; i++) {
        struct mf_staged *staged = stage->items.items[i];
        if (staged->target != NULL && pair_names(match, staged) < 0) {
            return -1;
        }
    }
    /* members that ran alone: what the name held, what it holds now */
    for (size_t i = 0; i < stage->members.len; i++) {
        struct mf_member *member = stage->members.items[i];
        struct pairing p = {
            match, member->target, member->delta, 0,
            ((PyHeapTypeObject *)member->cls)->ht_qualname};
        PyObject *key, *value;
        Py_ssize_t pos = 0;
        PyObject *dict = ((PyTypeObject *)member->cls)->tp_dict;
        while (PyDict_Next(member->set, &pos, &key, &value)) {
            PyObject *old_obj = PyDict_GetItemWithError(dict, key);
            if (old_obj != NULL && member_pairs(member, key) &&
                pair_member(&p, key, old_obj, value) < 0) {
                return -1;
            }
        }
    }
    return mf_match_pair_gone(match) < 0 ? -1 : pair_by_code(match);
}
