/* module.c -- the extension module midflight._engine: definition, state,
 * method table. No logic.
 */
#include "agent.h"
#include "args.h"
#include "commit/redefine_older.h"
#include "fork.h"
#include "ground/compat.h"
#include "ground/compat_names.h"
#include "ground/fault.h"
#include "ground/once.h"
#include "ground/trace.h"
#include "probe.h"
#include "read/imports.h"
#include "read/imports_cached.h"
#include "state.h"
#include "watching.h"
#include "update.h"

/* One state per interpreter; few interpreters ever load us. Guarded by each
 * interpreter's GIL: an entry is written by its own interpreter only. */
enum { MAX_INTERPRETERS = 64 };
static struct {
    PyInterpreterState *interp;
    struct mf_state *state;
} states[MAX_INTERPRETERS];

struct mf_state *
mf_state_get(void)
{
    PyInterpreterState *interp = PyInterpreterState_Get();
    for (int i = 0; i < MAX_INTERPRETERS; i++) {
        if (states[i].interp == interp) {
            return states[i].state;
        }
    }
    PyErr_SetString(PyExc_RuntimeError, "midflight has been shut down");
    return NULL;
}

static int
state_init(struct mf_state *state)
{
    state->settle_ms = 50;
    state->target_cache = PyDict_New();
    state->folder_cache = PyDict_New();
    state->by_path = PyDict_New();
    state->importers = PyDict_New();
    state->reach = PyDict_New();
    state->attentive = PyDict_New();
    state->queued = PySet_New(NULL);
    state->pending = PyDict_New();
    state->alone = PySet_New(NULL);
    state->history = PyList_New(0);
    state->tracked = PyDict_New();
    state->records = PyList_New(0);
    state->undone = PyList_New(0);
    state->fixed = PyList_New(0);
    state->layers = PyDict_New();
    if (!state->target_cache || !state->folder_cache || !state->by_path || !state->importers ||
        !state->reach || !state->attentive ||
        !state->queued || !state->pending || !state->alone || !state->history ||
        !state->tracked || !state->records ||
        !state->undone || !state->fixed || !state->layers) {
        return -1;
    }
    return mf_probe_all(&state->unsupported);
}

static void
state_free(struct mf_state *state)
{
    mf_watching_end(state);
    mf_agent_free(state);
    mf_imports_stop(state);
    mf_imports_cached_clear(&state->plain);
    mf_source_free_all(state);
    mf_older_free(state->older);
    state->older = NULL;
    if (state->turn != NULL && state->busy_thread == 0) {
        PyThread_free_lock(state->turn); /* nobody sleeps on it */
        state->turn = NULL;
    }
    PyObject **all[] = {
        &state->roots,    &state->is_target, &state->data_rules,
        &state->compat,   &state->listener,  &state->finder,
        &state->finder_type,
        &state->importers, &state->reach, &state->attentive,
        &state->walked,
        &state->target_cache, &state->folder_cache, &state->by_path,
        &state->alone,    &state->queued,   &state->pending,   &state->history, &state->armed, &state->waits,
        &state->records,  &state->undone, &state->fixed, &state->layers,
        &state->layering, &state->tracked,   &state->unsupported,
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(all); i++) {
        Py_CLEAR(*all[i]);
    }
}

/* Python has ended, and a host may start it again in this process: nothing of
 * what was stands any more. */
static bool ends_with_runtime;

static void
forget(void)
{
    ends_with_runtime = false;
    memset(states, 0, sizeof(states));
    mf_once_forget();
    mf_imports_forget_hook();
    mf_compat_code_forget();
}

static int
end_with_runtime(void)
{
    if (!ends_with_runtime && Py_AtExit(forget) < 0) {
        PyErr_SetString(PyExc_ImportError,
                        "midflight: no room for one more Py_AtExit function");
        return -1;
    }
    ends_with_runtime = true;
    return 0;
}

#ifdef MF_NO_CONTROL
enum { CONTROL = 0 };
#else
enum { CONTROL = 1 };
#endif

static int
module_exec(PyObject *module)
{
    mf_trace_from_env();
    mf_split_fstrings(mf_compat_nested_fstrings());
    struct mf_state *state = PyModule_GetState(module);
    if (mf_fault_from_env() < 0 || end_with_runtime() < 0 ||
        mf_source_init() < 0 || mf_imports_init(state, module) < 0 ||
        PyModule_AddObjectRef(module, "CONTROL",
                              CONTROL ? Py_True : Py_False) < 0) {
        return -1;
    }
    PyInterpreterState *interp = PyInterpreterState_Get();
    for (int i = 0; i < MAX_INTERPRETERS; i++) {
        if (states[i].interp == NULL || states[i].interp == interp) {
            if (state_init(state) < 0) {
                return -1;
            }
            states[i].interp = interp;
            states[i].state = state;
            return mf_fork_init();
        }
    }
    PyErr_SetString(PyExc_ImportError, "too many interpreters use midflight");
    return -1;
}

static void
module_free(void *module)
{
    struct mf_state *state = PyModule_GetState(module);
    if (state == NULL) {
        return;
    }
    for (int i = 0; i < MAX_INTERPRETERS; i++) {
        if (states[i].state == state) {
            states[i].interp = NULL;
            states[i].state = NULL;
        }
    }
    state_free(state);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_mod_gil
    /* without the GIL every update would be rejected (mf_compat_probe) */
    {Py_mod_gil, Py_MOD_GIL_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "midflight._engine",
    .m_doc = "The engine of midflight: changes a Python program while it "
             "runs.",
    .m_size = sizeof(struct mf_state),
    .m_methods = mf_args_methods,
    .m_slots = module_slots,
    .m_free = module_free,
};

PyMODINIT_FUNC
PyInit__engine(void)
{
    return PyModuleDef_Init(&module_def);
}
