/* compat_objects.c -- where CPython's own objects keep their references.
 *
 * Owns what we believe about the layout of dicts, instances, suspended frames
 * and type objects beyond the public fields. In: an object. Out: addresses of
 * words in it. The only file besides compat.c that sees internal headers.
 */
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#include "compat_objects.h"

/* CPython's own headers are not clean under our warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wpedantic"
#include "internal/pycore_dict.h"
#include "internal/pycore_object.h"
#include "internal/pycore_frame.h"
#include "internal/pycore_interp.h"
#if PY_VERSION_HEX >= 0x030e0000
#include "internal/pycore_interpframe.h"
#include "internal/pycore_stackref.h"
#include "internal/pycore_genobject.h"
#endif
#pragma GCC diagnostic pop

/* How a dict's probe sequence takes in the upper bits of a hash. */
enum { DICT_PERTURB = 5 };

/* -- dicts ---------------------------------------------------------------- */

bool
mf_compat_obj_is_dict(PyObject *obj)
{
#if PY_VERSION_HEX >= 0x030f0000
    if (PyFrozenDict_Check(obj)) {
        return true;
    }
#endif
    return PyDict_Check(obj);
}

Py_ssize_t
mf_compat_obj_dict_places(PyObject *dict)
{
    return ((PyDictObject *)dict)->ma_keys->dk_nentries;
}

bool
mf_compat_obj_dict_general(PyObject *dict)
{
    return !DK_IS_UNICODE(((PyDictObject *)dict)->ma_keys);
}

void
mf_compat_obj_dict_place(PyObject *dict, Py_ssize_t i,
                         struct mf_compat_item *item)
{
    PyDictObject *mp = (PyDictObject *)dict;
    item->hash = NULL;
    if (DK_IS_UNICODE(mp->ma_keys)) {
        PyDictUnicodeEntry *entry = &DK_UNICODE_ENTRIES(mp->ma_keys)[i];
        item->key = &entry->me_key;
        item->value = mp->ma_values != NULL ? &mp->ma_values->values[i]
                                            : &entry->me_value;
    }
    else {
        PyDictKeyEntry *entry = &DK_ENTRIES(mp->ma_keys)[i];
        item->key = &entry->me_key;
        item->value = &entry->me_value;
        item->hash = &entry->me_hash;
    }
}

#if PY_VERSION_HEX >= 0x030d0000
static bool
embedded(PyObject *dict)
{
    PyDictObject *mp = (PyDictObject *)dict;
    return mp->ma_values != NULL && mp->ma_values->embedded;
}

/* When an instance has a dict whose values stand in the instance: which of
 * the two reports them to the collector? It changed within 3.13, so it is
 * tried (mf_compat_obj_probe). */
static bool dict_reports_embedded;
#endif

bool
mf_compat_obj_dict_embedded(PyObject *dict)
{
#if PY_VERSION_HEX >= 0x030d0000
    return !dict_reports_embedded && embedded(dict);
#else
    (void)dict;
    return false;
#endif
}

static Py_ssize_t
index_get(PyDictKeysObject *keys, size_t i)
{
    int log2 = keys->dk_log2_size;
    if (log2 < 8) {
        return ((int8_t *)keys->dk_indices)[i];
    }
    if (log2 < 16) {
        return ((int16_t *)keys->dk_indices)[i];
    }
    if (log2 < 32) {
        return ((int32_t *)keys->dk_indices)[i];
    }
    return (Py_ssize_t)((int64_t *)keys->dk_indices)[i];
}

static void
index_put(PyDictKeysObject *keys, size_t i, Py_ssize_t place)
{
    int log2 = keys->dk_log2_size;
    if (log2 < 8) {
        ((int8_t *)keys->dk_indices)[i] = (int8_t)place;
    }
    else if (log2 < 16) {
        ((int16_t *)keys->dk_indices)[i] = (int16_t)place;
    }
    else if (log2 < 32) {
        ((int32_t *)keys->dk_indices)[i] = (int32_t)place;
    }
    else {
        ((int64_t *)keys->dk_indices)[i] = (int64_t)place;
    }
}

void
mf_compat_obj_dict_reindex(PyObject *dict, mf_compat_same same,
                           mf_compat_drop drop, void *arg)
{
    PyDictKeysObject *keys = ((PyDictObject *)dict)->ma_keys;
    assert(!DK_IS_UNICODE(keys));
    PyDictKeyEntry *entries = DK_ENTRIES(keys);
    size_t mask = ((size_t)1 << keys->dk_log2_size) - 1;
    memset(keys->dk_indices, 0xff, (size_t)1 << keys->dk_log2_index_bytes);
    for (Py_ssize_t place = 0; place < keys->dk_nentries; place++) {
        PyDictKeyEntry *entry = &entries[place];
        if (entry->me_value == NULL) {
            continue;
        }
        size_t perturb = (size_t)entry->me_hash;
        size_t i = perturb & mask;
        Py_ssize_t there;
        bool twice = false;
        while ((there = index_get(keys, i)) >= 0) {
            PyDictKeyEntry *other = &entries[there];
            if (other->me_hash == entry->me_hash && same != NULL &&
                same(other->me_key, entry->me_key)) {
                twice = true;
                break;
            }
            perturb >>= DICT_PERTURB;
            i = (i * 5 + perturb + 1) & mask;
        }
        if (!twice) {
            index_put(keys, i, place);
            continue;
        }
        drop(dict, there, place, arg);
        entry->me_key = NULL;
        entry->me_value = NULL;
        entry->me_hash = 0;
        ((PyDictObject *)dict)->ma_used--;
    }
}

Py_ssize_t
mf_compat_obj_dict_room(PyObject *dict)
{
    PyDictKeysObject *keys = ((PyDictObject *)dict)->ma_keys;
    return keys->dk_nentries + keys->dk_usable;
}

void
mf_compat_obj_dict_resize(PyObject *dict, Py_ssize_t count)
{
    PyDictKeysObject *keys = ((PyDictObject *)dict)->ma_keys;
    keys->dk_usable += keys->dk_nentries - count;
    keys->dk_nentries = count;
    ((PyDictObject *)dict)->ma_used = count;
}

void
mf_compat_obj_dict_forget_hash(PyObject *dict)
{
#if PY_VERSION_HEX >= 0x030f0000
    if (PyFrozenDict_Check(dict)) {
        ((PyFrozenDictObject *)dict)->ma_hash = -1;
    }
#else
    (void)dict;
#endif
}

/* -- instances ------------------------------------------------------------ */

PyObject **
mf_compat_obj_managed_dict(PyObject *obj)
{
    if (!(Py_TYPE(obj)->tp_flags & Py_TPFLAGS_MANAGED_DICT)) {
        return NULL;
    }
#if PY_VERSION_HEX >= 0x030d0000
    return (PyObject **)((char *)obj + MANAGED_DICT_OFFSET);
#elif PY_VERSION_HEX >= 0x030c0000
    PyDictOrValues *dorv = _PyObject_DictOrValuesPointer(obj);
    return _PyDictOrValues_IsValues(*dorv) ? NULL : &dorv->dict;
#else
    return _PyObject_ManagedDictPointer(obj);
#endif
}

PyObject **
mf_compat_obj_values(PyObject *obj, Py_ssize_t *count)
{
    PyTypeObject *type = Py_TYPE(obj);
    *count = 0;
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT)) {
        return NULL;
    }
    PyDictValues *values = NULL;
#if PY_VERSION_HEX >= 0x030d0000
    if (!(type->tp_flags & Py_TPFLAGS_INLINE_VALUES)) {
        return NULL;
    }
    values = (PyDictValues *)((char *)obj + type->tp_basicsize);
    if (!values->valid ||
        (dict_reports_embedded && *mf_compat_obj_managed_dict(obj) != NULL)) {
        return NULL;
    }
    *count = values->capacity;
#else
#if PY_VERSION_HEX >= 0x030c0000
    PyDictOrValues dorv = *_PyObject_DictOrValuesPointer(obj);
    if (!_PyDictOrValues_IsValues(dorv)) {
        return NULL;
    }
    values = _PyDictOrValues_GetValues(dorv);
#else
    values = *_PyObject_ValuesPointer(obj);
#endif
    if (values == NULL) {
        return NULL;
    }
    *count = ((PyHeapTypeObject *)type)->ht_cached_keys->dk_nentries;
#endif
    return values->values;
}

int
mf_compat_obj_set_dict(PyObject *obj, PyObject *dict)
{
#if PY_VERSION_HEX >= 0x030d0000 && PY_VERSION_HEX < 0x030f0000
    /* the public setter leaves the words inside the instance valid up to
     * 3.13: code that is specialized goes on reading them */
    if (Py_TYPE(obj)->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        return _PyObject_SetManagedDict(obj, dict);
    }
#endif
    return PyObject_GenericSetDict(obj, dict, NULL);
}

int
mf_compat_obj_detach_values(PyObject *obj)
{
    if (!(Py_TYPE(obj)->tp_flags & Py_TPFLAGS_MANAGED_DICT)) {
        return 0;
    }
    PyObject *dict = PyObject_GenericGetDict(obj, NULL);
    if (dict == NULL) {
        return -1;
    }
    int result = 0;
#if PY_VERSION_HEX >= 0x030d0000
    /* The dict may still use the words inside the instance. Giving the
     * instance another one and this one back moves them out. */
    if (embedded(dict)) {
        PyObject *other = PyDict_New();
        if (other == NULL || mf_compat_obj_set_dict(obj, other) < 0 ||
            mf_compat_obj_set_dict(obj, dict) < 0) {
            result = -1;
        }
        else if (embedded(dict)) {
            PyErr_SetString(PyExc_RuntimeError,
                            "an instance's attributes did not leave it");
            result = -1;
        }
        Py_XDECREF(other);
    }
#endif
    Py_DECREF(dict);
    return result;
}

void
mf_compat_obj_finalized(PyObject *obj, bool ran)
{
    if (!PyObject_IS_GC(obj)) {
        return;
    }
#if PY_VERSION_HEX >= 0x030d0000 && defined(Py_GIL_DISABLED)
    obj->ob_gc_bits = ran ? obj->ob_gc_bits | _PyGC_BITS_FINALIZED
                          : obj->ob_gc_bits & ~_PyGC_BITS_FINALIZED;
#else
    PyGC_Head *head = _Py_AS_GC(obj);
    head->_gc_prev = ran ? head->_gc_prev | _PyGC_PREV_MASK_FINALIZED
                         : head->_gc_prev &
                               ~(uintptr_t)_PyGC_PREV_MASK_FINALIZED;
#endif
}

PyObject **
mf_compat_obj_context_copy(PyObject *obj)
{
#ifdef Py_GIL_DISABLED
    (void)obj;
    return NULL;
#else
    return PyContextVar_CheckExact(obj)
               ? &((PyContextVar *)obj)->var_cached
               : NULL;
#endif
}

/* -- frames --------------------------------------------------------------- */

/* The frame that obj owns and that stands still, or NULL. */
static _PyInterpreterFrame *
owned_frame(PyObject *obj)
{
    if (PyGen_CheckExact(obj) || PyCoro_CheckExact(obj) ||
        PyAsyncGen_CheckExact(obj)) {
        PyGenObject *gen = (PyGenObject *)obj;
        if (gen->gi_frame_state >= FRAME_CLEARED) {
            return NULL;
        }
        return (_PyInterpreterFrame *)&gen->gi_iframe;
    }
    if (PyFrame_Check(obj)) {
        PyFrameObject *frame = (PyFrameObject *)obj;
        if (frame->f_frame == NULL ||
            frame->f_frame->owner != FRAME_OWNED_BY_FRAME_OBJECT) {
            return NULL;
        }
        return frame->f_frame;
    }
    return NULL;
}

bool
mf_compat_obj_has_frame(PyObject *obj)
{
    return PyGen_CheckExact(obj) || PyCoro_CheckExact(obj) ||
           PyAsyncGen_CheckExact(obj) || PyFrame_Check(obj);
}

#define WORD(slot, tagged)                                                    \
    do {                                                                      \
        int r_ = word((PyObject **)(slot), (tagged), arg);                    \
        if (r_ != 0) {                                                        \
            return r_;                                                        \
        }                                                                     \
    } while (0)

static int
header_words(PyObject *obj, mf_compat_word word, void *arg)
{
    if (PyFrame_Check(obj)) {
        PyFrameObject *frame = (PyFrameObject *)obj;
        WORD(&frame->f_back, false);
        WORD(&frame->f_trace, false);
#if PY_VERSION_HEX >= 0x030d0000
        WORD(&frame->f_extra_locals, false);
        WORD(&frame->f_locals_cache, false);
#endif
#if PY_VERSION_HEX >= 0x030e0000
        WORD(&frame->f_overwritten_fast_locals, false);
#endif
        return 0;
    }
    PyGenObject *gen = (PyGenObject *)obj;
#if PY_VERSION_HEX < 0x030c0000
    WORD(&gen->gi_code, false);
#endif
    WORD(&gen->gi_name, false);
    WORD(&gen->gi_qualname, false);
    WORD(&gen->gi_exc_state.exc_value, false);
    /* a plain generator has none, and from 3.14 on whatever lay there */
    if (!PyGen_CheckExact(obj)) {
        WORD(&gen->gi_origin_or_finalizer, false);
    }
    return 0;
}

int
mf_compat_obj_frame_words(PyObject *obj, mf_compat_word word, void *arg)
{
    int result = header_words(obj, word, arg);
    if (result != 0) {
        return result;
    }
    _PyInterpreterFrame *frame = owned_frame(obj);
    if (frame == NULL) {
        return 0;
    }
    WORD(&frame->f_globals, false);
    WORD(&frame->f_builtins, false);
    WORD(&frame->f_locals, false);
    WORD(&frame->frame_obj, false);
#if PY_VERSION_HEX >= 0x030e0000
    WORD(&frame->f_executable, true);
    WORD(&frame->f_funcobj, true);
    /* NULL while it runs: its stack pointer is in a register. */
    if (frame->stackpointer == NULL) {
        return 0;
    }
    for (_PyStackRef *ref = frame->localsplus; ref < frame->stackpointer;
         ref++) {
        WORD(ref, true);
    }
#else
#if PY_VERSION_HEX >= 0x030d0000
    WORD(&frame->f_executable, false);
    WORD(&frame->f_funcobj, false);
#elif PY_VERSION_HEX >= 0x030c0000
    WORD(&frame->f_code, false);
    WORD(&frame->f_funcobj, false);
#else
    WORD(&frame->f_code, false);
    WORD(&frame->f_func, false);
#endif
    /* -1 while it runs: its depth is not known. */
    for (int i = 0; i < frame->stacktop; i++) {
        WORD(&frame->localsplus[i], false);
    }
#endif
    return 0;
}

PyObject *
mf_compat_obj_untag(PyObject *word)
{
    return (PyObject *)((uintptr_t)word & ~(uintptr_t)3);
}

bool
mf_compat_obj_tag_owns(PyObject *word)
{
    return ((uintptr_t)word & 3) == 0;
}

PyObject *
mf_compat_obj_retag(PyObject *word, PyObject *to)
{
    return (PyObject *)((uintptr_t)to | ((uintptr_t)word & 3));
}

/* -- small things --------------------------------------------------------- */

void
mf_compat_obj_tuple_forget_hash(PyObject *tuple)
{
#if PY_VERSION_HEX >= 0x030e0000
    ((PyTupleObject *)tuple)->ob_hash = -1;
#else
    (void)tuple;
#endif
}

PyObject **
mf_compat_obj_weakrefs(PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);
    if (PyType_Check(obj) &&
        !(((PyTypeObject *)obj)->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        return NULL; /* a static type's may be the interpreter's */
    }
    if (type->tp_weaklistoffset == 0) {
        return NULL;
    }
    return (PyObject **)((char *)obj + type->tp_weaklistoffset);
}

PyObject *
mf_compat_obj_type_dict(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030c0000
    /* PyType_GetDict gives a reference of its own; the dict stays. */
    PyObject *dict = PyType_GetDict(type);
    Py_XDECREF(dict);
    return dict;
#else
    return type->tp_dict;
#endif
}

Py_ssize_t
mf_compat_obj_room(PyTypeObject *type)
{
    enum { GRAIN = 2 * sizeof(void *), SMALL = 512 };
    size_t before = (size_t)_PyType_PreHeaderSize(type);
    size_t size = before + (size_t)type->tp_basicsize;
    const char *name = _PyMem_GetCurrentAllocatorName();
    if (name != NULL && strcmp(name, "pymalloc") == 0 && size <= SMALL) {
        size = (size + GRAIN - 1) / GRAIN * GRAIN;
    }
    return (Py_ssize_t)(size - before);
}

unsigned long
mf_compat_obj_layout_flags(PyTypeObject *type)
{
    unsigned long flags = Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_MANAGED_DICT |
                          Py_TPFLAGS_HEAPTYPE;
#if PY_VERSION_HEX >= 0x030c0000
    flags |= Py_TPFLAGS_MANAGED_WEAKREF | Py_TPFLAGS_ITEMS_AT_END;
#endif
#if PY_VERSION_HEX >= 0x030d0000
    flags |= Py_TPFLAGS_INLINE_VALUES;
#endif
    return (unsigned long)type->tp_flags & flags;
}

void
mf_compat_obj_type_versions_reset(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030e0000
    /* The highest value says that the class must not be cached at all. */
    if (type->tp_versions_used == UINT16_MAX) {
        return;
    }
#endif
#if PY_VERSION_HEX >= 0x030d0000
    type->tp_versions_used = 0;
#else
    (void)type;
#endif
}

/* -- probe ---------------------------------------------------------------- */

static int
wrong(const char *what)
{
    if (!PyErr_Occurred()) {
        PyErr_Format(PyExc_RuntimeError,
                     "this Python lays out %s in a way that is not known",
                     what);
    }
    return -1;
}

/* A dict with general keys, whose index is built anew, still finds them. */
static int
probe_dict(void)
{
    PyObject *dict = PyDict_New();
    int result = dict == NULL ? -1 : 0;
    for (long i = 0; result == 0 && i < 300; i++) {
        PyObject *key = PyLong_FromLong(i * 7919 - 1000);
        result = key == NULL ? -1 : PyDict_SetItem(dict, key, key);
        Py_XDECREF(key);
    }
    if (result == 0) {
        mf_compat_obj_dict_reindex(dict, NULL, NULL, NULL);
    }
    for (long i = 0; result == 0 && i < 300; i++) {
        PyObject *key = PyLong_FromLong(i * 7919 - 1000);
        if (key == NULL || PyDict_GetItemWithError(dict, key) == NULL) {
            result = -1;
        }
        Py_XDECREF(key);
    }
    if (result == 0 && (mf_compat_obj_dict_places(dict) != 300 ||
                        !mf_compat_obj_dict_general(dict))) {
        result = -1;
    }
    Py_XDECREF(dict);
    return result;
}

struct visits {
    PyObject *wanted;
    int count;
};

static int
count_visits(PyObject *obj, void *arg)
{
    struct visits *visits = arg;
    visits->count += obj == visits->wanted;
    return 0;
}

/* Who reports an attribute of an instance that has a dict: one of the two. */
static int
probe_instance(void)
{
    int result = -1;
    PyObject *instance = NULL, *dict = NULL;
    PyObject *wanted = PyList_New(0);
    PyObject *cls = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){}",
                                          "probe");
    if (wanted == NULL || cls == NULL) {
        goto release_objects;
    }
    instance = PyObject_CallNoArgs(cls);
    if (instance == NULL ||
        PyObject_SetAttrString(instance, "a", wanted) < 0) {
        goto release_objects;
    }
    dict = PyObject_GenericGetDict(instance, NULL);
    if (dict == NULL) {
        goto release_objects;
    }
    struct visits by_dict = {.wanted = wanted};
    struct visits by_instance = {.wanted = wanted};
    Py_TYPE(dict)->tp_traverse(dict, count_visits, &by_dict);
    Py_TYPE(instance)->tp_traverse(instance, count_visits, &by_instance);
    if (by_dict.count + by_instance.count == 1) {
#if PY_VERSION_HEX >= 0x030d0000
        dict_reports_embedded = by_dict.count == 1;
#endif
        result = mf_compat_obj_detach_values(instance);
    }
release_objects:
    Py_XDECREF(dict);
    Py_XDECREF(instance);
    Py_XDECREF(cls);
    Py_XDECREF(wanted);
    return result;
}

int
mf_compat_obj_probe(void)
{
    static bool passed;
    if (passed) {
        return 0;
    }
    if (probe_dict() < 0) {
        return wrong("dicts");
    }
    if (probe_instance() < 0) {
        return wrong("instances");
    }
    passed = true;
    return 0;
}
