/*
 * bounded_queue.c -- the bounded queue. Protocol and invariant are in bounded_queue.h.
 */
#include "bounded_queue.h"
#include "track.h"

#ifdef RC_HOSTILE
enum { BOUNDED_FIRST = 1 };
#else
enum { BOUNDED_FIRST = 16 }; /* places of a ring that has just begun */
#endif

INLINE struct bounded_queue *bounded_queue_expect(struct obj *o)
{
    return obj_as(o, &bounded_queue_type);
}

API struct obj *bounded_queue_new(int64_t maxsize)
{
    struct bounded_queue *q = obj_alloc(&bounded_queue_type, sizeof *q);
    if (unlikely(!q))
        return NULL;
    wait_init(&q->filled);
    wait_init(&q->room);
    wait_init(&q->done);
    q->maxsize = maxsize;
    q->unfinished = 0;
    q->ring = (struct bounded_ring){0};
    q->shut = false;
    if (unlikely(!lock_init(&q->lock, &q->base))) {
        obj_decref(&q->base.base);
        return err_memory();
    }
    obj_track(&q->base);
    return &q->base.base;
}

SLOW int bounded_queue_failed(enum err why)
{
    static const char *const text[] = {
        [ERR_MEMORY] = "out of memory", [ERR_EMPTY] = "the queue is empty", [ERR_FULL] = "the queue is full",
        [ERR_SHUTDOWN] = "the queue is shut down", [ERR_VALUE] = "task_done() called too many times",
    };
    err_set(why, text[why], 0, 0);
    return -1;
}

/* --- the ring, under the lock --- */

INLINE struct obj **bounded_ring_at(struct bounded_ring *r, size_t i)
{
    size_t at = r->head + i;
    return &r->item[at < r->places ? at : at - r->places];
}

/* More places, at most `bound` (<= 0: no bound). False: no memory, nothing has changed. */
SLOW bool bounded_ring_grow(struct bounded_ring *r, int64_t bound)
{
    struct bounded_ring more = {.length = r->length, .places = r->places ? 2 * r->places : BOUNDED_FIRST};
    if (bound > 0 && more.places > (size_t)bound)
        more.places = (size_t)bound;
    more.item = more.places < PTRDIFF_MAX / sizeof *more.item ? os_alloc(more.places * sizeof *more.item) : NULL;
    if (!more.item)
        return false;
    for (size_t i = 0; i < r->length; i++)
        more.item[i] = *bounded_ring_at(r, i);
    os_free(r->item);
    *r = more;
    return true;
}

static struct obj *bounded_ring_take(struct bounded_ring *r)
{
    struct obj *item = *bounded_ring_at(r, 0);
    r->head = r->head + 1 < r->places ? r->head + 1 : 0;
    r->length--;
    return item;
}

/* --- what is waited for --- */

static bool bounded_queue_is_full(const struct bounded_queue *q)
{
    return q->maxsize > 0 && q->ring.length >= (size_t)q->maxsize;
}
static bool bounded_queue_may_put(void *arg)
{
    struct bounded_queue *q = arg;
    return q->shut || !bounded_queue_is_full(q);
}
static bool bounded_queue_may_get(void *arg)
{
    struct bounded_queue *q = arg;
    return q->shut || q->ring.length > 0;
}
static bool bounded_queue_is_done(void *arg) { return ((struct bounded_queue *)arg)->unfinished == 0; }

/* --- operations --- */

/* Under the lock: why the item cannot go in, or ERR_NONE: it has. */
static enum err bounded_queue_add(struct bounded_queue *q, struct obj *item)
{
    if (q->shut)
        return ERR_SHUTDOWN;
    if (bounded_queue_is_full(q))
        return ERR_FULL;
    if (unlikely(q->ring.length == q->ring.places) && !bounded_ring_grow(&q->ring, q->maxsize))
        return ERR_MEMORY;
    *bounded_ring_at(&q->ring, q->ring.length++) = obj_incref(item);
    q->unfinished++;
    return ERR_NONE;
}

API int bounded_queue_put(struct obj *o, struct obj *item, int64_t timeout_ns)
{
    struct bounded_queue *q = bounded_queue_expect(o);
    if (unlikely(!q))
        return -1;
    int64_t deadline = wait_deadline(timeout_ns);
    lock_acquire(&q->lock);
    wait_for(&q->room, &q->lock, bounded_queue_may_put, q, deadline);
    enum err why = bounded_queue_add(q, item);
    lock_release(&q->lock);
    if (unlikely(why != ERR_NONE))
        return bounded_queue_failed(why);
    wait_one(&q->filled);
    return 0;
}

API struct obj *bounded_queue_get(struct obj *o, int64_t timeout_ns)
{
    struct bounded_queue *q = bounded_queue_expect(o);
    if (unlikely(!q))
        return NULL;
    int64_t deadline = wait_deadline(timeout_ns);
    lock_acquire(&q->lock);
    wait_for(&q->filled, &q->lock, bounded_queue_may_get, q, deadline);
    struct obj *item = q->ring.length > 0 ? bounded_ring_take(&q->ring) : NULL;
    bool shut = q->shut;
    lock_release(&q->lock);
    if (likely(item != NULL))
        wait_one(&q->room);
    else
        bounded_queue_failed(shut ? ERR_SHUTDOWN : ERR_EMPTY);
    return item;
}

API int bounded_queue_task_done(struct obj *o)
{
    struct bounded_queue *q = bounded_queue_expect(o);
    if (unlikely(!q))
        return -1;
    lock_acquire(&q->lock);
    bool open = q->unfinished > (int64_t)q->ring.length; /* what is still in it was got by nobody */
    q->unfinished -= open;
    bool done = bounded_queue_is_done(q);
    lock_release(&q->lock);
    if (unlikely(!open))
        return bounded_queue_failed(ERR_VALUE);
    if (done)
        wait_all(&q->done);
    return 0;
}

API int bounded_queue_join(struct obj *o, int64_t timeout_ns)
{
    struct bounded_queue *q = bounded_queue_expect(o);
    if (unlikely(!q))
        return -1;
    int64_t deadline = wait_deadline(timeout_ns);
    lock_acquire(&q->lock);
    bool done = wait_for(&q->done, &q->lock, bounded_queue_is_done, q, deadline);
    lock_release(&q->lock);
    return done;
}

/* Under the lock: all that is in it, which the caller drops after the release. */
static struct bounded_ring bounded_queue_steal(struct bounded_queue *q)
{
    struct bounded_ring left = q->ring;
    q->unfinished -= (int64_t)left.length;
    q->ring = (struct bounded_ring){0};
    return left;
}
static void bounded_ring_drop(struct bounded_ring *r)
{
    while (r->length > 0)
        obj_decref(bounded_ring_take(r));
    os_free(r->item);
}

API int bounded_queue_shutdown(struct obj *o, bool immediate)
{
    struct bounded_queue *q = bounded_queue_expect(o);
    struct bounded_ring left = {0};
    if (!q)
        return -1;
    lock_acquire(&q->lock);
    q->shut = true;
    if (immediate)
        left = bounded_queue_steal(q);
    bool done = bounded_queue_is_done(q);
    lock_release(&q->lock);
    wait_all(&q->filled);
    wait_all(&q->room);
    if (done)
        wait_all(&q->done);
    bounded_ring_drop(&left);
    return 0;
}

/* One number of the queue, read under its lock; -1: ERR_TYPE. */
static int64_t bounded_queue_read(struct obj *o, int64_t (*what)(struct bounded_queue *))
{
    struct bounded_queue *q = bounded_queue_expect(o);
    if (!q)
        return -1;
    lock_acquire(&q->lock);
    int64_t value = what(q);
    lock_release(&q->lock);
    return value;
}
static int64_t bounded_queue_read_size(struct bounded_queue *q) { return (int64_t)q->ring.length; }
static int64_t bounded_queue_read_full(struct bounded_queue *q) { return bounded_queue_is_full(q); }
static int64_t bounded_queue_read_unfinished(struct bounded_queue *q) { return q->unfinished; }

API int64_t bounded_queue_size(struct obj *o) { return bounded_queue_read(o, bounded_queue_read_size); }
API int bounded_queue_full(struct obj *o) { return (int)bounded_queue_read(o, bounded_queue_read_full); }
API int64_t bounded_queue_unfinished(struct obj *o) { return bounded_queue_read(o, bounded_queue_read_unfinished); }

/* --- slots --- */

static void bounded_queue_dealloc(struct obj *o)
{
    struct bounded_queue *q = (struct bounded_queue *)o;
    while (q->ring.length > 0)
        obj_decref_field(bounded_ring_take(&q->ring));
    os_free(q->ring.item);
    lock_drop(&q->lock);
    obj_free(o, sizeof *q);
}

static void bounded_queue_clear(struct obj *o)
{
    struct bounded_queue *q = (struct bounded_queue *)o;
    lock_acquire(&q->lock);
    struct bounded_ring left = bounded_queue_steal(q);
    lock_release(&q->lock);
    bounded_ring_drop(&left);
}

/* With the world stopped: no lock. */
static int bounded_queue_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct bounded_queue *q = (struct bounded_queue *)o;
    int stop = 0;
    for (size_t i = 0; i < q->ring.length && !stop; i++)
        stop = visit(*bounded_ring_at(&q->ring, i), arg);
    return stop;
}

static void bounded_queue_lock(struct obj *o) { lock_acquire(&((struct bounded_queue *)o)->lock); }
static void bounded_queue_unlock(struct obj *o) { lock_release(&((struct bounded_queue *)o)->lock); }

static const struct type bounded_queue_type = {
    .name = "bounded queue",
    .flags = TYPE_CONTAINER,
    .dealloc = bounded_queue_dealloc,
    .traverse = bounded_queue_traverse,
    .clear = bounded_queue_clear,
    .lock = bounded_queue_lock,
    .unlock = bounded_queue_unlock,
    .size = {.least = sizeof(struct bounded_queue)},
};
