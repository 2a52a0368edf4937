/*
 * names.c -- an ordered list of strings in which each is kept once.
 */
#define _GNU_SOURCE 1
#include "names.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

void names_add(struct names *names, const char *name)
{
    if (names_has(names, name))
        return;
    names->item = memory_resize(names->item, names->count + 1, sizeof names->item[0]);
    names->item[names->count++] = memory_text("%s", name);
}

void names_split(struct names *names, const char *list, char separator)
{
    char *copy = memory_text("%s", list), *rest = copy, *item;
    const char separators[] = {separator, '\0'};

    while ((item = strsep(&rest, separators)))
        if (*item)
            names_add(names, item);
    free(copy);
}

bool names_has(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->item[i], name) == 0)
            return true;
    return false;
}

static int names_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void names_sort(struct names *names)
{
    if (names->count)
        qsort(names->item, names->count, sizeof names->item[0], names_compare);
}

char *names_join(const struct names *names, const char *separator)
{
    char *joined = memory_text("%s", names->count ? names->item[0] : "");

    for (size_t i = 1; i < names->count; i++)
        memory_append(&joined, "%s%s", separator, names->item[i]);
    return joined;
}

void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->item[i]);
    free(names->item);
    *names = (struct names){0};
}
