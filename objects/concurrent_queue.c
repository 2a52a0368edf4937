/*
 * concurrent_queue.c -- the unbounded queue. Protocol, states and the order of its operations are in concurrent_queue.h.
 */
#include "concurrent_queue.h"
#include "track.h"
#include <inttypes.h>

INLINE struct concurrent_queue *concurrent_queue_expect(struct obj *o)
{
    return obj_as(o, &concurrent_queue_type);
}

/* relaxed: what hangs on it is ordered by the lock, or by RCU */
INLINE enum concurrent_queue_state concurrent_queue_state(struct concurrent_queue *q)
{
    return (enum concurrent_queue_state)atomic_load_explicit(&q->state, memory_order_relaxed);
}
/* Under the lock. relaxed: as above */
INLINE void concurrent_queue_become(struct concurrent_queue *q, enum concurrent_queue_state state)
{
    atomic_store_explicit(&q->state, state, memory_order_relaxed);
}

API struct obj *concurrent_queue_new(int64_t scaling)
{
    if (scaling < 1 || scaling > CONCURRENT_QUEUE_SCALING_MAX) {
        err_set(ERR_VALUE, "scaling must be from 1 to %" PRId64 ", not %" PRId64, CONCURRENT_QUEUE_SCALING_MAX, scaling);
        return NULL;
    }
    struct concurrent_queue *q = obj_alloc(&concurrent_queue_type, sizeof *q);
    if (unlikely(!q))
        return NULL;
    q->scaling = (uint32_t)scaling;
    atomic_init(&q->state, CONCURRENT_QUEUE_OPEN);
    atomic_init(&q->popped, 0);
    wait_init(&q->filled);
    q->ends = os_alloc_aligned(CACHE_LINE, sizeof *q->ends + q->scaling * sizeof *q->ends->line);
    bool locked = lock_init(&q->lock, &q->base);
    if (q->ends) {
        os_queue_init(&q->ends->queue);
        for (uint32_t i = 0; i < q->scaling; i++)
            atomic_init(&q->ends->line[i].pushed, 0);
    }
    if (unlikely(!q->ends || !locked)) {
        obj_decref(&q->base.base);
        return err_memory();
    }
    obj_track(&q->base);
    return &q->base.base;
}

/* --- push --- */

/* False: it is not open. Releases, with the enqueueing, what the pusher wrote. */
static bool concurrent_queue_enter(struct concurrent_queue *q, struct concurrent_cell *cell)
{
    os_rcu_read_lock();
    bool open = concurrent_queue_state(q) == CONCURRENT_QUEUE_OPEN;
    if (likely(open)) {
        /* relaxed: a count; before the enqueueing, so that whoever has seen the item has it in the sum */
        atomic_fetch_add_explicit(&q->ends->line[rt_self->id % q->scaling].pushed, 1, memory_order_relaxed);
        os_enqueue(&q->ends->queue, &cell->node);
    }
    os_rcu_read_unlock();
    return open;
}

static bool concurrent_queue_is_closed(struct concurrent_queue *q) { return concurrent_queue_state(q) == CONCURRENT_QUEUE_CLOSED; }

SLOW int concurrent_queue_is_shut(void)
{
    err_set(ERR_SHUTDOWN, "the queue is shut down", 0, 0);
    return -1;
}

/* Who finds it closing has not failed before it is closed: until then the shutdown has the lock. */
SLOW int concurrent_queue_refuse(struct concurrent_queue *q, struct concurrent_cell *cell)
{
    lock_acquire(&q->lock);
    lock_release(&q->lock);
    obj_decref(cell->item);
    os_free(cell);
    return concurrent_queue_is_shut();
}

API int concurrent_queue_push(struct obj *o, struct obj *item)
{
    struct concurrent_queue *q = concurrent_queue_expect(o);
    struct concurrent_cell *cell = q ? os_alloc(sizeof *cell) : NULL;
    if (unlikely(!cell)) {
        if (q)
            err_memory();
        return -1;
    }
    cell->item = obj_incref(item);
    if (unlikely(!concurrent_queue_enter(q, cell)))
        return concurrent_queue_refuse(q, cell);
    wait_one(&q->filled); /* the exchange in os_enqueue is the full barrier between the change and this (W1) */
    return 0;
}

/* --- pop --- */

static bool concurrent_queue_is_ready(void *arg)
{
    struct concurrent_queue *q = arg;
    return !os_queue_empty(&q->ends->queue) || concurrent_queue_is_closed(q);
}

/* Under the lock: the oldest cell, or NULL. */
static struct concurrent_cell *concurrent_queue_take(struct concurrent_queue *q)
{
    struct os_node *n = os_dequeue_wait(&q->ends->queue);
    if (!n)
        return NULL;
    int64_t popped = atomic_load_explicit(&q->popped, memory_order_relaxed); /* relaxed: written under the lock */
    /* release: who reads it finds the push of each of them counted */
    atomic_store_explicit(&q->popped, popped + 1, memory_order_release);
    return (struct concurrent_cell *)((char *)n - offsetof(struct concurrent_cell, node));
}

API struct obj *concurrent_queue_pop(struct obj *o, int64_t timeout_ns)
{
    struct concurrent_queue *q = concurrent_queue_expect(o);
    if (unlikely(!q))
        return NULL;
    int64_t deadline = wait_deadline(timeout_ns);
    lock_acquire(&q->lock);
    wait_for(&q->filled, &q->lock, concurrent_queue_is_ready, q, deadline);
    bool closed = concurrent_queue_is_closed(q); /* first: nothing comes after it */
    struct concurrent_cell *cell = concurrent_queue_take(q);
    lock_release(&q->lock);
    if (likely(cell != NULL)) {
        struct obj *item = cell->item;
        os_free(cell);
        return item;
    }
    if (closed)
        concurrent_queue_is_shut();
    else
        err_set(ERR_EMPTY, "the queue is empty", 0, 0);
    return NULL;
}

/* --- the rest --- */

API int64_t concurrent_queue_size(struct obj *o)
{
    struct concurrent_queue *q = concurrent_queue_expect(o);
    if (!q)
        return -1;
    /* acquire: the pushes of these are in the sum that follows */
    int64_t size = -atomic_load_explicit(&q->popped, memory_order_acquire);
    for (uint32_t i = 0; i < q->scaling; i++)
        size += atomic_load_explicit(&q->ends->line[i].pushed, memory_order_relaxed); /* relaxed: a count */
    return size;
}

API int concurrent_queue_empty(struct obj *o)
{
    struct concurrent_queue *q = concurrent_queue_expect(o);
    return q ? os_queue_empty(&q->ends->queue) : -1;
}

/* Under the lock: all cells, for concurrent_queue_drop. */
static struct concurrent_cell *concurrent_queue_steal(struct concurrent_queue *q)
{
    struct concurrent_cell *first = NULL, **end = &first;
    while ((*end = concurrent_queue_take(q)) != NULL)
        end = &(*end)->next;
    return first;
}

/* Without the lock. */
static void concurrent_queue_drop(struct concurrent_cell *cell)
{
    for (struct concurrent_cell *next; cell; cell = next) {
        next = cell->next;
        obj_decref(cell->item);
        os_free(cell);
    }
}

/*
 * Under the lock. Attached: a destructor that detaching ran could push to this queue, and wait for what only its own thread can end. A
 * grace period may be waited for under a lock and attached, since no section waits for a lock, for a safepoint or for user code, and it is
 * short (retire.h).
 */
static void concurrent_queue_close(struct concurrent_queue *q)
{
    concurrent_queue_become(q, CONCURRENT_QUEUE_CLOSING);
    os_rcu_synchronize(); /* pushes that saw the queue open have ended when this returns */
    concurrent_queue_become(q, CONCURRENT_QUEUE_CLOSED);
}

API int concurrent_queue_shutdown(struct obj *o, bool immediate)
{
    struct concurrent_queue *q = concurrent_queue_expect(o);
    if (!q)
        return -1;
    lock_acquire(&q->lock); /* may run destructors: before the queue is closing */
    if (!concurrent_queue_is_closed(q))
        concurrent_queue_close(q);
    struct concurrent_cell *left = immediate ? concurrent_queue_steal(q) : NULL;
    lock_release(&q->lock);
    wait_all(&q->filled);
    concurrent_queue_drop(left);
    return 0;
}

/* --- slots --- */

static void concurrent_queue_dealloc(struct obj *o)
{
    struct concurrent_queue *q = (struct concurrent_queue *)o;
    struct concurrent_cell *cell;
    while (q->ends && (cell = concurrent_queue_take(q))) {
        obj_decref_field(cell->item);
        os_free(cell);
    }
    os_free(q->ends);
    lock_drop(&q->lock);
    obj_free(o, sizeof *q);
}

static void concurrent_queue_clear(struct obj *o)
{
    struct concurrent_queue *q = (struct concurrent_queue *)o;
    lock_acquire(&q->lock);
    struct concurrent_cell *all = concurrent_queue_steal(q);
    lock_release(&q->lock);
    concurrent_queue_drop(all);
}

/* With the world stopped: no lock, and no push is half-way. */
static int concurrent_queue_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct os_queue *q = &((struct concurrent_queue *)o)->ends->queue;
    int stop = 0;
    for (struct os_node *n = os_queue_first(q); n && !stop; n = os_queue_next(q, n))
        stop = visit(((struct concurrent_cell *)((char *)n - offsetof(struct concurrent_cell, node)))->item, arg);
    return stop;
}

static void concurrent_queue_lock(struct obj *o) { lock_acquire(&((struct concurrent_queue *)o)->lock); }
static void concurrent_queue_unlock(struct obj *o) { lock_release(&((struct concurrent_queue *)o)->lock); }

static const struct type concurrent_queue_type = {
    .name = "concurrent queue",
    .flags = TYPE_CONTAINER,
    .dealloc = concurrent_queue_dealloc,
    .traverse = concurrent_queue_traverse,
    .clear = concurrent_queue_clear,
    .lock = concurrent_queue_lock,
    .unlock = concurrent_queue_unlock,
    .size = {.least = sizeof(struct concurrent_queue)},
};
