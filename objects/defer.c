/*
 * defer.c -- the registry of deferred objects, and the merging of what threads count of them. Protocol and invariant are in defer.h.
 */
#include "defer.h"

#ifdef RC_HOSTILE
enum { DEFER_FIRST = 2, DEFER_MAX = 40 }; /* entries: room at first, and at most */
#else
enum { DEFER_FIRST = 64, DEFER_MAX = 1 << 16 }; /* at most half a megabyte of counts in a thread */
#endif

struct defer_entry {
    struct deferred *object; /* NULL: free */
    int64_t total;           /* counted by threads that have ended, or had no memory; since the last merge */
    uint32_t next_free;      /* 0: the last */
};

static struct {
    struct os_mutex lock;      /* of everything here */
    struct defer_entry *entry; /* [0] is not used */
    uint32_t used, room, free;
} defer_registry = {.lock = OS_MUTEX_INIT};

/* --- entries --- */

static bool defer_grow_locked(void)
{
    uint32_t room = defer_registry.room ? defer_registry.room * 2 : DEFER_FIRST;
    if (room > DEFER_MAX)
        room = DEFER_MAX;
    if (room == defer_registry.room)
        return false;
    struct defer_entry *entry = os_realloc(defer_registry.entry, room * sizeof *entry);
    if (!entry)
        return false;
    defer_registry.entry = entry;
    defer_registry.room = room;
    if (defer_registry.used == 0)
        defer_registry.used = 1;
    return true;
}

/* 0: no memory, or no number left. */
static uint32_t defer_take_locked(struct deferred *d)
{
    uint32_t place = defer_registry.free;
    if (place)
        defer_registry.free = defer_registry.entry[place].next_free;
    else if (defer_registry.used < defer_registry.room || defer_grow_locked())
        place = defer_registry.used++;
    if (place)
        defer_registry.entry[place] = (struct defer_entry){.object = d};
    return place;
}

API bool defer_enable(struct obj *o, bool by_thread)
{
    struct deferred *d = (struct deferred *)o;
    assert(o->type->flags & TYPE_DEFERS && defer_place(d) == 0);
    if (rc_is_immortal(&o->rc) || (track_policy != TRACK_OFF && !obj_is_tracked(&d->base)))
        return false;
    obj_incref(o); /* the registry's */
    os_lock(&defer_registry.lock);
    uint32_t place = defer_take_locked(d);
    os_unlock(&defer_registry.lock);
    if (!place) {
        obj_decref(o);
        return false;
    }
    /* relaxed, both: published with the object */
    atomic_store_explicit(&d->place, place, memory_order_relaxed);
    atomic_store_explicit(&d->id, by_thread ? place : 0, memory_order_relaxed);
    return true;
}

/* --- counting: the rare path --- */

/* Makes the thread's array as large as the registry; false: no memory. */
static bool defer_grow_counts(struct defer_counts *c)
{
    os_lock(&defer_registry.lock);
    uint32_t room = defer_registry.room;
    os_unlock(&defer_registry.lock);
    int64_t *count = c->stopped ? NULL : os_realloc(c->count, room * sizeof *count);
    if (!count)
        return false;
    memset(count + c->room, 0, (room - c->room) * sizeof *count);
    c->count = count;
    c->room = room;
    return true;
}

/* The id lies beyond the thread's array. */
static void defer_count_slow(uint32_t id, int64_t n)
{
    struct defer_counts *c = &heap_self()->counts;
    if (defer_grow_counts(c)) {
        c->count[id - 1] += n;
        return;
    }
    os_lock(&defer_registry.lock);
    defer_registry.entry[id].total += n;
    os_unlock(&defer_registry.lock);
}

SLOW void defer_incref_slow(struct deferred *d)
{
    uint32_t id = defer_id(d);
    if (!id) {
        obj_incref(&d->base.base);
        return;
    }
    rc_stat(incref_thread);
    defer_count_slow(id, 1);
}

SLOW bool defer_decref_slow(struct deferred *d)
{
    uint32_t id = defer_id(d);
    if (!id)
        return false;
    rc_stat(decref_thread);
    defer_count_slow(id, -1);
    return true;
}

/* --- merging --- */

/* Under the lock; the thread's own, or with the world stopped. */
static void defer_fold_locked(struct defer_counts *c)
{
    for (uint32_t at = 0; at < c->room; at++)
        if (c->count[at]) {
            defer_registry.entry[at + 1].total += c->count[at];
            c->count[at] = 0;
        }
}

API void defer_thread_stop(struct heap_thread *t)
{
    struct defer_counts *c = &t->counts;
    os_lock(&defer_registry.lock);
    defer_fold_locked(c);
    os_unlock(&defer_registry.lock);
    os_free(c->count);
    *c = (struct defer_counts){.stopped = true};
}

API void defer_merge_stw(void)
{
    struct thread *t;
    os_lock(&defer_registry.lock);
    thread_registry_lock();
    thread_registry_for_each(t)
        defer_fold_locked(&((struct heap_thread *)t)->counts);
    thread_registry_unlock();
    for (uint32_t place = 1; place < defer_registry.used; place++) {
        struct defer_entry *e = &defer_registry.entry[place];
        if (e->object && e->total)
            rc_adjust_stw(&e->object->base.base.rc, e->total);
        e->total = 0;
    }
    os_unlock(&defer_registry.lock);
}

API void defer_for_each_stw(void (*visit)(struct obj *))
{
    for (uint32_t place = 1; place < defer_registry.used; place++)
        if (defer_registry.entry[place].object)
            visit(&defer_registry.entry[place].object->base.base);
}

static void defer_make_ordinary(struct deferred *d)
{
    /* relaxed, both: the world is stopped */
    atomic_store_explicit(&d->place, 0, memory_order_relaxed);
    atomic_store_explicit(&d->id, 0, memory_order_relaxed);
}

API bool defer_release_stw(struct container *c)
{
    uint32_t place = defer_is_deferred(&c->base) ? defer_place((struct deferred *)c) : 0;
    if (!place)
        return false;
    os_lock(&defer_registry.lock);
    assert(defer_registry.entry[place].total == 0);
    defer_registry.entry[place] = (struct defer_entry){.next_free = defer_registry.free};
    defer_registry.free = place;
    os_unlock(&defer_registry.lock);
    defer_make_ordinary((struct deferred *)c);
    return true;
}

/* --- the end --- */

static void defer_make_ordinary_one(struct obj *o) { defer_make_ordinary((struct deferred *)o); }

API void defer_stop(void)
{
    if (!defer_registry.room)
        return;
    rc_drain();
    rc_settle_begin(); /* succeeds: no destructor ends the runtime */
    thread_stop_world();
    rc_settle_stw();
    defer_merge_stw();
    defer_for_each_stw(defer_make_ordinary_one);
    thread_start_world();
    rc_settle_end();
    defer_for_each_stw(obj_decref); /* the registry's references; nobody enters anything any more */
    rc_drain();
    os_free(defer_registry.entry);
    defer_registry.entry = NULL;
    defer_registry.used = defer_registry.room = defer_registry.free = 0;
}
