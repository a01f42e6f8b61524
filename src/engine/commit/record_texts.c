/* record_texts.c -- owns what the memory of undo holds of earlier texts. In:
 * the records, oldest first. Out: the same texts, in less memory or whole.
 *
 * A text is bytes, or what differs from the next newer one: a tuple (length of
 * the common beginning, of the common end, bytes between them). What a host
 * gave as a code object stays what it is.
 */
#include "record_texts.h"

#include "../read/split.h"

/* What a tuple with two numbers and bytes takes besides the bytes themselves. */
enum { OVERHEAD = 200 };

static PyObject *
texts_of(PyObject *records, Py_ssize_t i)
{
    return PyTuple_GET_ITEM(PyList_GET_ITEM(records, i), 1);
}

/* The next older record that has this file. Its texts, borrowed; *text: the
 * file's, borrowed. NULL: none, or an exception. */
static PyObject *
next_older(PyObject *records, PyObject *path, PyObject **text)
{
    for (Py_ssize_t i = PyList_GET_SIZE(records) - 1; i > 0; i--) {
        PyObject *texts = texts_of(records, i - 1);
        *text = PyDict_GetItemWithError(texts, path);
        if (*text != NULL || PyErr_Occurred()) {
            return *text != NULL ? texts : NULL;
        }
    }
    return NULL;
}

/* New: what of `text` differs from `newer`; NULL without an exception if that
 * is not much less. */
static PyObject *
difference(PyObject *text, PyObject *newer)
{
    size_t len = (size_t)PyBytes_GET_SIZE(text);
    size_t newer_len = (size_t)PyBytes_GET_SIZE(newer);
    size_t shorter = len < newer_len ? len : newer_len;
    const char *a = PyBytes_AS_STRING(text), *b = PyBytes_AS_STRING(newer);
    size_t head = mf_split_same_start(a, b, shorter);
    size_t tail = mf_split_same_end(a + len, b + newer_len, shorter - head);
    return len - head - tail + OVERHEAD < len / 2
               ? Py_BuildValue("(nny#)", (Py_ssize_t)head, (Py_ssize_t)tail,
                               a + head, (Py_ssize_t)(len - head - tail))
               : NULL;
}

/* New: the text that differs so from `newer`. */
static PyObject *
whole(PyObject *differs, PyObject *newer)
{
    Py_ssize_t head, tail, len;
    const char *between;
    if (!PyArg_ParseTuple(differs, "nny#", &head, &tail, &between, &len)) {
        return NULL;
    }
    PyObject *text = PyBytes_FromStringAndSize(NULL, head + len + tail);
    if (text != NULL) {
        char *to = PyBytes_AS_STRING(text);
        const char *from = PyBytes_AS_STRING(newer);
        memcpy(to, from, (size_t)head);
        memcpy(to + head, between, (size_t)len);
        memcpy(to + head + len, from + PyBytes_GET_SIZE(newer) - tail,
               (size_t)tail);
    }
    return text;
}

static int
shrink(PyObject *records, PyObject *path, PyObject *newer)
{
    PyObject *text, *texts = next_older(records, path, &text);
    PyObject *differs = texts && PyBytes_Check(text) && PyBytes_Check(newer)
                            ? difference(text, newer)
                            : NULL;
    int rc = differs ? PyDict_SetItem(texts, path, differs) : 0;
    Py_XDECREF(differs);
    return PyErr_Occurred() ? -1 : rc;
}

void
mf_record_texts_shrink(PyObject *records)
{
    Py_ssize_t n = PyList_GET_SIZE(records), pos = 0;
    PyObject *path, *newer;
    while (n > 0 && PyDict_Next(texts_of(records, n - 1), &pos, &path, &newer)) {
        if (shrink(records, path, newer) < 0) {
            PyErr_Clear(); /* only memory is lost */
        }
    }
}

int
mf_record_texts_uncover(PyObject *records)
{
    Py_ssize_t n = PyList_GET_SIZE(records), pos = 0;
    PyObject *path, *newer;
    while (n > 0 && PyDict_Next(texts_of(records, n - 1), &pos, &path, &newer)) {
        PyObject *text, *texts = next_older(records, path, &text);
        if (texts == NULL || !PyTuple_Check(text)) {
            if (PyErr_Occurred()) {
                return -1;
            }
            continue;
        }
        PyObject *bytes = whole(text, newer);
        int rc = bytes ? PyDict_SetItem(texts, path, bytes) : -1;
        Py_XDECREF(bytes);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}
