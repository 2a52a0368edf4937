/*
 * queues.h -- queues of others, of reference-counted objects: liburcu's wfcqueue and lock-free queue, Concurrency Kit's fifo and ring.
 *
 * None of them waits: a put says when there is no room (the ring; the others have no bound), a get when there is nothing. A node
 * is made for each item, but not by the ring. `put` takes the caller's reference when it returns 1, and `get` hands it on.
 *     wfcq     liburcu's wait-free queue (Desnoyers, Lai, after McKenney): a put is one exchange, those who get exclude each other by a mutex
 *     lfq      liburcu's lock-free queue, of the kind of Michael and Scott's: compare-exchange at both ends; nodes go through a limbo
 *     ckfifo   the same kind with counted pointers (16-byte compare-exchange); nodes go through a limbo as well
 *     ckring   a bounded array, compare-exchange at both ends
 */
#ifndef CONTENDERS_QUEUES_H
#define CONTENDERS_QUEUES_H

#include "ck.h"
#include "limbo.h"
#include "locks.h"
#include <urcu/call-rcu.h>
#include <urcu/rculfqueue.h>
#ifdef HAVE_CK
#include <ck_fifo.h>
#include <ck_ring.h>
#endif

/* --- liburcu: wfcqueue --- */

struct wfcq_node {
    struct os_node node;
    struct obj *item;
};
struct wfcq {
    struct os_queue queue;
    _Alignas(CACHE_LINE) struct os_mutex getter;
};

API void wfcq_init(struct wfcq *q)
{
    os_queue_init(&q->queue);
    os_mutex_init(&q->getter);
}
API int wfcq_put(struct wfcq *q, struct obj *item)
{
    struct wfcq_node *n = os_alloc(sizeof *n);
    if (unlikely(!n)) {
        err_memory();
        return -1;
    }
    n->item = item;
    os_enqueue(&q->queue, &n->node);
    return 1;
}
API struct obj *wfcq_get(struct wfcq *q)
{
    native_lock(&q->getter);
    struct wfcq_node *n = (struct wfcq_node *)os_dequeue_wait(&q->queue);
    os_unlock(&q->getter);
    struct obj *item = n ? n->item : NULL;
    os_free(n);
    return item;
}
API void wfcq_drop(struct wfcq *q) { os_mutex_drop(&q->getter); }

/* --- liburcu: lock-free queue --- */

struct lfq {
    struct cds_lfq_queue_rcu queue;
};
struct lfq_node {
    struct cds_lfq_node_rcu node;
    struct obj *item;
};

API void lfq_init(struct lfq *q) { cds_lfq_init_rcu(&q->queue, urcu_memb_call_rcu); } /* for its own dummy nodes */
API int lfq_put(struct lfq *q, struct obj *item)
{
    struct lfq_node *n = os_alloc(sizeof *n);
    if (unlikely(!n)) {
        err_memory();
        return -1;
    }
    cds_lfq_node_init_rcu(&n->node);
    n->item = item;
    OS_RELEASES(q);
    os_rcu_read_lock();
    cds_lfq_enqueue_rcu(&q->queue, &n->node);
    os_rcu_read_unlock();
    return 1;
}
API struct obj *lfq_get(struct lfq *q, struct limbo *l)
{
    os_rcu_read_lock();
    struct lfq_node *n = (struct lfq_node *)cds_lfq_dequeue_rcu(&q->queue);
    os_rcu_read_unlock();
    if (!n)
        return NULL;
    OS_ACQUIRES(q);
    struct obj *item = n->item;
    limbo_put(l, n, NULL);
    return item;
}
/* Empty. Waits, detached, for its dummy nodes. */
API void lfq_drop(struct lfq *q)
{
    int error = cds_lfq_destroy_rcu(&q->queue);
    if (error)
        die("cds_lfq_destroy_rcu", -error);
    thread_detach();
    urcu_memb_barrier();
    thread_attach();
}

#ifdef HAVE_CK
/* --- Concurrency Kit: fifo --- */

struct ckfifo {
    ck_fifo_mpmc_t queue;
};

/* 0, or -1: ERR_MEMORY. */
API int ckfifo_init(struct ckfifo *q)
{
    ck_fifo_mpmc_entry_t *node = os_alloc_aligned(CACHE_LINE, CACHE_LINE);
    if (!node) {
        err_memory();
        return -1;
    }
    ck_fifo_mpmc_init(&q->queue, node);
    return 0;
}
API int ckfifo_put(struct ckfifo *q, struct obj *item)
{
    ck_fifo_mpmc_entry_t *e = os_alloc(sizeof *e); /* (16 bytes' alignment is malloc's) */
    if (unlikely(!e)) {
        err_memory();
        return -1;
    }
    os_rcu_read_lock();
    ck_fifo_mpmc_enqueue(&q->queue, e, item);
    os_rcu_read_unlock();
    return 1;
}
API struct obj *ckfifo_get(struct ckfifo *q, struct limbo *l)
{
    struct obj *item;
    ck_fifo_mpmc_entry_t *gone;
    os_rcu_read_lock();
    bool there = ck_fifo_mpmc_dequeue(&q->queue, &item, &gone);
    os_rcu_read_unlock();
    if (!there)
        return NULL;
    limbo_put(l, gone, NULL);
    return item;
}
/* Empty. */
API void ckfifo_drop(struct ckfifo *q)
{
    ck_fifo_mpmc_entry_t *node;
    ck_fifo_mpmc_deinit(&q->queue, &node);
    os_free(node);
}

/* --- Concurrency Kit: ring --- */

struct ckring {
    ck_ring_t ring;
    ck_ring_buffer_t *place; /* NULL: out of memory */
};

/* 0, or -1: ERR_MEMORY. Room for at least so many. */
API int ckring_init(struct ckring *q, int64_t room)
{
    unsigned places = 2;
    while (places <= room) /* one stays empty */
        places *= 2;
    ck_ring_init(&q->ring, places);
    q->place = os_alloc_zeroed(places, sizeof *q->place);
    if (!q->place)
        err_memory();
    return q->place ? 0 : -1;
}
API int ckring_put(struct ckring *q, struct obj *item) { return ck_ring_enqueue_mpmc(&q->ring, q->place, item); }
API struct obj *ckring_get(struct ckring *q)
{
    struct obj *item;
    return ck_ring_dequeue_mpmc(&q->ring, q->place, &item) ? item : NULL;
}
API void ckring_drop(struct ckring *q) { os_free(q->place); }
#endif

#endif
