/*
 * resume.c -- going on with a file of samples.
 */
#define _GNU_SOURCE 1
#include "resume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "exits.h"
#include "identity.h"
#include "memory.h"

void resume_open(struct resume *resume, const struct options *options, struct samples_writer *file, struct results *results)
{
    const char *path = options->resume ? options->resume : options->output;
    FILE *stream;

    *resume = (struct resume){.option = options->resume ? "--resume" : "--append"};
    if (!path)
        die_usage("--append: name the file with -o FILE");
    samples_reopen(file, path);
    stream = fopen(path, "re"); /* a description of its own: reading does not move the writer */
    if (!stream)
        die(path, errno);
    if (!load_stream(stream, path, results, &resume->tail))
        die_usage("%s %s: it is left as it was", resume->option, path);
}

static bool resume_was_fib(const json_t *run)
{
    const char *command = json_string_value(json_array_get(json_object_get(run, "argv"), 0));

    return command && strcmp(command, "rclab fib") == 0;
}

/* The command line of the record, for the parser to permute. The strings stay the record's. */
static char **resume_argv(const json_t *run, int *argc)
{
    const json_t *list = json_object_get(run, "argv");
    char **argv = memory_alloc(json_array_size(list) + 1, sizeof argv[0]);
    size_t i;
    json_t *word;

    *argc = 0;
    json_array_foreach(list, i, word)
        if (json_is_string(word))
            argv[(*argc)++] = (char *)json_string_value(word);
    if (*argc == 0)
        argv[(*argc)++] = (char[]){"rclab run"};
    return argv;
}

static uint64_t resume_seed(const json_t *run)
{
    json_int_t seed = json_integer_value(json_object_get(run, "seed"));

    if (seed < 0)
        die_usage("seed %" JSON_INTEGER_FORMAT " of the file: allowed is a whole number from 0", seed);
    return (uint64_t)seed;
}

static void resume_append_options(struct options *options, const struct results *results)
{
    uint64_t seed = resume_seed(results->run);

    if (!options->seed_given)
        options->seed = seed;
    if (options->rounds > OPTIONS_MOST_ROUNDS - results->rounds)
        die_usage("--append: %d rounds and %d more are too many; allowed are %d in all", results->rounds, options->rounds,
                  OPTIONS_MOST_ROUNDS);
    options->first_round = results->rounds;
    options->rounds += results->rounds;
}

void resume_options(const struct resume *resume, struct options *options, const struct results *results)
{
    const char *shard = json_string_value(json_object_get(results->run, "shard"));
    char **argv;
    int argc;

    (void)resume;
    if (!options->resume) {
        resume_append_options(options, results);
        return;
    }
    argv = resume_argv(results->run, &argc);
    options_restore(options, resume_was_fib(results->run), argc, argv);
    free(argv);
    options->seed = resume_seed(results->run);
    options->rounds = results->rounds;
    options->shard = options->shards = 1; /* a merged file has the command line of its first part, but all rounds */
    if (shard)
        options_shard(options, shard);
}

static void resume_refuse(const struct resume *resume, const struct samples_writer *file, const char *what, char *difference)
{
    if (difference)
        die_usage("%s %s: another %s, %s (the file's first); the file is left as it was", resume->option, file->path, what,
                  difference);
}

void resume_check(const struct resume *resume, const struct samples_writer *file, const struct results *results,
                  const json_t *now)
{
    const json_t *then = results->run;
    json_t *one = json_object_get(then, "shard"), *other = json_object_get(now, "shard");

    resume_refuse(resume, file, "plan", identity_plan_difference(then, now));
    if (one && !json_equal(one, other))
        resume_refuse(resume, file, "plan",
                      memory_text("shard: %s and %s", json_is_string(one) ? json_string_value(one) : "none",
                                  json_is_string(other) ? json_string_value(other) : "none"));
    resume_refuse(resume, file, "host", identity_host_difference(then, now));
    resume_refuse(resume, file, "host", identity_kernel_difference(then, now));
    resume_refuse(resume, file, "plan", identity_cpus_difference(then, now));
    resume_refuse(resume, file, "build", identity_build_difference(then, now));
}

void resume_mend(const struct resume *resume, const struct samples_writer *file)
{
    if (resume->tail.cut && ftruncate(file->fd, resume->tail.whole))
        die(file->path, errno);
    if (resume->tail.unended && write(file->fd, "\n", 1) != 1)
        die(file->path, errno);
}
