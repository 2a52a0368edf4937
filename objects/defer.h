/*
 * defer.h -- deferred and per-thread counts: for functions, code and types, which live long and are used by every thread.
 *
 * Such an object is entered in a registry before it is published (defer_enable). The registry holds one reference to it. So the count
 * in its head cannot come to zero, whatever the strategy, and nobody frees it but the collector (gc/collect.c), which takes it out of the
 * registry when that reference is all that is left: with the world stopped, all counts merged, all stacks scanned. (PEP 703
 * adds a large bias to the count. One is enough under the rule below.) Without a collector, objects_stop takes all of them out.
 * Meanwhile
 *
 *     deferred   a reference on an evaluation stack need not be counted (stack.h)
 *     by thread  defer_incref and defer_decref change a count of the calling thread alone, found by the object's id
 *
 *     place   its entry in the registry; 0: not there, ordinary counts    \  written before publication by defer_enable,
 *     id      the same; 0: not counted by thread                          /  later with the world stopped
 *
 * Rule: a reference that was taken by defer_incref is dropped by defer_decref, on any thread; one that was taken by obj_incref may be
 * dropped by either. So what is dropped at the head was counted there.
 * Invariant: references == count in the head + the entry's total + the sum of all threads' counts of the id, + the uncounted ones on
 * stacks. The head's count is at least 1: obj_decref never sees the last reference.
 * So a count of 1 does not mean that somebody is alone with it: rc_is_unique must not be asked of such an object.
 * An id is free again when all threads' counts of it have been merged (FIELD.md 3.28): taking an object out of the registry and
 * merging happen in one stop of the world.
 * Memory ordering: a thread's counts are its own; the collector reads and clears them with the world stopped (T1, T2, stop.c). An ending thread
 * adds them to the totals under the registry's lock, while it is still attached: no stopped world sees half of it.
 * Lock order: defer_registry.lock before the thread registry's; a leaf otherwise.
 * Sources: PEP 703 (deferred reference counting); CPython 3.14, uniqueid.c and per-thread counts: protocol, not text.
 */
#ifndef OBJECTS_DEFER_H
#define OBJECTS_DEFER_H

#include "track.h"

/* What a type with TYPE_DEFERS begins with. */
struct deferred {
    struct container base;
    _Atomic uint32_t place, id;
};

/* A new one has ordinary counts. */
HOT void defer_init(struct deferred *d)
{
    atomic_init(&d->place, 0);
    atomic_init(&d->id, 0);
}

/* From now on only the collector frees it. `by_thread`: it has an id as well. The caller has made it and not yet published it, or holds it
 * with the world stopped; it is complete and tracked. False: its counts stay ordinary, for want of memory or of ids, because it is
 * immortal, or because the collector cannot see it (it is not tracked although others are). No error is set. */
API bool defer_enable(struct obj *o, bool by_thread);

/* relaxed, both: written before publication, or while the world is stopped: the same from one safepoint to the next */
HOT uint32_t defer_place(const struct deferred *d) { return atomic_load_explicit(&d->place, memory_order_relaxed); }
HOT uint32_t defer_id(const struct deferred *d) { return atomic_load_explicit(&d->id, memory_order_relaxed); }

/* Any object: its references on stacks need not be counted. */
HOT bool defer_is_deferred(const struct obj *o)
{
    return o->type->flags & TYPE_DEFERS && defer_place((const struct deferred *)o) != 0;
}

SLOW void defer_incref_slow(struct deferred *d);
SLOW bool defer_decref_slow(struct deferred *d);

/* A new reference, counted by thread where the object has an id. The caller holds one, or what keeps it. */
HOT struct obj *defer_incref(struct deferred *d)
{
    struct defer_counts *c = &heap_self()->counts;
    uint32_t at = defer_id(d) - 1; /* no id: above any room */
    if (likely(at < c->room)) {
        c->count[at]++;
        rc_stat(incref_thread);
    } else {
        defer_incref_slow(d);
    }
    return &d->base.base;
}

/* True: done, by thread. */
HOT bool defer_decref_by_thread(struct deferred *d)
{
    struct defer_counts *c = &heap_self()->counts;
    uint32_t at = defer_id(d) - 1; /* as above */
    if (unlikely(at >= c->room))
        return defer_decref_slow(d);
    c->count[at]--;
    rc_stat(decref_thread);
    return true;
}
HOT void defer_decref(struct deferred *d)
{
    if (unlikely(!defer_decref_by_thread(d)))
        obj_decref(&d->base.base);
}
/* As obj_decref_field. */
HOT void defer_decref_field(struct deferred *d)
{
    if (unlikely(!defer_decref_by_thread(d)))
        obj_decref_field(&d->base.base);
}

/* --- for the collector: the world is stopped, and settled (rc_settle_stw) --- */

/* All counts by thread go to the heads. */
API void defer_merge_stw(void);
/* Every object of the registry. */
API void defer_for_each_stw(void (*visit)(struct obj *));
/* After a merge in the same stop: the object's counts are ordinary from now on, and the registry's reference is the caller's. False: it
 * was not in the registry. */
API bool defer_release_stw(struct container *c);

/* --- start and stop --- */

/* Takes everything out of the registry and gives its memory back. The caller is attached, no other thread is, and nothing is on a
 * stack. */
API void defer_stop(void);
API void defer_thread_stop(struct heap_thread *t);

#endif
