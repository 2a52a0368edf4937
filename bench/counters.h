/*
 * counters.h -- the command `rclab counters`: what can be counted on this machine, and what would help where it cannot.
 */
#ifndef BENCH_COUNTERS_H
#define BENCH_COUNTERS_H

#include <jansson.h>

int counters_main(int argc, char **argv);

/* For `rclab list events`: the table of events, tried or not. New reference. */
void counters_print_events(void);
json_t *counters_json_events(void);

#endif
