/* graph.c -- owns the import edges. In: split texts. Out: edges with absolute
 * names, and the reverse index module -> sources that import it.
 */
#include "graph.h"
#include "imports.h"

#include "../ground/fault.h"

struct collector {
    struct mf_edges *edges;
    PyObject *package; /* absolute name that one leading dot stands for */
    uint32_t unit;
};

/* A dotted name as written, blanks inside taken out. */
static PyObject *
clean_name(const char *p, uint32_t len)
{
    char small[256];
    uint32_t n = 0;
    if (len >= sizeof(small)) {
        return PyUnicode_FromStringAndSize(p, len);
    }
    for (uint32_t i = 0; i < len; i++) {
        if (!Py_ISSPACE(p[i]) && p[i] != '\\') {
            small[n++] = p[i];
        }
    }
    PyObject *name = PyUnicode_FromStringAndSize(small, n);
    if (name != NULL) {
        PyUnicode_InternInPlace(&name);
    }
    return name;
}

/* Absolute name of "level dots + module" seen from a package. */
static PyObject *
absolute_name(PyObject *package, uint32_t level, PyObject *module)
{
    if (level == 0) {
        return Py_NewRef(module);
    }
    PyObject *base = Py_NewRef(package);
    for (uint32_t i = 1; i < level; i++) {
        Py_ssize_t dot = PyUnicode_FindChar(base, '.', 0,
                                            PyUnicode_GET_LENGTH(base), -1);
        if (dot < 0) {
            break;
        }
        Py_SETREF(base, PyUnicode_Substring(base, 0, dot));
        if (base == NULL) {
            return NULL;
        }
    }
    if (PyUnicode_GET_LENGTH(module) == 0) {
        return base;
    }
    PyObject *full = PyUnicode_FromFormat("%U.%U", base, module);
    Py_DECREF(base);
    return full;
}

static int
add_edge(const struct mf_import *import, void *arg)
{
    struct collector *c = arg;
    struct mf_edges *edges = c->edges;
    if (edges->len == edges->cap) {
        uint32_t cap = edges->cap ? edges->cap * 2 : 16;
        struct mf_edge *more =
            mf_realloc(edges->items, cap * sizeof(*edges->items));
        if (more == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        edges->items = more;
        edges->cap = cap;
    }
    struct mf_edge edge = {0};
    PyObject *module = clean_name(import->module, import->module_len);
    if (module == NULL) {
        return -1;
    }
    edge.module = absolute_name(c->package, import->level, module);
    Py_DECREF(module);
    if (edge.module == NULL) {
        return -1;
    }
    PyUnicode_InternInPlace(&edge.module);
    if (import->name != NULL) {
        edge.name = clean_name(import->name, import->name_len);
    }
    if (import->as != NULL) {
        edge.as = clean_name(import->as, import->as_len);
    }
    edge.unit = c->unit;
    edge.line = import->line;
    edge.nested = import->nested;
    edge.guarded = import->guarded;
    edges->items[edges->len++] = edge;
    if ((import->name != NULL && edge.name == NULL) ||
        (import->as != NULL && edge.as == NULL)) {
        return -1;
    }
    return 0;
}

int
mf_graph_edges(const struct mf_text *text, const struct mf_split *split,
               PyObject *module_name, bool is_package, struct mf_edges *edges)
{
    PyObject *package = Py_NewRef(module_name);
    if (!is_package) {
        Py_ssize_t dot =
            PyUnicode_FindChar(module_name, '.', 0,
                               PyUnicode_GET_LENGTH(module_name), -1);
        Py_SETREF(package,
                  PyUnicode_Substring(module_name, 0, dot < 0 ? 0 : dot));
        if (package == NULL) {
            return -1;
        }
    }
    struct collector c = {edges, package, 0};
    int rc = 0;
    for (uint32_t i = split->first; i != MF_UNIT_NONE && rc == 0;
         i = split->units[i].next) {
        const struct mf_unit *u = &split->units[i];
        c.unit = i;
        if (u->kind == MF_UNIT_IMPORT || u->kind == MF_UNIT_FROM ||
            (u->flags & MF_UNIT_HAS_IMPORT)) {
            rc = mf_split_imports(PyBytes_AS_STRING(text->bytes), split, i,
                                  add_edge, &c);
        }
    }
    Py_DECREF(package);
    if (rc != 0) {
        mf_edges_clear(edges);
        return -1;
    }
    return 0;
}

void
mf_edges_clear(struct mf_edges *edges)
{
    for (uint32_t i = 0; i < edges->len; i++) {
        Py_XDECREF(edges->items[i].module);
        Py_XDECREF(edges->items[i].name);
        Py_XDECREF(edges->items[i].as);
    }
    mf_free(edges->items);
    memset(edges, 0, sizeof(*edges));
}

/* ---- the reverse index ------------------------------------------------- */

int
mf_graph_index_under(PyObject *index, PyObject *key, size_t number)
{
    PyObject *list = PyDict_GetItemWithError(index, key);
    if (list == NULL) {
        list = PyErr_Occurred() ? NULL : PyList_New(0);
        if (list == NULL || PyDict_SetItem(index, key, list) < 0) {
            Py_XDECREF(list);
            return -1;
        }
        Py_DECREF(list);
    }
    Py_ssize_t low = 0, high = PyList_GET_SIZE(list);
    while (low < high) {
        Py_ssize_t middle = (low + high) / 2;
        size_t there = PyLong_AsSize_t(PyList_GET_ITEM(list, middle));
        if (there == number) {
            return 0;
        }
        if (there < number) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    PyObject *item = PyLong_FromSize_t(number);
    int rc = item ? PyList_Insert(list, low, item) : -1;
    Py_XDECREF(item);
    return rc < 0 ? -1 : 1;
}

/* 1: the index knows something new; 0; -1 */
static int
index_source(struct mf_state *state, struct mf_source *source)
{
    /* a main module, or one of another loader: nobody has told of it */
    if (source->text.bytes == NULL ||
        mf_imports_look_up(state, source) < 0) {
        return source->text.bytes == NULL ? 0 : -1;
    }
    if (source->modules.len == 0) {
        return 0;
    }
    if (mf_source_split(source) < 0) {
        return -1;
    }
    struct mf_module *module = source->modules.items[0];
    struct mf_edges edges = {0};
    PyObject *index = state->importers;
    bool more = false, renamed = source->renames;
    int rc = mf_graph_edges(&source->text, &source->split, module->name,
                            mf_source_is_package(module), &edges);
    for (uint32_t i = 0; i < edges.len && rc >= 0; i++) {
        struct mf_edge *edge = &edges.items[i];
        if (edge->nested) {
            continue;
        }
        source->renames |= edge->name != NULL && edge->as != NULL &&
                           PyUnicode_Compare(edge->name, edge->as) != 0;
        rc = mf_graph_index_under(index, edge->module, source->number);
        more |= rc > 0;
        /* the name may be a submodule; and a plain import of a.b.c binds and
         * reaches a and a.b too */
        if (rc >= 0 && edge->name != NULL) {
            PyObject *sub = PyUnicode_FromFormat("%U.%U", edge->module,
                                                 edge->name);
            rc = sub ? mf_graph_index_under(index, sub, source->number) : -1;
            more |= rc > 0;
            Py_XDECREF(sub);
        }
    }
    mf_edges_clear(&edges);
    state->graph_edition += more || renamed != source->renames;
    if (rc >= 0) {
        rc = mf_graph_index_reach(state, source);
    }
    source->is_indexed = rc >= 0; /* else the next update tries again */
    return rc < 0 ? -1 : 0;
}

/* Every source that has text and a module comes into the index. */
static int
index_all(struct mf_state *state)
{
    struct mf_vec *left = &state->unindexed;
    size_t kept = 0, i = 0;
    int rc = 0;
    for (; i < left->len; i++) {
        struct mf_source *source = left->items[i];
        rc = rc == 0 ? index_source(state, source) : rc;
        if (!source->is_indexed) {
            left->items[kept++] = source;
        }
    }
    left->len = kept;
    return rc;
}

PyObject *
mf_graph_importers(struct mf_state *state, PyObject *module_name)
{
    return state->unindexed.len > 0 && index_all(state) < 0
               ? NULL
               : PyDict_GetItemWithError(state->importers, module_name);
}

int
mf_graph_each_importer(struct mf_state *state, PyObject *module_name,
                       mf_graph_importer visit, void *arg)
{
    PyObject *list = Py_XNewRef(mf_graph_importers(state, module_name));
    int rc = PyErr_Occurred() ? -1 : 0;
    for (Py_ssize_t i = 0; rc == 0 && list && i < PyList_GET_SIZE(list);
         i++) {
        size_t at = PyLong_AsSize_t(PyList_GET_ITEM(list, i));
        struct mf_source *source = state->sources.items[at];
        rc = source->modules.len > 0 ? visit(source, arg) : 0;
    }
    Py_XDECREF(list);
    return rc;
}

/* What is known of a list of importers, a new tuple: the indexes of those that
 * have to be asked about any name; those of modules that are imported
 * themselves, so that others may have a name from them; the names that
 * import-time code of the rest uses. */
static PyObject *
attentive_of(struct mf_state *state, PyObject *list)
{
    PyObject *always = PyList_New(0), *passing = PySet_New(NULL);
    PyObject *names = PySet_New(NULL);
    int rc = always && passing && names ? 0 : -1;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(list); i++) {
        PyObject *number = PyList_GET_ITEM(list, i);
        struct mf_source *source =
            state->sources.items[PyLong_AsSize_t(number)];
        struct mf_module *module =
            source->modules.len > 0 ? source->modules.items[0] : NULL;
        if (module == NULL) {
            continue;
        }
        if (source->renames || module->loads == NULL) {
            rc = PyList_Append(always, number);
            continue;
        }
        int passes = PyDict_Contains(state->importers, module->name);
        PyObject *done =
            PyObject_CallMethod(names, "update", "O", module->loads);
        rc = passes < 0 || done == NULL ? -1
             : passes                   ? PySet_Add(passing, number)
                                        : 0;
        Py_XDECREF(done);
    }
    PyObject *all = rc == 0 ? PyTuple_Pack(3, always, passing, names) : NULL;
    Py_XDECREF(always);
    Py_XDECREF(passing);
    Py_XDECREF(names);
    return all;
}

static PyObject *
known_attentive(struct mf_state *state, PyObject *module_name, PyObject *list)
{
    if (state->attentive_edition != state->graph_edition) {
        PyDict_Clear(state->attentive);
        state->attentive_edition = state->graph_edition;
    }
    PyObject *known = PyDict_GetItemWithError(state->attentive, module_name);
    if (known != NULL || PyErr_Occurred()) {
        return known;
    }
    known = attentive_of(state, list);
    int rc = known ? PyDict_SetItem(state->attentive, module_name, known) : -1;
    Py_XDECREF(known);
    return rc < 0 ? NULL : known;
}

PyObject *
mf_graph_attentive(struct mf_state *state, PyObject *module_name,
                   PyObject *name)
{
    PyObject *list = mf_graph_importers(state, module_name);
    PyObject *known = list ? known_attentive(state, module_name, list) : NULL;
    int used = known ? PySet_Contains(PyTuple_GET_ITEM(known, 2), name) : -1;
    if (used < 0) {
        return NULL;
    }
    if (used) {
        return Py_NewRef(list);
    }
    PyObject *passing = PyTuple_GET_ITEM(known, 1);
    PyObject *out = PySequence_List(PyTuple_GET_ITEM(known, 0));
    if (out == NULL || PySet_GET_SIZE(passing) == 0) {
        return out;
    }
    /* who takes the name by name stands in the index as if it were a module */
    PyObject *full = PyUnicode_FromFormat("%U.%U", module_name, name);
    PyObject *takers =
        full ? PyDict_GetItemWithError(state->importers, full) : NULL;
    Py_XDECREF(full);
    int rc = PyErr_Occurred() ? -1 : 0;
    for (Py_ssize_t i = 0;
         rc == 0 && takers && i < PyList_GET_SIZE(takers); i++) {
        PyObject *number = PyList_GET_ITEM(takers, i);
        int passes = PySet_Contains(passing, number);
        rc = passes > 0 ? PyList_Append(out, number) : passes;
    }
    if (rc < 0) {
        Py_CLEAR(out);
    }
    return out;
}

/* Everything that imports a path of the set, directly or not, the set itself
 * included: a new set. */
static PyObject *
importers_closure(struct mf_state *state, PyObject *paths)
{
    PyObject *all = PySet_New(paths), *todo = PySequence_List(paths);
    if (all == NULL || todo == NULL) {
        goto fail;
    }
    for (Py_ssize_t at = 0; at < PyList_GET_SIZE(todo); at++) {
        struct mf_source *source =
            mf_source_find(state, PyList_GET_ITEM(todo, at));
        for (size_t m = 0; source != NULL && m < source->modules.len; m++) {
            struct mf_module *module = source->modules.items[m];
            PyObject *list = mf_graph_importers(state, module->name);
            for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list); i++) {
                struct mf_source *other =
                    state->sources
                        .items[PyLong_AsSize_t(PyList_GET_ITEM(list, i))];
                int known = PySet_Contains(all, other->path);
                if (known < 0 ||
                    (!known && (PySet_Add(all, other->path) < 0 ||
                                PyList_Append(todo, other->path) < 0))) {
                    goto fail;
                }
            }
        }
        if (PyErr_Occurred()) {
            goto fail;
        }
    }
    Py_DECREF(todo);
    return all;
fail:
    Py_XDECREF(all);
    Py_XDECREF(todo);
    return NULL;
}

static int
sets_meet(PyObject *a, PyObject *b)
{
    PyObject *common = PyNumber_And(a, b);
    int yes = common ? PySet_GET_SIZE(common) > 0 : -1;
    Py_XDECREF(common);
    return yes;
}

int
mf_graph_connected(struct mf_state *state, PyObject *a, PyObject *b)
{
    PyObject *x = importers_closure(state, a);
    PyObject *y = x ? importers_closure(state, b) : NULL;
    int yes = y ? sets_meet(x, y) : -1;
    mf_graph_forget_walks(state);
    Py_XDECREF(x);
    Py_XDECREF(y);
    return yes;
}

void
mf_graph_forget(struct mf_state *state, struct mf_source *source)
{
    if (source->is_indexed) {
        source->is_indexed = false;
        assert(state->unindexed.len < state->unindexed.cap);
        state->unindexed.items[state->unindexed.len++] = source;
    }
}
