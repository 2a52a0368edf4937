/*
 * page.c -- `rclab report`: reads the files, finds the template, writes the page.
 *
 * The template holds two marks. The data go where the first is, as JSON in a <script type="application/json">, with every
 * '<' written \u003c so that no text of theirs ends the element; the tables go where the second is, as HTML in <noscript>.
 */
#define _GNU_SOURCE 1
#include "page.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "die.h"
#include "exits.h"
#include "machine.h"
#include "memory.h"
#include "names.h"
#include "page_document.h"
#include "page_html.h"
#include "runs.h"

static const char PAGE_DATA_MARK[] = "@RCLAB-DATA@", PAGE_TABLES_MARK[] = "@RCLAB-TABLES@";

enum { KEY_FORCE_VERDICTS = 256 };

struct page {
    struct names files;
    const char *output;
    bool force_verdicts;
    json_t *runs;
    char *template;
};

static error_t page_option(int key, char *arg, struct argp_state *state)
{
    struct page *page = state->input;

    switch (key) {
    case 'o': page->output = arg; return 0;
    case KEY_FORCE_VERDICTS: page->force_verdicts = true; return 0;
    case ARGP_KEY_ARG: names_add(&page->files, arg); return 0;
    case ARGP_KEY_NO_ARGS: die_usage("report: name a file of samples; see rclab report --help");
    case ARGP_KEY_END:
        if (!page->output || !*page->output)
            die_usage("report: name the page with -o FILE; - is standard output");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option page_options[] = {
    {"output", 'o', "FILE", 0, "The page; - is standard output. A page that is there is replaced", 0},
    {"force-verdicts", KEY_FORCE_VERDICTS, NULL, 0, "Give verdicts in spite of a debug, dirty or sanitizer build", 0},
    {0},
};
static const struct argp page_argp = {
    .options = page_options,
    .parser = page_option,
    .args_doc = "FILE… -o PAGE.html",
    .doc = "Make one HTML file of what `rclab run` wrote: summary, charts, tables, raw samples, machine and build. It opens "
           "from disk and fetches nothing.\v"
           "The template is $RCLAB_TEMPLATE, else the one built by `make page` or installed with this program. "
           "Exit: 0 ok, 2 a file that cannot be read or is not rclab's, no template, or a page that cannot be written.",
};

/* --- the template --- */

/* A whole file, NULL with errno if it cannot be read. The caller frees it. */
static char *page_read(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;
    ssize_t length;

    if (!file)
        return NULL;
    errno = 0;
    length = getdelim(&text, &size, '\0', file);
    if (length <= 0) {
        errno = errno ? errno : ENODATA;
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

/* The template of this program's own build or installation; NULL if there is none. */
static char *page_own_template(void)
{
    static const char *const places[] = {"../page/template.html", "../share/rclab/template.html"};
    char program[PATH_MAX], *text = NULL;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);

    if (length <= 0)
        return NULL;
    program[length] = '\0';
    dirname(program);
    for (size_t i = 0; !text && i < sizeof places / sizeof places[0]; i++) {
        char *path = memory_text("%s/%s", program, places[i]);

        text = page_read(path);
        free(path);
    }
    return text;
}

static char *page_template(void)
{
    const char *named = getenv("RCLAB_TEMPLATE");
    char *text = named && *named ? page_read(named) : page_own_template();
    const char *data, *tables;

    if (!text && named && *named)
        die_usage("RCLAB_TEMPLATE %s: %s", named, strerror(errno));
    if (!text)
        die_usage("the page's template is not there: `make page` builds it (it needs Node; scripts/setup page installs that)");
    data = strstr(text, PAGE_DATA_MARK);
    tables = strstr(text, PAGE_TABLES_MARK);
    if (!data || !tables || tables < data || !strstr(text, PAGE_SCHEMA))
        die_usage("the page's template is not one for " PAGE_SCHEMA ": build it again with `make page`");
    return text;
}

/* --- the page --- */

static void page_take(struct results *results, const char *path, void *context)
{
    struct page *page = context;

    results->forced |= page->force_verdicts;
    json_array_append_new(page->runs, page_document_run(results, path));
}

/* Nothing is compared across runs; who reads two hosts on one page should know that. */
static json_t *page_warnings(const struct page *page)
{
    const json_t *first = json_object_get(json_array_get(page->runs, 0), "cpu");
    json_t *warnings = json_array(), *run;
    bool differ = false;
    size_t i;

    json_array_foreach(page->runs, i, run)
        differ |= !json_equal(json_object_get(run, "cpu"), first);
    if (differ)
        json_array_append_new(warnings, json_string("these runs come from different processors: compare nothing across them"));
    return warnings;
}

static void page_write_json(FILE *out, const json_t *document)
{
    char *text = json_dumps(document, JSON_COMPACT);

    if (!text)
        die("JSON", ENOMEM);
    for (const char *c = text; *c; c++)
        if (*c == '<')
            fputs("\\u003c", out);
        else
            putc(*c, out);
    free(text);
}

/* The whole page: the caller frees it. */
static char *page_text(const struct page *page, size_t *length)
{
    json_t *document = json_pack("{s:s, s:s, s:o, s:O}", "schema", PAGE_SCHEMA, "made_by", machine_version(), "warnings",
                                 page_warnings(page), "runs", page->runs);
    const char *data = strstr(page->template, PAGE_DATA_MARK), *tables = strstr(data, PAGE_TABLES_MARK);
    char *html = page_html(document), *text = NULL;
    FILE *out = open_memstream(&text, length);

    if (!out)
        die("memory", errno);
    fwrite(page->template, 1, (size_t)(data - page->template), out);
    page_write_json(out, document);
    data += strlen(PAGE_DATA_MARK);
    fwrite(data, 1, (size_t)(tables - data), out);
    fputs(html, out);
    fputs(tables + strlen(PAGE_TABLES_MARK), out);
    if (fclose(out))
        die("memory", errno);
    free(html);
    json_decref(document);
    return text;
}

/* --- the file --- */

/* Samples are dearer than a page. */
static void page_spare_samples(const struct page *page)
{
    struct stat output, file;

    if (stat(page->output, &output))
        return;
    for (size_t i = 0; i < page->files.count; i++)
        if (stat(page->files.item[i], &file) == 0 && file.st_dev == output.st_dev && file.st_ino == output.st_ino)
            die_usage("-o %s: that is a file of samples, it is not overwritten", page->output);
}

static bool page_is_special(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

/* False with errno. */
static bool page_put(FILE *out, const char *text, size_t length)
{
    return fwrite(text, 1, length, out) == length && fflush(out) == 0;
}

/* Into a new file beside it, which then takes its name: a page that was there stays whole if this one fails. */
static void page_put_file(const char *output, const char *text, size_t length)
{
    char *path = memory_text("%s.new", output);
    FILE *out = fopen(path, "we");

    if (!out)
        die(output, errno);
    if (!page_put(out, text, length) || rename(path, output)) {
        int error = errno;

        unlink(path);
        die(output, error);
    }
    fclose(out);
    free(path);
}

static void page_save(const struct page *page)
{
    bool standard = strcmp(page->output, "-") == 0;
    size_t length;
    char *text = page_text(page, &length);

    if (standard || page_is_special(page->output)) {
        FILE *out = standard ? stdout : fopen(page->output, "we");

        if (!out || !page_put(out, text, length))
            die(page->output, errno);
        if (!standard)
            fclose(out);
    } else
        page_put_file(page->output, text, length);
    free(text);
}

int page_main(int argc, char **argv)
{
    struct page page = {.runs = json_array()};
    int code = EXITS_OK;

    argp_parse(&page_argp, argc, argv, 0, NULL, &page);
    page_spare_samples(&page);
    page.template = page_template();
    for (size_t i = 0; i < page.files.count; i++)
        code = exits_worse(code, runs_read(page.files.item[i], page_take, &page));
    if (code == EXITS_OK)
        page_save(&page);
    free(page.template);
    json_decref(page.runs);
    names_free(&page.files);
    return code;
}
