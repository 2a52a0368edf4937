/*
 * litmus.h -- what the litmus tests share: locations, registers, the literature's names of the orders, lists of outcomes.
 *
 * A litmus test is a few threads of atomic accesses and the list of ALL results that RC11 allows (and all that sequential
 * consistency does); the lists were derived by hand from the axioms (bench/explore/model.c) and the papers named, not copied
 * from what the explorer found. Values are 0 in the beginning. Variants of one shape share its bodies: the orders are the arguments, and
 * a relaxed fence is no fence at all (C11 7.17.4.1).
 *
 * Registers are a, b, c, d in the order of threads and accesses, except where the paper names them (Z6.U).
 */
#ifndef LITMUS_H
#define LITMUS_H

#include <stdatomic.h>

#define INLINE static inline __attribute__((always_inline)) /* the compiler instruments constant orders only */

enum {
    RLX = memory_order_relaxed,
    ACQ = memory_order_acquire,
    REL = memory_order_release,
    ACQ_REL = memory_order_acq_rel,
    SC = memory_order_seq_cst,
};

static _Atomic int x, y, z;
static int a, b, c, d;

#define LIST(...) (const char *const[]){__VA_ARGS__, NULL}

static void check_ab(void) { explore_outcome("a=%d b=%d", a, b); }
static void check_abc(void) { explore_outcome("abc=%d%d%d", a, b, c); }
static void check_abcd(void) { explore_outcome("abcd=%d%d%d%d", a, b, c, d); }

/* Two registers: all, and all but one. */
#define AB_ALL LIST("a=0 b=0", "a=0 b=1", "a=1 b=0", "a=1 b=1")
#define AB_BUT_00 LIST("a=0 b=1", "a=1 b=0", "a=1 b=1")
#define AB_BUT_10 LIST("a=0 b=0", "a=0 b=1", "a=1 b=1")
#define AB_BUT_11 LIST("a=0 b=0", "a=0 b=1", "a=1 b=0")
/* Three. */
#define ABC_ALL LIST("abc=000", "abc=001", "abc=010", "abc=011", "abc=100", "abc=101", "abc=110", "abc=111")
#define ABC_BUT_000 LIST("abc=001", "abc=010", "abc=011", "abc=100", "abc=101", "abc=110", "abc=111")
#define ABC_BUT_100 LIST("abc=000", "abc=001", "abc=010", "abc=011", "abc=101", "abc=110", "abc=111")
#define ABC_BUT_110 LIST("abc=000", "abc=001", "abc=010", "abc=011", "abc=100", "abc=101", "abc=111")
/* Four. */
#define ABCD_0 "abcd=0000", "abcd=0001", "abcd=0010", "abcd=0011", "abcd=0100", "abcd=0101", "abcd=0110", "abcd=0111"
#define ABCD_ALL LIST(ABCD_0, "abcd=1000", "abcd=1001", "abcd=1010", "abcd=1011", "abcd=1100", "abcd=1101", "abcd=1110", "abcd=1111")
#define ABCD_BUT_1010 LIST(ABCD_0, "abcd=1000", "abcd=1001", "abcd=1011", "abcd=1100", "abcd=1101", "abcd=1110", "abcd=1111")

#endif
