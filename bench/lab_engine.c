/*
 * lab_engine.c -- what labs take from `rclab run` and `rclab explore`: both run as programs of their own, and what they wrote is
 * read. So a lab's figures come from the harness that all others come from, and its command line repeats them.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "die.h"
#include "explorer.h"
#include "lab_run.h"
#include "load.h"
#include "memory.h"
#include "names.h"

enum { LAB_ENGINE_WORDS = 64, LAB_ENGINE_COLUMNS = 96, LAB_ENGINE_EXPLORE_S = 10, LAB_ENGINE_LONGER = 4 };

/* A program that was run: what it wrote to standard output and standard error, its exit status (-1: a signal). */
struct lab_engine_end {
    char *output;
    int code;
};

static _Noreturn void lab_engine_exec(const char *program, char **argv, int output)
{
    int nothing = open("/dev/null", O_RDONLY);

    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    setenv("NO_COLOR", "1", 1);
    setenv("COLUMNS", memory_text("%d", LAB_ENGINE_COLUMNS), 1);
    execv(program, argv);
    perror(program);
    _exit(127);
}

/* Blocks until it has ended. The caller frees the output. */
static struct lab_engine_end lab_engine_call(const char *program, char **argv)
{
    struct lab_engine_end end = {.code = -1};
    size_t size = 0;
    int ends[2], status;
    FILE *in, *out = open_memstream(&end.output, &size);
    pid_t child;
    int c;

    if (!out || pipe2(ends, O_CLOEXEC))
        die("pipe", errno);
    child = fork();
    if (child < 0)
        die("fork", errno);
    if (child == 0)
        lab_engine_exec(program, argv, ends[1]);
    close(ends[1]);
    in = fdopen(ends[0], "r");
    while (in && (c = getc(in)) != EOF)
        putc(c, out);
    fclose(in);
    fclose(out);
    if (waitpid(child, &status, 0) == child && WIFEXITED(status))
        end.code = WEXITSTATUS(status);
    return end;
}

/* Words for execv, from a text separated by blanks. They stay for ever: a lab's process is short. */
static size_t lab_engine_words(char **argv, size_t used, const char *text)
{
    struct names words = {0};
    char *copy = memory_text("%s", text), *rest = copy;

    for (char *word; (word = strsep(&rest, " ")) != NULL && used < LAB_ENGINE_WORDS - 1;)
        if (*word)
            argv[used++] = memory_text("%s", word);
    names_free(&words);
    free(copy);
    argv[used] = NULL;
    return used;
}

/* A path below a folder for temporary files that nobody else has: the caller frees it, and removes the file. */
static char *lab_engine_file(const char *ending)
{
    const char *folder = getenv("TMPDIR");
    char *path = memory_text("%s/rclab-lab-XXXXXX%s", folder && *folder ? folder : "/tmp", ending);
    int file = mkostemps(path, (int)strlen(ending), O_CLOEXEC);

    if (file < 0)
        die(path, errno);
    close(file);
    return path;
}

/* --- rclab run --- */

static void lab_engine_command(struct lab_run *run, const char *format, const char *words)
{
    char *text = memory_text(format, words);

    json_object_set_new(lab_run_block(run, "command"), "text", json_string(text));
    free(text);
}

/* The last line that says something. */
static const char *lab_engine_last_line(char *output)
{
    char *end = output + strlen(output);

    while (end > output && end[-1] == '\n')
        *--end = '\0';
    end = strrchr(output, '\n');
    return end ? end + 1 : output;
}

static const struct results *lab_engine_load(struct lab_run *run, const char *path, struct lab_engine_end *end, const char *words)
{
    struct results *results = memory_alloc(1, sizeof *results);

    if ((end->code == 0 || end->code == 4) && run->measured < LAB_RUN_MOST_RESULTS && load_file(path, results))
        return run->results[run->measured++] = results;
    free(results);
    lab_not_shown(run, "`rclab run %s` ended with %d: %s", words, end->code, lab_engine_last_line(end->output));
    return NULL;
}

static const struct results *lab_engine_run(struct lab_run *run, int rounds, int ms, const char *words)
{
    char *argv[LAB_ENGINE_WORDS], *path = lab_engine_file(".jsonl");
    char *options = memory_text("rclab run --no-lock --no-counters -q --force -p %d --min-time %dms -w %dms -o %s %s", rounds, ms, ms / 4 + 1,
                                path, words);
    struct lab_engine_end end;
    const struct results *results;

    lab_engine_words(argv, 0, options);
    end = lab_engine_call("/proc/self/exe", argv);
    results = lab_engine_load(run, path, &end, words);
    unlink(path);
    free(path);
    free(options);
    free(end.output);
    return results;
}

const struct results *lab_measure(struct lab_run *run, int rounds, int ms, const char *words)
{
    const struct results *results = lab_engine_run(run, rounds, ms, words);

    if (results)
        lab_engine_command(run, "rclab run %s", words);
    return results;
}

char *lab_program(struct lab_run *run, const char *words)
{
    char *argv[LAB_ENGINE_WORDS], *all = memory_text("rclab %s", words);
    struct lab_engine_end end;

    lab_engine_words(argv, 0, all);
    free(all);
    end = lab_engine_call("/proc/self/exe", argv);
    if (end.code == 0) {
        lab_engine_command(run, "rclab %s", words);
        return end.output;
    }
    lab_not_shown(run, "`rclab %s` ended with %d: %s", words, end.code, lab_engine_last_line(end.output));
    free(end.output);
    return NULL;
}

/* A lane of each thread, from the trace of the workload turns. */
static void lab_engine_draw(struct lab_run *run, FILE *trace, const char *const *names, int threads)
{
    char kind[8];
    long long begin, end;
    int number;

    for (int i = 0; i < threads; i++) {
        lab_lane(run, names[i]);
        rewind(trace);
        while (fscanf(trace, "%d %7s %lld %lld", &number, kind, &begin, &end) == 4)
            if (number == i)
                lab_span(run, lab_run_kind_of(kind), begin, end);
    }
}

bool lab_draw_turns(struct lab_run *run, const char *caption, const char *words, int ms, const char *const *names, int threads)
{
    char *path = lab_engine_file(".trace"), *all = memory_text("-W turns -L trace=%s %s", path, words);
    const struct results *results = lab_engine_run(run, 1, LAB_ENGINE_LONGER * ms, all); /* a GIL stretches what calibrates it */
    FILE *trace = results ? fopen(path, "re") : NULL;

    if (trace) {
        lab_timeline(run, caption, 0, ms * INT64_C(1000000));
        lab_legend(run, LAB_RUN, "runs");
        if (!strstr(words, "io=0")) {
            lab_legend(run, LAB_WAIT, "could go on, waits for the interpreter");
            lab_legend(run, LAB_IO, "waits for I/O");
        }
        lab_engine_draw(run, trace, names, threads);
        fclose(trace);
    }
    unlink(path);
    free(all);
    free(path);
    return trace != NULL;
}

static const struct result_cell *lab_engine_cell(const struct results *results, const char *key)
{
    for (size_t i = 0; results && i < results->cells; i++)
        if (strcmp(results->cell[i].key, key) == 0)
            return &results->cell[i];
    return NULL;
}

void lab_metric(const struct results *results, const char *key, int metric, struct lab_series *series)
{
    const struct result_cell *cell = lab_engine_cell(results, key);

    for (size_t i = 0; cell && i < cell->observations; i++)
        if (cell->observation[i].status == RESULTS_OK)
            lab_add(series, cell->observation[i].metric[metric]);
}

size_t lab_fact_values(const struct results *results, const char *key, const char *fact, int64_t *value, size_t most)
{
    const struct result_cell *cell = lab_engine_cell(results, key);
    size_t count = 0;

    for (size_t i = 0; cell && i < cell->observations && count < most; i++) {
        const json_t *found = json_object_get(json_object_get(cell->observation[i].record, "facts"), fact);

        if (json_is_integer(found))
            value[count++] = json_integer_value(found);
    }
    return count;
}

void lab_facts(const struct results *results, const char *key, const char *fact, struct lab_series *series)
{
    int64_t value[LAB_SERIES];
    size_t count = lab_fact_values(results, key, fact, value, LAB_SERIES);

    for (size_t i = 0; i < count; i++)
        lab_add(series, (double)value[i]);
}

void lab_failures(const struct results *results, const char *key, int *failed, int *samples)
{
    const struct result_cell *cell = lab_engine_cell(results, key);

    *failed = *samples = 0;
    for (size_t i = 0; cell && i < cell->observations; i++) {
        *failed += cell->observation[i].status != RESULTS_OK;
        ++*samples;
    }
}

/* --- rclab explore --- */

/* What stands before the table's line of this scenario: the lanes. The caller frees it. */
static char *lab_engine_lanes(const char *output, const char *scenario)
{
    const char *begin = strchr(output, '\n'), *end;
    char *line = memory_text("\n%s ", scenario);

    begin = begin ? begin + 1 : output;
    end = strstr(output, line);
    free(line);
    return memory_text("%.*s", end && end > begin ? (int)(end - begin) : 0, begin);
}

/* The number of executions in the scenario's line; -1: there is no line. */
static long lab_engine_executions(const char *output, const char *scenario)
{
    char *line = memory_text("\n%s ", scenario);
    const char *at = strstr(output, line);
    long executions = -1;

    if (at && sscanf(at + strlen(line), " %*s %*s %*s %ld", &executions) != 1)
        sscanf(at + strlen(line), " %*s %*s fails (stated) %ld", &executions);
    free(line);
    return executions;
}

static json_t *lab_engine_page(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;
    json_t *page = json_null();

    if (file && getdelim(&text, &size, '\0', file) > 0)
        page = json_string(text);
    if (file)
        fclose(file);
    free(text);
    return page;
}

struct lab_engine_asked {
    const char *scenario, *strategy, *options;
};

static void lab_engine_explored(struct lab_run *run, const struct lab_engine_asked *asked, enum lab_verdict verdict, const char *output,
                                const char *page)
{
    json_t *block = lab_run_block(run, "lanes");
    char *lanes = lab_engine_lanes(output, asked->scenario);

    json_object_set_new(block, "command", json_sprintf("rclab explore %s -s %s%s%s", asked->scenario, asked->strategy,
                                                       *asked->options ? " " : "", asked->options));
    json_object_set_new(block, "scenario", json_string(asked->scenario));
    json_object_set_new(block, "strategy", json_string(asked->strategy));
    json_object_set_new(block, "verdict", json_string(verdict == LAB_FAILS ? "fails" : "proved"));
    json_object_set_new(block, "executions", json_integer(lab_engine_executions(output, asked->scenario)));
    json_object_set_new(block, "text", verdict == LAB_FAILS ? json_string(lanes) : json_null());
    json_object_set_new(block, "html", verdict == LAB_FAILS ? lab_engine_page(page) : json_null());
    free(lanes);
}

/* A failure that the scenario states ends with 0 as a proof does: the lanes tell. */
static enum lab_verdict lab_engine_verdict(const struct lab_engine_end *end, const char *scenario)
{
    char *lanes = lab_engine_lanes(end->output, scenario);
    bool failed = end->code == 1 || (end->code == 0 && *lanes);

    free(lanes);
    return failed ? LAB_FAILS : end->code == 0 ? LAB_PROVED : LAB_UNKNOWN;
}

enum lab_verdict lab_explore(struct lab_run *run, const char *scenario, const char *strategy, const char *options)
{
    char *argv[LAB_ENGINE_WORDS], *program = explorer_find(), *page, *words;
    const struct lab_engine_asked asked = {scenario, strategy, options};
    struct lab_engine_end end;
    enum lab_verdict verdict;

    if (!program) {
        lab_not_shown(run, "rclab-explore is not installed beside rclab: `make` builds it");
        return LAB_UNKNOWN;
    }
    page = lab_engine_file(".html");
    words = memory_text("rclab-explore %s -s %s %s --budget %ds -o %s", scenario, strategy, options, LAB_ENGINE_EXPLORE_S, page);
    lab_engine_words(argv, 0, words);
    end = lab_engine_call(program, argv);
    verdict = lab_engine_verdict(&end, scenario);
    if (verdict == LAB_UNKNOWN)
        lab_not_shown(run, "`rclab explore %s -s %s` ended with %d: %s", scenario, strategy, end.code, lab_engine_last_line(end.output));
    else
        lab_engine_explored(run, &asked, verdict, end.output, page);
    unlink(page);
    free(page);
    free(words);
    free(program);
    free(end.output);
    return verdict;
}
