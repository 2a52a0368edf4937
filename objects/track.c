/*
 * track.c -- the tables of tracked containers. Protocol, invariant and order are in track.h.
 *
 * Lock order: track_shared.lock is a leaf.
 */
#include "track.h"

static struct {
    struct os_mutex lock;
    struct track_chunk *chunks;     /* of ended threads; under policy locked all of them */
    _Atomic(uintptr_t) *free;       /* policy locked */
    _Atomic int64_t fresh;          /* slots taken that were free at the last sweep: what was emptied meanwhile is used again */
    int64_t live;                   /* at the last sweep */
} track_shared = {.lock = OS_MUTEX_INIT};

static struct track_chunk *track_chunk_new(struct heap_thread *owner, struct track_chunk **list)
{
    struct track_chunk *k = os_alloc_aligned(TRACK_BYTES, TRACK_BYTES);
    if (!k)
        return NULL;
    atomic_init(&k->owner, owner);
    k->used = 0;
    memset(k->word, 0, sizeof k->word);
    k->next = *list;
    *list = k;
    return k;
}

/* A slot never used before, out of the first chunk of the list; NULL: no memory. */
static _Atomic(uintptr_t) *track_fresh(struct track_chunk **list, struct heap_thread *owner)
{
    struct track_chunk *k = *list;
    if (!k || k->used == TRACK_SLOTS)
        k = track_chunk_new(owner, list);
    return k ? &k->slot[k->used++] : NULL;
}

/* Containers tracked before the others are told. */
enum { TRACK_BATCH = 64 };

/* A batch of growth is told to the others, and may make a collection due. */
static void track_count(struct track_table *t, int64_t n)
{
    t->fresh += n;
    if (t->fresh < TRACK_BATCH)
        return;
    atomic_fetch_add_explicit(&track_shared.fresh, t->fresh, memory_order_relaxed); /* relaxed: a gauge */
    t->fresh = 0;
    if (track_is_due())
        thread_break(rt_self, BREAK_COLLECT);
}

static void track_locked(struct container *c)
{
    os_lock(&track_shared.lock);
    _Atomic(uintptr_t) *slot = track_shared.free;
    if (slot)
        /* relaxed: under the lock */
        track_shared.free = (_Atomic(uintptr_t) *)(atomic_load_explicit(slot, memory_order_relaxed) & ~(uintptr_t)1);
    else
        slot = track_fresh(&track_shared.chunks, NULL);
    if (slot)
        atomic_store_explicit(slot, (uintptr_t)c, memory_order_relaxed); /* relaxed: under the lock */
    os_unlock(&track_shared.lock);
    track_set_slot(c, slot);
}

/* Of the slots that the last sweep found free, as many as make a batch become usable; how many. The others wait: what is tracked in them is
 * growth as much as what needs a slot never used. */
static int64_t track_reuse(struct track_table *t)
{
    _Atomic(uintptr_t) *slot = t->swept;
    int64_t n = 0;
    t->free = slot;
    while (slot) {
        /* relaxed, both: this thread's own list */
        _Atomic(uintptr_t) *next = (_Atomic(uintptr_t) *)(atomic_load_explicit(slot, memory_order_relaxed) & ~(uintptr_t)1);
        if (++n == TRACK_BATCH)
            atomic_store_explicit(slot, 1, memory_order_relaxed);
        t->swept = next;
        slot = n < TRACK_BATCH ? next : NULL;
    }
    return n;
}

static void track_in_thread(struct container *c, struct track_table *t)
{
    /* an ending thread's last objects are not tracked */
    if (!t->stopped && t->swept) {
        track_count(t, track_reuse(t));
        obj_track(c);
        return;
    }
    _Atomic(uintptr_t) *slot = t->stopped ? NULL : track_fresh(&t->chunks, heap_self());
    if (slot)
        atomic_store_explicit(slot, (uintptr_t)c, memory_order_relaxed); /* relaxed: see track.h */
    track_set_slot(c, slot);
    if (!t->stopped)
        track_count(t, 1);
}

SLOW void obj_track_slow(struct container *c)
{
    struct track_table *t = &heap_self()->track;
    if (track_policy == TRACK_OFF)
        return;
    if (track_policy == TRACK_THREAD) {
        track_in_thread(c, t);
    } else {
        track_locked(c);
        track_count(t, 1);
    }
}

SLOW void obj_untrack_slow(struct container *c)
{
    _Atomic(uintptr_t) *slot = track_slot(c);
    track_set_slot(c, NULL);
    if (track_policy != TRACK_LOCKED) {
        atomic_store_explicit(slot, 0, memory_order_release); /* (K1) release: the last that is done to the chunk, which may go now (K1) */
        return;
    }
    os_lock(&track_shared.lock);
    atomic_store_explicit(slot, (uintptr_t)track_shared.free | 1, memory_order_relaxed); /* relaxed: under the lock */
    track_shared.free = slot;
    os_unlock(&track_shared.lock);
    track_count(&heap_self()->track, -1);
}

/* How many containers it holds. */
static uint32_t track_held(const struct track_chunk *k)
{
    uint32_t held = 0;
    for (uint32_t i = 0; i < k->used; i++) {
        uintptr_t at = atomic_load_explicit(&k->slot[i], memory_order_acquire); /* (K1) acquire: the chunk may go, who emptied it is done with it */
        held += at && !(at & 1);
    }
    return held;
}

/* --- the collector's side --- */

/* Inline: a pass of the collector is one loop. */
HOT void track_walk_chunks(struct track_chunk *k, bool fetch, void (*visit)(struct container *, struct track_word *, void *), void *arg)
{
    enum { AHEAD = 24 };
    for (; k; k = k->next)
        for (uint32_t i = 0; i < k->used; i++) {
            /* relaxed, both: the world is stopped */
            uintptr_t held = atomic_load_explicit(&k->slot[i], memory_order_relaxed);
            if (fetch && i + AHEAD < k->used && !k->word[i + AHEAD].state)
                __builtin_prefetch((const void *)(atomic_load_explicit(&k->slot[i + AHEAD], memory_order_relaxed) & ~(uintptr_t)1));
            if (held && !(held & 1))
                visit((struct container *)held, &k->word[i], arg);
        }
}

HOT void track_for_each_stw(bool fetch, void (*visit)(struct container *, struct track_word *, void *), void *arg)
{
    struct thread *t;
    track_walk_chunks(track_shared.chunks, fetch, visit, arg);
    thread_registry_lock();
    thread_registry_for_each(t)
        track_walk_chunks(((struct heap_thread *)t)->track.chunks, fetch, visit, arg);
    thread_registry_unlock();
}

/* Builds the list of usable slots anew, visits the others and returns how many they are. */
HOT int64_t track_sweep_chunks(struct track_chunk *k, _Atomic(uintptr_t) **free,
                               void (*visit)(struct container *, struct track_word *, void *))
{
    int64_t live = 0;
    *free = NULL;
    for (; k; k = k->next)
        for (uint32_t i = 0; i < k->used; i++) {
            /* relaxed, both: the world is stopped */
            uintptr_t held = atomic_load_explicit(&k->slot[i], memory_order_relaxed);
            if (held && !(held & 1)) {
                visit((struct container *)held, &k->word[i], NULL);
                live++;
                continue;
            }
            /* relaxed: the world is stopped */
            atomic_store_explicit(&k->slot[i], (uintptr_t)*free | 1, memory_order_relaxed);
            *free = &k->slot[i];
        }
    return live;
}

/* An ended thread's chunk that has become empty goes: nobody takes slots there any more. */
static void track_free_empty_stw(void)
{
    struct track_chunk **at = &track_shared.chunks, *k;
    while ((k = *at) != NULL) {
        if (track_held(k)) {
            at = &k->next;
        } else {
            *at = k->next;
            os_free(k);
        }
    }
}

HOT int64_t track_sweep_stw(void (*visit)(struct container *, struct track_word *, void *))
{
    struct thread *t;
    if (track_policy == TRACK_THREAD)
        track_free_empty_stw();
    int64_t live = track_sweep_chunks(track_shared.chunks, &track_shared.free, visit);
    thread_registry_lock();
    thread_registry_for_each(t) {
        struct track_table *table = &((struct heap_thread *)t)->track;
        live += track_sweep_chunks(table->chunks, &table->swept, visit);
        table->free = NULL;
        table->fresh = 0;
    }
    thread_registry_unlock();
    track_shared.live = live;
    atomic_store_explicit(&track_shared.fresh, 0, memory_order_relaxed); /* relaxed: a gauge */
    return live;
}

API void track_garbage_stw(int64_t n) { track_shared.live -= n; }

API void track_collected(void)
{
    struct track_table *t = &heap_self()->track;
    _Atomic(uintptr_t) *last = t->free;
    uintptr_t next;
    if (t->fresh < 0)
        t->fresh = 0;
    if (!last)
        return;
    /* relaxed, all: this thread's own list */
    while ((next = atomic_load_explicit(last, memory_order_relaxed) & ~(uintptr_t)1) != 0)
        last = (_Atomic(uintptr_t) *)next;
    atomic_store_explicit(last, (uintptr_t)t->swept | 1, memory_order_relaxed); /* relaxed: as above */
    t->swept = t->free;
    t->free = NULL;
}

API bool track_is_due(void)
{
    if (track_threshold == 0)
        return false;
    int64_t fresh = atomic_load_explicit(&track_shared.fresh, memory_order_relaxed); /* relaxed: a gauge */
    return fresh > track_threshold && fresh > track_shared.live / 4;
}

/* --- start and stop --- */

API void track_start(enum track_policy policy)
{
    track_policy = policy;
    track_shared.live = 0;
    atomic_store_explicit(&track_shared.fresh, 0, memory_order_relaxed); /* relaxed: one thread */
}

/* One that came due as the last other thread ended was told to nobody. */
API void track_thread_start(void)
{
    if (track_is_due())
        thread_break(rt_self, BREAK_COLLECT);
}

/* Less than a batch counts as well: of threads that all end before they have one nobody would ever be told. And an ending thread has no
 * safepoint left: others make the collection that is due, also one that it was told of itself. */
static void track_tell_last(struct track_table *t, int64_t left)
{
    if (left > 0)
        atomic_fetch_add_explicit(&track_shared.fresh, left, memory_order_relaxed); /* relaxed: a gauge */
    t->fresh = 0;
    if (track_is_due())
        thread_break_others(BREAK_COLLECT);
}

static void track_leave(struct track_chunk *k)
{
    atomic_store_explicit(&k->owner, NULL, memory_order_relaxed); /* relaxed: see obj_untrack */
    os_lock(&track_shared.lock);
    k->next = track_shared.chunks;
    track_shared.chunks = k;
    os_unlock(&track_shared.lock);
}

/* What the thread still tracks lives on in the shared list, as nobody's; a chunk with nothing of it in it goes. */
API void track_thread_stop(struct heap_thread *h)
{
    struct track_table *t = &h->track;
    struct track_chunk *k = t->chunks, *next;
    int64_t held = 0;
    t->stopped = true;
    t->chunks = NULL;
    t->free = t->swept = NULL;
    for (; k; k = next) {
        uint32_t here = track_held(k);
        next = k->next;
        held += here;
        if (here)
            track_leave(k);
        else
            os_free(k);
    }
    /* of the growth no more than is left; under policy locked what has gone is subtracted already */
    track_tell_last(t, track_policy == TRACK_THREAD && held < t->fresh ? held : t->fresh);
}

API size_t track_chunks(void)
{
    struct thread *t;
    size_t chunks = 0;
    for (struct track_chunk *k = track_shared.chunks; k; k = k->next)
        chunks++;
    thread_registry_lock();
    thread_registry_for_each(t)
        for (struct track_chunk *k = ((struct heap_thread *)t)->track.chunks; k; k = k->next)
            chunks++;
    thread_registry_unlock();
    return chunks;
}

API void track_stop(void)
{
    while (track_shared.chunks) {
        struct track_chunk *next = track_shared.chunks->next;
        os_free(track_shared.chunks);
        track_shared.chunks = next;
    }
    track_shared.free = NULL;
}
