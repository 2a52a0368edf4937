/*
 * test_collect.c -- stop the world and the collection of cycles, under every strategy and both ways of tracking.
 */
#include "../gc/collect.h"
#include "../objects/atomic_reference.h"
#include "../objects/concurrent_dict.h"
#include "../objects/dict.h"
#include "../objects/iter.h"
#include "../objects/list.h"
#include "../objects/number.h"
#include "../objects/section.h"
#include "../objects/tuple.h"

/* The runtime once more, tracking. Ends with test_stop as always. */
static void collect_begin(enum track_policy track, int64_t threshold)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_THREAD, .lock = test_lock(), .track = track, .collect_threshold = threshold};
    cr_assert_eq(objects_start(&config), 0);
    gc_start();
}

/* a list that holds itself, and `more` lists in a ring that it holds as well; all unreachable afterwards */
static int collect_ring(int more)
{
    struct obj *first = list_new(0), *last = first;
    if (!first || list_append(first, first) != 0)
        return -1;
    for (int i = 0; i < more; i++) {
        struct obj *next = list_new(0);
        if (!next || list_append(last, next) != 0)
            return -1;
        obj_decref(next);
        last = next;
    }
    int result = list_append(last, first);
    obj_decref(first);
    return result;
}

static int64_t collect_live(void)
{
    rc_drain();
    return heap_live();
}

static void collect_rings(enum track_policy track)
{
    collect_begin(track, 0);
    int64_t before = collect_live();
    for (int i = 0; i < 20; i++)
        cr_assert_eq(collect_ring(i), 0);
    cr_assert_eq(collect_live() - before, 20 + 190);
    cr_assert_eq(gc_collect(), 20 + 190);
    cr_assert_eq(collect_live(), before);
    cr_assert_eq(gc_collect(), 0, "nothing is left to collect");
    cr_assert_eq(gc_statistics().collections, 2);
}
TEST(rings_are_collected_track_thread) { collect_rings(TRACK_THREAD); }
TEST(rings_are_collected_track_locked) { collect_rings(TRACK_LOCKED); }

TEST(without_tracking_nothing_is_collected)
{
    collect_begin(TRACK_OFF, 0);
    struct obj *l = list_new(0);
    cr_assert_eq(list_append(l, l), 0);
    obj_incref(l);
    obj_decref(l);
    cr_assert_eq(gc_collect(), 0);
    list_clear(l);
    obj_decref(l);
}

TEST(what_is_held_from_outside_stays)
{
    collect_begin(TRACK_THREAD, 0);
    struct obj *held = list_new(0), *d = dict_new(0), *inner = list_new(0);
    struct obj *key = int_new(1);
    cr_assert_eq(list_append(inner, d), 0);
    cr_assert_eq(dict_set(d, key, inner), 0);
    cr_assert_eq(list_append(held, d), 0);
    obj_decref(d);
    obj_decref(inner);
    cr_assert_eq(collect_ring(3), 0);
    cr_assert_eq(gc_collect(), 4, "the ring alone");
    struct obj *again = list_get(held, 0), *value;
    cr_assert_eq(dict_get(again, key, &value), 1);
    cr_assert_eq(value, inner);
    obj_decref(value);
    obj_decref(again);
    obj_decref(held); /* now the cycle d - inner is garbage */
    cr_assert_eq(gc_collect(), 2);
    obj_decref(key);
}

TEST(cycles_through_every_container_are_collected)
{
    collect_begin(TRACK_THREAD, 0);
    int64_t before = collect_live();
    struct obj *l = list_new(0), *d = dict_new(0), *key = int_new(7);
    struct obj *t = tuple_new((struct obj *[]){l, d}, 2), *it = iter_new(l);
    cr_assert_eq(dict_set(d, key, t), 0);
    cr_assert_eq(list_append(l, it), 0);
    obj_decref(it);
    obj_decref(t);
    obj_decref(d);
    obj_decref(key);
    obj_decref(l);
    cr_assert_eq(gc_collect(), 4);
    cr_assert_eq(collect_live(), before);
}

TEST(cycles_through_the_helper_types_are_collected)
{
    collect_begin(TRACK_THREAD, 0);
    int64_t before = collect_live();
    struct obj *d = concurrent_dict_new(0), *r = atomic_reference_new(d), *alone = atomic_reference_new(none_get());
    for (int64_t i = 0; i < 300; i++) { /* its shards have been divided */
        struct obj *key = int_new(1000 + i);
        cr_assert_eq(concurrent_dict_set(d, key, i == 150 ? r : key), 0);
        obj_decref(key);
    }
    cr_assert_eq(atomic_reference_set(alone, alone), 0);
    cr_assert_eq(gc_collect(), 0, "held from outside");
    cr_assert_eq(concurrent_dict_length(d), 300);
    obj_decref(r);
    obj_decref(d);
    obj_decref(alone);
    cr_assert_eq(gc_collect(), 3, "containers are counted");
    cr_assert_eq(collect_live(), before);
}

TEST(what_cannot_be_in_a_cycle_is_not_tracked)
{
    collect_begin(TRACK_THREAD, 0);
    struct obj *one = int_new(1), *leaves = tuple_new((struct obj *[]){one, one}, 2), *l = list_new(0);
    struct obj *nested = tuple_new((struct obj *[]){one, l}, 2);
    cr_assert(!obj_is_tracked((struct container *)leaves));
    cr_assert(obj_is_tracked((struct container *)nested));
    cr_assert(obj_is_tracked((struct container *)l));
    obj_decref(nested);
    obj_decref(l);
    obj_decref(leaves);
    obj_decref(one);
}

/* --- finalisers --- */

struct collect_soul {
    struct container base;
    struct obj *held;
};
static int collect_finalized;
static struct obj *collect_saved; /* what finalisers rescue goes here; NULL: they do not */
static bool collect_nested;       /* finalisers collect */
static int collect_rings_left;    /* finalisers leave that many rings behind, with a safepoint each */

static void collect_finalize(struct obj *o)
{
    collect_finalized++;
    if (collect_saved)
        list_append(collect_saved, o);
    if (collect_nested)
        gc_collect();
    for (int i = 0; i < collect_rings_left; i++) {
        collect_ring(0);
        rt_safepoint();
    }
}
static void collect_dealloc(struct obj *o)
{
    if (((struct collect_soul *)o)->held)
        obj_decref_field(((struct collect_soul *)o)->held);
    obj_free(o, sizeof(struct collect_soul));
}
static int collect_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct collect_soul *s = (struct collect_soul *)o;
    return s->held ? visit(s->held, arg) : 0;
}
static void collect_clear(struct obj *o)
{
    struct obj *held = ((struct collect_soul *)o)->held;
    ((struct collect_soul *)o)->held = NULL;
    obj_xdecref(held);
}
static const struct type collect_soul_type = {
    .name = "soul", .flags = TYPE_CONTAINER, .dealloc = collect_dealloc, .traverse = collect_traverse, .clear = collect_clear,
    .finalize = collect_finalize};

/* A soul and a list that hold each other and nothing else does. */
static void collect_soul_cycle(void)
{
    struct collect_soul *s = obj_alloc(&collect_soul_type, sizeof *s);
    s->held = list_new(0);
    obj_track(&s->base);
    cr_assert_eq(list_append(s->held, &s->base.base), 0);
    obj_decref(&s->base.base);
}

TEST(finalisers_of_a_cycle_run_once)
{
    collect_begin(TRACK_THREAD, 0);
    collect_finalized = 0;
    collect_saved = NULL;
    for (int i = 0; i < 5; i++)
        collect_soul_cycle();
    cr_assert_eq(gc_collect(), 10);
    rc_drain();
    cr_assert_eq(collect_finalized, 5);
}

TEST(what_a_finaliser_rescues_lives_on_and_is_not_finalised_again) /* FIELD.md 3.14 */
{
    collect_begin(TRACK_THREAD, 0);
    collect_finalized = 0;
    collect_saved = list_new(0);
    collect_soul_cycle();
    cr_assert_eq(collect_ring(2), 0);
    cr_assert_eq(gc_collect(), 3, "the ring, not the soul and its list");
    cr_assert_eq(gc_statistics().resurrected, 2);
    cr_assert_eq(list_length(collect_saved), 1);
    struct collect_soul *s = (struct collect_soul *)list_get(collect_saved, 0);
    cr_assert_eq(list_length(s->held), 1, "untouched");
    obj_decref(&s->base.base);
    struct obj *saved = collect_saved;
    collect_saved = NULL;
    obj_decref(saved);
    cr_assert_eq(gc_collect(), 2);
    rc_drain();
    cr_assert_eq(collect_finalized, 1);
}

/* A soul that dies by its count. It holds nothing and is not tracked. */
static void collect_soul_alone(void)
{
    struct collect_soul *s = obj_alloc(&collect_soul_type, sizeof *s);
    s->held = NULL;
    obj_decref(&s->base.base);
}

/* In a cycle, and by its count alone: under buffered that is on the commit thread, which cannot wait for itself. */
TEST(a_finaliser_may_collect)
{
    collect_begin(TRACK_THREAD, 0);
    collect_finalized = 0;
    collect_saved = NULL;
    collect_nested = true;
    collect_soul_cycle();
    cr_assert_eq(gc_collect(), 2);
    collect_soul_alone();
    rc_drain();
    collect_nested = false;
    cr_assert_eq(collect_finalized, 2);
}

/* Under buffered they come due on the commit thread, which cannot make them: the others do. */
TEST(garbage_that_finalisers_make_is_collected)
{
    enum { SOULS = 1000, RINGS = 10 };
    collect_begin(TRACK_THREAD, 100);
    collect_saved = NULL;
    collect_rings_left = RINGS;
    for (int i = 0; i < SOULS; i++) {
        collect_soul_alone();
        if (i % 10 == 0)
            rc_drain();
        rt_safepoint();
    }
    rc_drain();
    collect_rings_left = 0;
    cr_assert_gt(gc_statistics().collected, SOULS * RINGS / 2);
    gc_collect();
}

/* --- what cannot be collected --- */

/* One that is tracked and holds nothing yet. */
static struct collect_soul *collect_soul_of(const struct type *type)
{
    struct collect_soul *s = obj_alloc(type, sizeof *s);
    s->held = NULL;
    obj_track(&s->base);
    return s;
}

static const struct type collect_stubborn_type = {
    .name = "stubborn", .flags = TYPE_CONTAINER, .dealloc = collect_dealloc, .traverse = collect_traverse};

static void collect_stubborn(enum track_policy track)
{
    collect_begin(track, 0);
    int64_t before = collect_live();
    struct collect_soul *a = collect_soul_of(&collect_stubborn_type), *b = collect_soul_of(&collect_stubborn_type);
    a->held = &b->base.base; /* nothing but each other holds them */
    b->held = &a->base.base;
    cr_assert_eq(gc_collect(), 2, "once it is tried");
    cr_assert_eq(gc_statistics().uncollectable, 0);
    cr_assert_eq(gc_collect(), 0);
    cr_assert_eq(gc_statistics().uncollectable, 2);
    cr_assert_eq(collect_ring(3), 0);
    cr_assert_eq(gc_collect(), 4, "the ring alone");
    cr_assert_eq(gc_statistics().collected, 6);
    cr_assert_eq(gc_statistics().uncollectable, 2, "how many there are, not how often they were found");
    cr_assert_eq(collect_live() - before, 2);
    a->held = NULL;
    obj_decref(&b->base.base);
    cr_assert_eq(gc_collect(), 0);
    cr_assert_eq(gc_statistics().uncollectable, 0);
    cr_assert_eq(collect_live(), before);
}
TEST(what_clearing_does_not_free_is_uncollectable_track_thread) { collect_stubborn(TRACK_THREAD); }
TEST(what_clearing_does_not_free_is_uncollectable_track_locked) { collect_stubborn(TRACK_LOCKED); }

/* It is part of what lives, of which a quarter makes a collection due. */
TEST(what_is_uncollectable_counts_as_living)
{
    enum { PAIRS = 2000, GROWTH = 500 };
    collect_begin(TRACK_THREAD, 100);
    struct collect_soul *of[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        struct collect_soul *other = collect_soul_of(&collect_stubborn_type);
        of[i] = collect_soul_of(&collect_stubborn_type);
        of[i]->held = &other->base.base;
        other->held = &of[i]->base.base;
    }
    gc_collect();
    cr_assert_eq(gc_collect(), 0);
    cr_assert_eq(gc_statistics().uncollectable, 2 * PAIRS);
    int64_t before = gc_statistics().collections;
    struct obj *kept = list_new(0);
    for (int i = 0; i < GROWTH; i++) {
        struct obj *l = list_new(0);
        cr_assert_eq(list_append(kept, l), 0);
        obj_decref(l);
        rt_safepoint();
    }
    cr_assert_eq(gc_statistics().collections, before);
    obj_decref(kept);
    for (int i = 0; i < PAIRS; i++) {
        struct obj *other = of[i]->held;
        of[i]->held = NULL;
        obj_decref(other);
    }
}

/* What it held goes to whom it may concern. */
static struct obj *collect_handed_on;
static void collect_hand_on(struct obj *o)
{
    collect_handed_on = ((struct collect_soul *)o)->held;
    obj_free(o, sizeof(struct collect_soul));
}
static const struct type collect_generous_type = {
    .name = "generous", .flags = TYPE_CONTAINER, .dealloc = collect_hand_on, .traverse = collect_traverse};

TEST(what_was_cleared_and_is_used_again_is_collected_again)
{
    collect_begin(TRACK_THREAD, 0);
    int64_t before = collect_live();
    struct collect_soul *s = collect_soul_of(&collect_generous_type);
    s->held = list_new(0);
    cr_assert_eq(list_append(s->held, &s->base.base), 0);
    obj_decref(&s->base.base);
    cr_assert_eq(gc_collect(), 2);
    rc_drain();
    cr_assert_eq(collect_live() - before, 1);
    cr_assert_eq(list_append(collect_handed_on, collect_handed_on), 0);
    cr_assert_eq(gc_collect(), 0, "held from outside");
    cr_assert_eq(gc_statistics().uncollectable, 0);
    obj_decref(collect_handed_on);
    gc_collect();
    cr_assert_eq(collect_live(), before);
    gc_collect();
    cr_assert_eq(gc_statistics().uncollectable, 0);
}

/* --- when a collection is due (FIELD.md 1): more tracked than the threshold, and than a quarter of what lives --- */

enum { COLLECT_DUE = 1000, COLLECT_BATCH = 64 };

static void collect_grow(struct obj *kept, int n)
{
    while (n-- > 0) {
        struct obj *l = list_new(0);
        cr_assert_eq(list_append(kept, l), 0);
        obj_decref(l);
        rt_safepoint();
    }
}

static void collect_beyond_the_threshold(enum track_policy track)
{
    collect_begin(track, COLLECT_DUE);
    struct obj *kept = list_new(0);
    collect_grow(kept, COLLECT_DUE - COLLECT_BATCH);
    cr_assert_eq(gc_statistics().collections, 0);
    collect_grow(kept, 3 * COLLECT_BATCH);
    cr_assert_eq(gc_statistics().collections, 1);
    obj_decref(kept);
}
TEST(a_collection_is_due_beyond_the_threshold_track_thread) { collect_beyond_the_threshold(TRACK_THREAD); }
TEST(a_collection_is_due_beyond_the_threshold_track_locked) { collect_beyond_the_threshold(TRACK_LOCKED); }

static void collect_beyond_a_quarter(enum track_policy track)
{
    collect_begin(track, COLLECT_DUE);
    struct obj *kept = list_new(0);
    collect_grow(kept, 8 * COLLECT_DUE);
    gc_collect();
    int64_t before = gc_statistics().collections;
    collect_grow(kept, 2 * COLLECT_DUE - COLLECT_BATCH);
    cr_assert_eq(gc_statistics().collections, before);
    collect_grow(kept, 3 * COLLECT_BATCH);
    cr_assert_eq(gc_statistics().collections, before + 1);
    obj_decref(kept);
}
TEST(a_collection_is_due_beyond_a_quarter_of_the_live_track_thread) { collect_beyond_a_quarter(TRACK_THREAD); }
TEST(a_collection_is_due_beyond_a_quarter_of_the_live_track_locked) { collect_beyond_a_quarter(TRACK_LOCKED); }

/* What takes the room of objects that are gone counts as well: garbage does not grow to the size of the largest heap so far. */
static void collect_in_used_slots(enum track_policy track)
{
    collect_begin(track, COLLECT_DUE);
    struct obj *kept = list_new(0);
    collect_grow(kept, 8 * COLLECT_DUE);
    obj_decref(kept);
    rc_drain();
    gc_collect();
    int64_t before = gc_statistics().collections;
    for (int i = 0; i < COLLECT_DUE - COLLECT_BATCH; i++) {
        cr_assert_eq(collect_ring(0), 0);
        rt_safepoint();
    }
    cr_assert_eq(gc_statistics().collections, before);
    for (int i = 0; i < 3 * COLLECT_BATCH; i++) {
        cr_assert_eq(collect_ring(0), 0);
        rt_safepoint();
    }
    cr_assert_eq(gc_statistics().collections, before + 1);
    cr_assert_gt(gc_statistics().collected, COLLECT_DUE - COLLECT_BATCH);
    gc_collect();
}
TEST(garbage_in_slots_used_before_makes_a_collection_due_track_thread) { collect_in_used_slots(TRACK_THREAD); }
TEST(garbage_in_slots_used_before_makes_a_collection_due_track_locked) { collect_in_used_slots(TRACK_LOCKED); }

/* Nothing but garbage: one collection for each threshold of it, the tenth as the first. */
static void collect_nothing_but_garbage(enum track_policy track)
{
    enum { TIMES = 20 };
    collect_begin(track, COLLECT_DUE);
    for (int i = 0; i < TIMES * (COLLECT_DUE + 2 * COLLECT_BATCH); i++) {
        cr_assert_eq(collect_ring(0), 0);
        rt_safepoint();
    }
    cr_assert_geq(gc_statistics().collections, TIMES);
    gc_collect();
}
TEST(garbage_does_not_pile_up_from_collection_to_collection_track_thread) { collect_nothing_but_garbage(TRACK_THREAD); }
TEST(garbage_does_not_pile_up_from_collection_to_collection_track_locked) { collect_nothing_but_garbage(TRACK_LOCKED); }

/* What is dropped leaves its room to the next: no growth. */
static void collect_come_and_go(enum track_policy track)
{
    if (RC_DEFERS_FREE)
        return; /* rooms are left late, and by another thread */
    collect_begin(track, COLLECT_DUE);
    for (int i = 0; i < 4 * COLLECT_DUE; i++) {
        obj_decref(list_new(0));
        rt_safepoint();
    }
    cr_assert_eq(gc_statistics().collections, 0);
}
TEST(what_comes_and_goes_makes_no_collection_due_track_thread) { collect_come_and_go(TRACK_THREAD); }
TEST(what_comes_and_goes_makes_no_collection_due_track_locked) { collect_come_and_go(TRACK_LOCKED); }

/* What two sweeps in a row have found free is free once. */
static void collect_sweep_twice(enum track_policy track)
{
    collect_begin(track, 0);
    struct obj *kept = list_new(0);
    collect_grow(kept, COLLECT_DUE);
    cr_assert_eq(list_clear(kept), 0);
    rc_drain();
    gc_collect();
    gc_collect();
    collect_grow(kept, 2 * COLLECT_DUE);
    gc_collect();
    cr_assert_eq(gc_statistics().tracked, 2 * COLLECT_DUE + 1);
    obj_decref(kept);
}
TEST(a_slot_that_is_swept_twice_is_given_once_track_thread) { collect_sweep_twice(TRACK_THREAD); }
TEST(a_slot_that_is_swept_twice_is_given_once_track_locked) { collect_sweep_twice(TRACK_LOCKED); }

/* --- threads --- */

enum { COLLECT_ROUNDS = 300 };

/* Makes garbage and keeps some, exchanging lists with the others through a shared one. */
static const char *collect_churn(struct threads_arg *a)
{
    struct obj *shared = a->shared;
    for (int i = 0; i < COLLECT_ROUNDS; i++) {
        if (collect_ring(i % 5) != 0)
            return "no memory";
        struct obj *mine = list_new(0);
        if (!mine || list_append(mine, shared) != 0 || list_append(shared, mine) != 0)
            return "no memory";
        obj_decref(mine);
        struct obj *popped = list_length(shared) > 8 ? list_pop(shared, 0) : NULL;
        if (popped) {
            struct obj *back = list_get(popped, 0);
            if (back != shared)
                return "a live list has lost its item";
            obj_decref(back);
            obj_decref(popped);
        }
        rt_safepoint();
        if (a->index == 0 && i % 20 == 0)
            gc_collect();
    }
    return NULL;
}

static void collect_under_threads(enum track_policy track, int64_t threshold)
{
    collect_begin(track, threshold);
    if (RC_UNSAFE)
        return;
    int64_t before = collect_live();
    struct obj *shared = list_new(0);
    const char *wrong = threads_run(3, collect_churn, shared);
    cr_assert(!wrong, "%s", wrong);
    obj_decref(shared); /* in a cycle with its items */
    rc_drain();
    gc_collect();
    cr_assert_eq(collect_live(), before);
    cr_assert_gt(gc_statistics().collected, 0);
}
TEST(collections_while_threads_run_track_thread) { collect_under_threads(TRACK_THREAD, 0); }
TEST(collections_while_threads_run_track_locked) { collect_under_threads(TRACK_LOCKED, 0); }
TEST(collections_that_come_by_themselves) { collect_under_threads(TRACK_THREAD, 100); }

/* One after the other, threads that leave some garbage and end: it makes a collection due all the same. Who makes it has a safepoint. */
struct collect_short {
    int rings;      /* of two, that each leaves: 1 is less than a batch */
    bool main, own; /* a safepoint after each, on main; each has one as it begins */
};
static const char *collect_leave_rings(struct threads_arg *a)
{
    const struct collect_short *s = a->shared;
    if (s->own)
        rt_safepoint();
    for (int i = 0; i < s->rings; i++)
        if (collect_ring(1) != 0)
            return "no memory";
    return NULL;
}
static void collect_short_threads(enum track_policy track, struct collect_short s)
{
    enum { ROUNDS = 500, THRESHOLD = 100 };
    int64_t each = 2 * s.rings, bound = 4 * (THRESHOLD + each + COLLECT_BATCH), most = 0;
    collect_begin(track, THRESHOLD);
    int64_t before = collect_live();
    for (int i = 0; i < ROUNDS; i++) {
        const char *wrong = threads_run(1, collect_leave_rings, &s);
        cr_assert(!wrong, "%s", wrong);
        if (s.main)
            rt_safepoint();
        int64_t now = collect_live() - before;
        most = now > most ? now : most;
    }
    cr_assert_geq(gc_statistics().collections, ROUNDS * each / bound);
    cr_assert_lt(most, bound);
    gc_collect();
    cr_assert_eq(collect_live(), before);
}
TEST(short_threads_make_a_collection_due_track_thread) { collect_short_threads(TRACK_THREAD, (struct collect_short){1, true, false}); }
TEST(short_threads_make_a_collection_due_track_locked) { collect_short_threads(TRACK_LOCKED, (struct collect_short){1, true, false}); }
TEST(a_collection_due_on_an_ending_thread_is_made_by_another)
{
    collect_short_threads(TRACK_THREAD, (struct collect_short){COLLECT_BATCH, true, false});
}
TEST(a_collection_due_with_no_thread_left_is_made_by_the_next)
{
    collect_short_threads(TRACK_THREAD, (struct collect_short){1, false, true});
}

/* One after the other, threads that track and end. A chunk is kept for what they have left behind, until it is gone. */
static const char *collect_come_and_end(struct threads_arg *a)
{
    struct obj *l = list_new(0);
    int result = l && a->shared ? list_append(a->shared, l) : 0;
    obj_xdecref(l);
    return l && result == 0 ? NULL : "no memory";
}
TEST(chunks_of_ended_threads_go_with_what_is_in_them)
{
    enum { THREADS = 1000, LEAVES = 100 };
    collect_begin(TRACK_THREAD, 0);
    struct obj *kept = list_new(0);
    size_t before = track_chunks();
    for (int i = 0; i < THREADS; i++) {
        const char *wrong = threads_run(1, collect_come_and_end, i % LEAVES ? NULL : kept);
        cr_assert(!wrong, "%s", wrong);
    }
    if (!RC_DEFERS_FREE) /* there the thread may have ended before its list has */
        cr_assert_eq(track_chunks(), before + THREADS / LEAVES);
    gc_collect();
    cr_assert_eq(track_chunks(), before + THREADS / LEAVES);
    cr_assert_eq(gc_statistics().tracked, 1 + THREADS / LEAVES);
    obj_decref(kept);
    gc_collect();
    cr_assert_leq(track_chunks(), before);
}

TEST(threads_that_leave_nothing_behind_make_no_collection_due)
{
    if (RC_DEFERS_FREE)
        return; /* as above */
    collect_begin(TRACK_THREAD, 100);
    for (int i = 0; i < 500; i++) {
        const char *wrong = threads_run(1, collect_come_and_end, NULL);
        cr_assert(!wrong, "%s", wrong);
        rt_safepoint();
    }
    cr_assert_eq(gc_statistics().collections, 0);
}

/* What ended threads left is dropped by others while they end. */
static const char *collect_end_and_drop(struct threads_arg *a)
{
    for (int i = 0; i < COLLECT_ROUNDS; i++) {
        struct obj *mine = list_new(0);
        if (!mine || list_append(a->shared, mine) != 0)
            return "no memory";
        obj_decref(mine);
        obj_xdecref(list_length(a->shared) > 4 ? list_pop(a->shared, 0) : NULL);
        if (i % 3)
            continue;
        thread_end();
        if (thread_begin() != 0)
            return "thread_begin failed";
        if (i % 30 == 0)
            gc_collect();
    }
    return NULL;
}
TEST(others_empty_the_chunks_of_threads_that_end)
{
    if (RC_UNSAFE)
        return;
    collect_begin(TRACK_THREAD, 0);
    struct obj *shared = list_new(0);
    const char *wrong = threads_run(4, collect_end_and_drop, shared);
    cr_assert(!wrong, "%s", wrong);
    obj_decref(shared);
    rc_drain();
    gc_collect();
    cr_assert_leq(track_chunks(), 1);
}

/* One collects; the others count until it has, and so seldom that they never wait for anything. */
static _Atomic bool collect_has_ended;
static _Atomic int collect_counters;
static const char *collect_beside(struct threads_arg *a)
{
    int64_t found = 2;
    atomic_fetch_add_explicit(&collect_counters, 1, memory_order_relaxed); /* relaxed, all: flags alone */
    if (a->index == 0) {
        while (atomic_load_explicit(&collect_counters, memory_order_relaxed) < a->count) /* relaxed: as above */
            rt_safepoint();
        if (collect_ring(1) != 0)
            return "no memory";
        found = gc_collect();
        atomic_store_explicit(&collect_has_ended, true, memory_order_relaxed); /* relaxed: as above */
    }
    while (!atomic_load_explicit(&collect_has_ended, memory_order_relaxed)) { /* relaxed: as above */
        obj_incref(a->shared);
        obj_decref(a->shared);
        for (int i = 0; i < 1000; i++)
            rt_safepoint();
    }
    return found == 2 ? NULL : "the garbage was not found";
}
TEST(a_collection_ends_while_others_go_on_counting)
{
    if (RC_UNSAFE)
        return;
    collect_begin(TRACK_THREAD, 0);
    atomic_store_explicit(&collect_has_ended, false, memory_order_relaxed); /* relaxed: as above */
    atomic_store_explicit(&collect_counters, 0, memory_order_relaxed);      /* relaxed: as above */
    struct obj *shared = list_new(0);
    const char *wrong = threads_run(3, collect_beside, shared);
    cr_assert(!wrong, "%s", wrong);
    cr_assert_eq(gc_statistics().skipped, 0);
    obj_decref(shared);
}

/* Two die at the same safepoint of their owner, dropped by another thread; the finaliser of the first collects, and the second is no
 * garbage (biased: it waits in the list of what the queue brought). */
static struct collect_soul *collect_two[2];
static _Atomic int collect_turn;
static const char *collect_drop_two(struct threads_arg *a)
{
    /* acquire, release: the turn hands the souls over */
    if (a->index == 0) {
        for (int i = 0; i < 2; i++) {
            collect_two[i] = obj_alloc(&collect_soul_type, sizeof *collect_two[i]);
            collect_two[i]->held = NULL;
            obj_track(&collect_two[i]->base);
        }
        atomic_store_explicit(&collect_turn, 1, memory_order_release);
        while (atomic_load_explicit(&collect_turn, memory_order_acquire) != 2)
            os_yield(); /* attached, and at no safepoint */
        collect_nested = true;
    } else {
        while (atomic_load_explicit(&collect_turn, memory_order_acquire) != 1)
            rt_safepoint();
        for (int i = 0; i < 2; i++)
            obj_decref(&collect_two[i]->base.base);
        atomic_store_explicit(&collect_turn, 2, memory_order_release);
    }
    rt_safepoint();
    return NULL;
}
TEST(what_dies_beside_a_finaliser_that_collects_is_no_garbage) /* FIELD.md 3.14 */
{
    if (RC_UNSAFE || RC_NEEDS_GIL)
        return;
    collect_begin(TRACK_THREAD, 0);
    collect_finalized = 0;
    collect_saved = NULL;
    atomic_store_explicit(&collect_turn, 0, memory_order_relaxed); /* relaxed: no other thread yet */
    threads_run(2, collect_drop_two, NULL);
    rc_drain();
    collect_nested = false;
    cr_assert_eq(collect_finalized, 2);
    cr_assert_eq(gc_statistics().collected, 0);
}

/* Finalisers that do whatever stops, drains or blocks, on whichever thread they run, while others do the same. */
static void collect_finalize_busily(struct obj *o)
{
    (void)o;
    collect_ring(0);
    rt_safepoint();
    gc_collect();
    rc_drain();
    thread_stop_world();
    thread_start_world();
    thread_detach();
    os_yield();
    thread_attach();
}
static const struct type collect_busy_type = {
    .name = "busy", .flags = TYPE_CONTAINER, .dealloc = collect_dealloc, .traverse = collect_traverse, .clear = collect_clear,
    .finalize = collect_finalize_busily};

/* One that holds a list, in a cycle with it or not; in the shared list for a while. */
static void collect_busy_one(struct obj *shared, bool cycle)
{
    struct collect_soul *s = obj_alloc(&collect_busy_type, sizeof *s);
    s->held = list_new(0);
    obj_track(&s->base);
    if (cycle)
        list_append(s->held, &s->base.base);
    list_append(shared, &s->base.base);
    obj_xdecref(list_length(shared) > 8 ? list_pop(shared, 0) : NULL);
    obj_decref(&s->base.base);
}
static const char *collect_busily(struct threads_arg *a)
{
    for (int i = 0; i < 100; i++) {
        collect_busy_one(a->shared, i & 1);
        collect_ring(i % 4);
        rt_safepoint();
        switch ((i + a->index * 7) % 24) {
        case 0: gc_collect(); break;
        case 6: thread_stop_world(), thread_start_world(); break;
        case 12: rc_drain(); break;
        case 18: thread_detach(), os_yield(), thread_attach(); break;
        }
    }
    return NULL;
}
static void collect_beside_finalisers(int64_t threshold)
{
    if (RC_UNSAFE)
        return;
    collect_begin(TRACK_THREAD, threshold);
    int64_t before = collect_live();
    struct obj *shared = list_new(0);
    threads_run(6, collect_busily, shared);
    obj_decref(shared);
    rc_drain();
    while (gc_collect() > 0)
        rc_drain();
    cr_assert_eq(collect_live(), before);
}
TEST(finalisers_collect_drain_and_block_beside_others) { collect_beside_finalisers(0); }
TEST(finalisers_collect_drain_and_block_beside_others_with_collections_due) { collect_beside_finalisers(50); }

/* In a section of the list that all want: stops the world, drops what others made (theirs to merge), makes one for others. */
static void collect_finalize_stopping(struct obj *o)
{
    (void)o;
    thread_stop_world();
    thread_start_world();
}
static const struct type collect_stopping_type = {
    .name = "stopping", .flags = TYPE_CONTAINER, .dealloc = collect_dealloc, .traverse = collect_traverse, .clear = collect_clear,
    .finalize = collect_finalize_stopping};
static const char *collect_stop_in_sections(struct threads_arg *a)
{
    for (int i = 0; i < 50; i++) {
        struct section s;
        section_begin(&s, a->shared);
        thread_stop_world();
        thread_start_world();
        for (int k = 0; k < 8; k++) {
            struct collect_soul *one = obj_alloc(&collect_stopping_type, sizeof *one);
            one->held = NULL;
            obj_track(&one->base);
            list_append(a->shared, &one->base.base);
            obj_decref(&one->base.base);
        }
        while (list_length(a->shared) > 24)
            obj_decref(list_pop(a->shared, 0));
        section_end(&s);
        rt_safepoint();
    }
    return rt_self->section ? "a section is left over" : NULL;
}
/* Who stops the world waits for a section's lock again, is sent such a finaliser meanwhile, and must not hold up itself. */
TEST(worlds_are_stopped_in_sections_and_by_finalisers_meanwhile) /* FIELD.md 3.21 */
{
    if (RC_UNSAFE)
        return;
    collect_begin(TRACK_THREAD, 0);
    struct obj *shared = list_new(0);
    const char *wrong = threads_run(4, collect_stop_in_sections, shared);
    obj_decref(shared);
    rc_drain();
    cr_assert(!wrong, "%s", wrong);
}

/* Stops the world now and then; every other thread counts in a word that only a stopped world may see still. */
static _Atomic int64_t collect_ticks;
static const char *collect_stopper(struct threads_arg *a)
{
    for (int i = 0; i < 100; i++) {
        if (a->index < 2) {
            thread_stop_world();
            /* relaxed, all: whether anybody counts is the question, not in which order */
            int64_t seen = atomic_load_explicit(&collect_ticks, memory_order_relaxed);
            for (int k = 0; k < 200; k++)
                if (atomic_load_explicit(&collect_ticks, memory_order_relaxed) != seen) /* relaxed: as above */
                    return "somebody runs while the world is stopped";
            thread_start_world();
        } else {
            atomic_fetch_add_explicit(&collect_ticks, 1, memory_order_relaxed); /* relaxed: as above */
        }
        rt_safepoint();
        if (i % 10 == 0) {
            thread_detach();
            os_yield();
            thread_attach();
        }
    }
    return NULL;
}
TEST(two_threads_stop_the_world_among_four) /* FIELD.md 3.21 */
{
    if (RC_UNSAFE)
        return;
    const char *wrong = threads_run(4, collect_stopper, NULL);
    cr_assert(!wrong, "%s", wrong);
}
