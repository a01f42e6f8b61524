/* test_host.c -- a host that ends Python and starts it anew in one process:
 * functions of the C library's exit, which runs after the interpreter's end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "parts.h"

static char *executable, *code;
static int rounds;

static int
start_again(void)
{
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.install_signal_handlers = 0;
    PyStatus status =
        PyConfig_SetBytesString(&config, &config.program_name, executable);
    if (!PyStatus_Exception(status)) {
        status = Py_InitializeFromConfig(&config);
    }
    PyConfig_Clear(&config);
    return PyStatus_Exception(status) ? -1 : 0;
}

static void
run_rounds(void)
{
    for (int i = 0; i < rounds; i++) {
        if (start_again() < 0 || PyRun_SimpleString(code) != 0 ||
            Py_FinalizeEx() < 0) {
            fprintf(stderr, "round %d failed\n", i);
            _exit(9);
        }
    }
    fflush(stdout);
}

/* after_end(executable, code, rounds): when this Python has ended, start it
 * again so often, run the code, end it. The process exits with 9 if one
 * fails. */
static PyObject *
after_end(PyObject *self, PyObject *args)
{
    const char *path, *text;
    (void)self;
    if (!PyArg_ParseTuple(args, "ssi", &path, &text, &rounds)) {
        return NULL;
    }
    executable = strdup(path);
    code = strdup(text);
    if (executable == NULL || code == NULL || atexit(run_rounds) != 0) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"after_end", after_end, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int
mf_test_host_init(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
