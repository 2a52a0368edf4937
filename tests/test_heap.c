/*
 * test_heap.c -- memory of objects: each policy gives back what it gave out, and mimalloc is where it should be and nowhere else.
 */
#include "build.h"

#ifdef HAVE_MIMALLOC
enum { HEAP_POLICIES = HEAP_MIMALLOC + 1 };
#else
enum { HEAP_POLICIES = HEAP_MIMALLOC };
#endif

/* False: this build lacks the policy, and the runtime runs as it was. */
static bool heap_restart(enum heap_policy policy)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = policy};
    if (objects_start(&config) == 0)
        return true;
    config.heap = HEAP_THREAD;
    cr_assert_eq(objects_start(&config), 0);
    return false;
}

/* Arrays grow and shrink, objects of all classes and beyond; what one thread makes another frees. */
static const char *heap_churn(struct threads_arg *a)
{
    static char much[2 * HEAP_MAX];
    for (int i = 0; i < 400; i++) {
        rt_safepoint();
        struct obj *n = int_new(1000 + i), *s = str_new(much, (size_t)(i * 37 % (2 * HEAP_MAX))), *d = dict_new(0);
        if (!n || !s || !d || list_append(a->shared, s) != 0 || dict_set(d, n, s) != 0 || list_append(a->shared, d) != 0)
            return "no memory";
        obj_decref(d);
        obj_decref(s);
        obj_decref(n);
        if (i % 50 == 49)
            list_set_slice(a->shared, 0, 60, NULL);
    }
    return NULL;
}

TEST(memory_goes_back_under_every_policy)
{
    for (int policy = 0; policy < HEAP_POLICIES; policy++) {
        cr_assert(heap_restart((enum heap_policy)policy));
        int64_t live = live_now();
        struct obj *l = list_new(0);
        const char *verdict = threads_run(RC_UNSAFE ? 1 : 3, heap_churn, l);
        cr_assert_null(verdict, "%s", verdict);
        obj_decref(l);
        cr_assert_eq(live_now(), live);
    }
}

#ifdef HAVE_MIMALLOC
/* That malloc is still libc's under the other policies is a matter of the order of libraries (Makefile). */
TEST(mimalloc_serves_its_policy_alone)
{
    for (int policy = 0; policy < HEAP_POLICIES; policy++) {
        cr_assert(heap_restart((enum heap_policy)policy));
        struct obj *l = list_of_range(1000, 1200);
        bool is_its = policy == HEAP_MIMALLOC;
        void *other = malloc(100);
        cr_assert_eq(mi_is_in_heap_region(l), is_its);
        cr_assert_eq(mi_is_in_heap_region(((struct list *)l)->item), is_its, "arrays as well");
        cr_assert_eq(mi_is_in_heap_region(rt_self), is_its);
        cr_assert_not(mi_is_in_heap_region(other), "malloc is libc's");
        free(other);
        drop_owned();
    }
}
#else
TEST(policy_that_the_build_lacks_is_refused)
{
    cr_assert_not(heap_restart(HEAP_MIMALLOC));
    cr_assert_not_null(num(1));
    drop_owned();
}
#endif
