/* watch.h -- which paths have changed: a queue of absolute paths, filled by a
 * back end (watch_linux.c: inotify on folders; watch_poll.c: stat in turn),
 * settled and de-duplicated. Reads no Python object, needs no GIL: the one
 * thread (thread.c) waits on its descriptor and drains it.
 *
 * Copes with: bursts (a branch switch is one batch), atomic renames
 * (save to temporary, rename over), truncate-then-write (waits until the
 * writer closes, or `settle_ms` after the last write), new folders (added,
 * and scanned for files that came before the watch), removed folders,
 * overflow of the kernel's queue (everything is reported as changed),
 * limits reached and file systems without events (falls back to polling and
 * says so through `note`).
 */
#ifndef MF_WATCH_H
#define MF_WATCH_H

#include "../engine.h"

struct mf_watch; /* opaque */

struct mf_watch_options {
    int settle_ms;             /* quiet time before a batch is handed out */
    int poll_ms;               /* period of the polling back end */
    bool force_poll;           /* never use events */
    int max_watches;           /* folders with events at most; 0: as many as
                                  the system gives */
};

/* A back end was changed or something is not watched: one line for people.
 * Called on the thread, without the GIL. */
typedef void (*mf_watch_note)(const char *text, void *arg);

/* NULL with errno set on failure. Without `note`, notes wait for on_note. */
struct mf_watch *mf_watch_new(const struct mf_watch_options *options,
                              mf_watch_note note, void *arg);
void mf_watch_free(struct mf_watch *watch);
/* Another listener from now on; gets at once what has waited. */
void mf_watch_on_note(struct mf_watch *watch, mf_watch_note note, void *arg);
/* In the child after a fork: only closes the descriptor (async-signal-safe).
 * The watch can then only be freed. */
void mf_watch_forked(struct mf_watch *watch);
/* Watch a folder with everything under it (hidden folders, __pycache__,
 * node_modules, virtual environments left out), or one file. 0 / -1 errno. */
int mf_watch_add(struct mf_watch *watch, const char *path);
/* The same at the next drain, without looking at the disk now: for the child
 * of a fork. Files changed since `since` (wall clock, ns) are reported. */
int mf_watch_add_later(struct mf_watch *watch, const char *path,
                       int64_t since);
int mf_watch_remove(struct mf_watch *watch, const char *path);
/* Only paths with one of these suffixes are reported besides files added by
 * name; default ".py". NULL-terminated, copied. */
int mf_watch_suffixes(struct mf_watch *watch, const char *const *suffixes);
/* Descriptor to poll(2) for POLLIN, and the time after which drain must be
 * called all the same (-1: never). */
int mf_watch_fd(const struct mf_watch *watch);
int mf_watch_timeout_ms(const struct mf_watch *watch);
/* So long the descriptor need not be looked at: more than 0 while other
 * programs do so much in the folders that waking up for each event costs. */
int mf_watch_pause_ms(const struct mf_watch *watch);
/* When the one save that is under way began (a clock of its own), and of which
 * file, borrowed until the next call; 0: none, nothing is written yet, or more
 * than one file changes. */
int64_t mf_watch_save_begun(const struct mf_watch *watch, const char **path);
/* Read events; when a batch has settled, hand it out: *paths is a malloc'ed
 * array of malloc'ed strings, freed by mf_watch_paths_free. Number of paths,
 * 0 if nothing has settled yet, -1 errno. */
int mf_watch_drain(struct mf_watch *watch, char ***paths);
void mf_watch_paths_free(char **paths, int count);
/* Reads events and hands nothing out; that is left to a drain soon. 0 / -1 errno. */
int mf_watch_look(struct mf_watch *watch);
/* Is the file in the batch that is to be handed out next? */
bool mf_watch_is_changing(const struct mf_watch *watch, const char *path);
/* Put a batch back in the queue, as if it had not been handed out: what has
 * come since may belong to it. Frees paths. */
void mf_watch_put_back(struct mf_watch *watch, char **paths, int count);
const char *mf_watch_backend(const struct mf_watch *watch); /* "inotify" ... */

#endif
