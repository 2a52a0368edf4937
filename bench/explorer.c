/*
 * explorer.c -- finds rclab-explore and becomes it.
 */
#define _GNU_SOURCE 1
#include "explorer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "memory.h"

/* `program`, if it can be run; else NULL, and it is freed. */
static char *explorer_try(char *program)
{
    if (access(program, X_OK) == 0)
        return program;
    free(program);
    return NULL;
}

char *explorer_find(void)
{
    const char *named = getenv("RCLAB_EXPLORE");
    char self[PATH_MAX], *slash, *found;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (named && *named)
        return memory_text("%s", named);
    self[length > 0 ? length : 0] = 0;
    slash = strrchr(self, '/');
    if (slash)
        *slash = 0;
    found = explorer_try(memory_text("%s/rclab-explore", self));
    return found ? found : explorer_try(memory_text("%s/../explore/rclab-explore", self));
}

int explorer_main(int argc, char **argv)
{
    char *program = explorer_find();

    (void)argc;
    if (program) {
        execv(program, argv);
        fprintf(stderr, "rclab: %s: %s\n", program, strerror(errno));
        free(program);
        return EXITS_MISSING;
    }
    fprintf(stderr, "rclab: rclab-explore is neither beside this program nor in ../explore/: `make` builds it\n");
    return EXITS_MISSING;
}
