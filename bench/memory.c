/*
 * memory.c -- the driver's allocations: they succeed or the driver dies.
 */
#define _GNU_SOURCE 1
#include "memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

char *memory_text(const char *format, ...)
{
    va_list list;
    char *text;

    va_start(list, format);
    if (vasprintf(&text, format, list) < 0)
        die("memory", errno);
    va_end(list);
    return text;
}
