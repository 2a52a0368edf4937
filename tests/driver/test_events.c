/*
 * test_events.c -- counting without a PMU: a scripted door plays the kernel, so that success, refusal, multiplexing and a
 * vanished event are all seen on any machine.
 */
#define _GNU_SOURCE 1
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../bench/callgrind.h"
#include "../../bench/counter_table.h"
#include "../../bench/counting.h"
#include "../../bench/page_document.h"
#include "../../bench/perf_group.h"
#include "../../bench/tally.h"

/* --- the scripted kernel: one group, opened from 100 up --- */

enum { SCRIPT_FIRST_FD = 100 };
static struct {
    int refuse[EVENTS_MOST];     /* errno of opening number i; 0: it opens */
    int control_error, read_error;
    size_t cut;                  /* bytes that the read lacks */
    uint64_t strangers;          /* events that the read tells of and nobody opened */
    uint64_t enabled, running, value[EVENTS_MOST];
    int calls, opened, closed, leaders, begun, ended;
    struct perf_event_attr attributes[EVENTS_MOST]; /* of those that opened */
} script;

static int script_open(struct perf_event_attr *attributes, int leader)
{
    int error = script.refuse[script.calls++];

    if (leader < 0 && script.opened == script.closed)
        script.opened = script.closed = 0; /* nothing is open: the next group's files have the same numbers */
    if (error) {
        errno = error;
        return -1;
    }
    script.leaders += leader < 0;
    script.attributes[script.opened] = *attributes;
    return SCRIPT_FIRST_FD + script.opened++;
}

static ssize_t script_read(int fd, void *buffer, size_t size)
{
    uint64_t data[3 + EVENTS_MOST] = {(uint64_t)script.opened + script.strangers, script.enabled, script.running};
    size_t whole = (3 + (size_t)script.opened) * sizeof data[0];

    if (script.read_error || fd != SCRIPT_FIRST_FD || size < whole) {
        errno = script.read_error ? script.read_error : EBADF;
        return -1;
    }
    memcpy(data + 3, script.value, sizeof script.value);
    memcpy(buffer, data, whole);
    return (ssize_t)(whole - script.cut);
}

static int script_control(int fd, unsigned long request)
{
    if (fd != SCRIPT_FIRST_FD || script.control_error) {
        errno = script.control_error ? script.control_error : EBADF;
        return -1;
    }
    script.begun += request == PERF_EVENT_IOC_ENABLE;
    script.ended += request == PERF_EVENT_IOC_DISABLE;
    return 0;
}

static void script_close(int fd)
{
    script.closed += fd >= SCRIPT_FIRST_FD;
}

static const struct perf_door script_door = {script_open, script_read, script_control, script_close};
static const struct events_cpu rocket_lake = {"GenuineIntel", 6, 167}, unheard_of = {"NobodysChips", 1, 1};

/* The script begins anew: two events that ran all the time. */
static void script_begin(void)
{
    memset(&script, 0, sizeof script);
    script.enabled = script.running = 1000;
    script.value[0] = 4000;
    script.value[1] = 600;
    script.value[2] = 70;
}

static struct event_group asked(const char *list)
{
    struct event_group group = {0};
    struct names names = {0};

    names_split(&names, list, ',');
    for (size_t i = 0; i < names.count; i++) {
        group.event[group.count++] = events_find(names.item[i]);
        cr_assert(group.event[i], "%s is no event", names.item[i]);
    }
    names_free(&names);
    return group;
}

static struct perf_group counted(const char *list, const struct events_cpu *cpu)
{
    const struct event_group events = asked(list);
    struct perf_group group;

    perf_group_open(&group, &script_door, cpu, &events);
    perf_group_begin(&group);
    perf_group_end(&group);
    perf_group_close(&group);
    cr_assert_eq(script.closed, script.opened, "every file is closed once");
    return group;
}

Test(perf_group, values_of_a_group_that_ran_all_the_time_are_exact)
{
    script_begin();
    struct perf_group group = counted("cycles,instructions,cache-misses", &rocket_lake);

    cr_assert_eq(group.count[0].value, 4000);
    cr_assert_eq(group.count[1].value, 600);
    cr_assert_eq(group.count[2].value, 70);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(group.count[i].error, 0);
        cr_assert_not(group.count[i].estimated);
    }
    cr_assert_eq(group.enabled_ns, 1000);
    cr_assert_eq(group.running_ns, 1000);
    cr_assert_eq(script.leaders, 1, "one group has one leader");
    cr_assert_eq(script.begun, 1);
    cr_assert_eq(script.ended, 1);
    cr_assert_eq(script.attributes[0].disabled, 1, "nothing counts before the round");
    cr_assert_eq(script.attributes[1].disabled, 0, "members follow the leader");
    cr_assert_eq(script.attributes[0].exclude_kernel, 1);
}

Test(perf_group, a_multiplexed_value_is_scaled_and_marked)
{
    script_begin();
    script.running = 250;
    struct perf_group group = counted("cycles,instructions", &rocket_lake);

    cr_assert_eq(group.count[0].value, 16000);
    cr_assert_eq(group.count[1].value, 2400);
    cr_assert(group.count[0].estimated && group.count[1].estimated);
}

Test(perf_group, scaling_does_not_overflow)
{
    script_begin();
    script.enabled = UINT64_C(3600000000000);
    script.running = script.enabled / 2;
    script.value[0] = UINT64_C(1) << 60;
    struct perf_group group = counted("cycles", &rocket_lake);

    cr_assert_eq(group.count[0].value, UINT64_C(1) << 61);
}

Test(perf_group, a_group_that_never_ran_has_no_value)
{
    script_begin();
    script.running = 0;
    struct perf_group group = counted("cycles,instructions", &rocket_lake);

    cr_assert_eq(group.count[0].error, EBUSY);
    cr_assert_eq(group.count[1].error, EBUSY);
    cr_assert_str_eq(perf_reason(group.count[0].event, group.count[0].error).name, "EBUSY");
}

Test(perf_group, an_absent_event_leaves_the_others_their_own_values)
{
    script_begin();
    script.refuse[1] = ENOENT;
    struct perf_group group = counted("cycles,cache-references,cache-misses", &rocket_lake);

    cr_assert_eq(group.count[0].value, 4000);
    cr_assert_eq(group.count[1].error, ENOENT);
    cr_assert_eq(group.count[2].error, 0);
    cr_assert_eq(group.count[2].value, 600, "the second that opened, not the second that was asked for");
}

Test(perf_group, the_next_event_leads_when_the_first_is_refused)
{
    script_begin();
    script.refuse[0] = EACCES;
    struct perf_group group = counted("cycles,instructions", &rocket_lake);

    cr_assert_eq(group.count[0].error, EACCES);
    cr_assert_eq(group.count[1].value, 4000);
    cr_assert_eq(script.attributes[0].disabled, 1);
}

Test(perf_group, what_is_refused_has_errno_and_remedy)
{
    static const int errors[] = {ENOENT, EACCES, EPERM, EOPNOTSUPP, ENOSYS, EMFILE, EINVAL, EBUSY, EIO, ENODATA};

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        for (const struct event *event = events; event->name; event++) {
            struct perf_reason reason = perf_reason(event, errors[i]);

            cr_assert_str_eq(reason.name, strerrorname_np(errors[i]));
            cr_assert(*reason.why && *reason.remedy);
        }
    cr_assert(strstr(perf_reason(events_find("cycles"), EACCES).remedy, "perf_event_paranoid"));
    cr_assert(strstr(perf_reason(events_find("cycles"), ENOENT).remedy, "--count-instructions"));
}

Test(perf_group, an_event_that_vanishes_has_no_value)
{
    script_begin();
    script.cut = sizeof(uint64_t);
    struct perf_group group = counted("cycles,instructions", &rocket_lake);

    cr_assert_eq(group.count[0].error, EIO, "a short read");
    script_begin();
    script.cut = 5 * sizeof(uint64_t);
    group = counted("cycles,instructions", &rocket_lake);
    cr_assert_eq(group.count[1].error, EIO, "an empty read: the kernel took the event off its CPU");
    script_begin();
    script.read_error = ENODEV;
    group = counted("cycles,instructions", &rocket_lake);
    cr_assert_eq(group.count[0].error, ENODEV, "a failed read");
    script_begin();
    script.strangers = 1;
    group = counted("cycles,instructions", &rocket_lake);
    cr_assert_eq(group.count[0].error, EIO, "values that cannot be told apart");
}

Test(perf_group, a_group_that_cannot_be_begun_has_no_value)
{
    script_begin();
    script.control_error = EBADF;
    struct perf_group group = counted("cycles", &rocket_lake);

    cr_assert_eq(group.count[0].error, EBADF);
}

Test(perf_group, kernel_events_are_never_read_without_the_right)
{
    script_begin();
    struct perf_group group = counted("task-clock,context-switches", &rocket_lake);

    cr_assert_eq(script.attributes[0].exclude_kernel, 1);
    cr_assert_eq(script.attributes[1].exclude_kernel, 0, "excluding the kernel, it would silently read 0");
    cr_assert_not(group.count[1].by_usage);
}

Test(perf_group, refused_switches_and_faults_come_from_getrusage)
{
    script_begin();
    script.refuse[0] = script.refuse[1] = script.refuse[2] = EACCES;
    const struct event_group events = asked("context-switches,page-faults,cpu-migrations");
    struct perf_group group;
    const size_t pages = 64, page = 4096;

    perf_group_open(&group, &script_door, &rocket_lake, &events);
    perf_group_begin(&group);
    volatile char *fresh = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < pages; i++)
        fresh[i * page] = 1;
    perf_group_end(&group);
    cr_assert(group.count[0].by_usage && group.count[0].error == 0);
    cr_assert(group.count[1].by_usage && group.count[1].error == 0);
    cr_assert_geq(group.count[1].value, 1, "the faults of this thread; huge pages need one");
    cr_assert_eq(group.count[2].error, EACCES, "getrusage does not know migrations");
}

Test(perf_group, a_probe_sees_an_event_that_opens_and_counts_nothing)
{
    struct perf_group group;

    script_begin();
    script.value[0] = 0;
    cr_assert_eq(perf_probe(events_find("cycles"), &script_door, &rocket_lake, &group), ENODATA);
    script_begin();
    script.value[0] = 0;
    cr_assert_eq(perf_probe(events_find("cache-misses"), &script_door, &rocket_lake, &group), 0, "no miss is possible");
    script_begin();
    cr_assert_eq(perf_probe(events_find("cycles"), &script_door, &rocket_lake, &group), 0);
}

/* --- the table --- */

static uint64_t code_of(const char *name, const char *vendor, int family, int model)
{
    struct events_cpu cpu = {.family = family, .model = model};
    struct event_code code;

    strcpy(cpu.vendor, vendor);
    return events_code(events_find(name), &cpu, &code) ? code.config : 0;
}

Test(events, raw_codes_are_those_of_the_processor)
{
    cr_assert_eq(code_of("locked-operations", "GenuineIntel", 6, 167), 0x21d0);
    cr_assert_eq(code_of("cross-core-hits", "GenuineIntel", 6, 85), 0x04d2);
    cr_assert_eq(code_of("locked-operations", "AuthenticAMD", 0x17, 49), 0x0f25);
    cr_assert_eq(code_of("locked-operations", "AuthenticAMD", 0x19, 1), 0x1f25);
    cr_assert_eq(code_of("cross-core-hits", "AuthenticAMD", 0x1a, 2), 0x1443);
}

Test(events, an_unknown_processor_has_no_raw_code_and_says_so)
{
#ifndef HAVE_PFM
    script_begin();
    struct perf_group group = counted("locked-operations,cycles", &unheard_of);

    cr_assert_eq(group.count[0].error, EOPNOTSUPP);
    cr_assert_eq(group.count[1].value, 4000, "the others are counted");
    cr_assert_eq(script.calls, 1, "no code is guessed");
    cr_assert_eq(code_of("locked-operations", "GenuineIntel", 6, 151), 0, "a hybrid processor");
#else
    (void)unheard_of;
#endif
}

Test(events, the_processor_is_read_from_cpuinfo)
{
    char text[] = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC 7B13\n\n"
                  "processor\t: 1\nvendor_id\t: GenuineIntel\n";
    FILE *file = fmemopen(text, strlen(text), "r");
    struct events_cpu cpu;

    events_cpu_parse(&cpu, file);
    fclose(file);
    cr_assert_str_eq(cpu.vendor, "AuthenticAMD");
    cr_assert_eq(cpu.family, 25);
    cr_assert_eq(cpu.model, 1, "not the model name");
}

Test(events, hardware_groups_fit_the_counters_and_lose_nothing)
{
    struct event_group all = {0}, group[EVENTS_MOST], software;
    size_t count, seen = 0;

    for (const struct event *event = events; event->name; event++) {
        all.event[all.count++] = event;
        cr_assert_leq(all.count, EVENTS_MOST);
    }
    count = events_groups(&all, group);
    events_software(&all, &software);
    for (size_t i = 0; i < count; i++) {
        cr_assert_leq(group[i].count, EVENTS_COUNTERS);
        cr_assert_str_eq(group[i].event[0]->name, "cycles");
        cr_assert_str_eq(group[i].event[1]->name, "instructions");
        seen += group[i].count - 2;
    }
    cr_assert_eq(seen + 2 + software.count, all.count);
    for (size_t i = 0; i < software.count; i++)
        cr_assert_eq(software.event[i]->kind, EVENT_SOFTWARE);
}

Test(events, four_events_without_anchors_fill_a_group)
{
    struct event_group all = asked("cache-references,cache-misses,l1d-misses,branch-misses,locked-operations"), group[EVENTS_MOST];

    cr_assert_eq(events_groups(&all, group), 2);
    cr_assert_eq(group[0].count, 4);
    cr_assert_eq(group[1].count, 1);
    all = asked("cycles,instructions");
    cr_assert_eq(events_groups(&all, group), 1);
    all = asked("task-clock");
    cr_assert_eq(events_groups(&all, group), 0);
}

/* --- a run's choice, and a worker's record --- */

Test(counting, groups_rotate_across_rounds_and_software_is_in_each)
{
    struct counting counting;
    struct names all = {0};

    script_begin();
    counting_prepare(&counting, &all, &script_door);
    cr_assert_geq(counting.groups, 2);
    for (int round = 0; round < 7; round++) {
        json_t *order = counting_order(&counting, round);

        cr_assert_eq(json_array_size(order), 2);
        cr_assert_eq(json_integer_value(json_object_get(json_array_get(order, 0), "group")), round % (int)counting.groups);
        cr_assert_eq(json_integer_value(json_object_get(json_array_get(order, 1), "group")), (json_int_t)counting.groups);
        json_decref(order);
    }
    counting_free(&counting);
}

Test(counting, what_is_absent_takes_no_turn_and_is_listed)
{
    struct counting counting;
    struct names names = {0};
    json_t *missing;

    script_begin();
    names_split(&names, "cycles,cache-misses,task-clock", ',');
    script.refuse[0] = EACCES;
    script.refuse[1] = ENOENT;
    counting_prepare(&counting, &names, &script_door);
    cr_assert_eq(counting.groups, 0);
    cr_assert_eq(json_array_size(counting.unavailable), 2);
    missing = json_array_get(counting.unavailable, 0);
    cr_assert_str_eq(json_string_value(json_object_get(missing, "event")), "cycles");
    cr_assert_str_eq(json_string_value(json_object_get(missing, "errno")), "EACCES");
    cr_assert(json_string_length(json_object_get(missing, "remedy")) > 0);
    counting_free(&counting);
    names_free(&names);
}

static json_t *tally_of(const char *order_text)
{
    static struct sample_request request = {.threads = 1};
    struct tally tally;
    json_t *order = json_loads(order_text, 0, NULL), *counters;

    cr_assert(tally_begin(&tally, order, &script_door, &request));
    script.calls = script.opened = 0; /* the main thread's own opening is not what is looked at */
    request.round_begin(request.round_arg, 0);
    request.round_end(request.round_arg, 0);
    counters = tally_json(&tally);
    tally_end(&tally);
    json_decref(order);
    return counters;
}

static const json_t *entry_of(const json_t *counters, size_t index, const char *key)
{
    return json_object_get(json_array_get(counters, index), key);
}

Test(tally, a_sample_holds_value_times_and_group)
{
    script_begin();
    script.running = 500;
    json_t *counters = tally_of("[{\"group\":3,\"events\":[\"cycles\",\"cache-misses\"]}]");

    cr_assert_eq(json_array_size(counters), 2);
    cr_assert_eq(json_integer_value(entry_of(counters, 0, "value")), 8000);
    cr_assert(json_is_true(entry_of(counters, 0, "estimated")));
    cr_assert_eq(json_integer_value(entry_of(counters, 1, "enabled_ns")), 1000);
    cr_assert_eq(json_integer_value(entry_of(counters, 1, "running_ns")), 500);
    cr_assert_eq(json_integer_value(entry_of(counters, 1, "group")), 3);
    json_decref(counters);
}

Test(tally, a_missing_value_is_null_with_its_errno)
{
    script_begin();
    script.read_error = ENODEV;
    json_t *counters = tally_of("[{\"group\":0,\"events\":[\"cycles\"]}]");

    cr_assert(json_is_null(entry_of(counters, 0, "value")));
    cr_assert_str_eq(json_string_value(entry_of(counters, 0, "errno")), "ENODEV");
    json_decref(counters);
}

Test(tally, no_order_leaves_the_runtime_alone)
{
    struct sample_request request = {.threads = 1};
    struct tally tally;

    cr_assert(tally_begin(&tally, NULL, &script_door, &request));
    cr_assert_null(request.round_begin);
    json_t *counters = tally_json(&tally);
    cr_assert_eq(json_array_size(counters), 0);
    json_decref(counters);
    tally_end(&tally);
}

/* --- callgrind's file --- */

static struct callgrind_totals totals_of(const char *text)
{
    FILE *file = fmemopen((char *)text, strlen(text), "r");
    struct callgrind_totals totals = callgrind_parse(file);

    fclose(file);
    return totals;
}

Test(callgrind, totals_are_read_by_the_names_of_their_columns)
{
    struct callgrind_totals totals = totals_of("# callgrind format\nevents: Ir Ge\nfn=(1) main\n3 7 1\n\ntotals: 1234 56\n");

    cr_assert(totals.found);
    cr_assert_eq(totals.instructions, 1234);
    cr_assert_eq(totals.locked, 56);
    totals = totals_of("events: Ge sysCount Ir\ntotals: 56 1 1234\n");
    cr_assert_eq(totals.instructions, 1234);
    cr_assert_eq(totals.locked, 56);
}

Test(callgrind, zeros_at_the_end_may_be_left_out_but_columns_may_not)
{
    cr_assert_eq(totals_of("events: Ir Ge\ntotals: 1234\n").instructions, 1234);
    cr_assert(totals_of("events: Ir Ge\ntotals: 1234\n").found);
    cr_assert_not(totals_of("events: Ir\ntotals: 1234\n").found, "without --collect-bus=yes locked ones are not known to be 0");
    cr_assert_not(totals_of("events: Ir Ge\n").found, "cut off");
    cr_assert_not(totals_of("").found);
}

/* --- the table of a group --- */

/* Two samples of 10 operations on two threads; of the second, thread 1's misses are `second`. */
static struct result_cell cell_of(struct observation observation[2], const char *second)
{
    static const char text[] =
        "{\"ops\":10,\"counters\":["
        "{\"event\":\"cycles\",\"value\":300,\"group\":0},{\"event\":\"cycles\",\"value\":100,\"group\":0},"
        "{\"event\":\"instructions\",\"value\":500,\"group\":0},{\"event\":\"instructions\",\"value\":300,\"group\":0},"
        "{\"event\":\"branch-misses\",\"value\":8,\"group\":1},"
        "{\"event\":\"cache-misses\",\"value\":20,\"group\":0,\"estimated\":false},"
        "{\"event\":\"cache-misses\",\"value\":%s,\"group\":0,\"estimated\":true,\"errno\":\"EIO\"}]}";

    for (int i = 0; i < 2; i++) {
        json_t *value = json_sprintf(text, i ? second : "20");

        observation[i] = (struct observation){.status = RESULTS_OK, .record = json_loads(json_string_value(value), 0, NULL)};
        cr_assert_not_null(observation[i].record);
        json_decref(value);
    }
    return (struct result_cell){.strategy = "s", .observation = observation, .observations = 2};
}

Test(counter_table, a_figure_is_the_median_over_samples_of_the_sum_over_threads)
{
    struct observation observation[2];
    struct result_cell cell = cell_of(observation, "60");
    struct counter_figure figure = counter_per_operation(&cell, "cache-misses");

    cr_assert_float_eq(counter_per_operation(&cell, "cycles").value, 40, 1e-9);
    cr_assert_float_eq(figure.value, 6, 1e-9); /* of 4 and 8 */
    cr_assert(figure.estimated);
    cr_assert_not(counter_per_operation(&cell, "cycles").estimated);
    cr_assert_lt(counter_per_operation(&cell, "l1d-misses").value, 0, "never counted is not zero");
}

Test(counter_table, a_sample_that_lacks_a_thread_is_left_out_and_counted)
{
    struct observation observation[2];
    struct result_cell cell = cell_of(observation, "null");
    struct counter_figure figure = counter_per_operation(&cell, "cache-misses");

    cr_assert_float_eq(figure.value, 4, 1e-9);
    cr_assert_eq(figure.missing, 1);
    cr_assert_str_eq(figure.error, "EIO");
}

Test(counter_table, ratios_are_of_one_group_only)
{
    struct observation observation[2];
    struct result_cell cell = cell_of(observation, "20");

    cr_assert_float_eq(counter_ratio(&cell, "instructions", "cycles").value, 2, 1e-9);
    cr_assert_lt(counter_ratio(&cell, "branch-misses", "instructions").value, 0, "another group");
    cr_assert_lt(counter_ratio(&cell, "cache-misses", "cache-references").value, 0);
}

Test(counter_table, the_head_line_tells_what_the_hardware_counts)
{
    static const struct {
        const char *run, *text;
    } cases[] = {
        {"{\"events\":{\"asked\":[\"cycles\",\"instructions\"]},\"unavailable\":[]}", "2"},
        {"{\"events\":{\"asked\":[\"cycles\",\"instructions\"]},\"unavailable\":[{\"event\":\"cycles\",\"errno\":\"EACCES\"}]}", "1 of 2"},
        {"{\"events\":{\"asked\":[\"cycles\"]},\"unavailable\":[{\"event\":\"cycles\",\"errno\":\"EACCES\"}]}", "none (EACCES)"},
        {"{\"events\":{\"asked\":[\"task-clock\"]},\"unavailable\":[]}", "not asked for"},
        {"{\"unavailable\":[{\"event\":\"cycles\",\"errno\":\"ENOENT\"}]}", "none (ENOENT)"}, /* files of earlier versions */
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *run = json_loads(cases[i].run, 0, NULL);
        char *text = counter_table_state(run);

        cr_assert_str_eq(text, cases[i].text);
        free(text);
        json_decref(run);
    }
}

Test(counter_table, the_page_has_the_table_too)
{
    json_t *run = json_loads("{\"t\":\"run\",\"schema\":\"rclab/1\",\"seed\":1,\"rounds\":1,\"warmup_ns\":0,\"min_ns\":1,\"reference\":\"s\","
                             "\"exploratory\":true,\"statistics\":false,\"force_verdicts\":false,\"plan\":[{\"cell\":\"f/s/t1\","
                             "\"strategy\":\"s\",\"workload\":\"f\",\"threads\":1,\"unit\":\"calls\",\"params\":{},\"traits\":"
                             "{\"unsafe\":false},\"aa\":false,\"oversubscribed\":false}],\"host\":{},\"build\":{},\"system\":{}}",
                             0, NULL);
    json_t *sample = json_loads("{\"t\":\"sample\",\"cell\":\"f/s/t1\",\"round\":0,\"slot\":0,\"status\":\"ok\",\"wall_ns\":100,"
                                "\"cpu_ns\":100,\"drain_ns\":0,\"ops\":10,\"rss_peak_kib\":1,\"verify\":{\"result_ok\":true},"
                                "\"threads\":[{\"end_ns\":100,\"nivcsw\":0}],\"counters\":[{\"event\":\"cycles\",\"value\":420,"
                                "\"group\":0,\"estimated\":true}]}",
                                0, NULL);
    struct results results;
    const char *why = "";
    json_t *document;
    char *text;

    cr_assert(results_begin(&results, run, &why), "%s", why);
    cr_assert(results_add(&results, sample, &why), "%s", why);
    document = page_document_run(&results, "f.jsonl");
    text = json_dumps(document, JSON_COMPACT);
    cr_assert(strstr(text, "\"kind\":\"events\""));
    cr_assert(strstr(text, "[\"cycles\",\"42 est.\"]"));
    free(text);
    json_decref(document);
    results_free(&results);
    json_decref(run);
    json_decref(sample);
}
