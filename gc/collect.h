/*
 * collect.h -- collection of reference cycles, over any strategy.
 */
#ifndef GC_COLLECT_H
#define GC_COLLECT_H

#include "../objects/track.h"

/* What collections did since the runtime started. Times in nanoseconds. */
struct gc_statistics {
    int64_t collections;
    int64_t skipped;        /* another thread was collecting, memory was short, or the counts could not be settled */
    int64_t collected;      /* objects */
    int64_t resurrected;    /* that a finaliser made reachable again */
    int64_t tracked;        /* looked at by the last collection */
    int64_t pause_ns, pause_longest_ns; /* the world stood still; sum and maximum */
    int64_t stop_ns, stop_longest_ns;   /* until it did */
};

/* Collects what is unreachable but in cycles. The caller is attached and holds no lock. Returns how many objects it found to be
 * garbage, 0 also where it gave up (statistics: skipped); finalisers and destructors have run. */
API int64_t gc_collect(void);

/* Of all threads. With no collection under way. */
API struct gc_statistics gc_statistics(void);

/* Before threads begin: a collection at the safepoint of whoever makes one due (track.h). */
API void gc_start(void);
/* Gives its memory back; after the last collection. */
API void gc_end(void);

#endif
