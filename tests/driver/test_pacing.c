/*
 * test_pacing.c -- when requests begin and what is recorded of them, on a clock that a script moves: no time passes.
 */
#include <criterion/criterion.h>

#include "../../bench/pace.h"
#include "../../bench/pacing.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)

enum { NEVER = -1 };

/* A server of one thread, and its world. */
struct script {
    int64_t now;
    int64_t service_ns; /* of a request */
    int stalled;        /* the number of the request that takes stall_ns instead */
    int64_t stall_ns;
    int64_t oversleep_ns; /* how much too late every wait ends */
    int failing;          /* the number of the request that fails */
    int served, waits;
    int64_t attach_ns; /* after a wait, until the thread may work */
};

static int64_t script_now(void *arg) { return ((struct script *)arg)->now; }

static int64_t script_wait(void *arg, int64_t until)
{
    struct script *s = arg;
    int64_t woke = until + s->oversleep_ns;

    cr_assert_gt(until, s->now, "nobody waits for what is past");
    s->waits++;
    s->now = woke + s->attach_ns;
    return woke;
}

static int64_t script_serve(void *arg)
{
    struct script *s = arg;

    if (s->served == s->failing)
        return -1;
    s->now += s->served == s->stalled ? s->stall_ns : s->service_ns;
    s->served++;
    return 10;
}

static const struct pacing_door door = {.now = script_now, .wait = script_wait, .serve = script_serve};

static struct script calm(int64_t service_ns)
{
    return (struct script){.now = 5 * SECOND, .service_ns = service_ns, .stalled = NEVER, .failing = NEVER};
}

static uint64_t above(const struct pacing *p, int64_t ns)
{
    uint64_t count = 0;

    for (uint32_t i = histogram_index(ns) + 1; i < HISTOGRAM_BUCKETS; i++)
        count += p->histogram.bucket[i];
    return count;
}

/* 2000 requests of 10 us, the 500th of which stalls for 100 ms. */
static struct pacing stalled_run(int64_t rate)
{
    struct script script = calm(10 * US);
    struct pacing p = {.rate = rate, .requests = 2000, .begin_ns = 5 * SECOND + 5 * MS};

    script.stalled = 500;
    script.stall_ns = 100 * MS;
    cr_assert_eq(pacing_run(&p, &door, &script), 20000);
    cr_assert_eq(p.histogram.count, 2000);
    return p;
}

Test(pacing, closed_loop_sees_a_stall_once)
{
    struct pacing p = stalled_run(0);

    cr_assert_eq(above(&p, 1 * MS), 1);
    cr_assert_eq(p.histogram.max, 100 * MS);
    cr_assert_eq(p.histogram.min, 10 * US);
    cr_assert_leq(histogram_quantile(&p.histogram, 0.999), 11 * US, "the omission: P99.9 looks as if nothing had been");
}

Test(pacing, fixed_rate_sees_all_that_a_stall_delayed)
{
    struct pacing p = stalled_run(1000);
    uint64_t late = above(&p, 1 * MS);

    /* request 500 + k was due k ms after the stall began and ends at 100 ms + k * 10 us: more than 1 ms late for k < 100 */
    cr_assert_eq(late, 100, "%lu", late);
    cr_assert_eq(p.histogram.max, 100 * MS);
    cr_assert_geq(histogram_quantile(&p.histogram, 0.98), 50 * MS);
    cr_assert_eq(p.backlog, 0, "it caught up");
    cr_assert_eq(p.unserved, 0);
    cr_assert_float_eq(pacing_achieved(&p), 1000, 1e-9);
}

Test(pacing, early_threads_wait_and_are_not_charged_for_it)
{
    struct script script = calm(10 * US);
    struct pacing p = {.rate = 1000, .requests = 50, .begin_ns = 5 * SECOND + 5 * MS};

    pacing_run(&p, &door, &script);
    cr_assert_eq(script.waits, 50);
    cr_assert_eq(p.histogram.min, 10 * US);
    cr_assert_eq(p.histogram.max, 10 * US);
    cr_assert_eq(p.end_ns, p.begin_ns + 49 * MS + 10 * US);
}

Test(pacing, waiting_to_be_let_in_is_part_of_the_latency)
{
    struct script script = calm(10 * US);
    struct pacing p = {.rate = 1000, .requests = 50, .begin_ns = 5 * SECOND + 5 * MS};

    script.attach_ns = 300 * US; /* somebody holds the GIL */
    pacing_run(&p, &door, &script);
    cr_assert_eq(p.histogram.min, 310 * US);
    cr_assert_eq(p.overslept, 0, "the wait itself ended in time");
}

Test(pacing, waits_that_end_late_are_told)
{
    struct script script = calm(10 * US);
    struct pacing p = {.rate = 1000, .requests = 50, .begin_ns = 5 * SECOND + 5 * MS};

    script.oversleep_ns = PACING_OVERSLEPT_NS;
    pacing_run(&p, &door, &script);
    cr_assert_eq(p.overslept, 0);
    p = (struct pacing){.rate = 1000, .requests = 50, .begin_ns = script.now + 5 * MS};
    script.oversleep_ns = 60 * US;
    pacing_run(&p, &door, &script);
    cr_assert_eq(p.overslept, 50);
    cr_assert_eq(p.overslept_ns, 60 * US);
    cr_assert_eq(p.histogram.min, 70 * US, "and are in the figures");
}

Test(pacing, a_rate_that_is_too_high_leaves_a_backlog)
{
    struct script script = calm(1250 * US); /* 800 a second */
    struct pacing p = {.rate = 1000, .requests = 1000, .begin_ns = 5 * SECOND + 5 * MS};

    pacing_run(&p, &door, &script);
    cr_assert_eq(p.unserved, 0);
    cr_assert_eq(p.backlog, 200, "800 were served when the second was over: %lu", p.backlog);
    cr_assert_float_eq(pacing_achieved(&p), 800, 1);
    cr_assert_geq(p.histogram.max, 250 * MS);
}

Test(pacing, what_can_not_be_caught_up_is_given_up_and_told)
{
    struct script script = calm(10 * MS); /* 100 a second */
    struct pacing p = {.rate = 1000, .requests = 1000, .begin_ns = 5 * SECOND + 5 * MS};

    cr_assert_eq(pacing_run(&p, &door, &script), 10 * 200);
    cr_assert_eq(p.histogram.count, 200, "two seconds of patience");
    cr_assert_eq(p.unserved, 800);
    cr_assert_eq(p.backlog, 900);
    cr_assert_float_eq(pacing_achieved(&p), 100, 1);
}

Test(pacing, a_request_that_fails_ends_the_run)
{
    struct script script = calm(10 * US);
    struct pacing p = {.rate = 1000, .requests = 50, .begin_ns = 5 * SECOND + 5 * MS};

    script.failing = 7;
    cr_assert_eq(pacing_run(&p, &door, &script), -1);
    cr_assert_eq(p.histogram.count, 7);
    p = (struct pacing){.requests = 50};
    cr_assert_eq(pacing_run(&p, &door, &script), -1);
}

Test(pacing, due_times_do_not_drift)
{
    cr_assert_eq(pacing_offset(3, 3), SECOND);
    cr_assert_eq(pacing_offset(3, 1), 333333333);
    cr_assert_eq(pacing_offset(999983, UINT64_C(999983) * 86400 * 365), SECOND * 86400 * 365);
}

Test(pace, rates_are_read_as_people_write_them)
{
    static const struct {
        const char *text;
        int64_t rate;
    } good[] = {{"1", 1}, {"500", 500}, {"2k", 2000}, {"0.5k", 500}, {"20k/s", 20000}, {"1M", 1000000}, {"12.5k", 12500}};
    static const char *const bad[] = {"",   "0",   "-1",  "0.5", "1e3",   "0x10", "inf",   "nan",   "1 k",
                                      "2m", "2k/", "1.1M", "k",  "1001k", "/s",   "1.2.3", "1.5",   "+5"};
    int64_t rate;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_assert(pace_rate_parse(good[i].text, &rate) && rate == good[i].rate, "%s", good[i].text);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_not(pace_rate_parse(bad[i], &rate), "%s", bad[i]);
}

Test(pace, json_comes_back_as_it_was)
{
    static const struct pace paces[] = {{0}, {PACE_CLOSED, 0, 1}, {PACE_FIXED, 2000, 7}};
    static const char *const damaged[] = {"{}",
                                          "5",
                                          "{\"mode\":\"open\",\"rate\":null,\"request\":1}",
                                          "{\"mode\":\"closed\",\"rate\":5,\"request\":1}",
                                          "{\"mode\":\"fixed\",\"rate\":null,\"request\":1}",
                                          "{\"mode\":\"fixed\",\"rate\":0,\"request\":1}",
                                          "{\"mode\":\"closed\",\"rate\":null,\"request\":0}",
                                          "{\"mode\":\"fixed\",\"rate\":2000000,\"request\":1}"};
    struct pace pace;

    for (size_t i = 0; i < sizeof paces / sizeof paces[0]; i++) {
        json_t *value = pace_json(&paces[i]);

        cr_assert(pace_take(value, &pace) && pace_equal(&pace, &paces[i]));
        json_decref(value);
    }
    cr_assert(pace_take(NULL, &pace) && pace.mode == PACE_OFF, "files of before");
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        json_t *value = json_loads(damaged[i], JSON_DECODE_ANY, NULL);

        cr_assert_not(pace_take(value, &pace), "%s", damaged[i]);
        json_decref(value);
    }
}
