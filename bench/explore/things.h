/*
 * things.h -- what an address is called and what a value there means: "list#1.rc.shared", "2 | QUEUED".
 *
 * A thing is a block of the arena (an object, a thread's struct, other memory) or a static. Objects of one type are numbered in the
 * order of allocation (main's first, then each thread's), so a thing has the same name in every run of one schedule.
 */
#ifndef EXPLORE_THINGS_H
#define EXPLORE_THINGS_H

#include "engine.h"

struct thing {
    char name[64];
    uintptr_t at;
    size_t bytes;
    int number;                 /* in its name; 0: none */
    bool is_static;
    struct explore_thing is; /* parts == 0: nothing known of what is inside */
};

/* NULL: no memory that has a name. Good until things_forget. */
const struct thing *things_at(uintptr_t addr);
/* The member that the address lies in, with *part; NULL: none has a name. */
const struct explore_field *things_field(const struct thing *t, uintptr_t addr, const struct explore_part **part);
/* The name of the place inside the thing: "rc.shared", "+ 16"; "" for its beginning when nothing is known of the inside. */
void things_place(const struct thing *t, uintptr_t addr, char *buf, size_t size);
/* "list#1.rc.shared" */
void things_name(uintptr_t addr, char *buf, size_t size);
/* What a value of so many bytes at the address means. */
void things_words(uintptr_t addr, uint64_t value, unsigned bytes, char *buf, size_t size);
/* Blocks have come: names are found anew. */
void things_forget(void);

#endif
