/*
 * litmus.c -- the unit of the memory model's own tests: tests/scenarios/litmus/, atomics without a runtime.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "scenario.h"

static void *no_thread;

#define SCENARIO(symbol) \
    static const struct scenario *const symbol##_registered __attribute__((used, section("explore_scenarios_litmus"))) = &symbol

#include "litmus_files.h"

static void start(const struct scenario *s, int threads)
{
    (void)threads;
    if (s->setup)
        s->setup();
}
static void body(const struct scenario *s, int number) { s->thread[number](); }
static void finish(const struct scenario *s, int threads)
{
    (void)threads;
    if (s->check)
        s->check();
}

extern const struct scenario *const scenarios_begin[] __asm__("__start_explore_scenarios_litmus");
extern const struct scenario *const scenarios_end[] __asm__("__stop_explore_scenarios_litmus");

static void **self(void) { return &no_thread; }
static const char *bounds(void) { return "nothing but those"; }

static const struct explore_target target = {
    .strategy = "litmus", .scenarios = scenarios_begin, .scenarios_end = scenarios_end, .self = self,
    .start = start, .body = body, .finish = finish, .bounds = bounds,
};
__attribute__((section("explore_targets"), used)) static const struct explore_target *const target_entry = &target;
