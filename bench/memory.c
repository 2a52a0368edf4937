/*
 * memory.c -- the driver's allocations: they succeed or the driver dies.
 */
#define _GNU_SOURCE 1
#include "memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"

void *memory_alloc(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size);

    if (!block)
        die("memory", errno);
    return block;
}

void *memory_resize(void *block, size_t count, size_t size)
{
    block = reallocarray(block, count ? count : 1, size);
    if (!block)
        die("memory", errno);
    return block;
}

static char *memory_format(const char *format, va_list list)
{
    char *text;

    if (vasprintf(&text, format, list) < 0)
        die("memory", errno);
    return text;
}

char *memory_text(const char *format, ...)
{
    va_list list;
    char *text;

    va_start(list, format);
    text = memory_format(format, list);
    va_end(list);
    return text;
}

void memory_append(char **text, const char *format, ...)
{
    size_t length = strlen(*text);
    va_list list;
    char *more;

    va_start(list, format);
    more = memory_format(format, list);
    va_end(list);
    *text = memory_resize(*text, length + strlen(more) + 1, 1);
    strcpy(*text + length, more);
    free(more);
}
