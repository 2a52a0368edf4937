/*
 * gil.h -- the plain count under a global interpreter lock: the baseline that everybody knows (CPython, but for its free-threaded builds).
 *
 * An attached thread holds the GIL; attaching takes it, detaching gives it up. A thread that waits longer than the switch
 * interval sets the holder's breaker; the holder gives the GIL up at its next safepoint and waits until somebody else
 * has taken it (forced hand-over), else it would take it again at once, as the old GIL of CPython 2 did.
 *
 *     holder: running --(waiter's interval over: BREAK_GIL)--> safepoint --> free --> waits for `handed` --> queues again
 *
 * Invariant: gil.holder is the only attached thread; it is read and written under gil.lock.
 * Order: gil.lock carries everything from one holder to the next; the counts need no order of their own.
 * Source: CPython, Python/ceval_gil.c (Antoine Pitrou's "new GIL", 2009): protocol, not text.
 */
#ifndef RC_STRATEGY_GIL_H
#define RC_STRATEGY_GIL_H

#include "../thread.h"

#define RC_SUMMARY "plain count under one global interpreter lock"
#define RC_NEEDS_GIL 1
#define RC_KEEPS_BORROWED 1 /* others run at its safepoints alone */
#define RC_READS_REFUSED "who runs holds the GIL: its reads take no lock as it is"

#include "../plain_count.h"

static struct {
    struct os_mutex lock;
    struct os_cond freed;  /* the GIL became free */
    struct os_cond handed; /* somebody took it after a requested release */
    struct thread *holder; /* NULL: free */
    int waiting;
    uint64_t switches;     /* how often it was taken */
    int64_t interval_ns;   /* how long a waiter waits before it asks; set before threads start (-L switch-interval) */
} gil = {.lock = OS_MUTEX_INIT, .freed = OS_COND_INIT, .handed = OS_COND_INIT, .interval_ns = 5000000};

/* Under gil.lock. */
static void gil_take_locked(struct thread *t)
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

static void gil_free_locked(void)
{
    gil.holder = NULL;
    os_signal(&gil.freed);
}

INLINE void rc_attach(struct thread *t)
{
    os_lock(&gil.lock);
    gil_take_locked(t);
    os_unlock(&gil.lock);
}
#define rc_attach rc_attach

INLINE void rc_detach(struct thread *t)
{
    (void)t;
    os_lock(&gil.lock);
    gil_free_locked();
    os_unlock(&gil.lock);
}
#define rc_detach rc_detach

/* A waiter asked: hand the GIL over and queue for it again. */
INLINE void rc_safepoint(struct thread *t)
{
    os_lock(&gil.lock);
    if (gil.waiting > 0) {
        uint64_t mine = gil.switches;
        gil_free_locked();
        while (gil.switches == mine && gil.waiting > 0)
            os_wait(&gil.handed, &gil.lock, -1);
        gil_take_locked(t);
        rc_stat(gil_switches);
    }
    os_unlock(&gil.lock);
}
#define rc_safepoint rc_safepoint

#endif
