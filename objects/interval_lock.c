/*
 * interval_lock.c -- the interval lock. Protocol and invariant are in interval_lock.h.
 *
 * The two words are written under the guard and read without it: `owner` by a thread that compares it with its own key, which only
 * it puts there and takes away; `waiting` by the holder, who asks again under the guard.
 */
#include "interval_lock.h"
#include <inttypes.h>

API struct obj *interval_lock_new(int64_t interval_ns)
{
    if (interval_ns < 0) {
        err_set(ERR_VALUE, "an interval of %" PRId64 " ns: allowed is 0 or more", interval_ns, 0);
        return NULL;
    }
    struct interval_lock *l = obj_alloc(&interval_lock_type, sizeof *l);
    if (unlikely(!l))
        return NULL;
    os_mutex_init(&l->guard);
    atomic_init(&l->owner, 0);
    atomic_init(&l->waiting, 0);
    l->waiters = (struct turn_queue){0};
    l->since = 0;
    l->interval_ns = interval_ns;
    return &l->base;
}

/* relaxed: see above */
static bool interval_lock_is_mine(const struct interval_lock *l)
{
    return atomic_load_explicit(&l->owner, memory_order_relaxed) == rt_self->key;
}

SLOW int interval_lock_refuse(const char *text)
{
    err_set(ERR_OWNER, text, 0, 0);
    return -1;
}

/* Under the guard. 0: nobody. relaxed, all: the guard orders them; hints without it */
static void interval_lock_set_owner(struct interval_lock *l, uint32_t key)
{
    atomic_store_explicit(&l->owner, key, memory_order_relaxed);                     /* relaxed: as above */
    atomic_store_explicit(&l->waiting, l->waiters.length, memory_order_relaxed);     /* relaxed: as above */
}

/* Whose it was; 0: it is the caller's now. Somebody else's: the caller waits for it from now on, if it `joins`. */
static uint32_t interval_lock_take(struct interval_lock *l, bool joins)
{
    os_lock(&l->guard);
    uint32_t owner = atomic_load_explicit(&l->owner, memory_order_relaxed); /* relaxed: under the guard */
    if (joins && owner != 0 && owner != rt_self->key)
        turn_join(&l->waiters);
    interval_lock_set_owner(l, owner != 0 ? owner : rt_self->key);
    os_unlock(&l->guard);
    return owner;
}

/* Whose it was when the caller came for it the second time: its own if a destructor has taken it and kept it. */
SLOW uint32_t interval_lock_wait(struct interval_lock *l)
{
    thread_detach(); /* before it joins: turn.h */
    uint32_t owner = interval_lock_take(l, true);
    if (owner != 0 && owner != rt_self->key)
        turn_wait();
    thread_attach();
    return owner;
}

API int interval_lock_lock(struct obj *o)
{
    struct interval_lock *l = obj_as(o, &interval_lock_type);
    if (!l)
        return -1;
    if (interval_lock_is_mine(l) || (interval_lock_take(l, false) != 0 && interval_lock_wait(l) == rt_self->key))
        return interval_lock_refuse("the interval lock is held by its caller already");
    l->since = os_now();
    return 0;
}

/* By the holder: to the oldest waiter; `back`: the caller, detached, joins behind all others, to have it back. False: nobody waits,
 * and it stays the caller's who wants it back. */
static bool interval_lock_pass(struct interval_lock *l, bool back)
{
    os_lock(&l->guard);
    struct turn *next = turn_take(&l->waiters);
    if (next && back)
        turn_join(&l->waiters);
    if (next || !back)
        interval_lock_set_owner(l, next ? next->key : 0);
    os_unlock(&l->guard);
    if (next)
        turn_tell(next);
    return next != NULL;
}

API int interval_lock_unlock(struct obj *o)
{
    struct interval_lock *l = obj_as(o, &interval_lock_type);
    if (!l)
        return -1;
    if (!interval_lock_is_mine(l))
        return interval_lock_refuse("the interval lock is not its caller's: unlock");
    interval_lock_pass(l, false);
    return 0;
}

/* False: nobody waits any more. */
SLOW bool interval_lock_lend(struct interval_lock *l)
{
    thread_detach(); /* before it joins: turn.h. Destructors run, and may have unlocked it */
    bool lent = interval_lock_is_mine(l) && interval_lock_pass(l, true);
    if (lent)
        turn_wait();
    thread_attach();
    if (lent)
        l->since = os_now();
    return lent;
}

API int interval_lock_cede(struct obj *o)
{
    struct interval_lock *l = obj_as(o, &interval_lock_type);
    if (!l)
        return -1;
    if (!interval_lock_is_mine(l))
        return interval_lock_refuse("the interval lock is not its caller's: poll or cede");
    /* relaxed: a waiter that is not seen yet is seen the next time */
    return atomic_load_explicit(&l->waiting, memory_order_relaxed) != 0 && interval_lock_lend(l);
}

API int interval_lock_poll(struct obj *o)
{
    struct interval_lock *l = obj_as(o, &interval_lock_type);
    /* relaxed: as in cede. What is asked first costs least: this stands in the holder's loop */
    if (l && interval_lock_is_mine(l) &&
        (atomic_load_explicit(&l->waiting, memory_order_relaxed) == 0 || !os_is_late(l->since, l->interval_ns)))
        return 0;
    return l ? interval_lock_cede(o) : -1;
}

API int interval_lock_locked(struct obj *o)
{
    struct interval_lock *l = obj_as(o, &interval_lock_type);
    return l ? atomic_load_explicit(&l->owner, memory_order_relaxed) != 0 : -1; /* relaxed: out of date at once */
}

static void interval_lock_dealloc(struct obj *o)
{
    struct interval_lock *l = (struct interval_lock *)o;
    assert(l->waiters.length == 0); /* each holds a reference for the length of its call */
    os_mutex_drop(&l->guard);
    obj_free(o, sizeof *l);
}

static const struct type interval_lock_type = {
    .name = "IntervalLock", .dealloc = interval_lock_dealloc, .size = {.least = sizeof(struct interval_lock)}};
