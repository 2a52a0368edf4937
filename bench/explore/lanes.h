/*
 * lanes.h -- a failing execution for people: text lanes on the terminal, a page with a stepper.
 */
#ifndef EXPLORE_LANES_H
#define EXPLORE_LANES_H

#include "proof.h"
#include <stdio.h>

/* From now on the steps of the execution that runs are noted (run.c and hooks.c report them); forgets earlier ones. */
void lanes_begin(void);
/* One column a thread, time downwards. */
void lanes_print(FILE *to, const struct failure *failure);
/* Exits 2 where the file cannot be written. */
void lanes_write_page(const char *path, const struct failure *failure, const struct proof_request *request);

#endif
