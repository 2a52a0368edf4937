/*
 * instance.c -- the unit under exploration: rc/, objects/, gc/ of one strategy and all scenarios, as they stand, instrumented.
 *
 * Compiled with -fsanitize=thread, os.h of this folder in the place of rc/os.h, RC_HOSTILE for small capacities. Threads of a
 * scenario are threads of the runtime, begun before it starts and ended after it (unless their body ends them itself),
 * so that a scenario consists of what it is about.
 */
#include "os.h"

#define RC_EXPLORED  /* capacities that are smaller still than RC_HOSTILE's, where a scenario has to fill them */
#define LOCK_SPINS 1 /* each round more is a read more that may be served by every store */

#include "../../gc/unit.c"

/* --- for the scenarios --- */

static struct {
    struct thread *main;
    struct thread *thread[SCENARIO_THREADS]; /* NULL: the body has ended it */
    int64_t live;                            /* objects before setup */
} stage;

/* In setup: who makes objects, locks and references there. A number: the body's thread; -1: main. */
API void scenario_act_as(int number)
{
    if (RC_NEEDS_GIL)
        thread_detach();
    rt_self = number < 0 ? stage.main : stage.thread[number];
    if (RC_NEEDS_GIL)
        thread_attach();
}

/* Ends the calling thread's part in the runtime inside its body: for scenarios about exiting threads. */
API void scenario_thread_end(int number)
{
    stage.thread[number] = NULL;
    thread_end();
}

#define SCENARIO(symbol) \
    static const struct scenario *const symbol##_registered __attribute__((used, section(SCENARIO_SECTION))) = &symbol
#define NAME_(x) #x
#define NAME(x) NAME_(x)
#define SCENARIO_SECTION "explore_scenarios_" NAME(RC_STRATEGY)

#include "scenario_files.h"

/* --- what the engine calls --- */

static void start(const struct scenario *s, int threads)
{
    if (s->bare) {
        if (s->setup)
            s->setup();
        return;
    }
    struct objects_config config = {
        .heap = (enum heap_policy)s->heap, .track = (enum track_policy)s->track, .lock = (enum lock_policy)s->lock,
        .borrowed = (enum borrowed_policy)s->borrowed, .reads = (enum reads_policy)s->reads};
    if (objects_start(&config) != 0)
        die("objects_start", ENOMEM);
    stage.live = heap_live();
    stage.main = rt_self;
    if (RC_NEEDS_GIL)
        thread_detach();
    for (int i = 0; i < threads; i++) {
        rt_self = NULL;
        if (thread_begin() != 0)
            die("thread_begin", ENOMEM);
        stage.thread[i] = rt_self;
        if (RC_NEEDS_GIL)
            thread_detach();
    }
    rt_self = stage.main;
    if (RC_NEEDS_GIL)
        thread_attach();
    if (s->setup)
        s->setup();
    if (rt_self != stage.main)
        scenario_act_as(-1);
    thread_detach();
}

static void body(const struct scenario *s, int number)
{
    if (s->bare) {
        s->thread[number]();
        return;
    }
    rt_self = stage.thread[number];
    if (RC_NEEDS_GIL)
        thread_attach();
    s->thread[number]();
    if (stage.thread[number] && (RC_NEEDS_GIL || RC_DEFERS_FREE))
        thread_detach(); /* others must not wait for a thread that does nothing any more */
}

static void finish(const struct scenario *s, int threads)
{
    if (s->bare) {
        if (s->check)
            s->check();
        return;
    }
    for (int i = 0; i < threads; i++) {
        if (!stage.thread[i])
            continue;
        rt_self = stage.thread[i];
        if (RC_NEEDS_GIL || RC_DEFERS_FREE)
            thread_attach();
        thread_end();
    }
    rt_self = stage.main;
    thread_attach();
    rc_drain();
    if (s->check)
        s->check();
    rc_drain();
    if (heap_live() != stage.live)
        explore_fail_at("leak", __FILE__, __LINE__, "objects are alive that nobody holds");
}

extern const struct scenario *const scenarios_begin[] __asm__("__start_explore_scenarios_" NAME(RC_STRATEGY));
extern const struct scenario *const scenarios_end[] __asm__("__stop_explore_scenarios_" NAME(RC_STRATEGY));

static void **self(void) { return (void **)&rt_self; }

#include "describe.h"

static void survey(void) { survey_of(stage.thread); }
static const char *bounds(void)
{
    static char text[400];
    int used = snprintf(text, sizeof text,
                        "of each thread's waits with a limit the first may end at once, the others last; "
                        "a hash table begins with %d slots, a freelist holds %d blocks, the depot %d lists",
                        TABLE_MIN_SLOTS, LOCKED_MAX, DEPOT_LISTS);
    if (!LOCK_NONE)
        used += snprintf(text + used, sizeof text - (size_t)used, "; a lock is watched %d times before its waiter parks", LOCK_SPINS);
    rc_bounds(text + used, sizeof text - (size_t)used);
    return text;
}

static const struct explore_target target = {
    .strategy = NAME(RC_STRATEGY),
    .scenarios = scenarios_begin,
    .scenarios_end = scenarios_end,
    .self = self,
    .start = start,
    .body = body,
    .finish = finish,
    .survey = survey,
    .identify = identify,
    .runtime_objects = &stage.live,
    .bounds = bounds,
    .unsafe = RC_UNSAFE,
};

__attribute__((section("explore_targets"), used)) static const struct explore_target *const target_entry = &target;
