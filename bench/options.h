/*
 * options.h -- the command line of `rclab run` and `rclab fib`. Only its form is checked here; names are checked against
 * what is linked in by plan.h, where the catalogue is at hand.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bindings.h"
#include "names.h"
#include "place.h"
#include "results.h"
#include "runtime.h"
#include "table.h"

enum { OPTIONS_MOST_ROUNDS = RESULTS_MOST_ROUNDS, OPTIONS_FAST_ROUNDS = 5, OPTIONS_ROUNDS = 20, OPTIONS_RIGOROUS_ROUNDS = 40 };

struct options {
    bool fib;                         /* called as `rclab fib` */
    struct names strategies, workloads; /* empty: all */
    int threads[RUNTIME_MAX_THREADS]; /* thread counts to run, each once */
    size_t thread_counts;
    struct bindings bindings; /* -L: variables and the values they take in turn */
    const char *output; /* NULL: the default place */
    bool force;         /* overwrite it */
    const char *resume; /* a file to complete; NULL: none */
    bool append;        /* further rounds into `output` */
    int fixed;          /* key of an option that --resume does not allow; 0: none was given */
    int rounds;         /* in all, those of the file included */
    int first_round;    /* 0 but for --append */
    int shard, shards;  /* this part of so many, from 1 */
    bool no_lock;
    bool fast, rigorous;
    int64_t warmup_ns, min_ns, timeout_ns, budget_ns; /* budget 0: none */
    const char *affinity;                             /* NULL: as it is */
    enum place_policy place;
    uint64_t seed;         /* below 2^63, so that JSON keeps it */
    bool seed_given;
    const char *reference; /* NULL: the default */
    bool stats, strict, force_verdicts, quiet;
    struct pace pace;    /* --latency, --rate, --request */
    struct names events; /* -e; empty: all */
    bool no_counters, require_counters, count_instructions;
    enum table_style style;
};

/* Exit 2 with a message on any mistake. `argv[0]` is the command's name as the user typed it. */
void options_parse_run(struct options *options, int argc, char **argv);
void options_parse_fib(struct options *options, int argc, char **argv);
void options_free(struct options *options);

/* For --resume: parses the command line of the file's record. What only says how to go on (budget, style …) stays. */
void options_restore(struct options *options, bool fib, int argc, char **argv);
void options_shard(struct options *options, const char *text); /* "I/N" */

/* For the other commands too. Exits 2 unless `text` is a whole number from min to max; `what` is the option. */
int64_t options_number(const char *what, const char *text, int64_t min, int64_t max);
int64_t options_time(const char *what, const char *text);
uint64_t options_random_seed(void);

#endif
