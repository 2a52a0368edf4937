/*
 * handover.c -- IntervalLock against a mutex: a long computation that threads do by turns.
 *
 *     interval  IntervalLock: kept, with a poll() at every step, which lends it to a waiter when its interval is over
 *     mutex     a POSIX mutex, taken and released at every step
 *     timed     a POSIX mutex, kept for the interval, by the clock, then released and taken again: who releases it has it back
 *               before a waiter is awake, so the turns stay long and uneven (SKEW)
 *
 * A step is `work` rounds of x = x * a + c (mod 2^64) in one shared word. At the end it is what as many rounds in one thread make of it,
 * found by squaring; a step done without the lock loses rounds. Facts: `turns`, how often another thread than before did a step,
 * and `steps_per_turn`.
 */
#include "../../objects/interval_lock.h"
#include "../workload.h"
#include "contenders/locks.h"
#include <inttypes.h>

enum { HANDOVER_REP = 1024 }; /* steps of a repetition */

/* x -> x * a + c */
struct handover_map {
    uint64_t a, c;
};
static const struct handover_map handover_round = {UINT64_C(6364136223846793005), UINT64_C(1442695040888963407)}; /* Knuth's MMIX */

struct handover_thread {
    _Alignas(CACHE_LINE) int64_t steps;
};

struct handover {
    const struct handover_ops *ops;
    int64_t work, interval_ns;
    struct obj *object;
    struct handover_thread *thread;
    _Alignas(CACHE_LINE) struct os_mutex mutex;
    _Alignas(CACHE_LINE) uint64_t x; /* under the lock, all that follow */
    int64_t steps, turns, since;
    int last; /* the thread of the last step */
};

struct handover_ops {
    const char *name;
    int (*begin)(struct handover *s);  /* before the first step; 0, or -1 */
    int (*between)(struct handover *s); /* after each step */
    int (*end)(struct handover *s);
};

/* --- interval --- */

static int handover_interval_begin(struct handover *s) { return interval_lock_lock(s->object); }
static int handover_interval_between(struct handover *s) { return interval_lock_poll(s->object) < 0 ? -1 : 0; }
static int handover_interval_end(struct handover *s) { return interval_lock_unlock(s->object); }

/* --- mutex --- */

static int handover_mutex_begin(struct handover *s)
{
    native_lock(&s->mutex);
    return 0;
}
static int handover_mutex_end(struct handover *s)
{
    os_unlock(&s->mutex);
    return 0;
}
static int handover_mutex_between(struct handover *s)
{
    handover_mutex_end(s);
    rt_safepoint();
    return handover_mutex_begin(s);
}

/* --- timed --- */

static int handover_timed_begin(struct handover *s)
{
    native_lock(&s->mutex);
    s->since = os_now();
    return 0;
}
static int handover_timed_between(struct handover *s)
{
    if (likely(os_now() - s->since < s->interval_ns))
        return 0;
    os_unlock(&s->mutex);
    return handover_timed_begin(s);
}

static const struct handover_ops handover_contender[] = {
    {"interval", handover_interval_begin, handover_interval_between, handover_interval_end},
    {"mutex", handover_mutex_begin, handover_mutex_between, handover_mutex_end},
    {"timed", handover_timed_begin, handover_timed_between, handover_mutex_end},
};

/* --- set-up --- */

static int handover_setup(struct work *w)
{
    struct handover *s = os_alloc_aligned(CACHE_LINE, sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < sizeof handover_contender / sizeof *handover_contender; i++)
        if (work_is(w, "of", handover_contender[i].name))
            s->ops = &handover_contender[i];
    s->work = work_int(w, "work");
    s->interval_ns = work_int(w, "interval") * 1000;
    s->last = -1;
    s->thread = work_per_thread(w, sizeof *s->thread);
    s->object = s->thread ? interval_lock_new(s->interval_ns) : NULL;
    if (!s->object) {
        os_free(s->thread);
        os_free(s);
        return -1;
    }
    os_mutex_init(&s->mutex);
    w->state = s;
    return 0;
}

static void handover_teardown(struct work *w)
{
    struct handover *s = w->state;
    os_mutex_drop(&s->mutex);
    obj_decref(s->object);
    os_free(s->thread);
    os_free(s);
}

/* --- steps --- */

/* Under the lock. */
static void handover_step(struct handover *s, int thread)
{
    uint64_t x = s->x;
    for (int64_t i = 0; i < s->work; i++)
        x = x * handover_round.a + handover_round.c;
    s->x = x;
    s->steps++;
    s->turns += s->last != thread;
    s->last = thread;
}

/* (The lock is no object's: it may be held at a safepoint.) */
static int64_t handover_run(struct work *w, int thread, uint64_t reps)
{
    struct handover *s = w->state;
    if (s->ops->begin(s) != 0)
        return -1;
    for (uint64_t steps = reps * HANDOVER_REP; steps > 0; steps--) {
        handover_step(s, thread);
        if (unlikely(s->ops->between(s) != 0))
            return -1;
        if (steps % 16 == 0)
            rt_safepoint();
    }
    s->thread[thread].steps += (int64_t)(reps * HANDOVER_REP);
    return s->ops->end(s) == 0 ? (int64_t)(reps * HANDOVER_REP) : -1;
}

/* --- the answer --- */

/* x after so many rounds from 0. */
static uint64_t handover_after(uint64_t rounds)
{
    struct handover_map all = {1, 0}, power = handover_round; /* power: 1, 2, 4 … rounds */
    for (; rounds > 0; rounds /= 2) {
        if (rounds % 2)
            all = (struct handover_map){all.a * power.a, all.c * power.a + power.c};
        power = (struct handover_map){power.a * power.a, power.c * power.a + power.c};
    }
    return all.c;
}

static bool handover_check(struct work *w)
{
    struct handover *s = w->state;
    int64_t steps = 0;
    for (int i = 0; i < w->threads; i++)
        steps += s->thread[i].steps;
    uint64_t expected = handover_after((uint64_t)steps * (uint64_t)s->work);
    work_fact(w, "turns", s->turns);
    work_fact(w, "steps_per_turn", s->turns ? s->steps / s->turns : 0);
    return (s->x == expected && s->steps == steps) ||
           work_wrong(w, "%" PRIu64 " after %" PRId64 " steps (counted: %" PRId64 ") instead of %" PRIu64, s->x, steps, s->steps, expected);
}

static const struct param handover_params[] = {
    {"of", PARAM_CHOICE, "interval|mutex|timed", 0, 0, "interval", "the lock: IntervalLock, a mutex at each step, a mutex kept for the interval"},
    {"interval", PARAM_INT, NULL, 0, 10000000, "5000", "microseconds"},
    {"work", PARAM_INT, NULL, 1, 1 << 20, "32", "multiplications in a step"},
    {0},
};

static const struct workload workload_handover = {
    .info = {.name = "handover", .unit = "steps", .summary = "IntervalLock against a mutex: throughput, turns and fairness",
             .params = handover_params},
    .setup = handover_setup,
    .run = handover_run,
    .check = handover_check,
    .teardown = handover_teardown,
};
