/* warm.c -- owns a text that nobody runs. In: nothing. Out: nothing that lasts.
 *
 * A process that has slept for a while has nothing of the compiler in the
 * processor's caches: the statement that takes 0.03 ms to compile in a row takes
 * 0.18 ms then, the largest part of an update. Editors take their time between
 * the first write to a file and its close (most let the disk have it first), so
 * the compiler is run once meanwhile.
 */
#include "warm.h"

static const char text[] =
    "class A:\n"
    "    def f(self, a, b=1):\n"
    "        \"\"\"Text.\"\"\"\n"
    "        for x in a:\n"
    "            if x % 2:\n"
    "                b += x.y[0](b, self.z)\n"
    "        return {'b': b, 'a': [*a]}\n";

void
mf_warm_compiler(void)
{
    PyObject *code = Py_CompileString(text, "<midflight>", Py_file_input);
    Py_XDECREF(code);
    PyErr_Clear(); /* no memory, say: then the update will tell */
}
