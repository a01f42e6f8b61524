/* watch.c -- the queue of changed paths. In: what the back ends saw happen to
 * files (mf_watch_change). Out: batches of paths that have settled, notes for
 * people. Owns the roots, the queue and the clock of settling; knows neither
 * Python objects nor where a change was seen.
 *
 * When is a batch handed out?
 *   at once   one file, complete (closed by its writer, or renamed into
 *             place), nothing else going on: somebody has saved it
 *   settled   settle_ms after the last event of any other kind: several
 *             files; a file written and not closed; files made or deleted,
 *             since version control replaces files by delete and create
 *   longer    while version control holds its lock, up to LOCK_MAX
 *   anyway    BURST_MAX after the first event, if events never end
 */
#include "watch_backend.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BURST_GAP (5 * MF_WATCH_MS)      /* events of one burst are closer */
#define WRITER_MAX (1000 * MF_WATCH_MS)  /* an endless writer holds others */
#define BURST_MAX (10000 * MF_WATCH_MS)
#define LOCK_MAX (60000 * MF_WATCH_MS)
#define MISSING_MS (1000 * MF_WATCH_MS)  /* look for missing roots so often */

struct change {
    struct mf_watch_key key; /* path, as it is reported */
    int64_t since;           /* first event */
    bool known;              /* the file was there before this batch */
    bool complete;           /* nobody is writing */
    bool gone;
    bool left;               /* gone by a rename */
    bool slow;               /* must settle, whatever comes */
};

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

static void
list_clear(struct mf_watch_list *list)
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
        list_clear(&watch->notes);
    }
}

/* ---- the queue --------------------------------------------------------- */

void
mf_watch_lost(struct mf_watch *watch)
{
    int64_t now = mf_watch_now();
    if (!watch->overflow && watch->changes.used == 0) {
        watch->first_event = now;
    }
    watch->overflow = true;
    watch->last_event = now;
}

bool
mf_watch_wants(const struct mf_watch *watch, const struct mf_watch_dir *dir,
               const char *name)
{
    size_t len = strlen(name);
    const struct mf_watch_file *file =
        (void *)mf_watch_set_find(&dir->files, name, len);
    if (file != NULL) {
        return true;
    }
    /* Hidden: lock links of Emacs (.#x.py), copies kept by other editors. */
    if (!dir->whole || name[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < watch->suffixes.len; i++) {
        const char *suffix = watch->suffixes.items[i];
        size_t suffix_len = strlen(suffix);
        if (len > suffix_len &&
            memcmp(name + len - suffix_len, suffix, suffix_len) == 0) {
            return true;
        }
    }
    return false;
}

static struct change *
queue_change(struct mf_watch *watch, const char *path, bool known, int64_t now)
{
    size_t len = strlen(path);
    struct change *change =
        (void *)mf_watch_set_find(&watch->changes, path, len);
    if (change != NULL) {
        return change;
    }
    change = calloc(1, sizeof *change);
    if (change == NULL) {
        return NULL;
    }
    if (mf_watch_key_init(&change->key, path, len) < 0) {
        goto free_change;
    }
    change->known = known;
    change->since = now;
    if (watch->changes.used == 0 && !watch->overflow) {
        watch->first_event = now;
    }
    if (mf_watch_set_add(&watch->changes, &change->key) < 0) {
        goto free_text;
    }
    return change;

free_text:
    free(change->key.text);
free_change:
    free(change);
    return NULL;
}

static void
note_event(struct change *change, enum mf_watch_what what)
{
    change->complete = what == MF_WATCH_CLOSED || what == MF_WATCH_ARRIVED;
    change->gone = what == MF_WATCH_DELETED || what == MF_WATCH_LEFT;
    switch (what) {
    case MF_WATCH_CREATED:
        /* Moved to a backup before: an editor saves. Otherwise something
         * is being built or checked out, and more will come. */
        change->slow |= !change->left;
        break;
    case MF_WATCH_FOUND:
    case MF_WATCH_DELETED:
        change->slow = true;
        break;
    default:
        break;
    }
    change->left = what == MF_WATCH_LEFT;
}

bool
mf_watch_change(struct mf_watch *watch, struct mf_watch_dir *dir,
                const char *name, enum mf_watch_what what)
{
    if (!mf_watch_wants(watch, dir, name)) {
        return false;
    }
    int64_t now = mf_watch_now();
    bool gone = what == MF_WATCH_DELETED || what == MF_WATCH_LEFT;
    struct mf_watch_file *file = mf_watch_tree_file(dir, name, !gone);
    bool known = file != NULL && file->exists;
    char *path = mf_watch_tree_path(dir, name);
    struct change *change =
        path != NULL ? queue_change(watch, path, known, now) : NULL;
    free(path);
    if (file != NULL) {
        file->exists = !gone;
        if (gone) {
            file->mtime = file->size = 0;
            file->ino = 0;
        }
        if (gone && !file->named) {
            mf_watch_set_remove(&dir->files, &file->key);
            free(file->key.text);
            free(file);
        }
    }
    if (change == NULL || (file == NULL && !gone)) {
        mf_watch_lost(watch);
        return true;
    }
    if (change->key.hash != watch->last_hash &&
        now - watch->last_event < BURST_GAP) {
        change->slow = true;
    }
    note_event(change, what);
    if (what != MF_WATCH_WRITTEN || watch->changes.used == 1 ||
        now - change->since < WRITER_MAX) {
        watch->last_event = now;
        watch->last_hash = change->key.hash;
    }
    return true;
}

/* ---- version control --------------------------------------------------- */

static void
add_lock(struct mf_watch *watch, const char *dir, const char *name)
{
    size_t size = strlen(dir) + strlen(name) + 2;
    char *lock = malloc(size);
    if (lock == NULL) {
        return;
    }
    snprintf(lock, size, "%s/%s", dir, name);
    for (size_t i = 0; i < watch->locks.len; i++) {
        if (strcmp(watch->locks.items[i], lock) == 0) {
            free(lock);
            return;
        }
    }
    if (mf_watch_list_add(&watch->locks, lock) < 0) {
        free(lock);
    }
}

/* A work tree or submodule has a file .git that names the real folder. */
static void
add_git_file(struct mf_watch *watch, const char *dir, const char *file)
{
    char text[PATH_MAX];
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return;
    }
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    if (len < 9 || memcmp(text, "gitdir: ", 8) != 0) {
        return;
    }
    text[len] = 0;
    text[strcspn(text, "\r\n")] = 0;
    if (text[8] == '/') {
        add_lock(watch, text + 8, "index.lock");
        return;
    }
    char real[2 * PATH_MAX];
    snprintf(real, sizeof real, "%s/%s", dir, text + 8);
    add_lock(watch, real, "index.lock");
}

void
mf_watch_repository(struct mf_watch *watch, const char *dir)
{
    char path[PATH_MAX];
    struct stat st;
    if ((size_t)snprintf(path, sizeof path, "%s/.git", dir) < sizeof path &&
        stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode)) {
            add_lock(watch, path, "index.lock");
        }
        else {
            add_git_file(watch, dir, path);
        }
    }
    if ((size_t)snprintf(path, sizeof path, "%s/.hg", dir) < sizeof path &&
        stat(path, &st) == 0) {
        add_lock(watch, path, "wlock");
    }
}

static void
find_repositories(struct mf_watch *watch, const char *path)
{
    char *real = realpath(path, NULL);
    if (real == NULL) {
        return;
    }
    for (;;) {
        mf_watch_repository(watch, real);
        char *slash = strrchr(real, '/');
        if (slash == NULL || slash == real) {
            break;
        }
        *slash = 0;
    }
    free(real);
}

/* A lock left behind by a crash must not hold updates for ever. */
static bool
locked(const struct mf_watch *watch)
{
    struct stat st;
    for (size_t i = 0; i < watch->locks.len; i++) {
        if (lstat(watch->locks.items[i], &st) == 0 &&
            time(NULL) - st.st_mtime < LOCK_MAX / (1000 * MF_WATCH_MS)) {
            return true;
        }
    }
    return false;
}

/* ---- settling ---------------------------------------------------------- */

/* One complete file and nothing else going on. */
static bool
is_save(struct mf_watch *watch)
{
    if (watch->changes.used != 1 || watch->overflow) {
        return false;
    }
    const struct change *change = NULL;
    for (size_t i = 0; change == NULL; i++) {
        change = (void *)watch->changes.slots[i];
    }
    struct stat st;
    /* Empty: truncated by one who will open it again to write. */
    return change->complete && !change->slow &&
           stat(change->key.text, &st) == 0 && st.st_size > 0;
}

static int64_t
settle_ns(const struct mf_watch *watch)
{
    return (int64_t)watch->options.settle_ms * MF_WATCH_MS;
}

static bool
has_settled(struct mf_watch *watch, int64_t now)
{
    if (watch->changes.used == 0 && !watch->overflow) {
        return false;
    }
    if (is_save(watch)) {
        return true;
    }
    if (now - watch->first_event > LOCK_MAX) {
        return true;
    }
    if (now < watch->last_event + settle_ns(watch)) {
        return now - watch->first_event > BURST_MAX && !locked(watch);
    }
    if (locked(watch)) {
        watch->last_event = now;
        return false;
    }
    return !watch->scanning;
}

/* Everything is reported as changed, also what is no longer there. */
static void
report_all(struct mf_watch *watch)
{
    watch->overflow = false;
    for (size_t i = 0; i < watch->roots.len; i++) {
        const struct mf_watch_root *root = watch->roots.items[i];
        struct mf_watch_dir *dir = mf_watch_tree_find(watch, root->path);
        if (root->folder && dir != NULL && dir->root) {
            mf_watch_tree_read(watch, dir, true, true);
        }
    }
    for (size_t i = 0; watch->dirs.slots && i <= watch->dirs.mask; i++) {
        struct mf_watch_dir *dir = (void *)watch->dirs.slots[i];
        for (size_t j = 0; dir && dir->files.slots && j <= dir->files.mask;
             j++) {
            struct mf_watch_file *file = (void *)dir->files.slots[j];
            char *path =
                file ? mf_watch_tree_path(dir, file->key.text) : NULL;
            if (file != NULL &&
                (path == NULL ||
                 queue_change(watch, path, true, mf_watch_now()) == NULL)) {
                mf_watch_lost(watch);
            }
            free(path);
        }
    }
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What is read after this is newer than the stamp: the poll need not report
 * it again. */
static void
renew_stamp(struct mf_watch *watch, const char *path)
{
    char *slash = strrchr(path, '/');
    struct mf_watch_dir *dir = (void *)mf_watch_set_find(
        &watch->dirs, path, slash == path ? 1 : (size_t)(slash - path));
    if (dir != NULL && dir->polled) {
        struct mf_watch_file *file = mf_watch_tree_file(dir, slash + 1, false);
        if (file != NULL) {
            mf_watch_poll_stamp(dir, file);
        }
    }
}

static int
hand_out(struct mf_watch *watch, char ***paths)
{
    struct mf_watch_set *set = &watch->changes;
    char **out = malloc((set->used + 1) * sizeof *out);
    if (out == NULL) {
        return -1;
    }
    int count = 0;
    for (size_t i = 0; set->slots != NULL && i <= set->mask; i++) {
        struct change *change = (void *)set->slots[i];
        if (change == NULL) {
            continue;
        }
        if (change->gone && !change->known) {
            free(change->key.text); /* came and went */
        }
        else {
            out[count++] = change->key.text;
        }
        free(change);
    }
    free(set->slots);
    memset(set, 0, sizeof *set);
    qsort(out, count, sizeof *out, by_text);
    for (int i = 0; watch->polled != NULL && i < count; i++) {
        renew_stamp(watch, out[i]);
    }
    if (count == 0) {
        free(out);
        return 0;
    }
    *paths = out;
    return count;
}

void
mf_watch_paths_free(char **paths, int count)
{
    for (int i = 0; i < count; i++) {
        free(paths[i]);
    }
    free(paths);
}

void
mf_watch_put_back(struct mf_watch *watch, char **paths, int count)
{
    for (int i = 0; i < count; i++) {
        int64_t now = mf_watch_now();
        size_t len = strlen(paths[i]);
        bool again = mf_watch_set_find(&watch->changes, paths[i], len) != NULL;
        struct change *change = queue_change(watch, paths[i], true, now);
        if (change == NULL) {
            mf_watch_lost(watch);
        }
        else if (!again) {
            change->complete = true;
        }
    }
    mf_watch_paths_free(paths, count);
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
        if (root->missing && open_root(watch, root, true) == 0) {
            root->missing = false;
            mf_watch_say(watch, "%s is back", root->path);
        }
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
    find_repositories(watch, normal);
    return 0;

free_root:
    free(normal);
    free(root);
    return -1;
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
            list_clear(&list);
            return -1;
        }
    }
    list_clear(&watch->suffixes);
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
        mf_watch_say(watch, "no file events (%s): files are checked every %d "
                            "ms instead",
                     strerror(errno), watch->options.poll_ms);
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
    for (size_t i = 0; watch->changes.slots && i <= watch->changes.mask; i++) {
        struct change *change = (void *)watch->changes.slots[i];
        if (change != NULL) {
            free(change->key.text);
            free(change);
        }
    }
    free(watch->changes.slots);
    for (size_t i = 0; i < watch->roots.len; i++) {
        free(((struct mf_watch_root *)watch->roots.items[i])->path);
    }
    list_clear(&watch->roots);
    list_clear(&watch->suffixes);
    list_clear(&watch->locks);
    list_clear(&watch->notes);
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
    int64_t due = INT64_MAX;
    if (watch->changes.used > 0 || watch->overflow) {
        due = watch->last_event + settle_ns(watch);
    }
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
mf_watch_drain(struct mf_watch *watch, char ***paths)
{
    *paths = NULL;
    if (watch->fd >= 0 && mf_watch_linux_read(watch) < 0) {
        return -1;
    }
    int64_t now = mf_watch_now();
    find_missing(watch, now);
    mf_watch_poll_step(watch, now);
    now = mf_watch_now();
    if (!has_settled(watch, now)) {
        return 0;
    }
    if (watch->overflow) {
        report_all(watch);
        if (watch->overflow) {
            return 0;
        }
    }
    return hand_out(watch, paths);
}
