/* diff_align.h -- the statements of one scope (a module or a class body) of two
 * texts, paired. Part of the room diff.
 */
#ifndef MF_DIFF_ALIGN_H
#define MF_DIFF_ALIGN_H

#include "compile.h"

struct mf_scope {
    const struct mf_split *split;
    const char *text;
    uint32_t *units; /* indexes, in order */
    uint32_t len;
    uint32_t *mate;  /* index into the other scope's units, or NONE */
};

/* The units from `first` on, without mates. 0 / -1; clear it in any case. */
int mf_diff_scope_fill(struct mf_scope *scope, struct mf_compile_unit_of *of,
                       uint32_t first);
/* Old and new side: fills both mates. 0 / -1 */
int mf_diff_align(struct mf_scope *a, struct mf_scope *b);
void mf_diff_scope_clear(struct mf_scope *scope);

#endif
