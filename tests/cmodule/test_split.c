/* test_split.c -- the splitter as Python functions. The text is copied to a
 * block of exactly its size, so that a sanitizer sees reads behind it.
 */
#include "parts.h"

#include "read/split.h"

#include <stdlib.h>
#include <time.h>

/* A span as str, whatever the bytes; None for no span. */
static PyObject *
span(const char *start, uint32_t len)
{
    return start == NULL ? Py_NewRef(Py_None)
                         : PyUnicode_DecodeUTF8(start, len, "replace");
}

static PyObject *
import_as_dict(const struct mf_import *import)
{
    return Py_BuildValue(
        "{s:N,s:I,s:N,s:N,s:I,s:O,s:O}", "module",
        span(import->module, import->module_len), "level", import->level,
        "name", span(import->name, import->name_len), "as",
        span(import->as, import->as_len), "line", import->line, "nested",
        import->nested ? Py_True : Py_False, "guarded",
        import->guarded ? Py_True : Py_False);
}

static int
append_import(const struct mf_import *import, void *list)
{
    PyObject *item = import_as_dict(import);
    if (item == NULL) {
        return -1;
    }
    int result = PyList_Append(list, item);
    Py_DECREF(item);
    return result;
}

static PyObject *
index_or_none(uint32_t index)
{
    return index == MF_UNIT_NONE ? Py_NewRef(Py_None)
                                 : PyLong_FromUnsignedLong(index);
}

static PyObject *
unit_as_dict(const char *text, const struct mf_split *split, uint32_t index)
{
    const struct mf_unit *unit = &split->units[index];
    PyObject *imports = PyList_New(0);
    if (imports == NULL) {
        return NULL;
    }
    if (mf_split_imports(text, split, index, append_import, imports) != 0) {
        Py_DECREF(imports);
        return NULL;
    }
    return Py_BuildValue(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:N,s:I,s:N,s:N,s:N,s:I,s:I,s:K,s:K,s:N}",
        "start", unit->start, "end", unit->end, "line", unit->line,
        "end_line", unit->end_line, "def_line", unit->def_line, "body",
        unit->body, "name", span(text + unit->name, unit->name_len), "indent",
        unit->indent, "parent", index_or_none(unit->parent),
        "first_child", index_or_none(unit->first_child), "next",
        index_or_none(unit->next), "kind", unit->kind, "flags", unit->flags,
        "hash", (unsigned long long)unit->hash, "words",
        (unsigned long long)unit->words, "imports", imports);
}

static PyObject *
split_as_dict(const char *text, const struct mf_split *split)
{
    PyObject *units = PyList_New(split->len);
    if (units == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < split->len; i++) {
        PyObject *unit = unit_as_dict(text, split, i);
        if (unit == NULL) {
            Py_DECREF(units);
            return NULL;
        }
        PyList_SET_ITEM(units, i, unit);
    }
    return Py_BuildValue("{s:i,s:z,s:I,s:I,s:N,s:N}", "result", split->result,
                         "why", split->why, "why_line", split->why_line,
                         "lines", split->lines, "first",
                         index_or_none(split->first), "units", units);
}

static PyObject *
split(PyObject *self, PyObject *args)
{
    Py_buffer data;
    struct mf_split split;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*", &data)) {
        return NULL;
    }
    char *text = malloc((size_t)data.len);
    if (text == NULL && data.len > 0) {
        PyErr_NoMemory();
        goto release_data;
    }
    if (data.len > 0) {
        memcpy(text, data.buf, (size_t)data.len);
    }
    if (mf_split(&split, text, (size_t)data.len) == MF_SPLIT_NOMEM) {
        PyErr_NoMemory();
    }
    else {
        result = split_as_dict(text, &split);
    }
    mf_split_clear(&split);
    free(text);
release_data:
    PyBuffer_Release(&data);
    return result;
}

/* split_again(old text, new text): as split(new text). */
static PyObject *
split_again(PyObject *self, PyObject *args)
{
    Py_buffer old_data, data;
    struct mf_split old, split = {0};
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*", &old_data, &data)) {
        return NULL;
    }
    if (mf_split(&old, old_data.buf, (size_t)old_data.len) ==
            MF_SPLIT_NOMEM ||
        mf_split_again(&split, data.buf, (size_t)data.len, &old, old_data.buf,
                       (size_t)old_data.len) == MF_SPLIT_NOMEM) {
        PyErr_NoMemory();
    }
    else {
        result = split_as_dict(data.buf, &split);
    }
    mf_split_clear(&split);
    mf_split_clear(&old);
    PyBuffer_Release(&old_data);
    PyBuffer_Release(&data);
    return result;
}

/* Nanoseconds of this thread for the fastest of `times` splits: what else the
 * machine does is not counted. */
static PyObject *
split_time(PyObject *self, PyObject *args)
{
    Py_buffer data;
    int times;
    double best = -1;
    if (!PyArg_ParseTuple(args, "y*i", &data, &times)) {
        return NULL;
    }
    for (int i = 0; i < times; i++) {
        struct timespec before, after;
        struct mf_split split;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
        mf_split(&split, data.buf, (size_t)data.len);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
        mf_split_clear(&split);
        double ns = (double)(after.tv_sec - before.tv_sec) * 1e9 +
                    (double)(after.tv_nsec - before.tv_nsec);
        best = best < 0 || ns < best ? ns : best;
    }
    PyBuffer_Release(&data);
    return PyFloat_FromDouble(best);
}

static PyObject *
split_fstrings(PyObject *self, PyObject *nested)
{
    int truth = PyObject_IsTrue(nested);
    if (truth < 0) {
        return NULL;
    }
    mf_split_fstrings(truth);
    Py_RETURN_NONE;
}

static PyObject *
split_word(PyObject *self, PyObject *args)
{
    const char *word;
    Py_ssize_t len;
    if (!PyArg_ParseTuple(args, "y#", &word, &len)) {
        return NULL;
    }
    return PyLong_FromUnsignedLongLong(mf_split_word(word, (size_t)len));
}

static PyMethodDef methods[] = {
    {"split", split, METH_VARARGS, NULL},
    {"split_again", split_again, METH_VARARGS, NULL},
    {"split_time", split_time, METH_VARARGS, NULL},
    {"split_fstrings", split_fstrings, METH_O, NULL},
    {"split_word", split_word, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int
mf_test_split_init(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
