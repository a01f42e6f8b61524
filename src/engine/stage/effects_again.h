/* effects_again.h -- what statements that run again, or are gone, had
 * registered. Part of the room effects.
 */
#ifndef MF_EFFECTS_AGAIN_H
#define MF_EFFECTS_AGAIN_H

#include "effects.h"

/* What a statement that runs again or is gone had to do with an object. */
enum {
    MF_RERUN_MADE = 1, /* made by a statement that ran again or is gone, or
                          named by one that is gone */
    MF_RERUN_NAMED = 2 /* only named by a statement that ran again: where it
                          registered the very same object in a dict or set
                          again, nothing can be seen */
};
struct mf_rerun {
    PyObject *code;        /* its old text, borrowed; NULL: any */
    size_t next;           /* index + 1 of the next one of the same object */
    uint8_t how;
    bool gone;             /* the statement is */
};
struct mf_reruns {
    struct mf_map of;      /* live object -> index + 1 */
    struct mf_rerun *items;
    size_t len, cap;
};
/* Each object has a statement once; the first `how` counts. */
int mf_reruns_add(struct mf_reruns *reruns, PyObject *live,
                  struct mf_rerun rerun);
void mf_reruns_clear(struct mf_reruns *reruns);

/* Before a statement runs again (`old`: its old text, NULL if it is new), as
 * a part of what it does: registrations that it, or a statement that is gone,
 * has made go from the containers that it can reach, so that a registry finds
 * what it would find when the program starts. mf_effects_settle puts what is
 * registered again to the old place. To be called right after
 * mf_effects_before; 0 / -1. */
int mf_effects_take_out(struct mf_effects *effects,
                        const struct mf_reruns *reruns, PyObject *old);
/* Are the items of this holder registrations, which go when what has made
 * them runs again or is gone? */
bool mf_effects_registers(const struct mf_effect *effect,
                          const struct mf_rerun *rerun);

#endif
