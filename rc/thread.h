/*
 * thread.h -- who is running: the calling thread's identity in one instruction, its state, its safepoint flag.
 *
 * A thread of the runtime is attached (may touch objects), detached (blocked or elsewhere: touches none) or suspended
 * (detached, and somebody is acting in its place). Transitions:
 *
 *     attached  --thread_detach-->  detached      by the thread itself
 *     detached  --thread_attach-->  attached      by the thread itself (waits while suspended)
 *     detached  --thread_suspend--> suspended     by any other thread; at most one at a time
 *     suspended --thread_resume-->  detached      by that other thread
 *
 * Stop the world (stop.c): while it is wanted, a thread that would attach stays detached; those that are attached detach at
 * their next safepoint; the requester suspends each.
 *
 * Memory ordering: thread_suspend acquires what the thread did before it detached (T1) and thread_attach acquires what
 * was done in its place (T2). A thread is found through its id (thread_find) inside an RCU read section; it is freed
 * only after it has left the registry and a grace period has passed. Ids are never reused (FIELD.md 3.10).
 *
 * Layers above extend struct thread by embedding it as first member: a strategy's struct rc_thread, then the objects'
 * struct heap_thread. thread_configure says how large the whole is.
 */
#ifndef RC_THREAD_H
#define RC_THREAD_H

#include "os.h"
#include "stats.h"
#include <urcu/list.h>

enum thread_state { THREAD_ATTACHED = 1, THREAD_DETACHED = 2, THREAD_SUSPENDED = 3 };

/* Why a thread should leave its fast path: bits of thread.breaker. */
enum {
    BREAK_GIL = 1 << 0,   /* somebody waits for the GIL */
    BREAK_EPOCH = 1 << 1, /* buffered: a new epoch opened, or the reserve needs refilling, or the log is over its bound */
    BREAK_MERGE = 1 << 2, /* biased: the merge queue is not empty */
    BREAK_STOP = 1 << 3,  /* somebody stops the world */
    BREAK_COLLECT = 1 << 4, /* a collection of cycles is due */
    BREAK_BORROWED = 1 << 5, /* the thread's own: it has borrowed references that end here (objects/borrowed.h) */
    BREAK_RETIRE = 1 << 6, /* much memory waits for a grace period */
};

/* Ids: 0 is nobody; a thread that is ending has an id that owns nothing and equals no owner. */
#define THREAD_ID_NONE 0
#define THREAD_ID_ENDING UINT32_MAX

struct section;

struct thread {
    _Atomic uint32_t breaker; /* set by anybody, cleared by the thread at its safepoint */
    uint32_t id;              /* what it owns objects as: its key, or THREAD_ID_ENDING */
    _Atomic uint32_t state;   /* enum thread_state; also the futex that a suspended thread's attach waits on */
    uint32_t key;             /* > 0, never reused: what thread_find finds it by */
    bool registered;          /* the thread's own */
    bool stopped;             /* suspended by who stops the world; the requester's */
    bool borrowed;            /* BREAK_BORROWED was set since borrowed references ended last; the thread's own */
    bool holds_gil;           /* where the GIL was switched on (gil_switch.c); the thread's own */
    bool beside_gil;          /* it never takes that; the thread's own */
    struct rc_counts counts;
    _Atomic(struct thread *) next_by_key; /* registry: writers hold its lock, readers an RCU read section */
    struct cds_list_head all;             /* registry: under its lock */
    struct section *section;              /* innermost critical section, or NULL (objects/section.h); the thread's own */
};

/* For the explorer: the members, their values in words (rc.h). */
#define THREAD_FIELDS(F)                                                                                               \
    F(breaker, thread_words_breaker) F(id, words_thread) F(state, thread_words_state) F(key, NULL) F(registered, NULL) \
    F(counts, NULL) F(next_by_key, NULL) F(all.next, NULL) F(all.prev, NULL)
INLINE void thread_words_state(uint64_t value, char *buf, size_t size)
{
    static const char *const word[] = {"0", "attached", "detached", "suspended"};
    snprintf(buf, size, "%s", word[value & 3]);
}
INLINE void thread_words_breaker(uint64_t value, char *buf, size_t size)
{
    snprintf(buf, size, "%s%s%s%s%s%s%s", value ? "" : "none", value & BREAK_GIL ? "GIL " : "", value & BREAK_EPOCH ? "EPOCH " : "",
             value & BREAK_MERGE ? "MERGE " : "", value & BREAK_STOP ? "STOP " : "", value & BREAK_COLLECT ? "COLLECT " : "",
             value & BREAK_BORROWED ? "BORROWED" : "");
}

/* The calling thread, or NULL outside the runtime. The only thread-local of an instance. */
static _Thread_local struct thread *rt_self __attribute__((unused));

/* `bytes`: size of the outermost struct that embeds struct thread. `started` and `stopped` (may be NULL) let the layer
 * above rc/ set up and tear down its part: called by the thread itself, attached; stopped runs after the last refcount
 * operation. Call once, before the first thread_begin. */
API void thread_configure(size_t bytes, void (*started)(struct thread *), void (*stopped)(struct thread *));
/* Called at a safepoint for which BREAK_COLLECT is set; NULL: nobody collects. Before the first thread_begin. */
API void thread_configure_collect(void (*collect)(void));

/* Called by the thread at a safepoint, or before it detaches, when BREAK_RETIRE is set. Before the first thread_begin. */
API void thread_configure_retire(void (*flush)(void));
/* Called first by a thread that ends, attached, while it may still do everything. Before the first thread_begin. */
API void thread_configure_ending(void (*ending)(void));

/* Called by a thread that has sections. set_aside: before it detaches, lets go of their locks, hides them (thread.section is NULL) and
 * returns them; bring_back: when it is attached again. Before the first thread_begin. */
API void thread_configure_sections(struct section *(*set_aside)(void), void (*bring_back)(struct section *));

/* Called where borrowed references end, if the calling thread has asked for it: at its safepoint, before it detaches, when it ends.
 * It holds no lock. Before the first thread_begin. */
API void thread_configure_borrowed(void (*drop)(void));
API void thread_ask_borrowed(void);

/* Makes the calling OS thread a thread of the runtime, attached. 0, or -1: out of memory or ids (nothing changed). */
API int thread_begin(void);
/* The reverse; a thread that is detached attaches first. The caller holds no lock, and no reference counts may be touched by this OS
 * thread afterwards. */
API void thread_end(void);

/* Brackets around anything that may block. Detaching is a safepoint: borrowed references end here. */
API void thread_detach(void);
API void thread_attach(void);
/* thread_detach for who waits inside an operation, for a lock: the caller's deferred borrowed references stay (objects/borrowed.h). */
API void thread_detach_inside(void);
/* thread_attach for a thread that holds a lock: does not wait. False: it would have to; still detached. It has no section to resume. */
API bool thread_try_attach(void);

/* Switches a GIL on, which attached threads hold from then on; no effect where the strategy has one (gil_switch.c). Stops the world: the
 * caller is attached, holds no lock. */
API void thread_gil_on(void);
/* Off again: no thread is left. */
API void thread_gil_off(void);
/* The calling thread runs beside that GIL: a helper that mutators may be waiting for. Before it is switched on. */
INLINE void thread_beside_gil(void) { rt_self->beside_gil = true; }

SLOW void rt_safepoint_slow(void);
/* In every loop back-edge and call of a workload. Borrowed references end here. Holds no lock when called. */
HOT void rt_safepoint(void)
{
    /* relaxed: a hint to look; whoever set it published its data by other means (queue, lock) */
    if (unlikely(atomic_load_explicit(&rt_self->breaker, memory_order_relaxed) != 0))
        rt_safepoint_slow();
}

/* Asks `t` to reach rt_safepoint_slow. Any thread; `t` must stay alive (registry lock or RCU read section). */
INLINE void thread_break(struct thread *t, uint32_t why)
{
    /* seq_cst fence: what the caller queued before comes before this look at the flag. Pairs with the fence in
     * rt_safepoint_slow, which clears the flag and then looks at the queues: one of the two sees the other */
    atomic_thread_fence(memory_order_seq_cst);
    /* relaxed: see rt_safepoint; the request's data travel by queue or lock */
    if ((atomic_load_explicit(&t->breaker, memory_order_relaxed) & why) != why)
        atomic_fetch_or_explicit(&t->breaker, why, memory_order_relaxed); /* relaxed: as above */
}

/* As well, all other threads of the runtime. Takes the registry's lock. */
API void thread_break_others(uint32_t why);

/* The thread with that key, or NULL when it has left the registry. Inside an RCU read section. */
API struct thread *thread_find(uint32_t key);
/* Acts in the place of a detached thread; false: it is attached (or somebody else does). RCU read section. */
API bool thread_suspend(struct thread *t);
API void thread_resume(struct thread *t);

/* From now on thread_find does not return the calling thread, and nobody who found it earlier still uses it. Used by a
 * strategy's rc_thread_stop; thread_end does it otherwise. Idempotent. thread_registry_for_each still visits it: whoever stops
 * the world waits for its last destructors. */
API void thread_unregister(void);

/* The registry's lock, for walking all threads (thread_registry_for_each) and for what must exclude joins and exits. */
API void thread_registry_lock(void);
API void thread_registry_unlock(void);
static struct cds_list_head thread_registry_all;
#define thread_registry_for_each(t) cds_list_for_each_entry((t), &thread_registry_all, all)

/*
 * Stops every other thread of the runtime: on return each is suspended, and those that come are kept out. The caller is attached, stays
 * attached, and holds no lock; it detaches while it waits (a safepoint), also when another thread stops the world first. Critical
 * sections of its own are suspended from here to the end of thread_start_world.
 * Threads that are blocked, start, or end meanwhile are no hindrance.
 */
API void thread_stop_world(void);
/* By the same thread. */
API void thread_start_world(void);
/* Acts in the place of a thread that is detached (as thread_suspend), or that the caller has stopped; false: neither. Under the
 * registry's lock from one to the other. */
API bool thread_substitute(struct thread *t);
API void thread_substitute_end(struct thread *t);
/* How long the last stop took, from the request until all stood still. With the world stopped. */
API int64_t thread_stop_ns(void);

/* Sum of a counter over the ended threads. */
API uint64_t thread_counter_total(enum rc_counter which);

#endif
