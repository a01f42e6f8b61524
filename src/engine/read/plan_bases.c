/* plan_bases.c -- owns what a class takes from its bases when it is made, so that
 * its statement has to run again although it reads nothing else that differs:
 * their fields, if somebody has a say in it, and their metaclass. In: classes
 * that run. Out: names "Class.__annotations__", "Class.__class__" to follow.
 */
#include "plan_parts.h"

static const char fields_of[] = ".__annotations__";
static const char meta_of[] = ".__class__";

static int
taint_suffix(struct mf_change *change, PyObject *cls, const char *suffix)
{
    PyObject *full = PyUnicode_FromFormat("%U%s", cls, suffix);
    int rc = full ? mf_plan_taint(change, full, true) : -1;
    Py_XDECREF(full);
    return rc;
}

int
mf_plan_taint_fields(struct mf_change *change, PyObject *cls)
{
    return taint_suffix(change, cls, fields_of);
}

/* The suffix that the name has, or NULL. */
static const char *
suffix_of(PyObject *name)
{
    static const char *const all[] = {fields_of, meta_of};
    Py_ssize_t len;
    const char *text = PyUnicode_AsUTF8AndSize(name, &len);
    for (size_t i = 0; text != NULL && i < Py_ARRAY_LENGTH(all); i++) {
        size_t n = strlen(all[i]);
        if ((size_t)len > n && strcmp(text + len - n, all[i]) == 0) {
            return all[i];
        }
    }
    PyErr_Clear();
    return NULL;
}

bool
mf_plan_is_inherited(PyObject *name)
{
    return suffix_of(name) != NULL;
}

int
mf_plan_pass_on(struct mf_change *change, struct mf_delta *delta,
                PyObject *name)
{
    PyObject *own = mf_plan_unit_name(change, delta);
    int rc = own ? taint_suffix(change, own, suffix_of(name)) : -1;
    Py_XDECREF(own);
    return rc;
}

int
mf_plan_inherits(struct mf_change *change, struct mf_delta *delta,
                 PyObject *name)
{
    const char *suffix = suffix_of(name);
    if (change->diff.new_of.split->units[delta->new_unit].kind !=
        MF_UNIT_CLASS) {
        return 0;
    }
    if (suffix == meta_of && !mf_plan_header_mentions(&change->diff.new_of,
                                                      delta->new_unit, name)) {
        return 0;
    }
    Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0,
                                        PyUnicode_GET_LENGTH(name), 1);
    PyObject *root = PyUnicode_Substring(name, 0, dot);
    struct mf_names *names = root ? mf_diff_names(&change->diff, delta)
                                  : NULL;
    int yes = names ? PySet_Contains(names->loads, root) : -1;
    Py_XDECREF(root);
    Py_ssize_t last =
        PyUnicode_GET_LENGTH(name) - (Py_ssize_t)strlen(suffix);
    if (yes == 1 && dot < last) { /* "module.Class" */
        PyObject *cls = PyUnicode_Substring(name, dot + 1, last);
        yes = cls ? PySet_Contains(names->attrs, cls) : -1;
        Py_XDECREF(cls);
    }
    bool say = suffix == meta_of;
    for (size_t t = 0; yes == 1 && t < change->targets.len && !say; t++) {
        say = mf_plan_class_has_say(change->targets.items[t], delta);
    }
    return yes < 0 ? -1 : yes && say;
}

/* ---- the metaclass that a statement's line gives ------------------------------- */

/* Borrowed references; NULL without exception: cannot be told. */
struct line {
    struct mf_change *change;
    struct mf_target *target;
    int depth;
};

static PyObject *meta_of_class(struct line *line, struct mf_delta *delta);

static bool
is_node(PyObject *node, const char *kind)
{
    return node != NULL && strcmp(Py_TYPE(node)->tp_name, kind) == 0;
}

/* An attribute of a node that is held by it. Borrowed. */
static PyObject *
part_of(PyObject *node, const char *name)
{
    PyObject *part = PyObject_GetAttrString(node, name);
    Py_XDECREF(part);
    return part;
}

/* What lives under the name now: in the module, or what its imports bring. */
static PyObject *
live_value(struct line *line, PyObject *name)
{
    PyObject *value =
        PyDict_GetItemWithError(line->target->module->dict, name);
    struct mf_edges *edges = &line->change->edges;
    for (uint32_t e = 0; value == NULL && e < edges->len; e++) {
        struct mf_edge *edge = &edges->items[e];
        if (edge->as == NULL || PyUnicode_Compare(edge->as, name) != 0) {
            continue;
        }
        PyObject *module =
            PyDict_GetItemWithError(PyImport_GetModuleDict(), edge->module);
        if (module != NULL && PyModule_Check(module)) {
            value = edge->name ? PyDict_GetItemWithError(
                                     PyModule_GetDict(module), edge->name)
                               : module;
        }
    }
    return value ? value : PyDict_GetItemWithError(PyEval_GetBuiltins(), name);
}

/* The value of a dotted name in the line, through modules and classes. */
static PyObject *
value_of(struct line *line, PyObject *node)
{
    if (is_node(node, "Name")) {
        return live_value(line, part_of(node, "id"));
    }
    if (!is_node(node, "Attribute")) {
        return NULL;
    }
    PyObject *owner = value_of(line, part_of(node, "value"));
    PyObject *space = owner == NULL          ? NULL
                      : PyModule_Check(owner) ? PyModule_GetDict(owner)
                      : PyType_Check(owner) ? ((PyTypeObject *)owner)->tp_dict
                                            : NULL;
    return space ? PyDict_GetItemWithError(space, part_of(node, "attr"))
                 : NULL;
}

/* The metaclass of a base as the line names it. */
static PyObject *
meta_of_base(struct line *line, PyObject *node)
{
    if (is_node(node, "Subscript")) {
        node = part_of(node, "value"); /* Generic[T] */
    }
    if (is_node(node, "Name")) {
        uint32_t at = mf_plan_class_delta(line->change, part_of(node, "id"));
        struct mf_delta *delta = at != MF_UNIT_NONE
                                     ? &line->change->diff.deltas[at]
                                     : NULL;
        if (delta != NULL && (delta->kind == MF_DELTA_ADDED ||
                              delta->kind == MF_DELTA_RUN)) {
            return meta_of_class(line, delta);
        }
    }
    PyObject *base = value_of(line, node);
    return base != NULL && PyType_Check(base) ? (PyObject *)Py_TYPE(base)
                                              : NULL;
}

/* The most derived one of the line's keyword and bases. */
static PyObject *
meta_of_line(struct line *line, PyObject *statement)
{
    PyObject *bases = part_of(statement, "bases");
    PyObject *keywords = part_of(statement, "keywords");
    PyObject *meta = (PyObject *)&PyType_Type;
    if (bases == NULL || keywords == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(keywords); i++) {
        PyObject *keyword = PyList_GET_ITEM(keywords, i);
        PyObject *arg = part_of(keyword, "arg");
        if (arg == NULL || !PyUnicode_Check(arg)) {
            return NULL; /* **options */
        }
        if (PyUnicode_CompareWithASCIIString(arg, "metaclass") == 0) {
            meta = value_of(line, part_of(keyword, "value"));
        }
    }
    for (Py_ssize_t i = 0; meta != NULL && i < PyList_GET_SIZE(bases); i++) {
        PyObject *other = meta_of_base(line, PyList_GET_ITEM(bases, i));
        if (other == NULL || !PyType_Check(meta)) {
            return NULL;
        }
        meta = PyType_IsSubtype((PyTypeObject *)meta, (PyTypeObject *)other)
                   ? meta
                   : other;
    }
    return meta;
}

static PyObject *
meta_of_class(struct line *line, struct mf_delta *delta)
{
    if (line->depth > 10) {
        return NULL;
    }
    PyObject *tree =
        mf_compile_tree(&line->change->diff.new_of, delta->new_unit);
    PyObject *body = tree ? part_of(tree, "body") : NULL;
    PyObject *meta = NULL;
    line->depth++;
    if (body != NULL && PyList_GET_SIZE(body) == 1) {
        meta = meta_of_line(line, PyList_GET_ITEM(body, 0));
    }
    line->depth--;
    Py_XDECREF(tree);
    return meta;
}

int
mf_plan_taint_metaclass(struct mf_change *change, struct mf_delta *delta)
{
    struct mf_diff *diff = &change->diff;
    if (delta->old_unit == MF_UNIT_NONE || delta->parent != MF_UNIT_NONE) {
        return 0;
    }
    const struct mf_unit *a = &diff->old_of.split->units[delta->old_unit];
    const struct mf_unit *b = &diff->new_of.split->units[delta->new_unit];
    size_t n = a->body - a->start;
    bool differs = n != b->body - b->start ||
                   memcmp(PyBytes_AS_STRING(diff->old_of.text->bytes) +
                              a->start,
                          PyBytes_AS_STRING(diff->new_of.text->bytes) +
                              b->start,
                          n) != 0;
    bool other = false;
    for (size_t t = 0; differs && t < change->targets.len && !other; t++) {
        struct line line = {change, change->targets.items[t], 0};
        PyObject *live = mf_plan_live_class(line.target, delta);
        PyObject *meta = live ? meta_of_class(&line, delta) : NULL;
        if (PyErr_Occurred()) {
            return -1;
        }
        other = live != NULL && meta != (PyObject *)Py_TYPE(live);
    }
    PyObject *name = other ? mf_plan_unit_name(change, delta) : NULL;
    int rc = name ? taint_suffix(change, name, meta_of) : -other;
    Py_XDECREF(name);
    return rc;
}
