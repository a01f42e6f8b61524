/* graph.h -- who imports whom, from the texts: import edges of every source,
 * and which sources import a given module. Pure knowledge; changes nothing in
 * sys.modules.
 */
#ifndef MF_GRAPH_H
#define MF_GRAPH_H

#include "source.h"

/* One import edge of a source, resolved to absolute module names. */
struct mf_edge {
    PyObject *module; /* str: absolute name of the module imported (from) */
    PyObject *name;   /* str: name taken from it, "*", or NULL for a plain
                         import */
    PyObject *as;     /* str: name bound; NULL for a star */
    uint32_t unit;    /* index of the unit that it stands in */
    uint32_t line;
    bool nested;      /* inside a function: binds nothing in the module */
    bool guarded;     /* inside if / try / ... */
};

struct mf_edges {
    struct mf_edge *items;
    uint32_t len, cap;
};

/* Edges of a split text for a module of this name (is_package: level 1 means
 * itself), the caller's to clear. -1: there are none. */
int mf_graph_edges(const struct mf_text *text, const struct mf_split *split,
                   PyObject *module_name, bool is_package,
                   struct mf_edges *edges);
void mf_edges_clear(struct mf_edges *edges);

/* Sources (their indexes into state->sources, as a list of ints) whose
 * baseline imports the module or something from it. Borrowed list or NULL
 * (without exception) if there is none. Brings the index up to date first. */
PyObject *mf_graph_importers(struct mf_state *state, PyObject *module_name);
/* Calls visit for the source of each loaded module among them, until it gives
 * something else than 0; gives that, or 0; -1 with an exception. */
typedef int (*mf_graph_importer)(struct mf_source *source, void *arg);
int mf_graph_each_importer(struct mf_state *state, PyObject *module_name,
                           mf_graph_importer visit, void *arg);
/* Those of them that have to be looked at when what a function of this name
 * does has changed, and no value: who neither uses the name at import time nor
 * passes it on is left out. New list, or NULL as above. */
PyObject *mf_graph_attentive(struct mf_state *state, PyObject *module_name,
                             PyObject *name);
/* Does an import, direct or not, connect a path of one set with one of the
 * other? 1 / 0 / -1. */
int mf_graph_connected(struct mf_state *state, PyObject *a, PyObject *b);
/* Sources whose import-time code calls, through other functions, this one
 * ("name" or "Class.method"): borrowed list of indexes or NULL (without
 * exception). */
PyObject *mf_graph_reachers(struct mf_state *state, PyObject *module,
                            PyObject *name);
/* Between graph.c and graph_reach.c. A source comes into the index of
 * reachers. */
int mf_graph_index_reach(struct mf_state *state, struct mf_source *source);
/* The number goes into the key's list, in order. 1: it was not there; 0; -1. */
int mf_graph_index_under(PyObject *index, PyObject *key, size_t number);
/* Every name of a module that its import-time code may call, or attribute of
 * one (attr NULL: the name itself), with the set of "module:name" that the
 * call reaches. visit: 0 / -1. */
typedef int (*mf_graph_visit)(void *arg, PyObject *used, PyObject *attr,
                              PyObject *reached);
int mf_graph_each_call(struct mf_state *state, struct mf_module *module,
                       mf_graph_visit visit, void *arg);
/* Is it a special method that code calls without naming it, of an instance that
 * is there already: __str__, __add__? */
bool mf_graph_is_implicit(PyObject *name);
/* What calling an object reaches is remembered while one plan is made: to be
 * forgotten before anything that lives can change. */
void mf_graph_forget_walks(struct mf_state *state);
/* The text of a source has changed, or a module came: index it again. */
void mf_graph_forget(struct mf_state *state, struct mf_source *source);

#endif
