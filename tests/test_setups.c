/*
 * test_setups.c -- a workload's set-up that finds no memory says so and leaves nothing behind (bench/workload.h).
 */
#include "build.h"

enum { SETUPS_REFUSED = 40 }; /* the first allocations of each */

static void setups_refuse(const struct workload *workload, int64_t at)
{
    static struct sample sample;
    struct sample_request request = {.workload = workload->info.name, .threads = 2};
    struct work w = {.request = &request, .sample = &sample, .workload = workload, .threads = request.threads};
    int64_t live = live_now();
    os_fault_plan(at, true);
    int failed = workload->setup(&w);
    os_fault_plan(0, false);
    if (!failed)
        workload->teardown(&w);
    else
        cr_assert(raised(ERR_MEMORY, "out of memory"), "%s, allocation %d", workload->info.name, (int)at);
    cr_assert_eq(live_now(), live, "%s, allocation %d: %d objects left over", workload->info.name, (int)at, (int)(live_now() - live));
}

TEST(a_set_up_without_memory_leaves_nothing_behind)
{
    for (int i = 0; i < WORKLOADS; i++)
        for (int64_t at = 1; at <= SETUPS_REFUSED; at++)
            setups_refuse(workload_table[i], at);
}
