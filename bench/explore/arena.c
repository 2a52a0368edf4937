/*
 * arena.c -- the memory of the code under exploration: an arena that is the same in every execution, freed blocks, races.
 *
 * Every thread allocates from its own part of the arena, so that an address depends on what its thread did and on nothing
 * else. No block is used twice in one execution: what is freed stays freed, and whoever touches it is caught.
 *
 * Races: for each 8 bytes, the last accesses of each thread by kind and byte mask. Two accesses to the same byte of which one
 * is plain and one writes race unless one happens before the other. One execution of a graph finds all of its races,
 * whichever order the threads ran in, since happens-before belongs to the graph. free counts as a plain write to the block.
 *
 * arena_restore undoes all stores since arena_snapshot to memory that existed then.
 */
#include "engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "trace.h"

#define ARENA 0x100000000000u
enum { PART_BITS = 25, PARTS = CLOCKS + 1, GRANULE = 8, HEADER = 16, CELLS = 14 };
enum { STATE_NONE, STATE_LIVE, STATE_FREED };

extern char __data_start[], _end[]; /* the linker's: all statics */

struct cell {
    uint8_t thread, access, mask;
    uint16_t epoch;
};
struct granule {
    uint32_t execution; /* what follows belongs to it; 0: never */
    uint8_t cells;
    bool atomic;        /* a location with events begins here */
    struct cell cell[CELLS];
};
struct header {
    uint32_t bytes, part;
    uint64_t number;
};

static struct {
    uintptr_t next[PARTS], next_at_snapshot[PARTS];
    uint64_t blocks[PARTS], blocks_at_snapshot[PARTS];
    int64_t live, live_at_snapshot;
    uint8_t *state;               /* of the arena, one byte a granule */
    struct granule *arena, *statics;
    uint32_t execution;
    bool snapshot;
    struct undo {
        uintptr_t addr;
        unsigned char bytes, old[16];
    } *undo;
    size_t undos, room;
} arena;

static void *map(size_t bytes, uintptr_t at)
{
    void *p = mmap((void *)at, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED_NOREPLACE : 0), -1, 0);
    if (p == MAP_FAILED) {
        perror("rclab explore: memory");
        exit(2);
    }
    return p;
}

static uintptr_t part_start(int part) { return ARENA + ((uintptr_t)part << PART_BITS); }
static bool in_arena(uintptr_t a) { return a - ARENA < (uintptr_t)PARTS << PART_BITS; }
static bool in_statics(uintptr_t a) { return a - (uintptr_t)__data_start < (uintptr_t)(_end - __data_start); }
bool arena_is_shared(uintptr_t a) { return in_arena(a) || in_statics(a); }
static uint8_t *state_at(uintptr_t a) { return &arena.state[(a - ARENA) / GRANULE]; }

static struct granule *granule_at(uintptr_t a)
{
    struct granule *g = in_arena(a) ? &arena.arena[(a - ARENA) / GRANULE]
                                    : &arena.statics[(a - ((uintptr_t)__data_start & ~7ull)) / GRANULE];
    if (g->execution != arena.execution) {
        g->execution = arena.execution;
        g->cells = 0;
        g->atomic = false;
    }
    return g;
}

void arena_open(void)
{
    size_t parts = (size_t)PARTS << PART_BITS, statics = (size_t)(_end - __data_start) + 16;
    map(parts, ARENA);
    arena.state = map(parts / GRANULE, 0);
    arena.arena = map(parts / GRANULE * sizeof *arena.arena, 0);
    arena.statics = map((statics / GRANULE + 1) * sizeof *arena.statics, 0);
    for (int i = 0; i < PARTS; i++)
        arena.next[i] = part_start(i) + HEADER;
    arena.execution = 1;
}

/* --- restoring --- */

void arena_snapshot(void)
{
    memcpy(arena.next_at_snapshot, arena.next, sizeof arena.next);
    memcpy(arena.blocks_at_snapshot, arena.blocks, sizeof arena.blocks);
    arena.live_at_snapshot = arena.live;
    arena.snapshot = true;
}

static void undo_push(uintptr_t addr, size_t bytes)
{
    if (arena.undos == arena.room) {
        arena.room = arena.room * 2 + 1024;
        arena.undo = realloc(arena.undo, arena.room * sizeof *arena.undo);
        if (!arena.undo)
            abort();
    }
    struct undo *u = &arena.undo[arena.undos++];
    u->addr = addr;
    u->bytes = (unsigned char)bytes;
    memcpy(u->old, (void *)addr, bytes);
}

static bool is_new(uintptr_t addr)
{
    return in_arena(addr) && addr >= arena.next_at_snapshot[(addr - ARENA) >> PART_BITS];
}

void arena_save(uintptr_t addr, size_t bytes)
{
    if (!arena.snapshot || is_new(addr))
        return;
    for (size_t done = 0; done < bytes; done += sizeof arena.undo->old)
        undo_push(addr + done, bytes - done < sizeof arena.undo->old ? bytes - done : sizeof arena.undo->old);
}

void arena_restore(void)
{
    while (arena.undos > 0) {
        const struct undo *u = &arena.undo[--arena.undos];
        memcpy((void *)u->addr, u->old, u->bytes);
    }
    for (int i = 0; i < PARTS; i++)
        memset(state_at(arena.next_at_snapshot[i]), STATE_NONE, (arena.next[i] - arena.next_at_snapshot[i]) / GRANULE + 1);
    memcpy(arena.next, arena.next_at_snapshot, sizeof arena.next);
    memcpy(arena.blocks, arena.blocks_at_snapshot, sizeof arena.blocks);
    arena.live = arena.live_at_snapshot;
    arena.execution++;
}

/* --- allocation --- */

static void set_state(uintptr_t addr, size_t bytes, uint8_t state)
{
    size_t granules = (bytes + GRANULE - 1) / GRANULE;
    if (!is_new(addr) && arena.snapshot)
        for (size_t i = 0; i < granules; i += 16)
            undo_push((uintptr_t)state_at(addr) + i, granules - i < 16 ? granules - i : 16);
    memset(state_at(addr), state, granules);
}

void *explore_alloc(size_t bytes, size_t align, bool zeroed)
{
    int part = run_current() + 1;
    size_t room = bytes ? (bytes + 15) & ~(size_t)15 : 16;
    uintptr_t at = arena.next[part] + HEADER; /* the header's granules are no one's: they catch overruns */
    at = (at + align - 1) / align * align;
    if (at + room + HEADER > part_start(part + 1))
        run_fail("too large", NULL, "a thread allocated more than %d MiB in one execution", 1 << (PART_BITS - 20));
    arena.next[part] = at + room;
    *(struct header *)(at - HEADER) = (struct header){(uint32_t)bytes, (uint32_t)part, ++arena.blocks[part]};
    set_state(at, bytes ? bytes : room, STATE_LIVE); /* what it was rounded up by is no one's */
    memset((void *)at, zeroed ? 0 : 0xa5, room);
    arena.live++;
    if (trace_is_on)
        trace_block(at, bytes, zeroed ? STEP_ALLOC_ZEROED : STEP_ALLOC, __builtin_return_address(0));
    return (void *)at;
}

static const struct header *header_of(const void *block) { return (const struct header *)((uintptr_t)block - HEADER); }
/* Behind a header, not inside a block. */
static bool begins_block(uintptr_t at) { return at % 16 == 0 && *state_at(at) != STATE_NONE && *state_at(at - GRANULE) == STATE_NONE; }

void explore_free(void *block)
{
    uintptr_t at = (uintptr_t)block;
    const void *pc = __builtin_return_address(0);
    if (!block)
        return;
    run_plain_done();
    if (trace_is_on)
        trace_block(at, in_arena(at) && begins_block(at) ? header_of(block)->bytes : 0, STEP_FREE, pc);
    if (!in_arena(at) || !begins_block(at))
        run_fail("bad free", pc, "free of %p, where no block begins", block);
    if (*state_at(at) != STATE_LIVE)
        run_fail("double free", pc, "the block is not alive");
    size_t bytes = header_of(block)->bytes ? header_of(block)->bytes : 16;
    arena_access(at, bytes, ACCESS_WRITE, pc);
    set_state(at, bytes, STATE_FREED);
    arena.live--;
}

void *explore_realloc(void *old, size_t bytes)
{
    void *block = explore_alloc(bytes, 16, false);
    if (old) {
        size_t had = header_of(old)->bytes;
        explore_copy(block, old, had < bytes ? had : bytes);
        explore_free(old);
    }
    return block;
}

int64_t explore_live_blocks(void) { return arena.live; }

/* --- accesses --- */

static const char *const access_name[] = {"a plain read", "a plain write", "an atomic read", "an atomic write"};

static void report_race(uintptr_t addr, int access, const struct cell *c, const void *pc)
{
    char name[160];
    arena_name(addr, name, sizeof name);
    run_fail("data race", pc, "%s of %s and %s by %s: neither happens before the other", access_name[access], name,
             access_name[c->access], run_thread_name(c->thread));
}

static bool conflict(int a, int b)
{
    bool writes = (a | b) & 1, plain = a < ACCESS_ATOMIC_READ || b < ACCESS_ATOMIC_READ;
    return writes && plain;
}

static void record(uintptr_t addr, uint8_t mask, int access, const void *pc)
{
    struct granule *g = granule_at(addr);
    int thread = run_current();
    const struct clock *before = run_clock(thread);
    struct cell *mine = NULL;
    for (int i = 0; i < g->cells; i++) {
        struct cell *c = &g->cell[i];
        if (c->thread == thread) {
            if (c->access == access && c->mask == mask)
                mine = c;
        } else if ((c->mask & mask) && conflict(c->access, access) && before->at[c->thread] < c->epoch) {
            report_race(addr, access, c, pc);
        }
    }
    if (!mine) {
        if (g->cells == CELLS)
            run_fail("too large", pc, "more than %d kinds of access to one word", CELLS);
        mine = &g->cell[g->cells++];
        *mine = (struct cell){.thread = (uint8_t)thread, .access = (uint8_t)access, .mask = mask};
    }
    mine->epoch = run_epoch(thread);
}

static void check_alive(uintptr_t addr, size_t bytes, int access, const void *pc)
{
    char name[160];
    for (uintptr_t a = addr & ~(uintptr_t)(GRANULE - 1); a < addr + bytes; a += GRANULE)
        if (*state_at(a) != STATE_LIVE) {
            arena_name(addr, name, sizeof name);
            run_fail(*state_at(a) == STATE_FREED ? "use after free" : "wild access", pc, "%s of %s", access_name[access], name);
        }
}

void arena_access(uintptr_t addr, size_t bytes, int access, const void *pc)
{
    if (in_arena(addr))
        check_alive(addr, bytes, access, pc);
    if (!run_exploring() || run_current() < 0)
        return;
    while (bytes > 0) {
        unsigned offset = addr & (GRANULE - 1), n = GRANULE - offset;
        if (n > bytes)
            n = (unsigned)bytes;
        record(addr, (uint8_t)(((1u << n) - 1) << offset), access, pc);
        addr += n;
        bytes -= n;
    }
}

void arena_mark_atomic(uintptr_t addr) { granule_at(addr)->atomic = true; }

bool arena_has_atomic(uintptr_t addr, size_t bytes)
{
    for (uintptr_t a = addr & ~(uintptr_t)(GRANULE - 1); a < addr + bytes; a += GRANULE)
        if (granule_at(a)->atomic)
            return true;
    return false;
}

uint64_t arena_load(uintptr_t addr, unsigned size)
{
    uint64_t value = 0;
    memcpy(&value, (void *)addr, size);
    return value;
}

void arena_store(uintptr_t addr, unsigned size, uint64_t value)
{
    arena_save(addr, size);
    memcpy((void *)addr, &value, size);
}

/* --- names --- */

bool arena_is_static(uintptr_t addr) { return in_statics(addr); }

void arena_each_block(void (*look)(const struct block *))
{
    for (int part = 0; part < PARTS; part++)
        for (uintptr_t a = part_start(part) + 2 * HEADER; a < arena.next[part]; a += 16) {
            const struct header *h = header_of((void *)a);
            if (*state_at(a) == STATE_NONE || *state_at(a - HEADER) != STATE_NONE)
                continue;
            look(&(struct block){a, h->bytes ? h->bytes : 16, part, h->number});
        }
}
