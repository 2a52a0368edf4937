/*
 * list.c (a workload) -- churn of a list: fresh boxed ints are appended, read, replaced and popped.
 *
 * The first `size` places stay; behind them the list is a stack. A block of 64 list operations appends to the stack, walks
 * some places from a random one on and reads them, walks others and replaces each by itself plus a constant (a get, an
 * int_add, a set), and pops what it has appended. The mix says how many of each: phases, as programs have them, and not a
 * random choice at each operation, whose mispredicted branches would hide what counting costs.
 *
 * Every value says where it belongs: its low 20 bits are the place (or LIST_CHURN_TOP on the stack), above them is how often it
 * was replaced (or a serial number). So each read is checked, also when other threads replace and pop at the same time. At the
 * end: the length is `size`; the values popped add up to those appended; the replacements add up to those made (among several
 * threads some are lost, since reading and storing are two steps).
 */
#include "../workload.h"
#include <inttypes.h>

enum {
    LIST_CHURN_BITS = 20,
    LIST_CHURN_TOP = (1 << LIST_CHURN_BITS) - 1, /* above every place */
    LIST_CHURN_STEP = 1 << LIST_CHURN_BITS,      /* beyond the cached ints */
    LIST_CHURN_BLOCK = 64,                       /* operations */
    LIST_CHURN_BLOCKS = 16,                      /* of a repetition */
};

/* Of each block; as many pops as appends; a replacement is two operations, a get and a set. */
struct list_churn_mix {
    const char *name;
    int appends, gets, replacements;
};
static const struct list_churn_mix list_churn_mixes[] = {
    {"churn", 16, 16, 8},
    {"read", 1, 60, 1},   /* 61 gets in 64 */
    {"write", 8, 16, 16}, /* 32 gets in 64 */
};

struct list_churn_thread {
    _Alignas(CACHE_LINE) struct obj *list; /* sharing=private: made by the thread, which owns it and what it puts in */
    struct obj *step;                      /* what a replacement adds; its own as well */
    uint64_t random, serial;
    int64_t replaced, wrong;
    uint64_t balance;                      /* sum of the values appended less that of those popped */
};

struct list_churn {
    const struct list_churn_mix *mix;
    int64_t size;
    struct obj *shared; /* sharing=shared: the list of all */
    struct list_churn_thread *thread;
};

/* --- set-up --- */

static int list_churn_append(struct obj *list, int64_t value)
{
    struct obj *o = int_new(value);
    int failed = o ? list_append(list, o) : -1;
    obj_xdecref(o);
    return failed;
}

/* A list of `size` places; new, or NULL. */
static struct obj *list_churn_list(int64_t size)
{
    struct obj *list = list_new(0);
    for (int64_t i = 0; list && i < size; i++) {
        if (list_churn_append(list, LIST_CHURN_STEP + i) != 0) {
            obj_decref(list);
            return NULL;
        }
        if (i % LIST_CHURN_BLOCK == 0)
            rt_safepoint();
    }
    return list;
}

static int list_churn_setup(struct work *w)
{
    struct list_churn *s = work_state(sizeof *s);
    struct list_churn_thread *thread = work_per_thread(w, sizeof *thread);
    if (!s || !thread)
        return work_no_memory(s, thread);
    for (int i = 0; i < w->threads; i++)
        thread[i].random = work_stream(w, i);
    s->thread = thread;
    s->size = work_int(w, "size");
    s->mix = list_churn_mixes;
    while (!work_is(w, "mix", s->mix->name))
        s->mix++;
    if (work_is(w, "sharing", "shared") && !(s->shared = list_churn_list(s->size)))
        return work_no_memory(s, thread);
    w->state = s;
    return 0;
}

static void list_churn_teardown(struct work *w)
{
    struct list_churn *s = w->state;
    for (int i = 0; i < w->threads; i++) {
        obj_xdecref(s->thread[i].list);
        obj_xdecref(s->thread[i].step);
    }
    obj_xdecref(s->shared);
    os_free(s->thread);
    os_free(s);
}

/* What a thread makes for itself in its first round. 0, or -1. */
static int list_churn_prepare(const struct list_churn *s, struct list_churn_thread *t)
{
    if (!t->step && !(t->step = int_new(LIST_CHURN_STEP)))
        return -1;
    return s->shared || t->list || (t->list = list_churn_list(s->size)) ? 0 : -1;
}

/* --- the phases of a block; each 0, or -1 --- */

/* A place where a walk begins. */
static int64_t list_churn_start(const struct list_churn *s, struct list_churn_thread *t)
{
    return (int64_t)work_below(&t->random, (uint64_t)s->size);
}

/* Takes the int's reference and leaves its value; false: it does not belong at that place. */
INLINE bool list_churn_belongs(struct obj *o, int64_t place, int64_t *value)
{
    *value = -1;
    int_value(o, value);
    obj_decref(o);
    return (*value & LIST_CHURN_TOP) == place;
}

static int list_churn_push(struct obj *list, struct list_churn_thread *t, int n)
{
    for (int i = 0; i < n; i++) {
        int64_t value = (int64_t)(++t->serial << LIST_CHURN_BITS) | LIST_CHURN_TOP;
        if (unlikely(list_churn_append(list, value) != 0))
            return -1;
        t->balance += (uint64_t)value;
    }
    return 0;
}

static int list_churn_pop(struct obj *list, struct list_churn_thread *t, int n)
{
    for (int i = 0; i < n; i++) {
        int64_t value;
        struct obj *o = list_pop(list, -1);
        if (unlikely(!o))
            return -1;
        t->wrong += !list_churn_belongs(o, LIST_CHURN_TOP, &value);
        t->balance -= (uint64_t)value;
    }
    return 0;
}

static int list_churn_read(const struct list_churn *s, struct obj *list, struct list_churn_thread *t, int n)
{
    int64_t at = list_churn_start(s, t), value;
    for (int i = 0; i < n; i++) {
        struct obj *o = list_get(list, at);
        if (unlikely(!o))
            return -1;
        t->wrong += !list_churn_belongs(o, at, &value);
        at = at + 1 < s->size ? at + 1 : 0;
    }
    return 0;
}

static int list_churn_replace(const struct list_churn *s, struct obj *list, struct list_churn_thread *t, int n)
{
    int64_t at = list_churn_start(s, t), value;
    for (int i = 0; i < n; i++) {
        struct obj *old = list_get(list, at), *o = old ? int_add(old, t->step) : NULL;
        if (old)
            t->wrong += !list_churn_belongs(old, at, &value);
        int failed = o ? list_set(list, at, o) : -1;
        obj_xdecref(o);
        if (unlikely(failed))
            return -1;
        t->replaced++;
        at = at + 1 < s->size ? at + 1 : 0;
    }
    return 0;
}

static int64_t list_churn_run(struct work *w, int thread, uint64_t reps)
{
    struct list_churn *s = w->state;
    struct list_churn_thread *t = &s->thread[thread];
    const struct list_churn_mix *mix = s->mix;
    if (list_churn_prepare(s, t) != 0)
        return -1;
    struct obj *list = s->shared ? s->shared : t->list;
    for (uint64_t block = reps * LIST_CHURN_BLOCKS; block > 0; block--) {
        if (unlikely(list_churn_push(list, t, mix->appends) != 0 || list_churn_read(s, list, t, mix->gets) != 0 ||
                     list_churn_replace(s, list, t, mix->replacements) != 0 || list_churn_pop(list, t, mix->appends) != 0))
            return -1;
        rt_safepoint();
    }
    return (int64_t)(reps * LIST_CHURN_BLOCKS * LIST_CHURN_BLOCK);
}

/* --- the answer --- */

/* One list, after `replaced` replacements, of which some may be lost when several threads made them. */
static bool list_churn_check_list(struct work *w, struct obj *list, int64_t replaced, bool exact)
{
    struct list_churn *s = w->state;
    int64_t value, kept = 0;
    if (list_length(list) != s->size)
        return work_wrong(w, "the list has %" PRId64 " items instead of %" PRId64, list_length(list), s->size);
    for (int64_t i = 0; i < s->size; i++) {
        struct obj *o = list_get(list, i);
        if (!o || !list_churn_belongs(o, i, &value))
            return work_wrong(w, "the list holds another's value at %" PRId64, i);
        kept += (value >> LIST_CHURN_BITS) - 1;
    }
    if (kept > replaced || (exact && kept != replaced))
        return work_wrong(w, "%" PRId64 " replacements were made, the list shows %" PRId64, replaced, kept);
    return true;
}

static bool list_churn_check(struct work *w)
{
    struct list_churn *s = w->state;
    int64_t replaced = 0, wrong = 0;
    uint64_t balance = 0;
    for (int i = 0; i < w->threads; i++) {
        struct list_churn_thread *t = &s->thread[i];
        if (t->list && !list_churn_check_list(w, t->list, t->replaced, true))
            return false;
        replaced += t->replaced;
        wrong += t->wrong;
        balance += t->balance;
    }
    if (wrong)
        return work_wrong(w, "%" PRId64 " values were found where they do not belong", wrong);
    if (balance)
        return work_wrong(w, "what was popped is not what was appended (sums differ by %" PRId64 ")", (int64_t)balance);
    return !s->shared || list_churn_check_list(w, s->shared, replaced, w->threads == 1);
}

static const struct param list_churn_params[] = {
    {"sharing", PARAM_CHOICE, "private|shared", 0, 0, "private", "a list for each thread, or one for all"},
    {"mix", PARAM_CHOICE, "read|write|churn", 0, 0, "churn",
     "read: 95% gets; write: 50%; churn: 16 appends, 24 gets, 8 sets, 16 pops"},
    {"size", PARAM_INT, NULL, 1, LIST_CHURN_TOP, "1024", "items that stay in the list"},
    {0},
};

static const struct workload workload_list = {
    .info = {.name = "list", .unit = "ops", .summary = "append, get, set and pop of fresh boxed ints",
             .params = list_churn_params},
    .setup = list_churn_setup,
    .run = list_churn_run,
    .check = list_churn_check,
    .teardown = list_churn_teardown,
};
