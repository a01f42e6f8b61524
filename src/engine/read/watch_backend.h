/* watch_backend.h -- what watch.c and its back ends share; nobody else
 * includes it. One struct mf_watch:
 *
 *   watch.c        roots, notes, the functions of watch.h
 *   watch_queue.c  changes, settling, handing out
 *   watch_tree.c   the folders and files known, read from the disk
 *   watch_poll.c   polling: reads the tree again in turn
 *   watch_linux.c  inotify: tells which part of the tree to look at
 *
 * Every folder has events, or is polled, or both (file systems on which
 * changes made elsewhere send no event).
 */
#ifndef MF_WATCH_BACKEND_H
#define MF_WATCH_BACKEND_H

#include "watch_tree.h"

#include <limits.h>

#define MF_WATCH_MS 1000000LL /* nanoseconds */

struct mf_watch_root {
    char *path;
    bool folder;  /* else one file */
    bool missing; /* went away; looked for now and then */
    bool later;   /* not looked at yet: see mf_watch_add_later */
};

struct mf_watch_wd {
    int wd;
    struct mf_watch_dir *dir;
};

struct mf_watch {
    struct mf_watch_options options;
    mf_watch_note note;
    void *note_arg;
    struct mf_watch_list notes; /* waiting for somebody who listens */
    struct mf_watch_list roots, suffixes;
    struct mf_watch_list locks; /* lock files of version control */

    struct mf_watch_set changes; /* the queue, see watch_queue.c */
    int64_t first_event, last_event;
    uint32_t last_hash;          /* path of the last event */
    bool overflow;               /* events were lost: report everything */

    struct mf_watch_set dirs; /* the tree, by path */
    uint32_t round;
    struct mf_watch_dir *polled, *cursor;
    uint32_t polled_count, slow_count, poll_round;
    bool scanning;            /* a round of polling is under way at cursor */
    int64_t poll_due;
    int64_t missing_due;      /* 0: no root is missing */
    int64_t since;            /* later roots: older files are not reported;
                                 0 while none of them is opened */
    int64_t later_since;

    int fd;                   /* inotify; -1: none */
    struct mf_watch_wd *wds;  /* sorted by wd; one may stand twice */
    size_t wds_len, wds_cap;
    bool limit_noted;
    int64_t idle_since;       /* readings that brought nothing wanted */
    uint32_t idle_reads;
    int64_t busy_until;
    dev_t fs_dev;             /* the file system that was judged last */
    uint8_t fs_polled;        /* enum mf_watch_polled, for it */
    bool fs_known;
};

/* watch.c */
int64_t mf_watch_now(void);
int mf_watch_list_add(struct mf_watch_list *list, void *item);
void mf_watch_list_clear(struct mf_watch_list *list);
void mf_watch_say(struct mf_watch *watch, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The folder of a root cannot be seen any more. */
void mf_watch_root_lost(struct mf_watch *watch, struct mf_watch_dir *dir);

/* watch_queue.c */
enum mf_watch_what {
    MF_WATCH_CREATED, /* empty now, somebody writes */
    MF_WATCH_WRITTEN, /* somebody writes */
    MF_WATCH_CLOSED,  /* somebody has written */
    MF_WATCH_ARRIVED, /* renamed to this name: complete */
    MF_WATCH_FOUND,   /* seen by reading the disk: perhaps complete */
    MF_WATCH_LEFT,    /* renamed to another name or folder */
    MF_WATCH_DELETED
};
/* Something happened to dir/name. False: nobody wants to know. */
bool mf_watch_change(struct mf_watch *watch, struct mf_watch_dir *dir,
                     const char *name, enum mf_watch_what what);
bool mf_watch_wants(const struct mf_watch *watch,
                    const struct mf_watch_dir *dir, const char *name);
void mf_watch_lost(struct mf_watch *watch); /* no memory, or overflow */
/* If dir holds a repository: remember its lock file; above: also of the
 * folders that dir lies in. */
void mf_watch_repository(struct mf_watch *watch, const char *dir);
void mf_watch_repositories_above(struct mf_watch *watch, const char *dir);
bool mf_watch_queue_settled(struct mf_watch *watch, int64_t now);
int64_t mf_watch_queue_due(const struct mf_watch *watch); /* INT64_MAX */
int mf_watch_queue_take(struct mf_watch *watch, char ***paths);
void mf_watch_queue_clear(struct mf_watch *watch);

/* watch_poll.c */
int64_t mf_watch_poll_time(const struct stat *st); /* of change */
bool mf_watch_poll_racy(int64_t mtime);
void mf_watch_poll_set(struct mf_watch *watch, struct mf_watch_dir *dir,
                       enum mf_watch_polled polled);
enum mf_watch_seen { MF_WATCH_GONE, MF_WATCH_SAME, MF_WATCH_OTHER };
enum mf_watch_seen mf_watch_poll_stamp(const struct mf_watch_dir *dir,
                                       struct mf_watch_file *file);
void mf_watch_poll_step(struct mf_watch *watch, int64_t now);

/* watch_linux.c */
int mf_watch_linux_init(struct mf_watch *watch); /* sets fd */
/* Asks for events of the folder; decides whether it is polled as well. */
void mf_watch_linux_add(struct mf_watch *watch, struct mf_watch_dir *dir);
void mf_watch_linux_remove(struct mf_watch *watch, struct mf_watch_dir *dir);
int mf_watch_linux_read(struct mf_watch *watch);

#endif
