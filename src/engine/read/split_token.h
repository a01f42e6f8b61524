/* split_token.h -- the splitter's view of the bytes: masks with one bit per
 * byte, where strings end, where logical lines end. Knows no statements; only
 * split*.c include it. Needs no GIL.
 *
 * The masks are made for the whole text first, without branches. What walks
 * the text then jumps from stop to stop and takes the words that are no code
 * (in strings and comments) out of `word`: what is left of it when the walk
 * is done are the identifiers, keywords and numbers.
 */
#ifndef MF_SPLIT_TOKEN_H
#define MF_SPLIT_TOKEN_H

#include "split.h"

#include "../ground/fault.h"

/* 64 bytes of the text; bit n stands for byte n. */
struct mf_split_block {
    uint64_t word;  /* letters, digits, _ and bytes above 127 */
    uint64_t high;  /* bytes above 127 */
    uint64_t stop;  /* ' " # \ and newline */
    uint64_t line;  /* newline */
    uint64_t open;  /* ( [ { */
    uint64_t close; /* ) ] } */
};

/* Behind the text stands a newline that is only in the masks: every search
 * ends there and no byte behind the text is read. */
struct mf_split_scan {
    const char *text;
    size_t len;
    struct mf_split_block *blocks; /* len / 64 + 1 */
    const char *why; /* static text once a function gave MF_SPLIT_LOST */
    size_t why_at;
};

#define MF_SPLIT_LOST SIZE_MAX

/* 0; -1: no memory, no exception set. */
int mf_split_scan_init(struct mf_split_scan *scan, const char *text,
                       size_t len);
void mf_split_scan_clear(struct mf_split_scan *scan);

/* Start of the string's prefix (rb, f ...) whose opening quote is at `quote`;
 * `quote` itself if it has none. *letters: a set of PREFIX_* bits. */
enum {
    MF_SPLIT_PREFIX_BYTES = 1,
    MF_SPLIT_PREFIX_RAW = 2,
    MF_SPLIT_PREFIX_FIELDS = 4 /* f and t: { } are replacement fields */
};
size_t mf_split_prefix(const struct mf_split_scan *scan, size_t quote,
                       unsigned *letters);

/* Offset behind the string whose opening quote is at `quote`. Its words are
 * taken out of the mask, but for those in replacement fields.
 * MF_SPLIT_LOST: no end found. */
size_t mf_split_string(struct mf_split_scan *scan, size_t quote);

/* Offset behind the newline of the logical line that `pos` is in, outside
 * brackets and strings. *tail: offset of its last byte that is no blank,
 * comment or newline. MF_SPLIT_LOST when in doubt. */
size_t mf_split_logical(struct mf_split_scan *scan, size_t pos, size_t *tail);

size_t mf_split_lost(struct mf_split_scan *scan, size_t at, const char *why);

static inline size_t
mf_split_next_stop(const struct mf_split_scan *scan, size_t pos)
{
    size_t i = pos >> 6;
    uint64_t bits = scan->blocks[i].stop & (UINT64_MAX << (pos & 63));
    while (bits == 0) {
        bits = scan->blocks[++i].stop;
    }
    return (i << 6) + (size_t)__builtin_ctzll(bits);
}

static inline size_t
mf_split_next_line(const struct mf_split_scan *scan, size_t pos)
{
    size_t i = pos >> 6;
    uint64_t bits = scan->blocks[i].line & (UINT64_MAX << (pos & 63));
    while (bits == 0) {
        bits = scan->blocks[++i].line;
    }
    return (i << 6) + (size_t)__builtin_ctzll(bits);
}

/* Takes the words in [from, to) out of the mask. */
static inline void
mf_split_forget(struct mf_split_scan *scan, size_t from, size_t to)
{
    if (from >= to) {
        return;
    }
    size_t i = from >> 6, last = to >> 6;
    uint64_t head = UINT64_MAX << (from & 63);
    uint64_t tail = ~(UINT64_MAX << (to & 63));
    if (i == last) {
        scan->blocks[i].word &= ~(head & tail);
        return;
    }
    scan->blocks[i].word &= ~head;
    while (++i < last) {
        scan->blocks[i].word = 0;
    }
    scan->blocks[i].word &= ~tail;
}

/* Is this byte part of a word? Keep in step with the mask. */
static inline bool
mf_split_is_word(char c)
{
    unsigned char u = (unsigned char)c;
    return (unsigned char)((u | 0x20) - 'a') < 26 ||
           (unsigned char)(u - '0') < 10 || u == '_' || u >= 0x80;
}

/* Are the bytes at `pos` this word, and no longer one? */
bool mf_split_word_at(const struct mf_split_scan *scan, size_t pos,
                      const char *word, size_t len);
#define MF_SPLIT_WORD_AT(scan, pos, word)                                     \
    mf_split_word_at(scan, pos, word, sizeof(word) - 1)

/* Skips blanks and backslash-newlines, as they stand between tokens. */
size_t mf_split_skip_blanks(const struct mf_split_scan *scan, size_t pos);

/* Offset of the first byte from `pos` on that is no blank; *col: its column
 * as the compiler counts it. */
size_t mf_split_indentation(const struct mf_split_scan *scan, size_t pos,
                            size_t *col);

#endif
