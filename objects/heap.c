/*
 * heap.c -- memory of objects: the slow paths behind heap_alloc and heap_free, the depot, the count of live objects.
 *
 * Policy thread. A thread holds per size class two lists of at most `limit` blocks, `free` and `spare` (Bonwick and
 * Adams, "Magazines and Vmem", 2001):
 *
 *     free full:   spare -> depot (or back to malloc when the depot is full), free -> spare, free empty
 *     free empty:  spare -> free, or else a list out of the depot -> free, or else malloc
 *
 * Invariant: a spare list is empty or has been a whole free list, so a list moves by its head alone, and a thread that
 * frees and allocates around a boundary does not go to the depot each time. Under `buffered` one thread frees what all
 * others allocate: the depot is how its lists come back to them.
 *
 * A block keeps its head's dead value as long as it is on a list (the link lies behind the head). One that goes back to
 * malloc keeps nothing: where readers without a lock may be late (reads.h) it goes there after a grace period (retire.h).
 *
 * Order: everything shared here is under the mutex of its class, a leaf lock that is never held over a call upwards.
 */
#include "borrowed.h"
#include "defer.h"
#include "stack.h"
#include "reads.h"
#include "track.h"

#ifdef RC_HOSTILE
enum { LIST_MIN = 2, LIST_MAX = 2, LOCKED_MAX = 2, DEPOT_LISTS = 2 }; /* each limit is met at once */
#else
enum {
    LIST_MIN = 16,     /* blocks; a list should pay for the lock that moves it */
    LIST_MAX = 128,    /* 4 KiB of small ints: two lists stay in the first-level cache */
    LOCKED_MAX = 4096, /* blocks */
    DEPOT_LISTS = 256,
};
#endif
enum { LIST_BYTES = 16 << 10, DEPOT_BYTES = 1 << 20 }; /* per size class; the depot takes a commit thread's burst */

/* What all threads share of one size class. */
static struct heap_shared {
    _Alignas(CACHE_LINE) struct os_mutex lock; /* of everything here */
    struct heap_list locked;                   /* policy locked: the freelist */
    uint32_t lists;                            /* policy thread: the depot */
    struct heap_list depot[DEPOT_LISTS];
} heap_shared[HEAP_CLASSES] = {[0 ... HEAP_CLASSES - 1] = {.lock = OS_MUTEX_INIT}};

static struct {
    struct os_mutex lock;
    int64_t live; /* of the threads that have ended */
} heap_ended = {.lock = OS_MUTEX_INIT};

static size_t heap_class_bytes(size_t class) { return class * HEAP_GRAIN; }

static uint32_t freelist_limit(size_t class)
{
    size_t blocks = LIST_BYTES / heap_class_bytes(class);
    return blocks < LIST_MIN ? LIST_MIN : blocks > LIST_MAX ? LIST_MAX : (uint32_t)blocks;
}

static uint32_t depot_limit(size_t class)
{
    size_t lists = DEPOT_BYTES / (freelist_limit(class) * heap_class_bytes(class));
    return lists > DEPOT_LISTS ? DEPOT_LISTS : (uint32_t)lists;
}

/* --- lists --- */

static void freelist_push(struct heap_list *l, void *block, size_t class)
{
    struct heap_block *b = block;
    b->next = l->head;
    l->head = b;
    l->count++;
    heap_poison(b, heap_class_bytes(class));
}

/* NULL: empty. */
static void *freelist_take(struct heap_list *l, size_t class)
{
    struct heap_block *b = l->head;
    if (!b)
        return NULL;
    l->head = b->next;
    l->count--;
    heap_unpoison(b, heap_class_bytes(class));
    return b;
}

/* The blocks of `from`, which becomes empty, move to the empty `to`; limits stay. */
static void freelist_move(struct heap_list *to, struct heap_list *from)
{
    to->head = from->head;
    to->count = from->count;
    from->head = NULL;
    from->count = 0;
}

/* Back to malloc: after a grace period where late readers look at the heads of the dead (reads.h). */
static void heap_give_back(void *block, size_t bytes)
{
    if (unlikely(reads_see_the_dead()))
        retire(block, bytes);
    else
        os_free(block);
}

static void freelist_release(struct heap_list *l, size_t class)
{
    void *block;
    while ((block = freelist_take(l, class)) != NULL)
        heap_give_back(block, heap_class_bytes(class));
}

/* --- the depot --- */

/* Takes over the list, which is empty afterwards. */
static void depot_put(struct heap_list *l, size_t class)
{
    struct heap_shared *s = &heap_shared[class];
    if (!l->head)
        return;
    os_lock(&s->lock);
    if (s->lists < depot_limit(class))
        freelist_move(&s->depot[s->lists++], l);
    os_unlock(&s->lock);
    freelist_release(l, class); /* what had no room */
}

/* Fills the empty list; leaves it empty when the depot is. */
static void depot_get(struct heap_list *l, size_t class)
{
    struct heap_shared *s = &heap_shared[class];
    os_lock(&s->lock);
    if (s->lists > 0)
        freelist_move(l, &s->depot[--s->lists]);
    os_unlock(&s->lock);
}

/* --- slow paths --- */

static void *locked_take(size_t class)
{
    struct heap_shared *s = &heap_shared[class];
    os_lock(&s->lock);
    void *block = freelist_take(&s->locked, class);
    os_unlock(&s->lock);
    return block;
}

static bool locked_give(void *block, size_t class)
{
    struct heap_shared *s = &heap_shared[class];
    os_lock(&s->lock);
    bool room = s->locked.count < LOCKED_MAX;
    if (room)
        freelist_push(&s->locked, block, class);
    os_unlock(&s->lock);
    return room;
}

static void *thread_take(size_t class)
{
    struct heap_list *free = &heap_self()->free[class], *spare = &heap_self()->spare[class];
    if (free->limit == 0) /* not started yet, or stopped already */
        return NULL;
    if (spare->head)
        freelist_move(free, spare);
    else
        depot_get(free, class);
    return freelist_take(free, class);
}

static bool thread_give(void *block, size_t class)
{
    struct heap_list *free = &heap_self()->free[class], *spare = &heap_self()->spare[class];
    if (free->limit == 0)
        return false;
    depot_put(spare, class);
    freelist_move(spare, free);
    freelist_push(free, block, class);
    return true;
}

/* A used block of that class, or NULL. */
static void *heap_reuse(size_t class)
{
    switch (heap_policy) {
    case HEAP_LOCKED: return locked_take(class);
    case HEAP_THREAD: return thread_take(class);
    default: return NULL;
    }
}

/* True: the block is on a list now. */
static bool heap_keep(void *block, size_t class)
{
    switch (heap_policy) {
    case HEAP_LOCKED: return locked_give(block, class);
    case HEAP_THREAD: return thread_give(block, class);
    default: return false;
    }
}

SLOW void *heap_alloc_slow(size_t bytes)
{
    void *block = bytes <= HEAP_MAX ? heap_reuse(heap_class(bytes)) : NULL;
    if (block) {
        rc_stat(alloc_reused);
    } else {
        block = os_alloc(bytes <= HEAP_MAX ? heap_class_bytes(heap_class(bytes)) : bytes);
        if (!block)
            return err_memory();
        rc_stat(alloc_fresh);
    }
    heap_self()->live++;
    return block;
}

SLOW void heap_free_slow(void *block, size_t bytes)
{
    heap_self()->live--;
    if (bytes > HEAP_MAX || !heap_keep(block, heap_class(bytes)))
        heap_give_back(block, bytes);
}

/* --- threads, start and stop --- */

API void heap_thread_start(struct thread *t)
{
    struct heap_thread *h = (struct heap_thread *)t;
    if (heap_policy == HEAP_THREAD)
        for (size_t class = 1; class < HEAP_CLASSES; class++)
            h->free[class].limit = freelist_limit(class);
    track_thread_start();
}

API void heap_thread_stop(struct thread *t)
{
    struct heap_thread *h = (struct heap_thread *)t;
    for (size_t class = 1; class < HEAP_CLASSES; class++) {
        h->free[class].limit = 0; /* from here on frees go to malloc: nobody would empty the lists again */
        depot_put(&h->free[class], class);
        depot_put(&h->spare[class], class);
    }
    borrowed_thread_stop(h);
    stack_thread_stop(h);
    defer_thread_stop(h);
    retire_flush();
    track_thread_stop(h);
    os_lock(&heap_ended.lock);
    heap_ended.live += h->live;
    os_unlock(&heap_ended.lock);
    h->live = 0;
    lock_statistics_publish(h);
    heap_map_publish(h);
}

API int64_t heap_live(void)
{
    struct thread *t;
    os_lock(&heap_ended.lock);
    int64_t live = heap_ended.live;
    os_unlock(&heap_ended.lock);
    thread_registry_lock();
    thread_registry_for_each(t)
        live += ((struct heap_thread *)t)->live;
    thread_registry_unlock();
    return live;
}

API int heap_start(enum heap_policy policy)
{
    if (!os_use_mimalloc(policy == HEAP_MIMALLOC))
        return -1;
    heap_policy = policy;
    heap_ended.live = 0;
    return 0;
}

API void heap_stop(void)
{
    for (size_t class = 1; class < HEAP_CLASSES; class++) {
        struct heap_shared *s = &heap_shared[class];
        freelist_release(&s->locked, class);
        while (s->lists > 0)
            freelist_release(&s->depot[--s->lists], class);
    }
}
