/*
 * wrapper.c -- one object that all threads use, reached through its count or around it (FT_UTILS.md, experiment 16; local_wrapper.h).
 *
 *     counted   an operation takes a reference to the object first and drops it afterwards: what an interpreter does with every name
 *               that it loads, and what all threads write
 *     wrapped   the same with a LocalWrapper of the thread's own: the count that is written is the wrapper's, the object's stays alone
 *     borrowed  no count at all, as in C: what there is to win
 *
 * An operation asks for the object's length: of a tuple, which nobody writes, so that its count is all that threads compete for; or of a list,
 * whose lock they then compete for as well. The object is not immortal, whatever -L shared says: its count is what this is about.
 * The answer: the lengths add up. That no count was lost shows in the leak check of the run. Fact `counts of the object`: increfs and decrefs of
 * the object itself, by the program's text.
 */
#include "../workload.h"
#include "../../objects/local_wrapper.h"
#include <inttypes.h>

enum { WRAPPER_ITEMS = 16, WRAPPER_BATCH = 64, WRAPPER_REP = 1024 }; /* operations between safepoints; of a repetition */

enum wrapper_way { WRAPPER_COUNTED, WRAPPER_WRAPPED, WRAPPER_BORROWED };

struct wrapper_thread {
    _Alignas(CACHE_LINE) struct obj *handle; /* what it uses: the object, or its own wrapper, made by the thread itself */
    int64_t operations, sum;
};

struct wrapper {
    enum wrapper_way way;
    struct obj *object;
    int64_t (*length)(struct obj *o);
    struct wrapper_thread *thread;
};

static int64_t wrapper_tuple_length(struct obj *o) { return tuple_length(o); }

/* A tuple or list of WRAPPER_ITEMS times None. New, or NULL. */
static struct obj *wrapper_object(bool tuple)
{
    struct obj *item[WRAPPER_ITEMS];
    for (int i = 0; i < WRAPPER_ITEMS; i++)
        item[i] = none_get(); /* borrowed, immortal */;
    if (tuple)
        return tuple_new(item, WRAPPER_ITEMS);
    struct obj *list = list_new(WRAPPER_ITEMS);
    for (int i = 0; list && i < WRAPPER_ITEMS; i++)
        if (list_append(list, item[i]) != 0) {
            obj_decref(list);
            return NULL;
        }
    return list;
}

static void wrapper_drop(struct wrapper *s, int threads)
{
    for (int i = 0; s->thread && i < threads; i++)
        obj_xdecref(s->thread[i].handle);
    obj_xdecref(s->object);
    os_free(s->thread);
    os_free(s);
}

static void wrapper_teardown(struct work *w) { wrapper_drop(w->state, w->threads); }

static int wrapper_setup(struct work *w)
{
    struct wrapper *s = work_state(sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    s->way = work_is(w, "through", "counted") ? WRAPPER_COUNTED : work_is(w, "through", "wrapped") ? WRAPPER_WRAPPED : WRAPPER_BORROWED;
    bool tuple = work_is(w, "object", "tuple");
    s->length = tuple ? wrapper_tuple_length : list_length;
    s->thread = work_per_thread(w, sizeof *s->thread);
    s->object = s->thread ? wrapper_object(tuple) : NULL;
    w->state = s;
    if (s->object)
        return 0;
    wrapper_drop(s, w->threads);
    return -1;
}

/* `counts`: of the handle, around each operation. */
INLINE void wrapper_operations(const struct wrapper *s, struct wrapper_thread *t, bool counts)
{
    for (int i = 0; i < WRAPPER_REP; i++) {
        struct obj *o = counts ? obj_incref(t->handle) : t->handle;
        t->sum += s->length(o);
        if (counts)
            obj_decref(o);
        if (i % WRAPPER_BATCH == 0)
            rt_safepoint();
    }
    t->operations += WRAPPER_REP;
}

static int64_t wrapper_run(struct work *w, int thread, uint64_t reps)
{
    struct wrapper *s = w->state;
    struct wrapper_thread *t = &s->thread[thread];
    if (!t->handle && !(t->handle = s->way == WRAPPER_WRAPPED ? local_wrapper_new(s->object) : obj_incref(s->object)))
        return -1;
    for (uint64_t n = reps; n > 0; n--)
        if (s->way == WRAPPER_BORROWED)
            wrapper_operations(s, t, false);
        else
            wrapper_operations(s, t, true);
    return (int64_t)(reps * WRAPPER_REP);
}

static bool wrapper_check(struct work *w)
{
    struct wrapper *s = w->state;
    int64_t operations = 0, sum = 0;
    for (int i = 0; i < w->threads; i++) {
        operations += s->thread[i].operations;
        sum += s->thread[i].sum;
    }
    work_fact(w, "counts of the object", s->way == WRAPPER_COUNTED ? 2 * operations : s->way == WRAPPER_WRAPPED ? 2 * w->threads : 0);
    return sum == operations * WRAPPER_ITEMS ||
           work_wrong(w, "%" PRId64 " lengths add up to %" PRId64 " instead of %" PRId64, operations, sum, operations * WRAPPER_ITEMS);
}

static const struct param wrapper_params[] = {
    {"through", PARAM_CHOICE, "counted|wrapped|borrowed", 0, 0, "counted", "how a thread reaches the shared object"},
    {"object", PARAM_CHOICE, "tuple|list", 0, 0, "tuple", "what is shared: without a lock, or with one"},
    {0},
};

static const struct workload workload_wrapper = {
    .info = {.name = "wrapper", .unit = "ops", .summary = "one shared object, used with counting, through LocalWrapper or borrowed",
             .params = wrapper_params},
    .setup = wrapper_setup,
    .run = wrapper_run,
    .check = wrapper_check,
    .teardown = wrapper_teardown,
};
