/*
 * os.h -- the only door from rc/, objects/ and gc/ to the operating system and to liburcu.
 *
 * Clock, threads, futex park/unpark, mutex and condition, liburcu's wait-free queue and RCU, memory. Nothing above this
 * file calls pthread, futex or liburcu itself, so that another implementation (the explorer's cooperative scheduler)
 * can take its place without touching the code under test.
 *
 * Memory ordering: park/unpark order nothing beyond the word they look at; mutex and condition are POSIX's; an enqueue
 * releases what the enqueuer wrote and the matching dequeue acquires it; see os_rcu_synchronize for RCU.
 * ThreadSanitizer does not see into Debian's liburcu: OS_RELEASES/OS_ACQUIRES tell it of exactly those edges.
 */
#ifndef RC_OS_H
#define RC_OS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if !defined(__SANITIZE_THREAD__)
/* Read sections inline: 3 ns instead of two calls (the LGPL allows to compile in functions of that size, and this project's licence
 * is compatible with it besides). Not where ThreadSanitizer would see half of what liburcu does. */
#define _LGPL_SOURCE
#endif
#include <urcu/urcu-memb.h>
#undef _LGPL_SOURCE
#include <urcu/wfcqueue.h>
#ifdef HAVE_MIMALLOC
#include <mimalloc.h>
#endif

#include "base.h"

#if defined(__SANITIZE_THREAD__)
#define OS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define OS_TSAN 1
#endif
#endif
#ifdef OS_TSAN
void __tsan_acquire(void *);
void __tsan_release(void *);
#define OS_RELEASES(p) __tsan_release((void *)(p))
#define OS_ACQUIRES(p) __tsan_acquire((void *)(p))
#else
#define OS_RELEASES(p) ((void)(p))
#define OS_ACQUIRES(p) ((void)(p))
#endif

/* --- memory: every allocation of an instance passes here, so that a build with RC_FAULTS can refuse any one of them --- */

#ifdef RC_FAULTS
/* The fault plan: allocation number `os_fault_at` (counted from 1 since os_fault_plan) fails, and with `sticky` all later
 * ones too. 0: none fails. Set by one thread while no other allocates. */
static _Atomic int64_t os_fault_at, os_fault_seen;
static _Atomic bool os_fault_sticky;

API void os_fault_plan(int64_t at, bool sticky)
{
    atomic_store_explicit(&os_fault_seen, 0, memory_order_relaxed);         /* relaxed: set while nobody allocates */
    atomic_store_explicit(&os_fault_sticky, sticky, memory_order_relaxed);  /* relaxed: as above */
    atomic_store_explicit(&os_fault_at, at, memory_order_relaxed);          /* relaxed: as above */
}

INLINE bool os_fault(void)
{
    int64_t at = atomic_load_explicit(&os_fault_at, memory_order_relaxed); /* relaxed: a plan, no data behind it */
    if (at == 0)
        return false;
    int64_t seen = atomic_fetch_add_explicit(&os_fault_seen, 1, memory_order_relaxed) + 1; /* relaxed: a ticket */
    return atomic_load_explicit(&os_fault_sticky, memory_order_relaxed) ? seen >= at : seen == at; /* relaxed: as `at` */
}
#else
INLINE bool os_fault(void) { return false; }
#endif

/* Whose memory it is: malloc's, or mimalloc's where the build has it. Not where a sanitizer watches: it would not see the blocks.
 * The library is linked after libc, whose malloc it would replace otherwise (Makefile). */
#ifdef HAVE_MIMALLOC
static bool os_mimalloc;
#define OS_MEMORY(libc, mi) (unlikely(os_mimalloc) ? (mi) : (libc))
#else
#define OS_MEMORY(libc, mi) (libc)
#endif
/* While no block is out, since each goes back to where it came from. False: this build has no mimalloc. */
API bool os_use_mimalloc(bool use)
{
#ifdef HAVE_MIMALLOC
    os_mimalloc = use;
    return true;
#else
    return !use;
#endif
}

/* Uninitialised memory, or NULL. The caller frees it with os_free. */
INLINE void *os_alloc(size_t bytes) { return os_fault() ? NULL : OS_MEMORY(malloc(bytes), mi_malloc(bytes)); }
INLINE void *os_alloc_zeroed(size_t count, size_t bytes)
{
    return os_fault() ? NULL : OS_MEMORY(calloc(count, bytes), mi_calloc(count, bytes));
}
/* As realloc: on NULL the old block is untouched. */
INLINE void *os_realloc(void *old, size_t bytes)
{
    return os_fault() ? NULL : OS_MEMORY(realloc(old, bytes), mi_realloc(old, bytes));
}
INLINE void os_free(void *block) { OS_MEMORY(free(block), mi_free(block)); }
/* `bytes` must be a multiple of `align`, a power of two. */
INLINE void *os_alloc_aligned(size_t align, size_t bytes)
{
    return os_fault() ? NULL : OS_MEMORY(aligned_alloc(align, bytes), mi_malloc_aligned(bytes, align));
}

/* --- shared objects (dlopen). From a path with a '/' in it; their symbols stay their own --- */

/* NULL and a reason in `why`: there is none, it needs a symbol that nobody has, or memory is short. */
INLINE void *os_library_open(const char *path, char *why, size_t size)
{
    void *library = os_fault() ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        snprintf(why, size, "%s", reason ? reason : "out of memory");
    }
    return library;
}
/* NULL: it has no such symbol. Good until it is closed as often as it was opened. */
INLINE void *os_library_symbol(void *library, const char *name) { return dlsym(library, name); }
INLINE void os_library_close(void *library) { dlclose(library); }

/* --- time --- */

INLINE int64_t os_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
INLINE int64_t os_now(void) { return os_clock(CLOCK_MONOTONIC); }
/* More than `ns` have passed since os_now() showed `since`. */
INLINE bool os_is_late(int64_t since, int64_t ns) { return os_now() - since > ns; }
INLINE int64_t os_cpu_now(void) { return os_clock(CLOCK_THREAD_CPUTIME_ID); }
INLINE struct timespec os_timespec(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

/* --- threads --- */

/* Returns 0 or an errno. The thread must be joined. */
INLINE int os_spawn(pthread_t *thread, void *(*body)(void *), void *arg)
{
    return os_fault() ? EAGAIN : pthread_create(thread, NULL, body, arg);
}
INLINE void os_join(pthread_t thread) { pthread_join(thread, NULL); }
INLINE void os_yield(void) { sched_yield(); }
INLINE void os_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}
/* Waits until os_now() shows `until`; what it showed then. Sleeps up to OS_WAKE_NS before and spins for the rest: a sleeper
 * wakes 50 us (the kernel's timer slack) and more too late, and what is too late would be taken for somebody's latency. */
enum { OS_WAKE_NS = 100000 };
INLINE int64_t os_wait_until(int64_t until)
{
    struct timespec t = os_timespec(until - OS_WAKE_NS);
    int64_t now = os_now();
    while (until - now > OS_WAKE_NS && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        now = os_now();
    while ((now = os_now()) < until)
        os_relax();
    return now;
}
/* Pins the calling thread; 0 or an errno. */
enum { OS_CPUS = CPU_SETSIZE };
INLINE int os_pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu < 0 || cpu >= OS_CPUS)
        return EINVAL;
    CPU_SET((size_t)cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}
/* Lets it run wherever the kernel allows; 0 or an errno. */
INLINE int os_unpin(void)
{
    cpu_set_t set;
    memset(&set, 0xff, sizeof set); /* the kernel takes what is allowed of it */
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}
/* The CPUs that it may be pinned to, 1 for each; false: the kernel does not say. The caller's own mask is as before. */
INLINE bool os_cpus(unsigned char allowed[OS_CPUS])
{
    cpu_set_t before, all;
    bool known = pthread_getaffinity_np(pthread_self(), sizeof before, &before) == 0 && os_unpin() == 0 &&
                 pthread_getaffinity_np(pthread_self(), sizeof all, &all) == 0 &&
                 pthread_setaffinity_np(pthread_self(), sizeof before, &before) == 0;
    for (int cpu = 0; cpu < OS_CPUS; cpu++)
        allowed[cpu] = known && CPU_ISSET((size_t)cpu, &all);
    return known;
}

/* How urgent the calling thread is, from 0 to 2, until it ends. True: by SCHED_FIFO, which urgency 0 does not need; false: that is not
 * allowed here, so the less urgent ones are nicer. */
INLINE bool os_urgency(int urgency)
{
    struct sched_param p = {.sched_priority = urgency};
    if (pthread_setschedparam(pthread_self(), urgency > 0 ? SCHED_FIFO : SCHED_OTHER, &p) == 0 && urgency > 0)
        return true;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 5 * (2 - urgency));
    return false;
}

/* A hook for the hostile build: gives other threads the chance to come in between two steps. */
INLINE void os_interleave(void)
{
#ifdef RC_HOSTILE
    static _Atomic uint32_t turn;
    /* relaxed: only decides whether to yield */
    if (atomic_fetch_add_explicit(&turn, 2654435761u, memory_order_relaxed) >> 29 == 0)
        sched_yield();
#endif
}

/* --- park and unpark --- */

/* Sleeps while *word == expected, until unparked, or for at most timeout_ns (negative: without limit). May wake for no
 * reason: the caller re-reads the word. */
INLINE void os_park(_Atomic uint32_t *word, uint32_t expected, int64_t timeout_ns)
{
    struct timespec t = os_timespec(timeout_ns < 0 ? 0 : timeout_ns);
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_ns < 0 ? NULL : &t, NULL, 0);
}
/* The same until os_now() shows `deadline` (OS_FOREVER: without limit). False: the time ran out, and no unpark has ended it. */
#define OS_FOREVER INT64_MAX
INLINE bool os_park_until(_Atomic uint32_t *word, uint32_t expected, int64_t deadline)
{
    struct timespec t = os_timespec(deadline);
    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, deadline == OS_FOREVER ? NULL : &t, NULL,
                   FUTEX_BITSET_MATCH_ANY) == 0 || errno != ETIMEDOUT;
}
INLINE void os_unpark(_Atomic uint32_t *word, int threads)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

/* --- an asymmetric fence: free for one side, a system call for the other (Linux membarrier(2)) --- */

/* True: os_fence_others works here. Idempotent. */
INLINE bool os_fence_others_start(void)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}
/* Every running thread of the process executes a full fence during the call. Pairs with os_fence_light: of "store A, light fence,
 * load B" here and "store B, fence others, load A" there, at least one load sees the other's store. */
INLINE void os_fence_others(void)
{
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
        die("membarrier", errno);
}
/* seq_cst signal fence: holds the compiler; the processor is held by the other side's system call */
INLINE void os_fence_light(void) { atomic_signal_fence(memory_order_seq_cst); }

/* --- mutex and condition --- */

struct os_mutex {
    pthread_mutex_t m;
};
struct os_cond {
    pthread_cond_t c;
};
#define OS_MUTEX_INIT {PTHREAD_MUTEX_INITIALIZER}
#define OS_COND_INIT {PTHREAD_COND_INITIALIZER}

INLINE void os_lock(struct os_mutex *m) { pthread_mutex_lock(&m->m); }
INLINE bool os_trylock(struct os_mutex *m) { return pthread_mutex_trylock(&m->m) == 0; }
INLINE void os_unlock(struct os_mutex *m) { pthread_mutex_unlock(&m->m); }
/* For one that is not static. */
INLINE void os_mutex_init(struct os_mutex *m) { pthread_mutex_init(&m->m, NULL); } /* cannot fail without attributes (glibc) */
/* One that hands its waiters' priority to who holds it; 0, or an errno: there is none here. */
INLINE int os_mutex_init_inherit(struct os_mutex *m)
{
    pthread_mutexattr_t a;
    int error = pthread_mutexattr_init(&a);
    if (!error && !(error = pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT)))
        error = pthread_mutex_init(&m->m, &a);
    pthread_mutexattr_destroy(&a);
    return error;
}
INLINE void os_mutex_drop(struct os_mutex *m) { pthread_mutex_destroy(&m->m); }
INLINE void os_signal(struct os_cond *c) { pthread_cond_signal(&c->c); }
INLINE void os_broadcast(struct os_cond *c) { pthread_cond_broadcast(&c->c); }
/* Waits with the mutex held; timeout_ns < 0: without limit. False: the time ran out. */
INLINE bool os_wait(struct os_cond *c, struct os_mutex *m, int64_t timeout_ns)
{
    if (timeout_ns < 0)
        return pthread_cond_wait(&c->c, &m->m) == 0;
    struct timespec t = os_timespec(os_now() + timeout_ns);
    return pthread_cond_clockwait(&c->c, &m->m, CLOCK_MONOTONIC, &t) != ETIMEDOUT;
}

/* --- barrier: every one of `threads` waits until all have come --- */

struct os_barrier {
    pthread_barrier_t b;
};
INLINE void os_barrier_init(struct os_barrier *b, int threads)
{
    int error = pthread_barrier_init(&b->b, NULL, (unsigned)threads);
    if (error)
        die("barrier", error);
}
INLINE void os_barrier_wait(struct os_barrier *b) { pthread_barrier_wait(&b->b); }
INLINE void os_barrier_drop(struct os_barrier *b) { pthread_barrier_destroy(&b->b); }

/* --- wait-free queue: many enqueuers, one dequeuer at a time (liburcu wfcqueue) --- */

struct os_node {
    struct cds_wfcq_node node;
};
struct os_queue {
    struct __cds_wfcq_head head; /* the dequeuer's end */
    _Alignas(CACHE_LINE) struct cds_wfcq_tail tail;
};

INLINE void os_queue_init(struct os_queue *q) { __cds_wfcq_init(&q->head, &q->tail); }

/* Wait-free, never allocates. Releases what the caller wrote (pairs with os_dequeue). The node belongs to the queue until
 * it is dequeued. Between its two steps (the tail is exchanged, then the node is linked) the queue is not empty and os_dequeue
 * finds nothing. The exchange is a full barrier: a later check of a state by the caller and an os_queue_empty of who changed
 * that state cannot miss each other. */
INLINE void os_enqueue(struct os_queue *q, struct os_node *n)
{
    cds_wfcq_node_init(&n->node);
    OS_RELEASES(q);
    cds_wfcq_enqueue((cds_wfcq_head_ptr_t){._h = &q->head}, &q->tail, &n->node);
}

INLINE bool os_queue_empty(struct os_queue *q) { return cds_wfcq_empty((cds_wfcq_head_ptr_t){._h = &q->head}, &q->tail); }

INLINE struct cds_wfcq_node *os_dequeue_once(struct os_queue *q)
{
    struct cds_wfcq_node *n = __cds_wfcq_dequeue_nonblocking((cds_wfcq_head_ptr_t){._h = &q->head}, &q->tail);
    if (n && n != CDS_WFCQ_WOULDBLOCK)
        OS_ACQUIRES(q);
    return n;
}

/* The oldest node, or NULL: empty, or an enqueuer is half-way (os_queue_empty then says false: come back later).
 * Only one thread at a time may dequeue. Acquires what its enqueuer released. */
INLINE struct os_node *os_dequeue(struct os_queue *q)
{
    struct cds_wfcq_node *n = os_dequeue_once(q);
    return n == CDS_WFCQ_WOULDBLOCK ? NULL : (struct os_node *)n;
}

/* The same, but NULL means empty: waits for an enqueuer that is half-way, who needs nothing but a processor. */
INLINE struct os_node *os_dequeue_wait(struct os_queue *q)
{
    struct cds_wfcq_node *n;
    while ((n = os_dequeue_once(q)) == CDS_WFCQ_WOULDBLOCK)
        os_yield();
    return (struct os_node *)n;
}

/* Moves what `from` held at one moment (that of the exchange of its tail, or of the look that found nothing) behind what is in `to`, in
 * order. Only one thread at a time may dequeue or splice from `from`; `to` is the caller's own. Waits for an enqueuer of the first node that is
 * half-way. Acquires what the enqueuers released; later nodes may be half-way still: os_dequeue_wait. */
INLINE void os_queue_splice(struct os_queue *to, struct os_queue *from)
{
    while (__cds_wfcq_splice_nonblocking((cds_wfcq_head_ptr_t){._h = &to->head}, &to->tail, (cds_wfcq_head_ptr_t){._h = &from->head},
                                         &from->tail) == CDS_WFCQ_RET_WOULDBLOCK)
        os_yield();
    OS_ACQUIRES(from);
}

/* For walking a queue that nobody changes meanwhile: its nodes, oldest first; NULL: no more. */
INLINE struct os_node *os_queue_first(struct os_queue *q)
{
    return (struct os_node *)__cds_wfcq_first_nonblocking((cds_wfcq_head_ptr_t){._h = &q->head}, &q->tail);
}
INLINE struct os_node *os_queue_next(struct os_queue *q, struct os_node *n)
{
    return (struct os_node *)__cds_wfcq_next_nonblocking((cds_wfcq_head_ptr_t){._h = &q->head}, &q->tail, &n->node);
}

/* --- RCU (liburcu, membarrier flavour): readers of the thread registry, and of containers (objects/retire.h) --- */

static char os_rcu_edge __attribute__((unused)); /* names the edge from read-unlock to synchronize for ThreadSanitizer */

INLINE void os_rcu_thread_start(void) { urcu_memb_register_thread(); }
INLINE void os_rcu_thread_stop(void) { urcu_memb_unregister_thread(); }
INLINE void os_rcu_read_lock(void) { urcu_memb_read_lock(); }
INLINE void os_rcu_read_unlock(void)
{
    OS_RELEASES(&os_rcu_edge);
    urcu_memb_read_unlock();
}
/* Returns after every read section that had begun before the call has ended; what those readers did happens before the
 * return. Never call it inside a read section or holding a lock that a reader may take. */
INLINE void os_rcu_synchronize(void)
{
    urcu_memb_synchronize_rcu();
    OS_ACQUIRES(&os_rcu_edge);
}

#endif
