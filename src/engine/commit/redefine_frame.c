/* redefine_frame.c -- owns what is moved. In: functions about to be redefined
 * and the texts of both sides. Out: frames that go on in the new code.
 */
#include "redefine_frame_parts.h"

#include "../ground/compat.h"
#include "../ground/compat_calls.h"
#include "../ground/fault.h"
#include "../heap/frames.h"
#include "../heap/heap.h"
#include "redefine_older.h"

/* --- maps ---------------------------------------------------------------- */

static int
is_of(const struct mf_compat_place *place, void *code)
{
    return (void *)place->code == code;
}

/* Has a frame of this code begun, while staging? 1 / 0 / -1. */
static int
has_frames(PyCodeObject *code)
{
    struct mf_map codes = {0};
    struct mf_vec found = {0};
    bool runs;
    int rc = mf_map_put(&codes, code, 1) < 0 || mf_heap_busy() ||
                     mf_frames_suspended(&codes, NULL, &found, &runs) < 0
                 ? -1
                 : found.len > 0 || mf_compat_moves_running(is_of, code);
    mf_map_clear(&codes);
    mf_vec_clear_refs(&found);
    return rc;
}

/* The words that frames of the new code will have; *settled: a frame goes that
 * way already. */
static int
room_of(const struct mf_moves *moves, const struct mf_frame_map *map,
        bool *settled)
{
    const uintptr_t *room = mf_map_find(&moves->roomy, map->new_code);
    *settled = room != NULL;
    return settled[0] ? (int)*room : mf_compat_moves_room(map->new_code);
}

/* A generator takes what needs no more; a thread's frame exactly what it has,
 * since what is called from it begins behind it. */
static bool
fits(const struct mf_moves *moves, const struct mf_frame_map *map,
     bool of_thread)
{
    bool settled;
    int have = mf_compat_moves_room(map->old_code);
    int need = room_of(moves, map, &settled);
    return need == have ||
           (need < have && (!of_thread || (map->grows && !settled)));
}

/* A frame goes this way, or may at another time: new code that nobody has run
 * will have the room that the frame has. */
static int
settle(struct mf_moves *moves, const struct mf_frame_map *map)
{
    bool settled;
    int have = mf_compat_moves_room(map->old_code);
    int need = room_of(moves, map, &settled);
    return settled ? 0
                   : mf_map_put(&moves->roomy, map->new_code,
                                (uintptr_t)(map->grows && need < have
                                                ? have
                                                : need));
}

static struct mf_diff *
diff_of(struct mf_plan *plan, PyCodeObject *old_code)
{
    for (size_t i = 0; plan != NULL && i < plan->targets.len; i++) {
        struct mf_target *target = plan->targets.items[i];
        if (target->change->kind == MF_CHANGE_EDITED &&
            mf_map_has(&target->exchange, old_code)) {
            return &target->change->diff;
        }
    }
    return NULL;
}

static int
read_map(struct mf_moves *moves, struct mf_plan *plan,
         struct mf_frame_map *map)
{
    struct mf_diff *diff = diff_of(plan, map->old_code);
    if (diff != NULL) {
        return diff->whole ? 0
                           : mf_frame_map_read(map, &diff->old_of,
                                               &diff->new_of);
    }
    struct mf_older_texts texts;
    int rc = mf_older_texts(&texts, moves, plan, map);
    if (rc == 1) {
        rc = mf_frame_map_read(map, texts.old_of, texts.new_of);
    }
    mf_older_texts_clear(&texts);
    return rc;
}

/* Kept, since it will be asked for again. */
static struct mf_frame_map *
kept_map(const struct mf_older_code *entry, PyObject *new_code)
{
    struct mf_frame_map *map = entry != NULL ? entry->map : NULL;
    if (map == NULL || (PyObject *)map->new_code != new_code) {
        return NULL;
    }
    map->refs++;
    map->wanted = map->exchanged = map->grows = false;
    return map;
}

static struct mf_frame_map *
make_map(struct mf_moves *moves, struct mf_plan *plan, PyCodeObject *code,
         PyFunctionObject *newer, bool exchanged)
{
    struct mf_older_code *entry = mf_older_of(moves->older, code);
    struct mf_frame_map *map = kept_map(entry, newer->func_code);
    bool is_new = map == NULL;
    if (is_new) {
        map = mf_frame_map_new(code, (PyCodeObject *)newer->func_code);
    }
    if (map == NULL || mf_vec_push(&moves->maps, map) < 0) {
        mf_frame_map_free(map);
        return NULL;
    }
    map->exchanged = exchanged;
    if (is_new && read_map(moves, plan, map) < 0) {
        return NULL;
    }
    if (is_new && entry != NULL) {
        mf_frame_map_free(entry->map);
        entry->map = map;
        map->refs++;
    }
    if (map->usable && exchanged) {
        int begun = moves->grows ? 0 : has_frames(map->new_code);
        if (begun < 0 && PyErr_Occurred()) {
            return NULL;
        }
        map->grows = begun == 0;
    }
    return map;
}

/* The map of a frame's code to its function's new one: of the update under
 * way, or, where the frame has missed others, what the function has already.
 * NULL without an exception: there is none. */
static struct mf_frame_map *
map_for(struct mf_moves *moves, struct mf_plan *plan,
        const struct mf_compat_place *place)
{
    PyFunctionObject *func = (PyFunctionObject *)place->func;
    PyFunctionObject *newer = mf_map_get(&moves->functions, place->func);
    uintptr_t *at = mf_map_find(&moves->codes, place->code);
    bool exchanged = newer != NULL;
    if (at == NULL || func == NULL || !PyFunction_Check(func)) {
        return NULL;
    }
    if (func->func_code != (PyObject *)place->code) {
        if (mf_older_of(moves->older, place->code) == NULL) {
            return NULL;
        }
        newer = newer != NULL ? newer : func;
    }
    if (newer == NULL) {
        return NULL;
    }
    if (*at == 0) {
        if (make_map(moves, plan, place->code, newer, exchanged) == NULL) {
            return NULL;
        }
        *at = moves->maps.len;
    }
    struct mf_frame_map *map = moves->maps.items[*at - 1];
    return map->usable && (PyObject *)map->new_code == newer->func_code
               ? map
               : NULL;
}

/* --- places -------------------------------------------------------------- */

/* Where a frame that waits at `place` is in both: 1, 0, -1. One that waits in
 * C code does not tell how deep its stack is. */
static int
find_spot(struct mf_frame_spot *spot)
{
    const struct mf_frame_map *map = spot->map;
    const struct mf_compat_place *place = spot->place;
    const struct mf_instrs *a = &map->old_side.instrs;
    const struct mf_instrs *b = &map->new_side.instrs;
    int i = mf_compat_instrs_find(a, place->unit);
    if (i == MF_INSTR_NONE || place->unit < a->items[i].at) {
        return 0;
    }
    spot->old_at = i;
    spot->before = !place->begun;
    if (!place->begun) {
        int from = mf_compat_instrs_begin(a), to = mf_compat_instrs_begin(b);
        spot->new_at = to - (from - i);
        return from >= 1 && to >= 1 && from - i >= 0 && from - i <= 1 &&
               place->depth == 0 &&
               mf_compat_calls_fit(map->old_code, map->new_code);
    }
    spot->new_at = mf_frame_map_wait(map, i);
    if (spot->new_at < 0) {
        return spot->new_at == -2 ? -1 : 0;
    }
    int depth = mf_compat_instrs_depth_in(a, i);
    return depth >= 0 && (!place->still || depth == place->depth) &&
           mf_compat_instrs_depth_in(b, spot->new_at) == depth;
}

/* --- preparing ----------------------------------------------------------- */

int
mf_redefine_frame_note(struct mf_moves *moves, PyFunctionObject *old_func,
                       PyFunctionObject *new_func)
{
    return old_func->func_code == new_func->func_code
               ? 0
               : mf_map_put(&moves->functions, old_func, (uintptr_t)new_func);
}

static void
free_move(struct mf_compat_move *move)
{
    mf_compat_moves_clear(move);
    mf_free(move);
}

/* It can be moved where it waits: now, or, while half of it is in registers of
 * C code, when it comes to its next line. 1; 0; -1. */
static int
move_spot(struct mf_moves *moves, struct mf_frame_map *map,
          const struct mf_compat_place *place)
{
    struct mf_frame_spot spot = {
        .map = map, .place = place, .functions = &moves->functions};
    struct mf_compat_place known = *place;
    bool later = !place->still;
    int rc = find_spot(&spot);
    if (rc != 1) {
        return rc;
    }
    if (later) { /* only to see whether it could */
        known.depth = 0;
        spot.place = &known;
    }
    PyFunctionObject *func = mf_map_get(&moves->functions, place->func);
    struct mf_compat_move *move;
    func = func != NULL ? func : (PyFunctionObject *)place->func;
    spot.closure = func->func_closure;
    if (mf_frame_spot_move(&spot, &move) < 0 ||
        move == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    if (later) {
        free_move(move);
    }
    else if (mf_vec_push(&moves->moves, move) < 0) {
        free_move(move);
        return -1;
    }
    return mf_map_put(&moves->moved, place->frame, 1) < 0 ? -1 : 1;
}

int
mf_redefine_frame_try(struct mf_moves *moves, struct mf_plan *plan,
                      const struct mf_compat_place *place)
{
    struct mf_frame_map *map = map_for(moves, plan, place);
    bool of_thread = place->owner == NULL;
    bool fit = map != NULL && fits(moves, map, of_thread);
    if (map == NULL || (!fit && !(of_thread && moves->at_line))) {
        return PyErr_Occurred() ? -1 : 0;
    }
    if (fit && settle(moves, map) < 0) {
        return -1;
    }
    bool now = place->still ? fit : moves->at_line;
    int rc = now ? move_spot(moves, map, place) : 0;
    if (rc >= 0 && moves->at_line && (rc == 0 || !place->still)) {
        map->wanted = true; /* it may come to a line where it can */
    }
    return rc < 0 ? -1 : 0;
}

struct search {
    struct mf_moves *moves;
    struct mf_plan *plan;
    struct mf_vec running; /* struct mf_compat_place *, owned */
};

static int
on_running(const struct mf_compat_place *place, void *arg)
{
    struct search *search = arg;
    if (!mf_map_has(&search->moves->codes, place->code)) {
        return 0;
    }
    struct mf_compat_place *copy = mf_alloc(sizeof(*copy));
    if (copy == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *copy = *place;
    if (mf_vec_push(&search->running, copy) < 0) {
        mf_free(copy);
        return -1;
    }
    return 0;
}

static int
try_running(struct mf_moves *moves, struct mf_plan *plan)
{
    struct search search = {moves, plan, {0}};
    int rc = moves->jit ? 0 : mf_compat_moves_running(on_running, &search);
    for (size_t i = 0; i < search.running.len; i++) {
        rc = rc == 0 ? mf_redefine_frame_try(moves, plan,
                                             search.running.items[i])
                     : rc;
        mf_free(search.running.items[i]);
    }
    mf_vec_clear(&search.running);
    return rc;
}

/* New code that nobody has run says what its frames will have: those that are
 * moved into it have what they had. */
static void
give_room(struct mf_moves *moves)
{
    size_t at = 0;
    void *func, *grown;
    uintptr_t newer, room;
    while (mf_map_next(&moves->roomy, &at, &grown, &room)) {
        mf_compat_moves_grow(grown, (int)room);
    }
    at = 0;
    while (moves->grows &&
           mf_map_next(&moves->functions, &at, &func, &newer)) {
        PyFunctionObject *new_func = (PyFunctionObject *)newer;
        PyCodeObject *code = (PyCodeObject *)new_func->func_code;
        if (!mf_map_has(&moves->roomy, code) &&
            mf_map_put(&moves->roomy, code, 1) == 0) {
            mf_compat_moves_spare(code);
        }
        PyErr_Clear(); /* no memory: no more room than it needs */
    }
}

struct onward {
    struct mf_moves *moves;
    struct mf_plan *plan;
};

/* Who is still on the way to this code is to go on to the new one. */
static int
on_pending(PyCodeObject *code, void *arg)
{
    struct onward *onward = arg;
    struct mf_moves *moves = onward->moves;
    size_t at = 0;
    void *func;
    uintptr_t newer;
    while (mf_map_next(&moves->functions, &at, &func, &newer)) {
        struct mf_compat_place place = {.code = code, .func = func};
        if (((PyFunctionObject *)func)->func_code != (PyObject *)code) {
            continue;
        }
        struct mf_frame_map *map = map_for(moves, onward->plan, &place);
        if (map != NULL && (moves->at_line || fits(moves, map, true))) {
            map->wanted = true;
            return fits(moves, map, true) ? settle(moves, map) : 0;
        }
        return PyErr_Occurred() ? -1 : 0;
    }
    return 0;
}

void
mf_redefine_frame_begin(struct mf_moves *moves, PyObject *armed)
{
    moves->jit = mf_compat_moves_jit();
    moves->at_line = !moves->jit && mf_compat_can_move_at_line() &&
                     mf_frame_lines_possible(armed);
}

int
mf_redefine_frame_prepare(struct mf_moves *moves, struct mf_plan *plan,
                          const struct mf_map *codes,
                          const struct mf_map *known, PyObject *armed)
{
    struct onward onward = {moves, plan};
    size_t at = 0;
    void *code;
    uintptr_t value;
    int rc = 0;
    while (rc == 0 && mf_map_next(codes, &at, &code, &value)) {
        rc = mf_map_put(&moves->codes, code, 0);
    }
    if (rc < 0) {
        return -1;
    }
    mf_redefine_frame_begin(moves, armed);
    int was_enabled = PyGC_Disable();
    rc = mf_frames_suspended(&moves->codes, known, &moves->suspended,
                             &moves->runs);
    for (size_t i = 0; rc == 0 && !moves->finish && i < moves->suspended.len; i++) {
        struct mf_compat_place place;
        if (mf_compat_moves_suspended(moves->suspended.items[i], &place)) {
            rc = mf_redefine_frame_try(moves, plan, &place);
        }
    }
    if (rc == 0 && moves->runs && !moves->finish) {
        rc = try_running(moves, plan);
    }
    if (rc == 0 && armed != NULL && !moves->finish) {
        rc = mf_frame_lines_pending(armed, on_pending, &onward);
    }
    if (rc == 0 && moves->older != NULL && !moves->finish) {
        rc = mf_older_try(moves, plan);
    }
    if (rc == 0) {
        give_room(moves);
    }
    if (was_enabled) {
        PyGC_Enable();
    }
    return rc;
}

/* --- applying ------------------------------------------------------------ */

static void
move_back(PyObject *Py_UNUSED(a), PyObject *Py_UNUSED(b), intptr_t move)
{
    mf_compat_moves_back((struct mf_compat_move *)move);
}

/* Threads run on between prepare and apply only if something lets them. */
static int
on_place(const struct mf_compat_place *place, void *arg)
{
    return place->frame == arg;
}

static bool
is_there(const struct mf_compat_move *move)
{
    struct mf_compat_place now;
    if (move->from.owner != NULL &&
        mf_compat_moves_suspended(move->from.owner, &now)) {
        return mf_compat_moves_holds(move);
    }
    return mf_compat_moves_running(on_place, move->from.frame) == 1 &&
           mf_compat_moves_holds(move);
}

int
mf_redefine_frame_apply(struct mf_moves *moves, struct mf_undo *undo)
{
    for (size_t i = 0; i < moves->moves.len; i++) {
        struct mf_compat_move *move = moves->moves.items[i];
        if (!is_there(move)) {
            PyErr_SetString(PyExc_RuntimeError,
                            "a frame is not where it was any more");
            return -1;
        }
        if (mf_fault_step() ||
            mf_undo_inverse(undo, move_back, NULL, NULL, (intptr_t)move) <
                0) {
            return -1;
        }
        mf_compat_moves_apply(move);
    }
    return 0;
}

void
mf_redefine_frame_apply_now(struct mf_moves *moves)
{
    for (size_t i = 0; i < moves->moves.len; i++) {
        struct mf_compat_move *move = moves->moves.items[i];
        if (is_there(move)) {
            mf_compat_moves_apply(move);
        }
    }
}

void
mf_redefine_frame_clear(struct mf_moves *moves)
{
    for (size_t i = 0; i < moves->moves.len; i++) {
        free_move(moves->moves.items[i]);
    }
    mf_vec_clear(&moves->moves);
    for (size_t i = 0; i < moves->maps.len; i++) {
        mf_frame_map_free(moves->maps.items[i]);
    }
    mf_vec_clear(&moves->maps);
    mf_map_clear(&moves->functions);
    mf_map_clear(&moves->codes);
    mf_map_clear(&moves->moved);
    mf_map_clear(&moves->roomy);
    mf_map_clear(&moves->again);
    mf_vec_clear_refs(&moves->suspended);
}
