/*
 * number.h -- None, bool, int of any size, float.
 *
 * An int that fits int64_t is small: its value is in the object. Every other has its magnitude in GMP limbs that we
 * allocate (mpn functions; mpz would abort when memory is short) and the sign beside it. The form is canonical: a value
 * that fits int64_t is always small. Ints from INT_CACHE_MIN to INT_CACHE_MAX exist once.
 * GMP takes its own temporaries from malloc and aborts the process when there is none; its manual allows no recovery.
 * Measured with 6.2.1: products from 1,900 limbs on, divisions from 4,000, int_parse and repr of big ints from 40.
 * Everything that is allocated here is checked: ERR_MEMORY.
 * bool counts as int in arithmetic and comparison, as in Python. Numbers are immutable: no lock, no order needed.
 */
#ifndef OBJECTS_NUMBER_H
#define OBJECTS_NUMBER_H

#include "object.h"
#include <gmp.h>

enum { INT_CACHE_MIN = -5, INT_CACHE_MAX = 256 };

struct integer {
    struct obj base;
    int64_t limbs; /* 0: small. Otherwise the number of limbs; negative: the value is negative */
    union {
        int64_t small;
        mp_limb_t limb[1]; /* |limbs| of them, most significant not 0 */
    };
};

struct floating {
    struct obj base;
    double value;
};

static const struct type none_type, bool_type, int_type, float_type;

/* The one None, True and False, and the cached ints. Immortal unless objects_config.count_shared. Borrowed. */
API struct obj *none_get(void);
API struct obj *bool_get(bool value);

/* Set-up and tear-down of the singletons and the cache, by objects_start/objects_stop. 0 or -1 (out of memory). */
API int number_start(bool count_shared);
API void number_stop(void);

/* New reference (from the cache where it has the value), or NULL: ERR_MEMORY. */
API struct obj *int_new(int64_t value);
/* Decimal, optional sign, at least one digit, nothing else. NULL: ERR_VALUE, ERR_MEMORY. */
API struct obj *int_parse(const char *digits, size_t length);
API bool int_check(const struct obj *o); /* int or bool */
static bool number_check(const struct obj *o); /* int, bool or float */
/* 0, or -1: ERR_TYPE, ERR_OVERFLOW (does not fit). */
API int int_value(const struct obj *o, int64_t *value);
/* The value mod 2^64 (two's complement); 0 and ERR_TYPE for others. */
API uint64_t int_low64(const struct obj *o);

/* New references, or NULL: ERR_TYPE, ERR_MEMORY, ERR_OVERFLOW (more limbs than memory addresses), ERR_ZERO_DIVISION.
 * floordiv and mod round towards minus infinity, as in Python. */
API struct obj *int_add(struct obj *a, struct obj *b);
API struct obj *int_sub(struct obj *a, struct obj *b);
API struct obj *int_mul(struct obj *a, struct obj *b);
API struct obj *int_floordiv(struct obj *a, struct obj *b);
API struct obj *int_mod(struct obj *a, struct obj *b);
API struct obj *int_neg(struct obj *a);
/* -1, 0, 1 by value; -2: ERR_TYPE. */
API int int_compare(const struct obj *a, const struct obj *b);

API struct obj *float_new(double value);
/* Value of a float, int or bool. 0, or -1: ERR_TYPE, ERR_OVERFLOW (int too large). */
API int float_value(const struct obj *o, double *value);

#endif
