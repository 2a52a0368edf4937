/*
 * test_finalize.c -- finalisers that pass on what their object holds, or put something new into it. What they take they
 * take now (FIELD.md 3.14); under a strategy that applies counts later, the object's fields must not be dropped before that.
 */
#include "../objects/list.h"
#include "../objects/number.h"

/* An object with one field, whose finaliser runs `act`. */
struct willed {
    struct container base;
    struct obj *field;
    void (*act)(struct willed *);
};

static struct obj *finalize_heirs; /* a list; the tests' */

static void finalize_run(struct obj *o) { ((struct willed *)o)->act((struct willed *)o); }
static void finalize_dealloc(struct obj *o)
{
    obj_decref_field(((struct willed *)o)->field);
    obj_free(o, sizeof(struct willed));
}
static const struct type finalize_type = {
    .name = "willed", .flags = TYPE_CONTAINER, .dealloc = finalize_dealloc, .finalize = finalize_run};

/* Steals `field`. */
static struct obj *finalize_willed(struct obj *field, void (*act)(struct willed *))
{
    struct willed *w = obj_alloc(&finalize_type, sizeof *w);
    cr_assert(w && field);
    w->field = field;
    w->act = act;
    return &w->base.base;
}

static void finalize_pass_on(struct willed *w) { list_append(finalize_heirs, w->field); }
static void finalize_add_to(struct willed *w)
{
    struct obj *last = float_new(2.5);
    if (last && list_append(w->field, last) == 0)
        obj_decref(last);
}

/* Drops the only reference to `count` such objects and lets everything deferred happen. */
static void finalize_many(int count, bool pass_on)
{
    finalize_heirs = list_new(0);
    for (int i = 0; i < count; i++) {
        obj_decref(pass_on ? finalize_willed(float_new(i), finalize_pass_on)
                           : finalize_willed(list_new(0), finalize_add_to));
        rt_safepoint();
    }
    rc_drain();
}

TEST(a_finaliser_may_pass_its_fields_on)
{
    struct gc_census census;
    finalize_many(200, true);
    cr_assert_eq(list_length(finalize_heirs), 200);
    cr_assert_eq(gc_census_stw(&finalize_heirs, 1, &census), 0);
    cr_assert_eq(census.overdrawn, 0);
    cr_assert_eq(census.external, 1, "only the list itself is held from outside");
    double value, sum = 0;
    for (int i = 0; i < 200; i++) {
        struct obj *o = list_get(finalize_heirs, i);
        cr_assert(o && float_value(o, &value) == 0);
        sum += value;
        obj_decref(o);
    }
    cr_assert_eq(sum, 199 * 100);
    obj_decref(finalize_heirs);
}

TEST(a_finaliser_may_put_new_objects_into_its_fields)
{
    finalize_many(200, false); /* the harness counts what is left, the sanitizers see what was freed too early */
    obj_decref(finalize_heirs);
}
