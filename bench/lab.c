/*
 * lab.c -- `rclab lab` and `rclab labs`: asks for a prediction, starts each lab in a process of its own, shows what it found.
 */
#define _GNU_SOURCE 1
#include "lab.h"

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "exits.h"
#include "interrupt.h"
#include "lab_page.h"
#include "lab_print.h"
#include "lab_run.h"
#include "lab_text.h"
#include "launch.h"
#include "lock.h"
#include "memory.h"
#include "names.h"
#include "options.h"
#include "samples.h"
#include "suggest.h"
#include "timing.h"

enum { KEY_NO_ASK = 256, KEY_SECONDS, KEY_BUDGET, KEY_JSON, KEY_NO_LOCK };
enum { LAB_SECONDS = 6, LAB_MOST_SECONDS = 600, LAB_LONGER = 5, LAB_HANGS_S = 60 };

struct lab_options {
    struct names names;
    bool list, no_ask, json, no_lock, page;
    const char *output;
    int64_t seconds, budget_ns; /* budget below 0: none */
};

/* --- the labs there are --- */

/* Supplied by the linker; weak, so that a program without any lab links. */
extern const struct lab *const __start_rclab_labs[] __attribute__((weak));
extern const struct lab *const __stop_rclab_labs[] __attribute__((weak));

static int lab_compare(const void *a, const void *b)
{
    const struct lab *x = *(const struct lab *const *)a, *y = *(const struct lab *const *)b;

    return x->number != y->number ? (x->number > y->number) - (x->number < y->number) : strcmp(x->name, y->name);
}

const struct lab *const *lab_all(size_t *count)
{
    static const struct lab **all;

    *count = (size_t)(__stop_rclab_labs - __start_rclab_labs);
    if (!all) {
        all = memory_alloc(*count + 1, sizeof all[0]);
        for (size_t i = 0; i < *count; i++)
            all[i] = __start_rclab_labs[i];
        qsort(all, *count, sizeof all[0], lab_compare);
    }
    return all;
}

static const struct lab *lab_find(const char *name)
{
    struct names known = {0};
    size_t count;
    const struct lab *const *all = lab_all(&count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i]->name, name) == 0) {
            names_free(&known);
            return all[i];
        } else {
            names_add(&known, all[i]->name);
        }
    suggest_die("lab", name, &known);
}

void lab_print_list(void)
{
    size_t count;
    const struct lab *const *all = lab_all(&count);

    for (size_t i = 0; i < count; i++) {
        struct lab_text text;

        lab_text_parse(&text, all[i]->text);
        printf("%3d  %-22s %s\n", all[i]->number, all[i]->name, text.title);
        lab_text_free(&text);
    }
}

json_t *lab_json_list(void)
{
    size_t count;
    const struct lab *const *all = lab_all(&count);
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        struct lab_text text;

        lab_text_parse(&text, all[i]->text);
        json_array_append_new(list, json_pack("{s:s, s:i, s:s}", "name", all[i]->name, "number", all[i]->number, "title", text.title));
        lab_text_free(&text);
    }
    return list;
}

static void lab_list(bool json)
{
    json_t *list;

    if (!json) {
        lab_print_list();
        return;
    }
    list = lab_json_list();
    json_dumpf(list, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(list);
}

/* --- running one --- */

int lab_worker_main(int argc, char **argv)
{
    json_t *order = argc == 3 ? json_loads(argv[2], 0, NULL) : NULL, *document;
    const char *name = NULL;
    double seconds = 0;

    if (!order || json_unpack(order, "{s:s, s:F}", "lab", &name, "seconds", &seconds))
        die_usage("lab-worker: usage: rclab lab-worker FD ORDER; `rclab lab` makes the orders");
    document = lab_run_here(lab_find(name), seconds);
    if (!samples_put(atoi(argv[1]), document))
        die("lab-worker: report", errno);
    json_decref(document);
    json_decref(order);
    return EXITS_OK;
}

/* Why there is no document. The caller frees it. */
static char *lab_why(const struct launch *launch)
{
    const char *words = launch->errors.text ? launch->errors.text : "";

    if (launch->end == LAUNCH_TIMED_OUT)
        return memory_text("it hung and was killed");
    if (launch->end == LAUNCH_SIGNALLED)
        return memory_text("it crashed: %s. %s", strsignal(launch->code), words);
    return memory_text("it ended with %d. %s", launch->code, words);
}

/* New reference; NULL: told to stop. */
static json_t *lab_take(const struct lab *lab, const struct lab_options *options)
{
    json_t *order = json_pack("{s:s, s:I}", "lab", lab->name, "seconds", (json_int_t)options->seconds), *document = NULL;
    struct launch launch;

    launch_begin(&launch, "lab-worker", order, 0, NULL);
    launch_wait(&launch, 1, timing_now() + (LAB_LONGER * options->seconds + LAB_HANGS_S) * TIMING_SECOND);
    if (launch.end == LAUNCH_EXITED && launch.code == 0)
        document = launch_report(&launch);
    if (!document && launch.end != LAUNCH_INTERRUPTED) {
        char *why = lab_why(&launch);

        document = lab_run_failed(lab, why);
        free(why);
    }
    launch_free(&launch);
    json_decref(order);
    return document;
}

static bool lab_has_failed(const json_t *document)
{
    const char *status = json_string_value(json_object_get(document, "status"));

    return !status || strcmp(status, "failed") == 0;
}

/* --- for people --- */

/* The letter that was answered, 0: none. */
static char lab_ask(size_t choices)
{
    char *line = NULL, letter = 0;
    size_t size = 0;

    printf("\n  Your prediction (a to %c; Enter goes on without): ", (char)('a' + choices - 1));
    fflush(stdout);
    if (getline(&line, &size, stdin) > 0 && line[0] >= 'a' && line[0] < (char)('a' + choices))
        letter = line[0];
    free(line);
    return letter;
}

static void lab_tell_answer(char said, const json_t *document)
{
    const char *was = json_string_value(json_object_get(document, "answer"));

    if (said && was && *was == said)
        printf("  You said %c, and so it was here.\n", said);
    else if (said && was)
        printf("  You said %c; here it was %c.\n", said, *was);
}

/* False: told to stop. */
static bool lab_show(const struct lab *lab, const struct lab_options *options, int *code)
{
    struct lab_text text;
    int width = lab_print_width();
    json_t *document;
    char said = 0;

    lab_text_parse(&text, lab->text);
    printf("%d  %s\n", lab->number, text.title);
    lab_print_section(stdout, &text, LAB_QUESTION, width);
    lab_print_section(stdout, &text, LAB_PREDICTION, width);
    if (!options->no_ask && isatty(STDIN_FILENO))
        said = lab_ask(lab_text_items(text.section[LAB_PREDICTION]));
    fflush(stdout);
    interrupt_hold();
    document = lab_take(lab, options);
    interrupt_release();
    if (document) {
        lab_print_result(stdout, document, width);
        lab_tell_answer(said, document);
        for (int section = LAB_HAPPENS; section < LAB_SECTIONS; section++)
            lab_print_section(stdout, &text, (enum lab_section)section, width);
        if (lab_has_failed(document))
            *code = exits_worse(*code, EXITS_WORKER);
    }
    json_decref(document);
    lab_text_free(&text);
    return document != NULL;
}

static bool lab_show_json(const struct lab *lab, const struct lab_options *options, int *code)
{
    json_t *document;

    interrupt_hold();
    document = lab_take(lab, options);
    interrupt_release();
    if (document) {
        json_dumpf(document, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        if (lab_has_failed(document))
            *code = exits_worse(*code, EXITS_WORKER);
    }
    json_decref(document);
    return document != NULL;
}

/* --- the commands --- */

static error_t lab_option(int key, char *arg, struct argp_state *state)
{
    struct lab_options *options = state->input;

    switch (key) {
    case 'o': options->output = arg; return 0;
    case KEY_NO_ASK: options->no_ask = true; return 0;
    case KEY_SECONDS: options->seconds = options_number("--seconds", arg, 1, LAB_MOST_SECONDS); return 0;
    case KEY_BUDGET: options->budget_ns = options_time("--budget", arg); return 0;
    case KEY_JSON: options->json = true; return 0;
    case KEY_NO_LOCK: options->no_lock = true; return 0;
    case ARGP_KEY_ARG:
        if (!options->page && strcmp(arg, "list") == 0)
            options->list = true;
        else
            names_add(&options->names, arg);
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

#define LAB_OPTIONS                                                                                                           \
    {"seconds", KEY_SECONDS, "N", 0, "How long a lab measures, about (6)", 1},                                                \
    {"budget", KEY_BUDGET, "TIME", 0, "Begin no lab after this time; exit 124 if one is left out", 1},                        \
    {"no-lock", KEY_NO_LOCK, NULL, 0, "Also while another rclab measures, which it disturbs", 1}

static const struct argp_option lab_argp_options[] = {
    {"no-ask", KEY_NO_ASK, NULL, 0, "Do not ask for a prediction (nor where standard input is no terminal)", 0},
    {"json", KEY_JSON, NULL, 0, "What was found as a line of JSON for each lab, and nothing else", 0},
    LAB_OPTIONS,
    {0},
};
static const struct argp lab_argp = {
    .options = lab_argp_options,
    .parser = lab_option,
    .args_doc = "list | NAME…",
    .doc = "Predict, run, explain: an experiment on this machine, what it shows, why, and two exercises.\v"
           "A lab whose observable does not come out says why, and that is no failure. Exit: 0 ok, 2 usage, 4 a lab crashed or hung, "
           "124 the budget ran out.",
};

static const struct argp_option lab_page_options[] = {
    {"output", 'o', "FILE", 0, "The page; - is standard output", 0},
    LAB_OPTIONS,
    {0},
};
static const struct argp lab_page_argp = {
    .options = lab_page_options,
    .parser = lab_option,
    .args_doc = "[NAME…] -o LABS.html",
    .doc = "Run all labs (or those named) and make one HTML file of them, to hand out: questions, figures of this machine, drawings, "
           "steppers, explanations. It opens from disk and fetches nothing.",
};

/* Those that were named, or all. The caller frees it. */
static const struct lab **lab_chosen(const struct lab_options *options, size_t *count)
{
    const struct lab *const *all = lab_all(count);
    const struct lab **chosen = memory_alloc(*count + options->names.count + 1, sizeof chosen[0]);

    if (options->names.count == 0) {
        memcpy(chosen, all, *count * sizeof chosen[0]);
        return chosen;
    }
    *count = options->names.count;
    for (size_t i = 0; i < *count; i++)
        chosen[i] = lab_find(options->names.item[i]);
    return chosen;
}

static int64_t lab_end(const struct lab_options *options)
{
    return options->budget_ns >= 0 ? timing_now() + options->budget_ns : INT64_MAX;
}

static int lab_show_all(const struct lab_options *options)
{
    size_t count;
    const struct lab **chosen = lab_chosen(options, &count);
    int64_t end = lab_end(options);
    int code = EXITS_OK;
    bool going = true;

    for (size_t i = 0; i < count && going; i++) {
        if (timing_now() >= end) {
            fprintf(stderr, "rclab: the budget ran out before %s\n", chosen[i]->name);
            code = exits_worse(code, EXITS_BUDGET);
            break;
        }
        if (i > 0 && !options->json)
            putchar('\n');
        going = (options->json ? lab_show_json : lab_show)(chosen[i], options, &code);
    }
    if (!going)
        code = exits_worse(code, EXITS_INTERRUPTED);
    free(chosen);
    return code;
}

int lab_main(int argc, char **argv)
{
    struct lab_options options = {.seconds = LAB_SECONDS, .budget_ns = -1};
    int code = EXITS_OK;

    argp_parse(&lab_argp, argc, argv, 0, NULL, &options);
    if (!options.list && options.names.count == 0)
        die_usage("lab: which? `rclab lab list` names them");
    if (options.list) {
        lab_list(options.json);
    } else {
        for (size_t i = 0; i < options.names.count; i++)
            lab_find(options.names.item[i]); /* before anything runs */
        if (!options.no_lock)
            lock_take();
        code = lab_show_all(&options);
    }
    names_free(&options.names);
    return code;
}

/* Entries as far as the budget and the user let them; their number. */
static size_t lab_collect(const struct lab_options *options, const struct lab **chosen, size_t count, struct lab_page_entry *entry, int *code)
{
    int64_t end = lab_end(options);
    size_t taken = 0;

    for (; taken < count; taken++) {
        if (timing_now() >= end || interrupt_seen()) {
            *code = exits_worse(*code, interrupt_seen() ? EXITS_INTERRUPTED : EXITS_BUDGET);
            break;
        }
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "rclab labs: %zu of %zu: %s\n", taken + 1, count, chosen[taken]->name);
        entry[taken] = (struct lab_page_entry){.lab = chosen[taken], .document = lab_take(chosen[taken], options)};
        if (!entry[taken].document) {
            *code = exits_worse(*code, EXITS_INTERRUPTED);
            break;
        }
        if (lab_has_failed(entry[taken].document))
            *code = exits_worse(*code, EXITS_WORKER);
    }
    return taken;
}

static void lab_write(const struct lab_options *options, const struct lab_page_entry *entry, size_t entries)
{
    bool standard = strcmp(options->output, "-") == 0;
    FILE *out = standard ? stdout : fopen(options->output, "we");

    if (!out)
        die(options->output, errno);
    lab_page_write(out, entry, entries);
    if (fflush(out) || (!standard && fclose(out)))
        die(options->output, errno);
}

int lab_page_main(int argc, char **argv)
{
    struct lab_options options = {.seconds = LAB_SECONDS, .budget_ns = -1, .page = true};
    struct lab_page_entry *entry;
    const struct lab **chosen;
    size_t count;
    int code = EXITS_OK;

    argp_parse(&lab_page_argp, argc, argv, 0, NULL, &options);
    if (!options.output || !*options.output)
        die_usage("labs: name the page with -o FILE; - is standard output");
    chosen = lab_chosen(&options, &count);
    if (!options.no_lock)
        lock_take();
    entry = memory_alloc(count + 1, sizeof entry[0]);
    interrupt_hold();
    count = lab_collect(&options, chosen, count, entry, &code);
    interrupt_release();
    lab_write(&options, entry, count);
    for (size_t i = 0; i < count; i++)
        json_decref(entry[i].document);
    free(entry);
    free(chosen);
    names_free(&options.names);
    return code;
}
