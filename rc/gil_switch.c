/*
 * gil_switch.c -- the GIL of a strategy that does without one, switched on while the program runs (-L modules=gil: an extension that
 * does not say that it is safe; PEP 703 has CPython do so at its import). Included by thread.c.
 *
 * From the switch on an attached thread holds the GIL (gil_lock.h), but for those that run beside it (rc_beside_gil: a commit thread).
 *
 *     detached --takes the GIL--> detached, holds it --attaches--> attached, holds it
 *     attached --detaches--> detached, holds it --gives it up--> detached
 *
 * A thread waits for it detached, unlike those of strategy gil: it holds up no epoch and no stop, and others may act in its place. Having
 * it, it may have to wait for a stop's end: the holder has it then, or runs beside, and the requester does not want it.
 * It is switched with the world stopped. So `on` stays as it is while a thread is attached, which alone may look at it: a thread that
 * attaches looks once it is attached and nobody wants it to stand still, and steps back for the GIL if it is on.
 *
 * Invariant: on, and a thread attached that no stop concerns: it holds the GIL or is beside it. The requester of a stop keeps the GIL
 * until it has started the world, even if it detaches.
 * Order: the GIL's (gil_lock.h); `on` by the states of threads (T1, T2) and by stop.wanted (S1).
 */
#include "gil_lock.h"

#if RC_NEEDS_GIL

INLINE bool gil_is_missing(const struct thread *t) { (void)t; return false; }
INLINE bool gil_try(struct thread *t) { (void)t; return true; }
INLINE void gil_wait_and_take(struct thread *t) { (void)t; }
INLINE void gil_give_back(struct thread *t) { (void)t; }
INLINE void gil_yield(struct thread *t) { (void)t; }
API void thread_gil_on(void) {}
API void thread_gil_off(void) {}

#else

static bool gil_on;

/* By an attached thread that nobody wants to stand still. */
INLINE bool gil_is_missing(const struct thread *t)
{
    return unlikely(!t->beside_gil && gil_on) && !t->holds_gil;
}

/* Detached. */
static void gil_wait_and_take(struct thread *t)
{
    gil_take(t);
    t->holds_gil = true;
}

/* Without waiting: it is free, and the thread's now. */
static bool gil_try(struct thread *t)
{
    os_lock(&gil.lock);
    if (!gil.holder) {
        gil_take_locked(t);
        t->holds_gil = true;
    }
    os_unlock(&gil.lock);
    return t->holds_gil;
}

/* Detached, or about to end. */
static void gil_give_back(struct thread *t)
{
    if (likely(!t->holds_gil) || stop_is_mine())
        return;
    t->holds_gil = false;
    gil_give();
}

/* At a safepoint: somebody has asked for it. */
static void gil_yield(struct thread *t)
{
    if (!t->holds_gil || stop_is_mine())
        return; /* given up since; or kept, see above */
    os_lock(&gil.lock);
    uint64_t mine = gil.switches;
    os_unlock(&gil.lock);
    thread_detach();
    os_lock(&gil.lock);
    gil_hand_over_locked(mine);
    os_unlock(&gil.lock);
    thread_attach();
    rc_stat(gil_switches);
}

API void thread_gil_on(void)
{
    if (gil_on)
        return;
    thread_stop_world();
    gil_on = true;
    if (gil_is_missing(rt_self)) /* somebody else may have been quicker */
        gil_wait_and_take(rt_self);
    thread_start_world();
}

API void thread_gil_off(void) { gil_on = false; }

#endif
