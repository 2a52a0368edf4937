/*
 * lb.c -- load buffering: each of two threads reads one location, then writes the other. C11 and the hardware allow relaxed loads to
 * see both stores; RC11 forbids every cycle of program order and reads-from, whatever the orders are: that is what it
 * gives up (some compilers would have to add a branch) to be rid of values out of thin air. So the explorer never shows it.
 */
#include "litmus.h"

INLINE void lb(_Atomic int *from, int load, int *seen, _Atomic int *to, int store)
{
    *seen = atomic_load_explicit(from, load);
    atomic_store_explicit(to, 1, store);
}
static void lb_rlx_a(void) { lb(&x, RLX, &a, &y, RLX); }
static void lb_rlx_b(void) { lb(&y, RLX, &b, &x, RLX); }
static const struct scenario lb_rlx = {
    .name = "lb", .summary = "load buffering, relaxed: a=1 b=1 is forbidden by RC11 (not by C11): po and rf have no cycle",
    .source = "Lahav et al. 2017 (LB)", .bare = true,
    .thread = {lb_rlx_a, lb_rlx_b}, .check = check_ab, .outcomes = AB_BUT_11, .outcomes_sc = AB_BUT_11,
};
SCENARIO(lb_rlx);

static void lb_acq_a(void) { lb(&x, ACQ, &a, &y, REL); }
static void lb_acq_b(void) { lb(&y, ACQ, &b, &x, REL); }
static const struct scenario lb_acq = {
    .name = "lb+acq+rel", .summary = "load buffering, acquire and release: forbidden by C11 too", .source = "Lahav et al. 2017 (LB)", .bare = true,
    .thread = {lb_acq_a, lb_acq_b}, .check = check_ab, .outcomes = AB_BUT_11, .outcomes_sc = AB_BUT_11,
};
SCENARIO(lb_acq);

INLINE void lb_copy(_Atomic int *from, int *seen, _Atomic int *to)
{
    *seen = atomic_load_explicit(from, RLX);
    atomic_store_explicit(to, *seen, RLX);
}
static void lb_copy_a(void) { lb_copy(&x, &a, &y); }
static void lb_copy_b(void) { lb_copy(&y, &b, &x); }
static const struct scenario lb_thin_air = {
    .name = "oota", .summary = "each thread copies the other's location: no value comes out of thin air",
    .source = "Boehm, Demsky 2014; Lahav et al. 2017 (LB+deps)", .bare = true,
    .thread = {lb_copy_a, lb_copy_b}, .check = check_ab, .outcomes = LIST("a=0 b=0"), .outcomes_sc = LIST("a=0 b=0"),
};
SCENARIO(lb_thin_air);
