/*
 * freelist.c -- memory of objects moves between threads: the locked freelist, lists through the depot.
 *
 * Where from: FIELD.md 3.19 (ABA on a pop, two threads get one block, the link overlays the head). The lists hold two blocks here
 * (RC_HOSTILE), so each limit is met at once.
 * Checked: a block has one user at a time (its payload is written plainly), and everything is counted.
 */
#include "things.h"

static struct {
    struct obj *o[4];
    _Atomic(struct obj *) handed;
} freelist;

static void freelist_setup(void)
{
    for (int i = 0; i < 4; i++)
        freelist.o[i] = thing_new(i);
    for (int i = 0; i < 4; i++)
        obj_decref(freelist.o[i]);
}
static void freelist_use(void)
{
    struct obj *a = thing_new(1), *b = thing_new(2);
    EXPLORE_CHECK(a != b && thing_value(a) == 1 && thing_value(b) == 2);
    obj_decref(a);
    obj_decref(b);
}
/* Fills a list and its spare, and sends one to the depot. */
static void freelist_give(void)
{
    struct obj *o[5];
    for (int i = 0; i < 5; i++)
        o[i] = thing_new(i);
    for (int i = 0; i < 5; i++)
        obj_decref(o[i]);
}
static void freelist_end_using(void)
{
    freelist_use();
    scenario_thread_end(0);
}
static const struct scenario freelist_locked = {
    .name = "freelist-locked", .summary = "two threads allocate and free on one locked freelist", .source = "FIELD.md 3.19",
    .setup = freelist_setup, .thread = {freelist_use, freelist_use}, .heap = HEAP_LOCKED,
};
SCENARIO(freelist_locked);
static const struct scenario freelist_depot = {
    .name = "freelist-depot", .summary = "a thread's freelist overflows into the depot while another's runs dry", .source = "FIELD.md 3.19",
    .setup = freelist_setup, .thread = {freelist_use, freelist_give}, .heap = HEAP_THREAD,
};
SCENARIO(freelist_depot);
static const struct scenario freelist_end = {
    .name = "freelist-end", .summary = "a thread ends and leaves its freelists to the depot while another allocates", .source = "FIELD.md 3.19",
    .setup = freelist_setup, .thread = {freelist_end_using, freelist_give}, .heap = HEAP_THREAD,
};
SCENARIO(freelist_end);
