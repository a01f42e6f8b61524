/* redefine_frame_line.c -- owns frames that are to be moved at a line. In: maps
 * of old code to new. Out: at a line event of the old code, its frame goes on
 * in the new one.
 *
 * At a line that begins a statement, the frame has just ended the one before
 * it, or has just entered the block: it goes on behind that one, or at the
 * block's beginning, on the new side. Otherwise it is moved if it comes to a
 * statement that is the same, as one that waits in it.
 */
#include "redefine_frame_line.h"

#include "../ground/compat.h"
#include "../ground/fault.h"
#include "redefine_frame_parts.h"

#define ARMED "midflight.armed"

struct armed {
    struct mf_vec maps; /* struct mf_frame_map *, owned */
    int tool;           /* our number in sys.monitoring; -1: none */
};

/* --- where it goes on ---------------------------------------------------- */

/* The first instruction of a statement and what is in it. */
static int
first_in(const struct mf_frame_side *side, int statement)
{
    for (int i = 0; i < side->instrs.len; i++) {
        if (side->statements[i] != MF_PLACE_NONE &&
            mf_frame_side_is_in(&side->places, statement,
                                side->statements[i])) {
            return i;
        }
    }
    return MF_INSTR_NONE;
}

/* The outermost statement that begins with this instruction. */
static int
begins(const struct mf_frame_side *side, int i)
{
    int found = MF_PLACE_NONE;
    for (int s = side->statements[i]; s != MF_PLACE_NONE;
         s = side->places.items[s].parent) {
        if (first_in(side, s) != i ||
            (found != MF_PLACE_NONE && side->places.items[s].loops)) {
            break;
        }
        found = s;
    }
    return found;
}

/* --- what was moved around ----------------------------------------------- */

/* How many statements without a pair stand next to this one, on one side of
 * it; *end: the one with a pair that comes then. */
static int
count_edited(const struct mf_places *places, int statement, bool behind,
             int *end)
{
    int count = -1, s = statement;
    do {
        const struct mf_place *place = &places->items[s];
        s = behind ? place->behind : place->before;
        count++;
    } while (s != MF_PLACE_NONE && places->items[s].pair == MF_PLACE_NONE);
    *end = s;
    return count;
}

/* Has the edit moved a statement from one side of this one, or of a block
 * around it, to the other? Then the frame would run that twice, or never. An
 * edited one is not known again: fewer on one side and more on the other side
 * look like it. */
static bool
in_order(const struct mf_frame_map *map, int statement)
{
    const struct mf_places *a = &map->old_side.places;
    const struct mf_places *b = &map->new_side.places;
    for (int s = statement; s != MF_PLACE_NONE; s = a->items[s].parent) {
        int pair = a->items[s].pair, more[2];
        if (pair == MF_PLACE_NONE) {
            return false;
        }
        for (int side = 0; side < 2; side++) {
            int end, new_end;
            more[side] = count_edited(b, pair, side, &new_end) -
                         count_edited(a, s, side, &end);
            if (new_end != (end != MF_PLACE_NONE ? a->items[end].pair
                                                 : MF_PLACE_NONE)) {
                return false;
            }
        }
        if ((more[0] < 0 && more[1] > 0) || (more[0] > 0 && more[1] < 0)) {
            return false;
        }
    }
    return true;
}

/* The statement that comes next on the new side, by what has come before on
 * the old one. */
static int
follows(const struct mf_frame_map *map, int statement)
{
    const struct mf_places *a = &map->old_side.places;
    const struct mf_places *b = &map->new_side.places;
    const struct mf_place *place = &a->items[statement];
    if (place->loops || place->twice || place->copied) {
        return MF_PLACE_NONE;
    }
    if (place->before != MF_PLACE_NONE) {
        const struct mf_place *before = &a->items[place->before];
        return before->kind == MF_PLACE_SIMPLE &&
                       before->pair != MF_PLACE_NONE &&
                       in_order(map, place->before)
                   ? b->items[before->pair].behind
                   : MF_PLACE_NONE;
    }
    if (!place->leads || place->parent == MF_PLACE_NONE) {
        return MF_PLACE_NONE;
    }
    const struct mf_place *around = &a->items[place->parent];
    return around->pair != MF_PLACE_NONE &&
                   around->kind != MF_PLACE_MATCH &&
                   in_order(map, place->parent)
               ? mf_frame_first_of_body(b, around->pair)
               : MF_PLACE_NONE;
}

/* Index of the new instruction that is to run instead of i; as
 * mf_frame_map_instr. */
static int
find_line(const struct mf_frame_map *map, int i)
{
    int statement = begins(&map->old_side, i);
    int next =
        statement != MF_PLACE_NONE ? follows(map, statement) : MF_PLACE_NONE;
    if (next != MF_PLACE_NONE && !map->new_side.places.items[next].twice &&
        !map->new_side.places.items[next].copied) {
        return first_in(&map->new_side, next);
    }
    int here = map->old_side.statements[i];
    return here != MF_PLACE_NONE && in_order(map, here)
               ? mf_frame_map_instr(map, i)
               : MF_INSTR_NONE;
}

/* --- the callback -------------------------------------------------------- */

static struct mf_frame_map *
map_of(struct armed *armed, PyCodeObject *code)
{
    for (size_t i = 0; i < armed->maps.len; i++) {
        struct mf_frame_map *map = armed->maps.items[i];
        if (map->old_code == code) {
            return map;
        }
    }
    return NULL;
}

/* 1: it may be moved here; 0: never at this line; -1. */
static int
move_here(struct armed *armed, const struct mf_frame_map *map,
          struct mf_compat_place *place)
{
    PyFunctionObject *func = (PyFunctionObject *)place->func;
    int i = mf_compat_instrs_find(&map->old_side.instrs, place->unit);
    int j = i >= 0 && map->old_side.instrs.items[i].at == place->unit
                ? find_line(map, i)
                : MF_INSTR_NONE;
    if (j < 0) {
        return j == -2 ? -1 : 0;
    }
    struct mf_frame_spot spot = {.map = map,
                                 .place = place,
                                 .old_at = i,
                                 .new_at = j,
                                 .before = true};
    int depth = map->old_side.instrs.items[i].depth;
    if (depth != place->depth ||
        map->new_side.instrs.items[j].depth != depth) {
        return 0;
    }
    if (!PyFunction_Check(func)) {
        return 0;
    }
    if (func->func_code == (PyObject *)map->new_code) {
        spot.closure = func->func_closure;
    }
    else if (map_of(armed, map->new_code) == NULL) {
        return 0; /* redefined once more, and no way leads on */
    }
    struct mf_compat_move *move;
    if (mf_frame_spot_move(&spot, &move) < 0) {
        return -1;
    }
    if (move != NULL) {
        if (mf_compat_moves_make_room(place, map->new_code)) {
            mf_compat_moves_apply(move);
        }
        mf_compat_moves_clear(move);
        mf_free(move);
    }
    return 1;
}

static PyObject *
on_line(PyObject *self, PyObject *args)
{
    PyObject *code;
    int line;
    struct armed *armed = PyCapsule_GetPointer(self, ARMED);
    struct mf_compat_place place;
    if (armed == NULL || !PyArg_ParseTuple(args, "Oi", &code, &line)) {
        return NULL;
    }
    struct mf_frame_map *map = map_of(armed, (PyCodeObject *)code);
    int rc = 0;
    if (map != NULL && mf_compat_moves_innermost(&place) &&
        place.code == map->old_code) {
        rc = move_here(armed, map, &place);
    }
    if (rc < 0) {
        PyErr_Clear(); /* no memory: it goes on in the old code */
    }
    PyObject *monitoring = PySys_GetObject("monitoring"); /* borrowed */
    return rc != 0 || monitoring == NULL
               ? Py_NewRef(Py_None)
               : PyObject_GetAttrString(monitoring, "DISABLE");
}

static PyMethodDef on_line_def = {"on_line", on_line, METH_VARARGS, NULL};

/* --- arming -------------------------------------------------------------- */

static void
free_armed(PyObject *capsule)
{
    struct armed *armed = PyCapsule_GetPointer(capsule, ARMED);
    for (size_t i = 0; i < armed->maps.len; i++) {
        mf_frame_map_free(armed->maps.items[i]);
    }
    mf_vec_clear(&armed->maps);
    mf_free(armed);
}

static PyObject *
make_armed(void)
{
    struct armed *armed = mf_alloc(sizeof(*armed));
    if (armed == NULL) {
        return PyErr_NoMemory();
    }
    *armed = (struct armed){.tool = -1};
    PyObject *capsule = PyCapsule_New(armed, ARMED, free_armed);
    if (capsule == NULL) {
        mf_free(armed);
    }
    return capsule;
}

/* Those without a purpose of their own first. */
static const int numbers[] = {4, 3, 5, 2, 1, 0};

/* A number that nobody uses. -1 with or without an exception. */
static int
take_tool(PyObject *monitoring)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(numbers); i++) {
        PyObject *name =
            PyObject_CallMethod(monitoring, "get_tool", "i", numbers[i]);
        bool is_free = name == Py_None;
        Py_XDECREF(name);
        if (name == NULL) {
            return -1;
        }
        if (is_free) {
            PyObject *done = PyObject_CallMethod(
                monitoring, "use_tool_id", "is", numbers[i], "midflight");
            Py_XDECREF(done);
            return done != NULL ? numbers[i] : -1;
        }
    }
    return -1;
}

bool
mf_frame_lines_possible(PyObject *capsule)
{
    struct armed *armed =
        capsule ? PyCapsule_GetPointer(capsule, ARMED) : NULL;
    PyObject *monitoring = PySys_GetObject("monitoring"); /* borrowed */
    if (armed != NULL && armed->tool >= 0) {
        return true;
    }
    bool some = false;
    for (size_t i = 0; monitoring && !some && i < Py_ARRAY_LENGTH(numbers);
         i++) {
        PyObject *name =
            PyObject_CallMethod(monitoring, "get_tool", "i", numbers[i]);
        some = name == Py_None;
        Py_XDECREF(name);
        PyErr_Clear(); /* then it is none for us */
    }
    return some;
}

/* The number of the line event; NULL with an exception. */
static PyObject *
line_event(PyObject *monitoring)
{
    PyObject *events = PyObject_GetAttrString(monitoring, "events");
    PyObject *line = events ? PyObject_GetAttrString(events, "LINE") : NULL;
    Py_XDECREF(events);
    return line;
}

static int
listen(struct armed *armed, PyObject *capsule, PyObject *monitoring,
       PyObject *line)
{
    if (armed->tool >= 0) {
        return 0;
    }
    int tool = take_tool(monitoring);
    PyObject *callback = tool >= 0 ? PyCFunction_New(&on_line_def, capsule)
                                   : NULL;
    PyObject *done =
        callback ? PyObject_CallMethod(monitoring, "register_callback", "iOO",
                                       tool, line, callback)
                 : NULL;
    armed->tool = done ? tool : -1;
    Py_XDECREF(callback);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* Code that only its map holds runs nowhere any more. */
static void
forget_ended(struct armed *armed)
{
    size_t kept = 0;
    for (size_t i = 0; i < armed->maps.len; i++) {
        struct mf_frame_map *map = armed->maps.items[i];
        if (Py_REFCNT(map->old_code) == 1) {
            mf_frame_map_free(map);
        }
        else {
            armed->maps.items[kept++] = map;
        }
    }
    armed->maps.len = kept;
}

int
mf_frame_lines_pending(PyObject *capsule,
                       int (*pending)(PyCodeObject *code, void *arg),
                       void *arg)
{
    struct armed *armed = PyCapsule_GetPointer(capsule, ARMED);
    int rc = armed != NULL ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < armed->maps.len; i++) {
        struct mf_frame_map *map = armed->maps.items[i];
        if (Py_REFCNT(map->old_code) > 1) {
            rc = pending(map->new_code, arg);
        }
    }
    return rc;
}

static int
set_events(struct armed *armed, PyObject *monitoring, PyCodeObject *code,
           PyObject *events)
{
    PyObject *done = PyObject_CallMethod(monitoring, "set_local_events",
                                         "iOO", armed->tool, code, events);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* In place of another way out of the same code: then lines that were no place
 * to leave it are looked at again. */
static int
arm_map(struct armed *armed, PyObject *monitoring, PyObject *line,
        struct mf_frame_map *map)
{
    struct mf_frame_map *before = map_of(armed, map->old_code);
    if (before != NULL && before->new_code == map->new_code) {
        return 0;
    }
    if (before == NULL) {
        if (mf_vec_push(&armed->maps, map) < 0) {
            return -1;
        }
        map->refs++;
        return set_events(armed, monitoring, map->old_code, line);
    }
    PyObject *none = PyLong_FromLong(0);
    int rc = none ? set_events(armed, monitoring, map->old_code, none) : -1;
    Py_XDECREF(none);
    for (size_t i = 0; i < armed->maps.len; i++) {
        if (armed->maps.items[i] == before) {
            armed->maps.items[i] = map;
            map->refs++;
        }
    }
    mf_frame_map_free(before);
    return rc == 0 ? set_events(armed, monitoring, map->old_code, line) : -1;
}

static int
arm(struct armed *armed, PyObject *capsule, struct mf_moves *moves)
{
    PyObject *monitoring = PySys_GetObject("monitoring"); /* borrowed */
    PyObject *line = monitoring ? line_event(monitoring) : NULL;
    int rc = line && listen(armed, capsule, monitoring, line) == 0 ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < moves->maps.len; i++) {
        struct mf_frame_map *map = moves->maps.items[i];
        rc = map->wanted ? arm_map(armed, monitoring, line, map) : 0;
    }
    Py_XDECREF(line);
    return rc;
}

static size_t
count_wanted(const struct mf_moves *moves)
{
    size_t count = 0;
    for (size_t i = 0; i < moves->maps.len; i++) {
        count += ((struct mf_frame_map *)moves->maps.items[i])->wanted;
    }
    return count;
}

int
mf_redefine_frame_ready(struct mf_moves *moves, PyObject **armed)
{
    size_t wanted = count_wanted(moves);
    if (wanted == 0) {
        return 0;
    }
    if (*armed == NULL && (*armed = make_armed()) == NULL) {
        return -1;
    }
    struct mf_vec *maps =
        &((struct armed *)PyCapsule_GetPointer(*armed, ARMED))->maps;
    return mf_vec_reserve(maps, maps->len + wanted);
}

int
mf_redefine_frame_arm(struct mf_moves *moves, PyObject **armed)
{
    if (*armed != NULL) {
        forget_ended(PyCapsule_GetPointer(*armed, ARMED));
    }
    if (count_wanted(moves) == 0) {
        return 0;
    }
    return mf_redefine_frame_ready(moves, armed) < 0
               ? -1
               : arm(PyCapsule_GetPointer(*armed, ARMED), *armed, moves);
}
