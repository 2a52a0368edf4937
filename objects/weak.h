/*
 * weak.h -- weak references: they name an object without keeping it, and give a strong reference as long as it lives.
 *
 * A side table finds the weak references to an object by its address; the object itself has one bit (TRACK_WEAK): it may have some.
 * The table is cut into stripes, each with a mutex that is a leaf: held over plain memory and rc_try_incref alone.
 *
 *     weak_new    the caller holds the target: rc_allow_weak, the bit, then an entry
 *     weak_get    under the stripe's lock: still there? then rc_try_incref, which fails when the target is dying
 *     death       whoever found the count at zero (dead_push) clears the entries under the lock: before the finaliser, before
 *                 any field goes
 *     collector   clears those of garbage while the world is stopped, before finalisers run
 *
 * Invariant: an entry's target has not been freed, since its death must take the lock first: its head may be read under the lock. An
 * object with an entry has the bit. A cleared weak reference stays cleared, also when a finaliser brings its target back to life.
 * Memory ordering: the stripe's lock, and (W1): a reference that is found cleared without the lock is out of the table. The bit is
 * set by who holds a reference and read by who found none left (R1), or with the world stopped (T1).
 * Lock order: a stripe's lock is a leaf; an object lock may be held (weakdict.c).
 * Sources: FIELD.md 1 (buffered, biased), 3.20; CPython's clearing of weak references before finalisers (gcmodule.c up to 3.12): protocol, not text.
 */
#ifndef OBJECTS_WEAK_H
#define OBJECTS_WEAK_H

#include "track.h"

struct weak {
    struct obj base;
    _Atomic(struct container *) target; /* borrowed; NULL: cleared, or not in the table yet. Written under the stripe's lock */
    uintptr_t home;                     /* hash of the target's address: the stripe and the bucket */
    struct weak *next, **at;            /* in its bucket, under the stripe's lock; at: what points at this one */
};

static const struct type weak_type;

/* A weak reference to a container (all of them can have one; ERR_TYPE for others). Two to one object are one object, as long as
 * somebody holds it. New reference; NULL: ERR_TYPE, ERR_MEMORY. */
API struct obj *weak_new(struct obj *target);
/* 1 and a new reference in *target; 0: it is gone (*target = NULL); -1: ERR_TYPE, not a weak reference (*target = NULL). */
API int weak_get(struct obj *weak, struct obj **target);

/* --- for who knows that it is one --- */

/* New reference, or NULL. Runs no code of others, never waits: may be called under an object lock. */
API struct obj *weak_upgrade(struct weak *w);
/* Its target is gone for good. False may be out of date at once. */
INLINE bool weak_is_cleared(const struct weak *w)
{
    return !atomic_load_explicit(&w->target, memory_order_relaxed); /* relaxed: no data hang on it */
}

SLOW void weak_clear_slow(struct container *c);
/* Clears all weak references to it. By whoever found it dead, or with the world stopped. */
HOT void weak_clear(struct container *c)
{
    /* relaxed: see the header */
    if (unlikely(atomic_load_explicit(&c->track, memory_order_relaxed) & TRACK_WEAK))
        weak_clear_slow(c);
}

/* Gives the table's memory back. No thread runs. */
API void weak_stop(void);

#endif
