/*
 * faulty_runtime.c -- runtimes that fail in every way a worker can, and one that does not: linked with the driver into a
 * program of its own (rclab-faulty), so that tests/driver/run.sh sees what the driver makes of them.
 */
#define _GNU_SOURCE 1
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../bench/pacing.h"
#include "../../bench/runtime.h"

enum { FAULTY_OPS_PER_MS = 1000, FAULTY_EXIT = 3 };

static const struct param faulty_params[] = {
    {.name = "n", .kind = PARAM_INT, .min = 1, .max = 40, .fallback = "20", .help = "does nothing"},
    {.name = "shared", .kind = PARAM_CHOICE, .choices = "counted|immortal", .fallback = "counted", .help = "does nothing"},
    {0},
};
static const struct workload_info faulty_fib = {
    .name = "fib", .unit = "calls", .summary = "sleeps and counts", .params = faulty_params};
static const struct workload_info faulty_race = {
    .name = "race", .unit = "steps", .summary = "wrong by design", .params = NULL, .racy_by_design = true};
static const struct joint faulty_joint[] = {{.param = NULL, .value = NULL, .why = "they march in step"}, {0}};
static const struct workload_info faulty_march = {
    .name = "march", .unit = "steps", .summary = "all threads together", .params = NULL, .joint = faulty_joint};
static const struct workload_info *const faulty_workloads[] = {&faulty_fib, &faulty_race, &faulty_march, NULL};

/* Latencies that are known: of 5000 requests of a thread ten take 50 us, the others 1 us. A rate of more than 10,000 a second is
 * kept by half, and leaves a hundred requests behind. */
static void faulty_latencies(const struct sample_request *request)
{
    for (int i = 0; request->pacing && i < request->threads; i++) {
        struct pacing *p = &request->pacing[i];

        p->rate = request->pace.rate;
        p->requests = 5000;
        histogram_record(&p->histogram, 1000, 4990);
        histogram_record(&p->histogram, 50000, 10);
        if (p->rate > 10000) {
            p->end_ns = 2 * pacing_offset(p->rate, p->requests);
            p->unserved = p->overslept = 7;
            p->backlog = 100;
            p->overslept_ns = 2000000;
        }
    }
}

enum { FAULTY_FILL_MS = 900 };
static void *volatile faulty_kept; /* so that memory is really taken */

/* A sample as it should be: exactly the time asked for, the same work in every process. */
static void faulty_sound(const struct sample_request *request, struct sample *sample)
{
    int64_t wall = request->min_ns > 0 ? request->min_ns : 1000000;
    struct timespec pause = {.tv_sec = wall / 1000000000, .tv_nsec = wall % 1000000000};

    nanosleep(&pause, NULL);
    sample->wall_ns = wall;
    sample->cpu_ns = wall;
    sample->result_ok = true;
    sample->threads = request->threads;
    for (int i = 0; i < request->threads; i++) {
        sample->thread[i] =
            (struct thread_sample){.cpu = request->cpu[i], .ops = (uint64_t)wall / 1000000 * FAULTY_OPS_PER_MS, .end_ns = wall};
        sample->ops += sample->thread[i].ops;
    }
    sample->fact[sample->facts++] = (struct named_value){"answer", 42};
    faulty_latencies(request);
}

static int faulty_run_sound(const struct sample_request *request, struct sample *sample)
{
    faulty_sound(request, sample);
    if (request->workload[0] == 'r') {
        sample->result_ok = false;
        sample->result_may_be_wrong = true;
    }
    return 0;
}

/* A second one, for comparisons under threads. */
static int faulty_run_twin(const struct sample_request *request, struct sample *sample)
{
    return faulty_run_sound(request, sample);
}

/* Its counters cover a warm-up as long as the measured part. Each process waits longer for its lock than the one before. */
static int faulty_run_stats(const struct sample_request *request, struct sample *sample)
{
    faulty_sound(request, sample);
    int64_t counted = 2 * (int64_t)sample->ops;

    sample->counted_ops = (uint64_t)counted;
    sample->counter[sample->counters++] = (struct named_value){"incref", 2 * counted};
    sample->counter[sample->counters++] = (struct named_value){"lock_acquired", counted / 4};
    sample->lock[sample->lock_types++] = (struct lock_sample){
        .type = "list", .counters = 1, .counter = {{"acquired", counted / 4}}, .wait_longest_ns = getpid()};
    sample->peak[sample->peaks++] = (struct named_value){"deferred_bytes", getpid()};
    return 0;
}

static int faulty_run_crash(const struct sample_request *request, struct sample *sample)
{
    (void)request;
    (void)sample;
    fputs("last words\n", stderr);
    signal(SIGSEGV, SIG_DFL); /* also under a sanitizer, which would catch it */
    raise(SIGSEGV);
    return 0;
}

static int faulty_run_exit(const struct sample_request *request, struct sample *sample)
{
    (void)request;
    (void)sample;
    _exit(FAULTY_EXIT);
}

static int faulty_run_error(const struct sample_request *request, struct sample *sample)
{
    (void)request;
    snprintf(sample->error, sizeof sample->error, "out of faults");
    return -1;
}

static int faulty_run_hang(const struct sample_request *request, struct sample *sample)
{
    (void)request;
    (void)sample;
    for (;;)
        pause();
    return 0;
}

static int faulty_run_wrong(const struct sample_request *request, struct sample *sample)
{
    faulty_sound(request, sample);
    sample->result_ok = false;
    snprintf(sample->error, sizeof sample->error, "the sum was 41");
    return 0;
}

static int faulty_run_leak(const struct sample_request *request, struct sample *sample)
{
    faulty_sound(request, sample);
    sample->leaked = 7;
    return 0;
}

/* A quarter of a mebibyte for each millisecond that is measured, but of no more than so many. */
static int faulty_keep(const struct sample_request *request, struct sample *sample, int64_t most)
{
    int64_t ms = request->min_ns / 1000000;

    for (ms = ms < most ? ms : most; ms > 0; ms--) {
        char *block = malloc(1 << 18);

        if (block)
            memset(block, 1, 1 << 18);
        faulty_kept = block;
    }
    faulty_sound(request, sample);
    return 0;
}
static int faulty_run_grow(const struct sample_request *request, struct sample *sample)
{
    return faulty_keep(request, sample, INT64_MAX);
}
/* Up to a bound of 7 to 9 times what cell 0 of seed 1 measures (114 ms): three looks see what they see without it, a fourth not. */
static int faulty_run_fill(const struct sample_request *request, struct sample *sample)
{
    return faulty_keep(request, sample, FAULTY_FILL_MS);
}

static int faulty_run_unsafe(const struct sample_request *request, struct sample *sample)
{
    return request->threads > 1 ? faulty_run_wrong(request, sample) : faulty_run_sound(request, sample);
}

#define FAULTY(identifier, text, bits, stats)                                                                             \
    static const struct runtime identifier##_runtime = {.name = text,                                                     \
                                                        .summary = "a fake",                                              \
                                                        .traits = bits,                                                   \
                                                        .statistics = stats,                                              \
                                                        .head_bytes = 8,                                                  \
                                                        .int_bytes = 32,                                                  \
                                                        .workloads = faulty_workloads,                                    \
                                                        .run = faulty_run_##identifier};                                  \
    static const struct runtime *const identifier##_entry __attribute__((used, section("rclab_runtimes"))) =              \
        &identifier##_runtime;

FAULTY(sound, "sound", 0, false)
FAULTY(twin, "twin", 0, false)
FAULTY(stats, "sound", 0, true)
FAULTY(crash, "faulty-crash", 0, false)
FAULTY(exit, "faulty-exit", 0, false)
FAULTY(error, "faulty-error", 0, false)
FAULTY(hang, "faulty-hang", 0, false)
FAULTY(wrong, "faulty-wrong", 0, false)
FAULTY(leak, "faulty-leak", 0, false)
FAULTY(grow, "faulty-grow", 0, false)
FAULTY(fill, "faulty-fill", 0, false)
FAULTY(unsafe, "faulty-unsafe", RUNTIME_UNSAFE, false)
