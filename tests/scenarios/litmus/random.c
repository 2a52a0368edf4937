/*
 * random.c -- programs drawn at random: what the search finds is compared with brute force (tests/explore/agreement.sh).
 *
 * The seed decides how many threads (2-3), locations (1-3) and operations (1-3 each), and every operation's kind and order.
 */
#include <stdio.h>

enum { RANDOM_THREADS = 3, RANDOM_OPS = 4 };

static struct {
    _Atomic uint32_t x[3];
    struct random_op {
        int kind, order, where, value;
    } op[RANDOM_THREADS][RANDOM_OPS];
    int ops[RANDOM_THREADS];
    uint32_t read[RANDOM_THREADS][RANDOM_OPS];
    uint64_t state;
} rnd;

static int random_below(int n)
{
    uint64_t z = (rnd.state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (int)((z ^ (z >> 31)) % (uint64_t)n);
}

static void random_setup(void)
{
    rnd.state = explore_seed();
    int threads = 2 + random_below(2), locations = 1 + random_below(3);
    for (int t = 0; t < threads; t++) {
        rnd.ops[t] = 1 + random_below(threads == 2 ? 4 : 3);
        for (int i = 0; i < rnd.ops[t]; i++)
            rnd.op[t][i] = (struct random_op){random_below(6), random_below(4), random_below(locations), 1 + random_below(2)};
    }
}

static uint32_t random_load(_Atomic uint32_t *x, int order)
{
    switch (order) {
    case 0: return atomic_load_explicit(x, memory_order_relaxed);
    case 1: return atomic_load_explicit(x, memory_order_acquire);
    default: return atomic_load_explicit(x, memory_order_seq_cst);
    }
}

static void random_store(_Atomic uint32_t *x, uint32_t v, int order)
{
    switch (order) {
    case 0: atomic_store_explicit(x, v, memory_order_relaxed); break;
    case 1: atomic_store_explicit(x, v, memory_order_release); break;
    default: atomic_store_explicit(x, v, memory_order_seq_cst); break;
    }
}

static uint32_t random_add(_Atomic uint32_t *x, uint32_t v, int order)
{
    switch (order) {
    case 0: return atomic_fetch_add_explicit(x, v, memory_order_relaxed);
    case 1: return atomic_fetch_add_explicit(x, v, memory_order_acq_rel);
    case 2: return atomic_fetch_add_explicit(x, v, memory_order_release);
    default: return atomic_fetch_add_explicit(x, v, memory_order_seq_cst);
    }
}

static uint32_t random_swap(_Atomic uint32_t *x, uint32_t v, int order)
{
    uint32_t expected = v - 1;
    switch (order) {
    case 0: atomic_compare_exchange_strong_explicit(x, &expected, v, memory_order_relaxed, memory_order_relaxed); break;
    case 1: atomic_compare_exchange_strong_explicit(x, &expected, v, memory_order_acq_rel, memory_order_acquire); break;
    default: atomic_compare_exchange_strong_explicit(x, &expected, v, memory_order_seq_cst, memory_order_relaxed); break;
    }
    return expected;
}

static void random_fence(int order)
{
    switch (order) {
    case 0: atomic_thread_fence(memory_order_acquire); break;
    case 1: atomic_thread_fence(memory_order_release); break;
    default: atomic_thread_fence(memory_order_seq_cst); break;
    }
}

static void random_thread(int t)
{
    for (int i = 0; i < rnd.ops[t]; i++) {
        struct random_op o = rnd.op[t][i];
        _Atomic uint32_t *x = &rnd.x[o.where];
        switch (o.kind) {
        case 0: case 1: rnd.read[t][i] = random_load(x, o.order); break;
        case 2: random_store(x, (uint32_t)o.value, o.order); break;
        case 3: rnd.read[t][i] = random_add(x, (uint32_t)o.value, o.order); break;
        case 4: rnd.read[t][i] = random_swap(x, (uint32_t)o.value, o.order); break;
        default: random_fence(o.order);
        }
    }
}
static void random_a(void) { random_thread(0); }
static void random_b(void) { random_thread(1); }
static void random_c(void) { random_thread(2); }

static const struct scenario random_program = {
    .name = "random", .summary = "a program drawn from the seed", .source = "for the tests of the search", .bare = true,
    .setup = random_setup, .thread = {random_a, random_b, random_c},
};
SCENARIO(random_program);
