/*
 * atomic_reference.c -- AtomicReference. The two ways, and why each is right, are in atomic_reference.h.
 */
#include "atomic_reference.h"
#include "number.h"
#include "str.h"
#include "track.h"

INLINE struct atomic_reference *atomic_reference_expect(struct obj *o)
{
    return obj_as(o, &atomic_reference_type);
}

API struct obj *atomic_reference_new(struct obj *object)
{
    struct atomic_reference *r = obj_alloc(&atomic_reference_type, sizeof *r);
    if (unlikely(!r))
        return NULL;
    atomic_init(&r->object, obj_incref(object));
    if (unlikely(!lock_init_shared(&r->lock, &r->base))) {
        obj_decref(&r->base.base);
        return err_memory();
    }
    obj_track(&r->base);
    return &r->base.base;
}

/* --- the three accesses, each at one point --- */

#if REFERENCE_UNLOCKED

INLINE struct obj *atomic_reference_load(struct atomic_reference *r)
{
    /* seq_cst: one order with all others; sees the object as it was put there */
    return obj_incref(atomic_load_explicit(&r->object, memory_order_seq_cst));
}
/* Steals; the old reference is the caller's. */
INLINE struct obj *atomic_reference_swap(struct atomic_reference *r, struct obj *object)
{
    return atomic_exchange_explicit(&r->object, object, memory_order_seq_cst); /* seq_cst: as above */
}
/* Steals if it was the expected one. */
INLINE bool atomic_reference_swap_if(struct atomic_reference *r, struct obj *expected, struct obj *object)
{
    /* seq_cst, also on failure, which is an answer: as above */
    return atomic_compare_exchange_strong_explicit(&r->object, &expected, object, memory_order_seq_cst, memory_order_seq_cst);
}

#else

/* relaxed, all: under the lock, or under the GIL, or one thread alone */
INLINE struct obj *atomic_reference_load(struct atomic_reference *r)
{
    lock_acquire(&r->lock);
    struct obj *object = obj_incref(atomic_load_explicit(&r->object, memory_order_relaxed));
    lock_release(&r->lock);
    return object;
}
INLINE struct obj *atomic_reference_swap(struct atomic_reference *r, struct obj *object)
{
    lock_acquire(&r->lock);
    struct obj *old = atomic_load_explicit(&r->object, memory_order_relaxed); /* relaxed: as above */
    atomic_store_explicit(&r->object, object, memory_order_relaxed);          /* relaxed: as above */
    lock_release(&r->lock);
    return old;
}
INLINE bool atomic_reference_swap_if(struct atomic_reference *r, struct obj *expected, struct obj *object)
{
    lock_acquire(&r->lock);
    bool same = atomic_load_explicit(&r->object, memory_order_relaxed) == expected; /* relaxed: as above */
    if (same)
        atomic_store_explicit(&r->object, object, memory_order_relaxed); /* relaxed: as above */
    lock_release(&r->lock);
    return same;
}

#endif

/* --- operations --- */

API struct obj *atomic_reference_get(struct obj *o)
{
    struct atomic_reference *r = atomic_reference_expect(o);
    return likely(r) ? atomic_reference_load(r) : NULL;
}

API struct obj *atomic_reference_exchange(struct obj *o, struct obj *object)
{
    struct atomic_reference *r = atomic_reference_expect(o);
    return likely(r) ? atomic_reference_swap(r, obj_incref(object)) : NULL;
}

API int atomic_reference_set(struct obj *o, struct obj *object)
{
    struct obj *old = atomic_reference_exchange(o, object);
    if (unlikely(!old))
        return -1;
    obj_decref(old); /* after the swap, holding nothing */
    return 0;
}

API int atomic_reference_compare_exchange(struct obj *o, struct obj *expected, struct obj *object)
{
    struct atomic_reference *r = atomic_reference_expect(o);
    if (unlikely(!r))
        return -1;
    obj_incref(object);
    bool same = atomic_reference_swap_if(r, expected, object);
    obj_decref(same ? expected : object); /* the reference that was held, or ours for nothing; the caller holds both */
    return same;
}

/* --- slots --- */

static void atomic_reference_dealloc(struct obj *o)
{
    struct atomic_reference *r = (struct atomic_reference *)o;
    obj_decref_field(atomic_load_explicit(&r->object, memory_order_relaxed)); /* relaxed: dead, and this thread's alone */
    lock_drop(&r->lock);
    obj_free(o, sizeof *r);
}

static void atomic_reference_clear(struct obj *o) { atomic_reference_set(o, none_get()); }

/* With the world stopped: no lock. */
static int atomic_reference_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    /* relaxed: as above */
    return visit(atomic_load_explicit(&((struct atomic_reference *)o)->object, memory_order_relaxed), arg);
}

static int atomic_reference_repr(struct obj *o, struct strbuf *out, int depth)
{
    if (!obj_enter())
        return -1;
    struct obj *object = atomic_reference_get(o);
    int failed = strbuf_add_text(out, "AtomicReference(") != 0 || strbuf_add_repr(out, object, depth + 1) != 0;
    obj_decref(object);
    obj_leave();
    return failed ? -1 : strbuf_add_text(out, ")");
}

static void atomic_reference_lock(struct obj *o) { lock_acquire(&((struct atomic_reference *)o)->lock); }
static void atomic_reference_unlock(struct obj *o) { lock_release(&((struct atomic_reference *)o)->lock); }

static const struct type atomic_reference_type = {
    .name = "AtomicReference",
    .flags = TYPE_CONTAINER,
    .dealloc = atomic_reference_dealloc,
    .traverse = atomic_reference_traverse,
    .clear = atomic_reference_clear,
    .repr = atomic_reference_repr,
    .lock = atomic_reference_lock,
    .unlock = atomic_reference_unlock,
    .size = {.least = sizeof(struct atomic_reference)},
};
