/*
 * stepper.h -- a failing execution as one HTML file with a stepper; opens from disk, fetches nothing.
 */
#ifndef EXPLORE_STEPPER_H
#define EXPLORE_STEPPER_H

#include "proof.h"

/* After trace_end. Exits 2 where the file cannot be written. */
void stepper_write(const char *path, const struct failure *failure, const struct proof_request *request);

#endif
