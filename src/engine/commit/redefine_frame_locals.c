/* redefine_frame_locals.c -- owns what each local of the new code begins with.
 * In: a frame at a place that both sides have. Out: the move, ready to be
 * applied; or none.
 *
 * Locals are paired by name; whether it matters that one has no value, or has
 * gone, is decided by what the code reads from there on.
 */
#include "../ground/fault.h"
#include "redefine_frame_parts.h"

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

/* Does the new code read the function that this old local holds? */
static int
is_read(const struct mf_frame_spot *l, int old)
{
    int i = mf_compat_instrs_local_at(
        l->map->new_code, mf_compat_instrs_local(l->map->old_code, old));
    return i == MF_INSTR_NONE ? 0 : reads(l, true, i);
}

/* Functions that hold the cell now, and will not when they are redefined. */
static Py_ssize_t
count_losing(const struct mf_frame_spot *l, int old)
{
    size_t at = 0;
    void *func;
    uintptr_t newer;
    Py_ssize_t count = 0;
    while (l->functions != NULL &&
           mf_map_next(l->functions, &at, &func, &newer)) {
        PyObject *closure = ((PyFunctionObject *)func)->func_closure;
        PyObject *after = ((PyFunctionObject *)newer)->func_closure;
        count += closure != NULL && Py_REFCNT(closure) == 1 &&
                 mf_compat_moves_count_cell(l->place, old, closure) == 1 &&
                 (after == NULL ||
                  mf_compat_moves_count_cell(l->place, old, after) == 0);
    }
    return count;
}

/* Is the cell only the frame's, but for functions that it has made for itself
 * and that the new code does not use? 1 / 0 / -1. */
static int
owns_cell(const struct mf_frame_spot *l, int old)
{
    PyCodeObject *code = l->map->old_code;
    Py_ssize_t others = mf_compat_moves_cell_holders(l->place, old) -
                        count_losing(l, old);
    for (int j = 0; others > 0 && j < code->co_nlocalsplus; j++) {
        if (mf_compat_instrs_local_kind(code, j) == MF_LOCAL_PLAIN &&
            mf_compat_moves_captures(l->place, j, old)) {
            int rc = is_read(l, j);
            if (rc != 0) {
                return rc < 0 ? -1 : 0;
            }
            others--;
        }
    }
    return others == 0;
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
        int owns = kind != MF_LOCAL_PLAIN ? 1 : owns_cell(l, old);
        if (kind == MF_LOCAL_FREE || old_kind == MF_LOCAL_FREE || owns != 1) {
            return owns < 0 ? -1 : 0; /* others see what it is set to */
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

/* --- the move ------------------------------------------------------------ */

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
