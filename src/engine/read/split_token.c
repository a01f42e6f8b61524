/* split_token.c -- owns the masks of a text (see split_token.h): makes them,
 * finds the ends of strings and of logical lines in them. Bytes come in,
 * offsets go out.
 *
 * F-strings are of two kinds. Since 3.12 a replacement field is lexed as
 * code, so any quote may stand in it; before, a string ended at its first
 * matching quote and its fields were looked at later. mf_split_fstrings()
 * says which rule the running Python has.
 */
#include "split_token.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Strings in fields of strings in fields, and format specs in fields. The
 * compiler allows 150 of the former and 2 of the latter. */
#define MAX_NESTING 40

static bool nested_fstrings = true;

void
mf_split_fstrings(bool nested)
{
    nested_fstrings = nested;
}

size_t
mf_split_lost(struct mf_split_scan *scan, size_t at, const char *why)
{
    scan->why = why;
    scan->why_at = at;
    return MF_SPLIT_LOST;
}

/* ---- masks ------------------------------------------------------------ */

typedef unsigned char bytes16 __attribute__((vector_size(16)));

/* One bit per byte that is all ones. */
static inline uint64_t
bits_of(bytes16 v)
{
#if defined(__SSE2__) && !defined(MF_SPLIT_NO_SIMD)
    return (uint64_t)(unsigned)_mm_movemask_epi8((__m128i)v);
#else
    uint64_t half[2], bits = 0;
    memcpy(half, &v, sizeof(half));
    for (int i = 0; i < 2; i++) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        half[i] = __builtin_bswap64(half[i]);
#endif
        /* the bytes keep one bit each, all different; the product adds them
         * up in its highest byte */
        half[i] &= UINT64_C(0x8040201008040201);
        bits |= ((half[i] * UINT64_C(0x0101010101010101)) >> 56) << (8 * i);
    }
    return bits;
#endif
}

static inline void
classify(struct mf_split_block *block, const char *p)
{
    struct mf_split_block b = {0};
    for (int i = 0; i < 64; i += 16) {
        bytes16 c;
        memcpy(&c, p + i, sizeof(c));
        bytes16 lower = c | 0x20;
        bytes16 high = (bytes16)(c >= 0x80);
        bytes16 line = (bytes16)(c == '\n');
        bytes16 word = (bytes16)(lower - 'a' < 26) | (bytes16)(c - '0' < 10) |
                       (bytes16)(c == '_') | high;
        bytes16 stop = (bytes16)(c == '\'') | (bytes16)(c == '"') |
                       (bytes16)(c == '#') | (bytes16)(c == '\\') | line;
        /* '[' | 0x20 is '{', ']' | 0x20 is '}' */
        bytes16 open = (bytes16)(lower == '{') | (bytes16)(c == '(');
        bytes16 close = (bytes16)(lower == '}') | (bytes16)(c == ')');
        b.word |= bits_of(word) << i;
        b.high |= bits_of(high) << i;
        b.stop |= bits_of(stop) << i;
        b.line |= bits_of(line) << i;
        b.open |= bits_of(open) << i;
        b.close |= bits_of(close) << i;
    }
    *block = b;
}

int
mf_split_scan_init(struct mf_split_scan *scan, const char *text, size_t len)
{
    size_t full = len / 64;
    char rest[64] = {0};
    *scan = (struct mf_split_scan){.text = text, .len = len};
    scan->blocks = mf_realloc(NULL, (full + 1) * sizeof(*scan->blocks));
    if (scan->blocks == NULL) {
        return -1;
    }
    for (size_t i = 0; i < full; i++) {
        classify(&scan->blocks[i], text + i * 64);
    }
    if (len % 64 != 0) {
        memcpy(rest, text + full * 64, len % 64);
    }
    classify(&scan->blocks[full], rest);
    scan->blocks[full].stop |= UINT64_C(1) << (len % 64);
    scan->blocks[full].line |= UINT64_C(1) << (len % 64);
    return 0;
}

void
mf_split_scan_clear(struct mf_split_scan *scan)
{
    mf_free(scan->blocks);
    scan->blocks = NULL;
}

/* ---- words ------------------------------------------------------------ */

bool
mf_split_word_at(const struct mf_split_scan *scan, size_t pos,
                 const char *word, size_t len)
{
    return pos + len <= scan->len &&
           memcmp(scan->text + pos, word, len) == 0 &&
           (pos + len == scan->len ||
            !mf_split_is_word(scan->text[pos + len]));
}

size_t
mf_split_skip_blanks(const struct mf_split_scan *scan, size_t pos)
{
    for (; pos < scan->len; pos++) {
        char c = scan->text[pos];
        if (c == '\\' && pos + 1 < scan->len && scan->text[pos + 1] == '\n') {
            pos++;
        }
        else if (c != ' ' && c != '\t' && c != '\f') {
            break;
        }
    }
    return pos;
}

/* ---- strings ---------------------------------------------------------- */

size_t
mf_split_prefix(const struct mf_split_scan *scan, size_t quote,
                unsigned *letters)
{
    size_t start = quote;
    unsigned set = 0;
    *letters = 0;
    while (start > 0 && mf_split_is_word(scan->text[start - 1])) {
        if (quote - start == 2) {
            return quote;
        }
        switch (scan->text[start - 1]) {
        case 'r': case 'R': set |= MF_SPLIT_PREFIX_RAW; break;
        case 'b': case 'B': set |= MF_SPLIT_PREFIX_BYTES; break;
        case 'f': case 'F': case 't': case 'T':
            set |= MF_SPLIT_PREFIX_FIELDS;
            break;
        case 'u': case 'U': break;
        default: return quote; /* a keyword: 1if x else'' */
        }
        start--;
    }
    *letters = set;
    return start;
}

/* Offset behind the closing quote of a string without fields. */
static size_t
plain_end(struct mf_split_scan *scan, size_t quote, size_t limit, bool triple)
{
    const char *text = scan->text;
    char q = text[quote];
    if (!triple) {
        size_t pos = quote + 1;
        while (pos < limit) {
            size_t stop = mf_split_next_stop(scan, pos);
            if (stop >= limit || text[stop] == '\n') {
                break;
            }
            if (text[stop] == q) {
                return stop + 1;
            }
            pos = stop + 1 + (text[stop] == '\\');
        }
        return mf_split_lost(scan, quote, "string without end");
    }
    size_t body = quote + 3, pos = body;
    while (pos < limit) {
        const char *hit = memchr(text + pos, q, limit - pos);
        if (hit == NULL) {
            break;
        }
        size_t at = (size_t)(hit - text), back = at;
        while (back > body && text[back - 1] == '\\') {
            back--;
        }
        if ((at - back) % 2 == 0 && limit - at >= 3 && text[at + 1] == q &&
            text[at + 2] == q) {
            return at + 3;
        }
        pos = at + 1;
    }
    return mf_split_lost(scan, quote, "string without end");
}

/* What the functions about strings with fields hand to each other. */
struct fields {
    size_t limit; /* no byte from here on belongs to it */
    char quote;   /* 0: the text ends at the limit, not at a quote */
    bool triple;
    bool raw;
    int nesting;
};

static size_t string_end(struct mf_split_scan *scan, size_t quote,
                         size_t limit, int nesting);
static size_t literal(struct mf_split_scan *scan, size_t pos,
                      const struct fields *fields, bool spec);

/* From behind a '{' to behind its '}'. */
static size_t
field(struct mf_split_scan *scan, size_t pos, const struct fields *fields)
{
    const char *text = scan->text;
    size_t limit = fields->limit, from;
    int depth = 0;
    while (pos < limit) {
        switch (text[pos]) {
        case '\'': case '"':
            pos = string_end(scan, pos, limit, fields->nesting + 1);
            if (pos == MF_SPLIT_LOST) {
                return pos;
            }
            continue;
        case '(': case '[': case '{':
            depth++;
            break;
        case ')': case ']':
            depth--;
            break;
        case '}':
            if (depth-- == 0) {
                return pos + 1;
            }
            break;
        case ':':
            if (depth == 0) {
                struct fields inner = *fields;
                inner.nesting++;
                pos = literal(scan, pos + 1, &inner, true);
                return pos == MF_SPLIT_LOST ? pos : pos + 1;
            }
            break;
        case '#':
            from = pos;
            pos = mf_split_next_line(scan, pos);
            if (pos >= limit) {
                return mf_split_lost(scan, from, "comment ends a field");
            }
            mf_split_forget(scan, from, pos);
            continue;
        case '\\':
            if (limit - pos < 2 || text[pos + 1] != '\n') {
                return mf_split_lost(scan, pos, "backslash in a field");
            }
            pos++;
            break;
        default:
            break;
        }
        if (depth < 0) {
            break;
        }
        pos++;
    }
    return mf_split_lost(scan, pos, "field without end");
}

/* Behind a backslash in the literal text of a string with fields. */
static size_t
escape_end(struct mf_split_scan *scan, size_t pos,
           const struct fields *fields)
{
    const char *text = scan->text;
    size_t limit = fields->limit;
    if (limit - pos >= 2 && (text[pos + 1] == '{' || text[pos + 1] == '}')) {
        return pos + 1; /* a backslash does not hide a brace */
    }
    if (fields->raw || limit - pos < 3 || text[pos + 1] != 'N' ||
        text[pos + 2] != '{') {
        return pos + 2;
    }
    for (size_t at = pos + 3; at < limit; at++) { /* \N{name} */
        if (text[at] == '}') {
            return at + 1;
        }
        if (!mf_split_is_word(text[at]) && text[at] != ' ' &&
            text[at] != '-') {
            break;
        }
    }
    return mf_split_lost(scan, pos, "character name without end");
}

static bool
at_quote(const struct mf_split_scan *scan, size_t pos,
         const struct fields *fields)
{
    const char *p = scan->text + pos;
    return *p == fields->quote && fields->quote != 0 &&
           (!fields->triple || (fields->limit - pos >= 3 &&
                                p[1] == fields->quote &&
                                p[2] == fields->quote));
}

/* Literal text from `pos` to its closing quote, or of a format spec to its
 * closing brace: the offset of these. Fields in it are lexed as code. */
static size_t
literal(struct mf_split_scan *scan, size_t pos, const struct fields *fields,
        bool spec)
{
    const char *text = scan->text;
    size_t limit = fields->limit, from = pos;
    if (fields->nesting > MAX_NESTING) {
        return mf_split_lost(scan, pos, "fields nested too deeply");
    }
    while (pos < limit) {
        char c = text[pos];
        if (at_quote(scan, pos, fields)) {
            if (spec) {
                return mf_split_lost(scan, pos, "quote in a format spec");
            }
            mf_split_forget(scan, from, pos);
            return pos;
        }
        if (c == '{' || c == '}') {
            if (!spec && limit - pos >= 2 && text[pos + 1] == c) {
                pos += 2;
                continue;
            }
            mf_split_forget(scan, from, pos);
            if (c == '}') {
                return spec ? pos : mf_split_lost(scan, pos, "single brace");
            }
            pos = field(scan, pos + 1, fields);
            from = pos;
        }
        else if (c == '\\') {
            pos = escape_end(scan, pos, fields);
        }
        else if (c == '\n' && (spec || (fields->quote != 0 &&
                                        !fields->triple))) {
            return mf_split_lost(scan, pos, "newline in an f-string");
        }
        else {
            pos++;
        }
        if (pos == MF_SPLIT_LOST) {
            return pos;
        }
    }
    if (fields->quote != 0 || spec || pos > limit) {
        return mf_split_lost(scan, from, "f-string without end");
    }
    mf_split_forget(scan, from, limit);
    return limit;
}

static size_t
string_end(struct mf_split_scan *scan, size_t quote, size_t limit,
           int nesting)
{
    const char *text = scan->text;
    char q = text[quote];
    unsigned letters;
    size_t start = mf_split_prefix(scan, quote, &letters);
    bool triple =
        limit - quote >= 3 && text[quote + 1] == q && text[quote + 2] == q;
    size_t quotes = triple ? 3 : 1, end;
    struct fields fields = {
        .limit = limit,
        .quote = q,
        .triple = triple,
        .raw = (letters & MF_SPLIT_PREFIX_RAW) != 0,
        .nesting = nesting,
    };
    if (letters & MF_SPLIT_PREFIX_FIELDS && nested_fstrings) {
        end = literal(scan, quote + quotes, &fields, false);
        if (end != MF_SPLIT_LOST) {
            mf_split_forget(scan, start, quote);
            end += quotes;
        }
        return end;
    }
    end = plain_end(scan, quote, limit, triple);
    if (end == MF_SPLIT_LOST) {
        return end;
    }
    if (letters & MF_SPLIT_PREFIX_FIELDS) {
        mf_split_forget(scan, start, quote);
        fields.limit = end - quotes;
        fields.quote = 0;
        if (literal(scan, quote + quotes, &fields, false) == MF_SPLIT_LOST) {
            scan->why = NULL; /* too many words stay, which is allowed */
        }
        return end;
    }
    mf_split_forget(scan, start, end);
    return end;
}

size_t
mf_split_string(struct mf_split_scan *scan, size_t quote)
{
    return string_end(scan, quote, scan->len, 0);
}

/* ---- lines ------------------------------------------------------------ */

size_t
mf_split_indentation(const struct mf_split_scan *scan, size_t pos, size_t *col)
{
    const char *text = scan->text;
    size_t at = pos;
    while (at + 8 <= scan->len &&
           memcmp(text + at, "        ", 8) == 0) {
        at += 8; /* one comparison, not eight */
    }
    while (at < scan->len && text[at] == ' ') {
        at++;
    }
    *col = at - pos;
    for (; at < scan->len; at++) {
        if (text[at] == ' ') {
            ++*col;
        }
        else if (text[at] == '\t') {
            *col = (*col / 8 + 1) * 8;
        }
        else if (text[at] == '\f') {
            *col = 0;
        }
        else {
            break;
        }
    }
    return at;
}

/* Bits in `a` minus bits in `b`, without the instruction for it, which the
 * oldest x86-64 lacks. */
static inline int
difference(uint64_t a, uint64_t b)
{
    const uint64_t m1 = UINT64_C(0x5555555555555555);
    const uint64_t m2 = UINT64_C(0x3333333333333333);
    const uint64_t m4 = UINT64_C(0x0F0F0F0F0F0F0F0F);
    a -= (a >> 1) & m1;
    b -= (b >> 1) & m1;
    a = (a & m2) + ((a >> 2) & m2);
    b = (b & m2) + ((b >> 2) & m2);
    a += UINT64_C(0x4444444444444444) - b; /* 0 to 8 in each half byte */
    a = (a & m4) + ((a >> 4) & m4);
    return (int)((a * UINT64_C(0x0101010101010101)) >> 56) - 64;
}

/* Brackets opened minus brackets closed in [from, to). */
static inline int
brackets(const struct mf_split_scan *scan, size_t from, size_t to)
{
    size_t i = from >> 6, last = to >> 6;
    const struct mf_split_block *b = &scan->blocks[i];
    uint64_t head = UINT64_MAX << (from & 63);
    uint64_t tail = ~(UINT64_MAX << (to & 63));
    int depth;
    if (i == last) {
        return difference(b->open & head & tail, b->close & head & tail);
    }
    depth = difference(b->open & head, b->close & head);
    while (++i < last) {
        b++;
        depth += difference(b->open, b->close);
    }
    b++;
    return depth + difference(b->open & tail, b->close & tail);
}

static size_t
tail_of(const struct mf_split_scan *scan, size_t start, size_t end)
{
    while (end > start && memchr(" \t\f\n\\", scan->text[end - 1], 5)) {
        end--;
    }
    return end > start ? end - 1 : start;
}

size_t
mf_split_logical(struct mf_split_scan *scan, size_t pos, size_t *tail)
{
    const char *text = scan->text;
    size_t from = pos, start = pos, len = scan->len;
    int depth = 0;
    for (;;) {
        size_t stop = mf_split_next_stop(scan, from), end = stop;
        depth += brackets(scan, from, stop);
        char c = stop < len ? text[stop] : '\n';
        if (c == '\'' || c == '"') {
            from = mf_split_string(scan, stop);
            if (from == MF_SPLIT_LOST) {
                return from;
            }
            continue;
        }
        if (c == '\\') {
            from = stop + 2;
            if (from > len || text[stop + 1] != '\n') {
                return mf_split_lost(scan, stop, "backslash");
            }
            continue;
        }
        if (c == '#') {
            end = mf_split_next_line(scan, stop);
            mf_split_forget(scan, stop, end);
        }
        if (depth == 0) {
            if (tail != NULL) {
                *tail = tail_of(scan, start, stop);
            }
            return end < len ? end + 1 : len;
        }
        if (depth < 0 || end >= len) {
            return mf_split_lost(scan, stop, "brackets out of balance");
        }
        from = end + 1;
    }
}
