/*
 * fib.c -- naive recursion over boxed ints: the Gilectomy's test program and its count traffic.
 *
 * fib(n) = 1 for n < 2, else fib(n-1) + fib(n-2): 2 fib(n) - 1 calls (2,692,537 for n = 30). What is measured is not the
 * addition but what an interpreter does around it. Each call does, step by step, what CPython's bytecode does for
 *
 *     def fib(n):
 *         if n < 2: return 1
 *         return fib(n-1) + fib(n-2)
 *
 *   traffic=classic  as CPython 3.6: every load of a local, constant, global or boolean takes a reference and every pop
 *                    drops it; a frame holds its code, globals, builtins, argument and the frame it was called from. 13
 *                    increfs and 13 decrefs a call by our own counters (CPython 3.6: 14.0 and 15.0), all but one on
 *                    objects that every thread shares.
 *   traffic=modern   as CPython 3.13: locals and constants are borrowed; a call still counts its function and its code.
 *
 *   kind=x       every thread its own fib(n) (the Gilectomy's "x")
 *   kind=xerial  the same work in series: thread 0 does the runs of all
 *   kind=y       x, and every call adds its argument to one set that all threads share
 *
 * Function, code, globals and builtins are made by the main thread: foreign to all that run. -L shared says whether they (and
 * the small ints and booleans) are counted or immortal. fib_step stands for the dispatch between two bytecodes:
 * the compiler may not combine counts across it, as it cannot in an interpreter (else plain's +1 -1 would vanish).
 */
#include "../workload.h"

enum { FIB_SHARED = 4 };

struct fib_state {
    struct obj *shared[FIB_SHARED]; /* function, code, globals, builtins */
    struct obj *one, *two;
    struct obj *seen;               /* kind=y: the shared set */
    bool classic, serial;
    int64_t n;
    int64_t expected;
    _Atomic int wrong;              /* runs whose result was not fib(n) */
};

static void fib_object_dealloc(struct obj *o) { obj_free(o, sizeof *o); }
static const struct type fib_object_type = {.name = "function", .dealloc = fib_object_dealloc};

/* The end of a bytecode. A compiler barrier only: no instruction. */
HOT void fib_step(void)
{
    /* seq_cst signal fence: the compiler moves and merges no access across it */
    atomic_signal_fence(memory_order_seq_cst);
}

/* LOAD: a new reference on the stack. */
HOT struct obj *fib_load(struct obj *o)
{
    obj_incref(o);
    fib_step();
    return o;
}
/* POP. */
HOT void fib_pop(struct obj *o)
{
    obj_decref(o);
    fib_step();
}

/* COMPARE_OP and POP_JUMP_IF_FALSE: n < 2, through a boolean object. Consumes both. */
HOT bool fib_less(struct obj *n, struct obj *two)
{
    bool less = ((struct integer *)n)->small < ((struct integer *)two)->small;
    struct obj *answer = fib_load(bool_get(less));
    fib_pop(n);
    fib_pop(two);
    fib_pop(answer);
    return less;
}

/* What one run carries down: the shared objects, and the frame object of its own thread. */
struct fib_frame {
    struct fib_state *f;
    struct obj *back;
};

static struct obj *fib_classic(struct fib_frame *frame, struct obj *n);

/* LOAD_GLOBAL fib, LOAD_FAST n, LOAD_CONST less, BINARY_SUBTRACT, CALL_FUNCTION. */
HOT struct obj *fib_call(struct fib_frame *frame, struct obj *n, struct obj *less)
{
    struct obj *function = fib_load(frame->f->shared[0]);
    struct obj *left = fib_load(n), *right = fib_load(less);
    struct obj *argument = int_sub(left, right);
    fib_pop(left);
    fib_pop(right);
    struct obj *result = argument ? fib_classic(frame, argument) : NULL;
    obj_xdecref(argument);
    fib_pop(function);
    return result;
}

/* BINARY_ADD, RETURN_VALUE. Consumes both; either may be NULL (an error). */
HOT struct obj *fib_sum(struct obj *a, struct obj *b)
{
    struct obj *sum = a && b ? int_add(a, b) : NULL;
    obj_xdecref(a);
    obj_xdecref(b);
    fib_step();
    return sum;
}

/* One call with classic traffic: borrows n. New reference, or NULL. */
static struct obj *fib_classic(struct fib_frame *frame, struct obj *n)
{
    struct fib_state *f = frame->f;
    struct obj *result;
    rt_safepoint();
    fib_load(frame->back); /* what a frame holds: its caller's, code, globals, builtins, and the argument */
    for (int i = 1; i < FIB_SHARED; i++)
        fib_load(f->shared[i]);
    fib_load(n);
    if (f->seen && set_add(f->seen, n) < 0)
        result = NULL;
    else if (fib_less(fib_load(n), fib_load(f->two)))
        result = fib_load(f->one);
    else {
        struct obj *a = fib_call(frame, n, f->one);
        result = a ? fib_sum(a, fib_call(frame, n, f->two)) : NULL;
    }
    fib_pop(n);
    for (int i = 1; i < FIB_SHARED; i++)
        fib_pop(f->shared[i]);
    fib_pop(frame->back);
    return result;
}

/* One call with modern traffic: the frame counts its function and code, the rest is borrowed. Steals n. */
static struct obj *fib_modern(struct fib_state *f, struct obj *n)
{
    struct obj *result, *a = NULL, *b = NULL;
    rt_safepoint();
    fib_load(f->shared[0]);
    fib_load(f->shared[1]);
    if (f->seen && set_add(f->seen, n) < 0)
        result = NULL;
    else if (((struct integer *)n)->small < ((struct integer *)f->two)->small)
        result = fib_load(f->one);
    else {
        struct obj *argument = int_sub(n, f->one);
        a = argument ? fib_modern(f, argument) : NULL;
        argument = a ? int_sub(n, f->two) : NULL;
        b = argument ? fib_modern(f, argument) : NULL;
        result = fib_sum(a, b);
    }
    fib_pop(n);
    fib_pop(f->shared[1]);
    fib_pop(f->shared[0]);
    return result;
}

/* One fib(n) from the top; checks it. 0, or -1. */
static int fib_once(struct fib_state *f)
{
    struct fib_frame frame = {.f = f, .back = obj_alloc(&fib_object_type, sizeof(struct obj))};
    struct obj *n = frame.back ? int_new(f->n) : NULL, *result = NULL;
    int64_t value;
    if (n && f->classic) {
        result = fib_classic(&frame, n);
        obj_decref(n);
    } else if (n) {
        result = fib_modern(f, n);
    }
    obj_xdecref(frame.back);
    if (!result)
        return -1;
    if (int_value(result, &value) != 0 || value != f->expected)
        atomic_fetch_add_explicit(&f->wrong, 1, memory_order_relaxed); /* relaxed: read after the threads are joined */
    obj_decref(result);
    return 0;
}

static int64_t fib_run(struct work *w, int thread, uint64_t reps)
{
    struct fib_state *f = w->state;
    uint64_t runs = !f->serial ? reps : thread == 0 ? reps * (uint64_t)w->threads : 0;
    for (uint64_t i = 0; i < runs; i++)
        if (fib_once(f) != 0)
            return -1;
    return (int64_t)runs * (2 * f->expected - 1);
}

/* A shared object that stands for a function, its code, …; immortal unless they are to be counted. */
static struct obj *fib_shared_new(const struct work *w)
{
    struct obj *o = obj_alloc(&fib_object_type, sizeof *o);
    if (o && !work_counts_shared(w))
        rc_immortalize(&o->rc);
    return o;
}

static void fib_drop(struct fib_state *f)
{
    for (int i = 0; i < FIB_SHARED; i++) {
        if (f->shared[i] && rc_is_immortal(&f->shared[i]->rc))
            fib_object_dealloc(f->shared[i]); /* no decref frees it; nobody else is left */
        else
            obj_xdecref(f->shared[i]);
    }
    obj_xdecref(f->one);
    obj_xdecref(f->two);
    obj_xdecref(f->seen);
    os_free(f);
}

static int fib_setup(struct work *w)
{
    struct fib_state *f = os_alloc_zeroed(1, sizeof *f);
    if (!f) {
        err_memory();
        return -1;
    }
    bool made = true;
    for (int i = 0; i < FIB_SHARED; i++)
        made = (f->shared[i] = fib_shared_new(w)) != NULL && made;
    f->one = int_new(1);
    f->two = int_new(2);
    f->seen = work_is(w, "kind", "y") ? set_new(0) : NULL;
    if (!made || !f->one || !f->two || (work_is(w, "kind", "y") && !f->seen)) {
        fib_drop(f);
        return -1;
    }
    f->classic = work_is(w, "traffic", "classic");
    f->serial = work_is(w, "kind", "xerial");
    f->n = work_int(w, "n");
    f->expected = 1;
    for (int64_t i = 1, previous = 1; i < f->n; i++) {
        int64_t next = f->expected + previous;
        previous = f->expected;
        f->expected = next;
    }
    w->state = f;
    return 0;
}

static bool fib_check(struct work *w)
{
    struct fib_state *f = w->state;
    work_fact(w, "fib", f->expected);
    int wrong = atomic_load_explicit(&f->wrong, memory_order_relaxed); /* relaxed: the threads are joined */
    if (f->seen && set_length(f->seen) != (f->n > 1 ? f->n + 1 : 1)) /* 0 to n; n alone where it makes no calls */
        return work_wrong(w, "the shared set has %" PRId64 " items", set_length(f->seen));
    return wrong == 0 || work_wrong(w, "%d runs did not give fib(%" PRId64 ") = %" PRId64, wrong, f->n, f->expected);
}

static void fib_teardown(struct work *w) { fib_drop(w->state); }

static const struct param fib_params[] = {
    {"n", PARAM_INT, NULL, 0, 40, "27", "argument of fib"},
    {"traffic", PARAM_CHOICE, "classic|modern", 0, 0, "classic", "count traffic of a call: as CPython 3.6 or 3.13"},
    {"kind", PARAM_CHOICE, "x|xerial|y", 0, 0, "x", "own fib per thread; in series; with a shared set"},
    {0},
};

static const struct joint fib_joint[] = {{"kind", "xerial", "one thread makes the calls of all"}, {0}};

static const struct workload workload_fib = {
    .info = {.name = "fib", .unit = "calls", .summary = "naive recursion over boxed ints, with an interpreter's count traffic",
             .params = fib_params, .joint = fib_joint},
    .setup = fib_setup,
    .run = fib_run,
    .check = fib_check,
    .teardown = fib_teardown,
};
