/* split_again.c -- owns the shortcut for a text that shares its beginning and
 * its end with one that is split already. In: the old text with its units,
 * the new text. Out: what mf_split() would give for the new text.
 *
 * Only what lies between is split, widened by a whole statement on each side:
 * the one before, so that what goes on with it (else, a deeper line) finds it;
 * the one behind, to see that the new text comes back to the old one's path.
 * From the begin of a statement on, that path depends on the text alone.
 */
#include "split.h"

#include "../ground/fault.h"

size_t
mf_split_same_start(const char *a, const char *b, size_t len)
{
    size_t i = 0;
    for (; i + 64 <= len && memcmp(a + i, b + i, 64) == 0; i += 64) {
    }
    for (; i < len && a[i] == b[i]; i++) {
    }
    return i;
}

size_t
mf_split_same_end(const char *a, const char *b, size_t len)
{
    size_t i = 0;
    for (; i + 64 <= len && memcmp(a - i - 64, b - i - 64, 64) == 0; i += 64) {
    }
    for (; i < len && a[-1 - (ptrdiff_t)i] == b[-1 - (ptrdiff_t)i]; i++) {
    }
    return i;
}

/* What of the old units is kept: those before `head`, those from `tail` on. */
struct kept {
    uint32_t head;  /* old index of the first unit that is split again */
    uint32_t guard; /* the last one that is, NONE: all to the end of the text */
    uint32_t tail;  /* behind the guard and its members */
};

static struct kept
find_kept(const struct mf_split *old, size_t same, size_t differs_to)
{
    struct kept kept = {0, MF_UNIT_NONE, old->len};
    uint32_t before = MF_UNIT_NONE, i = old->first;
    for (; i != MF_UNIT_NONE && old->units[i].start < same;
         i = old->units[i].next) {
        kept.head = before == MF_UNIT_NONE ? 0 : before;
        before = i;
    }
    while (i != MF_UNIT_NONE && old->units[i].start <= differs_to) {
        i = old->units[i].next;
    }
    if (i != MF_UNIT_NONE && old->units[i].next != MF_UNIT_NONE) {
        kept.guard = i;
        kept.tail = old->units[i].next;
    }
    return kept;
}

static uint32_t
moved_index(uint32_t index, int64_t by)
{
    return index == MF_UNIT_NONE ? index : (uint32_t)(index + by);
}

static struct mf_unit
moved(const struct mf_unit *from, int64_t index, int64_t offset, int64_t line)
{
    struct mf_unit unit = *from;
    unit.start = (uint32_t)(unit.start + offset);
    unit.end = (uint32_t)(unit.end + offset);
    if (unit.kind == MF_UNIT_DEF || unit.kind == MF_UNIT_CLASS) {
        unit.body = (uint32_t)(unit.body + offset);
        unit.name = (uint32_t)(unit.name + offset);
    }
    unit.line = (uint32_t)(unit.line + line);
    unit.end_line = (uint32_t)(unit.end_line + line);
    unit.def_line = (uint32_t)(unit.def_line + line);
    unit.parent = moved_index(unit.parent, index);
    unit.first_child = moved_index(unit.first_child, index);
    unit.next = moved_index(unit.next, index);
    return unit;
}

static uint32_t
last_of(const struct mf_split *split)
{
    uint32_t last = split->first;
    while (last != MF_UNIT_NONE && split->units[last].next != MF_UNIT_NONE) {
        last = split->units[last].next;
    }
    return last;
}

/* Head, part and tail to one. 0; -1: no memory. */
static int
join(struct mf_split *split, const struct mf_split *old, struct mf_split *part,
     struct kept kept, size_t from, int64_t offset)
{
    uint32_t tail = kept.guard == MF_UNIT_NONE ? 0 : old->len - kept.tail;
    int64_t line = kept.head == 0 ? 0 : (int64_t)old->units[kept.head].line - 1;
    uint32_t cap = kept.head + part->len + tail;
    struct mf_unit *units = mf_realloc(NULL, (cap + 1) * sizeof(*units));
    if (units == NULL) {
        return -1;
    }
    if (kept.head > 0) {
        memcpy(units, old->units, kept.head * sizeof(*units));
        /* not the first statement of the file */
        part->units[part->first].flags &= (uint8_t)~MF_UNIT_DOCSTRING;
    }
    for (uint32_t i = 0; i < part->len; i++) {
        units[kept.head + i] = moved(&part->units[i], kept.head,
                                     (int64_t)from, line);
    }
    uint32_t lines = part->lines + (uint32_t)line;
    if (tail > 0) {
        uint32_t last = kept.head + last_of(part), at = kept.head + part->len;
        line = (int64_t)units[last].line - old->units[kept.guard].line;
        units[last].next = at;
        for (uint32_t i = 0; i < tail; i++) {
            units[at + i] = moved(&old->units[kept.tail + i],
                                  (int64_t)at - kept.tail, offset, line);
        }
        lines = (uint32_t)(old->lines + line);
    }
    *split = (struct mf_split){.units = units, .len = cap, .cap = cap,
                               .first = 0, .lines = lines,
                               .result = MF_SPLIT_OK};
    return 0;
}

int
mf_split_again(struct mf_split *split, const char *text, size_t len,
               const struct mf_split *old, const char *old_text,
               size_t old_len)
{
    if (old->result != MF_SPLIT_OK || old->len < 16 || len >= UINT32_MAX) {
        return mf_split(split, text, len);
    }
    size_t shorter = len < old_len ? len : old_len;
    size_t same = mf_split_same_start(text, old_text, shorter);
    size_t end = mf_split_same_end(text + len, old_text + old_len,
                                   shorter - same);
    int64_t offset = (int64_t)len - (int64_t)old_len;
    struct kept kept = find_kept(old, same, old_len - end);
    size_t from = kept.head == 0 ? 0 : old->units[kept.head].start;
    size_t to = kept.guard == MF_UNIT_NONE
                    ? len
                    : (size_t)(old->units[kept.guard].end + offset);
    struct mf_split part;
    int result = mf_split(&part, text + from, to - from);
    if (result == MF_SPLIT_NOMEM) {
        *split = part;
        return result;
    }
    bool good = result == MF_SPLIT_OK && part.first != MF_UNIT_NONE;
    if (good && kept.guard != MF_UNIT_NONE) {
        const struct mf_unit *a = &old->units[kept.guard];
        const struct mf_unit *b = &part.units[last_of(&part)];
        good = b->start + from == (size_t)(a->start + offset) &&
               b->end + from == to && b->kind == a->kind &&
               b->hash == a->hash;
    }
    if (good && join(split, old, &part, kept, from, offset) < 0) {
        mf_split_clear(&part);
        *split = part;
        split->result = MF_SPLIT_NOMEM;
        return MF_SPLIT_NOMEM;
    }
    mf_split_clear(&part);
    return good ? MF_SPLIT_OK : mf_split(split, text, len);
}
