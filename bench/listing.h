/*
 * listing.h -- `rclab list`: the strategies, workloads and parameters that are linked in.
 */
#ifndef BENCH_LISTING_H
#define BENCH_LISTING_H

int listing_main(int argc, char **argv);

#endif
