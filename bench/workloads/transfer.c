/*
 * transfer.c -- items move between two random lists out of a shared set: two locks an operation, named in any order.
 *
 * guard=ordered takes the two plain locks by address (lock_acquire_two); guard=section begins one critical section of both objects;
 * guard=nested begins a section of the first and, inside, one of the second, in whatever order they come: that may interrupt the
 * outer one, so what it took is in nobody's list meanwhile, and it writes its own count when the inner one has ended. guard=global
 * takes one mutex for all lists.
 * The answer: all items are there, each once; what the lists count as sent is what the threads moved.
 */
#include "../workload.h"
#include "../../objects/section.h"
#include <inttypes.h>

enum { TRANSFER_BLOCK = 16, TRANSFER_BLOCKS = 16 }; /* operations between safepoints; blocks of a repetition */

struct transfer_thread {
    _Alignas(CACHE_LINE) uint64_t random;
    int64_t moved;
};
struct transfer {
    struct obj **list;
    int64_t *sent; /* of each list, under its lock */
    int64_t lists, items;
    struct transfer_thread *thread;
    _Alignas(CACHE_LINE) struct os_mutex global;
};

/* Makes list number `at` with its items; 0, or -1. */
static int transfer_fill(struct transfer *s, int64_t at)
{
    if (!(s->list[at] = list_new(0)))
        return -1;
    for (int64_t i = 0; i < s->items; i++) {
        struct obj *o = int_new(at * s->items + i);
        int failed = o ? list_append(s->list[at], o) : -1;
        obj_xdecref(o);
        if (failed)
            return -1;
    }
    rt_safepoint();
    return 0;
}

static void transfer_teardown(struct work *w)
{
    struct transfer *s = w->state;
    for (int64_t i = 0; s->list && i < s->lists; i++)
        obj_xdecref(s->list[i]);
    os_free(s->list);
    os_free(s->sent);
    os_free(s->thread);
    os_mutex_drop(&s->global);
    os_free(s);
}

static int transfer_setup(struct work *w)
{
    struct transfer *s = w->state = os_alloc_aligned(CACHE_LINE, sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    memset(s, 0, sizeof *s);
    os_mutex_init(&s->global);
    s->lists = work_int(w, "lists");
    s->items = work_int(w, "items");
    s->list = os_alloc_zeroed((size_t)s->lists, sizeof *s->list);
    s->sent = os_alloc_zeroed((size_t)s->lists, sizeof *s->sent);
    s->thread = work_per_thread(w, sizeof *s->thread);
    if (!s->list || !s->sent || !s->thread) {
        transfer_teardown(w);
        err_memory();
        return -1;
    }
    for (int i = 0; i < w->threads; i++)
        s->thread[i].random = work_stream(w, i);
    for (int64_t i = 0; i < s->lists; i++)
        if (transfer_fill(s, i) != 0) {
            transfer_teardown(w);
            return -1;
        }
    return 0;
}

/* --- one move; 1 moved, 0 nothing to move, -1 no memory --- */

/* The list's lock is held. Its last item, with the list's reference; NULL: it is empty. */
INLINE struct obj *transfer_take(struct obj *o)
{
    struct list *l = (struct list *)o;
    return list_count(l) ? list_take(l, list_count(l) - 1) : NULL;
}
/* The list's lock is held. Steals the item; false: no memory. */
INLINE bool transfer_give(struct obj *o, struct obj *item)
{
    struct list *l = (struct list *)o;
    if (unlikely(!list_reserve(l, 1)))
        return false;
    list_push(l, item);
    return true;
}

/* Both locks are held, or the one for all. */
static int transfer_both(struct transfer *s, int64_t from, int64_t to)
{
    if (unlikely(!list_reserve((struct list *)s->list[to], 1)))
        return -1;
    struct obj *item = transfer_take(s->list[from]);
    if (!item)
        return 0;
    s->sent[from]++;
    transfer_give(s->list[to], item); /* there is room, which from == to does not use up: it has just become shorter */
    return 1;
}

static int transfer_ordered(struct transfer *s, int64_t from, int64_t to)
{
    struct lock *a = &((struct list *)s->list[from])->lock, *b = &((struct list *)s->list[to])->lock;
    lock_acquire_two(a, b);
    int moved = transfer_both(s, from, to);
    lock_release_two(a, b);
    return moved;
}

static int transfer_section(struct transfer *s, int64_t from, int64_t to)
{
    struct section both;
    section_begin_two(&both, s->list[from], s->list[to]);
    int moved = transfer_both(s, from, to);
    section_end(&both);
    return moved;
}

static int transfer_nested(struct transfer *s, int64_t from, int64_t to)
{
    struct section outer, inner;
    section_begin(&outer, s->list[from]);
    struct obj *item = transfer_take(s->list[from]);
    bool given = true;
    if (item) {
        section_begin(&inner, s->list[to]);
        given = transfer_give(s->list[to], item);
        section_end(&inner);
        s->sent[from] += given;
    }
    section_end(&outer);
    if (given)
        return item != NULL;
    obj_decref(item);
    return -1;
}

static int transfer_global(struct transfer *s, int64_t from, int64_t to)
{
    if (!os_trylock(&s->global)) {
        thread_detach(); /* who waits holds no GIL */
        os_lock(&s->global);
        thread_attach();
    }
    int moved = transfer_both(s, from, to);
    os_unlock(&s->global);
    return moved;
}

static int64_t transfer_run(struct work *w, int thread, uint64_t reps)
{
    struct transfer *s = w->state;
    struct transfer_thread *t = &s->thread[thread];
    int (*move)(struct transfer *, int64_t, int64_t) = work_is(w, "guard", "section")  ? transfer_section
                                                       : work_is(w, "guard", "nested") ? transfer_nested
                                                       : work_is(w, "guard", "global") ? transfer_global
                                                                                       : transfer_ordered;
    for (uint64_t block = reps * TRANSFER_BLOCKS; block > 0; block--) {
        for (int i = 0; i < TRANSFER_BLOCK; i++) {
            int64_t from = (int64_t)work_below(&t->random, (uint64_t)s->lists);
            int moved = move(s, from, (int64_t)work_below(&t->random, (uint64_t)s->lists));
            if (unlikely(moved < 0)) {
                err_memory();
                return -1;
            }
            t->moved += moved;
        }
        rt_safepoint();
    }
    return (int64_t)(reps * TRANSFER_BLOCKS * TRANSFER_BLOCK);
}

/* --- the answer --- */

/* Marks the items of one list; false: one that is not ours, or is there twice. */
static bool transfer_mark(struct transfer *s, struct obj *list, char *seen)
{
    for (int64_t i = list_length(list); i-- > 0;) {
        int64_t value = -1;
        struct obj *o = list_get(list, i);
        if (o)
            int_value(o, &value);
        obj_xdecref(o);
        if (value < 0 || value >= s->lists * s->items || seen[value]++)
            return false;
    }
    return true;
}

static bool transfer_check(struct work *w)
{
    struct transfer *s = w->state;
    int64_t found = 0, sent = 0, moved = 0;
    char *seen = os_alloc_zeroed((size_t)(s->lists * s->items), 1);
    bool sound = seen != NULL;
    for (int64_t i = 0; sound && i < s->lists; i++) {
        sound = transfer_mark(s, s->list[i], seen);
        found += list_length(s->list[i]);
        sent += s->sent[i];
    }
    os_free(seen);
    for (int i = 0; i < w->threads; i++)
        moved += s->thread[i].moved;
    if (!sound || found != s->lists * s->items)
        return work_wrong(w, "%" PRId64 " of %" PRId64 " items are there, or one is there twice", found, s->lists * s->items);
    return sent == moved || work_wrong(w, "%" PRId64 " moves, the lists have sent %" PRId64, moved, sent);
}

static const struct param transfer_params[] = {
    {"guard", PARAM_CHOICE, "ordered|section|nested|global", 0, 0, "ordered",
     "two plain locks by address; one critical section of both; a section in a section, in any order; one mutex for all"},
    {"lists", PARAM_INT, NULL, 2, 100000, "64", "lists in the set"},
    {"items", PARAM_INT, NULL, 1, 10000, "16", "items of each at the beginning"},
    {0},
};

static const struct workload workload_transfer = {
    .info = {.name = "transfer", .unit = "moves", .summary = "move items between two random shared lists", .params = transfer_params},
    .setup = transfer_setup,
    .run = transfer_run,
    .check = transfer_check,
    .teardown = transfer_teardown,
};
