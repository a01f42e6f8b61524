/* source.h -- which text a module runs: read, decode, hash. A source is one
 * file with its baseline (the text that the process runs, its statements); a
 * module of it is one namespace that was made by running it.
 *
 * The baseline must be noted while the file still is what was imported. For
 * every module, whoever loads it, the interpreter's audit event "exec" hands
 * over the code object just before it runs: the text is read there. Where the
 * import goes through the ordinary loaders, our finder sees the end of the
 * import too and notes the values of base there.
 */
#ifndef MF_SOURCE_H
#define MF_SOURCE_H

#include <sys/stat.h>

#include "../state.h"
#include "split.h"

/* A decoded text: UTF-8, '\n' line ends, no BOM. */
struct mf_text {
    PyObject *bytes; /* bytes object; NULL: unknown */
    uint64_t hash;   /* of bytes */
};

/* One loaded module that takes part. */
struct mf_module {
    struct mf_source *source; /* borrowed: its owner */
    PyObject *name;  /* its key in sys.modules */
    PyObject *dict;  /* its namespace */
    PyObject *codes; /* list of the live code objects of its functions and
                        lambdas, nested ones left out, class bodies opened,
                        by line; NULL: unknown (loaded before start) */
    bool late;       /* codes were found on the heap, and not compared with
                        the text yet */
    bool unsure;     /* they were of another text: what values the module gave
                        its names cannot be evaluated */
    PyObject *loads; /* set of str: names and attributes that its import-time
                        code reads; NULL: unknown */
    PyObject *base;  /* dict: "NAME" or "Class.NAME" -> value noted at the end
                        of the import; NULL: nothing is known */
};

struct mf_source {
    PyObject *path;        /* absolute, as code objects have it */
    size_t number;         /* its index in state->sources */
    struct mf_text text;   /* the baseline */
    PyObject *given;       /* code object that the host has given and that runs
                              instead of the text's; NULL: the text does */
    struct mf_split split; /* of text; valid if is_split */
    bool is_split;
    bool is_indexed;       /* graph.c knows its import edges */
    bool is_searched_for;  /* imports.c has not found all its modules: a failed
                              search is to be made again */
    bool is_looked_up;     /* its modules were searched for since its code ran
                              last, where no end of an import told of them */
    bool renames;          /* some import of it gives another name; kept when
                              the text changes: then it is only slower */
    int flags;             /* compiler flags of its __future__ imports */
    struct mf_vec modules; /* struct mf_module * */
    struct mf_vec execs;   /* code objects run, not yet claimed by a module */
};

/* The source of a path, NULL without exception if there is none. */
struct mf_source *mf_source_find(struct mf_state *state, PyObject *path);
/* Find or make. */
struct mf_source *mf_source_get(struct mf_state *state, PyObject *path);
void mf_source_free_all(struct mf_state *state);

/* Is this path one of the program's own? 1 / 0 / -1. */
int mf_source_is_target(struct mf_state *state, PyObject *path,
                        PyObject *name);

/* The same without a look at the file: also 1 for a link in a folder of the
 * program, whoever it leads to. */
int mf_source_may_be_target(struct mf_state *state, PyObject *path,
                            PyObject *name);
/* Such a file has been opened, and is no link. 0 / -1. */
int mf_source_is_plain(struct mf_state *state, PyObject *path);

/* Read a file and decode it as the import system does. 0; 1: no such file
 * (text->bytes is NULL); -1 with OSError, SyntaxError or ValueError. */
int mf_source_read(PyObject *path, struct mf_text *text);
/* A whole regular file, as it is, into a fresh buffer (mf_free), and its
 * stamp. `flags`: more of open()'s. NULL with errno. Needs no GIL. */
char *mf_source_slurp(const char *path, int flags, Py_ssize_t *len,
                      struct stat *st);
/* Decode bytes that are given. */
int mf_source_decode(PyObject *path, const char *raw, Py_ssize_t len,
                     struct mf_text *text);
/* Take a text that is decoded: a str's, a baseline's. What its coding cookie
 * says was for the bytes of the file. */
int mf_source_take(PyObject *path, const char *utf8, Py_ssize_t len,
                   struct mf_text *text);
void mf_text_clear(struct mf_text *text);

/* Split the baseline if it is not. */
int mf_source_split(struct mf_source *source);
/* Every source whose file differs from its baseline, for update(None).
 * Appends to the list of paths. */
int mf_source_changed(struct mf_state *state, PyObject *paths);

/* The module objects' code objects, flat (see mf_module.codes). New list. */
PyObject *mf_source_flatten(PyObject *module_code);
/* Note the values of base: names of a module's namespace. New dict. */
PyObject *mf_source_note_base(PyObject *dict, PyObject *module_name);
bool mf_source_is_frozen(PyObject *value);
/* A functools.partial, no subclass of it. */
bool mf_source_is_partial(PyObject *value);
/* What a small container, a partial or the like holds, by identity: a new int; NULL without exception
 * if it is none. Kept under this key, which no name has. */
PyObject *mf_source_stamp(PyObject *value);
PyObject *mf_source_stamp_key(PyObject *name);
/* A name of the language's own: __x__. */
bool mf_source_is_dunder(PyObject *name);
/* Plain data that can be noted. */
bool mf_source_is_data(PyObject *value);

/* Strings that more than one room needs. Borrowed. */
PyObject *mf_source_generic_prefix(void); /* "<generic parameters of " */
PyObject *mf_source_str_module(void);     /* "__module__" */
PyObject *mf_source_str_py(void);         /* ".py" */
int mf_source_init(void);                 /* makes them */

/* Absolute form of a file name as code objects have it. New reference. */
PyObject *mf_source_absolute(PyObject *file);
/* Two spellings of one file (symbolic links, relative)? Asks the system. */
bool mf_source_same_path(PyObject *a, PyObject *b);
/* Its namespace has a __path__. */
bool mf_source_is_package(const struct mf_module *module);
void mf_source_module_free(struct mf_module *module);

/* A copy of value if it is an atom, an immutable value of the standard
 * library or a small container of them; NULL without exception if not. */
PyObject *mf_source_note_value(PyObject *value, int depth);

#endif
