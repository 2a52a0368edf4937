/*
 * iter.c -- the shared iterator. The protocol is in iter.h.
 *
 * A step holds the iterator's lock and the container's. `source` goes from its container to NULL once and to nothing else,
 * so the container's lock, once known, stays the right one. The second lock is only tried; when it is not free the step
 * takes a reference of its own to the container, lets go, and comes back with lock_acquire_two. Under reads=optimistic a step first
 * tries without the container's lock (reads.h); the iterator's own is held in any case, so that each item comes out once.
 */
#include "track.h"
#include "dict.h"
#include "iter.h"
#include "list.h"
#include "local_wrapper.h"
#include "set.h"
#include "tuple.h"

/* NULL: not a container with a table. */
static struct table *iter_table(struct obj *source)
{
    if (obj_is(source, &dict_type))
        return &((struct dict *)source)->table;
    return obj_is(source, &set_type) ? &((struct set *)source)->table : NULL;
}

/* The container's lock; for a tuple, which needs none, the iterator's own. */
static struct lock *iter_inner(struct iter *it, struct obj *source)
{
    if (obj_is(source, &list_type))
        return &((struct list *)source)->lock;
    if (obj_is(source, &dict_type))
        return &((struct dict *)source)->lock;
    return obj_is(source, &set_type) ? &((struct set *)source)->lock : &it->lock;
}

API struct obj *iter_new(struct obj *source)
{
    struct obj *inside = local_wrapper_peel(source);
    bool positions = obj_is(inside, &list_type) || obj_is(inside, &tuple_type);
    struct table *table = iter_table(inside);
    if (!positions && !table) {
        err_set_name(ERR_TYPE, "type %s cannot be iterated", inside->type->name, "");
        return NULL;
    }
    struct iter *it = obj_alloc(&iter_type, sizeof *it);
    if (unlikely(!it))
        return NULL;
    it->source = obj_incref(source);
    it->position = it->expected = 0;
    if (unlikely(!lock_init(&it->lock, &it->base))) {
        obj_decref(&it->base.base);
        return err_memory();
    }
    if (table) {
        struct lock *l = iter_inner(it, inside);
        lock_acquire(l);
        it->expected = table_used(table);
        lock_release(l);
    }
    obj_track(&it->base);
    return &it->base.base;
}

/* Both locks held: 1 and a new reference, 0 at the end, -1 when a dict or set has changed its size (sets no error). */
static int iter_step(struct iter *it, struct obj *source, struct obj **item)
{
    struct table *table = iter_table(source);
    struct obj *next = NULL;
    if (table) {
        if (table_used(table) != it->expected) {
            it->expected = SIZE_MAX; /* no table is that large: the error stays */
            return -1;
        }
        struct table_place *e = table_step(table, &it->position);
        next = e ? table_key(e) : NULL;
    } else if (obj_is(source, &list_type)) {
        struct list *l = (struct list *)source;
        next = it->position < list_count(l) ? list_at(l, it->position++) : NULL;
    } else {
        struct tuple *t = (struct tuple *)source;
        next = it->position < t->length ? t->item[it->position++] : NULL;
    }
    *item = next ? obj_incref(next) : NULL;
    return next != NULL;
}

/* The iterator's lock is held and the container's was not free. Returns with both held and a new reference to the
 * container; it->source may have become NULL meanwhile. */
SLOW struct obj *iter_acquire_slow(struct iter *it, struct lock *inner)
{
    struct obj *source = obj_incref(it->source); /* keeps `inner` in existence while no lock is held */
    lock_release(&it->lock);
    lock_acquire_two(&it->lock, inner);
    return source;
}

/* A step without the container's lock (reads.h). The iterator's lock is held: what *taken holds is dropped after it. */
static bool iter_try_step(struct iter *it, struct obj **taken)
{
    struct obj *source = local_wrapper_peel(it->source);
    struct table *table = iter_table(source);
    if (table)
        return table_try_step(table, iter_inner(it, source), it->expected, &it->position, taken);
    bool there = list_try_get((struct list *)source, it->position, taken);
    it->position += there;
    return there;
}

/* The step needed both locks: the next one may not. */
static void iter_publish(struct iter *it, struct obj *item)
{
    struct obj *source = local_wrapper_peel(it->source);
    struct table *table = iter_table(source);
    if (!table)
        list_publish((struct list *)source, item);
    else
        table_publish(table, -1);
    if (item)
        reads_allow(item);
}

API int iter_next(struct obj *o, struct obj **item)
{
    *item = NULL;
    struct iter *it = obj_as(o, &iter_type);
    if (!it)
        return -1;
    struct obj *kept = NULL, *gone = NULL, *mistake = NULL;
    lock_acquire(&it->lock);
    if (!it->source) {
        lock_release(&it->lock);
        return 0;
    }
    struct lock *inner = iter_inner(it, local_wrapper_peel(it->source));
    bool shared = reads_optimistic() && inner != &it->lock && !lock_is_own(inner);
    if (shared && iter_try_step(it, item)) {
        lock_release(&it->lock);
        return 1;
    }
    mistake = *item; /* what the try found where it should not be: to be dropped, not to be handed out */
    *item = NULL;
    if (inner != &it->lock && unlikely(!lock_try(inner)))
        kept = iter_acquire_slow(it, inner);
    int result = it->source ? iter_step(it, local_wrapper_peel(it->source), item) : 0;
    if (shared && result > 0)
        iter_publish(it, *item);
    if (result == 0) {
        gone = it->source; /* whoever takes it out drops it: one thread (FIELD.md 3.18) */
        it->source = NULL;
    }
    lock_release_two(inner, &it->lock); /* in this order: without the iterator's lock somebody may drop the container */
    obj_xdecref(kept);
    obj_xdecref(gone);
    obj_xdecref(mistake);
    if (unlikely(result < 0))
        err_set(ERR_CHANGED, "dict or set changed its size while it was iterated", 0, 0);
    return result;
}

/* --- slots --- */

static void iter_dealloc(struct obj *o)
{
    struct iter *it = (struct iter *)o;
    if (it->source)
        obj_decref_field(it->source);
    lock_drop(&it->lock);
    obj_free(o, sizeof *it);
}

static void iter_clear(struct obj *o)
{
    struct iter *it = (struct iter *)o;
    lock_acquire(&it->lock);
    struct obj *gone = it->source;
    it->source = NULL;
    lock_release(&it->lock);
    obj_xdecref(gone);
}

/* With the world stopped: no lock. */
static int iter_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct iter *it = (struct iter *)o;
    return it->source ? visit(it->source, arg) : 0;
}

static void iter_lock(struct obj *o) { lock_acquire(&((struct iter *)o)->lock); }
static void iter_unlock(struct obj *o) { lock_release(&((struct iter *)o)->lock); }

static const struct type iter_type = {
    .name = "iterator",
    .flags = TYPE_CONTAINER,
    .dealloc = iter_dealloc,
    .traverse = iter_traverse,
    .clear = iter_clear,
    .lock = iter_lock,
    .unlock = iter_unlock,
    .size = {.least = sizeof(struct iter)},
};
