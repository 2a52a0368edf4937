/*
 * trace.h -- the steps of a failing execution, noted while it is followed once more (walk_follow), for lanes.c and stepper.c.
 *
 * run.c, hooks.c and arena.c report each step before they carry it out, so that the last one is the one that failed. Nothing is
 * noted, and one bool is all that is asked, unless trace_is_on.
 */
#ifndef EXPLORE_TRACE_H
#define EXPLORE_TRACE_H

#include "engine.h"

enum step_kind {
    STEP_EVENT,        /* an event of the graph */
    STEP_NATIVE,       /* an atomic access of main, after the threads */
    STEP_READ, STEP_WRITE, /* plain */
    STEP_ALLOC, STEP_ALLOC_ZEROED, STEP_FREE,
    STEP_WAIT,         /* what a thread wants to do and cannot, when all wait */
    STEP_FAIL,         /* a failure that is no access: an assertion, a leak */
};
enum { FROM_NONE = -2, FROM_INIT = -1 }; /* else a step's number */

enum { CALLS = 10 };
struct step {
    uint8_t kind;
    int8_t thread;        /* -1: main */
    bool reads, writes;
    bool has_value;       /* read and written, or data, are known: the step was carried out */
    bool buried;          /* a write whose place in modification order is before another one that was there already */
    bool stale;           /* a newer write than the one that it read from was there */
    bool fails;           /* here it was found */
    bool folded;          /* says nothing about the failure: plain, and nobody else touches that memory */
    struct op op;         /* events, native ones and waits */
    uint64_t read, written; /* plain ones: in `written` what is there afterwards, if it is at most 8 bytes */
    int number;           /* as people see it: counts the steps that are not folded, from 1 */
    int from;             /* the step of the write that it reads, FROM_INIT, FROM_NONE */
    int newest;           /* stale: the step of the newest write, or FROM_INIT */
    int related;          /* of the failing step: the step that it races with, the free that was before it; else FROM_NONE */
    uintptr_t addr;
    size_t bytes;
    unsigned char *data;  /* plain writes of more than 8 bytes */
    uintptr_t call[CALLS]; /* return addresses, the innermost first */
    int calls;
};

extern bool trace_is_on;

/* Forgets what was noted and notes from now on. */
void trace_begin(void);
/* What the steps say about each other; the places in the source. After walk_follow. */
void trace_end(const struct failure *failure, bool fold);
int trace_length(void);
bool trace_folds(void); /* trace_end was asked to */
const struct step *trace_step(int number);

/* What was at the address before the first step; false: it was not there yet. */
bool trace_initial(uintptr_t addr, unsigned bytes, uint64_t *value);
/* What is there when the first `steps` steps have been done; false: not known, or not there yet. */
bool trace_value(uintptr_t addr, unsigned bytes, int steps, uint64_t *value);
bool trace_is_freed(uintptr_t addr);
/* What the step left at that place, if it wrote there and its write is the newest. */
bool trace_wrote(const struct step *s, uintptr_t addr, unsigned bytes, uint64_t *value);

/* In words. */
const char *trace_thread(const struct failure *failure);          /* who failed; "": all together */
const char *trace_verb(const struct step *s);
void trace_name(const struct step *s, char *buf, size_t size);    /* what it accesses; "" for a fence */
void trace_values(const struct step *s, char *buf, size_t size);  /* "1 | QUEUED -> 0 | MERGED"; "" where there are none */
const char *trace_order(const struct step *s);                    /* "acq_rel"; "" for what has no order */
void trace_note(int number, char *buf, size_t size);              /* where it reads from, what is wrong with it; may be "" */

/* The frame to show for a step: the innermost one of the runtime, and the scenario's own; NULL: not known. */
struct frame;
const struct frame *trace_place(const struct step *s);
const struct frame *trace_scenario_place(const struct step *s);

/* --- reported by the engine --- */
void trace_event(int event);
void trace_native(const struct op *op, uintptr_t addr);
void trace_plain(uintptr_t addr, size_t bytes, enum step_kind kind, const void *pc);
void trace_block(uintptr_t at, size_t bytes, enum step_kind kind, const void *pc);
void trace_failure(const void *pc);

#endif
