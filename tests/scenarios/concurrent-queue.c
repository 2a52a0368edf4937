/*
 * concurrent-queue.c -- pushes, pops that may be late, and shutdown of the unbounded queue.
 *
 * Where from: issue 6 (a timed-out pop of the original loses an item; a shutdown that misses a waiter), objects/concurrent_queue.h.
 * Goes wrong when a popper sleeps for ever (deadlock), when an item is lost or comes twice (its count), or when a push succeeds and its
 * item cannot be popped.
 */
#include "things.h"

static struct {
    struct obj *q, *item, *list;
    int popped, late, shut, pushed, refused;
    bool looked, pushed_too, seen_empty; /* the second pusher's */
} fifo;

static void fifo_setup(void)
{
    scenario_act_as(0);
    fifo.q = concurrent_queue_new(1);
    fifo.item = thing_new(7);
    thing_unbias(fifo.q);
}
static void fifo_setup_filled(void)
{
    fifo_setup();
    fifo.pushed = concurrent_queue_push(fifo.q, fifo.item) == 0;
}
static void fifo_pop(int64_t timeout_ns)
{
    struct obj *item = concurrent_queue_pop(fifo.q, timeout_ns);
    if (item) {
        EXPLORE_CHECK(thing_value(item) == 7);
        obj_decref(item);
        fifo.popped++;
        return;
    }
    enum err why = err_take();
    EXPLORE_CHECK(why == ERR_EMPTY || why == ERR_SHUTDOWN);
    *(why == ERR_EMPTY ? &fifo.late : &fifo.shut) += 1;
}
static void fifo_pop_forever(void) { fifo_pop(-1); }
static void fifo_pop_in_time(void) { fifo_pop(1000); }
static void fifo_pop_now(void) { fifo_pop(0); }
static void fifo_push(void)
{
    int pushed = concurrent_queue_push(fifo.q, fifo.item);
    if (pushed != 0)
        EXPLORE_CHECK(err_take() == ERR_SHUTDOWN);
    *(pushed == 0 ? &fifo.pushed : &fifo.refused) += 1;
}
static void fifo_shutdown(void) { concurrent_queue_shutdown(fifo.q, false); }
static void fifo_borrow_and_shutdown(void)
{
    EXPLORE_CHECK(list_get_borrowed(fifo.list, 0) != NULL);
    obj_decref(fifo.list);
    fifo_shutdown();
}
static void fifo_shutdown_now(void) { concurrent_queue_shutdown(fifo.q, true); }

/* A borrows a thing whose end pushes, and holds nothing else of it: it dies where A detaches, if not at its next safepoint. */
static void fifo_finalize(struct thing *t)
{
    (void)t;
    fifo_push();
}
static void fifo_setup_finaliser(void)
{
    fifo_setup();
    scenario_act_as(0);
    struct obj *o = mortal_new(fifo_finalize, NULL);
    fifo.list = list_from(&o, 1);
    obj_decref(o);
}
/* Refused: it is closed, and whoever looks then sees all that ever went in. */
static void fifo_push_and_look(void)
{
    fifo.looked = concurrent_queue_push(fifo.q, fifo.item) != 0;
    fifo.pushed_too = !fifo.looked;
    fifo.seen_empty = concurrent_queue_empty(fifo.q) == 1;
}

static void fifo_drop(void)
{
    obj_decref(fifo.q);
    obj_decref(fifo.item);
}
/* All that was pushed was popped, or is there. */
static void fifo_check(void)
{
    EXPLORE_CHECK(concurrent_queue_size(fifo.q) == fifo.pushed - fifo.popped);
    EXPLORE_CHECK(concurrent_queue_empty(fifo.q) == (fifo.pushed == fifo.popped));
    fifo_drop();
}
static void fifo_check_looked(void)
{
    EXPLORE_CHECK(!fifo.looked || fifo.seen_empty == (fifo.pushed == 0));
    fifo.pushed += fifo.pushed_too;
    fifo_check();
}
/* Who found it shut had left nothing behind: what was pushed before had been popped. */
static void fifo_check_shut(void)
{
    EXPLORE_CHECK(fifo.shut == 0 || fifo.pushed == fifo.popped);
    fifo_check();
}
static void fifo_check_gone(void)
{
    EXPLORE_CHECK(concurrent_queue_size(fifo.q) == 0 && concurrent_queue_empty(fifo.q) == 1);
    fifo_drop();
}

/* Where there are most executions: under the policy with the fewest steps. */
#define FIFO(symbol, title, asked, prepare, after, three, ...)                                                         \
    static const struct scenario symbol = {                                                                            \
        .name = title, .summary = asked, .source = "issue 6; objects/concurrent_queue.h", .setup = prepare,            \
        .thread = {__VA_ARGS__}, .check = after, .large = three,                                                       \
        .lock = (three) || RC_DEFERS_FREE ? LOCK_BY_MUTEX : LOCK_BY_BIAS,                                              \
    };                                                                                                                 \
    SCENARIO(symbol)
FIFO(fifo_wake, "queue-pop", "one pops without limit, one pushes: the wake reaches it", fifo_setup, fifo_check, false, fifo_pop_forever, fifo_push);
FIFO(fifo_late, "queue-pop-late", "the pop may be late: the item is its own, or still in the queue", fifo_setup, fifo_check, false,
     fifo_pop_in_time, fifo_push);
FIFO(fifo_shut, "queue-shutdown", "a pop without limit against a shutdown: it ends", fifo_setup, fifo_check_shut, false, fifo_pop_forever,
     fifo_shutdown);
FIFO(fifo_refused, "queue-shutdown-push", "a push against a shutdown: it fails, or its item is in the queue", fifo_setup, fifo_check, false,
     fifo_push, fifo_shutdown);
FIFO(fifo_two_pops, "queue-pop-two", "two pops of one item", fifo_setup_filled, fifo_check, false, fifo_pop_now, fifo_pop_now);
FIFO(fifo_gone, "queue-shutdown-now", "a pop against a shutdown that drops what is left", fifo_setup_filled, fifo_check_gone, false,
     fifo_pop_now, fifo_shutdown_now);
FIFO(fifo_three, "queue-shutdown-three", "a push, a pop and a shutdown: who finds it shut has left nothing behind", fifo_setup,
     fifo_check_shut, true, fifo_push, fifo_pop_forever, fifo_shutdown);
FIFO(fifo_fails, "queue-shutdown-fails", "two pushes and a shutdown: nothing goes in any more when one of them has failed", fifo_setup,
     fifo_check_looked, true, fifo_push, fifo_push_and_look, fifo_shutdown);
static const struct scenario fifo_finaliser = {
    .name = "queue-shutdown-finaliser", .summary = "a destructor on the thread that shuts a queue down pushes to it; a pop waits",
    .source = "objects/concurrent_queue.h", .setup = fifo_setup_finaliser, .thread = {fifo_borrow_and_shutdown, fifo_pop_forever},
    .check = fifo_check_shut, .large = RC_DEFERS_FREE, .borrowed = BORROWED_DEFERRED,
};
SCENARIO(fifo_finaliser);
