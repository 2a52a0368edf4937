/*
 * test_strategy.c -- the contract of rc/rc.h, the same for every strategy: on one thread, then across threads.
 *
 * The probe is an object that counts its deaths: each must die once, and not before its last reference is gone. Probes lie in
 * memory of the test, not in the heap, so that a dead one may still be looked at (type-stable memory, FIELD.md 1).
 */
#include "harness.h"
#include "threads.h"

#include "../objects/object.h"

#ifdef OS_TSAN
enum { STRATEGY_SCALE = 10 }; /* ThreadSanitizer is that much slower */
#else
enum { STRATEGY_SCALE = 1 };
#endif

enum { STRATEGY_WRITERS = 8, STRATEGY_HELD = 2 };

struct strategy_probe {
    struct container base;
    _Atomic int deaths;
    int written[STRATEGY_WRITERS]; /* plain: whoever deallocates must be ordered after whoever wrote */
    int sum;                       /* of `written`, by the deallocation */
    struct obj *held[STRATEGY_HELD];
    bool by_decref;                /* drops what it holds with obj_decref, as a finalizer would */
};

static void strategy_dealloc(struct obj *o)
{
    struct strategy_probe *p = (struct strategy_probe *)o;
    for (int i = 0; i < STRATEGY_WRITERS; i++)
        p->sum += p->written[i];
    /* relaxed: read after joins, or only as a hint */
    atomic_fetch_add_explicit(&p->deaths, 1, memory_order_relaxed);
    for (int i = 0; i < STRATEGY_HELD; i++) {
        if (p->held[i] && p->by_decref)
            obj_decref(p->held[i]);
        else if (p->held[i])
            obj_decref_field(p->held[i]);
    }
}

static const struct type strategy_probe_type = {.name = "probe", .flags = TYPE_CONTAINER, .dealloc = strategy_dealloc};

static struct obj *strategy_born(struct strategy_probe *p)
{
    rc_init(&p->base.base.rc);
    p->base.base.type = &strategy_probe_type;
    return &p->base.base;
}

static struct strategy_probe *strategy_probes(size_t n)
{
    struct strategy_probe *p = calloc(n, sizeof *p);
    if (!p)
        die("probes", errno);
    for (size_t i = 0; i < n; i++)
        strategy_born(&p[i]);
    return p;
}

static struct rc_head *strategy_head(struct strategy_probe *p) { return &p->base.base.rc; }
static int strategy_deaths(struct strategy_probe *p)
{
    return atomic_load_explicit(&p->deaths, memory_order_relaxed); /* relaxed: see strategy_dealloc */
}
static void strategy_incref(struct strategy_probe *p) { obj_incref(&p->base.base); }
static void strategy_drop(struct strategy_probe *p) { obj_decref(&p->base.base); }
static int64_t strategy_count(struct strategy_probe *p)
{
    rc_drain();
    return rc_count_stw(strategy_head(p));
}

/* How many of the probes have not died exactly once. */
static int strategy_survivors(struct strategy_probe *p, int n)
{
    int wrong = 0;
    rc_drain();
    for (int i = 0; i < n; i++)
        wrong += strategy_deaths(&p[i]) != 1;
    return wrong;
}

/* --- one thread --- */

TEST(a_new_object_has_one_reference_and_dies_with_it)
{
    struct strategy_probe *p = strategy_probes(1);
    cr_assert_eq(strategy_count(p), 1);
    cr_assert_not(rc_is_immortal(strategy_head(p)));
    strategy_drop(p);
    rc_drain();
    cr_assert_eq(strategy_deaths(p), 1);
    free(p);
}

TEST(only_the_last_of_many_decrefs_is_the_last)
{
    struct strategy_probe *p = strategy_probes(1);
    for (int i = 0; i < 1000; i++)
        rc_incref(strategy_head(p));
    for (int i = 0; i < 1000; i++)
        cr_assert_not(rc_decref(strategy_head(p)));
    cr_assert_eq(strategy_count(p), 1);
    bool last = rc_decref(strategy_head(p));
    cr_assert_neq(last, RC_DEFERS_FREE); /* who defers says false and calls rc_dead */
    if (last)
        rc_dead(strategy_head(p));
    rc_drain();
    cr_assert_eq(strategy_deaths(p), 1);
    free(p);
}

TEST(counts_follow_random_traffic_of_one_thread)
{
    enum { PROBES = 64, STEPS = 20000 };
    struct strategy_probe *p = strategy_probes(PROBES);
    int64_t expected[PROBES];
    uint64_t random = 1;
    for (int i = 0; i < PROBES; i++)
        expected[i] = 1;
    for (int i = 0; i < STEPS; i++) {
        uint64_t r = work_random(&random), which = (r >> 8) % PROBES;
        if (r % 2 || expected[which] == 1) {
            strategy_incref(&p[which]);
            expected[which]++;
        } else {
            strategy_drop(&p[which]);
            expected[which]--;
        }
        rt_safepoint();
    }
    for (int i = 0; i < PROBES; i++) {
        cr_assert_eq(strategy_count(&p[i]), expected[i]);
        while (expected[i]--)
            strategy_drop(&p[i]);
    }
    cr_assert_eq(strategy_survivors(p, PROBES), 0);
    free(p);
}

TEST(an_immortal_object_survives_more_decrefs_than_increfs)
{
    struct strategy_probe *p = strategy_probes(1);
    rc_immortalize(strategy_head(p));
    cr_assert(rc_is_immortal(strategy_head(p)));
    for (int i = 0; i < 100; i++)
        strategy_incref(p);
    for (int i = 0; i < 1000; i++)
        strategy_drop(p);
    cr_assert_not(rc_is_unique(strategy_head(p)));
    rc_drain();
    cr_assert(rc_is_immortal(strategy_head(p)));
    cr_assert_eq(strategy_deaths(p), 0);
    free(p);
}

TEST(two_references_of_one_thread_are_not_unique)
{
    struct strategy_probe *p = strategy_probes(1);
    strategy_incref(p);
    cr_assert_not(rc_is_unique(strategy_head(p)));
    strategy_drop(p);
    strategy_drop(p);
    rc_drain();
    cr_assert_not(rc_is_unique(strategy_head(p))); /* dead: nobody's */
    free(p);
}

TEST(try_incref_takes_a_reference_or_none)
{
    struct strategy_probe *p = strategy_probes(1);
    int64_t expected = 1;
    for (int i = 0; i < 100; i++)
        expected += rc_try_incref(strategy_head(p));
    cr_assert_eq(strategy_count(p), expected);
    while (expected--)
        strategy_drop(p);
    rc_drain();
    cr_assert_eq(strategy_deaths(p), 1);
    cr_assert_not(rc_try_incref(strategy_head(p))); /* dead, the memory is still there */
    cr_assert_eq(rc_count_stw(strategy_head(p)), 0);
    free(p);
}

TEST(memory_of_a_dead_object_serves_the_next_one)
{
    struct strategy_probe *p = strategy_probes(1);
    for (int i = 0; i < 50; i++) {
        strategy_incref(p);
        strategy_drop(p);
        strategy_drop(p);
        rc_drain();
        cr_assert_eq(strategy_deaths(p), i + 1);
        strategy_born(p);
    }
    strategy_drop(p);
    rc_drain();
    free(p);
}

/* A tree, every node held by its parent: one drop fells it, once each node (FIELD.md 3.27, 3.29). */
static void strategy_fell_tree(bool by_decref)
{
    enum { NODES = 1023 };
    struct strategy_probe *p = strategy_probes(NODES);
    for (int i = 0; i < NODES; i++) {
        p[i].by_decref = by_decref;
        for (int k = 0; k < STRATEGY_HELD && 2 * i + 1 + k < NODES; k++)
            p[i].held[k] = &p[2 * i + 1 + k].base.base;
    }
    strategy_drop(&p[0]);
    cr_assert_eq(strategy_survivors(p, NODES), 0);
    free(p);
}

TEST(a_dead_object_drops_its_fields) { strategy_fell_tree(false); }
TEST(a_destructor_drops_other_objects) { strategy_fell_tree(true); }

/* Each destructor lets go of the next only when it runs itself: one round of whatever is deferred is not enough. */
TEST(drain_goes_on_until_destructors_drop_nothing_more)
{
    enum { LENGTH = 200 };
    struct strategy_probe *p = strategy_probes(LENGTH);
    for (int i = 0; i + 1 < LENGTH; i++) {
        p[i].held[0] = &p[i + 1].base.base;
        p[i].by_decref = true;
    }
    strategy_drop(&p[0]);
    rc_drain();
    cr_assert_eq(strategy_deaths(&p[LENGTH - 1]), 1);
    cr_assert_eq(strategy_survivors(p, LENGTH), 0);
    free(p);
}

/* --- several threads --- */

#if !RC_UNSAFE

static void strategy_meet(struct os_barrier *b)
{
    thread_detach();
    os_barrier_wait(b);
    thread_attach();
}

/* Waits for a flag that another thread sets, without taking an order from it. A safepoint. */
static void strategy_await(_Atomic int *flag, int value)
{
    /* relaxed: the test must not add the order that the strategy has to give */
    while (atomic_load_explicit(flag, memory_order_relaxed) < value) {
        rt_safepoint();
        thread_detach(); /* under a GIL the other thread could not run */
        os_yield();
        thread_attach();
    }
}
static void strategy_signal(_Atomic int *flag) { atomic_fetch_add_explicit(flag, 1, memory_order_relaxed); } /* relaxed: as above */

/* The same with the order, and attached: without a safepoint, unless there is a GIL to give up. */
static void strategy_await_attached(_Atomic int *flag, int value)
{
    while (atomic_load_explicit(flag, memory_order_acquire) < value) { /* acquire: the test's own hand-over */
        if (RC_NEEDS_GIL) {
            thread_detach();
            thread_attach();
        }
        os_yield();
    }
}

struct strategy_share {
    struct strategy_probe *p;
    int n;
    struct os_barrier meet;
    _Atomic int flag;
    int wrong;
    int64_t left[THREADS_MAX][64]; /* references that a thread still had of each object when it ended */
};

static struct strategy_share *strategy_share(int probes, int threads)
{
    struct strategy_share *s = calloc(1, sizeof *s);
    if (!s)
        die("share", errno);
    s->p = probes ? strategy_probes((size_t)probes) : NULL;
    s->n = probes;
    os_barrier_init(&s->meet, threads);
    return s;
}
static void strategy_unshare(struct strategy_share *s)
{
    os_barrier_drop(&s->meet);
    free(s->p);
    free(s);
}

static const char *strategy_drop_my_part(struct threads_arg *a)
{
    struct strategy_share *s = a->shared;
    for (int i = a->index; i < s->n; i += a->count) {
        strategy_drop(&s->p[i]);
        rt_safepoint();
    }
    return NULL;
}

TEST(objects_handed_over_are_freed_by_the_receivers)
{
    struct strategy_share *s = strategy_share(4000, 3);
    const char *verdict = threads_run(3, strategy_drop_my_part, s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(strategy_survivors(s->p, s->n), 0);
    strategy_unshare(s);
}

static const char *strategy_drop_all(struct threads_arg *a)
{
    struct strategy_share *s = a->shared;
    for (int i = 0; i < s->n; i++) {
        struct strategy_probe *p = &s->p[a->index % 2 ? s->n - 1 - i : i]; /* from both ends: they meet */
        p->written[a->index] = 1 << a->index;
        strategy_drop(p);
        rt_safepoint();
    }
    return NULL;
}

/* FIELD.md 3.9: each thread writes to the object (plainly) before it lets go; the deallocation reads all of it. */
TEST(a_deallocation_sees_what_every_holder_wrote)
{
    enum { THREADS = 4 };
    struct strategy_share *s = strategy_share(6000 / STRATEGY_SCALE, THREADS);
    for (int i = 0; i < s->n; i++)
        for (int t = 1; t < THREADS; t++)
            strategy_incref(&s->p[i]);
    const char *verdict = threads_run(THREADS, strategy_drop_all, s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(strategy_survivors(s->p, s->n), 0);
    for (int i = 0; i < s->n; i++)
        cr_assert_eq(s->p[i].sum, (1 << THREADS) - 1);
    strategy_unshare(s);
}

/* Thread 0 makes each object and keeps it until the guest, who took a reference of its own, has given it back. */
static const char *strategy_host_and_guest(struct threads_arg *a)
{
    struct strategy_share *s = a->shared;
    if (a->index == 0)
        for (int i = 0; i < s->n; i++)
            strategy_born(&s->p[i]);
    strategy_meet(&s->meet);
    for (int i = 0; i < s->n; i++) {
        struct strategy_probe *p = &s->p[i];
        if (a->index == 0) {
            strategy_await(&s->flag, i + 1);
            if (rc_is_unique(strategy_head(p)))
                p->written[1] += 2; /* in place, beside what the guest wrote */
            strategy_drop(p);
        } else {
            strategy_incref(p);
            p->written[1] = 1;
            strategy_drop(p);
            strategy_signal(&s->flag);
        }
    }
    return NULL;
}

/* FIELD.md 3.9: the owner's quick deallocation, when the foreign count has come back to 0. Without a lock or queue between
 * the two, only the strategy's own acquire orders them. */
TEST(an_owner_sees_what_a_guest_wrote_before_it_left)
{
    struct strategy_share *s = strategy_share(2000 / STRATEGY_SCALE, 2);
    for (int i = 0; i < s->n; i++)
        strategy_drop(&s->p[i]); /* thread 0 makes them anew */
    rc_drain();
    for (int i = 0; i < s->n; i++)
        s->p[i].deaths = 0;
    const char *verdict = threads_run(2, strategy_host_and_guest, s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(strategy_survivors(s->p, s->n), 0);
    for (int i = 0; i < s->n; i++)
        cr_assert(s->p[i].sum == 1 || s->p[i].sum == 3);
    strategy_unshare(s);
}

/* Every thread begins with one reference to each object, and makes and drops more at random. */
static const char *strategy_traffic(struct threads_arg *a)
{
    struct strategy_share *s = a->shared;
    int64_t *mine = s->left[a->index];
    uint64_t random = (uint64_t)a->index + 1;
    for (int i = a->index; i < s->n; i += a->count * 2) { /* half of the objects are the threads' own */
        strategy_born(&s->p[i]);
        for (int t = 1; t < a->count; t++)
            strategy_incref(&s->p[i]);
    }
    strategy_meet(&s->meet);
    for (int i = 0; i < s->n; i++)
        mine[i] = 1;
    for (int i = 0; i < 60000 / STRATEGY_SCALE; i++) {
        uint64_t r = work_random(&random), which = (r >> 8) % (uint64_t)s->n;
        bool more = mine[which] > 0 && (r % 2 || mine[which] > 20);
        if (more && mine[which] <= 20) {
            strategy_incref(&s->p[which]);
            mine[which]++;
        } else if (mine[which] > 1) {
            strategy_drop(&s->p[which]);
            mine[which]--;
        }
        if (r >> 60 == 0)
            rt_safepoint();
    }
    return NULL;
}

TEST(counts_are_exact_after_random_traffic_of_several_threads) /* FIELD.md 3.8, 3.12 */
{
    enum { THREADS = 4, PROBES = 64 };
    struct strategy_share *s = strategy_share(PROBES, THREADS);
    for (int i = 0; i < PROBES; i++)
        for (int t = 1; t < THREADS && i % (2 * THREADS) >= THREADS; t++)
            strategy_incref(&s->p[i]);
    const char *verdict = threads_run(THREADS, strategy_traffic, s);
    cr_assert_null(verdict, "%s", verdict);
    for (int i = 0; i < PROBES; i++) {
        int64_t expected = 0;
        for (int t = 0; t < THREADS; t++)
            expected += s->left[t][i];
        cr_assert_eq(strategy_count(&s->p[i]), expected);
        while (expected--)
            strategy_drop(&s->p[i]);
    }
    cr_assert_eq(strategy_survivors(s->p, PROBES), 0);
    strategy_unshare(s);
}

enum { STRATEGY_CROSSING = 50 };

/* Thread 0 owns. What it made, thread 1 drops (the shared count goes below 0); what thread 1 made, thread 0 drops. */
static const char *strategy_cross(struct threads_arg *a)
{
    struct strategy_share *s = a->shared;
    struct strategy_probe *p = s->p;
    for (int round = 0; round < 40; round++) {
        if (a->index == 0 && round == 0)
            strategy_born(p);
        if (a->index == round % 2)
            for (int i = 0; i < STRATEGY_CROSSING; i++)
                strategy_incref(p);
        strategy_meet(&s->meet);
        if (a->index != round % 2)
            for (int i = 0; i < STRATEGY_CROSSING; i++)
                strategy_drop(p);
        strategy_meet(&s->meet);
        if (strategy_deaths(p) != 0)
            return "freed while the owner holds it";
        rt_safepoint();
    }
    if (a->index == 0) {
        strategy_incref(p); /* one to leave behind */
        strategy_drop(p);
    }
    return NULL;
}

TEST(references_cross_ownership_in_both_directions)
{
    struct strategy_share *s = strategy_share(1, 2);
    const char *verdict = threads_run(2, strategy_cross, s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(strategy_count(s->p), 1);
    strategy_drop(s->p);
    cr_assert_eq(strategy_survivors(s->p, 1), 0);
    strategy_unshare(s);
}

/* The guest holds a reference all the time, made by itself (even) or handed to it by the owner (odd). */
static const char *strategy_ask_unique(struct threads_arg *a)
{
    struct strategy_share *s = a->shared;
    for (int i = 0; i < s->n; i++) {
        struct strategy_probe *p = &s->p[i];
        if (a->index == 0) {
            strategy_born(p);
            if (i % 2)
                strategy_incref(p);
        }
        strategy_meet(&s->meet);
        if (a->index == 1 && i % 2 == 0)
            strategy_incref(p);
        strategy_meet(&s->meet);
        bool unique = rc_is_unique(strategy_head(p)); /* owner and guest both ask */
        strategy_meet(&s->meet);
        if (a->index == i / 2 % 2)
            strategy_drop(p); /* one of them leaves, the other asks again */
        strategy_meet(&s->meet);
        if (a->index != i / 2 % 2) {
            if (strategy_deaths(p) != 0)
                return "freed while one of two still holds it";
            strategy_drop(p);
        }
        if (unique)
            return "unique with two holders";
    }
    return NULL;
}

/* FIELD.md 3.24: local == 1 with a foreign reference beside it, or with all references foreign, is not unique. */
TEST(an_object_shared_between_threads_is_never_unique)
{
    struct strategy_share *s = strategy_share(0, 2);
    s->n = 100;
    s->p = calloc(100, sizeof *s->p);
    const char *verdict = threads_run(2, strategy_ask_unique, s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(strategy_survivors(s->p, s->n), 0);
    strategy_unshare(s);
}

static const char *strategy_drop_immortals(struct threads_arg *a)
{
    struct strategy_share *s = a->shared;
    for (int i = 0; i < 20000 / STRATEGY_SCALE; i++) {
        struct strategy_probe *p = &s->p[i % s->n];
        if (i % 3 == 0)
            strategy_incref(p);
        strategy_drop(p);
        if (!rc_is_immortal(strategy_head(p)))
            return "no longer immortal";
        rt_safepoint();
    }
    return NULL;
}

static void strategy_expect_immortal(struct strategy_share *s)
{
    rc_drain();
    for (int i = 0; i < s->n; i++) {
        cr_assert(rc_is_immortal(strategy_head(&s->p[i])));
        cr_assert_eq(strategy_deaths(&s->p[i]), 0);
    }
}

TEST(immortal_objects_survive_decrefs_of_several_threads)
{
    struct strategy_share *s = strategy_share(4, 4);
    for (int i = 0; i < s->n; i++)
        rc_immortalize(strategy_head(&s->p[i]));
    const char *verdict = threads_run(4, strategy_drop_immortals, s);
    cr_assert_null(verdict, "%s", verdict);
    strategy_expect_immortal(s);
    strategy_unshare(s);
}

/* Thread 0 owns the object and makes it immortal while the others give their references back. */
static const char *strategy_immortalize_amid(struct threads_arg *a)
{
    struct strategy_share *s = a->shared;
    for (int i = 0; i < s->n; i++) {
        struct strategy_probe *p = &s->p[i];
        if (a->index == 0) {
            strategy_born(p);
            for (int k = 0; k < 40 * (a->count - 1); k++)
                strategy_incref(p);
        }
        strategy_meet(&s->meet);
        if (a->index == 0)
            rc_immortalize(strategy_head(p));
        bool immortal = false;
        for (int k = 0; a->index > 0 && k < 40; k++) {
            for (int j = 0; j < 5; j++) {
                strategy_incref(p);
                if (immortal && !rc_is_immortal(strategy_head(p)))
                    return "immortal no longer";
                immortal = rc_is_immortal(strategy_head(p));
                strategy_drop(p);
            }
            strategy_drop(p);
            rt_safepoint();
        }
        if (a->index == 0 && !rc_is_immortal(strategy_head(p)))
            return "not immortal after rc_immortalize";
    }
    return NULL;
}

/* FIELD.md 3.23 */
TEST(an_owner_makes_its_object_immortal_while_others_decref)
{
    struct strategy_share *s = strategy_share(0, 3);
    s->n = 400 / STRATEGY_SCALE;
    s->p = calloc((size_t)s->n, sizeof *s->p);
    const char *verdict = threads_run(3, strategy_immortalize_amid, s);
    cr_assert_null(verdict, "%s", verdict);
    strategy_expect_immortal(s);
    strategy_unshare(s);
}

/* The guest's decref is deferred (queued, logged) when the owner makes the object immortal, and is applied afterwards. */
static const char *strategy_immortalize_queued(struct threads_arg *a)
{
    struct strategy_share *s = a->shared;
    for (int i = 0; i < s->n; i++) {
        struct strategy_probe *p = &s->p[i];
        if (a->index == 0)
            obj_incref(strategy_born(p));
        strategy_meet(&s->meet);
        if (a->index == 0) {
            strategy_signal(&s->flag);
            strategy_await_attached(&s->flag, 2 * i + 2);
            rc_immortalize(strategy_head(p));
            rt_safepoint();
        } else {
            strategy_await_attached(&s->flag, 2 * i + 1); /* the owner is attached: nobody merges for it */
            strategy_drop(p);
            strategy_signal(&s->flag);
        }
        strategy_meet(&s->meet);
        if (!rc_is_immortal(strategy_head(p)))
            return "a deferred decref has undone immortality";
    }
    return NULL;
}

TEST(a_decref_that_was_deferred_does_not_undo_immortality) /* FIELD.md 3.23 */
{
    struct strategy_share *s = strategy_share(0, 2);
    s->n = 50;
    s->p = calloc(50, sizeof *s->p);
    const char *verdict = threads_run(2, strategy_immortalize_queued, s);
    cr_assert_null(verdict, "%s", verdict);
    strategy_expect_immortal(s);
    strategy_unshare(s);
}

/* Thread 0 drops the last reference while the others try to get one: who gets one finds the object alive. */
static const char *strategy_race_the_last(struct threads_arg *a)
{
    struct strategy_share *s = a->shared;
    const char *verdict = NULL;
    for (int i = 0; i < s->n; i++) {
        struct strategy_probe *p = &s->p[i];
        if (a->index == 0) {
            strategy_born(p);
            if (i % 2)
                strategy_incref(p); /* odd: thread 1 drops one too */
        }
        strategy_meet(&s->meet);
        if (a->index == 0 || (a->index == 1 && i % 2)) {
            strategy_drop(p);
        } else {
            for (int k = 0; k < 20; k++) {
                if (!rc_try_incref(strategy_head(p)))
                    continue;
                if (strategy_deaths(p) != 0)
                    verdict = "got a reference to a dead object";
                strategy_drop(p);
            }
        }
        strategy_meet(&s->meet);
        rt_safepoint();
        strategy_meet(&s->meet);
        if (rc_try_incref(strategy_head(p)) && strategy_deaths(p) != 0)
            verdict = "got a reference to an object long dead";
    }
    return verdict;
}

TEST(try_incref_never_revives_the_dead)
{
    struct strategy_share *s = strategy_share(0, 3);
    s->n = 1500 / STRATEGY_SCALE;
    s->p = calloc((size_t)s->n, sizeof *s->p);
    const char *verdict = threads_run(3, strategy_race_the_last, s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(strategy_survivors(s->p, s->n), 0);
    strategy_unshare(s);
}

/* Thread 1 stays attached without a safepoint while its objects are dropped, and then only detaches. */
static const char *strategy_drain_beside_detached(struct threads_arg *a)
{
    struct strategy_share *s = a->shared;
    const char *verdict = NULL;
    if (a->index == 1)
        for (int i = 0; i < s->n; i++)
            strategy_born(&s->p[i]);
    strategy_meet(&s->meet);
    if (a->index == 1) {
        strategy_signal(&s->flag);
        /* relaxed: the objects themselves are handed over by the barrier */
        while (!RC_NEEDS_GIL && atomic_load_explicit(&s->flag, memory_order_relaxed) == 1)
            os_yield();
    } else {
        strategy_await(&s->flag, 1);
        for (int i = 0; i < s->n; i++)
            strategy_drop(&s->p[i]);
        strategy_signal(&s->flag);
    }
    thread_detach();
    os_barrier_wait(&s->meet);
    if (a->index == 0) {
        thread_attach();
        rc_drain();
        for (int i = 0; i < s->n && !verdict; i++)
            verdict = strategy_deaths(&s->p[i]) == 1 ? NULL : "rc_drain left what a detached owner had queued";
        thread_detach();
    }
    os_barrier_wait(&s->meet);
    thread_attach();
    return verdict;
}

/* rc.h: rc_drain applies everything deferred when no other thread is attached, whether others exist or not. */
TEST(drain_reaches_objects_of_detached_threads) /* FIELD.md 3.11 */
{
    struct strategy_share *s = strategy_share(0, 2);
    s->n = 100;
    s->p = calloc(100, sizeof *s->p);
    const char *verdict = threads_run(2, strategy_drain_beside_detached, s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(strategy_survivors(s->p, s->n), 0);
    strategy_unshare(s);
}

/* --- what needs a look inside one strategy to come about every time --- */

#ifdef RC_STRATEGY_ATOMIC_H
/* FIELD.md 3.23: threads that had read the count before it became immortal add to it afterwards. */
TEST(immortality_is_a_range_that_late_adds_do_not_leave)
{
    struct strategy_probe *p = strategy_probes(1);
    rc_immortalize(strategy_head(p));
    for (int64_t late = -1000; late <= 1000; late += 2000) {
        /* relaxed: as the incref or decref that it stands for */
        atomic_fetch_add_explicit(&strategy_head(p)->count, late, memory_order_relaxed);
        cr_assert(rc_is_immortal(strategy_head(p)));
        atomic_fetch_sub_explicit(&strategy_head(p)->count, late, memory_order_relaxed);
    }
    free(p);
}
#endif

#ifdef RC_STRATEGY_BUFFERED_H

/* Asks for an epoch and waits until it is open. */
static void strategy_open_epoch(void)
{
    os_lock(&commit.lock);
    uint64_t epoch = commit.epoch;
    os_unlock(&commit.lock);
    commit_ask();
    for (bool open = false; !open; os_yield()) {
        os_lock(&commit.lock);
        open = commit.epoch > epoch;
        os_unlock(&commit.lock);
    }
}

static void *strategy_read_in_next_epoch(void *raw)
{
    struct strategy_share *s = raw;
    if (thread_begin() != 0)
        die("thread_begin", ENOMEM);
    strategy_signal(&s->flag);
    strategy_await_attached(&s->flag, 2); /* the next epoch is open */
    rt_safepoint_slow();
    strategy_incref(s->p); /* from main's reference, which main drops after that */
    atomic_fetch_add_explicit(&s->flag, 1, memory_order_release); /* release: the test's own hand-over */
    strategy_await_attached(&s->flag, 4);
    for (int i = 0; i < 100 && strategy_deaths(s->p) == 0; i++) { /* time for the committer to do it wrong */
        struct timespec ms = {.tv_nsec = 1000000};
        nanosleep(&ms, NULL);
    }
    s->wrong = strategy_deaths(s->p);
    strategy_drop(s->p);
    thread_end();
    return NULL;
}

/* FIELD.md 3.27. The reader's incref is one epoch later than main's decref, which comes after it. */
static void strategy_decref_in_older_epoch(void (*decref)(struct strategy_probe *))
{
    struct strategy_share *s = strategy_share(1, 1);
    pthread_t reader;
    if (os_spawn(&reader, strategy_read_in_next_epoch, s) != 0)
        die("reader", EAGAIN);
    strategy_await_attached(&s->flag, 1);
    strategy_open_epoch();
    strategy_signal(&s->flag);
    strategy_await_attached(&s->flag, 3);
    decref(s->p); /* main has not been at a safepoint since objects_start */
    thread_detach();
    strategy_signal(&s->flag);
    os_join(reader);
    thread_attach();
    cr_assert_eq(s->wrong, 0, "freed while the reader holds a reference");
    cr_assert_eq(strategy_survivors(s->p, 1), 0);
    strategy_unshare(s);
}

/* The thread that started the runtime has its pads labelled with the open epoch, too. */
TEST(first_decref_of_the_starting_thread_waits_for_increfs_of_others) { strategy_decref_in_older_epoch(strategy_drop); }

/* What a decref does without memory for a segment. */
static void strategy_drop_directly(struct strategy_probe *p) { log_direct_dec(log_self(), strategy_head(p)); }
TEST(a_decref_without_memory_waits_for_increfs_of_others) { strategy_decref_in_older_epoch(strategy_drop_directly); }

/* FIELD.md 3.23: the maker's own increfs are still being applied by the committer. */
TEST(an_object_with_logged_increfs_stays_immortal)
{
    int lost = 0;
    for (int round = 0; round < 600 / STRATEGY_SCALE; round++) {
        struct strategy_probe *p = strategy_probes(1);
        for (int i = 0; i < 3 * LOG_SEGMENT; i++)
            strategy_incref(p);
        uint64_t epoch = log_self()->epoch;
        for (commit_ask(); log_self()->epoch == epoch;)
            rt_safepoint_slow();
        int64_t until = os_now() + 1000 * (round % 60);
        while (os_now() < until)
            os_relax();
        rc_immortalize(strategy_head(p));
        rc_drain();
        lost += !rc_is_immortal(strategy_head(p));
        free(p);
    }
    cr_assert_eq(lost, 0, "lost %d times", lost);
}

#endif
#endif
