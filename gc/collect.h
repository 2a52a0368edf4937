/*
 * collect.h -- collection of reference cycles, over any strategy.
 */
#ifndef GC_COLLECT_H
#define GC_COLLECT_H

#include "../objects/track.h"

/*
 * What collections did since the runtime started. Times in nanoseconds.
 *
 *     skipped       asked for on a thread that cannot settle the counts: buffered's commit thread, in a finaliser
 *     collected     containers found to be garbage, and cleared
 *     resurrected   found to be garbage until a finaliser made them reachable again: not collected
 *     uncollectable garbage in the last collection that an earlier one had cleared already, which did not break its cycle; not collected again
 *     tracked       objects that the last collection looked at
 *     suspects      of these, that had to be looked at once more
 *     pause         the world stood still; sum and maximum
 *     stop          until it did; as well
 */
#define GC_STATISTICS(X) \
    X(collections) X(skipped) X(collected) X(resurrected) X(uncollectable) X(tracked) X(suspects) X(pause_ns) X(pause_longest_ns) X(stop_ns) X(stop_longest_ns)
struct gc_statistics {
#define X(name) int64_t name;
    GC_STATISTICS(X)
#undef X
};

/* Collects what is unreachable but in cycles. Needs no memory of its own. The caller is attached and holds no lock. Returns how many containers it
 * has cleared as garbage: neither those that finalisers have made reachable again, nor the uncollectable ones, so that calls in a loop come to 0.
 * 0 also where it gave up (statistics: skipped) or another thread collects. Finalisers and, but for what is deferred, destructors have run. */
API int64_t gc_collect(void);

/* Of all threads. With no collection under way. */
API struct gc_statistics gc_statistics(void);

/* Before threads begin: a collection at the safepoint of whoever makes one due (track.h). */
API void gc_start(void);
/* Who wants to know of each stop of the world how long it took; after gc_start, before a collection. `stopped` runs with the world
 * stopped: one call at a time. */
API void gc_listen(void (*stopped)(void *arg, int64_t ns), void *arg);

#endif
