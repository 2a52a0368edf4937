/*
 * draw.c -- the driver's random numbers: splitmix64.
 */
#include "draw.h"

uint64_t draw_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* The bias of the modulus is below 2^-50 for any bound the driver has. */
size_t draw_below(uint64_t *state, size_t bound)
{
    return (size_t)(draw_next(state) % bound);
}

void draw_shuffle(uint64_t *state, size_t *items, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = draw_below(state, i), item = items[i - 1];

        items[i - 1] = items[j];
        items[j] = item;
    }
}

uint64_t draw_mix(uint64_t seed, uint64_t stream)
{
    uint64_t state = seed, mixed = draw_next(&state) ^ (stream * 0xd1342543de82ef95u);

    return draw_next(&mixed);
}
