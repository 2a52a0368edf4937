/*
 * gathering.c -- gaps that are filled while somebody waits for them, and a batch of values that two threads want.
 *
 * Where from: issue 6; objects/gathering_iterator.h, objects/batch_executor.h. Goes wrong when a waiter sleeps for ever (deadlock), or when
 * a value is lost or comes twice (its count).
 */
#include "things.h"

static struct {
    struct obj *g, *item;
    _Atomic int came, ended; /* relaxed: read at the end */
} gather;

static void gather_setup(void)
{
    scenario_act_as(0);
    gather.g = gathering_iterator_new();
    gather.item = thing_new(7);
    thing_unbias(gather.g);
}
static void gather_setup_second(void)
{
    gather_setup();
    gathering_iterator_insert(gather.g, 1, gather.item);
}
static bool gather_step(int64_t max_key)
{
    struct obj *value;
    if (gathering_iterator_next(gather.g, max_key, -1, &value) != 1)
        return false;
    obj_decref(value);
    atomic_fetch_add_explicit(&gather.came, 1, memory_order_relaxed);
    return true;
}
static void gather_all(void)
{
    while (gather_step(1))
        continue;
}
static void gather_first(void)
{
    while (gather_step(0))
        continue;
}
static void gather_until_cancelled(void)
{
    EXPLORE_CHECK(!gather_step(1) && err_take() == ERR_CANCELLED);
}
static void gather_insert(void) { EXPLORE_CHECK(gathering_iterator_insert(gather.g, 0, gather.item) == 0); }
static void gather_cancel(void) { gathering_iterator_cancel(gather.g); }
static void gather_drop(void)
{
    obj_decref(gather.g);
    obj_decref(gather.item);
}
static void gather_check(void)
{
    EXPLORE_CHECK(gather.came == 2 && gathering_iterator_length(gather.g) == 0);
    gather_drop();
}
static void gather_check_first(void)
{
    EXPLORE_CHECK(gather.came == 1);
    gather_drop();
}

/* Where there are most executions: under the policy with the fewest steps. */
#define GATHER(symbol, title, asked, prepare, after, three, ...)                                                       \
    static const struct scenario symbol = {                                                                            \
        .name = title, .summary = asked, .source = "issue 6; objects/gathering_iterator.h", .setup = prepare,          \
        .thread = {__VA_ARGS__}, .check = after, .large = three,                                                       \
        .lock = (three) || RC_DEFERS_FREE ? LOCK_BY_MUTEX : LOCK_BY_BIAS,                                              \
    };                                                                                                                 \
    SCENARIO(symbol)
GATHER(gather_gap, "gather-gap", "one waits for a gap, another fills it", gather_setup_second, gather_check, false, gather_all, gather_insert);
GATHER(gather_cancelled, "gather-cancel", "one waits for a gap, another cancels", gather_setup_second, gather_drop, false, gather_until_cancelled,
       gather_cancel);
GATHER(gather_ends, "gather-ends", "two wait for the last key: one gets it, the other is told that it was the last", gather_setup,
       gather_check_first, true, gather_first, gather_first, gather_insert);

/* --- a batch executor whose source lets go of the section --- */

static struct {
    struct obj *b;
    int made; /* under the section */
    _Atomic int sum;
} batch;

static struct obj *batch_make(struct obj *arg)
{
    (void)arg;
    return thing_new(++batch.made);
}
static struct obj *batch_make_blocking(struct obj *arg)
{
    thread_detach();
    thread_attach(); /* the section is held again */
    return batch_make(arg);
}
static void batch_setup(batch_source *source, int64_t size)
{
    scenario_act_as(0);
    batch.b = batch_executor_new(source, none_get(), size);
    thing_unbias(batch.b);
}
static void batch_setup_plain(void) { batch_setup(batch_make, 2); }
static void batch_setup_blocking(void) { batch_setup(batch_make_blocking, 1); }
static void batch_get(void)
{
    struct obj *value = batch_executor_load(batch.b);
    atomic_fetch_add_explicit(&batch.sum, (int)thing_value(value), memory_order_relaxed);
    obj_decref(value);
}
/* 1, 2, 3 … each in one place: handed out, or in the buffer. */
static void batch_check(void)
{
    while (((struct batch_executor *)batch.b)->length > 0)
        batch_get();
    EXPLORE_CHECK(batch.sum == batch.made * (batch.made + 1) / 2);
    obj_decref(batch.b);
}

/* Under the policy with the fewest steps: the locks themselves are the business of lock-policies.c. */
#define BATCH(symbol, title, asked, prepare, big, ...)                                                                 \
    static const struct scenario symbol = {                                                                            \
        .name = title, .summary = asked, .source = "issue 6; objects/batch_executor.h", .setup = prepare,              \
        .thread = {__VA_ARGS__}, .check = batch_check, .large = big, .lock = LOCK_BY_MUTEX,                            \
    };                                                                                                                 \
    SCENARIO(symbol)
BATCH(batch_two, "batch-two", "two load from an empty buffer: one refills it", batch_setup_plain, false, batch_get, batch_get);
BATCH(batch_blocking, "batch-blocking", "the same, and the source lets go of the section", batch_setup_blocking, RC_DEFERS_FREE, batch_get, batch_get);
