/* split.c -- owns the units: spans, kinds, names and hashes of the statements
 * at top level and in class bodies. The text comes in, struct mf_split goes
 * out.
 *
 * Three passes, each over the whole text: masks (split_token.c), the walk
 * from logical line to logical line, which makes the units, and the words,
 * lines and hashes of all units. Whether a line begins a unit, goes on with
 * the last one or opens a class body is told by its column alone, but for the
 * clauses (else ...) and decorators.
 *
 * The walk relies on the text being valid Python: where it is not, spans may
 * be anything within the text, for the file will not compile either.
 */
#include "split_token.h"
#include "split_words.h"

#define MAX_SCOPES 100 /* the compiler's own limit of indentations */

/* A scope whose statements are units: the module, then classes in it. */
struct scope {
    uint32_t unit; /* the class; NONE for the module */
    uint32_t last; /* its last unit so far, or NONE */
    size_t col;
};

struct walk {
    struct mf_split_scan scan;
    struct mf_split *split;
    struct scope scopes[MAX_SCOPES];
    int depth;        /* the innermost scope */
    bool class_opens; /* the last line was a class header: its body follows */
    bool decorated;   /* the last line was a decorator: a def follows */
    bool no_memory;
};

/* ---- looking into a statement ----------------------------------------- */

/* Offset of the ':' that ends a def's or class's header and has the body
 * behind it on its line. 0: there is none. */
static size_t
header_colon(struct mf_split_scan *scan, size_t pos, size_t end)
{
    const char *text = scan->text;
    int depth = 0, lambdas = 0;
    while (pos < end) {
        char c = text[pos];
        if (mf_split_is_word(c)) {
            size_t from = pos;
            while (pos < end && mf_split_is_word(text[pos])) {
                pos++;
            }
            /* def f() -> lambda: 1: ... */
            lambdas += depth == 0 && pos - from == 6 &&
                       memcmp(text + from, "lambda", 6) == 0;
            continue;
        }
        if (c == '\'' || c == '"') {
            pos = mf_split_string(scan, pos);
            continue;
        }
        if (c == '#') {
            pos = mf_split_next_line(scan, pos);
            continue;
        }
        depth += c == '(' || c == '[' || c == '{';
        depth -= c == ')' || c == ']' || c == '}';
        if (c == ':' && depth == 0 && lambdas-- == 0) {
            return pos;
        }
        pos++;
    }
    return 0;
}

/* Begins at `pos` a statement that is nothing but a plain string? */
static bool
is_docstring(struct mf_split_scan *scan, size_t pos)
{
    const char *text = scan->text;
    int depth = 0;
    bool seen = false, closed = false;
    for (;;) {
        unsigned letters;
        pos = mf_split_skip_blanks(scan, pos);
        if (pos >= scan->len) {
            return seen && depth == 0;
        }
        char c = text[pos];
        size_t quote = pos;
        if (depth > 0 && (c == '\n' || c == '#')) {
            pos = mf_split_next_line(scan, pos) + 1;
            continue;
        }
        if (c == '(' && !seen) {
            depth++;
            pos++;
            continue;
        }
        if (c == ')' && seen && depth > 0) {
            depth--;
            closed = true;
            pos++;
            continue;
        }
        while (quote < scan->len && quote - pos < 2 &&
               mf_split_is_word(text[quote])) {
            quote++;
        }
        if (quote >= scan->len || (text[quote] != '\'' && text[quote] != '"')) {
            return seen && depth == 0 && (c == '\n' || c == ';' || c == '#');
        }
        if (closed || mf_split_prefix(scan, quote, &letters) != pos ||
            letters & (MF_SPLIT_PREFIX_BYTES | MF_SPLIT_PREFIX_FIELDS)) {
            return false;
        }
        pos = mf_split_string(scan, quote);
        if (pos == MF_SPLIT_LOST) {
            return false;
        }
        seen = true;
    }
}

/* if __name__ == "__main__":   with `pos` behind the if. */
static bool
is_main_guard(const struct mf_split_scan *scan, size_t pos)
{
    const char *text = scan->text;
    pos = mf_split_skip_blanks(scan, pos);
    if (!MF_SPLIT_WORD_AT(scan, pos, "__name__")) {
        return false;
    }
    pos = mf_split_skip_blanks(scan, pos + 8);
    if (scan->len - pos < 2 || memcmp(text + pos, "==", 2) != 0) {
        return false;
    }
    pos = mf_split_skip_blanks(scan, pos + 2);
    if (scan->len - pos < 11 || (text[pos] != '\'' && text[pos] != '"') ||
        memcmp(text + pos + 1, "__main__", 8) != 0 ||
        text[pos + 9] != text[pos]) {
        return false;
    }
    pos = mf_split_skip_blanks(scan, pos + 10);
    return pos < scan->len && text[pos] == ':';
}

/* Does another statement follow behind a ';'? Of a line without strings. */
static bool
is_joined(const struct mf_split_scan *scan, size_t pos, size_t end)
{
    for (; pos < end; pos++) {
        if (scan->text[pos] == '#') {
            pos = mf_split_next_line(scan, pos);
        }
        else if (scan->text[pos] == ';') {
            pos = mf_split_skip_blanks(scan, pos + 1);
            return pos < end && scan->text[pos] != '\n' &&
                   scan->text[pos] != '#';
        }
    }
    return false;
}

/* ---- the walk --------------------------------------------------------- */

static struct mf_unit *
new_unit(struct walk *walk, size_t start, size_t at)
{
    struct mf_split *split = walk->split;
    struct scope *scope = &walk->scopes[walk->depth];
    if (split->len == split->cap) {
        uint32_t cap = split->cap ? split->cap * 2 : 64;
        struct mf_unit *units =
            mf_realloc(split->units, cap * sizeof(*units));
        if (units == NULL) {
            walk->no_memory = true;
            return NULL;
        }
        split->units = units;
        split->cap = cap;
    }
    uint32_t index = split->len++;
    if (scope->last != MF_UNIT_NONE) {
        split->units[scope->last].next = index;
    }
    else if (scope->unit != MF_UNIT_NONE) {
        split->units[scope->unit].first_child = index;
    }
    else {
        split->first = index;
    }
    scope->last = index;
    struct mf_unit *unit = &split->units[index];
    *unit = (struct mf_unit){
        .start = (uint32_t)start,
        .indent = (uint32_t)(at - start),
        .def_line = (uint32_t)at, /* an offset until finish_units() */
        .parent = scope->unit,
        .first_child = MF_UNIT_NONE,
        .next = MF_UNIT_NONE,
    };
    return unit;
}

/* Name and body of a def or class whose logical line is [at, end). */
static void
read_header(struct walk *walk, struct mf_unit *unit, size_t at, size_t tail,
            size_t end)
{
    struct mf_split_scan *scan = &walk->scan;
    size_t name = mf_split_skip_blanks(scan, at), behind = name;
    while (behind < end && mf_split_is_word(scan->text[behind])) {
        behind++;
    }
    unit->name = (uint32_t)name;
    unit->name_len = (uint32_t)(behind - name);
    if (scan->text[tail] == ':') {
        unit->body = (uint32_t)tail + 1;
        walk->class_opens = unit->kind == MF_UNIT_CLASS;
    }
    else {
        size_t colon = header_colon(scan, behind, end);
        unit->body = colon != 0 ? (uint32_t)colon + 1 : (uint32_t)end;
        unit->flags |= MF_UNIT_ONE_LINE;
    }
}

/* A logical line in the column of its scope. `start` is the begin of the
 * line, `at` its first byte that is no blank. Gives the end of the line. */
static size_t
statement(struct walk *walk, size_t start, size_t at)
{
    struct mf_split_scan *scan = &walk->scan;
    struct scope *scope = &walk->scopes[walk->depth];
    struct mf_unit *unit = NULL;
    size_t behind = at, tail;
    int word = mf_split_first_word(scan, &behind);
    int kind = word >= MF_SPLIT_WORD_KIND ? word - MF_SPLIT_WORD_KIND : MF_UNIT_OTHER;
    bool first = scope->last == MF_UNIT_NONE;
    if (walk->decorated || word == MF_SPLIT_WORD_CLAUSE || word == MF_SPLIT_WORD_ELSE) {
        unit = first ? NULL : &walk->split->units[scope->last];
        if (walk->decorated ? word != MF_SPLIT_WORD_DECORATOR && kind != MF_UNIT_DEF &&
                                  kind != MF_UNIT_CLASS
                            : unit == NULL || unit->kind != MF_UNIT_BLOCK) {
            return mf_split_lost(scan, at, "clause or decorator alone");
        }
    }
    size_t end = mf_split_logical(scan, at, &tail);
    if (end == MF_SPLIT_LOST) {
        return end;
    }
    if (unit == NULL) {
        unit = new_unit(walk, start, at);
        if (unit == NULL) {
            return MF_SPLIT_LOST;
        }
    }
    unit->end = (uint32_t)end;
    walk->decorated = word == MF_SPLIT_WORD_DECORATOR;
    if (word == MF_SPLIT_WORD_DECORATOR) {
        unit->flags |= MF_UNIT_DECORATED;
        return end;
    }
    if (word == MF_SPLIT_WORD_CLAUSE || word == MF_SPLIT_WORD_ELSE) {
        unit->flags &= word == MF_SPLIT_WORD_ELSE ? ~MF_UNIT_MAIN_GUARD : 0xFF;
        return end;
    }
    unit->kind = (uint8_t)kind;
    unit->def_line = (uint32_t)at;
    if (kind == MF_UNIT_DEF || kind == MF_UNIT_CLASS) {
        read_header(walk, unit, behind, tail, end);
    }
    else if (kind == MF_UNIT_IMPORT || kind == MF_UNIT_FROM) {
        if (walk->depth > 0 || is_joined(scan, behind, end)) {
            unit->kind = MF_UNIT_OTHER;
        }
    }
    else if (kind == MF_UNIT_BLOCK && walk->depth == 0 &&
             scan->text[at] == 'i' && is_main_guard(scan, behind)) {
        unit->flags |= MF_UNIT_MAIN_GUARD;
    }
    else if (kind == MF_UNIT_OTHER && first && is_docstring(scan, at)) {
        unit->flags |= MF_UNIT_DOCSTRING;
    }
    return end;
}

/* A class ends where its last member does. */
static void
leave_scope(struct walk *walk)
{
    struct scope *scope = &walk->scopes[walk->depth--];
    struct mf_unit *units = walk->split->units;
    units[scope->unit].end = units[scope->last].end;
}

/* A line deeper than its scope: goes on with the last unit. */
static bool
goes_on(struct walk *walk, struct scope *scope)
{
    struct mf_unit *unit;
    if (scope->last == MF_UNIT_NONE || walk->decorated) {
        return false;
    }
    unit = &walk->split->units[scope->last];
    if (unit->kind == MF_UNIT_OTHER &&
        MF_SPLIT_WORD_AT(&walk->scan, unit->start + unit->indent, "match")) {
        unit->kind = MF_UNIT_BLOCK;
    }
    return unit->kind == MF_UNIT_BLOCK || unit->kind == MF_UNIT_DEF ||
           unit->kind == MF_UNIT_CLASS;
}

/* A logical line in column `col`. Gives its end. */
static size_t
logical_line(struct walk *walk, size_t start, size_t at, size_t col)
{
    struct scope *scope = &walk->scopes[walk->depth];
    if (walk->class_opens) {
        if (col <= scope->col || walk->depth + 1 == MAX_SCOPES) {
            return mf_split_lost(&walk->scan, at, "class without body");
        }
        walk->class_opens = false;
        walk->scopes[++walk->depth] = (struct scope){
            .unit = scope->last, .last = MF_UNIT_NONE, .col = col};
        return statement(walk, start, at);
    }
    if (col > scope->col) {
        if (!goes_on(walk, scope)) {
            return mf_split_lost(&walk->scan, at, "unexpected indent");
        }
        size_t end = mf_split_logical(&walk->scan, at, NULL);
        walk->split->units[scope->last].end = (uint32_t)end;
        return end;
    }
    while (col < walk->scopes[walk->depth].col) {
        if (walk->decorated) {
            return mf_split_lost(&walk->scan, at, "decorator alone");
        }
        leave_scope(walk);
    }
    if (col != walk->scopes[walk->depth].col) {
        return mf_split_lost(&walk->scan, at, "unindent");
    }
    return statement(walk, start, at);
}

/* Makes all units. 0, or -1 when lost. */
static int
walk_text(struct walk *walk)
{
    struct mf_split_scan *scan = &walk->scan;
    size_t pos = 0;
    walk->scopes[0] =
        (struct scope){.unit = MF_UNIT_NONE, .last = MF_UNIT_NONE};
    while (pos < scan->len) {
        size_t col, at = mf_split_indentation(scan, pos, &col);
        if (at >= scan->len) {
            break;
        }
        char c = scan->text[at];
        if (c == '\n') {
            pos = at + 1;
            continue;
        }
        if (c == '#') {
            pos = mf_split_next_line(scan, at);
            mf_split_forget(scan, at, pos);
            pos++;
            continue;
        }
        if (c == '\\') {
            /* the column then counts on the line before; nobody does it */
            mf_split_lost(scan, at, "line begins with a backslash");
            return -1;
        }
        pos = logical_line(walk, pos, at, col);
        if (pos == MF_SPLIT_LOST) {
            return -1;
        }
    }
    if (walk->class_opens || walk->decorated) {
        mf_split_lost(scan, scan->len, "text ends in a header");
        return -1;
    }
    while (walk->depth > 0) {
        leave_scope(walk);
    }
    return 0;
}

/* ---- results ---------------------------------------------------------- */

static size_t
without_newline(const struct mf_split_scan *scan, size_t start, size_t end)
{
    return end > start && scan->text[end - 1] == '\n' ? end - 1 : end;
}

/* Lines, words, flags and hashes of all units, each byte looked at once but
 * for the hash of a class. */
static void
finish_units(struct mf_split_scan *scan, struct mf_split *split)
{
    size_t pos = 0;
    uint32_t line = 1;
    for (uint32_t i = 0; i < split->len; i++) {
        struct mf_unit *unit = &split->units[i];
        struct mf_split_words words = {0};
        size_t to = unit->first_child != MF_UNIT_NONE
                        ? split->units[unit->first_child].start
                        : unit->end;
        size_t behind = without_newline(scan, unit->start, unit->end);
        line += mf_split_count_lines(scan, pos, unit->start);
        unit->line = line;
        unit->def_line =
            line + mf_split_count_lines(scan, unit->start, unit->def_line);
        mf_split_add_words(scan, &words, unit->start, to);
        line += words.lines;
        pos = to;
        /* a class with members gets its last line from them */
        unit->end_line = line - (behind < unit->end);
        unit->words = words.high ? UINT64_MAX : words.bits;
        bool own = unit->kind == MF_UNIT_DEF || unit->kind == MF_UNIT_CLASS;
        unit->flags |= (words.has_import ? MF_UNIT_HAS_IMPORT : 0) |
                       (words.has_lambda ? MF_UNIT_HAS_LAMBDA : 0) |
                       (words.defs > own ? MF_UNIT_HAS_DEF : 0);
        unit->hash = mf_split_hash_bytes(scan->text + unit->start,
                                behind - unit->start);
    }
    split->lines = line + mf_split_count_lines(scan, pos, scan->len) -
                   (scan->len == 0 || scan->text[scan->len - 1] == '\n');
    for (uint32_t i = split->len; i-- > 0;) {
        const struct mf_unit *unit = &split->units[i];
        struct mf_unit *parent;
        if (unit->parent == MF_UNIT_NONE) {
            continue;
        }
        parent = &split->units[unit->parent];
        parent->words |= unit->words;
        parent->flags |= unit->flags & (MF_UNIT_HAS_IMPORT |
                                        MF_UNIT_HAS_LAMBDA | MF_UNIT_HAS_DEF);
        if (unit->kind == MF_UNIT_DEF || unit->kind == MF_UNIT_CLASS) {
            parent->flags |= MF_UNIT_HAS_DEF;
        }
        if (unit->next == MF_UNIT_NONE) {
            parent->end_line = unit->end_line;
        }
    }
}

/* The whole text as one unit. 0; -1: no memory. */
static int
give_up(struct walk *walk)
{
    struct mf_split_scan *scan = &walk->scan;
    struct mf_split *split = walk->split;
    split->len = 0;
    walk->depth = 0;
    walk->scopes[0] =
        (struct scope){.unit = MF_UNIT_NONE, .last = MF_UNIT_NONE};
    struct mf_unit *unit = new_unit(walk, 0, 0);
    if (unit == NULL) {
        return -1;
    }
    size_t behind = without_newline(scan, 0, scan->len);
    unit->end = (uint32_t)scan->len;
    unit->line = unit->def_line = 1;
    unit->end_line = 1 + mf_split_count_lines(scan, 0, behind);
    unit->flags = MF_UNIT_HAS_DEF | MF_UNIT_HAS_IMPORT | MF_UNIT_HAS_LAMBDA;
    unit->words = UINT64_MAX;
    unit->hash = mf_split_hash_bytes(scan->text, behind);
    split->lines = unit->end_line;
    split->why = scan->why;
    split->why_line = 1 + mf_split_count_lines(scan, 0, scan->why_at < scan->len
                                                   ? scan->why_at
                                                   : behind);
    return 0;
}

int
mf_split(struct mf_split *split, const char *text, size_t len)
{
    struct walk walk;
    *split = (struct mf_split){.first = MF_UNIT_NONE};
    if (len >= UINT32_MAX || mf_split_scan_init(&walk.scan, text, len) < 0) {
        split->result = MF_SPLIT_NOMEM;
        return MF_SPLIT_NOMEM;
    }
    walk.split = split;
    walk.depth = 0;
    walk.class_opens = walk.decorated = walk.no_memory = false;
    int result = MF_SPLIT_OK;
    if (walk_text(&walk) == 0) {
        finish_units(&walk.scan, split);
    }
    else {
        result = walk.no_memory || give_up(&walk) < 0 ? MF_SPLIT_NOMEM
                                                      : MF_SPLIT_UNSURE;
    }
    mf_split_scan_clear(&walk.scan);
    if (result == MF_SPLIT_NOMEM) {
        mf_split_clear(split);
    }
    split->result = (int8_t)result;
    return result;
}

void
mf_split_clear(struct mf_split *split)
{
    mf_free(split->units);
    *split = (struct mf_split){.first = MF_UNIT_NONE};
}
