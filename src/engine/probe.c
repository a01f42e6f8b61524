/* probe.c -- owns the question whether the engine may run on this Python. In:
 * the probes of the rooms that know layouts. Out: the first reason against it.
 */
#include "probe.h"

#include "ground/compat.h"
#include "ground/compat_objects.h"
#include "ground/fault.h"
#include "heap/edges.h"
#include "heap/heap.h"
#include "heap/tables.h"

#define UNSUPPORTED "this Python is not supported: "

/* In this order: each may rely on what those before have tried. */
static const struct {
    int (*probe)(void); /* 0, or -1 with an exception */
    const char *what;   /* is not as known if it fails */
} probes[] = {
    {mf_heap_probe, "the collector's lists are"},
    {mf_compat_obj_probe, "the layouts of objects are"},
    {mf_edges_probe, "the references of objects are"},
    {mf_tables_probe, "hash tables are"},
};

/* The lever fail_probe=N: the Nth probe, counted from 1, says no. */
static bool
made_to_fail(size_t number)
{
    return mf_fault_lever(MF_LEVER_FAIL_PROBE) == (long)number;
}

int
mf_probe_all(PyObject **why)
{
    *why = NULL;
    const char *known = made_to_fail(1)
                            ? "this version of Python is not known to midflight"
                            : mf_compat_probe();
    if (known != NULL) {
        *why = PyUnicode_FromFormat(UNSUPPORTED "%s", known);
        return *why ? 0 : -1;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(probes); i++) {
        if (!made_to_fail(i + 2) && probes[i].probe() == 0) {
            continue;
        }
        PyObject *type, *value, *tb;
        PyErr_Fetch(&type, &value, &tb);
        PyObject *more = value ? PyUnicode_FromFormat(" (%S)", value)
                               : PyUnicode_New(0, 0);
        *why = more ? PyUnicode_FromFormat(
                          UNSUPPORTED "%s not as midflight knows them%U",
                          probes[i].what, more)
                    : NULL;
        Py_XDECREF(more);
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(tb);
        return *why ? 0 : -1;
    }
    return 0;
}
