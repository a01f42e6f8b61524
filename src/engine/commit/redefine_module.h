/* redefine_module.h -- entries of sys.modules and attributes of packages, for
 * modules that an update takes away; modules that it has loaded get the real
 * builtins.
 */
#ifndef MF_REDEFINE_MODULE_H
#define MF_REDEFINE_MODULE_H

#include "../stage/stage.h"
#include "undo.h"

int mf_redefine_module_apply(struct mf_undo *undo, struct mf_plan *plan,
                             struct mf_stage *stage);

#endif
