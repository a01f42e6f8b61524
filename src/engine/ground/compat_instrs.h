/* compat_instrs.h -- the instructions of a code object as a graph: where each
 * leads, where its exceptions lead, how deep the stack is before it, which
 * locals it reads and writes, where it stands in the source. For finding in
 * one code object the place that a frame has in another. Reads only.
 */
#ifndef MF_COMPAT_INSTRS_H
#define MF_COMPAT_INSTRS_H

#include "../engine.h"

enum { MF_INSTR_NONE = -1 };

struct mf_instr {
    int at, end;      /* code units: the instruction itself, without prefixes;
                         behind its caches */
    int first;        /* unit where its prefixes begin */
    int op;
    uint32_t arg;
    int target;       /* index of the instruction that it may jump to */
    int handler;      /* index of the one that an exception leads to */
    int depth;        /* of the stack before it; MF_INSTR_NONE: unreachable */
    bool falls;       /* may go on with the one behind it */
    int line, column, end_line, end_column; /* line 0: nowhere */
};

struct mf_instrs {
    PyCodeObject *code; /* borrowed */
    struct mf_instr *items;
    int len;
};

/* 0; -1 with an exception (ValueError: the code is not understood). */
int mf_compat_instrs_read(struct mf_instrs *instrs, PyCodeObject *code);
void mf_compat_instrs_clear(struct mf_instrs *instrs);
/* The instruction that this code unit is part of, caches included. */
int mf_compat_instrs_find(const struct mf_instrs *instrs, int unit);
/* Do both do the same with the same names, constants and locals? Where they
 * jump to, and forms that differ only in what the compiler knew, do not
 * count. 1 / 0 / -1. */
int mf_compat_instrs_same(const struct mf_instrs *a, int i,
                          const struct mf_instrs *b, int j,
                          int (*same_const)(PyObject *a, PyObject *b));
/* May the local be read, once instruction i has ended or failed, before it is
 * written? */
int mf_compat_instrs_reads_after(const struct mf_instrs *instrs, int i,
                                 int local);
/* The same, before i has begun. */
int mf_compat_instrs_reads_from(const struct mf_instrs *instrs, int i,
                                int local);
/* Index of what a generator goes on with that has not begun. */
int mf_compat_instrs_begin(const struct mf_instrs *instrs);
/* A frame that waits in this one, or has just yielded in it: how deep the
 * stack is meanwhile. MF_INSTR_NONE: it never waits there. */
int mf_compat_instrs_depth_in(const struct mf_instrs *instrs, int i);
/* While it waits here, where it goes on depends on the argument. */
bool mf_compat_instrs_returns_by_arg(const struct mf_instr *instr);

/* Locals, cells and free variables. */
enum { MF_LOCAL_PLAIN = 0, MF_LOCAL_CELL = 1, MF_LOCAL_FREE = 2 };
PyObject *mf_compat_instrs_local(PyCodeObject *code, int i); /* borrowed */
int mf_compat_instrs_local_kind(PyCodeObject *code, int i);
/* Index of a local by name; MF_INSTR_NONE. */
int mf_compat_instrs_local_at(PyCodeObject *code, PyObject *name);

#endif
