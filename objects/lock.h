/*
 * lock.h -- one lock per list, dict or set. How it waits is a policy of the run (objects_config.lock):
 *
 *   biased (default): the futex below, biased towards the thread that made the container until another one comes (biased
 *       locking: Kawachiya, Koseki, Onodera, OOPSLA 2002; here the revoker pays with membarrier(2), so that the owner needs
 *       no atomic read-modify-write and no fence).
 *   futex: three states (Drepper, "Futexes are tricky"; the Gilectomy's choice).
 *   parking: two bits of one byte; waiters sleep in a table, and one that has waited 1 ms is handed the lock (parking.h). The
 *       byte stands in the word that the other policies need, so that a container is as large under every policy.
 *   mutex: a pthread mutex, allocated for each lock.
 *
 *     word  3 biased: held by the owner while inside == 1, else free
 *           --another thread--> 1, and that thread waits until inside == 0: it has the lock; never 3 again
 *           0 free --acquire--> 1 held --acquire by another--> 2 held, maybe waiters --release--> 0, one waiter woken
 *           (parking: 1 held, 2 waiters, as bits; only there a free lock may have waiters)
 *
 * So biased, futex and parking are acquired by the same fast path; what differs comes after its compare-and-swap has failed.
 * Invariant: while a thread is parked on the word, the word is 2 or the thread's wake is under way. inside is written by the
 * owner alone, and is 1 only while the owner holds the lock through its bias.
 * Memory ordering: an acquire (L1) sees everything written before the release (L2). The owner stores inside, then loads the
 * word (L3); the revoker changes the word, then fences all threads, then loads inside (L4): one of them sees the other.
 * Making a lock biased is a bet: a revocation costs a system call (0.4 to 9 microseconds here). A thread that has lost
 * LOCK_BETS of them makes no more biased locks.
 *
 * A waiter re-reads the word while it spins, then detaches before it parks (a parked thread must not hold up an epoch or
 * its merge queue) and takes the lock only when attached again. Nobody waits for a lock while holding another: a thread
 * that is detached or attaching may have its merge queue drained, destructors included, and one of them may want the lock
 * that is held. Who needs two locks takes the second only if it is free and else starts again from the other one; two that
 * do so may give way to each other for ever if they keep step (as with C++'s std::lock; scenario lock-two-held). Who is
 * given a lock while detached (parking's hand-over, a mutex) attaches only if that needs no waiting, and else releases it first
 * (FIELD.md 3.21). Critical sections (section.h) are what may be held across anything: they are let go of before a wait.
 * Strategies that need no object locks (plain: one thread; gil: the GIL is the lock) compile them to nothing.
 */
#ifndef OBJECTS_LOCK_H
#define OBJECTS_LOCK_H

#include "object.h"

#define LOCK_NONE (RC_NEEDS_GIL || RC_UNSAFE)

enum { LOCK_FREE = 0, LOCK_HELD = 1, LOCK_WAITED = 2, LOCK_BIASED = 3 };
enum { LOCK_BETS = 64 };

struct lock {
#if !LOCK_NONE
    union {
        struct {
            _Atomic uint32_t word;
            _Atomic uint32_t inside; /* the owner's */
        };
        struct os_mutex *mutex; /* under LOCK_BY_MUTEX; owned; NULL: there was no memory for it */
    };
    _Atomic uint32_t owner;  /* the thread that it is biased to; THREAD_ID_NONE: none, or it has noticed that it lost it */
#endif
    _Atomic uint32_t version; /* written under the lock: changes whenever an item moves, goes or is replaced, but not when one is added at
                      * the end (list.c and table.h say why that is enough) */
};

#if RC_STATISTICS
/* lock_init saw to it that the object's struct container ends where its lock begins. */
INLINE const struct type *lock_type(const struct lock *l) { return ((const struct container *)l)[-1].base.type; }
#define lock_stat_add(l, name, n)                                                                                       \
    ((void)(rc_stat_add(lock_##name, n),                                                                                \
            lock_counts_of(heap_self()->locks, lock_type(l))->value[LOCK_STAT_##name] += (uint64_t)(n)))
#else
#define lock_stat_add(l, name, n) ((void)0)
#endif
#define lock_stat(l, name) lock_stat_add(l, name, 1)

/* For the explorer: the members, their values in words (rc.h). */
#if LOCK_NONE
#define LOCK_FIELDS(F) F(version, NULL)
#else
#define LOCK_FIELDS(F) F(word, lock_words_word) F(inside, NULL) F(owner, words_thread) F(version, NULL)
#endif
SLOW void lock_acquire_slow(struct lock *l);
/* held: low is. */
SLOW void lock_acquire_two_slow(struct lock *low, struct lock *high, bool held);
SLOW void lock_release_slow(struct lock *l);
/* A mutex, or a parking lock that somebody waits for. Not cold: a mutex has no other way. */
static __attribute__((unused, noinline)) void lock_release_other(struct lock *l);
SLOW bool lock_init_mutex(struct lock *l);
SLOW void lock_drop_mutex(struct lock *l);
/* Before the first lock_init: the policy, and whether this machine can bias locks. */
API void lock_start(enum lock_policy policy);
static enum lock_policy lock_policy __attribute__((unused));
/* 1: locks may be biased. */
static bool lock_biasing __attribute__((unused));

INLINE void lock_words_word(uint64_t value, char *buf, size_t size)
{
    static const char *const words[2][4] = {{"free", "held", "waited for", "the owner's"}, {"free", "held", "free, waiters", "held, waiters"}};
    const char *const *word = words[lock_policy == LOCK_BY_PARKING];
    snprintf(buf, size, "%s", word[value & 3]);
}

/* The lock follows the container that it belongs to: that is how statistics know the type. False: no memory; lock_drop is allowed. */
__attribute__((warn_unused_result)) INLINE bool lock_init(struct lock *l, struct container *of)
{
    assert((void *)l == (void *)(of + 1));
    (void)of;
    atomic_init(&l->version, 0);
#if !LOCK_NONE
    /* relaxed: a bet; an ending thread's id is not its own */
    bool biased = lock_biasing && rt_self->id != THREAD_ID_ENDING &&
                  atomic_load_explicit(&heap_self()->revoked, memory_order_relaxed) < LOCK_BETS;
    atomic_init(&l->owner, biased ? rt_self->id : THREAD_ID_NONE);
    if (unlikely(lock_policy == LOCK_BY_MUTEX))
        return lock_init_mutex(l);
    atomic_init(&l->word, biased ? LOCK_BIASED : LOCK_FREE);
    atomic_init(&l->inside, 0);
#endif
    return true;
}

/* The same for what threads will share from the beginning: no bias, which would be a lost bet. */
__attribute__((warn_unused_result)) INLINE bool lock_init_shared(struct lock *l, struct container *of)
{
    bool made = lock_init(l, of);
#if !LOCK_NONE
    if (lock_policy == LOCK_BY_BIAS) {
        atomic_init(&l->owner, THREAD_ID_NONE);
        atomic_init(&l->word, LOCK_FREE);
    }
#endif
    return made;
}

/* With the container's last reference gone. */
HOT void lock_drop(struct lock *l)
{
    if (!LOCK_NONE && unlikely(lock_policy == LOCK_BY_MUTEX))
        lock_drop_mutex(l);
}

#if LOCK_NONE
HOT bool lock_is_own(const struct lock *l) { (void)l; return true; }
HOT bool lock_try_own(struct lock *l) { (void)l; return true; }
HOT bool lock_try_other(struct lock *l) { (void)l; return true; }
#else
/* relaxed: a thread finds its own id here only if it stored it, and only it takes it away */
HOT bool lock_is_own(const struct lock *l) { return atomic_load_explicit(&l->owner, memory_order_relaxed) == rt_self->id; }

/* The owner's way in: a store and a load. False: the lock is no longer biased. */
HOT bool lock_enter_biased(struct lock *l)
{
    /* (L3) relaxed: ordered before the load by the revoker's fence (L4) */
    atomic_store_explicit(&l->inside, 1, memory_order_relaxed);
    os_fence_light();
    /* (L3) relaxed: the last to hold it was this thread */
    if (likely(atomic_load_explicit(&l->word, memory_order_relaxed) == LOCK_BIASED)) {
        lock_stat(l, biased);
        return true;
    }
    /* release: nothing was done under it, but the revoker that waits for the 0 acquires */
    atomic_store_explicit(&l->inside, 0, memory_order_release);
    atomic_store_explicit(&l->owner, THREAD_ID_NONE, memory_order_relaxed); /* relaxed: for this thread's own next time */
    return false;
}

/* Anybody's way in, where there is no bias. */
HOT bool lock_try_shared(struct lock *l)
{
    uint32_t word = LOCK_FREE;
    if (unlikely(lock_policy == LOCK_BY_MUTEX))
        return os_trylock(l->mutex); /* (L1): POSIX's */
    /* (L1) acquire: sees what the last holder wrote before its release (L2); relaxed on failure: nothing is read */
    return atomic_compare_exchange_strong_explicit(&l->word, &word, LOCK_HELD, memory_order_acquire, memory_order_relaxed);
}

/* The end of a try that has the lock: true. */
HOT bool lock_taken(const struct lock *l)
{
    (void)l; /* without statistics */
    lock_stat(l, acquired);
    os_interleave();
    return true;
}

/* For the owner alone, through its bias; false: there is none. Never waits. */
HOT bool lock_try_own(struct lock *l) { return likely(lock_is_own(l)) && lock_enter_biased(l) && lock_taken(l); }

/* lock_try where lock_try_own has said no. */
HOT bool lock_try_other(struct lock *l)
{
    if (unlikely(!lock_try_shared(l)))
        return false;
    return lock_taken(l);
}
#endif

/* lock_acquire where lock_try_own has said no. */
HOT void lock_acquire_other(struct lock *l)
{
    if (unlikely(!lock_try_other(l)))
        lock_acquire_slow(l);
}

/* Takes the lock if it is free (parking: and nobody waits for it). Never waits, never detaches: the one way to take a second lock. */
HOT bool lock_try(struct lock *l) { return lock_try_own(l) || lock_try_other(l); }

/* Not recursive; the caller holds no other lock. The holder may touch counts (incref), never decref, call user code or
 * reach a safepoint. May detach (when contended): raw borrowed references of the caller end here (borrowed.h). */
HOT void lock_acquire(struct lock *l)
{
    if (unlikely(!lock_try(l)))
        lock_acquire_slow(l);
}

HOT void lock_release(struct lock *l)
{
#if !LOCK_NONE
    /* relaxed: this thread's own store, if it is the owner */
    if (likely(lock_is_own(l)) && likely(atomic_load_explicit(&l->inside, memory_order_relaxed) != 0)) {
        /* (L2) release: hands everything written under the lock to a revoker (L1, L4) */
        atomic_store_explicit(&l->inside, 0, memory_order_release);
        return;
    }
    uint32_t held = LOCK_HELD;
    if (likely(lock_policy <= LOCK_BY_FUTEX)) {
        /* (L2) release: hands everything written under the lock to the next acquire (L1) */
        if (unlikely(atomic_exchange_explicit(&l->word, LOCK_FREE, memory_order_release) == LOCK_WAITED))
            lock_release_slow(l);
    } else if (lock_policy != LOCK_BY_PARKING ||
               /* (L2) release: as above, unless somebody waits; relaxed on failure: still held */
               unlikely(!atomic_compare_exchange_strong_explicit(&l->word, &held, LOCK_FREE, memory_order_release,
                                                                 memory_order_relaxed))) {
        lock_release_other(l);
    }
#else
    (void)l;
#endif
}

/* Both locks, the lower address first; the same one once (FIELD.md 3.5). Duties as for lock_acquire. */
INLINE void lock_acquire_two(struct lock *a, struct lock *b)
{
    struct lock *low = a <= b ? a : b, *high = a <= b ? b : a;
    if (low == high)
        lock_acquire(low);
    else if (unlikely(!lock_try(low)))
        lock_acquire_two_slow(low, high, false);
    else if (unlikely(!lock_try(high)))
        lock_acquire_two_slow(low, high, true);
}
/* --- the version: under the lock, and looked at by readers without it (reads.h) --- */

/* relaxed: under the lock; a reader without it says itself what orders its look */
INLINE uint32_t lock_version(const struct lock *l) { return atomic_load_explicit(&l->version, memory_order_relaxed); }
/* Before what it tells of is stored: by release, so that who sees that sees the new version as well (V1). */
HOT void lock_changes(struct lock *l)
{
    /* (V1) release: an optimistic reader whose first look (V2) finds this version finds what was done before */
    atomic_store_explicit(&l->version, lock_version(l) + 1, memory_order_release);
}

INLINE void lock_release_two(struct lock *a, struct lock *b)
{
    lock_release(a);
    if (a != b)
        lock_release(b);
}

#endif
