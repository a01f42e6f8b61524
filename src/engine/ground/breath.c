/* breath.c -- owns when a long update lets go of the GIL. In: the time of the
 * last breath. Out: a moment in which other threads can run.
 *
 * Who waits for the GIL asks for it after the switch interval (5 ms); giving
 * it up then hands it over. So a thread waits for little more than that
 * interval, as for any other thread, and an update takes about twice its time
 * where somebody else is busy.
 */
#include "breath.h"

#include "trace.h"

enum { BREATH_NS = 2000000 };

void
mf_breathe(struct mf_breath *breath)
{
    int64_t now = breath != NULL ? mf_trace_now() : 0;
    if (breath == NULL || now - breath->since < BREATH_NS) {
        return;
    }
    if (breath->since != 0) {
        Py_BEGIN_ALLOW_THREADS
        Py_END_ALLOW_THREADS
        now = mf_trace_now();
    }
    breath->since = now;
}
