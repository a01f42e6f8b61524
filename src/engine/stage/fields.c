/* fields.c -- what live instances of an edited class get.
 *
 * Owns the list of new fields and their values. In: both sides of a class.
 * Out: (instance, name, value) for the caller to write; names that stay
 * unset for the report.
 */
#include "fields.h"

#include "../ground/compat_fields.h"
#include "../ground/fault.h"
#include "../heap/heap.h"
#include "fields_stack.h"

/* --- the list ------------------------------------------------------------ */

static int
add_field(struct mf_fields *fields, const struct mf_field *field)
{
    if (field->how == MF_FIELD_UNSET) {
        return PyList_Append(fields->unset, field->name);
    }
    if (fields->len == fields->cap) {
        size_t cap = fields->cap != 0 ? 2 * fields->cap : 8;
        struct mf_field *items =
            mf_realloc(fields->items, cap * sizeof(*items));
        if (items == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        fields->items = items;
        fields->cap = cap;
    }
    fields->items[fields->len++] = (struct mf_field){
        .name = Py_NewRef(field->name),
        .value = Py_NewRef(field->value),
        .how = field->how,
    };
    return 0;
}

void
mf_fields_clear(struct mf_fields *fields)
{
    struct mf_field *items = fields->items;
    size_t len = fields->len;
    Py_CLEAR(fields->unset);
    memset(fields, 0, sizeof(*fields));
    for (size_t i = 0; i < len; i++) {
        Py_DECREF(items[i].name);
        Py_DECREF(items[i].value);
    }
    mf_free(items);
}

/* --- dataclasses --------------------------------------------------------- */

static PyObject *
of_dataclasses(const char *name)
{
    return mf_fields_of_module("dataclasses", name);
}

/* An attribute of a field object: a slot. New reference; NULL: not set, no
 * exception. */
static PyObject *
field_attr(PyObject *field, const char *name)
{
    PyObject *value = PyObject_GetAttrString(field, name);
    if (value == NULL) {
        PyErr_Clear();
    }
    return value;
}

/* ClassVar and InitVar are kept beside the fields and are none. */
static bool
is_real_field(PyObject *field)
{
    PyObject *kind = field_attr(field, "_field_type");
    bool is = kind != NULL && kind == of_dataclasses("_FIELD");
    Py_XDECREF(kind);
    return is;
}

static int
add_dataclass_field(struct mf_fields *fields, PyObject *name,
                    PyObject *described)
{
    PyObject *missing = of_dataclasses("MISSING");
    PyObject *value = field_attr(described, "default");
    PyObject *factory = field_attr(described, "default_factory");
    struct mf_field field = {.name = name, .how = MF_FIELD_UNSET};
    if (missing != NULL && value != NULL && value != missing) {
        field.how = MF_FIELD_DEFAULT;
        field.value = value;
    }
    else if (missing != NULL && factory != NULL && factory != missing) {
        field.how = MF_FIELD_FACTORY;
        field.value = factory;
    }
    int rc = add_field(fields, &field);
    Py_XDECREF(value);
    Py_XDECREF(factory);
    return rc;
}

static int
add_dataclass_fields(struct mf_fields *fields, PyObject *old_fields,
                     PyObject *new_fields, PyObject *done)
{
    PyObject *name, *described;
    Py_ssize_t pos = 0;
    PyObject *field_type = of_dataclasses("Field");
    while (PyDict_Next(new_fields, &pos, &name, &described)) {
        if (!PyUnicode_CheckExact(name) ||
            (PyObject *)Py_TYPE(described) != field_type ||
            !is_real_field(described)) {
            continue;
        }
        if (PySet_Add(done, name) < 0) {
            return -1;
        }
        int is_old = 0;
        if (old_fields != NULL) {
            is_old = PyDict_Contains(old_fields, name);
        }
        if (is_old < 0 ||
            (!is_old && add_dataclass_field(fields, name, described) < 0)) {
            return -1;
        }
    }
    return 0;
}

/* --- finding ------------------------------------------------------------- */

static int
note_old(const struct mf_field *field, void *done)
{
    return PySet_Add(done, field->name);
}

struct search {
    struct mf_fields *fields;
    PyObject *done;    /* set of names that need no more */
};

static int
note_new(const struct mf_field *field, void *arg)
{
    struct search *search = arg;
    int done = PySet_Contains(search->done, field->name);
    if (done != 0) {
        return done < 0 ? -1 : 0;
    }
    return add_field(search->fields, field);
}

static PyCodeObject *
as_code(PyObject *code)
{
    return code != NULL && PyCode_Check(code) ? (PyCodeObject *)code : NULL;
}

int
mf_fields_find(PyTypeObject *old_class, PyObject *old_init_code,
               PyObject *new_init_code, PyObject *new_init_func,
               PyObject *dataclass_old_fields, PyObject *dataclass_new_fields,
               struct mf_fields *out)
{
    (void)old_class; /* a value that it has is seen in the instances */
    memset(out, 0, sizeof(*out));
    PyCodeObject *old_code = as_code(old_init_code);
    PyCodeObject *new_code = as_code(new_init_code);
    struct search search = {.fields = out, .done = PySet_New(NULL)};
    out->unset = PyList_New(0);
    int rc = search.done != NULL && out->unset != NULL ? 0 : -1;
    if (rc == 0 && dataclass_new_fields != NULL &&
        PyDict_Check(dataclass_new_fields)) {
        PyObject *old_fields = dataclass_old_fields;
        if (old_fields != NULL && !PyDict_Check(old_fields)) {
            old_fields = NULL;
        }
        rc = add_dataclass_fields(out, old_fields, dataclass_new_fields,
                                  search.done);
    }
    if (rc == 0 && old_code != NULL) {
        rc = mf_fields_init_read(old_code, NULL, note_old, search.done);
    }
    if (rc == 0 && new_code != NULL) {
        rc = mf_fields_init_read(new_code, new_init_func, note_new, &search);
    }
    Py_XDECREF(search.done);
    return rc;
}

/* --- values -------------------------------------------------------------- */

/* How deep displays can be nested: as deep as the compiler's stack. */
enum { NESTED_AT_MOST = 100 };

static PyObject *copy(PyObject *obj, int depth);

static PyObject *
copy_list(PyObject *list, int depth)
{
    Py_ssize_t len = PyList_GET_SIZE(list);
    PyObject *made = PyList_New(len);
    for (Py_ssize_t i = 0; made != NULL && i < len; i++) {
        PyObject *item = copy(PyList_GET_ITEM(list, i), depth);
        if (item == NULL) {
            Py_CLEAR(made);
            break;
        }
        PyList_SET_ITEM(made, i, item);
    }
    return made;
}

static PyObject *
copy_tuple(PyObject *tuple, int depth)
{
    Py_ssize_t len = PyTuple_GET_SIZE(tuple);
    PyObject *made = PyTuple_New(len);
    bool same = true;
    for (Py_ssize_t i = 0; made != NULL && i < len; i++) {
        PyObject *item = copy(PyTuple_GET_ITEM(tuple, i), depth);
        if (item == NULL) {
            Py_CLEAR(made);
            break;
        }
        same = same && item == PyTuple_GET_ITEM(tuple, i);
        PyTuple_SET_ITEM(made, i, item);
    }
    if (made != NULL && same) {
        Py_SETREF(made, Py_NewRef(tuple));
    }
    return made;
}

static PyObject *
copy_dict(PyObject *dict, int depth)
{
    PyObject *made = PyDict_New();
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    while (made != NULL && PyDict_Next(dict, &pos, &key, &value)) {
        PyObject *item = copy(value, depth);
        if (item == NULL || PyDict_SetItem(made, key, item) < 0) {
            Py_CLEAR(made);
        }
        Py_XDECREF(item);
    }
    return made;
}

/* Only what fields_init.c makes comes here. */
static PyObject *
copy(PyObject *obj, int depth)
{
    if (depth >= NESTED_AT_MOST) {
        PyErr_SetString(PyExc_RecursionError, "nested too deep");
        return NULL;
    }
    if (PyList_CheckExact(obj)) {
        return copy_list(obj, depth + 1);
    }
    if (PyTuple_CheckExact(obj)) {
        return copy_tuple(obj, depth + 1);
    }
    if (PyDict_CheckExact(obj)) {
        return copy_dict(obj, depth + 1);
    }
    if (PySet_Check(obj)) {
        return PySet_New(obj);
    }
    if (PyDict_Check(obj) || strcmp(Py_TYPE(obj)->tp_name,
                                    "collections.deque") == 0) {
        return PyObject_CallMethod(obj, "copy", NULL); /* of collections */
    }
    return Py_NewRef(obj);
}

PyObject *
mf_fields_value(const struct mf_field *field)
{
    switch (field->how) {
    case MF_FIELD_COPY:
        return copy(field->value, 0);
    case MF_FIELD_FACTORY:
        return PyObject_CallNoArgs(field->value);
    default:
        return Py_NewRef(field->value);
    }
}

/* --- filling ------------------------------------------------------------- */

/* Where instances of one class hold one field. */
enum holder { NOWHERE, IN_DICT, IN_SLOT };

struct place {
    enum holder holder;
    Py_ssize_t slot;   /* offset */
};

struct filling {
    struct mf_fields *fields;
    PyTypeObject *type;     /* strong: class that `places` are of, or NULL */
    struct place *places;   /* one per field */
    mf_fields_write write;
    void *arg;
};

/* Instances of one class mostly come together. */
static void
find_places(struct filling *f, PyTypeObject *type)
{
    if (f->type == type) {
        return;
    }
    Py_XSETREF(f->type, (PyTypeObject *)Py_NewRef((PyObject *)type));
    for (size_t i = 0; i < f->fields->len; i++) {
        bool other;
        Py_ssize_t slot =
            mf_compat_fields_slot(type, f->fields->items[i].name, &other);
        enum holder holder = NOWHERE;
        if (slot > 0) {
            holder = IN_SLOT;
        }
        else if (!other && mf_compat_fields_has_dict(type)) {
            holder = IN_DICT;
        }
        f->places[i] = (struct place){.holder = holder, .slot = slot};
    }
}

/* 1 / 0, -1. */
static int
lacks(PyObject *instance, const struct place *place, PyObject *name)
{
    if (place->holder == IN_SLOT) {
        return *(PyObject **)((char *)instance + place->slot) == NULL;
    }
    if (place->holder == NOWHERE) {
        return 0;
    }
    int has = mf_compat_fields_in_dict(instance, name);
    return has < 0 ? -1 : !has;
}

/* Takes over the value. */
static void
put_in_slot(PyObject *instance, Py_ssize_t slot, PyObject *value)
{
    PyObject **word = (PyObject **)((char *)instance + slot);
    Py_XSETREF(*word, value);
}

static int
fill_instance(struct filling *f, PyObject *instance)
{
    for (size_t i = 0; i < f->fields->len; i++) {
        /* A factory may have given the instance another class. */
        find_places(f, Py_TYPE(instance));
        const struct mf_field *field = &f->fields->items[i];
        int missing = lacks(instance, &f->places[i], field->name);
        if (missing <= 0) {
            if (missing < 0) {
                return -1;
            }
            continue;
        }
        PyObject *value = mf_fields_value(field);
        if (value == NULL) {
            return -1;
        }
        if (f->write == mf_fields_set && f->type == Py_TYPE(instance) &&
            f->places[i].holder == IN_SLOT) {
            put_in_slot(instance, f->places[i].slot, value);
            continue;
        }
        int rc = f->write(f->arg, instance, field->name, value);
        Py_DECREF(value);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

static int
filling_init(struct filling *f)
{
    f->places = mf_alloc((f->fields->len + 1) * sizeof(*f->places));
    if (f->places == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static void
filling_clear(struct filling *f)
{
    mf_free(f->places);
    Py_XDECREF(f->type);
}

int
mf_fields_fill_those(struct mf_fields *fields, const struct mf_vec *instances,
                     mf_fields_write write, void *arg)
{
    if (fields->len == 0 || instances->len == 0) {
        return 0;
    }
    struct filling f = {.fields = fields, .write = write, .arg = arg};
    int rc = filling_init(&f);
    for (size_t i = 0; rc == 0 && i < instances->len; i++) {
        rc = fill_instance(&f, instances->items[i]);
    }
    filling_clear(&f);
    return rc;
}

int
mf_fields_fill(struct mf_fields *fields, PyTypeObject *cls,
               mf_fields_write write, void *arg)
{
    struct mf_vec instances = {0};
    int rc = fields->len == 0 ? 0
                              : mf_heap_instances_of(cls, true, &instances);
    if (rc == 0) {
        rc = mf_fields_fill_those(fields, &instances, write, arg);
    }
    mf_vec_clear_refs(&instances);
    return rc;
}

int
mf_fields_fill_one(struct mf_fields *fields, PyObject *instance,
                   mf_fields_write write, void *arg)
{
    void *items[] = {instance};
    struct mf_vec one = {.items = items, .len = 1};
    return mf_fields_fill_those(fields, &one, write, arg);
}

bool
mf_fields_run_code(const struct mf_fields *fields)
{
    for (size_t i = 0; i < fields->len; i++) {
        if (fields->items[i].how == MF_FIELD_FACTORY) {
            return true;
        }
    }
    return false;
}

int
mf_fields_set(void *Py_UNUSED(unused), PyObject *instance, PyObject *name,
              PyObject *value)
{
    bool other;
    PyTypeObject *type = Py_TYPE(instance);
    Py_ssize_t slot = mf_compat_fields_slot(type, name, &other);
    if (slot > 0) {
        put_in_slot(instance, slot, Py_XNewRef(value));
        return 0;
    }
    if (!mf_compat_fields_has_dict(type)) {
        return 1;
    }
    PyObject *dict = PyObject_GenericGetDict(instance, NULL);
    if (dict == NULL) {
        return -1;
    }
    int rc = value != NULL ? PyDict_SetItem(dict, name, value)
                           : PyDict_DelItem(dict, name);
    Py_DECREF(dict);
    if (rc < 0 && value == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) {
        PyErr_Clear();
        rc = 0;
    }
    return rc;
}
