/*
 * locks.c -- the object lock itself: bias, revocation, spinning, parking, two at a time.
 *
 * Where from: FIELD.md 3.21 (a hand-over that misses its waiter), 3.26 (a spin that never re-reads the word), lock.h (the owner is
 * inside through its bias while another revokes it; the Dekker pair L3/L4), Drepper's lost wake-up.
 * Goes wrong when two are inside at once (a data race on what the lock guards), when somebody waits for ever (deadlock), or
 * when the next holder does not see what the last one wrote.
 * Checked: a plain counter under the lock is the number of times it was taken.
 */
static struct {
    struct container of_a; /* a lock follows the container that it belongs to */
    struct lock a;
    struct container of_b;
    struct lock b;
    int at_a, at_b;
} locks;

static void locks_init(int maker)
{
    scenario_act_as(maker);
    EXPLORE_CHECK(lock_init(&locks.a, &locks.of_a));
    EXPLORE_CHECK(lock_init(&locks.b, &locks.of_b));
}
static void locks_unbias(void)
{
    scenario_act_as(-1);
    lock_acquire(&locks.a);
    lock_release(&locks.a);
    lock_acquire(&locks.b);
    lock_release(&locks.b);
}
static void locks_setup_biased(void) { locks_init(0); }
static void locks_setup_open(void)
{
    locks_init(0);
    locks_unbias();
}

/* A is inside when it begins. */
static void locks_setup_inside(void)
{
    locks_init(0);
    scenario_act_as(0);
    lock_acquire(&locks.a);
}
static void locks_setup_held(void)
{
    locks_setup_open();
    scenario_act_as(0);
    lock_acquire(&locks.a);
}
static void locks_setup_second_held(void)
{
    locks_setup_open();
    scenario_act_as(0);
    lock_acquire(&locks.b);
}

static void locks_leave(void)
{
    locks.at_a++;
    lock_release(&locks.a);
}
static void locks_leave_b(void)
{
    locks.at_b++;
    lock_release(&locks.b);
}
static void locks_take(void)
{
    lock_acquire(&locks.a);
    locks.at_a++;
    lock_release(&locks.a);
}
static void locks_take_twice(void)
{
    locks_take();
    locks_take();
}
static void locks_take_and_end(void)
{
    locks_take();
    scenario_thread_end(0);
}
static void locks_take_two(struct lock *x, struct lock *y)
{
    lock_acquire_two(x, y);
    locks.at_a++;
    locks.at_b++;
    lock_release_two(x, y);
}
static void locks_take_ab(void) { locks_take_two(&locks.a, &locks.b); }
static void locks_take_ba(void) { locks_take_two(&locks.b, &locks.a); }
/* As nobody should: in the order in which they come. */
static void locks_take_in_turn(struct lock *x, struct lock *y)
{
    lock_acquire(x);
    lock_acquire(y);
    locks.at_a++;
    locks.at_b++;
    lock_release(y);
    lock_release(x);
}
static void locks_take_a_then_b(void) { locks_take_in_turn(&locks.a, &locks.b); }
static void locks_take_b_then_a(void) { locks_take_in_turn(&locks.b, &locks.a); }
static void locks_take_b(void)
{
    lock_acquire(&locks.b);
    locks.at_b++;
    lock_release(&locks.b);
}

static void locks_check_two(void) { EXPLORE_CHECK(locks.at_a == 2); }
static void locks_check_three(void) { EXPLORE_CHECK(locks.at_a == 3); }
static void locks_check_four(void) { EXPLORE_CHECK(locks.at_a == 4); }
static void locks_check_pairs(void) { EXPLORE_CHECK(locks.at_a == 2 && locks.at_b == 2); }
static void locks_check_pair_and_one(void) { EXPLORE_CHECK(locks.at_a == 1 && locks.at_b == 2); }
static void locks_check_pairs_and_one(void) { EXPLORE_CHECK(locks.at_a == 2 && locks.at_b == 3); }

static const struct scenario lock_revoked = {
    .name = "lock-revoke", .summary = "the owner goes in and out through its bias while another thread takes it away",
    .source = "lock.h, L3/L4", .setup = locks_setup_biased, .thread = {locks_take_twice, locks_take}, .check = locks_check_three,
};
SCENARIO(lock_revoked);
static const struct scenario lock_revoked_end = {
    .name = "lock-revoke-end", .summary = "the same while the owner ends: who counts the lost bets must not meet its freed state",
    .source = "lock.h", .setup = locks_setup_biased, .thread = {locks_take_and_end, locks_take}, .check = locks_check_two,
};
SCENARIO(lock_revoked_end);
static const struct scenario lock_revoked_by_two = {
    .name = "lock-revoke-by-two", .summary = "two threads want a lock whose owner is inside through its bias", .source = "lock.h, L3/L4",
    .setup = locks_setup_inside, .thread = {locks_leave, locks_take, locks_take}, .check = locks_check_three,
};
SCENARIO(lock_revoked_by_two);
static const struct scenario lock_two_threads = {
    .name = "lock-park", .summary = "two threads, one lock, twice each: no wake-up is lost", .source = "FIELD.md 3.26",
    .setup = locks_setup_open, .thread = {locks_take_twice, locks_take_twice}, .check = locks_check_four,
};
SCENARIO(lock_two_threads);
static const struct scenario lock_held = {
    .name = "lock-held", .summary = "two threads want a lock that a third one holds: both are woken, one after the other", .source = "FIELD.md 3.21",
    .setup = locks_setup_held, .thread = {locks_leave, locks_take, locks_take}, .check = locks_check_three,
    .large = RC_DEFERS_FREE,
};
SCENARIO(lock_held);
static const struct scenario lock_three_threads = {
    .name = "lock-three", .summary = "three threads take one lock", .source = "FIELD.md 3.21",
    .setup = locks_setup_open, .thread = {locks_take, locks_take, locks_take}, .check = locks_check_three, .large = !LOCK_NONE,
};
SCENARIO(lock_three_threads);
static const struct scenario lock_pair = {
    .name = "lock-two", .summary = "two threads take two locks, each in its own order", .source = "FIELD.md 3.5",
    .setup = locks_setup_open, .thread = {locks_take_ab, locks_take_ba}, .check = locks_check_pairs,
};
SCENARIO(lock_pair);
static const struct scenario lock_opposite = {
    .name = "lock-opposite-order", .summary = "two threads take two locks one after the other, each in its own order: each can hold what the other wants",
    .source = "FIELD.md 3.4", .setup = locks_setup_open, .thread = {locks_take_a_then_b, locks_take_b_then_a}, .check = locks_check_pairs,
    .fails = LOCK_NONE ? NULL : "deadlock",
};
SCENARIO(lock_opposite);
static const struct scenario lock_pair_biased = {
    .name = "lock-two-biased", .summary = "the owner takes two locks through its bias while another thread takes the second one",
    .source = "FIELD.md 3.5", .setup = locks_setup_biased, .thread = {locks_take_ab, locks_take_b}, .check = locks_check_pair_and_one,
};
SCENARIO(lock_pair_biased);
/* Two threads may give way to each other for ever, in step (lock.h says so): the explorer finds an execution without end. */
#define LOCKS_ENDLESS (LOCK_NONE ? NULL : "too long")
static const struct scenario lock_pairs_biased = {
    .name = "lock-two-biased-both", .summary = "two threads take two locks that are biased to one of them", .source = "FIELD.md 3.5",
    .setup = locks_setup_biased, .thread = {locks_take_ab, locks_take_ba}, .check = locks_check_pairs, .large = !LOCK_NONE,
    .fails = LOCKS_ENDLESS,
};
SCENARIO(lock_pairs_biased);
static const struct scenario lock_pair_and_one = {
    .name = "lock-two-held", .summary = "two threads take two locks of which a third one holds the second", .source = "FIELD.md 3.5",
    .setup = locks_setup_second_held, .thread = {locks_leave_b, locks_take_ab, locks_take_ba}, .check = locks_check_pairs_and_one,
    .large = !LOCK_NONE, .fails = LOCKS_ENDLESS,
};
SCENARIO(lock_pair_and_one);
