/* compat_moves.h -- a frame that waits gets another code object, the place in
 * it, and its locals in the order that this one has them in. How frames are
 * laid out, and when all of a frame is in memory, differs between versions.
 *
 * A frame has the room that its code says (mf_compat_moves_room): never less,
 * so it is never given code that says more. Whether a place means the same in
 * both is for others to know.
 */
#ifndef MF_COMPAT_MOVES_H
#define MF_COMPAT_MOVES_H

#include "../engine.h"

/* Where a frame waits. Borrowed; true while the GIL is held. */
struct mf_compat_place {
    void *frame;
    PyObject *owner;      /* a generator (coroutine ...); NULL: a thread's */
    PyCodeObject *code;
    PyObject *func;       /* or NULL */
    int unit;             /* the code unit that it stands at */
    int depth;            /* of its stack */
    bool begun;
    bool still;           /* nothing of it is in registers of C code */
};

/* What a generator, a coroutine or an asynchronous generator that stands
 * still goes on with. false: it is none, or it runs, or has ended. */
bool mf_compat_moves_suspended(PyObject *gen, struct mf_compat_place *place);
/* Calls `found` for the frames of all threads, innermost first. */
int mf_compat_moves_running(int (*found)(const struct mf_compat_place *place,
                                         void *arg),
                            void *arg);
/* The innermost frame of this thread. false: there is none. */
bool mf_compat_moves_innermost(struct mf_compat_place *place);
/* Is the local bound in the frame? */
bool mf_compat_moves_bound(const struct mf_compat_place *place, int local);
/* It has a cell: how many others hold that, besides the frame? */
Py_ssize_t mf_compat_moves_cell_holders(const struct mf_compat_place *place,
                                        int local);
/* How often a closure has the cell of this local. */
int mf_compat_moves_count_cell(const struct mf_compat_place *place, int local,
                               PyObject *closure);
/* Is the value of local `by` a function that nobody but the frame holds, and
 * is it one of these others, once? */
bool mf_compat_moves_captures(const struct mf_compat_place *place, int by,
                              int local);
/* Does a just-in-time compiler go on in its own code whatever a frame says? */
bool mf_compat_moves_jit(void);
/* Can a frame be moved from inside a callback for the line that it comes to
 * (3.12+)? */
bool mf_compat_can_move_at_line(void);

/* How many words a frame of this code has. grow: it is to say that many (not
 * fewer) from now on; for a code object that nobody has run yet. */
int mf_compat_moves_room(PyCodeObject *code);
void mf_compat_moves_grow(PyCodeObject *code, int room);
/* The innermost frame of this thread is about to get this code, whatever room
 * that says: a frame that ends where its thread's stack ends is made longer or
 * shorter, a generator's cannot be. false: the code does not fit. */
bool mf_compat_moves_make_room(const struct mf_compat_place *place,
                               PyCodeObject *code);
/* Room to be moved to code that needs somewhat more, for what can wait for
 * long: generators and the like, loops. The code itself, or all that is nested
 * in a module's code which is about to run; what has been run already is left
 * alone. */
void mf_compat_moves_spare(PyCodeObject *code);
void mf_compat_moves_widen(PyCodeObject *module_code);

struct mf_compat_move {
    struct mf_compat_place from;
    PyCodeObject *code;   /* strong */
    int unit;
    int by_arg;           /* added to the distance at which it goes on */
    int *slots;           /* per local of code: the old number, or -1 */
    int *across;          /* the same for locals that get a cell, or are
                             taken out of theirs: never in slots, too */
    PyObject **cells;     /* per local of code: strong, for cells without an
                             old number; or NULL */
    void *image;          /* the frame as it was */
    int image_words;
    PyObject *old_code;   /* strong once applied */
    bool applied;
};

/* Memory for all that apply needs. from, code, unit and by_arg are set; slots
 * and across are copied, cells are the caller's to make. 0 / -1. */
int mf_compat_moves_prepare(struct mf_compat_move *move, const int *slots,
                            const int *across);
/* The frame is found as it was: same place, same depth. Nothing can fail. */
bool mf_compat_moves_holds(const struct mf_compat_move *move);
void mf_compat_moves_apply(struct mf_compat_move *move);
void mf_compat_moves_back(struct mf_compat_move *move);
/* Drops what the frame had and has not any more. */
void mf_compat_moves_clear(struct mf_compat_move *move);

#endif
