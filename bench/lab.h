/*
 * lab.h -- `rclab lab NAME`: predict, run, explain; `rclab labs -o FILE`: all of them as one page. The labs are in labs/.
 */
#ifndef BENCH_LAB_COMMAND_H
#define BENCH_LAB_COMMAND_H

#include <stddef.h>

#include <jansson.h>

#include "labs/lab.h"

int lab_main(int argc, char **argv);
int lab_page_main(int argc, char **argv);

/* The hidden command `rclab lab-worker FD ORDER`: runs one lab in this process and writes its document (lab_run.h) to FD. */
int lab_worker_main(int argc, char **argv);

/* The labs that are linked in, by number: *count of them. Static. */
const struct lab *const *lab_all(size_t *count);

/* For `rclab list labs`: number, name and title of each; the same as JSON, new reference. */
void lab_print_list(void);
json_t *lab_json_list(void);

#endif
