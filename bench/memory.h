/*
 * memory.h -- the driver's allocations: they succeed or the driver dies. (The runtimes have their own, which may fail.)
 * Every block is given back with free().
 */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stddef.h>

void *memory_alloc(size_t count, size_t size); /* zeroed */
void *memory_resize(void *block, size_t count, size_t size);
char *memory_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* At the end of such a text, which may move; the arguments may not point into it. */
void memory_append(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
