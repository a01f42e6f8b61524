/* trace.c -- log lines and the clock.
 *
 * In: a level and a text in fixed words. Out: one write(2) per line, so that
 * lines of several threads do not mix.
 */
#include "trace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int mf_trace_level;

enum { LINE_MAX_ = 1024 };

void
mf_trace_from_env(void)
{
    const char *text = getenv("MIDFLIGHT_TRACE");
    mf_trace_level = text != NULL ? atoi(text) : 0;
}

void
mf_trace_line(int level, const char *format, ...)
{
    static const char prefix[] = "midflight: ";
    char line[LINE_MAX_];
    int saved_errno = errno;

    if (mf_trace_level < level) {
        return;
    }
    memcpy(line, prefix, sizeof(prefix) - 1);
    size_t used = sizeof(prefix) - 1;
    va_list args;
    va_start(args, format);
    /* One byte is kept for the line's end. */
    int n = vsnprintf(line + used, sizeof(line) - used - 1, format, args);
    va_end(args);
    if (n > 0) {
        size_t room = sizeof(line) - used - 2;
        used += (size_t)n < room ? (size_t)n : room;
    }
    line[used++] = '\n';
    for (size_t done = 0; done < used;) {
        ssize_t put = write(STDERR_FILENO, line + done, used - done);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            break; /* a log line is not worth an error */
        }
        done += (size_t)put;
    }
    errno = saved_errno;
}

int64_t
mf_trace_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
