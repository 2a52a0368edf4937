/*
 * atomic_int.c -- AtomicInt64. What it promises is in atomic_int.h.
 *
 * For what number.c can do, a value is put into a struct integer in the frame: it has a type and a value, and no head, so
 * nobody may count it.
 */
#include "atomic_int.h"
#include "local_wrapper.h"
#include "number.h"
#include "str.h"
#include <inttypes.h>

/* NULL with ERR_TYPE: it is none. */
INLINE _Atomic int64_t *atomic_int_word(struct obj *o)
{
    struct atomic_int *i = obj_as(o, &atomic_int_type);
    return i ? &i->value : NULL;
}
/* seq_cst: see the header */
INLINE int64_t atomic_int_read(struct obj *o) { return atomic_load_explicit(&((struct atomic_int *)o)->value, memory_order_seq_cst); }

API struct obj *atomic_int_new(int64_t value)
{
    struct atomic_int *a = obj_alloc(&atomic_int_type, sizeof *a);
    if (unlikely(!a))
        return NULL;
    atomic_init(&a->value, value);
    return &a->base;
}

API int atomic_int_get(struct obj *o, int64_t *value)
{
    struct atomic_int *i = obj_as(o, &atomic_int_type);
    if (unlikely(!i))
        return -1;
    *value = atomic_int_read(&i->base);
    return 0;
}

API int atomic_int_set(struct obj *o, int64_t value)
{
    _Atomic int64_t *word = atomic_int_word(o);
    if (unlikely(!word))
        return -1;
    atomic_store_explicit(word, value, memory_order_seq_cst); /* seq_cst: see the header */
    return 0;
}

API int atomic_int_exchange(struct obj *o, int64_t value, int64_t *before)
{
    _Atomic int64_t *word = atomic_int_word(o);
    if (unlikely(!word))
        return -1;
    *before = atomic_exchange_explicit(word, value, memory_order_seq_cst); /* seq_cst: see the header */
    return 0;
}

API int atomic_int_compare_exchange(struct obj *o, int64_t *expected, int64_t value)
{
    _Atomic int64_t *word = atomic_int_word(o);
    /* seq_cst, also on failure, which is a get: see the header */
    return likely(word) ? atomic_compare_exchange_strong_explicit(word, expected, value, memory_order_seq_cst, memory_order_seq_cst) : -1;
}

/* --- what changes the value by itself --- */

/* The result of an operation whose old value is known, without signed overflow. */
INLINE int atomic_int_give(int64_t *now, uint64_t value)
{
    if (now)
        *now = (int64_t)value;
    return 0;
}

API int atomic_int_fetch_add(struct obj *o, int64_t n, int64_t *before)
{
    _Atomic int64_t *word = atomic_int_word(o);
    if (unlikely(!word))
        return -1;
    *before = atomic_fetch_add_explicit(word, n, memory_order_seq_cst); /* seq_cst: see the header; wraps (C11 7.17.7.5) */
    return 0;
}

API int atomic_int_add(struct obj *o, int64_t n, int64_t *now)
{
    int64_t before;
    return likely(atomic_int_fetch_add(o, n, &before) == 0) ? atomic_int_give(now, (uint64_t)before + (uint64_t)n) : -1;
}
API int atomic_int_sub(struct obj *o, int64_t n, int64_t *now) { return atomic_int_add(o, (int64_t)(0 - (uint64_t)n), now); }
API int atomic_int_incr(struct obj *o, int64_t *now) { return atomic_int_add(o, 1, now); }
API int atomic_int_decr(struct obj *o, int64_t *now) { return atomic_int_add(o, -1, now); }

API int atomic_int_and(struct obj *o, int64_t n, int64_t *now)
{
    _Atomic int64_t *word = atomic_int_word(o);
    /* seq_cst: see the header */
    return likely(word) ? atomic_int_give(now, (uint64_t)(atomic_fetch_and_explicit(word, n, memory_order_seq_cst) & n)) : -1;
}
API int atomic_int_or(struct obj *o, int64_t n, int64_t *now)
{
    _Atomic int64_t *word = atomic_int_word(o);
    /* seq_cst: see the header */
    return likely(word) ? atomic_int_give(now, (uint64_t)(atomic_fetch_or_explicit(word, n, memory_order_seq_cst) | n)) : -1;
}
API int atomic_int_xor(struct obj *o, int64_t n, int64_t *now)
{
    _Atomic int64_t *word = atomic_int_word(o);
    /* seq_cst: see the header */
    return likely(word) ? atomic_int_give(now, (uint64_t)(atomic_fetch_xor_explicit(word, n, memory_order_seq_cst) ^ n)) : -1;
}

/* Towards minus infinity; n is not 0, and the quotient fits. */
static int64_t atomic_int_floor(int64_t value, int64_t n)
{
    int64_t quotient = value / n; /* truncated */
    return quotient - (value % n != 0 && (value < 0) != (n < 0));
}

API int atomic_int_div(struct obj *o, int64_t n, int64_t *now)
{
    _Atomic int64_t *word = atomic_int_word(o);
    if (unlikely(!word))
        return -1;
    if (unlikely(n == 0)) {
        err_set(ERR_ZERO_DIVISION, "AtomicInt64 divided by zero", 0, 0);
        return -1;
    }
    int64_t quotient, before = atomic_load_explicit(word, memory_order_seq_cst); /* seq_cst: with it, the error is an answer of its own */
    do {
        if (unlikely(before == INT64_MIN && n == -1)) {
            err_set(ERR_OVERFLOW, "%" PRId64 " // -1 does not fit an AtomicInt64", before, 0);
            return -1;
        }
        quotient = atomic_int_floor(before, n);
        /* seq_cst: see the header */
    } while (!atomic_compare_exchange_weak_explicit(word, &before, quotient, memory_order_seq_cst, memory_order_seq_cst));
    return atomic_int_give(now, (uint64_t)quotient);
}

/* --- what only reads --- */

API struct obj *atomic_int_operand(struct obj *o)
{
    struct atomic_int *i = obj_if(o, &atomic_int_type);
    return i ? int_new(atomic_int_read(&i->base)) : obj_incref(o);
}

API struct obj *atomic_int_apply(struct obj *(*op)(struct obj *, struct obj *), struct obj *a, struct obj *b)
{
    struct obj *x = atomic_int_operand(a), *y = x ? atomic_int_operand(b) : NULL;
    struct obj *result = y ? op(x, y) : NULL;
    obj_xdecref(x);
    obj_xdecref(y);
    return result;
}

/* What number.c may compare: the object itself, or, of an AtomicInt64, its value in *copy. */
static struct obj *atomic_int_look(struct obj *o, struct integer *copy)
{
    o = local_wrapper_peel(o);
    if (!obj_is(o, &atomic_int_type))
        return o;
    copy->base.type = &int_type;
    copy->limbs = 0;
    copy->small = atomic_int_read(o);
    return &copy->base;
}

API int atomic_int_compare(struct obj *a, struct obj *b)
{
    struct integer x, y;
    return int_compare(atomic_int_look(a, &x), atomic_int_look(b, &y));
}

/* --- slots --- */

static int atomic_int_equal(struct obj *a, struct obj *b)
{
    struct integer x, y;
    struct obj *left = atomic_int_look(a, &x);
    return left->type->equal(left, atomic_int_look(b, &y));
}

static int atomic_int_less(struct obj *a, struct obj *b)
{
    struct integer x, y;
    struct obj *left = atomic_int_look(a, &x), *right = atomic_int_look(b, &y);
    return number_check(right) ? left->type->less(left, right) : err_unordered(a, b);
}

static int atomic_int_repr(struct obj *o, struct strbuf *b, int depth)
{
    char text[40];
    (void)depth;
    snprintf(text, sizeof text, "AtomicInt64(%" PRId64 ")", atomic_int_read(o));
    return strbuf_add_text(b, text);
}

static void atomic_int_dealloc(struct obj *o) { obj_free(o, sizeof(struct atomic_int)); }

static const struct type atomic_int_type = {
    .name = "AtomicInt64",
    .flags = TYPE_EXACT | TYPE_LIKE_NUMBER,
    .dealloc = atomic_int_dealloc,
    .equal = atomic_int_equal,
    .less = atomic_int_less,
    .repr = atomic_int_repr,
    .size = {.least = sizeof(struct atomic_int)},
};
