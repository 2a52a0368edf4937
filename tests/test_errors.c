/*
 * test_errors.c -- memory that runs out: every operation that allocates, with each of its allocations refused in turn.
 *
 * An operation is run on fresh operands, first undisturbed, which gives the expected outcome, then with allocation 1, 2, 3 …
 * refused, alone and together with all later ones, until it gets through without meeting a refusal. When it fails: the
 * error is ERR_MEMORY, the operands look as before, no lock is held, no object is left over, and the same operation then
 * succeeds with the expected outcome.
 * A strategy that defers writes logs, whose memory may be refused instead: then the operation succeeds (RC_DEFERS_FREE).
 */
#include "build.h"

/* What an operation works on; `result` is a new reference, or NULL when it makes nothing. */
struct fault_operands {
    struct obj *subject, *other, *item;
    struct obj *result;
};

enum {
    FAULT_ABSORBED = 1 << 0, /* goes on without the memory: a list that cannot shrink */
    FAULT_PARTIAL = 1 << 1,  /* pair by pair, as dict.h says: on failure some may be in, none may be lost */
};

struct fault_case {
    const char *name;
    void (*prepare)(struct fault_operands *); /* fills with owned objects */
    int (*run)(struct fault_operands *);      /* 0, or -1 and an error. No assertions: memory may be out */
    int flags;
};

/* --- operands: containers that are exactly full, so that one more entry needs memory --- */

enum { FULL = 5 }; /* entries of the smallest table, hostile or not */

static struct obj *full_list(void)
{
    struct obj *items[FULL];
    for (int i = 0; i < FULL; i++)
        items[i] = num(1000 - i);
    return own(list_from(items, FULL));
}
static void with_list(struct fault_operands *f)
{
    f->subject = full_list();
    f->other = list_of_ints(7, 8, 9, 1000000);
    f->item = text("item");
}
static void with_long_list(struct fault_operands *f)
{
    f->subject = list_of_range(1000, 1017);
    for (int i = 0; i < 8; i++)
        obj_decref(list_pop(f->subject, 0));
}
static void with_keys_to_sort(struct fault_operands *f)
{
    f->subject = own(list_new(0));
    for (int i = 0; i < 40; i++)
        cr_assert_eq(list_append(f->subject, key(i * 7 % 40, i)), 0);
}
static void with_dict(struct fault_operands *f)
{
    f->subject = dict_of_range(1000, 1000 + FULL);
    f->other = own(dict_new(0));
    for (int64_t k = 1003; k < 1012; k++)
        cr_assert_eq(dict_set(f->other, num(k), text("new")), 0);
    f->item = text("key");
}
static void with_set(struct fault_operands *f)
{
    f->subject = set_of_range(1000, 1000 + FULL);
    f->other = set_of_range(1003, 1012);
    f->item = text("item");
}
static void with_strs(struct fault_operands *f)
{
    f->subject = text("a text that is longer than what the first buffer of a representation can hold, quotes included");
    f->other = text("another");
}
static void with_big_ints(struct fault_operands *f)
{
    f->subject = big("-99999999999999999999999999999999999999999999999999999999999999999999999999999999999");
    f->other = big("100000000000000000000000000000000000000001");
}
static void with_border_ints(struct fault_operands *f)
{
    f->subject = num(INT64_MIN);
    f->other = num(-1);
}
static void with_nested(struct fault_operands *f)
{
    struct obj *d = dict_of_range(1000, 1000 + FULL);
    f->other = big("123456789012345678901234567890");
    f->subject = list_of(tuple_of(f->other, real(0.1)), d, set_of_range(2000, 2003), text("quote' and \n"), key(1, 2));
}

/* --- operations --- */

static int made(struct fault_operands *f, struct obj *result)
{
    f->result = result;
    return result ? 0 : -1;
}

static int run_list_new(struct fault_operands *f) { return made(f, list_new(10)); }
static int run_list_from(struct fault_operands *f) { return made(f, list_from(&f->item, 1)); }
static int run_list_append(struct fault_operands *f) { return list_append(f->subject, f->item); }
static int run_list_insert(struct fault_operands *f) { return list_insert(f->subject, 2, f->item); }
static int run_list_pop(struct fault_operands *f) { return made(f, list_pop(f->subject, 0)); }
static int run_list_extend(struct fault_operands *f) { return list_extend(f->subject, f->other); }
static int run_list_extend_self(struct fault_operands *f) { return list_extend(f->subject, f->subject); }
static int run_list_slice(struct fault_operands *f) { return made(f, list_slice(f->subject, 1, 4)); }
static int run_list_set_slice(struct fault_operands *f) { return list_set_slice(f->subject, 1, 3, f->other); }
static int run_list_set_slice_self(struct fault_operands *f) { return list_set_slice(f->subject, 1, 3, f->subject); }
static int run_list_del_slice(struct fault_operands *f) { return list_set_slice(f->subject, 1, 3, NULL); }
static int run_list_sort(struct fault_operands *f) { return list_sort(f->subject); }

static int run_dict_new(struct fault_operands *f) { return made(f, dict_new(10)); }
static int run_dict_set(struct fault_operands *f) { return dict_set(f->subject, f->item, f->item); }
static int run_dict_setdefault(struct fault_operands *f)
{
    return dict_setdefault(f->subject, f->item, f->item, &f->result) < 0 ? -1 : 0;
}
static int run_dict_update(struct fault_operands *f) { return dict_update(f->subject, f->other); }
static int run_dict_copy(struct fault_operands *f) { return made(f, dict_copy(f->subject)); }
static int run_dict_keys(struct fault_operands *f) { return made(f, dict_keys(f->subject)); }
static int run_dict_values(struct fault_operands *f) { return made(f, dict_values(f->subject)); }
static int run_dict_items(struct fault_operands *f) { return made(f, dict_items(f->subject)); }

static int run_set_new(struct fault_operands *f) { return made(f, set_new(10)); }
static int run_set_add(struct fault_operands *f) { return set_add(f->subject, f->item) < 0 ? -1 : 0; }
static int run_set_update(struct fault_operands *f) { return set_update(f->subject, f->other); }
static int run_set_copy(struct fault_operands *f) { return made(f, set_copy(f->subject)); }
static int run_set_union(struct fault_operands *f) { return made(f, set_union(f->subject, f->other)); }
static int run_set_intersection(struct fault_operands *f) { return made(f, set_intersection(f->subject, f->other)); }
static int run_set_difference(struct fault_operands *f) { return made(f, set_difference(f->subject, f->other)); }
static int run_set_symmetric(struct fault_operands *f) { return made(f, set_symmetric_difference(f->subject, f->other)); }
static int run_set_is_subset(struct fault_operands *f) { return set_is_subset(f->subject, f->other) < 0 ? -1 : 0; }
static int run_set_equal(struct fault_operands *f)
{
    struct obj *copy = made(f, set_copy(f->subject)) == 0 ? f->result : NULL;
    int equal = copy ? obj_equal(f->subject, copy) : -1;
    if (equal < 0) {
        obj_xdecref(copy);
        f->result = NULL;
    }
    return equal < 0 ? -1 : 0;
}
static int run_set_items(struct fault_operands *f) { return made(f, set_items(f->subject)); }

static int run_tuple_new(struct fault_operands *f) { return made(f, tuple_pair(f->item, f->subject)); }
static int run_iter_new(struct fault_operands *f)
{
    f->result = iter_new(f->subject);
    struct obj *item = NULL, *i = f->result;
    if (!i)
        return -1;
    iter_next(i, &item);
    obj_decref(i);
    return made(f, item);
}
static int run_str_new(struct fault_operands *f) { return made(f, str_new("text", 4)); }
static int run_str_concat(struct fault_operands *f) { return made(f, str_concat(f->subject, f->other)); }
static int run_str_slice(struct fault_operands *f) { return made(f, str_slice(f->subject, 3, 9)); }
static int run_repr(struct fault_operands *f) { return made(f, obj_repr(f->subject)); }
static int run_float_new(struct fault_operands *f) { return made(f, float_new(2.5)); }
static int run_int_new(struct fault_operands *f) { return made(f, int_new(12345)); }
static int run_int_parse(struct fault_operands *f) { return made(f, int_parse("123456789012345678901234567890", 30)); }
static int run_int_add(struct fault_operands *f) { return made(f, int_add(f->subject, f->other)); }
static int run_int_sub(struct fault_operands *f) { return made(f, int_sub(f->subject, f->other)); }
static int run_int_mul(struct fault_operands *f) { return made(f, int_mul(f->subject, f->other)); }
static int run_int_floordiv(struct fault_operands *f) { return made(f, int_floordiv(f->subject, f->other)); }
static int run_int_mod(struct fault_operands *f) { return made(f, int_mod(f->subject, f->other)); }
static int run_int_neg(struct fault_operands *f) { return made(f, int_neg(f->subject)); }

#define FAULT(operation, operands, flags) {#operation " " #operands, operands, run_##operation, flags}
static const struct fault_case fault_cases[] = {
    FAULT(list_new, with_list, 0), FAULT(list_from, with_list, 0), FAULT(list_append, with_list, 0),
    FAULT(list_insert, with_list, 0), FAULT(list_pop, with_long_list, FAULT_ABSORBED), FAULT(list_extend, with_list, 0),
    FAULT(list_extend_self, with_list, 0), FAULT(list_slice, with_list, 0), FAULT(list_set_slice, with_list, 0),
    FAULT(list_set_slice_self, with_list, 0), FAULT(list_del_slice, with_list, 0), FAULT(list_sort, with_list, 0),
    FAULT(list_sort, with_keys_to_sort, 0),
    FAULT(dict_new, with_dict, 0), FAULT(dict_set, with_dict, 0), FAULT(dict_setdefault, with_dict, 0),
    FAULT(dict_update, with_dict, FAULT_PARTIAL), FAULT(dict_copy, with_dict, 0), FAULT(dict_keys, with_dict, 0),
    FAULT(dict_values, with_dict, 0), FAULT(dict_items, with_dict, 0),
    FAULT(set_new, with_set, 0), FAULT(set_add, with_set, 0), FAULT(set_update, with_set, FAULT_PARTIAL),
    FAULT(set_copy, with_set, 0), FAULT(set_union, with_set, 0), FAULT(set_intersection, with_set, 0),
    FAULT(set_difference, with_set, 0), FAULT(set_symmetric, with_set, 0), FAULT(set_is_subset, with_set, 0),
    FAULT(set_equal, with_set, 0), FAULT(set_items, with_set, 0),
    FAULT(tuple_new, with_list, 0), FAULT(iter_new, with_list, 0), FAULT(iter_new, with_dict, 0), FAULT(iter_new, with_set, 0),
    FAULT(str_new, with_strs, 0), FAULT(str_concat, with_strs, 0), FAULT(str_slice, with_strs, 0),
    FAULT(repr, with_strs, 0), FAULT(repr, with_nested, 0), FAULT(repr, with_big_ints, 0),
    FAULT(float_new, with_strs, 0), FAULT(int_new, with_strs, 0), FAULT(int_parse, with_strs, 0),
    FAULT(int_add, with_big_ints, 0), FAULT(int_sub, with_big_ints, 0), FAULT(int_mul, with_big_ints, 0),
    FAULT(int_floordiv, with_big_ints, 0), FAULT(int_mod, with_big_ints, 0), FAULT(int_neg, with_big_ints, 0),
    FAULT(int_add, with_border_ints, 0), FAULT(int_mul, with_border_ints, 0), FAULT(int_floordiv, with_border_ints, 0),
    FAULT(int_neg, with_border_ints, 0),
};

/* --- the experiment --- */

static void fault_prepare(const struct fault_case *c, struct fault_operands *f)
{
    *f = (struct fault_operands){0};
    c->prepare(f);
}

/* Subject, other operand and result as one text; owned. */
static const char *fault_look(const struct fault_operands *f)
{
    struct obj *none = none_get();
    return shown(tuple_of(f->subject, f->other ? f->other : none, f->result ? f->result : none));
}

static bool fault_fired(int64_t at)
{
    return atomic_load_explicit(&os_fault_seen, memory_order_relaxed) >= at; /* relaxed: the helper threads are idle, or late */
}

static bool fault_is_container(struct obj *o)
{
    return o && (obj_is(o, &list_type) || obj_is(o, &dict_type) || obj_is(o, &set_type));
}

static bool fault_contains(struct obj *dict_or_set, struct obj *key)
{
    return (obj_is(dict_or_set, &dict_type) ? dict_contains : set_contains)(dict_or_set, key) == 1;
}

/* After a partial failure: every key of `before` is there, and every key that is there comes from one of the two. */
static void fault_check_partial(const struct fault_operands *f, struct obj *before)
{
    struct obj *i = own(iter_new(before)), *item;
    while (iter_next(i, &item) == 1)
        cr_assert(fault_contains(f->subject, own(item)));
    i = own(iter_new(f->subject));
    while (iter_next(i, &item) == 1)
        cr_assert(fault_contains(before, own(item)) || fault_contains(f->other, item));
}

/* One run with allocation `at` refused. Returns whether it failed; *fired: whether anything was refused. */
static bool fault_run(const struct fault_case *c, int64_t at, bool sticky, const char *expected, bool *fired)
{
    struct fault_operands f;
    fault_prepare(c, &f);
    struct obj *before = text(fault_look(&f));
    struct obj *copy = NULL;
    if (c->flags & FAULT_PARTIAL)
        copy = own((obj_is(f.subject, &dict_type) ? dict_copy : set_copy)(f.subject));
    int64_t live = live_now();
    err_take();
    os_fault_plan(at, sticky);
    bool failed = c->run(&f) != 0;
    *fired = fault_fired(at);
    os_fault_plan(0, false);
    if (failed) {
        cr_assert(*fired, "%s failed without a fault", c->name);
        cr_assert(raised(ERR_MEMORY, "out of memory"), "%s", c->name);
        cr_assert_null(f.result);
        if (copy)
            fault_check_partial(&f, copy);
        else
            cr_assert_eq(live_now(), live, "%s, allocation %d: %d objects left over", c->name, (int)at, (int)(live_now() - live));
        cr_assert(copy || strcmp(fault_look(&f), str_bytes(before)) == 0, "%s changed its operands", c->name);
        cr_assert(!fault_is_container(f.subject) || is_released(f.subject), "%s keeps the lock", c->name);
        cr_assert(!fault_is_container(f.other) || is_released(f.other), "%s keeps the lock", c->name);
        cr_assert_eq(c->run(&f), 0, "%s is not usable afterwards", c->name);
    }
    if (f.result)
        own(f.result);
    cr_assert_str_eq(fault_look(&f), expected);
    return failed;
}

/* Refuses allocation 1, 2, 3 … until none is met. Returns how many runs failed. */
static int fault_try_all(const struct fault_case *c, bool sticky, const char *expected)
{
    int failures = 0;
    bool fired = true;
    for (int64_t at = 1; fired; at++) {
        size_t mark = build_owned.length;
        int64_t live = live_now();
        bool failed = fault_run(c, at, sticky, expected, &fired);
        cr_assert(failed || !fired || RC_DEFERS_FREE || (c->flags & FAULT_ABSORBED),
                  "%s: allocation %d is not checked", c->name, (int)at);
        failures += failed;
        drop_owned_since(mark);
        cr_assert_eq(live_now(), live, "%s, allocation %d: leak", c->name, (int)at);
        cr_assert_lt(at, 1000, "%s does not come to an end", c->name);
    }
    return failures;
}

static void fault_try(const struct fault_case *c)
{
    struct fault_operands f;
    fault_prepare(c, &f);
    cr_assert_eq(c->run(&f), 0, "%s", c->name);
    if (f.result)
        own(f.result);
    const char *expected = fault_look(&f);
    for (int sticky = 0; sticky < 2; sticky++) {
        int failures = fault_try_all(c, sticky, expected);
        cr_assert(c->flags & FAULT_ABSORBED ? failures == 0 : failures > 0, "%s: no allocation was refused", c->name);
    }
    drop_owned_since(0);
}

static void restart_with(enum heap_policy heap)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = heap, .lock = test_lock()};
    cr_assert_eq(objects_start(&config), 0);
}

/* FIELD.md 3.13. Policy malloc: every object is an allocation that can be refused. */
TEST(every_operation_survives_every_refused_allocation)
{
    restart_with(HEAP_MALLOC);
    for (size_t i = 0; i < sizeof fault_cases / sizeof *fault_cases; i++)
        fault_try(&fault_cases[i]);
    drop_owned();
}

#ifdef HAVE_MIMALLOC
TEST(every_operation_survives_every_allocation_that_mimalloc_refuses)
{
    restart_with(HEAP_MIMALLOC);
    for (size_t i = 0; i < sizeof fault_cases / sizeof *fault_cases; i++)
        fault_try(&fault_cases[i]);
    drop_owned();
}
#endif

/* With freelists, objects come without asking and only arrays and tables fail: other paths, the same outcome. */
TEST(container_operations_survive_refused_memory_with_freelists_too)
{
    static const enum heap_policy policy[] = {HEAP_LOCKED, HEAP_THREAD};
    for (int p = 0; p < 2; p++) {
        restart_with(policy[p]);
        for (size_t i = 0; i < sizeof fault_cases / sizeof *fault_cases; i++) {
            struct fault_operands f;
            fault_prepare(&fault_cases[i], &f);
            cr_assert_eq(fault_cases[i].run(&f), 0);
            if (f.result)
                own(f.result);
            const char *expected = fault_look(&f);
            fault_try_all(&fault_cases[i], false, expected);
            fault_try_all(&fault_cases[i], true, expected);
            drop_owned_since(0);
        }
    }
    drop_owned();
}

/* What only reads, replaces or removes: `got` takes the new references. */
static bool list_uses_no_memory(struct obj *l, struct obj *item, struct obj **got)
{
    return list_length(l) == FULL && (got[0] = list_get(l, 1)) && (got[1] = list_pop(l, 0)) && list_set(l, 0, item) == 0 &&
           list_contains(l, item) == 1 && list_index(l, item) == 0 && list_reverse(l) == 0 && list_remove(l, item) == 0 &&
           list_clear(l) == 0;
}

static bool dict_uses_no_memory(struct obj *d, struct obj *key, struct obj *other_key, struct obj **got)
{
    return dict_set(d, key, none_get()) == 0 && dict_contains(d, key) == 1 && dict_get(d, key, &got[2]) == 1 &&
           dict_pop(d, key, &got[3]) == 1 && dict_get(d, key, &got[4]) == 0 && dict_del(d, other_key) == 0 && dict_clear(d) == 0;
}

static bool set_uses_no_memory(struct obj *s, struct obj *item, struct obj **got)
{
    return set_contains(s, item) == 1 && set_add(s, item) == 0 && set_discard(s, item) == 1 &&
           (got[5] = set_pop(s)) && set_clear(s) == 0;
}

TEST(operations_that_only_read_or_remove_need_no_memory)
{
    struct obj *l = full_list(), *d = dict_of_range(0, FULL), *s = set_of_range(0, FULL), *one = num(1), *two = num(2);
    struct obj *i = own(iter_new(l)), *got[7] = {NULL};
    rc_drain();
    os_fault_plan(1, true);
    bool iterated = iter_next(i, &got[6]) == 1;
    bool list = list_uses_no_memory(l, one, got), dict = dict_uses_no_memory(d, one, two, got);
    bool set = set_uses_no_memory(s, one, got);
    os_fault_plan(0, false);
    cr_assert(list && dict && set && iterated, "list %d, dict %d, set %d, iterator %d", list, dict, set, iterated);
    for (int g = 0; g < 7; g++)
        obj_xdecref(got[g]);
    drop_owned();
}

/* For the next test: malloc answers NULL, as without the sanitizers, instead of ending the process. */
#ifdef HEAP_ASAN
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }
#endif
#ifdef OS_TSAN
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "allocator_may_return_null=1"; }
#endif

TEST(sizes_beyond_memory_are_refused_and_do_not_wrap)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 8, SIZE_MAX / 8 + 2, SIZE_MAX / 16};
    for (int i = 0; i < 5; i++) {
        cr_assert(!list_new(sizes[i]) && raised(ERR_MEMORY, ""));
        cr_assert(!list_from(NULL, sizes[i]) && raised(ERR_MEMORY, ""));
        cr_assert(!dict_new(sizes[i]) && raised(ERR_MEMORY, ""));
        cr_assert(!set_new(sizes[i]) && raised(ERR_MEMORY, ""));
        cr_assert(!tuple_new(NULL, sizes[i]) && raised(ERR_MEMORY, ""));
        cr_assert(!str_new("", sizes[i]) && raised(ERR_MEMORY, ""));
        struct strbuf b = {0};
        cr_assert(strbuf_add(&b, "", sizes[i]) == -1 && raised(ERR_MEMORY, "") && b.length == 0);
        strbuf_drop(&b);
    }
}

TEST(strbuf_that_cannot_grow_keeps_its_text)
{
    struct strbuf b = {0};
    char much[200];
    restart_with(HEAP_MALLOC);
    memset(much, 'x', sizeof much);
    cr_assert_eq(strbuf_add_text(&b, "kept"), 0);
    os_fault_plan(1, true);
    bool refused = strbuf_add(&b, much, sizeof much) == -1;
    os_fault_plan(0, false);
    cr_assert(refused && raised(ERR_MEMORY, "out of memory") && b.length == 4);
    cr_assert_eq(strbuf_add_text(&b, " text"), 0);
    os_fault_plan(1, true);
    refused = strbuf_finish(&b) == NULL;
    os_fault_plan(0, false);
    cr_assert(refused && raised(ERR_MEMORY, "out of memory") && b.bytes == NULL, "the buffer is dropped in any case");
}

/* --- the runtime itself --- */

TEST(runtime_that_cannot_start_leaves_nothing_behind)
{
    static const enum heap_policy policy[] = {HEAP_MALLOC, HEAP_LOCKED, HEAP_THREAD};
    cr_assert_eq(objects_stop(), 0);
    for (int i = 0; i < 12; i++) {
        struct objects_config config = {.heap = policy[i % 3], .lock = test_lock(), .count_shared = i / 3 % 2};
        bool sticky = i / 6, started = false;
        int failures = 0;
        for (int64_t at = 1; !started; at += at < 8 || at > 255 ? 1 : 31) {
            os_fault_plan(at, sticky);
            started = objects_start(&config) == 0;
            bool fired = fault_fired(at);
            os_fault_plan(0, false);
            failures += !started;
            cr_assert(started || (fired && !rt_self), "a start that fails leaves the thread outside");
            cr_assert(!started || !fired || RC_DEFERS_FREE);
            if (!started)
                cr_assert_eq(heap_live(), 0);
        }
        cr_assert_gt(failures, 10);
        cr_assert_eq(objects_stop(), 0);
    }
    struct objects_config config = {.heap = HEAP_THREAD, .lock = test_lock()};
    cr_assert_eq(objects_start(&config), 0);
}

static void *thread_begins_without_memory(void *verdict)
{
    os_fault_plan(1, true);
    bool begun = thread_begin() == 0;
    os_fault_plan(0, false);
    *(const char **)verdict = begun ? "began without memory" : rt_self ? "still of the runtime" : NULL;
    if (!begun && thread_begin() != 0)
        *(const char **)verdict = "cannot begin afterwards";
    struct obj *o = int_new(123456);
    obj_xdecref(o);
    thread_end();
    return NULL;
}

TEST(thread_that_cannot_begin_may_try_again)
{
    pthread_t thread;
    const char *verdict = "did not run";
    int64_t live = live_now();
    thread_detach();
    cr_assert_eq(os_spawn(&thread, thread_begins_without_memory, &verdict), 0);
    os_join(thread);
    thread_attach();
    cr_assert_null(verdict);
    cr_assert_eq(live_now(), live);
}

TEST(error_codes_have_names)
{
    for (int code = ERR_NONE; code <= ERR_OWNER; code++)
        for (int other = ERR_NONE; other < code; other++)
            cr_assert(strcmp(err_name((enum err)code), err_name((enum err)other)) != 0);
    cr_assert_str_eq(err_name((enum err)99), "unknown error");
    cr_assert_str_eq(err_name(ERR_CHANGED), "RuntimeError");
}

static void *error_elsewhere(void *verdict)
{
    if (thread_begin() != 0)
        return NULL;
    bool clean = err_code() == ERR_NONE;
    err_set(ERR_VALUE, "of the other thread", 0, 0);
    *(bool *)verdict = clean;
    thread_end();
    return NULL;
}

TEST(errors_belong_to_their_thread)
{
    pthread_t thread;
    bool clean = false;
    struct obj *l = list_of_ints(1);
    cr_assert_null(list_get(l, 5));
    thread_detach();
    cr_assert_eq(os_spawn(&thread, error_elsewhere, &clean), 0);
    os_join(thread);
    thread_attach();
    cr_assert(clean && raised(ERR_INDEX, "index 5"));
    drop_owned();
}
