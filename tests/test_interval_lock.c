/*
 * test_interval_lock.c -- the interval lock: who may do what, and to whom it goes. Hand-over and lost wake-ups in every
 * interleaving: tests/scenarios/turns.c.
 */
#include "build.h"
#include "threads.h"

#include "../objects/interval_lock.h"
#include "../objects/local_wrapper.h"

/* --- one thread --- */

static struct obj *interval_owned(int64_t interval_ns) { return own(interval_lock_new(interval_ns)); }

TEST(interval_lock_is_free_then_held_then_free)
{
    struct obj *l = interval_owned(INTERVAL_LOCK_NS);
    cr_assert_eq(interval_lock_locked(l), 0);
    cr_assert_eq(interval_lock_lock(l), 0);
    cr_assert_eq(interval_lock_locked(l), 1);
    cr_assert_eq(interval_lock_unlock(l), 0);
    cr_assert_eq(interval_lock_locked(l), 0);
    drop_owned();
}

TEST(interval_lock_can_be_taken_again_and_again)
{
    struct obj *l = interval_owned(0);
    for (int i = 0; i < 1000; i++)
        cr_assert(interval_lock_lock(l) == 0 && interval_lock_unlock(l) == 0);
    drop_owned();
}

TEST(interval_lock_refuses_its_owner_a_second_time)
{
    struct obj *l = interval_owned(0);
    cr_assert_eq(interval_lock_lock(l), 0);
    cr_assert(interval_lock_lock(l) == -1 && raised(ERR_OWNER, "already"));
    cr_assert_eq(interval_lock_locked(l), 1, "it is still held");
    cr_assert_eq(interval_lock_unlock(l), 0);
    cr_assert(interval_lock_unlock(l) == -1 && raised(ERR_OWNER, "unlock"), "it was held once");
    drop_owned();
}

TEST(interval_lock_that_is_free_cannot_be_unlocked_polled_or_ceded)
{
    struct obj *l = interval_owned(0);
    cr_assert(interval_lock_unlock(l) == -1 && raised(ERR_OWNER, "unlock"));
    cr_assert(interval_lock_poll(l) == -1 && raised(ERR_OWNER, "poll"));
    cr_assert(interval_lock_cede(l) == -1 && raised(ERR_OWNER, "cede"));
    cr_assert_eq(interval_lock_lock(l), 0, "and is as before");
    cr_assert_eq(interval_lock_unlock(l), 0);
    drop_owned();
}

TEST(interval_lock_that_nobody_waits_for_stays)
{
    struct obj *l = interval_owned(0);
    cr_assert_eq(interval_lock_lock(l), 0);
    for (int i = 0; i < 1000; i++)
        cr_assert(interval_lock_poll(l) == 0 && interval_lock_cede(l) == 0 && interval_lock_locked(l) == 1);
    cr_assert_eq(interval_lock_unlock(l), 0);
    drop_owned();
}

TEST(interval_lock_wants_an_interval_that_is_not_negative)
{
    cr_assert(!interval_lock_new(-1) && raised(ERR_VALUE, "-1 ns"));
    interval_owned(0);
    interval_owned(INT64_MAX);
    drop_owned();
}

TEST(interval_lock_operations_want_an_interval_lock)
{
    struct obj *l = list_of_ints(1);
    cr_assert(interval_lock_lock(l) == -1 && raised(ERR_TYPE, "IntervalLock"));
    cr_assert(interval_lock_unlock(l) == -1 && raised(ERR_TYPE, "list"));
    cr_assert(interval_lock_poll(l) == -1 && raised(ERR_TYPE, "list"));
    cr_assert(interval_lock_cede(l) == -1 && raised(ERR_TYPE, "list"));
    cr_assert(interval_lock_locked(l) == -1 && raised(ERR_TYPE, "list"));
    drop_owned();
}

TEST(interval_lock_without_memory_is_not_made)
{
    os_fault_plan(1, true);
    struct obj *l = interval_lock_new(0);
    os_fault_plan(0, false);
    cr_assert(l || err_take() == ERR_MEMORY); /* a freelist may have had a block */
    obj_xdecref(l);
}

TEST(interval_lock_may_die_while_it_is_held)
{
    struct obj *l = interval_lock_new(0);
    cr_assert_eq(interval_lock_lock(l), 0);
    obj_decref(l);
}

TEST(interval_lock_works_through_a_wrapper)
{
    struct obj *l = interval_owned(0), *w = own(local_wrapper_new(l));
    cr_assert_eq(interval_lock_lock(w), 0);
    cr_assert_eq(interval_lock_locked(l), 1);
    cr_assert(interval_lock_lock(l) == -1 && raised(ERR_OWNER, "already"));
    cr_assert_eq(interval_lock_poll(w), 0);
    cr_assert_eq(interval_lock_unlock(w), 0);
    drop_owned();
}

#if !RC_UNSAFE

enum { INTERVAL_THREADS = 4 };

/* What threads share. Plain members belong to whoever holds the lock. */
struct interval_share {
    struct obj *lock;
    int64_t value, inside, most, turns;
    int order[INTERVAL_THREADS + 1], come;
    _Atomic int step;
};

/* Until the step is reached. */
static void interval_await(struct interval_share *s, int step)
{
    thread_detach();
    while (atomic_load_explicit(&s->step, memory_order_relaxed) < step) /* relaxed: what follows is what is tested */
        os_yield();
    thread_attach();
}
static void interval_reach(struct interval_share *s, int step)
{
    atomic_store_explicit(&s->step, step, memory_order_relaxed); /* relaxed: as above */
}
/* Until so many wait for the lock. */
static void interval_await_waiters(struct interval_share *s, uint32_t count)
{
    struct interval_lock *l = (struct interval_lock *)s->lock;
    thread_detach();
    while (atomic_load_explicit(&l->waiting, memory_order_relaxed) != count) /* relaxed: as above */
        os_yield();
    thread_attach();
}

static const char *interval_crowd(struct threads_arg *a)
{
    struct interval_share *s = a->shared;
    for (int i = 0; i < 2000; i++) {
        if (interval_lock_lock(s->lock) != 0)
            return "lock failed";
        s->inside++;
        s->most = s->inside > s->most ? s->inside : s->most;
        s->value++;
        s->inside--;
        if (interval_lock_unlock(s->lock) != 0)
            return "unlock failed";
        rt_safepoint();
    }
    return NULL;
}
TEST(interval_lock_lets_one_in_at_a_time)
{
    struct interval_share s = {.lock = interval_owned(0)};
    const char *verdict = threads_run(INTERVAL_THREADS, interval_crowd, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert(s.value == 2000 * INTERVAL_THREADS && s.most == 1);
    drop_owned();
}

static const char *interval_stranger(struct threads_arg *a)
{
    struct obj *l = ((struct interval_share *)a->shared)->lock;
    if (interval_lock_locked(l) != 1)
        return "it is held by the main thread";
    if (interval_lock_unlock(l) != -1 || err_take() != ERR_OWNER)
        return "unlock by a thread that does not hold it";
    if (interval_lock_poll(l) != -1 || err_take() != ERR_OWNER)
        return "poll by a thread that does not hold it";
    if (interval_lock_cede(l) != -1 || err_take() != ERR_OWNER)
        return "cede by a thread that does not hold it";
    return NULL;
}
TEST(interval_lock_of_another_thread_cannot_be_unlocked_polled_or_ceded)
{
    struct interval_share s = {.lock = interval_owned(0)};
    cr_assert_eq(interval_lock_lock(s.lock), 0);
    const char *verdict = threads_run(2, interval_stranger, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(interval_lock_unlock(s.lock), 0);
    drop_owned();
}

/* Comes once, when thread 0 has it. */
static const char *interval_guest(struct interval_share *s)
{
    interval_await(s, 1);
    if (interval_lock_lock(s->lock) != 0)
        return "lock failed";
    s->turns++;
    return interval_lock_unlock(s->lock) != 0 ? "unlock failed" : NULL;
}

/* Thread 0 holds it and polls in a loop; the others come once each. */
static const char *interval_lender(struct threads_arg *a)
{
    struct interval_share *s = a->shared;
    if (a->index > 0)
        return interval_guest(s);
    int lent = 0;
    if (interval_lock_lock(s->lock) != 0)
        return "lock failed";
    interval_reach(s, 1);
    while (s->turns < a->count - 1) { /* who never gets a turn lets the test time out */
        int answer = interval_lock_poll(s->lock);
        if (answer < 0)
            return "poll failed";
        lent += answer;
        if (!interval_lock_locked(s->lock))
            return "after poll it must be held";
        rt_safepoint();
    }
    if (interval_lock_unlock(s->lock) != 0)
        return "unlock failed";
    return lent >= 1 && lent <= a->count - 1 ? NULL : "it was lent more often than somebody waited, or never";
}
TEST(interval_lock_poll_lets_every_waiter_in_and_comes_back)
{
    struct interval_share s = {.lock = interval_owned(0)};
    const char *verdict = threads_run(INTERVAL_THREADS, interval_lender, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(s.turns, INTERVAL_THREADS - 1);
    drop_owned();
}

TEST(interval_lock_of_5_ms_lends_to_waiters_too)
{
    struct interval_share s = {.lock = interval_owned(INTERVAL_LOCK_NS)};
    const char *verdict = threads_run(2, interval_lender, &s);
    cr_assert_null(verdict, "%s", verdict);
    drop_owned();
}

/* Two wait; the interval never ends. */
static const char *interval_long(struct threads_arg *a)
{
    struct interval_share *s = a->shared;
    if (a->index > 0)
        return interval_guest(s);
    if (interval_lock_lock(s->lock) != 0)
        return "lock failed";
    interval_reach(s, 1);
    interval_await_waiters(s, (uint32_t)a->count - 1);
    for (int i = 0; i < 1000; i++)
        if (interval_lock_poll(s->lock) != 0)
            return "it was lent before its interval was over";
    if (s->turns != 0)
        return "somebody came in";
    if (interval_lock_cede(s->lock) != 1 || s->turns != a->count - 1)
        return "cede lends it at once, to all that wait before it comes back";
    return interval_lock_unlock(s->lock) != 0 ? "unlock failed" : NULL;
}
TEST(interval_lock_is_kept_for_its_interval_unless_ceded)
{
    struct interval_share s = {.lock = interval_owned(INT64_MAX)};
    const char *verdict = threads_run(3, interval_long, &s);
    cr_assert_null(verdict, "%s", verdict);
    drop_owned();
}

/* Come one after the other; thread 0 holds it meanwhile. */
static const char *interval_queue(struct threads_arg *a)
{
    struct interval_share *s = a->shared;
    if (a->index == 0) {
        if (interval_lock_lock(s->lock) != 0)
            return "lock failed";
        for (int i = 1; i < a->count; i++) {
            interval_reach(s, i);
            interval_await_waiters(s, (uint32_t)i);
        }
        if (interval_lock_unlock(s->lock) != 0 || interval_lock_lock(s->lock) != 0) /* no barging: it queues behind them */
            return "unlock and lock failed";
    } else {
        interval_await(s, a->index);
        if (interval_lock_lock(s->lock) != 0)
            return "lock failed";
    }
    s->order[s->come++] = a->index;
    return interval_lock_unlock(s->lock) != 0 ? "unlock failed" : NULL;
}
TEST(interval_lock_goes_round_in_the_order_of_coming_and_nobody_barges_in)
{
    struct interval_share s = {.lock = interval_owned(0)};
    const char *verdict = threads_run(INTERVAL_THREADS, interval_queue, &s);
    cr_assert_null(verdict, "%s", verdict);
    for (int i = 0; i < INTERVAL_THREADS; i++)
        cr_assert_eq(s.order[i], (i + 1) % INTERVAL_THREADS, "place %d: thread %d", i, s.order[i]);
    drop_owned();
}

/* Each changes a plain value in many steps, and polls between them. */
static const char *interval_consistent(struct threads_arg *a)
{
    struct interval_share *s = a->shared;
    double *result = (double *)&s->value;
    if (interval_lock_lock(s->lock) != 0)
        return "lock failed";
    for (int i = 0; i < 300; i++) {
        if (interval_lock_poll(s->lock) < 0)
            return "poll failed";
        for (int k = 0; k < 10; k++)
            *result *= 3.14;
        for (int k = 0; k < 10; k++)
            *result /= 3.14;
        rt_safepoint();
    }
    *result *= 3.14;
    return interval_lock_unlock(s->lock) != 0 ? "unlock failed" : NULL;
}
TEST(interval_lock_loses_no_update_however_often_it_goes_round)
{
    union { int64_t word; double real; } result = {.real = 1}, reference = {.real = 1};
    struct interval_share s = {.lock = interval_owned(0), .value = result.word};
    struct interval_share alone = {.lock = interval_owned(0), .value = reference.word};
    struct threads_arg one = {.shared = &alone, .count = 1};
    const char *verdict = threads_run(INTERVAL_THREADS, interval_consistent, &s);
    cr_assert_null(verdict, "%s", verdict);
    for (int i = 0; i < INTERVAL_THREADS; i++)
        cr_assert_null(interval_consistent(&one));
    cr_assert_eq(s.value, alone.value, "not the same to the last bit");
    drop_owned();
}

/* While waiters sleep the world can be stopped: they are detached. */
static const char *interval_stop(struct threads_arg *a)
{
    struct interval_share *s = a->shared;
    if (interval_lock_lock(s->lock) != 0)
        return "lock failed";
    if (s->turns++ == 0) {
        interval_await_waiters(s, (uint32_t)a->count - 1);
        thread_stop_world();
        thread_start_world();
    }
    return interval_lock_unlock(s->lock) != 0 ? "unlock failed" : NULL;
}
TEST(interval_lock_waiters_do_not_hold_up_who_stops_the_world)
{
    struct interval_share s = {.lock = interval_owned(0)};
    const char *verdict = threads_run(INTERVAL_THREADS, interval_stop, &s);
    cr_assert_null(verdict, "%s", verdict);
    drop_owned();
}

static const char *interval_drop(struct threads_arg *a)
{
    struct obj *l = ((struct interval_share *)a->shared)->lock;
    bool failed = interval_lock_lock(l) != 0 || interval_lock_unlock(l) != 0;
    obj_decref(l);
    return failed ? "lock or unlock failed" : NULL;
}
TEST(interval_lock_dies_with_the_last_of_its_users)
{
    for (int i = 0; i < 50; i++) {
        struct interval_share s = {.lock = interval_lock_new(0)};
        for (int k = 1; k < INTERVAL_THREADS; k++)
            obj_incref(s.lock);
        const char *verdict = threads_run(INTERVAL_THREADS, interval_drop, &s);
        cr_assert_null(verdict, "%s", verdict);
    }
}

#endif
