/* imports_cached.c -- owns the reading of a .pyc file beside its source. In: a
 * loader and the namespace that it is to fill. Out: code object and text.
 * Whatever is not plain goes back to the loader.
 */
#include "imports_cached.h"

#include <fcntl.h>
#include <marshal.h>

#include "../ground/fault.h"
#include "../ground/once.h"

enum { PYC_HEAD = 16 }; /* magic number, flags, mtime, size: PEP 552 */

/* A patched one of these makes another kind of loader. */
static const char *const method_names[MF_LOADER_METHODS] = {
    "get_code", "path_stats", "get_data", "get_filename"};
static PyObject *str_methods[MF_LOADER_METHODS];
static PyObject *str_path, *str_name, *str_cached, *str_spec, *str_dict_name;

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

static bool
find_all(struct mf_plain_loader *plain, PyObject *external)
{
    PyObject *loader = PyObject_GetAttrString(external, "SourceFileLoader");
    plain->type = loader;
    for (int i = 0; loader != NULL && i < MF_LOADER_METHODS; i++) {
        if (mf_once(&str_methods[i], method_names[i]) == NULL) {
            return false;
        }
        plain->methods[i] = PyObject_GetAttr(loader, str_methods[i]);
        if (plain->methods[i] == NULL) {
            return false;
        }
    }
    plain->run = attribute_of("importlib._bootstrap",
                              "_call_with_frames_removed");
    plain->exec = attribute_of("builtins", "exec");
    plain->fix_file_name = attribute_of("_imp", "_fix_co_filename");
    return loader != NULL && plain->run != NULL && plain->exec != NULL &&
           plain->fix_file_name != NULL && mf_once(&str_path, "path") &&
           mf_once(&str_name, "name") && mf_once(&str_cached, "cached") &&
           mf_once(&str_spec, "__spec__") &&
           mf_once(&str_dict_name, "__name__");
}

int
mf_imports_cached_init(struct mf_plain_loader *plain, PyObject *external)
{
    PyObject *basics = PyObject_GetAttrString(external, "_LoaderBasics");
    mf_imports_cached_clear(plain);
    if (basics != NULL) {
        plain->exec_module = PyObject_GetAttrString(basics, "exec_module");
    }
    Py_XDECREF(basics);
    if (plain->exec_module == NULL) {
        return -1;
    }
    plain->is_known = find_all(plain, external) && !is_watched();
    PyErr_Clear();
    return 0;
}

void
mf_imports_cached_clear(struct mf_plain_loader *plain)
{
    Py_CLEAR(plain->type);
    for (int i = 0; i < MF_LOADER_METHODS; i++) {
        Py_CLEAR(plain->methods[i]);
    }
    Py_CLEAR(plain->exec_module);
    Py_CLEAR(plain->run);
    Py_CLEAR(plain->exec);
    Py_CLEAR(plain->fix_file_name);
    plain->is_known = false;
}

static bool
is_plain(const struct mf_plain_loader *plain, PyObject *loader)
{
    if (!plain->is_known || (PyObject *)Py_TYPE(loader) != plain->type) {
        return false;
    }
    for (int i = 0; i < MF_LOADER_METHODS; i++) {
        PyObject *method = PyObject_GetAttr(loader, str_methods[i]);
        bool same = method != NULL && PyMethod_Check(method) &&
                    PyMethod_GET_FUNCTION(method) == plain->methods[i];
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
code_in(const struct mf_plain_loader *plain, const char *raw, Py_ssize_t len,
        PyObject *path)
{
    PyObject *code = PyMarshal_ReadObjectFromString(raw + PYC_HEAD,
                                                    len - PYC_HEAD);
    if (code == NULL || !PyCode_Check(code)) {
        Py_XDECREF(code);
        return NULL;
    }
    if (PyUnicode_Compare(((PyCodeObject *)code)->co_filename, path) != 0) {
        PyObject *done = PyObject_CallFunctionObjArgs(plain->fix_file_name,
                                                      code, path, NULL);
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
mf_imports_cached(const struct mf_plain_loader *plain, PyObject *loader,
                  PyObject *dict, PyObject **code, struct mf_text *text)
{
    PyObject *path = NULL, *cached = NULL;
    char *source = NULL, *pyc = NULL;
    Py_ssize_t source_len, pyc_len;
    struct stat stamp, unused;
    bool found = false;
    *code = NULL;
    if (!is_plain(plain, loader) || !is_agreed(loader, dict, &path, &cached)) {
        goto done;
    }
    /* a hook that says no says it to the loader once more */
    if (PySys_Audit("open", "Osi", cached, "r", O_RDONLY | O_CLOEXEC) < 0) {
        goto done;
    }
    source = slurp(path, O_NOFOLLOW, &source_len, &stamp);
    pyc = source ? slurp(cached, 0, &pyc_len, &unused) : NULL;
    if (pyc != NULL && is_fresh(pyc, pyc_len, &stamp)) {
        *code = code_in(plain, pyc, pyc_len, path);
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
mf_imports_cached_run(const struct mf_plain_loader *plain, PyObject *code,
                      PyObject *dict)
{
    PyObject *result = PyObject_CallFunctionObjArgs(
        plain->run, plain->exec, code, dict, NULL);
    Py_XDECREF(result);
    return result != NULL ? Py_NewRef(Py_None) : NULL;
}
