/*
 * selftest.c -- what the explorer must find: one small program for each kind of failure, and its mended twin where there is one, in
 * which it must find nothing.
 */
#include "litmus.h"

static struct {
    int count, *block;
    _Atomic uint32_t lock, other;
    _Atomic uint64_t queue;
    _Atomic int flag;
    int64_t live;
} common;

/* --- data races --- */

static void self_increment(void) { common.count++; }
static const struct scenario self_race = {
    .name = "race", .summary = "two threads increment a plain counter", .source = "self-test", .bare = true,
    .thread = {self_increment, self_increment}, .fails = "data race",
};
SCENARIO(self_race);

static void self_locked_increment(void)
{
    explore_lock(&common.lock);
    common.count++;
    explore_unlock(&common.lock);
}
static void self_count_check(void) { explore_outcome("count=%d", common.count); }
static const struct scenario self_locked = {
    .name = "race-mended", .summary = "the same under a lock", .source = "self-test", .bare = true,
    .thread = {self_locked_increment, self_locked_increment, self_locked_increment}, .check = self_count_check,
    .outcomes = LIST("count=3"), .outcomes_sc = LIST("count=3"),
};
SCENARIO(self_locked);

/* Atomic on one side only. The write is seen by the compiler as a plain store to an int. */
static void self_plain_store(void) { *(int *)(void *)&common.flag = 1; }
static void self_atomic_load(void) { a = atomic_load_explicit(&common.flag, SC); }
static const struct scenario self_mixed = {
    .name = "race-with-atomic", .summary = "a plain write and an atomic read", .source = "self-test", .bare = true,
    .thread = {self_plain_store, self_atomic_load}, .fails = "data race",
};
SCENARIO(self_mixed);

static struct {
    uint8_t one, two;
} self_byte;
static void self_byte_one(void) { self_byte.one = 1; }
static void self_byte_two(void) { self_byte.two = 2; }
static const struct scenario self_neighbours = {
    .name = "no-race-of-neighbours", .summary = "two bytes of one word, a thread each: no race", .source = "self-test", .bare = true,
    .thread = {self_byte_one, self_byte_two},
};
SCENARIO(self_neighbours);

/* --- memory --- */

static void self_block_setup(void)
{
    common.live = explore_live_blocks();
    common.block = explore_alloc(2 * sizeof *common.block, 16, true);
}
static void self_free_and_tell(void)
{
    explore_free(common.block);
    atomic_store_explicit(&common.flag, 1, REL);
}
static void self_use_when_told(void)
{
    if (atomic_load_explicit(&common.flag, ACQ))
        common.block[0]++;
}
static void self_free_when_told(void)
{
    if (atomic_load_explicit(&common.flag, ACQ))
        explore_free(common.block);
}
static void self_free(void) { explore_free(common.block); }
static void self_use(void) { common.block[1] = 1; }
static void self_free_unless_told(void)
{
    if (!atomic_exchange_explicit(&common.flag, 1, ACQ_REL))
        explore_free(common.block);
}
static void self_block_check(void)
{
    if (explore_live_blocks() != common.live)
        explore_fail_at("leak", __FILE__, __LINE__, "the block is alive");
}
static const struct scenario self_use_after_free = {
    .name = "use-after-free", .summary = "a block is used after another thread has freed it, in order", .source = "self-test", .bare = true,
    .setup = self_block_setup, .thread = {self_free_and_tell, self_use_when_told}, .fails = "use after free",
};
SCENARIO(self_use_after_free);
/* In the executions that are run the use may well come first. That nothing orders them is the failure. */
static const struct scenario self_use_beside_free = {
    .name = "use-beside-free", .summary = "a block is used, and freed by another thread, in no order", .source = "self-test", .bare = true,
    .setup = self_block_setup, .thread = {self_use, self_free}, .fails = "data race",
};
SCENARIO(self_use_beside_free);
static const struct scenario self_double_free = {
    .name = "double-free", .summary = "two threads free one block, in order", .source = "self-test", .bare = true,
    .setup = self_block_setup, .thread = {self_free_and_tell, self_free_when_told}, .fails = "double free",
};
SCENARIO(self_double_free);
static const struct scenario self_free_once = {
    .name = "double-free-mended", .summary = "whoever is first frees", .source = "self-test", .bare = true,
    .setup = self_block_setup, .thread = {self_free_unless_told, self_free_unless_told, self_free_unless_told}, .check = self_block_check,
};
SCENARIO(self_free_once);
/* Only in the executions in which the load sees 0. */
static const struct scenario self_leak = {
    .name = "leak", .summary = "nobody frees a block if the reader comes too early", .source = "self-test", .bare = true,
    .setup = self_block_setup, .thread = {self_atomic_load, self_free_when_told}, .check = self_block_check, .fails = "leak",
};
SCENARIO(self_leak);
static void self_overrun(void) { common.block[2] = 1; }
static const struct scenario self_wild = {
    .name = "wild-access", .summary = "a write behind the end of a block", .source = "self-test", .bare = true,
    .setup = self_block_setup, .thread = {self_overrun}, .fails = "wild access",
};
SCENARIO(self_wild);
static void self_free_static(void) { explore_free(&common); }
static const struct scenario self_bad_free = {
    .name = "bad-free", .summary = "free of what was never allocated", .source = "self-test", .bare = true,
    .thread = {self_free_static}, .fails = "bad free",
};
SCENARIO(self_bad_free);
static void self_free_inside(void) { explore_free(common.block + 1); }
static const struct scenario self_free_interior = {
    .name = "bad-free-inside", .summary = "free of an address inside a block", .source = "self-test", .bare = true,
    .setup = self_block_setup, .thread = {self_free_inside}, .fails = "bad free",
};
SCENARIO(self_free_interior);

/* --- waiting --- */

INLINE void self_lock_both(_Atomic uint32_t *first, _Atomic uint32_t *second)
{
    explore_lock(first);
    explore_lock(second);
    common.count++;
    explore_unlock(second);
    explore_unlock(first);
}
static void self_lock_ab(void) { self_lock_both(&common.lock, &common.other); }
static void self_lock_ba(void) { self_lock_both(&common.other, &common.lock); }
static const struct scenario self_deadlock = {
    .name = "deadlock", .summary = "two locks taken in opposite order", .source = "self-test", .bare = true,
    .thread = {self_lock_ab, self_lock_ba}, .fails = "deadlock",
};
SCENARIO(self_deadlock);
static const struct scenario self_ordered = {
    .name = "deadlock-mended", .summary = "the same, in the same order", .source = "self-test", .bare = true,
    .thread = {self_lock_ab, self_lock_ab}, .check = self_count_check, .outcomes = LIST("count=2"), .outcomes_sc = LIST("count=2"),
};
SCENARIO(self_ordered);

/* A looks, finds nothing, and lies down; between the two, B has rung. */
static void self_sleep(void)
{
    if (atomic_load_explicit(&common.flag, SC))
        return;
    explore_queue_push(&common.queue);
    explore_queue_await(&common.queue);
}
static void self_ring(void)
{
    atomic_store_explicit(&common.flag, 1, SC);
    explore_queue_pop(&common.queue);
}
static const struct scenario self_lost_wakeup = {
    .name = "lost-wakeup", .summary = "a sleeper lies down after the look and after the wakeup", .source = "self-test", .bare = true,
    .thread = {self_sleep, self_ring}, .fails = "deadlock",
};
SCENARIO(self_lost_wakeup);
static void self_sleep_locked(void)
{
    explore_lock(&common.lock);
    bool sleeps = !atomic_load_explicit(&common.flag, RLX);
    if (sleeps)
        explore_queue_push(&common.queue);
    explore_unlock(&common.lock);
    if (sleeps)
        explore_queue_await(&common.queue);
}
static void self_ring_locked(void)
{
    explore_lock(&common.lock);
    atomic_store_explicit(&common.flag, 1, RLX);
    explore_queue_pop(&common.queue);
    explore_unlock(&common.lock);
}
static const struct scenario self_kept_wakeup = {
    .name = "lost-wakeup-mended", .summary = "the look and the lying down under the lock of the one who rings", .source = "self-test", .bare = true,
    .thread = {self_sleep_locked, self_ring_locked},
};
SCENARIO(self_kept_wakeup);

static void self_spin(void)
{
    while (!atomic_load_explicit(&common.flag, ACQ))
        explore_yield();
}
static void self_tell(void) { atomic_store_explicit(&common.flag, 1, REL); }
static const struct scenario self_livelock = {
    .name = "livelock", .summary = "a thread yields until something that nobody does", .source = "self-test", .bare = true,
    .thread = {self_spin, self_atomic_load}, .fails = "livelock",
};
SCENARIO(self_livelock);
static const struct scenario self_spins = {
    .name = "livelock-mended", .summary = "a thread yields until another one has done it", .source = "self-test", .bare = true,
    .thread = {self_spin, self_tell, self_spin},
};
SCENARIO(self_spins);

/* --- what a scenario itself says --- */

/* Depth 2: one preemption, between the load and the store (see tests/explore/run.sh). */
static void self_weak_increment(void)
{
    int old = atomic_load_explicit(&x, RLX);
    atomic_store_explicit(&x, old + 1, RLX);
}
static void self_sum_check(void) { EXPLORE_CHECK(atomic_load_explicit(&x, RLX) == 2); }
static const struct scenario self_assertion = {
    .name = "lost-update", .summary = "two threads load, add and store a counter: an assertion fails", .source = "self-test", .bare = true,
    .thread = {self_weak_increment, self_weak_increment}, .check = self_sum_check, .fails = "assertion",
};
SCENARIO(self_assertion);
static void self_assert_inside(void)
{
    a = atomic_load_explicit(&x, RLX);
    EXPLORE_CHECK(a != 1);
}
static const struct scenario self_assertion_inside = {
    .name = "assertion", .summary = "an assertion in a thread, false in some executions", .source = "self-test", .bare = true,
    .thread = {self_weak_increment, self_assert_inside}, .fails = "assertion",
};
SCENARIO(self_assertion_inside);

/* --- what the world decides --- */

/* Of a thread's questions whether a limit has passed, the first may be answered with yes. */
static void self_late(void) { EXPLORE_CHECK(!explore_times_out()); }
static const struct scenario self_limit_passes = {
    .name = "limit-passes", .summary = "a wait's limit passes: an assertion fails", .source = "self-test", .bare = true,
    .thread = {self_weak_increment, self_late}, .fails = "assertion",
};
SCENARIO(self_limit_passes);
static void self_in_time(void) { EXPLORE_CHECK(explore_times_out()); }
static const struct scenario self_limit_lasts = {
    .name = "limit-lasts", .summary = "a wait's limit does not pass: an assertion fails", .source = "self-test", .bare = true,
    .thread = {self_weak_increment, self_in_time}, .fails = "assertion",
};
SCENARIO(self_limit_lasts);

/* --- what the explorer refuses --- */

static void self_for_ever(void)
{
    for (;;)
        atomic_fetch_add_explicit(&x, 1, RLX);
}
static const struct scenario self_too_long = {
    .name = "too-long", .summary = "a loop without end", .source = "self-test", .bare = true, .thread = {self_for_ever}, .fails = "too long",
};
SCENARIO(self_too_long);
static void self_halves(void)
{
    atomic_fetch_add_explicit(&common.queue, 1, RLX);
    atomic_fetch_add_explicit((_Atomic uint32_t *)(void *)&common.queue, 1, RLX);
}
static const struct scenario self_mixed_sizes = {
    .name = "mixed-sizes", .summary = "atomic accesses of 8 and of 4 bytes to one place", .source = "self-test", .bare = true,
    .thread = {self_halves}, .fails = "mixed sizes",
};
SCENARIO(self_mixed_sizes);
static int *volatile self_nowhere;
static void self_crash(void) { *self_nowhere = 1; }
static const struct scenario self_segfault = {
    .name = "crash", .summary = "a write to address 0", .source = "self-test", .bare = true, .thread = {self_crash}, .fails = "crash",
};
SCENARIO(self_segfault);
