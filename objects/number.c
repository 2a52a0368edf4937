/*
 * number.c -- None, bool, int, float: inline paths for ints of one word, GMP's mpn functions for the others.
 *
 * A big result is computed into a raw block (integer_raw: no head, no type yet, so no strategy knows of it) and becomes
 * an object in integer_finish, which brings it into canonical form. A block's size is found from its number of limbs when
 * it is freed: a result that shrank into another size class moves into a block of its own.
 * Invariant: limbs == 0, or the top limb is not 0 and the value does not fit int64_t.
 * Hash: the value modulo the prime 2^61 - 1, as in Python, so that equal int, bool and float have the same; never -1.
 */
#include "local_wrapper.h"
#include "number.h"
#include "str.h"
#include <float.h>
#include <inttypes.h>

enum { INT_CACHED = INT_CACHE_MAX - INT_CACHE_MIN + 1, LIMB_BITS = 64, HASH_BITS = 61, HASH_INFINITY = 314159 };
#define HASH_PRIME ((UINT64_C(1) << HASH_BITS) - 1)
_Static_assert(GMP_NUMB_BITS == LIMB_BITS && sizeof(mp_limb_t) == sizeof(int64_t), "limbs of 64 bits without nails");

static struct {
    bool counted;
    struct obj *none, *truth[2];
    struct obj *small[INT_CACHED];
} number;

API struct obj *none_get(void) { return number.none; }
API struct obj *bool_get(bool value) { return number.truth[value]; }

/* --- ints of one word --- */

static size_t integer_bytes(size_t limbs)
{
    return offsetof(struct integer, limb) + (limbs ? limbs : 1) * sizeof(mp_limb_t);
}
static size_t integer_limbs(const struct integer *i) { return (size_t)(i->limbs < 0 ? -i->limbs : i->limbs); }

INLINE struct obj *integer_new(const struct type *type, int64_t value)
{
    struct integer *i = obj_alloc(type, sizeof *i);
    if (unlikely(!i))
        return NULL;
    i->limbs = 0;
    i->small = value;
    return &i->base;
}

/* Inline into what comes after it in the unit: every workload makes ints. */
INLINE struct obj *int_new(int64_t value)
{
    uint64_t slot = (uint64_t)value - (uint64_t)INT_CACHE_MIN;
    if (slot < INT_CACHED)
        return obj_incref(number.small[slot]);
    return integer_new(&int_type, value);
}

API bool int_check(const struct obj *o) { return o->type == &int_type || o->type == &bool_type; }

/* The value of an int of one word; false for everything else. */
INLINE bool integer_small(const struct obj *o, int64_t *value)
{
    const struct integer *i = (const struct integer *)o;
    if (unlikely(o->type != &int_type && o->type != &bool_type) || unlikely(i->limbs != 0))
        return false;
    *value = i->small;
    return true;
}

static void integer_dealloc(struct obj *o)
{
    size_t limbs = integer_limbs((struct integer *)o);
    if (likely(limbs == 0))
        obj_free(o, sizeof(struct integer));
    else
        obj_free(o, integer_bytes(limbs));
}

/* --- ints of any size: what is read --- */

/* Magnitude and sign of an int, whichever its form. Do not copy: `limb` may point at `word`. */
struct magnitude {
    const mp_limb_t *limb;
    size_t limbs; /* 0: zero; otherwise the top limb is not 0 */
    bool negative;
    mp_limb_t word;
};

static void magnitude_of_word(struct magnitude *m, int64_t value)
{
    m->negative = value < 0;
    m->word = m->negative ? -(mp_limb_t)value : (mp_limb_t)value;
    m->limb = &m->word;
    m->limbs = value != 0;
}

/* `o` is an int or bool. */
static void magnitude_read(struct magnitude *m, const struct obj *o)
{
    const struct integer *i = (const struct integer *)o;
    if (i->limbs == 0) {
        magnitude_of_word(m, i->small);
    } else {
        m->negative = i->limbs < 0;
        m->limb = i->limb;
        m->limbs = integer_limbs(i);
    }
}

/* The int that it wraps (local_wrapper.h), or NULL. */
SLOW const struct obj *int_behind(const struct obj *o)
{
    const struct obj *i = obj_unwrap(o, &int_type);
    return i ? i : obj_unwrap(o, &bool_type);
}

/* False with ERR_TYPE: not an int. */
static bool magnitude_of(struct magnitude *m, const struct obj *o)
{
    const struct obj *i = int_check(o) ? o : int_behind(o);
    if (!i)
        return err_wrong_type(o, &int_type);
    magnitude_read(m, i);
    return true;
}

static int magnitude_compare(const struct magnitude *a, const struct magnitude *b)
{
    if (a->limbs != b->limbs)
        return a->limbs < b->limbs ? -1 : 1;
    int order = a->limbs ? mpn_cmp(a->limb, b->limb, (mp_size_t)a->limbs) : 0;
    return (order > 0) - (order < 0);
}

static int magnitude_compare_signed(const struct magnitude *a, const struct magnitude *b)
{
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    return a->negative ? -magnitude_compare(a, b) : magnitude_compare(a, b);
}

/* --- ints of any size: what is written --- */

/* Memory for a result, not an object yet: goes to integer_finish or integer_discard with the same number of limbs. */
static struct integer *integer_raw(size_t limbs)
{
    if (limbs < (PTRDIFF_MAX - sizeof(struct integer)) / sizeof(mp_limb_t))
        return heap_alloc(integer_bytes(limbs));
    err_set(ERR_OVERFLOW, "an int of %" PRId64 " limbs has no room in memory", (int64_t)limbs, 0);
    return NULL;
}

static void integer_discard(struct integer *raw, size_t limbs) { heap_free(raw, integer_bytes(limbs)); }

/* Whether blocks for a and for b limbs are given back in the same way. */
static bool integer_same_block(size_t a, size_t b)
{
    a = integer_bytes(a);
    b = integer_bytes(b);
    return (a > HEAP_MAX && b > HEAP_MAX) || (a <= HEAP_MAX && b <= HEAP_MAX && heap_class(a) == heap_class(b));
}

static bool magnitude_fits_word(const mp_limb_t *limb, size_t limbs, bool negative)
{
    return limbs == 0 || (limbs == 1 && limb[0] <= (mp_limb_t)INT64_MAX + negative);
}

/* Makes the object out of raw->limb[0 … room) and the sign; `raw` is used up. NULL: ERR_MEMORY. */
static struct obj *integer_finish(struct integer *raw, size_t room, bool negative)
{
    struct integer *result = raw;
    size_t limbs = room;
    while (limbs > 0 && raw->limb[limbs - 1] == 0)
        limbs--;
    if (magnitude_fits_word(raw->limb, limbs, negative)) {
        uint64_t word = limbs ? raw->limb[0] : 0;
        integer_discard(raw, room);
        return int_new((int64_t)(negative ? -word : word));
    }
    if (!integer_same_block(limbs, room)) {
        result = integer_raw(limbs);
        if (result)
            memcpy(result->limb, raw->limb, limbs * sizeof(mp_limb_t));
        integer_discard(raw, room);
        if (!result)
            return NULL;
    }
    rc_init(&result->base.rc);
    result->base.type = &int_type;
    heap_map_note(&result->base, integer_bytes(limbs));
    result->limbs = negative ? -(int64_t)limbs : (int64_t)limbs;
    return &result->base;
}

/* --- arithmetic --- */

/* |a| + |b|, |a| >= |b|. */
static struct obj *magnitude_add(const struct magnitude *a, const struct magnitude *b, bool negative)
{
    struct integer *r = integer_raw(a->limbs + 1);
    if (!r)
        return NULL;
    r->limb[a->limbs] = mpn_add(r->limb, a->limb, (mp_size_t)a->limbs, b->limb, (mp_size_t)b->limbs);
    return integer_finish(r, a->limbs + 1, negative);
}

/* |a| - |b|, |a| >= |b|. */
static struct obj *magnitude_sub(const struct magnitude *a, const struct magnitude *b, bool negative)
{
    struct integer *r = integer_raw(a->limbs);
    if (!r)
        return NULL;
    mpn_sub(r->limb, a->limb, (mp_size_t)a->limbs, b->limb, (mp_size_t)b->limbs);
    return integer_finish(r, a->limbs, negative);
}

/* a + b, or a - b with `subtract`. */
SLOW struct obj *int_add_slow(struct obj *x, struct obj *y, bool subtract)
{
    struct magnitude a, b;
    if (!magnitude_of(&a, x) || !magnitude_of(&b, y))
        return NULL;
    b.negative ^= subtract;
    bool a_longer = magnitude_compare(&a, &b) >= 0;
    const struct magnitude *large = a_longer ? &a : &b, *little = a_longer ? &b : &a;
    if (large->limbs == 0)
        return int_new(0);
    return a.negative == b.negative ? magnitude_add(large, little, large->negative)
                                    : magnitude_sub(large, little, large->negative);
}

API struct obj *int_add(struct obj *a, struct obj *b)
{
    int64_t x, y, r;
    if (likely(integer_small(a, &x)) && likely(integer_small(b, &y)) && likely(!__builtin_add_overflow(x, y, &r)))
        return int_new(r);
    return int_add_slow(a, b, false);
}

API struct obj *int_sub(struct obj *a, struct obj *b)
{
    int64_t x, y, r;
    if (likely(integer_small(a, &x)) && likely(integer_small(b, &y)) && likely(!__builtin_sub_overflow(x, y, &r)))
        return int_new(r);
    return int_add_slow(a, b, true);
}

SLOW struct obj *int_mul_slow(struct obj *x, struct obj *y)
{
    struct magnitude a, b;
    if (!magnitude_of(&a, x) || !magnitude_of(&b, y))
        return NULL;
    if (a.limbs == 0 || b.limbs == 0)
        return int_new(0);
    const struct magnitude *large = a.limbs >= b.limbs ? &a : &b, *little = a.limbs >= b.limbs ? &b : &a;
    struct integer *r = integer_raw(a.limbs + b.limbs);
    if (!r)
        return NULL;
    mpn_mul(r->limb, large->limb, (mp_size_t)large->limbs, little->limb, (mp_size_t)little->limbs);
    return integer_finish(r, a.limbs + b.limbs, a.negative != b.negative);
}

API struct obj *int_mul(struct obj *a, struct obj *b)
{
    int64_t x, y, r;
    if (likely(integer_small(a, &x)) && likely(integer_small(b, &y)) && likely(!__builtin_mul_overflow(x, y, &r)))
        return int_new(r);
    return int_mul_slow(a, b);
}

/* Quotient or remainder, rounded towards minus infinity: the truncated quotient's magnitude grows by one, and the
 * remainder becomes |b| - |r|, when the signs differ and something remains. b is not 0; |a| has at least as many limbs.
 * The quotient has one limb more than mpn_tdiv_qr writes, for that one. */
static struct obj *magnitude_divide(const struct magnitude *a, const struct magnitude *b, bool remainder)
{
    size_t q_limbs = a->limbs - b->limbs + 2;
    struct integer *q = integer_raw(q_limbs), *r = q ? integer_raw(b->limbs) : NULL;
    if (!r) {
        if (q)
            integer_discard(q, q_limbs);
        return NULL;
    }
    mpn_tdiv_qr(q->limb, r->limb, 0, a->limb, (mp_size_t)a->limbs, b->limb, (mp_size_t)b->limbs);
    q->limb[q_limbs - 1] = 0;
    if (a->negative != b->negative && !mpn_zero_p(r->limb, (mp_size_t)b->limbs)) {
        mpn_add_1(q->limb, q->limb, (mp_size_t)q_limbs, 1);
        mpn_sub_n(r->limb, b->limb, r->limb, (mp_size_t)b->limbs);
    }
    if (remainder) {
        integer_discard(q, q_limbs);
        return integer_finish(r, b->limbs, b->negative);
    }
    integer_discard(r, b->limbs);
    return integer_finish(q, q_limbs, a->negative != b->negative);
}

SLOW struct obj *int_divide_slow(struct obj *x, struct obj *y, bool remainder)
{
    struct magnitude a, b;
    if (!magnitude_of(&a, x) || !magnitude_of(&b, y))
        return NULL;
    if (b.limbs == 0) {
        err_set(ERR_ZERO_DIVISION, "division by zero", 0, 0);
        return NULL;
    }
    if (a.limbs >= b.limbs)
        return magnitude_divide(&a, &b, remainder);
    bool down = a.limbs > 0 && a.negative != b.negative;
    if (!remainder)
        return int_new(down ? -1 : 0);
    return int_add_slow(x, down ? y : number.small[-INT_CACHE_MIN], false);
}

API struct obj *int_floordiv(struct obj *a, struct obj *b)
{
    int64_t x, y;
    if (likely(integer_small(a, &x)) && likely(integer_small(b, &y)) && y != 0 && y != -1)
        return int_new(x / y - (x % y != 0 && (x < 0) != (y < 0)));
    return int_divide_slow(a, b, false);
}

API struct obj *int_mod(struct obj *a, struct obj *b)
{
    int64_t x, y;
    if (likely(integer_small(a, &x)) && likely(integer_small(b, &y)) && y != 0 && y != -1) {
        int64_t r = x % y;
        return int_new(r != 0 && (r < 0) != (y < 0) ? r + y : r);
    }
    return int_divide_slow(a, b, true);
}

API struct obj *int_neg(struct obj *a)
{
    int64_t x;
    if (likely(integer_small(a, &x)) && likely(x != INT64_MIN))
        return int_new(-x);
    return int_add_slow(number.small[-INT_CACHE_MIN], a, true);
}

API int int_compare(const struct obj *x, const struct obj *y)
{
    struct magnitude a, b;
    if (!magnitude_of(&a, x) || !magnitude_of(&b, y))
        return -2;
    return magnitude_compare_signed(&a, &b);
}

/* --- values of ints --- */

API int int_value(const struct obj *o, int64_t *value)
{
    if (likely(integer_small(o, value)))
        return 0;
    const struct obj *wrapped = int_behind(o);
    if (wrapped)
        return int_value(wrapped, value);
    if (int_check(o))
        err_set(ERR_OVERFLOW, "an int of %" PRId64 " words does not fit 64 bits",
                (int64_t)integer_limbs((const struct integer *)o), 0);
    else
        err_wrong_type(o, &int_type);
    return -1;
}

API uint64_t int_low64(const struct obj *o)
{
    struct magnitude m = {0};
    if (!magnitude_of(&m, o) || m.limbs == 0)
        return 0;
    return m.negative ? -(uint64_t)m.limb[0] : (uint64_t)m.limb[0];
}

/* --- text of ints --- */

/* The largest number of digits whose value always fits a word. */
enum { WORD_DIGITS = 18 };

static struct obj *int_parse_word(const char *digits, size_t length, bool negative)
{
    int64_t value = 0;
    for (size_t i = 0; i < length; i++)
        value = value * 10 + (digits[i] - '0');
    return int_new(negative ? -value : value);
}

/* Only digits, more than WORD_DIGITS, the first not 0. */
SLOW struct obj *int_parse_big(const char *digits, size_t length, bool negative)
{
    size_t room = length / WORD_DIGITS + 2; /* mpn_set_str may write a little more than the value needs */
    unsigned char *values = os_alloc(length); /* mpn wants 0 … 9, not '0' … '9' */
    if (!values)
        return err_memory();
    struct integer *r = integer_raw(room);
    if (!r) {
        os_free(values);
        return NULL;
    }
    for (size_t i = 0; i < length; i++)
        values[i] = (unsigned char)(digits[i] - '0');
    size_t limbs = (size_t)mpn_set_str(r->limb, values, length, 10);
    os_free(values);
    mpn_zero(r->limb + limbs, (mp_size_t)(room - limbs));
    return integer_finish(r, room, negative);
}

API struct obj *int_parse(const char *digits, size_t length)
{
    bool negative = length > 0 && digits[0] == '-';
    size_t start = negative || (length > 0 && digits[0] == '+');
    for (size_t i = start; i < length; i++)
        if (digits[i] < '0' || digits[i] > '9') {
            err_set(ERR_VALUE, "not an int: byte %" PRId64 " is %" PRId64 ", digits are allowed", (int64_t)i,
                    (unsigned char)digits[i]);
            return NULL;
        }
    if (start == length) {
        err_set(ERR_VALUE, "not an int: no digit", 0, 0);
        return NULL;
    }
    while (start < length && digits[start] == '0')
        start++;
    return length - start <= WORD_DIGITS ? int_parse_word(digits + start, length - start, negative)
                                         : int_parse_big(digits + start, length - start, negative);
}

SLOW int int_repr_big(const struct integer *i, struct strbuf *b)
{
    size_t limbs = integer_limbs(i), room = limbs * 20 + 2; /* 2^64 has 20 digits; mpn_get_str may start with a 0 */
    mp_limb_t *copy = os_alloc((limbs + 1) * sizeof *copy + room); /* mpn_get_str destroys its operand */
    if (!copy) {
        err_memory();
        return -1;
    }
    unsigned char *digits = (unsigned char *)(copy + limbs + 1), *first = digits;
    mpn_copyi(copy, i->limb, (mp_size_t)limbs);
    size_t length = mpn_get_str(digits, 10, copy, (mp_size_t)limbs);
    for (size_t d = 0; d < length; d++)
        digits[d] += '0';
    while (length > 1 && *first == '0')
        first++, length--;
    size_t before = b->length;
    int failed = (i->limbs < 0 && strbuf_add(b, "-", 1) != 0) || strbuf_add(b, (char *)first, length) != 0;
    os_free(copy);
    if (failed)
        b->length = before;
    return failed ? -1 : 0;
}

static int int_repr(struct obj *o, struct strbuf *b, int depth)
{
    char text[24];
    int64_t value;
    (void)depth;
    if (!integer_small(o, &value))
        return int_repr_big((const struct integer *)o, b);
    snprintf(text, sizeof text, "%" PRId64, value);
    return strbuf_add_text(b, text);
}

static int bool_repr(struct obj *o, struct strbuf *b, int depth)
{
    (void)depth;
    return strbuf_add_text(b, ((struct integer *)o)->small ? "True" : "False");
}

/* --- None --- */

static void none_dealloc(struct obj *o) { obj_free(o, sizeof *o); }

static int none_hash(struct obj *o, int64_t *hash)
{
    (void)o;
    *hash = 0x6e6f6e65; /* any constant */
    return 0;
}

static int none_repr(struct obj *o, struct strbuf *b, int depth)
{
    (void)o, (void)depth;
    return strbuf_add_text(b, "None");
}

/* --- float --- */

API struct obj *float_new(double value)
{
    struct floating *f = obj_alloc(&float_type, sizeof *f);
    if (unlikely(!f))
        return NULL;
    f->value = value;
    return &f->base;
}

static void float_dealloc(struct obj *o) { obj_free(o, sizeof(struct floating)); }

static double float_of(const struct obj *o) { return ((const struct floating *)o)->value; }

/* Rounded to nearest, ties to even: the top 64 bits are, once the lowest of them says whether anything was cut off. */
static double magnitude_to_double(const struct magnitude *m)
{
    size_t top = m->limbs - 1;
    if (top == 0)
        return (double)m->limb[0];
    if (top > 16)
        return __builtin_inf();
    int shift = __builtin_clzll(m->limb[top]);
    mp_limb_t high = m->limb[top] << shift, low = m->limb[top - 1] << shift;
    if (shift)
        high |= m->limb[top - 1] >> (LIMB_BITS - shift);
    if (low != 0 || (top > 1 && !mpn_zero_p(m->limb, (mp_size_t)top - 1)))
        high |= 1;
    return __builtin_ldexp((double)high, (int)top * LIMB_BITS - shift);
}

SLOW const struct obj *number_behind(const struct obj *o)
{
    const struct obj *f = obj_unwrap(o, &float_type);
    return f ? f : int_behind(o);
}

API int float_value(const struct obj *o, double *value)
{
    int64_t small;
    struct magnitude m;
    if (likely(o->type == &float_type)) {
        *value = float_of(o);
        return 0;
    }
    if (integer_small(o, &small)) {
        *value = (double)small;
        return 0;
    }
    if (!int_check(o)) {
        const struct obj *wrapped = number_behind(o);
        if (wrapped)
            return float_value(wrapped, value);
        err_wrong_type(o, &float_type);
        return -1;
    }
    magnitude_read(&m, o);
    double d = magnitude_to_double(&m);
    if (__builtin_isinf(d)) {
        err_set(ERR_OVERFLOW, "an int of %" PRId64 " words does not fit a float", (int64_t)m.limbs, 0);
        return -1;
    }
    *value = m.negative ? -d : d;
    return 0;
}

/* --- comparison --- */

enum { UNORDERED = 2 }; /* a nan takes part */

/* The int |limbs| against a finite double beyond int64_t, which is a whole number of at most 16 limbs. */
static int magnitude_compare_double(const struct magnitude *m, double d)
{
    mp_limb_t limb[17] = {0};
    struct magnitude other = {.limb = limb, .negative = d < 0};
    int exponent;
    uint64_t mantissa = (uint64_t)__builtin_ldexp(__builtin_frexp(__builtin_fabs(d), &exponent), DBL_MANT_DIG);
    unsigned low = (unsigned)(exponent - DBL_MANT_DIG), shift = low % LIMB_BITS;
    limb[low / LIMB_BITS] = mantissa << shift;
    if (shift)
        limb[low / LIMB_BITS + 1] = mantissa >> (LIMB_BITS - shift);
    for (other.limbs = 17; limb[other.limbs - 1] == 0;)
        other.limbs--;
    return magnitude_compare_signed(m, &other);
}

static int word_compare_double(int64_t value, double d)
{
    int64_t whole = (int64_t)d; /* exact but for the fraction: |d| < 2^63 */
    if (value != whole)
        return value < whole ? -1 : 1;
    double fraction = d - (double)whole;
    return (fraction < 0) - (fraction > 0);
}

static int int_compare_double(const struct obj *o, double d)
{
    struct magnitude m;
    int64_t value;
    if (__builtin_isnan(d))
        return UNORDERED;
    if (__builtin_isinf(d))
        return d > 0 ? -1 : 1;
    bool within = d >= -0x1p63 && d < 0x1p63;
    if (integer_small(o, &value))
        return within ? word_compare_double(value, d) : d < 0 ? 1 : -1;
    magnitude_read(&m, o);
    if (within)
        return m.negative ? -1 : 1;
    return magnitude_compare_double(&m, d);
}

static bool number_check(const struct obj *o) { return int_check(o) || o->type == &float_type; }

/* -1, 0, 1 or UNORDERED. Both are numbers. */
static int number_compare(const struct obj *a, const struct obj *b)
{
    bool a_float = a->type == &float_type, b_float = b->type == &float_type;
    if (!a_float && !b_float)
        return int_compare(a, b);
    if (a_float && b_float) {
        double x = float_of(a), y = float_of(b);
        return x < y ? -1 : x > y ? 1 : x == y ? 0 : UNORDERED;
    }
    if (b_float)
        return int_compare_double(a, float_of(b));
    int order = int_compare_double(b, float_of(a));
    return order == UNORDERED ? UNORDERED : -order;
}

static int number_equal(struct obj *a, struct obj *b)
{
    int64_t x, y;
    if (likely(integer_small(a, &x)) && likely(integer_small(b, &y)))
        return x == y;
    b = local_wrapper_peel(b);
    if (unlikely(b->type->flags & TYPE_LIKE_NUMBER))
        return b->type->equal(b, a);
    return a == b || (number_check(b) && number_compare(a, b) == 0);
}

static int number_less(struct obj *a, struct obj *b)
{
    int64_t x, y;
    if (likely(integer_small(a, &x)) && likely(integer_small(b, &y)))
        return x < y;
    b = local_wrapper_peel(b);
    return number_check(b) ? number_compare(a, b) == -1 : err_unordered(a, b);
}

/* --- hash --- */

/* The residue with the number's sign; -1 is not used as a hash. */
static int64_t hash_signed(uint64_t residue, bool negative)
{
    int64_t hash = negative ? -(int64_t)residue : (int64_t)residue;
    return hash == -1 ? -2 : hash;
}

static int int_hash(struct obj *o, int64_t *hash)
{
    struct magnitude m;
    int64_t value;
    if (likely(integer_small(o, &value))) { /* % truncates: the sign stays */
        *hash = value % (int64_t)HASH_PRIME;
        *hash -= *hash == -1;
        return 0;
    }
    magnitude_read(&m, o);
    *hash = hash_signed(m.limbs ? mpn_mod_1(m.limb, (mp_size_t)m.limbs, HASH_PRIME) : 0, m.negative);
    return 0;
}

/* mantissa * 2^e: since 2^61 is 1 modulo the prime, a power of two turns the 61 bits in a circle. */
static int float_hash(struct obj *o, int64_t *hash)
{
    double d = float_of(o);
    if (__builtin_isnan(d)) { /* equal to itself only, as an object */
        *hash = hash_signed((uintptr_t)o / HEAP_GRAIN, false);
        return 0;
    }
    if (__builtin_isinf(d)) {
        *hash = hash_signed(HASH_INFINITY, d < 0);
        return 0;
    }
    int exponent;
    uint64_t mantissa = (uint64_t)__builtin_ldexp(__builtin_frexp(__builtin_fabs(d), &exponent), DBL_MANT_DIG);
    int turn = ((exponent - DBL_MANT_DIG) % HASH_BITS + HASH_BITS) % HASH_BITS;
    *hash = hash_signed(((mantissa << turn) & HASH_PRIME) | mantissa >> (HASH_BITS - turn), d < 0);
    return 0;
}

/* --- repr of floats: the shortest decimal that reads back (in the C locale) --- */

enum { DIGITS_SAFE = DBL_DIG, DIGITS_MAX = 17 }; /* up to 15 digits survive in a double; 17 always tell */

struct decimal {
    char digit[DIGITS_MAX + 1]; /* d.ddd, without the point */
    int digits, exponent;
};

static void decimal_round(struct decimal *d, double value, int digits)
{
    char text[40];
    snprintf(text, sizeof text, "%.*e", digits - 1, value);
    d->digits = digits;
    d->digit[0] = text[0];
    memcpy(d->digit + 1, text + 2, (size_t)digits - 1);
    d->digit[digits] = 0;
    d->exponent = atoi(strchr(text, 'e') + 1);
}

static void decimal_increment(struct decimal *d)
{
    int i = d->digits - 1;
    while (i >= 0 && d->digit[i] == '9')
        d->digit[i--] = '0';
    if (i >= 0) {
        d->digit[i]++;
    } else {
        d->digit[0] = '1';
        d->exponent++;
    }
}

static bool decimal_reads_back(const struct decimal *d, double value)
{
    char text[48];
    snprintf(text, sizeof text, "%c.%se%d", d->digit[0], d->digit + 1, d->exponent);
    return strtod(text, NULL) == value;
}

/* value > 0, finite. Above a power of two the neighbours lie twice as far away as below: there the next decimal up may
 * read back although the nearest does not. Subnormal values have less than DIGITS_SAFE digits. */
static void decimal_shortest(struct decimal *d, double value)
{
    int exponent;
    bool power_of_two = __builtin_frexp(value, &exponent) == 0.5;
    for (int digits = value < DBL_MIN ? 1 : DIGITS_SAFE; digits <= DIGITS_MAX; digits++) {
        decimal_round(d, value, digits);
        if (decimal_reads_back(d, value))
            break;
        if (power_of_two) {
            decimal_increment(d);
            if (decimal_reads_back(d, value))
                break;
        }
    }
    while (d->digits > 1 && d->digit[d->digits - 1] == '0')
        d->digit[--d->digits] = 0;
}

/* As Python: an exponent below 1e-4 and from 1e16 on, and always something that tells a float from an int. */
static int decimal_print(const struct decimal *d, char *text, size_t size)
{
    int e = d->exponent, whole = e + 1;
    if (e < -4 || e >= 16)
        return snprintf(text, size, "%c%s%se%c%02d", d->digit[0], d->digits > 1 ? "." : "", d->digit + 1, e < 0 ? '-' : '+',
                        abs(e));
    if (e < 0)
        return snprintf(text, size, "0.%.*s%s", -whole, "0000", d->digit);
    if (d->digits <= whole)
        return snprintf(text, size, "%s%.*s.0", d->digit, whole - d->digits, "0000000000000000");
    return snprintf(text, size, "%.*s.%s", whole, d->digit, d->digit + whole);
}

static int float_repr(struct obj *o, struct strbuf *b, int depth)
{
    double value = float_of(o), positive = __builtin_fabs(value);
    struct decimal d;
    char text[48];
    size_t sign = __builtin_signbit(value) != 0;
    (void)depth;
    if (__builtin_isnan(value))
        return strbuf_add_text(b, "nan");
    if (__builtin_isinf(value))
        return strbuf_add_text(b, sign ? "-inf" : "inf");
    text[0] = '-';
    if (positive == 0) {
        strcpy(text + sign, "0.0");
    } else {
        decimal_shortest(&d, positive);
        decimal_print(&d, text + sign, sizeof text - sign);
    }
    return strbuf_add_text(b, text);
}

/* --- types --- */

/* As integer_bytes: a small int takes one limb. */
#define INTEGER_SIZE                                                                                                    \
    {.least = sizeof(struct integer), .fixed = offsetof(struct integer, limb), .each = sizeof(mp_limb_t),               \
     .count_at = offsetof(struct integer, limbs)}

static const struct type none_type = {
    .name = "NoneType", .flags = TYPE_EXACT, .dealloc = none_dealloc, .hash = none_hash, .repr = none_repr,
    .size = {.least = sizeof(struct obj)},
};
static const struct type bool_type = {
    .name = "bool", .flags = TYPE_EXACT, .dealloc = integer_dealloc, .hash = int_hash, .equal = number_equal,
    .less = number_less, .repr = bool_repr, .size = INTEGER_SIZE,
};
static const struct type int_type = {
    .name = "int", .flags = TYPE_EXACT, .dealloc = integer_dealloc, .hash = int_hash, .equal = number_equal,
    .less = number_less, .repr = int_repr, .size = INTEGER_SIZE,
};
static const struct type float_type = {
    .name = "float", .flags = TYPE_EXACT, .dealloc = float_dealloc, .hash = float_hash, .equal = number_equal,
    .less = number_less, .repr = float_repr, .size = {.least = sizeof(struct floating)},
};

/* --- the singletons and the cache --- */

/* False: `o` is NULL. */
static bool number_keep(struct obj **slot, struct obj *o)
{
    *slot = o;
    if (o && !number.counted)
        rc_immortalize(&o->rc);
    return o != NULL;
}

/* An immortal object is never deallocated by its count: its memory is taken here. */
static void number_drop(struct obj **slot)
{
    struct obj *o = *slot;
    *slot = NULL;
    if (!o)
        return;
    if (number.counted)
        obj_decref(o);
    else
        o->type->dealloc(o);
}

API int number_start(bool count_shared)
{
    number.counted = count_shared;
    bool made = number_keep(&number.none, obj_alloc(&none_type, sizeof(struct obj)));
    for (int i = 0; i < 2 && made; i++)
        made = number_keep(&number.truth[i], integer_new(&bool_type, i));
    for (int i = 0; i < INT_CACHED && made; i++)
        made = number_keep(&number.small[i], integer_new(&int_type, INT_CACHE_MIN + i));
    return made ? 0 : -1;
}

API void number_stop(void)
{
    for (int i = 0; i < INT_CACHED; i++)
        number_drop(&number.small[i]);
    for (int i = 0; i < 2; i++)
        number_drop(&number.truth[i]);
    number_drop(&number.none);
}
