/*
 * counter.c -- ft_utils' counter race: every thread adds 1 to one shared counter 50000 times (the original: 10 threads).
 *
 *     racy    the counter is an int object in a list: load it, add 1, store the new one. Load and store each take the
 *             list's lock, so memory is safe, but between them another thread's update is lost
 *     locked  the same three steps under a mutex, which is there under every strategy (the GIL does not replace a program's
 *             locks); a thread that waits for it is detached
 *     atomic  no object: one atomic 64-bit integer
 *     object  AtomicInt64: what the object around that integer costs
 *
 * A repetition starts from 0. Fact: `lost`, the updates that the last repetition lost. Racy under threads is a DEMONSTRATION: a wrong sum is what it
 * shows, so check() accepts any sum that lost updates can explain (1 to threads * 50000); that no reference was lost or dropped
 * twice is checked there as well (the leak check, and the sanitizer builds). Under gil nothing is lost with switch=loop, which is
 * therefore none: there is no safepoint between load and store, as in CPython since 3.10, which hands over at calls and at the ends of
 * loops. switch=instruction has one there, as interpreters that may hand over after every instruction.
 *
 * The mutex: 0 free, 1 held, 2 held and maybe waited for (Drepper, "Futexes are tricky").
 * Order: its acquire (M1) sees everything written before its release (M2).
 */
#include "../../objects/atomic_int.h"
#include "../workload.h"
#include <inttypes.h>

enum { COUNTER_STEPS = 50000 };

enum counter_kind { COUNTER_RACY, COUNTER_LOCKED, COUNTER_ATOMIC, COUNTER_OBJECT };

struct counter {
    enum counter_kind kind;
    bool within;      /* a safepoint between load and store */
    struct obj *cell; /* a list of one int; not used by atomic and object */
    struct obj *object; /* AtomicInt64 */
    struct obj *zero, *one;
    int64_t counted;  /* in the last repetition */
    int64_t repetitions, wrong;
    _Alignas(CACHE_LINE) _Atomic uint32_t mutex;
    _Alignas(CACHE_LINE) _Atomic int64_t atomic;
};

/* --- a mutex for programs --- */

SLOW void counter_lock_slow(struct counter *s)
{
    /* (M1) acquire: sees what was done under the mutex before its release (M2) */
    while (atomic_exchange_explicit(&s->mutex, 2, memory_order_acquire) != 0) {
        thread_detach();
        os_park(&s->mutex, 2, -1);
        thread_attach();
    }
}

INLINE void counter_lock(struct counter *s)
{
    uint32_t free = 0;
    /* (M1) acquire: as above; relaxed on failure: nothing is read */
    if (!atomic_compare_exchange_strong_explicit(&s->mutex, &free, 1, memory_order_acquire, memory_order_relaxed))
        counter_lock_slow(s);
}

INLINE void counter_unlock(struct counter *s)
{
    /* (M2) release: hands what was done under the mutex to the next acquire (M1) */
    if (atomic_exchange_explicit(&s->mutex, 0, memory_order_release) == 2)
        os_unpark(&s->mutex, 1);
}

/* --- set-up --- */

static void counter_teardown(struct work *w)
{
    struct counter *s = w->state;
    obj_xdecref(s->object);
    obj_xdecref(s->cell);
    obj_xdecref(s->zero);
    obj_xdecref(s->one);
    os_free(s);
}

static int counter_setup(struct work *w)
{
    struct counter *s = os_alloc_aligned(CACHE_LINE, sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    memset(s, 0, sizeof *s);
    s->kind = work_is(w, "kind", "racy")     ? COUNTER_RACY
              : work_is(w, "kind", "locked") ? COUNTER_LOCKED
              : work_is(w, "kind", "object") ? COUNTER_OBJECT
                                             : COUNTER_ATOMIC;
    s->within = work_is(w, "switch", "instruction");
    w->state = s;
    if (s->kind == COUNTER_RACY && w->threads > 1 && (s->within || !RC_NEEDS_GIL))
        work_demonstrates(w);
    if ((s->object = atomic_int_new(0)) && (s->zero = int_new(0)) && (s->one = int_new(1)) && (s->cell = list_new(1)) && list_append(s->cell, s->zero) == 0)
        return 0;
    counter_teardown(w);
    return -1;
}

/* --- the steps --- */

/* cell[0] += 1, in three steps. 0, or -1. */
static int counter_add(struct counter *s)
{
    struct obj *old = list_get(s->cell, 0), *sum = old ? int_add(old, s->one) : NULL;
    if (s->within)
        rt_safepoint();
    int failed = sum ? list_set(s->cell, 0, sum) : -1;
    obj_xdecref(sum);
    obj_xdecref(old);
    return failed;
}

static int counter_step(struct counter *s)
{
    int64_t now;
    int failed = 0;
    switch (s->kind) {
    case COUNTER_RACY:
        failed = counter_add(s);
        break;
    case COUNTER_LOCKED:
        counter_lock(s);
        failed = counter_add(s);
        counter_unlock(s);
        break;
    case COUNTER_ATOMIC:
        atomic_fetch_add_explicit(&s->atomic, 1, memory_order_seq_cst); /* seq_cst: what ft_utils' AtomicInt64 promises */
        break;
    case COUNTER_OBJECT:
        failed = atomic_int_incr(s->object, &now);
        break;
    }
    return failed;
}

/* All steps of one repetition. 0, or -1. */
static int counter_steps(struct counter *s)
{
    for (int i = 0; i < COUNTER_STEPS; i++) {
        if (unlikely(counter_step(s) != 0))
            return -1;
        rt_safepoint();
    }
    return 0;
}

/* --- a repetition, as thread 0 sees it while the others wait --- */

/* 0, or -1. */
static int counter_begin(struct counter *s)
{
    atomic_store_explicit(&s->atomic, 0, memory_order_relaxed); /* relaxed: a barrier follows */
    return atomic_int_set(s->object, 0) == 0 ? list_set(s->cell, 0, s->zero) : -1;
}

/* Can this be the sum? Someone's last step stores at least 1; no step adds more than 1. */
static bool counter_plausible(const struct work *w, const struct counter *s)
{
    int64_t all = (int64_t)w->threads * COUNTER_STEPS;
    return s->counted == all || (w->sample->demonstration && s->counted >= 1 && s->counted < all);
}

static int counter_finish(struct work *w, struct counter *s)
{
    if (s->kind == COUNTER_ATOMIC) {
        s->counted = atomic_load_explicit(&s->atomic, memory_order_relaxed); /* relaxed: a barrier came before */
    } else if (s->kind == COUNTER_OBJECT) {
        if (atomic_int_get(s->object, &s->counted) != 0)
            return -1;
    } else {
        struct obj *sum = list_get(s->cell, 0);
        if (!sum)
            return -1;
        int_value(sum, &s->counted);
        obj_decref(sum);
    }
    s->repetitions++;
    s->wrong += !counter_plausible(w, s);
    return 0;
}

/* After an error a thread makes no more steps but comes to every barrier. */
static int64_t counter_run(struct work *w, int thread, uint64_t reps)
{
    struct counter *s = w->state;
    int failed = 0;
    for (uint64_t i = 0; i < reps; i++) {
        if (thread == 0)
            failed |= counter_begin(s);
        work_barrier(w);
        if (!failed)
            failed = counter_steps(s);
        work_barrier(w);
        if (thread == 0 && !failed)
            failed = counter_finish(w, s);
    }
    return failed ? -1 : (int64_t)(reps * COUNTER_STEPS);
}

static bool counter_check(struct work *w)
{
    struct counter *s = w->state;
    int64_t all = (int64_t)w->threads * COUNTER_STEPS;
    work_fact(w, "increments", all);
    work_fact(w, "lost", all - s->counted);
    if (!counter_plausible(w, s))
        return work_wrong(w, "counted %" PRId64 " instead of %" PRId64, s->counted, all);
    if (s->wrong || s->repetitions == 0)
        return work_wrong(w, "%" PRId64 " of %" PRId64 " repetitions were wrong", s->wrong, s->repetitions);
    return true;
}

static const struct param counter_params[] = {
    {"kind", PARAM_CHOICE, "racy|locked|atomic|object", 0, 0, "racy", "how the shared counter is protected"},
    {"switch", PARAM_CHOICE, "loop|instruction", 0, 0, "loop", "where a thread may be switched off: at the loop's end, also between load and store"},
    {0},
};

static const struct joint counter_joint[] = {{NULL, NULL, "all threads begin and end a repetition together"}, {0}};

static const struct workload workload_counter = {
    .info = {.name = "counter", .unit = "increments", .summary = "all threads add to one counter; tells how many updates are lost",
             .params = counter_params, .joint = counter_joint},
    .setup = counter_setup,
    .run = counter_run,
    .check = counter_check,
    .teardown = counter_teardown,
};
