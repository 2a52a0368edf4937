/*
 * lock.c -- the waiting side of the object lock. Protocol, states and the pair L1/L2 are in lock.h.
 *
 * Invariant: a thread that parks has seen its own exchange leave 2 in the word, so the holder's release finds the 2 and
 * wakes somebody; who wakes leaves a 2 again, since it cannot know whether others still wait.
 */
#include "section.h"

#ifndef LOCK_SPINS
#define LOCK_SPINS 40 /* about one short critical section; CPython's figure */
#endif

#if LOCK_NONE

API void lock_start(enum lock_policy policy) { lock_policy = policy; }
SLOW bool lock_init_mutex(struct lock *l) { return (void)l, true; }
SLOW void lock_drop_mutex(struct lock *l) { (void)l; }
SLOW void lock_acquire_slow(struct lock *l) { (void)l; }
SLOW void lock_release_slow(struct lock *l) { (void)l; }
static void lock_release_other(struct lock *l) { (void)l; }
SLOW void lock_acquire_two_slow(struct lock *low, struct lock *high, bool held) { (void)low, (void)high, (void)held; }

#else

API void lock_start(enum lock_policy policy)
{
    lock_policy = policy;
    lock_biasing = policy == LOCK_BY_BIAS && os_fence_others_start();
}

SLOW bool lock_init_mutex(struct lock *l)
{
    l->mutex = os_alloc(sizeof *l->mutex);
    if (l->mutex)
        os_mutex_init(l->mutex);
    return l->mutex != NULL;
}

SLOW void lock_drop_mutex(struct lock *l)
{
    if (l->mutex)
        os_mutex_drop(l->mutex);
    os_free(l->mutex);
}

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

/* The ways to wait, one a policy: each returns with the lock held, the caller attached. */

static void lock_wait_futex(struct lock *l)
{
    if (lock_revoke(l) || lock_spin(l))
        return;
    /* (L1) acquire: sees what the last holder wrote before its release (L2) */
    while (atomic_exchange_explicit(&l->word, LOCK_WAITED, memory_order_acquire) != LOCK_FREE) {
        thread_detach_inside();
        os_park(&l->word, LOCK_WAITED, -1);
        thread_attach(); /* may wait: therefore before the lock is taken, never while it is held */
    }
}

/* Watches, takes part in the word, sleeps; again from the beginning when woken, but for the watching. */
static void lock_wait_parking(struct lock *l)
{
    struct parking_waiter *w = &heap_self()->waiter;
    int64_t since = os_now();
    for (int spins = 0;;) {
        uint32_t word = atomic_load_explicit(&l->word, memory_order_relaxed); /* relaxed: only says what to try */
        if (!(word & PARKING_HELD)) {
            /* (L1) acquire: sees what the last holder wrote before its release (L2); relaxed on failure: nothing is read */
            if (atomic_compare_exchange_strong_explicit(&l->word, &word, word | PARKING_HELD, memory_order_acquire,
                                                        memory_order_relaxed))
                return;
        } else if (spins < LOCK_SPINS) {
            spins++;
            os_relax();
            /* relaxed: tells the holder to look into the bucket, whose lock orders the rest */
        } else if (word & PARKING_WAITERS ||
                   atomic_compare_exchange_strong_explicit(&l->word, &word, word | PARKING_WAITERS, memory_order_relaxed,
                                                           memory_order_relaxed)) {
            thread_detach_inside();
            w->since = since; /* now: a destructor in the detach may have waited for another lock */
            if (parking_sleep(&l->word, w)) {
                lock_stat(l, handed);
                if (thread_try_attach())
                    return;
                lock_release(l); /* attaching may wait, and be waited for by who wants this lock (FIELD.md 3.21) */
            }
            thread_attach();
        }
    }
}

static void lock_wait_mutex(struct lock *l)
{
    do {
        thread_detach_inside();
        os_lock(l->mutex);
        if (thread_try_attach())
            return;
        os_unlock(l->mutex); /* as in lock_wait_parking */
        thread_attach();
    } while (!os_trylock(l->mutex));
}

SLOW void lock_wait(struct lock *l)
{
    int64_t start = RC_STATISTICS ? os_now() : 0;
    lock_stat(l, contended);
    if (lock_policy == LOCK_BY_MUTEX)
        lock_wait_mutex(l);
    else if (lock_policy == LOCK_BY_PARKING)
        lock_wait_parking(l);
    else
        lock_wait_futex(l);
    lock_stat(l, acquired);
    lock_count_wait(l, start);
}

API bool lock_try_unbiased(struct lock *l)
{
    uint32_t biased = LOCK_BIASED;
    bool taken = false;
    if (lock_is_own(l)) {
        /* relaxed: the last holder was this thread, or somebody revokes; inside is 0 */
        taken = atomic_compare_exchange_strong_explicit(&l->word, &biased, LOCK_HELD, memory_order_relaxed, memory_order_relaxed);
        atomic_store_explicit(&l->owner, THREAD_ID_NONE, memory_order_relaxed); /* relaxed: for this thread's own next time */
    }
    /* Revoking waits for the owner, who is inside for a plain lock's short time and waits for nobody. */
    taken = taken || lock_try_shared(l) || (lock_policy == LOCK_BY_BIAS && lock_revoke(l));
    if (taken)
        lock_stat(l, acquired);
    os_interleave();
    return taken;
}

/* --- plain locks inside a critical section (section.h) --- */

/* The lock, held and not through a bias, is to be released the slow way: its release looks for sections to bring back. */
static void lock_release_slowly(struct lock *l)
{
    if (lock_policy == LOCK_BY_PARKING)
        atomic_fetch_or_explicit(&l->word, PARKING_WAITERS, memory_order_relaxed); /* relaxed: as who comes to wait */
    else if (lock_policy != LOCK_BY_MUTEX)
        atomic_store_explicit(&l->word, LOCK_WAITED, memory_order_relaxed); /* relaxed: as who comes to wait */
}

static void lock_keep_aside(struct section *aside, struct lock *a, struct lock *b)
{
    struct heap_thread *t = heap_self();
    t->aside = aside;
    t->aside_until[0] = a;
    t->aside_until[1] = b;
    lock_release_slowly(a);
    if (b)
        lock_release_slowly(b);
}

/* A lock is released that may have been what kept sections aside: the last one brings them back. */
static void lock_end_aside(struct lock *l)
{
    struct heap_thread *t = heap_self();
    struct section *aside = t->aside;
    for (int i = 0; i < 2; i++)
        if (t->aside_until[i] == l)
            t->aside_until[i] = NULL;
    if (t->aside_until[0] || t->aside_until[1])
        return;
    t->aside = NULL;
    section_bring_back(aside);
}

/* --- slow paths --- */

SLOW void lock_acquire_slow(struct lock *l)
{
    struct section *aside = section_set_aside();
    lock_wait(l);
    if (unlikely(aside != NULL))
        lock_keep_aside(aside, l, NULL);
}

/* The word is 0 already: another thread may hold the lock by now, or it may be gone, and only the address is used. */
SLOW void lock_release_slow(struct lock *l)
{
    os_unpark(&l->word, 1);
    if (unlikely(heap_self()->aside != NULL))
        lock_end_aside(l);
}

static void lock_release_other(struct lock *l)
{
    if (lock_policy == LOCK_BY_MUTEX)
        os_unlock(l->mutex); /* (L2): POSIX's */
    else
        parking_release(&l->word);
    if (unlikely(heap_self()->aside != NULL))
        lock_end_aside(l); /* by its address alone, as above */
}

/* Waits for one lock at a time, holding none, until the other one is free as well when it comes. */
SLOW void lock_acquire_two_slow(struct lock *low, struct lock *high, bool held)
{
    struct lock *wanted = held ? high : low, *other = held ? low : high;
    lock_stat(wanted, contended);
    if (held)
        lock_release(low);
    struct section *aside = section_set_aside();
    for (;;) {
        if (!(aside ? lock_try_unbiased(wanted) : lock_try(wanted)))
            lock_wait(wanted);
        if (aside ? lock_try_unbiased(other) : lock_try(other))
            break;
        lock_stat(other, contended);
        lock_release(wanted);
        struct lock *swap = wanted;
        wanted = other;
        other = swap;
    }
    if (unlikely(aside != NULL))
        lock_keep_aside(aside, wanted, other);
}

#endif
