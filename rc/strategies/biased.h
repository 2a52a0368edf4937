/*
 * biased.h -- biased reference counting (Choi, Shull, Torrellas, PACT 2018; PEP 703).
 *
 * The thread that made an object owns it and counts in `local` with plain loads and stores; every other thread counts in
 * `shared` with atomic read-modify-writes. When a foreign decref finds nothing to subtract from, it does not subtract:
 * it puts the object on the owner's merge queue, and the queue inherits the reference. The owner merges at its safepoints;
 * somebody else does so in its place while it is detached; the sender does so when the owner has ended.
 *
 *     owner   32 bits   id of the owning thread; 0: merged, nobody owns it
 *     local   32 bits   the owner's count; UINT32_MAX: immortal
 *     shared  64 bits   | 62 bits: count, may be negative | 2 bits: flags |
 *     link    64 bits   merge queue, while QUEUED; afterwards the chain of those found dead by a foreign drain
 *
 *     flags, which only grow:   00 default    a foreign decref at count 0 queues
 *                               01 WEAK       may have weak references (rc_allow_weak); the same
 *                               10 QUEUED     on the owner's merge queue, which holds one reference
 *                               11 MERGED     owner == 0, local == 0: shared alone is the count
 *
 *     00 --rc_allow_weak--> 01
 *     00, 01 --foreign decref at count 0--> 10 --merge from the queue--> 11 --count reaches 0--> dead
 *     00, 01, 10 --the owner's local reaches 0, shared word not 0--> 11
 *
 * Invariant: local + (shared >> 2) == references, the queue's included. MERGED implies owner == 0 and local == 0.
 * Who may write owner and local: the owner while attached; whoever suspended it (thread_suspend); the one that queued the
 * object of an ended owner (only one can have set QUEUED). Who gives up a reference by the CAS that sets MERGED does not
 * touch the head after it: another thread may free the object (FIELD.md 3.7). While the queue holds its reference nobody
 * can: an object that its owner merged while it was being queued is linked and merged once more, harmlessly.
 * Order: increfs relaxed (the caller holds a reference). A foreign decref releases (R2); whoever finds the object dead
 *        acquires (R1) before deallocating. A merge releases and acquires: it does both jobs. The shared word begins with a
 *        release (R3), which all that changes it later carries on as its release sequence.
 */
#ifndef RC_STRATEGY_BIASED_H
#define RC_STRATEGY_BIASED_H

#include "../thread.h"

/* A slot's object that has died fails the try by its shared word (0 or MERGED), or by local == 0 where the reader is its owner. */
#define RC_READS RC_READS_TRY
#define RC_SUMMARY "owner thread counts without atomics, others on a shared word (PEP 703)"

struct rc_head {
    _Atomic uint32_t owner;
    _Atomic uint32_t local;
    _Atomic int64_t shared;
    union {
        struct os_node link;
        struct rc_head *next_dead;
    };
};
#define RC_HEAD_FIELDS(X) X(owner) X(local) X(shared) X(link)

struct rc_thread {
    struct thread base;
    struct os_queue merge;   /* objects of this thread that others want merged */
    struct rc_head *settled; /* found dead while this thread had stopped the world */
};
#define rc_thread rc_thread

#define RC_IMMORTAL UINT32_MAX
enum { RC_WEAK = 1, RC_QUEUED = 2, RC_MERGED = 3, RC_FLAGS = 3, RC_ONE = 4 };

/* --- for the explorer --- */

#define RC_HEAD_WORDS(F) F(owner, words_thread) F(local, rc_words_local) F(shared, rc_words_shared)
#define RC_THREAD_FIELDS(F) F(merge.head, NULL) F(merge.tail, NULL) F(settled, NULL)

INLINE void rc_words_local(uint64_t value, char *buf, size_t size)
{
    snprintf(buf, size, (uint32_t)value == RC_IMMORTAL ? "immortal" : "%u", (unsigned)value);
}
INLINE void rc_words_shared(uint64_t value, char *buf, size_t size)
{
    static const char *const flag[] = {"", " | WEAK", " | QUEUED", " | MERGED"};
    snprintf(buf, size, "%lld%s", (long long)value >> 2, flag[value & RC_FLAGS]);
}

API void rc_dead(struct rc_head *h);
API void rc_dead_pending(struct rc_head *h);

/* --- the owner's side: fast paths --- */

/* An ending thread owns nothing: what its last destructors make is born merged. */
SLOW void rc_init_unowned(struct rc_head *h)
{
    /* relaxed, both: published with the object */
    atomic_store_explicit(&h->owner, THREAD_ID_NONE, memory_order_relaxed);
    atomic_store_explicit(&h->local, 0, memory_order_relaxed);
    atomic_store_explicit(&h->shared, RC_ONE | RC_MERGED, memory_order_release); /* (R3) release: as rc_init */
}

HOT void rc_init(struct rc_head *h)
{
    uint32_t self = rt_self->id;
    if (unlikely(self == THREAD_ID_ENDING)) {
        rc_init_unowned(h);
        return;
    }
    /* relaxed, both: published with the object */
    atomic_store_explicit(&h->owner, self, memory_order_relaxed);
    atomic_store_explicit(&h->local, 1, memory_order_relaxed);
    /* (R3) release: a late rc_try_incref on the block's last object (FIELD.md 3.19) may take this one for it, as soon as others count
     * here; its acquire must then see that the object has left its place, so that the caller's re-check fails */
    atomic_store_explicit(&h->shared, 0, memory_order_release);
}

/* relaxed: a thread finds its own id here only if it stored it itself, or lost it to a merge it has synchronised with */
HOT bool rc_owned(const struct rc_head *h) { return atomic_load_explicit(&h->owner, memory_order_relaxed) == rt_self->id; }

/* relaxed: only the owner's value matters to the owner; to others only whether it is immortal, which never changes */
HOT uint32_t rc_local(const struct rc_head *h) { return atomic_load_explicit(&h->local, memory_order_relaxed); }
/* relaxed: one writer at a time (see the header), others read it only for immortality */
HOT void rc_set_local(struct rc_head *h, uint32_t n) { atomic_store_explicit(&h->local, n, memory_order_relaxed); }

HOT bool rc_is_immortal(const struct rc_head *h) { return rc_local(h) == RC_IMMORTAL; }
/* (R3) release: as rc_init */
INLINE void rc_immortalize(struct rc_head *h) { atomic_store_explicit(&h->local, RC_IMMORTAL, memory_order_release); }

HOT void rc_incref(struct rc_head *h)
{
    uint32_t local = rc_local(h);
    if (unlikely(local == RC_IMMORTAL)) {
        rc_stat(incref_immortal);
    } else if (likely(rc_owned(h))) {
        rc_set_local(h, local + 1); /* one that reaches the top stays immortal: a leak, never a use after free */
        rc_stat(incref);
    } else {
        /* relaxed: the caller holds a reference */
        atomic_fetch_add_explicit(&h->shared, RC_ONE, memory_order_relaxed);
        rc_stat(incref_shared);
    }
}

SLOW bool rc_merge_owner(struct rc_head *h);
static __attribute__((unused, noinline)) bool rc_decref_shared(struct rc_head *h);

HOT bool rc_decref(struct rc_head *h)
{
    uint32_t local = rc_local(h);
    if (unlikely(local == RC_IMMORTAL)) {
        rc_stat(decref_immortal);
        return false;
    }
    if (unlikely(!rc_owned(h)))
        return rc_decref_shared(h);
    rc_stat(decref);
    rc_set_local(h, local - 1);
    if (likely(local != 1))
        return false;
    /* (R1) acquire: sees what the foreign decrefs (R2) that brought the word back to 0 had released */
    if (likely(atomic_load_explicit(&h->shared, memory_order_acquire) == 0))
        return true; /* nobody else ever held it, or all gave it back: no other thread can reach it */
    return rc_merge_owner(h);
}

/* --- slow paths --- */

/* The owner has dropped its last local reference and others may hold some: gives the object up. True: it was the last. */
SLOW bool rc_merge_owner(struct rc_head *h)
{
    rc_stat(merge_owner);
    /* relaxed: comes before the CAS that releases it; must not come after, when others may free the object */
    atomic_store_explicit(&h->owner, THREAD_ID_NONE, memory_order_relaxed);
    int64_t word = atomic_load_explicit(&h->shared, memory_order_relaxed); /* relaxed: a guess for the CAS */
    os_interleave();
    /* (R2) release: the owner's accesses; (R1) acquire: the others', when it turns out dead */
    while (!atomic_compare_exchange_weak_explicit(&h->shared, &word, word | RC_MERGED, memory_order_acq_rel,
                                                  memory_order_relaxed))
        continue;
    return (word | RC_MERGED) == RC_MERGED;
}

/* The queue's reference to `h` is dropped and owner and shared counts become one. The caller has the owner's right (see
 * the header). True: dead, the caller deallocates. */
static bool rc_merge_queued(struct rc_head *h)
{
    int64_t local = rc_local(h);
    if (unlikely(local == (int64_t)RC_IMMORTAL))
        return false; /* made immortal while it was queued: keep the head as it is (FIELD.md 3.23) */
    rc_set_local(h, 0);
    /* relaxed: released by the CAS below, and not after it */
    atomic_store_explicit(&h->owner, THREAD_ID_NONE, memory_order_relaxed);
    int64_t merged, word = atomic_load_explicit(&h->shared, memory_order_relaxed); /* relaxed: a guess for the CAS */
    os_interleave();
    do {
        merged = (local + (word >> 2) - 1) * RC_ONE | RC_MERGED;
        /* (R2) release: what the owner did; (R1) acquire: what the others did, when it turns out dead */
    } while (!atomic_compare_exchange_weak_explicit(&h->shared, &word, merged, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return merged == RC_MERGED;
}

/* Merges everything on `t`'s queue, in whose place (or as whom) the caller acts. Returns `dead` with those found dead
 * chained before it: their destructors must not run while `t` is suspended. `take` says what an enqueuer that is half-way
 * means: os_dequeue_wait where the caller would have to come back at once (it would detach and attach, or suspend and resume, until
 * that thread is given a processor), os_dequeue where it may leave that node to its next safepoint. */
static struct rc_head *rc_drain_queue(struct rc_thread *t, struct rc_head *dead, struct os_node *(*take)(struct os_queue *))
{
    struct os_node *n;
    while ((n = take(&t->merge)) != NULL) {
        struct rc_head *h = (struct rc_head *)((char *)n - offsetof(struct rc_head, link));
        if (&t->base == rt_self)
            rc_stat(merge_drained);
        else
            rc_stat(merge_foreign_drained);
        rc_stat_deferred(-1, -(int64_t)rc_bytes(h)); /* before the merge, for the same reason */
        if (rc_merge_queued(h)) {
            h->next_dead = dead;
            dead = h;
        }
    }
    return dead;
}

/* The first one's destructor may collect, or let others do it: what waits behind it is no garbage any more. */
static void rc_dead_all(struct rc_head *dead)
{
    for (struct rc_head *h = dead ? dead->next_dead : NULL; h; h = h->next_dead)
        rc_dead_pending(h);
    while (dead) {
        struct rc_head *next = dead->next_dead; /* the deallocation reuses the memory */
        rc_dead(dead);
        dead = next;
    }
}

/* Something waits on `t`'s queue. After a change of state that enqueuers look at. */
INLINE bool rc_has_deferred(struct thread *t)
{
    atomic_thread_fence(memory_order_seq_cst); /* seq_cst fence: the change of state comes before this look (os_enqueue) */
    return !os_queue_empty(&((struct rc_thread *)t)->merge);
}
#define rc_has_deferred rc_has_deferred

/* Sends `h` to `t`'s merge queue, and does `t`'s work at once if `t` is detached (else a blocked owner's queue would grow
 * without bound, FIELD.md 3.11). RCU read section. Returns what was found dead. */
static struct rc_head *rc_enqueue(struct rc_thread *t, struct rc_head *h)
{
    struct rc_head *dead = NULL;
    rc_stat(merge_queued);
    rc_stat_deferred(1, rc_bytes(h)); /* before the enqueue: afterwards it may be freed */
    os_enqueue(&t->merge, &h->link);
    thread_break(&t->base, BREAK_MERGE);
    /* seq_cst: after the enqueue; a hint that keeps an attached owner's line from being fought over. Again after the
     * resume: who enqueued meanwhile found the thread suspended and went away */
    while (atomic_load_explicit(&t->base.state, memory_order_seq_cst) == THREAD_DETACHED && rc_has_deferred(&t->base) &&
           thread_suspend(&t->base)) {
        dead = rc_drain_queue(t, dead, os_dequeue_wait);
        thread_resume(&t->base);
    }
    return dead;
}

/* QUEUED has just been set by the caller, whose reference is now the queue's. True: the caller deallocates `h`. */
SLOW bool rc_queue(struct rc_head *h)
{
    /* relaxed: an id, or 0; if it is stale (the owner merges just now) the owner's queue or the registry sort it out */
    uint32_t owner = atomic_load_explicit(&h->owner, memory_order_relaxed);
    os_interleave();
    if (owner == THREAD_ID_NONE) /* merged meanwhile by its owner: drop the queue's reference as any other */
        /* (R1), (R2) acq_rel: as rc_decref_shared */
        return atomic_fetch_sub_explicit(&h->shared, RC_ONE, memory_order_acq_rel) - RC_ONE == RC_MERGED;
    os_rcu_read_lock();
    struct thread *t = thread_find(owner);
    struct rc_head *dead = t ? rc_enqueue((struct rc_thread *)t, h) : NULL;
    os_rcu_read_unlock();
    if (t) {
        rc_dead_all(dead);
        return false;
    }
    /* The owner has ended. Its last writes to the head happen before its unregistering, which held this lock. */
    thread_registry_lock();
    thread_registry_unlock();
    rc_stat(merge_orphan);
    return rc_merge_queued(h);
}

/* Not cold: under some programs most decrefs come from other threads. */
static __attribute__((unused, noinline)) bool rc_decref_shared(struct rc_head *h)
{
    int64_t next, word = atomic_load_explicit(&h->shared, memory_order_relaxed); /* relaxed: a guess for the CAS */
    bool queue;
    rc_stat(decref_shared);
    do {
        queue = word == 0 || word == RC_WEAK;
        next = queue ? RC_QUEUED : word - RC_ONE;
        /* (R2) release: this thread's accesses happen before the deallocation; (R1) acquire: for when it is here */
    } while (!atomic_compare_exchange_weak_explicit(&h->shared, &word, next, memory_order_acq_rel, memory_order_relaxed));
    os_interleave();
    if (unlikely(queue))
        return rc_queue(h);
    return next == RC_MERGED;
}

INLINE bool rc_try_incref(struct rc_head *h)
{
    uint32_t local = atomic_load_explicit(&h->local, memory_order_acquire); /* (R3) acquire: as below, for an immortal one */
    if (local == RC_IMMORTAL)
        return true;
    if (rc_owned(h)) {
        if (local == 0)
            return false;
        rc_set_local(h, local + 1);
        return true;
    }
    int64_t word = atomic_load_explicit(&h->shared, memory_order_relaxed); /* relaxed: a guess for the CAS */
    do {
        if (word == 0 || word == RC_MERGED)
            return false;
        /* (R3) acquire: the caller's re-check of where it found the object must not move before this, and if the block holds another
         * object by now the re-check sees that */
    } while (!atomic_compare_exchange_weak_explicit(&h->shared, &word, word + RC_ONE, memory_order_acquire,
                                                    memory_order_relaxed));
    return true;
}

/* From now on no foreign try finds 0 in the shared word of a live object, nor does the owner there when it drops its last reference: it
 * merges, by the CAS that a try competes with. QUEUED and MERGED do as well. */
INLINE void rc_allow_weak(struct rc_head *h)
{
    /* relaxed, both: the caller holds a reference; the words that follow carry on the release sequence (R3) */
    int64_t word = atomic_load_explicit(&h->shared, memory_order_relaxed);
    while ((word & RC_FLAGS) == 0 && !atomic_compare_exchange_weak_explicit(&h->shared, &word, word | RC_WEAK, memory_order_relaxed,
                                                                            memory_order_relaxed))
        continue;
}
#define rc_allow_weak rc_allow_weak

INLINE bool rc_is_unique(const struct rc_head *h)
{
    /* acquire: the caller may write in place; the foreign decrefs (R2) that brought the word to 0 happen before */
    return rc_owned(h) && rc_local(h) == 1 && atomic_load_explicit(&h->shared, memory_order_acquire) == 0;
}

INLINE int64_t rc_count_stw(const struct rc_head *h)
{
    /* relaxed: no other thread runs */
    return rc_is_immortal(h) ? -1 : (int64_t)rc_local(h) + (atomic_load_explicit(&h->shared, memory_order_relaxed) >> 2);
}

/* Whoever stopped the world has every owner's right. A shared count that would fall below 0 is made one with the owner's: else nobody would
 * look when both together come to 0 (a foreign decref does not subtract below 0 either, it queues). */
INLINE void rc_adjust_stw(struct rc_head *h, int64_t n)
{
    int64_t word = atomic_load_explicit(&h->shared, memory_order_relaxed); /* relaxed: the world is stopped */
    if ((word & RC_FLAGS) == RC_MERGED || (word >> 2) + n >= 0) {
        /* relaxed: as above; a read-modify-write, which carries on the release sequence (R3) */
        atomic_fetch_add_explicit(&h->shared, n * RC_ONE, memory_order_relaxed);
    } else if (!rc_is_immortal(h)) {
        int64_t merged = ((int64_t)rc_local(h) + (word >> 2) + n) * RC_ONE | RC_MERGED;
        rc_set_local(h, 0);
        atomic_store_explicit(&h->owner, THREAD_ID_NONE, memory_order_relaxed); /* relaxed: as above */
        atomic_exchange_explicit(&h->shared, merged, memory_order_relaxed); /* relaxed: as above (R3) */
    }
}
#define rc_adjust_stw rc_adjust_stw

/* --- hooks --- */

INLINE int rc_thread_start(struct thread *t)
{
    os_queue_init(&((struct rc_thread *)t)->merge);
    return 0;
}
#define rc_thread_start rc_thread_start

/* The thread's own queue, destructors included. */
static void rc_drain_own(struct thread *t, struct os_node *(*take)(struct os_queue *))
{
    rc_dead_all(rc_drain_queue((struct rc_thread *)t, NULL, take));
}

INLINE void rc_safepoint(struct thread *t)
{
    rc_drain_own(t, os_dequeue);
    if (unlikely(rc_has_deferred(t)))
        thread_break(t, BREAK_MERGE); /* an enqueuer is between its two steps: look again at the next safepoint */
}
#define rc_safepoint rc_safepoint

/* A blocked thread leaves nothing behind. It holds no lock (lock.h), so destructors may run. */
INLINE void rc_detach(struct thread *t) { rc_drain_own(t, os_dequeue_wait); }
#define rc_detach rc_detach
/* What others queue for it meanwhile waits until the counts are settled, or for its next safepoint: a destructor must not run with the
 * stop's lock held, as it might ask for a stop itself. */
INLINE void rc_stand_still(struct thread *t) { (void)t; }
#define rc_stand_still rc_stand_still

/* Merges what waits for this thread and for every detached one. Returns the dead; NULL: nothing more died. */
static struct rc_head *rc_drain_all(void)
{
    struct rc_head *dead = rc_drain_queue((struct rc_thread *)rt_self, NULL, os_dequeue_wait);
    struct thread *t;
    thread_registry_lock(); /* keeps them registered; a merge takes no lock */
    thread_registry_for_each(t) {
        struct rc_thread *other = (struct rc_thread *)t;
        /* again after the end of it: who enqueued meanwhile found the thread suspended and went away */
        while (t != rt_self && rc_has_deferred(t) && thread_substitute(t)) {
            dead = rc_drain_queue(other, dead, os_dequeue_wait);
            thread_substitute_end(t);
        }
    }
    thread_registry_unlock();
    return dead;
}

/* To a fixpoint: what dies may queue more. Attached threads drain their own queues. */
INLINE void rc_drain(void)
{
    struct rc_head *dead;
    while ((dead = rc_drain_all()) != NULL)
        rc_dead_all(dead);
}
#define rc_drain rc_drain

INLINE void rc_settle_stw(void)
{
    struct rc_head *dead = rc_drain_all(); /* once is enough: nothing is freed, so nothing more is queued */
    ((struct rc_thread *)rt_self)->settled = dead;
    for (struct rc_head *h = dead; h; h = h->next_dead)
        rc_dead_pending(h);
}
#define rc_settle_stw rc_settle_stw
INLINE void rc_settle_end(void)
{
    struct rc_head *dead = ((struct rc_thread *)rt_self)->settled;
    ((struct rc_thread *)rt_self)->settled = NULL;
    rc_dead_all(dead);
}

/*
 * Thread exit (FIELD.md 3.10). First the thread gives its identity up: from now on it is a stranger to its own objects
 * and cannot own new ones, so that whoever does not find it in the registry may merge them. Then it leaves the registry
 * and waits until all who found it before have finished enqueuing; what they queued is drained last.
 */
INLINE void rc_thread_stop(struct thread *t)
{
    struct rc_thread *self = (struct rc_thread *)t;
    rc_drain_own(t, os_dequeue_wait);
    t->id = THREAD_ID_ENDING;
    thread_unregister();
    while (!os_queue_empty(&self->merge))
        rc_drain_own(t, os_dequeue_wait);
}
#define rc_thread_stop rc_thread_stop

#endif
