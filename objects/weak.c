/*
 * weak.c -- weak references and their table. Protocol, invariant and order are in weak.h.
 *
 * A stripe is a chained hash table of the references themselves: they carry the links, so that linking never fails; where there is no
 * memory for more buckets the chains grow longer. At most one live reference names a target; one that dies while a new
 * one is made is a second entry for a moment.
 */
#include "lock.h"
#include "weak.h"

#ifdef RC_HOSTILE
enum { WEAK_STRIPES = 1, WEAK_FEW = 1 };
#else
enum { WEAK_STRIPES = 64, WEAK_FEW = 4 };
#endif

static struct weak_stripe {
    _Alignas(CACHE_LINE) struct os_mutex lock; /* of all that follows, and of the links and targets of those in it */
    struct weak **bucket;                      /* `buckets` of them, a power of two; NULL: `few` */
    size_t buckets, count;
    struct weak *few[WEAK_FEW];                /* so that a first one always has a place */
} weak_stripes[WEAK_STRIPES] = {[0 ... WEAK_STRIPES - 1] = {.lock = OS_MUTEX_INIT}};

static uintptr_t weak_hash(const struct container *c) { return (uintptr_t)c / HEAP_GRAIN * 0x9e3779b97f4a7c15u; }

/* Under plain and gil one thread at a time is here anyway (lock.h). */
static struct weak_stripe *weak_lock(uintptr_t home)
{
    struct weak_stripe *s = &weak_stripes[(home >> 48) % WEAK_STRIPES];
    if (!LOCK_NONE)
        os_lock(&s->lock);
    os_interleave();
    return s;
}
static void weak_unlock(struct weak_stripe *s)
{
    if (!LOCK_NONE)
        os_unlock(&s->lock);
}

/* --- the table; all under the stripe's lock --- */

static struct weak **weak_bucket_locked(struct weak_stripe *s, uintptr_t home)
{
    uintptr_t at = home >> 16;
    return s->bucket ? &s->bucket[at & (s->buckets - 1)] : &s->few[at % WEAK_FEW];
}

static void weak_push_locked(struct weak **bucket, struct weak *w)
{
    w->next = *bucket;
    w->at = bucket;
    if (w->next)
        w->next->at = &w->next;
    *bucket = w;
}

/* Moves the chain into the stripe's new buckets. */
static void weak_rehash_locked(struct weak_stripe *s, struct weak *chain)
{
    while (chain) {
        struct weak *w = chain;
        chain = w->next;
        weak_push_locked(weak_bucket_locked(s, w->home), w);
    }
}

static void weak_grow_locked(struct weak_stripe *s)
{
    size_t old_buckets = s->bucket ? s->buckets : WEAK_FEW, buckets = 4 * old_buckets;
    struct weak **old = s->bucket ? s->bucket : s->few, **bucket = os_alloc_zeroed(buckets, sizeof *bucket);
    if (!bucket)
        return;
    s->bucket = bucket;
    s->buckets = buckets;
    for (size_t i = 0; i < old_buckets; i++)
        weak_rehash_locked(s, old[i]);
    if (old != s->few)
        os_free(old);
}

static void weak_link_locked(struct weak_stripe *s, struct weak *w, struct container *target)
{
    if (++s->count > 2 * (s->bucket ? s->buckets : WEAK_FEW))
        weak_grow_locked(s);
    weak_push_locked(weak_bucket_locked(s, w->home), w);
    atomic_store_explicit(&w->target, target, memory_order_relaxed); /* relaxed: others read it for NULL, or under the lock */
}

static void weak_unlink_locked(struct weak_stripe *s, struct weak *w)
{
    *w->at = w->next;
    if (w->next)
        w->next->at = w->at;
    s->count--;
    /* (W1) release: the last access here; who finds it cleared may free it without the lock */
    atomic_store_explicit(&w->target, NULL, memory_order_release);
}

/* relaxed: under the lock */
static struct container *weak_target_locked(const struct weak *w) { return atomic_load_explicit(&w->target, memory_order_relaxed); }

/* A new reference to the one that names the target, or NULL. */
static struct weak *weak_find_locked(struct weak_stripe *s, uintptr_t home, const struct container *target)
{
    for (struct weak *w = *weak_bucket_locked(s, home); w; w = w->next)
        if (weak_target_locked(w) == target && rc_try_incref(&w->base.rc))
            return w;
    return NULL;
}

SLOW void weak_clear_slow(struct container *c)
{
    uintptr_t home = weak_hash(c);
    struct weak_stripe *s = weak_lock(home);
    for (struct weak *next, *w = *weak_bucket_locked(s, home); w; w = next) {
        next = w->next;
        if (weak_target_locked(w) == c)
            weak_unlink_locked(s, w);
    }
    weak_unlock(s);
}

API void weak_stop(void)
{
    for (int i = 0; i < WEAK_STRIPES; i++) {
        struct weak_stripe *s = &weak_stripes[i];
        os_free(s->bucket);
        s->bucket = NULL;
        s->buckets = s->count = 0;
        memset(s->few, 0, sizeof s->few); /* what a run has leaked is forgotten */
    }
}

/* --- references --- */

/* The caller holds a reference to it. Idempotent. */
static void weak_allow(struct container *c)
{
    /* relaxed, both: see weak.h */
    if (atomic_load_explicit(&c->track, memory_order_relaxed) & TRACK_WEAK)
        return;
    rc_allow_weak(&c->base.rc);
    atomic_fetch_or_explicit(&c->track, TRACK_WEAK, memory_order_relaxed);
}

/* A new reference to the one that is in the table; else `made`, which goes there (NULL: nothing does, and the answer is NULL). */
static struct weak *weak_enter(struct container *target, struct weak *made)
{
    uintptr_t home = weak_hash(target);
    struct weak_stripe *s = weak_lock(home);
    struct weak *w = weak_find_locked(s, home, target);
    if (!w && made) {
        made->home = home;
        weak_link_locked(s, made, target);
        w = made;
    }
    weak_unlock(s);
    return w;
}

API struct obj *weak_new(struct obj *target)
{
    if (!(target->type->flags & TYPE_CONTAINER)) {
        err_set_name(ERR_TYPE, "a weak reference needs a container, not %s", target->type->name, NULL);
        return NULL;
    }
    struct container *c = (struct container *)target;
    weak_allow(c);
    struct weak *w = weak_enter(c, NULL);
    if (w)
        return &w->base;
    struct weak *made = obj_alloc(&weak_type, sizeof *made);
    if (unlikely(!made))
        return NULL;
    atomic_init(&made->target, NULL);
    rc_allow_weak(&made->base.rc); /* for weak_find_locked */
    w = weak_enter(c, made);
    if (w != made)
        obj_decref(&made->base); /* another thread came first */
    return &w->base;
}

API struct obj *weak_upgrade(struct weak *w)
{
    if (weak_is_cleared(w))
        return NULL;
    struct weak_stripe *s = weak_lock(w->home);
    struct container *c = weak_target_locked(w);
    bool alive = c && rc_try_incref(&c->base.rc);
    weak_unlock(s);
    return alive ? &c->base : NULL;
}

API int weak_get(struct obj *weak, struct obj **target)
{
    *target = NULL;
    struct weak *w = obj_as(weak, &weak_type);
    if (!w)
        return -1;
    *target = weak_upgrade(w);
    return *target != NULL;
}

static void weak_dealloc(struct obj *o)
{
    struct weak *w = (struct weak *)o;
    /* (W1) acquire: whoever cleared it is done with it */
    if (atomic_load_explicit(&w->target, memory_order_acquire)) {
        struct weak_stripe *s = weak_lock(w->home);
        if (weak_target_locked(w))
            weak_unlink_locked(s, w);
        weak_unlock(s);
    }
    obj_free(o, sizeof *w);
}

static const struct type weak_type = {.name = "weakref", .dealloc = weak_dealloc, .size = {.least = sizeof(struct weak)}};
