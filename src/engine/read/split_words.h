/* split_words.h -- hash, lines and words of a span (see split_words.c). Only
 * split*.c include it. Needs no GIL.
 */
#ifndef MF_SPLIT_WORDS_H
#define MF_SPLIT_WORDS_H

#include "split_token.h"

struct mf_split_words {
    uint64_t bits;
    uint64_t high; /* not 0: a word is not ASCII */
    uint32_t lines;
    uint32_t defs; /* how many times def and class occur */
    bool has_import, has_lambda;
};

uint64_t mf_split_hash_bytes(const char *p, size_t len);

/* Newlines in [from, to). */
uint32_t mf_split_count_lines(const struct mf_split_scan *scan, size_t from,
                              size_t to);

/* Adds words and lines of [from, to), which begins and ends between words. */
void mf_split_add_words(const struct mf_split_scan *scan,
                        struct mf_split_words *words, size_t from, size_t to);

enum mf_split_word_kind { /* what the first word of a statement says */
    MF_SPLIT_WORD_NONE,
    MF_SPLIT_WORD_DECORATOR,
    MF_SPLIT_WORD_CLAUSE,
    MF_SPLIT_WORD_ELSE, /* elif and else */
    MF_SPLIT_WORD_KIND  /* + enum mf_unit_kind */
};

/* What the word at *pos says of the statement that begins there; *pos goes
 * behind it and, for `async def`, behind both. One of the enum, or
 * MF_SPLIT_WORD_KIND + an enum mf_unit_kind. Soft keywords (match, case) say
 * nothing. */
int mf_split_first_word(const struct mf_split_scan *scan, size_t *pos);

#endif
