/*
 * runtime.h -- the only view of a runtime instance that is the same for every strategy.
 *
 * bench/runtime.c is compiled once per strategy (and once more with statistics); each copy puts one pointer to a
 * `const struct runtime` into the linker section `rclab_runtimes`. The driver walks that section: no list is kept by
 * hand. The driver sees this header and nothing else of rc/, objects/ or gc/, because object layouts differ per strategy.
 *
 * All times are nanoseconds of CLOCK_MONOTONIC unless said otherwise.
 */
#ifndef BENCH_RUNTIME_H
#define BENCH_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RUNTIME_MAX_THREADS = 256, RUNTIME_MAX_PARAMS = 32, RUNTIME_MAX_COUNTERS = 64, RUNTIME_MAX_FACTS = 16,
       RUNTIME_MAX_LOCKS = 8, RUNTIME_MAX_LOCK_COUNTERS = 8 };

/* Traits of a strategy, as bits. */
enum {
    RUNTIME_UNSAFE = 1 << 0,      /* wrong answers are expected with more than one thread */
    RUNTIME_GIL = 1 << 1,         /* one thread runs at a time */
    RUNTIME_DEFERS_FREE = 1 << 2, /* objects die later than their last decref */
};

/* A variable of a workload (or of every workload) that -L sets. Values are checked by the driver before a worker starts. */
enum param_kind { PARAM_CHOICE, PARAM_INT, PARAM_PATH };
struct param {
    const char *name;
    enum param_kind kind;
    const char *choices;  /* PARAM_CHOICE: "counted|immortal"; otherwise NULL. One in parentheses is no value but a remark: what this
                           * build lacks and why */
    int64_t min, max;     /* PARAM_INT: allowed range, inclusive */
    const char *fallback; /* the value when none is given */
    const char *help;     /* one line */
};

/* A repetition that threads do together: it cannot be timed as one thread's request. */
struct joint {
    const char *param, *value; /* only with this value; NULL: always */
    const char *why;           /* one clause, for people */
};

struct workload_info {
    const char *name;
    const char *unit;           /* what `ops` counts: "calls", "pairs", "words" … */
    const char *summary;        /* one line */
    const struct param *params; /* ends with a NULL name */
    bool racy_by_design;        /* a wrong result is what it shows (counter kind=racy) */
    const struct joint *joint;  /* ends with a NULL why; NULL: every repetition is one thread's own */
};

/* How the requests of the measured round are timed (pacing.h). Off: they are not, a round is one call of run(). */
enum pace_mode { PACE_OFF, PACE_CLOSED, PACE_FIXED };
struct pace {
    enum pace_mode mode;
    int64_t rate;    /* PACE_FIXED: requests a second and thread; otherwise 0 */
    int64_t request; /* repetitions of the workload in one request; 0 when off */
};
struct pacing;
struct histogram;

/* One sample to take, in this process. */
struct param_value {
    const char *name, *value;
};
struct sample_request {
    const char *workload;
    int threads;                                   /* 1 … RUNTIME_MAX_THREADS */
    struct param_value params[RUNTIME_MAX_PARAMS]; /* ends with a NULL name; absent ones take their fallback */
    int64_t warmup_ns;                             /* at least this long is run before measuring, and calibrates it */
    int64_t min_ns;                                /* the measured part aims at this long */
    uint64_t seed;                                 /* for workloads that draw random numbers */
    int cpu[RUNTIME_MAX_THREADS];                  /* CPU (OS index) to pin thread i to; -1: leave it */
    struct pace pace;
    struct pacing *pacing;                         /* of each thread, zeroed: filled in by it; NULL when the pace is off */
    /* Called by each thread for itself around its part of the measured round and of no other, outside its time stamps.
     * NULL: nobody listens. */
    void (*round_begin)(void *arg, int thread);
    void (*round_end)(void *arg, int thread);
    void *round_arg;
    struct histogram *stops;    /* empty: takes the time to stop the world of each stop, ns. NULL: nobody wants it */
    const char *allocation_map; /* NULL, or with statistics: a file to write what lay where to, when all has ended */
};

struct thread_sample {
    int cpu;                  /* CPU it was on at its end */
    uint64_t ops;
    int64_t start_ns, end_ns; /* since the sample's common start line */
    int64_t cpu_ns;           /* CPU time of this thread between start and end */
    int64_t nvcsw, nivcsw, minflt;
};

struct named_value {
    const char *name;
    int64_t value;
};

/* Locks of the objects of one type. */
struct lock_sample {
    const char *type;
    int counters;
    struct named_value counter[RUNTIME_MAX_LOCK_COUNTERS]; /* sums, over the threads */
    int64_t wait_longest_ns;                               /* a maximum */
};

struct sample {
    uint64_t ops;     /* sum over the threads */
    int64_t wall_ns;  /* last end - first start */
    int64_t cpu_ns;   /* CPU time of the whole process over the measured part: helpers such as a commit thread included */
    int64_t drain_ns; /* second phase: until everything deferred has been applied and freed */
    bool result_ok;   /* the workload's answer is right */
    bool result_may_be_wrong; /* a wrong answer is the experiment (a race by design) */
    bool demonstration;       /* wrong answers are expected of these values; result_ok then says whether what is shown can explain them */
    int64_t leaked;   /* live objects after the drain minus live objects before the workload */
    int threads;
    struct thread_sample thread[RUNTIME_MAX_THREADS];
    uint64_t counted_ops; /* what the counters cover: warm-up included. Divide counters by this, not by ops */
    int counters;     /* 0 unless the instance was built with statistics */
    struct named_value counter[RUNTIME_MAX_COUNTERS];
    int facts;        /* what the workload found, such as hits and misses: printed, kept in the file */
    struct named_value fact[RUNTIME_MAX_FACTS];
    char error[256];  /* why run() returned non-zero, or what was wrong with the result; else "" */
    int lock_types;   /* with statistics: types of which an object was locked */
    struct lock_sample lock[RUNTIME_MAX_LOCKS];
    int collections;  /* with a collector: its figures, warm-up included; those named longest are maxima. 0: it was off */
    struct named_value collection[RUNTIME_MAX_COUNTERS];
    int peaks;        /* with statistics: the highest that something was, warm-up included; never divided, never added */
    struct named_value peak[RUNTIME_MAX_COUNTERS];
};

struct runtime {
    const char *name;    /* the strategy: its file's name */
    const char *summary; /* one line, from the strategy's header */
    unsigned traits;
    bool statistics;     /* compiled with operation counters */
    size_t head_bytes;   /* sizeof(struct rc_head) */
    size_t int_bytes;    /* memory of one small int object */
    const struct workload_info *const *workloads; /* ends with NULL */
    const struct param *params;                   /* of every workload (freelist policy …); ends with a NULL name */
    /* Why this strategy cannot have that value of one of `params`, or NULL: it can. NULL: it can have all. */
    const char *(*refuses)(const char *param, const char *value);

    /* Takes one sample. Blocks. May be called once per process: a worker runs one strategy, one cell, once.
     * Returns 0, or -1 with sample->error set (out of memory, bad parameter). A wrong answer is not an error of run():
     * it is result_ok == false. */
    int (*run)(const struct sample_request *request, struct sample *sample);
};

#endif
