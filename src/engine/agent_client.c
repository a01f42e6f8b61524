/* agent_client.c -- owns what comes from one client and what goes to it. In:
 * readable and writable descriptors. Out: whole lines; bytes sent. Who sends
 * too much, too slowly or something else than JSON, and who does not take its
 * answers, is told so and let go; nothing of that needs the GIL.
 */
#include "agent_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 64 << 10, DEAF_MS = 500, INVALID = -32600, REFUSED = -32003 };

#ifdef MSG_NOSIGNAL
#define SEND_FLAGS MSG_NOSIGNAL
#else
#define SEND_FLAGS 0 /* the thread has SIGPIPE blocked */
#endif

int
mf_agent_append(struct mf_agent_buffer *buffer, const char *bytes, size_t len)
{
    if (buffer->cap - buffer->len < len) {
        size_t cap = buffer->cap ? buffer->cap : 4096;
        while (cap - buffer->len < len) {
            cap *= 2;
        }
        char *grown = realloc(buffer->bytes, cap);
        if (grown == NULL) {
            return -1;
        }
        buffer->bytes = grown;
        buffer->cap = cap;
    }
    memcpy(buffer->bytes + buffer->len, bytes, len);
    buffer->len += len;
    return 0;
}

static void
buffer_clear(struct mf_agent_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct mf_agent_buffer){0};
}

void
mf_agent_client_drop(struct mf_agent_client *client)
{
    if (client->fd >= 0) {
        close(client->fd);
    }
    buffer_clear(&client->in);
    buffer_clear(&client->out);
    *client = (struct mf_agent_client){.fd = -1};
}

struct mf_agent_client *
mf_agent_client(struct mf_agent *agent, unsigned long id)
{
    for (int i = 0; i < MF_AGENT_CLIENTS; i++) {
        if (agent->clients[i].fd >= 0 && agent->clients[i].id == id) {
            return &agent->clients[i];
        }
    }
    return NULL;
}

/* ---- out --------------------------------------------------------------------- */

void
mf_agent_client_flush(struct mf_agent_client *client)
{
    while (client->sent < client->out.len) {
        ssize_t sent = send(client->fd, client->out.bytes + client->sent,
                            client->out.len - client->sent, SEND_FLAGS);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK) {
                mf_agent_client_drop(client);
            }
            return;
        }
        client->sent += (size_t)sent;
        client->since_out = mf_agent_now();
    }
    client->sent = client->out.len = 0;
    client->since_out = 0;
    if (client->out.cap > CHUNK) {
        buffer_clear(&client->out);
    }
    if (client->leaves) {
        mf_agent_client_drop(client);
    }
}

void
mf_agent_client_tell(struct mf_agent_client *client, const char *text,
                     size_t len)
{
    if (client->leaves) {
        return;
    }
    if (client->out.len - client->sent + len > MF_AGENT_OUT_MAX ||
        mf_agent_append(&client->out, text, len) < 0 ||
        mf_agent_append(&client->out, "\n", 1) < 0) {
        client->leaves = true;
        client->sent = client->out.len;
        return;
    }
    if (client->since_out == 0) {
        client->since_out = mf_agent_now();
    }
}

void
mf_agent_client_error(struct mf_agent_client *client, int code,
                      const char *text)
{
    char line[512];
    int len = snprintf(line, sizeof line,
                       "{\"jsonrpc\": \"2.0\", \"id\": null, \"error\": "
                       "{\"code\": %d, \"message\": \"%s\"}}",
                       code, text);
    mf_agent_client_tell(client, line, (size_t)len);
}

static void
cut_off(struct mf_agent_client *client, const char *text)
{
    mf_agent_client_error(client, INVALID, text);
    client->leaves = true;
    client->in.len = 0;
    client->since_in = 0;
}

/* ---- in ---------------------------------------------------------------------- */

static size_t
held(const struct mf_agent *agent)
{
    size_t all = 0;
    for (int i = 0; i < MF_AGENT_CLIENTS; i++) {
        all += agent->clients[i].in.len;
    }
    return all;
}

static bool
has_line(struct mf_agent_client *client)
{
    if (client->scanned < client->in.len &&
        memchr(client->in.bytes + client->scanned, '\n',
               client->in.len - client->scanned) == NULL) {
        client->scanned = client->in.len;
    }
    return client->scanned < client->in.len;
}

/* What begins like no JSON-RPC line is not worth an interpreter's time. */
static void
look_at(struct mf_agent *agent, struct mf_agent_client *client)
{
    size_t at = 0;
    while (at < client->in.len && strchr(" \t\r\n", client->in.bytes[at]) &&
           client->in.bytes[at] != '\0') {
        at++;
    }
    memmove(client->in.bytes, client->in.bytes + at, client->in.len - at);
    client->in.len -= at;
    client->scanned -= at < client->scanned ? at : client->scanned;
    if (client->in.len == 0) {
        client->since_in = 0;
    }
    else if (strchr("{[", client->in.bytes[0]) == NULL ||
             client->in.bytes[0] == '\0') {
        cut_off(client, "not JSON-RPC 2.0: a line is an object, or a list of "
                        "objects");
    }
    else if (has_line(client)) {
        client->since_in = 0;
    }
    else if (client->in.len > MF_AGENT_LINE_MAX) {
        cut_off(client, "the line is too long: 8 MiB at most");
    }
    else if (held(agent) > MF_AGENT_HELD_MAX) {
        cut_off(client, "too much is being sent at once");
    }
    else if (client->since_in == 0) {
        client->since_in = mf_agent_now();
    }
}

static void
receive(struct mf_agent *agent, struct mf_agent_client *client)
{
    char chunk[CHUNK];
    ssize_t got = recv(client->fd, chunk, sizeof chunk, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK ||
                    errno == EINTR)) {
        return;
    }
    if (got < 0) {
        mf_agent_client_drop(client);
        return;
    }
    if (got == 0) {
        client->ended = true; /* may still wait for its answers */
        return;
    }
    if (mf_agent_append(&client->in, chunk, (size_t)got) < 0) {
        cut_off(client, "the process has no memory for this");
        return;
    }
    look_at(agent, client);
}

char *
mf_agent_client_line(struct mf_agent_client *client, size_t *len)
{
    if (client->leaves || !has_line(client)) {
        return NULL;
    }
    char *end = memchr(client->in.bytes + client->scanned, '\n',
                       client->in.len - client->scanned);
    *len = (size_t)(end - client->in.bytes);
    char *line = malloc(*len + 1);
    if (line == NULL) {
        cut_off(client, "the process has no memory for this");
        return NULL;
    }
    memcpy(line, client->in.bytes, *len + 1);
    client->in.len -= *len + 1;
    memmove(client->in.bytes, end + 1, client->in.len);
    client->scanned = 0;
    if (client->in.len == 0 && client->in.cap > CHUNK) {
        buffer_clear(&client->in);
    }
    return line;
}

/* ---- one client's turn --------------------------------------------------------- */

short
mf_agent_client_events(struct mf_agent_client *client, int64_t *until)
{
    short events = 0;
    int64_t slow = client->since_out ? client->since_out : client->since_in;
    if (slow != 0 && slow + MF_AGENT_SLOW_MS < *until) {
        *until = slow + MF_AGENT_SLOW_MS;
    }
    /* who has a whole line waiting is not read on */
    if (!client->ended && !client->leaves && !has_line(client)) {
        events |= POLLIN;
    }
    if (client->sent < client->out.len || client->leaves) {
        events |= POLLOUT;
    }
    return events;
}

void
mf_agent_client_serve(struct mf_agent *agent, struct mf_agent_client *client,
                      short revents)
{
    int64_t now = mf_agent_now();
    if (revents & POLLIN && !client->ended && !client->leaves) {
        receive(agent, client);
    }
    if (client->fd >= 0 && client->since_in != 0 &&
        now - client->since_in >= MF_AGENT_SLOW_MS) {
        cut_off(client, "the line did not end in time");
    }
    if (client->fd >= 0 && !client->leaves && client->in.len > 0) {
        look_at(agent, client);
    }
    if (client->fd >= 0 && (client->sent < client->out.len || client->leaves)) {
        mf_agent_client_flush(client);
    }
    if (client->fd < 0) {
        return;
    }
    bool deaf = client->since_out != 0 &&
                now - client->since_out >= MF_AGENT_SLOW_MS;
    bool through = client->ended && !has_line(client) &&
                   client->sent == client->out.len &&
                   !mf_agent_request_is_of(agent, client->id);
    if (deaf || through || revents & (POLLHUP | POLLERR | POLLNVAL)) {
        mf_agent_client_drop(client);
    }
}

/* ---- who comes ------------------------------------------------------------------ */

static bool
is_of_this_user(int fd)
{
#ifdef SO_PEERCRED
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
        return false;
    }
    return peer.uid == geteuid() || peer.uid == 0;
#else
    uid_t user;
    gid_t group;
    return getpeereid(fd, &user, &group) == 0 &&
           (user == geteuid() || user == 0);
#endif
}

static void
take_in(struct mf_agent *agent, int fd)
{
    struct mf_agent_client stranger = {.fd = fd}, *client = NULL;
    for (int i = 0; i < MF_AGENT_CLIENTS && client == NULL; i++) {
        client = agent->clients[i].fd < 0 ? &agent->clients[i] : NULL;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (client == NULL || !is_of_this_user(fd)) {
        mf_agent_client_error(&stranger, REFUSED,
                              client == NULL ? "too many clients"
                                             : "another user's process");
        stranger.leaves = true;
        mf_agent_client_flush(&stranger);
        mf_agent_client_drop(&stranger);
        return;
    }
    *client = (struct mf_agent_client){.fd = fd, .id = ++agent->last_id};
    mf_agent_client_tell(client, agent->hello.bytes, agent->hello.len);
    mf_agent_client_flush(client);
}

void
mf_agent_accept(struct mf_agent *agent)
{
    for (int i = 0; i < MF_AGENT_CLIENTS; i++) {
        int fd = accept(agent->listener, NULL, NULL);
        if (fd >= 0) {
            take_in(agent, fd);
        }
        else if (errno != EINTR && errno != ECONNABORTED) {
            /* else the descriptors are used up: not at once again */
            agent->deaf_until = errno == EAGAIN || errno == EWOULDBLOCK
                                    ? 0
                                    : mf_agent_now() + DEAF_MS;
            return;
        }
    }
}
