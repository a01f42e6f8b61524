/* watch_tree.c -- the folders and files that are watched, as read from the
 * disk, and the sets that hold them. In: paths to open, hints that a folder
 * has changed. Out: mf_watch_change() for what differs from what was known.
 *
 * Paths are kept as they were given: links are followed, but not resolved. A
 * link to a folder is a folder of the tree. For a link to a file the file it
 * leads to is watched where it is, and reported under the link's path.
 */
#include "watch_backend.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_DEPTH 64
#define MAX_LINKED 4 /* names for one folder, by links */

/* ---- sets -------------------------------------------------------------- */

static uint32_t
hash_text(const char *text, size_t len)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    }
    return hash ^ hash >> 15;
}

int
mf_watch_key_init(struct mf_watch_key *key, const char *text, size_t len)
{
    key->text = strndup(text, len);
    key->len = (uint32_t)len;
    key->hash = hash_text(text, len);
    return key->text != NULL ? 0 : -1;
}

struct mf_watch_key *
mf_watch_set_find(const struct mf_watch_set *set, const char *text, size_t len)
{
    if (set->slots == NULL) {
        return NULL;
    }
    uint32_t hash = hash_text(text, len);
    for (uint32_t i = hash & set->mask;; i = (i + 1) & set->mask) {
        struct mf_watch_key *key = set->slots[i];
        if (key == NULL || (key->hash == hash && key->len == len &&
                            memcmp(key->text, text, len) == 0)) {
            return key;
        }
    }
}

static void
set_place(struct mf_watch_set *set, struct mf_watch_key *key)
{
    uint32_t i = key->hash & set->mask;
    while (set->slots[i] != NULL) {
        i = (i + 1) & set->mask;
    }
    set->slots[i] = key;
}

int
mf_watch_set_add(struct mf_watch_set *set, struct mf_watch_key *key)
{
    if (set->slots == NULL || set->used * 4 >= set->mask * 3) {
        uint32_t slots = set->slots ? (set->mask + 1) * 2 : 8;
        struct mf_watch_set old = *set;
        set->slots = calloc(slots, sizeof *set->slots);
        if (set->slots == NULL) {
            set->slots = old.slots;
            return -1;
        }
        set->mask = slots - 1;
        for (uint32_t i = 0; old.slots && i <= old.mask; i++) {
            if (old.slots[i] != NULL) {
                set_place(set, old.slots[i]);
            }
        }
        free(old.slots);
    }
    set_place(set, key);
    set->used++;
    return 0;
}

void
mf_watch_set_remove(struct mf_watch_set *set, struct mf_watch_key *key)
{
    uint32_t hole = key->hash & set->mask;
    while (set->slots[hole] != key) {
        hole = (hole + 1) & set->mask;
    }
    /* Move up what was pushed past the hole. */
    for (uint32_t i = (hole + 1) & set->mask; set->slots[i] != NULL;
         i = (i + 1) & set->mask) {
        uint32_t home = set->slots[i]->hash & set->mask;
        if (((i - home) & set->mask) >= ((i - hole) & set->mask)) {
            set->slots[hole] = set->slots[i];
            hole = i;
        }
    }
    set->slots[hole] = NULL;
    set->used--;
}

/* ---- files ------------------------------------------------------------- */

char *
mf_watch_tree_path(const struct mf_watch_dir *dir, const char *name)
{
    size_t len = dir->key.len, name_len = strlen(name);
    char *path = malloc(len + name_len + 2);
    if (path != NULL) {
        memcpy(path, dir->key.text, len);
        if (path[len - 1] != '/') {
            path[len++] = '/';
        }
        memcpy(path + len, name, name_len + 1);
    }
    return path;
}

void
mf_watch_file_free(struct mf_watch_file *file)
{
    mf_watch_list_clear(&file->links);
    free(file->key.text);
    free(file);
}

struct mf_watch_file *
mf_watch_tree_file(struct mf_watch_dir *dir, const char *name, bool add)
{
    size_t len = strlen(name);
    struct mf_watch_file *file =
        (void *)mf_watch_set_find(&dir->files, name, len);
    if (file != NULL || !add) {
        return file;
    }
    file = calloc(1, sizeof *file);
    if (file == NULL) {
        return NULL;
    }
    if (mf_watch_key_init(&file->key, name, len) < 0 ||
        mf_watch_set_add(&dir->files, &file->key) < 0) {
        mf_watch_file_free(file);
        return NULL;
    }
    return file;
}

/* ---- the tree ---------------------------------------------------------- */

struct mf_watch_dir *
mf_watch_tree_find(const struct mf_watch *watch, const char *path)
{
    return (void *)mf_watch_set_find(&watch->dirs, path, strlen(path));
}

static void
link_dir(struct mf_watch_dir *parent, struct mf_watch_dir *dir)
{
    dir->parent = parent;
    if (parent != NULL) {
        dir->next = parent->child;
        parent->child = dir;
    }
}

static void
unlink_dir(struct mf_watch_dir *dir)
{
    if (dir->parent != NULL) {
        struct mf_watch_dir **at = &dir->parent->child;
        while (*at != dir) {
            at = &(*at)->next;
        }
        *at = dir->next;
        dir->parent = dir->next = NULL;
    }
}

/* Files of the folder that `round` did not see (0: all) are gone. */
static void
forget_files(struct mf_watch *watch, struct mf_watch_dir *dir, uint32_t round,
             bool report)
{
    struct mf_watch_set *set = &dir->files;
    for (uint32_t i = 0; set->slots != NULL && i <= set->mask;) {
        struct mf_watch_file *file = (void *)set->slots[i];
        if (file == NULL || !file->exists ||
            (round != 0 && file->round == round)) {
            i++;
            continue;
        }
        uint32_t used = set->used;
        if (report) {
            mf_watch_change(watch, dir, file->key.text, MF_WATCH_DELETED);
        }
        else if (file->named || file->links.len > 0) {
            file->exists = false;
        }
        else {
            mf_watch_set_remove(set, &file->key);
            mf_watch_file_free(file);
        }
        /* Removal may have moved an item to i, or from the start of the
         * slots to the end: those are met, or seen as already done. */
        i += set->used == used;
    }
}

void
mf_watch_tree_drop(struct mf_watch *watch, struct mf_watch_dir *dir,
                   bool report)
{
    while (dir->child != NULL) {
        mf_watch_tree_drop(watch, dir->child, report);
    }
    forget_files(watch, dir, 0, report);
    if (dir->root && report) {
        mf_watch_root_lost(watch, dir);
    }
    for (uint32_t i = 0; dir->files.slots && i <= dir->files.mask; i++) {
        struct mf_watch_file *file = (void *)dir->files.slots[i];
        if (file != NULL) {
            mf_watch_file_free(file);
        }
    }
    free(dir->files.slots);
    mf_watch_linux_remove(watch, dir);
    mf_watch_poll_set(watch, dir, MF_WATCH_NOT_POLLED);
    unlink_dir(dir);
    mf_watch_set_remove(&watch->dirs, &dir->key);
    free(dir->key.text);
    free(dir);
}

void
mf_watch_tree_clear(struct mf_watch *watch)
{
    struct mf_watch_set *set = &watch->dirs;
    for (uint32_t i = 0; set->slots != NULL && i <= set->mask;) {
        if (set->slots[i] == NULL) {
            i++;
            continue;
        }
        mf_watch_tree_drop(watch, (void *)set->slots[i], false);
        i = 0; /* anything may have moved */
    }
    free(set->slots);
    memset(set, 0, sizeof *set);
}

static bool
left_out(const char *name)
{
    return name[0] == '.' || strcmp(name, "__pycache__") == 0 ||
           strcmp(name, "node_modules") == 0;
}

/* A link back up would never end, and links across would multiply. */
static bool
is_loop(const struct mf_watch *watch, const struct mf_watch_dir *parent,
        const char *path, const struct stat *st)
{
    int depth = 0;
    for (; parent != NULL; parent = parent->parent) {
        if ((parent->dev == st->st_dev && parent->ino == st->st_ino) ||
            ++depth > MAX_DEPTH) {
            return true;
        }
    }
    struct stat link;
    if (lstat(path, &link) < 0 || !S_ISLNK(link.st_mode)) {
        return false;
    }
    int names = 0;
    for (uint32_t i = 0; watch->dirs.slots && i <= watch->dirs.mask; i++) {
        const struct mf_watch_dir *dir = (void *)watch->dirs.slots[i];
        names += dir != NULL && dir->dev == st->st_dev &&
                 dir->ino == st->st_ino;
    }
    return names >= MAX_LINKED;
}

static struct mf_watch_dir *
new_dir(struct mf_watch *watch, struct mf_watch_dir *parent, const char *path,
        const struct stat *st)
{
    struct mf_watch_dir *dir = calloc(1, sizeof *dir);
    if (dir == NULL) {
        return NULL;
    }
    if (mf_watch_key_init(&dir->key, path, strlen(path)) < 0 ||
        mf_watch_set_add(&watch->dirs, &dir->key) < 0) {
        free(dir->key.text);
        free(dir);
        return NULL;
    }
    dir->dev = st->st_dev;
    dir->ino = st->st_ino;
    dir->wd = -1;
    dir->root = parent == NULL;
    link_dir(parent, dir);
    return dir;
}

int
mf_watch_tree_open(struct mf_watch *watch, struct mf_watch_dir *parent,
                   const char *path, bool whole, bool report)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        return -1;
    }
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    struct mf_watch_dir *dir = mf_watch_tree_find(watch, path);
    if (dir != NULL && (dir->dev != st.st_dev || dir->ino != st.st_ino)) {
        mf_watch_tree_drop(watch, dir, report); /* another one by now */
        dir = NULL;
    }
    bool is_new = dir == NULL;
    if (dir != NULL) {
        dir->root |= parent == NULL;
        if (parent != NULL && dir->parent == NULL) {
            link_dir(parent, dir);
        }
        if (dir->whole || !whole) {
            return 0;
        }
    }
    else {
        if (parent != NULL && is_loop(watch, parent, path, &st)) {
            return 0;
        }
        dir = new_dir(watch, parent, path, &st);
        if (dir == NULL) {
            return -1;
        }
        /* Events first: what comes while reading is then seen twice, but
         * never missed. */
        mf_watch_linux_add(watch, dir);
    }
    dir->whole |= whole;
    int result = mf_watch_tree_read(watch, dir, report, false);
    if (result < 0 && is_new) {
        int error = errno;
        mf_watch_tree_drop(watch, dir, false); /* not ours to read */
        errno = error;
    }
    return result;
}

static void
add_link(struct mf_watch *watch, struct mf_watch_dir *dir, const char *name,
         const char *path)
{
    struct mf_watch_file *file = mf_watch_tree_file(dir, name, true);
    for (size_t i = 0; file != NULL && i < file->links.len; i++) {
        if (strcmp(file->links.items[i], path) == 0) {
            return;
        }
    }
    char *copy = file != NULL ? strdup(path) : NULL;
    if (copy == NULL || mf_watch_list_add(&file->links, copy) < 0) {
        free(copy);
        mf_watch_lost(watch);
        return;
    }
    file->exists = mf_watch_poll_stamp(dir, file) != MF_WATCH_GONE;
}

void
mf_watch_tree_follow(struct mf_watch *watch, struct mf_watch_dir *dir,
                     const char *name)
{
    struct stat st;
    struct mf_watch_file *file = mf_watch_tree_file(dir, name, false);
    char *path = mf_watch_tree_path(dir, name);
    char *real = NULL;
    /* Polling looks at where a link leads in any case. */
    if (file == NULL || path == NULL || dir->polled == MF_WATCH_POLLED ||
        lstat(path, &st) < 0 || !S_ISLNK(st.st_mode)) {
        goto free_path;
    }
    file->link = true;
    real = realpath(path, NULL);
    if (real == NULL || stat(real, &st) < 0 || !S_ISREG(st.st_mode)) {
        goto free_path;
    }
    char *slash = strrchr(real, '/');
    *slash = 0;
    const char *parent = slash == real ? "/" : real;
    if (mf_watch_tree_open(watch, NULL, parent, false, false) == 0) {
        add_link(watch, mf_watch_tree_find(watch, parent), slash + 1, path);
    }

free_path:
    free(real);
    free(path);
}

static bool
is_environment(const char *name)
{
    return strcmp(name, "pyvenv.cfg") == 0 || strcmp(name, "conda-meta") == 0;
}

/* '/' a folder, or a link to one; '-' a file; '@' perhaps a link; 0 a link
 * that leads nowhere. */
static char
kind_of(const struct mf_watch_dir *dir, const struct dirent *entry)
{
#ifdef DT_DIR
    if (entry->d_type == DT_DIR || entry->d_type == DT_REG) {
        return entry->d_type == DT_DIR ? '/' : '-';
    }
#endif
    struct stat st;
    char *path = mf_watch_tree_path(dir, entry->d_name);
    bool there = path != NULL && stat(path, &st) == 0;
    free(path);
    return !there ? 0 : S_ISDIR(st.st_mode) ? '/' : '@';
}

/* Is it older than what is reported of a root that is opened later? */
static bool
is_old(const struct mf_watch *watch, const struct mf_watch_dir *dir,
       const char *name)
{
    struct stat st;
    if (watch->since == 0) {
        return false;
    }
    char *path = mf_watch_tree_path(dir, name);
    bool old = path != NULL && stat(path, &st) == 0 &&
               ((int64_t)st.st_ctime + 1) * 1000000000 < watch->since;
    free(path);
    return old;
}

static void
see_file(struct mf_watch *watch, struct mf_watch_dir *dir, const char *name,
         uint32_t round, bool report)
{
    struct mf_watch_file *file = mf_watch_tree_file(dir, name, true);
    if (file == NULL) {
        mf_watch_lost(watch);
        return;
    }
    file->round = round;
    if (file->exists) {
        return;
    }
    if (dir->polled && mf_watch_poll_stamp(dir, file) == MF_WATCH_GONE) {
        file->round = 0;
        if (!file->named && file->links.len == 0) {
            mf_watch_set_remove(&dir->files, &file->key);
            mf_watch_file_free(file);
        }
        return;
    }
    if (report && !is_old(watch, dir, name)) {
        mf_watch_change(watch, dir, name, MF_WATCH_FOUND);
    }
    else {
        file->exists = true;
    }
}

static void
see_folder(struct mf_watch *watch, struct mf_watch_dir *dir, const char *name,
           uint32_t round, bool report, bool deep)
{
    char *path = mf_watch_tree_path(dir, name);
    struct mf_watch_dir *child = path ? mf_watch_tree_find(watch, path) : NULL;
    int result = 0;
    if (path == NULL) {
        mf_watch_lost(watch);
        return;
    }
    if (child == NULL || child->parent != dir) {
        result = mf_watch_tree_open(watch, dir, path, true, report);
    }
    else if (deep) {
        result = mf_watch_tree_read(watch, child, report, true);
    }
    child = mf_watch_tree_find(watch, path);
    if (child != NULL) {
        child->round = round;
    }
    if (result < 0 && (errno == ENOMEM || errno == EMFILE)) {
        mf_watch_lost(watch);
    }
    free(path);
}

/* Names of what counts, with kind_of in front. */
static int
list_names(struct mf_watch *watch, struct mf_watch_dir *dir,
           struct mf_watch_list *names, bool *environment)
{
    DIR *stream = opendir(dir->key.text);
    if (stream == NULL) {
        return -1;
    }
    int result = 0;
    const struct dirent *entry;
    while (result == 0 && (entry = readdir(stream)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".git") == 0 || strcmp(name, ".hg") == 0) {
            mf_watch_repository(watch, dir->key.text);
        }
        *environment |= is_environment(name);
        bool wanted = mf_watch_wants(watch, dir, name);
        if (!wanted && (!dir->whole || left_out(name))) {
            continue;
        }
        char kind = kind_of(dir, entry);
        if (kind == '/' ? left_out(name) || !dir->whole
                        : !wanted || kind == 0) {
            continue;
        }
        size_t len = strlen(name);
        char *copy = malloc(len + 2);
        if (copy == NULL) {
            result = -1;
            break;
        }
        copy[0] = kind;
        memcpy(copy + 1, name, len + 1);
        if (mf_watch_list_add(names, copy) < 0) {
            free(copy);
            result = -1;
        }
    }
    closedir(stream);
    return result;
}

static void
drop_unseen(struct mf_watch *watch, struct mf_watch_dir *dir, uint32_t round,
            bool report)
{
    struct mf_watch_dir *next;
    for (struct mf_watch_dir *child = dir->child; child; child = next) {
        next = child->next;
        if (child->round != round) {
            mf_watch_tree_drop(watch, child, report);
        }
    }
}

int
mf_watch_tree_read(struct mf_watch *watch, struct mf_watch_dir *dir,
                   bool report, bool deep)
{
    struct mf_watch_list names = {0};
    struct stat st;
    bool environment = false;
    uint32_t round = ++watch->round ? watch->round : ++watch->round;
    if (stat(dir->key.text, &st) == 0) { /* before reading, not after */
        dir->mtime = mf_watch_poll_time(&st);
        dir->racy = mf_watch_poll_racy(dir->mtime);
    }
    int result = list_names(watch, dir, &names, &environment);
    if (result == 0 && environment && !dir->root) {
        mf_watch_tree_drop(watch, dir, report);
        goto free_names;
    }
    for (size_t i = 0; result == 0 && i < names.len; i++) {
        const char *name = names.items[i];
        if (name[0] == '/') {
            see_folder(watch, dir, name + 1, round, report, deep);
        }
        else {
            see_file(watch, dir, name + 1, round, report);
            if (name[0] == '@') {
                mf_watch_tree_follow(watch, dir, name + 1);
            }
        }
    }
    if (result == 0) {
        forget_files(watch, dir, round, report);
        drop_unseen(watch, dir, round, report);
    }

free_names:;
    int error = errno;
    for (size_t i = 0; i < names.len; i++) {
        free(names.items[i]);
    }
    free(names.items);
    errno = error;
    return result;
}

void
mf_watch_tree_entered(struct mf_watch *watch, struct mf_watch_dir *dir,
                      const char *name)
{
    if (is_environment(name) && !dir->root) {
        mf_watch_tree_drop(watch, dir, false);
        return;
    }
    if (!dir->whole || left_out(name)) {
        return;
    }
    char *path = mf_watch_tree_path(dir, name);
    struct stat st;
    if (path == NULL) {
        mf_watch_lost(watch);
    }
    else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
             mf_watch_tree_open(watch, dir, path, true, true) < 0 &&
             (errno == ENOMEM || errno == EMFILE)) {
        mf_watch_lost(watch);
    }
    free(path);
}

void
mf_watch_tree_left(struct mf_watch *watch, struct mf_watch_dir *dir,
                   const char *name)
{
    char *path = mf_watch_tree_path(dir, name);
    if (path == NULL) {
        mf_watch_lost(watch);
        return;
    }
    struct mf_watch_dir *child = mf_watch_tree_find(watch, path);
    if (child != NULL && child->parent == dir) {
        mf_watch_tree_drop(watch, child, true);
    }
    free(path);
}
