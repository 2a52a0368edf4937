/*
 * source.h -- where a call stands in the source, what a static is called: asked of binutils (addr2line, nm), once.
 *
 * Where they are not installed there are addresses in place of names, and no error.
 */
#ifndef EXPLORE_SOURCE_H
#define EXPLORE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct symbol {
    char name[64];
    uintptr_t at;
    size_t bytes;
};
bool source_symbol(uintptr_t addr, struct symbol *s);

struct frame {
    char function[64];
    char file[160]; /* from the project's folder on: "rc/strategies/biased.h"; "": not known */
    int line;
};

/* Calls whose places will be asked for; return addresses. */
void source_want(uintptr_t pc);
/* Asks for all of them. */
void source_resolve(void);
/* The frames of that call, the innermost inlined one first; their number, 0: nothing known. */
int source_frames(uintptr_t pc, const struct frame **frames);

/* Line `number` of a file of the project, without its end; false: no such line, or no such file. */
bool source_line(const char *file, int number, char *buf, size_t size);
/* What the program prints, from its beginning; empty when it cannot be run. */
FILE *source_output_of(char *const argv[]);
/* Our own. */
const char *source_executable(void);
/* "biased.h" */
const char *source_base(const char *file);

#endif
