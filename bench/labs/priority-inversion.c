/*
 * priority-inversion.c -- an urgent thread that waits for a lock waits for whoever keeps the lock's holder from running.
 *
 * Staged first, on one CPU: the logger takes a lock, golden wants it, and a middle thread that wants no lock is busy; once with a plain mutex, once with
 * one that lends the waiter's priority. All three stamp what they do. Then workload golden, on objects: who shares what with the logger,
 * with a middle thread and without one, under the GIL and without it.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lab.h"

enum { INVERSION_MS = 1000000, INVERSION_GAPS = 64, INVERSION_GAP_NS = 200000 };
enum { INVERSION_LOGGER, INVERSION_MIDDLE, INVERSION_GOLDEN, INVERSION_THREADS }; /* in the order of their urgency */

/* CPU time of the logger under the lock; of the middle thread; when golden and the middle thread wake up, counted from the logger's lock. */
static const int64_t INVERSION_HOLD_NS = 6 * INVERSION_MS, INVERSION_BUSY_NS = 20 * INVERSION_MS;
static const int64_t INVERSION_GOLDEN_NS = 1 * INVERSION_MS, INVERSION_MIDDLE_NS = 2 * INVERSION_MS;

/* When a thread had a CPU: stretches without a gap of more than INVERSION_GAP_NS. */
struct inversion_ran {
    int count;
    int64_t from[INVERSION_GAPS], to[INVERSION_GAPS];
};

static struct inversion {
    pthread_mutex_t mutex;
    pthread_barrier_t locked;
    int64_t begin, wanted, got, left; /* the logger has the lock; golden */
    struct inversion_ran ran[INVERSION_THREADS];
    int cpu;
    bool fifo; /* of golden */
} inversion;

/* Like os_urgency (rc/os.h): SCHED_FIFO, or else nice values. */
static bool inversion_urgency(int urgency)
{
    struct sched_param parameters = {.sched_priority = 1 + urgency};

    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters) == 0)
        return true;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 5 * (INVERSION_GOLDEN - urgency));
    return false;
}

static int64_t inversion_cpu_time(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

static void inversion_sleep_until(int64_t when)
{
    struct timespec t = {.tv_nsec = 0};

    for (int64_t left; (left = when - lab_now()) > 0;) {
        t.tv_sec = left / 1000000000;
        t.tv_nsec = left % 1000000000;
        nanosleep(&t, NULL);
    }
}

/* Uses `ns` of CPU time, and notes when it had them. */
static void inversion_work(struct inversion_ran *ran, int64_t ns)
{
    int64_t end = inversion_cpu_time() + ns, now = lab_now();

    ran->from[0] = ran->to[0] = now;
    ran->count = 1;
    while (inversion_cpu_time() < end) {
        now = lab_now();
        if (now - ran->to[ran->count - 1] > INVERSION_GAP_NS && ran->count < INVERSION_GAPS)
            ran->from[ran->count++] = now;
        ran->to[ran->count - 1] = now;
    }
}

static void inversion_golden(void)
{
    inversion_sleep_until(inversion.begin + INVERSION_GOLDEN_NS);
    inversion.wanted = lab_now();
    pthread_mutex_lock(&inversion.mutex);
    inversion.got = lab_now();
    inversion_work(&inversion.ran[INVERSION_GOLDEN], INVERSION_MS);
    inversion.left = lab_now();
    pthread_mutex_unlock(&inversion.mutex);
}

static void inversion_body(void *arg, int thread)
{
    cpu_set_t set;

    (void)arg;
    CPU_ZERO(&set);
    CPU_SET((size_t)inversion.cpu, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set); /* all three on one CPU */
    if (inversion_urgency(thread) && thread == INVERSION_GOLDEN)
        inversion.fifo = true;
    if (thread == INVERSION_LOGGER) {
        pthread_mutex_lock(&inversion.mutex);
        inversion.begin = lab_now();
    }
    pthread_barrier_wait(&inversion.locked);
    if (thread == INVERSION_LOGGER) {
        inversion_work(&inversion.ran[thread], INVERSION_HOLD_NS);
        pthread_mutex_unlock(&inversion.mutex);
    } else if (thread == INVERSION_GOLDEN) {
        inversion_golden();
    } else {
        inversion_sleep_until(inversion.begin + INVERSION_MIDDLE_NS);
        inversion_work(&inversion.ran[thread], INVERSION_BUSY_NS);
    }
}

/* --- the staged one, drawn --- */

static void inversion_draw_ran(struct lab_run *run, int thread, enum lab_kind kind)
{
    const struct inversion_ran *ran = &inversion.ran[thread];

    for (int i = 0; i < ran->count; i++)
        lab_span(run, kind, ran->from[i] - inversion.begin, ran->to[i] - inversion.begin);
}

static void inversion_draw(struct lab_run *run, const char *caption)
{
    const struct inversion_ran *logger = &inversion.ran[INVERSION_LOGGER], *middle = &inversion.ran[INVERSION_MIDDLE];
    int64_t end = middle->to[middle->count - 1];

    lab_timeline(run, caption, 0, (end > inversion.left ? end : inversion.left) - inversion.begin);
    lab_legend(run, LAB_WAIT, "waits for the lock");
    lab_legend(run, LAB_HOLD, "runs, with the lock");
    lab_legend(run, LAB_MOVE, "has the lock and no CPU");
    lab_legend(run, LAB_RUN, "runs, without the lock");
    lab_lane(run, "golden");
    lab_span(run, LAB_WAIT, inversion.wanted - inversion.begin, inversion.got - inversion.begin);
    lab_span(run, LAB_HOLD, inversion.got - inversion.begin, inversion.left - inversion.begin);
    lab_lane(run, "middle");
    inversion_draw_ran(run, INVERSION_MIDDLE, LAB_RUN);
    lab_lane(run, "logger");
    inversion_draw_ran(run, INVERSION_LOGGER, LAB_HOLD);
    for (int i = 1; i < logger->count; i++)
        lab_span(run, LAB_MOVE, logger->to[i - 1] - inversion.begin, logger->from[i] - inversion.begin);
}

/* How long golden waited, ms; below 0: there is no such mutex here. */
static double inversion_stage(struct lab_run *run, int protocol, const char *caption)
{
    pthread_mutexattr_t attributes;
    int error;

    pthread_mutexattr_init(&attributes);
    error = pthread_mutexattr_setprotocol(&attributes, protocol);
    if (!error)
        error = pthread_mutex_init(&inversion.mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    if (error)
        return -1;
    pthread_barrier_init(&inversion.locked, NULL, INVERSION_THREADS);
    lab_threads(run, INVERSION_THREADS, inversion_body, NULL);
    pthread_barrier_destroy(&inversion.locked);
    pthread_mutex_destroy(&inversion.mutex);
    inversion_draw(run, caption);
    return (double)(inversion.got - inversion.wanted) / INVERSION_MS;
}

/* --- on objects --- */

static const char *const inversion_guards[] = {"object", "mutex", "inherit", "atomic"};
static const char *const inversion_decades[] = {"under 10 us", "10 to 100 us", "0.1 to 1 ms", "1 to 10 ms", "over 10 ms"};
enum { INVERSION_GUARDS = 4, INVERSION_DECADES = 5, INVERSION_CELLS = 16 };

/* The period is longer than a switch interval: with a shorter one golden could never catch up under the GIL. */
#define INVERSION_WORDS                                                                                                       \
    "-W golden -s gil,biased -t 2,3 -L guard=object,mutex,inherit,atomic -L period=1000 -L burst=8000 -L switch-interval=200"

static const char *inversion_key(char *key, size_t size, const char *strategy, int threads, const char *guard)
{
    bool named = guard != inversion_guards[0]; /* a key leaves out what is the default */

    snprintf(key, size, "golden/%s/t%d/%s%s%speriod=1000,burst=8000,switch-interval=200", strategy, threads, named ? "guard=" : "",
             named ? guard : "", named ? "," : "");
    return key;
}

/* A fact of one cell, the median of its samples; NaN if it has none. */
static double inversion_fact(const struct results *results, const char *key, const char *fact)
{
    struct lab_series series = {0};

    lab_facts(results, key, fact, &series);
    return lab_median(&series);
}

/* "12.3", or "–": too few lines for that percentile. */
static const char *inversion_us(char *text, size_t size, double ns)
{
    snprintf(text, size, "%.1f", ns / 1000);
    return ns >= 0 ? text : "–";
}

static void inversion_rows(struct lab_run *run, const struct results *results, const char *strategy, int threads)
{
    char key[128], p50[32], p90[32], p99[32], max[32];

    for (int g = 0; g < INVERSION_GUARDS; g++) {
        inversion_key(key, sizeof key, strategy, threads, inversion_guards[g]);
        lab_row(run, "%s|%s|%s|%s|%s|%s|%s", strategy, inversion_guards[g], threads == 3 ? "yes" : "no",
                inversion_us(p50, sizeof p50, inversion_fact(results, key, "p50 ns")), inversion_us(p90, sizeof p90, inversion_fact(results, key, "p90 ns")),
                inversion_us(p99, sizeof p99, inversion_fact(results, key, "p99 ns")), inversion_us(max, sizeof max, inversion_fact(results, key, "max ns")));
    }
}

static void inversion_histogram(struct lab_run *run, const struct results *results, const char *guard)
{
    char key[128], caption[128];

    inversion_key(key, sizeof key, "biased", 3, guard);
    snprintf(caption, sizeof caption, "Golden's lines by lateness: biased, guard=%s, a middle thread", guard);
    lab_bars(run, caption, "lines");
    for (int d = 0; d < INVERSION_DECADES; d++)
        lab_bar(run, inversion_decades[d], inversion_fact(results, key, inversion_decades[d]), -1, NULL);
}

static void inversion_objects(struct lab_run *run)
{
    static const char *const strategies[] = {"gil", "biased"};
    const struct results *results;
    char key[128];

    for (int s = 0; s < 2; s++)
        if (!lab_needs_strategy(run, strategies[s]))
            return;
    results = lab_measure(run, 1, (int)(lab_share(run, 0.6) / INVERSION_MS / INVERSION_CELLS) + 1, INVERSION_WORDS);
    if (!results)
        return;
    lab_table(run, "Golden wants a line every 1000 us; the logger writes 200 lines at a time. How late golden's lines are, us",
              "strategy|shared|middle thread|>p50|>p90|>p99|>worst");
    for (int s = 0; s < 2; s++)
        for (int threads = 2; threads <= 3; threads++)
            inversion_rows(run, results, strategies[s], threads);
    for (int g = 0; g < INVERSION_GUARDS; g++)
        inversion_histogram(run, results, inversion_guards[g]);
    inversion_key(key, sizeof key, "biased", 3, "mutex");
    lab_say(run, "Urgency here: %s. A percentile has ten lines above it, or stands as –: p99 needs some `--seconds 60`.",
            inversion_fact(results, key, "fifo") > 0 ? "SCHED_FIFO" : "nice values, since SCHED_FIFO is not allowed");
}

static void inversion_run(struct lab_run *run)
{
    double busy = (double)INVERSION_BUSY_NS / INVERSION_MS, plain, inherited;

    inversion.cpu = sched_getcpu();
    lab_say(run, "Staged, on one CPU. The logger has taken the lock and needs 6 ms. After 1 ms golden wants it; after 2 ms the middle thread has 20 ms of "
                 "work, without the lock.");
    plain = inversion_stage(run, PTHREAD_PRIO_NONE, "A plain mutex");
    inherited = inversion_stage(run, PTHREAD_PRIO_INHERIT, "A mutex with priority inheritance");
    lab_figure(run, "golden waited, plain mutex", plain, "ms", -1);
    lab_figure(run, "golden waited, priority inheritance", inherited, "ms", -1);
    lab_figure(run, "SCHED_FIFO (1) or nice values (0)", inversion.fifo, "", -1);
    lab_answer(run, plain > busy ? 'b' : plain > 1 ? 'a' : 'c');
    inversion_objects(run);
    if (inherited < 0)
        lab_not_shown(run, "this system has no mutex with priority inheritance");
    else if (plain > busy && inherited < busy / 2)
        lab_shown(run, "golden waited %.1f ms for a lock that is held for 6 ms, and %.1f ms with priority inheritance (%s)", plain, inherited,
                  inversion.fifo ? "SCHED_FIFO" : "nice values");
    else
        lab_not_shown(run, "golden waited %.1f ms, and %.1f ms with priority inheritance%s", plain, inherited,
                      inversion.fifo ? ": the CPU was taken away from all three" : ": SCHED_FIFO is not allowed here, and nice values only share the CPU out unevenly");
}

LAB(.number = 11, .run = inversion_run);
