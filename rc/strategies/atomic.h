/*
 * atomic.h -- every count is an atomic read-modify-write (the Gilectomy of 2016; std::shared_ptr, Rust's Arc).
 *
 *     | sign: immortal | 63 bits: number of references |
 *
 * Invariant: count == references, or count < 0: immortal. Immortality is a range, and the stored value lies in its
 * middle, because an incref or decref that had read the count just before may still move it by one.
 * Order: incref relaxed (the caller already holds a reference). Every decref releases (R2); the one that reaches zero
 *        acquires (R1) before the object is deallocated, so all accesses to it happen before its end. The count begins with a
 *        release (R3), which the later increfs and decrefs carry on as its release sequence.
 */
#ifndef RC_STRATEGY_ATOMIC_H
#define RC_STRATEGY_ATOMIC_H

#include "../thread.h"

/* A slot's object that has died has the count 0, which no try changes. */
#define RC_READS RC_READS_TRY
#define RC_SUMMARY "atomic read-modify-write for every incref and decref"

struct rc_head {
    _Atomic int64_t count;
};
#define RC_HEAD_FIELDS(X) X(count)
#define RC_HEAD_WORDS(F) F(count, words_count)

#define RC_IMMORTAL (INT64_MIN / 2)

/* (R3) release: a late rc_try_incref on the block's last object (FIELD.md 3.19) may take this one for it; its acquire must then
 * see that the object has left its place, so that the caller's re-check fails. Published by whatever publishes the object */
HOT void rc_init(struct rc_head *h) { atomic_store_explicit(&h->count, 1, memory_order_release); }

HOT bool rc_is_immortal(const struct rc_head *h)
{
    /* relaxed: made immortal before publication, or with the world stopped */
    return atomic_load_explicit(&h->count, memory_order_relaxed) < 0;
}

/* (R3) release: as rc_init */
INLINE void rc_immortalize(struct rc_head *h) { atomic_store_explicit(&h->count, RC_IMMORTAL, memory_order_release); }

HOT void rc_incref(struct rc_head *h)
{
    if (unlikely(rc_is_immortal(h))) {
        rc_stat(incref_immortal);
        return;
    }
    /* relaxed: the caller holds a reference, so the count cannot reach zero meanwhile */
    atomic_fetch_add_explicit(&h->count, 1, memory_order_relaxed);
    rc_stat(incref_shared);
}

HOT bool rc_decref(struct rc_head *h)
{
    if (unlikely(rc_is_immortal(h))) {
        rc_stat(decref_immortal);
        return false;
    }
    rc_stat(decref_shared);
    /* (R2) release: what this thread did with the object happens before its deallocation by whoever acquires (R1) */
    if (likely(atomic_fetch_sub_explicit(&h->count, 1, memory_order_release) != 1))
        return false;
    /* (R1) acquire: sees everything released by the other decrefs (R2), which form one release sequence */
    return atomic_load_explicit(&h->count, memory_order_acquire) == 0;
}

INLINE bool rc_try_incref(struct rc_head *h)
{
    int64_t count = atomic_load_explicit(&h->count, memory_order_acquire); /* (R3) acquire: as the CAS, for an immortal one */
    do {
        if (count < 0)
            return true;
        if (count == 0)
            return false;
        /* (R3) acquire: the caller's re-check of where it found the object must not move before this, and if the block holds another
         * object by now the re-check sees that */
    } while (!atomic_compare_exchange_weak_explicit(&h->count, &count, count + 1, memory_order_acquire,
                                                    memory_order_acquire));
    rc_stat(incref_shared);
    return true;
}

INLINE bool rc_is_unique(const struct rc_head *h)
{
    /* acquire: the caller may write to the object in place; the others' last accesses (R2) happen before */
    return atomic_load_explicit(&h->count, memory_order_acquire) == 1;
}

INLINE int64_t rc_count_stw(const struct rc_head *h)
{
    return atomic_load_explicit(&h->count, memory_order_relaxed); /* relaxed: no other thread runs */
}

/* relaxed: the world is stopped. A read-modify-write, which carries on the release sequence (R3) */
INLINE void rc_adjust_stw(struct rc_head *h, int64_t n) { atomic_fetch_add_explicit(&h->count, n, memory_order_relaxed); }
#define rc_adjust_stw rc_adjust_stw

#endif
