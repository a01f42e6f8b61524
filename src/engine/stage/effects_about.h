/* effects_about.h -- what an item of a registry is about. Part of the room
 * effects.
 */
#ifndef MF_EFFECTS_ABOUT_H
#define MF_EFFECTS_ABOUT_H

#include "effects_again.h"
#include "effects_copy.h"

struct mf_effects_homes {
    struct mf_effects *effects;
    const struct mf_map *home;  /* staged object -> live one */
    const struct mf_reruns *reruns;
    struct mf_map live;         /* the values of home */
    PyObject *old_text;         /* sets: strings in the code of statements */
    PyObject *new_text;         /*       that ran again or are gone; that ran */
};

struct mf_effects_about {
    PyObject *live; /* the live object that is registered, borrowed, or NULL */
    bool direct;    /* not only captured by a function of unknown making */
    bool weak;      /* held by a weak reference */
};

/* Which live object does the entry register? Itself, in a tuple or in a
 * record, in a partial, bound method or closure, in an instance of a class
 * that the statement's code names. Runs nothing, allocates nothing. */
void mf_effects_about(const struct mf_effects_homes *homes,
                      struct mf_entry entry, struct mf_effects_about *about);
/* Is there anything in the entry that staged code has made: a function over a
 * staging namespace, a class with one, an instance of that? */
bool mf_effects_has_staged(struct mf_effects *effects, struct mf_entry entry);

/* A class as the key of one of its own instances: what calling it has made (a
 * singleton, a cache), no registration of the class. */
bool mf_effects_is_made(struct mf_entry entry, PyObject *live);

/* Items of plain data have no object in them that tells what they are about:
 * then it is their strings. Fills old_text and new_text. */
int mf_effects_read_texts(struct mf_effects_homes *homes);
void mf_effects_homes_clear(struct mf_effects_homes *homes);
/* Plain data, or instances with plain data, exactly equal? */
bool mf_effects_same_data(const struct mf_effects_homes *homes,
                          struct mf_entry a, struct mf_entry b);
/* Such data with at least one string, and all its strings in the set? */
bool mf_effects_is_text(const struct mf_effects_homes *homes,
                        struct mf_entry entry, PyObject *set);
/* One string of `a` stands in `b` too? */
bool mf_effects_shares_text(const struct mf_effects_homes *homes,
                            struct mf_entry a, struct mf_entry b);

/* Is the container a record of a registration rather than a registry: a dict
 * whose keys are constants of one called function, a list with an atom? */
bool mf_effects_is_record(const struct mf_effects_homes *homes,
                          PyObject *container);
/* The item with live objects in the place of staged ones; tuples are made
 * anew, what else has staged ones in it is become's. New reference. */
PyObject *mf_effects_bring_home(const struct mf_effects_homes *homes,
                                PyObject *item);

#endif
