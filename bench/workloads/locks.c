/*
 * locks.c -- one lock, taken and released: what the policies of object locks cost (-L lock), and what a section adds.
 *
 * An operation takes the lock of a list, adds one to a plain number and releases it: of a list of the thread's own, or of one
 * for all threads. what=pthread takes a pthread mutex without any object instead, as a yardstick.
 * The answer: the numbers add up to the operations, which they do only if no two threads were inside at once.
 */
#include "../workload.h"
#include "../../objects/section.h"
#include <inttypes.h>

enum { LOCKS_BLOCK = 64, LOCKS_BLOCKS = 16 }; /* operations between safepoints; blocks of a repetition */

/* What is locked, and what that guards. */
struct locks_place {
    _Alignas(CACHE_LINE) struct obj *list; /* sharing=private: made by the thread, so that its lock is its own */
    struct os_mutex mutex;
    _Alignas(CACHE_LINE) int64_t inside;
};

struct locks {
    struct locks_place *place; /* one a thread; shared: the first is for all */
    bool shared;
    _Atomic int64_t operations;
};

static int locks_setup(struct work *w)
{
    struct locks *s = work_state(sizeof *s);
    struct locks_place *place = work_per_thread(w, sizeof *place);
    if (!s || !place)
        return work_no_memory(s, place);
    s->place = place;
    s->shared = work_is(w, "sharing", "shared");
    if (s->shared && !(place->list = list_new(0)))
        return work_no_memory(s, place);
    for (int i = 0; i < w->threads; i++)
        os_mutex_init(&place[i].mutex);
    w->state = s;
    return 0;
}

static void locks_teardown(struct work *w)
{
    struct locks *s = w->state;
    for (int i = 0; i < w->threads; i++) {
        obj_xdecref(s->place[i].list);
        os_mutex_drop(&s->place[i].mutex);
    }
    os_free(s->place);
    os_free(s);
}

/* --- a block of operations, one way each --- */

static void locks_plain(struct locks_place *p)
{
    struct lock *l = &((struct list *)p->list)->lock;
    for (int i = 0; i < LOCKS_BLOCK; i++) {
        lock_acquire(l);
        p->inside++;
        lock_release(l);
    }
}

static void locks_section(struct locks_place *p)
{
    for (int i = 0; i < LOCKS_BLOCK; i++) {
        struct section s;
        section_begin(&s, p->list);
        p->inside++;
        section_end(&s);
    }
}

/* Whoever sleeps for the mutex is detached for the whole block. */
static void locks_pthread(struct locks_place *p)
{
    thread_detach();
    for (int i = 0; i < LOCKS_BLOCK; i++) {
        os_lock(&p->mutex);
        p->inside++;
        os_unlock(&p->mutex);
    }
    thread_attach();
}

static int64_t locks_run(struct work *w, int thread, uint64_t reps)
{
    struct locks *s = w->state;
    struct locks_place *p = &s->place[s->shared ? 0 : thread];
    void (*block)(struct locks_place *) = work_is(w, "what", "section")   ? locks_section
                                          : work_is(w, "what", "pthread") ? locks_pthread
                                                                          : locks_plain;
    if (!p->list && !(p->list = list_new(0)))
        return -1;
    for (uint64_t n = reps * LOCKS_BLOCKS; n > 0; n--) {
        block(p);
        rt_safepoint();
    }
    int64_t operations = (int64_t)(reps * LOCKS_BLOCKS * LOCKS_BLOCK);
    atomic_fetch_add_explicit(&s->operations, operations, memory_order_relaxed); /* relaxed: read when all have ended */
    return operations;
}

static bool locks_check(struct work *w)
{
    struct locks *s = w->state;
    int64_t inside = 0, operations = atomic_load_explicit(&s->operations, memory_order_relaxed); /* relaxed: as above */
    for (int i = 0; i < w->threads; i++)
        inside += s->place[i].inside;
    return inside == operations ||
           work_wrong(w, "%" PRId64 " were inside, %" PRId64 " were counted", operations, inside);
}

static const struct param locks_params[] = {
    {"sharing", PARAM_CHOICE, "private|shared", 0, 0, "private", "a lock for each thread, or one for all"},
    {"what", PARAM_CHOICE, "lock|section|pthread", 0, 0, "lock",
     "lock: an object's, as its operations take it; section: a critical section; pthread: a mutex without an object"},
    {0},
};

static const struct workload workload_locks = {
    .info = {.name = "locks", .unit = "locks", .summary = "take and release one object lock", .params = locks_params},
    .setup = locks_setup,
    .run = locks_run,
    .check = locks_check,
    .teardown = locks_teardown,
};
