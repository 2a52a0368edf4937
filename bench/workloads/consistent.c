/*
 * consistent.c -- ft_utils' consistent_counter: every thread multiplies one shared float by 3.14, with nothing to protect it, and with an
 * interval lock.
 *
 *     simple  one multiplication a thread, as the original: 10 threads make 3.14^10
 *     tracked the same, and threads are counted
 *     long    `loads` times ten multiplications and ten divisions, then one multiplication
 *     locked  the same inside an IntervalLock, which each thread reaches through its own LocalWrapper and polls before each load
 *
 * The float is an object in a list: load it, make the product, store that. Load and store each take the list's lock, so memory is safe; between
 * them another thread's update is lost. A safepoint follows each operation, as at the end of a Python loop's body: under a GIL nothing is lost, but the
 * order in which threads interleave decides how the products are rounded. The reference is what one thread gets by doing all in turn, worked
 * out with plain doubles; the main thread does so with the objects when all is over.
 *
 * Facts, of the last repetition: result_bits, alone_bits (the main thread's) and reference_bits (the doubles' bit patterns), lost: how many factors of
 * 3.14 are missing on balance (below 0: too many; a division was lost), INT64_MIN where the result is no number or 0; peak: threads at it at once
 * (but for simple; locked: that have begun and not ended).
 * check(): locked gives the reference to the last bit, whatever the interleaving, since a load is done in one piece: from each power of 3.14
 * it leads back to a value that the next load leaves as it is. With 10 threads that is 0x1.6bf65f96445edp+16, with however many loads. So does
 * the main thread alone. Under a strategy with a GIL the others are right but for rounding; without one any result may come out.
 */
#include "../workload.h"
#include "../../objects/interval_lock.h"
#include "../../objects/local_wrapper.h"
#include <inttypes.h>
#include <math.h>

enum { CONSISTENT_TIMES = 10 };
static const double CONSISTENT_BASE = 3.14, CONSISTENT_ROUNDING = 1e-6;

struct consistent {
    struct obj *cell; /* a list of one float */
    struct obj *lock; /* kind locked uses it */
    bool tracks, locks;
    int64_t loads;    /* 0: simple */
    double reference, result, alone;
    int64_t repetitions, wrong;
    int64_t peaked; /* the peak of the last repetition */
    _Alignas(CACHE_LINE) _Atomic int32_t inside, peak;
};

/* --- set-up --- */

static void consistent_teardown(struct work *w)
{
    struct consistent *s = w->state;
    obj_xdecref(s->cell);
    obj_xdecref(s->lock);
    os_free(s);
}

/* What one thread gets that does the work of all. */
static double consistent_reference(const struct consistent *s, int threads)
{
    volatile double value = 1; /* volatile: each product is rounded to a double */
    for (int t = 0; t < threads; t++) {
        for (int64_t i = 0; i < s->loads; i++) {
            for (int k = 0; k < CONSISTENT_TIMES; k++)
                value = value * CONSISTENT_BASE;
            for (int k = 0; k < CONSISTENT_TIMES; k++)
                value = value / CONSISTENT_BASE;
        }
        value = value * CONSISTENT_BASE;
    }
    return value;
}

static int consistent_setup(struct work *w)
{
    struct consistent *s = os_alloc_aligned(CACHE_LINE, sizeof *s);
    struct obj *one = s ? float_new(1) : NULL;
    if (!s) {
        err_memory();
        return -1;
    }
    memset(s, 0, sizeof *s);
    s->locks = work_is(w, "kind", "locked");
    s->tracks = !work_is(w, "kind", "simple");
    s->loads = s->locks || work_is(w, "kind", "long") ? work_int(w, "loads") : 0;
    s->lock = interval_lock_new(work_int(w, "interval") * 1000);
    s->cell = one ? list_from(&one, 1) : NULL;
    s->reference = consistent_reference(s, w->threads);
    obj_xdecref(one);
    w->state = s;
    if (s->cell && s->lock)
        return 0;
    consistent_teardown(w);
    return -1;
}

/* --- the steps --- */

static int consistent_store(struct consistent *s, double value)
{
    struct obj *o = float_new(value);
    int failed = o ? list_set(s->cell, 0, o) : -1;
    obj_xdecref(o);
    return failed;
}

/* NAN with the thread's error set. */
static double consistent_load(struct consistent *s)
{
    struct obj *o = list_get(s->cell, 0);
    double value = NAN;
    if (o)
        float_value(o, &value);
    obj_xdecref(o);
    return value;
}

static int consistent_times(struct consistent *s, bool divide)
{
    double value = consistent_load(s);
    int failed = consistent_store(s, divide ? value / CONSISTENT_BASE : value * CONSISTENT_BASE);
    rt_safepoint();
    return failed;
}

/* lock: NULL, or held and polled. */
static int consistent_work(struct consistent *s, struct obj *lock)
{
    int failed = 0;
    for (int64_t i = 0; i < s->loads && !failed; i++) {
        failed = lock && interval_lock_poll(lock) < 0;
        for (int k = 0; k < 2 * CONSISTENT_TIMES && !failed; k++)
            failed = consistent_times(s, k >= CONSISTENT_TIMES);
    }
    return failed ? -1 : consistent_times(s, false);
}

static void consistent_enter(struct consistent *s)
{
    int32_t inside = atomic_fetch_add_explicit(&s->inside, 1, memory_order_relaxed) + 1; /* relaxed: a figure to show */
    int32_t peak = atomic_load_explicit(&s->peak, memory_order_relaxed);                 /* relaxed: as above */
    while (peak < inside && !atomic_compare_exchange_weak_explicit(&s->peak, &peak, inside, memory_order_relaxed, memory_order_relaxed)) /* relaxed: as above */
        ;
}

static void consistent_leave(struct consistent *s)
{
    atomic_fetch_sub_explicit(&s->inside, 1, memory_order_relaxed); /* relaxed: as in consistent_enter */
}

static int consistent_tracked(struct consistent *s, struct obj *lock)
{
    if (!s->tracks)
        return consistent_work(s, lock);
    consistent_enter(s);
    int failed = consistent_work(s, lock);
    consistent_leave(s);
    return failed;
}

/* What each thread does. */
static int consistent_body(struct consistent *s)
{
    if (!s->locks)
        return consistent_tracked(s, NULL);
    struct obj *lock = local_wrapper_new(s->lock);
    int failed = lock ? interval_lock_lock(lock) : -1;
    if (!failed)
        failed = consistent_tracked(s, lock) | interval_lock_unlock(lock);
    obj_xdecref(lock);
    return failed;
}

/* --- a repetition, as thread 0 sees it while the others wait --- */

static int consistent_begin(struct consistent *s)
{
    atomic_store_explicit(&s->peak, 0, memory_order_relaxed); /* relaxed: a barrier follows */
    return consistent_store(s, 1);
}

static int64_t consistent_bits(double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Under a GIL nothing is lost. */
static bool consistent_plausible(const struct consistent *s)
{
    if (s->locks)
        return consistent_bits(s->result) == consistent_bits(s->reference);
    return !RC_NEEDS_GIL || fabs(s->result / s->reference - 1) < CONSISTENT_ROUNDING;
}

static void consistent_finish(struct consistent *s)
{
    s->result = consistent_load(s);
    s->peaked = atomic_load_explicit(&s->peak, memory_order_relaxed); /* relaxed: a barrier came before */
    s->repetitions++;
    s->wrong += !consistent_plausible(s);
}

/* After an error a thread does no more but comes to every barrier. */
static int64_t consistent_run(struct work *w, int thread, uint64_t reps)
{
    struct consistent *s = w->state;
    int failed = 0;
    for (uint64_t i = 0; i < reps; i++) {
        if (thread == 0)
            failed |= consistent_begin(s);
        work_barrier(w);
        if (!failed)
            failed = consistent_body(s);
        work_barrier(w);
        if (thread == 0 && !failed)
            consistent_finish(s);
    }
    return failed ? -1 : (int64_t)reps * (2 * CONSISTENT_TIMES * s->loads + 1);
}

/* The same by the main thread, as often as there were threads. */
static bool consistent_alone(struct work *w, struct consistent *s)
{
    int failed = consistent_begin(s);
    for (int i = 0; i < w->threads && !failed; i++)
        failed = consistent_body(s);
    s->alone = failed ? NAN : consistent_load(s);
    return consistent_bits(s->alone) == consistent_bits(s->reference);
}

static bool consistent_check(struct work *w)
{
    struct consistent *s = w->state;
    bool alone = consistent_alone(w, s);
    double factors = -log(s->result / s->reference) / log(CONSISTENT_BASE);
    work_fact(w, "result_bits", consistent_bits(s->result));
    work_fact(w, "alone_bits", consistent_bits(s->alone));
    work_fact(w, "reference_bits", consistent_bits(s->reference));
    work_fact(w, "lost", isfinite(factors) ? (int64_t)llrint(factors) : INT64_MIN);
    work_fact(w, "peak", s->peaked);
    if (!alone)
        return work_wrong(w, "the main thread made %a of it instead of %a", s->alone, s->reference);
    return !s->wrong || work_wrong(w, "%" PRId64 " of %" PRId64 " products were wrong", s->wrong, s->repetitions);
}

static const struct param consistent_params[] = {
    {"kind", PARAM_CHOICE, "simple|tracked|long|locked", 0, 0, "simple", "one multiplication a thread, or many and as many divisions before it"},
    {"interval", PARAM_INT, NULL, 0, 1000000, "5000", "kind=locked: of the interval lock, in microseconds"},
    {"loads", PARAM_INT, NULL, 1, 100000000, "1000", "kind=long, locked: times ten multiplications and ten divisions (the original: 100000)"},
    {0},
};

static const struct joint consistent_joint[] = {{NULL, NULL, "all threads begin and end a repetition together"}, {0}};

static const struct workload workload_consistent = {
    .info = {.name = "consistent", .unit = "updates", .summary = "all threads multiply one float, unprotected or under an interval lock; tells how many updates are lost",
             .params = consistent_params, .joint = consistent_joint},
    .setup = consistent_setup,
    .run = consistent_run,
    .check = consistent_check,
    .teardown = consistent_teardown,
};
