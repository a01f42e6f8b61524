/* probe.h -- may the engine run on this Python? */
#ifndef MF_PROBE_H
#define MF_PROBE_H

#include "engine.h"

/* Every room that knows a layout tries what it believes, on objects of its
 * own. *why: NULL, or a new str, the reason why every update must be rejected.
 * Called once per interpreter at import. 0, -1 only for want of memory. */
int mf_probe_all(PyObject **why);

#endif
