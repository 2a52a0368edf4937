/*
 * test_page.c -- the figures that only the page has: percentiles of merged histograms; and what it says of a row.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "page_latency.h"
#include "page_words.h"

/* A cell of samples that carry these histograms, as JSON texts; NULL ends them. */
static struct result_cell make_cell(const char *const *hist)
{
    struct result_cell cell = {.strategy = "gil"};

    for (; *hist; hist++) {
        json_t *record = json_object();

        json_object_set_new(record, "hist", json_loads(*hist, 0, NULL));
        cell.observation = realloc(cell.observation, (cell.observations + 1) * sizeof cell.observation[0]);
        cell.observation[cell.observations++] = (struct observation){.status = RESULTS_OK, .record = record};
    }
    return cell;
}

static void free_cell(struct result_cell *cell)
{
    for (size_t i = 0; i < cell->observations; i++)
        json_decref(cell->observation[i].record);
    free(cell->observation);
}

/* Below 0 where it is left out. */
static double percentile(const json_t *latency, const char *heading)
{
    size_t i;
    json_t *item;

    json_array_foreach(json_object_get(latency, "percentiles"), i, item)
        if (strcmp(json_string_value(json_object_get(item, "heading")), heading) == 0)
            return json_real_value(json_object_get(item, "value"));
    return -1;
}

Test(page_latency, percentiles_are_of_all_samples_together)
{
    /* 1 … 1000, the odd ones in one sample and the even ones in the other, not in order */
    json_t *odd = json_array(), *even = json_array();
    json_t *first = json_pack("{s:s, s:o}", "unit", "ns", "counts", odd);
    json_t *second = json_pack("{s:s, s:o}", "unit", "ns", "counts", even);

    for (int i = 1000; i >= 1; i--)
        json_array_append_new(i % 2 ? odd : even, json_pack("[i, i]", i, 1));
    char *texts[] = {json_dumps(first, 0), json_dumps(second, 0), NULL};
    struct result_cell cell = make_cell((const char *const *)texts);
    json_t *latency = page_latency_cell(&cell);

    cr_assert_eq(json_integer_value(json_object_get(latency, "events")), 1000);
    cr_assert_eq(percentile(latency, "P50"), 501, "500 is in the bucket of 500 and 501");
    cr_assert_eq(percentile(latency, "P90"), 903, "900 … 903");
    cr_assert_eq(percentile(latency, "P99"), 991, "988 … 991");
    cr_assert_eq(percentile(latency, "P99.9"), -1, "no p99.9 below 10,000 events");
    json_decref(latency);
    free_cell(&cell);
    json_decref(first);
    json_decref(second);
    free(texts[0]);
    free(texts[1]);
}

Test(page_latency, tail_is_told_from_ten_thousand_events_on)
{
    static const char *const texts[] = {"{\"unit\":\"ns\",\"counts\":[[5,9990],[700,10]]}", NULL};
    struct result_cell cell = make_cell(texts);
    json_t *latency = page_latency_cell(&cell);

    cr_assert_eq(percentile(latency, "P99"), 5);
    cr_assert_eq(percentile(latency, "P99.9"), 5);
    cr_assert_eq(percentile(latency, "P99.99"), -1);
    json_decref(latency);
    free_cell(&cell);
}

Test(page_latency, what_is_no_histogram_is_left_out)
{
    static const char *const texts[] = {"{}", "{\"unit\":7,\"counts\":[[1,1]]}", "{\"unit\":\"ns\",\"counts\":[]}",
                                        "{\"unit\":\"ns\",\"counts\":[3,[],[\"x\",1],[5,-1],[5,0],[5,99999999999]]}", NULL};
    struct result_cell cell = make_cell(texts);

    cr_assert_null(page_latency_cell(&cell));
    free_cell(&cell);
}

Test(page_words, reference_against_itself_has_its_own_name)
{
    struct result_cell cell = {.strategy = "gil", .aa = true};
    char *name = page_words_series(&cell);

    cr_assert_str_eq(name, "gil (A/A)");
    free(name);
}

Test(page_words, summary_names_ratio_interval_and_place)
{
    json_t *params = json_pack("{s:s}", "n", "27");
    struct results results = {.reference = "gil"};
    struct result_cell cell = {.strategy = "biased", .workload = "fib", .threads = 2, .params = params};
    struct row row = {.cell = &cell, .verdict = VERDICT_FASTER, .ratio = 3.57, .interval = {true, 3.51, 3.64}};
    struct report_group group = {.results = &results, .row = &row, .rows = 1};
    json_t *summary = page_words_summary(&group, 1);
    json_t *item = json_array_get(json_object_get(json_array_get(summary, 0), "items"), 0);

    cr_assert_str_eq(json_string_value(json_object_get(item, "kind")), "faster");
    cr_assert_str_eq(json_string_value(json_object_get(item, "text")),
                     "faster than gil in 1 of 1 comparison: 3.57× [3.51 … 3.64] (fib, 2 threads)");
    json_decref(summary);
    json_decref(params);
}
