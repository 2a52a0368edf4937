/*
 * heap_map.h -- the allocation map: which object lay where, for tools that see addresses only (scripts/perf-c2c).
 *
 * When it is asked for, each thread notes every object that it allocates: address, bytes, type; once, however often the
 * block is used again for that type, so the map grows with the memory and not with time. Frees are not noted: an address may
 * have had several types. Only with RC_STATISTICS; not asked for, it costs a test per allocation there and nothing elsewhere.
 * The arrays of lists, dicts and sets are not objects and not in it.
 */
#ifndef OBJECTS_HEAP_MAP_H
#define OBJECTS_HEAP_MAP_H

#include "../rc/rc.h"

struct obj;
struct type;
struct heap_thread;

/* A set of blocks, open addressing; room is a power of two or 0. */
struct heap_map {
    struct heap_map_block {
        uintptr_t address; /* 0: free */
        size_t bytes;
        const struct type *type;
    } *block;
    size_t used, room;
    size_t lost; /* blocks that there was no memory to note */
};

/* Before objects_start: from now on objects are noted. */
API void heap_map_start(void);
/* An ending thread's blocks go to the map of all. */
API void heap_map_publish(struct heap_thread *t);
/* Writes the map of all ended threads as text (bench/README.md has its lines). 0 or an errno. */
API int heap_map_write(const char *path);

#if RC_STATISTICS
static bool heap_map_wanted;
SLOW void heap_map_note_slow(const struct obj *o, size_t bytes);
HOT void heap_map_note(const struct obj *o, size_t bytes)
{
    if (unlikely(heap_map_wanted))
        heap_map_note_slow(o, bytes);
}
#else
#define heap_map_note(o, bytes) ((void)0)
#endif

#endif
