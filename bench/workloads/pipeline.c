/*
 * pipeline.c -- producers and consumers over one shared list, which is a queue of bounded length.
 *
 * The first half of the threads produces, the others consume; a thread that is alone does both in turn. A message is a list
 * [producer, serial], made by one thread and dropped by another. A producer waits while `depth` messages are in the queue
 * (backpressure), a consumer while there is none. Who waits is detached: it holds no GIL and holds up nobody who stops the world.
 *
 * Two counters say what may be done: `room`, how many more may be appended, and `ready`, how many may be popped. Each is taken
 * before the list is touched and given after it: room + ready + those in hand == depth. Sleepers wait for a counter to leave 0,
 * and are all woken then.
 * Order: gives release (L1), takes acquire (L1). The list's own lock orders what is in it; the pair makes the counters right alone.
 *
 * Every message comes through once (sums and numbers agree), and those of one producer reach each consumer in their order.
 */
#include "../workload.h"

enum { PIPELINE_REP = 256 }; /* messages of a producer in a repetition */

struct pipeline_gate {
    _Alignas(CACHE_LINE) _Atomic uint32_t left;
};

struct pipeline_thread {
    _Alignas(CACHE_LINE) int64_t *last; /* of each producer, the serial received last; a consumer's */
    uint64_t sent, received, sent_sum, received_sum, wrong, waits;
};

struct pipeline {
    struct pipeline_gate room, ready;
    int threads, producers;
    struct obj *queue;
    int64_t *last; /* of all */
    struct pipeline_thread *thread;
};

/* --- waiting --- */

/* One of what the gate has, if there is any. */
static bool pipeline_try(struct pipeline_gate *g)
{
    uint32_t left = atomic_load_explicit(&g->left, memory_order_relaxed); /* relaxed: the exchange below looks again */
    while (left > 0)
        /* (L1) acquire: what was done before it was given; relaxed on failure: as above */
        if (atomic_compare_exchange_weak_explicit(&g->left, &left, left - 1, memory_order_acquire, memory_order_relaxed))
            return true;
    return false;
}

/* Waits, detached. */
static void pipeline_take(struct pipeline_gate *g, struct pipeline_thread *t)
{
    while (!pipeline_try(g)) {
        t->waits++;
        thread_detach();
        os_park(&g->left, 0, -1);
        thread_attach();
    }
}

static void pipeline_give(struct pipeline_gate *g)
{
    /* (L1) release: the list operation before it */
    if (atomic_fetch_add_explicit(&g->left, 1, memory_order_release) == 0)
        os_unpark(&g->left, INT_MAX);
}

/* --- messages --- */

static struct obj *pipeline_message(int producer, uint64_t serial)
{
    struct obj *a = int_new(producer), *b = a ? int_new((int64_t)serial) : NULL;
    struct obj *message = b ? list_from((struct obj *[]){a, b}, 2) : NULL;
    obj_xdecref(a);
    obj_xdecref(b);
    return message;
}

/* Room has been taken. Without memory None goes instead, or nothing, and the consumer counts it. 0, or -1. */
static int pipeline_send(struct pipeline *s, struct pipeline_thread *t, int producer)
{
    uint64_t serial = ++t->sent;
    struct obj *message = pipeline_message(producer, serial);
    int failed = message ? 0 : -1;
    if (!message)
        message = obj_incref(none_get());
    failed |= list_append(s->queue, message);
    obj_decref(message);
    t->sent_sum += serial;
    pipeline_give(&s->ready);
    return failed;
}

static bool pipeline_look(struct pipeline *s, struct pipeline_thread *t, struct obj *message)
{
    int64_t number[2] = {-1, -1};
    for (int i = 0; i < 2 && obj_is(message, &list_type); i++) {
        struct obj *item = list_get(message, i);
        if (item)
            int_value(item, &number[i]);
        obj_xdecref(item);
    }
    if (number[0] < 0 || number[0] >= s->producers || number[1] <= t->last[number[0]])
        return false;
    t->last[number[0]] = number[1];
    t->received_sum += (uint64_t)number[1];
    return true;
}

/* A message is there. */
static int pipeline_receive(struct pipeline *s, struct pipeline_thread *t)
{
    struct obj *message = list_pop(s->queue, 0);
    t->received++;
    t->wrong += !message || !pipeline_look(s, t, message);
    int failed = message ? 0 : -1;
    obj_xdecref(message);
    pipeline_give(&s->room);
    return failed;
}

/* --- set-up --- */

static int pipeline_setup(struct work *w)
{
    int producers = w->threads > 1 ? w->threads / 2 : 1;
    struct pipeline *s = os_alloc_aligned(CACHE_LINE, sizeof *s);
    struct pipeline_thread *thread = work_per_thread(w, sizeof *thread);
    int64_t *last = os_alloc_zeroed((size_t)w->threads * (size_t)producers, sizeof *last);
    struct obj *queue = s && thread && last ? list_new((size_t)work_int(w, "depth")) : NULL;
    if (!queue) {
        os_free(last);
        os_free(thread);
        os_free(s);
        err_memory();
        return -1;
    }
    *s = (struct pipeline){.threads = w->threads, .producers = producers, .queue = queue, .last = last, .thread = thread};
    atomic_init(&s->room.left, (uint32_t)work_int(w, "depth"));
    for (int i = 0; i < w->threads; i++)
        thread[i].last = last + (size_t)i * (size_t)producers;
    w->state = s;
    return 0;
}

static void pipeline_teardown(struct work *w)
{
    struct pipeline *s = w->state;
    obj_decref(s->queue);
    os_free(s->last);
    os_free(s->thread);
    os_free(s);
}

/* --- the threads --- */

/* Goes on after an error: the others count on each message. 0, or -1. */
static int pipeline_produce(struct pipeline *s, int thread, uint64_t messages)
{
    struct pipeline_thread *t = &s->thread[thread];
    int failed = 0;
    for (; messages > 0; messages--) {
        pipeline_take(&s->room, t);
        failed |= pipeline_send(s, t, thread);
        rt_safepoint();
    }
    return failed;
}

static int pipeline_consume(struct pipeline *s, int thread, uint64_t messages)
{
    struct pipeline_thread *t = &s->thread[thread];
    int failed = 0;
    for (; messages > 0; messages--) {
        pipeline_take(&s->ready, t);
        failed |= pipeline_receive(s, t);
        rt_safepoint();
    }
    return failed;
}

/* Fills the queue and empties it, in turn. */
static int pipeline_alone(struct pipeline *s, uint64_t messages)
{
    struct pipeline_thread *t = &s->thread[0];
    uint64_t sent = 0;
    int failed = 0;
    for (uint64_t received = 0; received < messages; rt_safepoint()) {
        if (sent < messages && pipeline_try(&s->room)) {
            failed |= pipeline_send(s, t, 0);
            sent++;
            continue;
        }
        for (; received < sent && pipeline_try(&s->ready); received++)
            failed |= pipeline_receive(s, t);
    }
    return failed;
}

static int64_t pipeline_run(struct work *w, int thread, uint64_t reps)
{
    struct pipeline *s = w->state;
    uint64_t all = reps * PIPELINE_REP * (uint64_t)s->producers, consumers = (uint64_t)(s->threads - s->producers);
    if (s->threads == 1)
        return pipeline_alone(s, all) ? -1 : (int64_t)all;
    if (thread < s->producers) /* what it sends is counted where it arrives */
        return pipeline_produce(s, thread, reps * PIPELINE_REP) ? -1 : 0;
    uint64_t number = (uint64_t)(thread - s->producers), mine = all / consumers + (number < all % consumers);
    return pipeline_consume(s, thread, mine) ? -1 : (int64_t)mine;
}

static bool pipeline_check(struct work *w)
{
    struct pipeline *s = w->state;
    struct pipeline_thread all = {0};
    for (int i = 0; i < w->threads; i++) {
        const struct pipeline_thread *t = &s->thread[i];
        all.sent += t->sent;
        all.received += t->received;
        all.sent_sum += t->sent_sum;
        all.received_sum += t->received_sum;
        all.wrong += t->wrong;
        all.waits += t->waits;
    }
    work_fact(w, "waits", (int64_t)all.waits);
    if (all.wrong)
        return work_wrong(w, "%llu of %llu messages were none or came out of turn", (unsigned long long)all.wrong,
                          (unsigned long long)all.received);
    if (all.sent != all.received || all.sent_sum != all.received_sum || all.sent == 0)
        return work_wrong(w, "%llu messages sent, %llu received (sums %llu and %llu)", (unsigned long long)all.sent,
                          (unsigned long long)all.received, (unsigned long long)all.sent_sum, (unsigned long long)all.received_sum);
    return list_length(s->queue) == 0 || work_wrong(w, "%lld messages are left", (long long)list_length(s->queue));
}

static const struct param pipeline_params[] = {
    {"depth", PARAM_INT, NULL, 1, 1 << 16, "64", "messages that may wait in the queue"},
    {0},
};

static const struct joint pipeline_joint[] = {{NULL, NULL, "threads wait for each other"}, {0}};

static const struct workload workload_pipeline = {
    .info = {.name = "pipeline", .unit = "messages", .summary = "producers and consumers over a shared list with backpressure",
             .params = pipeline_params, .joint = pipeline_joint},
    .setup = pipeline_setup,
    .run = pipeline_run,
    .check = pipeline_check,
    .teardown = pipeline_teardown,
};
