/*
 * tally.c -- an extension that is safe without a lock and says so: a counter in its state, vectors of numbers, boxes.
 *
 *     add(n)        the counter goes up by n; None              total()       the counter
 *     vector(list)  a vector of a list's ints                   dot(v, w)     their product; other threads go on meanwhile
 *     box(x)        holds x, for ever                           open(box)     x
 *
 * What threads share is an atomic, or does not change once it is made. Nothing is static but constants.
 */
#include "module_api.h"
#include <stdatomic.h>

struct tally {
    _Atomic int64_t total;
    struct module_type *vector, *box;
};

struct tally_vector {
    int64_t *item;
    int64_t length;
};

struct tally_box {
    struct obj *held;
};

static struct tally *tally_of(struct module *m) { return m->state; }

/* Argument i, an int: 0 or -1. */
static int tally_int(struct module *m, struct obj *args, int64_t i, int64_t *value)
{
    struct obj *o = m->api->tuple_get(args, i);
    int result = o ? m->api->int_value(o, value) : -1;
    if (o)
        m->api->decref(o);
    return result;
}

static struct obj *tally_add(struct module *m, struct obj *args)
{
    int64_t n;
    if (tally_int(m, args, 0, &n) != 0)
        return NULL;
    atomic_fetch_add_explicit(&tally_of(m)->total, n, memory_order_relaxed); /* relaxed: a sum, with no data behind it */
    return m->api->none();
}

static struct obj *tally_total(struct module *m, struct obj *args)
{
    (void)args;
    return m->api->int_new(atomic_load_explicit(&tally_of(m)->total, memory_order_relaxed)); /* relaxed: as in tally_add */
}

/* --- vectors --- */

static void tally_vector_dealloc(struct module *m, void *data) { m->api->free(((struct tally_vector *)data)->item); }

/* 0; or -1, and what was made goes with the vector. */
static int tally_fill(struct module *m, struct tally_vector *v, struct obj *list)
{
    int64_t length = m->api->list_length(list);
    if (length < 0 || !(v->item = m->api->alloc((size_t)length * sizeof *v->item)))
        return -1;
    while (v->length < length) {
        struct obj *o = m->api->list_get(list, v->length); /* INDEX: it has become shorter meanwhile */
        int result = o ? m->api->int_value(o, &v->item[v->length]) : -1;
        if (o)
            m->api->decref(o);
        if (result != 0)
            return -1;
        v->length++;
    }
    return 0;
}

static struct obj *tally_vector_new(struct module *m, struct obj *args)
{
    struct obj *list = m->api->tuple_get(args, 0);
    struct obj *vector = list ? m->api->object_new(tally_of(m)->vector) : NULL;
    if (vector && tally_fill(m, m->api->object_data(vector, tally_of(m)->vector), list) != 0) {
        m->api->decref(vector);
        vector = NULL;
    }
    if (list)
        m->api->decref(list);
    return vector;
}

/* The vectors do not change and the caller's tuple keeps them, so their arrays may be read with no thread state at all. */
static struct obj *tally_dot(struct module *m, struct obj *args)
{
    struct obj *a = m->api->tuple_get(args, 0), *b = a ? m->api->tuple_get(args, 1) : NULL, *result = NULL;
    const struct tally_vector *v = b ? m->api->object_data(a, tally_of(m)->vector) : NULL;
    const struct tally_vector *w = v ? m->api->object_data(b, tally_of(m)->vector) : NULL;
    if (w && v->length != w->length) {
        m->api->error(MODULE_ERROR_VALUE, "dot: vectors of different lengths");
    } else if (w) {
        uint64_t sum = 0;
        void *threads = m->api->threads_begin();
        for (int64_t i = 0; i < v->length; i++)
            sum += (uint64_t)v->item[i] * (uint64_t)w->item[i];
        m->api->threads_end(threads);
        result = m->api->int_new((int64_t)sum);
    }
    if (a)
        m->api->decref(a);
    if (b)
        m->api->decref(b);
    return result;
}

/* --- boxes: they can be part of a cycle --- */

static void tally_box_clear(struct module *m, void *data)
{
    struct tally_box *b = data;
    struct obj *held = b->held;
    b->held = NULL; /* first: decref runs others' code */
    if (held)
        m->api->decref(held);
}

static int tally_box_traverse(struct module *m, void *data, int (*visit)(struct obj *, void *), void *arg)
{
    (void)m;
    struct obj *held = ((struct tally_box *)data)->held;
    return held ? visit(held, arg) : 0;
}

static struct obj *tally_box_new(struct module *m, struct obj *args)
{
    struct obj *held = m->api->tuple_get(args, 0);
    struct obj *box = held ? m->api->object_new(tally_of(m)->box) : NULL;
    if (box)
        ((struct tally_box *)m->api->object_data(box, tally_of(m)->box))->held = held;
    else if (held)
        m->api->decref(held);
    return box;
}

static struct obj *tally_open(struct module *m, struct obj *args)
{
    struct obj *o = m->api->tuple_get(args, 0);
    const struct tally_box *box = o ? m->api->object_data(o, tally_of(m)->box) : NULL;
    struct obj *held = box ? m->api->incref(box->held) : NULL;
    if (o)
        m->api->decref(o);
    return held;
}

/* --- the module --- */

static int tally_exec(struct module *m)
{
    static const struct module_type_spec vector = {
        .name = "vector", .data_bytes = sizeof(struct tally_vector), .dealloc = tally_vector_dealloc};
    static const struct module_type_spec box = {.name = "box",
                                                .data_bytes = sizeof(struct tally_box),
                                                .dealloc = tally_box_clear,
                                                .traverse = tally_box_traverse,
                                                .clear = tally_box_clear};
    struct tally *t = tally_of(m);
    t->vector = m->api->type_ready(m, &vector);
    t->box = t->vector ? m->api->type_ready(m, &box) : NULL;
    struct obj *answer = t->box ? m->api->int_new(4200) : NULL;
    int result = answer ? m->api->add(m, "answer", answer) : -1;
    if (answer)
        m->api->decref(answer);
    return result;
}

static const struct module_function tally_functions[] = {
    {"add", tally_add}, {"total", tally_total}, {"vector", tally_vector_new}, {"dot", tally_dot}, {"box", tally_box_new},
    {"open", tally_open}, {0},
};

static const struct module_slot tally_slots[] = {
    {.id = MODULE_SLOT_EXEC, .run = tally_exec},
    {.id = MODULE_SLOT_UNLOCKED, .flag = 1},
    {.id = MODULE_SLOT_END},
};

extern const struct module_definition rclab_module;
const struct module_definition rclab_module = {
    .version = MODULE_VERSION,
    .bytes = sizeof rclab_module,
    .name = "tally",
    .state_bytes = sizeof(struct tally),
    .functions = tally_functions,
    .slots = tally_slots,
};
