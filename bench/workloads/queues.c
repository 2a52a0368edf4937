/*
 * queues.c -- ConcurrentQueue against what it replaces: producers and consumers over one FIFO queue.
 *
 *     concurrent  ConcurrentQueue: pushes without a lock; who finds nothing sleeps until a push
 *     bounded     the bounded queue: one lock, sleeps at both ends, counts tasks
 *     plain       a list, a mutex and two conditions: what one writes without a queue
 *     wfcq        liburcu's wait-free queue, the getting end under a mutex
 *     lfq         liburcu's lock-free queue
 *     ck_fifo     Concurrency Kit's lock-free queue
 *     ck_ring     its bounded ring of pointers
 *
 * The first half of the threads produces, the others consume; a thread that is alone does both in turn. A message is an int object,
 * serial * 256 + producer: made by one thread, dropped by another. In bounded, plain and ck_ring no more than `depth` messages wait (ck_ring:
 * up to the next power of two); for the others producers look at the counts of all threads every QUEUES_WINDOW messages and hold back.
 * What cannot wait is asked again: in between the thread yields its processor, detached. Fact: `waits`, how often somebody did so; it does not
 * count the sleeps inside concurrent, bounded and plain. So where threads often find the queue empty, those three show what a sleep and a wake
 * cost, the others what polling does (see CPU/WALL): a fair comparison of their operations alone is -t 1.
 *
 * Every message comes through once (counts and sums agree), and those of one producer reach each consumer in their order. A thread that
 * meets an error says so to all (`failed`), and nobody waits any more.
 */
#include "../../objects/bounded_queue.h"
#include "../../objects/concurrent_queue.h"
#include "../workload.h"
#include "contenders/queues.h"
#include <inttypes.h>

enum {
    QUEUES_REP = 256,            /* messages of a producer in a repetition */
    QUEUES_WINDOW = 16,
    QUEUES_PRODUCERS = 256,      /* a message says which */
    QUEUES_PATIENCE = 10000000,  /* ns, after which a sleeper looks whether all is well */
};
_Static_assert((int)RUNTIME_MAX_THREADS <= (int)QUEUES_PRODUCERS, "a producer's number fits");

struct queues_thread {
    _Alignas(CACHE_LINE) _Atomic uint64_t sent, received; /* its own to write; all read them */
    uint64_t sent_sum, received_sum, wrong, waits;
    uint64_t *last; /* of each producer, the serial received last */
    struct limbo limbo;
};

struct queues_plain {
    struct os_mutex mutex;
    struct os_cond filled, room;
    struct obj *list;
};

struct queues {
    const struct queues_ops *ops;
    int threads, producers;
    int64_t depth;
    struct queues_thread *thread;
    uint64_t *last;      /* of all */
    struct obj *object;
    struct queues_plain plain;
    struct wfcq wfcq;
    _Alignas(CACHE_LINE) struct lfq lfq;
#ifdef HAVE_CK
    _Alignas(CACHE_LINE) struct ckfifo fifo;
    _Alignas(CACHE_LINE) struct ckring ring;
#endif
    _Alignas(CACHE_LINE) _Atomic bool failed; /* relaxed wherever it is used: nothing hangs on it but going home */
};

struct queues_ops {
    const char *name;
    bool unbounded;
    int (*make)(struct queues *s);  /* 0, or -1 */
    void (*drop)(struct queues *s); /* it is empty */
    /* 1: the item is in it (and has a reference to it); 0: no room now; -1. May wait QUEUES_PATIENCE. */
    int (*put)(struct queues *s, struct obj *item);
    /* 1, and a new reference; 0: there is nothing now; -1. May wait QUEUES_PATIENCE. */
    int (*get)(struct queues *s, struct limbo *l, struct obj **item);
};

/* --- the objects --- */

/* After an operation that failed: 0 if that only means "not now", else -1. */
static int queues_later(enum err code)
{
    if (err_code() != code)
        return -1;
    err_take();
    return 0;
}

static void queues_object_drop(struct queues *s) { obj_decref(s->object); }

static int queues_concurrent_make(struct queues *s)
{
    int64_t scaling = s->producers < CONCURRENT_QUEUE_SCALING_MAX ? s->producers : CONCURRENT_QUEUE_SCALING_MAX;
    return (s->object = concurrent_queue_new(scaling)) ? 0 : -1;
}
static int queues_concurrent_put(struct queues *s, struct obj *item) { return concurrent_queue_push(s->object, item) == 0 ? 1 : -1; }
static int queues_concurrent_get(struct queues *s, struct limbo *l, struct obj **item)
{
    (void)l;
    *item = concurrent_queue_pop(s->object, s->threads > 1 ? QUEUES_PATIENCE : 0);
    return *item ? 1 : queues_later(ERR_EMPTY);
}

static int queues_bounded_make(struct queues *s) { return (s->object = bounded_queue_new(s->depth)) ? 0 : -1; }
static int queues_bounded_put(struct queues *s, struct obj *item)
{
    return bounded_queue_put(s->object, item, s->threads > 1 ? QUEUES_PATIENCE : 0) == 0 ? 1 : queues_later(ERR_FULL);
}
static int queues_bounded_get(struct queues *s, struct limbo *l, struct obj **item)
{
    (void)l;
    *item = bounded_queue_get(s->object, s->threads > 1 ? QUEUES_PATIENCE : 0);
    return *item ? 1 : queues_later(ERR_EMPTY);
}

/* --- the plain queue --- */

static int queues_plain_make(struct queues *s)
{
    struct queues_plain *q = &s->plain;
    if (!(q->list = list_new((size_t)s->depth)))
        return -1;
    os_mutex_init(&q->mutex);
    q->filled = q->room = (struct os_cond)OS_COND_INIT;
    return 0;
}
static void queues_plain_drop(struct queues *s)
{
    os_mutex_drop(&s->plain.mutex);
    obj_decref(s->plain.list);
}
/* Under the mutex, as long as the list has `length` items; detached. False: it has them still. */
static bool queues_plain_wait(struct queues *s, struct os_cond *c, int64_t length)
{
    int64_t deadline = os_now() + QUEUES_PATIENCE;
    for (int64_t left; s->threads > 1 && list_length(s->plain.list) == length && (left = deadline - os_now()) > 0;) {
        thread_detach();
        os_wait(c, &s->plain.mutex, left);
        thread_attach();
    }
    return list_length(s->plain.list) != length;
}
static int queues_plain_put(struct queues *s, struct obj *item)
{
    struct queues_plain *q = &s->plain;
    native_lock(&q->mutex);
    bool room = list_length(q->list) < s->depth || queues_plain_wait(s, &q->room, s->depth);
    int failed = room ? list_append(q->list, item) : 0;
    os_unlock(&q->mutex);
    os_signal(&q->filled);
    return failed ? -1 : room;
}
static int queues_plain_get(struct queues *s, struct limbo *l, struct obj **item)
{
    (void)l;
    struct queues_plain *q = &s->plain;
    native_lock(&q->mutex);
    bool there = list_length(q->list) > 0 || queues_plain_wait(s, &q->filled, 0);
    *item = there ? list_pop(q->list, 0) : NULL;
    os_unlock(&q->mutex);
    os_signal(&q->room);
    return there && !*item ? -1 : there;
}

/* --- those of others --- */

/* Theirs take the reference. */
static int queues_put_taken(int result, struct obj *item)
{
    if (result != 1)
        obj_decref(item);
    return result;
}

static int queues_wfcq_make(struct queues *s)
{
    wfcq_init(&s->wfcq);
    return 0;
}
static void queues_wfcq_drop(struct queues *s) { wfcq_drop(&s->wfcq); }
static int queues_wfcq_put(struct queues *s, struct obj *item) { return queues_put_taken(wfcq_put(&s->wfcq, obj_incref(item)), item); }
static int queues_wfcq_get(struct queues *s, struct limbo *l, struct obj **item)
{
    (void)l;
    return (*item = wfcq_get(&s->wfcq)) != NULL;
}

static int queues_lfq_make(struct queues *s)
{
    lfq_init(&s->lfq);
    return 0;
}
static void queues_lfq_drop(struct queues *s) { lfq_drop(&s->lfq); }
static int queues_lfq_put(struct queues *s, struct obj *item) { return queues_put_taken(lfq_put(&s->lfq, obj_incref(item)), item); }
static int queues_lfq_get(struct queues *s, struct limbo *l, struct obj **item) { return (*item = lfq_get(&s->lfq, l)) != NULL; }

#ifdef HAVE_CK
static int queues_fifo_make(struct queues *s) { return ckfifo_init(&s->fifo); }
static void queues_fifo_drop(struct queues *s) { ckfifo_drop(&s->fifo); }
static int queues_fifo_put(struct queues *s, struct obj *item) { return queues_put_taken(ckfifo_put(&s->fifo, obj_incref(item)), item); }
static int queues_fifo_get(struct queues *s, struct limbo *l, struct obj **item) { return (*item = ckfifo_get(&s->fifo, l)) != NULL; }

static int queues_ring_make(struct queues *s) { return ckring_init(&s->ring, s->depth); }
static void queues_ring_drop(struct queues *s) { ckring_drop(&s->ring); }
static int queues_ring_put(struct queues *s, struct obj *item) { return queues_put_taken(ckring_put(&s->ring, obj_incref(item)), item); }
static int queues_ring_get(struct queues *s, struct limbo *l, struct obj **item)
{
    (void)l;
    return (*item = ckring_get(&s->ring)) != NULL;
}
#endif

static const struct queues_ops queues_contender[] = {
    {"concurrent", true, queues_concurrent_make, queues_object_drop, queues_concurrent_put, queues_concurrent_get},
    {"bounded", false, queues_bounded_make, queues_object_drop, queues_bounded_put, queues_bounded_get},
    {"plain", false, queues_plain_make, queues_plain_drop, queues_plain_put, queues_plain_get},
    {"wfcq", true, queues_wfcq_make, queues_wfcq_drop, queues_wfcq_put, queues_wfcq_get},
    {"lfq", true, queues_lfq_make, queues_lfq_drop, queues_lfq_put, queues_lfq_get},
#ifdef HAVE_CK
    {"ck_fifo", true, queues_fifo_make, queues_fifo_drop, queues_fifo_put, queues_fifo_get},
    {"ck_ring", false, queues_ring_make, queues_ring_drop, queues_ring_put, queues_ring_get},
#endif
};

/* --- set-up --- */

static void queues_free(struct work *w, struct queues *s)
{
    for (int i = 0; s->thread && i < w->threads; i++)
        limbo_stop(&s->thread[i].limbo);
    os_free(s->last);
    os_free(s->thread);
    os_free(s);
}

static int queues_make(struct work *w, struct queues *s)
{
    s->thread = work_per_thread(w, sizeof *s->thread);
    s->last = s->thread ? os_alloc_zeroed((size_t)w->threads * (size_t)s->producers, sizeof *s->last) : NULL;
    if (!s->last) {
        err_memory();
        return -1;
    }
    for (int i = 0; i < w->threads; i++) {
        s->thread[i].last = s->last + (size_t)i * (size_t)s->producers;
        if (limbo_start(&s->thread[i].limbo) != 0)
            return -1;
    }
    return s->ops->make(s);
}

static int queues_setup(struct work *w)
{
    struct queues *s = os_alloc_aligned(CACHE_LINE, sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < sizeof queues_contender / sizeof *queues_contender; i++)
        if (work_is(w, "of", queues_contender[i].name))
            s->ops = &queues_contender[i];
    s->threads = w->threads;
    s->producers = w->threads > 1 ? w->threads / 2 : 1;
    s->depth = work_int(w, "depth");
    if (queues_make(w, s) != 0) {
        queues_free(w, s);
        return -1;
    }
    w->state = s;
    return 0;
}

static void queues_teardown(struct work *w)
{
    struct queues *s = w->state;
    struct obj *item;
    s->threads = 1; /* nothing comes any more */
    while (s->ops->get(s, &s->thread[0].limbo, &item) == 1)
        obj_decref(item);
    s->ops->drop(s);
    queues_free(w, s);
}

/* --- waiting --- */

/* relaxed: see `failed` */
INLINE bool queues_failed(struct queues *s) { return unlikely(atomic_load_explicit(&s->failed, memory_order_relaxed)); }

/* -1. */
SLOW int queues_fail(struct queues *s)
{
    atomic_store_explicit(&s->failed, true, memory_order_relaxed); /* relaxed: see there */
    return -1;
}

/* 0: try again; -1: there is no point. */
static int queues_pause(struct queues *s, struct queues_thread *t)
{
    t->waits++;
    thread_detach();
    os_yield();
    thread_attach();
    return queues_failed(s) ? -1 : 0;
}

/* Another one; relaxed: a figure, written by its thread alone. */
INLINE void queues_count(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* Messages on their way, or a few more or less. */
static int64_t queues_length(struct queues *s)
{
    int64_t length = 0;
    for (int i = 0; i < s->threads; i++) {
        struct queues_thread *t = &s->thread[i];
        /* relaxed, both: a look that is out of date at once */
        length += (int64_t)atomic_load_explicit(&t->sent, memory_order_relaxed);
        length -= (int64_t)atomic_load_explicit(&t->received, memory_order_relaxed);
    }
    return length;
}

/* --- messages --- */

/* 1; 0: no room; -1. */
static int queues_try_send(struct queues *s, int producer)
{
    struct queues_thread *t = &s->thread[producer];
    uint64_t serial = atomic_load_explicit(&t->sent, memory_order_relaxed) + 1; /* relaxed: its own */
    struct obj *message = int_new((int64_t)(serial * QUEUES_PRODUCERS + (uint64_t)producer));
    int result = message ? s->ops->put(s, message) : -1;
    obj_xdecref(message);
    if (result == 1) {
        queues_count(&t->sent);
        t->sent_sum += serial;
    }
    return result;
}

static void queues_look(struct queues *s, struct queues_thread *t, struct obj *message)
{
    int64_t number = -1;
    if (obj_is(message, &int_type))
        int_value(message, &number);
    uint64_t serial = (uint64_t)number / QUEUES_PRODUCERS, producer = (uint64_t)number % QUEUES_PRODUCERS;
    queues_count(&t->received);
    if (number < 0 || producer >= (uint64_t)s->producers || serial <= t->last[producer]) {
        t->wrong++;
        return;
    }
    t->last[producer] = serial;
    t->received_sum += serial;
}

/* 1; 0: there is none; -1. */
static int queues_try_receive(struct queues *s, int thread)
{
    struct queues_thread *t = &s->thread[thread];
    struct obj *message;
    int result = s->ops->get(s, &t->limbo, &message);
    if (result == 1) {
        queues_look(s, t, message);
        obj_decref(message);
    }
    return result;
}

/* --- the threads --- */

/* Does `step` until it has succeeded so often. 0, or -1. */
static int queues_repeat(struct queues *s, int thread, uint64_t messages, int (*step)(struct queues *, int))
{
    bool holds_back = step == queues_try_send && s->ops->unbounded;
    while (messages > 0) {
        bool full = holds_back && messages % QUEUES_WINDOW == 0 && queues_length(s) >= s->depth;
        int result = full ? 0 : step(s, thread);
        if (result < 0)
            return queues_fail(s);
        messages -= (uint64_t)result;
        if (result == 0 && queues_pause(s, &s->thread[thread]) != 0)
            return -1;
        rt_safepoint();
    }
    return 0;
}

/* Fills the queue and empties it, in turn. */
static int queues_alone(struct queues *s, uint64_t messages)
{
    int failed = 0;
    for (uint64_t batch; !failed && messages > 0; messages -= batch) {
        batch = messages < (uint64_t)s->depth ? messages : (uint64_t)s->depth;
        failed = queues_repeat(s, 0, batch, queues_try_send) || queues_repeat(s, 0, batch, queues_try_receive);
    }
    return failed ? -1 : 0;
}

static int64_t queues_run(struct work *w, int thread, uint64_t reps)
{
    struct queues *s = w->state;
    uint64_t each = reps * QUEUES_REP, all = each * (uint64_t)s->producers, consumers = (uint64_t)(s->threads - s->producers);
    if (s->threads == 1)
        return queues_alone(s, all) ? -1 : (int64_t)all;
    if (thread < s->producers) /* what it sends is counted where it arrives */
        return queues_repeat(s, thread, each, queues_try_send) ? -1 : 0;
    uint64_t number = (uint64_t)(thread - s->producers), mine = all / consumers + (number < all % consumers);
    return queues_repeat(s, thread, mine, queues_try_receive) ? -1 : (int64_t)mine;
}

static bool queues_check(struct work *w)
{
    struct queues *s = w->state;
    uint64_t sent = 0, received = 0, sum = 0, wrong = 0, waits = 0;
    for (int i = 0; i < w->threads; i++) {
        struct queues_thread *t = &s->thread[i];
        sent += atomic_load_explicit(&t->sent, memory_order_relaxed);         /* relaxed: they have ended */
        received += atomic_load_explicit(&t->received, memory_order_relaxed); /* relaxed: as above */
        sum += t->sent_sum - t->received_sum;
        wrong += t->wrong;
        waits += t->waits;
    }
    work_fact(w, "waits", (int64_t)waits);
    if (wrong)
        return work_wrong(w, "%" PRIu64 " of %" PRIu64 " messages were none or came out of turn", wrong, received);
    if (sent != received || sum != 0 || sent == 0)
        return work_wrong(w, "%" PRIu64 " messages sent, %" PRIu64 " received (their sums differ by %" PRIu64 ")", sent, received, sum);
    struct obj *left = NULL;
    s->threads = 1; /* a get does not wait */
    bool empty = s->ops->get(s, &s->thread[0].limbo, &left) == 0;
    obj_xdecref(left);
    return empty || work_wrong(w, "a message is left");
}

static const struct param queues_params[] = {
    {"of", PARAM_CHOICE, "concurrent|bounded|plain|wfcq|lfq|" CONTENDERS_CK("ck_fifo|ck_ring"), 0, 0, "concurrent",
     "the queue: ConcurrentQueue, bounded, list and mutex, liburcu's two, ck's two"},
    {"depth", PARAM_INT, NULL, 1, 1 << 16, "256", "messages that may wait"},
    {0},
};

static const struct joint queues_joint[] = {{NULL, NULL, "threads wait for each other"}, {0}};

static const struct workload workload_queues = {
    .info = {.name = "queues", .unit = "messages", .summary = "ConcurrentQueue against a plain queue, liburcu's and ck's queues",
             .params = queues_params, .joint = queues_joint},
    .setup = queues_setup,
    .run = queues_run,
    .check = queues_check,
    .teardown = queues_teardown,
};
