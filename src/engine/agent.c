/* agent.c -- owns the socket: its folder, its name, who is connected. In: a
 * folder, the package's handler. Out: clients' lines for agent_request.c.
 *
 * The folder must be this user's own and nobody else's to enter; it is held
 * open, and the socket made and removed in it by that descriptor, so that no
 * name can be put in its place between the look and the use.
 */
#include "agent_parts.h"

#include "ground/trace.h"
#include "watching.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 64, CLOSE_WAIT_MS = 1000 };

int64_t
mf_agent_now(void)
{
    return mf_trace_now() / 1000000;
}

/* ---- on the engine's thread ------------------------------------------------------ */

static int
fill(struct mf_guest *guest, struct pollfd *fds, int max, int *timeout_ms)
{
    struct mf_agent *agent = (struct mf_agent *)guest;
    int64_t now = mf_agent_now(), until = INT64_MAX;
    int count = 0;
    if (agent->listener < 0) {
        return 0;
    }
    if (now >= agent->deaf_until) {
        fds[count++] = (struct pollfd){.fd = agent->listener,
                                       .events = POLLIN};
    }
    else {
        until = agent->deaf_until;
    }
    mf_agent_request_next(agent);
    mf_agent_request_tick(agent, &until);
    for (int i = 0; i < MF_AGENT_CLIENTS && count < max; i++) {
        struct mf_agent_client *client = &agent->clients[i];
        if (client->fd >= 0) {
            fds[count++] = (struct pollfd){
                .fd = client->fd,
                .events = mf_agent_client_events(client, &until)};
        }
    }
    int64_t left = until > now ? until - now + 1 : 0;
    if (until != INT64_MAX && (*timeout_ms < 0 || left < *timeout_ms)) {
        *timeout_ms = (int)left;
    }
    return count;
}

static short
found(const struct pollfd *fds, int count, int fd)
{
    for (int i = 0; i < count; i++) {
        if (fds[i].fd == fd) {
            return fds[i].revents;
        }
    }
    return 0;
}

static void
serve(struct mf_guest *guest, const struct pollfd *fds, int count)
{
    struct mf_agent *agent = (struct mf_agent *)guest;
    if (agent->listener < 0) {
        return;
    }
    for (int i = 0; i < MF_AGENT_CLIENTS; i++) {
        struct mf_agent_client *client = &agent->clients[i];
        if (client->fd >= 0) {
            mf_agent_client_serve(agent, client,
                                  found(fds, count, client->fd));
        }
    }
    if (found(fds, count, agent->listener) & POLLIN) {
        mf_agent_accept(agent);
    }
}

/* The descriptors are the parent's, and so is who waits for an answer; its
 * threads are not here. */
static void
forked(struct mf_guest *guest)
{
    struct mf_agent *agent = (struct mf_agent *)guest;
    for (int i = 0; i < MF_AGENT_CLIENTS; i++) {
        if (agent->clients[i].fd >= 0) {
            close(agent->clients[i].fd);
        }
        agent->clients[i] = (struct mf_agent_client){.fd = -1};
    }
    if (agent->listener >= 0) {
        close(agent->listener);
        close(agent->folder_fd);
    }
    agent->listener = agent->folder_fd = -1;
    agent->current = agent->aside = NULL;
    agent->runners = agent->blocked = 0;
}

/* ---- the socket -------------------------------------------------------------------- */

static int
refuse(int error, const char *folder, const char *why)
{
    PyObject *text = PyUnicode_FromString(why);
    PyObject *file = text ? PyUnicode_DecodeFSDefault(folder) : NULL;
    PyObject *args = file ? Py_BuildValue("(iOO)", error, text, file) : NULL;
    if (args != NULL) {
        PyErr_SetObject(PyExc_OSError, args);
    }
    Py_XDECREF(args);
    Py_XDECREF(file);
    Py_XDECREF(text);
    return -1;
}

/* The folder's descriptor; -1 with an exception. */
static int
open_folder(const char *folder)
{
    struct stat about;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        const char *why = errno == ELOOP || errno == ENOTDIR
                              ? "the agent's folder must be a folder, and no "
                                "symbolic link"
                              : strerror(errno);
        return refuse(errno, folder, why);
    }
    const char *why =
        fstat(fd, &about) < 0        ? strerror(errno)
        : about.st_uid != geteuid() ? "the agent's folder is another user's"
        : about.st_mode & 077
            ? "the agent's folder is open to other users: chmod 700"
            : NULL;
    if (why != NULL) {
        close(fd);
        return refuse(EPERM, folder, why);
    }
    return fd;
}

/* A path that leads through the open folder, where there is such a thing; it
 * is short, too: an address has room for about 100 bytes only. */
static int
address_of(struct sockaddr_un *address, int folder_fd, const char *folder,
           const char *name)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
#ifdef __linux__
    int len = snprintf(address->sun_path, sizeof address->sun_path,
                       "/proc/self/fd/%d/%s", folder_fd, name);
    if (access("/proc/self/fd", X_OK) == 0) {
        return len < (int)sizeof address->sun_path ? 0 : -1;
    }
#endif
    len = snprintf(address->sun_path, sizeof address->sun_path, "%s/%s",
                   folder, name);
    return len < (int)sizeof address->sun_path ? 0 : -1;
}

/* Does somebody listen there? Else what is there is a dead process's. */
static bool
is_answered(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool lives = fd >= 0 && connect(fd, (const struct sockaddr *)address,
                                    sizeof *address) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return lives;
}

static int
listen_at(int folder_fd, const char *folder, const char *name)
{
    struct sockaddr_un address;
    const struct sockaddr *at = (const struct sockaddr *)&address;
    if (address_of(&address, folder_fd, folder, name) < 0) {
        refuse(ENAMETOOLONG, folder, "the agent's folder has too long a name");
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    int rc = bind(fd, at, sizeof address);
    if (rc < 0 && errno == EADDRINUSE && !is_answered(&address) &&
        unlinkat(folder_fd, name, 0) == 0) {
        rc = bind(fd, at, sizeof address);
    }
    if (rc == 0 && (fchmodat(folder_fd, name, 0600, 0) < 0 ||
                    listen(fd, BACKLOG) < 0)) {
        int error = errno;
        unlinkat(folder_fd, name, 0);
        errno = error;
        rc = -1;
    }
    if (rc < 0) {
        PyObject *text = PyUnicode_FromFormat("%s/%s", folder, name);
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, text);
        Py_XDECREF(text);
        close(fd);
        return -1;
    }
    return fd;
}

/* ---- from Python ------------------------------------------------------------------ */

static struct mf_agent *
new_agent(struct mf_state *state)
{
    struct mf_agent *agent = calloc(1, sizeof *agent);
    pthread_condattr_t attr;
    if (agent == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    agent->guest.fill = fill;
    agent->guest.serve = serve;
    agent->guest.forked = forked;
    pthread_mutex_init(&agent->guest.lock, NULL);
    pthread_condattr_init(&attr);
#ifdef __linux__
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
#endif
    pthread_cond_init(&agent->left, &attr);
    pthread_condattr_destroy(&attr);
    agent->state = state;
    agent->interp = PyInterpreterState_Get();
    agent->listener = agent->folder_fd = -1;
    for (int i = 0; i < MF_AGENT_CLIENTS; i++) {
        agent->clients[i].fd = -1;
    }
    return agent;
}

static int
settle_in(struct mf_agent *agent, const char *folder, const char *name,
          PyObject *hello, PyObject *handler)
{
    char *text;
    Py_ssize_t len;
    if (PyBytes_AsStringAndSize(hello, &text, &len) < 0) {
        return -1;
    }
    int folder_fd = open_folder(folder);
    int listener = folder_fd >= 0 ? listen_at(folder_fd, folder, name) : -1;
    char *folder_copy = strdup(folder), *name_copy = strdup(name);
    struct mf_agent_buffer greeting = {0};
    if (listener < 0 || folder_copy == NULL || name_copy == NULL ||
        mf_agent_append(&greeting, text, (size_t)len) < 0) {
        if (listener >= 0) {
            unlinkat(folder_fd, name, 0);
            close(listener);
            PyErr_NoMemory();
        }
        if (folder_fd >= 0) {
            close(folder_fd);
        }
        free(folder_copy);
        free(name_copy);
        return -1;
    }
    pthread_mutex_lock(&agent->guest.lock);
    free(agent->folder);
    free(agent->name);
    free(agent->hello.bytes);
    agent->folder = folder_copy;
    agent->name = name_copy;
    agent->hello = greeting;
    agent->folder_fd = folder_fd;
    agent->listener = listener;
    agent->process = getpid();
    agent->deaf_until = 0;
    pthread_mutex_unlock(&agent->guest.lock);
    Py_XSETREF(agent->handler, Py_NewRef(handler));
    return 0;
}

int
mf_agent_open(struct mf_state *state, const char *folder, const char *name,
              PyObject *hello, PyObject *handler)
{
    mf_agent_close(state);
    if (state->agent == NULL && (state->agent = new_agent(state)) == NULL) {
        return -1;
    }
    if (settle_in(state->agent, folder, name, hello, handler) < 0) {
        return -1;
    }
    if (mf_watching_serve(state, &state->agent->guest) < 0) {
        mf_agent_close(state);
        return -1;
    }
    return 0;
}

static void
wait_for_runners(struct mf_agent *agent)
{
    bool all = agent->interp != PyInterpreterState_Main();
    struct timespec until = mf_thread_deadline(CLOSE_WAIT_MS);
    int error = 0;
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&agent->guest.lock);
    while (agent->runners > 0 && error == 0) {
        error = all ? pthread_cond_wait(&agent->left, &agent->guest.lock)
                    : pthread_cond_timedwait(&agent->left, &agent->guest.lock,
                                             &until);
    }
    pthread_mutex_unlock(&agent->guest.lock);
    Py_END_ALLOW_THREADS
}

void
mf_agent_close(struct mf_state *state)
{
    struct mf_agent *agent = state->agent;
    if (agent == NULL || agent->listener < 0) {
        return;
    }
    pthread_mutex_lock(&agent->guest.lock);
    if (agent->process == getpid()) {
        unlinkat(agent->folder_fd, agent->name, 0);
    }
    close(agent->listener);
    close(agent->folder_fd);
    agent->listener = agent->folder_fd = -1;
    mf_agent_request_withdraw(agent);
    bool busy = agent->runners > 0 && !mf_agent_request_is_mine(agent);
    pthread_mutex_unlock(&agent->guest.lock);
    mf_thread_wake(state->thread);
    if (busy && Py_IsInitialized()) {
        wait_for_runners(agent); /* its answer still goes out */
    }
    pthread_mutex_lock(&agent->guest.lock);
    for (int i = 0; i < MF_AGENT_CLIENTS; i++) {
        if (agent->clients[i].fd >= 0) {
            mf_agent_client_flush(&agent->clients[i]);
        }
        mf_agent_client_drop(&agent->clients[i]);
    }
    pthread_mutex_unlock(&agent->guest.lock);
}

int
mf_agent_send(struct mf_state *state, unsigned long id, PyObject *line)
{
    char *text;
    Py_ssize_t len;
    struct mf_agent *agent = state->agent;
    if (PyBytes_AsStringAndSize(line, &text, &len) < 0) {
        return -1;
    }
    if (agent == NULL || agent->listener < 0) {
        return 0;
    }
    pthread_mutex_lock(&agent->guest.lock);
    struct mf_agent_client *client = mf_agent_client(agent, id);
    if (client != NULL) {
        mf_agent_client_tell(client, text, (size_t)len);
    }
    pthread_mutex_unlock(&agent->guest.lock);
    mf_thread_wake(state->thread);
    return client != NULL;
}

void
mf_agent_poll(struct mf_state *state)
{
    if (state->agent != NULL && state->agent->listener >= 0) {
        mf_agent_request_poll(state->agent);
    }
}

PyObject *
mf_agent_path(struct mf_state *state)
{
    if (state->agent == NULL || state->agent->listener < 0) {
        Py_RETURN_NONE;
    }
    PyObject *path = PyBytes_FromFormat("%s/%s", state->agent->folder,
                                        state->agent->name);
    PyObject *text = path ? PyUnicode_DecodeFSDefault(PyBytes_AS_STRING(path))
                          : NULL;
    Py_XDECREF(path);
    return text;
}

void
mf_agent_free(struct mf_state *state)
{
    struct mf_agent *agent = state->agent;
    if (agent == NULL) {
        return;
    }
    mf_agent_close(state);
    Py_CLEAR(agent->handler);
    if (agent->runners > 0 || agent->current != NULL ||
        agent->aside != NULL) {
        return; /* the process ends with a request under way: it stays */
    }
    state->agent = NULL;
    state->guest = NULL;
    free(agent->folder);
    free(agent->name);
    free(agent->hello.bytes);
    pthread_mutex_destroy(&agent->guest.lock);
    pthread_cond_destroy(&agent->left);
    free(agent);
}
