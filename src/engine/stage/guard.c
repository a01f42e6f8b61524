/* guard.c -- owns the list of events that start something. In: audit events of
 * the staging thread. Out: derived steps stopped and undone, what the others
 * have started.
 *
 * The exception that stops a step may be caught by the program: what counts is
 * the step's mark. It is an Exception, so that libraries put their own state
 * right (a Thread leaves the list of those that are starting).
 */
#include "guard.h"

#include <fcntl.h>
#include <stdatomic.h>

#include "effects_copy.h"

#include "../ground/compat.h"
#include "../ground/fault.h"
#include "../ground/trace.h"

static atomic_int guards_open; /* in all interpreters */

/* ---- events ------------------------------------------------------------------- */

static const struct {
    const char *event, *what;
    bool stops; /* a derived step; else it is only listed */
} events[] = {
    {"_thread.start_new_thread", "a thread", true},
    {"_thread.start_joinable_thread", "a thread", true},
    {"subprocess.Popen", "a process", true},
    {"os.fork", "a process", true},
    {"os.forkpty", "a process", true},
    {"os.posix_spawn", "a process", true},
    {"os.spawn", "a process", true},
    {"os.system", "a process", true},
    {"os.exec", "a process", true},
    {"os.startfile", "a process", true},
    {"pty.spawn", "a process", true},
    {"_posixsubprocess.fork_exec", "a process", true},
    {"socket.bind", "a listener", true},
    {"socket.connect", "a connection", true},
    {"socket.sendto", "a connection", true},
    {"socket.sendmsg", "a connection", true},
    {"socket.getaddrinfo", "a connection", true},
    {"socket.gethostbyname", "a connection", true},
    {"socket.gethostbyaddr", "a connection", true},
    {"http.client.connect", "a connection", true},
    {"urllib.Request", "a connection", true},
    {"ftplib.connect", "a connection", true},
    {"smtplib.connect", "a connection", true},
    {"imaplib.open", "a connection", true},
    {"poplib.connect", "a connection", true},
    {"sqlite3.connect", "a connection", true},
    {"open", "a file for writing", true},
    {"os.remove", "the removal of a file", false},
    {"os.rename", "the renaming of a file", false},
    {"os.truncate", "the cutting of a file", false},
    {"os.rmdir", "the removal of a folder", false},
    {"os.mkdir", "a new folder", false},
    {"os.link", "a link", false},
    {"os.symlink", "a link", false},
    {"os.chdir", "another working folder", false},
    {"os.kill", "a signal", false},
    {"shutil.rmtree", "the removal of a folder", false},
};

/* The text of an argument that is a plain string, borrowed, or NULL. */
static PyObject *
text_of(PyObject *args, Py_ssize_t i)
{
    if (args == NULL || !PyTuple_Check(args) || PyTuple_GET_SIZE(args) <= i ||
        !PyUnicode_CheckExact(PyTuple_GET_ITEM(args, i))) {
        return NULL;
    }
    return PyTuple_GET_ITEM(args, i);
}

static bool
contains(PyObject *text, const char *part)
{
    const char *utf8 = text ? PyUnicode_AsUTF8(text) : NULL;
    if (utf8 == NULL) {
        PyErr_Clear();
        return false;
    }
    return strstr(utf8, part) != NULL;
}

/* Imports write their caches; that is no doing of the step. */
static bool
opens_for_writing(PyObject *args)
{
    PyObject *mode = text_of(args, 1);
    bool writes = mode != NULL &&
                  (contains(mode, "w") || contains(mode, "a") ||
                   contains(mode, "x") || contains(mode, "+"));
    if (!writes && args != NULL && PyTuple_Check(args) &&
        PyTuple_GET_SIZE(args) > 2 &&
        PyLong_CheckExact(PyTuple_GET_ITEM(args, 2))) {
        long flags = PyLong_AsLong(PyTuple_GET_ITEM(args, 2));
        PyErr_Clear();
        writes = (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC |
                           O_APPEND)) != 0;
    }
    return writes && !contains(text_of(args, 0), "__pycache__");
}

static int
find_event(const char *event, PyObject *args)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(events); i++) {
        if (event[0] != events[i].event[0] ||
            strcmp(event, events[i].event) != 0) {
            continue;
        }
        if (event[0] == 'o' && event[1] == 'p' && !opens_for_writing(args)) {
            return -1;
        }
        PyObject *first = text_of(args, 0);
        if (strcmp(event, "sqlite3.connect") == 0 && first != NULL &&
            PyUnicode_CompareWithASCIIString(first, ":memory:") == 0) {
            return -1;
        }
        return (int)i;
    }
    return -1;
}

static int
note_started(struct mf_guard *guard, const char *what, PyObject *detail)
{
    PyObject *text = detail != NULL && PyUnicode_GET_LENGTH(detail) > 0
                         ? PyUnicode_FromFormat("%s (%U)", what, detail)
                         : PyUnicode_FromString(what);
    int known = text ? PySequence_Contains(guard->started, text) : -1;
    int rc = known == 0 && PyList_GET_SIZE(guard->started) < 50
                 ? PyList_Append(guard->started, text)
                 : known < 0 ? -1 : 0;
    Py_XDECREF(text);
    return rc;
}

/* Something is about to start: 0 lets it, -1 has an exception. */
static int
starts(struct mf_guard *guard, const char *what, PyObject *detail, bool stops)
{
    struct mf_guard_step *step = guard->step;
    if (stops && step != NULL && step->derived) {
        step->what = step->what ? step->what : what;
        PyErr_Format(PyExc_RuntimeError,
                     "midflight: a statement that was not edited would start "
                     "%s",
                     what);
        return -1;
    }
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    if (note_started(guard, what, detail) < 0) {
        PyErr_Clear();
    }
    PyErr_Restore(type, value, tb);
    return 0;
}

static int
on_audit(struct mf_state *state, const char *event, PyObject *args)
{
    struct mf_guard *guard = state->guard;
    if (guard == NULL || guard->thread != PyThread_get_thread_ident()) {
        return 0;
    }
    int at = find_event(event, args);
    if (at < 0) {
        return 0;
    }
    /* what was audited before counts once */
    PyObject *detail = strncmp(event, "socket.", 7) == 0 ||
                               event[0] == '_'
                           ? NULL
                           : text_of(args, 0);
    return starts(guard, events[at].what, detail, events[at].stops);
}

/* ---- threads without an event (3.11) ------------------------------------------- */

/* Stands in front of _thread.start_new_thread, which is self. */
static PyObject *
start_thread(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct mf_state *state = mf_state_get();
    struct mf_guard *guard = state ? state->guard : NULL;
    if (state == NULL) {
        PyErr_Clear();
    }
    if (guard != NULL && guard->thread == PyThread_get_thread_ident() &&
        starts(guard, "a thread", NULL, true) < 0) {
        return NULL;
    }
    return PyObject_Call(self, args, kwargs);
}

static PyMethodDef start_thread_def = {
    "start_new_thread", (PyCFunction)(void (*)(void))start_thread,
    METH_VARARGS | METH_KEYWORDS,
    "_thread.start_new_thread, while midflight stages an update."};

static int
exchange_start(PyObject *modules, const char *module, const char *name,
               PyObject *from, PyObject *to)
{
    PyObject *entry = PyDict_GetItemString(modules, module);
    PyObject *dict =
        entry && PyModule_Check(entry) ? PyModule_GetDict(entry) : NULL;
    if (dict == NULL || PyDict_GetItemString(dict, name) != from) {
        return 0;
    }
    return PyDict_SetItemString(dict, name, to);
}

static int
exchange_starts(PyObject *from, PyObject *to)
{
    PyObject *modules = PyImport_GetModuleDict();
    return exchange_start(modules, "_thread", "start_new_thread", from, to) <
                       0 ||
                   exchange_start(modules, "_thread", "start_new", from, to) <
                       0 ||
                   exchange_start(modules, "threading", "_start_new_thread",
                                  from, to) < 0
               ? -1
               : 0;
}

static int
dress_threads(struct mf_guard *guard)
{
    PyObject *module = PyImport_ImportModule("_thread");
    guard->real_start =
        module ? PyObject_GetAttrString(module, "start_new_thread") : NULL;
    Py_XDECREF(module);
    guard->front = guard->real_start
                       ? PyCFunction_New(&start_thread_def, guard->real_start)
                       : NULL;
    return guard->front == NULL ||
                   exchange_starts(guard->real_start, guard->front) < 0
               ? -1
               : 0;
}

/* ---- open and closed -------------------------------------------------------------- */

int
mf_guard_open(struct mf_guard *guard, struct mf_state *state)
{
    guard->started = PyList_New(0);
    if (guard->started == NULL) {
        return -1;
    }
    guard->state = state;
    guard->thread = PyThread_get_thread_ident();
    state->guard = guard;
    atomic_fetch_add(&guards_open, 1);
    mf_imports_on_audit = on_audit;
    /* the event came with the watchers, in 3.12 */
    return mf_compat_can_watch() ? 0 : dress_threads(guard);
}

void
mf_guard_close(struct mf_guard *guard)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    if (guard->front != NULL &&
        exchange_starts(guard->front, guard->real_start) < 0) {
        PyErr_Clear();
    }
    if (guard->state != NULL && guard->state->guard == guard) {
        guard->state->guard = NULL;
        if (atomic_fetch_sub(&guards_open, 1) == 1) {
            mf_imports_on_audit = NULL;
        }
    }
    guard->state = NULL;
    Py_CLEAR(guard->started);
    Py_CLEAR(guard->front);
    Py_CLEAR(guard->real_start);
    PyErr_Restore(type, value, tb);
}

/* ---- a step -------------------------------------------------------------------------- */

static void
step_clear(struct mf_guard *guard, struct mf_guard_step *step)
{
    guard->step = step->outer;
    Py_CLEAR(step->space);
    Py_CLEAR(step->names);
    Py_CLEAR(step->bound);
    Py_CLEAR(step->known);
}

int
mf_guard_begin(struct mf_guard *guard, struct mf_guard_step *step,
               bool derived, PyObject *space, PyObject *bound)
{
    *step = (struct mf_guard_step){.outer = guard->step, .derived = derived};
    if (derived) {
        step->space = Py_NewRef(space);
        step->names = PyDict_Copy(space);
        step->bound = Py_XNewRef(bound);
        step->known = bound ? PyDict_Copy(bound) : NULL;
        if (step->names == NULL || (bound != NULL && step->known == NULL)) {
            step_clear(guard, step);
            return -1;
        }
    }
    guard->step = step;
    return 0;
}

/* The dict as it was; what did not change is not touched. */
static int
restore_dict(PyObject *dict, PyObject *copy)
{
    if (dict == NULL) {
        return 0;
    }
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (PyDict_Next(copy, &pos, &key, &value)) {
        if (PyDict_GetItemWithError(dict, key) != value &&
            PyDict_SetItem(dict, key, value) < 0) {
            return -1;
        }
    }
    PyObject *keys = PyDict_Keys(dict);
    int rc = keys ? 0 : -1;
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(keys); i++) {
        key = PyList_GET_ITEM(keys, i);
        if (PyDict_GetItemWithError(copy, key) == NULL) {
            rc = PyErr_Occurred() ? -1 : PyDict_DelItem(dict, key);
        }
    }
    Py_XDECREF(keys);
    return rc < 0 || PyErr_Occurred() ? -1 : 0;
}

static int
copy_contents(const struct mf_contents *from, Py_ssize_t stride,
              struct mf_contents *to)
{
    if (from->hashes != NULL) {
        size_t size =
            (size_t)mf_effects_count(from, stride) * sizeof(Py_hash_t);
        to->hashes = mf_alloc(size ? size : 1);
        if (to->hashes == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        memcpy(to->hashes, from->hashes, size);
    }
    to->items = Py_NewRef(from->items);
    return 0;
}

/* Effects that hold the last step alone: before it is what the steps before
 * have left. Of a big holder that they had written to nothing is known. */
static int
only_step(struct mf_effects *all, struct mf_effects *last)
{
    last->items = mf_alloc((all->len + 1) * sizeof(*last->items));
    if (last->items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    last->cap = all->len + 1;
    last->open = true;
    for (size_t i = 0; i < all->len; i++) {
        struct mf_effect *from = &all->items[i];
        if (from->big && from->after.items != NULL) {
            continue;
        }
        struct mf_effect *to = &last->items[last->len];
        *to = (struct mf_effect){.kind = from->kind, .big = from->big,
                                 .nested = from->nested, .ran = from->ran,
                                 .was = from->was, .length = from->length};
        if (copy_contents(from->after.items ? &from->after : &from->before,
                          mf_effects_stride(from->kind), &to->before) < 0) {
            mf_effects_contents_clear(&to->before);
            return -1;
        }
        to->holder = Py_NewRef(from->holder);
        to->name = Py_XNewRef(from->name);
        to->out = Py_XNewRef(from->out);
        last->len++;
    }
    size_t at = 0;
    void *code;
    uintptr_t how;
    while (mf_map_next(&all->codes, &at, &code, &how)) {
        if (mf_map_put(&last->codes, code, how) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < all->keep.len; i++) {
        if (mf_vec_push_ref(&last->keep, all->keep.items[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

int
mf_guard_end(struct mf_guard *guard, struct mf_guard_step *step,
             struct mf_effects *effects)
{
    if (step->what == NULL) {
        step_clear(guard, step);
        return 0;
    }
    if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        step_clear(guard, step);
        return 0; /* the update is rejected: all is taken back */
    }
    PyErr_Clear();
    MF_TRACE(1, "guard: stopped a step that would have started %s",
             step->what);
    struct mf_effects last = {0};
    int rc = only_step(effects, &last);
    if (rc == 0) {
        mf_effects_take_back(&last);
        rc = restore_dict(step->space, step->names) < 0 ||
                     restore_dict(step->bound, step->known) < 0
                 ? -1
                 : 1;
    }
    mf_effects_clear(&last);
    step_clear(guard, step);
    return rc;
}

/* ---- report ------------------------------------------------------------------------------ */

int
mf_guard_report(struct mf_guard *guard, struct mf_report *report)
{
    if (guard->started == NULL || PyList_GET_SIZE(guard->started) == 0) {
        return 0;
    }
    PyObject *comma = PyUnicode_FromString(", ");
    PyObject *all = comma ? PyUnicode_Join(comma, guard->started) : NULL;
    Py_XDECREF(comma);
    int rc = all ? mf_report_add(report, 306, '=', NULL, NULL, NULL, 0,
                                 "staged code has started what cannot be "
                                 "taken back: %U",
                                 all)
                 : -1;
    Py_XDECREF(all);
    return rc;
}
