/*
 * reads.c (a workload) -- one list or dict, shared by all threads, is read and hardly ever written: what reads=optimistic is for.
 *
 * Item i is a boxed int beyond the cached ones; items are made in order, so that neighbours lie side by side. A thread reads a `block` of
 * items `rounds` times over, then another one. So most of the time threads count on different lines, and the lines change hands
 * once a block: what is left is what reading itself costs. order=random takes any block: of 1024 items' 16 blocks of 64 two threads have
 * the same one in a sixteenth of the time, of 16384 items' 256 hardly ever. order=ring takes the one behind; each begins
 * at another one, but threads that have met once slow each other down alike, and stay together for long.
 * items=1 is the opposite of all that: all count at one object, and its line bounces whatever the container does. In between lies
 * block=1 rounds=1, any item each time: of two threads' lines half were written last by the other core, at any number of items.
 * Of 1000 turns `writes` replace the block's first item by an equal one. Every value read is checked to be its place's.
 */
#include "../workload.h"

enum {
    READS_TURN = 2048, /* reads from repetition to repetition, at least: blocks enough for that */
    READS_SAFEPOINT = 64, /* and from safepoint to safepoint, about */
    READS_BASE = 1000, /* beyond the cached ints */
};

struct reads_thread {
    _Alignas(CACHE_LINE) uint64_t random;
    int64_t at; /* its next block */
    uint64_t wrong, writes;
};

struct reads {
    int64_t items, block, blocks, rounds, permille;
    bool random;
    struct obj *list, *dict; /* one of them */
    struct obj **key;        /* of the dict: what threads ask with is what it holds */
    struct reads_thread *thread;
};

static struct obj *reads_item(int64_t i) { return int_new(READS_BASE + i); }

static void reads_drop(struct reads *s)
{
    for (int64_t i = 0; s->key && i < s->items; i++)
        obj_xdecref(s->key[i]);
    os_free(s->key);
    os_free(s->thread);
    obj_xdecref(s->list);
    obj_xdecref(s->dict);
    os_free(s);
}

static int reads_fill(struct reads *s)
{
    for (int64_t i = 0; i < s->items; i++) {
        struct obj *item = reads_item(i);
        int failed = item && (s->key[i] = int_new(READS_BASE + i)) ? 0 : -1;
        if (!failed)
            failed = s->list ? list_append(s->list, item) : dict_set(s->dict, s->key[i], item);
        obj_xdecref(item);
        if (failed)
            return -1;
        rt_safepoint();
    }
    return 0;
}

static int reads_setup(struct work *w)
{
    struct reads *s = work_state(sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    s->items = work_int(w, "items");
    s->block = work_int(w, "block") < s->items ? work_int(w, "block") : s->items;
    s->rounds = work_int(w, "rounds");
    s->blocks = s->items / s->block;
    s->permille = work_int(w, "writes");
    s->random = work_is(w, "order", "random");
    s->thread = work_per_thread(w, sizeof *s->thread);
    s->key = os_alloc_zeroed((size_t)s->items, sizeof *s->key);
    if (work_is(w, "container", "list"))
        s->list = list_new((size_t)s->items);
    else
        s->dict = dict_new((size_t)s->items);
    if (!s->thread || !s->key)
        err_memory();
    else if ((s->list || s->dict) && reads_fill(s) == 0) {
        for (int i = 0; i < w->threads; i++) {
            s->thread[i].random = work_stream(w, i);
            s->thread[i].at = s->blocks * i / w->threads;
        }
        w->state = s;
        return 0;
    }
    reads_drop(s);
    return -1;
}

static void reads_teardown(struct work *w) { reads_drop(w->state); }

/* --- reading --- */

HOT int reads_one(const struct reads *s, struct reads_thread *t, int64_t i)
{
    struct obj *item = NULL;
    if (s->list)
        item = list_get(s->list, i);
    else if (unlikely(dict_get(s->dict, s->key[i], &item) < 0))
        return -1;
    if (unlikely(!item))
        return -1;
    t->wrong += int_low64(item) - READS_BASE != (uint64_t)i;
    obj_decref(item);
    return 0;
}

static int reads_write(const struct reads *s, struct reads_thread *t, int64_t i)
{
    struct obj *item = reads_item(i);
    int failed = !item ? -1 : s->list ? list_set(s->list, i, item) : dict_set(s->dict, s->key[i], item);
    obj_xdecref(item);
    t->writes++;
    return failed;
}

/* One block; how many reads, or -1. */
static int64_t reads_block(const struct reads *s, struct reads_thread *t)
{
    int64_t first = t->at * s->block, left = READS_SAFEPOINT;
    t->at = s->random ? (int64_t)work_below(&t->random, (uint64_t)s->blocks) : t->at + 1 < s->blocks ? t->at + 1 : 0;
    if (s->permille && (int64_t)work_below(&t->random, 1000) < s->permille && reads_write(s, t, first) != 0)
        return -1;
    for (int64_t n = s->rounds; n > 0; n--) {
        for (int64_t i = 0; i < s->block; i++)
            if (unlikely(reads_one(s, t, first + i) != 0))
                return -1;
        left -= s->block;
        if (left <= 0) {
            rt_safepoint();
            left = READS_SAFEPOINT;
        }
    }
    return s->rounds * s->block;
}

static int64_t reads_turn(const struct reads *s, struct reads_thread *t)
{
    int64_t done = 0, more;
    while (done < READS_TURN) {
        if (unlikely((more = reads_block(s, t)) < 0))
            return -1;
        done += more;
    }
    rt_safepoint();
    return done;
}

static int64_t reads_run(struct work *w, int thread, uint64_t reps)
{
    struct reads *s = w->state;
    int64_t done = 0, more;
    for (uint64_t i = 0; i < reps; i++) {
        if ((more = reads_turn(s, &s->thread[thread])) < 0)
            return -1;
        done += more;
    }
    return done;
}

static bool reads_check(struct work *w)
{
    struct reads *s = w->state;
    struct reads_thread all = {0};
    for (int i = 0; i < w->threads; i++)
        all.wrong += s->thread[i].wrong;
    for (int64_t i = 0; i < s->items; i++)
        if (reads_one(s, &all, i) != 0)
            return work_wrong(w, "item %lld is not there any more", (long long)i);
    return all.wrong == 0 || work_wrong(w, "%llu values were not their place's", (unsigned long long)all.wrong);
}

static const struct param reads_params[] = {
    {"container", PARAM_CHOICE, "list|dict", 0, 0, "list", "what is read"},
    {"items", PARAM_INT, NULL, 1, 1 << 20, "1024", "distinct items (whole blocks are read); 1: all threads count at one object"},
    {"block", PARAM_INT, NULL, 1, 1 << 16, "64", "neighbouring items that a thread reads over and over, before it goes to others"},
    {"rounds", PARAM_INT, NULL, 1, 1 << 16, "32", "how often it reads them"},
    {"order", PARAM_CHOICE, "random|ring", 0, 0, "random", "the next block: any, or the one behind"},
    {"writes", PARAM_INT, NULL, 0, 1000, "0", "items replaced in 1000 blocks"},
    {0},
};

static const struct workload workload_reads = {
    .info = {.name = "reads", .unit = "reads", .summary = "one shared list or dict is read, item by item", .params = reads_params},
    .setup = reads_setup,
    .run = reads_run,
    .check = reads_check,
    .teardown = reads_teardown,
};
