/*
 * function.c -- code, namespaces, functions, classes, instances.
 */
#include "dict.h"
#include "function.h"
#include "str.h"

/* None is longer than memory can hold; keeps the size computations from wrapping. */
#define FUNCTION_ITEMS_MAX (SIZE_MAX / 4 / sizeof(struct obj *))

/* --- arrays of references at an object's end --- */

static void items_take(struct obj **to, struct obj *const *from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = obj_incref(from[i]);
}
static void items_drop(struct obj **item, int64_t length)
{
    for (int64_t i = 0; i < length; i++)
        obj_decref_field(item[i]);
}
static int items_traverse(struct obj **item, int64_t length, int (*visit)(struct obj *, void *), void *arg)
{
    int stop = 0;
    for (int64_t i = 0; i < length && !stop; i++)
        stop = visit(item[i], arg);
    return stop;
}

/* --- code --- */

static size_t code_bytes(size_t constants) { return sizeof(struct code) + constants * sizeof(struct obj *); }

API struct obj *code_new(struct obj *name, struct obj *const *constants, size_t length)
{
    if (!obj_expect(name, &str_type))
        return NULL;
    struct code *c = length > FUNCTION_ITEMS_MAX ? err_memory() : obj_alloc(&code_type, code_bytes(length));
    if (!c)
        return NULL;
    defer_init(&c->base);
    c->name = obj_incref(name);
    c->constants = (int64_t)length;
    items_take(c->constant, constants, length);
    obj_track(&c->base.base);
    return &c->base.base.base;
}

static void code_dealloc(struct obj *o)
{
    struct code *c = (struct code *)o;
    assert(!defer_is_deferred(o));
    obj_decref_field(c->name);
    items_drop(c->constant, c->constants);
    obj_free(o, code_bytes((size_t)c->constants));
}

static int code_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct code *c = (struct code *)o;
    int stop = visit(c->name, arg);
    return stop ? stop : items_traverse(c->constant, c->constants, visit, arg);
}

static const struct type code_type = {
    .name = "code",
    .flags = TYPE_CONTAINER | TYPE_DEFERS,
    .dealloc = code_dealloc,
    .traverse = code_traverse,
    .size = {.fixed = sizeof(struct code), .each = sizeof(struct obj *), .count_at = offsetof(struct code, constants)},
};

/* --- namespaces --- */

API struct obj *namespace_new(void)
{
    struct obj *dict = dict_new(0);
    struct namespace *n = dict ? obj_alloc(&namespace_type, sizeof *n) : NULL;
    if (!n) {
        obj_xdecref(dict);
        return NULL;
    }
    defer_init(&n->base);
    n->dict = dict;
    obj_track(&n->base.base);
    return &n->base.base.base;
}

static void namespace_dealloc(struct obj *o)
{
    assert(!defer_is_deferred(o));
    obj_decref_field(((struct namespace *)o)->dict);
    obj_free(o, sizeof(struct namespace));
}

static int namespace_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    return visit(((struct namespace *)o)->dict, arg);
}

static const struct type namespace_type = {
    .name = "namespace",
    .flags = TYPE_CONTAINER | TYPE_DEFERS,
    .dealloc = namespace_dealloc,
    .traverse = namespace_traverse,
    .size = {.fixed = sizeof(struct namespace)},
};

/* --- functions --- */

API struct obj *function_new(struct obj *code, struct obj *globals, struct obj *builtins)
{
    if (!obj_expect(code, &code_type) || !obj_expect(globals, &namespace_type) || !obj_expect(builtins, &namespace_type))
        return NULL;
    struct function *f = obj_alloc(&function_type, sizeof *f);
    if (!f)
        return NULL;
    defer_init(&f->base);
    f->code = (struct code *)defer_incref((struct deferred *)code);
    f->globals = (struct namespace *)defer_incref((struct deferred *)globals);
    f->builtins = (struct namespace *)defer_incref((struct deferred *)builtins);
    obj_track(&f->base.base);
    return &f->base.base.base;
}

static void function_dealloc(struct obj *o)
{
    struct function *f = (struct function *)o;
    assert(!defer_is_deferred(o));
    defer_decref_field(&f->code->base);
    defer_decref_field(&f->globals->base);
    defer_decref_field(&f->builtins->base);
    obj_free(o, sizeof *f);
}

static int function_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct function *f = (struct function *)o;
    int stop = visit(&f->code->base.base.base, arg);
    stop = stop ? stop : visit(&f->globals->base.base.base, arg);
    return stop ? stop : visit(&f->builtins->base.base.base, arg);
}

static const struct type function_type = {
    .name = "function",
    .flags = TYPE_CONTAINER | TYPE_DEFERS,
    .dealloc = function_dealloc,
    .traverse = function_traverse,
    .size = {.fixed = sizeof(struct function)},
};

/* --- classes --- */

API struct obj *class_new(struct obj *name, struct obj *namespace)
{
    if (!obj_expect(name, &str_type) || !obj_expect(namespace, &namespace_type))
        return NULL;
    struct class *c = obj_alloc(&class_type, sizeof *c);
    if (!c)
        return NULL;
    defer_init(&c->base);
    c->name = obj_incref(name);
    c->namespace = (struct namespace *)obj_incref(namespace);
    obj_track(&c->base.base);
    return &c->base.base.base;
}

static void class_dealloc(struct obj *o)
{
    struct class *c = (struct class *)o;
    assert(!defer_is_deferred(o));
    obj_decref_field(c->name);
    obj_decref_field(&c->namespace->base.base.base);
    obj_free(o, sizeof *c);
}

static int class_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct class *c = (struct class *)o;
    int stop = visit(c->name, arg);
    return stop ? stop : visit(&c->namespace->base.base.base, arg);
}

static const struct type class_type = {
    .name = "class",
    .flags = TYPE_CONTAINER | TYPE_DEFERS,
    .dealloc = class_dealloc,
    .traverse = class_traverse,
    .size = {.fixed = sizeof(struct class)},
};

/* --- instances --- */

static size_t instance_bytes(size_t fields) { return sizeof(struct instance) + fields * sizeof(struct obj *); }

API struct obj *instance_new(struct obj *class, struct obj *const *fields, size_t length)
{
    if (!obj_expect(class, &class_type))
        return NULL;
    struct instance *i = length > FUNCTION_ITEMS_MAX ? err_memory() : obj_alloc(&instance_type, instance_bytes(length));
    if (!i)
        return NULL;
    i->class = (struct class *)defer_incref((struct deferred *)class);
    i->fields = (int64_t)length;
    items_take(i->field, fields, length);
    obj_track(&i->base);
    return &i->base.base;
}

static void instance_dealloc(struct obj *o)
{
    struct instance *i = (struct instance *)o;
    items_drop(i->field, i->fields);
    defer_decref_field(&i->class->base);
    obj_free(o, instance_bytes((size_t)i->fields));
}

static int instance_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct instance *i = (struct instance *)o;
    int stop = items_traverse(i->field, i->fields, visit, arg);
    return stop ? stop : visit(&i->class->base.base.base, arg);
}

static const struct type instance_type = {
    .name = "instance",
    .flags = TYPE_CONTAINER,
    .dealloc = instance_dealloc,
    .traverse = instance_traverse,
    .size = {.fixed = sizeof(struct instance), .each = sizeof(struct obj *), .count_at = offsetof(struct instance, fields)},
};
