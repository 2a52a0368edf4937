/*
 * worker.h -- the hidden command `rclab worker FD ORDER`: takes one sample in this process and writes it to FD as one line
 * of JSON. ORDER is a JSON object, so that a sample can be repeated by hand under a debugger: `rclab worker 1 '{…}'`.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <stdbool.h>

#include <jansson.h>

#include "runtime.h"

/* Environment: the file that a worker writes its allocation map to. Each sample writes it anew. */
#define WORKER_ALLOCATION_MAP "RCLAB_ALLOCATION_MAP"

/* What a worker is told. New reference. */
json_t *worker_order(const struct runtime *runtime, const struct sample_request *request);

/* Exit status 0: a sample was taken, right or wrong. 1: run() failed; the line is {"error": …} then. */
int worker_main(int argc, char **argv);

#endif
