/* agent_parts.h -- what the agent's rooms share. All of it is guarded by the
 * guest's lock, but for what a field says otherwise.
 */
#ifndef MF_AGENT_PARTS_H
#define MF_AGENT_PARTS_H

#include "agent.h"
#include "thread.h"

#include <sys/types.h>

enum {
    MF_AGENT_CLIENTS = 32,
    MF_AGENT_LINE_MAX = 8 << 20,    /* of one request */
    MF_AGENT_HELD_MAX = 32 << 20,   /* of all requests that are not whole */
    MF_AGENT_OUT_MAX = 64 << 20,    /* of answers that nobody reads */
    MF_AGENT_SLOW_MS = 10000,       /* to end a line, to take an answer */
    MF_AGENT_TELL_MS = 1000,        /* between two words of progress */
    MF_AGENT_BEGIN_MS = 60000       /* a request that has not begun by then */
};

struct mf_agent_buffer {
    char *bytes;
    size_t len, cap;
};

struct mf_agent_client {
    int fd;                  /* -1: no client */
    unsigned long id;
    struct mf_agent_buffer in, out;
    size_t sent;             /* of out */
    size_t scanned;          /* of in: no line ends there */
    int64_t since_in;        /* ms, when its unfinished line began; 0: none */
    int64_t since_out;       /* ms, when it last took something; 0: all sent */
    bool ended;              /* it sends no more */
    bool leaves;             /* is let go when all is sent */
};

enum mf_agent_progress {
    MF_AGENT_WAITING,        /* its thread waits for the GIL */
    MF_AGENT_PASSED,         /* wants another place than it is at */
    MF_AGENT_RUNNING,
    MF_AGENT_ENDED           /* answered or withdrawn */
};

struct mf_agent_request {
    struct mf_agent *agent;
    unsigned long client;
    char *line;
    size_t len;
    int64_t received, told;  /* ms */
    pthread_t thread;        /* that runs it */
    pid_t process;           /* in the child of a fork it is nobody's */
    enum mf_agent_progress progress;
    bool offered;            /* to the main thread */
    int holders;             /* the agent; who performs it; the main thread */
    struct mf_agent_request *next; /* in agent->aside */
};

struct mf_agent {
    struct mf_guest guest;   /* first: it is cast back */
    struct mf_state *state;
    PyInterpreterState *interp;
    PyObject *handler;       /* by the GIL */
    struct mf_agent_buffer hello;
    char *folder, *name;     /* by the GIL */
    int folder_fd, listener; /* -1: closed */
    pid_t process;
    int64_t deaf_until;      /* ms: no descriptor was left for a client */
    unsigned long last_id;
    int turn;                /* whose request is looked for first */
    struct mf_agent_client clients[MF_AGENT_CLIENTS];
    struct mf_agent_request *current; /* runs on a thread, or waits for one */
    struct mf_agent_request *aside;   /* wait for a safe point, in turn */
    int runners;             /* threads of requests */
    int blocked;             /* those that have not had the GIL yet: 0 or 1 */
    pthread_cond_t left;     /* one of them is gone */
};

int64_t mf_agent_now(void);

/* agent_client.c */
void mf_agent_accept(struct mf_agent *agent);
struct mf_agent_client *mf_agent_client(struct mf_agent *agent,
                                        unsigned long id);
/* Reads and writes what can be, and lets go who is through or too slow. */
void mf_agent_client_serve(struct mf_agent *agent,
                           struct mf_agent_client *client, short revents);
/* A line for a client; one that has no room left is let go. */
void mf_agent_client_tell(struct mf_agent_client *client, const char *text,
                          size_t len);
/* The same for an error, as JSON-RPC words it. */
void mf_agent_client_error(struct mf_agent_client *client, int code,
                           const char *text);
/* Sends what the socket takes now. */
void mf_agent_client_flush(struct mf_agent_client *client);
void mf_agent_client_drop(struct mf_agent_client *client);
/* Its first whole line, taken out; NULL: none. */
char *mf_agent_client_line(struct mf_agent_client *client, size_t *len);
/* What poll is asked for; *until: ms, when it is to be looked at again. */
short mf_agent_client_events(struct mf_agent_client *client, int64_t *until);
int mf_agent_append(struct mf_agent_buffer *buffer, const char *bytes,
                    size_t len);

/* agent_request.c */
/* Lets go what has come to nothing, and begins the next one. */
void mf_agent_request_next(struct mf_agent *agent);
/* What the time asks for: progress, the main thread. */
void mf_agent_request_tick(struct mf_agent *agent, int64_t *until);
/* Nobody waits for what has not begun. */
void mf_agent_request_withdraw(struct mf_agent *agent);
/* Is there one of this client? */
bool mf_agent_request_is_of(const struct mf_agent *agent,
                            unsigned long client);
void mf_agent_request_poll(struct mf_agent *agent);
/* Does one run on the calling thread? */
bool mf_agent_request_is_mine(const struct mf_agent *agent);

#endif
