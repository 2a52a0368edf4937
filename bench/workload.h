/*
 * workload.h -- what a workload is, and what it may use: the objects' API, its parameters, a barrier.
 *
 * A file in workloads/ is one workload; its file name is its name; it defines `static const struct workload
 * workload_NAME`. The Makefile finds it. runtime.c runs it: setup on the main thread, then `run` on every thread for a
 * calibrated number of repetitions (warm-up rounds first), then check and teardown on the main thread.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include "../objects/iter.h"
#include "../objects/list.h"
#include "../objects/dict.h"
#include "../objects/module.h"
#include "../objects/number.h"
#include "../objects/set.h"
#include "../objects/str.h"
#include "../objects/tuple.h"
#include "runtime.h"

/* One sample in progress. */
struct work {
    const struct sample_request *request;
    struct sample *sample;        /* for facts and error texts */
    const struct workload *workload;
    int threads;
    void *state;                  /* the workload's own */
    struct os_barrier barrier;    /* of the threads that run */
};

struct workload {
    struct workload_info info;
    /* Makes what the threads share. 0, or -1 with the thread's error set (nothing is left behind). */
    int (*setup)(struct work *w);
    /* Does `reps` repetitions as thread `thread` (0 …). Returns the operations done, or -1 with the thread's error set.
     * Called several times, growing reps; threads enter together. Has rt_safepoint() in every loop back-edge. */
    int64_t (*run)(struct work *w, int thread, uint64_t reps);
    /* True: all answers since setup were right. Explains in w->sample->error when not. Runs after the last run(). */
    bool (*check)(struct work *w);
    /* Drops everything that setup and run made. */
    void (*teardown)(struct work *w);
};

/* The value of a parameter: what the request says, else the workload's (or the common) fallback. Never NULL for a
 * declared parameter; asking for another is a programmer's error. */
API const char *work_param(const struct work *w, const char *name);
API int64_t work_int(const struct work *w, const char *name);
API bool work_is(const struct work *w, const char *name, const char *value);
/* True when shared objects are to be counted like any other (-L shared=counted) instead of being immortal. */
API bool work_counts_shared(const struct work *w);
/* True when cycles are collected (-L gc=… other than off). */
API bool work_collects(const struct work *w);
/* Collects until nothing more is found; how many objects. No other thread collects. For set-up, check and teardown. */
API int64_t work_collect(void);
/* All running threads wait for each other, detached. A safepoint. */
API void work_barrier(struct work *w);
/* Keeps a figure under that name (a literal); the driver prints and files it. */
API void work_fact(struct work *w, const char *name, int64_t value);
/* For set-up: these values are a demonstration, whose wrong answers check() lets pass where what is shown can explain them. The driver labels
 * such samples and never ranks them. */
API void work_demonstrates(struct work *w);
/* Says in the sample what was wrong (printf-like); returns false. */
__attribute__((format(printf, 2, 3))) API bool work_wrong(struct work *w, const char *format, ...);

/* A workload's state, zeroed, at the start of a cache line, as its members for threads may ask; NULL: no memory. Free with os_free. */
API void *work_state(size_t bytes);
/* One zeroed struct of `bytes` (a multiple of the cache line) per thread; NULL with ERR_MEMORY. Free with os_free. */
API void *work_per_thread(const struct work *w, size_t bytes);
/* What a set-up returns that found no memory: gives back the memory that it had for itself (either may be NULL). -1 with ERR_MEMORY. */
API int work_no_memory(void *state, void *thread);

/* The next number of a splitmix64 stream (Steele, Lea, Flood 2014). */
INLINE uint64_t work_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Where a thread's own stream begins: another one for each thread, the same for the same seed. */
INLINE uint64_t work_stream(const struct work *w, int thread)
{
    uint64_t seed = w->request->seed + (uint64_t)thread;
    return work_random(&seed);
}

/* A number below `limit` (at most 2^32). */
INLINE uint64_t work_below(uint64_t *state, uint64_t limit) { return (work_random(state) >> 32) * limit >> 32; }

#endif
