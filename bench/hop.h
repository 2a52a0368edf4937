/*
 * hop.h -- how long a cache line takes from one CPU to another, one way: two pinned threads hand one line to and fro for
 * about 2 ms. On virtual machines the host moves virtual CPUs, and the same hop reads 30 … 45 ns (near) or 155 … 185 ns
 * (far): a sample carries a probe taken before and one taken after it, so that only like is compared with like.
 */
#ifndef BENCH_HOP_H
#define BENCH_HOP_H

#include <stdbool.h>

/* Blocks for about 2 ms, longer when somebody else keeps one of the CPUs busy. The calling thread's own placement stays as
 * it is. False, and *ns untouched, if the two are not two CPUs (-1: not pinned) or cannot be had. */
bool hop_measure(int cpu_a, int cpu_b, double *ns);

#endif
