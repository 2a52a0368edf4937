/*
 * lost-update.c -- the lost update, forced: once by hand, with two threads that wait for each other at the worst moment, and once by the
 * explorer, which finds that moment by itself, in three atomic steps and in the runtime's own objects.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <stdatomic.h>

#include "lab.h"

static struct update {
    pthread_barrier_t loaded, stored;
    _Atomic int value; /* relaxed accesses: plain ones would be undefined, these compile to the same instructions */
    int64_t at[2][4];  /* load begins, load ended, store begins, store ended */
} update;

static int update_load(int thread)
{
    int value;

    update.at[thread][0] = lab_now();
    value = atomic_load_explicit(&update.value, memory_order_relaxed); /* relaxed: see struct update */
    update.at[thread][1] = lab_now();
    return value;
}

static void update_store(int thread, int value)
{
    update.at[thread][2] = lab_now();
    atomic_store_explicit(&update.value, value, memory_order_relaxed); /* relaxed: see struct update */
    update.at[thread][3] = lab_now();
}

/* A loads; B loads and stores; A stores what it has made of the old value. */
static void update_body(void *arg, int thread)
{
    int value;

    (void)arg;
    if (thread == 1)
        pthread_barrier_wait(&update.loaded);
    value = update_load(thread);
    if (thread == 0) {
        pthread_barrier_wait(&update.loaded);
        pthread_barrier_wait(&update.stored);
    }
    update_store(thread, value + 1);
    if (thread == 1)
        pthread_barrier_wait(&update.stored);
}

static void update_draw(struct lab_run *run)
{
    static const char *const names[] = {"A", "B"};
    int64_t begin = update.at[0][0], length = update.at[0][3] - begin, least = length / 30;

    lab_timeline(run, "Forced: B's whole update lies between A's load and A's store", 0, length + least);
    lab_legend(run, LAB_IO, "load");
    lab_legend(run, LAB_WAIT, "holds the old value");
    lab_legend(run, LAB_RUN, "store");
    for (int t = 0; t < 2; t++) {
        int64_t *at = update.at[t];

        lab_lane(run, names[t]);
        lab_span(run, LAB_IO, at[0] - begin, at[0] - begin + least); /* drawn wider than they are */
        lab_span(run, LAB_WAIT, at[0] - begin + least, at[2] - begin);
        lab_span(run, LAB_RUN, at[2] - begin, at[2] - begin + least);
    }
}

static int update_force(struct lab_run *run)
{
    int value;

    pthread_barrier_init(&update.loaded, NULL, 2);
    pthread_barrier_init(&update.stored, NULL, 2);
    lab_threads(run, 2, update_body, NULL);
    pthread_barrier_destroy(&update.loaded);
    pthread_barrier_destroy(&update.stored);
    value = atomic_load_explicit(&update.value, memory_order_relaxed); /* relaxed: both have ended */
    lab_figure(run, "increments", 2, "", -1);
    lab_figure(run, "the counter afterwards", value, "", -1);
    update_draw(run);
    return value;
}

static void update_run(struct lab_run *run)
{
    int value = update_force(run);

    lab_answer(run, value == 1 ? 'b' : 'c');
    lab_say(run, "The explorer runs both threads in every order and stops at the first one whose sum is wrong. A counter, and nothing but a "
                 "load and a store in each thread:");
    if (lab_explore(run, "lost-update", "litmus", "--model sc") != LAB_FAILS)
        return;
    if (!lab_needs_strategy(run, "gil"))
        return;
    lab_say(run, "The same in the objects of this runtime: `list_get`, `int_add`, `list_set`. Under a GIL that is handed over at safepoints alone "
                 "nothing comes between the three calls:");
    if (lab_explore(run, "update", "gil", "") != LAB_PROVED)
        return;
    lab_say(run, "Under the same GIL with a safepoint between load and store, as where an interpreter may switch after every instruction, every lock "
                 "is held where it must be, every count is right, and one update is lost:");
    if (lab_explore(run, "update-switch", "gil", "--search random --schedules 10000") != LAB_FAILS)
        return;
    if (lab_needs_strategy(run, "biased")) {
        lab_say(run, "Without a GIL, under `biased`, it needs no such switch:");
        if (lab_explore(run, "update", "biased", "--model sc --unfit") != LAB_FAILS)
            return;
    }
    if (value == 1)
        lab_shown(run, "two increments made 1, by force and in what the explorer found");
    else
        lab_not_shown(run, "two increments made %d", value);
}

LAB(.number = 3, .run = update_run);
