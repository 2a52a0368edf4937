/*
 * test_linearizability.c -- the checker of histories: by hand, against brute force, and with containers that are wrong on purpose.
 */
#include "build.h"
#include "linearizability.h"
#include "threads.h"

/* --- histories by hand --- */

/* An operation of thread `thread` between two stamps. */
struct lin_line {
    int thread, invoked, returned, kind;
    int64_t key, argument, result;
};

static enum lin_verdict lin_judge(const struct lin_model *model, const struct lin_line *line, size_t lines)
{
    struct lin_history h;
    lin_begin(&h, 4, (int)lines);
    for (size_t i = 0; i < lines; i++) {
        struct lin_op *op = lin_invoke(&h, line[i].thread, line[i].kind, line[i].key, line[i].argument);
        lin_return(&h, op, line[i].result);
        op->invoked = line[i].invoked;
        op->returned = line[i].returned;
    }
    struct lin_result r = lin_check(&h, model);
    lin_end(&h);
    return r.verdict;
}
#define JUDGE(model, ...) \
    lin_judge(model, (const struct lin_line[]){__VA_ARGS__}, sizeof(const struct lin_line[]){__VA_ARGS__} / sizeof(struct lin_line))

TEST(linearizability_of_dict_histories_by_hand)
{
    cr_assert_eq(lin_judge(&lin_dict, NULL, 0), LIN_YES);
    /* a get that overlaps a set may see either value; one that comes after it only the new */
    cr_assert_eq(JUDGE(&lin_dict, {0, 1, 4, LIN_SET, 7, 5, 0}, {1, 2, 3, LIN_GET, 7, 0, LIN_NONE}), LIN_YES);
    cr_assert_eq(JUDGE(&lin_dict, {0, 1, 4, LIN_SET, 7, 5, 0}, {1, 2, 3, LIN_GET, 7, 0, 5}), LIN_YES);
    cr_assert_eq(JUDGE(&lin_dict, {0, 1, 2, LIN_SET, 7, 5, 0}, {1, 3, 4, LIN_GET, 7, 0, LIN_NONE}), LIN_NO);
    /* new, then old again, while the set goes on: no order */
    cr_assert_eq(JUDGE(&lin_dict, {0, 1, 6, LIN_SET, 7, 5, 0}, {1, 2, 3, LIN_GET, 7, 0, 5}, {2, 4, 5, LIN_GET, 7, 0, LIN_NONE}),
                 LIN_NO);
    /* another key is another story */
    cr_assert_eq(JUDGE(&lin_dict, {0, 1, 2, LIN_SET, 7, 5, 0}, {1, 3, 4, LIN_GET, 8, 0, LIN_NONE}), LIN_YES);
    /* setdefault and pop: one winner */
    cr_assert_eq(JUDGE(&lin_dict, {0, 1, 3, LIN_SETDEFAULT, 1, 5, 5}, {1, 2, 4, LIN_SETDEFAULT, 1, 6, 5}), LIN_YES);
    cr_assert_eq(JUDGE(&lin_dict, {0, 1, 3, LIN_SETDEFAULT, 1, 5, 5}, {1, 2, 4, LIN_SETDEFAULT, 1, 6, 6}), LIN_NO);
    cr_assert_eq(JUDGE(&lin_dict, {0, 1, 2, LIN_SET, 1, 5, 0}, {1, 3, 5, LIN_POP, 1, 0, 5}, {2, 4, 6, LIN_POP, 1, 0, 5}), LIN_NO);
    cr_assert_eq(JUDGE(&lin_dict, {0, 1, 2, LIN_SET, 1, 5, 0}, {1, 3, 5, LIN_DEL, 1, 0, 1}, {2, 4, 6, LIN_CONTAINS, 1, 0, 1}), LIN_YES);
    /* an update that was lost */
    cr_assert_eq(JUDGE(&lin_dict, {0, 1, 3, LIN_ADD, 1, 1, 1}, {1, 2, 4, LIN_ADD, 1, 1, 2}), LIN_YES);
    cr_assert_eq(JUDGE(&lin_dict, {0, 1, 3, LIN_ADD, 1, 1, 1}, {1, 2, 4, LIN_ADD, 1, 1, 1}), LIN_NO);
}

TEST(linearizability_of_queue_and_deque_histories_by_hand)
{
    cr_assert_eq(JUDGE(&lin_queue, {0, 1, 2, LIN_PUSH, 0, 1, 0}, {0, 3, 4, LIN_PUSH, 0, 2, 0}, {1, 5, 6, LIN_TAKE, 0, 0, 1},
                       {1, 7, 8, LIN_TAKE, 0, 0, 2}, {1, 9, 10, LIN_TAKE, 0, 0, LIN_NONE}), LIN_YES);
    /* a queue that swaps */
    cr_assert_eq(JUDGE(&lin_queue, {0, 1, 2, LIN_PUSH, 0, 1, 0}, {0, 3, 4, LIN_PUSH, 0, 2, 0}, {1, 5, 6, LIN_TAKE, 0, 0, 2}), LIN_NO);
    /* pushes that overlap have no order yet, and takes that overlap neither */
    cr_assert_eq(JUDGE(&lin_queue, {0, 1, 3, LIN_PUSH, 0, 1, 0}, {1, 2, 4, LIN_PUSH, 0, 2, 0}, {2, 5, 6, LIN_TAKE, 0, 0, 2},
                       {2, 7, 8, LIN_TAKE, 0, 0, 1}), LIN_YES);
    /* "empty" although something was there all the time */
    cr_assert_eq(JUDGE(&lin_queue, {0, 1, 2, LIN_PUSH, 0, 1, 0}, {1, 3, 4, LIN_TAKE, 0, 0, LIN_NONE}), LIN_NO);
    cr_assert_eq(JUDGE(&lin_queue, {0, 1, 4, LIN_PUSH, 0, 1, 0}, {1, 2, 3, LIN_TAKE, 0, 0, LIN_NONE}), LIN_YES);
    /* one item, taken twice */
    cr_assert_eq(JUDGE(&lin_queue, {0, 1, 2, LIN_PUSH, 0, 1, 0}, {1, 3, 5, LIN_TAKE, 0, 0, 1}, {2, 4, 6, LIN_TAKE, 0, 0, 1}), LIN_NO);
    cr_assert_eq(JUDGE(&lin_deque, {0, 1, 2, LIN_APPEND, 0, 1, 0}, {0, 3, 4, LIN_APPEND_LEFT, 0, 2, 0},
                       {1, 5, 6, LIN_LENGTH, 0, 0, 2}, {1, 7, 8, LIN_POP_RIGHT, 0, 0, 1}, {1, 9, 10, LIN_POP_LEFT, 0, 0, 2}), LIN_YES);
    cr_assert_eq(JUDGE(&lin_deque, {0, 1, 2, LIN_APPEND, 0, 1, 0}, {0, 3, 4, LIN_APPEND_LEFT, 0, 2, 0},
                       {1, 5, 6, LIN_POP_RIGHT, 0, 0, 2}), LIN_NO);
}

/* --- against brute force --- */

enum { BRUTE_OPS = 6 };

/* Does some order of what is not in `taken` fit, after the state? Tries every permutation that the stamps allow. */
static bool lin_brute(const struct lin_model *model, const struct lin_line *line, unsigned taken, const struct lin_sequence *state)
{
    if (taken == (1u << BRUTE_OPS) - 1)
        return true;
    for (int i = 0; i < BRUTE_OPS; i++) {
        bool first = !(taken >> i & 1);
        for (int j = 0; j < BRUTE_OPS; j++)
            first = first && (taken >> j & 1 || line[j].returned > line[i].invoked);
        _Alignas(8) char next[sizeof(int64_t) * (BRUTE_OPS + 1)];
        memcpy(next, state, sizeof next);
        struct lin_op op = {.kind = line[i].kind, .argument = line[i].argument, .result = line[i].result};
        if (first && model->apply(next, &op) && lin_brute(model, line, taken | 1u << i, (const struct lin_sequence *)next))
            return true;
    }
    return false;
}

/* Stamps 1 … 2n, dealt out at random; what the operations are and answer as well. */
static void lin_draw(const struct lin_model *model, struct lin_line *line)
{
    int stamp[2 * BRUTE_OPS];
    for (int i = 0; i < 2 * BRUTE_OPS; i++) {
        int j = (int)draw_below(i + 1);
        stamp[i] = stamp[j];
        stamp[j] = i + 1;
    }
    for (int i = 0; i < BRUTE_OPS; i++) {
        int a = stamp[2 * i], b = stamp[2 * i + 1];
        line[i] = (struct lin_line){.thread = i % 4, .invoked = a < b ? a : b, .returned = a < b ? b : a};
        line[i].kind = (int)draw_below(model == &lin_dict ? LIN_ADD + 1 : LIN_LENGTH + 1);
        line[i].argument = 1 + draw_below(3);
        line[i].result = draw_below(4);
        if (line[i].result == 0 && draw() % 2)
            line[i].result = LIN_NONE;
    }
}

TEST(linearizability_verdicts_agree_with_brute_force)
{
    static const struct lin_model *const model[] = {&lin_dict, &lin_deque};
    build_seed = 11;
    for (int m = 0; m < 2; m++) {
        int yes = 0, runs = 20000;
        for (int i = 0; i < runs; i++) {
            struct lin_line line[BRUTE_OPS];
            _Alignas(8) char state[sizeof(int64_t) * (BRUTE_OPS + 1)] = {0};
            lin_draw(model[m], line);
            if (model[m]->init)
                model[m]->init(state);
            bool expected = lin_brute(model[m], line, 0, (const struct lin_sequence *)state);
            cr_assert_eq(lin_judge(model[m], line, BRUTE_OPS), expected ? LIN_YES : LIN_NO, "%s, history %d", model[m]->name, i);
            yes += expected;
        }
        cr_assert(yes > runs / 200 && yes < runs - runs / 200, "%s: %d of %d: one verdict alone tests nothing", model[m]->name, yes, runs);
    }
}

/* A thousand operations of one key, four always under way: the memo keeps the search short. The last is a get of `last`. */
static struct lin_result lin_judge_long(const struct lin_model *model, int kind, int64_t last)
{
    enum { ROUNDS = 250 };
    struct lin_history h;
    lin_begin(&h, 4, ROUNDS + 1);
    for (int i = 0; i < ROUNDS; i++) {
        struct lin_op *op[4];
        for (int t = 0; t < 4; t++)
            op[t] = lin_invoke(&h, t, kind, 0, 4 * i + t);
        for (int t = 0; t < 4; t++)
            lin_return(&h, op[t], 0);
    }
    lin_return(&h, lin_invoke(&h, 0, model == &lin_dict ? LIN_GET : LIN_TAKE, 0, 0), last);
    struct lin_result r = lin_check(&h, model);
    lin_end(&h);
    return r;
}

TEST(linearizability_of_long_histories_is_decided_or_given_up)
{
    struct lin_result r = lin_judge_long(&lin_queue, LIN_PUSH, 0);
    cr_assert(r.verdict == LIN_YES && r.configurations < 5000, "%lld", (long long)r.configurations);
    r = lin_judge_long(&lin_dict, LIN_SET, 999);
    cr_assert(r.verdict == LIN_YES && r.configurations < 10000, "%lld", (long long)r.configurations);
    r = lin_judge_long(&lin_dict, LIN_SET, 77);
    cr_assert(r.verdict == LIN_NO && r.longest == 1000 && r.configurations < 20000, "%lld", (long long)r.configurations);
    size_t limit = lin_limit;
    lin_limit = (size_t)1 << 20;
    cr_assert_eq(lin_judge_long(&lin_queue, LIN_PUSH, 77).verdict, LIN_TOO_LARGE);
    lin_limit = limit;
}

#if !RC_UNSAFE

/* --- recorded: dict is right, and two variants are not --- */

struct lin_shared {
    struct lin_history history;
    struct obj *subject;
    struct os_barrier *meet; /* in the gap of a broken variant: all are in it at once */
};

static void lin_meet(struct lin_shared *s)
{
    thread_detach();
    os_barrier_wait(s->meet);
    thread_attach();
}

/* setdefault done as a get, then a set. */
static int lin_broken_setdefault(struct lin_shared *s, struct obj *key, struct obj *value, struct obj **found)
{
    int there = dict_get(s->subject, key, found);
    if (there != 0)
        return there;
    lin_meet(s);
    *found = obj_incref(value);
    return dict_set(s->subject, key, value);
}

static const char *lin_record_setdefault(struct lin_shared *s, int thread, bool broken)
{
    struct obj *key = int_new(1000), *value = int_new(2000 + thread), *found = NULL;
    int64_t result = 0;
    if (!key || !value)
        return "no memory";
    struct lin_op *op = lin_invoke(&s->history, thread, LIN_SETDEFAULT, 1000, 2000 + thread);
    int done = broken ? lin_broken_setdefault(s, key, value, &found) : dict_setdefault(s->subject, key, value, &found);
    if (done >= 0)
        int_value(found, &result);
    lin_return(&s->history, op, result);
    obj_xdecref(found);
    obj_decref(key);
    obj_decref(value);
    return done < 0 ? "setdefault failed" : NULL;
}
static const char *lin_sets_default(struct threads_arg *a) { return lin_record_setdefault(a->shared, a->index, false); }
static const char *lin_sets_default_broken(struct threads_arg *a) { return lin_record_setdefault(a->shared, a->index, true); }

/* The verdict on what two threads did to one container. */
static enum lin_verdict lin_record(struct lin_shared *s, const char *(*body)(struct threads_arg *), const struct lin_model *model)
{
    struct os_barrier meet;
    os_barrier_init(&meet, 2);
    s->meet = &meet;
    lin_begin(&s->history, 2, 16);
    cr_assert_null(threads_run(2, body, s));
    struct lin_result r = lin_check(&s->history, model);
    lin_end(&s->history);
    os_barrier_drop(&meet);
    return r.verdict;
}

TEST(setdefault_as_get_then_set_is_caught)
{
    struct lin_shared s = {.subject = own(dict_new(0))};
    cr_assert_eq(lin_record(&s, lin_sets_default, &lin_dict), LIN_YES);
    cr_assert_eq(dict_clear(s.subject), 0);
    cr_assert_eq(lin_record(&s, lin_sets_default_broken, &lin_dict), LIN_NO);
    drop_owned();
}

/* Pushes three, takes three; a list as a queue, from which `from` says which item is taken. */
static const char *lin_queue_on_list(struct lin_shared *s, int thread, int64_t from)
{
    for (int i = 0; i < 6; i++) {
        bool push = i < 3;
        int64_t value = 1000 * (thread + 1) + i, result = LIN_NONE;
        struct lin_op *op = lin_invoke(&s->history, thread, push ? LIN_PUSH : LIN_TAKE, 0, value);
        struct obj *item = push ? int_new(value) : list_pop(s->subject, from);
        if (item ? push && list_append(s->subject, item) != 0 : err_take() != ERR_INDEX)
            return "the list fails";
        if (item && !push)
            int_value(item, &result);
        lin_return(&s->history, op, push ? 0 : result);
        obj_xdecref(item);
    }
    return NULL;
}
static const char *lin_takes_first(struct threads_arg *a) { return lin_queue_on_list(a->shared, a->index, 0); }
static const char *lin_takes_last(struct threads_arg *a) { return lin_queue_on_list(a->shared, a->index, -1); }

TEST(queue_that_gives_the_newest_first_is_caught)
{
    struct lin_shared s = {.subject = own(list_new(0))};
    cr_assert_eq(lin_record(&s, lin_takes_first, &lin_queue), LIN_YES);
    cr_assert_eq(list_length(s.subject), 0);
    cr_assert_eq(lin_record(&s, lin_takes_last, &lin_queue), LIN_NO);
    drop_owned();
}

#endif
