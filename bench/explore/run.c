/*
 * run.c -- runs one execution: the scenario's threads as coroutines, their operations taken from the graph as long as it has
 * them, then from whoever extends it.
 *
 * An execution begins with memory as setup left it. Replay: a thread runs on while its next event is in the graph and what
 * that event reads from has been executed; so plain memory is seen in an order that agrees with happens-before. When the graph
 * is used up, next() names a thread and extend() adds that thread's events, until all have ended or wait. Then main goes on alone
 * (native): atomics have their last values, helpers run when main waits.
 *
 * A thread that awaits something stays at its unsatisfied read: another execution gives that read another value
 * (search.c), or the walk chooses the moment (walk.c). All wait and nothing newer is there to be read: a deadlock.
 */
#include "engine.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "trace.h"

struct run run;

enum status { READY, WAITING, SPINNING, DONE };

static struct thread {
    enum status status;
    void *self, *self_at_snapshot;  /* rt_self */
    int executed, known;            /* events of it that have run; that are in the graph */
    int16_t event[EVENTS_MAX];      /* their numbers */
    struct op pending;
    bool has_pending, timed_out;
    int last_read;                  /* the last event that read, or INIT */
    int yields, yielded_at;         /* so far; events executed when it last came back from one: a loop's round begins there */
    int surprises;                  /* run_spurious */
    int64_t time;
    int spun;                       /* what it had read last when it yielded, until it reads that place again; or INIT */
    struct clock hb;
    int plain[32], plains;          /* PLAIN_STOREs whose values are not known yet */
    void *(*helper)(void *);
    void *helper_arg;
} thread[CLOCKS];

static int current = -1, granted = -1;
static void **self; /* the running thread's rt_self */
static bool exploring, single_step;
static jmp_buf on_main;
static bool on_main_set;
static run_extend extend;
static int native_rounds;        /* how often main has waited in this execution */
static uint64_t native_accesses; /* of main and the helpers after the threads have ended */

double engine_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int run_current(void) { return current; }
bool run_exploring(void) { return exploring; }
int run_thread_count(void) { return run.threads + run.helpers; }
const struct clock *run_clock(int t) { return &thread[t].hb; }
uint16_t run_epoch(int t) { return (uint16_t)(thread[t].executed + 1); }
const struct op *run_pending(int t) { return thread[t].has_pending ? &thread[t].pending : NULL; }

const char *run_thread_name(int t)
{
    static const char *const letter[] = {"A", "B", "C", "D"}, *const helper[] = {"helper 1", "helper 2", "helper 3", "helper 4"};
    if (t < 0)
        return "main";
    if (t >= run.threads)
        return helper[t - run.threads];
    return run.scenario->label[t] ? run.scenario->label[t] : letter[t];
}

/* --- switching --- */

static void resume(int t)
{
    void *main_self = *self;
    *self = thread[t].self;
    current = t;
    coroutine_resume(t);
    current = -1;
    thread[t].self = *self;
    *self = main_self;
}

static void pause_here(void) { coroutine_pause(); }

void run_fail(const char *kind, const void *pc, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!run.failed) {
        run.failed = true;
        snprintf(run.failure.kind, sizeof run.failure.kind, "%s", kind);
        vsnprintf(run.failure.text, sizeof run.failure.text, format, args);
        run.failure.pc = pc;
        run.failure.thread = current;
        if (trace_is_on)
            trace_failure(pc);
    }
    va_end(args);
    while (current >= 0)
        pause_here();
    if (on_main_set)
        longjmp(on_main, 1);
    fprintf(stderr, "rclab explore: %s in setup: %s\n", run.failure.kind, run.failure.text);
    exit(2);
}

/* --- one operation --- */

void run_plain_done(void)
{
    if (current < 0)
        return;
    struct thread *t = &thread[current];
    for (int i = 0; i < t->plains; i++) {
        struct event *e = &graph->event[t->plain[i]];
        const struct location *l = location_at(e->op.location);
        e->written = arena_load(l->addr, l->size);
    }
    t->plains = 0;
}

static bool source_has_run(const struct event *e)
{
    if (!e->reads || e->from == INIT)
        return true;
    const struct event *source = &graph->event[e->from];
    return thread[source->thread].executed >= source->index;
}

static void wait_here(struct thread *t, enum status status)
{
    t->status = status;
    while (t->status == status && exploring)
        pause_here();
}

/* Carries the event out. Returns the value read. */
static uint64_t execute(struct thread *t, int event, bool *satisfied)
{
    struct event *e = &graph->event[event];
    t->executed++;
    t->has_pending = false;
    t->hb = e->hb;
    run.counts.points++;
    if (trace_is_on)
        trace_event(event);
    if (e->op.location >= 0 && e->op.kind != PLAIN_STORE) {
        const struct location *l = location_at(e->op.location);
        arena_mark_atomic(l->addr);
        t->executed--; /* the access belongs to this event, not to what follows */
        arena_access(l->addr, l->size, e->writes ? ACCESS_ATOMIC_WRITE : ACCESS_ATOMIC_READ, e->op.pc);
        t->executed++;
    }
    if (e->op.kind == PLAIN_STORE) {
        if (t->plains == (int)(sizeof t->plain / sizeof *t->plain))
            run_fail("too large", e->op.pc, "one plain write covers too many atomic locations");
        t->plain[t->plains++] = event;
    }
    if (e->reads) {
        t->last_read = event;
        if (t->spun != INIT && graph->event[t->spun].op.location == e->op.location)
            t->spun = INIT;
    }
    if (run.steps < EVENTS_MAX)
        run.order[run.steps++] = (int16_t)event;
    bool holds = !e->reads || op_holds(&e->op, e->read);
    uint64_t value = e->op.kind == CHOICE ? e->written : e->read;
    if (satisfied)
        *satisfied = holds;
    if (!holds)
        wait_here(t, WAITING);
    return value;
}

static void check_replay(const struct event *e, const struct op *op)
{
    if (e->op.kind != op->kind || e->op.location != op->location || e->op.order != op->order || e->op.operand != op->operand)
        run_fail("not deterministic", op->pc, "replayed, the thread does something else than before");
}

uint64_t run_step(struct op *op, bool *satisfied)
{
    struct thread *t = &thread[current];
    t->pending = *op;
    t->has_pending = true;
    for (;;) {
        if (t->executed < t->known) {
            int event = t->event[t->executed];
            check_replay(&graph->event[event], op);
            if (source_has_run(&graph->event[event]))
                return execute(t, event, satisfied);
        } else if (granted == current) {
            if (single_step)
                granted = -1;
            int event = extend(current, op);
            t->event[t->known++] = (int16_t)event;
            return execute(t, event, satisfied);
        }
        pause_here();
        if (!exploring) {
            *(satisfied ? satisfied : &(bool){false}) = false;
            return 0;
        }
    }
}

/* --- for scenarios and os.h --- */

void explore_yield(void)
{
    run_plain_done();
    if (!exploring || current < 0) {
        run_wait_native();
        return;
    }
    struct thread *t = &thread[current];
    if (t->yields++ >= run.limits->spins) {
        t->spun = t->last_read;
        wait_here(t, SPINNING);
    }
    t->yielded_at = t->executed;
}

int run_last_read(int t) { return thread[t].last_read; }
bool run_waits(int t) { return thread[t].status != DONE; }
bool run_repeats(int t, const struct op *op, int from)
{
    const struct event *spun = thread[t].spun == INIT ? NULL : &graph->event[thread[t].spun];
    return spun && spun->op.location == op->location && graph_mo_of(graph, from) <= graph_mo_of(graph, spun->from);
}

int explore_self(void) { return current + 1; }
const char *explore_thread_name(int number) { return run_thread_name(number - 1); }
int explore_threads(void) { return run_thread_count(); }
/* Of a wait with a limit: a thread's first one may end at once, the others never do. */
bool explore_times_out(void)
{
    if (!exploring || current < 0 || thread[current].timed_out)
        return false;
    thread[current].timed_out = true;
    return run_choose(2, __builtin_return_address(0)) == 0;
}

uint64_t run_choose(int of, const void *pc)
{
    struct op op = {.kind = CHOICE, .location = -1, .expected = (uint64_t)of, .pc = pc};
    if (!exploring || current < 0 || of < 2)
        return 0;
    return run_step(&op, NULL);
}

bool run_spurious(const void *pc)
{
    if (!exploring || current < 0 || thread[current].surprises >= run.limits->spurious)
        return false;
    bool happens = run_choose(2, pc) == 1;
    thread[current].surprises += happens;
    return happens;
}
bool explore_spurious(void) { return run_spurious(__builtin_return_address(0)); }
/* A thread's own: the same in every order in which the others run. */
int64_t explore_now(void)
{
    static int64_t on_main;
    return *(current < 0 ? &on_main : &thread[current].time) += 1000;
}

void explore_fail_at(const char *kind, const char *file, int line, const char *text)
{
    run_plain_done();
    for (const char *up; (up = strstr(file, "../")) != NULL;)
        file = up + 3; /* files are included by way of others' folders */
    run_fail(kind, __builtin_return_address(0), "%s:%d: %s", file, line, text);
}

void explore_outcome(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(run.outcome, sizeof run.outcome, format, args);
    va_end(args);
}

/* glibc's assert calls this; ours is found first. */
void __assert_fail(const char *what, const char *file, unsigned line, const char *function)
{
    (void)function;
    explore_fail_at("assertion", file, (int)line, what);
}

static void helper_main(int t)
{
    thread[t].helper(thread[t].helper_arg);
    run_plain_done();
    thread[t].status = DONE;
}

int explore_spawn(void *(*body)(void *), void *arg)
{
    int t = run_thread_count();
    if (exploring || t == CLOCKS)
        return -1;
    run.helpers++;
    thread[t] = (struct thread){.status = READY, .helper = body, .helper_arg = arg};
    coroutine_open(t, helper_main, t);
    return t;
}

void run_wait_native(void)
{
    enum { ROUNDS = 100000 };
    if (current >= 0) {
        pause_here();
        return;
    }
    for (int t = run.threads; t < run_thread_count(); t++)
        if (thread[t].status != DONE)
            resume(t);
    if (++native_rounds > ROUNDS) {
        run_fail("deadlock", NULL, "after all threads have ended, main waits for ever");
    }
}

void run_native_access(void)
{
    enum { ACCESSES = 20000000 };
    if (on_main_set && ++native_accesses > ACCESSES)
        run_fail("livelock", NULL, "after all threads have ended, %s goes on for ever", run_thread_name(current));
}

void explore_join(int helper)
{
    if (current >= 0)
        run_fail("unsupported", NULL, "a thread joins another: only main can, in finish");
    while (thread[helper].status != DONE)
        run_wait_native();
}

/* --- an execution --- */

static void body_main(int t)
{
    run.target->body(run.scenario, t);
    run_plain_done();
    thread[t].status = DONE;
}

void run_open(const struct explore_target *target, const struct scenario *scenario)
{
    run.target = target;
    run.scenario = scenario;
    while (run.threads < SCENARIO_THREADS && scenario->thread[run.threads])
        run.threads++;
    if (!graph)
        graph = calloc(1, sizeof *graph + (size_t)EVENTS_MAX * sizeof *graph->event);
    self = target->self();
    arena_open();
    target->start(scenario, run.threads);
    if (target->survey)
        target->survey();
    for (int t = run.threads; t < run_thread_count(); t++) {
        for (int i = 0; i < 3; i++) /* until it waits: helpers are few and wait soon */
            resume(t);
        coroutine_save(t);
        thread[t].self_at_snapshot = thread[t].self;
    }
    arena_snapshot();
}

static void begin_execution(void)
{
    arena_restore();
    locations_begin_execution();
    run.failed = false;
    run.steps = 0;
    run.outcome[0] = 0;
    native_rounds = 0;
    native_accesses = 0;
    for (int t = 0; t < run_thread_count(); t++) {
        struct thread *th = &thread[t];
        th->executed = th->known = th->plains = 0;
        th->has_pending = th->timed_out = false;
        th->yields = th->yielded_at = th->surprises = 0;
        th->time = 0;
        th->last_read = th->spun = INIT;
        memset(&th->hb, 0, sizeof th->hb);
        th->status = READY;
        th->self = th->self_at_snapshot;
        if (t < run.threads)
            coroutine_open(t, body_main, t);
        else
            coroutine_restore(t);
    }
    for (int i = 0; i < graph->length; i++) {
        struct thread *th = &thread[graph->event[i].thread];
        th->event[th->known++] = (int16_t)i;
    }
    current = granted = -1;
}

static bool can_replay(int t)
{
    const struct thread *th = &thread[t];
    return th->status == READY && th->executed < th->known && source_has_run(&graph->event[th->event[th->executed]]);
}

static void replay(void)
{
    for (bool moved = true; moved && !run.failed;) {
        moved = false;
        for (int t = 0; t < run_thread_count() && !run.failed; t++)
            while (can_replay(t) && !run.failed) {
                resume(t);
                moved = true;
            }
    }
    for (int t = 0; t < run_thread_count() && !run.failed; t++)
        if (thread[t].executed < thread[t].known)
            run_fail("not deterministic", NULL, "replayed, %s stops after %d of its %d events", run_thread_name(t), thread[t].executed,
                     thread[t].known);
}

static bool reads_newest(const struct event *e)
{
    return graph_mo_of(graph, e->from) == graph_last_mo(graph, e->op.location) - (e->writes ? 1 : 0);
}

/* What it waits for will not come: the value that it awaits is the newest; of a loop, all that its last round read. */
static bool waits_for_good(const struct thread *t)
{
    if (t->last_read == INIT)
        return true;
    if (t->status != SPINNING)
        return reads_newest(&graph->event[t->last_read]);
    for (int i = t->yielded_at; i < t->executed; i++) {
        const struct event *e = &graph->event[t->event[i]];
        if (e->reads && !reads_newest(e))
            return false;
    }
    return true;
}

/* Everybody has ended or waits. */
static enum run_end judge(void)
{
    bool all_done = true, stale = false;
    int waiting = -1;
    for (int t = 0; t < run_thread_count(); t++) {
        const struct thread *th = &thread[t];
        if (th->status == DONE)
            continue;
        if (t < run.threads) {
            all_done = false;
            waiting = t;
        }
        /* one step after another, a thread that awaits something is READY and has no step */
        stale = stale || ((th->status == WAITING || (th->status == SPINNING && !run.patient)) && !waits_for_good(th));
    }
    if (stale)
        return RUN_BLOCKED;
    if (all_done)
        return RUN_COMPLETE;
    const struct thread *th = &thread[waiting];
    const void *last = th->last_read == INIT ? NULL : graph->event[th->last_read].op.pc;
    run_fail(th->status == SPINNING ? "livelock" : "deadlock", th->has_pending ? th->pending.pc : last,
             "%s waits, and nothing that could still happen lets it go on", run_thread_name(waiting));
}

static void flush_atomics(void)
{
    for (int l = 0; l < location_count(); l++) {
        if (!location_has_init(l))
            continue;
        int last = graph_at_mo(graph, l, graph_last_mo(graph, l));
        arena_store(location_at(l)->addr, location_at(l)->size, last == INIT ? location_init(l) : graph->event[last].written);
    }
}

static void finish(void)
{
    exploring = false;
    flush_atomics();
    run.target->finish(run.scenario, run.threads);
    run_plain_done();
}

bool run_ready(int t)
{
    const struct thread *th = &thread[t];
    if (th->status == SPINNING && run.patient)
        return !waits_for_good(th);
    return th->status == READY;
}

/* Lets every thread come to its next operation, so that the walk can choose among them. */
static void settle(void)
{
    for (int t = 0; t < run_thread_count() && !run.failed; t++) {
        if (thread[t].status == SPINNING && run_ready(t))
            thread[t].status = READY;
        if (thread[t].status == READY && !thread[t].has_pending)
            resume(t);
    }
}

static int leftmost(void)
{
    for (int t = 0; t < run_thread_count(); t++)
        if (thread[t].status == READY)
            return t;
    return -1;
}

static void forward(run_next next)
{
    int t;
    if (single_step)
        settle();
    while (!run.failed && (t = next()) >= 0) {
        granted = t;
        resume(t);
        if (single_step && !run.failed)
            settle();
    }
    granted = -1;
}

enum run_end run_execute(run_extend extension, run_next next)
{
    enum run_end volatile end = RUN_FAILED;
    extend = extension;
    single_step = next != NULL;
    void *main_self = *self;
    begin_execution();
    on_main_set = true;
    if (setjmp(on_main) == 0) {
        exploring = true;
        replay();
        forward(next ? next : leftmost);
        if (!run.failed) {
            end = judge();
            if (end == RUN_COMPLETE)
                finish();
        }
    }
    exploring = false;
    on_main_set = false;
    *self = main_self;
    if (run.failed)
        return RUN_FAILED;
    *(end == RUN_COMPLETE ? &run.counts.schedules : &run.counts.blocked) += 1;
    return end;
}
