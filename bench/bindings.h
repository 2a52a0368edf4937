/*
 * bindings.h -- what -L gives: variables, each with the values that it may take. A zeroed struct holds none.
 * Only the form is checked here; plan_check_bindings() checks names and values against what is linked in.
 */
#ifndef BENCH_BINDINGS_H
#define BENCH_BINDINGS_H

#include <argp.h>
#include <stddef.h>

#include "names.h"

struct binding {
    char *name;
    struct names values;
};

struct bindings {
    struct binding *item;
    size_t count;
};

/* The argument of one -L: "VAR=V1,V2", "VAR V1,V2" in one word, or VAR with the values in the next word, which is taken then. Exits 2 on
 * any other form. */
void bindings_parse(struct bindings *bindings, const char *text, struct argp_state *state);

struct names *bindings_values(struct bindings *bindings, const char *name, size_t length); /* to add to; there is none: an empty list */
const struct names *bindings_of(const struct bindings *bindings, const char *name);        /* NULL: it was not given */
void bindings_free(struct bindings *bindings);

#endif
