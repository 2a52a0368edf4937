/*
 * heads.c -- questions to a head while others count: is it unique, make it immortal. (Weak references: weak.c.)
 *
 * Where from: FIELD.md 3.23 (immortalising against a decref), 3.24 ("unique" must mean owner, one, and nobody else's count: else a write in
 * place meets a reader).
 * Checked: a write in place happens after the others' last reads; what is immortal stays.
 */
#include "things.h"

static struct {
    struct obj *o;
    bool wrote;
} head;

static void head_setup_local(void)
{
    scenario_act_as(0);
    head.o = obj_incref(thing_new(1));
}
static void head_setup_shared(void)
{
    scenario_act_as(0);
    head.o = thing_new(1);
    scenario_act_as(-1);
    obj_incref(head.o);
}

/* --- 3.24 --- */

static void head_write_if_unique(void)
{
    if (rc_is_unique(&head.o->rc))
        thing_set(head.o, 2);
    obj_decref(head.o);
}
static void head_read_and_drop(void)
{
    EXPLORE_CHECK(thing_value(head.o) == 1);
    obj_decref(head.o);
}
static void head_take_read_drop(void)
{
    obj_incref(head.o);
    obj_decref(head.o);
    head_read_and_drop();
}
static const struct scenario unique_local = {
    .name = "unique-write", .summary = "the owner writes in place if it is alone; another drops a reference that the owner counted",
    .source = "FIELD.md 3.24", .setup = head_setup_local, .thread = {head_write_if_unique, head_read_and_drop},
};
SCENARIO(unique_local);
static const struct scenario unique_shared = {
    .name = "unique-write-shared", .summary = "the same, and the other one counted its reference itself", .source = "FIELD.md 3.24",
    .setup = head_setup_shared, .thread = {head_write_if_unique, head_take_read_drop},
};
SCENARIO(unique_shared);

/* --- 3.23 --- */

static void head_immortalise(void)
{
    rc_immortalize(&head.o->rc);
    obj_decref(head.o);
    rt_safepoint();
}
/* Two references more: a count that has just left the range of the immortal would come down to nothing. */
static void head_take_two_read_drop(void)
{
    obj_incref(head.o);
    obj_incref(head.o);
    obj_decref(head.o);
    obj_decref(head.o);
    head_read_and_drop();
}
static void head_check_immortal(void)
{
    EXPLORE_CHECK(rc_is_immortal(&head.o->rc) && thing_value(head.o) == 1);
    obj_dealloc(head.o); /* by hand, for the leak check */
}
static const struct scenario immortalise = {
    .name = "immortalise", .summary = "the owner makes an object immortal while another thread drops a reference to it",
    .source = "FIELD.md 3.23", .setup = head_setup_local, .thread = {head_immortalise, head_take_read_drop}, .check = head_check_immortal,
};
SCENARIO(immortalise);
static const struct scenario immortalise_shared = {
    .name = "immortalise-shared", .summary = "the same with a count of the other's own", .source = "FIELD.md 3.23",
    .setup = head_setup_shared, .thread = {head_immortalise, head_take_two_read_drop}, .check = head_check_immortal,
};
SCENARIO(immortalise_shared);
