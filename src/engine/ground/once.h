/* once.h -- strings that live as long as the runtime.
 *
 * A host may end Python and start it anew, and may run several interpreters.
 * So nothing that belongs to one interpreter stands in a static variable: that
 * is in its mf_state. Plain strings may, as all interpreters that can load us
 * share their memory; they are not interned, as interned ones end with the
 * interpreter that was first to intern them. And the end of the runtime takes
 * all of them.
 */
#ifndef MF_ONCE_H
#define MF_ONCE_H

#include "../engine.h"

/* The string of a static variable, made when it is first asked for. Borrowed;
 * NULL with an exception. GIL held. */
PyObject *mf_once(PyObject **slot, const char *text);

/* The runtime has ended, and all objects with it: every slot is empty again.
 * Calls nothing of Python. */
void mf_once_forget(void);

#endif
