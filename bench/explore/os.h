/*
 * os.h (of the explorer) -- what rc/os.h is to the measured build, over the explorer's scheduler: same names, same contracts.
 *
 * Compiled, instrumented, into the instance unit in the place of rc/os.h. Each function here does what its namesake's comment
 * there promises and no more: what is weaker in the world is weak here.
 *
 *     park/unpark   a futex: under the bucket's lock the word is compared and the thread queues. The lock is all the order that
 *                   there is (the kernel has full barriers besides, but rc/os.h promises none): whoever is second sees the first's word.
 *                   A park with a timeout comes back at once; of a thread's parks with a deadline the first may, later ones sleep
 *     mutex         a word; waiting for 0 is one await. No fairness is promised
 *     lateness      of a thread's questions whether somebody is late the first may be answered with yes, later ones with no
 *     condition     a queue of waiters; first in, first out. A thread's first wait with a limit may time out, later ones wait for good
 *     surprises     with --spurious: wakes for no reason, signals that reach the second waiter, weak compare-and-swaps that fail
 *     queue         liburcu's wfcqueue: exchange of the tail, then the link; between the two a dequeuer finds nothing.
 *                   A splice exchanges head and tail
 *     RCU           a flag per thread, a light fence on the reader's side, os_fence_others and a wait on the other
 *     membarrier    os_fence_others and os_fence_light: see model.c
 */
#ifndef RC_OS_H
#define RC_OS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../rc/base.h"
#include "scenario.h"

#define OS_RELEASES(p) ((void)(p))
#define OS_ACQUIRES(p) ((void)(p))

/* What the compiler would not instrument. */
#define memcpy(to, from, bytes) explore_copy(to, from, bytes)
#define memmove(to, from, bytes) explore_copy(to, from, bytes)
#define memset(to, byte, bytes) explore_fill(to, byte, bytes)

/* --- memory --- */

/* Each thread's own word: while it is 1 that thread gets no memory (scenarios about running out). */
static uint64_t os_refused[8 + 1] __attribute__((unused));
API void os_refuse_memory(bool refuse) { os_refused[explore_self()] = refuse; }

INLINE void *os_alloc_aligned(size_t align, size_t bytes)
{
    return os_refused[explore_self()] ? NULL : explore_alloc(bytes, align, false);
}
INLINE void *os_alloc(size_t bytes) { return os_alloc_aligned(16, bytes); }
INLINE void *os_alloc_zeroed(size_t count, size_t bytes)
{
    return os_refused[explore_self()] ? NULL : explore_alloc(count * bytes, 16, true);
}
INLINE void *os_realloc(void *old, size_t bytes) { return os_refused[explore_self()] ? NULL : explore_realloc(old, bytes); }
INLINE void os_free(void *block) { explore_free(block); }
/* One allocator, which sees each block; and no shared objects, since they are not instrumented. */
API bool os_use_mimalloc(bool use) { return !use; }
INLINE void *os_library_open(const char *path, char *why, size_t size)
{
    snprintf(why, size, "%s: the explorer loads no shared objects", path);
    return NULL;
}
INLINE void *os_library_symbol(void *library, const char *name) { return (void)library, (void)name, NULL; }
INLINE void os_library_close(void *library) { (void)library; }

/* --- time and threads --- */

INLINE int64_t os_now(void) { return explore_now(); }
INLINE bool os_is_late(int64_t since, int64_t ns) { (void)since, (void)ns; return explore_times_out(); }
INLINE int64_t os_cpu_now(void) { return explore_now(); }
typedef int pthread_t_explored;
#define pthread_t pthread_t_explored
INLINE int os_spawn(pthread_t *thread, void *(*body)(void *), void *arg)
{
    *thread = explore_spawn(body, arg);
    return *thread < 0 ? EAGAIN : 0;
}
INLINE void os_join(pthread_t thread) { explore_join(thread); }
INLINE void os_yield(void) { explore_yield(); }
INLINE void os_relax(void) {}
enum { OS_CPUS = 1 };
INLINE int os_pin(int cpu) { return cpu == 0 ? 0 : EINVAL; }
INLINE int os_unpin(void) { return 0; }
INLINE bool os_cpus(unsigned char allowed[OS_CPUS]) { return (allowed[0] = 1) != 0; }
INLINE void os_interleave(void) {}

/* --- fences --- */

INLINE bool os_fence_others_start(void) { return true; }
INLINE void os_fence_others(void) { explore_fence(FENCE_OTHERS); }
INLINE void os_fence_light(void) { explore_fence(FENCE_LIGHT); }

/* --- mutex and condition --- */

struct os_mutex {
    _Atomic uint32_t held;
};
struct os_cond {
    _Atomic uint64_t waiters;
};
#define OS_MUTEX_INIT {0}
#define OS_COND_INIT {0}

INLINE void os_lock(struct os_mutex *m) { explore_lock(&m->held); }
INLINE bool os_trylock(struct os_mutex *m)
{
    uint32_t held = 0;
    /* acquire: as os_lock; relaxed on failure: nothing is read */
    return atomic_compare_exchange_strong_explicit(&m->held, &held, 1, memory_order_acquire, memory_order_relaxed);
}
INLINE void os_unlock(struct os_mutex *m) { explore_unlock(&m->held); }
INLINE void os_mutex_init(struct os_mutex *m) { atomic_init(&m->held, 0); }
INLINE void os_mutex_drop(struct os_mutex *m) { (void)m; }
INLINE void os_signal(struct os_cond *c) { explore_queue_pop(&c->waiters); }
INLINE void os_broadcast(struct os_cond *c) { explore_queue_clear(&c->waiters); }
INLINE bool os_wait(struct os_cond *c, struct os_mutex *m, int64_t timeout_ns)
{
    bool late = timeout_ns >= 0 && explore_times_out();
    if (late || explore_spurious()) {
        os_unlock(m);
        os_lock(m);
        return !late;
    }
    explore_queue_push(&c->waiters);
    os_unlock(m);
    explore_queue_await(&c->waiters);
    os_lock(m);
    return true;
}

/* --- park and unpark --- */

struct os_bucket {
    _Atomic uint32_t held, unused;
    _Atomic uint64_t waiters;
};
INLINE struct os_bucket *os_bucket(_Atomic uint32_t *word) { return (struct os_bucket *)explore_side((const void *)word); }

INLINE void os_park(_Atomic uint32_t *word, uint32_t expected, int64_t timeout_ns)
{
    struct os_bucket *b = os_bucket(word);
    if (explore_spurious())
        return;
    explore_lock(&b->held);
    bool sleeps = atomic_load_explicit(word, memory_order_relaxed) == expected && timeout_ns < 0; /* relaxed: see above */
    if (sleeps)
        explore_queue_push(&b->waiters);
    explore_unlock(&b->held);
    if (sleeps)
        explore_queue_await(&b->waiters);
}
#define OS_FOREVER INT64_MAX
INLINE bool os_park_until(_Atomic uint32_t *word, uint32_t expected, int64_t deadline)
{
    bool late = deadline != OS_FOREVER && explore_times_out();
    if (!late)
        os_park(word, expected, -1);
    return !late;
}
INLINE void os_unpark(_Atomic uint32_t *word, int threads)
{
    struct os_bucket *b = os_bucket(word);
    explore_lock(&b->held);
    if (threads == 1)
        explore_queue_pop(&b->waiters);
    else
        explore_queue_clear(&b->waiters);
    explore_unlock(&b->held);
}

/* --- queue --- */

struct os_node {
    _Atomic(struct os_node *) next;
};
struct os_queue {
    struct os_node head;
    _Alignas(CACHE_LINE) _Atomic(struct os_node *) tail;
};

INLINE void os_queue_init(struct os_queue *q)
{
    atomic_init(&q->head.next, NULL);
    atomic_init(&q->tail, &q->head);
}

INLINE void os_queue_link(struct os_queue *q, struct os_node *n)
{
    atomic_store_explicit(&n->next, NULL, memory_order_relaxed); /* relaxed: published with the exchange */
    /* seq_cst fence: liburcu's uatomic_xchg is a full barrier */
    atomic_thread_fence(memory_order_seq_cst);
    struct os_node *before = atomic_exchange_explicit(&q->tail, n, memory_order_seq_cst); /* seq_cst: as liburcu's */
    atomic_thread_fence(memory_order_seq_cst); /* seq_cst fence: the other half of the full barrier */
    atomic_store_explicit(&before->next, n, memory_order_release); /* release: the dequeuer acquires */
}
INLINE void os_enqueue(struct os_queue *q, struct os_node *n) { os_queue_link(q, n); }

/* relaxed, both: as cds_wfcq_empty, a hint without order */
INLINE bool os_queue_empty(struct os_queue *q)
{
    return atomic_load_explicit(&q->head.next, memory_order_relaxed) == NULL &&
           atomic_load_explicit(&q->tail, memory_order_relaxed) == &q->head; /* relaxed: as above */
}

#define OS_WOULD_BLOCK ((struct os_node *)-1)

/* As __cds_wfcq_dequeue_nonblocking. What it read last tells when to come back (explore_yield). */
INLINE struct os_node *os_dequeue_once(struct os_queue *q)
{
    if (os_queue_empty(q))
        return NULL;
    struct os_node *n = atomic_load_explicit(&q->head.next, memory_order_acquire); /* acquire: pairs with the link's release */
    if (!n)
        return OS_WOULD_BLOCK;
    struct os_node *next = atomic_load_explicit(&n->next, memory_order_acquire); /* acquire: as above */
    if (!next) {
        /* the last one, as it seems: the queue's own node takes its place, unless another is being linked */
        atomic_store_explicit(&q->head.next, NULL, memory_order_relaxed); /* relaxed: the dequeuer's own, and as liburcu's */
        struct os_node *last = n;
        /* seq_cst: liburcu's uatomic_cmpxchg is a full barrier */
        if (atomic_compare_exchange_strong_explicit(&q->tail, &last, &q->head, memory_order_seq_cst, memory_order_seq_cst))
            return n;
        next = atomic_load_explicit(&n->next, memory_order_acquire); /* acquire: as above */
        if (!next) {
            atomic_store_explicit(&q->head.next, n, memory_order_relaxed); /* relaxed: as above */
            return OS_WOULD_BLOCK;
        }
    }
    atomic_store_explicit(&q->head.next, next, memory_order_relaxed); /* relaxed: the dequeuer's own */
    return n;
}

INLINE struct os_node *os_dequeue(struct os_queue *q)
{
    struct os_node *n = os_dequeue_once(q);
    return n == OS_WOULD_BLOCK ? NULL : n;
}

INLINE struct os_node *os_dequeue_wait(struct os_queue *q)
{
    struct os_node *n;
    while ((n = os_dequeue_once(q)) == OS_WOULD_BLOCK)
        os_yield();
    return n;
}

/* As __cds_wfcq_splice_nonblocking, again and again. `to` is empty and on the caller's stack, which nobody else reads. */
INLINE void os_queue_splice(struct os_queue *to, struct os_queue *from)
{
    struct os_node *first;
    if (os_queue_empty(from))
        return;
    for (;;) {
        atomic_thread_fence(memory_order_seq_cst); /* seq_cst fence: liburcu's uatomic_xchg is a full barrier */
        first = atomic_exchange_explicit(&from->head.next, NULL, memory_order_seq_cst); /* seq_cst: as liburcu's */
        if (first)
            break;
        if (atomic_load_explicit(&from->tail, memory_order_relaxed) == &from->head) /* relaxed: as liburcu's */
            return;
        os_yield();
    }
    /* seq_cst, both: as above */
    struct os_node *last = atomic_exchange_explicit(&from->tail, &from->head, memory_order_seq_cst);
    atomic_thread_fence(memory_order_seq_cst);
    atomic_store_explicit(&to->head.next, first, memory_order_relaxed); /* relaxed: the caller's own */
    atomic_store_explicit(&to->tail, last, memory_order_relaxed);       /* relaxed: the caller's own */
}

/* relaxed, both: nobody changes the queue */
INLINE struct os_node *os_queue_first(struct os_queue *q) { return atomic_load_explicit(&q->head.next, memory_order_relaxed); }
INLINE struct os_node *os_queue_next(struct os_queue *q, struct os_node *n)
{
    (void)q;
    return atomic_load_explicit(&n->next, memory_order_relaxed); /* relaxed: as above */
}

/* --- RCU --- */

static struct {
    _Atomic uint32_t reading[8 + 1];
    uint32_t depth[8 + 1]; /* sections nest; each thread's own */
} os_rcu __attribute__((unused));

INLINE void os_rcu_thread_start(void) {}
INLINE void os_rcu_thread_stop(void) {}
INLINE void os_rcu_read_lock(void)
{
    if (os_rcu.depth[explore_self()]++ > 0)
        return;
    atomic_store_explicit(&os_rcu.reading[explore_self()], 1, memory_order_relaxed); /* relaxed: ordered by the fence */
    os_fence_light();
}
INLINE void os_rcu_read_unlock(void)
{
    if (--os_rcu.depth[explore_self()] > 0)
        return;
    os_fence_light();
    atomic_store_explicit(&os_rcu.reading[explore_self()], 0, memory_order_release); /* release: synchronize acquires */
}
INLINE void os_rcu_synchronize(void)
{
    os_fence_others();
    for (int t = 0; t <= explore_threads(); t++)
        if (t != explore_self())
            explore_await_zero(&os_rcu.reading[t]);
    os_fence_others();
}

#endif
