/*
 * batch_executor.c -- batches of a source. What it promises is in batch_executor.h.
 */
#include "batch_executor.h"
#include "track.h"
#include <inttypes.h>

API struct obj *batch_executor_new(batch_source *source, struct obj *arg, int64_t size)
{
    if (size < 1) {
        err_set(ERR_VALUE, "a batch has at least one value, not %" PRId64, size, 0);
        return NULL;
    }
    struct obj **value = size < PTRDIFF_MAX / (int64_t)sizeof *value ? os_alloc((size_t)size * sizeof *value) : NULL;
    if (!value)
        return err_memory();
    struct batch_executor *b = obj_alloc(&batch_executor_type, sizeof *b);
    if (unlikely(!b)) {
        os_free(value);
        return NULL;
    }
    b->source = source;
    b->arg = obj_incref(arg);
    b->size = (size_t)size;
    b->head = b->length = 0;
    b->value = value;
    if (unlikely(!lock_init(&b->lock, &b->base))) {
        obj_decref(&b->base.base);
        return err_memory();
    }
    obj_track(&b->base);
    return &b->base.base;
}

/* --- the buffer, under the lock: plain, or a section's --- */

/* NULL: it is empty. */
static struct obj *batch_take(struct batch_executor *b)
{
    if (b->length == 0)
        return NULL;
    struct obj *value = b->value[b->head];
    b->head = b->head + 1 < b->size ? b->head + 1 : 0;
    b->length--;
    return value;
}

/* Steals the reference. False: it is full, the reference is still the caller's. */
static bool batch_put(struct batch_executor *b, struct obj *value)
{
    if (b->length == b->size)
        return false;
    b->value[(b->head + b->length) % b->size] = value;
    b->length++;
    return true;
}

/* User code: the section may have been interrupted when it returns. */
static struct obj *batch_ask(struct batch_executor *b)
{
    if (!obj_enter())
        return NULL;
    struct obj *value = b->source(b->arg);
    obj_leave();
    return value;
}

/* Inside the section: asks for a batch and takes a value. NULL: the source's error. */
static struct obj *batch_refill(struct batch_executor *b)
{
    struct obj *value;
    while (!(value = batch_take(b)))
        for (size_t asked = 0; asked < b->size; asked++) {
            value = batch_ask(b);
            if (!value || !batch_put(b, value))
                return value;
        }
    return value;
}

SLOW struct obj *batch_load_slow(struct batch_executor *b)
{
    struct section s;
    section_begin(&s, &b->base.base);
    struct obj *value = batch_refill(b); /* looks again first */
    struct err_kept why;
    err_keep(&why);
    section_end(&s); /* may wait, and run destructors that fail */
    if (!value)
        err_restore(&why);
    return value;
}

API struct obj *batch_executor_load(struct obj *o)
{
    struct batch_executor *b = obj_as(o, &batch_executor_type);
    if (unlikely(!b))
        return NULL;
    lock_acquire(&b->lock);
    struct obj *value = batch_take(b);
    lock_release(&b->lock);
    return likely(value != NULL) ? value : batch_load_slow(b);
}

/* --- slots --- */

static void batch_executor_dealloc(struct obj *o)
{
    struct batch_executor *b = (struct batch_executor *)o;
    struct obj *value;
    while ((value = batch_take(b)) != NULL)
        obj_decref_field(value);
    if (b->arg)
        obj_decref_field(b->arg);
    os_free(b->value);
    lock_drop(&b->lock);
    obj_free(o, sizeof *b);
}

/* Breaks cycles through the values; the source keeps its argument, which load needs. */
static void batch_executor_clear(struct obj *o)
{
    struct batch_executor *b = (struct batch_executor *)o;
    struct obj *value;
    do {
        lock_acquire(&b->lock);
        value = batch_take(b);
        lock_release(&b->lock);
        obj_xdecref(value);
    } while (value);
}

/* With the world stopped: no lock. */
static int batch_executor_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct batch_executor *b = (struct batch_executor *)o;
    int stop = visit(b->arg, arg);
    for (size_t i = 0; i < b->length && !stop; i++)
        stop = visit(b->value[(b->head + i) % b->size], arg);
    return stop;
}

static void batch_executor_lock(struct obj *o) { lock_acquire(&((struct batch_executor *)o)->lock); }
static void batch_executor_unlock(struct obj *o) { lock_release(&((struct batch_executor *)o)->lock); }

static const struct type batch_executor_type = {
    .name = "batch executor",
    .flags = TYPE_CONTAINER,
    .dealloc = batch_executor_dealloc,
    .traverse = batch_executor_traverse,
    .clear = batch_executor_clear,
    .lock = batch_executor_lock,
    .unlock = batch_executor_unlock,
    .size = {.least = sizeof(struct batch_executor)},
};
