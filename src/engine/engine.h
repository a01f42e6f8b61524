/* engine.h -- what every room of the engine shares: Python, the conventions
 * of results, and the state of one interpreter. No function bodies.
 *
 * Results: int functions give 0, or -1 with an exception set; pointers give
 * NULL with an exception set; three-way results are stated at the prototype.
 * A rejection is no error: it is a reason added to the update's report
 * (ground/report.h) and the function returns 0.
 *
 * References in structs are strong unless the field says otherwise.
 * All functions need the GIL unless their comment says otherwise.
 */
#ifndef MF_ENGINE_H
#define MF_ENGINE_H

#ifndef PY_SSIZE_T_CLEAN
#define PY_SSIZE_T_CLEAN
#endif
#include <Python.h>

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct mf_state;   /* one per interpreter: module.c makes it, state.h has it */
struct mf_update;  /* one attempt, from event to report: update.h */

#endif
