/*
 * resume.h -- going on with a file of samples: `--resume FILE` takes what is missing, `--append -o FILE` further rounds.
 * The file is touched only after it and the new plan have been checked; until then any refusal leaves it as it was.
 */
#ifndef BENCH_RESUME_H
#define BENCH_RESUME_H

#include "load.h"
#include "options.h"
#include "results.h"
#include "samples.h"

struct resume {
    const char *option; /* "--resume" or "--append": for messages */
    struct load_tail tail;
};

/* Opens, locks and reads the file. Exits 2 if it cannot be gone on with. */
void resume_open(struct resume *resume, const struct options *options, struct samples_writer *file, struct results *results);

/* Sets the options by the file: with --resume all that decide what is measured, with --append the seed and the sum of the
 * rounds. They borrow from the run record. */
void resume_options(const struct resume *resume, struct options *options, const struct results *results);

/* Exits 2, naming the difference, if `now` (the record a new run would have) is another plan, host or build. */
void resume_check(const struct resume *resume, const struct samples_writer *file, const struct results *results,
                  const json_t *now);

/* Cuts the piece of a line off that a crash left. */
void resume_mend(const struct resume *resume, const struct samples_writer *file);

#endif
