/*
 * tuple.c -- tuples. Nothing changes after tuple_new, hence no lock: items are borrowed freely while the tuple is kept.
 *
 * No clear slot: a tuple gets into a cycle only through a container that can be changed, and clearing that one breaks it.
 */
#include "str.h"
#include "track.h"
#include "tuple.h"
#include <inttypes.h>

/* No tuple is longer than memory can hold; keeps the size computation from wrapping. */
#define TUPLE_MAX ((SIZE_MAX / 2 - sizeof(struct tuple)) / sizeof(struct obj *))

static size_t tuple_bytes(size_t length) { return sizeof(struct tuple) + length * sizeof(struct obj *); }

API struct obj *tuple_new(struct obj *const *items, size_t length)
{
    if (unlikely(length > TUPLE_MAX))
        return err_memory();
    struct tuple *t = obj_alloc(&tuple_type, tuple_bytes(length));
    if (unlikely(!t))
        return NULL;
    t->length = length;
    bool leaves = true; /* what holds leaves alone is in no cycle, and never will be */
    for (size_t i = 0; i < length; i++) {
        t->item[i] = obj_incref(items[i]);
        leaves = leaves && !(items[i]->type->flags & TYPE_CONTAINER);
    }
    if (!leaves)
        obj_track(&t->base);
    return &t->base.base;
}

API struct obj *tuple_pair(struct obj *a, struct obj *b) { return tuple_new((struct obj *[]){a, b}, 2); }

API int64_t tuple_length(const struct obj *o)
{
    const struct tuple *t = obj_as(o, &tuple_type);
    return t ? (int64_t)t->length : -1;
}

API struct obj *tuple_get_borrowed(struct obj *o, int64_t i)
{
    struct tuple *t = obj_as(o, &tuple_type);
    if (unlikely(!t))
        return NULL;
    uint64_t at = (uint64_t)i + (i < 0 ? t->length : 0);
    if (likely(at < t->length))
        return t->item[at];
    err_set(ERR_INDEX, "tuple index %" PRId64 " out of range (length %" PRId64 ")", i, (int64_t)t->length);
    return NULL;
}

API struct obj *tuple_get(struct obj *o, int64_t i)
{
    struct obj *item = tuple_get_borrowed(o, i);
    return item ? obj_incref(item) : NULL;
}

static void tuple_dealloc(struct obj *o)
{
    struct tuple *t = (struct tuple *)o;
    for (size_t i = 0; i < t->length; i++)
        obj_decref_field(t->item[i]);
    obj_free(o, tuple_bytes(t->length));
}

static int tuple_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct tuple *t = (struct tuple *)o;
    int stop = 0;
    for (size_t i = 0; i < t->length && !stop; i++)
        stop = visit(t->item[i], arg);
    return stop;
}

/* Multiply and rotate, item by item, so that order and position count. */
static int tuple_hash(struct obj *o, int64_t *hash)
{
    struct tuple *t = (struct tuple *)o;
    uint64_t mixed = 0x9e3779b97f4a7c15u ^ t->length;
    int failed = 0;
    if (!obj_enter())
        return -1;
    for (size_t i = 0; i < t->length && !failed; i++) {
        int64_t h = 0;
        failed = obj_hash(t->item[i], &h);
        mixed = (mixed ^ (uint64_t)h) * 0xff51afd7ed558ccdu;
        mixed = mixed << 31 | mixed >> 33;
    }
    obj_leave();
    *hash = (int64_t)mixed;
    return failed ? -1 : 0;
}

static int tuple_equal(struct obj *a, struct obj *b)
{
    struct tuple *x = (struct tuple *)a, *y = obj_if(b, &tuple_type);
    if (!y || x->length != y->length)
        return 0;
    if (!obj_enter())
        return -1;
    int equal = 1;
    for (size_t i = 0; i < x->length && equal == 1; i++)
        equal = obj_equal(x->item[i], y->item[i]);
    obj_leave();
    return equal;
}

/* Lexicographic: the first pair that differs decides, then the length. */
static int tuple_less(struct obj *a, struct obj *b)
{
    struct tuple *x = (struct tuple *)a, *y = obj_as(b, &tuple_type);
    if (!y || !obj_enter())
        return -1;
    size_t common = x->length < y->length ? x->length : y->length, i = 0;
    int equal = 1;
    while (i < common && (equal = obj_equal(x->item[i], y->item[i])) == 1)
        i++;
    int less = equal < 0 ? -1 : i < common ? obj_less(x->item[i], y->item[i]) : x->length < y->length;
    obj_leave();
    return less;
}

static int tuple_repr(struct obj *o, struct strbuf *out, int depth)
{
    struct tuple *t = (struct tuple *)o;
    if (!obj_enter())
        return -1;
    int failed = strbuf_add_text(out, "(");
    for (size_t i = 0; i < t->length && !failed; i++) {
        failed = i ? strbuf_add_text(out, ", ") : 0;
        failed = failed ? failed : strbuf_add_repr(out, t->item[i], depth + 1);
    }
    obj_leave();
    return failed ? -1 : strbuf_add_text(out, t->length == 1 ? ",)" : ")");
}

static const struct type tuple_type = {
    .name = "tuple",
    .flags = TYPE_CONTAINER,
    .dealloc = tuple_dealloc,
    .traverse = tuple_traverse,
    .hash = tuple_hash,
    .equal = tuple_equal,
    .less = tuple_less,
    .repr = tuple_repr,
    .size = {.fixed = sizeof(struct tuple), .each = sizeof(struct obj *), .count_at = offsetof(struct tuple, length)},
};
