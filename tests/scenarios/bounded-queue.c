/*
 * bounded-queue.c -- room, items and tasks of the bounded queue: nobody sleeps for what is there, no join is early.
 *
 * Where from: issue 6; objects/bounded_queue.h. Goes wrong when a waiter sleeps for ever (deadlock), when an item is lost or comes twice (its
 * count), or when a join returns without having seen the work (a data race on `work`).
 */
#include "things.h"

static struct {
    struct obj *q, *item;
    int put, got, full, shut, work;
} bound;

static void bound_setup(void)
{
    scenario_act_as(0);
    bound.q = bounded_queue_new(1);
    bound.item = thing_new(7);
    thing_unbias(bound.q);
}
static void bound_put(int64_t timeout_ns)
{
    if (bounded_queue_put(bound.q, bound.item, timeout_ns) == 0) {
        bound.put++;
        return;
    }
    enum err why = err_take();
    EXPLORE_CHECK(why == ERR_FULL || why == ERR_SHUTDOWN);
    *(why == ERR_FULL ? &bound.full : &bound.shut) += 1;
}
static void bound_get(int64_t timeout_ns)
{
    struct obj *item = bounded_queue_get(bound.q, timeout_ns);
    if (item) {
        EXPLORE_CHECK(thing_value(item) == 7);
        obj_decref(item);
        bound.got++;
    }
}
static void bound_setup_full(void)
{
    bound_setup();
    bound_put(0);
}
static void bound_put_forever(void) { bound_put(-1); }
static void bound_put_in_time(void) { bound_put(1000); }
static void bound_get_forever(void) { bound_get(-1); }
static void bound_shutdown(void) { bounded_queue_shutdown(bound.q, false); }
static void bound_do_task(void)
{
    bound_get(0);
    bound.work = 1;
    EXPLORE_CHECK(bounded_queue_task_done(bound.q) == 0);
}
static void bound_join(void)
{
    EXPLORE_CHECK(bounded_queue_join(bound.q, -1) == 1);
    EXPLORE_CHECK(bound.work == 1);
}
static void bound_check(void)
{
    EXPLORE_CHECK(bounded_queue_size(bound.q) == bound.put - bound.got && bound.put - bound.got <= 1);
    obj_decref(bound.q);
    obj_decref(bound.item);
}

#define BOUND(symbol, title, asked, prepare, ...)                                                                      \
    static const struct scenario symbol = {                                                                            \
        .name = title, .summary = asked, .source = "issue 6; objects/bounded_queue.h", .setup = prepare,               \
        .thread = {__VA_ARGS__}, .check = bound_check, .lock = RC_DEFERS_FREE ? LOCK_BY_MUTEX : LOCK_BY_BIAS,          \
    };                                                                                                                 \
    SCENARIO(symbol)
BOUND(bound_room, "bounded-put", "a put waits for room, a get makes it", bound_setup_full, bound_put_forever, bound_get_forever);
BOUND(bound_room_late, "bounded-put-late", "the same, but the put may be late: it is in, or it is not", bound_setup_full,
      bound_put_in_time, bound_get_forever);
BOUND(bound_room_shut, "bounded-shutdown", "a put waits for room, a shutdown ends it", bound_setup_full, bound_put_forever, bound_shutdown);
BOUND(bound_joined, "bounded-join", "a join against the last task_done: it returns, and has the work before it", bound_setup_full,
      bound_join, bound_do_task);
