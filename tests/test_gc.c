/*
 * test_gc.c -- the census of the heap: it sees what is there, and it sees when counts and references disagree.
 */
#include "../objects/list.h"
#include "../objects/number.h"

static struct gc_census gc_test_census(struct obj *root)
{
    struct gc_census census;
    rc_drain();
    cr_assert_eq(gc_census_stw(&root, 1, &census), 0);
    return census;
}

TEST(census_of_a_tree_has_one_external_reference)
{
    struct obj *root = list_new(0);
    for (int i = 0; i < 200; i++) {
        struct obj *child = list_new(0), *leaf = float_new(i);
        cr_assert_eq(list_append(child, leaf), 0);
        cr_assert_eq(list_append(root, child), 0);
        obj_decref(leaf);
        obj_decref(child);
    }
    struct gc_census census = gc_test_census(root);
    cr_assert_eq(census.objects, 401);
    cr_assert_eq(census.internal, 400);
    cr_assert_eq(census.external, 1);
    cr_assert_eq(census.overdrawn, 0);
    obj_decref(root);
}

TEST(census_follows_a_cycle_once)
{
    struct obj *a = list_new(0), *b = list_new(0);
    cr_assert_eq(list_append(a, b), 0);
    cr_assert_eq(list_append(b, a), 0);
    struct gc_census census = gc_test_census(a);
    cr_assert_eq(census.objects, 2);
    cr_assert_eq(census.internal, 2);
    cr_assert_eq(census.external, 2);
    cr_assert_eq(list_clear(a), 0);
    obj_decref(a);
    obj_decref(b);
}

TEST(census_finds_an_overdrawn_count)
{
    struct obj *root = list_new(0), *leaf = float_new(1.5);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(list_append(root, leaf), 0);
    obj_decref(leaf);
    obj_decref(leaf); /* one too many: the list believes that it holds three */
    cr_assert_eq(gc_test_census(root).overdrawn, 1);
    obj_incref(leaf);
    cr_assert_eq(gc_test_census(root).overdrawn, 0);
    obj_decref(root);
}

TEST(census_without_memory_is_an_error)
{
    struct obj *root = list_new(0);
    struct gc_census census;
    rc_drain();
    os_fault_plan(1, true);
    cr_assert_eq(gc_census_stw(&root, 1, &census), -1);
    os_fault_plan(0, false);
    cr_assert_eq(err_take(), ERR_MEMORY);
    obj_decref(root);
}
