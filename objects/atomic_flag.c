/*
 * atomic_flag.c -- AtomicFlag. What it promises is in atomic_flag.h.
 */
#include "atomic_flag.h"
#include "str.h"

INLINE struct atomic_flag_object *atomic_flag_expect(struct obj *o)
{
    return obj_as(o, &atomic_flag_type);
}

API struct obj *atomic_flag_new(bool value)
{
    struct atomic_flag_object *f = obj_alloc(&atomic_flag_type, sizeof *f);
    if (unlikely(!f))
        return NULL;
    atomic_init(&f->value, value);
    return &f->base;
}

/* seq_cst, all: the flags and ints of a run have one order (atomic_int.h) */
API int atomic_flag_set(struct obj *o, bool value)
{
    struct atomic_flag_object *f = atomic_flag_expect(o);
    if (unlikely(!f))
        return -1;
    atomic_store_explicit(&f->value, value, memory_order_seq_cst); /* seq_cst: as above */
    return 0;
}

API int atomic_flag_exchange(struct obj *o, bool value)
{
    struct atomic_flag_object *f = atomic_flag_expect(o);
    return likely(f) ? atomic_exchange_explicit(&f->value, value, memory_order_seq_cst) : -1; /* seq_cst: as above */
}

API int atomic_flag_test(struct obj *o)
{
    struct atomic_flag_object *f = atomic_flag_expect(o);
    return likely(f) ? atomic_load_explicit(&f->value, memory_order_seq_cst) : -1; /* seq_cst: as above */
}

static int atomic_flag_repr(struct obj *o, struct strbuf *b, int depth)
{
    (void)depth;
    return strbuf_add_text(b, atomic_flag_test(o) ? "AtomicFlag(True)" : "AtomicFlag(False)");
}

static void atomic_flag_dealloc(struct obj *o) { obj_free(o, sizeof(struct atomic_flag_object)); }

static const struct type atomic_flag_type = {
    .name = "AtomicFlag",
    .dealloc = atomic_flag_dealloc,
    .repr = atomic_flag_repr,
    .size = {.least = sizeof(struct atomic_flag_object)},
};
