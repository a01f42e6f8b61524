/* agent_request.c -- owns the requests that are under way. In: a line of a
 * client. Out: the handler's answer, after it has run at a place that the
 * setting `safepoint` allows; what became of one that could not begin.
 *
 * For one a thread waits for the GIL, asks the handler, and does all there
 * where the program allows any thread; where the request is withdrawn
 * meanwhile, the next one has that thread, so that never two wait. Else what
 * changes the program is left to the main thread, between two of its steps, or
 * to the program's poll(): it goes aside, since that can take long, and the
 * next client's request begins. A client's own are answered in their order. A
 * request that nobody has begun may be withdrawn; one that runs goes on to its
 * end.
 */
#include "agent_parts.h"

#include "ground/compat.h"
#include "ground/compat_main.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ANY, MAIN_THREAD, POLL }; /* state->safepoint */
enum { LATE = -32001, BUSY = -32002, INTERNAL = -32603, OFFER_MS = 20 };
#define STACK_SIZE (4u << 20) /* it runs Python code */

/* By lock. */
static void
let_go(struct mf_agent_request *request)
{
    if (--request->holders == 0) {
        free(request->line);
        free(request);
    }
}

/* By lock: the agent has it no more. */
static void
end(struct mf_agent_request *request)
{
    struct mf_agent *agent = request->agent;
    struct mf_agent_request **at = &agent->aside;
    while (*at != NULL && *at != request) {
        at = &(*at)->next;
    }
    request->progress = MF_AGENT_ENDED;
    if (agent->current == request) {
        agent->current = NULL;
        let_go(request);
    }
    else if (*at != NULL) {
        *at = request->next;
        let_go(request);
    }
}

/* By lock: it waits for a safe point, and the agent is free for the next. */
static void
step_aside(struct mf_agent_request *request)
{
    struct mf_agent *agent = request->agent;
    struct mf_agent_request **at = &agent->aside;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    request->progress = MF_AGENT_PASSED;
    agent->current = NULL;
    *at = request;
}

static void
answer(struct mf_agent_request *request, PyObject *result)
{
    struct mf_agent_client *client =
        mf_agent_client(request->agent, request->client);
    char *text;
    Py_ssize_t len;
    int stay = 1;
    PyObject *line = NULL;
    if (result == NULL || !PyArg_ParseTuple(result, "Op", &line, &stay)) {
        PyErr_Clear();
        stay = 0;
    }
    if (client == NULL) {
        return;
    }
    if (line != NULL && line != Py_None &&
        PyBytes_AsStringAndSize(line, &text, &len) == 0) {
        mf_agent_client_tell(client, text, (size_t)len);
    }
    else if (line != Py_None) {
        PyErr_Clear();
        mf_agent_client_error(client, INTERNAL, "the agent has failed");
    }
    client->leaves = client->leaves || !stay;
}

/* GIL held. Runs it if it waits in the state `from`. */
static void
perform(struct mf_agent_request *request, enum mf_agent_progress from,
        bool here)
{
    struct mf_agent *agent = request->agent;
    pthread_mutex_lock(&agent->guest.lock);
    bool mine = request->progress == from && agent->handler != NULL;
    double waited = (double)(mf_agent_now() - request->received);
    if (mine) {
        request->progress = MF_AGENT_RUNNING;
        request->thread = pthread_self();
    }
    pthread_mutex_unlock(&agent->guest.lock);
    if (!mine) {
        return;
    }
    PyObject *handler = Py_NewRef(agent->handler);
    PyObject *result = PyObject_CallFunction(
        handler, "y#dkO", request->line, (Py_ssize_t)request->len, waited,
        request->client, here ? Py_True : Py_False);
    Py_DECREF(handler);
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (request->process == getpid()) { /* else it has forked meanwhile */
        pthread_mutex_lock(&agent->guest.lock);
        if (result == Py_None && !here) {
            step_aside(request);
        }
        else {
            answer(request, result);
            end(request);
        }
        pthread_mutex_unlock(&agent->guest.lock);
        mf_thread_wake(agent->state->thread);
    }
    Py_XDECREF(result);
    PyErr_Restore(type, value, traceback);
}

/* ---- its thread ------------------------------------------------------------------ */

/* Nothing keeps this thread from beginning any more; how long it takes to
 * leave after that is another thing. Whatever waits now is its business: what
 * it was started for may be gone. */
static struct mf_agent_request *
unblock(struct mf_agent *agent)
{
    pthread_mutex_lock(&agent->guest.lock);
    struct mf_agent_request *request = agent->current;
    agent->blocked--;
    if (request != NULL && request->progress == MF_AGENT_WAITING) {
        request->holders++;
    }
    else {
        request = NULL;
    }
    pthread_mutex_unlock(&agent->guest.lock);
    return request;
}

/* The request that it held; NULL: none. */
static struct mf_agent_request *
run_with_gil(struct mf_agent *agent)
{
    PyThreadState *tstate =
        Py_IsInitialized() ? PyThreadState_New(agent->interp) : NULL;
    if (tstate == NULL) {
        return unblock(agent);
    }
    PyEval_AcquireThread(tstate);
    struct mf_agent_request *request = unblock(agent);
    if (request != NULL) {
        perform(request, MF_AGENT_WAITING, agent->state->safepoint == ANY);
    }
    if (PyErr_Occurred()) {
        PyErr_WriteUnraisable(agent->handler);
    }
    PyThreadState_Clear(tstate);
    PyThreadState_DeleteCurrent();
    return request;
}

static void *
runner(void *arg)
{
    struct mf_agent *agent = arg;
    pid_t process = getpid();
#ifdef __linux__
    pthread_setname_np(pthread_self(), "midflight-ask");
#endif
    struct mf_agent_request *request = run_with_gil(agent);
    if (process == getpid()) { /* else it has forked meanwhile */
        pthread_mutex_lock(&agent->guest.lock);
        agent->runners--;
        if (request != NULL) {
            let_go(request);
        }
        pthread_cond_broadcast(&agent->left);
        pthread_mutex_unlock(&agent->guest.lock);
    }
    return NULL;
}

/* By lock. All signals stay blocked, as on the thread that calls this. */
static int
start_runner(struct mf_agent *agent)
{
    pthread_attr_t attr;
    pthread_t id;
    int error = pthread_attr_init(&attr);
    if (error != 0) {
        return -1;
    }
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    agent->runners++;
    agent->blocked++;
    error = pthread_create(&id, &attr, runner, agent);
    pthread_attr_destroy(&attr);
    if (error != 0) {
        agent->runners--;
        agent->blocked--;
    }
    return error == 0 ? 0 : -1;
}

static void
begin(struct mf_agent *agent, struct mf_agent_client *client, char *line,
      size_t len)
{
    struct mf_agent_request *request = calloc(1, sizeof *request);
    if (request == NULL) {
        mf_agent_client_error(client, BUSY,
                              "the process has no memory for this");
        free(line);
        return;
    }
    *request = (struct mf_agent_request){.agent = agent,
                                         .client = client->id,
                                         .line = line,
                                         .len = len,
                                         .received = mf_agent_now(),
                                         .told = mf_agent_now(),
                                         .process = agent->process,
                                         .holders = 1};
    agent->current = request;
    if (agent->blocked == 0 && start_runner(agent) < 0) {
        mf_agent_client_error(client, BUSY, "the process can start no thread");
        end(request);
    }
}

bool
mf_agent_request_is_of(const struct mf_agent *agent, unsigned long client)
{
    const struct mf_agent_request *one = agent->aside;
    while (one != NULL && one->client != client) {
        one = one->next;
    }
    return one != NULL ||
           (agent->current != NULL && agent->current->client == client);
}

static void
give_up(struct mf_agent_request *request, struct mf_agent_client *client)
{
    mf_agent_client_error(
        client, LATE,
        request->progress == MF_AGENT_PASSED
            ? "not begun in time, nothing was done: the program has not come "
              "to its safe point"
            : "not begun in time, nothing was done: the interpreter was not "
              "free");
    end(request);
}

/* What can come to nothing any more makes room before the next one is looked
 * for: nothing else would wake the thread for those that wait. */
static void
review(struct mf_agent *agent, struct mf_agent_request *request)
{
    if (request == NULL || request->progress == MF_AGENT_RUNNING) {
        return;
    }
    struct mf_agent_client *client = mf_agent_client(agent, request->client);
    if (client == NULL) {
        end(request);
    }
    else if (mf_agent_now() - request->received >= MF_AGENT_BEGIN_MS) {
        give_up(request, client);
    }
    else if (request->progress == MF_AGENT_PASSED &&
             agent->state->safepoint == MAIN_THREAD &&
             agent->interp != PyInterpreterState_Main()) {
        mf_agent_client_error(client, BUSY,
                              "a subinterpreter has no main thread: "
                              "safepoint is any or poll there");
        end(request);
    }
}

void
mf_agent_request_next(struct mf_agent *agent)
{
    struct mf_agent_request *one = agent->aside, *next;
    review(agent, agent->current);
    for (; one != NULL; one = next) {
        next = one->next;
        review(agent, one);
    }
    for (int i = 0; i < MF_AGENT_CLIENTS && agent->current == NULL; i++) {
        struct mf_agent_client *client =
            &agent->clients[agent->turn++ % MF_AGENT_CLIENTS];
        size_t len;
        bool may = client->fd >= 0 &&
                   !mf_agent_request_is_of(agent, client->id);
        char *line = may ? mf_agent_client_line(client, &len) : NULL;
        if (line != NULL) {
            begin(agent, client, line, len);
        }
    }
    agent->turn %= MF_AGENT_CLIENTS;
}

/* ---- the main thread, poll() ------------------------------------------------------- */

static int
on_main(void *arg)
{
    struct mf_agent_request *request = arg;
    if (request->process != getpid()) {
        return 0; /* not whole here: it stays */
    }
    struct mf_agent *agent = request->agent;
    struct mf_error error;
    mf_compat_error_aside(&error);
    if (Py_IsInitialized()) {
        perform(request, MF_AGENT_PASSED, true);
    }
    /* Ctrl-C: it is the program's */
    bool stopped = mf_compat_error_again(&error) < 0;
    if (request->process == getpid()) {
        pthread_mutex_lock(&agent->guest.lock);
        let_go(request);
        pthread_mutex_unlock(&agent->guest.lock);
    }
    return stopped ? -1 : 0;
}

/* By lock. */
static void
offer(struct mf_agent_request *request)
{
    request->holders++;
    request->offered = true;
    if (mf_compat_main_call(on_main, request) < 0) {
        request->holders--; /* the list is full: again, soon */
        request->offered = false;
    }
}

void
mf_agent_request_poll(struct mf_agent *agent)
{
    pthread_mutex_lock(&agent->guest.lock);
    struct mf_agent_request *request = agent->aside;
    if (request != NULL) {
        request->holders++;
    }
    pthread_mutex_unlock(&agent->guest.lock);
    if (request == NULL) {
        return;
    }
    perform(request, MF_AGENT_PASSED, true);
    if (request->process == getpid()) {
        pthread_mutex_lock(&agent->guest.lock);
        let_go(request);
        pthread_mutex_unlock(&agent->guest.lock);
    }
}

/* ---- time ---------------------------------------------------------------------------- */

static bool
runs_here(const struct mf_agent_request *request)
{
    return request != NULL && request->progress == MF_AGENT_RUNNING &&
           pthread_equal(request->thread, pthread_self());
}

/* Of those aside only the first one runs. */
bool
mf_agent_request_is_mine(const struct mf_agent *agent)
{
    return runs_here(agent->current) || runs_here(agent->aside);
}

void
mf_agent_request_withdraw(struct mf_agent *agent)
{
    struct mf_agent_request *one = agent->aside, *next;
    if (agent->current != NULL && agent->current->progress != MF_AGENT_RUNNING) {
        end(agent->current);
    }
    for (; one != NULL; one = next) {
        next = one->next;
        if (one->progress != MF_AGENT_RUNNING) {
            end(one);
        }
    }
}

static void
tell_progress(struct mf_agent_request *request,
              struct mf_agent_client *client, int64_t now)
{
    static const char *const words[] = {
        [MF_AGENT_WAITING] = "waits for the interpreter",
        [MF_AGENT_PASSED] = "waits for the program's safe point",
        [MF_AGENT_RUNNING] = "runs",
        [MF_AGENT_ENDED] = "ends",
    };
    char line[256];
    int len = snprintf(line, sizeof line,
                       "{\"jsonrpc\": \"2.0\", \"method\": \"progress\", "
                       "\"params\": {\"state\": \"%s\", \"ms\": %lld}}",
                       words[request->progress],
                       (long long)(now - request->received));
    mf_agent_client_tell(client, line, (size_t)len);
    request->told = now;
}

static void
tick(struct mf_agent *agent, struct mf_agent_request *request, int64_t *until)
{
    struct mf_agent_client *client = mf_agent_client(agent, request->client);
    int64_t now = mf_agent_now();
    if (client == NULL) {
        return; /* it runs */
    }
    if (now - request->told >= MF_AGENT_TELL_MS) {
        tell_progress(request, client, now);
    }
    int64_t next = request->told + MF_AGENT_TELL_MS;
    if (request == agent->aside && request->progress == MF_AGENT_PASSED &&
        !request->offered && agent->state->safepoint == MAIN_THREAD) {
        offer(request);
        next = request->offered ? next : now + OFFER_MS;
    }
    *until = next < *until ? next : *until;
}

void
mf_agent_request_tick(struct mf_agent *agent, int64_t *until)
{
    if (agent->current != NULL) {
        tick(agent, agent->current, until);
    }
    for (struct mf_agent_request *one = agent->aside; one != NULL;
         one = one->next) {
        tick(agent, one, until);
    }
}
