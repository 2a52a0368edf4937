/*
 * counting.h -- what a run counts: asked for, tried before the run, cut into groups that rotate across rounds, and what is
 * missing, with errno and remedy.
 */
#ifndef BENCH_COUNTING_H
#define BENCH_COUNTING_H

#include <stdbool.h>

#include <jansson.h>

#include "perf_group.h"

struct counting {
    struct event_group asked, available;
    struct event_group hardware[EVENTS_MOST], software;
    size_t groups;        /* of hardware */
    json_t *unavailable;  /* [{event, errno, why, remedy}] */
};

/* Tries each event on this thread. `names` empty: all events. Exits 2 on an unknown name. */
void counting_prepare(struct counting *counting, const struct names *names, const struct perf_door *door);
void counting_none(struct counting *counting); /* nothing is counted, nothing is missing */

/* Exits 77, naming them, if an event of `asked` is not available. */
void counting_require(const struct counting *counting);

/* The "events" of a run record: {"asked": [names], "groups": [[names]]}; the last group is the software's. New reference. */
json_t *counting_json(const struct counting *counting);

/* The groups of one round, for tally_begin. New reference. */
json_t *counting_order(const struct counting *counting, int round);

/* {event, errno, why, remedy}. New reference. */
json_t *counting_missing(const struct event *event, int error);
void counting_free(struct counting *counting);

#endif
