/*
 * base.h -- what every file of an instance is written with: linkage and inlining attributes, hints, die.
 */
#ifndef RC_BASE_H
#define RC_BASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API static __attribute__((unused))                 /* instances hold everything in one unit; not all use all */
#define INLINE static inline __attribute__((unused))
/* Fast paths of counting and allocation: inline in every instance alike, whatever the compiler thinks of their size. */
#define HOT static inline __attribute__((unused, always_inline))
#define SLOW static __attribute__((unused, noinline, cold)) /* the rare path, kept out of its caller */
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define CACHE_LINE 64

/* Ends the process: for what cannot be an error return (the harness's own resources). */
_Noreturn INLINE void die(const char *what, int error)
{
    fprintf(stderr, "rclab: %s: %s\n", what, strerror(error));
    abort();
}

#endif
