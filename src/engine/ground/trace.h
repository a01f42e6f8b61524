/* trace.h -- log lines in fixed words (the tests compare them) and phase
 * timers. Level from MIDFLIGHT_TRACE (0 off, 1 phases, 2 definitions,
 * 3 objects, 4 everything); lines go to stderr by write(2), whole.
 */
#ifndef MF_TRACE_H
#define MF_TRACE_H

#include "../engine.h"

extern int mf_trace_level;

void mf_trace_from_env(void);
/* printf-style, one line, "midflight: " in front. No GIL needed. */
void mf_trace_line(int level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
#define MF_TRACE(level, ...)                                                  \
    do {                                                                      \
        if (mf_trace_level >= (level)) {                                      \
            mf_trace_line(level, __VA_ARGS__);                                \
        }                                                                     \
    } while (0)

/* Monotonic clock in nanoseconds. No GIL needed. */
int64_t mf_trace_now(void);

#endif
