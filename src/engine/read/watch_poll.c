/* watch_poll.c -- polling: reads the tree again in turn, in slices of a few
 * milliseconds. In: which folders are polled. Out: mf_watch_change().
 *
 * A folder is read again when its time of change differs, a file counts as
 * changed when time, size or inode differ. File systems keep times in steps
 * (up to 2 s), so what was written within the last step is "racy": read again
 * in any case, and compared by content.
 */
#include "watch_backend.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SLICE (4 * MF_WATCH_MS) /* of one round of polling */
#define SLOW_EVERY 10           /* rounds, for folders polled slowly */
#define RACY 2000000000LL       /* coarsest step of file times, ns */
#define HASH_MAX (1 << 20)      /* of a file's content */

/* ---- stamps ------------------------------------------------------------ */

int64_t
mf_watch_poll_time(const struct stat *st)
{
#ifdef __APPLE__
    const struct timespec *ts = &st->st_mtimespec;
#else
    const struct timespec *ts = &st->st_mtim;
#endif
    return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

bool
mf_watch_poll_racy(int64_t mtime)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    int64_t age = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec - mtime;
    return age < RACY && age > -RACY;
}

static uint64_t
hash_content(const char *path)
{
    unsigned char block[16384];
    uint64_t hash = 14695981039346656037u;
    size_t total = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return 0;
    }
    ssize_t len;
    while (total < HASH_MAX && (len = read(fd, block, sizeof block)) > 0) {
        for (ssize_t i = 0; i < len; i++) {
            hash = (hash ^ block[i]) * 1099511628211u;
        }
        total += len;
    }
    close(fd);
    return hash;
}

enum mf_watch_seen
mf_watch_poll_stamp(const struct mf_watch_dir *dir, struct mf_watch_file *file)
{
    struct stat st;
    char *path = mf_watch_tree_path(dir, file->key.text);
    if (path == NULL) {
        return MF_WATCH_SAME; /* looked at again in the next round */
    }
    enum mf_watch_seen seen = MF_WATCH_GONE;
    if (stat(path, &st) < 0) {
        /* Only these two say that it is gone: a server may be away. */
        seen = errno == ENOENT || errno == ENOTDIR ? MF_WATCH_GONE
                                                   : MF_WATCH_SAME;
    }
    else if (S_ISREG(st.st_mode)) {
        int64_t mtime = mf_watch_poll_time(&st);
        bool same = file->mtime == mtime && file->size == st.st_size &&
                    file->ino == st.st_ino;
        bool racy = mf_watch_poll_racy(mtime);
        uint64_t hash =
            racy || (same && file->racy) ? hash_content(path) : 0;
        seen = same && (!file->racy || hash == file->hash) ? MF_WATCH_SAME
                                                           : MF_WATCH_OTHER;
        file->mtime = mtime;
        file->size = st.st_size;
        file->ino = st.st_ino;
        file->racy = racy;
        file->hash = hash;
    }
    free(path);
    return seen;
}

/* ---- rounds ------------------------------------------------------------ */

void
mf_watch_poll_set(struct mf_watch *watch, struct mf_watch_dir *dir,
                  enum mf_watch_polled polled)
{
    if (dir->polled) {
        watch->polled_count--;
        watch->slow_count -= dir->polled == MF_WATCH_POLLED_SLOWLY;
        if (watch->cursor == dir) {
            watch->cursor = dir->poll_next;
        }
        if (dir->poll_prev != NULL) {
            dir->poll_prev->poll_next = dir->poll_next;
        }
        else {
            watch->polled = dir->poll_next;
        }
        if (dir->poll_next != NULL) {
            dir->poll_next->poll_prev = dir->poll_prev;
        }
    }
    dir->polled = polled;
    dir->poll_prev = dir->poll_next = NULL;
    if (polled) {
        watch->polled_count++;
        watch->slow_count += polled == MF_WATCH_POLLED_SLOWLY;
        if (watch->polled == NULL) {
            watch->poll_due =
                mf_watch_now() + watch->options.poll_ms * MF_WATCH_MS;
        }
        else {
            watch->polled->poll_prev = dir;
        }
        dir->poll_next = watch->polled;
        watch->polled = dir;
    }
}

static void
poll_dir(struct mf_watch *watch, struct mf_watch_dir *dir)
{
    struct stat st;
    if (stat(dir->key.text, &st) < 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            mf_watch_tree_drop(watch, dir, true);
        }
        return;
    }
    if (st.st_dev != dir->dev || st.st_ino != dir->ino) {
        dir->dev = st.st_dev;
        dir->ino = st.st_ino;
        dir->racy = true;
    }
    struct mf_watch_set *set = &dir->files;
    bool gone = false;
    for (uint32_t i = 0; set->slots != NULL && i <= set->mask; i++) {
        struct mf_watch_file *file = (void *)set->slots[i];
        if (file == NULL || (!file->exists && !file->named)) {
            continue;
        }
        enum mf_watch_seen seen = mf_watch_poll_stamp(dir, file);
        gone |= seen == MF_WATCH_GONE && file->exists;
        if (seen == MF_WATCH_OTHER) {
            mf_watch_change(watch, dir, file->key.text, MF_WATCH_FOUND);
        }
    }
    if (gone || dir->racy || mf_watch_poll_time(&st) != dir->mtime) {
        mf_watch_tree_read(watch, dir, true, false);
    }
}

void
mf_watch_poll_step(struct mf_watch *watch, int64_t now)
{
    if (watch->polled == NULL || now < watch->poll_due) {
        watch->scanning &= watch->polled != NULL;
        return;
    }
    bool fast = watch->polled_count > watch->slow_count;
    if (!watch->scanning) {
        watch->scanning = true;
        watch->cursor = watch->polled;
        watch->poll_round++;
    }
    bool slow_too = !fast || watch->poll_round % SLOW_EVERY == 0;
    while (watch->cursor != NULL) {
        struct mf_watch_dir *dir = watch->cursor;
        watch->cursor = dir->poll_next;
        if (dir->polled == MF_WATCH_POLLED || slow_too) {
            poll_dir(watch, dir);
        }
        if (watch->cursor != NULL && mf_watch_now() - now > SLICE) {
            watch->poll_due = now + SLICE + MF_WATCH_MS;
            return;
        }
    }
    watch->scanning = false;
    int64_t period = watch->options.poll_ms * MF_WATCH_MS;
    watch->poll_due = mf_watch_now() + (fast ? period : period * SLOW_EVERY);
    if (fast && watch->changes.used > 0) {
        /* Look once more right before the batch is handed out. */
        int64_t settled =
            watch->last_event + watch->options.settle_ms * MF_WATCH_MS;
        if (settled < watch->poll_due) {
            watch->poll_due = settled;
        }
    }
}
