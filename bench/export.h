/*
 * export.h -- `rclab export FILE --format json|csv|md|junit|pyperf [-o OUT]`: samples for other programs.
 */
#ifndef BENCH_EXPORT_H
#define BENCH_EXPORT_H

int export_main(int argc, char **argv);

#endif
