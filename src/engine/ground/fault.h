/* fault.h -- levers that break things on purpose (style: Dart's reload flags,
 * SQLite's benign malloc). Compiled to nothing unless MF_LEVERS is defined.
 *
 *   identity        updates are given the same source: nothing may change
 *   force_rollback  every commit is rolled back after apply
 *   every=N         poll() attempts an identity update every N calls
 *   fail_alloc=N    the Nth allocation of the engine from now on fails
 *   fail_step=N     the Nth mf_fault_step() from now on fails
 *   repeat=N        each update is applied, undone and applied again N times
 *   fail_probe=N    the Nth probe at import says that this Python is not as
 *                   known (only from the environment: it is asked once)
 *
 * Set by the environment variable MIDFLIGHT_LEVERS="a,b=3" at import or by
 * _engine.lever(name, value).
 */
#ifndef MF_FAULT_H
#define MF_FAULT_H

#include "../engine.h"

enum mf_lever {
    MF_LEVER_IDENTITY,
    MF_LEVER_FORCE_ROLLBACK,
    MF_LEVER_EVERY,
    MF_LEVER_FAIL_ALLOC,
    MF_LEVER_FAIL_STEP,
    MF_LEVER_REPEAT,
    MF_LEVER_FAIL_PROBE,
    MF_LEVER_COUNT_
};

#ifdef MF_LEVERS
long mf_fault_lever(enum mf_lever lever);
/* -1: unknown lever, no exception set. Setting a counting lever starts its
 * count anew. */
int mf_fault_set(const char *name, long value);
int mf_fault_from_env(void); /* -1 with ValueError: unknown lever */
/* 1: this allocation / step shall fail now. */
int mf_fault_alloc(void);
int mf_fault_step(void);
#else
static inline long mf_fault_lever(enum mf_lever l) { (void)l; return 0; }
static inline int mf_fault_set(const char *n, long v) { (void)n; (void)v; return -1; }
static inline int mf_fault_from_env(void) { return 0; }
static inline int mf_fault_alloc(void) { return 0; }
static inline int mf_fault_step(void) { return 0; }
#endif

/* dict: what fail_alloc and fail_step have counted since they were set, and
 * the engine's blocks that are not freed yet. Empty in builds without levers. */
PyObject *mf_fault_counts(void);

/* The engine's allocator: PyMem_Raw*, failing when the lever says so. */
void *mf_alloc(size_t size);                 /* zeroed; no exception set */
void *mf_realloc(void *block, size_t size);  /* no exception set */
void mf_free(void *block);

#endif
