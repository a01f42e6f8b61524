/* imports_cached.c -- owns the reading of a .pyc file beside its source. In: a
 * loader and the namespace that it is to fill. Out: code object and text.
 * Whatever is not plain goes back to the loader.
 */
#include "imports_cached.h"

#include <fcntl.h>
#include <marshal.h>

#include "../ground/fault.h"

enum { PYC_HEAD = 16 }; /* magic number, flags, mtime, size: PEP 552 */

/* What the class has by itself; a patched one is another kind of loader. */
static PyTypeObject *plain_loader;
static struct {
    const char *name;
    PyObject *attribute, *function;
} plain[] = {{.name = "get_code"}, {.name = "path_stats"},
             {.name = "get_data"}, {.name = "get_filename"}};

static PyObject *run_without_frames, *exec_function, *fix_file_name;
static PyObject *str_path, *str_name, *str_cached, *str_spec, *str_dict_name;
static bool is_off;

/* An embedder who checks every file that is opened as code wants to see
 * ours too, and -v the messages: let the loader do it. */
static bool
is_watched(void)
{
    PyObject *flags = PySys_GetObject("flags");
    PyObject *verbose = flags ? PyObject_GetAttrString(flags, "verbose")
                              : NULL;
    bool yes = verbose == NULL || PyObject_IsTrue(verbose) != 0;
    Py_XDECREF(verbose);
    /* refused where there is one already; none is none */
    yes = yes || PyFile_SetOpenCodeHook(NULL, NULL) < 0;
    PyErr_Clear();
    return yes;
}

static PyObject *
attribute_of(const char *module, const char *name)
{
    PyObject *m = PyImport_ImportModule(module);
    PyObject *value = m ? PyObject_GetAttrString(m, name) : NULL;
    Py_XDECREF(m);
    return value;
}

int
mf_imports_cached_init(PyObject *external)
{
    if (plain_loader != NULL) {
        return 0;
    }
    PyObject *loader = PyObject_GetAttrString(external, "SourceFileLoader");
    if (loader == NULL || !PyType_Check(loader)) {
        Py_XDECREF(loader);
        PyErr_Clear();
        return 0;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(plain); i++) {
        plain[i].attribute = PyUnicode_InternFromString(plain[i].name);
        plain[i].function = PyObject_GetAttrString(loader, plain[i].name);
        is_off = is_off || plain[i].function == NULL;
    }
    run_without_frames = attribute_of("importlib._bootstrap",
                                      "_call_with_frames_removed");
    exec_function = attribute_of("builtins", "exec");
    fix_file_name = attribute_of("_imp", "_fix_co_filename");
    str_path = PyUnicode_InternFromString("path");
    str_name = PyUnicode_InternFromString("name");
    str_cached = PyUnicode_InternFromString("cached");
    str_spec = PyUnicode_InternFromString("__spec__");
    str_dict_name = PyUnicode_InternFromString("__name__");
    is_off = is_off || !run_without_frames || !exec_function ||
             !fix_file_name || !str_path || !str_name || !str_cached ||
             !str_spec || !str_dict_name || is_watched();
    PyErr_Clear();
    plain_loader = (PyTypeObject *)loader;
    return 0;
}

static bool
is_plain(PyObject *loader)
{
    if (is_off || Py_TYPE(loader) != plain_loader) {
        return false;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(plain); i++) {
        PyObject *method = PyObject_GetAttr(loader, plain[i].attribute);
        bool same = method != NULL && PyMethod_Check(method) &&
                    PyMethod_GET_FUNCTION(method) == plain[i].function;
        Py_XDECREF(method);
        if (!same) {
            return false;
        }
    }
    return true;
}

static uint32_t
word_at(const char *raw, int at)
{
    const unsigned char *p = (const unsigned char *)raw + at;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

/* Of this interpreter, checked by time, and of the file with this stamp. */
static bool
is_fresh(const char *raw, Py_ssize_t len, const struct stat *st)
{
    /* the loader has the time as a float, which may round up */
    double time = (double)st->st_mtim.tv_sec + 1e-9 * st->st_mtim.tv_nsec;
    return len > PYC_HEAD &&
           word_at(raw, 0) == (uint32_t)PyImport_GetMagicNumber() &&
           word_at(raw, 4) == 0 && word_at(raw, 8) == (uint32_t)(int64_t)time &&
           word_at(raw, 12) == (uint32_t)st->st_size;
}

static char *
slurp(PyObject *path, int flags, Py_ssize_t *len, struct stat *st)
{
    PyObject *encoded = PyUnicode_EncodeFSDefault(path);
    char *raw = encoded ? mf_source_slurp(PyBytes_AS_STRING(encoded), flags, len,
                                        st)
                        : NULL;
    Py_XDECREF(encoded);
    return raw;
}

static PyObject *
code_in(const char *raw, Py_ssize_t len, PyObject *path)
{
    PyObject *code = PyMarshal_ReadObjectFromString(raw + PYC_HEAD,
                                                    len - PYC_HEAD);
    if (code == NULL || !PyCode_Check(code)) {
        Py_XDECREF(code);
        return NULL;
    }
    if (PyUnicode_Compare(((PyCodeObject *)code)->co_filename, path) != 0) {
        PyObject *done = PyObject_CallFunctionObjArgs(fix_file_name, code,
                                                      path, NULL);
        if (done == NULL) {
            Py_CLEAR(code);
        }
        Py_XDECREF(done);
    }
    return code;
}

/* The same name, path and .pyc file for loader and spec: 1 / 0. */
static bool
is_agreed(PyObject *loader, PyObject *dict, PyObject **path,
          PyObject **cached)
{
    PyObject *spec = PyDict_GetItemWithError(dict, str_spec);
    PyObject *own = PyDict_GetItemWithError(dict, str_dict_name);
    PyObject *name = PyObject_GetAttr(loader, str_name);
    *path = PyObject_GetAttr(loader, str_path);
    *cached = spec ? PyObject_GetAttr(spec, str_cached) : NULL;
    bool yes = name != NULL && own != NULL && PyUnicode_Check(name) &&
               PyUnicode_Check(own) && PyUnicode_Compare(name, own) == 0 &&
               *path != NULL && PyUnicode_Check(*path) && *cached != NULL &&
               PyUnicode_Check(*cached);
    Py_XDECREF(name);
    return yes;
}

bool
mf_imports_cached(PyObject *loader, PyObject *dict, PyObject **code,
                  struct mf_text *text)
{
    PyObject *path = NULL, *cached = NULL;
    char *source = NULL, *pyc = NULL;
    Py_ssize_t source_len, pyc_len;
    struct stat stamp, unused;
    bool found = false;
    *code = NULL;
    if (!is_plain(loader) || !is_agreed(loader, dict, &path, &cached)) {
        goto done;
    }
    /* a hook that says no says it to the loader once more */
    if (PySys_Audit("open", "Osi", cached, "r", O_RDONLY | O_CLOEXEC) < 0) {
        goto done;
    }
    source = slurp(path, O_NOFOLLOW, &source_len, &stamp);
    pyc = source ? slurp(cached, 0, &pyc_len, &unused) : NULL;
    if (pyc != NULL && is_fresh(pyc, pyc_len, &stamp)) {
        *code = code_in(pyc, pyc_len, path);
    }
    if (*code != NULL) {
        found = true;
        if (source_len == stamp.st_size) {
            mf_source_decode(path, source, source_len, text);
        }
    }
done:
    PyErr_Clear();
    mf_free(source);
    mf_free(pyc);
    Py_XDECREF(path);
    Py_XDECREF(cached);
    return found;
}

PyObject *
mf_imports_cached_run(PyObject *code, PyObject *dict)
{
    PyObject *result = PyObject_CallFunctionObjArgs(
        run_without_frames, exec_function, code, dict, NULL);
    Py_XDECREF(result);
    return result != NULL ? Py_NewRef(Py_None) : NULL;
}
