/*
 * collect.c -- reference cycles: what is kept by nothing but itself is found, finalised and cleared.
 *
 *     put the committer to rest, if there is one · stop the world · settle the counts (rc_settle_begin, _stw)
 *     count: refs := count of each tracked container, minus one for each reference from another tracked one, its holder being one of these
 *     settle: what has refs left is held from outside; it is live, and all that are below it by holders are · the others are suspects
 *     judge the suspects · finish: what nobody reaches is garbage
 *     take a reference to each garbage object · start the world
 *     finalisers · stop · garbage that is held from outside now, and what it reaches, stays (resurrection) · start
 *     clear the rest · drop our references: counting frees them, but for the uncollectable
 *
 * (Subtracting internal references: Christopher, "Reference count garbage collection", 1984; over all containers at once, as CPython's
 * collector does it. Bacon and Rajan, ECOOP 2001, do it concurrently; here the world is stopped.)
 *
 * Holders make trees: a container never comes to stand below itself (gc_top). They prove that something is live, never that it is
 * not: it may be held by others as well. So the suspects are looked at once more, and where there are none, as in most heaps with no garbage, every
 * object has been traversed once. Few suspects are counted anew among themselves, all others being outside by now; with many, what is
 * live is followed instead.
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
 * What a collection knows of a container stands in the word of its slot (track.h), so that it needs no memory:
 *
 *     state   refs << 4 | GC_COUNTED | GC_SUSPECT | GC_REACHABLE | GC_PARENT
 *             a suspect found reachable, instead of refs: where the next word whose container's references are to be followed is
 *     link    count, settle: the word of its holder · live: of the next live one that is a holder · garbage: the next container
 *
 * GC_PARENT: it refers to another one that is looked at. The others need not be traversed a second time: most containers of a
 * program hold leaves alone.
 * Invariant: words are 0 while the world runs, but for the links of the garbage, to which we hold references. In between the refs of a
 * container may be negative for a while.
 * Order: all of it with the world stopped (T1, T2 carry what the others did and will see), but for finalisers and clearing, which
 * are ordinary mutators' work. One collection at a time: gc.busy.
 */
#include "collect.h"
#include "../objects/defer.h"
#include "../objects/stack.h"
#include "../objects/weak.h"

enum {
    GC_PARENT = 1,
    GC_REACHABLE = 2,
    GC_SUSPECT = 4,
    GC_COUNTED = 8, /* its references are, or are about to be */
    GC_BITS = 7,    /* beside the address of a word */
    GC_REF = 16,    /* one reference from outside */
};

/* Containers, linked through their words. */
struct gc_list {
    struct container *first, *last;
    int64_t length;
};

/* Children that are counted next. More than they are left to the scan. */
#ifdef RC_HOSTILE
enum { GC_SOON = 2 };
#else
enum { GC_SOON = 1024 };
#endif
struct gc_soon {
    struct container *object;
    struct track_word *word;
};

static struct {
    _Atomic bool busy;
    struct gc_list garbage;
    int64_t tracked;            /* containers looked at */
    int64_t suspects;           /* of these, that no known holder proves to be live */
    struct track_word *met;     /* of the last child */
    struct track_word *pending; /* of the first reachable one whose references are to be followed */
    struct track_word *live;    /* of the first holder that is live: not yet back to zero */
    struct gc_statistics statistics;
    void (*stopped)(void *arg, int64_t ns); /* NULL: nobody listens */
    void *stopped_arg;
    int soons;
    struct gc_soon soon[GC_SOON];
} gc;

/* --- containers and their words --- */

HOT struct track_word *gc_word(const struct container *c) { return track_word(track_slot(c)); }

/* NULL: it is none that is looked at. */
HOT struct track_word *gc_word_of(const struct obj *o)
{
    _Atomic(uintptr_t) *slot = o->type->flags & TYPE_CONTAINER ? track_slot((const struct container *)o) : NULL;
    return slot ? track_word(slot) : NULL;
}

HOT void gc_traverse(struct container *c, int (*visit)(struct obj *, void *), void *arg)
{
    if (c->base.type->traverse)
        c->base.type->traverse(&c->base, visit, arg);
}

static void gc_append(struct gc_list *list, struct container *c)
{
    gc_word(c)->link = NULL;
    if (list->last)
        gc_word(list->last)->link = c;
    else
        list->first = c;
    list->last = c;
    list->length++;
}
static struct container *gc_next(const struct container *c) { return gc_word(c)->link; }

HOT int64_t gc_references(const struct container *c)
{
    return (rc_is_immortal(&c->base.rc) ? INT32_MAX : rc_count_stw(&c->base.rc)) * GC_REF;
}

/* --- counting: the references to it, less those from others that are looked at --- */

/* Up the holders, to one that has none; they are fewer for the next who asks. */
HOT struct track_word *gc_top(struct track_word *w)
{
    struct track_word *up, *next;
    for (; (up = w->link) != NULL; w = up)
        if ((next = up->link) != NULL)
            w->link = up = next;
    return w;
}

/* It lies beside the last one: what is linked as it was made is best looked at on the way, what is not by the scan, which fetches ahead. */
HOT bool gc_is_near(struct track_word *w)
{
    uintptr_t distance = (uintptr_t)w - (uintptr_t)gc.met + TRACK_BYTES / 2;
    gc.met = w;
    return distance < TRACK_BYTES;
}

/* Nothing stands below what is not counted; else the holder may stand below it already. */
static int gc_count_child(struct obj *child, void *holder)
{
    struct track_word *w = gc_word_of(child), *above = holder;
    if (!w)
        return 0;
    above->state |= GC_PARENT;
    w->state -= GC_REF;
    if (!(w->state & GC_COUNTED)) {
        w->link = above;
        if (gc_is_near(w) && gc.soons < GC_SOON) {
            w->state |= GC_COUNTED;
            gc.soon[gc.soons++] = (struct gc_soon){(struct container *)child, w};
        }
    } else if (!w->link && gc_top(above) != w)
        w->link = above;
    return 0;
}

HOT void gc_count_one(struct container *c, struct track_word *w)
{
    w->state += gc_references(c);
    gc_traverse(c, gc_count_child, w);
    gc.tracked++;
}
HOT void gc_count(struct container *c, struct track_word *w, void *unused)
{
    (void)unused;
    if (w->state & GC_COUNTED)
        return;
    w->state |= GC_COUNTED;
    gc_count_one(c, w);
    while (gc.soons > 0) {
        struct gc_soon next = gc.soon[--gc.soons];
        gc_count_one(next.object, next.word);
    }
}

/* --- settling --- */

HOT bool gc_is_settled(const struct track_word *w) { return w->state & (GC_REACHABLE | GC_SUSPECT); }

/* Live: nothing more is asked of it, but whether it is, by those below it. */
HOT void gc_set_live(struct track_word *w)
{
    if (w->state & GC_PARENT) {
        w->state = GC_PARENT | GC_REACHABLE;
        w->link = gc.live;
        gc.live = w;
    } else
        *w = (struct track_word){0};
}
SLOW void gc_set_suspect(struct track_word *w)
{
    w->state |= GC_SUSPECT;
    gc.suspects++;
}

/* Is one of those above it held from outside? All that are met on the way up have the same answer. */
HOT void gc_settle(struct container *c, struct track_word *w, void *unused)
{
    struct track_word *top = w, *up;
    (void)c, (void)unused;
    if (gc_is_settled(w))
        return;
    while (!gc_is_settled(top) && top->state < GC_REF && top->link)
        top = top->link;
    bool live = top->state & GC_REACHABLE || (!(top->state & GC_SUSPECT) && top->state >= GC_REF);
    while (w && !gc_is_settled(w)) {
        up = w == top ? NULL : w->link;
        if (likely(live))
            gc_set_live(w);
        else
            gc_set_suspect(w);
        w = up;
    }
}

/* --- the suspects --- */

static int gc_subtract(struct obj *child, void *unused)
{
    struct track_word *w = gc_word_of(child);
    (void)unused;
    if (w && w->state & GC_SUSPECT)
        w->state -= GC_REF;
    return 0;
}

/* Its references, less those from other suspects; `ours` of them are the collector's own. */
static void gc_recount_one(struct container *c, struct track_word *w, int64_t ours)
{
    w->state += gc_references(c) - ours * GC_REF;
    gc_traverse(c, gc_subtract, NULL);
}
static void gc_recount(struct container *c, struct track_word *w, void *unused)
{
    (void)unused;
    if (w->state & GC_SUSPECT)
        gc_recount_one(c, w, 0);
}

/* The registry's reference holds nothing. */
static void gc_count_deferred(struct obj *o)
{
    struct track_word *w = gc_word_of(o);
    if (w)
        w->state -= GC_REF;
}
/* The same where suspects are counted anew. None of them is on a stack: it would be no suspect. */
static void gc_recount_deferred(struct obj *o)
{
    struct track_word *w = gc_word_of(o);
    if (w && w->state & GC_SUSPECT)
        w->state -= GC_REF;
}
/* On a stack. What is borrowed there has a counted holder as well: counted twice, it is held from outside all the same. */
static void gc_count_uncounted(struct obj *o)
{
    struct track_word *w = gc_word_of(o);
    if (w)
        w->state += GC_REF;
}

/* --- marking --- */

HOT void gc_mark(struct track_word *w)
{
    if (w->state & GC_PARENT) {
        w->state = (int64_t)(intptr_t)gc.pending | GC_REACHABLE;
        gc.pending = w;
    } else
        w->state = GC_REACHABLE;
}
static int gc_reach_child(struct obj *child, void *unused)
{
    struct track_word *w = gc_word_of(child);
    (void)unused;
    if (w && w->state & GC_SUSPECT)
        gc_mark(w);
    return 0;
}
HOT void gc_reach_from(struct track_word *w)
{
    gc_mark(w);
    while (gc.pending) {
        struct track_word *next = gc.pending;
        gc.pending = (struct track_word *)(intptr_t)(next->state & ~(int64_t)GC_BITS);
        gc_traverse(track_container(next), gc_reach_child, NULL);
    }
}

/* What the live ones refer to is live. */
static void gc_reach_live(struct container *c, struct track_word *w, void *unused)
{
    (void)c, (void)unused;
    if (w->state & GC_REACHABLE)
        gc_reach_from(w);
}
/* Of the suspects, those that others hold, and what they reach. */
static void gc_reach_held(struct container *c, struct track_word *w, void *unused)
{
    (void)c, (void)unused;
    if (w->state & GC_SUSPECT && w->state >= GC_REF)
        gc_reach_from(w);
}

/* --- the end --- */

static void gc_finish(struct container *c, struct track_word *w, void *unused)
{
    (void)unused;
    if (w->state & GC_SUSPECT)
        gc_append(&gc.garbage, c);
    else
        w->link = NULL;
    w->state = 0;
}

/* With no suspects only these have anything in their words. */
static void gc_finish_live(void)
{
    for (struct track_word *w = gc.live, *next; w; w = next) {
        next = w->link;
        *w = (struct track_word){0};
    }
}

/* --- the phases --- */

static int64_t gc_paused_since;

/* After rc_settle_begin. */
static void gc_stop(void)
{
    thread_stop_world();
    int64_t ns = thread_stop_ns();
    gc_paused_since = os_now();
    gc.statistics.stop_ns += ns;
    if (ns > gc.statistics.stop_longest_ns)
        gc.statistics.stop_longest_ns = ns;
    if (gc.stopped)
        gc.stopped(gc.stopped_arg, ns);
    rc_settle_stw();
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

/* Those of which their holders do not tell. Few are counted anew, without the live ones; of many it is found which the live ones reach. */
static void gc_look_at_suspects(void)
{
    enum { FEW = 4 }; /* one in so many */
    if (gc.suspects > gc.tracked / FEW) {
        track_for_each_stw(false, gc_reach_live, NULL);
    } else {
        track_for_each_stw(false, gc_recount, NULL);
        defer_for_each_stw(gc_recount_deferred);
        track_for_each_stw(false, gc_reach_held, NULL);
    }
    track_for_each_stw(false, gc_finish, NULL);
}

/* Looks at all tracked containers; what is garbage goes to gc.garbage. */
static void gc_look(void)
{
    gc.tracked = gc.suspects = 0;
    gc.live = NULL;
    defer_merge_stw();
    track_for_each_stw(true, gc_count, NULL);
    defer_for_each_stw(gc_count_deferred);
    stack_for_each_uncounted_stw(gc_count_uncounted);
    track_sweep_stw(gc_settle);
    if (gc.suspects)
        gc_look_at_suspects();
    else
        gc_finish_live();
    gc.statistics.tracked = gc.tracked;
    gc.statistics.suspects = gc.suspects;
}

/*
 * By an earlier collection. One that was cleared and is garbage again is in a cycle that its type's clear, or the want of one, leaves as it
 * is: uncollectable. The exception is an object that was let out while it or its neighbours were cleared (by a destructor that hands on
 * what it held), was used again, and is dropped in a new cycle. Therefore what is found again is cleared again, which harms nobody:
 * such an object is freed as any other, and counted once as what it is not.
 */
static bool gc_is_cleared(const struct container *c)
{
    return atomic_load_explicit(&c->track, memory_order_relaxed) & TRACK_CLEARED; /* relaxed: nobody else knows it */
}
/* relaxed: as above; who frees it has our decref before it (R1). An RMW, as where the other flags are set. */
static void gc_set_cleared(struct container *c) { atomic_fetch_or_explicit(&c->track, TRACK_CLEARED, memory_order_relaxed); }

/* Leaves the garbage in gc.garbage, a reference to each taken. */
static void gc_find_garbage(void)
{
    int64_t stays = 0;
    gc.garbage = (struct gc_list){0};
    gc_stop();
    gc_look();
    for (struct container *c = gc.garbage.first; c; c = gc_next(c)) {
        weak_clear(c);
        if (!defer_release_stw(c))
            obj_incref(&c->base);
        stays += gc_is_cleared(c); /* uncollectable: part of what the next collection finds */
    }
    track_garbage_stw(gc.garbage.length - stays);
    gc_go_on();
}

static bool gc_finalize(void)
{
    bool any = false;
    for (struct container *c = gc.garbage.first; c; c = gc_next(c))
        if (c->base.type->finalize && obj_finalize_once(c))
            any = true;
    return any;
}

/* As gc_look, at the garbage alone, one reference to each being ours. */
static void gc_look_at_garbage(void)
{
    for (struct container *c = gc.garbage.first; c; c = gc_next(c))
        gc_word(c)->state = GC_SUSPECT | GC_PARENT;
    for (struct container *c = gc.garbage.first; c; c = gc_next(c))
        gc_recount_one(c, gc_word(c), 1);
    for (struct container *c = gc.garbage.first; c; c = gc_next(c))
        gc_reach_held(c, gc_word(c), NULL);
}

static void gc_drop(struct gc_list *list)
{
    for (struct container *c = list->first, *next; c; c = next) {
        next = gc_next(c);
        gc_word(c)->link = NULL;
        obj_decref(&c->base);
    }
}

/* The second look: what finalisers have made reachable is no garbage any more, and our references to it go. */
static void gc_look_again(void)
{
    struct gc_list garbage = {0}, resurrected = {0};
    rc_settle_begin(); /* as the first time */
    gc_stop();
    gc_look_at_garbage();
    for (struct container *c = gc.garbage.first, *next; c; c = next) {
        bool reachable = gc_word(c)->state & GC_REACHABLE;
        next = gc_next(c);
        gc_append(reachable ? &resurrected : &garbage, c);
        gc_word(c)->state = 0;
        if (!reachable)
            weak_clear(c); /* those that finalisers have made */
    }
    gc_go_on();
    gc.garbage = garbage;
    gc.statistics.resurrected += resurrected.length;
    gc_drop(&resurrected);
}

/* How many are cleared for the first time. */
static int64_t gc_clear(void)
{
    int64_t cleared = 0;
    for (struct container *c = gc.garbage.first; c; c = gc_next(c)) {
        cleared += !gc_is_cleared(c);
        gc_set_cleared(c);
        if (c->base.type->clear)
            c->base.type->clear(&c->base);
    }
    gc_drop(&gc.garbage);
    gc.statistics.collected += cleared;
    gc.statistics.uncollectable = gc.garbage.length - cleared;
    return cleared;
}

/* False: not on this thread. */
static bool gc_collect_now(int64_t *collected)
{
    *collected = 0;
    if (!rc_settle_begin()) {
        gc.statistics.skipped++;
        return false;
    }
    gc_find_garbage();
    if (gc_finalize())
        gc_look_again();
    *collected = gc_clear();
    track_collected();
    gc.statistics.collections++;
    return true;
}

/* One collection at a time. acquire, and release in gc_end: one's data are seen by the next. */
static bool gc_begin(void) { return !atomic_exchange_explicit(&gc.busy, true, memory_order_acquire); }
static void gc_end(void) { atomic_store_explicit(&gc.busy, false, memory_order_release); } /* release: as above */

API int64_t gc_collect(void)
{
    if (!gc_begin()) {
        rt_safepoint();
        return 0;
    }
    rc_drain(); /* what dead objects still hold would be kept this time */
    int64_t collected;
    gc_collect_now(&collected);
    gc_end();
    return collected;
}

API struct gc_statistics gc_statistics(void) { return gc.statistics; }

/* Without a drain: what is garbage only then is so the next time too, and all threads would have to come by for it. */
static void gc_collect_due(void)
{
    int64_t collected;
    if (!track_is_due() || !gc_begin())
        return;
    bool here = gc_collect_now(&collected);
    gc_end();
    if (!here) /* the commit thread, where finalisers track more than they drop */
        thread_break_others(BREAK_COLLECT);
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
