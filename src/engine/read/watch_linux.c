/* watch_linux.c -- inotify: events of folders. In: folders of the tree. Out:
 * mf_watch_change() and hints to the tree. Folders are watched, not files,
 * since editors replace files. Decides which folders must be polled as well:
 * where the kernel gives no more watches, and on file systems that others
 * can change without an event here. Elsewhere than on Linux: polling only.
 */
#include "watch_backend.h"

#include <stdlib.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/inotify.h>
#include <sys/vfs.h>

#define QUIET                                                                 \
    (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |   \
     IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)
#define NOISE_MAX 50                    /* writes nobody wants, */
#define NOISE_TIME (1000 * MF_WATCH_MS) /* in so long */
#define IDLE_MAX 200                    /* readings in vain, in so long */
#define PAUSE_MS 3
#define ALIASES 8

/* Numbers of file systems, from statfs(2). */
static const struct {
    uint32_t type;
    uint8_t polled;
    const char *name; /* for the note */
} file_systems[] = {
    /* Only this kernel changes them: every change is an event. */
    {0xEF53, MF_WATCH_NOT_POLLED, "ext"},
    {0x58465342, MF_WATCH_NOT_POLLED, "xfs"},
    {0x9123683E, MF_WATCH_NOT_POLLED, "btrfs"},
    {0x01021994, MF_WATCH_NOT_POLLED, "tmpfs"},
    {0x858458F6, MF_WATCH_NOT_POLLED, "ramfs"},
    {0xF2F52010, MF_WATCH_NOT_POLLED, "f2fs"},
    {0x2FC12FC1, MF_WATCH_NOT_POLLED, "zfs"},
    {0xCA451A4E, MF_WATCH_NOT_POLLED, "bcachefs"},
    {0x3153464A, MF_WATCH_NOT_POLLED, "jfs"},
    {0x52654973, MF_WATCH_NOT_POLLED, "reiserfs"},
    {0x3434, MF_WATCH_NOT_POLLED, "nilfs"},
    {0x4D44, MF_WATCH_NOT_POLLED, "vfat"},
    {0x2011BAB0, MF_WATCH_NOT_POLLED, "exfat"},
    {0x7366746E, MF_WATCH_NOT_POLLED, "ntfs3"},
    {0xF15F, MF_WATCH_NOT_POLLED, "ecryptfs"},
    /* Others change them too: another host, a server, a host of a guest. */
    {0x6969, MF_WATCH_POLLED, "nfs"},
    {0xFF534D42, MF_WATCH_POLLED, "cifs"},
    {0xFE534D42, MF_WATCH_POLLED, "smb"},
    {0x517B, MF_WATCH_POLLED, "smb"},
    {0x01021997, MF_WATCH_POLLED, "9p"},
    {0x65735546, MF_WATCH_POLLED, "fuse"},
    {0x786F4256, MF_WATCH_POLLED, "vboxsf"},
    {0xBACBACBC, MF_WATCH_POLLED, "vmhgfs"},
    {0x00C36400, MF_WATCH_POLLED, "ceph"},
    {0x5346414F, MF_WATCH_POLLED, "afs"},
    {0x6B414653, MF_WATCH_POLLED, "afs"},
    {0x73757245, MF_WATCH_POLLED, "coda"},
    {0x0BD00BD0, MF_WATCH_POLLED, "lustre"},
    {0x01161970, MF_WATCH_POLLED, "gfs2"},
    {0x7461636F, MF_WATCH_POLLED, "ocfs2"},
    {0x61756673, MF_WATCH_POLLED, "aufs"},
    /* Layers can be changed from below. */
    {0x794C7630, MF_WATCH_POLLED_SLOWLY, "overlay"},
};

static enum mf_watch_polled
judge_file_system(struct mf_watch *watch, const struct mf_watch_dir *dir)
{
    if (watch->fs_known && watch->fs_dev == dir->dev) {
        return watch->fs_polled;
    }
    struct statfs fs;
    enum mf_watch_polled polled = MF_WATCH_POLLED_SLOWLY;
    if (statfs(dir->key.text, &fs) == 0) {
        for (size_t i = 0; i < sizeof file_systems / sizeof *file_systems;
             i++) {
            if (file_systems[i].type != (uint32_t)fs.f_type) {
                continue;
            }
            polled = file_systems[i].polled;
            if (polled == MF_WATCH_POLLED) {
                mf_watch_say(watch,
                             "%s is on %s, where changes made elsewhere give "
                             "no event: also checked every %d ms",
                             dir->key.text, file_systems[i].name,
                             watch->options.poll_ms);
            }
        }
    }
    watch->fs_known = true;
    watch->fs_dev = dir->dev;
    watch->fs_polled = polled;
    return polled;
}

int
mf_watch_linux_init(struct mf_watch *watch)
{
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return watch->fd >= 0 ? 0 : -1;
}

/* Index of the first entry with this wd, or where it would stand. */
static size_t
find_wd(const struct mf_watch *watch, int wd)
{
    size_t low = 0, high = watch->wds_len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (watch->wds[middle].wd < wd) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low;
}

static int
add_wd(struct mf_watch *watch, struct mf_watch_dir *dir, int wd)
{
    if (watch->wds_len == watch->wds_cap) {
        size_t cap = watch->wds_cap ? watch->wds_cap * 2 : 16;
        struct mf_watch_wd *wds = realloc(watch->wds, cap * sizeof *wds);
        if (wds == NULL) {
            return -1;
        }
        watch->wds = wds;
        watch->wds_cap = cap;
    }
    size_t at = find_wd(watch, wd);
    memmove(watch->wds + at + 1, watch->wds + at,
            (watch->wds_len - at) * sizeof *watch->wds);
    watch->wds[at] = (struct mf_watch_wd){wd, dir};
    watch->wds_len++;
    dir->wd = wd;
    return 0;
}

/* True if no other folder of the tree has the same watch. */
static bool
remove_wd(struct mf_watch *watch, struct mf_watch_dir *dir)
{
    size_t first = find_wd(watch, dir->wd), at = first, same = 0;
    for (size_t i = first;
         i < watch->wds_len && watch->wds[i].wd == dir->wd; i++) {
        same++;
        if (watch->wds[i].dir == dir) {
            at = i;
        }
    }
    memmove(watch->wds + at, watch->wds + at + 1,
            (watch->wds_len - at - 1) * sizeof *watch->wds);
    watch->wds_len--;
    dir->wd = -1;
    return same == 1;
}

static void
limit_reached(struct mf_watch *watch, const struct mf_watch_dir *dir)
{
    if (!watch->limit_noted) {
        watch->limit_noted = true;
        mf_watch_say(watch,
                     "the limit of watched folders is reached "
                     "(fs.inotify.max_user_watches): %s and others are "
                     "checked every %d ms instead",
                     dir->key.text, watch->options.poll_ms);
    }
}

void
mf_watch_linux_add(struct mf_watch *watch, struct mf_watch_dir *dir)
{
    enum mf_watch_polled polled = MF_WATCH_POLLED;
    if (watch->fd < 0) {
        mf_watch_poll_set(watch, dir, polled);
        return;
    }
    int wd = -1;
    int max = watch->options.max_watches;
    if (max > 0 && watch->wds_len >= (size_t)max) {
        errno = ENOSPC;
    }
    else {
        wd = inotify_add_watch(watch->fd, dir->key.text, QUIET | IN_MODIFY);
    }
    if (wd >= 0 && add_wd(watch, dir, wd) == 0) {
        polled = judge_file_system(watch, dir);
    }
    else if (wd < 0 && errno == ENOSPC) {
        limit_reached(watch, dir);
    }
    mf_watch_poll_set(watch, dir, polled);
}

void
mf_watch_linux_remove(struct mf_watch *watch, struct mf_watch_dir *dir)
{
    if (dir->wd >= 0) {
        int wd = dir->wd;
        if (remove_wd(watch, dir) && watch->fd >= 0) {
            inotify_rm_watch(watch->fd, wd);
        }
    }
}

/* The folder itself has gone from its path, or its watch has. */
static void
check_folder(struct mf_watch *watch, struct mf_watch_dir *dir, uint32_t mask)
{
    struct stat st;
    if (mask & IN_IGNORED && dir->wd >= 0) {
        remove_wd(watch, dir);
    }
    bool same = stat(dir->key.text, &st) == 0 && st.st_dev == dir->dev &&
                st.st_ino == dir->ino;
    if (!same) {
        mf_watch_tree_drop(watch, dir, true);
    }
    else if (dir->wd < 0) {
        mf_watch_linux_add(watch, dir);
        mf_watch_tree_read(watch, dir, true, false);
    }
}

/* A program that writes a log into a watched folder would wake us at each
 * line: then only the closing of files is told for this folder. */
static void
count_noise(struct mf_watch *watch, struct mf_watch_dir *dir)
{
    int64_t now = mf_watch_now();
    if (now - dir->noise_since > NOISE_TIME) {
        dir->noise_since = now;
        dir->noise = 0;
    }
    if (++dir->noise == NOISE_MAX) {
        int wd = inotify_add_watch(watch->fd, dir->key.text, QUIET);
        if (wd >= 0 && wd != dir->wd) {
            inotify_rm_watch(watch->fd, wd); /* another folder by now */
        }
    }
}

static void
take_event(struct mf_watch *watch, struct mf_watch_dir *dir,
           const struct inotify_event *event)
{
    uint32_t mask = event->mask;
    if (mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) {
        check_folder(watch, dir, mask);
        return;
    }
    if (event->len == 0) {
        return;
    }
    const char *name = event->name;
    bool wanted = false;
    if (!(mask & IN_ISDIR)) {
        enum mf_watch_what what = mask & IN_CREATE       ? MF_WATCH_CREATED
                                  : mask & IN_MODIFY      ? MF_WATCH_WRITTEN
                                  : mask & IN_CLOSE_WRITE ? MF_WATCH_CLOSED
                                  : mask & IN_MOVED_TO    ? MF_WATCH_ARRIVED
                                  : mask & IN_MOVED_FROM  ? MF_WATCH_LEFT
                                                          : MF_WATCH_DELETED;
        wanted = mf_watch_change(watch, dir, name, what);
    }
    if (wanted) {
        if (mask & (IN_CREATE | IN_MOVED_TO)) {
            mf_watch_tree_follow(watch, dir, name);
        }
        return;
    }
    /* A folder, or a link to one. */
    if (mask & (IN_DELETE | IN_MOVED_FROM)) {
        mf_watch_tree_left(watch, dir, name);
    }
    else if (mask & (IN_CREATE | IN_MOVED_TO)) {
        mf_watch_tree_entered(watch, dir, name);
    }
    else if (mask & IN_MODIFY) {
        count_noise(watch, dir);
    }
}

static void
take_for_all(struct mf_watch *watch, const struct inotify_event *event)
{
    struct mf_watch_dir *dirs[ALIASES];
    size_t count = 0;
    if (event->mask & IN_Q_OVERFLOW) {
        mf_watch_lost(watch);
        return;
    }
    for (size_t i = find_wd(watch, event->wd);
         i < watch->wds_len && watch->wds[i].wd == event->wd &&
         count < ALIASES;
         i++) {
        dirs[count++] = watch->wds[i].dir;
    }
    /* No folder lies under another name of itself, so none of these goes
     * when another one is dropped. */
    for (size_t i = 0; i < count; i++) {
        take_event(watch, dirs[i], event);
    }
}

/* Databases and the like make and delete files all day long. */
static void
count_reading(struct mf_watch *watch, bool wanted)
{
    if (wanted) { /* editors make files, too: those come with a save */
        watch->idle_reads = 0;
        watch->busy_until = 0;
        return;
    }
    int64_t now = mf_watch_now();
    if (now - watch->idle_since > NOISE_TIME) {
        watch->idle_since = now;
        watch->idle_reads = 0;
    }
    /* While it pauses, it cannot read so often: a lower mark to stay. */
    uint32_t most = now < watch->busy_until ? IDLE_MAX / 4 : IDLE_MAX;
    if (++watch->idle_reads > most) {
        watch->busy_until = now + NOISE_TIME;
    }
}

int
mf_watch_pause_ms(const struct mf_watch *watch)
{
    return watch->busy_until != 0 && mf_watch_now() < watch->busy_until
               ? PAUSE_MS
               : 0;
}

int
mf_watch_linux_read(struct mf_watch *watch)
{
    _Alignas(struct inotify_event) char buffer[32768];
    int64_t last = watch->last_event;
    for (int i = 0; i < 64; i++) {
        ssize_t len = read(watch->fd, buffer, sizeof buffer);
        if (len <= 0) {
            if (i > 0) {
                count_reading(watch, last != watch->last_event);
            }
            return len == 0 || errno == EAGAIN || errno == EINTR ? 0 : -1;
        }
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *event = (void *)(buffer + at);
            take_for_all(watch, event);
            at += sizeof *event + event->len;
        }
    }
    return 0;
}

#else

int
mf_watch_linux_init(struct mf_watch *watch)
{
    (void)watch;
    errno = ENOSYS;
    return -1;
}

void
mf_watch_linux_add(struct mf_watch *watch, struct mf_watch_dir *dir)
{
    mf_watch_poll_set(watch, dir, MF_WATCH_POLLED);
}

void
mf_watch_linux_remove(struct mf_watch *watch, struct mf_watch_dir *dir)
{
    (void)watch;
    (void)dir;
}

int
mf_watch_linux_read(struct mf_watch *watch)
{
    (void)watch;
    return 0;
}

int
mf_watch_pause_ms(const struct mf_watch *watch)
{
    (void)watch;
    return 0;
}

#endif
