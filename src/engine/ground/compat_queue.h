/* compat_queue.h -- where a queue.SimpleQueue keeps what is in it.
 */
#ifndef MF_COMPAT_QUEUE_H
#define MF_COMPAT_QUEUE_H

#include "../engine.h"

/* Each item's word, in order. To 3.12 the items are in a list, which is one of
 * the queue's own words: then nothing is visited. 0: go on; anything else
 * stops and is returned. No Python code runs. */
int mf_compat_queue_each(PyObject *queue, int (*word)(PyObject **, void *),
                         void *arg);

#endif
