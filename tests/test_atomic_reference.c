/*
 * test_atomic_reference.c -- AtomicReference: whose reference is whose, identity, and readers while others replace what they read.
 */
#include "../objects/atomic_reference.h"
#include "build.h"
#include "linearizability.h"
#include "threads.h"

TEST(atomic_reference_gives_what_it_was_made_with)
{
    struct obj *o = key(1, 1), *r = own(atomic_reference_new(o));
    cr_assert(own(atomic_reference_get(r)) == o && own(atomic_reference_get(r)) == o);
    cr_assert_eq(count_of(o), 4);
    drop_owned();
}

TEST(atomic_reference_set_drops_what_it_displaces)
{
    struct obj *a = key(1, 1), *b = key(1, 2), *r = own(atomic_reference_new(a));
    cr_assert(atomic_reference_set(r, b) == 0 && own(atomic_reference_get(r)) == b);
    cr_assert(count_of(a) == 1 && count_of(b) == 3);
    cr_assert(atomic_reference_set(r, b) == 0 && count_of(b) == 3, "by itself as well");
    cr_assert(atomic_reference_set(r, none_get()) == 0 && count_of(b) == 2);
    drop_owned();
}

TEST(atomic_reference_exchange_passes_its_reference_on)
{
    struct obj *a = key(1, 1), *b = key(1, 2), *r = own(atomic_reference_new(a));
    cr_assert(own(atomic_reference_exchange(r, b)) == a && count_of(a) == 2 && count_of(b) == 2);
    cr_assert(own(atomic_reference_exchange(r, b)) == b && count_of(b) == 3);
    drop_owned();
}

TEST(atomic_reference_compare_exchange_asks_for_identity)
{
    struct obj *a = key(1, 1), *equal = key(1, 1), *b = key(1, 2), *r = own(atomic_reference_new(a));
    cr_assert(obj_equal(a, equal) == 1 && atomic_reference_compare_exchange(r, equal, b) == 0);
    cr_assert(count_of(a) == 2 && count_of(equal) == 1 && count_of(b) == 1);
    cr_assert(atomic_reference_compare_exchange(r, a, b) == 1 && own(atomic_reference_get(r)) == b);
    cr_assert(count_of(a) == 1 && count_of(b) == 3);
    cr_assert(atomic_reference_compare_exchange(r, b, b) == 1 && count_of(b) == 3, "by itself");
    drop_owned();
}

TEST(atomic_reference_operations_name_the_wrong_type)
{
    struct obj *no = text("no");
    cr_assert(!atomic_reference_get(no) && raised(ERR_TYPE, "expected AtomicReference, not str"));
    cr_assert(!atomic_reference_exchange(no, no) && raised(ERR_TYPE, "str"));
    cr_assert(atomic_reference_set(no, no) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(atomic_reference_compare_exchange(no, no, no) == -1 && raised(ERR_TYPE, "str") && count_of(no) == 1);
    drop_owned();
}

TEST(atomic_reference_drops_its_object_when_it_dies)
{
    int64_t live = live_now();
    struct obj *o = key_new(1, 1), *r = atomic_reference_new(o);
    obj_decref(o);
    cr_assert_eq(live_now(), live + 2);
    obj_decref(r);
    cr_assert_eq(live_now(), live);
}

TEST(atomic_reference_shows_its_object_and_stops_at_itself)
{
    struct obj *r = own(atomic_reference_new(list_of_ints(1, 2)));
    cr_assert_str_eq(shown(r), "AtomicReference([1, 2])");
    cr_assert_eq(children_of(r), 1);
    cr_assert_eq(atomic_reference_set(r, r), 0);
    cr_assert(!obj_repr(r) && raised(ERR_RECURSION, "500") && heap_self()->depth == 0);
    r->type->clear(r);
    cr_assert_str_eq(shown(r), "AtomicReference(None)");
    drop_owned();
}

/* The displaced object's finaliser uses the very reference: under a lock it would wait for itself (FIELD.md 3.4). */
static struct obj *reference_in_use;
static _Atomic int reference_seen;
static int reference_look(void)
{
    struct obj *now = atomic_reference_get(reference_in_use);
    atomic_fetch_add_explicit(&reference_seen, obj_is(now, &int_type), memory_order_relaxed);
    obj_decref(now);
    return atomic_reference_set(reference_in_use, none_get());
}
TEST(atomic_reference_is_free_when_the_displaced_object_dies)
{
    reference_in_use = own(atomic_reference_new(none_get()));
    for (int way = 0; way < 3; way++) {
        struct obj *dying = key_new(1, way), *next = num(1000 + way);
        cr_assert_eq(atomic_reference_set(reference_in_use, dying), 0);
        reference_seen = 0;
        key_at_finalize = reference_look;
        if (way == 2)
            cr_assert_eq(atomic_reference_compare_exchange(reference_in_use, dying, next), 1);
        obj_decref(dying);
        if (way == 0)
            cr_assert_eq(atomic_reference_set(reference_in_use, next), 0);
        else if (way == 1)
            obj_decref(atomic_reference_exchange(reference_in_use, next));
        rc_drain();
        key_at_finalize = NULL;
        cr_assert_eq(reference_seen, 1, "way %d", way);
        cr_assert_eq(own(atomic_reference_get(reference_in_use)), none_get());
    }
    drop_owned();
}

TEST(atomic_reference_without_memory_is_an_error)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_MALLOC, .lock = test_lock()};
    cr_assert_eq(objects_start(&config), 0);
    struct obj *o = key(1, 1), *r = NULL;
    for (int64_t at = 1; !r; at++) {
        os_fault_plan(at, true);
        r = atomic_reference_new(o);
        os_fault_plan(0, false);
        cr_assert(r || (raised(ERR_MEMORY, "out of memory") && count_of(o) == 1));
    }
    own(r);
    rc_drain();
    os_fault_plan(1, true);
    bool works = atomic_reference_set(r, none_get()) == 0 && atomic_reference_compare_exchange(r, none_get(), o) == 1;
    os_fault_plan(0, false);
    cr_assert(works && count_of(o) == 2);
    drop_owned();
}

#if !RC_UNSAFE

/* --- many threads --- */

enum { REFERENCE_THREADS = 8, REFERENCE_MAGIC = 0x5afe };
#ifdef OS_TSAN
enum { REFERENCE_STEPS = 200 };
#else
enum { REFERENCE_STEPS = 3000 };
#endif

/* Larger than HEAP_MAX: freed memory goes to malloc, where the sanitizers see a late access. */
struct reference_box {
    struct obj base;
    int64_t magic, value;
    char rest[HEAP_MAX];
};
static void reference_box_dealloc(struct obj *o)
{
    ((struct reference_box *)o)->magic = 0;
    obj_free(o, sizeof(struct reference_box));
}
static const struct type reference_box_type = {.name = "box", .dealloc = reference_box_dealloc};
static struct obj *reference_box_new(int64_t value)
{
    struct reference_box *b = obj_alloc(&reference_box_type, sizeof *b);
    if (b) {
        b->magic = REFERENCE_MAGIC;
        b->value = value;
    }
    return &b->base;
}

/* Half of the threads replace, the others read; what is read lives. */
static const char *reference_read_or_replace(struct threads_arg *a)
{
    for (int i = 0; i < REFERENCE_STEPS; i++) {
        struct obj *o = a->index % 2 ? atomic_reference_get(a->shared) : reference_box_new(i);
        if (!o || ((struct reference_box *)o)->magic != REFERENCE_MAGIC)
            return "a dead object";
        if (a->index % 4 == 0)
            atomic_reference_set(a->shared, o);
        else if (a->index % 4 == 2)
            obj_decref(atomic_reference_exchange(a->shared, o));
        obj_decref(o);
        rt_safepoint();
    }
    return NULL;
}
TEST(atomic_reference_get_never_gives_a_dead_object)
{
    int64_t live = live_now();
    struct obj *first = reference_box_new(0), *r = atomic_reference_new(first);
    obj_decref(first);
    cr_assert_null(threads_run(REFERENCE_THREADS, reference_read_or_replace, r));
    obj_decref(r);
    cr_assert_eq(live_now(), live);
}

/* Each object put in comes out once: of all values, what came out and what is left add up to what went in. */
struct reference_sums {
    struct obj *reference;
    _Atomic int64_t in, out;
};
static const char *reference_pass_on(struct threads_arg *a)
{
    struct reference_sums *s = a->shared;
    for (int i = 0; i < REFERENCE_STEPS; i++) {
        int64_t value = (int64_t)a->index << 32 | i;
        struct obj *box = reference_box_new(value), *old = atomic_reference_exchange(s->reference, box);
        obj_decref(box);
        atomic_fetch_add_explicit(&s->in, value, memory_order_relaxed);
        atomic_fetch_add_explicit(&s->out, ((struct reference_box *)old)->value, memory_order_relaxed);
        obj_decref(old);
        rt_safepoint();
    }
    return NULL;
}
TEST(atomic_reference_exchanges_give_each_object_to_one_thread)
{
    struct obj *first = own(reference_box_new(0));
    struct reference_sums s = {.reference = own(atomic_reference_new(first))};
    cr_assert_null(threads_run(REFERENCE_THREADS, reference_pass_on, &s));
    struct reference_box *last = (struct reference_box *)own(atomic_reference_get(s.reference));
    cr_assert_eq(s.in, s.out + last->value);
    drop_owned();
}

/* A counter of immutable boxes: compare_exchange publishes only on what was read. */
static const char *reference_count_up(struct threads_arg *a)
{
    for (int i = 0, swapped = 0; i < REFERENCE_STEPS / 4; i++, swapped = 0)
        while (!swapped) {
            struct obj *now = atomic_reference_get(a->shared);
            struct obj *next = reference_box_new(((struct reference_box *)now)->value + 1);
            swapped = atomic_reference_compare_exchange(a->shared, now, next);
            obj_decref(now);
            obj_decref(next);
            rt_safepoint();
        }
    return NULL;
}
TEST(atomic_reference_compare_exchange_loses_no_update)
{
    struct obj *r = own(atomic_reference_new(own(reference_box_new(0))));
    cr_assert_null(threads_run(REFERENCE_THREADS, reference_count_up, r));
    cr_assert_eq(((struct reference_box *)own(atomic_reference_get(r)))->value, REFERENCE_THREADS * (REFERENCE_STEPS / 4));
    drop_owned();
}

/* --- linearizability --- */

/* A register. Argument and result are values. */
enum reference_kind { REFERENCE_GET, REFERENCE_SET, REFERENCE_EXCHANGE, REFERENCE_SWAP_IF };
static const char *const reference_kinds[] = {"get", "set", "exchange", "compare_exchange with a value that was read"};
static size_t reference_room(int operations) { return (void)operations, sizeof(int64_t); }
static bool reference_apply(void *state, const struct lin_op *op)
{
    int64_t *value = state, before = *value;
    switch (op->kind) {
    case REFERENCE_GET: return op->result == before;
    case REFERENCE_SET: *value = op->argument; return true;
    case REFERENCE_EXCHANGE: *value = op->argument; return op->result == before;
    default: /* argument: expected << 32 | new; result: 1 or 0 */
        if (op->result)
            *value = op->argument & UINT32_MAX;
        return op->result == (before == op->argument >> 32);
    }
}
static const struct lin_model reference_model = {
    .name = "AtomicReference", .room = reference_room, .apply = reference_apply, .kinds = reference_kinds};

struct reference_recorded {
    struct lin_history history;
    struct obj *reference, *box[33]; /* box[v] has value v; 0 is there at the beginning */
};
static int64_t reference_value(struct obj *o)
{
    int64_t value = ((struct reference_box *)o)->value;
    obj_decref(o);
    return value;
}
static const char *reference_record(struct threads_arg *a)
{
    struct reference_recorded *s = a->shared;
    for (int i = 0; i < 8; i++) {
        int kind = (i * 3 + a->index) % 4;
        int64_t value = 1 + a->index * 8 + i, result = 0, expected = 0;
        if (kind == REFERENCE_SWAP_IF) {
            struct lin_op *get = lin_invoke(&s->history, a->index, REFERENCE_GET, 0, 0);
            lin_return(&s->history, get, expected = reference_value(atomic_reference_get(s->reference)));
        }
        struct lin_op *op = lin_invoke(&s->history, a->index, kind, 0, expected << 32 | value);
        if (kind == REFERENCE_GET)
            result = reference_value(atomic_reference_get(s->reference));
        else if (kind == REFERENCE_SET)
            atomic_reference_set(s->reference, s->box[value]);
        else if (kind == REFERENCE_EXCHANGE)
            result = reference_value(atomic_reference_exchange(s->reference, s->box[value]));
        else
            result = atomic_reference_compare_exchange(s->reference, s->box[expected], s->box[value]);
        lin_return(&s->history, op, result);
        op->argument = kind == REFERENCE_SWAP_IF ? op->argument : value;
        rt_safepoint();
    }
    return NULL;
}
TEST(atomic_reference_histories_are_linearizable)
{
    struct reference_recorded s;
    for (int64_t v = 0; v < 33; v++)
        s.box[v] = own(reference_box_new(v));
    for (int round = 0; round < 100; round++) {
        s.reference = own(atomic_reference_new(s.box[0]));
        lin_begin(&s.history, 4, 16);
        cr_assert_null(threads_run(4, reference_record, &s));
        struct lin_result r = lin_check(&s.history, &reference_model);
        if (r.verdict != LIN_YES)
            lin_explain(&s.history, &r);
        cr_assert_eq(r.verdict, LIN_YES);
        lin_end(&s.history);
    }
    drop_owned();
}

#endif
