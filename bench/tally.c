/*
 * tally.c -- the worker's counting.
 */
#define _GNU_SOURCE 1
#include "tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "die.h"

/* Runs on the thread that is to be counted. Opening takes microseconds for each event: before the thread's time stamp. */
static void tally_round_begin(void *arg, int index)
{
    struct tally *tally = arg;
    struct tally_thread *thread = &tally->thread[index];

    for (int i = 0; i < TALLY_GROUPS; i++)
        perf_group_open(&thread->group[i], tally->door, &tally->cpu, &tally->group[i].events);
    thread->began = true;
    for (int i = TALLY_GROUPS; i-- > 0;) /* the hardware last, so that it counts least of this */
        perf_group_begin(&thread->group[i]);
}

/* The thread may hold a GIL: no more than what must be done now. */
static void tally_round_end(void *arg, int index)
{
    struct tally_thread *thread = &((struct tally *)arg)->thread[index];

    for (int i = 0; i < TALLY_GROUPS; i++)
        perf_group_end(&thread->group[i]);
    thread->ended = true;
}

static bool tally_take_group(struct tally_group *group, const json_t *order)
{
    const json_t *names = json_object_get(order, "events"), *number = json_object_get(order, "group");
    size_t i;
    json_t *name;

    if (!json_is_integer(number) || json_array_size(names) > EVENTS_MOST)
        return false;
    group->number = (int)json_integer_value(number);
    json_array_foreach(names, i, name) {
        const struct event *event = json_is_string(name) ? events_find(json_string_value(name)) : NULL;

        if (!event)
            return false;
        group->events.event[group->events.count++] = event;
    }
    return true;
}

/* A file for each event and thread: more than the usual soft limit of 1024 where there are many threads. */
static void tally_raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit); /* refused: what cannot be opened then is EMFILE */
    }
}

bool tally_begin(struct tally *tally, const json_t *order, const struct perf_door *door, struct sample_request *request)
{
    size_t i, bytes = (size_t)request->threads * sizeof tally->thread[0];
    json_t *group;

    *tally = (struct tally){.door = door, .threads = request->threads};
    if (json_array_size(order) > TALLY_GROUPS)
        return false;
    json_array_foreach(order, i, group)
        if (!tally_take_group(&tally->group[i], group))
            return false;
    if (json_array_size(order) == 0)
        return true;
    tally->thread = aligned_alloc(_Alignof(struct tally_thread), bytes);
    if (!tally->thread)
        die("memory", errno);
    memset(tally->thread, 0, bytes); /* touched here: a page fault less in the measured threads */
    events_cpu_read(&tally->cpu);
    tally_raise_files();
    for (int g = 0; g < TALLY_GROUPS; g++)
        perf_group_open(&tally->first[g], door, &tally->cpu, &tally->group[g].events);
    request->round_begin = tally_round_begin;
    request->round_end = tally_round_end;
    request->round_arg = tally;
    return true;
}

static json_t *tally_count(const struct perf_group *group, const struct perf_count *count, int number, int thread)
{
    bool timed = group->leader >= 0 && !count->by_usage && (!count->error || count->error == PERF_NEVER_RAN);
    json_t *entry = json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:i, s:b, s:s}", "event", count->event->name, "scope", "thread",
                              "thread", thread, "value", count->error ? json_null() : json_integer((json_int_t)count->value),
                              "enabled_ns", timed ? json_integer((json_int_t)group->enabled_ns) : json_null(), "running_ns",
                              timed ? json_integer((json_int_t)group->running_ns) : json_null(), "group", number, "estimated",
                              (int)count->estimated, "source", count->by_usage ? "getrusage" : "perf");

    if (count->error)
        json_object_set_new(entry, "errno", json_string(perf_reason(count->event, count->error).name));
    return entry;
}

json_t *tally_json(const struct tally *tally)
{
    json_t *list = json_array();

    for (int t = 0; tally->thread && t < tally->threads; t++)
        for (int i = 0; i < TALLY_GROUPS; i++) {
            const struct perf_group *group = &tally->thread[t].group[i];

            for (size_t c = 0; tally->thread[t].ended && c < group->counts; c++)
                json_array_append_new(list, tally_count(group, &group->count[c], tally->group[i].number, t));
        }
    return list;
}

void tally_end(struct tally *tally)
{
    for (int t = 0; tally->thread && t < tally->threads; t++)
        for (int i = 0; tally->thread[t].began && i < TALLY_GROUPS; i++)
            perf_group_close(&tally->thread[t].group[i]);
    for (int i = 0; tally->thread && i < TALLY_GROUPS; i++)
        perf_group_close(&tally->first[i]);
    free(tally->thread);
}
