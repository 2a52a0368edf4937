/*
 * buffered.h -- counts are logged by thread and applied later by one commit thread (the Gilectomy of 2017; after Bacon's
 * Recycler, Bacon and Rajan, ECOOP 2001).
 *
 * A mutator touches no count: incref writes the object's address into the thread's INC pad, decref into its DEC pad. Pads are
 * segments of LOG_SEGMENT entries, labelled with the epoch in which they were written. The commit thread alone changes counts,
 * with plain arithmetic, and alone deallocates.
 *
 *     count   32 bits   references, as far as they have been applied; the committer's alone
 *     early   32 bits   | 29: references counted here, not in the log | DYING | WEAK | IMMORTAL |; anybody's, by RMW.
 *                       Apart from count: a store to that would race with the committer's (FIELD.md 3.23)
 *     dec     32 bits   DECs that could not be logged for want of memory             \  under commit.direct_lock, while
 *     epoch   16 bits   the last epoch that one of these DECs belongs to (low bits)  >  the object is on
 *     next    64 bits   the list of such objects                                     /  commit.direct
 *
 * Epochs. `commit.epoch` is the open one, G. Epoch G+1 opens only when every attached thread has acknowledged G, so threads are
 * in G or G-1. A thread acknowledges at a safepoint (it seals its pads and joins G) or by detaching; attaching joins G. When all
 * have acknowledged G, epoch e = G-1 is closed: nothing more will be written with its label. Then all INC of epochs <= e are applied,
 * and after them all DEC of epochs <= e-1. Not DEC <= e: acknowledgements are not simultaneous, so A's INC can be in
 * e+1 while B's later DEC of that very reference is in e.
 *
 * Why zero means dead. Every DEC drops a reference that some INC (or rc_init) made earlier, by happens-before; skew is at
 * most one, so that INC's epoch is at most one higher than the DEC's: it has been applied. So the applied count is the
 * number of references made by applied INCs and not yet dropped by applied DECs. Suppose a reference r is held although it is 0:
 * its INC is not applied (epoch > e), so it was copied from a reference r1 that was dropped later, by a DEC of epoch >= e, not
 * applied. Follow r1 back the same way: the chain ends at rc_init, which counts from the start. Contradiction.
 * An INC may be applied early: one that is counted in `early` is, so that what must be zero is count plus early. The committer looks
 * at `early` when count has come to zero, and takes over what it finds.
 * Weak references. An upgrade copies no reference, so the chain above would end at it: hence it counts in `early`, never in the log,
 * and one compare-and-swap decides between it and the committer, who has found zero (also with the world stopped):
 *
 *     early   WEAK, 0 --rc_try_incref--> WEAK, n > 0 --count is 0: count = n--> WEAK, 0 --count is 0--> WEAK, DYING
 *
 * After DYING every upgrade fails. Nobody sets WEAK who holds no reference, so a committer that finds 0 there is alone.
 * The same argument covers a dead object's own fields, which are therefore dropped at once (rc_decref_field) unless a
 * finaliser could copy them first (rc_fields_escape); what destructors log themselves goes through the committer's own
 * pads like anybody's. A borrowed reference read at a container is good until the reader's next safepoint: the DEC that displaced it waits for that safepoint.
 *
 * Reads without the container's lock (RC_READS_BORROW): no try and no second look. A reader in epoch r loads x from a slot and logs its
 * INC with the label r; a writer in epoch d replaces x and logs its DEC. Claim: r <= d+1. The writer's store comes before its
 * acknowledgement of d+1, and d+2 opens after everybody's, by commit.lock; so whoever has joined d+2 (or attached then) sees the
 * store, and by coherence cannot load x there any more (nor the array that held x before it, which was replaced earlier still). DEC d is applied when d+1 is closed, after all INC <= d+1: after the
 * reader's. The proof above holds as it stands: where r1 is the slot's reference and its DEC is applied, the INC of the copy
 * is too. Until it joins d+2 the reader may look at x as it likes (RC_DEFERS_FREE): a key is compared without being counted.
 * With the world stopped no reader stands between its load and its INC.
 *
 * Settling, for a collection (rc_settle_begin, _stw, _end). The requester first waits until the committer sleeps, and keeps it so: `turning` and
 * `settling` change under commit.lock, and the committer begins work only where nobody settles. It waits detached, so a turn under way
 * gets all its acknowledgements and ends. Then the world stops, and the requester applies all logs in the committer's place. Threads
 * that find the log over its bound meanwhile wait for the end of it; the requester does not. The committer itself, in a destructor, cannot settle.
 * A drain is not needed for it, and would have no end beside mutators that go on logging: it applies what was logged before, in two turns.
 *
 * Bounds. A full pad asks for an epoch and chains a segment (from the reserve, else fresh): it never waits, since the
 * caller may hold a lock. At its next safepoint (attaching is none) a thread that finds more than LOG_LIMIT sealed segments waits, detached, for the
 * committer. Without memory for a segment the entry goes into the object's own head: always possible, never lost.
 *
 * Who holds what: commit.lock guards epochs, acknowledgements, the segment pool and, of detached threads, their pads;
 * an attached thread's pads are its own. Lock order: thread registry, commit.lock; direct_lock alone.
 * Order: entries travel to the committer through the sealed queue (release in os_enqueue, acquire in os_dequeue) or
 *        under commit.lock; hence everything a mutator did before a decref happens before the deallocation. (R1/R2)
 */
#ifndef RC_STRATEGY_BUFFERED_H
#define RC_STRATEGY_BUFFERED_H

#include "../thread.h"

#define RC_SUMMARY "increfs and decrefs logged per thread, applied by a commit thread"
#define RC_DEFERS_FREE 1
#define RC_KEEPS_BORROWED 1 /* the DEC of who displaces it waits for the reader's safepoint */
#define RC_READS RC_READS_BORROW

/* Entries of a segment; sealed segments before mutators wait. Small pads cost futex traffic, large ones memory and dead
 * objects that wait: between the 256 and the 65,536 entries that FIELD.md 2 gives figures for. Not swept here. */
#ifdef RC_EXPLORED
enum { LOG_SEGMENT = 8, LOG_LIMIT = 5 }; /* a scenario can go beyond it, and most do not */
#elif defined(RC_HOSTILE)
enum { LOG_SEGMENT = 8, LOG_LIMIT = 24 };
#else
enum { LOG_SEGMENT = 8192, LOG_LIMIT = 48 };
#endif

struct rc_head {
    _Atomic int32_t count;  /* written by the committer alone; one that reaches the top makes the object immortal */
    _Atomic uint32_t early; /* likewise */
    uint32_t dec;
    uint16_t epoch;
    struct rc_head *next; /* on commit.direct: the next, or the list's end mark; NULL: not on it */
};
#define RC_HEAD_FIELDS(X) X(count) X(early) X(dec) X(epoch) X(next)

enum { RC_IMMORTAL = 1, RC_WEAK = 2, RC_DYING = 4, RC_FLAGS = 7, RC_EARLY = 8 };

struct log_segment {
    struct os_node node; /* on commit.sealed; first member */
    struct log_segment *next;
    uint64_t epoch;
    size_t used;
    bool dec;
    struct rc_head *entry[LOG_SEGMENT];
};

#define RC_HEAD_WORDS(F) F(early, rc_words_early)
INLINE void rc_words_early(uint64_t value, char *buf, size_t size)
{
    snprintf(buf, size, "%u%s%s%s", (unsigned)value / RC_EARLY, value & RC_WEAK ? " | WEAK" : "", value & RC_DYING ? " | DYING" : "",
             value & RC_IMMORTAL ? " | immortal" : "");
}

/* A pad: the segment being written. at == end also when there is no segment. */
struct log_pad {
    struct rc_head **at, **end;
    struct log_segment *segment;
};

struct rc_thread {
    struct thread base;
    struct log_pad inc, dec;
    struct log_segment *reserve; /* one segment for the next full pad */
    uint64_t epoch;              /* the label of its pads; written under commit.lock */
    bool attached;               /* counted in commit.attached; under commit.lock */
    bool fields_escape;          /* rc_fields_escape; the thread's own */
    bool settling;               /* between rc_settle_begin and _end; the thread's own */
    struct rc_head *settled;     /* what it found dead meanwhile */
};
#define rc_thread rc_thread
#define RC_THREAD_FIELDS(F)                                                                                            \
    F(inc.at, NULL) F(inc.end, NULL) F(inc.segment, NULL) F(dec.at, NULL) F(dec.end, NULL) F(dec.segment, NULL) F(reserve, NULL) \
    F(epoch, NULL) F(attached, NULL) F(fields_escape, NULL) F(settling, NULL) F(settled, NULL)

static struct {
    struct os_mutex lock;
    struct os_cond wake;     /* the committer: work is asked for, or the last acknowledgement came in */
    struct os_cond progress; /* mutators and drains: a turn is over */
    uint64_t epoch;          /* the open one; > 0 */
    int attached, unacknowledged;
    bool wanted;             /* somebody asks for an epoch */
    bool stopping, running;
    int failed;              /* the committer could not start */
    bool turning;            /* the committer is at work */
    int settling;            /* threads between rc_settle_begin and _end: the committer begins nothing */
    uint64_t drains_asked, drains_done;
    struct log_segment *pool; /* free segments */
    int in_pool;
    _Atomic int backlog;     /* sealed segments that have not been applied */
    struct os_queue sealed;  /* from mutators to the committer */
    pthread_t thread;
    struct rc_thread *self;  /* the committer's; NULL before it runs */

    /* the committer's own: sealed segments waiting for their epoch, oldest first */
    struct {
        struct log_segment *first, **last;
    } inc, dec;

    struct os_mutex direct_lock;
    struct rc_head *direct; /* objects whose head holds unlogged DECs */
} commit = {
    .lock = OS_MUTEX_INIT,
    .wake = OS_COND_INIT,
    .progress = OS_COND_INIT,
    .direct_lock = OS_MUTEX_INIT,
    .epoch = 2, /* so that epoch - 2 exists */
};

/* Closes the list of commit.direct, so that `next` is not NULL for the last one either. */
static struct rc_head commit_direct_end __attribute__((unused));

HOT struct rc_thread *log_self(void) { return (struct rc_thread *)rt_self; }

API void rc_dead(struct rc_head *h);
API void rc_dead_pending(struct rc_head *h);

/* --- heads and fast paths --- */

/* relaxed, both: the committer alone reads and writes it while others run */
HOT int32_t log_count(const struct rc_head *h) { return atomic_load_explicit(&h->count, memory_order_relaxed); }
HOT void log_set_count(struct rc_head *h, int32_t n) { atomic_store_explicit(&h->count, n, memory_order_relaxed); } /* relaxed: as above */

/* relaxed: set by who holds a reference; whoever misses it logs an entry that the committer then ignores */
HOT bool rc_is_immortal(const struct rc_head *h) { return atomic_load_explicit(&h->early, memory_order_relaxed) & RC_IMMORTAL; }
/* (R3) release: this and rc_allow_weak come before any rc_try_incref that succeeds; as rc_init of other strategies */
INLINE void rc_immortalize(struct rc_head *h) { atomic_fetch_or_explicit(&h->early, RC_IMMORTAL, memory_order_release); }

HOT void rc_init(struct rc_head *h)
{
    log_set_count(h, 1);
    atomic_store_explicit(&h->early, 0, memory_order_relaxed); /* relaxed: published with the object */
    h->dec = 0;
    h->next = NULL;
}
INLINE bool rc_is_unique(const struct rc_head *h) { (void)h; return false; } /* the logs may hold more */
INLINE int64_t rc_count_stw(const struct rc_head *h)
{
    return log_count(h) + (int64_t)(atomic_load_explicit(&h->early, memory_order_relaxed) / RC_EARLY); /* relaxed: no other thread runs */
}

/* (R3) release: as rc_immortalize. The committer sees it with the DEC of the caller's reference */
INLINE void rc_allow_weak(struct rc_head *h) { atomic_fetch_or_explicit(&h->early, RC_WEAK, memory_order_release); }
#define rc_allow_weak rc_allow_weak

SLOW void log_full(struct rc_thread *t, struct log_pad *pad, struct rc_head *h);

HOT void rc_incref(struct rc_head *h)
{
    if (unlikely(rc_is_immortal(h))) {
        rc_stat(incref_immortal);
        return;
    }
    struct rc_thread *t = log_self();
    rc_stat(incref);
    if (likely(t->inc.at != t->inc.end)) {
        *t->inc.at++ = h;
        rc_stat(log_inc);
    } else {
        log_full(t, &t->inc, h);
    }
}

HOT bool rc_decref(struct rc_head *h)
{
    if (unlikely(rc_is_immortal(h))) {
        rc_stat(decref_immortal);
        return false;
    }
    struct rc_thread *t = log_self();
    rc_stat(decref);
    if (likely(t->dec.at != t->dec.end)) {
        *t->dec.at++ = h;
        rc_stat(log_dec);
    } else {
        log_full(t, &t->dec, h);
    }
    return false;
}

/* One reference more in `early`; at the top the object becomes immortal: a leak, never a use after free. */
INLINE uint32_t early_next(uint32_t word) { return word <= UINT32_MAX - RC_EARLY ? word + RC_EARLY : word | RC_IMMORTAL; }

/* Only immortal objects and those for which it was allowed can be proved alive. A thread that reads an object in a
 * container under its lock needs no try: rc_incref is right until its next safepoint. */
INLINE bool rc_try_incref(struct rc_head *h)
{
    uint32_t word = atomic_load_explicit(&h->early, memory_order_acquire); /* (R3) acquire: as the CAS, for an immortal one */
    do {
        if (word & RC_IMMORTAL)
            return true;
        if ((word & (RC_WEAK | RC_DYING)) != RC_WEAK)
            return false;
        /* (R3) acquire: the caller's re-check of where it found the object must not move before this */
    } while (!atomic_compare_exchange_weak_explicit(&h->early, &word, early_next(word), memory_order_acquire, memory_order_acquire));
    rc_stat(incref_shared);
    return true;
}

/* --- segments --- */

static struct log_segment *segment_from_pool_locked(void)
{
    struct log_segment *s = commit.pool;
    if (s) {
        commit.pool = s->next;
        commit.in_pool--;
    }
    return s;
}

/* A segment to write to, or NULL: no memory. Takes commit.lock. */
static struct log_segment *segment_new(void)
{
    os_lock(&commit.lock);
    struct log_segment *s = segment_from_pool_locked();
    os_unlock(&commit.lock);
    return s ? s : os_alloc(sizeof *s);
}

static void segment_free(struct log_segment *s)
{
    os_lock(&commit.lock);
    bool keep = commit.in_pool < LOG_LIMIT;
    if (keep) {
        s->next = commit.pool;
        commit.pool = s;
        commit.in_pool++;
    }
    os_unlock(&commit.lock);
    if (!keep)
        os_free(s);
}

/* Hands a pad's segment to the committer; the pad has none afterwards. By the pad's thread, or under commit.lock for a
 * detached one. */
static void pad_seal(struct rc_thread *t, struct log_pad *pad)
{
    struct log_segment *s = pad->segment;
    if (!s || pad->at == s->entry)
        return;
    s->used = (size_t)(pad->at - s->entry);
    s->epoch = t->epoch;
    s->dec = pad == &t->dec;
    *pad = (struct log_pad){0};
    atomic_fetch_add_explicit(&commit.backlog, 1, memory_order_relaxed); /* relaxed: a gauge */
    os_enqueue(&commit.sealed, &s->node);
}

/* The caller writes an entry at once: an open segment is never empty. */
static void pad_open(struct log_pad *pad, struct log_segment *s)
{
    rc_stat_deferred(0, sizeof *s);
    *pad = (struct log_pad){.at = s->entry, .end = s->entry + LOG_SEGMENT, .segment = s};
}

/* No memory for a segment: the entry is kept in the object's head. Early for an INC, which is always right. */
static void log_direct_inc(struct rc_head *h)
{
    /* relaxed, all: the caller holds a reference, and the committer sees it with the DEC that drops that */
    uint32_t word = atomic_load_explicit(&h->early, memory_order_relaxed);
    rc_stat(log_direct);
    while (!atomic_compare_exchange_weak_explicit(&h->early, &word, early_next(word), memory_order_relaxed, memory_order_relaxed))
        continue;
}

static void log_direct_dec(struct rc_thread *t, struct rc_head *h)
{
    rc_stat(log_direct);
    os_lock(&commit.direct_lock);
    h->dec++;
    h->epoch = (uint16_t)t->epoch; /* the last is enough: epochs at one object never go back by more than one */
    if (!h->next) {
        h->next = commit.direct ? commit.direct : &commit_direct_end;
        commit.direct = h;
    }
    os_unlock(&commit.direct_lock);
}

static void commit_ask(void)
{
    os_lock(&commit.lock);
    commit.wanted = true;
    os_signal(&commit.wake);
    os_unlock(&commit.lock);
}

/* The pad is full (or has no segment yet): seal it, chain another, never wait. May be called under an object's lock. */
SLOW void log_full(struct rc_thread *t, struct log_pad *pad, struct rc_head *h)
{
    bool was_full = pad->segment != NULL;
    pad_seal(t, pad);
    struct log_segment *s = t->reserve;
    t->reserve = NULL;
    if (!s)
        s = segment_new();
    if (s) {
        pad_open(pad, s);
        *pad->at++ = h;
        rc_stat_add(log_inc, pad == &t->inc);
        rc_stat_add(log_dec, pad == &t->dec);
    } else if (pad == &t->dec) {
        log_direct_dec(t, h);
    } else {
        log_direct_inc(h);
    }
    thread_break(&t->base, BREAK_EPOCH); /* refills the reserve at the next safepoint, waits if the log is over its bound */
    if (was_full || !s)
        commit_ask();
}

/* --- acknowledgements --- */

/* Seals what was written in an older epoch. Under commit.lock. True: there was a newer one. */
static bool log_acknowledge_locked(struct rc_thread *t)
{
    if (t->epoch == commit.epoch)
        return false;
    pad_seal(t, &t->inc);
    pad_seal(t, &t->dec);
    if (t->attached && --commit.unacknowledged == 0)
        os_signal(&commit.wake);
    return true;
}

static void log_join_locked(struct rc_thread *t)
{
    if (log_acknowledge_locked(t))
        t->epoch = commit.epoch;
    if (!t->reserve)
        t->reserve = segment_from_pool_locked();
}

INLINE void rc_attach(struct thread *thread)
{
    struct rc_thread *t = (struct rc_thread *)thread;
    os_lock(&commit.lock);
    log_join_locked(t);
    t->attached = true;
    commit.attached++;
    os_unlock(&commit.lock);
}
#define rc_attach rc_attach

/* While an epoch is being turned the pads are sealed: it closes now. Otherwise they stay as they are, labelled with the
 * open epoch, and the committer seals them in this thread's place when it opens the next one. */
INLINE void rc_detach(struct thread *thread)
{
    struct rc_thread *t = (struct rc_thread *)thread;
    os_lock(&commit.lock);
    log_acknowledge_locked(t);
    t->attached = false;
    commit.attached--;
    os_unlock(&commit.lock);
}
#define rc_detach rc_detach

/* Waits for the committer while the log is over its bound. Holds no lock; detached, so that it holds up no epoch. */
static void log_wait(void)
{
    rc_stat(commit_waits);
    thread_detach();
    os_lock(&commit.lock);
    while (atomic_load_explicit(&commit.backlog, memory_order_relaxed) > LOG_LIMIT && commit.running) { /* relaxed: a gauge */
        commit.wanted = true;
        os_signal(&commit.wake);
        os_wait(&commit.progress, &commit.lock, -1);
    }
    os_unlock(&commit.lock);
    thread_attach();
}

INLINE void rc_safepoint(struct thread *thread)
{
    struct rc_thread *t = (struct rc_thread *)thread;
    os_lock(&commit.lock);
    log_join_locked(t);
    os_unlock(&commit.lock);
    if (!t->reserve)
        t->reserve = os_alloc(sizeof *t->reserve); /* NULL: the next full pad tries again, or goes to the heads */
    /* relaxed: a gauge */
    if (t != commit.self && !t->settling && atomic_load_explicit(&commit.backlog, memory_order_relaxed) > LOG_LIMIT)
        log_wait();
}
#define rc_safepoint rc_safepoint

/* --- the commit thread --- */

/* What a turn frees, for the peak of what is deferred (RC_PEAKS in stats.h); the committer's own. */
#if RC_STATISTICS
static struct {
    int64_t log_bytes; /* in segments when the epoch was closed */
    int64_t objects, bytes;
} commit_turn_dead;

static void commit_peak_begin(void)
{
    commit_turn_dead.log_bytes = rc_gauge_of(&rc_gauge.bytes);
    commit_turn_dead.objects = commit_turn_dead.bytes = 0;
}
/* Found dead. Always true. */
static bool commit_peak_dead(const struct rc_head *h)
{
    commit_turn_dead.objects++;
    commit_turn_dead.bytes += (int64_t)rc_bytes(h);
    return true;
}
static void commit_peak_end(void)
{
    rc_stat_peak(deferred_objects, commit_turn_dead.objects);
    rc_stat_peak(deferred_bytes, commit_turn_dead.log_bytes + commit_turn_dead.bytes);
}
#else
INLINE void commit_peak_begin(void) {}
INLINE bool commit_peak_dead(const struct rc_head *h) { (void)h; return true; }
INLINE void commit_peak_end(void) {}
#endif

static void commit_add(struct rc_head *h, int32_t n)
{
    int32_t count = log_count(h);
    os_interleave();
    if (unlikely(count > INT32_MAX - n))
        rc_immortalize(h); /* a leak, never a use after free */
    else
        log_set_count(h, count + n);
}

/* In the committer's place: it sleeps between two turns (rc_settle_stw), and nothing is logged that has not been applied. */
INLINE void rc_adjust_stw(struct rc_head *h, int64_t n)
{
    int64_t count = log_count(h) + n;
    if (unlikely(count > INT32_MAX))
        rc_immortalize(h); /* a leak, never a use after free */
    else
        log_set_count(h, (int32_t)count);
}
#define rc_adjust_stw rc_adjust_stw

/* The applied count has come to zero, or below (direct DECs come all at once). Takes over what was counted early. True: nothing, the
 * object is dead, and no upgrade comes any more. */
static __attribute__((noinline)) bool commit_zero(struct rc_head *h)
{
    int64_t sum;
    uint32_t next;
    /* relaxed, all: what happens before the deallocation comes with the DECs (R1); a failed upgrade holds what dealloc waits for */
    uint32_t word = atomic_load_explicit(&h->early, memory_order_relaxed);
    os_interleave();
    do {
        if (word & RC_IMMORTAL)
            return false;
        sum = log_count(h) + (int64_t)(word / RC_EARLY);
        next = (word & RC_FLAGS) | (sum == 0 ? RC_DYING : 0);
        /* relaxed: as above */
    } while (!atomic_compare_exchange_weak_explicit(&h->early, &word, next, memory_order_relaxed, memory_order_relaxed));
    log_set_count(h, (int32_t)sum);
    return sum == 0;
}

/* True: dead. Every INC that matters has been applied, so zero is final. */
HOT bool commit_sub(struct rc_head *h, int32_t n)
{
    int32_t count = log_count(h) - n;
    os_interleave();
    log_set_count(h, count);
    /* relaxed: whoever wrote there holds a reference, or held one whose DEC came after */
    return count <= 0 && (likely(atomic_load_explicit(&h->early, memory_order_relaxed) == 0) || commit_zero(h)) && commit_peak_dead(h);
}

INLINE bool rc_decref_field(struct rc_head *h)
{
    if (rt_self != &commit.self->base || log_self()->fields_escape || rc_is_immortal(h))
        return rc_decref(h);
    rc_stat(decref);
    return commit_sub(h, 1);
}
#define rc_decref_field rc_decref_field

/* What a finaliser took from its object's fields it took in the open epoch: they cannot be dropped at once. */
INLINE bool rc_fields_escape(bool escape)
{
    bool was = log_self()->fields_escape;
    log_self()->fields_escape = escape;
    return was;
}
#define rc_fields_escape rc_fields_escape

/* Opens epoch G+1 (all attached threads are in G), seals the pads of those that are detached, and waits until every
 * attached thread has joined. Returns the closed epoch, G. */
static uint64_t commit_turn_epoch(void)
{
    struct thread *t;
    thread_registry_lock();
    os_lock(&commit.lock);
    commit.wanted = false;
    commit.epoch++;
    commit.unacknowledged = commit.attached;
    thread_registry_for_each(t) {
        struct rc_thread *each = (struct rc_thread *)t;
        if (each->attached) {
            thread_break(t, BREAK_EPOCH);
        } else {
            pad_seal(each, &each->inc);
            pad_seal(each, &each->dec);
        }
    }
    log_join_locked(commit.self);
    thread_registry_unlock();
    while (commit.unacknowledged > 0)
        os_wait(&commit.wake, &commit.lock, -1);
    uint64_t closed = commit.epoch - 1;
    os_unlock(&commit.lock);
    return closed;
}

static void commit_collect(void)
{
    while (!os_queue_empty(&commit.sealed)) {
        struct log_segment *s = (struct log_segment *)os_dequeue(&commit.sealed);
        if (!s) {
            os_yield(); /* an enqueuer is half-way */
            continue;
        }
        s->next = NULL;
        if (s->dec) {
            *commit.dec.last = s;
            commit.dec.last = &s->next;
        } else {
            *commit.inc.last = s;
            commit.inc.last = &s->next;
        }
    }
}

/* Applies the DECs that one head holds when their epochs are <= `dec_through`, or all. True: dead. */
static bool commit_direct_one(struct rc_head *h, uint64_t dec_through, bool all)
{
    if (h->dec == 0 || (!all && (int16_t)(h->epoch - (uint16_t)dec_through) > 0))
        return false;
    int32_t dec = (int32_t)h->dec;
    h->dec = 0;
    return commit_sub(h, dec);
}

/* The same for all on commit.direct; those whose DECs must wait stay on it. Returns the dead, chained by next. */
static struct rc_head *commit_direct(uint64_t dec_through, bool all)
{
    struct rc_head *dead = NULL, *next;
    os_lock(&commit.direct_lock);
    struct rc_head *h = commit.direct;
    commit.direct = NULL;
    for (; h && h != &commit_direct_end; h = next) {
        next = h->next;
        h->next = NULL;
        if (commit_direct_one(h, dec_through, all)) {
            h->next = dead;
            dead = h;
        } else if (h->dec > 0) {
            h->next = commit.direct ? commit.direct : &commit_direct_end;
            commit.direct = h;
        }
    }
    os_unlock(&commit.direct_lock);
    return dead;
}

static void commit_incs(struct log_segment *s)
{
    for (size_t i = 0; i < s->used; i++)
        commit_add(s->entry[i], 1);
    rc_stat_add(commit_inc, s->used);
}

/* Deallocates as it goes. */
static void commit_decs(struct log_segment *s)
{
    for (size_t i = 0; i < s->used; i++) {
        struct rc_head *h = s->entry[i];
        if (i + 4 < s->used)
            __builtin_prefetch(s->entry[i + 4], 1);
        if (commit_sub(h, 1))
            rc_dead(h);
    }
    rc_stat_add(commit_dec, s->used);
}

/* Applies and frees the segments of one kind whose epoch is at most `through`. */
static void commit_apply(struct log_segment **first, struct log_segment ***last, uint64_t through,
                         void (*apply)(struct log_segment *))
{
    struct log_segment **at = first, *s;
    while ((s = *at) != NULL) {
        if (s->epoch > through) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        apply(s);
        rc_stat_deferred(0, -(int64_t)sizeof *s);
        segment_free(s);
        atomic_fetch_sub_explicit(&commit.backlog, 1, memory_order_relaxed); /* relaxed: a gauge */
    }
    *last = at;
}

/* --- with the world stopped --- */

static void commit_settle_dead(struct rc_head *h)
{
    rc_dead_pending(h);
    h->next = log_self()->settled;
    log_self()->settled = h;
}

static void commit_settle_decs(struct log_segment *s)
{
    for (size_t i = 0; i < s->used; i++)
        if (commit_sub(s->entry[i], 1))
            commit_settle_dead(s->entry[i]);
    rc_stat_add(commit_dec, s->used);
}

/* Waits until the committer sleeps, and keeps it so. Detached: a turn under way needs everybody's acknowledgement. Who waits for the
 * log's bound meanwhile waits for the end of this; the caller must not (rc_safepoint). */
INLINE bool rc_settle_begin(void)
{
    struct rc_thread *t = log_self();
    if (t == commit.self)
        return false; /* in a destructor: it would wait for itself */
    thread_detach();
    os_lock(&commit.lock);
    t->settling = true;
    commit.settling++;
    while (commit.turning)
        os_wait(&commit.progress, &commit.lock, -1);
    os_unlock(&commit.lock);
    thread_attach();
    return true;
}
#define rc_settle_begin rc_settle_begin

/* Everybody's pads, in the place of the committer. All INC before all DEC: since all threads stand still, none is missing, and epochs
 * do not matter. */
INLINE void rc_settle_stw(void)
{
    struct thread *t;
    thread_registry_lock();
    os_lock(&commit.lock);
    assert(!commit.turning);
    thread_registry_for_each(t) {
        pad_seal((struct rc_thread *)t, &((struct rc_thread *)t)->inc);
        pad_seal((struct rc_thread *)t, &((struct rc_thread *)t)->dec);
    }
    os_unlock(&commit.lock);
    thread_registry_unlock();
    commit_collect();
    commit_apply(&commit.inc.first, &commit.inc.last, UINT64_MAX, commit_incs);
    struct rc_head *dead = commit_direct(0, true);
    commit_apply(&commit.dec.first, &commit.dec.last, UINT64_MAX, commit_settle_decs);
    while (dead) {
        struct rc_head *next = dead->next;
        commit_settle_dead(dead);
        dead = next;
    }
}
#define rc_settle_stw rc_settle_stw

INLINE void rc_settle_end(void)
{
    struct rc_thread *t = log_self();
    struct rc_head *dead = t->settled;
    t->settled = NULL;
    if (t->settling) {
        os_lock(&commit.lock);
        t->settling = false;
        commit.settling--;
        os_signal(&commit.wake);
        os_broadcast(&commit.progress);
        os_unlock(&commit.lock);
    }
    while (dead) {
        struct rc_head *next = dead->next;
        dead->next = NULL;
        rc_dead(dead);
        dead = next;
    }
}

/* One turn: close an epoch, apply. Called by the committer, attached, holding no lock. */
static void commit_turn(void)
{
    uint64_t closed = commit_turn_epoch();
    rc_stat(commit_epochs);
    commit_peak_begin();
    commit_collect();
    commit_apply(&commit.inc.first, &commit.inc.last, closed, commit_incs);
    struct rc_head *dead = commit_direct(closed - 1, false);
    for (struct rc_head *h = dead; h; h = h->next)
        rc_dead_pending(h); /* the destructors of others come first: no collection may take it for garbage */
    commit_apply(&commit.dec.first, &commit.dec.last, closed - 1, commit_decs);
    while (dead) {
        struct rc_head *next = dead->next;
        rc_dead(dead);
        dead = next;
    }
    commit_peak_end();
    os_lock(&commit.lock);
    os_broadcast(&commit.progress);
    os_unlock(&commit.lock);
}

static bool pad_is_empty(const struct log_pad *p) { return !p->segment || p->at == p->segment->entry; }

/* Nothing is deferred anywhere: no attached thread but the committer, and all pads and lists empty. */
static bool commit_is_drained(void)
{
    bool drained = !commit.inc.first && !commit.dec.first && os_queue_empty(&commit.sealed);
    struct thread *t;
    thread_registry_lock();
    os_lock(&commit.lock);
    thread_registry_for_each(t) {
        struct rc_thread *each = (struct rc_thread *)t;
        drained = drained && (!each->attached || each == commit.self) && pad_is_empty(&each->inc) && pad_is_empty(&each->dec);
    }
    os_unlock(&commit.lock);
    thread_registry_unlock();
    os_lock(&commit.direct_lock);
    drained = drained && !commit.direct;
    os_unlock(&commit.direct_lock);
    return drained;
}

/* Sleeps until there is work; false: the runtime stops. The committer detaches meanwhile, so it holds up nothing. */
static bool commit_wait(uint64_t *drain)
{
    thread_detach();
    os_lock(&commit.lock);
    while (commit.settling > 0 || (!commit.wanted && !commit.stopping && commit.drains_asked == commit.drains_done))
        os_wait(&commit.wake, &commit.lock, -1);
    *drain = commit.drains_asked;
    bool go = commit.turning = !commit.stopping;
    os_unlock(&commit.lock);
    thread_attach();
    return go;
}

/* A DEC of the open epoch is applied by the second turn from now on. */
enum { COMMIT_TURNS = 2 };

/* No other thread is attached, so that there is an end to what is logged. */
static bool commit_is_alone(void)
{
    os_lock(&commit.lock);
    bool alone = commit.attached == 1;
    os_unlock(&commit.lock);
    return alone;
}

static void commit_report(int failed)
{
    os_lock(&commit.lock);
    commit.running = !failed;
    commit.failed = failed;
    commit.self = failed ? NULL : log_self();
    os_broadcast(&commit.progress);
    os_unlock(&commit.lock);
}

static void *commit_main(void *unused)
{
    uint64_t drain;
    if (thread_begin() != 0) {
        commit_report(-1);
        return unused;
    }
    thread_beside_gil();
    commit_report(0);
    while (commit_wait(&drain)) {
        commit_turn();
        if (drain != commit.drains_done)
            for (int turns = 1; !commit_is_drained() && (turns < COMMIT_TURNS || commit_is_alone()); turns++)
                commit_turn();
        os_lock(&commit.lock);
        commit.turning = false;
        commit.drains_done = drain;
        os_broadcast(&commit.progress);
        os_unlock(&commit.lock);
    }
    thread_end();
    return unused;
}

/* --- hooks --- */

INLINE void rc_bounds(char *buf, size_t size)
{
    snprintf(buf, size, "; a log segment holds %d entries, mutators wait at %d sealed segments", LOG_SEGMENT, LOG_LIMIT);
}
#define rc_bounds rc_bounds

/* 0, or -1: out of memory. */
INLINE int rc_runtime_start(void)
{
    os_queue_init(&commit.sealed);
    commit.inc.last = &commit.inc.first;
    commit.dec.last = &commit.dec.first;
    commit.stopping = commit.running = commit.wanted = false;
    commit.failed = 0;
    if (os_spawn(&commit.thread, commit_main, NULL) != 0)
        return -1;
    os_lock(&commit.lock);
    while (!commit.running && !commit.failed)
        os_wait(&commit.progress, &commit.lock, -1);
    os_unlock(&commit.lock);
    if (commit.failed)
        os_join(commit.thread);
    return commit.failed;
}
#define rc_runtime_start rc_runtime_start

/* Applies everything that was logged before; with no other mutator attached, to a fixpoint. The caller is attached; from a destructor,
 * on the committer, nothing is applied. */
INLINE void rc_drain(void)
{
    if (log_self() == commit.self)
        return;
    thread_detach();
    os_lock(&commit.lock);
    uint64_t ticket = ++commit.drains_asked;
    os_signal(&commit.wake);
    while (commit.drains_done < ticket && commit.running)
        os_wait(&commit.progress, &commit.lock, -1);
    os_unlock(&commit.lock);
    thread_attach();
}
#define rc_drain rc_drain

/* Returns a pad's empty segment to the pool. */
static void pad_drop(struct log_pad *pad)
{
    if (pad->segment) {
        rc_stat_deferred(0, -(int64_t)sizeof *pad->segment);
        segment_free(pad->segment);
    }
    *pad = (struct log_pad){0};
}

/* An ending thread hands its pads over; nothing it logged is lost. */
INLINE void rc_thread_stop(struct thread *thread)
{
    struct rc_thread *t = (struct rc_thread *)thread;
    pad_seal(t, &t->inc);
    pad_seal(t, &t->dec);
    pad_drop(&t->inc);
    pad_drop(&t->dec);
    os_free(t->reserve);
    t->reserve = NULL;
}
#define rc_thread_stop rc_thread_stop

/* After rc_drain. The caller is attached and logs nothing afterwards. */
INLINE void rc_runtime_stop(void)
{
    os_lock(&commit.lock);
    commit.stopping = true;
    os_signal(&commit.wake);
    os_unlock(&commit.lock);
    thread_detach();
    os_join(commit.thread);
    thread_attach();
    rc_thread_stop(rt_self); /* the caller's own segments go back to the pool, and the pool to the system */
    commit.running = false;
    commit.self = NULL;
    while (commit.pool) {
        struct log_segment *next = commit.pool->next;
        os_free(commit.pool);
        commit.pool = next;
    }
    commit.in_pool = 0;
}
#define rc_runtime_stop rc_runtime_stop

#endif
