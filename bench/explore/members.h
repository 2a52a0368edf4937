/*
 * members.h -- which member of a static an address is: read once from our own executable's debug information by readelf.
 */
#ifndef EXPLORE_MEMBERS_H
#define EXPLORE_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "lock[0].held" for an address in a static, "" for a static without members; false: nothing known (no readelf, or no -g). */
bool members_path(uintptr_t addr, char *path, size_t size);

#endif
