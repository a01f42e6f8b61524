/* redefine_lines.c -- owns the location table of a main module's own code,
 * which no update exchanges: it runs. In: both texts. Out: the same code
 * object; its tracebacks show the lines of the new text.
 *
 * The table is a run of entries: a byte with a form and a number of
 * instructions, then lines relative to the entry before and columns, in a
 * layout that is the same since 3.11. Only lines are written anew.
 */
#include "redefine_lines.h"

#include "../ground/compat.h"
#include "../heap/frames.h"

/* ---- old line -> new line --------------------------------------------------- */

struct lines {
    int *map; /* by old line; [0] is unused */
    int len;
};

static const char *
line_end(const char *p, const char *end)
{
    const char *found = memchr(p, '\n', (size_t)(end - p));
    return found != NULL ? found + 1 : end;
}

/* Lines that two pieces of text have in common at their beginning. */
static int
common_lines(const char *a, const char *a_end, const char *b,
             const char *b_end)
{
    int n = 0;
    while (a < a_end && b < b_end) {
        const char *x = line_end(a, a_end), *y = line_end(b, b_end);
        if (x - a != y - b || memcmp(a, b, (size_t)(x - a)) != 0) {
            break;
        }
        a = x, b = y, n++;
    }
    return n;
}

/* A paired statement: what its beginning shares moves with it, the rest stays
 * as far from its end as it was. */
static void
map_unit(struct lines *lines, const struct mf_diff *diff,
         const struct mf_delta *d)
{
    const struct mf_unit *a = &diff->old_of.split->units[d->old_unit];
    const struct mf_unit *b = &diff->new_of.split->units[d->new_unit];
    const char *old_text = PyBytes_AS_STRING(diff->old_of.text->bytes);
    const char *new_text = PyBytes_AS_STRING(diff->new_of.text->bytes);
    int same = common_lines(old_text + a->start, old_text + a->end,
                            new_text + b->start, new_text + b->end);
    for (int i = (int)a->line; i <= (int)a->end_line && i < lines->len; i++) {
        int from_start = i - (int)a->line + (int)b->line;
        int from_end = i - (int)a->end_line + (int)b->end_line;
        bool shared = i - (int)a->line < same;
        lines->map[i] = shared || from_end < from_start ? from_start
                                                        : from_end;
        if (lines->map[i] > (int)b->end_line) {
            lines->map[i] = (int)b->end_line;
        }
    }
}

/* 1: some line moves; 0: none; -1 */
static int
lines_init(struct lines *lines, const struct mf_diff *diff)
{
    lines->len = (int)diff->old_of.split->lines + 2;
    lines->map = PyMem_Calloc((size_t)lines->len, sizeof(int));
    if (lines->map == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < diff->len; i++) {
        const struct mf_delta *d = &diff->deltas[i];
        if (d->parent == MF_UNIT_NONE && d->old_unit != MF_UNIT_NONE &&
            d->new_unit != MF_UNIT_NONE) {
            map_unit(lines, diff, d);
        }
    }
    int moved = 0;
    for (int i = 1; i < lines->len; i++) {
        if (lines->map[i] == 0) { /* removed, or between statements */
            lines->map[i] = lines->map[i - 1] > 0 ? lines->map[i - 1] : i;
        }
        moved |= lines->map[i] != i;
    }
    return moved;
}

static int
new_line_of(const struct lines *lines, int line)
{
    return line > 0 && line < lines->len ? lines->map[line] : line;
}

/* ---- the table --------------------------------------------------------------- */

enum { FORM_ONE_LINE = 10, FORM_NO_COLUMNS = 13, FORM_LONG = 14,
       FORM_NONE = 15, LONGEST = 1 + 4 * 6 };

struct reader {
    const unsigned char *p, *end;
};

static unsigned int
next(struct reader *in)
{
    return in->p < in->end ? *in->p++ : 0;
}

static unsigned int
read_number(struct reader *in)
{
    unsigned int byte = next(in), value = byte & 63, shift = 0;
    while (byte & 64) {
        byte = next(in);
        shift += 6;
        value |= (byte & 63) << shift;
    }
    return value;
}

static int
read_signed(struct reader *in)
{
    unsigned int value = read_number(in);
    return value & 1 ? -(int)(value >> 1) : (int)(value >> 1);
}

static unsigned char *
write_number(unsigned char *out, unsigned int value)
{
    for (; value >= 64; value >>= 6) {
        *out++ = (unsigned char)(64 | (value & 63));
    }
    *out++ = (unsigned char)value;
    return out;
}

static unsigned char *
write_signed(unsigned char *out, int value)
{
    return write_number(out, value < 0 ? ((unsigned int)-value << 1) | 1
                                       : (unsigned int)value << 1);
}

struct place {
    int line, end_line;   /* line: absolute */
    unsigned int column, end_column; /* one more than they are; 0: none */
};

/* The entry behind its first byte. */
static void
read_place(struct reader *in, unsigned int form, int line, struct place *at)
{
    *at = (struct place){line, line, 0, 0};
    if (form == FORM_LONG) {
        at->line += read_signed(in);
        at->end_line = at->line + (int)read_number(in);
        at->column = read_number(in);
        at->end_column = read_number(in);
    }
    else if (form == FORM_NO_COLUMNS) {
        at->line = at->end_line = line + read_signed(in);
    }
    else if (form >= FORM_ONE_LINE && form < FORM_NO_COLUMNS) {
        at->line = at->end_line = line + (int)form - FORM_ONE_LINE;
        at->column = next(in) + 1;
        at->end_column = next(in) + 1;
    }
    else if (form < FORM_ONE_LINE) {
        unsigned int byte = next(in);
        at->column = (form << 3) + (byte >> 4) + 1;
        at->end_column = at->column + (byte & 15);
    }
}

static unsigned char *
write_place(unsigned char *out, unsigned int length, bool columns, int line,
            const struct place *at)
{
    unsigned int form = columns ? FORM_LONG : FORM_NO_COLUMNS;
    *out++ = (unsigned char)(128 | form << 3 | length);
    out = write_signed(out, at->line - line);
    if (columns) {
        out = write_number(out, (unsigned int)(at->end_line - at->line));
        out = write_number(out, at->column);
        out = write_number(out, at->end_column);
    }
    return out;
}

static PyObject *
moved_table(PyObject *table, int first_line, const struct lines *lines)
{
    struct reader in = {(unsigned char *)PyBytes_AS_STRING(table), NULL};
    in.end = in.p + PyBytes_GET_SIZE(table);
    PyObject *out = PyBytes_FromStringAndSize(
        NULL, PyBytes_GET_SIZE(table) * LONGEST);
    if (out == NULL) {
        return NULL;
    }
    unsigned char *to = (unsigned char *)PyBytes_AS_STRING(out);
    int old_line = first_line, line = first_line;
    while (in.p < in.end) {
        unsigned int byte = next(&in), form = (byte >> 3) & 15;
        if (form == FORM_NONE) {
            *to++ = (unsigned char)byte;
            continue;
        }
        struct place at;
        read_place(&in, form, old_line, &at);
        old_line = at.line;
        at.line = new_line_of(lines, at.line);
        at.end_line = new_line_of(lines, at.end_line);
        if (at.end_line < at.line) {
            at.end_line = at.line;
        }
        to = write_place(to, byte & 7, form != FORM_NO_COLUMNS, line, &at);
        line = at.line;
    }
    Py_ssize_t size = to - (unsigned char *)PyBytes_AS_STRING(out);
    return _PyBytes_Resize(&out, size) < 0 ? NULL : out;
}

PyObject *
mf_redefine_lines_make(struct mf_target *target, PyCodeObject **code)
{
    PyFrameObject *frame = mf_frames_of_module(target->module->dict,
                                               target->change->source->path);
    if (frame == NULL) {
        return NULL;
    }
    PyCodeObject *running = PyFrame_GetCode(frame);
    Py_DECREF(frame);
    struct lines lines = {0};
    PyObject *table = NULL;
    if (lines_init(&lines, &target->change->diff) > 0) {
        table = moved_table(mf_compat_code_lines(running),
                            running->co_firstlineno, &lines);
    }
    PyMem_Free(lines.map);
    if (table == NULL) {
        Py_DECREF(running);
        return NULL;
    }
    *code = running;
    return table;
}

static void
lines_back(PyObject *code, PyObject *table, intptr_t Py_UNUSED(n))
{
    mf_compat_code_set_lines((PyCodeObject *)code, table);
}

int
mf_redefine_lines_apply(struct mf_undo *undo, PyCodeObject *code,
                        PyObject *table)
{
    PyObject *old_table = mf_compat_code_lines(code);
    if (mf_undo_inverse(undo, lines_back, (PyObject *)code, old_table, 0) <
        0) {
        return -1;
    }
    mf_compat_code_set_lines(code, table);
    return 0;
}
