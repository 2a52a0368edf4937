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
 * Function, code, globals and builtins (objects/function.h) are made by the main thread: foreign to all that run. How they are counted:
 *
 *   defer=off       as -L shared says, which goes for the small ints and booleans as well: counted or immortal
 *   defer=counted   counted, whatever shared says of the numbers
 *   defer=deferred  the evaluation stack's references to them are not counted; the collector alone frees them (objects/defer.h)
 *   defer=thread    counted in an array of the calling thread
 *
 *   borrow=on       traffic=classic: loads of locals and constants push uncounted references on the evaluation stack (objects/stack.h):
 *                   the frame and its code keep them. modern does without them anyway
 *   frame=list      each call makes a private container that holds its argument: a list, or
 *   frame=instance  an instance of a class, which is counted as defer says. For the cost of tracking (-L gc=…)
 *
 * fib_step stands for the dispatch between two bytecodes: the compiler may not combine counts across it, as it cannot in an
 * interpreter (else plain's +1 -1 would vanish). Each combination of switches is a pair of functions of its own (FIB_INSTANCES).
 */
#include "../../objects/function.h"
#include "../../objects/stack.h"
#include "../workload.h"

enum { FIB_SHARED = 4 };
enum fib_defer { FIB_COUNTED, FIB_DEFERRED, FIB_THREAD };
enum fib_container { FIB_NONE, FIB_LIST, FIB_INSTANCE };
enum { FIB_PUSHES = 8 }; /* what one call has on the evaluation stack at most */

/* What is decided at compile time, in each pair of functions. */
struct fib_how {
    enum fib_defer defer;
    bool borrow;
    bool contained; /* frame=list or instance */
};

struct fib_frame;
typedef struct obj *fib_body(struct fib_frame *, struct obj *n);

struct fib_state {
    struct obj *shared[FIB_SHARED]; /* function, code, globals, builtins */
    struct obj *one, *two;          /* the code's constants */
    struct obj *seen;               /* kind=y: the shared set */
    bool classic, serial;
    int64_t n;
    int64_t expected;
    _Atomic int wrong;              /* runs whose result was not fib(n) */
    fib_body *body;                 /* one call, as the switches say */
    struct obj *class;              /* of frame=instance */
    enum fib_container container;
};

/* A frame that is called from no other: what `back` of a run is. */
static void fib_object_dealloc(struct obj *o) { obj_free(o, sizeof *o); }
static const struct type fib_object_type = {.name = "frame", .dealloc = fib_object_dealloc};

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

/* LOAD of what every thread uses. */
HOT void fib_load_shared(struct fib_how how, struct obj *o)
{
    if (how.defer == FIB_DEFERRED)
        stack_push(o);
    else if (how.defer == FIB_THREAD)
        defer_incref((struct deferred *)o);
    else
        obj_incref(o);
    fib_step();
}
/* In the reverse order of the loads, as far as they are on the stack. */
HOT void fib_pop_shared(struct fib_how how, struct obj *o)
{
    if (how.defer == FIB_DEFERRED)
        stack_pop();
    else if (how.defer == FIB_THREAD)
        defer_decref((struct deferred *)o);
    else
        obj_decref(o);
    fib_step();
}

/* LOAD_FAST, LOAD_CONST: the frame keeps the one, its code the other. */
HOT struct obj *fib_load_kept(struct fib_how how, struct obj *o)
{
    if (!how.borrow)
        return fib_load(o);
    stack_push_borrowed(o);
    fib_step();
    return o;
}
HOT void fib_pop_kept(struct fib_how how, struct obj *o)
{
    if (!how.borrow) {
        fib_pop(o);
        return;
    }
    stack_pop();
    fib_step();
}

/* COMPARE_OP and POP_JUMP_IF_FALSE: n < 2, through a boolean object. Consumes both. */
HOT bool fib_less(struct fib_how how, struct obj *n, struct obj *two)
{
    bool less = ((struct integer *)n)->small < ((struct integer *)two)->small;
    struct obj *answer = fib_load(bool_get(less));
    fib_pop_kept(how, n);
    fib_pop_kept(how, two);
    fib_pop(answer);
    return less;
}

/* What one run carries down: the shared objects, and the frame object of its own thread. */
struct fib_frame {
    struct fib_state *f;
    struct obj *back;
};

/* The call's private container, which holds its argument: new, or NULL. */
HOT struct obj *fib_container_new(struct fib_state *f, struct obj *n)
{
    return f->container == FIB_LIST ? list_from(&n, 1) : instance_new(f->class, &n, 1);
}

/* LOAD_GLOBAL fib, LOAD_FAST n, LOAD_CONST less, BINARY_SUBTRACT, CALL_FUNCTION. */
HOT struct obj *fib_call(struct fib_frame *frame, struct obj *n, struct obj *less, fib_body *self, struct fib_how how)
{
    fib_load_shared(how, frame->f->shared[0]);
    struct obj *left = fib_load_kept(how, n), *right = fib_load_kept(how, less);
    struct obj *argument = int_sub(left, right);
    fib_pop_kept(how, left);
    fib_pop_kept(how, right);
    struct obj *result = argument ? self(frame, argument) : NULL;
    obj_xdecref(argument);
    fib_pop_shared(how, frame->f->shared[0]);
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

/* Room on the stack, and the container, where there are any. False: no memory. */
HOT bool fib_enter(struct fib_state *f, struct obj *n, struct obj **container, struct fib_how how)
{
    if ((how.borrow || how.defer == FIB_DEFERRED) && unlikely(!stack_reserve(FIB_PUSHES)))
        return false;
    return !how.contained || (*container = fib_container_new(f, n)) != NULL;
}

/* One call with classic traffic: borrows n. New reference, or NULL. */
HOT struct obj *fib_classic(struct fib_frame *frame, struct obj *n, fib_body *self, struct fib_how how)
{
    struct fib_state *f = frame->f;
    struct obj *result, *container = NULL;
    rt_safepoint();
    if (!fib_enter(f, n, &container, how))
        return NULL;
    fib_load(frame->back); /* what a frame holds: its caller's, code, globals, builtins, and the argument */
    for (int i = 1; i < FIB_SHARED; i++)
        fib_load_shared(how, f->shared[i]);
    fib_load(n);
    if (f->seen && set_add(f->seen, n) < 0)
        result = NULL;
    else if (fib_less(how, fib_load_kept(how, n), fib_load_kept(how, f->two)))
        result = fib_load(f->one);
    else {
        struct obj *a = fib_call(frame, n, f->one, self, how);
        result = a ? fib_sum(a, fib_call(frame, n, f->two, self, how)) : NULL;
    }
    fib_pop(n);
    for (int i = 1; i < FIB_SHARED; i++)
        fib_pop_shared(how, f->shared[i]);
    fib_pop(frame->back);
    if (how.contained)
        obj_decref(container);
    return result;
}

/* One call with modern traffic: the frame counts its function and code, the rest is borrowed. Steals n. */
HOT struct obj *fib_modern(struct fib_frame *frame, struct obj *n, fib_body *self, struct fib_how how)
{
    struct fib_state *f = frame->f;
    struct obj *result, *a = NULL, *b = NULL, *container = NULL;
    rt_safepoint();
    if (!fib_enter(f, n, &container, how)) {
        obj_decref(n);
        return NULL;
    }
    fib_load_shared(how, f->shared[0]);
    fib_load_shared(how, f->shared[1]);
    if (f->seen && set_add(f->seen, n) < 0)
        result = NULL;
    else if (((struct integer *)n)->small < ((struct integer *)f->two)->small)
        result = fib_load(f->one);
    else {
        struct obj *argument = int_sub(n, f->one);
        a = argument ? self(frame, argument) : NULL;
        argument = a ? int_sub(n, f->two) : NULL;
        b = argument ? self(frame, argument) : NULL;
        result = fib_sum(a, b);
    }
    fib_pop(n);
    fib_pop_shared(how, f->shared[1]);
    fib_pop_shared(how, f->shared[0]);
    if (how.contained)
        obj_decref(container);
    return result;
}

/* X(defer, borrow, contained): the combinations, each a function per traffic, called by itself. modern has no use for borrow. */
#define FIB_INSTANCES(X)                                                                                                \
    X(FIB_COUNTED, 0, 0) X(FIB_COUNTED, 0, 1) X(FIB_COUNTED, 1, 0) X(FIB_COUNTED, 1, 1)                                  \
    X(FIB_DEFERRED, 0, 0) X(FIB_DEFERRED, 0, 1) X(FIB_DEFERRED, 1, 0) X(FIB_DEFERRED, 1, 1)                              \
    X(FIB_THREAD, 0, 0) X(FIB_THREAD, 0, 1) X(FIB_THREAD, 1, 0) X(FIB_THREAD, 1, 1)
#define X(defer, borrow, contained)                                                                                     \
    static struct obj *fib_classic_##defer##borrow##contained(struct fib_frame *frame, struct obj *n)                   \
    {                                                                                                                   \
        return fib_classic(frame, n, fib_classic_##defer##borrow##contained, (struct fib_how){defer, borrow, contained}); \
    }                                                                                                                   \
    static struct obj *fib_modern_##defer##borrow##contained(struct fib_frame *frame, struct obj *n)                    \
    {                                                                                                                   \
        return fib_modern(frame, n, fib_modern_##defer##borrow##contained, (struct fib_how){defer, false, contained});   \
    }
FIB_INSTANCES(X)
#undef X

static fib_body *const fib_bodies[2][FIB_THREAD + 1][2][2] = {
#define X(defer, borrow, contained)                                                                                     \
    [0][defer][borrow][contained] = fib_modern_##defer##borrow##contained,                                              \
    [1][defer][borrow][contained] = fib_classic_##defer##borrow##contained,
    FIB_INSTANCES(X)
#undef X
};

/* One fib(n) from the top; checks it. 0, or -1. */
static int fib_once(struct fib_state *f)
{
    struct fib_frame frame = {.f = f, .back = obj_alloc(&fib_object_type, sizeof(struct obj))};
    struct obj *n = frame.back ? int_new(f->n) : NULL, *result = NULL;
    int64_t value;
    if (n)
        result = f->body(&frame, n);
    if (n && f->classic)
        obj_decref(n);
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

/* --- set-up --- */

/* Made deferred, immortal, or left as it is. Steals; NULL stays NULL. */
static struct obj *fib_shared(const struct work *w, struct obj *o)
{
    bool thread = work_is(w, "defer", "thread");
    if (o && (thread || work_is(w, "defer", "deferred")))
        defer_enable(o, thread);
    else if (o && work_is(w, "defer", "off") && !work_counts_shared(w))
        rc_immortalize(&o->rc);
    return o;
}

/* No decref frees what is immortal; nobody else is left. */
static void fib_drop_shared(struct obj *o)
{
    if (o && rc_is_immortal(&o->rc))
        obj_dealloc(o);
    else
        obj_xdecref(o);
}

static void fib_drop(struct fib_state *f)
{
    if (f->shared[2])
        dict_clear(namespace_dict(f->shared[2])); /* it holds the function, which holds it */
    fib_drop_shared(f->class);
    for (int i = 0; i < FIB_SHARED; i++)
        fib_drop_shared(f->shared[i]);
    obj_xdecref(f->one);
    obj_xdecref(f->two);
    obj_xdecref(f->seen);
    os_free(f);
}

/* The function and what it refers to; its globals name it. 0, or -1. */
static int fib_program(const struct work *w, struct fib_state *f, struct obj *name)
{
    struct obj *const constants[] = {f->one, f->two};
    f->shared[1] = fib_shared(w, code_new(name, constants, 2));
    f->shared[2] = fib_shared(w, namespace_new());
    f->shared[3] = fib_shared(w, namespace_new());
    if (!f->shared[1] || !f->shared[2] || !f->shared[3])
        return -1;
    f->shared[0] = fib_shared(w, function_new(f->shared[1], f->shared[2], f->shared[3]));
    f->class = fib_shared(w, class_new(name, f->shared[2]));
    return f->shared[0] && f->class ? dict_set(namespace_dict(f->shared[2]), name, f->shared[0]) : -1;
}

static int fib_make(struct work *w, struct fib_state *f)
{
    f->one = int_new(1);
    f->two = int_new(2);
    f->seen = work_is(w, "kind", "y") ? set_new(0) : NULL;
    if (!f->one || !f->two || (work_is(w, "kind", "y") && !f->seen))
        return -1;
    struct obj *name = str_from("fib");
    int failed = name ? fib_program(w, f, name) : -1;
    obj_xdecref(name);
    return failed;
}

static int fib_setup(struct work *w)
{
    struct fib_state *f = work_state(sizeof *f);
    if (!f) {
        err_memory();
        return -1;
    }
    if (fib_make(w, f) != 0) {
        fib_drop(f);
        return -1;
    }
    enum fib_defer defer = work_is(w, "defer", "deferred") ? FIB_DEFERRED : work_is(w, "defer", "thread") ? FIB_THREAD : FIB_COUNTED;
    f->container = work_is(w, "frame", "list") ? FIB_LIST : work_is(w, "frame", "instance") ? FIB_INSTANCE : FIB_NONE;
    f->classic = work_is(w, "traffic", "classic");
    f->body = fib_bodies[f->classic][defer][work_is(w, "borrow", "on")][f->container != FIB_NONE];
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
    {"defer", PARAM_CHOICE, "off|counted|deferred|thread", 0, 0, "off",
     "function, code, globals, class: as shared says; counted; not counted on stacks (the collector frees them); counted by thread"},
    {"borrow", PARAM_CHOICE, "off|on", 0, 0, "off", "classic: loads of locals and constants take no count"},
    {"frame", PARAM_CHOICE, "none|list|instance", 0, 0, "none", "each call makes a private container for its argument"},
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
