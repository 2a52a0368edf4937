/*
 * atomic_int.h -- AtomicInt64: one int64_t that threads change without a lock (ft_utils' AtomicInt64).
 *
 * Order: every access is seq_cst, so the operations on all AtomicInt64s of a run have one order that all threads see, and each takes
 * place at one point in it. Add, subtract, and, or, xor and exchange are one read-modify-write and cannot fail; divide is a
 * compare-and-swap that is tried again until nobody came between.
 * Overflow wraps modulo 2^64, in two's complement. Division rounds towards minus infinity, as in Python (-7 // 2 == -4).
 * Its value changes, so it has no hash. It is equal to a number, on either side, when its value is; as the left one of a less it can be
 * ordered with numbers too. A comparison reads each AtomicInt64 once.
 * Errors of all: ERR_TYPE (not an AtomicInt64), and those named at the function; a failed operation has changed nothing. No lock.
 */
#ifndef OBJECTS_ATOMIC_INT_H
#define OBJECTS_ATOMIC_INT_H

#include "object.h"

/* (The tag is ours, the typedef of that name is C's.) */
struct atomic_int {
    struct obj base;
    _Atomic int64_t value;
};

static const struct type atomic_int_type;

API struct obj *atomic_int_new(int64_t value); /* new; NULL: ERR_MEMORY */
API int atomic_int_get(struct obj *o, int64_t *value);
API int atomic_int_set(struct obj *o, int64_t value);
API int atomic_int_exchange(struct obj *o, int64_t value, int64_t *before);
/* 1: it was *expected, and is `value` now. 0: it was not; *expected is what it was. -1. Does not fail for nothing. */
API int atomic_int_compare_exchange(struct obj *o, int64_t *expected, int64_t value);
/* As C's: *before is the old value. Those that follow give the new one; `now` may be NULL. */
API int atomic_int_fetch_add(struct obj *o, int64_t n, int64_t *before);
API int atomic_int_incr(struct obj *o, int64_t *now);
API int atomic_int_decr(struct obj *o, int64_t *now);
API int atomic_int_add(struct obj *o, int64_t n, int64_t *now);
API int atomic_int_sub(struct obj *o, int64_t n, int64_t *now);
API int atomic_int_and(struct obj *o, int64_t n, int64_t *now);
API int atomic_int_or(struct obj *o, int64_t n, int64_t *now);
API int atomic_int_xor(struct obj *o, int64_t n, int64_t *now);
/* ERR_ZERO_DIVISION: n is 0. ERR_OVERFLOW: INT64_MIN // -1. */
API int atomic_int_div(struct obj *o, int64_t n, int64_t *now);

/* --- read-only arithmetic: ints of any size, nothing wraps --- */

/* New: the value as an int, of an AtomicInt64; any other object itself. NULL: ERR_MEMORY. */
API struct obj *atomic_int_operand(struct obj *o);
/* New: op(a, b), for number.h's int_add, int_mul …, where a or b or both may be AtomicInt64s. NULL: op's error. */
API struct obj *atomic_int_apply(struct obj *(*op)(struct obj *, struct obj *), struct obj *a, struct obj *b);
/* -1, 0, 1 by value; either may be an AtomicInt64, an int or a bool. -2: ERR_TYPE. */
API int atomic_int_compare(struct obj *a, struct obj *b);

#endif
