/*
 * rclab.c -- the program: `rclab COMMAND …`. One table of commands; each has a module of its own.
 */
#define _GNU_SOURCE 1
#include <argp.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "counters.h"
#include "die.h"
#include "exits.h"
#include "explorer.h"
#include "export.h"
#include "fastfib.h"
#include "lab.h"
#include "listing.h"
#include "machine.h"
#include "memory.h"
#include "merge.h"
#include "page.h"
#include "run.h"
#include "show.h"
#include "soak.h"
#include "suggest.h"
#include "system_check.h"
#include "worker.h"

struct command {
    const char *name;
    const char *summary; /* NULL: hidden */
    int (*main)(int argc, char **argv); /* argv[0] is "rclab NAME" */
};

static const struct command commands[] = {
    {"list", "the strategies, workloads and parameters there are", listing_main},
    {"run", "run workloads on strategies and compare them", run_main},
    {"fib", "the Gilectomy's experiment: fib in every thread", run_fib_main},
    {"fastfib", "ft_utils' fibonacci over a shared dict", fastfib_main},
    {"show", "print the table of a file of samples", show_main},
    {"compare", "compare files cell by cell, with gates for continuous integration", compare_main},
    {"export", "write samples as JSON, CSV, Markdown, JUnit or pyperf", export_main},
    {"merge", "put the shards of one plan into one file", merge_main},
    {"system", "system check: is this machine fit to measure on?", system_main},
    {"soak", "random cells until the budget is spent: looks for crashes, leaks, wrong answers", soak_main},
    {"report", "make a page to hand out: charts, tables, raw samples", page_main},
    {"explore", "run a scenario through every execution that the memory model allows", explorer_main},
    {"lab", "predict, run, explain: an experiment on this machine", lab_main},
    {"labs", "all labs as one page to hand out", lab_page_main},
    {"counters", "what this machine can count, and what would help", counters_main},
    {"worker", NULL, worker_main},
    {"lab-worker", NULL, lab_worker_main},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

struct rclab {
    const struct command *command;
    int argc;
    char **argv; /* the command's own */
};

static const struct command *rclab_find(const char *name)
{
    struct names known = {0};

    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            names_free(&known);
            return &commands[i];
        }
        if (commands[i].summary)
            names_add(&known, commands[i].name);
    }
    suggest_die("command", name, &known);
}

/* The first word that is no option is the command; what follows is the command's. */
static error_t rclab_option(int key, char *arg, struct argp_state *state)
{
    struct rclab *rclab = state->input;

    switch (key) {
    case ARGP_KEY_ARG:
        rclab->command = rclab_find(arg);
        rclab->argc = state->argc - state->next + 1;
        rclab->argv = &state->argv[state->next - 1];
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS: die_usage("which command? See rclab --help");
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* The commands, behind the options in --help. */
static char *rclab_help(int key, const char *text, void *input)
{
    char *list;

    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)text;
    list = memory_text("Commands:");
    for (int i = 0; i < COMMANDS; i++)
        if (commands[i].summary)
            memory_append(&list, "\n  %-10s %s", commands[i].name, commands[i].summary);
    return list; /* argp frees it */
}

static const struct argp rclab_argp = {
    .parser = rclab_option,
    .args_doc = "COMMAND [OPTION…]",
    .doc = "A laboratory for reference counting without a global lock.\v ",
    .help_filter = rclab_help,
};

static void rclab_print_version(FILE *stream, struct argp_state *state)
{
    (void)state;
    fprintf(stream, "%s\n", machine_version());
}

/* Tables hold × and ·: where the locale does not know UTF-8, as on a bare system, take the one that every Debian has.
 * Numbers keep their points: LC_NUMERIC stays "C". */
static void rclab_set_locale(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

int main(int argc, char **argv)
{
    struct rclab rclab = {0};
    char *name;
    int code;

    argp_err_exit_status = EXITS_USAGE;
    argp_program_version_hook = rclab_print_version;
    rclab_set_locale();
    argp_parse(&rclab_argp, argc, argv, ARGP_IN_ORDER, NULL, &rclab);
    name = memory_text("rclab %s", rclab.command->name);
    rclab.argv[0] = name; /* what argp calls the program in messages and help */
    code = rclab.command->main(rclab.argc, rclab.argv);
    if (fflush(stdout))
        code = exits_worse(code, EXITS_USAGE);
    free(name);
    return code;
}
