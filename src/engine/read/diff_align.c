/* diff_align.c -- owns the question which statement of the new text is which
 * of the old one. In: two scopes, split. Out: mates.
 */
#include "diff_align.h"

#include "../ground/fault.h"

int
mf_diff_scope_fill(struct mf_scope *scope, struct mf_compile_unit_of *of, uint32_t first)
{
    scope->split = of->split;
    scope->text = PyBytes_AS_STRING(of->text->bytes);
    uint32_t n = 0;
    for (uint32_t i = first; i != MF_UNIT_NONE; i = of->split->units[i].next) {
        n++;
    }
    scope->len = n;
    scope->units = mf_alloc((n + 1) * sizeof(uint32_t));
    scope->mate = mf_alloc((n + 1) * sizeof(uint32_t));
    if (scope->units == NULL || scope->mate == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    n = 0;
    for (uint32_t i = first; i != MF_UNIT_NONE; i = of->split->units[i].next) {
        scope->units[n] = i;
        scope->mate[n++] = MF_UNIT_NONE;
    }
    return 0;
}

void
mf_diff_scope_clear(struct mf_scope *scope)
{
    mf_free(scope->units);
    mf_free(scope->mate);
}

static const struct mf_unit *
unit_at(const struct mf_scope *scope, uint32_t i)
{
    return &scope->split->units[scope->units[i]];
}

static void
pair_up(struct mf_scope *a, uint32_t i, struct mf_scope *b, uint32_t j)
{
    a->mate[i] = j;
    b->mate[j] = i;
}

/* Longest common subsequence of equal hashes in a[lo, a_hi) x b[lo, b_hi). */
static int
pair_equal(struct mf_scope *a, struct mf_scope *b, uint32_t lo, uint32_t a_hi,
           uint32_t b_hi)
{
    size_t n = a_hi - lo, m = b_hi - lo;
    if (n == 0 || m == 0) {
        return 0;
    }
    if (n * m > 4000000) {
        /* two huge different middles: in order, greedily */
        for (uint32_t i = lo, from = lo; i < a_hi; i++) {
            for (uint32_t j = from; j < b_hi && j < from + 500; j++) {
                if (unit_at(a, i)->hash == unit_at(b, j)->hash) {
                    pair_up(a, i, b, j);
                    from = j + 1;
                    break;
                }
            }
        }
        return 0;
    }
    uint32_t *best = mf_alloc((n + 1) * (m + 1) * sizeof(uint32_t));
    if (best == NULL) {
        PyErr_NoMemory();
        return -1;
    }
#define BEST(i, j) best[(i) * (m + 1) + (j)]
    for (size_t i = n; i-- > 0;) {
        for (size_t j = m; j-- > 0;) {
            if (unit_at(a, lo + (uint32_t)i)->hash ==
                unit_at(b, lo + (uint32_t)j)->hash) {
                BEST(i, j) = BEST(i + 1, j + 1) + 1;
            }
            else {
                BEST(i, j) = Py_MAX(BEST(i + 1, j), BEST(i, j + 1));
            }
        }
    }
    for (size_t i = 0, j = 0; i < n && j < m;) {
        if (unit_at(a, lo + (uint32_t)i)->hash ==
            unit_at(b, lo + (uint32_t)j)->hash) {
            pair_up(a, lo + (uint32_t)i++, b, lo + (uint32_t)j++);
        }
        else if (BEST(i + 1, j) >= BEST(i, j + 1)) {
            i++;
        }
        else {
            j++;
        }
    }
#undef BEST
    mf_free(best);
    return 0;
}

/* What a statement is known by when its text has changed: the name of a def
 * or class, else the text up to the first character behind its first word
 * (for imports: the whole head "from a.b", for blocks the first line). */
static size_t
unit_key(const struct mf_scope *scope, const struct mf_unit *u, const char **key)
{
    if (u->kind == MF_UNIT_DEF || u->kind == MF_UNIT_CLASS) {
        *key = scope->text + u->name;
        return u->name_len;
    }
    const char *p = scope->text + u->start + u->indent;
    const char *end = scope->text + u->end, *q = p;
    if (u->kind == MF_UNIT_BLOCK) {
        q = memchr(p, '\n', (size_t)(end - p));
        *key = p;
        return q ? (size_t)(q - p) : (size_t)(end - p);
    }
    int words = u->kind == MF_UNIT_FROM ? 2 : 1;
    while (q < end && *q != '\n') {
        bool word = Py_ISALNUM(*q) || *q == '_' || *q == '.' ||
                    (unsigned char)*q >= 0x80;
        if (!word && --words == 0) {
            break;
        }
        q++;
    }
    *key = p;
    return (size_t)(q - p);
}

static bool
same_key(const struct mf_scope *a, uint32_t i, const struct mf_scope *b, uint32_t j)
{
    const struct mf_unit *x = unit_at(a, i), *y = unit_at(b, j);
    const char *k, *l;
    if (x->kind != y->kind) {
        return false;
    }
    size_t n = unit_key(a, x, &k), m = unit_key(b, y, &l);
    return n == m && memcmp(k, l, n) == 0;
}

static bool
same_head(const struct mf_scope *a, uint32_t i, const struct mf_scope *b, uint32_t j)
{
    const struct mf_unit *x = unit_at(a, i), *y = unit_at(b, j);
    size_t n = x->body - x->start;
    return n == y->body - y->start &&
           memcmp(a->text + x->start, b->text + y->start, n) == 0;
}

/* The statement that gives the name its meaning. */
static bool
is_last(const struct mf_scope *scope, uint32_t i)
{
    for (uint32_t k = i + 1; k < scope->len; k++) {
        if (same_key(scope, i, scope, k)) {
            return false;
        }
    }
    return true;
}

/* Several definitions of one name (overloads, registrations under `_`): those
 * whose lines are the same first, then those that the name means. */
static void
pair_definitions(struct mf_scope *a, struct mf_scope *b, bool by_head)
{
    for (uint32_t j = 0; j < b->len; j++) {
        uint8_t kind = unit_at(b, j)->kind;
        if (b->mate[j] != MF_UNIT_NONE ||
            (kind != MF_UNIT_DEF && kind != MF_UNIT_CLASS)) {
            continue;
        }
        for (uint32_t i = 0; i < a->len; i++) {
            if (a->mate[i] == MF_UNIT_NONE && same_key(a, i, b, j) &&
                (by_head ? same_head(a, i, b, j)
                         : is_last(a, i) && is_last(b, j))) {
                pair_up(a, i, b, j);
                break;
            }
        }
    }
}

/* Changed statements of one key pair in order. Blocks that stand alone
 * between the same neighbours pair whatever their first line says. */
static void
pair_changed(struct mf_scope *a, struct mf_scope *b)
{
    pair_definitions(a, b, true);
    pair_definitions(a, b, false);
    for (uint32_t j = 0; j < b->len; j++) {
        if (b->mate[j] != MF_UNIT_NONE) {
            continue;
        }
        for (uint32_t i = 0; i < a->len; i++) {
            if (a->mate[i] == MF_UNIT_NONE && same_key(a, i, b, j)) {
                pair_up(a, i, b, j);
                break;
            }
        }
    }
    for (uint32_t i = 0, j; i < a->len; i++) {
        if (a->mate[i] != MF_UNIT_NONE) {
            continue;
        }
        j = i == 0 ? 0 : a->mate[i - 1];
        if (j == MF_UNIT_NONE) {
            continue;
        }
        j += i != 0;
        if (j < b->len && b->mate[j] == MF_UNIT_NONE &&
            unit_at(a, i)->kind == unit_at(b, j)->kind &&
            (unit_at(a, i)->kind == MF_UNIT_BLOCK ||
             unit_at(a, i)->kind == MF_UNIT_OTHER)) {
            pair_up(a, i, b, j);
        }
    }
}

int
mf_diff_align(struct mf_scope *a, struct mf_scope *b)
{
    uint32_t lo = 0, x = a->len, y = b->len;
    while (lo < x && lo < y && unit_at(a, lo)->hash == unit_at(b, lo)->hash) {
        pair_up(a, lo, b, lo);
        lo++;
    }
    while (x > lo && y > lo &&
           unit_at(a, x - 1)->hash == unit_at(b, y - 1)->hash) {
        pair_up(a, --x, b, --y);
    }
    if (pair_equal(a, b, lo, x, y) < 0) {
        return -1;
    }
    pair_changed(a, b);
    return 0;
}
