/*
 * hooks.c -- what the compiler calls before each access of the code under exploration: our own side of -fsanitize=thread.
 *
 * The interface is the one of gcc's and clang's instrumentation (names __tsan_*; the definitions here are ours and libtsan is not
 * linked). Stacks and thread-locals are private. Before exploration begins and after it ends all operations are carried out
 * as they are (native): one thread runs, no choices.
 */
#include "engine.h"
#include "trace.h"
#include <string.h>

static bool watched(uintptr_t addr)
{
    run.counts.hooks++;
    if (!run_exploring())
        run_native_access();
    if (coroutine_is_stack(addr) && run_current() >= 0 && !coroutine_is_own_stack(addr))
        run_fail("unsupported", NULL, "a thread touches another's stack: what threads share must be static or allocated");
    return arena_is_shared(addr);
}

/* --- plain accesses --- */

/* The location with events that begins at `a` and overlaps these bytes, or -1. */
static int touched(uintptr_t a, uintptr_t addr)
{
    int location = location_find(a);
    return location >= 0 && location_has_init(location) && a + location_at(location)->size > addr ? location : -1;
}

/* Puts the value there that this thread must see: atomic stores do not go to memory while others may still read older ones. */
static void show_atomics(uintptr_t addr, size_t bytes)
{
    const struct clock *before = run_clock(run_current());
    for (uintptr_t a = addr & ~(uintptr_t)7; a < addr + bytes; a++) {
        int location = touched(a, addr), found = INIT;
        if (location < 0)
            continue;
        for (int i = 0; i < graph->length; i++) {
            const struct event *e = &graph->event[i];
            if (e->op.location == location && e->writes && clock_covers(before, e) && e->mo > graph_mo_of(graph, found))
                found = i;
        }
        arena_store(a, location_at(location)->size, found == INIT ? location_init(location) : graph->event[found].written);
    }
}

/* False: nobody else can see it. */
static bool plain_access(uintptr_t addr, size_t bytes, bool write, const void *pc)
{
    run_plain_done();
    if (!watched(addr))
        return false;
    if (trace_is_on)
        trace_plain(addr, bytes, write ? STEP_WRITE : STEP_READ, pc);
    arena_access(addr, bytes, write ? ACCESS_WRITE : ACCESS_READ, pc);
    return true;
}

static void plain_read(uintptr_t addr, size_t bytes, const void *pc)
{
    if (!plain_access(addr, bytes, false, pc))
        return;
    if (run_exploring() && run_current() >= 0 && arena_has_atomic(addr, bytes))
        show_atomics(addr, bytes);
}

static void plain_write(uintptr_t addr, size_t bytes, const void *pc)
{
    if (!plain_access(addr, bytes, true, pc))
        return;
    arena_save(addr, bytes);
    if (!run_exploring() || run_current() < 0 || !arena_has_atomic(addr, bytes))
        return;
    show_atomics(addr, bytes); /* a store to a part of it leaves the rest */
    for (uintptr_t a = addr & ~(uintptr_t)7; a < addr + bytes; a++) {
        int location = touched(a, addr);
        if (location < 0)
            continue;
        struct op op = {.kind = PLAIN_STORE, .size = location_at(location)->size, .location = location, .pc = pc};
        run_step(&op, NULL);
    }
}

#define PC __builtin_return_address(0)
#define PLAIN(n)                                                                                  \
    void __tsan_read##n(void *a) { plain_read((uintptr_t)a, n, PC); }                             \
    void __tsan_write##n(void *a) { plain_write((uintptr_t)a, n, PC); }                           \
    void __tsan_unaligned_read##n(void *a) { plain_read((uintptr_t)a, n, PC); }                   \
    void __tsan_unaligned_write##n(void *a) { plain_write((uintptr_t)a, n, PC); }                 \
    void __tsan_volatile_read##n(void *a) { plain_read((uintptr_t)a, n, PC); }                    \
    void __tsan_volatile_write##n(void *a) { plain_write((uintptr_t)a, n, PC); }                  \
    void __tsan_read_write##n(void *a) { plain_read((uintptr_t)a, n, PC), plain_write((uintptr_t)a, n, PC); }
PLAIN(1) PLAIN(2) PLAIN(4) PLAIN(8) PLAIN(16)

void __tsan_read_range(void *a, unsigned long n) { plain_read((uintptr_t)a, n, PC); }
void __tsan_write_range(void *a, unsigned long n) { plain_write((uintptr_t)a, n, PC); }
void __tsan_init(void) {}
void __tsan_func_entry(void *pc) { (void)pc; }
void __tsan_func_exit(void) {}

void explore_copy(void *to, const void *from, size_t bytes)
{
    if (bytes == 0)
        return;
    plain_read((uintptr_t)from, bytes, PC);
    plain_write((uintptr_t)to, bytes, PC);
    memmove(to, from, bytes);
}
void explore_fill(void *to, int byte, size_t bytes)
{
    if (bytes == 0)
        return;
    plain_write((uintptr_t)to, bytes, PC);
    memset(to, byte, bytes);
}
void *__tsan_memcpy(void *to, const void *from, unsigned long n) { explore_copy(to, from, n); return to; }
void *__tsan_memmove(void *to, const void *from, unsigned long n) { explore_copy(to, from, n); return to; }
void *__tsan_memset(void *to, int byte, unsigned long n) { explore_fill(to, byte, n); return to; }

/* --- atomic accesses --- */

/* An operation that is carried out at once: before and after exploration, and on what no other thread can see. */
static uint64_t native(const struct op *op, uintptr_t addr)
{
    uint64_t old = arena_load(addr, op->size), mask = op->size == 8 ? ~0ull : (1ull << (8 * op->size)) - 1;
    switch ((enum kind)op->kind) {
    case STORE: arena_store(addr, op->size, op->operand); break;
    case CAS:
        if (old == (op->expected & mask))
            arena_store(addr, op->size, op->operand);
        break;
    case RMW: arena_store(addr, op->size, op_rmw(op, old)); break;
    default: break;
    }
    return old;
}

/* The value read (stores: nothing); *satisfied: an await's condition held. */
static uint64_t atomic_op(struct op *op, uintptr_t addr, bool *satisfied)
{
    run_plain_done();
    if (op->kind == FENCE) {
        op->location = -1;
        return run_exploring() && run_current() >= 0 ? run_step(op, satisfied) : 0;
    }
    if (!watched(addr) || !run_exploring() || run_current() < 0) {
        if (trace_is_on && arena_is_shared(addr))
            trace_native(op, addr);
        if (arena_is_shared(addr))
            arena_access(addr, op->size, op->kind == LOAD ? ACCESS_ATOMIC_READ : ACCESS_ATOMIC_WRITE, op->pc);
        uint64_t old = native(op, addr);
        if (satisfied)
            *satisfied = op_holds(op, old);
        return old;
    }
    op->location = location_of(addr, op->size);
    if (!location_has_init(op->location)) {
        location_set_init(op->location, arena_load(addr, op->size));
        arena_mark_atomic(addr);
    }
    return run_step(op, satisfied);
}

static uint64_t simple(enum kind kind, uintptr_t addr, unsigned size, uint64_t operand, int order, int rmw, const void *pc)
{
    struct op op = {.kind = (uint8_t)kind, .size = (uint8_t)size, .order = (int8_t)order, .rmw = (uint8_t)rmw, .operand = operand, .pc = pc};
    return atomic_op(&op, addr, NULL);
}

static uint64_t compare(uintptr_t addr, unsigned size, uint64_t expected, uint64_t desired, int order, int failure, const void *pc)
{
    struct op op = {.kind = CAS, .size = (uint8_t)size, .order = (int8_t)order, .order_failure = (int8_t)failure,
                    .operand = desired, .expected = expected, .pc = pc};
    return atomic_op(&op, addr, NULL);
}

#define FETCH(bits, type, name, rmw)                                                   \
    type __tsan_atomic##bits##_##name(volatile type *a, type v, int order)             \
    {                                                                                  \
        return (type)simple(RMW, (uintptr_t)a, bits / 8, (uint64_t)v, order, rmw, PC); \
    }
#define ATOMIC(bits, type)                                                                                                  \
    type __tsan_atomic##bits##_load(const volatile type *a, int order)                                                      \
    {                                                                                                                       \
        return (type)simple(LOAD, (uintptr_t)a, bits / 8, 0, order, 0, PC);                                                 \
    }                                                                                                                       \
    void __tsan_atomic##bits##_store(volatile type *a, type v, int order)                                                   \
    {                                                                                                                       \
        simple(STORE, (uintptr_t)a, bits / 8, (uint64_t)v, order, 0, PC);                                                   \
    }                                                                                                                       \
    int __tsan_atomic##bits##_compare_exchange_strong(volatile type *a, type *expected, type desired, int order, int other) \
    {                                                                                                                       \
        plain_read((uintptr_t)expected, bits / 8, PC);                                                                      \
        type old = (type)compare((uintptr_t)a, bits / 8, (uint64_t)*expected, (uint64_t)desired, order, other, PC);         \
        int same = old == *expected;                                                                                        \
        if (!same) {                                                                                                        \
            plain_write((uintptr_t)expected, bits / 8, PC);                                                                 \
            *expected = old;                                                                                                \
        }                                                                                                                   \
        return same;                                                                                                        \
    }                                                                                                                       \
    int __tsan_atomic##bits##_compare_exchange_weak(volatile type *a, type *expected, type desired, int order, int other)   \
    {                                                                                                                       \
        plain_read((uintptr_t)expected, bits / 8, PC);                                                                      \
        if (watched((uintptr_t)a) && run_spurious(PC)) {                                                                    \
            *expected = (type)simple(LOAD, (uintptr_t)a, bits / 8, 0, other, 0, PC);                                        \
            return 0;                                                                                                       \
        }                                                                                                                   \
        type old = (type)compare((uintptr_t)a, bits / 8, (uint64_t)*expected, (uint64_t)desired, order, other, PC);         \
        int same = old == *expected;                                                                                        \
        if (!same) {                                                                                                        \
            plain_write((uintptr_t)expected, bits / 8, PC);                                                                 \
            *expected = old;                                                                                                \
        }                                                                                                                   \
        return same;                                                                                                        \
    }                                                                                                                       \
    type __tsan_atomic##bits##_compare_exchange_val(volatile type *a, type expected, type desired, int order, int other)    \
    {                                                                                                                       \
        return (type)compare((uintptr_t)a, bits / 8, (uint64_t)expected, (uint64_t)desired, order, other, PC);              \
    }                                                                                                                       \
    FETCH(bits, type, fetch_add, RMW_ADD)                                                                                   \
    FETCH(bits, type, fetch_sub, RMW_SUB)                                                                                   \
    FETCH(bits, type, fetch_and, RMW_AND)                                                                                   \
    FETCH(bits, type, fetch_or, RMW_OR)                                                                                     \
    FETCH(bits, type, fetch_xor, RMW_XOR)                                                                                   \
    FETCH(bits, type, fetch_nand, RMW_NAND)                                                                                 \
    FETCH(bits, type, exchange, RMW_XCHG)
ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

void __tsan_atomic_signal_fence(int order) { (void)order; }
void __tsan_atomic_thread_fence(int order)
{
    struct op op = {.kind = FENCE, .order = (int8_t)order, .pc = PC};
    if (order != memory_order_relaxed) /* relaxed: such a fence is none */
        atomic_op(&op, 0, NULL);
}

/* --- the primitives of os.h --- */

void explore_fence(enum explore_fence kind)
{
    struct op op = {.kind = FENCE, .order = (int8_t)kind, .pc = PC};
    atomic_op(&op, 0, NULL);
}

static void await(struct op *op, uintptr_t addr)
{
    for (;;) {
        bool satisfied = false;
        struct op once = *op;
        atomic_op(&once, addr, &satisfied);
        if (satisfied)
            return;
        if (!run_exploring() || run_current() < 0)
            run_wait_native();
    }
}

void explore_lock(_Atomic uint32_t *word)
{
    /* acquire: as a mutex; relaxed where it is held: nothing is read */
    struct op op = {.kind = CAS, .size = 4, .order = memory_order_acquire, .order_failure = memory_order_relaxed,
                    .await = AWAIT_EQUAL, .part_of = PART_LOCK, .operand = 1, .expected = 0, .pc = PC};
    await(&op, (uintptr_t)word);
}

static void primitive(enum explore_part_of part, struct op op, const void *addr)
{
    op.part_of = part;
    atomic_op(&op, (uintptr_t)addr, NULL);
}
void explore_unlock(_Atomic uint32_t *word)
{
    primitive(PART_UNLOCK, (struct op){.kind = STORE, .size = 4, .order = memory_order_release, .pc = PC}, word); /* release: as a mutex */
}

void explore_await_zero(_Atomic uint32_t *word)
{
    /* acquire: what its callers' waits promise (scenario.h) */
    struct op op = {.kind = LOAD, .size = 4, .order = memory_order_acquire, .await = AWAIT_EQUAL, .part_of = PART_AWAIT,
                    .operand = 0, .pc = PC};
    await(&op, (uintptr_t)word);
}

/* A digit of a queue: 0 is an empty place. */
static uint64_t waiter(void) { return (uint64_t)explore_self() + 1; }

static struct op queue_op(enum explore_rmw rmw, uint64_t operand, const void *pc)
{
    /* relaxed: a queue is under its lock, or no order is promised */
    return (struct op){.kind = RMW, .size = 8, .order = memory_order_relaxed, .rmw = rmw, .operand = operand, .pc = pc};
}
void explore_queue_push(_Atomic uint64_t *queue) { primitive(PART_QUEUE, queue_op(RMW_PUSH, waiter(), PC), queue); }
/* The longest waiting one; as a surprise the one behind it: no order is promised. */
void explore_queue_pop(_Atomic uint64_t *queue) { primitive(PART_WAKE, queue_op(RMW_POP, run_spurious(PC), PC), queue); }
void explore_queue_clear(_Atomic uint64_t *queue) { primitive(PART_WAKE_ALL, queue_op(RMW_XCHG, 0, PC), queue); }
void explore_queue_await(_Atomic uint64_t *queue)
{
    /* relaxed: a wake carries no order, the lock taken afterwards does */
    struct op op = {.kind = LOAD, .size = 8, .order = memory_order_relaxed, .await = AWAIT_ABSENT,
                    .part_of = PART_SLEEP, .operand = waiter(), .pc = PC};
    await(&op, (uintptr_t)queue);
}

/* Two words for each address that somebody parks on. They stay where they are through all executions. */
enum { SIDES = 64 };
static struct side {
    const void *addr;
    _Atomic uint64_t word[2];
} side[SIDES];

_Atomic uint64_t *explore_side(const void *addr)
{
    for (int i = 0; i < SIDES; i++) {
        if (!side[i].addr)
            side[i].addr = addr;
        if (side[i].addr == addr)
            return side[i].word;
    }
    run_fail("too large", PC, "threads park on more than %d words", SIDES);
}

const void *side_belongs_to(uintptr_t addr, int *word)
{
    if (addr - (uintptr_t)side >= sizeof side)
        return NULL;
    const struct side *s = &side[(addr - (uintptr_t)side) / sizeof *side];
    *word = addr >= (uintptr_t)&s->word[1];
    return s->addr;
}
