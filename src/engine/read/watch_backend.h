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

#include "watch.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/types.h>

#define MF_WATCH_MS 1000000LL /* nanoseconds */

/* First member of everything that is found by a text. */
struct mf_watch_key {
    char *text; /* owned */
    uint32_t len, hash;
};
struct mf_watch_set {
    struct mf_watch_key **slots;
    uint32_t mask, used; /* mask: slots - 1; slots NULL: empty */
};

struct mf_watch_list { /* of things that are freed with free() */
    void **items;
    size_t len, cap;
};

struct mf_watch_file {
    struct mf_watch_key key; /* name inside its folder */
    struct mf_watch_list links; /* paths of links that lead to it */
    int64_t mtime, size;     /* stamp; only kept where the folder is polled */
    uint64_t ino, hash;
    uint32_t round;          /* last reading of the folder that saw it */
    bool racy;               /* written so lately that the stamp may lie */
    bool named;              /* added by name: any suffix, kept when gone */
    bool link;               /* followed to where it leads */
    bool exists;
};

enum mf_watch_polled {
    MF_WATCH_NOT_POLLED,
    MF_WATCH_POLLED,       /* in every round */
    MF_WATCH_POLLED_SLOWLY /* now and then, for safety */
};

struct mf_watch_dir {
    struct mf_watch_key key; /* path, as it is reported */
    struct mf_watch_dir *parent, *child, *next;
    struct mf_watch_dir *poll_prev, *poll_next;
    struct mf_watch_set files;
    dev_t dev;
    ino_t ino;
    int wd;              /* inotify's; -1: none */
    int64_t mtime;       /* of the folder, at its last reading */
    int64_t noise_since; /* writes to files that nobody wants, see linux */
    uint32_t noise;
    uint32_t round;      /* last reading of the parent that saw it */
    uint8_t polled;      /* enum mf_watch_polled */
    bool racy;
    bool whole;          /* false: only files added by name count */
    bool root;           /* never left out, whatever its name */
};

struct mf_watch_root {
    char *path;
    bool folder;  /* else one file */
    bool missing; /* went away; looked for now and then */
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

    int fd;                   /* inotify; -1: none */
    struct mf_watch_wd *wds;  /* sorted by wd; one may stand twice */
    size_t wds_len, wds_cap;
    bool limit_noted;
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

/* watch_tree.c: sets */
struct mf_watch_key *mf_watch_set_find(const struct mf_watch_set *set,
                                       const char *text, size_t len);
int mf_watch_set_add(struct mf_watch_set *set, struct mf_watch_key *key);
void mf_watch_set_remove(struct mf_watch_set *set, struct mf_watch_key *key);
int mf_watch_key_init(struct mf_watch_key *key, const char *text, size_t len);

/* watch_tree.c: the tree. -1: errno. */
struct mf_watch_dir *mf_watch_tree_find(const struct mf_watch *watch,
                                        const char *path);
int mf_watch_tree_open(struct mf_watch *watch, struct mf_watch_dir *parent,
                       const char *path, bool whole, bool report);
void mf_watch_tree_drop(struct mf_watch *watch, struct mf_watch_dir *dir,
                        bool report);
int mf_watch_tree_read(struct mf_watch *watch, struct mf_watch_dir *dir,
                       bool report, bool deep);
void mf_watch_tree_entered(struct mf_watch *watch, struct mf_watch_dir *dir,
                           const char *name);
void mf_watch_tree_left(struct mf_watch *watch, struct mf_watch_dir *dir,
                        const char *name);
void mf_watch_tree_clear(struct mf_watch *watch);
struct mf_watch_file *mf_watch_tree_file(struct mf_watch_dir *dir,
                                         const char *name, bool add);
char *mf_watch_tree_path(const struct mf_watch_dir *dir, const char *name);
/* If dir/name is a link to a file: watch that where it is. */
void mf_watch_tree_follow(struct mf_watch *watch, struct mf_watch_dir *dir,
                          const char *name);
void mf_watch_file_free(struct mf_watch_file *file);

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
