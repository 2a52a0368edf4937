/*
 * show.h -- `rclab show FILE…`: the table of a file of samples, as `rclab run` printed it.
 */
#ifndef BENCH_SHOW_H
#define BENCH_SHOW_H

int show_main(int argc, char **argv);

#endif
