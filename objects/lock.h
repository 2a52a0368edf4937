/*
 * lock.h -- one lock per list, dict or set: a three-state futex (Drepper, "Futexes are tricky"; the Gilectomy's choice).
 *
 *     0 free --acquire--> 1 held --acquire by another--> 2 held, maybe waiters --release--> 0, one waiter woken
 *
 * Invariant: while a thread is parked on the word, the word is 2 or the thread's wake is under way.
 * Memory ordering: the acquire (L1) sees everything written before the release (L2).
 * A waiter re-reads the word while it spins, then detaches before it parks (a parked thread must not hold up an epoch or
 * its merge queue) and takes the lock only when attached again. Nobody waits for a lock while holding another: a thread
 * that is detached or attaching may have its merge queue drained, destructors included, and one of them may want the lock
 * that is held. Who needs two locks takes the second only if it is free and else starts again from the other one.
 * Strategies that need no object locks (plain: one thread; gil: the GIL is the lock) compile them to nothing.
 */
#ifndef OBJECTS_LOCK_H
#define OBJECTS_LOCK_H

#include "object.h"

#define LOCK_NONE (RC_NEEDS_GIL || RC_UNSAFE)

struct lock {
#if !LOCK_NONE
    _Atomic uint32_t word;
#endif
    uint32_t version; /* under the lock: changes whenever an item moves, goes or is replaced, but not when one is added at
                      * the end (list.c and table.h say why that is enough) */
};

SLOW void lock_acquire_slow(struct lock *l);
SLOW void lock_acquire_two_slow(struct lock *held, struct lock *wanted);
SLOW void lock_release_slow(struct lock *l);

INLINE void lock_init(struct lock *l)
{
#if !LOCK_NONE
    atomic_init(&l->word, 0);
#endif
    l->version = 0;
}

/* Takes the lock if it is free. Never waits, never detaches: the one way to take a second lock. */
INLINE bool lock_try(struct lock *l)
{
#if !LOCK_NONE
    uint32_t free = 0;
    /* (L1) acquire: sees what the last holder wrote before its release (L2); relaxed on failure: nothing is read */
    if (unlikely(!atomic_compare_exchange_strong_explicit(&l->word, &free, 1, memory_order_acquire, memory_order_relaxed)))
        return false;
    rc_stat(lock_acquired);
    os_interleave();
#else
    (void)l;
#endif
    return true;
}

/* Not recursive; the caller holds no other lock. The holder may touch counts (incref), never decref, call user code or
 * reach a safepoint. May detach (when contended): borrowed references of the caller end here. */
INLINE void lock_acquire(struct lock *l)
{
    if (unlikely(!lock_try(l)))
        lock_acquire_slow(l);
}

INLINE void lock_release(struct lock *l)
{
#if !LOCK_NONE
    /* (L2) release: hands everything written under the lock to the next acquire (L1) */
    if (unlikely(atomic_exchange_explicit(&l->word, 0, memory_order_release) == 2))
        lock_release_slow(l);
#else
    (void)l;
#endif
}

/* Both locks, the lower address first; the same one once (FIELD.md 3.5). Duties as for lock_acquire. */
INLINE void lock_acquire_two(struct lock *a, struct lock *b)
{
    struct lock *low = a <= b ? a : b, *high = a <= b ? b : a;
    lock_acquire(low);
    if (low != high && unlikely(!lock_try(high)))
        lock_acquire_two_slow(low, high);
}
INLINE void lock_release_two(struct lock *a, struct lock *b)
{
    lock_release(a);
    if (a != b)
        lock_release(b);
}

#endif
