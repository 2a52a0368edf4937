/*
 * test_numbers.c -- ints of any size, bool, float: values against GMP's own integers, laws, borders, texts, hashes, order.
 */
#include "build.h"
#include <malloc.h>
#include <math.h>

/* A random int of 1 … max_bits bits, either sign; every other one made of long runs of 0s and 1s, which carry far. */
static void number_draw(mpz_t z, unsigned max_bits)
{
    unsigned bits = (unsigned)draw_below(max_bits) + 1;
    bool runs = draw() % 2;
    mpz_set_ui(z, 0);
    for (unsigned at = 0; at < bits; at += 32) {
        mpz_mul_2exp(z, z, 32);
        mpz_add_ui(z, z, runs ? (draw() % 2 ? 0xffffffffu : 0) : (uint32_t)draw());
    }
    mpz_fdiv_r_2exp(z, z, bits);
    if (draw() % 2)
        mpz_neg(z, z);
}

static struct obj *number_of(const mpz_t z)
{
    char *digits = mpz_get_str(NULL, 10, z);
    struct obj *o = big(digits);
    free(digits);
    return o;
}

/* Same value, and in the one form that the value has: small when it fits. */
static bool number_is(struct obj *o, const mpz_t z)
{
    char *digits = mpz_get_str(NULL, 10, z);
    bool same = strcmp(shown(o), digits) == 0;
    free(digits);
    const struct integer *i = (const struct integer *)o;
    return same && (i->limbs == 0) == (mpz_fits_slong_p(z) != 0) && (i->limbs == 0 || (i->limbs < 0) == (mpz_sgn(z) < 0));
}

static bool same(struct obj *a, struct obj *b) { return obj_equal(a, b) == 1 && int_compare(a, b) == 0; }

/* Every operation on one pair against GMP's integers. */
static void number_check_pair(const mpz_t x, const mpz_t y)
{
    size_t mark = build_owned.length;
    struct obj *a = number_of(x), *b = number_of(y);
    mpz_t z;
    mpz_init(z);
    mpz_add(z, x, y);
    cr_assert(number_is(own(int_add(a, b)), z));
    mpz_sub(z, x, y);
    cr_assert(number_is(own(int_sub(a, b)), z));
    mpz_mul(z, x, y);
    cr_assert(number_is(own(int_mul(a, b)), z));
    mpz_neg(z, x);
    cr_assert(number_is(own(int_neg(a)), z));
    if (mpz_sgn(y) != 0) {
        mpz_fdiv_q(z, x, y);
        cr_assert(number_is(own(int_floordiv(a, b)), z));
        mpz_fdiv_r(z, x, y);
        cr_assert(number_is(own(int_mod(a, b)), z));
    }
    int order = mpz_cmp(x, y);
    cr_assert_eq(int_compare(a, b), (order > 0) - (order < 0));
    cr_assert_eq(obj_less(a, b), order < 0);
    cr_assert_eq(obj_equal(a, b), order == 0);
    mpz_fdiv_r_2exp(z, x, 64);
    cr_assert_eq(int_low64(a), mpz_sgn(z) ? mpz_getlimbn(z, 0) : 0);
    mpz_clear(z);
    drop_owned_since(mark);
    rt_safepoint();
}

TEST(ints_agree_with_gmp_on_random_operands)
{
    mpz_t x, y;
    mpz_inits(x, y, NULL);
    build_seed = 1;
    for (int i = 0; i < 4000; i++) {
        static const unsigned bits[] = {70, 200, 2000, 9000}; /* 9000: beyond the largest size class */
        number_draw(x, bits[draw() % 4]);
        number_draw(y, bits[i % 4]);
        number_check_pair(x, y);
    }
    mpz_clears(x, y, NULL);
    drop_owned();
}

TEST(ints_agree_with_gmp_at_the_borders_of_words)
{
    mpz_t x, y;
    mpz_inits(x, y, NULL);
    static const unsigned power[] = {0, 1, 31, 32, 62, 63, 64, 65, 127, 128, 192, 256};
    enum { POWERS = sizeof power / sizeof *power, VALUES = POWERS * 6 };
    for (int i = 0; i < VALUES * VALUES; i++) {
        int at[2] = {i / VALUES, i % VALUES};
        for (int k = 0; k < 2; k++) { /* ±2^p + {-1, 0, 1} */
            mpz_t *z = k ? &y : &x;
            mpz_set_ui(*z, 1);
            mpz_mul_2exp(*z, *z, power[at[k] / 6]);
            if (at[k] % 2)
                mpz_neg(*z, *z);
            mpz_add_ui(*z, *z, (unsigned)(at[k] % 6 / 2));
            mpz_sub_ui(*z, *z, 1);
        }
        number_check_pair(x, y);
    }
    mpz_clears(x, y, NULL);
    drop_owned();
}

TEST(arithmetic_laws_hold_for_random_ints)
{
    mpz_t z;
    mpz_init(z);
    build_seed = 2;
    for (int i = 0; i < 2000; i++) {
        struct obj *v[3];
        for (int k = 0; k < 3; k++) {
            number_draw(z, 2000);
            v[k] = number_of(z);
        }
        struct obj *a = v[0], *b = v[1], *c = v[2];
        cr_assert(same(own(int_sub(own(int_add(a, b)), b)), a));
        cr_assert(same(own(int_add(a, b)), own(int_add(b, a))));
        cr_assert(same(own(int_mul(own(int_add(a, b)), c)), own(int_add(own(int_mul(a, c)), own(int_mul(b, c))))));
        if (obj_equal(b, num(0)) == 0) {
            struct obj *q = own(int_floordiv(a, b)), *r = own(int_mod(a, b));
            cr_assert(same(own(int_add(own(int_mul(q, b)), r)), a));
            cr_assert(same(own(int_floordiv(own(int_mul(a, b)), b)), a));
            bool negative = obj_less(b, num(0)) == 1;
            cr_assert(negative ? obj_less(b, r) == 1 && obj_less(num(0), r) == 0
                               : obj_less(r, b) == 1 && obj_less(r, num(0)) == 0);
        }
        cr_assert(same(big(shown(a)), a));
        cr_assert_eq(hash_of(big(shown(a))), hash_of(a));
        drop_owned_since(0);
        rt_safepoint();
    }
    mpz_clear(z);
    drop_owned();
}

TEST(division_rounds_down_with_all_signs)
{
    static const int64_t row[][4] = {
        {7, 3, 2, 1},   {-7, 3, -3, 2},  {7, -3, -3, -2},  {-7, -3, 2, -1},           {6, -3, -2, 0},
        {0, -5, 0, 0},  {2, -5, -1, -3}, {-2, 5, -1, 3},   {INT64_MAX, -1, -INT64_MAX, 0}, {5, -1, -5, 0},
        {INT64_MIN, 1, INT64_MIN, 0},    {INT64_MIN, INT64_MIN, 1, 0}, {INT64_MAX, INT64_MIN, -1, -1},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        cr_assert_eq(value_of(own(int_floordiv(num(row[i][0]), num(row[i][1])))), row[i][2], "row %zu", i);
        cr_assert_eq(value_of(own(int_mod(num(row[i][0]), num(row[i][1])))), row[i][3], "row %zu", i);
    }
    struct obj *huge = big("100000000000000000000000000000000");
    cr_assert_str_eq(shown(own(int_floordiv(num(-1), huge))), "-1");
    cr_assert_str_eq(shown(own(int_mod(num(-1), huge))), "99999999999999999999999999999999");
    cr_assert_str_eq(shown(own(int_mod(num(3), huge))), "3");
    cr_assert_str_eq(shown(own(int_floordiv(num(INT64_MIN), num(-1)))), "9223372036854775808");
    drop_owned();
}

TEST(ints_cross_the_borders_of_int64_and_come_back)
{
    struct obj *max = num(INT64_MAX), *min = num(INT64_MIN), *one = num(1);
    struct obj *above = own(int_add(max, one)), *below = own(int_sub(min, one));
    int64_t value = 17;
    cr_assert_str_eq(shown(above), "9223372036854775808");
    cr_assert_str_eq(shown(below), "-9223372036854775809");
    cr_assert(int_value(above, &value) == -1 && raised(ERR_OVERFLOW, "does not fit 64 bits"));
    cr_assert_eq(value_of(own(int_sub(above, one))), INT64_MAX);
    cr_assert_eq(value_of(own(int_add(below, one))), INT64_MIN);
    cr_assert_eq(value_of(own(int_neg(above))), INT64_MIN);
    cr_assert_str_eq(shown(own(int_neg(min))), "9223372036854775808");
    cr_assert_str_eq(shown(own(int_mul(min, min))), "85070591730234615865843651857942052864");
    cr_assert_eq(int_low64(big("-18446744073709551617")), UINT64_MAX);
    drop_owned();
}

/* 2^4096 - 1 + 1 - 1: the carry and the borrow run through every word. */
TEST(carries_run_through_every_word)
{
    struct obj *one = num(1), *two = num(2), *power = num(1);
    for (int i = 0; i < 4096; i++)
        power = own(int_mul(power, two));
    struct obj *ones = own(int_sub(power, one));
    cr_assert_eq(((struct integer *)ones)->limbs, 64);
    cr_assert_eq(((struct integer *)power)->limbs, 65);
    cr_assert(same(own(int_add(ones, one)), power));
    cr_assert_eq(value_of(own(int_floordiv(power, ones))), 1);
    cr_assert_eq(value_of(own(int_mod(power, ones))), 1);
    cr_assert_eq(value_of(own(int_add(own(int_neg(power)), own(int_add(ones, one))))), 0);
    drop_owned();
}

/* A block is given back by the size that its number of words tells: a result that shrank must not sit in a larger one. */
TEST(result_that_shrank_moves_to_a_block_of_its_size)
{
    struct obj *power = num(1), *little = big("100000000000000000000000");
    for (int i = 0; i < 12; i++)
        power = own(int_mul(i ? power : num(3), i ? power : num(3))); /* 3^4096: 102 words */
    struct obj *rest = own(int_sub(own(int_add(power, little)), power));
    cr_assert(same(rest, little) && ((struct integer *)rest)->limbs == 2);
    cr_assert_lt(malloc_usable_size(rest), 128);
    drop_owned();
}

TEST(known_values)
{
    struct obj *power = num(1), *factorial = num(1), *a = num(0), *b = num(1);
    for (int i = 0; i < 200; i++)
        power = own(int_add(power, power));
    for (int i = 1; i <= 100; i++)
        factorial = own(int_mul(factorial, num(i)));
    for (int i = 0; i < 1000; i++) {
        struct obj *sum = own(int_add(a, b));
        a = b;
        b = sum;
    }
    cr_assert_str_eq(shown(power), "1606938044258990275541962092341162602522202993782792835301376");
    cr_assert_str_eq(shown(factorial), "93326215443944152681699238856266700490715968264381621468592963895217599993229915608941"
                                       "463976156518286253697920827223758251185210916864000000000000000000000000");
    cr_assert_str_eq(shown(a), "434665576869374564356885276750406258025646605173717804024817290895365554179490518904038798400"
                               "79255169295922593080322634775209689623239873322471161642996440906533187938298969649928516003704"
                               "476137795166849228875");
    drop_owned();
}

TEST(parse_takes_signs_and_leading_zeros)
{
    static const char *const good[][2] = {
        {"0", "0"}, {"-0", "0"}, {"+7", "7"}, {"-0012", "-12"}, {"000000000000000000000000000005", "5"},
        {"999999999999999999", "999999999999999999"}, {"1000000000000000000", "1000000000000000000"},
        {"9223372036854775807", "9223372036854775807"}, {"-9223372036854775808", "-9223372036854775808"},
        {"9223372036854775808", "9223372036854775808"}, {"-9223372036854775809", "-9223372036854775809"},
        {"18446744073709551616", "18446744073709551616"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_assert_str_eq(shown(big(good[i][0])), good[i][1]);
    int64_t value = 0;
    cr_assert(int_value(big("-9223372036854775808"), &value) == 0 && value == INT64_MIN);
    drop_owned();
}

TEST(parse_names_the_byte_that_is_wrong)
{
    static const struct {
        const char *digits;
        const char *part;
    } bad[] = {{"", "no digit"}, {"-", "no digit"},      {"+", "no digit"},      {"12a", "byte 2 is 97"}, {" 1", "byte 0 is 32"},
               {"--1", "byte 1 is 45"}, {"1.5", "byte 1 is 46"}, {"123456789012345678901234567890x", "byte 30 is 120"},
               {"\xff", "byte 0 is 255"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert(!int_parse(bad[i].digits, strlen(bad[i].digits)) && raised(ERR_VALUE, bad[i].part));
    cr_assert(!int_parse("1\0", 2) && raised(ERR_VALUE, "byte 1 is 0"));
}

TEST(division_by_zero_is_refused_for_every_size)
{
    struct obj *dividends[] = {num(0), num(5), num(INT64_MIN), big("-100000000000000000000"), bool_get(true)};
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 2; k++) {
            struct obj *zero = k ? bool_get(false) : num(0);
            cr_assert(!int_floordiv(dividends[i], zero) && raised(ERR_ZERO_DIVISION, "zero"));
            cr_assert(!int_mod(dividends[i], zero) && raised(ERR_ZERO_DIVISION, "zero"));
        }
    drop_owned();
}

TEST(arithmetic_names_the_wrong_type)
{
    struct obj *(*const operation[])(struct obj *, struct obj *) = {int_add, int_sub, int_mul, int_floordiv, int_mod};
    struct obj *one = num(1), *huge = big("100000000000000000000"), *str = text("x"), *f = real(1.5);
    for (int i = 0; i < 5; i++) {
        cr_assert(!operation[i](one, str) && raised(ERR_TYPE, "str"));
        cr_assert(!operation[i](str, one) && raised(ERR_TYPE, "str"));
        cr_assert(!operation[i](huge, f) && raised(ERR_TYPE, "float"));
        cr_assert(!operation[i](none_get(), huge) && raised(ERR_TYPE, "NoneType"));
    }
    int64_t value;
    cr_assert(!int_neg(str) && raised(ERR_TYPE, "str"));
    cr_assert(int_compare(one, str) == -2 && raised(ERR_TYPE, "str"));
    cr_assert(int_value(f, &value) == -1 && raised(ERR_TYPE, "float"));
    cr_assert(int_low64(f) == 0 && raised(ERR_TYPE, "float"));
    drop_owned();
}

TEST(small_ints_exist_once)
{
    cr_assert_eq(num(INT_CACHE_MIN), num(INT_CACHE_MIN));
    cr_assert_eq(num(INT_CACHE_MAX), num(INT_CACHE_MAX));
    cr_assert_neq(num(INT_CACHE_MIN - 1), num(INT_CACHE_MIN - 1));
    cr_assert_neq(num(INT_CACHE_MAX + 1), num(INT_CACHE_MAX + 1));
    struct obj *huge = big("100000000000000000000");
    cr_assert_eq(own(int_sub(huge, big("99999999999999999990"))), num(10), "a result finds the cache too");
    cr_assert_eq(big("256"), num(256));
    for (int64_t i = INT_CACHE_MIN; i <= INT_CACHE_MAX; i++)
        cr_assert(value_of(num(i)) == i && rc_is_immortal(&num(i)->rc));
    drop_owned();
}

TEST(counted_small_ints_are_neither_immortal_nor_leaked)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_THREAD, .lock = test_lock(), .count_shared = true};
    cr_assert_eq(objects_start(&config), 0);
    struct obj *seven = num(7);
    cr_assert(!rc_is_immortal(&seven->rc) && !rc_is_immortal(&none_get()->rc));
    cr_assert_eq(count_of(seven), 2);
    cr_assert_eq(num(7), seven);
    cr_assert_eq(count_of(seven), 3);
    drop_owned();
}

TEST(equal_numbers_hash_alike_across_types)
{
    struct obj *classes[][4] = {
        {num(0), bool_get(false), real(0.0), real(-0.0)},
        {num(1), bool_get(true), real(1.0), big("1")},
        {num(-1), real(-1.0), big("-1"), num(-1)},
        {num((int64_t)1 << 53), real(9007199254740992.0), big("9007199254740992"), real(0x1p53)},
        {num(INT64_MIN), real(-0x1p63), big("-9223372036854775808"), real(-0x1p63)},
        {big("18446744073709551616"), real(0x1p64), real(0x1p64), big("18446744073709551616")},
        {big("1606938044258990275541962092341162602522202993782792835301376"), real(0x1p200), real(0x1p200), real(0x1p200)},
        {num(((int64_t)1 << 61) - 1), big("2305843009213693951"), num(((int64_t)1 << 61) - 1), big("2305843009213693951")},
    };
    enum { CLASSES = sizeof classes / sizeof *classes };
    for (int i = 0; i < CLASSES * 4; i++)
        for (int k = 0; k < CLASSES * 4; k++) {
            struct obj *a = classes[i / 4][i % 4], *b = classes[k / 4][k % 4];
            cr_assert_eq(obj_equal(a, b), i / 4 == k / 4, "%s and %s", shown(a), shown(b));
            cr_assert(i / 4 != k / 4 || hash_of(a) == hash_of(b), "%s and %s", shown(a), shown(b));
        }
    cr_assert_neq(hash_of(num(-1)), -1);
    cr_assert_neq(hash_of(real(INFINITY)), hash_of(real(-INFINITY)));
    drop_owned();
}

TEST(numbers_equal_no_other_types)
{
    cr_assert_eq(obj_equal(num(0), none_get()), 0);
    cr_assert_eq(obj_equal(none_get(), num(0)), 0);
    cr_assert_eq(obj_equal(num(1), text("1")), 0);
    cr_assert_eq(obj_equal(text("1"), real(1)), 0);
    cr_assert_eq(obj_equal(none_get(), none_get()), 1);
    drop_owned();
}

/* Ascending, of all kinds; ints that no double can hold between the doubles next to them. */
TEST(order_is_by_exact_value_across_types)
{
    struct obj *ascending[] = {
        real(-INFINITY), real(-1e300), big("-18446744073709551617"), real(-0x1p64), big("-9223372036854775809"),
        num(INT64_MIN), num(INT64_MIN + 1), num(-1), real(-0.5), num(0), real(5e-324), bool_get(true), real(1.5), num(2),
        num(((int64_t)1 << 53) - 1), real(0x1p53), num(((int64_t)1 << 53) + 1), real(0x1p53 + 2), num(INT64_MAX), real(0x1p63),
        big("9223372036854775809"), big("18446744073709551615"), real(0x1p64), big("18446744073709551617"),
        real(1e300), real(INFINITY),
    };
    enum { ITEMS = sizeof ascending / sizeof *ascending };
    for (int i = 0; i < ITEMS; i++)
        for (int k = 0; k < ITEMS; k++) {
            cr_assert_eq(obj_less(ascending[i], ascending[k]), i < k, "%s < %s", shown(ascending[i]), shown(ascending[k]));
            cr_assert_eq(obj_equal(ascending[i], ascending[k]), i == k);
        }
    struct obj *nan = real(NAN);
    cr_assert(obj_less(nan, num(1)) == 0 && obj_less(num(1), nan) == 0 && obj_less(big("100000000000000000000"), nan) == 0);
    cr_assert(obj_equal(nan, nan) == 1 && obj_equal(nan, real(NAN)) == 0 && obj_equal(nan, num(0)) == 0);
    cr_assert(obj_less(num(1), text("x")) == -1 && raised(ERR_TYPE, "int and str"));
    cr_assert(obj_less(none_get(), none_get()) == -1 && raised(ERR_TYPE, "NoneType"));
    drop_owned();
}

TEST(floats_of_ints_round_to_nearest_even)
{
    static const struct {
        const char *digits;
        double value;
    } row[] = {{"9007199254740993", 9007199254740992.0}, {"9007199254740995", 9007199254740996.0},
               {"18446744073709551615", 0x1p64}, {"-18446744073709551616", -0x1p64},
               {"36893488147419107329", 0x1.0000000000001p65}, /* 2^65 + 2^12 + 1: just above a tie */
               {"36893488147419107328", 0x1p65},                 /* the tie goes to even */
               {"340282366920938463463374607431768211456", 0x1p128}};
    double value = 0;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        cr_assert(float_value(big(row[i].digits), &value) == 0 && value == row[i].value, "%s is %a", row[i].digits, value);
    cr_assert(float_value(bool_get(true), &value) == 0 && value == 1);
    struct obj *huge = num(10);
    for (int i = 0; i < 9; i++)
        huge = own(int_mul(huge, huge)); /* 10^512 */
    cr_assert(float_value(huge, &value) == -1 && raised(ERR_OVERFLOW, "does not fit a float"));
    cr_assert(float_value(text("1"), &value) == -1 && raised(ERR_TYPE, "str"));
    drop_owned();
}

/* Values and texts from Python. */
TEST(floats_print_the_shortest_text_that_reads_back)
{
    static const struct {
        double value;
        const char *text;
    } row[] = {{0, "0.0"}, {-0.0, "-0.0"}, {1, "1.0"}, {-2.5, "-2.5"}, {0.1, "0.1"}, {1.0 / 3, "0.3333333333333333"},
               {100, "100.0"},
               {1e15, "1000000000000000.0"}, {1e16, "1e+16"}, {1e22, "1e+22"}, {1e23, "1e+23"},
               {123456789012345680.0, "1.2345678901234568e+17"},
               {0.0001, "0.0001"}, {0.00001, "1e-05"}, {5e-324, "5e-324"}, {0x1p-1022, "2.2250738585072014e-308"},
               {1.7976931348623157e308, "1.7976931348623157e+308"}, {9007199254740993.0, "9007199254740992.0"},
               {0x1p60, "1.152921504606847e+18"}, {0x1p-1017, "7.120236347223045e-307"},
               {0x1p-791, "7.678447687145631e-239"}, {9.5367431640625e-07, "9.5367431640625e-07"},
               {INFINITY, "inf"}, {-INFINITY, "-inf"}, {NAN, "nan"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        cr_assert_str_eq(shown(real(row[i].value)), row[i].text);
    build_seed = 3;
    for (int i = 0; i < 3000; i++) {
        double value;
        uint64_t bits = draw();
        memcpy(&value, &bits, sizeof value);
        if (!isnan(value))
            cr_assert_eq(strtod(shown(real(value)), NULL), value, "%a", value);
        drop_owned_since(0);
        rt_safepoint();
    }
    drop_owned();
}

TEST(bools_and_none_exist_once)
{
    cr_assert(bool_get(true) != bool_get(false) && bool_get(true) == bool_get(true));
    cr_assert_str_eq(shown(bool_get(true)), "True");
    cr_assert_str_eq(shown(bool_get(false)), "False");
    cr_assert_str_eq(shown(none_get()), "None");
    cr_assert(int_check(bool_get(true)) && int_check(num(1)) && !int_check(none_get()) && !int_check(real(1)));
    cr_assert_str_eq(shown(own(int_add(bool_get(true), bool_get(true)))), "2");
    cr_assert_neq(hash_of(none_get()), -1);
    drop_owned();
}
