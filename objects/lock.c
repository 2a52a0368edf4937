/*
 * lock.c -- the waiting side of the object lock. Protocol, states and the pair L1/L2 are in lock.h.
 *
 * Invariant: a thread that parks has seen its own exchange leave 2 in the word, so the holder's release finds the 2 and
 * wakes somebody; who wakes leaves a 2 again, since it cannot know whether others still wait.
 */
#include "lock.h"

#ifndef LOCK_SPINS
#define LOCK_SPINS 40 /* about one short critical section; CPython's figure */
#endif

#if LOCK_NONE

API void lock_start(void) {}
SLOW void lock_acquire_slow(struct lock *l) { (void)l; }
SLOW void lock_release_slow(struct lock *l) { (void)l; }
SLOW void lock_acquire_two_slow(struct lock *held, struct lock *wanted) { (void)held, (void)wanted; }

#else

API void lock_start(void) { lock_biasing = os_fence_others_start(); }

/* The owner has lost a bet. It may have ended. */
static void lock_count_revoked(const struct lock *l, uint32_t owner)
{
    (void)l; /* without statistics */
    lock_stat(l, revoked);
    os_rcu_read_lock();
    struct heap_thread *t = (struct heap_thread *)thread_find(owner);
    if (t)
        atomic_fetch_add_explicit(&t->revoked, 1, memory_order_relaxed); /* relaxed: a count of bets */
    os_rcu_read_unlock();
}

/* Takes the bias away and with it the lock. False: somebody else did, or it was not biased. Waits for the owner to leave
 * its critical section, in which it can neither block nor run user code. */
SLOW bool lock_revoke(struct lock *l)
{
    uint32_t biased = LOCK_BIASED;
    uint32_t owner = atomic_load_explicit(&l->owner, memory_order_relaxed); /* relaxed: an id to count under */
    /* (L4) relaxed: os_fence_others orders it before the load of inside */
    if (!atomic_compare_exchange_strong_explicit(&l->word, &biased, LOCK_HELD, memory_order_relaxed, memory_order_relaxed))
        return false;
    os_fence_others();
    /* (L1, L4) acquire: sees what the owner wrote before it stored the 0 (L2) */
    while (atomic_load_explicit(&l->inside, memory_order_acquire) != 0)
        os_yield();
    lock_count_revoked(l, owner);
    return true;
}

/* Watches for the word to become free, reading it anew each time (FIELD.md 3.26); false: it did not in that time. */
static bool lock_spin(struct lock *l)
{
    for (int i = 0; i < LOCK_SPINS; i++) {
        uint32_t word = atomic_load_explicit(&l->word, memory_order_relaxed); /* relaxed: only says when to try */
        /* (L1) acquire: sees what the last holder wrote before its release (L2); relaxed on failure: nothing is read */
        if (word == LOCK_FREE && atomic_compare_exchange_strong_explicit(&l->word, &word, LOCK_HELD, memory_order_acquire,
                                                                 memory_order_relaxed))
            return true;
        os_relax();
    }
    return false;
}

/* `start`: when the thread came; it holds the lock now. */
static void lock_count_wait(const struct lock *l, int64_t start)
{
#if RC_STATISTICS
    int64_t ns = os_now() - start;
    struct lock_counts *line = lock_counts_of(heap_self()->locks, lock_type(l));
    lock_stat_add(l, wait_ns, ns);
    line->wait_longest_ns = ns > line->wait_longest_ns ? ns : line->wait_longest_ns;
    rc_stat_peak(lock_wait_longest_ns, ns);
#else
    (void)l, (void)start;
#endif
}

SLOW void lock_acquire_slow(struct lock *l)
{
    int64_t start = RC_STATISTICS ? os_now() : 0;
    lock_stat(l, contended);
    if (!lock_revoke(l) && !lock_spin(l)) {
        /* (L1) acquire: sees what the last holder wrote before its release (L2) */
        while (atomic_exchange_explicit(&l->word, LOCK_WAITED, memory_order_acquire) != LOCK_FREE) {
            thread_detach();
            os_park(&l->word, LOCK_WAITED, -1);
            thread_attach(); /* may wait: therefore before the lock is taken, never while it is held */
        }
    }
    lock_stat(l, acquired);
    lock_count_wait(l, start);
}

/* The word is 0 already: another thread may hold the lock by now, and only the address is used. */
SLOW void lock_release_slow(struct lock *l) { os_unpark(&l->word, 1); }

/* Waits for one lock at a time, holding none, until the other one is free as well when it comes. */
SLOW void lock_acquire_two_slow(struct lock *held, struct lock *wanted)
{
    do {
        lock_stat(wanted, contended);
        lock_release(held);
        lock_acquire(wanted);
        struct lock *swap = held;
        held = wanted;
        wanted = swap;
    } while (!lock_try(wanted));
}

#endif
