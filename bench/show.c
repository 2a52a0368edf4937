/*
 * show.c -- `rclab show FILE…`: the table of a file of samples.
 */
#include "show.h"

#include <argp.h>
#include <stdio.h>

#include "die.h"
#include "exits.h"
#include "names.h"
#include "report.h"
#include "runs.h"

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

static void show_run(struct results *results, const char *path, void *context)
{
    const struct show *show = context;

    (void)path;
    results->forced |= show->force_verdicts;
    if (!results->ended)
        fprintf(stderr, "rclab: warning: a run without its end: it was cut off\n");
    else if (!results->complete)
        fprintf(stderr, "rclab: warning: this run was stopped before its end\n");
    if (!show->quiet)
        report_head(results, show->style);
    report_tables(results, show->style, show->quiet);
}

int show_main(int argc, char **argv)
{
    struct show show = {0};
    int code = EXITS_OK;

    argp_parse(&show_argp, argc, argv, 0, NULL, &show);
    for (size_t i = 0; i < show.files.count; i++) {
        if (show.files.count > 1 && show.style != TABLE_CSV)
            printf("%sfile  %s\n", i ? "\n" : "", show.files.item[i]);
        code = exits_worse(code, runs_read(show.files.item[i], show_run, &show));
    }
    names_free(&show.files);
    return code;
}
