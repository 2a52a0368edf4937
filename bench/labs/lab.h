/*
 * lab.h -- what a lab is, and what its code may use. README.md tells how to add one.
 *
 * A lab is two files: NAME.c, which defines LAB(…), and NAME.md, the text for people. The Makefile finds both; the name is
 * the file's. run() is called in a process of its own, alone on the machine as far as rclab can see to it. It does not print: it
 * adds blocks (figures, bars, tables, timelines, lanes) to its result, which is then drawn twice, for the terminal and for the page, and
 * says at the end whether the observable came out: lab_shown or lab_not_shown, with the reason. A lab that says neither has failed.
 *
 * Texts given to these functions are copied. Times are nanoseconds.
 */
#ifndef BENCH_LAB_H
#define BENCH_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lab_run; /* one run in progress */

struct lab {
    const char *name, *text; /* the file's name; its .md. Set by LAB */
    int number;              /* of the experiment, in the order in which labs are taught */
    void (*run)(struct lab_run *run);
};

/* In NAME.c, once: LAB(.number = 3, .run = update_run); LAB_NAME is NAME, from the Makefile. */
#define LAB(...)                                                                                                              \
    __asm__(".pushsection .rodata\nlab_text: .incbin \"bench/labs/" LAB_NAME ".md\"\n.byte 0\n.popsection");                  \
    extern const char lab_text[] __attribute__((visibility("hidden")));                                                       \
    static const struct lab lab_this = {.name = LAB_NAME, .text = lab_text, __VA_ARGS__};                                     \
    static const struct lab *const lab_entry __attribute__((used, section("rclab_labs"))) = &lab_this

/* --- what was found: each call adds to the result, in this order --- */

/* A paragraph. */
void lab_say(struct lab_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A value by itself; neighbours make one list. `spread`: the median distance from the median, in the same unit; below 0: none.
 * A unit of "" is a count. */
void lab_figure(struct lab_run *run, const char *label, double value, const char *unit, double spread);

/* A bar chart, and its bars: longer is more. `note`: what stands beside a bar, or NULL. */
void lab_bars(struct lab_run *run, const char *caption, const char *unit);
void lab_bar(struct lab_run *run, const char *label, double value, double spread, const char *note);

/* A table: columns separated by '|', one that begins with '>' is aligned to the right. A row is a text with as many '|'. */
void lab_table(struct lab_run *run, const char *caption, const char *columns);
void lab_row(struct lab_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What happened when: lanes from `begin` to `end` (ns), spans in the lane added last. What is outside is cut, what is left free
 * is drawn empty. Each kind that is used needs its words. */
enum lab_kind { LAB_RUN, LAB_HOLD, LAB_WAIT, LAB_MOVE, LAB_IO, LAB_KINDS };
void lab_timeline(struct lab_run *run, const char *caption, int64_t begin, int64_t end);
void lab_legend(struct lab_run *run, enum lab_kind kind, const char *words);
void lab_lane(struct lab_run *run, const char *name);
void lab_span(struct lab_run *run, enum lab_kind kind, int64_t from, int64_t to);

/* The observable came out; or it did not, and why: "this machine has one CPU". The last call counts. */
void lab_shown(struct lab_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lab_not_shown(struct lab_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Which of the choices under "Prediction" came true here: 'a' is the first. */
void lab_answer(struct lab_run *run, char choice);

/* --- what there is to use --- */

/* Of the time that the lab may take (--seconds), this share. */
int64_t lab_share(const struct lab_run *run, double share);

/* CPUs this process may use. lab_needs_cpus: false, and lab_not_shown has been called, when there are fewer. */
int lab_cpus(const struct lab_run *run);
bool lab_needs_cpus(struct lab_run *run, int cpus);

/* The same for a strategy that this build may lack. */
bool lab_needs_strategy(struct lab_run *run, const char *strategy);

int64_t lab_now(void);

/* `threads` threads, thread i on the i-th CPU (cores first, then around again), beginning together: body(arg, i) each. Dies when
 * they cannot be had. */
void lab_threads(struct lab_run *run, int threads, void (*body)(void *arg, int thread), void *arg);

/* What one operation costs one thread, ns, when `threads` of them do nothing else: batch(arg, i) does some hundred operations (100 µs
 * at most) and returns how many. Taken in slices of 1.5 ms for about `ns`; the median of those in which no thread had to wait for a CPU, if
 * there are any: other work on the machine then disturbs less. */
double lab_cost(struct lab_run *run, int threads, int64_t ns, uint64_t (*batch)(void *arg, int thread), void *arg);

/* How long something takes, looked at several times. A zeroed one is empty; more than LAB_SERIES values are dropped. */
enum { LAB_SERIES = 256 };
struct lab_series {
    double value[LAB_SERIES];
    size_t count;
};
void lab_add(struct lab_series *series, double value);
double lab_median(const struct lab_series *series); /* NAN when empty */
double lab_mad(const struct lab_series *series);
double lab_least(const struct lab_series *series);

/* --- the engine: `rclab run` and `rclab explore`, in processes of their own --- */

/* Runs `rclab run WORDS` (separated by blanks) for `rounds` rounds that measure `ms` milliseconds in each cell, and keeps the samples. The
 * command is part of the result, so that people can repeat it with more rounds. False: it failed, and lab_not_shown said so. */
struct results;
const struct results *lab_measure(struct lab_run *run, int rounds, int ms, const char *words);

/* Runs `rclab WORDS` and keeps the command in the result. What it wrote: the caller frees it. NULL: it failed, and lab_not_shown said so. */
char *lab_program(struct lab_run *run, const char *words);

/* Draws who ran when: one sample of the workload turns with these further words ("-s gil -t 3"), the first `ms` milliseconds of its
 * measured part. `names`: of the threads. False: it failed, and nothing is drawn. */
bool lab_draw_turns(struct lab_run *run, const char *caption, const char *words, int ms, const char *const *names, int threads);

/* A metric (enum results_metric) of the cell of that key, "counter/gil/t2/kind=racy"; empty if there is none. */
void lab_metric(const struct results *results, const char *key, int metric, struct lab_series *series);
/* A fact that the workload tells, of each sample. */
void lab_facts(const struct results *results, const char *key, const char *fact, struct lab_series *series);
/* The same as whole numbers, for facts of 64 bits: at most `most` of them, how many there are. */
size_t lab_fact_values(const struct results *results, const char *key, const char *fact, int64_t *value, size_t most);
/* Samples of the cell that failed (wrong answer, crash, hang), and all. */
void lab_failures(const struct results *results, const char *key, int *failed, int *samples);

/* A scenario through the explorer; what it found becomes a part of the result: the failing execution with its lanes, or the
 * number of executions that were all right. `options`: more words for its command line, or "". */
enum lab_verdict { LAB_PROVED, LAB_FAILS, LAB_UNKNOWN };
enum lab_verdict lab_explore(struct lab_run *run, const char *scenario, const char *strategy, const char *options);

#endif
