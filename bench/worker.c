/*
 * worker.c -- the hidden command `rclab worker FD ORDER`.
 */
#define _GNU_SOURCE 1
#include "worker.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callgrind.h"
#include "catalog.h"
#include "die.h"
#include "exits.h"
#include "hop.h"
#include "pace.h"
#include "samples.h"
#include "stopwatch.h"
#include "tally.h"

json_t *worker_order(const struct runtime *runtime, const struct sample_request *request)
{
    json_t *cpus = json_array(), *params = json_object();

    for (int i = 0; i < request->threads; i++)
        json_array_append_new(cpus, json_integer(request->cpu[i]));
    for (const struct param_value *param = request->params; param->name; param++)
        json_object_set_new(params, param->name, json_string(param->value));
    return json_pack("{s:s, s:b, s:s, s:i, s:I, s:I, s:I, s:o, s:o, s:o}", "strategy", runtime->name, "statistics",
                     runtime->statistics, "workload", request->workload, "threads", request->threads, "warmup_ns",
                     (json_int_t)request->warmup_ns, "min_ns", (json_int_t)request->min_ns, "seed",
                     (json_int_t)request->seed, "cpus", cpus, "params", params, "latency", pace_json(&request->pace));
}

/* The request borrows from the order. False if the order is not one. */
static bool worker_obey(json_t *order, struct sample_request *request, const struct runtime **runtime)
{
    const char *strategy, *name;
    int statistics;
    json_int_t warmup, min, seed;
    json_t *cpus, *params, *value;
    size_t used = 0;

    if (json_unpack(order, "{s:s, s:b, s:s, s:i, s:I, s:I, s:I, s:o, s:o}", "strategy", &strategy, "statistics", &statistics,
                    "workload", &request->workload, "threads", &request->threads, "warmup_ns", &warmup, "min_ns", &min,
                    "seed", &seed, "cpus", &cpus, "params", &params))
        return false;
    *runtime = catalog_runtime(strategy, statistics);
    if (!*runtime || !catalog_workload(*runtime, request->workload) || request->threads < 1 ||
        request->threads > RUNTIME_MAX_THREADS || json_object_size(params) >= RUNTIME_MAX_PARAMS ||
        !pace_take(json_object_get(order, "latency"), &request->pace))
        return false;
    request->warmup_ns = warmup;
    request->min_ns = min;
    request->seed = (uint64_t)seed;
    for (int i = 0; i < request->threads; i++)
        request->cpu[i] = (int)json_integer_value(json_array_get(cpus, (size_t)i));
    json_object_foreach(params, name, value)
        request->params[used++] = (struct param_value){.name = name, .value = json_string_value(value)};
    return true;
}

static json_t *worker_threads(const struct sample *sample)
{
    json_t *list = json_array();

    for (int i = 0; i < sample->threads; i++) {
        const struct thread_sample *t = &sample->thread[i];

        json_array_append_new(list, json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "cpu", t->cpu, "ops",
                                              (json_int_t)t->ops, "start_ns", (json_int_t)t->start_ns, "end_ns",
                                              (json_int_t)t->end_ns, "cpu_ns", (json_int_t)t->cpu_ns, "nvcsw",
                                              (json_int_t)t->nvcsw, "nivcsw", (json_int_t)t->nivcsw, "minflt",
                                              (json_int_t)t->minflt));
    }
    return list;
}

/* The values whose name begins with "lock_", or the others. */
static json_t *worker_values(const struct named_value *value, int count, bool locks)
{
    json_t *values = json_object();

    for (int i = 0; i < count; i++)
        if ((strncmp(value[i].name, "lock_", strlen("lock_")) == 0) == locks)
            json_object_set_new(values, value[i].name, json_integer(value[i].value));
    return values;
}

/* The totals, and beside them an object for each type: {"lock_acquired": 5, …, "list": {"acquired": 5, …}}. */
static json_t *worker_locks(const struct sample *sample)
{
    json_t *locks = worker_values(sample->counter, sample->counters, true);

    for (int i = 0; i < sample->lock_types; i++) {
        const struct lock_sample *lock = &sample->lock[i];
        json_t *type = json_object();

        for (int c = 0; c < lock->counters; c++)
            json_object_set_new(type, lock->counter[c].name, json_integer(lock->counter[c].value));
        json_object_set_new(type, "wait_longest_ns", json_integer(lock->wait_longest_ns));
        json_object_set_new(locks, lock->type, type);
    }
    return locks;
}

static json_t *worker_named(const struct named_value *value, int count)
{
    json_t *values = json_object();

    for (int i = 0; i < count; i++)
        json_object_set_new(values, value[i].name, json_integer(value[i].value));
    return values;
}

/* Nanoseconds a line takes between the CPUs of the first two threads; null if they have not got two, or run in turn. */
static json_t *worker_hop(const struct sample_request *request, bool callgrind)
{
    double ns;

    if (callgrind || request->threads < 2 || !hop_measure(request->cpu[0], request->cpu[1], &ns))
        return json_null();
    return json_real(round(ns * 10) / 10);
}

/* Peak memory of this process. Not ru_maxrss: that can inherit the driver's. null where /proc does not tell. */
static json_t *worker_peak(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    int64_t kib = -1;

    while (file && kib < 0 && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %" SCNd64, &kib) != 1)
            kib = -1;
    if (file)
        fclose(file);
    return kib < 0 ? json_null() : json_integer(kib);
}

/* What the collector of cycles did, and how long the world took to stop each time; null if it was off. */
static json_t *worker_collector(const struct sample_request *request, const struct sample *sample)
{
    json_t *collector, *stops;

    if (sample->collections == 0)
        return json_null();
    collector = worker_named(sample->collection, sample->collections);
    stops = json_object();
    stopwatch_add_histogram(stops, request->stops);
    json_object_set_new(collector, "stops", stops);
    return collector;
}

static json_t *worker_error(const struct sample *sample)
{
    return sample->error[0] ? samples_text(sample->error, strnlen(sample->error, sizeof sample->error)) : json_null();
}

static json_t *worker_report(const struct sample_request *request, const struct sample *sample, bool statistics,
                             const struct tally *tally)
{
    json_t *locks = statistics ? worker_locks(sample) : json_null();
    json_t *refcounts = statistics ? worker_values(sample->counter, sample->counters, false) : json_null();
    json_t *peaks = statistics ? worker_named(sample->peak, sample->peaks) : json_null();
    json_t *verify = json_pack("{s:b, s:b, s:b, s:I}", "result_ok", sample->result_ok, "may_be_wrong",
                               sample->result_may_be_wrong, "demonstration", sample->demonstration, "leaked", (json_int_t)sample->leaked);

    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "wall_ns",
                     (json_int_t)sample->wall_ns, "cpu_ns", (json_int_t)sample->cpu_ns, "drain_ns",
                     (json_int_t)sample->drain_ns, "ops", (json_int_t)sample->ops, "counted_ops",
                     (json_int_t)sample->counted_ops, "rss_peak_kib", worker_peak(), "verify",
                     verify, "threads", worker_threads(sample), "counters", tally_json(tally), "locks", locks, "refcounts",
                     refcounts, "peaks", peaks, "hist", stopwatch_json(request), "collector",
                     worker_collector(request, sample), "facts", worker_named(sample->fact, sample->facts), "error",
                     worker_error(sample));
}

static bool worker_locks_sane(const struct sample *sample)
{
    bool sane = sample->lock_types >= 0 && sample->lock_types <= RUNTIME_MAX_LOCKS;

    for (int i = 0; sane && i < sample->lock_types; i++)
        sane = sample->lock[i].type && sample->lock[i].counters >= 0 && sample->lock[i].counters <= RUNTIME_MAX_LOCK_COUNTERS;
    return sane;
}

static bool worker_count_sane(const struct sample *sample)
{
    return sample->threads >= 0 && sample->threads <= RUNTIME_MAX_THREADS && sample->counters >= 0 &&
           sample->counters <= RUNTIME_MAX_COUNTERS && sample->facts >= 0 && sample->facts <= RUNTIME_MAX_FACTS &&
           sample->collections >= 0 && sample->collections <= RUNTIME_MAX_COUNTERS && sample->peaks >= 0 && sample->peaks <= RUNTIME_MAX_COUNTERS && worker_locks_sane(sample);
}

int worker_main(int argc, char **argv)
{
    static struct sample sample;
    static struct sample_request request;
    static struct tally tally;
    static struct histogram stops;
    const struct runtime *runtime;
    json_t *order = argc == 3 ? json_loads(argv[2], 0, NULL) : NULL, *report, *before;
    bool callgrind = json_is_true(json_object_get(order, "callgrind"));
    int failed;

    if (!order || !worker_obey(order, &request, &runtime) ||
        !tally_begin(&tally, json_object_get(order, "count"), &perf_door_real, &request))
        die_usage("worker: usage: rclab worker FD ORDER; `rclab run` makes the orders");
    if (callgrind)
        callgrind_listen(&request);
    stopwatch_begin(&request);
    request.stops = &stops;
    request.allocation_map = getenv(WORKER_ALLOCATION_MAP);
    if (request.allocation_map && !runtime->statistics)
        die_usage("worker: %s: only an instance with statistics knows what lies where", WORKER_ALLOCATION_MAP);
    before = worker_hop(&request, callgrind);
    failed = runtime->run(&request, &sample);
    if (!failed && !worker_count_sane(&sample))
        die_usage("worker: %s returned a sample with impossible counts", runtime->name);
    report = failed ? json_pack("{s:o}", "error", worker_error(&sample))
                    : worker_report(&request, &sample, runtime->statistics, &tally);
    if (report)
        json_object_set_new(report, "hop_ns", json_pack("[o, o]", before, worker_hop(&request, callgrind)));
    if (!report || !samples_put(atoi(argv[1]), report))
        die("worker: report", errno);
    json_decref(report);
    json_decref(order);
    tally_end(&tally);
    stopwatch_end(&request);
    return failed ? 1 : EXITS_OK;
}
