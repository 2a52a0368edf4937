/*
 * stats.h -- the toolkit's own counters, one list. Free when off: without RC_STATISTICS every rc_stat() is empty.
 *
 * Each thread counts in its own struct thread (no sharing while measuring); a thread's counts are added to the
 * totals when it ends (thread.c). Read the totals only when the threads that count have ended. Peaks are of the whole
 * process: they are raised where a thread waits or queues, not on a fast path.
 */
#ifndef RC_STATS_H
#define RC_STATS_H

#include "os.h"

#ifndef RC_STATISTICS
#define RC_STATISTICS 0
#endif

/* X(name): what happened. The sums that must agree when all is drained (tests/test_counters.c): merge_queued ==
 * merge_drained + merge_foreign_drained; log_inc == commit_inc; log_dec == commit_dec; lock_biased <= lock_acquired. */
#define RC_COUNTERS(X)                                                                                                  \
    X(incref)               /* by the owner, or the only way there is */                                               \
    X(incref_shared)        /* by a thread that is not the owner: an atomic read-modify-write */                       \
    X(incref_immortal)      /* skipped: immortal */                                                                    \
    X(decref)                                                                                                          \
    X(decref_shared)                                                                                                   \
    X(decref_immortal)                                                                                                 \
    X(merge_owner)          /* biased: the owner dropped its last local reference while others held some */            \
    X(merge_queued)         /* biased: sent to the owner's merge queue */                                              \
    X(merge_drained)        /* biased: merged out of the queue by the owner */                                         \
    X(merge_foreign_drained)/* biased: merged out of a detached owner's queue by somebody else */                      \
    X(merge_orphan)         /* biased: merged by the sender, the owner had ended */                                    \
    X(log_inc)              /* buffered: entries written */                                                            \
    X(log_dec)                                                                                                         \
    X(log_direct)           /* buffered: entries not written for want of memory, applied or counted in the header */   \
    X(commit_inc)           /* buffered: entries applied */                                                            \
    X(commit_dec)                                                                                                      \
    X(commit_epochs)                                                                                                   \
    X(commit_waits)         /* buffered: a mutator waited for the committer (the log's bound) */                       \
    X(gil_switches)         /* the GIL changed hands on request */                                                     \
    X(lock_acquired)        /* object locks */                                                                         \
    X(lock_biased)          /* of these: by the owner, without an atomic read-modify-write */                          \
    X(lock_revoked)         /* locks that stopped being biased because another thread came */                          \
    X(lock_contended)       /* of all: not free at the first try */                                                    \
    X(lock_handed)          /* of these: handed over to a waiter of over 1 ms (parking) */                              \
    X(lock_wait_ns)                                                                                                    \
    X(read_optimistic)      /* reads=optimistic: list and dict reads without their lock */                             \
    X(read_locked)          /* of those that tried: took the lock in the end */                                        \
    X(retired)              /* blocks that waited for a grace period */                                                \
    X(retired_bytes)                                                                                                   \
    X(grace_periods)        /* that retired blocks were waited for */                                                  \
    X(alloc_fresh)          /* objects from malloc */                                                                  \
    X(alloc_reused)         /* objects from a freelist */                                                              \
    X(uncounted_deferred)   /* loads on an evaluation stack that took no count: of a deferred object (stack.h) */      \
    X(uncounted_borrowed)   /* the same: of what the frame keeps */                                                    \
    X(incref_thread)        /* counted in the thread's own array (defer.h) */                                          \
    X(decref_thread)

enum rc_counter {
#define X(name) RC_STAT_##name,
    RC_COUNTERS(X)
#undef X
    RC_STAT_COUNT
};

struct rc_counts {
#if RC_STATISTICS
    uint64_t value[RC_STAT_COUNT];
#else
    char none;
#endif
};

#if RC_STATISTICS
#define rc_stat_add(name, n) ((void)(rt_self->counts.value[RC_STAT_##name] += (uint64_t)(n)))
#else
#define rc_stat_add(name, n) ((void)0)
#endif
#define rc_stat(name) rc_stat_add(name, 1)

/* X(name): the highest it was. Over threads and samples the maximum counts, never the sum.
 *
 * Deferred: what is held only because the strategy defers. A strategy that defers counts it, all others have 0:
 *     biased    the objects on merge queues, from the enqueue to the merge.
 *     buffered  the log segments that hold entries not yet applied, whole, and the dead objects that the committer has not
 *               freed. Which objects are dead nobody knows before the committer has looked: those that one turn frees
 *               were dead when it closed its epoch, so both are added up for that moment, once a turn. Objects whose last
 *               DEC lies in a later epoch count in the turn that frees them.
 * Not counted: the arrays of lists, dicts and sets, empty segments, freelists (free memory), an object's finaliser's work. */
#define RC_PEAKS(X)                                                                                                     \
    X(deferred_bytes)                                                                                                  \
    X(deferred_objects)                                                                                                \
    X(lock_wait_longest_ns) /* one wait for an object lock */                                                          \
    X(retired_most_bytes)   /* that one thread kept for a grace period */

enum rc_peak {
#define X(name) RC_PEAK_##name,
    RC_PEAKS(X)
#undef X
    RC_PEAK_COUNT
};

#if RC_STATISTICS
static struct {
    _Atomic int64_t peak[RC_PEAK_COUNT];
    _Atomic int64_t bytes, objects; /* deferred now */
} rc_gauge __attribute__((unused));

INLINE void rc_raise(enum rc_peak which, int64_t value)
{
    int64_t peak = atomic_load_explicit(&rc_gauge.peak[which], memory_order_relaxed); /* relaxed: a figure, it publishes nothing */
    while (peak < value && !atomic_compare_exchange_weak_explicit(&rc_gauge.peak[which], &peak, value, memory_order_relaxed,
                                                                  memory_order_relaxed)) /* relaxed: as above */
        continue;
}
/* Negative: given back. */
INLINE void rc_gauge_add(int64_t objects, int64_t bytes)
{
    /* relaxed, both: figures, they publish nothing */
    rc_raise(RC_PEAK_deferred_objects, atomic_fetch_add_explicit(&rc_gauge.objects, objects, memory_order_relaxed) + objects);
    rc_raise(RC_PEAK_deferred_bytes, atomic_fetch_add_explicit(&rc_gauge.bytes, bytes, memory_order_relaxed) + bytes);
}
/* relaxed, both: read between the phases of a run */
INLINE int64_t rc_gauge_of(const _Atomic int64_t *figure) { return atomic_load_explicit(figure, memory_order_relaxed); }
INLINE int64_t rc_peak_of(enum rc_peak which) { return rc_gauge_of(&rc_gauge.peak[which]); }
#define rc_stat_peak(name, value) rc_raise(RC_PEAK_##name, (value))
#define rc_stat_deferred(objects, bytes) rc_gauge_add((objects), (int64_t)(bytes))
#else
#define rc_stat_peak(name, value) ((void)0)
#define rc_stat_deferred(objects, bytes) ((void)0)
#endif

#endif
