/*
 * test_weak.c -- weak references and dicts with weak values: alone, with the collector, without memory, and with many threads (FIELD.md 3.20).
 */
#include "../gc/collect.h"
#include "../objects/weak.h"
#include "../objects/weakdict.h"
#include "build.h"

/* --- a target that knows whether it lives --- */

enum { WEAK_ALIVE = 0x11fe, WEAK_DEAD = 0xdead };

struct weak_probe {
    struct container base;
    _Atomic int64_t state; /* relaxed throughout: the counts must order it */
    struct obj *held;      /* or NULL */
};
static _Atomic int64_t weak_births, weak_deaths;
static void (*weak_at_end)(struct obj *); /* what finalisers do; changed only when drained */

static void weak_probe_finalize(struct obj *o)
{
    if (weak_at_end)
        weak_at_end(o);
}
static void weak_probe_dealloc(struct obj *o)
{
    struct weak_probe *p = (struct weak_probe *)o;
    atomic_store_explicit(&p->state, WEAK_DEAD, memory_order_relaxed);
    atomic_fetch_add_explicit(&weak_deaths, 1, memory_order_relaxed);
    if (p->held)
        obj_decref_field(p->held);
    obj_free(o, sizeof *p);
}
static int weak_probe_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct weak_probe *p = (struct weak_probe *)o;
    return p->held ? visit(p->held, arg) : 0;
}
static void weak_probe_clear(struct obj *o)
{
    struct obj *held = ((struct weak_probe *)o)->held;
    ((struct weak_probe *)o)->held = NULL;
    obj_xdecref(held);
}
static const struct type weak_probe_type = {
    .name = "probe", .flags = TYPE_CONTAINER, .dealloc = weak_probe_dealloc, .traverse = weak_probe_traverse,
    .clear = weak_probe_clear, .finalize = weak_probe_finalize};

/* New; `held` is borrowed. NULL: no memory. */
static struct obj *weak_probe_new(struct obj *held)
{
    struct weak_probe *p = obj_alloc(&weak_probe_type, sizeof *p);
    if (!p)
        return NULL;
    atomic_init(&p->state, WEAK_ALIVE);
    p->held = held ? obj_incref(held) : NULL;
    atomic_fetch_add_explicit(&weak_births, 1, memory_order_relaxed);
    obj_track(&p->base);
    return &p->base.base;
}
static bool weak_probe_alive(struct obj *o)
{
    return atomic_load_explicit(&((struct weak_probe *)o)->state, memory_order_relaxed) == WEAK_ALIVE;
}

static void weak_begin(enum track_policy track, int64_t threshold)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_THREAD, .track = track, .collect_threshold = threshold};
    cr_assert_eq(objects_start(&config), 0);
    gc_start();
    weak_births = weak_deaths = 0;
    weak_at_end = NULL;
}

/* What weak_get gives, dropped again: 1, 0, -1. */
static int weak_look(struct obj *weak)
{
    struct obj *o;
    int found = weak_get(weak, &o);
    obj_xdecref(o);
    return found;
}

/* --- one thread --- */

TEST(a_weak_reference_gives_its_target_while_that_lives)
{
    struct obj *l = list_new(0), *weak = weak_new(l), *o;
    cr_assert_eq(weak_get(weak, &o), 1);
    cr_assert_eq(o, l);
    obj_decref(l);
    rc_drain();
    cr_assert_eq(weak_look(weak), 1, "the reference that weak_get gave keeps it");
    obj_decref(o);
    rc_drain();
    cr_assert_eq(weak_get(weak, &o), 0);
    cr_assert_null(o);
    cr_assert(weak_is_cleared((struct weak *)weak));
    obj_decref(weak);
}

TEST(a_weak_reference_does_not_count)
{
    struct obj *l = list_new(0), *weak = weak_new(l);
    cr_assert_eq(count_of(l), 1);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(weak_look(weak), 1);
    cr_assert_eq(count_of(l), 1);
    obj_decref(weak);
    obj_decref(l);
}

TEST(weak_references_to_one_object_are_one)
{
    struct obj *l = list_new(0), *other = list_new(0), *weak = weak_new(l);
    struct obj *again = weak_new(l), *third = weak_new(other);
    cr_assert_eq(weak, again);
    cr_assert_neq(weak, third);
    obj_decref(weak);
    obj_decref(again);
    rc_drain();
    again = weak_new(l);
    cr_assert_eq(weak_look(again), 1, "a new one when the old is gone");
    obj_decref(again);
    obj_decref(third);
    obj_decref(other);
    obj_decref(l);
}

TEST(only_containers_have_weak_references)
{
    struct obj *one = int_new(1), *o;
    cr_assert_null(weak_new(one));
    cr_assert(raised(ERR_TYPE, "needs a container, not int"));
    cr_assert_eq(weak_get(one, &o), -1);
    cr_assert(raised(ERR_TYPE, "expected weakref, not int"));
    obj_decref(one);
}

TEST(many_weak_references_find_their_own_targets)
{
    enum { MANY = 3000 };
    struct obj *targets = list_new(0), *weaks = list_new(0);
    for (int i = 0; i < MANY; i++) {
        struct obj *l = list_of_ints(i), *weak = own(weak_new(l));
        cr_assert_eq(list_append(targets, l), 0);
        cr_assert_eq(list_append(weaks, weak), 0);
        drop_owned();
    }
    for (int i = 0; i < MANY; i += 2)
        cr_assert_eq(list_set(targets, i, none_get()), 0);
    rc_drain();
    for (int i = 0; i < MANY; i++) {
        struct obj *o, *weak = own(list_get(weaks, i));
        cr_assert_eq(weak_get(weak, &o), i % 2);
        if (o)
            cr_assert_eq(value_of(own(list_get(own(o), 0))), i);
    }
    drop_owned();
    obj_decref(weaks); /* before some targets, after others */
    obj_decref(targets);
}

/* FIELD.md 3.13: what cannot be made says so; what can is whole. */
TEST(making_a_weak_reference_without_memory)
{
    int refused = 0;
    for (int at = 1; at < 40; at++) {
        struct obj *targets = list_new(0), *weaks = list_new(0);
        for (int i = 0; i < 30; i++) {
            struct obj *l = own(list_new(0));
            cr_assert_eq(list_append(targets, l), 0);
        }
        os_fault_plan(at, true);
        for (int i = 0; i < 30; i++) {
            struct obj *l = list_get(targets, i), *weak = weak_new(l);
            if (weak && list_append(weaks, weak) != 0)
                err_take();
            if (!weak) {
                refused++;
                cr_assert_eq(err_take(), ERR_MEMORY);
            } else {
                cr_assert_eq(weak_look(weak), 1);
                obj_decref(weak);
            }
            obj_decref(l);
        }
        os_fault_plan(0, false);
        drop_owned();
        obj_decref(targets);
        rc_drain();
        for (int64_t i = 0; i < list_length(weaks); i++) {
            struct obj *weak = list_get(weaks, i);
            cr_assert_eq(weak_look(weak), 0);
            obj_decref(weak);
        }
        obj_decref(weaks);
        rc_drain();
    }
    cr_assert_gt(refused, 0);
}

/* A strategy that logs has nowhere to log to. */
TEST(upgrades_and_drops_without_memory_balance)
{
    enum { HELD = 100 };
    struct obj *l = list_new(0), *weak = weak_new(l), *held[HELD];
    rc_drain();
    os_fault_plan(1, true);
    for (int i = 0; i < HELD; i++) {
        cr_assert_eq(weak_get(weak, &held[i]), 1);
        obj_incref(l);
        if (i % 3 == 0)
            rt_safepoint();
    }
    obj_decref(l);
    for (int i = 0; i < HELD; i++) {
        obj_decref(held[i]);
        if (i % 5 == 0)
            rt_safepoint_slow();
    }
    cr_assert_eq(count_of(l), HELD);
    cr_assert_eq(weak_look(weak), 1);
    for (int i = 0; i < HELD; i++)
        obj_decref(l);
    rc_drain();
    cr_assert_eq(weak_look(weak), 0);
    os_fault_plan(0, false);
    obj_decref(weak);
}

static struct obj *weak_seen; /* weak references that finalisers look at, or make */
static int weak_seen_alive;
static void weak_end_looks(struct obj *o)
{
    (void)o;
    weak_seen_alive += weak_look(weak_seen) != 0;
}

TEST(a_finaliser_finds_the_weak_references_to_its_object_cleared)
{
    weak_begin(TRACK_OFF, 0);
    weak_seen_alive = 0;
    weak_at_end = weak_end_looks;
    struct obj *p = weak_probe_new(NULL);
    weak_seen = weak_new(p);
    cr_assert_eq(weak_look(weak_seen), 1);
    obj_decref(p);
    rc_drain();
    cr_assert_eq(weak_deaths, 1);
    cr_assert_eq(weak_seen_alive, 0);
    obj_decref(weak_seen);
}

/* --- the collector --- */

/* A probe and a list that hold each other. New. */
static struct obj *weak_cycle(void)
{
    struct obj *l = list_new(0), *p = l ? weak_probe_new(l) : NULL;
    if (p && list_append(l, p) != 0)
        die("weak_cycle", ENOMEM);
    obj_decref(l);
    return p;
}

static void weak_cycles(enum track_policy track)
{
    weak_begin(track, 0);
    weak_seen_alive = 0;
    weak_at_end = weak_end_looks;
    struct obj *a = weak_cycle(), *b = weak_cycle(), *weak_b = weak_new(b);
    weak_seen = weak_new(a);
    cr_assert_eq(list_append(((struct weak_probe *)b)->held, a), 0); /* b's finaliser, too, could look at a */
    obj_decref(a);
    cr_assert_eq(gc_collect(), 0);
    cr_assert_eq(weak_look(weak_seen), 1, "alive: so are its weak references");
    obj_decref(b);
    rc_drain();
    cr_assert_eq(weak_look(weak_seen), 1, "nobody knows yet that it is garbage");
    cr_assert_eq(gc_collect(), 4);
    rc_drain();
    cr_assert_eq(weak_deaths, 2);
    cr_assert_eq(weak_seen_alive, 0, "cleared before any finaliser ran");
    cr_assert_eq(weak_look(weak_b), 0);
    obj_decref(weak_b);
    obj_decref(weak_seen);
}
TEST(weak_references_to_garbage_are_cleared_before_finalisers_track_thread) { weak_cycles(TRACK_THREAD); }
TEST(weak_references_to_garbage_are_cleared_before_finalisers_track_locked) { weak_cycles(TRACK_LOCKED); }

TEST(an_upgraded_reference_keeps_a_cycle)
{
    weak_begin(TRACK_THREAD, 0);
    struct obj *p = weak_cycle(), *weak = weak_new(p), *o;
    obj_decref(p);
    cr_assert_eq(weak_get(weak, &o), 1);
    cr_assert_eq(gc_collect(), 0);
    cr_assert(weak_probe_alive(o));
    obj_decref(o);
    cr_assert_eq(gc_collect(), 2);
    cr_assert_eq(weak_look(weak), 0);
    obj_decref(weak);
}

static struct obj *weak_saved; /* a list */
static void weak_end_saves(struct obj *o) { list_append(weak_saved, o); }

TEST(what_a_finaliser_rescues_has_lost_its_weak_references)
{
    weak_begin(TRACK_THREAD, 0);
    weak_at_end = weak_end_saves;
    weak_saved = list_new(0);
    struct obj *p = weak_cycle(), *weak = weak_new(p);
    obj_decref(p);
    cr_assert_eq(gc_collect(), 0);
    cr_assert_eq(list_length(weak_saved), 1);
    cr_assert_eq(weak_look(weak), 0, "it lives, they do not come back");
    struct obj *again = weak_new(p);
    cr_assert_neq(again, weak);
    cr_assert_eq(weak_look(again), 1, "a new one is as good as any");
    obj_decref(weak_saved);
    rc_drain();
    cr_assert_eq(gc_collect(), 2);
    cr_assert_eq(weak_look(again), 0);
    obj_decref(again);
    obj_decref(weak);
}

static void weak_end_makes(struct obj *o)
{
    if (!weak_seen)
        weak_seen = weak_new(o);
}
static int weak_second_alive;
static void weak_second_clear(struct obj *o)
{
    weak_second_alive += weak_look(weak_seen);
    weak_probe_clear(o);
}
static const struct type weak_second_type = {
    .name = "second", .flags = TYPE_CONTAINER, .dealloc = weak_probe_dealloc, .traverse = weak_probe_traverse,
    .clear = weak_second_clear, .finalize = weak_probe_finalize};

TEST(weak_references_that_finalisers_make_to_garbage_are_cleared_before_it_is)
{
    weak_begin(TRACK_THREAD, 0);
    weak_at_end = weak_end_makes;
    weak_seen = NULL;
    weak_second_alive = 0;
    struct obj *p = weak_cycle();
    p->type = &weak_second_type;
    obj_decref(p);
    cr_assert_eq(gc_collect(), 2);
    rc_drain();
    cr_assert_not_null(weak_seen);
    cr_assert_eq(weak_second_alive, 0, "nobody gets hold of what is being taken apart");
    cr_assert_eq(weak_deaths, 1);
    obj_decref(weak_seen);
}

static void weak_end_makes_and_saves(struct obj *o)
{
    weak_end_makes(o);
    weak_end_saves(o);
}
TEST(weak_references_that_finalisers_make_to_what_they_rescue_stay)
{
    weak_begin(TRACK_THREAD, 0);
    weak_at_end = weak_end_makes_and_saves;
    weak_seen = NULL;
    weak_saved = list_new(0);
    obj_decref(weak_cycle());
    cr_assert_eq(gc_collect(), 0);
    cr_assert_eq(weak_look(weak_seen), 1);
    obj_decref(weak_saved);
    rc_drain();
    cr_assert_eq(gc_collect(), 2);
    cr_assert_eq(weak_look(weak_seen), 0);
    obj_decref(weak_seen);
}

/* --- weak dict --- */

TEST(a_weak_dict_keeps_its_keys_and_not_its_values)
{
    struct obj *d = weakdict_new(), *l = list_new(0), *found;
    cr_assert_eq(weakdict_get(d, num(1), &found), 0);
    cr_assert_eq(weakdict_set(d, num(1), l), 0);
    cr_assert_eq(weakdict_set(d, num(2), own(list_new(0))), 0);
    cr_assert_eq(weakdict_length(d), 2);
    cr_assert_eq(count_of(l), 1);
    cr_assert_eq(weakdict_get(d, num(1), &found), 1);
    cr_assert_eq(found, l);
    obj_decref(found);
    obj_decref(l);
    rc_drain();
    cr_assert_eq(weakdict_length(d), 1);
    cr_assert_eq(weakdict_get(d, num(1), &found), 0);
    cr_assert_null(found);
    cr_assert_eq(table_used(&((struct weakdict *)d)->table), 1, "who met the dead entry took it out");
    obj_decref(d);
    drop_owned();
}

TEST(setting_again_replaces_the_value)
{
    struct obj *d = own(weakdict_new()), *a = own(list_new(0)), *b = own(list_new(0)), *found;
    cr_assert_eq(weakdict_set(d, text("k"), a), 0);
    cr_assert_eq(weakdict_set(d, text("k"), b), 0);
    cr_assert_eq(weakdict_length(d), 1);
    cr_assert_eq(weakdict_get(d, text("k"), &found), 1);
    cr_assert_eq(own(found), b);
    drop_owned();
}

TEST(setdefault_gives_what_is_alive_and_replaces_what_is_dead)
{
    struct obj *d = own(weakdict_new()), *a = list_new(0), *b = own(list_new(0)), *found;
    cr_assert_eq(weakdict_setdefault(d, num(1), a, &found), 0);
    cr_assert_eq(found, a);
    obj_decref(found);
    cr_assert_eq(weakdict_setdefault(d, num(1), b, &found), 1);
    cr_assert_eq(found, a);
    obj_decref(found);
    obj_decref(a);
    rc_drain();
    cr_assert_eq(weakdict_setdefault(d, num(1), b, &found), 0);
    cr_assert_eq(found, b);
    obj_decref(found);
    cr_assert_eq(weakdict_length(d), 1);
    drop_owned();
}

TEST(deleting_from_a_weak_dict_what_is_not_there_or_dead_is_a_key_error)
{
    struct obj *d = own(weakdict_new()), *a = list_new(0), *found;
    cr_assert_eq(weakdict_del(d, num(5)), -1);
    cr_assert(raised(ERR_KEY, "5"));
    cr_assert_eq(weakdict_set(d, num(5), a), 0);
    cr_assert_eq(weakdict_del(d, num(5)), 0);
    cr_assert_eq(weakdict_get(d, num(5), &found), 0);
    cr_assert_eq(weakdict_set(d, num(5), a), 0);
    obj_decref(a);
    rc_drain();
    cr_assert_eq(weakdict_del(d, num(5)), -1);
    cr_assert(raised(ERR_KEY, "5"));
    cr_assert_eq(table_used(&((struct weakdict *)d)->table), 0);
    drop_owned();
}

TEST(a_weak_dict_refuses_what_it_cannot_hold)
{
    struct obj *d = own(weakdict_new()), *l = own(list_new(0)), *found;
    cr_assert_eq(weakdict_set(d, num(1), num(1)), -1);
    cr_assert(raised(ERR_TYPE, "needs a container, not int"));
    cr_assert_eq(weakdict_set(d, l, l), -1);
    cr_assert(raised(ERR_TYPE, "list"));
    cr_assert_eq(weakdict_get(l, num(1), &found), -1);
    cr_assert(raised(ERR_TYPE, "expected weakdict, not list"));
    cr_assert_eq(weakdict_length(l), -1);
    err_take();
    cr_assert_eq(weakdict_length(d), 0);
    drop_owned();
}

TEST(dead_entries_do_not_pile_up)
{
    struct obj *d = own(weakdict_new()), *kept = own(list_new(0));
    for (int64_t i = 0; i < 5000; i++) {
        struct obj *l = list_new(0), *k = int_new(1000000 + i);
        cr_assert_eq(weakdict_set(d, k, l), 0);
        if (i % 500 == 0)
            cr_assert_eq(list_append(kept, l), 0);
        obj_decref(l);
        obj_decref(k);
        if (i % 50 == 0)
            rc_drain();
    }
    rc_drain();
    cr_assert_eq(weakdict_length(d), 10);
    cr_assert_lt(table_used(&((struct weakdict *)d)->table), 300);
    drop_owned();
}

TEST(a_weak_dict_without_memory_stays_as_it_was)
{
    struct obj *d = own(weakdict_new()), *kept = own(list_new(64)), *found;
    int failed = 0;
    for (int64_t i = 0; i < 60; i++) {
        struct obj *l = own(list_new(0)), *k = num(1000 + i);
        cr_assert_eq(list_append(kept, l), 0);
        for (int64_t at = 1;; at++) {
            os_fault_plan(at, false);
            int result = weakdict_set(d, k, l);
            os_fault_plan(0, false);
            if (result == 0)
                break;
            failed++;
            cr_assert_eq(err_take(), ERR_MEMORY);
            cr_assert_eq(weakdict_length(d), i);
        }
        cr_assert_eq(weakdict_get(d, k, &found), 1);
        cr_assert_eq(own(found), l);
    }
    cr_assert_gt(failed, 0);
    drop_owned();
}

/* The value's finaliser, which runs wherever it dies, uses the dict. */
static void weak_end_uses_dict(struct obj *o)
{
    struct obj *k = int_new(77), *found;
    (void)o;
    if (k && weakdict_get(weak_seen, k, &found) == 1)
        obj_decref(found);
    obj_xdecref(k);
}
TEST(a_value_that_dies_may_use_the_dict)
{
    weak_begin(TRACK_OFF, 0);
    weak_at_end = weak_end_uses_dict;
    weak_seen = weakdict_new();
    for (int i = 0; i < 100; i++) {
        struct obj *p = weak_probe_new(NULL), *k = int_new(i);
        cr_assert_eq(weakdict_set(weak_seen, k, p), 0);
        obj_decref(k);
        obj_decref(p);
        rt_safepoint();
    }
    rc_drain();
    cr_assert_eq(weak_deaths, 100);
    cr_assert_eq(weakdict_length(weak_seen), 0);
    obj_decref(weak_seen);
    rc_drain();
}

#if !RC_UNSAFE
/* --- threads --- */

#ifdef OS_TSAN
enum { WEAK_SCALE = 8 };
#else
enum { WEAK_SCALE = 1 };
#endif

/* What rc_allow_weak promises: what is alive is found so, by a stranger, as long as its maker holds it. */
static const char *weak_try(struct threads_arg *a)
{
    struct obj *o = a->shared;
    for (int i = 0; i < 1000; i++) {
        if (!rc_try_incref(&o->rc))
            return "a live object could not be had";
        if (i % 7 == 0)
            rt_safepoint();
        obj_decref(o);
    }
    return NULL;
}
TEST(after_allow_weak_every_thread_gets_what_is_alive)
{
    struct obj *l = list_new(0);
    rc_allow_weak(&l->rc);
    const char *wrong = threads_run(3, weak_try, l);
    cr_assert(!wrong, "%s", wrong);
    cr_assert_eq(count_of(l), 1);
    obj_decref(l);
}

/* Slots with weak references that everybody upgrades and replaces; each thread keeps a few targets for a while. */
enum { WEAK_SLOTS = 8, WEAK_KEPT = 4 };
static const char *weak_churn_one(struct obj *slots, struct obj **kept, uint64_t *seed)
{
    uint64_t r = work_random(seed);
    int64_t at = (int64_t)(r % WEAK_SLOTS);
    struct obj *weak = list_get(slots, at), *o = NULL;
    if (obj_is(weak, &weak_type) && weak_get(weak, &o) == 1 && !weak_probe_alive(o))
        return "an upgrade gave a dead object";
    obj_decref(weak);
    if (!o) {
        o = weak_probe_new(NULL);
        weak = o ? weak_new(o) : NULL;
        if (!weak || list_set(slots, at, weak) != 0)
            return "no memory";
        obj_decref(weak);
    }
    struct obj **keep = &kept[r >> 8 & (WEAK_KEPT - 1)];
    obj_xdecref(*keep);
    *keep = o;
    if ((r >> 16) % 3 == 0) {
        *keep = NULL;
        obj_decref(o);
    }
    return NULL;
}
static const char *weak_churn(struct threads_arg *a)
{
    struct obj *kept[WEAK_KEPT] = {NULL};
    uint64_t seed = 77 + (uint64_t)a->index;
    const char *wrong = NULL;
    for (int i = 0; i < 20000 / WEAK_SCALE && !wrong; i++) {
        wrong = weak_churn_one(a->shared, kept, &seed);
        if (work_random(&seed) % 5 == 0)
            rt_safepoint();
        if (work_random(&seed) % 997 == 0) {
            thread_detach();
            thread_attach();
        }
    }
    for (int i = 0; i < WEAK_KEPT; i++)
        obj_xdecref(kept[i]);
    return wrong;
}
TEST(threads_upgrade_while_others_drop_the_last)
{
    weak_begin(TRACK_OFF, 0);
    struct obj *slots = list_new(WEAK_SLOTS);
    for (int i = 0; i < WEAK_SLOTS; i++)
        cr_assert_eq(list_append(slots, none_get()), 0);
    const char *wrong = threads_run(4, weak_churn, slots);
    cr_assert(!wrong, "%s", wrong);
    rc_drain();
    cr_assert_eq(weak_births, weak_deaths);
    for (int i = 0; i < WEAK_SLOTS; i++) {
        struct obj *weak = list_get(slots, i);
        cr_assert(!obj_is(weak, &weak_type) || weak_look(weak) == 0);
        obj_decref(weak);
    }
    obj_decref(slots);
}

/* One object that is never without a holder: every upgrade must succeed, over as many epochs as there are. */
static const char *weak_hammer(struct threads_arg *a)
{
    struct obj *weak = a->shared, *o, *again;
    for (int i = 0; i < 20000 / WEAK_SCALE; i++) {
        if (weak_get(weak, &o) != 1)
            return "a live object could not be upgraded";
        if (i % 3 == 0)
            rt_safepoint();
        if (weak_get(weak, &again) != 1 || !weak_probe_alive(again))
            return "a held object could not be upgraded";
        obj_decref(o);
        if (i % 7 == 0)
            rt_safepoint();
        obj_decref(again);
    }
    return NULL;
}
TEST(upgrades_by_many_threads_balance)
{
    weak_begin(TRACK_OFF, 0);
    struct obj *p = weak_probe_new(NULL), *weak = weak_new(p);
    const char *wrong = threads_run(4, weak_hammer, weak);
    cr_assert(!wrong, "%s", wrong);
    cr_assert_eq(count_of(p), 1);
    obj_decref(p);
    rc_drain();
    cr_assert_eq(weak_deaths, 1);
    obj_decref(weak);
}

/* A cache: whoever finds nothing makes a value, and all who hold one at a time hold the same. */
static const char *weak_cache(struct threads_arg *a)
{
    uint64_t seed = 5 + (uint64_t)a->index;
    for (int i = 0; i < 6000 / WEAK_SCALE; i++) {
        uint64_t r = work_random(&seed);
        struct obj *k = int_new((int64_t)(r % 24) + 1000), *o, *made, *again = NULL;
        int found = k ? weakdict_get(a->shared, k, &o) : -1;
        if (found == 0 && (made = weak_cycle())) {
            found = weakdict_setdefault(a->shared, k, made, &o);
            obj_decref(made);
        }
        if (found < 0 || !o)
            return "a cache operation failed";
        if (!weak_probe_alive(o) || list_length(((struct weak_probe *)o)->held) != 1)
            return "a dead or cleared value came out of the cache";
        if (r >> 32 & 1)
            rt_safepoint();
        if ((r >> 40) % 16 == 0) {
            if (weakdict_del(a->shared, k) != 0)
                err_take();
        } else if (weakdict_get(a->shared, k, &again) < 0 || (again && !weak_probe_alive(again))) {
            return "a second look found a dead value";
        }
        obj_xdecref(again);
        obj_decref(o);
        obj_decref(k);
        if (a->index == 0 && i % 500 == 0)
            gc_collect();
    }
    return NULL;
}
static void weak_caches(enum track_policy track, int64_t threshold)
{
    weak_begin(track, threshold);
    struct obj *d = weakdict_new();
    const char *wrong = threads_run(8, weak_cache, d);
    cr_assert(!wrong, "%s", wrong);
    rc_drain();
    gc_collect();
    rc_drain();
    cr_assert_eq(weak_births, weak_deaths, "cycles and all");
    cr_assert_eq(weakdict_length(d), 0);
    obj_decref(d);
}
TEST(eight_threads_share_a_cache_of_cycles_track_thread) { weak_caches(TRACK_THREAD, 200); }
TEST(eight_threads_share_a_cache_of_cycles_track_locked) { weak_caches(TRACK_LOCKED, 0); }

/* While a thread holds the value of a key, nobody gets another one, and everybody gets this one. */
static const char *weak_same(struct threads_arg *a)
{
    struct obj *k = int_new(4711), *last = NULL;
    const char *wrong = k ? NULL : "no memory";
    for (int i = 0; i < 5000 / WEAK_SCALE && !wrong; i++) {
        struct obj *made = weak_probe_new(NULL), *o;
        if (!made || weakdict_setdefault(a->shared, k, made, &o) < 0)
            return "no memory";
        if (last && last != o)
            wrong = "another value while the old one was held";
        obj_decref(made);
        obj_xdecref(last);
        last = o;
        if (i % 5 == a->index % 5) {
            obj_decref(last);
            last = NULL;
        }
        rt_safepoint();
    }
    obj_xdecref(last);
    obj_decref(k);
    return wrong;
}
TEST(a_held_value_is_the_only_one_of_its_key)
{
    weak_begin(TRACK_OFF, 0);
    struct obj *d = weakdict_new();
    const char *wrong = threads_run(8, weak_same, d);
    cr_assert(!wrong, "%s", wrong);
    rc_drain();
    cr_assert_eq(weak_births, weak_deaths);
    obj_decref(d);
}

/* Two threads' weak references to the same targets are made and dropped while a third drops the targets. */
static const char *weak_make_and_drop(struct threads_arg *a)
{
    struct obj *targets = a->shared;
    for (int i = 0; i < 8000 / WEAK_SCALE; i++) {
        int64_t at = i % WEAK_SLOTS;
        struct obj *o = list_get(targets, at), *weak = o ? weak_new(o) : NULL, *made = NULL;
        if (!weak || weak_look(weak) != 1)
            return "a held object has no weak reference";
        if (a->index == 0 && (!(made = weak_probe_new(NULL)) || list_set(targets, at, made) != 0))
            return "no memory";
        obj_xdecref(made);
        obj_decref(o);
        weak_look(weak);
        obj_decref(weak);
        rt_safepoint();
    }
    return NULL;
}
TEST(weak_references_come_and_go_in_all_threads)
{
    weak_begin(TRACK_OFF, 0);
    struct obj *targets = list_new(WEAK_SLOTS);
    for (int i = 0; i < WEAK_SLOTS; i++) {
        struct obj *p = weak_probe_new(NULL);
        cr_assert_eq(list_append(targets, p), 0);
        obj_decref(p);
    }
    const char *wrong = threads_run(4, weak_make_and_drop, targets);
    cr_assert(!wrong, "%s", wrong);
    obj_decref(targets);
    rc_drain();
    cr_assert_eq(weak_births, weak_deaths);
}
#endif
