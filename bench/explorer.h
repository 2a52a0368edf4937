/*
 * explorer.h -- the command `rclab explore`: hands over to the program of bench/explore/.
 *
 * A program of its own, since it brings its own definitions of the functions that -fsanitize=thread calls.
 */
#ifndef BENCH_EXPLORER_H
#define BENCH_EXPLORER_H

/* Where it is: where RCLAB_EXPLORE says, beside this program, or in ../explore/ of it (a build folder). NULL: it is not there.
 * The caller frees it. */
char *explorer_find(void);

/* Does not return where that program is found. Else 77. */
int explorer_main(int argc, char **argv);

#endif
