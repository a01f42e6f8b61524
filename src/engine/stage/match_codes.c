/* match_codes.c -- owns the way from a changed code object to the live
 * functions made from it: through what its name holds, by a heap walk only
 * where the reference count says that there are more. In: exchange maps. Out:
 * functions and the caches in front of them.
 */
#include "match_parts.h"

#include "../ground/trace.h"
#include "../heap/frames.h"

struct search {
    struct mf_map wanted; /* live code -> functions found so far */
    struct mf_vec *found; /* strong functions */
    struct mf_map seen;   /* objects visited by the quick search */
    struct mf_vec *caches;
    struct mf_vec *fronts;
    PyObject *path[12];   /* what leads to where the quick search is, borrowed */
    int on_path;
    int budget;
    int depth;
};

struct late {
    struct mf_module *module;
    struct mf_vec codes;
};

static int
late_visit(PyObject *obj, void *arg)
{
    struct late *late = arg;
    if (!PyFunction_Check(obj) ||
        PyFunction_GET_GLOBALS(obj) != late->module->dict) {
        return 0;
    }
    PyCodeObject *code = (PyCodeObject *)PyFunction_GET_CODE(obj);
    if (PyUnicode_Compare(code->co_filename, late->module->source->path) !=
            0 ||
        PyUnicode_FindChar(code->co_qualname, '<', 0,
                           PyUnicode_GET_LENGTH(code->co_qualname), 1) > 0) {
        return PyErr_Occurred() ? -1 : 0;
    }
    for (size_t i = 0; i < late->codes.len; i++) {
        if (late->codes.items[i] == code) {
            return 0;
        }
    }
    return mf_vec_push(&late->codes, code);
}

static int
compare_lines(const void *a, const void *b)
{
    return (*(PyCodeObject *const *)a)->co_firstlineno -
           (*(PyCodeObject *const *)b)->co_firstlineno;
}

int
mf_match_find_codes(struct mf_module *module)
{
    if (module->codes != NULL) {
        return 0;
    }
    struct late late = {module, {0}};
    int rc = mf_heap_walk(late_visit, &late) < 0 ? -1 : 0;
    if (rc == 0) {
        if (late.codes.len > 1) {
            qsort(late.codes.items, late.codes.len, sizeof(void *),
                  compare_lines);
        }
        module->late = true;
        module->codes = PyList_New(0);
        rc = module->codes == NULL ? -1 : 0;
        for (size_t i = 0; i < late.codes.len && rc == 0; i++) {
            rc = PyList_Append(module->codes, late.codes.items[i]);
        }
    }
    mf_vec_clear(&late.codes);
    return rc;
}

/* Wrappers and descriptors that the name leads through. */
static int
note_fronts(struct search *search, PyObject *func)
{
    for (int i = 0; i < search->on_path; i++) {
        if (mf_vec_push_ref(search->fronts, search->path[i]) < 0) {
            return -1;
        }
        if (mf_vec_push_ref(search->fronts, func) < 0) {
            Py_DECREF(search->fronts->items[--search->fronts->len]);
            return -1;
        }
    }
    return 0;
}

static int
take_function(struct search *search, PyObject *obj)
{
    uintptr_t *count =
        mf_map_find(&search->wanted, PyFunction_GET_CODE(obj));
    if (count == NULL || mf_map_has(&search->seen, obj)) {
        return 0;
    }
    if (note_fronts(search, obj) < 0) {
        return -1;
    }
    *count += 1;
    return mf_map_put(&search->seen, obj, 1) < 0
               ? -1
               : mf_vec_push_ref(search->found, obj);
}

static int quick_visit(PyObject *obj, void *arg);

static int
descend(struct search *search, PyObject *obj)
{
    if (search->depth > 4 || search->budget-- <= 0 ||
        Py_TYPE(obj)->tp_traverse == NULL || !PyObject_IS_GC(obj)) {
        return 0;
    }
    search->depth++;
    int rc = Py_TYPE(obj)->tp_traverse(obj, quick_visit, search);
    search->depth--;
    return rc;
}

static int
behind_function(struct search *search, PyFunctionObject *func)
{
    if (func->func_closure != NULL &&
        descend(search, func->func_closure) != 0) {
        return -1;
    }
    PyObject *wrapped =
        func->func_dict ? PyDict_GetItemString(func->func_dict, "__wrapped__")
                        : NULL;
    search->depth++;
    int rc = wrapped ? quick_visit(wrapped, search) : 0;
    search->depth--;
    return rc;
}

static int
behind_object(struct search *search, PyObject *obj)
{
    if (strcmp(Py_TYPE(obj)->tp_name, "functools._lru_cache_wrapper") == 0) {
        size_t before = search->found->len;
        if (descend(search, obj) != 0) {
            return -1;
        }
        if (search->found->len > before &&
            mf_vec_push_ref(search->caches, obj) < 0) {
            return -1;
        }
        return 0;
    }
    return descend(search, obj);
}

/* From what a name holds to the functions behind it: through closures,
 * wrappers, descriptors. Namespaces, modules and classes are not entered. */
static int
quick_visit(PyObject *obj, void *arg)
{
    struct search *search = arg;
    if (obj == NULL || PyModule_Check(obj) || PyType_Check(obj) ||
        PyCode_Check(obj) || PyUnicode_Check(obj)) {
        return 0;
    }
    if (PyFunction_Check(obj)) {
        bool new_one = !mf_map_has(&search->seen, obj);
        if (take_function(search, obj) < 0) {
            return -1;
        }
        if (!new_one || search->depth > 4 || search->budget-- <= 0) {
            return 0;
        }
    }
    else if (PyDict_Check(obj) && search->depth > 1 &&
             PyDict_GET_SIZE(obj) > 32) {
        return 0; /* an instance's or function's dict: only small ones */
    }
    bool front = !PyDict_Check(obj) && !PyTuple_Check(obj) &&
                 !PyList_Check(obj) && !PyCell_Check(obj) &&
                 search->on_path < (int)Py_ARRAY_LENGTH(search->path);
    if (front) {
        search->path[search->on_path++] = obj;
    }
    int rc = PyFunction_Check(obj)
                 ? behind_function(search, (PyFunctionObject *)obj)
                 : behind_object(search, obj);
    search->on_path -= front;
    return rc;
}

/* What the changed definition's name holds: in the module or in the class. */
PyObject *
mf_match_named_value(struct mf_target *target, struct mf_delta *delta)
{
    struct mf_diff *diff = &target->change->diff;
    const struct mf_unit *u = &diff->old_of.split->units[delta->old_unit];
    const char *text = PyBytes_AS_STRING(diff->old_of.text->bytes);
    PyObject *space = target->module->dict;
    if (delta->parent != MF_UNIT_NONE) {
        PyObject *cls =
            mf_plan_live_class(target, &diff->deltas[delta->parent]);
        if (cls == NULL) {
            return NULL;
        }
        space = ((PyTypeObject *)cls)->tp_dict;
    }
    const char *name = text + u->name;
    size_t len = u->name_len;
    if (len == 0) {
        name = text + u->start + u->indent;
        while (len < u->end - u->start - u->indent &&
               (Py_ISALNUM(name[len]) || name[len] == '_' ||
                (unsigned char)name[len] >= 0x80)) {
            len++;
        }
    }
    PyObject *key = PyUnicode_FromStringAndSize(name, (Py_ssize_t)len);
    PyObject *value = key ? PyDict_GetItemWithError(space, key) : NULL;
    Py_XDECREF(key);
    return value;
}

static int
search_named(struct search *search, PyObject *value)
{
    search->budget = 400;
    search->depth = 0;
    if (PyType_Check(value)) {
        PyObject *key, *item;
        Py_ssize_t pos = 0;
        PyObject *dict = ((PyTypeObject *)value)->tp_dict;
        while (dict != NULL && PyDict_Next(dict, &pos, &key, &item)) {
            search->budget = 100;
            if (quick_visit(item, search) != 0) {
                return -1;
            }
        }
        return 0;
    }
    if (PyDict_Check(value) || PyList_Check(value) || PyTuple_Check(value)) {
        return descend(search, value);
    }
    return quick_visit(value, search);
}

/* Does the code object have holders that we do not know? Known are: our list
 * or the constants around it, the plan's reference, the functions found. */
static bool
has_more(struct mf_target *target, PyObject *code, uintptr_t found)
{
    Py_ssize_t known = 1 + 1 + (Py_ssize_t)found;
    (void)target;
    return Py_REFCNT(code) > known;
}

static bool
any_has_more(struct mf_match *match, struct search *search)
{
    void *code;
    uintptr_t value;
    for (size_t i = 0; i < match->plan->targets.len; i++) {
        struct mf_target *target = match->plan->targets.items[i];
        size_t at = 0;
        while (mf_map_next(&target->exchange, &at, &code, &value)) {
            if (has_more(target, code, *mf_map_find(&search->wanted, code))) {
                return true;
            }
        }
    }
    return false;
}

int
mf_match_find_functions(struct mf_match *match)
{
    struct search search = {0};
    search.found = &match->codes_of;
    search.caches = &match->caches;
    search.fronts = &match->fronts;
    int rc = 0;
    size_t at;
    void *code;
    uintptr_t value;
    for (size_t i = 0; i < match->plan->targets.len && rc == 0; i++) {
        struct mf_target *target = match->plan->targets.items[i];
        at = 0;
        while (rc == 0 &&
               mf_map_next(&target->exchange, &at, &code, &value)) {
            rc = mf_map_put(&search.wanted, code, 0);
        }
    }
    for (size_t i = 0; i < match->plan->targets.len && rc == 0; i++) {
        struct mf_target *target = match->plan->targets.items[i];
        struct mf_diff *diff = &target->change->diff;
        for (uint32_t d = 0; d < diff->len && rc == 0; d++) {
            struct mf_delta *delta = &diff->deltas[d];
            if (delta->old_unit == MF_UNIT_NONE ||
                delta->new_unit == MF_UNIT_NONE ||
                (delta->kind == MF_DELTA_SAME && !delta->runs)) {
                continue;
            }
            PyObject *live = mf_match_named_value(target, delta);
            if (live != NULL) {
                rc = search_named(&search, live);
            }
            rc = PyErr_Occurred() ? -1 : rc;
        }
    }
    bool more = rc == 0 && any_has_more(match, &search);
    if (more) {
        rc = mf_frames_add_running(&search.wanted);
        more = rc == 0 && any_has_more(match, &search);
    }
    if (more) {
        struct mf_vec all = {0};
        MF_TRACE(2, "heap walk for functions of changed code");
        rc = mf_heap_functions_of(&search.wanted, &all);
        for (size_t i = 0; i < all.len && rc == 0; i++) {
            rc = take_function(&search, all.items[i]);
        }
        mf_vec_clear(&all);
    }
    mf_map_clear(&search.wanted);
    mf_map_clear(&search.seen);
    return rc;
}
