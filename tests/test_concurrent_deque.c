/*
 * test_concurrent_deque.c -- the deque: both ends, what goes on in its middle, and many threads at it.
 * Fault of the original that must be absent (issue 6): a reader that meets a freed node. What needs every interleaving is in
 * tests/scenarios/concurrent-deque.c.
 */
#include "../gc/collect.h"
#include "../objects/concurrent_deque.h"
#include "build.h"
#include "linearizability.h"
#include "threads.h"

static struct obj *cd_new(void) { return own(concurrent_deque_new()); }
static struct obj *cd_of_range(int64_t from, int64_t to)
{
    struct obj *d = cd_new();
    for (int64_t i = from; i < to; i++)
        cr_assert_eq(concurrent_deque_append(d, num(i)), 0);
    return d;
}
static const char *cd_shown(struct obj *d) { return shown(own(concurrent_deque_items(d))); }
static int64_t cd_pop(struct obj *d) { return value_of(own(concurrent_deque_pop(d))); }
static int64_t cd_popleft(struct obj *d) { return value_of(own(concurrent_deque_popleft(d))); }
/* Nobody holds its lock; the chain is whole: as long from either end as its length says. */
static bool cd_is_sound(struct obj *o)
{
    struct concurrent_deque *d = (struct concurrent_deque *)o;
    int64_t from_left = 0, from_right = 0;
    if (!lock_try(&d->lock))
        return false;
    for (struct deque_cell *c = d->leftmost; c; c = c->right)
        from_left++;
    for (struct deque_cell *c = d->rightmost; c; c = c->left)
        from_right++;
    bool sound = from_left == d->length && from_right == d->length;
    lock_release(&d->lock);
    return sound;
}

TEST(deque_is_a_stack_at_each_end_and_a_queue_between_them)
{
    struct obj *d = cd_of_range(0, 4);
    cr_assert(cd_pop(d) == 3 && cd_popleft(d) == 0 && cd_pop(d) == 2 && cd_popleft(d) == 1);
    for (int64_t i = 0; i < 4; i++)
        cr_assert_eq(concurrent_deque_appendleft(d, num(i)), 0);
    cr_assert(cd_popleft(d) == 3 && cd_pop(d) == 0 && cd_popleft(d) == 2 && cd_pop(d) == 1);
    cr_assert(cd_is_sound(d));
    drop_owned();
}

TEST(appends_at_both_ends_keep_their_sides)
{
    struct obj *d = cd_new();
    for (int64_t i = 1; i <= 3; i++) {
        cr_assert_eq(concurrent_deque_append(d, num(i)), 0);
        cr_assert_eq(concurrent_deque_appendleft(d, num(-i)), 0);
    }
    cr_assert_str_eq(cd_shown(d), "[-3, -2, -1, 1, 2, 3]");
    cr_assert(concurrent_deque_length(d) == 6 && cd_is_sound(d));
    drop_owned();
}

TEST(pop_from_an_empty_deque_is_an_index_error)
{
    struct obj *d = cd_new();
    cr_assert(!concurrent_deque_pop(d) && raised(ERR_INDEX, "IndexError: pop from an empty deque"));
    cr_assert(!concurrent_deque_popleft(d) && raised(ERR_INDEX, "empty deque"));
    cr_assert_eq(concurrent_deque_append(d, num(1)), 0);
    cr_assert(cd_popleft(d) == 1 && !concurrent_deque_pop(d) && raised(ERR_INDEX, "empty deque"));
    cr_assert(concurrent_deque_length(d) == 0 && cd_is_sound(d));
    drop_owned();
}

TEST(extend_appends_one_by_one_at_either_end)
{
    struct obj *d = cd_of_range(0, 2);
    cr_assert_eq(concurrent_deque_extend(d, list_of_ints(2, 3, 4)), 0);
    cr_assert_eq(concurrent_deque_extendleft(d, tuple_of(num(-1), num(-2))), 0);
    cr_assert_str_eq(cd_shown(d), "[-2, -1, 0, 1, 2, 3, 4]");
    cr_assert(concurrent_deque_extend(d, own(list_new(0))) == 0 && concurrent_deque_extendleft(d, own(tuple_new(NULL, 0))) == 0);
    cr_assert(concurrent_deque_length(d) == 7 && cd_is_sound(d));
    cr_assert(cd_pop(d) == 4 && cd_popleft(d) == -2);
    drop_owned();
}

TEST(deque_extended_by_itself_is_twice_as_long)
{
    struct obj *d = cd_of_range(0, 3), *e = cd_of_range(7, 9);
    cr_assert(concurrent_deque_extend(d, d) == 0 && concurrent_deque_extendleft(e, e) == 0 && concurrent_deque_extend(e, d) == 0);
    cr_assert_str_eq(cd_shown(d), "[0, 1, 2, 0, 1, 2]");
    cr_assert_str_eq(cd_shown(e), "[8, 7, 7, 8, 0, 1, 2, 0, 1, 2]");
    drop_owned();
}

TEST(rotate_turns_either_way_and_all_around)
{
    static const struct { int64_t by; const char *after; } turn[] = {
        {0, "[0, 1, 2, 3, 4]"}, {1, "[4, 0, 1, 2, 3]"}, {2, "[3, 4, 0, 1, 2]"}, {4, "[1, 2, 3, 4, 0]"}, {5, "[0, 1, 2, 3, 4]"},
        {6, "[4, 0, 1, 2, 3]"}, {-1, "[1, 2, 3, 4, 0]"}, {-3, "[3, 4, 0, 1, 2]"}, {-5, "[0, 1, 2, 3, 4]"}, {-12, "[2, 3, 4, 0, 1]"},
        {INT64_MAX, "[3, 4, 0, 1, 2]"}, {INT64_MIN, "[3, 4, 0, 1, 2]"}, /* 2^63 - 1 = 2, -2^63 = -3 (mod 5) */
    };
    for (size_t i = 0; i < sizeof turn / sizeof *turn; i++) {
        struct obj *d = cd_of_range(0, 5);
        cr_assert_eq(concurrent_deque_rotate(d, turn[i].by), 0);
        cr_assert_str_eq(cd_shown(d), turn[i].after, "by %lld: %s", (long long)turn[i].by, cd_shown(d));
        cr_assert(cd_is_sound(d));
    }
    struct obj *empty = cd_new(), *one = cd_of_range(5, 6);
    cr_assert(concurrent_deque_rotate(empty, 3) == 0 && concurrent_deque_rotate(one, -3) == 0 && cd_pop(one) == 5);
    drop_owned();
}

TEST(remove_takes_the_leftmost_equal_item_wherever_it_is)
{
    struct obj *d = cd_of_range(0, 4);
    cr_assert_eq(concurrent_deque_extend(d, list_of_ints(1, 1)), 0);
    cr_assert(concurrent_deque_remove(d, real(1.0)) == 0 && strcmp(cd_shown(d), "[0, 2, 3, 1, 1]") == 0);
    cr_assert(concurrent_deque_remove(d, num(0)) == 0 && concurrent_deque_remove(d, num(1)) == 0 && concurrent_deque_remove(d, num(1)) == 0);
    cr_assert_str_eq(cd_shown(d), "[2, 3]");
    cr_assert(concurrent_deque_remove(d, num(9)) == -1 && raised(ERR_KEY, "no such item in the deque: a int"));
    cr_assert(concurrent_deque_remove(d, num(3)) == 0 && concurrent_deque_remove(d, num(2)) == 0 && cd_is_sound(d));
    cr_assert(concurrent_deque_remove(d, num(2)) == -1 && raised(ERR_KEY, ""));
    drop_owned();
}

TEST(index_and_contains_find_the_leftmost_equal_item)
{
    struct obj *d = cd_of_range(0, 5);
    cr_assert_eq(concurrent_deque_appendleft(d, text("x")), 0);
    cr_assert(concurrent_deque_index(d, text("x")) == 0 && concurrent_deque_index(d, num(0)) == 1 && concurrent_deque_index(d, real(4)) == 5);
    cr_assert(concurrent_deque_index(d, num(7)) == -1 && raised(ERR_KEY, "a int"));
    cr_assert(concurrent_deque_contains(d, num(3)) == 1 && concurrent_deque_contains(d, text("y")) == 0);
    cr_assert(cd_is_sound(d));
    drop_owned();
}

TEST(clear_empties_chain_and_gate)
{
    struct obj *d = cd_new(), *item = text("counted");
    cr_assert(concurrent_deque_append(d, item) == 0 && concurrent_deque_length(d) == 1);
    cr_assert(concurrent_deque_append(d, item) == 0 && concurrent_deque_appendleft(d, item) == 0 && count_of(item) == 4);
    cr_assert(concurrent_deque_clear(d) == 0 && count_of(item) == 1 && concurrent_deque_length(d) == 0 && concurrent_deque_clear(d) == 0);
    cr_assert(concurrent_deque_append(d, item) == 0 && own(concurrent_deque_pop(d)) == item);
    drop_owned();
}

TEST(deque_iterator_shows_one_moment)
{
    struct obj *d = cd_of_range(0, 3), *i = own(concurrent_deque_iterate(d)), *item;
    cr_assert(cd_pop(d) == 2 && concurrent_deque_append(d, num(9)) == 0 && concurrent_deque_clear(d) == 0);
    for (int64_t k = 0; k < 3; k++)
        cr_assert(iter_next(i, &item) == 1 && value_of(own(item)) == k);
    cr_assert(iter_next(i, &item) == 0 && concurrent_deque_length(d) == 0);
    cr_assert_eq(iter_next(own(concurrent_deque_iterate(d)), &item), 0);
    drop_owned();
}

TEST(deque_keeps_the_counts_of_its_items)
{
    struct obj *item = text("counted"), *d = concurrent_deque_new();
    struct obj *many = list_of(item, item, item);
    cr_assert(concurrent_deque_append(d, item) == 0 && concurrent_deque_extend(d, many) == 0 && count_of(item) == 8);
    cr_assert(own(concurrent_deque_pop(d)) == item && count_of(item) == 8);
    cr_assert(concurrent_deque_remove(d, item) == 0 && count_of(item) == 7);
    cr_assert(concurrent_deque_appendleft(d, item) == 0 && concurrent_deque_rotate(d, 1) == 0 && count_of(item) == 8);
    obj_decref(d); /* some in the chain */
    cr_assert_eq(count_of(item), 5);
    d = concurrent_deque_new();
    cr_assert(concurrent_deque_append(d, item) == 0 && concurrent_deque_appendleft(d, item) == 0);
    obj_decref(d); /* all at the gate */
    cr_assert_eq(count_of(item), 5);
    drop_owned();
}

/* --- comparisons that run user code: the lock is free, and the deque may change --- */

static struct obj *cd_at_hand;
static int cd_hook_pops(void)
{
    struct obj *item = concurrent_deque_popleft(cd_at_hand);
    obj_xdecref(item);
    return item ? 0 : -1;
}
static int cd_hook_turns(void) { return concurrent_deque_rotate(cd_at_hand, 1); }
static int cd_hook_clears(void) { return concurrent_deque_clear(cd_at_hand); }

TEST(search_starts_again_when_user_code_changes_the_deque)
{
    struct obj *d = cd_at_hand = cd_new(), *wanted = key(1, 7);
    for (int64_t i = 0; i < 10; i++)
        cr_assert_eq(concurrent_deque_append(d, key(1, i)), 0);
    key_at_compare = (struct key_hook){cd_hook_pops, 3}; /* 2 is compared, 0 goes */
    cr_assert_eq(concurrent_deque_index(d, wanted), 6);
    key_at_compare = (struct key_hook){cd_hook_turns, 7}; /* 7 is found, then it moves */
    cr_assert_eq(concurrent_deque_index(d, wanted), 7);
    key_at_compare = (struct key_hook){cd_hook_pops, 8}; /* what is compared and equal moves: looked for again, found at its place */
    cr_assert_eq(concurrent_deque_remove(d, wanted), 0);
    cr_assert(concurrent_deque_length(d) == 7 && concurrent_deque_contains(d, wanted) == 0);
    key_at_compare = (struct key_hook){cd_hook_clears, 1};
    cr_assert(concurrent_deque_contains(d, wanted) == 0 && concurrent_deque_length(d) == 0 && cd_is_sound(d));
    drop_owned();
}

TEST(comparison_that_fails_leaves_the_deque_alone)
{
    struct obj *d = cd_new(), *wanted = key(1, 1);
    cr_assert(concurrent_deque_append(d, key(1, 0)) == 0 && concurrent_deque_append(d, key(1, 1)) == 0);
    key_at_compare = (struct key_hook){key_fails, 1};
    cr_assert(concurrent_deque_remove(d, wanted) == -1 && raised(ERR_VALUE, "key refuses"));
    key_at_compare = (struct key_hook){key_fails, 2};
    cr_assert(concurrent_deque_index(d, wanted) == -1 && raised(ERR_VALUE, "key refuses"));
    key_at_compare = (struct key_hook){key_fails, 1};
    cr_assert(concurrent_deque_contains(d, wanted) == -1 && raised(ERR_VALUE, "key refuses"));
    cr_assert(concurrent_deque_length(d) == 2 && concurrent_deque_contains(d, wanted) == 1 && cd_is_sound(d));
    drop_owned();
}

/* --- a model: any operations in any order --- */

enum { CD_STEPS = 4000, CD_LONGEST = 60 };
struct cd_model {
    int64_t item[CD_LONGEST + 1], length;
};
static void cd_model_put(struct cd_model *m, int64_t value, bool at_left)
{
    if (at_left)
        memmove(m->item + 1, m->item, (size_t)m->length * sizeof *m->item);
    m->item[at_left ? 0 : m->length] = value;
    m->length++;
}
static int64_t cd_model_take(struct cd_model *m, int64_t at)
{
    int64_t value = m->item[at];
    m->length--;
    memmove(m->item + at, m->item + at + 1, (size_t)(m->length - at) * sizeof *m->item);
    return value;
}
static void cd_model_step(struct cd_model *m, struct obj *d)
{
    int64_t choice = draw_below(9), value = draw_below(1000);
    bool at_left = draw_below(2);
    if (choice < 4 && m->length < CD_LONGEST) {
        cr_assert_eq((at_left ? concurrent_deque_appendleft : concurrent_deque_append)(d, num(value)), 0);
        cd_model_put(m, value, at_left);
    } else if (choice < 7 && m->length > 0) {
        cr_assert_eq(at_left ? cd_popleft(d) : cd_pop(d), cd_model_take(m, at_left ? 0 : m->length - 1));
    } else if (choice == 7 && m->length > 0) {
        int64_t at = draw_below(m->length), first = 0;
        while (m->item[first] != m->item[at])
            first++;
        cr_assert_eq(concurrent_deque_index(d, num(m->item[at])), first);
        cr_assert_eq(concurrent_deque_remove(d, num(cd_model_take(m, first))), 0);
    } else if (choice == 8) {
        cr_assert_eq(concurrent_deque_rotate(d, value - 500), 0);
        for (int64_t i = 0; m->length > 0 && i < ((value - 500) % m->length + m->length) % m->length; i++)
            cd_model_put(m, cd_model_take(m, m->length - 1), true);
    }
}
TEST(deque_does_what_a_model_of_it_does)
{
    struct cd_model m = {.length = 0};
    struct obj *d = cd_new();
    size_t mark = build_owned.length;
    for (int step = 0; step < CD_STEPS; step++) {
        cd_model_step(&m, d);
        cr_assert(step % 100 || (concurrent_deque_length(d) == m.length && cd_is_sound(d)));
        drop_owned_since(mark);
    }
    for (int64_t i = 0; i < m.length; i++)
        cr_assert_eq(cd_popleft(d), m.item[i]);
    drop_owned();
}

TEST(deque_names_the_wrong_type)
{
    struct obj *wrong = list_of_ints(1), *d = cd_new();
    cr_assert(concurrent_deque_append(wrong, wrong) == -1 && raised(ERR_TYPE, "expected concurrent deque, not list"));
    cr_assert(!concurrent_deque_pop(wrong) && raised(ERR_TYPE, "") && concurrent_deque_length(wrong) == -1 && raised(ERR_TYPE, ""));
    cr_assert(concurrent_deque_extend(d, num(1)) == -1 && raised(ERR_TYPE, "expected deque, list or tuple, not int"));
    cr_assert(concurrent_deque_rotate(wrong, 1) == -1 && concurrent_deque_clear(wrong) == -1 && raised(ERR_TYPE, ""));
    cr_assert(!concurrent_deque_items(wrong) && !concurrent_deque_iterate(wrong) && raised(ERR_TYPE, ""));
    cr_assert(concurrent_deque_remove(wrong, d) == -1 && concurrent_deque_contains(wrong, d) == -1 && concurrent_deque_index(wrong, d) == -1);
    drop_owned();
}

/* Fails each allocation of the operation in turn: -1 with ERR_MEMORY and nothing changed, until it succeeds. */
TEST(deque_without_memory_changes_nothing)
{
    struct obj *d = NULL, *item = text("item"), *many = list_of(item, item, item);
    for (int at = 1; !d; at++) {
        os_fault_plan(at, false);
        d = concurrent_deque_new();
        os_fault_plan(0, false);
        cr_assert(d || raised(ERR_MEMORY, "memory"));
    }
    own(d);
    for (int operation = 0; operation < 4; operation++) {
        int64_t length = concurrent_deque_length(d), refused = 0, references = count_of(item);
        for (bool done = false; !done; refused++) {
            os_fault_plan(refused + 1, false);
            struct obj *made = operation < 2 ? NULL : (operation == 2 ? concurrent_deque_items : concurrent_deque_iterate)(d);
            done = operation == 0   ? concurrent_deque_append(d, item) == 0
                   : operation == 1 ? concurrent_deque_extendleft(d, many) == 0
                                    : made != NULL;
            obj_xdecref(made);
            os_fault_plan(0, false);
            cr_assert(done || (raised(ERR_MEMORY, "memory") && concurrent_deque_length(d) == length && count_of(item) == references));
        }
        cr_assert(refused > 1 && cd_is_sound(d), "operation %d", operation);
    }
    drop_owned();
}

TEST(collector_sees_through_a_deque)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_THREAD, .track = TRACK_THREAD};
    cr_assert_eq(objects_start(&config), 0);
    gc_start();
    struct obj *d = concurrent_deque_new();
    cr_assert(concurrent_deque_append(d, d) == 0 && concurrent_deque_length(d) == 1 && concurrent_deque_appendleft(d, d) == 0);
    cr_assert_eq(children_of(d), 2, "one in the chain, one at the gate");
    obj_decref(d);
    gc_collect();
    rc_drain();
}

#if !RC_UNSAFE

enum { CD_ITEMS = 2000, CD_THREADS = 4 };
struct cd_share {
    struct obj *d;
    _Atomic int seen[CD_ITEMS * CD_THREADS];
    _Atomic int64_t popped;
    _Atomic int busy;
};
static struct cd_share cd_share;
static void cd_share_begin(int busy)
{
    memset(&cd_share, 0, sizeof cd_share);
    cd_share.d = cd_new();
    atomic_store_explicit(&cd_share.busy, busy, memory_order_relaxed); /* relaxed: threads begin later */
}

/* relaxed, all counts here: read after the joins */
static const char *cd_note(struct obj *item)
{
    int64_t value = -1;
    if (int_value(item, &value) != 0 || value < 0 || value >= CD_ITEMS * CD_THREADS)
        return "a strange item";
    obj_decref(item);
    atomic_fetch_add_explicit(&cd_share.popped, 1, memory_order_relaxed);
    return atomic_fetch_add_explicit(&cd_share.seen[value], 1, memory_order_relaxed) ? "an item came twice" : NULL;
}
static const char *cd_append_items(int thread)
{
    for (int i = 0; i < CD_ITEMS; i++) {
        struct obj *item = int_new(thread * CD_ITEMS + i);
        if (!item || (i % 2 ? concurrent_deque_appendleft : concurrent_deque_append)(cd_share.d, item) != 0)
            return "an append failed";
        obj_decref(item);
        rt_safepoint();
    }
    atomic_fetch_sub_explicit(&cd_share.busy, 1, memory_order_release); /* release: with all its items */
    return NULL;
}
static const char *cd_pop_items(int thread)
{
    for (int i = 0;; i++) {
        bool last = atomic_load_explicit(&cd_share.busy, memory_order_acquire) == 0; /* acquire: all items are in */
        struct obj *item = ((thread + i) % 2 ? concurrent_deque_pop : concurrent_deque_popleft)(cd_share.d);
        const char *verdict = item ? cd_note(item) : NULL;
        rt_safepoint();
        if (verdict)
            return verdict;
        if (!item && err_take() != ERR_INDEX)
            return "a pop failed";
        if (!item && last)
            return NULL;
    }
}
static const char *cd_crowd(struct threads_arg *a)
{
    return a->index % 2 ? cd_pop_items(a->index) : cd_append_items(a->index / 2);
}
TEST(every_item_that_went_in_at_either_end_comes_out_once)
{
    cd_share_begin(2);
    cr_assert_null(threads_run(CD_THREADS, cd_crowd, NULL));
    cr_assert_eq(atomic_load_explicit(&cd_share.popped, memory_order_relaxed), 2 * CD_ITEMS);
    for (int i = 0; i < 2 * CD_ITEMS; i++)
        cr_assert_eq(atomic_load_explicit(&cd_share.seen[i], memory_order_relaxed), 1, "item %d", i);
    cr_assert(concurrent_deque_length(cd_share.d) == 0 && cd_is_sound(cd_share.d));
    drop_owned();
}

/* Items that are freed as soon as they are popped: a reader of a freed cell or item would meet a value that cannot be. */
static const char *cd_readers(struct threads_arg *a)
{
    struct obj *item;
    if (a->index < 2) {
        for (int i = 0; i < CD_ITEMS; i++) {
            item = int_new(CD_ITEMS + i); /* none of the cached ones */
            if (!item || (a->index ? concurrent_deque_appendleft : concurrent_deque_append)(cd_share.d, item) != 0)
                return "an append failed";
            obj_decref(item);
            if (i > 20 && (item = (a->index ? concurrent_deque_pop : concurrent_deque_popleft)(cd_share.d)))
                obj_decref(item);
            if (i % 64 == 0)
                concurrent_deque_rotate(cd_share.d, 3);
            rt_safepoint();
        }
        atomic_fetch_sub_explicit(&cd_share.busy, 1, memory_order_relaxed); /* relaxed: an end */
        return NULL;
    }
    while (atomic_load_explicit(&cd_share.busy, memory_order_relaxed) > 0) { /* relaxed: an end */
        struct obj *i = concurrent_deque_iterate(cd_share.d);
        for (int64_t value; iter_next(i, &item) == 1; obj_decref(item))
            if (int_value(item, &value) != 0 || value < CD_ITEMS || value >= 2 * CD_ITEMS)
                return "a reader met what cannot be";
        obj_decref(i);
        rt_safepoint();
    }
    return NULL;
}
TEST(readers_never_meet_a_freed_cell_or_item)
{
    cd_share_begin(2);
    cr_assert_null(threads_run(CD_THREADS, cd_readers, NULL));
    cr_assert(cd_is_sound(cd_share.d));
    drop_owned();
}

/* A batch is in the deque as a whole or not at all, wherever it has been turned to: its items follow each other. */
enum { CD_BATCH = 5 };
static const char *cd_extenders(struct threads_arg *a)
{
    for (int i = 0; i < CD_ITEMS / 10; i++) {
        if (a->index < 2) {
            struct obj *items[CD_BATCH], *batch;
            for (int k = 0; k < CD_BATCH; k++)
                items[k] = int_new(a->index == 0 ? k : CD_BATCH - 1 - k); /* read from the left: 0 1 2 3 4 */
            batch = list_from(items, CD_BATCH);
            int failed = (a->index ? concurrent_deque_extendleft : concurrent_deque_extend)(cd_share.d, batch);
            for (int k = 0; k < CD_BATCH; k++)
                obj_decref(items[k]);
            obj_decref(batch);
            if (failed)
                return "an extension failed";
        } else {
            struct obj *items = concurrent_deque_items(cd_share.d);
            int64_t length = list_length(items), value = 0;
            for (int64_t k = 0; k < length; k++) {
                int_value(list_get_borrowed(items, k), &value); /* the list is this thread's */
                if (value != k % CD_BATCH)
                    return "half a batch was seen";
            }
            obj_decref(items);
            if (length % CD_BATCH)
                return "the end of a batch was missing";
        }
        rt_safepoint();
    }
    return NULL;
}
TEST(extend_is_seen_as_a_whole)
{
    cd_share_begin(0);
    cr_assert_null(threads_run(CD_THREADS, cd_extenders, NULL));
    cr_assert_eq(concurrent_deque_length(cd_share.d), 2 * CD_ITEMS / 10 * CD_BATCH);
    drop_owned();
}

/* --- recorded histories --- */

enum { CD_LIN_ROUNDS = 30, CD_LIN_OPS = 24 };
struct cd_recorded {
    struct lin_history history;
    struct obj *d;
    struct os_barrier *meet; /* a broken variant waits in its gap until all are in it */
};

/* The operation, and what the model is to hear of it. */
static const char *cd_do(struct obj *d, int kind, int64_t value, int64_t *result)
{
    struct obj *item = kind == LIN_APPEND || kind == LIN_APPEND_LEFT ? int_new(value) : NULL;
    bool good = true;
    *result = 0;
    switch (kind) {
    case LIN_APPEND: good = concurrent_deque_append(d, item) == 0; break;
    case LIN_APPEND_LEFT: good = concurrent_deque_appendleft(d, item) == 0; break;
    case LIN_LENGTH: *result = concurrent_deque_length(d); break;
    default:
        item = (kind == LIN_POP_LEFT ? concurrent_deque_popleft : concurrent_deque_pop)(d);
        *result = LIN_NONE;
        good = item ? int_value(item, result) == 0 : err_take() == ERR_INDEX;
    }
    obj_xdecref(item);
    return good ? NULL : "the deque fails";
}
static const char *cd_record(struct threads_arg *a)
{
    static const int kinds[] = {LIN_APPEND, LIN_APPEND_LEFT, LIN_POP_LEFT, LIN_POP_RIGHT, LIN_LENGTH};
    struct cd_recorded *r = a->shared;
    for (int i = 0; i < CD_LIN_OPS; i++) {
        int kind = kinds[(i * 7 + a->index * 3) % 5];
        int64_t value = 1000 * (a->index + 1) + i, result;
        struct lin_op *op = lin_invoke(&r->history, a->index, kind, 0, value);
        const char *verdict = cd_do(r->d, kind, value, &result);
        lin_return(&r->history, op, result);
        if (verdict)
            return verdict;
        rt_safepoint();
    }
    return NULL;
}
static enum lin_verdict cd_judge(struct cd_recorded *r, int threads, const char *(*body)(struct threads_arg *))
{
    struct os_barrier meet;
    os_barrier_init(&meet, threads);
    r->meet = &meet;
    lin_begin(&r->history, threads, CD_LIN_OPS);
    cr_assert_null(threads_run(threads, body, r));
    struct lin_result result = lin_check(&r->history, &lin_deque);
    if (result.verdict != LIN_YES && body == cd_record)
        lin_explain(&r->history, &result);
    lin_end(&r->history);
    os_barrier_drop(&meet);
    return result.verdict;
}
TEST(deque_histories_are_linearizable)
{
    for (int round = 0; round < CD_LIN_ROUNDS; round++) {
        struct cd_recorded r = {.d = cd_new()};
        cr_assert_eq(cd_judge(&r, CD_THREADS, cd_record), LIN_YES, "round %d", round);
    }
    drop_owned();
}

/* A popleft that looks, then takes: both look at the same item. */
static const char *cd_record_broken(struct threads_arg *a)
{
    struct cd_recorded *r = a->shared;
    int64_t result = LIN_NONE;
    struct lin_op *op = lin_invoke(&r->history, a->index, LIN_APPEND, 0, a->index);
    const char *verdict = cd_do(r->d, LIN_APPEND, a->index, &result);
    lin_return(&r->history, op, 0);
    op = lin_invoke(&r->history, a->index, LIN_POP_LEFT, 0, 0);
    thread_detach();
    os_barrier_wait(r->meet);
    thread_attach();
    struct obj *items = concurrent_deque_items(r->d);
    int_value(list_get_borrowed(items, 0), &result); /* the list is this thread's */
    obj_decref(items);
    thread_detach();
    os_barrier_wait(r->meet);
    thread_attach();
    obj_xdecref(concurrent_deque_popleft(r->d));
    lin_return(&r->history, op, result);
    return verdict;
}
TEST(popleft_as_look_then_take_is_caught)
{
    struct cd_recorded r = {.d = cd_new()};
    cr_assert_eq(cd_judge(&r, 2, cd_record_broken), LIN_NO);
    drop_owned();
}

#endif
