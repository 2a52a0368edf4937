/*
 * source.c -- runs addr2line and nm on our own executable and keeps what they say.
 */
#include "source.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SOURCE_ROOT
#define SOURCE_ROOT "." /* the Makefile gives the project's folder */
#endif

const char *source_executable(void)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n < 0 ? 0 : n] = 0;
    return path;
}

FILE *source_output_of(char *const argv[])
{
    FILE *to = tmpfile();
    if (!to)
        return NULL;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fileno(to), STDOUT_FILENO);
        if (!freopen("/dev/null", "w", stderr))
            _exit(127);
        execvp(argv[0], argv);
        _exit(127);
    }
    if (pid > 0)
        waitpid(pid, NULL, 0);
    rewind(to);
    return to;
}

/* --- symbols --- */

static struct {
    struct symbol *at;
    size_t used, room;
    bool known;
} symbols;

static void symbols_push(const struct symbol *s)
{
    if (symbols.used == symbols.room) {
        symbols.room = symbols.room * 2 + 1024;
        symbols.at = realloc(symbols.at, symbols.room * sizeof *symbols.at);
        if (!symbols.at)
            abort();
    }
    symbols.at[symbols.used++] = *s;
}

static void symbols_read(void)
{
    char *argv[] = {"nm", "-n", "-S", "--defined-only", (char *)source_executable(), NULL}, line[512];
    FILE *from = source_output_of(argv);
    symbols.known = true;
    while (from && fgets(line, sizeof line, from)) {
        struct symbol s;
        unsigned long at, bytes;
        char kind;
        if (sscanf(line, "%lx %lx %c %63s", &at, &bytes, &kind, s.name) != 4)
            continue;
        s.name[strcspn(s.name, ".")] = 0; /* "list_type.3": the compiler's number */
        s.at = at;
        s.bytes = bytes;
        symbols_push(&s);
    }
    if (from)
        fclose(from);
}

bool source_symbol(uintptr_t addr, struct symbol *s)
{
    if (!symbols.known)
        symbols_read();
    size_t low = 0, high = symbols.used;
    while (low < high) { /* the first that begins after addr */
        size_t middle = (low + high) / 2;
        if (symbols.at[middle].at <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || addr - symbols.at[low - 1].at >= symbols.at[low - 1].bytes)
        return false;
    *s = symbols.at[low - 1];
    return true;
}

/* --- places of calls --- */

enum { FRAMES_MAX = 8 };
static struct {
    struct call {
        uintptr_t pc;
        int frames;
        struct frame frame[FRAMES_MAX];
    } *at;
    size_t used, room;
} calls;

static struct call *call_of(uintptr_t pc)
{
    for (size_t i = 0; i < calls.used; i++)
        if (calls.at[i].pc == pc)
            return &calls.at[i];
    return NULL;
}

void source_want(uintptr_t pc)
{
    if (!pc || call_of(pc))
        return;
    if (calls.used == calls.room) {
        calls.room = calls.room * 2 + 64;
        calls.at = realloc(calls.at, calls.room * sizeof *calls.at);
        if (!calls.at)
            abort();
    }
    calls.at[calls.used++] = (struct call){.pc = pc};
}

/* "/home/x/rclab/bench/explore/../../rc/thread.h" -> "rc/thread.h" */
static void shorten(const char *path, char *buf, size_t size)
{
    char resolved[4096];
    const char *p = realpath(path, resolved) ? resolved : path;
    size_t root = strlen(SOURCE_ROOT);
    if (strncmp(p, SOURCE_ROOT "/", root + 1) == 0)
        p += root + 1;
    snprintf(buf, size, "%.159s", strcmp(path, "??") == 0 ? "" : p);
}

static void take_frame(struct call *c, const char *function, char *place)
{
    if (c->frames == FRAMES_MAX)
        return;
    struct frame *f = &c->frame[c->frames];
    char *colon = strrchr(place, ':');
    f->line = colon ? atoi(colon + 1) : 0;
    if (colon)
        *colon = 0;
    shorten(place, f->file, sizeof f->file);
    snprintf(f->function, sizeof f->function, "%s", function);
    f->function[strcspn(f->function, ".")] = 0; /* "rc_merge_owner.part.0" */
    c->frames += f->file[0] != 0;
}

void source_resolve(void)
{
    char *const fixed[] = {"addr2line", "-a", "-f", "-i", "-e", (char *)source_executable()};
    enum { FIXED = sizeof fixed / sizeof *fixed };
    char **argv = calloc(FIXED + calls.used + 1, sizeof *argv), line[4096], function[256] = "";
    char (*text)[24] = calloc(calls.used + 1, sizeof *text);
    struct call *c = NULL;
    if (!argv || !text)
        abort();
    memcpy(argv, fixed, sizeof fixed);
    for (size_t i = 0; i < calls.used; i++) {
        snprintf(text[i], sizeof *text, "%#lx", (unsigned long)calls.at[i].pc - 1); /* the call, not what follows it */
        argv[FIXED + i] = text[i];
    }
    FILE *from = source_output_of(argv);
    while (from && fgets(line, sizeof line, from)) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "0x", 2) == 0) {
            c = call_of(strtoul(line, NULL, 16) + 1);
            function[0] = 0;
        } else if (!function[0]) {
            snprintf(function, sizeof function, "%.255s", line);
        } else if (c) {
            take_frame(c, function, line);
            function[0] = 0;
        }
    }
    if (from)
        fclose(from);
    free(argv);
    free(text);
}

int source_frames(uintptr_t pc, const struct frame **frames)
{
    struct call *c = call_of(pc);
    *frames = c ? c->frame : NULL;
    return c ? c->frames : 0;
}

/* --- lines --- */

const char *source_base(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

bool source_line(const char *file, int number, char *buf, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s", file[0] == '/' ? "" : SOURCE_ROOT "/", file);
    FILE *from = fopen(path, "r");
    bool found = from != NULL;
    for (int i = 0; i < number && found; i++)
        found = fgets(buf, (int)size, from) != NULL;
    if (found)
        buf[strcspn(buf, "\r\n")] = 0;
    if (from)
        fclose(from);
    return found;
}
