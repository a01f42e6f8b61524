/* effects.h -- what staged code did to live objects: shallow copies of the
 * containers and namespaces that a step can reach by the names in its code,
 * taken before it runs; differences read off after it. Rejected: the
 * differences are taken back. Committed: they are made to stand there once,
 * at the old place (registrations).
 *
 * Runs no code of the program: no __eq__, __hash__, __getattr__, property.
 */
#ifndef MF_EFFECTS_H
#define MF_EFFECTS_H

#include "../ground/table.h"

struct mf_reruns; /* effects_again.h */

enum mf_effect_kind {
    MF_EFFECT_LIST,
    MF_EFFECT_DEQUE,
    MF_EFFECT_CELL,  /* of a function's closure */
    MF_EFFECT_STATE, /* bytearray, array, counter: one value, no references */
    MF_EFFECT_SET,
    MF_EFFECT_DICT,
    MF_EFFECT_SPACE, /* dict of a module, an instance or a function */
    MF_EFFECT_SLOTS, /* holder: an instance; its slots by name */
    MF_EFFECT_CLASS
};

/* Where a code object was found. */
enum mf_effects_code {
    MF_CODE_CALLED = 1, /* a function's */
    MF_CODE_STEP,       /* the statement itself */
    MF_CODE_OLD,        /* the old text of one */
    MF_CODE_MACHINERY   /* of threads, processes, connections */
};

/* Contents at one moment. */
struct mf_contents {
    PyObject *items;   /* tuple; of a state its one value; dicts and namespaces: key, value, key ... */
    Py_hash_t *hashes; /* one per item or key; NULL where keys are names */
};

/* One live container with its contents before and after staged code ran. */
struct mf_effect {
    PyObject *holder;
    PyObject *name;            /* it was found under, or NULL */
    struct mf_contents before; /* as if only the others had written */
    struct mf_contents after;  /* items NULL: staged code changed nothing */
    struct mf_contents also;   /* items NULL: nothing. Registered elsewhere by
                                  staged code, and to stand here */
    Py_ssize_t length;         /* of a big one: only its end was copied */
    struct mf_map by;          /* old texts that reach it: code -> 1 */
    PyObject *out;             /* tuple: keys that mf_effects_take_out took,
                                  until they are read; or NULL */
    size_t step;               /* the last one that could reach it */
    uint8_t kind;              /* enum mf_effect_kind */
    bool big;
    bool nested;               /* in another container */
    bool ran;                  /* reached by code that ran */
    bool was;                  /* reached by the old text of a statement */
    bool done;                 /* taken back, its contents still held */
};

struct mf_effects {
    struct mf_effect *items;
    size_t len, cap;
    struct mf_map seen;     /* holder -> index + 1, instance's slots: holder
                               is the instance */
    struct mf_map foreign;  /* dicts that are no live state: staging ones */
    struct mf_map codes;    /* every code object looked at, nested ones too:
                               enum mf_effects_code; classes reached: 1 */
    struct mf_vec keep;     /* strong: what codes points to */
    /* What a live function runs when staged code calls it, and over which
     * namespace; borrowed, as they are if it sets nothing. NULL: ask nobody. */
    int (*runs)(void *arg, PyFunctionObject *func, PyObject **code,
                PyObject **globals);
    void *runs_arg;
    size_t copied;          /* items copied so far: the bound of all this */
    size_t steps;           /* begun so far */
    int64_t cpu;            /* what other threads had used when code began to
                               run, nanoseconds */
    bool open;              /* code has run since the last mf_effects_after */
};

/* Copy what `code`, about to run over `globals` (a member of a class: over
 * `own`, the class's names, first; else NULL), can reach: values of the names
 * it loads, of the names that functions and classes called by it load,
 * containers in them, attributes of instances. */
int mf_effects_before(struct mf_effects *effects, PyObject *code,
                      PyObject *globals, PyObject *own);
/* The same for the old text of a statement that runs again or is gone, which
 * does not run: its registrations are found though the new text does not name
 * their holder. Call it before the first step runs. */
int mf_effects_before_old(struct mf_effects *effects, PyObject *code,
                          PyObject *globals, PyObject *own);
/* The code given to mf_effects_before has run, or failed: read the
 * differences now, so that what other threads write later is not taken for
 * it. Without the call that happens at the next call of before, take_back or
 * settle. */
int mf_effects_after(struct mf_effects *effects);
/* Also follow a live object by itself (an argument of a registration), with
 * plain containers in it `depth` levels deep (0 to 3). */
int mf_effects_watch(struct mf_effects *effects, PyObject *obj, int depth);
/* The step under way is about to call this with these: what they reach is
 * copied too, as it is now. */
int mf_effects_calls(struct mf_effects *effects, PyObject *func,
                     PyObject *const *args, int count);
/* Staged code has put these into a container that it had made itself, in the
 * place of this one, which stays: mf_effects_settle takes them for registered
 * here. The contents are given away; a second time the last ones count. */
int mf_effects_also(struct mf_effects *effects, int kind, PyObject *holder,
                    struct mf_contents *contents);
/* Did this holder change since it was copied? No allocation but for ordered
 * dicts; -1 with an exception. */
int mf_effects_changed(const struct mf_effect *effect);
/* Rejected: write the differences back, item by item; what other threads
 * wrote meanwhile stays. Never fails (what cannot be written is traced), the
 * exception that is set stays set. Destructors may run. */
void mf_effects_take_back(struct mf_effects *effects);
void mf_effects_clear(struct mf_effects *effects);

/* `contents` are new references' container, fresh, for the writer to keep:
 *   list, deque      a list: all items
 *   dict, namespace  a dict (an OrderedDict if the holder is one): all items
 *   set              a set: all items
 *   class            a dict of the attributes to set, others stay
 *   instance         the same for its slots
 *   cell             a tuple of the one value
 * 0, or -1 with an exception, which ends mf_effects_settle. */
typedef int (*mf_effects_write)(void *arg, PyObject *holder,
                                PyObject *contents);
/* Registrations, committed: `home` maps a staged object to the live one that
 * keeps its identity. For every watched holder whose contents must become others, `write` is called;
 * nothing is written here. Reads each holder as it is now: to be called where
 * no other thread can run between it and the writes, or again. */
int mf_effects_settle(struct mf_effects *effects, const struct mf_map *home,
                      const struct mf_reruns *reruns,
                      mf_effects_write write,
                      void *arg);

#endif
