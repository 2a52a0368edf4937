/*
 * finalise.c -- destructors that do things: a finaliser that saves what its object held; one that locks another container.
 *
 * Where from: FIELD.md 3.14 and buffered's rc_fields_escape (a field that a finaliser copied must not be dropped at once); 3.4 (a
 * destructor runs under a container's lock and locks another one: AB/BA deadlock). Nothing may run a destructor under a lock.
 * Checked: what was saved is alive until its last holder drops it; no deadlock; both containers end with what was set.
 */
#include "things.h"

static struct {
    struct obj *o, *saved, *a, *b;
} fin;

/* --- resurrect --- */

static void fin_save(struct thing *t) { list_append(fin.saved, t->field); }
static void fin_setup_resurrect(void)
{
    fin.saved = list_new(1);
    scenario_act_as(0);
    struct obj *field = thing_new(1);
    fin.o = mortal_new(fin_save, field);
    scenario_act_as(-1);
    obj_incref(fin.o); /* B's, counted by a stranger: either of the two may be the last */
}
static void fin_drop(void) { obj_decref(fin.o); }
static void fin_drop_and_take(void)
{
    obj_decref(fin.o);
    struct obj *field = list_pop(fin.saved, 0);
    if (!field)
        return;
    EXPLORE_CHECK(thing_value(field) == 1);
    thing_set(field, 2);
    obj_decref(field);
}
static void fin_check_resurrect(void)
{
    struct obj *field = list_pop(fin.saved, 0);
    if (field) {
        EXPLORE_CHECK(thing_value(field) == 1);
        obj_decref(field);
    }
    obj_decref(fin.saved);
}
static const struct scenario resurrect = {
    .name = "resurrect", .summary = "two threads drop an object whose finaliser saves its field in a list, from where one takes it",
    .source = "FIELD.md 3.14", .setup = fin_setup_resurrect, .thread = {fin_drop, fin_drop_and_take}, .check = fin_check_resurrect,
};
SCENARIO(resurrect);

/* --- destructors and locks --- */

static void fin_ask_a(struct thing *t) { (void)t, (void)list_length(fin.a); }
static void fin_ask_b(struct thing *t) { (void)t, (void)list_length(fin.b); }
static struct obj *fin_list(void (*finalize)(struct thing *))
{
    struct obj *l = list_new(1), *item = mortal_new(finalize, NULL);
    list_append(l, item);
    obj_decref(item);
    return l;
}
static void fin_setup_lists(void)
{
    scenario_act_as(0);
    fin.a = fin_list(fin_ask_b);
    scenario_act_as(1);
    fin.b = fin_list(fin_ask_a);
}
static void fin_set_a(void) { list_set(fin.a, 0, none_get()); }
static void fin_set_b(void) { list_set(fin.b, 0, none_get()); }
static void fin_clear_b(void) { list_clear(fin.b); }
static void fin_check_lists(void)
{
    EXPLORE_CHECK(list_length(fin.a) == 1);
    obj_decref(fin.a);
    obj_decref(fin.b);
}
static const struct scenario destructor_locks = {
    .name = "destructor-locks", .summary = "two threads replace items whose finalisers lock the other thread's list",
    .source = "FIELD.md 3.4", .setup = fin_setup_lists, .thread = {fin_set_a, fin_set_b}, .check = fin_check_lists,
};
SCENARIO(destructor_locks);
static const struct scenario destructor_locks_clear = {
    .name = "destructor-locks-clear", .summary = "one replaces, the other clears a list", .source = "FIELD.md 3.4",
    .setup = fin_setup_lists, .thread = {fin_set_a, fin_clear_b}, .check = fin_check_lists,
};
SCENARIO(destructor_locks_clear);
