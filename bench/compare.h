/*
 * compare.h -- `rclab compare REF NEW…`: cells of two files against each other, and gates for continuous integration.
 */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

int compare_main(int argc, char **argv);

#endif
