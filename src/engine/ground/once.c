/* once.c -- owns the list of static variables that hold a string. In: slots.
 * Out: strings; at the end of the runtime, empty slots.
 */
#include "once.h"

enum { SLOTS = 64 };

static PyObject **filled[SLOTS];
static size_t count;

PyObject *
mf_once(PyObject **slot, const char *text)
{
    if (*slot != NULL) {
        return *slot;
    }
    if (count == SLOTS) {
        PyErr_SetString(PyExc_SystemError, "midflight: more strings than "
                                           "once.c has places");
        return NULL;
    }
    *slot = PyUnicode_FromString(text);
    if (*slot != NULL) {
        filled[count++] = slot;
    }
    return *slot;
}

void
mf_once_forget(void)
{
    while (count > 0) {
        *filled[--count] = NULL;
    }
}
