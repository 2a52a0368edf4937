/*
 * track.h -- which containers the cycle collector looks at: a slot for each, in a table of its thread or one for all.
 *
 * A tracked container knows its slot, and the slot holds its address. Policies:
 *
 *     off      nothing is tracked
 *     locked   one table for all threads, a mutex around each track and untrack (what CPython's lists would need)
 *     thread   a table per thread; to untrack is to empty the slot, by whoever frees the object (track-buffered, as users name it)
 *
 * Why thread is no log of tracks and untracks: the track would stand in the log of the maker, the untrack in that of whoever frees, so that a
 * collection would have to match the two before it can look at anything, and between collections the logs would grow with all that
 * comes and goes, not with what lives. A slot is the first entry, and emptying it stands for the second: nobody waits for
 * anybody, as with a log, and nothing is left to be applied.
 *
 *     slot   0 empty | address: tracked | link + 1: on its thread's list of slots to use again
 *
 * Invariant: *c->slot == c for each tracked c. Only the table's owner takes slots; anybody may empty one: the holes that
 * others leave are found again when the world is stopped (track_sweep_stw).
 * A chunk of slots is freed when it holds no container: by its owner as it ends, or, if the owner has ended with some left, by the first
 * sweep that finds them gone.
 * Memory ordering: a slot is read by others than its writer only with the world stopped (T1, stop.c), or by who frees the object, to whom the
 * object itself was handed with an acquire (R1). The atomics are relaxed, but for (K1): another thread empties a slot with a release, its last
 * look at the chunk, and the owner that ends acquires each before it frees the chunk.
 * A collection is due after so many were tracked (track_is_due); slots that were free at the last sweep, or that its garbage left, count
 * when they are taken. A thread tells the others of what it has tracked in batches, and of the rest when it ends.
 * What cannot be part of a cycle is never tracked: leaves, and tuples of leaves (obj_track's callers decide).
 */
#ifndef OBJECTS_TRACK_H
#define OBJECTS_TRACK_H

#include "object.h"

enum {
    TRACK_BYTES = 8192, /* of a chunk; aligned to it, so that a slot finds its chunk */
    TRACK_SLOTS = TRACK_BYTES / (3 * sizeof(uintptr_t)) - 2, /* what the rest leaves */
};

/* What the collector notes of a container; zero while there is no collection. */
struct track_word {
    int64_t state;
    void *link;
};

struct track_chunk {
    _Atomic(struct heap_thread *) owner; /* NULL: the thread has ended, or policy locked */
    struct track_chunk *next;
    uint32_t used;                       /* slots ever given out; the owner's */
    _Atomic(uintptr_t) slot[TRACK_SLOTS];
    struct track_word word[TRACK_SLOTS]; /* of the collector, one for each slot */
};
_Static_assert(sizeof(struct track_chunk) <= TRACK_BYTES, "a chunk has room for its slots");

/* Set by objects_start. */
static enum track_policy track_policy __attribute__((unused));

/* Flags beside the slot. */
enum {
    TRACK_FINALIZED = 1, /* its finaliser has run */
    TRACK_WEAK = 2,      /* it may have weak references (weak.h) */
    TRACK_CLEARED = 4,   /* a collection has cleared it (gc/collect.c) */
    TRACK_FLAGS = 7
};

/* relaxed, both: the slot is the maker's until the object is published, then nobody's but the last one's */
HOT _Atomic(uintptr_t) *track_slot(const struct container *c)
{
    return (_Atomic(uintptr_t) *)(atomic_load_explicit(&c->track, memory_order_relaxed) & ~(uintptr_t)TRACK_FLAGS);
}
HOT void track_set_slot(struct container *c, _Atomic(uintptr_t) *slot)
{
    uintptr_t flags = atomic_load_explicit(&c->track, memory_order_relaxed) & TRACK_FLAGS; /* relaxed: as above */
    atomic_store_explicit(&c->track, (uintptr_t)slot | flags, memory_order_relaxed);       /* relaxed: as above */
}

SLOW void obj_track_slow(struct container *c);
SLOW void obj_untrack_slow(struct container *c);

/* The container is complete: its traverse slot may be called at any time from now on. Where there is no memory for a slot it stays
 * untracked: a cycle through it is then a leak, nothing worse. */
HOT void obj_track(struct container *c)
{
    struct track_table *t = &heap_self()->track;
    _Atomic(uintptr_t) *slot = t->free;
    if (unlikely(!slot)) { /* always, unless the policy is thread */
        obj_track_slow(c);
        return;
    }
    /* relaxed, all three: this thread's own list, and an object that nobody else knows */
    t->free = (_Atomic(uintptr_t) *)(atomic_load_explicit(slot, memory_order_relaxed) & ~(uintptr_t)1);
    atomic_store_explicit(slot, (uintptr_t)c, memory_order_relaxed);
    atomic_store_explicit(&c->track, (uintptr_t)slot, memory_order_relaxed);
}
HOT struct track_chunk *track_chunk_of(_Atomic(uintptr_t) *slot)
{
    return (struct track_chunk *)((uintptr_t)slot & ~(uintptr_t)(TRACK_BYTES - 1));
}

/* Before the container's memory goes, or any of its fields. By whoever deallocates it. */
HOT void obj_untrack(struct container *c)
{
    _Atomic(uintptr_t) *slot = track_slot(c);
    if (!slot)
        return;
    struct track_table *t = &heap_self()->track;
    /* relaxed: only this thread puts itself there, or takes itself away */
    if (unlikely(atomic_load_explicit(&track_chunk_of(slot)->owner, memory_order_relaxed) != heap_self())) {
        obj_untrack_slow(c);
        return;
    }
    atomic_store_explicit(slot, (uintptr_t)t->free | 1, memory_order_relaxed); /* relaxed: as in obj_track */
    t->free = slot;
    track_set_slot(c, NULL);
}

INLINE bool obj_is_tracked(const struct container *c) { return track_slot(c) != NULL; }

/* --- for the collector, the world being stopped --- */

/* The collector's word for a tracked container, found through its slot. */
HOT struct track_word *track_word(_Atomic(uintptr_t) *slot)
{
    struct track_chunk *k = track_chunk_of(slot);
    return &k->word[slot - k->slot];
}
/* And back. */
HOT struct container *track_container(struct track_word *w)
{
    struct track_chunk *k = (struct track_chunk *)((uintptr_t)w & ~(uintptr_t)(TRACK_BYTES - 1));
    return (struct container *)atomic_load_explicit(&k->slot[w - k->word], memory_order_relaxed); /* relaxed: the world is stopped */
}

/* Calls visit for each tracked container, with its word. `fetch`: it will look at the objects whose state is 0, which lie anywhere. */
HOT void track_for_each_stw(bool fetch, void (*visit)(struct container *, struct track_word *, void *), void *arg);
/* As well, and makes the holes that other threads left usable again. How many containers are tracked. */
HOT int64_t track_sweep_stw(void (*visit)(struct container *, struct track_word *, void *));

/* So many of those that the sweep has counted are garbage: they are no part of what lives. */
API void track_garbage_stw(int64_t n);

/* --- for the collector, the world running --- */

/* The calling thread has freed garbage. The slots that it left count when they are taken again, as those that a sweep finds: what a
 * collection frees would otherwise be garbage for nothing before the next one, and each would let more pile up than the one before. */
API void track_collected(void);

/* True: so many containers have been tracked since the last sweep that a collection is due (FIELD.md 1: more than a threshold and more
 * than a quarter of the live ones). */
API bool track_is_due(void);
/* Objects; 0: never due. Before threads begin. */
static int64_t track_threshold __attribute__((unused));

API void track_start(enum track_policy policy);
API void track_stop(void);
/* By the thread that begins, by the one that ends. */
API void track_thread_start(void);
API void track_thread_stop(struct heap_thread *t);
/* How many there are. With no other thread attached. */
API size_t track_chunks(void);

#endif
