/*
 * sb.c -- store buffering (Dekker): each of two threads writes one flag and reads the other's. May both read 0? Only seq_cst on
 * both sides, or an order that a common location gives, forbids it.
 */
#include "litmus.h"

INLINE void sb(_Atomic int *mine, int store, int fence, _Atomic int *other, int load, int *seen)
{
    atomic_store_explicit(mine, 1, store);
    atomic_thread_fence(fence);
    *seen = atomic_load_explicit(other, load);
}
INLINE void sb_membarrier(_Atomic int *mine, enum explore_fence fence, _Atomic int *other, int *seen)
{
    atomic_store_explicit(mine, 1, RLX);
    explore_fence(fence);
    *seen = atomic_load_explicit(other, RLX);
}

static void sb_rlx_a(void) { sb(&x, RLX, RLX, &y, RLX, &a); }
static void sb_rlx_b(void) { sb(&y, RLX, RLX, &x, RLX, &b); }
static const struct scenario sb_rlx = {
    .name = "sb", .summary = "store buffering, relaxed: both may read 0", .source = "Lahav et al. 2017, 2.1 (SB)", .bare = true,
    .thread = {sb_rlx_a, sb_rlx_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_rlx);

static void sb_acq_a(void) { sb(&x, REL, RLX, &y, ACQ, &a); }
static void sb_acq_b(void) { sb(&y, REL, RLX, &x, ACQ, &b); }
static const struct scenario sb_acq = {
    .name = "sb+rel+acq", .summary = "store buffering, release and acquire: both may read 0", .source = "Lahav et al. 2017", .bare = true,
    .thread = {sb_acq_a, sb_acq_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_acq);

static void sb_sc_a(void) { sb(&x, SC, RLX, &y, SC, &a); }
static void sb_sc_b(void) { sb(&y, SC, RLX, &x, SC, &b); }
static const struct scenario sb_sc = {
    .name = "sb+sc", .summary = "store buffering, seq_cst accesses: not both 0", .source = "Lahav et al. 2017", .bare = true,
    .thread = {sb_sc_a, sb_sc_b}, .check = check_ab, .outcomes = AB_BUT_00, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_sc);

static void sb_sc_stores_a(void) { sb(&x, SC, RLX, &y, RLX, &a); }
static void sb_sc_stores_b(void) { sb(&y, SC, RLX, &x, RLX, &b); }
static const struct scenario sb_sc_stores = {
    .name = "sb+sc-stores", .summary = "store buffering, only the stores are seq_cst: both may read 0", .source = "Lahav et al. 2017 (psc)",
    .bare = true, .thread = {sb_sc_stores_a, sb_sc_stores_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_sc_stores);

static void sb_sc_loads_a(void) { sb(&x, REL, RLX, &y, SC, &a); }
static void sb_sc_loads_b(void) { sb(&y, REL, RLX, &x, SC, &b); }
static const struct scenario sb_sc_loads = {
    .name = "sb+sc-loads", .summary = "store buffering, only the loads are seq_cst: both may read 0", .source = "Lahav et al. 2017 (psc)",
    .bare = true, .thread = {sb_sc_loads_a, sb_sc_loads_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_sc_loads);

static void sb_fences_a(void) { sb(&x, RLX, SC, &y, RLX, &a); }
static void sb_fences_b(void) { sb(&y, RLX, SC, &x, RLX, &b); }
static const struct scenario sb_fences = {
    .name = "sb+fences", .summary = "store buffering with seq_cst fences: not both 0", .source = "Lahav et al. 2017", .bare = true,
    .thread = {sb_fences_a, sb_fences_b}, .check = check_ab, .outcomes = AB_BUT_00, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_fences);

static const struct scenario sb_fence = {
    .name = "sb+fence", .summary = "store buffering with one seq_cst fence: both may read 0", .source = "Lahav et al. 2017", .bare = true,
    .thread = {sb_fences_a, sb_rlx_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_fence);

static void sb_weak_fences_a(void) { sb(&x, RLX, ACQ_REL, &y, RLX, &a); }
static void sb_weak_fences_b(void) { sb(&y, RLX, ACQ_REL, &x, RLX, &b); }
static const struct scenario sb_weak_fences = {
    .name = "sb+acq_rel-fences", .summary = "store buffering with acq_rel fences: both may read 0", .source = "Lahav et al. 2017", .bare = true,
    .thread = {sb_weak_fences_a, sb_weak_fences_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_weak_fences);

/* psc_base: A's store and load are nodes, B's fence takes part through the relaxed accesses around it. */
static const struct scenario sb_sc_fence = {
    .name = "sb+sc+fence", .summary = "store buffering, seq_cst accesses against a seq_cst fence: not both 0",
    .source = "Lahav et al. 2017 (psc_base)", .bare = true,
    .thread = {sb_sc_a, sb_fences_b}, .check = check_ab, .outcomes = AB_BUT_00, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_sc_fence);

/* --- read-modify-writes are no fences --- */

INLINE void sb_exchange(_Atomic int *mine, int order, _Atomic int *other, int load, int *seen)
{
    atomic_exchange_explicit(mine, 1, order);
    *seen = atomic_load_explicit(other, load);
}
static void sb_rmws_a(void) { sb_exchange(&x, ACQ_REL, &y, ACQ, &a); }
static void sb_rmws_b(void) { sb_exchange(&y, ACQ_REL, &x, ACQ, &b); }
static const struct scenario sb_rmws = {
    .name = "sb+rmws", .summary = "store buffering, acq_rel exchanges as stores: both may read 0 (on x86 they could not)",
    .source = "Lahav et al. 2017", .bare = true,
    .thread = {sb_rmws_a, sb_rmws_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_rmws);

/* One of the two comes second, and acquires what the first released. */
INLINE void sb_common(_Atomic int *mine, int order, _Atomic int *other, int *seen)
{
    atomic_store_explicit(mine, 1, RLX);
    atomic_fetch_add_explicit(&z, 1, order);
    *seen = atomic_load_explicit(other, RLX);
}
static void sb_common_a(void) { sb_common(&x, ACQ_REL, &y, &a); }
static void sb_common_b(void) { sb_common(&y, ACQ_REL, &x, &b); }
static const struct scenario sb_common_acq_rel = {
    .name = "sb+common-rmw", .summary = "store buffering, an acq_rel read-modify-write of one common word between: not both 0",
    .source = "Lahav et al. 2016 (fence as an RMW of a distinguished location)", .bare = true,
    .thread = {sb_common_a, sb_common_b}, .check = check_ab, .outcomes = AB_BUT_00, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_common_acq_rel);

static void sb_common_rlx_a(void) { sb_common(&x, RLX, &y, &a); }
static void sb_common_rlx_b(void) { sb_common(&y, RLX, &x, &b); }
static const struct scenario sb_common_rlx = {
    .name = "sb+common-rmw-rlx", .summary = "the same, relaxed: both may read 0", .source = "Lahav et al. 2017", .bare = true,
    .thread = {sb_common_rlx_a, sb_common_rlx_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_common_rlx);

/* --- membarrier: a light fence orders against os_fence_others alone --- */

static void sb_light_a(void) { sb_membarrier(&x, FENCE_LIGHT, &y, &a); }
static void sb_light_b(void) { sb_membarrier(&y, FENCE_LIGHT, &x, &b); }
static void sb_others_a(void) { sb_membarrier(&x, FENCE_OTHERS, &y, &a); }
static void sb_others_b(void) { sb_membarrier(&y, FENCE_OTHERS, &x, &b); }

static const struct scenario sb_light_others = {
    .name = "sb+light+others", .summary = "store buffering, light fence against membarrier: not both 0",
    .source = "rc/os.h os_fence_others; Alglave et al. 2018", .bare = true,
    .thread = {sb_light_a, sb_others_b}, .check = check_ab, .outcomes = AB_BUT_00, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_light_others);

static const struct scenario sb_light_light = {
    .name = "sb+light+light", .summary = "store buffering, two light fences: both may read 0",
    .source = "rc/os.h os_fence_light; Alglave et al. 2018", .bare = true,
    .thread = {sb_light_a, sb_light_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_light_light);

static const struct scenario sb_others_others = {
    .name = "sb+others+others", .summary = "store buffering, membarrier on both sides: not both 0", .source = "rc/os.h os_fence_others", .bare = true,
    .thread = {sb_others_a, sb_others_b}, .check = check_ab, .outcomes = AB_BUT_00, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_others_others);

static const struct scenario sb_fence_others = {
    .name = "sb+fence+others", .summary = "store buffering, a seq_cst fence against membarrier: not both 0", .source = "rc/os.h os_fence_others",
    .bare = true, .thread = {sb_fences_a, sb_others_b}, .check = check_ab, .outcomes = AB_BUT_00, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_fence_others);

/* What membarrier gives the light side is no general fence: against a plain seq_cst fence it does nothing. */
static const struct scenario sb_light_fence = {
    .name = "sb+light+fence", .summary = "store buffering, a light fence against a seq_cst fence: both may read 0",
    .source = "rc/os.h os_fence_light", .bare = true,
    .thread = {sb_light_a, sb_fences_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_00,
};
SCENARIO(sb_light_fence);

/* --- three threads in a ring: x, y, z --- */

static void sb3_fence_a(void) { sb(&x, RLX, SC, &y, RLX, &a); }
static void sb3_fence_b(void) { sb(&y, RLX, SC, &z, RLX, &b); }
static void sb3_fence_c(void) { sb(&z, RLX, SC, &x, RLX, &c); }
static const struct scenario sb3_fences = {
    .name = "sb3+fences", .summary = "store buffering in a ring of three, seq_cst fences: not all 0", .source = "Lahav et al. 2017", .bare = true,
    .thread = {sb3_fence_a, sb3_fence_b, sb3_fence_c}, .check = check_abc, .outcomes = ABC_BUT_000, .outcomes_sc = ABC_BUT_000,
};
SCENARIO(sb3_fences);

static void sb3_light_a(void) { sb_membarrier(&x, FENCE_LIGHT, &y, &a); }
static void sb3_light_b(void) { sb_membarrier(&y, FENCE_LIGHT, &z, &b); }
static void sb3_others_b(void) { sb_membarrier(&y, FENCE_OTHERS, &z, &b); }
static void sb3_others_c(void) { sb_membarrier(&z, FENCE_OTHERS, &x, &c); }

/* A and B are interrupted at different times: B while its store is buffered, A before its store. Then all read 0. */
static const struct scenario sb3_light_light_others = {
    .name = "sb3+light+light+others", .summary = "a ring of three, one membarrier: all may read 0, two neighbours have light fences",
    .source = "Alglave et al. 2018 (membarrier before or after each light fence)", .bare = true,
    .thread = {sb3_light_a, sb3_light_b, sb3_others_c}, .check = check_abc, .outcomes = ABC_ALL, .outcomes_sc = ABC_BUT_000,
};
SCENARIO(sb3_light_light_others);

/* A machine cannot show abc=000: B's fence is before the membarrier, and A's look at y after it. The model lets a light fence meet
 * os_fence_others alone, so it allows more than there is: what is proved with it holds. */
static const struct scenario sb3_light_fence_others = {
    .name = "sb3+light+fence+others", .summary = "a ring of three, light fence, seq_cst fence, membarrier: the model is weaker than machines here",
    .source = "bench/explore/model.c; Alglave et al. 2018", .bare = true,
    .thread = {sb3_light_a, sb3_fence_b, sb3_others_c}, .check = check_abc, .outcomes = ABC_ALL, .outcomes_sc = ABC_BUT_000,
};
SCENARIO(sb3_light_fence_others);

static const struct scenario sb3_light_others_others = {
    .name = "sb3+light+others+others", .summary = "a ring of three, two membarriers: not all 0", .source = "Alglave et al. 2018", .bare = true,
    .thread = {sb3_light_a, sb3_others_b, sb3_others_c}, .check = check_abc, .outcomes = ABC_BUT_000, .outcomes_sc = ABC_BUT_000,
};
SCENARIO(sb3_light_others_others);

/* --- n6: a thread sees its own store before the others do --- */

static void n6_a(void)
{
    atomic_store_explicit(&x, 1, RLX);
    a = atomic_load_explicit(&x, RLX);
    b = atomic_load_explicit(&y, RLX);
}
static void n6_b(void)
{
    atomic_store_explicit(&y, 2, RLX);
    atomic_store_explicit(&x, 2, RLX);
}
static void n6_check(void) { explore_outcome("a=%d b=%d x=%d", a, b, atomic_load_explicit(&x, RLX)); }
static const struct scenario n6 = {
    .name = "n6", .summary = "a thread reads its own store early: a=1 b=0 with x=1 in the end is allowed", .source = "Sewell et al. 2010 (x86-TSO), n6",
    .bare = true, .thread = {n6_a, n6_b}, .check = n6_check,
    .outcomes = LIST("a=1 b=0 x=1", "a=1 b=0 x=2", "a=1 b=2 x=1", "a=1 b=2 x=2", "a=2 b=0 x=2", "a=2 b=2 x=2"),
    .outcomes_sc = LIST("a=1 b=0 x=2", "a=1 b=2 x=1", "a=1 b=2 x=2", "a=2 b=2 x=2"),
};
SCENARIO(n6);

/* The same as a claim that is wrong, and one that is right: lanes and page show how both read the old value. (Lab barriers.) */
static void check_not_both_zero(void) { EXPLORE_CHECK(a != 0 || b != 0); }
static const struct scenario sb_claim = {
    .name = "store-buffering", .summary = "each writes a flag and reads the other's, relaxed: one of them sees the other's, it is claimed",
    .source = "Lahav et al. 2017, 2.1 (SB)", .bare = true, .thread = {sb_rlx_a, sb_rlx_b}, .check = check_not_both_zero, .fails = "assertion",
    .fails_weak = true,
};
SCENARIO(sb_claim);
static const struct scenario sb_claim_fences = {
    .name = "store-buffering+fences", .summary = "the same with a seq_cst fence between write and read", .source = "Lahav et al. 2017",
    .bare = true, .thread = {sb_fences_a, sb_fences_b}, .check = check_not_both_zero,
};
SCENARIO(sb_claim_fences);
