/*
 * interval_lock.h -- a lock that its holder keeps for an interval and then lends: what a GIL does for all threads, for those that
 * ask for it (ft_utils' IntervalLock; CPython's switch interval).
 *
 *     free --lock--> A's --unlock, nobody waits--> free
 *                    A's --unlock, B waits--> B's                       B had no chance to miss it, nobody else one to take it
 *                    A's --poll, B waits and the interval is over--> B's, and A waits behind all others until it has it back
 *
 * Handing over is direct and in the order of coming (turn.h): who unlocks, or lends, and wants the lock again queues.
 * Invariant, under the guard: owner == 0 means that nobody waits.
 * The holder may do anything while it holds it: it is no object lock. Waiters are detached.
 * A thread that ends while it holds the lock leaves it locked for good: keys of threads are never reused.
 * Errors of all: ERR_TYPE (not an interval lock), and those named at the function. An error changes nothing.
 */
#ifndef OBJECTS_INTERVAL_LOCK_H
#define OBJECTS_INTERVAL_LOCK_H

#include "turn.h"

#define INTERVAL_LOCK_NS INT64_C(5000000) /* CPython's switch interval */

struct interval_lock {
    struct obj base;
    struct os_mutex guard;     /* a leaf: of `waiters`, and of writing the two words */
    _Atomic uint32_t owner;    /* thread.key of the holder; 0: free */
    _Atomic uint32_t waiting;  /* waiters.length, for a look without the guard */
    struct turn_queue waiters;
    int64_t since;             /* when the holder got it; the holder's */
    int64_t interval_ns;
};

static const struct type interval_lock_type;

/* New. NULL: ERR_VALUE (a negative interval), ERR_MEMORY. */
API struct obj *interval_lock_new(int64_t interval_ns);
/* 0, or -1: ERR_OWNER, the caller holds it already. May wait, detached: a safepoint. */
API int interval_lock_lock(struct obj *lock);
/* 0, or -1: ERR_OWNER, the caller does not hold it. */
API int interval_lock_unlock(struct obj *lock);
/* In the holder's loop. 1: it was lent and is the caller's again (a safepoint); 0: nobody waits, or the interval is not over; -1:
 * ERR_OWNER, the caller does not hold it. */
API int interval_lock_poll(struct obj *lock);
/* The same, but for the interval: lends it to whoever waits. */
API int interval_lock_cede(struct obj *lock);
/* 1: somebody holds it; 0; -1. Out of date at once, unless the holder asks. */
API int interval_lock_locked(struct obj *lock);

#endif
