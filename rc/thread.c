/*
 * thread.c -- the thread registry, attach and detach, the slow safepoint. Included by the instance unit after rc.h.
 *
 * Lock order: thread_registry.lock is a leaf, except that a strategy may take its own leaf lock inside it (buffered).
 */
#include "rc.h"

#ifdef RC_HOSTILE
enum { REGISTRY_BUCKETS = 1 }; /* everybody is in everybody's way */
#else
enum { REGISTRY_BUCKETS = 256 };
#endif

static struct {
    struct os_mutex lock; /* writers of everything here */
    uint32_t last_key;
    size_t thread_bytes;
    void (*started)(struct thread *);
    void (*stopped)(struct thread *);
    void (*collect)(void);
    void (*retire)(void);
    void (*ending)(void);
    struct section *(*sections_set_aside)(void);
    void (*sections_bring_back)(struct section *);
    void (*borrowed_drop)(void);
    _Atomic(struct thread *) bucket[REGISTRY_BUCKETS]; /* by key; readers: RCU */
    uint64_t total[RC_STAT_COUNT];                  /* counts of ended threads */
} thread_registry = {.lock = OS_MUTEX_INIT};

/* the rest of this file asks them, and they the registry */
#include "stop.c"
#include "gil_switch.c"

API void thread_registry_lock(void) { os_lock(&thread_registry.lock); }
API void thread_registry_unlock(void) { os_unlock(&thread_registry.lock); }

API void thread_configure(size_t bytes, void (*started)(struct thread *), void (*stopped)(struct thread *))
{
    thread_registry.thread_bytes = bytes;
    thread_registry.started = started;
    thread_registry.stopped = stopped;
    if (!thread_registry_all.next)
        CDS_INIT_LIST_HEAD(&thread_registry_all);
}

API void thread_configure_collect(void (*collect)(void)) { thread_registry.collect = collect; }

API void thread_configure_retire(void (*flush)(void)) { thread_registry.retire = flush; }
API void thread_configure_ending(void (*ending)(void)) { thread_registry.ending = ending; }

API void thread_configure_sections(struct section *(*set_aside)(void), void (*bring_back)(struct section *))
{
    thread_registry.sections_set_aside = set_aside;
    thread_registry.sections_bring_back = bring_back;
}

API void thread_configure_borrowed(void (*drop)(void)) { thread_registry.borrowed_drop = drop; }

static void thread_drop_borrowed(struct thread *t)
{
    if (likely(!t->borrowed))
        return;
    t->borrowed = false;
    thread_registry.borrowed_drop();
}

API void thread_ask_borrowed(void)
{
    if (rt_self->borrowed)
        return;
    rt_self->borrowed = true;
    atomic_fetch_or_explicit(&rt_self->breaker, BREAK_BORROWED, memory_order_relaxed); /* relaxed: the thread tells itself */
}

/* Gives the thread an id and makes it findable; false: all ids are used up. */
static bool thread_register(struct thread *t)
{
    bool room;
    os_lock(&thread_registry.lock);
    room = thread_registry.last_key < THREAD_ID_ENDING - 1;
    if (room) {
        t->id = t->key = ++thread_registry.last_key;
        t->registered = true;
        _Atomic(struct thread *) *bucket = &thread_registry.bucket[t->key % REGISTRY_BUCKETS];
        /* relaxed: only writers change it, and they hold the lock */
        struct thread *first = atomic_load_explicit(bucket, memory_order_relaxed);
        atomic_store_explicit(&t->next_by_key, first, memory_order_relaxed); /* relaxed: published by the next store */
        atomic_store_explicit(bucket, t, memory_order_release); /* (T3) release: a finder (T3) sees the thread's fields */
        cds_list_add_tail(&t->all, &thread_registry_all);
    }
    os_unlock(&thread_registry.lock);
    return room;
}

static void thread_free(struct thread *t)
{
    os_rcu_thread_stop();
    rt_self = NULL;
    os_free(t);
}

API int thread_begin(void)
{
    struct thread *t = os_alloc_aligned(CACHE_LINE, (thread_registry.thread_bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    if (!t)
        return -1;
    memset(t, 0, thread_registry.thread_bytes);
    atomic_init(&t->state, THREAD_DETACHED);
    os_rcu_thread_start();
    rt_self = t;
    if (rc_thread_start(t) != 0 || !thread_register(t)) {
        thread_free(t);
        return -1;
    }
    thread_attach();
    if (thread_registry.started)
        thread_registry.started(t);
    return 0;
}

/* Readers may stand on `t` and go on from it: its own link stays as it is until the grace period is over. */
static void thread_unlink(struct thread *t)
{
    _Atomic(struct thread *) *at = &thread_registry.bucket[t->key % REGISTRY_BUCKETS];
    struct thread *found;
    /* relaxed, all loads here: only writers change the chain, and they hold the lock */
    while ((found = atomic_load_explicit(at, memory_order_relaxed)) != t)
        at = &found->next_by_key;
    struct thread *next = atomic_load_explicit(&t->next_by_key, memory_order_relaxed);
    /* (T3) release: a finder that comes past `t` to the next thread sees that one's fields */
    atomic_store_explicit(at, next, memory_order_release);
}

API void thread_unregister(void)
{
    struct thread *t = rt_self;
    if (!t->registered)
        return;
    os_lock(&thread_registry.lock);
    thread_unlink(t);
    t->registered = false;
    os_unlock(&thread_registry.lock);
    os_rcu_synchronize();
}

/* The thread's last step: nobody waits for it from here on. */
static void thread_leave(struct thread *t)
{
    os_lock(&thread_registry.lock);
    cds_list_del(&t->all);
#if RC_STATISTICS
    for (int i = 0; i < RC_STAT_COUNT; i++) /* last: an ending thread still counts after it has unregistered */
        thread_registry.total[i] += t->counts.value[i];
#endif
    os_unlock(&thread_registry.lock);
    stop_notify();
}

API void thread_end(void)
{
    struct thread *t = rt_self;
    /* relaxed: no other thread attaches or detaches this one */
    if (atomic_load_explicit(&t->state, memory_order_relaxed) != THREAD_ATTACHED)
        thread_attach();
    assert(!t->section);
    if (thread_registry.ending)
        thread_registry.ending();
    thread_drop_borrowed(t);
    rc_thread_stop(t); /* the strategy's last refcount operations; it may unregister at the point its protocol needs */
    if (thread_registry.stopped)
        thread_registry.stopped(t);
    rc_detach(t);
    thread_unregister();
    gil_give_back(t);
    thread_leave(t);
    thread_free(t);
}

API void thread_break_others(uint32_t why)
{
    struct thread *t;
    os_lock(&thread_registry.lock);
    thread_registry_for_each(t)
        if (t != rt_self)
            thread_break(t, why);
    os_unlock(&thread_registry.lock);
}

API uint64_t thread_counter_total(enum rc_counter which)
{
    os_lock(&thread_registry.lock);
    uint64_t total = thread_registry.total[which];
    os_unlock(&thread_registry.lock);
    return total;
}

/* Detached, but something came in just before: attached again, unless somebody already acts in this thread's place. */
static bool thread_take_back(struct thread *t)
{
    uint32_t state = THREAD_DETACHED;
    /* (T2) acquire: as thread_attach; relaxed on failure: somebody has suspended it and does the work */
    return rc_has_deferred(t) && atomic_compare_exchange_strong_explicit(&t->state, &state, THREAD_ATTACHED,
                                                                         memory_order_acquire, memory_order_relaxed);
}

API void thread_detach(void)
{
    thread_drop_borrowed(rt_self);
    thread_detach_inside();
}

API void thread_detach_inside(void)
{
    struct thread *t = rt_self;
    /* out of sight of the destructors that run here: to them a section that has let go of its locks is none, and none is brought back */
    struct section *sections = unlikely(t->section != NULL) ? thread_registry.sections_set_aside() : NULL;
    do {
        rc_detach(t);
        /* after it: what dies there may retire large blocks. relaxed: the thread's own request */
        if (unlikely(atomic_load_explicit(&t->breaker, memory_order_relaxed) & BREAK_RETIRE))
            thread_registry.retire();
        /* (T1) release: who suspends this thread sees what it did. seq_cst, and the fence in rc_has_deferred: the look at
         * the queue must not move before this store (Dekker with the enqueuer, who enqueues and then reads the state) */
        atomic_store_explicit(&t->state, THREAD_DETACHED, memory_order_seq_cst);
    } while (unlikely(thread_take_back(t)));
    t->section = sections;
    gil_give_back(t);
    stop_notify();
}

/* detached -> attached, after whoever acts in this thread's place. */
static void thread_become_attached(struct thread *t)
{
    uint32_t state = THREAD_DETACHED;
    /* (T2) acquire: sees what was done in its place before the resume's release. seq_cst: (S1) the look at stop.wanted comes
     * after it */
    while (!atomic_compare_exchange_strong_explicit(&t->state, &state, THREAD_ATTACHED, memory_order_seq_cst,
                                                    memory_order_relaxed)) {
        os_park(&t->state, THREAD_SUSPENDED, -1);
        state = THREAD_DETACHED;
    }
}

API void thread_attach(void)
{
    struct thread *t = rt_self;
    bool stop;
    thread_become_attached(t);
    while (unlikely((stop = stop_is_wanted()) || gil_is_missing(t))) {
        /* (T1) release: as thread_detach; seq_cst: (S1) stop_notify's look at stop.wanted comes after it */
        atomic_store_explicit(&t->state, THREAD_DETACHED, memory_order_seq_cst);
        stop_notify();
        if (stop)
            stop_wait_for_start();
        else
            gil_wait_and_take(t);
        thread_become_attached(t);
    }
    rc_attach(t);
    thread_resume_sections(t);
}

API bool thread_try_attach(void)
{
    struct thread *t = rt_self;
    uint32_t state = THREAD_DETACHED;
    /* (T2), (S1): as thread_become_attached; relaxed on failure: still detached */
    if (!atomic_compare_exchange_strong_explicit(&t->state, &state, THREAD_ATTACHED, memory_order_seq_cst, memory_order_relaxed))
        return false;
    if (unlikely(stop_is_wanted() || (gil_is_missing(t) && !gil_try(t)))) {
        /* (T1), (S1): as thread_attach */
        atomic_store_explicit(&t->state, THREAD_DETACHED, memory_order_seq_cst);
        stop_notify();
        return false;
    }
    rc_attach(t);
    return true;
}

API bool thread_suspend(struct thread *t)
{
    uint32_t state = THREAD_DETACHED;
    /* (T1) acquire: sees what the thread did before it detached. seq_cst: reads the state after the caller's enqueue */
    return atomic_compare_exchange_strong_explicit(&t->state, &state, THREAD_SUSPENDED, memory_order_seq_cst,
                                                   memory_order_seq_cst);
}

API void thread_resume(struct thread *t)
{
    /* (T2) release: the thread's attach sees what was done in its place */
    atomic_store_explicit(&t->state, THREAD_DETACHED, memory_order_seq_cst); /* seq_cst: (S1), as thread_detach */
    os_unpark(&t->state, 1);
    stop_notify(); /* who stops the world may have found it suspended by us */
}

API struct thread *thread_find(uint32_t key)
{
    /* (T3) acquire, both loads: sees the fields of a thread that was published by a release (T3) */
    struct thread *t = atomic_load_explicit(&thread_registry.bucket[key % REGISTRY_BUCKETS], memory_order_acquire);
    while (t && t->key != key)
        t = atomic_load_explicit(&t->next_by_key, memory_order_acquire);
    return t;
}

SLOW void rt_safepoint_slow(void)
{
    struct thread *t = rt_self;
    /* relaxed: the requests' data travel by queue or lock */
    uint32_t why = atomic_exchange_explicit(&t->breaker, 0, memory_order_relaxed);
    thread_drop_borrowed(t);
    if (why == BREAK_BORROWED)
        return; /* nobody had asked for anything until the exchange; who asks after it sets a bit again */
    /* seq_cst fence: the flag is cleared before the queues are looked at; pairs with the fence in thread_break */
    atomic_thread_fence(memory_order_seq_cst);
    rc_safepoint(t);
    if (unlikely(why & BREAK_RETIRE))
        thread_registry.retire();
    if (unlikely(stop_is_wanted())) {
        thread_detach();
        thread_attach(); /* after the start */
    }
    if (unlikely(why & BREAK_GIL))
        gil_yield(t);
    if (unlikely(why & BREAK_COLLECT) && thread_registry.collect)
        thread_registry.collect();
}
