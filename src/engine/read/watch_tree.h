/* watch_tree.h -- the folders and files that are watched: struct mf_watch_dir
 * makes the tree, struct mf_watch_set finds its parts by text. For watch.c
 * and its back ends only (watch_backend.h).
 */
#ifndef MF_WATCH_TREE_H
#define MF_WATCH_TREE_H

#include "watch.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/types.h>

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

/* Sets. -1: no memory. */
struct mf_watch_key *mf_watch_set_find(const struct mf_watch_set *set,
                                       const char *text, size_t len);
int mf_watch_set_add(struct mf_watch_set *set, struct mf_watch_key *key);
void mf_watch_set_remove(struct mf_watch_set *set, struct mf_watch_key *key);
int mf_watch_key_init(struct mf_watch_key *key, const char *text, size_t len);

/* The tree. -1: errno. */
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

#endif
