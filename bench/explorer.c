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

/* Goes on as that program, if it is there. */
static void explorer_try(char *program, char **argv)
{
    if (access(program, X_OK) == 0)
        execv(program, argv);
    free(program);
}

int explorer_main(int argc, char **argv)
{
    const char *named = getenv("RCLAB_EXPLORE");
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    (void)argc;
    if (named && *named) {
        execv(named, argv);
        fprintf(stderr, "rclab: RCLAB_EXPLORE=%s: %s\n", named, strerror(errno));
        return EXITS_MISSING;
    }
    self[length > 0 ? length : 0] = 0;
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = 0;
    explorer_try(memory_text("%s/rclab-explore", self), argv);
    explorer_try(memory_text("%s/../explore/rclab-explore", self), argv);
    fprintf(stderr, "rclab: rclab-explore is neither beside this program nor in ../explore/: `make` builds it\n");
    return EXITS_MISSING;
}
