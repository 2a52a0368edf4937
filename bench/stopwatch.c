/*
 * stopwatch.c -- the worker's latencies.
 */
#include "stopwatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"
#include "memory.h"
#include "pace.h"
#include "pacing.h"
#include "timing.h"

enum { STOPWATCH_LOOKS = 1001 }; /* at the clock, to learn what one costs */

void stopwatch_begin(struct sample_request *request)
{
    size_t bytes = (size_t)request->threads * sizeof request->pacing[0];

    if (request->pace.mode == PACE_OFF)
        return;
    request->pacing = aligned_alloc(_Alignof(struct pacing), bytes);
    if (!request->pacing)
        die("memory", errno);
    memset(request->pacing, 0, bytes);
}

static int stopwatch_order(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Median distance of two readings of the clock: what is in each recorded latency and is the harness's. */
static int64_t stopwatch_clock(void)
{
    int64_t distance[STOPWATCH_LOOKS], last = timing_now();

    for (int i = 0; i < STOPWATCH_LOOKS; i++) {
        int64_t now = timing_now();

        distance[i] = now - last;
        last = now;
    }
    qsort(distance, STOPWATCH_LOOKS, sizeof distance[0], stopwatch_order);
    return distance[STOPWATCH_LOOKS / 2];
}

/* Pairs of a bucket's highest value and its count, where there is one. */
static json_t *stopwatch_counts(const struct histogram *h)
{
    json_t *counts = json_array();

    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (h->bucket[i])
            json_array_append_new(counts, json_pack("[I, I]", (json_int_t)histogram_value(i), (json_int_t)h->bucket[i]));
    return counts;
}

/* How the rate was kept: the slowest thread's achievement, sums of the rest. */
static void stopwatch_add_rate(json_t *hist, const struct sample_request *request)
{
    double achieved = (double)request->pace.rate;
    uint64_t backlog = 0, unserved = 0, overslept = 0;
    int64_t worst = 0;

    for (int i = 0; i < request->threads; i++) {
        const struct pacing *p = &request->pacing[i];

        achieved = pacing_achieved(p) < achieved ? pacing_achieved(p) : achieved;
        backlog += p->backlog;
        unserved += p->unserved;
        overslept += p->overslept;
        worst = p->overslept_ns > worst ? p->overslept_ns : worst;
    }
    json_object_set_new(hist, "achieved", json_real(achieved));
    json_object_set_new(hist, "backlog", json_integer((json_int_t)backlog));
    json_object_set_new(hist, "unserved", json_integer((json_int_t)unserved));
    json_object_set_new(hist, "overslept", json_integer((json_int_t)overslept));
    json_object_set_new(hist, "overslept_ns", json_integer(worst));
}

void stopwatch_add_histogram(json_t *object, const struct histogram *h)
{
    json_object_set_new(object, "unit", json_string("ns"));
    json_object_set_new(object, "events", json_integer((json_int_t)h->count));
    json_object_set_new(object, "min", json_integer(h->min));
    json_object_set_new(object, "max", json_integer(h->max));
    json_object_set_new(object, "saturated", json_integer((json_int_t)h->saturated));
    json_object_set_new(object, "counts", stopwatch_counts(h));
}

json_t *stopwatch_json(const struct sample_request *request)
{
    struct histogram *sum;
    json_t *hist;

    if (!request->pacing)
        return json_null();
    sum = memory_alloc(1, sizeof *sum);
    for (int i = 0; i < request->threads; i++)
        histogram_merge(sum, &request->pacing[i].histogram);
    hist = pace_json(&request->pace);
    stopwatch_add_histogram(hist, sum);
    json_object_set_new(hist, "clock_ns", json_integer(stopwatch_clock()));
    if (request->pace.mode == PACE_FIXED)
        stopwatch_add_rate(hist, request);
    free(sum);
    return hist;
}

void stopwatch_end(struct sample_request *request)
{
    free(request->pacing);
    request->pacing = NULL;
}
