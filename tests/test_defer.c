/*
 * test_defer.c -- deferred counts, counts by thread, and the evaluation stack, of functions, code, namespaces and classes.
 */
#include "../gc/collect.h"
#include "../objects/dict.h"
#include "../objects/function.h"
#include "../objects/list.h"
#include "../objects/number.h"
#include "../objects/stack.h"
#include "../objects/str.h"

static void defer_begin(enum track_policy track)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_THREAD, .lock = test_lock(), .track = track};
    cr_assert_eq(objects_start(&config), 0);
    gc_start();
}

static int64_t defer_live(void)
{
    rc_drain();
    return heap_live();
}

/* What the collector would count: by threads and at the head. The registry's own is one of them. */
static int64_t defer_count(struct obj *o)
{
    rc_drain();
    rc_settle_begin();
    thread_stop_world();
    rc_settle_stw();
    defer_merge_stw();
    int64_t count = rc_count_stw(&o->rc);
    thread_start_world();
    rc_settle_end();
    return count;
}

enum defer_how { ORDINARY, DEFERRED, BY_THREAD };
static struct obj *defer_make(struct obj *o, enum defer_how how)
{
    if (o && how != ORDINARY)
        cr_assert(defer_enable(o, how == BY_THREAD));
    return o;
}

/* A function with code, globals and builtins of its own: five objects, with the code's name, and two dicts. */
enum { DEFER_OBJECTS = 7 };
static struct obj *defer_function(enum defer_how how)
{
    struct obj *name = str_from("f"), *one = int_new(1);
    struct obj *code = name && one ? defer_make(code_new(name, &one, 1), how) : NULL;
    struct obj *globals = defer_make(namespace_new(), how), *builtins = defer_make(namespace_new(), how);
    struct obj *function = code && globals && builtins ? defer_make(function_new(code, globals, builtins), how) : NULL;
    obj_xdecref(name);
    obj_xdecref(one);
    obj_xdecref(code);
    obj_xdecref(globals);
    obj_xdecref(builtins);
    return function;
}
static struct obj *defer_globals(struct obj *function) { return &((struct function *)function)->globals->base.base.base; }

/* --- freed when dead --- */

TEST(a_function_with_ordinary_counts_is_freed_at_once)
{
    int64_t before = defer_live();
    struct obj *function = defer_function(ORDINARY);
    cr_assert_eq(defer_live() - before, DEFER_OBJECTS);
    obj_decref(function);
    cr_assert_eq(defer_live(), before);
}

static void defer_collected(enum track_policy track, enum defer_how how)
{
    defer_begin(track);
    int64_t before = defer_live();
    struct obj *function = defer_function(how);
    cr_assert_eq(gc_collect(), 0, "it is held");
    obj_decref(function);
    cr_assert_eq(defer_live() - before, DEFER_OBJECTS, "only the collector frees it");
    cr_assert_gt(gc_collect(), 0);
    cr_assert_eq(defer_live(), before);
}
TEST(a_deferred_function_is_freed_by_the_collector) { defer_collected(TRACK_THREAD, DEFERRED); }
TEST(a_deferred_function_is_freed_by_the_collector_track_locked) { defer_collected(TRACK_LOCKED, DEFERRED); }
TEST(a_function_counted_by_thread_is_freed_by_the_collector) { defer_collected(TRACK_THREAD, BY_THREAD); }

/* Few are suspected: these are counted anew, and the registry's reference is not one that holds them then either. */
TEST(a_deferred_function_among_many_that_live_is_freed_by_the_collector)
{
    defer_begin(TRACK_THREAD);
    struct obj *many = list_new(0);
    for (int i = 0; i < 100; i++) {
        struct obj *one = list_new(0);
        cr_assert_eq(list_append(many, one), 0);
        obj_decref(one);
    }
    int64_t before = defer_live();
    obj_decref(defer_function(DEFERRED));
    rc_drain();
    cr_assert_gt(gc_collect(), 0);
    cr_assert_eq(defer_live(), before);
    obj_decref(many);
}

static void defer_cycle(enum defer_how how)
{
    defer_begin(TRACK_THREAD);
    int64_t before = defer_live();
    struct obj *function = defer_function(how), *name = str_from("f");
    cr_assert_eq(dict_set(namespace_dict(defer_globals(function)), name, function), 0);
    obj_decref(name);
    cr_assert_eq(gc_collect(), 0);
    obj_decref(function);
    cr_assert_gt(defer_live(), before);
    cr_assert_gt(gc_collect(), 0);
    cr_assert_eq(defer_live(), before);
}
TEST(a_function_in_its_own_globals_is_collected) { defer_cycle(ORDINARY); }
TEST(a_deferred_function_in_its_own_globals_is_collected) { defer_cycle(DEFERRED); }
TEST(a_function_counted_by_thread_in_its_own_globals_is_collected) { defer_cycle(BY_THREAD); }

/* The leak check of the stop says the rest. */
static void defer_without_collector(enum defer_how how)
{
    defer_begin(TRACK_OFF);
    struct obj *dead = defer_function(how), *shared = defer_function(how);
    obj_decref(dead);
    defer_incref((struct deferred *)shared);
    obj_decref(shared);
    defer_decref((struct deferred *)shared);
    cr_assert_eq(objects_stop(), 0);
    test_start();
}
TEST(without_a_collector_deferred_objects_are_freed_at_the_end) { defer_without_collector(DEFERRED); }
TEST(without_a_collector_objects_counted_by_thread_are_freed_at_the_end) { defer_without_collector(BY_THREAD); }

TEST(what_is_immortal_or_not_tracked_is_not_deferred)
{
    defer_begin(TRACK_THREAD);
    struct obj *immortal = namespace_new(), *unseen = namespace_new();
    rc_immortalize(&immortal->rc);
    cr_assert_not(defer_enable(immortal, true));
    obj_untrack((struct container *)unseen);
    cr_assert_not(defer_enable(unseen, true));
    cr_assert_not(defer_is_deferred(unseen));
    cr_assert_not(defer_is_deferred(none_get()), "a type without a place for it");
    int64_t before = defer_live();
    obj_decref(unseen);
    cr_assert_eq(before - defer_live(), 2);
    obj_dealloc(immortal);
}

/* --- the evaluation stack --- */

TEST(a_deferred_object_on_a_stack_is_kept)
{
    defer_begin(TRACK_THREAD);
    int64_t before = defer_live();
    struct obj *function = defer_function(DEFERRED);
    int64_t count = defer_count(function);
    cr_assert(stack_reserve(2));
    stack_push(function);
    stack_push(function);
    cr_assert_eq(defer_count(function), count, "the stack does not count");
    obj_decref(function);
    cr_assert_eq(gc_collect(), 0);
    stack_pop();
    cr_assert_eq(gc_collect(), 0);
    struct obj *again = stack_take(); /* a reference that outlives the stack's */
    cr_assert_eq(stack_depth(), 0);
    cr_assert_eq(gc_collect(), 0);
    cr_assert_eq(defer_count(again), count);
    obj_decref(again);
    cr_assert_gt(gc_collect(), 0);
    cr_assert_eq(defer_live(), before);
}

/* What is reachable only from a deferred object on a stack lives with it. */
TEST(what_a_stack_reaches_is_kept)
{
    defer_begin(TRACK_THREAD);
    struct obj *function = defer_function(DEFERRED), *ring = list_new(0);
    struct obj *globals = namespace_dict(defer_globals(function)), *name = str_from("ring");
    cr_assert_eq(list_append(ring, ring) | dict_set(globals, name, ring) | dict_set(globals, ring, function), -1);
    cr_assert_eq(err_take(), ERR_TYPE, "a list is no key");
    cr_assert(stack_reserve(1));
    stack_push(function);
    obj_decref(function);
    obj_decref(ring);
    cr_assert_eq(gc_collect(), 0);
    cr_assert_eq(list_length(ring), 1);
    stack_unwind(0);
    cr_assert_gt(gc_collect(), 0);
    obj_decref(name);
}

TEST(an_ordinary_object_on_a_stack_is_counted)
{
    struct obj *list = list_new(0);
    cr_assert(stack_reserve(3));
    stack_push(list);
    stack_push_stolen(obj_incref(list));
    stack_push_borrowed(list);
    cr_assert_eq(defer_count(list), 3);
    cr_assert_eq(stack_take(), list); /* the borrowed one becomes a new reference */
    cr_assert_eq(defer_count(list), 4);
    stack_unwind(0);
    cr_assert_eq(defer_count(list), 2);
    obj_decref(list);
    obj_decref(list);
}

/* Not left to the caller: the entries that were borrowed from the local are counted from then on. */
TEST(a_local_may_be_replaced_while_it_is_borrowed)
{
    int64_t before = defer_live();
    cr_assert(stack_reserve(5));
    size_t frame = stack_depth();
    stack_push_stolen(list_new(0));
    stack_push_stolen(list_new(1));
    struct obj *old = stack_local(frame, 0), *other = stack_local(frame, 1);
    stack_load_local(frame, 0);
    stack_load_local(frame, 1);
    stack_load_local(frame, 0);
    cr_assert_eq(defer_count(old), 1, "loads of a local are borrowed");
    stack_store_local(frame, 0, list_new(2));
    cr_assert_neq(stack_local(frame, 0), old);
    cr_assert_eq(defer_count(old), 2, "two entries hold it now");
    cr_assert_eq(defer_count(other), 1);
    cr_assert_eq(list_append(old, none_get()), 0);
    stack_pop();
    cr_assert_eq(defer_count(old), 1);
    stack_unwind(frame);
    cr_assert_eq(defer_live(), before);
}

TEST(a_stack_grows_and_moves)
{
    enum { DEEP = 5000 };
    defer_begin(TRACK_THREAD);
    struct obj *function = defer_function(DEFERRED), *list = list_new(0);
    for (int i = 0; i < DEEP; i++) {
        cr_assert(stack_reserve(1));
        stack_push(i % 2 ? function : list);
    }
    cr_assert_eq(stack_depth(), DEEP);
    cr_assert_eq(defer_count(list), 1 + DEEP / 2);
    for (int i = 0; i < DEEP; i++)
        cr_assert_eq(stack_local(0, (size_t)i), i % 2 ? function : list);
    obj_decref(function);
    cr_assert_eq(gc_collect(), 0);
    stack_unwind(0);
    cr_assert_eq(defer_count(list), 1);
    obj_decref(list);
    cr_assert_gt(gc_collect(), 0);
}

TEST(a_stack_without_memory_stays_as_it_is)
{
    struct obj *list = list_new(0);
    cr_assert(stack_reserve(1));
    stack_push(list);
    struct stack *s = stack_self();
    os_fault_plan(1, true);
    cr_assert_not(stack_reserve((size_t)(s->end - s->base) + 1));
    os_fault_plan(0, false);
    cr_assert_eq(err_take(), ERR_MEMORY);
    cr_assert_eq(stack_depth(), 1);
    cr_assert_eq(stack_local(0, 0), list);
    stack_pop();
    obj_decref(list);
}

/* --- counts by thread --- */

TEST(counts_by_thread_are_merged_at_a_collection)
{
    defer_begin(TRACK_THREAD);
    struct deferred *d = (struct deferred *)defer_make(namespace_new(), BY_THREAD);
    int64_t before = defer_count(&d->base.base);
    for (int i = 0; i < 10; i++)
        defer_incref(d);
    cr_assert_eq(rc_count_stw(&d->base.base.rc), before, "the head is left alone");
    cr_assert_eq(gc_collect(), 0);
    cr_assert_eq(rc_count_stw(&d->base.base.rc), before + 10);
    for (int i = 0; i < 10; i++)
        defer_decref(d);
    cr_assert_eq(defer_count(&d->base.base), before);
    for (int i = 0; i < 3; i++)
        obj_incref(&d->base.base); /* counted at the head, dropped by thread: right as well */
    for (int i = 0; i < 3; i++)
        defer_decref(d);
    cr_assert_eq(defer_count(&d->base.base), before);
    obj_decref(&d->base.base);
    cr_assert_gt(gc_collect(), 0);
}

/* Below the array, then with one: the counts go to the registry at first. */
TEST(counts_by_thread_without_memory_are_not_lost)
{
    defer_begin(TRACK_THREAD);
    struct deferred *d = (struct deferred *)defer_make(namespace_new(), BY_THREAD);
    int64_t before = defer_count(&d->base.base);
    os_fault_plan(1, true);
    for (int i = 0; i < 5; i++)
        defer_incref(d);
    cr_assert_eq(heap_self()->counts.room, 0);
    defer_decref(d);
    os_fault_plan(0, false);
    defer_decref(d);
    cr_assert_gt(heap_self()->counts.room, 0);
    cr_assert_eq(defer_count(&d->base.base), before + 3);
    for (int i = 0; i < 3; i++)
        defer_decref(d);
    obj_decref(&d->base.base);
    cr_assert_gt(gc_collect(), 0);
}

/* One that cannot be registered has ordinary counts: it is freed at once, also where defer_incref and the stack are used. */
static void defer_is_ordinary(struct obj *o)
{
    int64_t before = defer_live();
    cr_assert_not(defer_is_deferred(o));
    cr_assert(stack_reserve(1));
    stack_push(o);
    defer_incref((struct deferred *)o);
    cr_assert_eq(defer_count(o), 3);
    stack_pop();
    obj_decref(o);
    cr_assert_eq(defer_live(), before);
    defer_decref((struct deferred *)o);
    cr_assert_eq(before - defer_live(), 2);
}

TEST(without_memory_for_the_registry_counts_stay_ordinary)
{
    struct obj *o = namespace_new();
    os_fault_plan(1, true);
    cr_assert_not(defer_enable(o, true));
    os_fault_plan(0, false);
    cr_assert_eq(err_take(), ERR_NONE);
    defer_is_ordinary(o);
}

TEST(when_the_ids_are_used_up_counts_stay_ordinary)
{
    defer_begin(TRACK_THREAD);
    struct obj *all = list_new(0);
    for (int i = 1; i < DEFER_MAX; i++) {
        struct obj *o = defer_make(namespace_new(), BY_THREAD);
        cr_assert_eq(list_append(all, o), 0);
        obj_decref(o);
        rt_safepoint();
    }
    struct obj *late = namespace_new();
    cr_assert_not(defer_enable(late, true));
    defer_is_ordinary(late);
    obj_decref(all);
    rc_drain();
    cr_assert_gt(gc_collect(), 0);
    struct obj *again = namespace_new();
    cr_assert(defer_enable(again, true), "the ids are free again");
    obj_decref(again);
    gc_collect();
}

TEST(an_instance_counts_its_class_by_thread)
{
    enum { MANY = 1000 };
    defer_begin(TRACK_THREAD);
    struct obj *name = str_from("point"), *space = namespace_new(), *class = defer_make(class_new(name, space), BY_THREAD);
    struct obj *x = float_new(1.5), *all = list_new(0);
    int64_t count = defer_count(class);
    for (int i = 0; i < MANY; i++) {
        struct obj *o = instance_new(class, (struct obj *[]){x, name}, 2);
        cr_assert_eq(list_append(all, o), 0);
        obj_decref(o);
    }
    cr_assert_eq(defer_count(class), count + MANY);
    obj_decref(class); /* the instances hold it */
    cr_assert_eq(gc_collect(), 0);
    obj_decref(all);
    rc_drain();
    cr_assert_eq(defer_count(class), count - 1);
    cr_assert_gt(gc_collect(), 0);
    obj_decref(x);
    obj_decref(name);
    obj_decref(space);
    cr_assert_null(instance_new(none_get(), NULL, 0));
    cr_assert_eq(err_take(), ERR_TYPE);
}

static int64_t defer_counter(enum rc_counter which) { return (int64_t)rt_self->counts.value[which]; }
TEST(what_was_not_counted_is_in_the_statistics)
{
    struct obj *o = defer_make(namespace_new(), BY_THREAD);
    cr_assert(stack_reserve(2));
    stack_push(o);
    stack_push_borrowed(o);
    stack_unwind(0);
    defer_decref((struct deferred *)defer_incref((struct deferred *)o));
    cr_assert_eq(defer_counter(RC_STAT_uncounted_deferred), 1);
    cr_assert_eq(defer_counter(RC_STAT_uncounted_borrowed), 1);
    cr_assert_eq(defer_counter(RC_STAT_incref_thread), 1);
    cr_assert_eq(defer_counter(RC_STAT_decref_thread), 1);
    obj_decref(o);
}

TEST(making_a_function_without_memory_loses_nothing)
{
    int made = 0;
    for (int at = 1; at < 40 && made < 3; at++) {
        int64_t before = defer_live();
        os_fault_plan(at, false);
        struct obj *function = defer_function(ORDINARY);
        os_fault_plan(0, false);
        made += function != NULL;
        cr_assert(function || err_take() == ERR_MEMORY);
        obj_xdecref(function);
        err_take();
        cr_assert_eq(defer_live(), before);
    }
    cr_assert_gt(made, 0);
}

/* --- finalisers --- */

static struct obj *defer_saved;
struct defer_soul {
    struct container base;
    struct obj *function;
};
static void defer_soul_save(struct obj *o) { defer_saved = obj_incref(((struct defer_soul *)o)->function); }
static void defer_soul_dealloc(struct obj *o)
{
    obj_decref_field(((struct defer_soul *)o)->function);
    obj_free(o, sizeof(struct defer_soul));
}
static int defer_soul_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    return visit(((struct defer_soul *)o)->function, arg);
}
static const struct type defer_soul_type = {.name = "soul", .flags = TYPE_CONTAINER, .dealloc = defer_soul_dealloc,
                                            .traverse = defer_soul_traverse, .finalize = defer_soul_save};

/* It was taken out of the registry when it was found to be garbage: from then on it counts like any other. */
TEST(a_deferred_function_that_a_finaliser_saves_has_ordinary_counts)
{
    defer_begin(TRACK_THREAD);
    int64_t before = defer_live();
    struct defer_soul *soul = obj_alloc(&defer_soul_type, sizeof *soul);
    soul->function = defer_function(BY_THREAD);
    struct obj *dict = namespace_dict(defer_globals(soul->function)), *name = str_from("soul");
    obj_track(&soul->base);
    for (int i = 0; i < 3; i++)
        defer_incref((struct deferred *)soul->function);
    for (int i = 0; i < 3; i++)
        defer_decref((struct deferred *)soul->function);
    cr_assert_eq(dict_set(dict, name, &soul->base.base), 0);
    obj_decref(name);
    obj_decref(&soul->base.base);
    defer_saved = NULL;
    gc_collect();
    rc_drain();
    cr_assert_not_null(defer_saved);
    cr_assert_not(defer_is_deferred(defer_saved));
    cr_assert_eq(gc_statistics().resurrected > 0, true);
    cr_assert(stack_reserve(1));
    stack_push(defer_saved);
    obj_decref(defer_saved);
    cr_assert_eq(gc_collect(), 0, "the stack counts it");
    stack_pop();
    gc_collect();
    cr_assert_eq(defer_live(), before);
}

/* --- threads --- */

#if !RC_UNSAFE

/* Steps that threads take in turn, detached while they wait. */
static _Atomic int defer_step;
static void defer_wait(int step)
{
    thread_detach();
    while (atomic_load_explicit(&defer_step, memory_order_acquire) < step)
        os_yield();
    thread_attach();
}
static void defer_go(int step) { atomic_store_explicit(&defer_step, step, memory_order_release); }

/* Thread 1 loads the function and blocks; thread 0 drops the last counted reference and collects. */
static const char *defer_blocked(struct threads_arg *a)
{
    struct obj *function = a->shared;
    if (a->index == 1) {
        if (!stack_reserve(1))
            return "no memory";
        stack_push(function);
        defer_go(1);
        defer_wait(2);
        const char *verdict = obj_is(function, &function_type) && defer_is_deferred(function) ? NULL : "it is gone";
        stack_pop();
        defer_go(3);
        return verdict;
    }
    defer_wait(1);
    obj_decref(function);
    if (gc_collect() != 0)
        return "collected what is on a blocked thread's stack";
    defer_go(2);
    defer_wait(3);
    return gc_collect() > 0 ? NULL : "not collected when nobody has it any more";
}
static void defer_blocked_with(enum track_policy track)
{
    defer_begin(track);
    defer_go(0);
    int64_t before = defer_live();
    const char *verdict = threads_run(2, defer_blocked, defer_function(DEFERRED));
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(defer_live(), before);
}
TEST(a_deferred_object_on_a_blocked_threads_stack_is_kept) { defer_blocked_with(TRACK_THREAD); }
TEST(a_deferred_object_on_a_blocked_threads_stack_is_kept_track_locked) { defer_blocked_with(TRACK_LOCKED); }

enum { DEFER_TIMES = 1000 };
static const char *defer_take_and_end(struct threads_arg *a)
{
    for (int i = 0; i < DEFER_TIMES; i++) {
        defer_incref(a->shared);
        rt_safepoint();
    }
    return NULL;
}
TEST(counts_by_thread_are_merged_when_a_thread_ends) /* FIELD.md 3.28 */
{
    defer_begin(TRACK_THREAD);
    struct obj *o = defer_make(namespace_new(), BY_THREAD);
    int64_t before = defer_count(o);
    cr_assert_null(threads_run(3, defer_take_and_end, o));
    cr_assert_eq(defer_count(o), before + 3 * DEFER_TIMES);
    obj_decref(o);
    cr_assert_eq(gc_collect(), 0);
    for (int i = 0; i < 3 * DEFER_TIMES; i++)
        defer_decref((struct deferred *)o);
    cr_assert_gt(gc_collect(), 0);
}

/* FIELD.md 3.28. Thread 0 counts up and thread 1 down, by one id; both still run when the object dies and another gets its id. Thread
 * 0 ends first: what it had left over would be the new one's. */
static struct obj *defer_second;
static const char *defer_reuse(struct threads_arg *a)
{
    struct deferred *first = a->shared;
    if (a->index == 1) {
        defer_wait(1);
        for (int i = 0; i < DEFER_TIMES; i++)
            defer_decref(first);
        defer_go(2);
        defer_wait(3);
        int64_t count = defer_count(defer_second);
        return count == 3 ? NULL : "the new one has counts of the old one";
    }
    for (int i = 0; i < DEFER_TIMES; i++)
        defer_incref(first);
    defer_go(1);
    defer_wait(2);
    uint32_t id = defer_id(first);
    obj_decref(&first->base.base);
    if (gc_collect() == 0)
        return "the first one is not collected";
    defer_second = namespace_new();
    if (!defer_second || !defer_enable(defer_second, true) || defer_id((struct deferred *)defer_second) != id)
        return "the id is not used again";
    defer_incref((struct deferred *)defer_second);
    const char *verdict = heap_self()->counts.count[id - 1] == 1 ? NULL : "a count of the first one is left";
    defer_go(3);
    return verdict;
}
TEST(an_id_is_used_again_when_all_counts_are_merged)
{
    defer_begin(TRACK_THREAD);
    defer_go(0);
    const char *verdict = threads_run(2, defer_reuse, defer_make(namespace_new(), BY_THREAD));
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(defer_count(defer_second), 3, "the registry's, the maker's, and one by thread");
    defer_decref((struct deferred *)defer_second);
    obj_decref(defer_second);
    gc_collect();
}

/* Everything at once: functions are replaced in a shared list, called from stacks, counted by thread, and collected. */
#ifdef OS_TSAN
enum { DEFER_ROUNDS = 300 };
#else
enum { DEFER_ROUNDS = 3000 };
#endif
enum { DEFER_SLOTS = 4 };
static bool defer_call(struct obj *list, int i)
{
    struct obj *function = list_get(list, i % DEFER_SLOTS);
    if (!function || !stack_reserve(2))
        return false;
    stack_push(function);
    obj_decref(function); /* the stack has it now */
    rt_safepoint();
    struct function *f = (struct function *)stack_local(stack_depth() - 1, 0);
    struct deferred *code = (struct deferred *)defer_incref(&f->code->base);
    stack_push(&f->globals->base.base.base);
    bool right = obj_is(&code->base.base, &code_type) && str_length(((struct code *)code)->name) == 1;
    stack_pop();
    stack_pop();
    rt_safepoint();
    right = right && ((struct code *)code)->constants == 1;
    defer_decref(code);
    return right;
}
/* By any thread: no assertion. */
static struct obj *defer_function_anywhere(void)
{
    struct obj *name = str_from("f"), *one = int_new(1), *code = code_new(name, &one, 1), *globals = namespace_new();
    defer_enable(code, true);
    defer_enable(globals, true);
    struct obj *function = function_new(code, globals, globals);
    defer_enable(function, true);
    dict_set(namespace_dict(globals), name, function);
    obj_decref(name);
    obj_decref(one);
    obj_decref(code);
    obj_decref(globals);
    return function;
}
static const char *defer_churn(struct threads_arg *a)
{
    for (int i = 0; i < DEFER_ROUNDS; i++) {
        if (i % 8 == a->index) {
            struct obj *fresh = defer_function_anywhere();
            int failed = list_set(a->shared, i % DEFER_SLOTS, fresh);
            obj_decref(fresh);
            if (failed)
                return "list_set";
        }
        if (!defer_call(a->shared, i + a->index))
            return "a function is not what it was";
        if (i % 64 == a->index)
            gc_collect();
    }
    return NULL;
}
static void defer_churn_with(enum track_policy track)
{
    defer_begin(track);
    int64_t before = defer_live();
    struct obj *list = list_new(0);
    for (int i = 0; i < DEFER_SLOTS; i++) {
        struct obj *fresh = defer_function_anywhere();
        cr_assert_eq(list_append(list, fresh), 0);
        obj_decref(fresh);
    }
    const char *verdict = threads_run(3, defer_churn, list);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(list_clear(list), 0);
    obj_decref(list);
    work_collect();
    cr_assert_eq(defer_live(), before);
    cr_assert_gt(gc_statistics().collections, 0);
}
TEST(functions_are_called_while_others_replace_and_collect_them) { defer_churn_with(TRACK_THREAD); }
TEST(functions_are_called_while_others_replace_and_collect_them_track_locked) { defer_churn_with(TRACK_LOCKED); }

#endif
