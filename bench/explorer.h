/*
 * explorer.h -- the command `rclab explore`: hands over to the program of bench/explore/.
 *
 * A program of its own, since it brings its own definitions of the functions that -fsanitize=thread calls.
 */
#ifndef BENCH_EXPLORER_H
#define BENCH_EXPLORER_H

/* Does not return where that program is found: beside this one, or ../explore/ of it (a build folder), or where RCLAB_EXPLORE
 * says. Else 77. */
int explorer_main(int argc, char **argv);

#endif
