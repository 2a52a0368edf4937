/*
 * turn.h -- a queue of threads, each of which sleeps until somebody gives it what it waits for: the waiting side of the locks that
 * are objects (interval_lock.h, rwlock.h).
 *
 *     guard { not to be had } detach, guard { still not: turn_join } turn_wait, attach      the waiter
 *     guard { turn_take, make it the next owner } turn_tell                                 who gives up the lock
 *
 * Handing over: the lock changes its owner under the guard, before the waiter knows, so that nobody comes in between. A sleeper
 * is detached: it holds no GIL and holds up no epoch, collection or merge; it attaches when it has been told, owning what it
 * waited for.
 * Detached first, joined then: detaching runs destructors, and one of them may wait for a lock of this kind, the same one too. It finds
 * its thread in no queue; what it changed is seen by the second look. Nothing runs on a detached thread, so a turn a thread is enough.
 * Invariant: each turn in a queue is of a detached thread, was joined and not taken; a turn taken is told once. Queues are read and
 * written under their guard.
 * Memory ordering: (V1) turn_wait acquires what was written before turn_tell (V2) released it: with a lock comes what its last
 * holder wrote.
 */
#ifndef OBJECTS_TURN_H
#define OBJECTS_TURN_H

#include "object.h"

/* struct turn is in object.h: one a thread. */

struct turn_queue {
    struct turn *head, *tail; /* the oldest first; tail: only while there is a head */
    uint32_t length;
};

/* The calling thread, which is detached. */
INLINE void turn_join(struct turn_queue *q)
{
    struct turn *t = &heap_self()->turn;
    t->next = NULL;
    t->key = rt_self->key;
    atomic_store_explicit(&t->told, 0, memory_order_relaxed); /* relaxed: published under the guard */
    if (q->head)
        q->tail->next = t;
    else
        q->head = t;
    q->tail = t;
    q->length++;
}

/* The oldest one, or NULL. */
INLINE struct turn *turn_take(struct turn_queue *q)
{
    struct turn *t = q->head;
    if (t) {
        q->head = t->next;
        q->length--;
    }
    return t;
}

/* Not under the guard. From here on the turn may be in another queue, or gone. */
INLINE void turn_tell(struct turn *t)
{
    /* (V2) release: the waiter sees what was done by who gives it the lock */
    atomic_store_explicit(&t->told, 1, memory_order_release);
    os_unpark(&t->told, 1); /* the address alone is used */
}

/* Not under the guard; the caller has joined, and attaches next. */
INLINE void turn_wait(void)
{
    struct turn *t = &heap_self()->turn;
    while (!atomic_load_explicit(&t->told, memory_order_acquire)) /* (V1) acquire: see the header */
        os_park(&t->told, 0, -1);
}

#endif
