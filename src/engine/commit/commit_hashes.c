/* commit_hashes.c -- owns the question whose hash is another after the update
 * although the object stays as it is in memory: instances of a class whose
 * hash follows from other fields. In: class changes, functions that take other
 * code. Out: keys for become's rehash, or notes where only the program's own
 * code could tell.
 */
#include "commit.h"

#include "../ground/compat.h"
#include "../heap/hashes.h"
#include "../heap/tables.h"
#include "redefine_class.h"

/* Does hash() ask no Python code: by identity, or in C? The MRO of a staged
 * class has been brought home. */
static bool
is_in_c(PyTypeObject *type)
{
    PyObject *name = PyUnicode_InternFromString("__hash__");
    PyObject *found =
        name ? PyDict_GetItemWithError(mf_compat_type_dict(type), name) : NULL;
    if (found == NULL && name != NULL && !PyErr_Occurred()) {
        found = _PyType_Lookup(type->tp_base, name);
    }
    Py_XDECREF(name);
    PyErr_Clear();
    return type->tp_hash != PyObject_HashNotImplemented &&
           (found == NULL || !PyFunction_Check(found));
}

/* 1: other fields, or the fields in the place of something else; 2: something
 * that only the program knows in the place of another; 0; -1. */
static int
differs(PyTypeObject *old_class, PyTypeObject *new_class)
{
    PyObject *old_names, *new_names = NULL;
    int was = mf_hashes_fields(old_class, &old_names);
    int is = was < 0 ? -1 : mf_hashes_fields(new_class, &new_names);
    int yes = is < 0          ? -1
              : was > 0 && is ? PyObject_RichCompareBool(old_names, new_names,
                                                         Py_NE)
              : is            ? 1
              : is_in_c(new_class)
                  ? !is_in_c(old_class) ||
                        old_class->tp_hash != new_class->tp_hash
              : new_class->tp_hash == PyObject_HashNotImplemented ? 0
              : was > 0 || is_in_c(old_class)                     ? 2
                                                                  : 0;
    Py_XDECREF(old_names);
    Py_XDECREF(new_names);
    return yes;
}

/* The same, where members ran alone. */
static int
member_differs(struct mf_class_change *change)
{
    PyObject *name = PyUnicode_InternFromString("__hash__");
    PyObject *set =
        name ? PyDict_GetItemWithError(change->set, name) : NULL;
    int gone = name && set == NULL ? PySequence_Contains(change->del, name)
               : name              ? 0
                                   : -1;
    Py_XDECREF(name);
    return gone < 0 || PyErr_Occurred() ? -1
           : gone ? (is_in_c(change->old_class->tp_base) ? 1 : 2)
           : set != NULL && PyFunction_Check(set) &&
                   is_in_c(change->old_class)
               ? 2
               : 0;
}

/* ---- keys that only the program could place ------------------------------------ */

struct keys {
    PyTypeObject *cls;
    long count;
};

static int
count_key(PyObject *key, Py_hash_t hash, void *arg)
{
    struct keys *keys = arg;
    keys->count +=
        hash != -1 && PyType_IsSubtype(Py_TYPE(key), keys->cls);
    return 0;
}

static int
count_keys(PyObject *obj, void *arg)
{
    return mf_tables_is(obj) ? mf_tables_keys(obj, count_key, arg) : 0;
}

static int
note_keys(struct mf_commit *commit, PyTypeObject *cls)
{
    struct keys keys = {cls, 0};
    PyObject *module = PyObject_GetAttrString((PyObject *)cls, "__module__");
    PyObject *name = ((PyHeapTypeObject *)cls)->ht_qualname;
    int rc = module ? mf_heap_walk(count_keys, &keys) : -1;
    if (rc >= 0 && keys.count > 0) {
        rc = mf_report_add(commit->report, 311, '=',
                           PyUnicode_Check(module) ? module : NULL, name,
                           NULL, 0,
                           "%U hashes otherwise now, and only its own code can "
                           "tell how: %ld %s in dicts and sets under the old "
                           "hash",
                           name, keys.count,
                           keys.count == 1 ? "key stays" : "keys stay");
    }
    Py_XDECREF(module);
    return rc < 0 ? -1 : 0;
}

/* The class of a method by the qualified name of both. Borrowed or NULL. */
static PyObject *
class_of(PyFunctionObject *func)
{
    PyObject *full = func->func_qualname, *found = NULL;
    PyObject *space = func->func_globals;
    Py_ssize_t n = PyUnicode_GET_LENGTH(full), at = 0, dot;
    while (space != NULL &&
           (dot = PyUnicode_FindChar(full, '.', at, n, 1)) >= 0) {
        PyObject *part = PyUnicode_Substring(full, at, dot);
        found = part ? PyDict_GetItemWithError(space, part) : NULL;
        Py_XDECREF(part);
        space = found != NULL && PyType_Check(found)
                    ? ((PyTypeObject *)found)->tp_dict
                    : NULL;
        at = dot + 1;
    }
    return space != NULL && at > 0 ? found : NULL;
}

/* Methods __hash__ that take other code. */
static int
note_edited(struct mf_commit *commit)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < commit->n_exchanges; i++) {
        struct mf_exchange *e = &commit->exchanges[i];
        PyCodeObject *code = (PyCodeObject *)e->old_func->func_code;
        PyCodeObject *newer = (PyCodeObject *)e->new_func->func_code;
        if (PyUnicode_CompareWithASCIIString(code->co_name, "__hash__") != 0 ||
            PyUnicode_CompareWithASCIIString(newer->co_filename, "<string>") ==
                0) {
            continue;
        }
        int same = mf_diff_code_equal((PyObject *)code, (PyObject *)newer,
                                      MF_CODE_NESTED);
        PyObject *cls = same == 0 ? class_of(e->old_func) : NULL;
        rc = same < 0 || PyErr_Occurred() ? -1
             : cls != NULL ? note_keys(commit, (PyTypeObject *)cls)
                           : 0;
    }
    return rc;
}

/* ---- the two steps ----------------------------------------------------------------- */

int
mf_commit_find_hashed(struct mf_commit *commit)
{
    struct mf_merge *merge = commit->merge;
    mf_vec_clear_refs(&commit->hashed);
    for (size_t i = 0; i < merge->n_classes; i++) {
        struct mf_class_change *change = &merge->classes[i];
        if (change->rebuilt) {
            continue;
        }
        int how = change->new_class == NULL
                      ? member_differs(change)
                      : differs(change->old_class, change->new_class);
        int rc = how == 1   ? mf_heap_instances_of(change->old_class, true,
                                                   &commit->hashed)
                 : how == 2 ? note_keys(commit, change->old_class)
                            : how;
        if (rc < 0) {
            return -1;
        }
    }
    return note_edited(commit) < 0
               ? -1
               : mf_map_reserve(&commit->become.moved, commit->hashed.len);
}

int
mf_commit_move_hashed(struct mf_commit *commit)
{
    for (size_t i = 0; i < commit->hashed.len; i++) {
        if (mf_map_put(&commit->become.moved, commit->hashed.items[i], 1) <
            0) {
            return -1;
        }
    }
    return 0;
}
