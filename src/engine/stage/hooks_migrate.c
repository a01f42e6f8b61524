/* hooks_migrate.c -- runs __migrate__ on copies.
 *
 * Owns the copies. In: a class on both sides, its new fields. Out: what the
 * hook changed on them, to be written to the instances. The hook's changes
 * are taken against what the copy began with, so that what the program does
 * to an instance meanwhile is not written over.
 */
#include "hooks_migrate.h"

#include "../ground/compat_fields.h"
#include "../heap/heap.h"

/* What goes with one class. */
struct run {
    struct mf_hooks *hooks;
    struct mf_fields *fields;
    PyTypeObject *old_class, *new_class;
    const struct mf_hooks_migration *migration;
};

static int
note_attr(PyObject *name, PyObject *value, void *dict)
{
    return PyDict_SetItem(dict, name, value);
}

/* New dict: all attributes, those in slots too. */
static PyObject *
attrs_of(PyObject *instance)
{
    PyObject *dict = PyDict_New();
    if (dict != NULL && mf_compat_fields_each(instance, note_attr, dict) < 0) {
        Py_CLEAR(dict);
    }
    return dict;
}

static int
set_all(PyObject *copy, PyObject *attrs)
{
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(attrs, &pos, &name, &value)) {
        if (mf_fields_set(NULL, copy, name, value) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Everything in `after` that is another object than in `before`; what is only
 * in `before`. */
static int
tell_changes(const struct run *run, PyObject *instance, PyObject *before,
             PyObject *after)
{
    const struct mf_hooks_migration *migration = run->migration;
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(after, &pos, &name, &value)) {
        PyObject *was = PyDict_GetItemWithError(before, name);
        if (PyErr_Occurred() ||
            (was != value &&
             migration->write(migration->arg, instance, name, value) < 0)) {
            return -1;
        }
    }
    pos = 0;
    while (PyDict_Next(before, &pos, &name, &value)) {
        int stays = PyDict_Contains(after, name);
        if (stays < 0 ||
            (!stays &&
             migration->write(migration->arg, instance, name, NULL) < 0)) {
            return -1;
        }
    }
    return 0;
}

/* A reason: 1, or -1. */
static int
refuse(const struct run *run, const char *why)
{
    PyObject *name = PyUnicode_FromFormat(
        "%U.__migrate__", ((PyHeapTypeObject *)run->new_class)->ht_qualname);
    if (name == NULL) {
        return -1;
    }
    int rc = mf_report_add(run->hooks->report, MF_HOOKS_MIGRATE_FAILED, '=',
                           NULL, name, NULL, 0, "%s", why);
    Py_DECREF(name);
    return rc < 0 ? -1 : 1;
}

/* Somebody else holds the copy. */
static int
tell_seen(const struct run *run, PyObject *copy, PyObject *instance)
{
    const struct mf_hooks_migration *migration = run->migration;
    return migration->become != NULL
               ? migration->become(migration->arg, copy, instance)
               : refuse(run, "it lets others see the copy that it works on");
}

/* 1: the reason is in the report. */
static int
migrate_copy(const struct run *run, PyObject *copy, PyObject *instance)
{
    PyObject *before = attrs_of(instance);
    PyObject *after = NULL;
    int rc = before != NULL ? set_all(copy, before) : -1;
    if (rc == 0) {
        rc = mf_fields_fill_one(run->fields, copy, mf_fields_set, NULL);
    }
    if (rc == 0) {
        rc = mf_hooks_migrate(run->hooks, run->new_class,
                              run->migration->hook, copy, instance, NULL);
    }
    if (rc == 0) {
        after = attrs_of(copy);
        rc = after != NULL ? tell_changes(run, instance, before, after) : -1;
    }
    Py_XDECREF(before);
    Py_XDECREF(after);
    if (rc == 0 && Py_REFCNT(copy) > 1) {
        rc = tell_seen(run, copy, instance);
    }
    return rc;
}

static int
migrate_instance(const struct run *run, PyObject *instance)
{
    PyTypeObject *type = Py_TYPE(instance);
    PyObject *copy = mf_compat_fields_blank(
        type == run->old_class ? run->new_class : type);
    if (copy == NULL) {
        if (PyErr_Occurred()) {
            return -1;
        }
        return refuse(run, "instances of a class with a base written in C "
                           "cannot be copied for it");
    }
    int rc = migrate_copy(run, copy, instance);
    Py_DECREF(copy);
    return rc;
}

int
mf_hooks_migrate_all(struct mf_hooks *hooks, struct mf_fields *fields,
                     PyTypeObject *old_class, PyTypeObject *new_class,
                     const struct mf_hooks_migration *migration)
{
    bool changed = fields->len > 0 || migration->fields_changed ||
                   (fields->unset != NULL &&
                    PyList_GET_SIZE(fields->unset) > 0);
    if (!changed ||
        (migration->hook == NULL && !mf_hooks_can_migrate(new_class))) {
        return mf_fields_fill(fields, old_class, migration->write,
                              migration->arg);
    }
    struct run run = {
        .hooks = hooks,
        .fields = fields,
        .old_class = old_class,
        .new_class = new_class,
        .migration = migration,
    };
    struct mf_vec instances = {0};
    int rc = mf_heap_instances_of(old_class, true, &instances);
    for (size_t i = 0; rc == 0 && i < instances.len; i++) {
        rc = migrate_instance(&run, instances.items[i]);
    }
    mf_vec_clear_refs(&instances);
    return rc < 0 ? -1 : 0;
}
