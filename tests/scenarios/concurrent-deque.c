/*
 * concurrent-deque.c -- both ends of the deque at the same time, and readers among them.
 *
 * Where from: issue 6 (readers of the original's deque meet freed nodes), objects/concurrent_deque.h. Goes wrong when an item is lost or
 * comes twice (its count), when a reader meets what is freed, or when a result has no place in any order of the operations.
 */
#include "things.h"

static struct {
    struct obj *d, *first, *second;
    _Atomic int popped, empty; /* relaxed: read at the end */
} ends;

static void ends_setup(void)
{
    scenario_act_as(0);
    ends.d = concurrent_deque_new();
    ends.first = thing_new(1);
    ends.second = thing_new(2);
    thing_unbias(ends.d);
}
static void ends_setup_one(void)
{
    ends_setup();
    concurrent_deque_append(ends.d, ends.first);
}
static void ends_note(struct obj *item)
{
    if (item) {
        EXPLORE_CHECK(thing_value(item) == 1 || thing_value(item) == 2);
        obj_decref(item);
        atomic_fetch_add_explicit(&ends.popped, 1, memory_order_relaxed);
    } else {
        EXPLORE_CHECK(err_take() == ERR_INDEX);
        atomic_fetch_add_explicit(&ends.empty, 1, memory_order_relaxed);
    }
}
static void ends_pop(void) { ends_note(concurrent_deque_pop(ends.d)); }
static void ends_popleft(void) { ends_note(concurrent_deque_popleft(ends.d)); }
static void ends_append(void) { concurrent_deque_append(ends.d, ends.first); }
static void ends_appendleft(void) { concurrent_deque_appendleft(ends.d, ends.second); }
static void ends_append_pop(void)
{
    ends_append();
    ends_pop();
}
static void ends_appendleft_popleft(void)
{
    ends_appendleft();
    ends_popleft();
}
static void ends_read(void)
{
    struct obj *i = concurrent_deque_iterate(ends.d), *item;
    while (iter_next(i, &item) == 1) {
        EXPLORE_CHECK(thing_value(item) == 1);
        obj_decref(item);
    }
    obj_decref(i);
}
static void ends_drop(void)
{
    obj_decref(ends.d);
    obj_decref(ends.first);
    obj_decref(ends.second);
}
static void ends_check_one(void)
{
    EXPLORE_CHECK(ends.popped == 1 && ends.empty == 1 && concurrent_deque_length(ends.d) == 0);
    ends_drop();
}
/* Each popper has appended before: it finds its own item, or the other's. */
static void ends_check_none(void)
{
    EXPLORE_CHECK(ends.popped == 2 && concurrent_deque_length(ends.d) == 0);
    ends_drop();
}
static void ends_check_order(void)
{
    struct obj *left = concurrent_deque_popleft(ends.d), *right = concurrent_deque_popleft(ends.d);
    EXPLORE_CHECK(left == ends.second && right == ends.first);
    obj_decref(left);
    obj_decref(right);
    ends_drop();
}
static void ends_check_read(void)
{
    EXPLORE_CHECK(ends.popped == 1);
    ends_drop();
}

#define ENDS(symbol, title, asked, prepare, after, ...)                                                                \
    static const struct scenario symbol = {                                                                            \
        .name = title, .summary = asked, .source = "issue 6; objects/concurrent_deque.h", .setup = prepare,            \
        .thread = {__VA_ARGS__}, .check = after, .lock = RC_DEFERS_FREE ? LOCK_BY_MUTEX : LOCK_BY_BIAS,                \
    };                                                                                                                 \
    SCENARIO(symbol)
ENDS(ends_two_pops, "deque-pop-two", "two pops, one at each end, of one item", ends_setup_one, ends_check_one, ends_pop, ends_popleft);
ENDS(ends_appends, "deque-append-two", "two appends, one at each end", ends_setup, ends_check_order, ends_append, ends_appendleft);
ENDS(ends_crossed, "deque-ends", "each end is appended to and popped from", ends_setup, ends_check_none, ends_append_pop, ends_appendleft_popleft);
ENDS(ends_reader, "deque-read", "a reader walks along while the item is popped and dropped", ends_setup_one, ends_check_read, ends_read, ends_pop);
