/* commit_replaced.c -- owns the question who holds an object that gives way to
 * one of another kind. In: names whose definition changes its kind. Out: the
 * holders that apply rewrites.
 */
#include "commit.h"

#include "become.h"
#include "../stage/check.h"

/* A class's own machinery refers to it; its instances keep it. */
static bool
is_part_of(PyObject *holder, PyObject *obj)
{
    if (!PyType_Check(obj)) {
        return holder == obj;
    }
    PyTypeObject *type = (PyTypeObject *)obj;
    return holder == obj || Py_TYPE(holder) == type ||
           holder == type->tp_mro ||
           Py_TYPE(holder) == &PyGetSetDescr_Type ||
           Py_TYPE(holder) == &PyMemberDescr_Type ||
           (PyCell_Check(holder) && PyCell_GET(holder) == obj);
}

static bool
is_staged_space(struct mf_commit *commit, PyObject *holder)
{
    for (size_t i = 0; i < commit->stage->items.len; i++) {
        struct mf_staged *staged = commit->stage->items.items[i];
        if (staged->live_dict == holder || staged->dict == holder ||
            staged->before == holder) {
            return true;
        }
    }
    return mf_match_is_fresh(commit->match, holder);
}

/* What this update notes for its undo goes on naming the old object. */
static bool
is_own_record(struct mf_commit *commit, PyObject *holder)
{
    PyObject *replaced = commit->merge->replaced;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(replaced); i++) {
        if (PyList_GET_ITEM(replaced, i) == holder) {
            return true;
        }
    }
    return false;
}

/* Definitions of another kind: who holds the old object, besides the
 * namespaces that merge writes? */
int
mf_commit_find_replaced(struct mf_commit *commit)
{
    if (commit->stage == NULL ||
        mf_check_replaced(commit->match, &commit->replace) < 0) {
        return commit->stage == NULL ? 0 : -1;
    }
    if (commit->replace.used == 0) {
        return 0;
    }
    struct mf_vec holders = {0};
    int rc = mf_become_holders(&commit->replace, NULL, &holders);
    for (size_t i = 0; i < holders.len && rc == 0; i++) {
        PyObject *holder = holders.items[i];
        bool ours = is_staged_space(commit, holder) ||
                    is_own_record(commit, holder);
        size_t at = 0;
        void *old_obj;
        uintptr_t value;
        while (!ours &&
               mf_map_next(&commit->replace, &at, &old_obj, &value)) {
            ours = is_part_of(holder, old_obj);
        }
        if (!ours) {
            rc = mf_vec_push_ref(&commit->replace_holders, holder);
        }
    }
    mf_vec_clear(&holders);
    return rc;
}
