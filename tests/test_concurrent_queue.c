/*
 * test_concurrent_queue.c -- the unbounded and the bounded queue: order, deadlines, shutdown, tasks; alone and with many threads.
 * Faults of the original that must be absent (issue 6): a timed-out pop that loses its item, a timeout that begins anew with each wake,
 * ShutDown and Empty confused. What needs every interleaving is in tests/scenarios/concurrent-queue.c and bounded-queue.c.
 */
#include "../gc/collect.h"
#include "../objects/bounded_queue.h"
#include "../objects/concurrent_queue.h"
#include "../objects/section.h"
#include "build.h"
#include "linearizability.h"
#include "threads.h"

enum { CQ_MS = 1000000 };

static struct obj *cq_new(void) { return own(concurrent_queue_new(4)); }
static void cq_push(struct obj *q, int64_t value) { cr_assert_eq(concurrent_queue_push(q, num(value)), 0); }
static int64_t cq_pop(struct obj *q) { return value_of(own(concurrent_queue_pop(q, 0))); }
static void cq_fill(struct obj *q, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++)
        cq_push(q, i);
}

/* Nobody holds the lock of a queue of either kind. */
static bool cq_is_released(struct obj *o)
{
    struct lock *l = (struct lock *)((struct container *)o + 1);
    if (!lock_try(l))
        return false;
    lock_release(l);
    return true;
}

/* --- the unbounded queue, one thread --- */

TEST(concurrent_queue_is_first_in_first_out)
{
    struct obj *q = cq_new();
    cq_fill(q, 0, 100);
    for (int64_t i = 0; i < 100; i++)
        cr_assert_eq(cq_pop(q), i);
    drop_owned();
}

TEST(concurrent_queue_keeps_order_when_pushes_and_pops_alternate)
{
    struct obj *q = cq_new();
    int64_t next = 0;
    for (int64_t i = 0; i < 200; i++) {
        cq_push(q, i);
        if (i % 3 == 0)
            cr_assert_eq(cq_pop(q), next++);
    }
    for (; next < 200; next++)
        cr_assert_eq(cq_pop(q), next);
    drop_owned();
}

TEST(concurrent_queue_size_and_empty_follow_pushes_and_pops)
{
    struct obj *q = cq_new();
    cr_assert(concurrent_queue_size(q) == 0 && concurrent_queue_empty(q) == 1);
    cq_fill(q, 0, 3);
    cr_assert(concurrent_queue_size(q) == 3 && concurrent_queue_empty(q) == 0);
    cq_pop(q);
    cr_assert_eq(concurrent_queue_size(q), 2);
    cq_pop(q);
    cq_pop(q);
    cr_assert(concurrent_queue_size(q) == 0 && concurrent_queue_empty(q) == 1);
    drop_owned();
}

TEST(pop_of_an_empty_queue_says_empty_at_once)
{
    struct obj *q = cq_new();
    cr_assert(!concurrent_queue_pop(q, 0) && raised(ERR_EMPTY, "Empty"));
    cq_push(q, 1);
    cq_pop(q);
    cr_assert(!concurrent_queue_pop(q, 0) && raised(ERR_EMPTY, "empty"));
    cr_assert(cq_is_released(q));
    drop_owned();
}

TEST(pop_waits_its_time_and_not_less)
{
    struct obj *q = cq_new();
    int64_t start = os_now();
    cr_assert(!concurrent_queue_pop(q, 5 * CQ_MS) && raised(ERR_EMPTY, "empty"));
    cr_assert_geq(os_now() - start, 5 * CQ_MS);
    cr_assert_eq(concurrent_queue_size(q), 0);
    drop_owned();
}

TEST(timeouts_that_overflow_are_for_ever_and_find_what_is_there)
{
    struct obj *q = cq_new();
    cq_push(q, 1);
    cr_assert_eq(value_of(own(concurrent_queue_pop(q, INT64_MAX))), 1);
    cq_push(q, 2);
    cr_assert_eq(value_of(own(concurrent_queue_pop(q, INT64_MIN))), 2);
    cr_assert(wait_deadline(INT64_MAX) == WAIT_FOREVER && wait_deadline(-1) == WAIT_FOREVER && wait_deadline(0) == WAIT_NOT);
    drop_owned();
}

TEST(shutdown_drains_and_then_says_shutdown)
{
    struct obj *q = cq_new();
    cq_fill(q, 0, 3);
    cr_assert_eq(concurrent_queue_shutdown(q, false), 0);
    cr_assert(concurrent_queue_push(q, num(9)) == -1 && raised(ERR_SHUTDOWN, "ShutDown"));
    for (int64_t i = 0; i < 3; i++)
        cr_assert_eq(cq_pop(q), i);
    cr_assert(!concurrent_queue_pop(q, 0) && raised(ERR_SHUTDOWN, "shut down"));
    cr_assert(!concurrent_queue_pop(q, -1) && raised(ERR_SHUTDOWN, "shut down"), "no wait for what cannot come");
    cr_assert(!concurrent_queue_pop(q, 3600 * (int64_t)1000 * CQ_MS) && raised(ERR_SHUTDOWN, "shut down"));
    drop_owned();
}

TEST(immediate_shutdown_drops_what_is_left)
{
    struct obj *q = cq_new(), *item = text("left behind, and not immortal");
    cr_assert_eq(concurrent_queue_push(q, item), 0);
    cr_assert_eq(count_of(item), 2);
    cr_assert_eq(concurrent_queue_shutdown(q, true), 0);
    cr_assert_eq(count_of(item), 1);
    cr_assert(concurrent_queue_size(q) == 0 && concurrent_queue_empty(q) == 1);
    cr_assert(!concurrent_queue_pop(q, -1) && raised(ERR_SHUTDOWN, "shut down"));
    cr_assert(concurrent_queue_push(q, item) == -1 && raised(ERR_SHUTDOWN, "shut down"));
    cr_assert_eq(count_of(item), 1);
    drop_owned();
}

TEST(shutdown_twice_is_once_and_a_later_one_may_be_immediate)
{
    struct obj *q = cq_new();
    cq_fill(q, 0, 3);
    cr_assert(concurrent_queue_shutdown(q, false) == 0 && concurrent_queue_shutdown(q, false) == 0);
    cr_assert_eq(cq_pop(q), 0);
    cr_assert_eq(concurrent_queue_shutdown(q, true), 0);
    cr_assert(!concurrent_queue_pop(q, 0) && raised(ERR_SHUTDOWN, "shut down"));
    cr_assert_eq(concurrent_queue_size(q), 0);
    drop_owned();
}

TEST(concurrent_queue_hands_its_own_reference_over)
{
    struct obj *q = cq_new(), *item = text("counted");
    for (int i = 0; i < 3; i++)
        cr_assert_eq(concurrent_queue_push(q, item), 0);
    cr_assert_eq(count_of(item), 4);
    cr_assert_eq(own(concurrent_queue_pop(q, 0)), item);
    cr_assert_eq(count_of(item), 4);
    drop_owned();
}

TEST(concurrent_queue_that_dies_full_drops_its_items)
{
    struct obj *item = text("inside"), *q = concurrent_queue_new(1);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(concurrent_queue_push(q, item), 0);
    obj_decref(q);
    cr_assert_eq(count_of(item), 1);
    drop_owned();
}

TEST(concurrent_queue_takes_scaling_in_its_range)
{
    cr_assert(!concurrent_queue_new(0) && raised(ERR_VALUE, "not 0"));
    cr_assert(!concurrent_queue_new(-3) && raised(ERR_VALUE, "not -3"));
    cr_assert(!concurrent_queue_new(CONCURRENT_QUEUE_SCALING_MAX + 1) && raised(ERR_VALUE, "from 1 to 64"));
    for (int64_t scaling = 1; scaling <= CONCURRENT_QUEUE_SCALING_MAX; scaling *= 4) {
        struct obj *q = own(concurrent_queue_new(scaling));
        cq_fill(q, 0, 10);
        cr_assert_eq(concurrent_queue_size(q), 10);
        cr_assert_eq(cq_pop(q), 0);
    }
    drop_owned();
}

TEST(concurrent_queue_names_the_wrong_type)
{
    struct obj *wrong = num(1);
    cr_assert(concurrent_queue_push(wrong, wrong) == -1 && raised(ERR_TYPE, "expected concurrent queue, not int"));
    cr_assert(!concurrent_queue_pop(wrong, 0) && raised(ERR_TYPE, "not int"));
    cr_assert(concurrent_queue_size(wrong) == -1 && raised(ERR_TYPE, "not int"));
    cr_assert(concurrent_queue_empty(wrong) == -1 && raised(ERR_TYPE, "not int"));
    cr_assert(concurrent_queue_shutdown(wrong, true) == -1 && raised(ERR_TYPE, "not int"));
    drop_owned();
}

TEST(concurrent_queue_without_memory_changes_nothing)
{
    struct obj *q = NULL, *item = text("item");
    for (int at = 1; !q; at++) {
        os_fault_plan(at, false);
        q = concurrent_queue_new(2);
        os_fault_plan(0, false);
        cr_assert(q || raised(ERR_MEMORY, "memory"));
        cr_assert_lt(at, 10);
    }
    own(q);
    os_fault_plan(1, true);
    cr_assert_eq(concurrent_queue_push(q, item), -1);
    os_fault_plan(0, false);
    cr_assert(raised(ERR_MEMORY, "memory") && concurrent_queue_size(q) == 0 && count_of(item) == 1);
    cr_assert(concurrent_queue_push(q, item) == 0 && own(concurrent_queue_pop(q, 0)) == item);
    drop_owned();
}

TEST(collector_sees_through_both_queues)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_THREAD, .track = TRACK_THREAD};
    cr_assert_eq(objects_start(&config), 0);
    gc_start();
    struct obj *q = concurrent_queue_new(1), *b = bounded_queue_new(0);
    cr_assert(concurrent_queue_push(q, q) == 0 && concurrent_queue_push(q, b) == 0 && bounded_queue_put(b, q, 0) == 0);
    cr_assert(children_of(q) == 2 && children_of(b) == 1);
    obj_decref(q);
    obj_decref(b);
    gc_collect();
    rc_drain();
}

/* --- the bounded queue, one thread --- */

static struct obj *bq_new(int64_t maxsize) { return own(bounded_queue_new(maxsize)); }
static void bq_put(struct obj *q, int64_t value) { cr_assert_eq(bounded_queue_put(q, num(value), 0), 0); }
static int64_t bq_get(struct obj *q) { return value_of(own(bounded_queue_get(q, 0))); }

TEST(bounded_queue_is_first_in_first_out_around_its_ring)
{
    struct obj *q = bq_new(5);
    int64_t in = 0, out = 0;
    for (int round = 0; round < 40; round++) {
        while (bounded_queue_size(q) < 1 + round % 5)
            bq_put(q, in++);
        while (bounded_queue_size(q) > round % 3)
            cr_assert_eq(bq_get(q), out++);
    }
    while (out < in)
        cr_assert_eq(bq_get(q), out++);
    drop_owned();
}

TEST(bounded_queue_refuses_what_exceeds_its_bound)
{
    for (int64_t maxsize = 1; maxsize <= 40; maxsize += 13) {
        struct obj *q = bq_new(maxsize), *item = text("one too many");
        for (int64_t i = 0; i < maxsize; i++) {
            cr_assert_eq(bounded_queue_full(q), 0);
            bq_put(q, i);
        }
        cr_assert_eq(bounded_queue_full(q), 1);
        cr_assert(bounded_queue_put(q, item, 0) == -1 && raised(ERR_FULL, "Full"));
        cr_assert(bounded_queue_put(q, item, CQ_MS) == -1 && raised(ERR_FULL, "the queue is full"));
        cr_assert(bounded_queue_size(q) == maxsize && count_of(item) == 1 && bounded_queue_unfinished(q) == maxsize);
        cr_assert_eq(bq_get(q), 0);
        cr_assert_eq(bounded_queue_put(q, item, 0), 0);
        cr_assert_eq((int64_t)((struct bounded_queue *)q)->ring.places, maxsize);
    }
    drop_owned();
}

TEST(queue_without_a_bound_is_never_full)
{
    for (int64_t maxsize = 0; maxsize >= -7; maxsize -= 7) {
        struct obj *q = bq_new(maxsize);
        for (int64_t i = 0; i < 500; i++)
            bq_put(q, i);
        cr_assert(bounded_queue_full(q) == 0 && bounded_queue_size(q) == 500);
    }
    drop_owned();
}

TEST(get_from_an_empty_bounded_queue_says_empty_in_its_time)
{
    struct obj *q = bq_new(1);
    cr_assert(!bounded_queue_get(q, 0) && raised(ERR_EMPTY, "Empty"));
    int64_t start = os_now();
    cr_assert(!bounded_queue_get(q, 3 * CQ_MS) && raised(ERR_EMPTY, "the queue is empty"));
    cr_assert_geq(os_now() - start, 3 * CQ_MS);
    bq_put(q, 1);
    start = os_now();
    cr_assert(bounded_queue_put(q, num(2), 3 * CQ_MS) == -1 && raised(ERR_FULL, "full"));
    cr_assert_geq(os_now() - start, 3 * CQ_MS);
    cr_assert(cq_is_released(q));
    drop_owned();
}

TEST(task_done_comes_once_for_each_item_that_was_got)
{
    struct obj *q = bq_new(0);
    cr_assert(bounded_queue_task_done(q) == -1 && raised(ERR_VALUE, "too many times"));
    bq_put(q, 1);
    bq_put(q, 2);
    cr_assert(bounded_queue_task_done(q) == -1 && raised(ERR_VALUE, "too many times"), "nobody has got one");
    bq_get(q);
    cr_assert(bounded_queue_unfinished(q) == 2 && bounded_queue_task_done(q) == 0 && bounded_queue_unfinished(q) == 1);
    cr_assert(bounded_queue_task_done(q) == -1 && raised(ERR_VALUE, "too many times"));
    bq_get(q);
    cr_assert_eq(bounded_queue_task_done(q), 0);
    cr_assert(bounded_queue_task_done(q) == -1 && raised(ERR_VALUE, "too many times"));
    cr_assert(bounded_queue_unfinished(q) == 0 && cq_is_released(q));
    drop_owned();
}

TEST(join_ends_with_the_last_task_and_not_before)
{
    struct obj *q = bq_new(0);
    cr_assert_eq(bounded_queue_join(q, -1), 1, "there is nothing to wait for");
    bq_put(q, 1);
    cr_assert_eq(bounded_queue_join(q, 0), 0);
    bq_get(q);
    cr_assert_eq(bounded_queue_join(q, CQ_MS), 0, "got, but not done");
    cr_assert_eq(bounded_queue_task_done(q), 0);
    cr_assert_eq(bounded_queue_join(q, -1), 1);
    drop_owned();
}

TEST(shut_bounded_queue_drains_and_keeps_its_tasks)
{
    struct obj *q = bq_new(2);
    bq_put(q, 0);
    bq_put(q, 1);
    cr_assert_eq(bounded_queue_shutdown(q, false), 0);
    cr_assert(bounded_queue_put(q, q, -1) == -1 && raised(ERR_SHUTDOWN, "ShutDown"), "not Full, and no wait");
    cr_assert(bq_get(q) == 0 && bq_get(q) == 1);
    cr_assert(!bounded_queue_get(q, -1) && raised(ERR_SHUTDOWN, "shut down"));
    cr_assert(bounded_queue_join(q, 0) == 0 && bounded_queue_task_done(q) == 0 && bounded_queue_task_done(q) == 0);
    cr_assert_eq(bounded_queue_join(q, -1), 1);
    drop_owned();
}

TEST(immediate_shutdown_of_a_bounded_queue_drops_items_and_their_tasks)
{
    struct obj *q = bq_new(0), *item = text("dropped");
    bq_put(q, 0);
    cr_assert(bounded_queue_put(q, item, 0) == 0 && bounded_queue_put(q, item, 0) == 0);
    bq_get(q);
    cr_assert_eq(bounded_queue_shutdown(q, true), 0);
    cr_assert(count_of(item) == 1 && bounded_queue_size(q) == 0 && bounded_queue_unfinished(q) == 1);
    cr_assert(!bounded_queue_get(q, -1) && raised(ERR_SHUTDOWN, "shut down"));
    cr_assert(bounded_queue_join(q, 0) == 0 && bounded_queue_task_done(q) == 0 && bounded_queue_join(q, -1) == 1, "the one that was got");
    drop_owned();
}

TEST(bounded_queue_keeps_the_counts_of_its_items)
{
    struct obj *item = text("counted"), *q = bounded_queue_new(3);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(bounded_queue_put(q, item, 0), 0);
    cr_assert_eq(count_of(item), 4);
    cr_assert(own(bounded_queue_get(q, 0)) == item && count_of(item) == 4);
    obj_decref(q);
    cr_assert_eq(count_of(item), 2);
    drop_owned();
}

TEST(bounded_queue_names_the_wrong_type)
{
    struct obj *wrong = cq_new();
    cr_assert(bounded_queue_put(wrong, wrong, 0) == -1 && raised(ERR_TYPE, "expected bounded queue, not concurrent queue"));
    cr_assert(!bounded_queue_get(wrong, 0) && raised(ERR_TYPE, ""));
    cr_assert(bounded_queue_size(wrong) == -1 && raised(ERR_TYPE, "") && bounded_queue_full(wrong) == -1 && raised(ERR_TYPE, ""));
    cr_assert(bounded_queue_task_done(wrong) == -1 && raised(ERR_TYPE, "") && bounded_queue_join(wrong, 0) == -1 && raised(ERR_TYPE, ""));
    cr_assert(bounded_queue_shutdown(wrong, true) == -1 && raised(ERR_TYPE, "") && bounded_queue_unfinished(wrong) == -1);
    drop_owned();
}

TEST(bounded_queue_without_memory_changes_nothing)
{
    struct obj *q = bq_new(0), *item = text("item");
    int64_t put = 0, refused = 0;
    while (put < 70) {
        os_fault_plan(1, false);
        int failed = bounded_queue_put(q, item, 0);
        os_fault_plan(0, false);
        if (failed) {
            refused++;
            cr_assert(raised(ERR_MEMORY, "memory") && bounded_queue_size(q) == put && bounded_queue_unfinished(q) == put);
            cr_assert_eq(bounded_queue_put(q, item, 0), 0);
        }
        put++;
    }
    cr_assert(refused > 0 && count_of(item) == 71 && cq_is_released(q));
    drop_owned();
}

#if !RC_UNSAFE

/* --- the unbounded queue, many threads --- */

enum { CQ_ITEMS = 4000, CQ_PUSHERS = 3, CQ_POPPERS = 4 };
struct cq_share {
    struct obj *q;
    _Atomic int seen[CQ_ITEMS * CQ_PUSHERS];
    _Atomic int64_t popped, late;
    _Atomic int pushers; /* that are not done */
    int items;           /* of each pusher */
};
static struct cq_share cq_share;

static void cq_share_begin(int items, int pushers)
{
    memset(&cq_share, 0, sizeof cq_share);
    cq_share.q = own(concurrent_queue_new(CQ_PUSHERS));
    cq_share.items = items;
    atomic_store_explicit(&cq_share.pushers, pushers, memory_order_relaxed); /* relaxed: threads begin later */
}

/* relaxed, all counts here: read after the joins */
static const char *cq_note(struct obj *item)
{
    int64_t value = -1;
    if (int_value(item, &value) != 0 || value < 0 || value >= CQ_ITEMS * CQ_PUSHERS)
        return "a strange item";
    obj_decref(item);
    atomic_fetch_add_explicit(&cq_share.popped, 1, memory_order_relaxed);
    return atomic_fetch_add_explicit(&cq_share.seen[value], 1, memory_order_relaxed) ? "an item came twice" : NULL;
}
static const char *cq_push_items(int pusher, int64_t pause_every)
{
    for (int i = 0; i < cq_share.items; i++) {
        struct obj *item = int_new(pusher * cq_share.items + i);
        if (!item || concurrent_queue_push(cq_share.q, item) != 0)
            return "a push failed";
        obj_decref(item);
        if (pause_every && i % pause_every == 0) {
            thread_detach();
            os_wait_until(os_now() + 3 * CQ_MS); /* slow, so that poppers give up now and then; nothing hangs on how often */
            thread_attach();
        }
        rt_safepoint();
    }
    if (atomic_fetch_sub_explicit(&cq_share.pushers, 1, memory_order_acq_rel) == 1) /* acq_rel: the last has all before it */
        return concurrent_queue_shutdown(cq_share.q, false) == 0 ? NULL : "the shutdown failed";
    return NULL;
}
/* Pops until the shutdown; every value once, of each pusher in order. */
static const char *cq_pop_items(int64_t timeout_ns)
{
    int64_t last[CQ_PUSHERS] = {-1, -1, -1};
    for (;;) {
        struct obj *item = concurrent_queue_pop(cq_share.q, timeout_ns);
        int64_t value;
        rt_safepoint();
        if (!item) {
            enum err why = err_take();
            if (why == ERR_SHUTDOWN)
                return NULL;
            if (why != ERR_EMPTY || timeout_ns < 0)
                return "a pop failed";
            atomic_fetch_add_explicit(&cq_share.late, 1, memory_order_relaxed);
            continue;
        }
        int_value(item, &value);
        if (value <= last[value / cq_share.items])
            return "out of order";
        last[value / cq_share.items] = value;
        const char *verdict = cq_note(item);
        if (verdict)
            return verdict;
    }
}
static void cq_share_check(int pushers)
{
    cr_assert_eq(atomic_load_explicit(&cq_share.popped, memory_order_relaxed), pushers * cq_share.items);
    for (int i = 0; i < pushers * cq_share.items; i++)
        cr_assert_eq(atomic_load_explicit(&cq_share.seen[i], memory_order_relaxed), 1, "item %d", i);
    cr_assert(concurrent_queue_size(cq_share.q) == 0 && concurrent_queue_empty(cq_share.q) == 1);
}

static const char *cq_crowd(struct threads_arg *a)
{
    return a->index < CQ_PUSHERS ? cq_push_items(a->index, 0) : cq_pop_items(-1);
}
TEST(pushers_and_poppers_lose_nothing_and_keep_each_pushers_order)
{
    cq_share_begin(CQ_ITEMS / 4, CQ_PUSHERS);
    cr_assert_null(threads_run(CQ_PUSHERS + 2, cq_crowd, NULL));
    cq_share_check(CQ_PUSHERS);
    drop_owned();
}

static const char *cq_patient(struct threads_arg *a)
{
    return a->index == 0 ? cq_push_items(0, 10) : cq_pop_items(10 * CQ_MS);
}
/* The original lost the item of a pop that timed out. */
TEST(four_poppers_with_ten_milliseconds_lose_nothing_of_a_slow_pusher)
{
    cq_share_begin(300, 1);
    cr_assert_null(threads_run(1 + CQ_POPPERS, cq_patient, NULL));
    cq_share_check(1);
    drop_owned();
}

static const char *cq_hurried(struct threads_arg *a)
{
    return a->index == 0 ? cq_push_items(0, 0) : cq_pop_items(1000);
}
TEST(pops_that_are_late_all_the_time_lose_nothing)
{
    cq_share_begin(CQ_ITEMS, 1);
    cr_assert_null(threads_run(1 + CQ_POPPERS, cq_hurried, NULL));
    cq_share_check(1);
    drop_owned();
}

/* Waits until so many threads are inside a wait of that queue. */
static void cq_await(struct wait *w, uint32_t threads)
{
    thread_detach();
    /* relaxed: a count to wait for */
    while (atomic_load_explicit(&w->waiting, memory_order_relaxed) < threads)
        os_yield();
    thread_attach();
}

static const char *cq_shut_waiters(struct threads_arg *a)
{
    struct concurrent_queue *q = a->shared;
    if (a->index == 0) {
        cq_await(&q->filled, (uint32_t)a->count - 1);
        return concurrent_queue_shutdown(a->shared, a->count % 2) == 0 ? NULL : "the shutdown failed";
    }
    struct obj *item = concurrent_queue_pop(a->shared, -1);
    return !item && err_take() == ERR_SHUTDOWN ? NULL : "a waiter was not told of the shutdown";
}
TEST(shutdown_wakes_every_waiter)
{
    for (int threads = 4; threads <= 9; threads += 5) {
        struct obj *q = cq_new();
        cr_assert_null(threads_run(threads, cq_shut_waiters, q));
        cr_assert_eq(concurrent_queue_push(q, q), -1);
        err_take();
    }
    drop_owned();
}

/* Notices without items: a timeout that began anew with each would never end. */
static const char *cq_notify_in_vain(struct threads_arg *a)
{
    struct concurrent_queue *q = a->shared;
    if (a->index == 0) {
        struct obj *item = concurrent_queue_pop(a->shared, 30 * CQ_MS);
        atomic_store_explicit(&cq_share.pushers, 1, memory_order_relaxed); /* relaxed: a flag */
        return !item && err_take() == ERR_EMPTY ? NULL : "something came";
    }
    while (atomic_load_explicit(&cq_share.pushers, memory_order_relaxed) == 0) { /* relaxed: a flag */
        wait_all(&q->filled);
        rt_safepoint();
    }
    return NULL;
}
TEST(endless_notices_do_not_keep_a_pop_from_ending)
{
    struct obj *q = cq_new();
    cq_share_begin(0, 0);
    cr_assert_null(threads_run(2, cq_notify_in_vain, q));
    drop_owned();
}

/* Each push either fails or is popped: none is accepted and lost. */
static const char *cq_race_shutdown(struct threads_arg *a)
{
    if (a->index == 0) {
        rt_safepoint();
        return concurrent_queue_shutdown(cq_share.q, false) == 0 ? NULL : "the shutdown failed";
    }
    for (int i = 0;; i++) {
        if (concurrent_queue_push(cq_share.q, none_get()) != 0)
            return err_take() == ERR_SHUTDOWN ? NULL : "a push failed";
        atomic_fetch_add_explicit(&cq_share.popped, 1, memory_order_relaxed); /* relaxed: read after the joins */
        rt_safepoint();
    }
}
TEST(pushes_that_race_with_a_shutdown_are_refused_or_kept)
{
    for (int round = 0; round < 50; round++) {
        cq_share_begin(0, 0);
        cr_assert_null(threads_run(4, cq_race_shutdown, NULL));
        int64_t pushed = atomic_load_explicit(&cq_share.popped, memory_order_relaxed);
        cr_assert_eq(concurrent_queue_size(cq_share.q), pushed);
        while (concurrent_queue_pop(cq_share.q, 0)) /* None: immortal, or counted by who counts it */
            obj_decref(none_get()), pushed--;
        cr_assert(pushed == 0 && raised(ERR_SHUTDOWN, "shut down"));
        drop_owned();
    }
}

/* --- a destructor on the thread that shuts down --- */

static struct {
    struct obj *q;
    bool shuts, ran;
    int got;
} cq_last;

static void cq_last_finalize(struct obj *o)
{
    (void)o;
    cq_last.ran = true;
    cq_last.got = cq_last.shuts ? concurrent_queue_shutdown(cq_last.q, false) : concurrent_queue_push(cq_last.q, none_get());
}
static void cq_last_dealloc(struct obj *o) { obj_free(o, sizeof(struct container)); }
static const struct type cq_last_type = {
    .name = "last pusher", .flags = TYPE_CONTAINER, .dealloc = cq_last_dealloc, .finalize = cq_last_finalize};

/* FIELD.md 3.4 of waiting. It ends where its borrower detaches, or comes to a safepoint. Before the shutdown held the lock it waited for itself. */
static void cq_shut_with_destructor(bool shuts)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_THREAD, .lock = test_lock(), .borrowed = BORROWED_DEFERRED};
    cr_assert_eq(objects_start(&config), 0);
    cq_last = (typeof(cq_last)){.q = concurrent_queue_new(1), .shuts = shuts};
    struct container *c = obj_alloc(&cq_last_type, sizeof *c);
    struct obj *item = &c->base, *l = list_from(&item, 1);
    obj_decref(item);
    cr_assert_eq(list_get_borrowed(l, 0), item);
    obj_decref(l);
    cr_assert_eq(concurrent_queue_shutdown(cq_last.q, false), 0);
    rt_safepoint();
    rc_drain();
    cr_assert(cq_last.ran && cq_last.got == (shuts ? 0 : -1));
    cr_assert(concurrent_queue_push(cq_last.q, none_get()) == -1 && raised(ERR_SHUTDOWN, "shut down"));
    obj_decref(cq_last.q);
}
TEST(shutdown_while_a_destructor_of_its_thread_pushes) { cq_shut_with_destructor(false); }
TEST(shutdown_while_a_destructor_of_its_thread_shuts_down) { cq_shut_with_destructor(true); }

/* --- the bounded queue, many threads --- */

enum { BQ_BOUND = 3, BQ_WORKERS = 3, BQ_TASKS = 2000 };
struct bq_share {
    struct obj *q;
    _Atomic int64_t sum, got, done, largest;
    _Atomic int putters;
};
static struct bq_share bq_share;
static void bq_share_begin(int64_t maxsize, int putters)
{
    memset(&bq_share, 0, sizeof bq_share);
    bq_share.q = bq_new(maxsize);
    atomic_store_explicit(&bq_share.putters, putters, memory_order_relaxed); /* relaxed: threads begin later */
}

/* relaxed, all counts here: read after the joins */
static const char *bq_putter(int from, int to)
{
    for (int i = from; i < to; i++) {
        struct obj *item = int_new(i);
        if (!item || bounded_queue_put(bq_share.q, item, -1) != 0)
            return "a put failed";
        obj_decref(item);
        int64_t size = bounded_queue_size(bq_share.q);
        if (size > BQ_BOUND)
            return "the bound was exceeded";
        rt_safepoint();
    }
    if (atomic_fetch_sub_explicit(&bq_share.putters, 1, memory_order_acq_rel) == 1) /* acq_rel: the last has all before it */
        bounded_queue_shutdown(bq_share.q, false);
    return NULL;
}
static const char *bq_worker(int64_t timeout_ns)
{
    for (;; rt_safepoint()) {
        struct obj *item = bounded_queue_get(bq_share.q, timeout_ns);
        int64_t value = 0;
        if (!item) {
            enum err why = err_take();
            if (why == ERR_EMPTY && timeout_ns >= 0)
                continue;
            return why == ERR_SHUTDOWN ? NULL : "a get failed";
        }
        int_value(item, &value);
        obj_decref(item);
        atomic_fetch_add_explicit(&bq_share.sum, value, memory_order_relaxed);
        atomic_fetch_add_explicit(&bq_share.got, 1, memory_order_relaxed);
        if (bounded_queue_task_done(bq_share.q) != 0)
            return "a task_done failed";
    }
}
static const char *bq_crowd(struct threads_arg *a)
{
    if (a->index < 2)
        return bq_putter(a->index * BQ_TASKS, (a->index + 1) * BQ_TASKS);
    return bq_worker(a->index == 2 ? -1 : 100000);
}
TEST(bound_holds_and_nothing_is_lost_while_threads_put_and_get)
{
    bq_share_begin(BQ_BOUND, 2);
    cr_assert_null(threads_run(2 + BQ_WORKERS, bq_crowd, NULL));
    cr_assert_eq(atomic_load_explicit(&bq_share.got, memory_order_relaxed), 2 * BQ_TASKS);
    cr_assert_eq(atomic_load_explicit(&bq_share.sum, memory_order_relaxed), (int64_t)BQ_TASKS * (2 * BQ_TASKS - 1));
    cr_assert(bounded_queue_unfinished(bq_share.q) == 0 && bounded_queue_join(bq_share.q, -1) == 1);
    drop_owned();
}

/* Work first, then task_done: whoever has joined must find all work done. */
static const char *bq_join_crowd(struct threads_arg *a)
{
    struct obj *item;
    if (a->index < 2) {
        if (bounded_queue_join(bq_share.q, -1) != 1)
            return "the join failed";
        return atomic_load_explicit(&bq_share.done, memory_order_relaxed) == BQ_TASKS / 10 ? NULL : "the join was early";
    }
    while ((item = bounded_queue_get(bq_share.q, 0))) {
        obj_decref(item);
        rt_safepoint();
        atomic_fetch_add_explicit(&bq_share.done, 1, memory_order_relaxed); /* relaxed: the task_done must order it */
        if (bounded_queue_task_done(bq_share.q) != 0)
            return "a task_done failed";
    }
    return err_take() == ERR_EMPTY ? NULL : "a get failed";
}
TEST(joins_return_when_the_workers_are_done_and_see_their_work)
{
    for (int round = 0; round < 10; round++) {
        bq_share_begin(0, 0);
        for (int i = 0; i < BQ_TASKS / 10; i++)
            bq_put(bq_share.q, i);
        cr_assert_null(threads_run(2 + BQ_WORKERS, bq_join_crowd, NULL));
        drop_owned();
    }
}

/* Three kinds of waiters, one shutdown. */
static const char *bq_shut_waiters(struct threads_arg *a)
{
    struct bounded_queue *q = (struct bounded_queue *)bq_share.q;
    bool immediate = a->shared != NULL;
    if (a->index == 0) {
        cq_await(&q->room, 2);
        cq_await(&q->done, 2);
        return bounded_queue_shutdown(bq_share.q, immediate) == 0 ? NULL : "the shutdown failed";
    }
    if (a->index <= 2)
        return bounded_queue_put(bq_share.q, none_get(), -1) == -1 && err_take() == ERR_SHUTDOWN ? NULL : "a put was not told";
    return bounded_queue_join(bq_share.q, immediate ? -1 : 50 * CQ_MS) == immediate ? NULL : "a join was early, or not told";
}
TEST(shutdown_wakes_who_waits_to_put_and_joins_only_if_it_drops_the_tasks)
{
    for (int immediate = 0; immediate < 2; immediate++) {
        bq_share_begin(1, 0);
        bq_put(bq_share.q, 1);
        cr_assert_null(threads_run(5, bq_shut_waiters, immediate ? &bq_share : NULL));
        drop_owned();
    }
}
static const char *bq_shut_getters(struct threads_arg *a)
{
    struct bounded_queue *q = (struct bounded_queue *)bq_share.q;
    if (a->index == 0) {
        cq_await(&q->filled, (uint32_t)a->count - 1);
        return bounded_queue_shutdown(bq_share.q, false) == 0 ? NULL : "the shutdown failed";
    }
    return !bounded_queue_get(bq_share.q, -1) && err_take() == ERR_SHUTDOWN ? NULL : "a get was not told";
}
TEST(shutdown_wakes_who_waits_to_get)
{
    bq_share_begin(1, 0);
    cr_assert_null(threads_run(5, bq_shut_getters, NULL));
    drop_owned();
}

/* Who is in the queue uses something of which there are BQ_BOUND: put is to come, get is to go. */
static const char *bq_user(struct threads_arg *a)
{
    (void)a;
    for (int i = 0; i < BQ_TASKS / 4; i++, rt_safepoint()) {
        if (bounded_queue_put(bq_share.q, none_get(), -1) != 0)
            return "a put failed";
        int64_t users = atomic_fetch_add_explicit(&bq_share.got, 1, memory_order_relaxed) + 1;
        int64_t peak = atomic_load_explicit(&bq_share.largest, memory_order_relaxed);
        while (users > peak && !atomic_compare_exchange_weak_explicit(&bq_share.largest, &peak, users, memory_order_relaxed, memory_order_relaxed))
            continue;
        if (i % 50 == 0) { /* with company, also where only one thread runs at a time */
            thread_detach();
            os_yield();
            thread_attach();
        }
        atomic_fetch_sub_explicit(&bq_share.got, 1, memory_order_relaxed);
        struct obj *token = bounded_queue_get(bq_share.q, 0);
        if (!token)
            return "a token was lost";
        obj_decref(token);
    }
    return NULL;
}
TEST(peak_of_users_of_a_bounded_queue_is_its_bound)
{
    bq_share_begin(BQ_BOUND, 0);
    cr_assert_null(threads_run(2 * BQ_BOUND, bq_user, NULL));
    int64_t peak = atomic_load_explicit(&bq_share.largest, memory_order_relaxed);
    cr_assert(peak >= 1 && peak <= BQ_BOUND, "%lld", (long long)peak);
    cr_assert_eq(bounded_queue_size(bq_share.q), 0);
    drop_owned();
}

/* The putter could not come in, and the get not end, if the section kept its lock. */
static const char *bq_in_a_section(struct threads_arg *a)
{
    struct bounded_queue *q = (struct bounded_queue *)bq_share.q;
    if (a->index == 0) {
        cq_await(&q->filled, 1);
        return bounded_queue_put(bq_share.q, none_get(), -1) == 0 ? NULL : "a put failed";
    }
    struct section s;
    section_begin(&s, bq_share.q);
    struct obj *item = bounded_queue_get(bq_share.q, -1);
    section_end(&s);
    obj_xdecref(item);
    return item && !rt_self->section ? NULL : "a get failed";
}
TEST(get_inside_a_section_of_the_same_queue_lets_others_put)
{
    bq_share_begin(1, 0);
    cr_assert_null(threads_run(2, bq_in_a_section, NULL));
    cr_assert(cq_is_released(bq_share.q));
    drop_owned();
}

/* --- recorded histories --- */

enum { CQ_LIN_ROUNDS = 30, CQ_LIN_THREADS = 4, CQ_LIN_OPS = 30 };
struct cq_recorded {
    struct lin_history history;
    struct obj *q;
    struct os_barrier *meet; /* a broken variant waits in its gap until all are in it */
};

/* Every operation between two stamps: pushes, pops that find nothing, sizes are not among them (they are said to be weak). */
static const char *cq_record(struct threads_arg *a)
{
    struct cq_recorded *r = a->shared;
    for (int i = 0; i < CQ_LIN_OPS; i++) {
        bool push = (i + a->index) % 3 == 0 || (i % 5 == 0 && a->index % 2);
        int64_t value = 1000 * (a->index + 1) + i, result = LIN_NONE;
        struct obj *item = push ? int_new(value) : NULL;
        struct lin_op *op = lin_invoke(&r->history, a->index, push ? LIN_PUSH : LIN_TAKE, 0, value);
        if (push ? concurrent_queue_push(r->q, item) != 0 : !(item = concurrent_queue_pop(r->q, i % 2 ? 1000 : 0)) && err_take() != ERR_EMPTY)
            return "the queue fails";
        if (item && !push)
            int_value(item, &result);
        lin_return(&r->history, op, push ? 0 : result);
        obj_xdecref(item);
        rt_safepoint();
    }
    return NULL;
}
static enum lin_verdict cq_judge(struct cq_recorded *r, int threads, const char *(*body)(struct threads_arg *))
{
    struct os_barrier meet;
    os_barrier_init(&meet, threads);
    r->meet = &meet;
    lin_begin(&r->history, threads, CQ_LIN_OPS);
    cr_assert_null(threads_run(threads, body, r));
    struct lin_result result = lin_check(&r->history, &lin_queue);
    if (result.verdict != LIN_YES && body == cq_record)
        lin_explain(&r->history, &result);
    lin_end(&r->history);
    os_barrier_drop(&meet);
    return result.verdict;
}
TEST(concurrent_queue_histories_are_linearizable)
{
    for (int round = 0; round < CQ_LIN_ROUNDS; round++) {
        struct cq_recorded r = {.q = cq_new()};
        cr_assert_eq(cq_judge(&r, CQ_LIN_THREADS, cq_record), LIN_YES, "round %d", round);
    }
    drop_owned();
}

/* The original's fault: a popper that has its number and gives up leaves the item of that number to nobody. Here: takes, is late, says Empty. */
static const char *cq_record_broken(struct threads_arg *a)
{
    struct cq_recorded *r = a->shared;
    struct lin_op *op;
    int64_t result = LIN_NONE;
    for (int i = 0; a->index == 0 && i < 2; i++) {
        op = lin_invoke(&r->history, 0, LIN_PUSH, 0, 7 + i);
        struct obj *item = int_new(7 + i);
        if (concurrent_queue_push(r->q, item) != 0)
            return "a push failed";
        obj_decref(item);
        lin_return(&r->history, op, 0);
    }
    thread_detach();
    os_barrier_wait(r->meet);
    thread_attach();
    op = lin_invoke(&r->history, a->index, LIN_TAKE, 0, 0);
    struct obj *item = concurrent_queue_pop(r->q, 0);
    if (!item)
        return "an item is missing";
    if (a->index == 0)
        int_value(item, &result);
    obj_decref(item);
    lin_return(&r->history, op, result);
    return NULL;
}
TEST(queue_whose_late_pops_lose_their_item_is_caught)
{
    struct cq_recorded r = {.q = cq_new()};
    cr_assert_eq(cq_judge(&r, 2, cq_record_broken), LIN_NO);
    drop_owned();
}

#endif
