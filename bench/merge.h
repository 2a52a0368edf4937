/*
 * merge.h -- `rclab merge FILE… -o OUT`: the shards of one plan become one file.
 */
#ifndef BENCH_MERGE_H
#define BENCH_MERGE_H

int merge_main(int argc, char **argv);

#endif
