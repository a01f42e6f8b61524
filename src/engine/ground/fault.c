/* fault.c -- the engine's allocator and the levers that make it, and single
 * steps, fail on purpose.
 *
 * In: names and values of levers. Out: answers to "shall this fail now?".
 * Counters are atomic, since memory is taken without the GIL too.
 */
#include "fault.h"

#ifdef MF_LEVERS
#include <stdatomic.h>
#include <stdlib.h>

static const char *const lever_names[MF_LEVER_COUNT_] = {
    [MF_LEVER_IDENTITY] = "identity",
    [MF_LEVER_FORCE_ROLLBACK] = "force_rollback",
    [MF_LEVER_EVERY] = "every",
    [MF_LEVER_FAIL_ALLOC] = "fail_alloc",
    [MF_LEVER_FAIL_STEP] = "fail_step",
    [MF_LEVER_REPEAT] = "repeat",
    [MF_LEVER_FAIL_PROBE] = "fail_probe",
};

/* Process-wide: they are for tests, which run one interpreter. */
static atomic_long lever_values[MF_LEVER_COUNT_];
static atomic_long allocs_seen;
static atomic_long steps_seen;
static atomic_long blocks_live; /* taken by mf_alloc, not yet freed */

long
mf_fault_lever(enum mf_lever lever)
{
    return atomic_load(&lever_values[lever]);
}

static int
set_lever(const char *name, size_t len, long value)
{
    for (int i = 0; i < MF_LEVER_COUNT_; i++) {
        if (strlen(lever_names[i]) == len &&
            memcmp(lever_names[i], name, len) == 0) {
            if (i == MF_LEVER_FAIL_ALLOC) {
                atomic_store(&allocs_seen, 0);
            }
            if (i == MF_LEVER_FAIL_STEP) {
                atomic_store(&steps_seen, 0);
            }
            atomic_store(&lever_values[i], value);
            return 0;
        }
    }
    return -1;
}

int
mf_fault_set(const char *name, long value)
{
    return set_lever(name, strlen(name), value);
}

int
mf_fault_from_env(void)
{
    const char *p = getenv("MIDFLIGHT_LEVERS");
    while (p != NULL && *p != '\0') {
        size_t len = strcspn(p, ",");
        size_t name_len = strcspn(p, "=,");
        long value = 1;
        if (name_len < len) {
            value = strtol(p + name_len + 1, NULL, 10);
        }
        if (len > 0 && set_lever(p, name_len, value) < 0) {
            PyErr_Format(PyExc_ValueError,
                         "MIDFLIGHT_LEVERS: unknown lever in '%s'", p);
            return -1;
        }
        p += len;
        p += *p == ',';
    }
    return 0;
}

/* A place for a debugger's breakpoint: what fails now? */
static __attribute__((noinline)) int
fires(long n)
{
    return n > 0;
}

/* The Nth from the set on fails, once. */
static int
counted(atomic_long *seen, enum mf_lever lever)
{
    long n = atomic_fetch_add(seen, 1) + 1;
    return n == atomic_load(&lever_values[lever]) && fires(n);
}

int
mf_fault_alloc(void)
{
    return counted(&allocs_seen, MF_LEVER_FAIL_ALLOC);
}

int
mf_fault_step(void)
{
    return counted(&steps_seen, MF_LEVER_FAIL_STEP);
}

PyObject *
mf_fault_counts(void)
{
    return Py_BuildValue("{s:l,s:l,s:l}", "fail_alloc",
                         atomic_load(&allocs_seen), "fail_step",
                         atomic_load(&steps_seen), "blocks",
                         atomic_load(&blocks_live));
}

/* A block more (1) or less (-1). */
static void
count_block(long by)
{
    atomic_fetch_add(&blocks_live, by);
}
#else
PyObject *
mf_fault_counts(void)
{
    return PyDict_New();
}

static inline void
count_block(long by)
{
    (void)by;
}
#endif

void *
mf_alloc(size_t size)
{
    void *block = mf_fault_alloc() ? NULL : PyMem_RawCalloc(1, size);
    count_block(block != NULL);
    return block;
}

void *
mf_realloc(void *block, size_t size)
{
    void *moved = mf_fault_alloc() ? NULL : PyMem_RawRealloc(block, size);
    count_block(block == NULL && moved != NULL);
    return moved;
}

void
mf_free(void *block)
{
    count_block(-(block != NULL));
    PyMem_RawFree(block);
}
