/*
 * test_races.c -- races of FIELD.md section 3, each as a scenario.
 *
 * Not here: 3.6 does not apply (the object lock is not recursive: it has no owner and no count that could tear); the others are where
 * what they are about is tested. tests/README.md says for each number which tests look for it, and which scenarios.
 * The races are driven by bombs: objects that count their deaths, spoil their stamp when they die, and may then run code.
 */
#include "harness.h"
#include "threads.h"

#include "../objects/dict.h"
#include "../objects/iter.h"
#include "../objects/list.h"
#include "../objects/number.h"
#include "../objects/set.h"
#include "../objects/tuple.h"

#ifdef OS_TSAN
enum { RACES_SCALE = 5 };
#else
enum { RACES_SCALE = 1 };
#endif

#define RACES_ALIVE INT64_C(0x600d600d600d600d)

static _Atomic int64_t races_born, races_died; /* bombs; every test runs in a process of its own */

struct races_bomb {
    struct container base;
    int64_t stamp;
    struct obj *held;
    void (*last)(void *arg);
    void *arg;
};

static void races_dealloc(struct obj *o)
{
    struct races_bomb *b = (struct races_bomb *)o;
    b->stamp = 0;
    if (b->last)
        b->last(b->arg);
    if (b->held)
        obj_decref_field(b->held);
    atomic_fetch_add_explicit(&races_died, 1, memory_order_relaxed); /* relaxed: a gauge; exact after joins */
    obj_free(o, sizeof *b);
}

static const struct type races_bomb_type = {.name = "bomb", .flags = TYPE_CONTAINER, .dealloc = races_dealloc};

/* New; steals `held` (may be NULL). */
static struct obj *races_bomb(struct obj *held, void (*last)(void *), void *arg)
{
    struct races_bomb *b = obj_alloc(&races_bomb_type, sizeof *b);
    if (!b)
        die("bomb", ENOMEM);
    b->stamp = RACES_ALIVE;
    b->held = held;
    b->last = last;
    b->arg = arg;
    atomic_fetch_add_explicit(&races_born, 1, memory_order_relaxed); /* relaxed: as races_died */
    return &b->base.base;
}

static bool races_alive(struct obj *o) { return o->type == &races_bomb_type && ((struct races_bomb *)o)->stamp == RACES_ALIVE; }
static int64_t races_deaths(void) { return atomic_load_explicit(&races_died, memory_order_relaxed); } /* relaxed: as races_died */

/* Every bomb has died, once. */
static bool races_all_dead(void)
{
    rc_drain();
    return races_deaths() == atomic_load_explicit(&races_born, memory_order_relaxed); /* relaxed: the threads have ended */
}

/* FIELD.md 3.29: a chain costs no C stack, whoever drops it. Also 3.27, where the committer does. */
static struct obj *races_chain(int length)
{
    struct obj *chain = NULL;
    for (int i = 0; i < length; i++)
        chain = races_bomb(chain, NULL, NULL);
    return chain;
}

TEST(a_chain_of_a_million_is_freed_without_recursion)
{
    obj_decref(races_chain(1000000 / RACES_SCALE));
    cr_assert(races_all_dead());
}

/* FIELD.md 3.27: what is dropped last of all, with more dropped by its destructors, is freed by the shutdown itself. */
static void races_drop_arg(void *arg) { obj_decref(arg); }

TEST(shutdown_frees_what_destructors_drop)
{
    struct obj *o = races_bomb(NULL, NULL, NULL);
    for (int i = 0; i < 50; i++)
        o = races_bomb(NULL, races_drop_arg, o);
    obj_decref(o); /* the leak check that follows every test is the assertion */
}

/* FIELD.md 3.27: a log without bound. No safepoint for a long time, then everything is applied and its memory is given back. */
TEST(a_million_counts_without_a_safepoint_are_applied)
{
    enum { COUNTS = 1000000 / RACES_SCALE };
    struct obj *o = races_bomb(NULL, NULL, NULL);
    for (int i = 0; i < COUNTS; i++)
        obj_incref(o);
    for (int i = 0; i < COUNTS; i++)
        obj_decref(o);
    rt_safepoint();
    rc_drain();
    cr_assert_eq(rc_count_stw(&o->rc), 1);
    cr_assert(races_alive(o));
#ifdef RC_STRATEGY_BUFFERED_H
    cr_assert_eq(commit.backlog, 0);
    cr_assert_leq(commit.in_pool, LOG_LIMIT);
#endif
    obj_decref(o);
    cr_assert(races_all_dead());
}

#ifdef RC_STRATEGY_BIASED_H
/* FIELD.md 3.23: a local count that reaches its top makes the object immortal; it does not wrap. */
TEST(a_count_that_overflows_leaks_and_does_not_wrap)
{
    static struct obj o;
    rc_init(&o.rc);
    o.type = &races_bomb_type;
    rc_set_local(&o.rc, RC_IMMORTAL - 3);
    for (int i = 0; i < 10; i++)
        obj_incref(&o);
    for (int i = 0; i < 20; i++)
        obj_decref(&o);
    cr_assert(rc_is_immortal(&o.rc));
    cr_assert_eq(races_deaths(), 0);
}
#endif

#if !RC_UNSAFE

struct races_share {
    struct obj *a, *b;
    struct os_barrier meet;
    _Atomic int flag;
    int64_t count;
    struct obj *item[4096];
    _Atomic int taken[4096];
};

static struct races_share *races_share(int threads)
{
    struct races_share *s = calloc(1, sizeof *s);
    if (!s)
        die("share", errno);
    os_barrier_init(&s->meet, threads);
    return s;
}
static void races_unshare(struct races_share *s)
{
    obj_xdecref(s->a);
    obj_xdecref(s->b);
    os_barrier_drop(&s->meet);
    free(s);
}
static struct races_share *races_share_lists(int threads)
{
    struct races_share *s = races_share(threads);
    s->a = list_new(0);
    s->b = list_new(0);
    return s;
}

static void races_meet(struct races_share *s)
{
    thread_detach();
    os_barrier_wait(&s->meet);
    thread_attach();
}

/* relaxed, both: flags that say when to look; locks and counts under test give the order */
static void races_signal(_Atomic int *flag) { atomic_fetch_add_explicit(flag, 1, memory_order_relaxed); }
static int races_flag(_Atomic int *flag) { return atomic_load_explicit(flag, memory_order_relaxed); }

/* Waits for a flag while attached, without a safepoint where that is possible (a GIL must be given up, an epoch
 * acknowledged: the one who raises the flag may itself be waiting for the committer). */
static void races_await_attached(_Atomic int *flag, int value)
{
    while (races_flag(flag) < value) {
        if (RC_NEEDS_GIL || RC_DEFERS_FREE) {
            thread_detach();
            thread_attach();
        }
        os_yield();
    }
}

static void races_append_new(struct obj *list)
{
    struct obj *o = races_bomb(NULL, NULL, NULL);
    list_append(list, o);
    obj_decref(o);
}

/* --- 3.1: a reference read from a container whose item is replaced --- */

static const char *races_replace_and_read(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    const char *verdict = NULL;
    for (int i = 0; i < 40000 / RACES_SCALE && !verdict; i++) {
        if (a->index == 0) {
            struct obj *o = races_bomb(NULL, NULL, NULL);
            list_set(s->a, i % 4, o);
            obj_decref(o);
        } else {
            struct obj *o = list_get(s->a, i % 4);
            verdict = o && races_alive(o) ? NULL : "a new reference to something dead";
            obj_xdecref(o);
        }
        rt_safepoint();
    }
    return verdict;
}

TEST(a_new_reference_outlives_the_replacement_of_its_item)
{
    struct races_share *s = races_share_lists(3);
    for (int i = 0; i < 4; i++)
        races_append_new(s->a);
    const char *verdict = threads_run(3, races_replace_and_read, s);
    cr_assert_null(verdict, "%s", verdict);
    races_unshare(s);
    cr_assert(races_all_dead());
}

#if !RC_UNSAFE
static const char *races_replace_and_borrow(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    for (int i = 0; i < 40000 / RACES_SCALE; i++) {
        if (a->index == 0) {
            struct obj *o = races_bomb(NULL, NULL, NULL);
            list_set(s->a, i % 4, o);
            obj_decref(o);
        } else {
            struct obj *o = list_get_borrowed(s->a, i % 4);
            for (int k = 0; k < 50; k++) {
                if (!races_alive(o))
                    return "a borrowed reference died before a safepoint";
                os_relax();
            }
            obj_incref(o); /* now it is our own, over the safepoint too */
            rt_safepoint();
            if (!races_alive(o))
                return "a reference made from a borrowed one died";
            obj_decref(o);
        }
        rt_safepoint();
    }
    return NULL;
}

TEST(a_borrowed_reference_is_good_until_the_next_safepoint)
{
    struct races_share *s = races_share_lists(3);
    for (int i = 0; i < 4; i++)
        races_append_new(s->a);
    const char *verdict = threads_run(3, races_replace_and_borrow, s);
    cr_assert_null(verdict, "%s", verdict);
    races_unshare(s);
    cr_assert(races_all_dead());
}
#endif

/* --- 3.2, 3.3, 3.15: what is locked is unlocked, once; readers see whole items only --- */

static const char *races_assign_to_itself(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    for (int i = 0; i < 2000 / RACES_SCALE; i++) {
        if (a->index == 0 && list_set_slice(s->a, 0, INT64_MAX, s->a) != 0)
            return "slice assignment failed";
        if (a->index == 1)
            races_append_new(s->a);
        struct obj *o = list_get(s->a, -1);
        if (!o || !races_alive(o))
            return "an item is gone";
        obj_decref(o);
        rt_safepoint();
    }
    return NULL;
}

TEST(a_list_assigned_to_its_own_slice_keeps_lock_and_items) /* FIELD.md 3.2 */
{
    struct races_share *s = races_share_lists(3);
    races_append_new(s->a);
    const char *verdict = threads_run(3, races_assign_to_itself, s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(list_length(s->a), 1 + 2000 / RACES_SCALE);
    races_unshare(s);
    cr_assert(races_all_dead());
}

static const char *races_fail_and_append(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    struct obj *missing = int_new(-1000000), *found;
    const char *verdict = NULL;
    for (int i = 0; i < 5000 / RACES_SCALE && !verdict; i++) {
        if (list_get(s->a, INT64_MAX) || list_set(s->a, INT64_MIN, missing) == 0 || list_pop(s->b, 0) ||
            list_remove(s->b, missing) == 0 || list_get(s->a, -1000000000))
            verdict = "an operation that must fail did not";
        if (iter_next(s->a, &found) != -1 || list_extend(s->a, missing) == 0 || list_set_slice(s->a, 0, 0, missing) == 0)
            verdict = "an operation on the wrong type did not fail";
        if (list_append(s->a, none_get()) != 0)
            verdict = "append failed";
        rt_safepoint();
    }
    obj_decref(missing);
    return verdict;
}

TEST(failing_operations_leave_the_lock_alone) /* FIELD.md 3.3 */
{
    enum { THREADS = 4 };
    struct races_share *s = races_share_lists(THREADS);
    const char *verdict = threads_run(THREADS, races_fail_and_append, s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(list_length(s->a), THREADS * (5000 / RACES_SCALE)); /* a lost append: two were under the lock */
    races_unshare(s);
}

static const char *races_grow_and_shrink(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    const char *verdict = NULL;
    for (int i = 0; i < 10000 / RACES_SCALE && !verdict; i++) {
        struct obj *o = NULL;
        if (a->index > 0)
            o = list_get(s->a, i % 40 - 20);
        else if (i / 40 % 2)
            o = list_pop(s->a, i % 2 ? 0 : -1);
        else
            races_append_new(s->a);
        if (o && !races_alive(o))
            verdict = "a slot without an item was seen";
        obj_xdecref(o);
        err_take();
        rt_safepoint();
    }
    return verdict;
}

TEST(readers_never_see_stale_slots) /* FIELD.md 3.15 */
{
    struct races_share *s = races_share_lists(3);
    const char *verdict = threads_run(3, races_grow_and_shrink, s);
    cr_assert_null(verdict, "%s", verdict);
    races_unshare(s);
    cr_assert(races_all_dead());
}

/* --- 3.4, 3.5: two containers in both orders. A deadlock ends in the test's time-out. --- */

/* A destructor that uses a container: in whatever operation it runs, that must hold no lock. */
static void races_touch_list(void *list)
{
    list_append(list, none_get());
    obj_xdecref(list_pop(list, -1));
}

static void races_displace(struct obj *mine, struct obj *other, int how)
{
    struct obj *o = races_bomb(NULL, races_touch_list, other);
    struct obj *pair[] = {o, o};
    switch (how % 4) {
    case 0: list_set(mine, 0, o); break;
    case 1: list_set_slice(mine, 0, 1, NULL); list_insert(mine, 0, o); break;
    case 2: { struct obj *t = tuple_new(pair, 2); list_set_slice(mine, 0, 2, t); obj_decref(t); break; }
    default: list_clear(mine); list_append(mine, o); break;
    }
    obj_decref(o);
}

static const char *races_destroy_crosswise(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    for (int i = 0; i < 6000 / RACES_SCALE; i++) {
        bool forth = a->index % 2;
        races_displace(forth ? s->a : s->b, forth ? s->b : s->a, i);
        if (i % 5 == 0)
            races_displace(s->a, s->a, i); /* the destructor wants the very lock of the operation */
        rt_safepoint();
    }
    return NULL;
}

TEST(destructors_that_lock_another_list_do_not_deadlock) /* FIELD.md 3.4 */
{
    struct races_share *s = races_share_lists(4);
    const char *verdict = threads_run(4, races_destroy_crosswise, s);
    cr_assert_null(verdict, "%s", verdict);
    list_clear(s->a); /* these destructors still want both lists */
    list_clear(s->b);
    rc_drain();
    list_clear(s->a);
    list_clear(s->b);
    rc_drain();
    races_unshare(s);
    cr_assert(races_all_dead());
}

static void races_touch_dict(void *dict)
{
    struct obj *k = int_new(1000), *old;
    dict_set(dict, k, k);
    dict_pop(dict, k, &old);
    obj_xdecref(old);
    obj_decref(k);
}

static const char *races_destroy_in_dicts(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    struct obj *mine = a->index % 2 ? s->a : s->b, *other = a->index % 2 ? s->b : s->a;
    for (int i = 0; i < 6000 / RACES_SCALE; i++) {
        struct obj *o = races_bomb(NULL, races_touch_dict, other), *k = int_new(i % 3);
        dict_set(mine, k, o);
        if (i % 7 == 0)
            dict_clear(mine);
        if (i % 11 == 0 && dict_del(mine, k) != 0)
            err_take();
        obj_decref(k);
        obj_decref(o);
        rt_safepoint();
    }
    return NULL;
}

TEST(destructors_that_lock_another_dict_do_not_deadlock) /* FIELD.md 3.4 */
{
    struct races_share *s = races_share(4);
    s->a = dict_new(0);
    s->b = dict_new(0);
    const char *verdict = threads_run(4, races_destroy_in_dicts, s);
    cr_assert_null(verdict, "%s", verdict);
    dict_clear(s->a);
    dict_clear(s->b);
    rc_drain();
    races_unshare(s);
    cr_assert(races_all_dead());
}

static const char *races_extend_both_ways(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    struct obj *x = a->index % 2 ? s->a : s->b, *y = a->index % 2 ? s->b : s->a;
    for (int i = 0; i < 3000 / RACES_SCALE; i++) {
        if (list_extend(x, a->index < 2 ? y : x) != 0)
            return "extend failed";
        list_set_slice(x, 20 + i % 20, INT64_MAX, NULL);
        struct obj *o = list_get(x, -1);
        if (!o || !races_alive(o))
            return "a list has lost its items";
        obj_decref(o);
        rt_safepoint();
    }
    return NULL;
}

TEST(lists_extended_by_each_other_and_by_themselves) /* FIELD.md 3.5 */
{
    struct races_share *s = races_share_lists(4);
    for (int i = 0; i < 5; i++) {
        races_append_new(s->a);
        races_append_new(s->b);
    }
    const char *verdict = threads_run(4, races_extend_both_ways, s);
    cr_assert_null(verdict, "%s", verdict);
    races_unshare(s);
    cr_assert(races_all_dead());
}

/* a = [p, q], b = [q, p], while p and q change: which locks a comparison wants, and in which order, depends on the data. */
static const char *races_compare_nested(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    struct obj *x = a->index % 2 ? s->a : s->b, *y = a->index % 2 ? s->b : s->a;
    for (int i = 0; i < 2000 / RACES_SCALE; i++) {
        struct obj *inner = list_get(x, i % 2), *text;
        if (obj_equal(x, y) < 0 || !(text = obj_repr(x)))
            return "comparison or repr failed";
        if (i % 3 == 0 && list_set(inner, 0, bool_get(i % 2)) != 0)
            return "the inner list is empty";
        obj_decref(inner);
        obj_decref(text);
        rt_safepoint();
    }
    return NULL;
}

TEST(nested_comparisons_in_both_orders_do_not_deadlock) /* FIELD.md 3.5 */
{
    struct races_share *s = races_share_lists(4);
    struct obj *same[] = {bool_get(true)}, *p = list_from(same, 1), *q = list_from(same, 1);
    list_append(s->a, p);
    list_append(s->a, q);
    list_append(s->b, q);
    list_append(s->b, p);
    obj_decref(p);
    obj_decref(q);
    const char *verdict = threads_run(4, races_compare_nested, s);
    cr_assert_null(verdict, "%s", verdict);
    races_unshare(s);
}

/* --- 3.10: threads end while others hold, queue and drop their objects --- */

struct races_child {
    struct races_share *s;
    int objects;
    uint32_t key;
    void (*last)(void *);
};

static void *races_make_and_end(void *raw)
{
    struct races_child *c = raw;
    if (thread_begin() != 0)
        die("thread_begin", ENOMEM);
    c->key = rt_self->key;
    for (int i = 0; i < c->objects; i++) {
        struct obj *o = races_bomb(NULL, c->last, c->s->b);
        list_append(c->s->a, o);
        if (i % 2)
            obj_incref(o); /* dropped below, perhaps after the others have dropped theirs */
        obj_decref(o);
        if (i % 2)
            obj_decref(o);
    }
    thread_end();
    return NULL;
}

static const char *races_churn_makers(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    for (int i = 0; a->index == 0 && i < 400 / RACES_SCALE; i++) {
        struct races_child c = {.s = s, .objects = 40};
        pthread_t child;
        if (os_spawn(&child, races_make_and_end, &c) != 0)
            return "no thread";
        thread_detach();
        os_join(child);
        thread_attach();
    }
    if (a->index == 0)
        races_signal(&s->flag);
    for (bool ended = false; a->index > 0;) {
        struct obj *o = list_pop(s->a, -1);
        if (!o && ended)
            return NULL;
        ended = races_flag(&s->flag) > 0;
        if (o && !races_alive(o))
            return "popped something dead";
        obj_xdecref(o);
        rt_safepoint();
    }
    return NULL;
}

TEST(owners_end_while_others_drop_their_objects)
{
    struct races_share *s = races_share_lists(3);
    const char *verdict = threads_run(3, races_churn_makers, s);
    cr_assert_null(verdict, "%s", verdict);
    races_unshare(s);
    cr_assert(races_all_dead());
}

/* A destructor that makes objects, references to old ones, and drops some of both. */
static void races_beget(void *list)
{
    struct obj *o = races_bomb(NULL, NULL, NULL);
    list_append(list, o);
    obj_decref(o);
    struct obj *older = list_get(list, 0);
    list_append(list, older);
    obj_decref(older);
    if (list_length(list) > 20)
        obj_xdecref(list_pop(list, 0));
    obj_decref(races_bomb(NULL, NULL, NULL));
}

static const char *races_end_with_destructors(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    if (a->index == 0) {
        for (int i = 0; i < s->count; i++)
            s->item[i] = races_bomb(races_bomb(NULL, races_beget, s->b), races_beget, s->b);
        s->item[s->count] = obj_incref(s->item[0]);
    }
    races_meet(s);
    if (a->index == 0) {
        races_signal(&s->flag);
        races_await_attached(&s->flag, a->count); /* attached: what the others drop waits in a queue for this thread's end */
        return NULL;
    }
    races_await_attached(&s->flag, 1);
    for (int i = a->index - 1; i < s->count; i += a->count - 1)
        obj_decref(s->item[i]);
    races_signal(&s->flag);
    return NULL;
}

TEST(destructors_at_the_end_of_a_thread_make_objects)
{
    for (int round = 0; round < 40 / RACES_SCALE; round++) {
        struct races_share *s = races_share_lists(3);
        s->count = 30;
        races_append_new(s->b);
        const char *verdict = threads_run(3, races_end_with_destructors, s);
        cr_assert_null(verdict, "%s", verdict);
        obj_decref(s->item[s->count]);
        rc_drain();
        races_unshare(s);
        cr_assert(races_all_dead());
    }
}

#ifdef RC_STRATEGY_BIASED_H
/* The steps of the two threads alternate, 1 to 6. These two run in the owner's destructors, at its end. */
static void races_end_step_3(void *arg)
{
    struct races_share *s = arg;
    races_signal(&s->flag);
    races_await_attached(&s->flag, 4); /* the second bomb is queued: too late for this drain, in time for the last one */
}
static void races_end_step_5(void *arg)
{
    struct races_share *s = arg;
    races_signal(&s->flag);
    while (races_flag(&s->flag) < 6) /* out of the registry by now: the other merges what this thread owned */
        obj_decref(obj_incref(s->item[2]));
    obj_decref(s->item[2]);
}

static const char *races_end_in_steps(struct threads_arg *a)
{
    enum { SHARED = 20 };
    struct races_share *s = a->shared;
    if (a->index == 0) {
        s->item[0] = races_bomb(NULL, races_end_step_3, s);
        s->item[1] = races_bomb(NULL, races_end_step_5, s);
        s->item[2] = races_bomb(NULL, NULL, NULL);
        for (int i = 0; i < SHARED; i++)
            obj_incref(s->item[2]);
        races_meet(s);
        races_signal(&s->flag); /* attached: the bombs will be queued, not merged by the other */
        races_await_attached(&s->flag, 2);
        return NULL;
    }
    races_meet(s);
    races_await_attached(&s->flag, 1);
    obj_decref(s->item[0]);
    races_signal(&s->flag);
    races_await_attached(&s->flag, 3);
    obj_decref(s->item[1]);
    races_signal(&s->flag);
    races_await_attached(&s->flag, 5);
    for (int i = 0; i < SHARED; i++)
        obj_decref(s->item[2]);
    races_signal(&s->flag);
    return NULL;
}

/* A destructor in the very last drain is a stranger to the objects that its thread owned. */
TEST(a_thread_that_left_the_registry_owns_nothing)
{
    for (int round = 0; round < 50 / RACES_SCALE; round++) {
        struct races_share *s = races_share(2);
        const char *verdict = threads_run(2, races_end_in_steps, s);
        cr_assert_null(verdict, "%s", verdict);
        races_unshare(s);
        cr_assert(races_all_dead());
    }
}
#endif

TEST(ids_of_threads_are_never_reused)
{
    struct races_share *s = races_share_lists(1);
    uint32_t last = rt_self->key;
    for (int i = 0; i < 200; i++) {
        struct races_child c = {.s = s, .objects = 1};
        pthread_t child;
        cr_assert_eq(os_spawn(&child, races_make_and_end, &c), 0);
        thread_detach();
        os_join(child);
        thread_attach();
        cr_assert_gt(c.key, last);
        last = c.key;
        os_rcu_read_lock();
        cr_assert_null(thread_find(c.key));
        os_rcu_read_unlock();
    }
    cr_assert_eq(list_length(s->a), 200);
    races_unshare(s);
    cr_assert(races_all_dead());
}

/* --- 3.11: the owner is away for long --- */

static const char *races_drop_beside_a_sleeper(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    for (int i = 0; a->index == 0 && i < s->count; i++)
        s->item[i] = races_bomb(NULL, NULL, NULL);
    if (a->index == 0) { /* detached from before the others begin until after they have ended: what comes in is theirs to drain */
        thread_detach();
        os_barrier_wait(&s->meet);
        os_barrier_wait(&s->meet);
        thread_attach();
        return NULL;
    }
    races_meet(s);
    const char *verdict = NULL;
    for (int i = a->index - 1; i < s->count; i += a->count - 1) {
        obj_decref(s->item[i]);
        races_signal(&s->flag);
        rt_safepoint();
        if (!RC_DEFERS_FREE && races_flag(&s->flag) != races_deaths())
            verdict = "dead objects pile up while their owner is away";
    }
    races_meet(s);
    return verdict;
}

TEST(objects_of_a_blocked_owner_do_not_pile_up)
{
    struct races_share *s = races_share(2); /* one that drops: nobody else can be merging, so each dies at once */
    s->count = 4000;
    const char *verdict = threads_run(2, races_drop_beside_a_sleeper, s);
    cr_assert_null(verdict, "%s", verdict);
    races_unshare(s);
    cr_assert(races_all_dead());
}

/* --- 3.7: the owner gives an object up, and the other's last decref frees it --- */

enum { RACES_BIG = HEAP_MAX + 64 }; /* such memory goes back to malloc at once: the sanitizers see a late write to it */

static void races_big_dealloc(struct obj *o)
{
    atomic_fetch_add_explicit(&races_died, 1, memory_order_relaxed); /* relaxed: as in races_dealloc */
    obj_free(o, RACES_BIG);
}
static const struct type races_big_type = {.name = "big", .dealloc = races_big_dealloc};

/* Even rounds: the guest's own reference outlives the owner's. Odd ones: both references are the guest's, who drops one; the
 * owner merges at a safepoint; the guest drops the other. Only the counts order the two threads in between. */
static const char *races_give_up(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    for (int i = 0; i < 600 / RACES_SCALE; i++) {
        bool handed = i % 2;
        if (a->index == 0) {
            s->item[0] = obj_alloc(&races_big_type, RACES_BIG);
            if (!s->item[0])
                return "no memory";
            atomic_fetch_add_explicit(&races_born, 1, memory_order_relaxed); /* relaxed: as races_died */
            if (handed)
                obj_incref(s->item[0]);
        }
        races_meet(s);
        struct obj *o = s->item[0];
        if (a->index == 1) {
            if (handed)
                obj_decref(o);
            else
                obj_incref(o);
            races_signal(&s->flag);
            races_await_attached(&s->flag, 2 * i + 2);
            obj_decref(o);
        } else {
            races_await_attached(&s->flag, 2 * i + 1);
            if (handed)
                rt_safepoint();
            else
                obj_decref(o);
            races_signal(&s->flag);
        }
        races_meet(s);
    }
    return NULL;
}

TEST(an_owner_that_gave_an_object_up_does_not_touch_it_again)
{
    struct races_share *s = races_share(2);
    const char *verdict = threads_run(2, races_give_up, s);
    cr_assert_null(verdict, "%s", verdict);
    races_unshare(s);
    cr_assert(races_all_dead());
}

/* --- 3.12: many foreign drops of what one owner made, before the owner looks --- */

static const char *races_drop_many(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    enum { EACH = 3 };
    if (a->index == 0)
        for (int i = 0; i < s->count; i++) {
            s->item[i] = races_bomb(NULL, NULL, NULL);
            for (int k = 0; k < EACH * (a->count - 1); k++)
                obj_incref(s->item[i]);
        }
    races_meet(s);
    if (a->index > 0) {
        races_await_attached(&s->flag, 1);
        for (int k = 0; k < EACH; k++)
            for (int i = 0; i < s->count; i++)
                obj_decref(s->item[i]);
        races_signal(&s->flag);
        return NULL;
    }
    races_signal(&s->flag);
    races_await_attached(&s->flag, a->count);
    if (races_deaths() != 0)
        return "freed while the owner holds it";
    for (int i = 0; i < s->count; i++) {
        if (i % 3 == 0) /* before the merge, after it, or in between with more references */
            rt_safepoint();
        if (i % 3 == 1)
            obj_decref(obj_incref(s->item[i]));
        if (!races_alive(s->item[i]))
            return "merged too far: freed while the owner holds it";
        obj_decref(s->item[i]);
    }
    rt_safepoint();
    return NULL;
}

TEST(many_foreign_decrefs_before_a_merge_add_up)
{
    struct races_share *s = races_share(4);
    s->count = 300;
    const char *verdict = threads_run(4, races_drop_many, s);
    cr_assert_null(verdict, "%s", verdict);
    races_unshare(s);
    cr_assert(races_all_dead());
}

/* --- 3.13: no memory while references are counted --- */

static const char *races_count_without_memory(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    races_meet(s);
    for (int i = 0; i < s->count; i++) {
        struct obj *o = s->item[(i + a->index * 100) % s->count];
        obj_incref(o);
        obj_incref(o);
        rt_safepoint();
        if (o->type != &races_bomb_type || !races_alive(o))
            return "freed while it is held";
        obj_decref(o);
        obj_decref(o);
        if (i % 3 == 0)
            rt_safepoint();
    }
    races_meet(s);
    for (int i = a->index; i < s->count; i += a->count)
        obj_decref(s->item[i]);
    races_meet(s);
    return NULL;
}

static const char *races_starve(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    races_signal(&s->flag);
    if (a->index == 0) {
        thread_detach();
        while (races_flag(&s->flag) < a->count) /* all have begun: beginning takes memory */
            os_yield();
        os_fault_plan(1, true);
        thread_attach();
    }
    const char *verdict = races_count_without_memory(a);
    if (a->index == 0)
        os_fault_plan(0, false); /* the last meeting is behind everybody */
    return verdict;
}

TEST(counts_are_right_without_memory)
{
    for (int round = 0; round < 4; round++) {
        struct races_share *s = races_share(4);
        s->count = 4000;
        for (int i = 0; i < s->count; i++)
            s->item[i] = races_bomb(races_chain(round), NULL, NULL);
        const char *verdict = threads_run(4, races_starve, s);
        cr_assert_null(verdict, "%s", verdict);
        races_unshare(s);
        cr_assert(races_all_dead());
    }
}

TEST(a_drain_without_memory_reaches_the_fixpoint) /* the committer's own log has none either */
{
    struct obj *o = races_bomb(NULL, NULL, NULL);
    for (int i = 0; i < 100; i++)
        o = races_bomb(races_chain(3), races_drop_arg, o);
    os_fault_plan(1, true);
    obj_decref(o);
    bool dead = races_all_dead();
    os_fault_plan(0, false);
    cr_assert(dead);
}

/* --- 3.18: one iterator, several threads --- */

static const char *races_pull(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    struct obj *o;
    int more;
    while ((more = iter_next(s->a, &o)) == 1) {
        int64_t i;
        if (int_value(o, &i) != 0)
            return "not an item";
        races_signal(&s->taken[i]);
        obj_decref(o);
        rt_safepoint();
    }
    for (int i = 0; i < 3 && more == 0; i++) /* exhausted stays exhausted */
        more = iter_next(s->a, &o);
    return more == 0 ? NULL : "iterator failed, or went on after its end";
}

/* The iterator holds the last reference to its source, and the source the last one to a bomb. */
static void races_pull_all(struct obj *source, int64_t items)
{
    struct races_share *s = races_share(4);
    s->a = iter_new(source);
    obj_decref(source);
    const char *verdict = threads_run(4, races_pull, s);
    cr_assert_null(verdict, "%s", verdict);
    for (int64_t i = 0; i < items; i++)
        cr_assert_eq(s->taken[i], 1);
    cr_assert(races_all_dead(), "the exhausted iterator still holds its source");
    races_unshare(s);
}

TEST(a_shared_list_iterator_gives_each_item_once)
{
    for (int round = 0; round < 30 / RACES_SCALE; round++) {
        struct obj *list = list_new(0);
        for (int i = 0; i < 1000; i++) {
            struct obj *o = int_new(i);
            list_append(list, o);
            obj_decref(o);
        }
        races_pull_all(list, 1000);
    }
}

TEST(a_shared_dict_iterator_gives_each_key_once_and_drops_the_dict_once)
{
    for (int round = 0; round < 30 / RACES_SCALE; round++) {
        struct obj *dict = dict_new(0);
        for (int i = 0; i < 1000; i++) {
            struct obj *k = int_new(i), *v = races_bomb(NULL, NULL, NULL);
            dict_set(dict, k, v);
            obj_decref(k);
            obj_decref(v);
        }
        races_pull_all(dict, 1000);
    }
}

/* --- 3.19: dead blocks come back as new objects while others still try to get the old one --- */

struct races_slot {
    struct container base;
    _Atomic int births, deaths;
};

static void races_slot_dealloc(struct obj *o)
{
    /* release: the memory goes back to its owner, as through a freelist's lock */
    atomic_fetch_add_explicit(&((struct races_slot *)o)->deaths, 1, memory_order_release);
}
static const struct type races_slot_type = {.name = "slot", .flags = TYPE_CONTAINER, .dealloc = races_slot_dealloc};

static struct races_slot races_slots[8];

static const char *races_reuse_slots(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    for (int i = 0; i < 20000 / RACES_SCALE && races_flag(&s->flag) == 0; i++) {
        struct races_slot *slot = &races_slots[i % 8];
        struct rc_head *h = &slot->base.base.rc;
        if (a->index == 0) {
            rt_safepoint();
            /* acquire: the memory comes from whoever deallocated */
            if (atomic_load_explicit(&slot->deaths, memory_order_acquire) != races_flag(&slot->births)) {
                os_yield();
                continue;
            }
            races_signal(&slot->births);
            rc_init(h);
            obj_incref(&slot->base.base);
            obj_decref(&slot->base.base);
            obj_decref(&slot->base.base);
        } else if (rc_try_incref(h)) {
            int deaths = races_flag(&slot->deaths);
            for (int k = 0; k < 20; k++)
                if (races_flag(&slot->deaths) != deaths)
                    return "an object died while a reference to it was held";
            obj_decref(&slot->base.base);
        }
        if (i % 16 == 0)
            rt_safepoint();
    }
    if (a->index == 0)
        races_signal(&s->flag);
    return NULL;
}

TEST(try_incref_meets_reused_memory)
{
    struct races_share *s = races_share(3);
    for (int i = 0; i < 8; i++)
        races_slots[i].base.base.type = &races_slot_type; /* all zero otherwise: dead */
    const char *verdict = threads_run(3, races_reuse_slots, s);
    cr_assert_null(verdict, "%s", verdict);
    rc_drain();
    for (int i = 0; i < 8; i++)
        cr_assert_eq(races_slots[i].deaths, races_slots[i].births);
    races_unshare(s);
}

/* Blocks are taken by one thread and given back by another, through lists and depot: nobody gets the same one twice. */
static const char *races_pass_blocks(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    for (int round = 0; round < 40 / RACES_SCALE; round++) {
        for (int i = a->index; i < s->count; i += a->count)
            s->item[i] = int_new(INT64_C(1000) * s->count * round + 1000 + i);
        races_meet(s);
        for (int i = (a->index + round) % a->count; i < s->count; i += a->count) {
            int64_t value;
            if (int_value(s->item[i], &value) != 0 || value != INT64_C(1000) * s->count * round + 1000 + i)
                return "a block was given out twice";
            obj_decref(s->item[i]);
        }
        races_meet(s);
    }
    return NULL;
}

TEST(blocks_freed_by_other_threads_are_reused_by_one_at_a_time)
{
    struct races_share *s = races_share(3);
    s->count = 4096;
    const char *verdict = threads_run(3, races_pass_blocks, s);
    cr_assert_null(verdict, "%s", verdict);
    races_unshare(s);
}

/* --- 3.21: threads begin and end while the world is stopped, again and again --- */

static struct {
    _Atomic int64_t ticks; /* counted by who runs */
    _Atomic int stopping;
} races_world;

/* relaxed, all of these: whether anybody counts is the question, not in which order */
static int64_t races_tick(int64_t by) { return atomic_fetch_add_explicit(&races_world.ticks, by, memory_order_relaxed); }
static bool races_world_is_stopping(void) { return atomic_load_explicit(&races_world.stopping, memory_order_relaxed) != 0; }

static void *races_short_life(void *result)
{
    if (thread_begin() != 0)
        die("thread_begin", ENOMEM);
    for (int i = 0; i < 20; i++) {
        races_tick(1);
        rt_safepoint();
    }
    struct obj *o = races_bomb(NULL, NULL, NULL);
    obj_decref(o);
    races_tick(1);
    thread_end();
    return result;
}
static const char *races_stop_beside_starts(struct threads_arg *a)
{
    const char *wrong = NULL;
    int lives = 0;
    if (a->index == 0) {
        for (int i = 0; i < 300 / RACES_SCALE && !wrong; i++) {
            thread_stop_world();
            int64_t seen = races_tick(0);
            for (int k = 0; k < 300; k++)
                if (races_tick(0) != seen)
                    wrong = "somebody runs while the world is stopped";
            thread_start_world();
            rt_safepoint();
        }
        atomic_store_explicit(&races_world.stopping, 0, memory_order_relaxed); /* relaxed: as above */
        return wrong;
    }
    thread_detach();
    do {
        pthread_t thread;
        if (os_spawn(&thread, races_short_life, NULL) != 0)
            die("test thread", EAGAIN);
        os_join(thread);
    } while (races_world_is_stopping() || ++lives < 3);
    thread_attach();
    return NULL;
}
TEST(threads_that_begin_and_end_stand_still_with_the_world) /* FIELD.md 3.21 */
{
    atomic_store_explicit(&races_world.stopping, 1, memory_order_relaxed); /* relaxed: as above */
    const char *verdict = threads_run(3, races_stop_beside_starts, NULL);
    cr_assert_null(verdict, "%s", verdict);
    rc_drain();
}

/* --- 3.27: references that go from thread to thread while the logs are applied --- */

static const char *races_hand_round(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    const char *verdict = NULL;
    for (int i = 0; i < 30000 / RACES_SCALE && !verdict; i++) {
        /* take a new reference where a neighbour has one, and drop the neighbour's by putting another in its place */
        struct obj *o = list_get(s->a, (a->index + 1) % a->count);
        if (!o || !races_alive(o))
            verdict = "handed something dead";
        else
            list_set(s->a, a->index, o);
        if (o && i % 100 == 0 && a->index == 0) {
            struct obj *fresh = races_bomb(NULL, NULL, NULL);
            list_set(s->a, 0, fresh);
            obj_decref(fresh);
        }
        obj_xdecref(o);
        rt_safepoint();
    }
    return verdict;
}

TEST(references_handed_round_outlive_those_they_were_made_from)
{
    struct races_share *s = races_share_lists(4);
    for (int i = 0; i < 4; i++)
        races_append_new(s->a);
    const char *verdict = threads_run(4, races_hand_round, s);
    cr_assert_null(verdict, "%s", verdict);
    races_unshare(s);
    cr_assert(races_all_dead());
}

#ifdef RC_STRATEGY_BUFFERED_H
static const char *races_flood(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    int most = 0;
    for (int i = 0; i < 3000000 / RACES_SCALE; i++) {
        obj_decref(obj_incref(s->item[i % 64]));
        if (i % 8 == 0) {
            rt_safepoint();
            int now = races_flag(&commit.backlog);
            most = now > most ? now : most;
        }
    }
    /* each thread may seal two pads on the way to its safepoint, or while an epoch is turned */
    return most > LOG_LIMIT + 8 * a->count ? "the log has no bound" : NULL;
}

TEST(mutators_wait_for_a_log_that_is_over_its_bound)
{
    struct races_share *s = races_share(4);
    for (int i = 0; i < 64; i++)
        s->item[i] = races_bomb(NULL, NULL, NULL);
    const char *verdict = threads_run(4, races_flood, s);
    cr_assert_null(verdict, "%s", verdict);
    for (int i = 0; i < 64; i++)
        obj_decref(s->item[i]);
    races_unshare(s);
    cr_assert(races_all_dead());
}
#endif

/* --- 3.29 with threads --- */

static const char *races_drop_chains(struct threads_arg *a)
{
    struct races_share *s = a->shared;
    obj_decref(s->item[a->index]);
    return NULL;
}

TEST(a_long_chain_shared_by_threads_is_freed_by_the_last_one)
{
    struct races_share *s = races_share(4);
    struct obj *tail = races_chain(300000 / RACES_SCALE);
    for (int i = 0; i < 4; i++)
        s->item[i] = races_bomb(obj_incref(tail), NULL, NULL);
    obj_decref(tail);
    const char *verdict = threads_run(4, races_drop_chains, s);
    cr_assert_null(verdict, "%s", verdict);
    races_unshare(s);
    cr_assert(races_all_dead());
}

#endif
