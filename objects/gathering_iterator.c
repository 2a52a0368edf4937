/*
 * gathering_iterator.c -- values in the order of their keys. Protocol and invariant are in gathering_iterator.h.
 */
#include "gathering_iterator.h"
#include "track.h"
#include <inttypes.h>

#ifdef RC_HOSTILE
enum { GATHERING_SLOTS = 2 };
#else
enum { GATHERING_SLOTS = 32 }; /* of a table that has just begun; a power of two */
#endif

INLINE struct gathering_iterator *gathering_expect(struct obj *o)
{
    return obj_as(o, &gathering_iterator_type);
}

API struct obj *gathering_iterator_new(void)
{
    struct gathering_iterator *g = obj_alloc(&gathering_iterator_type, sizeof *g);
    if (unlikely(!g))
        return NULL;
    wait_init(&g->moved);
    g->next = 0;
    g->table = (struct gathering_table){0};
    g->cancelled = false;
    if (unlikely(!lock_init(&g->lock, &g->base))) {
        obj_decref(&g->base.base);
        return err_memory();
    }
    obj_track(&g->base);
    return &g->base.base;
}

/* --- the table, under the lock --- */

/* Fibonacci hashing (Knuth 6.4): neighbours lie apart, but for one key in a row of its own they would not have to. */
INLINE size_t gathering_home(const struct gathering_table *t, uint64_t key)
{
    return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (t->slots - 1);
}

/* The key's slot, or the free one where it belongs. The table has slots. */
static struct gathering_slot *gathering_probe(const struct gathering_table *t, uint64_t key)
{
    size_t at = gathering_home(t, key);
    while (t->slot[at].value && (uint64_t)t->slot[at].key != key)
        at = (at + 1) & (t->slots - 1);
    return &t->slot[at];
}
static bool gathering_has(const struct gathering_table *t, uint64_t key) { return t->slots && gathering_probe(t, key)->value; }

/* Room for one more; false: no memory, nothing has changed. */
static bool gathering_reserve(struct gathering_table *t)
{
    if (likely(2 * (t->used + 1) <= t->slots))
        return true;
    struct gathering_table more = {.slots = t->slots ? 2 * t->slots : GATHERING_SLOTS, .used = t->used};
    more.slot = os_alloc_zeroed(more.slots, sizeof *more.slot);
    if (!more.slot)
        return false;
    for (size_t i = 0; i < t->slots; i++)
        if (t->slot[i].value)
            *gathering_probe(&more, (uint64_t)t->slot[i].key) = t->slot[i];
    os_free(t->slot);
    *t = more;
    return true;
}

/* Takes the value of a key that is there; those behind it that were pushed away from their homes move up (Knuth 6.4, algorithm R). */
static struct obj *gathering_take(struct gathering_table *t, uint64_t key)
{
    size_t mask = t->slots - 1, hole = (size_t)(gathering_probe(t, key) - t->slot);
    struct obj *value = t->slot[hole].value;
    for (size_t at = (hole + 1) & mask; t->slot[at].value; at = (at + 1) & mask) {
        size_t home = gathering_home(t, (uint64_t)t->slot[at].key);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue; /* its home is behind the hole */
        t->slot[hole] = t->slot[at];
        hole = at;
    }
    t->slot[hole].value = NULL;
    t->used--;
    return value;
}

/* Takes all out: the caller drops it after the release. */
static struct gathering_table gathering_steal(struct gathering_iterator *g)
{
    struct gathering_table all = g->table;
    g->table = (struct gathering_table){0};
    return all;
}
static void gathering_drop(struct gathering_table *t)
{
    for (size_t i = 0; i < t->slots; i++)
        obj_xdecref(t->slot[i].value);
    os_free(t->slot);
}

/* --- operations --- */

/* Under the lock: why the key cannot go in, or ERR_NONE: it has. */
static enum err gathering_put(struct gathering_iterator *g, int64_t key, struct obj *value)
{
    if (g->cancelled)
        return ERR_CANCELLED;
    if ((uint64_t)key < g->next || gathering_has(&g->table, (uint64_t)key))
        return ERR_KEY;
    if (unlikely(!gathering_reserve(&g->table)))
        return ERR_MEMORY;
    *gathering_probe(&g->table, (uint64_t)key) = (struct gathering_slot){key, obj_incref(value)};
    g->table.used++;
    return ERR_NONE;
}

SLOW int gathering_failed(enum err why, int64_t key)
{
    const char *text = why == ERR_CANCELLED ? "the gathering was cancelled"
                       : why == ERR_MEMORY  ? "out of memory"
                       : why == ERR_EMPTY   ? "key %" PRId64 " has not come"
                       : why == ERR_VALUE   ? "keys begin with 0: %" PRId64 " is negative"
                                            : "key %" PRId64 " has been inserted before";
    err_set(why, text, key, 0);
    return -1;
}

API int gathering_iterator_insert(struct obj *o, int64_t key, struct obj *value)
{
    struct gathering_iterator *g = gathering_expect(o);
    if (unlikely(!g))
        return -1;
    if (unlikely(key < 0))
        return gathering_failed(ERR_VALUE, key);
    lock_acquire(&g->lock);
    enum err why = gathering_put(g, key, value);
    bool awaited = (uint64_t)key == g->next;
    lock_release(&g->lock);
    if (unlikely(why != ERR_NONE))
        return gathering_failed(why, key);
    if (awaited)
        wait_all(&g->moved); /* not one: those who wait may want to go differently far */
    return 0;
}

/* What a caller waits for, and how far it goes. */
struct gathering_wish {
    struct gathering_iterator *g;
    uint64_t max_key;
};
static bool gathering_may_go_on(void *arg)
{
    const struct gathering_wish *w = arg;
    return w->g->cancelled || w->g->next > w->max_key || gathering_has(&w->g->table, w->g->next);
}

/* Under the lock: one step. ERR_NONE: *value is the next one, or NULL at the end. */
static enum err gathering_step(struct gathering_iterator *g, uint64_t max_key, struct obj **value)
{
    if (g->cancelled)
        return ERR_CANCELLED;
    if (g->next > max_key)
        return ERR_NONE;
    if (!gathering_has(&g->table, g->next))
        return ERR_EMPTY;
    *value = gathering_take(&g->table, g->next);
    g->next++;
    return ERR_NONE;
}

API int gathering_iterator_next(struct obj *o, int64_t max_key, int64_t timeout_ns, struct obj **value)
{
    struct gathering_iterator *g = gathering_expect(o);
    *value = NULL;
    if (unlikely(!g))
        return -1;
    if (max_key < 0)
        return 0;
    struct gathering_wish wish = {g, (uint64_t)max_key};
    int64_t deadline = wait_deadline(timeout_ns);
    lock_acquire(&g->lock);
    wait_for(&g->moved, &g->lock, gathering_may_go_on, &wish, deadline);
    enum err why = gathering_step(g, wish.max_key, value);
    int64_t next = (int64_t)g->next;
    lock_release(&g->lock);
    if (*value)
        wait_all(&g->moved); /* the key after it may be there already, or be too far for somebody */
    return likely(why == ERR_NONE) ? *value != NULL : gathering_failed(why, next);
}

API int gathering_iterator_cancel(struct obj *o)
{
    struct gathering_iterator *g = gathering_expect(o);
    if (!g)
        return -1;
    lock_acquire(&g->lock);
    g->cancelled = true;
    struct gathering_table left = gathering_steal(g);
    lock_release(&g->lock);
    wait_all(&g->moved);
    gathering_drop(&left);
    return 0;
}

API int64_t gathering_iterator_length(struct obj *o)
{
    struct gathering_iterator *g = gathering_expect(o);
    if (!g)
        return -1;
    lock_acquire(&g->lock);
    int64_t length = (int64_t)g->table.used;
    lock_release(&g->lock);
    return length;
}

/* --- slots --- */

static void gathering_iterator_dealloc(struct obj *o)
{
    struct gathering_iterator *g = (struct gathering_iterator *)o;
    for (size_t i = 0; i < g->table.slots; i++)
        if (g->table.slot[i].value)
            obj_decref_field(g->table.slot[i].value);
    os_free(g->table.slot);
    lock_drop(&g->lock);
    obj_free(o, sizeof *g);
}

static void gathering_iterator_clear(struct obj *o)
{
    struct gathering_iterator *g = (struct gathering_iterator *)o;
    lock_acquire(&g->lock);
    struct gathering_table all = gathering_steal(g);
    lock_release(&g->lock);
    gathering_drop(&all);
}

/* With the world stopped: no lock. */
static int gathering_iterator_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    const struct gathering_table *t = &((struct gathering_iterator *)o)->table;
    int stop = 0;
    for (size_t i = 0; i < t->slots && !stop; i++)
        if (t->slot[i].value)
            stop = visit(t->slot[i].value, arg);
    return stop;
}

static void gathering_iterator_lock(struct obj *o) { lock_acquire(&((struct gathering_iterator *)o)->lock); }
static void gathering_iterator_unlock(struct obj *o) { lock_release(&((struct gathering_iterator *)o)->lock); }

static const struct type gathering_iterator_type = {
    .name = "gathering iterator",
    .flags = TYPE_CONTAINER,
    .dealloc = gathering_iterator_dealloc,
    .traverse = gathering_iterator_traverse,
    .clear = gathering_iterator_clear,
    .lock = gathering_iterator_lock,
    .unlock = gathering_iterator_unlock,
    .size = {.least = sizeof(struct gathering_iterator)},
};
