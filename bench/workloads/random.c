/*
 * random.c -- one source of random numbers for all threads (FT_UTILS.md, experiment 18): how it is guarded, and what that costs.
 *
 * The generator is splitmix64 as a counter and a mixing function: a draw takes the next count, and its number is the count mixed. So two draws
 * give the same number exactly when they took the same count, which can be told at the end. Every draw makes an int object of its number.
 *
 *     direct    load the count, store one more: nothing guards it, and what another thread drew in between is drawn again
 *     mutex     the same two steps under a mutex
 *     interval  under an IntervalLock that the thread keeps, and offers with a poll after every draw (interval_lock.h)
 *     rwlock    under an RWLock, as a writer: every draw changes the count
 *     batch     from a BatchExecutor, which draws `batch` numbers at a time
 *
 * The answer: the numbers drawn add up (mod 2^64) to the numbers of the counts 0 … n-1, and there are n of them. Direct may miss that, with
 * several threads and no GIL; then more were drawn than counted. Fact `repeated`: that many.
 */
#include "../workload.h"
#include "../../objects/batch_executor.h"
#include "../../objects/interval_lock.h"
#include "../../objects/rwlock.h"
#include <inttypes.h>

enum { RANDOM_REP = 1024, RANDOM_BATCH = 64, RANDOM_US = 1000 }; /* draws of a repetition; between safepoints */

enum random_way { RANDOM_DIRECT, RANDOM_MUTEX, RANDOM_INTERVAL, RANDOM_RWLOCK, RANDOM_EXECUTOR };

/* An object, so that it can be what a BatchExecutor's source works on. */
struct random_generator {
    struct obj base;
    char before[CACHE_LINE]; /* objects lie at any 16 bytes: room, not alignment, keeps the count's line apart */
    _Atomic uint64_t count;
    bool closed; /* after the run: nothing more is drawn */
    char after[CACHE_LINE];
};

struct random_thread {
    _Alignas(CACHE_LINE) uint64_t sum;
    int64_t draws;
};

struct random {
    enum random_way way;
    struct obj *generator, *interval, *rwlock, *executor;
    struct random_thread *thread;
    struct os_mutex mutex;
};

/* --- the generator --- */

static void random_generator_dealloc(struct obj *o) { obj_free(o, sizeof(struct random_generator)); }
static const struct type random_generator_type = {
    .name = "random generator", .dealloc = random_generator_dealloc, .size = {.least = sizeof(struct random_generator)}};

static uint64_t random_mixed(uint64_t count)
{
    uint64_t state = count * 0x9e3779b97f4a7c15u;
    return work_random(&state);
}

/* The next number: guarded, or not. */
INLINE uint64_t random_next(struct obj *generator)
{
    struct random_generator *g = (struct random_generator *)generator;
    /* relaxed, both: the guard orders them; without one a count taken by two is what is to be seen */
    uint64_t count = atomic_load_explicit(&g->count, memory_order_relaxed);
    atomic_store_explicit(&g->count, count + 1, memory_order_relaxed);
    return random_mixed(count);
}

/* A batch_source. */
static struct obj *random_source(struct obj *generator)
{
    if (((struct random_generator *)generator)->closed) {
        err_set(ERR_VALUE, "the generator is closed", 0, 0);
        return NULL;
    }
    return int_new((int64_t)random_next(generator));
}

/* --- a draw, each way: 0 and the number, or -1 --- */

static int random_by_mutex(struct random *s, uint64_t *number)
{
    if (!os_trylock(&s->mutex)) {
        thread_detach(); /* who waits holds no GIL */
        os_lock(&s->mutex);
        thread_attach();
    }
    *number = random_next(s->generator);
    os_unlock(&s->mutex);
    return 0;
}

static int random_by_rwlock(struct random *s, uint64_t *number)
{
    if (rwlock_write_lock(s->rwlock) != 0)
        return -1;
    *number = random_next(s->generator);
    return rwlock_write_unlock(s->rwlock);
}

static int random_by_interval(struct random *s, uint64_t *number)
{
    *number = random_next(s->generator);
    return interval_lock_poll(s->interval) < 0 ? -1 : 0;
}

/* New reference, or NULL. */
static struct obj *random_draw(struct random *s)
{
    uint64_t number = 0;
    int failed = 0;
    switch (s->way) {
    case RANDOM_DIRECT:
        number = random_next(s->generator);
        break;
    case RANDOM_MUTEX:
        failed = random_by_mutex(s, &number);
        break;
    case RANDOM_INTERVAL:
        failed = random_by_interval(s, &number);
        break;
    case RANDOM_RWLOCK:
        failed = random_by_rwlock(s, &number);
        break;
    case RANDOM_EXECUTOR:
        return batch_executor_load(s->executor);
    }
    return failed ? NULL : int_new((int64_t)number);
}

static int random_draws(struct random *s, struct random_thread *t, uint64_t draws)
{
    for (uint64_t i = 0; i < draws; i++) {
        struct obj *o = random_draw(s);
        if (unlikely(!o))
            return -1;
        t->sum += int_low64(o);
        t->draws++;
        obj_decref(o);
        if (i % RANDOM_BATCH == 0)
            rt_safepoint();
    }
    return 0;
}

static int64_t random_run(struct work *w, int thread, uint64_t reps)
{
    struct random *s = w->state;
    if (s->way == RANDOM_INTERVAL && interval_lock_lock(s->interval) != 0)
        return -1;
    int failed = random_draws(s, &s->thread[thread], reps * RANDOM_REP);
    if (s->way == RANDOM_INTERVAL && interval_lock_unlock(s->interval) != 0)
        failed = -1;
    return failed ? -1 : (int64_t)(reps * RANDOM_REP);
}

/* --- set-up and the answer --- */

static void random_drop(struct random *s)
{
    obj_xdecref(s->executor);
    obj_xdecref(s->rwlock);
    obj_xdecref(s->interval);
    obj_xdecref(s->generator);
    os_mutex_drop(&s->mutex);
    os_free(s->thread);
    os_free(s);
}

static void random_teardown(struct work *w) { random_drop(w->state); }

static enum random_way random_way_of(const struct work *w)
{
    static const char *const name[] = {"direct", "mutex", "interval", "rwlock", "batch"}; /* in the order of the enum */
    int i = 0;
    while (!work_is(w, "guard", name[i]))
        i++;
    return (enum random_way)i;
}

/* All but the threads' state. 0, or -1. */
static int random_make(struct random *s, const struct work *w)
{
    struct random_generator *g = obj_alloc(&random_generator_type, sizeof *g);
    if (!g)
        return -1;
    atomic_init(&g->count, 0);
    g->closed = false;
    s->generator = &g->base;
    return (s->interval = interval_lock_new(work_int(w, "interval") * RANDOM_US)) && (s->rwlock = rwlock_new()) &&
                   (s->executor = batch_executor_new(random_source, s->generator, work_int(w, "batch")))
               ? 0
               : -1;
}

static int random_setup(struct work *w)
{
    struct random *s = work_state(sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    s->way = random_way_of(w);
    os_mutex_init(&s->mutex);
    s->thread = work_per_thread(w, sizeof *s->thread);
    w->state = s;
    if (s->thread && random_make(s, w) == 0)
        return 0;
    random_drop(s);
    return -1;
}

/* What was drawn ahead and handed to nobody. */
static void random_empty(struct random *s, struct random_thread *t)
{
    struct obj *o;
    ((struct random_generator *)s->generator)->closed = true;
    while ((o = batch_executor_load(s->executor)) != NULL) {
        t->sum += int_low64(o);
        t->draws++;
        obj_decref(o);
    }
    err_take(); /* it is closed */
}

static bool random_check(struct work *w)
{
    struct random *s = w->state;
    struct random_thread all = {0};
    uint64_t counted = atomic_load_explicit(&((struct random_generator *)s->generator)->count, memory_order_relaxed), sum = 0; /* relaxed: joined */
    random_empty(s, &all);
    for (int i = 0; i < w->threads; i++) {
        all.sum += s->thread[i].sum;
        all.draws += s->thread[i].draws;
    }
    for (uint64_t i = 0; i < counted; i++)
        sum += random_mixed(i);
    int64_t repeated = all.draws - (int64_t)counted;
    work_fact(w, "draws", all.draws);
    work_fact(w, "repeated", repeated);
    if (s->way == RANDOM_DIRECT && w->threads > 1 && repeated > 0)
        return true; /* what it is there to show */
    return (repeated == 0 && sum == all.sum) ||
           work_wrong(w, "%" PRId64 " numbers of %" PRIu64 " were drawn, with sum %016" PRIx64 " instead of %016" PRIx64, all.draws, counted, all.sum, sum);
}

static const struct param random_params[] = {
    {"guard", PARAM_CHOICE, "direct|mutex|interval|rwlock|batch", 0, 0, "mutex", "what keeps two threads from drawing the same number"},
    {"interval", PARAM_INT, NULL, 0, 1000000, "5000", "us that a thread keeps the lock, with guard=interval"},
    {"batch", PARAM_INT, NULL, 1, 1000000, "64", "numbers drawn at a time, with guard=batch"},
    {0},
};

static const struct joint random_joint[] = {{"guard", "interval", "a thread keeps the lock through many repetitions"}, {0}};

static const struct workload workload_random = {
    .info = {.name = "random", .unit = "draws", .summary = "all threads draw from one source of random numbers", .params = random_params,
             .joint = random_joint},
    .setup = random_setup,
    .run = random_run,
    .check = random_check,
    .teardown = random_teardown,
};
