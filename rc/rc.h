/*
 * rc.h -- the contract of a reference-count strategy; includes the one being compiled and supplies default hooks.
 *
 * A strategy is one header in strategies/; its file name is its name. It defines:
 *
 *     RC_SUMMARY                                   one line: what it is
 *     struct rc_head;                              first member of every object
 *     void rc_init(struct rc_head *);              one reference, the calling thread's
 *     void rc_incref(struct rc_head *);            the caller owns a reference, or what keeps one
 *     bool rc_decref(struct rc_head *);            true: it was the last; the caller deallocates now
 *     bool rc_try_incref(struct rc_head *);        the caller owns none, the memory stays; false: dying, or cannot be proved alive
 *     bool rc_is_unique(const struct rc_head *);   never true when shared; may be false when unique. Weak references do not count:
 *                                                  who has one may come to share it at any time
 *     void rc_immortalize(struct rc_head *);       before publication, by the owner, or with the world stopped
 *     bool rc_is_immortal(const struct rc_head *);
 *     int64_t rc_count_stw(const struct rc_head *);exact, after rc_drain, with no other thread attached
 *
 * and may define, followed by `#define NAME NAME` (as the Linux kernel does for arch hooks):
 *
 *     struct rc_thread { struct thread base; … };  per-thread state           (#define rc_thread rc_thread)
 *     int  rc_runtime_start(void), void rc_runtime_stop(void)                 process-wide state, helper threads
 *     int  rc_thread_start(struct thread *), void rc_thread_stop(struct thread *)
 *     void rc_attach(struct thread *), rc_detach(struct thread *)             after becoming, before ceasing to be attached
 *     void rc_stand_still(struct thread *)                                    as rc_detach, for who stops the world and waits for the
 *                                                                             others; runs no destructor
 *     bool rc_has_deferred(struct thread *)                                   work came in that a detach would leave behind
 *     void rc_safepoint(struct thread *)                                      a breaker bit is set
 *     void rc_drain(void)                                                     apply what has been deferred; to a fixpoint where no
 *                                                                             other thread is attached
 *     bool rc_settle_begin(void)                                              before the stop: whoever applies what is deferred is put to rest
 *                                                                             until rc_settle_end; may detach. The caller holds no lock.
 *                                                                             False: this thread cannot, and nothing has begun
 *     void rc_settle_stw(void)                                                applies everything deferred, the caller having stopped
 *                                                                             the world (or being alone: then without a beginning).
 *                                                                             Frees nothing:
 *     void rc_settle_end(void)                                                after the start: frees what was found dead
 *     void rc_adjust_stw(struct rc_head *, int64_t n)                         n references more, counted elsewhere until now (fewer: negative);
 *                                                                             the world is stopped and settled, one reference at least is left.
 *                                                                             The default counts them one by one; who defers supplies it
 *     void rc_allow_weak(struct rc_head *)                                    the caller owns a reference: from now on rc_try_incref fails
 *                                                                             only where the object is dying, on any thread
 *     bool rc_decref_field(struct rc_head *)                                  decref of a dead object's own field
 *     bool rc_fields_escape(bool)                                             around the fields of a finalised object
 *     void rc_bounds(char *, size_t)                                          "; " and its capacities, for the explorer's statement
 *     RC_READS                                                                how a reader comes by a reference to what it found in a
 *                                                                             container without the container's lock; not defined:
 *                                                                             not at all, -L reads=optimistic is refused
 *     RC_READS_REFUSED                                                        why not; a string
 *
 * and RC_HEAD_FIELDS(X), its head's fields as a list of X(name), for the allocation map (tests/test_counters.c checks it);
 * and RC_HEAD_WORDS(F), F(name, words) for those of them whose value is more than a number: words(value, buf, size) says what it
 * means, for the explorer (bench/explore/describe.h); RC_THREAD_FIELDS(F), the same for all members of struct rc_thread;
 * and the traits RC_NEEDS_GIL, RC_UNSAFE (wrong answers under threads), RC_DEFERS_FREE, RC_KEEPS_BORROWED (an object that a thread
 * finds in a container, and takes no reference to, is not freed by what other threads do before its next safepoint, and a wait for a lock
 * is one), each 0 by default.
 *
 * A strategy that defers returns false from rc_decref and later calls rc_dead(head). It says what it holds meanwhile by
 * rc_stat_deferred (RC_PEAKS in stats.h), with rc_bytes(head); and of what it has found dead while anything runs before its rc_dead, a
 * destructor, a safepoint, the world, by rc_dead_pending(head): a collection would take it for garbage. These are the three upward calls.
 *
 * Memory ordering common to all: an incref may be relaxed, because the caller already holds what keeps the object. All
 * accesses to an object must happen before its deallocation: each decref releases and the last one acquires (R1/R2, named in each
 * strategy), or a lock or queue carries the same edge.
 */
#ifndef RC_RC_H
#define RC_RC_H

#include "thread.h"

struct rc_head;
/* Defined by the layer above (objects/object.c): the object's count has reached zero; deallocate it. Called on a thread
 * of the runtime, attached, holding no lock. */
API void rc_dead(struct rc_head *head);
/* The object's own memory, for statistics of what is deferred. The caller keeps it alive. */
API size_t rc_bytes(const struct rc_head *head);

/* Likewise: it will be passed to rc_dead later, by the same thread; until then nobody collects it. */
API void rc_dead_pending(struct rc_head *head);

/*
 * Values of RC_READS. The reader holds a reference to the container, loads the slot with acquire (slot stores release), and reaches no
 * safepoint in between.
 *
 *     RC_READS_TRY     rc_try_incref, which acquires as (R3) says, then a second look at the slot: it holds the object still, so that the
 *                      reference is one to it. The object may be dead at the try: its memory must stay an object's head. rc_allow_weak
 *                      has been called on objects for which the try would fail for ever
 *     RC_READS_BORROW  rc_incref: whatever a slot has held since the reader's last safepoint is alive until its next one
 */
#define RC_READS_NONE 0
#define RC_READS_TRY 1
#define RC_READS_BORROW 2

#ifndef RC_STRATEGY
#define RC_STRATEGY plain /* so that this header compiles alone */
#endif
#define RC_STRINGIFY(x) #x
#define RC_PATH(name) RC_STRINGIFY(strategies/name.h)
#include RC_PATH(RC_STRATEGY)

#ifndef RC_NEEDS_GIL
#define RC_NEEDS_GIL 0
#endif
#ifndef RC_UNSAFE
#define RC_UNSAFE 0
#endif
#ifndef RC_DEFERS_FREE
#define RC_DEFERS_FREE 0
#endif
#ifndef RC_KEEPS_BORROWED
#define RC_KEEPS_BORROWED 0
#endif
#ifndef RC_HEAD_FIELDS
#define RC_HEAD_FIELDS(X)
#endif

#ifndef RC_READS
#define RC_READS RC_READS_NONE
#endif
#ifndef RC_READS_REFUSED
#define RC_READS_REFUSED "it does not say how to count what was found without a lock (RC_READS in rc/rc.h)"
#endif

#ifndef RC_HEAD_WORDS
#define RC_HEAD_WORDS(F)
#endif
#ifndef RC_THREAD_FIELDS
#define RC_THREAD_FIELDS(F)
#endif

#ifndef rc_thread
struct rc_thread {
    struct thread base;
};
#endif
#ifndef rc_runtime_start
INLINE int rc_runtime_start(void) { return 0; }
#endif
#ifndef rc_runtime_stop
INLINE void rc_runtime_stop(void) {}
#endif
#ifndef rc_thread_start
INLINE int rc_thread_start(struct thread *t) { (void)t; return 0; }
#endif
#ifndef rc_thread_stop
INLINE void rc_thread_stop(struct thread *t) { (void)t; }
#endif
#ifndef rc_attach
INLINE void rc_attach(struct thread *t) { (void)t; }
#endif
#ifndef rc_detach
INLINE void rc_detach(struct thread *t) { (void)t; }
#endif
#ifndef rc_stand_still
INLINE void rc_stand_still(struct thread *t) { rc_detach(t); }
#endif
#ifndef rc_has_deferred
INLINE bool rc_has_deferred(struct thread *t) { (void)t; return false; }
#endif
#ifndef rc_safepoint
INLINE void rc_safepoint(struct thread *t) { (void)t; }
#endif
#ifndef rc_drain
INLINE void rc_drain(void) {}
#endif
#ifndef rc_settle_begin
INLINE bool rc_settle_begin(void) { return true; }
#endif
#ifndef rc_settle_stw
INLINE void rc_settle_stw(void) {}
INLINE void rc_settle_end(void) {}
#endif
#ifndef rc_adjust_stw
INLINE void rc_adjust_stw(struct rc_head *h, int64_t n)
{
    for (; n > 0; n--)
        rc_incref(h);
    for (; n < 0; n++)
        rc_decref(h);
}
#endif
#ifndef rc_allow_weak
INLINE void rc_allow_weak(struct rc_head *h) { (void)h; }
#endif
#ifndef rc_decref_field
INLINE bool rc_decref_field(struct rc_head *h) { return rc_decref(h); }
#endif
#ifndef rc_fields_escape
/* A finaliser may have copied the object's references: says whether the fields dropped from now on are to be treated like
 * anybody's. Returns what it was. */
INLINE bool rc_fields_escape(bool escape) { (void)escape; return false; }
#endif
#ifndef rc_bounds
INLINE void rc_bounds(char *buf, size_t size) { (void)buf, (void)size; }
#endif

#endif
