/*
 * test_borrowed.c -- borrowed references under each policy (objects/borrowed.h): how long they last, what ends them, without memory,
 * from finalisers; and what AddressSanitizer says of borrowed=raw (FIELD.md 3.1).
 */
#include "../objects/borrowed.h"
#include "../objects/dict.h"
#include "../objects/list.h"
#include "../objects/number.h"
#include "../objects/section.h"
#include "../objects/weak.h"
#include "build.h"
#include <sys/wait.h>

static void (*lent_at_end)(void); /* what finalisers do; changed only when drained */
static int lent_ended;
static bool lent_wrong; /* what a finaliser found; it may run on another thread */

static void lent_finalize(struct obj *o)
{
    (void)o;
    lent_ended++;
    if (lent_at_end)
        lent_at_end();
}
static void lent_dealloc(struct obj *o) { obj_free(o, sizeof(struct container)); }
static const struct type lent_type = {.name = "lent", .flags = TYPE_CONTAINER, .dealloc = lent_dealloc, .finalize = lent_finalize};

static struct obj *lent_list, *lent_weak; /* a list of one item that it alone holds; a weak reference to that */

static struct obj *lent_new(void)
{
    struct container *c = obj_alloc(&lent_type, sizeof *c);
    return c ? &c->base : NULL;
}

static void lent_begin(enum borrowed_policy policy)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_THREAD, .lock = test_lock(), .borrowed = policy};
    cr_assert_eq(objects_start(&config), 0);
    struct obj *item = lent_new();
    lent_list = list_from(&item, 1);
    lent_weak = weak_new(item);
    obj_decref(item);
    lent_at_end = NULL;
    lent_ended = 0;
    lent_wrong = false;
    rc_drain();
}
static void lent_finish(void)
{
    obj_decref(lent_list);
    obj_decref(lent_weak);
    rc_drain();
    lent_at_end = NULL;
}

static bool lent_lives(void)
{
    struct obj *o;
    int found = weak_get(lent_weak, &o);
    obj_xdecref(o);
    return found == 1;
}
static void lent_replace(void) { list_set(lent_list, 0, none_get()); }
static size_t lent_notes(void) { return heap_self()->borrowed.count; }

/* --- how long --- */

TEST(deferred_borrowed_item_lives_until_the_next_safepoint)
{
    lent_begin(BORROWED_DEFERRED);
    struct obj *item = list_get_borrowed(lent_list, 0);
    lent_replace();
    rc_settle_stw(); /* whatever is deferred otherwise may happen */
    rc_settle_end();
    cr_assert(lent_lives() && obj_is(item, &lent_type));
    rt_safepoint();
    rc_drain();
    cr_assert(!lent_lives());
    cr_assert_eq(lent_ended, 1);
    lent_finish();
}

TEST(deferred_borrowed_value_of_a_dict_lives_until_the_next_safepoint)
{
    lent_begin(BORROWED_DEFERRED);
    struct obj *d = dict_new(0), *key = int_new(7), *item = list_get(lent_list, 0), *found;
    cr_assert_eq(dict_set(d, key, item), 0);
    obj_decref(item);
    lent_replace();
    cr_assert(dict_get_borrowed(d, key, &found) == 1 && found == item);
    cr_assert_eq(dict_del(d, key), 0);
    cr_assert(dict_get_borrowed(d, key, &found) == 0 && !found);
    cr_assert(lent_lives());
    rt_safepoint();
    rc_drain();
    cr_assert(!lent_lives());
    obj_decref(key);
    obj_decref(d);
    lent_finish();
}

TEST(detaching_ends_what_is_borrowed_and_waiting_for_a_lock_does_not)
{
    lent_begin(BORROWED_DEFERRED);
    list_get_borrowed(lent_list, 0);
    lent_replace();
    thread_detach_inside(); /* as lock.c */
    thread_attach();
    cr_assert(lent_notes() == 1 && lent_lives());
    thread_detach();
    cr_assert_eq(lent_notes(), 0);
    thread_attach();
    rc_drain();
    cr_assert(!lent_lives());
    lent_finish();
}

static const char *lent_borrow_and_end(struct threads_arg *a)
{
    (void)a;
    for (int i = 0; i < 5; i++)
        if (!list_get_borrowed(lent_list, 0))
            return "nothing there";
    lent_replace();
    return lent_lives() ? NULL : "it died before the thread ended";
}

TEST(end_of_a_thread_ends_what_it_borrowed)
{
    lent_begin(BORROWED_DEFERRED);
    const char *verdict = threads_run(1, lent_borrow_and_end, NULL);
    cr_assert_null(verdict, "%s", verdict);
    rc_drain();
    cr_assert(!lent_lives());
    lent_finish();
}

TEST(stopped_runtime_holds_nothing_that_was_borrowed)
{
    lent_begin(BORROWED_DEFERRED);
    list_get_borrowed(lent_list, 0);
    obj_decref(lent_list);
    obj_decref(lent_weak); /* test_stop finds a leak if there is one */
}

TEST(many_borrowed_references_are_all_dropped)
{
    enum { MANY = 1000 };
    lent_begin(BORROWED_DEFERRED);
    struct obj *item = list_get(lent_list, 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++)
            cr_assert_eq(list_get_borrowed(lent_list, 0), item);
        cr_assert_eq(lent_notes(), MANY);
        if (!RC_DEFERS_FREE)
            cr_assert_eq(rc_count_stw(&item->rc), MANY + 2);
        rt_safepoint();
        cr_assert_eq(lent_notes(), 0);
        cr_assert_eq(count_of(item), 2);
    }
    cr_assert_null(heap_self()->borrowed.top->below, "one segment is kept");
    obj_decref(item);
    lent_finish();
}

/* --- the policies --- */

/* The getter, whose lock its own section holds, takes that section back before it returns, and may have to wait: a safepoint that the
 * caller has not come to. */
static const struct type lent_quiet_type = {.name = "quiet", .flags = TYPE_CONTAINER, .dealloc = lent_dealloc};
static const char *lent_set_in_sections(struct obj *list)
{
    for (int i = 0; i < 200; i++) {
        struct section s;
        struct obj *item = obj_alloc(&lent_quiet_type, sizeof(struct container));
        section_begin(&s, list);
        bool failed = !item || list_set(list, 0, item) != 0;
        section_end(&s);
        obj_xdecref(item);
        rt_safepoint();
        if (failed)
            return "set failed";
    }
    return NULL;
}
static const char *lent_get_in_sections(struct obj *list)
{
    for (int i = 0; i < 200; i++) {
        struct section s;
        section_begin(&s, list);
        struct obj *item = list_get_borrowed(list, 0);
        bool failed = !item || (item->type != &lent_type && item->type != &lent_quiet_type); /* asan: or it is gone */
        section_end(&s);
        rt_safepoint();
        if (failed)
            return "not what is in the list";
    }
    return NULL;
}
static const char *lent_in_sections(struct threads_arg *a) { return a->index ? lent_set_in_sections(a->shared) : lent_get_in_sections(a->shared); }
TEST(what_is_borrowed_in_a_section_of_its_list_outlasts_the_wait_for_the_section)
{
    if (RC_UNSAFE)
        return;
    lent_begin(BORROWED_AUTO);
    struct section s;
    section_begin(&s, lent_list);
    struct obj *item = list_get_borrowed(lent_list, 0);
    cr_assert_eq(item->type, &lent_type);
    cr_assert_eq(heap_self()->borrowed.count, LOCK_NONE ? 0 : 1);
    section_end(&s);
    rt_safepoint();
    cr_assert_eq(heap_self()->borrowed.count, 0);
    const char *verdict = threads_run(4, lent_in_sections, lent_list);
    cr_assert(!verdict, "%s", verdict);
    lent_finish();
}

TEST(raw_borrowing_counts_nothing)
{
    lent_begin(BORROWED_RAW);
    struct obj *item = list_get_borrowed(lent_list, 0);
    cr_assert(lent_notes() == 0 && count_of(item) == 1);
    lent_finish();
}

TEST(borrowing_by_default_is_what_the_strategy_makes_safe)
{
    lent_begin(BORROWED_AUTO);
    list_get_borrowed(lent_list, 0);
    cr_assert_eq(lent_notes(), RC_KEEPS_BORROWED ? 0 : 1);
    lent_finish();
}

TEST(immortal_items_need_no_note)
{
    lent_begin(BORROWED_DEFERRED);
    lent_replace();
    cr_assert_eq(list_get_borrowed(lent_list, 0), none_get());
    cr_assert_eq(lent_notes(), 0);
    lent_finish();
}

TEST(borrowing_what_is_not_there_is_an_error_and_notes_nothing)
{
    lent_begin(BORROWED_DEFERRED);
    cr_assert(!list_get_borrowed(lent_list, 1) && err_take() == ERR_INDEX);
    cr_assert_eq(lent_notes(), 0);
    lent_finish();
}

/* --- without memory --- */

TEST(borrowing_without_memory_fails_and_loses_nothing)
{
    enum { TRIES = 600 };
    int refused = 0;
    lent_begin(BORROWED_DEFERRED);
    struct obj *item = list_get(lent_list, 0), *d = dict_new(0), *key = int_new(1), *found;
    cr_assert_eq(dict_set(d, key, item), 0);
    for (int at = 1; at < 6; at++) {
        int kept = 0;
        os_fault_plan(at, true);
        for (int i = 0; i < TRIES; i++) {
            bool there = i % 2 ? list_get_borrowed(lent_list, 0) != NULL : dict_get_borrowed(d, key, &found) == 1;
            if (!there)
                cr_assert_eq(err_take(), ERR_MEMORY);
            kept += there;
            refused += !there;
        }
        os_fault_plan(0, false);
        cr_assert_eq(lent_notes(), (size_t)kept);
        rt_safepoint();
        cr_assert(lent_notes() == 0 && count_of(item) == 3);
    }
    cr_assert_gt(refused, 0);
    obj_decref(item);
    obj_decref(d);
    obj_decref(key);
    lent_finish();
}

/* --- finalisers --- */

static struct obj *lent_others; /* a list of items, its only holders */

static void lent_others_begin(int count)
{
    lent_others = list_new(0);
    for (int i = 0; i < count; i++) {
        struct obj *o = lent_new();
        list_append(lent_others, o);
        obj_decref(o);
    }
}

/* Borrows the last of the others, takes it out, and looks at it over what would end a borrow outside of finalisers. */
static void lent_borrow_in_finaliser(void)
{
    struct obj *last = list_length(lent_others) > 0 ? list_get_borrowed(lent_others, -1) : NULL;
    if (!last)
        return;
    obj_decref(list_pop(lent_others, -1));
    lent_wrong = lent_wrong || !obj_is(last, &lent_type);
    rt_safepoint(); /* ends it, and nothing of whom this interrupts */
    list_length(lent_others);
}

TEST(finaliser_that_runs_when_a_borrow_ends_may_borrow_itself)
{
    enum { OTHERS = 20 };
    lent_begin(BORROWED_DEFERRED);
    lent_others_begin(OTHERS);
    lent_at_end = lent_borrow_in_finaliser;
    list_get_borrowed(lent_list, 0);
    lent_replace();
    rt_safepoint();
    rc_drain();
    cr_assert_eq(list_length(lent_others), 0, "each finaliser took the next");
    cr_assert_eq(lent_ended, OTHERS + 1);
    cr_assert(!lent_wrong && lent_notes() == 0);
    obj_decref(lent_others);
    lent_finish();
}

#if !RC_DEFERS_FREE
TEST(safepoint_of_a_finaliser_leaves_its_callers_borrowed_references)
{
    lent_begin(BORROWED_DEFERRED);
    lent_others_begin(1);
    lent_at_end = lent_borrow_in_finaliser;
    struct obj *item = list_get_borrowed(lent_list, 0);
    lent_replace();
    obj_decref(lent_new()); /* its finaliser borrows, reaches a safepoint, and ends one more */
    cr_assert(lent_ended == 2 && !lent_wrong);
    cr_assert(lent_notes() == 1 && lent_lives() && obj_is(item, &lent_type));
    rt_safepoint();
    cr_assert(!lent_lives(), "the bit was set again");
    obj_decref(lent_others);
    lent_finish();
}
#endif

static void lent_borrow_three(void)
{
    for (int i = 0; i < 3 && i < list_length(lent_others); i++)
        list_get_borrowed(lent_others, i);
}

TEST(finaliser_on_an_ending_thread_leaves_no_borrowed_reference)
{
    lent_begin(BORROWED_DEFERRED);
    lent_others_begin(3);
    lent_at_end = lent_borrow_three;
    const char *verdict = threads_run(1, lent_borrow_and_end, NULL);
    cr_assert_null(verdict, "%s", verdict);
    rc_drain();
    cr_assert(!lent_lives());
    lent_at_end = NULL;
    obj_decref(lent_others);
    lent_finish();
}

/* --- the demonstration: A USE AFTER FREE IS EXPECTED under borrowed=raw, unless the strategy keeps what others displace --- */

#if defined(HEAP_ASAN) && !RC_NEEDS_GIL && !RC_UNSAFE

static struct os_barrier lent_turn;

/* Makes the list, so that the item is its own, and replaces it when it has been borrowed: ordered, so that it is gone for certain. */
static void *lent_other_thread(void *unused)
{
    if (thread_begin() != 0)
        _exit(2);
    struct obj *item = list_new(3);
    lent_list = list_from(&item, 1);
    obj_decref(item);
    os_barrier_wait(&lent_turn);
    os_barrier_wait(&lent_turn);
    lent_replace();
    os_barrier_wait(&lent_turn);
    os_barrier_wait(&lent_turn);
    return unused;
}

/* A child's life. Nobody reaches a safepoint. */
static _Noreturn void lent_use_what_is_gone(enum borrowed_policy policy)
{
    struct objects_config config = {.heap = HEAP_MALLOC, .lock = LOCK_BY_FUTEX, .borrowed = policy};
    pthread_t other;
    os_barrier_init(&lent_turn, 2);
    if (objects_start(&config) != 0 || os_spawn(&other, lent_other_thread, NULL) != 0)
        _exit(2);
    os_barrier_wait(&lent_turn);
    struct obj *item = list_get_borrowed(lent_list, 0);
    os_barrier_wait(&lent_turn);
    os_barrier_wait(&lent_turn);
    _exit(list_length(item) == 0 ? 0 : 3);
}

/* Whether AddressSanitizer reports the use after free. */
static bool lent_is_reported(enum borrowed_policy policy)
{
    char text[4096];
    int fd[2], status;
    ssize_t used = 0, more;
    cr_assert_eq(pipe(fd), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        dup2(fd[1], STDERR_FILENO);
        close(fd[0]);
        close(fd[1]);
        lent_use_what_is_gone(policy);
    }
    close(fd[1]);
    while ((more = read(fd[0], text + used, used < 4000 ? 4095 - (size_t)used : 0)) > 0)
        used += more;
    text[used] = 0;
    close(fd[0]); /* what more it has to say goes nowhere */
    waitpid(child, &status, 0);
    bool reported = strstr(text, "heap-use-after-free") != NULL;
    cr_assert(reported || (WIFEXITED(status) && WEXITSTATUS(status) == 0), "%s", text);
    return reported;
}

TEST(sanitizer_finds_raw_borrowing_where_the_strategy_does_not_keep_the_item)
{
    cr_assert_eq(objects_stop(), 0); /* no helper thread at the fork */
    bool raw = lent_is_reported(BORROWED_RAW), deferred = lent_is_reported(BORROWED_DEFERRED), usual = lent_is_reported(BORROWED_AUTO);
    test_start();
    cr_assert_eq(raw, !RC_KEEPS_BORROWED);
    cr_assert(!deferred && !usual);
}
#endif
