/*
 * mp.c -- message passing: one thread writes x, then the flag y; the other reads the flag, then x. May it see the flag and miss x
 * (a=1 b=0)? Release on the one side and acquire on the other forbid it; either alone does not.
 */
#include "litmus.h"

INLINE void mp_write(int fence, int store)
{
    atomic_store_explicit(&x, 1, RLX);
    atomic_thread_fence(fence);
    atomic_store_explicit(&y, 1, store);
}
INLINE void mp_read(int load, int fence)
{
    a = atomic_load_explicit(&y, load);
    atomic_thread_fence(fence);
    b = atomic_load_explicit(&x, RLX);
}
static void mp_rlx_a(void) { mp_write(RLX, RLX); }
static void mp_rlx_b(void) { mp_read(RLX, RLX); }
static void mp_rel_a(void) { mp_write(RLX, REL); }
static void mp_acq_b(void) { mp_read(ACQ, RLX); }
static void mp_sc_a(void) { mp_write(RLX, SC); }
static void mp_sc_b(void) { mp_read(SC, RLX); }
static void mp_fence_rel_a(void) { mp_write(REL, RLX); }
static void mp_fence_acq_b(void) { mp_read(RLX, ACQ); }
static void mp_fence_sc_a(void) { mp_write(SC, RLX); }
static void mp_fence_sc_b(void) { mp_read(RLX, SC); }
static void mp_fence_acq_a(void) { mp_write(ACQ, RLX); }
static void mp_fence_rel_b(void) { mp_read(RLX, REL); }

static const struct scenario mp_rlx = {
    .name = "mp", .summary = "message passing, relaxed: flag without data is allowed", .source = "Lahav et al. 2017 (MP)", .bare = true,
    .thread = {mp_rlx_a, mp_rlx_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_rlx);
static const struct scenario mp_rel_acq = {
    .name = "mp+rel+acq", .summary = "message passing, release and acquire: forbidden", .source = "C11 5.1.2.4; Lahav et al. 2017", .bare = true,
    .thread = {mp_rel_a, mp_acq_b}, .check = check_ab, .outcomes = AB_BUT_10, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_rel_acq);
static const struct scenario mp_rel = {
    .name = "mp+rel", .summary = "message passing, release but no acquire: allowed", .source = "C11 5.1.2.4", .bare = true,
    .thread = {mp_rel_a, mp_rlx_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_rel);
static const struct scenario mp_acq = {
    .name = "mp+acq", .summary = "message passing, acquire but no release: allowed", .source = "C11 5.1.2.4", .bare = true,
    .thread = {mp_rlx_a, mp_acq_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_acq);
static const struct scenario mp_sc = {
    .name = "mp+sc", .summary = "message passing, the flag seq_cst: forbidden", .source = "C11 7.17.3", .bare = true,
    .thread = {mp_sc_a, mp_sc_b}, .check = check_ab, .outcomes = AB_BUT_10, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_sc);
static const struct scenario mp_sc_rlx = {
    .name = "mp+sc+rlx", .summary = "message passing, a seq_cst store, a relaxed load: allowed", .source = "C11 7.17.3", .bare = true,
    .thread = {mp_sc_a, mp_rlx_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_sc_rlx);

/* --- fences --- */

static const struct scenario mp_fences = {
    .name = "mp+fences", .summary = "message passing, release and acquire fences: forbidden", .source = "C11 7.17.4 p2", .bare = true,
    .thread = {mp_fence_rel_a, mp_fence_acq_b}, .check = check_ab, .outcomes = AB_BUT_10, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_fences);
static const struct scenario mp_fence_acq = {
    .name = "mp+rel-fence+acq", .summary = "message passing, release fence, acquire load: forbidden", .source = "C11 7.17.4 p3", .bare = true,
    .thread = {mp_fence_rel_a, mp_acq_b}, .check = check_ab, .outcomes = AB_BUT_10, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_fence_acq);
static const struct scenario mp_rel_fence = {
    .name = "mp+rel+acq-fence", .summary = "message passing, release store, acquire fence: forbidden", .source = "C11 7.17.4 p4", .bare = true,
    .thread = {mp_rel_a, mp_fence_acq_b}, .check = check_ab, .outcomes = AB_BUT_10, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_rel_fence);
static const struct scenario mp_sc_fences = {
    .name = "mp+sc-fences", .summary = "message passing, seq_cst fences: forbidden", .source = "C11 7.17.4", .bare = true,
    .thread = {mp_fence_sc_a, mp_fence_sc_b}, .check = check_ab, .outcomes = AB_BUT_10, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_sc_fences);
static const struct scenario mp_rel_fence_only = {
    .name = "mp+rel-fence", .summary = "message passing, a release fence alone: allowed", .source = "C11 7.17.4", .bare = true,
    .thread = {mp_fence_rel_a, mp_rlx_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_rel_fence_only);
static const struct scenario mp_acq_fence_only = {
    .name = "mp+acq-fence", .summary = "message passing, an acquire fence alone: allowed", .source = "C11 7.17.4", .bare = true,
    .thread = {mp_rlx_a, mp_fence_acq_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_acq_fence_only);
static const struct scenario mp_wrong_fences = {
    .name = "mp+wrong-fences", .summary = "message passing, acquire fence where release belongs and the reverse: allowed", .source = "C11 7.17.4",
    .bare = true, .thread = {mp_fence_acq_a, mp_fence_rel_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_wrong_fences);

/* A fence stands before the store that publishes; behind it, it publishes nothing. */
static void mp_late_a(void)
{
    atomic_store_explicit(&x, 1, RLX);
    atomic_store_explicit(&y, 1, RLX);
    atomic_thread_fence(SC);
}
static void mp_early_b(void)
{
    atomic_thread_fence(SC);
    a = atomic_load_explicit(&y, RLX);
    b = atomic_load_explicit(&x, RLX);
}
static const struct scenario mp_late_fence = {
    .name = "mp+late-fence", .summary = "message passing, seq_cst fences on the outer sides: allowed", .source = "C11 7.17.4", .bare = true,
    .thread = {mp_late_a, mp_early_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_late_fence);

/* --- membarrier --- */

INLINE void mp_write_membarrier(enum explore_fence fence)
{
    atomic_store_explicit(&x, 1, RLX);
    explore_fence(fence);
    atomic_store_explicit(&y, 1, RLX);
}
INLINE void mp_read_membarrier(enum explore_fence fence, int load)
{
    a = atomic_load_explicit(&y, load);
    explore_fence(fence);
    b = atomic_load_explicit(&x, RLX);
}
static void mp_light_a(void) { mp_write_membarrier(FENCE_LIGHT); }
static void mp_others_a(void) { mp_write_membarrier(FENCE_OTHERS); }
static void mp_light_b(void) { mp_read_membarrier(FENCE_LIGHT, RLX); }
static void mp_others_b(void) { mp_read_membarrier(FENCE_OTHERS, RLX); }

static const struct scenario mp_light_others = {
    .name = "mp+light+others", .summary = "message passing, light fence and membarrier: forbidden", .source = "Alglave et al. 2018", .bare = true,
    .thread = {mp_light_a, mp_others_b}, .check = check_ab, .outcomes = AB_BUT_10, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_light_others);
static const struct scenario mp_others_light = {
    .name = "mp+others+light", .summary = "message passing, membarrier and light fence: forbidden", .source = "Alglave et al. 2018", .bare = true,
    .thread = {mp_others_a, mp_light_b}, .check = check_ab, .outcomes = AB_BUT_10, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_others_light);
static const struct scenario mp_light_light = {
    .name = "mp+light+light", .summary = "message passing, two light fences: allowed", .source = "rc/os.h os_fence_light", .bare = true,
    .thread = {mp_light_a, mp_light_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_light_light);
/* It holds the compiler alone: it is no release fence. */
static const struct scenario mp_light_acq = {
    .name = "mp+light+acq", .summary = "message passing, a light fence against an acquire load: allowed", .source = "rc/os.h os_fence_light",
    .bare = true, .thread = {mp_light_a, mp_acq_b}, .check = check_ab, .outcomes = AB_ALL, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_light_acq);
static const struct scenario mp_others_acq = {
    .name = "mp+others+acq", .summary = "message passing, membarrier against an acquire load: forbidden", .source = "rc/os.h os_fence_others",
    .bare = true, .thread = {mp_others_a, mp_acq_b}, .check = check_ab, .outcomes = AB_BUT_10, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_others_acq);
static const struct scenario mp_rel_others = {
    .name = "mp+rel+others", .summary = "message passing, a release store against membarrier: forbidden", .source = "rc/os.h os_fence_others",
    .bare = true, .thread = {mp_rel_a, mp_others_b}, .check = check_ab, .outcomes = AB_BUT_10, .outcomes_sc = AB_BUT_10,
};
SCENARIO(mp_rel_others);

/* --- plain data --- */

static int mp_data;

INLINE void mp_plain_write(int store)
{
    mp_data = 1;
    atomic_store_explicit(&y, 1, store);
}
INLINE void mp_plain_read(int load)
{
    a = atomic_load_explicit(&y, load);
    b = a ? mp_data : 2;
}
static void mp_plain_rlx_a(void) { mp_plain_write(RLX); }
static void mp_plain_rel_a(void) { mp_plain_write(REL); }
static void mp_plain_rlx_b(void) { mp_plain_read(RLX); }
static void mp_plain_acq_b(void) { mp_plain_read(ACQ); }

static const struct scenario mp_plain = {
    .name = "mp+plain", .summary = "message passing of plain data, release and acquire: no race", .source = "C11 5.1.2.4 p25", .bare = true,
    .thread = {mp_plain_rel_a, mp_plain_acq_b}, .check = check_ab, .outcomes = LIST("a=0 b=2", "a=1 b=1"), .outcomes_sc = LIST("a=0 b=2", "a=1 b=1"),
};
SCENARIO(mp_plain);
static const struct scenario mp_plain_rlx = {
    .name = "mp+plain-rlx", .summary = "message passing of plain data, a relaxed flag: a data race", .source = "C11 5.1.2.4 p25", .bare = true,
    .thread = {mp_plain_rlx_a, mp_plain_rlx_b}, .check = check_ab, .fails = "data race",
};
SCENARIO(mp_plain_rlx);
static const struct scenario mp_plain_rel_only = {
    .name = "mp+plain-rel", .summary = "message passing of plain data, release but no acquire: a data race", .source = "C11 5.1.2.4 p25", .bare = true,
    .thread = {mp_plain_rel_a, mp_plain_rlx_b}, .check = check_ab, .fails = "data race",
};
SCENARIO(mp_plain_rel_only);

/* --- an await: only the read that ends the wait is part of a complete execution --- */

static _Atomic uint32_t mp_gate;

static void mp_gate_setup(void) { atomic_store_explicit(&mp_gate, 1, RLX); }
static void mp_gate_a(void)
{
    mp_data = 1;
    atomic_store_explicit(&mp_gate, 0, REL);
}
static void mp_gate_b(void)
{
    explore_await_zero(&mp_gate);
    b = mp_data;
}
static const struct scenario mp_await = {
    .name = "mp+await", .summary = "message passing of plain data to a thread that awaits the flag", .source = "Kokologiannakis et al. 2021 (SAVer)",
    .bare = true, .setup = mp_gate_setup, .thread = {mp_gate_a, mp_gate_b}, .check = check_ab,
    .outcomes = LIST("a=0 b=1"), .outcomes_sc = LIST("a=0 b=1"),
};
SCENARIO(mp_await);
