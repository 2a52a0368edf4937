/*
 * scenario.h -- what the code under exploration may ask of the explorer: the one header that both sides include.
 *
 * Two sides. The instance unit (instance.c: rc/, objects/, gc/ and tests/scenarios/, compiled once per strategy with
 * -fsanitize=thread) and the engine (everything else in this folder, compiled without it). The instance reaches the engine through
 * the __tsan_* calls that the compiler puts before each access (hooks.c) and through the explore_* functions here.
 */
#ifndef EXPLORE_SCENARIO_H
#define EXPLORE_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCENARIO_THREADS = 4 }; /* bodies a scenario may have */

/* A scenario: what main does before, what the threads do at the same time, what must hold afterwards. */
struct scenario {
    const char *name;
    const char *summary;                  /* one line: what is asked of the strategy */
    const char *source;                   /* where the race comes from: "FIELD.md 3.7", a paper, an issue */
    void (*setup)(void);                  /* on main, attached, alone; may be NULL */
    void (*thread[SCENARIO_THREADS])(void); /* each on its own thread; the unused ones are NULL */
    void (*check)(void);                  /* on main, attached, after all have ended; may be NULL */
    const char *(*unfit)(void);           /* why this strategy cannot run it, or NULL; NULL: all can */
    bool bare;                            /* no runtime: the bodies use atomics alone (litmus tests) */
    bool large;                           /* a proof takes minutes: not with --quick */
    int track;                            /* enum track_policy; 0 is TRACK_OFF */
    int heap;                             /* enum heap_policy; 0 is HEAP_MALLOC, under which what is freed stays freed */
    int lock;                             /* enum lock_policy; 0 is LOCK_BY_BIAS */
    int borrowed;                         /* enum borrowed_policy; 0 is BORROWED_AUTO */
    int reads;                            /* enum reads_policy; 0 is READS_LOCKED */
    const char *label[SCENARIO_THREADS];  /* what a thread is called in a diagram; NULL: A, B, C, D */
    const char *const *outcomes;          /* litmus: every outcome that rc11 allows, as explore_outcome prints it, NULL at the end */
    const char *const *outcomes_sc;       /* the same under sc; NULL: not said */
    const char *fails;                    /* the kind of failure that must be found; NULL: none */
    bool fails_weak;                      /* interleavings alone do not show it: under sc there is none */
};

/* A member of something in memory, for people. */
struct explore_field {
    const char *name;
    size_t offset, bytes;
    void (*words)(uint64_t value, char *buf, size_t size); /* what a value means; NULL: a number, or what it points at */
};
/* Fields that stand together at an offset: a head, a lock. */
struct explore_part {
    const char *prefix; /* of the fields' names: "rc." */
    size_t offset;
    const struct explore_field *field;
    int fields;
};
/* What a block of memory is. */
struct explore_thing {
    char name[32];      /* an object's type; a thread's letter */
    char constant[32];  /* "int 5": what to call it if it is the runtime's own; "": by its name */
    bool numbered;      /* there may be several of that name */
    bool object;        /* its first part is the reference-count head */
    struct explore_part part[4];
    int parts;
};

/* What one instance unit offers, in the section explore_targets. */
struct explore_target {
    const char *strategy;
    const struct scenario *const *scenarios, *const *scenarios_end;
    void **(*self)(void);                                /* &rt_self, which is swapped at each switch */
    void (*start)(const struct scenario *, int threads); /* main, before everything: runtime, threads, setup */
    void (*body)(const struct scenario *, int thread);   /* what thread number `thread` runs */
    void (*finish)(const struct scenario *, int threads);/* main, afterwards: check, end of threads, drain, leak check */
    void (*survey)(void);                                /* after start: notes whose struct thread is whose; may be NULL */
    /* Says what the block is; false: it does not know. Touches nothing that would be noticed. May be NULL. */
    bool (*identify)(const void *block, size_t bytes, struct explore_thing *thing);
    const int64_t *runtime_objects;                      /* so many objects were there before setup; NULL: none */
    const char *(*bounds)(void);                         /* the capacities it was compiled with: they bound what was proved */
    bool unsafe;                                         /* wrong answers are expected: run when it is asked for by name */
};

/* --- for scenarios --- */

/* Ends the execution as failed when the condition is false. */
#define EXPLORE_CHECK(condition) \
    ((condition) ? (void)0 : explore_fail_at("assertion", __FILE__, __LINE__, #condition " is false"))
_Noreturn void explore_fail_at(const char *kind, const char *file, int line, const char *text);

/* Litmus: names the outcome of this execution (printf-like; at most 63 characters). In check(). */
__attribute__((format(printf, 1, 2))) void explore_outcome(const char *format, ...);

/* The number given with --seed. */
uint64_t explore_seed(void);

/* --- for os.h --- */

enum explore_rmw { RMW_ADD, RMW_SUB, RMW_AND, RMW_OR, RMW_XOR, RMW_NAND, RMW_XCHG, RMW_PUSH, RMW_POP };
/* What an access belongs to, for people; the engine itself asks the operation alone. */
enum explore_part_of { PART_NONE, PART_LOCK, PART_UNLOCK, PART_QUEUE, PART_WAKE, PART_WAKE_ALL, PART_SLEEP, PART_AWAIT };
enum explore_fence { FENCE_LIGHT = -1, FENCE_OTHERS = -2 };

/* A queue of waiting threads in one 64-bit word, four bits each, the longest waiting lowest. */
void explore_queue_push(_Atomic uint64_t *queue);          /* the calling thread waits */
void explore_queue_pop(_Atomic uint64_t *queue);           /* the longest waiting one does not any more */
void explore_queue_clear(_Atomic uint64_t *queue);
void explore_queue_await(_Atomic uint64_t *queue);         /* until the calling thread is not in it */
void explore_lock(_Atomic uint32_t *word);                 /* acquire: waits for 0, makes it 1 */
void explore_unlock(_Atomic uint32_t *word);
void explore_await_zero(_Atomic uint32_t *word);           /* acquire */
_Atomic uint64_t *explore_side(const void *addr);          /* two zeroed words that belong to the address */
void explore_fence(enum explore_fence kind);
/* The caller found in what it read last that it has to wait: it goes on when that has changed. */
void explore_yield(void);
int explore_self(void);                                    /* 0: main; 1 …: threads, then helpers */
int explore_threads(void);
const char *explore_thread_name(int self); /* as explore_self counts */
int explore_spawn(void *(*body)(void *), void *arg);       /* in setup only: a helper; its number, or -1 */
void explore_join(int helper);                             /* in finish only */
int64_t explore_now(void);
bool explore_times_out(void);                              /* a wait with a limit: the thread's first one may */
bool explore_spurious(void);                               /* something happens for no reason: see --spurious */

void *explore_alloc(size_t bytes, size_t align, bool zeroed); /* never NULL */
void *explore_realloc(void *old, size_t bytes);
void explore_free(void *block);
void explore_copy(void *to, const void *from, size_t bytes);
void explore_fill(void *to, int byte, size_t bytes);
/* Blocks alive now; for the leak check. */
int64_t explore_live_blocks(void);

#endif
