/* handover.c -- owns the request to the main thread. In: a batch of paths, the
 * work. Out: what the work has returned, if the main thread was first.
 *
 * Two hold it: who offers, until the close, and the interpreter's list of
 * pending calls, until the main thread comes by, which may be much later (it
 * sleeps) or never (the process ends).
 */
#include "handover.h"

#include "ground/compat_main.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum progress { OFFERED, RUNNING, ENDED };

struct mf_handover {
    char **paths; /* borrowed while it is not ENDED */
    int count;
    mf_handover_work work;
    void *arg;
    PyObject *result;
    pid_t process; /* the child of a fork has the list, but not the thread */
    int holders;
    enum progress progress;
    pthread_mutex_t lock; /* guards holders and progress; nobody waits for the
                             GIL while it holds this */
    pthread_cond_t ended;
};

static void
let_go(struct mf_handover *handover)
{
    pthread_mutex_lock(&handover->lock);
    bool last = --handover->holders == 0;
    pthread_mutex_unlock(&handover->lock);
    if (last) {
        pthread_mutex_destroy(&handover->lock);
        pthread_cond_destroy(&handover->ended);
        free(handover);
    }
}

/* From OFFERED to another state; false: somebody was faster. */
static bool
take(struct mf_handover *handover, enum progress progress)
{
    pthread_mutex_lock(&handover->lock);
    bool mine = handover->progress == OFFERED;
    if (mine) {
        handover->progress = progress;
    }
    pthread_mutex_unlock(&handover->lock);
    return mine;
}

/* The main thread, between two steps of the program. */
static int
pending_call(void *arg)
{
    struct mf_handover *handover = arg;
    if (handover->process != getpid()) {
        return 0; /* not whole here: it stays */
    }
    if (Py_IsInitialized() && take(handover, RUNNING)) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        handover->result =
            handover->work(handover->paths, handover->count, handover->arg);
        PyErr_Restore(type, value, traceback);
        pthread_mutex_lock(&handover->lock);
        handover->progress = ENDED;
        pthread_cond_broadcast(&handover->ended);
        pthread_mutex_unlock(&handover->lock);
    }
    let_go(handover);
    return 0;
}

struct mf_handover *
mf_handover_offer(PyInterpreterState *interp, char **paths, int count,
                  mf_handover_work work, void *arg)
{
    if (interp != PyInterpreterState_Main() || !Py_IsInitialized()) {
        return NULL;
    }
    struct mf_handover *handover = calloc(1, sizeof *handover);
    if (handover == NULL) {
        return NULL;
    }
    *handover = (struct mf_handover){.paths = paths,
                                     .count = count,
                                     .work = work,
                                     .arg = arg,
                                     .process = getpid(),
                                     .holders = 2};
    pthread_mutex_init(&handover->lock, NULL);
    pthread_cond_init(&handover->ended, NULL);
    if (mf_compat_main_call(pending_call, handover) < 0) {
        handover->holders = 1; /* the list is full */
        let_go(handover);
        return NULL;
    }
    return handover;
}

static void
wait_for_end(struct mf_handover *handover)
{
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&handover->lock);
    while (handover->progress != ENDED) {
        pthread_cond_wait(&handover->ended, &handover->lock);
    }
    pthread_mutex_unlock(&handover->lock);
    Py_END_ALLOW_THREADS
}

PyObject *
mf_handover_close(struct mf_handover *handover)
{
    if (handover == NULL) {
        return NULL;
    }
    if (!take(handover, ENDED)) {
        wait_for_end(handover);
    }
    PyObject *result = handover->result;
    handover->result = NULL;
    let_go(handover);
    return result;
}
