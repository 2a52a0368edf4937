/*
 * test_atomic_int.c -- AtomicInt64 and AtomicFlag: each operation, its limits and errors, and many threads at one of them.
 */
#include "../objects/atomic_flag.h"
#include "../objects/atomic_int.h"
#include "build.h"
#include "threads.h"

static int64_t cell_of(struct obj *o)
{
    int64_t value = 0;
    cr_assert_eq(atomic_int_get(o, &value), 0);
    return value;
}
static struct obj *cell(int64_t value) { return own(atomic_int_new(value)); }

/* --- one thread: single operations --- */

TEST(atomic_int_holds_what_it_was_made_with)
{
    static const int64_t value[] = {0, 1, -1, 256, 257, INT64_MAX, INT64_MIN};
    for (int i = 0; i < 7; i++)
        cr_assert_eq(cell_of(cell(value[i])), value[i]);
    drop_owned();
}

TEST(atomic_int_set_replaces_and_exchange_gives_the_old_value)
{
    struct obj *a = cell(5);
    int64_t before = 0;
    cr_assert(atomic_int_set(a, -9) == 0 && cell_of(a) == -9);
    cr_assert(atomic_int_exchange(a, 3, &before) == 0 && before == -9 && cell_of(a) == 3);
    drop_owned();
}

TEST(atomic_int_incr_and_decr_return_the_new_value)
{
    struct obj *a = cell(5);
    int64_t now = 0;
    cr_assert(atomic_int_incr(a, &now) == 0 && now == 6);
    cr_assert(atomic_int_incr(a, &now) == 0 && now == 7);
    cr_assert(atomic_int_decr(a, &now) == 0 && now == 6);
    cr_assert(atomic_int_decr(a, NULL) == 0 && atomic_int_incr(a, NULL) == 0 && cell_of(a) == 6);
    drop_owned();
}

TEST(atomic_int_fetch_add_returns_the_old_value)
{
    struct obj *a = cell(5);
    int64_t before = 0;
    cr_assert(atomic_int_fetch_add(a, 10, &before) == 0 && before == 5);
    cr_assert(atomic_int_fetch_add(a, -20, &before) == 0 && before == 15 && cell_of(a) == -5);
    drop_owned();
}

TEST(atomic_int_add_and_sub_return_the_new_value)
{
    struct obj *a = cell(5);
    int64_t now = 0;
    cr_assert(atomic_int_add(a, 37, &now) == 0 && now == 42 && cell_of(a) == 42);
    cr_assert(atomic_int_sub(a, 50, &now) == 0 && now == -8 && cell_of(a) == -8);
    cr_assert(atomic_int_sub(a, -8, &now) == 0 && now == 0 && atomic_int_add(a, -1, &now) == 0 && now == -1);
    drop_owned();
}

TEST(atomic_int_bit_operations_return_the_new_value)
{
    struct obj *a = cell(0xff0);
    int64_t now = 0;
    cr_assert(atomic_int_and(a, 0x0ff, &now) == 0 && now == 0x0f0 && cell_of(a) == now);
    cr_assert(atomic_int_or(a, 0x10f, &now) == 0 && now == 0x1ff && cell_of(a) == now);
    cr_assert(atomic_int_xor(a, 0x00f, &now) == 0 && now == 0x1f0 && cell_of(a) == now);
    cr_assert(atomic_int_xor(a, -1, &now) == 0 && now == ~INT64_C(0x1f0) && atomic_int_and(a, -16, &now) == 0 && now == -0x200);
    drop_owned();
}

/* C truncates: -7 / 2 is -3. */
TEST(atomic_int_division_rounds_down_as_in_python)
{
    static const int64_t row[][3] = {{7, 2, 3}, {-7, 2, -4}, {7, -2, -4}, {-7, -2, 3}, {6, 3, 2}, {-6, 3, -2}, {6, -3, -2}, {0, -5, 0},
                                     {-1, INT64_MAX, -1}, {1, INT64_MIN, -1}, {INT64_MIN, 1, INT64_MIN}, {INT64_MIN, 2, INT64_MIN / 2},
                                     {INT64_MIN, INT64_MIN, 1}, {INT64_MAX, -1, -INT64_MAX}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct obj *a = cell(row[i][0]), *whole = num(row[i][0]), *by = num(row[i][1]);
        int64_t now = 0;
        cr_assert(atomic_int_div(a, row[i][1], &now) == 0 && now == row[i][2] && cell_of(a) == now, "row %d", (int)i);
        cr_assert_eq(value_of(own(int_floordiv(whole, by))), now, "and as our ints do");
    }
    drop_owned();
}

TEST(atomic_int_division_by_zero_is_an_error_and_changes_nothing)
{
    struct obj *a = cell(-7);
    int64_t now = 77;
    cr_assert(atomic_int_div(a, 0, &now) == -1 && raised(ERR_ZERO_DIVISION, "divided by zero"));
    cr_assert(now == 77 && cell_of(a) == -7 && atomic_int_div(a, 0, NULL) == -1 && raised(ERR_ZERO_DIVISION, ""));
    cr_assert(atomic_int_div(a, 2, &now) == 0 && now == -4, "and it goes on");
    drop_owned();
}

/* The quotient does not fit; the processor would raise SIGFPE. */
TEST(atomic_int_division_that_overflows_is_an_error_and_changes_nothing)
{
    struct obj *a = cell(INT64_MIN);
    int64_t now = 77;
    cr_assert(atomic_int_div(a, -1, &now) == -1 && raised(ERR_OVERFLOW, "-9223372036854775808 // -1"));
    cr_assert(now == 77 && cell_of(a) == INT64_MIN);
    cr_assert(atomic_int_incr(a, NULL) == 0 && atomic_int_div(a, -1, &now) == 0 && now == INT64_MAX);
    drop_owned();
}

TEST(atomic_int_overflow_wraps)
{
    struct obj *a = cell(INT64_MAX);
    int64_t now = 0;
    cr_assert(atomic_int_incr(a, &now) == 0 && now == INT64_MIN && cell_of(a) == INT64_MIN);
    cr_assert(atomic_int_decr(a, &now) == 0 && now == INT64_MAX);
    cr_assert(atomic_int_add(a, INT64_MAX, &now) == 0 && now == -2);
    cr_assert(atomic_int_sub(a, INT64_MIN, &now) == 0 && now == INT64_MAX - 1);
    cr_assert(atomic_int_set(a, INT64_MIN) == 0 && atomic_int_sub(a, 1, &now) == 0 && now == INT64_MAX && cell_of(a) == now);
    drop_owned();
}

TEST(atomic_int_compare_exchange_swaps_what_was_expected_only)
{
    struct obj *a = cell(5);
    int64_t expected = 4;
    cr_assert(atomic_int_compare_exchange(a, &expected, 9) == 0 && expected == 5 && cell_of(a) == 5);
    cr_assert(atomic_int_compare_exchange(a, &expected, 9) == 1 && expected == 5 && cell_of(a) == 9);
    drop_owned();
}

/* Ten thousand random steps against the same in plain uint64_t. */
TEST(atomic_int_does_what_a_plain_word_does)
{
    struct obj *a = cell(0);
    uint64_t model = 0;
    build_seed = 23;
    for (int step = 0; step < 10000; step++) {
        int64_t n = draw() % 3 ? draw_below(100) - 50 : (int64_t)draw(), now = 0;
        switch (draw_below(6)) {
        case 0: model += (uint64_t)n; atomic_int_add(a, n, &now); break;
        case 1: model -= (uint64_t)n; atomic_int_sub(a, n, &now); break;
        case 2: model &= (uint64_t)n; atomic_int_and(a, n, &now); break;
        case 3: model |= (uint64_t)n; atomic_int_or(a, n, &now); break;
        case 4: model ^= (uint64_t)n; atomic_int_xor(a, n, &now); break;
        default: model = (uint64_t)n; atomic_int_set(a, n); now = n; break;
        }
        cr_assert((uint64_t)now == model && (uint64_t)cell_of(a) == model, "step %d", step);
    }
    drop_owned();
}

/* --- one thread: as a number --- */

TEST(atomic_int_is_read_by_the_arithmetic_of_ints_and_not_changed)
{
    struct obj *a = cell(-7), *b = cell(2), *two = num(2);
    cr_assert_eq(value_of(own(atomic_int_apply(int_add, a, b))), -5);
    cr_assert_eq(value_of(own(atomic_int_apply(int_sub, two, a))), 9);
    cr_assert_eq(value_of(own(atomic_int_apply(int_mul, a, a))), 49);
    cr_assert_eq(value_of(own(atomic_int_apply(int_floordiv, a, two))), -4);
    cr_assert_eq(value_of(own(atomic_int_apply(int_mod, a, b))), 1);
    cr_assert_eq(value_of(own(int_neg(own(atomic_int_operand(a))))), 7);
    cr_assert(cell_of(a) == -7 && cell_of(b) == 2);
    cr_assert(!atomic_int_apply(int_floordiv, a, cell(0)) && raised(ERR_ZERO_DIVISION, ""));
    cr_assert(!atomic_int_apply(int_add, a, text("x")) && raised(ERR_TYPE, "str"));
    drop_owned();
}

TEST(atomic_int_read_only_arithmetic_does_not_wrap)
{
    struct obj *most = cell(INT64_MAX), *least = cell(INT64_MIN);
    cr_assert_str_eq(shown(own(atomic_int_apply(int_add, most, num(1)))), "9223372036854775808");
    cr_assert_str_eq(shown(own(atomic_int_apply(int_floordiv, least, num(-1)))), "9223372036854775808");
    drop_owned();
}

TEST(atomic_int_equals_numbers_of_its_value_on_either_side)
{
    struct obj *a = cell(1), *same[] = {num(1), bool_get(true), real(1), cell(1)}, *other[] = {num(2), real(1.5), cell(3), text("1")};
    for (int i = 0; i < 4; i++) {
        cr_assert(obj_equal(a, same[i]) == 1 && obj_equal(same[i], a) == 1, "%d", i);
        cr_assert(obj_equal(a, other[i]) == 0 && obj_equal(other[i], a) == 0, "%d", i);
    }
    cr_assert(obj_equal(cell(INT64_MAX), big("9223372036854775808")) == 0 && obj_equal(big("9223372036854775808"), cell(INT64_MIN)) == 0);
    cr_assert(list_contains(list_of_ints(3, 1), a) == 1 && list_contains(list_of(a), num(1)) == 1 && list_contains(list_of(a), num(2)) == 0);
    drop_owned();
}

TEST(atomic_int_is_ordered_with_numbers)
{
    struct obj *a = cell(5);
    cr_assert(obj_less(a, num(6)) == 1 && obj_less(a, num(5)) == 0 && obj_less(a, real(5.5)) == 1 && obj_less(a, cell(4)) == 0);
    cr_assert(obj_less(a, big("-99999999999999999999")) == 0 && obj_less(a, big("99999999999999999999")) == 1);
    cr_assert(obj_less(a, text("x")) == -1 && raised(ERR_TYPE, "no order between AtomicInt64 and str"));
    cr_assert(atomic_int_compare(a, num(6)) == -1 && atomic_int_compare(num(6), a) == 1 && atomic_int_compare(a, cell(5)) == 0);
    cr_assert(atomic_int_compare(a, text("x")) == -2 && raised(ERR_TYPE, "str"));
    drop_owned();
}

TEST(atomic_int_cannot_be_hashed_since_it_changes)
{
    int64_t hash;
    struct obj *a = cell(1), *d = own(dict_new(0));
    cr_assert(obj_hash(a, &hash) == -1 && raised(ERR_TYPE, "AtomicInt64 cannot be hashed"));
    cr_assert(dict_set(d, a, a) == -1 && raised(ERR_TYPE, "AtomicInt64") && dict_set(d, num(1), a) == 0);
    drop_owned();
}

TEST(atomic_int_shows_its_value)
{
    cr_assert_str_eq(shown(cell(-42)), "AtomicInt64(-42)");
    cr_assert_str_eq(shown(list_of(cell(INT64_MIN), own(atomic_flag_new(true)), own(atomic_flag_new(false)))),
                     "[AtomicInt64(-9223372036854775808), AtomicFlag(True), AtomicFlag(False)]");
    drop_owned();
}

TEST(atomic_int_operations_name_the_wrong_type)
{
    struct obj *no = text("no");
    int64_t v = 7;
    int (*const with[])(struct obj *, int64_t, int64_t *) = {atomic_int_exchange, atomic_int_fetch_add, atomic_int_add, atomic_int_sub,
                                                             atomic_int_and, atomic_int_or, atomic_int_xor, atomic_int_div};
    for (int i = 0; i < 8; i++)
        cr_assert(with[i](no, 1, &v) == -1 && v == 7 && raised(ERR_TYPE, "expected AtomicInt64, not str"));
    cr_assert(atomic_int_get(no, &v) == -1 && v == 7 && raised(ERR_TYPE, "str"));
    cr_assert(atomic_int_set(no, 1) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(atomic_int_incr(no, &v) == -1 && raised(ERR_TYPE, "str") && atomic_int_decr(no, &v) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(atomic_int_compare_exchange(no, &v, 1) == -1 && v == 7 && raised(ERR_TYPE, "str"));
    cr_assert(atomic_flag_set(no, true) == -1 && raised(ERR_TYPE, "expected AtomicFlag, not str"));
    cr_assert(atomic_flag_test(no) == -1 && raised(ERR_TYPE, "str") && atomic_flag_exchange(no, true) == -1 && raised(ERR_TYPE, "str"));
    drop_owned();
}

/* --- AtomicFlag --- */

TEST(atomic_flag_is_what_it_was_set_to)
{
    struct obj *f = own(atomic_flag_new(false));
    cr_assert(atomic_flag_test(f) == 0 && atomic_flag_set(f, true) == 0 && atomic_flag_test(f) == 1);
    cr_assert(atomic_flag_set(f, true) == 0 && atomic_flag_test(f) == 1 && atomic_flag_set(f, false) == 0 && atomic_flag_test(f) == 0);
    cr_assert(atomic_flag_test(own(atomic_flag_new(true))) == 1);
    cr_assert(atomic_flag_exchange(f, true) == 0 && atomic_flag_exchange(f, true) == 1 && atomic_flag_exchange(f, false) == 1);
    drop_owned();
}

/* --- memory --- */

TEST(atomics_without_memory_are_an_error)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_MALLOC, .lock = test_lock()};
    cr_assert_eq(objects_start(&config), 0);
    os_fault_plan(1, true);
    struct obj *i = atomic_int_new(1), *f = atomic_flag_new(true);
    os_fault_plan(0, false);
    cr_assert(!i && !f && raised(ERR_MEMORY, "out of memory"));
}

#if !RC_UNSAFE

/* --- many threads --- */

enum { ATOMIC_THREADS = 8 };
#ifdef OS_TSAN
enum { ATOMIC_STEPS = 500 };
#else
enum { ATOMIC_STEPS = 5000 };
#endif

static const char *atomic_incr_and_decr(struct threads_arg *a)
{
    for (int i = 0; i < ATOMIC_STEPS; i++) {
        atomic_int_incr(a->shared, NULL);
        atomic_int_add(a->shared, 5, NULL);
        atomic_int_sub(a->shared, 3, NULL);
        atomic_int_decr(a->shared, NULL);
        rt_safepoint();
    }
    return NULL;
}
TEST(atomic_int_loses_no_update)
{
    struct obj *a = cell(7);
    cr_assert_null(threads_run(ATOMIC_THREADS, atomic_incr_and_decr, a));
    cr_assert_eq(cell_of(a), 7 + 2 * ATOMIC_THREADS * ATOMIC_STEPS);
    drop_owned();
}

/* What incr returned is each thread's alone, and grows. */
struct atomic_tickets {
    struct obj *next;
    _Atomic uint8_t seen[ATOMIC_THREADS * ATOMIC_STEPS];
};
static const char *atomic_take_tickets(struct threads_arg *a)
{
    struct atomic_tickets *t = a->shared;
    for (int64_t i = 0, last = -1, now = 0; i < ATOMIC_STEPS; i++, last = now) {
        atomic_int_incr(t->next, &now);
        if (now <= last || now > ATOMIC_THREADS * ATOMIC_STEPS)
            return "a ticket out of order";
        if (atomic_fetch_add_explicit(&t->seen[now - 1], 1, memory_order_relaxed))
            return "a ticket given twice";
        rt_safepoint();
    }
    return NULL;
}
TEST(atomic_int_gives_each_value_to_one_thread)
{
    struct atomic_tickets *t = calloc(1, sizeof *t);
    t->next = cell(0);
    cr_assert_null(threads_run(ATOMIC_THREADS, atomic_take_tickets, t));
    cr_assert_eq(cell_of(t->next), ATOMIC_THREADS * ATOMIC_STEPS);
    free(t);
    drop_owned();
}

/* Threads divide by -1: as many changes of the sign as divisions, which is an odd number. */
static const char *atomic_negate(struct threads_arg *a)
{
    for (int i = 0; i < ATOMIC_STEPS + (a->index == 0); i++) {
        int64_t now = 0;
        if (atomic_int_div(a->shared, -1, &now) != 0 || (now != 5 && now != -5))
            return "a division of something else";
        rt_safepoint();
    }
    return NULL;
}
TEST(atomic_int_loses_no_division)
{
    struct obj *a = cell(5);
    cr_assert_null(threads_run(ATOMIC_THREADS, atomic_negate, a));
    cr_assert_eq(cell_of(a), ATOMIC_THREADS * ATOMIC_STEPS % 2 ? 5 : -5);
    drop_owned();
}

/* A loop of compare-exchanges adds up as well. */
static const char *atomic_square_up(struct threads_arg *a)
{
    for (int i = 0; i < ATOMIC_STEPS; i++) {
        int64_t seen = 0;
        atomic_int_get(a->shared, &seen);
        while (atomic_int_compare_exchange(a->shared, &seen, seen + 3) == 0)
            rt_safepoint();
    }
    return NULL;
}
TEST(atomic_int_compare_exchange_loops_lose_no_update)
{
    struct obj *a = cell(0);
    cr_assert_null(threads_run(ATOMIC_THREADS, atomic_square_up, a));
    cr_assert_eq(cell_of(a), 3 * ATOMIC_THREADS * ATOMIC_STEPS);
    drop_owned();
}

/* Each thread sets and clears its own bit. */
static const char *atomic_flip_bit(struct threads_arg *a)
{
    int64_t bit = INT64_C(1) << a->index, now = 0;
    for (int i = 0; i < ATOMIC_STEPS; i++) {
        if (atomic_int_or(a->shared, bit, &now) != 0 || !(now & bit))
            return "the bit that was set is not";
        if (atomic_int_and(a->shared, ~bit, &now) != 0 || now & bit)
            return "the bit that was cleared is not";
        if (atomic_int_xor(a->shared, bit, &now) != 0 || !(now & bit) || atomic_int_xor(a->shared, bit, &now) != 0 || now & bit)
            return "the bit that was flipped is not";
        rt_safepoint();
    }
    return NULL;
}
TEST(atomic_int_bits_of_others_stay)
{
    struct obj *a = cell(INT64_C(1) << 40);
    cr_assert_null(threads_run(ATOMIC_THREADS, atomic_flip_bit, a));
    cr_assert_eq(cell_of(a), INT64_C(1) << 40);
    drop_owned();
}

/* What was written before a flag was set is there for who sees it set. */
struct atomic_message {
    struct obj *flag, *count;
    int64_t text; /* plain */
};
static const char *atomic_send(struct threads_arg *a)
{
    struct atomic_message *m = a->shared;
    if (a->index == 0) {
        m->text = 4711;
        return atomic_flag_set(m->flag, true) == 0 ? NULL : "set failed";
    }
    while (!atomic_flag_test(m->flag)) {
        rt_safepoint();
        os_yield();
    }
    atomic_int_incr(m->count, NULL);
    return m->text == 4711 ? NULL : "the flag came before the text";
}
TEST(atomic_flag_publishes_what_came_before_it)
{
    struct atomic_message m = {.flag = own(atomic_flag_new(false)), .count = cell(0)};
    cr_assert_null(threads_run(4, atomic_send, &m));
    cr_assert_eq(cell_of(m.count), 3);
    drop_owned();
}

static const char *atomic_claim(struct threads_arg *a)
{
    struct atomic_message *m = a->shared;
    if (atomic_flag_exchange(m->flag, true) == 0)
        atomic_int_incr(m->count, NULL);
    return NULL;
}
TEST(atomic_flag_is_won_by_one_thread)
{
    struct atomic_message m = {.flag = own(atomic_flag_new(false)), .count = cell(0)};
    for (int i = 0; i < 20; i++) {
        cr_assert_null(threads_run(ATOMIC_THREADS, atomic_claim, &m));
        cr_assert(cell_of(m.count) == i + 1 && atomic_flag_set(m.flag, false) == 0);
    }
    drop_owned();
}

#endif
