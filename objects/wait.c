/*
 * wait.c -- the event count. Protocol, duties and the pairs W1, W2 are in wait.h.
 */
#include "wait.h"

/* The lock is let go of meanwhile. False: the deadline has passed. */
static bool wait_sleep(struct wait *w, struct lock *l, uint32_t seen, int64_t deadline)
{
    lock_release(l);
    thread_detach(); /* here: may run destructors, and they may wait for something themselves */
    bool in_time = os_park_until(&w->word, seen, deadline);
    thread_attach(); /* may wait: therefore before the lock is taken */
    lock_acquire(l);
    return in_time;
}

API bool wait_for(struct wait *w, struct lock *l, bool (*ready)(void *), void *arg, int64_t deadline)
{
    bool is = ready(arg), late = deadline == WAIT_NOT;
    if (is || late)
        return is;
    atomic_fetch_add_explicit(&w->waiting, 1, memory_order_relaxed); /* (W1) relaxed: ordered by the fence */
    /* (W1) seq_cst fence: the announcement comes before the look. A notifier that does not hold the lock has its own between its
     * change and its look at `waiting`: one of the two sees the other */
    atomic_thread_fence(memory_order_seq_cst);
    for (;;) {
        /* (W2) acquire: whose notice is in the word, its change is seen by the look that follows */
        uint32_t seen = atomic_load_explicit(&w->word, memory_order_acquire);
        is = ready(arg); /* first, also when it is late: a wake may have come with it */
        if (is || late)
            break;
        late = !wait_sleep(w, l, seen, deadline);
    }
    atomic_fetch_sub_explicit(&w->waiting, 1, memory_order_relaxed); /* relaxed: a notice too many does no harm */
    return is;
}

SLOW void wait_notify_slow(struct wait *w, int threads)
{
    atomic_fetch_add_explicit(&w->word, 1, memory_order_release); /* (W2) release: with the change that it tells of */
    os_unpark(&w->word, threads);
}
