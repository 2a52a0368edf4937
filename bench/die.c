/*
 * die.c -- the ways the driver gives up.
 */
#include "die.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"

_Noreturn void die(const char *what, int error)
{
    fprintf(stderr, "rclab: %s: %s\n", what, strerror(error));
    exit(EXITS_USAGE);
}

_Noreturn void die_usage(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    fputs("rclab: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    exit(EXITS_USAGE);
}
