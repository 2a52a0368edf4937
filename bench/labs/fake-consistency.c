/*
 * fake-consistency.c -- ten threads, `result *= base` in each, nothing that protects it: right every time, and why that means nothing.
 *
 * Three ways to do the same ten multiplications: as the original does (a thread is started, multiplies once and is done); all threads held at
 * a barrier until the last one is there; many multiplications and divisions in each thread. The shared double is plain in all three, but for
 * relaxed atomics: they compile to the same load and store, and a compiler may not keep the value in a register meanwhile.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../die.h"
#include "lab.h"

enum { FAKE_THREADS = 10, FAKE_LOADS = 20000, FAKE_TRIALS_MOST = 100000, FAKE_KEPT = 33 };
static const double FAKE_BASE = 3.14;

enum fake_way { FAKE_AT_ONCE, FAKE_BARRIER, FAKE_LONG, FAKE_WAYS };

static struct fake {
    enum fake_way way;
    _Atomic double result;
    _Atomic int inside, peak; /* threads that are multiplying; the most at once */
    pthread_barrier_t barrier;
    int64_t begin[FAKE_THREADS], end[FAKE_THREADS];
} fake;

/* When the threads of one trial worked. */
struct fake_times {
    int64_t begin[FAKE_THREADS], end[FAKE_THREADS], first, length;
};

static void fake_multiply(double by)
{
    double was = atomic_load_explicit(&fake.result, memory_order_relaxed); /* relaxed: a plain load, see the file's head */

    atomic_store_explicit(&fake.result, was * by, memory_order_relaxed); /* relaxed: as above */
}

static void fake_enter(void)
{
    int inside = atomic_fetch_add_explicit(&fake.inside, 1, memory_order_relaxed) + 1; /* relaxed: a figure to show */
    int peak = atomic_load_explicit(&fake.peak, memory_order_relaxed);                 /* relaxed: as above */

    while (peak < inside &&
           !atomic_compare_exchange_weak_explicit(&fake.peak, &peak, inside, memory_order_relaxed, memory_order_relaxed)) /* as above */
        ;
}

static void fake_work(void)
{
    for (int i = 0; fake.way == FAKE_LONG && i < FAKE_LOADS; i++) {
        fake_multiply(FAKE_BASE);
        fake_multiply(1 / FAKE_BASE);
    }
    fake_multiply(FAKE_BASE);
}

static void *fake_body(void *argument)
{
    size_t number = (size_t)argument;

    if (fake.way != FAKE_AT_ONCE)
        pthread_barrier_wait(&fake.barrier);
    fake.begin[number] = lab_now();
    fake_enter();
    fake_work();
    atomic_fetch_sub_explicit(&fake.inside, 1, memory_order_relaxed); /* relaxed: a figure to show */
    fake.end[number] = lab_now();
    return NULL;
}

/* One trial; the product is off by a factor `base` or more, so no rounding decides. */
static bool fake_trial(enum fake_way way)
{
    pthread_t thread[FAKE_THREADS];
    double expected = 1, found;
    int error;

    fake.way = way;
    atomic_store_explicit(&fake.result, 1, memory_order_relaxed); /* relaxed: no thread is there */
    atomic_store_explicit(&fake.peak, 0, memory_order_relaxed);   /* relaxed: as above */
    pthread_barrier_init(&fake.barrier, NULL, FAKE_THREADS);
    for (size_t i = 0; i < FAKE_THREADS; i++) {
        error = pthread_create(&thread[i], NULL, fake_body, (void *)i);
        if (error)
            die("threads of a lab", error);
        expected *= FAKE_BASE;
    }
    for (size_t i = 0; i < FAKE_THREADS; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&fake.barrier);
    found = atomic_load_explicit(&fake.result, memory_order_relaxed) / expected; /* relaxed: all have ended */
    return found > 0.9 && found < 1.1;
}

static const char *const fake_names[FAKE_WAYS] = {"one multiplication each, as they start", "the same, all held at a barrier first",
                                                  "40001 operations each, after the barrier"};

struct fake_count {
    int trials, wrong, peak;
    struct fake_times kept[FAKE_KEPT]; /* of the first trials */
};

static void fake_keep(struct fake_times *kept)
{
    int64_t last = fake.end[0];

    memcpy(kept->begin, fake.begin, sizeof kept->begin);
    memcpy(kept->end, fake.end, sizeof kept->end);
    kept->first = fake.begin[0];
    for (int i = 0; i < FAKE_THREADS; i++) {
        kept->first = fake.begin[i] < kept->first ? fake.begin[i] : kept->first;
        last = fake.end[i] > last ? fake.end[i] : last;
    }
    kept->length = last - kept->first;
}

static void fake_repeat(enum fake_way way, int64_t ns, struct fake_count *count)
{
    for (int64_t until = lab_now() + ns; lab_now() < until && count->trials < FAKE_TRIALS_MOST; count->trials++) {
        count->wrong += !fake_trial(way);
        if (count->trials < FAKE_KEPT)
            fake_keep(&count->kept[count->trials]);
        if (atomic_load_explicit(&fake.peak, memory_order_relaxed) > count->peak) /* relaxed: all have ended */
            count->peak = atomic_load_explicit(&fake.peak, memory_order_relaxed); /* relaxed: as above */
    }
}

static int fake_compare(const void *a, const void *b)
{
    const struct fake_times *x = a, *y = b;

    return (x->length > y->length) - (x->length < y->length);
}

/* Of the trials that were kept the one in the middle, by length. */
static const struct fake_times *fake_middle(struct fake_count *count)
{
    int kept = count->trials < FAKE_KEPT ? count->trials : FAKE_KEPT;

    qsort(count->kept, (size_t)kept, sizeof count->kept[0], fake_compare);
    return &count->kept[kept / 2];
}

static void fake_draw(struct lab_run *run, const char *caption, const struct fake_times *times)
{
    lab_timeline(run, caption, 0, times->length);
    lab_legend(run, LAB_RUN, "from its first to its last statement");
    for (int i = 0; i < FAKE_THREADS; i++) {
        char name[] = "thread 0";

        name[sizeof name - 2] = (char)('0' + i);
        lab_lane(run, name);
        lab_span(run, LAB_RUN, times->begin[i] - times->first, times->end[i] - times->first);
    }
}

static void fake_show_short(struct lab_run *run, const struct fake_times *times)
{
    struct lab_series length = {0};

    for (int i = 0; i < FAKE_THREADS; i++)
        lab_add(&length, (double)(times->end[i] - times->begin[i]));
    lab_figure(run, "a thread's own work takes", lab_median(&length), "ns", lab_mad(&length));
    lab_figure(run, "from the first thread's work to the last one's end", (double)times->length, "ns", -1);
    fake_draw(run, "Ten threads that multiply once, as they start", times);
}

static void fake_run(struct lab_run *run)
{
    static struct fake_count count[FAKE_WAYS];

    for (int way = 0; way < FAKE_WAYS; way++)
        fake_repeat((enum fake_way)way, lab_share(run, 0.3), &count[way]);
    fake_show_short(run, fake_middle(&count[FAKE_AT_ONCE]));
    fake_draw(run, "The same with 40001 operations each, after a barrier", fake_middle(&count[FAKE_LONG]));
    lab_table(run, "Ten threads, one product, no protection", "way|>trials|>wrong|>most threads at once");
    for (int way = 0; way < FAKE_WAYS; way++)
        lab_row(run, "%s|%d|%d|%d", fake_names[way], count[way].trials, count[way].wrong, count[way].peak);
    lab_answer(run, count[FAKE_AT_ONCE].wrong == 0 ? 'a' : 10 * count[FAKE_AT_ONCE].wrong < count[FAKE_AT_ONCE].trials ? 'b' : 'c');
    if (count[FAKE_LONG].wrong && 10 * count[FAKE_AT_ONCE].wrong < count[FAKE_AT_ONCE].trials)
        lab_shown(run, "%d of %d short trials were wrong, and %d of %d long ones, of the same unprotected statement",
                  count[FAKE_AT_ONCE].wrong, count[FAKE_AT_ONCE].trials, count[FAKE_LONG].wrong, count[FAKE_LONG].trials);
    else
        lab_not_shown(run, "%d of %d short trials and %d of %d long ones were wrong: the threads hardly met%s", count[FAKE_AT_ONCE].wrong,
                      count[FAKE_AT_ONCE].trials, count[FAKE_LONG].wrong, count[FAKE_LONG].trials, lab_cpus(run) < 2 ? ", there is one CPU" : "");
}

LAB(.number = 2, .run = fake_run);
