/*
 * stats.h -- the toolkit's own counters, one list. Free when off: without RC_STATISTICS every rc_stat() is empty.
 *
 * Each thread counts in its own struct thread (no sharing while measuring); a thread's counts are added to the
 * totals when it ends (thread.c). Read the totals only when the threads that count have ended.
 */
#ifndef RC_STATS_H
#define RC_STATS_H

#include <stdint.h>

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
    X(lock_wait_ns)                                                                                                    \
    X(alloc_fresh)          /* objects from malloc */                                                                  \
    X(alloc_reused)         /* objects from a freelist */

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

#endif
