/*
 * golden.c -- priority inversion: an urgent thread that needs what a slow one holds (issue 6; FT_UTILS.md, experiment 11).
 *
 *     thread 0   golden: every `period` it appends one line to a log, and must not be late
 *     thread 1   the logger: appends `lines` lines at a time, all day, and is in no hurry
 *     others     the middle: natively busy for `burst`, then asleep as long, on the logger's CPU (where the driver pins it). They
 *                want no lock, but are more urgent than the logger. Lampson and Redell (1980): while they run, the logger cannot, and
 *                who waits for the logger waits for them
 *
 * `guard` is what the two share:
 *
 *     object    one list, in a critical section of its lock (section.h). Under strategy gil the global lock comes on top
 *     mutex     one list, and a pthread mutex
 *     inherit   the same with PTHREAD_PRIO_INHERIT: who holds it is as urgent as who waits for it (Sha, Rajkumar, Lehoczky 1990)
 *     atomic    a list each; one atomic counter is all that they share
 *
 * SCHED_FIFO for golden and the middle where that is allowed, else nice values; fact `fifo` is 1 or 0. Golden's latency counts from the
 * moment at which the line was due (no coordinated omission), attaching included, warm-up too. Facts: its percentiles in ns, each only with ten
 * events above it, and the maximum; and how many of its lines were how late, by powers of ten.
 *
 * The answer: the count of lines, kept by plain additions under the guard, is what the threads counted each for itself.
 */
#include "../workload.h"
#include "../histogram.h"
#include "../../objects/section.h"
#include <inttypes.h>

enum {
    GOLDEN_REP = 16,   /* golden's lines in a repetition */
    GOLDEN_KEEP = 4096, /* lines in a log before it is cleared */
    GOLDEN_US = 1000,
};

enum golden_guard { GOLDEN_OBJECT, GOLDEN_MUTEX, GOLDEN_INHERIT, GOLDEN_ATOMIC };

struct golden {
    enum golden_guard guard;
    int64_t period_ns, burst_ns, lines;
    struct obj *log[2];         /* golden's and the logger's; one list twice, unless they share nothing */
    struct os_mutex mutex;
    _Alignas(CACHE_LINE) _Atomic int64_t counted; /* guard=atomic: by additions; else by load and store under the guard */
    _Alignas(CACHE_LINE) _Atomic uint64_t over;   /* rounds that golden has ended */
    _Alignas(CACHE_LINE) _Atomic int64_t written; /* by the threads' own counts */
    _Atomic bool fifo;
    struct histogram late;      /* golden's */
};

/* --- the guard --- */

static void golden_mutex_lock(struct golden *s)
{
    if (os_trylock(&s->mutex))
        return;
    thread_detach(); /* who waits holds no GIL */
    os_lock(&s->mutex);
    thread_attach();
}

/* One more line, under the guard unless it is atomic. */
INLINE void golden_count(struct golden *s, int64_t lines)
{
    if (s->guard == GOLDEN_ATOMIC) {
        /* relaxed: a sum, read after the join */
        atomic_fetch_add_explicit(&s->counted, lines, memory_order_relaxed);
    } else {
        /* relaxed, both: the guard orders them; were it none, additions would be lost, which check() would see */
        int64_t n = atomic_load_explicit(&s->counted, memory_order_relaxed);
        atomic_store_explicit(&s->counted, n + lines, memory_order_relaxed);
    }
}

/* Makes `lines` lines and appends them to the log. 0, or -1. */
static int golden_write(struct obj *log, int64_t lines)
{
    char text[64];
    int failed = 0;
    for (int64_t i = 0; i < lines && !failed; i++) {
        snprintf(text, sizeof text, "line %" PRId64 " of %" PRId64, i + 1, lines);
        struct obj *line = str_from(text);
        failed = line ? list_append(log, line) : -1;
        obj_xdecref(line);
    }
    if (list_length(log) > GOLDEN_KEEP)
        list_clear(log);
    return failed;
}

/* A turn of golden (thread 0) or of the logger (1). 0, or -1. */
static int golden_turn(struct golden *s, int thread, int64_t lines)
{
    struct obj *log = s->log[thread];
    struct section section;
    if (s->guard == GOLDEN_OBJECT)
        section_begin(&section, log);
    else if (s->guard != GOLDEN_ATOMIC)
        golden_mutex_lock(s);
    golden_count(s, lines);
    int failed = golden_write(log, lines);
    if (s->guard == GOLDEN_OBJECT)
        section_end(&section);
    else if (s->guard != GOLDEN_ATOMIC)
        os_unlock(&s->mutex);
    if (!failed)
        atomic_fetch_add_explicit(&s->written, lines, memory_order_relaxed); /* relaxed: read after the join */
    return failed;
}

/* --- the threads --- */

static int64_t golden_run_golden(struct golden *s, uint64_t reps)
{
    int64_t due = os_now() + s->period_ns;
    uint64_t lines = reps * GOLDEN_REP;
    int failed = 0;
    for (uint64_t i = 0; i < lines && !failed; i++, due += s->period_ns) {
        thread_detach();
        os_wait_until(due);
        thread_attach();
        failed = golden_turn(s, 0, 1);
        histogram_record(&s->late, os_now() - due, 1);
        rt_safepoint(); /* attaching is none: under buffered only here it waits while its log is over the bound */
    }
    atomic_fetch_add_explicit(&s->over, 1, memory_order_relaxed); /* relaxed: the others only end; also after an error */
    return failed ? -1 : (int64_t)lines;
}

static int golden_run_logger(struct golden *s, uint64_t before)
{
    int failed = 0;
    while (!failed && atomic_load_explicit(&s->over, memory_order_relaxed) == before) { /* relaxed: as above */
        failed = golden_turn(s, 1, s->lines);
        rt_safepoint();
    }
    return failed;
}

static void golden_run_middle(struct golden *s, uint64_t before)
{
    thread_detach();
    while (atomic_load_explicit(&s->over, memory_order_relaxed) == before) { /* relaxed: as above */
        for (int64_t start = os_now(); !os_is_late(start, s->burst_ns);)
            os_relax();
        os_wait_until(os_now() + s->burst_ns);
    }
    thread_attach();
}

static int64_t golden_run(struct work *w, int thread, uint64_t reps)
{
    struct golden *s = w->state;
    int urgency = thread == 0 ? 2 : thread == 1 ? 0 : 1;
    if (thread > 1 && w->request->cpu[1] >= 0)
        os_pin(w->request->cpu[1]); /* where it really ran is in the sample */
    if (os_urgency(urgency) && thread == 0)
        atomic_store_explicit(&s->fifo, true, memory_order_relaxed); /* relaxed: read after the join */
    uint64_t before = atomic_load_explicit(&s->over, memory_order_relaxed); /* relaxed: the barrier orders it */
    work_barrier(w); /* before golden can end the round */
    if (thread == 0)
        return golden_run_golden(s, reps);
    if (thread == 1)
        return golden_run_logger(s, before);
    golden_run_middle(s, before);
    return 0;
}

/* --- set-up and the answer --- */

static void golden_drop(struct golden *s)
{
    obj_xdecref(s->log[0]);
    obj_xdecref(s->log[1]);
    os_mutex_drop(&s->mutex);
    os_free(s);
}

static enum golden_guard golden_guard_of(const struct work *w)
{
    return work_is(w, "guard", "object") ? GOLDEN_OBJECT : work_is(w, "guard", "mutex") ? GOLDEN_MUTEX
           : work_is(w, "guard", "inherit")                                             ? GOLDEN_INHERIT
                                                                                        : GOLDEN_ATOMIC;
}

static int golden_setup(struct work *w)
{
    struct golden *s = os_alloc_aligned(CACHE_LINE, sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    memset(s, 0, sizeof *s);
    s->guard = golden_guard_of(w);
    s->period_ns = work_int(w, "period") * GOLDEN_US;
    s->burst_ns = work_int(w, "burst") * GOLDEN_US;
    s->lines = work_int(w, "lines");
    if (s->guard != GOLDEN_INHERIT)
        os_mutex_init(&s->mutex);
    else if (os_mutex_init_inherit(&s->mutex) != 0) {
        err_set_name(ERR_VALUE, "this system has no mutex with priority inheritance", NULL, NULL);
        os_free(s);
        return -1;
    }
    s->log[0] = list_new(0);
    s->log[1] = !s->log[0] ? NULL : s->guard == GOLDEN_ATOMIC ? list_new(0) : obj_incref(s->log[0]);
    w->state = s;
    if (s->log[1])
        return 0;
    golden_drop(s);
    return -1;
}

/* A percentile, if ten events lie above it. */
static void golden_fact(struct work *w, const char *name, double share)
{
    const struct histogram *h = &((struct golden *)w->state)->late;
    if ((1 - share) * (double)h->count >= 10)
        work_fact(w, name, histogram_quantile(h, share));
}

/* Lines by lateness, from one limit to the next. */
static void golden_decades(struct work *w)
{
    static const struct {
        const char *name;
        int64_t limit_ns;
    } decade[] = {{"under 10 us", 10000}, {"10 to 100 us", 100000}, {"0.1 to 1 ms", 1000000}, {"1 to 10 ms", 10000000}, {"over 10 ms", HISTOGRAM_LIMIT}};
    const struct histogram *h = &((struct golden *)w->state)->late;
    uint32_t i = 0;
    for (size_t d = 0; d < sizeof decade / sizeof decade[0]; d++) {
        uint32_t end = decade[d].limit_ns == HISTOGRAM_LIMIT ? HISTOGRAM_BUCKETS : histogram_index(decade[d].limit_ns);
        uint64_t lines = 0;
        for (; i < end; i++)
            lines += h->bucket[i];
        work_fact(w, decade[d].name, (int64_t)lines);
    }
}

static bool golden_check(struct work *w)
{
    struct golden *s = w->state;
    /* relaxed, all: the threads are joined */
    int64_t counted = atomic_load_explicit(&s->counted, memory_order_relaxed);
    int64_t written = atomic_load_explicit(&s->written, memory_order_relaxed);
    work_fact(w, "fifo", atomic_load_explicit(&s->fifo, memory_order_relaxed));
    golden_fact(w, "p50 ns", 0.5);
    golden_fact(w, "p90 ns", 0.9);
    golden_fact(w, "p99 ns", 0.99);
    golden_fact(w, "p99.9 ns", 0.999);
    work_fact(w, "max ns", s->late.max);
    golden_decades(w);
    return counted == written || work_wrong(w, "%" PRId64 " lines were counted under the guard, %" PRId64 " written", counted, written);
}

static void golden_teardown(struct work *w) { golden_drop(w->state); }

static const struct param golden_params[] = {
    {"guard", PARAM_CHOICE, "object|mutex|inherit|atomic", 0, 0, "object", "what golden and the logger share"},
    {"period", PARAM_INT, NULL, 1, 1000000, "200", "us between golden's lines"},
    {"lines", PARAM_INT, NULL, 1, 100000, "200", "lines that the logger appends at a time"},
    {"burst", PARAM_INT, NULL, 1, 1000000, "2000", "us for which each thread from the third on is busy, and then asleep"},
    {0},
};

static const struct joint golden_joint[] = {{NULL, NULL, "the threads have different tasks"}, {0}};

static const struct workload workload_golden = {
    .info = {.name = "golden", .unit = "lines", .summary = "an urgent thread against a logger: priority inversion", .params = golden_params,
             .joint = golden_joint},
    .setup = golden_setup,
    .run = golden_run,
    .check = golden_check,
    .teardown = golden_teardown,
};
