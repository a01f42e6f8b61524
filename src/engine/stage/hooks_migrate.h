/* hooks_migrate.h -- what live instances of an edited class, whose layout
 * stays, get before the commit: the new fields, and what the class's
 * __migrate__ makes of a copy. Nothing is written here; the caller does it
 * when nothing can fail any more.
 */
#ifndef MF_HOOKS_MIGRATE_H
#define MF_HOOKS_MIGRATE_H

#include "fields.h"
#include "hooks.h"

struct mf_hooks_migration {
    /* instance.name is to be `value`; NULL: it is to go. All borrowed. */
    mf_fields_write write;
    /* The hook has let others see the copy: they are to have the instance
     * instead. NULL here: that is a reason to reject. */
    int (*become)(void *arg, PyObject *copy, PyObject *instance);
    void *arg;
    PyObject *hook;          /* to be called, not what new_class has by the
                                name; borrowed, NULL: that */
    bool fields_changed;     /* also if `fields` is empty: some are gone */
};

/* For all live instances of old_class and its subclasses. new_class: the
 * staged one, whose __migrate__ it is and whose instances the copies of
 * direct instances are; old_class itself, where its members ran alone. The
 * hook runs if fields changed. What it raises is a reason in the report, and
 * the end. 0 / -1. */
int mf_hooks_migrate_all(struct mf_hooks *hooks, struct mf_fields *fields,
                         PyTypeObject *old_class, PyTypeObject *new_class,
                         const struct mf_hooks_migration *migration);

#endif
