/*
 * instance.c -- the test unit: one runtime instance with every test file in it, compiled once per strategy and flavour.
 *
 * Tests live in the same unit as the runtime because all of its functions are static. Built with RC_FAULTS, so that a
 * test can make any allocation fail, and a second time with RC_HOSTILE.
 */
#include "harness.h"

#include "../bench/runtime.c"

#include "threads.h"

#ifdef __SANITIZE_ADDRESS__
int __lsan_do_recoverable_leak_check(void);
#endif

/* Every test can run under any policy of object locks: RCLAB_TEST_LOCK=parking build/release/test-biased */
static enum lock_policy test_lock(void)
{
    static const char *const name[] = {[LOCK_BY_BIAS] = "biased", [LOCK_BY_FUTEX] = "futex", [LOCK_BY_PARKING] = "parking",
                                       [LOCK_BY_MUTEX] = "mutex"};
    const char *wanted = getenv("RCLAB_TEST_LOCK");
    for (int i = 0; wanted && i < (int)(sizeof name / sizeof *name); i++)
        if (strcmp(wanted, name[i]) == 0)
            return (enum lock_policy)i;
    if (wanted)
        die("RCLAB_TEST_LOCK", EINVAL);
    return LOCK_BY_BIAS;
}

/* And with optimistic reads, where the strategy can: RCLAB_TEST_READS=optimistic */
static enum reads_policy test_reads(void)
{
    const char *wanted = getenv("RCLAB_TEST_READS");
    if (wanted && strcmp(wanted, "optimistic") != 0 && strcmp(wanted, "locked") != 0)
        die("RCLAB_TEST_READS", EINVAL);
    return wanted && wanted[0] == 'o' && RC_READS != RC_READS_NONE ? READS_OPTIMISTIC : READS_LOCKED;
}

static void test_start(void)
{
    struct objects_config config = {.heap = HEAP_THREAD, .lock = test_lock(), .reads = test_reads()};
    if (objects_start(&config) != 0)
        die("objects_start", ENOMEM);
}

static void test_stop(void)
{
    os_fault_plan(0, false);
    int64_t leaked = objects_stop();
    cr_assert_eq(leaked, 0, "%lld objects leaked", (long long)leaked);
#ifdef __SANITIZE_ADDRESS__
    cr_assert_eq(__lsan_do_recoverable_leak_check(), 0, "LeakSanitizer found a leak");
#endif
}

#include "test_files.h"
