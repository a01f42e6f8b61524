/* effects_about.c -- owns the question what an item of a registry is about.
 * In: an item, staged or live. Out: the live object that it registers, or the
 * item with live objects in it.
 */
#include "effects_about.h"

#include "../ground/compat.h"

enum { MAX_LEVEL = 4, MAX_ITEMS = 64 };

struct search {
    const struct mf_effects_homes *homes;
    struct mf_effects_about *about;
    PyTypeObject *type; /* of the object that is traversed: not looked at */
    bool instance;      /* that object's dict holds its attributes */
    bool staged;        /* look for what is staged, not for live objects */
    int level;
};

/* ---- records ------------------------------------------------------------------ */

static bool
is_const_of(PyObject *key, PyObject *consts)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(consts, i);
        if (item == key || (PyTuple_CheckExact(item) &&
                            is_const_of(key, item))) {
            return true; /* names among constants are interned */
        }
    }
    return false;
}

static bool
makes_record(PyCodeObject *code, PyObject *dict)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(dict, &pos, &key, &value)) {
        if (!PyUnicode_CheckExact(key) ||
            !is_const_of(key, code->co_consts)) {
            return false;
        }
    }
    return true;
}

bool
mf_effects_is_record(const struct mf_effects_homes *homes,
                     PyObject *container)
{
    struct mf_effects *effects = homes->effects;
    if (PyList_CheckExact(container)) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(container) &&
                               i < MAX_ITEMS;
             i++) {
            PyObject *item = PyList_GET_ITEM(container, i);
            if (PyUnicode_Check(item) || PyLong_Check(item) ||
                item == Py_None) {
                return true;
            }
        }
        return false;
    }
    if (!PyDict_CheckExact(container) || PyDict_GET_SIZE(container) == 0 ||
        PyDict_GET_SIZE(container) > MAX_ITEMS) {
        return false;
    }
    for (size_t i = 0; i < effects->keep.len; i++) {
        PyObject *code = effects->keep.items[i];
        if (PyCode_Check(code) &&
            (uintptr_t)mf_map_get(&effects->codes, code) == MF_CODE_CALLED &&
            makes_record((PyCodeObject *)code, container)) {
            return true;
        }
    }
    return false;
}

/* ---- what it is about ---------------------------------------------------------- */

static void look_at(PyObject *item, struct search *search);
static void look_into_dict(PyObject *dict, struct search *search);

static int
look_into(PyObject *item, void *arg)
{
    struct search *search = arg;
    if (item == NULL || item == (PyObject *)search->type ||
        search->about->live != NULL || search->level >= MAX_LEVEL) {
        return search->about->live != NULL;
    }
    PyTypeObject *type = search->type;
    bool instance = search->instance;
    bool attributes = instance && PyDict_CheckExact(item);
    search->instance = false;
    search->level++;
    if (attributes) {
        look_into_dict(item, search);
    }
    else {
        look_at(item, search);
    }
    search->level--;
    search->type = type;
    search->instance = instance;
    return search->about->live != NULL;
}

static void
traverse(PyObject *item, struct search *search)
{
    if (Py_TYPE(item)->tp_traverse != NULL) {
        search->type = Py_TYPE(item);
        Py_TYPE(item)->tp_traverse(item, look_into, search);
    }
}

static void
look_into_dict(PyObject *dict, struct search *search)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(dict, &pos, &key, &value) &&
           !look_into(key, search) && !look_into(value, search)) {
    }
}

static void
look_into_function(PyObject *item, struct search *search)
{
    PyFunctionObject *func = (PyFunctionObject *)item;
    PyObject *cells = func->func_closure;
    for (Py_ssize_t i = 0; cells && i < PyTuple_GET_SIZE(cells); i++) {
        PyObject *cell = PyTuple_GET_ITEM(cells, i);
        if (PyCell_Check(cell)) {
            look_into(PyCell_GET(cell), search);
        }
    }
    look_into(func->func_defaults, search);
    /* made by code that the statement calls, not by any other? */
    if (search->about->live != NULL &&
        !mf_map_has(&search->homes->effects->codes, func->func_code)) {
        search->about->direct = false;
    }
}

static void
look_into_instance(PyObject *item, struct search *search)
{
    PyTypeObject *type = Py_TYPE(item);
    if (type->tp_call != NULL &&
        (!PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) ||
         PyType_HasFeature(type, Py_TPFLAGS_IMMUTABLETYPE))) {
        traverse(item, search); /* bound methods, partials, wrappers */
    }
    else if (mf_map_has(&search->homes->effects->codes, type) &&
             search->level < MAX_LEVEL - 1) {
        /* of a class that the statement's code names: its attributes,
         * wherever they stand, but no attributes of attributes */
        int level = search->level;
        search->level = MAX_LEVEL - 2;
        search->instance = true;
        traverse(item, search);
        search->instance = false;
        search->level = level;
    }
}

static bool
is_staged_function(struct mf_effects *effects, PyObject *item)
{
    return PyFunction_Check(item) &&
           mf_map_has(&effects->foreign,
                      ((PyFunctionObject *)item)->func_globals);
}

static bool
is_staged_class(struct mf_effects *effects, PyTypeObject *type)
{
    PyObject *dict = PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)
                         ? mf_compat_type_dict(type)
                         : NULL;
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (dict != NULL && PyDict_Next(dict, &pos, &key, &value)) {
        if (is_staged_function(effects, value)) {
            return true;
        }
    }
    return false;
}

/* Sets live if the item is what the search is for. */
static bool
is_sought(PyObject *item, struct search *search)
{
    const struct mf_effects_homes *homes = search->homes;
    PyObject *found = NULL;
    if (search->staged) {
        PyTypeObject *type =
            PyType_Check(item) ? (PyTypeObject *)item : Py_TYPE(item);
        found = is_staged_function(homes->effects, item) ||
                        is_staged_class(homes->effects, type)
                    ? item
                    : NULL;
    }
    else {
        found = mf_map_get(homes->home, item);
        if (found == NULL && (mf_map_has(&homes->reruns->of, item) ||
                              mf_map_has(&homes->live, item))) {
            found = item;
        }
    }
    search->about->live = found;
    return found != NULL;
}

static void
look_at(PyObject *item, struct search *search)
{
    const struct mf_effects_homes *homes = search->homes;
    if (is_sought(item, search)) {
        return;
    }
    Py_ssize_t size;
    if (PyWeakref_Check(item)) {
        PyObject *to = ((PyWeakReference *)item)->wr_object;
        if (to != Py_None && Py_REFCNT(to) > 0) {
            look_into(to, search);
            search->about->weak = search->about->live != NULL;
        }
        return;
    }
    if (!PyObject_IS_GC(item) || PyModule_Check(item) || PyType_Check(item) ||
        PyCode_Check(item)) {
        return;
    }
    if (PyFunction_Check(item)) {
        look_into_function(item, search);
    }
    else if (PyTuple_Check(item) || PyFrozenSet_Check(item)) {
        traverse(item, search);
    }
    else if (mf_effects_container(item, &size) < 0) {
        look_into_instance(item, search);
    }
    else if (search->staged ? size <= MAX_ITEMS
                            : mf_effects_is_record(homes, item)) {
        if (PyDict_Check(item)) {
            look_into_dict(item, search);
        }
        else {
            traverse(item, search);
        }
    }
}

void
mf_effects_about(const struct mf_effects_homes *homes, struct mf_entry entry,
                 struct mf_effects_about *about)
{
    *about = (struct mf_effects_about){NULL, true, false};
    struct search search = {homes, about, NULL, false, false, 0};
    look_at(entry.key, &search);
    if (about->live == NULL && entry.value != NULL) {
        look_at(entry.value, &search);
    }
}

bool
mf_effects_has_staged(struct mf_effects *effects, struct mf_entry entry)
{
    struct mf_effects_homes homes = {.effects = effects};
    struct mf_effects_about about = {NULL, true, false};
    struct search search = {&homes, &about, NULL, false, true, 0};
    look_at(entry.key, &search);
    if (about.live == NULL && entry.value != NULL) {
        look_at(entry.value, &search);
    }
    return about.live != NULL;
}

bool
mf_effects_is_made(struct mf_entry entry, PyObject *live)
{
    return entry.value != NULL && live != NULL && PyType_Check(live) &&
           entry.key == live &&
           PyObject_TypeCheck(entry.value, (PyTypeObject *)live);
}

/* ---- plain data ----------------------------------------------------------------- */

static int
add_texts(PyObject *set, PyObject *consts, int level)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(consts, i);
        int rc = 0;
        if (PyUnicode_CheckExact(item)) {
            rc = PySet_Add(set, item);
        }
        else if (PyTuple_CheckExact(item) && level < MAX_LEVEL) {
            rc = add_texts(set, item, level + 1);
        }
        else if (PyCode_Check(item)) {
            PyCodeObject *code = (PyCodeObject *)item;
            rc = PySet_Add(set, code->co_name) < 0
                     ? -1
                     : PySet_Add(set, code->co_qualname);
        }
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_effects_read_texts(struct mf_effects_homes *homes)
{
    struct mf_effects *effects = homes->effects;
    homes->old_text = PySet_New(NULL);
    homes->new_text = PySet_New(NULL);
    if (homes->old_text == NULL || homes->new_text == NULL) {
        return -1;
    }
    for (size_t i = 0; i < effects->keep.len; i++) {
        PyCodeObject *code = effects->keep.items[i];
        uintptr_t found = (uintptr_t)mf_map_get(&effects->codes, code);
        PyObject *set = found == MF_CODE_OLD    ? homes->old_text
                        : found == MF_CODE_STEP ? homes->new_text
                                                : NULL;
        if (set != NULL && PyCode_Check(code) &&
            (add_texts(set, code->co_consts, 0) < 0 ||
             add_texts(set, code->co_names, 0) < 0)) {
            return -1;
        }
    }
    return 0;
}

void
mf_effects_homes_clear(struct mf_effects_homes *homes)
{
    mf_map_clear(&homes->live);
    Py_CLEAR(homes->old_text);
    Py_CLEAR(homes->new_text);
}

static bool
is_atom(PyObject *item)
{
    return item == Py_None || PyUnicode_CheckExact(item) ||
           PyLong_CheckExact(item) || PyBool_Check(item) ||
           PyFloat_CheckExact(item) || PyBytes_CheckExact(item) ||
           PyComplex_CheckExact(item) ||
           (PyType_Check(item) &&
            !PyType_HasFeature((PyTypeObject *)item, Py_TPFLAGS_HEAPTYPE));
}

/* Attributes of an instance of a class that the statement's code names,
 * borrowed, else NULL. */
static PyObject *
attributes_of(const struct mf_effects_homes *homes, PyObject *item)
{
    PyObject *dict = mf_map_has(&homes->effects->codes, Py_TYPE(item))
                         ? mf_effects_instance_dict(item)
                         : NULL;
    return dict != NULL && PyDict_CheckExact(dict) ? dict : NULL;
}

struct walk {
    const struct mf_effects_homes *homes;
    bool (*use)(PyObject *atom, struct walk *walk);
    PyObject *set;         /* texts to be found there */
    struct mf_entry other; /* or here */
    PyObject *atom;        /* or this one */
    bool any;
};

/* Calls use for each atom until it says false; false too if there is anything
 * but plain data (and instances, of whose attributes only the data count). */
static bool
each_atom(PyObject *item, int level, struct walk *walk)
{
    if (is_atom(item)) {
        return walk->use(item, walk);
    }
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    if (level >= MAX_LEVEL) {
        return false;
    }
    if (PyTuple_CheckExact(item) || PyList_CheckExact(item)) {
        Py_ssize_t n = PySequence_Fast_GET_SIZE(item), i = 0;
        while (i < n && i < MAX_ITEMS &&
               each_atom(PySequence_Fast_GET_ITEM(item, i), level + 1,
                         walk)) {
            i++;
        }
        return i == n;
    }
    if (PyDict_CheckExact(item) && PyDict_GET_SIZE(item) <= MAX_ITEMS) {
        while (PyDict_Next(item, &pos, &key, &value)) {
            if (!each_atom(key, level + 1, walk) ||
                !each_atom(value, level + 1, walk)) {
                return false;
            }
        }
        return true;
    }
    PyObject *dict = attributes_of(walk->homes, item);
    while (dict != NULL && PyDict_Next(dict, &pos, &key, &value)) {
        if (is_atom(value) && !walk->use(value, walk)) {
            return false;
        }
    }
    return dict != NULL;
}

static bool
each_atom_of(struct mf_entry entry, struct walk *walk)
{
    return each_atom(entry.key, 0, walk) &&
           (entry.value == NULL || each_atom(entry.value, 0, walk));
}

static bool
is_known_text(PyObject *atom, struct walk *walk)
{
    if (!PyUnicode_CheckExact(atom)) {
        return true;
    }
    walk->any = true;
    int known = PySet_Contains(walk->set, atom);
    PyErr_Clear();
    return known == 1;
}

bool
mf_effects_is_text(const struct mf_effects_homes *homes,
                   struct mf_entry entry, PyObject *set)
{
    struct walk walk = {homes, is_known_text, .set = set};
    return each_atom_of(entry, &walk) && walk.any;
}

static bool
is_other_text(PyObject *atom, struct walk *walk)
{
    return !PyUnicode_CheckExact(atom) ||
           PyUnicode_Compare(atom, walk->atom) != 0;
}

static bool
is_not_in(PyObject *atom, struct walk *walk)
{
    struct walk inner = {walk->homes, is_other_text, .atom = atom};
    return !PyUnicode_CheckExact(atom) || each_atom_of(walk->other, &inner);
}

bool
mf_effects_shares_text(const struct mf_effects_homes *homes,
                       struct mf_entry a, struct mf_entry b)
{
    struct walk walk = {homes, is_not_in, .other = b};
    return !each_atom_of(a, &walk);
}

static bool
same_data(const struct mf_effects_homes *homes, PyObject *a, PyObject *b,
          int level)
{
    if (a == b || Py_TYPE(a) != Py_TYPE(b)) {
        return a == b;
    }
    if (is_atom(a)) { /* builtin types: nothing of the program is asked */
        int same = PyObject_RichCompareBool(a, b, Py_EQ);
        PyErr_Clear();
        return same == 1;
    }
    if (level >= MAX_LEVEL) {
        return false;
    }
    if (PyTuple_CheckExact(a) || PyList_CheckExact(a)) {
        Py_ssize_t n = PySequence_Fast_GET_SIZE(a), i = 0;
        if (PySequence_Fast_GET_SIZE(b) != n) {
            return false;
        }
        while (i < n && same_data(homes, PySequence_Fast_GET_ITEM(a, i),
                                  PySequence_Fast_GET_ITEM(b, i),
                                  level + 1)) {
            i++;
        }
        return i == n;
    }
    if (!PyDict_CheckExact(a)) {
        a = attributes_of(homes, a);
        b = attributes_of(homes, b);
    }
    if (a == NULL || b == NULL || PyDict_GET_SIZE(a) != PyDict_GET_SIZE(b)) {
        return false;
    }
    PyObject *key, *value, *other_key, *other;
    Py_ssize_t pos = 0, at = 0;
    while (PyDict_Next(a, &pos, &key, &value) &&
           PyDict_Next(b, &at, &other_key, &other)) {
        if (!same_data(homes, key, other_key, level + 1) ||
            !same_data(homes, value, other, level + 1)) {
            return false;
        }
    }
    return true;
}

bool
mf_effects_same_data(const struct mf_effects_homes *homes, struct mf_entry a,
                     struct mf_entry b)
{
    return same_data(homes, a.key, b.key, 0) &&
           (a.value == NULL || b.value == NULL
                ? a.value == b.value
                : same_data(homes, a.value, b.value, 0));
}

/* ---- brought home ----------------------------------------------------------------- */

static bool
has_staged(const struct mf_effects_homes *homes, PyObject *item, int level)
{
    if (mf_map_has(homes->home, item)) {
        return true;
    }
    for (Py_ssize_t i = 0; PyTuple_Check(item) && level < MAX_LEVEL &&
                           i < PyTuple_GET_SIZE(item);
         i++) {
        if (has_staged(homes, PyTuple_GET_ITEM(item, i), level + 1)) {
            return true;
        }
    }
    return false;
}

/* A named tuple of its own class, whatever __new__ that has; one with
 * attributes of its own is left to become. */
static PyObject *
like_tuple(const struct mf_effects_homes *homes, PyObject *plain,
           PyObject *item)
{
    PyTypeObject *type = Py_TYPE(item);
    PyObject *home = mf_map_get(homes->home, type);
    if (home != NULL && PyType_Check(home)) {
        type = (PyTypeObject *)home;
    }
    if (type->tp_dictoffset != 0 ||
        PyType_HasFeature(type, Py_TPFLAGS_MANAGED_DICT) ||
        !PyType_IsSubtype(type, &PyTuple_Type)) {
        return Py_NewRef(item);
    }
    PyObject *args = PyTuple_Pack(1, plain);
    PyObject *made = args ? PyTuple_Type.tp_new(type, args, NULL) : NULL;
    Py_XDECREF(args);
    return made;
}

/* A weak reference to a staged object would die with it. */
static PyObject *
weak_home(const struct mf_effects_homes *homes, PyObject *item)
{
    PyWeakReference *ref = (PyWeakReference *)item;
    PyObject *home = mf_map_get(homes->home, ref->wr_object);
    return home ? PyWeakref_NewRef(home, ref->wr_callback) : Py_NewRef(item);
}

static PyObject *
bring_home(const struct mf_effects_homes *homes, PyObject *item, int level)
{
    PyObject *home = mf_map_get(homes->home, item);
    if (home == NULL && PyWeakref_CheckRefExact(item)) {
        return weak_home(homes, item);
    }
    if (home != NULL || !PyTuple_Check(item) ||
        !has_staged(homes, item, level)) {
        return Py_NewRef(home ? home : item);
    }
    Py_ssize_t n = PyTuple_GET_SIZE(item);
    PyObject *plain = PyTuple_New(n);
    for (Py_ssize_t i = 0; plain != NULL && i < n; i++) {
        PyObject *part =
            bring_home(homes, PyTuple_GET_ITEM(item, i), level + 1);
        if (part == NULL) {
            Py_CLEAR(plain);
            break;
        }
        PyTuple_SET_ITEM(plain, i, part);
    }
    if (plain == NULL || PyTuple_CheckExact(item)) {
        return plain;
    }
    PyObject *made = like_tuple(homes, plain, item);
    Py_DECREF(plain);
    return made;
}

PyObject *
mf_effects_bring_home(const struct mf_effects_homes *homes, PyObject *item)
{
    return bring_home(homes, item, 0);
}
