/*
 * causality.c -- WRC, ISA2, RWC, W+RWC, IRIW, Z6.U: shapes of three and four threads. What one has seen, must the next one see?
 * Happens-before is transitive; that independent writes are seen in one order, only seq_cst promises; and RC11's psc promises less
 * for seq_cst accesses than C11 did where they meet others (Z6.U, IRIW-acq-sc), and more for fences (RWC+fences).
 */
#include "litmus.h"

static void x1_rlx(void) { atomic_store_explicit(&x, 1, RLX); }
static void x1_rel(void) { atomic_store_explicit(&x, 1, REL); }
static void x1_sc(void) { atomic_store_explicit(&x, 1, SC); }
static void y1_rlx(void) { atomic_store_explicit(&y, 1, RLX); }
static void y1_rel(void) { atomic_store_explicit(&y, 1, REL); }
static void y1_sc(void) { atomic_store_explicit(&y, 1, SC); }

/* Reads one location, then another one; writes one, reads another. */
INLINE void read_read(_Atomic int *first, int load, int *seen, int fence, _Atomic int *second, int load2, int *seen2)
{
    *seen = atomic_load_explicit(first, load);
    atomic_thread_fence(fence);
    *seen2 = atomic_load_explicit(second, load2);
}
INLINE void read_write(_Atomic int *first, int load, int *seen, _Atomic int *second, int store)
{
    *seen = atomic_load_explicit(first, load);
    atomic_store_explicit(second, 1, store);
}
INLINE void write_read(_Atomic int *first, int store, int fence, _Atomic int *second, int load, int *seen)
{
    atomic_store_explicit(first, 1, store);
    atomic_thread_fence(fence);
    *seen = atomic_load_explicit(second, load);
}
INLINE void write_write(_Atomic int *first, int store, _Atomic int *second, int store2)
{
    atomic_store_explicit(first, 1, store);
    atomic_store_explicit(second, 1, store2);
}

/* --- WRC: B saw x and writes y; C saw y: does it see x? --- */

static void wrc_rlx_b(void) { read_write(&x, RLX, &a, &y, RLX); }
static void wrc_rel_b(void) { read_write(&x, RLX, &a, &y, REL); }
static void wrc_rlx_c(void) { read_read(&y, RLX, &b, RLX, &x, RLX, &c); }
static void wrc_acq_c(void) { read_read(&y, ACQ, &b, RLX, &x, RLX, &c); }
static const struct scenario wrc = {
    .name = "wrc", .summary = "write to read causality, relaxed: C may miss x", .source = "Boehm, Adve 2008 (WRC)", .bare = true,
    .thread = {x1_rlx, wrc_rlx_b, wrc_rlx_c}, .check = check_abc, .outcomes = ABC_ALL, .outcomes_sc = ABC_BUT_110,
};
SCENARIO(wrc);
/* B's read is coherence-ordered: C happens after it, so C reads nothing older. x itself needs no order. */
static const struct scenario wrc_rel_acq = {
    .name = "wrc+rel+acq", .summary = "write to read causality, y released and acquired: forbidden", .source = "Boehm, Adve 2008 (WRC)", .bare = true,
    .thread = {x1_rlx, wrc_rel_b, wrc_acq_c}, .check = check_abc, .outcomes = ABC_BUT_110, .outcomes_sc = ABC_BUT_110,
};
SCENARIO(wrc_rel_acq);
static const struct scenario wrc_rel = {
    .name = "wrc+rel", .summary = "write to read causality, y released, not acquired: allowed", .source = "Boehm, Adve 2008 (WRC)", .bare = true,
    .thread = {x1_rel, wrc_rel_b, wrc_rlx_c}, .check = check_abc, .outcomes = ABC_ALL, .outcomes_sc = ABC_BUT_110,
};
SCENARIO(wrc_rel);

/* --- ISA2: the message takes two steps --- */

static void isa2_a(void) { write_write(&x, RLX, &y, REL); }
static void isa2_rlx_a(void) { write_write(&x, RLX, &y, RLX); }
static void isa2_b(void) { read_write(&y, ACQ, &a, &z, REL); }
static void isa2_rlx_b(void) { read_write(&y, RLX, &a, &z, RLX); }
static void isa2_c(void) { read_read(&z, ACQ, &b, RLX, &x, RLX, &c); }
static void isa2_rlx_c(void) { read_read(&z, RLX, &b, RLX, &x, RLX, &c); }
static const struct scenario isa2 = {
    .name = "isa2", .summary = "ISA2, relaxed: allowed", .source = "Alglave et al. 2014 (ISA2)", .bare = true,
    .thread = {isa2_rlx_a, isa2_rlx_b, isa2_rlx_c}, .check = check_abc, .outcomes = ABC_ALL, .outcomes_sc = ABC_BUT_110,
};
SCENARIO(isa2);
static const struct scenario isa2_rel_acq = {
    .name = "isa2+rel+acq", .summary = "ISA2, release and acquire at both steps: forbidden", .source = "Alglave et al. 2014 (ISA2)", .bare = true,
    .thread = {isa2_a, isa2_b, isa2_c}, .check = check_abc, .outcomes = ABC_BUT_110, .outcomes_sc = ABC_BUT_110,
};
SCENARIO(isa2_rel_acq);
static const struct scenario isa2_gap = {
    .name = "isa2+gap", .summary = "ISA2, the step in the middle relaxed: allowed", .source = "Alglave et al. 2014 (ISA2)", .bare = true,
    .thread = {isa2_a, isa2_rlx_b, isa2_c}, .check = check_abc, .outcomes = ABC_ALL, .outcomes_sc = ABC_BUT_110,
};
SCENARIO(isa2_gap);

/* --- RWC: B sees x and misses y, C writes y and misses x --- */

static void rwc_rlx_b(void) { read_read(&x, RLX, &a, RLX, &y, RLX, &b); }
static void rwc_acq_b(void) { read_read(&x, ACQ, &a, RLX, &y, ACQ, &b); }
static void rwc_sc_b(void) { read_read(&x, SC, &a, RLX, &y, SC, &b); }
static void rwc_acq_sc_b(void) { read_read(&x, ACQ, &a, RLX, &y, SC, &b); }
static void rwc_fence_b(void) { read_read(&x, RLX, &a, SC, &y, RLX, &b); }
static void rwc_rlx_c(void) { write_read(&y, RLX, RLX, &x, RLX, &c); }
static void rwc_acq_c(void) { write_read(&y, REL, RLX, &x, ACQ, &c); }
static void rwc_sc_c(void) { write_read(&y, SC, RLX, &x, SC, &c); }
static void rwc_fence_c(void) { write_read(&y, RLX, SC, &x, RLX, &c); }
static const struct scenario rwc = {
    .name = "rwc", .summary = "read to write causality, relaxed: allowed", .source = "Boehm, Adve 2008 (RWC)", .bare = true,
    .thread = {x1_rlx, rwc_rlx_b, rwc_rlx_c}, .check = check_abc, .outcomes = ABC_ALL, .outcomes_sc = ABC_BUT_100,
};
SCENARIO(rwc);
static const struct scenario rwc_acq = {
    .name = "rwc+rel+acq", .summary = "read to write causality, release and acquire: allowed", .source = "Boehm, Adve 2008 (RWC)", .bare = true,
    .thread = {x1_rel, rwc_acq_b, rwc_acq_c}, .check = check_abc, .outcomes = ABC_ALL, .outcomes_sc = ABC_BUT_100,
};
SCENARIO(rwc_acq);
static const struct scenario rwc_sc = {
    .name = "rwc+sc", .summary = "read to write causality, seq_cst: forbidden", .source = "Boehm, Adve 2008 (RWC)", .bare = true,
    .thread = {x1_sc, rwc_sc_b, rwc_sc_c}, .check = check_abc, .outcomes = ABC_BUT_100, .outcomes_sc = ABC_BUT_100,
};
SCENARIO(rwc_sc);
static const struct scenario rwc_acq_sc = {
    .name = "rwc+acq+sc", .summary = "read to write causality, seq_cst but for B's first load, acquire: allowed (C11: forbidden)",
    .source = "Lahav et al. 2017, 2.1 (psc)", .bare = true,
    .thread = {x1_sc, rwc_acq_sc_b, rwc_sc_c}, .check = check_abc, .outcomes = ABC_ALL, .outcomes_sc = ABC_BUT_100,
};
SCENARIO(rwc_acq_sc);
static const struct scenario rwc_fences = {
    .name = "rwc+fences", .summary = "read to write causality, seq_cst fences in B and C: forbidden (C11: allowed)",
    .source = "Lahav et al. 2017, 2.2 (RWC+syncs)", .bare = true,
    .thread = {x1_rlx, rwc_fence_b, rwc_fence_c}, .check = check_abc, .outcomes = ABC_BUT_100, .outcomes_sc = ABC_BUT_100,
};
SCENARIO(rwc_fences);

/* --- W+RWC: the same, B learns of x by a message in z --- */

static void wrwc_rel_a(void) { write_write(&x, RLX, &z, REL); }
static void wrwc_rlx_a(void) { write_write(&x, RLX, &z, RLX); }
static void wrwc_sc_a(void) { write_write(&x, SC, &z, REL); }
static void wrwc_acq_b(void) { read_read(&z, ACQ, &a, RLX, &y, ACQ, &b); }
static void wrwc_acq_sc_b(void) { read_read(&z, ACQ, &a, RLX, &y, SC, &b); }
static void wrwc_fence_b(void) { read_read(&z, RLX, &a, SC, &y, RLX, &b); }
static const struct scenario wrwc = {
    .name = "w+rwc+rel+acq", .summary = "W+RWC, release and acquire: allowed", .source = "Alglave et al. 2014 (W+RWC)", .bare = true,
    .thread = {wrwc_rel_a, wrwc_acq_b, rwc_acq_c}, .check = check_abc, .outcomes = ABC_ALL, .outcomes_sc = ABC_BUT_100,
};
SCENARIO(wrwc);
static const struct scenario wrwc_fences = {
    .name = "w+rwc+fences", .summary = "W+RWC, a released message, seq_cst fences in B and C: forbidden",
    .source = "Lahav et al. 2017 (psc_F: hb;eco;hb)", .bare = true,
    .thread = {wrwc_rel_a, wrwc_fence_b, rwc_fence_c}, .check = check_abc, .outcomes = ABC_BUT_100, .outcomes_sc = ABC_BUT_100,
};
SCENARIO(wrwc_fences);
static const struct scenario wrwc_fences_rlx = {
    .name = "w+rwc+fences+rlx", .summary = "W+RWC, the message relaxed, seq_cst fences in B and C: allowed",
    .source = "Lahav et al. 2017 (psc_F: hb;eco;hb)", .bare = true,
    .thread = {wrwc_rlx_a, wrwc_fence_b, rwc_fence_c}, .check = check_abc, .outcomes = ABC_ALL, .outcomes_sc = ABC_BUT_100,
};
SCENARIO(wrwc_fences_rlx);
/* A's seq_cst store is before B's load by po≠loc;hb;po≠loc, the part of scb that Z6.U and IRIW-acq-sc lack. */
static const struct scenario wrwc_sc = {
    .name = "w+rwc+sc", .summary = "W+RWC, seq_cst but for the message, release and acquire: forbidden", .source = "Lahav et al. 2017 (scb)",
    .bare = true, .thread = {wrwc_sc_a, wrwc_acq_sc_b, rwc_sc_c}, .check = check_abc, .outcomes = ABC_BUT_100, .outcomes_sc = ABC_BUT_100,
};
SCENARIO(wrwc_sc);
static const struct scenario wrwc_sc_rlx = {
    .name = "w+rwc+sc+rlx", .summary = "the same, A's first store relaxed: allowed", .source = "Lahav et al. 2017 (psc_base)", .bare = true,
    .thread = {wrwc_rel_a, wrwc_acq_sc_b, rwc_sc_c}, .check = check_abc, .outcomes = ABC_ALL, .outcomes_sc = ABC_BUT_100,
};
SCENARIO(wrwc_sc_rlx);

/* --- IRIW: two readers see two independent writes in opposite orders --- */

static void iriw_rlx_c(void) { read_read(&x, RLX, &a, RLX, &y, RLX, &b); }
static void iriw_rlx_d(void) { read_read(&y, RLX, &c, RLX, &x, RLX, &d); }
static void iriw_acq_c(void) { read_read(&x, ACQ, &a, RLX, &y, ACQ, &b); }
static void iriw_acq_d(void) { read_read(&y, ACQ, &c, RLX, &x, ACQ, &d); }
static void iriw_sc_c(void) { read_read(&x, SC, &a, RLX, &y, SC, &b); }
static void iriw_sc_d(void) { read_read(&y, SC, &c, RLX, &x, SC, &d); }
static void iriw_acq_sc_c(void) { read_read(&x, ACQ, &a, RLX, &y, SC, &b); }
static void iriw_acq_sc_d(void) { read_read(&y, ACQ, &c, RLX, &x, SC, &d); }
static void iriw_fence_c(void) { read_read(&x, RLX, &a, SC, &y, RLX, &b); }
static void iriw_fence_d(void) { read_read(&y, RLX, &c, SC, &x, RLX, &d); }
static void iriw_acq_fence_c(void) { read_read(&x, RLX, &a, ACQ, &y, RLX, &b); }
static void iriw_acq_fence_d(void) { read_read(&y, RLX, &c, ACQ, &x, RLX, &d); }

static const struct scenario iriw = {
    .name = "iriw", .summary = "independent reads of independent writes, relaxed: allowed", .source = "Boehm, Adve 2008 (IRIW)", .bare = true,
    .thread = {x1_rlx, y1_rlx, iriw_rlx_c, iriw_rlx_d}, .check = check_abcd, .outcomes = ABCD_ALL, .outcomes_sc = ABCD_BUT_1010,
};
SCENARIO(iriw);
static const struct scenario iriw_acq = {
    .name = "iriw+rel+acq", .summary = "independent reads of independent writes, release and acquire: allowed", .source = "Boehm, Adve 2008 (IRIW)",
    .bare = true, .thread = {x1_rel, y1_rel, iriw_acq_c, iriw_acq_d}, .check = check_abcd, .outcomes = ABCD_ALL, .outcomes_sc = ABCD_BUT_1010,
};
SCENARIO(iriw_acq);
static const struct scenario iriw_sc = {
    .name = "iriw+sc", .summary = "independent reads of independent writes, seq_cst: forbidden", .source = "Boehm, Adve 2008 (IRIW)", .bare = true,
    .thread = {x1_sc, y1_sc, iriw_sc_c, iriw_sc_d}, .check = check_abcd, .outcomes = ABCD_BUT_1010, .outcomes_sc = ABCD_BUT_1010,
};
SCENARIO(iriw_sc);
static const struct scenario iriw_acq_sc = {
    .name = "iriw+acq+sc", .summary = "IRIW, all seq_cst but the first loads, acquire: allowed (C11: forbidden)",
    .source = "Lahav et al. 2017, 2.1 (IRIW-acq-sc)", .bare = true,
    .thread = {x1_sc, y1_sc, iriw_acq_sc_c, iriw_acq_sc_d}, .check = check_abcd, .outcomes = ABCD_ALL, .outcomes_sc = ABCD_BUT_1010,
};
SCENARIO(iriw_acq_sc);
static const struct scenario iriw_fences = {
    .name = "iriw+fences", .summary = "IRIW, relaxed with seq_cst fences in the readers: forbidden", .source = "Lahav et al. 2017 (psc_F)",
    .bare = true, .thread = {x1_rlx, y1_rlx, iriw_fence_c, iriw_fence_d}, .check = check_abcd,
    .outcomes = ABCD_BUT_1010, .outcomes_sc = ABCD_BUT_1010,
};
SCENARIO(iriw_fences);
static const struct scenario iriw_fence = {
    .name = "iriw+fence", .summary = "IRIW, a seq_cst fence in one reader only: allowed", .source = "Lahav et al. 2017 (psc_F)", .bare = true,
    .thread = {x1_rlx, y1_rlx, iriw_fence_c, iriw_rlx_d}, .check = check_abcd, .outcomes = ABCD_ALL, .outcomes_sc = ABCD_BUT_1010,
};
SCENARIO(iriw_fence);
static const struct scenario iriw_acq_fences = {
    .name = "iriw+acq-fences", .summary = "IRIW, release stores, acquire fences in the readers: allowed", .source = "Boehm, Adve 2008 (IRIW)",
    .bare = true, .thread = {x1_rel, y1_rel, iriw_acq_fence_c, iriw_acq_fence_d}, .check = check_abcd,
    .outcomes = ABCD_ALL, .outcomes_sc = ABCD_BUT_1010,
};
SCENARIO(iriw_acq_fences);

/* --- Z6.U, with values: A: x=1 sc, y=1 rel; B: b=y++ sc, c=y rlx; C: y=3 sc, a=x sc --- */

static void z6u_a(void)
{
    atomic_store_explicit(&x, 1, SC);
    atomic_store_explicit(&y, 1, REL);
}
static void z6u_b(void)
{
    b = atomic_fetch_add_explicit(&y, 1, SC);
    c = atomic_load_explicit(&y, RLX);
}
static void z6u_c(void)
{
    atomic_store_explicit(&y, 3, SC);
    a = atomic_load_explicit(&x, SC);
}
/* Power and ARM show abc=013 (x's store is seen late although B acquired y after it). C11's order S forbade it, RC11 does not. */
static const struct scenario z6u = {
    .name = "z6.u", .summary = "seq_cst and release mixed: abc=013 is allowed (C11: forbidden, no Power compiler kept it)",
    .source = "Lahav et al. 2017, 2.1 (Z6.U)", .bare = true,
    .thread = {z6u_a, z6u_b, z6u_c}, .check = check_abc,
    .outcomes = LIST("abc=001", "abc=003", "abc=012", "abc=013", "abc=031", "abc=034", "abc=101", "abc=103", "abc=112", "abc=113", "abc=131",
                     "abc=134"),
    .outcomes_sc = LIST("abc=001", "abc=003", "abc=012", "abc=031", "abc=034", "abc=101", "abc=103", "abc=112", "abc=113", "abc=131", "abc=134"),
};
SCENARIO(z6u);
