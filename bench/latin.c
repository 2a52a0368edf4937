/*
 * latin.c -- rows of a balanced Latin square.
 */
#include "latin.h"

#include <stdlib.h>

#include "draw.h"
#include "memory.h"

size_t latin_rows(size_t cells)
{
    return cells % 2 ? 2 * cells : cells;
}

/* Williams' first row is 0, 1, n-1, 2, n-2, …: every difference mod n occurs once. Further rows add a constant; when n is
 * odd only half the differences occur, and the mirror images supply the rest. */
static size_t latin_entry(size_t cells, size_t row, size_t slot)
{
    if (row >= cells) {
        row -= cells;
        slot = cells - 1 - slot;
    }
    return ((slot % 2 ? (slot + 1) / 2 : cells - slot / 2) + row) % cells;
}

static size_t *latin_shuffled(uint64_t *state, size_t count)
{
    size_t *items = memory_alloc(count, sizeof items[0]);

    for (size_t i = 0; i < count; i++)
        items[i] = i;
    draw_shuffle(state, items, count);
    return items;
}

void latin_order(uint64_t seed, size_t cells, size_t round, size_t *order)
{
    size_t rows = latin_rows(cells);
    uint64_t state = draw_mix(seed, round / rows);
    size_t *label = latin_shuffled(&state, cells), *row = latin_shuffled(&state, rows);

    for (size_t slot = 0; slot < cells; slot++)
        order[slot] = label[latin_entry(cells, row[round % rows], slot)];
    free(label);
    free(row);
}
