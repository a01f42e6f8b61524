/* update_stragglers.c -- owns who will run code that an update replaces. In: an
 * update that is prepared. Out: frames to be moved, entries or reasons for the
 * others by the rule for stragglers, code that the update is to wait for.
 */
#include "update.h"

#include "commit/redefine_frame_line.h"
#include "commit/redefine_older.h"
#include "heap/frames.h"

static int
wait_for(struct mf_update *update, PyCodeObject *code)
{
    if (update->waits_for == NULL &&
        (update->waits_for = PyList_New(0)) == NULL) {
        return -1;
    }
    return PyList_Append(update->waits_for, (PyObject *)code);
}

static int
on_straggler(PyCodeObject *code, int line, PyObject *kind,
             unsigned long thread_id, int frames, void *arg)
{
    struct mf_update *update = arg;
    enum mf_stragglers rule = update->state->stragglers;
    PyObject *text = PyUnicode_FromFormat(
        "%U still runs its old code: %d %U%s", code->co_qualname, frames,
        kind, frames == 1 ? "" : "s");
    (void)thread_id;
    int rc = text ? mf_report_add(&update->report, 501, '=', NULL,
                                  code->co_qualname, code->co_filename, line,
                                  "%U", text)
                  : -1;
    if (rc == 0 && (rule == MF_STRAGGLERS_REJECT ||
                    rule == MF_STRAGGLERS_WAIT)) {
        bool waits = rule == MF_STRAGGLERS_WAIT;
        rc = mf_report_add(&update->report, waits ? 431 : 430, '=', NULL,
                           code->co_qualname, code->co_filename, line,
                           waits ? "%U: the update waits until it has ended"
                                 : "%U, and the rule for stragglers is reject",
                           text);
        rc = rc == 0 && waits ? wait_for(update, code) : rc;
    }
    Py_XDECREF(text);
    return rc;
}

/* Code that the update replaces, and how many references to it are known. */
static int
list_old_codes(struct mf_update *update, struct mf_map *codes,
               struct mf_map *known)
{
    for (size_t i = 0; i < update->plan.targets.len; i++) {
        struct mf_target *target = update->plan.targets.items[i];
        size_t at = 0;
        void *code;
        uintptr_t value;
        while (mf_map_next(&target->exchange, &at, &code, &value)) {
            /* our list or the constants around it, and the plan */
            if (mf_map_put(codes, code, 1) < 0 ||
                mf_map_put(known, code, 2) < 0) {
                return -1;
            }
        }
    }
    for (size_t i = 0; i < update->match.codes_of.len; i++) {
        PyObject *func = update->match.codes_of.items[i];
        uintptr_t *count = mf_map_find(known, PyFunction_GET_CODE(func));
        if (count != NULL) {
            *count += 1;
        }
    }
    return 0;
}

/* Frames in these codes that can be moved will be; nothing of the program
 * runs between this and apply. */
static int
prepare_frames(struct mf_update *update, const struct mf_map *codes,
               const struct mf_map *known)
{
    struct mf_moves *moves = &update->commit.moves;
    for (size_t i = 0; i < update->commit.n_exchanges; i++) {
        struct mf_exchange *e = &update->commit.exchanges[i];
        if (mf_redefine_frame_note(moves, e->old_func, e->new_func) < 0) {
            return -1;
        }
    }
    moves->grows = !update->staged;
    moves->finish = update->state->stragglers == MF_STRAGGLERS_FINISH;
    moves->state = update->state;
    moves->older = update->state->older;
    if (mf_redefine_frame_prepare(moves, &update->plan, codes, known,
                                  update->state->armed) < 0 ||
        mf_older_note(update->state, &update->plan, moves) < 0 ||
        mf_redefine_frame_ready(moves, &update->state->armed) < 0) {
        return -1;
    }
    struct mf_undo *undo = &update->commit.undo;
    return mf_undo_reserve(undo, undo->cap + moves->moves.len);
}

/* Frames that earlier updates have left, in the functions of this one. */
static int
add_again(struct mf_map *codes, const struct mf_map *again)
{
    size_t at = 0;
    void *code;
    uintptr_t value;
    int rc = 0;
    while (rc == 0 && mf_map_next(again, &at, &code, &value)) {
        rc = mf_map_put(codes, code, 1);
    }
    return rc;
}

int
mf_update_find_stragglers(struct mf_update *update)
{
    struct mf_map codes = {0}, known = {0};
    struct mf_moves *moves = &update->commit.moves;
    struct mf_frames_beyond beyond = {&known, &moves->suspended,
                                      &moves->moved};
    int rc = list_old_codes(update, &codes, &known);
    if (rc == 0 && (codes.used > 0 || mf_older_any(update->state->older))) {
        rc = prepare_frames(update, &codes, &known) < 0 ||
                     add_again(&codes, &moves->again) < 0 ||
                     mf_frames_stragglers_beyond(&codes, &beyond,
                                                 on_straggler, update) < 0
                 ? -1
                 : 0;
    }
    mf_map_clear(&codes);
    mf_map_clear(&known);
    return rc < 0 ? -1
                  : mf_plan_report_main(&update->plan, &update->report,
                                        update->state->stragglers ==
                                            MF_STRAGGLERS_REJECT);
}
