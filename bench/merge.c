/*
 * merge.c -- `rclab merge FILE… -o OUT`: the shards of one plan become one file.
 *
 * Everything is checked before OUT is made. The samples are written in the order of the rounds, each with the run_id of the
 * run that took it; the run record is the first file's, with the facts of all under "merged".
 */
#define _GNU_SOURCE 1
#include "merge.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "die.h"
#include "exits.h"
#include "identity.h"
#include "load.h"
#include "memory.h"
#include "names.h"
#include "samples.h"

enum { KEY_FORCE = 256 };

struct merge {
    struct names files;
    const char *output;
    bool force;
    struct results *input; /* one for each file */
    int rounds;            /* most of any */
};

static error_t merge_option(int key, char *arg, struct argp_state *state)
{
    struct merge *merge = state->input;

    switch (key) {
    case 'o': merge->output = arg; return 0;
    case KEY_FORCE: merge->force = true; return 0;
    case ARGP_KEY_ARG:
        if (names_has(&merge->files, arg))
            die_usage("merge: %s is named twice", arg);
        names_add(&merge->files, arg);
        return 0;
    case ARGP_KEY_NO_ARGS: die_usage("merge: name the files to merge; see rclab merge --help");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option merge_options[] = {
    {"output", 'o', "OUT", 0, "The file to make (required; it must not be there yet)", 0},
    {"force", KEY_FORCE, NULL, 0, "Merge although hosts or builds differ", 0},
    {0},
};
static const struct argp merge_argp = {
    .options = merge_options,
    .parser = merge_option,
    .args_doc = "FILE…",
    .doc = "Put the shards of one plan (rclab run --shard I/N) into one file.\v"
           "Refused are: another plan or seed, two hosts or builds (unless --force), and a sample that two files have.",
};

static void merge_refuse(const struct merge *merge, size_t file, const char *what, char *difference, const char *remedy)
{
    if (difference)
        die_usage("merge: %s and %s: another %s, %s%s", merge->files.item[0], merge->files.item[file], what, difference, remedy);
}

static void merge_load(struct merge *merge)
{
    merge->input = memory_alloc(merge->files.count, sizeof merge->input[0]);
    for (size_t i = 0; i < merge->files.count; i++) {
        if (!load_file(merge->files.item[i], &merge->input[i]))
            die_usage("merge: nothing is written");
        if (merge->input[i].rounds > merge->rounds)
            merge->rounds = merge->input[i].rounds;
    }
}

static void merge_check(const struct merge *merge)
{
    const json_t *first = merge->input[0].run;

    for (size_t i = 1; i < merge->files.count; i++) {
        const json_t *run = merge->input[i].run;

        merge_refuse(merge, i, "plan", identity_plan_difference(first, run), "");
        if (merge->force)
            continue;
        merge_refuse(merge, i, "host", identity_host_difference(first, run), " (--force merges them)");
        merge_refuse(merge, i, "build", identity_build_difference(first, run), " (--force merges them)");
    }
}

/* The one file that has this sample; NULL if none has. Exits 2 if two have. */
static const struct observation *merge_find(const struct merge *merge, size_t cell, int round, size_t *file)
{
    const struct observation *found = NULL;

    for (size_t i = 0; i < merge->files.count; i++) {
        const struct observation *here = results_observation(&merge->input[i].cell[cell], round);

        if (here && found)
            die_usage("merge: %s and %s both have round %d of %s; nothing is written", merge->files.item[*file],
                      merge->files.item[i], round, merge->input[0].cell[cell].key);
        if (here) {
            found = here;
            *file = i;
        }
    }
    return found;
}

static size_t merge_missing(const struct merge *merge)
{
    size_t missing = 0, file;

    for (int round = 0; round < merge->rounds; round++)
        for (size_t cell = 0; cell < merge->input[0].cells; cell++)
            missing += merge_find(merge, cell, round, &file) == NULL;
    return missing;
}

static json_t *merge_fact(const struct merge *merge, size_t file, const char *key)
{
    json_t *value = json_object_get(merge->input[file].run, key);

    return value ? json_incref(value) : json_null();
}

static json_t *merge_run_record(const struct merge *merge)
{
    json_t *run = json_copy(merge->input[0].run), *list = json_array();

    for (size_t i = 0; i < merge->files.count; i++)
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "file", merge->files.item[i], "run_id",
                                              merge_fact(merge, i, "run_id"), "shard", merge_fact(merge, i, "shard"), "started",
                                              merge_fact(merge, i, "started"), "host", merge_fact(merge, i, "host"), "build",
                                              merge_fact(merge, i, "build"), "system", merge_fact(merge, i, "system")));
    json_object_set_new(run, "merged", list);
    json_object_set_new(run, "shard", json_null());
    json_object_set_new(run, "rounds", json_integer(merge->rounds));
    json_object_set_new(run, "exploratory", json_boolean(merge->input[0].exploratory));
    return run;
}

static int merge_compare_slots(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    json_int_t first = json_integer_value(json_object_get(x, "slot")), second = json_integer_value(json_object_get(y, "slot"));

    return (first > second) - (first < second);
}

static void merge_write_round(const struct merge *merge, struct samples_writer *writer, int round)
{
    json_t **record = memory_alloc(merge->input[0].cells, sizeof record[0]);
    size_t count = 0, file = 0;

    for (size_t cell = 0; cell < merge->input[0].cells; cell++) {
        const struct observation *found = merge_find(merge, cell, round, &file);

        if (!found)
            continue;
        record[count] = json_copy(found->record);
        json_object_set_new(record[count++], "run_id", merge_fact(merge, file, "run_id"));
    }
    if (count)
        qsort(record, count, sizeof record[0], merge_compare_slots);
    for (size_t i = 0; i < count; i++) {
        samples_write(writer, record[i]);
        json_decref(record[i]);
    }
    free(record);
}

static void merge_write(const struct merge *merge, size_t missing)
{
    json_t *run = merge_run_record(merge), *end;
    struct samples_writer writer;

    samples_create(&writer, merge->output, false);
    samples_write(&writer, run);
    json_decref(run);
    for (int round = 0; round < merge->rounds; round++)
        merge_write_round(merge, &writer, round);
    end = json_pack("{s:s, s:b, s:o}", "t", "end", "complete", missing == 0, "stopped",
                    missing ? json_string("merged without all shards") : json_null());
    samples_write(&writer, end);
    json_decref(end);
    samples_close(&writer);
}

int merge_main(int argc, char **argv)
{
    struct merge merge = {0};
    size_t missing;

    argp_parse(&merge_argp, argc, argv, 0, NULL, &merge);
    if (!merge.output)
        die_usage("merge: name the file to make with -o OUT");
    merge_load(&merge);
    merge_check(&merge);
    missing = merge_missing(&merge);
    merge_write(&merge, missing);
    if (missing)
        fprintf(stderr, "rclab: warning: %s lacks %zu samples; rclab run --resume %s takes them\n", merge.output, missing,
                merge.output);
    printf("%zu files, %d rounds, %zu cells: %s\n", merge.files.count, merge.rounds, merge.input[0].cells, merge.output);
    for (size_t i = 0; i < merge.files.count; i++)
        results_free(&merge.input[i]);
    free(merge.input);
    names_free(&merge.files);
    return EXITS_OK;
}
