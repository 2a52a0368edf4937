/*
 * outcome.c -- what became of one worker.
 */
#define _GNU_SOURCE 1
#include "outcome.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "samples.h"

static json_t *outcome_begin(const char *status)
{
    return json_pack("{s:s, s:n, s:n, s:n}", "status", status, "signal", "exit", "why");
}

static json_int_t outcome_ns(struct timeval time)
{
    return time.tv_sec * INT64_C(1000000000) + time.tv_usec * INT64_C(1000);
}

static json_t *outcome_usage(const struct rusage *usage)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "user_ns", outcome_ns(usage->ru_utime), "system_ns",
                     outcome_ns(usage->ru_stime), "nvcsw", (json_int_t)usage->ru_nvcsw, "nivcsw",
                     (json_int_t)usage->ru_nivcsw, "minflt", (json_int_t)usage->ru_minflt, "majflt",
                     (json_int_t)usage->ru_majflt);
}

/* NULL if a report is a data point; else why not, which the caller frees. */
static char *outcome_wrong(const json_t *report)
{
    json_int_t wall, ops, leaked;
    int right, may_be_wrong;
    const char *error = json_string_value(json_object_get(report, "error"));

    if (json_unpack((json_t *)report, "{s:I, s:I, s:{s:b, s:b, s:I}}", "wall_ns", &wall, "ops", &ops, "verify", "result_ok",
                    &right, "may_be_wrong", &may_be_wrong, "leaked", &leaked))
        return memory_text("the report lacks figures");
    if (!right && !may_be_wrong)
        return memory_text("%s", error ? error : "wrong answer");
    if (leaked)
        return memory_text("leaked %" JSON_INTEGER_FORMAT " objects", leaked);
    if (wall <= 0 || ops <= 0)
        return memory_text("impossible figures: %" JSON_INTEGER_FORMAT " operations in %" JSON_INTEGER_FORMAT " ns", ops, wall);
    return NULL;
}

static void outcome_add_text(json_t *record, const char *key, const char *text, size_t length)
{
    json_object_set_new(record, key, samples_text(text, length));
}

static json_t *outcome_exited(const struct launch *launch, const json_t *report)
{
    const char *error = json_string_value(json_object_get(report, "error"));
    json_t *record;
    char *why;

    if (launch->code || !report) {
        record = outcome_begin("crash");
        json_object_set_new(record, "exit", json_integer(launch->code));
        if (error)
            outcome_add_text(record, "why", error, strlen(error));
        return record;
    }
    why = outcome_wrong(report);
    record = outcome_begin(why ? "wrong_result" : "ok");
    if (why)
        outcome_add_text(record, "why", why, strlen(why));
    free(why);
    return record;
}

static json_t *outcome_signalled(int number)
{
    json_t *record = outcome_begin("crash");
    const char *name = sigabbrev_np(number);

    json_object_set_new(record, "signal", name ? json_sprintf("SIG%s", name) : json_sprintf("signal %d", number));
    return record;
}

json_t *outcome_record(const struct launch *launch)
{
    json_t *report = launch_report(launch), *record;

    if (launch->end == LAUNCH_EXITED)
        record = outcome_exited(launch, report);
    else if (launch->end == LAUNCH_SIGNALLED)
        record = outcome_signalled(launch->code);
    else
        record = outcome_begin("timeout");
    if (report)
        json_object_update_missing(record, report);
    json_object_set_new(record, "rusage", outcome_usage(&launch->usage));
    if (strcmp(json_string_value(json_object_get(record, "status")), "ok") != 0 && launch->errors.length)
        outcome_add_text(record, "stderr", launch->errors.text, launch->errors.length);
    json_decref(report);
    return record;
}

json_t *outcome_skipped(const char *why)
{
    json_t *record = outcome_begin("skipped");

    json_object_set_new(record, "why", json_string(why));
    return record;
}
