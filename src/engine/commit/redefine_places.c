/* redefine_places.c -- owns the comparison of a function's two texts. In: both
 * texts and code objects. Out: pairs of statements.
 *
 * Statements at the beginning and at the end of a block that are the same are
 * each other's; in between, one that is there once on both sides. What could
 * be two is none.
 */
#include "redefine_places.h"

#include "../ground/fault.h"

/* --- the tree ------------------------------------------------------------ */

/* Borrowed, since the tree lives on; Py_None if there is no such field. */
static PyObject *
field(PyObject *node, const char *name)
{
    PyObject *value = PyObject_GetAttrString(node, name);
    if (value == NULL) {
        PyErr_Clear();
        return Py_None;
    }
    Py_DECREF(value);
    return value;
}

static int
number(PyObject *node, const char *name)
{
    PyObject *value = field(node, name);
    return PyLong_Check(value) ? (int)PyLong_AsLong(value) : 0;
}

static bool
is_a(PyObject *node, const char *name)
{
    return strcmp(Py_TYPE(node)->tp_name, name) == 0;
}

static bool
is_node(PyObject *obj)
{
    return PyObject_HasAttrString((PyObject *)Py_TYPE(obj), "_fields");
}

static const char *const blocks[] = {"body", "handlers", "orelse",
                                     "finalbody", "cases"};

/* Of a statement with blocks, the head is all but these. */
static bool
is_block(const char *name)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(blocks); i++) {
        if (strcmp(name, blocks[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool
has_blocks(PyObject *node)
{
    static const char *const types[] = {
        "If",  "For",     "AsyncFor", "While",         "With", "AsyncWith",
        "Try", "TryStar", "Match",    "ExceptHandler", "match_case",
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(types); i++) {
        if (is_a(node, types[i])) {
            return true;
        }
    }
    return false;
}

static bool
is_loop(PyObject *node)
{
    return is_a(node, "While") || is_a(node, "For") || is_a(node, "AsyncFor");
}

static int same(PyObject *a, PyObject *b, bool head);

static int
same_fields(PyObject *a, PyObject *b, bool head)
{
    PyObject *names = field(a, "_fields");
    bool skip = head && has_blocks(a);
    if (!PyTuple_Check(names)) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        const char *name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(names, i));
        if (name == NULL) {
            return -1;
        }
        if ((skip && is_block(name)) || strcmp(name, "type_comment") == 0 ||
            strcmp(name, "kind") == 0) {
            continue;
        }
        int rc = same(field(a, name), field(b, name), false);
        if (rc != 1) {
            return rc;
        }
    }
    return 1;
}

/* Do both say the same, wherever they stand? head: what is in the blocks of
 * these two does not count. 1 / 0 / -1. */
static int
same(PyObject *a, PyObject *b, bool head)
{
    if (!Py_IS_TYPE(a, Py_TYPE(b))) {
        return 0;
    }
    if (PyList_Check(a)) {
        int rc = PyList_GET_SIZE(a) == PyList_GET_SIZE(b);
        for (Py_ssize_t i = 0; rc == 1 && i < PyList_GET_SIZE(a); i++) {
            rc = same(PyList_GET_ITEM(a, i), PyList_GET_ITEM(b, i), false);
        }
        return rc;
    }
    if (!is_node(a)) {
        return mf_diff_const_equal(a, b, 0);
    }
    if (Py_EnterRecursiveCall(" while statements are compared")) {
        return -1;
    }
    int rc = same_fields(a, b, head);
    Py_LeaveRecursiveCall();
    return rc;
}

/* --- the function -------------------------------------------------------- */

static int
first_line(PyObject *node)
{
    int line = number(node, "lineno");
    PyObject *above = field(node, "decorator_list");
    for (Py_ssize_t i = 0; PyList_Check(above) && i < PyList_GET_SIZE(above);
         i++) {
        int at = number(PyList_GET_ITEM(above, i), "lineno");
        line = at < line ? at : line;
    }
    return line;
}

struct search {
    PyCodeObject *code;
    PyObject *found;
    int count;
};

static int
search_in(struct search *search, PyObject *obj)
{
    if (PyList_Check(obj)) {
        int rc = 0;
        for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(obj); i++) {
            rc = search_in(search, PyList_GET_ITEM(obj, i));
        }
        return rc;
    }
    PyObject *names = is_node(obj) ? field(obj, "_fields") : Py_None;
    if (!PyTuple_Check(names)) {
        return 0;
    }
    if ((is_a(obj, "FunctionDef") || is_a(obj, "AsyncFunctionDef")) &&
        PyUnicode_Compare(field(obj, "name"), search->code->co_name) == 0 &&
        first_line(obj) == search->code->co_firstlineno) {
        search->found = obj;
        search->count++;
    }
    if (Py_EnterRecursiveCall(" while a function is searched")) {
        return -1;
    }
    int rc = 0;
    for (Py_ssize_t i = 0; rc == 0 && i < PyTuple_GET_SIZE(names); i++) {
        const char *name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(names, i));
        rc = name ? search_in(search, field(obj, name)) : -1;
    }
    Py_LeaveRecursiveCall();
    return rc;
}

/* --- statements ---------------------------------------------------------- */

/* Does a statement in here lead out of it, other than by an exception? loop:
 * break and continue do not. Errors count as yes. */
static bool
leads_out(PyObject *obj, bool loop)
{
    if (PyList_Check(obj)) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(obj); i++) {
            if (leads_out(PyList_GET_ITEM(obj, i), loop)) {
                return true;
            }
        }
        return false;
    }
    if (is_a(obj, "Return")) {
        return true;
    }
    if (is_a(obj, "Break") || is_a(obj, "Continue")) {
        return !loop;
    }
    if (!has_blocks(obj)) {
        return false;
    }
    if (Py_EnterRecursiveCall(" while statements are searched")) {
        PyErr_Clear();
        return true;
    }
    bool found = false;
    for (size_t b = 0; !found && b < Py_ARRAY_LENGTH(blocks); b++) {
        bool in_loop = b == 0 && is_loop(obj);
        found = leads_out(field(obj, blocks[b]), loop || in_loop);
    }
    Py_LeaveRecursiveCall();
    return found;
}

/* Of a `try`, all but what ends it. */
static bool
body_leads_out(PyObject *node)
{
    for (size_t b = 0; b < Py_ARRAY_LENGTH(blocks); b++) {
        if (strcmp(blocks[b], "finalbody") != 0 &&
            leads_out(field(node, blocks[b]), false)) {
            return true;
        }
    }
    return false;
}

enum copies { ONE, TWO, MANY };

static int
add_place(struct mf_places *places, PyObject *node, int parent,
          enum copies copies)
{
    if (places->len == places->cap) {
        int cap = places->cap != 0 ? 2 * places->cap : 32;
        void *items =
            mf_realloc(places->items, (size_t)cap * sizeof(*places->items));
        if (items == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        places->items = items;
        places->cap = cap;
    }
    places->items[places->len] = (struct mf_place){
        .node = node,
        .parent = parent,
        .before = MF_PLACE_NONE,
        .behind = MF_PLACE_NONE,
        .pair = MF_PLACE_NONE,
        .kind = is_a(node, "With") || is_a(node, "AsyncWith") ? MF_PLACE_WITH
                : is_a(node, "Match")                         ? MF_PLACE_MATCH
                : has_blocks(node)                            ? MF_PLACE_BLOCK
                                                              : MF_PLACE_SIMPLE,
        .loops = is_loop(node),
        .twice = copies == MANY,
        .copied = copies == TWO,
        .leaves = has_blocks(node) && body_leads_out(node),
        .line = number(node, "lineno"),
        .column = number(node, "col_offset"),
        .end_line = number(node, "end_lineno"),
        .end_column = number(node, "end_col_offset"),
    };
    return places->len++;
}

static int
add_block(struct mf_places *places, PyObject *list, int parent,
          enum copies copies, bool body)
{
    int last = MF_PLACE_NONE;
    for (Py_ssize_t i = 0; PyList_Check(list) && i < PyList_GET_SIZE(list);
         i++) {
        PyObject *node = PyList_GET_ITEM(list, i);
        int at = parent;
        if (!is_a(node, "match_case")) {
            at = add_place(places, node, parent, copies);
            if (at < 0) {
                return -1;
            }
            bool follows = last != MF_PLACE_NONE &&
                           !is_a(node, "ExceptHandler");
            places->items[at].before = follows ? last : MF_PLACE_NONE;
            places->items[at].leads = body && i == 0;
            if (follows) {
                places->items[last].behind = at;
            }
            last = at;
        }
        for (size_t b = 0; has_blocks(node) && b < Py_ARRAY_LENGTH(blocks);
             b++) {
            bool final = strcmp(blocks[b], "finalbody") == 0;
            enum copies inside = copies;
            if ((is_a(node, "TryStar") && b == 1) ||
                (final && places->items[at].leaves)) {
                inside = MANY;
            }
            else if (final && copies == ONE) {
                inside = TWO;
            }
            if (add_block(places, field(node, blocks[b]), at, inside,
                          b == 0 && !is_a(node, "match_case")) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static uint32_t
unit_of(const struct mf_split *split, int line)
{
    uint32_t found = MF_UNIT_NONE;
    for (uint32_t i = 0; i < split->len; i++) {
        const struct mf_unit *unit = &split->units[i];
        if ((int)unit->line <= line && line <= (int)unit->end_line &&
            (found == MF_UNIT_NONE ||
             unit->end_line - unit->line < split->units[found].end_line -
                                               split->units[found].line)) {
            found = i;
        }
    }
    return found;
}

int
mf_redefine_places_read(struct mf_places *places,
                        struct mf_compile_unit_of *of, PyCodeObject *code)
{
    uint32_t unit = unit_of(of->split, code->co_firstlineno);
    if (unit == MF_UNIT_NONE) {
        return 0;
    }
    places->tree = mf_compile_tree(of, unit);
    struct search search = {code, NULL, 0};
    if (places->tree == NULL || search_in(&search, places->tree) < 0) {
        return -1;
    }
    if (search.count != 1) {
        return 0;
    }
    places->func = search.found;
    return add_block(places, field(search.found, "body"), MF_PLACE_NONE,
                     ONE, true);
}

void
mf_redefine_places_clear(struct mf_places *places)
{
    mf_free(places->items);
    Py_XDECREF(places->tree);
    memset(places, 0, sizeof(*places));
}

static bool
is_around(const struct mf_places *places, int outer, int inner)
{
    while (inner != MF_PLACE_NONE && inner != outer) {
        inner = places->items[inner].parent;
    }
    return inner == outer;
}

int
mf_redefine_places_at(const struct mf_places *places, int line, int column)
{
    int found = MF_PLACE_NONE;
    for (int i = 0; i < places->len; i++) {
        const struct mf_place *place = &places->items[i];
        if (line < place->line || line > place->end_line ||
            (column >= 0 && line == place->line && column < place->column) ||
            (column >= 0 && line == place->end_line &&
             column >= place->end_column)) {
            continue;
        }
        if (found != MF_PLACE_NONE && !is_around(places, found, i)) {
            return MF_PLACE_NONE; /* two on one line */
        }
        found = i;
    }
    return found;
}

/* --- pairs --------------------------------------------------------------- */

struct sides {
    struct mf_places *old_places, *new_places;
    struct mf_map old_at, new_at; /* node -> index + 1 */
};

static int pair_lists(struct sides *sides, PyObject *a, PyObject *b);

static int
pair_nodes(struct sides *sides, PyObject *a, PyObject *b)
{
    uintptr_t *x = mf_map_find(&sides->old_at, a);
    uintptr_t *y = mf_map_find(&sides->new_at, b);
    if (x != NULL && y != NULL) {
        sides->old_places->items[*x - 1].pair = (int)*y - 1;
        sides->new_places->items[*y - 1].pair = (int)*x - 1;
    }
    for (size_t i = 0; has_blocks(a) && i < Py_ARRAY_LENGTH(blocks); i++) {
        if (pair_lists(sides, field(a, blocks[i]), field(b, blocks[i])) < 0) {
            return -1;
        }
    }
    return 0;
}

/* How many from the beginning (or from the end) are the same; -1. */
static Py_ssize_t
same_run(PyObject *a, PyObject *b, bool from_end)
{
    Py_ssize_t n = PyList_GET_SIZE(a), m = PyList_GET_SIZE(b), i = 0;
    while (i < n && i < m) {
        int rc = same(PyList_GET_ITEM(a, from_end ? n - 1 - i : i),
                      PyList_GET_ITEM(b, from_end ? m - 1 - i : i), true);
        if (rc < 0) {
            return -1;
        }
        if (rc == 0) {
            break;
        }
        i++;
    }
    return i;
}

/* The one in list[start:end] that is the same; -1: none or several; -2: an
 * error. */
static Py_ssize_t
only_one(PyObject *list, Py_ssize_t start, Py_ssize_t end, PyObject *node)
{
    Py_ssize_t found = -1;
    for (Py_ssize_t i = start; i < end; i++) {
        int rc = same(node, PyList_GET_ITEM(list, i), true);
        if (rc < 0) {
            return -2;
        }
        if (rc == 1 && found >= 0) {
            return -1;
        }
        found = rc == 1 ? i : found;
    }
    return found;
}

/* Between what is the same at both ends. */
static int
pair_middle(struct sides *sides, PyObject *a, PyObject *b, Py_ssize_t head,
            Py_ssize_t tail)
{
    Py_ssize_t end_a = PyList_GET_SIZE(a) - tail;
    Py_ssize_t end_b = PyList_GET_SIZE(b) - tail;
    for (Py_ssize_t i = head; i < end_a; i++) {
        PyObject *node = PyList_GET_ITEM(a, i);
        Py_ssize_t j = only_one(b, head, end_b, node);
        Py_ssize_t back =
            j >= 0 ? only_one(a, head, end_a, PyList_GET_ITEM(b, j)) : j;
        if (back == -2 || (back == i && pair_nodes(sides, node,
                                                   PyList_GET_ITEM(b, j)) <
                                            0)) {
            return -1;
        }
    }
    return 0;
}

static int
pair_lists(struct sides *sides, PyObject *a, PyObject *b)
{
    if (!PyList_Check(a) || !PyList_Check(b)) {
        return 0;
    }
    Py_ssize_t n = PyList_GET_SIZE(a), m = PyList_GET_SIZE(b);
    Py_ssize_t head = same_run(a, b, false), tail = same_run(a, b, true);
    if (head < 0 || tail < 0) {
        return -1;
    }
    Py_ssize_t less = n < m ? n : m;
    bool overlap = n != m && head + tail > less;
    if (n == m && head == n) {
        tail = 0;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        bool by_head = i < head, by_tail = n - 1 - i < tail;
        Py_ssize_t j = by_head ? i : m - (n - i);
        if ((by_head || by_tail) && !(by_head && by_tail && overlap) &&
            !(overlap && (by_head ? j >= m - tail : j < head)) &&
            pair_nodes(sides, PyList_GET_ITEM(a, i), PyList_GET_ITEM(b, j)) <
                0) {
            return -1;
        }
    }
    return overlap ? 0 : pair_middle(sides, a, b, head, tail);
}

static int
index_nodes(struct mf_map *map, const struct mf_places *places)
{
    for (int i = 0; i < places->len; i++) {
        if (mf_map_put(map, places->items[i].node, (uintptr_t)i + 1) < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_redefine_places_pair(struct mf_places *old_places,
                        struct mf_places *new_places)
{
    if (old_places->func == NULL || new_places->func == NULL) {
        return 0;
    }
    struct sides sides = {old_places, new_places, {0}, {0}};
    int rc = index_nodes(&sides.old_at, old_places) < 0 ||
                     index_nodes(&sides.new_at, new_places) < 0
                 ? -1
                 : pair_lists(&sides, field(old_places->func, "body"),
                              field(new_places->func, "body"));
    mf_map_clear(&sides.old_at);
    mf_map_clear(&sides.new_at);
    return rc;
}
