/*
 * gil.h -- the plain count under a global interpreter lock: the baseline that everybody knows (CPython, but for its free-threaded builds).
 *
 * An attached thread holds the GIL (gil_lock.h has its protocol); attaching takes it, detaching gives it up.
 *
 * Invariant: gil.holder is the only attached thread but for those that wait for it in their attach.
 * Order: the GIL carries everything from one holder to the next; the counts need no order of their own.
 * Source: CPython before its free-threaded builds.
 */
#ifndef RC_STRATEGY_GIL_H
#define RC_STRATEGY_GIL_H

#include "../gil_lock.h"

#define RC_SUMMARY "plain count under one global interpreter lock"
#define RC_NEEDS_GIL 1
#define RC_KEEPS_BORROWED 1 /* others run at its safepoints alone */
#define RC_READS_REFUSED "who runs holds the GIL: its reads take no lock as it is"

#include "../plain_count.h"

INLINE void rc_attach(struct thread *t) { gil_take(t); }
#define rc_attach rc_attach

INLINE void rc_detach(struct thread *t)
{
    (void)t;
    gil_give();
}
#define rc_detach rc_detach

/* A waiter asked: hand the GIL over and queue for it again. */
INLINE void rc_safepoint(struct thread *t)
{
    os_lock(&gil.lock);
    if (gil.waiting > 0) {
        uint64_t mine = gil.switches;
        gil_free_locked();
        gil_hand_over_locked(mine);
        gil_take_locked(t);
        rc_stat(gil_switches);
    }
    os_unlock(&gil.lock);
}
#define rc_safepoint rc_safepoint

#endif
