/* split.h -- the lexer: spans, hashes and names of the top-level statements
 * of a source and of the members of its classes, without building a tree.
 * Needs no GIL and no Python object: input and output are plain memory.
 *
 * Input is UTF-8 with '\n' line ends (source.c has decoded, removed the BOM
 * and translated line ends). Output is exact or says MF_SPLIT_UNSURE: then
 * the whole file counts as one statement.
 */
#ifndef MF_SPLIT_H
#define MF_SPLIT_H

#include "../engine.h"

enum mf_unit_kind {
    MF_UNIT_OTHER,   /* any other simple statement(s) of one logical line */
    MF_UNIT_DEF,     /* def / async def, with its decorators */
    MF_UNIT_CLASS,   /* class, with its decorators; may have members */
    MF_UNIT_IMPORT,  /* import a, b.c as d        (plain, at top level) */
    MF_UNIT_FROM,    /* from x import y as z      (plain, at top level) */
    MF_UNIT_BLOCK    /* if / try / with / for / while / match, all its parts */
};

enum mf_unit_flag {
    MF_UNIT_HAS_LAMBDA = 1,   /* the word lambda occurs */
    MF_UNIT_HAS_DEF = 2,      /* a def or class besides the unit itself */
    MF_UNIT_HAS_IMPORT = 4,   /* an import statement, at any depth; also on
                                 IMPORT and FROM themselves */
    MF_UNIT_DOCSTRING = 8,    /* first statement of its scope, a plain string */
    MF_UNIT_MAIN_GUARD = 16,  /* if __name__ == "__main__": (either quote),
                                 at top level, without elif or else */
    MF_UNIT_ONE_LINE = 32,    /* class C: pass   -- body on the header's line;
                                 DEF too. Such a class has no members */
    MF_UNIT_DECORATED = 64
};

/* One statement. Several simple statements joined by ';' on one logical line
 * are one unit, OTHER whatever they are. An import in a class body is OTHER
 * too; the flag HAS_IMPORT tells. Offsets are bytes into the text, lines are 1-based.
 * [start, end) runs from the first byte of the statement's first line
 * (decorators included, indentation included) to behind the '\n' of its last
 * line (or the end of the text). Comments and blank lines between units
 * belong to no unit. A trailing comment on a unit's last line does. */
struct mf_unit {
    uint32_t start, end;
    uint32_t line, end_line;   /* first line (decorator), last line */
    uint32_t def_line;         /* line of the (async) def or class keyword;
                                  else line */
    uint32_t body;             /* DEF, CLASS: offset behind the header's ':';
                                  0 for others */
    uint32_t name, name_len;   /* DEF, CLASS: offset of the name, its length */
    uint32_t indent;           /* columns of its indentation in bytes */
    uint32_t parent;           /* index of the enclosing class unit, or NONE */
    uint32_t first_child;      /* CLASS: index of the first member, or NONE;
                                  members of one class are contiguous by
                                  `next` */
    uint32_t next;             /* next unit of the same scope, or NONE */
    uint8_t kind;              /* enum mf_unit_kind */
    uint8_t flags;             /* enum mf_unit_flag */
    uint64_t hash;             /* of the bytes [start, end) without the
                                  trailing newline */
    uint64_t words;            /* bloom: two bits per identifier that occurs
                                  in the unit, see mf_split_word; all ones if
                                  one is not ASCII (it may be another when
                                  normalised) */
};
#define MF_UNIT_NONE UINT32_MAX

enum mf_split_result {
    MF_SPLIT_OK = 0,
    MF_SPLIT_UNSURE = 1,  /* units is one OTHER over the whole text, with all
                             HAS_ flags and words */
    MF_SPLIT_NOMEM = -1   /* no exception set */
};

struct mf_split {
    struct mf_unit *units; /* top-level units and members, in source order:
                              a class stands before its members */
    uint32_t len, cap;
    uint32_t first;        /* index of the first top-level unit, or NONE */
    uint32_t lines;        /* number of lines in the text */
    int8_t result;         /* enum mf_split_result */
    const char *why;       /* static text when unsure */
    uint32_t why_line;
};

/* Has this Python f-strings that may hold any quotes in their fields (3.12
 * and later)? Set once, when the engine is loaded; true until then. */
void mf_split_fstrings(bool nested);

/* Split text[0..len). *split is overwritten; clear it before it is used
 * again. `text` must stay alive as long as names are read out
 * of the offsets. Returns enum mf_split_result. */
int mf_split(struct mf_split *split, const char *text, size_t len);
/* The same, where `old` is the split of `old_text`: what both share at their
 * beginning and end is not read again. */
int mf_split_again(struct mf_split *split, const char *text, size_t len,
                   const struct mf_split *old, const char *old_text,
                   size_t old_len);
/* How many bytes at the beginning are the same, of at most len; at the end,
 * where a and b are behind the last byte. */
size_t mf_split_same_start(const char *a, const char *b, size_t len);
size_t mf_split_same_end(const char *a, const char *b, size_t len);
void mf_split_clear(struct mf_split *split);

/* Bloom bits of an identifier, as used in mf_unit.words. */
uint64_t mf_split_word(const char *word, size_t len);

/* One name bound by an import statement. Spans into the text. A dotted
 * `import a.b` binds "a"; with `as` it binds the alias to a.b itself. */
struct mf_import {
    const char *module; uint32_t module_len; /* "" for `from . import x` */
    uint32_t level;                          /* leading dots */
    const char *name; uint32_t name_len;     /* from: imported name, "*" for a
                                                star; import: NULL */
    const char *as; uint32_t as_len;         /* bound name; NULL for a star */
    uint32_t line;
    bool nested;   /* inside a def (or lambda-free block of one): runs when
                      called, binds nothing in the module */
    bool guarded;  /* inside if/try/... */
};

/* Calls back for every import inside the unit (any depth: blocks, class
 * bodies, functions), in order. cb returns 0 to go on, else the value is
 * returned. Whitespace inside dotted names is possible in Python; then the
 * span is as written and `cb` sees it raw (source.c normalises). Lazy imports
 * of 3.15 (`lazy import x`, `lazy from x import y`) count as imports. */
int mf_split_imports(const char *text, const struct mf_split *split,
                     uint32_t unit, int (*cb)(const struct mf_import *, void *),
                     void *arg);

#endif
