/*
 * weak.c (a workload) -- one weak reference at a time (objects/weak.h).
 *
 *     make      a weak reference to a live object, and drops it
 *     upgrade   a strong reference from a weak one, and drops it
 *     dead      asks a weak reference whose object is gone
 *
 * The answer: each one made names its object, each upgrade gives it, none of a dead one does; at the end the object has
 * one reference left.
 */
#include "../workload.h"
#include "../../objects/weak.h"
#include <inttypes.h>

enum { WEAK_WORK_BLOCK = 64, WEAK_WORK_BLOCKS = 16 }; /* operations between safepoints; blocks of a repetition */

struct weak_work_place {
    _Alignas(CACHE_LINE) struct obj *target; /* NULL once it is dead */
    struct obj *weak;                        /* NULL: op=make */
};
struct weak_work_thread {
    _Alignas(CACHE_LINE) struct weak_work_place own; /* sharing=private: made by the thread; but what is dead by main */
    uint64_t operations, right;
};

struct weak_work {
    bool shared, make, dead;
    struct weak_work_place all; /* sharing=shared */
    struct weak_work_thread *thread;
};

static void weak_work_drop(const struct weak_work_place *p)
{
    obj_xdecref(p->weak);
    obj_xdecref(p->target);
}

/* 0, or -1: nothing is left behind. */
static int weak_work_fill(const struct weak_work *s, struct weak_work_place *p)
{
    p->target = list_new(0);
    if (p->target && (s->make || (p->weak = weak_new(p->target))))
        return 0;
    weak_work_drop(p);
    *p = (struct weak_work_place){0};
    return -1;
}

static void weak_work_free(struct weak_work *s, int threads)
{
    for (int i = 0; i < threads; i++)
        weak_work_drop(&s->thread[i].own);
    weak_work_drop(&s->all);
    os_free(s->thread);
    os_free(s);
}
static void weak_work_teardown(struct work *w) { weak_work_free(w->state, w->threads); }

static void weak_work_kill(struct weak_work_place *p)
{
    obj_xdecref(p->target);
    p->target = NULL;
}

/* 0, or -1. Main has no other thread beside it, so that what dies here is gone after the drain. */
static int weak_work_prepare(struct weak_work *s, int threads)
{
    if (s->shared && weak_work_fill(s, &s->all) != 0)
        return -1;
    for (int i = 0; s->dead && !s->shared && i < threads; i++)
        if (weak_work_fill(s, &s->thread[i].own) != 0)
            return -1;
    for (int i = 0; s->dead && i < threads; i++)
        weak_work_kill(&s->thread[i].own);
    if (s->dead)
        weak_work_kill(&s->all);
    rc_drain();
    return 0;
}

static int weak_work_setup(struct work *w)
{
    struct weak_work *s = work_state(sizeof *s);
    struct weak_work_thread *thread = work_per_thread(w, sizeof *thread);
    if (!s || !thread)
        return work_no_memory(s, thread);
    *s = (struct weak_work){.shared = work_is(w, "sharing", "shared"), .make = work_is(w, "op", "make"), .dead = work_is(w, "op", "dead"),
                            .thread = thread};
    w->state = s;
    if (weak_work_prepare(s, w->threads) == 0)
        return 0;
    weak_work_free(s, w->threads);
    return -1;
}

/* --- a block of operations, a kind each: how many went right, or -1 --- */

static int weak_work_make(const struct weak_work_place *p)
{
    int right = 0;
    for (int i = 0; i < WEAK_WORK_BLOCK; i++) {
        struct obj *weak = weak_new(p->target);
        if (unlikely(!weak))
            return -1;
        right += !weak_is_cleared((struct weak *)weak);
        obj_decref(weak);
    }
    return right;
}
static int weak_work_upgrade(const struct weak_work_place *p)
{
    int right = 0;
    struct obj *target;
    for (int i = 0; i < WEAK_WORK_BLOCK; i++) {
        right += weak_get(p->weak, &target) == 1 && target == p->target;
        obj_xdecref(target);
    }
    return right;
}
static int weak_work_ask(const struct weak_work_place *p)
{
    int right = 0;
    struct obj *target;
    for (int i = 0; i < WEAK_WORK_BLOCK; i++) {
        right += weak_get(p->weak, &target) == 0;
        obj_xdecref(target);
    }
    return right;
}

static int64_t weak_work_run(struct work *w, int thread, uint64_t reps)
{
    struct weak_work *s = w->state;
    struct weak_work_thread *t = &s->thread[thread];
    struct weak_work_place *p = s->shared ? &s->all : &t->own;
    int (*block)(const struct weak_work_place *) = s->make ? weak_work_make : s->dead ? weak_work_ask : weak_work_upgrade;
    if (!p->target && !s->dead && weak_work_fill(s, p) != 0)
        return -1;
    for (uint64_t n = reps * WEAK_WORK_BLOCKS; n > 0; n--) {
        int right = block(p);
        if (unlikely(right < 0))
            return -1;
        t->right += (uint64_t)right;
        t->operations += WEAK_WORK_BLOCK;
        rt_safepoint();
    }
    return (int64_t)(reps * WEAK_WORK_BLOCKS * WEAK_WORK_BLOCK);
}

/* --- the answer --- */

static bool weak_work_is_left_alone(struct work *w, const struct weak_work_place *p)
{
    int64_t count = p->target ? rc_count_stw(&p->target->rc) : 1;
    return count == 1 || work_wrong(w, "a target has %" PRId64 " references, its holder's is the only one", count);
}

static bool weak_work_check(struct work *w)
{
    struct weak_work *s = w->state;
    rc_drain();
    for (int i = 0; i < w->threads; i++) {
        const struct weak_work_thread *t = &s->thread[i];
        if (t->right != t->operations)
            return work_wrong(w, "thread %d: %" PRIu64 " of %" PRIu64 " weak references gave the wrong answer", i,
                              t->operations - t->right, t->operations);
        if (!weak_work_is_left_alone(w, &t->own))
            return false;
    }
    return weak_work_is_left_alone(w, &s->all);
}

static const struct param weak_work_params[] = {
    {"op", PARAM_CHOICE, "make|upgrade|dead", 0, 0, "upgrade",
     "make: a weak reference, dropped again; upgrade: a strong one from it; dead: the same when its object is gone"},
    {"sharing", PARAM_CHOICE, "private|shared", 0, 0, "private", "an object for each thread, or one for all"},
    {0},
};

static const struct workload workload_weak = {
    .info = {.name = "weak", .unit = "ops", .summary = "make, upgrade or ask a weak reference", .params = weak_work_params},
    .setup = weak_work_setup,
    .run = weak_work_run,
    .check = weak_work_check,
    .teardown = weak_work_teardown,
};
