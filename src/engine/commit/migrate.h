/* migrate.h -- what live instances of edited classes get before the point of
 * no return: the new fields, and what the new class's __migrate__ makes of a
 * copy. Adds writes to merge, writes nothing itself.
 */
#ifndef MF_MIGRATE_H
#define MF_MIGRATE_H

#include "../stage/hooks.h"
#include "../stage/merge.h"
#include "rebuild.h"

/* After merge, behind the before hooks. Runs user code (default factories,
 * hooks), so nothing may be read for good before it. What that raises is a
 * reason in the report. 1: some hook ran, so that live objects may hold
 * staged ones; 0; -1. */
int mf_migrate_run(struct mf_merge *merge, struct mf_hooks *hooks,
                   struct mf_rebuild *rebuild);

#endif
