/* split_imports.c -- owns the import statements of a unit: which names they
 * bind to what, at any depth of blocks, class bodies and functions. One unit
 * of a split comes in, one call per bound name goes out. Every import holds
 * the word import, a keyword, outside strings: only lines with it are read.
 */
#include "split_token.h"
#include "split_words.h"

#define MAX_DEPTH 100

struct finder {
    struct mf_split_scan scan; /* of the unit's text alone */
    int (*cb)(const struct mf_import *, void *);
    void *arg;
    size_t counted; /* newlines up to here are counted: */
    uint32_t line;
    int depth;
    struct around { /* def and block headers around the line */
        size_t col;
        bool nested, guarded;
    } around[MAX_DEPTH];
};

/* ---- one statement ---------------------------------------------------- */

/* Blanks; between parentheses also newlines and comments. */
static size_t
skip(const struct mf_split_scan *scan, size_t pos, bool inside)
{
    for (;;) {
        pos = mf_split_skip_blanks(scan, pos);
        if (!inside || pos >= scan->len ||
            (scan->text[pos] != '\n' && scan->text[pos] != '#')) {
            return pos;
        }
        pos = mf_split_next_line(scan, pos) + 1;
    }
}

static bool
is_at(const struct mf_split_scan *scan, size_t pos, char c)
{
    return pos < scan->len && scan->text[pos] == c;
}

static size_t
word_end(const struct mf_split_scan *scan, size_t pos)
{
    while (pos < scan->len && mf_split_is_word(scan->text[pos])) {
        pos++;
    }
    return pos;
}

/* End of a dotted name. */
static size_t
dotted_end(const struct mf_split_scan *scan, size_t pos)
{
    for (;;) {
        size_t end = word_end(scan, pos), dot = skip(scan, end, false);
        if (!is_at(scan, dot, '.')) {
            return end;
        }
        pos = skip(scan, dot + 1, false);
        if (word_end(scan, pos) == pos) {
            return end;
        }
    }
}

/* `as name` behind `pos`, if it is there: *pos goes behind it. */
static void
read_alias(const struct mf_split_scan *scan, size_t *pos, bool inside,
           struct mf_import *import)
{
    size_t at = skip(scan, *pos, inside);
    if (MF_SPLIT_WORD_AT(scan, at, "as")) {
        at = skip(scan, at + 2, inside);
        *pos = word_end(scan, at);
        import->as = scan->text + at;
        import->as_len = (uint32_t)(*pos - at);
    }
}

/* `pos` is behind the word import. *result is what cb gave last. */
static size_t
read_import(const struct finder *finder, size_t pos, struct mf_import import,
            int *result)
{
    const struct mf_split_scan *scan = &finder->scan;
    for (;;) {
        pos = skip(scan, pos, false);
        size_t end = dotted_end(scan, pos);
        if (end == pos) {
            return pos;
        }
        import.module = scan->text + pos;
        import.module_len = (uint32_t)(end - pos);
        import.as = import.module;
        import.as_len = (uint32_t)(word_end(scan, pos) - pos);
        read_alias(scan, &end, false, &import);
        *result = finder->cb(&import, finder->arg);
        pos = skip(scan, end, false);
        if (*result != 0 || !is_at(scan, pos, ',')) {
            return pos;
        }
        pos++;
    }
}

/* `pos` is behind the word from. */
static size_t
read_from(const struct finder *finder, size_t pos, struct mf_import import,
          int *result)
{
    const struct mf_split_scan *scan = &finder->scan;
    bool inside = false;
    import.module = "";
    for (pos = skip(scan, pos, false); is_at(scan, pos, '.');
         pos = skip(scan, pos + 1, false)) {
        import.level++;
    }
    if (!MF_SPLIT_WORD_AT(scan, pos, "import")) {
        size_t end = dotted_end(scan, pos);
        import.module = scan->text + pos;
        import.module_len = (uint32_t)(end - pos);
        pos = skip(scan, end, false);
        if (!MF_SPLIT_WORD_AT(scan, pos, "import")) {
            return pos; /* yield from, raise ... from */
        }
    }
    pos = skip(scan, pos + 6, false);
    if (is_at(scan, pos, '(')) {
        inside = true;
        pos = skip(scan, pos + 1, true);
    }
    for (;;) {
        bool star = is_at(scan, pos, '*');
        size_t end = star ? pos + 1 : word_end(scan, pos);
        if (end == pos) {
            break;
        }
        import.name = scan->text + pos;
        import.name_len = (uint32_t)(end - pos);
        import.as = star ? NULL : import.name;
        import.as_len = star ? 0 : import.name_len;
        read_alias(scan, &end, inside, &import);
        *result = finder->cb(&import, finder->arg);
        pos = skip(scan, end, inside);
        if (*result != 0 || !is_at(scan, pos, ',')) {
            break;
        }
        pos = skip(scan, pos + 1, inside);
    }
    return inside && is_at(scan, pos, ')') ? pos + 1 : pos;
}

/* ---- lines ------------------------------------------------------------ */

/* A simple statement may begin at *pos: read it if it is an import. */
static int
read_statement(struct finder *finder, size_t *pos,
               const struct around *around)
{
    const struct mf_split_scan *scan = &finder->scan;
    size_t at = *pos;
    int result = 0;
    struct mf_import import = {
        .nested = around->nested,
        .guarded = around->guarded,
    };
    if (MF_SPLIT_WORD_AT(scan, at, "lazy")) {
        at = mf_split_skip_blanks(scan, at + 4);
    }
    bool from = MF_SPLIT_WORD_AT(scan, at, "from");
    if (from || MF_SPLIT_WORD_AT(scan, at, "import")) {
        finder->line += mf_split_count_lines(scan, finder->counted, *pos);
        finder->counted = *pos;
        import.line = finder->line;
        *pos = from ? read_from(finder, at + 4, import, &result)
                    : read_import(finder, at + 6, import, &result);
    }
    return result;
}

/* A logical line with the word import in it. `header` holds for the
 * statements behind a header's ':', `around` for the first one. */
static int
read_line(struct finder *finder, size_t pos, size_t end,
          const struct around *around, const struct around *header)
{
    struct mf_split_scan *scan = &finder->scan;
    int depth = 0, result = read_statement(finder, &pos, around);
    while (result == 0 && pos < end) {
        char c = scan->text[pos];
        if (mf_split_is_word(c)) {
            pos = word_end(scan, pos);
            continue;
        }
        if (c == '\'' || c == '"') {
            pos = mf_split_string(scan, pos);
            continue; /* lost is behind the end */
        }
        if (c == '#') {
            pos = mf_split_next_line(scan, pos);
            continue;
        }
        depth += c == '(' || c == '[' || c == '{';
        depth -= c == ')' || c == ']' || c == '}';
        pos++;
        if (depth == 0 && (c == ';' || c == ':')) {
            pos = mf_split_skip_blanks(scan, pos);
            result = read_statement(finder, &pos, header);
        }
    }
    return result;
}

static bool
has_import(const struct mf_split_scan *scan, size_t pos, size_t end)
{
    while (pos < end) {
        const char *hit = memchr(scan->text + pos, 'i', end - pos);
        if (hit == NULL) {
            return false;
        }
        pos = (size_t)(hit - scan->text);
        if (MF_SPLIT_WORD_AT(scan, pos, "import")) {
            return true;
        }
        pos++;
    }
    return false;
}

/* The logical line [at, end) in column `col`. A line that begins with match
 * is a header only if it ends with a ':'; what its cases hold is deeper. */
static int
logical_line(struct finder *finder, size_t at, size_t tail, size_t end,
             size_t col)
{
    const struct mf_split_scan *scan = &finder->scan;
    struct around around = {0}, header;
    size_t behind = at;
    int word = mf_split_first_word(scan, &behind), result = 0;
    while (finder->depth > 0 &&
           finder->around[finder->depth - 1].col >= col) {
        finder->depth--;
    }
    if (finder->depth > 0) {
        around = finder->around[finder->depth - 1];
    }
    header = around;
    header.col = col;
    if (word == MF_SPLIT_WORD_KIND + MF_UNIT_DEF) {
        header.nested = true;
    }
    else if (word == MF_SPLIT_WORD_KIND + MF_UNIT_BLOCK ||
             word == MF_SPLIT_WORD_CLAUSE || word == MF_SPLIT_WORD_ELSE ||
             (MF_SPLIT_WORD_AT(scan, at, "match") &&
              scan->text[tail] == ':')) {
        header.guarded = true;
    }
    if (has_import(scan, at, end)) {
        result = read_line(finder, at, end, &around, &header);
    }
    /* pushed for simple statements too: the next line takes it off */
    if (finder->depth < MAX_DEPTH) {
        finder->around[finder->depth++] = header;
    }
    return result;
}

static int
find_imports(struct finder *finder)
{
    struct mf_split_scan *scan = &finder->scan;
    size_t pos = 0;
    int result = 0;
    while (result == 0 && pos < scan->len) {
        size_t col, at = mf_split_indentation(scan, pos, &col);
        if (at >= scan->len) {
            break;
        }
        if (scan->text[at] == '\n' || scan->text[at] == '#') {
            pos = mf_split_next_line(scan, at) + 1;
            continue;
        }
        size_t tail = at;
        pos = mf_split_logical(scan, at, &tail);
        if (pos == MF_SPLIT_LOST) { /* an unsure text: the best is done */
            pos = mf_split_next_line(scan, at) + 1;
            pos = pos < scan->len ? pos : scan->len;
        }
        result = logical_line(finder, at, tail, pos, col);
    }
    return result;
}

int
mf_split_imports(const char *text, const struct mf_split *split,
                 uint32_t index, int (*cb)(const struct mf_import *, void *),
                 void *arg)
{
    const struct mf_unit *unit = &split->units[index];
    struct finder finder;
    int result;
    if (!(unit->flags & MF_UNIT_HAS_IMPORT)) {
        return 0;
    }
    finder.cb = cb;
    finder.arg = arg;
    finder.counted = 0;
    finder.line = unit->line;
    finder.depth = 0;
    if (mf_split_scan_init(&finder.scan, text + unit->start,
                           unit->end - unit->start) < 0) {
        if (PyGILState_Check()) {
            PyErr_NoMemory();
        }
        return -1;
    }
    result = find_imports(&finder);
    mf_split_scan_clear(&finder.scan);
    return result;
}
