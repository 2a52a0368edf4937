/*
 * random.c -- programs drawn at random: what the search finds is compared with brute force (tests/explore/agreement.sh).
 *
 * The seed decides how many threads (2-3), locations (1-3) and operations (1-6 each), and every operation's kind and order. One
 * thread opens a gate at its end; others may await that. Nothing waits while it holds the lock, so no program is stuck.
 */
#include <stdio.h>

enum { RANDOM_THREADS = 3, RANDOM_OPS = 6, RANDOM_EVENTS = 8 };
enum random_kind { RANDOM_LOAD, RANDOM_STORE, RANDOM_ADD, RANDOM_SWAP, RANDOM_FENCE, RANDOM_LOCKED, RANDOM_AWAIT, RANDOM_SPIN, RANDOM_WEAK, RANDOM_KINDS };

static struct {
    _Atomic uint32_t x[3], lock, gate;
    struct random_op {
        enum random_kind kind;
        int order, where, value;
    } op[RANDOM_THREADS][RANDOM_OPS];
    int ops[RANDOM_THREADS];
    uint32_t read[RANDOM_THREADS][RANDOM_OPS];
    int threads, locations, opener;
    uint64_t state;
} rnd;

static int random_below(int n)
{
    uint64_t z = (rnd.state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (int)((z ^ (z >> 31)) % (uint64_t)n);
}

/* Most are loads and stores. */
static struct random_op random_op(int thread)
{
    int kind = random_below(RANDOM_KINDS + 5);
    struct random_op o = {kind < RANDOM_KINDS ? (enum random_kind)kind : (enum random_kind)(kind % 2), random_below(5), random_below(rnd.locations),
                          1 + random_below(2)};
    if ((o.kind == RANDOM_AWAIT || o.kind == RANDOM_SPIN) && thread == rnd.opener)
        o.kind = RANDOM_STORE;
    return o;
}

static void random_setup(void)
{
    int events = 1;
    rnd.state = explore_seed();
    rnd.threads = 2 + random_below(2);
    rnd.locations = 1 + random_below(3);
    rnd.opener = random_below(rnd.threads);
    rnd.gate = 1;
    for (int t = 0; t < rnd.threads; t++) {
        int wanted = rnd.threads == 2 ? 2 + random_below(RANDOM_OPS - 1) : 1 + random_below(RANDOM_OPS - 2);
        for (int i = 0; i < wanted; i++) {
            rnd.op[t][i] = random_op(t);
            events += rnd.op[t][i].kind == RANDOM_LOCKED ? 4 : rnd.op[t][i].kind == RANDOM_SPIN ? 2 : 1; /* brute force must come to an end */
            if (events > RANDOM_EVENTS + (rnd.threads == 2))
                break;
            rnd.ops[t]++;
        }
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

/* May fail for no reason, with --spurious. */
static uint32_t random_swap_weak(_Atomic uint32_t *x, uint32_t v)
{
    uint32_t expected = v - 1;
    return atomic_compare_exchange_weak_explicit(x, &expected, v, memory_order_acq_rel, memory_order_relaxed);
}

static void random_spin(_Atomic uint32_t *gate, int order)
{
    while (random_load(gate, order) != 0)
        explore_yield();
}

static void random_fence(int order)
{
    switch (order) {
    case 0: atomic_thread_fence(memory_order_acquire); break;
    case 1: atomic_thread_fence(memory_order_release); break;
    case 2: explore_fence(FENCE_LIGHT); break;
    case 3: explore_fence(FENCE_OTHERS); break;
    default: atomic_thread_fence(memory_order_seq_cst); break;
    }
}

/* Under the lock: a load and a store, which no other locked one may come between. */
static uint32_t random_locked(_Atomic uint32_t *x, int order)
{
    explore_lock(&rnd.lock);
    uint32_t old = random_load(x, order);
    random_store(x, old + 1, order);
    explore_unlock(&rnd.lock);
    return old;
}

static void random_thread(int t)
{
    for (int i = 0; i < rnd.ops[t]; i++) {
        struct random_op o = rnd.op[t][i];
        _Atomic uint32_t *x = &rnd.x[o.where];
        switch (o.kind) {
        case RANDOM_STORE: random_store(x, (uint32_t)o.value, o.order); break;
        case RANDOM_ADD: rnd.read[t][i] = random_add(x, (uint32_t)o.value, o.order); break;
        case RANDOM_SWAP: rnd.read[t][i] = random_swap(x, (uint32_t)o.value, o.order); break;
        case RANDOM_FENCE: random_fence(o.order); break;
        case RANDOM_LOCKED: rnd.read[t][i] = random_locked(x, o.order); break;
        case RANDOM_AWAIT: explore_await_zero(&rnd.gate); break;
        case RANDOM_SPIN: random_spin(&rnd.gate, o.order); break;
        case RANDOM_WEAK: rnd.read[t][i] = random_swap_weak(x, (uint32_t)o.value); break;
        default: rnd.read[t][i] = random_load(x, o.order);
        }
    }
    if (t == rnd.opener)
        random_store(&rnd.gate, 0, rnd.op[t][0].order);
}
/* What each thread read, then the last values. */
static void random_check(void)
{
    char text[RANDOM_THREADS * (RANDOM_OPS + 1) + 1];
    int at = 0;
    for (int t = 0; t < rnd.threads; t++) {
        for (int i = 0; i < rnd.ops[t]; i++)
            text[at++] = (char)('0' + rnd.read[t][i]);
        text[at++] = ' ';
    }
    text[at] = 0;
    explore_outcome("%sx=%u,%u,%u", text, rnd.x[0], rnd.x[1], rnd.x[2]);
}
static void random_a(void) { random_thread(0); }
static void random_b(void) { random_thread(1); }
static void random_c(void) { random_thread(2); }

static const struct scenario random_program = {
    .name = "random", .summary = "a program drawn from the seed", .source = "for the tests of the search", .bare = true,
    .setup = random_setup, .thread = {random_a, random_b, random_c}, .check = random_check,
};
SCENARIO(random_program);
