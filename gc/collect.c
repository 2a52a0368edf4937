/*
 * collect.c -- reference cycles: what is kept by nothing but itself is found, finalised and cleared.
 *
 *     stop the world · settle the counts (rc_settle_stw)
 *     count: refs := count of each tracked container, minus one for each reference from another tracked one
 *     reach: what has refs left is held from outside; mark it and what it reaches · finish: the rest is garbage
 *     take a reference to each garbage object · start the world
 *     finalisers · stop · garbage that is held from outside now, and what it reaches, stays (resurrection) · start
 *     clear the rest · drop our references: counting frees them
 *
 * (Bacon and Rajan's idea of subtracting internal references, as in CPython's gcmodule; synchronous, the world being stopped.)
 *
 * Nobody else can reach garbage while the world runs: it is unreachable, and the weak references to it are cleared before the
 * world starts, before any finaliser runs; what a finaliser brings back to life has lost them for good. Finalisers can reach it;
 * that is what the second look is for.
 * What is dead already and waits for its deallocation is not tracked: its references count as coming from outside, so what it holds
 * is kept until it is gone. The same holds for what a stopped thread took out of a container.
 *
 * Deferred objects (defer.h): the reference that the registry holds does not count, the uncounted ones on the threads' stacks do; what
 * has been counted by thread is moved to the head first. Such an object that turns out to be garbage is an ordinary one from then
 * on, and the registry's reference to it is ours.
 *
 * What a collection knows of a container stands in a word beside its slot (track.h): the objects are read alone, and no memory is
 * needed but for the garbage.
 *
 *     word   refs << 2 | GC_PARENT | GC_REACHABLE
 *            once reachable, instead of refs: where the next word whose container's references are to be followed is
 *
 * GC_PARENT: it refers to another one that is looked at. The others need not be traversed a second time: most containers of a
 * program hold leaves alone.
 * Invariant: words are 0 before and after. In between the refs of a container may be negative for a while.
 * Order: all of it with the world stopped (T1, T2 carry what the others did and will see), but for finalisers and clearing, which
 * are ordinary mutators' work. One collection at a time: gc.busy.
 */
#include "collect.h"
#include "../objects/defer.h"
#include "../objects/stack.h"
#include "../objects/weak.h"

enum {
    GC_REACHABLE = 1,
    GC_PARENT = 2,
    GC_BITS = 3,
    GC_REF = 4, /* one reference from outside */
};

/* Garbage. */
struct gc_item {
    struct container *object;
    bool reachable; /* by the second look */
};

static struct {
    _Atomic bool busy;
    struct gc_item *item;
    int64_t items, room;
    int64_t tracked;  /* containers looked at */
    int64_t *pending; /* the word of the first one whose references are to be followed */
    bool short_of_memory;
    struct gc_statistics statistics;
    void (*stopped)(void *arg, int64_t ns); /* NULL: nobody listens */
    void *stopped_arg;
} gc;

/* --- the word of a container --- */

/* NULL: it is none of those that are looked at. */
HOT int64_t *gc_word_of(const struct obj *o)
{
    _Atomic(uintptr_t) *slot = o->type->flags & TYPE_CONTAINER ? track_slot((const struct container *)o) : NULL;
    return slot ? track_word(slot) : NULL;
}

/* Whose it is. */
HOT struct container *gc_owner_of(const int64_t *word)
{
    const _Atomic(uintptr_t) *slot = (const void *)((const char *)word - (offsetof(struct track_chunk, word) - offsetof(struct track_chunk, slot)));
    return (struct container *)atomic_load_explicit(slot, memory_order_relaxed); /* relaxed: the world is stopped */
}

HOT void gc_traverse(struct container *c, int (*visit)(struct obj *, void *), void *arg)
{
    if (c->base.type->traverse)
        c->base.type->traverse(&c->base, visit, arg);
}

/* --- counting: the references to it, less those from others that are looked at --- */

static int gc_subtract(struct obj *child, void *parent)
{
    int64_t *word = gc_word_of(child);
    if (word) {
        *word -= GC_REF;
        *(int64_t *)parent = GC_PARENT;
    }
    return 0;
}

/* `ours` of its references are the collector's own. */
HOT void gc_count_one(struct container *c, int64_t *word, int64_t ours)
{
    int64_t count = rc_is_immortal(&c->base.rc) ? INT32_MAX : rc_count_stw(&c->base.rc) - ours, parent = 0;
    gc_traverse(c, gc_subtract, &parent);
    *word = (*word + count * GC_REF) | parent;
}
HOT void gc_count(struct container *c, _Atomic(uintptr_t) *slot, void *unused)
{
    (void)unused;
    gc_count_one(c, track_word(slot), 0);
    gc.tracked++;
}

/* The registry's reference holds nothing. */
static void gc_count_deferred(struct obj *o)
{
    int64_t *word = gc_word_of(o);
    if (word)
        *word -= GC_REF;
}
/* On a stack. What is borrowed there has a counted holder as well: counted twice, it is held from outside all the same. */
static void gc_count_uncounted(struct obj *o)
{
    int64_t *word = gc_word_of(o);
    if (word)
        *word += GC_REF;
}

/* --- marking --- */

HOT void gc_mark(int64_t *word)
{
    if (*word & GC_PARENT) {
        *word = (int64_t)(intptr_t)gc.pending | GC_PARENT | GC_REACHABLE;
        gc.pending = word;
    } else
        *word = GC_REACHABLE;
}
static int gc_reach_child(struct obj *child, void *unused)
{
    int64_t *word = gc_word_of(child);
    (void)unused;
    if (word && !(*word & GC_REACHABLE))
        gc_mark(word);
    return 0;
}

/* Marks it and all it reaches, if it is held from outside. */
HOT void gc_reach_one(int64_t *word)
{
    if (*word & GC_REACHABLE || *word < GC_REF)
        return;
    gc_mark(word);
    while (gc.pending) {
        int64_t *next = gc.pending;
        gc.pending = (int64_t *)(intptr_t)(*next & ~(int64_t)GC_BITS);
        gc_traverse(gc_owner_of(next), gc_reach_child, NULL);
    }
}
HOT void gc_reach(struct container *c, _Atomic(uintptr_t) *slot, void *unused)
{
    (void)c, (void)unused;
    gc_reach_one(track_word(slot));
}

/* --- what was found --- */

SLOW void gc_add_garbage(struct container *c)
{
    if (gc.items == gc.room) {
        int64_t room = gc.room + gc.room / 2 + 64;
        struct gc_item *item = os_realloc(gc.item, (size_t)room * sizeof *item);
        if (!item) {
            gc.short_of_memory = true;
            return;
        }
        gc.item = item;
        gc.room = room;
    }
    gc.item[gc.items++] = (struct gc_item){.object = c};
}
HOT void gc_finish(struct container *c, _Atomic(uintptr_t) *slot, void *unused)
{
    int64_t *word = track_word(slot);
    (void)unused;
    if (unlikely(!(*word & GC_REACHABLE)))
        gc_add_garbage(c);
    *word = 0;
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
    if (gc.stopped)
        gc.stopped(gc.stopped_arg, ns);
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

/* Looks at all tracked containers; what is garbage goes to gc.item. */
static void gc_look(void)
{
    gc.tracked = 0;
    defer_merge_stw();
    track_for_each_stw(true, gc_count, NULL);
    defer_for_each_stw(gc_count_deferred);
    stack_for_each_uncounted_stw(gc_count_uncounted);
    track_for_each_stw(false, gc_reach, NULL);
    track_for_each_stw(false, gc_finish, NULL);
    gc.statistics.tracked = gc.tracked;
}

/* Leaves the garbage in gc.item, a reference to each taken. False: gave up. */
static bool gc_find_garbage(void)
{
    gc.items = 0;
    gc.short_of_memory = false;
    bool settled = gc_stop();
    if (settled)
        gc_look();
    track_sweep_stw();
    if (gc.short_of_memory)
        gc.items = 0;
    for (int64_t i = 0; i < gc.items; i++) {
        weak_clear(gc.item[i].object);
        if (!defer_release_stw(gc.item[i].object))
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

/* Of those as well that the garbage refers to. */
HOT void gc_forget(struct container *c, _Atomic(uintptr_t) *slot, void *unused)
{
    (void)c, (void)unused;
    *track_word(slot) = 0;
}

/* As gc_look, at the garbage alone, one reference to each being ours. */
static void gc_look_at_garbage(void)
{
    for (int64_t i = 0; i < gc.items; i++)
        gc_count_one(gc.item[i].object, gc_word_of(&gc.item[i].object->base), 1);
    for (int64_t i = 0; i < gc.items; i++)
        gc_reach_one(gc_word_of(&gc.item[i].object->base));
}

/* The second look. Where the counts cannot be settled all of it is taken for resurrected. */
static void gc_look_again(void)
{
    bool settled = gc_stop();
    if (settled)
        gc_look_at_garbage();
    for (int64_t i = 0; i < gc.items; i++) {
        int64_t *word = gc_word_of(&gc.item[i].object->base);
        gc.item[i].reachable = !settled || *word & GC_REACHABLE;
        if (!gc.item[i].reachable)
            weak_clear(gc.item[i].object); /* those that finalisers have made */
    }
    track_for_each_stw(false, gc_forget, NULL);
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
    gc.stopped = NULL;
    thread_configure_collect(gc_collect_due);
}

API void gc_listen(void (*stopped)(void *arg, int64_t ns), void *arg)
{
    gc.stopped = stopped;
    gc.stopped_arg = arg;
}

API void gc_end(void)
{
    os_free(gc.item);
    gc.item = NULL;
    gc.items = gc.room = 0;
}
