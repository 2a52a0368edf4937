/*
 * counting.c -- what a run counts.
 */
#define _GNU_SOURCE 1
#include "counting.h"

#include <stdio.h>
#include <stdlib.h>

#include "exits.h"
#include "suggest.h"

static void counting_ask(struct counting *counting, const struct names *names)
{
    struct names known = {0};

    events_names(&known);
    for (size_t i = 0; i < names->count; i++)
        if (!names_has(&known, names->item[i]))
            suggest_die("event", names->item[i], &known);
    for (const struct event *event = events; event->name; event++) /* in the table's order: neighbours share a group */
        if (names->count == 0 || names_has(names, event->name))
            counting->asked.event[counting->asked.count++] = event;
    names_free(&known);
}

json_t *counting_missing(const struct event *event, int error)
{
    struct perf_reason reason = perf_reason(event, error);

    return json_pack("{s:s, s:s, s:s, s:s}", "event", event->name, "errno", reason.name, "why", reason.why, "remedy",
                     reason.remedy);
}

void counting_prepare(struct counting *counting, const struct names *names, const struct perf_door *door)
{
    struct events_cpu cpu;
    struct perf_group tried;

    counting_none(counting);
    counting_ask(counting, names);
    events_cpu_read(&cpu);
    for (size_t i = 0; i < counting->asked.count; i++) {
        const struct event *event = counting->asked.event[i];
        int error = perf_probe(event, door, &cpu, &tried);

        if (error)
            json_array_append_new(counting->unavailable, counting_missing(event, error));
        else
            counting->available.event[counting->available.count++] = event;
    }
    counting->groups = events_groups(&counting->available, counting->hardware);
    events_software(&counting->available, &counting->software);
}

void counting_none(struct counting *counting)
{
    *counting = (struct counting){.unavailable = json_array()};
}

void counting_require(const struct counting *counting)
{
    size_t i;
    json_t *item;

    json_array_foreach(counting->unavailable, i, item)
        fprintf(stderr, "rclab: --require-counters: %s: %s, %s; remedy: %s\n", json_string_value(json_object_get(item, "event")),
                json_string_value(json_object_get(item, "errno")), json_string_value(json_object_get(item, "why")),
                json_string_value(json_object_get(item, "remedy")));
    if (json_array_size(counting->unavailable))
        exit(EXITS_MISSING);
}

static json_t *counting_names(const struct event_group *group)
{
    json_t *names = json_array();

    for (size_t i = 0; i < group->count; i++)
        json_array_append_new(names, json_string(group->event[i]->name));
    return names;
}

json_t *counting_json(const struct counting *counting)
{
    json_t *groups = json_array();

    for (size_t i = 0; i < counting->groups; i++)
        json_array_append_new(groups, counting_names(&counting->hardware[i]));
    if (counting->software.count)
        json_array_append_new(groups, counting_names(&counting->software));
    return json_pack("{s:o, s:o}", "asked", counting_names(&counting->asked), "groups", groups);
}

static void counting_add(json_t *order, const struct event_group *group, size_t number)
{
    json_array_append_new(order, json_pack("{s:i, s:o}", "group", (int)number, "events", counting_names(group)));
}

json_t *counting_order(const struct counting *counting, int round)
{
    json_t *order = json_array();
    size_t turn = counting->groups ? (size_t)round % counting->groups : 0;

    if (counting->groups)
        counting_add(order, &counting->hardware[turn], turn);
    if (counting->software.count)
        counting_add(order, &counting->software, counting->groups);
    return order;
}

void counting_free(struct counting *counting)
{
    json_decref(counting->unavailable);
}
