/*
 * run.h -- `rclab run` and `rclab fib`: plan, measure in rounds, write the file, print the table.
 */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

int run_main(int argc, char **argv);
int run_fib_main(int argc, char **argv);

#endif
