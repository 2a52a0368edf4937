/*
 * collect.c -- reference cycles: what is kept by nothing but itself is found, finalised and cleared.
 *
 *     stop the world · settle the counts (rc_settle_stw)
 *     refs := count of each tracked container · minus one for each reference from another tracked one
 *     what has refs left is held from outside; mark what it reaches · the rest is garbage
 *     take a reference to each garbage object · start the world
 *     finalisers · stop · garbage that is held from outside now, and what it reaches, stays (resurrection) · start
 *     clear the rest · drop our references: counting frees them
 *
 * (Bacon and Rajan's idea of subtracting internal references, as in CPython's gcmodule; synchronous, the world being stopped.)
 *
 * Nobody else can reach garbage while the world runs: it is unreachable, and the weak references to it are cleared before the
 * world starts, before any finaliser runs; what a finaliser brings back to life has lost them for good. Finalisers can; that is what the second look is for.
 * What is dead already and waits for its deallocation is not tracked: its references count as coming from outside, so what it holds
 * is kept until it is gone. The same holds for what a stopped thread took out of a container.
 *
 * Invariant: between gather and release a container's slot holds the number of its item (odd).
 * Order: all of it with the world stopped (T1, T2 carry what the others did and will see), but for finalisers and clearing, which
 * are ordinary mutators' work. One collection at a time: gc.busy.
 */
#include "collect.h"
#include "../objects/weak.h"

struct gc_item {
    struct container *object;
    int64_t refs;    /* references from outside */
    bool reachable;
};

static struct {
    _Atomic bool busy;
    struct gc_item *item;
    int64_t items, room;
    int64_t *work;   /* items whose references are to be followed */
    int64_t pending;
    bool short_of_memory;
    struct gc_statistics statistics;
} gc;

/* --- the items --- */

static bool gc_make_room(int64_t items)
{
    if (items <= gc.room)
        return true;
    int64_t room = items + items / 2 + 64;
    struct gc_item *item = os_realloc(gc.item, (size_t)room * sizeof *item);
    if (item)
        gc.item = item;
    int64_t *work = item ? os_realloc(gc.work, (size_t)room * sizeof *work) : NULL;
    if (work)
        gc.work = work;
    if (item && work)
        gc.room = room;
    return item && work;
}

static void gc_gather_one(struct container *c, void *unused)
{
    (void)unused;
    if (gc.short_of_memory || !gc_make_room(gc.items + 1)) {
        gc.short_of_memory = true;
        return;
    }
    /* relaxed: the world is stopped */
    atomic_store_explicit(track_slot(c), (uintptr_t)gc.items << 1 | 1, memory_order_relaxed);
    int64_t count = rc_is_immortal(&c->base.rc) ? INT64_MAX / 2 : rc_count_stw(&c->base.rc);
    gc.item[gc.items++] = (struct gc_item){.object = c, .refs = count};
}

/* The slots hold addresses again. */
static void gc_release(void)
{
    for (int64_t i = 0; i < gc.items; i++)
        /* relaxed: the world is stopped */
        atomic_store_explicit(track_slot(gc.item[i].object), (uintptr_t)gc.item[i].object, memory_order_relaxed);
}

/* The item of a tracked object, or -1: it is none of those that are looked at. */
static int64_t gc_item_of(const struct obj *o)
{
    const struct container *c = (const struct container *)o;
    if (!(o->type->flags & TYPE_CONTAINER) || !obj_is_tracked(c))
        return -1;
    uintptr_t held = atomic_load_explicit(track_slot(c), memory_order_relaxed); /* relaxed: the world is stopped */
    return held & 1 ? (int64_t)(held >> 1) : -1;
}

/* --- marking --- */

static int gc_subtract(struct obj *child, void *unused)
{
    int64_t i = gc_item_of(child);
    (void)unused;
    if (i >= 0)
        gc.item[i].refs--;
    return 0;
}

static void gc_mark(int64_t i)
{
    if (gc.item[i].reachable)
        return;
    gc.item[i].reachable = true;
    gc.work[gc.pending++] = i;
}

static int gc_reach(struct obj *child, void *unused)
{
    int64_t i = gc_item_of(child);
    (void)unused;
    if (i >= 0)
        gc_mark(i);
    return 0;
}

static void gc_traverse(int64_t i, int (*visit)(struct obj *, void *))
{
    struct obj *o = &gc.item[i].object->base;
    if (o->type->traverse)
        o->type->traverse(o, visit, NULL);
}

/* Marks what is held from outside, `ours` references of each item being the collector's own. */
static void gc_find_reachable(int64_t ours)
{
    gc.pending = 0;
    for (int64_t i = 0; i < gc.items; i++)
        gc_traverse(i, gc_subtract);
    for (int64_t i = 0; i < gc.items; i++)
        if (gc.item[i].refs > ours)
            gc_mark(i);
    while (gc.pending > 0)
        gc_traverse(gc.work[--gc.pending], gc_reach);
}

/* Keeps the unreachable items alone. */
static void gc_keep_garbage(void)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < gc.items; i++)
        if (!gc.item[i].reachable)
            gc.item[kept++].object = gc.item[i].object;
    gc.items = kept;
}

/* --- the phases --- */

static int64_t gc_paused_since;

/* False: the counts cannot be settled now. The world is stopped in any case. */
static bool gc_stop(void)
{
    thread_stop_world();
    int64_t ns = thread_stop_ns();
    gc_paused_since = os_now();
    gc.statistics.stop_ns += ns;
    if (ns > gc.statistics.stop_longest_ns)
        gc.statistics.stop_longest_ns = ns;
    return rc_settle_stw();
}

static void gc_go_on(void)
{
    int64_t ns = os_now() - gc_paused_since;
    gc.statistics.pause_ns += ns;
    if (ns > gc.statistics.pause_longest_ns)
        gc.statistics.pause_longest_ns = ns;
    thread_start_world();
    rc_settle_end();
}

/* Leaves the garbage in gc.item, a reference to each taken. False: gave up. */
static bool gc_find_garbage(void)
{
    gc.items = 0;
    gc.short_of_memory = false;
    bool settled = gc_stop();
    if (settled)
        track_for_each_stw(gc_gather_one, NULL);
    gc.statistics.tracked = gc.items;
    if (settled && !gc.short_of_memory)
        gc_find_reachable(0);
    gc_release();
    track_sweep_stw();
    if (!settled || gc.short_of_memory)
        gc.items = 0;
    gc_keep_garbage();
    for (int64_t i = 0; i < gc.items; i++) {
        weak_clear(gc.item[i].object);
        obj_incref(&gc.item[i].object->base);
    }
    gc_go_on();
    return settled && !gc.short_of_memory;
}

static bool gc_finalize(void)
{
    bool any = false;
    for (int64_t i = 0; i < gc.items; i++) {
        struct container *c = gc.item[i].object;
        if (c->base.type->finalize && obj_finalize_once(c))
            any = true;
    }
    return any;
}

/* What finalisers have made reachable is no garbage any more: our references to it go. */
static void gc_drop_resurrected(void)
{
    int64_t kept = 0, found = gc.items;
    for (int64_t i = 0; i < found; i++) {
        struct gc_item was = gc.item[i];
        if (was.reachable)
            obj_decref(&was.object->base);
        else
            gc.item[kept++] = was;
    }
    gc.statistics.resurrected += found - kept;
    gc.items = kept;
}

/* The second look, at the garbage alone. Where the counts cannot be settled all of it is taken for resurrected. */
static void gc_look_again(void)
{
    bool settled = gc_stop();
    for (int64_t i = 0; i < gc.items; i++) {
        struct container *c = gc.item[i].object;
        gc.item[i] = (struct gc_item){.object = c, .refs = rc_count_stw(&c->base.rc), .reachable = !settled};
        atomic_store_explicit(track_slot(c), (uintptr_t)i << 1 | 1, memory_order_relaxed); /* relaxed: the world is stopped */
    }
    if (settled)
        gc_find_reachable(1);
    gc_release();
    for (int64_t i = 0; i < gc.items; i++)
        if (!gc.item[i].reachable)
            weak_clear(gc.item[i].object); /* those that finalisers have made */
    gc_go_on();
    gc_drop_resurrected();
}

static void gc_clear(void)
{
    for (int64_t i = 0; i < gc.items; i++) {
        struct obj *o = &gc.item[i].object->base;
        if (o->type->clear)
            o->type->clear(o);
    }
    for (int64_t i = 0; i < gc.items; i++)
        obj_decref(&gc.item[i].object->base);
    gc.statistics.collected += gc.items;
}

API int64_t gc_collect(void)
{
    /* acquire, release below: one collection's data are seen by the next */
    if (atomic_exchange_explicit(&gc.busy, true, memory_order_acquire)) {
        rt_safepoint();
        return 0;
    }
    int64_t collected = 0;
    rc_drain();
    if (gc_find_garbage()) {
        if (gc_finalize())
            gc_look_again();
        gc_clear();
        collected = gc.items;
        gc.statistics.collections++;
    } else {
        gc.statistics.skipped++;
    }
    gc.items = 0;
    atomic_store_explicit(&gc.busy, false, memory_order_release); /* release: see above */
    return collected;
}

API struct gc_statistics gc_statistics(void) { return gc.statistics; }

static void gc_collect_due(void)
{
    if (track_is_due())
        gc_collect();
}

API void gc_start(void)
{
    gc.statistics = (struct gc_statistics){0};
    thread_configure_collect(gc_collect_due);
}


API void gc_end(void)
{
    os_free(gc.item);
    os_free(gc.work);
    gc.item = NULL;
    gc.work = NULL;
    gc.items = gc.room = 0;
}
