/* edges.c -- the words of an object in which its references are.
 *
 * Owns the knowledge which memory belongs to an object of a given type. In:
 * an object. Out: addresses of words. Reads only; whether a word is a
 * reference is for the caller to say, by what traverse reported.
 */
#include "edges.h"

#include "../ground/compat_objects.h"
#include "../ground/compat_queue.h"

PyObject *
mf_edges_read(const struct mf_edge *edge)
{
    PyObject *word = *edge->slot;
    return edge->kind == MF_EDGE_STACK ? mf_compat_obj_untag(word) : word;
}

struct walk {
    mf_edges_visit visit;
    void *arg;
};

static int
give(const struct walk *walk, PyObject **slot, enum mf_edge_kind kind,
     PyObject *key)
{
    struct mf_edge edge = {.slot = slot, .kind = kind, .key = key};
    return walk->visit(&edge, walk->arg);
}

/* -- an object's own memory ----------------------------------------------- */

/* End of the memory that tp_basicsize and the items take. */
static size_t
own_size(PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);
    size_t size = (size_t)type->tp_basicsize;
    /* An int's size field holds its sign too; it has no references. */
    if (type->tp_itemsize > 0 && !PyLong_Check(obj)) {
        Py_ssize_t count = Py_SIZE(obj);
        size += (size_t)(count < 0 ? -count : count) *
                (size_t)type->tp_itemsize;
    }
    return size & ~(sizeof(PyObject *) - 1);
}

/* Where the words start that the rooms for special types do not own. */
static size_t
own_start(PyObject *obj)
{
    if (PyList_Check(obj)) {
        return sizeof(PyListObject);
    }
    if (PyAnySet_Check(obj)) {
        return sizeof(PySetObject);
    }
    if (PyWeakref_Check(obj)) {
        return sizeof(PyWeakReference);
    }
    if (mf_compat_obj_is_dict(obj)) {
        return sizeof(PyDictObject);
    }
    return sizeof(PyObject);
}

static int
own_words(PyObject *obj, const struct walk *walk)
{
    size_t start = own_start(obj);
    size_t end = own_size(obj);
    Py_ssize_t weak = Py_TYPE(obj)->tp_weaklistoffset;
    for (size_t at = start; at + sizeof(PyObject *) <= end;
         at += sizeof(PyObject *)) {
        if (weak > 0 && at == (size_t)weak) {
            continue;
        }
        int result = give(walk, (PyObject **)((char *)obj + at), MF_EDGE_WORD,
                          NULL);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* The word of an instance's dict, where it is not among its own words. */
static int
dict_word(PyObject *obj, const struct walk *walk)
{
    PyObject **slot = mf_compat_obj_managed_dict(obj);
    if (slot == NULL && Py_TYPE(obj)->tp_dictoffset < 0 &&
        !(mf_compat_obj_layout_flags(Py_TYPE(obj)) &
          Py_TPFLAGS_MANAGED_DICT)) {
        slot = _PyObject_GetDictPtr(obj);
        char *end = (char *)obj + own_size(obj);
        if (slot != NULL && (char *)slot < end) {
            slot = NULL; /* seen among its own words */
        }
    }
    return slot == NULL ? 0 : give(walk, slot, MF_EDGE_WORD, NULL);
}

static int
value_words(PyObject *obj, const struct walk *walk)
{
    Py_ssize_t count;
    PyObject **values = mf_compat_obj_values(obj, &count);
    for (Py_ssize_t i = 0; values != NULL && i < count; i++) {
        int result = give(walk, &values[i], MF_EDGE_VALUE, NULL);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* -- types with memory elsewhere ------------------------------------------ */

static int
list_words(PyObject *list, const struct walk *walk)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        int result = give(walk, &((PyListObject *)list)->ob_item[i],
                          MF_EDGE_WORD, NULL);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

static int
item_words(PyObject *dict, const struct walk *walk)
{
    if (mf_compat_obj_dict_embedded(dict)) {
        return 0; /* the instance's words */
    }
    Py_ssize_t places = mf_compat_obj_dict_places(dict);
    for (Py_ssize_t i = 0; i < places; i++) {
        struct mf_compat_item item;
        mf_compat_obj_dict_place(dict, i, &item);
        if (*item.value == NULL) {
            continue;
        }
        int result = give(walk, item.value, MF_EDGE_ITEM, *item.key);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

static int
frame_word(PyObject **slot, bool tagged, void *arg)
{
    return give(arg, slot, tagged ? MF_EDGE_STACK : MF_EDGE_WORD, NULL);
}

static int
link_words(PyObject **key, PyObject **result, Py_hash_t *hash, void *arg)
{
    (void)hash;
    int stop = give(arg, key, MF_EDGE_WORD, NULL);
    return stop != 0 ? stop : give(arg, result, MF_EDGE_WORD, NULL);
}

/* The type, or the base of it, that C code made under this name. A class of
 * the program never has a dot in its own name's first place in tp_name. */
static PyTypeObject *
base_named(PyObject *obj, const char *name)
{
    for (PyTypeObject *type = Py_TYPE(obj); type != NULL;
         type = type->tp_base) {
        if (strcmp(type->tp_name, name) == 0) {
            return type;
        }
    }
    return NULL;
}

/* Is this memory of ctypes? What it has of Python's objects there is not
 * counted: another object holds them. */
static bool
is_foreign(PyObject *obj)
{
    return PyObject_CheckBuffer(obj) &&
           base_named(obj, "_ctypes._CData") != NULL;
}

/* Words of an array or a structure that has objects; what a buffer's format
 * calls 'O'. Nothing of a subclass is asked. */
static int
foreign_words(PyObject *obj, const struct walk *walk)
{
    PyTypeObject *type = base_named(obj, "_ctypes._CData");
    Py_buffer view;
    if (type->tp_as_buffer == NULL ||
        type->tp_as_buffer->bf_getbuffer(obj, &view, PyBUF_FORMAT) < 0) {
        PyErr_Clear();
        return 0;
    }
    int result = 0;
    char *begin = view.buf, *end = begin + view.len;
    bool inside = begin >= (char *)obj && begin < (char *)obj + own_size(obj);
    bool some = view.format != NULL && strchr(view.format, 'O') != NULL;
    inside |= (uintptr_t)begin % sizeof(PyObject *) != 0; /* no objects */
    for (char *at = begin; some && !inside && result == 0 &&
                           at + sizeof(PyObject *) <= end;
         at += sizeof(PyObject *)) {
        result = give(walk, (PyObject **)at, MF_EDGE_WORD, NULL);
    }
    Py_DECREF(view.obj); /* a release would ask the subclass */
    return result;
}

/* A context's table holds a value beside its variable, which the collector
 * may not know and which keeps a borrowed copy of the value. */
static int
variable_word(PyObject *obj, void *arg)
{
    PyObject **copy = mf_compat_obj_context_copy(obj);
    return copy != NULL ? give(arg, copy, MF_EDGE_WORD, NULL) : 0;
}

static int
queue_word(PyObject **slot, void *arg)
{
    return give(arg, slot, MF_EDGE_WORD, NULL);
}

static bool
is_queue(PyObject *obj)
{
    return Py_TYPE(obj)->tp_weaklistoffset > 0 &&
           base_named(obj, "_queue.SimpleQueue") != NULL;
}

static bool
is_context_node(PyObject *obj)
{
    return Py_TYPE(obj)->tp_itemsize == sizeof(PyObject *) &&
           (strcmp(Py_TYPE(obj)->tp_name, "hamt_bitmap_node") == 0 ||
            strcmp(Py_TYPE(obj)->tp_name, "hamt_collision_node") == 0);
}

int
mf_edges_each(PyObject *obj, mf_edges_visit visit, void *arg)
{
    struct walk walk = {.visit = visit, .arg = arg};
    if (mf_compat_obj_has_frame(obj)) {
        return mf_compat_obj_frame_words(obj, frame_word, &walk);
    }
    int result = own_words(obj, &walk);
    if (result == 0) {
        result = dict_word(obj, &walk);
    }
    if (result == 0) {
        result = value_words(obj, &walk);
    }
    if (result == 0 && PyList_Check(obj)) {
        result = list_words(obj, &walk);
    }
    else if (result == 0 && mf_compat_obj_is_dict(obj)) {
        result = item_words(obj, &walk);
    }
    else if (result == 0 && PyWeakref_Check(obj)) {
        /* wr_object is no reference: see mf_become_weakrefs. */
        result = give(&walk, &((PyWeakReference *)obj)->wr_callback,
                      MF_EDGE_WORD, NULL);
    }
    else if (result == 0 && mf_edges_is_lru_cache(obj)) {
        result = mf_edges_lru_links(obj, link_words, &walk);
    }
    else if (result == 0 && is_context_node(obj)) {
        result = Py_TYPE(obj)->tp_traverse(obj, variable_word, &walk);
    }
    else if (result == 0 && is_foreign(obj)) {
        result = foreign_words(obj, &walk);
    }
    else if (result == 0 && is_queue(obj)) {
        result = mf_compat_queue_each(obj, queue_word, &walk);
    }
    return result;
}

bool
mf_edges_hides(PyObject *obj)
{
    return mf_compat_obj_has_frame(obj) || is_foreign(obj);
}

/* -- C types known by name ------------------------------------------------ */

bool
mf_edges_is_deque(PyObject *obj)
{
    /* A quick no for nearly everything. */
    if (Py_TYPE(obj)->tp_as_sequence == NULL ||
        Py_TYPE(obj)->tp_as_sequence->sq_ass_item == NULL ||
        PyList_Check(obj)) {
        return false;
    }
    return base_named(obj, "collections.deque") != NULL;
}

bool
mf_edges_is_lru_cache(PyObject *obj)
{
    if (Py_TYPE(obj)->tp_call == NULL ||
        Py_TYPE(obj)->tp_descr_get == NULL || PyFunction_Check(obj)) {
        return false;
    }
    return base_named(obj, "functools._lru_cache_wrapper") != NULL;
}

/* One link of an lru_cache: an untracked object; the wrapper itself starts
 * with one that closes the ring. */
struct lru_link {
    PyObject ob_base;
    struct lru_link *prev;
    struct lru_link *next;
    Py_hash_t hash;
    PyObject *key;
    PyObject *result;
};

int
mf_edges_lru_links(PyObject *cache, mf_edges_link visit, void *arg)
{
    struct lru_link *root = (struct lru_link *)cache;
    /* A cache without bound or without memory has an empty ring. */
    for (struct lru_link *link = root->next; link != NULL && link != root;
         link = link->next) {
        int result = visit(&link->key, &link->result, &link->hash, arg);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* -- probe ---------------------------------------------------------------- */

struct find {
    PyObject *wanted;
    int found;
};

static int
find_word(const struct mf_edge *edge, void *arg)
{
    struct find *find = arg;
    find->found += mf_edges_read(edge) == find->wanted;
    return 0;
}

static int
expect(PyObject *namespace, const char *expression, PyObject *wanted)
{
    PyObject *obj = PyRun_String(expression, Py_eval_input, namespace,
                                 namespace);
    if (obj == NULL) {
        return -1;
    }
    struct find find = {.wanted = wanted};
    mf_edges_each(obj, find_word, &find);
    Py_DECREF(obj);
    if (find.found == 0) {
        PyErr_Format(PyExc_RuntimeError,
                     "this Python keeps references in a way that is not "
                     "known: %s", expression);
        return -1;
    }
    return 0;
}

static const char probe_setup[] =
    "import functools\n"
    "class Plain: pass\n"
    "class Slots: __slots__ = ('a', 'b')\n"
    "def instance(cls):\n"
    "    made = cls()\n"
    "    made.a = 1\n"
    "    made.b = wanted\n"
    "    return made\n"
    "def generator():\n"
    "    kept = wanted\n"
    "    yield 1\n"
    "    return kept\n"
    "def started():\n"
    "    made = generator()\n"
    "    next(made)\n"
    "    return made\n"
    "def cached():\n"
    "    made = functools.lru_cache(maxsize=4)(lambda x: wanted)\n"
    "    made(1), made(2)\n"
    "    return made\n";

static const char *const probe_expressions[] = {
    "[1, wanted]",     "(1, wanted)",      "{'a': 1, 'b': wanted}",
    "{1: wanted}",     "instance(Plain)",  "instance(Slots)",
    "started()",       "cached()",         "property(wanted)",
    "slice(wanted, 1)",
};

int
mf_edges_probe(void)
{
    PyObject *namespace = PyDict_New();
    PyObject *wanted = PyList_New(0);
    PyObject *done = NULL;
    int result = -1;
    if (namespace == NULL || wanted == NULL ||
        PyDict_SetItemString(namespace, "__builtins__",
                             PyEval_GetBuiltins()) < 0 ||
        PyDict_SetItemString(namespace, "wanted", wanted) < 0) {
        goto release_namespace;
    }
    done = PyRun_String(probe_setup, Py_file_input, namespace, namespace);
    if (done == NULL) {
        goto release_namespace;
    }
    result = 0;
    for (size_t i = 0; result == 0 && i < Py_ARRAY_LENGTH(probe_expressions);
         i++) {
        result = expect(namespace, probe_expressions[i], wanted);
    }
release_namespace:
    if (namespace != NULL) {
        PyDict_Clear(namespace);
    }
    Py_XDECREF(done);
    Py_XDECREF(wanted);
    Py_XDECREF(namespace);
    return result;
}
