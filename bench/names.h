/*
 * names.h -- an ordered list of strings in which each is kept once: what a comma-separated option holds.
 * A zeroed struct is the empty list; the strings are copies and belong to the list.
 */
#ifndef BENCH_NAMES_H
#define BENCH_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct names {
    char **item;
    size_t count;
};

void names_add(struct names *names, const char *name);
void names_split(struct names *names, const char *list, char separator); /* empty items are left out */
bool names_has(const struct names *names, const char *name);
void names_sort(struct names *names);
char *names_join(const struct names *names, const char *separator); /* the caller frees it */
void names_free(struct names *names);

#endif
