/*
 * test_counters.c -- the toolkit's own counters agree with each other: what was queued was merged, what was logged was
 * applied. They are complete only when every thread has ended, so these tests stop the runtime themselves.
 */
#include "../objects/dict.h"
#include "../objects/list.h"
#include "../objects/number.h"
#include "../objects/set.h"

enum { COUNTERS_ITEMS = 3000 };

static int64_t counters_of(enum rc_counter which) { return (int64_t)thread_counter_total(which); }

/* Threads pass objects through one list: each drops what others made. */
static const char *counters_traffic(struct threads_arg *a)
{
    struct obj *list = a->shared;
    for (int i = 0; i < COUNTERS_ITEMS; i++) {
        struct obj *mine = float_new(i), *other;
        if (!mine || list_append(list, mine) != 0)
            return "no memory";
        obj_decref(mine);
        if (i % 2 && (other = list_pop(list, 0)) != NULL)
            obj_decref(other);
        rt_safepoint();
    }
    return NULL;
}

/* Runs the traffic and stops the runtime; it runs again afterwards, for the harness. */
static void counters_take(int threads)
{
    struct obj *list = list_new(0);
    const char *verdict = threads_run(threads, counters_traffic, list);
    cr_assert_null(verdict, "%s", verdict);
    obj_decref(list);
    cr_assert_eq(objects_stop(), 0);
    test_start();
}

TEST(what_was_queued_was_merged)
{
    counters_take(RC_UNSAFE ? 1 : 3);
    cr_assert_eq(counters_of(RC_STAT_merge_queued),
                 counters_of(RC_STAT_merge_drained) + counters_of(RC_STAT_merge_foreign_drained));
}

TEST(what_was_logged_was_applied)
{
    counters_take(RC_UNSAFE ? 1 : 3);
    cr_assert_eq(counters_of(RC_STAT_log_inc), counters_of(RC_STAT_commit_inc));
    cr_assert_eq(counters_of(RC_STAT_log_dec), counters_of(RC_STAT_commit_dec));
    cr_assert_eq(counters_of(RC_STAT_log_dec) > 0, RC_DEFERS_FREE, "a log is what a deferring strategy has");
}

TEST(every_list_operation_takes_its_lock_once)
{
    counters_take(1);
    int64_t acquired = counters_of(RC_STAT_lock_acquired);
    cr_assert_eq(acquired, LOCK_NONE ? 0 : COUNTERS_ITEMS + COUNTERS_ITEMS / 2);
    cr_assert_leq(counters_of(RC_STAT_lock_biased), acquired);
    cr_assert_leq(counters_of(RC_STAT_lock_contended), acquired);
}

TEST(references_taken_and_dropped_balance)
{
    counters_take(1);
    /* one reference comes with each object, and one of each is given up: objects = drops - increfs */
    int64_t increfs = counters_of(RC_STAT_incref) + counters_of(RC_STAT_incref_shared);
    int64_t decrefs = counters_of(RC_STAT_decref) + counters_of(RC_STAT_decref_shared);
    cr_assert_geq(increfs, COUNTERS_ITEMS);
    cr_assert_eq(decrefs - increfs, COUNTERS_ITEMS + 1); /* the floats and the list; the numbers' cache is immortal */
}

/* --- locks by type --- */

/* One list, one dict and one set, used by all threads at once. */
struct counters_shared {
    struct obj *list, *dict, *set;
};

static const char *counters_lock_all(struct threads_arg *a)
{
    struct counters_shared *s = a->shared;
    struct obj *key = int_new(a->index);
    if (!key)
        return "no memory";
    for (int i = 0; i < COUNTERS_ITEMS; i++) {
        if (list_append(s->list, key) != 0 || dict_set(s->dict, key, key) != 0 || set_add(s->set, key) < 0)
            return "an operation failed";
        rt_safepoint();
    }
    obj_decref(key);
    return NULL;
}

static const struct lock_counts *counters_line(const char *type)
{
    for (int i = 0; i < LOCK_TYPES; i++) {
        const struct lock_counts *line = lock_statistics_total(i);
        if (line && line->type && strcmp(line->type->name, type) == 0)
            return line;
    }
    return NULL;
}

TEST(locks_by_type_add_up_to_all_locks)
{
    enum { THREADS = RC_UNSAFE ? 1 : 3 };
    struct counters_shared s = {list_new(0), dict_new(0), set_new(0)};
    const char *verdict = threads_run(THREADS, counters_lock_all, &s);
    cr_assert_null(verdict, "%s", verdict);
    obj_decref(s.list);
    obj_decref(s.dict);
    obj_decref(s.set);
    cr_assert_eq(objects_stop(), 0);
    test_start();

    static const enum rc_counter all[] = {
#define X(name) RC_STAT_lock_##name,
        LOCK_COUNTERS(X)
#undef X
    };
    int64_t longest = 0;
    for (int c = 0; c < LOCK_STAT_COUNT; c++) {
        int64_t sum = 0;
        for (int i = 0; i < LOCK_TYPES; i++) {
            const struct lock_counts *line = lock_statistics_total(i);
            sum += line ? (int64_t)line->value[c] : 0;
            longest = line && line->wait_longest_ns > longest ? line->wait_longest_ns : longest;
        }
        cr_assert_eq(sum, counters_of(all[c]), "counter %d", c);
    }
    cr_assert_eq(longest, rc_peak_of(RC_PEAK_lock_wait_longest_ns));
    cr_assert_leq(longest, counters_of(RC_STAT_lock_wait_ns));
    static const char *const types[] = {"list", "dict", "set"};
    for (int i = 0; i < 3; i++) {
        const struct lock_counts *line = counters_line(types[i]);
        cr_assert_eq(line != NULL, !LOCK_NONE, "%s", types[i]);
        if (line)
            cr_assert_geq(line->value[LOCK_STAT_acquired], THREADS * COUNTERS_ITEMS);
    }
}

/* As two ending threads would. */
TEST(of_two_threads_sums_are_added_and_the_longest_wait_is_the_longer)
{
    static const struct type type = {.name = "vault"};
    static const int64_t waits[] = {500, 300};
    for (int i = 0; i < 2; i++) {
        struct lock_counts *line = lock_counts_of(heap_self()->locks, &type);
        line->value[LOCK_STAT_wait_ns] = (uint64_t)waits[i];
        line->wait_longest_ns = waits[i];
        lock_statistics_publish(heap_self());
    }
    const struct lock_counts *total = counters_line("vault");
    cr_assert_not_null(total);
    cr_assert_eq(total->value[LOCK_STAT_wait_ns], 800);
    cr_assert_eq(total->wait_longest_ns, 500);
}

/* More types than lines: nothing is lost. */
TEST(further_types_share_the_last_line)
{
    struct lock_counts line[LOCK_TYPES] = {0};
    struct type types[LOCK_TYPES + 1] = {0};
    for (int round = 0; round < 2; round++)
        for (int i = 0; i <= LOCK_TYPES; i++)
            lock_counts_of(line, &types[i])->value[LOCK_STAT_acquired]++;
    for (int i = 0; i < LOCK_TYPES - 1; i++)
        cr_assert(line[i].type == &types[i] && line[i].value[LOCK_STAT_acquired] == 2);
    cr_assert(line[LOCK_TYPES - 1].type == NULL && line[LOCK_TYPES - 1].value[LOCK_STAT_acquired] == 4);
}

/* --- what is deferred --- */

static int64_t counters_deferred_objects(void) { return rc_gauge_of(&rc_gauge.objects); }
static int64_t counters_deferred_bytes(void) { return rc_gauge_of(&rc_gauge.bytes); }

/* No safepoint between them: no epoch can close, so the objects wait together whatever the log's size. */
TEST(objects_dropped_before_a_commit_are_deferred_together)
{
    enum { N = 500 };
    struct obj *made[N];
    rc_drain();
    for (int i = 0; i < N; i++) {
        made[i] = float_new(i);
        cr_assert_not_null(made[i]);
    }
    for (int i = 0; i < N; i++)
        obj_decref(made[i]);
    int64_t log = counters_deferred_bytes();
    rc_drain();
    cr_assert_geq(rc_peak_of(RC_PEAK_deferred_objects), RC_DEFERS_FREE ? N : 0);
    cr_assert_geq(rc_peak_of(RC_PEAK_deferred_bytes), log + (RC_DEFERS_FREE ? N * (int64_t)sizeof(struct floating) : 0));
    cr_assert_eq(log > 0, RC_DEFERS_FREE);
    if (!RC_DEFERS_FREE)
        cr_assert_eq(rc_peak_of(RC_PEAK_deferred_bytes), 0, "the owner alone defers nothing");
    cr_assert_eq(counters_deferred_objects(), 0);
    cr_assert_eq(counters_deferred_bytes(), 0);
}

enum { COUNTERS_HANDED = 200 };
struct counters_handover {
    struct obj *made[COUNTERS_HANDED];
    _Atomic int step;
};

/* One thread makes objects and reaches no safepoint while the other one drops them. */
static const char *counters_hand_over(struct threads_arg *a)
{
    struct counters_handover *h = a->shared;
    if (a->index == 0) {
        for (int i = 0; i < COUNTERS_HANDED; i++)
            if (!(h->made[i] = float_new(i)))
                return "no memory";
        atomic_store_explicit(&h->step, 1, memory_order_release);
        while (atomic_load_explicit(&h->step, memory_order_acquire) != 2)
            os_yield();
        return NULL;
    }
    while (atomic_load_explicit(&h->step, memory_order_acquire) != 1)
        os_yield();
    for (int i = 0; i < COUNTERS_HANDED; i++)
        obj_decref(h->made[i]);
    atomic_store_explicit(&h->step, 2, memory_order_release);
    return NULL;
}

TEST(what_waits_on_a_merge_queue_is_deferred)
{
    if (RC_NEEDS_GIL || RC_UNSAFE)
        return; /* the two never run at once */
    struct counters_handover h = {.step = 0};
    const char *verdict = threads_run(2, counters_hand_over, &h);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(objects_stop(), 0);
    int64_t objects = rc_peak_of(RC_PEAK_deferred_objects), queued = counters_of(RC_STAT_merge_queued);
    if (queued > 0) {
        cr_assert_eq(queued, COUNTERS_HANDED);
        cr_assert_eq(objects, queued);
        cr_assert_eq(rc_peak_of(RC_PEAK_deferred_bytes), queued * (int64_t)sizeof(struct floating));
    } else {
        cr_assert_eq(objects > 0, RC_DEFERS_FREE);
    }
    cr_assert_eq(counters_deferred_objects(), 0);
    cr_assert_eq(counters_deferred_bytes(), 0);
    test_start();
}

/* --- the allocation map --- */

/* What tells fields from padding: no hole is as large as a field could be. A strategy may name no fields at all. */
TEST(named_fields_cover_the_head)
{
    size_t end = 0, named = 0;
#define X(name)                                                                                                         \
    cr_assert(offsetof(struct rc_head, name) >= end && offsetof(struct rc_head, name) - end < sizeof(int32_t), #name);  \
    end = offsetof(struct rc_head, name) + sizeof(((struct rc_head *)0)->name);                                         \
    named++;
    RC_HEAD_FIELDS(X)
#undef X
    cr_assert(named == 0 || sizeof(struct rc_head) - end < sizeof(int32_t), "the last one");
}

/* How many lines of the file begin with that text. */
static int counters_lines(FILE *f, const char *text)
{
    char line[256];
    int found = 0;
    rewind(f);
    while (fgets(line, sizeof line, f))
        found += strncmp(line, text, strlen(text)) == 0;
    return found;
}

TEST(the_map_knows_each_object_by_address_size_and_type)
{
    enum { N = 5000 }; /* more than a map has room for at first */
    char path[] = "/tmp/rclab-map-XXXXXX", expected[100];
    struct obj *list = list_new(0);
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    heap_map_start();
    for (int i = 0; i < N; i++) {
        struct obj *item = float_new(i);
        cr_assert(item && list_append(list, item) == 0);
        obj_decref(item);
    }
    struct obj *first = list_get(list, 0);
    snprintf(expected, sizeof expected, "block 0x%jx %zu float\n", (uintmax_t)first, sizeof(struct floating));
    obj_decref(first);
    obj_decref(list);
    cr_assert_eq(objects_stop(), 0);
    cr_assert_eq(heap_map_write(path), 0);
    FILE *f = fdopen(file, "r");
    cr_assert_eq(counters_lines(f, expected), 1);
    int blocks = counters_lines(f, "block");
    cr_assert(blocks >= N && blocks < N + 100, "%d", blocks);
    snprintf(expected, sizeof expected, "field float %zu %zu type\n", offsetof(struct obj, type), sizeof(struct type *));
    cr_assert_eq(counters_lines(f, expected), 1, "one for each type");
    cr_assert_eq(counters_lines(f, "block 0x0 "), 0);
    fclose(f);
    unlink(path);
    cr_assert_eq(heap_map_write("/nonexistent/map"), ENOENT);
    test_start();
}
