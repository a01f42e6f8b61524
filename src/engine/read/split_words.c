/* split_words.c -- owns what is computed from the bytes of a unit: its hash,
 * its number of lines, the bloom bits of its words and the keywords that its
 * flags need. Runs when the walk has taken strings and comments out of the
 * mask of words.
 */
#include "split_words.h"

/* ---- hashes ----------------------------------------------------------- */

#define K1 UINT64_C(0x9FB21C651E98DF25)
#define K2 UINT64_C(0xD6E8FEB86659FD93)

static inline uint64_t
load8(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Both halves of the product, folded into one. */
static inline uint64_t
fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX);
    uint64_t mid = (a >> 32) * (b & UINT32_MAX) + (low >> 32);
    uint64_t mid2 = (a & UINT32_MAX) * (b >> 32) + (mid & UINT32_MAX);
    uint64_t high = (a >> 32) * (b >> 32) + (mid >> 32) + (mid2 >> 32);
    return (mid2 << 32 | (low & UINT32_MAX)) ^ high;
#endif
}

/* Two lanes, so that one multiplication need not wait for the other. */
uint64_t
mf_split_hash_bytes(const char *p, size_t len)
{
    uint64_t a = K1 ^ len, b = K2;
    size_t left = len;
    for (; left >= 32; p += 32, left -= 32) {
        a = fold(load8(p) ^ K1, load8(p + 8) ^ a);
        b = fold(load8(p + 16) ^ K2, load8(p + 24) ^ b);
    }
    if (left > 0) {
        char rest[32] = {0};
        memcpy(rest, p, left);
        a = fold(load8(rest) ^ K1, load8(rest + 8) ^ a);
        b = fold(load8(rest + 16) ^ K2, load8(rest + 24) ^ b);
    }
    return fold(a ^ K2, b ^ K1);
}

/* Two bits out of the first and the last eight bytes of a word. */
static inline uint64_t
bloom(uint64_t first, uint64_t last)
{
    uint64_t h = (first + last * K1) * K2;
    return UINT64_C(1) << (h >> 58) | UINT64_C(1) << ((h >> 52) & 63);
}

/* Up to eight bytes of [p, p + len), without reading behind it. */
static inline uint64_t
load_part(const char *p, size_t len)
{
    char bytes[8] = {0};
    memcpy(bytes, p, len < 8 ? len : 8);
    return load8(bytes);
}

uint64_t
mf_split_word(const char *word, size_t len)
{
    if (len == 0) {
        return 0;
    }
    return bloom(load_part(word, len),
                 load_part(len > 8 ? word + len - 8 : word, len));
}

/* ---- words and lines of a span ---------------------------------------- */

/* Without the instruction for it, which the oldest x86-64 lacks. */
static inline uint32_t
count_bits(uint64_t x)
{
    x -= (x >> 1) & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) +
        ((x >> 2) & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    return (uint32_t)((x * UINT64_C(0x0101010101010101)) >> 56);
}

uint32_t
mf_split_count_lines(const struct mf_split_scan *scan, size_t from, size_t to)
{
    uint32_t lines = 0;
    for (size_t i = from >> 6; from < to; from = ++i << 6) {
        uint64_t range = UINT64_MAX << (from & 63);
        if (i == to >> 6) {
            range &= ~(UINT64_MAX << (to & 63));
        }
        lines += count_bits(scan->blocks[i].line & range);
    }
    return lines;
}

#define WORD4(a, b, c, d)                                                     \
    ((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 |               \
     (uint64_t)(d) << 24)
#define WORD_DEF WORD4('d', 'e', 'f', 0)
#define WORD_CLASS (WORD4('c', 'l', 'a', 's') | (uint64_t)'s' << 32)
#define WORD_IMPORT (WORD4('i', 'm', 'p', 'o') | WORD4('r', 't', 0, 0) << 32)
#define WORD_LAMBDA (WORD4('l', 'a', 'm', 'b') | WORD4('d', 'a', 0, 0) << 32)

static void
add_keyword(struct mf_split_words *words, uint64_t word)
{
    words->defs += word == WORD_DEF || word == WORD_CLASS;
    words->has_import |= word == WORD_IMPORT;
    words->has_lambda |= word == WORD_LAMBDA;
}

/* Bloom bits of a word. Adds it to `words` if it is a keyword of ours. */
static inline uint64_t
look_at_word(const struct mf_split_scan *scan, struct mf_split_words *words,
             size_t pos, size_t len)
{
    const char *p = scan->text + pos;
    uint64_t first, last;
    if (pos + 8 <= scan->len) {
        /* no branch on the length: it would be mispredicted all the time */
        size_t over = (len - 8) & -(size_t)(len > 8);
        unsigned cut = (unsigned)(8 - (len - over)) * 8;
        first = load8(p) << cut >> cut;
        last = load8(p + over) << cut >> cut;
    }
    else {
        first = last = load_part(p, len);
    }
    if (first == WORD_DEF || first == WORD_CLASS || first == WORD_IMPORT ||
        first == WORD_LAMBDA) {
        add_keyword(words, first);
    }
    /* a number begins with a digit, and every digit is below every letter */
    return bloom(first, last) & -(uint64_t)((first & 0xFF) > '9');
}

/* Length of the part of a word that is in block `i` and those behind. */
static size_t
length_from(const struct mf_split_scan *scan, size_t i)
{
    size_t len = 0;
    for (;; i++, len += 64) {
        uint64_t other = ~scan->blocks[i].word;
        if (other != 0) {
            return len + (size_t)__builtin_ctzll(other);
        }
    }
}

void
mf_split_add_words(const struct mf_split_scan *scan,
                   struct mf_split_words *words, size_t from, size_t to)
{
    uint64_t before = 0; /* was the last byte of the block before a word? */
    uint64_t bits = 0, high = 0;
    uint32_t lines = 0;
    for (size_t i = from >> 6; from < to; from = ++i << 6) {
        const struct mf_split_block *block = &scan->blocks[i];
        uint64_t range = UINT64_MAX << (from & 63);
        if (i == to >> 6) {
            range &= ~(UINT64_MAX << (to & 63));
        }
        uint64_t word = block->word & range;
        uint64_t starts = word & ~(word << 1 | before);
        before = word >> 63;
        high |= block->high & word;
        lines += count_bits(block->line & range);
        for (; starts != 0; starts &= starts - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(starts);
            uint64_t behind = ~(word >> bit);
            size_t len =
                behind != 0 ? (size_t)__builtin_ctzll(behind) : 64;
            if (bit + len == 64) {
                len += length_from(scan, i + 1);
            }
            bits |= look_at_word(scan, words, (i << 6) + bit, len);
        }
    }
    words->bits |= bits;
    words->high |= high;
    words->lines += lines;
}

/* ---- the first word of a statement ------------------------------------- */

int
mf_split_first_word(const struct mf_split_scan *scan, size_t *pos)
{
    static const struct {
        char text[8];
        uint8_t len, word;
    } table[] = {
        {"async", 5, MF_SPLIT_WORD_KIND + MF_UNIT_BLOCK},
        {"class", 5, MF_SPLIT_WORD_KIND + MF_UNIT_CLASS},
        {"def", 3, MF_SPLIT_WORD_KIND + MF_UNIT_DEF},
        {"elif", 4, MF_SPLIT_WORD_ELSE},
        {"else", 4, MF_SPLIT_WORD_ELSE},
        {"except", 6, MF_SPLIT_WORD_CLAUSE},
        {"finally", 7, MF_SPLIT_WORD_CLAUSE},
        {"for", 3, MF_SPLIT_WORD_KIND + MF_UNIT_BLOCK},
        {"from", 4, MF_SPLIT_WORD_KIND + MF_UNIT_FROM},
        {"if", 2, MF_SPLIT_WORD_KIND + MF_UNIT_BLOCK},
        {"import", 6, MF_SPLIT_WORD_KIND + MF_UNIT_IMPORT},
        {"lazy", 4, MF_SPLIT_WORD_KIND + MF_UNIT_IMPORT},
        {"try", 3, MF_SPLIT_WORD_KIND + MF_UNIT_BLOCK},
        {"while", 5, MF_SPLIT_WORD_KIND + MF_UNIT_BLOCK},
        {"with", 4, MF_SPLIT_WORD_KIND + MF_UNIT_BLOCK},
    };
    const char *p = scan->text + *pos;
    if (*p == '@') {
        return MF_SPLIT_WORD_DECORATOR;
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        if (*p != table[i].text[0] ||
            !mf_split_word_at(scan, *pos, table[i].text, table[i].len)) {
            continue;
        }
        size_t behind = *pos + table[i].len;
        if (*p == 'a') {
            size_t next = mf_split_skip_blanks(scan, behind);
            if (MF_SPLIT_WORD_AT(scan, next, "def")) {
                *pos = next + 3;
                return MF_SPLIT_WORD_KIND + MF_UNIT_DEF;
            }
        }
        if (*p == 'l') { /* a word like any other, but for the next one */
            size_t next = mf_split_skip_blanks(scan, behind);
            if (MF_SPLIT_WORD_AT(scan, next, "from")) {
                return MF_SPLIT_WORD_KIND + MF_UNIT_FROM;
            }
            if (!MF_SPLIT_WORD_AT(scan, next, "import")) {
                return MF_SPLIT_WORD_NONE;
            }
        }
        *pos = behind;
        return table[i].word;
    }
    return MF_SPLIT_WORD_NONE;
}
