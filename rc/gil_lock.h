/*
 * gil_lock.h -- the global interpreter lock itself: who has it, who waits, how it changes hands. Strategy gil has it from the start,
 * the others when it is switched on (gil_switch.c).
 *
 * A thread that waits for longer than the switch interval sets the holder's breaker; the holder gives the GIL up at its next safepoint
 * and waits until somebody else has taken it (forced hand-over), else it would take it again at once, as the old GIL of CPython 2 did.
 *
 *     holder: running --(waiter's interval over: BREAK_GIL)--> safepoint --> free --> waits for `handed` --> queues again
 *
 * Invariant: gil.holder is read and written under gil.lock, which is a leaf.
 * Order: gil.lock carries everything from one holder to the next.
 * Source: CPython, Python/ceval_gil.c (Antoine Pitrou's "new GIL", 2009): protocol, not text.
 */
#ifndef RC_GIL_LOCK_H
#define RC_GIL_LOCK_H

#include "thread.h"

static struct {
    struct os_mutex lock;
    struct os_cond freed;  /* the GIL became free */
    struct os_cond handed; /* somebody took it after a requested release */
    struct thread *holder; /* NULL: free */
    int waiting;
    uint64_t switches;     /* how often it was taken */
    int64_t interval_ns;   /* how long a waiter waits before it asks; set before threads start (-L switch-interval) */
} gil __attribute__((unused)) = {.lock = OS_MUTEX_INIT, .freed = OS_COND_INIT, .handed = OS_COND_INIT, .interval_ns = 5000000};

/* Under gil.lock. */
INLINE void gil_take_locked(struct thread *t)
{
    gil.waiting++;
    while (gil.holder) {
        uint64_t seen = gil.switches;
        bool woken = os_wait(&gil.freed, &gil.lock, gil.interval_ns);
        if (!woken && gil.holder && gil.switches == seen)
            thread_break(gil.holder, BREAK_GIL);
    }
    gil.waiting--;
    gil.holder = t;
    gil.switches++;
    os_signal(&gil.handed);
}

INLINE void gil_free_locked(void)
{
    gil.holder = NULL;
    os_signal(&gil.freed);
}

/* The GIL, which was last taken as number `mine`, is free: until somebody has taken it, if anybody wants to. */
INLINE void gil_hand_over_locked(uint64_t mine)
{
    while (gil.switches == mine && gil.waiting > 0)
        os_wait(&gil.handed, &gil.lock, -1);
}

INLINE void gil_take(struct thread *t)
{
    os_lock(&gil.lock);
    gil_take_locked(t);
    os_unlock(&gil.lock);
}

INLINE void gil_give(void)
{
    os_lock(&gil.lock);
    gil_free_locked();
    os_unlock(&gil.lock);
}

#endif
