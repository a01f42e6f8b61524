/* watch_queue.c -- the queue of changes. In: what the back ends saw happen to
 * files (mf_watch_change). Out: batches of paths that have settled.
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
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BURST_GAP (5 * MF_WATCH_MS)     /* events of one burst are closer */
#define WRITER_MAX (1000 * MF_WATCH_MS) /* an endless writer holds others */
#define BURST_MAX (10000 * MF_WATCH_MS)
#define LOCK_MAX (60000 * MF_WATCH_MS)

struct change {
    struct mf_watch_key key; /* path, as it is reported */
    int64_t since;           /* first event */
    bool known;              /* the file was there before this batch */
    bool complete;           /* nobody is writing */
    bool gone;
    bool left;               /* gone by a rename */
    bool slow;               /* must settle, whatever comes */
};

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

static bool
has_suffix(const struct mf_watch *watch, const char *name)
{
    size_t len = strlen(name);
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

/* Under its own path; a link that leads to it may want it all the same.
 * Hidden: lock links of Emacs (.#x.py), copies kept by other editors. */
static bool
wants_itself(const struct mf_watch *watch, const struct mf_watch_dir *dir,
             const char *name, const struct mf_watch_file *file)
{
    return (file != NULL && file->named) ||
           (dir->whole && name[0] != '.' && has_suffix(watch, name));
}

bool
mf_watch_wants(const struct mf_watch *watch, const struct mf_watch_dir *dir,
               const char *name)
{
    const struct mf_watch_file *file =
        (void *)mf_watch_set_find(&dir->files, name, strlen(name));
    return (file != NULL && file->links.len > 0) ||
           wants_itself(watch, dir, name, file);
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

static void
change_path(struct mf_watch *watch, const char *path, bool known,
            enum mf_watch_what what)
{
    int64_t now = mf_watch_now();
    struct change *change =
        path != NULL ? queue_change(watch, path, known, now) : NULL;
    if (change == NULL) {
        mf_watch_lost(watch);
        return;
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
}

bool
mf_watch_change(struct mf_watch *watch, struct mf_watch_dir *dir,
                const char *name, enum mf_watch_what what)
{
    if (!mf_watch_wants(watch, dir, name)) {
        return false;
    }
    bool gone = what == MF_WATCH_DELETED || what == MF_WATCH_LEFT;
    struct mf_watch_file *file = mf_watch_tree_file(dir, name, !gone);
    bool known = gone || (file != NULL && file->exists);
    if (file == NULL && !gone) {
        mf_watch_lost(watch);
        return true;
    }
    if (wants_itself(watch, dir, name, file)) {
        char *path = mf_watch_tree_path(dir, name);
        change_path(watch, path, known, what);
        free(path);
    }
    for (size_t i = 0; file != NULL && i < file->links.len; i++) {
        change_path(watch, file->links.items[i], known, what);
    }
    if (file == NULL) {
        return true;
    }
    file->exists = !gone;
    if (gone) {
        file->mtime = file->size = 0;
        file->ino = 0;
    }
    /* With events lost, all known files will be reported: this one, too. */
    if (gone && !file->named && file->links.len == 0 && !watch->overflow) {
        mf_watch_set_remove(&dir->files, &file->key);
        mf_watch_file_free(file);
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

void
mf_watch_repositories_above(struct mf_watch *watch, const char *dir)
{
    char *real = realpath(dir, NULL);
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

/* The one file with which something goes on; NULL: none, or several. */
static const struct change *
only_change(const struct mf_watch *watch)
{
    if (watch->changes.used != 1 || watch->overflow) {
        return NULL;
    }
    const struct change *change = NULL;
    for (size_t i = 0; change == NULL; i++) {
        change = (void *)watch->changes.slots[i];
    }
    return change;
}

/* One complete file and nothing else going on. */
static bool
is_save(const struct mf_watch *watch)
{
    const struct change *change = only_change(watch);
    struct stat st;
    /* Empty: truncated by one who will open it again to write. */
    return change != NULL && change->complete && !change->slow &&
           stat(change->key.text, &st) == 0 && st.st_size > 0;
}

int64_t
mf_watch_save_begun(const struct mf_watch *watch, const char **path)
{
    const struct change *change = only_change(watch);
    struct stat st;
    if (change == NULL || change->complete || change->gone || change->slow ||
        stat(change->key.text, &st) != 0 || st.st_size == 0) {
        return 0;
    }
    *path = change->key.text;
    return change->since;
}

static int64_t
settle_ns(const struct mf_watch *watch)
{
    return (int64_t)watch->options.settle_ms * MF_WATCH_MS;
}

bool
mf_watch_queue_settled(struct mf_watch *watch, int64_t now)
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

int64_t
mf_watch_queue_due(const struct mf_watch *watch)
{
    return watch->changes.used > 0 || watch->overflow
               ? watch->last_event + settle_ns(watch)
               : INT64_MAX;
}

static void
report_file(struct mf_watch *watch, const char *path)
{
    if (path == NULL ||
        queue_change(watch, path, true, mf_watch_now()) == NULL) {
        mf_watch_lost(watch);
    }
}

static void
report_files(struct mf_watch *watch, const struct mf_watch_dir *dir)
{
    const struct mf_watch_set *set = &dir->files;
    for (uint32_t i = 0; set->slots != NULL && i <= set->mask; i++) {
        const struct mf_watch_file *file = (void *)set->slots[i];
        if (file == NULL) {
            continue;
        }
        if (wants_itself(watch, dir, file->key.text, file)) {
            char *path = mf_watch_tree_path(dir, file->key.text);
            report_file(watch, path);
            free(path);
        }
        for (size_t j = 0; j < file->links.len; j++) {
            report_file(watch, file->links.items[j]);
        }
    }
}

/* Everything is reported as changed, also what is no longer there. */
static void
report_all(struct mf_watch *watch)
{
    watch->overflow = false;
    for (size_t i = 0; i < watch->roots.len; i++) {
        const struct mf_watch_root *root = watch->roots.items[i];
        struct mf_watch_dir *dir = mf_watch_tree_find(watch, root->path);
        if (root->folder && dir != NULL && dir->root &&
            mf_watch_tree_read(watch, dir, true, true) < 0) {
            mf_watch_tree_drop(watch, dir, true);
        }
    }
    for (uint32_t i = 0; watch->dirs.slots && i <= watch->dirs.mask; i++) {
        if (watch->dirs.slots[i] != NULL) {
            report_files(watch, (void *)watch->dirs.slots[i]);
        }
    }
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What is read after this is newer than the stamp: the poll need not report
 * it again. A link may lead elsewhere now. */
static void
renew(struct mf_watch *watch, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct mf_watch_dir *dir = (void *)mf_watch_set_find(
        &watch->dirs, path, slash == path ? 1 : (size_t)(slash - path));
    struct mf_watch_file *file =
        dir != NULL ? mf_watch_tree_file(dir, slash + 1, false) : NULL;
    if (file != NULL && dir->polled) {
        mf_watch_poll_stamp(dir, file);
    }
    if (file != NULL && file->link) {
        mf_watch_tree_follow(watch, dir, slash + 1);
    }
}

int
mf_watch_queue_take(struct mf_watch *watch, char ***paths)
{
    struct mf_watch_set *set = &watch->changes;
    if (watch->overflow) {
        report_all(watch);
        if (watch->overflow) {
            return 0;
        }
    }
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
    for (int i = 0; i < count; i++) {
        renew(watch, out[i]);
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

void
mf_watch_queue_clear(struct mf_watch *watch)
{
    struct mf_watch_set *set = &watch->changes;
    for (uint32_t i = 0; set->slots != NULL && i <= set->mask; i++) {
        struct change *change = (void *)set->slots[i];
        if (change != NULL) {
            free(change->key.text);
            free(change);
        }
    }
    free(set->slots);
    memset(set, 0, sizeof *set);
}
