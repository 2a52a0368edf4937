/*
 * system_check.c -- `rclab system check`: is this machine fit to measure on?
 *
 * Required is what makes figures of one run differ from those of the next: frequency (governor, boost) and other work
 * (load). The rest shifts figures alike for all strategies, or is dealt with by the harness; it is advice.
 */
#define _GNU_SOURCE 1
#include "system_check.h"

#include <argp.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "die.h"
#include "exits.h"
#include "memory.h"

enum { KEY_STRICT = 256, KEY_JSON, KEY_ROOT };
static const double SYSTEM_QUIET_LOAD = 0.5; /* one minute's average: less than half a CPU is busy */
enum { SYSTEM_MOST_PARANOID = 1 };           /* at 2 an unprivileged context-switch counter silently reads 0 */

/* First line of root/path; false if there is none. */
static bool system_line(const char *root, const char *path, char *line, size_t size)
{
    char *whole = memory_text("%s%s", root, path);
    FILE *file = fopen(whole, "re");
    bool found = file && fgets(line, (int)size, file);

    if (file)
        fclose(file);
    free(whole);
    line[found ? strcspn(line, "\n") : 0] = '\0';
    return found;
}

static void system_governor(const char *root, struct system_finding *finding)
{
    char *pattern = memory_text("%s/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor", root), line[64];
    glob_t files = {0};
    size_t performance = 0;

    if (glob(pattern, 0, NULL, &files) == 0) {
        finding->state = SYSTEM_GOOD;
        for (size_t i = 0; i < files.gl_pathc; i++) {
            system_line("", files.gl_pathv[i], line, sizeof line);
            if (strcmp(line, "performance") == 0)
                performance++;
            else
                finding->state = SYSTEM_BAD;
        }
        snprintf(finding->text, SYSTEM_TEXT, "performance on %zu of %zu CPUs", performance, files.gl_pathc);
    }
    globfree(&files);
    free(pattern);
}

/* A file with a digit: `good` is the one to have. */
static void system_digit(const char *root, const char *path, char good, struct system_finding *finding)
{
    char line[16];

    if (finding->state != SYSTEM_UNKNOWN || !system_line(root, path, line, sizeof line) || !*line)
        return;
    finding->state = line[0] == good ? SYSTEM_GOOD : SYSTEM_BAD;
    snprintf(finding->text, SYSTEM_TEXT, "%s", finding->state == SYSTEM_GOOD ? "off" : "on");
}

static void system_boost(const char *root, struct system_finding *finding)
{
    system_digit(root, "/sys/devices/system/cpu/cpufreq/boost", '0', finding);
    system_digit(root, "/sys/devices/system/cpu/intel_pstate/no_turbo", '1', finding);
}

static void system_load(const char *root, struct system_finding *finding)
{
    char line[128], *end;
    double load;

    if (!system_line(root, "/proc/loadavg", line, sizeof line))
        return;
    load = strtod(line, &end);
    if (end == line)
        return;
    finding->state = load < SYSTEM_QUIET_LOAD ? SYSTEM_GOOD : SYSTEM_BAD;
    snprintf(finding->text, SYSTEM_TEXT, "%.2f over the last minute", load);
}

static void system_smt(const char *root, struct system_finding *finding)
{
    system_digit(root, "/sys/devices/system/cpu/smt/active", '0', finding);
}

static void system_isolated(const char *root, struct system_finding *finding)
{
    char line[SYSTEM_TEXT - 8];

    if (system_line(root, "/sys/devices/system/cpu/isolated", line, sizeof line)) {
        finding->state = *line ? SYSTEM_GOOD : SYSTEM_BAD;
        snprintf(finding->text, SYSTEM_TEXT, "%s%s", *line ? "CPUs " : "none", line);
    }
}

static void system_virtual(const char *root, struct system_finding *finding)
{
    char *path = memory_text("%s/proc/cpuinfo", root), line[8192];
    FILE *file = fopen(path, "re");

    while (file && finding->state == SYSTEM_UNKNOWN && fgets(line, sizeof line, file))
        if (strncmp(line, "flags", strlen("flags")) == 0) {
            finding->state = strstr(line, " hypervisor") ? SYSTEM_BAD : SYSTEM_GOOD;
            snprintf(finding->text, SYSTEM_TEXT, "%s", finding->state == SYSTEM_BAD ? "a virtual machine" : "none");
        }
    if (file)
        fclose(file);
    free(path);
}

static void system_aslr(const char *root, struct system_finding *finding)
{
    char line[16];

    if (system_line(root, "/proc/sys/kernel/randomize_va_space", line, sizeof line) && *line) {
        finding->state = line[0] == '0' ? SYSTEM_BAD : SYSTEM_GOOD; /* on is good: see its reason */
        snprintf(finding->text, SYSTEM_TEXT, "%s", line[0] == '0' ? "off" : "on");
    }
}

static void system_paranoid(const char *root, struct system_finding *finding)
{
    char line[16];

    if (system_line(root, "/proc/sys/kernel/perf_event_paranoid", line, sizeof line) && *line) {
        finding->state = atoi(line) <= SYSTEM_MOST_PARANOID ? SYSTEM_GOOD : SYSTEM_BAD;
        snprintf(finding->text, SYSTEM_TEXT, "%s", line);
    }
}

static void system_thp(const char *root, struct system_finding *finding)
{
    char line[SYSTEM_TEXT];

    if (system_line(root, "/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof line) && *line) {
        finding->state = strstr(line, "[always]") ? SYSTEM_BAD : SYSTEM_GOOD;
        snprintf(finding->text, SYSTEM_TEXT, "%s", line);
    }
}

struct system_check {
    const char *name;
    bool required;
    void (*look)(const char *root, struct system_finding *finding);
    const char *why, *remedy;
};

static const struct system_check checks[] = {
    {"governor", true, system_governor, "other governors change the frequency while one measures",
     "cpupower frequency-set -g performance; in a virtual machine: the host's"},
    {"boost", true, system_boost, "boost depends on heat and on what the other cores do",
     "echo 0 > /sys/devices/system/cpu/cpufreq/boost, or echo 1 > …/intel_pstate/no_turbo; in a virtual machine: the host's"},
    {"load", true, system_load, "other work takes CPU time, caches and memory bandwidth from the samples",
     "stop it, or wait: below 0.5 is quiet"},
    {"smt", false, system_smt, "two threads on one core share it: scaling looks worse than it is",
     "--place core (the default) uses a core for each thread first; echo off > /sys/devices/system/cpu/smt/control"},
    {"isolation", false, system_isolated, "the scheduler may put anything on the CPUs that are measured on",
     "boot with isolcpus=… nohz_full=… and give --affinity"},
    {"virtualisation", false, system_virtual, "the host moves virtual CPUs: the distance between two cores changes meanwhile",
     "a machine of one's own; rclab probes the distance around each sample and compares within one regime"},
    {"aslr", false, system_aslr, "without it every process has the same, perhaps unlucky, addresses: no average over layouts",
     "echo 2 > /proc/sys/kernel/randomize_va_space; not under setarch -R"},
    {"perf_event_paranoid", false, system_paranoid, "above 1 some counters cannot be opened or silently read 0",
     "sysctl kernel.perf_event_paranoid=1"},
    {"thp", false, system_thp, "huge pages come when the kernel likes: peak memory and faults differ from run to run",
     "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"},
};
enum { CHECKS = sizeof checks / sizeof checks[0] };

int system_look(const char *root, const struct system_finding **findings)
{
    static struct system_finding found[CHECKS];

    for (int i = 0; i < CHECKS; i++) {
        found[i] = (struct system_finding){.name = checks[i].name,
                                           .required = checks[i].required,
                                           .state = SYSTEM_UNKNOWN,
                                           .text = "unknown",
                                           .why = checks[i].why,
                                           .remedy = checks[i].remedy};
        checks[i].look(root, &found[i]);
    }
    *findings = found;
    return CHECKS;
}

struct system_command {
    const char *root, *topic;
    bool strict, json;
};

static error_t system_option(int key, char *arg, struct argp_state *state)
{
    struct system_command *command = state->input;

    switch (key) {
    case KEY_STRICT: command->strict = true; return 0;
    case KEY_JSON: command->json = true; return 0;
    case KEY_ROOT: command->root = arg; return 0;
    case ARGP_KEY_ARG:
        if (command->topic || strcmp(arg, "check") != 0)
            die_usage("system: unknown '%s'; allowed: check", arg);
        command->topic = arg;
        return 0;
    case ARGP_KEY_NO_ARGS: die_usage("system: say what; allowed: check");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option system_options[] = {
    {"strict", KEY_STRICT, NULL, 0, "Exit 77 if something required is not so, or cannot be found out", 0},
    {"json", KEY_JSON, NULL, 0, "As JSON", 0},
    {"root", KEY_ROOT, "DIR", 0, "Read DIR/sys and DIR/proc: a copy from another machine", 0},
    {0},
};
static const struct argp system_argp = {
    .options = system_options,
    .parser = system_option,
    .args_doc = "check",
    .doc = "Is this machine fit to measure on? Reads only: each finding has its reason and its remedy.",
};

static const char *const state_names[] = {[SYSTEM_GOOD] = "ok", [SYSTEM_BAD] = "not so", [SYSTEM_UNKNOWN] = "unknown"};

static void system_print(const struct system_finding *finding)
{
    printf("%-9s %-20s %s\n", finding->state == SYSTEM_GOOD ? "ok" : finding->required ? "required" : "advice", finding->name,
           finding->text);
    if (finding->state != SYSTEM_GOOD)
        printf("          why     %s\n          remedy  %s\n", finding->why, finding->remedy);
}

static json_t *system_json(const struct system_finding *finding)
{
    return json_pack("{s:s, s:b, s:s, s:s, s:s, s:s}", "name", finding->name, "required", finding->required, "state",
                     state_names[finding->state], "found", finding->text, "why", finding->why, "remedy", finding->remedy);
}

int system_main(int argc, char **argv)
{
    struct system_command command = {.root = ""};
    const struct system_finding *finding;
    json_t *list = json_array();
    int count, missing = 0;

    argp_parse(&system_argp, argc, argv, 0, NULL, &command);
    count = system_look(command.root, &finding);
    for (int i = 0; i < count; i++) {
        missing += finding[i].required && finding[i].state != SYSTEM_GOOD;
        if (command.json)
            json_array_append_new(list, system_json(&finding[i]));
        else
            system_print(&finding[i]);
    }
    if (command.json) {
        json_dumpf(list, stdout, JSON_INDENT(2));
        putchar('\n');
    } else
        printf("%d of the required are not so or unknown\n", missing);
    json_decref(list);
    return command.strict && missing ? EXITS_MISSING : EXITS_OK;
}
