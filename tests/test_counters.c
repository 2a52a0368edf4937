/*
 * test_counters.c -- the toolkit's own counters agree with each other: what was queued was merged, what was logged was
 * applied. They are complete only when every thread has ended, so these tests stop the runtime themselves.
 */
#include "../objects/list.h"
#include "../objects/number.h"

enum { COUNTERS_ITEMS = 3000 };

static int64_t counters_of(enum rc_counter which) { return (int64_t)thread_counter_total(which); }

/* Threads pass objects through one list: each drops what others made. */
static const char *counters_traffic(struct threads_arg *a)
{
    struct obj *list = a->shared;
    for (int i = 0; i < COUNTERS_ITEMS; i++) {
        struct obj *mine = float_new(i), *other;
        if (!mine || list_append(list, mine) != 0)
            return "no memory";
        obj_decref(mine);
        if (i % 2 && (other = list_pop(list, 0)) != NULL)
            obj_decref(other);
        rt_safepoint();
    }
    return NULL;
}

/* Runs the traffic and stops the runtime; it runs again afterwards, for the harness. */
static void counters_take(int threads)
{
    struct obj *list = list_new(0);
    const char *verdict = threads_run(threads, counters_traffic, list);
    cr_assert_null(verdict, "%s", verdict);
    obj_decref(list);
    cr_assert_eq(objects_stop(), 0);
    test_start();
}

TEST(what_was_queued_was_merged)
{
    counters_take(RC_UNSAFE ? 1 : 3);
    cr_assert_eq(counters_of(RC_STAT_merge_queued),
                 counters_of(RC_STAT_merge_drained) + counters_of(RC_STAT_merge_foreign_drained));
}

TEST(what_was_logged_was_applied)
{
    counters_take(RC_UNSAFE ? 1 : 3);
    cr_assert_eq(counters_of(RC_STAT_log_inc), counters_of(RC_STAT_commit_inc));
    cr_assert_eq(counters_of(RC_STAT_log_dec), counters_of(RC_STAT_commit_dec));
    cr_assert_eq(counters_of(RC_STAT_log_dec) > 0, RC_DEFERS_FREE, "a log is what a deferring strategy has");
}

TEST(every_list_operation_takes_its_lock_once)
{
    counters_take(1);
    int64_t acquired = counters_of(RC_STAT_lock_acquired);
    cr_assert_eq(acquired, LOCK_NONE ? 0 : COUNTERS_ITEMS + COUNTERS_ITEMS / 2);
    cr_assert_leq(counters_of(RC_STAT_lock_biased), acquired);
    cr_assert_leq(counters_of(RC_STAT_lock_contended), acquired);
}

TEST(references_taken_and_dropped_balance)
{
    counters_take(1);
    /* one reference comes with each object, and one of each is given up: objects = drops - increfs */
    int64_t increfs = counters_of(RC_STAT_incref) + counters_of(RC_STAT_incref_shared);
    int64_t decrefs = counters_of(RC_STAT_decref) + counters_of(RC_STAT_decref_shared);
    cr_assert_geq(increfs, COUNTERS_ITEMS);
    cr_assert_eq(decrefs - increfs, COUNTERS_ITEMS + 1); /* the floats and the list; the numbers' cache is immortal */
}
