/* effects_again.c -- owns what a statement that runs again, or is gone, had
 * registered. In: live objects with the statements that had made or named
 * them, holders by the old texts that reach them. Out: holders without those
 * registrations, before the statement runs.
 *
 * A registry may refuse what it has already, or keep the first of two. When
 * the program starts it does not have it; so what a step finds there must not
 * have it either.
 */
#include "effects_about.h"

#include "../ground/fault.h"
#include "../ground/trace.h"

/* ---- who had registered what ---------------------------------------------------- */

int
mf_reruns_add(struct mf_reruns *reruns, PyObject *live,
              struct mf_rerun rerun)
{
    size_t first = (size_t)mf_map_get(&reruns->of, live);
    for (size_t at = first; at != 0; at = reruns->items[at - 1].next) {
        if (reruns->items[at - 1].code == rerun.code) {
            return 0;
        }
    }
    if (reruns->len == reruns->cap) {
        size_t cap = reruns->cap ? reruns->cap * 2 : 16;
        struct mf_rerun *items =
            mf_realloc(reruns->items, cap * sizeof(*items));
        if (items == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        reruns->items = items;
        reruns->cap = cap;
    }
    rerun.next = first;
    reruns->items[reruns->len++] = rerun;
    return mf_map_put(&reruns->of, live, reruns->len);
}

void
mf_reruns_clear(struct mf_reruns *reruns)
{
    mf_map_clear(&reruns->of);
    mf_free(reruns->items);
    *reruns = (struct mf_reruns){0};
}

bool
mf_effects_registers(const struct mf_effect *effect,
                     const struct mf_rerun *rerun)
{
    return rerun->code == NULL || mf_map_has(&effect->by, rerun->code);
}

/* ---- out for the time of a step ---------------------------------------------------- */

/* Is the item a registration that the statement, or one that is gone, has
 * made? What it only named may have been registered by another. */
static bool
goes_out(const struct mf_effects_homes *homes, struct mf_effect *effect,
         struct mf_entry entry, PyObject *old)
{
    struct mf_effects_about about;
    mf_effects_about(homes, entry, &about);
    size_t at = about.live && about.direct &&
                        !mf_effects_is_made(entry, about.live)
                    ? (size_t)mf_map_get(&homes->reruns->of, about.live)
                    : 0;
    for (; at != 0; at = homes->reruns->items[at - 1].next) {
        const struct mf_rerun *rerun = &homes->reruns->items[at - 1];
        if (rerun->how == MF_RERUN_MADE && rerun->code != NULL &&
            (rerun->gone || rerun->code == old) &&
            mf_effects_registers(effect, rerun)) {
            return true;
        }
    }
    return false;
}

static int
write_rest(struct mf_effect *effect, const struct mf_contents *now,
           struct mf_entry *stay, Py_ssize_t stays, PyObject *out)
{
    struct mf_contents wanted;
    if (mf_effects_pack(stay, stays, mf_effects_stride(effect->kind),
                        now->hashes != NULL, &wanted) < 0) {
        return -1;
    }
    Py_XSETREF(effect->out, Py_NewRef(out));
    int rc = mf_effects_put(effect->kind, effect->holder, now, &wanted);
    mf_effects_contents_clear(&wanted);
    if (rc < 0 && !PyErr_ExceptionMatches(PyExc_MemoryError)) {
        /* it could only be written by asking the program's own __hash__ */
        MF_TRACE(1, "effects: a %s keeps its registrations while staging",
                 Py_TYPE(effect->holder)->tp_name);
        PyErr_Clear();
        rc = 0;
    }
    return rc;
}

static int
take_out_of(const struct mf_effects_homes *homes, struct mf_effect *effect,
            PyObject *old)
{
    struct mf_contents now;
    if (mf_effects_read(effect->kind, effect->holder, &now) < 0) {
        return -1;
    }
    Py_ssize_t stride = mf_effects_stride(effect->kind), stays = 0;
    Py_ssize_t n = mf_effects_count(&now, stride);
    struct mf_entry *stay = mf_alloc(((size_t)n + 1) * sizeof(*stay));
    PyObject *out = PyList_New(0);
    int rc = stay && out ? 0 : -1;
    if (stay == NULL) {
        PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; rc == 0 && i < n; i++) {
        struct mf_entry entry = mf_effects_entry(&now, i, stride);
        if (goes_out(homes, effect, entry, old)) {
            rc = PyList_Append(out, entry.key);
        }
        else {
            stay[stays++] = entry;
        }
    }
    if (rc == 0 && stays < n) {
        PyObject *keys = PyList_AsTuple(out);
        rc = keys ? write_rest(effect, &now, stay, stays, keys) : -1;
        Py_XDECREF(keys);
    }
    Py_XDECREF(out);
    mf_free(stay);
    mf_effects_contents_clear(&now); /* `before` holds what went */
    return rc;
}

int
mf_effects_take_out(struct mf_effects *effects,
                    const struct mf_reruns *reruns, PyObject *old)
{
    struct mf_map none = {0};
    struct mf_effects_homes homes = {
        .effects = effects, .home = &none, .reruns = reruns};
    for (size_t i = 0; reruns->len > 0 && i < effects->len; i++) {
        struct mf_effect *effect = &effects->items[i];
        if (effect->step != effects->steps || effect->by.used == 0 ||
            effect->big || effect->kind == MF_EFFECT_CELL ||
            effect->kind == MF_EFFECT_STATE ||
            effect->kind > MF_EFFECT_DICT ||
            mf_effects_is_abc_registry(effect) || /* it refuses nothing */
            (effect->nested &&
             mf_effects_is_record(&homes, effect->holder))) {
            continue;
        }
        if (take_out_of(&homes, effect, old) < 0) {
            return -1;
        }
    }
    return 0;
}
