/* plan_importers.c -- owns how a changed name goes on to other modules: import
 * bindings, module attributes, functions that reach it, deleted modules. In:
 * tainted names. Out: names tainted in the importers.
 */
#include "plan_parts.h"

/* Functions of the same module that import-time code calls and that reach the
 * name: their results differ too. */
int
mf_plan_follow_callers(struct mf_change *change, PyObject *name)
{
    for (size_t t = 0; t < change->targets.len; t++) {
        struct mf_target *target = change->targets.items[t];
        PyObject *loads = target->module->loads, *used;
        if (loads == NULL) {
            continue;
        }
        PyObject *iter = PyObject_GetIter(loads);
        if (iter == NULL) {
            return -1;
        }
        int rc = 0;
        while (rc == 0 && (used = PyIter_Next(iter)) != NULL) {
            PyObject *value =
                PyDict_GetItemWithError(target->module->dict, used);
            if (value != NULL && PyFunction_Check(value) &&
                PyFunction_GET_GLOBALS(value) == target->module->dict) {
                struct mf_names names;
                rc = mf_names_init(&names);
                if (rc == 0) {
                    rc = mf_names_of_function(&names,
                                              PyFunction_GET_CODE(value));
                    if (rc == 0 && PySet_Contains(names.loads, name) == 1) {
                        rc = mf_plan_proved(change, name);
                        rc = rc > 0 ? mf_plan_taint(change, used, false) : rc;
                    }
                    mf_names_clear(&names);
                }
            }
            Py_DECREF(used);
        }
        Py_DECREF(iter);
        if (rc < 0 || PyErr_Occurred()) {
            return -1;
        }
    }
    return 0;
}

/* Who calls what reaches a function that changed. */
struct reacher {
    struct mf_change *change; /* of the caller */
    PyObject *key;            /* "module:name" */
};

static int
taint_caller(void *arg, PyObject *used, PyObject *attr, PyObject *reached)
{
    struct reacher *reacher = arg;
    int yes = PySet_Contains(reached, reacher->key);
    if (yes <= 0) {
        return yes;
    }
    PyObject *name = attr ? PyUnicode_FromFormat("%U.%U", used, attr)
                          : Py_NewRef(used);
    int rc = name ? mf_plan_taint(reacher->change, name, false) : -1;
    Py_XDECREF(name);
    return rc;
}

int
mf_plan_follow_reachers(struct mf_state *state, struct mf_plan *plan,
                struct mf_change *change, PyObject *module_name,
                PyObject *name)
{
    PyObject *list = mf_graph_reachers(state, module_name, name);
    int proved = list && PyList_GET_SIZE(list) > 0
                     ? mf_plan_proved(change, name)
                     : 0;
    if (proved <= 0) {
        return proved < 0 || PyErr_Occurred() ? -1 : 0;
    }
    struct reacher reacher = {
        NULL, PyUnicode_FromFormat("%U:%U", module_name, name)};
    int rc = reacher.key ? 0 : -1;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(list); i++) {
        struct mf_source *source =
            state->sources.items[PyLong_AsSize_t(PyList_GET_ITEM(list, i))];
        if (source->modules.len == 0) {
            continue;
        }
        struct mf_change *other = mf_plan_change(plan, source, true);
        if (other == NULL ||
            (other != change && other->diff.deltas == NULL &&
             other->kind == MF_CHANGE_NONE && mf_plan_prepare_change(other, NULL) < 0)) {
            rc = -1;
            break;
        }
        reacher.change = other;
        rc = mf_graph_each_call(state, source->modules.items[0], taint_caller,
                                &reacher);
    }
    Py_XDECREF(reacher.key);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

static int
add_bind(struct mf_change *change, uint32_t edge)
{
    PyObject *number = PyLong_FromUnsignedLong(edge);
    int rc = number == NULL ? -1 : 0;
    for (size_t i = 0; i < change->targets.len && rc == 0; i++) {
        struct mf_target *target = change->targets.items[i];
        int there = PySequence_Contains(target->binds, number);
        rc = there < 0 ? -1
             : there   ? 0
                       : PyList_Append(target->binds, number);
    }
    Py_XDECREF(number);
    return rc;
}

/* The class delta that an import statement stands in, or NONE. */
static uint32_t
class_at(struct mf_change *change, struct mf_edge *edge)
{
    if (change->diff.new_of.split->units[edge->unit].kind != MF_UNIT_CLASS) {
        return MF_UNIT_NONE;
    }
    for (uint32_t i = 0; i < change->diff.len; i++) {
        if (change->diff.deltas[i].new_unit == edge->unit) {
            return i;
        }
    }
    return MF_UNIT_NONE;
}

/* An import in a class body follows as a member that runs. */
static int
run_class_import(struct mf_change *change, uint32_t at, struct mf_edge *edge)
{
    struct mf_diff *diff = &change->diff;
    if (diff->deltas[at].old_unit == MF_UNIT_NONE ||
        mf_diff_open_class(diff, at) < 0) {
        return diff->deltas[at].old_unit == MF_UNIT_NONE ? 0 : -1;
    }
    for (uint32_t i = at + 1; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->parent != at || d->new_unit == MF_UNIT_NONE) {
            continue;
        }
        const struct mf_unit *u = &diff->new_of.split->units[d->new_unit];
        if (u->line <= edge->line && edge->line <= u->end_line &&
            d->kind == MF_DELTA_SAME) {
            d->kind = MF_DELTA_RUN;
            d->derived = true;
        }
    }
    return mf_plan_follow_members(change, at);
}

/* A name that only the module's __getattr__ gives may be any. */
static bool
is_getattr(PyObject *name)
{
    return PyUnicode_CompareWithASCIIString(name, "__getattr__") == 0;
}

/* One edge of an importer, one tainted name of the module it comes from. */
static int
follow_edge(struct mf_change *importer, uint32_t at, PyObject *module_name,
            PyObject *name, bool value)
{
    struct mf_edge *edge = &importer->edges.items[at];
    if (edge->nested) {
        return 0;
    }
    if (edge->name != NULL &&
        PyUnicode_Compare(edge->module, module_name) == 0) {
        bool star = PyUnicode_CompareWithASCIIString(edge->name, "*") == 0;
        if (is_getattr(name) &&
            !star && edge->as != NULL) {
            /* a name that only the module's __getattr__ gives */
            return add_bind(importer, at) < 0
                       ? -1
                       : mf_plan_taint(importer, edge->as, true);
        }
        Py_ssize_t n = PyUnicode_GET_LENGTH(edge->name);
        if (!star && PyUnicode_GET_LENGTH(name) > n &&
            PyUnicode_READ_CHAR(name, n) == '.' && edge->as != NULL &&
            PyUnicode_Tailmatch(name, edge->name, 0, PY_SSIZE_T_MAX, -1) ==
                1) {
            PyObject *rest = PyUnicode_Substring(
                name, n, PyUnicode_GET_LENGTH(name));
            PyObject *full =
                rest ? PyUnicode_FromFormat("%U%U", edge->as, rest) : NULL;
            int rc = full ? mf_plan_taint(importer, full, value) : -1;
            Py_XDECREF(rest);
            Py_XDECREF(full);
            return rc;
        }
        if (!star && PyUnicode_Compare(edge->name, name) != 0) {
            return 0;
        }
        uint32_t in_class = class_at(importer, edge);
        if (in_class != MF_UNIT_NONE) {
            return value ? run_class_import(importer, in_class, edge) : 0;
        }
        if (value && add_bind(importer, at) < 0) {
            return -1;
        }
        return mf_plan_taint(importer, star ? name : edge->as, value);
    }
    /* the module itself is bound: under an alias, by its dotted name, or as
     * a submodule taken from its package */
    PyObject *bound = NULL;
    if (edge->name == NULL) {
        Py_ssize_t n = PyUnicode_GET_LENGTH(edge->module);
        if (PyUnicode_Compare(edge->module, module_name) == 0) {
            bool dotted = PyUnicode_FindChar(edge->module, '.', 0, n, 1) >= 0 &&
                          PyUnicode_Tailmatch(edge->module, edge->as, 0, n,
                                              -1) == 1;
            bound = Py_NewRef(dotted ? edge->module : edge->as);
        }
    }
    else {
        PyObject *sub = PyUnicode_FromFormat("%U.%U", edge->module,
                                             edge->name);
        if (sub == NULL) {
            return -1;
        }
        if (PyUnicode_Compare(sub, module_name) == 0 && edge->as != NULL) {
            bound = Py_NewRef(edge->as);
        }
        Py_DECREF(sub);
    }
    if (bound == NULL) {
        return 0;
    }
    PyObject *reached = PyUnicode_FromFormat("%U.%U", bound, name);
    Py_DECREF(bound);
    int rc = reached ? mf_plan_taint(importer, reached, value) : -1;
    Py_XDECREF(reached);
    return rc;
}

/* Does import-time code of an unedited importer use the name under which it
 * has it? Then it must be looked at; else only a binding may follow. */
static bool
importer_cares(struct mf_source *source, PyObject *name)
{
    struct mf_module *module = source->modules.items[0];
    return module->loads == NULL ||
           PySet_Contains(module->loads, name) != 0;
}

/* One importer of a module with a tainted name. A new one comes into the plan
 * only if it has to. */
static int
follow_importer(struct mf_state *state, struct mf_plan *plan,
                struct mf_source *source, PyObject *module_name,
                PyObject *name, bool value)
{
    struct mf_change *importer = mf_plan_change(plan, source, false);
    if (importer == NULL) {
        struct mf_edges edges = {0};
        struct mf_module *m = source->modules.items[0];
        bool wanted = value || is_getattr(name);
        /* others may have the name from this one */
        bool passes = mf_graph_importers(state, m->name) != NULL;
        if (PyErr_Occurred()) {
            return -1;
        }
        if (!wanted && !passes && !source->renames &&
            !importer_cares(source, name)) {
            return 0;
        }
        if (!wanted &&
            mf_graph_edges(&source->text, &source->split, m->name,
                           mf_source_is_package(m), &edges) < 0) {
            return -1;
        }
        for (uint32_t e = 0; !wanted && e < edges.len; e++) {
            PyObject *as = edges.items[e].as;
            PyObject *taken = edges.items[e].name;
            bool named =
                taken != NULL && PyUnicode_Compare(taken, name) == 0;
            wanted = (named && passes) ||
                     importer_cares(source, named && as ? as : name);
        }
        mf_edges_clear(&edges);
        if (!wanted) {
            return 0;
        }
        importer = mf_plan_change(plan, source, true);
        if (importer == NULL || mf_plan_prepare_change(importer, NULL) < 0) {
            return -1;
        }
    }
    if (importer->kind == MF_CHANGE_DELETED) {
        return 0;
    }
    for (uint32_t e = 0; e < importer->edges.len; e++) {
        if (follow_edge(importer, e, module_name, name, value) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
follow_list(struct mf_state *state, struct mf_plan *plan,
            struct mf_change *change, PyObject *list, PyObject *module_name,
            PyObject *name, bool value)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        size_t at = PyLong_AsSize_t(PyList_GET_ITEM(list, i));
        struct mf_source *source = state->sources.items[at];
        if (source != change->source && source->modules.len > 0 &&
            follow_importer(state, plan, source, module_name, name, value) <
                0) {
            return -1;
        }
    }
    return 0;
}

/* Importers that take part already: what their new text does with the name is
 * not in the index. */
static int
follow_changes(struct mf_state *state, struct mf_plan *plan,
               struct mf_change *change, PyObject *importers,
               PyObject *module_name, PyObject *name)
{
    size_t n = plan->changes.len;
    for (size_t i = 0; i < n; i++) {
        struct mf_change *other = plan->changes.items[i];
        struct mf_source *source = other->source;
        if (other == change || source->modules.len == 0) {
            continue;
        }
        PyObject *number = PyLong_FromSize_t(source->number);
        int is = number ? PySequence_Contains(importers, number) : -1;
        Py_XDECREF(number);
        if (is < 0 || (is && follow_importer(state, plan, source, module_name,
                                             name, false) < 0)) {
            return -1;
        }
    }
    return 0;
}

int
mf_plan_follow_importers(struct mf_state *state, struct mf_plan *plan,
                 struct mf_change *change, PyObject *module_name,
                 PyObject *name, bool value)
{
    Py_ssize_t dot =
        PyUnicode_FindChar(name, '.', 0, PyUnicode_GET_LENGTH(name), 1);
    if (dot >= 0) {
        /* an attribute of one of our classes is reached through the class;
         * what we reach through a module ourselves is our own */
        PyObject *root = PyUnicode_Substring(name, 0, dot);
        if (root == NULL) {
            return -1;
        }
        bool ours = mf_plan_class_delta(change, root) != MF_UNIT_NONE;
        Py_DECREF(root);
        if (!ours) {
            return 0;
        }
    }
    PyObject *all = Py_XNewRef(mf_graph_importers(state, module_name));
    PyObject *some = all == NULL || value || is_getattr(name)
                         ? Py_XNewRef(all)
                         : mf_graph_attentive(state, module_name, name);
    bool others = some != all && plan->changes.len > 1;
    bool any = some != NULL && (PyList_GET_SIZE(some) > 0 || others);
    int rc = any ? mf_plan_proved(change, name) : 0;
    if (rc > 0) {
        rc = follow_list(state, plan, change, some, module_name, name, value);
        if (rc == 0 && others) {
            rc = follow_changes(state, plan, change, all, module_name, name);
        }
    }
    Py_XDECREF(some);
    Py_XDECREF(all);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

/* Statements of this importer that import the module run again. */
static int
import_again(struct mf_plan *plan, struct mf_source *source, PyObject *name)
{
    struct mf_change *change = mf_plan_change(plan, source, true);
    if (change == NULL ||
        (change->diff.deltas == NULL && change->kind == MF_CHANGE_NONE &&
         mf_plan_prepare_change(change, NULL) < 0)) {
        return -1;
    }
    for (uint32_t e = 0; e < change->edges.len; e++) {
        struct mf_edge *edge = &change->edges.items[e];
        PyObject *sub = edge->name ? PyUnicode_FromFormat("%U.%U",
                                                          edge->module,
                                                          edge->name)
                                   : Py_NewRef(edge->module);
        bool hit = sub != NULL && !edge->nested &&
                   (PyUnicode_Compare(edge->module, name) == 0 ||
                    PyUnicode_Compare(sub, name) == 0);
        Py_XDECREF(sub);
        for (uint32_t d = 0; hit && d < change->diff.len; d++) {
            struct mf_delta *delta = &change->diff.deltas[d];
            if (delta->parent == MF_UNIT_NONE &&
                delta->new_unit == edge->unit &&
                mf_plan_mark_runs(change, delta, false) < 0) {
                return -1;
            }
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

struct again {
    struct mf_plan *plan;
    PyObject *name;
    struct mf_source *own;
};

static int
import_in(struct mf_source *source, void *arg)
{
    struct again *again = arg;
    return source == again->own
               ? 0
               : import_again(again->plan, source, again->name);
}

int
mf_plan_import_again(struct mf_state *state, struct mf_plan *plan,
                     PyObject *name, struct mf_source *own)
{
    struct again again = {plan, name, own};
    return mf_graph_each_importer(state, name, import_in, &again);
}

int
mf_plan_give_back(struct mf_plan *plan, struct mf_source *source,
                  PyObject *names)
{
    struct mf_change *change = mf_plan_change(plan, source, true);
    if (change == NULL || mf_plan_prepare_change(change, NULL) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < change->diff.len; i++) {
        struct mf_delta *d = &change->diff.deltas[i];
        const struct mf_unit *u = &change->split.units[d->new_unit];
        if (d->parent != MF_UNIT_NONE || u->name_len == 0) {
            continue;
        }
        PyObject *name = mf_plan_unit_name(change, d);
        int moved = name ? PySequence_Contains(names, name) : -1;
        Py_XDECREF(name);
        if (moved < 0) {
            return -1;
        }
        d->runs = moved > 0;
    }
    return 0;
}
