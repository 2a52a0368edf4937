/*
 * callgrind.c -- instruction counts without a PMU.
 */
#define _GNU_SOURCE 1
#include "callgrind.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#define CALLGRIND_HEADER 1
#else
#define CALLGRIND_HEADER 0
#define CALLGRIND_TOGGLE_COLLECT ((void)0)
#endif

#include "die.h"
#include "exits.h"
#include "memory.h"
#include "names.h"

/* --- the worker's side: whether a thread's instructions are collected is a state of that thread --- */

static void callgrind_round(void *arg, int thread)
{
    (void)arg;
    (void)thread;
    CALLGRIND_TOGGLE_COLLECT;
}

void callgrind_listen(struct sample_request *request)
{
    request->round_begin = request->round_end = callgrind_round;
}

/* --- the driver's side --- */

static bool callgrind_installed(void)
{
    struct names folders = {0};
    const char *path = getenv("PATH");
    bool found = false;

    names_split(&folders, path ? path : "/usr/bin", ':');
    for (size_t i = 0; i < folders.count && !found; i++) {
        char *file = memory_text("%s/valgrind", folders.item[i]);

        found = access(file, X_OK) == 0;
        free(file);
    }
    names_free(&folders);
    return found;
}

static void callgrind_make_argv(struct callgrind *callgrind)
{
    static const char *const options[] = {"valgrind", "-q", "--tool=callgrind", "--collect-atstart=no", "--collect-bus=yes"};
    enum { OPTIONS = sizeof options / sizeof options[0] };

    callgrind->argv = memory_alloc(OPTIONS + 2, sizeof callgrind->argv[0]);
    for (size_t i = 0; i < OPTIONS; i++)
        callgrind->argv[i] = memory_text("%s", options[i]);
    callgrind->argv[OPTIONS] = memory_text("--callgrind-out-file=%s", callgrind->file);
}

void callgrind_require(void)
{
    if (CALLGRIND_HEADER && callgrind_installed())
        return;
    fprintf(stderr, "rclab: --count-instructions: %s: install the package valgrind%s\n",
            CALLGRIND_HEADER ? "valgrind is not installed" : "built without valgrind/callgrind.h",
            CALLGRIND_HEADER ? "" : " and build again");
    exit(EXITS_MISSING);
}

void callgrind_begin(struct callgrind *callgrind)
{
    const char *tmp = getenv("TMPDIR");

    callgrind->folder = memory_text("%s/rclab-callgrind-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(callgrind->folder))
        die(callgrind->folder, errno);
    callgrind->file = memory_text("%s/out", callgrind->folder);
    callgrind_make_argv(callgrind);
}

/* Which column of "events: Ir Ge" is `event`; -1: none. */
static int callgrind_column(const struct names *columns, const char *event)
{
    for (size_t i = 0; i < columns->count; i++)
        if (strcmp(columns->item[i], event) == 0)
            return (int)i;
    return -1;
}

/* The number in that column of "totals: 1234 56". Numbers at the end may be left out when they are 0. */
static uint64_t callgrind_number(const char *text, int column)
{
    for (;; column--) {
        char *end;
        uint64_t number = strtoull(text, &end, 10);

        if (end == text)
            return 0;
        if (column == 0)
            return number;
        text = end;
    }
}

struct callgrind_totals callgrind_parse(FILE *file)
{
    struct callgrind_totals totals = {0};
    struct names columns = {0};
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, file) > 0) {
        int ir, ge;

        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "events:", strlen("events:")) == 0)
            names_split(&columns, line + strlen("events:"), ' ');
        if (strncmp(line, "totals:", strlen("totals:")) != 0)
            continue;
        ir = callgrind_column(&columns, "Ir");
        ge = callgrind_column(&columns, "Ge");
        totals.found = ir >= 0 && ge >= 0;
        totals.instructions = ir >= 0 ? callgrind_number(line + strlen("totals:"), ir) : 0;
        totals.locked = ge >= 0 ? callgrind_number(line + strlen("totals:"), ge) : 0;
    }
    names_free(&columns);
    free(line);
    return totals;
}

static void callgrind_put(json_t *counters, const char *event, bool found, uint64_t value)
{
    json_t *entry = json_pack("{s:s, s:s, s:n, s:o, s:n, s:n, s:i, s:b, s:s}", "event", event, "scope", "process", "thread",
                              "value", found ? json_integer((json_int_t)value) : json_null(), "enabled_ns", "running_ns",
                              "group", 0, "estimated", 0, "source", "callgrind");

    if (!found)
        json_object_set_new(entry, "errno", json_string("ENODATA"));
    json_array_append_new(counters, entry);
}

void callgrind_add(const struct callgrind *callgrind, json_t *record)
{
    FILE *file = fopen(callgrind->file, "re");
    struct callgrind_totals totals = {0};
    json_t *counters = json_array();

    if (file) {
        totals = callgrind_parse(file);
        fclose(file);
        unlink(callgrind->file);
    }
    totals.found &= totals.instructions > 0; /* a round without an instruction was not collected */
    callgrind_put(counters, "callgrind-instructions", totals.found, totals.instructions);
    callgrind_put(counters, "callgrind-locked", totals.found, totals.locked);
    json_object_set_new(record, "counters", counters);
}

void callgrind_end(struct callgrind *callgrind)
{
    if (!callgrind->folder)
        return;
    unlink(callgrind->file); /* a worker that was killed may have left one */
    rmdir(callgrind->folder);
    for (char **word = callgrind->argv; *word; word++)
        free(*word);
    free(callgrind->argv);
    free(callgrind->file);
    free(callgrind->folder);
}
