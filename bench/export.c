/*
 * export.c -- `rclab export FILE --format json|csv|md|junit|pyperf [-o OUT]`.
 */
#define _GNU_SOURCE 1
#include "export.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "exits.h"
#include "export_formats.h"
#include "load.h"
#include "names.h"
#include "report.h"
#include "suggest.h"

enum { KEY_FORCE = 256 };
enum export_format { EXPORT_JSON, EXPORT_CSV, EXPORT_MD, EXPORT_JUNIT, EXPORT_PYPERF, EXPORT_FORMATS, EXPORT_NONE };

static const char *const format_names[EXPORT_FORMATS] = {[EXPORT_JSON] = "json",
                                                         [EXPORT_CSV] = "csv",
                                                         [EXPORT_MD] = "md",
                                                         [EXPORT_JUNIT] = "junit",
                                                         [EXPORT_PYPERF] = "pyperf"};

struct export {
    const char *file, *output; /* output NULL: standard output */
    enum export_format format;
    bool force;
};

static enum export_format export_format_parse(const char *name)
{
    struct names known = {0};

    for (int i = 0; i < EXPORT_FORMATS; i++) {
        if (strcmp(name, format_names[i]) == 0) {
            names_free(&known);
            return (enum export_format)i;
        }
        names_add(&known, format_names[i]);
    }
    suggest_die("format", name, &known);
}

static error_t export_option(int key, char *arg, struct argp_state *state)
{
    struct export *export = state->input;

    switch (key) {
    case 'o': export->output = arg; return 0;
    case 'f': export->format = export_format_parse(arg); return 0;
    case KEY_FORCE: export->force = true; return 0;
    case ARGP_KEY_ARG:
        if (export->file)
            die_usage("export: one file at a time: %s and %s (rclab merge puts shards together)", export->file, arg);
        export->file = arg;
        return 0;
    case ARGP_KEY_NO_ARGS: die_usage("export: name a file of samples; see rclab export --help");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option export_options[] = {
    {"format", 'f', "FORMAT", 0, "json, csv (a line for each sample, a column for each counter), md (the tables), junit or pyperf (required)", 0},
    {"output", 'o', "OUT", 0, "The file to make (default: standard output)", 0},
    {"force", KEY_FORCE, NULL, 0, "Overwrite OUT", 0},
    {0},
};
static const struct argp export_argp = {
    .options = export_options,
    .parser = export_option,
    .args_doc = "FILE",
    .doc = "Write the samples of FILE for other programs.\v"
           "pyperf: seconds for one operation of one thread; one run for each right sample; cells whose wrong answers are expected are left out.",
};

/* Standard output becomes OUT: the tables are printed there too. */
static void export_redirect(const struct export *export)
{
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (export->force ? O_TRUNC : O_EXCL), fd = open(export->output, flags, 0666);

    if (fd < 0 && errno == EEXIST)
        die_usage("-o %s: the file exists; --force overwrites it", export->output);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
        die(export->output, errno);
    close(fd);
}

static int export_write(const struct export *export, const struct results *results)
{
    if (export->format == EXPORT_PYPERF && results->pace.mode != PACE_OFF)
        die_usage("export: %s is a latency run: pyperf takes times of one operation, of which it has none (json and csv carry the "
                  "histograms)",
                  export->file);
    switch (export->format) {
    case EXPORT_JSON: export_json(results, stdout); return EXITS_OK;
    case EXPORT_CSV: export_csv(results, stdout); return EXITS_OK;
    case EXPORT_JUNIT: export_junit(results, stdout); return EXITS_OK;
    case EXPORT_PYPERF: return export_pyperf(results, stdout) ? EXITS_OK : EXITS_USAGE;
    default:
        report_head(results, TABLE_MARKDOWN);
        report_tables(results, TABLE_MARKDOWN, false);
        return EXITS_OK;
    }
}

int export_main(int argc, char **argv)
{
    struct export export = {.format = EXPORT_NONE};
    struct results results;
    int code;

    argp_parse(&export_argp, argc, argv, 0, NULL, &export);
    if (export.format == EXPORT_NONE)
        die_usage("export: which --format? Allowed: json, csv, md, junit, pyperf");
    if (!load_file(export.file, &results))
        return EXITS_USAGE;
    if (results_instructions_only(&results) && (export.format == EXPORT_JUNIT || export.format == EXPORT_PYPERF))
        die_usage("%s: its samples ran under callgrind, where times are no times, and %s holds times; json, csv and md have "
                  "the instruction counts",
                  export.file, format_names[export.format]);
    if (export.output)
        export_redirect(&export);
    code = export_write(&export, &results);
    if (fflush(stdout) || ferror(stdout))
        die(export.output ? export.output : "standard output", errno);
    results_free(&results);
    return code;
}
