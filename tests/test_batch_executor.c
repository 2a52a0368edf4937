/*
 * test_batch_executor.c -- batches of a source: order, errors, sources that block, and many threads.
 * Fault that must be absent (issue 6): an error of the source that is lost, or that loses what came before it.
 */
#include "../gc/collect.h"
#include "../objects/batch_executor.h"
#include "build.h"
#include "threads.h"

/* A source that counts: 0, 1, 2 … and fails at some of its calls. */
static struct {
    _Atomic int64_t calls, made, failed; /* relaxed, all: counts, read when all is done */
    int64_t fail_every;                  /* 0: never */
    void (*pause)(int64_t call);         /* in each call; NULL: none */
} be_source;

static void be_source_begin(int64_t fail_every, void (*pause)(int64_t call))
{
    memset(&be_source, 0, sizeof be_source);
    be_source.fail_every = fail_every;
    be_source.pause = pause;
}
static struct obj *be_next(struct obj *arg)
{
    (void)arg;
    int64_t call = atomic_fetch_add_explicit(&be_source.calls, 1, memory_order_relaxed) + 1;
    if (be_source.pause)
        be_source.pause(call);
    if (be_source.fail_every && call % be_source.fail_every == 0) {
        atomic_fetch_add_explicit(&be_source.failed, 1, memory_order_relaxed);
        err_set(ERR_VALUE, "call %lld fails", call, 0);
        return NULL;
    }
    return int_new(atomic_fetch_add_explicit(&be_source.made, 1, memory_order_relaxed));
}
static int64_t be_calls(void) { return atomic_load_explicit(&be_source.calls, memory_order_relaxed); }

static struct obj *be_new(int64_t size) { return own(batch_executor_new(be_next, none_get(), size)); }
static int64_t be_load(struct obj *b) { return value_of(own(batch_executor_load(b))); }
static int64_t be_buffered(struct obj *b) { return (int64_t)((struct batch_executor *)b)->length; }
static bool be_is_released(struct obj *b)
{
    struct lock *l = &((struct batch_executor *)b)->lock;
    if (rt_self->section || heap_self()->depth != 0 || !lock_try(l))
        return false;
    lock_release(l);
    return true;
}

TEST(batch_values_come_in_the_order_of_the_source)
{
    for (int64_t size = 1; size <= 9; size += 4) {
        be_source_begin(0, NULL);
        struct obj *b = be_new(size);
        for (int64_t i = 0; i < 30; i++)
            cr_assert_eq(be_load(b), i);
    }
    drop_owned();
}

TEST(source_is_asked_for_a_batch_when_the_buffer_is_empty_and_not_before)
{
    be_source_begin(0, NULL);
    struct obj *b = be_new(4);
    cr_assert_eq(be_calls(), 0);
    for (int64_t i = 0; i < 20; i++) {
        cr_assert_eq(be_load(b), i);
        cr_assert_eq(be_calls(), (i / 4 + 1) * 4);
        cr_assert_eq(be_buffered(b), 3 - i % 4);
    }
    drop_owned();
}

TEST(batch_of_one_asks_for_each_value)
{
    be_source_begin(0, NULL);
    struct obj *b = be_new(1);
    for (int64_t i = 0; i < 5; i++)
        cr_assert(be_load(b) == i && be_calls() == i + 1 && be_buffered(b) == 0);
    drop_owned();
}

TEST(error_of_the_source_reaches_the_caller)
{
    be_source_begin(1, NULL);
    struct obj *b = be_new(4);
    cr_assert(!batch_executor_load(b) && raised(ERR_VALUE, "call 1 fails"));
    cr_assert(be_is_released(b) && !batch_executor_load(b) && raised(ERR_VALUE, "call 2 fails"));
    be_source.fail_every = 0;
    cr_assert(be_load(b) == 0 && be_load(b) == 1);
    drop_owned();
}

TEST(error_in_the_middle_of_a_batch_loses_nothing)
{
    be_source_begin(3, NULL);
    struct obj *b = be_new(4);
    cr_assert(!batch_executor_load(b) && raised(ERR_VALUE, "call 3 fails"));
    cr_assert(be_buffered(b) == 2 && be_load(b) == 0 && be_load(b) == 1 && be_calls() == 3);
    cr_assert(!batch_executor_load(b) && raised(ERR_VALUE, "call 6 fails"));
    cr_assert(be_load(b) == 2 && be_load(b) == 3 && be_calls() == 6 && be_is_released(b));
    drop_owned();
}

TEST(batch_size_must_be_positive_and_fit)
{
    cr_assert(!batch_executor_new(be_next, none_get(), 0) && raised(ERR_VALUE, "at least one value, not 0"));
    cr_assert(!batch_executor_new(be_next, none_get(), -5) && raised(ERR_VALUE, "not -5"));
    cr_assert(!batch_executor_new(be_next, none_get(), INT64_MAX) && raised(ERR_MEMORY, "memory"));
    cr_assert(!batch_executor_load(num(1)) && raised(ERR_TYPE, "expected batch executor, not int"));
    drop_owned();
}

static struct obj *be_from_list(struct obj *list) { return list_pop(list, 0); }
TEST(batch_executor_owns_its_argument_and_what_it_has_not_handed_out)
{
    struct obj *item = text("item"), *list = list_of(item, item, item, item), *b = batch_executor_new(be_from_list, list, 3);
    cr_assert(b && count_of(list) == 2 && count_of(item) == 5);
    cr_assert(own(batch_executor_load(b)) == item && be_buffered(b) == 2 && list_length(list) == 1 && count_of(item) == 5);
    obj_decref(b);
    cr_assert(count_of(list) == 1 && count_of(item) == 3);
    drop_owned();
}

TEST(exhausted_source_says_so_after_its_last_value)
{
    struct obj *b = own(batch_executor_new(be_from_list, list_of_ints(1, 2, 3, 4, 5), 3));
    cr_assert(be_load(b) == 1 && be_load(b) == 2 && be_load(b) == 3);
    cr_assert(!batch_executor_load(b) && raised(ERR_INDEX, "list index 0"));
    cr_assert(be_load(b) == 4 && be_load(b) == 5 && !batch_executor_load(b) && raised(ERR_INDEX, ""));
    drop_owned();
}

TEST(batch_executor_without_memory_is_not_made)
{
    struct obj *b = NULL, *list = list_of_ints(1, 2);
    for (int at = 1; !b; at++) {
        os_fault_plan(at, false);
        b = batch_executor_new(be_from_list, list, 2);
        os_fault_plan(0, false);
        cr_assert(b || (raised(ERR_MEMORY, "memory") && count_of(list) == 1));
        cr_assert_lt(at, 10);
    }
    own(b);
    os_fault_plan(1, true); /* none is needed from here on */
    cr_assert(be_load(b) == 1 && be_load(b) == 2);
    os_fault_plan(0, false);
    drop_owned();
}

static struct obj *be_itself;
static struct obj *be_load_itself(struct obj *arg) { return (void)arg, batch_executor_load(be_itself); }
TEST(source_that_loads_from_its_own_executor_is_told)
{
    struct obj *b = be_itself = own(batch_executor_new(be_load_itself, none_get(), 2));
    cr_assert(!batch_executor_load(b) && raised(ERR_RECURSION, "nested more than"));
    cr_assert(be_is_released(b) && be_buffered(b) == 0);
    drop_owned();
}

/* In the midst of a refill the source takes what is there: the buffer is empty again after it. */
static struct obj *be_theft;
static void be_steal(int64_t call)
{
    if (call == 4)
        for (int i = 0; i < 3; i++)
            obj_decref(batch_executor_load(be_theft));
}
TEST(refill_that_finds_the_buffer_emptied_again_goes_on)
{
    be_source_begin(0, be_steal);
    struct obj *b = be_theft = be_new(4);
    cr_assert(be_load(b) == 3 && be_buffered(b) == 0);
    drop_owned();
}

/* In the first call another refill takes place: 0 and 1 are made, 0 is taken. Then 2 fills the buffer, and there is no room for 3. */
static void be_fill(int64_t call)
{
    if (call == 1)
        obj_decref(batch_executor_load(be_theft));
}
TEST(value_that_finds_the_buffer_full_goes_to_its_caller)
{
    be_source_begin(0, be_fill);
    struct obj *b = be_theft = be_new(2);
    cr_assert(be_load(b) == 3 && be_buffered(b) == 2 && be_load(b) == 1 && be_load(b) == 2);
    cr_assert(be_calls() == 4 && be_buffered(b) == 0);
    drop_owned();
}

TEST(collector_sees_through_a_batch_executor)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_THREAD, .track = TRACK_THREAD};
    cr_assert_eq(objects_start(&config), 0);
    gc_start();
    struct obj *list = list_new(0), *b = batch_executor_new(be_from_list, list, 3);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(list_append(list, b), 0);
    obj_decref(batch_executor_load(b));
    cr_assert(children_of(b) == 3 && be_buffered(b) == 2);
    obj_decref(list);
    obj_decref(b);
    gc_collect();
    rc_drain();
}

#if !RC_UNSAFE

enum { BE_LOADS = 3000, BE_THREADS = 4 };
static struct {
    struct obj *b;
    _Atomic int64_t seen[2 * BE_LOADS * BE_THREADS], errors; /* relaxed, all: read after the joins */
} be_share;

static void be_share_begin(int64_t size, int64_t fail_every, void (*pause)(int64_t call))
{
    memset(&be_share, 0, sizeof be_share);
    be_source_begin(fail_every, pause);
    be_share.b = be_new(size);
}
static const char *be_crowd(struct threads_arg *a)
{
    int loads = *(int *)a->shared;
    for (int i = 0; i < loads; i++, rt_safepoint()) {
        struct obj *value = batch_executor_load(be_share.b);
        int64_t number = -1;
        if (!value) {
            if (err_take() != ERR_VALUE)
                return "the error is not the source's";
            atomic_fetch_add_explicit(&be_share.errors, 1, memory_order_relaxed);
            continue;
        }
        int_value(value, &number);
        obj_decref(value);
        if (number < 0 || number >= 2 * BE_LOADS * BE_THREADS)
            return "a strange value";
        if (atomic_fetch_add_explicit(&be_share.seen[number], 1, memory_order_relaxed))
            return "a value came twice";
    }
    return rt_self->section ? "a section is left over" : NULL;
}
/* Every value that was made has been handed out, or is in the buffer; every error has reached somebody. */
static void be_share_check(int loads)
{
    int64_t made = atomic_load_explicit(&be_source.made, memory_order_relaxed), out = 0;
    cr_assert_eq(atomic_load_explicit(&be_share.errors, memory_order_relaxed), atomic_load_explicit(&be_source.failed, memory_order_relaxed));
    for (size_t mark = build_owned.length; be_buffered(be_share.b) > 0; drop_owned_since(mark)) {
        int64_t number = be_load(be_share.b);
        cr_assert_eq(atomic_fetch_add_explicit(&be_share.seen[number], 1, memory_order_relaxed), 0);
        out++;
    }
    for (int64_t i = 0; i < made; i++)
        cr_assert_eq(atomic_load_explicit(&be_share.seen[i], memory_order_relaxed), 1, "value %lld", (long long)i);
    cr_assert_eq(made - out, BE_THREADS * loads - atomic_load_explicit(&be_share.errors, memory_order_relaxed));
    cr_assert(be_is_released(be_share.b));
}
TEST(threads_get_each_value_of_a_source_once)
{
    int loads = BE_LOADS;
    for (int64_t size = 1; size <= 64; size *= 8) {
        be_share_begin(size, 0, NULL);
        cr_assert_null(threads_run(BE_THREADS, be_crowd, &loads));
        be_share_check(loads);
        drop_owned();
    }
}

/* The section is let go of in each call: refills meet. */
static void be_block(int64_t call)
{
    (void)call;
    thread_detach();
    os_yield();
    thread_attach();
}
TEST(source_that_blocks_hands_each_value_out_once)
{
    int loads = BE_LOADS / 10;
    for (int64_t size = 1; size <= 8; size *= 2) {
        be_share_begin(size, 0, be_block);
        cr_assert_null(threads_run(BE_THREADS, be_crowd, &loads));
        be_share_check(loads);
        drop_owned();
    }
}
TEST(errors_of_a_source_reach_one_caller_each_and_lose_nothing)
{
    int loads = BE_LOADS / 5;
    be_share_begin(8, 5, NULL);
    cr_assert_null(threads_run(BE_THREADS, be_crowd, &loads));
    be_share_check(loads);
    be_share_begin(8, 5, be_block);
    cr_assert_null(threads_run(BE_THREADS, be_crowd, &loads));
    be_share_check(loads);
    drop_owned();
}

/* A's source waits until B, who came while A's section was let go of, has its value: without the section's interruption both wait for ever. */
static _Atomic int be_turn; /* relaxed: a flag */
static void be_wait_for_other(int64_t call)
{
    thread_detach();
    while (call == 1 && atomic_load_explicit(&be_turn, memory_order_relaxed) == 0)
        os_yield();
    thread_attach();
}
static const char *be_two(struct threads_arg *a)
{
    if (a->index == 1) {
        thread_detach();
        while (be_calls() == 0)
            os_yield();
        thread_attach();
    }
    struct obj *value = batch_executor_load(be_share.b);
    atomic_store_explicit(&be_turn, 1, memory_order_relaxed);
    obj_xdecref(value);
    return value ? NULL : "a load failed";
}
TEST(who_comes_while_the_source_blocks_is_served)
{
    be_share_begin(2, 0, be_wait_for_other);
    atomic_store_explicit(&be_turn, 0, memory_order_relaxed);
    cr_assert_null(threads_run(2, be_two, NULL));
    cr_assert(be_is_released(be_share.b));
    drop_owned();
}

#endif
