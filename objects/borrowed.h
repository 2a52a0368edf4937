/*
 * borrowed.h -- what a borrowed reference to an item of a container rests on: a policy of the run (objects_config.borrowed).
 *
 * list_get_borrowed and dict_get_borrowed hand out a pointer that the caller owns nothing of. (Those of tuples need no policy: a
 * tuple never changes, and its caller holds it.) Another thread may replace the item before it is used (FIELD.md 3.1).
 *
 *     raw        nothing. Good until the caller's next safepoint, a wait for a lock being one, under strategies with RC_KEEPS_BORROWED: buffered
 *                (the displaced item's DEC waits for that safepoint, also the caller's own), gil and plain (nobody else runs until then;
 *                what the caller itself drops is gone at once, as in CPython); where the getter finds its lock taken and the thread is in a
 *                critical section, which it takes back before it returns, the item is kept as by deferred. Under any other (atomic, biased) only while nobody else can
 *                drop the item, or if it is immortal: else a use after free
 *     deferred   a reference, taken under the lock and noted; dropped at the thread's next rt_safepoint, when it detaches or when it ends. A
 *                wait for a lock ends nothing: the item may be an argument of the next operation ("preserve returned borrowed
 *                references", as the Gilectomy planned). Immortal items need none
 *     auto       raw where the strategy has the trait, else deferred (default)
 *
 * A finaliser's notes lie above those of the code that it interrupts: its safepoints end only its own, and what it has borrowed ends with it at
 * the latest. So an ending thread's last destructors leave nothing behind either.
 * Invariant: count > floor implies that the thread has asked (thread_ask_borrowed), or that notes are being dropped.
 * Memory ordering: none of its own: the thread's own notes, references taken under the lock that guards the item's place.
 */
#ifndef OBJECTS_BORROWED_H
#define OBJECTS_BORROWED_H

#include "lock.h"

#ifdef RC_HOSTILE
enum { BORROWED_SEGMENT = 2 };
#else
enum { BORROWED_SEGMENT = 254 }; /* 2 KiB: some times what a loop reads from safepoint to safepoint (64 here) */
#endif

struct borrowed_segment {
    struct borrowed_segment *below;
    size_t used;
    struct obj *item[BORROWED_SEGMENT];
};

/* Of the run: deferred. */
static bool borrowed_counts __attribute__((unused));

/* Before the first thread_begin. */
API void borrowed_start(enum borrowed_policy policy);
/* With no notes left, the thread holding no reference any more. */
API void borrowed_thread_stop(struct heap_thread *t);
/* Drops what the calling thread has noted above its floor. No lock may be held: destructors run. Allocates nothing. */
API void borrowed_drop(void);

SLOW bool borrowed_chain(struct borrowed_notes *n);

/* The getter's own release of the lock brings sections back, and so may wait: what rests on the thread's next safepoint would not last
 * until the caller has it. */
HOT bool borrowed_ends_early(void)
{
    return RC_KEEPS_BORROWED && !LOCK_NONE && unlikely(heap_self()->aside != NULL);
}

/* For a getter, under the lock that keeps the item in its place: makes it good for as long as the policy says. False: ERR_MEMORY. */
HOT bool borrowed_keep(struct obj *o)
{
    struct borrowed_notes *n = &heap_self()->borrowed;
    if ((!borrowed_counts && !borrowed_ends_early()) || rc_is_immortal(&o->rc))
        return true;
    if (unlikely(!n->top || n->top->used == BORROWED_SEGMENT) && !borrowed_chain(n))
        return false;
    n->top->item[n->top->used++] = obj_incref(o);
    if (unlikely(n->count++ == n->floor))
        thread_ask_borrowed();
    return true;
}

/* Around a finaliser: what borrowed_enter returns goes to borrowed_leave. */
INLINE size_t borrowed_enter(void)
{
    struct borrowed_notes *n = &heap_self()->borrowed;
    size_t floor = n->floor;
    n->floor = n->count;
    return floor;
}
INLINE void borrowed_leave(size_t floor)
{
    struct borrowed_notes *n = &heap_self()->borrowed;
    if (unlikely(n->count > n->floor))
        borrowed_drop();
    n->floor = floor;
    if (unlikely(n->count > floor))
        thread_ask_borrowed(); /* its safepoints have cleared the bit */
}

#endif
