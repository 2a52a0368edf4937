/*
 * fastfib.c -- ft_utils' fibonacci: many F(z) by doubling, over one memo that all threads share, with ints of any size.
 *
 * A repetition is a whole run with a fresh memo: threads take the tasks z = nth_element + offset from a common counter and
 * call worker(z), which looks z up in the memo, else works out (F(z), F(z+1)) from worker(z/2) and stores it. A memo entry is
 * int -> tuple of two ints.
 *
 * Law, whatever the interleaving: each task ends in one hit or one base case, so hits + bases == tasks; an entry is stored only
 * after a miss, so misses >= entries. Both hold in each repetition, and the sum of F(z) mod 2^64 is what plain uint64_t
 * arithmetic gives. offsets=splitmix with one thread has a fixed answer (the table in FT_UTILS.md).
 * With shares > 1 the tasks are dealt out in turn to so many processes, and this is one of them.
 *
 * mode=fast_threads: the same over ft_utils' types. The tasks lie in a ConcurrentQueue, an AtomicInt64 counts them down, so that no
 * thread waits for a task that another one has taken, the memo is a ConcurrentDict; each thread reaches the three through LocalWrappers.
 * fast_memo and fast_tasks are half of it each, to tell what comes from what: the memo alone, the tasks alone.
 */
#include "../workload.h"
#include "../../objects/atomic_int.h"
#include "../../objects/concurrent_dict.h"
#include "../../objects/concurrent_queue.h"
#include "../../objects/local_wrapper.h"
#include <inttypes.h>

/* What one thread counted in one repetition; and sums of that. */
struct fastfib_tally {
    _Alignas(CACHE_LINE) int64_t hits;
    int64_t misses, bases;
    uint64_t checksum; /* sum of F(z), modulo 2^64 */
};

/* What a mode does with its memo: dict.h, concurrent_dict.h. */
struct fastfib_memo {
    int (*get)(struct obj *memo, struct obj *key, struct obj **value);
    int (*set)(struct obj *memo, struct obj *key, struct obj *value);
    int64_t (*length)(struct obj *memo);
};
static const struct fastfib_memo fastfib_shared = {dict_get, dict_set, dict_length};
static const struct fastfib_memo fastfib_fast = {concurrent_dict_get, concurrent_dict_set, concurrent_dict_length};

struct fastfib {
    int64_t *task; /* the z of this share */
    int64_t tasks;
    uint64_t expected; /* checksum */
    const struct fastfib_memo *memo_as;
    struct obj *memo;  /* written by thread 0 between barriers; NULL: it could not be made */
    bool queued;              /* the tasks go through: */
    struct obj *queue, *left; /* as memo */
    struct fastfib_tally *tally, last;
    int64_t entries;   /* of the last memo */
    int64_t repetitions, wrong;
    _Alignas(CACHE_LINE) _Atomic int64_t next; /* the first task that nobody has taken */
};

/* --- the tasks and their independent answer --- */

/* F(n) mod 2^64, from the most significant bit of n down. */
static uint64_t fastfib_plain(int64_t n)
{
    uint64_t a = 0, b = 1; /* F(k), F(k+1), where k is the part of n that has been read */
    for (int bit = 62; bit >= 0; bit--) {
        uint64_t c = a * (2 * b - a), d = a * a + b * b;
        bool odd = n >> bit & 1;
        a = odd ? d : c;
        b = odd ? c + d : d;
    }
    return a;
}

static void fastfib_deal(struct work *w, struct fastfib *s, int64_t run_size)
{
    int64_t n = work_int(w, "nth_element"), share = work_int(w, "share"), shares = work_int(w, "shares");
    uint64_t state = work_is(w, "offsets", "random") ? w->request->seed : 0;
    for (int64_t i = 0; i < run_size; i++) {
        int64_t z = n + (int64_t)(work_random(&state) % (uint64_t)(2 * run_size + 1));
        if (i % shares != share)
            continue;
        s->task[s->tasks++] = z;
        s->expected += fastfib_plain(z);
    }
}

static int fastfib_setup(struct work *w)
{
    int64_t run_size = work_int(w, "run_size");
    if (work_int(w, "share") >= work_int(w, "shares")) {
        err_set(ERR_VALUE, "share %" PRId64 " of %" PRId64 ": they count from 0", work_int(w, "share"), work_int(w, "shares"));
        return -1;
    }
    struct fastfib *s = os_alloc_aligned(CACHE_LINE, sizeof *s);
    int64_t *task = os_alloc((size_t)run_size * sizeof *task);
    struct fastfib_tally *tally = os_alloc_aligned(CACHE_LINE, (size_t)w->threads * sizeof *tally);
    if (!s || !task || !tally) {
        os_free(tally);
        os_free(task);
        os_free(s);
        err_memory();
        return -1;
    }
    memset(s, 0, sizeof *s);
    s->task = task;
    s->tally = tally;
    bool both = work_is(w, "mode", "fast_threads");
    s->memo_as = both || work_is(w, "mode", "fast_memo") ? &fastfib_fast : &fastfib_shared;
    s->queued = both || work_is(w, "mode", "fast_tasks");
    fastfib_deal(w, s, run_size);
    w->state = s;
    return 0;
}

/* The objects of a repetition. */
static void fastfib_drop(struct fastfib *s)
{
    obj_xdecref(s->memo);
    obj_xdecref(s->queue);
    obj_xdecref(s->left);
    s->memo = s->queue = s->left = NULL;
}

static void fastfib_teardown(struct work *w)
{
    struct fastfib *s = w->state;
    fastfib_drop(s);
    os_free(s->tally);
    os_free(s->task);
    os_free(s);
}

/* --- worker(n) --- */

/* op(a, b), whose references are used up; either may be NULL (an error before): then NULL. */
static struct obj *fastfib_apply(struct obj *(*op)(struct obj *, struct obj *), struct obj *a, struct obj *b)
{
    struct obj *result = a && b ? op(a, b) : NULL;
    obj_xdecref(a);
    obj_xdecref(b);
    return result;
}

/* (F(n), F(n+1)) from `half` = (F(k), F(k+1)), k = n/2. New, or NULL. */
static struct obj *fastfib_double(struct obj *half, bool odd)
{
    struct obj *a = tuple_get_borrowed(half, 0), *b = tuple_get_borrowed(half, 1); /* good as long as the caller's half */
    struct obj *c = fastfib_apply(int_mul, obj_incref(a), fastfib_apply(int_sub, int_add(b, b), obj_incref(a)));
    struct obj *d = fastfib_apply(int_add, int_mul(a, a), int_mul(b, b));
    if (!odd || !d)
        return fastfib_apply(tuple_pair, c, d);
    c = fastfib_apply(int_add, c, obj_incref(d));
    return fastfib_apply(tuple_pair, d, c);
}

/* What a thread works with: its own wrapper of the memo, or the memo itself. */
struct fastfib_hand {
    const struct fastfib_memo *as;
    struct obj *memo;
    struct fastfib_tally *tally;
};

static struct obj *fastfib_worker(const struct fastfib_hand *h, int64_t n);

/* What is not in the memo. New, or NULL. */
static struct obj *fastfib_missing(const struct fastfib_hand *h, int64_t n)
{
    h->tally->misses++;
    if (n <= 2) {
        h->tally->bases++;
        return fastfib_apply(tuple_pair, int_new(n > 0), int_new(n > 1 ? 2 : 1));
    }
    struct obj *half = fastfib_worker(h, n / 2);
    if (!half)
        return NULL;
    struct obj *pair = fastfib_double(half, n & 1);
    obj_decref(half);
    return pair;
}

/* (F(n), F(n+1)): new, or NULL. */
static struct obj *fastfib_worker(const struct fastfib_hand *h, int64_t n)
{
    struct obj *key = int_new(n), *pair;
    if (!key)
        return NULL;
    rt_safepoint();
    int found = h->as->get(h->memo, key, &pair);
    h->tally->hits += found == 1;
    if (found == 0) {
        pair = fastfib_missing(h, n);
        if (pair && h->as->set(h->memo, key, pair) != 0) {
            obj_decref(pair);
            pair = NULL;
        }
    }
    obj_decref(key);
    return pair;
}

/* --- a repetition --- */

/* All tasks into the queue, and how many there are into the number. 0, or -1. */
static int fastfib_fill(struct fastfib *s)
{
    int failed = (s->left = atomic_int_new(s->tasks)) && (s->queue = concurrent_queue_new(1)) ? 0 : -1;
    for (int64_t i = 0; i < s->tasks && !failed; i++) {
        struct obj *number = int_new(s->task[i]);
        failed = number ? concurrent_queue_push(s->queue, number) : -1;
        obj_xdecref(number);
        rt_safepoint();
    }
    return failed;
}

/* By thread 0, while the others wait. 0, or -1. */
static int fastfib_begin(struct fastfib *s)
{
    atomic_store_explicit(&s->next, 0, memory_order_relaxed); /* relaxed: a barrier follows */
    if (!s->queued || fastfib_fill(s) == 0)
        s->memo = s->memo_as == &fastfib_fast ? concurrent_dict_new(0) : dict_new(0);
    return s->memo ? 0 : -1;
}

/* By thread 0, when all are done: keeps the figures of this repetition and drops the memo. */
static void fastfib_finish(struct work *w, struct fastfib *s)
{
    struct fastfib_tally sum = {0};
    if (!s->memo) {
        fastfib_drop(s);
        return;
    }
    for (int i = 0; i < w->threads; i++) {
        sum.hits += s->tally[i].hits;
        sum.misses += s->tally[i].misses;
        sum.bases += s->tally[i].bases;
        sum.checksum += s->tally[i].checksum;
    }
    s->last = sum;
    s->entries = s->memo_as->length(s->memo);
    s->repetitions++;
    s->wrong += sum.hits + sum.bases != s->tasks || sum.misses < s->entries || sum.checksum != s->expected;
    fastfib_drop(s);
}

/* 0, or -1. */
static int fastfib_task(const struct fastfib_hand *h, int64_t z)
{
    struct obj *pair = fastfib_worker(h, z);
    if (!pair)
        return -1;
    h->tally->checksum += int_low64(tuple_get_borrowed(pair, 0));
    obj_decref(pair);
    return 0;
}

/* Takes tasks until there are no more. How many it did, or -1. */
static int64_t fastfib_tasks(struct fastfib *s, struct fastfib_hand *h)
{
    int64_t done = 0, at;
    h->memo = s->memo;
    /* relaxed: a ticket; the tasks have not changed since setup */
    while (h->memo && (at = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed)) < s->tasks) {
        if (fastfib_task(h, s->task[at]) != 0)
            return -1;
        done++;
    }
    return done;
}

/* The same from the queue. `queue` and `left` are this thread's own wrappers. */
static int64_t fastfib_pops(const struct fastfib_hand *h, struct obj *queue, struct obj *left)
{
    int64_t done = 0, now, z;
    int failed = 0;
    while (!failed && !(failed = atomic_int_decr(left, &now)) && now >= 0) {
        struct obj *number = concurrent_queue_pop(queue, 0); /* there is one for whoever counted */
        failed = number && int_value(number, &z) == 0 ? fastfib_task(h, z) : -1;
        obj_xdecref(number);
        done += !failed;
    }
    return failed ? -1 : done;
}

static int64_t fastfib_wrapped(struct fastfib *s, struct fastfib_hand *h)
{
    if (!s->memo)
        return 0;
    struct obj *queue = local_wrapper_new(s->queue), *left = local_wrapper_new(s->left);
    h->memo = local_wrapper_new(s->memo);
    int64_t done = queue && left && h->memo ? fastfib_pops(h, queue, left) : -1;
    obj_xdecref(h->memo);
    obj_xdecref(left);
    obj_xdecref(queue);
    return done;
}

/* After an error a thread does no more tasks but comes to every barrier. */
static int64_t fastfib_run(struct work *w, int thread, uint64_t reps)
{
    struct fastfib *s = w->state;
    int64_t done = 0, failed = 0;
    for (uint64_t i = 0; i < reps; i++) {
        if (thread == 0)
            failed |= fastfib_begin(s);
        work_barrier(w);
        struct fastfib_hand hand = {.as = s->memo_as, .tally = &s->tally[thread]};
        s->tally[thread] = (struct fastfib_tally){0};
        int64_t now = failed ? -1 : s->queue ? fastfib_wrapped(s, &hand) : fastfib_tasks(s, &hand);
        failed |= now < 0 ? -1 : 0;
        done += now;
        work_barrier(w);
        if (thread == 0)
            fastfib_finish(w, s);
    }
    return failed ? -1 : done;
}

static bool fastfib_check(struct work *w)
{
    struct fastfib *s = w->state;
    const struct fastfib_tally *t = &s->last;
    work_fact(w, "tasks", s->tasks);
    work_fact(w, "hits", t->hits);
    work_fact(w, "misses", t->misses);
    work_fact(w, "bases", t->bases);
    work_fact(w, "memo", s->entries);
    work_fact(w, "checksum", (int64_t)t->checksum);
    if (t->hits + t->bases != s->tasks)
        return work_wrong(w, "%" PRId64 " hits and %" PRId64 " base cases, but %" PRId64 " tasks", t->hits, t->bases, s->tasks);
    if (t->misses < s->entries)
        return work_wrong(w, "%" PRId64 " misses, but %" PRId64 " entries in the memo", t->misses, s->entries);
    if (t->checksum != s->expected)
        return work_wrong(w, "checksum %016" PRIx64 " instead of %016" PRIx64, t->checksum, s->expected);
    if (s->wrong || s->repetitions == 0)
        return work_wrong(w, "%" PRId64 " of %" PRId64 " repetitions were wrong", s->wrong, s->repetitions);
    return true;
}

static const struct param fastfib_params[] = {
    {"nth_element", PARAM_INT, NULL, 0, 1000000, "1000", "the least z of F(z)"},
    {"run_size", PARAM_INT, NULL, 1, 1000000, "200", "tasks of a run; z goes up to nth_element + 2 run_size"},
    {"offsets", PARAM_CHOICE, "random|splitmix", 0, 0, "random", "from the seed, or the same always (a table to check against)"},
    {"mode", PARAM_CHOICE, "threads|fast_threads|fast_memo|fast_tasks", 0, 0, "threads",
     "over a dict, or over ConcurrentDict, ConcurrentQueue and AtomicInt64; over ConcurrentDict alone; over a queue alone"},
    {"share", PARAM_INT, NULL, 0, 65535, "0", "which share of the tasks is done here, counted from 0"},
    {"shares", PARAM_INT, NULL, 1, 65536, "1", "how many processes have a share"},
    {0},
};

static const struct joint fastfib_joint[] = {{NULL, NULL, "all threads share the tasks of a repetition"}, {0}};

static const struct workload workload_fastfib = {
    .info = {.name = "fastfib", .unit = "tasks", .summary = "F(z) of many z by doubling, memo in one shared dict, big ints",
             .params = fastfib_params, .joint = fastfib_joint},
    .setup = fastfib_setup,
    .run = fastfib_run,
    .check = fastfib_check,
    .teardown = fastfib_teardown,
};
