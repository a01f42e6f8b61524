/* testengine.c -- module midflight._testengine: rooms of the engine that no
 * Python code can reach by themselves, opened for the tests in tests/engine.
 */
#include "parts.h"

static int (*const parts[])(PyObject *module) = {
    mf_test_classes_init,
    mf_test_effects_init,
    mf_test_frames_init,
    mf_test_ground_init,
    mf_test_host_init,
    mf_test_split_init,
    mf_test_watch_init,
};

static int
exec_module(PyObject *module)
{
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (parts[i](module) < 0) {
            return -1;
        }
    }
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, exec_module},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "midflight._testengine",
    .m_doc = "Single rooms of the engine, for its tests.",
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__testengine(void)
{
    return PyModuleDef_Init(&definition);
}
