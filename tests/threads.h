/*
 * threads.h -- threads for tests: they start together, are threads of the runtime, and return verdicts.
 *
 * A body returns NULL when all is well, else a literal that says what went wrong; it never asserts (Criterion's asserts
 * belong to the main thread). threads_run returns the first verdict that is not NULL.
 */
#ifndef TESTS_THREADS_H
#define TESTS_THREADS_H

#include "../rc/rc.h"

enum { THREADS_MAX = 16 };

struct threads_arg {
    int index, count; /* which thread of how many */
    void *shared;
    const char *(*body)(struct threads_arg *);
    struct os_barrier *start;
    const char *verdict;
    pthread_t thread;
};

static void *threads_main(void *raw)
{
    struct threads_arg *a = raw;
    os_barrier_wait(a->start);
    if (thread_begin() != 0) {
        a->verdict = "thread_begin failed";
        return NULL;
    }
    a->verdict = a->body(a);
    thread_end();
    return NULL;
}

/* Runs body on `count` threads, the calling thread detached meanwhile. */
API const char *threads_run(int count, const char *(*body)(struct threads_arg *), void *shared)
{
    struct threads_arg args[THREADS_MAX];
    struct os_barrier start;
    const char *verdict = NULL;
    os_barrier_init(&start, count);
    thread_detach();
    for (int i = 0; i < count; i++) {
        args[i] = (struct threads_arg){.index = i, .count = count, .shared = shared, .body = body, .start = &start};
        if (os_spawn(&args[i].thread, threads_main, &args[i]) != 0)
            die("test thread", EAGAIN);
    }
    for (int i = 0; i < count; i++) {
        os_join(args[i].thread);
        verdict = verdict ? verdict : args[i].verdict;
    }
    thread_attach();
    os_barrier_drop(&start);
    return verdict;
}

#endif
