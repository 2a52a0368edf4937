/*
 * test_thread_local.c -- thread-local values: what a thread sees of its own, what happens at its end and at the end of a key; pinning.
 */
#include "build.h"
#include "threads.h"

#include "../gc/gc.h"
#include "../objects/affinity.h"
#include "../objects/thread_local.h"

/* What the destructors were called with, on whichever thread; and keys that they use. */
enum { LOCALS_MAX = 64 };
static struct {
    _Atomic int calls;
    int64_t value[LOCALS_MAX];
    struct obj *key, *other;
    _Atomic bool failed;
} locals;

static void locals_begin(void)
{
    memset(&locals, 0, sizeof locals);
}
static void locals_fail(void) { atomic_store_explicit(&locals.failed, true, memory_order_relaxed); /* relaxed: read after the join */ }
static bool locals_failed(void) { return atomic_load_explicit(&locals.failed, memory_order_relaxed); /* relaxed: as above */ }

/* Of keys with ints; on several threads at once, each with a place of its own. */
static void locals_note(struct obj *key, struct obj *value)
{
    int at = atomic_fetch_add_explicit(&locals.calls, 1, memory_order_relaxed); /* relaxed: read after the join */
    (void)key;
    if (at < LOCALS_MAX && int_value(value, &locals.value[at]) != 0)
        locals_fail();
}
static int locals_calls(void) { return atomic_load_explicit(&locals.calls, memory_order_relaxed); /* relaxed: as above */ }

/* Sets an int; false: it failed. */
static bool locals_set(struct obj *key, int64_t value)
{
    struct obj *number = int_new(value);
    int failed = number ? thread_local_set(key, number) : -1;
    obj_xdecref(number);
    return failed == 0;
}
/* The thread's int; -1: none. */
static int64_t locals_get(struct obj *key)
{
    struct obj *value;
    int64_t number = -1;
    if (thread_local_get(key, &value) == 1) {
        int_value(value, &number);
        obj_decref(value);
    }
    return number;
}

/* --- one thread --- */

TEST(local_value_is_set_replaced_and_taken_away)
{
    struct obj *k = own(thread_local_new(NULL)), *value;
    cr_assert(thread_local_get(k, &value) == 0 && value == NULL);
    cr_assert(locals_set(k, 1000) && locals_get(k) == 1000 && locals_set(k, 2000) && locals_get(k) == 2000);
    cr_assert(thread_local_set(k, NULL) == 0 && locals_get(k) == -1 && thread_local_set(k, NULL) == 0);
    cr_assert(locals_set(k, 3000) && locals_get(k) == 3000);
    drop_owned();
}

TEST(local_value_is_counted_once)
{
    struct obj *k = thread_local_new(NULL), *l = list_of_ints(1);
    cr_assert(thread_local_set(k, l) == 0 && count_of(l) == 2);
    cr_assert(thread_local_set(k, l) == 0 && count_of(l) == 2, "by itself");
    cr_assert(thread_local_set(k, NULL) == 0 && count_of(l) == 1);
    cr_assert(thread_local_set(k, l) == 0 && children_of(k) == 1);
    obj_decref(k);
    cr_assert_eq(count_of(l), 1, "a key that dies drops its values");
    drop_owned();
}

TEST(local_keys_do_not_see_each_other)
{
    struct obj *k[20];
    for (int i = 0; i < 20; i++)
        k[i] = own(thread_local_new(NULL));
    for (int i = 19; i >= 0; i--)
        cr_assert(locals_set(k[i], 1000 + i));
    for (int i = 0; i < 20; i++)
        cr_assert_eq(locals_get(k[i]), 1000 + i);
    drop_owned();
}

TEST(local_key_that_is_new_has_no_value_of_the_one_before)
{
    for (int i = 0; i < 100; i++) {
        struct obj *k = thread_local_new(NULL), *beside = i % 3 ? NULL : thread_local_new(NULL);
        cr_assert_eq(locals_get(k), -1, "round %d", i);
        cr_assert(locals_set(k, i + 1000) && locals_get(k) == i + 1000);
        obj_xdecref(beside);
        obj_decref(k);
        rc_drain();
    }
    cr_assert_lt(thread_locals.slots, 5, "slots are used again");
}

TEST(local_operations_want_a_key)
{
    struct obj *l = list_of_ints(1), *value;
    cr_assert(thread_local_set(l, l) == -1 && raised(ERR_TYPE, "ThreadLocal"));
    cr_assert(thread_local_get(l, &value) == -1 && !value && raised(ERR_TYPE, "list"));
    cr_assert(thread_local_unregister(l) == -1 && raised(ERR_TYPE, "list"));
    drop_owned();
}

TEST(local_key_in_a_cycle_with_its_value_is_collected)
{
    struct objects_config config = {.heap = HEAP_THREAD, .track = TRACK_THREAD};
    cr_assert_eq(objects_stop(), 0);
    cr_assert_eq(objects_start(&config), 0);
    gc_start();
    struct obj *k = thread_local_new(locals_note), *l = list_new(0);
    cr_assert(list_append(l, k) == 0 && thread_local_set(k, l) == 0);
    obj_decref(l);
    rc_drain();
    cr_assert_eq(gc_collect(), 0, "the test holds the key, the key the list");
    obj_decref(k);
    rc_drain();
    cr_assert_eq(gc_collect(), 2);
}

TEST(local_values_without_memory_are_refused_and_nothing_is_lost)
{
    struct obj *k[3] = {NULL}, *value = list_of_ints(1);
    for (int at = 1; at < 40; at++) {
        int made = 0;
        os_fault_plan(at, true);
        while (made < 3 && (k[made] = thread_local_new(NULL)) != NULL && thread_local_set(k[made], value) == 0)
            made++;
        os_fault_plan(0, false);
        cr_assert(made == 3 || raised(ERR_MEMORY, "memory"), "at %d", at);
        for (int i = 0; i < 3; i++) {
            obj_xdecref(k[i]);
            k[i] = NULL;
        }
        cr_assert_eq(count_of(value), 1, "at %d", at);
    }
    drop_owned();
}

static void locals_stop_main(void)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_THREAD};
    cr_assert_eq(objects_start(&config), 0);
}
TEST(local_values_of_the_main_thread_are_destroyed_when_the_runtime_stops)
{
    locals_begin();
    struct obj *k = thread_local_new(locals_note), *l = list_new(0);
    cr_assert(locals_set(k, 1234) && list_append(l, k) == 0);
    struct obj *holder = thread_local_new(NULL); /* keeps k through the list, and is kept by it: dropped as the last value */
    cr_assert(thread_local_set(holder, l) == 0 && list_append(l, holder) == 0);
    obj_decref(k);
    obj_decref(l);
    obj_decref(holder);
    locals_stop_main();
    cr_assert(locals_calls() == 1 && locals.value[0] == 1234 && !locals_failed());
}

TEST(pinned_thread_runs_there_and_a_wrong_cpu_is_named)
{
    struct obj *cpus = own(affinity_cpus());
    int64_t first = value_of(own(list_get(cpus, 0)));
    cr_assert_geq(list_length(cpus), 1);
    cr_assert_eq(affinity_pin(first), 0);
    cr_assert_eq(sched_getcpu(), first);
    cr_assert_eq(list_length(own(affinity_cpus())), list_length(cpus), "allowed is not what it is pinned to");
    cr_assert_eq(sched_getcpu(), first, "and asking leaves it pinned");
    cr_assert(affinity_pin(-1) == -1 && raised(ERR_VALUE, "CPU -1: allowed is "));
    cr_assert(affinity_pin(OS_CPUS - 1) == -1 && raised(ERR_VALUE, "CPU 1023: allowed is "));
    cr_assert(affinity_pin(INT64_MAX) == -1 && raised(ERR_VALUE, "9223372036854775807"));
    cr_assert_eq(affinity_unpin(), 0);
    drop_owned();
}

TEST(cpus_are_written_as_linux_does)
{
    unsigned char allowed[OS_CPUS] = {1, 1, 0, 1, 0, 1, 1, 1};
    char list[60];
    affinity_format(allowed, list, sizeof list);
    cr_assert_str_eq(list, "0-1,3,5-7");
    affinity_format(allowed, list, 6);
    cr_assert_str_eq(list, "0-1,3");
    memset(allowed, 0, sizeof allowed);
    affinity_format(allowed, list, sizeof list);
    cr_assert_str_eq(list, "");
}

#if !RC_UNSAFE

struct locals_share {
    struct obj *key[8];
    int keys;
    struct obj *value;
};

static const char *locals_apart(struct threads_arg *a)
{
    struct locals_share *s = a->shared;
    for (int i = 0; i < 2000; i++) {
        struct obj *k = s->key[i % s->keys];
        if (i >= s->keys && locals_get(k) != 1000 * a->index + 10000 + i - s->keys)
            return "not what this thread has set";
        if (!locals_set(k, 1000 * a->index + 10000 + i))
            return "set failed";
        rt_safepoint();
    }
    return NULL;
}
TEST(local_values_are_each_threads_own)
{
    struct locals_share s = {.keys = 8};
    for (int i = 0; i < 8; i++)
        s.key[i] = own(thread_local_new(NULL));
    const char *verdict = threads_run(4, locals_apart, &s);
    cr_assert_null(verdict, "%s", verdict);
    drop_owned();
}

/* Sets its keys from the last registered to the first. */
static const char *locals_backwards(struct threads_arg *a)
{
    struct locals_share *s = a->shared;
    for (int i = s->keys - 1; i >= 0; i--)
        if (!locals_set(s->key[i], 1000 + i))
            return "set failed";
    return NULL;
}
TEST(destructors_run_in_the_order_of_registration)
{
    struct locals_share s = {.keys = 8};
    locals_begin();
    struct obj *unused = thread_local_new(locals_note); /* so that slots are not in that order */
    for (int i = 0; i < 8; i++) {
        if (i == 4)
            obj_decref(unused);
        s.key[i] = own(thread_local_new(locals_note));
    }
    const char *verdict = threads_run(1, locals_backwards, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert(locals_calls() == 8 && !locals_failed());
    for (int i = 0; i < 8; i++)
        cr_assert_eq(locals.value[i], 1000 + i, "call %d: %lld", i, (long long)locals.value[i]);
    drop_owned();
}

TEST(destructors_run_once_for_each_thread)
{
    struct locals_share s = {.keys = 2, .key = {own(thread_local_new(locals_note)), own(thread_local_new(NULL))}};
    locals_begin();
    const char *verdict = threads_run(4, locals_backwards, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(locals_calls(), 4);
    cr_assert_eq(children_of(s.key[0]) + children_of(s.key[1]), 0, "no value is left");
    drop_owned();
}

TEST(unregistered_destructor_does_not_run_and_the_value_is_dropped)
{
    struct locals_share s = {.keys = 1, .key = {own(thread_local_new(locals_note))}};
    locals_begin();
    cr_assert_eq(thread_local_unregister(s.key[0]), 1);
    cr_assert_eq(thread_local_unregister(s.key[0]), 0, "once");
    const char *verdict = threads_run(2, locals_backwards, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert(locals_calls() == 0 && children_of(s.key[0]) == 0);
    drop_owned();
}

/* Sets its own key again, each time one more; the thread's end must not last for ever. */
static void locals_again(struct obj *key, struct obj *value)
{
    int64_t number;
    locals_note(key, value);
    if (int_value(value, &number) != 0 || !locals_set(key, number + 1))
        locals_fail();
}
TEST(destructor_that_sets_again_has_its_rounds_and_no_more)
{
    struct locals_share s = {.keys = 1, .key = {own(thread_local_new(locals_again))}};
    locals_begin();
    const char *verdict = threads_run(1, locals_backwards, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert(locals_calls() == THREAD_LOCAL_ROUNDS && !locals_failed());
    for (int i = 0; i < THREAD_LOCAL_ROUNDS; i++)
        cr_assert_eq(locals.value[i], 1000 + i);
    cr_assert_eq(children_of(s.key[0]), 0, "the last value was dropped");
    drop_owned();
}

/* The first looks at a later one's value and sets an earlier and a later one. */
static void locals_looks(struct obj *key, struct obj *value)
{
    locals_note(key, value);
    if (locals_get(key) != -1 || locals_get(locals.other) != 1001)
        locals_fail(); /* its own is out already, the later one's is there */
    if (!locals_set(locals.other, 5001))
        locals_fail();
}
TEST(destructor_sees_the_values_that_come_later_and_may_change_them)
{
    struct locals_share s = {.keys = 2, .key = {own(thread_local_new(locals_looks)), own(thread_local_new(locals_note))}};
    locals_begin();
    locals.other = s.key[1];
    const char *verdict = threads_run(1, locals_backwards, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert(locals_calls() == 2 && locals.value[0] == 1000 && locals.value[1] == 5001 && !locals_failed());
    drop_owned();
}

/* A destructor that drops the last reference to another key. */
static void locals_kills(struct obj *key, struct obj *value)
{
    locals_note(key, value);
    obj_decref(locals.other);
}
TEST(destructor_may_end_another_key)
{
    struct locals_share s = {.keys = 2, .key = {own(thread_local_new(locals_kills)), thread_local_new(locals_note)}};
    locals_begin();
    locals.other = s.key[1];
    const char *verdict = threads_run(1, locals_backwards, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert(locals.value[0] == 1000 && !locals_failed());
    if (!RC_DEFERS_FREE)
        cr_assert_eq(locals_calls(), 1, "the other one's value was dropped without its destructor");
    drop_owned();
}

static const char *locals_ends_detached(struct threads_arg *a)
{
    const char *failed = locals_backwards(a);
    thread_detach(); /* thread_end finds it so */
    return failed;
}
TEST(destructors_of_a_thread_that_ends_detached_run)
{
    struct locals_share s = {.keys = 2, .key = {own(thread_local_new(locals_note)), own(thread_local_new(locals_note))}};
    locals_begin();
    const char *verdict = threads_run(3, locals_ends_detached, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert(locals_calls() == 6 && !locals_failed());
    drop_owned();
}

/* May block: the world goes on. */
static void locals_blocks(struct obj *key, struct obj *value)
{
    locals_note(key, value);
    thread_detach();
    os_yield();
    thread_attach();
    rt_safepoint();
}
TEST(destructor_may_detach)
{
    struct locals_share s = {.keys = 1, .key = {own(thread_local_new(locals_blocks))}};
    locals_begin();
    const char *verdict = threads_run(4, locals_backwards, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(locals_calls(), 4);
    drop_owned();
}

/* Keys come and go while threads that have values of them end. A key whose free is deferred is there at the thread's end, so this runs. */
static void locals_sees_list(struct obj *key, struct obj *value)
{
    (void)key;
    if (list_length(value) != 1)
        locals_fail();
}
static const char *locals_churn(struct threads_arg *a)
{
    struct locals_share *s = a->shared;
    for (int i = 0; i < 300; i++) {
        struct obj *k = thread_local_new(i % 2 ? locals_sees_list : NULL);
        if (!k || thread_local_set(k, s->value) != 0 || thread_local_set(s->key[0], s->value) != 0)
            return "no memory";
        obj_decref(k);
        rt_safepoint();
    }
    obj_decref(s->key[0]); /* the last one ends the key while others end */
    return NULL;
}
TEST(keys_and_threads_may_end_at_the_same_time)
{
    locals_begin();
    for (int i = 0; i < 20; i++) {
        struct locals_share s = {.key = {thread_local_new(NULL)}, .value = list_of_ints(1)};
        for (int k = 1; k < 4; k++)
            obj_incref(s.key[0]);
        const char *verdict = threads_run(4, locals_churn, &s);
        cr_assert_null(verdict, "%s", verdict);
        cr_assert_eq(count_of(s.value), 1);
        cr_assert(!locals_failed(), "a value that a destructor is given is alive and whole");
        drop_owned();
    }
}

/* A finaliser that runs after the thread's destructors finds no values and can set none. */
static struct obj *locals_late_key;
static int locals_late_set(void)
{
    struct obj *value;
    if (thread_local_get(locals_late_key, &value) != 0 || thread_local_set(locals_late_key, none_get()) != -1 ||
        err_take() != ERR_VALUE)
        locals_fail();
    atomic_fetch_add_explicit(&locals.calls, 1, memory_order_relaxed); /* relaxed: read after the join */
    return 0;
}
static const char *locals_late(struct threads_arg *a)
{
    (void)a;
    struct obj *value = key_new(1, 1);
    int failed = value ? thread_local_set(locals_late_key, value) : -1;
    obj_xdecref(value);
    return failed ? "no memory" : NULL;
}
static void locals_sets_key(struct obj *key, struct obj *value)
{
    (void)value;
    struct obj *again = key_new(1, 1);
    if (!again || thread_local_set(key, again) != 0)
        locals_fail();
    obj_xdecref(again);
}
TEST(what_ends_after_the_values_cannot_set_one)
{
    if (RC_DEFERS_FREE)
        return; /* its finalisers run on the committer */
    locals_begin();
    locals_late_key = own(thread_local_new(locals_sets_key));
    const char *verdict = threads_run(1, locals_late, NULL);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert(!locals_failed());
    locals_begin();
    key_at_finalize = NULL;
    thread_local_unregister(locals_late_key);
    cr_assert_eq(locals_get(locals_late_key), -1);
    heap_self()->locals.ended = true; /* as at the end of a thread */
    locals_late_set();
    heap_self()->locals.ended = false;
    cr_assert(!locals_failed() && locals_calls() == 1);
    drop_owned();
}

static const char *locals_pins(struct threads_arg *a)
{
    struct locals_share *s = a->shared;
    int64_t cpu = -1, cpus = list_length(s->value);
    struct obj *number = list_get(s->value, a->index % cpus);
    int failed = !number || int_value(number, &cpu) != 0 || affinity_pin(cpu) != 0;
    obj_xdecref(number);
    if (failed)
        return "pin failed";
    for (int i = 0; i < 1000; i++)
        if (sched_getcpu() != cpu)
            return "it runs elsewhere";
    return NULL;
}
TEST(threads_are_pinned_each_for_itself)
{
    struct locals_share s = {.value = own(affinity_cpus())};
    const char *verdict = threads_run(4, locals_pins, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(list_length(own(affinity_cpus())), list_length(s.value));
    drop_owned();
}

#endif
