/* watch.c -- what is watched, and the functions of watch.h around the queue
 * (watch_queue.c), the tree (watch_tree.c) and its back ends (watch_linux.c,
 * watch_poll.c). Owns the roots and the notes for people. Knows no Python
 * object.
 */
#include "watch_backend.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MISSING_MS (1000 * MF_WATCH_MS) /* look for missing roots so often */

int64_t
mf_watch_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int
mf_watch_list_add(struct mf_watch_list *list, void *item)
{
    if (list->len == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 8;
        void **items = realloc(list->items, cap * sizeof *items);
        if (items == NULL) {
            return -1;
        }
        list->items = items;
        list->cap = cap;
    }
    list->items[list->len++] = item;
    return 0;
}

void
mf_watch_list_clear(struct mf_watch_list *list)
{
    for (size_t i = 0; i < list->len; i++) {
        free(list->items[i]);
    }
    free(list->items);
    memset(list, 0, sizeof *list);
}

/* ---- notes ------------------------------------------------------------- */

void
mf_watch_say(struct mf_watch *watch, const char *format, ...)
{
    char text[PATH_MAX + 256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (watch->note != NULL) {
        watch->note(text, watch->note_arg);
        return;
    }
    char *copy = strdup(text);
    if (copy != NULL && mf_watch_list_add(&watch->notes, copy) < 0) {
        free(copy);
    }
}

void
mf_watch_on_note(struct mf_watch *watch, mf_watch_note note, void *arg)
{
    watch->note = note;
    watch->note_arg = arg;
    if (note != NULL) {
        for (size_t i = 0; i < watch->notes.len; i++) {
            note(watch->notes.items[i], arg);
        }
        mf_watch_list_clear(&watch->notes);
    }
}

/* ---- roots ------------------------------------------------------------- */

void
mf_watch_root_lost(struct mf_watch *watch, struct mf_watch_dir *dir)
{
    for (size_t i = 0; i < watch->roots.len; i++) {
        struct mf_watch_root *root = watch->roots.items[i];
        size_t len = dir->key.len;
        bool of_dir = strncmp(root->path, dir->key.text, len) == 0 &&
                      (root->folder ? root->path[len] == 0
                                    : strrchr(root->path, '/') ==
                                          root->path + len);
        if (of_dir && !root->missing) {
            root->missing = true;
            watch->missing_due = mf_watch_now();
            mf_watch_say(watch, "%s is gone; looking for it every second",
                         root->path);
        }
    }
}

/* Where a root lies in the tree: its folder, opened if need be. */
static int
open_root(struct mf_watch *watch, const struct mf_watch_root *root,
          bool report)
{
    if (root->folder) {
        return mf_watch_tree_open(watch, NULL, root->path, true, report);
    }
    const char *slash = strrchr(root->path, '/');
    char *parent = strndup(root->path,
                           slash == root->path ? 1 : slash - root->path);
    if (parent == NULL) {
        return -1;
    }
    int result = mf_watch_tree_open(watch, NULL, parent, false, report);
    struct mf_watch_dir *dir =
        result == 0 ? mf_watch_tree_find(watch, parent) : NULL;
    free(parent);
    if (dir == NULL) {
        return -1;
    }
    struct mf_watch_file *file = mf_watch_tree_file(dir, slash + 1, true);
    if (file == NULL) {
        errno = ENOMEM;
        return -1;
    }
    file->named = true;
    bool existed = file->exists;
    file->exists = mf_watch_poll_stamp(dir, file) != MF_WATCH_GONE;
    mf_watch_tree_follow(watch, dir, slash + 1);
    if (report && file->exists && !existed) {
        mf_watch_change(watch, dir, slash + 1, MF_WATCH_FOUND);
    }
    return 0;
}

static void
find_missing(struct mf_watch *watch, int64_t now)
{
    if (watch->missing_due == 0 || now < watch->missing_due) {
        return;
    }
    bool missing = false;
    for (size_t i = 0; i < watch->roots.len; i++) {
        struct mf_watch_root *root = watch->roots.items[i];
        watch->since = root->later ? watch->later_since : 0;
        if (root->missing && open_root(watch, root, true) == 0) {
            root->missing = false;
            if (root->later) {
                mf_watch_repositories_above(watch, root->path);
            }
            else {
                mf_watch_say(watch, "%s is back", root->path);
            }
        }
        root->later = false;
        watch->since = 0;
        missing |= root->missing;
    }
    watch->missing_due = missing ? now + MISSING_MS : 0;
}

static struct mf_watch_root *
find_root(const struct mf_watch *watch, const char *path, size_t *index)
{
    for (size_t i = 0; i < watch->roots.len; i++) {
        struct mf_watch_root *root = watch->roots.items[i];
        if (strcmp(root->path, path) == 0) {
            *index = i;
            return root;
        }
    }
    return NULL;
}

/* Without slashes at the end; NULL with errno. */
static char *
normal_path(const char *path)
{
    size_t len = strlen(path);
    if (path[0] != '/' || len >= PATH_MAX) {
        errno = path[0] != '/' ? EINVAL : ENAMETOOLONG;
        return NULL;
    }
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    return strndup(path, len);
}

int
mf_watch_add(struct mf_watch *watch, const char *path)
{
    struct stat st;
    size_t index;
    char *normal = normal_path(path);
    if (normal == NULL) {
        return -1;
    }
    if (find_root(watch, normal, &index) != NULL) {
        free(normal);
        return 0;
    }
    struct mf_watch_root *root = calloc(1, sizeof *root);
    if (root == NULL || stat(normal, &st) < 0) {
        goto free_root;
    }
    root->path = normal;
    root->folder = S_ISDIR(st.st_mode);
    if (mf_watch_list_add(&watch->roots, root) < 0) {
        goto free_root;
    }
    if (open_root(watch, root, false) < 0) {
        int error = errno;
        mf_watch_remove(watch, normal);
        errno = error;
        return -1;
    }
    mf_watch_repositories_above(watch, normal);
    return 0;

free_root:
    free(normal);
    free(root);
    return -1;
}

int
mf_watch_add_later(struct mf_watch *watch, const char *path, int64_t since)
{
    struct stat st;
    struct mf_watch_root *root = calloc(1, sizeof *root);
    if (root == NULL || (root->path = normal_path(path)) == NULL) {
        free(root);
        return -1;
    }
    root->folder = stat(path, &st) < 0 || S_ISDIR(st.st_mode);
    root->missing = root->later = true;
    if (mf_watch_list_add(&watch->roots, root) < 0) {
        free(root->path);
        free(root);
        return -1;
    }
    watch->later_since = since;
    watch->missing_due = mf_watch_now();
    return 0;
}

int
mf_watch_remove(struct mf_watch *watch, const char *path)
{
    size_t index;
    char *normal = normal_path(path);
    if (normal == NULL) {
        return -1;
    }
    struct mf_watch_root *root = find_root(watch, normal, &index);
    free(normal);
    if (root == NULL) {
        errno = ENOENT;
        return -1;
    }
    watch->roots.items[index] = watch->roots.items[--watch->roots.len];
    /* Roots may lie in one another: what stays is opened anew. */
    mf_watch_tree_clear(watch);
    for (size_t i = 0; i < watch->roots.len; i++) {
        struct mf_watch_root *other = watch->roots.items[i];
        if (!other->missing && open_root(watch, other, false) < 0) {
            other->missing = true;
            watch->missing_due = mf_watch_now();
        }
    }
    free(root->path);
    free(root);
    return 0;
}

int
mf_watch_suffixes(struct mf_watch *watch, const char *const *suffixes)
{
    struct mf_watch_list list = {0};
    for (; *suffixes != NULL; suffixes++) {
        char *copy = strdup(*suffixes);
        if (copy == NULL || mf_watch_list_add(&list, copy) < 0) {
            free(copy);
            mf_watch_list_clear(&list);
            return -1;
        }
    }
    mf_watch_list_clear(&watch->suffixes);
    watch->suffixes = list;
    for (size_t i = 0; i < watch->roots.len; i++) {
        struct mf_watch_root *root = watch->roots.items[i];
        struct mf_watch_dir *dir = mf_watch_tree_find(watch, root->path);
        if (dir != NULL && mf_watch_tree_read(watch, dir, false, true) < 0) {
            mf_watch_lost(watch);
        }
    }
    return 0;
}

/* ---- the watch --------------------------------------------------------- */

struct mf_watch *
mf_watch_new(const struct mf_watch_options *options, mf_watch_note note,
             void *arg)
{
    static const char *const python[] = {".py", NULL};
    struct mf_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        return NULL;
    }
    watch->options = *options;
    if (watch->options.poll_ms < 1) {
        watch->options.poll_ms = 1;
    }
    watch->note = note;
    watch->note_arg = arg;
    watch->fd = -1;
    if (mf_watch_suffixes(watch, python) < 0) {
        mf_watch_free(watch);
        return NULL;
    }
    if (!watch->options.force_poll && mf_watch_linux_init(watch) < 0) {
        mf_watch_say(watch,
                     "no file events (%s%s): files are checked every %d ms "
                     "instead",
                     strerror(errno),
                     errno == EMFILE
                         ? "; limits: ulimit -n, fs.inotify.max_user_instances"
                         : "",
                     watch->options.poll_ms);
    }
    return watch;
}

void
mf_watch_forked(struct mf_watch *watch)
{
    if (watch->fd >= 0) {
        close(watch->fd);
        watch->fd = -1;
    }
}

void
mf_watch_free(struct mf_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    mf_watch_forked(watch); /* first: no removing of watches one by one */
    mf_watch_tree_clear(watch);
    mf_watch_queue_clear(watch);
    for (size_t i = 0; i < watch->roots.len; i++) {
        free(((struct mf_watch_root *)watch->roots.items[i])->path);
    }
    mf_watch_list_clear(&watch->roots);
    mf_watch_list_clear(&watch->suffixes);
    mf_watch_list_clear(&watch->locks);
    mf_watch_list_clear(&watch->notes);
    free(watch->wds);
    free(watch);
}

int
mf_watch_fd(const struct mf_watch *watch)
{
    return watch->fd;
}

const char *
mf_watch_backend(const struct mf_watch *watch)
{
    if (watch->fd < 0) {
        return "polling";
    }
    if (watch->polled_count == watch->slow_count) {
        return "inotify";
    }
    return watch->wds_len > 0 ? "inotify and polling" : "polling";
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int
mf_watch_timeout_ms(const struct mf_watch *watch)
{
    int64_t due = mf_watch_queue_due(watch);
    if (watch->polled != NULL) {
        due = earlier(due, watch->poll_due);
    }
    if (watch->missing_due != 0) {
        due = earlier(due, watch->missing_due);
    }
    if (due == INT64_MAX) {
        return -1;
    }
    int64_t left = due - mf_watch_now();
    /* Rounded up, never 0: who waits for our lock gets it meanwhile. */
    return left <= 0 ? 1 : (int)earlier(left / MF_WATCH_MS + 1, INT_MAX);
}

int
mf_watch_look(struct mf_watch *watch)
{
    return watch->fd >= 0 ? mf_watch_linux_read(watch) : 0;
}

bool
mf_watch_is_changing(const struct mf_watch *watch, const char *path)
{
    return watch->overflow || (watch->changes.used > 0 &&
                               mf_watch_set_find(&watch->changes, path,
                                                 strlen(path)) != NULL);
}

int
mf_watch_drain(struct mf_watch *watch, char ***paths)
{
    *paths = NULL;
    if (mf_watch_look(watch) < 0) {
        return -1;
    }
    int64_t now = mf_watch_now();
    find_missing(watch, now);
    mf_watch_poll_step(watch, now);
    if (!mf_watch_queue_settled(watch, mf_watch_now())) {
        return 0;
    }
    return mf_watch_queue_take(watch, paths);
}
