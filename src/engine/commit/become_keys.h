/* become_keys.h -- the part of become that is about hashes: tables whose keys
 * are replaced, objects whose hash follows from what they hold, weak
 * references. mf_become_weakrefs and mf_become_rehash (become.h) are here too.
 */
#ifndef MF_BECOME_KEYS_H
#define MF_BECOME_KEYS_H

#include "become.h"

/* Keys of one table that are keys of pairs, or in `moved`. Logged. */
int mf_become_keys_rekey(struct mf_become *become, PyObject *table);
/* obj holds something else now: forgets the hash that it keeps and notes it
 * in `moved`, if its hash follows from what it holds. */
int mf_become_keys_moved(struct mf_become *become, PyObject *obj);
/* mf_undo_call with an argument that is given away; NULL: -1. */
int mf_become_keys_log(struct mf_undo *undo, void (*back)(PyObject *),
                       PyObject *arg);

#endif
