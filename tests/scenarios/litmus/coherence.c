/*
 * coherence.c -- one location: its writes have one order that all threads agree on, and nobody goes backwards in it (CoRR, CoWW,
 * CoWR, CoRW), relaxed; and read-modify-writes are atomic.
 */
#include "litmus.h"

static void co_write_1(void) { atomic_store_explicit(&x, 1, RLX); }
static void co_write_2(void) { atomic_store_explicit(&x, 2, RLX); }
static void co_write_12(void)
{
    atomic_store_explicit(&x, 1, RLX);
    atomic_store_explicit(&x, 2, RLX);
}
static void co_read_ab(void)
{
    a = atomic_load_explicit(&x, RLX);
    b = atomic_load_explicit(&x, RLX);
}
static void co_read_cd(void)
{
    c = atomic_load_explicit(&x, RLX);
    d = atomic_load_explicit(&x, RLX);
}
static int co_last(void) { return atomic_load_explicit(&x, RLX); }

static const struct scenario corr = {
    .name = "corr", .summary = "read-read coherence: 1, then 0 again is forbidden", .source = "C11 5.1.2.4 p19 (CoRR)", .bare = true,
    .thread = {co_write_1, co_read_ab}, .check = check_ab, .outcomes = AB_BUT_10, .outcomes_sc = AB_BUT_10,
};
SCENARIO(corr);
static const struct scenario corr1 = {
    .name = "corr1", .summary = "read-read coherence with two stores of one thread", .source = "C11 5.1.2.4 p19 (CoRR)", .bare = true,
    .thread = {co_write_12, co_read_ab}, .check = check_ab,
    .outcomes = LIST("a=0 b=0", "a=0 b=1", "a=0 b=2", "a=1 b=1", "a=1 b=2", "a=2 b=2"),
    .outcomes_sc = LIST("a=0 b=0", "a=0 b=1", "a=0 b=2", "a=1 b=1", "a=1 b=2", "a=2 b=2"),
};
SCENARIO(corr1);

static void corr2_check(void)
{
    bool up = a == 1 && b == 2, down = a == 2 && b == 1, other_up = c == 1 && d == 2, other_down = c == 2 && d == 1;
    explore_outcome((up && other_down) || (down && other_up) ? "the readers disagree" : "the readers agree");
}
static const struct scenario corr2 = {
    .name = "corr2", .summary = "two readers see two writers' stores in the same order", .source = "Batty et al. 2011 (CoRR2)", .bare = true,
    .thread = {co_write_1, co_write_2, co_read_ab, co_read_cd}, .check = corr2_check,
    .outcomes = LIST("the readers agree"), .outcomes_sc = LIST("the readers agree"),
};
SCENARIO(corr2);

static void coww_check(void) { explore_outcome("x=%d", co_last()); }
static const struct scenario coww = {
    .name = "coww", .summary = "write-write coherence: a thread's later store comes later", .source = "C11 5.1.2.4 p16 (CoWW)", .bare = true,
    .thread = {co_write_12}, .check = coww_check, .outcomes = LIST("x=2"), .outcomes_sc = LIST("x=2"),
};
SCENARIO(coww);

static void cowr_a(void)
{
    atomic_store_explicit(&x, 1, RLX);
    a = atomic_load_explicit(&x, RLX);
}
static void co_check(void) { explore_outcome("a=%d x=%d", a, co_last()); }
static const struct scenario cowr = {
    .name = "cowr", .summary = "write-read coherence: nothing older than one's own store is read", .source = "C11 5.1.2.4 p18 (CoWR)", .bare = true,
    .thread = {cowr_a, co_write_2}, .check = co_check,
    .outcomes = LIST("a=1 x=1", "a=1 x=2", "a=2 x=2"), .outcomes_sc = LIST("a=1 x=1", "a=1 x=2", "a=2 x=2"),
};
SCENARIO(cowr);

static void corw_a(void)
{
    a = atomic_load_explicit(&x, RLX);
    atomic_store_explicit(&x, 1, RLX);
}
static const struct scenario corw = {
    .name = "corw", .summary = "read-write coherence: one's store comes after what one has read", .source = "C11 5.1.2.4 p17 (CoRW)", .bare = true,
    .thread = {corw_a, co_write_2}, .check = co_check,
    .outcomes = LIST("a=0 x=1", "a=0 x=2", "a=2 x=1"), .outcomes_sc = LIST("a=0 x=1", "a=0 x=2", "a=2 x=1"),
};
SCENARIO(corw);

/* --- atomicity --- */

static void rmw_a(void) { a = atomic_fetch_add_explicit(&x, 1, RLX); }
static void rmw_b(void) { b = atomic_fetch_add_explicit(&x, 1, RLX); }
static void rmw_c(void) { c = atomic_fetch_add_explicit(&x, 1, RLX); }
static void rmw_check(void) { explore_outcome("abc=%d%d%d x=%d", a, b, c, co_last()); }
static const struct scenario rmws = {
    .name = "rmw", .summary = "three relaxed increments: none is lost, no value is seen twice", .source = "C11 7.17.3 p12 (atomicity)", .bare = true,
    .thread = {rmw_a, rmw_b, rmw_c}, .check = rmw_check,
    .outcomes = LIST("abc=012 x=3", "abc=021 x=3", "abc=102 x=3", "abc=120 x=3", "abc=201 x=3", "abc=210 x=3"),
    .outcomes_sc = LIST("abc=012 x=3", "abc=021 x=3", "abc=102 x=3", "abc=120 x=3", "abc=201 x=3", "abc=210 x=3"),
};
SCENARIO(rmws);

/* Nothing comes between the two halves: a store is before the increment (x=6) or after it (x=5). */
static void rmw_store_b(void) { atomic_store_explicit(&x, 5, RLX); }
static const struct scenario rmw_store = {
    .name = "rmw+store", .summary = "an increment and a store: the store does not come between read and write", .source = "C11 7.17.3 p12 (atomicity)",
    .bare = true, .thread = {rmw_a, rmw_store_b}, .check = co_check,
    .outcomes = LIST("a=0 x=5", "a=5 x=6"), .outcomes_sc = LIST("a=0 x=5", "a=5 x=6"),
};
SCENARIO(rmw_store);
