/*
 * sb.c -- store buffering: each of two threads writes one flag and reads the other's. May both read 0?
 */
static struct { _Atomic int x, y; int a, b; } sb;

static void sb_relaxed_a(void) { atomic_store_explicit(&sb.x, 1, memory_order_relaxed); sb.a = atomic_load_explicit(&sb.y, memory_order_relaxed); }
static void sb_relaxed_b(void) { atomic_store_explicit(&sb.y, 1, memory_order_relaxed); sb.b = atomic_load_explicit(&sb.x, memory_order_relaxed); }
static void sb_check(void) { explore_outcome("a=%d b=%d", sb.a, sb.b); }

static const struct scenario sb_relaxed = {
    .name = "sb", .summary = "store buffering, relaxed: both may read 0", .source = "Lahav et al. 2017", .bare = true,
    .thread = {sb_relaxed_a, sb_relaxed_b}, .check = sb_check,
    .outcomes = (const char *const[]){"a=0 b=0", "a=0 b=1", "a=1 b=0", "a=1 b=1", NULL},
    .outcomes_sc = (const char *const[]){"a=0 b=1", "a=1 b=0", "a=1 b=1", NULL},
};
SCENARIO(sb_relaxed);

static void sb_fences_a(void) { atomic_store_explicit(&sb.x, 1, memory_order_relaxed); atomic_thread_fence(memory_order_seq_cst); sb.a = atomic_load_explicit(&sb.y, memory_order_relaxed); }
static void sb_fences_b(void) { atomic_store_explicit(&sb.y, 1, memory_order_relaxed); atomic_thread_fence(memory_order_seq_cst); sb.b = atomic_load_explicit(&sb.x, memory_order_relaxed); }

static const struct scenario sb_fences = {
    .name = "sb+fences", .summary = "store buffering with seq_cst fences: not both", .source = "Lahav et al. 2017", .bare = true,
    .thread = {sb_fences_a, sb_fences_b}, .check = sb_check,
    .outcomes = (const char *const[]){"a=0 b=1", "a=1 b=0", "a=1 b=1", NULL},
    .outcomes_sc = (const char *const[]){"a=0 b=1", "a=1 b=0", "a=1 b=1", NULL},
};
SCENARIO(sb_fences);
