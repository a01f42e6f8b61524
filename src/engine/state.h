/* state.h -- what one interpreter's engine keeps between updates. Made and
 * freed by module.c; rooms get a pointer. All fields are guarded by the GIL;
 * `busy` is the engine's lock (see update.c).
 */
#ifndef MF_STATE_H
#define MF_STATE_H

#include "ground/table.h"

/* What the interpreter's own loader has by itself, and what is called as it
 * calls it (imports_cached.c). */
enum { MF_LOADER_METHODS = 4 };
struct mf_plain_loader {
    bool is_known; /* else every import is left to the loader */
    PyObject *type;
    PyObject *methods[MF_LOADER_METHODS]; /* functions */
    PyObject *exec_module;                /* of every ordinary loader */
    PyObject *run, *exec, *fix_file_name;
};

struct mf_agent;
struct mf_guard;
struct mf_guest;
struct mf_older;
struct mf_source;
struct mf_stage;
struct mf_thread;

/* What is done about calls that still run old code. */
enum mf_stragglers {
    MF_STRAGGLERS_MOVE,   /* what can be moved is; the others finish */
    MF_STRAGGLERS_FINISH,
    MF_STRAGGLERS_WAIT,   /* no commit while there are others */
    MF_STRAGGLERS_REJECT
};

struct mf_state {
    /* settings (configure) */
    PyObject *roots;      /* list[str] */
    PyObject *is_target;  /* callable(path, name) -> bool, or NULL: all */
    PyObject *data_rules; /* dict "module:NAME" -> policy, or NULL */
    PyObject *compat;     /* list[str] or NULL */
    PyObject *listener;   /* callable(report) or NULL */
    int settle_ms;
    bool disabled;
    bool undo_on_after_error;
    enum mf_stragglers stragglers;
    int safepoint;        /* 0 any, 1 main thread, 2 poll */

    /* knowledge about the program (source.c) */
    bool started;
    PyObject *finder_type;   /* imports.c */
    PyObject *finder;        /* our object on sys.meta_path */
    struct mf_plain_loader plain;
    PyObject *target_cache;  /* dict path -> bool */
    bool by_folder;          /* is_target answers alike for all files of a
                                folder that are no links */
    PyObject *folder_cache;  /* dict folder -> bool, where that is so */
    PyObject *by_path;       /* dict path -> index into sources */
    struct mf_vec sources;   /* struct mf_source * */
    PyObject *importers;     /* graph.c: dict module name -> list of indexes of
                                sources, in order */
    PyObject *reach;         /* graph_reach.c: dict "module:name" -> list of
                                indexes of sources, in order */
    struct mf_vec unindexed; /* sources that are not in these, borrowed; has
                                room for all */
    PyObject *attentive;     /* graph.c: what is known of a module's importers:
                                dict module name -> three parts, see there */
    uint64_t graph_edition;  /* grows with everything that may change that */
    uint64_t attentive_edition; /* the edition that it was made from */
    PyObject *walked;        /* graph_reach.c: dict id of an object -> what
                                calling it reaches; while a plan is made */

    /* the update under way and those before it (update.c, record.c) */
    unsigned long busy_thread; /* thread id that is updating, 0: none */
    PyThread_type_lock turn; /* who waits for it sleeps on this; NULL: nobody
                                has asked for an update so far */
    int holds;
    long inside_imports;     /* more than 0: an import under way is no reason to
                                skip an update, if nobody else makes one */
    bool interrupted;        /* Ctrl-C while staging: passed on at the end */
    bool undo_wanted;
    long number;             /* of the last update that was not skipped */
    long running;            /* number of the last one committed */
    PyObject *queued;        /* set of paths asked for while busy or held */
    PyObject *armed;         /* redefine_frame_line.h */
    struct mf_older *older;  /* redefine_older.h; NULL: nobody runs older code */
    int older_ms;            /* when to try again to move them; 0: not by
                                itself */
    PyObject *alone;         /* set of "path\nClass": statements that fail when
                                they run again: methods are changed alone */
    bool refused;            /* one more of them, or a file that was gone is
                                there again: the update is tried again */
    PyObject *pending;       /* dict path -> number of the update that rejected
                                it: a group; None: it is being imported */
    PyObject *waits;         /* (list of code objects, dict path -> text that the
                                host gave or None): files that go in when no
                                frame runs that code; NULL: none */
    PyObject *history;       /* list of report dicts, at most 100 */
    PyObject *records;       /* list of undo records, at most 100 (record.c) */
    PyObject *undone;        /* list of such records: what an undo took back,
                                the last one first to come again */
    PyObject *fixed;         /* list of (live function, twin with what it ran
                                before, id, name): hotfix scripts in force */
    PyObject *layers;        /* dict path -> layer (layers.py): patches that
                                stand over the file */
    PyObject *layering;      /* callable(file's text, text that runs, layer), or
                                NULL */
    PyObject *tracked;       /* dict path -> callable */

    /* staging (stage.c): the update under way, and the stage while its steps
     * run, and their thread; NULL and 0 outside */
    struct mf_update *staging;
    struct mf_stage *stage;
    unsigned long staging_thread;
    PyObject *run_over;      /* stage_running.c: list of (namespace, builtins),
                                or NULL; never freed: threads run over them */
    struct mf_guard *guard;  /* open, or NULL */

    struct mf_thread *thread;
    PyThreadState *anchor;   /* compat_main.h, while it lives; or NULL */
    struct mf_guest *guest;  /* served by it; borrowed, or NULL */
    struct mf_agent *agent;  /* agent.h; NULL: never opened */
    PyObject *watched;       /* list of the paths that thread watches */
    int64_t changing_since;  /* since when saves are too early (collect.c); 0 */
    bool watch_polls;
    bool main_asked;         /* the main thread will take what is queued */
    const char *backend;     /* name of the watcher's back end; static */
    PyObject *unsupported;   /* str: why every update is rejected, or NULL */
};

/* The state of the current interpreter's engine, borrowed; NULL with
 * RuntimeError after it was freed. */
struct mf_state *mf_state_get(void);

#endif
