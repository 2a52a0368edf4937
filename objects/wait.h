/*
 * wait.h -- waiting, detached, until a condition holds or a deadline has passed. For objects that make callers wait: queues, gathering
 * iterators, locks that are objects. An event count (Vyukov; Drepper's futex condition): a word that changes with every notice.
 *
 *     waiter     waiting += 1, fence; word -> seen; the condition is looked at; false: lets go of the lock, detaches, parks while
 *                word == seen, attaches, takes the lock, and again from `seen`; true, or late: waiting -= 1
 *     notifier   changes what the condition is about; looks at waiting; not 0: word += 1, unpark
 *
 * The caller's part:
 *   - The condition is a function of the object's state. It is called under the object's lock (under gil and plain: under their single
 *     runner), any number of times, and may do what may be done under a lock. What cancels or shuts down is part of it.
 *   - The caller of wait_for keeps the object alive and holds its lock and no other; borrowed references end, critical sections
 *     are let go of meanwhile (a wait detaches).
 *   - Who makes a condition true calls wait_notify after that: better after the lock's release, since who is woken wants
 *     the lock. Either the change was made under the lock, or a seq_cst fence stands between the change and the call.
 *   - wait_one is enough where whoever is woken can use the change up, and does when it finds it. Then no wake is lost: a waiter
 *     looks at the condition after every wake, and before it looks at the clock. Conditions that differ from waiter to
 *     waiter, and those that stay true for all (a shutdown), need wait_all or a struct wait each.
 *
 * Why no notice is lost: a notifier that finds waiting == 0 comes before the waiter's announcement, so the waiter's look at the
 * condition sees the change (by the lock, or by the two fences, W1). If it finds waiting != 0 it changes the word: before
 * `seen` was read, and then the look that follows sees the change (W2); or after it, and then the waiter does not sleep, or is
 * woken, or another one is woken in its place, who takes the change: if an item were left and a waiter asleep, look at the last
 * waiter that found nothing. Every item left was put in after that; each of those puts woke one who found something, and took
 * it. Deadlines are absolute (CLOCK_MONOTONIC): a wake that brings nothing does not begin the wait anew. Sleepers are woken in
 * the order in which they came (futex(2)), but others may come first to what they were woken for: they are not overtaken for
 * ever only if the object reserves it for them. The word wraps: a waiter that is stopped between two steps for 2^32 notices may
 * miss one.
 */
#ifndef OBJECTS_WAIT_H
#define OBJECTS_WAIT_H

#include "lock.h"

struct wait {
    _Atomic uint32_t word;    /* changes with every notice that has anybody to reach */
    _Atomic uint32_t waiting; /* threads that look, sleep, or come back */
};

/* Deadlines: a moment of os_now(), or one of these. */
#define WAIT_FOREVER OS_FOREVER
#define WAIT_NOT INT64_C(0)

/* From now; < 0: forever. */
INLINE int64_t wait_deadline(int64_t timeout_ns)
{
    if (timeout_ns <= 0)
        return timeout_ns < 0 ? WAIT_FOREVER : WAIT_NOT;
    int64_t now = os_now();
    return timeout_ns < WAIT_FOREVER - now ? now + timeout_ns : WAIT_FOREVER;
}

INLINE void wait_init(struct wait *w)
{
    atomic_init(&w->word, 0);
    atomic_init(&w->waiting, 0);
}

/* What ready(arg) said last: false only when the deadline has passed. Returns with the lock held, whatever it says. Duties: above. */
API bool wait_for(struct wait *w, struct lock *l, bool (*ready)(void *), void *arg, int64_t deadline);

SLOW void wait_notify_slow(struct wait *w, int threads);
INLINE void wait_notify(struct wait *w, int threads)
{
    /* (W1) relaxed: ordered after the caller's change by the lock or by its fence */
    if (unlikely(atomic_load_explicit(&w->waiting, memory_order_relaxed) != 0))
        wait_notify_slow(w, threads);
}
INLINE void wait_one(struct wait *w) { wait_notify(w, 1); }
INLINE void wait_all(struct wait *w) { wait_notify(w, INT_MAX); }

#endif
