/* redefine_frame_map.c -- owns the way from an instruction of old code to the
 * one of new code that means the same. In: both code objects and texts. Out:
 * an index.
 *
 * An instruction is found again by counting: the statement's instructions on
 * both sides are walked together up to it, and all of them do the same.
 */
#include "redefine_frame_parts.h"

#include "../ground/fault.h"

/* --- maps ---------------------------------------------------------------- */

static int
read_side(struct mf_frame_side *side, struct mf_compile_unit_of *of,
          PyCodeObject *code)
{
    if (mf_compat_instrs_read(&side->instrs, code) < 0 ||
        mf_redefine_places_read(&side->places, of, code) < 0) {
        return -1;
    }
    size_t len = (size_t)side->instrs.len + 1;
    side->statements = mf_alloc(len * sizeof(*side->statements));
    if (side->statements == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = 0; i < side->instrs.len; i++) {
        const struct mf_instr *instr = &side->instrs.items[i];
        side->statements[i] =
            instr->line > 0 ? mf_redefine_places_at(&side->places,
                                                    instr->line,
                                                    instr->column)
                            : MF_PLACE_NONE;
    }
    return 0;
}

static void
clear_side(struct mf_frame_side *side)
{
    mf_compat_instrs_clear(&side->instrs);
    mf_redefine_places_clear(&side->places);
    mf_free(side->statements);
}

void
mf_frame_map_free(struct mf_frame_map *map)
{
    if (map == NULL || --map->refs > 0) {
        return;
    }
    clear_side(&map->old_side);
    clear_side(&map->new_side);
    Py_XDECREF(map->old_code);
    Py_XDECREF(map->new_code);
    mf_free(map);
}

struct mf_frame_map *
mf_frame_map_new(PyCodeObject *old_code, PyCodeObject *new_code)
{
    struct mf_frame_map *map = mf_alloc(sizeof(*map));
    if (map == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    memset(map, 0, sizeof(*map));
    map->old_code = (PyCodeObject *)Py_NewRef((PyObject *)old_code);
    map->new_code = (PyCodeObject *)Py_NewRef((PyObject *)new_code);
    map->refs = 1;
    return map;
}

int
mf_frame_map_read(struct mf_frame_map *map,
                  struct mf_compile_unit_of *old_of,
                  struct mf_compile_unit_of *new_of)
{
    if (read_side(&map->old_side, old_of, map->old_code) == 0 &&
        read_side(&map->new_side, new_of, map->new_code) == 0 &&
        mf_redefine_places_pair(&map->old_side.places,
                                &map->new_side.places) == 0) {
        map->usable = true;
        return 0;
    }
    if (PyErr_ExceptionMatches(PyExc_MemoryError) ||
        PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        return -1;
    }
    PyErr_Clear();
    return 0;
}

/* --- places -------------------------------------------------------------- */

static int
same_const(PyObject *a, PyObject *b)
{
    return mf_diff_const_equal(a, b, MF_CODE_NESTED);
}

static int
next_of(const struct mf_frame_side *side, int statement, int i)
{
    while (i < side->instrs.len && side->statements[i] != statement) {
        i++;
    }
    return i;
}

bool
mf_frame_side_is_in(const struct mf_places *places, int outer, int inner)
{
    while (inner != MF_PLACE_NONE && inner != outer) {
        inner = places->items[inner].parent;
    }
    return inner == outer;
}

/* In a `with` statement, what comes behind its body ends it: there may be
 * several copies. */
static bool
is_before_body(const struct mf_frame_side *side, int statement, int i)
{
    for (int k = 0; k <= i; k++) {
        if (side->statements[k] != statement &&
            side->statements[k] != MF_PLACE_NONE &&
            mf_frame_side_is_in(&side->places, statement, side->statements[k])) {
            return false;
        }
    }
    return true;
}

/* The statement that the instruction belongs to, if it has a pair in which
 * places are told apart. */
static int
mapped_statement(const struct mf_frame_map *map, int i)
{
    int statement = map->old_side.statements[i];
    if (statement == MF_PLACE_NONE) {
        return MF_PLACE_NONE;
    }
    const struct mf_place *place = &map->old_side.places.items[statement];
    if (place->pair == MF_PLACE_NONE || place->twice ||
        map->new_side.places.items[place->pair].twice ||
        place->kind == MF_PLACE_MATCH ||
        (place->kind == MF_PLACE_WITH &&
         !is_before_body(&map->old_side, statement, i))) {
        return MF_PLACE_NONE;
    }
    return statement;
}

int
mf_frame_map_instr(const struct mf_frame_map *map, int i)
{
    int statement = mapped_statement(map, i);
    if (statement == MF_PLACE_NONE) {
        return MF_INSTR_NONE;
    }
    const struct mf_frame_side *a = &map->old_side, *b = &map->new_side;
    int pair = a->places.items[statement].pair;
    int k = next_of(a, statement, 0), m = next_of(b, pair, 0);
    while (k <= i && m < b->instrs.len) {
        int rc = mf_compat_instrs_same(&a->instrs, k, &b->instrs, m,
                                       same_const);
        if (rc != 1) {
            return rc < 0 ? -2 : MF_INSTR_NONE;
        }
        if (k == i) {
            return m;
        }
        k = next_of(a, statement, k + 1);
        m = next_of(b, pair, m + 1);
    }
    return MF_INSTR_NONE;
}

