/* agent.h -- control of a live process: a socket that the engine's thread
 * serves, and the way of a request from there to a place where it may run.
 *
 * Lines come in and go out; what they say is the package's business: its
 * handler is called for each, handler(line, waited_ms, client, here) ->
 * (answer or None, stay), one after the other. `here`: may what changes the
 * program run where it is called? If not, and the line asks for that, it
 * returns None alone and is called again where it may: on the main thread, or
 * in poll(), as the setting `safepoint` says. Those that wait for that keep
 * their order among themselves, and nobody else waiting: other clients' lines
 * are handled meanwhile, also while one of them runs at its safe point.
 *
 * No request runs on the engine's thread: it goes on to answer who asks, and
 * to cut off who is too slow, while a thread of the request's own does, or
 * waits for the GIL. There is none when nothing is asked.
 */
#ifndef MF_AGENT_H
#define MF_AGENT_H

#include "state.h"

/* What goes wrong is an OSError; its text says what about the folder. `hello`:
 * what each client is told first. Opens anew where it was open. */
int mf_agent_open(struct mf_state *state, const char *folder, const char *name,
                  PyObject *hello, PyObject *handler);
/* Nothing of the socket is left in the file system. Waits, without the GIL,
 * for a request that runs: a while, or in a subinterpreter until its end. */
void mf_agent_close(struct mf_state *state);
/* To a client: a line that it has not asked for. 1; 0: it is gone; -1. */
int mf_agent_send(struct mf_state *state, unsigned long client,
                  PyObject *line);
/* poll() of the program: what waits for it is done here. */
void mf_agent_poll(struct mf_state *state);
/* The socket's path, a new reference; None where there is none. */
PyObject *mf_agent_path(struct mf_state *state);
/* The state is about to go. */
void mf_agent_free(struct mf_state *state);

#endif
