/*
 * local_wrapper.c -- the wrapper, and the look behind it. What it promises is in local_wrapper.h.
 */
#include "local_wrapper.h"
#include "str.h"
#include "track.h"

API struct obj *local_wrapper_new(struct obj *target)
{
    struct local_wrapper *w = obj_alloc(&local_wrapper_type, sizeof *w);
    if (unlikely(!w))
        return NULL;
    w->target = obj_incref(local_wrapper_peel(target));
    obj_track(&w->base);
    return &w->base.base;
}

API struct obj *local_wrapper_get(struct obj *o) { return obj_incref(local_wrapper_peel(o)); }

static struct obj *obj_unwrap(const struct obj *o, const struct type *wanted)
{
    struct obj *target = obj_is(o, &local_wrapper_type) ? ((const struct local_wrapper *)o)->target : NULL;
    return target && obj_is(target, wanted) ? target : NULL;
}

SLOW void *obj_as_other(const struct obj *o, const struct type *wanted)
{
    struct obj *target = obj_unwrap(o, wanted);
    if (target)
        return target;
    err_wrong_type(obj_is(o, &local_wrapper_type) ? ((const struct local_wrapper *)o)->target : o, wanted);
    return NULL;
}

/* --- slots: the target's --- */

static void local_wrapper_dealloc(struct obj *o)
{
    obj_decref_field(((struct local_wrapper *)o)->target);
    obj_free(o, sizeof(struct local_wrapper));
}

static int local_wrapper_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    return visit(((struct local_wrapper *)o)->target, arg);
}

static int local_wrapper_hash(struct obj *o, int64_t *hash) { return obj_hash(local_wrapper_peel(o), hash); }
static int local_wrapper_equal(struct obj *a, struct obj *b) { return obj_equal(local_wrapper_peel(a), local_wrapper_peel(b)); }
static int local_wrapper_less(struct obj *a, struct obj *b) { return obj_less(local_wrapper_peel(a), local_wrapper_peel(b)); }
static int local_wrapper_repr(struct obj *o, struct strbuf *b, int depth) { return strbuf_add_repr(b, local_wrapper_peel(o), depth); }

static const struct type local_wrapper_type = {
    .name = "LocalWrapper",
    .flags = TYPE_CONTAINER,
    .dealloc = local_wrapper_dealloc,
    .traverse = local_wrapper_traverse,
    .hash = local_wrapper_hash,
    .equal = local_wrapper_equal,
    .less = local_wrapper_less,
    .repr = local_wrapper_repr,
    .size = {.least = sizeof(struct local_wrapper)},
};
