/*
 * outcome.h -- what became of one worker: the `sample` record of the file.
 *
 *   ok            a sample, and its answer is right (or wrong by design: verify.result_ok tells)
 *   wrong_result  wrong answer, leaked objects, or figures that cannot be; "why" tells
 *   crash         a signal ("signal"), an exit status that is not 0 ("exit"), or no report
 *   timeout       killed at the deadline
 *   skipped       not started, because it hung before
 */
#ifndef BENCH_OUTCOME_H
#define BENCH_OUTCOME_H

#include <jansson.h>

#include "launch.h"

/* New references, without "t", "cell", "round" and "slot". */
json_t *outcome_record(const struct launch *launch);
json_t *outcome_skipped(const char *why);

#endif
