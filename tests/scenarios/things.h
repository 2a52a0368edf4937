/*
 * things.h -- objects that scenarios are about: one whose payload everybody reads and writes plainly, and one that has a finaliser.
 *
 * A payload access that does not happen before the deallocation is a data race (the free counts as a plain write), one
 * that comes after it a use after free; so a scenario need not say when an object has to die, only who holds it.
 */
#ifndef SCENARIO_THINGS_H
#define SCENARIO_THINGS_H

struct thing {
    struct container base;
    int64_t value;
    void (*finalize)(struct thing *);
    struct obj *field; /* owned; or NULL */
};

static const struct type thing_type, mortal_type;

/* New, one reference. */
API struct obj *thing_new(int64_t value)
{
    struct thing *t = obj_alloc(&thing_type, sizeof *t);
    t->value = value;
    t->field = NULL;
    t->finalize = NULL;
    return &t->base.base;
}

/* The same with a finaliser. `field` (may be NULL) is stolen. */
API struct obj *mortal_new(void (*finalize)(struct thing *), struct obj *field)
{
    struct thing *t = obj_alloc(&mortal_type, sizeof *t);
    t->value = 0;
    t->field = field;
    t->finalize = finalize;
    return &t->base.base;
}

API int64_t thing_value(struct obj *o) { return ((struct thing *)o)->value; }
API void thing_set(struct obj *o, int64_t value) { ((struct thing *)o)->value = value; }

static void thing_dealloc(struct obj *o)
{
    struct thing *t = (struct thing *)o;
    if (t->field)
        obj_decref_field(t->field);
    obj_free(o, sizeof *t);
}
static void thing_finalize(struct obj *o) { ((struct thing *)o)->finalize((struct thing *)o); }
static int thing_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct thing *t = (struct thing *)o;
    return t->field ? visit(t->field, arg) : 0;
}

static const struct type thing_type = {
    .name = "thing", .flags = TYPE_CONTAINER, .dealloc = thing_dealloc, .traverse = thing_traverse};
static const struct type mortal_type = {
    .name = "mortal", .flags = TYPE_CONTAINER, .dealloc = thing_dealloc, .finalize = thing_finalize, .traverse = thing_traverse};

/* In setup, after what was made as one of the bodies' threads: its lock is biased no more. The bias is other scenarios' business. */
API void thing_unbias(struct obj *o)
{
    scenario_act_as(-1);
    o->type->lock(o);
    o->type->unlock(o);
}

/* Increfs and decrefs, as many as fill `segments` log segments of each kind under RC_HOSTILE, and one of each more: who applies
 * logs is asked to. For setup, as one of the bodies' threads: the helper is under way when they begin. Other strategies just count. */
enum { THINGS_LOG = 8 };
API void things_fill_log(struct obj *o, int segments)
{
    for (int i = 0; i <= segments * THINGS_LOG; i++)
        obj_incref(o);
    for (int i = 0; i <= segments * THINGS_LOG; i++)
        obj_decref(o);
}

#endif
