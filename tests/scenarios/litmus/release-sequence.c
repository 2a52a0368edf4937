/*
 * release-sequence.c -- what an acquire read synchronises with when it does not read the release store itself: a release
 * sequence goes on through read-modify-writes of any thread and order, and since C++20 through nothing else. (C11 also let
 * later plain stores of the same thread carry it; the explorer takes the weaker rule, so what it proves holds for both.)
 */
#include "litmus.h"

static void rs_release(void)
{
    atomic_store_explicit(&x, 1, RLX);
    atomic_store_explicit(&y, 1, REL);
}
static void rs_release_store(void)
{
    atomic_store_explicit(&x, 1, RLX);
    atomic_store_explicit(&y, 1, REL);
    atomic_store_explicit(&y, 2, RLX);
}
static void rs_release_rmw(void)
{
    atomic_store_explicit(&x, 1, RLX);
    atomic_store_explicit(&y, 1, REL);
    atomic_fetch_add_explicit(&y, 1, RLX);
}
static void rs_fence(void)
{
    atomic_store_explicit(&x, 1, RLX);
    atomic_thread_fence(REL);
    atomic_store_explicit(&y, 1, RLX);
}
static void rs_fence_store(void)
{
    atomic_store_explicit(&x, 1, RLX);
    atomic_thread_fence(REL);
    atomic_store_explicit(&y, 1, RLX);
    atomic_store_explicit(&y, 2, RLX);
}
static void rs_add(void) { atomic_fetch_add_explicit(&y, 10, RLX); }
static void rs_store(void) { atomic_store_explicit(&y, 2, RLX); }
static void rs_read(void)
{
    a = atomic_load_explicit(&y, ACQ);
    b = atomic_load_explicit(&x, RLX);
}
static void rs_read_fence(void)
{
    a = atomic_load_explicit(&y, RLX);
    atomic_thread_fence(ACQ);
    b = atomic_load_explicit(&x, RLX);
}

/* y=10: the increment came first and carries nothing; y=11: it carries A's release. */
#define RS_ADD LIST("a=0 b=0", "a=0 b=1", "a=1 b=1", "a=10 b=0", "a=10 b=1", "a=11 b=1")
static const struct scenario rs_rmw = {
    .name = "rs+rmw", .summary = "release sequence: another thread's relaxed read-modify-write carries it on", .source = "C++20 [intro.races] p5",
    .bare = true, .thread = {rs_release, rs_add, rs_read}, .check = check_ab, .outcomes = RS_ADD, .outcomes_sc = RS_ADD,
};
SCENARIO(rs_rmw);
static const struct scenario rs_fences = {
    .name = "rs+rmw+fences", .summary = "the same between a release fence and an acquire fence", .source = "C11 7.17.4 p2 (hypothetical release sequence)",
    .bare = true, .thread = {rs_fence, rs_add, rs_read_fence}, .check = check_ab, .outcomes = RS_ADD, .outcomes_sc = RS_ADD,
};
SCENARIO(rs_fences);
static const struct scenario rs_own_rmw = {
    .name = "rs+own-rmw", .summary = "release sequence: the thread's own relaxed read-modify-write carries it on", .source = "C++20 [intro.races] p5",
    .bare = true, .thread = {rs_release_rmw, rs_read}, .check = check_ab,
    .outcomes = LIST("a=0 b=0", "a=0 b=1", "a=1 b=1", "a=2 b=1"), .outcomes_sc = LIST("a=0 b=0", "a=0 b=1", "a=1 b=1", "a=2 b=1"),
};
SCENARIO(rs_own_rmw);
static const struct scenario rs_own_store = {
    .name = "rs+own-store", .summary = "release sequence: the thread's own relaxed store ends it (C11: carries it): a=2 b=0 is allowed",
    .source = "C++20, P0982R1", .bare = true, .thread = {rs_release_store, rs_read}, .check = check_ab,
    .outcomes = LIST("a=0 b=0", "a=0 b=1", "a=1 b=1", "a=2 b=0", "a=2 b=1"), .outcomes_sc = LIST("a=0 b=0", "a=0 b=1", "a=1 b=1", "a=2 b=1"),
};
SCENARIO(rs_own_store);
static const struct scenario rs_fence_both = {
    .name = "rs+fence+stores", .summary = "a release fence: each relaxed store behind it synchronises", .source = "C11 7.17.4 p3", .bare = true,
    .thread = {rs_fence_store, rs_read}, .check = check_ab,
    .outcomes = LIST("a=0 b=0", "a=0 b=1", "a=1 b=1", "a=2 b=1"), .outcomes_sc = LIST("a=0 b=0", "a=0 b=1", "a=1 b=1", "a=2 b=1"),
};
SCENARIO(rs_fence_both);
static const struct scenario rs_other_store = {
    .name = "rs+other-store", .summary = "release sequence: another thread's store ends it", .source = "C11 5.1.2.4 p10", .bare = true,
    .thread = {rs_release, rs_store, rs_read}, .check = check_ab,
    .outcomes = LIST("a=0 b=0", "a=0 b=1", "a=1 b=1", "a=2 b=0", "a=2 b=1"),
    .outcomes_sc = LIST("a=0 b=0", "a=0 b=1", "a=1 b=1", "a=2 b=0", "a=2 b=1"),
};
SCENARIO(rs_other_store);

/* --- what reference counts stand on: every decrement releases, the last one acquires from all --- */

static _Atomic int rs_count;
static int rs_data[2];

static void rs_count_setup(void) { atomic_store_explicit(&rs_count, 2, RLX); }
INLINE void rs_drop(int me, int order, int fence, int *sum)
{
    rs_data[me] = 1;
    if (atomic_fetch_sub_explicit(&rs_count, 1, order) != 1)
        return;
    atomic_thread_fence(fence);
    *sum = rs_data[0] + rs_data[1];
}
static void rs_drop_a(void) { rs_drop(0, REL, ACQ, &a); }
static void rs_drop_b(void) { rs_drop(1, REL, ACQ, &b); }
static const struct scenario rs_count_right = {
    .name = "drop", .summary = "two decrements, release, and acquire before the last one's cleanup: no race", .source = "FIELD.md 1; Boost.Atomic",
    .bare = true, .setup = rs_count_setup, .thread = {rs_drop_a, rs_drop_b}, .check = check_ab,
    .outcomes = LIST("a=0 b=2", "a=2 b=0"), .outcomes_sc = LIST("a=0 b=2", "a=2 b=0"),
};
SCENARIO(rs_count_right);
static void rs_drop_acq_rel_a(void) { rs_drop(0, ACQ_REL, RLX, &a); }
static void rs_drop_acq_rel_b(void) { rs_drop(1, ACQ_REL, RLX, &b); }
static const struct scenario rs_count_acq_rel = {
    .name = "drop+acq_rel", .summary = "the same, the decrement acq_rel: no race", .source = "FIELD.md 1",
    .bare = true, .setup = rs_count_setup, .thread = {rs_drop_acq_rel_a, rs_drop_acq_rel_b}, .check = check_ab,
    .outcomes = LIST("a=0 b=2", "a=2 b=0"), .outcomes_sc = LIST("a=0 b=2", "a=2 b=0"),
};
SCENARIO(rs_count_acq_rel);
static void rs_drop_no_acq_a(void) { rs_drop(0, REL, RLX, &a); }
static void rs_drop_no_acq_b(void) { rs_drop(1, REL, RLX, &b); }
static const struct scenario rs_count_no_acq = {
    .name = "drop+no-acq", .summary = "the same without the acquire: a data race", .source = "FIELD.md 1",
    .bare = true, .setup = rs_count_setup, .thread = {rs_drop_no_acq_a, rs_drop_no_acq_b}, .check = check_ab, .fails = "data race",
};
SCENARIO(rs_count_no_acq);
static void rs_drop_no_rel_a(void) { rs_drop(0, RLX, ACQ, &a); }
static void rs_drop_no_rel_b(void) { rs_drop(1, RLX, ACQ, &b); }
static const struct scenario rs_count_no_rel = {
    .name = "drop+no-rel", .summary = "the same without the release: a data race", .source = "FIELD.md 1",
    .bare = true, .setup = rs_count_setup, .thread = {rs_drop_no_rel_a, rs_drop_no_rel_b}, .check = check_ab, .fails = "data race",
};
SCENARIO(rs_count_no_rel);
