/* effects_reach.h -- which live objects code can reach by the names in it.
 * Part of the room effects.
 */
#ifndef MF_EFFECTS_REACH_H
#define MF_EFFECTS_REACH_H

#include "effects.h"

/* Every holder that the code, run over these globals, can reach gets its copy
 * (mf_effects_add). ran: it is about to run; false: the old text of a
 * statement. */
int mf_effects_reach(struct mf_effects *effects, PyObject *code,
                     PyObject *globals, PyObject *own, bool ran);
/* The same from an object on, containers in it `depth` levels deep. */
int mf_effects_reach_object(struct mf_effects *effects, PyObject *obj,
                            int depth);

/* effects.c: copy a holder unless it has been copied; its index, or -1 if it
 * is not to be watched, -2 with an exception. old: the old text that reaches
 * it, NULL: what is about to run does. */
Py_ssize_t mf_effects_add(struct mf_effects *effects, int kind,
                          PyObject *holder, PyObject *name, PyObject *old);

/* Whose a module is. What machinery keeps in its objects follows threads,
 * processes and connections, which nobody can take back. */
enum mf_owner { MF_OWNER_PROGRAM = 1, MF_OWNER_LIBRARY, MF_OWNER_MACHINERY };
/* effects_owner.c: whose is the namespace of a module (key "__name__") or
 * class ("__module__")? `owners` remembers. An enum mf_owner, or -1. */
int mf_effects_owner(struct mf_map *owners, PyObject *dict, const char *key);

#endif
