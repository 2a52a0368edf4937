/*
 * atomic-reference.c -- AtomicReference: who gets an object, while another thread replaces it and drops its last reference.
 *
 * Where from: FIELD.md 3.1 (read, somebody replaces it, incref: use after free) for ft_utils' AtomicReference.
 * Checked: what is got lives and is one of the values that were set; a compare_exchange has one winner; counts.
 */
#include "../../objects/atomic_reference.h"
#include "../../objects/number.h"
#include "things.h"

static struct {
    struct obj *reference, *first, *second, *third;
    int won[2];
} cell;

/* The reference alone holds its object, which was made by B. */
static void cell_setup(void)
{
    scenario_act_as(1);
    struct obj *first = thing_new(1);
    cell.reference = atomic_reference_new(first);
    obj_decref(first);
    cell.second = thing_new(2);
}
static void cell_get(void)
{
    struct obj *o = atomic_reference_get(cell.reference);
    EXPLORE_CHECK(thing_value(o) == 1 || thing_value(o) == 2);
    obj_decref(o);
    rt_safepoint();
}
static void cell_exchange(void)
{
    struct obj *old = atomic_reference_exchange(cell.reference, cell.second);
    EXPLORE_CHECK(thing_value(old) == 1);
    obj_decref(old);
    rt_safepoint();
}
static void cell_set(void)
{
    EXPLORE_CHECK(atomic_reference_set(cell.reference, cell.second) == 0);
    rt_safepoint();
}
static void cell_check(void)
{
    struct obj *o = atomic_reference_get(cell.reference);
    EXPLORE_CHECK(o == cell.second);
    obj_decref(o);
    obj_decref(cell.second);
    obj_decref(cell.reference);
}
static const struct scenario reference_get = {
    .name = "reference-get", .summary = "AtomicReference: get against an exchange that drops the last reference", .source = "FIELD.md 3.1",
    .setup = cell_setup, .thread = {cell_get, cell_exchange}, .check = cell_check,
};
SCENARIO(reference_get);
static const struct scenario reference_get_set = {
    .name = "reference-get-set", .summary = "AtomicReference: get against set, by a thread that did not make the object",
    .source = "FIELD.md 3.1", .setup = cell_setup, .thread = {cell_set, cell_get}, .check = cell_check,
};
SCENARIO(reference_get_set);

/* Logs are being applied, and the reader is in the new epoch already: as dec-before-inc of epochs.c, where it counts without a lock. */
static void cell_setup_log(void)
{
    scenario_act_as(1);
    cell.reference = atomic_reference_new(none_get());
    atomic_init(&((struct atomic_reference *)cell.reference)->object, thing_new(1)); /* by hand: nothing is in B's log */
    cell.second = thing_new(2);
    scenario_act_as(0);
    things_fill_log(cell.second, 1);
}
static void cell_join_and_get(void)
{
    rt_safepoint();
    struct obj *o = atomic_reference_get(cell.reference);
    EXPLORE_CHECK(o == none_get() || thing_value(o) == 1);
    obj_decref(o);
}
static void cell_empty_and_join(void)
{
    EXPLORE_CHECK(atomic_reference_set(cell.reference, none_get()) == 0);
    rt_safepoint();
}
static void cell_check_log(void)
{
    obj_decref(cell.second);
    obj_decref(cell.reference);
}
static const struct scenario reference_get_epoch = {
    .name = "reference-get-epoch", .summary = "AtomicReference: get against a set that drops the last reference, while an epoch closes",
    .source = "FIELD.md 3.27", .setup = cell_setup_log, .thread = {cell_join_and_get, cell_empty_and_join}, .check = cell_check_log,
};
SCENARIO(reference_get_epoch);

/* --- two that swap on what both expect --- */

static void cell_setup_two(void)
{
    cell_setup();
    cell.first = atomic_reference_get(cell.reference);
    cell.third = thing_new(3);
}
static void cell_swap_a(void) { cell.won[0] = atomic_reference_compare_exchange(cell.reference, cell.first, cell.second); }
static void cell_swap_b(void) { cell.won[1] = atomic_reference_compare_exchange(cell.reference, cell.first, cell.third); }
static void cell_check_two(void)
{
    EXPLORE_CHECK(cell.won[0] + cell.won[1] == 1);
    struct obj *o = atomic_reference_get(cell.reference);
    EXPLORE_CHECK(o == (cell.won[0] ? cell.second : cell.third));
    obj_decref(o);
    obj_decref(cell.reference);
    obj_decref(cell.first);
    obj_decref(cell.second);
    obj_decref(cell.third);
}
static const struct scenario reference_swap = {
    .name = "reference-swap", .summary = "AtomicReference: two threads compare-and-exchange on the same object", .source = "FT_UTILS.md",
    .setup = cell_setup_two, .thread = {cell_swap_a, cell_swap_b}, .check = cell_check_two,
};
SCENARIO(reference_swap);
