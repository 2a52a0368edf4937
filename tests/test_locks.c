/*
 * test_locks.c -- the policies of object locks, the parking lot, critical sections. What needs every interleaving is in
 * tests/scenarios/lock-policies.c; containers under each policy: scripts/run-tests (RCLAB_TEST_LOCK).
 */
#include "harness.h"
#include "threads.h"

#include "../objects/dict.h"
#include "../objects/list.h"
#include "../objects/number.h"
#include "../objects/section.h"
#include "../objects/set.h"
#include "../objects/tuple.h"

enum { LOCKS_POLICIES = LOCK_BY_MUTEX + 1, LOCKS_THREADS = 4, LOCKS_ROUNDS = 2000 };

static void locks_restart(enum lock_policy policy)
{
    struct objects_config config = {.heap = HEAP_THREAD, .lock = policy};
    cr_assert_eq(objects_stop(), 0);
    cr_assert_eq(objects_start(&config), 0);
}

/* Two lists, and a plain number that a list's lock guards. */
struct locks_share {
    struct obj *a, *b;
    int64_t inside;
};
static void locks_share_make(struct locks_share *s)
{
    *s = (struct locks_share){.a = list_new(0), .b = list_new(0)};
    cr_assert(s->a && s->b);
}
static void locks_share_drop(struct locks_share *s)
{
    obj_decref(s->a);
    obj_decref(s->b);
}
static struct lock *locks_of(struct obj *list) { return &((struct list *)list)->lock; }

/* --- policies --- */

/* One lock, two locks in either order, and what the containers make of them. */
static const char *locks_crowd(struct threads_arg *a)
{
    struct locks_share *s = a->shared;
    struct obj *first = a->index % 2 ? s->a : s->b, *second = a->index % 2 ? s->b : s->a;
    for (int i = 0; i < LOCKS_ROUNDS; i++) {
        lock_acquire(locks_of(s->a));
        s->inside++;
        lock_release(locks_of(s->a));
        lock_acquire_two(locks_of(first), locks_of(second));
        s->inside++;
        lock_release_two(locks_of(first), locks_of(second));
        if (list_append(first, none_get()) != 0 || (i % 4 == 0 && list_length(second) < 100 && list_extend(first, second) != 0))
            return "no memory";
        rt_safepoint();
    }
    return NULL;
}

TEST(every_policy_lets_one_in_at_a_time) /* FIELD.md 3.26 */
{
    for (int policy = 0; policy < LOCKS_POLICIES; policy++) {
        struct locks_share s;
        locks_restart((enum lock_policy)policy);
        locks_share_make(&s);
        const char *verdict = threads_run(RC_UNSAFE ? 1 : LOCKS_THREADS, locks_crowd, &s);
        cr_assert_null(verdict, "%s under policy %d", verdict, policy);
        cr_assert_eq(s.inside, 2 * LOCKS_ROUNDS * (RC_UNSAFE ? 1 : LOCKS_THREADS), "policy %d", policy);
        locks_share_drop(&s);
    }
}

static struct obj *locks_make(int kind, struct obj *list)
{
    return kind == 0 ? list_new(0) : kind == 1 ? dict_new(0) : kind == 2 ? set_new(0) : iter_new(list);
}
TEST(container_without_memory_for_its_mutex_is_not_made)
{
    locks_restart(LOCK_BY_MUTEX);
    struct obj *list = list_new(0);
    for (int kind = 0; kind < 4; kind++) {
        struct obj *o = NULL;
        for (int at = 1; !o; at++) {
            os_fault_plan(at, false);
            o = locks_make(kind, list);
            os_fault_plan(0, false);
            cr_assert(o || err_take() == ERR_MEMORY);
            cr_assert_lt(at, 10);
        }
        obj_decref(o);
    }
    obj_decref(list);
}

#if !LOCK_NONE

/* --- the parking lot --- */

struct locks_parked {
    struct parking_waiter waiter;
    _Atomic uint32_t word;
    bool handed;
};
static void *locks_parked_body(void *arg)
{
    struct locks_parked *p = arg;
    p->handed = parking_sleep(&p->word, &p->waiter);
    return NULL;
}
/* One waiter, as old as `since` says, of a lock that is released when it sleeps. The word that is left. */
static uint32_t locks_release_for(int64_t since, bool *handed)
{
    struct locks_parked p = {.waiter = {.since = since}};
    struct parking_bucket *b = parking_bucket(&p.word);
    pthread_t thread;
    bool there = false;
    atomic_init(&p.word, PARKING_HELD | PARKING_WAITERS);
    cr_assert_eq(os_spawn(&thread, locks_parked_body, &p), 0);
    while (!there) {
        os_lock(&b->lock);
        there = b->head == &p.waiter;
        os_unlock(&b->lock);
        os_yield();
    }
    parking_release(&p.word);
    os_join(thread);
    *handed = p.handed;
    cr_assert_null(b->head);
    return atomic_load_explicit(&p.word, memory_order_relaxed); /* relaxed: joined */
}

TEST(late_waiter_is_handed_the_lock_and_an_early_one_is_woken)
{
    bool handed;
    cr_assert_eq(locks_release_for(os_now() - 2 * PARKING_PATIENCE_NS, &handed), PARKING_HELD);
    cr_assert(handed);
    cr_assert_eq(locks_release_for(os_now() + INT64_C(1000000000000), &handed), 0);
    cr_assert(!handed);
}

TEST(nobody_sleeps_for_a_lock_that_is_free)
{
    struct parking_waiter w = {.since = 0};
    _Atomic uint32_t word = PARKING_WAITERS;
    cr_assert(!parking_sleep(&word, &w));
    atomic_store_explicit(&word, PARKING_HELD, memory_order_relaxed); /* relaxed: alone */
    cr_assert(!parking_sleep(&word, &w));
}

/* Waiters of two locks in one bucket, in the order in which they came; each release finds its own. */
TEST(bucket_keeps_locks_apart)
{
    _Atomic uint32_t x = 0, y = 0;
    bool more;
    struct parking_waiter w[4];
    struct parking_bucket b = {.lock = OS_MUTEX_INIT};
    for (int i = 0; i < 4; i++) {
        w[i] = (struct parking_waiter){.word = i % 2 ? &y : &x};
        *(b.head ? b.tail : &b.head) = &w[i];
        b.tail = &w[i].next;
    }
    cr_assert_eq(parking_take(&b, &y, &more), &w[1]);
    cr_assert(more);
    cr_assert_eq(parking_take(&b, &x, &more), &w[0]);
    cr_assert(more);
    cr_assert_eq(parking_take(&b, &y, &more), &w[3]);
    cr_assert(!more);
    cr_assert_eq(b.tail, &w[2].next);
    cr_assert_null(parking_take(&b, &y, &more));
    cr_assert_eq(parking_take(&b, &x, &more), &w[2]);
    cr_assert_null(b.head);
}

#endif

/* --- critical sections --- */

static const char *locks_nest(struct threads_arg *a)
{
    struct locks_share *s = a->shared;
    struct obj *first = a->index % 2 ? s->a : s->b, *second = a->index % 2 ? s->b : s->a;
    for (int i = 0; i < LOCKS_ROUNDS; i++) {
        struct section outer, inner, two;
        section_begin(&outer, first);
        section_begin(&inner, second);
        section_end(&inner);
        if (list_append(second, none_get()) != 0) /* a plain lock in a section; first or second: its own or not */
            return "no memory";
        if (list_append(first, none_get()) != 0)
            return "no memory";
        section_begin_two(&two, second, first);
        s->inside++; /* under both, whatever came before */
        section_end(&two);
        section_end(&outer);
        rt_safepoint();
    }
    return rt_self->section || heap_self()->aside ? "a section is left over" : NULL;
}

TEST(sections_nest_in_any_order_under_every_policy)
{
    int threads = RC_UNSAFE ? 1 : LOCKS_THREADS;
    for (int policy = 0; policy < LOCKS_POLICIES; policy++) {
        struct locks_share s;
        locks_restart((enum lock_policy)policy);
        locks_share_make(&s);
        const char *verdict = threads_run(threads, locks_nest, &s);
        cr_assert_null(verdict, "%s under policy %d", verdict, policy);
        cr_assert_eq(s.inside, LOCKS_ROUNDS * threads, "policy %d", policy);
        cr_assert_eq(list_length(s.a), LOCKS_ROUNDS * threads);
        locks_share_drop(&s);
    }
}

static void *locks_visitor(void *arg)
{
    struct locks_share *s = arg;
    if (thread_begin() != 0)
        die("thread_begin", ENOMEM);
    lock_acquire(locks_of(s->a));
    s->inside++;
    lock_release(locks_of(s->a));
    thread_end();
    return NULL;
}
/* FIELD.md 3.25. The visitor could not come in, and the join not end, if the section kept its lock. */
TEST(blocking_lets_others_into_every_section_of_the_thread)
{
    for (int policy = 0; policy < LOCKS_POLICIES; policy++) {
        struct locks_share s;
        struct section outer, inner;
        pthread_t visitor;
        locks_restart((enum lock_policy)policy);
        locks_share_make(&s);
        section_begin(&outer, s.a);
        section_begin(&inner, s.b);
        cr_assert_eq(os_spawn(&visitor, locks_visitor, &s), 0);
        thread_detach();
        os_join(visitor);
        thread_attach();
        cr_assert_eq(s.inside, 1);
        cr_assert(LOCK_NONE || !lock_try(locks_of(s.b))); /* the innermost is held again */
        section_end(&inner);
        cr_assert(LOCK_NONE || !lock_try(locks_of(s.a)));
        section_end(&outer);
        cr_assert(lock_try(locks_of(s.a)));
        lock_release(locks_of(s.a));
        locks_share_drop(&s);
    }
}

TEST(section_of_an_object_without_lock_or_of_the_innermost_is_empty)
{
    struct locks_share s;
    struct section outer, inner, two;
    locks_share_make(&s);
    section_begin(&outer, none_get());
    cr_assert(!outer.entered);
    section_begin(&inner, s.a);
    cr_assert_eq(inner.entered, !LOCK_NONE);
    section_begin_two(&two, s.a, none_get());
    cr_assert(!two.entered);
    section_end(&two);
    cr_assert(LOCK_NONE || !lock_try(locks_of(s.a)));
    section_end(&inner);
    section_end(&outer);
    cr_assert(lock_try(locks_of(s.a)));
    lock_release(locks_of(s.a));
    locks_share_drop(&s);
}

/* All of list's operations take plain locks: one lock, the section's own; two, of which one is. */
TEST(containers_work_inside_their_own_section)
{
    for (int policy = 0; policy < LOCKS_POLICIES; policy++) {
        struct locks_share s;
        struct section both;
        locks_restart((enum lock_policy)policy);
        locks_share_make(&s);
        section_begin_two(&both, s.a, s.b);
        cr_assert_eq(list_append(s.a, none_get()), 0);
        cr_assert_eq(list_extend(s.b, s.a), 0);
        cr_assert_eq(list_extend(s.b, s.b), 0);
        struct obj *it = iter_new(s.b), *item;
        for (int i = 0; i < 2; i++) {
            cr_assert_eq(iter_next(it, &item), 1);
            obj_decref(item);
        }
        cr_assert_eq(iter_next(it, &item), 0);
        obj_decref(it);
        cr_assert_eq(list_length(s.b), 2);
        cr_assert(LOCK_NONE || (!lock_try(locks_of(s.a)) && !lock_try(locks_of(s.b))));
        section_end(&both);
        cr_assert(lock_try(locks_of(s.a)) && lock_try(locks_of(s.b)));
        lock_release_two(locks_of(s.a), locks_of(s.b));
        locks_share_drop(&s);
    }
}
