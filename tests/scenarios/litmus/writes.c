/*
 * writes.c -- 2+2W, R, S: shapes that ask in which order writes come to memory. Only what the end of modification order shows.
 */
#include "litmus.h"

static int last_x(void) { return atomic_load_explicit(&x, RLX); }
static int last_y(void) { return atomic_load_explicit(&y, RLX); }

/* --- 2+2W: two threads write both locations in opposite order; may both first writes be the last? --- */

INLINE void ww(_Atomic int *first, int fence, _Atomic int *second, int order)
{
    atomic_store_explicit(first, 1, order);
    atomic_thread_fence(fence);
    atomic_store_explicit(second, 2, order);
}
static void ww_check(void) { explore_outcome("x=%d y=%d", last_x(), last_y()); }
#define WW_ALL LIST("x=1 y=1", "x=1 y=2", "x=2 y=1", "x=2 y=2")
#define WW_BUT_11 LIST("x=1 y=2", "x=2 y=1", "x=2 y=2")

static void ww_rlx_a(void) { ww(&x, RLX, &y, RLX); }
static void ww_rlx_b(void) { ww(&y, RLX, &x, RLX); }
static const struct scenario ww_rlx = {
    .name = "2+2w", .summary = "2+2W, relaxed: both first writes may be the last", .source = "Lahav et al. 2017 (2+2W)", .bare = true,
    .thread = {ww_rlx_a, ww_rlx_b}, .check = ww_check, .outcomes = WW_ALL, .outcomes_sc = WW_BUT_11,
};
SCENARIO(ww_rlx);
static void ww_rel_a(void) { ww(&x, RLX, &y, REL); }
static void ww_rel_b(void) { ww(&y, RLX, &x, REL); }
static const struct scenario ww_rel = {
    .name = "2+2w+rel", .summary = "2+2W, release: still allowed (SRA would forbid it)", .source = "Lahav et al. 2016 (2+2W)", .bare = true,
    .thread = {ww_rel_a, ww_rel_b}, .check = ww_check, .outcomes = WW_ALL, .outcomes_sc = WW_BUT_11,
};
SCENARIO(ww_rel);
static void ww_sc_a(void) { ww(&x, RLX, &y, SC); }
static void ww_sc_b(void) { ww(&y, RLX, &x, SC); }
static const struct scenario ww_sc = {
    .name = "2+2w+sc", .summary = "2+2W, seq_cst stores: forbidden", .source = "Lahav et al. 2017 (2+2W)", .bare = true,
    .thread = {ww_sc_a, ww_sc_b}, .check = ww_check, .outcomes = WW_BUT_11, .outcomes_sc = WW_BUT_11,
};
SCENARIO(ww_sc);
static void ww_fences_a(void) { ww(&x, SC, &y, RLX); }
static void ww_fences_b(void) { ww(&y, SC, &x, RLX); }
static const struct scenario ww_fences = {
    .name = "2+2w+fences", .summary = "2+2W, seq_cst fences: forbidden", .source = "Lahav et al. 2017 (2+2W, psc_F)", .bare = true,
    .thread = {ww_fences_a, ww_fences_b}, .check = ww_check, .outcomes = WW_BUT_11, .outcomes_sc = WW_BUT_11,
};
SCENARIO(ww_fences);
static const struct scenario ww_fence = {
    .name = "2+2w+fence", .summary = "2+2W, one seq_cst fence: allowed", .source = "Lahav et al. 2017 (2+2W)", .bare = true,
    .thread = {ww_fences_a, ww_rlx_b}, .check = ww_check, .outcomes = WW_ALL, .outcomes_sc = WW_BUT_11,
};
SCENARIO(ww_fence);

/* The reader stands between the writers: the search lets it read C's write, and must look whether that write may stand there. */
static void ww_read(void) { a = atomic_load_explicit(&x, RLX); }
static void ww_read_check(void) { explore_outcome("a=%d x=%d y=%d", a, last_x(), last_y()); }
#define WW_READ LIST("a=0 x=1 y=2", "a=0 x=2 y=1", "a=0 x=2 y=2", "a=1 x=1 y=2", "a=1 x=2 y=1", "a=1 x=2 y=2", "a=2 x=1 y=2", "a=2 x=2 y=1", "a=2 x=2 y=2")
static const struct scenario ww_sc_read = {
    .name = "2+2w+sc+read", .summary = "2+2W, seq_cst stores, and a reader of x: forbidden as without it", .source = "Lahav et al. 2017 (2+2W)",
    .bare = true, .thread = {ww_sc_a, ww_read, ww_sc_b}, .check = ww_read_check, .outcomes = WW_READ, .outcomes_sc = WW_READ,
};
SCENARIO(ww_sc_read);

INLINE void ww_membarrier(_Atomic int *first, enum explore_fence fence, _Atomic int *second)
{
    atomic_store_explicit(first, 1, RLX);
    explore_fence(fence);
    atomic_store_explicit(second, 2, RLX);
}
static void ww_light_a(void) { ww_membarrier(&x, FENCE_LIGHT, &y); }
static void ww_light_b(void) { ww_membarrier(&y, FENCE_LIGHT, &x); }
static void ww_others_b(void) { ww_membarrier(&y, FENCE_OTHERS, &x); }
static const struct scenario ww_light_others = {
    .name = "2+2w+light+others", .summary = "2+2W, light fence and membarrier: forbidden", .source = "Alglave et al. 2018", .bare = true,
    .thread = {ww_light_a, ww_others_b}, .check = ww_check, .outcomes = WW_BUT_11, .outcomes_sc = WW_BUT_11,
};
SCENARIO(ww_light_others);
static const struct scenario ww_light_light = {
    .name = "2+2w+light+light", .summary = "2+2W, two light fences: allowed", .source = "rc/os.h os_fence_light", .bare = true,
    .thread = {ww_light_a, ww_light_b}, .check = ww_check, .outcomes = WW_ALL, .outcomes_sc = WW_BUT_11,
};
SCENARIO(ww_light_light);

/* --- R: writes against a write and a read; may B overwrite y=1 and still miss x=1? --- */

INLINE void r_write(int fence, int order)
{
    atomic_store_explicit(&x, 1, order);
    atomic_thread_fence(fence);
    atomic_store_explicit(&y, 1, order);
}
INLINE void r_read(int store, int fence, int load)
{
    atomic_store_explicit(&y, 2, store);
    atomic_thread_fence(fence);
    a = atomic_load_explicit(&x, load);
}
static void r_check(void) { explore_outcome("a=%d y=%d", a, last_y()); }
#define R_ALL LIST("a=0 y=1", "a=0 y=2", "a=1 y=1", "a=1 y=2")
#define R_BUT_02 LIST("a=0 y=1", "a=1 y=1", "a=1 y=2")

static void r_rlx_a(void) { r_write(RLX, RLX); }
static void r_rlx_b(void) { r_read(RLX, RLX, RLX); }
static const struct scenario r_rlx = {
    .name = "r", .summary = "R, relaxed: allowed", .source = "Alglave, Maranget, Tautschnig 2014 (R)", .bare = true,
    .thread = {r_rlx_a, r_rlx_b}, .check = r_check, .outcomes = R_ALL, .outcomes_sc = R_BUT_02,
};
SCENARIO(r_rlx);
static void r_rel_a(void) { r_write(RLX, REL); }
static void r_acq_b(void) { r_read(REL, RLX, ACQ); }
static const struct scenario r_rel_acq = {
    .name = "r+rel+acq", .summary = "R, release and acquire: allowed", .source = "Alglave et al. 2014 (R)", .bare = true,
    .thread = {r_rel_a, r_acq_b}, .check = r_check, .outcomes = R_ALL, .outcomes_sc = R_BUT_02,
};
SCENARIO(r_rel_acq);
static void r_sc_a(void) { r_write(RLX, SC); }
static void r_sc_b(void) { r_read(SC, RLX, SC); }
static const struct scenario r_sc = {
    .name = "r+sc", .summary = "R, seq_cst accesses: forbidden", .source = "Lahav et al. 2017 (mo in psc_base)", .bare = true,
    .thread = {r_sc_a, r_sc_b}, .check = r_check, .outcomes = R_BUT_02, .outcomes_sc = R_BUT_02,
};
SCENARIO(r_sc);
static void r_fences_a(void) { r_write(SC, RLX); }
static void r_fences_b(void) { r_read(RLX, SC, RLX); }
static const struct scenario r_fences = {
    .name = "r+fences", .summary = "R, seq_cst fences: forbidden", .source = "Lahav et al. 2017 (psc_F)", .bare = true,
    .thread = {r_fences_a, r_fences_b}, .check = r_check, .outcomes = R_BUT_02, .outcomes_sc = R_BUT_02,
};
SCENARIO(r_fences);
static const struct scenario r_rel_fence = {
    .name = "r+rel+fence", .summary = "R, release stores against a seq_cst fence: allowed", .source = "Alglave et al. 2014 (R)", .bare = true,
    .thread = {r_rel_a, r_fences_b}, .check = r_check, .outcomes = R_ALL, .outcomes_sc = R_BUT_02,
};
SCENARIO(r_rel_fence);

/* --- S: B saw A's y=1 and writes x; may A's earlier x=2 be the last? --- */

INLINE void s_write(int fence, int order)
{
    atomic_store_explicit(&x, 2, RLX);
    atomic_thread_fence(fence);
    atomic_store_explicit(&y, 1, order);
}
INLINE void s_read(int order, int fence)
{
    a = atomic_load_explicit(&y, order);
    atomic_thread_fence(fence);
    atomic_store_explicit(&x, 1, RLX);
}
static void s_check(void) { explore_outcome("a=%d x=%d", a, last_x()); }
#define S_ALL LIST("a=0 x=1", "a=0 x=2", "a=1 x=1", "a=1 x=2")
#define S_BUT_12 LIST("a=0 x=1", "a=0 x=2", "a=1 x=1")

static void s_rlx_a(void) { s_write(RLX, RLX); }
static void s_rlx_b(void) { s_read(RLX, RLX); }
static const struct scenario s_rlx = {
    .name = "s", .summary = "S, relaxed: allowed", .source = "Alglave et al. 2014 (S)", .bare = true,
    .thread = {s_rlx_a, s_rlx_b}, .check = s_check, .outcomes = S_ALL, .outcomes_sc = S_BUT_12,
};
SCENARIO(s_rlx);
static void s_rel_a(void) { s_write(RLX, REL); }
static void s_acq_b(void) { s_read(ACQ, RLX); }
static const struct scenario s_rel_acq = {
    .name = "s+rel+acq", .summary = "S, release and acquire: forbidden", .source = "Alglave et al. 2014 (S)", .bare = true,
    .thread = {s_rel_a, s_acq_b}, .check = s_check, .outcomes = S_BUT_12, .outcomes_sc = S_BUT_12,
};
SCENARIO(s_rel_acq);
static void s_fence_a(void) { s_write(REL, RLX); }
static void s_fence_b(void) { s_read(RLX, ACQ); }
static const struct scenario s_fences = {
    .name = "s+fences", .summary = "S, release and acquire fences: forbidden", .source = "Alglave et al. 2014 (S)", .bare = true,
    .thread = {s_fence_a, s_fence_b}, .check = s_check, .outcomes = S_BUT_12, .outcomes_sc = S_BUT_12,
};
SCENARIO(s_fences);
static const struct scenario s_rel = {
    .name = "s+rel", .summary = "S, release but no acquire: allowed", .source = "Alglave et al. 2014 (S)", .bare = true,
    .thread = {s_rel_a, s_rlx_b}, .check = s_check, .outcomes = S_ALL, .outcomes_sc = S_BUT_12,
};
SCENARIO(s_rel);
