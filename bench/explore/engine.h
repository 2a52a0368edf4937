/*
 * engine.h -- the explorer's own data: events, execution graphs, operations; who may call whom.
 *
 *     explore.c   command line ── search.c (all graphs)  walk.c (one interleaving after another: brute force, PCT, replay)
 *                                        └───────── run.c (runs one execution; threads as coroutines) ────────┘
 *     hooks.c     the compiler's calls ──────────────────┘ │
 *     graph.c     events, clocks, modification order       model.c  which reads and places the memory model allows
 *     arena.c     arena, freed and plain memory, races     coroutine.c, switch.S  stacks
 *     trace.c     the steps of a failing execution, noted while it is followed once more
 *     things.c    what an address is called and what a value means     source.c  where a call stands in the source
 *     lanes.c, stepper.c  the trace for people: columns of text, a page with a stepper
 *
 * One OS thread runs all of it. An event is what a thread did to shared memory with an atomic access, a fence, or a primitive of os.h;
 * plain accesses are no events: they are checked for races (arena.c) and, where there is none, have one possible result.
 */
#ifndef EXPLORE_ENGINE_H
#define EXPLORE_ENGINE_H

#include "scenario.h"
#include <stdatomic.h>

enum { CLOCKS = 8 };       /* threads: scenario bodies and helpers; thread numbers here begin at 0, explore_self() at 1 */
enum { EVENTS_MAX = 2000 }; /* of one execution; more is a failure ("too long") */
enum { INIT = -1 };        /* what a read reads from when it reads the value from before all events */

/* Per thread, how many of its events. */
struct clock {
    uint16_t at[CLOCKS];
};

/* PLAIN_STORE: to a location that has atomic events. CHOICE: what the world decides (spurious failures, who is woken); it has no
 * location. */
enum kind { LOAD, STORE, RMW, CAS, FENCE, PLAIN_STORE, CHOICE };
enum await { AWAIT_NONE, AWAIT_EQUAL, AWAIT_ABSENT };    /* the value read must equal operand; must not contain thread operand */

/* What a thread wants to do. */
struct op {
    uint8_t kind, size;
    int8_t order;             /* memory_order_*, or enum explore_fence */
    int8_t order_failure;     /* CAS */
    uint8_t rmw;              /* enum explore_rmw */
    uint8_t await;            /* enum await; LOAD and CAS. While it does not hold, the thread goes no further */
    uint8_t part_of;          /* enum explore_part_of: for people */
    int32_t location;         /* FENCE, CHOICE: -1 */
    uint64_t operand;         /* STORE: the value; CAS: desired */
    uint64_t expected;        /* CAS; CHOICE: of how many */
    const void *pc;
};

struct event {
    struct op op;
    uint8_t thread;
    bool reads, writes;       /* RMW and successful CAS: both */
    uint16_t index;           /* of its thread, from 1 */
    int16_t from;             /* reads: the event it reads from, or INIT */
    int16_t mo;               /* writes: place in the location's modification order, from 1; INIT is 0 */
    uint64_t read, written;   /* CHOICE: written is what was chosen */
    struct clock hb;          /* what happens before it, itself included */
    struct clock porf;        /* the same for (program order ∪ reads-from)+ */
    struct clock message;     /* writes: what an acquiring reader gets to know (release sequences included) */
    struct clock pending;     /* what its thread read relaxed and would know after an acquire fence */
    struct clock released;    /* hb of the thread's last release fence */
};

/* Events in the order in which they were added. */
struct graph {
    int length;
    struct event event[];
};

enum model { MODEL_RC11, MODEL_SC };

struct location {
    uintptr_t addr;
    uint8_t size;
};

struct limits {
    uint64_t schedules;   /* 0: none */
    double seconds;       /* 0: none */
    int spins;            /* how often a thread yields in vain before it waits for good */
    int spurious;         /* per thread: wakes and failures of compare-and-swap for no reason */
    int preemptions;      /* walk.c: -1: any number */
};

struct failure {
    char kind[32];        /* "data race", "use after free", "deadlock" … */
    char text[400];
    const void *pc;       /* where; NULL: see text */
    int thread;
};

struct counts {
    uint64_t schedules;   /* executions that ran to their end */
    uint64_t blocked;     /* that did not: a thread waits for a value that another schedule gives it */
    uint64_t points;      /* scheduling points: events executed, replayed ones included */
    uint64_t hooks;       /* calls by the compiler's instrumentation */
    double seconds;
};

/* --- graph.c --- */
extern enum model model;
extern struct graph *graph; /* the one being built; room for EVENTS_MAX */
const struct location *location_at(int location);
int location_of(uintptr_t addr, unsigned size);      /* makes it known; a mixed-size access is a failure */
int location_find(uintptr_t addr);                   /* the one that begins there and has events in this execution, or -1 */
int location_count(void);
uint64_t location_init(int location);                /* the value from before all events of this execution */
void location_set_init(int location, uint64_t value);
bool location_has_init(int location);
void locations_begin_execution(void);

bool clock_covers(const struct clock *c, const struct event *e);
void clock_join(struct clock *c, const struct clock *other);

const struct event *graph_before(const struct graph *g, int event); /* the one of the same thread before it; NULL: none */
struct event *graph_last_of(struct graph *g, int thread); /* NULL: none */
int graph_last_mo(const struct graph *g, int location);
/* The event in that place, or INIT. */
int graph_at_mo(const struct graph *g, int location, int mo);
int graph_mo_of(const struct graph *g, int event);   /* INIT: 0 */
/* The RMW that reads from `event` in `location`, or INIT. `but` is not looked at. */
int graph_rmw_from(const struct graph *g, int location, int event, int but);
/* Evaluates reads, writes, read, written of an event whose `from` is set; computes its clocks. */
void event_evaluate(struct graph *g, int event);
/* Adds the next event of `thread`: reads are taken from `from` (INIT …), a write gets place `mo` (others move up). For what both
 * reads and writes the place follows. Returns its number. */
int graph_add(struct graph *g, int thread, const struct op *op, int from, int mo);
void graph_remove_last(struct graph *g);
void graph_insert_mo(struct graph *g, int event, int mo);
struct graph *graph_copy(const struct graph *g);
/* A copy without the events that `keep` says no to (both ends of every edge are kept or dropped); map: old → new. */
struct graph *graph_restrict(const struct graph *g, const bool *keep, int *map);
uint64_t graph_hash(const struct graph *g);
bool op_holds(const struct op *op, uint64_t read); /* false: what it awaits is not so, the thread waits */
bool op_swaps(const struct op *op, uint64_t read);  /* a CAS that reads this succeeds */
uint64_t graph_value(const struct graph *g, int location, int event); /* INIT: the value from before all events */
uint64_t op_rmw(const struct op *op, uint64_t old); /* what a read-modify-write leaves */

/* --- model.c --- */
/* The least place in modification order that a new event of `thread` at `location` may read from, by coherence. */
int model_least_mo(struct graph *g, int thread, int location);
/* The same for an event before which that much has happened. */
int model_least_mo_after(const struct graph *g, const struct clock *before, int location);
/* Was consistent before the events in `added` got the edges that they have now. */
bool model_consistent(const struct graph *g, const int *added, int count);
bool model_sc_before(const struct graph *g, int event, int other); /* po ∪ rf ∪ mo ∪ rb */
/* Candidates of a new operation, best first: sources of a read, places of a write. Returns how many. */
struct choice {
    int from, mo;
};
int model_choices(struct graph *g, int thread, const struct op *op, struct choice *out, int room);

/* --- run.c --- */
struct run {
    const struct explore_target *target;
    const struct scenario *scenario;
    const struct limits *limits;
    int threads;          /* bodies */
    int helpers;          /* after them */
    struct failure failure;
    bool failed;
    bool patient;               /* a thread that has yielded too often goes on when there is something newer to read */
    char outcome[64];
    struct counts counts;
    int steps;                  /* events of this execution in the order in which they ran */
    int16_t order[EVENTS_MAX];
};
extern struct run run;

/* Called for the next operation of `thread` when it is not in the graph yet: adds one event, returns its number. */
typedef int (*run_extend)(int thread, const struct op *op);
/* Which thread goes on when all of the graph has been replayed: one for which run_ready() is true, or -1: none. */
typedef int (*run_next)(void);

void run_open(const struct explore_target *t, const struct scenario *s);
enum run_end { RUN_COMPLETE, RUN_BLOCKED, RUN_FAILED };
enum run_end run_execute(run_extend extend, run_next next);
bool run_ready(int thread);                     /* it has a next operation, and is not waiting */
const struct op *run_pending(int thread);       /* that operation, if it is known already, else NULL */
int run_last_read(int thread);                  /* event or INIT */
bool run_waits(int thread);                     /* has not ended */
/* The thread has yielded since it read there, and would read nothing newer: it would yield for ever. */
bool run_repeats(int thread, const struct op *op, int from);
int run_thread_count(void);                     /* bodies and helpers */
const char *run_thread_name(int thread);
void run_fail(const char *kind, const void *pc, const char *format, ...) __attribute__((format(printf, 3, 4), noreturn));
int run_current(void);                          /* thread number, -1: main */
bool run_exploring(void);
uint64_t run_choose(int of, const void *pc);    /* 0 … of - 1: every one is explored */
bool run_spurious(const void *pc);              /* something happens for no reason, within limits.spurious */
uint64_t run_step(struct op *op, bool *satisfied);
void run_plain_done(void);                      /* the value of the last PLAIN_STORE is there */
void run_wait_native(void);                     /* lets others run; fails when nobody can */
void run_native_access(void);                   /* counts; fails when it has been too many */
const struct clock *run_clock(int thread);      /* what happened before its next access */
uint16_t run_epoch(int thread);                 /* the index of its next event */

/* --- arena.c --- */
enum { ACCESS_READ = 0, ACCESS_WRITE = 1, ACCESS_ATOMIC_READ = 2, ACCESS_ATOMIC_WRITE = 3 };
void arena_open(void);
void arena_snapshot(void);                     /* what is there now is what every execution begins with */
void arena_restore(void);
bool arena_is_shared(uintptr_t addr);
void arena_access(uintptr_t addr, size_t bytes, int access, const void *pc); /* checks for races and freed memory */
void arena_save(uintptr_t addr, size_t bytes); /* before a store: for arena_restore */
void arena_mark_atomic(uintptr_t addr);
bool arena_has_atomic(uintptr_t addr, size_t bytes);
void arena_name(uintptr_t addr, char *buf, size_t size); /* "list#1.rc.shared": things.c */
struct block {
    uintptr_t at;
    size_t bytes;
    int part;          /* 0: main's, then the threads' */
    uint64_t number;   /* in that part, from 1 */
};
void arena_each_block(void (*look)(const struct block *));  /* in the order of part and number, freed ones included */
bool arena_is_static(uintptr_t addr);
uint64_t arena_load(uintptr_t addr, unsigned size);
void arena_store(uintptr_t addr, unsigned size, uint64_t value);

/* --- hooks.c --- */
/* The address that a word of explore_side belongs to, and which of the two it is; NULL: it is none. */
const void *side_belongs_to(uintptr_t addr, int *word);

/* --- coroutine.c --- */
void coroutine_open(int number, void (*body)(int), int arg);
void coroutine_resume(int number);              /* from main */
void coroutine_pause(void);                     /* back to main */
void coroutine_save(int number);                /* a paused one: as it is now … */
void coroutine_restore(int number);             /* … is how it goes on next time */
bool coroutine_is_stack(uintptr_t addr);
bool coroutine_is_own_stack(uintptr_t addr);     /* of the one that runs */

/* --- search.c, walk.c: drivers. True: all done within the limits and no failure. --- */
enum verdict { VERDICT_PROVED, VERDICT_FAILED, VERDICT_BUDGET };
enum verdict search_all(const struct limits *limits, void (*on_complete)(void));
enum verdict walk_all(const struct limits *limits, void (*on_complete)(void));
enum verdict walk_random(const struct limits *limits, uint64_t seed, int depth, void (*on_complete)(void));
/* Runs what the printed schedule says. */
enum verdict walk_replay(const char *schedule);
/* Runs what the current graph says, in the order of run.order, one step after another. Afterwards walk_schedule() is its printed
 * form. False: it did not fail again. */
bool walk_follow(void);
/* The walk that has just failed, once more. */
bool walk_again(void);
const char *walk_schedule(void);
double engine_now(void);

#endif
