/*
 * fastfib.h -- `rclab fastfib`: the report of ft_utils' fibonacci example over the workload `fastfib`. Five timed runs,
 * each with a fresh process (threads) or with `workers` processes of one thread at once (processes).
 */
#ifndef BENCH_FASTFIB_H
#define BENCH_FASTFIB_H

int fastfib_main(int argc, char **argv);

#endif
