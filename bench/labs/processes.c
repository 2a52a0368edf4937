/*
 * processes.c -- processes against threads: what it costs to start one, to hand over data, and not to share a memo.
 *
 * Messages: 1000 ints. A thread is handed a pointer, by a store that the other one spins on; a process gets them through a pipe, as text or as
 * bytes. Text stands for what a pickle does: every value is written out and made anew on the other side.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../die.h"
#include "../memory.h"
#include "lab.h"

enum { PROCESS_STARTS = 100, PROCESS_MESSAGES = 100, PROCESS_INTS = 1000, PROCESS_BALLAST = 64 << 20, PROCESS_TEXT = 16 * PROCESS_INTS };

/* --- starting --- */

static void *process_nothing(void *arg)
{
    return arg;
}

static double process_start_thread(void)
{
    int64_t begin = lab_now();
    pthread_t thread;
    int error = pthread_create(&thread, NULL, process_nothing, NULL);

    if (error)
        die("threads of a lab", error);
    pthread_join(thread, NULL);
    return (double)(lab_now() - begin);
}

static double process_fork(void)
{
    int64_t begin = lab_now();
    pid_t child = fork();

    if (child < 0)
        die("fork", errno);
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    return (double)(lab_now() - begin);
}

static double process_start_many(double (*start)(void), struct lab_series *series)
{
    for (int i = 0; i < PROCESS_STARTS; i++)
        lab_add(series, start());
    return lab_median(series);
}

static double process_starts(struct lab_run *run)
{
    struct lab_series thread = {0}, small = {0}, large = {0};
    char *ballast;

    process_start_many(process_start_thread, &thread);
    process_start_many(process_fork, &small);
    ballast = memory_alloc(PROCESS_BALLAST, 1);
    for (size_t i = 0; i < PROCESS_BALLAST; i += 4096)
        ballast[i] = 1;
    process_start_many(process_fork, &large);
    free(ballast);
    lab_bars(run, "Started, and its end awaited", "ns");
    lab_bar(run, "a thread", lab_median(&thread), lab_mad(&thread), NULL);
    lab_bar(run, "a process (fork)", lab_median(&small), lab_mad(&small), NULL);
    lab_bar(run, "a process with 64 MiB", lab_median(&large), lab_mad(&large), "its page tables are copied");
    return lab_median(&small) / lab_median(&thread);
}

/* --- handing over --- */

static struct process_hand {
    _Atomic(const int *) slot;
    int to[2], back[2]; /* pipes */
} process_hand;

static int process_data[PROCESS_INTS];

static void process_write(int fd, const void *bytes, size_t length)
{
    for (const char *at = bytes; length > 0;) {
        ssize_t done = write(fd, at, length);

        if (done <= 0)
            die("pipe of a lab", errno);
        at += done;
        length -= (size_t)done;
    }
}

static void process_read(int fd, void *bytes, size_t length)
{
    for (char *at = bytes; length > 0;) {
        ssize_t done = read(fd, at, length);

        if (done <= 0)
            _exit(0); /* the other side has ended */
        at += done;
        length -= (size_t)done;
    }
}

static long process_sum(const int *data)
{
    long sum = 0;

    for (int i = 0; i < PROCESS_INTS; i++)
        sum += data[i];
    return sum;
}

/* Thread 1 takes what thread 0 lays there, adds it up, and clears the place. */
static void process_pass_pointers(void *arg, int thread)
{
    struct lab_series *series = arg;

    for (int i = 0; i < PROCESS_MESSAGES; i++) {
        int64_t begin = lab_now();
        const int *data;

        if (thread == 0) {
            atomic_store_explicit(&process_hand.slot, process_data, memory_order_release); /* (M1) release: the ints are there */
            while (atomic_load_explicit(&process_hand.slot, memory_order_acquire)) /* acquire: it has done with them (M2) */
                ;
            lab_add(series, (double)(lab_now() - begin));
        } else {
            while (!(data = atomic_load_explicit(&process_hand.slot, memory_order_acquire))) /* acquire: reads the ints of (M1) */
                ;
            process_data[0] = (int)process_sum(data) & 1;
            atomic_store_explicit(&process_hand.slot, NULL, memory_order_release); /* (M2) release: they may be changed */
        }
    }
}

/* As text: 16 letters a number. */
static void process_to_text(char *text)
{
    for (int i = 0; i < PROCESS_INTS; i++)
        snprintf(text + 16 * i, 16, "%14d", process_data[i]);
}

static void process_from_text(const char *text, int *data)
{
    for (int i = 0; i < PROCESS_INTS; i++)
        data[i] = (int)strtol(text + 16 * i, NULL, 10);
}

static _Noreturn void process_child(bool text)
{
    static char received[PROCESS_TEXT];
    static int data[PROCESS_INTS];
    char done;

    close(process_hand.to[1]); /* or its end would never be seen */
    for (;;) {
        process_read(process_hand.to[0], text ? (void *)received : data, text ? sizeof received : sizeof data);
        if (text)
            process_from_text(received, data);
        done = (char)process_sum(data);
        process_write(process_hand.back[1], &done, 1);
    }
}

static void process_pass_pipe(bool text, struct lab_series *series)
{
    static char sent[PROCESS_TEXT];
    char done;
    pid_t child;

    if (pipe(process_hand.to) || pipe(process_hand.back) || (child = fork()) < 0)
        die("pipe of a lab", errno);
    if (child == 0)
        process_child(text);
    close(process_hand.to[0]);
    close(process_hand.back[1]);
    for (int i = 0; i < PROCESS_MESSAGES; i++) {
        int64_t begin = lab_now();

        if (text)
            process_to_text(sent);
        process_write(process_hand.to[1], text ? (void *)sent : process_data, text ? sizeof sent : sizeof process_data);
        process_read(process_hand.back[0], &done, 1);
        lab_add(series, (double)(lab_now() - begin));
    }
    close(process_hand.to[1]);
    close(process_hand.back[0]);
    waitpid(child, NULL, 0);
}

static double process_messages(struct lab_run *run)
{
    static struct lab_series pointer, bytes, text;

    for (int i = 0; i < PROCESS_INTS; i++)
        process_data[i] = i;
    lab_threads(run, 2, process_pass_pointers, &pointer);
    process_pass_pipe(false, &bytes);
    process_pass_pipe(true, &text);
    lab_bars(run, "1000 ints handed over, added up there, and an answer", "ns");
    lab_bar(run, "a pointer, to a thread", lab_median(&pointer), lab_mad(&pointer), NULL);
    lab_bar(run, "bytes, through a pipe", lab_median(&bytes), lab_mad(&bytes), NULL);
    lab_bar(run, "written out, through a pipe", lab_median(&text), lab_mad(&text), "as a pickle does");
    return lab_median(&text) / lab_median(&pointer);
}

/* --- the memo --- */

struct process_fib {
    double seconds;
    long misses;
};

/* False: it failed. */
static bool process_fastfib(struct lab_run *run, const char *mode, struct process_fib *fib)
{
    char *words = memory_text("fastfib --nth_element 20000 --run_size 2000 --workers 2 --offsets splitmix --mode %s", mode);
    char *output = lab_program(run, words);
    const char *time = output ? strstr(output, "Average Execution Time:") : NULL, *misses = output ? strstr(output, "misses ") : NULL;
    bool found = time && misses && sscanf(time, "Average Execution Time: %lf", &fib->seconds) == 1 && sscanf(misses, "misses %ld", &fib->misses) == 1;

    if (output && !found)
        lab_not_shown(run, "`rclab fastfib` printed no report");
    free(output);
    free(words);
    return found;
}

static void process_run(struct lab_run *run)
{
    struct process_fib threads, processes;
    double start, message;

    if (!lab_needs_cpus(run, 2) || !lab_needs_strategy(run, "biased"))
        return;
    start = process_starts(run);
    message = process_messages(run);
    if (!process_fastfib(run, "threads", &threads) || !process_fastfib(run, "processes", &processes))
        return;
    lab_table(run, "F(20000 … 24000), 2000 tasks, two workers", "mode|>seconds a run|>computed anew");
    lab_row(run, "threads, one memo|%.4f|%ld", threads.seconds, threads.misses);
    lab_row(run, "processes, a memo each|%.4f|%ld", processes.seconds, processes.misses);
    lab_answer(run, processes.seconds < threads.seconds ? 'a' : processes.misses > 1.2 * (double)threads.misses ? 'c' : 'b');
    if (start > 1.5 && message > 2 && processes.misses > threads.misses)
        lab_shown(run, "a process costs %.1f times a thread to start and %.0f times to hand 1000 values to; two with a memo each compute %.2f times "
                       "as many numbers",
                  start, message, (double)processes.misses / (double)threads.misses);
    else
        lab_not_shown(run, "a process cost %.2f times a thread to start, %.1f times to hand data to, and computed %ld numbers against %ld: no clear "
                           "difference here",
                      start, message, processes.misses, threads.misses);
}

LAB(.number = 13, .run = process_run);
