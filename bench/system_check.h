/*
 * system_check.h -- `rclab system check`: is this machine fit to measure on? Read only: it says what to change, and changes
 * nothing.
 */
#ifndef BENCH_SYSTEM_CHECK_H
#define BENCH_SYSTEM_CHECK_H

#include <stdbool.h>

int system_main(int argc, char **argv);

enum system_state { SYSTEM_GOOD, SYSTEM_BAD, SYSTEM_UNKNOWN };
enum { SYSTEM_TEXT = 128 };

struct system_finding {
    const char *name;
    bool required; /* --strict insists on it */
    enum system_state state;
    char text[SYSTEM_TEXT]; /* what was found */
    const char *why, *remedy;
};

/* Looks below `root` ("" for this machine; else a folder with another machine's sys/ and proc/). Returns the number of
 * findings; *findings is static and valid until the next call. */
int system_look(const char *root, const struct system_finding **findings);

#endif
