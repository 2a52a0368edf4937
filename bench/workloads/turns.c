/*
 * turns.c -- who runs when: threads that compute all the time, and `io` threads (the first ones) that mostly wait for something outside.
 *
 * A repetition is 20 ms from a begin that all threads share: longer than most switch intervals, or the wait at its end would calibrate it. A
 * computing thread adds 1 to an int object as long as it lasts. An I/O thread waits for a millisecond, detached (it sleeps, and spins for
 * the last 100 µs: os_wait_until), attaches, does 64 additions and waits again; how long it takes from the moment when its wait is over
 * until it is attached is its wait for the interpreter. Under a GIL that is about the switch interval.
 *
 * Facts, of the last round and the first I/O thread: io_requests, io_wait_median_ns, io_wait_p99_ns, io_wait_longest_ns.
 * With `trace` a file gets the last round's spans: "THREAD run|wait|io FROM TO" in ns from the round's begin. A computing thread ran where
 * no two batches are more than TURNS_GAP apart. Each thread checks its sum.
 */
#include "../workload.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TURNS_BATCH = 64, TURNS_REP_NS = 20000000, TURNS_IO_NS = 1000000, TURNS_GAP_NS = 30000, TURNS_SPANS = 4096, TURNS_WAITS = 1 << 16 };

enum turns_kind { TURNS_RUN, TURNS_WAIT, TURNS_IO };
struct turns_span {
    enum turns_kind kind;
    int64_t from, to;
};

/* One thread's own. */
struct turns_own {
    _Alignas(CACHE_LINE) struct turns_span *span; /* TURNS_SPANS of them, or NULL */
    int64_t *wait;                                /* TURNS_WAITS of them; I/O threads only */
    int64_t spans, waits, additions, wrong, begin;
};

struct turns {
    int io;
    bool traced;
    int64_t begin; /* of this round: thread 0's, before the barrier */
    struct turns_own *own;
};

/* --- set-up --- */

static void turns_teardown(struct work *w)
{
    struct turns *s = w->state;
    for (int i = 0; s->own && i < w->threads; i++) {
        os_free(s->own[i].span);
        os_free(s->own[i].wait);
    }
    os_free(s->own);
    os_free(s);
}

static bool turns_allocate(struct turns *s, int threads)
{
    for (int i = 0; i < threads; i++) {
        struct turns_own *own = &s->own[i];
        if (s->traced && !(own->span = os_alloc_zeroed(TURNS_SPANS, sizeof *own->span)))
            return false;
        if (i < s->io && !(own->wait = os_alloc_zeroed(TURNS_WAITS, sizeof *own->wait)))
            return false;
    }
    return true;
}

static int turns_setup(struct work *w)
{
    struct turns *s = work_state(sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    s->io = (int)work_int(w, "io");
    s->traced = *work_param(w, "trace");
    s->own = work_per_thread(w, sizeof *s->own);
    w->state = s;
    if (s->own && turns_allocate(s, w->threads))
        return 0;
    turns_teardown(w);
    err_memory();
    return -1;
}

/* --- running --- */

static void turns_note(struct turns_own *own, enum turns_kind kind, int64_t from, int64_t to)
{
    if (own->span && own->spans < TURNS_SPANS)
        own->span[own->spans++] = (struct turns_span){kind, from - own->begin, to - own->begin};
}

/* 0 + 1 + 1 …: 0, or -1. */
static int turns_add(struct turns_own *own)
{
    struct obj *one = int_new(1), *sum = int_new(0);
    int64_t value = -1;
    for (int i = 0; sum && one && i < TURNS_BATCH; i++) {
        struct obj *next = int_add(sum, one);
        obj_decref(sum);
        sum = next;
        rt_safepoint();
    }
    if (sum)
        int_value(sum, &value);
    obj_xdecref(one);
    obj_xdecref(sum);
    own->additions += TURNS_BATCH;
    own->wrong += value != TURNS_BATCH;
    return value < 0 ? -1 : 0;
}

static int turns_compute(struct turns_own *own, int64_t end)
{
    int64_t begin = os_now(), last = begin, now = begin;
    int failed = 0;
    while (now < end && !failed) {
        failed = turns_add(own);
        last = now;
        now = os_now();
        if (now - last > TURNS_GAP_NS) { /* it was off within this batch: the batch belongs to neither side */
            turns_note(own, TURNS_RUN, begin, last);
            begin = now;
        }
    }
    turns_note(own, TURNS_RUN, begin, now);
    return failed;
}

static int turns_wait(struct turns_own *own, int64_t end)
{
    int64_t now = os_now();
    int failed;
    do { /* at least once, however late it began */
        int64_t due = now + TURNS_IO_NS, got;
        thread_detach();
        int64_t over = os_wait_until(due);
        thread_attach();
        got = os_now();
        failed = turns_add(own);
        turns_note(own, TURNS_IO, now, over);
        turns_note(own, TURNS_WAIT, over, got);
        now = os_now();
        turns_note(own, TURNS_RUN, got, now);
        if (own->waits < TURNS_WAITS)
            own->wait[own->waits++] = got - over;
    } while (now < end && !failed);
    return failed;
}

static int64_t turns_run(struct work *w, int thread, uint64_t reps)
{
    struct turns *s = w->state;
    struct turns_own *own = &s->own[thread];
    own->spans = own->waits = own->additions = 0;
    if (thread == 0)
        s->begin = os_now();
    work_barrier(w);
    own->begin = s->begin;
    int64_t end = own->begin + (int64_t)reps * TURNS_REP_NS;
    int failed = thread < s->io ? turns_wait(own, end) : turns_compute(own, end);
    return failed ? -1 : own->additions;
}

/* --- what it found --- */

static int turns_compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void turns_facts(struct work *w, struct turns *s)
{
    struct turns_own *own = &s->own[0];
    if (own->waits == 0)
        return;
    qsort(own->wait, (size_t)own->waits, sizeof own->wait[0], turns_compare);
    work_fact(w, "io_requests", own->waits);
    work_fact(w, "io_wait_median_ns", own->wait[own->waits / 2]);
    work_fact(w, "io_wait_p99_ns", own->wait[own->waits * 99 / 100]);
    work_fact(w, "io_wait_longest_ns", own->wait[own->waits - 1]);
}

static bool turns_write(struct work *w, struct turns *s)
{
    static const char *const kinds[] = {[TURNS_RUN] = "run", [TURNS_WAIT] = "wait", [TURNS_IO] = "io"};
    FILE *file = fopen(work_param(w, "trace"), "we");
    if (!file)
        return work_wrong(w, "the trace cannot be written");
    for (int i = 0; i < w->threads; i++)
        for (int64_t k = 0; k < s->own[i].spans; k++) {
            struct turns_span *span = &s->own[i].span[k];
            fprintf(file, "%d %s %" PRId64 " %" PRId64 "\n", i, kinds[span->kind], span->from, span->to);
        }
    return fclose(file) == 0 || work_wrong(w, "the trace cannot be written");
}

static bool turns_check(struct work *w)
{
    struct turns *s = w->state;
    turns_facts(w, s);
    for (int i = 0; i < w->threads; i++)
        if (s->own[i].wrong)
            return work_wrong(w, "thread %d: %" PRId64 " sums were wrong", i, s->own[i].wrong);
    return !s->traced || turns_write(w, s);
}

static const struct param turns_params[] = {
    {"io", PARAM_INT, NULL, 0, RUNTIME_MAX_THREADS, "1", "threads, the first ones, that wait for a millisecond again and again; the others compute"},
    {"trace", PARAM_PATH, NULL, 0, 0, "", "a file that is there: takes who ran when in the last round"},
    {0},
};

static const struct joint turns_joint[] = {{NULL, NULL, "a repetition is a stretch of time"}, {0}};

static const struct workload workload_turns = {
    .info = {.name = "turns", .unit = "additions", .summary = "computing threads and threads that mostly wait: who runs when, how long a waiter waits",
             .params = turns_params, .joint = turns_joint},
    .setup = turns_setup,
    .run = turns_run,
    .check = turns_check,
    .teardown = turns_teardown,
};
