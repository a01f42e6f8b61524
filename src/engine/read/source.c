/* source.c -- owns texts: the baseline of every file of the program and the
 * modules made from it. In: audit events, imports, paths. Out: struct
 * mf_source with its text, its statements and its live modules. Compiles and
 * executes nothing.
 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../ground/fault.h"
#include "../ground/once.h"
#include "../ground/trace.h"

/* ---- names of things ------------------------------------------------ */

static PyObject *str_generic, *str_module, *str_py;

int
mf_source_init(void)
{
    return mf_once(&str_generic, "<generic parameters of ") &&
                   mf_once(&str_module, "__module__") &&
                   mf_once(&str_py, ".py")
               ? 0
               : -1;
}

PyObject *
mf_source_generic_prefix(void)
{
    return str_generic;
}

PyObject *
mf_source_str_module(void)
{
    return str_module;
}

PyObject *
mf_source_str_py(void)
{
    return str_py;
}

PyObject *
mf_source_absolute(PyObject *file)
{
    if (PyUnicode_GET_LENGTH(file) > 0 &&
        PyUnicode_READ_CHAR(file, 0) == '/') {
        return Py_NewRef(file);
    }
    char folder[4096];
    if (getcwd(folder, sizeof(folder)) == NULL) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    PyObject *cwd = PyUnicode_DecodeFSDefault(folder);
    if (cwd == NULL) {
        return NULL;
    }
    PyObject *full = PyUnicode_FromFormat("%U/%U", cwd, file);
    Py_DECREF(cwd);
    return full;
}

bool
mf_source_same_path(PyObject *a, PyObject *b)
{
    const char *x = PyUnicode_AsUTF8(a), *y = PyUnicode_AsUTF8(b);
    if (x == NULL || y == NULL) {
        PyErr_Clear();
        return false;
    }
    /* only worth asking the system where the last parts agree */
    const char *p = strrchr(x, '/'), *q = strrchr(y, '/');
    struct stat s, t;
    if (strcmp(p ? p : x, q ? q : y) != 0) {
        return false;
    }
    return stat(x, &s) == 0 && stat(y, &t) == 0 && s.st_ino == t.st_ino &&
           s.st_dev == t.st_dev;
}

/* ---- text ---------------------------------------------------------- */

void
mf_text_clear(struct mf_text *text)
{
    Py_CLEAR(text->bytes);
    text->hash = 0;
}

/* SyntaxError with file and line, as the compiler would raise it. */
static void
syntax_error(PyObject *path, int line, const char *message)
{
    PyObject *args = Py_BuildValue("(s(OiOO))", message, path, line, Py_None,
                                   Py_None);
    if (args != NULL) {
        PyErr_SetObject(PyExc_SyntaxError, args);
        Py_DECREF(args);
    }
}

/* The coding cookie of PEP 263 in one line: its span or NULL. */
static const char *
cookie_in_line(const char *line, const char *end, size_t *len)
{
    const char *p = line;
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\f')) {
        p++;
    }
    if (p == end || *p != '#') {
        return NULL;
    }
    for (; p + 7 < end; p++) {
        if (memcmp(p, "coding", 6) != 0 || (p[6] != ':' && p[6] != '=')) {
            continue;
        }
        const char *q = p + 7;
        while (q < end && (*q == ' ' || *q == '\t')) {
            q++;
        }
        const char *start = q;
        while (q < end && (Py_ISALNUM(*q) || *q == '-' || *q == '_' ||
                           *q == '.')) {
            q++;
        }
        if (q > start) {
            *len = (size_t)(q - start);
            return start;
        }
    }
    return NULL;
}

/* Name of the encoding in a buffer without BOM, "utf-8" by default. */
static void
find_encoding(const char *raw, Py_ssize_t len, char *out, size_t size)
{
    const char *p = raw, *end = raw + len;
    PyOS_snprintf(out, size, "utf-8");
    for (int i = 0; i < 2 && p < end; i++) {
        const char *stop = p;
        while (stop < end && *stop != '\n' && *stop != '\r') {
            stop++;
        }
        size_t n;
        const char *name = cookie_in_line(p, stop, &n);
        if (name != NULL) {
            if (n >= size) {
                n = size - 1;
            }
            memcpy(out, name, n);
            out[n] = 0;
            return;
        }
        /* a second line counts only after a comment or a blank one */
        while (p < stop && (*p == ' ' || *p == '\t' || *p == '\f')) {
            p++;
        }
        if (p < stop && *p != '#') {
            return;
        }
        p = stop;
        if (p < end && *p == '\r' && p + 1 < end && p[1] == '\n') {
            p++;
        }
        p++;
    }
}

static int
is_utf8_name(const char *name)
{
    char low[16];
    size_t i;
    for (i = 0; name[i] && i < sizeof(low) - 1; i++) {
        low[i] = name[i] == '_' ? '-' : (char)Py_TOLOWER(name[i]);
    }
    low[i] = 0;
    return strcmp(low, "utf-8") == 0 || strcmp(low, "utf8") == 0 ||
           strncmp(low, "utf-8-", 6) == 0;
}

/* Line ends to '\n' in place; returns the new length. */
static Py_ssize_t
translate_lines(char *s, Py_ssize_t len)
{
    char *in = memchr(s, '\r', (size_t)len);
    if (in == NULL) {
        return len;
    }
    char *out = in, *end = s + len;
    while (in < end) {
        if (*in == '\r') {
            *out++ = '\n';
            in++;
            if (in < end && *in == '\n') {
                in++;
            }
        }
        else {
            *out++ = *in++;
        }
    }
    return out - s;
}

static int
is_ascii(const char *s, Py_ssize_t len)
{
    Py_ssize_t i = 0;
    for (uint64_t word; i + 8 <= len; i += 8) {
        memcpy(&word, s + i, 8);
        if (word & UINT64_C(0x8080808080808080)) {
            return 0;
        }
    }
    for (; i < len; i++) {
        if ((unsigned char)s[i] >= 0x80) {
            return 0;
        }
    }
    return 1;
}

static int
line_at(const char *raw, const char *at)
{
    int line = 1;
    for (const char *p = raw; p < at; p++) {
        line += *p == '\n';
    }
    return line;
}

static int
check_no_zero(PyObject *path, const char *raw, Py_ssize_t len)
{
    const char *zero = memchr(raw, 0, (size_t)len);
    if (zero != NULL) {
        syntax_error(path, line_at(raw, zero),
                     "source code cannot contain null bytes");
        return -1;
    }
    return 0;
}

/* Decoding has failed: a SyntaxError at the line in its place, as the
 * interpreter has it. */
static void
encoding_error(PyObject *path, const char *raw, const char *encoding)
{
    PyObject *type, *value, *tb;
    Py_ssize_t at = 0;
    char message[128];
    const char *format = "the file is not valid %s";
    PyErr_Fetch(&type, &value, &tb);
    PyErr_NormalizeException(&type, &value, &tb);
    if (PyErr_GivenExceptionMatches(type, PyExc_LookupError)) {
        format = "unknown encoding: %s";
    }
    else if (PyErr_GivenExceptionMatches(type, PyExc_UnicodeDecodeError) &&
             PyUnicodeDecodeError_GetStart(value, &at) < 0) {
        PyErr_Clear();
        at = 0;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(tb);
    PyOS_snprintf(message, sizeof(message), format, encoding);
    syntax_error(path, line_at(raw, raw + at), message);
}

int
mf_source_take(PyObject *path, const char *utf8, Py_ssize_t len,
               struct mf_text *text)
{
    if (check_no_zero(path, utf8, len) < 0) {
        return -1;
    }
    PyObject *bytes = PyBytes_FromStringAndSize(utf8, len);
    if (bytes == NULL) {
        return -1;
    }
    Py_ssize_t kept = translate_lines(PyBytes_AS_STRING(bytes), len);
    if (kept != len && _PyBytes_Resize(&bytes, kept) < 0) {
        return -1;
    }
    text->bytes = bytes;
    text->hash = mf_hash_bytes(PyBytes_AS_STRING(bytes), (size_t)kept);
    return 0;
}

int
mf_source_decode(PyObject *path, const char *raw, Py_ssize_t len,
                 struct mf_text *text)
{
    PyObject *recoded = NULL;
    bool mark = len >= 3 && memcmp(raw, "\xef\xbb\xbf", 3) == 0;
    if (mark) {
        raw += 3;
        len -= 3;
    }
    if (check_no_zero(path, raw, len) < 0) {
        return -1;
    }
    char encoding[64];
    find_encoding(raw, len, encoding, sizeof(encoding));
    if (mark && !is_utf8_name(encoding)) {
        char message[128];
        PyOS_snprintf(message, sizeof(message),
                      "encoding problem: %s with BOM", encoding);
        syntax_error(path, 1, message);
        return -1;
    }
    if (!is_utf8_name(encoding) || !is_ascii(raw, len)) {
        PyObject *str = PyUnicode_Decode(raw, len, encoding, "strict");
        if (str == NULL) {
            if (PyErr_ExceptionMatches(PyExc_UnicodeError) ||
                PyErr_ExceptionMatches(PyExc_LookupError)) {
                encoding_error(path, raw, encoding);
            }
            return -1;
        }
        if (!is_utf8_name(encoding)) {
            recoded = PyUnicode_AsUTF8String(str);
            if (recoded == NULL) {
                Py_DECREF(str);
                return -1;
            }
            raw = PyBytes_AS_STRING(recoded);
            len = PyBytes_GET_SIZE(recoded);
        }
        Py_DECREF(str);
    }
    int rc = mf_source_take(path, raw, len, text);
    Py_XDECREF(recoded);
    return rc;
}

char *
mf_source_slurp(const char *path, int flags, Py_ssize_t *len,
                struct stat *st)
{
    /* not blocking: a pipe or a device in its place would hold us */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
    if (fd < 0) {
        return NULL;
    }
    if (fstat(fd, st) < 0) {
        goto close_file;
    }
    if (!S_ISREG(st->st_mode)) {
        errno = S_ISDIR(st->st_mode) ? EISDIR : EINVAL;
        goto close_file;
    }
    size_t cap = (size_t)st->st_size + 1, used = 0;
    char *block = mf_realloc(NULL, cap);
    while (block != NULL) {
        ssize_t n = read(fd, block + used, cap - used);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            mf_free(block);
            goto close_file;
        }
        if (n == 0) {
            break;
        }
        used += (size_t)n;
        if (used == (size_t)st->st_size) {
            break; /* one byte more was asked for: this is the end */
        }
        if (used == cap) {
            char *more = mf_realloc(block, cap *= 2);
            if (more == NULL) {
                mf_free(block);
            }
            block = more;
        }
    }
    if (block == NULL) {
        errno = ENOMEM;
        goto close_file;
    }
    close(fd);
    *len = (Py_ssize_t)used;
    return block;

close_file:;
    int keep = errno;
    close(fd);
    errno = keep;
    return NULL;
}

int
mf_source_read(PyObject *path, struct mf_text *text)
{
    mf_text_clear(text);
    PyObject *encoded = PyUnicode_EncodeFSDefault(path);
    if (encoded == NULL) {
        return -1;
    }
    char *raw;
    Py_ssize_t len = 0;
    struct stat st;
    /* With the GIL: to get it back from a thread that runs takes 5 ms, a
     * file that was just written some microseconds. */
    raw = mf_source_slurp(PyBytes_AS_STRING(encoded), 0, &len, &st);
    Py_DECREF(encoded);
    if (raw == NULL) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return 1;
        }
        if (errno == ENOMEM) {
            PyErr_NoMemory();
        }
        else {
            PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
        }
        return -1;
    }
    int rc = mf_source_decode(path, raw, len, text);
    mf_free(raw);
    return rc;
}

/* ---- sources and modules ------------------------------------------- */

struct mf_source *
mf_source_find(struct mf_state *state, PyObject *path)
{
    if (state->by_path == NULL) {
        return NULL;
    }
    PyObject *index = PyDict_GetItemWithError(state->by_path, path);
    if (index == NULL) {
        return NULL;
    }
    return state->sources.items[PyLong_AsSize_t(index)];
}

struct mf_source *
mf_source_get(struct mf_state *state, PyObject *path)
{
    struct mf_source *source = mf_source_find(state, path);
    if (source != NULL || PyErr_Occurred()) {
        return source;
    }
    source = mf_alloc(sizeof(*source));
    if (source == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    source->path = Py_NewRef(path);
    source->number = state->sources.len;
    PyObject *index = PyLong_FromSize_t(source->number);
    if (index == NULL || mf_vec_push(&state->sources, source) < 0) {
        goto free_source;
    }
    if (mf_vec_reserve(&state->unindexed, state->sources.cap) < 0 ||
        PyDict_SetItem(state->by_path, path, index) < 0) {
        state->sources.len--;
        goto free_source;
    }
    state->unindexed.items[state->unindexed.len++] = source;
    Py_DECREF(index);
    return source;

free_source:
    Py_XDECREF(index);
    Py_DECREF(source->path);
    mf_free(source);
    return NULL;
}

bool
mf_source_is_package(const struct mf_module *module)
{
    return PyDict_GetItemString(module->dict, "__path__") != NULL;
}

void
mf_source_module_free(struct mf_module *module)
{
    Py_XDECREF(module->name);
    Py_XDECREF(module->dict);
    Py_XDECREF(module->codes);
    Py_XDECREF(module->base);
    Py_XDECREF(module->loads);
    mf_free(module);
}

void
mf_source_free_all(struct mf_state *state)
{
    for (size_t i = 0; i < state->sources.len; i++) {
        struct mf_source *source = state->sources.items[i];
        for (size_t m = 0; m < source->modules.len; m++) {
            mf_source_module_free(source->modules.items[m]);
        }
        mf_vec_clear(&source->modules);
        mf_vec_clear_refs(&source->execs);
        mf_split_clear(&source->split);
        mf_text_clear(&source->text);
        Py_XDECREF(source->given);
        Py_XDECREF(source->path);
        mf_free(source);
    }
    mf_vec_clear(&state->sources);
    mf_vec_clear(&state->unindexed);
    Py_CLEAR(state->by_path);
}

/* The folder of an absolute path, new reference; NULL without exception if
 * there is none to name. */
static PyObject *
folder_of(PyObject *path)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(path);
    Py_ssize_t slash = PyUnicode_FindChar(path, '/', 0, n, -1);
    PyObject *folder = NULL;
    if (slash > 0 && PyUnicode_READ_CHAR(path, 0) == '/') {
        folder = PyUnicode_Substring(path, 0, slash);
    }
    PyErr_Clear();
    return folder;
}

/* The same for a file that is no link: what the rule says of one such file it
 * says of all. NULL, without exception: it has to be asked. */
static PyObject *
folder_of_plain(PyObject *path)
{
    const char *text = PyUnicode_AsUTF8(path);
    struct stat st;
    PyErr_Clear();
    return text != NULL && lstat(text, &st) == 0 && !S_ISLNK(st.st_mode)
               ? folder_of(path)
               : NULL;
}

static int
ask_is_target(struct mf_state *state, PyObject *path, PyObject *name)
{
    PyObject *folder = state->by_folder ? folder_of_plain(path) : NULL;
    PyObject *known =
        folder ? PyDict_GetItemWithError(state->folder_cache, folder) : NULL;
    PyObject *answer =
        known != NULL       ? Py_NewRef(known)
        : PyErr_Occurred() ? NULL
                            : PyObject_CallFunctionObjArgs(
                                  state->is_target, path,
                                  name ? name : Py_None, NULL);
    int yes = answer ? PyObject_IsTrue(answer) : -1;
    if (yes >= 0 && known == NULL && folder != NULL &&
        PyDict_SetItem(state->folder_cache, folder,
                       yes ? Py_True : Py_False) < 0) {
        yes = -1;
    }
    Py_XDECREF(answer);
    Py_XDECREF(folder);
    return yes;
}

int
mf_source_is_target(struct mf_state *state, PyObject *path, PyObject *name)
{
    if (state->is_target == NULL) {
        return 1;
    }
    PyObject *known = PyDict_GetItemWithError(state->target_cache, path);
    if (known != NULL) {
        return known == Py_True;
    }
    if (PyErr_Occurred()) {
        return -1;
    }
    int yes = ask_is_target(state, path, name);
    if (yes >= 0 && PyDict_SetItem(state->target_cache, path,
                                   yes ? Py_True : Py_False) < 0) {
        return -1;
    }
    return yes;
}

int
mf_source_may_be_target(struct mf_state *state, PyObject *path,
                        PyObject *name)
{
    PyObject *folder = state->by_folder ? folder_of(path) : NULL;
    bool yes = folder != NULL &&
               PyDict_GetItemWithError(state->folder_cache, folder) == Py_True;
    Py_XDECREF(folder);
    PyErr_Clear();
    return yes ? 1 : mf_source_is_target(state, path, name);
}

int
mf_source_is_plain(struct mf_state *state, PyObject *path)
{
    return state->by_folder && state->is_target != NULL
               ? PyDict_SetItem(state->target_cache, path, Py_True)
               : 0;
}

int
mf_source_split(struct mf_source *source)
{
    if (source->is_split) {
        return 0;
    }
    int rc = mf_split(&source->split, PyBytes_AS_STRING(source->text.bytes),
                      (size_t)PyBytes_GET_SIZE(source->text.bytes));
    if (rc == MF_SPLIT_NOMEM) {
        PyErr_NoMemory();
        return -1;
    }
    source->is_split = true;
    return 0;
}

/* ---- code objects and values of base ------------------------------- */

static int
by_line(const void *a, const void *b)
{
    const PyCodeObject *x = *(PyCodeObject *const *)a;
    const PyCodeObject *y = *(PyCodeObject *const *)b;
    return (x->co_firstlineno > y->co_firstlineno) -
           (x->co_firstlineno < y->co_firstlineno);
}

static int
flatten_into(PyObject *code, PyObject *list, int depth)
{
    PyObject *consts = ((PyCodeObject *)code)->co_consts;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(consts, i);
        if (!PyCode_Check(item)) {
            continue;
        }
        PyCodeObject *inner = (PyCodeObject *)item;
        /* class bodies, and the scopes of type parameters around them or
         * around functions, are opened: their code runs once */
        bool opened =
            !(inner->co_flags & CO_OPTIMIZED) ||
            PyUnicode_Tailmatch(inner->co_name, mf_source_generic_prefix(), 0,
                                PY_SSIZE_T_MAX, -1) == 1;
        if (opened && depth < 50) {
            if (flatten_into(item, list, depth + 1) < 0) {
                return -1;
            }
        }
        else if (PyList_Append(list, item) < 0) {
            return -1;
        }
    }
    return 0;
}

PyObject *
mf_source_flatten(PyObject *module_code)
{
    PyObject *list = PyList_New(0);
    if (list == NULL || flatten_into(module_code, list, 0) < 0) {
        Py_XDECREF(list);
        return NULL;
    }
    PyListObject *l = (PyListObject *)list;
    /* mergesort is not in C; insertion keeps equal lines in their order and
     * the list comes nearly sorted */
    for (Py_ssize_t i = 1; i < Py_SIZE(l); i++) {
        PyObject *item = l->ob_item[i];
        Py_ssize_t j = i;
        while (j > 0 && by_line(&l->ob_item[j - 1], &item) > 0) {
            l->ob_item[j] = l->ob_item[j - 1];
            j--;
        }
        l->ob_item[j] = item;
    }
    return list;
}
