/* merge_values.h -- values compared and merged three ways, and the rules that
 * say which side wins. Calls no user code.
 */
#ifndef MF_MERGE_VALUES_H
#define MF_MERGE_VALUES_H

#include "match.h"

enum mf_policy {
    MF_POLICY_MERGE, /* three ways: the default */
    MF_POLICY_KEEP,  /* live stays */
    MF_POLICY_NEW    /* the source's value always wins */
};

/* The rule for a name of a module (cls_name NULL) or of a class, most
 * specific first. Never fails. */
enum mf_policy mf_policy_find(struct mf_match *match, struct mf_state *state,
                              struct mf_target *target,
                              PyObject *new_dict, PyObject *cls_name,
                              PyObject *name, uint32_t delta);
/* Under the rules of python_reloader a name that is gone from the source
 * stays, unless it is a function. */
bool mf_policy_keeps_gone(struct mf_match *match, struct mf_state *state,
                          struct mf_target *target,
                          PyObject *new_dict, PyObject *name, PyObject *live);

#endif
