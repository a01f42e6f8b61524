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

/* In a `with` statement, what comes behind its body ends it. */
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
 * places are told apart. *whole: by all of its instructions, since there are
 * two copies of some. */
static int
mapped_statement(const struct mf_frame_map *map, int i, bool *whole)
{
    int statement = map->old_side.statements[i];
    if (statement == MF_PLACE_NONE) {
        return MF_PLACE_NONE;
    }
    const struct mf_place *place = &map->old_side.places.items[statement];
    if (place->pair == MF_PLACE_NONE) {
        return MF_PLACE_NONE;
    }
    const struct mf_place *pair =
        &map->new_side.places.items[place->pair];
    bool at_end = place->kind == MF_PLACE_WITH &&
                  !is_before_body(&map->old_side, statement, i);
    *whole = place->copied || pair->copied || at_end;
    return place->twice || pair->twice || place->kind == MF_PLACE_MATCH ||
                   (at_end && (place->leaves || pair->leaves))
               ? MF_PLACE_NONE
               : statement;
}

/* Walks both statements together up to i, or, whole, to their ends: what is at
 * i on the new side; MF_INSTR_NONE: they differ; -2. */
static int
walk(const struct mf_frame_side *a, int statement,
     const struct mf_frame_side *b, int pair, int i, bool whole)
{
    int k = next_of(a, statement, 0), m = next_of(b, pair, 0);
    int found = MF_INSTR_NONE;
    while ((k <= i || whole) && k < a->instrs.len && m < b->instrs.len) {
        int rc = mf_compat_instrs_same(&a->instrs, k, &b->instrs, m,
                                       same_const);
        if (rc != 1) {
            return rc < 0 ? -2 : MF_INSTR_NONE;
        }
        found = k == i ? m : found;
        k = next_of(a, statement, k + 1);
        m = next_of(b, pair, m + 1);
    }
    return whole && (k < a->instrs.len || m < b->instrs.len) ? MF_INSTR_NONE
                                                             : found;
}

int
mf_frame_map_instr(const struct mf_frame_map *map, int i)
{
    bool whole = false;
    int statement = mapped_statement(map, i, &whole);
    return statement == MF_PLACE_NONE
               ? MF_INSTR_NONE
               : walk(&map->old_side, statement, &map->new_side,
                      map->old_side.places.items[statement].pair, i, whole);
}

/* --- edited statements --------------------------------------------------- */

int
mf_frame_first_of_body(const struct mf_places *places, int block)
{
    for (int i = 0; i < places->len; i++) {
        if (places->items[i].parent == block && places->items[i].leads) {
            return i;
        }
    }
    return MF_PLACE_NONE;
}

static bool
is_edited(const struct mf_places *places, int statement)
{
    const struct mf_place *place = &places->items[statement];
    return place->pair == MF_PLACE_NONE && place->kind == MF_PLACE_SIMPLE &&
           !place->twice && !place->copied;
}

/* Statements without a pair, in a row, and those between the same pairs on the
 * other side: the first ones and what is behind the last. false: the block
 * around them has no pair. */
struct gap {
    int old_first, old_end, new_first, new_end;
};

static bool
find_gap(const struct mf_frame_map *map, int statement, struct gap *gap)
{
    const struct mf_place *a = map->old_side.places.items;
    const struct mf_places *b = &map->new_side.places;
    int first = statement, end = statement;
    while (a[first].before != MF_PLACE_NONE &&
           a[a[first].before].pair == MF_PLACE_NONE) {
        first = a[first].before;
    }
    while (end != MF_PLACE_NONE && a[end].pair == MF_PLACE_NONE) {
        end = a[end].behind;
    }
    *gap = (struct gap){first, end, MF_PLACE_NONE,
                        end != MF_PLACE_NONE ? a[end].pair : MF_PLACE_NONE};
    if (a[first].before != MF_PLACE_NONE) {
        gap->new_first = b->items[a[a[first].before].pair].behind;
        return true;
    }
    int around = a[first].parent;
    if (!a[first].leads ||
        (around != MF_PLACE_NONE && a[around].pair == MF_PLACE_NONE)) {
        return false;
    }
    gap->new_first = mf_frame_first_of_body(
        b, around != MF_PLACE_NONE ? a[around].pair : MF_PLACE_NONE);
    return true;
}

/* The one statement on side b, from `first` on, that begins as the one on side
 * a does up to instruction i; *at: what is at i there. MF_PLACE_NONE: none, or
 * several; -2. */
static int
only_beginning(const struct mf_frame_side *a, int statement, int i,
               const struct mf_frame_side *b, int first, int end, int *at)
{
    int found = MF_PLACE_NONE;
    for (int s = first; s != MF_PLACE_NONE && s != end;
         s = b->places.items[s].behind) {
        int m = is_edited(&b->places, s) ? walk(a, statement, b, s, i, false)
                                         : MF_INSTR_NONE;
        if (m == -2 || (m >= 0 && found != MF_PLACE_NONE)) {
            return m == -2 ? -2 : MF_PLACE_NONE;
        }
        if (m >= 0) {
            found = s;
            *at = m;
        }
    }
    return found;
}

int
mf_frame_map_wait(const struct mf_frame_map *map, int i)
{
    const struct mf_frame_side *a = &map->old_side, *b = &map->new_side;
    int statement = a->statements[i];
    struct gap gap;
    if (statement == MF_PLACE_NONE || !is_edited(&a->places, statement)) {
        return mf_frame_map_instr(map, i);
    }
    if (!find_gap(map, statement, &gap)) {
        return MF_INSTR_NONE;
    }
    int m, back;
    int pair = only_beginning(a, statement, i, b, gap.new_first, gap.new_end,
                              &m);
    int again = pair >= 0 ? only_beginning(b, pair, m, a, gap.old_first,
                                           gap.old_end, &back)
                          : pair;
    return again == -2          ? -2
           : again == statement ? m
                                : MF_INSTR_NONE;
}
