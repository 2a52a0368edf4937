/*
 * soak.h -- `rclab soak`: random cells, one after the other, until the budget is spent.
 *
 * A cell is a strategy that is safe under threads, a workload, 2 to 8 threads, and a random value for every policy and parameter:
 * all drawn from the seed and the cell's number alone, so that `rclab soak --seed N --cell I` repeats it. The whole runtime is meant, so
 * that of the policy gc the value off is left out; -L VAR=V1,V2 draws VAR from these instead, and -L gc=off brings it back. What -s, -W
 * and -L chose decides what a number draws, and is therefore part of the command that repeats a cell. Each runs in fresh
 * workers; what it finds is a crash, a hang, a wrong answer, a leak, a sanitizer's report (the worker's exit), and memory that grows.
 *
 * Memory grows: the peak (VmHWM) of a worker that measures three times as long is a quarter and 4 MiB above the shorter one's, so
 * again for nine and for 27 times, and each increase is at least twice the one before: what grows with time makes it three times,
 * what fills up to a bound (a strategy that defers) has reached it by then. Not judged where a sanitizer keeps freed memory.
 */
#ifndef BENCH_SOAK_H
#define BENCH_SOAK_H

/* EXITS_WORKER with a finding. */
int soak_main(int argc, char **argv);

#endif
