/* thread_turns.c -- how the system's scheduler is asked to let the engine's thread
 * in. In: the calling thread. Out: nothing but what the kernel makes of it.
 */
#include "thread_parts.h"

#ifdef __linux__
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#define SHORT_TURN_NS 100000     /* the shortest that there is */
#define RESET_ON_FORK 1          /* the kernel's SCHED_FLAG_RESET_ON_FORK */

#if defined(__linux__) && defined(SYS_sched_setattr)
/* Our turns are short: asks to be let in before whoever has a long one, which is
 * often the editor, still busy with its save on the processor that we are woken
 * on (Linux 6.12 and newer; for others, and where it may not be asked, nothing
 * is lost). The thread's share of the processor does not grow. The struct is the
 * kernel's sched_attr in its first version. */
void
mf_thread_ask_for_short_turns(void)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period; /* ns */
    } attr = {.size = sizeof attr};
    if (syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0) == 0 &&
        attr.policy == SCHED_OTHER && attr.nice >= 0) {
        attr.runtime = SHORT_TURN_NS;
        attr.flags |= RESET_ON_FORK; /* not for threads that hooks start */
        syscall(SYS_sched_setattr, 0, &attr, 0);
    }
}
#else
void
mf_thread_ask_for_short_turns(void)
{
}
#endif
