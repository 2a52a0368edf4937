/*
 * page_latency.c -- a cell's latencies for the page: the percentiles of latency.h, as numbers and as texts.
 */
#include "page_latency.h"

#include <stdlib.h>

#include "latency.h"
#include "memory.h"

static json_t *page_latency_percentiles(const struct latency *latency)
{
    json_t *list = json_array();

    for (int i = 0; i < LATENCY_PERCENTILES; i++) {
        int64_t ns = latency_percentile(latency, i);
        char *text = latency_text(ns);

        if (ns >= 0)
            json_array_append_new(list, json_pack("{s:f, s:s, s:f, s:s}", "p", latency_percentiles[i].share, "heading",
                                                  latency_percentiles[i].heading, "value", (double)ns, "text", text));
        free(text);
    }
    return list;
}

json_t *page_latency_cell(const struct result_cell *cell)
{
    struct latency *latency = memory_alloc(1, sizeof *latency);
    json_t *found = NULL;

    if (latency_merge(latency, cell))
        found = json_pack("{s:s, s:I, s:o}", "unit", "ns", "events", (json_int_t)latency->histogram.count, "percentiles",
                          page_latency_percentiles(latency));
    free(latency);
    return found;
}
