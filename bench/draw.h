/*
 * draw.h -- the driver's random numbers: splitmix64, so that one recorded seed repeats every order and every padding.
 */
#ifndef BENCH_DRAW_H
#define BENCH_DRAW_H

#include <stddef.h>
#include <stdint.h>

uint64_t draw_next(uint64_t *state);
size_t draw_below(uint64_t *state, size_t bound); /* 0 … bound-1; bound > 0 */
void draw_shuffle(uint64_t *state, size_t *items, size_t count);
uint64_t draw_mix(uint64_t seed, uint64_t stream); /* a state of its own for each stream of one seed */

#endif
