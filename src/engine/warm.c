/* warm.c -- owns the rehearsal of an update. In: a file that is being written.
 * Out: nothing that lasts.
 *
 * A process that has slept for a while has nothing of the engine and the
 * compiler in the processor's caches: the statement that takes 0.03 ms to compile
 * in a row takes 0.18 ms then, and the whole update three times as long. Editors
 * take their time between the first write to a file and its close (most let the
 * disk have it first), so that the plan is made once before it is needed.
 */
#include "warm.h"

#include <sys/stat.h>

#include "update.h"

/* The program waits for the GIL while a plan is made: not for the largest. */
#define TEXT_MAX (256 * 1024)

void
mf_warm_up(struct mf_state *state, const char *path)
{
    struct stat st;
    PyObject *plan = NULL;
    if (stat(path, &st) != 0 || st.st_size > TEXT_MAX) {
        return;
    }
    PyObject *paths = Py_BuildValue("[N]", PyUnicode_DecodeFSDefault(path));
    if (paths == NULL ||
        mf_update_quietly(state, paths, MF_MODE_PLAN, &plan) < 0) {
        PyErr_Clear(); /* the save finds the same, and says it */
    }
    Py_XDECREF(plan);
    Py_XDECREF(paths);
}
