/* report.c -- owns the entries of one update's report. In: codes and words
 * from every room. Out: one dict that the Python layer prints.
 */
#include "report.h"
#include "trace.h"

static const char *const phase_names[MF_PHASE_COUNT_] = {
    "read", "plan", "stage", "match", "check", "prepare", "commit", "finish",
};

static const char *const outcome_names[] = {
    "skipped", "committed", "rejected", "rolled back",
};

int
mf_report_init(struct mf_report *report)
{
    memset(report, 0, sizeof(*report));
    report->started = mf_trace_now();
    PyObject **lists[] = {&report->changed, &report->kept, &report->notes,
                          &report->reasons, &report->stragglers,
                          &report->files, &report->plan};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(lists); i++) {
        *lists[i] = PyList_New(0);
        if (*lists[i] == NULL) {
            mf_report_clear(report);
            return -1;
        }
    }
    return 0;
}

void
mf_report_clear(struct mf_report *report)
{
    Py_CLEAR(report->changed);
    Py_CLEAR(report->kept);
    Py_CLEAR(report->notes);
    Py_CLEAR(report->reasons);
    Py_CLEAR(report->stragglers);
    Py_CLEAR(report->files);
    Py_CLEAR(report->plan);
}

static PyObject *
list_for(struct mf_report *report, int code)
{
    switch (code / 100) {
    case 1:
        return report->changed;
    case 2:
        return report->kept;
    case 3:
        return report->notes;
    case 5:
        return report->stragglers;
    default:
        return report->reasons;
    }
}

static int
add_entry(struct mf_report *report, int code, char op, PyObject *module,
          PyObject *name, PyObject *path, long line, PyObject *text)
{
    char code_text[16], op_text[2] = {op, 0};
    PyOS_snprintf(code_text, sizeof(code_text), "MF%d", code);
    PyObject *line_obj = line > 0 ? PyLong_FromLong(line) : Py_NewRef(Py_None);
    if (line_obj == NULL) {
        return -1;
    }
    PyObject *entry = Py_BuildValue(
        "{s:s,s:s,s:O,s:O,s:O,s:N,s:O}", "code", code_text, "op", op_text,
        "module", module ? module : Py_None, "name", name ? name : Py_None,
        "file", path ? path : Py_None, "line", line_obj, "text", text);
    if (entry == NULL) {
        return -1;
    }
    int rc = PyList_Append(list_for(report, code), entry);
    Py_DECREF(entry);
    return rc;
}

int
mf_report_add(struct mf_report *report, int code, char op, PyObject *module,
              PyObject *name, PyObject *path, long line, const char *format,
              ...)
{
    va_list args;
    va_start(args, format);
    PyObject *text = PyUnicode_FromFormatV(format, args);
    va_end(args);
    if (text == NULL) {
        return -1;
    }
    int rc = add_entry(report, code, op, module, name, path, line, text);
    Py_DECREF(text);
    return rc;
}

/* "Type: message", never through a str() of the program's own classes that
 * fails: then the type's name alone. */
static PyObject *
exception_text(PyObject *exc)
{
    if (PyErr_GivenExceptionMatches(exc, PyExc_SyntaxError)) {
        PyObject *msg = PyObject_GetAttrString(exc, "msg");
        if (msg != NULL && PyUnicode_Check(msg)) {
            PyObject *text = PyUnicode_FromFormat(
                "%s: %U", Py_TYPE(exc)->tp_name, msg);
            Py_DECREF(msg);
            return text;
        }
        Py_XDECREF(msg);
        PyErr_Clear();
    }
    PyObject *words = PyObject_Str(exc);
    if (words == NULL) {
        PyErr_Clear();
    }
    PyObject *text;
    if (words != NULL && PyUnicode_GET_LENGTH(words) > 0) {
        text = PyUnicode_FromFormat("%s: %U", Py_TYPE(exc)->tp_name, words);
    }
    else {
        text = PyUnicode_FromString(Py_TYPE(exc)->tp_name);
    }
    Py_XDECREF(words);
    return text;
}

/* File and line: of a SyntaxError its own, else of the innermost frame. New
 * reference in *path (or NULL), *line 0 if unknown. */
static void
exception_place(PyObject *exc, PyObject **path, long *line)
{
    *path = NULL;
    *line = 0;
    if (PyErr_GivenExceptionMatches(exc, PyExc_SyntaxError)) {
        PyObject *file = PyObject_GetAttrString(exc, "filename");
        PyObject *no = PyObject_GetAttrString(exc, "lineno");
        if (file != NULL && PyUnicode_Check(file) && no != NULL &&
            PyLong_Check(no)) {
            *path = Py_NewRef(file);
            *line = PyLong_AsLong(no);
        }
        Py_XDECREF(file);
        Py_XDECREF(no);
        PyErr_Clear();
        if (*path != NULL) {
            return;
        }
    }
    PyObject *tb = PyException_GetTraceback(exc);
    while (tb != NULL && tb != Py_None) {
        PyObject *next = PyObject_GetAttrString(tb, "tb_next");
        if (next == NULL || next == Py_None) {
            Py_XDECREF(next);
            PyObject *no = PyObject_GetAttrString(tb, "tb_lineno");
            PyObject *frame = PyObject_GetAttrString(tb, "tb_frame");
            if (no != NULL && PyLong_Check(no) && frame != NULL &&
                PyFrame_Check(frame)) {
                PyCodeObject *code = PyFrame_GetCode((PyFrameObject *)frame);
                *path = Py_NewRef(code->co_filename);
                *line = PyLong_AsLong(no);
                Py_DECREF(code);
            }
            Py_XDECREF(no);
            Py_XDECREF(frame);
            break;
        }
        Py_SETREF(tb, next);
    }
    Py_XDECREF(tb);
    PyErr_Clear();
}

int
mf_report_exception(struct mf_report *report, int code, PyObject *module,
                    PyObject *name, PyObject *path, long line)
{
    PyObject *type, *exc, *tb;
    PyErr_Fetch(&type, &exc, &tb);
    PyErr_NormalizeException(&type, &exc, &tb);
    if (exc == NULL) {
        Py_XDECREF(type);
        Py_XDECREF(tb);
        return mf_report_add(report, code, '=', module, name, path, line,
                             "unknown error");
    }
    if (tb != NULL) {
        PyException_SetTraceback(exc, tb);
    }
    PyObject *file;
    long where;
    exception_place(exc, &file, &where);
    PyObject *text = exception_text(exc);
    int rc = -1;
    if (text != NULL) {
        rc = add_entry(report, code, '=', module, name, file ? file : path,
                       file && where > 0 ? where : line, text);
        Py_DECREF(text);
    }
    Py_XDECREF(file);
    Py_XDECREF(type);
    Py_XDECREF(exc);
    Py_XDECREF(tb);
    return rc;
}

void
mf_report_late(struct mf_report *report)
{
    if (PyErr_Occurred() &&
        mf_report_exception(report, 309, NULL, NULL, NULL, 0) < 0) {
        PyErr_WriteUnraisable(NULL);
    }
}

Py_ssize_t
mf_report_reasons(const struct mf_report *report)
{
    return PyList_GET_SIZE(report->reasons);
}

static double
to_ms(int64_t ns)
{
    return (double)ns / 1e6;
}

/* New reference: a dict, or None where nothing was foreseen. */
static PyObject *
foreseen_dict(const struct mf_foreseen *foreseen)
{
    return foreseen->known
               ? Py_BuildValue("{s:n,s:n,s:d}", "references",
                               foreseen->references, "instances",
                               foreseen->instances, "pause_ms",
                               foreseen->pause_ms)
               : Py_NewRef(Py_None);
}

PyObject *
mf_report_dict(struct mf_report *report, long running)
{
    PyObject *timings = PyDict_New();
    if (timings == NULL) {
        return NULL;
    }
    for (int i = 0; i <= MF_PHASE_COUNT_; i++) {
        int64_t ns = i < MF_PHASE_COUNT_ ? report->spent[i] : report->total;
        PyObject *ms = PyFloat_FromDouble(to_ms(ns));
        if (ms == NULL ||
            PyDict_SetItemString(timings,
                                 i < MF_PHASE_COUNT_ ? phase_names[i]
                                                     : "total",
                                 ms) < 0) {
            Py_XDECREF(ms);
            Py_DECREF(timings);
            return NULL;
        }
        Py_DECREF(ms);
    }
    PyObject *foreseen = foreseen_dict(&report->foreseen);
    if (foreseen == NULL) {
        Py_DECREF(timings);
        return NULL;
    }
    return Py_BuildValue(
        "{s:l,s:s,s:O,s:O,s:O,s:O,s:O,s:O,s:N,s:d,s:l,s:O,s:O,s:N}", "number",
        report->number, "outcome", outcome_names[report->outcome], "files",
        report->files, "changed", report->changed, "kept", report->kept,
        "notes", report->notes, "reasons", report->reasons, "stragglers",
        report->stragglers, "timings", timings, "pause_ms",
        to_ms(report->pause), "running", running, "dry_run",
        report->dry_run ? Py_True : Py_False, "plan", report->plan, "foreseen",
        foreseen);
}
