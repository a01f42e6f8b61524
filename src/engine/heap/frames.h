/* frames.h -- who runs old code: the frames of all threads of this
 * interpreter, and the generators, coroutines and asynchronous generators
 * that stand still. Looks only; nothing is moved or changed.
 *
 * Idea: the reference count of a code object tells whether a suspended
 * generator can exist; only then is the heap walked, once for all.
 */
#ifndef MF_FRAMES_H
#define MF_FRAMES_H

#include "../ground/table.h"

/* One code object in one thread. line: where its innermost frame is. kind: a
 * str, "frame", "generator", "coroutine" or "async generator"; the last three
 * stand still and have thread_id 0, which for a frame means "not known".
 * frames: how many. code and kind are borrowed for the call. -1: error. */
typedef int (*mf_frames_found)(PyCodeObject *code, int line, PyObject *kind,
                               unsigned long thread_id, int frames,
                               void *arg);

/* Calls `found` for everything that runs, or when resumed will run, a code
 * object that is a key of `codes` (the caller holds a reference to each);
 * threads first, then what is suspended.
 * All of it is collected before the first call, so `found` may run anything.
 * Makes frame objects: to be called before or after a commit, not in it.
 * While the collector is at work what is suspended is not found. 0 / -1. */
int mf_frames_stragglers(const struct mf_map *codes, mf_frames_found found,
                         void *arg);

/* What the caller knows already; each may be NULL. */
struct mf_frames_beyond {
    /* How many references to a code object are accounted for (functions,
     * constants of other code, the caller's own). What has no more than
     * these, no frame has. A code object that is not in it is looked for as
     * above. */
    const struct mf_map *known;
    /* What mf_frames_suspended has found. */
    const struct mf_vec *suspended;
    /* Frames (mf_compat_place) that do not count. */
    const struct mf_map *moved;
};
int mf_frames_stragglers_beyond(const struct mf_map *codes,
                                const struct mf_frames_beyond *beyond,
                                mf_frames_found found, void *arg);

/* Adds to `found`, as strong references, the generators, coroutines and
 * asynchronous generators that stand still in these code objects. *runs: a
 * thread may have frames of them, too. 0 / -1. */
int mf_frames_suspended(const struct mf_map *codes,
                        const struct mf_map *known, struct mf_vec *found,
                        bool *runs);

/* Adds to the number of each code object in `counts` the references to it that
 * running frames hold, as far as that is known. Makes frame objects. 0 / -1. */
int mf_frames_add_running(struct mf_map *counts);

/* The frame that runs a module's own code of this file (a main module whose
 * last statement runs the program): a new reference, or NULL without
 * exception. */
PyFrameObject *mf_frames_of_module(PyObject *dict, PyObject *path);

/* Does any frame of this thread fit? Makes frame objects. */
typedef bool (*mf_frames_fits)(PyFrameObject *frame, void *arg);
bool mf_frames_any(PyThreadState *thread, mf_frames_fits fits, void *arg);

/* Where a thread is: a new list of str "file:line in name", innermost first,
 * at most `limit`. Empty if there is no such thread. */
PyObject *mf_frames_stack(unsigned long thread_id, Py_ssize_t limit);

#endif
