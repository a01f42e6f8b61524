/* effects.h -- what staged code did to live objects: shallow copies of the
 * containers and namespaces that a step can reach by the names in its code,
 * taken before it runs; differences read off after it. Rejected: the
 * differences are taken back. Committed: they are made to stand there once,
 * at the old place (registrations).
 */
#ifndef MF_EFFECTS_H
#define MF_EFFECTS_H

#include "../commit/undo.h"

/* One live container with its contents before staging. */
struct mf_effect {
    PyObject *holder;   /* list, dict, set, deque, or a class (its dict) */
    PyObject *before;   /* tuple, dict, frozenset copy */
};

struct mf_effects {
    struct mf_effect *items;
    size_t len, cap;
    struct mf_map seen;     /* holder -> index + 1, code -> 0 */
    struct mf_map foreign;  /* dicts that are no live state: staging ones */
};

/* Copy what `code`, run over `globals`, can reach: values of the names it
 * loads, what functions of the program called by it load, containers in
 * them, attributes of instances. `stop` (may be NULL) tells namespaces that
 * must not be copied. */
int mf_effects_before(struct mf_effects *effects, PyObject *code,
                      PyObject *globals);
/* Also follow a live object by itself (an argument of a registration). */
int mf_effects_watch(struct mf_effects *effects, PyObject *obj, int depth);
/* Did this holder change since it was copied? */
bool mf_effects_changed(const struct mf_effect *effect);
/* Rejected: write the differences back. Never fails (what cannot be written
 * is traced). */
void mf_effects_take_back(struct mf_effects *effects);
void mf_effects_clear(struct mf_effects *effects);

#endif
