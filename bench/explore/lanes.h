/*
 * lanes.h -- a failing execution for people: text lanes on the terminal, a page with a stepper.
 */
#ifndef EXPLORE_LANES_H
#define EXPLORE_LANES_H

#include "proof.h"
#include <stdio.h>

/* One column a thread, time downwards. At most 100 columns wide, or what COLUMNS says; colours on a terminal without NO_COLOR. */
void lanes_print(FILE *to, const struct failure *failure);

#endif
