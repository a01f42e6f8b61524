/* baseline.c -- owns the move of baselines. In: a committed plan. Out:
 * sources whose text, statements and code objects are those that live now.
 */
#include "baseline.h"

#include "../read/imports.h"

const struct mf_unit *
mf_baseline_shifted(const struct mf_diff *diff, uint32_t index, int *delta)
{
    const struct mf_delta *d = &diff->deltas[index];
    if (d->kind != MF_DELTA_SAME || d->runs || d->old_unit == MF_UNIT_NONE ||
        d->new_unit == MF_UNIT_NONE) {
        return NULL;
    }
    /* members of a class that ran as a whole are new code */
    for (uint32_t p = d->parent; p != MF_UNIT_NONE;
         p = diff->deltas[p].parent) {
        if (diff->deltas[p].runs || diff->deltas[p].kind != MF_DELTA_CLASS) {
            return NULL;
        }
    }
    const struct mf_unit *old_unit = &diff->old_of.split->units[d->old_unit];
    *delta = (int)diff->new_of.split->units[d->new_unit].line -
             (int)old_unit->line;
    return old_unit;
}

/* Does the delta carry code of its own that was compiled? */
static bool
is_new_code(const struct mf_diff *diff, const struct mf_delta *d)
{
    if (d->new_unit == MF_UNIT_NONE || d->new_code == NULL) {
        return false;
    }
    for (uint32_t p = d->parent; p != MF_UNIT_NONE;
         p = diff->deltas[p].parent) {
        if (diff->deltas[p].runs || diff->deltas[p].kind != MF_DELTA_CLASS) {
            return false; /* the class around it has it */
        }
    }
    return d->kind == MF_DELTA_CODE || d->kind == MF_DELTA_ADDED || d->runs ||
           (d->kind == MF_DELTA_RUN);
}

static PyObject *
codes_of(struct mf_target *target)
{
    struct mf_diff *diff = &target->change->diff;
    PyObject *codes = target->module->codes;
    if (codes == NULL || target->change->kind == MF_CHANGE_DELETED) {
        return Py_NewRef(Py_None);
    }
    if (target->change->given != NULL ||
        (target->module->late && target->module->unsure)) {
        return Py_NewRef(Py_NotImplemented); /* lines do not tell which */
    }
    bool any = false;
    for (uint32_t i = 0; i < diff->len && !any; i++) {
        any = diff->deltas[i].kind != MF_DELTA_SAME || diff->deltas[i].runs;
    }
    if (!any) {
        return Py_NewRef(codes);
    }
    PyObject *out = PyList_New(0);
    Py_ssize_t n = PyList_GET_SIZE(codes), at = 0;
    for (uint32_t i = 0; out != NULL && i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        int delta, rc = 0;
        if (is_new_code(diff, d)) {
            PyObject *fresh = mf_source_flatten(d->new_code);
            rc = fresh ? PyList_SetSlice(out, PyList_GET_SIZE(out),
                                         PyList_GET_SIZE(out), fresh)
                       : -1;
            Py_XDECREF(fresh);
        }
        else {
            const struct mf_unit *u = mf_baseline_shifted(diff, i, &delta);
            if (u != NULL) {
                while (at > 0 && ((PyCodeObject *)PyList_GET_ITEM(
                                      codes, at - 1))
                                         ->co_firstlineno >= (int)u->line) {
                    at--;
                }
                for (; at < n && rc == 0; at++) {
                    PyCodeObject *code =
                        (PyCodeObject *)PyList_GET_ITEM(codes, at);
                    if (code->co_firstlineno > (int)u->end_line) {
                        break;
                    }
                    if (code->co_firstlineno >= (int)u->line) {
                        rc = PyList_Append(out, (PyObject *)code);
                    }
                }
            }
        }
        if (rc < 0) {
            Py_CLEAR(out);
        }
    }
    return out;
}

PyObject *
mf_baseline_codes(struct mf_plan *plan)
{
    PyObject *all = PyList_New(0);
    for (size_t i = 0; all != NULL && i < plan->targets.len; i++) {
        PyObject *codes = codes_of(plan->targets.items[i]);
        if (codes == NULL || PyList_Append(all, codes) < 0) {
            Py_CLEAR(all);
        }
        Py_XDECREF(codes);
    }
    return all;
}

static void
move_base(struct mf_module *module, PyObject *notes)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    if (module->base == NULL) {
        module->base = PyDict_New();
    }
    while (module->base != NULL && PyDict_Next(notes, &pos, &key, &value)) {
        if (value == Py_NotImplemented) {
            if (PyDict_GetItemWithError(module->base, key) != NULL) {
                PyDict_DelItem(module->base, key);
            }
        }
        else {
            PyDict_SetItem(module->base, key, value);
        }
        PyErr_Clear();
    }
}

/* Names that import-time code reads: what ran is added. */
static void
move_loads(struct mf_state *state, struct mf_target *target)
{
    struct mf_diff *diff = &target->change->diff;
    PyObject *loads = target->module->loads;
    Py_ssize_t before = loads ? PySet_GET_SIZE(loads) : 0;
    for (uint32_t i = 0; loads != NULL && i < diff->len; i++) {
        struct mf_delta *d = &diff->deltas[i];
        if (d->names.loads != NULL) {
            PyObject *a = PyObject_CallMethod(loads, "update", "OO",
                                              d->names.loads, d->names.attrs);
            Py_XDECREF(a);
            PyErr_Clear();
        }
    }
    state->graph_edition += loads && PySet_GET_SIZE(loads) != before;
}

static void
move_text(struct mf_state *state, struct mf_change *change)
{
    struct mf_source *source = change->source;
    Py_XSETREF(source->given, Py_XNewRef(change->given));
    for (size_t i = 0; change->given && i < source->modules.len; i++) {
        struct mf_module *module = source->modules.items[i];
        module->late = true; /* its code is compared with the next text */
    }
    mf_text_clear(&source->text);
    mf_split_clear(&source->split);
    source->text = change->text;
    source->split = change->split;
    source->is_split = true;
    source->flags = change->flags;
    memset(&change->text, 0, sizeof(change->text));
    memset(&change->split, 0, sizeof(change->split));
    mf_graph_forget(state, source);
}

static PyObject *
kept_in(PyObject *record, Py_ssize_t at)
{
    PyObject *item = PyTuple_GET_ITEM(record, at);
    return item != Py_None ? Py_NewRef(item) : NULL;
}

struct mf_source *
mf_baseline_note_returned(struct mf_state *state, PyObject *left)
{
    struct mf_source *source =
        mf_source_get(state, PyTuple_GET_ITEM(left, 2));
    PyObject *dict = PyModule_GetDict(PyTuple_GET_ITEM(left, 1));
    PyObject *bytes = PyTuple_GET_ITEM(left, 3);
    struct mf_module *module =
        source ? mf_imports_note(state, source, PyTuple_GET_ITEM(left, 0),
                                 dict, NULL)
               : NULL;
    if (module == NULL) {
        return NULL;
    }
    mf_text_clear(&source->text);
    mf_split_clear(&source->split);
    source->is_split = false;
    if (mf_source_take(source->path, PyBytes_AS_STRING(bytes),
                       PyBytes_GET_SIZE(bytes), &source->text) < 0) {
        return NULL;
    }
    Py_XSETREF(module->codes, kept_in(left, 4));
    Py_XSETREF(module->loads, kept_in(left, 5));
    Py_XSETREF(module->base, kept_in(left, 6));
    mf_graph_forget(state, source);
    return source;
}

static void
forget_module(struct mf_state *state, struct mf_source *source,
              PyObject *dict)
{
    for (size_t m = source->modules.len; m > 0; m--) {
        struct mf_module *module = source->modules.items[m - 1];
        if (module->dict == dict) {
            mf_imports_forget(state, source, module);
        }
    }
    if (source->modules.len == 0) {
        mf_text_clear(&source->text); /* read again when it is imported */
        mf_split_clear(&source->split);
        source->is_split = false;
    }
}

void
mf_baseline_forget_returned(struct mf_state *state, PyObject *record)
{
    PyObject *all = PyTuple_GET_ITEM(record, 3);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(all); i++) {
        PyObject *left = PyList_GET_ITEM(all, i);
        PyObject *module = PyTuple_GET_ITEM(left, 1);
        struct mf_source *source =
            mf_source_find(state, PyTuple_GET_ITEM(left, 2));
        PyObject *there = PyDict_GetItemWithError(PyImport_GetModuleDict(),
                                                  PyTuple_GET_ITEM(left, 0));
        if (source != NULL && there != module) {
            forget_module(state, source, PyModule_GetDict(module));
        }
    }
    PyErr_Clear();
}

/* A file that cannot be read now: what the module runs stays unknown. */
static int
note_text(struct mf_source *source)
{
    if (source->text.bytes != NULL ||
        mf_source_read(source->path, &source->text) >= 0) {
        return 0;
    }
    if (PyErr_ExceptionMatches(PyExc_MemoryError)) {
        return -1;
    }
    PyErr_Clear();
    return 0;
}

int
mf_baseline_note_new(struct mf_stage *stage)
{
    struct mf_state *state = stage->state;
    for (size_t i = 0; i < stage->loaded.len; i++) {
        struct mf_loaded *loaded = stage->loaded.items[i];
        if (loaded->left != NULL) {
            if (mf_stage_of(stage, PyModule_GetDict(loaded->module))) {
                continue; /* it was noted before the plan was made */
            }
            loaded->noted = mf_baseline_note_returned(state, loaded->left);
            if (loaded->noted == NULL) {
                return -1;
            }
            continue;
        }
        PyObject *dict = PyModule_GetDict(loaded->module);
        struct mf_source *source = mf_source_get(state, loaded->path);
        if (source == NULL || note_text(source) < 0) {
            return -1;
        }
        loaded->noted = source;
        struct mf_module *module = mf_imports_note(
            state, source, loaded->name, dict, loaded->code);
        PyObject *base =
            module ? mf_source_note_base(dict, loaded->name) : NULL;
        if (base == NULL) {
            return -1;
        }
        Py_XSETREF(module->base, base);
        mf_graph_forget(state, source);
    }
    return 0;
}

void
mf_baseline_forget_new(struct mf_stage *stage)
{
    for (size_t i = 0; i < stage->loaded.len; i++) {
        struct mf_loaded *loaded = stage->loaded.items[i];
        struct mf_source *source = loaded->noted;
        if (source != NULL) {
            forget_module(stage->state, source,
                          PyModule_GetDict(loaded->module));
        }
        loaded->noted = NULL;
    }
}

void
mf_baseline_move(struct mf_state *state, struct mf_plan *plan,
                 struct mf_merge *merge, PyObject *new_codes)
{
    for (size_t i = 0; i < plan->targets.len; i++) {
        struct mf_target *target = plan->targets.items[i];
        PyObject *codes = PyList_GET_ITEM(new_codes, (Py_ssize_t)i);
        if (codes == Py_NotImplemented) {
            Py_CLEAR(target->module->codes); /* looked for anew */
        }
        else if (codes != Py_None) {
            Py_XSETREF(target->module->codes, Py_NewRef(codes));
        }
        PyObject *key = PyLong_FromVoidPtr(target->module);
        PyObject *notes =
            key && merge->notes ? PyDict_GetItemWithError(merge->notes, key)
                                : NULL;
        if (notes != NULL) {
            move_base(target->module, notes);
        }
        Py_XDECREF(key);
        PyErr_Clear();
        move_loads(state, target);
    }
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        if (change->kind == MF_CHANGE_EDITED) {
            move_text(state, change);
        }
        else if (change->kind == MF_CHANGE_DELETED) {
            struct mf_source *source = change->source;
            while (source->modules.len > 0) {
                mf_imports_forget(state, source, source->modules.items[0]);
            }
            mf_text_clear(&source->text);
            mf_split_clear(&source->split);
            source->is_split = false;
        }
    }
}
