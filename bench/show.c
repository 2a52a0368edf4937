/*
 * show.c -- `rclab show FILE…`: the table of a file of samples.
 */
#include "show.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "die.h"
#include "exits.h"
#include "names.h"
#include "report.h"
#include "samples.h"

enum { KEY_STYLE = 256, KEY_FORCE_VERDICTS };

struct show {
    struct names files;
    enum table_style style;
    bool quiet, force_verdicts;
};

static error_t show_option(int key, char *arg, struct argp_state *state)
{
    struct show *show = state->input;

    switch (key) {
    case 'q': show->quiet = true; return 0;
    case KEY_FORCE_VERDICTS: show->force_verdicts = true; return 0;
    case KEY_STYLE:
        if (!table_style_parse(arg, &show->style))
            die_usage("--style %s: allowed is table, csv or md", arg);
        return 0;
    case ARGP_KEY_ARG: names_add(&show->files, arg); return 0;
    case ARGP_KEY_NO_ARGS: die_usage("show: name a file of samples; see rclab show --help");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option show_options[] = {
    {"style", KEY_STYLE, "STYLE", 0, "table (default), csv or md", 0},
    {"force-verdicts", KEY_FORCE_VERDICTS, NULL, 0, "Give verdicts in spite of a debug, dirty or sanitizer build", 0},
    {"quiet", 'q', NULL, 0, "Tables only", 0},
    {0},
};
static const struct argp show_argp = {
    .options = show_options,
    .parser = show_option,
    .args_doc = "FILE…",
    .doc = "Print the table of files that `rclab run` wrote.",
};

static void show_run(const struct show *show, struct results *results)
{
    results->forced |= show->force_verdicts;
    if (!results->ended)
        fprintf(stderr, "rclab: warning: a run without its end: it was cut off\n");
    else if (!results->complete)
        fprintf(stderr, "rclab: warning: this run was stopped before its end\n");
    if (!show->quiet)
        report_head(results, show->style);
    report_tables(results, show->style, show->quiet);
}

/* A run record begins another run: files may have been put behind each other. Consumes the record. */
static bool show_record(const struct show *show, struct results *results, json_t *record, const char **why)
{
    const char *type = json_string_value(json_object_get(record, "t"));
    bool taken;

    if (results->run && type && strcmp(type, "run") == 0) {
        show_run(show, results);
        results_free(results);
    }
    taken = results->run ? results_add(results, record, why) : results_begin(results, record, why);
    json_decref(record);
    return taken;
}

/* What stands before a damaged line is not printed: half a table would pass for the whole. */
static int show_file(const struct show *show, const char *path)
{
    struct samples_reader reader;
    struct results results = {0};
    const char *why = NULL;
    json_t *record;
    int code = EXITS_OK;

    if (!samples_open(&reader, path))
        return EXITS_USAGE;
    while (!why && (record = samples_next(&reader)))
        show_record(show, &results, record, &why);
    if (!why && !reader.failed && !results.run)
        why = "the file is empty";
    if (why)
        fprintf(stderr, "rclab: %s:%zu: %s\n", path, reader.line, why);
    if (why || reader.failed)
        code = EXITS_USAGE;
    else
        show_run(show, &results);
    samples_finish(&reader);
    if (results.run)
        results_free(&results);
    return code;
}

int show_main(int argc, char **argv)
{
    struct show show = {0};
    int code = EXITS_OK;

    argp_parse(&show_argp, argc, argv, 0, NULL, &show);
    for (size_t i = 0; i < show.files.count; i++) {
        if (show.files.count > 1 && show.style != TABLE_CSV)
            printf("%sfile  %s\n", i ? "\n" : "", show.files.item[i]);
        code = exits_worse(code, show_file(&show, show.files.item[i]));
    }
    names_free(&show.files);
    return code;
}
