/* class_notes.c -- owns the lines and attribute names that the compiler notes
 * in classes, so that inspect finds the source of a class that only moved, or
 * of which a member ran alone. In: the deltas of a module, its live classes.
 * Out: attributes to write.
 */
#include "class_notes.h"

#include "../ground/compat.h"
#include "../ground/fault.h"

static const char line_name[] = "__firstlineno__";
static const char names_name[] = "__static_attributes__";

/* One module's statements by the lines that they had. */
struct finder {
    struct mf_class_notes *notes;
    struct mf_target *target;
    struct mf_diff *diff;
    uint32_t *delta_of;   /* unit of the old side -> its delta, or NONE */
    uint32_t at;          /* unit of the old side where the last class was */
    struct mf_map seen;   /* class -> 1: has two names, or holds itself */
};

static PyObject *
own_attribute(PyObject *cls, const char *name)
{
    return PyDict_GetItemString(
        mf_compat_type_dict((PyTypeObject *)cls), name);
}

static int
note(struct finder *finder, PyObject *cls, const char *name, PyObject *value)
{
    struct mf_vec *writes = &finder->notes->writes;
    PyObject *key = PyUnicode_InternFromString(name);
    int rc = key == NULL || mf_vec_push_ref(writes, cls) < 0 ||
                     mf_vec_push_ref(writes, key) < 0 ||
                     mf_vec_push_ref(writes, value) < 0
                 ? -1
                 : 0;
    Py_XDECREF(key);
    return rc;
}

static bool
holds_line(const struct mf_unit *u, long line)
{
    return (long)u->line <= line && line <= (long)u->end_line;
}

/* Delta of the innermost statement that had this line, NONE if there is none.
 * Classes come nearly in the order of their lines: go on from the last. */
static uint32_t
delta_at(struct finder *finder, long line)
{
    const struct mf_split *split = finder->diff->old_of.split;
    uint32_t u = finder->at;
    if (u == MF_UNIT_NONE || (long)split->units[u].line > line) {
        u = split->first;
    }
    while (u != MF_UNIT_NONE && !holds_line(&split->units[u], line)) {
        u = split->units[u].next;
    }
    finder->at = u;
    uint32_t found = MF_UNIT_NONE;
    while (u != MF_UNIT_NONE && finder->delta_of[u] != MF_UNIT_NONE) {
        found = finder->delta_of[u];
        if (finder->diff->deltas[found].kind != MF_DELTA_CLASS) {
            break;
        }
        u = split->units[u].first_child;
        while (u != MF_UNIT_NONE && !holds_line(&split->units[u], line)) {
            u = split->units[u].next;
        }
    }
    return found;
}

/* The body of the class of that qualified name, in a statement's code. */
static PyObject *
body_of(PyObject *code, PyObject *qualname)
{
    PyObject *consts = ((PyCodeObject *)code)->co_consts;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(consts, i);
        if (!PyCode_Check(item)) {
            continue;
        }
        PyObject *found =
            PyUnicode_Compare(((PyCodeObject *)item)->co_qualname,
                              qualname) == 0 &&
                    !(((PyCodeObject *)item)->co_flags & CO_OPTIMIZED)
                ? item
                : body_of(item, qualname);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

/* Where the class begins now; its old line if that is not to be told, or if
 * its statement runs. -1 on error. */
static long
new_line(struct finder *finder, PyObject *cls, long line)
{
    struct mf_diff *diff = finder->diff;
    uint32_t at = delta_at(finder, line);
    if (at == MF_UNIT_NONE) {
        return line;
    }
    struct mf_delta *delta = &diff->deltas[at];
    if (delta->new_unit == MF_UNIT_NONE) {
        return line;
    }
    for (uint32_t d = at; d != MF_UNIT_NONE; d = diff->deltas[d].parent) {
        if (diff->deltas[d].runs || diff->deltas[d].kind == MF_DELTA_RUN) {
            return line;
        }
    }
    if (delta->kind != MF_DELTA_CODE) {
        return line + (long)diff->new_of.split->units[delta->new_unit].line -
               (long)diff->old_of.split->units[delta->old_unit].line;
    }
    PyObject *code = mf_diff_new_code(diff, delta);
    PyObject *name = code ? PyType_GetQualName((PyTypeObject *)cls) : NULL;
    PyObject *body = name ? body_of(code, name) : NULL;
    Py_XDECREF(name);
    return code == NULL || name == NULL ? -1
           : body == NULL ? line
                          : ((PyCodeObject *)body)->co_firstlineno;
}

static int
find_line(struct finder *finder, PyObject *cls)
{
    PyObject *noted = own_attribute(cls, line_name);
    if (noted == NULL || !PyLong_CheckExact(noted)) {
        return 0;
    }
    long line = PyLong_AsLong(noted);
    long to = line < 0 ? line : new_line(finder, cls, line);
    if (to == line) {
        PyErr_Clear();
        return 0;
    }
    PyObject *value = to < 0 ? NULL : PyLong_FromLong(to);
    int rc = value ? note(finder, cls, line_name, value) : -1;
    Py_XDECREF(value);
    return rc;
}

/* Every class of this module that the namespace holds, nested ones too. */
static int
find_lines(struct finder *finder, PyObject *space, int depth)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(space, &pos, &key, &value)) {
        if (!PyType_Check(value) ||
            !PyType_HasFeature((PyTypeObject *)value,
                               Py_TPFLAGS_HEAPTYPE) ||
            mf_map_has(&finder->seen, value)) {
            continue;
        }
        PyObject *module = own_attribute(value, "__module__");
        if (module == NULL || !PyUnicode_Check(module) ||
            PyUnicode_Compare(module, finder->target->module->name) != 0) {
            continue;
        }
        if (mf_map_put(&finder->seen, value, 1) < 0 ||
            find_line(finder, value) < 0 ||
            (depth < 50 &&
             find_lines(finder,
                        mf_compat_type_dict((PyTypeObject *)value),
                        depth + 1) < 0)) {
            return -1;
        }
    }
    return 0;
}

/* ---- __static_attributes__ --------------------------------------------- */

/* The names that the compiler noted for a member compiled alone: a tuple,
 * borrowed; NULL without exception: none. */
static PyObject *
names_of_member(struct finder *finder, struct mf_delta *delta, bool new_side)
{
    struct mf_compile_unit_of *of =
        new_side ? &finder->diff->new_of : &finder->diff->old_of;
    PyObject *code = new_side ? mf_diff_new_code(finder->diff, delta)
                              : mf_diff_old_code(finder->diff, delta);
    PyObject *body =
        code ? mf_compile_member_scope(
                   code, of->text, of->split,
                   new_side ? delta->new_unit : delta->old_unit)
             : NULL;
    PyObject *names =
        body ? mf_compat_code_stored((PyCodeObject *)body, names_name) : NULL;
    return names != NULL && PyTuple_CheckExact(names) ? names : NULL;
}

static int
update_set(PyObject *set, PyObject *names, bool add)
{
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        if ((add ? PySet_Add(set, name) : PySet_Discard(set, name)) < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

static bool
is_def(struct finder *finder, struct mf_delta *delta)
{
    bool new_side = delta->new_unit != MF_UNIT_NONE;
    const struct mf_split *split = new_side ? finder->diff->new_of.split
                                            : finder->diff->old_of.split;
    const struct mf_unit *u =
        &split->units[new_side ? delta->new_unit : delta->old_unit];
    return u->kind == MF_UNIT_DEF ||
           (u->kind == MF_UNIT_BLOCK && (u->flags & MF_UNIT_HAS_DEF));
}

/* Members of the class at `parent` that set attributes: those that differ
 * (old side out of the set, if `add` is false), or all others. */
static int
each_member(struct finder *finder, uint32_t parent, PyObject *set,
            bool differing, bool new_side, bool add)
{
    struct mf_diff *diff = finder->diff;
    for (uint32_t i = parent + 1; i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        uint32_t unit = new_side ? d->new_unit : d->old_unit;
        if (d->parent != parent || unit == MF_UNIT_NONE ||
            (d->kind != MF_DELTA_SAME) != differing || !is_def(finder, d)) {
            continue;
        }
        PyObject *names = names_of_member(finder, d, new_side);
        if (PyErr_Occurred() || update_set(set, names, add) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Names that no edited member set before stay; where one has gone, the other
 * members are asked whether they set it, too. */
static int
find_names(struct finder *finder, uint32_t at)
{
    struct mf_diff *diff = finder->diff;
    PyObject *cls = mf_plan_live_class(finder->target, &diff->deltas[at]);
    PyObject *noted = cls ? own_attribute(cls, names_name) : NULL;
    if (noted == NULL || !PyTuple_CheckExact(noted)) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *before = PySet_New(noted), *after = PySet_New(noted);
    PyObject *names = NULL;
    int rc = -1;
    if (before == NULL || after == NULL ||
        each_member(finder, at, after, true, false, false) < 0 ||
        each_member(finder, at, after, true, true, true) < 0) {
        goto release_sets;
    }
    int all_there = 1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(noted); i++) {
        all_there &= PySet_Contains(after, PyTuple_GET_ITEM(noted, i)) == 1;
    }
    if (!all_there && each_member(finder, at, after, false, true, true) < 0) {
        goto release_sets;
    }
    int same = PyObject_RichCompareBool(before, after, Py_EQ);
    names = same == 0 ? PySequence_Tuple(after) : NULL;
    rc = same == 1 ? 0
         : names   ? note(finder, cls, names_name, names)
                   : -1;
release_sets:
    Py_XDECREF(names);
    Py_XDECREF(before);
    Py_XDECREF(after);
    return rc;
}

/* ---- what commit asks ---------------------------------------------------- */

static int
find_in_target(struct mf_class_notes *notes, struct mf_target *target)
{
    struct mf_diff *diff = &target->change->diff;
    uint32_t units = diff->old_of.split ? diff->old_of.split->len : 0;
    if (target->change->kind != MF_CHANGE_EDITED || units == 0) {
        return 0;
    }
    struct finder finder = {notes, target, diff, NULL, MF_UNIT_NONE, {0}};
    finder.delta_of = mf_alloc(units * sizeof(*finder.delta_of));
    if (finder.delta_of == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memset(finder.delta_of, 0xFF, units * sizeof(*finder.delta_of));
    for (uint32_t i = 0; i < diff->len; i++) {
        if (diff->deltas[i].old_unit != MF_UNIT_NONE) {
            finder.delta_of[diff->deltas[i].old_unit] = i;
        }
    }
    int rc = find_lines(&finder, target->module->dict, 0);
    for (uint32_t i = 0; i < diff->len && rc == 0; i++) {
        if (diff->deltas[i].kind == MF_DELTA_CLASS && !diff->deltas[i].runs) {
            rc = find_names(&finder, i);
        }
    }
    mf_map_clear(&finder.seen);
    mf_free(finder.delta_of);
    return rc;
}

int
mf_class_notes_find(struct mf_class_notes *notes, struct mf_plan *plan)
{
    for (size_t i = 0; mf_compat_can_note_lines() && i < plan->targets.len;
         i++) {
        if (find_in_target(notes, plan->targets.items[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_class_notes_apply(struct mf_class_notes *notes, struct mf_undo *undo)
{
    for (size_t i = 0; i + 2 < notes->writes.len; i += 3) {
        if (mf_undo_type_set(undo, notes->writes.items[i],
                             notes->writes.items[i + 1],
                             notes->writes.items[i + 2]) < 0) {
            return -1;
        }
    }
    return 0;
}

void
mf_class_notes_clear(struct mf_class_notes *notes)
{
    mf_vec_clear_refs(&notes->writes);
}
