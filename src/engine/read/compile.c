/* compile.c -- owns the code of one statement. In: a split text and a unit.
 * Out: a code object that equals, functions and all, what the whole file
 * would have given for it.
 */
#include "compile.h"

#include "../commit/redefine_code.h"
#include "../ground/compat.h"
#include "../ground/compat_names.h"
#include "../ground/fault.h"

/* ---- text to compile -------------------------------------------------- */

struct buffer {
    char *data;
    size_t len, cap;
};

static int
put(struct buffer *out, const char *data, size_t len)
{
    if (out->len + len + 1 > out->cap) {
        size_t cap = (out->len + len + 1) * 2;
        char *more = mf_realloc(out->data, cap);
        if (more == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        out->data = more;
        out->cap = cap;
    }
    memcpy(out->data + out->len, data, len);
    out->len += len;
    out->data[out->len] = 0;
    return 0;
}

/* Type parameters behind a class's name, brackets included: their length. */
static size_t
type_params(const char *p, const char *end)
{
    const char *start = p;
    int depth = 0;
    if (p >= end || *p != '[') {
        return 0;
    }
    for (; p < end; p++) {
        depth += *p == '[';
        depth -= *p == ']';
        if (depth == 0) {
            return (size_t)(p + 1 - start);
        }
    }
    return 0;
}

/* The headers of the classes around a member, outermost first, one line
 * each. Returns how many, -1 on error. */
static int
put_headers(struct buffer *out, const struct mf_compile_unit_of *of,
            uint32_t unit)
{
    const struct mf_unit *u = &of->split->units[unit];
    if (u->parent == MF_UNIT_NONE) {
        return 0;
    }
    int above = put_headers(out, of, u->parent);
    if (above < 0) {
        return -1;
    }
    const char *text = PyBytes_AS_STRING(of->text->bytes);
    const struct mf_unit *c = &of->split->units[u->parent];
    const char *name = text + c->name;
    size_t params = type_params(name + c->name_len, text + c->body);
    if (put(out, text + c->start, c->indent) < 0 ||
        put(out, "class ", 6) < 0 || put(out, name, c->name_len) < 0) {
        return -1;
    }
    for (size_t i = 0; i < params; i++) {
        char ch = name[c->name_len + i];
        if (put(out, ch == '\n' ? " " : &name[c->name_len + i], 1) < 0) {
            return -1;
        }
    }
    return put(out, ":\n", 2) < 0 ? -1 : above + 1;
}

static int
add_imported(const struct mf_import *import, void *arg)
{
    struct buffer *out = arg;
    if (import->nested || import->as == NULL || import->as_len == 0) {
        return 0;
    }
    return put(out, import->as, import->as_len) < 0 || put(out, "", 1) < 0
               ? -1
               : 0;
}

static int
find_imported(struct mf_compile_unit_of *of)
{
    if (of->imported != NULL) {
        return 0;
    }
    struct buffer names = {0};
    const char *text = PyBytes_AS_STRING(of->text->bytes);
    for (uint32_t i = of->split->first; i != MF_UNIT_NONE;
         i = of->split->units[i].next) {
        const struct mf_unit *u = &of->split->units[i];
        if (u->kind == MF_UNIT_DEF || u->kind == MF_UNIT_CLASS ||
            !(u->kind == MF_UNIT_IMPORT || u->kind == MF_UNIT_FROM ||
              (u->flags & MF_UNIT_HAS_IMPORT))) {
            continue;
        }
        if (mf_split_imports(text, of->split, i, add_imported, &names) != 0) {
            mf_free(names.data);
            return -1;
        }
    }
    of->imported = PyBytes_FromStringAndSize(names.data, (Py_ssize_t)names.len);
    mf_free(names.data);
    return of->imported == NULL ? -1 : 0;
}

/* Since 3.12 the compiler emits other code for mod.attr() where it has seen
 * mod being imported in the same compile. A branch that is never taken, and
 * for which no code is made, tells it. */
static int
put_imported(struct buffer *out, struct mf_compile_unit_of *of, uint64_t words)
{
    if (find_imported(of) < 0) {
        return -1;
    }
    const char *p = PyBytes_AS_STRING(of->imported);
    const char *end = p + PyBytes_GET_SIZE(of->imported);
    bool any = false;
    while (p < end) {
        size_t n = strlen(p);
        uint64_t bits = mf_split_word(p, n);
        if ((words & bits) == bits) {
            if (put(out, any ? ", " : "\nif 0: import ", any ? 2 : 14) < 0 ||
                put(out, p, n) < 0) {
                return -1;
            }
            any = true;
        }
        p += n + 1;
    }
    return any ? put(out, "\n", 1) : 0;
}

/* ---- compiling --------------------------------------------------------- */

/* warned: as mf_hush_compile; NULL: aloud. */
static PyObject *
compile_padded(struct mf_compile_unit_of *of, uint32_t unit, bool padded,
               int more_flags, bool *warned)
{
    const struct mf_unit *u = &of->split->units[unit];
    const char *text = PyBytes_AS_STRING(of->text->bytes);
    struct buffer head = {0}, out = {0};
    PyObject *code = NULL;
    int headers = put_headers(&head, of, unit);
    if (headers < 0) {
        goto free_buffers;
    }
    if (padded) {
        for (uint32_t i = 1 + (uint32_t)headers; i < u->line; i++) {
            if (put(&out, "\n", 1) < 0) {
                goto free_buffers;
            }
        }
    }
    if ((headers > 0 && put(&out, head.data, head.len) < 0) ||
        put(&out, text + u->start, u->end - u->start) < 0 ||
        put_imported(&out, of, u->words) < 0) {
        goto free_buffers;
    }
    int flags = of->flags | more_flags;
    code = warned != NULL
               ? mf_hush_compile(out.data, of->path, flags, warned)
               : mf_hush_aloud(out.data, of->path, flags);
    if (code != NULL && !padded) {
        int delta = (int)u->line - (headers + 1);
        if (delta != 0 && !mf_redefine_code_can_shift((PyCodeObject *)code)) {
            Py_CLEAR(code);
        }
        else if (delta != 0) {
            mf_redefine_code_shift((PyCodeObject *)code, delta);
        }
    }
free_buffers:
    mf_free(head.data);
    mf_free(out.data);
    return code;
}

PyObject *
mf_compile_unit(struct mf_compile_unit_of *of, uint32_t unit)
{
    const struct mf_unit *u = &of->split->units[unit];
    bool padded = u->kind == MF_UNIT_CLASS || (u->flags & MF_UNIT_HAS_DEF);
    bool warned = false;
    PyObject *code = compile_padded(of, unit, padded, 0, &warned);
    if (code == NULL && !padded) {
        /* an error must show the file's lines; and what cannot be shifted
         * in place is compiled where it stands */
        PyErr_Clear();
        code = compile_padded(of, unit, true, 0, &warned);
    }
    if (code != NULL && warned &&
        mf_vec_push(&of->warned, (void *)(uintptr_t)unit) < 0) {
        PyErr_NoMemory();
        Py_CLEAR(code);
    }
    if (code != NULL) {
        mf_breathe(of->breath);
    }
    return code;
}

PyObject *
mf_compile_tree(struct mf_compile_unit_of *of, uint32_t unit)
{
    bool warned = false;
    return compile_padded(of, unit, true, PyCF_ONLY_AST, &warned);
}

int
mf_compile_warn(struct mf_compile_unit_of *of, uint32_t unit)
{
    PyObject *code = compile_padded(of, unit, true, 0, NULL);
    Py_XDECREF(code);
    return code != NULL ? 0 : -1;
}

PyObject *
mf_compile_units(struct mf_compile_unit_of *of, const struct mf_vec *units)
{
    const char *text = PyBytes_AS_STRING(of->text->bytes);
    struct buffer out = {0};
    PyObject *code = NULL;
    uint32_t line = 1;
    for (size_t i = 0; i < units->len; i++) {
        const struct mf_unit *u =
            &of->split->units[(uint32_t)(uintptr_t)units->items[i]];
        for (; line < u->line; line++) {
            if (put(&out, "\n", 1) < 0) {
                goto free_buffer;
            }
        }
        if (put(&out, text + u->start, u->end - u->start) < 0) {
            goto free_buffer;
        }
        line = u->end_line + 1;
        if (text[u->end - 1] != '\n' && put(&out, "\n", 1) < 0) {
            goto free_buffer;
        }
    }
    bool warned = false;
    code = mf_hush_compile(out.data ? out.data : "", of->path, of->flags,
                           &warned);
free_buffer:
    mf_free(out.data);
    return code;
}

PyObject *
mf_compile_annotate(PyObject *module_code)
{
    PyObject *consts = ((PyCodeObject *)module_code)->co_consts;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(consts, i);
        if (PyCode_Check(item) &&
            PyUnicode_CompareWithASCIIString(
                ((PyCodeObject *)item)->co_qualname, MF_COMPILE_ANNOTATE) ==
                0) {
            return item;
        }
    }
    return NULL;
}

/* Each asks first whether it ran. */
static int
on_annotation(enum mf_name_use use, PyObject *name, void *arg)
{
    *(int *)arg += use == MF_NAME_LOAD &&
                   PyUnicode_CompareWithASCIIString(
                       name, MF_COMPILE_ANNOTATED) == 0;
    return 0;
}

int
mf_compile_count_annotations(PyObject *module_code)
{
    int count = 0;
    struct mf_name_scan scan = {on_annotation, &count, false, false, false};
    PyObject *code = mf_compile_annotate(module_code);
    return code != NULL &&
                   mf_compat_scan_names((PyCodeObject *)code, &scan) < 0
               ? -1
               : count;
}

PyObject *
mf_compile_text(PyObject *path, const struct mf_text *text, int flags)
{
    bool warned = false;
    return mf_hush_compile(PyBytes_AS_STRING(text->bytes), path, flags,
                           &warned);
}

static PyObject *
class_body_in(PyObject *code, const char *name, size_t len)
{
    PyObject *consts = ((PyCodeObject *)code)->co_consts;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(consts, i);
        if (!PyCode_Check(item)) {
            continue;
        }
        Py_ssize_t n;
        const char *own = PyUnicode_AsUTF8AndSize(
            ((PyCodeObject *)item)->co_name, &n);
        if (own == NULL) {
            PyErr_Clear();
            continue;
        }
        if ((size_t)n == len && memcmp(own, name, len) == 0) {
            return item;
        }
        if (strncmp(own, "<generic parameters of ", 23) == 0) {
            PyObject *inner = class_body_in(item, name, len);
            if (inner != NULL) {
                return inner;
            }
        }
    }
    return NULL;
}

static PyObject *
scope_of(PyObject *code, const char *text, const struct mf_split *split,
         uint32_t unit)
{
    uint32_t parent = split->units[unit].parent;
    if (parent == MF_UNIT_NONE || code == NULL) {
        return code;
    }
    PyObject *outer = scope_of(code, text, split, parent);
    if (outer == NULL) {
        return NULL;
    }
    const struct mf_unit *c = &split->units[parent];
    return class_body_in(outer, text + c->name, c->name_len);
}

PyObject *
mf_compile_member_scope(PyObject *unit_code, const struct mf_text *text,
                        const struct mf_split *split, uint32_t unit)
{
    return scope_of(unit_code, PyBytes_AS_STRING(text->bytes), split, unit);
}

void
mf_compile_clear(struct mf_compile_unit_of *of)
{
    Py_CLEAR(of->imported);
    mf_vec_clear(&of->warned);
}

/* ---- __future__ --------------------------------------------------------- */

struct future {
    const char *text;
    PyObject *module;
    int flags;
};

static int
add_future(const struct mf_import *import, void *arg)
{
    struct future *f = arg;
    if (import->module_len != 10 ||
        memcmp(import->module, "__future__", 10) != 0 ||
        import->name == NULL) {
        return 0;
    }
    if (f->module == NULL) {
        f->module = PyImport_ImportModule("__future__");
        if (f->module == NULL) {
            return -1;
        }
    }
    PyObject *name = PyUnicode_FromStringAndSize(import->name,
                                                 import->name_len);
    PyObject *feature = name ? PyObject_GetAttr(f->module, name) : NULL;
    PyObject *flag = feature
                         ? PyObject_GetAttrString(feature, "compiler_flag")
                         : NULL;
    if (flag != NULL && PyLong_Check(flag)) {
        f->flags |= (int)PyLong_AsLong(flag);
    }
    Py_XDECREF(flag);
    Py_XDECREF(feature);
    Py_XDECREF(name);
    PyErr_Clear(); /* an unknown feature is the compiler's to report */
    return 0;
}

int
mf_compile_future_flags(const struct mf_text *text,
                        const struct mf_split *split)
{
    struct future f = {PyBytes_AS_STRING(text->bytes), NULL, 0};
    for (uint32_t i = split->first; i != MF_UNIT_NONE;
         i = split->units[i].next) {
        const struct mf_unit *u = &split->units[i];
        if (u->kind == MF_UNIT_OTHER && (u->flags & MF_UNIT_DOCSTRING)) {
            continue;
        }
        if (u->kind != MF_UNIT_FROM) {
            break;
        }
        if (mf_split_imports(f.text, split, i, add_future, &f) != 0) {
            Py_XDECREF(f.module);
            return -1;
        }
    }
    Py_XDECREF(f.module);
    return f.flags;
}

/* ---- names --------------------------------------------------------------- */

int
mf_names_init(struct mf_names *names)
{
    memset(names, 0, sizeof(*names));
    names->loads = PySet_New(NULL);
    names->stores = PySet_New(NULL);
    names->attrs = PySet_New(NULL);
    if (!names->loads || !names->stores || !names->attrs) {
        mf_names_clear(names);
        return -1;
    }
    return 0;
}

bool
mf_names_read_nothing(const struct mf_names *names)
{
    PyObject *name, *iter = PyObject_GetIter(names->loads);
    bool nothing = iter != NULL;
    while (nothing && (name = PyIter_Next(iter)) != NULL) {
        nothing = mf_source_is_dunder(name); /* a class body's own __name__ */
        Py_DECREF(name);
    }
    Py_XDECREF(iter);
    PyErr_Clear();
    return nothing;
}

void
mf_names_clear(struct mf_names *names)
{
    Py_CLEAR(names->loads);
    Py_CLEAR(names->stores);
    Py_CLEAR(names->attrs);
}

struct scope {
    struct mf_names *names;
    bool stores; /* stores of this scope are the unit's */
    bool runs;   /* it runs with the unit: globals that it sets, too */
};

/* Names that the compiler uses for itself. */
static bool
is_compilers(PyObject *name)
{
    return mf_compat_can_annotate() &&
           (PyUnicode_CompareWithASCIIString(name, MF_COMPILE_ANNOTATE) ==
                0 ||
            PyUnicode_CompareWithASCIIString(name, MF_COMPILE_ANNOTATED) ==
                0);
}

static int
on_use(enum mf_name_use use, PyObject *name, void *arg)
{
    struct scope *scope = arg;
    if (scope->stores && is_compilers(name)) {
        return 0;
    }
    switch (use) {
    case MF_NAME_LOAD:
        return PySet_Add(scope->names->loads, name);
    case MF_NAME_STORE:
    case MF_NAME_DELETE:
        return scope->stores && scope->names->stores
                   ? PySet_Add(scope->names->stores, name)
                   : 0;
    case MF_NAME_SET_GLOBAL:
        /* a class body or a comprehension may bind names of the module */
        return scope->runs && scope->names->stores
                   ? PySet_Add(scope->names->stores, name)
                   : 0;
    case MF_NAME_SET_ATTR:
        scope->names->sets_attrs = true;
        return PySet_Add(scope->names->attrs, name);
    case MF_NAME_FROM:
        /* a statement's own import binds the name and does nothing with it */
        return scope->stores ? 0 : PySet_Add(scope->names->attrs, name);
    case MF_NAME_IMPORT:
        scope->names->imports = true;
        return 0;
    default:
        return PySet_Add(scope->names->attrs, name);
    }
}

static bool
is_named(PyObject *code, const char *name)
{
    return PyUnicode_CompareWithASCIIString(
               ((PyCodeObject *)code)->co_name, name) == 0;
}

bool
mf_compile_runs_at_once(PyObject *code)
{
    return !(((PyCodeObject *)code)->co_flags & CO_OPTIMIZED) ||
           is_named(code, "<listcomp>") || is_named(code, "<dictcomp>") ||
           is_named(code, "<setcomp>") || is_named(code, "<genexpr>") ||
           PyUnicode_Tailmatch(((PyCodeObject *)code)->co_name,
                               mf_source_generic_prefix(), 0, PY_SSIZE_T_MAX,
                               -1) == 1;
}

static int
scan_scope(struct mf_names *names, PyObject *code, bool own, bool all)
{
    struct scope scope = {names, own, own || !all};
    struct mf_name_scan scan = {on_use, &scope, false, false, false};
    if (mf_compat_scan_names((PyCodeObject *)code, &scan) < 0) {
        return -1;
    }
    names->calls |= scan.calls;
    names->stores_items |= scan.stores_items;
    names->operates |= scan.operates;
    PyObject *consts = ((PyCodeObject *)code)->co_consts;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(consts, i);
        if (PyCode_Check(item) && (all || mf_compile_runs_at_once(item)) &&
            scan_scope(names, item, false, all) < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_names_of(struct mf_names *names, PyObject *code)
{
    return mf_names_init(names) < 0 ? -1 : scan_scope(names, code, true, false);
}

PyObject *
mf_names_used(PyObject *code)
{
    PyObject *used = PySet_New(NULL);
    struct mf_names names = {.loads = used, .attrs = used};
    if (used != NULL && scan_scope(&names, code, true, false) < 0) {
        Py_CLEAR(used);
    }
    return used;
}

int
mf_names_of_function(struct mf_names *names, PyObject *code)
{
    return scan_scope(names, code, false, true);
}
