/* stage_member.c -- owns members of classes that run alone: over a copy of
 * the class's namespace, with what type.__new__ does to a namespace done
 * again. In: member deltas. Out: struct mf_member.
 */
#include "stage_parts.h"

#include "../ground/compat.h"
#include "../ground/fault.h"

/* What type.__new__ does to a namespace and a lone member misses. */
static int
finish_member(struct mf_member *member)
{
    static const char *const kinds[][2] = {
        {"__new__", "s"}, {"__init_subclass__", "c"},
        {"__class_getitem__", "c"}};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(kinds); i++) {
        PyObject *value = PyDict_GetItemString(member->set, kinds[i][0]);
        if (value == NULL || !PyFunction_Check(value)) {
            continue;
        }
        PyObject *wrapped = kinds[i][1][0] == 's' ? PyStaticMethod_New(value)
                                                  : PyClassMethod_New(value);
        int rc = wrapped ? PyDict_SetItemString(member->set, kinds[i][0],
                                                wrapped)
                         : -1;
        Py_XDECREF(wrapped);
        if (rc < 0) {
            return -1;
        }
    }
    PyObject *own = ((PyTypeObject *)member->cls)->tp_dict;
    if (PyDict_GetItemString(member->set, "__eq__") != NULL &&
        PyDict_GetItemString(member->set, "__hash__") == NULL &&
        PyDict_GetItemString(own, "__hash__") == NULL &&
        PyDict_SetItemString(member->set, "__hash__", Py_None) < 0) {
        return -1;
    }
    return 0;
}

/* What the type of a value has under the name, wherever in its MRO; borrowed,
 * or NULL. */
static PyObject *
find_in_type(PyObject *value, const char *name)
{
    PyObject *mro = Py_TYPE(value)->tp_mro, *found = NULL;
    for (Py_ssize_t i = 0;
         mro != NULL && found == NULL && i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *type = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        found = PyDict_GetItemString(mf_compat_type_dict(type), name);
    }
    return found;
}

/* The live class is what it is told: what it writes there is an effect. */
static int
call_set_name(struct mf_stage *stage, struct mf_member *member)
{
    PyObject *items = PyDict_Items(member->set);
    int rc = items == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(items); i++) {
        PyObject *pair = PyList_GET_ITEM(items, i);
        PyObject *value = PyTuple_GET_ITEM(pair, 1);
        PyObject *hook = find_in_type(value, "__set_name__");
        if (hook == NULL || PyFunction_Check(value) || PyType_Check(value)) {
            continue;
        }
        PyObject *told[] = {value, member->cls};
        if (mf_effects_calls(&stage->effects, hook, told, 2) < 0) {
            rc = -1;
            break;
        }
        PyObject *done = PyObject_CallMethod(value, "__set_name__", "OO",
                                             member->cls,
                                             PyTuple_GET_ITEM(pair, 0));
        rc = done ? 0 : -1;
        Py_XDECREF(done);
    }
    Py_XDECREF(items);
    return rc;
}

/* Names that the preamble and the end of every class body write. */
static bool
is_frame_of_class(PyObject *name)
{
    static const char *const own[] = {
        "__module__", "__qualname__", "__firstlineno__",
        "__static_attributes__", "__classcell__", "__classdictcell__",
        "__builtins__"};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(own); i++) {
        if (PyUnicode_CompareWithASCIIString(name, own[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int
read_member_changes(struct mf_member *member, PyObject *space,
                    PyObject *before)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(space, &pos, &key, &value)) {
        if (!is_frame_of_class(key) &&
            PyDict_GetItemWithError(before, key) != value &&
            PyDict_SetItem(member->set, key, value) < 0) {
            return -1;
        }
    }
    pos = 0;
    while (PyDict_Next(before, &pos, &key, &value)) {
        if (!is_frame_of_class(key) &&
            PyDict_GetItemWithError(space, key) == NULL &&
            PyList_Append(member->gone, key) < 0) {
            return -1;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* Annotations are a dict that the class body would write into: a copy. */
static int
copy_annotations(PyObject *space)
{
    PyObject *notes = PyDict_GetItemString(space, "__annotations__");
    if (notes == NULL || !PyDict_Check(notes)) {
        return 0;
    }
    PyObject *copy = PyDict_Copy(notes);
    int rc = copy ? PyDict_SetItemString(space, "__annotations__", copy) : -1;
    Py_XDECREF(copy);
    return rc;
}

/* The copy of a class's namespace that its members run in, one after the
 * other. Borrowed. */
static PyObject *
member_space(struct mf_stage *stage, PyObject *cls)
{
    if (stage->spaces == NULL && (stage->spaces = PyDict_New()) == NULL) {
        return NULL;
    }
    PyObject *key = PyLong_FromVoidPtr(cls);
    PyObject *space = key ? PyDict_GetItemWithError(stage->spaces, key) : NULL;
    if (space == NULL && key != NULL && !PyErr_Occurred()) {
        space = PyDict_Copy(((PyTypeObject *)cls)->tp_dict);
        if (space == NULL || copy_annotations(space) < 0 ||
            PyDict_SetItem(stage->spaces, key, space) < 0) {
            Py_CLEAR(space);
        }
        Py_XDECREF(space); /* the table holds it */
    }
    Py_XDECREF(key);
    return space;
}

static struct mf_member *
add_member(struct mf_stage *stage, struct mf_target *target, uint32_t delta,
           PyObject *cls)
{
    struct mf_member *member = mf_alloc(sizeof(*member));
    if (member == NULL || mf_vec_push(&stage->members, member) < 0) {
        mf_free(member);
        PyErr_NoMemory();
        return NULL;
    }
    member->target = target;
    member->delta = delta;
    member->cls = Py_NewRef(cls);
    member->set = PyDict_New();
    member->gone = PyList_New(0);
    return member->set && member->gone ? member : NULL;
}

/* The last member that binds a name says what it means: one behind this one,
 * whether it runs or not. */
static int
leave_to_later(struct mf_member *member)
{
    struct mf_diff *diff = &member->target->change->diff;
    PyObject *names = PyDict_Keys(member->set);
    int rc = names ? 0 : -1;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(names); i++) {
        PyObject *name = PyList_GET_ITEM(names, i);
        uint32_t last;
        rc = mf_diff_binder(diff, diff->deltas[member->delta].parent, name,
                            MF_UNIT_NONE, &last);
        if (rc > 0) {
            rc = last > member->delta ? PyDict_DelItem(member->set, name) : 0;
        }
    }
    Py_XDECREF(names);
    return rc;
}

/* All that a class statement would do for this member. */
static int
run_body(struct mf_stage *stage, struct mf_member *member, PyObject *scope,
         PyObject *globals, PyObject *space)
{
    PyObject *before = PyDict_Copy(space);
    PyObject *result =
        before ? PyEval_EvalCode(scope, globals, space) : NULL;
    PyObject *cell =
        result ? PyDict_GetItemString(space, "__classcell__") : NULL;
    int rc = result == NULL ||
                     (cell != NULL && PyCell_Check(cell) &&
                      PyCell_Set(cell, member->cls) < 0) ||
                     read_member_changes(member, space, before) < 0 ||
                     leave_to_later(member) < 0 || finish_member(member) < 0
                 ? -1
                 : call_set_name(stage, member);
    Py_XDECREF(result);
    Py_XDECREF(before);
    return rc;
}

/* A member runs alone: over a copy of the class's namespace. */
int
mf_stage_run_member(struct mf_stage *stage, struct mf_staged *staged,
                    uint32_t at)
{
    struct mf_diff *diff = &staged->target->change->diff;
    struct mf_delta *delta = &diff->deltas[at];
    PyObject *cls = mf_plan_live_class(staged->target,
                                       &diff->deltas[delta->parent]);
    PyObject *code = mf_diff_new_code(diff, delta);
    PyObject *scope =
        code ? mf_compile_member_scope(code, diff->new_of.text,
                                       diff->new_of.split, delta->new_unit)
             : NULL;
    if (cls == NULL || scope == NULL) {
        if (PyErr_Occurred()) {
            return -1;
        }
        PyErr_SetString(PyExc_RuntimeError, "the live class was not found");
        return mf_stage_step_failed(stage, staged->target, delta);
    }
    struct mf_member *member = add_member(stage, staged->target, at, cls);
    PyObject *space = member ? member_space(stage, cls) : NULL;
    struct mf_guard_step guarded;
    size_t loaded = stage->loaded.len;
    if (space == NULL ||
        mf_stage_before_step(stage, staged, delta, scope, space) < 0 ||
        mf_guard_begin(&stage->guard, &guarded, delta->derived, space,
                       NULL) < 0) {
        return -1;
    }
    int ran = run_body(stage, member, scope, staged->dict, space);
    int stopped = mf_guard_end(&stage->guard, &guarded, &stage->effects);
    if (stopped > 0) {
        PyDict_Clear(member->set);
        delta->kind = MF_DELTA_SAME;
        return PyList_SetSlice(member->gone, 0, PY_SSIZE_T_MAX, NULL) < 0
                   ? -1
                   : mf_stage_step_stopped(stage, staged->target, delta,
                                           guarded.what, loaded);
    }
    if (stopped < 0 || mf_stage_read_effects(stage) < 0) {
        return -1;
    }
    return ran < 0 ? mf_stage_step_failed(stage, staged->target, delta) : 0;
}

/* The new code of a live function, if it differs in more than its lines;
 * borrowed, or NULL (with an exception only if there is one). */
static PyObject *
changed_code(struct mf_stage *stage, PyObject *func)
{
    struct mf_staged *home =
        PyFunction_Check(func)
            ? mf_stage_of(stage, PyFunction_GET_GLOBALS(func))
            : NULL;
    PyObject *newer = home && home->target
                          ? mf_map_get(&home->target->exchange,
                                       PyFunction_GET_CODE(func))
                          : NULL;
    int same = newer ? mf_diff_code_equal(PyFunction_GET_CODE(func), newer,
                                          MF_CODE_NESTED)
                     : 1;
    return same == 0 ? newer : NULL;
}

static int
name_again(struct mf_stage *stage, struct mf_staged *staged,
           struct mf_delta *delta, PyObject *cls, PyObject *name)
{
    PyObject *value = PyDict_GetItemWithError(
        mf_compat_type_dict((PyTypeObject *)cls), name);
    PyObject *hook = value ? find_in_type(value, "__set_name__") : NULL;
    PyObject *code = hook ? changed_code(stage, hook) : NULL;
    struct mf_guard_step guarded;
    size_t loaded = stage->loaded.len;
    if (code == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *told[] = {value, cls};
    if (mf_effects_before(&stage->effects, code,
                          PyFunction_GET_GLOBALS(hook), NULL) < 0 ||
        mf_effects_calls(&stage->effects, hook, told, 2) < 0 ||
        mf_guard_begin(&stage->guard, &guarded, true, staged->dict, NULL) <
            0) {
        return -1;
    }
    /* a live function, called while staging: its new code runs */
    PyObject *done =
        PyObject_CallMethod(value, "__set_name__", "OO", cls, name);
    Py_XDECREF(done);
    int stopped = mf_guard_end(&stage->guard, &guarded, &stage->effects);
    if (stopped > 0) {
        return mf_stage_step_stopped(stage, staged->target, delta,
                                     guarded.what, loaded);
    }
    if (stopped < 0 || mf_stage_read_effects(stage) < 0) {
        return -1;
    }
    return done ? 0 : mf_stage_step_failed(stage, staged->target, delta);
}

int
mf_stage_name_again(struct mf_stage *stage, struct mf_staged *staged,
                    uint32_t at)
{
    struct mf_diff *diff = &staged->target->change->diff;
    struct mf_delta *delta = &diff->deltas[at];
    PyObject *cls = mf_plan_live_class(staged->target,
                                       &diff->deltas[delta->parent]);
    struct mf_names *names = mf_diff_names(diff, delta);
    PyObject *name, *iter =
                        cls && names ? PyObject_GetIter(names->stores) : NULL;
    int rc = PyErr_Occurred() ? -1 : 0;
    while (iter != NULL && rc == 0 && (name = PyIter_Next(iter)) != NULL) {
        rc = name_again(stage, staged, delta, cls, name);
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}
