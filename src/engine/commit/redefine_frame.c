/* redefine_frame.c -- owns what is moved. In: functions about to be redefined
 * and the texts of both sides. Out: frames that go on in the new code.
 *
 * What each local of the new code begins with is decided by name; whether it
 * matters that one has no value, by what the code reads from there on.
 */
#include "redefine_frame_parts.h"

#include "../ground/compat.h"
#include "../ground/compat_calls.h"
#include "../ground/fault.h"
#include "../heap/frames.h"
#include "../heap/heap.h"

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

/* Several old codes that become one would need one room. */
static bool
is_only_way(const struct mf_moves *moves, const struct mf_frame_map *map)
{
    for (size_t i = 0; i < moves->maps.len; i++) {
        const struct mf_frame_map *other = moves->maps.items[i];
        if (other != map && other->new_code == map->new_code) {
            return false;
        }
    }
    return true;
}

/* A generator takes what needs no more; a thread's frame exactly what it has,
 * since what is called from it begins behind it. */
static bool
fits(const struct mf_frame_map *map, bool of_thread)
{
    int have = mf_compat_moves_room(map->old_code);
    int need = mf_compat_moves_room(map->new_code);
    return need == have || (need < have && (!of_thread || map->grows));
}

/* The map of a frame's code to its function's new one. NULL without an
 * exception: there is none. */
static struct mf_frame_map *
map_for(struct mf_moves *moves, struct mf_plan *plan,
        const struct mf_compat_place *place)
{
    PyFunctionObject *func = mf_map_get(&moves->functions, place->func);
    uintptr_t *at = mf_map_find(&moves->codes, place->code);
    if (func == NULL || at == NULL ||
        ((PyFunctionObject *)place->func)->func_code !=
            (PyObject *)place->code) {
        return NULL;
    }
    if (*at == 0) {
        struct mf_frame_map *map = mf_alloc(sizeof(*map));
        if (map == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        memset(map, 0, sizeof(*map));
        map->old_code = (PyCodeObject *)Py_NewRef((PyObject *)place->code);
        map->new_code = (PyCodeObject *)Py_NewRef(func->func_code);
        if (mf_vec_push(&moves->maps, map) < 0) {
            mf_frame_map_free(map);
            return NULL;
        }
        *at = moves->maps.len;
        if (mf_frame_map_read(map, plan) < 0) {
            return NULL;
        }
        map->usable = map->usable && is_only_way(moves, map);
        if (map->usable) {
            int begun = moves->grows ? 0 : has_frames(map->new_code);
            if (begun < 0 && PyErr_Occurred()) {
                return NULL;
            }
            map->grows = begun == 0;
        }
    }
    struct mf_frame_map *map = moves->maps.items[*at - 1];
    return map->usable && (PyObject *)map->new_code == func->func_code ? map
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
    spot->new_at = mf_frame_map_instr(map, i);
    if (spot->new_at < 0) {
        return spot->new_at == -2 ? -1 : 0;
    }
    int depth = mf_compat_instrs_depth_in(a, i);
    return depth >= 0 && (!place->still || depth == place->depth) &&
           mf_compat_instrs_depth_in(b, spot->new_at) == depth;
}

/* --- locals -------------------------------------------------------------- */

static int
reads(const struct mf_frame_spot *l, bool newer, int local)
{
    const struct mf_instrs *instrs =
        newer ? &l->map->new_side.instrs : &l->map->old_side.instrs;
    int at = newer ? l->new_at : l->old_at;
    return l->before ? mf_compat_instrs_reads_from(instrs, at, local)
                     : mf_compat_instrs_reads_after(instrs, at, local);
}

/* What the new local i is: *slot an old number or MF_INSTR_NONE; *across, if
 * only one of them has a cell. 1: it has its place; 0; -1. */
static int
place_local(const struct mf_frame_spot *l, int i, int *slot, int *across)
{
    PyCodeObject *old_code = l->map->old_code, *code = l->map->new_code;
    int kind = mf_compat_instrs_local_kind(code, i);
    int old = mf_compat_instrs_local_at(old_code,
                                        mf_compat_instrs_local(code, i));
    *slot = old;
    *across = MF_INSTR_NONE;
    if (old == MF_INSTR_NONE) {
        int rc = kind == MF_LOCAL_FREE ? l->closure == NULL
                                       : reads(l, true, i);
        return rc < 0 ? -1 : rc == 0;
    }
    bool bound = mf_compat_moves_bound(l->place, old);
    int old_kind = mf_compat_instrs_local_kind(old_code, old);
    if ((old_kind == MF_LOCAL_PLAIN) != (kind == MF_LOCAL_PLAIN)) {
        *slot = MF_INSTR_NONE;
        *across = old;
        if (kind == MF_LOCAL_FREE || old_kind == MF_LOCAL_FREE ||
            (kind == MF_LOCAL_PLAIN &&
             !mf_compat_moves_owns_cell(l->place, old))) {
            return 0; /* others see what it is set to */
        }
    }
    if (bound) {
        return 1;
    }
    int now = reads(l, true, i);
    int before = now == 1 ? reads(l, false, old) : 0;
    return now < 0 || before < 0 ? -1 : now == 0 || before == 1;
}

/* Old locals that have gone: would they have been read? 1: all have their
 * place; 0; -1. */
static int
check_gone(const struct mf_frame_spot *l)
{
    PyCodeObject *code = l->map->old_code;
    for (int i = 0; i < code->co_nlocalsplus; i++) {
        if (mf_compat_instrs_local_kind(code, i) == MF_LOCAL_FREE ||
            !mf_compat_moves_bound(l->place, i) ||
            mf_compat_instrs_local_at(l->map->new_code,
                                      mf_compat_instrs_local(code, i)) !=
                MF_INSTR_NONE) {
            continue;
        }
        int rc = reads(l, false, i);
        if (rc != 0) {
            return rc < 0 ? -1 : 0;
        }
    }
    return 1;
}

static int
place_locals(const struct mf_frame_spot *l, int *slots, int *across)
{
    for (int i = 0; i < l->map->new_code->co_nlocalsplus; i++) {
        int rc = place_local(l, i, &slots[i], &across[i]);
        if (rc != 1) {
            return rc;
        }
    }
    return check_gone(l);
}

/* Cells that the frame has not: of the closure, or new ones. */
static int
make_cells(struct mf_compat_move *move, PyObject *closure)
{
    PyCodeObject *code = move->code;
    int first = code->co_nlocalsplus - PyCode_GetNumFree(code);
    for (int i = 0; i < code->co_nlocalsplus; i++) {
        int kind = mf_compat_instrs_local_kind(code, i);
        if (move->slots[i] != MF_INSTR_NONE || kind == MF_LOCAL_PLAIN) {
            continue;
        }
        move->cells[i] =
            kind == MF_LOCAL_CELL
                ? PyCell_New(NULL)
                : Py_NewRef(PyTuple_GET_ITEM(closure,
                                             i - first));
        if (move->cells[i] == NULL) {
            return -1;
        }
    }
    return 0;
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

static int
make_move(const struct mf_frame_spot *spot, const int *slots,
          const int *across, struct mf_compat_move **made)
{
    const struct mf_instr *from =
        &spot->map->old_side.instrs.items[spot->old_at];
    const struct mf_instr *to =
        &spot->map->new_side.instrs.items[spot->new_at];
    struct mf_compat_move *move = mf_alloc(sizeof(*move));
    if (move == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *move = (struct mf_compat_move){
        .from = *spot->place,
        .code = (PyCodeObject *)Py_NewRef((PyObject *)spot->map->new_code),
        .unit = to->at + (spot->place->unit - from->at),
        .by_arg = !spot->before && mf_compat_instrs_returns_by_arg(from)
                      ? (int)to->arg - (int)from->arg
                      : 0,
    };
    if (mf_compat_moves_prepare(move, slots, across) < 0 ||
        make_cells(move, spot->closure) < 0) {
        mf_compat_moves_clear(move);
        mf_free(move);
        return -1;
    }
    *made = move;
    return 0;
}

int
mf_frame_spot_move(const struct mf_frame_spot *spot,
                   struct mf_compat_move **made)
{
    size_t count = (size_t)spot->map->new_code->co_nlocalsplus + 1;
    int *slots = mf_alloc(2 * count * sizeof(*slots));
    *made = NULL;
    if (slots == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    int rc = place_locals(spot, slots, slots + count);
    rc = rc == 1 ? make_move(spot, slots, slots + count, made) : rc;
    mf_free(slots);
    return rc;
}

static void
free_move(struct mf_compat_move *move)
{
    mf_compat_moves_clear(move);
    mf_free(move);
}

/* Moves it or not; -1: error. */
static int
try_place(struct mf_moves *moves, struct mf_plan *plan,
          const struct mf_compat_place *place)
{
    bool later = !place->still;
    if (later && !mf_compat_can_move_at_line()) {
        return 0;
    }
    struct mf_frame_map *map = map_for(moves, plan, place);
    if (map == NULL || !fits(map, place->owner == NULL)) {
        return PyErr_Occurred() ? -1 : 0;
    }
    struct mf_frame_spot spot = {.map = map, .place = place};
    struct mf_compat_place known = *place;
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
    spot.closure = func->func_closure;
    if (mf_frame_spot_move(&spot, &move) < 0 ||
        move == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    map->used = true;
    if (mf_map_put(&moves->roomy, map->new_code, 1) < 0) {
        free_move(move);
        return -1;
    }
    if (later) {
        map->wanted = true;
        free_move(move);
    }
    else if (mf_vec_push(&moves->moves, move) < 0) {
        free_move(move);
        return -1;
    }
    return mf_map_put(&moves->moved, place->frame, 1);
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
    int rc = mf_compat_moves_jit()
                 ? 0
                 : mf_compat_moves_running(on_running, &search);
    for (size_t i = 0; i < search.running.len; i++) {
        rc = rc == 0 ? try_place(moves, plan, search.running.items[i]) : rc;
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
    for (size_t i = 0; i < moves->maps.len; i++) {
        struct mf_frame_map *map = moves->maps.items[i];
        if (map->used && map->grows) {
            mf_compat_moves_grow(map->new_code,
                                 mf_compat_moves_room(map->old_code));
        }
    }
    size_t at = 0;
    void *func;
    uintptr_t newer;
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
        if (map != NULL && fits(map, true)) {
            map->used = map->wanted = true;
            return mf_map_put(&moves->roomy, map->new_code, 1);
        }
        return PyErr_Occurred() ? -1 : 0;
    }
    return 0;
}

int
mf_redefine_frame_prepare(struct mf_moves *moves, struct mf_plan *plan,
                          const struct mf_map *codes,
                          const struct mf_map *known, PyObject *armed)
{
    struct onward onward = {moves, plan};
    bool runs = false;
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
    int was_enabled = PyGC_Disable();
    rc = mf_frames_suspended(&moves->codes, known, &moves->suspended,
                                 &runs);
    for (size_t i = 0; rc == 0 && !moves->finish && i < moves->suspended.len; i++) {
        struct mf_compat_place place;
        if (mf_compat_moves_suspended(moves->suspended.items[i], &place)) {
            rc = try_place(moves, plan, &place);
        }
    }
    if (rc == 0 && runs && !moves->finish) {
        rc = try_running(moves, plan);
    }
    if (rc == 0 && armed != NULL && !moves->finish) {
        rc = mf_frame_lines_pending(armed, on_pending, &onward);
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
    mf_vec_clear_refs(&moves->suspended);
}
