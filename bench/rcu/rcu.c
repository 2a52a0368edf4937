/*
 * rcu.c -- what liburcu's flavours cost: the figures behind the choice of objects/retire.h. scripts/rcu-benchmark compiles and runs it; it
 * is no part of the driver or of what is measured there.
 *
 *     none, memb, mb, qsbr/1, qsbr/1000    (qsbr/N: a quiescent state after every N reads, as at a safepoint)
 *
 * The read side: one thread reads a pointer and what it points to, RCU_READS times, each read in a section of its own; `none` is the same loop
 * without sections. The grace period: one thread replaces the block that is read, waits for a grace period and spoils the old block,
 * again and again, while a second thread
 *
 *     rests       is registered and asleep, outside any section (qsbr: offline, as a detached thread is)
 *     reads       in sections of its own, one after the other
 *     computes    for RCU_COMPUTES_NS at a time, outside any section, and comes to a quiescent state then
 *
 * In every round each case is measured once, in an order that begins one case later each time; a first round is not counted. The
 * figures are the medians over the rounds. The answer: no reader ever sees a spoiled block; exit 4 if one does.
 * Ordering: (U1) the block is published with a release, which (U2) a reader's acquire sees; (U3) the grace period orders all accesses of
 * the sections before it and the spoiling after it.
 */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define _LGPL_SOURCE /* sections inline, as in rc/os.h */
#include <urcu/urcu-mb.h>
#include <urcu/urcu-memb.h>
#include <urcu/urcu-qsbr.h>

enum {
    RCU_READS = 1 << 20,       /* in one measurement of the read side: some ms */
    RCU_CHUNK = 10000,         /* reads of the second thread from one look at the end to the next: a multiple of every N */
    RCU_GRACES = 16,           /* grace periods from one look at the clock to the next */
    RCU_MOST_ROUNDS = 1000,
    RCU_COMPUTES_NS = 1000000,
    RCU_GRACE_NS = 20000000,   /* one measurement of grace periods */
    RCU_SPOILED = -1,
};

struct block {
    _Atomic int64_t value; /* of 0, or RCU_SPOILED */
} __attribute__((aligned(64)));

/* What two threads share in one measurement. */
struct stage {
    struct block block[2];
    _Atomic(struct block *) current __attribute__((aligned(64)));
    _Atomic bool stop __attribute__((aligned(64)));
    const struct flavour *flavour;
    int other;                /* what the second thread does */
    sem_t begun, end;
    int64_t wrong;            /* spoiled blocks that the second thread saw */
};

struct flavour {
    const char *name;
    int64_t (*read)(struct stage *stage, int64_t reads); /* how many spoiled blocks it saw */
    void (*start)(void), (*stop)(void);                  /* of a thread that reads; NULL: nobody need know of it */
    void (*rest)(void), (*resume)(void);                 /* around sleep; NULL: nothing */
    void (*quiet)(void);                                 /* a quiescent state; NULL: there is none */
    void (*synchronize)(void);                           /* NULL: none, nothing to measure */
};

enum { OTHER_RESTS, OTHER_READS, OTHER_COMPUTES, OTHERS };

static int64_t rcu_now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* --- the flavours: one loop, which each has inline --- */

static void rcu_nothing(void) {}

static inline __attribute__((always_inline)) int64_t rcu_read(struct stage *stage, int64_t reads, int every, void (*lock)(void),
                                                              void (*unlock)(void), void (*quiet)(void))
{
    int64_t wrong = 0;
    int left = every;

    for (int64_t i = 0; i < reads; i++) {
        lock();
        struct block *block = atomic_load_explicit(&stage->current, memory_order_acquire);   /* (U2) */
        wrong += atomic_load_explicit(&block->value, memory_order_relaxed) == RCU_SPOILED;   /* relaxed: (U3) orders it */
        unlock();
        if (every && --left == 0) {
            quiet();
            left = every;
        }
    }
    return wrong;
}

static int64_t none_read(struct stage *stage, int64_t reads) { return rcu_read(stage, reads, 0, rcu_nothing, rcu_nothing, rcu_nothing); }

static int64_t memb_read(struct stage *stage, int64_t reads)
{
    return rcu_read(stage, reads, 0, urcu_memb_read_lock, urcu_memb_read_unlock, rcu_nothing);
}

static int64_t mb_read(struct stage *stage, int64_t reads)
{
    return rcu_read(stage, reads, 0, urcu_mb_read_lock, urcu_mb_read_unlock, rcu_nothing);
}

static int64_t qsbr_read_1(struct stage *stage, int64_t reads)
{
    return rcu_read(stage, reads, 1, urcu_qsbr_read_lock, urcu_qsbr_read_unlock, urcu_qsbr_quiescent_state);
}

static int64_t qsbr_read_1000(struct stage *stage, int64_t reads)
{
    return rcu_read(stage, reads, 1000, urcu_qsbr_read_lock, urcu_qsbr_read_unlock, urcu_qsbr_quiescent_state);
}

static void qsbr_rest(void) { urcu_qsbr_thread_offline(); }
static void qsbr_resume(void) { urcu_qsbr_thread_online(); }
static void qsbr_quiet(void) { urcu_qsbr_quiescent_state(); }

static const struct flavour flavours[] = {
    {.name = "none", .read = none_read},
    {.name = "memb", .read = memb_read, .start = urcu_memb_register_thread, .stop = urcu_memb_unregister_thread,
     .synchronize = urcu_memb_synchronize_rcu},
    {.name = "mb", .read = mb_read, .start = urcu_mb_register_thread, .stop = urcu_mb_unregister_thread,
     .synchronize = urcu_mb_synchronize_rcu},
    {.name = "qsbr/1", .read = qsbr_read_1, .start = urcu_qsbr_register_thread, .stop = urcu_qsbr_unregister_thread,
     .rest = qsbr_rest, .resume = qsbr_resume, .quiet = qsbr_quiet, .synchronize = urcu_qsbr_synchronize_rcu},
    {.name = "qsbr/1000", .read = qsbr_read_1000, .start = urcu_qsbr_register_thread, .stop = urcu_qsbr_unregister_thread,
     .rest = qsbr_rest, .resume = qsbr_resume, .quiet = qsbr_quiet, .synchronize = urcu_qsbr_synchronize_rcu},
};
enum { FLAVOURS = sizeof flavours / sizeof flavours[0], CASES = FLAVOURS * (1 + OTHERS) };

/* --- one measurement --- */

static void rcu_call(void (*step)(void))
{
    if (step)
        step();
}

/* Thread number `index` on the CPU of that number among those that are allowed; with fewer they share. */
static void rcu_pin(int index)
{
    cpu_set_t allowed, one;
    int cpus, seen = 0;

    if (sched_getaffinity(getpid(), sizeof allowed, &allowed) != 0)
        return;
    cpus = CPU_COUNT(&allowed);
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed) && seen++ == index % cpus)
            CPU_SET(cpu, &one);
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

static bool stage_stopped(struct stage *stage)
{
    return atomic_load_explicit(&stage->stop, memory_order_relaxed); /* relaxed: nothing is read after it but this thread's own */
}

static void stage_compute(const struct flavour *flavour)
{
    int64_t end = rcu_now() + RCU_COMPUTES_NS;

    while (rcu_now() < end)
        ;
    rcu_call(flavour->quiet);
}

static void *stage_other(void *arg)
{
    struct stage *stage = arg;
    const struct flavour *flavour = stage->flavour;

    rcu_pin(1);
    rcu_call(flavour->start);
    if (stage->other == OTHER_RESTS)
        rcu_call(flavour->rest);
    sem_post(&stage->begun);
    while (stage->other != OTHER_RESTS && !stage_stopped(stage)) {
        if (stage->other == OTHER_READS)
            stage->wrong += flavour->read(stage, RCU_CHUNK);
        else
            stage_compute(flavour);
    }
    if (stage->other == OTHER_RESTS) {
        sem_wait(&stage->end);
        rcu_call(flavour->resume);
    }
    rcu_call(flavour->stop);
    return NULL;
}

static void stage_begin(struct stage *stage, const struct flavour *flavour)
{
    memset(stage, 0, sizeof *stage);
    stage->flavour = flavour;
    atomic_store_explicit(&stage->current, &stage->block[0], memory_order_relaxed); /* relaxed: there is no other thread yet */
}

/* The block that is read becomes the other one; what nobody can be reading any more is spoiled. */
static void stage_replace(struct stage *stage, int64_t number)
{
    struct block *next = &stage->block[(number + 1) % 2], *old = &stage->block[number % 2];

    atomic_store_explicit(&next->value, 0, memory_order_relaxed);       /* relaxed: published by (U1) */
    atomic_store_explicit(&stage->current, next, memory_order_release); /* (U1) */
    stage->flavour->synchronize();                                      /* (U3) */
    atomic_store_explicit(&old->value, RCU_SPOILED, memory_order_relaxed); /* relaxed: after (U3) */
}

/* ns of one read; what was seen of spoiled blocks is added to *wrong. */
static double rcu_measure_read(const struct flavour *flavour, int64_t *wrong)
{
    struct stage stage;
    int64_t start;

    stage_begin(&stage, flavour);
    rcu_call(flavour->start);
    start = rcu_now();
    *wrong += flavour->read(&stage, RCU_READS);
    double ns = (double)(rcu_now() - start) / RCU_READS;
    rcu_call(flavour->stop);
    return ns;
}

/* ns of one grace period while a second thread does `other`. */
static double rcu_measure_grace(const struct flavour *flavour, int other, int64_t *wrong)
{
    struct stage stage;
    pthread_t thread;
    int64_t start, elapsed, graces = 0;

    stage_begin(&stage, flavour);
    stage.other = other;
    sem_init(&stage.begun, 0, 0);
    sem_init(&stage.end, 0, 0);
    if (pthread_create(&thread, NULL, stage_other, &stage) != 0) {
        perror("rcu: pthread_create");
        exit(2);
    }
    sem_wait(&stage.begun);
    start = rcu_now();
    do {
        for (int i = 0; i < RCU_GRACES; i++)
            stage_replace(&stage, graces++);
        elapsed = rcu_now() - start;
    } while (elapsed < RCU_GRACE_NS);
    atomic_store_explicit(&stage.stop, true, memory_order_relaxed); /* relaxed: see stage_stopped */
    sem_post(&stage.end);
    pthread_join(thread, NULL);
    *wrong += stage.wrong;
    return (double)elapsed / (double)graces;
}

/* --- rounds and tables --- */

/* Case i: of flavour i % FLAVOURS the read side, then the grace period with each kind of second thread. */
static double rcu_measure(int i, int64_t *wrong)
{
    const struct flavour *flavour = &flavours[i % FLAVOURS];
    int kind = i / FLAVOURS;

    if (kind == 0)
        return rcu_measure_read(flavour, wrong);
    return flavour->synchronize ? rcu_measure_grace(flavour, kind - 1, wrong) : 0;
}

static int rcu_ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double rcu_median(const double *values, int count)
{
    double sorted[RCU_MOST_ROUNDS];

    memcpy(sorted, values, (size_t)count * sizeof sorted[0]);
    qsort(sorted, (size_t)count, sizeof sorted[0], rcu_ascending);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static double rcu_deviation(const double *values, int count)
{
    double off[RCU_MOST_ROUNDS], median = rcu_median(values, count);

    for (int i = 0; i < count; i++)
        off[i] = values[i] > median ? values[i] - median : median - values[i];
    return rcu_median(off, count);
}

/* Above the loop without sections, by the differences within each round. */
static double rcu_above(const double *values, const double *none, int count)
{
    double above[RCU_MOST_ROUNDS];

    for (int i = 0; i < count; i++)
        above[i] = values[i] - none[i];
    return rcu_median(above, count);
}

static void rcu_print_reads(double (*result)[RCU_MOST_ROUNDS], int rounds)
{
    printf("\n%-10s %8s %8s %13s\n", "READ SIDE", "NS/READ", "MAD", "ABOVE NONE");
    for (int f = 0; f < FLAVOURS; f++) {
        printf("%-10s %8.2f %8.2f ", flavours[f].name, rcu_median(result[f], rounds), rcu_deviation(result[f], rounds));
        if (f == 0)
            printf("%13s\n", "-");
        else
            printf("%10.2f ns\n", rcu_above(result[f], result[0], rounds));
    }
}

static void rcu_print_graces(double (*result)[RCU_MOST_ROUNDS], int rounds)
{
    printf("\n%-12s %26s %26s %26s\n", "GRACE PERIOD", "2ND THREAD RESTS", "READS", "COMPUTES");
    for (int f = 0; f < FLAVOURS; f++) {
        if (!flavours[f].synchronize)
            continue;
        printf("%-12s", flavours[f].name);
        for (int other = 0; other < OTHERS; other++) {
            const double *values = result[(1 + other) * FLAVOURS + f];

            printf(" %13.3f us (MAD %6.3f)", rcu_median(values, rounds) / 1000, rcu_deviation(values, rounds) / 1000);
        }
        putchar('\n');
    }
}

static int rcu_rounds(int argc, char **argv)
{
    char *end = NULL;
    long rounds = argc == 2 ? strtol(argv[1], &end, 10) : 0;

    if (argc != 2 || *argv[1] == '\0' || *end || rounds < 1 || rounds > RCU_MOST_ROUNDS) {
        fprintf(stderr, "rcu: rounds %s: allowed is a whole number from 1 to %d\n", argc > 1 ? argv[1] : "''", RCU_MOST_ROUNDS);
        exit(2);
    }
    return (int)rounds;
}

int main(int argc, char **argv)
{
    static double result[CASES][RCU_MOST_ROUNDS];
    int rounds = rcu_rounds(argc, argv);
    int64_t wrong = 0;

    rcu_pin(0);
    for (int round = -1; round < rounds; round++)
        for (int i = 0; i < CASES; i++) {
            int chosen = (i + round + CASES) % CASES;
            double ns = rcu_measure(chosen, &wrong);

            if (round >= 0)
                result[chosen][round] = ns;
        }
    if (wrong) {
        fprintf(stderr, "rcu: readers saw %" PRId64 " blocks after their grace period\n", wrong);
        return 4;
    }
    rcu_print_reads(result, rounds);
    rcu_print_graces(result, rounds);
    return 0;
}
