/*
 * lock_statistics.h -- what object locks cost, by the type of the object that is locked (as the Gilectomy's statistics).
 *
 * A lock finds its type through its object, so no list of lockable types is kept: a type has a line once one of its
 * objects was locked. Each thread counts in its own heap_thread; at its end that is added to the totals, the longest wait
 * by maximum. Nothing of this exists without RC_STATISTICS.
 */
#ifndef OBJECTS_LOCK_STATISTICS_H
#define OBJECTS_LOCK_STATISTICS_H

#include "../rc/stats.h"

struct type;
struct heap_thread;

/* X(name): the sum over the types is the counter lock_NAME of rc/stats.h (tests/test_counters.c). */
#define LOCK_COUNTERS(X) X(acquired) X(biased) X(revoked) X(contended) X(handed) X(wait_ns)

enum lock_counter {
#define X(name) LOCK_STAT_##name,
    LOCK_COUNTERS(X)
#undef X
    LOCK_STAT_COUNT
};

enum { LOCK_TYPES = 8 }; /* lines; the last is for all further types, should there ever be so many */

struct lock_counts {
    const struct type *type; /* NULL: not used yet, or the last */
    uint64_t value[LOCK_STAT_COUNT];
    int64_t wait_longest_ns;
};

/* The line of that type, the last if there is no room for its own. */
INLINE struct lock_counts *lock_counts_of(struct lock_counts *line, const struct type *type)
{
    int i = 0;
    while (i < LOCK_TYPES - 1 && line[i].type && line[i].type != type)
        i++;
    if (i < LOCK_TYPES - 1)
        line[i].type = type;
    return &line[i];
}

/* Adds the calling thread's lines to the totals; at its end. */
API void lock_statistics_publish(struct heap_thread *t);
/* Line i < LOCK_TYPES of the totals, or NULL: not used. Read it when the threads that count have ended. */
API const struct lock_counts *lock_statistics_total(int i);

#endif
