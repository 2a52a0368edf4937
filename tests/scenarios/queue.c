/*
 * queue.c -- references that go home by way of the owner's merge queue.
 *
 * Where from: FIELD.md 3.10 (the owner exits while others send to it), 3.11 (it is blocked), 3.12 (sent twice, and counts that
 * go below zero), and rc_queue of biased.h (the owner that a sender read is out of date). Goes wrong when an object is merged
 * by nobody (leak), by two (freed twice), or after its end.
 * Checked: the payload's accesses happen before the deallocation; nothing is left when all has been drained.
 * On strategies without a queue these are drops by several threads, of which one leaves.
 */
#include "things.h"

static struct {
    struct obj *o, *other;
    _Atomic uint32_t handed; /* stale-owner: C has handed its references over */
    bool taken;              /* and A has dropped them */
} queue;

/* A made it; it has `more` references besides A's, which A counted. */
static void queue_make(int more)
{
    scenario_act_as(0);
    queue.o = thing_new(1);
    while (more-- > 0)
        obj_incref(queue.o);
    scenario_act_as(-1);
}
static void queue_setup_two(void) { queue_make(1); }
static void queue_setup_three(void) { queue_make(2); }
static void queue_drop(void)
{
    thing_set(queue.o, thing_value(queue.o));
    obj_decref(queue.o);
}
static void queue_look_and_drop(void)
{
    EXPLORE_CHECK(thing_value(queue.o) == 1);
    obj_decref(queue.o);
}
static void queue_drop_two(void)
{
    obj_decref(queue.o);
    queue_drop();
}
static void queue_drop_and_drain(void)
{
    obj_decref(queue.o);
    rt_safepoint();
}
static void queue_drop_and_end(void)
{
    obj_decref(queue.o);
    scenario_thread_end(0);
}
static void queue_drop_and_block(void)
{
    obj_decref(queue.o);
    thread_detach();
    thread_attach();
}
static void queue_block_and_drop(void)
{
    thread_detach();
    thread_attach();
    obj_decref(queue.o);
}

static const struct scenario queued_twice = {
    .name = "queued-twice", .summary = "two foreign drops of what the owner counted: one queues, one goes below zero; the owner drains",
    .source = "FIELD.md 3.12", .setup = queue_setup_three, .thread = {queue_drop_and_drain, queue_drop_two},
};
SCENARIO(queued_twice);
static const struct scenario queued_by_two = {
    .name = "queued-by-two", .summary = "the same, by two threads", .source = "FIELD.md 3.12",
    .setup = queue_setup_three, .thread = {queue_drop_and_drain, queue_look_and_drop, queue_look_and_drop},
};
SCENARIO(queued_by_two);
static const struct scenario exit_while_queued = {
    .name = "exit-while-queued", .summary = "the owner ends while another thread drops a reference that the owner counted",
    .source = "FIELD.md 3.10", .setup = queue_setup_two, .thread = {queue_drop_and_end, queue_drop},
};
SCENARIO(exit_while_queued);
static const struct scenario exit_while_queued_twice = {
    .name = "exit-while-queued-twice", .summary = "the owner ends while another thread drops two", .source = "FIELD.md 3.10",
    .setup = queue_setup_three, .thread = {queue_drop_and_end, queue_drop_two},
};
SCENARIO(exit_while_queued_twice);
static const struct scenario owner_blocked = {
    .name = "owner-blocked", .summary = "the owner detaches and attaches while another thread drops a reference that the owner counted",
    .source = "FIELD.md 3.11", .setup = queue_setup_two, .thread = {queue_drop_and_block, queue_drop},
};
SCENARIO(owner_blocked);
static const struct scenario owner_returns = {
    .name = "owner-returns", .summary = "the owner comes back from a block and drops its reference: it must see the merge made in its place",
    .source = "FIELD.md 3.11", .setup = queue_setup_two, .thread = {queue_block_and_drop, queue_drop},
};
SCENARIO(owner_returns);

/* B and C hold an object each that A made and counted; A only comes and goes. */
static void queue_setup_pair(void)
{
    queue_make(0);
    scenario_act_as(0);
    queue.other = thing_new(1);
}
static void queue_block(void)
{
    thread_detach();
    thread_attach();
}
static void queue_drop_other(void) { obj_decref(queue.other); }
static const struct scenario owner_blocked_two = {
    .name = "owner-blocked-two", .summary = "two threads send objects to an owner that detaches and attaches", .source = "FIELD.md 3.11",
    .setup = queue_setup_pair, .thread = {queue_block, queue_drop, queue_drop_other}, .large = true,
};
SCENARIO(owner_blocked_two);

/* --- somebody else drains while the owner detaches --- */

static void queue_setup_waiting(void)
{
    queue_make(1);
    obj_decref(queue.o); /* A is attached: it waits in A's queue */
}
static void queue_drain(void) { rc_drain(); }
static const char *queue_drain_unfit(void)
{
    return RC_DEFERS_FREE ? "rc_drain waits for all others to be detached: nothing can meet it" : NULL;
}
static const struct scenario drain_meets_owner = {
    .name = "drain-meets-owner", .summary = "another thread drains everything while the owner, to whom an object was sent, detaches",
    .source = "FIELD.md 3.12", .setup = queue_setup_waiting, .thread = {queue_block_and_drop, queue_drain}, .unfit = queue_drain_unfit,
};
SCENARIO(drain_meets_owner);

/* --- the owner that a sender reads is out of date --- */

/* B has sent the object to the queue and not read its owner yet. C takes one reference more and hands both of its own to A, which
 * then drops all that it had counted: what is left is the queue's reference, in the shared count, and B finds no owner. */
static void stale_owner(void)
{
    if (atomic_load_explicit(&queue.handed, memory_order_acquire)) { /* acquire: C's references come with it */
        obj_decref(queue.o);
        obj_decref(queue.o);
        queue.taken = true;
    }
    queue_drop();
}
static void stale_giver(void)
{
    obj_incref(queue.o);
    atomic_store_explicit(&queue.handed, 1, memory_order_release); /* release: hands two references over */
}
static void stale_check(void)
{
    if (queue.taken)
        return;
    obj_decref(queue.o);
    obj_decref(queue.o);
}
static const struct scenario stale_owner_read = {
    .name = "stale-owner", .summary = "the owner gives the object up between a foreign drop's queueing and its look at the owner",
    .source = "biased.h, rc_queue", .setup = queue_setup_three, .thread = {stale_owner, queue_look_and_drop, stale_giver},
    .check = stale_check,
};
SCENARIO(stale_owner_read);
